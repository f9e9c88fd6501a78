"""Random workflows, random operations that fit them, and documents of the first version: what the laws are tested on.

Everything follows from one seed, so that a failing example is three small numbers: the seed, how many revisions, how many operations in
each. Hypothesis shrinks the last two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from field_and_value_operations import KINDS as FIELD_AND_VALUE_KINDS
from field_and_value_operations import FieldAndValueProposer
from hypothesis import settings
from hypothesis import strategies as st

from statemig import json_text
from statemig.errors import OperationError, SchemaError
from statemig.migrator import Migrator
from statemig.operations import Operation, schema_after
from statemig.operations.base import Backfill, Value
from statemig.operations.fields import (
    AddField,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
)
from statemig.operations.lowering import Lowered
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.operations.values import (
    Convert,
    DropNull,
    MakeNullable,
    MapValues,
    Transform,
    UnwrapValue,
    WrapValue,
)
from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan.instructions import Policy
from statemig.plan.values import members
from statemig.plan.walk import Occurrences
from statemig.revisions.loading import problems_of_script
from statemig.revisions.revision import Revision
from statemig.shapes.sample import sampler
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
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
    is_nullable,
    union_of,
)
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot

#: for a law whose every example takes a store, a process or a chain of ten: few in `make test`, enough in the nightly run
SLOW = settings(max_examples=1_000 if settings.default.max_examples > 1_000 else 25)

#: few, so that operations meet each other's names
NAMES = ("a", "b", "c", "d", "e", "odd key", "x-1", "kind")
STEPS = ("ask", "draft", "review", "send", "inner.ask", "done-2")

# -- workflows ---------------------------------------------------------------------------------------------------------


def random_schema(random: Random) -> Schema:
    """A run document's schema: state with a `frame` that no operation touches, and outputs of a few steps."""
    shapes = _Shapes(random)
    state = {name: shapes.property(3) for name in random.sample(NAMES, random.randint(2, 5))}
    state["frame"] = Property(ListOf(Object({"n": Property(Integer())})))
    outputs = {
        step: Property(shapes.object(2), required=False) for step in STEPS[:3] if random.random() < 0.7
    }
    root = Object(
        {"state": Property(Object(state, name="State")), "outputs": Property(Object(outputs), required=False)}
    )
    return Schema(root, shapes.definitions)


class _Shapes:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.definitions: dict[str, Shape] = {
            "Node": Object(
                {
                    "label": Property(String()),
                    "a": Property(Integer(), required=False),
                    "next": Property(union_of(Null(), Ref("Node"))),
                    "children": Property(ListOf(Ref("Node"), max_items=2), required=False, default=[]),
                },
                name="Node",
            ),
            "Leaf": Object(
                {"a": Property(String()), "b": Property(union_of(Null(), Integer()))}, name="Leaf"
            ),
        }

    def property(self, depth: int) -> Property:
        required = self.random.random() < 0.65
        return Property(self.shape(depth), required)

    def object(self, depth: int) -> Object:
        names = self.random.sample(NAMES, self.random.randint(1, 3))
        extra: Any = self.random.choice(("ignore", "ignore", "ignore", "forbid", Integer()))
        return Object({name: self.property(depth - 1) for name in names}, extra)

    def scalar(self) -> Shape:
        return self.random.choice(
            (
                String(),
                Integer(),
                Integer(minimum=0, maximum=9),
                Number(),
                Boolean(),
                Enum(("red", "green", "blue")),
                Enum((1, 2)),
                Enum(("one", 1, None)),
                String(format="date-time"),
                String(format="date"),
            )
        )

    def shape(self, depth: int) -> Shape:
        random = self.random
        if depth <= 0 or random.random() < 0.3:
            found = self.scalar()
            return union_of(found, Null()) if random.random() < 0.25 else found
        match random.randrange(12):
            case 0 | 1:
                return self.object(depth)
            case 2:
                return ListOf(self.shape(depth - 1), unique=random.random() < 0.2)
            case 3:
                return ListOf(self.object(depth - 1))
            case 4:
                keys: Any = random.choice((String(), String(), String(format="integer"), Enum(("a", "b"))))
                return MapOf(self.object(depth - 1) if random.random() < 0.6 else self.shape(depth - 1), keys)
            case 5:
                rest = self.shape(depth - 1) if random.random() < 0.3 else None
                return TupleOf((self.shape(depth - 1), self.shape(depth - 1)), rest)
            case 6:
                return union_of(self.scalar(), self.object(depth - 1))
            case 7:
                return union_of(self.object(depth - 1), MapOf(self.scalar()))
            case 8:
                return self.tagged(depth)
            case 9:
                return union_of(ListOf(self.object(depth - 1)), Null())
            case 10:
                return Ref(random.choice(("Node", "Node", "Leaf")))
            case _:
                return Anything() if random.random() < 0.3 else union_of(Ref("Leaf"), Null())

    def tagged(self, depth: int) -> Shape:
        members = []
        mapping: dict[Any, int] = {}
        for number, values in enumerate((("search",), ("note", "memo"))):
            inner = self.object(depth - 1)
            properties = {
                "kind": Property(Enum(values)),
                **{k: p for k, p in inner.properties.items() if k != "kind"},
            }
            members.append(Object(properties, "ignore"))
            mapping.update(dict.fromkeys(values, number))
        whole = union_of(*members, tag=Tag("kind", mapping))
        return union_of(whole, Null()) if self.random.random() < 0.3 else whole


