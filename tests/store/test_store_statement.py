"""Statements that go past SQLAlchemy's Core are the same for who looks on, and leave the same in the database."""

from sqlalchemy import create_engine, event, text
from triage_runs import store


def test_who_listens_to_an_engine_hears_the_reads_of_the_store(url, clock):
    engine = create_engine(url)
    runs = store(engine, clock=clock)
    run_id = runs.start({"topic": "refund", "priority": "normal"})
    heard = []
    event.listen(engine, "before_cursor_execute", lambda *args: heard.append(args[2]))

    runs.read(run_id)

    assert [statement.split()[0] for statement in heard] == ["SELECT"]


def test_documents_stay_text_in_the_database(url, clock):
    runs = store(url, clock=clock)
    run_id = runs.start({"topic": "refund", "priority": "normal"})
    with runs.load(run_id) as run:
        run.state["topic"] = "Grüße"

    with runs.engine.connect() as connection:
        kind_of = "typeof" if url.startswith("sqlite") else "pg_typeof"
        kind, document = connection.execute(
            text(f"SELECT {kind_of}(document), document FROM statemig_runs")
        ).one()

    assert kind == "text"
    assert "Grüße" in document
    assert runs.read(run_id).state["topic"] == "Grüße"


def test_a_database_that_is_not_in_utf8_is_read_and_written(sqlite_url, clock):
    engine = create_engine(sqlite_url)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA encoding = 'UTF-16le'"))
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
        connection.commit()
    runs = store(engine, clock=clock)
    run_id = runs.start({"topic": "refund", "priority": "normal"})
    with runs.load(run_id) as run:
        run.state["topic"] = "Grüße"

    assert runs.read(run_id).state["topic"] == "Grüße"


def test_what_the_deploy_says_is_looked_up_past_the_core(url, clock, monkeypatch):
    runs = store(create_engine(url), clock=clock)
    runs.start({"topic": "refund", "priority": "normal"})

    def refuse(engine):
        raise AssertionError("a look at a key went through Core")

    monkeypatch.setattr(type(runs.engine), "connect", refuse)
    assert runs.deploy.generation() is None
