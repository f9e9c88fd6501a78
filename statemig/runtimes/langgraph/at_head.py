"""Threads that are at the revision of this code. Nearly all are, nearly always, so they are read by the saver inside as if nothing was
around it, and what it found is looked at afterwards: a stamp that says something else says that it has to be read again, raw. That is done
for threads that were at this revision when they were last seen here, and for others while those that were met were at it, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from statemig.envelope import Stamp
from statemig.errors import StatemigError
from statemig.runtimes.langgraph.seen import Recent, Seen
from statemig.runtimes.langgraph.stored.stamps import KEY, QUESTIONS, TASK, without_complement

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

#: a thread, which is its root, or with a namespace in it
Place = str | tuple[str, str]
#: how many are remembered; then all are found out again
_SIZE: Final = 10_000
#: after this many checkpoints in a row that were read raw and were at head, a thread that nothing is known of is taken to be: right after
#: a deploy it would be read twice
_ENOUGH: Final = 8


class Other(NamedTuple):
    """What is known of a checkpoint that says more than that its thread began at head: its stamp as it is stored and as it is meant, and
    whether it says more than a caller gets to see."""

    identity: str
    said: dict[str, Any]
    stamp: Stamp
    more: bool


#: of the last checkpoint of a thread that was looked at: its id is all where it says what most do. Thousands are remembered, so there is
#: nothing else to be made of each
Known = str | Other
#: "" where nothing is known
Guess = tuple[Place, Known]


class Looks(Protocol):
    def require_nodes(self, checkpoint: Any, namespace: str, thread: str) -> bool:
        """Told of a checkpoint before a caller gets it. Returns whether it has nothing against any in which the same channels were
        written to last."""
        ...


class AtHead:
    """What is remembered of threads of a workflow, at the revision `target`. `before`: checkpoints that were read raw, and it is given what
    is forgotten of a thread that has gone on, because writes of a task may come later than the checkpoint that follows."""

    def __init__(self, workflow: str, target: str, before: Recent[Seen]) -> None:
        self._before = before
        self._workflow = workflow
        self._target = target
        self._known: dict[Place, Known] = {}
        #: of threads that began at head
        self._stamp = Stamp(workflow, target, started=target)
        self._said = self._stamp.to_dict()
        #: stamps as they are stored and as they are meant, by their revision and the one that a thread began on
        self._usual: dict[tuple[Any, Any], tuple[dict[str, Any], Stamp]] = {}
        #: the channels that the last one wrote to, where no root that has written to these needs a look
        self._fit: list[str] | None = None
        #: how many checkpoints that were read raw were at head, since the last one that was not
        self._met = 0

    def guess(self, config: Any) -> Guess | None:
        """What is known of what is asked for, where it is likely to be at head: the newest checkpoint of a thread, or the last one that was
        looked at."""
        inside = config["configurable"]
        place = inside["thread_id"]
        if type(place) is not str:
            place = str(place)
        namespace = inside.get("checkpoint_ns")
        if namespace:
            place = (place, namespace)
        asked = inside.get("checkpoint_id")
        known = self._known.get(place, "")
        if not known:
            if asked is not None or namespace or self._met < _ENOUGH:
                return None
        elif asked is not None and asked != _identity(known):
            return None
        return place, known

    def seen(self, guess: Guess, found: CheckpointTuple, looks: Looks) -> CheckpointTuple | None:
        """What the saver inside has found, as a caller gets to see it: the same, or another where it says more than that; None where it is
        not what today's code would have stored. A checkpoint is looked at once. Raises what a look raises."""
        place, known = guess
        for write in found[4] or ():  # by number, because by name takes twice as long
            if write[0] >= TASK and write[0].startswith(TASK):  # newer code wrote some of them
                self._known.pop(place, None)
                return None
        checkpoint: Any = found[1]
        identity = checkpoint["id"]
        if identity == known:
            return found
        metadata: Any = found[2]
        if not known and metadata.get(KEY) == self._said and len(self._known) < _SIZE:
            updated = checkpoint.get("updated_channels")
            if updated and updated == self._fit and QUESTIONS not in metadata:
                self._known[place] = identity
                return found
        return self._seen(place, known, found, looks)

    def _seen(
        self, place: Place, known: Known, found: CheckpointTuple, looks: Looks
    ) -> CheckpointTuple | None:
        checkpoint: Any = found.checkpoint
        metadata: Any = found.metadata
        identity = checkpoint["id"]
        if type(known) is Other and identity == known.identity:
            return _shown(found) if known.more else found
        said = metadata.get(KEY)
        stamp = self._meant(said)
        if stamp is None or (known and said != self._stamps(known)[0]):
            self._known.pop(place, None)
            if not known:
                self._met = 0
            return None
        updated = checkpoint.get("updated_channels")
        if not updated or updated != self._fit or type(place) is not str:
            thread, namespace = _parts(place)
            fits = looks.require_nodes(checkpoint, namespace, thread)
            self._fit = updated if fits and namespace == "" else None
        more = bool(stamp.complement) or QUESTIONS in metadata
        self._keep(place, identity, said, stamp, more)
        return _shown(found) if more else found

    def _meant(self, said: Any) -> Stamp | None:
        """What a stored stamp means, where it is one of the target."""
        if type(said) is not dict or said.get("revision") != self._target:
            return None
        if said == self._said:
            return self._stamp
        try:
            stamp = self.usual(said) or Stamp.from_dict(said)
        except StatemigError:
            return None  # it is read again, and told then
        return stamp if stamp.workflow == self._workflow else None

    def stamp_of(self, thread: str, namespace: str, checkpoint: str) -> Stamp | None:
        """That of the last checkpoint that was looked at."""
        known = self._known.get(_place(thread, namespace), "")
        return self._stamps(known)[1] if _identity(known) == checkpoint else None

    def comes_next(self, thread: str, namespace: str, checkpoint: str) -> bool:
        """Whether a checkpoint is newer than the last one that was looked at, and was not read raw. What a worker runs it has read or made
        itself: this one it has made, and not stored yet."""
        known = self._known.get(_place(thread, namespace), "")
        if not known or _identity(known) >= checkpoint:
            return False
        return self._before.get((thread, namespace, checkpoint)) is None

    def has_root(self, thread: str) -> bool:
        return thread in self._known

    def put(
        self, thread: str, namespace: str, metadata: Mapping[str, Any], stamp: Stamp, checkpoint: str
    ) -> None:
        """A checkpoint that is at head and was looked at."""
        said = metadata[KEY]
        more = bool(stamp.complement) or QUESTIONS in metadata
        self._keep(_place(thread, namespace), checkpoint, said, stamp, more)
        self.remember(said, stamp)

    def _keep(self, place: Place, identity: str, said: dict[str, Any], stamp: Stamp, more: bool) -> None:
        last = self._known.get(place, "")
        before = _identity(last)
        if before and before != identity:
            self._before.put((*_parts(place), before), Seen(before, self._stamps(last)[1]))
        elif len(self._known) >= _SIZE:
            self._known.clear()
        most = not more and said == self._said
        self._known[place] = identity if most else Other(identity, said, stamp, more)

    def _stamps(self, known: Known) -> tuple[dict[str, Any], Stamp]:
        """The stamp as it is stored and as it is meant."""
        return (self._said, self._stamp) if isinstance(known, str) else (known.said, known.stamp)

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


def _place(thread: str, namespace: str) -> Place:
    return (thread, namespace) if namespace else thread


def _parts(place: Place) -> tuple[str, str]:
    return (place, "") if isinstance(place, str) else place


def _identity(known: Known) -> str:
    return known if isinstance(known, str) else known.identity


def _shown(found: CheckpointTuple) -> CheckpointTuple:
    """Another tuple, with what a caller gets to see."""
    shown: Any = without_complement(found.metadata)  # type: ignore[arg-type]
    return found._replace(metadata=shown)
