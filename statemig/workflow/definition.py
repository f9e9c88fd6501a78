"""How an author describes a workflow: `Workflow`, `Step`, the dump profile and the `Was` marker. Pure data, checked when made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from statemig.errors import CaptureError, PathError
from statemig.path import Key, Path

Kind = Literal["auto", "human", "timer", "event"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)

WAS_HINT: Final = "x-statemig-was"


@dataclass(frozen=True, slots=True)
class DumpProfile:
    """How the application writes its state: the arguments it passes to pydantic's `model_dump`.

    `mode` is "json" for `model_dump_json`, "python" for a Python dump that is made JSON by other means.
    """

    by_alias: bool = True
    exclude_none: bool = False
    exclude_defaults: bool = False
    exclude_unset: bool = False
    mode: Literal["json", "python"] = "json"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Was:
    """``Annotated[str, Was("old")]``: this field had another name before. Evidence of a rename that needs no guess.

    Reading is not changed by it: the application accepts the new name only, and a revision renames what is stored.
    """

    __slots__ = ("names",)

    def __init__(self, *names: str) -> None:
        if not names or not all(isinstance(name, str) and name for name in names):
            raise CaptureError(
                "Was needs the former name of the field", hint='Write Annotated[str, Was("old_name")]'
            )
        self.names = names

    def __repr__(self) -> str:
        return f"Was({', '.join(map(repr, self.names))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Was) and self.names == other.names

    def __hash__(self) -> int:
        return hash((Was, self.names))

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(core_schema), WAS_HINT: list(self.names)}


class Step:
    """One unit of work.

    `output`: the type of what the step commits; of a human step, the shape of the answer. `prompt`: text, or an
    object with a `.template`. `tools`: functions, pydantic models, dicts with a "name", or names. `model`: a name or
    a dict of settings. `reads` and `writes`: paths such as ``"state.topic"``. `next`: one step, a list to choose
    from, or None for an end. `fork` starts several at once; `joins` waits for all of them. `interrupts`: names of the
    questions that the step asks from within, in their order. A `removed` step stays in the definition so that old
    state that meets it passes through.
    """

    __slots__ = (
        "fork",
        "interrupts",
        "joins",
        "kind",
        "model",
        "name",
        "next",
        "output",
        "prompt",
        "reads",
        "removed",
        "tools",
        "writes",
    )

    def __init__(
        self,
        name: str,
        *,
        kind: Kind = "auto",
        output: Any = None,
        prompt: Any = None,
        tools: Sequence[Any] = (),
        model: str | dict[str, Any] | None = None,
        reads: str | Sequence[str] = (),
        writes: str | Sequence[str] = (),
        next: str | Sequence[str] | None = None,
        fork: str | Sequence[str] | None = None,
        joins: str | Sequence[str] = (),
        interrupts: str | Sequence[str] = (),
        removed: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.output = output
        self.prompt = prompt
        self.tools = tuple(tools) if isinstance(tools, list | tuple) else (tools,)
        self.model = model
        self.reads = _names(reads)
        self.writes = _names(writes)
        self.next = _names(next)
        self.fork = _names(fork)
        self.joins = _names(joins)
        self.interrupts = _names(interrupts)
        self.removed = removed

    def __repr__(self) -> str:
        return f"Step({self.name!r})"


class Workflow:
    """A named definition: state model, steps, edges, prompts, tools.

    `state`: a pydantic model, TypedDict, dataclass or any type that pydantic knows; None where only outputs are kept.
    `start`: the first step that is not removed unless said otherwise. `packages`: installed packages whose classes
    are the author's own, so that their inside is captured too (the package of `state` always is). Raises
    `CaptureError` that lists every problem of names, edges and paths.
    """

    __slots__ = ("name", "packages", "profile", "start", "state", "steps")

    def __init__(
        self,
        name: str,
        state: Any = None,
        steps: Sequence[Step] = (),
        start: str | None = None,
        profile: DumpProfile | None = None,
        packages: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.state = state
        self.steps = tuple(steps)
        self.profile = DumpProfile() if profile is None else profile
        self.packages = tuple(packages)
        first = next((step.name for step in self.steps if not step.removed), None)
        self.start = first if start is None else start
        refuse(self.name, list(self._problems()))

    def __repr__(self) -> str:
        return f"Workflow({self.name!r}, {len(self.steps)} steps)"

    def _problems(self) -> Iterator[str]:
        if not isinstance(self.name, str) or not self.name.strip():
            yield "the workflow has no name"
        known = {step.name: step for step in self.steps}
        for name, count in Counter(step.name for step in self.steps).items():
            if not isinstance(name, str) or not name.strip():
                yield "a step has no name"
            elif count > 1:
                yield f"step {name!r}: {count} steps have this name"
        if self.steps and self.start is None:
            yield "no start: every step is removed"
        elif self.start is not None and self.start not in known:
            yield f"start: there is no step {self.start!r}{_known(known)}"
        elif self.start is not None and known[self.start].removed:
            yield f"start: step {self.start!r} is removed"
        for step in self.steps:
            for problem in _step_problems(step, known):
                yield f"step {step.name!r}: {problem}"


def refuse(workflow: str, problems: list[str]) -> None:
    """Raise one `CaptureError` for all problems, if there are any."""
    if len(problems) == 1:
        raise CaptureError(problems[0], workflow=workflow)
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise CaptureError(f"{len(problems)} problems:{listed}", workflow=workflow)


def _step_problems(step: Step, known: dict[str, Step]) -> Iterator[str]:
    if step.kind not in KINDS:
        yield f"kind {step.kind!r} is none of {', '.join(KINDS)}"
    if step.next and step.fork:
        yield "has both next (a choice) and fork (starts several); give one of them"
    for word, targets in (("next", step.next), ("fork", step.fork), ("joins", step.joins)):
        for target, count in Counter(targets).items():
            if target not in known:
                yield f"{word}: there is no step {target!r}{_known(known)}"
            elif count > 1:
                yield f"{word} names {target!r} {count} times"
            elif word == "joins" and step.name not in (*known[target].next, *known[target].fork):
                yield f"joins {target!r}, but {target!r} does not lead to {step.name!r}"
    for word, paths in (("reads", step.reads), ("writes", step.writes)):
        for text in paths:
            try:
                path = Path.parse(text)
            except PathError as error:
                yield f"{word}: {error}"
                continue
            if path.segments[0] not in (Key("state"), Key("outputs")):
                yield f"{word}: path {text} does not begin with state. or outputs."
    for interrupt, count in Counter(step.interrupts).items():
        if count > 1:
            yield f"interrupts names {interrupt!r} {count} times"
    if step.model is not None and not isinstance(step.model, str | dict):
        yield f"model must be a name or a dict of settings, not {type(step.model).__name__}"


def _known(known: dict[str, Step]) -> str:
    return f" (known: {', '.join(map(str, known))})" if known else ""


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
