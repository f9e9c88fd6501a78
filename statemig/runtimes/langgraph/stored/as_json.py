"""Stored values as plain JSON, which operations run on, and back: what each was an instance of is kept apart (`Tags`). Pure."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from statemig import json_text
from statemig.runtimes.langgraph.stored.values import (
    CLASSED,
    DELTA,
    KEYWORDS,
    METHOD,
    MODEL,
    MODEL_V1,
    SCALARS,
    SINGLE,
    Foreign,
    built,
    is_json,
    without_instance,
)

Place = tuple[str | int, ...]

#: kinds that are built from an object's fields
_OF_OBJECTS: Final = frozenset((MODEL, MODEL_V1, KEYWORDS))
_SAME: Final = object()


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that JSON cannot say: as it was stored, and what stands for it in the document."""

    value: Any
    shown: Any


@dataclass(frozen=True, slots=True)
class OddKeys:
    """An object with keys that are not text."""

    keys: Mapping[str, Any]


Tag = Foreign | Kept | OddKeys
#: what stood at each path of a document, from the outside in
Tags = dict[Place, tuple[Tag, ...]]


def to_json(value: Any, tags: Tags, place: Place) -> Any:
    """Plain JSON of a raw value, itself where it is that; what stood where goes into `tags`."""
    if value is None or type(value) in SCALARS or is_json(value):
        return value
    return _to_json(value, tags, place)


def _to_json(value: Any, tags: Tags, place: Place) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            if value is None or type(value) in SCALARS:
                return value
            kind = next(each for each in (int, float, str) if isinstance(value, each))
            return _kept(value, kind(value), tags, place)  # a kind of its own, which was pickled
        case list():
            if value and type(value[0]) is Foreign:
                alike = _of_models(value, tags, place)
                if alike is not None:
                    return alike
            return [_to_json(item, tags, (*place, number)) for number, item in enumerate(value)]
        case dict():
            named = {key if isinstance(key, str) else _text_of(key): key for key in value}
            if len(named) < len(value):
                return _kept(value, json_text.digest(repr(sorted(map(repr, value)))), tags, place)
            if any(not isinstance(key, str) for key in value):
                tags[place] = (*tags.get(place, ()), OddKeys(named))
            return {text: _to_json(value[key], tags, (*place, text)) for text, key in named.items()}
        case Foreign():
            return _of_foreign(value, tags, place)
        case bytes() | bytearray():
            return _kept(value, value.decode("utf-8", "backslashreplace"), tags, place)
        case _:
            made = without_instance(value)
            if made is value:
                return _kept(value, f"{type(value).__module__}.{type(value).__name__}", tags, place)
            return _to_json(made, tags, place)


def _of_models(items: list[Any], tags: Tags, place: Place) -> list[Any] | None:
    """The items of a list of models whose fields are JSON as they are, as in a list of messages; None for any other list."""
    made = [each.arg for each in items if type(each) is Foreign and each.code == MODEL]
    if len(made) < len(items) or not is_json(made):
        return None
    last: tuple[Foreign] | None = None
    for number, each in enumerate(items):
        if (
            last is None
            or each.name != last[0].name
            or each.module != last[0].module
            or each.rest != last[0].rest
        ):
            last = (_bare(each),)
        at = (*place, number)
        tags[at] = (*tags[at], *last) if at in tags else last
    return made


def _of_foreign(value: Foreign, tags: Tags, place: Place) -> Any:
    if not value.module and value.code in CLASSED:
        return _kept(value, ".", tags, place)
    transparent = value.code == DELTA or (value.name == "Overwrite" and value.is_langgraph)
    if transparent or value.code in (MODEL, MODEL_V1, METHOD):
        tags[place] = (*tags.get(place, ()), _bare(value))
        inner = value.arg["value"] if transparent and value.code != DELTA else value.arg
        return to_json(inner, tags, place)
    match (value.code, value.module, value.name):
        case (0, "uuid", "UUID"):
            return _kept(value, str(uuid.UUID(value.arg)), tags, place)
        case (1, "datetime", "date"):
            return _kept(value, datetime.date(*value.arg).isoformat(), tags, place)
        case (1, _, "Path" | "PosixPath" | "WindowsPath"):
            return _kept(value, "/".join(value.arg).replace("//", "/"), tags, place)
        case (1, "datetime", "timedelta"):
            from pydantic import TypeAdapter

            shown = TypeAdapter(datetime.timedelta).dump_python(datetime.timedelta(*value.arg), mode="json")
            return _kept(value, shown, tags, place)
        case (2, "datetime", "time"):
            return _kept(value, built(value, None).isoformat(), tags, place)
    if value.code in (SINGLE, KEYWORDS):
        tags[place] = (*tags.get(place, ()), _bare(value))
        return to_json(value.arg, tags, place)
    return _kept(value, f"{value.module}.{value.name}", tags, place)


def _bare(value: Foreign) -> Foreign:
    """What it is without what it is built from: the same for all instances of a class."""
    try:
        return _bare_of(value.code, value.module, value.name, value.rest)
    except TypeError:  # the rest is nothing to look up by
        return replace(value, arg=None)


@lru_cache(1024)
def _bare_of(code: int, module: str, name: str, rest: tuple[Any, ...]) -> Foreign:
    return Foreign(code, module, name, None, rest)


def _kept(value: Any, shown: Any, tags: Tags, place: Place) -> Any:
    tags[place] = (*tags.get(place, ()), Kept(value, shown))
    return shown


def _text_of(key: Any) -> str:
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)


def from_json(value: Any, tags: Tags, place: Place) -> Any:
    """The raw value for JSON, with what is noted for its paths. Where nothing is, it is the value itself."""
    if not tags:
        return value
    if type(value) is list and place not in tags and {*map(len, tags)} == {len(place) + 1}:
        return [
            _instance(item, noted) if (noted := tags.get((*place, number))) else item
            for number, item in enumerate(value)
        ]  # nothing is noted for what lies inside the items, as in a list of messages
    around: set[Place] = set()
    for each in tags:
        while each and (each := each[:-1]) not in around:
            around.add(each)
    return _from_json(value, tags, place, around)


def _from_json(value: Any, tags: Tags, place: Place, around: set[Place]) -> Any:
    """`around`: the places around those that something is noted for."""
    noted = tags.get(place, ())
    if place not in around:
        return _instance(value, noted)
    made = value
    if isinstance(value, list):
        made = [_from_json(item, tags, (*place, number), around) for number, item in enumerate(value)]
    elif isinstance(value, dict):
        made = {text: _from_json(item, tags, (*place, text), around) for text, item in value.items()}
    return _instance(value, noted, made)


def _instance(value: Any, noted: tuple[Tag, ...], made: Any = _SAME) -> Any:
    """What JSON was, by what is noted for its place; `made`: the same with what is noted for the places in it."""
    if made is _SAME:
        made = value
    for tag in reversed(noted):
        if type(tag) is Foreign:
            if tag.name == "Overwrite" and tag.module == "langgraph.types":
                made = _filled(tag, {"value": made})
            elif tag.code not in _OF_OBJECTS or isinstance(made, dict):  # else it is no longer an object
                made = _filled(tag, made)
        elif isinstance(tag, Kept):
            made = tag.value if json_text.equal(tag.shown, value) else made
        elif isinstance(made, dict):
            made = {tag.keys.get(text, text): item for text, item in made.items()}
    return made


def _filled(bare: Foreign, arg: Any) -> Foreign:
    return Foreign(bare.code, bare.module, bare.name, arg, bare.rest)
