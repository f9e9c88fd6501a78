"""What became of the questions of one stored thread, and of answers by ids that a client was given before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import AnswerError
from statemig.runtimes.langgraph.reading import Config, Reading, Steps
from statemig.runtimes.langgraph.stored.stamps import QUESTIONS
from statemig.runtimes.langgraph.tasks import INTERRUPT

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

#: what LangGraph keeps in the settings of a run: that one goes on, that it is a task of another one, and answers by id
_RUNS: Final = "__pregel_runtime"
_WITHIN: Final = "__pregel_task_id"
_ANSWERS: Final = "__pregel_resume_map"


@dataclass(frozen=True, slots=True)
class Asked:
    """`ids`: of the questions of a thread today. `before`: those by ids that they had before. `later`: those that another question comes
    before."""

    thread: str
    workflow: str
    ids: frozenset[str] = frozenset()
    before: Mapping[str, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reading: Reading, thread: str, found: CheckpointTuple | None) -> Asked:
        """`found`: the root of the thread, as today's code sees it."""
        workflow = reading.migrator.workflow
        if found is None:
            return cls(thread, workflow)
        rows = [value for _, channel, value in found.pending_writes or () if channel == INTERRUPT]
        ids = frozenset(each.id for value in rows for each in value)
        said: Any = found.metadata or {}
        earlier: Mapping[str, str] = said.get(QUESTIONS) or {}
        seen = reading.seen_of(thread, "", found.checkpoint["id"])
        if seen is None:
            return cls(thread, workflow, ids, earlier)
        before = {**{old: seen.questions.get(new, new) for old, new in earlier.items()}, **seen.questions}
        later = frozenset(each.id for value in rows for each in value[1:]) if seen.guarded else frozenset()
        return cls(thread, workflow, ids, before, later)

    def today(self, given: Mapping[str, Any], *, late: bool = False) -> dict[str, Any]:
        """Answers by the ids of today. Raises `AnswerError` for an id that belongs to no open question, and where another question comes
        first. `late`: an answer to a question that a policy has done away with is left as it is, for LangGraph to ignore."""
        made: dict[str, Any] = {}
        for name, answer in given.items():
            today = name if name in self.ids else self.before.get(name)
            if late and today == "":
                made[name] = answer
                continue
            if today is None or today not in self.ids:
                open_ids = ", ".join(sorted(self.ids)) or "none"
                raise AnswerError(
                    "the answer is for a question that the thread does not wait for",
                    run_id=self.thread,
                    workflow=self.workflow,
                    path=f"interrupt {name}",
                    hint=f"It was answered already, or is gone: ask graph.get_state(config).interrupts what is open (today: {open_ids})",
                )
            if today in self.later:
                raise AnswerError(
                    "the answer cannot be given yet, because the new version asks another question first",
                    run_id=self.thread,
                    workflow=self.workflow,
                    path=f"interrupt {name}",
                    hint="Let the step ask: graph.invoke(None, config), and answer what is open then",
                )
            made[today] = answer
        return made


def answers_today(reading: Reading, config: Config, given: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Answers by the ids that the questions of a thread have today, from those by ids that a client still holds. Raises as
    `Asked.today`."""
    found = yield from reading.one(config)
    return Asked.of(reading, str(config["configurable"]["thread_id"]), found).today(given)


def translate_answers(reading: Reading, config: Any, found: CheckpointTuple | None) -> None:
    """Where a run begins on a thread whose questions have other ids now, answers by the ids of before reach them, and others are refused.

    LangGraph ignores an id that it does not know. It tells no saver of a ``Command``, but asks it for the thread with the very settings
    into which it puts the answers next: so these are replaced by some that look at them.
    """
    inside = config["configurable"]
    if _RUNS not in inside or _WITHIN in inside or inside.get("checkpoint_ns"):
        return
    if found is None:
        return
    thread = str(inside["thread_id"])
    if QUESTIONS not in found.metadata:
        seen = reading.seen_of(thread, "", found.checkpoint["id"])
        if seen is None or (seen.stamp.revision == reading.target and not seen.questions):
            return
    config["configurable"] = _Settings(inside, Asked.of(reading, thread, found))


class _Settings(dict[str, Any]):
    def __init__(self, settings: Mapping[str, Any], asked: Asked) -> None:
        super().__init__(settings)
        self._asked = asked

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, self._asked.today(value, late=True) if name == _ANSWERS else value)
