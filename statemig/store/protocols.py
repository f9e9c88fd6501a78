"""All that `fleet/` and `deploy/` know of storage: two small protocols and the plain records that go in and out.

`RunStore` implements both, over its own table or the user's. What a store can not supply it does not fake: it raises, or the record
says None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from statemig.document import Document
from statemig.errors import StatemigError
from statemig.migrator import Migrator, Record
from statemig.store.deploy_records import Drain, Kind, Policy, Rollout, Unknown, Worker


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store holds it, document still as text, or as the bytes of it.

    In a user's own table `content` is compared on every write. `rest` is what statemig keeps beside a user's own table (None in its own).
    `stamped` False: a row of a user's table that statemig has never written. `canary`: the revision whose canary the run is in.
    """

    run_id: str
    content: str | bytes
    rest: str | None
    status: str
    phase: str
    standing: str
    revision: str | None
    started_revision: str | None
    pinned_revision: str | None
    checked: bool
    complement: str | None
    migrations: int
    version: int
    token: int
    owner: str | None
    lease_until: float | None
    claimed_at: float | None
    claimed_position: str | None
    claimed_step: str | None
    claimed_revision: str | None
    created_at: float
    updated_at: float
    canary: str | None = None
    stamped: bool = True

    def leased(self, now: float) -> bool:
        """Whether a worker's lease on the run is alive."""
        return self.lease_until is not None and self.lease_until > now


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One migration of a run. `reverse_patch`, `complement_before` and `digest` are there only where it was written alone."""

    seq: int
    at: float
    kind: str
    cause: str
    from_revision: str | None
    to_revision: str
    reverse_patch: list[dict[str, Any]] | None = None
    complement_before: dict[str, Any] | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A run document brought from one revision to another, not written yet. `entry` None: there was nothing to do. `lowered`: it was
    brought back to the revision it is stored at, and what that revision has no place for is in the complement. `patched`: it was brought
    back by the reverse patch of its upgrade. `before`: the document that this one was made of and shares its parts with, where somebody has
    asked for that."""

    row: StoredRun
    document: Document
    revision: str
    complement: dict[str, Any] | None
    entry: HistoryEntry | None
    checked: bool = True
    lowered: bool = False
    patched: bool = False
    before: Document | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run could not be brought to `head`. `kind`: held, pinned, invalid, unstamped, unknown or failed. No value of a state in it."""

    run_id: str
    head: str
    kind: str
    reason: str
    hint: str | None = None
    from_revision: str | None = None
    revision: str | None = None
    operation: str | None = None
    step: str | None = None
    path: str | None = None
    at: float = 0.0
    run_version: int = 0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was kept for the way back and is erased: of how many runs, ended ones too, and how many entries of history have lost their
    reverse patch. `left` runs were under a lease or written meanwhile."""

    runs: int = 0
    patches: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How many runs stand at one place. An ended run has no step; `status` is then finished, failed or cancelled, else ready,
    running (a worker's lease is alive) or waiting, with `on` saying for what. A run on two branches counts once per branch."""

    revision: str | None
    step: str | None
    status: str
    on: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One ended try of a step. `token` is that of its claim, or below zero where there was none and nothing was written. `outcome`: done,
    waiting, finished, failed, released, error, or lost (the lease ran out)."""

    run_id: str
    token: int
    step: str | None
    position: str | None
    revision: str
    worker: str | None
    started_at: float
    ended_at: float
    outcome: str
    error: str | None
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Touched:
    """A run that was written or claimed lately. `phase`: ready (a worker has something to do), parked or ended."""

    run_id: str
    status: str
    phase: str
    steps: tuple[str, ...]
    revision: str | None
    claimed_revision: str | None
    claimed_at: float | None
    updated_at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """How many questions of a run were answered at a step, and when the last of them was."""

    run_id: str
    step: str
    times: int
    at: float


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs. Every field that is given must hold; an empty filter is every unfinished run, with `ended` the others too. `after` and
    `until` are ids between which a portion of them lies (that of `until` is in it)."""

    run_ids: Sequence[str] | None = None
    revision: str | None = None
    not_revision: str | None = None
    step: str | None = None
    unstamped: bool = False
    ended: bool = False
    after: str | None = None
    until: str | None = None


class Fleet(Protocol):
    """The live runs of one workflow in a store."""

    @property
    def workflow(self) -> str: ...

    @property
    def migrator(self) -> Migrator: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    def counts(self) -> list[Standing]:
        """Runs by revision, step and status."""
        ...

    def iterate(self, where: RunFilter = ..., *, batch: int = ...) -> Iterator[list[StoredRun]]:
        """Batches of runs, each run once, in the order of their ids; runs that change meanwhile may be missed or seen changed."""
        ...

    def document(self, row: StoredRun) -> Document:
        """The run document of a row, fresh at every call. Raises `InvalidStateError` where it is not one."""
        ...

    def bring(
        self,
        row: StoredRun,
        to: str = ...,
        *,
        cause: str = ...,
        record: Record | None = ...,
        down: bool = ...,
        afresh: bool = ...,
    ) -> Moved:
        """The row's document at another revision, in memory. Raises what keeps it from going there. With `afresh` it is validated at its
        own revision whatever its stamp says, and is in what is returned."""
        ...

    def swap(self, moved: Sequence[Moved]) -> list[bool]:
        """Write each back with its history, compare-and-swap each, in one transaction; False where the run has changed or is leased."""
        ...

    def record_failures(
        self, failed: Sequence[tuple[StoredRun, StatemigError]], head: str, *, write: bool = ...
    ) -> list[Failure]:
        """List runs that could not be brought to `head` (with `write` for others to see); their rows stay as they are."""
        ...


class Counted(Protocol):
    """A fleet that can be counted by the database, with what was said of its deploy."""

    @property
    def workflow(self) -> str: ...

    @property
    def migrator(self) -> Migrator: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def deploy(self) -> DeployStore: ...

    def kinds(self) -> list[Kind]:
        """Unfinished runs, grouped by all that decides about them."""
        ...

    def untagged(self) -> int | Unknown:
        """How many runs there are that statemig has never written; they are in no kind."""
        ...

    def examples(self, kind: Kind, limit: int = ...) -> list[str]:
        """The ids of some runs of a kind, the oldest first."""
        ...

    def iterate(self, where: RunFilter = ..., *, batch: int = ...) -> Iterator[list[StoredRun]]: ...


class FleetStore(Fleet, Counted, Protocol):
    """Where the runs of one workflow are kept, as the commands need it: a `RunStore`, or what a runtime registers for its own storage.

    `keeps_beside`: whether it has a place beside a run for what an older version does not know.
    """

    @property
    def keeps_beside(self) -> bool: ...

    def revisions(self) -> list[tuple[str | None, str, int]]:
        """Runs by (revision, status of the run), each run once."""
        ...

    def row(self, run_id: str) -> StoredRun:
        """One run. Raises `RunNotFoundError`, and `ForeignRevisionError` for another workflow's."""
        ...

    def failures(self, head: str | None = ...) -> list[Failure]:
        """Runs that could not be brought to a head (this store's where not given) and have not changed since, with the reason."""
        ...

    def forget(
        self, way_back: Mapping[str, Collection[str]], retired: Collection[str], *, dry_run: bool = ...
    ) -> Forgotten | Unknown:
        """Erase what is kept for the way back to retired versions, or say why that can not be. `way_back`: each revision whose way back
        leads nowhere any more, with itself and those that stand on it."""
        ...

    def stamp(self, revision: str, run_ids: Sequence[str] | None = ...) -> int:
        """Say which revision runs have, without changing them: those, or else all that do not say it. Returns how many."""
        ...


@runtime_checkable
class Observed(Protocol):
    """A fleet whose workers write down every try of a step, and that can say what became of its runs. Any other can be watched, too; what
    is not known of it is said to be so."""

    def touched(self, since: float) -> list[Touched]:
        """The runs that were written or claimed since then."""
        ...

    def answered(self, since: float) -> list[Answered]:
        """Of the runs that were written since then, the steps at which a person has answered, ever."""
        ...


@runtime_checkable
class ListsFailures(Protocol):
    """A fleet that lists the runs which could not be brought to a revision and have not changed since."""

    def failures(self, head: str | None = ...) -> list[Failure]: ...


class DeployStore(Protocol):
    """What a deploy needs to say to all workers, and to hear from them. `RunStore.deploy` is one; `SqlDeployStore` at a URL of its own
    serves runs that are kept elsewhere."""

    @property
    def workflow(self) -> str: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    def generation(self) -> str | None:
        """Another value whenever something was written that may change a decision."""
        ...

    def beat(
        self, worker: str, revision: str, reads: Collection[str] = ..., *, live_for: float = ...
    ) -> None:
        """A worker says that it lives, and that it can run `revision` with documents of that one and of `reads`."""
        ...

    def leave(self, worker: str, revision: str | None = ...) -> None: ...

    def workers(self, *, gone: bool = ...) -> list[Worker]: ...

    def policies(self) -> list[Policy]: ...

    def set_policy(self, policy: Policy) -> None: ...

    def drop_policy(self, scope: str, target: str = ...) -> bool: ...

    def preferred(self) -> tuple[str, dict[str, str]] | None:
        """The preferred revision, and the change class of the way to it from each older one."""
        ...

    def prefer(self, revision: str | None, classes: dict[str, str] | None = ...) -> None: ...

    def pin(self, run_id: str, revision: str | None, *, version: int | None = None) -> bool:
        """Keep a run with workers of a revision; None lets it go. With `version`: only where nobody has written its row since and
        nobody holds it, and False otherwise (a store without rows of its own for runs can not tell)."""
        ...

    def pins(self) -> dict[str, str]: ...

    def pins_beside(self) -> dict[str, str]:
        """Those of the pins that are not in the rows of the runs."""
        ...

    def put_in_canary(self, run_ids: Collection[str], revision: str) -> int:
        """Those runs are in the canary of a revision from now on. How many were not."""
        ...

    def empty_canary(self) -> int:
        """No run is in a canary any more. How many were."""
        ...

    def canary_beside(self) -> dict[str, str]:
        """Of the runs that are in a canary those of which their own row does not say so."""
        ...

    def drains(self) -> list[Drain]: ...

    def put_drain(self, drain: Drain) -> None: ...

    def end_drain(self, revision: str) -> bool: ...

    def rollout(self) -> Rollout | None: ...

    def put_rollout(self, rollout: Rollout) -> Rollout:
        """Compare-and-swap on its version. Raises `ConflictError`."""
        ...

    def retired(self) -> dict[str, float]:
        """The versions that were retired, and when. `beat`, `pin`, `prefer`, `set_policy` and `put_rollout` refuse them: `RetiredError`."""
        ...

    def retire(self, revision: str) -> None: ...

    def unretire(self, revision: str) -> bool: ...

    def add_attempt(self, attempt: Attempt) -> None: ...

    def attempts(self, run_id: str | None = ..., *, since: float = ...) -> Iterator[Attempt]: ...
