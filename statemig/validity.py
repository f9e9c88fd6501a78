"""Whether a document is right for a revision: its state by the frozen schema, its cursor by the frozen flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from statemig import document as documents
from statemig.document import Document
from statemig.errors import CursorError, InvalidStateError
from statemig.path import Key, Path
from statemig.shapes.shape import Anything, Object, Property, Schema
from statemig.workflow.flow import reachable
from statemig.workflow.run_shape import state_of

if TYPE_CHECKING:
    from statemig.shapes.validator import Validator
    from statemig.workflow.snapshot import Snapshot


class Validity:
    """The checks of one workflow. A revision without a snapshot says nothing, so everything is right for it."""

    def __init__(self, workflow: str, snapshot: Callable[[str], Snapshot | None]) -> None:
        self._workflow = workflow
        self._snapshot = snapshot
        self._validators: dict[tuple[str, str], Validator | None] = {}
        #: as the validators, the keys of a state that may have any value, and those that have to be there
        self._free: dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]] = {}
        #: by revision, the steps on which a run may stand whatever is in its document
        self._easy: dict[str, frozenset[str]] = {}

    def require_stored(self, document: Document, revision: str, *, run_id: str | None = None) -> None:
        """Raises `InvalidStateError` where the document is not one that this revision's workflow stores."""
        problems = documents.problems(document) or self._problems(document, revision, "stored")
        if problems:
            raise InvalidStateError(
                f"the document does not fit the revision it is stamped with: {_listed(problems)}",
                problems=problems,
                run_id=run_id,
                workflow=self._workflow,
                revision=revision,
                path=problems[0][0] or None,
                hint="No migration has touched it yet. Repair what is stored, or stamp it with the revision it really has",
                finding="data.invalid-before",
            )

    def require_migrated(
        self, document: Document, source: str, target: str, *, up: bool, proven: bool
    ) -> None:
        """Raises `InvalidStateError` where the document does not fit `target`, and `CursorError` where it cannot go on there. `proven`:
        the state is known to fit."""
        problems = documents.problems(document)
        snapshot = self._snapshot(target)
        if snapshot is None and not problems:
            return
        if (not proven or document.get("pending")) and not problems:  # the proof is about whole states
            side = "accepts" if up else "stored"
            problems = self._problems(document, target, side)
        if problems:
            raise InvalidStateError(
                f"after the migration the document does not fit the new version: {_listed(problems)}",
                problems=problems,
                revision=target,
                path=problems[0][0] or None,
                hint=f"Add what is missing to the scripts between {source} and {target}",
            )
        if snapshot is not None and snapshot.steps and not self._stands_well(document, snapshot, target):
            require_cursor(document, snapshot, target)

    def goes_by_keys(self, keys: Iterable[str], steps: Iterable[str], revision: str, side: str) -> bool:
        """Whether a run is right for the revision whatever the values in its state are: one with just these keys in it, which stands on
        these steps, and has no output and nothing pending. `side` as of the validators."""
        if self._validator(revision, side) is None:
            return True
        free, required = self._free[revision, side]
        there = frozenset(keys)
        return free >= there >= required and self._easy_steps(revision).issuperset(steps)

    def _stands_well(self, document: Document, snapshot: Snapshot, revision: str) -> bool:
        """Whether all positions, of which a document usually has one, stand on steps of which there is nothing to be asked."""
        if document.get("pending"):
            return False
        easy = self._easy_steps(revision)
        for position in document.get("cursor") or ():  # noqa: SIM110, because a generator takes three times as long
            if position["step"] not in easy:
                return False
        return True

    def _easy_steps(self, revision: str) -> frozenset[str]:
        """The steps on which a run may stand whatever is in its document."""
        easy = self._easy.get(revision)
        if easy is None:
            snapshot = self._snapshot(revision)
            assert snapshot is not None
            easy = self._easy[revision] = frozenset(
                name
                for name, step in snapshot.steps.items()
                if not step.reads and name not in snapshot.dead_ends and name not in snapshot.sure_arrivals
            )
        return easy

    def _problems(self, document: Document, revision: str, side: str) -> list[tuple[str, str]]:
        validator = self._validator(revision, side)
        if validator is None:
            return []
        if "pending" not in document and "outputs" not in document:
            free, required = self._free[revision, side]
            if free >= document["state"].keys() >= required:
                return []  # whatever the values are
        problems = validator.problems(
            {part: document[part] for part in ("state", "outputs") if part in document}
        )
        partial = [
            (number, item["writes"])
            for number, item in enumerate(documents.pending(document))
            if item.get("writes")
        ]
        if partial:
            writes = self._validator(revision, "writes")
            assert writes is not None
            for number, value in partial:
                problems.extend(
                    (path.replace("state", f"pending[{number}].writes", 1), expected)
                    for path, expected in writes.problems({"state": value})
                )
        return problems

    def _validator(self, revision: str, side: str) -> Validator | None:
        """For documents as they are stored at a revision ("stored"), as its readers take them ("accepts"), or for the part of a state that
        one branch has written ("writes")."""
        key = (revision, side)
        if key not in self._validators:
            from statemig.shapes.validator import Validator

            snapshot = self._snapshot(revision)
            if snapshot is None:
                self._validators[key] = None
            else:
                schema = snapshot.taken if side == "accepts" else snapshot.held
                self._free[key] = _free(schema)
                self._validators[key] = Validator(_partial(schema) if side == "writes" else schema)
        return self._validators[key]


