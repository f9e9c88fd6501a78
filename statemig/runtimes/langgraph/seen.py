"""What is remembered of threads that were read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from statemig.document import Document
from statemig.envelope import Stamp
from statemig.runtimes.langgraph.stored.stamps import NO_SHARES, Shares
from statemig.runtimes.langgraph.tasks import Parked

if TYPE_CHECKING:
    from statemig.plan.complement import Complement

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last things that were seen; what has dropped out is found out again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, value: Value) -> None:
        with self._lock:
            kept = self._kept
            if key in kept:
                kept.move_to_end(key)
            elif len(kept) >= self._size:
                kept.popitem(last=False)
            kept[key] = value

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


@dataclass(slots=True)
class Seen:
    """What is known of a checkpoint that was read: its stored id and revision, and what the next one has to keep of it. Nobody changes
    one; it is not frozen only because that takes several times as long to make."""

    stored: str
    stamp: Stamp
    shares: Shares = NO_SHARES
    fresh: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A checkpoint at the target revision."""

    parked: Parked
    complement: Complement
    seen: Seen
    document: Document | None = None
