"""The small core that every operation lowers to. Plain data; `stepwise` runs it on documents, `effects` on shapes.

The instructions come in pairs that undo each other: `Put`/`Drop`, `Mint`/`Drop`, `Fill`/`Unfill`, `Rename`, `Move` and `Apply` with
themselves, `Relabel` with itself, `OpenStep`/`CloseStep`, `Divide`/`Unite`, `Withdraw`/`Reinstate`, and `Reorder`, `Rejoin`,
`MapQuestions` and `MapCalls` with themselves. Both sides of a pair read and write the same notes of the complement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

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
    """`key` goes. `restore` is what the `Put` of the way back would write; `keep=False` forgets the value for good. `minted`: the way back
    is a `Mint`, which makes a value of its own where it is not told that there was none."""

    parent: Path
    key: str
    restore: Any = MISSING
    keep: bool = True
    identity: str | None = None
    minted: bool = False


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
class Mint:
    """`key` of each object at `parent` gets an id where it is absent, `length` hexadecimal digits made of the run's id, the place and the
    revision. A `Drop` undoes it, and keeps the id."""

    parent: Path
    key: str
    length: int


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
class Retype:
    """A definition of the schema gets another name. Documents stay as they are."""

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


@dataclass(frozen=True, slots=True)
class Divide:
    """A step becomes several, in the order in which a run goes through them. `cursor` is the one on which a run that stands on the step
    stands then (or a function of document and position that names it), `pending` the one whose arrival at a join the step's was,
    `output` the one that has the step's output. `merge` is for the way back."""

    identity: ClassVar[str] = "id"
    step: str
    into: tuple[str, ...]
    output: str
    cursor: str | Callable[[Any, Any], str] | None = None
    pending: str | None = None
    merge: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Unite:
    """Several steps become one. `merge` makes one value of what they have written, given as {step: value}, where it differs. The rest
    is for the way back."""

    identity: ClassVar[str] = "id"
    steps: tuple[str, ...]
    into: str
    output: str
    cursor: str | Callable[[Any, Any], str] | None = None
    pending: str | None = None
    merge: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Reorder:
    """Steps that stand in one row after the other come in another order. A run in the middle stands on the first that it has not done,
    where what it has done comes first in both orders; else it follows `policy`. `was` missing: nothing is known of the order before."""

    identity: ClassVar[str] = "id"
    order: tuple[str, ...] | None
    was: tuple[str, ...] | None
    policy: Policy = Policy("refuse")


@dataclass(frozen=True, slots=True)
class Rejoin:
    """A join waits for other branches. `start`: what becomes of a branch that only the new version has, in a run that is past the fork:
    it is started, or (False) counts as arrived; None: nobody said. `ways` names, for each old branch, the steps on the way to it; `new`
    are the branches that only one of the versions has as a step."""

    identity: ClassVar[str] = "id"
    step: str
    branches: tuple[str, ...] | None
    was: tuple[str, ...] | None
    start: bool | None = None
    ways: tuple[tuple[str, tuple[str, ...]], ...] = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What a step has written, or what waits for it, and no join has consumed, goes; with `again`, the step is to be done again."""

    identity: ClassVar[str] = "id"
    step: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Reinstate:
    """What a `Withdraw` took comes back, where the run has not gone on since."""

    identity: ClassVar[str] = "id"
    step: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class MapQuestions:
    """What people are shown and have answered at a step changes its shape: instructions on ``{"$": payload}`` and ``{"$": answer}``.
    `places` says which question comes to stand where: (old place, new place); None: they stay where they are."""

    identity: ClassVar[str] = "id"
    step: str
    payload: tuple[Instruction, ...] = ()
    answer: tuple[Instruction, ...] = ()
    places: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class MapCalls:
    """Tool calls that have no result yet: the tool is called `new`, and its arguments go through instructions on ``{"$": arguments}``."""

    identity: ClassVar[str] = "id"
    old: str
    new: str
    arguments: tuple[Instruction, ...] = ()


Instruction = (
    Put
    | Drop
    | Fill
    | Unfill
    | Mint
    | Rename
    | Move
    | Apply
    | Refuse
    | Retype
    | Relabel
    | CloseStep
    | OpenStep
    | Divide
    | Unite
    | Reorder
    | Rejoin
    | Withdraw
    | Reinstate
    | MapQuestions
    | MapCalls
)
