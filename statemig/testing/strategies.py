"""Hypothesis strategies over frozen snapshots: states, whole run documents, and ways through the revisions.

The classes that wrote the old states are gone; the snapshot beside a revision is what is left of them, and all that is needed.

    from statemig.testing import strategies

    @given(strategies.runs("5f2c"))
    def test_mine(document): ...
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from statemig.errors import CursorError, RevisionError, SchemaError
from statemig.migrator import Migrator
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Object, Schema, Shape
from statemig.testing.drawing import Drawing
from statemig.testing.formats import REGISTERED
from statemig.testing.hints import hints
from statemig.testing.readable import readable
from statemig.testing.walking import run_of
from statemig.validity import require_cursor
from statemig.workflow.run_shape import outputs_of, state_of
from statemig.workflow.snapshot import Snapshot

JSON = Any
Form = Literal["dump", "sparse"]
Overrides = Mapping[str, SearchStrategy[JSON]]

#: (revision or "*") to path to strategy, from `register_override`
_OVERRIDES: Final[dict[str, dict[str, SearchStrategy[JSON]]]] = {}


@dataclass(frozen=True, slots=True)
class Chain:
    """A run document of the first of these revisions, each of which follows from the one before it."""

    revisions: tuple[str, ...]
    document: dict[str, Any]


def from_snapshot(
    snapshot: Snapshot,
    model: type | str | None = None,
    *,
    shape: Form = "dump",
    overrides: Overrides | None = None,
) -> SearchStrategy[JSON]:
    """States of a version, as plain JSON.

    `model`: without it the state; a name is that of a class in the snapshot ("State", "Node") or of a step, whose output is drawn. A class
    of today's code stands for its name, and only what it takes is drawn: use it where the class has validators of its own.
    `shape`: "dump" is what the application writes, with all keys that its dump profile writes, and now and then without one that is
    optional. "sparse" is what it accepts, without half of the keys that may be absent.
    `overrides`: strategies for the values at paths (``{"state.topic": st.just("x")}``, ``items[].name`` or ``<Node>.label``).

    Raises `SchemaError` where the snapshot has no such model, or no value of it is finite.
    """
    side = _side(snapshot, shape)
    root, below = _named(side, model)
    found = _drawing(snapshot, shape, overrides).of(root, below)
    if isinstance(model, type):
        return found.filter(_taken_by(model))
    return found


def states(
    revision: str | Revision,
    *,
    migrator: Migrator | None = None,
    shape: Form = "dump",
    overrides: Overrides | None = None,
) -> SearchStrategy[JSON]:
    """States of a revision: (the beginning of) its id in the project around, or in `migrator`, or a `Revision`. Raises `RevisionError`
    for one that was frozen without a snapshot."""
    snapshot, name = _snapshot(revision, migrator)
    return from_snapshot(snapshot, shape=shape, overrides={**registered(name), **(overrides or {})})


def runs(
    revision: str | Revision | Snapshot,
    *,
    migrator: Migrator | None = None,
    shape: Form = "dump",
    overrides: Overrides | None = None,
) -> SearchStrategy[dict[str, Any]]:
    """Run documents of a revision, or of a snapshot: the state, and a cursor, outputs and pending writes that a way through the flow leads
    to. Every run can go on from where it stands."""
    if isinstance(revision, Snapshot):
        snapshot, name = revision, None
    else:
        snapshot, name = _snapshot(revision, migrator)
    side = _side(snapshot, shape)
    drawing = _drawing(snapshot, shape, {**registered(name), **(overrides or {})})
    state = drawing.of(state_of(side).root, ("state",))
    outputs = {step: drawing.of(each.root, ("outputs", step)) for step, each in outputs_of(side).items()}
    made = run_of(snapshot.steps, snapshot.start, state, outputs, _written(drawing, side))
    return made.filter(lambda document: _goes_on(document, snapshot)) if snapshot.steps else made


def chains(migrator: Migrator, *, longest: int | None = None, shape: Form = "dump") -> SearchStrategy[Chain]:
    """Ways up through the revisions of a migrator, of at least one step and at most `longest`, with a run of the revision that each
    begins at. Raises `RevisionError` where fewer than two revisions have snapshots."""
    found: list[tuple[str, ...]] = []
    order = sorted(migrator.known, key=lambda name: (migrator.version(name), name))
    order = [name for name in order if migrator.snapshot(name) is not None]
    for number, lower in enumerate(order):
        for upper in order[number + 1 :]:
            with suppress(RevisionError):  # on another branch
                way = (lower, *migrator.path(lower, upper))
                if len(way) > 1 and (longest is None or len(way) <= longest + 1):
                    found.append(way)
    if not found:
        raise RevisionError(
            "there is no way between two revisions that have snapshots", workflow=migrator.workflow
        )
    return st.sampled_from(found).flatmap(
        lambda way: st.builds(Chain, st.just(way), runs(way[0], migrator=migrator, shape=shape))
    )


def register_format(name: str, strategy: SearchStrategy[str]) -> None:
    """Texts of a format (``"format": name`` in JSON Schema) are drawn from the strategy, in every snapshot, from now on."""
    REGISTERED[name] = strategy


def register_override(path: str, strategy: SearchStrategy[JSON], *, revision: str | None = None) -> None:
    """Values at a path (``state.items[].name``, ``outputs.classify.label``, ``<Node>.label``) are drawn from the strategy, from now on: in
    one revision (its full id), or in all. For what a snapshot cannot say, such as the checks of a validator of your own."""
    _OVERRIDES.setdefault(revision or "*", {})[path] = strategy


# -- parts -------------------------------------------------------------------------------------------------------------


def registered(revision: str | None) -> dict[str, SearchStrategy[JSON]]:
    """What `register_override` said of a revision."""
    return {**_OVERRIDES.get("*", {}), **(_OVERRIDES.get(revision, {}) if revision else {})}


def _side(snapshot: Snapshot, shape: Form) -> Schema:
    match shape:
        case "dump":
            return snapshot.kept("readable writes", lambda of: readable(of.writes, of.reads))
        case "sparse":
            return snapshot.reads
        case _:
            raise ValueError(f'shape is "dump" or "sparse", not {shape!r}')


def _drawing(snapshot: Snapshot, shape: Form, overrides: Overrides | None) -> Drawing:
    def make(of: Snapshot) -> Drawing:
        given = _from_the_top(overrides) if overrides else None
        return Drawing(_side(of, shape), sparse=shape == "sparse", overrides=given, hints=hints(of.unseen))

    # A format may have been registered since.
    return make(snapshot) if overrides or REGISTERED else snapshot.kept(f"drawing {shape}", make)


def _from_the_top(overrides: Overrides) -> dict[str, SearchStrategy[JSON]]:
    """A path that begins with a field of the state is one of the state."""
    heads = ("state", "outputs", "<")
    return {
        path if path.startswith(heads) else f"state.{path}": strategy for path, strategy in overrides.items()
    }


def _named(side: Schema, model: type | str | None) -> tuple[Shape, tuple[str, ...]]:
    state = state_of(side).root
    if model is None:
        return state, ("state",)
    name = model if isinstance(model, str) else model.__name__
    resolved = side.resolve(state)
    if name == "state" or (isinstance(resolved, Object) and resolved.name == name):
        return state, ("state",)
    outputs = outputs_of(side)
    for step, each in outputs.items():
        inside = each.resolve(each.root)
        if step == name or (isinstance(inside, Object) and inside.name == name):
            return each.root, ("outputs", step)
    for key, shape in side.definitions.items():
        if key == name or (isinstance(shape, Object) and shape.name == name):
            return shape, ("<",)
    if isinstance(model, type) and (
        resolved == Object({}) or (isinstance(resolved, Object) and resolved.name is None)
    ):
        return state, ("state",)  # a bare schema does not say what its class was called
    known = [*outputs, *side.definitions]
    raise SchemaError(
        f"the snapshot has no model {name!r}",
        hint=f"There are: state, {', '.join(known)}" if known else "There is only the state",
    )


def _taken_by(model: type) -> Any:
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(model)

    def taken(value: JSON) -> bool:
        from statemig import json_text

        try:
            adapter.validate_json(json_text.dumps(value))
        except ValidationError:
            return False
        return True

    return taken


def _snapshot(revision: str | Revision, migrator: Migrator | None) -> tuple[Snapshot, str]:
    if isinstance(revision, Revision):
        found, name = revision.snapshot, revision.revision
    else:
        known = Migrator.from_config() if migrator is None else migrator
        name = known.resolve(revision)
        found = known.snapshot(name)
    if found is None:
        raise RevisionError(
            "it was frozen without a snapshot, so nothing says what its states are",
            revision=name,
            hint=f"Freeze the code with it: statemig edit {name} --freeze --code",
        )
    return found, name


def _written(drawing: Drawing, side: Schema) -> dict[str, SearchStrategy[JSON]]:
    """The keys of the state that a branch may have written, with their values."""
    state = side.resolve(state_of(side).root)
    if not isinstance(state, Object):
        return {}
    return {key: drawing.of(each.shape, ("state", key)) for key, each in state.properties.items()}


def _goes_on(document: dict[str, Any], snapshot: Snapshot) -> bool:
    try:
        require_cursor(document, snapshot, "")
    except CursorError:
        return False
    return True


__all__ = [
    "Chain",
    "chains",
    "from_snapshot",
    "register_format",
    "register_override",
    "registered",
    "runs",
    "states",
]
