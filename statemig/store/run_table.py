"""Runs in a table of the user's own: two of its columns are used, none is added; statemig's columns are beside it in statemig_runs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    JSON,
    Engine,
    MetaData,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, NoSuchTableError
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from statemig import json_text
from statemig.document import Document, new_document
from statemig.errors import ConfigError, RunNotFoundError
from statemig.store.protocols import RunFilter, StoredRun
from statemig.store.rows import (
    TAGS,
    WRITTEN,
    Edge,
    HalfWritten,
    changed,
    columns_written,
    every,
    filtered,
    insert_values,
    parked,
    parse,
    queue,
    require_document,
    standing_of,
    stored_run,
    tag_values,
    within,
    write_tags,
)
from statemig.store.statement import Statement
from statemig.store.tables import runs


@dataclass(frozen=True, slots=True)
class RunTable:
    """A table of the user's in which each row is a run.

    Give `state`, the column that holds the state as a JSON object (statemig then keeps cursor and outputs beside it), or `document`, the
    column that holds the whole run document. Text and JSON columns work. `id` is the primary key: text, integer or UUID.

    Rows that statemig has not written yet have no stamp: `unstamped=` of the store says what they are. They can be loaded, read,
    answered and upgraded; `claim` sees them after their first write or `store.stamp(REV)`. Content that somebody else has written
    since is validated again before it is used.
    """

    name: str
    id: str = "id"
    state: str | None = None
    document: str | None = None

    def __post_init__(self) -> None:
        if (self.state is None) == (self.document is None):
            raise ConfigError(
                f"RunTable({self.name!r}) needs either state= or document=",
                hint='RunTable("jobs", id="id", state="state") for a column that holds the state alone',
            )


class UserRows:
    """Documents in a user's table. A write compares the user's content as text, besides version, token and lease."""

    def __init__(self, workflow: str, table: RunTable, engine: Engine) -> None:
        self._workflow = workflow
        self._engine = engine
        self._whole = table.document is not None
        user = _reflect(table, engine)
        self._id = user.c[table.id]
        self._name = table.name
        content = user.c[table.document or table.state or ""]
        run_id = cast(self._id, String(255))
        beside = and_(runs.c.run_id == run_id, runs.c.workflow == workflow)
        columns = select(run_id, cast(content, Text), runs.c.document, *TAGS, runs.c.content_digest)
        self._run_id = run_id
        self._stamped = columns.join_from(user, runs, beside)
        self._all = columns.join_from(user, runs, beside, isouter=True)
        self._untagged = (
            select(func.count()).select_from(user.outerjoin(runs, beside)).where(runs.c.run_id.is_(None))
        )
        self._one = self._all.where(self._id == bindparam("id"))
        new_content: Any = bindparam("new_content", type_=Text)
        if isinstance(content.type, JSON) and engine.dialect.name == "postgresql":
            new_content = cast(new_content, content.type)
        self._write_content = (
            update(user)
            .where(self._id == bindparam("was_id"), cast(content, Text) == bindparam("was_content"))
            .values({content: new_content})
        )
        self._write = {
            columns: Statement(
                engine,
                write_tags(
                    columns, document=bindparam("new_rest"), content_digest=bindparam("new_content_digest")
                ),
            )
            for columns in WRITTEN
        }
        self._insert_content = user.insert().values({self._id: bindparam("new_id"), content: new_content})
        self._insert = runs.insert()

    def one(self, run_id: str) -> StoredRun | None:
        key = self._key(run_id)
        if key is None:
            return None
        with self._engine.connect() as connection:
            found = connection.execute(self._one, {"id": key}).first()
        return None if found is None else self.row(found)

    def queue(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement:
        return Statement(self._engine, queue(self._stamped, head, foreign, mine))

    def parked(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement:
        return Statement(self._engine, parked(self._stamped, head, foreign, mine))

    def batch(
        self, where: RunFilter, after: Edge, until: Edge, limit: int | BindParameter[Any]
    ) -> Select[Any]:
        rows = filtered(self._all, where)
        if where.run_ids is not None:
            rows = rows.where(self._run_id.in_(where.run_ids))
        return within(rows, self._run_id, after, until).order_by(self._run_id).limit(limit)

    def bounds(self, where: RunFilter, size: int) -> Select[Any]:
        ids = filtered(self._all, where)
        if where.run_ids is not None:
            ids = ids.where(self._run_id.in_(where.run_ids))
        return every(within(ids, self._run_id, where.after, where.until), self._run_id, size)

    def untagged(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(self._untagged).scalar() or 0)

    def document(self, row: StoredRun) -> Document:
        content = parse(row.content, row.run_id, row.revision)
        if self._whole:
            return require_document(content, row.run_id, row.revision)
        if row.rest is None:
            return require_document(new_document(content), row.run_id, row.revision)
        # The state goes back to where it is among the parts, so that a round trip keeps the order of keys.
        rest = parse(row.rest, row.run_id, row.revision)
        return require_document({**rest, "state": content}, row.run_id, row.revision)

    def insert(self, connection: Connection, row: StoredRun, document: Document) -> StoredRun:
        key = self._key(row.run_id)
        if key is None:
            raise RunNotFoundError(
                f"{row.run_id!r} can not be an id in the table {self._name}",
                hint=f"Its column {self._id.name} is {self._id.type}; give run_id=",
            )
        content, rest = self._split(document)
        connection.execute(self._insert_content, {"new_id": key, "new_content": content})
        return self._insert_beside(connection, row, document, content, rest)

    def write(
        self,
        connection: Connection,
        row: StoredRun,
        document: Document,
        at: float,
        lease_before: float,
        **tags: Any,
    ) -> StoredRun | None:
        content, rest = self._split(document)
        values = {"was_id": self._key(row.run_id), "was_content": row.content, "new_content": content}
        if connection.execute(self._write_content, values).rowcount != 1:
            return None
        if not row.stamped:
            new = replace(row, **{"updated_at": at, "created_at": at, **tags})
            try:
                return self._insert_beside(connection, new, document, content, rest)
            except IntegrityError:
                raise HalfWritten from None
        status, phase, standing = standing_of(document)
        new = changed(
            row,
            content=content,
            rest=rest,
            status=status,
            phase=phase,
            standing=standing,
            version=row.version + 1,
            **{"updated_at": at, **tags},
        )
        columns = columns_written(row, new)
        params = tag_values(self._workflow, row, new, columns, lease_before)
        params["new_rest"] = rest
        params["new_content_digest"] = _digest(content)
        if self._write[columns].execute(connection, params) != 1:
            raise HalfWritten
        return new

    def _insert_beside(
        self, connection: Connection, row: StoredRun, document: Document, content: str, rest: str
    ) -> StoredRun:
        status, phase, standing = standing_of(document)
        new = replace(
            row,
            content=content,
            rest=rest,
            status=status,
            phase=phase,
            standing=standing,
            version=row.version + 1,
            stamped=True,
        )
        values = insert_values(self._workflow, new)
        connection.execute(self._insert, values | {"document": rest, "content_digest": _digest(content)})
        return new

    def row(self, found: Sequence[Any]) -> StoredRun:
        run_id, content, rest, *tags, digest = found
        if rest is None:
            row = StoredRun(run_id, content, None, "active", "parked", "[]", *_UNSTAMPED)
            return replace(row, stamped=False)
        row = stored_run((run_id, content, rest, *tags))
        if row.checked and digest != _digest(content):
            return replace(row, checked=False)
        return row

    def _split(self, document: Document) -> tuple[str, str]:
        if self._whole:
            return json_text.dumps(document).decode(), "{}"
        rest = {part: None if part == "state" else value for part, value in document.items()}
        return json_text.dumps(document["state"]).decode(), json_text.dumps(rest).decode()

    def _key(self, run_id: str) -> Any:
        """The id as the column's type wants it; None where it can not be one."""
        try:
            kind = self._id.type.python_type
        except NotImplementedError:
            return run_id
        if kind is int or kind is uuid.UUID:
            try:
                return kind(run_id)
            except ValueError:
                return None
        return run_id


# revision ... canary of a row that has no tags yet, in the order of StoredRun.
_UNSTAMPED: tuple[Any, ...] = (None, None, None, False, None, 0, 0, 0, *(None,) * 6, 0.0, 0.0, None)


def _digest(content: str) -> str:
    """Of the value, not the text: a JSON column of PostgreSQL writes the text its own way."""
    try:
        return json_text.digest(json_text.loads(content))
    except ValueError:
        return ""


def _reflect(table: RunTable, engine: Engine) -> Table:
    schema, _, name = table.name.rpartition(".")
    try:
        found = Table(name, MetaData(), schema=schema or None, autoload_with=engine)
    except NoSuchTableError as error:
        raise ConfigError(
            f"there is no table {table.name} in the store", hint="RunTable names your own table"
        ) from error
    for column in (table.id, table.document or table.state or ""):
        if column not in found.c:
            raise ConfigError(
                f"the table {table.name} has no column {column!r}", hint=f"It has {', '.join(found.c.keys())}"
            )
    return found
