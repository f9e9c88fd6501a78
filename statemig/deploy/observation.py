"""What is seen of a deploy: counts of runs that show a sign, on the side of the new version and on the other. No judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from statemig.deploy.comparison import Side
from statemig.migrator import Migrator
from statemig.operations.steps import RenameStep
from statemig.store.deploy_records import Rollout, Unknown
from statemig.store.deploy_view import steps_of
from statemig.store.protocols import Answered, Attempt, Counted, ListsFailures, Observed, RunFilter, Touched
from statemig.workflow.flow import ends

SIGNS: Final = ("errors", "silent ends", "asked again", "no progress")
#: that a worker was told to stop is no fault of a step
_STOPPED: Final = frozenset({"CancelledError", "GeneratorExit", "KeyboardInterrupt", "SystemExit"})
#: a policy keeps such a run where it is; nothing went wrong with it
_KEPT: Final = frozenset({"held", "pinned", "unstamped", "unknown"})
_NO_ATTEMPTS: Final = Unknown(
    "no worker has recorded a try of a step since it began (DeployStore.add_attempt)"
)


@dataclass(slots=True)
class Found:
    """The runs of both sides that were looked at, and those that show the sign."""

    seen: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    control_seen: set[str] = field(default_factory=set)
    control_bad: set[str] = field(default_factory=set)

    def add(self, run_id: str, *, new: bool, bad: bool) -> None:
        (self.seen if new else self.control_seen).add(run_id)
        if bad:
            (self.bad if new else self.control_bad).add(run_id)

    @property
    def canary(self) -> Side:
        return Side(len(self.bad), len(self.seen))

    @property
    def control(self) -> Side:
        return Side(len(self.control_bad), len(self.control_seen))


@dataclass(frozen=True, slots=True)
class Observation:
    """The signs by name, the errors once more by step, and the runs that could not be brought to the new version."""

    signs: Mapping[str, Found | Unknown]
    errors_at: Mapping[str, Found]
    not_brought: tuple[str, ...] | Unknown


def observe(fleet: Counted, rollout: Rollout, since: float, *, stuck_after: float) -> Observation:
    """Read what the workers wrote down since then."""
    new = rollout.new
    attempts = [each for each in fleet.deploy.attempts(since=since) if each.outcome != "released"]
    names = Names(fleet.migrator, new, rollout.old)
    by_run: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_run.setdefault(attempt.run_id, []).append(attempt)
    touched = {each.run_id: each for each in _touched(fleet, since)}
    recorded = isinstance(fleet, Observed) or bool(attempts)
    not_brought: dict[str, str | None] = {}
    unsaid: Unknown | None = Unknown(
        "this store does not list the runs that could not be brought to a version"
    )
    answered: list[Answered] | Unknown = Unknown("this store does not say what was answered")
    if isinstance(fleet, Observed):
        answered = fleet.answered(since)
    if isinstance(fleet, ListsFailures):
        unsaid = None
        not_brought = {
            each.run_id: each.step
            for each in fleet.failures(new)
            if each.kind not in _KEPT and each.at >= since
        }
    errors, by_step = _errors(by_run, new, names, not_brought)
    signs: dict[str, Found | Unknown] = {
        "errors": errors if recorded else _NO_ATTEMPTS,
        "silent ends": _silent_ends(fleet.migrator, new, by_run, touched) if recorded else _NO_ATTEMPTS,
        "asked again": answered
        if isinstance(answered, Unknown)
        else _asked_again(answered, new, names, by_run, touched),
        "no progress": _no_progress(fleet.clock() - stuck_after, new, by_run, touched),
    }
    return Observation(signs, by_step if recorded else {}, unsaid or tuple(sorted(not_brought)))


class Names:
    """What the steps of other versions are called in the new one."""

    def __init__(self, migrator: Migrator, new: str, old: str) -> None:
        self._migrator = migrator
        self._new = new
        self._old = old
        self._renames: dict[str, list[tuple[str, str]]] = {}

    def of(self, step: str, revision: str | None) -> str:
        """Followed through renames; where those do not lead it keeps its name."""
        for old, to in self._through(self._old if revision is None else revision):
            if step == old:
                step = to
        return step

    def _through(self, revision: str) -> list[tuple[str, str]]:
        if revision not in self._renames:
            migrator = self._migrator
            leads = (
                revision != self._new and revision in migrator.known and migrator.leads(revision, self._new)
            )
            self._renames[revision] = [
                (operation.old, operation.to)
                for name in (migrator.path(revision, self._new) if leads else ())
                for operation in migrator.revision(name).operations
                if isinstance(operation, RenameStep)
            ]
        return self._renames[revision]


def _touched(fleet: Counted, since: float) -> Iterable[Touched]:
    if isinstance(fleet, Observed):
        yield from fleet.touched(since)
        return
    for batch in fleet.iterate(RunFilter(ended=True)):
        for row in batch:
            if max(row.updated_at, row.claimed_at or 0.0) >= since:
                yield Touched(
                    row.run_id,
                    row.status,
                    row.phase,
                    steps_of(row.standing),
                    row.revision,
                    row.claimed_revision,
                    row.claimed_at,
                    row.updated_at,
                )


def _is_new(run: Touched, new: str, attempts: list[Attempt]) -> bool:
    """Whose code ran it last: what holds it now, or ended the last try of a step, or else what brought it where it is."""
    if run.claimed_revision is not None:
        return run.claimed_revision == new
    return attempts[-1].revision == new if attempts else run.revision == new


def _is_error(attempt: Attempt) -> bool:
    return attempt.outcome in ("error", "lost", "failed") and attempt.error not in _STOPPED


def _errors(
    by_run: Mapping[str, list[Attempt]], new: str, names: Names, not_brought: Mapping[str, str | None]
) -> tuple[Found, dict[str, Found]]:
    overall = Found()
    by_step: dict[str, Found] = {}
    for run_id, attempts in by_run.items():
        for attempt in attempts:
            is_new, bad = attempt.revision == new, _is_error(attempt)
            overall.add(run_id, new=is_new, bad=bad)
            if attempt.step is not None:
                at = by_step.setdefault(names.of(attempt.step, attempt.revision), Found())
                at.add(run_id, new=is_new, bad=bad)
    for run_id, step in not_brought.items():
        overall.add(run_id, new=True, bad=True)
        if step is not None:
            by_step.setdefault(step, Found()).add(run_id, new=True, bad=True)
    return overall, by_step


def _silent_ends(
    migrator: Migrator, new: str, by_run: Mapping[str, list[Attempt]], touched: Mapping[str, Touched]
) -> Found | Unknown:
    last_steps: dict[str, frozenset[str] | None] = {}

    def is_end(attempt: Attempt) -> bool:
        revision = attempt.revision
        if revision not in last_steps:
            snapshot = migrator.snapshot(revision) if revision in migrator.known else None
            last_steps[revision] = None if snapshot is None else frozenset(ends(snapshot.steps))
        known = last_steps[revision]
        return known is None or attempt.step in known

    if migrator.snapshot(new) is None:
        return Unknown(f"{new} was frozen without a snapshot, so nobody knows where its flow ends")
    found = Found()
    for run in touched.values():
        if run.status != "finished":
            continue
        attempts = by_run.get(run.run_id, [])
        last = next((each for each in reversed(attempts) if each.outcome == "finished"), None)
        side = _is_new(run, new, attempts) if last is None else last.revision == new
        found.add(run.run_id, new=side, bad=last is None or not is_end(last))
    return found


def _asked_again(
    answered: Iterable[Answered],
    new: str,
    names: Names,
    by_run: Mapping[str, list[Attempt]],
    touched: Mapping[str, Touched],
) -> Found:
    """Among runs that a person has answered and that a worker has had since: those of which a step asked after its answer was there."""
    times: dict[tuple[str, str], tuple[int, float]] = {}
    for each in answered:
        key = each.run_id, names.of(each.step, None)
        before, at = times.get(key, (0, 0.0))
        times[key] = before + each.times, max(at, each.at)
    found = Found()
    for (run_id, step), (count, last) in times.items():
        attempts = by_run.get(run_id, [])
        run = touched.get(run_id)
        if not attempts or run is None:
            continue
        asked = [each for each in attempts if each.outcome == "waiting"]
        waits = run.phase == "parked" and any(names.of(at, run.revision) == step for at in run.steps)
        once_more = [each for each in asked if waits and each is attempts[-1]]
        if count > 1:
            # It asked, was answered, asked, and was answered: of both questions there is an answer.
            once_more += [each for each in asked if each.ended_at <= last]
        by = once_more[-1] if once_more else attempts[-1]
        found.add(run_id, new=by.revision == new, bad=bool(once_more))
    return found


def _no_progress(
    before: float, new: str, by_run: Mapping[str, list[Attempt]], touched: Mapping[str, Touched]
) -> Found:
    found = Found()
    for run in touched.values():
        attempts = by_run.get(run.run_id, [])
        moved = max(run.updated_at, run.claimed_at or 0.0)
        stuck = run.status == "active" and run.phase == "ready" and moved <= before
        found.add(run.run_id, new=_is_new(run, new, attempts), bad=stuck)
    return found
