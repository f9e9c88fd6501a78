"""The graph of revisions, built in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig.errors import (
    AmbiguousRevisionError,
    MissingRevisionError,
    MultipleHeadsError,
    RevisionError,
    UnknownRevisionError,
)
from statemig.revisions.graph import Graph


@dataclass(frozen=True)
class Node:
    revision: str
    down_revisions: tuple[str, ...] = ()


def graph(text: str, **options: str) -> Graph[Node]:
    """``"a; b<a; m<a,b"``: each id with what it follows."""
    nodes = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, below = part.partition("<")
        nodes.append(Node(name.strip(), tuple(filter(None, (b.strip() for b in below.split(","))))))
    return Graph(nodes, **options)


LINE = "a1; b2<a1; c3<b2; d4<c3"
DIAMOND = "a1; b2<a1; c3<a1; m4<b2,c3; n5<m4"
FORK = "a1; b2<a1; c3<b2; d4<b2"


# -- what is there


def test_an_empty_graph_has_no_head_and_resolves_head_to_the_base() -> None:
    empty = graph("")
    assert (len(empty), empty.heads, empty.head, empty.resolve("head"), empty.path(None, None)) == (
        0,
        (),
        None,
        None,
        [],
    )


def test_order_does_not_depend_on_the_order_of_listing() -> None:
    nodes = list(graph(DIAMOND))
    assert Graph(reversed(nodes)).order == Graph(nodes).order == ("a1", "b2", "c3", "m4", "n5")


def test_version_is_the_longest_path_from_the_base() -> None:
    uneven = graph("a1; b2<a1; c3<b2; x9<a1; m4<c3,x9")
    assert {node.revision: uneven.version(node.revision) for node in uneven} == {
        "a1": 1,
        "b2": 2,
        "x9": 2,
        "c3": 3,
        "m4": 4,
    }
    assert uneven.version(None) == 0


def test_a_merge_would_take_the_maximum_plus_one() -> None:
    uneven = graph("a1; b2<a1; c3<b2; x9<a1")
    assert uneven.next_version(("c3", "x9")) == 4
    assert uneven.next_version(()) == 1


def test_several_heads_are_listed() -> None:
    with pytest.raises(MultipleHeadsError) as raised:
        _ = graph(FORK, workflow="triage").head
    assert str(raised.value) == (
        "workflow triage: there are 2 heads: c3, d4. "
        "Name one of them, or put yours behind the other with `statemig rebase`."
    )


def test_several_bases_are_allowed() -> None:
    assert graph("a1; x1; m2<a1,x1").bases == ("a1", "x1")


def test_descendants_come_in_order() -> None:
    assert graph(DIAMOND).descendants("a1") == ("b2", "c3", "m4", "n5")


def test_children_of_the_base_are_the_bases() -> None:
    assert graph(DIAMOND).children(None) == ("a1",)
    assert graph(DIAMOND).children("a1") == ("b2", "c3")


def test_the_same_id_twice_is_refused() -> None:
    with pytest.raises(RevisionError, match=r"^revision a1: two revisions have this id. Give one of them"):
        graph("a1; a1")


@pytest.mark.parametrize("name", ["head", "base", "heads", "current", "a-1", "", "a:b", "é1"])
def test_an_id_that_could_not_be_typed_is_refused(name: str) -> None:
    with pytest.raises(RevisionError, match=r"cannot be the id of a revision. Use letters"):
        Graph([Node(name)])


def test_a_missing_revision_is_named_with_the_one_that_wants_it() -> None:
    with pytest.raises(MissingRevisionError) as raised:
        graph("b2<a1", workflow="triage")
    assert str(raised.value) == (
        "workflow triage, revision b2: it follows revision a1, which is not there. "
        "Bring the script of a1 back, or correct down_revision."
    )


def test_a_circle_is_named() -> None:
    with pytest.raises(RevisionError, match=r"in a circle: (a1 -> b2 -> a1|b2 -> a1 -> b2)\. Correct"):
        graph("a1<b2; b2<a1")


# -- paths


def test_path_along_a_line() -> None:
    assert graph(LINE).path("a1", "d4") == ["b2", "c3", "d4"]


def test_path_from_the_base_holds_everything_below() -> None:
    assert graph(DIAMOND).path(None, "m4") == ["a1", "b2", "c3", "m4"]


def test_path_over_a_merge_includes_the_other_branch() -> None:
    assert graph(DIAMOND).path("b2", "m4") == ["c3", "m4"]


def test_path_downwards_is_empty() -> None:
    assert graph(LINE).path("d4", "b2") == []
    assert graph(LINE).path("d4", None) == []


def test_path_names_an_unknown_end() -> None:
    with pytest.raises(UnknownRevisionError):
        graph(LINE).path("zz", "d4")
    with pytest.raises(UnknownRevisionError):
        graph(LINE).path("a1", "zz")


@st.composite
def graphs(draw: st.DrawFn) -> Graph[Node]:
    size = draw(st.integers(1, 14))
    nodes = []
    for number in range(size):
        below = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        nodes.append(Node(f"r{number:02}", tuple(f"r{below_number:02}" for below_number in sorted(below))))
    return Graph(draw(st.permutations(nodes)))


def slow_ancestors(it: Graph[Node], name: str | None) -> set[str]:
    if name is None:
        return set()
    found = {name}
    for below in it[name].down_revisions:
        found |= slow_ancestors(it, below)
    return found


@given(st.data())
def test_a_path_is_what_the_upper_end_stands_on_and_the_lower_does_not(data: st.DataObject) -> None:
    it = data.draw(graphs())
    ends = st.sampled_from([None, *it.order])
    lower, upper = data.draw(ends), data.draw(ends)
    path = it.path(lower, upper)
    assert set(path) == slow_ancestors(it, upper) - slow_ancestors(it, lower)
    assert len(path) == len(set(path))


@given(st.data())
def test_a_path_never_applies_a_revision_before_one_that_it_follows(data: st.DataObject) -> None:
    it = data.draw(graphs())
    ends = st.sampled_from([None, *it.order])
    path = it.path(data.draw(ends), data.draw(ends))
    for place, name in enumerate(path):
        assert not set(it[name].down_revisions) & set(path[place:])


@given(st.data())
def test_a_path_through_an_ancestor_is_two_paths(data: st.DataObject) -> None:
    it = data.draw(graphs())
    upper = data.draw(st.sampled_from(it.order))
    middle = data.draw(st.sampled_from(sorted(it.ancestors(upper))))
    lower = data.draw(st.sampled_from([None, *sorted(it.ancestors(middle))]))
    assert set(it.path(lower, middle)) | set(it.path(middle, upper)) == set(it.path(lower, upper))
    assert len(it.path(lower, middle)) + len(it.path(middle, upper)) == len(it.path(lower, upper))


@given(graphs())
def test_versions_grow_along_every_edge_by_one_from_the_highest_below(it: Graph[Node]) -> None:
    for node in it:
        assert it.version(node.revision) == it.next_version(node.down_revisions)


@given(graphs())
def test_descendants_and_ancestors_are_mirror_images(it: Graph[Node]) -> None:
    for name in it.order:
        assert set(it.descendants(name)) == {other for other in it.order if name in it.ancestors(other)} - {
            name
        }


# -- what people type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5f2c9a71b0de", "5f2c9a71b0de"),
        ("5f2c", "5f2c9a71b0de"),
        ("5F2C", "5f2c9a71b0de"),
        ("head", "9c00aa11bb22"),
        ("heads", "9c00aa11bb22"),
        ("HEAD", "9c00aa11bb22"),
        (" head ", "9c00aa11bb22"),
        ("base", None),
        ("head-2", "11aa22bb33cc"),
        ("head-3", None),
        ("11aa+1", "5f2c9a71b0de"),
        ("base+1", "11aa22bb33cc"),
        ("-1", "5f2c9a71b0de"),
        ("current", "9c00aa11bb22"),
    ],
)
def test_resolve(text: str, expected: str | None) -> None:
    line = graph("11aa22bb33cc; 5f2c9a71b0de<11aa22bb33cc; 9c00aa11bb22<5f2c9a71b0de")
    assert line.resolve(text) == expected


@pytest.mark.parametrize(
    ("text", "current", "expected"),
    [
        ("+1", "a1", "b2"),
        ("+2", None, "b2"),
        ("-2", "d4", "b2"),
        ("-1", "a1", None),
        ("current+1", "b2", "c3"),
    ],
)
def test_relative_steps_start_where_one_stands(text: str, current: str | None, expected: str | None) -> None:
    assert graph(LINE).resolve(text, current=current) == expected


def test_an_id_that_begins_another_one_is_still_that_id() -> None:
    it = graph("a1; a1b<a1")
    assert it.resolve("a1") == "a1"
    assert it.resolve("A1") == "a1"


def test_ids_that_differ_in_case_only_are_told_apart_when_typed_exactly() -> None:
    it = graph("a1; A1<a1")
    assert it.resolve("A1") == "A1"
    assert it.resolve("a1") == "a1"


def test_an_ambiguous_id_lists_the_candidates() -> None:
    with pytest.raises(AmbiguousRevisionError) as raised:
        graph("5f2a; 5f2b<5f2a; 6000<5f2b", workflow="triage").resolve("5f")
    assert str(raised.value) == "workflow triage: '5f' fits 2 revisions: 5f2a, 5f2b. Type more of the id."


def test_a_long_list_of_candidates_is_cut() -> None:
    it = Graph([Node(f"a{number:02}") for number in range(20)])
    with pytest.raises(AmbiguousRevisionError, match=r"fits 20 revisions: a00, .*, a07 and 12 more\."):
        it.resolve("a")


def test_an_unknown_id_names_the_nearest_and_says_that_a_newer_deploy_may_have_written_it() -> None:
    with pytest.raises(UnknownRevisionError) as raised:
        graph("5f2c9a71b0de", workflow="triage").resolve("5f2c9a71b0dd")
    assert str(raised.value) == (
        "workflow triage: there is no revision '5f2c9a71b0dd' among the 1 known here. Nearest: 5f2c9a71b0de. "
        "`statemig history` lists the known ones. If a newer deploy wrote it, or it was never committed: update this code."
    )


@pytest.mark.parametrize("text", ["", "%", "review_step_slug", "5f2c-", "a1@head"])
def test_what_names_nothing_is_unknown(text: str) -> None:
    with pytest.raises((UnknownRevisionError, AmbiguousRevisionError)):
        graph(LINE).resolve(text)


def test_head_of_a_fork_is_refused_and_heads_gives_both() -> None:
    fork = graph(FORK)
    for text in ("head", "head-1", "heads"):
        with pytest.raises(MultipleHeadsError):
            fork.resolve(text)
    assert fork.resolve_all("heads") == ("c3", "d4")
    assert fork.resolve_all("c3-1") == ("b2",)
    assert fork.resolve_all("base") == ()


def test_a_walk_past_the_end_says_how_far_the_end_is() -> None:
    with pytest.raises(RevisionError, match=r"'b2\+5' goes 5 from b2, and the head is 2 away"):
        graph(LINE).resolve("b2+5")
    with pytest.raises(RevisionError, match=r"'a1-2' goes 2 from a1, and the base is 1 away"):
        graph(LINE).resolve("a1-2")


def test_a_walk_that_meets_a_fork_names_the_branches() -> None:
    with pytest.raises(
        AmbiguousRevisionError, match=r"'b2\+1' meets a fork at b2: c3, d4. Name the revision."
    ):
        graph(FORK).resolve("b2+1")
    with pytest.raises(AmbiguousRevisionError, match=r"'m4-1' meets a fork at m4: b2, c3"):
        graph(DIAMOND).resolve("m4-1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1:c3", ("a1", "c3")),
        ("base:head", (None, "d4")),
        (":", (None, "d4")),
        ("b2:", ("b2", "d4")),
        (":b2", (None, "b2")),
        ("-2:", ("b2", "d4")),
        ("-1:c3", ("b2", "c3")),
        ("a1:+2", ("a1", "c3")),
        ("b2:b2", ("b2", "b2")),
    ],
)
def test_ranges(text: str, expected: tuple[str | None, str | None]) -> None:
    assert graph(LINE).resolve_range(text) == expected


def test_a_range_relative_to_where_one_stands() -> None:
    assert graph(LINE).resolve_range("current:head", current="b2") == ("b2", "d4")
    assert graph(LINE).resolve_range("-2:current", current="c3") == ("a1", "c3")


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(RevisionError, match=r"in 'd4:a1' the left end is above the right one. Swap"):
        graph(LINE).resolve_range("d4:a1")


def test_a_range_is_no_revision_and_a_revision_no_range() -> None:
    with pytest.raises(RevisionError, match=r"'a1:b2' is a range, and one revision is needed"):
        graph(LINE).resolve("a1:b2")
    with pytest.raises(RevisionError, match=r"'a1' is not a range. Write it as FROM:TO"):
        graph(LINE).resolve_range("a1")


@given(st.data())
def test_any_prefix_resolves_to_an_id_that_begins_so_or_is_ambiguous(data: st.DataObject) -> None:
    names = data.draw(st.sets(st.text("0123456789abcdef", min_size=3, max_size=6), min_size=1, max_size=8))
    it = Graph([Node(name) for name in names])
    name = data.draw(st.sampled_from(sorted(names)))
    prefix = name[: data.draw(st.integers(1, len(name)))]
    fits = [other for other in names if other.startswith(prefix)]
    if prefix in names or len(fits) == 1:
        assert it.resolve(prefix.upper()) == (prefix if prefix in names else fits[0])
    else:
        with pytest.raises(AmbiguousRevisionError):
            it.resolve(prefix)


# -- size


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python a call runs, which no other program on the machine changes."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def walk_through_diamonds(count: int) -> None:
    nodes = [Node("r0")]
    for number in range(count):
        top = nodes[-1].revision
        left, right = Node(f"l{number}", (top,)), Node(f"x{number}", (top,))
        nodes += [left, right, Node(f"m{number}", (left.revision, right.revision))]
    it = Graph(nodes)
    assert len(it.path("r0", it.resolve("head"))) == 3 * count


def test_ten_times_the_diamonds_take_about_ten_times_the_work() -> None:
    hundred, thousand = (lines_run(partial(walk_through_diamonds, count)) for count in (100, 1000))
    assert thousand < 15 * hundred  # how long it takes, benchmarks/ measures


def test_a_short_walk_costs_its_length_and_not_that_of_the_chain() -> None:
    it = Graph([Node(f"r{n}", (f"r{n - 1}",) if n else ()) for n in range(5000)])
    looked_at = []
    nodes = it._nodes

    class Counting(dict[str, Node]):
        def __getitem__(self, name: str) -> Node:
            looked_at.append(name)
            return nodes[name]

    it._nodes = Counting(nodes)
    assert len(it.path("r4900", "r4905")) == 5
    assert len(looked_at) < 20
