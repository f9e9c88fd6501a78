"""Format 4.0: one list of cells instead of worksheets, headings are markdown, data by mime type

Revision ID: nb40
Revises: nb30
Workflow: notebook, version 1 -> 2
Change class: breaking
"""

import json
import re

from statemig import Operations

revision = "nb40"
down_revision = "nb30"
workflow = "notebook"
version = 2

CELL = "state.worksheets[].cells[]"
CODE = f"{CELL}<cell_type=code>"
OUTPUT = f"{CODE}.outputs[]"

MIME_TYPES = {
    "text": "text/plain",
    "html": "text/html",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "latex": "text/latex",
    "json": "application/json",
    "javascript": "application/javascript",
}


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat", {3: 4})
    op.map_values("state.nbformat_minor", {0: 0}, otherwise=op.value(0))

    # Which format a notebook came from is written into its metadata, over what was there.
    op.make_optional("state.orig_nbformat", fill=4)
    op.make_optional("state.orig_nbformat_minor", fill=5)
    op.remove_field("state.metadata.orig_nbformat")
    op.remove_field("state.metadata.orig_nbformat_minor")
    op.move_field("state.orig_nbformat", to="state.metadata.orig_nbformat")
    op.move_field("state.orig_nbformat_minor", to="state.metadata.orig_nbformat_minor")
    op.make_required("state.metadata.orig_nbformat", fill=3)
    op.make_required("state.metadata.orig_nbformat_minor", fill=0)
    op.remove_field("state.metadata.name", restore="")
    op.remove_field("state.metadata.signature")

    op.make_required(f"{CELL}.metadata", fill={})
    op.remove_field(f"{CODE}.language", restore="python")
    op.make_optional(f"{CODE}.collapsed", fill=False)
    op.move_field(f"{CODE}.collapsed", to=f"{CODE}.metadata.collapsed")
    op.rename_field(f"{CODE}.input", to="source")
    op.rename_field(f"{CODE}.prompt_number", to="execution_count")
    op.make_required(f"{CODE}.execution_count", fill=None)

    # A result without a number is valid in format 4 only.
    op.make_nullable(f"{OUTPUT}<output_type=pyout>.prompt_number", fill=0)
    op.rename_field(f"{OUTPUT}<output_type=pyout>.prompt_number", to="execution_count")
    for kind in ("pyout", "display_data"):
        shown = f"{OUTPUT}<output_type={kind}>"
        op.make_required(f"{shown}.metadata", fill={})
        op.rename_keys(f"{shown}.metadata", MIME_TYPES)
        op.nest_rest(shown, into="data", keep=["output_type", "execution_count", "metadata"])
        op.rename_keys(f"{shown}.data", MIME_TYPES)
        op.transform(json_of_text, text_of_json, path=f"{shown}.data")
    op.rename_field(f"{OUTPUT}<output_type=stream>.stream", to="name")
    op.rename_variant(f"{OUTPUT}.output_type", "pyout", "execute_result")
    op.rename_variant(f"{OUTPUT}.output_type", "pyerr", "error")

    # Markdown stays markdown on the way back, so it stands in the table too.
    op.map_values(f"{CELL}.cell_type", {"markdown": "markdown", "html": "markdown"}, otherwise="keep")
    op.transform(heading_to_markdown, markdown_to_heading, path=CELL)
    op.add_field(f"{CELL}.attachments", optional=True)

    op.flatten_list("state.worksheets", "cells", rest={"metadata": {}})
    op.rename_field("state.worksheets", to="cells")


def heading_to_markdown(cell):
    if cell["cell_type"] != "heading":
        return cell
    line = " ".join(joined(cell["source"]).splitlines())
    made = {key: value for key, value in cell.items() if key != "level"}
    return {**made, "cell_type": "markdown", "source": f"{'#' * cell['level']} {line}"}


def markdown_to_heading(cell):
    """A single line that begins as a heading does is one."""
    source = joined(cell["source"])
    found = re.match(r"(#+)\s*(.*)", source)
    if cell["cell_type"] != "markdown" or "\n" in source or found is None:
        return cell
    hashes, line = found.groups()
    return {**cell, "cell_type": "heading", "source": line, "level": len(hashes)}


def json_of_text(data):
    """Format 3 has text everywhere."""
    if "application/json" in data:
        data["application/json"] = json.loads(joined(data["application/json"]))
    return data


def text_of_json(data):
    for mime_type, value in data.items():
        is_json = re.fullmatch(r"application/(.*\+)?json", mime_type)
        if mime_type == "application/json" or (is_json and not isinstance(value, str)):
            data[mime_type] = json.dumps(value)
    return data


def joined(source):
    return source if isinstance(source, str) else "".join(source)
