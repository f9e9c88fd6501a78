"""Operations on lists, maps, tuples and sets as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from statemig.operations.base import Operation, literal, require, require_json
from statemig.path import Path, Slot
from statemig.plan.container_values import Distinct, Index, Ordered, Unindex
from statemig.plan.instructions import Apply, Instruction, Rename
from statemig.plan.tuple_values import AddSlot, Permute, RemoveSlot, inverse_order
from statemig.shapes.shape import MISSING


@dataclass(frozen=True)
class ListToMap(Operation):
    """A list of objects becomes a map by what each has at `key`; with ``inside=False`` the key goes from the objects. Order is kept."""

    name: ClassVar[str] = "list_to_map"
    path: Path
    key: str
    inside: bool = True

    def __post_init__(self) -> None:
        _key(self.key, self.name, self.path)

    def inverse(self) -> Operation:
        return MapToList(self.path, self.key, self.inside)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Index(self.key, self.inside)),)

    def describe(self) -> str:
        return f"{self.path} becomes a map by {self.key}"


@dataclass(frozen=True)
class MapToList(Operation):
    """The values of a map become a list; each has its key at `key`. With ``inside=False`` it must not be there before."""

    name: ClassVar[str] = "map_to_list"
    path: Path
    key: str
    inside: bool = True

    def __post_init__(self) -> None:
        _key(self.key, self.name, self.path)

    def inverse(self) -> Operation:
        return ListToMap(self.path, self.key, self.inside)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Unindex(self.key, self.inside)),)

    def describe(self) -> str:
        return f"{self.path} becomes a list, with {self.key} for the key"


@dataclass(frozen=True)
class RenameKeys(Operation):
    """Keys of the map at `path` are renamed. A key that is there already is an error."""

    name: ClassVar[str] = "rename_keys"
    positional: ClassVar[int] = 2
    path: Path
    mapping: Any

    def __post_init__(self) -> None:
        given = self.mapping
        pairs = (
            tuple(given.items()) if isinstance(given, Mapping) else tuple((old, new) for old, new in given)
        )
        require(bool(self.path.segments[1:]), "expected the path of a map", self.name, self.path)
        require(bool(pairs), "the mapping is empty", self.name, self.path)
        require(
            all(isinstance(name, str) for pair in pairs for name in pair),
            "keys of a map are text",
            self.name,
            self.path,
        )
        require(
            len({new for _, new in pairs}) == len(pairs) == len({old for old, _ in pairs}),
            "two keys would become one",
            self.name,
            self.path,
        )
        require(all(old != new for old, new in pairs), "a new key is the old one", self.name, self.path)
        object.__setattr__(self, "mapping", _in_order(pairs, self.name, self.path))

    def inverse(self) -> Operation:
        return RenameKeys(self.path, tuple((new, old) for old, new in reversed(self.mapping)))

    def lower(self) -> tuple[Instruction, ...]:
        return tuple(Rename(self.path, old, new) for old, new in self.mapping)

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {"mapping": dict(self.mapping)}

    def source(self) -> str:
        return f"op.{self.name}({literal(self.path)}, {literal(dict(self.mapping))})"

    def describe(self) -> str:
        return f"{self.path}: " + ", ".join(
            f"{literal(old)} becomes {literal(new)}" for old, new in self.mapping
        )


@dataclass(frozen=True)
class TupleAdd(Operation):
    """A tuple gets a slot: `path` names it as it is afterwards (``state.pair[2]``). What stood there moves on by one."""

    name: ClassVar[str] = "tuple_add"
    path: Path
    default: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        _slot(self.path, self.name)
        require_json(self.default, self.name, "default")

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path.parent,)

    def inverse(self) -> Operation:
        return TupleRemove(self.path, restore=self.default, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path.parent, AddSlot(_index(self.path), self.default), self.key),)

    def describe(self) -> str:
        return f"{self.path} is new"


@dataclass(frozen=True)
class TupleRemove(Operation):
    """A slot of a tuple goes (``state.pair[1]``); those behind it move up. The way back puts it back, or `restore`."""

    name: ClassVar[str] = "tuple_remove"
    path: Path
    restore: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        _slot(self.path, self.name)
        require_json(self.restore, self.name, "restore")

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path.parent,)

    def inverse(self) -> Operation:
        return TupleAdd(self.path, default=self.restore, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path.parent, RemoveSlot(_index(self.path), self.restore), self.key),)

    def describe(self) -> str:
        return f"{self.path} goes"


@dataclass(frozen=True)
class TupleReorder(Operation):
    """Slot i of the tuple at `path` is the old slot ``order[i]``."""

    name: ClassVar[str] = "tuple_reorder"
    positional: ClassVar[int] = 2
    path: Path
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", tuple(self.order))
        require(
            sorted(self.order) == list(range(len(self.order))) and len(self.order) > 1,
            "order names each old slot once, for example [1, 0]",
            self.name,
            self.path,
        )

    def inverse(self) -> Operation:
        return TupleReorder(self.path, inverse_order(self.order))

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Permute(self.order)),)

    def source(self) -> str:
        return f"op.{self.name}({literal(self.path)}, {literal(list(self.order))})"

    def describe(self) -> str:
        return f"the slots of {self.path} come in another order: {', '.join(map(str, self.order))}"


@dataclass(frozen=True)
class ToSet(Operation):
    """Duplicates go from a list. The way back has them, and the order, again."""

    name: ClassVar[str] = "to_set"
    path: Path
    key: str | None = None

    def inverse(self) -> Operation:
        return ToList(self.path, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Distinct(), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes a set"


@dataclass(frozen=True)
class ToList(Operation):
    """A set becomes a list. On the way back duplicates go."""

    name: ClassVar[str] = "to_list"
    path: Path
    key: str | None = None

    def inverse(self) -> Operation:
        return ToSet(self.path, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Ordered(), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes a list, with order and duplicates"


def _key(key: Any, operation: str, path: Path) -> None:
    require(
        isinstance(key, str) and key != "",
        "key must be the name of a field of the items",
        operation,
        path,
    )


def _slot(path: Path, operation: str) -> None:
    require(
        len(path.segments) > 2 and isinstance(path.last, Slot) and path.last.index >= 0,
        "expected the path of a slot, such as state.pair[1], counted from the start",
        operation,
        path,
    )


def _index(path: Path) -> int:
    assert isinstance(path.last, Slot)
    return path.last.index


def _in_order(pairs: tuple[tuple[str, str], ...], operation: str, path: Path) -> tuple[tuple[str, str], ...]:
    """The renames so that none takes a name that another one still has; those in such an order stay in it, and so does the reverse for
    the way back. Raises `OperationError` for names that go round."""
    left, done = list(pairs), []
    while left:
        free = next((pair for pair in left if pair[1] not in {old for old, _ in left}), None)
        require(
            free is not None, "keys cannot change places in one go; use a name in between", operation, path
        )
        if free is not None:
            left.remove(free)
            done.append(free)
    return tuple(done)
