"""Watching a deploy: what workers write down, compared; what can not be known; and when to stop looking."""

from __future__ import annotations

import json

import pytest
from reversible import store
from sqlalchemy import text
from triage_runs import state

from statemig.deploy import Criteria, Router, canary, look, start, watch
from statemig.deploy.comparison import Side
from statemig.deploy.watch import as_json
from statemig.errors import DeployError, StoreError
from statemig.store.deploy_records import Unknown
from statemig.store.deploy_store import SqlDeployStore
from statemig.store.tables import attempts

V2 = {"topic": "t", "priority": "high"}
SECRET = "the patient, Ms Meier"


@pytest.fixture
def stores(url, clock):
    """Both versions live, and the deploy of version 2 is open."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.watched.beat("w1", 1e6)
    new.watched.beat("w2", 1e6)
    start(new, "r2", old="r1")
    clock.now += 100
    return old, new


def tried(runs, revision, count, outcomes=(), *, step="classify", error=None, first=0, tries=1):
    """So many runs have tried a step under a version; the first of them ended so, the others are done."""
    at = runs.clock()
    found = dict(enumerate(outcomes))
    rows = [
        {
            "workflow": "triage",
            "run_id": f"{revision}-{first + number}",
            "token": token,
            "step": step,
            "revision": revision,
            "started_at": at,
            "ended_at": at,
            "outcome": found.get(number, "done"),
            "error": error if number in found else None,
        }
        for number in range(count)
        for token in range(tries)
    ]
    with runs.engine.begin() as connection:
        connection.execute(attempts.insert(), rows)


def sides(found, name, step=None):
    [sign] = [each for each in found.signs if (each.name, each.step) == (name, step)]
    assert not isinstance(sign.found, Unknown), sign.found
    return sign.found.canary, sign.found.control


def unknown(found, name):
    [sign] = [each for each in found.signs if (each.name, each.step) == (name, None)]
    return str(sign.found)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_enough_runs_without_a_difference_are_ok(stores):
    _, new = stores
    tried(new, "r1", 300, ["error"] * 3)
    tried(new, "r2", 90)
    found = look(new)
    assert (found.verdict, found.why) == ("OK", ("errors: 0 of 90 against 3 of 300, at most +3.1%",))
    assert sides(found, "errors") == (Side(0, 90), Side(3, 300))


def test_more_errors_are_a_reason_to_go_back(stores):
    _, new = stores
    tried(new, "r1", 300, ["error"] * 3)
    tried(new, "r2", 40, ["error"] * 8)
    found = look(new)
    assert found.verdict == "ABORT"
    assert found.why[0] == "errors: 8 of 40 against 3 of 300, +19.0% (+9.3% to +33.8%), p 2.4e-06"
    [overall, *_] = found.signs
    assert overall.examples == ("r2-0", "r2-1", "r2-2", "r2-3", "r2-4")


def test_too_few_runs_to_tell_is_an_answer(stores):
    _, new = stores
    tried(new, "r1", 300)
    tried(new, "r2", 10, ["error"])
    found = look(new)
    assert found.verdict == "WAIT"
    assert found.why[0] == "errors: too few runs to tell: 1 of 10 against 0 of 300, up to +40.4%"


def test_it_is_said_with_how_many_it_could_be_told(stores):
    _, new = stores
    tried(new, "r1", 500)
    tried(new, "r2", 20)
    assert look(new).why == (
        "errors: too few runs to tell: 0 of 20 against 0 of 500, up to +16.1%; with 73 it could be told",
    )


def test_a_step_that_is_worse_is_found_behind_many_that_are_not(stores):
    _, new = stores
    tried(new, "r1", 400, step="classify")
    tried(new, "r1", 200, step="send", first=1000)
    tried(new, "r2", 400, step="classify")
    tried(new, "r2", 30, ["error"] * 9, step="send", first=1000)
    found = look(new)
    assert found.verdict == "ABORT"
    assert [reason.split(":")[0] for reason in found.why] == ["errors at send"]


def test_a_renamed_step_is_compared_with_what_it_was(stores):
    _, new = stores
    tried(new, "r1", 20, ["error"], step="approve")
    tried(new, "r2", 10, step="review")
    assert sides(look(new), "errors", "review") == (Side(0, 10), Side(1, 20))


def test_a_run_that_is_tried_again_and_again_counts_once(stores):
    _, new = stores
    tried(new, "r2", 3, ["error"], tries=200)
    tried(new, "r1", 50)
    assert sides(look(new), "errors") == (Side(1, 3), Side(0, 50))


@pytest.mark.parametrize(
    ("outcome", "error", "counts"),
    [
        ("error", "ValueError", 1),
        ("lost", None, 1),
        ("failed", "no such customer", 1),
        ("error", "SystemExit", 0),
        ("error", "CancelledError", 0),
        ("waiting", None, 0),
        ("finished", None, 0),
    ],
)
def test_what_counts_as_an_error(stores, outcome, error, counts):
    _, new = stores
    tried(new, "r2", 1, [outcome], error=error)
    assert sides(look(new), "errors")[0] == Side(counts, 1)


def test_a_run_that_was_given_back_says_nothing(stores):
    _, new = stores
    tried(new, "r2", 1, ["released"])
    assert sides(look(new), "errors")[0] == Side(0, 0)


def test_what_workers_write_down_is_what_is_counted(stores):
    """Claims and loads that raise, under both versions."""
    old, new = stores
    for runs, revision in ((old, "r1"), (new, "r2")):
        for number in range(3):
            runs.start(state() if revision == "r1" else V2, run_id=f"{revision}{number}")
    old.deploy.pin("r10", "r1")
    with pytest.raises(ValueError), old.load("r10"):
        raise ValueError(SECRET)
    Router(new).prefer("r2")
    with pytest.raises(ValueError), new.claim("w2"):
        raise ValueError(SECRET)
    with new.load("r21") as run:
        run.fail(SECRET)
    found = look(new)
    assert sides(found, "errors") == (Side(2, 2), Side(1, 1))
    assert SECRET not in json.dumps(as_json(found))


def test_a_run_that_could_not_be_brought_to_the_new_version_is_an_error_of_it(stores):
    old, new = stores
    old.start(state(), run_id="a")
    tried(new, "r1", 5)
    new.record_failures([(new.row("a"), StoreError("it does not fit", step="classify"))], "r2")
    found = look(new)
    assert found.not_brought == ("a",)
    assert sides(found, "errors") == (Side(1, 1), Side(0, 5))


# -- silent ends -------------------------------------------------------------------------------------------------------


def finished(runs, worker, count, step, payload):
    for _ in range(count):
        runs.start(payload, step=step)
    for _ in range(count):
        with runs.claim(worker) as run:
            run.finish()


def test_runs_that_end_where_the_flow_does_not_are_found(stores):
    old, new = stores
    finished(old, "w1", 30, "send", state())
    Router(new).prefer("r2")
    finished(new, "w2", 6, "classify", V2)
    found = look(new)
    assert sides(found, "silent ends") == (Side(6, 6), Side(0, 30))
    assert (found.verdict, found.why[0].split(":")[0]) == ("ABORT", "silent ends")


def test_a_flow_that_ends_early_by_its_nature_does_so_on_both_sides(stores):
    old, new = stores
    finished(old, "w1", 30, "classify", state())
    Router(new).prefer("r2")
    finished(new, "w2", 6, "classify", V2)
    found = look(new)
    assert sides(found, "silent ends") == (Side(6, 6), Side(30, 30))
    assert found.verdict == "WAIT"


def test_a_run_that_ended_without_a_step_of_it_finishing(stores):
    _, new = stores
    run_id = new.start(V2)
    with new.engine.begin() as connection:
        ended = text(
            "UPDATE statemig_runs SET status = 'finished', phase = 'ended', revision = 'r2' WHERE run_id = :run"
        )
        connection.execute(ended, {"run": run_id})
    assert sides(look(new), "silent ends") == (Side(1, 1), Side(0, 0))


# -- questions ---------------------------------------------------------------------------------------------------------


def asked_and_answered(runs, step, payload, run_id):
    runs.start(payload, run_id=run_id)
    with runs.load(run_id) as run:
        run.wait(step, key=f"{run_id}-1", output={"label": "l"})
    runs.answer(run_id, f"{run_id}-1", {"approved": True})


def test_a_question_that_is_asked_again_after_its_answer(stores):
    """Version 2 loses the answers that it finds."""
    old, new = stores
    for number in range(12):
        asked_and_answered(old, "approve", state(), f"old{number}")
        with old.claim("w1") as run:
            run.advance("check")
        with old.claim("w1") as run:
            run.finish()
    for number in range(8):
        asked_and_answered(old, "approve", state(), f"new{number}")
    Router(new).prefer("r2")
    for _ in range(8):
        with new.claim("w2") as run:
            assert run.answer == {"approved": True}
            run.wait("review", key=f"{run.run_id}-2")
    found = look(new)
    assert sides(found, "asked again") == (Side(8, 8), Side(0, 12))
    assert (found.verdict, found.why[0].split(":")[0]) == ("ABORT", "asked again")


def test_it_is_still_seen_when_the_person_has_answered_once_more(stores):
    old, new = stores
    asked_and_answered(old, "approve", state(), "a")
    Router(new).prefer("r2")
    with new.claim("w2") as run:
        run.wait("review", key="a-2")
    new.answer("a", "a-2", {"approved": True})
    with new.claim("w2") as run:
        run.advance("check")
    assert sides(look(new), "asked again") == (Side(1, 1), Side(0, 0))


def test_a_question_that_is_asked_once_and_waits_is_none(stores):
    old, new = stores
    old.start(state())
    with old.claim("w1") as run:
        run.wait("approve", key="k", output={"label": "l"})
    assert sides(look(new), "asked again") == (Side(0, 0), Side(0, 0))


# -- progress ----------------------------------------------------------------------------------------------------------


def test_runs_that_are_taken_and_never_end_a_step(stores, clock):
    old, new = stores
    for _ in range(30):
        old.start(state())
    for _ in range(30):
        with old.claim("w1") as run:
            run.finish()
    Router(new).prefer("r2")
    for _ in range(8):
        new.start(V2)
    for _ in range(8):
        assert new.claim("w2", ttl=60) is not None
    assert sides(look(new), "no progress") == (Side(0, 8), Side(0, 30))
    clock.now += 700
    found = look(new)
    assert sides(found, "no progress") == (Side(8, 8), Side(0, 30))
    assert found.verdict == "ABORT"


def test_a_run_from_before_that_is_taken_now_is_looked_at(stores, clock):
    """A claim leaves its place in the queue, and with that the time of its last change."""
    old, new = stores
    old.start(state())
    clock.now += 100
    since = clock()
    assert sides(look(new, since=since), "no progress")[1] == Side(0, 0)
    assert old.claim("w1", ttl=60) is not None
    assert sides(look(new, since=since), "no progress")[1] == Side(0, 1)
    clock.now += 700
    assert sides(look(new, since=since), "no progress")[1] == Side(1, 1)


def test_a_run_that_waits_for_a_person_is_not_stuck(stores, clock):
    old, new = stores
    old.start(state())
    with old.claim("w1") as run:
        run.wait("approve", key="k", output={"label": "l"})
    clock.now += 100_000
    assert sides(look(new), "no progress") == (Side(0, 0), Side(0, 1))


# -- since when, and for how long --------------------------------------------------------------------------------------


def test_there_is_nothing_to_watch_without_a_deploy(url, clock):
    with pytest.raises(DeployError, match="there is nothing to watch: no deploy was started"):
        look(store(url, 2, clock=clock))


def test_the_figures_begin_with_the_canary(stores, clock):
    _, new = stores
    tried(new, "r1", 5, ["error"] * 5)
    canary.start(new, "r2")
    tried(new, "r1", 4, first=10)
    found = look(new)
    assert found.since == canary.status(new).canary.since
    assert sides(found, "errors")[1] == Side(0, 4)
    assert sides(look(new, since=0.0), "errors")[1] == Side(5, 9)


def test_it_goes_on_until_the_time_is_over(stores, clock):
    _, new = stores
    slept = []

    def sleep(seconds):
        slept.append(round(seconds))
        clock.now += seconds

    assert [each.verdict for each in watch(new, 150, every=60, sleep=sleep)] == ["WAIT"] * 4
    assert slept == [60, 60, 30]


def test_it_ends_when_a_look_says_abort(stores, clock):
    _, new = stores
    tried(new, "r1", 200)

    def sleep(seconds):
        clock.now += seconds
        tried(new, "r2", 20, ["error"] * 10, first=int(clock.now))

    assert [each.verdict for each in watch(new, 1800, every=60, sleep=sleep)] == ["WAIT", "ABORT"]


def test_many_looks_share_the_chance_of_a_false_alarm(stores, clock):
    """5 of 20 against 3 of 100 is worse at one look, and not at each of thirty."""
    _, new = stores
    tried(new, "r1", 100, ["error"] * 3)
    tried(new, "r2", 20, ["error"] * 5)
    assert look(new).verdict == "ABORT"
    assert look(new, Criteria(looks=30)).verdict == "WAIT"


# -- what is not known -------------------------------------------------------------------------------------------------


class Elsewhere:
    """Runs that are kept by a runtime of its own, which records no tries; what is said of the deploy is in a database beside."""

    def __init__(self, runs, url):
        self._runs = runs
        self.deploy = SqlDeployStore(url, "triage", clock=runs.clock)
        self.workflow, self.migrator, self.clock = runs.workflow, runs.migrator, runs.clock
        self.kinds, self.untagged, self.examples = runs.kinds, runs.untagged, runs.examples
        self.iterate, self.row = runs.iterate, runs.row


def test_where_no_tries_are_recorded_it_is_said_and_the_rest_is_known(url, sqlite_url, clock, tmp_path):
    runs = store(url, 2, clock=clock)
    fleet = Elsewhere(runs, f"sqlite:///{tmp_path / 'deploy.db'}")
    start(fleet, "r2", old="r1", in_memory=False)
    runs.start(V2)
    found = look(fleet)
    nobody = "unknown: no worker has recorded a try of a step since it began (DeployStore.add_attempt)"
    assert (found.verdict, found.why) == ("WAIT", (f"errors: {nobody}",))
    assert unknown(found, "silent ends") == nobody
    assert unknown(found, "asked again") == "unknown: this store does not say what was answered"
    assert sides(found, "no progress") == (Side(0, 1), Side(0, 0))
    assert str(found.not_brought) == (
        "unknown: this store does not list the runs that could not be brought to a version"
    )


def test_a_canary_of_runs_that_are_kept_elsewhere_is_listed_beside(url, clock, tmp_path):
    old = store(url, 1, clock=clock)
    for number in range(40):
        old.start(state(), run_id=f"c{number}")
    fleet = Elsewhere(store(url, 2, clock=clock), f"sqlite:///{tmp_path / 'deploy.db'}")
    fleet.deploy.beat("w1", "r1", ["r2"])
    fleet.deploy.beat("w2", "r2", ["r1"])
    found = canary.start(fleet, "r2", new=0, parked=0.25, old="r1")
    inside = set(fleet.deploy.canary_beside())
    assert len(inside) == found.canary.steps["classify"][1]
    router = Router(fleet)
    assert {n for n in (f"c{i}" for i in range(40)) if router.pick(n).rule == "canary"} == inside
    canary.stop(fleet)
    assert fleet.deploy.canary_beside() == {}
