"""JSON Schema in: what pydantic v2 emits (both modes), and plain draft 7 to 2020-12, becomes shapes.

Everything that two schemas can say in different words is said in one way here: a definition of a scalar is
written out where it is used, nested unions are flat, `const` is an enum of one, null stands apart from an
enum's other values, unused definitions are gone. Keywords that only annotate are dropped. One that constrains
but has no place in the algebra is a `SchemaError` with its JSON pointer: guessing there would turn into a
false proof later. The way out is `write`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from statemig.errors import SchemaError
from statemig.shapes.json_schema_scalars import as_decimal, enum_of, integer_of, is_type, number_of, string_of
from statemig.shapes.json_schema_tags import tag_of
from statemig.shapes.json_schema_writer import HINTS, write
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Number,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
    trimmed,
    union_of,
)

__all__ = ["read", "write"]

Node = Mapping[str, Any]

_BY_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "null": frozenset(),
    "boolean": frozenset(),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "string": frozenset(
        {"format", "pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"}
    ),
    "array": frozenset({"items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset(
        {
            "properties",
            "required",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "patternProperties",
            "minProperties",
            "maxProperties",
        }
    ),
}
_COMBINING: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"})
_CONSTRAINING: Final = frozenset().union(*_BY_TYPE.values()) | _COMBINING
_UNREPRESENTABLE: Final = (
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "contains",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
)
_LONGEST_OPTIONAL_TUPLE: Final = 16


def read(json_schema: Mapping[str, Any] | bool) -> Schema:
    """The schema in shapes, with the definitions it uses.

    `json_schema` is a JSON Schema as Python data; it is not changed. Raises `SchemaError`, naming the JSON
    pointer, where it says something that shapes cannot represent or refers to what is not there.
    """
    return _Reader(json_schema).read()


class _Reader:
    def __init__(self, root: Any) -> None:
        self.root = root
        self.names: dict[str, str] = {}  # JSON pointer of a definition -> its name
        self.scalars: dict[
            str, Shape
        ] = {}  # pointers of definitions that are written out where they are used
        self.found: dict[str, Shape] = {}

    def read(self) -> Schema:
        shape = self.shape(self.root, "#")
        return trimmed(Schema(shape, self.found))

    # -- one node --------------------------------------------------------------------------------------------

    def shape(self, node: Any, at: str) -> Shape:
        if node is True:
            return Anything()
        if node is False:
            return Never()
        if not isinstance(node, Mapping):
            raise _error("a schema must be an object or a boolean", at)
        hints = node.get(HINTS) or {}
        if "opaque" in hints:
            return Anything(hints["opaque"])
        if node.get("not") == {} or node.get("not") is True:
            return Never()
        self.refuse(node, at)
        if "$ref" in node:
            if others := sorted((_CONSTRAINING & node.keys()) - {"$ref"}):
                raise _error(
                    f"{', '.join(others)} beside $ref would have to be merged into what it refers to", at
                )
            return self.reference(node["$ref"], at)
        if "allOf" in node:
            return self.all_of(node, at)
        if "anyOf" in node or "oneOf" in node:
            return self.any_of(node, at)
        if "const" in node:
            return self.enum([node["const"]], node, at)
        if "enum" in node:
            return self.enum(node["enum"], node, at)
        return self.typed(node, at)

    def refuse(self, node: Node, at: str) -> None:
        for keyword in _UNREPRESENTABLE:
            if keyword in node:
                raise _error(f"{keyword} cannot be represented", f"{at}/{keyword}")

    def all_of(self, node: Node, at: str) -> Shape:
        parts = [
            (number, part)
            for number, part in enumerate(node["allOf"])
            if part is not True and not (isinstance(part, Mapping) and not _constrains(part))
        ]
        rest = {key: value for key, value in node.items() if key != "allOf"}
        if not parts:
            return self.shape(rest, at)
        if len(parts) > 1:
            raise _error("allOf of several schemas cannot be represented", f"{at}/allOf")
        number, part = parts[0]
        if not _CONSTRAINING & rest.keys():
            return self.shape(part, f"{at}/allOf/{number}")
        if (
            isinstance(part, Mapping)
            and not (_CONSTRAINING & rest.keys() & part.keys())
            and "$ref" not in part
        ):
            return self.shape({**rest, **part}, at)
        raise _error("allOf beside other constraints cannot be represented", f"{at}/allOf")

    # -- unions ----------------------------------------------------------------------------------------------

    def any_of(self, node: Node, at: str) -> Shape:
        keyword = "anyOf" if "anyOf" in node else "oneOf"
        if "anyOf" in node and "oneOf" in node:
            raise _error("anyOf beside oneOf cannot be represented", at)
        options = node[keyword]
        if not isinstance(options, list) or not options:
            raise _error(f"{keyword} must be a list of schemas", f"{at}/{keyword}")
        shared = {key: node[key] for key in _CONSTRAINING & node.keys() if key != keyword}
        hints = node.get(HINTS) or {}
        if hints.get("decimal"):
            options = [as_decimal(option) for option in options]
        members = []
        for number, option in enumerate(options):
            where = f"{at}/{keyword}/{number}"
            if shared and (
                not isinstance(option, Mapping)
                or any(option.get(key, shared[key]) != shared[key] for key in shared)
            ):
                raise _error(f"{', '.join(sorted(shared))} beside {keyword} contradicts a member", where)
            inside = self.followed(option) if shared and "$ref" in option else {}
            said = all(inside.get(key, MISSING) == value for key, value in shared.items())
            members.append(self.shape({**shared, **option} if shared and not said else option, where))
        tag = tag_of(node, options, members, self.followed)
        made = self.flat_union(members, tag, f"{at}/{keyword}")
        if hints.get("in_order") and isinstance(made, Union) and made.tag is None:
            return _in_order(made)
        return made

    def flat_union(self, members: list[Shape], tag: Tag | None, at: str) -> Shape:
        """A union inside another loses its tag when the two are poured together, unless at most one of them
        has one; the others become definitions. So does one that is tried in order, but for null beside it."""
        tagged = set(tag.mapping.values()) if tag else set()
        free = not tagged
        beside = [member for member in members if not isinstance(member, Null)]
        if tag is None and len(beside) == 1 and isinstance(beside[0], Union) and beside[0].in_order:
            poured = union_of(*members)
            return _in_order(poured) if isinstance(poured, Union) else poured
        for number, member in enumerate(members):
            if not isinstance(member, Union):
                continue
            if number in tagged or member.in_order or (member.tag is not None and not free):
                members[number] = self.hoist(member, f"{at}/{number}")
            elif member.tag is not None:
                free = False
        made = union_of(*members, tag=tag)
        wanted = tag is not None or not free
        if wanted and isinstance(made, Union) and made.tag is None:
            # A member stands both alone and behind the tag: keep the tagged ones as a definition of their own.
            for number, member in enumerate(members):
                if isinstance(member, Union) and member.tag is not None:
                    members[number] = self.hoist(member, f"{at}/{number}")
            return union_of(*members)
        return made

    def hoist(self, shape: Shape, at: str) -> Ref:
        name = self.fresh(at.lstrip("#/").replace("/", ".") or "Union")
        self.found[name] = shape
        return Ref(name)

    def followed(self, node: Any) -> Node:
        for _ in range(20):
            if not isinstance(node, Mapping):
                return {}
            if "$ref" not in node:
                return node
            node = self.located(node["$ref"], "#")
        return {}

    # -- scalars ---------------------------------------------------------------------------------------------

    def enum(self, values: Any, node: Node, at: str) -> Shape:
        if not isinstance(values, list):
            raise _error("enum must be a list", f"{at}/enum")
        if any(isinstance(value, list | dict) for value in values):
            raise _error("only scalars can be members of an enum", at)
        names = (node.get(HINTS) or {}).get("enum_names")
        pairs = list(
            zip(values, names if names and len(names) == len(values) else [None] * len(values), strict=True)
        )
        types = node.get("type")
        if types is not None:
            allowed = types if isinstance(types, list) else [types]
            pairs = [
                (value, name) for value, name in pairs if any(is_type(value, name_) for name_ in allowed)
            ]
        if narrower := sorted((_CONSTRAINING & node.keys()) - {"enum", "const", "type", "format"}):
            raise _error(f"{', '.join(narrower)} beside an enum cannot be represented", at)
        return enum_of(pairs)

    def typed(self, node: Node, at: str) -> Shape:
        types = node.get("type")
        if types is None:
            types = [
                name for name, keywords in _BY_TYPE.items() if keywords & node.keys() and name != "integer"
            ]
            if len(types) > 1:
                raise _error("constraints of several types without a type", at)
            if not types:
                return Anything()
        return union_of(
            *(self.of_type(name, node, at) for name in ([types] if isinstance(types, str) else types))
        )

    def of_type(self, name: str, node: Node, at: str) -> Shape:
        match name:
            case "null":
                return Null()
            case "boolean":
                return Boolean()
            case "integer":
                return integer_of(node)
            case "number":
                return number_of(node)
            case "string":
                return string_of(node)
            case "array":
                return self.array(node, at)
            case "object":
                return self.object(node, at)
            case _:
                raise _error(f"there is no JSON type {name!r}", f"{at}/type")

    # -- containers ------------------------------------------------------------------------------------------

    def array(self, node: Node, at: str) -> Shape:
        minimum, maximum, items = node.get("minItems") or 0, node.get("maxItems"), node.get("items", MISSING)
        slots, rest = node.get("prefixItems"), items
        if isinstance(items, list):  # draft 7
            slots, rest = items, node.get("additionalItems", MISSING)
        if slots is None and maximum == 0 and items is MISSING:
            slots = []
        if slots is None:
            inner = Anything() if items is MISSING else self.shape(items, f"{at}/items")
            return ListOf(inner, minimum or None, maximum, node.get("uniqueItems") is True)
        if node.get("uniqueItems") is True and (maximum is None or maximum > 1):
            raise _error("uniqueItems of a tuple cannot be represented", f"{at}/uniqueItems")
        shapes = [self.shape(slot, f"{at}/prefixItems/{number}") for number, slot in enumerate(slots)]
        tail = Anything() if rest is MISSING else self.shape(rest, f"{at}/items")
        if isinstance(tail, Never):
            maximum = len(shapes) if maximum is None else min(maximum, len(shapes))
        if maximum is None:
            while len(shapes) < minimum:
                shapes.append(tail)
            shorter = [TupleOf(tuple(shapes[:length])) for length in range(minimum, len(shapes))]
            whole: Shape = TupleOf(tuple(shapes), tail) if shapes else ListOf(tail)
            return union_of(*shorter, whole)
        if maximum - minimum > _LONGEST_OPTIONAL_TUPLE:
            raise _error("a tuple with so many optional slots cannot be represented", f"{at}/maxItems")
        shapes += [tail] * (maximum - len(shapes))
        return union_of(*(TupleOf(tuple(shapes[:length])) for length in range(minimum, maximum + 1)))

    def object(self, node: Node, at: str) -> Shape:
        if "patternProperties" in node:
            return self.pattern_map(node, at)
        closed = node.get("additionalProperties", node.get("unevaluatedProperties", MISSING))
        required = node.get("required") or []
        if "properties" not in node and not required and closed is not False:
            values: Shape = (
                Anything() if closed is MISSING else self.shape(closed, f"{at}/additionalProperties")
            )
            return MapOf(
                values, self.keys(node, at), node.get("minProperties") or None, node.get("maxProperties")
            )
        for keyword in ("propertyNames", "minProperties", "maxProperties"):
            if keyword in node:
                raise _error(
                    f"{keyword} of an object with properties cannot be represented", f"{at}/{keyword}"
                )
        extra: Any
        if closed is MISSING:
            extra = "ignore"
        elif closed is False:
            extra = "forbid"
        else:
            extra = self.shape(closed, f"{at}/additionalProperties")
        properties = {
            key: self.property(inner, key in required, f"{at}/properties/{_escaped(key)}")
            for key, inner in (node.get("properties") or {}).items()
        }
        for key in required:
            if key not in properties:
                unknown: Shape = Never() if extra == "forbid" else Anything() if extra == "ignore" else extra
                properties[key] = Property(unknown)
        return Object(properties, extra, node.get("title"))

    def property(self, node: Any, required: bool, at: str) -> Property:
        shape = self.shape(node, at)
        if not isinstance(node, Mapping):
            return Property(shape, required)
        hints = node.get(HINTS) or {}
        return Property(
            shape,
            required,
            node.get("default", MISSING),
            hints.get("python_name"),
            tuple(hints.get("aliases") or ()),
            node.get("description"),
        )

    def pattern_map(self, node: Node, at: str) -> Shape:
        """One pattern and nothing else is how pydantic writes a dict with constrained keys: no other keys."""
        patterns = node["patternProperties"]
        if (
            len(patterns) != 1
            or node.get("properties")
            or node.get("required")
            or node.get("additionalProperties")
        ):
            raise _error(
                "patternProperties beside other properties cannot be represented", f"{at}/patternProperties"
            )
        ((pattern, inner),) = patterns.items()
        values = self.shape(inner, f"{at}/patternProperties/{_escaped(pattern)}")
        return MapOf(
            values, String(pattern=pattern), node.get("minProperties") or None, node.get("maxProperties")
        )

    def keys(self, node: Node, at: str) -> String | Enum:
        hint = (node.get(HINTS) or {}).get("keys")
        if hint is not None:
            return String(format=hint)
        names = node.get("propertyNames", MISSING)
        if names is MISSING or names is True:
            return String()
        if isinstance(names, Mapping) and not _constrains(names):
            return String()
        shape = self.shape(names, f"{at}/propertyNames")
        match shape:
            case String():
                return shape
            case Enum(values, labels):
                return Enum(
                    tuple(value if isinstance(value, str) else json.dumps(value) for value in values), labels
                )
            case Integer(None, None, None):
                return String(format="integer")
            case Boolean():
                return Enum(("false", "true"))
            case Union(members) if String() in members:
                return String()
            case _:
                raise _error("these keys of a map cannot be represented", f"{at}/propertyNames")

    # -- references ------------------------------------------------------------------------------------------

    def reference(self, target: Any, at: str) -> Shape:
        if target in self.scalars:
            return self.scalars[target]
        if target in self.names:
            return Ref(self.names[target])
        node = self.located(target, at)
        name = self.fresh(_name(target, node))
        self.names[target] = name
        self.found[name] = Never()  # taken; the definition may refer to itself
        shape = self.shape(node, target)
        if isinstance(shape, Anything | Never | Null | Boolean | Integer | Number | String | Enum):
            self.scalars[target] = shape
            del self.found[name]
            return shape
        self.found[name] = shape
        return Ref(name)

    def fresh(self, name: str) -> str:
        number, wanted = 2, name
        while name in self.found:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def located(self, target: Any, at: str) -> Any:
        if not isinstance(target, str) or not target.startswith("#"):
            raise _error(
                f"$ref to another document ({target})", at, hint="Bundle it into this schema's $defs."
            )
        node: Any = self.root
        for part in target[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping) and key in node:
                node = node[key]
            elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
                node = node[int(key)]
            else:
                raise _error(f"$ref to {target}, which is not there", at)
        return node


def _in_order(union: Union) -> Union:
    """One that is tried from left to right; a single member beside null has no order."""
    several = sum(not isinstance(member, Null) for member in union.members) > 1
    return replace(union, in_order=several)


def _constrains(node: Node) -> bool:
    return bool((_CONSTRAINING | set(_UNREPRESENTABLE)) & node.keys()) or "opaque" in (node.get(HINTS) or {})


def _name(target: str, node: Any) -> str:
    parts = [unquote(part).replace("~1", "/").replace("~0", "~") for part in target[1:].split("/")[1:]]
    if len(parts) == 2 and parts[0] in ("$defs", "definitions"):
        return parts[1]
    title = node.get("title") if isinstance(node, Mapping) else None
    return title or ".".join(parts) or "Root"


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _error(message: str, at: str, hint: str | None = None) -> SchemaError:
    return SchemaError(f"{message} (at {at})", hint=hint)
