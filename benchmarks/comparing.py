"""Bar 11: comparing two snapshots, comparing two 64 KB states, and how often a command builds a model's JSON Schema.

    python benchmarks/comparing.py [--smoke]

Two sides that differ in five places. `L` is `orjson.loads` of one side. Two states are compared where an upgrade is written with a
reverse patch (record="patch"); two snapshots by `statemig diff` and autogenerate.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jsonpatch
import orjson
from click.testing import CliRunner
from measuring.documents import SIZES, run_document
from measuring.report import Report
from measuring.timing import SMOKE, compare
from measuring.workflow import base, state_model

from statemig.autogenerate.compare import diff
from statemig.cli.main import cli
from statemig.operations import Operations, schema_after
from statemig.reverse_patch import reverse_patch
from statemig.workflow import capture as capturing
from statemig.workflow.snapshot import Snapshot


def main() -> None:
    report = Report("comparing", "Comparing snapshots and states", ("pydantic", "jsonpatch"))
    snapshots(report)
    states(report)
    schema_builds(report)
    report.finish()


def snapshots(report: Report) -> None:
    group = "two snapshots with 5 changes"
    old = base()
    op = Operations()
    op.rename_field("state.summary", to="digest")
    op.add_field("state.added", default="normal")
    op.remove_field("state.customer.since")
    op.convert("state.order.total", to="str")
    op.add_field("state.messages[].seen", default=False)
    writes, reads = (schema_after(side, op.recorded) for side in (old.writes, old.reads))
    new = Snapshot(old.workflow, writes, reads, old.profile, old.steps, old.start)
    raw, other = orjson.dumps(old.to_dict()), orjson.dumps(new.to_dict())
    found = len(diff(old, new))
    ratio = compare(lambda _: diff(old, new), str, orjson.loads, lambda: raw)
    note = f"{found} changes found, snapshot of {len(raw) / 1024:.0f} KB"
    report.add(group, "statemig, diff, the two known", ratio, bar="11", limit=5.0, note=note)

    def read() -> tuple[Snapshot, Snapshot]:
        return Snapshot.from_dict(orjson.loads(raw)), Snapshot.from_dict(orjson.loads(other))

    # What follows from one snapshot alone (its digests, what it declares) is made by the first comparison and kept.
    first = compare(lambda pair: diff(*pair), read, orjson.loads, lambda: raw)
    report.add(group, "statemig, diff, the first of the two", first)
    model = state_model()
    built = compare(lambda _: model.model_json_schema(), str, orjson.loads, lambda: raw)
    report.add(group, "pydantic model_json_schema, once", built)


def states(report: Report) -> None:
    size = "4 KB" if SMOKE else "64 KB"
    group = f"two states of {size} with 5 changes"
    before = run_document(SIZES[size])
    after = orjson.loads(orjson.dumps(before))
    state = after["state"]
    state["digest"] = state.pop("summary")
    state["added"] = "normal"
    del state["customer"]["since"]
    state["order"]["total"] = "129.5"
    state["messages"][2]["content"] = "changed"
    raw = orjson.dumps(before)

    def of(work: Callable[[Any, Any], Any]) -> Any:
        return compare(lambda _: work(after, before), str, orjson.loads, lambda: raw)

    patch = reverse_patch(before, after)
    assert patch is not None
    assert jsonpatch.apply_patch(after, patch) == before
    note = f"{len(patch)} operations"
    report.add(group, "statemig, reverse patch", of(reverse_patch), bar="11", limit=5.0, note=note)
    report.add(group, "jsonpatch.make_patch", of(jsonpatch.make_patch))
    report.add(group, "==", of(lambda a, b: a == b))


def schema_builds(report: Report) -> None:
    """How often commands that look at the code ask pydantic for a schema."""
    built: list[str] = []
    generate = capturing.generate

    def counted(core: Any, mode: Any, *rest: Any) -> Any:
        built.append(mode)
        return generate(core, mode, *rest)

    here = Path.cwd()
    capturing.generate = counted
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            Path("benchmarked_flows.py").write_text(
                "from pydantic import BaseModel\n\nfrom statemig import Step, Workflow\n\n\n"
                "class State(BaseModel):\n    topic: str\n\n\n"
                'triage = Workflow("triage", state=State, steps=[Step("send")])\n'
            )
            run = partial(CliRunner().invoke, cli, catch_exceptions=False)
            for command in (
                ["init"],
                ["revision", "--autogenerate", "-m", "first"],
                ["check"],
                ["diff"],
                ["current"],
            ):
                built.clear()
                result = run(command)
                assert result.exit_code == 0, result.output
                once = len(built) == len(set(built))
                if command[0] in ("revision", "check", "diff"):
                    what = f"`{command[0]}`: a model's schema is built once per side (reads, writes)"
                    report.fact("11", what, once and bool(built))
    finally:
        capturing.generate = generate
        os.chdir(here)


if __name__ == "__main__":
    main()
