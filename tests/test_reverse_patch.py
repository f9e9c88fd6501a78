import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from statemig import json_text
from statemig.reverse_patch import reverse_patch

KEYS = st.sampled_from(["a", "b", "~", "/", "~1", "", "0", "-"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, -0.0, 0.0, "a", "b", 2**70])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_the_patch_gives_back_exactly_the_value_before(before, after):
    patch = reverse_patch(before, after)

    assert json_text.equal(jsonpatch.apply_patch(after, patch), before)


def test_what_is_the_same_is_not_named():
    same = {"long": ["list"] * 50, "object": {"a": {"b": 1}}}

    patch = reverse_patch(
        {**same, "old": 1, "kept": {"x": 1, "y": 1}}, {**same, "new": 2, "kept": {"x": 1, "y": True}}
    )

    assert patch == [
        {"op": "remove", "path": "/new"},
        {"op": "add", "path": "/old", "value": 1},
        {"op": "replace", "path": "/kept/y", "value": 1},
    ]


def test_another_order_of_keys_is_no_difference():
    assert reverse_patch({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}) == []


def test_an_item_taken_out_of_a_list_is_one_operation():
    items = [{"number": number} for number in range(20)]

    assert reverse_patch({"list": items}, {"list": [*items[:7], *items[8:]]}) == [
        {"op": "add", "path": "/list/7", "value": {"number": 7}}
    ]
    assert reverse_patch({"list": [*items[:7], *items[8:]]}, {"list": items}) == [
        {"op": "remove", "path": "/list/7"}
    ]


def test_a_value_nested_too_deeply_has_no_patch():
    deep: list[object] = []
    other: list[object] = [1]
    for _ in range(100_000):
        deep, other = [deep], [other]

    assert reverse_patch({"a": deep}, {"a": other}) is None
