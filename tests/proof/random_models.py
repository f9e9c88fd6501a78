"""Random pydantic models, edits of them with the operations that go with them, and instances. Knows nothing of shapes or schemas:
what is stored is what `model_dump_json` writes, and what is right is what `model_validate_json` takes.
"""

from __future__ import annotations

import functools
import math
import operator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, create_model

from statemig import Workflow, capture
from statemig.workflow.definition import DumpProfile
from statemig.workflow.snapshot import Snapshot

REQUIRED: Any = ...
PLAIN = {"str": str, "int": int, "float": float, "bool": bool, "date": date, "decimal": Decimal}
NAMES = ("alpha", "beta", "gamma", "delta", "notes", "role")
LITERALS = (("low", "medium", "high"), ("user", "tool"), (1, 2, 3))


@dataclass
class Type:
    """`kind` is one of str, int, float, bool, literal, small, date, decimal, optional, list, set, dict, pair, model, node, tagged; `inner`
    is what it is made of."""

    kind: str
    inner: Any = None


@dataclass
class FieldOf:
    type: Type
    default: Any = REQUIRED
    alias: str | None = None


@dataclass
class Model:
    fields: dict[str, FieldOf] = field(default_factory=dict)
    extra: str = "ignore"
    computed: tuple[str, ...] = ()


@dataclass
class Version:
    """The state's model, and the model `Node` that refers to itself."""

    state: Model
    node: Model
    profile: DumpProfile


# -- making models -----------------------------------------------------------------------------------------------------


def random_type(random: Random, depth: int) -> Type:
    kinds = ["str", "str", "int", "float", "bool", "literal", "small", "date", "decimal"]
    if depth:
        kinds += ["optional", "list", "set", "dict", "pair", "model", "model", "node", "tagged"]
    kind = random.choice(kinds)
    match kind:
        case "literal":
            return Type(kind, random.choice(LITERALS))
        case "optional" | "list" | "dict":
            return Type(kind, random_type(random, depth - 1))
        case "set":
            return Type(kind, Type(random.choice(("str", "int", "date"))))
        case "small":
            return Type(kind, random.choice(((0, 9), (None, 5), (1, None))))
        case "pair":
            return Type(kind, (random_type(random, 0), random_type(random, 0)))
        case "tagged":
            return Type(kind, {name: random_model(random, 0) for name in ("search", "note")})
        case "model":
            return Type(kind, random_model(random, depth - 1))
        case _:
            return Type(kind)


def random_model(random: Random, depth: int) -> Model:
    made = Model(extra=random.choice(("ignore", "ignore", "ignore", "forbid", "allow")))
    for name in random.sample(NAMES, random.randint(1, 3)):
        made.fields[name] = random_field(name, random, depth)
    if random.random() < 0.1:
        made.computed = (random.choice([name for name in ("total", *NAMES) if name not in made.fields]),)
    return made


def random_field(name: str, random: Random, depth: int) -> FieldOf:
    made = FieldOf(random_type(random, depth))
    pick = random.random()
    if pick < 0.2 and made.type.kind != "node":
        made.default = plain(made.type, random)
    if pick > 0.93:
        made.alias = f"the-{name}"
    return made


def random_version(random: Random) -> Version:
    node = Model({"label": FieldOf(Type("str")), "size": FieldOf(Type("int"), 0)})
    node.fields["child"] = FieldOf(Type("optional", Type("node")), None)
    profile = DumpProfile(
        by_alias=random.random() < 0.9,
        exclude_none=random.random() < 0.2,
        exclude_defaults=random.random() < 0.2,
        exclude_unset=random.random() < 0.2,
    )
    return Version(random_model(random, 2), node, profile)


def plain(kind: Type, random: Random) -> Any:
    """A JSON value of a type without models, as a default."""
    match kind.kind:
        case "str":
            return random.choice(("", "x", "12", "a b"))
        case "int":
            return random.choice((0, -1, 7, 10**12))
        case "float":
            return random.choice((0.0, 1.0, 0.5))
        case "bool":
            return random.random() < 0.5
        case "literal":
            return random.choice(kind.inner)
        case "small":
            low, high = kind.inner
            return random.choice([end for end in (low, high, 3) if end is not None])
        case "date":
            return random.choice((date(2020, 2, 29), date(1999, 12, 31)))
        case "decimal":
            return random.choice((Decimal("1.50"), Decimal(0), Decimal("-7")))
        case "optional":
            return None
        case "list":
            return []
        case "set":
            return set()
        case "dict":
            return {}
        case "model" | "node" | "pair" | "tagged":
            return REQUIRED
    raise AssertionError(kind)


