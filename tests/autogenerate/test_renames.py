"""Which removed field came back under which name."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig.autogenerate.renames import (
    APPLY,
    ASK,
    Candidate,
    assign,
    match_fields,
    name_similarity,
    settle,
)
from statemig.shapes.shape import Integer, ListOf, Object, Property, Schema, String

NAMES = st.text("abcdefgh_", min_size=1, max_size=12)


def record(**fields: Property) -> Object:
    return Object(fields)


def match(old: Object, new: Object):  # type: ignore[no-untyped-def]
    gone = [key for key in old.properties if key not in new.properties]
    come = [key for key in new.properties if key not in old.properties]
    return match_fields(gone, come, old, new, Schema(old), Schema(new))


TEXT = Property(String())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("user_name", "username"),
        ("userName", "user_name"),
        ("created", "created_at"),
        ("msg", "message"),
        ("tag", "tags"),
        ("summary", "summary_text"),
        ("max_tokens", "max_completion_tokens"),
    ],
)
def test_names_that_say_the_same(old: str, new: str) -> None:
    assert name_similarity(old, new) >= 0.5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("agent_id", "archive_id"),
        ("response_tokens", "cache_read_tokens"),
        ("user_id", "user_name"),
        ("task", "request_state"),
        ("summary", "digest"),
        ("code_interpreter_call", "item_id"),
    ],
)
def test_names_that_share_no_more_than_a_role(old: str, new: str) -> None:
    assert name_similarity(old, new) < 0.45


@given(NAMES, NAMES)
def test_similarity_of_names_is_symmetric_and_within_bounds(a: str, b: str) -> None:
    assert 0.0 <= name_similarity(a, b) <= 1.0
    assert name_similarity(a, b) == pytest.approx(name_similarity(b, a))
    assert name_similarity(a, a) == 1.0


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=width, max_size=width),
            min_size=1,
            max_size=4,
        )
    )
)
def test_the_assignment_is_the_best_of_all(scores: list[list[float]]) -> None:
    reject = 0.4
    rows, columns = len(scores), len(scores[0])

    def worth(pairs: dict[int, int]) -> float:
        return sum(scores[row][pairs[row]] if row in pairs else reject for row in range(rows))

    chosen = assign(scores, reject)
    assert len(set(chosen.values())) == len(chosen)
    assert all(scores[row][column] >= reject for row, column in chosen.items())
    slots = [*range(columns), *[None] * rows]
    best = max(
        worth({row: column for row, column in enumerate(order) if column is not None})
        for order in set(permutations(slots, rows))
        if all(column is None or scores[row][column] >= reject for row, column in enumerate(order))
    )
    assert worth(chosen) == pytest.approx(best)


def test_the_best_pairs_together_beat_the_best_pair() -> None:
    assert assign([[0.9, 0.8], [0.85, 0.0]], 0.4) == {0: 1, 1: 0}


def test_a_row_without_a_good_partner_stays_alone() -> None:
    assert assign([[0.3, 0.39]], 0.4) == {}


def test_an_alias_that_names_the_old_key_is_no_guess() -> None:
    found = match(record(a=TEXT), record(completely_other=Property(Integer(), aliases=("a",))))
    assert found.applied["a"].new == "completely_other"
    assert found.applied["a"].certain


def test_a_key_that_changed_under_an_unchanged_field_is_no_guess() -> None:
    found = match(record(subject=TEXT), record(Betreff=Property(String(), python_name="subject")))
    assert found.applied["subject"].new == "Betreff"


def test_a_likely_rename_is_applied_without_asking() -> None:
    found = match(
        record(topic=TEXT, user_name=TEXT, age=Property(Integer())),
        record(topic=TEXT, username=TEXT, age=Property(Integer())),
    )
    assert found.applied["user_name"].new == "username"
    assert found.applied["user_name"].score >= APPLY


def test_agreement_in_everything_but_the_name_is_a_question() -> None:
    found = match(record(topic=TEXT, agent_id=TEXT), record(topic=TEXT, archive_id=TEXT))
    assert not found.applied
    assert [candidate.new for candidate in found.questions["agent_id"]] == ["archive_id"]
    assert ASK <= found.questions["agent_id"][0].score < APPLY


def test_nothing_in_common_is_no_question() -> None:
    found = match(
        record(a=Property(ListOf(Integer()))), record(verdict=Property(Object({"x": TEXT})), other=TEXT)
    )
    assert not found.applied
    assert not found.questions


def test_two_candidates_close_to_each_other_are_a_question() -> None:
    scores = {("a", "x"): Candidate("x", 0.82, 0.7), ("a", "y"): Candidate("y", 0.8, 0.7)}
    found = settle(["a"], ["x", "y"], scores)
    assert not found.applied
    assert [candidate.new for candidate in found.questions["a"]] == ["x", "y"]
