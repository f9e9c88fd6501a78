"""Operations on the fields of an object: whether they are there, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Operation, require, require_json
from statemig.path import Key, Path, render
from statemig.plan.effects import may_hold_keys
from statemig.plan.ids import LONGEST
from statemig.plan.instructions import Drop, Fill, Instruction, Mint, Move, Put, Rename, Unfill
from statemig.shapes.shape import MISSING, Missing, Schema


def _field(path: Path, operation: str) -> None:
    require(
        len(path.segments) > 1 and isinstance(path.last, Key),
        "expected the path of a field, such as state.items[].name",
        operation,
        path,
    )


@dataclass(frozen=True)
class AddField(Operation):
    """`path` is set to `default` where it is absent; without a default it may be there from here on (`optional=True` in a script). The way
    back removes it, and keeps what it removed."""

    name: ClassVar[str] = "add_field"
    path: Path
    default: Any = MISSING
    keep: bool = True
    key: str | None = None

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require_json(self.default, self.name, "default")

    def inverse(self) -> Operation:
        return RemoveField(self.path, restore=self.default, keep=self.keep, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Put(self.path.parent, self.path.key, self.default),)

    def source(self) -> str:
        line = super().source()
        return f"{line[:-1]}, optional=True)" if isinstance(self.default, Missing) else line

    def describe(self) -> str:
        return f"{self.path} is new"


@dataclass(frozen=True)
class AddId(Operation):
    """Each object has an id of `length` hexadecimal digits at `path`, made where it is absent: the same whenever the same run is
    upgraded, another for each object. The way back removes it, and keeps it."""

    name: ClassVar[str] = "add_id"
    path: Path
    length: int = 16
    reverse: bool = False

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require(
            isinstance(self.length, int) and 8 <= self.length <= LONGEST,
            f"an id has 8 to {LONGEST} digits",
            self.name,
            self.path,
        )

    def inverse(self) -> Operation:
        return replace(self, reverse=not self.reverse)

    def lower(self) -> tuple[Instruction, ...]:
        if self.reverse:
            return (Drop(self.path.parent, self.path.key, minted=True),)
        return (Mint(self.path.parent, self.path.key, self.length),)

    def describe(self) -> str:
        return f"{self.path} {'goes' if self.reverse else 'is a new id'}"


@dataclass(frozen=True)
class RemoveField(Operation):
    """`path` goes, into the complement unless `keep` is false. The way back puts it back, or `restore` where nothing was kept. Items of
    lists are found again by what they look like, or by the declared `key`."""

    name: ClassVar[str] = "remove_field"
    path: Path
    restore: Any = MISSING
    keep: bool = True
    key: str | None = None

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require_json(self.restore, self.name, "restore")

    def inverse(self) -> Operation:
        return AddField(self.path, default=self.restore, keep=self.keep, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Drop(self.path.parent, self.path.key, self.restore, self.keep, self.key),)

    def describe(self) -> str:
        return f"{self.path} goes"


@dataclass(frozen=True)
class RenameField(Operation):
    """The key at the end of `path` becomes `to`, in its place. A key `to` that is there already is an error."""

    name: ClassVar[str] = "rename_field"
    path: Path
    to: str

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require(isinstance(self.to, str) and self.to != "", "to must be the new name", self.name, self.path)
        require(self.to != self.path.key, "the new name is the old one", self.name, self.path)

    def inverse(self) -> Operation:
        return RenameField(self.path.with_last(self.to), to=self.path.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Rename(self.path.parent, self.path.key, self.to),)

    def describe(self) -> str:
        return f"{self.path} becomes {self.to}"


@dataclass(frozen=True)
class MoveField(Operation):
    """The value at `path` goes to `to`, another place below the same object; objects missing on the way are made. The innermost `made`
    objects around `to` are there for this move only, and go with it on the way back; the innermost `left` ones around `path` go with
    it on the way up. `made` is taken from the snapshot."""

    name: ClassVar[str] = "move_field"
    path: Path
    to: Path
    made: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        _field(self.to, self.name)
        base, source, target = self._parts()
        require(self.path != self.to, "the new place is the old one", self.name, self.path)
        require(
            bool(source) and bool(target) and all(isinstance(segment, Key) for segment in (*source, *target)),
            f"a value can move between objects, not in or out of a list, map or variant; {self.to} leaves {render(base) or 'the document'}",
            self.name,
            self.path,
        )
        require(
            bool(base) and not (self.to.startswith(self.path) or self.path.startswith(self.to)),
            "a value cannot move into itself, nor between state and outputs",
            self.name,
            self.path,
        )

    def _parts(self) -> tuple[Any, Any, Any]:
        common = 0
        limit = min(len(self.path.segments), len(self.to.segments)) - 1
        while common < limit and self.path.segments[common] == self.to.segments[common]:
            common += 1
        return self.path.segments[:common], self.path.segments[common:], self.to.segments[common:]

    def inverse(self) -> Operation:
        return MoveField(self.to, to=self.path, made=self.left, left=self.made)

    def lower(self) -> tuple[Instruction, ...]:
        base, source, target = self._parts()
        keys = tuple(key.name for key in source), tuple(key.name for key in target)
        return (Move(Path(base), *keys, prune=self.left),)

    @property
    def is_open(self) -> bool:
        return not self.made and not self.left and len(self._parts()[2]) > 1

    def bind(self, schema: Schema) -> Operation:
        if not self.is_open:
            return self
        base, _, target = self._parts()
        inside = [Path((*base, *target[:end])) for end in range(1, len(target))]
        return replace(self, made=sum(not may_hold_keys(schema, path) for path in inside))

    def describe(self) -> str:
        return f"{self.path} moves to {self.to}"


@dataclass(frozen=True)
class MakeRequired(Operation):
    """`path` is filled with `fill` where it is absent. The way back takes away what was filled in and is still the same."""

    name: ClassVar[str] = "make_required"
    path: Path
    fill: Any = MISSING

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require_json(self.fill, self.name, "fill")

    def inverse(self) -> Operation:
        return MakeOptional(self.path, fill=self.fill)

    def lower(self) -> tuple[Instruction, ...]:
        return (Fill(self.path.parent, self.path.key, self.fill),)

    def describe(self) -> str:
        return f"{self.path} is required"


@dataclass(frozen=True)
class MakeOptional(Operation):
    """`path` may be absent. The way back fills it with `fill`."""

    name: ClassVar[str] = "make_optional"
    path: Path
    fill: Any = MISSING

    def __post_init__(self) -> None:
        _field(self.path, self.name)
        require_json(self.fill, self.name, "fill")

    def inverse(self) -> Operation:
        return MakeRequired(self.path, fill=self.fill)

    def lower(self) -> tuple[Instruction, ...]:
        return (Unfill(self.path.parent, self.path.key, self.fill),)

    def describe(self) -> str:
        return f"{self.path} may be absent"


def default_of(default: Any, factory: Any) -> Any:
    """The default of `add_field`: a value, or what a factory (``list``, ``dict``, a function) makes, once, when the script is recorded."""
    if factory is None:
        return default
    require(isinstance(default, Missing), "give default or factory, not both", "add_field")
    return factory()
