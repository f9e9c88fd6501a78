"""What became of the questions of one stored thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statemig.errors import AnswerError
from statemig.runtimes.langgraph.reading import Config, Reading, Steps
from statemig.runtimes.langgraph.stamps import QUESTIONS


def answers_today(reading: Reading, config: Config, given: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Answers by the ids that the questions of a thread have today, from those by ids that a client still holds. Raises `AnswerError` for
    an id that belongs to no open question, and where another question comes first."""
    found = yield from reading.one(config)
    inside = config["configurable"]
    thread = str(inside["thread_id"])
    asked: set[str] = set()
    seen = None
    if found is not None:
        asked = {
            each.id
            for _, channel, value in found.pending_writes or ()
            if channel == "__interrupt__"
            for each in value
        }
        seen = reading.seen.get((thread, "", found.checkpoint["id"]))
    made: dict[str, Any] = {}
    said: Any = (found.metadata if found is not None else None) or {}
    before: Mapping[str, str] = said.get(QUESTIONS) or {}
    for given_name, answer in given.items():
        name = before.get(given_name, given_name)
        today = name if name in asked else (seen.questions.get(name) if seen is not None else None)
        if today not in asked:
            raise AnswerError(
                "the answer is for a question that the thread does not wait for",
                run_id=thread,
                workflow=reading.migrator.workflow,
                path=f"interrupt {name}",
                hint="It was answered already, or is gone: ask graph.get_state(config).interrupts what is open",
            )
        if seen is not None and seen.guarded:
            raise AnswerError(
                "the answer cannot be given yet, because the new version asks another question first",
                run_id=thread,
                workflow=reading.migrator.workflow,
                path=f"interrupt {name}",
                hint="Let the step ask: graph.invoke(None, config), and answer what is open then",
            )
        made[str(today)] = answer
    return made
