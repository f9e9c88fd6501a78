"""Every law has a property test, and README.md says which; `make laws` counts what they run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from law_report import LAWS

HERE = Path(__file__).parent
TESTS = HERE.parent


def properties() -> Iterator[tuple[int, str, bool]]:
    """(law, file::test, whether hypothesis draws its examples) of each test function that is marked with a law."""
    for file in sorted(TESTS.glob("*/test_*.py")):
        source = file.read_text()
        if "mark.law" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef):
                continue
            decorators = [each for each in node.decorator_list if isinstance(each, ast.Call)]
            names = [ast.unparse(each.func) for each in decorators]
            for each, name in zip(decorators, names, strict=True):
                if name == "pytest.mark.law":
                    test = f"{file.relative_to(TESTS).as_posix()}::{node.name}"
                    yield from ((ast.literal_eval(law), test, "given" in names) for law in each.args)


def test_every_law_has_a_property() -> None:
    assert {law for law, _, drawn in properties() if drawn} == set(range(1, 21)) == set(LAWS)


def test_the_table_of_laws_says_where_each_is_tested() -> None:
    said: dict[int, list[str]] = {}
    law = 0
    for line in (HERE / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[2].startswith("`"):
            law = int(cells[0]) if cells[0] else law
            said.setdefault(law, []).append(cells[2].strip("`"))
    there: dict[int, list[str]] = {}
    for law, name, _ in sorted(properties()):
        there.setdefault(law, []).append(name)
    assert {law: sorted(names) for law, names in said.items()} == there
