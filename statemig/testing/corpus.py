"""Recorded states, in git beside the project: ``corpus/<revision>/<digest>.json``. Every law tries them first.

::

    {"format": 1, "revision": "...", "note": "...", "redacted": true, "document": {run document}}

What is recorded is redacted unless somebody says otherwise: every text and number that the schema does not list is replaced by one of the
same kind, letter for letter and digit for digit, so that what breaks still breaks. Equal values stay equal. What replaces what is kept
nowhere.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from statemig import json_text
from statemig.document import Document
from statemig.errors import StatemigError
from statemig.shapes.accept import accepts
from statemig.shapes.sample import sampler
from statemig.shapes.shape import (
    Enum,
    ListOf,
    MapOf,
    Object,
    Schema,
    Shape,
    TupleOf,
    Union,
)
from statemig.workflow.run_shape import outputs_of, state_of
from statemig.workflow.snapshot import Snapshot

JSON = Any
FORMAT: Final = 1
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """One file of the corpus."""

    file: Path
    revision: str
    note: str
    redacted: bool
    document: Document


class Corpus:
    """The folder ``corpus`` of a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, revision: str, document: Document, *, note: str = "", redacted: bool = True) -> Path:
        """Write a file, named by what is in it. The same document again is the same file."""
        content = {
            "format": FORMAT,
            "revision": revision,
            "note": note,
            "redacted": redacted,
            "document": document,
        }
        file = self.folder / revision / f"{json_text.digest(document)[:12]}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(json_text.pretty(content) + b"\n")
        return file

    def all(self) -> Iterator[Recorded]:
        """By revision and name. Raises `StatemigError` naming a file that cannot be read."""
        if not self.folder.is_dir():
            return
        for file in sorted(self.folder.glob("*/*.json")):
            try:
                content = json_text.loads(file.read_bytes())
                document = content.get("document", content)
            except (ValueError, AttributeError) as error:
                raise StatemigError(
                    f"{file} is no recorded state", hint="Remove it, or record it again"
                ) from error
            yield Recorded(
                file,
                file.parent.name,
                str(content.get("note", "")),
                bool(content.get("redacted", False)),
                document,
            )


def redacted(document: Document, snapshot: Snapshot, salt: str | None = None) -> Document:
    """The document with other texts and numbers. What the schema lists (enums, tags, constants), names of steps and fields, and null and
    booleans stay. `salt` makes it repeatable; without it nobody can tell what was there by trying."""
    disguise = _Disguise(salt or secrets.token_hex(16))
    found = dict(document)
    state = state_of(snapshot.stored)
    found["state"] = disguise.value(document.get("state"), state.root, state)
    if "outputs" in document:
        known = outputs_of(snapshot.stored)
        found["outputs"] = {
            step: disguise.value(value, known[step].root, known[step])
            if step in known
            else disguise.plain(value)
            for step, value in document["outputs"].items()
        }
    if "cursor" in document:
        found["cursor"] = [
            {
                key: disguise.plain(value) if key in ("payload", "answer", "key") else value
                for key, value in each.items()
            }
            for each in document["cursor"]
        ]
    if "pending" in document:
        fields = state.resolve(state.root)
        properties = fields.properties if isinstance(fields, Object) else {}
        found["pending"] = [
            {
                **each,
                "writes": {
                    key: disguise.value(value, properties[key].shape, state)
                    if key in properties
                    else disguise.plain(value)
                    for key, value in each.get("writes", {}).items()
                },
            }
            for each in document["pending"]
        ]
    return found


class _Disguise:
    def __init__(self, salt: str) -> None:
        self.salt = salt

    def value(self, value: JSON, shape: Shape, schema: Schema) -> JSON:
        shape = schema.resolve(shape)
        match shape, value:
            case Union(members), _:
                fitting = [each for each in members if accepts(each, value, schema)]
                return self.value(value, fitting[0], schema) if fitting else self.plain(value)
            case Enum(), _ if accepts(shape, value, schema):
                return value
            case Object(properties), dict():
                return {
                    key: self.value(each, properties[key].shape, schema)
                    if key in properties
                    else self.plain(each)
                    for key, each in value.items()
                }
            case MapOf(values, keys), dict():
                return {
                    self.value(key, keys, schema): self.value(each, values, schema)
                    for key, each in value.items()
                }
            case ListOf(items), list():
                return [self.value(each, items, schema) for each in value]
            case TupleOf(slots, rest), list():
                inner = [*slots, *([rest] * (len(value) - len(slots)) if rest is not None else ())]
                return [
                    self.value(each, inner[at], schema) if at < len(inner) else self.plain(each)
                    for at, each in enumerate(value)
                ]
            case _:
                return self._scalar(value, shape, schema)

    def _scalar(self, value: JSON, shape: Shape, schema: Schema) -> JSON:
        made = self.plain(value)
        if accepts(shape, made, schema) or not accepts(shape, value, schema):
            return made
        for number in range(_TRIES):  # a format, a pattern or a bound
            made = self.plain(value, number + 1)
            if accepts(shape, made, schema):
                return made
        return sampler(schema)(shape, self._random(value), False)

    def plain(self, value: JSON, attempt: int = 0) -> JSON:
        """The same kind of value, knowing no schema.."""
        match value:
            case str():
                random = self._random(value, attempt)
                return "".join(_character(each, random) for each in value)
            case bool() | None:
                return value
            case int() if abs(value) > 1:
                random = self._random(value, attempt)
                digits = len(str(abs(value)))
                return (1 if value > 0 else -1) * random.randint(max(2, 10 ** (digits - 1)), 10**digits - 1)
            case float() if value not in (0.0, 1.0, -1.0):
                random = self._random(value, attempt)
                other = abs(value) * random.uniform(0.5, 1.5)
                return (1 if value > 0 else -1) * (float(round(other)) if value.is_integer() else other)
            case list():
                return [self.plain(each) for each in value]
            case dict():
                return {self.plain(key): self.plain(each) for key, each in value.items()}
            case _:
                return value

    def _random(self, value: JSON, attempt: int = 0) -> Random:
        return Random(f"{self.salt}/{attempt}/{value!r}")


def _character(character: str, random: Random) -> str:
    if character in string.digits:
        return random.choice(string.digits)
    if character in string.ascii_lowercase:
        return random.choice(string.ascii_lowercase)
    if character in string.ascii_uppercase:
        return random.choice(string.ascii_uppercase)
    if character.isalpha():
        return random.choice("äößçñøβδλ")
    return character


__all__ = ["FORMAT", "Corpus", "Recorded", "redacted"]
