"""Workers that kill themselves: reads lines of JSON, forks a child for each, and says how it ended. Not a test.

A line is ``{"url", "version", "now", "ttl"}``. The child claims a run as a worker of that version, does a step, and kills itself
(SIGKILL) before it has written. Forking spares each the imports; otherwise it is a process like any other.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from fleets import CHAIN

from statemig import Migrator, RunStore


def child(order: dict[str, object]) -> None:
    now = float(str(order["now"]))
    store = RunStore(
        str(order["url"]), Migrator(revisions=CHAIN[: int(str(order["version"]))]), clock=lambda: now
    )
    run = store.claim("victim", ttl=float(str(order["ttl"])))
    if run is not None:
        run.state["topic"] = "worked"
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                child(order)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
