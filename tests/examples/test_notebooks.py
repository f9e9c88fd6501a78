"""nbformat's converters as revisions: the same result, valid by its schemas, and back again without loss."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks import (
    CASES,
    FOLDER,
    MIGRATOR,
    as_read,
    convert,
    downgraded_by_nbformat,
    example,
    in_one_piece,
    notebooks_3,
    notebooks_4,
    problems,
    there_and_back,
    up,
    upgraded_by_nbformat,
    without_ids,
)

from statemig import Snapshot
from statemig.revisions.directory import Directory

MINORS = ("4.0", "4.1", "4.2", "4.3", "4.4", "4.5")

#: nbformat's own test notebooks that are valid by its own schema of their version, and older than 4.5
VALID = (
    "many_tracebacks.ipynb",
    "test3.ipynb",
    "test4.ipynb",
    "test4custom.ipynb",
    "test4docinfo.ipynb",
    "test4jupyter_metadata.ipynb",
    "test4jupyter_metadata_timings.ipynb",
)

#: those that are not converted, and what is said of them
REFUSED = {
    "invalid.ipynb": "path state.cells[3].outputs[0].output_type: the document does not fit the revision",
    "no_min_version.ipynb": "'nbformat_minor' is required and absent",
    "test2.ipynb": "revision nb20: this code does not know the revision",
    "test3_no_metadata.ipynb": "'metadata' is required and absent",
    "test3_no_min_version.ipynb": "'nbformat_minor' is required and absent",
    "test3_no_worksheets.ipynb": "'worksheets' is required and absent",
    "test3_worksheet_with_no_cells.ipynb": "state.worksheets[0]: 'cells' is required and absent",
    "test4plus.ipynb": "revision nb499: this code does not know the revision",
}


def text(name: str) -> str:
    if not CASES.is_dir():
        pytest.skip("nbformat's test notebooks are not in the repository; STATEMIG_CASES says where they are")
    return (CASES / name).read_text()


# -- nbformat's own test notebooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VALID)
def test_a_file_becomes_what_nbformat_makes_of_it(name: str) -> None:
    read = as_read(text(name))
    made = up(read)
    assert without_ids(made) == without_ids(upgraded_by_nbformat(read))
    assert problems(made) == []


@pytest.mark.parametrize("name", VALID)
def test_a_file_as_it_lies_there_with_its_lines_apart(name: str) -> None:
    raw = json.loads(text(name))
    made = up(raw)
    assert problems(made) == []
    assert in_one_piece(without_ids(made)) == without_ids(upgraded_by_nbformat(in_one_piece(raw)))


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("to", MINORS)
def test_a_file_goes_to_every_version_and_back_with_the_same_bytes(name: str, to: str) -> None:
    raw = json.loads(text(name))
    made = up(raw, to)
    assert problems(made) == []
    assert json.dumps(there_and_back(raw, to)) == json.dumps(raw)


@pytest.mark.parametrize("name", [*VALID[2:], "test4.5.ipynb"])
def test_a_file_of_format_4_goes_down_to_3_and_up_again_with_the_same_bytes(name: str) -> None:
    raw = json.loads(text(name))
    down = up(raw, "3")
    assert problems(down) == []
    assert json.dumps(there_and_back(raw, "3")) == json.dumps(raw)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_right_is_refused_by_name(name: str) -> None:
    with pytest.raises(convert.StatemigError, match=re.escape(REFUSED[name])):
        up(json.loads(text(name)))


def test_every_file_is_accounted_for() -> None:
    text("test3.ipynb")
    current = ("4.5", "v4_5", "invalid_")  # of the newest version, so nothing is done
    left = {each.name for each in CASES.glob("*.ipynb")} - {*VALID, *REFUSED}
    assert [name for name in left if not any(part in name for part in current)] == []


# -- notebooks made with nbformat's builders ---------------------------------------------------------------------------


@given(notebooks_3())
def test_format_3_becomes_what_nbformat_makes_of_it(notebook: Any) -> None:
    assert problems(notebook) == []
    before = copy.deepcopy(notebook)
    made = up(notebook)
    assert notebook == before
    assert without_ids(made) == without_ids(upgraded_by_nbformat(notebook))
    assert problems(made) == []


@given(notebooks_3(lines=True), st.sampled_from(MINORS))
def test_format_3_comes_back_with_the_same_bytes(notebook: Any, to: str) -> None:
    assert json.dumps(there_and_back(notebook, to)) == json.dumps(notebook)


@given(st.integers(0, 4).flatmap(notebooks_4))
def test_the_minor_versions_become_what_nbformat_makes_of_them(notebook: Any) -> None:
    made = up(notebook)
    assert without_ids(made) == without_ids(upgraded_by_nbformat(notebook))
    assert problems(made) == []
    assert json.dumps(there_and_back(notebook, "4.5")) == json.dumps(notebook)


@given(notebooks_4(5))
def test_format_4_goes_down_to_3_and_up_again_with_the_same_bytes(notebook: Any) -> None:
    down = up(notebook, "3")
    assert problems(down) == []
    assert json.dumps(there_and_back(notebook, "3")) == json.dumps(notebook)


@given(notebooks_4(5))
def test_format_4_goes_down_as_nbformat_takes_it_but_for_what_it_drops(notebook: Any) -> None:
    """What it drops is in test_notebooks_differences.py; here there is nothing of it."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if "data" in output:
                for name in set(output["data"]) & {"application/pdf", "application/x-ours"}:
                    del output["data"][name]
                output["data"].pop("application/vnd.ours+json", None)
                if output.get("execution_count", 0) is None:
                    output["execution_count"] = 1
    assert up(notebook, "3") == downgraded_by_nbformat(notebook)


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_ids_are_the_same_every_time_and_others_in_another_notebook() -> None:
    cell = {"cell_type": "raw", "metadata": {}, "source": ""}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell, dict(cell)]}
    ids = [[each["id"] for each in up(notebook, name=name)["cells"]] for name in ("a", "a", "b")]
    assert ids[0] == ids[1] == ["4338b95b", "fb8c76e1"]
    assert not set(ids[0]) & set(ids[2])
    assert problems(up(notebook)) == []


