"""Documents for the oracle of the rules, made from pydantic's own JSON Schema, and what a pydantic model makes of them.

Nothing in here knows a shape of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

import jsonschema_rs
from pydantic import BaseModel, TypeAdapter, ValidationError

JSON = Any
TEXTS = (
    *("", "a", "b", "c", "abc", "aac", "1", "0", "true", "on", "low", "a longer text with words"),
    *("2020-01-01", "2020-01-01T00:00:00", "00000000-0000-4000-8000-000000000000"),
)
BY_FORMAT = {
    "date": ("2020-01-01", "1999-12-31"),
    "date-time": ("2020-01-01T00:00:00", "2021-05-06T07:08:09Z"),
    "uuid": ("00000000-0000-4000-8000-000000000000", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
}
BY_ENCODING = {"base64": ("TQ==", "aGVsbG8="), "base16": ("4D", "68656C6C6F")}
INTEGERS = (0, 1, 2, 3, 4, -1, -2, 5, 6, 8, 12, 1000, 2**53 + 1)
FRACTIONS = (0.5, -1.5, 2.0, 2.25, 3.0, 1e9)
NOTHING = object()


class NoSuchValue(Exception):
    """The schema has no value among those that are tried."""


class Drawing:
    def __init__(self, schema: Mapping[str, Any], random: Random) -> None:
        self.definitions = schema.get("$defs", {})
        self.random = random

    def value(self, schema: Any, depth: int = 0) -> JSON:
        choose = self.random.choice
        if not isinstance(schema, dict) or not schema.keys() - {"title", "description", "default"}:
            return choose([None, True, 1, 0.5, "a", [1], {"a": "b"}])
        if "$ref" in schema:
            return self.value(self.definitions[schema["$ref"].rsplit("/", 1)[1]], depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return choose(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self.value(choose(schema[word]), depth)
        match schema["type"]:
            case "null":
                return None
            case "boolean":
                return choose([True, False])
            case "integer":
                return self.fitting(schema, INTEGERS)
            case "number":
                return self.fitting(schema, INTEGERS + FRACTIONS)
            case "string":
                pool = BY_FORMAT.get(schema.get("format", ""), TEXTS)
                return self.fitting(schema, BY_ENCODING.get(schema.get("contentEncoding", ""), pool))
            case "array":
                return self.array(schema, depth)
            case _:
                return self.object(schema, depth)

    def fitting(self, schema: Mapping[str, Any], pool: tuple[Any, ...]) -> JSON:
        allowed = [value for value in pool if jsonschema_rs.is_valid(dict(schema), value)]
        if not allowed:
            raise NoSuchValue(schema)
        return self.random.choice(allowed)

    def size(self, low: int, high: int | None, depth: int) -> int:
        return self.random.randint(low, low if depth > 3 else min(low + 3, low + 3 if high is None else high))

    def array(self, schema: Mapping[str, Any], depth: int) -> list[JSON]:
        slots = [self.value(slot, depth + 1) for slot in schema.get("prefixItems", ())]
        if "items" not in schema:
            return slots
        found: list[JSON] = slots
        for _ in range(self.size(schema.get("minItems", 0), schema.get("maxItems"), depth)):
            item = self.value(schema["items"], depth + 1)
            if not (schema.get("uniqueItems") and item in found):
                found.append(item)
        if len(found) < schema.get("minItems", 0):
            raise NoSuchValue(schema)
        return found

    def object(self, schema: Mapping[str, Any], depth: int) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        for key, inner in schema.get("properties", {}).items():
            needed = key in schema.get("required", ())
            if needed or (depth < 4 and self.random.random() < 0.5):
                found[key] = self.value(inner, depth + 1)
        extra = schema.get("additionalProperties", False)
        if extra is False:
            return found
        low, high = schema.get("minProperties", 0), schema.get("maxProperties")
        keys = schema.get("propertyNames", {})
        for _ in range(self.size(low, high, depth) * (2 if low else 1)):
            if high is None or len(found) < high:
                key = self.value({"type": "string", **keys})
                if key not in schema.get("properties", {}):
                    found[key] = self.value(extra, depth + 1)
        return found


@dataclass(frozen=True)
class Reader:
    """A version of an application: a pydantic model, which reads what its own JSON Schema and it both accept."""

    model: type[BaseModel]

    @cached_property
    def schema(self) -> dict[str, Any]:
        return self.model.model_json_schema(by_alias=True)

    @cached_property
    def validator(self) -> Any:
        return jsonschema_rs.validator_for(self.schema)

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.model)

    def written(self, random: Random, number: int) -> Iterator[JSON]:
        """Documents as this version stores them: full dumps, and dumps of what was set only."""
        drawing = Drawing(self.schema, random)
        for _ in range(number):
            try:
                drawn = drawing.value(self.schema)
                loaded = self.adapter.validate_json(json.dumps(drawn))
            except (NoSuchValue, ValidationError):
                continue
            text = self.adapter.dump_json(loaded, by_alias=True, exclude_unset=random.random() < 0.6)
            document = json.loads(text)
            if self.reads(document):  # its own JSON Schema may be narrower than what it dumps
                yield document

    def reads(self, document: JSON) -> bool:
        return bool(self.validator.is_valid(document)) and self.loaded(document) is not NOTHING

    def loaded(self, document: JSON) -> JSON:
        """The document as this version would write it again; NOTHING where it does not read it."""
        try:
            found = self.adapter.validate_json(json.dumps(document))
        except ValidationError:
            return NOTHING
        return json.loads(self.adapter.dump_json(found, by_alias=True))

    def loses(self, document: JSON, random: Random) -> bool | None:
        """Whether a stored value is lost where nothing happens but that what is missing gets filled in, and what is forbidden
        is dropped. None where the document is refused for another reason, so that nobody reads it at all."""
        mended = json.loads(json.dumps(document))
        for _ in range(40):
            try:
                self.adapter.validate_json(json.dumps(mended))
            except ValidationError as error:
                problems = error.errors(include_url=False)
                if not self._mend(mended, problems, random):
                    return None
            else:
                break
        if not self.validator.is_valid(mended):
            return None
        return not contains(self.loaded(mended), document)

    def _mend(self, document: JSON, problems: list[Any], random: Random) -> bool:
        """Fill in what is missing and drop what is forbidden, where the errors name such places of the document."""
        mended = False
        for problem in problems:
            if problem["type"] == "too_long" and problem["ctx"]["field_type"] == "Tuple":
                slots = _at(document, list(problem["loc"]))
                del slots[problem["ctx"]["max_length"] :]  # there is no place for the others
                mended = True
                continue
            *above, key = problem["loc"]
            holder = _at(document, above)
            if not isinstance(holder, dict):
                continue
            if problem["type"] == "missing":
                holder[key] = self._somewhere(key, random)
                mended = True
            elif problem["type"] == "extra_forbidden" and key in holder:
                del holder[key]
                mended = True
        return mended

    def _somewhere(self, key: str, random: Random) -> JSON:
        """A value for a missing field: drawn from what some object of the schema says of a field of that name."""
        for found in _properties(self.schema):
            if key in found:
                return Drawing(self.schema, random).value(found[key])
        raise AssertionError(f"no field {key}")


def _properties(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema["properties"]
        for inner in schema.values():
            yield from _properties(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _properties(inner)


def _at(document: JSON, loc: list[str | int]) -> JSON:
    """The place of an error, which names members of unions in between."""
    value = document
    for part in loc:
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]
        elif isinstance(part, int):
            return NOTHING
    return value


def contains(after: JSON, before: JSON) -> bool:
    """Whether every value of `before` is in `after` at its place. Numbers are equal as numbers."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            key in after and contains(after[key], value) for key, value in before.items()
        )
    if isinstance(before, list):
        return (
            isinstance(after, list)
            and len(after) == len(before)
            and all(contains(*both) for both in zip(after, before, strict=True))
        )
    if isinstance(before, bool) or isinstance(after, bool):
        return after is before
    return bool(after == before)
