"""Which version is to run a run: decided here, by rules in order, from what was read of a deploy store. Pure; no storage.

A *shape* is the revision that a document has; a worker *can run* the steps of one revision, and *can take* documents of that one and of
those it can bring there. Policy says what is preferred. The three are never taken for each other: the first revision in a rule's list
that a living worker can run, and can take the shape to, is the decision, so a preferred version that nobody runs yet holds up no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from statemig.store.deploy_canary import Shares, shares_of
from statemig.store.deploy_records import Drain, Mode, Policy, Rollout, Strategy, Worker

Rule = Literal["pin", "window", "run", "step", "drain", "canary", "class", "workflow", "preferred", "none"]

#: the order of scopes, the most specific first; a drain and then a canary come between step and class
_SCOPES: Sequence[Literal["run", "step"]] = ("run", "step")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a decision depends on. `steps` are those the run stands at; `canary` is the revision whose canary it is in."""

    run_id: str
    revision: str | None
    started_revision: str | None = None
    pinned_revision: str | None = None
    steps: tuple[str, ...] = ()
    canary: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`revision` is the version whose workers are to run the run; None: any that can take it, which brings it to its own version.

    `rule` is the one that won and `why` says it in a sentence. `wanted` is what the rule would have liked best. `taken_by` are the living
    workers that may take the run; none makes it a zombie.
    """

    run_id: str
    revision: str | None
    rule: Rule
    strategy: Strategy
    why: str
    wanted: str | None = None
    taken_by: tuple[str, ...] = ()

    @property
    def zombie(self) -> bool:
        return not self.taken_by


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rule says before anybody asks who lives: revisions, the best first; none: any."""

    rule: Rule
    strategy: Strategy
    revisions: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class View:
    """What was read of a deploy store at one moment. `classes`: the change class of the way from an older revision to the preferred."""

    policies: tuple[Policy, ...] = ()
    preferred: str | None = None
    classes: Mapping[str, str] | None = None
    drains: tuple[Drain, ...] = ()
    rollout: Rollout | None = None
    workers: tuple[Worker, ...] = ()
    pins: Mapping[str, str] | None = None
    canary_runs: Mapping[str, str] | None = None
    retired: frozenset[str] = frozenset()

    @property
    def shares(self) -> Shares | None:
        """Those of the canary; None where there is none on."""
        return None if self.rollout is None else shares_of(self.rollout)

    @property
    def decides(self) -> bool:
        """Whether anything was said at all; else every worker takes what it can."""
        return bool(
            self.policies
            or self.preferred
            or self.drains
            or self.pins
            or (self.rollout is not None and self.rollout.open)
        )

    def available(self, revision: str, shape: str | None) -> bool:
        """Whether a living worker runs that version and can take documents of that shape to it."""
        return any(each.revision == revision and each.can_take(shape) for each in self.workers)

    def wanted(self, run: RunFacts) -> Wanted:
        """The rule that wins, and what it says."""
        pinned = (self.pins or {}).get(run.run_id, run.pinned_revision)
        if pinned is not None:
            return Wanted("pin", "route", (pinned,), f"it is pinned to {pinned}")
        for scope in _SCOPES:
            for policy in self.policies:
                if policy.scope == scope and policy.target in (
                    (run.run_id,) if scope == "run" else run.steps
                ):
                    name = "this run" if scope == "run" else f"runs at {policy.target}"
                    return self._by(policy, run, scope, name)
        for drain in self.drains:
            if drain.revision == run.revision:
                why = f"{drain.revision} drains, and the runs that are on it end on it"
                return Wanted("drain", "drain", (drain.revision,), why)
        shares = self.shares
        if shares is not None and self.in_canary(run, shares):
            share = "the canary takes every run" if shares.parked >= 1 else "it is in the canary"
            return self._migrate("canary", run, shares.revision, f"{share} of {shares.revision}")
        by_class = self._of_class(run.revision)
        if by_class is not None:
            return self._by(by_class, run, "class", f"runs that a {by_class.target} change stands before")
        for policy in self.policies:
            if policy.scope == "workflow":
                return self._by(policy, run, "workflow", "runs of the workflow")
        if self.preferred is not None:
            return self._migrate(
                "preferred", run, self.preferred, f"{self.preferred} is the preferred version"
            )
        return Wanted("none", "migrate", (), "nothing was said, so whoever takes it brings it to its version")

    def decide(self, run: RunFacts) -> Decision:
        """Rule, version and the workers that may take the run."""
        wanted = self.wanted(run)
        chosen: str | None = None
        why = wanted.why
        if wanted.revisions:
            first = wanted.revisions[0]
            chosen = next((one for one in wanted.revisions if self.available(one, run.revision)), first)
            if chosen != first:
                why += f"; no living worker takes it to {first}, so {chosen}"
        names = {
            each.name
            for each in self.workers
            if (chosen is None or each.revision == chosen) and each.can_take(run.revision)
        }
        best = wanted.revisions[0] if wanted.revisions else None
        return Decision(run.run_id, chosen, wanted.rule, wanted.strategy, why, best, tuple(sorted(names)))

    def in_canary(self, run: RunFacts, shares: Shares) -> bool:
        """Whether the run is for the new version. Once chosen it stays so: nothing that it does later is asked."""
        mark = (self.canary_runs or {}).get(run.run_id, run.canary)
        return shares.parked >= 1 or mark == shares.revision

    def mode(self, head: str, shape: str | None) -> Mode:
        """What a worker of `head` does with a run of that shape: the window's word, where the window is about that head."""
        if self.rollout is None or head != self.rollout.new:
            return "in place"
        return self.rollout.mode(shape)

    def _of_class(self, shape: str | None) -> Policy | None:
        found = (self.classes or {}).get(shape) if shape is not None else None
        for policy in self.policies:
            if policy.scope == "class" and policy.target == found:
                return policy
        return None

    def _by(self, policy: Policy, run: RunFacts, rule: Rule, name: str) -> Wanted:
        match policy.strategy:
            case "migrate":
                to = self.preferred if policy.revision is None else policy.revision
                if to is None:
                    return Wanted(
                        rule,
                        "migrate",
                        (),
                        f"by the policy for {name} it migrates to the version of whoever takes it",
                    )
                return self._migrate(rule, run, to, f"by the policy for {name} it migrates")
            case "route" | "drain":
                return Wanted(
                    rule, policy.strategy, _own(run), f"by the policy for {name} it stays on its version"
                )
            case never:
                assert_never(never)

    def _migrate(self, rule: Rule, run: RunFacts, to: str, why: str) -> Wanted:
        shape = run.revision
        if shape is not None and shape != to and self.mode(to, shape) == "pin":
            reason = (self.rollout.reasons if self.rollout else {}).get(shape, "it can not go back")
            return Wanted("window", "route", (shape,), f"until the deploy is complete it stays: {reason}")
        return Wanted(rule, "migrate", _once((to, shape)), why)


def _own(run: RunFacts) -> tuple[str, ...]:
    """The version it started on; where no worker of it can take what the run has become, that of its document."""
    return _once((run.started_revision, run.revision))


def _once(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name is not None))
