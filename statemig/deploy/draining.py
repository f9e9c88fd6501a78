"""Draining a version: no new runs start on it, those that are on it end, and each look says how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from statemig.errors import DeployError, StatemigError
from statemig.migrator import Record
from statemig.store.deploy_records import Drain, Kind, OnDeadline, Unknown
from statemig.store.protocols import Counted, Failure, Moved, RunFilter, StoredRun

State = Literal["draining", "drained", "stalled", "unknown"]

#: seconds without one run less after which a drain has stalled
STALLED: Final = 3600.0


class Drained(Counted, Protocol):
    """A fleet that can be drained, and whose runs can be brought to another version when time is up."""

    def row(self, run_id: str) -> StoredRun: ...

    def bring(self, row: StoredRun, to: str = ..., *, record: Record | None = ...) -> Moved: ...

    def swap(self, moved: list[Moved]) -> list[bool]: ...

    def record_failures(
        self, failed: list[tuple[StoredRun, StatemigError]], head: str, *, write: bool = ...
    ) -> list[Failure]: ...


@dataclass(frozen=True, slots=True)
class DrainStatus:
    """How far a drain is. Times are seconds since the epoch; `rate` is runs per hour, `eta` the seconds that are left at that rate.

    `oldest` is the run that was started first, `waits` where it stands, `since` since when. `moved` and `failures` are of runs that
    were migrated because the deadline had passed; `goes_to` is the version that the deadline brings them to, where that was said.
    """

    drain: Drain
    state: State
    left: int
    ended: int
    rate: float | Unknown
    eta: float | Unknown
    overdue: bool
    oldest: str | None = None
    oldest_started: float | None = None
    waits: tuple[tuple[str | None, str, str | None], ...] = ()
    since: float | None = None
    moved: int = 0
    failures: tuple[Failure, ...] = ()
    why: str = ""
    goes_to: str | None = None


def begin_drain(
    fleet: Drained, revision: str, *, deadline: float | None = None, on_deadline: OnDeadline = "notify"
) -> Drain:
    """Start no new runs of a version from now on. Said again, it changes the deadline and goes on counting.

    Args:
        deadline: seconds from now.
        on_deadline: what a look after it does: only say so, bring the runs that are left to the preferred version (or the newest), or fail.

    Raises:
        DeployError: with "migrate", there is no version that they could go to.
    """
    target = fleet.migrator.resolve(revision)
    if on_deadline == "migrate":
        _goal(fleet, target)
    deploy = fleet.deploy
    present = next((each for each in deploy.drains() if each.revision == target), None)
    now = fleet.clock()
    until = None if deadline is None else now + deadline
    if present is not None:
        until = present.deadline if deadline is None else until
        deploy.put_drain(replace(present, deadline=until, on_deadline=on_deadline))
    else:
        # First the flag, then the count: a run that starts in between is counted and not missed.
        deploy.put_drain(Drain(target, now, until, on_deadline, 0, 0, now, now))
        left = sum(kind.count for kind in _on(fleet, target))
        deploy.put_drain(Drain(target, now, until, on_deadline, left, left, now, now))
    return next(each for each in deploy.drains() if each.revision == target)


def end_drain(fleet: Counted, revision: str) -> bool:
    """Let new runs of a version start again. Returns whether it was draining."""
    return fleet.deploy.end_drain(fleet.migrator.resolve(revision))


def look_at_drain(fleet: Drained, revision: str, *, stalled_after: float = STALLED) -> DrainStatus:
    """How far the drain of a version is, now; after the deadline it does what was said.

    Raises:
        DeployError: the version does not drain.
    """
    target = fleet.migrator.resolve(revision)
    drain = next((each for each in fleet.deploy.drains() if each.revision == target), None)
    if drain is None:
        raise DeployError(
            "this version does not drain",
            workflow=fleet.workflow,
            revision=target,
            hint=f"Begin with `statemig drain {target}`",
        )
    now = fleet.clock()
    overdue = drain.deadline is not None and now > drain.deadline
    moved = 0
    failures: tuple[Failure, ...] = ()
    if overdue and drain.on_deadline == "migrate":
        moved, failures = _migrate(fleet, target)
    kinds = _on(fleet, target)
    left = sum(kind.count for kind in kinds)
    looked = replace(
        drain, left=left, checked_at=now, changed_at=now if left < drain.left else drain.changed_at
    )
    fleet.deploy.put_drain(looked)
    ended = max(drain.counted - left, 0)
    elapsed = now - drain.since
    rate: float | Unknown = Unknown("no run has ended since it began")
    eta: float | Unknown = rate if left else 0.0
    if ended and elapsed > 0:
        rate = ended * 3600 / elapsed
        eta = left * elapsed / ended
    state, why = _state(fleet, looked, now, overdue, stalled_after)
    goes_to = _known_goal(fleet, target) if drain.on_deadline == "migrate" else None
    status = DrainStatus(
        looked,
        state,
        left,
        ended,
        rate,
        eta,
        overdue,
        moved=moved,
        failures=failures,
        why=why,
        goes_to=goes_to,
    )
    if not kinds:
        return status
    first = min(kinds, key=lambda kind: kind.oldest)
    [run_id, *_] = [*fleet.examples(first, 1), None]
    since = first.since if first.count == 1 or run_id is None else fleet.row(run_id).updated_at
    return replace(status, oldest=run_id, oldest_started=first.oldest, waits=first.places, since=since)


def _on(fleet: Counted, revision: str) -> list[Kind]:
    return [kind for kind in fleet.kinds() if kind.revision == revision]


def _state(
    fleet: Counted, drain: Drain, now: float, overdue: bool, stalled_after: float
) -> tuple[State, str]:
    if drain.left == 0:
        untagged = fleet.untagged()
        nameless = sum(kind.count for kind in fleet.kinds() if kind.revision is None)
        if isinstance(untagged, Unknown):
            return "unknown", untagged.reason
        if untagged + nameless:
            return "unknown", f"{untagged + nameless:,} runs do not say which version they have; stamp them"
        return "drained", "no run is on it any more"
    if overdue:
        return "stalled", "the deadline has passed"
    if now - drain.changed_at > stalled_after:
        return "stalled", "for a long time no run has ended"
    return "draining", "runs are left"


def _goal(fleet: Counted, revision: str) -> str:
    """The version that the runs which are left are brought to: the preferred one, or the newest. Raises `DeployError` where none is."""
    migrator = fleet.migrator
    preferred = fleet.deploy.preferred()
    to = migrator.head if preferred is None or preferred[0] == revision else preferred[0]
    if to == revision or to not in migrator.known or not migrator.leads(revision, to):
        why = "it is the newest one" if to == revision else f"{to} is preferred, which is not newer"
        raise DeployError(
            f"after the deadline its runs could be migrated to no version: {why}",
            workflow=fleet.workflow,
            revision=revision,
            hint=f"Say `statemig drain {revision} --on-deadline notify`; `statemig downgrade` brings runs to an older version",
        )
    if to in fleet.deploy.retired():
        raise DeployError(
            "the runs that are left can not go to a version that was retired",
            workflow=fleet.workflow,
            revision=to,
            hint="Prefer another: `statemig route prefer REV`",
        )
    return to


def _known_goal(fleet: Counted, revision: str) -> str | None:
    try:
        return _goal(fleet, revision)
    except DeployError:
        return None  # the look after the deadline says why


def _migrate(fleet: Drained, revision: str) -> tuple[int, tuple[Failure, ...]]:
    to = _goal(fleet, revision)
    moved, failures = 0, []
    now = fleet.clock()
    for batch in fleet.iterate(RunFilter(revision=revision)):
        ready: list[Moved] = []
        failed: list[tuple[StoredRun, StatemigError]] = []
        for row in batch:
            if row.leased(now):
                continue
            try:
                ready.append(fleet.bring(row, to, record="patch"))
            except StatemigError as error:
                failed.append((row, error))
        moved += sum(fleet.swap(ready)) if ready else 0
        failures += fleet.record_failures(failed, to) if failed else []
    return moved, tuple(failures)


def as_json(status: DrainStatus) -> dict[str, Any]:
    """Plain JSON; what is not known is the text that says why."""
    drain = status.drain
    return {
        "revision": drain.revision,
        "state": status.state,
        "why": status.why,
        "left": status.left,
        "counted": drain.counted,
        "ended": status.ended,
        "rate_per_hour": str(status.rate) if isinstance(status.rate, Unknown) else status.rate,
        "eta_seconds": str(status.eta) if isinstance(status.eta, Unknown) else status.eta,
        "since": drain.since,
        "deadline": drain.deadline,
        "on_deadline": drain.on_deadline,
        "goes_to": status.goes_to,
        "overdue": status.overdue,
        "checked_at": drain.checked_at,
        "oldest": None
        if status.oldest is None
        else {
            "run": status.oldest,
            "started_at": status.oldest_started,
            "stands_at": [list(place) for place in status.waits],
            "since": status.since,
        },
        "moved": status.moved,
        "failures": [[each.run_id, each.kind, each.reason] for each in status.failures],
    }
