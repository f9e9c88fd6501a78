"""Threads that were at the revision of this code when they were last seen here. Nearly all are, nearly always, so they are read by the
saver inside as if nothing was around it, and what it found is looked at afterwards: a stamp that has changed meanwhile says that it has to
be read again, raw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from statemig.runtimes.langgraph.stamps import KEY, TASK, without_complement

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph.checkpoint.base import CheckpointTuple

    from statemig.envelope import Stamp

#: a thread, and the namespace in it
Place = tuple[Any, str]
#: how many are remembered; then all are found out again
_SIZE: Final = 10_000
_PREFIX: Final = len(TASK)


@dataclass(slots=True)
class Known:
    """The stamp of a thread, as it is stored and as it is meant, and the id of the last checkpoint that was looked at."""

    said: dict[str, Any]
    stamp: Stamp
    checkpoint: str


class AtHead:
    """What is remembered. `look` is told of a checkpoint that was not looked at before, and of its stamp."""

    def __init__(self) -> None:
        self._known: dict[Place, Known] = {}
        #: stamps as they are stored and as they are meant, by their revision and the one that a thread began on
        self._usual: dict[tuple[Any, Any], tuple[dict[str, Any], Stamp]] = {}

    def guess(self, config: Any) -> Place | None:
        """What is asked for, where the newest checkpoint there was at head, or the one that is asked for is that."""
        inside = config["configurable"]
        place = (inside["thread_id"], inside.get("checkpoint_ns") or "")
        known = self._known.get(place)
        if known is None:
            return None
        asked = inside.get("checkpoint_id")
        return place if asked is None or asked == known.checkpoint else None

    def seen(
        self,
        place: Place,
        found: CheckpointTuple | None,
        look: Callable[[CheckpointTuple, Place, Stamp], None],
    ) -> CheckpointTuple | None:
        """What the saver inside has found, as a caller gets to see it; None where it is not what today's code would have stored. Raises
        what `look` raises."""
        known = self._known.get(place)
        if found is None or known is None or found.metadata.get(KEY) != known.said:
            self._known.pop(place, None)
            return None
        for write in found.pending_writes or ():
            if write[0][:_PREFIX] == TASK:  # newer code wrote some of them
                return None
        checkpoint = found.checkpoint["id"]
        if checkpoint != known.checkpoint:
            look(found, place, known.stamp)
            known.checkpoint = checkpoint
        if known.stamp.complement:
            shown: Any = without_complement(found.metadata)  # type: ignore[arg-type]
            return found._replace(metadata=shown)
        return found

    def put(self, place: Place, said: dict[str, Any], stamp: Stamp, checkpoint: str) -> None:
        """A checkpoint that is at head and was looked at."""
        if len(self._known) >= _SIZE:
            self._known.clear()
        self._known[place] = Known(said, stamp, checkpoint)
        self.met(said, stamp)

    def met(self, said: dict[str, Any], stamp: Stamp) -> None:
        """A stamp, at head or not."""
        if not stamp.complement:
            if len(self._usual) >= _SIZE:
                self._usual.clear()
            self._usual[stamp.revision, stamp.started] = (said, stamp)

    def usual(self, said: Any) -> Stamp | None:
        """What a stored stamp means, where others have said the same."""
        if type(said) is not dict:
            return None
        usual = self._usual.get((said.get("revision"), said.get("started")))
        return usual[1] if usual is not None and usual[0] == said else None

    def clear(self) -> None:
        self._known.clear()
