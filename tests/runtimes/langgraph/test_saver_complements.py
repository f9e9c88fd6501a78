"""What an upgrade removed lies beside the checkpoints: a thread is brought back exactly, and checkpoints stay small."""

from __future__ import annotations

import asyncio
import json
import math
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_nodes import Build, Log, asks, chain, reports, writes, yes
from langgraph_play import THREAD, Scenario
from langgraph_savers import Storage
from langgraph_scenarios.fields import PLAIN, without
from langgraph_states import Fields, Kind, forget_classes, graph_of
from langgraph_threads import Threads
from pydantic import BaseModel

from statemig import Migrator, Revision
from statemig.autogenerate.propose import propose
from statemig.errors import StoreError
from statemig.fleet.backfill import downgrade_all, upgrade_all
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture
from statemig.runtimes.langgraph.stored.complements import TABLE, Read, Write
from statemig.runtimes.langgraph.stored.rows import rows_beside

CAN_COPY = hasattr(BaseCheckpointSaver, "copy_thread")
DRAFT = "a long draft " * 1_000
WITHOUT_DRAFT = without(PLAIN, "draft")


def _told(field: str | None) -> Build:
    """Two questions, and a report of what was written before them."""
    drafted = {"draft": DRAFT} if field else {}
    return chain(
        PLAIN if field else WITHOUT_DRAFT,
        write=writes("write", **drafted),
        approve=asks("approve", "answer"),
        check=asks("check", "note"),
        confirm=asks("confirm", "note"),
        send=reports(*([field] if field else []), "answer"),
    )


def _inside(build: Build, fields: Fields) -> Build:
    """The same as a subgraph."""

    def outer(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, fields)
        graph.add_node("inner", build(log, kind).compile())
        graph.add_edge(START, "inner")
        graph.add_edge("inner", END)
        return graph

    return outer


REMOVED = Scenario(
    "field-removed",
    (_told("draft"), _told(None)),
    (lambda op: op.remove_field("state.draft"),),
    (),
    None,
    (),
)
REMOVED_INSIDE = Scenario(
    "field-removed-in-a-subgraph",
    (_inside(_told("draft"), PLAIN), _inside(_told(None), WITHOUT_DRAFT)),
    REMOVED.scripts,
    (),
    None,
    (),
)
both = pytest.mark.parametrize("scenario", [REMOVED, REMOVED_INSIDE], ids=lambda each: each.name)


class Workers:
    """Workers of both versions around one saver."""

    def __init__(self, inner: Any, scenario: Scenario = REMOVED) -> None:
        self.inner = inner
        self.scenario = scenario
        self.migrator = scenario.migrator()
        self.log: Log = []

    def saver(self, version: int = 2) -> MigratingSaver:
        return MigratingSaver(self.inner, self.migrator, on_newer="downgrade", revision=f"r{version}")

    def run(self, version: int, *inputs: Any, config: Any = THREAD, **options: Any) -> Any:
        forget_classes()
        graph = self.scenario.versions[version - 1](self.log).compile(
            checkpointer=self.saver(version), name="flow"
        )
        for value in inputs:
            graph.invoke(value, config, **options)
        return graph.get_state(config)

    async def arun(self, version: int, *inputs: Any) -> None:
        forget_classes()
        graph = self.scenario.versions[version - 1](self.log).compile(
            checkpointer=self.saver(version), name="flow"
        )
        for value in inputs:
            await graph.ainvoke(value, THREAD)

    def upgraded(self, config: Any = THREAD) -> None:
        """The thread has lost its draft, and stands on the last question."""
        self.run(1, {"topic": "x"}, config=config)
        self.run(2, yes, Command(resume="fine"), config=config)

    def stamps(self) -> list[dict[str, Any]]:
        stored = self.inner.list({"configurable": {"thread_id": "t1"}})
        return [each.metadata["statemig"] for each in stored]

    def rows(self) -> list[tuple[str, ...]]:
        if isinstance(self.inner, SqliteSaver):
            with self.inner.cursor() as cursor:
                return cursor.execute(f"SELECT thread_id, digest FROM {TABLE} ORDER BY 1, 2").fetchall()
        return sorted(self.inner.__dict__[TABLE])


@contextmanager
def sqlite_saver(where: Path, kind: type[SqliteSaver] = SqliteSaver) -> Iterator[SqliteSaver]:
    with closing(sqlite3.connect(where, check_same_thread=False)) as connection:
        yield kind(connection)


# -- the way back ------------------------------------------------------------------------------------------------------


@both
def test_what_was_removed_comes_back_after_several_checkpoints(scenario: Scenario, storage: Storage) -> None:
    with storage.open() as inner:
        workers = Workers(inner, scenario)
        workers.upgraded()
        workers.run(1, Command(resume="sure"))
    assert workers.log == [
        "write",
        "approve: yes",
        "check: fine",
        "confirm: sure",
        f"draft={DRAFT!r}; answer='yes'",
    ]


