"""Erasing what was kept for the way back over revisions that nobody goes back over any more.

A complement keeps its notes under ``<revision>/<operation>``; a run that stands on that revision, or above it, needs them for the way down
and for nothing else. (One that stands below needs them for the way up; those stay.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Engine, and_, bindparam, or_, select, update

from statemig import json_text
from statemig.store.protocols import Forgotten
from statemig.store.tables import history, runs

_BATCH: Final = 500

Complement = dict[str, Any]


def forget(
    engine: Engine,
    workflow: str,
    way_back: Mapping[str, Collection[str]],
    retired: Collection[str],
    now: float,
    *,
    dry_run: bool = False,
) -> Forgotten:
    """Of all runs, ended ones too: each by compare-and-swap, and none that a worker holds."""
    erased, left = _of_runs(engine, workflow, way_back, now, dry_run)
    patches = _of_history(engine, workflow, way_back, retired, dry_run)
    return Forgotten(erased, patches, left)


def remaining(
    complement: Complement, revision: str | None, way_back: Mapping[str, Collection[str]]
) -> Complement:
    """What of a complement is still good for something, for a document of that revision."""
    return {
        label: notes
        for label, notes in complement.items()
        if revision not in way_back.get(label.rpartition("/")[0], ())
    }


def _of_runs(
    engine: Engine, workflow: str, way_back: Mapping[str, Collection[str]], now: float, dry_run: bool
) -> tuple[int, int]:
    free = or_(runs.c.lease_until.is_(None), runs.c.lease_until <= now)
    same = and_(
        runs.c.workflow == workflow,
        runs.c.run_id == bindparam("run"),
        runs.c.version == bindparam("was_version"),
        free,
    )
    write = update(runs).where(same).values(complement=bindparam("kept"), version=runs.c.version + 1)
    erased = left = 0
    for batch in _batches(engine, workflow):
        with engine.begin() as connection:
            for run_id, version, revision, lease_until, text in batch:
                before = json_text.loads(text)
                kept = remaining(before, revision, way_back)
                if len(kept) == len(before):
                    continue
                if dry_run:
                    was_written = lease_until is None or lease_until <= now
                else:
                    values = {"run": run_id, "was_version": version, "kept": _text(kept)}
                    was_written = connection.execute(write, values).rowcount == 1
                erased += was_written
                left += not was_written
    return erased, left


def _batches(engine: Engine, workflow: str) -> Iterator[list[Any]]:
    """Runs that keep something, in the order of their ids; no transaction stays open in between."""
    wanted = (
        select(runs.c.run_id, runs.c.version, runs.c.revision, runs.c.lease_until, runs.c.complement)
        .where(
            runs.c.workflow == workflow,
            runs.c.complement.is_not(None),
            runs.c.run_id > bindparam("after"),
        )
        .order_by(runs.c.run_id)
        .limit(_BATCH)
    )
    after = ""
    while True:
        with engine.connect() as connection:
            found = list(connection.execute(wanted, {"after": after}))
        if not found:
            return
        after = found[-1].run_id
        yield found


def _of_history(
    engine: Engine,
    workflow: str,
    way_back: Mapping[str, Collection[str]],
    retired: Collection[str],
    dry_run: bool,
) -> int:
    """A patch that leads to a retired version goes, and so do, of what another one would bring back, the notes for going further down."""
    entries = select(
        history.c.run_id, history.c.seq, history.c.from_revision, history.c.complement_before
    ).where(history.c.workflow == workflow, history.c.reverse_patch.is_not(None))
    one = and_(
        history.c.workflow == workflow,
        history.c.run_id == bindparam("run"),
        history.c.seq == bindparam("number"),
    )
    drop = update(history).where(one).values(reverse_patch=None, complement_before=None, digest=None)
    keep = update(history).where(one).values(complement_before=bindparam("kept"))
    erased = 0
    with engine.connect() as connection:
        found = list(connection.execute(entries))
    with engine.begin() as connection:
        for run_id, number, came_from, text in found:
            same = {"run": run_id, "number": number}
            if came_from in retired:
                erased += 1
                if not dry_run:
                    connection.execute(drop, same)
                continue
            before = {} if text is None else json_text.loads(text)
            kept = remaining(before, came_from, way_back)
            if len(kept) < len(before):
                erased += 1
                if not dry_run:
                    connection.execute(keep, {**same, "kept": _text(kept)})
    return erased


def _text(complement: Complement) -> str | None:
    return json_text.dumps(complement).decode() if complement else None
