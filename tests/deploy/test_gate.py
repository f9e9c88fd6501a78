"""The checklist over a store, on SQLite and PostgreSQL; the rules under which two versions can be deployed beside each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel
from triage_runs import V1, V2, state, store, to_v2

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.deploy.additive import violations
from statemig.deploy.checklist import Checklist, Item, escaped, markdown
from statemig.deploy.gate import difference, gate
from statemig.deploy.router import Router
from statemig.fleet.redaction import Export, export, fill
from statemig.fleet.rehearse import rehearse
from statemig.store import RunFilter


@pytest.fixture
def live(url):
    """Version 1 with a worker: one run waits for a person, one has an answer, one is ready; code of version 2."""
    old = store(url, 1)
    for name in ("waits", "answered"):
        old.start(state(topic="secret"), run_id=name)
        with old.claim("w1") as run:
            run.wait("approve", key="k", output={"label": "l"})
    old.answer("answered", "k", {"approved": True})
    old.start(state(topic="secret"), run_id="ready")
    return store(url, 2)


def states(found):
    return {item.name: item.state for item in found.checklist.items if item.state != "next"}


def test_a_change_that_every_run_survives_opens_the_gate(live):
    found = gate(live)
    assert (found.verdict, found.old, found.new) == ("open", "r1", "r2")
    assert states(found) == {
        "identify in-flight runs": "ok",
        "classify the change": "ok",
        'is "prompt-only" really safe': "ok",
        "breaking: migrate, drain or route": "ok",
        "additive rules": "ok",
        "proof of the scripts": "note",  # the way down refuses an empty list
        "verify against in-flight state": "ok",
    }
    assert (found.rehearsal.fine, found.rehearsal.groups) == (3, ())


def test_a_change_that_runs_do_not_survive_closes_it(url):
    def forgetful(op):
        to_v2(op)
        op.transform(broken, path="state.topic")

    store(url, 1).start(state(topic="secret"), run_id="r")
    found = gate(store(url, 2, v2=forgetful))
    assert (found.verdict, states(found)["verify against in-flight state"]) == ("closed", "failed")
    [group] = found.rehearsal.groups
    assert (group.trouble.finding, group.run_ids) == ("data.function-failed", ["r"])
    assert "secret" not in str(found.to_dict())


def broken(value):
    raise ValueError(value)


def test_a_script_that_can_not_be_right_closes_it_and_is_named(url):
    store(url, 1).start(state(), run_id="r")
    found = gate(store(url, 2, v2=lambda op: op.remove_field("state.nothing")))
    assert states(found)["verify against in-flight state"] == "failed"
    assert found.verdict == "closed"


def test_a_sample_is_said_to_be_one(live):
    item = next(each for each in gate(live, sample=2).checklist.items if each.name.startswith("verify"))
    assert (item.state, item.said) == ("note", "2 of 3 runs tried; 2 get there and back")


def test_the_preferred_version_is_the_one_that_runs_now(live):
    live.deploy.prefer("r2", {"r1": "breaking"})
    assert gate(live, "r2").old == "r1"
    assert gate(store_of(live), "r3").old == "r2"


def store_of(live):
    """The same runs, opened by code of version 3."""
    from triage_runs import migrator

    return RunStore(live.engine, migrator(3))


def test_names_that_the_script_gives_are_no_removals(live):
    rules = [change.rule for change in difference(live.migrator, "r1", "r2")]
    assert "W04" in rules
    assert "S07" not in rules


def test_runs_are_rehearsed_and_nothing_is_written(live):
    before = [row for rows in live.iterate(RunFilter(ended=True)) for row in rows]
    done = rehearse(live, workers=1)
    assert (done.fine, done.failed) == (3, 0)
    assert [row for rows in live.iterate(RunFilter(ended=True)) for row in rows] == before


def test_portions_choose_each_run_once(live):
    portions = live.portions(RunFilter(), 2)
    assert [count for _, count in portions] == [2, 1]
    found = [row.run_id for where, _ in portions for rows in live.iterate(where, batch=1) for row in rows]
    assert found == ["answered", "ready", "waits"]
    assert live.portions(RunFilter(run_ids=["ready"]), 2)[0][1] == 1
    assert live.portions(RunFilter(revision="r2"), 2) == []


PROGRAM = """
import json, sys
sys.path[:0] = [{place!r}]
from triage_runs import state, store
from statemig.fleet.rehearse import rehearse

