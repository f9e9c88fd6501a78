"""Values that LangGraph has pickled (`pickle_fallback`), where one stands in the way: its class is gone, or what holds it now can not be
stored with it. Everything here but `PickledError` is for an error that is raised anyway, so it may take its time."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import InvalidStateError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

FORM: Final = "pickle"
_KEEP: Final = "Keep the class where it was, or import it there under its old name, until no thread holds one; the thread is as it was"


class PickledError(InvalidStateError):
    """A pickled value can not be read, or can not be stored where it belongs now."""


def unread(error: Exception, form: str, data: bytes) -> PickledError:
    """For what unpickling has raised. What it said is not repeated: it may be the words of a class."""
    gone = _loaded(data)[1] if form == FORM else []
    if gone:
        why = f"its class {gone[0]} is not there any more"
    elif isinstance(error, AttributeError | ImportError):
        why = "its class, or what that needs, is not there any more"
    else:
        why = f"it can not be made again: {type(error).__name__}"
    return PickledError(f"LangGraph has pickled the value, and {why}", hint=_KEEP)


def unfit(name: str, fields: str) -> PickledError:
    """For an instance of the class `name` that holds such a value in one of these `fields`."""
    return PickledError(
        f"an instance of {name} would hold a value that LangGraph has pickled, in {fields}: it stores the fields of instances as msgpack, "
        "which has none of that kind",
        hint="Leave the field outside in the script, or make plain data of it first: op.transform(...); the thread is as it was",
    )


def is_in(stored: CheckpointTuple) -> bool:
    """Whether something in a stored checkpoint was pickled."""
    return any(value.form.startswith(FORM) for _, value in _postponed(stored))


@contextmanager
def told(stored: CheckpointTuple, thread: str, workflow: str, revision: str) -> Iterator[None]:
    """Such an error says in which thread it was met, at which revision of it, and where in it."""
    try:
        yield
    except PickledError as error:
        if error.path is None:
            error.path = _place(stored)
        raise error.locate(run_id=thread, workflow=workflow, revision=revision) from error.__cause__


def _place(stored: CheckpointTuple) -> str | None:
    """Where the first value is whose class is gone."""
    for place, value in _postponed(stored):
        if value.form != FORM:
            continue
        found, gone = _loaded(value.data)
        if value is stored.checkpoint and isinstance(found, dict):
            found = found.get("channel_values")
        inside = _inside(found) if gone else None
        if inside is not None:
            return place + inside
    return None


def _postponed(stored: CheckpointTuple) -> Iterator[tuple[str, Any]]:
    """What nobody has decoded yet, with its place: the checkpoint, or its channels, and pending writes."""
    from statemig.runtimes.langgraph.stored.values import Stored

    checkpoint: Any = stored.checkpoint
    if isinstance(checkpoint, Stored):
        yield "state", checkpoint
    else:
        for name, value in checkpoint["channel_values"].items():
            if isinstance(value, Stored):
                yield f"state.{name}", value
    for _, channel, value in stored.pending_writes or ():
        if isinstance(value, Stored):
            yield f"pending[].writes.{channel}", value


class _Gone:
    """In place of an instance whose class is gone."""

    def __new__(cls, *_: Any, **__: Any) -> _Gone:
        return object.__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass


class _Tolerant(pickle.Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.gone: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError):
            self.gone.append(f"{module}.{name}")
            return _Gone


def _loaded(data: bytes) -> tuple[Any, list[str]]:
    """The value with a `_Gone` for each instance whose class is gone, and the names of those classes. It runs what reading the value
    runs, for LangGraph trusts what it has pickled."""
    reader = _Tolerant(data)
    try:
        return reader.load(), reader.gone
    except Exception:
        return None, reader.gone


def _inside(value: Any, around: frozenset[int] = frozenset()) -> str | None:
    """The path from a value to the first `_Gone` in it. `around`: what it lies in, for pickled values may hold themselves."""
    if isinstance(value, _Gone):
        return ""
    if id(value) in around:
        return None
    match value:
        case dict():
            parts: Iterator[tuple[str, Any]] = ((f".{key}", each) for key, each in value.items())
        case list() | tuple():
            parts = ((f"[{number}]", each) for number, each in enumerate(value))
        case _:
            return None
    beyond = around | {id(value)}
    return next((step + rest for step, each in parts if (rest := _inside(each, beyond)) is not None), None)
