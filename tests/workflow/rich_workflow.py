"""A workflow with one of everything. Run as a script, it prints the digests of its snapshot (for other interpreters)."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NotRequired, Optional, TypeVar, Union
from uuid import UUID

import pydantic.dataclasses
from pydantic import (
    AliasChoices,
    AliasPath,
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretStr,
    computed_field,
    field_validator,
)
from typing_extensions import TypedDict

from statemig.workflow import DumpProfile, Step, Was, Workflow
from statemig.workflow.capture import capture

T = TypeVar("T")


class Priority(Enum):
    """How soon."""

    LOW = "low"
    HIGH = "high"


class Level(int, Enum):
    ONE = 1
    TWO = 2


class Search(BaseModel):
    kind: Literal["search"] = "search"
    query: str = Field(min_length=1, max_length=200, pattern="^[a-z ]+$")


class Reply(BaseModel):
    kind: Literal["reply", "answer"] = "reply"
    confidence: float = Field(ge=0, le=1)


class Node(BaseModel):
    """A tree."""

    label: str
    children: list[Node] = []
    parent: Optional[Node] = None  # noqa: UP045


class Box(BaseModel, Generic[T]):
    content: T


class Tags(RootModel[list[str]]):
    pass


class Handle:
    """Nothing that JSON knows."""


class Source(TypedDict):
    url: str
    score: NotRequired[float]


class Partial(TypedDict, total=False):
    note: Annotated[str, Was("remark")]
    handle: Handle


@dataclass
class Budget:
    limit: Decimal
    spent: Decimal = Decimal("0.10")
    history: list[float] = field(default_factory=list)


@pydantic.dataclasses.dataclass
class Draft:
    text: str
    revision: int = Field(default=1, gt=0)
    owner: Annotated[str | None, Was("author")] = None


class State(BaseModel):
    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, populate_by_name=True)

    topic: Annotated[str, Was("subject")]
    summary: str | None = None
    priority: Priority = Priority.LOW
    level: Level = Level.ONE
    root: Annotated[Node, Was("tree")] = Field(default=Node(label="x"), description="where it begins")
    amount: Decimal = Field(default=Decimal("1.50"), ge=0, max_digits=9, decimal_places=2)
    by_number: dict[int, Source] = {}
    by_priority: dict[Priority, float] = Field(default_factory=dict)
    by_id: dict[UUID, Decimal] = {}
    action: Annotated[Union[Search, Reply], Field(discriminator="kind")]  # noqa: UP007
    either: int | str | list[int] = 0
    user: str = Field(validation_alias=AliasChoices("userName", "login", AliasPath("who", "name")))
    camel: int = Field(default=0, alias="camelCase")
    first: str = Field(default="", validation_alias=AliasPath("names", 0))
    partial: Partial
    sources: list[Source] = []
    budget: Budget
    drafts: tuple[Draft, ...] = ()
    pair: tuple[int, str]
    tags: Tags
    boxed: Box[int]
    unique: set[int] = {3, 1, 2}
    one: Literal[1.5] = 1.5
    site: AnyUrl | None = None
    folder: Path = Path("x")
    wait: timedelta = timedelta(hours=1)
    at: datetime | None = None
    day: date | None = None
    raw: bytes = b""
    secret: SecretStr = SecretStr("never shown")
    anything: Any = None
    ratio: float | None = None
    shown: Annotated[int, PlainSerializer(lambda value: str(value), return_type=str)] = 1
    opaque_dump: Annotated[int, PlainSerializer(lambda value: str(value))] = 1
    hidden: int = Field(default=1, exclude=True)
    handle: Handle | None = None

    @computed_field
    @property
    def size(self) -> int:
        return 1

    @field_validator("topic", mode="before")
    @classmethod
    def _stripped(cls, value: Any) -> Any:
        return value


class Approval(BaseModel):
    approved: bool
    comment: str | None = None


def search(query: str, limit: int = 10, *, exact: bool = False, cost: Decimal | None = None) -> list[str]:
    """Look something up."""
    return [query] * limit


def workflow(profile: DumpProfile | None = None) -> Workflow:
    return Workflow(
        "rich",
        state=State,
        profile=profile,
        steps=[
            Step(
                "plan", output=Node, prompt="Plan {topic} as {{ priority }}.", next="collect", model="large"
            ),
            Step("collect", fork=["web", "files"], model={"name": "small", "temperature": 0.5}),
            Step("web", output=list[Source], tools=[search], next="merge"),
            Step("files", output=Budget, tools=[search, Search], next="merge"),
            Step("merge", joins=["web", "files"], next="approve", reads=["state.topic"]),
            Step("approve", kind="human", output=Approval, next=["send", "plan"]),
            Step("send", output=dict[str, Draft], writes=["state.sources[].url"]),
        ],
    )


if __name__ == "__main__":
    plain = capture(workflow())
    lean = capture(workflow(DumpProfile(by_alias=False, exclude_none=True, exclude_defaults=True)))
    found = {"digests": plain.digests, "lean": lean.digests["state"], "python": sys.version.split()[0]}
    found["pydantic"] = pydantic.VERSION
    found["modules"] = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps(found))
