"""Runs in the order of their ids, some at a time.

The statement of a filter is compiled once and goes past SQLAlchemy's Core, as those on single runs do: small batches cost little more than
large ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, bindparam

from statemig import json_text
from statemig.store.protocols import RunFilter, StoredRun
from statemig.store.rows import Edge, Rows
from statemig.store.statement import Statement


class Batches:
    """Reads batches of rows of one store. Safe for any number of threads."""

    def __init__(self, rows: Rows, engine: Engine) -> None:
        self._rows = rows
        self._engine = engine
        #: by filter, without the ids between which it chooses, and whether there is an id to start behind and one to stop at
        self._statements: dict[tuple[RunFilter, bool, bool], Statement] = {}

    def read(self, where: RunFilter, size: int) -> Iterator[list[StoredRun]]:
        """So many at a time, each run once; no transaction stays open in between."""
        after = where.after
        while True:
            found = [self._rows.row(one) for one in self._fetch(where, after, size)]
            if not found:
                return
            after = found[-1].run_id
            if where.step is not None:
                # LIKE may have ignored case.
                found = [
                    row
                    for row in found
                    if any(place[0] == where.step for place in json_text.loads(row.standing))
                ]
            yield found

    def _fetch(self, where: RunFilter, after: str | None, size: int) -> Sequence[Sequence[Any]]:
        if where.run_ids is not None:  # a list has no fixed number of parameters
            with self._engine.connect() as connection:
                return connection.execute(self._rows.batch(where, after, where.until, size)).all()
        values: dict[str, Any] = {"limit": size}
        if after is not None:
            values["after"] = after
        if where.until is not None:
            values["until"] = where.until
        return self._statement(where, after is not None, where.until is not None).fetch(values)

    def _statement(self, where: RunFilter, begins: bool, ends: bool) -> Statement:
        key = replace(where, after=None, until=None), begins, ends
        found = self._statements.get(key)
        if found is None:
            after: Edge = bindparam("after") if begins else None
            until: Edge = bindparam("until") if ends else None
            clause = self._rows.batch(where, after, until, bindparam("limit"))
            found = self._statements[key] = Statement(self._engine, clause)
        return found
