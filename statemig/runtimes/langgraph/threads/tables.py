"""The tables of LangGraph's SQLite and PostgreSQL savers, read without their savers: the last checkpoint of each thread, as far as it says
where the thread stands. Of what a thread holds nothing is decoded.

PostgreSQL has the checkpoint as JSONB, whose keys are enough; only the values of joins and of packets are fetched besides. In SQLite it
is one msgpack blob, of which whatever is an instance stays closed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ormsgpack
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from statemig.runtimes.langgraph.identity import BRANCH, JOIN
from statemig.runtimes.langgraph.stored.stamps import KEY, TASK, WORKFLOW
from statemig.runtimes.langgraph.stored.values import KEYWORDS, SINGLE, Foreign
from statemig.runtimes.langgraph.tasks import SENDS, START

_OF_PAGE: Final = (
    "c.thread_id = p.thread_id AND c.checkpoint_ns = p.checkpoint_ns AND c.checkpoint_id = p.checkpoint_id"
)


@dataclass(frozen=True, slots=True)
class Latest:
    """The last checkpoint of one namespace of a thread, of which `first` is the id of the oldest that is stored.

    `checkpoint` is as LangGraph has it, less the values of what is no edge, join or packet; None where it can not be read, for the reason
    `closed`. `rows`: task, index and channel of each pending write. `written_by`: the revisions that pending writes carry a stamp of.
    `stamp_lost`: it has no stamp, and one before it has. `content`: another text when anything of the thread has changed, where asked for.
    """

    thread: str
    namespace: str
    id: str
    first: str
    revision: str | None
    started: str | None
    workflow: str | None
    step: int
    checkpoint: dict[str, Any] | None
    closed: str | None
    rows: tuple[tuple[str, int, str], ...]
    written_by: frozenset[str]
    stamp_lost: bool
    content: str


class Tables:
    """Those of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._mark = "?" if self.is_sqlite else "%s"
        self._writes, self._value = ("writes", "value") if self.is_sqlite else ("checkpoint_writes", "blob")

    def are_there(self) -> bool:
        """Whether the database holds the tables of a saver."""
        file = self.engine.url.database if self.is_sqlite else None
        if file and not Path(file).exists():  # connecting would make it
            return False
        has_table = self.engine.dialect.has_table
        with self.engine.connect() as connection:
            return has_table(connection, "checkpoints") and has_table(connection, self._writes)

    def pages(
        self, size: int, after: str | None = None, until: str | None = None, *, watched: bool = False
    ) -> Iterator[list[Latest]]:
        """The last checkpoint of the root of each thread, in the order of their ids, of those behind `after` up to `until`. No transaction
        stays open in between. `watched`: with `Latest.content`, for which all pending writes are hashed."""
        while True:
            ends = {">": after, "<=": until}
            given = tuple(name for name in ends.values() if name is not None)
            more = " ".join(
                f"AND thread_id {sign} {self._mark}" for sign, name in ends.items() if name is not None
            )
            found = self._read(
                f"checkpoint_ns = '' {more}", f"ORDER BY thread_id LIMIT {size}", given, watched
            )
            if not found:
                return
            after = found[-1].thread
            yield found

    def one(self, thread: str, namespace: str = "", *, watched: bool = False) -> Latest | None:
        """The last checkpoint of one namespace of a thread."""
        where = f"thread_id = {self._mark} AND checkpoint_ns = {self._mark}"
        found = self._read(where, "", (thread, namespace), watched)
        return found[0] if found else None

    def stamp(self, latest: Latest, said: Mapping[str, Any]) -> bool:
        """Add to the metadata of a thread's last checkpoints, those of graphs inside too. False where it went on meanwhile."""
        newest = "SELECT max(b.checkpoint_id) FROM checkpoints b WHERE b.thread_id = checkpoints.thread_id"
        if self.is_sqlite:
            read = "CAST(metadata AS TEXT)"
            for name in said:
                read = f"json_set({read}, '$.{name}', json(?))"
            read = f"CAST({read} AS BLOB)"
            given = tuple(json.dumps(value) for value in said.values())
        else:
            read, given = "metadata || %s::jsonb", (json.dumps(said),)
        statement = f"""
            UPDATE checkpoints SET metadata = {read} WHERE thread_id = {self._mark}
            AND checkpoint_id = ({newest} AND b.checkpoint_ns = checkpoints.checkpoint_ns)
            AND EXISTS (SELECT 1 FROM checkpoints r WHERE r.thread_id = checkpoints.thread_id AND r.checkpoint_ns = ''
                GROUP BY r.thread_id HAVING max(r.checkpoint_id) = {self._mark})"""
        with self.engine.begin() as connection:
            changed = connection.exec_driver_sql(statement, (*given, latest.thread, latest.id))
            return changed.rowcount > 0

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, where: str, end: str, given: tuple[str, ...], watched: bool) -> list[Latest]:
        page = (
            # Of one namespace; grouped by that as well, SQLite would sort all that are left for each page.
            "WITH page AS (SELECT thread_id, max(checkpoint_ns) AS checkpoint_ns, max(checkpoint_id) AS checkpoint_id, "
            f"min(checkpoint_id) AS first FROM checkpoints WHERE {where} GROUP BY thread_id {end})"
        )
        with self.engine.connect() as connection:
            heads = _rows_of(connection, f"{page} {_HEADS[self.is_sqlite]}", given)
            if not heads:
                return []
            rows: dict[str, list[Sequence[Any]]] = {}
            for thread, *row in _rows_of(connection, f"{page} {self._pending(watched)}", given):
                rows.setdefault(thread, []).append(row)
            values: dict[str, dict[str, Any]] = {}
            if not self.is_sqlite:
                for thread, channel, form, blob in _rows_of(connection, f"{page} {_VALUES}", given):
                    if form != "empty":
                        values.setdefault(thread, {})[channel] = (form, blob)
            said = [
                _of_sqlite(*head[4:]) if self.is_sqlite else _of_postgres(values.get(head[0], {}), *head[2:])
                for head in heads
            ]
            lost: set[str] = set()
            if any(
                one.workflow is None and head[2] != head[3] for head, one in zip(heads, said, strict=True)
            ):
                lost = {name for (name,) in _rows_of(connection, f"{page} {_STAMPED[self.is_sqlite]}", given)}
        found = [
            _latest(head[:4], rows.get(head[0], ()), one, lost, watched)
            for head, one in zip(heads, said, strict=True)
        ]
        # Sorting in SQLite would carry the blobs along, and its order of texts is that of Python.
        return sorted(found, key=lambda each: each.thread) if self.is_sqlite else found

    def _pending(self, watched: bool) -> str:
        """Pending writes. Only stamps are needed; where changes are looked for, PostgreSQL hashes the rest."""
        other = "NULL" if not watched else "c.value" if self.is_sqlite else "convert_to(md5(c.blob), 'UTF8')"
        value = (
            f"CASE WHEN substr(c.task_id, 1, {len(TASK)}) = '{TASK}' THEN c.{self._value} ELSE {other} END"
        )
        return f"SELECT c.thread_id, c.task_id, c.idx, c.channel, {value} FROM page p JOIN {self._writes} c ON {_OF_PAGE}"


