"""A worker: take a run that is ready, do its step, say where it goes next. Nothing here knows of versions or migrations.

    python worker.py NAME PUBLISHED [--until-idle]

Run in the folder of the deployed version; the store is $STATEMIG_STORE.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from flows import STEPS, Ask

from statemig import Migrator, RunStore

LEASE = 2.0  # seconds; short, so that the demo need not wait long for the runs of a killed worker
THINKING = 0.01  # seconds a language model would take, and then some


def work(run: Any, published: Path) -> None:
    """One step of a run that this worker holds."""
    step = run.step
    time.sleep(THINKING)
    outcome = STEPS[step](run.state, run.outputs, run.answer)
    if step == "publish":
        # The outside world takes each key once, so a step that is repeated after a crash publishes nothing twice.
        (published / f"{run.idempotency_key.replace('/', '-')}.json").write_text(
            json.dumps(run.outputs["publish"])
        )
    match outcome:
        case None:
            run.finish()
        case Ask(waits_at, question):
            run.wait(waits_at, key=f"{waits_at}-{run.run_id}", payload=question)
        case following:
            run.advance(following)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("published", type=Path)
    parser.add_argument("--until-idle", action="store_true", help="end when no run is ready")
    arguments = parser.parse_args()

    store = RunStore(os.environ["STATEMIG_STORE"], Migrator.from_config())
    while True:
        run = store.claim(worker=arguments.name, ttl=LEASE)
        if run is not None:
            with run:
                work(run, arguments.published)
        elif arguments.until_idle:
            return
        else:
            time.sleep(0.005)


if __name__ == "__main__":
    main()
