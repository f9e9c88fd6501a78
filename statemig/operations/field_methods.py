"""The methods of the recorder for operations on several fields, on containers, bounds and unions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from statemig.operations.base import Operation, Value, require
from statemig.operations.bounds import Constrain, Relax, SetDefault
from statemig.operations.containers import (
    ListToMap,
    MapToList,
    RenameKeys,
    ToList,
    ToSet,
    TupleAdd,
    TupleRemove,
    TupleReorder,
)
from statemig.operations.groups import CopyField, Flatten, MergeFields, Nest, SplitField
from statemig.operations.rest import FlattenList, FlattenRest, NestList, NestRest
from statemig.operations.unions import (
    AddVariant,
    RemoveVariant,
    RenameTag,
    RenameType,
    RenameVariant,
    TagUnion,
    Untag,
)
from statemig.path import Path
from statemig.shapes.shape import MISSING

Function = Callable[..., Any]
Clamp = tuple[int | float | None, int | float | None]


class FieldMethods:
    """Part of `Operations`. Each method raises `OperationError` or `PathError` for arguments that cannot be right."""

    def record(self, operation: Operation) -> None:
        raise NotImplementedError

    def _path(self, text: str | Path) -> Path:
        return Path.parse(text)

    # several fields of an object

    def copy_field(self, path: str, to: str) -> None:
        """Have the value at `path` at `to` as well, another path below the same object."""
        self.record(CopyField(self._path(path), self._path(to)))

    def nest(self, paths: Sequence[str], into: str) -> None:
        """Put fields of one object into a new object beside them, called `into`."""
        self.record(Nest(tuple(map(self._path, _several(paths, Nest.name))), into))

    def flatten(self, path: str, *, fields: Sequence[str] = ()) -> None:
        """Take the fields of the object at `path` out of it; it goes. `fields` are all that the snapshot knows, where they are not
        given."""
        self.record(Flatten(self._path(path), tuple(fields)))

    def nest_rest(self, path: str, into: str, *, keep: Sequence[str]) -> None:
        """Put all that the objects at `path` have at other keys than `keep` into a new object beside them, called `into`."""
        self.record(NestRest(self._path(path), into, tuple(_several(keep, NestRest.name))))

    def flatten_rest(self, path: str, *, keep: Sequence[str]) -> None:
        """Take all that the object at `path` has out of it; it goes. `keep` are the fields beside it."""
        self.record(FlattenRest(self._path(path), tuple(_several(keep, FlattenRest.name))))

    def split_field(self, path: str, into: Sequence[str], by: Function, join: Function | None = None) -> None:
        """Make several fields of the same object, called `into`, of one. `by` is a function of the script from the value to a tuple of as
        many, ``by(value) -> (a, b)``; `join` leads back, ``join(a, b) -> value``."""
        require(callable(by), "by is a function of the script", SplitField.name, path)
        self.record(SplitField(self._path(path), tuple(_several(into, SplitField.name)), by, join))

    def merge_fields(
        self, paths: Sequence[str], into: str, by: Function, split: Function | None = None
    ) -> None:
        """Make one field of the same object, called `into`, of several. `by` is a function of the script from their values, in order, to
        the new one, ``by(a, b) -> value``; `split` leads back, ``split(value) -> (a, b)``."""
        require(callable(by), "by is a function of the script", MergeFields.name)
        parsed = tuple(map(self._path, _several(paths, MergeFields.name)))
        self.record(MergeFields(parsed, into, by, split))

    # bounds and defaults

    def set_default(self, path: str, value: Any, *, materialise: Any = MISSING) -> None:
        """`path` has the default `value` from here on; `materialise` (the old default) is written where it is absent."""
        self.record(SetDefault(self._path(path), value, materialise))

    def constrain(
        self,
        path: str,
        *,
        clamp: Clamp | None = None,
        truncate: int | None = None,
        reject: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Repair values outside new bounds. `clamp`: (least, greatest) for numbers, None leaves an end open. `truncate`: the greatest
        length of texts and lists. `reject`: bounds whose violation is an error, ``{"pattern": "^[a-z]+$"}``."""
        require(
            clamp is not None or truncate is not None or bool(reject),
            "say what becomes of values outside: clamp, truncate or reject",
            Constrain.name,
            path,
        )
        self.record(Constrain(self._path(path), clamp, truncate, reject or (), key))

    def relax(
        self,
        path: str,
        *,
        clamp: Clamp | None = None,
        truncate: int | None = None,
        reject: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        """Bounds are gone or wider; the arguments are those of `constrain`, for the way back."""
        self.record(Relax(self._path(path), clamp, truncate, reject or (), key))

    # containers

    def list_to_map(self, path: str, key: str, *, inside: bool = True) -> None:
        """Make a map of a list of objects, by what each has at `key`; with ``inside=False`` it goes from the objects."""
        self.record(ListToMap(self._path(path), key, inside))

    def flatten_list(self, path: str, key: str, *, rest: Mapping[str, Any] | None = None) -> None:
        """Make one list of a list of objects that each hold a list at `key`. `rest` are the other fields of the one object that holds all
        items on the way back, where nothing was kept."""
        self.record(FlattenList(self._path(path), key, None if rest is None else dict(rest)))

    def nest_list(self, path: str, key: str, *, rest: Mapping[str, Any] | None = None) -> None:
        """Make a list a list of one object, which holds it at `key` and has the fields `rest` beside it."""
        self.record(NestList(self._path(path), key, None if rest is None else dict(rest)))

    def map_to_list(self, path: str, key: str, *, inside: bool = True) -> None:
        """Make a list of the values of a map; each has its key at `key`."""
        self.record(MapToList(self._path(path), key, inside))

    def rename_keys(self, path: str, mapping: Mapping[str, str]) -> None:
        """Rename keys of the map at `path`."""
        self.record(RenameKeys(self._path(path), mapping))

    def tuple_add(self, path: str, *, default: Any = MISSING, key: str | None = None) -> None:
        """Put `default` into a tuple, at the slot `path` (``state.pair[2]``)."""
        require(default is not MISSING, "give the new slot a default", TupleAdd.name, path)
        self.record(TupleAdd(self._path(path), default, key))

    def tuple_remove(self, path: str, *, restore: Any = MISSING, key: str | None = None) -> None:
        """Remove the slot `path` from a tuple. `restore` is put back where nothing was kept."""
        self.record(TupleRemove(self._path(path), restore, key))

    def tuple_reorder(self, path: str, order: Sequence[int]) -> None:
        """Have the slots of the tuple at `path` in another order: slot i is the old slot ``order[i]``."""
        self.record(TupleReorder(self._path(path), tuple(order)))

    def to_set(self, path: str, *, key: str | None = None) -> None:
        """Remove duplicates from a list."""
        self.record(ToSet(self._path(path), key))

    def to_list(self, path: str, *, key: str | None = None) -> None:
        """A set is a list from here on; on the way back duplicates go."""
        self.record(ToList(self._path(path), key))

    # unions

    def rename_variant(self, path: str, old: Any, new: Any) -> None:
        """Rename a variant: the tag at `path` is `new` where it was `old`."""
        self.record(RenameVariant(self._path(path), old, new))

    def rename_tag(self, path: str, to: str) -> None:
        """Rename the key that tells the variants of a union apart; `path` is the tag's."""
        self.record(RenameTag(self._path(path), to))

    def add_variant(
        self, path: str, variant: Any, *, to: Value | Function | Any = MISSING, key: str | None = None
    ) -> None:
        """`variant` is a new value of the tag at `path`. `to` says what such a value becomes on the way back: ``op.value(...)`` or a
        function of the script."""
        self.record(AddVariant(self._path(path), variant, to, key))

    def remove_variant(
        self, path: str, variant: Any, *, to: Value | Function | Any = MISSING, key: str | None = None
    ) -> None:
        """Values whose tag at `path` is `variant` become `to`: ``op.value(...)``, or what a function of the script makes of each. Without
        it a run that has one is refused."""
        self.record(RemoveVariant(self._path(path), variant, to, key))

    def tag_union(self, path: str, key: str, infer: Value | Mapping[str, Any] | Function) -> None:
        """Give objects at `path` the tag `key` where they have none. `infer`: ``op.value("search")`` for all; ``{"query": "search"}``
        for the tag of the first of these fields that is there; or a function of the script from object to tag."""
        self.record(TagUnion(self._path(path), key, infer))

    def untag(self, path: str, *, infer: Value | Mapping[str, Any] | Function | Any = MISSING) -> None:
        """Remove the tag at `path`; `infer`, as for `tag_union`, writes it again on the way back."""
        self.record(Untag(self._path(path), infer))

    def rename_type(self, old: str, new: str) -> None:
        """A type of the state has another name; documents stay as they are."""
        self.record(RenameType(old, new))


def _several(names: Sequence[str], operation: str) -> Sequence[str]:
    require(
        not isinstance(names, str) and len(names) > 0,
        'expected a list, such as ["state.a", "state.b"]',
        operation,
    )
    return names
