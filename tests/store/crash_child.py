"""A worker that kills itself: python crash_child.py URL LOG POINT. Not a test.

The points are found from outside, through SQLAlchemy's events: the store knows nothing of them.
"""

import os
import signal
import sys

from race_worker import note
from sqlalchemy import event
from triage_runs import store


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(engine, *, verb, table, times=1):
    """Die right after a statement on a table, with its transaction still open."""
    left = [times]

    @event.listens_for(engine, "after_cursor_execute")
    def _(connection, cursor, statement, *rest):
        if statement.lstrip().startswith(verb) and table in statement:
            left[0] -= 1
            if left[0] == 0:
                die()


def main(url, log, point):
    runs = store(url, 2)
    engine = runs.engine
    if point == "claim:after load":
        die_after(engine, verb="SELECT statemig_runs", table="statemig_runs")
    if point == "claim:after the update":
        die_after(engine, verb="UPDATE", table="statemig_runs")
    if point == "claim:after the history":
        die_after(engine, verb="INSERT", table="statemig_history")
    if point == "answer:inside the transaction":
        die_after(engine, verb="UPDATE", table="statemig_runs")
    if point.startswith("answer"):
        runs.answer("r", "k", {"approved": True})
        die()
    run = runs.claim("victim", ttl=60)
    if point == "claim:after commit":
        die()
    note(log, run.run_id, run.idempotency_key, "victim")
    if point == "step:after the side effect":
        die()
    if point == "save:after the update":
        die_after(engine, verb="UPDATE", table="statemig_runs")
    if point == "save:after the attempt":
        die_after(engine, verb="INSERT", table="statemig_attempts")
    if point == "save:before commit":
        event.listen(engine, "commit", die)
    with run:
        run.state["topic"] = "worked"
        run.wait("review", "k", output={"label": "victim"})
    die()


if __name__ == "__main__":
    main(*sys.argv[1:])
