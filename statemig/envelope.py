"""The hook for any runtime that keeps JSON: a document carries its stamp and complement with it, under one reserved key.

What a runtime stores stays its own object with its own keys, so that everything else that reads it goes on working; ``$statemig`` is
added to it::

    {"topic": "refund", "$statemig": {"format": 1, "workflow": "triage", "revision": "5f2c9a71b0de", "started": "8b1f0c2d9a34",
                                      "checked": true, "complement": {}}}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from statemig import json_text
from statemig.document import Document
from statemig.errors import (
    ConfigError,
    ForeignRevisionError,
    InvalidStateError,
    MigrationPinned,
    StatemigError,
    UnstampedError,
)

if TYPE_CHECKING:
    from statemig.migrator import Migrator

KEY: Final = "$statemig"
FORMAT: Final = 1

Load = TypeVar("Load", bound=Callable[..., Any])
Save = TypeVar("Save", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a stored document says of itself. `started`: the revision its run began on. `pinned`: the revision it must stay on, or None.
    `checked`: it was validated when it was written."""

    workflow: str
    revision: str
    started: str | None = None
    pinned: str | None = None
    checked: bool = False
    complement: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"format": FORMAT, "workflow": self.workflow, "revision": self.revision}
        if self.started is not None:
            data["started"] = self.started
        if self.pinned is not None:
            data["pinned"] = self.pinned
        return {**data, "checked": self.checked, "complement": self.complement}

    @classmethod
    def from_dict(cls, data: Any) -> Stamp:
        """Raises `UnstampedError` where this is no stamp, and `StatemigError` for a format from the future."""
        if not isinstance(data, dict) or not isinstance(data.get("revision"), str):
            raise UnstampedError(
                f"{KEY} is there, but is no stamp",
                hint=f"It holds format, workflow and revision; nothing else may use the key {KEY}",
            )
        form = data.get("format", FORMAT)
        if not isinstance(form, int) or form > FORMAT:
            raise StatemigError(
                f"the stamp has format {form!r}, and this statemig reads up to {FORMAT}",
                hint="Update statemig on this worker",
            )
        return cls(
            data.get("workflow", ""),
            data["revision"],
            data.get("started"),
            data.get("pinned"),
            bool(data.get("checked")),
            data.get("complement") or {},
        )


class Stamped(dict[str, Any]):
    """The user's own dict, with its stamp as an attribute. `form` is what it was loaded from: dict, str or bytes."""

    __slots__ = ("_stamp", "form")

    form: type

    def __init__(self, values: Mapping[str, Any], stamp: Stamp | dict[str, Any], form: type) -> None:
        super().__init__(values)
        self._stamp = stamp
        self.form = form

    @property
    def stamp(self) -> Stamp:
        """Read when it is first asked for: what is at head already is loaded for its values."""
        stamp = self._stamp
        if isinstance(stamp, dict):
            stamp = self._stamp = Stamp.from_dict(stamp)
        return stamp


class Layout:
    """How a user's dict maps to a run document.

    ``"state"``: the dict is the state. ``"document"``: it is a run document. A mapping names the keys of its parts, for example
    ``{"state": "data", "step": "current_step"}``; `step` is the name of the one step the run stands on, where a runtime keeps no
    cursor; without `state` the state is all keys that the mapping does not name.
    """

    _parts: Final = ("status", "state", "outputs", "done", "cursor", "pending", "step")

    def __init__(self, layout: str | Mapping[str, str]) -> None:
        if isinstance(layout, str):
            if layout not in ("state", "document"):
                raise ConfigError(
                    f"there is no layout {layout!r}",
                    hint='Say "state", "document", or a mapping such as {"state": "data", "step": "step"}',
                )
            named = {part: part for part in self._parts[:-1]} if layout == "document" else {}
        else:
            named = dict(layout)
            unknown = sorted(set(named) - set(self._parts))
            if unknown:
                raise ConfigError(
                    f"a run document has no {', '.join(unknown)}",
                    hint=f"Its parts are {', '.join(self._parts)}",
                )
            if "step" in named and "cursor" in named:
                raise ConfigError("a layout names step or cursor, not both")
        self._named = named

    def document(self, values: Mapping[str, Any]) -> Document:
        taken = set(self._named.values())
        document: Document = {}
        for part, key in self._named.items():
            if part == "step":
                if values.get(key) is not None:
                    document["cursor"] = [{"id": "1", "step": values[key], "status": "ready"}]
            elif key in values:
                document[part] = values[key]
        if "state" not in self._named:
            document["state"] = {key: value for key, value in values.items() if key not in taken}
        return document

    def values(self, document: Document, before: Mapping[str, Any]) -> dict[str, Any]:
        """The user's dict for a document that came from `before`; keys that are no part of a run document stay as they are."""
        parts = dict(document)
        if "step" in self._named:
            cursor = parts.pop("cursor", None)
            parts["step"] = cursor[0]["step"] if cursor else before.get(self._named["step"])
        if "state" not in self._named:
            out = {key: before[key] for key in self._named.values() if key in before}
            out.update(parts["state"])
        else:
            out = dict(before)
        for part, key in self._named.items():
            if part in parts and (part != "step" or parts[part] is not None):
                out[key] = parts[part]
            elif part not in parts:
                out.pop(key, None)
        return out


