"""What operations make of a schema is enough to prove that the new model reads it."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from statemig import capture
from statemig.operations import Operations, schema_after
from statemig.shapes.subshape import gaps


class Search(BaseModel):
    kind: Literal["search"]
    query: str


class Note(BaseModel):
    kind: Literal["note"]
    text: str


class Find(BaseModel):
    kind: Literal["find"]
    query: str


class TypedSearch(BaseModel):
    type: Literal["search"]
    query: str


class TypedNote(BaseModel):
    type: Literal["note"]
    text: str


class PlainSearch(BaseModel):
    query: str


class PlainNote(BaseModel):
    text: str


TAGGED = Annotated[Search | Note, Field(discriminator="kind")]
TYPED = Annotated[TypedSearch | TypedNote, Field(discriminator="type")]
FOUND = Annotated[Find | Note, Field(discriminator="kind")]
INFER = {"query": "search", "text": "note"}


@pytest.mark.parametrize(
    ("old", "new", "script"),
    [
        (TAGGED, TYPED, lambda op: op.rename_tag("state.v.kind", to="type")),
        (TAGGED, FOUND, lambda op: op.rename_variant("state.v.kind", "search", "find")),
        (PlainSearch | PlainNote, TAGGED, lambda op: op.tag_union("state.v", key="kind", infer=INFER)),
        (PlainSearch, Search, lambda op: op.tag_union("state.v", key="kind", infer=op.value("search"))),
        (TAGGED, PlainSearch | PlainNote, lambda op: op.untag("state.v.kind")),
        (
            TAGGED,
            Note,
            lambda op: op.remove_variant("state.v.kind", "search", to=op.value({"kind": "note", "text": ""})),
        ),
        (list[int], set[int], lambda op: op.to_set("state.v")),
        (set[int], list[int], lambda op: op.to_list("state.v")),
        (int, Annotated[int, Field(ge=0, le=9)], lambda op: op.constrain("state.v", clamp=(0, 9))),
        (str, Annotated[str, Field(max_length=3)], lambda op: op.constrain("state.v", truncate=3)),
        (str, Literal["a", "b"], lambda op: op.constrain("state.v", reject={"enum": ["a", "b"]})),
        (list[Search], dict[str, Search], lambda op: op.list_to_map("state.v", key="query")),
        (dict[str, Search], list[Search], lambda op: op.map_to_list("state.v", key="query")),
        (tuple[int, str], tuple[str, int], lambda op: op.tuple_reorder("state.v", [1, 0])),
        (tuple[int], tuple[int, str], lambda op: op.tuple_add("state.v[1]", default="")),
        (tuple[int, str], tuple[str], lambda op: op.tuple_remove("state.v[0]")),
    ],
)
def test_the_new_model_provably_reads_what_the_operation_makes(old: Any, new: Any, script: Any) -> None:
    before, after = (create_model("State", v=(each, ...)) for each in (old, new))
    op = Operations()
    script(op)
    if old != set[int]:  # a set is a list as it is
        assert gaps(capture(before).stored, capture(after).accepts), "there is something to prove"
    assert gaps(schema_after(capture(before).stored, op.recorded), capture(after).accepts) == []