_PLACES: Final = " OR ".join(
    [
        *(f"substr({{0}}, 1, {len(name)}) = '{name}'" for name in (BRANCH, JOIN)),
        f"{{0}} IN ('{SENDS}', '{START}')",
    ]
)
_NAMES: Final = "SELECT p.thread_id, p.checkpoint_ns, p.checkpoint_id, p.first"
#: by whether it is SQLite: the checkpoints of a page
_HEADS: Final = {
    True: f"{_NAMES}, c.type, c.checkpoint, c.metadata FROM page p JOIN checkpoints c ON {_OF_PAGE}",
    False: f"""
        {_NAMES}, c.metadata -> '{KEY}' ->> 'revision', c.metadata -> '{KEY}' ->> 'started', c.metadata ->> '{WORKFLOW}',
            c.metadata -> 'step', c.checkpoint -> 'v', c.checkpoint -> 'channel_versions', c.checkpoint -> 'versions_seen',
            c.checkpoint -> 'updated_channels',
            ARRAY(SELECT k FROM jsonb_object_keys(c.checkpoint -> 'channel_values') k WHERE {_PLACES.format("k")})
        FROM page p JOIN checkpoints c ON {_OF_PAGE} ORDER BY p.thread_id""",
}
#: the threads of a page in which anything has a stamp
_STAMPED: Final = {
    is_sqlite: f"""
        SELECT DISTINCT b.thread_id FROM page p
        JOIN checkpoints b ON b.thread_id = p.thread_id AND b.checkpoint_ns = p.checkpoint_ns WHERE {has_stamp}"""
    for is_sqlite, has_stamp in {
        True: f"json_extract(CAST(b.metadata AS TEXT), '$.{WORKFLOW}') IS NOT NULL",
        False: f"b.metadata ? '{WORKFLOW}'",
    }.items()
}
#: of PostgreSQL, which keeps the values of joins and packets in a table of their own; of an input only that it is there
_VALUES: Final = f"""
    SELECT b.thread_id, b.channel, b.type, CASE WHEN b.channel <> '{START}' THEN b.blob END
    FROM page p JOIN checkpoints c ON {_OF_PAGE}
    CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
    JOIN checkpoint_blobs b ON b.thread_id = c.thread_id AND b.checkpoint_ns = c.checkpoint_ns
        AND b.channel = v.key AND b.version = v.value
    WHERE {_PLACES.format("v.key")}"""


