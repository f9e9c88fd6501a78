"""Runs in the user's own table: nothing is added to it, and its content is compared at every write."""

# ruff: noqa: PT012 (the end of a run's block is what raises)

import json

import pytest
from sqlalchemy import create_engine, inspect, text
from triage_runs import migrator, state

from statemig import RunStore, RunTable
from statemig.errors import ConfigError, ConflictError, InvalidStateError, RunNotFoundError, UnstampedError
from statemig.fleet.backfill import upgrade_all

V2_STATE = {"topic": "refund", "digest": ["s"], "log": [], "priority": "normal"}


@pytest.fixture
def engine(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (id INTEGER PRIMARY KEY, customer TEXT, state JSON)"))
        for number in (1, 2, 3):
            connection.execute(
                text("INSERT INTO jobs VALUES (:id, 'c', :state)"),
                {"id": number, "state": json.dumps(state())},
            )
    return engine


def opened(engine, upto=2, **options):
    table = options.pop("table", RunTable("jobs", id="id", state="state"))
    return RunStore(engine, migrator(upto), table=table, **options)


def jobs(engine):
    with engine.connect() as connection:
        return {
            row.id: json.loads(row.state)
            for row in connection.execute(text("SELECT id, CAST(state AS TEXT) AS state FROM jobs"))
        }


def set_state(engine, number, value):
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET state = :s WHERE id = :i"), {"s": json.dumps(value), "i": number}
        )


def test_a_row_without_a_stamp_is_refused_unless_the_store_says_what_it_is(engine):
    with pytest.raises(UnstampedError, match="run 1: the run does not say which revision"):
        opened(engine).load("1")
    assert opened(engine, unstamped="r1").read("1").state == V2_STATE
    assert jobs(engine)[1] == state()


def test_load_upgrades_the_users_column_and_leaves_the_rest_alone(engine):
    runs = opened(engine, unstamped="r1")
    with runs.load("1") as run:
        run.state["topic"] = "new"

    assert jobs(engine) == {1: {**V2_STATE, "topic": "new"}, 2: state(), 3: state()}
    view = runs.read("1")
    assert (view.stored_revision, view.started_revision, view.state["topic"]) == ("r2", "r1", "new")
    assert [(e.from_revision, e.to_revision) for e in runs.history("1")] == [("r1", "r2")]
    assert [column["name"] for column in inspect(engine).get_columns("jobs")] == ["id", "customer", "state"]


def test_a_row_without_content_is_named_and_the_rest_go_on(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = NULL WHERE id = 2"))
    runs = opened(engine, unstamped="r1")

    with pytest.raises(InvalidStateError, match=r"run 2.*: nothing is stored: the column is null"):
        runs.read("2")
    done = upgrade_all(runs)
    assert (done.moved, [failure.run_id for failure in done.failures]) == (2, ["2"])


def test_the_stamp_makes_sure_that_nothing_is_upgraded_twice(engine):
    runs = opened(engine, unstamped="r1")
    for _ in range(2):
        with runs.load("1") as run:
            assert run.state["digest"] == ["s"]


def test_a_write_of_the_user_in_between_is_a_conflict(engine):
    runs = opened(engine, unstamped="r1")
    with pytest.raises(ConflictError), runs.load("1") as run:
        set_state(engine, 1, state(topic="the user's own"))
        run.state["topic"] = "mine"
    assert jobs(engine)[1]["topic"] == "the user's own"
    assert runs.history("1") == []

    with runs.load("2"):
        pass
    with pytest.raises(ConflictError), runs.load("2") as run:
        set_state(engine, 2, {**V2_STATE, "topic": "the user's own"})
        run.state["topic"] = "mine"
    assert jobs(engine)[2]["topic"] == "the user's own"


def test_content_that_the_user_wrote_since_is_validated_again(engine):
    runs = opened(engine, unstamped="r1")
    with runs.load("1"):
        pass
    set_state(engine, 1, state())

    with pytest.raises(InvalidStateError, match="the document does not fit the revision it is stamped with"):
        runs.load("1")


def test_a_stamped_fleet_is_claimed_answered_and_brought_down(engine):
    old = opened(engine, 1)
    assert old.stamp("r1") == 3
    assert old.claim("w") is None
    with old.load("1") as run:
        run.cursor.append({"id": "p1", "step": "classify", "status": "ready"})
    runs = opened(engine)

    with runs.claim("w") as run:
        assert run.run_id == "1"
        run.wait("review", "k", output={"label": "x"})
    runs.answer("1", "k", {"approved": True})
    with runs.claim("w") as run:
        run.advance("check", output=run.answer)

    assert jobs(engine)[1] == V2_STATE
    runs.downgrade("1", "r1")
    assert jobs(engine)[1] == state()
    assert old.read("1").outputs == {"classify": {"label": "x"}, "approve": {"approved": True}}
    assert sum(each.count for each in runs.counts()) == 3


def test_a_run_can_be_started_in_the_users_table(engine):
    runs = opened(engine, 1)
    assert runs.start(state(topic="started"), run_id="9") == "9"
    assert jobs(engine)[9]["topic"] == "started"
    assert runs.claim("w").step == "classify"
    with pytest.raises(RunNotFoundError) as failed:
        runs.start(state(), run_id="nine")
    assert str(failed.value) == (
        "'nine' can not be an id in the table jobs. Its column id is INTEGER; give run_id="
    )


def test_a_column_can_hold_the_whole_document(engine):
    document = {"state": state(), "cursor": [{"id": "p", "step": "classify", "status": "ready"}], "extra": 1}
    set_state(engine, 1, document)
    runs = opened(engine, unstamped="r1", table=RunTable("jobs", document="state"))
    with runs.load("1") as run:
        run.advance(output={"label": "x"})

    stored = jobs(engine)[1]
    assert stored["state"] == V2_STATE
    assert stored["cursor"][0]["step"] == "review"
    assert stored["extra"] == 1


def test_rows_are_listed_in_batches_stamped_or_not(engine):
    runs = opened(engine, unstamped="r1")
    with runs.load("2"):
        pass
    assert [[row.run_id for row in rows] for rows in runs.iterate(batch=2)] == [["1", "2"], ["3"]]


def test_a_row_that_is_not_there(engine):
    with pytest.raises(RunNotFoundError):
        opened(engine).read("77")
    with pytest.raises(RunNotFoundError):
        opened(engine).read("not a number")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (RunTable("nope", state="state"), "there is no table nope in the store"),
        (RunTable("jobs", state="stat"), "the table jobs has no column 'stat'. It has id, customer, state"),
        (RunTable("jobs", id="key", state="state"), "the table jobs has no column 'key'"),
    ],
)
def test_a_table_that_does_not_fit(engine, table, message):
    with pytest.raises(ConfigError) as failed:
        opened(engine, table=table).read("1")
    assert message in str(failed.value)


def test_a_table_needs_one_of_state_and_document():
    with pytest.raises(ConfigError, match=r"RunTable\('jobs'\) needs either state= or document="):
        RunTable("jobs")
    with pytest.raises(ConfigError):
        RunTable("jobs", state="a", document="b")
