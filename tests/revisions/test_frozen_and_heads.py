"""The two kinds of file that statemig alone writes: what is frozen, and the heads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig.errors import RevisionError
from statemig.revisions import heads
from statemig.revisions.frozen import Frozen, cumulative, replace_file
from statemig.revisions.heads import Conflict, Head, HeadsFile

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def frozen(**changes: object) -> Frozen:
    given = {
        "revision": "b2",
        "down_revisions": ("a1",),
        "workflow": "triage",
        "version": 2,
        "script_digest": "5c",
        "below": ["aa"],
        "snapshot": {"x": 1},
    }
    return Frozen.freeze(**{**given, **changes})  # type: ignore[arg-type]


# -- frozen


@given(json_values, json_values, st.sampled_from([(), ("a1",), ("a1", "c3")]))
def test_a_frozen_file_reads_back_and_is_written_the_same_again(
    snapshot: object, verdict: object, below: tuple[str, ...]
) -> None:
    it = frozen(snapshot=snapshot, verdict=verdict, down_revisions=below)
    raw = it.to_bytes()
    again = Frozen.from_bytes(raw, "x.json")
    assert again == it
    assert again.to_bytes() == raw
    assert raw.endswith(b"}\n")


@given(json_values, json_values)
def test_a_verdict_changes_no_digest(one: object, other: object) -> None:
    assert frozen(verdict=one).cumulative == frozen(verdict=other).cumulative


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "b3"},
        {"workflow": "refunds"},
        {"version": 3},
        {"script_digest": "5d"},
        {"below": ["ab"]},
        {"below": []},
        {"snapshot": {"x": 1.0}},
        {"snapshot": {"x": True}},
        {"snapshot": None},
    ],
    ids=str,
)
def test_everything_else_is_in_the_cumulative_digest(change: dict[str, object]) -> None:
    assert frozen(**change).cumulative != frozen().cumulative


def test_the_cumulative_digest_is_the_golden_one() -> None:
    assert cumulative(["bb", "aa"], "m4", "triage", 4, "5c", "5d") == "5c596cb174ebcad3e28956b58b294b76"


def test_the_order_of_what_a_merge_follows_does_not_count() -> None:
    assert cumulative(["aa", "bb"], "m", "t", 3, "", "") == cumulative(["bb", "aa"], "m", "t", 3, "", "")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b"<<<<<<< HEAD\n"])
def test_a_file_that_is_none_of_ours_is_named(raw: bytes) -> None:
    with pytest.raises(
        RevisionError, match=r"^snapshots/b2.json is not a frozen snapshot \(.*bring it back from"
    ):
        Frozen.from_bytes(raw, "snapshots/b2.json")


def test_a_newer_format_is_refused_by_its_number() -> None:
    raw = json.dumps({**json.loads(frozen().to_bytes()), "format": 2}).encode()
    with pytest.raises(
        RevisionError, match=r"b2.json has format 2, and this statemig reads format 1\. Install"
    ):
        Frozen.from_bytes(raw, "b2.json")


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


# -- heads

ONE = Head("5f2c9a71b0de", 4, "aa11")
TWO = Head("9c00aa11bb22", 5, "bb22")


def test_a_line_per_head_sorted() -> None:
    assert heads.write([TWO, ONE]) == b"5f2c9a71b0de 4 aa11\n9c00aa11bb22 5 bb22\n"


def test_it_reads_back() -> None:
    assert heads.read(heads.write([TWO, ONE]).decode(), "x") == HeadsFile((ONE, TWO))


def test_an_empty_file_has_no_heads() -> None:
    assert heads.read("", "x") == HeadsFile(())


@pytest.mark.parametrize("middle", ["", "||||||| 1234567\n8b1f0c2d9a34 3 cc33\n"])
def test_both_sides_of_a_conflict(middle: str) -> None:
    text = f"<<<<<<< HEAD\n{ONE}\n{middle}=======\n{TWO}\n>>>>>>> theirs\n"
    assert heads.read(text, "x") == HeadsFile((ONE, TWO), Conflict((ONE,), (TWO,)))


def test_a_line_that_is_no_head_is_named() -> None:
    with pytest.raises(
        RevisionError, match=r"^heads/triage, line 2: this is not a head \(revision, version, digest\)"
    ):
        heads.read(f"{ONE}\nnonsense\n", "heads/triage")
