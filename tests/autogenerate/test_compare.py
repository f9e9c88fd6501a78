"""One change of a model, one rule."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Le, MaxLen
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model

from statemig.autogenerate.compare import diff
from statemig.errors import OperationError
from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Bird(BaseModel):
    kind: Literal["bird"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Pets = Annotated[Cat | Dog | Bird, Field(discriminator="kind")]


def state(base: type[BaseModel] | None = None, **fields: Any) -> Snapshot:
    """A snapshot whose state has these fields; a bare type is a required one."""
    made = {key: field if isinstance(field, tuple) else (field, ...) for key, field in fields.items()}
    return capture(Workflow("w", create_model("State", __base__=base, **made)))


def rules(old: Snapshot, new: Snapshot, **renames: str) -> list[tuple[str, str]]:
    return [
        (change.rule, change.path) for change in diff(old, new, {f"state.{k}": v for k, v in renames.items()})
    ]


FIELD_CHANGES: list[tuple[str, Any, Any]] = [
    ("S03", (str, "a"), (str, "b")),
    ("S11", str, (str, "x")),
    ("S09", (str, "x"), str),
    ("S24", str, str | None),
    ("S25", str | None, str),
    ("S26", int, float),
    ("S27", float, int),
    ("S28", int, str),
    ("S28", bool, dict[str, str]),
    ("S29", str, list[str]),
    ("S29", list[str], str),
    ("S31", Literal["a"], Literal["a", "b"]),
    ("S32", Literal["a", "b", "c"], Literal["a"]),
    ("S33", Literal["low", "high"], Literal["LOW", "HIGH"]),
    ("S34", str, Literal["a", "b"]),
    ("S35", Literal["a", "b"], str),
    ("S36", Literal["a"], Literal["b"]),
    ("S22", str, str | int),
    ("S22", str, Any),
    ("S23", str | int, str),
    ("S23", Any, str),
    ("S37", Annotated[int, Ge(1)], int),
    ("S37", Annotated[int, Le(5)], Annotated[int, Le(9)]),
    ("S38", int, Annotated[int, Ge(1)]),
    ("S38", Annotated[int, Le(9)], Annotated[int, Le(5)]),
    ("S40", str, Annotated[str, MaxLen(5)]),
    ("S41", str, Annotated[str, Field(pattern="^a+$")]),
    ("S45", list[str], Annotated[list[str], MaxLen(5)]),
    ("S46", list[str], set[str]),
    ("S47", tuple[str, int], tuple[str, int, int]),
    ("S48", tuple[str, str], list[str]),
    ("S49", int | list[int], int | list[int] | dict[str, int]),
    ("S51", Pet, Pets),
    ("S54", Pet, Cat | Dog),
    ("S53", Cat | Dog, Pet),
    ("S55", Cat, Pet),
]


@pytest.mark.parametrize(("rule", "old", "new"), FIELD_CHANGES)
def test_a_changed_field_falls_under_one_rule(rule: str, old: Any, new: Any) -> None:
    assert rules(state(a=old, b=int), state(a=new, b=int)) == [(rule, "state.a")]


@pytest.mark.parametrize(
    ("rule", "old", "new", "path"),
    [
        ("S26", list[int], list[float], "state.a[]"),
        ("S26", dict[str, int], dict[str, float], "state.a{}"),
        ("S26", tuple[str, int], tuple[str, float], "state.a[1]"),
        ("S26", list[dict[str, int]], list[dict[str, float]], "state.a[]{}"),
        ("S31", dict[str, Literal["x"]] | None, dict[str, Literal["x", "y"]] | None, "state.a{}"),
        ("S26", str | list[int], str | list[float], "state.a[]"),
    ],
)
def test_what_changed_inside_is_reported_inside(rule: str, old: Any, new: Any, path: str) -> None:
    assert rules(state(a=old), state(a=new)) == [(rule, path)]


@pytest.mark.parametrize(
    ("rule", "base", "field", "change_class"),
    [
        ("S04", None, (int, 3), "additive"),
        ("S06", None, int, "breaking"),
    ],
)
def test_added_fields(rule: str, base: Any, field: Any, change_class: str) -> None:
    changes = diff(state(a=str), state(a=str, b=field))
    assert [(c.rule, c.path, c.old, c.new) for c in changes] == [(rule, "state.b", None, "integer")]
    assert changes.change_class == change_class


@pytest.mark.parametrize(
    ("rule", "base", "change_class"),
    [("S07", None, "breaking"), ("S08", Strict, "breaking"), ("S07", Open, "additive")],
)
def test_removed_fields(rule: str, base: Any, change_class: str) -> None:
    changes = diff(state(base, a=str, b=int), state(base, a=str))
    assert [(c.rule, c.path) for c in changes] == [(rule, "state.b")]
    assert changes.change_class == change_class


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [("S16", Strict, None), ("S17", None, Strict), ("S18", Open, None), ("S16", None, Open)],
)
def test_extra_keys(rule: str, old: Any, new: Any) -> None:
    assert rules(state(old, a=str), state(new, a=str)) == [(rule, "state")]


def test_a_rename_somebody_settled() -> None:
    assert rules(state(a=str), state(zebra=str), a="zebra") == [("S12", "state.a")]


def test_a_rename_may_be_given_in_full() -> None:
    assert rules(state(a=str), state(zebra=str), a="state.zebra") == [("S12", "state.a")]


def test_a_renamed_field_that_changed_its_type_is_two_changes() -> None:
    found = rules(state(a=str), state(zebra=list[str]), a="zebra")
    assert found == [("S12", "state.a"), ("S29", "state.a")]


def test_another_alias_is_no_guess() -> None:
    old = state(a=(str, Field(alias="subject")))
    new = state(a=(str, Field(alias="Betreff")))
    assert rules(old, new) == [("S13", "state.subject")]


def test_an_alias_choice_that_names_the_old_key_is_no_guess() -> None:
    old = state(a=str)
    new = state(b=(str, Field(validation_alias=AliasChoices("b", "a"))))
    assert ("S12", "state.a") in rules(old, new)
    assert diff(old, new).renames == (("state.a", "state.b", 1.0),)


def test_a_field_that_moved_into_another_object() -> None:
    meta = create_model("Meta", source=(str, ...))
    more = create_model("Meta", source=(str, ...), reviewer=(str, ...))
    old, new = state(meta=meta, reviewer=str), state(meta=more)
    assert [(c.rule, c.old, c.new) for c in diff(old, new)] == [
        ("S14", "state.reviewer", "state.meta.reviewer")
    ]


def test_a_name_that_says_only_a_role_is_no_evidence_of_a_move() -> None:
    meta = create_model("Meta", source=(str, ...))
    more = create_model("Meta", source=(str, ...), id=(str, ...))
    assert "S14" not in {rule for rule, _ in rules(state(meta=meta, id=str), state(meta=more))}


def test_two_unrelated_objects_with_a_field_of_the_same_name_are_no_move() -> None:
    song, book = (
        create_model("Song", title=(str, ...), bars=(int, ...)),
        create_model("Book", title=(str, ...)),
    )
    found = rules(state(a=int, song=song), state(a=int, library=list[book], volume=(book | None, None)))
    assert "S14" not in {rule for rule, _ in found}


def test_a_definition_used_twice_is_compared_once() -> None:
    old = create_model("Item", a=(int, ...))
    new = create_model("Item", a=(float, ...))
    assert rules(state(x=old, y=list[old]), state(x=new, y=list[new])) == [("S26", "<Item>.a")]


def test_a_definition_used_once_has_a_plain_path() -> None:
    old = create_model("Item", a=(int, ...))
    new = create_model("Item", a=(float, ...))
    assert rules(state(y=list[old]), state(y=list[new])) == [("S26", "state.y[].a")]


def test_a_definition_that_became_two_is_compared_at_each_use() -> None:
    old = create_model("Item", a=(int, ...))
    new = create_model("Item", a=(float, ...))
    found = rules(state(x=old, y=old), state(x=new, y=old))
    assert [change for change in found if change[0] != "S02"] == [("S26", "state.x.a")]


def test_a_variant_of_a_tagged_union_is_named_by_its_tag() -> None:
    class Cat2(BaseModel):
        kind: Literal["cat"]
        lives: float = 9

    new = Annotated[Cat2 | Dog, Field(discriminator="kind")]
    assert rules(state(a=list[Pet]), state(a=list[new])) == [("S26", "state.a[]<kind=cat>.lives")]


def test_a_variant_that_is_gone_is_named_by_its_tag() -> None:
    assert rules(state(a=Pets), state(a=Pet)) == [("S51", "state.a<kind=bird>")]


def test_a_variant_with_another_tag_value_is_renamed_and_nothing_else() -> None:
    hound = create_model("Dog", kind=(Literal["hound"], ...))
    new = Annotated[Cat | hound, Field(discriminator="kind")]
    assert rules(state(a=Pet), state(a=new)) == [("S52", "state.a<kind=dog>")]


def test_a_class_with_another_name_and_a_docstring_change_nothing() -> None:
    class Old(BaseModel):
        """One."""

        a: str

    class New(BaseModel):
        """Two."""

        a: str

    assert diff(state(x=Old), state(x=New)).change_class == "none"


def test_the_order_of_an_enum_changes_nothing() -> None:
    assert not rules(state(a=Literal["a", "b"]), state(a=Literal["b", "a"]))


def test_the_base_has_no_runs_to_break() -> None:
    changes = diff(Snapshot.empty("w"), state(a=str))
    assert changes.change_class == "additive"


def test_a_rename_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(OperationError) as caught:
        diff(state(a=str), state(b=str), {"state.c": "b"})
    assert str(caught.value) == (
        "the old definition has no field or step state.c to rename. Write the old path in full: state.summary, "
        "state.items[].name, outputs.draft.text, or a step's name"
    )
    assert caught.value.problems == ("state.c",)


# -- steps ---------------------------------------------------------------------------------------------------------------


class Empty(BaseModel):
    pass


def flow(*steps: Step) -> Snapshot:
    return capture(Workflow("w", Empty, steps))


def chain(*names: str) -> Snapshot:
    return flow(*(Step(a, next=b) for a, b in zip(names, (*names[1:], None), strict=True)))


def test_a_step_removed() -> None:
    assert rules(chain("a", "b", "c"), chain("a", "c")) == [("W04", "steps.b")]


def test_a_step_added() -> None:
    assert rules(chain("a", "c"), chain("a", "b", "c")) == [("W03", "steps.b")]


def test_a_step_renamed_by_a_person() -> None:
    changes = diff(chain("a", "approve", "c"), chain("a", "review", "c"), {"approve": "review"})
    assert [(c.rule, c.old, c.new) for c in changes] == [("W04", "steps.approve", "steps.review")]


def test_a_step_that_may_have_been_renamed_is_a_question() -> None:
    changes = diff(chain("a", "approve", "c"), chain("a", "review", "c"))
    assert [old for old, _ in changes.questions] == ["steps.approve"]


def test_a_step_with_nearly_the_same_name_is_renamed_without_asking() -> None:
    changes = diff(chain("a", "send_mail", "c"), chain("a", "sendmail", "c"))
    assert [(c.rule, c.new) for c in changes] == [("W04", "steps.sendmail")]


def test_steps_in_another_order() -> None:
    changes = diff(chain("a", "b", "c"), chain("b", "a", "c"))
    assert [(c.rule, c.path, c.direction) for c in changes] == [
        ("W05", "steps.a", "order"),
        ("W05", "steps.b", "edges"),
    ]


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("W05", Step("a", next=["b", "c"]), Step("a", next="b")),
        ("W11", Step("a", next="b"), Step("a", kind="human", next="b")),
        ("W08", Step("a", next="b", interrupts=["x"]), Step("a", next="b", interrupts=["y", "x"])),
        ("W01", Step("a", next="b", prompt="x"), Step("a", next="b", prompt="y")),
        ("W01", Step("a", next="b", model="small"), Step("a", next="b", model="large")),
        ("W10", Step("a", next="b"), Step("a", next="b", tools=["search"])),
        ("W06", Step("a", kind="human", next="b", tools=["x"]), Step("a", kind="human", next="b")),
    ],
)
def test_a_changed_step_falls_under_one_rule(rule: str, old: Step, new: Step) -> None:
    found = rules(flow(old, Step("b", next="c"), Step("c")), flow(new, Step("b", next="c"), Step("c")))
    assert [name for name, _ in found] == [rule]


def test_a_join_with_another_branch() -> None:
    def joined(*names: str) -> Snapshot:
        branches = [Step(name, next="join") for name in ("a", "b")]
        return flow(Step("start", fork=["a", "b"]), *branches, Step("join", joins=names))

    assert rules(joined("a"), joined("a", "b")) == [("W07", "steps.join")]


def test_a_prompt_only_change_is_of_that_class() -> None:
    changes = diff(flow(Step("a", prompt="x")), flow(Step("a", prompt="y")))
    assert changes.change_class == "prompt"


@pytest.mark.parametrize(
    "new", ["digst", "state.digst", "state.meta.digest", "state.labels.digest", "<State>.digst"]
)
def test_a_rename_to_what_is_not_there_is_an_error(new: str) -> None:
    old, now = state(summary=(str, ...)), state(digest=(str, ...), labels=(list[str], ...))
    with pytest.raises(OperationError) as raised:
        diff(old, now, {"state.summary": new})
    assert str(raised.value).startswith(
        f"the new definition has no such field or step: state.summary to {new}. Write the new name"
    )
    assert raised.value.problems == ("state.summary",)


@pytest.mark.parametrize("old", ["approve", "steps.approve"])
def test_a_step_renamed_to_what_is_not_there_is_an_error(old: str) -> None:
    with pytest.raises(OperationError, match="no such field or step: " + old + " to reveiw"):
        diff(flow(Step("approve")), flow(Step("review")), {old: "reveiw"})


def test_a_question_about_a_definition_takes_its_own_suggestion_for_an_answer() -> None:
    class Old(BaseModel):
        label: str
        children: list[Old] = []

    class New(BaseModel):
        name: str
        children: list[New] = []

    old, new = state(tree=Old), state(tree=New)
    [(path, [(suggested, _)])] = diff(old, new).questions
    assert (path, suggested) == ("<Old>.label", "<Old>.name")
    changes = diff(old, new, {path: suggested})
    assert [(change.rule, change.path, change.new) for change in changes] == [
        ("S12", "<Old>.label", "<Old>.name")
    ]
