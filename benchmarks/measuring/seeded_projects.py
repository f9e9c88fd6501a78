"""Projects whose one script has a bug that people really make, beside the script as it should be.

The bugs are those of values (fourteen) and those of cursors (three). Each project is two versions of a workflow, frozen as
`statemig revision` freezes them, and a script in between.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from statemig import Migrator, Snapshot, Step, Workflow, capture
from statemig.revisions.directory import Directory
from statemig.testing.case import Case, cases


@dataclass(frozen=True)
class Seeded:
    """`bug` and `right` are bodies of scripts: what follows the header. `law` is the one that should find it."""

    name: str
    old: Any
    new: Any
    bug: str
    right: str
    law: str = "up_validates"
    steps: tuple[tuple[Step, ...], tuple[Step, ...]] = field(default=((), ()))

    def write(self, folder: Path, *, right: bool = False) -> Migrator:
        """The project in a folder, and its migrator."""
        directory = Directory.create(folder)
        before, after = (
            capture(
                Workflow("seeded", state=model, steps=list(steps))
                if steps
                else Workflow("seeded", state=model)
            )
            for model, steps in zip((self.old, self.new), self.steps, strict=True)
        )
        _revision(directory, "a100", None, 1, "    pass\n", before)
        body = self.right if right else self.bug
        if body.startswith("\n"):
            body = textwrap.dedent(body)
        _revision(directory, "b200", "a100", 2, body, after)
        return Migrator(folder, workflow="seeded")

    def case(self, folder: Path, *, right: bool = False) -> Case:
        return next(iter(cases(self.write(folder, right=right))))


def _revision(
    directory: Directory, name: str, below: str | None, version: int, body: str, snapshot: Snapshot
) -> None:
    head = f'"""version {version}\n\nRevision ID: {name}\n"""\n\nfrom statemig import Operations\n\n'
    head += f'revision = "{name}"\ndown_revision = {below!r}\nworkflow = "seeded"\nversion = {version}\n\n\n'
    if body.startswith("    "):
        body = f"def upgrade(op: Operations) -> None:\n{body}"
    directory.write(name, below, "seeded", version, f"version {version}", head + body.lstrip("\n"), snapshot)


def function(lines: str, path: str = "state") -> str:
    """A script that is one function on the value at `path`."""
    body = textwrap.indent(textwrap.dedent(lines).strip("\n"), "    ")
    upgrade = f'def upgrade(op: Operations) -> None:\n    op.transform(change, path="{path}")\n'
    return f"def change(value):\n{body}\n    return value\n\n\n{upgrade}"


# -- the states --------------------------------------------------------------------------------------------------------


class Level1(BaseModel):
    name: str
    level: Literal["low", "mid", "high"]


class Level2(BaseModel):
    name: str
    level: Literal["minor", "medium", "major"]


class Call(BaseModel):
    kind: Literal["call"]
    arguments: str


class Text(BaseModel):
    kind: Literal["text"]
    body: str


class NewCall(BaseModel):
    kind: Literal["call"]
    args: str


class NewText(BaseModel):
    kind: Literal["text"]
    content: str


class Part1(BaseModel):
    part: Call | Text = Field(discriminator="kind")


class Part2(BaseModel):
    part: NewCall | NewText = Field(discriminator="kind")


class Mode1(BaseModel):
    topic: str
    mode: Literal["fast", "slow", "legacy"]


class Mode2(BaseModel):
    topic: str
    mode: Literal["fast", "slow"]


class Note1(BaseModel):
    topic: str
    note: str | None


class Note2(BaseModel):
    topic: str
    note: str


class Item1(BaseModel):
    sku: str
    amount: int


class Item2(BaseModel):
    sku: str
    quantity: int


class Order1(BaseModel):
    customer: str
    items: list[Item1]


class Order2(BaseModel):
    customer: str
    items: list[Item2]


class Score1(BaseModel):
    topic: str
    score: float


class Score2(BaseModel):
    topic: str
    score: int


class Tags1(BaseModel):
    topic: str
    tags: list[str]


class Tags2(BaseModel):
    topic: str
    tags: set[str]


class Port1(BaseModel):
    host: str
    port: int


class Port2(BaseModel):
    host: str
    port: str


class Node1(BaseModel):
    label: str
    children: list[Node1] = []


class Node2(BaseModel):
    title: str
    children: list[Node2] = []


class Tree1(BaseModel):
    root: Node1


class Tree2(BaseModel):
    root: Node2


class Summary1(BaseModel):
    topic: str
    summary: str


class Summary2(BaseModel):
    topic: str
    summary_text: str


class SummaryOptional2(BaseModel):
    topic: str
    summary_text: str = ""


class Person1(BaseModel):
    first_name: str
    last_name: str
    age: int


class Person2(BaseModel):
    first_name: str
    last_name: str
    age: int
    email: str | None = None


class Owner1(BaseModel):
    topic: str
    owner: str


class Owner2(BaseModel):
    topic: str
    owner: list[str]


class Ticket1(BaseModel):
    id: str
    title: str


class Ticket2(BaseModel):
    id: str
    title: str
    priority: str = "normal"


_LEVELS = '{"low": "minor", "mid": "medium", "high": "major"}'

VALUES: Final = (
    Seeded(
        "enum value not mapped",
        Level1,
        Level2,
        function('value["level"] = {"low": "minor", "mid": "medium"}.get(value["level"], value["level"])'),
        f'    op.map_values("state.level", {_LEVELS})\n',
    ),
    Seeded(
        "a union branch forgotten",
        Part1,
        Part2,
        function(
            'if value["part"]["kind"] == "call":\n    value["part"]["args"] = value["part"].pop("arguments")'
        ),
        '    op.rename_field("state.part<kind=call>.arguments", to="args")\n'
        '    op.rename_field("state.part<kind=text>.body", to="content")\n',
    ),
    Seeded(
        "removed literal kept",
        Mode1,
        Mode2,
        function('value["topic"] = value["topic"]'),
        '    op.map_values("state.mode", {"legacy": "slow", "fast": "fast", "slow": "slow"})\n',
    ),
    Seeded(
        "null into non-null",
        Note1,
        Note2,
        function('value.setdefault("note", "")'),
        '    op.drop_null("state.note", fill="")\n',
    ),
    Seeded(
        "only the first list item migrated",
        Order1,
        Order2,
        function('for item in value["items"][:1]:\n    item["quantity"] = item.pop("amount")'),
        '    op.rename_field("state.items[].amount", to="quantity")\n',
    ),
    Seeded(
        "float kept where integer needed",
        Score1,
        Score2,
        function('value["score"] = value["score"] * 1'),
        function('value["score"] = int(value["score"])'),
    ),
    Seeded(
        "duplicates in a new set",
        Tags1,
        Tags2,
        function('value["tags"] = list(value["tags"])'),
        '    op.to_set("state.tags")\n',
    ),
    Seeded(
        "not cast",
        Port1,
        Port2,
        function('value["port"] = value["port"] or 0'),
        '    op.convert("state.port", to="str")\n',
    ),
    Seeded(
        "recursion forgotten",
        Tree1,
        Tree2,
        function('value["root"]["title"] = value["root"].pop("label")'),
        '    op.rename_field("<Node1>.label", to="title")\n',
    ),
    Seeded(
        "old key left",
        Summary1,
        Summary2,
        function('value["summary_text"] = value["summary"]'),
        '    op.rename_field("state.summary", to="summary_text")\n',
    ),
    Seeded(
        "rename dropped",
        Summary1,
        SummaryOptional2,
        function('value.pop("summary")\nvalue["summary_text"] = ""'),
        '    op.rename_field("state.summary", to="summary_text")\n',
        law="value_laws",
    ),
    Seeded(
        "two fields swapped",
        Person1,
        Person2,
        function('value["first_name"], value["last_name"] = value["last_name"], value["first_name"]'),
        '    op.add_field("state.email", default=None)\n',
        law="value_laws",
    ),
    Seeded(
        "constant default instead of the old value",
        Owner1,
        Owner2,
        function('value["owner"] = ["nobody"]'),
        '    op.wrap("state.owner")\n',
        law="value_laws",
    ),
    Seeded(
        "id changed",
        Ticket1,
        Ticket2,
        function('value["id"] = "ticket-" + value["id"]\nvalue["priority"] = "normal"'),
        '    op.add_field("state.priority", default="normal")\n',
        law="value_laws",
    ),
)


# -- the cursors -------------------------------------------------------------------------------------------------------


class Case1(BaseModel):
    topic: str


def _asking(step: str) -> tuple[Step, ...]:
    return (
        Step("draft", next=step),
        Step(step, kind="human", next="send"),
        Step("send"),
    )


def _branches(gone: bool) -> tuple[Step, ...]:
    middle = () if gone else (Step("ask_refund", kind="human", next="pay"),)
    return (
        Step("classify", next=["pay" if gone else "ask_refund", "explain"]),
        *middle,
        Step("pay", next="close"),
        Step("explain", next="close"),
        Step("close"),
    )


_JOINED = (
    Step("plan", fork=["search", "approve"]),
    Step("search", next="merge"),
    Step("approve", kind="human", next="merge"),
    Step("merge", joins=["search", "approve"], next="send"),
    Step("send"),
)

CURSORS: Final = (
    Seeded(
        "a waiting position dropped",
        Case1,
        Case1,
        """
        def change(document):
            document["cursor"] = [each for each in document.get("cursor", []) if each["step"] != "approve"]
            return document


        def upgrade(op: Operations) -> None:
            op.transform(change)
        """,
        '    op.rename_step("approve", to="review")\n',
        law="cursor_is_safe",
        steps=(_asking("approve"), _asking("review")),
    ),
    Seeded(
        "moved to the wrong branch",
        Case1,
        Case1,
        '    op.remove_step("ask_refund", cursor=op.forward("explain"))\n',
        '    op.remove_step("ask_refund", cursor=op.forward("pay"))\n',
        law="cursor_is_safe",
        steps=(_branches(False), _branches(True)),
    ),
    Seeded(
        "a join that can never fire",
        Case1,
        Case1,
        """
        def change(document):
            document["pending"] = [each for each in document.get("pending", []) if each["step"] != "search"]
            return document


        def upgrade(op: Operations) -> None:
            op.transform(change)
        """,
        "    pass\n",
        law="cursor_is_safe",
        steps=(_JOINED, _JOINED),
    ),
)

ALL: Final = (*VALUES, *CURSORS)
