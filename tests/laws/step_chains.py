"""Random flows with forks, joins and people, random operations on their steps, and runs some way through them.

Everything follows from one seed. A flow is kept as what people draw: a row of stages, each one step or a fork with branches and a join;
an operation changes the drawing, and what the migrator is given is read off it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from statemig import json_text
from statemig.document import Document, new_document, pending, positions, steps_named
from statemig.migrator import Migrator
from statemig.operations import Operation, Operations
from statemig.revisions.loading import problems_of_script
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Anything, MapOf, Object, Property, Schema, String
from statemig.store.flow import declared_next, go_on, mark_done
from statemig.workflow.flow import StepInfo, reaches_end
from statemig.workflow.snapshot import Snapshot

#: few, so that operations meet each other's names; those with a point are steps of nested workflows
NAMES = (
    "a",
    "b",
    "c",
    "d",
    "ask",
    "inner.ask",
    "inner.draft",
    "outer.inner.check",
    "x-1",
    "send",
    "e",
    "f",
    "g",
)
TOOLS = ("search", "find", "look.up")


@dataclass
class Fork:
    """A step that starts several branches, and the one that waits for all of them."""

    step: str
    branches: list[list[str]]
    join: str


@dataclass
class Drawing:
    """A flow as it is drawn: stages in a row, who is asked where, and steps that no way leads to any more."""

    stages: list[str | Fork]
    people: set[str]
    orphans: list[str] = field(default_factory=list)

    def copy(self) -> Drawing:
        stages = [
            each if isinstance(each, str) else Fork(each.step, [list(b) for b in each.branches], each.join)
            for each in self.stages
        ]
        return Drawing(stages, set(self.people), list(self.orphans))

    @property
    def names(self) -> list[str]:
        found: list[str] = []
        for each in self.stages:
            if isinstance(each, str):
                found.append(each)
            else:
                found += [each.step, *(step for branch in each.branches for step in branch), each.join]
        return found + self.orphans

    @property
    def rows(self) -> list[list[Any]]:
        """The stages, and each branch: lists in which steps stand one after the other."""
        return [self.stages, *(b for each in self.stages if isinstance(each, Fork) for b in each.branches)]

    @property
    def start(self) -> str:
        return _first(self.stages[0])

    def flow(self) -> dict[str, StepInfo]:
        made: dict[str, StepInfo] = {}

        def info(step: str, **ways: Any) -> None:
            made[step] = StepInfo(kind="human" if step in self.people else "auto", **ways)

        for number, each in enumerate(self.stages):
            after = tuple(map(_first, self.stages[number + 1 : number + 2]))
            if isinstance(each, str):
                info(each, next=after)
                continue
            info(each.step, fork=tuple(branch[0] for branch in each.branches))
            for branch in each.branches:
                for step, following in zip(branch, [*branch[1:], each.join], strict=True):
                    info(step, next=(following,))
            info(each.join, joins=tuple(branch[-1] for branch in each.branches), next=after)
        for step in self.orphans:
            info(step)
        return made

    def snapshot(self) -> Snapshot:
        return Snapshot("flow", RUNS, RUNS, steps=self.flow(), start=self.start)


def _first(stage: str | Fork) -> str:
    return stage if isinstance(stage, str) else stage.step


RUNS = Schema(
    Object(
        {
            "state": Property(MapOf(Anything(), String())),
            "outputs": Property(MapOf(Anything(), String()), required=False),
        }
    )
)


def random_drawing(random: Random) -> Drawing:
    names = list(NAMES)
    random.shuffle(names)
    stages: list[str | Fork] = [names.pop() for _ in range(random.randint(1, 3))]
    if random.random() < 0.75:
        branches = [
            [names.pop() for _ in range(random.choice((1, 1, 2)))] for _ in range(random.choice((2, 3)))
        ]
        stages.insert(random.randint(0, len(stages)), Fork(names.pop(), branches, names.pop()))
    drawing = Drawing(stages, set())
    drawing.people = {step for step in drawing.names if random.random() < 0.35}
    return drawing


# -- operations --------------------------------------------------------------------------------------------------------


def together(values: dict[str, Any]) -> Any:
    return {"of": values}


class StepProposer:
    """Random operations that fit a drawing; each changes the drawing and records itself."""

    def __init__(self, random: Random, drawing: Drawing, number: int) -> None:
        self.random = random
        self.drawing = drawing
        self.number = number

    def record(self, op: Operations) -> bool:
        """One operation (or the few that belong together), or none where the one drawn does not fit."""
        return bool(getattr(self, self.random.choice(STEP_KINDS))(op))

    def new_name(self) -> str | None:
        free = [name for name in (*NAMES, "h", "inner.h", "k") if name not in self.drawing.names]
        return self.random.choice(free) if free else None

    def row_with(self, length: int) -> tuple[list[Any], int] | None:
        """A row, and the place in it where so many plain steps stand one after the other."""
        found = [
            (row, at)
            for row in self.drawing.rows
            for at in range(len(row) - length + 1)
            if all(isinstance(each, str) for each in row[at : at + length])
        ]
        return self.random.choice(found) if found else None

    def is_branch(self, row: list[Any]) -> bool:
        return row is not self.drawing.stages

    def renamed(self, old: str, new: str) -> None:
        drawing = self.drawing
        for row in drawing.rows:
            row[:] = [new if each == old else each for each in row]
        for each in drawing.stages:
            if isinstance(each, Fork):
                each.step = new if each.step == old else each.step
                each.join = new if each.join == old else each.join
        drawing.orphans = [new if each == old else each for each in drawing.orphans]
        if old in drawing.people:
            drawing.people = {*drawing.people, new} - {old}

    def rename_step(self, op: Operations) -> bool:
        new = self.new_name()
        if new is None:
            return False
        old = self.random.choice(self.drawing.names)
        op.rename_step(old, to=new)
        self.renamed(old, new)
        return True

    def swap_names(self, op: Operations) -> bool:
        """Two steps get each other's names."""
        between = self.new_name()
        if between is None or len(self.drawing.names) < 2:
            return False
        one, other = self.random.sample(self.drawing.names, 2)
        for old, new in ((one, between), (other, one), (between, other)):
            op.rename_step(old, to=new)
            self.renamed(old, new)
        return True

    def remove_step(self, op: Operations) -> bool:
        found = self.row_with(1)
        if found is None:
            return False
        row, at = found
        if len(row) < 2 or (self.is_branch(row) and at == len(row) - 1):
            return False  # the join waits for it
        policies = [op.hold(), op.pin(), op.fail()]
        if at + 1 < len(row):
            policies += [op.forward(_first(row[at + 1]))] * 4
        if at > 0 and isinstance(row[at - 1], str):
            policies += [op.back(row[at - 1])] * 2
        output = self.random.choice((None, {f"state.made{self.number}": {"a": 1}}))
        step = row.pop(at)
        op.remove_step(step, cursor=self.random.choice(policies), output=output)
        self.drawing.people.discard(step)
        return True

    def add_step(self, op: Operations) -> bool:
        found, new = self.row_with(1), self.new_name()
        if found is None or new is None:
            return False
        row, at = found
        if self.is_branch(row) and at == len(row) - 1:
            return False
        passed: Any = self.random.choice(("skip", op.backfill({"made": [1]})))
        op.add_step(
            new, after=row[at], passed=passed, down=self.random.choice((None, op.back(row[at]), op.pin()))
        )
        row.insert(at + 1, new)
        if self.random.random() < 0.3:
            self.drawing.people.add(new)
        return True

    def split_step(self, op: Operations) -> bool:
        found, new = self.row_with(1), self.new_name()
        if found is None or new is None:
            return False
        row, at = found
        old = row[at]
        into = self.random.choice(([old, new], [new, old]))
        cursor = self.random.choice((into[0], into[0], into[1], None))
        op.split_step(
            old, into=into, cursor=cursor, pending=self.random.choice((into[1], into[1], None)), by=together
        )
        row[at : at + 1] = into
        return True

    def merge_steps(self, op: Operations) -> bool:
        found = self.row_with(2)
        if found is None:
            return False
        row, at = found
        steps = row[at : at + 2]
        new = self.random.choice((self.new_name() or steps[0], *steps))
        op.merge_steps(
            steps,
            into=new,
            by=self.random.choice((together, together, None)),
            cursor=self.random.choice((None, *steps)),
            pending=steps[1],
        )
        row[at : at + 2] = [new]
        asks = not self.drawing.people.isdisjoint(steps)
        self.drawing.people -= set(steps)
        if asks:
            self.drawing.people.add(new)
        return True

    def merge_branches(self, op: Operations) -> bool:
        forks = [each for each in self.drawing.stages if isinstance(each, Fork) and len(each.branches) > 2]
        new = self.new_name()
        if not forks or new is None:
            return False
        fork = self.random.choice(forks)
        short = [branch for branch in fork.branches if len(branch) == 1]
        if len(short) < 2:
            return False
        one, other = self.random.sample(short, 2)
        op.merge_steps([one[0], other[0]], into=new, by=together)
        fork.branches = [branch for branch in fork.branches if branch is not other]
        if not self.drawing.people.isdisjoint((one[0], other[0])):
            self.drawing.people = {*self.drawing.people, new} - {one[0], other[0]}
        one[:] = [new]
        return True

    def reorder_steps(self, op: Operations) -> bool:
        found = self.row_with(self.random.choice((2, 3)))
        if found is None:
            return False
        row, at = found
        length = 3 if at + 3 <= len(row) and all(isinstance(each, str) for each in row[at : at + 3]) else 2
        if self.is_branch(row) and at + length == len(row):
            return False  # the join waits for the last one
        old = row[at : at + length]
        new = list(old)
        while new == old:
            self.random.shuffle(new)
        policy = self.random.choice((None, op.back(new[0]), op.forward(new[-1]), op.hold()))
        op.reorder_steps(new, was=self.random.choice((old, old, None)), cursor=policy)
        row[at : at + length] = new
        return True

    def _fork(self) -> Fork | None:
        forks = [each for each in self.drawing.stages if isinstance(each, Fork)]
        return self.random.choice(forks) if forks else None

    def add_branch(self, op: Operations) -> bool:
        fork, new = self._fork(), self.new_name()
        if fork is None or new is None:
            return False
        was = [branch[-1] for branch in fork.branches]
        fork.branches.insert(self.random.randint(0, len(fork.branches)), [new])
        branches = [branch[-1] for branch in fork.branches]
        op.change_join(
            fork.join,
            branches=branches,
            new_branch=self.random.choice(("start", "arrived")),
            was=self.random.choice((was, None)),
        )
        return True

    def leave_branch(self, op: Operations) -> bool:
        fork = self._fork()
        if fork is None or len(fork.branches) < 3:
            return False
        gone = fork.branches.pop(self.random.randrange(len(fork.branches)))
        if self.random.random() < 0.7:
            op.drop_pending(gone[-1], why="nobody reads it")
        op.change_join(
            fork.join,
            branches=[branch[-1] for branch in fork.branches],
            new_branch=self.random.choice((None, "arrived", "start")),
        )
        self.drawing.orphans += gone
        return True

    def map_waiting(self, op: Operations) -> bool:
        asking = [step for step in self.drawing.names if step in self.drawing.people]
        if not asking:
            return False
        field, to = self.random.sample(("q", "question", "secret", "more"), 2)
        payload = self.random.choice((None, lambda op: op.remove_field(field), lambda op: op.wrap(field)))
        answer = self.random.choice(
            (None, lambda op: op.wrap("ok"), lambda op: op.add_field("why", default={"text": to}))
        )
        order = self.random.choice((None, None, [None, 0], [0]))
        if payload is None and answer is None and order is None:
            return False
        op.map_waiting(self.random.choice(asking), payload=payload, answer=answer, order=order)
        return True

    def drop_pending(self, op: Operations) -> bool:
        fork = self._fork()
        if fork is None:
            return False
        branch = self.random.choice(fork.branches)
        if self.random.random() < 0.5:
            op.requeue(branch[-1])
        else:
            op.drop_pending(branch[-1], why="its contract changed")
            op.requeue(branch[-1])
        return True

    def rename_tool(self, op: Operations) -> bool:
        old, new = self.random.choice(TOOLS), self.random.choice(TOOLS)
        name = f"n{self.number}"
        arguments = self.random.choice(
            (None, lambda op: op.rename_field("q", to=name), lambda op: op.add_field(name, default=[1]))
        )
        if old == new and arguments is None:
            return False
        op.rename_tool(old, to=new, arguments=arguments)
        return True


