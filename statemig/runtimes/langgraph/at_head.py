"""Threads that are at the revision of this code. Nearly all are, nearly always, so they are read by the saver inside as if nothing was
around it, and what it found is looked at afterwards: a stamp that says something else says that it has to be read again, raw. That is done
for threads that were at this revision when they were last seen here, and for others while those that were met were at it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from statemig.envelope import Stamp
from statemig.errors import StatemigError
from statemig.runtimes.langgraph.seen import Recent, Seen
from statemig.runtimes.langgraph.stored.stamps import KEY, TASK, without_complement

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph.checkpoint.base import CheckpointTuple

#: a thread, and the namespace in it
Place = tuple[str, str]
#: how many are remembered; then all are found out again
_SIZE: Final = 10_000
_PREFIX: Final = len(TASK)
#: after this many checkpoints in a row that were read raw and were at head, a thread that nothing is known of is taken to be: right after
#: a deploy it would be read twice
_ENOUGH: Final = 8

#: the stamp of a thread, as it is stored and as it is meant, and the id of the last checkpoint that was looked at
Known = tuple[dict[str, Any], Stamp, str]
Guess = tuple[Place, Known | None]


class AtHead:
    """What is remembered of threads of a workflow, at the revision `target`. `before`: checkpoints that were read raw, and it is given what
    is forgotten of a thread that has gone on, because writes of a task may come later than the checkpoint that follows."""

    def __init__(self, workflow: str, target: str, before: Recent[Seen]) -> None:
        self._before = before
        self._workflow = workflow
        self._target = target
        self._known: dict[Place, Known] = {}
        #: stamps as they are stored and as they are meant, by their revision and the one that a thread began on
        self._usual: dict[tuple[Any, Any], tuple[dict[str, Any], Stamp]] = {}
        #: the last one at head
        self._last: tuple[dict[str, Any] | None, Stamp | None] = (None, None)
        #: the channels that the last one wrote to, where no root that has written to these needs a look
        self._fit: list[str] | None = None
        #: how many checkpoints that were read raw were at head, since the last one that was not
        self._met = 0

    def guess(self, config: Any) -> Guess | None:
        """What is asked for, where it is likely to be at head: the newest checkpoint of a thread, or the last one that was looked at."""
        inside = config["configurable"]
        place = (str(inside["thread_id"]), inside.get("checkpoint_ns") or "")
        asked = inside.get("checkpoint_id")
        known = self._known.get(place)
        if known is None:
            return (place, None) if self._met >= _ENOUGH and asked is None and place[1] == "" else None
        return (place, known) if asked is None or asked == known[2] else None

    def seen(
        self,
        guess: Guess,
        found: CheckpointTuple,
        look: Callable[[Any, str, str], bool],
    ) -> CheckpointTuple | None:
        """What the saver inside has found, as a caller gets to see it; None where it is not what today's code would have stored. `look` is
        told of a checkpoint that was not looked at before, with its namespace and thread, unless it has said that those in which the same
        channels were written to need no look. Raises what it raises."""
        place, known = guess
        said: Any = found.metadata.get(KEY)
        if known is not None:
            stamp: Stamp | None = known[1]
            if said != known[0]:
                self._known.pop(place, None)
                return None
        else:
            last, stamp = self._last
            if stamp is None or said != last:
                stamp = self._stamp(said)
                if stamp is None:
                    self._met = 0
                    return None
                self._last = (said, stamp)
        assert stamp is not None
        for write in found.pending_writes or ():
            if write[0][:_PREFIX] == TASK:  # newer code wrote some of them
                self._known.pop(place, None)
                return None
        checkpoint: Any = found.checkpoint
        identity = checkpoint["id"]
        if known is None or identity != known[2]:
            updated = checkpoint.get("updated_channels")
            if not updated or updated != self._fit or place[1] != "":
                fits = look(checkpoint, place[1], place[0])
                self._fit = updated if fits and place[1] == "" else None
            if known is None and len(self._known) < _SIZE:
                self._known[place] = (said, stamp, identity)
            else:
                self._keep(place, (said, stamp, identity))
        if stamp.complement:
            shown: Any = without_complement(found.metadata)  # type: ignore[arg-type]
            return found._replace(metadata=shown)
        return found

    def _stamp(self, said: Any) -> Stamp | None:
        """What a stored stamp means, where it is one of the target."""
        if type(said) is not dict or said.get("revision") != self._target:
            return None
        try:
            stamp = self.usual(said) or Stamp.from_dict(said)
        except StatemigError:
            return None  # it is read again, and told then
        return stamp if stamp.workflow == self._workflow else None

    def stamp_of(self, thread: str, namespace: str, checkpoint: str) -> Stamp | None:
        """That of the last checkpoint that was looked at."""
        known = self._known.get((thread, namespace))
        return known[1] if known is not None and known[2] == checkpoint else None

    def comes_next(self, thread: str, namespace: str, checkpoint: str) -> bool:
        """Whether a checkpoint is newer than the last one that was looked at, and was not read raw. What a worker runs it has read or made
        itself: this one it has made, and not stored yet."""
        known = self._known.get((thread, namespace))
        if known is None or known[2] >= checkpoint:
            return False
        return self._before.get((thread, namespace, checkpoint)) is None

    def has(self, place: Place) -> bool:
        return place in self._known

    def put(self, place: Place, said: dict[str, Any], stamp: Stamp, checkpoint: str) -> None:
        """A checkpoint that is at head and was looked at."""
        self._keep(place, (said, stamp, checkpoint))
        self.remember(said, stamp)

    def _keep(self, place: Place, known: Known) -> None:
        last = self._known.get(place)
        if last is not None and last[2] != known[2]:
            self._before.put((*place, last[2]), Seen(last[2], last[1]))
        elif len(self._known) >= _SIZE:
            self._known.clear()
        self._known[place] = known

    def met(self, revision: str) -> None:
        """A checkpoint has been read raw, and was at this revision."""
        self._met = self._met + 1 if revision == self._target else 0

    def remember(self, said: dict[str, Any], stamp: Stamp) -> None:
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
        self._fit = None
