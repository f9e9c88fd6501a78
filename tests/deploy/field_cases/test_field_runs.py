"""Runs of a `RunStore` on SQLite and on PostgreSQL, with real processes where several workers matter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import counters
import orders
import pytest
from pydantic import create_model

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.deploy import Aborted, Router, abort, complete, start
from statemig.fleet.backfill import upgrade_all
from statemig.store.protocols import RunFilter

#: seconds for which workers of two versions are let loose on the same runs, on each database
SECONDS = 90.0 if os.environ.get("STATEMIG_PROFILE") == "nightly" else 2.5


def begin(
    script: Any, url: str, log: Path, workers: dict[str, tuple[str, ...]]
) -> list[subprocess.Popen[bytes]]:
    """Worker processes, each with the arguments after its name."""
    return [
        subprocess.Popen(
            [sys.executable, script.__file__, url, str(log), name, *arguments], stderr=subprocess.PIPE
        )
        for name, arguments in workers.items()
    ]


def end(running: list[subprocess.Popen[bytes]], log: Path) -> list[list[str]]:
    """Wait for the end of all; what the log says then."""
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    return said(log)


def said(log: Path) -> list[list[str]]:
    return [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []


def processes(script: Any, url: str, log: Path, workers: dict[str, tuple[str, ...]]) -> list[list[str]]:
    return end(begin(script, url, log, workers), log)


# -- an approval answered after 21 deploys -----------------------------------------------------------------------------


def deploys(number: int) -> list[Revision]:
    """A first version, and so many after it: fields and steps are renamed, wrapped, unwrapped, added and removed in turn."""
    fields: dict[str, Any] = {"text": str}
    text, step = "text", "ask"
    chain: list[Revision] = []

    def freeze(upgrade: Any) -> None:
        model = create_model("State", **{name: (kind, ...) for name, kind in fields.items()})
        steps = [Step(step, kind="human", next="end"), Step("end")]
        below = chain[-1].revision if chain else None
        chain.append(
            Revision(
                f"d{len(chain)}",
                below,
                workflow="letters",
                snapshot=capture(Workflow("letters", state=model, steps=steps)),
                upgrade=upgrade,
            )
        )

    freeze(None)
    for count in range(1, number + 1):
        before, asked = text, step
        match count % 5:
            case 1:
                text = f"text_{count}"
                fields = {text if name == before else name: kind for name, kind in fields.items()}
                freeze(lambda op, old=before, new=text: op.rename_field(f"state.{old}", to=new))
            case 2:
                fields[f"added_{count}"] = int
                freeze(
                    lambda op, new=f"added_{count}", value=count: op.add_field(f"state.{new}", default=value)
                )
            case 3:
                fields[text] = list[str]
                freeze(lambda op, name=text: op.wrap(f"state.{name}"))
            case 4:
                fields[text] = str
                freeze(lambda op, name=text: op.unwrap(f"state.{name}", default=""))
            case _:
                step, gone = f"ask_{count}", f"added_{count - 3}"
                del fields[gone]
                freeze(
                    lambda op, old=asked, new=step, gone=gone: (
                        op.rename_step(old, to=new),
                        op.remove_field(f"state.{gone}"),
                    )
                )
    return chain


def test_an_approval_answered_after_21_deploys(url: str) -> None:
    """Each deploy opens its window, is preferred and completed; every third brings all runs along, the others only what is touched."""
    chain = deploys(21)
    first = RunStore(url, Migrator(revisions=chain[:1]))
    for run_id in ("asked", "left alone"):
        first.start({"text": "dear all"}, run_id=run_id)
        with first.load(run_id) as run:
            run.wait("ask", key="approval", payload={"please": "look"})
    before = first.read("asked")
    for number in range(1, 22):
        runs = RunStore(url, Migrator(revisions=chain[: number + 1]))
        start(runs, f"d{number}", old=f"d{number - 1}")
        Router(runs).prefer(f"d{number}")
        complete(runs, force=True)
        assert runs.claim(f"worker of {number}") is None
        if number % 3 == 0:
            upgrade_all(runs) if number > 3 else runs.upgrade("asked")
    assert (runs.head, runs.row("asked").started_revision) == ("d21", "d0")

    [waiting] = runs.read("asked").cursor
    assert waiting == {**before.cursor[0], "step": "ask_20"}
    runs.answer("asked", "approval", {"approved": True})
    with runs.claim("worker of 21") as run:
        assert (run.run_id, run.step, run.answer) == ("asked", "ask_20", {"approved": True})
        assert run.state == {"text_21": "dear all"}
        run.advance()
    with runs.claim("worker of 21") as run:
        run.advance()
    assert runs.read("asked").status == "finished"
    runs.downgrade("left alone", "d0")
    assert first.read("left alone").state == before.state
    assert [position["step"] for position in first.read("left alone").cursor] == ["ask"]


# -- a rollback --------------------------------------------------------------------------------------------------------

ORDERS = 50


@pytest.fixture
def forty_percent(url: str, tmp_path: Path) -> tuple[RunStore, RunStore, Path]:
    """50 orders of version 1, all asked for approval. 20 are answered; workers of version 2 take those along, and some through the next
    steps. Five more were upgraded alone. Four started on version 2."""
    log = tmp_path / "log"
    old, new = orders.store(url, 1), orders.store(url, 2)
    for number in range(ORDERS):
        old.start(orders.order(number), run_id=f"order{number:02}")
    orders.work(old, str(log), "old1", steps=2 * ORDERS)
    for number in range(20):
        (old, new)[number % 2].answer(f"order{number:02}", "approval", {"approved": True})
    processes(orders, url, log, {"new1": ("2", "25"), "new2": ("2", "25")})
    for number in range(20, 25):
        new.upgrade(f"order{number:02}")
    for number in range(4):
        state = {"customer": f"customer {number}", "remark": f"note {number}", "priority": "high", "done": []}
        new.start(state, run_id=f"young{number}", step="audit" if number == 3 else None)
    return old, new, log


def show(title: str, done: Aborted) -> None:
    names = [
        "stayed",
        "patched",
        "downgraded",
        "pinned",
        "started_downgraded",
        "started_pinned",
        "leased",
        "changed",
        "foreign",
    ]
    print(title, {name: getattr(done, name) for name in names})


def test_a_rollback_after_40_percent_were_upgraded_lazily_and_some_went_further(
    url: str, forty_percent: tuple[RunStore, RunStore, Path]
) -> None:
    old, new, log = forty_percent
    upgraded = [row for batch in new.iterate(RunFilter(revision="v2")) for row in batch]
    at_audit = {row.run_id for row in upgraded if "audit" in row.standing}
    held = new.claim("new1", ttl=600)
    assert held is not None

    done = abort(new, to="v1")
    show("abort:      ", done)
    with held as run:
        assert run.step is not None
        run.state["done"].append(f"{run.step} by v2")
        orders.note(str(log), run.run_id, "v2", run.step, run.idempotency_key or "", "new1")
        run.advance()
    new.deploy.leave("new1")
    again = abort(new)
    show("abort again:", again)

    # Of the 50, 25 had gone: 20 lazily, 5 alone. Nobody can say where those at the audit would stand.
    assert (done.stayed, done.patched, done.leased, done.foreign) == (25, 5, 1, 0)
    kept = {failure.run_id for failure in again.failures}
    assert kept == {row.run_id for row in upgraded if new.row(row.run_id).pinned_revision == "v2"}
    assert kept <= at_audit | {held.run_id}
    assert {failure.step for failure in again.failures} == {"audit"}
    assert done.pinned + done.downgraded + done.leased == 20 + (held.run_id.startswith("young"))
    assert (done.started_downgraded + done.started_pinned) == 4 - (held.run_id.startswith("young"))
    assert again.leased == again.changed == again.patched == 0

    # Everything goes on, on the version that it has, and ends; people answer what is asked.
    running = begin(orders, url, log, {"old1": ("1",), "old2": ("1",), "new1": ("2",)})
    while any(process.poll() is None for process in running):
        for batch in old.iterate(RunFilter(revision="v1", step="approve")):
            for row in batch:
                if row.phase == "parked":
                    old.answer(row.run_id, "approval", {"approved": True})
        time.sleep(0.1)
    notes = end(running, log)
    rows = [row for batch in new.iterate(RunFilter(ended=True)) for row in batch]
    assert {row.status for row in rows} == {"finished"}
    assert {row.revision for row in rows if row.run_id not in kept} == {"v1"}

    assert set(Counter(key for _, _, _, key, _ in notes).values()) == {1}
    for row in rows:
        number, document = int(row.run_id[5:]), new.document(row)
        state, version = document["state"], row.revision
        assert (state["customer"], state["remark" if version == "v2" else "note"]) == (
            f"customer {number}",
            f"note {number}",
        )
        steps = [line.split()[0].replace("review", "approve") for line in state["done"]]
        assert [step for step in steps if step != "audit"] in (
            ["plan", "approve", "approve", "pack", "send"],
            ["send"],  # the one that was started at the audit
        )
        if version == "v1":
            assert state["draft"] == (f"draft {number}" if row.run_id.startswith("order") else "")


# -- two versions at the same runs -------------------------------------------------------------------------------------


@pytest.fixture
def shared(url: str) -> RunStore:
    """Three runs of version 1, and the window open in which both versions write what version 1 reads."""
    old, new = (RunStore(url, counters.migrator(version)) for version in (1, 2))
    for run_id in counters.RUNS:
        old.start({"note": "keep me", "done": []}, run_id=run_id)
    assert start(new, "v2").modes == {"v1": "in memory"}
    Router(new).prefer(None)  # whoever is there first
    return new


def two_of_each(how: str, url: str, log: Path, seen: Callable[[list[list[str]]], bool]) -> list[list[str]]:
    """Two workers of each version for `SECONDS`, and on a slow machine until what is to be tested has happened."""
    names = [(f"{name} of version {version}", version) for version in "12" for name in ("one", "two")]
    running = begin(counters, url, log, {name: (version, how) for name, version in names})
    began = time.monotonic()
    while time.monotonic() - began < SECONDS or not seen(said(log)):
        if any(process.poll() is not None for process in running) or time.monotonic() - began > SECONDS + 60:
            break
        time.sleep(0.1)
    Path(f"{log}.stop").touch()
    return end(running, log)


def by_both(log: list[list[str]], kind: str) -> bool:
    """Whether workers of both versions have saved each run."""
    done = {(words[1], words[-1].split()[-1]) for words in log if words[0] == kind}
    return len(done) == 2 * len(counters.RUNS)


def test_two_workers_of_different_versions_load_the_same_run_at_the_same_moment_and_nothing_is_lost(
    url: str, tmp_path: Path, shared: RunStore
) -> None:
    log = two_of_each("load", url, tmp_path / "log", lambda log: by_both(log, "saved"))
    saved = [(words[1], words[2]) for words in log if words[0] == "saved"]
    conflicts = sum(int(words[1]) for words in log if words[0] == "conflicts")
    print(f"{len(saved)} loads saved by workers of two versions, {conflicts} lost the race and said so")
    assert conflicts > 0
    assert by_both(log, "saved")
    for run_id in counters.RUNS:
        view = shared.read(run_id)
        assert (view.stored_revision, view.state["remark"]) == ("v1", "keep me")
        assert Counter(view.state["done"]) == Counter(line for run, line in saved if run == run_id)
        # What version 1 has no place for came through all of its writes.
        assert view.state["last"] == [line for line in view.state["done"] if "version 2" in line][-1]


def test_no_step_is_run_twice_while_its_lease_holds_and_after_an_expired_one_the_key_tells(
    url: str, tmp_path: Path, shared: RunStore
) -> None:
    def seen(log: list[list[str]]) -> bool:
        return by_both(log, "ran") and sum("lease lost" in words for words in log) > 3

    log = two_of_each("claim", url, tmp_path / "log", seen)
    tries = Counter(key for _, _, key, *_ in log)
    saved = Counter(key for _, _, key, _, _, outcome, _ in log if outcome == "saved")
    lost = sum(outcome == "lease lost" for *_, outcome, _ in log)
    print(
        f"{len(log)} tries of {len(tries)} visits by workers of two versions, {lost} found their lease lost"
    )
    assert by_both(log, "ran")
    # While a lease holds, nobody else is at the run.
    for run_id in counters.RUNS:
        held = sorted((float(began), float(until)) for _, run, _, began, until, *_ in log if run == run_id)
        assert all(until <= began for (_, until), (began, _) in pairwise(held))
    # A lease that ran out makes a step run again, under the same key, and it is saved once.
    assert lost > 0
    assert max(tries.values()) > 1
    assert set(saved.values()) == {1}
    for run_id in counters.RUNS:
        done = shared.read(run_id).state["done"]
        assert Counter(done) == Counter(key for key in saved if key.startswith(f"{run_id}/"))
