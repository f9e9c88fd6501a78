"""Pairs of workflow versions as people change them; the golden scripts and the property tests start from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from autogenerate_more_pairs import MORE
from pydantic import BaseModel, Field

from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot

Pair = tuple[Snapshot, Snapshot, dict[str, str | None]]


def states(old: type[BaseModel], new: type[BaseModel], renames: dict[str, str | None] | None = None) -> Pair:
    return capture(Workflow("triage", old)), capture(Workflow("triage", new)), renames or {}


def review_step() -> Pair:
    """The script that architecture.md shows."""

    class Answer(BaseModel):
        approved: bool

    class Before(BaseModel):
        topic: str
        summary: str

    class After(BaseModel):
        topic: str
        digest: str
        priority: Literal["normal", "high"]

    old = Workflow(
        "triage",
        Before,
        [
            Step("draft", prompt="Sum up {{ topic }}", next="approve"),
            Step("approve", kind="human", output=Answer, next="send"),
            Step("send"),
        ],
    )
    new = Workflow(
        "triage",
        After,
        [
            Step("draft", prompt="Digest {{ topic }}", next="review"),
            Step("review", kind="human", output=Answer, next="send"),
            Step("send"),
        ],
    )
    return capture(old), capture(new), {"state.summary": "digest", "approve": "review"}


def review_step_unanswered() -> Pair:
    old, new, _ = review_step()
    return old, new, {}


def nested_list() -> Pair:
    """A field of the items of a list gets another name, a text becomes a list, an enum other values."""

    class OldFinding(BaseModel):
        title: str
        level: Literal["low", "medium", "high"]

    class NewFinding(BaseModel):
        headline: str
        level: Literal["LOW", "MEDIUM", "HIGH"]

    class Before(BaseModel):
        findings: list[OldFinding]
        tag: str
        score: int
        notes: str | None = None

    class After(BaseModel):
        findings: list[NewFinding]
        tags: list[str]
        score: float
        notes: str = ""
        reviewers: list[str] = []

    return states(Before, After, {"state.findings[].title": "headline"})


def shared_definition() -> Pair:
    """One class in two places and inside itself."""

    class OldNode(BaseModel):
        label: str
        children: list[OldNode] = []

    class NewNode(BaseModel):
        label: str
        weight: float
        children: list[NewNode] = []

    class Before(BaseModel):
        root: OldNode
        spare: OldNode | None = None

    class After(BaseModel):
        root: NewNode
        spare: NewNode | None = None

    for model, inner in ((Before, OldNode), (After, NewNode)):
        inner.model_rebuild(_types_namespace={"OldNode": OldNode, "NewNode": NewNode})
        model.model_rebuild()
    return states(Before, After)


def tagged_union() -> Pair:
    """A variant of a tagged union gains a field; another is new."""

    class Search(BaseModel):
        kind: Literal["search"]
        query: str

    class Fetch(BaseModel):
        kind: Literal["fetch"]
        url: str

    class NewSearch(BaseModel):
        kind: Literal["search"]
        query: str
        limit: int = 10

    class Write(BaseModel):
        kind: Literal["write"]
        text: str

    class Before(BaseModel):
        calls: list[Annotated[Search | Fetch, Field(discriminator="kind")]]

    class After(BaseModel):
        calls: list[Annotated[NewSearch | Fetch | Write, Field(discriminator="kind")]]

    return states(Before, After)


def incomplete() -> Pair:
    """A type that nothing turns into the other, beside a change that is covered."""

    class Money(BaseModel):
        amount: int
        currency: str

    class Before(BaseModel):
        price: str
        owner: str

    class After(BaseModel):
        price: Money
        owner: str
        paid: bool = False

    return states(Before, After)


def steps_removed_and_added() -> Pair:
    """A check between two steps is gone, a person looks at the end."""

    class State(BaseModel):
        topic: str

    class Verdict(BaseModel):
        good: bool

    old = Workflow(
        "triage",
        State,
        [Step("classify", next="check"), Step("check", next="send"), Step("send")],
    )
    new = Workflow(
        "triage",
        State,
        [
            Step("classify", next="approve"),
            Step("approve", kind="human", output=Verdict, next="send"),
            Step("send", reads=["outputs.approve.good"]),
        ],
    )
    return capture(old), capture(new), {"check": None}


def prompt_only() -> Pair:
    class State(BaseModel):
        topic: str

    def flow(prompt: str) -> Workflow:
        return Workflow("triage", State, [Step("draft", prompt=prompt, next="send"), Step("send")])

    return capture(flow("Sum up {{ topic }}")), capture(flow("Sum up {{ topic }} in one line")), {}


def moved_and_long() -> Pair:
    """A field moves into an object, and a default is too long for one line."""

    class OldMeta(BaseModel):
        source: str

    class NewMeta(BaseModel):
        source: str
        reviewer_email: str

    class Before(BaseModel):
        reviewer_email: str
        meta: OldMeta
        status: Literal["open", "waiting for reviewer", "closed without answer"]

    class After(BaseModel):
        meta: NewMeta
        status: Literal["open", "waiting_for_reviewer", "closed_without_answer"]
        limits: dict[str, Any] = {
            "attempts_before_giving_up": 3,
            "seconds_between_attempts": 30,
            "hosts": ["one.example.invalid", "two.example.invalid"],
        }

    return states(Before, After)


PAIRS = {
    function.__name__: function
    for function in (
        review_step,
        review_step_unanswered,
        nested_list,
        shared_definition,
        tagged_union,
        incomplete,
        steps_removed_and_added,
        prompt_only,
        moved_and_long,
    )
} | MORE
