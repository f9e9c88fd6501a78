"""A small project on disk with two revisions, and a weak and a strong suite for it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from statemig import Step, Workflow, capture
from statemig.revisions.directory import Directory

BELOW, REVISION = "aaaaaaaaaaaa", "bbbbbbbbbbbb"


class Item(BaseModel):
    name: str


class NewItem(BaseModel):
    label: str


class Old(BaseModel):
    first: str
    second: str
    items: list[Item] = []


class New(BaseModel):
    one: str
    two: str
    items: list[NewItem] = []
    priority: str


class Approval(BaseModel):
    approved: bool


def flow(state: type[BaseModel], *, check: bool) -> Workflow:
    middle = [Step("check", next="send")] if check else []
    return Workflow(
        "triage",
        state=state,
        steps=[
            Step("ask", kind="human", output=Approval, next="check" if check else "send"),
            *middle,
            Step("send", next="close"),
            Step("close"),
        ],
    )


FIRST = f'''"""first"""

revision = "{BELOW}"
down_revision = None
workflow = "triage"
version = 1


def upgrade(op):
    pass
'''

SECOND = f'''"""the second version"""

revision = "{REVISION}"
down_revision = "{BELOW}"
workflow = "triage"
version = 2


def upgrade(op):
    op.rename_field("state.first", to="one")
    op.rename_field("state.second", to="two")
    op.rename_field("state.items[].name", to="label")
    op.add_field("state.priority", default="normal")
    op.remove_step("check", cursor=op.forward("send"))
'''

WEAK = """
from statemig import Migrator
from statemig.document import new_document


def test_it_can_be_upgraded():
    old = new_document({"first": "a", "second": "b", "items": []}, [{"id": "p", "step": "send", "status": "ready"}])
    assert Migrator("migrations").upgrade(old, "aaaaaaaaaaaa").unwrap()["state"]["priority"]


if __name__ == "__main__":
    test_it_can_be_upgraded()
"""

STRONG = """
from statemig import Migrator
from statemig.document import new_document

AT = {"id": "p", "step": "check", "status": "ready"}
ASKED = {"id": "q", "step": "ask", "status": "waiting", "on": "human", "key": "k", "payload": {}}


def test_all_of_it():
    old = new_document({"first": "a", "second": "b", "items": [{"name": "x"}, {"name": "y"}]}, [AT, ASKED])
    migrator = Migrator("migrations")
    new = migrator.upgrade(old, "aaaaaaaaaaaa", record="complement")
    assert new.unwrap()["state"] == {
        "one": "a",
        "two": "b",
        "items": [{"label": "x"}, {"label": "y"}],
        "priority": "normal",
    }
    assert new.document["cursor"] == [{**AT, "step": "send"}, ASKED]
    assert migrator.downgrade(new.document, to="aaaaaaaaaaaa", complement=new.complement).unwrap() == old


if __name__ == "__main__":
    test_all_of_it()
"""


def write(root: Path, suite: str, script: str = SECOND) -> Path:
    """Returns the project's folder."""
    directory = Directory.create(root / "migrations")
    directory.write(BELOW, None, "triage", 1, "first", FIRST, capture(flow(Old, check=True)))
    directory.write(REVISION, BELOW, "triage", 2, "second", script, capture(flow(New, check=False)))
    (root / "statemig.toml").write_text(
        'script_location = "migrations"\nworkflows = []\nstore = "sqlite:///runs.db"\n'
    )
    (root / "test_migrations.py").write_text(suite)
    return root
