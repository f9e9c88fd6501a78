"""Loading and reading: for code that schedules by itself, and for looking."""

# ruff: noqa: PT012 (the end of a run's block is what raises)

import pytest
from sqlalchemy import event, text
from triage_runs import StateV2, state, store

from statemig import Migrator, Revision, RunStore
from statemig.errors import (
    ConflictError,
    CursorError,
    ForeignRevisionError,
    InvalidStateError,
    MigrationHeld,
    MigrationPinned,
    NewerRevisionError,
    RunNotFoundError,
    UnknownRevisionError,
    UnstampedError,
)

V2_STATE = {"topic": "refund", "digest": ["s"], "log": [], "priority": "normal"}


def rows_of(runs):
    with runs.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM statemig_runs"))]


def writes_of(runs):
    written = []
    event.listen(
        runs.engine,
        "before_cursor_execute",
        lambda c, cursor, statement, *rest: written.append(statement.split()[0]),
    )
    return lambda: [word for word in written if word != "SELECT"]


def test_load_upgrades_and_writes_at_the_end_of_the_block(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)

    with runs.load(run_id) as run:
        assert run.state == V2_STATE
        run.state["topic"] = "new"
        run.advance("review", output={"label": "x"})

    view = runs.read(run_id)
    assert (view.state["topic"], view.cursor[0]["step"], view.stored_revision) == ("new", "review", "r2")
    assert [(e.cause, e.from_revision, e.to_revision) for e in runs.history(run_id)] == [("load", "r1", "r2")]
    assert [(a.step, a.outcome, a.worker) for a in runs.attempts(run_id)] == [("classify", "done", None)]


def test_load_writes_an_upgrade_even_where_nothing_else_changed(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)
    with runs.load(run_id):
        pass

    assert runs.read(run_id).stored_revision == "r2"


