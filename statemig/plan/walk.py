"""Find the places of a path in a document and rebuild what lies above those that change; all else is shared, nothing is mutated.

A *trail* is the concrete way to one such place: keys, slot numbers and `Item`s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statemig.document import Document
from statemig.errors import MigrationError
from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant, render
from statemig.shapes.shape import ListOf, MapOf, Object, Property, Ref, Schema, Shape, TupleOf, Union


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list, by its position in this very document; kept notes name it by what it looks like instead."""

    index: int


Trail = tuple[str | int | Item, ...]
Visit = Callable[[Any, Trail], Any]


def trail_text(trail: Trail) -> str:
    """A trail in the syntax of paths, for messages."""
    segments: list[Segment] = []
    for part in trail:
        segments.append(
            Key(part) if isinstance(part, str) else Slot(part.index if isinstance(part, Item) else part)
        )
    return render(tuple(segments))


def over(
    document: Document,
    path: Path,
    visit: Visit,
    visit_partial: Visit | None = None,
    *,
    schema: Schema | None = None,
    inner_first: bool = True,
) -> Document:
    """`visit` every place of `path` and return the document with the results.

    State that branches have written and no join has taken up yet (``pending[].writes``) is state with most keys absent: a path into
    ``state`` goes there too, with `visit_partial` where the place is the whole of such a write. `schema` (of the document before
    the change) is needed for ``<Node>`` paths only; `inner_first` says whether an occurrence inside another comes before it.
    """
    segments = path.segments
    if segments and isinstance(segments[0], Definition):
        return _over_definition(document, segments[0].name, segments[1:], visit, schema, inner_first)
    result = walk(document, segments, visit, ())
    if not segments or segments[0] != Key("state"):
        return result  # type: ignore[no-any-return]
    inner = segments[1:]
    at_writes = visit if visit_partial is None or inner else visit_partial

    def writes(value: Any, trail: Trail) -> Any:
        return walk(value, inner, at_writes, trail)

    return walk(result, _WRITES, writes, ())  # type: ignore[no-any-return]


_WRITES: tuple[Segment, ...] = (Key("pending"), Items(), Key("writes"))


def walk(value: Any, segments: tuple[Segment, ...], visit: Visit, trail: Trail) -> Any:
    """The value with `visit`'s result at each place below it; the same object when nothing changed."""
    if not segments:
        return visit(value, trail)
    segment, rest = segments[0], segments[1:]
    match segment:
        case Key(name):
            if not isinstance(value, dict) or name not in value:
                return value
            return _with(value, name, walk(value[name], rest, visit, (*trail, name)))
        case Values():
            if not isinstance(value, dict):
                return value
            made = {key: walk(inner, rest, visit, (*trail, key)) for key, inner in value.items()}
            return made if any(made[key] is not inner for key, inner in value.items()) else value
        case Items():
            if not isinstance(value, list):
                return value
            items = [walk(inner, rest, visit, (*trail, Item(number))) for number, inner in enumerate(value)]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        case Slot(index):
            if not isinstance(value, list) or not -len(value) <= index < len(value):
                return value
            return _with(value, index, walk(value[index], rest, visit, (*trail, index)))
        case Variant(tag, wanted):
            if not _tagged(value, tag, wanted):
                return value
            made = walk(value, rest, visit, trail)
            if made is not value and not _tagged(made, tag, wanted):
                raise MigrationError(
                    f"this changes the tag {render((segment,))} that the path goes by, so the way back would not find it",
                    path=trail_text(trail) or None,
                    hint="Change the tag of all variants at once: the path without <...>",
                )
            return made
        case Definition():
            raise MigrationError("<...> can only begin a path")


def replace(value: Any, trail: Trail, visit: Callable[[Any], Any]) -> Any:
    """The value with `visit`'s result at one concrete place."""
    if not trail:
        return visit(value)
    part = trail[0].index if isinstance(trail[0], Item) else trail[0]
    return _with(value, part, replace(value[part], trail[1:], visit))


def _with(container: Any, part: str | int, new: Any) -> Any:
    if new is container[part]:
        return container
    copy = container.copy()
    copy[part] = new
    return copy


def _tagged(value: Any, tag: tuple[str, ...], wanted: Any) -> bool:
    for key in tag:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return type(value) is type(wanted) and bool(value == wanted)


# -- every occurrence of a definition ----------------------------------------------------------------------------------


def _over_definition(
    document: Document,
    name: str,
    rest: tuple[Segment, ...],
    visit: Visit,
    schema: Schema | None,
    inner_first: bool,
) -> Document:
    if schema is None:
        raise MigrationError(
            f"<{name}> names a definition, but this revision has no snapshot to find it in",
            hint="Give the revision its snapshot, or write the path out",
        )
    search = Occurrences(schema, name)

    def found(value: Any, trail: Trail) -> Any:
        return walk(value, rest, visit, trail)

    root = schema.resolve(schema.root)
    if not isinstance(root, Object):
        raise MigrationError(
            f"<{name}> names a definition, but a transform of the whole document hides where it lies",
            hint="Put this operation before the transform, or give the transform a path",
        )
    result: Any = document
    for part, prop in root.properties.items():
        if part in result:
            result = _with(result, part, search.visit(result[part], prop.shape, found, (part,), inner_first))
    state = root.properties.get("state")
    if state is not None:
        shape = state.shape
        result = walk(
            result, _WRITES, lambda writes, trail: search.inside(writes, shape, found, trail, inner_first), ()
        )
    return result  # type: ignore[no-any-return]