@dataclass(frozen=True)
class Version:
    schema: Schema
    steps: tuple[str, ...]

    def snapshot(self) -> Snapshot:
        flow = {
            step: StepInfo(kind="auto" if number % 2 else "human", next=self.steps[number + 1 : number + 2])
            for number, step in enumerate(self.steps)
        }
        return Snapshot("flow", self.schema, self.schema, steps=flow, start=self.steps[0])


# -- places in a schema ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A value; `holder` is the path of the object whose key it is, where it is one."""

    path: Path
    shape: Shape
    holder: Object | None = None


def places(schema: Schema) -> list[Place]:
    root = schema.resolve(schema.root)
    assert isinstance(root, Object)
    found: list[Place] = []
    for part in ("state", "outputs"):
        if part in root.properties:
            found += _places(root.properties[part].shape, Path.of(part), schema, 5)
    for name, shape in schema.definitions.items():
        if (
            isinstance(shape, Object)
            and shape.name == name
            and Occurrences(schema, name).reaches(schema.root)
        ):
            found += _places(shape, Path((Definition(name),)), schema, 2)
    frame = Path.of("state", "frame")
    return [place for place in found if not place.path.startswith(frame)]


def _places(shape: Shape, path: Path, schema: Schema, depth: int) -> Iterator[Place]:
    yield Place(path, shape)
    yield from _inside(shape, path, schema, depth)


def _inside(shape: Shape, path: Path, schema: Schema, depth: int) -> Iterator[Place]:
    if depth == 0:
        return

    def below(inner: Shape, segment: Segment, holder: Object | None = None) -> Iterator[Place]:
        here = path / segment
        yield Place(here, inner, holder)
        yield from _inside(inner, here, schema, depth - 1)

    resolved = schema.resolve(shape)
    match resolved:
        case Object(properties):
            for key, prop in properties.items():
                yield from below(prop.shape, Key(key), resolved)
        case ListOf(items):
            yield from below(items, Items())
        case MapOf(values):
            yield from below(values, Values())
        case TupleOf(slots, rest):
            for number, slot in enumerate(slots):
                yield from below(slot, Slot(number))
            if rest is not None:
                yield from below(rest, Slot(len(slots)))
        case Union(inside, tag):
            if tag is not None:
                for value, number in tag.mapping.items():
                    member = inside[number]
                    here = path / Variant((tag.key,), value)
                    yield Place(here, member)
                    yield from _inside(member, here, schema, depth - 1)
            for member in inside:
                yield from _inside(member, path, schema, depth)
        case _:
            pass


# -- operations --------------------------------------------------------------------------------------------------------


def boxed(value: Any) -> Any:
    return {"boxed": value}


def unboxed(value: Any) -> Any:
    return value["boxed"]


