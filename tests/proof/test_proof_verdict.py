"""Single revisions whose verdict is known, and when a frozen one still holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    HttpUrl,
    computed_field,
    field_validator,
)

from statemig import Operations, Revision, Step, Workflow, capture
from statemig.proof.prove import prove, prove_revision
from statemig.proof.verdict import PROVER, Verdict, fits, guarantee_of, standing, to_freeze
from statemig.revisions.frozen import Frozen
from statemig.workflow.definition import DumpProfile


def verdict(old: Any, new: Any, script: Any = lambda op: None, **profile: Any) -> Verdict:
    op = Operations()
    script(op)
    workflows = [Workflow("flow", state=state, profile=DumpProfile(**profile)) for state in (old, new)]
    return prove(capture(workflows[0]), capture(workflows[1]), op.recorded)


def messages(of: Verdict) -> list[str]:
    return [finding.message for finding in of.up.findings]


class Text(BaseModel):
    notes: str


class Gone(BaseModel):
    other: int = 0


class Listed(BaseModel):
    notes: list[str]
    other: int = 0


def test_a_key_that_a_reader_ignores_is_not_forgotten() -> None:
    """V2 drops `notes: str` and ignores what is extra; V3 adds `notes: list[str]`. The first step is what is wrong."""
    first = verdict(Text, Gone)
    assert first.answer == "refuted"
    assert messages(first) == ["$.notes is not accepted: no such key is known"]
    assert verdict(Gone, Listed, lambda op: op.add_field("state.notes", default=[])).answer == "proved"
    removed = verdict(Text, Gone, lambda op: op.remove_field("state.notes"))
    assert removed.answer == "proved"


class Total(BaseModel):
    a: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return self.a


class Stored(BaseModel):
    a: int
    total: int


def test_under_a_computed_field_there_may_be_what_an_older_version_left() -> None:
    """A document of a version with `total: str` arrives unchanged where `total` is computed, and must not arrive where it is an int."""

    class Older(BaseModel):
        a: int
        total: str

    assert verdict(Older, Total).answer == "proved"
    second = verdict(Total, Stored)
    assert second.answer != "proved"
    assert messages(second)[0] == "$.total may be anything, but an integer is expected"


class Plain(BaseModel):
    score: float


class Finite(BaseModel):
    score: FiniteFloat


class Maybe(BaseModel):
    score: float | None


def test_null_for_a_float_that_is_no_number_is_not_proved_and_no_reason_to_validate() -> None:
    found = verdict(Plain, Plain)
    assert found.answer == "unknown"
    assert found.fits
    assert "NaN" in messages(found)[0]
    assert verdict(Finite, Finite).answer == "proved"
    assert verdict(Plain, Maybe).answer == "proved"
    assert verdict(Plain, Finite, lambda op: op.drop_null("state.score", fill=0.0)).answer == "proved"


def test_a_validator_of_the_authors_is_unknown() -> None:
    class Checked(BaseModel):
        notes: str

        @field_validator("notes")
        @classmethod
        def short(cls, value: str) -> str:
            return value

    class Function(BaseModel):
        notes: Annotated[str, AfterValidator(str.strip)]

    for model in (Checked, Function):
        found = verdict(Text, model)
        assert found.answer == "unknown"
        assert "$.notes is checked by code of your own" in messages(found)[0]


def test_a_bound_that_no_schema_says_holds_where_nobody_touched_it() -> None:
    class Any_(BaseModel):
        link: AnyUrl

    class Http(BaseModel):
        link: HttpUrl

    class Renamed(BaseModel):
        url: HttpUrl

    assert verdict(Http, Http).answer == "proved"
    assert verdict(Http, Renamed, lambda op: op.rename_field("state.link", to="url")).answer == "proved"
    widened = verdict(Any_, Http)
    assert widened.answer == "unknown"
    assert any("allowed_schemes" in message for message in messages(widened))
    touched = verdict(Http, Http, lambda op: op.map_values("state.link", {"x": "ftp://x"}, otherwise="keep"))
    assert touched.answer == "unknown"


class Low(BaseModel):
    level: Literal["low", "high"] | None = None


class Upper(BaseModel):
    level: Literal["LOW", "HIGH"] | None = None


def test_a_value_that_is_not_mapped_is_named_by_path() -> None:
    def half(op: Any) -> None:
        op.map_values("state.level", {"low": "LOW"}, otherwise="keep")

    found = verdict(Low, Upper, half)
    assert found.answer == "refuted"
    (finding,) = found.up.findings
    assert finding.message.startswith('$.level value "high" not accepted: ')
    assert finding.witness["state"] == {"level": "high"}
    assert finding.rejected is not None
    assert "high" not in finding.rejected


class Node(BaseModel):
    text: str
    child: Node | None = None


class Tree(BaseModel):
    root: Node


class NewNode(BaseModel):
    model_config = ConfigDict(title="Node")
    body: str
    child: NewNode | None = None


class NewTree(BaseModel):
    root: NewNode


def test_a_recursion_that_was_forgotten_is_found() -> None:
    shallow = verdict(Tree, NewTree, lambda op: op.rename_field("state.root.text", to="body"))
    assert shallow.answer == "refuted"
    assert messages(shallow)[0].startswith(
        "$.root.child may be an object Node, but an object NewNode or null"
    )
    assert verdict(Tree, NewTree, lambda op: op.rename_field("<Node>.text", to="body")).answer == "proved"


def test_a_dump_without_nones_lacks_required_keys() -> None:
    assert verdict(Maybe, Maybe).answer == "proved"
    found = verdict(Maybe, Maybe, exclude_none=True)
    assert messages(found) == ["$.score may be absent, but is required"]
    assert found.answer == "refuted"


def test_a_dump_by_name_is_not_what_a_reader_by_alias_takes() -> None:
    class Aliased(BaseModel):
        notes: str = Field(alias="the-notes")

    assert verdict(Aliased, Aliased).answer == "proved"
    assert verdict(Aliased, Aliased, by_alias=False).answer == "refuted"


def test_the_way_down_is_judged_for_what_the_new_version_writes() -> None:
    class More(BaseModel):
        notes: str
        extra: int

    def script(op: Any) -> None:
        op.add_field("state.extra", default=0)

    found = verdict(Text, More, script)
    assert (found.up.verdict, found.down.verdict) == ("proved", "proved")
    lost = verdict(More, Text, lambda op: op.remove_field("state.extra"))
    assert (lost.up.verdict, lost.down.verdict) == ("proved", "refuted")
    kept = verdict(More, Text, lambda op: op.remove_field("state.extra", restore=1))
    assert kept.down.verdict == "proved"
    refused = verdict(
        More, Text, lambda op: (op.remove_field("state.extra", restore=1), op.irreversible("why"))
    )
    assert refused.down.verdict != "proved"


def test_a_script_that_cannot_be_followed_is_unknown_with_its_operation() -> None:
    found = verdict(Text, Text, lambda op: op.rename_field("state.nowhere", to="x"))
    assert found.answer == "unknown"
    assert messages(found)[0].startswith("$.nowhere cannot be followed: ")
    assert "0 rename_field" in messages(found)[0]


def test_a_script_that_cannot_be_followed_is_unknown_for_the_cursor_too() -> None:
    op = Operations()
    op.rename_field("<Nowhere>.a", to="b")
    op.rename_step("draft", to="write")
    before = capture(Workflow("flow", state=Text, steps=[Step("draft")]))
    after = capture(Workflow("flow", state=Text, steps=[Step("write")]))
    found = prove(before, after, op.recorded)
    assert (found.up.verdict, found.cursor.verdict) == ("unknown", "unknown")


# -- which revisions ---------------------------------------------------------------------------------------------------


def snapshot(model: Any) -> Any:
    return capture(Workflow("flow", state=model, steps=[Step("send")]))


def test_the_first_revision_is_proved_and_a_merge_is_not() -> None:
    known = {"a": snapshot(Text), "b": snapshot(Text), "c": None}
    assert prove_revision(Revision("a", snapshot=known["a"]), known.get).answer == "proved"
    merge = prove_revision(Revision("b", ("a", "x"), snapshot=known["b"]), known.get)
    assert merge.answer == "unknown"
    assert "follows a and x" in merge.up.findings[0].reason
    assert prove_revision(Revision("c", "a"), known.get).answer == "unknown"
    assert prove_revision(Revision("b", "c", snapshot=known["b"]), known.get).answer == "unknown"


# -- frozen ------------------------------------------------------------------------------------------------------------


def frozen(
    name: str, below: tuple[str, ...] = (), script: str = "s", verdict: Any = None, model: Any = Text
) -> Frozen:
    return Frozen.freeze(
        revision=name,
        down_revisions=below,
        workflow="flow",
        version=1,
        script_digest=script,
        below=[],
        snapshot=snapshot(model).to_dict(),
        verdict=verdict,
    )


def proved(record: Frozen, below: list[Frozen]) -> Frozen:
    return Frozen(
        **{name: getattr(record, name) for name in Frozen.__slots__ if name != "verdict"},
        verdict=to_freeze(verdict(Text, Text), record, below),
    )


def test_a_verdict_holds_for_the_script_and_the_snapshots_that_it_is_about() -> None:
    base = frozen("a")
    record = proved(frozen("b", ("a",)), [base])
    assert guarantee_of(record, [base]) == "proven"
    assert guarantee_of(frozen("b", ("a",)), [base]) == "unproven"
    assert guarantee_of(record, [frozen("a", model=Gone)]) == "unproven"
    edited = frozen("b", ("a",), script="t", verdict=record.verdict)
    assert guarantee_of(edited, [base]) == "unproven"
    other = frozen("b", ("a",), verdict=record.verdict, model=Gone)
    assert guarantee_of(other, [base]) == "unproven"


@pytest.mark.parametrize("damaged", [None, "proven", {"guarantee": "proven"}, {"prover": PROVER + 1}])
def test_what_is_no_verdict_of_this_prover_is_none(damaged: Any) -> None:
    base = frozen("a")
    assert standing(frozen("b", ("a",), verdict=damaged), [base]) is None


def test_verdicts_compose_only_along_a_line() -> None:
    base = frozen("a")
    records = {"a": base, "b": proved(frozen("b", ("a",)), [base])}
    records["c"] = proved(frozen("c", ("b",)), [records["b"]])
    records["m"] = proved(frozen("m", ("b", "x")), [records["b"]])
    assert fits(["b", "c"], "a", records.__getitem__)
    assert fits([], "a", records.__getitem__)
    assert not fits(["c"], "a", records.__getitem__)
    assert not fits(["b", "m"], "a", records.__getitem__)
    records["b"] = frozen("b", ("a",))
    assert not fits(["b", "c"], "a", records.__getitem__)


def test_no_witness_is_frozen() -> None:
    base = frozen("a")
    kept = to_freeze(verdict(Low, Upper), base, [])
    assert kept["verdict"] == "refuted"
    assert "witness" not in str(kept)