class Hook:
    """Lazy upgrade around somebody else's load and save. Immutable.

    `unstamped` says which revision a document without a stamp has (any form of id); without it such a document is refused, because
    upgrading something twice corrupts it silently. `layout`: see `Layout`. `raw` (dict, str or bytes) is the form of what `dump`
    returns for a document that was not loaded; others keep the form they had.
    """

    def __init__(
        self,
        migrator: Migrator,
        *,
        unstamped: str | None = None,
        layout: str | Mapping[str, str] = "state",
        raw: type = dict,
    ) -> None:
        self.migrator = migrator
        self._unstamped = None if unstamped is None else migrator.resolve(unstamped)
        self._layout = Layout(layout)
        self._raw = raw

    def load(self, raw: dict[str, Any] | str | bytes, *, run_id: str | None = None) -> Stamped:
        """The user's dict at the head, from what is stored.

        Raises `UnstampedError`, `ForeignRevisionError` (another workflow's), `UnknownRevisionError`, `MigrationHeld`,
        `MigrationPinned`, and what a migration of the document raises; nothing is written either way.
        """
        form: type = dict if isinstance(raw, dict) else str if isinstance(raw, str) else bytes
        values = raw if type(raw) is dict else self._object(raw, run_id)
        said = values.get(KEY)
        if (
            type(said) is dict
            and said.get("revision") == self.migrator.head
            and said.get("workflow") == self.migrator.workflow
            and said.get("format") == FORMAT
        ):
            current = Stamped(values, said.copy(), form)
            del current[KEY]
            return current
        stamp = self._stamp_of(values, run_id)
        plain = {key: value for key, value in values.items() if key != KEY}
        if stamp.revision == self.migrator.head:
            return Stamped(plain, stamp, form)
        if stamp.pinned is not None:
            raise MigrationPinned(
                f"the run is pinned to revision {stamp.pinned}",
                run_id=run_id,
                workflow=self.migrator.workflow,
                revision=stamp.revision,
                hint="Leave it to a worker of that version, or take the pin off its stamp",
            )
        result = self.migrator.upgrade(
            self._layout.document(plain),
            stamp.revision,
            run_id=run_id,
            record="complement",
            complement=stamp.complement,
            checked=stamp.checked,
        )
        upgraded = self._layout.values(result.unwrap(), plain)
        return Stamped(upgraded, replace(stamp, revision=result.revision, complement=result.complement), form)

    def dump(self, document: Mapping[str, Any], *, like: Stamped | None = None) -> Any:
        """What to store for a document at the head, in the form it was loaded from.

        A document that went through a model in between is no longer `Stamped`: give the loaded one as `like`, and its complement
        and first revision are kept. The stamp says `checked` where the document is valid for the head.
        """
        if not isinstance(document, Mapping):
            raise InvalidStateError(
                f"what is to be stored was expected to be a mapping, and it is {type(document).__name__}",
                workflow=self.migrator.workflow,
                hint="Of a pydantic model give model.model_dump(mode='json')",
            )
        source = document if isinstance(document, Stamped) else like
        head = self.migrator.head
        before = source.stamp if source is not None else Stamp(self.migrator.workflow, head, started=head)
        values = {key: value for key, value in document.items() if key != KEY}
        try:
            self.migrator.validate(self._layout.document(values), head)
            checked = True
        except InvalidStateError:
            checked = False  # it is stored as it is, and found at its own revision by the next upgrade
        stamp = replace(before, workflow=self.migrator.workflow, revision=head, checked=checked)
        stored = {**values, KEY: stamp.to_dict()}
        form = source.form if source is not None else self._raw
        if form is dict:
            return stored
        text = json_text.dumps(stored)
        return text if form is bytes else text.decode()

    def wraps(self, *, load: Load, save: Save) -> tuple[Load, Save]:
        """Both sides of a runtime, so that a stamp can't get lost in between: ``load(key, ...)`` gives what is stored, ``save(key, ...,
        document)`` stores it. Either may be async. `load` may give None, or raise `LookupError` or `FileNotFoundError`, for a run
        that is not there yet."""
        hook = self

        def loaded(args: tuple[Any, ...], raw: Any) -> Any:
            return None if raw is None else hook.load(raw, run_id=_name(args))

        def stored(args: tuple[Any, ...], document: Any, previous: Any) -> Any:
            like = None if previous is None else hook.load(previous, run_id=_name(args))
            return hook.dump(document, like=like)

        if inspect.iscoroutinefunction(load):

            async def load_async(*args: Any, **kwargs: Any) -> Any:
                return loaded(args, await load(*args, **kwargs))

            wrapped_load: Any = load_async
        else:

            def load_sync(*args: Any, **kwargs: Any) -> Any:
                return loaded(args, load(*args, **kwargs))

            wrapped_load = load_sync

        if inspect.iscoroutinefunction(save):

            async def save_async(*args: Any, **kwargs: Any) -> Any:
                *keys, document = args
                previous = None
                if not isinstance(document, Stamped):
                    try:
                        previous = load(*keys)
                        if inspect.isawaitable(previous):
                            previous = await previous
                    except (LookupError, FileNotFoundError):
                        previous = None
                return await save(*keys, stored(tuple(keys), document, previous), **kwargs)

            wrapped_save: Any = save_async
        else:
            if inspect.iscoroutinefunction(load):
                raise ConfigError("save is not async, but load is", hint="Wrap two functions of one kind")

            def save_sync(*args: Any, **kwargs: Any) -> Any:
                *keys, document = args
                previous = None
                if not isinstance(document, Stamped):
                    try:
                        previous = load(*keys)
                    except (LookupError, FileNotFoundError):
                        previous = None
                return save(*keys, stored(tuple(keys), document, previous), **kwargs)

            wrapped_save = save_sync
        return wrapped_load, wrapped_save

    def _object(self, raw: Any, run_id: str | None) -> dict[str, Any]:
        values: Any = raw
        found = f"it is {type(raw).__name__}"
        if isinstance(raw, str | bytes | bytearray | memoryview):
            try:
                values = json_text.loads(raw)
                found = f"it holds {type(values).__name__}"
            except ValueError:
                values, found = None, "the text is not JSON"
        if not isinstance(values, dict):
            # Raised out here, so that the parser's error, which holds the text, is not chained to it.
            raise InvalidStateError(
                f"what is stored was expected to be a JSON object, and {found}",
                run_id=run_id,
                workflow=self.migrator.workflow,
                hint="Give load a dict, or its JSON as str or bytes",
            )
        return values

    def _stamp_of(self, values: dict[str, Any], run_id: str | None) -> Stamp:
        workflow = self.migrator.workflow
        if KEY not in values:
            if self._unstamped is None:
                raise UnstampedError(
                    "the document does not say which revision it has",
                    run_id=run_id,
                    workflow=workflow,
                    hint='Say what documents without a stamp are: hook(unstamped="5f2c9a71b0de"). '
                    "If this one had a stamp, it was lost between load and dump: use hook.wraps(load=..., save=...)",
                )
            return Stamp(workflow, self._unstamped, started=self._unstamped)
        try:
            stamp = Stamp.from_dict(values[KEY])
        except StatemigError as error:
            raise error.locate(run_id=run_id, workflow=workflow) from None
        if stamp.workflow and stamp.workflow != workflow:
            raise ForeignRevisionError(
                f"the document belongs to workflow {stamp.workflow!r}",
                run_id=run_id,
                workflow=workflow,
                revision=stamp.revision,
                hint="Load it with the migrator of its own workflow",
            )
        return stamp


def _name(args: tuple[Any, ...]) -> str | None:
    return str(args[0]) if args else None