@both
def test_what_was_removed_comes_back_in_an_event_loop(scenario: Scenario, storage: Storage) -> None:
    async def go() -> Log:
        async with storage.aopen() as inner:
            workers = Workers(inner, scenario)
            await workers.arun(1, {"topic": "x"})
            await workers.arun(2, yes, Command(resume="fine"))
            await workers.arun(1, Command(resume="sure"))
        return workers.log

    assert asyncio.run(go())[-1] == f"draft={DRAFT!r}; answer='yes'"


@both
def test_a_thread_is_brought_back_to_code_without_statemig_with_what_was_removed(
    scenario: Scenario, storage: Storage
) -> None:
    with storage.open() as inner:
        workers = Workers(inner, scenario)
        workers.upgraded()
        workers.saver().downgrade(THREAD, to="r1")
        scenario.versions[0](workers.log).compile(checkpointer=inner).invoke(Command(resume="sure"), THREAD)
    assert workers.log[-2:] == ["confirm: sure", f"draft={DRAFT!r}; answer='yes'"]


def test_what_a_downgrade_removed_comes_back_with_the_next_upgrade(storage: Storage) -> None:
    """What version 2 has written is not lost because version 1 has gone on in between."""
    scenario = Scenario(
        "", REMOVED.versions[::-1], (lambda op: op.add_field("state.draft", default="-"),), (), (), None, ()
    )
    with storage.open() as inner:
        workers = Workers(inner, scenario)
        workers.run(2, {"topic": "x"})
        workers.run(1, yes, Command(resume="fine"))
        assert workers.run(2).values["draft"] == DRAFT