STEP_KINDS = (
    *("rename_step", "swap_names", "remove_step", "add_step", "split_step", "merge_steps", "merge_branches"),
    *("reorder_steps", "add_branch", "leave_branch", "map_waiting", "drop_pending", "rename_tool"),
)


# -- chains ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class StepChain:
    """Revisions r0 (which freezes the first flow) to rN."""

    seed: int
    drawings: tuple[Drawing, ...]
    operations: tuple[tuple[Operation, ...], ...]
    random: Random = field(repr=False)

    def __repr__(self) -> str:
        lines = [f"r{n}: {each.source()}" for n, ops in enumerate(self.operations) for each in ops]
        return f"make_step_chain({self.seed}, {len(self.drawings) - 1}, ...)  # " + "; ".join(lines)

    @property
    def migrator(self) -> Migrator:
        return Migrator(
            revisions=[
                Revision(
                    f"r{number}",
                    f"r{number - 1}" if number else None,
                    upgrade=lambda op, operations=operations: [op.record(each) for each in operations],
                    snapshot=drawing.snapshot(),
                    workflow="flow",
                )
                for number, (drawing, operations) in enumerate(
                    zip(self.drawings, self.operations, strict=True)
                )
            ]
        )

    @property
    def head(self) -> str:
        return f"r{len(self.drawings) - 1}"

    def flow(self, number: int) -> dict[str, StepInfo]:
        return self.drawings[number].flow()

    def run(self, number: int = 0) -> Document:
        """A run that was born at revision `number`, some way through the steps."""
        return random_run(self.drawings[number], self.random)


