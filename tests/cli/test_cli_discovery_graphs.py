"""Graphs of LangGraph in the code of a project, found without running it."""

from __future__ import annotations

from pathlib import Path

from statemig.cli.discovery import Found, find_workflows


def test_a_graph_is_found_where_it_is_compiled_and_not_as_the_node_of_another(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import re\nfrom langgraph.graph import START, StateGraph\n"
        "words = re.compile('a')\ninner = make_inner().compile()\n"
        "builder = StateGraph(dict)\nbuilder.add_node('inner', inner)\n"
        "graph = builder.compile(name='triage')\nother = builder.compile(None)\n"
    )
    assert find_workflows(tmp_path) == [Found("app:graph", "triage"), Found("app:other", None)]


def test_what_is_compiled_without_langgraph_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("# no StateGraph here\ngraph = builder.compile()\n")
    assert find_workflows(tmp_path) == []
