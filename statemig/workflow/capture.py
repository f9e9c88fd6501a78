"""From code to a snapshot: a workflow, or the type of a state alone, through pydantic and shapes."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError

from statemig.errors import CaptureError, SchemaError
from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant
from statemig.shapes import json_schema
from statemig.shapes.shape import Anything, ListOf, MapOf, Object, Schema, Shape, TupleOf, Union
from statemig.workflow.definition import DumpProfile, Step, Workflow, refuse
from statemig.workflow.flow import StepInfo
from statemig.workflow.ownership import package_of
from statemig.workflow.prompts import prompt_of
from statemig.workflow.pydantic_schema import Mode, generate
from statemig.workflow.snapshot import Snapshot
from statemig.workflow.tools import Tool, tool_of
from statemig.workflow.typed_dicts import accepted_by_pydantic
from statemig.workflow.unseen import Unseen, unseen

ENTRY_POINTS: Final = "statemig.capture"
_STATE: Final = "state"


def capture(subject: Any) -> Snapshot:
    """The snapshot of a workflow as it is in the code now.

    `subject`: a `Workflow`; a state type alone (pydantic model, TypedDict, dataclass); or the graph of a runtime
    that registered under the entry-point group ``statemig.capture``, the entry point named after the top-level
    package of the graph's class. Raises `CaptureError` that lists every problem.
    """
    if isinstance(subject, Workflow):
        return _capture_workflow(subject)
    if isinstance(subject, type) or getattr(subject, "__origin__", None) is not None:
        name = getattr(subject, "__name__", None) or str(subject)
        return _capture_workflow(Workflow(name, state=subject))
    by_runtime = _runtime_capture(subject)
    if by_runtime is not None:
        return by_runtime(subject)
    raise CaptureError(
        f"cannot capture an object of type {type(subject).__module__}.{type(subject).__qualname__}",
        hint="Pass a statemig.Workflow, a pydantic model, TypedDict or dataclass, or the graph of an installed runtime",
    )


def run_schemas(
    types: Mapping[str, Any], profile: DumpProfile, own: frozenset[str], workflow: str
) -> tuple[Schema, Schema, tuple[Unseen, ...]]:
    """What is written and what is read, as run-document schemas, and what is checked beyond them. `types`: "state" and, by step,
    ``outputs.<step>``.

    Classes in several places share one definition. Raises `CaptureError` that names every type with a problem.
    """
    problems: list[str] = []
    core: list[tuple[str, Any]] = []
    made: dict[Any, Any] = {}
    for place, annotation in types.items():
        try:
            core.append((place, _core_schema(accepted_by_pydantic(annotation, made))))
        except _UNCAPTURABLE as error:
            problems.append(f"{_place(place)}: {_first_line(error)}")
    refuse(workflow, problems)
    found: list[Schema] = []
    modes: tuple[Mode, ...] = ("serialization", "validation")
    for mode in modes:
        keyed, definitions = generate(core, mode, profile, own)
        listed = {place: node.get("items", {}) for place, node in keyed.items()}
        try:
            found.append(json_schema.read(_document(listed, definitions)))
        except SchemaError:
            problems += list(_unreadable(listed, definitions))
            refuse(workflow, list(dict.fromkeys(problems)))
            raise
    return found[0], found[1], unseen(core, own)


_UNCAPTURABLE: Final = (PydanticUserError, NameError, TypeError, AttributeError)


def _capture_workflow(workflow: Workflow) -> Snapshot:
    own = frozenset(workflow.packages) | (
        {package_of(workflow.state)} if workflow.state is not None else set()
    )
    types: dict[str, Any] = {} if workflow.state is None else {_STATE: workflow.state}
    types.update({f"outputs.{step.name}": step.output for step in workflow.steps if step.output is not None})
    problems: list[str] = []
    schemas: tuple[Schema, Schema, tuple[Unseen, ...]] | None = None
    try:
        schemas = run_schemas(types, workflow.profile, own, workflow.name)
    except CaptureError as error:
        problems += [line.removeprefix("  - ") for line in _listed(error)]
    prompts = dict(_prompts(workflow, problems))
    tools = _tools(workflow, own, problems)
    if schemas is not None:
        problems += list(_strange_paths(workflow, schemas[:2]))
    refuse(workflow.name, problems)
    assert schemas is not None  # without schemas there is a problem
    return Snapshot(
        workflow.name,
        schemas[0],
        schemas[1],
        workflow.profile,
        {step.name: _info(step) for step in workflow.steps},
        workflow.start,
        prompts,
        tools,
        {step.name: _model(step.model) for step in workflow.steps if step.model is not None},
        schemas[2],
    )


# -- types -----------------------------------------------------------------------------------------------------------------


def _core_schema(annotation: Any) -> Any:
    """pydantic's core schema of a list of the type: a list takes a configuration where a class that has its own would refuse it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter: TypeAdapter[Any] = TypeAdapter(
            list[annotation], config=ConfigDict(arbitrary_types_allowed=True)
        )
        if not isinstance(adapter.core_schema, dict):
            # A class was not complete when it was defined. Completing the model itself names what is missing.
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                annotation.model_rebuild()
            adapter.rebuild()
        return adapter.core_schema


