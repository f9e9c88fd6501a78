"""The differences of two schemas: one walk over both, which pairs what belongs together and names a rule for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from statemig.autogenerate.bound_builders import NULLABLE
from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.definitions import shared_definitions
from statemig.autogenerate.members import parts
from statemig.autogenerate.nesting import compare_flattened, compare_nested, holder_of, settle_null
from statemig.autogenerate.objects import compare_objects
from statemig.autogenerate.place import Place
from statemig.autogenerate.scalars import Atom, Finding, ValueMapping, compare_atoms, length, renamed_values
from statemig.autogenerate.tuples import compare_tuples
from statemig.autogenerate.unions import compare_unions
from statemig.autogenerate.words import in_words
from statemig.path import Items, Path, Values
from statemig.shapes.digest import digest
from statemig.shapes.marks import Marks
from statemig.shapes.shape import (
    Anything,
    Enum,
    ListOf,
    MapOf,
    Never,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    String,
    TupleOf,
)
from statemig.shapes.similarity import similarity
from statemig.shapes.subshape import gaps

# A list became one value, or the reverse, only where its items look like that value.
_ITEM_LIKE = 0.3


class Walk:
    """Gathers what the comparison of two schemas finds.

    `given` are renames a person has settled, by old path. `apart`: shared definitions of which each use is compared
    by itself, because they do not all become the same. `marks` are those of `old` and `new`, where they are known.
    """

    def __init__(
        self,
        old: Schema,
        new: Schema,
        given: Mapping[str, str | None],
        apart: frozenset[str] = frozenset(),
        marks: tuple[Marks, Marks] | None = None,
    ) -> None:
        self.old = old
        self.new = new
        self.given = given
        self.apart = apart
        self.changes: list[Change] = []
        self.renames: list[tuple[str, str, float]] = []
        self.questions: list[tuple[str, list[tuple[str, float]]]] = []
        self.moves: dict[str, tuple[Place, Path]] = {}
        self.used: set[str] = set()
        self.partners: dict[str, set[str]] = {}
        self.shared = shared_definitions(self.old)
        self.done: set[tuple[str | None, str | None]] = set()
        self.open: list[tuple[str | None, str | None]] = []
        #: the old and the new key of a union's tag, on the way into one of its members
        self.rekeyed: tuple[str | None, str | None] | None = None
        #: whether null was, and may be, beside the two values that are compared
        self.beside = False, False
        self.marks = marks or (Marks.of(old), Marks.of(new))
        self.changed = self.marks[0].changed(self.marks[1])

    # -- any two shapes --------------------------------------------------------------------------------------------

    def compare(self, old: Shape, new: Shape, place: Place, field: Property | None = None) -> None:
        """`field` is the new property whose whole value this is, so that its default is known."""
        if self.passed_over(old, new):
            return
        left, right = parts(old, self.old), parts(new, self.new)
        if not left.shapes or not right.shapes:
            if left.shapes:
                self.found("S23", place, old, new)
            elif right.shapes or (right.nullable and not left.nullable):
                self.found("S22", place, old, new)
            return
        anything = any(isinstance(self.new.resolve(shape), Anything) for shape in right.shapes)
        start = len(self.changes)
        if right.nullable and not left.nullable:
            self.found("S24", place, old, new, new_property=field)
        mark = len(self.changes)
        self.beside = left.nullable, right.nullable
        if len(left.shapes) == len(right.shapes) == 1:
            self.pair(left.shapes[0], right.shapes[0], place)
        else:
            compare_unions(self, left, right, old, new, place)
        if left.nullable:
            self.changes[mark:] = [_beside_null(change, place) for change in self.changes[mark:]]
        settled = settle_null(self, start, place)
        if left.nullable and not (right.nullable or anything or settled):
            wrapped = [c for c in self.changes[mark:] if c.rule == "S29" and c.direction == "wrapped"]
            if not any(change.path == str(place.path) for change in wrapped):  # else null becomes []
                self.found("S25", place, old, new, new_property=field)

    def written_alike(self, old: Shape | Property, new: Shape | Property) -> bool:
        """Whether nothing has changed in here, told by what is known of either schema."""
        before, after = self.marks[0].known.get(id(old)), self.marks[1].known.get(id(new))
        return before is not None and before == after and not before[1] & self.changed

    def passed_over(self, old: Shape | Property, new: Shape | Property) -> bool:
        """Whether there is no need to go in here; the definitions in here have become themselves."""
        if self.given or not self.written_alike(old, new):
            return False
        for name in self.marks[0].known[id(old)][1] & self.shared & self.new.definitions.keys():
            self.partners.setdefault(name, set()).add(self.digest(self.new.definitions[name], new_side=True))
        self.rekeyed = None
        return True

    def pair(self, old: Shape, new: Shape, place: Place) -> None:
        """Two shapes that are neither unions nor null; a reference leads into its definition."""
        pair = (old.name if isinstance(old, Ref) else None, new.name if isinstance(new, Ref) else None)
        if isinstance(old, Ref):
            self.partners.setdefault(old.name, set()).add(self.digest(new, new_side=True))
            if old.name in self.shared and old.name not in self.apart:
                place = place.definition(old.name)
                if pair in self.done:
                    return
                self.done.add(pair)
        if pair != (None, None):
            if pair in self.open:
                return
            if None not in pair and pair[0] != pair[1] and self.alike(old, new):
                self.found("S02", place, old, new)
                return
        self.open.append(pair)
        self.inside(self.old.resolve(old), self.new.resolve(new), place)
        self.open.pop()

    def inside(self, old: Shape, new: Shape, place: Place) -> None:
        match old, new:
            case Anything(was), Anything(now):
                if was != now and was is not None and now is not None:
                    self.found("W12", place, old, new)
            case _, Anything():
                self.found("S35" if isinstance(old, Enum) else "S22", place, old, new)
            case Anything(), _:
                self.found("S34" if isinstance(new, Enum) else "S23", place, old, new)
            case Never(), Never():
                return
            case (Never(), _) | (_, Never()):
                self.found("S22" if isinstance(old, Never) else "S23", place, old, new)
            case Object(), Object():
                compare_objects(self, old, new, place)
            case MapOf(), MapOf():
                self.maps(old, new, place)
            case ListOf(), ListOf():
                self.lists(old, new, place)
            case TupleOf(), TupleOf():
                compare_tuples(self, old, new, place)
            case TupleOf(), ListOf():
                self.found("S48" if self.covered(old, new) else "S28", place, old, new)
            case ListOf(), TupleOf():
                self.found("S47", place, old, new, "added")
            case _, ListOf(items) if self.item_like(old, items):
                self.found("S29", place, old, new, "wrapped")
                self.compare(old, items, place.inside(Items()))
            case ListOf(items), _ if self.item_like(items, new):
                self.found("S29", place, old, new, "unwrapped")
                self.compare(items, new, place)
            case Object(), MapOf():
                self.found("S22" if self.covered(old, new) else "S28", place, old, new)
            case Object(), _ if self.holds(old, self.old, new, self.new):
                compare_flattened(self, old, new, holder_of(old, self.old, new, self.new, place), place)
            case _, Object() if not isinstance(old, MapOf) and self.holds(new, self.new, old, self.old):
                compare_nested(self, old, new, holder_of(new, self.new, old, self.old, place), place)
            case _:
                if isinstance(old, Atom) and isinstance(new, Atom):
                    self.findings(compare_atoms(old, new), old, new, place)
                else:
                    self.found("S28", place, old, new)

    def item_like(self, old: Shape, new: Shape) -> bool:
        return bool(similarity(old, self.old, new, self.new) >= _ITEM_LIKE)

    def holds(self, record: Object, schema: Schema, value: Shape, other: Schema) -> bool:
        return any(
            similarity(prop.shape, schema, value, other) >= 1 - _ITEM_LIKE
            for prop in record.properties.values()
        )

    # -- containers ------------------------------------------------------------------------------------------------

    def maps(self, old: MapOf, new: MapOf, place: Place) -> None:
        if old.keys != new.keys:
            relaxed = self.covered(old.keys, new.keys)
            detail = None if relaxed else _keys(old.keys, new.keys)
            self.found("S20", place, old, new, "relaxed" if relaxed else "tightened", detail=detail)
        sizes = length("S21", (old.min_items, old.max_items), (new.min_items, new.max_items))
        self.findings(sizes, old, new, place)
        self.compare(old.values, new.values, place.inside(Values()))

    def lists(self, old: ListOf, new: ListOf, place: Place) -> None:
        if old.unique != new.unique:
            self.found("S46", place, old, new, "tightened" if new.unique else "relaxed")
        sizes = length("S45", (old.min_items, old.max_items), (new.min_items, new.max_items))
        self.findings(sizes, old, new, place)
        self.compare(old.items, new.items, place.inside(Items()))

    # -- results ---------------------------------------------------------------------------------------------------

    def findings(self, findings: Iterator[Finding], old: Shape, new: Shape, place: Place) -> None:
        for finding in findings:
            self.found(finding.rule, place, old, new, finding.direction, detail=finding.detail)

    def found(
        self, rule: str, place: Place, old: Shape | None, new: Shape | None, direction: str = "", **site: Any
    ) -> None:
        self.changes.append(self.change(rule, place, old, new, direction, **site))

    def change(
        self, rule: str, place: Place, old: Shape | None, new: Shape | None, direction: str = "", **site: Any
    ) -> Change:
        return Change.of(
            rule,
            str(place.path),
            in_words(old) if old is not None else None,
            in_words(new) if new is not None else None,
            direction=direction,
            site=Site(place.target, old, new, **site),
        )

    def covered(self, old: Shape, new: Shape) -> bool:
        """Every old value is a new value as it stands."""
        left, right = Schema(old, self.old.definitions), Schema(new, self.new.definitions)
        return not gaps(left, right)

    def alike(self, old: Shape, new: Shape) -> bool:
        return self.digest(old, new_side=False) == self.digest(new, new_side=True)

    def digest(self, shape: Shape, *, new_side: bool) -> str:
        marks = self.marks[new_side]
        found = marks.digests.get(id(shape))
        if found is None:
            found = digest(Schema(shape, marks.schema.definitions))
            if id(shape) in marks.known:
                marks.digests[id(shape)] = found
        return found


def _keys(old: String | Enum, new: String | Enum) -> ValueMapping | None:
    """Which keys of a map became which, where they are known by name."""
    return renamed_values(old, new) if isinstance(old, Enum) and isinstance(new, Enum) else None


def _beside_null(change: Change, place: Place) -> Change:
    """A choice of a few values has to let null through where there may be null."""
    if change.rule != "S34" or change.path != str(place.path) or change.site is None:
        return change
    return replace(change, site=replace(change.site, detail=NULLABLE))
