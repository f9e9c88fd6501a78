"""The differences of two schemas: one walk over both, which pairs what belongs together and names a rule for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.definitions import shared_definitions
from statemig.autogenerate.members import (
    Parts,
    constants,
    is_record,
    is_sequence,
    match_members,
    parts,
    told_apart,
)
from statemig.autogenerate.renames import Matching, match_fields
from statemig.autogenerate.scalars import Atom, Finding, ValueMapping, compare_atoms, length
from statemig.autogenerate.words import in_words
from statemig.path import Definition, Items, Key, Path, Slot, Values, Variant
from statemig.shapes.accept import same
from statemig.shapes.digest import digest
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Enum,
    ListOf,
    MapOf,
    Missing,
    Never,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    TupleOf,
    without_null,
)
from statemig.shapes.similarity import similarity, tokens
from statemig.shapes.subshape import gaps

# A list became one value, or the reverse, only where its items look like that value.
_ITEM_LIKE = 0.3


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk is. `path` is what people read (old names; it starts again at `<Node>`), `target` where an
    operation finds the place, `fresh` is `path` with the new names, `was` and `now` are the old and new names all the
    way from the top."""

    path: Path
    target: Path | None
    fresh: Path
    was: Path
    now: Path

    @classmethod
    def at(cls, old: Path, new: Path) -> Place:
        return cls(old, old, new, old, new)

    def field(self, old: str, new: str) -> Place:
        return Place(
            self.path / old,
            self.target / new if self.target is not None else None,
            self.fresh / new,
            self.was / old,
            self.now / new,
        )

    def inside(self, segment: Items | Values | Slot | Variant) -> Place:
        target = self.target / segment if self.target is not None else None
        return Place(
            self.path / segment, target, self.fresh / segment, self.was / segment, self.now / segment
        )

    def definition(self, name: str) -> Place:
        path = Path((Definition(name),))
        return replace(self, path=path, target=path, fresh=path)


