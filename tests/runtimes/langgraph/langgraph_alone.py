"""What LangGraph makes of each scenario alone: recorded in alone.json, so that a release that changes it is noticed, and said in a word.

It is the same on every saver, sync and async, which the full conformance run checks; so what is recorded is by kind of state.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from langgraph_play import Outcome, Scenario
from langgraph_states import KINDS, Kind

RECORD = Path(__file__).with_name("alone.json")
_REFUSED = "refused: "


def recorded() -> dict[tuple[str, Kind], Outcome]:
    found: dict[tuple[str, Kind], Outcome] = {}
    for name, by_kind in json.loads(RECORD.read_text(encoding="utf-8")).items():
        for kinds, said in by_kind.items():
            outcome = Outcome(
                said["state"], tuple(said["log"]), said.get("error"), tuple(said.get("asks", ()))
            )
            for kind in kinds.split(", "):
                found[name, kind] = outcome
    return found


def record(outcomes: dict[tuple[str, Kind], Outcome]) -> None:
    """One line for each outcome; kinds with the same share one."""
    parts = []
    for name in dict.fromkeys(name for name, _ in outcomes):
        groups: dict[str, list[Kind]] = {}
        for kind in KINDS:
            groups.setdefault(_said(outcomes[name, kind]), []).append(kind)
        lines = ",\n".join(f"    {json.dumps(', '.join(kinds))}: {said}" for said, kinds in groups.items())
        parts.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
    RECORD.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _said(outcome: Outcome) -> str:
    said: dict[str, object] = {"state": outcome.state, "log": outcome.log}
    if outcome.error is not None:
        said["error"] = outcome.error
    if outcome.asks:
        said["asks"] = outcome.asks
    return json.dumps(said)


def verdict(found: Outcome, scenario: Scenario) -> str:
    """What LangGraph alone does, in a word or two, beside what should come out."""
    wanted = scenario.expected
    if found.error is not None:
        return "right" if found.error == wanted.error else found.error
    refused = [each for each in wanted.log if each.startswith(_REFUSED)]
    log = tuple(each for each in wanted.log if each not in refused)
    if found == replace(wanted, log=log):
        return "silent: not refused" if refused else "right"
    more = Counter(found.log) - Counter(log)
    if "nobody asks" in found.log:
        return "silent: run ends"
    if _answers(found.log).items() - _answers(log).items():
        return "silent: answer to another question"
    if any(found.log.count(each) > 1 for each in more):
        return "silent: side effect twice"
    if not wanted.asks and found.asks:
        return "silent: asks again"
    if len(found.log) < len(log) or wanted.error is not None:
        return "silent: run ends"
    if wanted.asks and not found.asks:
        return "silent: run ends"
    return "silent: wrong value"


def _answers(log: tuple[str, ...]) -> dict[str, str]:
    """Which question got which answer, where nodes log that."""
    return {question: answer for each in log for question, answer in re.findall(r"(\w+\?) (\w+)", each)}
