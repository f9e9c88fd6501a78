"""Rows of runs: the statements, built once, and what goes in and out of them. `OwnRows` keeps documents in statemig_runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, Final, Protocol

from sqlalchemy import (
    Engine,
    LargeBinary,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from statemig import json_text
from statemig.document import Document, problems
from statemig.errors import InvalidStateError
from statemig.store.protocols import RunFilter, StoredRun
from statemig.store.statement import Statement
from statemig.store.tables import failures, runs

#: an id at which a portion begins or ends: itself, a parameter, or none
Edge = str | BindParameter[Any] | None

# A lease that ends before this is no obstacle: for writes that go past a worker's lease, as an answer does.
ANY_LEASE: Final = 1e18


class HalfWritten(Exception):
    """Only the first of two rows could be written: the transaction must be rolled back. Never leaves the store."""


PLAIN: Final[tuple[str, ...]] = (
    "status",
    "standing",
    "revision",
    "pinned_revision",
    "checked",
    "owner",
    "lease_until",
    "claimed_at",
    "claimed_position",
    "claimed_step",
    "claimed_revision",
    "token",
    "version",
)
#: what the queue is in the order of: a column of an index that is written costs a page even where its value stays
QUEUED: Final[tuple[str, ...]] = (*PLAIN, "phase", "updated_at")
MIGRATED: Final[tuple[str, ...]] = ("complement", "migrations")
WRITTEN: Final = (PLAIN, QUEUED, PLAIN + MIGRATED, QUEUED + MIGRATED)

# The fields of StoredRun after `content` and `rest`, in order.
TAGS: Final = (
    runs.c.status,
    runs.c.phase,
    runs.c.standing,
    runs.c.revision,
    runs.c.started_revision,
    runs.c.pinned_revision,
    runs.c.checked,
    runs.c.complement,
    runs.c.migrations,
    runs.c.version,
    runs.c.token,
    runs.c.owner,
    runs.c.lease_until,
    runs.c.claimed_at,
    runs.c.claimed_position,
    runs.c.claimed_step,
    runs.c.claimed_revision,
    runs.c.created_at,
    runs.c.updated_at,
    runs.c.canary,
)

same_run = and_(runs.c.workflow == bindparam("of_workflow"), runs.c.run_id == bindparam("run"))
lease_free = or_(runs.c.lease_until.is_(None), runs.c.lease_until <= bindparam("lease_before"))


def standing_of(document: Document) -> tuple[str, str, str]:
    """(status, phase, standing) as the columns keep them."""
    status = document.get("status", "active")
    if status != "active":
        return status, "ended", "[]"
    places = []
    phase = "parked"
    for position in document.get("cursor") or ():
        at = position.get("status", "ready")
        if at == "waiting":
            places.append([position["step"], at, position.get("on")])
        else:
            places.append([position["step"], at])
            phase = "ready"
    return status, phase, json_text.dumps(places).decode()


def parse(stored: str | bytes | None, run_id: str, revision: str | None) -> Any:
    """JSON text of a row. Raises `InvalidStateError` where it is not JSON, or the column of a user's table is null."""
    if stored is None:
        raise InvalidStateError(
            "nothing is stored: the column is null",
            run_id=run_id,
            revision=revision,
            hint="Write its first state, or delete the row",
            finding="data.invalid-before",
        )
    try:
        return json_text.loads(stored)
    except ValueError:
        # Not chained: the parser's message quotes what it read.
        raise InvalidStateError(
            "what is stored is not JSON",
            run_id=run_id,
            revision=revision,
            hint="Something other than statemig wrote it; repair the row, it was not changed",
            finding="data.invalid-before",
        ) from None


def require_document(document: Any, run_id: str, revision: str | None) -> Document:
    wrong = problems(document)
    if wrong:
        path, expected = wrong[0]
        raise InvalidStateError(
            f"what is stored is not a run document: expected {expected}",
            problems=wrong,
            run_id=run_id,
            revision=revision,
            path=path or None,
            hint="Repair the row, it was not changed",
            finding="data.invalid-before",
        )
    result: Document = document
    return result


def write_tags(columns: tuple[str, ...], **more: ColumnElement[Any]) -> Any:
    """UPDATE of statemig's columns of one run, compare-and-swap on version and token, and on the lease."""
    return (
        update(runs)
        .where(
            same_run,
            runs.c.version == bindparam("was_version"),
            runs.c.token == bindparam("was_token"),
            lease_free,
        )
        .values({name: bindparam(f"new_{name}") for name in columns} | more)
    )


def tag_values(
    workflow: str, row: StoredRun, new: StoredRun, columns: tuple[str, ...], lease_before: float
) -> dict[str, Any]:
    values: dict[str, Any] = {f"new_{name}": getattr(new, name) for name in columns}
    values["of_workflow"] = workflow
    values["run"] = row.run_id
    values["was_version"] = row.version
    values["was_token"] = row.token
    values["lease_before"] = lease_before
    return values