def test_load_of_a_current_run_that_changes_nothing_writes_nothing(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    written = writes_of(runs)
    with runs.load(run_id) as run:
        run.state["topic"] = "refund"

    assert written() == []


def test_load_writes_nothing_after_an_exception(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)
    before = rows_of(runs)
    with pytest.raises(RuntimeError), runs.load(run_id) as run:
        run.state["topic"] = "half"
        raise RuntimeError

    assert rows_of(runs) == before


def test_a_load_that_raises_is_written_down_with_its_error_and_disturbs_nobody(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.load(run_id) as other:
        for _ in range(2):
            with pytest.raises(ValueError), runs.load(run_id):
                raise ValueError("the text of it is not kept")
        other.state["topic"] = "saved"
    found = [(a.step, a.revision, a.outcome, a.error, a.token < 0) for a in runs.attempts(run_id)]
    assert found == [("classify", "r1", "error", "ValueError", True)] * 2
    assert runs.read(run_id).state["topic"] == "saved"


def test_of_two_loads_the_later_save_is_refused(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with pytest.raises(ConflictError) as failed, runs.load(run_id) as second:
        with runs.load(run_id) as first:
            first.state["topic"] = "first"
        second.state["topic"] = "second"

    assert runs.read(run_id).state["topic"] == "first"
    assert str(failed.value) == (
        f"run {run_id}, step classify: somebody else has written the run since it was taken; nothing was written. "
        "Take it again and repeat the change"
    )


def test_an_answer_during_a_load_of_an_old_run_is_merged(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    with old.load(run_id) as run:
        run.cursor.append({"id": "q1", "step": "approve", "status": "waiting", "on": "human", "key": "k"})
    runs = store(url, 2, clock=clock)

    with runs.load(run_id) as run:
        runs.answer(run_id, "k", {"approved": True})
        run.state["topic"] = "worked"

    view = runs.read(run_id)
    assert view.state["topic"] == "worked"
    assert view.cursor[1]["answer"] == {"approved": True}
    assert len(runs.history(run_id)) == 1


def test_a_run_under_a_lease_is_not_loaded(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    runs.claim("w1")
    with pytest.raises(ConflictError) as failed:
        runs.load(run_id)

    assert str(failed.value) == (
        f"run {run_id}: worker w1 holds the run. Wait for it or for the end of its lease, or use store.read(run_id)"
    )


def test_load_takes_the_position_on_a_named_step(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.load(run_id) as run:
        run.cursor.append({"id": "b", "step": "check", "status": "ready"})

    assert runs.load(run_id).step == "classify"
    assert runs.load(run_id, step="check").position["id"] == "b"
    with pytest.raises(CursorError, match=r"the run does not stand at 'send'\. It stands at classify, check"):
        runs.load(run_id, step="send")


def test_a_state_can_be_replaced_by_a_model(url, clock):
    runs = store(url, 2, clock=clock)
    run_id = runs.start(StateV2(topic="t", priority="p"))
    with runs.load(run_id) as run:
        model = StateV2.model_validate(run.state)
        model.topic = "from a model"
        run.state = model

    assert runs.read(run_id).state == {"topic": "from a model", "digest": [], "log": [], "priority": "p"}


def test_read_shows_head_and_writes_nothing(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)
    before = rows_of(runs)
    written = writes_of(runs)

    view = runs.read(run_id)

    assert (view.state, view.revision, view.stored_revision, view.started_revision) == (
        V2_STATE,
        "r2",
        "r1",
        "r1",
    )
    assert (view.status, view.outputs, view.cursor[0]["step"]) == ("active", {}, "classify")
    assert rows_of(runs) == before
    assert written() == []


@pytest.mark.parametrize("policy", ["hold", "pin"])
def test_a_held_or_pinned_run_stays_whole_at_its_revision(url, clock, policy):
    old = store(url, 2, clock=clock)
    run_id = old.start({"topic": "t", "priority": "p"}, step="check")
    runs = store(url, 3, policy=lambda op: getattr(op, policy)(), clock=clock)
    before = rows_of(runs)
    error = MigrationHeld if policy == "hold" else MigrationPinned

    with pytest.raises(error) as failed:
        runs.read(run_id)
    assert failed.value.step == "check"
    assert runs.failures() == []
    with pytest.raises(error):
        runs.load(run_id)

    assert rows_of(runs) == before
    assert [f.run_id for f in runs.failures()] == [run_id]


def test_a_run_that_moves_past_what_held_it_is_listed_no_more(url, clock):
    old = store(url, 2, clock=clock)
    run_id = old.start({"topic": "t", "priority": "p"}, step="check")
    runs = store(url, 3, policy=lambda op: op.hold(), clock=clock)
    with pytest.raises(MigrationHeld):
        runs.load(run_id)
    with old.claim("w-old") as run:
        run.advance("send")

    assert runs.failures() == []
    assert runs.claim("w").step == "send"


def test_a_pin_says_who_may_take_the_run(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    runs = store(url, 2, clock=clock)
    runs.pin(run_id, "r1")

    with pytest.raises(MigrationPinned) as failed:
        runs.read(run_id)
    assert str(failed.value) == (
        f"run {run_id}, workflow triage, revision r1: the run is pinned to revision r1 and stays there. "
        "A worker of r1 can take it; store.pin(run_id, None) lets it go"
    )
    runs.pin(run_id, None)
    assert runs.read(run_id).revision == "r2"


def test_a_run_of_a_newer_version_is_refused_and_untouched(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = new.start({"topic": "t", "priority": "p"})
    before = rows_of(old)

    for attempt in (old.read, old.load):
        with pytest.raises((UnknownRevisionError, NewerRevisionError)) as failed:
            attempt(run_id)
        assert "r2" in str(failed.value)
    assert rows_of(old) == before
    assert [(failure.run_id, failure.kind) for failure in old.failures()] == [(run_id, "unknown")]


def test_an_invalid_stored_state_is_told_apart_from_a_wrong_migration(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    with old.engine.begin() as connection:
        connection.execute(
            text("UPDATE statemig_runs SET checked = false, document = replace(document, '\"refund\"', '17')")
        )
    runs = store(url, 2, clock=clock)
    before = rows_of(runs)

    with pytest.raises(InvalidStateError) as failed:
        runs.load(run_id)

    assert failed.value.revision == "r1"
    assert "state.topic: expected string" in str(failed.value)
    assert rows_of(runs) == before
    [failure] = runs.failures()
    assert (failure.kind, failure.path) == ("invalid", "state.topic")


def test_an_unchecked_state_at_head_is_validated_too(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.engine.begin() as connection:
        connection.execute(
            text("UPDATE statemig_runs SET checked = false, document = replace(document, '\"refund\"', '17')")
        )

    with pytest.raises(InvalidStateError):
        runs.read(run_id)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("{oops secret", "what is stored is not JSON"),
        ('["secret"]', "what is stored is not a run document: expected an object with state, cursor"),
        ('{"state": 1}', "path state: what is stored is not a run document: expected an object"),
    ],
)
def test_a_row_that_holds_no_document_is_named(url, clock, stored, message):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET document = :d"), {"d": stored})

    with pytest.raises(InvalidStateError) as failed:
        runs.read(run_id)
    assert message in str(failed.value)
    assert run_id in str(failed.value)
    assert "secret" not in str(failed.value)
    assert runs.claim("w") is None
    assert [f.kind for f in runs.failures()] == ["invalid"]


def test_a_run_that_is_not_there(url, clock):
    with pytest.raises(RunNotFoundError) as failed:
        store(url, 1, clock=clock).read("nope")
    assert str(failed.value) == "run nope, workflow triage: there is no such run. Is this the right store?"


def test_a_run_of_another_workflow_is_named_as_such(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    other = RunStore(url, Migrator(revisions=[Revision("x1", workflow="other")]))
    with pytest.raises(ForeignRevisionError) as failed:
        other.read(run_id)
    assert str(failed.value) == (
        f"run {run_id}, workflow other: the run belongs to the workflow triage. Open the store with the migrator of triage"
    )


def test_a_missing_stamp_is_refused_unless_the_store_says_what_it_is(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    strict = store(url, 2, clock=clock)
    with strict.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = NULL"))

    with pytest.raises(UnstampedError) as failed:
        strict.load(run_id)
    assert str(failed.value) == (
        f"run {run_id}: the run does not say which revision its document has. "
        "Open the store with unstamped=REV, or stamp the run with store.stamp(REV, [run_id])"
    )
    assert strict.claim("w") is None
    assert [f.kind for f in strict.failures()] == ["unstamped"]

    trusting = store(url, 2, unstamped="r1", clock=clock)
    assert trusting.read(run_id).state == V2_STATE


def test_a_stamp_names_what_has_none_and_touches_no_other(url, clock):
    runs = store(url, 2, clock=clock)
    lost, other = runs.start({"topic": "a", "priority": "p"}), runs.start({"topic": "b", "priority": "p"})
    with runs.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = NULL WHERE run_id = :r"), {"r": lost})

    assert runs.stamp("r2") == 1
    assert runs.read(lost).stored_revision == "r2"
    assert runs.history(other) == []
    assert [(e.kind, e.from_revision, e.to_revision) for e in runs.history(lost)] == [("stamp", None, "r2")]
