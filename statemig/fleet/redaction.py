"""A run document with its contents taken out and its form kept, for a staging store; and the way into that store.

Kept: the keys that the workflow declares, the values of its enums and tags, booleans, null, lengths of texts and lists, step names. Every
other text keeps its length and punctuation and loses its letters and digits; numbers become -1, 0 or 1; other keys and the keys of
questions are renamed. A redacted document is validated at its revision; one that does not fit any more is left out and counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from statemig.document import Document
from statemig.errors import StatemigError, StoreError
from statemig.migrator import Migrator
from statemig.shapes.shape import Enum, Object, Schema, Shape
from statemig.store.protocols import Fleet, RunFilter, StoredRun
from statemig.workflow.snapshot import Snapshot

FORMAT: Final = 1

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL: Final = re.compile(r"\w+://\S+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a workflow itself says: keys and values that are no secret of a run."""

    keys: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> Vocabulary:
        if snapshot is None:
            return cls()
        keys: set[str] = set()
        values: set[str] = set()
        for schema in (snapshot.stored, snapshot.reads):
            for shape in _shapes(schema):
                if isinstance(shape, Object):
                    keys.update(shape.properties)
                elif isinstance(shape, Enum):
                    values.update(value for value in shape.values if isinstance(value, str))
        return cls(frozenset(keys), frozenset(values))


class Filled(Protocol):
    """A store that exported runs can be put into; a `RunStore` is one."""

    @property
    def workflow(self) -> str: ...

    @property
    def migrator(self) -> Migrator: ...

    def blank(
        self, run_id: str, revision: str, started_revision: str | None, pinned_revision: str | None
    ) -> StoredRun: ...

    def adopt(self, found: Sequence[tuple[StoredRun, Document]]) -> None: ...


@dataclass(slots=True)
class Export:
    """How an export went: `left_out` says of how many runs the form could not be kept, and why."""

    exported: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


def export(fleet: Fleet, done: Export, where: RunFilter | None = None) -> Iterator[dict[str, Any]]:
    """Redacted live runs as plain JSON, with their tags; `done` is counted up."""
    vocabularies: dict[str | None, Vocabulary] = {}
    for batch in fleet.iterate(RunFilter() if where is None else where):
        for row in batch:
            revision = row.revision
            if revision is None or revision not in fleet.migrator.known:
                _count(done, "its revision is not known here")
                continue
            if revision not in vocabularies:
                vocabularies[revision] = Vocabulary.of(fleet.migrator.snapshot(revision))
            try:
                document = redact(fleet.document(row), vocabularies[revision])
                fleet.migrator.validate(document, revision)
            except StatemigError as error:
                problems = getattr(error, "problems", ()) or ((error.path or "", error.message),)
                _count(done, ": ".join(part for part in problems[0] if part))
                continue
            done.exported += 1
            yield _line(row, document)


def redact(document: Document, said: Vocabulary) -> Document:
    """The document without contents; the given one is left as it is."""
    parts: dict[str, Any] = dict(document)
    if isinstance(parts.get("outputs"), dict):
        parts["outputs"] = {step: _masked(value, said) for step, value in parts["outputs"].items()}
    parts["state"] = _masked(parts.get("state"), said)
    if parts.get("cursor"):
        parts["cursor"] = [_position(position, said) for position in parts["cursor"]]
    if parts.get("pending"):
        parts["pending"] = [
            {name: _masked(value, said) if name == "writes" else value for name, value in item.items()}
            for item in parts["pending"]
        ]
    return parts


def _position(position: dict[str, Any], said: Vocabulary) -> dict[str, Any]:
    made = dict(position)
    for name, value in position.items():
        if name == "key":
            made[name] = _named(str(value))
        elif name not in ("id", "step", "status", "on", "attempt"):
            made[name] = _masked(value, said)
    return made


def _masked(value: Any, said: Vocabulary) -> Any:
    match value:
        case dict():
            names = {key: key if key in said.keys else f"key{n}" for n, key in enumerate(value, 1)}
            return {names[key]: _masked(inner, said) for key, inner in value.items()}
        case list():
            return [_masked(inner, said) for inner in value]
        case bool() | None:
            return value
        case str():
            return value if value in said.values else _text(value)
        case int() | float():
            return type(value)((value > 0) - (value < 0))
        case _:
            return type(value)(0)


def _text(value: str) -> str:
    if _DATE.fullmatch(value):
        return "2000-01-01" + re.sub(r"\d", "0", value[10:])
    if _UUID.fullmatch(value):
        return "00000000-0000-4000-8000-000000000000"
    if _EMAIL.fullmatch(value):
        return "x@example.com"
    if _URL.fullmatch(value):
        return "https://example.com/"
    return "".join("x" if mark.isalpha() else "0" if mark.isdigit() else mark for mark in value)


def fill(store: Filled, lines: Iterable[Mapping[str, Any]]) -> int:
    """Put exported runs into a store: each under its exported name, at the revision and the place that it had. All or none.

    Raises:
        StoreError: a line is no exported run.
        UnknownRevisionError, InvalidStateError: a run is of a revision that is not known here, or does not fit it.
        ConflictError: a run with that name is there already.
    """
    adopted: list[tuple[StoredRun, Document]] = []
    for number, line in enumerate(lines, 1):
        if line.get("format") != FORMAT:
            raise StoreError(
                f"run {number} of the file is none that was exported, or of a format that is not known here",
                workflow=store.workflow,
                hint=f"This statemig reads format {FORMAT}; make the file with `statemig runs export --redact`",
            )
        try:
            run_id, revision, document = line["run"], line["revision"], line["document"]
            started, pinned = line["started_revision"], line["pinned_revision"]
        except (KeyError, TypeError):
            raise StoreError(
                f"run {number} of the file is none that was exported",
                workflow=store.workflow,
                hint="Make the file with `statemig runs export --redact`",
            ) from None
        store.migrator.validate(document, revision, run_id=run_id)
        adopted.append((store.blank(run_id, revision, started, pinned), document))
    store.adopt(adopted)
    return len(adopted)


def _named(text: str) -> str:
    """The same name for the same text, from which nobody reads the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _line(row: StoredRun, document: Document) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "run": _named(row.run_id),
        "revision": row.revision,
        "started_revision": row.started_revision,
        "pinned_revision": row.pinned_revision,
        "document": document,
    }


def _count(done: Export, reason: str) -> None:
    done.left_out[reason] = done.left_out.get(reason, 0) + 1


def _shapes(schema: Schema) -> Iterator[Shape]:
    todo: list[Any] = [schema.root, *schema.definitions.values()]
    while todo:
        shape = todo.pop()
        yield shape
        for name in ("items", "values", "rest", "extra"):
            inner = getattr(shape, name, None)
            if inner is not None and not isinstance(inner, str | tuple):
                todo.append(inner)
        todo += getattr(shape, "slots", ()) if not isinstance(shape, type) else ()
        todo += getattr(shape, "members", ())
        if isinstance(shape, Object):
            todo += [each.shape for each in shape.properties.values()]
