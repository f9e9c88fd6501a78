"""Statements on statemig's own tables, compiled to the driver's SQL once, when a store is opened.

Finding a row by its key takes SQLite a few microseconds; looking a statement up, and making its context and result, takes SQLAlchemy's
Core ten times that, at every call. So a query goes to the cursor of a connection of the engine's pool, and a change, which is part of a
transaction, through `Connection.exec_driver_sql`. Who listens to what an engine does, has it echoed or gave it options of its own misses
nothing: queries then go through Core, as everything does with drivers that are not named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Engine, Executable
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ClauseElement

# With these, values of the types in our tables need no conversion, but for the booleans that SQLite gives back as 0 and 1.
_DRIVERS: Final = frozenset({("sqlite", "pysqlite"), ("postgresql", "psycopg"), ("postgresql", "psycopg2")})


class Statement:
    """One statement for one engine. Its parameters are strings, numbers, booleans and null; lists (IN) are not possible."""

    __slots__ = ("_arguments", "_clause", "_constants", "_engine", "_errors", "_text")

    def __init__(self, engine: Engine, clause: Executable) -> None:
        self._engine = engine
        self._clause = clause
        self._text: str | None = None
        dialect = engine.dialect
        if (dialect.name, dialect.driver) not in _DRIVERS or not isinstance(clause, ClauseElement):
            return
        compiled: Any = clause.compile(dialect=dialect)
        self._text = compiled.string
        self._constants: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        self._arguments: Any = _in_order(compiled.positiontup) if compiled.positional else dict
        self._errors: Any = dialect.loaded_dbapi.Error

    def fetch(self, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows, read on a connection of its own."""
        if self._text is not None and not _is_watched(self._engine):
            try:
                lent = self._engine.raw_connection()
                try:
                    cursor = lent.cursor()
                    cursor.execute(self._text, self._arguments({**self._constants, **values}))
                    found: Sequence[Sequence[Any]] = cursor.fetchall()
                    cursor.close()
                    return found
                finally:
                    lent.close()
            except self._errors:
                pass  # Once more below: SQLAlchemy knows which errors mean a lost connection, and has its own for them.
        with self._engine.connect() as connection:
            rows: Sequence[Sequence[Any]] = connection.execute(self._clause, values).fetchall()
            return rows

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        if self._text is None:
            return connection.execute(self._clause, values).rowcount
        return connection.exec_driver_sql(self._text, self._arguments({**self._constants, **values})).rowcount


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """The values of these names. (An `itemgetter` of one name gives the bare value.)"""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _is_watched(engine: Engine) -> bool:
    listeners: Any = engine.dispatch
    return bool(
        engine.echo
        or engine.get_execution_options()
        or listeners.engine_connect
        or listeners.begin
        or listeners.before_cursor_execute
        or listeners.after_cursor_execute
        or listeners.before_execute
        or listeners.after_execute
        or engine.dialect.dispatch.do_execute
    )