class Walk:
    """Gathers what the comparison of two schemas finds.

    `given` are renames a person has settled, by old path. `apart`: shared definitions of which each use is compared
    by itself, because they do not all become the same.
    """

    def __init__(
        self, old: Schema, new: Schema, given: Mapping[str, str | None], apart: frozenset[str] = frozenset()
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

    # -- any two shapes --------------------------------------------------------------------------------------------

    def compare(self, old: Shape, new: Shape, place: Place, field: Property | None = None) -> None:
        """`field` is the new property whose whole value this is, so that its default is known."""
        left, right = parts(old, self.old), parts(new, self.new)
        if not left.shapes or not right.shapes:
            if left.shapes:
                self.found("S23", place, old, new)
            elif right.shapes or (right.nullable and not left.nullable):
                self.found("S22", place, old, new)
            return
        anything = any(isinstance(self.new.resolve(shape), Anything) for shape in right.shapes)
        if right.nullable and not left.nullable:
            self.found("S24", place, old, new, new_property=field)
        mark = len(self.changes)
        if len(left.shapes) == len(right.shapes) == 1:
            self.pair(left.shapes[0], right.shapes[0], place)
        else:
            self.unions(left, right, old, new, place)
        if left.nullable and not right.nullable and not anything:
            wrapped = [c for c in self.changes[mark:] if c.rule == "S29" and c.direction == "wrapped"]
            if not any(change.path == str(place.path) for change in wrapped):  # else null becomes []
                self.found("S25", place, old, new, new_property=field)

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
                self.objects(old, new, place)
            case MapOf(), MapOf():
                self.maps(old, new, place)
            case ListOf(), ListOf():
                self.lists(old, new, place)
            case TupleOf(), TupleOf():
                self.tuples(old, new, place)
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
                self.found("S30", place, old, new, "flattened")
            case _, Object() if not isinstance(old, MapOf) and self.holds(new, self.new, old, self.old):
                self.found("S30", place, old, new, "nested")
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
            self.found("S20", place, old, new, "relaxed" if relaxed else "tightened")
        sizes = length("S21", (old.min_items, old.max_items), (new.min_items, new.max_items))
        self.findings(sizes, old, new, place)
        self.compare(old.values, new.values, place.inside(Values()))

    def lists(self, old: ListOf, new: ListOf, place: Place) -> None:
        if old.unique != new.unique:
            self.found("S46", place, old, new, "tightened" if new.unique else "relaxed")
        sizes = length("S45", (old.min_items, old.max_items), (new.min_items, new.max_items))
        self.findings(sizes, old, new, place)
        self.compare(old.items, new.items, place.inside(Items()))

    def tuples(self, old: TupleOf, new: TupleOf, place: Place) -> None:
        if len(old.slots) != len(new.slots):
            direction = "added" if len(new.slots) > len(old.slots) else "removed"
            self.found("S47", place, old, new, direction)
            return
        for index, (left, right) in enumerate(zip(old.slots, new.slots, strict=True)):
            self.compare(left, right, place.inside(Slot(index)))
        if old.rest is not None and new.rest is not None:
            self.compare(old.rest, new.rest, replace(place.inside(Items()), target=None))
        elif old.rest is not None or new.rest is not None:
            self.found("S47", place, old, new, "added" if new.rest is not None else "removed")

    # -- unions ----------------------------------------------------------------------------------------------------

    def unions(self, left: Parts, right: Parts, old: Shape, new: Shape, place: Place) -> None:
        pairs, gone, come = match_members(left, right, self.old, self.new, self.alike)
        if left.key is not None and right.key is not None and left.key != right.key:
            self.found("S52", place, old, new, "key")
        for i, j in pairs:
            where = self.member(left, i, place)
            mark = len(self.changes)
            self.pair(left.shapes[i], right.shapes[j], where)
            if left.key is not None and left.key == right.key and left.tags[i] != right.tags[j]:
                self.retagged(left, right, i, j, where, mark)
        gone = [i for i in gone if not self.covered(left.shapes[i], new)]
        if len(left.shapes) == len(gone) == 1 and len(come) == 1:
            self.pair(left.shapes[0], right.shapes[come[0]], place)
            gone, come = [], []
        for i in gone:
            rule, direction = ("S51", "removed") if left.key else ("S49", "removed")
            if len(right.shapes) == 1:
                rule, direction = "S23", ""
            where = self.member(left, i, place) if rule == "S51" else place
            self.found(rule, where, left.shapes[i], new, direction)
        if len(left.shapes) == 1 and come:
            self.introduced(left, right, old, new, place)
            return
        for j in come:
            rule = "S51" if right.key else "S49"
            self.found(rule, place, None, right.shapes[j], "added")
        if len(left.shapes) > 1 and len(right.shapes) > 1 and bool(left.key) != bool(right.key):
            written = "tag written" if self.covered(old, new) else "tag absent"
            self.found("S53" if right.key else "S54", place, old, new, written if right.key else "")

    def retagged(self, left: Parts, right: Parts, i: int, j: int, where: Place, mark: int) -> None:
        """A tag's other value is the variant's rename and nothing besides (no S36)."""
        key = left.key or ""
        inner = [
            change for change in self.changes[mark:] if change.rule == "S36" and change.path.endswith(key)
        ]
        for change in inner:
            self.changes.remove(change)
        detail = (key, left.tags[i], right.tags[j])
        self.found("S52", where, left.shapes[i], right.shapes[j], "value", detail=detail)

    def introduced(self, left: Parts, right: Parts, old: Shape, new: Shape, place: Place) -> None:
        """One type became one of several."""
        inside = self.old.resolve(left.shapes[0])
        if right.key is not None and isinstance(inside, Object):
            tag = inside.properties.get(right.key)
            written = tag is not None and tag.required
            constant = constants(inside, self.old).get(right.key)
            direction = "tag written" if written else "tag absent"
            self.found("S55", place, old, new, direction, detail=(right.key, constant))
        else:
            self.found("S22", place, old, new)

    def member(self, union: Parts, number: int, place: Place) -> Place:
        """The place of one member, if a path can name it."""
        shape = union.shapes[number]
        inside = self.old.resolve(shape)
        value = union.tags[number] if union.tags else None
        if union.key is not None and isinstance(value, str | int | bool):
            return place.inside(Variant((union.key,), value))
        alike = is_record if is_record(inside) else is_sequence if is_sequence(inside) else None
        if alike is None:
            return place
        others = [other for other in union.shapes if alike(self.old.resolve(other))]
        if len(others) == 1:
            return place
        if isinstance(shape, Ref):
            return place.definition(shape.name)
        key = told_apart(others, self.old) if alike is is_record else None
        if key is not None and isinstance(inside, Object):
            constant = self.old.resolve(inside.properties[key].shape)
            if isinstance(constant, Enum) and isinstance(constant.values[0], str):
                return place.inside(Variant((key,), constant.values[0]))
        return replace(place, target=None)

    # -- objects ---------------------------------------------------------------------------------------------------

    def objects(self, old: Object, new: Object, place: Place) -> None:
        self.extras(old, new, place)
        gone = [key for key in old.properties if key not in new.properties]
        come = [key for key in new.properties if key not in old.properties]
        pairs = {key: key for key in old.properties if key in new.properties}
        settled: dict[str, str] = {}
        for key in list(old.properties):
            self.settle(key, new, place, gone, come, pairs, settled)
        matching = match_fields(
            [
                key
                for key in gone
                if str(place.was / key) not in self.given and str(place.path / key) not in self.given
            ],
            come,
            old,
            new,
            self.old,
            self.new,
            known=settled,
        )
        self.removed(old, new, place, gone, settled, matching)
        for key in old.properties:
            if key not in settled:
                continue
            if (child := self.held(old.properties[key], new.properties[settled[key]], settled[key])) is None:
                self.renamed(key, settled[key], old, new, place, matching)
                pairs[key] = settled[key]
            else:
                self.dissolved(key, child, settled[key], old, place)
        for key in old.properties:
            if key in pairs:
                self.fields(old.properties[key], new.properties[pairs[key]], place.field(key, pairs[key]))
        for key in new.properties:
            if key in come and key not in settled.values():
                prop = new.properties[key]
                rule = "S04" if not prop.required else "S06" if prop.default is MISSING else "S05"
                at = place.field(key, key)
                self.found(rule, replace(at, path=at.fresh), None, prop.shape, new_property=prop)

    def extras(self, old: Object, new: Object, place: Place) -> None:
        was_kept, is_kept = not isinstance(old.extra, str), not isinstance(new.extra, str)
        if was_kept and not is_kept:
            self.found("S18", place, old, new)
        elif (is_kept and not was_kept) or (old.extra == "forbid" and new.extra == "ignore"):
            self.found("S16", place, old, new)
        elif old.extra == "ignore" and new.extra == "forbid":
            self.found("S17", place, old, new)
        elif not isinstance(old.extra, str) and not isinstance(new.extra, str):
            self.compare(old.extra, new.extra, replace(place.inside(Values()), target=None))

    def settle(
        self,
        key: str,
        new: Object,
        place: Place,
        gone: list[str],
        come: list[str],
        pairs: dict[str, str],
        settled: dict[str, str],
    ) -> None:
        """What a person said about this field."""
        named = next((p for p in (str(place.was / key), str(place.path / key)) if p in self.given), None)
        if named is None:
            return
        self.used.add(named)
        to = self.given[named]
        if to is None:
            return
        if key in pairs:
            del pairs[key]
            gone.append(key)
            come.append(key)
        target = to if to in new.properties else None
        if target is None and (path := _full(Path.parse(to), place.now)).segments:
            beside = path.parent in (place.now, place.was, place.path)
            if beside and isinstance(path.last, Key) and path.last.name in new.properties:
                target = path.last.name
            else:
                self.moves[named] = (place.field(key, key), path)
        if target is not None:
            settled[key] = target
            if target in pairs:
                del pairs[target]
                gone.append(target)

    def removed(
        self,
        old: Object,
        new: Object,
        place: Place,
        gone: list[str],
        settled: dict[str, str],
        found: Matching,
    ) -> None:
        rule, direction = ("S08", "") if new.extra == "forbid" else ("S07", "")
        if not isinstance(new.extra, str):
            direction = "kept"
        for key in gone:
            if key in settled:
                continue
            at = place.field(key, key)
            if key in found.applied:
                candidate = found.applied[key]
                settled[key] = candidate.new
                self.renames.append((str(at.path), str(place.fresh / candidate.new), candidate.score))
                continue
            if key in found.questions:
                candidates = [(str(place.fresh / other.new), other.score) for other in found.questions[key]]
                self.questions.append((str(at.path), candidates))
            prop = old.properties[key]
            self.found(rule, at, prop.shape, None, direction, old_property=prop)

    def held(self, old: Property, new: Property, name: str) -> str | None:
        """The field of the old object that the new value is: `call` became `call_id`, which was `call.id`."""
        record, value = self.old.resolve(old.shape), self.new.resolve(without_null(new.shape))
        if not isinstance(record, Object) or isinstance(value, Object | MapOf):
            return None
        fitting = [key for key, prop in record.properties.items() if self.covered(prop.shape, new.shape)]
        same = [key for key in fitting if tokens(name)[-len(tokens(key)) :] == tokens(key)]
        return same[0] if len(same) == 1 else None

    def dissolved(self, key: str, child: str, to: str, old: Object, place: Place) -> None:
        """An object gave way to one of its fields: that one moves, the rest is gone."""
        at = place.field(key, key)
        inner = at.field(child, child)
        after = None if place.target is None else place.target / to
        site = Site(inner.target, None, None, detail=after)
        moved = Change.of("S14", str(inner.path), str(inner.path), str(place.fresh / to), site=site)
        self.changes.append(moved)
        prop = old.properties[key]
        self.found("S07", at, prop.shape, None, old_property=prop)

    def renamed(self, key: str, to: str, old: Object, new: Object, place: Place, matching: Matching) -> None:
        certain = key in matching.applied and matching.applied[key].certain
        now = new.properties[to]
        alias = certain and (old.properties[key].python_name or key) == (now.python_name or to)
        at = place.field(key, key)
        site = Site(at.target, old.properties[key].shape, now.shape, old.properties[key], now, detail=to)
        renamed = str(place.fresh / to)
        self.changes.append(
            Change.of("S13" if alias else "S12", str(at.path), str(at.path), renamed, site=site)
        )

    def fields(self, old: Property, new: Property, place: Place) -> None:
        """Two versions of one field. What is filled in with the old default comes before its type changes."""
        both: dict[str, Any] = {"old_property": old, "new_property": new}
        if (old.description or None) != (new.description or None):
            self.found("S01", place, old.shape, new.shape, **both)
        required = not old.required and new.required
        rule = "S09" if new.default is MISSING else "S10"
        if required and old.default is not MISSING:
            self.found(rule, place, old.shape, new.shape, detail="old", **both)
        mark = len(self.changes)
        self.compare(old.shape, new.shape, place, new)
        carried = any(_carries(change, old.default, new.default) for change in self.changes[mark:])
        if not (old.required or new.required or _equal(old.default, new.default) or carried):
            self.changes.insert(mark, self.change("S03", place, old.shape, new.shape, **both))
        if required and old.default is MISSING:
            self.found(rule, place, old.shape, new.shape, detail="new", **both)
        if old.required and not new.required:
            self.found("S11", place, old.shape, new.shape, **both)

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
        return digest(Schema(shape, (self.new if new_side else self.old).definitions))


def _full(path: Path, parent: Path) -> Path:
    """A path that does not begin at the top is meant from the object that the field was in."""
    first = path.segments[0]
    return path if first in (Key("state"), Key("outputs")) else Path((*parent.segments, *path.segments))


def _equal(a: Any, b: Any) -> bool:
    """As JSON: 0 and 0.0 are one number, 1 and true are two values."""
    if isinstance(a, Missing) or isinstance(b, Missing):
        return a is b
    return same(a, b)


def _carries(change: Change, old: Any, new: Any) -> bool:
    """An operation for this change turns the old default into the new one by itself."""
    detail = change.site.detail if change.site else None
    if isinstance(detail, ValueMapping):
        return (old, new) in (*detail.certain, *detail.guessed)
    match change.rule:
        case "S25":
            return old is None and not isinstance(new, Missing) and new is not None
        case "S27" | "S28":
            return str(old) == str(new)
        case "S29" if change.direction == "wrapped":
            return _equal(new, [] if old is None else [old])
        case _:
            return False
