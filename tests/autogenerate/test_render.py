"""The face of a generated script. `STATEMIG_UPDATE_GOLDEN=1 pytest tests/autogenerate` writes the golden files anew."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from autogenerate_pairs import PAIRS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import create_model

from statemig.autogenerate.change import Changes
from statemig.autogenerate.layout import WIDTH, statement
from statemig.autogenerate.message import default_message
from statemig.autogenerate.propose import propose
from statemig.autogenerate.render import render, template
from statemig.operations.base import literal
from statemig.operations.recorder import Operations
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
RUFF = shutil.which(
    "ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
)
needs_ruff = pytest.mark.skipif(RUFF is None, reason="ruff is not installed here")

CHECKS = ("E", "F", "W", "I", "B", "UP", "SIM", "C4", "PIE", "RUF", "RET", "TID")


def rendered(name: str, **changed: Any) -> str:
    old, new, renames = PAIRS[name]()
    proposal = propose(old, new, renames)
    header = {"revision": "5f2c9a71b0de", "down_revision": "8b1f0c2d9a34", "workflow": "triage", "version": 4}
    return render(proposal=proposal, **{**header, **changed})


def assert_clean(folder: Path, scripts: dict[str, str]) -> None:
    """As one run each, because starting ruff costs more than its work."""
    assert RUFF is not None
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(text)
    common = ["--isolated", "--no-cache"]
    rules = ["--select", ",".join(CHECKS), "--line-length", str(WIDTH), "--target-version", "py311"]
    checked = subprocess.run([RUFF, "check", *common, *rules, str(folder)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    formatted = subprocess.run(
        [RUFF, "format", *common, "--diff", "--line-length", str(WIDTH), str(folder)],
        capture_output=True,
        text=True,
    )
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize("name", PAIRS)
def test_the_face_of_a_script(name: str) -> None:
    text = rendered(name)
    golden = GOLDEN / f"{name}.py"
    if os.environ.get("STATEMIG_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_there_is_no_golden_file_without_its_pair() -> None:
    assert {path.stem for path in GOLDEN.glob("*.py")} == set(PAIRS)


@needs_ruff
def test_scripts_are_clean(tmp_path: Path) -> None:
    assert_clean(tmp_path, {name: rendered(name) for name in PAIRS})


@pytest.mark.parametrize("name", PAIRS)
def test_a_script_imports_only_what_it_uses_and_can_be_run(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(compile(rendered(name), name, "exec"), namespace)
    recorder = Operations()
    namespace["upgrade"](recorder)
    assert recorder.recorded == propose(*PAIRS[name]()).operations
    assert (namespace["revision"], namespace["version"]) == ("5f2c9a71b0de", 4)


def test_without_a_proposal_the_upgrade_is_empty() -> None:
    text = render(revision="a1", down_revision=None, workflow="triage", version=1, message="first version")
    assert text.startswith(
        '"""first version\n\nRevision ID: a1\nRevises: base\nWorkflow: triage, version 0 -> 1\n'
    )
    assert text.endswith("def upgrade(op: Operations) -> None:\n    pass\n")
    assert "down_revision = None\n" in text


def test_a_merge_names_both_sides() -> None:
    text = render(revision="c3", down_revision=("a1", "b2"), workflow="w", version=3, message="merge")
    assert "Revises: a1, b2\n" in text
    assert 'down_revision = ("a1", "b2")\n' in text


def test_what_is_missing_stands_in_the_script() -> None:
    text = rendered("incomplete")
    assert "    # Not covered yet:\n    # - state.price: " in text


def test_a_given_message_is_the_first_line() -> None:
    assert rendered("prompt_only", message="shorter answers").startswith('"""shorter answers\n')


@pytest.mark.parametrize(
    "message",
    [
        'say """hello"""',
        "back\\slash",
        '"quoted"',
        "two\nlines",
        "tab\tand \x00 null",
        "x" * 300,
        "ends with \\",
    ],
)
@needs_ruff
def test_no_message_breaks_the_script(message: str, tmp_path: Path) -> None:
    text = rendered("prompt_only", message=message)
    ast.parse(text)
    if len(message) < 200:
        assert_clean(tmp_path, {"script": text})


@pytest.mark.parametrize("workflow", ["triage", "näme", 'od"d', "back\\slash"])
def test_any_name_of_a_workflow_survives(workflow: str) -> None:
    namespace: dict[str, Any] = {}
    exec(render(revision="a1", down_revision=None, workflow=workflow, version=1, message="m"), namespace)
    assert namespace["workflow"] == workflow


def test_the_template_is_found_in_a_checkout() -> None:
    assert template() is not None


# -- layout --------------------------------------------------------------------------------------------------------------

texts = st.text("abcdefgh ijk-_.,:;#{}[]()äß漢字", max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(json_values, st.sampled_from([None, "assumed: what should old runs have here?"]))
@settings(max_examples=150, deadline=None)
def test_a_statement_says_the_same_after_it_was_laid_out(value: Any, note: str | None) -> None:
    source = f'op.add_field("state.settings", default={literal(value)})'
    lines = statement(source, 0, note)
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(source))
    if note is not None:
        assert any(note in line for line in lines)


@needs_ruff
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(json_values, min_size=20, max_size=40), st.booleans())
def test_any_default_is_laid_out_as_the_formatter_would(
    tmp_path: Path, values: list[Any], noted: bool
) -> None:
    note = "assumed: what should old runs have here?" if noted else None
    lines = ["def upgrade(op) -> None:"]
    for number, value in enumerate(values):
        source = f'op.add_field("state.field_{number}", default={literal(value)})'
        lines += statement(source, 4, note)
    (tmp_path / "script.py").write_text("\n".join(lines) + "\n")
    assert RUFF is not None
    shown = subprocess.run(
        [RUFF, "format", "--isolated", "--no-cache", "--diff", "--line-length", str(WIDTH), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stdout


# -- message -------------------------------------------------------------------------------------------------------------


def test_the_message_names_steps_before_fields() -> None:
    op = Operations()
    op.rename_field("state.summary", to="digest")
    op.rename_step("approve", to="review")
    assert default_message(op.recorded, Changes(())) == "approve becomes review; summary becomes digest"


def test_two_operations_on_one_field_are_named_once() -> None:
    op = Operations()
    op.make_nullable("state.a")
    op.make_optional("state.a")
    assert default_message(op.recorded, Changes(())) == "a may be null"


def test_a_long_message_says_how_much_more_there_is() -> None:
    op = Operations()
    for number in range(9):
        op.remove_field(f"state.field_with_a_long_name_{number}")
    message = default_message(op.recorded, Changes(()))
    assert message.endswith("; 7 more")
    assert len(message) <= 90


def test_the_first_version_is_called_so() -> None:
    assert default_message((), Changes((), first=True)) == "first version"


def test_a_field_whose_name_is_no_identifier() -> None:
    model = create_model("S", **{"odd key": (int, ...)})
    old, new = capture(Workflow("w", create_model("S"))), capture(Workflow("w", model))
    text = render(revision="a", down_revision=None, workflow="w", version=1, proposal=propose(old, new))
    assert "op.add_field('state.\"odd key\"', default=0)" in text
