"""Pairs of types that differ by exactly one rule of the table, and places to put them: what the oracle of the rules judges.

Everything here is pydantic's: no shape of ours is involved in making a pair or a document.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    create_model,
)

Model = type[BaseModel]
OPEN, CLOSED = ConfigDict(extra="allow"), ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Pair:
    """Two types of one value. `said`: a field of the old record and its new name, which somebody has to confirm. `alone`: not as a
    member of a union, because it is about a union or null itself."""

    old: Any
    new: Any
    said: tuple[str, str] | None = None
    alone: bool = False


def record(config: ConfigDict | None = None, name: str = "Record", /, **fields: Any) -> Model:
    """A model. A field is a type, or a type and a default or `Field(...)`."""
    given = {key: field if isinstance(field, tuple) else (field, ...) for key, field in fields.items()}
    made: Model = create_model(name, __config__=config, **given)
    return made


def tagged(*members: Model, key: str = "kind") -> Any:
    union = members[0]
    for member in members[1:]:
        union = union | member  # type: ignore[assignment]
    return Annotated[union, Field(discriminator=key)]


def in_order(union: Any) -> Any:
    """The first member that accepts a value has it."""
    return Annotated[union, Field(union_mode="left_to_right")]


def _encoded(name: str, read: Callable[[str], bytes], write: Callable[[bytes], bytes]) -> Any:
    return Annotated[
        bytes,
        BeforeValidator(lambda text: read(text) if isinstance(text, str) else text),
        PlainSerializer(lambda data: write(data).decode()),
        WithJsonSchema({"type": "string", "contentEncoding": name}),
    ]


BASE64 = _encoded("base64", lambda text: base64.b64decode(text, validate=True), base64.b64encode)
BASE16 = _encoded("base16", base64.b16decode, base64.b16encode)

SEARCH = record(None, "Search", kind=Literal["search"], query=str)
FETCH = record(None, "Fetch", kind=Literal["fetch"], url=str)
ASK = record(None, "Ask", kind=Literal["ask"], question=str)
LAX_SEARCH = record(None, "Search", kind=(Literal["search"], "search"), query=str)
LAX_FETCH = record(None, "Fetch", kind=(Literal["fetch"], "fetch"), url=str)
TYPED_SEARCH = record(None, "Search", type=Literal["search"], query=str)
TYPED_FETCH = record(None, "Fetch", type=Literal["fetch"], url=str)
NOTE = record(None, "Note", text=str, size=(int, 1))
MARK = record(None, "Mark", text=int)
FETCHING = record(None, "Fetch", kind=Literal["download"], url=str)


def _added(field: Any, config: ConfigDict | None = None) -> Pair:
    return Pair(record(config, topic=str), record(config, topic=str, note=field))


def _both(pair: Callable[[Any], Pair], *more: Any) -> list[Pair]:
    return [pair(each) for each in more]


def _size(kind: Any, low: int | None, high: int | None) -> Any:
    return Annotated[kind, Field(min_length=low, max_length=high)]


def _number(kind: Any, **bounds: Any) -> Any:
    return Annotated[kind, Field(**bounds)]


PAIRS: Mapping[tuple[str, str], list[Pair]] = {
    ("S01", ""): [
        Pair(record(topic=(str, Field(description="what"))), record(topic=(str, Field(description="why")))),
        Pair(record(topic=str), record(topic=(str, Field(description="why")))),
    ],
    ("S02", ""): [
        Pair(record(None, "Before", topic=str, size=int), record(None, "After", topic=str, size=int))
    ],
    ("S03", ""): [
        Pair(record(topic=str, size=(int, 1)), record(topic=str, size=(int, 2))),
        Pair(record(tone=(str | None, None)), record(tone=(str | None, "plain"))),
    ],
    ("S04", ""): [
        _added((int, 3)),
        _added((list[str], [])),
        _added((str | None, None)),
        _added((int, 3), OPEN),
    ],
    ("S04", "forbidden"): [_added((int, 3), CLOSED), _added((str, "a"), CLOSED)],
    ("S06", ""): [_added(int), _added(Literal["low", "high"]), _added(list[int], OPEN)],
    ("S06", "forbidden"): [_added(int, CLOSED)],
    ("S07", ""): [
        Pair(record(topic=str, note=str), record(topic=str)),
        Pair(record(topic=str, note=list[int]), record(topic=str)),
    ],
    ("S07", "optional"): [
        Pair(record(topic=str, note=(str, "")), record(topic=str)),
        Pair(record(topic=str, note=(int | None, None)), record(topic=str)),
    ],
    ("S07", "kept"): [Pair(record(OPEN, topic=str, note=str), record(OPEN, topic=str))],
    ("S07", "optional, kept"): [Pair(record(OPEN, topic=str, note=(str, "")), record(OPEN, topic=str))],
    ("S08", ""): [Pair(record(CLOSED, topic=str, note=str), record(CLOSED, topic=str))],
    ("S08", "optional"): [Pair(record(CLOSED, topic=str, note=(str, "")), record(CLOSED, topic=str))],
    ("S09", ""): [
        Pair(record(topic=(str, "a")), record(topic=str)),
        Pair(record(topic=str, tags=(list[str], [])), record(topic=str, tags=list[str])),
    ],
    ("S11", ""): [
        Pair(record(topic=str), record(topic=(str, "a"))),
        Pair(record(topic=str, tags=list[str]), record(topic=str, tags=(list[str], []))),
    ],
    ("S12", ""): [
        Pair(record(topic=str, note=str), record(topic=str, remark=str), said=("note", "remark")),
        Pair(
            record(CLOSED, topic=str, size=int),
            record(CLOSED, topic=str, length=int),
            said=("size", "length"),
        ),
    ],
    ("S13", ""): [
        Pair(record(topic=(str, Field(alias="subject"))), record(topic=(str, Field(alias="Betreff"))))
    ],
    ("S14", ""): [
        Pair(
            record(reviewer_email=str, meta=record(None, "Meta", source=str)),
            record(meta=record(None, "Meta", source=str, reviewer_email=str)),
        )
    ],
    ("S16", ""): [
        Pair(record(CLOSED, topic=str), record(topic=str)),
        Pair(record(topic=str, size=(int, 1)), record(OPEN, topic=str, size=(int, 1))),
    ],
    ("S16", "kept"): [Pair(record(CLOSED, topic=str), record(OPEN, topic=str))],
    ("S17", ""): [Pair(record(topic=str, size=(int, 1)), record(CLOSED, topic=str, size=(int, 1)))],
    ("S18", ""): [Pair(record(OPEN, topic=str), record(CLOSED, topic=str))],
    ("S18", "ignored"): [Pair(record(OPEN, topic=str), record(topic=str))],
    ("S20", "relaxed"): [
        Pair(dict[Literal["a", "b"], int], dict[Literal["a", "b", "c"], int]),
        Pair(dict[_size(str, 2, None), int], dict[str, int]),
    ],
    ("S20", "tightened"): [
        Pair(dict[Literal["a", "b"], int], dict[Literal["a"], int]),
        Pair(dict[str, int], dict[_size(str, 2, None), int]),
    ],
    ("S21", "relaxed"): [Pair(_size(dict[str, int], None, 1), _size(dict[str, int], None, 2))],
    ("S21", "tightened"): [
        Pair(_size(dict[str, int], None, 3), _size(dict[str, int], None, 1)),
        Pair(dict[str, int], _size(dict[str, int], 1, None)),
    ],
    ("S22", ""): [
        Pair(int, int | str, alone=True),
        Pair(record(topic=str), record(topic=str) | str, alone=True),
        Pair(bool, bool | list[int], alone=True),
        Pair(int, Any, alone=True),
    ],
    ("S22", "overlapping"): [
        Pair(str, datetime | str, alone=True),
        Pair(str, date | str, alone=True),
        Pair(str, datetime | int | str, alone=True),
    ],
    ("S23", ""): [
        Pair(int | str, int, alone=True),
        Pair(record(topic=str) | str, record(topic=str), alone=True),
        Pair(Any, int, alone=True),
    ],
    ("S24", ""): [
        Pair(int, int | None, alone=True),
        Pair(record(topic=str), record(topic=str) | None, alone=True),
    ],
    ("S25", ""): [Pair(int | None, int, alone=True), Pair(list[int] | None, list[int], alone=True)],
    ("S26", ""): [Pair(int, float)],
    ("S27", ""): [Pair(float, int)],
    ("S28", ""): [
        Pair(int, str),
        Pair(str, int),
        Pair(str, bool),
        Pair(record(topic=str), int),
        Pair(dict[str, int], bool),
        Pair(Literal["a", "b"], int),
    ],
    ("S29", "wrapped"): [Pair(str, list[str]), Pair(record(topic=str), list[record(topic=str)])],
    ("S29", "unwrapped"): [Pair(list[str], str), Pair(list[record(topic=str)], record(topic=str))],
    ("S30", "nested"): [Pair(str, record(name=str))],
    ("S30", "flattened"): [Pair(record(name=str), str)],
    ("S31", ""): [
        Pair(Literal["low", "high"], Literal["low", "high", "urgent"]),
        Pair(Literal[1, 2], Literal[1, 2, 3]),
    ],
    ("S32", ""): [
        Pair(Literal["low", "mid", "high"], Literal["low", "high"]),
        Pair(Literal[1, 2], Literal[2]),
    ],
    ("S33", ""): [
        Pair(Literal["low", "high"], Literal["low", "hi"]),
        Pair(Literal["a", "b"], Literal["a", "B"]),
    ],
    ("S34", ""): [Pair(str, Literal["a", "abc"]), Pair(int, Literal[0, 1, 2])],
    ("S35", ""): [Pair(Literal["a", "abc"], str), Pair(Literal[0, 1, 2], int)],
    ("S36", ""): [Pair(Literal["a"], Literal["b"]), Pair(Literal[1], Literal[2])],
    ("S37", ""): [
        Pair(_number(int, ge=0), _number(int, ge=-2)),
        Pair(_number(float, lt=3), _number(float, le=3)),
        Pair(_number(int, le=2), int),
    ],
    ("S38", ""): [
        Pair(_number(int, ge=-2), _number(int, ge=0)),
        Pair(_number(float, le=3), _number(float, lt=3)),
        Pair(int, _number(int, le=2)),
    ],
    ("S39", "relaxed"): [Pair(_number(int, multiple_of=4), _number(int, multiple_of=2))],
    ("S39", "changed"): [Pair(_number(int, multiple_of=2), _number(int, multiple_of=3))],
    ("S39", "tightened"): [
        Pair(_number(int, multiple_of=2), _number(int, multiple_of=4)),
        Pair(int, _number(int, multiple_of=2)),
    ],
    ("S40", "relaxed"): [Pair(_size(str, None, 1), _size(str, None, 3)), Pair(_size(str, 1, None), str)],
    ("S40", "tightened"): [Pair(str, _size(str, None, 2)), Pair(str, _size(str, 1, None))],
    ("S41", "relaxed"): [Pair(_number(str, pattern="^a"), str)],
    ("S41", "tightened"): [Pair(str, _number(str, pattern="^a"))],
    ("S41", "changed"): [Pair(_number(str, pattern="^a"), _number(str, pattern="c$"))],
    ("S42", "relaxed"): [Pair(date, str), Pair(UUID, str), Pair(datetime, str)],
    ("S42", "tightened"): [Pair(str, date), Pair(str, UUID), Pair(str, datetime)],
    ("S42", "changed"): [Pair(date, UUID), Pair(UUID, datetime)],
    ("S42", "resolution"): [Pair(datetime, date), Pair(date, datetime)],
    ("S43", ""): [Pair(BASE64, BASE16)],
    ("S45", "relaxed"): [
        Pair(_size(list[int], 1, None), list[int]),
        Pair(_size(list[int], 0, 1), _size(list[int], 0, 2)),
    ],
    ("S45", "tightened"): [
        Pair(list[int], _size(list[int], 1, None)),
        Pair(list[int], _size(list[int], None, 1)),
    ],
    ("S46", "relaxed"): [Pair(set[int], list[int])],
    ("S46", "tightened"): [Pair(list[int], set[int]), Pair(list[str], set[str])],
    ("S47", "added"): [Pair(tuple[str, int], tuple[str, int, int])],
    ("S47", "removed"): [Pair(tuple[str, int, int], tuple[str, int])],
    ("S47", "reordered"): [Pair(tuple[str, int], tuple[int, str])],
    ("S48", ""): [Pair(tuple[int, int], list[int])],
    ("S49", "added"): [Pair(int | list[int], int | list[int] | dict[str, int], alone=True)],
    ("S49", "overlapping"): [
        Pair(int | str, int | str | date, alone=True),
        Pair(int | str, datetime | int | str, alone=True),
        Pair(int | NOTE, int | NOTE | MARK, alone=True),
    ],
    ("S49", "removed"): [Pair(int | list[int] | dict[str, int], int | list[int], alone=True)],
    ("S50", ""): [
        Pair(in_order(str | date), in_order(date | str), alone=True),
        Pair(in_order(NOTE | MARK), in_order(MARK | NOTE), alone=True),
        Pair(str | date, in_order(date | str), alone=True),
    ],
    ("S51", "added"): [Pair(tagged(SEARCH, FETCH), tagged(SEARCH, FETCH, ASK), alone=True)],
    ("S51", "removed"): [Pair(tagged(SEARCH, FETCH, ASK), tagged(SEARCH, FETCH), alone=True)],
    ("S52", "value"): [Pair(tagged(SEARCH, FETCH), tagged(SEARCH, FETCHING), alone=True)],
    ("S52", "key"): [Pair(tagged(SEARCH, FETCH), tagged(TYPED_SEARCH, TYPED_FETCH, key="type"), alone=True)],
    ("S53", "tag written"): [Pair(SEARCH | FETCH, tagged(SEARCH, FETCH), alone=True)],
    ("S53", "tag absent"): [Pair(LAX_SEARCH | LAX_FETCH, tagged(LAX_SEARCH, LAX_FETCH), alone=True)],
    ("S54", "tag written"): [Pair(tagged(SEARCH, FETCH), SEARCH | FETCH, alone=True)],
    ("S54", "tag absent"): [Pair(tagged(LAX_SEARCH, LAX_FETCH), LAX_SEARCH | LAX_FETCH, alone=True)],
    ("S55", "tag written"): [Pair(SEARCH, tagged(SEARCH, FETCH), alone=True)],
    ("S55", "tag absent"): [Pair(LAX_SEARCH, tagged(LAX_SEARCH, LAX_FETCH), alone=True)],
}


@dataclass(frozen=True)
class Placed:
    """Two versions of a whole state that differ at `path`, and in nothing else."""

    old: Model
    new: Model
    path: str
    renames: Mapping[str, str | None]


BESIDE: Mapping[str, Any] = {
    "topic_of_run": str,
    "tries": (int, 0),
    "labels": dict[str, int],
    "seen": (list[str], []),
    "due": (date | None, None),
}


@st.composite
def placed(draw: st.DrawFn, pair: Pair) -> Placed:
    """The pair as a field of a state, or up to three levels below one."""
    old, new, path = pair.old, pair.new, ""
    names: set[str] = set()
    ways = ["nested", "list", "map", "tuple", "recursive"]
    if not pair.alone:
        ways += ["optional", "variant", "member"]
    for way in draw(st.lists(st.sampled_from(ways), unique=True, max_size=2)):
        if way == "optional" and path.startswith("<"):
            continue  # a variant's path begins behind it, and a union within a union is one
        old, new, path = _into(way, old, new, path)
        names.add(way)
    beside = draw(st.lists(st.sampled_from(sorted(BESIDE)), unique=True, max_size=2))
    first = draw(st.booleans())

    def state(kind: Any) -> Model:
        more = {name: BESIDE[name] for name in beside}
        fields = {"value": kind, **more} if first else {**more, "value": kind}
        return record(None, "State", **fields)

    full = path if path.startswith("<Node>") else f"state.value{path}"
    said: dict[str, str | None] = {} if pair.said is None else {f"{full}.{pair.said[0]}": pair.said[1]}
    return Placed(state(old), state(new), full, said)


def _into(way: str, old: Any, new: Any, path: str) -> tuple[Any, Any, str]:
    """Both types inside something, and the path from there. What is below `<Node>` is named from there."""

    def below(step: str) -> str:
        return path if path.startswith("<Node>") else step + path

    match way:
        case "nested":
            made = [record(None, "Outer", inner=kind, weight=(int, 1)) for kind in (old, new)]
            return made[0], made[1], below(".inner")
        case "list":
            return list[old], list[new], below("[]")
        case "map":
            return dict[str, old], dict[str, new], below("{}")
        case "tuple":
            return tuple[bool, old], tuple[bool, new], below("[1]")
        case "optional":
            return old | None, new | None, below("")
        case "variant":
            other = record(None, "Other", kind=Literal["other"], text=str)
            sides = [
                tagged(record(None, "Holder", kind=Literal["holder"], held=kind), other)
                for kind in (old, new)
            ]
            return sides[0], sides[1], below("<kind=holder>.held")
        case "member":
            made = [record(None, "Holder", held=kind) for kind in (old, new)]
            return made[0] | bool, made[1] | bool, below(".held")
        case _:
            nodes = [
                create_model("Node", held=(kind, ...), children=(list["Node"], []))  # type: ignore[name-defined]  # noqa: F821
                for kind in (old, new)
            ]
            return nodes[0], nodes[1], path if path.startswith("<Node>") else f"<Node>.held{path}"
