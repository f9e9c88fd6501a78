"""The differences of two objects: which field became which, and what happened to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from statemig.autogenerate.change import HAS_PLACE, Change, Site
from statemig.autogenerate.place import Place
from statemig.autogenerate.renames import Matching, match_fields
from statemig.autogenerate.scalars import ValueMapping
from statemig.autogenerate.swaps import SWAPPED, Ways, in_free_order, swapped
from statemig.path import Definition, Key, Path, Values
from statemig.shapes.accept import same
from statemig.shapes.shape import MISSING, MapOf, Missing, Object, Property, without_null
from statemig.shapes.similarity import tokens

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk


def compare_objects(walk: Walk, old: Object, new: Object, place: Place) -> None:
    _extras(walk, old, new, place)
    gone = [key for key in old.properties if key not in new.properties]
    come = [key for key in new.properties if key not in old.properties]
    pairs = {key: key for key in old.properties if key in new.properties}
    tag, walk.rekeyed = walk.rekeyed, None
    if (
        tag is not None and tag[0] in gone and tag[1] in come
    ):  # the union's change, and not one of each member
        gone.remove(tag[0])
        come.remove(tag[1])
        pairs[tag[0]] = tag[1]
    settled: dict[str, str] = {}
    for key in list(old.properties) if walk.given else ():
        _settle(walk, key, new, place, gone, come, pairs, settled)
    for was, now in _swapped(walk, old, new, pairs, place).items():
        settled[was] = now
        del pairs[was]
    matching = match_fields(
        [
            key
            for key in gone
            if str(place.was / key) not in walk.given and str(place.path / key) not in walk.given
        ],
        come,
        old,
        new,
        walk.old,
        walk.new,
        known=settled,
    )
    _removed(walk, old, new, place, gone, settled, matching)
    for key, ways in in_free_order({key: settled[key] for key in old.properties if key in settled}, old, new):
        if (child := _held(walk, old.properties[key], new.properties[settled[key]], settled[key])) is None:
            _renamed(walk, key, settled[key], ways, old, new, place, matching)
            pairs[key] = settled[key]
        else:
            _dissolved(walk, key, child, settled[key], old, place)
    for key in old.properties:
        if key in pairs and not walk.passed_over(old.properties[key], new.properties[pairs[key]]):
            _fields(walk, old.properties[key], new.properties[pairs[key]], place.field(key, pairs[key]))
    for key in new.properties:
        if key in come and key not in settled.values():
            prop = new.properties[key]
            rule = "S04" if not prop.required else "S06" if prop.default is MISSING else "S05"
            at = place.field(key, key)
            direction = "forbidden" if old.extra == "forbid" else ""
            detail = None if isinstance(old.extra, str) else HAS_PLACE
            walk.found(
                rule,
                replace(at, path=at.fresh),
                None,
                prop.shape,
                direction,
                new_property=prop,
                detail=detail,
            )


def _swapped(walk: Walk, old: Object, new: Object, pairs: dict[str, str], place: Place) -> dict[str, str]:
    """Fields of which nobody has said anything that changed names with each other."""
    free = [key for key in pairs if pairs[key] == key]
    # What is written as it was has not changed names, but for what its author says of it.
    free = [
        k
        for k in free
        if new.properties[k].aliases or not walk.written_alike(old.properties[k], new.properties[k])
    ]
    free = [k for k in free if str(place.was / k) not in walk.given and str(place.path / k) not in walk.given]
    found = swapped(walk, old, new, free)
    walk.renames += [(str(place.path / a), str(place.fresh / b), SWAPPED) for a, b in found.items()]
    return found


def _extras(walk: Walk, old: Object, new: Object, place: Place) -> None:
    was_kept, is_kept = not isinstance(old.extra, str), not isinstance(new.extra, str)
    if was_kept and not is_kept:
        walk.found("S18", place, old, new, "ignored" if new.extra == "ignore" else "")
    elif (is_kept and not was_kept) or (old.extra == "forbid" and new.extra == "ignore"):
        walk.found("S16", place, old, new, "kept" if is_kept and old.extra == "forbid" else "")
    elif old.extra == "ignore" and new.extra == "forbid":
        walk.found("S17", place, old, new)
    elif not isinstance(old.extra, str) and not isinstance(new.extra, str):
        walk.compare(old.extra, new.extra, replace(place.inside(Values()), target=None))


def _settle(
    walk: Walk,
    key: str,
    new: Object,
    place: Place,
    gone: list[str],
    come: list[str],
    pairs: dict[str, str],
    settled: dict[str, str],
) -> None:
    """What a person said about this field."""
    named = next((p for p in (str(place.was / key), str(place.path / key)) if p in walk.given), None)
    if named is None:
        return
    walk.used.add(named)
    to = walk.given[named]
    if to is None or to in (key, str(place.now / key)):
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
            walk.moves[named] = (place.field(key, key), path)
    if target is not None:
        settled[key] = target
        if target in pairs:
            del pairs[target]
            gone.append(target)


def _removed(
    walk: Walk,
    old: Object,
    new: Object,
    place: Place,
    gone: list[str],
    settled: dict[str, str],
    found: Matching,
) -> None:
    rule = "S08" if new.extra == "forbid" else "S07"
    kept = [] if isinstance(new.extra, str) else ["kept"]
    for key in gone:
        if key in settled:
            continue
        at = place.field(key, key)
        if key in found.applied:
            candidate = found.applied[key]
            settled[key] = candidate.new
            walk.renames.append((str(at.path), str(place.fresh / candidate.new), candidate.score))
            continue
        if key in found.questions:
            candidates = [(str(place.fresh / other.new), other.score) for other in found.questions[key]]
            walk.questions.append((str(at.path), candidates))
        prop = old.properties[key]
        direction = ", ".join([*([] if prop.required else ["optional"]), *kept])
        walk.found(rule, at, prop.shape, None, direction, old_property=prop)


def _held(walk: Walk, old: Property, new: Property, name: str) -> str | None:
    """The field of the old object that the new value is: `call` became `call_id`, which was `call.id`."""
    record, value = walk.old.resolve(old.shape), walk.new.resolve(without_null(new.shape))
    if not isinstance(record, Object) or isinstance(value, Object | MapOf):
        return None
    fitting = [key for key, prop in record.properties.items() if walk.covered(prop.shape, new.shape)]
    same = [key for key in fitting if tokens(name)[-len(tokens(key)) :] == tokens(key)]
    return same[0] if len(same) == 1 else None


def _dissolved(walk: Walk, key: str, child: str, to: str, old: Object, place: Place) -> None:
    """An object gave way to one of its fields: that one moves, the rest is gone."""
    at = place.field(key, key)
    inner = at.field(child, child)
    after = None if place.target is None else place.target / to
    site = Site(inner.target, None, None, detail=after)
    moved = Change.of("S14", str(inner.path), str(inner.path), str(place.fresh / to), site=site)
    walk.changes.append(moved)
    prop = old.properties[key]
    walk.found("S07", at, prop.shape, None, "" if prop.required else "optional", old_property=prop)


def _renamed(
    walk: Walk, key: str, to: str, ways: Ways, old: Object, new: Object, place: Place, matching: Matching
) -> None:
    certain = key in matching.applied and matching.applied[key].certain
    now = new.properties[to]
    alias = certain and (old.properties[key].python_name or key) == (now.python_name or to)
    at = place.field(key, key)
    detail: Any = to if ways == ((key, to),) else ways
    site = Site(at.target, old.properties[key].shape, now.shape, old.properties[key], now, detail=detail)
    renamed = str(place.fresh / to)
    walk.changes.append(Change.of("S13" if alias else "S12", str(at.path), str(at.path), renamed, site=site))


def _fields(walk: Walk, old: Property, new: Property, place: Place) -> None:
    """Two versions of one field. What is filled in with the old default comes before its type changes."""
    both: dict[str, Any] = {"old_property": old, "new_property": new}
    if (old.description or None) != (new.description or None):
        walk.found("S01", place, old.shape, new.shape, **both)
    required = not old.required and new.required
    rule = "S09" if new.default is MISSING else "S10"
    if required and old.default is not MISSING:
        walk.found(rule, place, old.shape, new.shape, detail="old", **both)
    mark = len(walk.changes)
    walk.compare(old.shape, new.shape, place, new)
    carried = any(_carries(change, old.default, new.default) for change in walk.changes[mark:])
    if not (old.required or new.required or _equal(old.default, new.default) or carried):
        walk.changes.insert(mark, walk.change("S03", place, old.shape, new.shape, **both))
    if required and old.default is MISSING:
        walk.found(rule, place, old.shape, new.shape, detail="new", **both)
    if old.required and not new.required:
        walk.found("S11", place, old.shape, new.shape, **both)


def _full(path: Path, parent: Path) -> Path:
    """A path that does not begin at the top is meant from the object that the field was in."""
    first = path.segments[0]
    full = first in (Key("state"), Key("outputs")) or isinstance(first, Definition)
    return path if full else Path((*parent.segments, *path.segments))


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
