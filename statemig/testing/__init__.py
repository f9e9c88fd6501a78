"""Testing migrations: strategies over frozen snapshots, laws that every revision keeps, and the pytest plugin that runs them.

Nothing here is imported by the rest of statemig but the command line, and hypothesis only by what generates states:
``pip install 'statemig[test]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statemig.testing.store_machine import StoreMachine

__all__ = ["StoreMachine"]


def __getattr__(name: str) -> object:
    if name == "StoreMachine":  # it needs hypothesis, and most who come here do not
        from statemig.testing.store_machine import StoreMachine

        return StoreMachine
    raise AttributeError(f"module 'statemig.testing' has no attribute {name!r}")