class Proposer(FieldAndValueProposer):
    """Random operations that fit a schema."""

    def __init__(self, random: Random, version: Version) -> None:
        self.random = random
        self.version = version
        self.schema = version.schema
        self.draw = sampler(version.schema)
        self.places = places(version.schema)

    def operation(self) -> Operation:
        while True:
            kind = self.random.choice(KINDS)
            found: Operation | None
            try:
                found = getattr(self, kind)()
            except (OperationError, SchemaError):
                found = None  # the arguments don't go together, or no document has a value there
            if found is not None:
                return found

    def value(self, shape: Shape) -> Any:
        return self.draw(shape, self.random)

    def maybe(self, shape: Shape) -> Any:
        return self.value(shape) if self.random.random() < 0.7 else MISSING

    def pick(self, suits: Any) -> Place | None:
        found = [place for place in self.places if suits(place)]
        return self.random.choice(found) if found else None

    def field(self) -> Place | None:
        return self.pick(lambda place: place.holder is not None)

    def objects(self) -> list[Path]:
        return [
            place.path
            for place in self.places
            if place.path != Path.of("outputs")
            and any(isinstance(member, Object) for member in members(place.shape, self.schema))
        ]

    def new_name(self) -> str:
        return self.random.choice((*NAMES, "tmp", "n"))

    def add_field(self) -> Operation | None:
        default = self.random.choice((None, 0, "", 1.5, True, [], {}, ["x", {"y": []}], "new"))
        path = self.random.choice(self.objects()) / self.new_name()
        if any(place.path == path for place in self.places) and self.random.random() < 0.8:
            return None
        return AddField(path, default)

    def remove_field(self) -> Operation | None:
        place = self.field()
        return place and RemoveField(place.path, self.maybe(place.shape))

    def rename_field(self) -> Operation | None:
        place = self.field()
        if place is None or place.path.parent == Path.of("outputs"):
            return None
        assert place.holder is not None
        to = self.new_name()
        return None if to in place.holder.properties else RenameField(place.path, to)

    def move_field(self) -> Operation | None:
        place = self.pick(lambda each: each.holder is not None and each.path.parent != Path.of("outputs"))
        if place is None:
            return None
        base = place.path.parent
        while len(base.segments) > 1 and isinstance(base.last, Key) and self.random.random() < 0.5:
            base = base.parent
        target = base
        for _ in range(self.random.randint(0, 2)):
            inside = [p.path for p in self.places if p.path.parent == target and isinstance(p.path.last, Key)]
            target = (
                self.random.choice(inside)
                if inside and self.random.random() < 0.6
                else target / self.new_name()
            )
        return MoveField(place.path, target / self.new_name())

    def wrap(self) -> Operation | None:
        place = self.field()
        return place and WrapValue(place.path, self.maybe(place.shape))

    def unwrap(self) -> Operation | None:
        def is_list(place: Place) -> bool:
            return any(isinstance(member, ListOf | TupleOf) for member in members(place.shape, self.schema))

        place = self.pick(is_list)
        if place is None:
            return None
        inside = next(m for m in members(place.shape, self.schema) if isinstance(m, ListOf | TupleOf))
        item = inside.items if isinstance(inside, ListOf) else (*inside.slots, Null())[0]
        return UnwrapValue(place.path, self.maybe(item))

    def convert(self) -> Operation | None:
        place = self.pick(lambda each: _scalar(each.shape, self.schema))
        return place and Convert(
            place.path,
            to=self.random.choice(("bool", "date", "date-time", "float", "int", "str", "str", "str")),
            rounding=self.random.choice((None, "nearest", "down")),
        )

    def map_values(self) -> Operation | None:
        place = self.pick(lambda each: _scalar(each.shape, self.schema))
        if place is None:
            return None
        values: list[Any] = []
        for member in members(place.shape, self.schema):
            values += (
                member.values
                if isinstance(member, Enum)
                else (True, False)
                if isinstance(member, Boolean)
                else ()
            )
        mapping = {value: self.random.choice(("red", "pink", 1, None, True, value)) for value in values}
        mapping = mapping or {"red": "pink"}
        otherwise = self.random.choice(("error", "keep", Value("other"), Value(None)))
        return MapValues(place.path, tuple(mapping.items()), otherwise)

    def make_required(self) -> Operation | None:
        place = self.pick(
            lambda p: (
                p.holder is not None
                and p.path.parent != Path.of("outputs")
                and not p.holder.properties[p.path.key].required
            )
        )
        if place is None:
            return None
        fill = self.value(place.shape)
        # What is put below <Node> is not visited, so a Node in it would have to be one of the new version already.
        unfit = isinstance(place.path.segments[0], Definition) and holds_objects(fill)
        return None if unfit else MakeRequired(place.path, fill)

    def make_optional(self) -> Operation | None:
        place = self.field()
        return place and MakeOptional(place.path, self.maybe(place.shape))

    def make_nullable(self) -> Operation | None:
        place = self.pick(lambda p: not is_nullable(p.shape, self.schema) and len(p.path.segments) > 1)
        return place and MakeNullable(place.path, self.maybe(place.shape))

    def drop_null(self) -> Operation | None:
        place = self.pick(lambda each: is_nullable(each.shape, self.schema))
        if place is None:
            return None
        fill = self.value(place.shape)
        # What is put below <Node> is not visited, so a Node in it would have to be one of the new version already.
        unfit = fill is None or isinstance(place.path.segments[0], Definition)
        return DropNull(place.path, "filled" if unfit else fill)

    def transform(self) -> Operation | None:
        place = self.field()
        return place and Transform(boxed, unboxed, place.path)

    def rename_step(self) -> Operation | None:
        old = self.random.choice(self.version.steps)
        return RenameStep(old, self.random.choice((*STEPS, "other")))

    def remove_step(self) -> Operation | None:
        if len(self.version.steps) < 2:
            return None
        number = self.random.randrange(len(self.version.steps))
        step = self.version.steps[number]
        others = [name for name in self.version.steps if name != step]
        policy = Policy(self.random.choice(("forward", "back")), self.random.choice(others))
        if self.random.random() < 0.2:
            policy = Policy(self.random.choice(("hold", "pin", "fail")))
        place = self.pick(
            lambda p: p.holder is not None and p.path.segments[0] == Key("state") and _plain(p.path)
        )
        output = {str(place.path): self.value(place.shape)} if place and self.random.random() < 0.4 else None
        return RemoveStep(step, policy, output)

    def add_step(self) -> Operation | None:
        after = self.random.choice((None, *self.version.steps))
        step = self.random.choice((*STEPS, "other"))
        passed: Any = self.random.choice(("skip", Backfill({"a": 1})))
        down = self.random.choice((None, Policy("back", self.version.steps[0])))
        return AddStep(step, after, passed, down)


def holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(holds_objects, value)))


KINDS = (
    *(
        "add_field",
        "remove_field",
        "remove_field",
        "rename_field",
        "rename_field",
        "move_field",
        "move_field",
    ),
    *("wrap", "unwrap", "convert", "convert", "map_values", "map_values"),
    *("make_required", "make_optional", "make_nullable", "drop_null", "transform"),
    *("rename_step", "remove_step", "add_step"),
    *FIELD_AND_VALUE_KINDS,
)


#: reasons for which an operation on a path that exists is refused when the script is read
REFUSED = (
    "that the path goes by",
    "names already",
    "values there hold more of",
    "is never an object",
)


def _must_be_refused(error: OperationError) -> None:
    assert any(reason in str(error) for reason in REFUSED), str(error)


def _plain(path: Path) -> bool:
    return all(isinstance(segment, Key) for segment in path.segments)


def _scalar(shape: Shape, schema: Schema) -> bool:
    kinds = [member for member in members(shape, schema) if not isinstance(member, Null)]
    return bool(kinds) and all(isinstance(m, Boolean | Integer | Number | String | Enum) for m in kinds)


def following(version: Version, operation: Operation) -> Version | None:
    """The version after an operation, or None where the operation makes no sense on these steps."""
    steps = version.steps
    match operation:
        case RenameStep(old, to):
            if to in steps:
                return None
            steps = tuple(to if step == old else step for step in steps)
        case RemoveStep(step):
            steps = tuple(name for name in steps if name != step)
        case AddStep(step, after):
            if step in steps:
                return None
            at = 0 if after is None else steps.index(after) + 1
            steps = (*steps[:at], step, *steps[at:])
    try:
        after_it = Version(schema_after(version.schema, [operation]), steps)
    except OperationError as error:
        _must_be_refused(error)
        return None
    root = after_it.schema.resolve(after_it.schema.root)
    return after_it if isinstance(root, Object) else None


@dataclass(frozen=True, repr=False)
class Chain:
    """Revisions r0 (which freezes the first version) to rN."""

    seed: int
    versions: tuple[Version, ...]
    operations: tuple[tuple[Operation, ...], ...]
    random: Random = field(repr=False)

    def __repr__(self) -> str:
        return f"make_chain({self.seed}, {len(self.versions) - 1}, ...)"

    @property
    def migrator(self) -> Migrator:
        return Migrator(revisions=self.revisions(snapshots=True))

    def revisions(self, *, snapshots: bool) -> list[Revision]:
        return [
            Revision(
                f"r{number}",
                f"r{number - 1}" if number else None,
                upgrade=lambda op, operations=operations: [op.record(each) for each in operations],
                snapshot=version.snapshot() if snapshots else None,
                workflow="flow",
            )
            for number, (version, operations) in enumerate(zip(self.versions, self.operations, strict=True))
        ]

    @property
    def head(self) -> str:
        return f"r{len(self.versions) - 1}"

    def document(self, number: int = 0) -> dict[str, Any]:
        """A document that was born at revision `number`, some way through the steps."""
        return random_document(self.versions[number], self.random)


