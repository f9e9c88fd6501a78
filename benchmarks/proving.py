"""How long a verdict takes, and what it saves.

    python benchmarks/proving.py [FOLDER] [--smoke]

FOLDER holds labelled pairs of model versions, as for autogenerate_quality.py; without it STATEMIG_CASES is taken, then ../shared/cases
beside this repository. For each pair the script that autogenerate proposes is proved in both directions, and so is it with each one of its
operations removed. The bar is 100 ms a revision, in milliseconds of CPU of the slowest pair; it needs no yardstick, since it is
there so that `verify` answers at once.

What it saves: `Migrator.upgrade(..., checked=True)` of a fresh process' first document and of later ones, with the verdict frozen and
without one. `L` is `orjson.loads` of the same document.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from autogenerate_quality import folder, labelled_renames, load
from measuring.documents import SIZES, run_document
from measuring.report import Report
from measuring.timing import SMOKE, compare
from measuring.workflow import base

from statemig import Migrator, Operations
from statemig.autogenerate.propose import propose
from statemig.operations import schema_after
from statemig.proof.prove import freeze, prove, prove_revision
from statemig.revisions.directory import Directory
from statemig.workflow.snapshot import Snapshot

BAR_MS = 100.0
SCRIPT = '''"""a change

Revision ID: {revision}
Revises: {below}
Workflow: {workflow}, version {version}
"""
from statemig import Operations

revision = "{revision}"
down_revision = {below!r}
workflow = "{workflow}"
version = {version}


def upgrade(op: Operations) -> None:
    {body}
'''


def main() -> None:
    report = Report("proving", "Proving revisions", ("pydantic",))
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    place = Path(given[0]) if given else folder()
    if place is None:
        print("No labelled pairs here: pass their folder, or set STATEMIG_CASES.")
    else:
        report.fact("verify", *development_set(load(place)[: 2 if SMOKE else None]))
    saved(report)
    report.finish()


def development_set(cases: list[dict[str, Any]]) -> tuple[str, bool]:
    """The sentence to print, and whether the bar is met."""
    _milliseconds(*_pair(cases[0]), ())  # what is imported once is not a revision's
    answers: Counter[str] = Counter()
    whole: list[tuple[float, str]] = []
    broken: list[tuple[float, str]] = []
    for case in cases:
        operations = propose(*_pair(case), labelled_renames(case)).operations
        took, answer = _milliseconds(*_pair(case), operations)
        answers[answer] += 1
        whole.append((took, case["id"]))
        for number in range(len(operations)):
            took, _ = _milliseconds(*_pair(case), (*operations[:number], *operations[number + 1 :]))
            broken.append((took, case["id"]))
    for name, times in (("as proposed", whole), ("with one operation removed", broken)):
        if times:
            slowest, where = max(times)
            print(
                f"{name}: {len(times)} revisions, median {median(t for t, _ in times):.1f} ms, slowest {slowest:.1f} ms ({where})"
            )
    print(", ".join(f"{count} {answer}" for answer, count in sorted(answers.items())))
    slowest = max(whole)[0]
    return (
        f"{slowest:.0f} ms of at most {BAR_MS:.0f} for the slowest revision of {len(cases)}",
        slowest <= BAR_MS,
    )


def _pair(case: dict[str, Any]) -> tuple[Snapshot, Snapshot]:
    """Made anew: a snapshot remembers what was worked out of it."""
    return Snapshot.from_json_schema(case["old_schema"]), Snapshot.from_json_schema(case["new_schema"])


def _milliseconds(old: Snapshot, new: Snapshot, operations: Any) -> tuple[float, str]:
    before = time.process_time()
    verdict = prove(old, new, operations)
    return 1000 * (time.process_time() - before), verdict.answer


def saved(report: Report) -> None:
    size = "4 KB" if SMOKE else "64 KB"
    document = run_document(SIZES[size])
    raw = orjson.dumps(document)
    with tempfile.TemporaryDirectory() as place:
        directory = _migrations(Path(place))

        def first(_: Any) -> Any:
            return Migrator(directory.location).upgrade(document, "r0", checked=True).unwrap()

        def against(work: Any) -> Any:
            return compare(work, str, orjson.loads, lambda: raw)

        group = f"upgrading a checked document of {size}"
        report.add(group, "first of a process, no verdict", against(first))
        validating = Migrator(directory.location)
        _ = [validating.upgrade(document, "r0", checked=True) for _ in range(3)]
        way = validating._way("r0", "r1")

        def later(_: Any) -> Any:
            way._proven = 1  # never as many as would have it proved at run time
            return validating.upgrade(document, "r0", checked=True).unwrap()

        report.add(group, "later ones, no verdict", against(later))
        freeze(directory, "r1", prove_revision(directory.load("r1"), directory.snapshot))
        report.add(group, "first of a process, proven", against(first))
        proven = Migrator(directory.location)
        report.add(
            group, "later ones, proven", against(lambda _: proven.upgrade(document, "r0", checked=True))
        )


def _migrations(place: Path) -> Directory:
    old = base()
    op = Operations()
    op.rename_field("state.summary", to="digest")
    op.add_field("state.added", default="normal")
    schema = schema_after(old.stored, op.recorded)
    new = Snapshot(old.workflow, schema, schema, old.profile, old.steps, old.start)
    directory = Directory.create(place / "migrations")
    bodies = ("pass", "; ".join(operation.source() for operation in op.recorded))
    for number, (snapshot, body) in enumerate(zip((old, new), bodies, strict=True)):
        below = f"r{number - 1}" if number else None
        named = {"revision": f"r{number}", "below": below, "workflow": old.workflow, "version": number + 1}
        text = SCRIPT.format(**named, body=body).replace("Revises: None", "Revises: ")
        directory.write(f"r{number}", below, old.workflow, number + 1, "change", text, snapshot)
    return directory


if __name__ == "__main__":
    main()