class Classes:
    """The pydantic classes of one version."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.numbers = 0
        self.made: dict[int, type[BaseModel]] = {}
        self.variants: dict[tuple[int, str], type[BaseModel]] = {}
        fields = {name: self.field(each, "Node") for name, each in version.node.fields.items()}
        self.node: type[BaseModel] = create_model("Node", **fields)
        self.node.model_rebuild(_types_namespace={"Node": self.node})
        self.state = self.model(version.state, "State")

    def field(self, each: FieldOf, node: Any = None) -> Any:
        given: dict[str, Any] = {} if each.alias is None else {"alias": each.alias}
        if each.default is not REQUIRED:
            given["default"] = each.default
        return (self.annotation(each.type, node), Field(**given))

    def annotation(self, kind: Type, node: Any = None) -> Any:
        match kind.kind:
            case "literal":
                return Literal[kind.inner]
            case "small":
                return Annotated[int, Field(ge=kind.inner[0], le=kind.inner[1])]
            case "pair":
                return tuple[self.annotation(kind.inner[0]), self.annotation(kind.inner[1])]
            case "set":
                return set[self.annotation(kind.inner)]
            case "tagged":
                return self.tagged(kind)
            case "optional":
                inner = self.annotation(kind.inner, node)
                return f"{inner} | None" if isinstance(inner, str) else inner | None
            case "list":
                return list[self.annotation(kind.inner, node)]
            case "dict":
                return dict[str, self.annotation(kind.inner, node)]
            case "model":
                return self.model(kind.inner)
            case "node":
                return self.node if node is None else node
            case _:
                return PLAIN[kind.kind]

    def tagged(self, kind: Type) -> Any:
        members = []
        for name, spec in kind.inner.items():
            base = self.model(spec)
            if (id(kind), name) not in self.variants:
                made = create_model(f"{name.title()}{self.numbers}", __base__=base, kind=(Literal[name], ...))
                self.variants.setdefault((id(kind), name), made)
            members.append(self.variants[id(kind), name])
        return Annotated[functools.reduce(operator.or_, members), Field(discriminator="kind")]

    def model(self, spec: Model, name: str | None = None) -> type[BaseModel]:
        if id(spec) not in self.made:
            self.numbers += 1
            base = type(
                "Base", (BaseModel,), {"model_config": ConfigDict(extra=spec.extra, populate_by_name=False)}
            )  # type: ignore[typeddict-item]
            for computed in spec.computed:
                base = type(
                    "Base", (base,), {computed: computed_field(property(_one)), "__annotations__": {}}
                )
            fields = {key: self.field(each) for key, each in spec.fields.items()}
            self.made[id(spec)] = create_model(name or f"Part{self.numbers}", __base__=base, **fields)
        return self.made[id(spec)]

    def snapshot(self) -> Snapshot:
        return capture(Workflow("flow", state=self.state, profile=self.version.profile))

    # -- instances -----------------------------------------------------------------------------------------------------

    def dump(self, random: Random) -> str:
        """What an application writes of some instance, under its profile."""
        profile = {name: value for name, value in self.version.profile.to_dict().items() if name != "mode"}
        return self.instance(self.version.state, random, 3).model_dump_json(**profile)

    def instance(self, spec: Model, random: Random, depth: int) -> BaseModel:
        values: dict[str, Any] = {}
        taken: set[str] = set()
        for name, each in spec.fields.items():
            if each.default is REQUIRED or random.random() < 0.6:
                values[each.alias or name] = self.value(each.type, random, depth)
            taken.add(each.alias or name)
        if spec.extra == "allow" and random.random() < 0.1:
            key = random.choice((*NAMES, "other"))
            if key not in taken | set(spec.fields) | set(spec.computed):
                values[key] = random.choice((1, "x", None))
        return (self.node if spec is self.version.node else self.model(spec))(**values)

    def value(self, kind: Type, random: Random, depth: int) -> Any:
        match kind.kind:
            case "float":
                return random.choice((0.0, -2.5, 1e20, 3.0, math.nan if random.random() < 0.3 else 0.1))
            case "optional":
                return (
                    None if depth <= 0 or random.random() < 0.4 else self.value(kind.inner, random, depth - 1)
                )
            case "list" | "set":
                found = [self.value(kind.inner, random, depth - 1) for _ in range(random.randint(0, 2))]
                return found if kind.kind == "list" else set(found)
            case "pair":
                return tuple(self.value(inner, random, depth - 1) for inner in kind.inner)
            case "tagged":
                self.annotation(kind)
                name = random.choice(("search", "note"))
                inside = self.instance(kind.inner[name], random, depth - 1).__dict__
                aliased = {kind.inner[name].fields[key].alias or key: each for key, each in inside.items()}
                return self.variants[id(kind), name](kind=name, **aliased)
            case "dict":
                keys = random.sample((*NAMES, "k", "1"), random.randint(0, 2))
                return {key: self.value(kind.inner, random, depth - 1) for key in keys}
            case "model":
                return self.instance(kind.inner, random, depth - 1)
            case "node":
                return self.instance(self.version.node, random, depth - 1)
            case _:
                return plain(kind, random)


def _one(self: Any) -> int:
    return 1