def make_step_chain(seed: int, revisions: int, per_revision: int) -> StepChain:
    random = Random(seed)
    drawing = random_drawing(random)
    drawings, operations = [drawing], [()]
    for number in range(1, revisions + 1):
        before = drawing
        while True:
            op = Operations()
            drawing = before.copy()
            for _ in range(per_revision):
                while not StepProposer(random, drawing, number).record(op):
                    pass
            if not refused_when_loaded(before, drawing, op):
                break
        drawings.append(drawing)
        operations.append(op.recorded)
    return StepChain(seed, tuple(drawings), tuple(operations), random)


#: reasons for which a script whose operations fit one by one is refused as a whole
REFUSED = ("there is no step", "back to where it began")


def refused_when_loaded(before: Drawing, after: Drawing, op: Operations) -> bool:
    """Whether a script is refused before any run is touched: it renames in a circle, or renames a branch that only it names."""
    script = Revision(
        "b",
        "a",
        upgrade=lambda again: [again.record(each) for each in op.recorded],
        snapshot=after.snapshot(),
    )
    problems = problems_of_script(script, lambda name: before.snapshot() if name == "a" else script.snapshot)
    for problem in problems:
        assert any(reason in problem.text for reason in REFUSED), problem.text
    return bool(problems)


def step_chains(
    revisions: tuple[int, int] = (1, 3), per_revision: tuple[int, int] = (1, 2)
) -> st.SearchStrategy[StepChain]:
    return st.builds(
        make_step_chain, st.integers(0, 2**32), st.integers(*revisions), st.integers(*per_revision)
    )