class Occurrences:
    """Where values of the definition `name` lie in documents of a schema."""

    def __init__(self, schema: Schema, name: str) -> None:
        self.schema = schema
        self.name = name
        self._reaching: frozenset[str] = frozenset()
        while True:  # the least fixed point; each round adds at least one definition
            more = frozenset(key for key, shape in schema.definitions.items() if self.reaches(shape))
            if more == self._reaching:
                break
            self._reaching = more

    def visit(self, value: Any, shape: Shape, found: Visit, trail: Trail, inner_first: bool) -> Any:
        if not self.reaches(shape):
            return value
        shape = self.schema.resolve(shape)
        if isinstance(shape, Union):
            member = self._member(value, shape)
            return value if member is None else self.visit(value, member, found, trail, inner_first)
        here = isinstance(shape, Object) and shape.name == self.name and isinstance(value, dict)
        if here and not inner_first:
            value = found(value, trail)
        value = self.inside(value, shape, found, trail, inner_first)
        if here and inner_first:
            value = found(value, trail)
        return value

    def inside(self, value: Any, shape: Shape, found: Visit, trail: Trail, inner_first: bool) -> Any:
        """Occurrences below the value, not the value itself."""
        shape = self.schema.resolve(shape)

        def deeper(inner: Any, inner_shape: Shape, part: str | int | Item) -> Any:
            return self.visit(inner, inner_shape, found, (*trail, part), inner_first)

        match shape:
            case Object(properties, extra) if isinstance(value, dict):
                for key, inner in list(value.items()):
                    prop = properties.get(key)
                    if prop is not None:
                        value = _with(value, key, deeper(inner, prop.shape, key))
                    elif not isinstance(extra, str):
                        value = _with(value, key, deeper(inner, extra, key))
            case MapOf(values) if isinstance(value, dict):
                for key, inner in list(value.items()):
                    value = _with(value, key, deeper(inner, values, key))
            case ListOf(items) if isinstance(value, list):
                for number, inner in enumerate(list(value)):
                    value = _with(value, number, deeper(inner, items, Item(number)))
            case TupleOf(slots, rest) if isinstance(value, list):
                for number, inner in enumerate(list(value)):
                    slot = slots[number] if number < len(slots) else rest
                    if slot is not None:
                        value = _with(value, number, deeper(inner, slot, number))
            case _:
                pass
        return value

    def reaches(self, shape: Shape) -> bool:
        match shape:
            case Ref(name):
                return name in self._reaching
            case Object(properties, extra, name):
                if name == self.name or any(self.reaches(prop.shape) for prop in properties.values()):
                    return True
                return not isinstance(extra, str) and self.reaches(extra)
            case ListOf(items):
                return self.reaches(items)
            case MapOf(values):
                return self.reaches(values)
            case TupleOf(slots, rest):
                return any(map(self.reaches, slots)) or (rest is not None and self.reaches(rest))
            case Union(members):
                return any(map(self.reaches, members))
            case _:
                return False

    def _member(self, value: Any, union: Union) -> Shape | None:
        """The member that a value belongs to: by tag, else the first that accepts it."""
        from statemig.shapes.accept import accepts

        if union.tag is not None and isinstance(value, dict):
            number = union.tag.mapping.get(value.get(union.tag.key))
            if number is not None:
                return union.members[number]
        alike = [member for member in union.members if _same_kind(value, self.schema.resolve(member))]
        if len(alike) == 1:
            return alike[0]
        return next((member for member in alike if accepts(member, value, self.schema)), None)


def _same_kind(value: Any, shape: Shape) -> bool:
    match shape:
        case Object() | MapOf():
            return isinstance(value, dict)
        case ListOf() | TupleOf():
            return isinstance(value, list)
        case Union():
            return True
        case _:
            return not isinstance(value, dict | list)


def occurrences_in_schema(schema: Schema, name: str, change: Callable[[Object], Shape]) -> Schema:
    """The schema with every object named `name`, at any depth, changed.

    What differed may be alike afterwards, so the items of a set need not differ any more; and a tag that may have changed tells nothing
    apart.
    """
    search = Occurrences(schema, name)

    def tagged(member: Shape, key: str) -> bool:
        before = schema.resolve(member)
        if not isinstance(before, Object) or before.name != name:
            return True
        after = change(before)
        return isinstance(after, Object) and after.properties.get(key) == before.properties.get(key)

    def deep(shape: Shape) -> Shape:
        match shape:
            case Object(properties, extra, own):
                made = Object(
                    {key: _property(prop, deep(prop.shape)) for key, prop in properties.items()},
                    extra if isinstance(extra, str) else deep(extra),
                    own,
                )
                return change(made) if own == name else made
            case ListOf(items, least, most, unique):
                return ListOf(deep(items), least, most, unique and not search.reaches(items))
            case TupleOf(slots, rest):
                return TupleOf(tuple(map(deep, slots)), None if rest is None else deep(rest))
            case MapOf(values, keys, least, most):
                return MapOf(deep(values), keys, least, most)
            case Union(members, tag):
                kept = tag is not None and all(tagged(each, tag.key) for each in members)
                return Union(tuple(map(deep, members)), tag if kept else None)
            case _:
                return shape

    return Schema(deep(schema.root), {key: deep(shape) for key, shape in schema.definitions.items()})


def _property(prop: Property, shape: Shape) -> Property:
    return Property(shape, prop.required, prop.default, prop.python_name, prop.aliases, prop.description)