def _rows_of(connection: Connection, statement: str, given: tuple[str, ...]) -> Sequence[Sequence[Any]]:
    # As the driver has it: in ``branch:to:`` SQLAlchemy would see a parameter.
    return connection.exec_driver_sql(statement, given).all()


# -- what they say -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    revision: str | None
    started: str | None
    workflow: str | None
    step: int
    checkpoint: dict[str, Any] | None
    closed: str | None = None


class _Closed(Exception):
    """Something is stored in a form that only its own serializer reads."""


def _latest(
    names: Sequence[str], rows: Sequence[Sequence[Any]], said: _Said, lost: set[str], watched: bool
) -> Latest:
    thread, namespace, checkpoint, first = names
    written_by: set[str] = set()
    for task, _, _, value in rows:
        if task.startswith(TASK) and value is not None:
            written_by |= _revisions_in(bytes(value))
    return Latest(
        thread,
        namespace,
        checkpoint,
        first,
        said.revision,
        said.started,
        said.workflow,
        said.step,
        said.checkpoint,
        said.closed,
        tuple((task, index, channel) for task, index, channel, _ in rows),
        frozenset(written_by),
        said.workflow is None and thread in lost,
        f"{checkpoint} {_digest(rows)}" if watched else "",
    )


def _digest(rows: Sequence[Sequence[Any]]) -> str:
    digest = hashlib.sha256()
    for task, index, channel, value in sorted(rows, key=lambda row: (row[0], row[1])):
        content = b"" if value is None else bytes(value)
        digest.update(f"{task}\0{index}\0{channel}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def _of_sqlite(form: str, blob: bytes, metadata: bytes | str | None) -> _Said:
    read = json.loads(metadata) if metadata else {}
    stamp = read.get(KEY) or {}
    step = read.get("step")
    said = (stamp.get("revision"), stamp.get("started"), read.get(WORKFLOW), -1 if step is None else step)
    try:
        whole = _opened(form, blob)
    except _Closed as error:
        return _Said(*said, None, str(error))
    values = {
        name: value
        for name, value in whole["channel_values"].items()
        if (":" in name and name.startswith((BRANCH, JOIN))) or name in (SENDS, START)
    }
    whole["channel_values"] = values
    return _Said(*said, whole)


def _of_postgres(
    blobs: Mapping[str, tuple[str, Any]],
    name: str,
    _first: str,
    revision: str | None,
    started: str | None,
    workflow: str | None,
    step: int | None,
    form: int,
    versions: dict[str, Any],
    seen: dict[str, Any],
    updated: list[str] | None,
    inline: list[str],
) -> _Said:
    said = (revision, started, workflow, -1 if step is None else step)
    try:
        values = {name: None if blob is None else _opened(kind, blob) for name, (kind, blob) in blobs.items()}
    except _Closed as error:
        return _Said(*said, None, str(error))
    checkpoint = {
        "id": name,
        "v": form,
        "channel_values": {**dict.fromkeys(inline), **values},
        "channel_versions": versions,
        "versions_seen": seen,
        "updated_channels": updated,
    }
    return _Said(*said, checkpoint)


def _revisions_in(stamp: bytes) -> set[str]:
    """Those that have written for a task, by the row that says so."""
    try:
        return {name for _, name, _ in ormsgpack.unpackb(stamp)}
    except (ValueError, TypeError):
        return set()  # encrypted; they are read again when the thread is brought


def _opened(form: str, data: Any) -> Any:
    """A stored value with its instances closed, but for sets and packets, which say who has arrived and what is sent where."""
    if form != "msgpack":
        raise _Closed(f"they are stored as {form}, which only their own serializer reads")
    return ormsgpack.unpackb(bytes(data), ext_hook=_instance, option=ormsgpack.OPT_NON_STR_KEYS)


def _instance(code: int, data: bytes) -> Any:
    # It is [module, class, argument, ...], so the first bytes say whether it is one to look into.
    if code > KEYWORDS or not (b"Send" in data[:48] or b"set" in data[:48]):
        return None
    module, name, argument, *_ = ormsgpack.unpackb(
        data, ext_hook=_instance, option=ormsgpack.OPT_NON_STR_KEYS
    )
    if name == "Send" and module.split(".")[0] == "langgraph":
        return Foreign(code, module, name, [argument[0]])
    return Foreign(SINGLE, module, name, argument) if (module, name) == ("builtins", "set") else None
