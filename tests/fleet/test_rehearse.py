"""The migration of every live run, tried in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pydantic import BaseModel
from two_versions import LINE, SECRET, Approval, at, document, fleet, waiting, workflow

from statemig import Migrator, Revision, RunStore, Step, capture
from statemig.errors import OperationError
from statemig.fleet.findings import FINDINGS, finding_of
from statemig.fleet.rehearse import rehearse
from statemig.fleet.resume import recorded
from statemig.store import RunFilter


def found(store, **options):
    """The findings of a rehearsal, each with its runs."""
    return {each.trouble.finding: each.run_ids for each in rehearse(store, workers=1, **options).groups}


def rows_of(store):
    return [row for rows in store.iterate(RunFilter(ended=True)) for row in rows]


def rename(op):
    op.rename_step("draft", to="write")


RENAMED = (Step("write", next="approve"), *LINE[1:])


def test_runs_that_get_there_are_counted_and_nothing_is_written(url):
    store = fleet(
        url, workflow(), workflow(*RENAMED), rename, document(at("draft")), document(waiting("approve"))
    )
    before = rows_of(store)

    done = rehearse(store)

    assert (done.to, done.runs, done.fine, done.failed, done.groups, done.ok) == ("v2", 2, 2, 0, (), True)
    assert rows_of(store) == before
    assert store.failures() == []


def test_a_run_that_is_there_already_is_current(url):
    store = fleet(url, workflow(), workflow(), lambda op: None)
    store.start({"topic": "t"})
    assert (rehearse(store).current, rehearse(store).fine) == (1, 0)


def test_failures_are_grouped_by_reason_with_the_ids_of_the_runs(url):
    """Nobody said that draft is called write now."""
    documents = [document(at("draft")) for _ in range(3)] + [document(at("send"))]
    store = fleet(url, workflow(), workflow(*RENAMED), lambda op: None, *documents)

    done = rehearse(store, progress=lambda runs, total: None)

    assert (done.fine, done.failed, done.ok) == (1, 3, False)
    [group] = done.groups
    assert (group.trouble.finding, group.trouble.step, group.count) == ("cursor.target-missing", "draft", 3)
    assert group.run_ids == ["r0", "r1", "r2"]
    assert 'op.rename_step("draft", to=...)' in group.trouble.hint


def test_the_example_shows_the_form_and_no_contents(url):
    class Later(BaseModel):
        topic: str
        calls: list[int] = []

    store = fleet(
        url,
        workflow(),
        workflow(state=Later),
        lambda op: None,
        document(at("draft"), state={"topic": SECRET, "calls": [SECRET]}),
    )
    [group] = rehearse(store).groups
    assert group.example.before["state"] == {"topic": "xxx-xxxxxxx-xxxx-xx", "calls": ["xxx-xxxxxxx-xxxx-xx"]}
    assert group.example.before["cursor"][0]["step"] == "draft"
    assert SECRET not in json.dumps(rehearse(store).to_dict())


def test_what_was_wrong_before_is_told_apart_from_what_the_migration_makes_wrong(url):
    class Later(BaseModel):
        topic: int
        calls: list = []

    broken = document(at("draft"), state={"topic": 7})
    store = fleet(url, workflow(), workflow(state=Later), lambda op: None, broken, document(at("draft")))
    assert found(store) == {"data.invalid-before": ["r0"], "data.invalid-after": ["r1"]}


def test_a_stamp_is_not_believed_even_where_the_way_is_proven(url):
    runs = [document(at("draft")) for _ in range(60)]
    broken = document(at("draft"), state={"topic": 7})
    store = fleet(url, workflow(), workflow(*RENAMED), rename, *runs, broken)
    assert all(row.checked for row in rows_of(store))
    assert found(store) == {"data.invalid-before": ["r60"]}


def test_large_documents_are_read_few_at_a_time_and_each_once(url):
    runs = [document(at("draft"), state={"topic": "x" * 60_000}) for _ in range(50)]
    store = fleet(url, workflow(), workflow(*RENAMED), rename, *runs)
    seen = []
    done = rehearse(store, workers=1, progress=lambda runs, total: seen.append(runs))
    assert (done.runs, done.fine, seen) == (50, 50, [16, 32, 48, 50])


def test_a_run_on_a_step_that_goes(url):
    def script(op):
        op.remove_step("send", cursor=op.fail())

    new = workflow(Step("draft", next="approve"), Step("approve", kind="human", output=Approval))
    store = fleet(url, workflow(), new, script, document(at("send")), document(at("draft")))
    assert found(store) == {"cursor.removed-unmapped": ["r0"]}


def test_held_and_pinned_runs_stay_and_are_no_failures(url):
    def script(op):
        op.remove_step("send", cursor=op.hold())

    new = workflow(Step("draft", next="approve"), Step("approve", kind="human", output=Approval))
    store = fleet(url, workflow(), new, script, document(at("send")), document(at("draft")))
    store.pin("r1", "v1")
    done = rehearse(store)
    assert {group.trouble.finding: group.run_ids for group in done.groups} == {
        "policy.held": ["r0"],
        "policy.pinned": ["r1"],
    }
    assert (done.stays, done.failed, done.ok) == (2, 0, True)


def test_an_input_that_is_not_there(url):
    new = workflow(Step("draft", next="approve"), LINE[1], Step("send", reads="outputs.draft"))
    old = workflow(Step("draft", output=Approval, next="approve"), *LINE[1:])
    new = workflow(
        Step("draft", output=Approval, next="approve"), LINE[1], Step("send", reads="outputs.draft.ok")
    )
    there = document(at("send"), outputs={"draft": {"ok": True}})
    store = fleet(url, old, new, lambda op: None, document(at("send")), there)
    assert found(store) == {"data.missing-input": ["r0"]}


def test_from_where_no_end_can_be_reached(url):
    new = workflow(
        Step("draft", next="approve"), LINE[1], Step("send", next="again"), Step("again", next="send")
    )
    store = fleet(url, workflow(), new, lambda op: op.add_step("again", after="send"), document(at("send")))
    assert found(store) == {"cursor.no-end": ["r0"]}


def fork(*branches, join="sum"):
    return [
        Step("split", fork=list(branches)),
        *(Step(branch, next=join) for branch in branches),
        Step(join, joins=list(branches)),
    ]


def test_a_join_that_waits_for_a_branch_that_never_comes(url):
    half = document(at("b"), pending=[{"id": "x", "step": "a", "writes": {}, "to": "sum"}])

    def script(op):
        op.add_step("c", after="split")
        op.change_join("sum", ["a", "b", "c"])

    store = fleet(url, workflow(*fork("a", "b")), workflow(*fork("a", "b", "c")), script, half)
    assert found(store) == {"join.unreachable": ["r0"]}


def test_a_branch_that_the_join_does_not_wait_for_any_more(url):
    written = {"id": "x", "step": "c", "writes": {"topic": SECRET}, "to": "sum"}
    half = document(at("a"), at("b"), pending=[written])

    def script(op):
        op.change_join("sum", ["a", "b"])
        op.remove_step("c", cursor=op.fail())

    store = fleet(url, workflow(*fork("a", "b", "c")), workflow(*fork("a", "b")), script, half)
    assert found(store) == {"join.extra-branch": ["r0"]}


def test_what_a_branch_has_written_of_a_step_that_goes(url):
    written = {"id": "x", "step": "c", "writes": {"topic": SECRET}, "to": "sum"}
    half = document(at("a"), at("b"), pending=[written])

    def script(op):
        op.remove_step("c", cursor=op.fail())

    store = fleet(url, workflow(*fork("a", "b", "c")), workflow(*fork("a", "b")), script, half)
    assert found(store) == {"pending.untransformable": ["r0"]}


def test_a_step_that_becomes_several(url):
    new = workflow(Step("draft", next="proofread"), Step("proofread", next="approve"), *LINE[1:])
    store = fleet(
        url,
        workflow(),
        new,
        lambda op: op.split_step("draft", into=["draft", "proofread"]),
        document(at("draft")),
    )
    assert found(store) == {"cursor.ambiguous-split": ["r0"]}


class TestQuestions:
    def test_an_answer_that_does_not_fit_any_more(self, url):
        class Graded(BaseModel):
            ok: bool
            grade: int

        new = workflow(LINE[0], Step("approve", kind="human", output=Graded, next="send"), LINE[2])
        answered = document(at("approve", answer={"ok": True}))
        store = fleet(url, workflow(), new, lambda op: None, answered, document(at("draft")))
        [group] = rehearse(store).groups
        assert (group.trouble.finding, group.run_ids) == ("approval.answer-incompatible", ["r0"])
        assert "the answer that was given does not fit the step" in group.trouble.reason

    def test_a_question_whose_answer_would_be_refused_when_it_comes(self, url):
        class Graded(BaseModel):
            ok: bool
            grade: int

        new = workflow(LINE[0], Step("approve", kind="human", output=Graded, next="send"), LINE[2])
        store = fleet(url, workflow(), new, lambda op: None, document(waiting("approve")))
        [group] = rehearse(store).groups
        assert group.trouble.finding == "approval.answer-incompatible"
        assert "an answer in the form that was asked for may be refused" in group.trouble.reason

    def test_questions_in_another_order_that_no_line_of_the_script_maps(self, url):
        old = workflow(
            Step("draft", next="approve"), Step("approve", interrupts=["who", "when"], next="send"), LINE[2]
        )
        new = workflow(
            Step("draft", next="approve"), Step("approve", interrupts=["when", "who"], next="send"), LINE[2]
        )
        asked = document(waiting("approve", index=0))
        assert found(fleet(url, old, new, lambda op: None, asked)) == {"approval.order-changed": ["r0"]}

    def test_questions_in_another_order_that_are_mapped(self, url):
        old = workflow(
            Step("draft", next="approve"), Step("approve", interrupts=["who", "when"], next="send"), LINE[2]
        )
        new = workflow(
            Step("draft", next="approve"), Step("approve", interrupts=["when", "who"], next="send"), LINE[2]
        )
        asked = document(waiting("approve", index=0))
        store = fleet(url, old, new, lambda op: op.map_waiting("approve", order=[1, 0]), asked)
        assert found(store) == {}

    def test_a_timer_at_a_step_that_waits_for_none_any_more(self, url):
        old = workflow(LINE[0], Step("approve", kind="timer", next="send"), LINE[2])
        new = workflow(LINE[0], Step("approve", next="send"), LINE[2])
        store = fleet(url, old, new, lambda op: None, document(waiting("approve", on="timer")))
        assert found(store) == {"timer.policy-required": ["r0"]}


CALL = {"role": "ai", "tool_calls": [{"id": "c1", "name": "search", "args": {"q": SECRET}}]}


class TestTools:
    OLD = workflow(Step("draft", tools=["search", "mail"], next="approve"), *LINE[1:])
    NEW = workflow(Step("draft", tools=["mail"], next="approve"), *LINE[1:])

    def run(self, *messages):
        return document(at("draft"), state={"topic": SECRET, "calls": list(messages)})

    def test_a_call_without_a_result_of_a_tool_that_is_gone(self, url):
        store = fleet(url, self.OLD, self.NEW, lambda op: None, self.run(CALL))
        [group] = rehearse(store).groups
        assert (group.trouble.finding, group.trouble.path) == (
            "tool.call-orphaned",
            "state.calls[].tool_calls[]",
        )

    def test_a_call_that_has_its_result_is_history(self, url):
        result = {"role": "tool", "tool_call_id": "c1", "content": "x"}
        assert found(fleet(url, self.OLD, self.NEW, lambda op: None, self.run(CALL, result))) == {}


def another(topic):
    return "another"


def test_a_way_back_that_gives_something_else(url):
    def up(op):
        op.rename_field("state.topic", to="subject")

    def down(op):
        op.rename_field("state.subject", to="topic")
        op.transform(another, path="state.topic")

    class Later(BaseModel):
        subject: str
        calls: list = []

    store = fleet(url, workflow(), workflow(state=Later), up, document(at("draft")), down=down)
    [group] = rehearse(store).groups
    assert (group.trouble.finding, group.trouble.path) == ("back.differs", "state.topic")


def test_a_way_back_that_the_script_rules_out_is_said_and_is_no_failure(url):
    store = fleet(
        url, workflow(), workflow(), lambda op: op.irreversible("it was sent"), document(at("draft"))
    )
    done = rehearse(store)
    assert (done.fine, done.failed) == (1, 0)
    assert [(each.trouble.finding, each.weight) for each in done.groups] == [("back.irreversible", "note")]


def test_runs_of_which_nobody_knows_the_revision(url):
    store = fleet(url, workflow(), workflow(), lambda op: None, document(at("draft")))
    store.adopt([(store.blank("stray", "v9"), document(at("draft")))])
    assert found(store) == {"revision.unknown": ["stray"]}


def test_runs_above_the_target_are_none_of_its_business(url):
    store = fleet(url, workflow(), workflow(), lambda op: None, document(at("draft")))
    store.start({"topic": "t"})
    done = rehearse(store, "v1")
    assert (done.current, done.newer, done.ok) == (1, 1, True)


def test_a_script_that_can_not_be_right_concerns_every_run(url):
    store = fleet(
        url, workflow(), workflow(), lambda op: op.remove_field("state.nothing"), document(at("draft"))
    )
    with pytest.raises(OperationError, match="nothing"):
        rehearse(store)


class TestSample:
    def test_every_revision_and_standing_before_two_of_one(self, url):
        documents = [document(at("draft")) for _ in range(50)]
        store = fleet(
            url,
            workflow(),
            workflow(),
            lambda op: None,
            *documents,
            document(waiting("approve")),
            document(at("send")),
        )
        tried = []
        store.bring, bring = lambda row, *a, **o: tried.append(row) or bring(row, *a, **o), store.bring
        done = rehearse(store, sample=3)
        assert (done.runs, done.total, done.sampled) == (3, 52, True)
        assert len({row.standing for row in tried}) == 3

    def test_the_same_seed_draws_the_same(self, url):
        documents = [document(at("draft"), state={"topic": str(n), "calls": []}) for n in range(40)]
        store = fleet(url, workflow(), workflow(*RENAMED), lambda op: None, *documents)
        drawn = [rehearse(store, sample=5, seed=seed).groups[0].run_ids for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]

    def test_more_than_there_are_is_all(self, url):
        store = fleet(url, workflow(), workflow(), lambda op: None, document(at("draft")))
        assert rehearse(store, sample=10).runs == 1


class TestResume:
    def test_a_copy_goes_on_until_it_waits(self, url):
        store = fleet(url, workflow(), workflow(*RENAMED), rename, document(at("draft")))
        before = rows_of(store)

        def write(run):
            run.state["topic"] = "changed"
            run.wait("approve", key="k2")

        done = rehearse(store, steps={"write": write})
        assert (done.fine, done.resumed, done.stopped, done.groups) == (1, 1, 0, ())
        assert rows_of(store) == before

    def test_recorded_outputs_and_answers_take_it_to_the_end(self, url):
        store = fleet(url, workflow(), workflow(*RENAMED), rename, document(at("draft")))
        ended = []

        def send(run):
            ended.append(run.outputs["approve"])
            run.advance()

        steps = {
            "write": lambda run: run.wait("approve", key="k2"),
            "approve": lambda run: run.advance(output=run.answer),
            "send": send,
        }
        done = rehearse(store, steps=steps, answers={"approve": {"ok": True}})
        assert (done.resumed, done.groups, ended) == (1, (), [{"ok": True}])

    def test_it_stops_at_a_step_of_which_nothing_is_recorded(self, url):
        store = fleet(
            url,
            workflow(),
            workflow(),
            lambda op: None,
            document(waiting("approve", answer={"ok": True}) | {"status": "ready"}),
        )
        done = rehearse(store, steps={"approve": recorded({"ok": False})})
        assert (done.resumed, done.stopped) == (1, 1)

    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (lambda run: 1 / 0, "the step's function raised ZeroDivisionError"),
            (lambda run: None, "the step's function returned and did not move the run"),
            (lambda run: run.advance("draft"), "after 1,000 moves it still goes on: it goes in circles"),
        ],
    )
    def test_what_does_not_get_on_is_a_finding(self, url, step, reason):
        store = fleet(url, workflow(), workflow(), lambda op: None, document(at("draft")))
        [group] = rehearse(store, steps={"draft": step}).groups
        assert (group.trouble.finding, group.trouble.reason) == ("resume.failed", reason)

    def test_what_a_step_leaves_has_to_be_valid(self, url):
        store = fleet(url, workflow(), workflow(), lambda op: None, document(at("draft")))

        def forgetful(run):
            del run.state["topic"]
            run.advance()

        [group] = rehearse(store, steps={"draft": forgetful}).groups
        assert (group.trouble.finding, group.trouble.step) == ("resume.failed", "draft")
        assert group.trouble.hint == "The step's function left that: correct the function"


def test_a_removed_step_that_leaves_a_choice_is_no_way_on(url):
    old = workflow(Step("draft", next=["approve", "send"]), *LINE[1:])
    new = workflow(Step("draft", next=["approve", "send"], removed=True), *LINE[1:])
    store = fleet(url, old, new, lambda op: None, document(at("draft")), document(at("send")))
    assert found(store) == {"cursor.removed-unmapped": ["r0"]}


def test_every_finding_of_an_error_is_in_the_table():
    """And what can not arise says why."""
    from statemig.errors import StatemigError

    assert finding_of(StatemigError("nothing special")) == "run.failed"
    assert {each.id for each in FINDINGS.values() if each.never} == {
        "child.incompatible",
        "conflict.concurrent-write",
    }


PROGRAM = """
import json, sys
sys.path[:0] = [{fleet!r}]
from two_versions import *
from statemig.fleet.rehearse import rehearse
from statemig.store import RunFilter

