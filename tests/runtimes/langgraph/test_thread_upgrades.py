"""Parked threads brought to another revision all at once, and going on there with or without the wrapper."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.types import Command
from langgraph_nodes import yes
from langgraph_play import THREAD, Answer, Outcome, Scenario, Turn, parked, play
from langgraph_savers import Storage
from langgraph_scenarios import SCENARIOS, named
from langgraph_threads import Threads, copied, url_of

from statemig.errors import AnswerError, ForeignRevisionError
from statemig.fleet.backfill import Backfill, downgrade_all, upgrade_all
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.appending import behind

RENAMED = named("step-and-field-renamed")
INSIDE = named("subgraph-and-step-in-it-renamed")
REFUSED = [
    named(name)
    for name in (
        "step-removed-hold",
        "step-removed-pin",
        "step-removed-fail",
        "step-missing",
        "finished-branch-removed",
        "waiting-branch-removed",
        "waiting-question-removed",
    )
]
ON_POSTGRES = [
    RENAMED,
    INSIDE,
    named("finished-sibling-renamed"),
    named("waiting-sibling-renamed"),
    named("arrived-branch-renamed"),
    named("join-renamed-while-one-waits-there"),
    named("packets-half-done"),
    named("nested-renamed"),
]


def is_gone_on_with_at_once(scenario: Scenario) -> bool:
    """Whether one worker of the last version takes the thread, and asks for no id from before."""
    if len(scenario.turns) != 2 or scenario.error is not None:
        return False
    first, last = scenario.turns
    by_today = all(each.by == "today" for each in last.inputs if isinstance(each, Answer))
    return first.version == 1 and last.version == len(scenario.versions) and by_today and not last.fails


def upgraded(scenario: Scenario, storage: Storage, *, wrapped: bool) -> tuple[Outcome, Backfill]:
    """Parked under the first version, brought to the last, and gone on with there."""
    threads = Threads(scenario, storage)
    done: list[Backfill] = []

    def upgrade(graph: Any) -> None:
        done.append(upgrade_all(threads.fleet().bind(graph)))

    return play(scenario, storage, alone=not wrapped, before_last=upgrade), done[0]


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "alone"])
@pytest.mark.parametrize(
    "scenario",
    [each for each in SCENARIOS if is_gone_on_with_at_once(each)],
    ids=lambda each: each.name,
)
def test_an_upgraded_thread_goes_on(scenario: Scenario, wrapped: bool, tmp_path: Path) -> None:
    """With the answer, no side effect repeated, and the same state as where it is upgraded when it is read."""
    found, done = upgraded(scenario, Storage("sqlite", tmp_path / "checkpoints.db"), wrapped=wrapped)
    assert found == scenario.expected
    assert (done.moved, done.seen, done.failures) == (1, 1, [])


@pytest.mark.parametrize("scenario", ON_POSTGRES, ids=lambda each: each.name)
def test_an_upgraded_thread_goes_on_without_the_wrapper(scenario: Scenario, database: Storage) -> None:
    assert upgraded(scenario, database, wrapped=False)[0] == scenario.expected


@pytest.mark.parametrize("scenario", REFUSED, ids=lambda each: each.name)
def test_what_can_not_go_over_is_listed_and_left(scenario: Scenario, tmp_path: Path) -> None:
    storage = Storage("sqlite", tmp_path / "checkpoints.db")
    threads = Threads(scenario, storage)
    before = threads.run("t1", 1, *scenario.first)
    fleet = threads.fleet()
    done = upgrade_all(fleet)
    assert (done.moved, [each.run_id for each in done.failures]) == (0, ["t1"])
    assert fleet.failures() == done.failures
    assert threads.run("t1", 1) == before
    threads.run("t1", 1, yes)
    assert fleet.failures() == []  # it is not the thread any more that failed


def test_the_others_go_on_where_one_can_not(database: Storage) -> None:
    pinned = named("step-removed-pin")
    threads = Threads(pinned, database)
    for name in ("a", "b", "c"):
        threads.run(name, 1, {"topic": "x"}, *([yes] if name != "b" else []))
    done = upgrade_all(threads.fleet())
    assert (done.moved, done.pinned, [(one.run_id, one.kind) for one in done.failures]) == (
        2,
        1,
        [("b", "pinned")],
    )


def test_a_dry_run_writes_nothing(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"})
    before = list(threads.fleet().iterate())
    done = upgrade_all(threads.fleet(), dry_run=True)
    assert (done.moved, list(threads.fleet().iterate())) == (1, before)


def test_only_threads_that_are_not_there_are_asked_for_again(database: Storage) -> None:
    """As after an interruption: the second time there is nothing left, and what is there is not touched."""
    threads = Threads(RENAMED, database)
    for number in range(7):
        threads.run(f"t{number}", 1, {"topic": "x"})

    class Interrupted(Exception):
        pass

    def stop(done: Backfill) -> None:
        if done.moved >= 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        upgrade_all(threads.fleet(), batch=2, progress=stop)
    assert sorted(threads.fleet().revisions()) == [("r1", "active", 3), ("r2", "active", 4)]
    first = {row.run_id: row.content for rows in threads.fleet().iterate() for row in rows}
    assert upgrade_all(threads.fleet(), batch=2).moved == 3
    assert upgrade_all(threads.fleet()).seen == 0
    later = {row.run_id: row.content for rows in threads.fleet().iterate() for row in rows}
    assert sum(later[name] == content for name, content in first.items()) == 4


def test_a_thread_that_went_on_meanwhile_is_left(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"})
    fleet = threads.fleet()
    ((row,),) = fleet.iterate()
    moved = fleet.bring(row, "r2")
    threads.run("t1", 1, yes)
    assert fleet.swap([moved]) == [False]
    assert threads.run("t1", 1).next == ("check",)


def test_a_thread_that_was_answered_meanwhile_is_left(database: Storage) -> None:
    """Nothing but a pending write was added to its checkpoint."""
    threads = Threads(named("waiting-sibling-renamed"), database)
    threads.run("t1", 1, *named("waiting-sibling-renamed").first)
    fleet = threads.fleet()
    ((row,),) = fleet.iterate()
    moved = fleet.bring(row, "r2")
    with database.open() as saver:
        found = saver.get_tuple(THREAD)
        saver.put_writes(found.config, [("__resume__", ["yes"])], found.pending_writes[0][0])
    assert fleet.swap([moved]) == [False]


def test_a_checkpoint_that_a_worker_puts_later_wins(database: Storage) -> None:
    """The worker is inside the node when the thread is upgraded."""
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"})
    fleet = threads.fleet()

    class Log(list[str]):
        def append(self, entry: str) -> None:
            if entry.startswith("approve"):
                while not upgrade_all(fleet).moved:  # what it was given is still on the way to the database
                    pass
            super().append(entry)

    threads.log = Log(threads.log)
    assert threads.run("t1", 1, yes).next == ("check",)
    assert upgrade_all(fleet).moved == 1
    assert threads.run("t1", 2, Command(resume="fine")).next == ()
    assert threads.log == ["write", "approve: yes", "check: fine", "summary='X'; answer='yes'; note='fine'"]


def test_how_long_a_thread_has_waited_stays(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"})
    (before,) = threads.fleet().kinds()
    upgrade_all(threads.fleet())
    (after,) = threads.fleet().kinds()
    assert (before.revision, after.revision) == ("r1", "r2")
    assert abs(after.since - before.since) < 0.001
    assert after.oldest == before.oldest


@pytest.mark.parametrize(
    "scenario", [RENAMED, INSIDE, named("finished-sibling-renamed")], ids=lambda each: each.name
)
def test_an_upgraded_thread_is_brought_back(scenario: Scenario, database: Storage) -> None:
    threads = Threads(scenario, database)
    before = threads.run("t1", 1, {"topic": "x"}, wrapped=False)
    upgrade_all(threads.fleet())
    assert downgrade_all(threads.fleet(), "r1").moved == 1
    after = threads.run("t1", 1, wrapped=False)
    assert (after.values, after.next) == (before.values, before.next)
    threads.run("t1", 1, yes, wrapped=False)
    assert len(threads.log) == len(set(threads.log))


@pytest.mark.parametrize("scenario", [RENAMED, INSIDE], ids=lambda each: each.name)
def test_an_id_from_before_an_upgrade_is_translated(scenario: Scenario, database: Storage) -> None:
    """Through two migrations of the whole thread, and one that is only read."""
    threads = Threads(scenario, database)
    (asked,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    upgrade_all(threads.fleet())
    downgrade_all(threads.fleet(), "r1")
    with database.open() as inner:
        saver = MigratingSaver(inner, threads.migrator)
        answers = saver.resume_map({"configurable": {"thread_id": "t1"}}, {asked.id: "yes"})
    (open_now,) = threads.run("t1", 2).interrupts
    assert answers == {open_now.id: "yes"}
    assert asked.id != open_now.id
    threads.run("t1", 2, Command(resume=answers))
    assert "review: yes" in threads.log


def test_an_id_from_before_answers_nothing_twice(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    (asked,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    upgrade_all(threads.fleet())
    threads.run("t1", 2, yes)
    with database.open() as inner:
        saver: Any = MigratingSaver(inner, threads.migrator)
        with pytest.raises(AnswerError, match="a question that the thread does not wait for"):
            saver.resume_map({"configurable": {"thread_id": "t1"}}, {asked.id: "yes"})


def test_a_thread_that_lost_its_stamp_says_no_revision_until_somebody_does(database: Storage) -> None:
    """A graph without the wrapper went on with it: it may have either shape."""
    threads = Threads(INSIDE, database)
    threads.run("t1", 1, {"topic": "x"})
    threads.run("t1", 1, None, wrapped=False)
    with database.open() as saver:  # what the graph without the wrapper would put next
        found = saver.get_tuple(THREAD)
        place = {**found.config["configurable"]}
        checkpoint = {**found.checkpoint, "id": behind(found.checkpoint["id"])}
        saver.put(
            {"configurable": place}, checkpoint, {"step": 1, "parents": {}}, checkpoint["channel_versions"]
        )
    fleet = threads.fleet()
    assert [kind.revision for kind in fleet.kinds()] == [None]
    assert [each.kind for each in upgrade_all(fleet).failures] == ["unstamped"]
    assert fleet.stamp("r1") == 1
    assert [kind.revision for kind in fleet.kinds()] == ["r1"]
    assert upgrade_all(fleet).moved == 1


def test_threads_of_which_nobody_knows_the_revision(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"}, wrapped=False)
    fleet = threads.fleet(unstamped=None)
    assert [each.kind for each in upgrade_all(fleet).failures] == ["unstamped"]
    assert (fleet.stamp("r1", ["t1", "nobody"]), upgrade_all(fleet).moved) == (1, 1)


def test_threads_of_another_workflow_are_none_of_its_business(database: Storage) -> None:
    other = replace(RENAMED, workflow="other")
    Threads(other, database).run("t1", 1, {"topic": "x"})
    fleet = Threads(RENAMED, database).fleet()
    assert (fleet.kinds(), upgrade_all(fleet).seen, fleet.stamp("r1", ["t1"])) == ([], 0, 0)
    with pytest.raises(ForeignRevisionError, match="the thread belongs to the workflow other"):
        fleet.row("t1")


KILLED = """
import sys
sys.path[:0] = [{here!r}]
from langgraph_scenarios import named
from statemig.fleet.backfill import upgrade_all
from statemig.runtimes.langgraph import ThreadFleet
fleet = ThreadFleet({url!r}, named("subgraph-and-step-in-it-renamed").migrator())
upgrade_all(fleet, batch=3, progress=lambda done: print(done.moved, flush=True))
"""


def test_an_upgrade_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    storage = Storage("sqlite", tmp_path / "checkpoints.db")
    threads = Threads(INSIDE, storage)
    threads.run("t", 1, {"topic": "x"})
    copied(storage, "t", 200)
    script = KILLED.format(here=str(Path(__file__).parent), url=url_of(storage))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "3"
        process.kill()
    at = {revision: count for revision, _, count in threads.fleet().revisions()}
    assert 3 <= at["r2"] < 201
    assert at["r1"] + at["r2"] == 201
    assert upgrade_all(threads.fleet()).moved == at["r1"]
    for name in ("0000", "0199", "t"):  # each goes on, and asks once
        threads.run(name, 2, yes, wrapped=False)
    assert threads.log.count("review: yes") == 3


def test_two_upgrades_at_once_bring_each_thread_once(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    for number in range(12):
        threads.run(f"t{number}", 1, {"topic": "x"})
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(
            lambda fleet: upgrade_all(fleet, batch=2), [threads.fleet(), threads.fleet()]
        )
    assert first.moved + second.moved == 12
    with database.open() as saver:
        for number in range(12):
            found = saver.list({"configurable": {"thread_id": f"t{number}"}})
            assert [each.metadata["statemig"]["revision"] for each in found].count("r2") == 1


def test_what_an_upgrade_removes_comes_back_with_the_thread(database: Storage) -> None:
    threads = Threads(named("field-removed"), database)
    before = threads.run("t1", 1, {"topic": "x"})
    assert upgrade_all(threads.fleet()).moved == 1
    assert "draft" not in threads.run("t1", 2).values
    assert downgrade_all(threads.fleet(), "r1").moved == 1
    assert threads.run("t1", 1, wrapped=False).values == before.values


def test_threads_that_have_ended_are_left_unless_they_are_asked_for(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("t1", 1, {"topic": "x"}, yes, Command(resume="fine"))
    assert upgrade_all(threads.fleet()).seen == 0
    assert upgrade_all(threads.fleet(), ended=True).moved == 1
    assert threads.run("t1", 2, wrapped=False).values["summary"] == "X"


class Backwards:
    """A cipher that nobody should use."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "backwards", plaintext[::-1]

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return ciphertext[::-1]


