"""JSON Schema of pydantic types, with what pydantic's own loses kept as `x-statemig` hints.

A `GenerateJsonSchema` that builds every object itself from the core schema, whose form has been stable since
pydantic 2.8, so that the same model gives the same schema on every version: which keys a dump contains under the
profile, which other keys a reader accepts, Decimal, the keys of maps, names of enum members, discriminators under the
keys that are really written, third-party classes by name.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

import pydantic_core
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticOmit

from statemig.workflow.definition import WAS_HINT, DumpProfile
from statemig.workflow.nodes import (
    HINTS,
    Node,
    enum_node,
    keys_of_map,
    settle_tags,
    tidy,
    unwrapped,
    without_null,
)
from statemig.workflow.ownership import common_package, is_foreign, opaque_name

Mode = Literal["validation", "serialization"]

# How NaN stands in JSON text written by pydantic. Said with const, so that `exclude_none`, which looks at Python's None, leaves it.
_NAN_AS: Final[Mapping[str, list[Node]]] = {
    "null": [{"const": None}],
    "strings": [{"enum": ["NaN", "Infinity", "-Infinity"]}],
}
_EMPTY_FACTORIES: Final[tuple[Any, ...]] = (list, dict, set, frozenset, tuple, str, int, float, bool)
_CLASSES: Final = ("model", "dataclass", "typed-dict", "enum")
_MASK: Final = "**********"  # how pydantic shows a SecretStr
_METADATA_FUNCTIONS: Final = "pydantic_js_annotation_functions"


def generate(
    core_schemas: Sequence[tuple[str, Any]], mode: Mode, profile: DumpProfile, own: Collection[str]
) -> tuple[dict[str, Node], dict[str, Node]]:
    """JSON Schemas of several types by their keys, and the definitions that they share.

    `core_schemas`: pairs of a key and pydantic's core schema. `own`: packages whose classes are not opaque.
    """
    generator = _Generator(profile, own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts, definitions = generator.generate_definitions([(key, mode, core) for key, core in core_schemas])
    plain: dict[str, Node] = {str(name): tidy(node) for name, node in definitions.items()}
    keyed: dict[str, Node] = {key: tidy(node) for (key, _), node in parts.items()}
    for node in (*plain.values(), *keyed.values()):
        settle_tags(node, plain)
    return keyed, plain


@dataclass(frozen=True, slots=True)
class _Keys:
    """The key under which a field stands in JSON and the others that a reader accepts; `deep` where only a path inside another
    key is read (`AliasPath("user", "name")`)."""

    key: str
    others: tuple[str, ...] = ()
    deep: bool = False


class _Generator(GenerateJsonSchema):
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default", "skipped-discriminator"}  # noqa: RUF012

    def __init__(self, profile: DumpProfile, own: Collection[str]) -> None:
        super().__init__(by_alias=profile.by_alias)
        self.profile = profile
        self.own = own
        self.configs: list[Mapping[str, Any]] = [{}]

    # -- any schema ----------------------------------------------------------------------------------------------------

    def generate_inner(self, schema: Any) -> Node:
        cls = _class_of(schema)
        if cls is not None and is_foreign(cls, self.own):
            # The definition keeps its reference, so that whoever refers to it finds it.
            opaque: Node = {"type": "is-instance", "cls": cls}
            return super().generate_inner({**opaque, "ref": schema["ref"]} if "ref" in schema else opaque)
        metadata = schema.get("metadata") or {}
        functions = metadata.get(_METADATA_FUNCTIONS, ())
        if any(_skips(function) for function in functions):
            # SkipJsonSchema hides a type from an API's documentation; it is stored all the same.
            kept = [function for function in functions if not _skips(function)]
            schema = {**schema, "metadata": {**metadata, _METADATA_FUNCTIONS: kept}}
        return super().generate_inner(schema)

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Node:
        return {}

    def is_instance_schema(self, schema: Any) -> Node:
        return {HINTS: {"opaque": opaque_name(schema["cls"])}}

    def callable_schema(self, schema: Any) -> Node:
        return {HINTS: {"opaque": "collections.abc.Callable"}}

    def ser_schema(self, schema: Any) -> Node | None:
        function = schema.get("function")
        if function is not None and schema.get("return_schema") is None and not _is_pydantics(function):
            return {}  # a serializer of the author's own that does not say what it returns
        return super().ser_schema(schema)

    # -- scalars -------------------------------------------------------------------------------------------------------

    def float_schema(self, schema: Any) -> Node:
        plain: Node = {"type": "number"}
        self.update_with_validations(plain, schema, self.ValidationsMapping.numeric)
        plain = {key: value for key, value in plain.items() if isinstance(value, str) or math.isfinite(value)}
        config = self.configs[-1]
        allowed = schema.get("allow_inf_nan", config.get("allow_inf_nan", True))
        if self.mode == "validation" or not allowed or self.profile.mode != "json":
            return plain
        others = _NAN_AS.get(config.get("ser_json_inf_nan", "null"), [])
        return {"anyOf": [plain, *others]} if others else plain

    def decimal_schema(self, schema: Any) -> Node:
        text: Node = {"type": "string", HINTS: {"decimal": True}}
        if self.mode == "serialization":
            return text
        bounds = {
            bound: float(schema[bound])
            for bound in ("multiple_of", "le", "ge", "lt", "gt")
            if schema.get(bound) is not None
        }
        number: Node = {"type": "number"}
        self.update_with_validations(number, bounds, self.ValidationsMapping.numeric)
        return {"anyOf": [number, text]}

    def literal_schema(self, schema: Any) -> Node:
        return enum_node([value.value if isinstance(value, Enum) else value for value in schema["expected"]])

    def enum_schema(self, schema: Any) -> Node:
        members = schema["members"]
        node = enum_node([member.value for member in members])
        if "enum" in node:
            node[HINTS] = {"enum_names": [member.name for member in members]}
        return {**node, "title": schema["cls"].__name__}

    def default_schema(self, schema: Any) -> Node:
        node = dict(self.generate_inner(schema["schema"]))
        default = self._default(schema)
        return {**node, "default": default[0]} if default else node

    def _default(self, schema: Any) -> tuple[Any] | None:
        """The default as JSON in a tuple of one, None where there is none or only running code would tell."""
        if "default" in schema:
            value = schema["default"]
        elif schema.get("default_factory") in _EMPTY_FACTORIES:
            value = schema["default_factory"]()
        else:
            return None
        try:
            plain = pydantic_core.to_jsonable_python(
                value,
                by_alias=self.profile.by_alias,
                exclude_none=self.profile.exclude_none,
                inf_nan_mode="constants",
            )
            json.dumps(plain, allow_nan=False)
        except (ValueError, TypeError):
            return None
        if _MASK in json.dumps(plain):
            return None  # a secret; what stands for it is not a value to fill in
        if isinstance(value, set | frozenset):
            plain = sorted(plain, key=json.dumps)
        return (plain,)

    # -- containers ----------------------------------------------------------------------------------------------------

    def dict_schema(self, schema: Any) -> Node:
        values = self.generate_inner(schema["values_schema"]) if "values_schema" in schema else {}
        node: Node = {"type": "object", "additionalProperties": values or True}
        self.update_with_validations(node, schema, self.ValidationsMapping.object)
        keys = self._resolved(self.generate_inner(schema["keys_schema"])) if "keys_schema" in schema else {}
        return {**node, **keys_of_map(keys)}

    def _resolved(self, node: Node) -> Node:
        """What a reference leads to; a record that is still being generated stays a reference."""
        for _ in range(10):
            try:
                found = self.get_schema_from_definitions(node["$ref"]) if "$ref" in node else None
            except KeyError:
                found = None
            if found is None:
                break
            node = found
        return node

    def union_schema(self, schema: Any) -> Node:
        node: Node = super().union_schema(schema)
        in_order = schema.get("mode") == "left_to_right" and "anyOf" in node
        return {**node, HINTS: {"in_order": True}} if in_order else node

    def tagged_union_schema(self, schema: Any) -> Node:
        mapping: dict[str, Node] = {}
        for value, choice in schema["choices"].items():
            value = value.value if isinstance(value, Enum) else value
            mapping[value if isinstance(value, str) else json.dumps(value)] = self.generate_inner(choice)
        members: list[Node] = []
        for member in mapping.values():
            if member not in members:
                members.append(member)
        names = [self._resolved(member).get(HINTS, {}).get("opaque") for member in members]
        if members and all(names) and (package := common_package(names)):
            # A library's own union, which grows with its releases.
            return {HINTS: {"opaque": package}}
        node: Node = {"oneOf": members}
        keys = _single_keys(schema["discriminator"])
        if keys and all("$ref" in member for member in members):
            targets = {value: member["$ref"] for value, member in mapping.items()}
            # Which of the candidates is the key in the data shows when all the members are known.
            node["discriminator"] = {"propertyName": keys[0], "candidates": keys, "mapping": targets}
        return node

    # -- records -------------------------------------------------------------------------------------------------------

    def model_schema(self, schema: Any) -> Node:
        return self._record(schema, schema["cls"])

    def dataclass_schema(self, schema: Any) -> Node:
        return self._record(schema, schema["cls"])

    def typed_dict_schema(self, schema: Any) -> Node:
        with_config = schema if "config" in schema else {**schema, "config": self.configs[-1]}
        self.configs.append(with_config["config"] or {})
        try:
            total = schema.get("total", True)
            fields = [(name, field, total) for name, field in schema["fields"].items()]
            node = self._object(schema, fields)
            cls = _class_of(schema)
            return node if cls is None else {**node, "title": cls.__name__}
        finally:
            self.configs.pop()

    def model_fields_schema(self, schema: Any) -> Node:
        return self._object(schema, [(name, field, True) for name, field in schema["fields"].items()])

    def dataclass_args_schema(self, schema: Any) -> Node:
        return self._object(schema, [(field["name"], field, True) for field in schema["fields"]])

    def _record(self, schema: Any, cls: type) -> Node:
        self.configs.append(schema.get("config") or {})
        try:
            node = self.generate_inner(schema["schema"])
        finally:
            self.configs.pop()
        return {**node, "title": cls.__name__} if "properties" in node else node

    def _object(self, schema: Any, fields: Sequence[tuple[str, Any, bool]]) -> Node:
        properties: dict[str, Node] = {}
        required: list[str] = []
        for name, field, total in fields:
            if self._is_absent(field):
                continue
            keys = self._keys(name, field)
            if keys.deep:
                properties.setdefault(keys.key, {})
                continue
            default = _default_of(field)
            node = self._property(field, name, keys)
            is_required = self._is_required(field, total, default)
            if self.mode == "serialization" and self.profile.exclude_none:
                node, nullable = self._without_null(node)
                is_required = is_required and not nullable
            properties[keys.key] = node
            if is_required:
                required.append(keys.key)
        for computed in schema.get("computed_fields", ()) if self.mode == "serialization" else ():
            name = computed["property_name"]
            keys = _Keys(computed.get("alias", name) if self.profile.by_alias else name)
            node = self._property(computed, name, keys)
            nullable = computed.get("serialization_exclude_if") is not None
            if self.profile.exclude_none:
                node, is_null = self._without_null(node)
                nullable = nullable or is_null
            properties[keys.key] = node
            if not nullable:
                required.append(keys.key)
        node = {"type": "object", "properties": properties}
        if required:
            node["required"] = required
        return {**node, **self._extras(schema)}

    def _extras(self, schema: Any) -> Node:
        behaviour = schema.get("extra_behavior") or self.configs[-1].get("extra_fields_behavior")
        if behaviour == "forbid":
            return {"additionalProperties": False}
        if schema.get("extras_schema") is not None:
            return {"additionalProperties": self.generate_inner(schema["extras_schema"]) or True}
        return {"additionalProperties": True} if behaviour == "allow" else {}

    def _property(self, field: Any, name: str, keys: _Keys) -> Node:
        try:
            node = unwrapped(self.generate_inner(field))
        except PydanticOmit:
            node = {}
        hints = dict(node.get(HINTS) or {})
        if name != keys.key:
            hints["python_name"] = name
        others = [*keys.others, *(other for other in node.get(WAS_HINT, ()) if other not in keys.others)]
        if others:
            hints["aliases"] = others
        return {**node, HINTS: hints} if hints else node

    def _without_null(self, node: Node) -> tuple[Node, bool]:
        if "$ref" in node:
            return node, without_null(self._resolved(node))[1]
        return without_null(node)

    def _is_absent(self, field: Any) -> bool:
        if self.mode != "serialization":
            return False
        return bool(field.get("serialization_exclude") or field.get("init_only"))

    def _is_required(self, field: Any, total: bool, default: Any) -> bool:
        if field["type"] == "typed-dict-field":
            return bool(field.get("required", total)) and field.get("serialization_exclude_if") is None
        if self.mode == "validation":
            return default is None
        if field.get("serialization_exclude_if") is not None:
            return False
        if default is None:
            return True
        may_be_left_out = self.profile.exclude_defaults or (
            self.profile.exclude_unset and field["type"] == "model-field"
        )
        is_sentinel = type(default.get("default")).__name__ == "Sentinel"  # pydantic's experimental MISSING
        return not (may_be_left_out or is_sentinel)

    def _keys(self, name: str, field: Any) -> _Keys:
        written = field.get("serialization_alias", name) if self.profile.by_alias else name
        config = self.configs[-1]
        alias = field.get("validation_alias")
        if alias is None:
            accepted = [name]
        else:
            accepted = _single_keys(alias) if config.get("validate_by_alias", True) else []
            if config.get("populate_by_name") or config.get("validate_by_name"):
                accepted.append(name)
        if self.mode == "serialization" or written in accepted:
            key = written
        elif accepted:
            key = accepted[0]
        else:
            first = next(iter(_paths(alias)), [name])
            return _Keys(str(first[0]), deep=True)
        return _Keys(key, tuple(other for other in dict.fromkeys(accepted) if other != key))


def _class_of(schema: Any) -> Any:
    if schema.get("type") not in _CLASSES:
        return None
    # pydantic 2.8 keeps the class of a TypedDict in the metadata.
    return schema.get("cls") or (schema.get("metadata") or {}).get("pydantic_typed_dict_cls")


def _skips(function: Any) -> bool:
    return type(getattr(function, "__self__", None)).__name__ == "SkipJsonSchema"


def _is_pydantics(function: Any) -> bool:
    module = getattr(function, "__module__", None) or type(function).__module__
    owner = getattr(function, "__objclass__", None)
    return str(module).startswith("pydantic") or bool(getattr(owner, "__module__", None) == "builtins")


def _default_of(field: Any) -> Any:
    """The core schema that gives a field its default, or None."""
    inner = field["schema"]
    while isinstance(inner, dict):
        if inner["type"] == "default":
            return inner
        if not inner["type"].startswith("function-") or "schema" not in inner:
            return None
        inner = inner["schema"]
    return None


def _paths(alias: Any) -> list[list[Any]]:
    """Aliases as paths: pydantic's core writes "a", ["a", "b"] for one path or [["a"], ["b", 0]] for several."""
    if isinstance(alias, str):
        return [[alias]]
    if not isinstance(alias, list):
        return []
    if alias and isinstance(alias[0], list):
        return alias
    return [alias] if alias else []


def _single_keys(alias: Any) -> list[str]:
    return [path[0] for path in _paths(alias) if len(path) == 1 and isinstance(path[0], str)]