def columns_written(row: StoredRun, new: StoredRun) -> tuple[str, ...]:
    """The complement is often as large as the document, so it is written only when a migration changed it. A claim, which keeps the
    place in the queue, leaves the columns of its index alone."""
    stays = row.phase == new.phase and row.updated_at == new.updated_at
    columns = PLAIN if stays else QUEUED
    same = row.migrations == new.migrations and row.complement == new.complement
    return columns if same else columns + MIGRATED


def not_failed(head: str) -> ColumnElement[bool]:
    """Not a run that could not be brought to this head as it is now."""
    return ~exists().where(
        failures.c.workflow == runs.c.workflow,
        failures.c.run_id == runs.c.run_id,
        failures.c.head == head,
        failures.c.run_version == runs.c.version,
    )


def queue(
    rows: Select[Any], head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None
) -> Select[Any]:
    """Runs that a worker of `head` may take, longest untouched first. With `mine`, which says so of a run where a deploy decides, they
    come in pages."""
    wanted = rows.where(
        runs.c.workflow == bindparam("of_workflow"),
        runs.c.phase == "ready",
        lease_free,
        or_(runs.c.pinned_revision.is_(None), runs.c.pinned_revision == head),
        not_failed(head),
    )
    if foreign:
        wanted = wanted.where(_known(foreign))
    if mine is not None:
        after = tuple_(runs.c.updated_at, runs.c.run_id) > tuple_(bindparam("since"), bindparam("after"))
        paged = wanted.where(mine, runs.c.updated_at >= bindparam("since"), after)
        return paged.order_by(runs.c.updated_at, runs.c.run_id).limit(bindparam("limit"))
    return wanted.order_by(runs.c.updated_at).limit(bindparam("limit"))


def parked(
    rows: Select[Any], head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None
) -> Select[Any]:
    """Runs of other revisions in which nothing is ready; bringing them to head may wake them."""
    wanted = rows.where(
        runs.c.workflow == bindparam("of_workflow"),
        runs.c.phase == "parked",
        or_(runs.c.revision != head, runs.c.revision.is_(None)),
        runs.c.updated_at >= bindparam("since"),
        tuple_(runs.c.updated_at, runs.c.run_id) > tuple_(bindparam("since"), bindparam("after")),
        lease_free,
        or_(runs.c.pinned_revision.is_(None), runs.c.pinned_revision == head),
        not_failed(head),
    )
    if foreign:
        wanted = wanted.where(_known(foreign))
    if mine is not None:
        wanted = wanted.where(mine)
    return wanted.order_by(runs.c.updated_at, runs.c.run_id).limit(bindparam("limit"))


def _known(foreign: frozenset[str]) -> ColumnElement[bool]:
    # No IN: a list has no fixed number of parameters, and the statement is compiled once.
    return or_(runs.c.revision.is_(None), and_(*(runs.c.revision != name for name in sorted(foreign))))


def filtered(rows: Select[Any], where: RunFilter) -> Select[Any]:
    """Rows of a filter. For rows beside a user's table every column of statemig's may be null."""
    if not where.ended:
        rows = rows.where(or_(runs.c.status.is_(None), runs.c.status == "active"))
    if where.revision is not None:
        rows = rows.where(runs.c.revision == where.revision)
    if where.not_revision is not None:
        rows = rows.where(or_(runs.c.revision.is_(None), runs.c.revision != where.not_revision))
    if where.unstamped:
        rows = rows.where(runs.c.revision.is_(None))
    if where.step is not None:
        # The standing is our own text, so a step is in it exactly as JSON writes its name at the head of an entry.
        name = json_text.dumps(where.step).decode()
        rows = rows.where(runs.c.standing.contains(f"[{name},", autoescape=True))
    return rows


def within(rows: Select[Any], run_id: ColumnElement[Any], after: Edge, until: Edge) -> Select[Any]:
    """Rows between two ids, the second of which is in it."""
    if after is not None:
        rows = rows.where(run_id > after)
    return rows if until is None else rows.where(run_id <= until)


def every(ids: Select[Any], run_id: ColumnElement[Any], size: int) -> Select[Any]:
    """The last of every `size` ids and the very last, each with its number."""
    numbered = ids.with_only_columns(
        run_id.label("run_id"),
        func.row_number().over(order_by=run_id).label("number"),
        func.count().over().label("total"),
    ).subquery()
    wanted = or_(numbered.c.number % size == 0, numbered.c.number == numbered.c.total)
    return select(numbered.c.run_id, numbered.c.number).where(wanted).order_by(numbered.c.number)


def keeps_utf8(engine: Engine) -> bool:
    """Whether the database gives the bytes of a text, as UTF-8, where a BLOB is asked for."""
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        return bool(connection.execute(text("PRAGMA encoding")).scalar() == "UTF-8")


