"""Law 10 round a diamond: both orders of two lines give the same, or their merge is refused."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from operation_chains import STEPS, Version, make_script, random_document, random_schema

from statemig import json_text
from statemig.errors import MigrationError, OperationError, RevisionError
from statemig.migrator import Migrator, Result
from statemig.operations import Operation, Operations
from statemig.revisions.revision import Revision


def script(operations: tuple[Operation, ...]) -> Callable[[Operations], object]:
    return lambda op: [op.record(each) for each in operations]


def diamond(
    version: Version, left: tuple[Operation, ...], right: tuple[Operation, ...], after: tuple[Any, Any]
) -> Migrator:
    return Migrator(
        revisions=[
            Revision("root", snapshot=version.snapshot()),
            Revision("left", "root", upgrade=script(left), snapshot=after[0].snapshot()),
            Revision("right", "root", upgrade=script(right), snapshot=after[1].snapshot()),
            Revision("merge", ("left", "right")),
        ]
    )


def in_a_row(version: Version, *scripts: tuple[tuple[Operation, ...], Version]) -> Migrator:
    revisions = [Revision("r0", snapshot=version.snapshot())]
    for number, (operations, after) in enumerate(scripts, 1):
        snapshot = after.snapshot() if number == 1 else None  # of both scripts together nobody has frozen one
        revisions.append(
            Revision(f"r{number}", f"r{number - 1}", upgrade=script(operations), snapshot=snapshot)
        )
    return Migrator(revisions=revisions)


def without_order(result: Result) -> Any:
    return None if result.error is not None else json_text.canonical(result.document)


def or_refused(act: Callable[[], Result]) -> Result | RevisionError | OperationError:
    try:
        return act()
    except (RevisionError, OperationError) as error:
        return error


@pytest.mark.law(10)
@given(st.integers(0, 2**32), st.integers(1, 2))
def test_both_orders_round_a_diamond_agree_or_the_merge_is_refused(seed: int, length: int) -> None:
    random = Random(seed)
    version = Version(random_schema(random), STEPS[:3])
    (left, after_left), (right, after_right) = (make_script(random, version, 1, length) for _ in range(2))
    document = random_document(version, random)
    migrator = diamond(version, left, right, (after_left, after_right))
    merged = or_refused(lambda: migrator.upgrade(document, "root"))
    if isinstance(merged, RevisionError):
        event("refused")
        assert "the order of what it merges matters: operation " in str(merged)
        assert merged.revision == "merge"
        return
    assert isinstance(merged, Result)
    event("agrees")
    first, second = (left, after_left), (right, after_right)
    orders = [
        or_refused(lambda order=order: in_a_row(version, *order).upgrade(document, "r0"))
        for order in ((first, second), (second, first))
    ]
    # A script that fits the root may be refused on top of the other one, for a value that no document has there any more.
    assume(not any(isinstance(each, OperationError) for each in orders))
    assert without_order(orders[0]) == without_order(orders[1]) == without_order(merged)
    for name in ("left", "right"):
        half = migrator.upgrade(document, "root", to=name)
        if half.error is None and merged.error is None:
            rest = migrator.upgrade(half.document, name)
            assert without_order(rest) == without_order(merged)
        else:
            assert half.error is None or isinstance(half.error, MigrationError)


@pytest.mark.parametrize(
    ("left", "right", "meet"),
    [
        (lambda op: op.rename_field("state.a", to="b"), lambda op: op.remove_field("state.a"), True),
        (lambda op: op.rename_field("state.a", to="b"), lambda op: op.add_field("state.b", default=1), True),
        (lambda op: op.wrap("state.a"), lambda op: op.rename_field("state.a[].x", to="y"), True),
        (
            lambda op: op.move_field("state.a", to="state.box.a"),
            lambda op: op.add_field("state.box.z", default=1),
            True,
        ),
        (lambda op: op.rename_step("ask", to="b"), lambda op: op.remove_step("ask", cursor=op.hold()), True),
        (lambda op: op.rename_step("ask", to="b"), lambda op: op.remove_field("outputs.ask.x"), True),
        (lambda op: op.rename_field("state.a", to="b"), lambda op: op.add_field("state.c", default=1), False),
        (lambda op: op.convert("state.l[].x", to="str"), lambda op: op.wrap("state.l[].y"), False),
        (lambda op: op.rename_step("ask", to="b"), lambda op: op.remove_field("state.x"), False),
        (
            lambda op: op.copy_field("state.a", to="state.b"),
            lambda op: op.copy_field("state.a", to="state.c"),
            False,
        ),
    ],
)
def test_what_meets(left: Any, right: Any, meet: bool) -> None:
    migrator = Migrator(
        revisions=[
            Revision("root"),
            Revision("left", "root", upgrade=left),
            Revision("right", "root", upgrade=right),
            Revision("merge", ("left", "right")),
        ]
    )
    if not meet:
        assert migrator.upgrade({"state": {}}, "root").error is None
        return
    with pytest.raises(RevisionError) as refused:
        migrator.upgrade({"state": {}}, "root")
    assert "of revision left and operation 0 " in str(refused.value)
    assert "statemig rebase" in str(refused.value)
