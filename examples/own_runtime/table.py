"""A loop of your own over a SQL table with a column of JSON text."""

from __future__ import annotations

import json
import sqlite3

from history import LAYOUT, WRITTEN_BY_VERSION_1, migrator

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, state TEXT)")


def load_run(run_id: str) -> str:
    (text,) = database.execute("SELECT state FROM runs WHERE id = ?", [run_id]).fetchone()
    return text


def save_run(run_id: str, text: str) -> None:
    with database:
        database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", [run_id, text])


hook = migrator.hook(unstamped="a1", layout=LAYOUT)


def work(run_id: str) -> None:
    run = hook.load(load_run(run_id))  # the text of the row in, version 2's run out
    assert run["step"] == "review"
    run["owner"].append("lee")
    run["step"] = "send"
    save_run(run_id, hook.dump(run))  # text in, so text out, with the stamp and what only version 1 knew


def main() -> None:
    save_run("r1", json.dumps(WRITTEN_BY_VERSION_1))
    print("version 1 wrote ", load_run("r1"))
    work("r1")
    print("version 2 stored", load_run("r1"))
    assert hook.load(load_run("r1"))["owner"] == ["kim", "lee"]


if __name__ == "__main__":
    main()
