"""More pairs for the golden scripts: containers, bounds, unions, objects, and what stands at steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot

Pair = tuple[Snapshot, Snapshot, dict[str, str | None]]


def _states(old: type[BaseModel], new: type[BaseModel]) -> Pair:
    return capture(Workflow("triage", old)), capture(Workflow("triage", new)), {}


def _flows(old: list[Step], new: list[Step]) -> Pair:
    class State(BaseModel):
        topic: str

    return capture(Workflow("triage", State, old)), capture(Workflow("triage", State, new)), {}


def containers() -> Pair:
    """A list becomes a set and a set a list, tuples gain, lose and swap slots, keys of a map have other names."""

    class Before(BaseModel):
        tags: list[str]
        owners: set[str]
        span: tuple[int, str]
        place: tuple[float, float, str]
        pair: tuple[str, int]
        labels: dict[Literal["Owner", "due"], str]

    class After(BaseModel):
        tags: set[str]
        owners: list[str]
        span: tuple[int, str, bool]
        place: tuple[float, float]
        pair: tuple[int, str]
        labels: dict[Literal["owner", "due"], str]

    return _states(Before, After)


def narrower_bounds() -> Pair:
    """Numbers, texts, lists and maps that have to be smaller, and a text that is one of a few now."""

    class Before(BaseModel):
        score: int
        share: float
        title: str
        code: str
        findings: list[str]
        labels: dict[str, str]
        level: str | None = None

    class After(BaseModel):
        score: Annotated[int, Field(ge=0, le=10)]
        share: Annotated[float, Field(le=1)]
        title: Annotated[str, Field(max_length=80)]
        code: Annotated[str, Field(min_length=3)]
        findings: Annotated[list[str], Field(min_length=1, max_length=20)]
        labels: Annotated[dict[str, str], Field(max_length=5)]
        level: Literal["low", "high"] | None = None

    return _states(Before, After)


def unions() -> Pair:
    """A union gets a tag, another one has its tag under another key, one loses a variant, and one model becomes a variant."""

    class Search(BaseModel):
        query: str

    class Fetch(BaseModel):
        url: str

    class TaggedSearch(BaseModel):
        kind: Literal["search"]
        query: str

    class TaggedFetch(BaseModel):
        kind: Literal["fetch"]
        url: str

    class TypedSearch(BaseModel):
        type: Literal["search"]
        query: str

    class TypedFetch(BaseModel):
        type: Literal["get"]
        url: str

    class Ask(BaseModel):
        kind: Literal["ask"]
        question: str

    class Before(BaseModel):
        calls: list[Search | Fetch]
        last: Annotated[TaggedSearch | TaggedFetch, Field(discriminator="kind")]
        plan: Annotated[TaggedSearch | TaggedFetch | Ask, Field(discriminator="kind")]
        first: Search

    class After(BaseModel):
        calls: list[Annotated[TaggedSearch | TaggedFetch, Field(discriminator="kind")]]
        last: Annotated[TypedSearch | TypedFetch, Field(discriminator="type")]
        plan: Annotated[TaggedSearch | TaggedFetch, Field(discriminator="kind")]
        first: Annotated[TaggedSearch | TaggedFetch, Field(discriminator="kind")]

    return _states(Before, After)


def objects() -> Pair:
    """A value becomes an object and an object a value, fields go into a new object, two change names, unknown keys are dropped."""

    class Author(BaseModel):
        name: str
        email: str = ""

    class Source(BaseModel):
        url: str
        seen: bool = False

    class Place(BaseModel):
        street: str
        town: str

    class Before(BaseModel):
        model_config = ConfigDict(extra="allow")
        author: str
        source: Source
        street: str
        town: str
        limit: str
        hint: int
        tone: str = "plain"

    class After(BaseModel):
        author: Author
        source: str
        place: Place
        limit: int
        hint: str
        tone: str = "warm"

    return _states(Before, After)


def waiting_runs() -> Pair:
    """Steps in another order, a join with another branch, another question, a tool that is no longer asked about."""
    old = [
        Step("check", next="enrich"),
        Step("enrich", next="start"),
        Step("start", fork=["law", "cost"]),
        Step("law", next="sum"),
        Step("cost", next="sum"),
        Step("sum", joins=["law"], next="review"),
        Step("review", kind="human", interrupts=["approve"], tools=["refund", "refuse"], next="send"),
        Step("send"),
    ]
    new = [
        Step("enrich", next="check"),
        Step("check", next="start"),
        Step("start", fork=["law", "cost"]),
        Step("law", next="sum"),
        Step("cost", next="sum"),
        Step("sum", joins=["law", "cost"], next="review"),
        Step("review", kind="human", interrupts=["budget", "approve"], tools=["refuse"], next="send"),
        Step("send", kind="human"),
    ]
    return _flows(old, new)


MORE: dict[str, Any] = {
    function.__name__: function for function in (containers, narrower_bounds, unions, objects, waiting_runs)
}