def _beside(fields: Fields, **found: Any) -> Build:
    """One branch finishes while the other asks."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, fields)
        graph.add_node("find", writes("find", **found)(log))
        graph.add_node("approve", asks("approve", "answer")(log))
        graph.add_edge(START, "find")
        graph.add_edge(START, "approve")
        graph.add_edge("find", END)
        graph.add_edge("approve", END)
        return graph

    return build


def test_what_a_finished_branch_has_written_comes_back_with_the_next_upgrade(storage: Storage) -> None:
    """It is a pending write of a task, whose id is another one after the thread was brought back."""
    scenario = Scenario(
        "",
        (_beside(WITHOUT_DRAFT, note="n"), _beside(PLAIN, draft=DRAFT)),
        (lambda op: op.add_field("state.draft", optional=True),),
        (),
        None,
        (),
    )
    with storage.open() as inner:
        workers = Workers(inner, scenario)
        workers.run(2, {"topic": "x"})
        workers.saver().downgrade(THREAD, to="r1")
        assert workers.run(1).next == ("approve",)
        assert workers.run(2, yes).values["draft"] == DRAFT
    assert sorted(workers.log) == ["approve: yes", "find"]


@both
def test_threads_that_a_fleet_has_brought_up_and_back_have_what_was_removed(
    scenario: Scenario, database: Storage
) -> None:
    threads = Threads(scenario, database)
    threads.run("t1", 1, {"topic": "x"})
    fleet = threads.fleet()
    assert upgrade_all(fleet).moved == 1
    with database.open() as inner:
        assert all(DRAFT not in json.dumps(each) for each in Workers(inner).stamps())
    threads.run("t1", 2, yes)
    assert downgrade_all(fleet, "r1").moved == 1
    threads.run("t1", 1, Command(resume="fine"), Command(resume="sure"), wrapped=False)
    assert threads.log[-1] == f"draft={DRAFT!r}; answer='yes'"


def _judging(fields: Fields, **found: Any) -> Build:
    return chain(
        fields,
        approve=asks("approve", "answer"),
        judge=writes("judge", **found),
        check=asks("check", "note"),
    )


@pytest.mark.parametrize("kind", ["TypedDict", "pydantic", "dataclass"])
def test_what_autogenerate_writes_for_an_optional_key_has_a_way_back(kind: Kind) -> None:
    """Which nothing needs on the way up, and an old worker would be refused without."""
    versions = (_judging(PLAIN), _judging({**PLAIN, "risk": str}, risk="high"))
    old, new = (capture(build([], kind).compile(name="flow")) for build in versions)
    proposal = propose(old, new)

    def script(op: Any) -> None:
        for each in proposal.operations:
            op.record(each)

    migrator = Migrator(
        revisions=[
            Revision("r1", snapshot=old, workflow="flow"),
            Revision("r2", "r1", upgrade=script, snapshot=new, workflow="flow"),
        ]
    )
    inner, log = InMemorySaver(), list[str]()

    def run(version: int, *inputs: Any) -> Any:
        saver = MigratingSaver(inner, migrator, revision=f"r{version}", on_newer="downgrade")
        forget_classes()
        graph = versions[version - 1](log, kind).compile(checkpointer=saver, name="flow")
        for value in inputs:
            graph.invoke(value, THREAD)
        return graph.get_state(THREAD)

    run(2, {"topic": "x"}, yes)
    assert "risk" not in run(1).values
    assert run(2).values["risk"] == "high"
    run(1, Command(resume="fine"))
    assert run(2).values["risk"] == "high"
    MigratingSaver(inner, migrator).downgrade(THREAD, to="r1")
    assert "risk" not in inner.get_tuple(THREAD).checkpoint["channel_values"]  # type: ignore[union-attr]


# -- small and shared --------------------------------------------------------------------------------------------------


def test_a_checkpoint_carries_the_name_of_a_row_and_not_what_was_removed(storage: Storage) -> None:
    with storage.open() as inner:
        workers = Workers(inner)
        workers.upgraded()
        newest, before, *_ = workers.stamps()
    assert newest["complement"] == before["complement"]
    assert [*newest["complement"]] == ["$at"]
    assert len(json.dumps(newest)) < 300


def test_all_checkpoints_of_a_thread_share_one_row(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db") as inner:
        workers = Workers(inner)
        workers.upgraded()
        assert [thread for thread, _ in workers.rows()] == ["t1"]


def test_a_thread_that_lost_nothing_makes_no_table(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db") as inner:
        workers = Workers(inner)
        workers.run(2, {"topic": "x"}, yes)
        workers.saver().delete_thread("t1")
        with inner.cursor() as cursor:
            tables = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert sorted(name for (name,) in tables) == ["checkpoints", "writes"]


def test_get_state_shows_nothing_of_it(storage: Storage) -> None:
    with storage.open() as inner:
        workers = Workers(inner)
        workers.upgraded()
        said = workers.run(2).metadata["statemig"]
    assert "complement" not in said


class Unknown(BaseCheckpointSaver[str]):
    """A saver that statemig does not know, whose storage it therefore leaves alone."""

    def __init__(self, inner: InMemorySaver) -> None:
        super().__init__(serde=inner.serde)
        self.get_tuple = inner.get_tuple  # type: ignore[method-assign]
        self.list = inner.list  # type: ignore[method-assign]
        self.put = inner.put  # type: ignore[method-assign]
        self.put_writes = inner.put_writes  # type: ignore[method-assign]
        self.get_next_version = inner.get_next_version  # type: ignore[method-assign]


def test_beside_an_unknown_saver_it_travels_in_the_checkpoints() -> None:
    workers = Workers(Unknown(InMemorySaver()))
    workers.upgraded()
    assert DRAFT in json.dumps(workers.stamps()[0])
    workers.run(1, Command(resume="sure"))
    assert workers.log[-1] == f"draft={DRAFT!r}; answer='yes'"


def test_a_complement_that_travelled_in_a_checkpoint_goes_into_a_row_with_the_next() -> None:
    memory = InMemorySaver()
    workers = Workers(Unknown(memory))
    workers.run(1, {"topic": "x"})
    workers.run(2, yes)
    workers.inner = memory
    workers.run(2, Command(resume="fine"))
    newest, before, *_ = workers.stamps()
    assert "$at" in newest["complement"]
    assert "r2/0" in before["complement"]
    assert workers.run(1).values["draft"] == DRAFT


# -- rows that are not there, or may not be ----------------------------------------------------------------------------


def test_a_row_that_is_gone_is_said_where_it_is_needed(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db") as inner:
        workers = Workers(inner)
        workers.upgraded()
        ((thread, name),) = workers.rows()
        with inner.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE}")
        assert workers.run(2).next == ("confirm",)
        with pytest.raises(StoreError, match=f"run t1: .*table {TABLE} has no row '{name}' for the thread"):
            workers.run(1)
        with inner.cursor() as cursor:  # as the hint says
            cursor.execute(f"INSERT INTO {TABLE} VALUES (?, ?, 'bytes', '{{}}')", (thread, name))
        assert "draft" not in workers.run(1).values


@contextmanager
def _as_user_without_rights(address: str) -> Iterator[Any]:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    with psycopg.connect(address, autocommit=True) as owner:
        (schema,) = owner.execute("SELECT current_schema()").fetchone() or ()
        owner.execute("CREATE ROLE worker")
        owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO worker")
        owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO worker")
        try:
            with psycopg.connect(address, autocommit=True, row_factory=dict_row) as connection:
                connection.execute("SET ROLE worker")
                yield PostgresSaver(connection)
        finally:
            owner.execute("DROP OWNED BY worker")
            owner.execute("DROP ROLE worker")


def test_where_the_user_may_make_no_table_it_travels_in_the_checkpoints(postgres_storage: Storage) -> None:
    with postgres_storage.open():
        pass  # which makes the tables of the checkpoints
    with _as_user_without_rights(postgres_storage.where) as inner:
        workers = Workers(inner)
        workers.upgraded()
        assert DRAFT in json.dumps(workers.stamps()[0])
        workers.run(1, Command(resume="sure"))
    assert workers.log[-1] == f"draft={DRAFT!r}; answer='yes'"


def test_workers_that_make_the_table_at_the_same_time_do_not_disturb_each_other(
    postgres_storage: Storage,
) -> None:
    failed: list[BaseException] = []
    ready = threading.Barrier(6)

    def worker(number: int) -> None:
        try:
            with postgres_storage.open() as inner:
                ready.wait()
                rows = rows_beside(inner)
                assert rows is not None
                assert rows.do(Write("t1", f"row {number}", "bytes", b"{}"))
                assert rows.do(Read("t1", f"row {number}")) == ("bytes", b"{}")
        except BaseException as error:
            failed.append(error)

    with postgres_storage.open():
        pass
    workers = [threading.Thread(target=worker, args=(number,)) for number in range(6)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert failed == []


class Cipher:
    """A toy."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "toy", bytes(byte ^ 0x5A for byte in plaintext)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return bytes(byte ^ 0x5A for byte in ciphertext)


