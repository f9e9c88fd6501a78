"""The contract of a `DeployStore`, on SQLite and on PostgreSQL, beside runs and at a URL of its own."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import create_engine, inspect, text
from triage_runs import state, store

from statemig.errors import ConflictError, RunNotFoundError, StoreError
from statemig.store.deploy_records import Drain, Policy, Rollout, Unknown
from statemig.store.deploy_store import SqlDeployStore
from statemig.store.protocols import Attempt


@pytest.fixture(params=["beside runs", "own url"])
def deploy(request, url, clock):
    if request.param == "own url":
        return SqlDeployStore(url, "triage", clock=clock)
    return store(url, clock=clock).deploy


def test_a_worker_lives_for_as_long_as_it_said(deploy, clock):
    deploy.beat("w1", "r2", ["r1"], live_for=60)
    [worker] = deploy.workers()

    assert (worker.name, worker.revision, worker.reads) == ("w1", "r2", {"r1", "r2"})
    clock.now += 59
    assert deploy.workers() != []
    clock.now += 2
    assert deploy.workers() == []
    assert [each.name for each in deploy.workers(gone=True)] == ["w1"]


def test_a_worker_of_two_versions_is_listed_with_each(deploy):
    deploy.beat("w1", "r1")
    deploy.beat("w1", "r2", ["r1"])
    assert [(each.name, each.revision) for each in deploy.workers()] == [("w1", "r1"), ("w1", "r2")]
    deploy.leave("w1", "r1")
    assert [each.revision for each in deploy.workers()] == ["r2"]


def test_runs_are_put_in_a_canary_once_and_all_taken_out(url, clock):
    runs = store(url, 1, clock=clock)
    for name in ("a", "b", "c"):
        runs.start(state(), run_id=name)
    assert runs.deploy.put_in_canary(["a", "b"], "r2") == 2
    before = runs.row("b")
    assert runs.deploy.put_in_canary(["b", "c"], "r2") == 1
    assert {name: runs.row(name).canary for name in "abc"} == dict.fromkeys("abc", "r2")
    assert runs.row("b") == before
    assert runs.deploy.empty_canary() == 3
    assert runs.row("a").canary is None


def test_at_a_url_of_its_own_the_runs_of_a_canary_are_listed_beside(url, clock):
    deploy = SqlDeployStore(url, "triage", clock=clock)
    before = deploy.generation()
    assert deploy.put_in_canary(["a", "b"], "r2") == 2
    assert deploy.put_in_canary(["b", "c"], "r2") == 1
    assert deploy.canary_beside() == dict.fromkeys("abc", "r2")
    assert deploy.generation() != before
    assert deploy.empty_canary() == 3
    assert deploy.canary_beside() == {}


def test_only_what_changes_a_decision_changes_the_generation(deploy):
    deploy.beat("w1", "r1")
    before = deploy.generation()
    deploy.beat("w1", "r1")
    assert deploy.generation() == before
    deploy.beat("w2", "r1")
    assert deploy.generation() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.set_policy(Policy("workflow", "", "route")),
        lambda d: d.prefer("r2", {"r1": "additive"}),
        lambda d: d.put_drain(Drain("r1", 1.0, None, "notify", 3, 3, 1.0, 1.0)),
        lambda d: d.put_rollout(Rollout("r1", "r2", "started", "r1", "r1", {"r1": "pin"})),
        lambda d: d.leave("w1"),
    ],
    ids=["policy", "preference", "drain", "window", "farewell"],
)
def test_every_decision_changes_the_generation(deploy, change):
    before = deploy.generation()
    change(deploy)
    assert deploy.generation() != before


def test_a_policy_replaces_that_of_the_same_scope_and_target(deploy):
    deploy.set_policy(Policy("step", "review", "route"))
    deploy.set_policy(Policy("step", "send", "drain"))
    deploy.set_policy(Policy("step", "review", "migrate", "r2"))

    assert [(each.target, each.strategy, each.revision) for each in deploy.policies()] == [
        ("review", "migrate", "r2"),
        ("send", "drain", None),
    ]
    assert deploy.drop_policy("step", "review")
    assert not deploy.drop_policy("step", "review")


def test_the_preferred_revision_comes_with_the_classes_of_the_way_to_it(deploy):
    assert deploy.preferred() is None
    deploy.prefer("r2", {"r1": "breaking"})
    assert deploy.preferred() == ("r2", {"r1": "breaking"})
    deploy.prefer(None)
    assert deploy.preferred() is None


def test_a_look_at_a_drain_is_written_over_and_a_new_drain_begins_anew(deploy):
    deploy.put_drain(Drain("r1", 1.0, None, "notify", 3, 3, 1.0, 1.0))
    deploy.put_drain(Drain("r1", 1.0, None, "notify", 3, 1, 5.0, 5.0))
    assert [(each.left, each.checked_at) for each in deploy.drains()] == [(1, 5.0)]
    assert deploy.end_drain("r1")
    assert not deploy.end_drain("r1")
    assert deploy.drains() == []


def test_a_window_is_written_by_compare_and_swap(deploy):
    first = deploy.put_rollout(
        Rollout("r1", "r2", "started", "r1", "r1", {"r1": "in memory"}, details={"parked": 0.05})
    )
    assert deploy.rollout() == first
    with pytest.raises(ConflictError) as failed:
        deploy.put_rollout(Rollout("r1", "r2", "completed", "r2", "r2"))
    assert deploy.rollout() == first
    assert str(failed.value) == (
        "workflow triage: somebody else has changed the deploy meanwhile; nothing was written. "
        "Look at `statemig deploy status` and say it again"
    )


def test_two_that_prefer_at_the_same_moment_leave_one_preference(url, clock):
    several = [SqlDeployStore(url, "triage") for _ in range(4)]
    several[0].generation()
    threads = [
        threading.Thread(target=lambda d=each, n=number: [d.prefer(f"r{n}") for _ in range(5)])
        for number, each in enumerate(several)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert several[0].preferred()[0] in {"r0", "r1", "r2", "r3"}


def test_attempts_are_kept_for_runs_that_live_elsewhere(url):
    deploy = SqlDeployStore(url, "triage")
    tried = Attempt("t1", 1, "send", "p1", "r1", "w", 1.0, 2.0, "error", "ValueError", "t1/p1")
    deploy.add_attempt(tried)
    assert list(deploy.attempts()) == [tried]
    assert list(deploy.attempts("t2")) == []


def test_pins_beside_runs_are_in_their_rows(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    runs.deploy.pin(run_id, "r1")
    assert runs.deploy.pins() == {run_id: "r1"}
    assert runs.row(run_id).pinned_revision == "r1"
    with pytest.raises(RunNotFoundError, match="there is no such run"):
        runs.deploy.pin("nobody", "r1")


def test_pins_of_runs_that_live_elsewhere_have_a_table(url):
    deploy = SqlDeployStore(url, "triage")
    deploy.pin("thread", "r1")
    deploy.pin("thread", "r2")
    assert deploy.pins() == {"thread": "r2"}
    deploy.pin("thread", None)
    assert deploy.pins() == {}


def test_workflows_in_one_database_know_nothing_of_each_other(url):
    one, other = SqlDeployStore(url, "one"), SqlDeployStore(url, "other")
    one.beat("w", "r1")
    one.prefer("r1")
    assert (other.workers(), other.preferred(), other.generation()) == ([], None, None)


@pytest.mark.parametrize(
    "missing",
    [
        ("workers", "policies", "preferred", "pins", "drains", "rollouts", "retired"),
        ("retired",),
    ],
    ids=["deploys", "retired"],
)
def test_a_store_from_before_there_were_such_tables_gets_them(url, clock, missing):
    run_id = store(url, 1, clock=clock).start(state())
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in missing:
            connection.execute(text(f"DROP TABLE statemig_{name}"))
        connection.execute(text("DELETE FROM statemig_meta WHERE name = 'additions'"))

    with pytest.raises(StoreError, match="the store lacks some of its tables"):
        store(url, 1, create=False).read(run_id)
    assert store(url, 1).read(run_id).state == state()
    assert all(inspect(engine).has_table(f"statemig_{name}") for name in missing)
    engine.dispose()


def test_a_store_from_before_there_were_canaries_gets_the_column_and_goes_on(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE statemig_runs DROP COLUMN canary"))
        connection.execute(text("DROP TABLE statemig_canaries"))
        connection.execute(text("DELETE FROM statemig_meta WHERE name = 'additions'"))

    with pytest.raises(StoreError, match="the store lacks some of its tables or columns"):
        store(url, 1, create=False).read(run_id)
    again = store(url, 1)
    assert again.read(run_id).state == state()
    assert again.deploy.put_in_canary([run_id], "r2") == 1
    assert store(url, 1).row(run_id).canary == "r2"
    engine.dispose()


def test_processes_that_add_the_column_at_the_same_moment_do_not_fail(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE statemig_runs DROP COLUMN canary"))
        connection.execute(text("DELETE FROM statemig_meta WHERE name = 'additions'"))
    engine.dispose()
    failed = []

    def open_it():
        try:
            assert store(url, 1).row(run_id).canary is None
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_figure_that_is_not_known_says_why():
    assert str(Unknown("no worker has ever said what it can run")) == (
        "unknown: no worker has ever said what it can run"
    )
