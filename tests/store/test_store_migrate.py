"""Upgrades and downgrades on purpose, history, counts, the tables themselves."""

import time
import traceback
from decimal import Decimal

import pytest
from sqlalchemy import text
from triage_runs import state, store

from statemig import Migrator, Revision, RunStore
from statemig.errors import ConflictError, IrreversibleError, StoreError
from statemig.store import RunFilter, Standing


def test_an_upgrade_written_alone_is_undone_by_its_patch(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    before = old.read(run_id).document
    runs = store(url, 2, clock=clock)

    assert runs.upgrade(run_id) == "upgraded"
    assert runs.upgrade(run_id) == "current"
    [entry] = runs.history(run_id)
    assert entry.reverse_patch is not None

    assert runs.downgrade(run_id, "r1") == "downgraded"
    assert old.read(run_id).document == before


def test_after_a_later_write_the_way_down_is_the_scripts(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state(summary="kept"))
    runs = store(url, 2, clock=clock)
    runs.upgrade(run_id)
    with runs.load(run_id) as run:
        run.state["digest"] = ["edited above"]

    runs.downgrade(run_id, "r1")

    assert old.read(run_id).state == {"topic": "refund", "summary": "edited above", "log": []}


def test_the_complement_survives_going_down_and_up_again(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    runs = store(url, 2, clock=clock)
    with runs.load(run_id) as run:
        run.state["priority"] = "high"

    runs.downgrade(run_id, "r1")
    assert "priority" not in old.read(run_id).state
    assert runs.read(run_id).state["priority"] == "high"


def test_the_way_back_is_exact_however_short_the_history(url, clock):
    def lossy(op):
        op.rename_step("approve", to="review")
        op.remove_field("state.summary", restore="")
        op.add_field("state.digest", default=[])
        op.add_field("state.priority", default="normal")

    old = store(url, 1, clock=clock)
    run_id = old.start(state(summary="precious"))
    runs = store(url, 2, v2=lossy, history_limit=2, clock=clock)
    for _ in range(4):
        with runs.load(run_id):
            pass
        runs.downgrade(run_id, "r1")
    assert [entry.seq for entry in runs.history(run_id)] == [7, 8]
    assert old.read(run_id).state["summary"] == "precious"


def test_a_way_back_that_there_is_not_is_refused(url, clock):
    def one_way(op):
        op.rename_step("approve", to="review")
        op.rename_field("state.summary", to="digest")
        op.wrap("state.digest")
        op.add_field("state.priority", default="normal")
        op.irreversible("the digest was signed")

    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, v2=one_way, clock=clock)
    with runs.load(run_id):
        pass

    with pytest.raises(IrreversibleError, match="the digest was signed"):
        runs.downgrade(run_id, "r1")
    assert runs.read(run_id).stored_revision == "r2"


def test_a_run_under_a_lease_is_not_migrated(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    old.claim("w-old")
    with pytest.raises(ConflictError, match="a worker holds the run"):
        store(url, 2, clock=clock).upgrade(run_id)


def test_big_integers_decimals_and_the_order_of_keys_are_kept(url, clock):
    runs = RunStore(url, Migrator(revisions=[Revision("x1")]), clock=clock)
    document = {"z": 2**80, "a": Decimal("0.10000000000000000000001"), "m": {"y": 1.0, "b": 1}}
    run_id = runs.start(document)
    with runs.load(run_id) as run:
        run.state["new"] = True

    read = runs.read(run_id).state
    assert read == {**document, "new": True}
    assert [*read] == ["z", "a", "m", "new"]
    assert [type(value) for value in read["m"].values()] == [float, int]


def test_counts_by_revision_step_and_status(url, clock):
    old = store(url, 1, clock=clock)
    for _ in range(3):
        old.start(state())
    with old.claim("w") as run:
        run.wait("approve", "k", output={"label": "x"})
    runs = store(url, 2, clock=clock)
    lost = runs.claim("dies", ttl=10)
    with runs.load(runs.start({"topic": "t", "priority": "p"})) as run:
        run.finish()

    assert runs.counts() == [
        Standing("r1", "approve", "waiting", "human", 1),
        Standing("r1", "classify", "ready", None, 1),
        Standing("r2", None, "finished", None, 1),
        Standing("r2", "classify", "running", None, 1),
    ]
    clock.now += 11
    assert Standing("r2", "classify", "ready", None, 1) in runs.counts()
    assert lost is not None


def test_iterate_finds_by_revision_step_and_id(url, clock):
    old = store(url, 1, clock=clock)
    ids = sorted(old.start(state()) for _ in range(5))
    runs = store(url, 2, clock=clock)
    runs.upgrade(ids[0])
    with runs.load(ids[1]) as run:
        run.finish()

    def found(where, batch=2):
        return [row.run_id for rows in runs.iterate(where, batch=batch) for row in rows]

    assert found(RunFilter()) == [ids[0], *ids[2:]]
    assert found(RunFilter(ended=True)) == ids
    assert found(RunFilter(revision="r2")) == [ids[0]]
    assert found(RunFilter(not_revision="r2")) == ids[2:]
    assert found(RunFilter(run_ids=ids[3:])) == ids[3:]
    assert found(RunFilter(step="classify")) == [ids[0], *ids[2:]]
    assert found(RunFilter(step="CLASSIFY")) == []


def test_a_newer_format_is_refused_before_anything_is_touched(url):
    runs = store(url, 1)
    runs.start(state())
    with runs.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_meta SET value = '2' WHERE name = 'format'"))
    with pytest.raises(StoreError) as failed:
        store(url, 1).claim("w")
    assert str(failed.value) == (
        "the store has format 2, this statemig knows format 1. "
        "Install the newer statemig that wrote it; nothing was read or changed"
    )


def test_tables_are_not_made_where_that_was_not_wanted(url):
    with pytest.raises(StoreError) as failed:
        store(url, 1, create=False).counts()
    assert str(failed.value) == (
        "the store has no statemig tables. Open it once with create=True, or run `statemig init`"
    )


def test_a_url_that_is_none():
    with pytest.raises(StoreError) as failed:
        store("not a url", 1)
    assert str(failed.value) == (
        "the store's URL can not be read. It looks like sqlite:///runs.db or "
        "postgresql+psycopg://user@host/database; in a password, write @ : / in their %-escapes"
    )


def test_a_url_of_an_unknown_database():
    with pytest.raises(StoreError) as failed:
        store("oracle+nothing://me:hunter2@host/runs", 1)
    assert str(failed.value) == (
        "the store's URL names a database nobody knows here: oracle+nothing. It looks like sqlite:///runs.db or "
        "postgresql+psycopg://user@host/database; a dialect of another package must be installed"
    )


@pytest.mark.parametrize(
    "bad",
    [
        "oracle+nothing://me:hunter2@host/runs",
        "me:hunter2@host/runs",
        "sqlite://me:hunter2@host/runs",
        "postgresql://me:more@host:hunter2/runs",
    ],
)
def test_a_bad_url_keeps_its_password_to_itself(bad):
    with pytest.raises(StoreError) as failed:
        store(bad, 1)
    assert "hunter2" not in "".join(traceback.format_exception_only(failed.value))
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_a_store_in_memory_and_the_real_clock():
    runs = store("sqlite://", 1)
    run_id = runs.start(state())
    run = runs.claim("w", ttl=5)
    assert run.run_id == run_id
    assert 4 < run.lease_until - time.time() <= 5


def test_a_history_of_nothing_is_refused(url):
    with pytest.raises(StoreError, match="history_limit must be at least 1"):
        store(url, 1, history_limit=0)


def test_runs_are_counted_by_revision_once_each(url, clock):
    old = store(url, 1, clock=clock)
    ended = old.start(state())
    with old.load(ended) as run:
        run.finish()
    old.start(state())
    store(url, 2, clock=clock).start({"topic": "t", "priority": "p"})

    assert sorted(old.revisions()) == [("r1", "active", 1), ("r1", "finished", 1), ("r2", "active", 1)]