def test_rows_are_encrypted_where_checkpoints_are(tmp_path: Path) -> None:
    where = tmp_path / "c.db"
    with closing(sqlite3.connect(where, check_same_thread=False)) as connection:
        workers = Workers(SqliteSaver(connection, serde=EncryptedSerializer(Cipher())))
        workers.upgraded()
        assert workers.run(1).values["draft"] == DRAFT
    assert b"a long draft" not in where.read_bytes()


# -- deleting and copying ----------------------------------------------------------------------------------------------


class Able(SqliteSaver):
    """With what the one from LangGraph does not do yet."""

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        with self.cursor() as cursor:
            for table, rest in (
                (
                    "checkpoints",
                    "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
                ),
                ("writes", "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value"),
            ):
                cursor.execute(
                    f"INSERT INTO {table} (thread_id, {rest}) SELECT ?, {rest} FROM {table} WHERE thread_id = ?",
                    (target_thread_id, source_thread_id),
                )

    def delete_for_runs(self, run_ids: Any) -> None:
        with self.cursor() as cursor:
            for run in run_ids:
                cursor.execute(
                    "DELETE FROM checkpoints WHERE json_extract(CAST(metadata AS TEXT), '$.run_id') = ?",
                    (run,),
                )

    def prune(self, thread_ids: Any, *, strategy: str = "keep_latest") -> None:
        newest = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?1"
        with self.cursor() as cursor:
            for thread in thread_ids:
                cursor.execute(
                    f"DELETE FROM checkpoints WHERE thread_id = ?1 AND checkpoint_id NOT IN ({newest})",
                    (thread,),
                )


OTHER: Any = {"configurable": {"thread_id": "t2"}}


