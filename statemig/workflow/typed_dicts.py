"""`typing.TypedDict` for pydantic on Python 3.11, which takes only that of `typing_extensions` there.

The same class is made again with the other metaclass, inside typed dicts and the containers between them too. From Python 3.12 on
nothing is done.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from collections.abc import MutableMapping
from typing import Any, Final

import typing_extensions

NEEDED: Final = sys.version_info < (3, 12)

Made = MutableMapping[Any, Any]


def accepted_by_pydantic(annotation: Any, made: Made) -> Any:
    """The type that pydantic takes in place of `annotation`. `made` remembers classes, so that each is made once."""
    return _rewritten(annotation, made) if NEEDED and _is_refused(annotation, set()) else annotation


def _is_refused(annotation: Any, seen: set[Any]) -> bool:
    """Whether a `typing.TypedDict` is in there. What is not refused stays the class it is, shared with models that hold it."""
    if typing_extensions.is_typeddict(annotation):
        if annotation in seen:
            return False
        seen.add(annotation)
        if type(annotation).__module__ == "typing":
            return True
        inside: Any = typing_extensions.get_type_hints(annotation, include_extras=True).values()
    elif typing.get_origin(annotation) in (typing.Literal, typing_extensions.Literal):
        return False
    else:
        inside = typing.get_args(annotation)
    return any(_is_refused(part, seen) for part in inside)


def _rewritten(annotation: Any, made: Made) -> Any:
    if typing_extensions.is_typeddict(annotation):
        return _made_again(annotation, made) if _is_refused(annotation, set()) else annotation
    args = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if not args or origin in (typing.Literal, typing_extensions.Literal):
        return annotation
    if origin is typing.Annotated:
        inner = _rewritten(args[0], made)
        return annotation if inner is args[0] else typing.Annotated[(inner, *args[1:])]
    now = tuple(_rewritten(arg, made) for arg in args)
    if all(new is old for new, old in zip(now, args, strict=True)):
        return annotation
    if isinstance(annotation, types.UnionType):
        return functools.reduce(operator.or_, now)
    if isinstance(annotation, types.GenericAlias):
        origin_type: Any = annotation.__origin__
        return types.GenericAlias(origin_type, now)
    return annotation.copy_with(now) if hasattr(annotation, "copy_with") else annotation


def _made_again(cls: Any, made: Made) -> Any:
    if cls in made:
        return made[cls]
    # Registered before its fields are looked at: it may contain itself.
    make: Any = typing_extensions.TypedDict
    again = make(cls.__name__, {})
    made[cls] = again
    for name in (
        "__module__",
        "__qualname__",
        "__doc__",
        "__total__",
        "__required_keys__",
        "__optional_keys__",
    ):
        setattr(again, name, getattr(cls, name))
    if hasattr(cls, "__pydantic_config__"):
        again.__pydantic_config__ = cls.__pydantic_config__
    hints = typing_extensions.get_type_hints(cls, include_extras=True)
    again.__annotations__ = {name: _rewritten(hint, made) for name, hint in hints.items()}
    return again
