"""The tables of a store. Their meaning is a format that users keep: `FORMAT` changes with it, and a newer one is refused. What was
only added is made in a store that lacks it when that is next opened.

==================  ====================================================================================================
statemig_runs       one row per run: its document, its three tags, who holds it, and the complement of what was migrated
statemig_attempts   one row per ended try of a step, keyed by the fencing token of its claim
statemig_history    one row per migration of a run; the newest `history_limit` are kept, the complement is never shortened
statemig_answers    one row per answered question (a digest, not the value), so that the same answer twice is no error
statemig_failures   one row per run and head that it could not be brought to; current while the run's version is unchanged
statemig_meta       the format number, how much was added to it, and switches such as "draining/<workflow>"
==================  ====================================================================================================

Documents and complements are JSON *text*: a JSON column type would lose key order, big integers and the digits of decimals.
Times are seconds since the epoch, as `time.time` gives them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable

from statemig.errors import StoreError

FORMAT: Final = 1
# Each time that two meet, one of them gets further.
_TRIES: Final = 10
#: counts what was added to the format that an older statemig can leave alone: tables, and columns that may be null
ADDITIONS: Final = 2

metadata = MetaData()

_name = String(255)
_revision = String(64)

runs = Table(
    "statemig_runs",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("status", String(16), nullable=False),  # of the document: active, finished, failed, cancelled
    Column("phase", String(16), nullable=False),  # ready: a worker has something to do; parked; ended
    Column(
        "standing", Text, nullable=False
    ),  # [[step, status, waiting on], ...] of the cursor, for counting without parsing
    Column("revision", _revision),  # the shape the document has now; null: nobody knows (unstamped)
    Column("started_revision", _revision),  # the definition it began on; never changes
    Column("pinned_revision", _revision),  # policy, or null
    Column("checked", Boolean, nullable=False),  # saved through us and validated at `revision`
    Column("document", Text, nullable=False),
    Column("complement", Text),  # what migrations took out and the way back needs
    Column(
        "migrations", Integer, nullable=False
    ),  # how many so far; the number of the newest row of the history
    Column("version", Integer, nullable=False),  # +1 by every write but a renewal of the lease
    Column("token", Integer, nullable=False),  # fencing token, +1 by every claim
    Column("owner", _name),
    Column("lease_until", Double),
    Column("claimed_at", Double),
    Column("claimed_position", String(64)),
    Column("claimed_step", _name),
    Column("claimed_revision", _revision),  # of the code that claimed
    Column("content_digest", String(64)),  # only beside a user's own table: of the content as we left it
    Column("created_at", Double, nullable=False),
    Column(
        "updated_at", Double, nullable=False
    ),  # of the last write that was no claim; the order of the queue
    Column("canary", _revision),  # the revision whose canary the run is in, or null
)
Index("statemig_runs_queue", runs.c.workflow, runs.c.phase, runs.c.updated_at, runs.c.run_id)

attempts = Table(
    "statemig_attempts",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("token", Integer, primary_key=True),
    Column("step", _name),
    Column("position", String(64)),
    Column("revision", _revision, nullable=False),
    Column("worker", _name),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("outcome", String(16), nullable=False),  # done, waiting, finished, failed, released, error, lost
    Column("error", _name),  # the name of the exception's type
    Column("idempotency_key", Text),
)
Index("statemig_attempts_ended", attempts.c.workflow, attempts.c.ended_at)

history = Table(
    "statemig_history",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", String(16), nullable=False),  # upgrade, downgrade, stamp
    Column("cause", String(16), nullable=False),  # claim, load, answer, eager
    Column("from_revision", _revision),
    Column("to_revision", _revision, nullable=False),
    Column("reverse_patch", Text),  # RFC 6902, only where the upgrade was written alone
    Column(
        "complement_before", Text
    ),  # with a reverse patch: the complement that goes with the older document
    Column("digest", String(64)),  # with a reverse patch: of the document that it applies to
    sqlite_with_rowid=False,  # one b-tree instead of two: every migration writes here
)

answers = Table(
    "statemig_answers",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("position", String(64), primary_key=True),
    Column("key", Text, nullable=False),
    Column("step", _name, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", Double, nullable=False),
)

failures = Table(
    "statemig_failures",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("head", _revision, primary_key=True),
    Column("run_version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),  # held, pinned, invalid, unstamped, unknown, failed
    Column("reason", Text, nullable=False),
    Column("hint", Text),
    Column("from_revision", _revision),
    Column("revision", _revision),  # the revision to blame
    Column("operation", _name),
    Column("step", _name),
    Column("path", Text),
    Column("at", Double, nullable=False),
)

meta = Table(
    "statemig_meta",
    metadata,
    Column("name", _name, primary_key=True),
    Column("value", Text, nullable=False),
)

_read_format = select(meta.c.value).where(meta.c.name == "format")
_read_additions = select(meta.c.value).where(meta.c.name == "additions")
_ADDED: Final = (runs.c.canary,)


def prepare(engine: Engine, *, create: bool) -> None:
    """Make sure that the tables are there in a format that this version understands.

    Raises:
        StoreError: the tables are missing and may not be created, or a newer statemig has written them.
    """
    found = _format(engine)
    if found is None or (found == str(FORMAT) and not _is_complete(engine)):
        if not create:
            raise StoreError(
                "the store has no statemig tables"
                if found is None
                else "the store lacks some of its tables or columns",
                hint="Open it once with create=True, or run `statemig init`",
            )
        for attempt in range(_TRIES):
            try:
                _create(engine)
                break
            except (IntegrityError, OperationalError, ProgrammingError):
                # Processes meet here at their first start, at every statement; the loser finds what the winner made, or half of it.
                if _format(engine) is not None and _is_complete(engine):
                    break
                if attempt == _TRIES - 1:
                    raise
        found = _format(engine)
    if found != str(FORMAT):
        raise StoreError(
            f"the store has format {found}, this statemig knows format {FORMAT}",
            hint="Install the newer statemig that wrote it; nothing was read or changed",
        )


def _format(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, meta.name):
            return None
        value: str | None = connection.execute(_read_format).scalar()
        return value


def _is_complete(engine: Engine) -> bool:
    """Not so where an older statemig made it."""
    with engine.connect() as connection:
        return int(connection.execute(_read_additions).scalar() or 0) >= ADDITIONS


def _create(engine: Engine) -> None:
    import statemig.store.deploy_tables  # noqa: F401  (its tables join the metadata)

    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
        for column in _ADDED:
            present = inspect(connection).get_columns(column.table.name)
            if all(each["name"] != column.name for each in present):
                kind = column.type.compile(engine.dialect)
                connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {kind}"))
        _write_format(connection)


def _write_format(connection: Connection) -> None:
    if connection.execute(_read_format).scalar() is None:
        connection.execute(meta.insert().values(name="format", value=str(FORMAT)))
    found = connection.execute(_read_additions).scalar()
    if found is None:
        connection.execute(meta.insert().values(name="additions", value=str(ADDITIONS)))
    elif int(found) < ADDITIONS:
        connection.execute(meta.update().where(meta.c.name == "additions").values(value=str(ADDITIONS)))
