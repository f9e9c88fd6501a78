"""What a subclass of `StoreMachine` says: how its store is opened, what a worker does in a step, and how it dies."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from statemig.errors import RevisionError
from statemig.migrator import Migrator
from statemig.store.protocols import RunFilter
from statemig.testing.store_checks import Worker
from statemig.testing.store_model import Model, Stored


class StoreHooks:
    """The part of `StoreMachine` that is meant to be overridden; all but `make_store` do something sensible as they are."""

    #: seconds for which a worker claims a run
    ttl: ClassVar[float] = 60.0

    model: Model
    deployed: list[Worker]
    _dead: list[Any]
    _data: DataObject | None = None
    _asked: int = 0

    def make_store(self, migrator: Migrator) -> Any:
        """The store as code of the version opens it that has `migrator`. All of one machine are about the same runs; the next machine
        begins with none. Leases end by `self.clock`."""
        raise NotImplementedError("make_store(self, migrator) opens the store that is to be tested")

    def step(self, run: Any) -> None:
        """What a worker does with a run before it saves it. As it is: puts drawn values into the state and goes on along the flow, as code
        on a `statemig.store.Run` does. Draw with ``self.draw(strategy)``."""
        snapshot = self.model.migrator.snapshot(run.revision)
        fresh = self.draw(self.states(run.revision))
        for key in self.draw(st.lists(st.sampled_from(sorted(fresh)), unique=True)) if fresh else []:
            run.state[key] = fresh[key]
        if run.step is None or snapshot is None or run.step not in snapshot.steps:
            return
        info = snapshot.steps[run.step]
        answered = "answer" in run.position
        if info.kind != "auto" and not answered:
            if run.position.get("status") != "waiting":
                self._ask(run, run.step)
            return
        output = run.answer if answered else self.draw(self.answers(run.revision, run.step))
        targets = info.fork or ((self.draw(st.sampled_from(info.next)),) if info.next else ())
        if (
            len(targets) == 1
            and snapshot.steps[targets[0]].kind != "auto"
            and not snapshot.steps[targets[0]].joins
        ):
            self._ask(run, targets[0], output)
        else:
            run.advance(*targets, output=output)

    def _ask(self, run: Any, step: str, output: Any = None) -> None:
        self._asked += 1
        run.wait(step, f"question-{self._asked}", payload={"asked": step}, output=output)

    def states(self, revision: str) -> SearchStrategy[Any]:
        """What runs of a revision start with, and put into their state. Drawn from its snapshot."""
        from statemig.testing import strategies

        snapshot = self.model.migrator.snapshot(revision)
        if snapshot is None:
            raise RevisionError(
                "it has no snapshot, so nothing says what its states are",
                revision=revision,
                hint="Say it in your machine: def states(self, revision)",
            )
        return strategies.from_snapshot(snapshot)

    def answers(self, revision: str, step: str) -> SearchStrategy[Any]:
        """What a step puts out, and what a person answers there. Drawn from the output in the snapshot; None where it has none."""
        from statemig.testing import strategies
        from statemig.workflow.run_shape import outputs_of

        snapshot = self.model.migrator.snapshot(revision)
        if snapshot is None or step not in outputs_of(snapshot.writes):
            return st.none()
        return strategies.from_snapshot(snapshot, step)

    def stored(self, run_id: str) -> Stored:
        """A run as it is in the store now, by itself: nothing is migrated. As it is: by `iterate` and `document` of `Fleet`."""
        store = self.deployed[-1].store
        [row] = [
            row
            for batch in store.iterate(RunFilter(run_ids=[run_id], ended=True))
            for row in batch
            if row.run_id == run_id
        ]
        return Stored(row.revision, store.document(row))

    def crash(self, worker: Worker) -> None:
        """A worker takes a run and dies before it has written. As it is: in this process, by forgetting what it holds. A store on files can
        have it done by a process that is killed."""
        if hasattr(worker.store, "claim"):
            run = worker.store.claim(worker.name, ttl=self.ttl)
            if run is not None:
                self.step(run)
                self._dead.append(run)

    def draw(self, strategy: SearchStrategy[Any]) -> Any:
        """For `step` and `crash`: a value of this example."""
        assert self._data is not None, "draw is for what a rule calls"
        return self._data.draw(strategy)
