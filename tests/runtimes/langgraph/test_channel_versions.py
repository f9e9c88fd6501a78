"""The version of what a translation makes comes after all that a checkpoint has, whoever wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from statemig.runtimes.langgraph.long_way.channels import fresh_version


def versions(*given: Any) -> dict[str, Any]:
    named = {f"channel{number}": each for number, each in enumerate(given)}
    return {"id": "1f0f3c7e-8a5b-6d4e-8001-2b3c4d5e6f70", "channel_versions": named}


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ((f"{2:032}.5", f"{11:032}.1", f"{3:032}.9"), 12),
        (("9.5", "10.1", "2.9"), 11),  # of a saver of somebody else, with no zeros in front
        ((f"{11:032}.1", "9.5"), 12),
        (("3", 4), 5),
    ],
)
def test_text_begins_with_the_next_number(given: tuple[Any, ...], number: int) -> None:
    found = fresh_version(versions(*given), "r2")
    assert found.split(".")[0] == f"{number:032}"


@pytest.mark.parametrize(("given", "number"), [((), 1), ((1, 3, 2), 4), ((1.0, 2.0), 3.0)])
def test_numbers_are_counted_on(given: tuple[Any, ...], number: float) -> None:
    assert fresh_version(versions(*given), "r2") == number


def test_text_is_another_for_another_checkpoint_or_revision_and_else_the_same() -> None:
    one = versions(f"{1:032}.5")
    other = {**one, "id": "1f0f3c7e-8a5b-6d4e-8001-2b3c4d5e6f71"}
    assert fresh_version(one, "r2") == fresh_version(one, "r2")
    assert len({fresh_version(one, "r2"), fresh_version(one, "r3"), fresh_version(other, "r2")}) == 3
