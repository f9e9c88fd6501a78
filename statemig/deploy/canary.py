"""A canary: a small share of the runs goes to the new version first, and more of them when nothing went wrong.

Two shares grow in stages, that of the runs that start and that of the runs in flight. At the beginning of a stage runs in flight are chosen
at each step, so that a step at which few stand is tried as well as one at which many do; who was chosen stays so
(`statemig.store.deploy_canary`). A stage ends when it has stood for its time and `watch` says OK, or somebody gives a reason to go on.

What a stage is made of is in the details of the deploy's `Rollout` under ``canary``, so all workers and commands see the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from statemig.deploy import window
from statemig.deploy.stages import HOLD, RAMP, Canary, Stages, entry_of, ramp_of, shown
from statemig.deploy.watch import Criteria, Look, look
from statemig.deploy.window import Deployed
from statemig.errors import DeployError
from statemig.store.deploy_canary import Shares, chosen, shares_of
from statemig.store.deploy_records import Rollout, Unknown
from statemig.store.deploy_routing import RunFacts
from statemig.store.deploy_view import facts_of, read_view
from statemig.store.protocols import Counted, RunFilter


@dataclass(frozen=True, slots=True)
class StepCount:
    """Runs in flight that stand at one step now: all, those that are in the canary, and those of which the new version is the last that
    wrote them in its own shape."""

    runs: int
    canary: int
    new: int


@dataclass(frozen=True, slots=True)
class CanaryStatus:
    """How far a canary is. `hold_left`: seconds. `steps`: now, by the step that runs stand at. `started_new`: runs in flight that began on
    the new version. `notes`: what keeps it from being one."""

    rollout: Rollout | None
    canary: Canary | None
    hold_left: float
    steps: Mapping[str, StepCount]
    started_new: int
    notes: tuple[str, ...] = ()
    look: Look | None = None


def start(
    fleet: Deployed,
    revision: str,
    *,
    new: float | None = None,
    parked: float | None = None,
    stages: Stages | None = None,
    hold: float | None = None,
    old: str | None = None,
    in_memory: bool = True,
) -> CanaryStatus:
    """Begin with the first stage; the window of the deploy is opened where it is not yet.

    Said again it chooses from the runs that have come since, and may change the ramp and the time of a stage; no share gets smaller.

    Args:
        new, parked: shares of the first stage, from 0 to 1, instead of the ramp's.
        stages: the ramp, pairs of shares (new, parked); otherwise `RAMP`.
        hold: seconds for which a stage has to stand; otherwise `HOLD`.
        old, in_memory: as for `window.start`.

    Raises:
        ConfigError: a share is none, or a ramp falls.
        DeployError: another deploy is open, the new version does not follow or is the preferred one already, or a share would shrink.
    """
    deploy = fleet.deploy
    target = fleet.migrator.resolve(revision)
    ramp = ramp_of(stages or RAMP, new, parked)
    rollout = deploy.rollout()
    if rollout is None or not rollout.open or rollout.new != target:
        rollout = window.start(fleet, target, old=old, in_memory=in_memory)
    preferred = deploy.preferred()
    if preferred is not None and preferred[0] == target:
        raise DeployError(
            "this version is the preferred one, so all runs go there and a share of them is none",
            workflow=fleet.workflow,
            revision=target,
            hint=f"Go back to a share with `statemig route prefer {rollout.old}` first",
        )
    present = Canary.of(rollout)
    now = fleet.clock()
    if present is None or not present.on:
        deploy.empty_canary()  # of an earlier canary
        stand = HOLD if hold is None else hold
        begun = Canary(ramp, 0, stand, now, now, log=() if present is None else present.log)
        begun = replace(begun, log=(*begun.log, entry_of(begun, now, "started")))
        return _put(fleet, rollout, begun)
    begun_with = present.stages[: present.stage]
    ramp = (*begun_with, *ramp_of(stages or present.stages[present.stage :], new, parked))
    was, wanted = present.shares, ramp[present.stage]
    if wanted[0] < was[0] or wanted[1] < was[1]:
        raise DeployError(
            f"the shares are {shown(was)}, and {shown(wanted)} would take runs out of the canary",
            workflow=fleet.workflow,
            revision=target,
            hint="They only grow. `statemig canary stop` ends it",
        )
    changed = replace(present, stages=ramp, hold=present.hold if hold is None else hold)
    if changed.shares != present.shares:
        changed = replace(
            changed, stage_since=now, log=(*changed.log, entry_of(changed, now, "started with more"))
        )
    return _put(fleet, rollout, changed)


def advance(fleet: Deployed, *, force: str | None = None, criteria: Criteria | None = None) -> CanaryStatus:
    """Begin the next stage.

    Args:
        force: the reason to go on although the stage has not stood for its time or the verdict is not OK; it is written down.
        criteria: by what the look at the present stage judges.

    Raises:
        DeployError: no canary is on, it is at its last stage, or (`problems`) the stage has not stood for its time or its verdict is
            not OK.
    """
    rollout, present = _present(fleet)
    if present.is_last:
        raise DeployError(
            f"the canary is at its last stage, {shown(present.shares)}",
            workflow=fleet.workflow,
            revision=rollout.new,
            hint="`statemig deploy complete` when the old workers are gone, or `statemig abort`",
        )
    now = fleet.clock()
    found = look(fleet, criteria)
    problems: list[str] = []
    stood = now - present.stage_since
    if stood < present.hold:
        problems.append(f"the stage has stood for {stood:,.0f} of {present.hold:,.0f} seconds")
    if found.verdict != "OK":
        problems.append(f"the verdict is {found.verdict}: {'; '.join(found.why)}")
    if problems and force is None:
        way = "`statemig abort` goes back" if found.verdict == "ABORT" else "Wait"
        raise DeployError(
            f"the next stage can not begin: {'; '.join(problems)}",
            problems=problems,
            workflow=fleet.workflow,
            revision=rollout.new,
            hint=f"{way}, or say --force with the reason; it is written down",
        )
    after = replace(present, stage=present.stage + 1, stage_since=now)
    entry = entry_of(after, now, "advanced", verdict=found.verdict, why=list(found.why))
    if problems:
        entry |= {"forced": force, "although": problems}
    return replace(_put(fleet, rollout, replace(after, log=(*after.log, entry))), look=found)


def stop(fleet: Deployed) -> CanaryStatus:
    """No run is in the canary any more, and none starts in it; the window stays open. Idempotent.

    A run that is stored in the new version stays with its workers (`abort` brings it back); one that is written back goes to the old ones.

    Raises:
        DeployError: the deploy has no canary.
    """
    rollout, present = _present(fleet, on=False)
    if present.on:
        now = fleet.clock()
        ended = replace(present, on=False)
        ended = replace(ended, log=(*ended.log, entry_of(ended, now, "stopped")))
        fleet.deploy.put_rollout(ended.on_rollout(rollout))
        fleet.deploy.empty_canary()
    return status(fleet)


def status(fleet: Counted) -> CanaryStatus:
    """How far it is, counted by the database."""
    rollout = fleet.deploy.rollout()
    canary = Canary.of(rollout)
    shares = None if rollout is None else shares_of(rollout)
    steps: dict[str, StepCount] = {}
    started = 0
    for kind in fleet.kinds():
        inside = shares is not None and (shares.parked >= 1 or kind.canary == shares.revision)
        is_new = rollout is not None and kind.revision == rollout.new
        began = rollout is not None and kind.started_revision == rollout.new
        started += kind.count * began
        at = steps.get(_step(kind.steps), StepCount(0, 0, 0))
        steps[_step(kind.steps)] = StepCount(
            at.runs + kind.count,
            at.canary + kind.count * (inside or began or is_new),
            at.new + kind.count * is_new,
        )
    notes: list[str] = []
    left = 0.0
    if rollout is not None and canary is not None and canary.on:
        left = max(canary.stage_since + canary.hold - fleet.clock(), 0.0)
        if all(each.revision != rollout.new for each in fleet.deploy.workers()):
            notes.append(f"no living worker runs {rollout.new}: nothing goes there yet")
        untagged = fleet.untagged()
        if isinstance(untagged, Unknown):
            notes.append(f"whether there are runs that statemig has never written is {untagged}")
        elif untagged:
            notes.append(f"{untagged:,} runs were never written by statemig, and none of them is chosen")
    return CanaryStatus(rollout, canary, left, dict(sorted(steps.items())), started, tuple(notes))


def _put(fleet: Deployed, rollout: Rollout, canary: Canary) -> CanaryStatus:
    """Choose runs, write that down with them, and let every worker know."""
    planned = canary.on_rollout(rollout)
    shares = shares_of(planned)
    assert shares is not None
    steps, left_out, added = _choose(fleet, planned, shares)
    if shares.parked < 1 and added:
        fleet.deploy.put_in_canary(added, shares.revision)
    counted = replace(canary, steps=steps, left_out=left_out)
    fleet.deploy.put_rollout(counted.on_rollout(rollout))
    return status(fleet)


def _choose(
    fleet: Deployed, planned: Rollout, shares: Shares
) -> tuple[dict[str, tuple[int, int]], dict[str, int], list[str]]:
    """By step how many runs in flight can go and how many do; why others can not; and the ids of those that were added.

    Whether a run can go is asked of the rules: a pin, a policy for it or its step, a drain or the window may keep it.
    """
    view = replace(read_view(fleet.deploy), rollout=planned)
    migrator, new = fleet.migrator, shares.revision
    readable = {name for name in migrator.known if name == new or migrator.leads(name, new)}

    def placed(facts: RunFacts) -> tuple[str | None, str, bool]:
        """Why a run can not go, where it stands, and whether it is chosen already."""
        why: str | None
        if facts.revision in readable:
            rule = view.wanted(replace(facts, canary=new)).rule
            why = None if rule == "canary" else rule
        else:
            why = (
                "unstamped"
                if facts.revision is None
                else f"of {facts.revision}, which does not lead to {new}"
            )
        return why, _step(facts.steps), view.in_canary(facts, shares)

    # Runs that are alike are decided about once, but for those that somebody has named.
    named = {each.target for each in view.policies if each.scope == "run"}
    named |= set(view.pins or ()) | set(view.canary_runs or ())
    known: dict[tuple[str | None, ...], tuple[str | None, str, bool]] = {}
    here: dict[str, list[str]] = {}
    already: dict[str, int] = {}
    left_out: dict[str, int] = {}
    for batch in fleet.iterate(RunFilter()):
        for row in batch:
            if new in (row.revision, row.started_revision):
                continue  # it is there
            alike = row.revision, row.started_revision, row.pinned_revision, row.canary, row.standing
            found = placed(facts_of(row)) if row.run_id in named else known.get(alike)
            if found is None:
                found = known[alike] = placed(facts_of(row))
            why, step, inside = found
            if why is not None:
                left_out[why] = left_out.get(why, 0) + 1
                continue
            here.setdefault(step, [])
            already[step] = already.get(step, 0) + inside
            if not inside:
                here[step].append(row.run_id)
    steps: dict[str, tuple[int, int]] = {}
    added: list[str] = []
    for step, waiting in sorted(here.items()):
        more = chosen(new, step, waiting, shares.parked, already[step])
        added += more
        steps[step] = (len(waiting) + already[step], already[step] + len(more))
    return steps, left_out, added


def _step(steps: Iterable[str]) -> str:
    """A run on several branches is a kind of its own."""
    return " + ".join(sorted(steps)) or "no step"


def _present(fleet: Deployed, *, on: bool = True) -> tuple[Rollout, Canary]:
    rollout = fleet.deploy.rollout()
    canary = Canary.of(rollout)
    if rollout is None or canary is None or (on and not canary.on):
        raise DeployError(
            "no canary is on", workflow=fleet.workflow, hint="Begin with `statemig canary start REV`"
        )
    return rollout, canary


def as_json(found: CanaryStatus) -> dict[str, Any]:
    """Plain JSON."""
    canary, rollout = found.canary, found.rollout
    return {
        "old": None if rollout is None else rollout.old,
        "new": None if rollout is None else rollout.new,
        "on": canary is not None and canary.on,
        "stage": None if canary is None else canary.stage,
        "stages": [] if canary is None else [list(each) for each in canary.stages],
        "shares": None if canary is None else list(canary.shares),
        "hold": None if canary is None else canary.hold,
        "hold_left": found.hold_left,
        "since": None if canary is None else canary.since,
        "stage_since": None if canary is None else canary.stage_since,
        "chosen": {}
        if canary is None
        else {step: {"runs": runs, "chosen": taken} for step, (runs, taken) in canary.steps.items()},
        "left_out": {} if canary is None else dict(canary.left_out),
        "steps": {
            step: {"runs": each.runs, "canary": each.canary, "new": each.new}
            for step, each in found.steps.items()
        },
        "started_new": found.started_new,
        "notes": list(found.notes),
        "log": [] if canary is None else [dict(each) for each in canary.log],
    }