def test_a_deleted_thread_leaves_no_row_and_others_keep_theirs(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db") as inner:
        workers = Workers(inner)
        workers.upgraded()
        workers.upgraded(OTHER)
        workers.saver().delete_thread("t1")
        assert [thread for thread, _ in workers.rows()] == ["t2"]
        assert workers.run(1, config=OTHER).values["draft"] == DRAFT


def test_a_deleted_thread_leaves_no_row_in_memory() -> None:
    workers = Workers(InMemorySaver())
    workers.upgraded()
    workers.saver().delete_thread("t1")
    assert workers.rows() == []


def test_a_deleted_thread_leaves_no_row_in_an_event_loop(storage: Storage) -> None:
    async def go() -> Any:
        async with storage.aopen() as inner:
            workers = Workers(inner)
            await workers.arun(1, {"topic": "x"})
            await workers.arun(2, yes)
            (name,) = {
                each.metadata["statemig"]["complement"]["$at"] async for each in inner.alist(THREAD, limit=1)
            }
            await workers.saver().adelete_thread("t1")
            rows = rows_beside(inner)
            assert rows is not None
            return await rows.ado(Read("t1", name))

    assert asyncio.run(go()) is None


@pytest.mark.skipif(not CAN_COPY, reason="the SQLite saver of LangGraph 1.0.0 keeps other columns")
def test_a_copied_thread_has_its_own_rows(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db", Able) as inner:
        workers = Workers(inner)
        workers.upgraded()
        workers.saver().copy_thread("t1", "t2")
        workers.saver().delete_thread("t1")
        assert workers.run(1, config=OTHER).values["draft"] == DRAFT


def test_pruning_deletes_the_rows_that_nothing_names_any_more(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db", Able) as inner:
        workers = Workers(inner)
        workers.upgraded()
        workers.run(1, Command(resume="sure"))
        workers.run(2, {"topic": "y"}, yes)
        before = workers.rows()
        workers.saver().prune(["t1"])
        after = workers.rows()
        assert len(before) > len(after) == 1
        assert workers.run(1).values["draft"] == DRAFT


def test_deleting_what_some_runs_wrote_deletes_their_rows(tmp_path: Path) -> None:
    with sqlite_saver(tmp_path / "c.db", Able) as inner:
        workers = Workers(inner)
        workers.run(1, {"topic": "x"})
        run = {**THREAD, "metadata": {"run_id": "run-2"}}
        workers.run(2, yes, config=run)
        assert len(workers.rows()) == 1
        workers.saver().delete_for_runs(["run-2"])
        assert workers.rows() == []
        assert workers.run(1).values["draft"] == DRAFT


@pytest.mark.skipif(not CAN_COPY, reason="the savers of LangGraph 1.0.0 prune nothing")
def test_a_pruned_thread_comes_back(postgres_storage: Storage) -> None:
    with postgres_storage.open() as inner:
        workers = Workers(inner)
        workers.upgraded()
        workers.saver().prune(["t1"])
        assert workers.run(1).values["draft"] == DRAFT


# -- crashes -----------------------------------------------------------------------------------------------------------


def _killed_at(number: int, where: Path, work: Any) -> bool:
    """Whether a process that is killed when it begins its write with this number gets that far."""
    child = os.fork()
    if child == 0:
        count = 0

        def traced(sql: str) -> None:
            nonlocal count
            count += sql.startswith(("INSERT", "CREATE TABLE IF NOT EXISTS statemig", "COMMIT"))
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with closing(sqlite3.connect(where, check_same_thread=False)) as connection:
                connection.set_trace_callback(traced)
                work(SqliteSaver(connection))
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("step", ["upgrade", "bring-back"])
def test_a_kill_between_any_two_writes_loses_nothing(step: str, tmp_path: Path) -> None:
    origin = tmp_path / "origin.db"
    with sqlite_saver(origin) as inner:
        workers = Workers(inner)
        workers.run(1, {"topic": "x"})
        if step == "bring-back":
            workers.run(2, yes)

    def work(inner: SqliteSaver) -> None:
        workers = Workers(inner)
        if step == "bring-back":
            workers.saver().downgrade(THREAD, to="r1")
        else:
            workers.run(2, yes, durability="sync")

    killed = 0
    while True:
        where = tmp_path / f"{killed}.db"
        shutil.copy(origin, where)
        if not _killed_at(killed + 1, where, work):
            break
        killed += 1
        with sqlite_saver(where) as inner:
            workers = Workers(inner)
            found = workers.run(1)
            assert found.values["draft"] == DRAFT
            # next is empty where the step has finished, and only its checkpoint is missing
            left = {("approve",): [yes], (): [None], ("check",): []}[found.next]
            workers.run(2, *left, Command(resume="fine"))
            workers.run(1, Command(resume="sure"))
            assert workers.log[-1] == f"draft={DRAFT!r}; answer='yes'"
    assert killed >= 4


def test_a_number_that_json_cannot_say_is_brought_back(storage: Storage) -> None:
    def graph(*scores: float) -> Any:
        fields: Fields = {"answer": str, **({"scores": list} if scores else {})}
        builder = graph_of("TypedDict", fields)
        builder.add_node("rate", lambda state: {"scores": [*scores]} if scores else {})
        builder.add_node("ask", asks("ask", "answer")([]))
        builder.add_node("again", asks("again", "answer")([]))
        for before, after in ((START, "rate"), ("rate", "ask"), ("ask", "again"), ("again", END)):
            builder.add_edge(before, after)
        return builder

    first = Revision("r1", workflow="flow", snapshot=capture(graph(math.nan, math.inf).compile(name="flow")))
    second = Revision(
        "r2",
        "r1",
        workflow="flow",
        snapshot=capture(graph().compile(name="flow")),
        upgrade=lambda op: op.remove_field("state.scores"),
    )
    with storage.open() as inner:
        old = MigratingSaver(inner, Migrator(revisions=[first]))
        graph(math.nan, math.inf).compile(checkpointer=old, name="flow").invoke({"answer": ""}, THREAD)
        saver = MigratingSaver(inner, Migrator(revisions=[first, second]))
        graph().compile(checkpointer=saver, name="flow").invoke(yes, THREAD)
        saver.downgrade(THREAD, "r1")
        found = inner.get_tuple(THREAD)
        assert found is not None
        assert str(found.checkpoint["channel_values"]["scores"]) == "[nan, inf]"


# -- what is removed comes back as what it was -------------------------------------------------------------------------


class Paper(BaseModel):
    title: str
    pages: list[int] = []


@dataclass
class Note:
    text: str
    paper: Paper


class Rich(TypedDict, total=False):
    paper: Paper
    papers: list[Paper]
    note: Note
    key: bytes
    at: datetime
    tags: set[str]
    plain: dict[str, int]
    answer: str


class Poor(TypedDict, total=False):
    answer: str


RICH: dict[str, Any] = {
    "paper": Paper(title="a"),
    "papers": [Paper(title="b", pages=[1]), Paper(title="c")],
    "note": Note("n", Paper(title="d")),
    "key": b"\xff\x00",
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "tags": {"x", "y"},
    "plain": {"one": 1},
}


def _asking(state: Any) -> StateGraph[Any]:
    graph: StateGraph[Any] = StateGraph(state)
    graph.add_node("write", lambda state: RICH if "paper" in graph.channels else {})
    graph.add_node("approve", lambda state: {"answer": interrupt("Well?")})
    graph.add_node("sign", lambda state: {"answer": interrupt("Sure?")})
    for before, after in pairwise((START, "write", "approve", "sign", END)):
        graph.add_edge(before, after)
    return graph


def _rich_migrator(graph: Callable[[Any], StateGraph[Any]] = _asking) -> Migrator:
    return Migrator(
        revisions=[
            Revision("r1", workflow="flow", snapshot=capture(graph(Rich).compile(name="flow"))),
            Revision(
                "r2",
                "r1",
                workflow="flow",
                upgrade=lambda op: [op.remove_field(f"state.{name}") for name in RICH],
                snapshot=capture(graph(Poor).compile(name="flow")),
            ),
        ]
    )


def _rich(inner: Any, version: int, **options: Any) -> tuple[MigratingSaver, Any]:
    saver = MigratingSaver(inner, _rich_migrator(), revision=f"r{version}", **options)
    return saver, _asking((Rich, Poor)[version - 1]).compile(checkpointer=saver, name="flow")


def _values(found: Any) -> dict[str, Any]:
    return {name: found.checkpoint["channel_values"].get(name) for name in RICH}


def test_instances_that_an_upgrade_removed_come_back_as_instances(storage: Storage) -> None:
    with storage.open() as inner:
        _rich(inner, 1)[1].invoke({"answer": ""}, THREAD)
        saver, graph = _rich(inner, 2)
        graph.invoke(Command(resume="yes"), THREAD)  # it goes on under the new version
        assert set(_values(inner.get_tuple(THREAD)).values()) == {None}
        older = _rich(inner, 1, on_newer="downgrade")[0]
        assert _values(older.get_tuple(THREAD)) == RICH  # an older worker in a mixed fleet
        saver.downgrade(THREAD, "r1")
        assert _values(inner.get_tuple(THREAD)) == RICH  # brought back for good
        assert _values(_rich(inner, 1)[0].get_tuple(THREAD)) == RICH


def test_one_that_was_called_otherwise_when_it_was_removed(storage: Storage) -> None:
    class Renamed(TypedDict, total=False):
        report: Paper
        answer: str

    first, second, third = (capture(_asking(state).compile(name="flow")) for state in (Rich, Renamed, Poor))
    others = [name for name in RICH if name != "paper"]
    migrator = Migrator(
        revisions=[
            Revision("r1", workflow="flow", snapshot=first),
            Revision(
                "r2",
                "r1",
                workflow="flow",
                snapshot=second,
                upgrade=lambda op: [
                    op.rename_field("state.paper", to="report"),
                    *(op.remove_field(f"state.{name}") for name in others),
                ],
            ),
            Revision(
                "r3",
                "r2",
                workflow="flow",
                snapshot=third,
                upgrade=lambda op: op.remove_field("state.report"),
            ),
        ]
    )
    with storage.open() as inner:
        saver = MigratingSaver(inner, migrator, revision="r1")
        _asking(Rich).compile(checkpointer=saver, name="flow").invoke({"answer": ""}, THREAD)
        saver = MigratingSaver(inner, migrator)
        _asking(Poor).compile(checkpointer=saver, name="flow").update_state(THREAD, {"answer": "later"})
        saver.downgrade(THREAD, "r2")
        found = inner.get_tuple(THREAD)
        assert found is not None
        assert found.checkpoint["channel_values"]["report"] == RICH["paper"]


@pytest.mark.parametrize("taken", [False, True], ids=["nothing has its name", "another has its name"])
def test_one_that_comes_back_under_the_name_that_it_had_in_between(*, taken: bool, storage: Storage) -> None:
    class Paperless(TypedDict, total=False):
        answer: str

    class Between(Paperless, total=False):
        paper: Paper
        report: str

    class Renamed(Paperless, total=False):
        report: Paper
        summary: str

    def more(op: Any) -> None:
        op.add_field("state.paper", optional=True)
        op.add_field("state.report", **({"default": ""} if taken else {"optional": True}))

    def renamed(op: Any) -> None:
        op.rename_field("state.report", to="summary")
        op.rename_field("state.paper", to="report")

    states = (Paperless, Between, Renamed)
    first, second, third = (capture(_asking(state).compile(name="flow")) for state in states)
    migrator = Migrator(
        revisions=[
            Revision("r1", workflow="flow", snapshot=first),
            Revision(
                "r2",
                "r1",
                workflow="flow",
                snapshot=second,
                upgrade=more,
            ),
            Revision(
                "r3",
                "r2",
                workflow="flow",
                snapshot=third,
                upgrade=renamed,
            ),
        ]
    )
    with storage.open() as inner:
        saver = MigratingSaver(inner, migrator)
        graph = _asking(Renamed).compile(checkpointer=saver, name="flow")
        summary = {"summary": "in short"} if taken else {}
        graph.invoke({"answer": "", "report": Paper(title="a"), **summary}, THREAD)
        saver.downgrade(THREAD, "r1")
        found = MigratingSaver(inner, migrator, revision="r2").get_tuple(THREAD)
        assert found is not None
        assert found.checkpoint["channel_values"]["paper"] == Paper(title="a")


def test_two_that_had_one_name_both_come_back(storage: Storage) -> None:
    def renamed(op: Any) -> None:
        op.rename_field("state.a", to="b")
        op.add_field("state.a", optional=True)

    scripts: list[Any] = [None, lambda op: op.add_field("state.a", optional=True), renamed]
    graphs = [_holding(*fields) for fields in ("", "a", "ab")]
    migrator = Migrator(
        revisions=[
            Revision(
                f"r{number}",
                f"r{number - 1}" if number else None,
                workflow="flow",
                snapshot=capture(graphs[number].compile(name="flow")),
                upgrade=script,
            )
            for number, script in enumerate(scripts)
        ]
    )
    papers = {"a": Paper(title="new"), "b": Paper(title="old")}
    with storage.open() as inner:
        newest = MigratingSaver(inner, migrator)
        graph = graphs[2].compile(checkpointer=newest, name="flow")
        graph.invoke({**papers, "answer": ""}, THREAD)
        older = MigratingSaver(inner, migrator, revision="r1", on_newer="downgrade")
        graphs[1].compile(checkpointer=older, name="flow").update_state(THREAD, {"answer": "later"})
        newest.downgrade(THREAD, "r0")
        values = graph.get_state(THREAD).values
        assert {name: values[name] for name in papers} == papers


def test_a_new_field_whose_default_looks_the_same_is_no_instance_of_it(storage: Storage) -> None:
    def asking(state: dict[str, Any], last: str) -> StateGraph[Any]:
        fields: Any = {"answer": str, **state}
        graph: StateGraph[Any] = StateGraph(TypedDict("State", fields, total=False))  # type: ignore[operator]
        for name in ("approve", last):
            graph.add_node(name, lambda state: {"answer": interrupt("Well?")})
        for before, after in pairwise((START, "approve", last, END)):
            graph.add_edge(before, after)
        return graph

    graphs = asking({"tags": set}, "sign"), asking({}, "sign"), asking({"items": list}, "seal")
    scripts: list[Any] = [
        None,
        lambda op: op.remove_field("state.tags"),
        lambda op: [op.add_field("state.items", default=[]), op.rename_step("sign", "seal")],
    ]
    revisions = [
        Revision(
            f"r{number}",
            f"r{number - 1}" if number else None,
            workflow="flow",
            snapshot=capture(graph.compile(name="flow")),
            upgrade=script,
        )
        for number, (graph, script) in enumerate(zip(graphs, scripts, strict=True))
    ]
    with storage.open() as inner:
        savers = [MigratingSaver(inner, Migrator(revisions=revisions[: n + 1])) for n in range(3)]
        first, second, third = (
            graph.compile(checkpointer=saver, name="flow")
            for graph, saver in zip(graphs, savers, strict=True)
        )
        first.invoke({"tags": set()}, THREAD)
        second.invoke(Command(resume="yes"), THREAD)
        assert third.get_state(THREAD).values["items"] == []
        third.invoke(Command(resume="sure"), THREAD)
        savers[2].downgrade(THREAD, "r0")
        assert graphs[0].compile(checkpointer=inner).get_state(THREAD).values["tags"] == set()


@pytest.mark.parametrize("path", ["state.report", "state.report.title"])
def test_what_a_script_says_not_to_keep_is_not_kept_as_it_was_stored(path: str) -> None:
    class Titled(BaseModel):
        title: str = ""

    def script(op: Any) -> None:
        op.rename_field("state.paper", to="report")
        op.remove_field(path, keep=False, restore="" if path.endswith("title") else {"title": ""})
        if path.endswith("title"):
            op.remove_field("state.report")

    first = Revision("r1", workflow="flow")
    second = Revision("r2", "r1", workflow="flow", upgrade=script)
    with Storage("memory", "").open() as inner:
        old = MigratingSaver(inner, Migrator(revisions=[first]))
        graph = _asking(TypedDict("State", {"paper": Any, "answer": str}, total=False))  # type: ignore[operator]
        graph.compile(checkpointer=old, name="flow").update_state(THREAD, {"paper": Titled(title="secret")})
        saver = MigratingSaver(inner, Migrator(revisions=[first, second]))
        _asking(Poor).compile(checkpointer=saver, name="flow").update_state(THREAD, {"answer": "later"})
        stored = [row for _, row in vars(inner).get(TABLE, {}).values()]
        assert not any(b"stored" in row or b"secret" in row for row in stored)


def _holding(*fields: str) -> StateGraph[Any]:
    declared: Any = {**dict.fromkeys(fields, Any), "answer": str}
    graph: StateGraph[Any] = StateGraph(TypedDict("State", declared, total=False))  # type: ignore[operator]
    graph.add_node("approve", lambda state: {"answer": interrupt("Well?")})
    graph.add_edge(START, "approve")
    graph.add_edge("approve", END)
    return graph


@pytest.mark.parametrize(
    ("removed", "other", "added"),
    [
        (Paper(title="x"), {"title": "y", "more": 1}, False),
        (Paper(title="x"), Note("n", Paper(title="y")), False),
        ([Paper(title="x")], [{"more": 1}], False),
        (Paper(title="x"), {"title": "y", "more": 1}, True),
        ({"x"}, ["y", "y"], True),
    ],
    ids=["object", "another class", "list", "new object", "new list"],
)
def test_what_takes_the_name_of_one_that_is_removed_is_not_of_its_class(
    removed: Any, other: Any, *, added: bool, storage: Storage
) -> None:
    def script(op: Any) -> None:
        op.remove_field("state.a")
        if added:
            op.add_field("state.a", default=other)
        else:
            op.rename_field("state.b", to="a")

    first = Revision("r1", workflow="flow", snapshot=capture(_holding("a", "b").compile(name="flow")))
    second = Revision(
        "r2",
        "r1",
        workflow="flow",
        snapshot=capture(_holding(*("ab" if added else "a")).compile(name="flow")),
        upgrade=script,
    )
    before = {"a": removed} if added else {"a": removed, "b": other}
    with storage.open() as inner:
        old = MigratingSaver(inner, Migrator(revisions=[first]))
        _holding("a", "b").compile(checkpointer=old, name="flow").invoke({**before, "answer": ""}, THREAD)
        saver = MigratingSaver(inner, Migrator(revisions=[first, second]))
        graph = _holding("a").compile(checkpointer=saver, name="flow")
        for _ in range(2):
            assert graph.get_state(THREAD).values["a"] == other
        graph.update_state(THREAD, {"answer": "later"})
        saver.downgrade(THREAD, "r1")
        found = inner.get_tuple(THREAD)
        assert found is not None
        values = found.checkpoint["channel_values"]
        assert {name: values[name] for name in before} == before


def test_they_are_kept_however_often_a_thread_goes_up_and_down(storage: Storage) -> None:
    with storage.open() as inner:
        _rich(inner, 1)[1].invoke({"answer": ""}, THREAD)
        for _ in range(2):
            saver, graph = _rich(inner, 2)
            graph.update_state(THREAD, {"answer": "later"})
            saver.downgrade(THREAD, "r1")
            assert _values(_rich(inner, 1)[0].get_tuple(THREAD)) == RICH


def test_they_come_back_inside_a_subgraph_too(storage: Storage) -> None:
    def around(state: Any) -> StateGraph[Any]:
        graph: StateGraph[Any] = StateGraph(state)
        graph.add_node("inner", _asking(state).compile())
        graph.add_edge(START, "inner")
        graph.add_edge("inner", END)
        return graph

    migrator = _rich_migrator(around)
    with storage.open() as inner:
        old = around(Rich).compile(checkpointer=MigratingSaver(inner, migrator, revision="r1"), name="flow")
        old.invoke({"answer": ""}, THREAD)
        saver = MigratingSaver(inner, migrator)
        around(Poor).compile(checkpointer=saver, name="flow").invoke(Command(resume="yes"), THREAD)
        saver.downgrade(THREAD, "r1")
        again = around(Rich).compile(checkpointer=MigratingSaver(inner, migrator, revision="r1"), name="flow")
        [task] = again.get_state(THREAD, subgraphs=True).tasks
        assert {name: task.state.values.get(name) for name in RICH} == RICH  # type: ignore[union-attr]
