"""Functions in operations: written down as revision, name and digest, and found again by them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statemig import Operations, Revision
from statemig.errors import OperationError
from statemig.operations import Operation, from_dict
from statemig.revisions.directory import Directory

SCRIPT = '''"""upper case

Revision ID: b2
Workflow: triage
"""

from statemig import Operations

revision = "b2"
down_revision = None
workflow = "triage"
version = 1

SEPARATOR = " "


def halves(value):
    first, _, second = value.partition(SEPARATOR)
    return first, second


def whole(first, second):
    return first + SEPARATOR + second


def unrelated(value):
    return 1


def upgrade(op: Operations) -> None:
    op.split_field("state.name", ["first", "last"], by=halves, join=whole)
    op.transform(halves, path="state.x", reads=["state.x"])
    op.merge_steps(["a", "b"], into="c", by=unrelated)
    op.remove_variant("state.item.kind", "old", to=unrelated)
    op.tag_union("state.item", key="kind", infer=unrelated)
    op.map_waiting("ask", payload=lambda op: op.transform(unrelated))
'''


def directory(location: Path, text: str = SCRIPT) -> Directory:
    made = Directory.create(location)
    made.write("b2", None, "triage", 1, "upper", text, None)
    return made


def operations(location: Path, text: str = SCRIPT) -> tuple[Operation, ...]:
    return directory(location, text).load("b2").operations


def functions_in(operation: Operation) -> dict[str, str]:
    found: dict[str, str] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict) and value.keys() == {"function"}:
            found[value["function"]["name"]] = value["function"]["digest"]
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                look(inner)

    look(operation.to_dict())
    return found


def test_a_function_is_written_as_revision_name_and_digest(tmp_path: Path) -> None:
    written = operations(tmp_path)[0].to_dict()
    assert written["by"].keys() == {"function"}
    assert written["by"]["function"].keys() == {"revision", "name", "digest"}
    assert written["by"]["function"]["revision"] == "b2"
    assert written["by"]["function"]["name"] == "halves"
    assert len(written["by"]["function"]["digest"]) == 32
    json.dumps(written)


def test_every_operation_with_functions_comes_back_from_its_dict(tmp_path: Path) -> None:
    made = directory(tmp_path)
    for operation in made.load("b2").operations:
        stored = json.loads(json.dumps(operation.to_dict()))
        back = from_dict(stored, made.function)
        assert back.to_dict() == stored
        assert back.given_functions
        assert [f.__name__ for _, f in back.given_functions] == [
            f.__name__ for _, f in operation.given_functions
        ]


def test_the_function_that_comes_back_does_what_it_did(tmp_path: Path) -> None:
    made = directory(tmp_path)
    stored = made.load("b2").operations[0].to_dict()
    by = dict(from_dict(stored, made.function).given_functions)["by"]
    assert by("ada lovelace") == ("ada", "lovelace")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    first, _, second = value", "    # parted\n    first, _, second   = value"),
        ("def halves(value):", 'def halves(value: str) -> tuple[str, str]:\n    """Two."""'),
        ("    return 1", "    return 2"),
    ],
)
def test_layout_and_other_functions_do_not_change_a_digest(tmp_path: Path, old: str, new: str) -> None:
    before = functions_in(operations(tmp_path / "a")[0])
    assert functions_in(operations(tmp_path / "b", SCRIPT.replace(old, new))[0]) == before


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return first, second", "return second, first", {"halves"}),
        ('SEPARATOR = " "', 'SEPARATOR = "-"', {"halves", "whole"}),
    ],
)
def test_what_a_function_does_and_uses_changes_its_digest(
    tmp_path: Path, old: str, new: str, changed: set[str]
) -> None:
    before = functions_in(operations(tmp_path / "a")[0])
    after = functions_in(operations(tmp_path / "b", SCRIPT.replace(old, new))[0])
    assert {name for name in before if before[name] != after[name]} == changed


def test_a_function_that_does_something_else_is_refused(tmp_path: Path) -> None:
    stored = operations(tmp_path / "a")[0].to_dict()
    edited = directory(tmp_path / "b", SCRIPT.replace('SEPARATOR = " "', 'SEPARATOR = "-"'))
    with pytest.raises(OperationError) as raised:
        from_dict(stored, edited.function)
    assert str(raised.value) == (
        "revision b2, operation split_field: the function halves, or something that it uses, does something else than when the "
        "operation was written down. Bring the script back from version control"
    )


def test_a_function_that_is_gone_is_refused(tmp_path: Path) -> None:
    stored = operations(tmp_path / "a")[0].to_dict()
    edited = directory(tmp_path / "b", SCRIPT.replace("halves", "parts"))
    with pytest.raises(OperationError, match="there is no function halves in the script"):
        from_dict(stored, edited.function)


def test_a_function_of_another_revision_is_refused(tmp_path: Path) -> None:
    stored = operations(tmp_path)[0].to_dict()
    with pytest.raises(OperationError, match="halves is a function of revision b2"):
        from_dict(stored, Revision("c3", upgrade=lambda op: None).function)


def test_without_a_script_a_function_cannot_be_read(tmp_path: Path) -> None:
    stored = operations(tmp_path)[0].to_dict()
    with pytest.raises(OperationError) as raised:
        from_dict(stored)
    assert str(raised.value) == (
        "operation split_field: by is a function of its script, so it can be read only from the script. "
        "Say where functions are: from_dict(data, directory.function)"
    )


# -- in memory


def doubled(value: Any) -> Any:
    return value * 2


named_lambda = lambda value: value  # noqa: E731


def nested() -> Callable[[Any], Any]:
    def inner(value: Any) -> Any:
        return value

    return inner


@pytest.mark.parametrize("function", [doubled, named_lambda])
def test_in_memory_a_function_with_a_name_is_written_and_found(function: Callable[[Any], Any]) -> None:
    revision = Revision("a1", upgrade=lambda op: op.transform(function, path="state.a"))
    (operation,) = revision.operations
    stored = operation.to_dict()
    assert stored["up"]["function"]["revision"] is None
    assert from_dict(stored, revision.function) == operation


@pytest.mark.parametrize(
    ("function", "called"),
    [
        (lambda value: value, "a lambda"),
        (nested(), "the function inner"),
        (functools.partial(doubled), "partial"),
        (str.upper, "str.upper"),
    ],
)
def test_what_has_no_name_cannot_be_written(function: Callable[[Any], Any], called: str) -> None:
    op = Operations()
    op.transform(function, path="state.a")
    with pytest.raises(OperationError) as raised:
        op.recorded[0].to_dict()
    assert str(raised.value) == (
        f"operation transform: {called} has no name at the top level of a script, so it cannot be written down. "
        "Write it as a function at the top level of the script (def ...), and pass its name"
    )