def _to_add(step: str, snapshot: Snapshot) -> str:
    line = f'Add op.rename_step("{step}", to=...) or op.remove_step("{step}", cursor=...) to the revision'
    around = step.rpartition(".")[0]
    if around not in snapshot.steps or any(name.startswith(f"{around}.") for name in snapshot.steps):
        return line
    return (
        f"{line}; if no revision has such a step, then what runs inside {around!r} was not seen when it was frozen, and the run has to get "
        f"past {around!r} on its own version"
    )


def require_cursor(document: Document, snapshot: Snapshot, revision: str) -> None:
    """Every position stands on a step that exists, its declared inputs are there, an end can be reached, and joins can still fire.
    Raises `CursorError`."""
    for step, place in documents.steps_named(document):
        if step not in snapshot.steps:
            raise CursorError(
                f"there is no step {step!r} in version {revision}",
                step=step,
                path=place,
                revision=revision,
                hint=_to_add(step, snapshot),
                finding="cursor.target-missing",
            )
    standing = [position["step"] for position in documents.positions(document)]
    for number, position in enumerate(documents.positions(document)):
        step = position["step"]
        for needed in snapshot.steps[step].reads:
            if not _is_there(document, needed):
                raise CursorError(
                    "the step reads what is not there",
                    step=step,
                    path=needed,
                    revision=revision,
                    hint=f"Add op.add_field({needed!r}, default=...) to the revision, or send the run to a step that writes it",
                    finding="data.missing-input",
                )
        if step in snapshot.dead_ends:
            raise CursorError(
                "no end can be reached from here",
                step=step,
                path=f"cursor[{number}]",
                revision=revision,
                hint="Give the step a next, or send the run elsewhere: op.remove_step(..., cursor=op.forward(...))",
                finding="cursor.no-end",
            )
    #: branches of a join that have arrived, or are on their way to it, and where it says so
    arrived: dict[str, tuple[set[str], str]] = {}
    for item in documents.pending(document):
        if item.get("to") is not None:
            arrived.setdefault(item["to"], (set(), "pending"))[0].add(item["step"])
    for number, step in enumerate(standing):
        sure = snapshot.sure_arrivals.get(step)
        if sure is not None:
            arrived.setdefault(sure[0], (set(), f"cursor[{number}]"))[0].add(sure[1])
    for join, (branches, place) in arrived.items():
        for missing in set(snapshot.steps[join].joins) - branches:
            if not any(missing in reachable(snapshot.steps, step, before=join) for step in standing):
                raise CursorError(
                    f"the join waits for {missing!r}, and nothing can get there any more",
                    step=join,
                    path=place,
                    revision=revision,
                    hint=f"A branch was added, or its arrival dropped, while this run was past the fork: let it run out on its version, or "
                    f"start {missing!r}",
                    finding="join.unreachable",
                )


def _is_there(document: Document, path: str) -> bool:
    value: Any = document
    for segment in Path.parse(path).segments:
        if not isinstance(segment, Key):
            return True  # what lies in lists and maps may be empty
        if not isinstance(value, dict) or segment.name not in value:
            return False
        value = value[segment.name]
    return True


def _free(schema: Schema) -> tuple[frozenset[str], frozenset[str]]:
    """The keys of a run document's state that may have any value, and those that have to be there."""
    state = state_of(schema)
    shape = state.resolve(state.root)
    if not isinstance(shape, Object):
        return frozenset(), frozenset(("",))  # no state is known by its keys
    return (
        frozenset(key for key, each in shape.properties.items() if isinstance(each.shape, Anything)),
        frozenset(key for key, each in shape.properties.items() if each.required),
    )


def _partial(schema: Schema) -> Schema:
    """The schema of a document of which nothing but a part of the state is there."""
    root = schema.resolve(schema.root)
    assert isinstance(root, Object)
    state = schema.resolve(root.properties["state"].shape)
    if isinstance(state, Object):
        properties = {key: Property(prop.shape, required=False) for key, prop in state.properties.items()}
        state = Object(properties, state.extra, state.name)
    return Schema(Object({"state": Property(state)}), schema.definitions)


def _listed(problems: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{path or 'the document'}: {expected}" for path, expected in problems)
