"""A change and the live runs, on SQLite and PostgreSQL: counted in one query, read only where values decide."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import text
from triage_runs import V3, Approval, Label, StateV2, state, store

from statemig import Step, Workflow, capture
from statemig.autogenerate.compare import diff
from statemig.deploy import impact as module
from statemig.deploy.gate import difference
from statemig.deploy.impact import take_impact

V2_STATE = {"topic": "t", "priority": "p"}


@pytest.fixture
def live(url):
    """Version 1: one is ready at classify, one waits at approve. Version 2: one is at check. Version 3: one is at send."""
    one = store(url, 1)
    one.start(state(), run_id="waits")
    with one.claim("w1") as run:
        run.wait("approve", key="k", output={"label": "l"})
    one.start(state(), run_id="ready")
    store(url, 2).start(V2_STATE, run_id="check", step="check")
    store(url, 3).start(V2_STATE, run_id="send", step="send")
    return store(url, 3)


def touches(impact):
    return {(each.rule, each.path): (each.touches, each.at_most) for each in impact.changes}


def unreadable(live):
    with live.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET document = 'nobody reads this'"))


def test_runs_of_older_versions_count_under_the_names_that_scripts_give_their_steps(live):
    """What version 1 calls approve is review in version 2, where it is removed here."""
    unreadable(live)
    shorter = Workflow(
        "triage",
        state=StateV2,
        steps=[
            Step("classify", output=Label, next="check"),
            Step("check", next="send"),
            Step("send"),
        ],
    )
    changes = diff(live.migrator.snapshot("r2"), capture(shorter), {"review": None})
    found = take_impact(live, changes, "r2")
    assert touches(found)["W04", "steps.review"] == (1, False)
    assert found.changes.items[0].evidence["reads"].run_ids == ("waits",)
    # the one of version 3 is asked, in vain: it can not be brought to version 2
    assert (found.runs, found.newer, found.unknown, found.asked) == (3, 1, 0, 1)
    assert [each.run_id for each in found.changes.unknown] == ["send"]


def test_where_a_script_moves_cursors_runs_below_it_are_read(live):
    """Version 3 removes a step, so nobody knows from the counts where runs of version 2 stand there."""
    fewer = Workflow(
        "triage", state=StateV2, steps=[Step("classify", output=Label, next="send"), Step("send")]
    )
    changes = diff(live.migrator.snapshot("r3"), capture(fewer), {"review": None})
    found = take_impact(live, changes, "r3")
    assert (found.runs, found.asked) == (4, 3)
    gone = next(each for each in found.changes if each.rule == "W04")
    assert (gone.evidence["reads"].runs, gone.evidence["reads"].run_ids) == (4, ("waits",))


def test_a_part_of_the_state_that_may_be_absent_is_an_upper_bound(live):
    class State(BaseModel):
        topic: list[str]
        digest: list[int] = []
        log: list[str] = []
        priority: str

    unreadable(live)
    steps = [
        Step("classify", output=Label, next="review"),
        Step("review", kind="human", output=Approval, next="send"),
        Step("send"),
    ]
    changes = diff(live.migrator.snapshot("r3"), capture(Workflow("triage", state=State, steps=steps)))
    found = take_impact(live, changes, "r3")
    assert touches(found) == {("S29", "state.topic"): (4, False), ("S28", "state.digest[]"): (4, True)}
    assert found.asked == 0


def test_exact_reads_every_run(live):
    class State(StateV2):
        digest: list[int] = Field(default=[])

    changed = Workflow("triage", state=State, steps=list(V3.steps))
    changes = diff(live.migrator.snapshot("r3"), capture(changed))
    found = take_impact(live, changes, "r3", exact=True)
    # two runs of version 1 were brought up with one item each; those of the others are empty lists
    assert (touches(found)["S28", "state.digest[]"], found.asked) == ((2, False), 4)


def test_of_many_runs_an_example_of_each_kind_is_named(live, monkeypatch):
    monkeypatch.setattr(module, "_FEW", 1)
    with live.engine.begin() as connection:
        there = {"there": '[["send","ready"]]'}
        connection.execute(text("UPDATE statemig_runs SET standing = :there, revision = 'r3'"), there)
    fewer = Workflow("triage", state=StateV2, steps=[Step("classify", output=Label)])
    changes = diff(live.migrator.snapshot("r3"), capture(fewer), {"review": None, "send": None})
    gone = next(each for each in take_impact(live, changes, "r3").changes if each.path == "steps.send")
    assert (gone.evidence["reads"].failing, len(gone.evidence["reads"].run_ids)) == (4, 3)


def test_runs_of_an_unknown_revision_are_counted_apart(live):
    with live.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = 'gone' WHERE run_id = 'ready'"))
        connection.execute(text("UPDATE statemig_runs SET revision = NULL WHERE run_id = 'send'"))
    found = take_impact(live, difference(live.migrator, "r2", "r3"), "r2", "r3")
    assert (found.runs, found.newer, found.unknown) == (2, 0, 2)
    removed = next(each for each in found.changes if each.rule == "W04")
    assert (removed.reads, removed.evidence["reads"].unknown) == ("no", 2)


def test_without_a_change_nothing_is_asked(live):
    same = diff(live.migrator.snapshot("r3"), live.migrator.snapshot("r3"))
    found = take_impact(live, same, "r3")
    assert (found.overall.strategy, found.runs, found.asked) == ("deploy", 4, 0)
