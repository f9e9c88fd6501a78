"""Rows beside the checkpoints of a saver, through its own connection: memory, SQLite and PostgreSQL, sync and async."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from langgraph.checkpoint.memory import InMemorySaver

from statemig.runtimes.langgraph.stored.complements import TABLE, Copy, Delete, Read, Statement, Write


class Rows(Protocol):
    """Does statements; each in a transaction of its own."""

    def do(self, statement: Statement) -> Any: ...

    async def ado(self, statement: Statement) -> Any: ...


def rows_beside(saver: Any) -> Rows | None:
    """The rows beside the checkpoints of a saver, through its own connection; None for one that is not known."""
    if isinstance(saver, InMemorySaver):
        return InMemory(saver)
    is_async = isinstance(getattr(saver, "lock", None), asyncio.Lock)
    if _is_a(saver, "langgraph.checkpoint.sqlite", "SqliteSaver"):
        return Table(saver, _SQLITE, run=_in_sqlite)
    if _is_a(saver, "langgraph.checkpoint.sqlite.aio", "AsyncSqliteSaver"):
        return AsyncTable(saver, _SQLITE, run=_in_sqlite_async)
    if _is_a(saver, "langgraph.checkpoint.postgres.base", "BasePostgresSaver") and hasattr(saver, "_cursor"):
        if is_async:
            return AsyncTable(saver, _POSTGRES, run=_in_postgres_async)
        return Table(saver, _POSTGRES, run=_in_postgres)
    return None


def _is_a(saver: Any, module: str, name: str) -> bool:
    """Whether it is an instance; a module that nobody has imported is not imported for it."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(saver, kind)


class InMemory:
    """Rows on the saver itself, which is what its checkpoints live in."""

    def __init__(self, saver: InMemorySaver) -> None:
        self._rows: dict[tuple[str, str], tuple[str, bytes]] = saver.__dict__.setdefault(TABLE, {})

    def do(self, statement: Statement) -> Any:
        match statement:
            case Write(thread, name, form, data):
                self._rows.setdefault((thread, name), (form, data))
                return True
            case Read(thread, name):
                return self._rows.get((thread, name))
            case Copy(source, target):
                for name, row in self._of(source):
                    self._rows.setdefault((target, name), row)
            case Delete(thread, names):
                for name, _ in self._of(thread):
                    if names is None or name in names:
                        self._rows.pop((thread, name), None)
        return None

    def _of(self, thread: str) -> Iterator[tuple[str, tuple[str, bytes]]]:
        return ((name, row) for (owner, name), row in [*self._rows.items()] if owner == thread)

    async def ado(self, statement: Statement) -> Any:
        return self.do(statement)


# -- SQL ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sql:
    """The answer is the rows where it `fetches`; where it is `tried`, it may be an error."""

    text: str
    values: tuple[Any, ...] = ()
    fetches: bool = False
    tried: bool = False


@dataclass(frozen=True, slots=True)
class _Dialect:
    mark: str
    blob: str
    exists: str