# -- runs --------------------------------------------------------------------------------------------------------------


def random_run(drawing: Drawing, random: Random) -> Document:
    """A run that went as a runtime lets it go; several cursors, arrivals that hold a part of the state, and questions."""
    steps = drawing.flow()
    state = {
        "messages": [{"type": "ai", "tool_calls": [call(random, n) for n in range(random.randint(0, 2))]}]
    }
    document = new_document(state, [{"id": "p", "step": drawing.start, "status": "ready"}])
    for _ in range(random.randint(0, len(steps) + 1)):
        if positions(document):
            move(document, steps, random)
    for number, entry in enumerate((*positions(document), *pending(document))):
        entry["id"] = f"i{number}"
    for position in positions(document):
        dress(position, steps, random)
    if not document["outputs"] and random.random() < 0.5:
        del document["outputs"]
    return document


def call(random: Random, number: int) -> Any:
    return {"id": f"t{number}", "name": random.choice(TOOLS), "args": {"q": "x", "more": [number]}}


def move(document: Document, steps: dict[str, StepInfo], random: Random) -> None:
    """One step of one branch, as a runtime does it."""
    position = random.choice(positions(document))
    step = position["step"]
    if random.random() < 0.8:
        document.setdefault("outputs", {})[step] = random.choice(
            ({"by": step}, {"n": random.randint(0, 2)}, "text")
        )
    mark_done(document, step)
    before = {id(item) for item in pending(document)}
    go_on(document, position, declared_next(step, steps), steps)
    for item in pending(document):
        if id(item) not in before and random.random() < 0.4:
            item["writes"] = {random.choice(("found", "seen")): random.choice((0, 1, 2**70))}


def dress(position: Any, steps: dict[str, StepInfo], random: Random) -> None:
    if steps[position["step"]].kind == "human" and random.random() < 0.6:
        payload = {"q": "?", "secret": 1, "call": {"name": random.choice(TOOLS), "args": {"q": "y"}}}
        position |= {"status": "waiting", "on": "human", "key": f"k-{position['id']}", "payload": payload}
        if random.random() < 0.3:
            position |= {"status": "ready", "answer": {"ok": True}}
    elif random.random() < 0.3:
        position |= {"status": "running", "attempt": random.randint(1, 2)}


def is_safe(document: Document, steps: dict[str, StepInfo]) -> None:
    """Law 17, written a second time and from scratch."""
    for step, _ in steps_named(document):
        assert step in steps
    for position in positions(document):
        assert reaches_end(steps, position["step"])
    ids = [entry["id"] for entry in positions(document)]
    assert len(set(ids)) == len(ids)
    for join in {item["to"] for item in pending(document)}:
        arrived = {item["step"] for item in pending(document) if item["to"] == join}
        assert arrived <= set(steps[join].joins)
        assert arrived != set(steps[join].joins)


def runs_to_its_end(document: Document, steps: dict[str, StepInfo], random: Random) -> None:
    document = json_text.loads(json_text.dumps(document))
    for _ in range(80):
        if document["status"] == "finished":
            return
        move(document, steps, random)
    raise AssertionError("the run never ends")


def asked(document: Document) -> list[Any]:
    return sorted(each["key"] for each in positions(document) if "key" in each)
