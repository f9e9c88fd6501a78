"""Dependency review, version 1: classify, summarise, assess, ask a person where it matters, publish.

Deterministic functions stand in for the language model. Each takes the run's state and the outputs of the steps before
it as plain JSON, changes them, and says where the run goes next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from statemig import Step, Workflow

JSON = dict[str, Any]


class Finding(BaseModel):
    rule: str
    severity: Literal["info", "warning", "error"]
    text: str


class Review(BaseModel):
    package: str
    version: str
    requirement: str
    installed: str | None
    licence: str
    maturity: str
    readme: str
    notify: str
    findings: list[Finding] = []
    risk: Literal["low", "medium", "high"] | None = None


class Kind(BaseModel):
    name: str
    scope: Literal["runtime", "extra"]


class Summary(BaseModel):
    text: str


class Approval(BaseModel):
    verdict: Literal["approved", "rejected"]
    comment: str


class Report(BaseModel):
    decision: str
    conditions: list[str]
    notices: list[str]
    again_in_days: int


SUMMARISE = "Say in one sentence what {package} is for, from its README: {readme}"
ASSESS = "How risky is {requirement} for {package}, licensed {licence}, {maturity}?"

review = Workflow(
    "dependency_review",
    state=Review,
    steps=[
        Step("classify", output=Kind, next="summarise"),
        Step("summarise", output=Summary, prompt=SUMMARISE, next="assess"),
        Step("assess", prompt=ASSESS, next=["approve", "publish"]),
        Step("approve", kind="human", output=Approval, next="publish"),
        Step("publish", output=Report, next=None),
    ],
)


@dataclass(frozen=True)
class Ask:
    """The run waits at `step` until a person has answered."""

    step: str
    question: JSON


def opening(facts: JSON) -> JSON:
    """The state a new run begins with."""
    copied = ("package", "version", "requirement", "installed", "licence", "maturity", "readme")
    state = Review(**{key: facts[key] for key in copied}, notify=facts["maintainer"])
    return state.model_dump(mode="json")


def classify(state: JSON, outputs: JSON, answer: JSON | None) -> str:
    requirement, _, marker = state["requirement"].partition(";")
    name = re.split(r"[\s\[<>=!~(@]", requirement.strip(), maxsplit=1)[0]
    outputs["classify"] = {"name": name, "scope": "extra" if "extra" in marker else "runtime"}
    if "==" in requirement or "@" in requirement:
        state["findings"].append({"rule": "pinned", "severity": "error", "text": f"{name} cannot be updated"})
    elif not re.search(r"[<>~]", requirement):
        state["findings"].append({"rule": "unbounded", "severity": "error", "text": f"any {name} will do"})
    elif "<" not in requirement and "~" not in requirement:
        state["findings"].append(
            {"rule": "open", "severity": "warning", "text": f"{name} has no upper bound"}
        )
    return "summarise"


def summarise(state: JSON, outputs: JSON, answer: JSON | None) -> str:
    prose = [line.strip() for line in state["readme"].splitlines() if re.match(r"[A-Z][a-z ]", line.strip())]
    outputs["summarise"] = {"text": (prose[0] if prose else state["package"])[:200]}
    return "assess"


def assess(state: JSON, outputs: JSON, answer: JSON | None) -> str | Ask:
    scope = outputs["classify"]["scope"]
    score = {"error": 2, "warning": 1, "info": 0}
    points = sum(score[finding["severity"]] for finding in state["findings"])
    if not re.search(r"MIT|BSD|Apache|PSF", state["licence"]):
        points += 2
    if state["maturity"] in ("Planning", "Pre-Alpha", "Alpha", "Beta") or "experimental" in state["readme"]:
        points += 1
    if scope == "runtime":
        points += 1
    state["risk"] = "high" if points >= 3 else "medium" if points >= 2 else "low"
    errors = any(finding["severity"] == "error" for finding in state["findings"])
    if state["risk"] != "low" and (errors or scope == "runtime"):
        asked = f"May {state['package']} depend on {state['requirement']}?"
        return Ask(
            "approve", {"question": asked, "summary": outputs["summarise"]["text"], "risk": state["risk"]}
        )
    return "publish"


def approve(state: JSON, outputs: JSON, answer: JSON | None) -> str:
    outputs["approve"] = answer
    return "publish"


def publish(state: JSON, outputs: JSON, answer: JSON | None) -> None:
    approval = outputs.get("approve")  # absent where nobody had to be asked
    decision = approval["verdict"] if approval else "accepted"
    conditions = [finding["text"] for finding in state["findings"] if finding["severity"] == "error"]
    if approval:
        conditions.append(approval["comment"])
    again = 365
    if state["risk"] == "medium":
        again = 90
    elif state["risk"] == "high":
        again = 30
    told = [] if state["risk"] == "low" else [state["notify"]]
    outputs["publish"] = {
        "decision": decision,
        "conditions": conditions,
        "notices": [f"{person}: {state['requirement']} is {decision}" for person in told],
        "again_in_days": again,
    }


STEPS: dict[str, Callable[[JSON, JSON, JSON | None], str | Ask | None]] = {
    "classify": classify,
    "summarise": summarise,
    "assess": assess,
    "approve": approve,
    "publish": publish,
}
