"""Headers, digests and imports of scripts, from their text alone."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from statemig.errors import RevisionError
from statemig.revisions import script

SCRIPT = '''"""approve becomes review

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
"""
from datetime import datetime

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def words(value: str) -> list[str]:
    return [f"{word!r:>{8}}" "é" for word in value.split()]


def upgrade(op: Operations) -> None:
    op.rename_field("state.summary", to="digest")
    op.add_field("state.priority", default=None)
    op.add_field("state.limit", default=-0x10)
    op.add_field("state.ratio", default=0.1)
    op.transform(words, path="state.text")
    op.rename_step("approve", to="review")
'''
GOLDEN = "96aeb527028a53e4f4f8b6cefecf189d"


def digest(text: str) -> str:
    return script.digest(script.parse(text.encode(), "x.py"))


def edited(old: str, new: str) -> str:
    assert old in SCRIPT
    return SCRIPT.replace(old, new)


# -- digest


def test_the_digest_is_the_golden_one() -> None:
    assert digest(SCRIPT) == GOLDEN


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_other_pythons_give_the_golden_digest(minor: int) -> None:
    found = shutil.which(f"python3.{minor}")
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pyenv = sorted(versions.glob(f"3.{minor}.*/bin/python"))
    for python in [*map(str, pyenv), *([found] if found else [])]:
        code = (
            "import sys; from statemig.revisions import script; "
            "print(script.digest(script.parse(sys.stdin.buffer.read(), 'x.py')))"
        )
        root = str(Path(script.__file__).parents[2])
        run = subprocess.run(
            [python, "-c", code],
            input=SCRIPT.encode(),
            capture_output=True,
            env={"PYTHONPATH": root, "PATH": os.defpath},
        )
        if run.returncode == 0:
            assert run.stdout.decode().strip() == GOLDEN
            return
        assert b"command not found" in run.stderr, run.stderr.decode()
    pytest.skip(f"no Python 3.{minor} on this machine")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"state.summary"', "'state.summary'"),
        ('to="digest"', 'to=("dig"\n        "est")'),
        ("    op.rename_step", "    # people decide here\n\n    op.rename_step"),
        ("-0x10", "-16"),
        ("approve becomes review", "something else"),
        (
            "def upgrade(op: Operations) -> None:\n",
            'def upgrade(op) -> "None":\n    """What changes."""\n    pass\n',
        ),
        (
            "from datetime import datetime\n\nfrom statemig import Operations\n",
            "from datetime import datetime\n",
        ),
        ("from statemig import Operations\n", "from __future__ import annotations\nfrom typing import Any\n"),
        ("\n", "\r\n"),
        ('"5f2c9a71b0de"\ndown_revision = "8b1f0c2d9a34"', '"5f2c9a71b0de"\ndown_revision = ("a", "b")'),
        ("version = 4", "version: int = 9"),
    ],
    ids=lambda text: text[:20],
)
def test_layout_comments_docstrings_annotations_and_header_are_no_edit(old: str, new: str) -> None:
    assert digest(edited(old, new)) == GOLDEN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('to="digest"', 'to="digests"'),
        ("default=None", "default=0"),
        ("default=None", "default=False"),
        ("default=None", 'default="None"'),
        (", default=None", ""),
        ("-0x10", "0x10"),
        ("-0x10", "-16.0"),
        ("default=0.1", "default=0.2"),
        ('"é"', '"e"'),
        (":>{8}", ":>{9}"),
        ("!r", "!s"),
        ("value.split()", "value.split(' ')"),
        ("from datetime import datetime", "from statemig import datetime"),
        ("    op.rename_step", "    op.wrap('state.a')\n    op.rename_step"),
        ('    op.rename_step("approve", to="review")\n', ""),
        ("def words(", "async def words("),
        ("def words(value: str", "def words(value: str, *, other=None"),
    ],
)
def test_a_change_of_meaning_is_an_edit(old: str, new: str) -> None:
    assert digest(edited(old, new)) != GOLDEN


def test_two_operations_in_another_order_are_an_edit() -> None:
    lines = SCRIPT.splitlines(keepends=True)
    lines[-1], lines[-2] = lines[-2], lines[-1]
    assert digest("".join(lines)) != GOLDEN


def test_neighbouring_imports_may_be_sorted_and_grouped() -> None:
    assert digest("import re\nfrom math import pi, e\nimport json\n") == digest(
        "import json, re\nfrom math import e\nfrom math import pi\n"
    )


def test_a_default_that_none_holds_counts_by_its_place() -> None:
    assert digest("def f(*, a, b=1): return a") != digest("def f(*, a=1, b): return a")


# -- header


def test_the_header_is_read_without_running_the_script() -> None:
    head = script.read_header(SCRIPT.encode() + b"\nraise SystemExit\n", "0004_x.py")
    assert head == script.Header(
        "5f2c9a71b0de", ("8b1f0c2d9a34",), "triage", 4, "approve becomes review", "0004_x.py"
    )
    assert head.down_revision == "8b1f0c2d9a34"


@pytest.mark.parametrize(
    ("written", "parts", "read_back"),
    [("None", (), None), ('("a", "b")', ("a", "b"), ("a", "b")), ('["a"]', ("a",), "a"), ("()", (), None)],
)
def test_down_revision_is_none_an_id_or_several(
    written: str, parts: tuple[str, ...], read_back: object
) -> None:
    head = script.read_header(edited('"8b1f0c2d9a34"\nworkflow', f"{written}\nworkflow").encode(), "x.py")
    assert (head.down_revisions, head.down_revision) == (parts, read_back)


def test_a_docstring_with_a_line_that_looks_like_a_function_does_not_confuse() -> None:
    text = edited("Revision ID:", "\ndef upgrade(op): is below\n\nRevision ID:")
    assert script.read_header(text.encode(), "x.py").version == 4


def test_a_header_below_the_functions_is_found() -> None:
    text = edited("version = 4\n", "") + "\nversion = 4\n"
    assert script.read_header(text.encode(), "x.py").version == 4


def test_every_problem_of_a_header_is_listed_at_once() -> None:
    with pytest.raises(RevisionError) as raised:
        script.read_header(b"down_revision = 3\nversion = '4'\nworkflow = name()\n", "0004_x.py")
    assert str(raised.value) == (
        "0004_x.py does not say which revision it is: workflow (line 3) is not a plain value; "
        "down_revision is not None, an id, or a tuple of ids; revision is missing; workflow is missing; "
        "version is not an integer. "
        "A script sets revision, down_revision, workflow, version; `statemig revision` writes them."
    )


def test_what_is_not_python_is_named_with_its_line() -> None:
    with pytest.raises(
        RevisionError, match=r"^0004_x.py, line 2: this is not Python \(.*\)\. Correct the script"
    ):
        script.read_header(b"a = 1\n<<<<<<< HEAD\n", "0004_x.py")


# -- imports


@pytest.mark.parametrize(
    "line",
    [
        "import re, json",
        "from __future__ import annotations",
        "from typing import Any",
        "from statemig import Operations",
        "from statemig.operations import recorder",
        "import xml.etree.ElementTree as ET",
    ],
)
def test_the_standard_library_and_statemig_may_be_imported(line: str) -> None:
    assert script.foreign_imports(ast.parse(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import app",
        "import json, app.flows",
        "from app.flows import triage",
        "from . import x",
        "import pydantic",
        "import statemigrate",
    ],
)
def test_other_imports_are_found_at_any_depth(line: str) -> None:
    inside = ast.parse(f"def upgrade(op):\n    if True:\n        {line}\n")
    assert script.foreign_imports(inside) == [script.Import(3, line)]