def _document(places: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    outputs = {place.partition(".")[2]: node for place, node in places.items() if place != _STATE}
    state = places.get(_STATE, {"type": "object", "properties": {}})
    return {
        "type": "object",
        "properties": {"state": state, "outputs": {"type": "object", "properties": outputs}},
        "required": ["state"],
        "$defs": dict(definitions),
    }


def _unreadable(places: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """The same reading place by place, to say which type is to blame."""
    for place, node in places.items():
        try:
            json_schema.read(_document({place: node}, definitions))
        except SchemaError as error:
            yield f"{_place(place)}: {error}"


def _place(place: str) -> str:
    head, _, step = place.partition(".")
    return f"step {step!r}: output" if head == "outputs" else head


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _listed(error: CaptureError) -> list[str]:
    lines = error.message.split("\n")
    return lines if len(lines) == 1 else lines[1:]


# -- steps -----------------------------------------------------------------------------------------------------------------


def _info(step: Step) -> StepInfo:
    return StepInfo(
        step.kind,
        step.next,
        step.fork,
        step.joins,
        step.reads,
        step.writes,
        step.interrupts,
        step.removed,
    )


def _model(model: str | dict[str, Any]) -> dict[str, Any]:
    return {"name": model} if isinstance(model, str) else dict(model)


def _prompts(workflow: Workflow, problems: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in workflow.steps:
        if step.prompt is None:
            continue
        try:
            yield step.name, prompt_of(step.prompt)
        except TypeError as error:
            problems.append(f"step {step.name!r}: {error}")


def _tools(workflow: Workflow, own: frozenset[str], problems: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, Tool] = {}
    users: dict[str, list[str]] = {}
    for step in workflow.steps:
        for each in step.tools:
            try:
                tool = tool_of(each, own)
            except (*_UNCAPTURABLE, SchemaError, ValueError) as error:
                problems.append(f"step {step.name!r}: tools: {_first_line(error)}")
                continue
            before = found.setdefault(tool.name, tool)
            if before.arguments is None:
                found[tool.name] = tool
            elif tool.arguments is not None and tool.arguments != before.arguments:
                problems.append(
                    f"step {step.name!r}: tools: {tool.name!r} has other arguments than in step {users[tool.name][0]!r}"
                )
            if step.name not in users.setdefault(tool.name, []):
                users[tool.name].append(step.name)
    return {name: {"arguments": tool.arguments, "steps": users[name]} for name, tool in found.items()}


def _strange_paths(workflow: Workflow, schemas: tuple[Schema, Schema]) -> Iterator[str]:
    for step in workflow.steps:
        for word, paths in (("reads", step.reads), ("writes", step.writes)):
            for text in paths:
                path = Path.parse(text)
                if not any(_is_there(schema, schema.root, path.segments) for schema in schemas):
                    yield f"step {step.name!r}: {word}: there is no {text} in the state or outputs"


def _is_there(schema: Schema, shape: Shape, segments: tuple[Segment, ...]) -> bool:
    if not segments:
        return True
    inner, rest = schema.resolve(shape), segments[1:]
    if isinstance(inner, Union):
        return any(_is_there(schema, member, segments) for member in inner.members)
    match segments[0], inner:
        case _, Anything():
            return True
        case Key(name), Object(properties, extra):
            if name in properties:
                return _is_there(schema, properties[name].shape, rest)
            return not isinstance(extra, str) and _is_there(schema, extra, rest)
        case Items(), ListOf(items):
            return _is_there(schema, items, rest)
        case Items(), TupleOf(slots, tail):
            each = (*slots, tail) if tail is not None else slots
            return any(_is_there(schema, slot, rest) for slot in each)
        case Slot(index), TupleOf(slots, tail):
            at = slots[index] if -len(slots) <= index < len(slots) else tail
            return at is not None and _is_there(schema, at, rest)
        case Values(), MapOf(values):
            return _is_there(schema, values, rest)
        case Variant(), _:
            return _is_there(schema, inner, rest)
        case Definition(name), _:
            return name in schema.definitions
        case _:
            return False


# -- runtimes --------------------------------------------------------------------------------------------------------------


def _runtime_capture(subject: Any) -> Callable[[Any], Snapshot] | None:
    """The capture that a runtime registered for the package of the object's class. Only that one is imported."""
    packages = [package_of(cls) for cls in type(subject).__mro__]
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    for package in packages:
        for point in points:
            if point.name == package:
                return cast(Callable[[Any], Snapshot], point.load())
    return None
