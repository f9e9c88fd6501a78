"""Which version runs a run: asked, explained, and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from statemig.deploy.classes import ORDER, below, classes_to
from statemig.errors import ConfigError, DeployError
from statemig.migrator import Migrator
from statemig.store.deploy_canary import begins
from statemig.store.deploy_records import Mode, Policy, Scope, Strategy
from statemig.store.deploy_routing import Decision, RunFacts, View
from statemig.store.deploy_view import facts_of, read_view
from statemig.store.protocols import DeployStore, StoredRun

SCOPES: Final[tuple[Scope, ...]] = ("workflow", "class", "step", "run")
STRATEGIES: Final[tuple[Strategy, ...]] = ("migrate", "route", "drain")


class Routed(Protocol):
    """What a router needs of a store; a `RunStore` is one."""

    @property
    def migrator(self) -> Migrator: ...

    @property
    def deploy(self) -> DeployStore: ...

    def row(self, run_id: str) -> StoredRun: ...


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with all that led to it. `mode` is what a worker of the chosen version writes while a deploy's window is open."""

    run: RunFacts
    decision: Decision
    mode: Mode
    preferred: str | None
    change_class: str | None


class Router:
    """Decides for the runs of one store. Reads what was said anew at every call; nothing runs in the background."""

    def __init__(self, store: Routed) -> None:
        self._store = store

    def pick(self, run: str | StoredRun | RunFacts) -> Decision:
        """Which version is to run a run, by which rule, and who could take it now."""
        return self.view().decide(self._facts(run))

    def explain(self, run: str | StoredRun | RunFacts) -> Explanation:
        """`pick`, with what it went by."""
        facts, view = self._facts(run), self.view()
        decision = view.decide(facts)
        mode = view.mode(decision.revision or self._store.migrator.head, facts.revision)
        found = (view.classes or {}).get(facts.revision or "")
        return Explanation(facts, decision, mode, view.preferred, found)

    def starts(self, run_id: str) -> str | None:
        """The version that a new run of that id begins on: that of a canary where it is in its share and a worker of it lives, else the
        preferred one; None: that of whoever starts it."""
        view = self.view()
        shares = view.shares
        if shares is None or not begins(shares, run_id):
            return view.preferred
        lives = any(each.revision == shares.revision for each in view.workers)
        return shares.revision if lives else view.preferred

    def view(self) -> View:
        """Everything that was said, and who lives."""
        return read_view(self._store.deploy)

    def prefer(self, revision: str | None) -> str | None:
        """New runs start on that revision, and those that may migrate go there; None: on whatever their worker has. Returns its id."""
        if revision is None:
            self._store.deploy.prefer(None)
            return None
        migrator = self._store.migrator
        target = migrator.resolve(revision)
        self._store.deploy.prefer(target, classes_to(migrator, target, below(migrator, target)))
        return target

    def pin(self, run_id: str, revision: str | None) -> str | None:
        """Keep a run with workers of one revision; None lets it go again. Returns the full id.

        Raises:
            RunNotFoundError: there is no such run.
            DeployError: it is newer than that, and no living worker of that revision can bring it down.
        """
        target = None if revision is None else self._store.migrator.resolve(revision)
        if target is not None:
            self._require_readable(run_id, target)
        self._store.deploy.pin(run_id, target)
        return target

    def policy(
        self, scope: Scope, target: str, strategy: Strategy | None, revision: str | None = None
    ) -> Policy | None:
        """Say what is wanted for a scope; without a strategy nothing any more.

        Raises:
            ConfigError: there is no such scope, strategy, change class or step, or only "migrate" has a revision.
            RunNotFoundError: there is no such run.
        """
        if scope not in SCOPES:
            raise ConfigError(f"there is no scope {scope!r}", hint=f"One of {', '.join(SCOPES)}")
        if (target == "") != (scope == "workflow"):
            raise ConfigError(
                f"a policy for {scope} needs {'no target' if scope == 'workflow' else 'a target'}",
                hint="For example workflow, class breaking, step approve, run 4f1c",
            )
        if scope == "class" and target not in ORDER:
            raise ConfigError(f"there is no change class {target!r}", hint=f"One of {', '.join(ORDER)}")
        if strategy is None:
            self._store.deploy.drop_policy(scope, target)
            return None
        if scope == "step":
            self._know_step(target)
        if scope == "run":
            self._store.row(target)
        if strategy not in STRATEGIES:
            raise ConfigError(f"there is no strategy {strategy!r}", hint=f"One of {', '.join(STRATEGIES)}")
        if revision is not None and strategy != "migrate":
            raise ConfigError(
                f"{strategy} leaves a run on its own version, so it has no revision",
                hint="Leave the revision out, or pin the run",
            )
        resolved = None if revision is None else self._store.migrator.resolve(revision)
        made = Policy(scope, target, strategy, resolved)
        self._store.deploy.set_policy(made)
        return made

    def _require_readable(self, run_id: str, target: str) -> None:
        migrator, shape = self._store.migrator, self._store.row(run_id).revision
        if shape is None or shape not in migrator.known or shape == target or migrator.leads(shape, target):
            return
        if not self.view().available(target, shape):
            raise DeployError(
                f"workers of {target} can not read the run, so nobody would take it",
                run_id=run_id,
                workflow=migrator.workflow,
                revision=shape,
                hint=f"Bring it there first, then pin it: `statemig downgrade {target}` for all runs, or in Python `downgrade` of the "
                "store or saver for this one",
            )

    def _know_step(self, name: str) -> None:
        """A step of any version will do: runs are asked under the name that they have."""
        migrator = self._store.migrator
        snapshots = [migrator.snapshot(revision) for revision in migrator.known]
        if None in snapshots:
            return  # what that version had nobody knows
        steps = {step for each in snapshots if each is not None for step in each.steps}
        if name not in steps:
            raise ConfigError(
                f"no version has a step {name!r}", hint=f"The steps are {', '.join(sorted(steps))}"
            )

    def _facts(self, run: str | StoredRun | RunFacts) -> RunFacts:
        match run:
            case str():
                return facts_of(self._store.row(run))
            case StoredRun():
                return facts_of(run)
            case RunFacts():
                return run
