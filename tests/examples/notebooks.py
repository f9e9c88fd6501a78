"""Notebooks to convert, nbformat's own converters to compare with, and where its test notebooks are."""

from __future__ import annotations

import copy
import importlib.util
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from hypothesis import strategies as st
from nbformat import reader, v3, v4
from nbformat.v3 import rwbase as v3_lines
from nbformat.v4 import rwbase as v4_lines
from nbformat.validator import iter_validate

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
_TOLD = os.environ.get("STATEMIG_CASES")
CASES = (Path(_TOLD) if _TOLD else Path(__file__).parents[2].parent / "shared" / "cases") / "notebooks"


def example(name: str) -> Any:
    """A module of the example, whose folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location(f"notebooks_{name}", FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(FOLDER))


convert = example("convert")
MIGRATOR = convert.MIGRATOR


# -- nbformat's converters ---------------------------------------------------------------------------------------------


def plain(node: Any) -> Any:
    return json.loads(json.dumps(node))


def quietly(function: Any, *arguments: Any) -> Any:
    """nbformat logs what it does not like, and goes on."""
    logger = logging.getLogger("traitlets")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        return function(*arguments)
    finally:
        logger.setLevel(before)


def upgraded_by_nbformat(notebook: Any) -> Any:
    """As from a file: with the nodes that the reader of its version makes, because to the converter it matters."""
    as_node = v3.nbbase.from_dict if notebook["nbformat"] == 3 else nbformat.from_dict
    return plain(quietly(v4.upgrade, as_node(copy.deepcopy(notebook))))


def downgraded_by_nbformat(notebook: Any) -> Any:
    return plain(quietly(v4.downgrade, nbformat.from_dict(copy.deepcopy(notebook))))


def as_read(text: str) -> Any:
    """What nbformat's reader hands to its converter: texts in one piece, nothing transient."""
    return plain(reader.reads(text))


def in_one_piece(notebook: Any) -> Any:
    node = nbformat.from_dict(copy.deepcopy(notebook))
    lines = v3_lines if notebook["nbformat"] == 3 else v4_lines
    return plain(lines.rejoin_lines(node))


# -- ours --------------------------------------------------------------------------------------------------------------


def up(notebook: Any, to: str = "4.5", name: str = "a notebook") -> Any:
    return convert.converted(notebook, to, name=name)[0]


def there_and_back(notebook: Any, to: str) -> Any:
    made, kept = convert.converted(notebook, to, name="a notebook")
    minor = f".{notebook['nbformat_minor']}" if notebook["nbformat"] > 3 else ""
    stored = json.loads(json.dumps(kept))
    return convert.converted(made, f"{notebook['nbformat']}{minor}", name="a notebook", kept=stored)[0]


def without_ids(notebook: Any) -> Any:
    """nbformat draws them; ours are looked at on their own."""
    return {**notebook, "cells": [{k: v for k, v in each.items() if k != "id"} for each in notebook["cells"]]}


def problems(notebook: Any) -> list[str]:
    """Of nbformat's own validator, and ids that are there twice, which its schema cannot say."""
    version, minor = notebook["nbformat"], notebook["nbformat_minor"]
    node = nbformat.from_dict(copy.deepcopy(notebook))
    found = [str(each) for each in iter_validate(node, version=version, version_minor=minor)]
    ids = [cell["id"] for cell in notebook.get("cells", ()) if "id" in cell]
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", each) for each in ids)
    return found + (["an id is there twice"] if len(set(ids)) < len(ids) else [])


