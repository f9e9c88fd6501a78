"""The loop one writes first: runs are rows of a table, a step is a function, the row is saved after each step.

    python without.py RUNS.db ANSWERS.json [--models]

Run in the folder of the deployed version, whose flows.py it uses. `--models` loads the state through the version's pydantic
model before each step and refuses a step it does not know; without it the state stays the JSON that was stored, and a run
whose step is unknown has nothing left to do, as in LangGraph.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
TABLE = "CREATE TABLE runs (run_id TEXT PRIMARY KEY, status TEXT, step TEXT, state TEXT, outputs TEXT, error TEXT)"


def create(path: Path, rows: list[JSON]) -> None:
    """A table of runs: run_id, step, state and outputs of each, as they were parked."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.executemany(
            "INSERT INTO runs VALUES (?, 'active', ?, ?, ?, NULL)",
            [
                (row["run_id"], row["step"], json.dumps(row["state"]), json.dumps(row["outputs"]))
                for row in rows
            ],
        )
    connection.close()


def read(path: Path) -> dict[str, JSON]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT run_id, status, step, state, outputs, error FROM runs").fetchall()
    connection.close()
    return {
        run_id: {
            "status": status,
            "step": step,
            "state": json.loads(state),
            "outputs": json.loads(outputs),
            "error": error,
        }
        for run_id, status, step, state, outputs, error in rows
    }


def resume(connection: sqlite3.Connection, run_id: str, flows: Any, answers: JSON, *, models: bool) -> None:
    """Take one run as far as it goes. Raises whatever the run's step raises."""
    select = "SELECT step, state, outputs FROM runs WHERE run_id = ?"
    step, *texts = connection.execute(select, [run_id]).fetchone()
    state, outputs = map(json.loads, texts)
    while step is not None:
        if models:
            state = flows.Review.model_validate(state).model_dump(mode="json")
            function = flows.STEPS[step]
        else:
            function = flows.STEPS.get(step)
            if function is None:
                break
        outcome = function(state, outputs, answers.get(run_id))
        # A question is answered at once: the answer is in the log, and the step that asked is the next to run.
        step = outcome.step if isinstance(outcome, flows.Ask) else outcome
        connection.execute(
            "UPDATE runs SET step = ?, state = ?, outputs = ? WHERE run_id = ?",
            [step, json.dumps(state), json.dumps(outputs), run_id],
        )
        connection.commit()
    connection.execute("UPDATE runs SET status = 'finished' WHERE run_id = ?", [run_id])
    connection.commit()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--models", action="store_true")
    arguments = parser.parse_args()

    sys.path.insert(0, str(Path.cwd()))
    import flows

    answers = json.loads(arguments.answers.read_text())
    connection = sqlite3.connect(arguments.runs)
    # The store of a real service survives a power cut; this copy does not have to.
    connection.execute("PRAGMA synchronous = OFF")
    for (run_id,) in connection.execute("SELECT run_id FROM runs ORDER BY run_id").fetchall():
        try:
            resume(connection, run_id, flows, answers, models=arguments.models)
        except Exception as error:
            connection.execute(
                "UPDATE runs SET status = 'crashed', error = ? WHERE run_id = ?",
                [type(error).__name__, run_id],
            )
            connection.commit()
    connection.close()


if __name__ == "__main__":
    main()
