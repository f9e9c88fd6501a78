"""Does what people, timers and tools will bring still fit a run that was migrated? No single document decides most of this: what the
two versions say of the step does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from statemig.document import Document, Position, positions
from statemig.errors import InvalidStateError, StatemigError
from statemig.fleet.rehearsal import Trouble
from statemig.migrator import Migrator
from statemig.operations.asking import MapWaiting
from statemig.plan.calls import outstanding
from statemig.shapes import json_schema
from statemig.shapes.subshape import gaps
from statemig.shapes.validator import Validator
from statemig.workflow.run_shape import outputs_of
from statemig.workflow.snapshot import Snapshot


class Outstanding:
    """What is outstanding between one older revision and the target. Made once for each revision that runs have."""

    def __init__(self, migrator: Migrator, source: str, target: str) -> None:
        self._migrator = migrator
        self._target = target
        self._old = migrator.snapshot(source)
        self._new = migrator.snapshot(target)
        self._source = source
        self._seen: dict[tuple[str, str, str, str | None], Trouble | None] = {}
        self._tools = {} if self._old is None or self._new is None else _changed_tools(self._old, self._new)

    @cached_property
    def _mapped(self) -> frozenset[str]:
        """The steps whose questions a script on the way maps. Asked for only where questions have changed: it loads all of them."""
        return frozenset(
            operation.step
            for revision in self._migrator.path(self._source, self._target)
            for operation in self._migrator.revision(revision).operations
            if isinstance(operation, MapWaiting)
        )

    def of_positions(self, before: Document, after: Document) -> Iterator[Trouble]:
        """What waits, and where: by the ids of the positions."""
        was = {each.get("id"): each for each in positions(before)}
        for number, position in enumerate(positions(after)):
            earlier = was.get(position.get("id"))
            if earlier is None or not _is_asked(position):
                continue
            key = (earlier["step"], position["step"], position.get("status", "ready"), position.get("on"))
            if key not in self._seen:
                self._seen[key] = self._judged(earlier, position)
            found = self._seen[key]
            if found is not None:
                yield found
            if "answer" in position:
                yield from self._answered(after, number, position)

    def of_calls(self, after: Document) -> Iterator[Trouble]:
        """Calls without a result, of tools that have changed."""
        if not self._tools:
            return
        for name, arguments, place in outstanding(after):
            check = self._tools.get(name)
            if name not in self._tools:
                continue
            if check is None:
                yield _trouble(
                    "tool.call-orphaned",
                    f"a call of {name!r} has no result yet, and the new version has no such tool",
                    f"Say op.rename_tool({name!r}, to=...) if it has another name, or let the call get its result first",
                    path=place,
                )
            elif wrong := check.problems(arguments):
                path, expected = wrong[0]
                yield _trouble(
                    "tool.call-orphaned",
                    f"a call of {name!r} has no result yet, and its arguments do not fit the tool: {path or 'they'}: {expected}",
                    f"Say op.rename_tool({name!r}, to={name!r}, arguments=...), or let the call get its result first",
                    path=place,
                )

    def _judged(self, earlier: Position, position: Position) -> Trouble | None:
        """What the versions alone say of a position that waits, or was answered."""
        if self._old is None or self._new is None:
            return None
        was, now = self._old.steps.get(earlier["step"]), self._new.steps.get(position["step"])
        if was is None or now is None:
            return None
        step = position["step"]
        if position.get("on") in ("timer", "event"):
            if was.kind == position["on"] and now.kind != was.kind:
                return _trouble(
                    "timer.policy-required",
                    f"it waits for {_article(was.kind)} at a step that is of kind {now.kind!r} now, so nothing will wake it",
                    f"Say what becomes of it: op.requeue({step!r}) before, or let it fire on its own version",
                    step=step,
                )
            return None
        if was.interrupts != now.interrupts and not self._maps(step, earlier["step"]):
            return _trouble(
                "approval.order-changed",
                f"the step asked {_listed(was.interrupts)} and asks {_listed(now.interrupts)} now",
                f"Say op.map_waiting({step!r}, ...) with the old place of each question",
                step=step,
            )
        if was.kind == "human" and now.kind != "human" and not now.interrupts:
            return _trouble(
                "approval.order-changed",
                f"a person was asked at a step that is of kind {now.kind!r} now, and asks nobody",
                f"Say where those runs go: op.remove_step({step!r}, cursor=...), or let them be answered first",
                step=step,
            )
        return None if "answer" in position else self._form(earlier["step"], step)

    def _maps(self, *steps: str) -> bool:
        return not self._mapped.isdisjoint(steps)

    def _form(self, was: str, now: str) -> Trouble | None:
        """An answer in the form that was asked for is yet to come; `RunStore.answer` takes it as the new version wants it."""
        assert self._old is not None
        assert self._new is not None
        asked, wanted = outputs_of(self._old.reads).get(was), outputs_of(self._new.reads).get(now)
        if asked is None or wanted is None:
            return None
        first = next((gap for gap in gaps(asked, wanted) if gap.certain), None)
        if first is None or self._maps(was, now):
            return None
        return _trouble(
            "approval.answer-incompatible",
            f"somebody was asked, and an answer in the form that was asked for may be refused: {first.path or 'it'}: {first.reason}",
            "Make the new form take answers of the old one too, or let those questions be answered on their own version",
            step=now,
        )

    def _answered(self, after: Document, number: int, position: Position) -> Iterator[Trouble]:
        """An answer that has come, and that the step is still to take up."""
        step = position["step"]
        outputs = {**(after.get("outputs") or {}), step: position["answer"]}
        try:
            self._migrator.validate({**after, "outputs": outputs}, self._target)
        except InvalidStateError as error:
            place = f"outputs.{step}"
            for path, expected in error.problems:
                if path == place or path.startswith((place + ".", place + "[")):
                    yield _trouble(
                        "approval.answer-incompatible",
                        f"the answer that was given does not fit the step: {expected}",
                        f"Say op.map_waiting({step!r}, answer=...) with what makes the new form of it",
                        step=step,
                        path=f"cursor[{number}].answer{path.removeprefix(place)}",
                    )
                    return


def _is_asked(position: Position) -> bool:
    return position.get("status") == "waiting" or "answer" in position


def _changed_tools(old: Snapshot, new: Snapshot) -> dict[str, Validator | None]:
    """Of each tool that is gone (None) or takes other arguments, what checks them."""
    found: dict[str, Validator | None] = {name: None for name in old.tools if name not in new.tools}
    for name, tool in new.tools.items():
        if name in old.tools and old.tools[name].get("arguments") == tool.get("arguments"):
            continue
        arguments = tool.get("arguments")
        if arguments is not None:
            try:
                found[name] = Validator(json_schema.read(arguments))
            except StatemigError:
                continue  # more than shapes can say: nobody can judge a call by it
    return found


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _listed(questions: Sequence[str]) -> str:
    return ", ".join(map(repr, questions)) or "one question"


def _trouble(
    finding: str, reason: str, hint: str, *, step: str | None = None, path: str | None = None
) -> Trouble:
    return Trouble(finding, reason, hint, step=step, path=path)