class Rows(Protocol):
    """Where the documents of runs are. Every write is compare-and-swap; None says that somebody else was first."""

    def one(self, run_id: str) -> StoredRun | None: ...

    def queue(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement: ...

    def parked(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement: ...

    def batch(
        self, where: RunFilter, after: Edge, until: Edge, limit: int | BindParameter[Any]
    ) -> Select[Any]:
        """Rows of a filter in the order of their ids, between these two, whatever the filter says of ids between which."""
        ...

    def bounds(self, where: RunFilter, size: int) -> Select[Any]:
        """Of the ids of those runs, in order, the last of every `size` with its number, and the very last."""
        ...

    def document(self, row: StoredRun) -> Document: ...

    def untagged(self) -> int:
        """How many runs there are without a row of statemig's."""
        ...

    def row(self, found: Sequence[Any]) -> StoredRun: ...

    def insert(self, connection: Connection, row: StoredRun, document: Document) -> StoredRun: ...

    def write(
        self,
        connection: Connection,
        row: StoredRun,
        document: Document,
        at: float,
        lease_before: float,
        **tags: Any,
    ) -> StoredRun | None: ...


class OwnRows:
    """Documents in statemig_runs."""

    def __init__(self, workflow: str, engine: Engine) -> None:
        self._workflow = workflow
        self._engine = engine
        stored: ColumnElement[Any] = runs.c.document
        new: ColumnElement[Any] = bindparam("new_document")
        self._as_bytes = keeps_utf8(engine)
        if self._as_bytes:
            # The same text, which then is neither decoded on its way here nor encoded on its way to the parser; and so back.
            stored = cast(stored, LargeBinary)
            new = cast(bindparam("new_document", type_=LargeBinary), Text)
        self._columns = select(runs.c.run_id, stored, null(), *TAGS)
        self._one = Statement(engine, self._columns.where(same_run))
        self._write = {columns: Statement(engine, write_tags(columns, document=new)) for columns in WRITTEN}
        self._insert = runs.insert()

    def one(self, run_id: str) -> StoredRun | None:
        found = self._one.fetch({"of_workflow": self._workflow, "run": run_id})
        return self.row(found[0]) if found else None

    def queue(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement:
        return Statement(self._engine, queue(self._columns, head, foreign, mine))

    def parked(self, head: str, foreign: frozenset[str], mine: ColumnElement[bool] | None) -> Statement:
        return Statement(self._engine, parked(self._columns, head, foreign, mine))

    def batch(
        self, where: RunFilter, after: Edge, until: Edge, limit: int | BindParameter[Any]
    ) -> Select[Any]:
        rows = filtered(self._columns, where).where(runs.c.workflow == self._workflow)
        if where.run_ids is not None:
            rows = rows.where(runs.c.run_id.in_(where.run_ids))
        return within(rows, runs.c.run_id, after, until).order_by(runs.c.run_id).limit(limit)

    def bounds(self, where: RunFilter, size: int) -> Select[Any]:
        ids = filtered(select(runs.c.run_id), where).where(runs.c.workflow == self._workflow)
        if where.run_ids is not None:
            ids = ids.where(runs.c.run_id.in_(where.run_ids))
        return every(within(ids, runs.c.run_id, where.after, where.until), runs.c.run_id, size)

    def untagged(self) -> int:
        return 0

    def row(self, found: Sequence[Any]) -> StoredRun:
        return stored_run(found)

    def document(self, row: StoredRun) -> Document:
        return require_document(parse(row.content, row.run_id, row.revision), row.run_id, row.revision)

    def insert(self, connection: Connection, row: StoredRun, document: Document) -> StoredRun:
        status, phase, standing = standing_of(document)
        content = json_text.dumps(document).decode()
        new = replace(
            row, content=content, status=status, phase=phase, standing=standing, version=row.version + 1
        )
        connection.execute(self._insert, insert_values(self._workflow, new) | {"document": content})
        return new

    def write(
        self,
        connection: Connection,
        row: StoredRun,
        document: Document,
        at: float,
        lease_before: float,
        **tags: Any,
    ) -> StoredRun | None:
        status, phase, standing = standing_of(document)
        raw = json_text.dumps(document)
        content = raw if self._as_bytes else raw.decode()
        new = changed(
            row,
            content=content,
            status=status,
            phase=phase,
            standing=standing,
            version=row.version + 1,
            **{"updated_at": at, **tags},
        )
        columns = columns_written(row, new)
        values = tag_values(self._workflow, row, new, columns, lease_before)
        values["new_document"] = content
        return new if self._write[columns].execute(connection, values) == 1 else None


_values_of = attrgetter(*(field.name for field in fields(StoredRun)))
_names = tuple(field.name for field in fields(StoredRun))
_checked = _names.index("checked")


def stored_run(values: Sequence[Any]) -> StoredRun:
    """From run id, content, rest and `TAGS` as they come from a driver: SQLite has no booleans."""
    all_values = [*values]
    all_values[_checked] = bool(all_values[_checked])
    return StoredRun(*all_values)


def changed(row: StoredRun, **values: Any) -> StoredRun:
    """`dataclasses.replace` at half its price: this is on the way of every write."""
    return StoredRun(**(dict(zip(_names, _values_of(row), strict=True)) | values))


def insert_values(workflow: str, row: StoredRun) -> dict[str, Any]:
    values = {column.name: getattr(row, column.name) for column in TAGS}
    return {"workflow": workflow, "run_id": row.run_id, **values}
