"""Testing migrations: strategies over frozen snapshots, laws that every revision keeps, and the pytest plugin that runs them.

Nothing here is imported by the rest of statemig but the command line, and hypothesis only by what generates states:
``pip install 'statemig[test]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from statemig.testing.store_machine import StoreMachine

__all__ = ["INTENDED", "StoreMachine", "intended"]

#: (beginning of a revision's id, path) of changes of values that somebody means
INTENDED: Final[dict[tuple[str, str], str]] = {}


def __getattr__(name: str) -> object:
    if name == "StoreMachine":  # it needs hypothesis, and most who come here do not
        from statemig.testing.store_machine import StoreMachine

        return StoreMachine
    raise AttributeError(f"module 'statemig.testing' has no attribute {name!r}")


def intended(revision: str, path: str, *, why: str) -> None:
    """`value_laws` lets the revision (its id, or the beginning of it) change values at the path (``state.topic``) although nothing in the
    two snapshots calls for it. Say it in a conftest.py. A transform says it in the script: ``writes=["state.topic"]``."""
    if not why:
        raise ValueError("say why the values are meant to change")
    INTENDED[revision, path] = why
