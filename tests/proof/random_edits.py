"""Random edits of random models with the operations that go with them, and the ways in which somebody gets those wrong."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from random_models import LITERALS, NAMES, REQUIRED, FieldOf, Model, Type, Version, plain, random_type

from statemig import Operations


@dataclass
class Place:
    """One field of one model: the path of the object that holds it, and that object's model."""

    holder: str
    model: Model
    name: str

    @property
    def path(self) -> str:
        key = self.model.fields[self.name].alias or self.name
        return f'{self.holder}."{key}"' if "-" in key else f"{self.holder}.{key}"


def places(version: Version) -> list[Place]:
    found: list[Place] = []

    def look(model: Model, path: str) -> None:
        for name, each in model.fields.items():
            place = Place(path, model, name)
            found.append(place)
            inside(each.type, place.path)

    def inside(kind: Type, path: str) -> None:
        match kind.kind:
            case "optional":
                inside(kind.inner, path)
            case "list":
                inside(kind.inner, f"{path}[]")
            case "dict":
                inside(kind.inner, path + "{}")
            case "model":
                look(kind.inner, path)
            case "tagged":
                for name, model in kind.inner.items():
                    look(model, f"{path}<kind={name}>")

    look(version.state, "state")
    if any(
        each.model is not version.node and _holds_node(each.model.fields[each.name].type) for each in found
    ):
        found += [
            Place("<Node>", version.node, name) for name in ("label", "size") if name in version.node.fields
        ]
    return found


def _holds_node(kind: Type) -> bool:
    return kind.kind == "node" or (isinstance(kind.inner, Type) and _holds_node(kind.inner))


Script = list[tuple[str, tuple[Any, ...], dict[str, Any]]]


def edited(version: Version, random: Random) -> tuple[Version, Script]:
    """The next version, and operations that may be right for it. Nobody has checked."""
    new = copy.deepcopy(version)
    script: Script = []
    for _ in range(random.randint(0, 3)):
        script += _edit(new, random)
    return new, script


def _edit(version: Version, random: Random) -> Script:
    place = random.choice(places(version))
    model, name = place.model, place.name
    each = model.fields[name]
    path = place.path
    kind = random.choice(
        ("rename", "add", "remove", "wrap", "literal", "type", "null", "required", "computed")
    )
    match kind:
        case "rename":
            to = random.choice(NAMES)
            if to in model.fields or to in model.computed or each.alias:
                return []
            model.fields = {to if key == name else key: value for key, value in model.fields.items()}
            return [("rename_field", (path,), {"to": to})]
        case "add":
            to = random.choice(NAMES)
            if to in model.fields or to in model.computed:
                return []
            made = random_type(random, 1)
            default = plain(made, random)
            if default is REQUIRED or isinstance(default, set | date | Decimal):
                return []
            model.fields[to] = FieldOf(made)
            given = default if random.random() < 0.8 else random.choice(("x", 1, None, []))
            return [("add_field", (f"{place.holder}.{to}",), {"default": given})]
        case "remove":
            if len(model.fields) < 2 and model.fields:
                return []
            del model.fields[name]
            return [("remove_field", (path,), {})]
        case "wrap":
            each.type = Type("list", each.type)
            each.default = REQUIRED
            return [("wrap", (path,), {})]
        case "literal" if each.type.kind == "literal":
            values = random.choice(LITERALS)
            mapping = {value: random.choice(values) for value in each.type.inner if random.random() < 0.9}
            each.type = Type("literal", values)
            if each.default is not REQUIRED:
                each.default = values[0]
            return [
                ("map_values", (path,), {"mapping": mapping, "otherwise": random.choice(("error", "keep"))})
            ]
        case "type" if each.type.kind in ("int", "float", "bool", "str", "small", "date"):
            to = random.choice(("str", "int", "float"))
            each.type, each.default = Type(to), REQUIRED
            return [("convert", (path,), {"to": to})]
        case "null" if each.type.kind == "optional":
            fill = plain(each.type.inner, random)
            fill = REQUIRED if isinstance(fill, set | date | Decimal) else fill
            each.type, each.default = each.type.inner, REQUIRED
            return [] if fill is REQUIRED else [("drop_null", (path,), {"fill": fill})]
        case "null":
            each.type = Type("optional", each.type)
            return [] if random.random() < 0.5 else [("make_nullable", (path,), {})]
        case "required" if each.default is not REQUIRED:
            fill, each.default = each.default, REQUIRED
            if isinstance(fill, set | date | Decimal):
                return []
            return [("make_required", (path,), {"fill": fill})]
        case "computed":
            free = [each for each in ("total", *NAMES) if each not in model.fields]
            model.computed = () if model.computed else (random.choice(free),)
            return []
    return []


#: the ways in which somebody gets a script wrong
DEFECTS = (
    "none",
    "none",
    "dropped",
    "wrong default",
    "mapping not total",
    "recursion forgotten",
    "swapped",
    "other target",
    "shallow",
)


def with_defect(script: Script, defect: str, random: Random) -> Script:
    made = copy.deepcopy(script)
    if not made:
        return made
    at = random.randrange(len(made))
    name, (path, *_), arguments = made[at]
    match defect:
        case "dropped":
            del made[at]
        case "wrong default":
            for key in ("default", "fill"):
                if key in arguments:
                    arguments[key] = random.choice((None, "x", 1, [], {"a": 1}))
        case "mapping not total":
            if arguments.get("mapping"):
                arguments["mapping"].pop(next(iter(arguments["mapping"])))
        case "recursion forgotten" | "shallow":
            if path.startswith("<Node>"):
                made[at] = (name, (path.replace("<Node>", "state.alpha"),), arguments)
            elif "[]" in path:
                made[at] = (name, (path.replace("[]", "[0]", 1),), arguments)
        case "swapped":
            random.shuffle(made)
        case "other target":
            if "to" in arguments and name == "rename_field":
                arguments["to"] = random.choice(NAMES)
    return made


def operations(script: Script) -> tuple[Any, ...]:
    """Raises what the recorder raises."""
    op = Operations()
    for name, positional, arguments in script:
        getattr(op, name)(*positional, **arguments)
    return tuple(op.recorded)
