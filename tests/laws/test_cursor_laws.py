"""Laws 3, 4, 8, 13 and 17 for the operations on steps, on runs that fork, join, wait and have work pending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemig import json_text
from statemig.document import Document, new_document, pending, positions, steps_named
from statemig.errors import CursorError, MigrationError
from statemig.migrator import Migrator
from statemig.operations import Operations, from_dict
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Anything, MapOf, Object, Property, Schema, String
from statemig.store.flow import declared_next, go_on, mark_done
from statemig.workflow.flow import StepInfo, reaches_end
from statemig.workflow.snapshot import Snapshot

OLD: dict[str, StepInfo] = {
    "plan": StepInfo(fork=("first", "b", "c")),
    "first": StepInfo(next=("a",)),
    "a": StepInfo(next=("join",)),
    "b": StepInfo(kind="human", next=("join",)),
    "c": StepInfo(next=("join",)),
    "join": StepInfo(joins=("a", "b", "c"), next=("draft",)),
    "draft": StepInfo(next=("check",)),
    "check": StepInfo(kind="human", next=("ask",)),
    "ask": StepInfo(kind="human", next=("send",)),
    "send": StepInfo(),
}


def flow(**changes: StepInfo | None) -> dict[str, StepInfo]:
    """The old flow with some steps changed, added or (None) gone."""
    made = {**OLD, **changes}
    return {name: info for name, info in made.items() if info is not None}


def whoever_is_first(document: Document, position: Any) -> str:
    return "draft" if position.get("attempt", 0) % 2 else "polish"


def together(values: dict[str, Any]) -> Any:
    return {"of": values}


def split_in_order(op: Operations) -> None:
    op.split_step("draft", into=["draft", "polish"], cursor=whoever_is_first)


def split_a_branch(op: Operations) -> None:
    op.split_step("b", into=["b1", "b2"], cursor="b1", pending="b2")


def merge_in_order(op: Operations) -> None:
    op.merge_steps(["draft", "check"], into="compose", by=together, cursor="check", output="draft")


def merge_branches(op: Operations) -> None:
    op.merge_steps(["b", "c"], into="bc", by=together)


def reorder(op: Operations) -> None:
    op.reorder_steps(["ask", "draft", "check"])


def reorder_with_policy(op: Operations) -> None:
    op.reorder_steps(["check", "draft", "ask"], cursor=op.back("draft"))


def leave_a_branch(op: Operations) -> None:
    op.drop_pending("c", why="nobody reads it")
    op.change_join("join", branches=["a", "b"])


def leave_an_arrival(op: Operations) -> None:
    op.change_join("join", branches=["a", "b"], new_branch="arrived")


def start_a_branch(op: Operations) -> None:
    op.change_join("join", branches=["a", "b", "c", "d"], new_branch="start")


def do_without_a_branch(op: Operations) -> None:
    op.change_join("join", branches=["a", "d", "b", "c"], new_branch="arrived")


def exchange_branches(op: Operations) -> None:
    op.rename_step("c", to="see")
    op.drop_pending("b", why="its contract changed")
    op.change_join("join", branches=["a", "see", "d"], new_branch="start")
    op.remove_step("b", cursor=op.pin())


def ask_otherwise(op: Operations) -> None:
    op.map_waiting(
        "ask",
        payload=lambda op: (op.rename_field("q", to="question"), op.remove_field("secret")),
        answer=lambda op: op.wrap("ok"),
        order=[None, 0],
    )


def do_again(op: Operations) -> None:
    op.requeue("c")


def call_otherwise(op: Operations) -> None:
    op.rename_tool(
        "search",
        to="find",
        arguments=lambda op: (op.rename_field("q", to="query"), op.add_field("n", default=1)),
    )


JOIN = OLD["join"]
PLAN = OLD["plan"]


@dataclass(frozen=True)
class Case:
    script: Callable[[Operations], None]
    new: Mapping[str, StepInfo]

    def __repr__(self) -> str:
        return self.script.__name__


CASES = (
    Case(split_in_order, flow(draft=StepInfo(next=("polish",)), polish=StepInfo(next=("check",)))),
    Case(
        split_a_branch,
        flow(
            plan=replace(PLAN, fork=("first", "b1", "c")),
            b=None,
            b1=StepInfo(kind="human", next=("b2",)),
            b2=StepInfo(next=("join",)),
            join=replace(JOIN, joins=("a", "b2", "c")),
        ),
    ),
    Case(
        merge_in_order,
        flow(
            join=replace(JOIN, next=("compose",)),
            draft=None,
            check=None,
            compose=StepInfo(kind="human", next=("ask",)),
        ),
    ),
    Case(
        merge_branches,
        flow(
            plan=replace(PLAN, fork=("first", "bc")),
            b=None,
            c=None,
            bc=StepInfo(kind="human", next=("join",)),
            join=replace(JOIN, joins=("a", "bc")),
        ),
    ),
    Case(
        reorder,
        flow(
            join=replace(JOIN, next=("ask",)),
            ask=StepInfo(kind="human", next=("draft",)),
            draft=StepInfo(next=("check",)),
            check=StepInfo(kind="human", next=("send",)),
        ),
    ),
    Case(
        reorder_with_policy,
        flow(
            join=replace(JOIN, next=("check",)),
            check=StepInfo(kind="human", next=("draft",)),
            draft=StepInfo(next=("ask",)),
        ),
    ),
    Case(leave_a_branch, flow(c=StepInfo(), join=replace(JOIN, joins=("a", "b")))),
    Case(leave_an_arrival, flow(c=StepInfo(), join=replace(JOIN, joins=("a", "b")))),
    Case(
        start_a_branch,
        flow(
            plan=replace(PLAN, fork=("first", "b", "c", "d")),
            d=StepInfo(next=("join",)),
            join=replace(JOIN, joins=("a", "b", "c", "d")),
        ),
    ),
    Case(
        do_without_a_branch,
        flow(
            plan=replace(PLAN, fork=("first", "d", "b", "c")),
            d=StepInfo(next=("join",)),
            join=replace(JOIN, joins=("a", "d", "b", "c")),
        ),
    ),
    Case(
        exchange_branches,
        flow(
            plan=replace(PLAN, fork=("first", "see", "d")),
            b=None,
            c=None,
            see=StepInfo(next=("join",)),
            d=StepInfo(next=("join",)),
            join=replace(JOIN, joins=("a", "see", "d")),
        ),
    ),
    Case(ask_otherwise, OLD),
    Case(do_again, OLD),
    Case(call_otherwise, OLD),
)

RUNS = Schema(
    Object(
        {
            "state": Property(MapOf(Anything(), String())),
            "outputs": Property(MapOf(Anything(), String()), required=False),
        }
    )
)


def migrator(case: Case) -> Migrator:
    def snapshot(steps: Mapping[str, StepInfo]) -> Snapshot:
        return Snapshot("flow", RUNS, RUNS, steps=dict(steps), start="plan")

    return Migrator(
        revisions=[
            Revision("old", snapshot=snapshot(OLD)),
            Revision("new", "old", upgrade=case.script, snapshot=snapshot(case.new)),
        ]
    )


# -- runs --------------------------------------------------------------------------------------------------------------


def move(document: Document, steps: Mapping[str, StepInfo], random: Random) -> None:
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
        if id(item) not in before and random.random() < 0.25:
            item["writes"] = {"found": random.randint(0, 1)}


def make_run(steps: Mapping[str, StepInfo], random: Random) -> Document:
    state = {
        "messages": [
            {"type": "ai", "tool_calls": [call(random, number) for number in range(random.randint(0, 2))]},
            {"type": "tool", "tool_call_id": "t0"},
            {
                "type": "ai",
                "tool_calls": [
                    {"id": "o", "function": {"name": random.choice(TOOLS), "arguments": '{"q":  "x"}'}}
                ],
            },
        ]
    }
    document = new_document(state, [{"id": "p", "step": "plan", "status": "ready"}])
    if random.random() < 0.2:
        del document["done"]
    for _ in range(random.choice((0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9))):
        if positions(document):
            move(document, steps, random)
    for number, entry in enumerate((*positions(document), *pending(document))):
        entry["id"] = f"i{number}"
    for position in positions(document):
        dress(position, steps, random)
    if document["status"] != "finished" and random.random() < 0.2:
        random.shuffle(document["cursor"])
    if not document["outputs"] and random.random() < 0.5:
        del document["outputs"]
    return document


TOOLS = ("search", "find", "other")


def call(random: Random, number: int) -> Any:
    return {"id": f"t{number}", "name": random.choice(TOOLS), "args": {"q": "x", "more": [number]}}


def dress(position: Any, steps: Mapping[str, StepInfo], random: Random) -> None:
    if steps[position["step"]].kind == "human" and random.random() < 0.6:
        payload = {"q": "?", "secret": 1, "call": {"name": random.choice(TOOLS), "args": {"q": "y"}}}
        position |= {"status": "waiting", "on": "human", "key": f"k-{position['id']}", "payload": payload}
        if random.random() < 0.3:
            position |= {"status": "ready", "answer": {"ok": True}}
    elif random.random() < 0.3:
        position |= {"status": "running", "attempt": random.randint(1, 2)}


def runs_to_its_end(document: Document, steps: Mapping[str, StepInfo], random: Random) -> None:
    document = json_text.loads(json_text.dumps(document))
    for _ in range(60):
        if document["status"] == "finished":
            return
        move(document, steps, random)
    raise AssertionError("the run never ends")


def is_safe(document: Document, steps: Mapping[str, StepInfo]) -> None:
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


def asked(document: Document) -> list[Any]:
    return sorted(each["key"] for each in positions(document) if "key" in each)


SEEDS = st.integers(0, 2**32)
EACH = pytest.mark.parametrize("case", CASES, ids=repr)
#: of each case; all of them together are many
SOME = settings(max_examples=settings.default.max_examples // 10)


@pytest.mark.law(13, 17)
@EACH
@SOME
@given(SEEDS)
def test_an_upgraded_run_is_where_it_can_go_on(case: Case, seed: int) -> None:
    random = Random(seed)
    document = make_run(OLD, random)
    before = json_text.dumps(document)
    result = migrator(case).upgrade(document, "old", record=random.choice((None, "complement")))
    assert json_text.dumps(document) == before
    if result.error is not None:
        assert isinstance(result.error, MigrationError)
        assert result.error.step is not None
        return
    is_safe(result.document, case.new)
    if case.script is not reorder_with_policy:  # who is sent back is asked when the run comes there again
        assert asked(result.document) == asked(document)
    runs_to_its_end(result.document, case.new, random)


@pytest.mark.law(3, 4)
@EACH
@SOME
@given(SEEDS)
def test_down_gives_back_the_run(case: Case, seed: int) -> None:
    document = make_run(OLD, Random(seed))
    both = migrator(case)
    up = both.upgrade(document, "old", record="complement")
    if up.error is None:
        stored = json_text.loads(json_text.dumps(up.complement))
        down = both.downgrade(up.document, to="old", complement=stored)
        assert json_text.dumps(down.unwrap()) == json_text.dumps(document)
        again = both.upgrade(down.document, "old", complement=down.complement, record="complement").unwrap()
        assert json_text.dumps(again) == json_text.dumps(up.document)


@pytest.mark.law(4, 13, 17)
@EACH
@SOME
@given(SEEDS)
def test_a_run_born_new_survives_going_down_and_up(case: Case, seed: int) -> None:
    random = Random(seed)
    document = make_run(case.new, random)
    before = json_text.dumps(document)
    both = migrator(case)
    down = both.downgrade(document, to="old")
    assert json_text.dumps(document) == before
    if down.error is not None:
        assert isinstance(down.error, MigrationError)
        return
    is_safe(down.document, OLD)
    assert asked(down.document) == asked(document)
    up = both.upgrade(down.document, "old", complement=down.complement, record="complement")
    assert json_text.dumps(up.unwrap()) == before
    runs_to_its_end(down.document, OLD, random)


@pytest.mark.law(17)
@EACH
@SOME
@given(SEEDS)
def test_a_run_that_went_on_comes_down_to_where_it_can_go_on(case: Case, seed: int) -> None:
    random = Random(seed)
    both = migrator(case)
    up = both.upgrade(make_run(OLD, random), "old", record="complement")
    if up.error is not None:
        return
    document = json_text.loads(json_text.dumps(up.document))
    for _ in range(random.randint(1, 4)):
        if positions(document):
            move(document, case.new, random)
    down = both.downgrade(document, to="old", complement=up.complement)
    if down.error is None:
        is_safe(down.document, OLD)
        runs_to_its_end(down.document, OLD, random)
    else:
        assert isinstance(down.error, MigrationError)


@pytest.mark.law(9)
@EACH
@SOME
@given(SEEDS)
def test_what_is_recorded_changes_nothing(case: Case, seed: int) -> None:
    document = make_run(OLD, Random(seed))
    both = migrator(case)
    fused = both.upgrade(document, "old")
    one_by_one = both.upgrade(document, "old", record="complement")
    assert json_text.dumps(fused.document) == json_text.dumps(one_by_one.document)
    assert str(fused.error) == str(one_by_one.error)


def ask_and_call_otherwise(op: Operations) -> None:
    ask_otherwise(op)
    call_otherwise(op)
    op.rename_step("d", to="dig")


def leave_c(op: Operations) -> None:
    op.change_join("join", branches=["a", "b", "d"])


def ask_before_the_check(op: Operations) -> None:
    op.reorder_steps(["ask", "check"], cursor=op.back("ask"))


#: each revision and what it changes in the flow
CHAIN: tuple[tuple[Callable[[Operations], None], dict[str, StepInfo | None]], ...] = (
    (
        start_a_branch,
        {
            "plan": replace(PLAN, fork=("first", "b", "c", "d")),
            "d": StepInfo(next=("join",)),
            "join": replace(JOIN, joins=("a", "b", "c", "d")),
        },
    ),
    (split_in_order, {"draft": StepInfo(next=("polish",)), "polish": StepInfo(next=("check",))}),
    (do_again, {}),
    (leave_c, {"c": StepInfo(), "join": replace(JOIN, joins=("a", "b", "d"))}),
    (
        ask_and_call_otherwise,
        {
            "plan": replace(PLAN, fork=("first", "b", "c", "dig")),
            "d": None,
            "dig": StepInfo(next=("join",)),
            "join": replace(JOIN, joins=("a", "b", "dig")),
        },
    ),
    (
        ask_before_the_check,
        {
            "polish": StepInfo(next=("ask",)),
            "ask": StepInfo(kind="human", next=("check",)),
            "check": StepInfo(kind="human", next=("send",)),
        },
    ),
)


def chain() -> Migrator:
    steps: dict[str, StepInfo | None] = dict(OLD)
    revisions = [Revision("r0", snapshot=Snapshot("flow", RUNS, RUNS, steps=dict(OLD), start="plan"))]
    for number, (script, changes) in enumerate(CHAIN, 1):
        steps |= changes
        known = {name: info for name, info in steps.items() if info is not None}
        snapshot = Snapshot("flow", RUNS, RUNS, steps=known, start="plan")
        revisions.append(Revision(f"r{number}", f"r{number - 1}", upgrade=script, snapshot=snapshot))
    return Migrator(revisions=revisions)


@pytest.mark.law(3, 10)
@given(SEEDS)
def test_a_chain_gives_back_the_run_and_stops_wherever_one_likes(seed: int) -> None:
    migrator = chain()
    document = make_run(OLD, Random(seed))
    result = migrator.upgrade(document, "r0", record="complement")
    if result.error is not None:
        assert isinstance(result.error, MigrationError)
        return
    step, complement = document, {}
    for number in range(1, len(CHAIN) + 1):
        one = migrator.upgrade(
            step, f"r{number - 1}", to=f"r{number}", record="complement", complement=complement
        )
        step, complement = one.unwrap(), one.complement
        back = migrator.downgrade(step, revision=f"r{number}", to="r0", complement=complement)
        assert json_text.dumps(back.unwrap()) == json_text.dumps(document)
    assert json_text.dumps(step) == json_text.dumps(result.document)
    assert json_text.equal(complement, result.complement)


@EACH
def test_most_runs_get_through_and_errors_say_what_to_do(case: Case) -> None:
    both = migrator(case)
    results = [both.upgrade(make_run(OLD, Random(seed)), "old") for seed in range(200)]
    errors = [result.error for result in results if result.error is not None]
    assert len(errors) < 130
    for error in errors:
        assert error.hint
        assert not isinstance(error, CursorError) or error.path


@EACH
def test_the_inverse_of_the_inverse_is_the_operation_also_as_a_dict(case: Case) -> None:
    op = Operations()
    case.script(op)
    for operation in op.recorded:
        assert operation.inverse().inverse() == operation
        assert operation.inverse().inverse().lower() == operation.lower()
        if "function" not in str(operation.to_dict()):
            for each in (operation, operation.inverse()):
                assert from_dict(json_text.loads(json_text.dumps(each.to_dict()))) == each
        again = Operations()
        eval(operation.source(), {"op": again, "together": together, "whoever_is_first": whoever_is_first})
        assert again.recorded == (operation,)
