"""The runs in flight, counted by the database; unknown tags and zombies."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from triage_runs import state, store

from statemig.errors import ConfigError
from statemig.fleet.inventory import take
from statemig.fleet.redaction import Export, export
from statemig.store.deploy_records import Policy, Unknown

SECRET = "the patient, Ms Meier, was born 1970-03-04"


@pytest.fixture
def fleet(url, clock):
    """Version 1: one waits for a person, one is being run, one is ready, one has ended. Version 2: one is ready."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.start(state(), run_id="waits")
    clock.now += 100
    with old.claim("w1") as run:
        run.wait("approve", key="k", output={"label": "l"})
    old.start(state(), run_id="ended")
    with old.claim("w1") as run:
        run.finish()
    old.start(state(), run_id="runs")
    assert old.claim("w1", ttl=500).run_id == "runs"
    old.start(state(), run_id="ready")
    new.start({"topic": "t", "priority": "p"}, run_id="new")
    return old, new


def lines(inventory):
    return {tuple(line.key.values()): line.count for line in inventory.lines}


def test_by_version_step_and_status(fleet):
    assert lines(take(fleet[1])) == {
        (2, "classify", "ready", None): 1,
        (1, "approve", "waiting", "human"): 1,
        (1, "classify", "ready", None): 1,
        (1, "classify", "running", None): 1,
    }


def test_by_anything_and_of_some(fleet):
    found = take(fleet[1], ("step",), {"version": "1"})
    assert (lines(found), found.runs) == ({("approve",): 1, ("classify",): 2}, 3)
    assert lines(take(fleet[1], ("version",), {"on": "human"})) == {(1,): 1}


def test_a_field_that_there_is_not(fleet):
    with pytest.raises(ConfigError) as failed:
        take(fleet[1], ("age",))
    assert str(failed.value) == (
        "runs can not be counted by 'age'. By version, revision, step, status, on, started, pinned, separated by commas"
    )


def test_how_old_the_oldest_is_and_since_when_it_waits(fleet, clock):
    [waiting] = [line for line in take(fleet[1]).lines if line.key["status"] == "waiting"]
    assert waiting.since - waiting.oldest == pytest.approx(100, abs=1)


def test_a_run_on_two_branches_is_at_each_and_is_one_run(fleet):
    _, new = fleet
    with new.engine.begin() as connection:
        both = '[["check","ready"],["send","ready"]]'
        connection.execute(text("UPDATE statemig_runs SET standing = :s WHERE run_id = 'ready'"), {"s": both})
    found = take(new, ("step",), {"version": "1"})
    assert lines(found) == {("approve",): 1, ("check",): 1, ("classify",): 1, ("send",): 1}
    assert found.runs == 3


def test_unknown_tags_are_counted_by_what_they_say(fleet):
    _, new = fleet
    with new.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = 'zz' WHERE run_id = 'ready'"))
        connection.execute(text("UPDATE statemig_runs SET revision = NULL WHERE run_id = 'waits'"))
    found = take(new)
    assert (found.unknown_tag, found.unknown_tags) == (2, {"zz": 1, "none": 1})


def test_zombies_are_unknown_as_long_as_no_worker_ever_said_anything(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    assert take(runs).zombies == Unknown("no worker has said yet what it can run")


def test_a_run_that_no_living_worker_reads_is_a_zombie(fleet):
    """Only a worker of version 1 lives: it can not take the run of version 2."""
    found = take(fleet[1])
    assert found.zombies == 1
    [kind] = found.zombie_kinds
    assert (kind.revision, kind.steps, kind.examples) == ("r2", ("classify",), ("new",))


def test_a_run_under_a_lease_is_no_zombie_and_the_others_are_when_the_workers_are_gone(fleet, clock):
    old, new = fleet
    old.deploy.leave("w1")
    assert take(new).zombies == 3


def test_a_routed_run_is_a_zombie_when_only_the_other_version_lives(fleet, clock):
    old, new = fleet
    old.deploy.leave("w1")
    new.watched.beat("w2", 60)
    assert take(new).zombies == 0
    new.deploy.set_policy(Policy("workflow", "", "route"))
    found = take(new)
    assert found.zombies == 2
    assert {kind.wanted for kind in found.zombie_kinds} == {"r1"}


def test_what_a_zombie_needs_is_a_worker_that_can_read_it(fleet):
    """Version 1 is preferred, and its workers can not read what is stored in version 2."""
    _, new = fleet
    new.deploy.prefer("r1", {})
    [kind] = take(new).zombie_kinds
    assert (kind.revision, kind.wanted) == ("r2", "r2")
    assert kind.need == "a worker of r2 is needed, for none of r1 can read it"


def test_a_run_of_an_unknown_tag_needs_code_that_knows_it(fleet):
    old, new = fleet
    new.deploy.prefer("r1", {})
    [kind] = take(old).zombie_kinds
    assert (kind.revision, kind.wanted) == ("r2", None)
    assert kind.need == "a worker whose code knows r2 is needed"


def test_and_where_a_pin_can_not_be_kept_that_is_said(fleet):
    _, new = fleet
    new.deploy.pin("new", "r1")
    [kind] = take(new).zombie_kinds
    assert kind.wanted is None
    assert kind.need.startswith("no worker of r1 can read r2: unpin them")


def test_a_policy_for_one_run_counts_for_that_run_alone(fleet):
    old, new = fleet
    old.deploy.leave("w1")
    new.watched.beat("w2", 60)
    new.deploy.set_policy(Policy("run", "ready", "route"))
    found = take(new)
    assert found.zombies == 1
    assert [kind.examples for kind in found.zombie_kinds] == [("ready",)]
    new.deploy.set_policy(Policy("workflow", "", "route"))
    new.deploy.set_policy(Policy("run", "ready", "migrate", "r2"))
    assert take(new).zombies == 1


def test_an_export_has_the_form_and_nothing_of_the_contents(url, clock):
    runs = store(url, 2, clock=clock)
    runs.start({"topic": SECRET, "digest": [SECRET], "priority": "high"}, run_id="Meier-1970")
    with runs.claim("w") as run:
        run.wait("review", key="meier@example.org", payload={"Meier": SECRET}, output={"label": SECRET})

    done = Export()
    [line] = list(export(runs, done))
    text_of_it = json.dumps(line)
    assert (done.exported, done.left_out) == (1, {})
    for word in ("Meier", "meier", "patient", "1970", "born"):
        assert word not in text_of_it
    document = line["document"]
    assert sorted(document["state"]) == ["digest", "priority", "topic"]
    assert len(document["state"]["topic"]) == len(SECRET)
    assert document["cursor"][0]["step"] == "review"
    runs.migrator.validate(document, "r2")
