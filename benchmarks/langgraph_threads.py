"""Bars 14 and 15: what reading a LangGraph thread through `MigratingSaver` costs; and the same deploys through langmigrate.

    python benchmarks/langgraph_threads.py [--smoke]

Bar 14, a thread that is at head: `get_tuple`, `graph.get_state` and a resume through the wrapper, each beside the same without it. "First"
is the first time that a process reads a thread, after others that were at head. Bar 15, a thread that stands 50 revisions below head: how
much more reading it takes than reading one at head, in units of `loads`, which is `serde.loads_typed` of the checkpoint as it is stored;
of that, what the upgrade of the state takes alone ("15 upgrade"), and how much is because they are 50 and not one ("15 chain"). Each
revision renames a channel and adds one ("channels"), or does what those of the other benchmarks do ("churn": nested objects and all items
of a list as well).
States have 23 channels: plain values (TypedDict), or with pydantic models for what is nested. The thread waits for a person.

langmigrate (PyPI) is measured beside it where it can do the case at all: `pip install langmigrate`, or it is put into `.bench/peers`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import count
from typing import Any

from langgraph.types import Command
from measuring import chains
from measuring.deploys import DEPLOYS, alone, outcome, with_langmigrate, with_statemig
from measuring.documents import SIZES
from measuring.peers import peer
from measuring.report import Report
from measuring.threads import MODELS, PLAIN, Stores, classes_after, graph_of, migrator_of, values
from measuring.timing import BATCH, SMOKE, Ratio, compare

from statemig import Migrator
from statemig.runtimes.langgraph import MigratingSaver

LENGTH = 50
THREAD: Any = {"configurable": {"thread_id": "t1"}}
OTHERS: Any = [{"configurable": {"thread_id": f"other{number}"}} for number in range(10)]
PACKAGES = (
    "langgraph",
    "langgraph-checkpoint-sqlite",
    "langgraph-checkpoint-postgres",
    "langmigrate",
    "pydantic",
)

_names = count()


def main() -> None:
    logging.disable(logging.WARNING)  # LangGraph's, about each class that it builds
    report = Report("langgraph_threads", "Reading LangGraph threads", PACKAGES)
    langmigrate = peer("langmigrate", install=not SMOKE) is not None
    if not langmigrate:
        print("langmigrate is not installed: pip install langmigrate")
    stores = ("memory", "SQLite") if SMOKE else ("memory", "SQLite", "PostgreSQL")
    sizes = list(SIZES)[: 1 if SMOKE else None]
    kinds = (PLAIN,) if SMOKE else (PLAIN, MODELS)
    with Stores.open(postgres=not SMOKE) as where:
        for store in stores:
            for kind in kinds:
                for size in sizes:
                    at_head(report, where, store, kind, size, langmigrate=langmigrate)
        for kind in kinds:
            resumed(report, where, kind, langmigrate=langmigrate)
        for kind in kinds:
            for size in sizes:
                behind(report, where, kind, size, langmigrate=langmigrate)
        report.finish()
        side_by_side(where, langmigrate=langmigrate)


def name(*parts: str) -> str:
    return "_".join((*parts, str(next(_names)))).lower().replace(" ", "")


def nothing() -> None:
    return None


# -- at head -----------------------------------------------------------------------------------------------------------


def at_head(report: Report, where: Stores, store: str, kind: str, size: str, *, langmigrate: bool) -> None:
    group = f"{store}, {kind}, {size}, at head"
    with where.saver(store, name(store, kind)) as inner:
        plain = graph_of(kind).compile(checkpointer=inner, name="refunds")
        migrator = migrator_of(kind)
        saver = MigratingSaver(inner, migrator)
        graph = graph_of(kind).compile(checkpointer=saver, name="refunds")
        graph.invoke(values(kind, size), THREAD)
        for config in OTHERS:
            graph.invoke(values(kind, size), config)

        def other_process() -> Any:
            """It has read threads, but not this one."""
            begun = MigratingSaver(inner, migrator)
            for config in OTHERS:
                begun.get_tuple(config)
            return begun

        def tuple_of(each: Any) -> Callable[[Any], Any]:
            return lambda _: each.get_tuple(THREAD)

        def state_of(each: Any) -> Callable[[Any], Any]:
            return lambda _: each.get_state(THREAD)

        pairs: tuple[tuple[str, Callable[[Any], Any], Callable[[], Any], Callable[[Any], Any]], ...] = (
            ("get_tuple", tuple_of(saver), nothing, tuple_of(inner)),
            ("get_tuple, first", lambda begun: begun.get_tuple(THREAD), other_process, tuple_of(inner)),
            ("graph.get_state", state_of(graph), nothing, state_of(plain)),
        )
        for what, mine, before, theirs in pairs:  # the same before either: what ran last is quicker
            ratio = compare(mine, before, theirs, before)
            report.add(group, what, ratio, unit="x without", bar="14", limit=1.05)
        if langmigrate:
            from langmigrate import MigrationRegistry, migration, setup_langmigrate

            peer_saver = setup_langmigrate(inner, MigrationRegistry([migration("r1")(lambda state: state)]))
            peer_saver.get_tuple(THREAD)  # it writes its stamp
            ratio = compare(tuple_of(peer_saver), nothing, tuple_of(inner), nothing)
            report.add(group, "langmigrate, get_tuple", ratio, unit="x without")


def resumed(report: Report, where: Stores, kind: str, *, langmigrate: bool) -> None:
    """From the answer to the end of the thread: one read, two nodes, and what they write."""
    group = f"SQLite, {kind}, 4 KB, at head"
    rounds, loops = (3, 1) if SMOKE else (15, 2)
    needed = (rounds * loops + 2) * BATCH

    def parked(wrap: Callable[[Any], Any], inner: Any) -> tuple[Any, Callable[[], Any]]:
        graph = graph_of(kind).compile(checkpointer=wrap(inner), name="refunds")
        for number in range(needed):
            graph.invoke(values(kind, "4 KB"), {"configurable": {"thread_id": f"t{number}"}})
        numbers = iter(range(needed))
        return graph, lambda: {"configurable": {"thread_id": f"t{next(numbers)}"}}

    def answering(graph: Any) -> Callable[[Any], Any]:
        return lambda config: graph.invoke(Command(resume="yes"), config)

    wraps: dict[str, Callable[[Any], Any]] = {
        "a resume, to the end": lambda inner: MigratingSaver(inner, migrator_of(kind))
    }
    if langmigrate:
        from langmigrate import MigrationRegistry, migration, setup_langmigrate

        registry = MigrationRegistry([migration("r1")(lambda state: state)])
        wraps["langmigrate, a resume, to the end"] = lambda inner: setup_langmigrate(inner, registry)
    for what, wrap in wraps.items():
        with where.saver("SQLite", name("resumed")) as mine, where.saver("SQLite", name("resumed")) as theirs:
            graph, fresh = parked(wrap, mine)
            plain, plain_fresh = parked(lambda inner: inner, theirs)
            ratio = compare(
                answering(graph),
                fresh,
                answering(plain),
                plain_fresh,
                rounds=rounds,
                loops=(loops, loops),
            )
        own = not what.startswith("langmigrate")
        bar, limit = ("14", 1.05) if own else (None, None)
        report.add(group, what, ratio, unit="x without", bar=bar, limit=limit)


# -- behind ------------------------------------------------------------------------------------------------------------


def channels(number: int) -> list[chains.Change]:
    """What revision `number` of the chain that both tools can do changes: a channel is renamed, and one is added."""
    return chains.churn(number)[:2]


def behind(report: Report, where: Stores, kind: str, size: str, *, langmigrate: bool) -> None:
    group = f"SQLite, {kind}, {size}, {LENGTH} revisions behind"
    with where.saver("SQLite", name("behind")) as inner:
        old = MigratingSaver(inner, migrator_of(kind))
        graph_of(kind).compile(checkpointer=old, name="refunds").invoke(values(kind, size), THREAD)
        query = "SELECT type, checkpoint FROM checkpoints ORDER BY checkpoint_id DESC LIMIT 1"
        stored = inner.conn.execute(query).fetchone()

        def loads(_: Any) -> Any:
            return inner.serde.loads_typed(stored)

        def reading(saver: Any) -> Ratio:
            return compare(lambda _: saver.get_tuple(THREAD), nothing, loads, nothing)

        at_head = reading(inner)
        for chain, changes in (("channels", channels), ("churn", chains.churn)):
            revisions = [changes(number) for number in range(1, LENGTH + 1)]

            def upgrading(length: int) -> Ratio:
                made = revisions[:length]  # noqa: B023
                with classes_after([change for each in made for change in each]):
                    saver = MigratingSaver(inner, migrator_of(kind, made))
                    return added(reading(saver), at_head)

            one, ratio = upgrading(1), upgrading(LENGTH)
            alone = compare(upgrade_of(migrator_of(kind, revisions), size), nothing, loads, nothing)
            report.add(group, f"{chain}: the upgrade alone", alone, unit="loads", bar="15 upgrade", limit=1.0)
            report.add(group, f"{chain}: added to reading it", ratio, unit="loads", bar="15", limit=1.0)
            more = added(ratio, one)
            report.add(
                group, f"{chain}: of it, by 49 of the 50", more, unit="loads", bar="15 chain", limit=1.0
            )
        if langmigrate:
            report.add(
                group,
                "langmigrate, channels: added",
                added(reading(peer_behind(inner)), at_head),
                unit="loads",
            )


def upgrade_of(migrator: Migrator, size: str) -> Callable[[Any], Any]:
    """What is done to the state of such a thread, once it is JSON: it is validated, goes through the scripts, and is validated again."""
    document = {
        "status": "active",
        "state": values(PLAIN, size),
        "cursor": [{"id": "t", "step": "approve", "status": "waiting"}],
    }
    return lambda _: migrator.upgrade(document, "r0", record="complement").unwrap()


def peer_behind(inner: Any) -> Any:
    """It would write the first read back, and have nothing to do afterwards."""
    from langmigrate import MigrationRegistry, migration, setup_langmigrate

    def upgrade(number: int) -> Callable[[Any], Any]:
        renamed, new = channels(number)
        return lambda state: state.rename_field(renamed.key, renamed.to).add_field(new.key, new.default)

    made = [
        migration(f"r{number}", down_revision=f"r{number - 1}" if number > 1 else None)(upgrade(number))
        for number in range(1, LENGTH + 1)
    ]
    return setup_langmigrate(inner, MigrationRegistry(made), write_back=False)


def added(more: Ratio, less: Ratio) -> Ratio:
    """The difference of two ratios to one yardstick."""
    return Ratio(more.value - less.value, more.low - less.high, more.high - less.low, more.noise, more.rounds)


# -- what is lost ------------------------------------------------------------------------------------------------------


def side_by_side(where: Stores, *, langmigrate: bool) -> None:
    """The same deploys, with neither, with langmigrate, and with statemig."""
    wraps = {"LangGraph alone": alone, "langmigrate": with_langmigrate, "statemig": with_statemig}
    if not langmigrate:
        del wraps["langmigrate"]
    deploys = [each for each in DEPLOYS if where.server is not None or each.store != "PostgreSQL"]
    print("A thread waits for a person, and a new version is deployed\n")
    print(f"  {'':<56} " + " ".join(f"{each:<16}" for each in wraps))
    notes = []
    counts = dict.fromkeys(wraps, 0)
    for deploy in deploys:
        cells = []
        for tool, wrap in wraps.items():
            word, detail = outcome(deploy, where, name("deploy"), wrap)
            counts[tool] += word == "right"
            cells.append(f"{word:<16}")
            if detail:
                notes.append(f"  {deploy.name}\n    {tool}, {word}: {detail}")
        print(f"  {deploy.name:<56} {' '.join(cells)}", flush=True)
    print(f"  {'right':<56} " + " ".join(f"{f'{each} of {len(deploys)}':<16}" for each in counts.values()))
    print("\nWhat came out\n")
    print("\n".join(notes))


if __name__ == "__main__":
    main()
