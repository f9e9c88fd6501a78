"""A loop of your own over JSON files, one per run; the two lines that add lazy upgrade stand between the loop and its work."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from history import LAYOUT, WRITTEN_BY_VERSION_1, migrator
from pydantic import BaseModel

RUNS = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="own-runtime-"))


def load_run(run_id: str) -> dict:
    return json.loads((RUNS / f"{run_id}.json").read_text())


def save_run(run_id: str, run: dict) -> None:
    (RUNS / f"{run_id}.json").write_text(json.dumps(run))


# The two lines. Files without a stamp are version 1's.
hook = migrator.hook(unstamped="a1", layout=LAYOUT)
load_run, save_run = hook.wraps(load=load_run, save=save_run)


class Note(BaseModel):
    body: str


class Run(BaseModel):
    """Version 2's run. Version 1 said summary, owner: str and notes[].text, knew no priority and called the step approve."""

    topic: str
    digest: str
    owner: list[str]
    priority: str
    notes: list[Note]
    step: str


def work(run_id: str) -> Run:
    run = Run.model_validate(load_run(run_id))
    assert run.step == "review"
    run.owner.append("lee")
    run.step = "send"
    save_run(run_id, run.model_dump(mode="json"))  # through a model: the stamp is kept all the same
    return run


def main() -> None:
    (RUNS / "r1.json").write_text(json.dumps(WRITTEN_BY_VERSION_1))
    print("version 1 wrote ", (RUNS / "r1.json").read_text())
    print("version 2 works ", work("r1").model_dump_json())
    print("and has stored  ", (RUNS / "r1.json").read_text())
    again = load_run("r1")  # at head now, so nothing is upgraded twice: owner is no list of lists
    assert again["owner"] == ["kim", "lee"], again


if __name__ == "__main__":
    main()
