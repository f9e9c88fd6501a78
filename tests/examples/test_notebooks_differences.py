"""Where the revisions do something else than nbformat's converters: what each of the two does, exactly."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from nbformat import v4
from notebooks import (
    downgraded_by_nbformat,
    problems,
    quietly,
    there_and_back,
    up,
    upgraded_by_nbformat,
    without_ids,
)

from statemig.errors import CollisionError, InvalidStateError, StatemigError, TransformError


def format_3(*cells: Any, **more: Any) -> Any:
    return {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [{"cells": list(cells), "metadata": {}}],
        **more,
    }


def format_4(*cells: Any, minor: int = 4, **metadata: Any) -> Any:
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": list(cells)}


def code_3(*outputs: Any, **more: Any) -> Any:
    return {"cell_type": "code", "input": "", "language": "python", "outputs": list(outputs), **more}


def code_4(*outputs: Any) -> Any:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": "",
        "outputs": list(outputs),
        "execution_count": None,
    }


def shown(data: Any, metadata: Any = None, **more: Any) -> Any:
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}, **more}


def output_of(notebook: Any) -> Any:
    cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
    return cells[0]["outputs"][0]


def refused(notebook: Any, to: str = "4.5") -> StatemigError:
    with pytest.raises(StatemigError) as caught:
        up(notebook, to)
    return caught.value


# -- what nbformat makes invalid ---------------------------------------------------------------------------------------


def test_a_result_without_a_number_is_0_in_format_3_where_nbformat_makes_it_invalid() -> None:
    result = {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": None}
    notebook = format_4(code_4(result))
    theirs, ours = downgraded_by_nbformat(notebook), up(notebook, "3")
    assert (output_of(theirs)["prompt_number"], output_of(ours)["prompt_number"]) == (None, 0)
    assert "None is not of type 'integer'" in problems(theirs)[0]
    assert problems(ours) == []
    assert there_and_back(notebook, "3") == notebook


@pytest.mark.parametrize(
    ("minor", "metadata", "path"),
    [
        (1, {"title": 5}, "state.metadata.title"),
        (1, {"authors": "me"}, "state.metadata.authors"),
    ],
)
def test_metadata_that_later_versions_forbid_are_refused_where_nbformat_makes_them_invalid(
    minor: int, metadata: Any, path: str
) -> None:
    notebook = format_4(minor=minor, **metadata)
    assert problems(notebook) == []
    assert problems(upgraded_by_nbformat(notebook)) != []
    assert isinstance(refused(notebook), InvalidStateError)
    assert refused(notebook).path == path


def test_a_notebook_of_3_with_a_kernelspec_that_4_forbids_is_refused_too() -> None:
    notebook = format_3(metadata={"kernelspec": "python"})
    assert problems(notebook) == []
    assert problems(upgraded_by_nbformat(notebook)) != []
    assert refused(notebook).path == "state.metadata.kernelspec"


# -- what nbformat drops -----------------------------------------------------------------------------------------------


def test_data_without_a_short_name_stay_in_format_3_where_nbformat_drops_them() -> None:
    data = {"text/plain": "a", "application/pdf": "b", "application/vnd.ours+json": {"c": [1]}}
    notebook = format_4(code_4(shown(data)))
    assert output_of(downgraded_by_nbformat(notebook)) == {
        "output_type": "display_data",
        "metadata": {},
        "text": "a",
    }
    ours = up(notebook, "3")
    assert output_of(ours) == {
        "output_type": "display_data",
        "metadata": {},
        "text": "a",
        "application/pdf": "b",
        "application/vnd.ours+json": '{"c": [1]}',
    }
    assert problems(ours) == []
    assert there_and_back(notebook, "3") == notebook


def test_metadata_of_outputs_get_their_short_names_again_where_nbformat_forgets_it() -> None:
    notebook = format_4(code_4(shown({}, {"image/png": {"width": 1}})))
    assert output_of(downgraded_by_nbformat(notebook))["metadata"] == {"image/png": {"width": 1}}
    assert output_of(up(notebook, "3"))["metadata"] == {"png": {"width": 1}}


def test_what_nbformat_loses_on_the_way_there_and_back_is_still_there() -> None:
    notebook = format_3(
        code_3({"output_type": "display_data", "pdf": "x"}, language="julia", prompt_number=1),
        {"cell_type": "markdown", "source": "# a title that was no heading"},
        {"cell_type": "heading", "level": 2, "source": "two\nlines"},
        {"cell_type": "html", "source": "<b>"},
        metadata={"signature": "s", "name": "n"},
        nbformat_minor=0,
    )
    notebook["worksheets"].append({"cells": [{"cell_type": "raw", "source": ""}], "metadata": {"mine": 1}})
    assert problems(notebook) == []

    theirs = downgraded_by_nbformat(upgraded_by_nbformat(notebook))
    assert theirs["metadata"] == {"name": ""}
    [sheet] = theirs["worksheets"]
    code, markdown, heading, html, raw = sheet["cells"]
    assert (code["language"], output_of(theirs)) == (
        "python",
        {"output_type": "display_data", "metadata": {}},
    )
    assert [each["cell_type"] for each in (markdown, heading, html, raw)] == [
        "heading",
        "heading",
        "markdown",
        "raw",
    ]
    assert heading["source"] == "two lines"

    assert json.dumps(there_and_back(notebook, "4.5")) == json.dumps(notebook)


# -- what nbformat overwrites ------------------------------------------------------------------------------------------


def test_two_values_for_collapsed_are_a_collision_where_nbformat_drops_one() -> None:
    notebook = format_3(code_3(collapsed=True, metadata={"collapsed": False}))
    assert upgraded_by_nbformat(notebook)["cells"][0]["metadata"] == {"collapsed": True}
    assert isinstance(refused(notebook), CollisionError)
    assert refused(notebook).path == "state.worksheets[0].cells[0].metadata.collapsed"


def test_a_short_name_beside_its_mime_type_is_a_collision_where_nbformat_drops_one() -> None:
    notebook = format_3(code_3({"output_type": "display_data", "text": "a", "text/plain": "b"}))
    assert problems(notebook) == []
    assert output_of(upgraded_by_nbformat(notebook))["data"] == {"text/plain": "a"}
    assert isinstance(refused(notebook), CollisionError)


def test_the_version_that_a_notebook_came_from_is_not_overwritten_by_one_on_the_way() -> None:
    notebook = format_4(minor=2, orig_nbformat=3, orig_nbformat_minor=0)
    assert upgraded_by_nbformat(notebook)["metadata"]["orig_nbformat_minor"] == 2
    assert up(notebook)["metadata"]["orig_nbformat_minor"] == 0


# -- where nbformat raises, and where it depends -----------------------------------------------------------------------


def test_headings_in_lines_as_they_are_in_files() -> None:
    notebook = format_3({"cell_type": "heading", "level": 1, "source": ["a\n", "b"]})
    with pytest.raises(AttributeError):
        upgraded_by_nbformat(notebook)
    assert up(notebook)["cells"][0]["source"] == "# a b"
    assert json.dumps(there_and_back(notebook, "4.5")) == json.dumps(notebook)

    markdown = format_4({"cell_type": "markdown", "metadata": {}, "source": ["# a"]})
    with pytest.raises(AttributeError):
        downgraded_by_nbformat(markdown)
    [cell] = up(markdown, "3")["worksheets"][0]["cells"]
    assert cell == {"cell_type": "heading", "metadata": {}, "source": "a", "level": 1}


def test_json_that_is_none_is_refused_by_place() -> None:
    notebook = format_3(code_3({"output_type": "display_data", "json": "{"}))
    with pytest.raises(json.JSONDecodeError):
        upgraded_by_nbformat(notebook)
    assert isinstance(refused(notebook), TransformError)
    assert refused(notebook).path == "state.worksheets[0].cells[0].outputs[0].data"


def test_json_is_parsed_whatever_the_nodes_are() -> None:
    notebook = format_3(code_3({"output_type": "display_data", "json": "[1]"}))
    parsed = {"application/json": [1]}
    assert output_of(upgraded_by_nbformat(notebook))["data"] == parsed
    # The nodes of format 4 copy what is assigned to them, and nbformat parses into the original.
    theirs = quietly(v4.upgrade, nbformat.from_dict(notebook))
    assert output_of(theirs)["data"] == {"application/json": "[1]"}
    assert output_of(up(notebook))["data"] == parsed


def test_format_3_1_is_converted_where_the_validator_of_nbformat_raises() -> None:
    notebook = format_3(nbformat_minor=1)
    with pytest.raises(KeyError):
        upgraded_by_nbformat(notebook)
    assert without_ids(up(notebook)) == upgraded_by_nbformat(format_3())
    assert there_and_back(notebook, "4.5") == notebook


def test_what_is_not_valid_to_begin_with_is_refused_where_nbformat_goes_on() -> None:
    cell = code_3()
    del cell["input"]
    assert upgraded_by_nbformat(format_3(cell))["cells"][0]["source"] == ""
    assert "does not fit the revision it is stamped with" in str(refused(format_3(cell)))
    assert refused(format_3(cell)).revision == "nb30"
