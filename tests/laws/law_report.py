"""A table at the end of a test run: each law, its properties, how many examples ran, and whether they held. `make laws` uses it.

``python -m pytest -p law_report -m law``, with this folder on the path. Not a test.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

LAWS = {
    1: "upgrade validity",
    2: "downgrade validity",
    3: "down after up gives back the document",
    4: "up after down gives back the document",
    5: "edits survive, items keep their own",
    6: "lossless needs no complement",
    7: "the shape effect decides completeness",
    8: "the inverse of the inverse",
    9: "fused is one by one",
    10: "path independence",
    11: "lazy idempotence",
    12: "lazy with writes is eager first",
    13: "nothing is mutated or shared",
    14: "the same in every process",
    15: "the class is honest",
    16: "rules against the oracle",
    17: "cursor safety",
    18: "crash safety",
    19: "long chains, gaps, unknown revisions",
    20: "shapes and documents agree",
}

#: as hypothesis writes it, once for each phase
_PASSED = re.compile(r"^ +- (\d+) passing", re.MULTILINE)


class _Property:
    """One test function, over all its parameters."""

    def __init__(self) -> None:
        self.examples = 0
        self.failed = False


_properties: dict[int, dict[str, _Property]] = defaultdict(lambda: defaultdict(_Property))


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    """Count what ran; a failure in a fixture counts as well."""
    for number in _laws_of(item):
        name = item.nodeid.split("[")[0]
        found = _properties[number][name]
        if call.excinfo is not None and not call.excinfo.errisinstance(_skipped()):
            found.failed = True
        if call.when == "teardown":
            text = getattr(item, "hypothesis_statistics", "")
            found.examples += sum(map(int, _PASSED.findall(text)))


def _skipped() -> type[BaseException]:
    import pytest

    return pytest.skip.Exception


def _laws_of(item: Any) -> Iterator[int]:
    for mark in item.iter_markers("law"):
        yield from mark.args


def pytest_terminal_summary(terminalreporter: Any) -> None:
    write = terminalreporter.write_line
    write("")
    write(f"{'law':>3}  {'':40} {'properties':>10} {'examples':>9} {'fewest':>7}  result")
    for number, name in LAWS.items():
        found = _properties.get(number, {})
        counts = [each.examples for each in found.values()]
        failed = any(each.failed for each in found.values())
        result = "not run" if not sum(counts) and not failed else "FAILED" if failed else "held"
        fewest = min(counts, default=0)
        write(f"{number:>3}  {name:40} {len(found):>10} {sum(counts):>9} {fewest:>7}  {result}")
    write("")
    for number in LAWS:
        for name, each in sorted(_properties.get(number, {}).items()):
            write(f"law {number:>2}  {each.examples:>7}  {'FAILED' if each.failed else 'held'}  {name}")
