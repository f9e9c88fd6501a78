"""Whose class is it: the author's own, or of an installed package whose inside is not ours to see.

A third-party class is opaque by module and name, so that a new release of the package changes no digest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

# Their types are the vocabulary that state is written in, like the standard library's.
_TRANSPARENT = frozenset(
    {"pydantic", "pydantic_core", "pydantic_extra_types", "typing_extensions", "annotated_types"}
)
_INSTALLED = ("site-packages", "dist-packages")


def package_of(cls: Any) -> str:
    """The top-level package that a class comes from."""
    return str(getattr(cls, "__module__", "")).partition(".")[0]


def is_foreign(cls: Any, own: Iterable[str]) -> bool:
    """Whether a class belongs to an installed package that is neither in `own` nor part of Python or pydantic."""
    package = package_of(cls)
    if package in _TRANSPARENT or package in sys.stdlib_module_names or package in own:
        return False
    return any(f"/{folder}/" in _file_of(cls, package) for folder in _INSTALLED)


def opaque_name(cls: Any) -> str:
    """How a class stands in a snapshot when its inside is unknown: ``module.Class``."""
    return f"{getattr(cls, '__module__', '?')}.{getattr(cls, '__qualname__', type(cls).__name__)}"


def common_package(names: Iterable[str]) -> str:
    """The longest package that contains all of some ``module.Class``; empty where they have none in common."""
    parts = [name.split(".")[:-1] for name in names]
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*parts, strict=False))
    return ".".join(level[0] for level in shared)


def _file_of(cls: Any, package: str) -> str:
    module = sys.modules.get(str(getattr(cls, "__module__", ""))) or sys.modules.get(package)
    found = getattr(module, "__file__", None)
    if found is None:
        found = next(iter(getattr(module, "__path__", ())), "")
    return str(found).replace("\\", "/")