# -- the example -------------------------------------------------------------------------------------------------------


def test_no_script_was_edited_after_it_was_frozen() -> None:
    assert Directory(FOLDER / "migrations").verify("notebook") == []


def test_the_frozen_snapshots_are_those_of_the_schemas_of_nbformat() -> None:
    snapshot, schemas = convert.MIGRATOR.snapshot, example("schemas")
    revisions = MIGRATOR.path("nb30", "nb45")
    for version, revision in zip(schemas.VERSIONS, ("nb30", *revisions), strict=True):
        made = Snapshot.from_json_schema(schemas.schema(version), name="notebook")
        frozen = snapshot(revision)
        assert frozen is not None
        assert frozen.digest == made.digest, f"run {FOLDER / 'freeze.py'}"


def test_the_readme_counts_the_operations_right() -> None:
    readme = (FOLDER / "README.md").read_text()
    counted: dict[str, int] = {}
    for revision in MIGRATOR.path("nb30", "nb45"):
        for operation in MIGRATOR.revision(revision).operations:
            counted[operation.name] = counted.get(operation.name, 0) + 1
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE))
    assert listed == {name: str(number) for name, number in counted.items()}
    assert f"{sum(counted.values())} operations" in readme
    assert f"{sum(counted.values()) - counted['transform']} of them are declarative" in readme


def test_the_script_converts_files_there_and_back(tmp_path: Path) -> None:
    heading = {"cell_type": "heading", "level": 2, "source": "A\ntitle", "metadata": {}}
    sheets = [{"cells": [heading], "metadata": {"mine": 1}}]
    notebook = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": sheets}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))

    def run(*arguments: str) -> str:
        command = [sys.executable, str(FOLDER / "convert.py"), *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    said = run("a.ipynb", "-o", "new")
    assert "a.ipynb: 3 -> 4.5, valid; back again the same bytes" in said
    made = json.loads((tmp_path / "new" / "a.ipynb").read_text())
    assert made["cells"][0]["source"] == "## A title"
    run("new/a.ipynb", "--to", "3", "-o", "old")
    assert json.loads((tmp_path / "old" / "a.ipynb").read_text()) == notebook


def test_the_script_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}}))
    command = [sys.executable, str(FOLDER / "convert.py"), str(tmp_path / "a.ipynb")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "'worksheets' is required and absent" in ended.stderr
