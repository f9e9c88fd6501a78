"""What a store writes down beside its runs: history, attempts, answers, failures, switches. Every function works in the
caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Engine, and_, bindparam, delete, func, select, update
from sqlalchemy.engine import Connection

from statemig import json_text
from statemig.store.protocols import Attempt, Failure, HistoryEntry
from statemig.store.statement import Statement
from statemig.store.tables import answers, attempts, failures, history, meta, runs

# In the order of the fields of Attempt.
_ATTEMPT = tuple(attempts.c[field.name] for field in fields(Attempt))
FAILURE = (
    "run_id",
    "head",
    "kind",
    "reason",
    "hint",
    "from_revision",
    "revision",
    "operation",
    "step",
    "path",
    "at",
    "run_version",
)
_HISTORY = (
    "seq",
    "at",
    "kind",
    "cause",
    "from_revision",
    "to_revision",
    "reverse_patch",
    "complement_before",
    "digest",
)


class Records:
    """The side tables of one workflow."""

    def __init__(self, engine: Engine, workflow: str, history_limit: int) -> None:
        self._workflow = workflow
        self._limit = history_limit
        entry = and_(history.c.workflow == workflow, history.c.run_id == bindparam("run"))
        self._add_history = Statement(engine, history.insert())
        self._prune = delete(history).where(entry, history.c.seq <= bindparam("last"))
        self._history = select(*(history.c[name] for name in _HISTORY)).where(entry).order_by(history.c.seq)
        self._last = (
            select(*(history.c[name] for name in _HISTORY))
            .where(entry)
            .order_by(history.c.seq.desc())
            .limit(1)
        )
        self._add_attempt = Statement(engine, attempts.insert())
        self._answered = (
            select(answers.c.digest)
            .where(
                answers.c.workflow == workflow,
                answers.c.run_id == bindparam("run"),
                answers.c.key == bindparam("key"),
            )
            .order_by(answers.c.at.desc())
            .limit(1)
        )
        self._drop_answer = delete(answers).where(
            answers.c.workflow == workflow,
            answers.c.run_id == bindparam("run"),
            answers.c.position == bindparam("at_position"),
        )
        self._drop_failure = delete(failures).where(
            failures.c.workflow == workflow,
            failures.c.run_id == bindparam("run"),
            failures.c.head == bindparam("at_head"),
        )
        self._failures = (
            select(*(failures.c[name] for name in FAILURE))
            .join(
                runs,
                and_(
                    runs.c.workflow == failures.c.workflow,
                    runs.c.run_id == failures.c.run_id,
                    runs.c.version == failures.c.run_version,
                ),
            )
            .where(failures.c.workflow == workflow)
            .order_by(failures.c.run_id)
        )

    # -- history -------------------------------------------------------------------------------------------------------

    def add_history(self, connection: Connection, run_id: str, entry: HistoryEntry) -> None:
        """Add an entry; the oldest beyond the limit go. Nothing is lost with them: the complement is the run's own."""
        self._add_history.execute(
            connection,
            {
                "workflow": self._workflow,
                "run_id": run_id,
                "seq": entry.seq,
                "at": entry.at,
                "kind": entry.kind,
                "cause": entry.cause,
                "from_revision": entry.from_revision,
                "to_revision": entry.to_revision,
                "reverse_patch": _text(entry.reverse_patch),
                "complement_before": _text(entry.complement_before),
                "digest": entry.digest,
            },
        )
        if entry.seq > self._limit:
            connection.execute(self._prune, {"run": run_id, "last": entry.seq - self._limit})

    def history(self, connection: Connection, run_id: str) -> list[HistoryEntry]:
        return [_entry(found) for found in connection.execute(self._history, {"run": run_id})]

    def last(self, connection: Connection, run_id: str) -> HistoryEntry | None:
        found = connection.execute(self._last, {"run": run_id}).first()
        return None if found is None else _entry(found)

    # -- attempts ------------------------------------------------------------------------------------------------------

    def add_attempt(self, connection: Connection, attempt: Attempt) -> None:
        values = {column.name: getattr(attempt, column.name) for column in _ATTEMPT}
        self._add_attempt.execute(connection, {"workflow": self._workflow, **values})

    def add_unclaimed(self, connection: Connection, attempt: Attempt) -> None:
        """An attempt without a claim, and so without a token: it is counted downwards from zero."""
        of_run = and_(attempts.c.workflow == self._workflow, attempts.c.run_id == attempt.run_id)
        lowest = connection.execute(select(func.min(attempts.c.token)).where(of_run)).scalar()
        self.add_attempt(connection, replace(attempt, token=min(lowest or 0, 0) - 1))

    def attempts(self, connection: Connection, run_id: str | None, since: float) -> list[Attempt]:
        wanted = select(*_ATTEMPT).where(attempts.c.workflow == self._workflow, attempts.c.ended_at >= since)
        if run_id is not None:
            wanted = wanted.where(attempts.c.run_id == run_id)
        wanted = wanted.order_by(attempts.c.ended_at, attempts.c.run_id, attempts.c.token)
        return [Attempt(*found) for found in connection.execute(wanted)]

    # -- answers -------------------------------------------------------------------------------------------------------

    def add_answer(
        self,
        connection: Connection,
        run_id: str,
        *,
        position: str,
        key: str,
        step: str,
        digest: str,
        at: float,
    ) -> None:
        # A position that asks again (it went back to waiting) is answered again.
        connection.execute(self._drop_answer, {"run": run_id, "at_position": position})
        connection.execute(
            answers.insert(),
            {
                "workflow": self._workflow,
                "run_id": run_id,
                "position": position,
                "key": key,
                "step": step,
                "digest": digest,
                "at": at,
            },
        )

    def answered(self, connection: Connection, run_id: str, key: str) -> str | None:
        """The digest of the latest answer to a question of that key."""
        digest: str | None = connection.execute(self._answered, {"run": run_id, "key": key}).scalar()
        return digest

    # -- failures ------------------------------------------------------------------------------------------------------

    def put_failures(self, connection: Connection, failed: Sequence[Failure]) -> None:
        connection.execute(self._drop_failure, [{"run": one.run_id, "at_head": one.head} for one in failed])
        connection.execute(
            failures.insert(),
            [
                {"workflow": self._workflow, **{name: getattr(one, name) for name in FAILURE}}
                for one in failed
            ],
        )

    def failures(self, connection: Connection, head: str | None) -> list[Failure]:
        """Those of runs that are still as they were when they failed."""
        wanted = self._failures if head is None else self._failures.where(failures.c.head == head)
        return [Failure(**found._mapping) for found in connection.execute(wanted)]

    def forget_failures(self, connection: Connection, head: str, run_ids: Sequence[str] | None) -> int:
        gone = delete(failures).where(failures.c.workflow == self._workflow, failures.c.head == head)
        if run_ids is not None:
            gone = gone.where(failures.c.run_id.in_(run_ids))
        return connection.execute(gone).rowcount

    # -- switches ------------------------------------------------------------------------------------------------------

    def switch(self, connection: Connection, name: str) -> str | None:
        value: str | None = connection.execute(
            select(meta.c.value).where(meta.c.name == f"{name}/{self._workflow}")
        ).scalar()
        return value

    def turn(self, connection: Connection, name: str, value: str | None) -> None:
        full = f"{name}/{self._workflow}"
        if value is None:
            connection.execute(delete(meta).where(meta.c.name == full))
        elif connection.execute(update(meta).where(meta.c.name == full).values(value=value)).rowcount == 0:
            connection.execute(meta.insert().values(name=full, value=value))


def _text(value: Any) -> str | None:
    return None if value is None else json_text.dumps(value).decode()


def _entry(found: Any) -> HistoryEntry:
    values = dict(found._mapping)
    for name in ("reverse_patch", "complement_before"):
        if values[name] is not None:
            values[name] = json_text.loads(values[name])
    return HistoryEntry(**values)
