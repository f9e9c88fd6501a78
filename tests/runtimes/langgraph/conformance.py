"""The conformance table: every change of a graph, on every saver, sync and async, with every kind of state, against the LangGraph that is
installed. ``make conformance``, or ``python tests/runtimes/langgraph/conformance.py --help``.

Exits with 1 where anything is not as it has to be.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from langgraph_alone import record, recorded, verdict
from langgraph_cells import Cell, everything, pairwise
from langgraph_play import MODES, Outcome, Scenario, play
from langgraph_savers import SAVERS, Kept, Storage, postgres_server
from langgraph_scenarios import FAMILIES, SCENARIOS
from langgraph_states import KINDS, Kind

_LETTERS: dict[Kind, str] = {"TypedDict": "T", "pydantic": "P", "dataclass": "D"}
_COLUMN = 8


@contextmanager
def storages() -> Iterator[dict[Kept, Storage]]:
    with tempfile.TemporaryDirectory(prefix="statemig-") as folder, postgres_server() as address:
        where = {"memory": "", "sqlite": f"{folder}/checkpoints.db", "postgres": address}
        yield {kind: Storage(kind, where[kind]) for kind in SAVERS}


def is_right(scenario: Scenario, found: Outcome) -> bool:
    return found == scenario.expected and all(each in found.message for each in scenario.says)


class Table:
    """Prints a line as soon as a change has been through all its cells."""

    def __init__(self) -> None:
        self.runs = 0
        self.red: list[str] = []
        self.words: Counter[str] = Counter()
        self._width = max(len(each.name) for each in SCENARIOS)

    def head(self) -> None:
        print(f"LangGraph {version('langgraph')}, checkpoint {version('langgraph-checkpoint')}, ", end="")
        print(f"sqlite {version('langgraph-checkpoint-sqlite')}, ", end="")
        print(f"postgres {version('langgraph-checkpoint-postgres')}; ", end="")
        print("with statemig, state as T TypedDict, P pydantic, D dataclass: a letter is green, ! is not\n")
        savers = "".join(f"{saver:<{2 * _COLUMN}}" for saver in SAVERS)
        modes = "".join(f"{mode:<{_COLUMN}}" for _ in SAVERS for mode in MODES)
        print(f"{'':<{self._width}}  {savers}")
        print(f"{'':<{self._width}}  {modes}LangGraph alone")

    def family(self, name: str) -> None:
        print(name)

    def line(self, scenario: Scenario, found: dict[Cell, Outcome], alone: dict[Kind, Outcome]) -> None:
        marks = ""
        for saver in SAVERS:
            for mode in MODES:
                cells = {cell.kind: cell for cell in found if (cell.saver, cell.mode) == (saver, mode)}
                shown = [self._mark(cells.get(kind), kind, found) for kind in KINDS]
                marks += f"{' '.join(shown):<{_COLUMN}}"
        words = {kind: verdict(outcome, scenario) for kind, outcome in alone.items()}
        self.words.update(words.values())
        print(f"{scenario.name:<{self._width}}  {marks}{_folded(words)}", flush=True)

    def _mark(self, cell: Cell | None, kind: Kind, found: dict[Cell, Outcome]) -> str:
        if cell is None:
            return " "
        self.runs += 1
        if is_right(cell.scenario, found[cell]):
            return _LETTERS[kind]
        self.differs(cell.name, cell.scenario.expected, found[cell])
        return "!"

    def differs(self, name: str, wanted: Outcome, found: Outcome) -> None:
        self.red.append(f"{name}\n  wanted {wanted}\n  found  {found}")

    def end(self, changes: int, seconds: float) -> None:
        for each in self.red:
            print(each, file=sys.stderr)
        alone = Counter("silent" if word.startswith("silent") else word for word in self.words.elements())
        right, silent = alone.pop("right", 0), alone.pop("silent", 0)
        print(
            f"\n{changes} changes, {self.runs} runs with statemig: {self.runs - len(self.red)} green, {len(self.red)} not. "
            f"LangGraph alone, {sum(self.words.values())} runs: {right} right, {sum(alone.values())} end in an error, "
            f"{silent} go wrong silently. {seconds:.0f} s"
        )


def _folded(words: dict[Kind, str]) -> str:
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    groups: dict[str, list[str]] = {}
    for kind, word in words.items():
        groups.setdefault(word, []).append(_LETTERS[kind])
    return "; ".join(f"{' '.join(letters)} {word}" for word, letters in groups.items())


def run(scenarios: Iterable[Scenario], *, subset: bool, record_alone: bool) -> int:
    start = time.monotonic()
    chosen = tuple(scenarios)
    table = Table()
    table.head()
    outcomes: dict[tuple[str, Kind], Outcome] = {}
    known = {} if record_alone else recorded()
    cells = list(pairwise(SCENARIOS) if subset else everything(SCENARIOS))
    with storages() as stored:
        for family, members in FAMILIES.items():
            here = [each for each in members if each in chosen]
            if here:
                table.family(family)
            for scenario in here:
                found = {
                    cell: play(scenario, stored[cell.saver], cell.mode, cell.kind)
                    for cell in cells
                    if cell.scenario is scenario
                }
                alone = {kind: play(scenario, stored["memory"], kind=kind, alone=True) for kind in KINDS}
                table.line(scenario, found, alone)
                for kind, outcome in alone.items():
                    outcomes[scenario.name, kind] = outcome
                    if not record_alone and known.get((scenario.name, kind)) != outcome:
                        wanted = known.get((scenario.name, kind), Outcome(None, ()))
                        table.differs(f"{scenario.name}, LangGraph alone, {kind}", wanted, outcome)
                if not subset:
                    _same_everywhere(scenario, stored, alone, table)
    table.end(len(chosen), time.monotonic() - start)
    if record_alone:
        record(outcomes)
    return 1 if table.red else 0


def _same_everywhere(
    scenario: Scenario, stored: dict[Kept, Storage], alone: dict[Kind, Outcome], table: Table
) -> None:
    """LangGraph alone does the same on every saver."""
    for saver in SAVERS:
        for mode in MODES:
            for kind in KINDS:
                found = play(scenario, stored[saver], mode, kind, alone=True)
                if found != alone[kind]:
                    table.differs(
                        f"{scenario.name}, LangGraph alone, {saver} {mode} {kind}", alone[kind], found
                    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("changes", nargs="*", help="names of changes; all where none is given")
    parser.add_argument(
        "--pairwise", action="store_true", help="the subset that CI runs: every pair of values occurs"
    )
    parser.add_argument(
        "--record", action="store_true", help="write down what LangGraph alone does, in alone.json"
    )
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what LangGraph says of channels that nobody has
    unknown = set(given.changes) - {each.name for each in SCENARIOS}
    if unknown:
        parser.error(f"no such change: {', '.join(sorted(unknown))}")
    scenarios = [each for each in SCENARIOS if not given.changes or each.name in given.changes]
    return run(scenarios, subset=given.pairwise, record_alone=given.record)


if __name__ == "__main__":
    sys.exit(main())
