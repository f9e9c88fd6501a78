"""What is proposed for a change, and what is not."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field, create_model
from typing_extensions import TypedDict

from statemig.autogenerate.propose import Proposal, propose
from statemig.revisions.frozen import Frozen
from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Empty(BaseModel):
    pass


def state(base: type[BaseModel] | None = None, **fields: Any) -> Snapshot:
    made = {key: field if isinstance(field, tuple) else (field, ...) for key, field in fields.items()}
    return capture(Workflow("w", create_model("State", __base__=base, **made)))


def flow(*steps: Step) -> Snapshot:
    return capture(Workflow("w", Empty, steps))


def script(proposal: Proposal) -> list[str]:
    return [operation.source() for operation in proposal.operations]


class Told(TypedDict):
    a: str


class ToldMore(Told):
    b: NotRequired[int]


def test_a_key_that_may_be_absent_is_written_down_for_the_way_back() -> None:
    """The way up has nothing to do; the way down has to take it away."""
    old, new = (capture(Workflow("w", each)) for each in (Told, ToldMore))
    proposal = propose(old, new)
    assert proposal.complete
    assert script(proposal) == ['op.add_field("state.b", optional=True)']


def test_a_key_that_the_old_version_has_a_place_for_needs_no_way_back() -> None:
    old = state(Open, a=str)
    new = state(Open, a=str, b=(datetime, Field(default_factory=datetime.now)))
    assert script(propose(old, new)) == []


FIELD_CHANGES: list[tuple[Any, Any, list[str]]] = [
    (str, list[str], ['op.wrap("state.a")']),
    (str | None, list[str], ['op.wrap("state.a")']),
    (list[str] | None, str, ['op.unwrap("state.a", default="")', 'op.drop_null("state.a", fill="")']),
    (int | None, str, ['op.convert("state.a", to="str")', 'op.drop_null("state.a", fill="")']),
    (list[str], str, ['op.unwrap("state.a", default="")']),
    (int, str, ['op.convert("state.a", to="str")']),
    (str, int, ['op.convert("state.a", to="int")']),
    (float, int, ['op.convert("state.a", to="int", rounding="nearest")']),
    (int, float, []),
    (str, datetime, ['op.convert("state.a", to="date-time")']),
    (str, str | None, ['op.make_nullable("state.a")']),
    (str | None, str, ['op.drop_null("state.a", fill="")']),
    ((str | None, None), (str, "x"), ['op.drop_null("state.a", fill="x")']),
    ((int, 0), int, ['op.make_required("state.a", fill=0)']),
    (int, (int, 5), ['op.make_optional("state.a", fill=5)']),
    (str, str | int, []),
    (Literal["a"], Literal["a", "b"], []),
    (Literal["a"], Literal["b"], ['op.map_values("state.a", {"a": "b"})']),
    (
        Literal["low", "high", "other"],
        Literal["LOW", "high", "other"],
        ['op.map_values("state.a", {"low": "LOW"}, otherwise="keep")'],
    ),
    (
        Literal["low", "high", "other"],
        Literal["low", "other"],
        ['op.map_values("state.a", {"high": "other"}, otherwise="keep")'],
    ),
    (Literal["a", "b"], str, []),
    (list[int], list[str], ['op.convert("state.a[]", to="str")']),
    (dict[str, int], dict[str, str], ['op.convert("state.a{}", to="str")']),
    (tuple[int, int], tuple[int, str], ['op.convert("state.a[1]", to="str")']),
    (list[str | None], list[str], ['op.drop_null("state.a[]", fill="")']),
]


@pytest.mark.parametrize(("old", "new", "operations"), FIELD_CHANGES)
def test_a_changed_type_becomes_an_operation(old: Any, new: Any, operations: list[str]) -> None:
    proposal = propose(state(a=old, b=int), state(a=new, b=int))
    assert script(proposal) == operations
    assert proposal.complete, proposal.reasons


@pytest.mark.parametrize(
    ("field", "operations", "assumed"),
    [
        ((int, 3), ['op.add_field("state.b", default=3)'], []),
        ((str | None, None), ['op.add_field("state.b", default=None)'], []),
        ((list[str], Field(default_factory=list)), ['op.add_field("state.b", default=[])'], []),
        ((datetime, Field(default_factory=datetime.now)), ['op.add_field("state.b", optional=True)'], []),
        (str, ['op.add_field("state.b", default="")'], [("state.b", "")]),
        (int, ['op.add_field("state.b", default=0)'], [("state.b", 0)]),
        (float, ['op.add_field("state.b", default=0.0)'], [("state.b", 0.0)]),
        (bool, ['op.add_field("state.b", default=False)'], [("state.b", False)]),
        (list[str], ['op.add_field("state.b", default=[])'], [("state.b", [])]),
        (dict[str, int], ['op.add_field("state.b", default={})'], [("state.b", {})]),
        (str | None, ['op.add_field("state.b", default=None)'], [("state.b", None)]),
        (Literal["x", "y"], ['op.add_field("state.b", default="x")'], [("state.b", "x")]),
        (Annotated[int, Field(ge=2)], ['op.add_field("state.b", default=2)'], [("state.b", 2)]),
        (Decimal, ['op.add_field("state.b", default="0")'], [("state.b", "0")]),
    ],
)
def test_an_added_field_gets_its_default_or_an_assumed_value(
    field: Any, operations: list[str], assumed: list[Any]
) -> None:
    proposal = propose(state(a=str), state(a=str, b=field))
    assert script(proposal) == operations
    assert list(proposal.assumed) == assumed
    assert proposal.complete, proposal.reasons


def test_an_added_object_gets_only_what_it_needs() -> None:
    inner = create_model("Inner", x=(int, ...), y=(str, "b"))
    proposal = propose(state(a=str), state(a=str, b=create_model("Outer", inner=(inner, ...), z=(int, 4))))
    assert script(proposal) == ['op.add_field("state.b", default={"inner": {"x": 0}})']
    assert proposal.complete


def test_a_removed_field_without_a_candidate_is_removed_and_kept_for_the_way_back() -> None:
    proposal = propose(state(a=str, b=int), state(a=str))
    assert script(proposal) == ['op.remove_field("state.b")']
    assert proposal.complete


def test_a_removed_field_with_an_open_question_is_not_dropped() -> None:
    proposal = propose(state(a=str, agent_id=str), state(a=str, archive_id=str))
    assert script(proposal) == []
    assert not proposal.complete
    assert set(proposal.missing) == {"state.agent_id", "state.archive_id"}
    [(old, candidates)] = proposal.questions
    assert old == "state.agent_id"
    assert [new for new, _ in candidates] == ["state.archive_id"]
    assert "--rename state.agent_id:..." in proposal.reasons["state.agent_id"]


def test_the_answer_renames() -> None:
    proposal = propose(
        state(a=str, agent_id=str), state(a=str, archive_id=str), {"state.agent_id": "archive_id"}
    )
    assert script(proposal) == ['op.rename_field("state.agent_id", to="archive_id")']
    assert proposal.complete


def test_the_answer_that_it_is_gone_removes() -> None:
    proposal = propose(state(a=str, agent_id=str), state(a=str, archive_id=str), {"state.agent_id": None})
    assert script(proposal) == [
        'op.remove_field("state.agent_id")',
        'op.add_field("state.archive_id", default="")',
    ]
    assert proposal.complete


def test_a_removal_beside_a_new_field_of_a_like_type_is_never_silent() -> None:
    old, new = state(summary=str, topic=str), state(topic=str, digest=(str, ""), level=Literal["low", "high"])
    proposal = propose(old, new)
    assert proposal.questions == ()
    assert proposal.removed == (("state.summary", ["state.digest", "state.level"]),)
    [step] = [step for step in proposal.steps if step.change.path == "state.summary"]
    assert step.note == "assumed: really gone, and not the new field beside it?"
    assert propose(old, new, {"state.summary": None}).removed == ()


def test_a_removal_with_nothing_like_it_beside_it_needs_no_remark() -> None:
    assert propose(state(a=str, b=int), state(a=str)).removed == ()
    assert propose(state(a=str, b=int), state(a=str, c=(list[str], []))).removed == ()


def test_a_likely_rename_is_told_with_its_score() -> None:
    proposal = propose(state(a=str, user_name=str, z=int), state(a=str, username=str, z=int))
    assert script(proposal) == ['op.rename_field("state.user_name", to="username")']
    [(old, new, score)] = proposal.renames
    assert (old, new) == ("state.user_name", "state.username")
    assert score >= 0.75


def test_a_rename_written_down_by_its_author_needs_no_answer() -> None:
    new = state(b=(str, Field(validation_alias=AliasChoices("b", "a"))))
    proposal = propose(state(a=str), new)
    assert script(proposal) == ['op.rename_field("state.a", to="b")']


def test_a_rename_with_another_type_is_two_operations() -> None:
    proposal = propose(state(tag=str), state(labels=list[str]), {"state.tag": "labels"})
    assert script(proposal) == ['op.rename_field("state.tag", to="labels")', 'op.wrap("state.labels")']
    assert proposal.complete


def test_inside_a_renamed_field_the_new_name_counts() -> None:
    old = create_model("Finding", severity=(int, ...))
    new = create_model("Finding", severity=(str, ...))
    proposal = propose(state(finds=list[old]), state(issues=list[new]), {"state.finds": "issues"})
    assert script(proposal) == [
        'op.rename_field("state.finds", to="issues")',
        'op.convert("state.issues[].severity", to="str")',
    ]
    assert proposal.complete


def test_a_field_that_takes_a_removed_ones_name_waits_for_it_to_go() -> None:
    proposal = propose(state(a=str, b=str), state(b=str), {"state.a": "b"})
    assert script(proposal) == ['op.remove_field("state.b")', 'op.rename_field("state.a", to="b")']
    assert proposal.complete


def test_a_moved_field() -> None:
    meta, more = create_model("Meta", x=(int, ...)), create_model("Meta", x=(int, ...), reviewer=(str, ...))
    proposal = propose(state(meta=meta, reviewer=str), state(meta=more))
    assert script(proposal) == ['op.move_field("state.reviewer", to="state.meta.reviewer")']
    assert proposal.complete


def test_a_field_that_moves_into_a_new_object_makes_it() -> None:
    proposal = propose(state(a=int, email=str), state(a=int, person=create_model("Person", email=(str, ...))))
    assert script(proposal) == ['op.move_field("state.email", to="state.person.email")']
    assert proposal.complete


def test_a_new_object_does_not_bring_what_is_moved_into_it() -> None:
    person = create_model("Person", email=(str, ...), phone=(str, ...))
    proposal = propose(state(a=int, email=str), state(a=int, person=person))
    assert script(proposal) == [
        'op.add_field("state.person", default={"phone": ""})',
        'op.move_field("state.email", to="state.person.email")',
    ]
    assert proposal.assumed == (("state.person", {"phone": ""}),)
    assert proposal.complete


def test_an_object_that_may_be_null_becomes_one_before_something_moves_into_it() -> None:
    old, new = create_model("P", x=(int, 0)), create_model("P", x=(int, 0), cursor=(str | None, None))
    proposal = propose(
        state(params=(old | None, None), cursor=(str | None, None)), state(params=(new | None, None))
    )
    assert script(proposal) == [
        'op.drop_null("state.params", fill={})',
        'op.move_field("state.cursor", to="state.params.cursor")',
    ]
    assert proposal.assumed == (("state.params", {}),)
    assert proposal.complete


def test_an_object_that_moves_as_a_whole_leaves_nothing_to_move_out_of_it() -> None:
    inner = create_model("Inner", reviewer=(str, ...))
    holder, fuller = (
        create_model("Holder", x=(int, ...)),
        create_model("Holder", x=(int, ...), review=(inner, ...)),
    )
    proposal = propose(state(holder=holder, review=inner), state(holder=fuller))
    assert script(proposal) == ['op.move_field("state.review", to="state.holder.review")']
    assert proposal.complete


def test_a_conversion_that_not_every_text_survives_says_so() -> None:
    [step] = propose(state(a=str), state(a=int)).steps
    assert step.note == "a run with a text that is no int stays as it is and is listed"


def test_a_move_somebody_settled() -> None:
    meta, more = create_model("Meta", x=(int, ...)), create_model("Meta", x=(int, ...), author=(str, ...))
    proposal = propose(state(meta=meta, id=str), state(meta=more), {"state.id": "state.meta.author"})
    assert script(proposal) == ['op.move_field("state.id", to="state.meta.author")']
    assert proposal.complete


def test_an_object_that_is_dissolved_gives_its_fields_before_it_goes() -> None:
    author = create_model("Author", name=(str, ...), age=(int, ...))
    proposal = propose(state(author=author), state(author_name=str))
    assert script(proposal) == [
        'op.move_field("state.author.name", to="state.author_name")',
        'op.remove_field("state.author")',
    ]
    assert proposal.complete


def test_an_object_that_became_its_id() -> None:
    call = create_model("Call", id=(str, ...), text=(str, ...))
    proposal = propose(state(call=call), state(item_id=str), {"state.call": "item_id"})
    assert script(proposal) == [
        'op.move_field("state.call.id", to="state.item_id")',
        'op.remove_field("state.call")',
    ]
    assert proposal.complete


def test_a_shared_definition_is_changed_in_one_line() -> None:
    old, new = create_model("Item", a=(int, ...)), create_model("Item", a=(str, ...))
    proposal = propose(state(x=old, y=list[old]), state(x=new, y=list[new]))
    assert script(proposal) == ['op.convert("<Item>.a", to="str")']
    assert proposal.complete


def test_a_member_of_a_union_without_a_tag_is_named_by_its_definition() -> None:
    class Page(BaseModel):
        file: str
        index: int

    class Link(BaseModel):
        url: str
        title: str

    class Page2(BaseModel):
        file: str
        index: int
        name: str

    Page2.__name__ = "Page"
    proposal = propose(state(a=list[Page | Link]), state(a=list[Page2 | Link]))
    assert script(proposal) == ['op.add_field("<Page>.name", default="")']
    assert proposal.complete


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


def test_a_model_that_becomes_a_variant_gets_its_tag_written() -> None:
    union = Annotated[Cat | Dog, Field(discriminator="kind")]
    proposal = propose(state(pet=Cat), state(pet=union))
    assert script(proposal) == ['op.tag_union("state.pet", key="kind", infer=op.value("cat"))']
    assert proposal.complete


def test_a_tag_with_another_value() -> None:
    hound = create_model("Dog", kind=(Literal["hound"], "hound"))
    old, new = (
        Annotated[Cat | Dog, Field(discriminator="kind")],
        Annotated[Cat | hound, Field(discriminator="kind")],
    )
    proposal = propose(state(pets=list[old]), state(pets=list[new]))
    assert script(proposal) == ['op.rename_variant("state.pets[].kind", old="dog", new="hound")']
    assert proposal.complete, proposal.reasons


def test_keys_that_nobody_declared_are_taken_out_and_kept_for_the_way_back() -> None:
    proposal = propose(state(Open, a=str), state(a=str))
    assert script(proposal) == [
        'op.nest_rest("state", into="undeclared", keep=("a",))',
        'op.remove_field("state.undeclared")',
    ]
    assert proposal.complete


def test_a_free_text_that_becomes_one_of_a_few_is_refused_where_it_is_another() -> None:
    proposal = propose(state(a=str), state(a=Literal["x", "y"]))
    assert script(proposal) == ['op.constrain("state.a", reject={"enum": ["x", "y"]})']
    assert proposal.steps[0].note == "a run with a value outside stays as it is and is listed"
    assert proposal.complete


def test_null_may_stay_beside_one_of_a_few() -> None:
    proposal = propose(state(a=str | None), state(a=Literal["x", "y"] | None))
    assert script(proposal) == ['op.constrain("state.a", reject={"enum": ["x", "y", None]})']
    assert proposal.complete


def test_what_nothing_can_turn_into_the_other_is_listed() -> None:
    proposal = propose(state(a=str), state(a=create_model("Money", amount=(int, ...), currency=(str, ...))))
    assert proposal.missing == ("state.a",)
    assert "nothing turns string into Money by itself" in proposal.reasons["state.a"]


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        (
            {"type": "string", "contentEncoding": "base64"},
            {"type": "string", "contentEncoding": "base64url"},
            "S43 encoding: write a transform that reads the old encoding and writes the new one",
        ),
        (
            {"type": "string", "format": "email"},
            {"type": "string", "format": "uuid"},
            "S42 format: nothing turns email into uuid by itself; write a transform",
        ),
    ],
)
def test_what_only_a_function_can_do_is_listed_with_that_advice(
    old: dict[str, Any], new: dict[str, Any], advice: str
) -> None:
    def holding(field: dict[str, Any]) -> Snapshot:
        return Snapshot.from_json_schema({"type": "object", "properties": {"a": field}, "required": ["a"]})

    proposal = propose(holding(old), holding(new))
    assert proposal.operations == ()
    assert advice in proposal.reasons["state.a"]


def test_a_computed_field_that_stays_is_no_leftover() -> None:
    class Before(BaseModel):
        a: int

        @computed_field
        def twice(self) -> int:
            return 2 * self.a

    class After(BaseModel):
        a: int
        b: int = 0

        @computed_field
        def twice(self) -> int:
            return 2 * self.a

    proposal = propose(capture(Workflow("w", Before)), capture(Workflow("w", After)))
    assert script(proposal) == ['op.add_field("state.b", default=0)']
    assert proposal.complete


def test_a_computed_field_that_is_gone_is_taken_out_of_stored_documents() -> None:
    class Before(BaseModel):
        a: int

        @computed_field
        def twice(self) -> int:
            return 2 * self.a

    proposal = propose(capture(Workflow("w", Before)), state(a=int))
    assert script(proposal) == ['op.remove_field("state.twice")']
    assert proposal.complete


def test_the_base_needs_nothing() -> None:
    proposal = propose(Snapshot.empty("w"), state(a=str))
    assert (proposal.operations, proposal.complete) == ((), True)


# -- steps ---------------------------------------------------------------------------------------------------------------


def chain(*names: str) -> Snapshot:
    return flow(*(Step(a, next=b) for a, b in zip(names, (*names[1:], None), strict=True)))


def test_a_run_on_a_removed_step_goes_on_and_somebody_is_told() -> None:
    proposal = propose(chain("a", "check", "c"), chain("a", "c"))
    assert script(proposal) == ['op.remove_step("check", cursor=op.forward("c"))']
    assert proposal.assumed == (("steps.check", 'op.forward("c")'),)
    assert proposal.complete


def test_a_run_on_a_removed_question_is_held() -> None:
    old = flow(Step("a", next="ask"), Step("ask", kind="human", next="c"), Step("c"))
    assert script(propose(old, chain("a", "c"))) == ['op.remove_step("ask", cursor=op.hold())']


def test_a_run_on_a_removed_choice_is_held() -> None:
    old = flow(Step("a", next="choose"), Step("choose", next=["c", "d"]), Step("c"), Step("d"))
    new = flow(Step("a", next=["c", "d"]), Step("c"), Step("d"))
    assert script(propose(old, new)) == ['op.remove_step("choose", cursor=op.hold())']


def test_two_removed_steps_in_a_row_lead_to_the_one_behind_them() -> None:
    proposal = propose(chain("a", "b", "c", "d"), chain("a", "d"))
    assert script(proposal) == [
        'op.remove_step("b", cursor=op.forward("d"))',
        'op.remove_step("c", cursor=op.forward("d"))',
    ]


def test_a_step_renamed_and_one_that_led_to_it_removed() -> None:
    proposal = propose(chain("a", "check", "send"), chain("a", "post"), {"send": "post"})
    assert script(proposal) == [
        'op.rename_step("send", to="post")',
        'op.remove_step("check", cursor=op.forward("post"))',
    ]


def test_a_run_that_was_before_a_new_step_does_not_skip_it() -> None:
    proposal = propose(chain("a", "old", "c"), chain("a", "brandnew", "c"), {"old": None})
    assert script(proposal) == [
        'op.add_step("brandnew", after="a", down=op.forward("c"))',
        'op.remove_step("old", cursor=op.forward("brandnew"))',
    ]


def test_an_added_step_whose_output_is_read_later_is_given_one() -> None:
    class Label(BaseModel):
        label: str

    old = flow(Step("a", next="c"), Step("c"))
    new = flow(Step("a", next="b"), Step("b", output=Label, next="c"), Step("c", reads=["outputs.b.label"]))
    proposal = propose(old, new)
    assert script(proposal) == [
        'op.add_step("b", after="a", passed=op.backfill({"label": ""}), down=op.forward("c"))'
    ]
    assert proposal.assumed == (("steps.b", {"label": ""}),)
    assert proposal.complete


def test_an_answer_is_never_made_up() -> None:
    class Answer(BaseModel):
        good: bool

    old = flow(Step("a", next="c"), Step("c"))
    new = flow(
        Step("a", next="ask"),
        Step("ask", kind="human", output=Answer, next="c"),
        Step("c", reads=["outputs.ask.good"]),
    )
    proposal = propose(old, new)
    assert script(proposal) == ['op.add_step("ask", after="a")']
    assert proposal.missing == ("steps.ask",)


def test_a_field_of_an_output_is_renamed_before_its_step() -> None:
    old = flow(Step("draft", output=create_model("Draft", body=(str, ...))))
    new = flow(Step("write", output=create_model("Draft", prose=(str, ...))))
    proposal = propose(old, new, {"draft": "write", "outputs.draft.body": "prose"})
    assert script(proposal) == [
        'op.rename_field("outputs.draft.body", to="prose")',
        'op.rename_step("draft", to="write")',
    ]
    assert proposal.complete


def test_steps_in_another_order_are_one_operation() -> None:
    proposal = propose(chain("a", "b", "c", "d"), chain("c", "a", "b", "d"))
    assert script(proposal) == ['op.reorder_steps(["c", "a", "b"])']
    assert proposal.steps[0].note is not None
    assert proposal.steps[0].note.startswith("to decide: cursor=")
    assert proposal.complete


def test_steps_that_change_places_with_others_on_two_ways_are_listed() -> None:
    old = flow(Step("a", next=["b", "c"]), Step("b", next="d"), Step("c", next="d"), Step("d"))
    new = flow(Step("d", next="a"), Step("a", next=["b", "c"]), Step("b"), Step("c"))
    proposal = propose(old, new)
    assert not proposal.complete
    assert "skip one of them or do it twice" in proposal.reasons["steps.b"]


def test_another_choice_of_edges_needs_nothing() -> None:
    old = flow(Step("a", next=["b", "c"]), Step("b", next="c"), Step("c"))
    new = flow(Step("a", next="b"), Step("b", next="c"), Step("c"))
    proposal = propose(old, new)
    assert (proposal.operations, proposal.complete) == ((), True)


def test_a_prompt_only_change_needs_nothing() -> None:
    proposal = propose(flow(Step("a", prompt="x")), flow(Step("a", prompt="y")))
    assert (proposal.operations, proposal.complete, proposal.changes.change_class) == ((), True, "prompt")


def test_what_was_frozen_is_compared_like_what_was_captured() -> None:
    """The order of the fields is evidence for a rename, and the file keeps it."""
    old = state(zulu=str, summary=str, alpha=int, kind=Literal["a"])
    new = state(zulu=str, digest=str, alpha=int, kind=Literal["a"], level=Literal["low"])
    file = Frozen.freeze(
        revision="a1",
        down_revisions=(),
        workflow="w",
        version=1,
        script_digest="5c",
        below=[],
        snapshot=old.to_dict(),
    ).to_bytes()
    frozen = Snapshot.from_dict(Frozen.from_bytes(file, "a1.json").snapshot)
    assert propose(frozen, new).questions == propose(old, new).questions
    assert [old for old, _ in propose(frozen, new).questions] == ["state.summary"]
