"""The project whose revisions are tested: what the configuration around says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemig import json_text
from statemig.config import Config
from statemig.errors import StatemigError
from statemig.migrator import Migrator
from statemig.revisions.directory import Directory
from statemig.testing.case import Case, cases

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot

Load = Callable[[Any], tuple[list[tuple[tuple[str | int, ...], str]], Any]]


class Project:
    """Each part is read when a test first needs it."""

    def __init__(self, start: str | Path | None = None) -> None:
        self.config = Config.load(start)
        self.directory = Directory(self.config.script_location)

    @property
    def corpus(self) -> Path:
        return self.config.root / "corpus"

    @cached_property
    def workflows(self) -> tuple[str, ...]:
        return self.directory.workflows()

    @cached_property
    def migrators(self) -> dict[str, Migrator]:
        """Of the workflows whose chains can be read; what is wrong with the others the laws of structure say."""
        found: dict[str, Migrator] = {}
        for name in self.workflows:
            try:
                found[name] = Migrator(self.config.script_location, workflow=name)
            except StatemigError:
                continue
        return found

    @cached_property
    def cases(self) -> list[Case]:
        return [case for migrator in self.migrators.values() for case in cases(migrator, self.corpus)]

    @property
    def revisions(self) -> Iterator[tuple[str, str]]:
        """(workflow, revision) of all, oldest first."""
        for name in self.workflows:
            for header in self.directory.graph(name):
                yield name, header.revision

    @cached_property
    def _workflow_objects(self) -> dict[str, Any]:
        from statemig.workflow.capture import capture

        found: dict[str, Any] = {}
        for reference in self.config.workflows:
            loaded = self.config.load_workflow(reference)
            found[capture(loaded).workflow] = loaded
        return found

    def code(self, workflow: str) -> Snapshot | None:
        """What the code says now; None where no configured workflow has the name."""
        from statemig.workflow.capture import capture

        found = self._workflow_objects.get(workflow)
        return None if found is None else capture(found)

    def loader(self, workflow: str) -> Load | None:
        """Whether today's state model takes a state, and what it writes down again: (problems, dumped). None where it is no type that
        pydantic knows."""
        from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

        loaded = self._workflow_objects.get(workflow)
        model = getattr(loaded, "state", loaded)
        if model is None or not isinstance(model, type):
            return None
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(model)
        except PydanticSchemaGenerationError:
            return None

        def load(state: Any) -> tuple[list[tuple[tuple[str | int, ...], str]], Any]:
            try:
                value = adapter.validate_json(json_text.dumps(state))
            except ValidationError as error:
                found = error.errors(include_input=False, include_context=False, include_url=False)
                return [(each["loc"], each["msg"]) for each in found], None
            return [], json_text.loads(adapter.dump_json(value, by_alias=True))

        return load