# -- generated with nbformat's builders --------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab #\n\r\u2028é\"'"), max_size=8)
NAMES = st.text(st.sampled_from("abc"), min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
METADATA = st.dictionaries(NAMES, JSON, max_size=2)


@st.composite
def _with_lines(draw: Any, node: Any, *keys: str) -> Any:
    """As in files, where a text may be a list of lines."""
    for key in keys:
        if isinstance(node.get(key), str) and draw(st.booleans()):
            node[key] = node[key].splitlines(True)
    return node


@st.composite
def outputs_3(draw: Any) -> Any:
    kind = draw(st.sampled_from(["pyout", "display_data", "stream", "pyerr"]))
    if kind == "stream":
        return v3.new_output("stream", draw(TEXTS), stream=draw(st.sampled_from(["stdout", "stderr"])))
    if kind == "pyerr":
        return v3.new_output("pyerr", ename=draw(TEXTS), evalue=draw(TEXTS), traceback=draw(st.lists(TEXTS)))
    number = draw(st.integers(0, 9)) if kind == "pyout" else None
    made = v3.new_output(kind, prompt_number=number, metadata=draw(METADATA))
    for name in draw(st.sets(st.sampled_from(["text", "html", "svg", "png", "jpeg", "latex", "javascript"]))):
        made[name] = draw(TEXTS)
    if draw(st.booleans()):
        made["json"] = json.dumps(draw(JSON))
    for name in draw(st.sets(st.sampled_from(["pdf", "application/x-ours"]))):
        made[name] = draw(TEXTS)
    if draw(st.booleans()):
        made["metadata"]["png"] = {"width": 1}
    if draw(st.booleans()):
        del made["metadata"]
    return made


@st.composite
def cells_3(draw: Any) -> Any:
    kind = draw(st.sampled_from(["code", "markdown", "html", "raw", "heading"]))
    if kind == "heading":
        made = v3.new_heading_cell(draw(TEXTS), level=draw(st.integers(1, 7)), metadata=draw(METADATA))
    elif kind != "code":
        made = v3.new_text_cell(kind, draw(TEXTS), metadata=draw(METADATA))
    else:
        made = v3.new_code_cell(
            draw(TEXTS),
            prompt_number=draw(st.none() | st.integers(0, 9)),
            outputs=draw(st.lists(outputs_3(), max_size=3)),
            language=draw(st.sampled_from(["python", "julia"])),
            collapsed=draw(st.sampled_from([None, True, False])),
            metadata=draw(METADATA),
        )
    if draw(st.integers(0, 3)) == 0:
        del made["metadata"]
    return made


@st.composite
def notebooks_3(draw: Any, lines: bool = False) -> Any:
    sheets = [
        v3.new_worksheet(cells=draw(st.lists(cells_3(), max_size=4)), metadata=draw(METADATA))
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))
    ]
    names = {"name": "n", "signature": "s", "orig_nbformat": 1, "kernel_info": {"name": "k", "language": "l"}}
    metadata = {**draw(METADATA), **{key: names[key] for key in draw(st.sets(st.sampled_from(list(names))))}}
    made = plain(v3.new_notebook(metadata=metadata, worksheets=sheets))
    for key in draw(st.sets(st.sampled_from(["orig_nbformat", "orig_nbformat_minor"]))):
        made[key] = draw(st.integers(1, 2))
    if lines:
        for sheet in made["worksheets"]:
            for cell in sheet["cells"]:
                draw(_with_lines(cell, "input", *([] if cell["cell_type"] == "heading" else ["source"])))
                for output in cell.get("outputs", ()):
                    draw(_with_lines(output, "text", "html", "svg", "latex"))
    return made


@st.composite
def outputs_4(draw: Any) -> Any:
    kind = draw(st.sampled_from(["execute_result", "display_data", "stream", "error"]))
    if kind == "stream":
        return v4.new_output("stream", text=draw(TEXTS), name=draw(st.sampled_from(["stdout", "stderr"])))
    if kind == "error":
        return v4.new_output("error", ename=draw(TEXTS), evalue=draw(TEXTS), traceback=draw(st.lists(TEXTS)))
    texts = ["text/plain", "text/html", "image/png", "image/svg+xml", "application/pdf", "application/x-ours"]
    data: dict[str, Any] = {name: draw(TEXTS) for name in draw(st.sets(st.sampled_from(texts)))}
    for name in draw(st.sets(st.sampled_from(["application/json", "application/vnd.ours+json"]))):
        data[name] = draw(JSON)
    number = {"execution_count": draw(st.none() | st.integers(0, 9))} if kind == "execute_result" else {}
    return v4.new_output(kind, data=data, metadata=draw(METADATA), **number)


@st.composite
def cells_4(draw: Any) -> Any:
    kind = draw(st.sampled_from(["code", "markdown", "raw"]))
    if kind == "code":
        metadata = draw(METADATA) | draw(st.sampled_from([{}, {"collapsed": True}, {"collapsed": False}]))
        return v4.new_code_cell(
            draw(TEXTS),
            execution_count=draw(st.none() | st.integers(0, 9)),
            outputs=draw(st.lists(outputs_4(), max_size=3)),
            metadata=metadata,
        )
    new = v4.new_markdown_cell if kind == "markdown" else v4.new_raw_cell
    made = new(draw(TEXTS), metadata=draw(METADATA))
    if draw(st.booleans()):
        made["attachments"] = {"a.png": {"image/png": "ab=="}}
    return made


@st.composite
def notebooks_4(draw: Any, minor: int) -> Any:
    metadata = draw(METADATA) | draw(st.sampled_from([{}, {"orig_nbformat": 2}, {"name": "mine"}]))
    made = plain(v4.new_notebook(metadata=metadata, cells=draw(st.lists(cells_4(), max_size=4))))
    if minor < 5:
        made["nbformat_minor"] = minor
        made = without_ids(made)
    return made
