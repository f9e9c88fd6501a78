"""Classes that were renamed, where a runtime stores values with the name of their class."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.known import declared
from statemig.path import Key, Path
from statemig.shapes.shape import ListOf, MapOf, Object, Ref, Schema, Shape, TupleOf, Union
from statemig.workflow.snapshot import Snapshot

#: in `Snapshot.runtime`: the names of the classes whose values are stored with the name of their class
CLASSES: Final = "classes"


def class_changes(old: Snapshot, new: Snapshot, changes: Sequence[Change]) -> Iterator[Change]:
    """Classes that have another name now, told by the places that hold them; `changes` are those of the state. Where one name became
    several, or several became one, nobody knows."""
    stored: Collection[str] = new.runtime.get(CLASSES, ())
    if not stored:
        return
    before, after = declared(old), declared(new)
    for was, now in renamed_classes(before, after, _renamed(changes)).items():
        if now in stored:
            yield Change.of("W12", f"<{was}>", was, now, site=Site(None, detail=(was, now)))


def renamed_classes(
    before: Schema, after: Schema, renamed: Mapping[str, str] | None = None, parts: Sequence[str] = ("state",)
) -> dict[str, str]:
    """The new names of classes by the old ones, told by the places in these `parts` of a run that hold them; `renamed` are new keys by
    the old path of the field."""
    became: dict[str, set[str]] = {}
    came_from: dict[str, set[str]] = {}
    for was, now in _Pairs(before, after, renamed or {}).found(parts):
        became.setdefault(was, set()).add(now)
        came_from.setdefault(now, set()).add(was)
    there, here = _names(before), _names(after)
    found = {}
    for was, names in became.items():
        now = next(iter(names))
        alone = len(names) == len(came_from[now]) == 1
        if alone and was != now and was not in here and now not in there:
            found[was] = now
    return found


def _renamed(changes: Sequence[Change]) -> Mapping[str, str]:
    """New keys by the old path of the field."""
    found = {}
    for change in changes:
        if change.rule == "S12" and change.new is not None:
            last = Path.parse(change.new).segments[-1]
            if isinstance(last, Key):
                found[change.path] = last.name
    return found


class _Pairs:
    """Walks two schemas side by side, and tells which named objects stand at the same place."""

    def __init__(self, old: Schema, new: Schema, renamed: Mapping[str, str]) -> None:
        self._old, self._new, self._renamed = old, new, renamed
        self._done: set[tuple[str, str]] = set()

    def found(self, parts: Sequence[str]) -> Iterator[tuple[str, str]]:
        for part in parts:
            was, now = _part(self._old, part), _part(self._new, part)
            if was is not None and now is not None:
                yield from self._inside(was, now, part)

    def _pair(self, old: Shape, new: Shape, path: str) -> Iterator[tuple[str, str]]:
        was, now = _name(old), _name(new)
        if was is not None and now is not None:
            if (was, now) in self._done:
                return
            self._done.add((was, now))
            yield was, now
        yield from self._inside(self._old.resolve(old), self._new.resolve(new), path, was)

    def _inside(
        self, old: Shape, new: Shape, path: str, name: str | None = None
    ) -> Iterator[tuple[str, str]]:
        match old, new:
            case Object(), Object():
                for key, field in old.properties.items():
                    here = f"{path}.{key}"
                    named = self._renamed.get(here) or self._renamed.get(f"<{name}>.{key}") or key
                    if named in new.properties:
                        yield from self._pair(field.shape, new.properties[named].shape, here)
            case ListOf(), ListOf():
                yield from self._pair(old.items, new.items, f"{path}[]")
            case MapOf(), MapOf():
                yield from self._pair(old.values, new.values, f"{path}{{}}")
            case TupleOf(), TupleOf():
                for number, (was, now) in enumerate(zip(old.slots, new.slots, strict=False)):
                    yield from self._pair(was, now, f"{path}[{number}]")
            case _, _:
                yield from self._members(old, new, path)

    def _members(self, old: Shape, new: Shape, path: str) -> Iterator[tuple[str, str]]:
        """Members of unions by name; of those that are left, one on each side are the same."""
        was, now = ([*each.members] if isinstance(each, Union) else [each] for each in (old, new))
        if len(was) == len(now) == 1:
            return
        known = {name: member for member in now if (name := _name(member)) is not None}
        left = [member for member in was if _name(member) is not None and _name(member) not in known]
        names = {_name(member) for member in was}
        right = [member for name, member in known.items() if name not in names]
        for member in was:
            if _name(member) in known:
                yield from self._pair(member, known[str(_name(member))], path)
        if len(left) == len(right) == 1:
            yield from self._pair(left[0], right[0], path)


def _part(schema: Schema, name: str) -> Shape | None:
    root = schema.resolve(schema.root)
    if not isinstance(root, Object) or name not in root.properties:
        return None
    return schema.resolve(root.properties[name].shape)


def _name(shape: Shape) -> str | None:
    return shape.name if isinstance(shape, Ref | Object) else None


def _names(schema: Schema) -> set[str]:
    """Every name that an object has."""
    found = set(schema.definitions)
    todo: list[Any] = [schema.root, *schema.definitions.values()]
    while todo:
        shape = todo.pop()
        match shape:
            case Object(properties, extra, name):
                found |= {name} if name is not None else set()
                todo += [each.shape for each in properties.values()]
                todo += [] if isinstance(extra, str) else [extra]
            case ListOf(items):
                todo.append(items)
            case MapOf(values):
                todo.append(values)
            case TupleOf(slots, rest):
                todo += [*slots, *([] if rest is None else [rest])]
            case Union(members):
                todo += members
            case _:
                pass
    return found
