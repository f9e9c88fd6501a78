"""Dependency review, version 2: npm is coming, so an ecosystem is required; nobody read the summaries, so they are gone.

Against version 1: `approve` is called `review`; `summarise` is removed; `ecosystem` is new and required; a finding's `text` is
its `detail`; `notify` holds several people; a risk of "medium" is "moderate".
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
    detail: str


class Review(BaseModel):
    package: str
    version: str
    requirement: str
    ecosystem: Literal["pypi", "npm"]
    installed: str | None
    licence: str
    maturity: str
    readme: str
    notify: list[str]
    findings: list[Finding] = []
    risk: Literal["low", "moderate", "high"] | None = None


class Kind(BaseModel):
    name: str
    scope: Literal["runtime", "extra"]


class Approval(BaseModel):
    verdict: Literal["approved", "rejected"]
    comment: str


class Report(BaseModel):
    decision: str
    conditions: list[str]
    notices: list[str]
    again_in_days: int


ASSESS = "How risky is {requirement} from {ecosystem} for {package}, licensed {licence}, {maturity}?"
PERMISSIVE = {"pypi": r"MIT|BSD|Apache|PSF", "npm": r"MIT|ISC|BSD|Apache"}

review = Workflow(
    "dependency_review",
    state=Review,
    steps=[
        Step("classify", output=Kind, next="assess"),
        Step("assess", prompt=ASSESS, next=["review", "publish"]),
        Step("review", kind="human", output=Approval, next="publish"),
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
    state = Review(**{key: facts[key] for key in copied}, ecosystem="pypi", notify=[facts["maintainer"]])
    return state.model_dump(mode="json")


def classify(state: JSON, outputs: JSON, answer: JSON | None) -> str:
    requirement, _, marker = state["requirement"].partition(";")
    name = re.split(r"[\s\[<>=!~(@]", requirement.strip(), maxsplit=1)[0]
    outputs["classify"] = {"name": name, "scope": "extra" if "extra" in marker else "runtime"}
    if "==" in requirement or "@" in requirement:
        state["findings"].append(
            {"rule": "pinned", "severity": "error", "detail": f"{name} cannot be updated"}
        )
    elif not re.search(r"[<>~]", requirement):
        state["findings"].append({"rule": "unbounded", "severity": "error", "detail": f"any {name} will do"})
    elif "<" not in requirement and "~" not in requirement:
        state["findings"].append(
            {"rule": "open", "severity": "warning", "detail": f"{name} has no upper bound"}
        )
    return "assess"


def assess(state: JSON, outputs: JSON, answer: JSON | None) -> str | Ask:
    scope = outputs["classify"]["scope"]
    score = {"error": 2, "warning": 1, "info": 0}
    points = sum(score[finding["severity"]] for finding in state["findings"])
    if not re.search(PERMISSIVE[state["ecosystem"]], state["licence"]):
        points += 2
    if state["maturity"] in ("Planning", "Pre-Alpha", "Alpha", "Beta") or "experimental" in state["readme"]:
        points += 1
    if scope == "runtime":
        points += 1
    state["risk"] = "high" if points >= 3 else "moderate" if points >= 2 else "low"
    errors = any(finding["severity"] == "error" for finding in state["findings"])
    if state["risk"] != "low" and (errors or scope == "runtime"):
        asked = f"May {state['package']} depend on {state['requirement']}?"
        return Ask("review", {"question": asked, "risk": state["risk"]})
    return "publish"


def review_taken(state: JSON, outputs: JSON, answer: JSON | None) -> str:
    outputs["review"] = answer
    return "publish"


def publish(state: JSON, outputs: JSON, answer: JSON | None) -> None:
    reviewed = outputs.get("review")  # absent where nobody had to be asked
    decision = reviewed["verdict"] if reviewed else "accepted"
    conditions = [finding["detail"] for finding in state["findings"] if finding["severity"] == "error"]
    if reviewed:
        conditions.append(reviewed["comment"])
    again = 365
    if state["risk"] == "moderate":
        again = 90
    elif state["risk"] == "high":
        again = 30
    told = [] if state["risk"] == "low" else state["notify"]
    outputs["publish"] = {
        "decision": decision,
        "conditions": conditions,
        "notices": [f"{person}: {state['requirement']} is {decision}" for person in told],
        "again_in_days": again,
    }


STEPS: dict[str, Callable[[JSON, JSON, JSON | None], str | Ask | None]] = {
    "classify": classify,
    "assess": assess,
    "review": review_taken,
    "publish": publish,
}
