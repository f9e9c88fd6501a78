"""Bringing a person's answer to a stored run: brought to head on the way where it can be, stored where it is otherwise."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from statemig import json_text
from statemig.document import Position
from statemig.errors import (
    AnswerError,
    ConflictError,
    InvalidStateError,
    NewerRevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.shapes.validator import path_text
from statemig.store import answers
from statemig.store.deploy_view import facts_of
from statemig.store.protocols import Moved, StoredRun
from statemig.store.rows import ANY_LEASE
from statemig.store.stored_runs import TRIES, StoredRuns


def answer(store: StoredRuns, run_id: str, key: str, value: Any) -> None:
    """As `RunStore.answer` says; `value` is JSON."""
    try:
        digest = json_text.digest(value)
    except TypeError:
        raise AnswerError(
            "the answer is not JSON", run_id=run_id, hint="Pass plain JSON or a model"
        ) from None
    for _ in range(TRIES):
        row = store.row(run_id)
        now = store.clock()
        moved = _brought(store, row, now)
        document = moved.document
        position = answers.find(document, key)
        if position is None or position.get("status") != "waiting":
            with store.engine.connect() as connection:
                known = store.records.answered(connection, run_id, key)
            if position is not None and "answer" in position:
                known = json_text.digest(position["answer"])
            if known == digest:
                return
            raise answers.no_such_question(document, run_id, answered=known is not None)
        _require_fit(store, moved, position, value)
        answers.place(position, value)

        def write_down(connection: Connection, at: float = now, of: Position = position) -> None:
            store.records.add_answer(
                connection, run_id, position=of["id"], key=key, step=of["step"], digest=digest, at=at
            )

        if store.commit(moved, now, ANY_LEASE, also=write_down) is not None:
            return
    raise ConflictError("others kept writing the run", run_id=run_id, hint="Answer again")


def _brought(store: StoredRuns, row: StoredRun, now: float) -> Moved:
    older = row.revision is not None and row.revision != store.head
    as_it_is = older and (row.leased(now) or stays(store, row))
    if not as_it_is:
        try:
            return store.bring(row, cause="answer")
        except (UnknownRevisionError, NewerRevisionError):
            raise
        except StatemigError:
            if row.revision is None:
                raise
    elif row.revision not in store.migrator.known:
        raise UnknownRevisionError(
            "the run is of a revision that is not known here",
            run_id=row.run_id,
            revision=row.revision,
            hint="Answer it through the version that wrote it",
        )
    return Moved(row, store.rows.document(row), row.revision or "", None, None, checked=row.checked)


def stays(store: StoredRuns, row: StoredRun) -> bool:
    """Whether a deploy leaves the run at its revision, so that an answer is no reason to bring it to head."""
    view = store.watched.view()
    if not view.decides or row.revision not in store.migrator.known:
        return False
    if view.mode(store.head, row.revision) != "in place":
        return True
    return view.decide(facts_of(row)).revision not in (None, store.head)


def _require_fit(store: StoredRuns, moved: Moved, position: Position, value: Any) -> None:
    step = position["step"]
    outputs = moved.document.get("outputs") or {}
    asked = {**moved.document, "outputs": {**outputs, step: value}}
    try:
        store.migrator.validate(asked, moved.revision)
    except InvalidStateError as error:
        place = path_text(("outputs", step))
        inside = tuple(place + mark for mark in ".[<{")
        wrong = [
            (path, expected) for path, expected in error.problems if path == place or path.startswith(inside)
        ]
        if wrong:
            raise AnswerError(
                f"the answer does not fit the step: {wrong[0][1]}",
                run_id=moved.row.run_id,
                step=step,
                path=wrong[0][0],
                hint="Nothing was stored; the question still waits",
            ) from None