documents = [document(at(("draft", "approve", "send")[n % 3])) for n in range(2500)]
store = fleet({url!r}, workflow(), workflow(Step("write", next="approve"), *LINE[1:]), lambda op: None, *documents)
seen = []
results = [rehearse(store, workers=n, progress=lambda done, total: seen.append((done, total))) for n in (1, 2)]


def send(run):
    with open({calls!r}, "a") as file:
        file.write(run.run_id + "\\n")
    run.advance()


rehearse(store, workers=2, steps={{"send": send}})
print(json.dumps([result.to_dict() for result in results]))
print(json.dumps(seen[-1]))
print(json.dumps(sum(size for _, size in store.portions(RunFilter(step="send"), 100))))
"""


def in_a_process_of_its_own(url, calls):
    """One without the threads of a test runner, so that it may fork."""
    code = PROGRAM.format(fleet=str(Path(__file__).parent), url=url, calls=str(calls))
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_several_processes_find_what_one_does_and_call_each_step_once(url, tmp_path):
    (alone, together), last, chosen = in_a_process_of_its_own(url, tmp_path / "calls")
    assert (alone.pop("workers"), together.pop("workers")) == (1, 2)
    assert (together["runs"], together["failed"], last) == (2500, 834, [2500, 2500])
    assert alone == together
    assert chosen == 833
    called = (tmp_path / "calls").read_text().splitlines()
    assert (len(called), len(set(called))) == (833, 833)


def test_a_database_in_memory_is_read_here():
    store = RunStore(
        "sqlite://", Migrator(revisions=[Revision("v1", workflow="w", snapshot=capture(workflow()))])
    )
    store.start({"topic": "t"})
    assert store.portions(RunFilter(), 10) is None
    assert rehearse(store, workers=4).workers == 1
