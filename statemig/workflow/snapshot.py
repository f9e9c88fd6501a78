"""The immutable picture of one workflow version: what is frozen beside its revision."""

from __future__ import annotations

import random as random_module
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import Any, Final, TypeVar

from statemig import json_text
from statemig.errors import SchemaError
from statemig.shapes import json_schema
from statemig.shapes.computed import with_computed
from statemig.shapes.digest import canonical
from statemig.shapes.join import join
from statemig.shapes.sample import sampler
from statemig.shapes.shape import Object, Schema
from statemig.workflow import flow
from statemig.workflow.definition import DumpProfile
from statemig.workflow.flow import StepInfo
from statemig.workflow.run_shape import outputs_of, run_schema, state_of
from statemig.workflow.sample import sample_run
from statemig.workflow.unchecked import Unchecked, loosened
from statemig.workflow.unseen import Unseen

__all__ = ["LAYERS", "Snapshot", "StepInfo"]

Made = TypeVar("Made")

FORMAT: Final = 1
LAYERS: Final = ("state", "steps", "flow", "prompts", "tools", "models")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a workflow.

    `writes` and `reads` are shapes of the run document's `state` and `outputs`: what the application writes under
    `profile`, and what it accepts.
    `prompts`: ``{step: {"text", "variables"}}``. `tools`: ``{name: {"arguments": JSON Schema or None, "steps": [...]}}``.
    `models`: ``{step: settings}``, a bare name being ``{"name": ...}``. `unseen`: what the application checks on the way in and `reads`
    does not say; no digest is made of it. `unchecked`: keys of the state whose declared type the runtime does not enforce. `runtime`: what
    only the adapter of a runtime knows: its "name", how "channels" combine what is written to them, and the like; its "notes" are in no
    digest.
    """

    workflow: str
    writes: Schema
    reads: Schema
    profile: DumpProfile = field(default_factory=DumpProfile)
    steps: Mapping[str, StepInfo] = field(default_factory=dict)
    start: str | None = None
    prompts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unseen: tuple[Unseen, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    runtime: Mapping[str, Any] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def empty(cls, workflow: str) -> Snapshot:
        """The base before the first revision: no state, no steps."""
        nothing = run_schema(Object({}), {}, {})
        return cls(workflow, nothing, nothing)

    @classmethod
    def from_json_schema(cls, schema: Mapping[str, Any], name: str = "State") -> Snapshot:
        """A bare state schema, such as one from a file: read and written alike. Raises `SchemaError`."""
        state = json_schema.read(schema)
        both = run_schema(state.root, {}, state.definitions)
        return cls(name, both, both)

    @property
    def stored(self) -> Schema:
        """A sound upper bound of what is at rest at this version: written by it, or upgraded to it and not yet written. What an upgrade
        leaves is what `accepts` lets through, under the key of a computed field even a value of another version's field."""
        if "stored" not in self._made:
            self._made["stored"] = join(self.writes, self.accepts)
        stored: Schema = self._made["stored"]
        return stored

    @property
    def accepts(self) -> Schema:
        """What may be handed to the application at this version, closed: what it reads, and computed fields, which it drops."""
        if "accepts" not in self._made:
            self._made["accepts"] = with_computed(self.reads, self.writes)
        accepts: Schema = self._made["accepts"]
        return accepts

    @property
    def held(self) -> Schema:
        """What may really be at rest: `stored`, and anything or nothing under a key that the runtime does not check."""
        return loosened(self.stored, self.unchecked, reading=False)

    @property
    def taken(self) -> Schema:
        """What may really be handed to the application: `accepts`, and whatever its runtime hands over without a look."""
        return loosened(self.accepts, self.unchecked, reading=True)

    @property
    def as_declared(self) -> Snapshot:
        """The same as if every type that the author has declared were enforced."""
        return replace(self, unchecked=()) if self.unchecked else self

    def kept(self, name: str, make: Callable[[Snapshot], Made]) -> Made:
        """What somebody made of this snapshot alone, made once."""
        if name not in self._made:
            self._made[name] = make(self)
        made: Made = self._made[name]
        return made

    @property
    def ends(self) -> tuple[str, ...]:
        """The steps after which a run, or a branch of it, is finished."""
        return flow.ends(self.steps)

    @property
    def dead_ends(self) -> frozenset[str]:
        """The steps from which no end can be reached."""
        if "dead_ends" not in self._made:
            self._made["dead_ends"] = frozenset(
                step for step in self.steps if not flow.reaches_end(self.steps, step)
            )
        found: frozenset[str] = self._made["dead_ends"]
        return found

    @property
    def sure_arrivals(self) -> Mapping[str, tuple[str, str]]:
        """For each step from which a run is sure to get to a join: the join, and the branch by which it arrives."""
        if "sure_arrivals" not in self._made:
            self._made["sure_arrivals"] = flow.sure_arrivals(self.steps)
        found: Mapping[str, tuple[str, str]] = self._made["sure_arrivals"]
        return found

    @property
    def digests(self) -> dict[str, str]:
        """One digest per layer, of meaning only: class names, order where it carries none, titles and descriptions do not count."""
        if "digests" not in self._made:
            self._made["digests"] = {
                layer: json_text.digest(meaning) for layer, meaning in _meanings(self).items()
            }
        return dict(self._made["digests"])

    @property
    def digest(self) -> str:
        """The digest of all layers together."""
        return json_text.digest(self.digests)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, the form that is frozen. `from_dict` reads it back exactly."""
        return {
            "format": FORMAT,
            "workflow": self.workflow,
            "profile": self.profile.to_dict(),
            "writes": json_schema.write(self.writes),
            "reads": json_schema.write(self.reads),
            "steps": {name: _step_dict(info) for name, info in self.steps.items()},
            "start": self.start,
            "prompts": {step: dict(prompt) for step, prompt in self.prompts.items()},
            "tools": {name: dict(tool) for name, tool in self.tools.items()},
            "models": {step: dict(model) for step, model in self.models.items()},
            **({"unseen": [asdict(each) for each in self.unseen]} if self.unseen else {}),
            **({"unchecked": [asdict(each) for each in self.unchecked]} if self.unchecked else {}),
            **({"runtime": dict(self.runtime)} if self.runtime else {}),
            "digests": self.digests,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Snapshot:
        """The snapshot that `to_dict` wrote. The digests in `data` are not trusted but made anew. Raises `SchemaError`."""
        if data.get("format") != FORMAT:
            raise SchemaError(
                f"a snapshot of format {data.get('format')!r} cannot be read; this statemig reads format {FORMAT}",
                workflow=data.get("workflow"),
                hint="Upgrade statemig, or take the snapshot file from version control",
            )
        missing = [key for key in ("workflow", "writes", "reads") if key not in data]
        if missing:
            raise SchemaError(f"a snapshot without {', '.join(missing)}", workflow=data.get("workflow"))
        return cls(
            data["workflow"],
            json_schema.read(data["writes"]),
            json_schema.read(data["reads"]),
            DumpProfile(**data.get("profile", {})),
            {name: _step_from(info) for name, info in data.get("steps", {}).items()},
            data.get("start"),
            data.get("prompts", {}),
            data.get("tools", {}),
            data.get("models", {}),
            tuple(Unseen(**each) for each in data.get("unseen", ())),
            tuple(Unchecked(**each) for each in data.get("unchecked", ())),
            data.get("runtime", {}),
        )

    def sample(self, random: random_module.Random) -> dict[str, Any]:
        """A run document of this version: the state as the application reads it, and a cursor that some way through the flow leads to.
        The same seed gives the same document."""
        if "draw" not in self._made:
            self._made["draw"] = sampler(self.reads)
        return sample_run(self.steps, self.start, self.reads, self._made["draw"], random)


def _meanings(snapshot: Snapshot) -> dict[str, Any]:
    """What each layer's digest is made of."""
    written, read = outputs_of(snapshot.writes), outputs_of(snapshot.reads)
    names = {*snapshot.steps, *written, *read}
    return {
        "state": [
            canonical(state_of(snapshot.writes)),
            canonical(state_of(snapshot.reads)),
            snapshot.profile.to_dict(),
            # What no workflow of one's own has is no part of its digest.
            *([sorted(astuple(each) for each in snapshot.unchecked)] if snapshot.unchecked else ()),
            *([snapshot.runtime["channels"]] if snapshot.runtime.get("channels") else ()),
        ],
        "steps": {
            name: [
                snapshot.steps[name].kind if name in snapshot.steps else None,
                name in snapshot.steps and snapshot.steps[name].removed,
                canonical(written[name]) if name in written else None,
                canonical(read[name]) if name in read else None,
            ]
            for name in names
        },
        "flow": {
            "start": snapshot.start,
            "steps": {
                name: {
                    "next": sorted(info.next),
                    "fork": sorted(info.fork),
                    "joins": sorted(info.joins),
                    "interrupts": list(info.interrupts),
                    "reads": sorted(info.reads),
                    "writes": sorted(info.writes),
                }
                for name, info in snapshot.steps.items()
            },
            **({"runtime": _of_flow(snapshot.runtime)} if snapshot.runtime else {}),
        },
        "prompts": {
            step: [prompt["text"], sorted(prompt["variables"])] for step, prompt in snapshot.prompts.items()
        },
        "tools": {
            name: [_tool_meaning(tool.get("arguments")), sorted(tool.get("steps", ()))]
            for name, tool in snapshot.tools.items()
        },
        "models": {step: dict(model) for step, model in snapshot.models.items()},
    }


def _of_flow(runtime: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in runtime.items() if name not in ("channels", "notes", "classes")}


def _tool_meaning(arguments: Mapping[str, Any] | None) -> Any:
    if arguments is None:
        return None
    try:
        return canonical(json_schema.read(arguments))
    except SchemaError:
        return arguments  # more than shapes can say: then every word counts


def _step_dict(info: StepInfo) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(info).items()}


def _step_from(data: Mapping[str, Any]) -> StepInfo:
    known = {each.name for each in fields(StepInfo)}
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known
    }
    return StepInfo(**plain)
