"""Statements on statemig's own tables, compiled to the driver's SQL once, when a store is opened.

Finding a row by its key takes SQLite a few microseconds; looking a statement up, and making its context and result, takes SQLAlchemy's
Core ten times that, at every call. So a query goes to the driver's cursor, on a connection of the engine and in its transaction, and a
change goes through `Connection.exec_driver_sql`. Who listens to what an engine executes, or has it echoed, hears all: then, and with
drivers not named here, everything goes through Core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        self._arguments: Any = itemgetter(*compiled.positiontup) if compiled.positional else dict
        self._errors: Any = dialect.loaded_dbapi.Error

    def fetch(self, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows, read on a connection of its own."""
        if self._text is not None and not _is_heard(self._engine):
            try:
                with self._engine.connect() as connection:
                    cursor = connection.connection.cursor()
                    try:
                        cursor.execute(self._text, self._arguments({**self._constants, **values}))
                        return cursor.fetchall()
                    finally:
                        cursor.close()
            except self._errors:
                pass  # Once more below: SQLAlchemy knows which errors mean a lost connection, and has its own for them.
        with self._engine.connect() as connection:
            return connection.execute(self._clause, values).fetchall()

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        if self._text is None:
            return connection.execute(self._clause, values).rowcount
        return connection.exec_driver_sql(self._text, self._arguments({**self._constants, **values})).rowcount


def _is_heard(engine: Engine) -> bool:
    heard: Any = engine.dispatch
    return bool(
        engine.echo
        or heard.before_cursor_execute
        or heard.after_cursor_execute
        or heard.before_execute
        or heard.after_execute
        or engine.dialect.dispatch.do_execute
    )