def test_encrypted_threads_are_brought_with_their_serializer(tmp_path: Path) -> None:
    """Without it the step of one is not known, which is said; and nothing is written."""
    serde = EncryptedSerializer(Backwards())
    storage = Storage("sqlite", tmp_path / "checkpoints.db")
    with storage.open() as inner:
        inner.serde = serde
        graph = RENAMED.versions[0]([]).compile(checkpointer=inner, name="flow")
        graph.invoke({"topic": "x"}, THREAD)
    threads = Threads(RENAMED, storage)
    assert [(one.step, one.status, one.count) for one in threads.fleet().counts()] == [(None, "ready", 1)]
    (failed,) = upgrade_all(threads.fleet(), dry_run=True).failures
    assert failed.reason == "the thread is stored in a form that only its own serializer reads"
    assert upgrade_all(threads.fleet(serde=serde)).moved == 1
    with storage.open() as inner:
        inner.serde = serde
        graph = RENAMED.versions[1]([]).compile(checkpointer=inner, name="flow")
        assert graph.get_state(THREAD).values["summary"] == "X"


@pytest.mark.parametrize(
    "name", ["question-inserted-before", "question-inserted-before-in-a-subgraph"], ids=lambda each: each
)
def test_a_plain_answer_is_refused_where_a_question_has_come_before(name: str, tmp_path: Path) -> None:
    """By LangGraph, which is shown two open questions; 1.0 counts tasks instead, so there the thread waits until it is read."""
    scenario = replace(named(name), turns=(parked(), Turn(2, (yes,))))
    found, done = upgraded(scenario, Storage("sqlite", tmp_path / "checkpoints.db"), wrapped=True)
    assert found.error == "RuntimeError"
    assert "multiple pending interrupts" in found.message
    if version("langgraph").startswith("1.0."):
        assert [each.kind for each in done.failures] == ["held"]
    else:
        assert done.moved == 1