def random_document(version: Version, random: Random) -> dict[str, Any]:
    draw = sampler(version.schema)
    values = draw(version.schema.root, random, random.random() < 0.4)
    document: dict[str, Any] = {"status": "active", "state": values["state"]}
    steps = version.steps
    at = random.randrange(len(steps))
    outputs = values.get("outputs", {})
    if random.random() < 0.8:
        document["outputs"] = outputs
        if random.random() < 0.7:
            document["done"] = {step: random.randint(1, 2) for step in steps[:at]}
        document["cursor"] = [
            _position(number, steps[min(at + number, len(steps) - 1)], random)
            for number in range(random.choice((1, 1, 2)))
        ]
    if random.random() < 0.4:
        state = version.schema.resolve(version.schema.resolve(version.schema.root).properties["state"].shape)  # type: ignore[union-attr]
        pending = []
        for _ in range(random.randint(1, 2)):
            whole = draw(state, random, False)
            if isinstance(whole, dict):
                writes = {key: whole[key] for key in whole if random.random() < 0.4}
                pending.append({"step": steps[at], "writes": writes, "to": steps[-1]})
        document["pending"] = pending
    found: dict[str, Any] = json_text.loads(
        json_text.dumps(document)
    )  # as it comes from a store: no two parts are one object
    return found


def _position(number: int, step: str, random: Random) -> dict[str, Any]:
    position: dict[str, Any] = {
        "id": f"p{number}",
        "step": step,
        "status": random.choice(("ready", "running")),
    }
    if random.random() < 0.5:
        position |= {
            "status": "waiting",
            "on": "human",
            "key": f"k{number}",
            "payload": {"ask": number, "deep": [1]},
        }
    return position


def make_chain(seed: int, revisions: int, per_revision: int) -> Chain:
    random = Random(seed)
    version = Version(random_schema(random), STEPS[:3])
    versions = [version]
    operations: list[tuple[Operation, ...]] = [()]
    for number in range(1, revisions + 1):
        recorded, after = make_script(random, version, number, per_revision)
        version = after
        versions.append(version)
        operations.append(recorded)
    return Chain(seed, tuple(versions), tuple(operations), random)


def make_script(
    random: Random, before: Version, number: int, length: int
) -> tuple[tuple[Operation, ...], Version]:
    """The operations of revision `number`, and the version that they lead to."""
    start = random.getstate()
    recorded, after = _script(random, before, number, length, check=False)
    if refused_when_loaded(before, after, recorded):  # rarely, so it pays to look at each operation only then
        random.setstate(start)
        recorded, after = _script(random, before, number, length, check=True)
    return tuple(recorded), after


def _script(
    random: Random, before: Version, number: int, length: int, *, check: bool
) -> tuple[list[Operation], Version]:
    recorded: list[Operation] = []
    version = before
    for _ in range(length):
        operation = Proposer(random, version).operation()
        after = following(version, operation)
        if after is None or not lowers([*recorded, operation], before.schema, number):
            continue
        if check and refused_when_loaded(before, after, [*recorded, operation]):
            continue
        recorded.append(operation)
        version = after
    return recorded, version


def refused_when_loaded(before: Version, after: Version, operations: list[Operation]) -> bool:
    """Whether the script is refused before any document is touched, for what no document or only a wrong one would get through."""
    script = Revision(
        "b", "a", upgrade=lambda op: [op.record(each) for each in operations], snapshot=after.snapshot()
    )
    problems = problems_of_script(script, lambda name: before.snapshot() if name == "a" else script.snapshot)
    names = {each.name for each in operations}
    assert all(problem.text.split()[0] in names and ": " in problem.text for problem in problems)
    return bool(problems)


def lowers(operations: list[Operation], schema: Schema, number: int) -> bool:
    lowered = Lowered(f"r{number}", operations, lambda: schema, lambda: None)
    try:
        lowered.up()
        lowered.down()
    except OperationError as error:
        _must_be_refused(error)
        return False
    return True


def chains(
    revisions: tuple[int, int] = (1, 4), per_revision: tuple[int, int] = (1, 3)
) -> st.SearchStrategy[Chain]:
    return st.builds(
        make_chain,
        st.integers(0, 2**32),
        st.integers(*revisions),
        st.integers(*per_revision),
    )