_SQLITE = _Dialect("?", "BLOB", f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{TABLE}'")
_POSTGRES = _Dialect("%s", "BYTEA", f"SELECT 1 WHERE to_regclass('{TABLE}') IS NOT NULL")
#: PostgreSQL's code for a user who may not do something
_NOT_ALLOWED: Final = "42501"


class _Tables:
    """What both kinds of table have in common: which SQL a statement is."""

    def __init__(self, saver: Any, dialect: _Dialect, run: Callable[[Any, Sql], Any]) -> None:
        self._saver = saver
        self._dialect = dialect
        self._run = run
        self._is_there = False

    def _steps(self, statement: Statement) -> Generator[Sql, Any, Any]:
        is_there = yield from self._found()
        if not is_there:
            if not isinstance(statement, Write):
                return None
            may = yield from self._make()
            if not may:
                return False
        mark = self._dialect.mark
        match statement:
            case Write(thread, name, form, data):
                refused = yield Sql(
                    f"INSERT INTO {TABLE} (thread_id, digest, form, complement) VALUES ({', '.join([mark] * 4)}) ON CONFLICT DO NOTHING",
                    (thread, name, form, data),
                    tried=True,
                )
                return not _is_refused(refused)
            case Read(thread, name):
                rows = yield Sql(
                    f"SELECT form, complement FROM {TABLE} WHERE thread_id = {mark} AND digest = {mark}",
                    (thread, name),
                    fetches=True,
                )
                return next(
                    ((form, data.encode() if isinstance(data, str) else bytes(data)) for form, data in rows),
                    None,
                )
            case Copy(source, target):
                yield Sql(
                    f"INSERT INTO {TABLE} (thread_id, digest, form, complement) SELECT {mark}, digest, form, complement FROM {TABLE} "
                    f"WHERE thread_id = {mark} ON CONFLICT DO NOTHING",
                    (target, source),
                )
            case Delete(thread, None):
                yield Sql(f"DELETE FROM {TABLE} WHERE thread_id = {mark}", (thread,))
            case Delete(thread, names) if names:
                marks = ", ".join([mark] * len(names))
                yield Sql(
                    f"DELETE FROM {TABLE} WHERE thread_id = {mark} AND digest IN ({marks})", (thread, *names)
                )
        return None

    def _found(self) -> Generator[Sql, Any, bool]:
        if not self._is_there:
            rows = yield Sql(self._dialect.exists, fetches=True)
            self._is_there = bool(rows)
        return self._is_there

    def _make(self) -> Generator[Sql, Any, bool]:
        """Makes the table. False where the database's user may not."""
        refused = yield Sql(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (thread_id TEXT NOT NULL, digest TEXT NOT NULL, form TEXT NOT NULL, "
            f"complement {self._dialect.blob} NOT NULL, PRIMARY KEY (thread_id, digest))",
            tried=True,
        )
        is_there = yield from self._found()  # another worker may have been first
        if is_there:
            return True
        return not _is_refused(refused)


def _is_refused(answer: Any) -> bool:
    """Whether the database's user may not do it. Raises any other error."""
    if not isinstance(answer, Exception):
        return False
    if getattr(answer, "sqlstate", None) != _NOT_ALLOWED:
        raise answer
    return True


class Table(_Tables):
    def do(self, statement: Statement) -> Any:
        steps = self._steps(statement)
        answer: Any = None
        while True:
            try:
                sql = steps.send(answer)
            except StopIteration as done:
                return done.value
            try:
                answer = self._run(self._saver, sql)
            except Exception as error:
                if not sql.tried:
                    raise
                answer = error

    async def ado(self, statement: Statement) -> Any:
        return await asyncio.to_thread(self.do, statement)


class AsyncTable(_Tables):
    def do(self, statement: Statement) -> Any:
        """From a thread beside the saver's event loop, as the saver's own methods."""
        return asyncio.run_coroutine_threadsafe(self.ado(statement), self._saver.loop).result()

    async def ado(self, statement: Statement) -> Any:
        steps = self._steps(statement)
        answer: Any = None
        while True:
            try:
                sql = steps.send(answer)
            except StopIteration as done:
                return done.value
            try:
                answer = await self._run(self._saver, sql)
            except Exception as error:
                if not sql.tried:
                    raise
                answer = error


def _in_sqlite(saver: Any, sql: Sql) -> Any:
    with saver.cursor(transaction=not sql.fetches) as cursor:
        cursor.execute(sql.text, sql.values)
        return cursor.fetchall() if sql.fetches else None


async def _in_sqlite_async(saver: Any, sql: Sql) -> Any:
    await saver.setup()
    async with saver.lock, saver.conn.cursor() as cursor:
        await cursor.execute(sql.text, sql.values)
        if sql.fetches:
            return await cursor.fetchall()
        await saver.conn.commit()
    return None


def _in_postgres(saver: Any, sql: Sql) -> Any:
    with saver._cursor() as cursor:
        if sql.fetches:
            return _plain(cursor.execute(sql.text, sql.values).fetchall())
        with cursor.connection.transaction():  # or only this, where one is open already
            cursor.execute(sql.text, sql.values)
    return None


async def _in_postgres_async(saver: Any, sql: Sql) -> Any:
    async with saver._cursor() as cursor:
        if sql.fetches:
            await cursor.execute(sql.text, sql.values)
            return _plain(await cursor.fetchall())
        async with cursor.connection.transaction():
            await cursor.execute(sql.text, sql.values)
    return None


def _plain(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows]
