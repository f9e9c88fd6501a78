"""What operations make of a schema, where it is easy to be wrong: what a reader would still have to accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig.errors import OperationError
from statemig.operations import Operations, schema_after
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Anything,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Null,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
)

Script = Callable[[Operations], object]


def after(script: Script, definitions: dict[str, Shape] | None = None, **state: Shape | Property) -> Schema:
    properties = {key: each if isinstance(each, Property) else Property(each) for key, each in state.items()}
    op = Operations()
    script(op)
    return schema_after(
        Schema(Object({"state": Property(Object(properties))}), definitions or {}), op.recorded
    )


def held(schema: Schema, **state: Any) -> bool:
    return accepts(schema.root, {"state": state}, schema)


OPTIONAL = Property(Integer(), required=False)


def test_a_new_field_is_required_and_of_its_default() -> None:
    schema = after(lambda op: op.add_field("state.n", default=0), a=String())
    assert held(schema, a="x", n=0)
    assert not held(schema, a="x")


def test_a_field_that_may_be_there_keeps_its_shape_beside_the_default() -> None:
    schema = after(lambda op: op.add_field("state.n", default="none"), n=OPTIONAL)
    assert held(schema, n=5)
    assert held(schema, n="none")
    assert not held(schema)


def test_an_extra_key_may_be_renamed_too() -> None:
    free = Object({"a": Property(String())}, extra=Integer())
    schema = after(lambda op: op.rename_field("state.o.b", to="a2"), o=free)
    assert held(schema, o={"a": "x", "a2": 5})


def test_an_extra_key_may_be_the_target_of_a_rename() -> None:
    free = Object({"a": Property(String(), required=False)}, extra=Integer())
    schema = after(lambda op: op.rename_field("state.o.a", to="b"), o=free)
    assert held(schema, o={"b": "was a"})
    assert held(schema, o={"b": 5})


def test_a_map_with_fixed_keys_may_gain_one() -> None:
    schema = after(lambda op: op.add_field("state.m.c", default=0), m=MapOf(String(), Enum(("a", "b"))))
    assert held(schema, m={"a": "x", "c": 0})
    schema = after(lambda op: op.rename_field("state.m.a", to="c"), m=MapOf(String(), Enum(("a", "b"))))
    assert held(schema, m={"c": "x"})


def test_a_slot_behind_the_fixed_ones_is_one_of_the_rest() -> None:
    schema = after(lambda op: op.convert("state.t[2]", to="str"), t=TupleOf((Integer(),), rest=Integer()))
    assert held(schema, t=[1, 2, "3", 4])


def test_a_slot_from_the_end_may_be_any() -> None:
    schema = after(lambda op: op.convert("state.t[-1]", to="str"), t=TupleOf((Integer(),), rest=Integer()))
    assert held(schema, t=["1"])
    assert held(schema, t=[1, 2, "3"])


def tagged(**members: tuple[str, ...]) -> Union:
    objects = tuple(
        Object({"kind": Property(Enum(values)), key: Property(Integer())}) for key, values in members.items()
    )
    mapping = {value: number for number, values in enumerate(members.values()) for value in values}
    return Union(objects, Tag("kind", mapping))


def test_one_variant_changes_and_the_other_does_not() -> None:
    schema = after(lambda op: op.convert("state.u<kind=x>.a", to="str"), u=tagged(a=("x",), b=("y",)))
    assert held(schema, u={"kind": "x", "a": "1"})
    assert not held(schema, u={"kind": "x", "a": 1})
    assert held(schema, u={"kind": "y", "b": 1})


def test_two_tags_of_one_member_part_where_one_changes() -> None:
    schema = after(lambda op: op.convert("state.u<kind=x>.a", to="str"), u=tagged(a=("x", "z"), b=("y",)))
    assert held(schema, u={"kind": "x", "a": "1"})
    assert held(schema, u={"kind": "z", "a": 1})
    assert not held(schema, u={"kind": "x", "a": 1})


def test_tags_whose_values_change_are_read_again() -> None:
    script: Script = lambda op: op.map_values("state.u.kind", {"x": "search", "y": "note"})  # noqa: E731
    schema = after(script, u=tagged(a=("x",), b=("y",)))
    assert held(schema, u={"kind": "search", "a": 1})
    assert not held(schema, u={"kind": "search", "b": 1})


def test_dropping_null_keeps_the_tag_of_an_optional_union() -> None:
    union = tagged(a=("x",), b=("y",))
    optional = Union((*union.members, Null()), union.tag)
    schema = after(lambda op: op.drop_null("state.u", fill={"kind": "x", "a": 0}), u=optional)
    made = schema.resolve(schema.root).properties["state"].shape.properties["u"].shape  # type: ignore[union-attr]
    assert made == union


def test_the_second_member_of_a_plain_union_changes_too() -> None:
    union = Union((String(), Object({"a": Property(Integer())})))
    schema = after(lambda op: op.rename_field("state.u.a", to="b"), u=union)
    assert held(schema, u="text")
    assert held(schema, u={"b": 1})
    assert not held(schema, u={"a": 1})


def test_a_move_that_always_takes_place_leaves_no_place_that_cannot_take_it() -> None:
    schema = after(
        lambda op: op.move_field("state.a", to="state.box.a"), a=Integer(), box=Union((Null(), Object({})))
    )
    assert held(schema, box={"a": 1})
    assert not held(schema, box=None)


def test_anything_stays_anything() -> None:
    schema = after(lambda op: op.rename_field("state.x.y", to="z"), x=Anything())
    assert held(schema, x=[{"y": 1}])


def test_a_recursive_definition_changes_at_every_depth() -> None:
    node = Object({"v": Property(Integer()), "next": Property(Union((Ref("Node"), Null())))}, name="Node")
    schema = after(lambda op: op.convert("<Node>.v", to="str"), {"Node": node}, n=Ref("Node"))
    assert held(schema, n={"v": "1", "next": {"v": "2", "next": None}})
    assert not held(schema, n={"v": "1", "next": {"v": 2, "next": None}})


def test_what_is_put_below_a_definition_is_judged_by_itself() -> None:
    node = Object({"next": Property(Union((Ref("Node"), Null())))}, name="Node")
    schema = after(lambda op: op.drop_null("<Node>.next", fill={"next": None}), {"Node": node}, n=Ref("Node"))
    assert held(schema, n={"next": {"next": None}})


def test_unique_items_may_become_alike() -> None:
    script: Script = lambda op: op.map_values("state.l[]", {1: 3, 2: 3})  # noqa: E731
    schema = after(script, l=ListOf(Enum((1, 2)), unique=True))
    assert held(schema, l=[3, 3])


@pytest.mark.parametrize(
    "script",
    [
        lambda op: op.remove_field("state.tpyo"),
        lambda op: op.rename_field("state.tpyo", to="b"),
        lambda op: op.move_field("state.tpyo", to="state.o.b"),
        lambda op: op.make_optional("state.tpyo"),
        lambda op: op.wrap("state.tpyo"),
        lambda op: op.add_field("state.tpyo.b", default=0),
        lambda op: op.wrap("state.a[]"),
        lambda op: op.wrap("state.o<kind=nope>.a"),
        lambda op: op.wrap("<Nope>.a"),
    ],
)
def test_a_path_to_nothing_is_refused_with_where_to_look(script: Script) -> None:
    with pytest.raises(OperationError) as raised:
        after(script, a=Integer(), o=tagged(a=("x",), b=("y",)))
    assert "this path names nothing in the schema before the operation" in str(raised.value)
    assert "operation 0 " in str(raised.value)
    assert "Compare it with `statemig show` of the revision before" in str(raised.value)
