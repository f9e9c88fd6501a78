"""A thread waits for a person under version 1, and version 3 has the answer: with LangGraph alone, and with statemig around its saver."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from statemig import Migrator
from statemig.runtimes.langgraph import MigratingSaver

HERE = Path(__file__).parent
MIGRATOR = Migrator(HERE / "migrations")


def work(database: str, revision: str, given: str) -> None:
    from refunds import builder  # of the version that is on the path

    with SqliteSaver.from_conn_string(database) as saver:
        saver = saver if revision == "alone" else MigratingSaver(saver, MIGRATOR, revision=revision)
        graph = builder.compile(checkpointer=saver, name="refunds")
        thread = {"configurable": {"thread_id": "7"}}
        if given != "look":
            graph.invoke({"ticket": "broken cup"} if given == "ticket" else Command(resume=given), thread)
        found = graph.get_state(thread)
        print("  stands at ", *(found.next or ["the end"]), "asks", [each.value for each in found.interrupts])
        print("  state     ", found.values)


def scene(title: str, version: int, database: Path, *arguments: str) -> None:
    print(f"\nversion {version}, {title}", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(HERE / f"v{version}"), "LANGGRAPH_STRICT_MSGPACK": "true"}
    subprocess.run([sys.executable, __file__, str(database), *arguments], env=environment, check=True)


if sys.argv[1:]:
    sys.exit(work(*sys.argv[1:]))
with tempfile.TemporaryDirectory() as folder:
    alone, wrapped = Path(folder, "alone.db"), Path(folder, "wrapped.db")
    scene("LangGraph alone: a ticket comes in", 1, alone, "alone", "ticket")
    wrapped.write_bytes(alone.read_bytes())  # the same thread, twice
    scene("LangGraph alone: the person says yes", 3, alone, "alone", "yes")
    scene("with statemig: the same thread is looked at", 2, wrapped, "b2", "look")
    scene("with statemig: the person says yes", 3, wrapped, "head", "yes")
