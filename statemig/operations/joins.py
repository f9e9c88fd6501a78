"""Operations on joins, and on what waits for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Operation, require
from statemig.operations.flows import OnSteps
from statemig.plan.instructions import Instruction, Reinstate, Rejoin, Withdraw
from statemig.workflow import flow_changes
from statemig.workflow.flow import Flow, ways_to

_NEW_BRANCH = {"start": True, "arrived": False, None: None}


@dataclass(frozen=True)
class ChangeJoin(OnSteps):
    """The join `step` waits for other `branches`.

    In a run that is past the fork an arrival of a branch that is gone counts no more; a new branch is started there or counts as
    arrived (`new_branch`; on the way back the same holds for a branch that only the old version had). Where everything has arrived
    then, the join fires. `was` are the branches before; the snapshot of the version before knows them too. `ways` names the steps on the
    way to each, and `new` the branches that are steps of the new version only; both are taken from the snapshot.
    """

    name: ClassVar[str] = "change_join"
    step: str
    branches: tuple[str, ...] | None
    new_branch: str | None = None
    was: tuple[str, ...] | None = None
    ways: Any = None
    new: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        require(bool(self.step), "give the name of the join", self.name)
        for argument in ("branches", "was"):
            given = getattr(self, argument)
            if given is None:
                continue
            require(
                isinstance(given, list | tuple)
                and bool(given)
                and all(isinstance(name, str) and name for name in given)
                and len(set(given)) == len(given),
                f"{argument} is a list of the steps that the join waits for, each once",
                self.name,
            )
            require(self.step not in given, "a join does not wait for itself", self.name)
            object.__setattr__(self, argument, tuple(given))
        require(
            self.branches is not None or self.was is not None,
            "give the branches that the join waits for",
            self.name,
        )
        require(
            self.new_branch in _NEW_BRANCH,
            'new_branch is "start" or "arrived"',
            self.name,
        )
        if isinstance(self.ways, dict):
            object.__setattr__(
                self, "ways", tuple((branch, tuple(steps)) for branch, steps in self.ways.items())
            )

    def inverse(self) -> Operation:
        return replace(self, branches=self.was, was=self.branches)

    def lower(self) -> tuple[Instruction, ...]:
        start = _NEW_BRANCH[self.new_branch]
        return (Rejoin(self.step, self.branches, self.was, start, self.ways or (), self.new or ()),)

    def describe(self) -> str:
        return f"join {self.step} waits for {', '.join(self.branches or ('other branches',))}"

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        if self.ways:
            data["ways"] = {branch: list(steps) for branch, steps in self.ways}
        return data

    def _given(self) -> list[tuple[int, str, Any]]:
        return [given for given in super()._given() if given[1] not in ("ways", "new")]

    @property
    def needs_flow(self) -> bool:
        return self.was is None or self.ways is None

    def settle(self, flow: Flow) -> Operation:
        info = flow.steps.get(self.step)
        was = self.was or (info.joins if info is not None else ())
        if not was or self.branches is None:
            return self
        return replace(
            self,
            was=was,
            ways=self.ways or ways_to(flow.steps, was, self.step),
            new=tuple(branch for branch in self.branches if branch not in flow.steps),
        )

    def flow_after(self, flow: Flow) -> Flow:
        return flow if self.branches is None else flow_changes.rejoined(flow, self.step, self.branches)


@dataclass(frozen=True)
class DropPending(Operation):
    """What `step` has written for a join that has not consumed it goes, and what waits for `step` as a join; it comes back on the way back,
    unless the join has fired since. `why` is for those who read the history."""

    name: ClassVar[str] = "drop_pending"
    step: str
    why: str
    restored: bool = False

    def __post_init__(self) -> None:
        require(bool(self.step), "give the name of the step", self.name)
        require(isinstance(self.why, str) and bool(self.why), "say why", self.name)

    def inverse(self) -> Operation:
        return replace(self, restored=not self.restored)

    def lower(self) -> tuple[Instruction, ...]:
        return (Reinstate(self.step) if self.restored else Withdraw(self.step),)

    def describe(self) -> str:
        if self.restored:
            return f"what step {self.step} had written for a join comes back ({self.why})"
        return f"what step {self.step} has written for a join is dropped: {self.why}"


@dataclass(frozen=True)
class Requeue(Operation):
    """What `step` has written for a join that has not consumed it goes, and the step is done again. Nobody is asked again."""

    name: ClassVar[str] = "requeue"
    step: str
    restored: bool = False

    def __post_init__(self) -> None:
        require(bool(self.step), "give the name of the step", self.name)

    def inverse(self) -> Operation:
        return replace(self, restored=not self.restored)

    def lower(self) -> tuple[Instruction, ...]:
        return (Reinstate(self.step, True) if self.restored else Withdraw(self.step, True),)

    def describe(self) -> str:
        if self.restored:
            return f"what step {self.step} had written for a join comes back"
        return f"step {self.step} is done again where a join has not consumed what it has written"