old = store({url!r}, 1)
old.adopt([(old.blank(f"r{{n:04}}", "r1"), old.document(old.row("waits"))) for n in range(2100)])
runs = store({url!r}, 2)
results = [rehearse(runs, workers=n).to_dict() for n in (1, 2)]
print(json.dumps([results, sum(kind.count for kind in runs.kinds())]))
"""


def test_several_processes_find_what_one_does(live, url):
    """In a process without the threads of a test runner, so that it may fork."""
    code = PROGRAM.format(place=str(Path(__file__).parent.parent / "store"), url=url)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    (alone, together), count = json.loads(ended.stdout)
    assert (alone.pop("workers"), together.pop("workers")) == (1, 2)
    assert (together["fine"], together["failed"], count) == (2103, 0, 2103)
    assert alone == together


def test_an_export_stands_elsewhere_as_it_stood(live, tmp_path):
    staging = store(f"sqlite:///{tmp_path / 'staging.db'}", 2)
    assert fill(staging, export(live, Export())) == 3
    assert sorted(kind.places for kind in staging.kinds()) == sorted(kind.places for kind in live.kinds())
    assert (rehearse(staging).fine, gate(staging, staging=True).verdict) == (3, "open")


class Note(BaseModel):
    text: str


class State(BaseModel):
    topic: str


def chain(old, new, script=lambda op: None):
    """A migrator of two versions with these steps."""
    versions = [Workflow("w", state=State, steps=list(steps)) for steps in (old, new)]
    return Migrator(
        revisions=[
            Revision("a", workflow="w", snapshot=capture(versions[0])),
            Revision("b", "a", workflow="w", snapshot=capture(versions[1]), upgrade=script),
        ]
    )


class TestAdditiveRules:
    LINE = (Step("draft", next="send"), Step("send"))

    def test_a_field_without_a_default(self):
        migrator = Migrator(
            revisions=[
                Revision("r1", workflow="triage", snapshot=capture(V1)),
                Revision("r2", "r1", workflow="triage", snapshot=capture(V2)),
            ]
        )
        assert any(said.startswith("state.priority ") for said in violations(migrator, "r1", "r2"))

    def test_a_new_step_whose_output_is_read_needs_a_default(self):
        new = (
            Step("draft", next="check"),
            Step("check", output=Note, next="send"),
            Step("send", reads="outputs.check.text"),
        )
        [said] = violations(chain(self.LINE, new, lambda op: op.add_step("check", after="draft")), "a", "b")
        assert said == (
            "step 'send' reads the output of the new step 'check', and a run that is past it has none: say "
            "op.add_step('check', ..., passed=op.backfill(...)) (revision b)"
        )

        def filled(op):
            op.add_step("check", after="draft", passed=op.backfill({"text": ""}))

        assert violations(chain(self.LINE, new, filled), "a", "b") == []

    def test_a_new_branch_of_a_join_needs_a_word(self):
        def fork(*branches):
            yield Step("split", fork=list(branches))
            yield from (Step(branch, next="sum") for branch in branches)
            yield Step("sum", joins=list(branches))

        add = [lambda op: op.add_step("c", after="split")]
        [said] = violations(chain(tuple(fork("a", "b")), tuple(fork("a", "b", "c")), add[0]), "a", "b")
        assert "say op.change_join('sum', ..., new_branch=...)" in said

    def test_a_step_that_is_gone_without_a_word(self):
        [said] = violations(chain(self.LINE, (Step("draft"),)), "a", "b")
        assert "keep it declared with removed=True, or say op.remove_step('send', cursor=...)" in said

    def test_a_step_that_stays_declared_as_removed(self):
        new = (Step("draft", next="send"), Step("send", removed=True))
        assert violations(chain(self.LINE, new), "a", "b") == []

    def test_a_removed_step_that_leaves_a_choice(self):
        old = (Step("draft", next=["send", "drop"]), Step("send"), Step("drop"))
        new = (Step("draft", next=["send", "drop"], removed=True), Step("send"), Step("drop"))
        [said] = violations(chain(old, new), "a", "b")
        assert said == (
            "the removed step 'draft' goes on to one of send, drop, and a run that meets it can not choose: leave it one next"
        )

    def test_removed_steps_that_lead_back_to_each_other(self):
        start = Step("start", next=["draft", "end"])
        old = (start, Step("draft", next="check"), Step("check", next="draft"), Step("end"))
        new = (
            start,
            Step("draft", next="check", removed=True),
            Step("check", next="draft", removed=True),
            Step("end"),
        )
        assert all("leads back to itself" in said for said in violations(chain(old, new), "a", "b"))
        assert len(violations(chain(old, new), "a", "b")) == 2


def test_markdown_shows_text_as_it_is():
    item = Item("a", "failed", "list of <Node> | x_1", ("`b`",), "statemig runs")
    text = markdown(Checklist("w", "Deploying w", (item,)))
    assert "- [ ] **a** (FAILED): list of &lt;Node&gt; \\| x\\_1\n  - \\`b\\`\n  - `statemig runs`\n" in text
    assert escaped("a*b") == "a\\*b"


@pytest.mark.parametrize(
    ("states", "verdict"),
    [(("ok", "note", "next"), "open"), (("ok", "unknown"), "unknown"), (("unknown", "failed"), "closed")],
)
def test_what_is_not_known_is_no_yes_and_a_failure_is_a_no(states, verdict):
    items = tuple(Item(str(number), state, "") for number, state in enumerate(states))
    assert Checklist("w", "t", items).verdict == verdict


class Topic(BaseModel):
    topic: str


def prompting(prompt):
    steps = [Step("draft", next="send"), Step("send", prompt=prompt)]
    return capture(Workflow("w", state=Topic, steps=steps))


def test_a_policy_for_a_guarded_prompt_is_of_the_class_that_routing_goes_by(sqlite_url):
    """Live runs make it breaking; to the router it is a change of prompts, so a policy for breaking changes would not keep a run."""
    revisions = [
        Revision("a", workflow="w", version=1, snapshot=prompting("Hello")),
        Revision("b", "a", workflow="w", version=2, snapshot=prompting("Dear {customer}")),
    ]
    migrator = Migrator(revisions=revisions)
    runs = RunStore(sqlite_url, migrator)
    RunStore(sqlite_url, Migrator(revisions=revisions[:1])).start({"topic": "t"}, run_id="r")

    def item():
        return next(each for each in gate(runs, "b").checklist.items if each.name.startswith("breaking"))

    assert (item().state, item().command) == ("failed", "statemig route policy class prompt --strategy drain")
    Router(runs).policy("class", "breaking", "drain")
    assert item().state == "failed"
    Router(runs).policy("class", "prompt", "drain")
    assert item().state == "ok"
    Router(runs).prefer("b")
    assert Router(runs).pick("r").revision == "a"


def test_a_staging_store_without_runs_tries_nothing_and_says_so(sqlite_url):
    found = gate(store(sqlite_url, 2), staging=True)
    assert (found.verdict, states(found)["staging"]) == ("unknown", "unknown")


def test_before_the_first_version_nothing_is_breaking(sqlite_url):
    found = gate(store(sqlite_url, 1), "r1")
    said = {item.name: item.said for item in found.checklist.items}
    assert said["classify the change"] == "the first version: nothing is older"
    assert said["breaking: migrate, drain or route"] == "nothing is breaking"
