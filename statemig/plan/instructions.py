"""The small core that every operation lowers to. Plain data; `stepwise` runs it on documents, `effects` on shapes.

The instructions come in pairs that undo each other: `Put`/`Drop`, `Fill`/`Unfill`, `Rename`, `Move` and `Apply` with themselves,
`Relabel` with itself, `OpenStep`/`CloseStep`. Both sides of a pair read and write the same notes of the complement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statemig.path import Path
from statemig.plan.values import ValueFunction
from statemig.shapes.shape import MISSING


@dataclass(frozen=True, slots=True)
class Put:
    """`key` of each object at `parent` gets `value` where it is absent. With `value` missing only what a `Drop` kept comes back."""

    parent: Path
    key: str
    value: Any = MISSING


@dataclass(frozen=True, slots=True)
class Drop:
    """`key` goes. `restore` is what the `Put` of the way back would write; `keep=False` forgets the value for good."""

    parent: Path
    key: str
    restore: Any = MISSING
    keep: bool = True
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """As `Put`, but the way back takes away only what was filled in and is still the same."""

    parent: Path
    key: str
    value: Any = MISSING


@dataclass(frozen=True, slots=True)
class Unfill:
    """`key` may be absent from here on; what a `Fill` of the other direction filled in goes."""

    parent: Path
    key: str
    value: Any = MISSING


@dataclass(frozen=True, slots=True)
class Rename:
    """`old` becomes `new` in each object at `parent`, in its place."""

    parent: Path
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Move:
    """In each object at `base`, the value at the keys `source` goes to the keys `target`; objects missing on the way are made, and the
    innermost `prune` objects around `source` go where nothing is left in them."""

    base: Path
    source: tuple[str, ...]
    target: tuple[str, ...]
    prune: int = 0


@dataclass(frozen=True, slots=True)
class Apply:
    """Each value at `path` becomes what the function makes of it."""

    path: Path
    function: ValueFunction
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is no way on from here."""

    why: str


@dataclass(frozen=True, slots=True)
class Relabel:
    """A step's name, wherever a document holds it. What waits keeps its id, key and payload."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of a run that stands on a step that goes. `kind`: forward, back, hold, pin, fail, or refuse (nobody said)."""

    kind: str
    to: str | None = None


@dataclass(frozen=True, slots=True)
class CloseStep:
    """A step goes: its positions follow `policy`, its output is kept for the way back. `output` maps paths to the values that a run
    which stands on the step is given in place of what the step would have written. `refilled`: the way back has a backfill."""

    step: str
    policy: Policy
    output: tuple[tuple[Path, Any], ...] = ()
    refilled: bool = False


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step comes. Runs that are past it (`after` is done) are given the output `backfill`, if there is one."""

    step: str
    after: str | None = None
    backfill: Any = MISSING


Instruction = Put | Drop | Fill | Unfill | Rename | Move | Apply | Refuse | Relabel | CloseStep | OpenStep
