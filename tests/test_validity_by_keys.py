"""Where the keys of a state alone decide whether it is valid, its values are not looked at, and the verdict is the validator's."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig.errors import InvalidStateError
from statemig.shapes.validator import Validator
from statemig.validity import Validity
from statemig.workflow.snapshot import Snapshot
from statemig.workflow.unchecked import Unchecked

DECLARED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}, "d": {"type": "integer"}},
    "required": ["a", "d"],
    "additionalProperties": False,
}
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=2), st.lists(st.integers(), max_size=2))


def verdicts(snapshot: Snapshot, state: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the state is valid, and whether the validator says so."""
    document = {"status": "active", "state": state, "cursor": []}
    expected = Validator(snapshot.held).problems({"state": state}) == []
    try:
        Validity("w", lambda revision: snapshot).require_stored(document, "r0")
    except InvalidStateError:
        return False, expected
    return True, expected


def test_the_verdict_is_the_validators() -> None:
    met: Counter[bool] = Counter()

    @given(
        state=st.dictionaries(st.sampled_from("abcde"), VALUES),
        unchecked=st.sets(st.sampled_from("abd")),
    )
    def check(state: dict[str, Any], unchecked: set[str]) -> None:
        snapshot = replace(
            Snapshot.from_json_schema(DECLARED), unchecked=tuple(map(Unchecked, sorted(unchecked)))
        )
        found, expected = verdicts(snapshot, state)
        met[found] += 1
        assert found is expected

    check()
    assert met[True], met
    assert met[False], met


@pytest.mark.parametrize("state", [{}, {"a": object()}, {"a": [object()], "c": object(), "d": 1}])
def test_values_that_may_be_anything_need_not_be_json(state: dict[str, Any]) -> None:
    snapshot = replace(Snapshot.from_json_schema(DECLARED), unchecked=tuple(map(Unchecked, "abcd")))
    document = {"status": "active", "state": state, "cursor": []}
    Validity("w", lambda revision: snapshot).require_stored(document, "r0")
