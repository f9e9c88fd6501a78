"""What is built for a change: operations with what somebody should look at, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from statemig.autogenerate.change import Change
from statemig.autogenerate.rules import RULES
from statemig.operations.base import Operation
from statemig.operations.recorder import Operations
from statemig.shapes.shape import MISSING

FILL_NOTE: Final = "assumed: what should old runs have here?"

_ADVICE: Final = {
    "S15": "an earlier version had this name for another type, and old runs may still have such values; give the field another "
    "name, or say that none is left by --rename with the path and nothing behind the colon",
    "S18": "old documents may hold keys that nobody declared, and they would be dropped",
    "S43": "write a transform that reads the old encoding and writes the new one",
    "S50": "a value that several members accept may be read as another one now",
    "S20": "say with rename_keys or a transform which keys the old ones become",
    "W06": "a call or question that is pending was asked with the old arguments",
    "W07": "runs that wait in the join have counted other branches",
    "W08": "an answer that is on its way may reach another question",
    "W11": "runs may stand in it, waiting for what no longer comes",
    "W05": "runs between these steps would skip one of them or do it twice",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to write. `assumed` is the value in it that nobody stated, `note` the remark beside it."""

    operation: Operation
    change: Change
    assumed: Any = MISSING
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """The operations for a change; `reason` where they do not make up for it, or there are none."""

    steps: tuple[Step, ...] = ()
    reason: str | None = None


Record = Callable[[Operations], None]


def one(change: Change, record: Record, assumed: Any = MISSING, note: str | None = None) -> Built:
    """The one operation that `record` records."""
    recorder = Operations()
    record(recorder)
    return Built((Step(recorder.recorded[0], change, assumed, note),))


def several(*parts: Built) -> Built:
    """One after the other."""
    reasons = [part.reason for part in parts if part.reason is not None]
    return Built(tuple(step for part in parts for step in part.steps), reasons[0] if reasons else None)


def nothing(change: Change, advice: str | None = None) -> Built:
    """No operation can be written: fine where the way up changes nothing."""
    if change.change_class != "breaking":
        return Built()
    return Built(reason=f"{RULES[change.rule].name}: {advice or _advice(change)}")


def _advice(change: Change) -> str:
    if change.rule in _ADVICE:
        return _ADVICE[change.rule]
    if change.old is None or change.new is None:
        return "write a transform, or keep the old type readable"
    return f"nothing turns {change.old} into {change.new} by itself; write a transform"
