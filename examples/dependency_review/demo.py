"""Parked runs survive a breaking deploy: the same runs resumed by ordinary loops, and with statemig.

    python examples/dependency_review/demo.py [--work FOLDER] [--format json]

Ends with exit code 1 unless, with statemig, every run comes out right and every answer arrives.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import without
from environment import requirements
from fates import FATES, arrived, fate, tally
from people import decide, subject
from service import HERE, WORKERS, Checkout, CommandFailed, documents, standing, stored, total
from stage import Stage

from statemig import json_text

JSON = dict[str, Any]
LOOPS = {"plain dicts": [], "pydantic models": ["--models"]}
RENAMES = ("state.findings[].text:detail", "steps.approve:review")


@dataclass
class Story:
    """What one act hands to the next."""

    work: Path
    facts: dict[str, JSON]  # by subject
    runs: dict[str, str] = field(default_factory=dict)  # run id -> subject
    parked: dict[str, JSON] = field(default_factory=dict)  # run id -> run document, as version 1 left it
    answers: list[JSON] = field(default_factory=list)  # the log: run_id, key, answer, when
    oracle: dict[str, JSON] = field(default_factory=dict)  # run id -> the run executed wholly on version 2

    @property
    def published(self) -> Path:
        return self.work / "published"

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.work / 'runs.db'}"

    def facts_of(self, run_id: str) -> JSON:
        return self.facts[self.runs[run_id]]

    @property
    def asked(self) -> dict[str, JSON]:
        """The parked runs whose question was out before the deploy, with what the person says to it."""
        return {
            run_id: decide(self.facts_of(run_id))
            for run_id, document in self.parked.items()
            if "approve" in document["outputs"] or any("key" in position for position in document["cursor"])
        }


def answer_questions(story: Story, store: Any, *, when: str, who: tuple[int, ...] = (0, 1, 2)) -> int:
    """Those of three people who are there answer what they have been asked. Returns how many answers they gave."""
    answered = 0
    for run_id, document in documents(store).items():
        for position in document["cursor"]:
            answer = decide(story.facts_of(run_id))
            if position["status"] == "waiting" and int(answer["comment"][-8:], 16) % 3 in who:
                store.answer(run_id, position["key"], answer)
                story.answers.append(
                    {"run_id": run_id, "key": position["key"], "answer": answer, "when": when}
                )
                answered += 1
    return answered


def same_values(left: Any, right: Any) -> bool:
    """Equal to the last byte once the keys are sorted: a patch (RFC 6902) does not promise their order."""
    return json_text.canonical(left) == json_text.canonical(right)


# -- the acts -----------------------------------------------------------------------------------------------


def deploy_version_1(stage: Stage, story: Story) -> Checkout:
    stage.act("Version 1 is deployed")
    packages = len({facts["package"] for facts in story.facts.values()})
    stage.say(
        f"The input is real: {len(story.facts)} requirements of {packages} distributions installed here."
    )
    stage.say("classify -> summarise -> assess -> approve (a person) -> publish")
    one = Checkout("v1", story.work / "version-1", story.store_url)
    for arguments in (["init"], ["revision", "--autogenerate", "-m", "First version"]):
        stage.command(typed(arguments), one.statemig(*arguments))
    return one


def run_and_kill_version_1(stage: Stage, story: Story, one: Checkout) -> None:
    stage.act(f"Version 1 works in {WORKERS} processes, and is killed in the middle")
    store = one.open_store()
    flows = one.flows()
    with one.workers(story.published) as workers:
        for number, (name, facts) in enumerate(story.facts.items()):
            # Requests come in while workers work: the queue grows, and holds runs at every step.
            while total(standing(store), "ready") > 8 + 0.6 * number:
                one.check_alive(workers)
                time.sleep(0.005)
            story.runs[store.start(flows.opening(facts))] = name
            if number % 25 == 24:
                answer_questions(story, store, when="while version 1 ran", who=(0,))
        # They go on until few runs are left that nobody has looked at. The plug is pulled in the middle of a step.
        while (counts := standing(store))["classify", "ready"] > len(story.facts) / 10 or total(
            counts, "running"
        ) < 2:
            one.check_alive(workers)
            time.sleep(0.003)
    counts = standing(store)
    stage.say("SIGKILL to every worker. The store holds what they had saved:")
    stage.standing(counts, list(flows.STEPS))
    story.parked = documents(store)
    for status in ("ready", "running", "waiting"):
        if not total(counts, status):
            raise CommandFailed(f"version 1 was to leave runs that are {status}, and left none")
    answered = answer_questions(story, store, when="while nobody ran", who=(1,))
    stage.say(f"Nobody runs. People go on answering all the same: {answered} answers are stored now.")


def without_statemig(stage: Stage, story: Story, two: Checkout) -> dict[str, dict[str, JSON]]:
    stage.act("Version 2 is deployed, without statemig")
    stage.say(
        "approve is now review, summarise is gone, ecosystem is required, findings[].text is detail,\n"
        'notify is a list, "medium" is "moderate". Copies of the parked runs go on in two ordinary loops.'
    )
    answers = story.work / "answers.json"
    answers.write_text(json.dumps({run_id: decide(story.facts_of(run_id)) for run_id in story.parked}))
    fresh = [
        {
            "run_id": run_id,
            "step": "classify",
            "state": two.flows().opening(story.facts_of(run_id)),
            "outputs": {},
        }
        for run_id in story.parked
    ]
    parked = [
        {"run_id": run_id, "step": document["cursor"][0]["step"], **document}
        for run_id, document in story.parked.items()
    ]

    def loop(name: str, options: list[str], rows: list[JSON]) -> dict[str, JSON]:
        path = story.work / f"{name}.db"
        without.create(path, rows)
        two.python(HERE / "without.py", str(path), str(answers), *options)
        return without.read(path)

    ended = {}
    for name, options in LOOPS.items():
        # The loops themselves are sound: each takes every run right through version 2 when it begins there.
        wholly = loop(f"{name} fresh", options, fresh)
        if story.oracle and wholly != story.oracle:
            raise CommandFailed("the two loops disagree about runs executed wholly on version 2")
        if any(run["status"] != "finished" for run in wholly.values()):
            raise CommandFailed(f"the loop over {name} does not finish runs executed wholly on version 2")
        story.oracle = wholly
        ended[name] = loop(name, options, parked)
    errors = {
        name: Counter(run["error"] for run in runs.values() if run["error"]) for name, runs in ended.items()
    }
    for name, runs in ended.items():
        crashes = ", ".join(f"{count} {error}" for error, count in errors[name].most_common()) or "none"
        fates = tally(runs, story.oracle, story.asked)
        fine = fates["right"]
        stage.say(
            f"  {name}: {fine} of {len(runs)} right, {fates['answer lost']} answers lost; crashes: {crashes}"
        )
        show_one_wrong(stage, story, runs)
    return ended


def show_one_wrong(stage: Stage, story: Story, ended: dict[str, JSON]) -> None:
    for run_id, run in ended.items():
        oracle = story.oracle[run_id]
        if fate(run, oracle, story.asked.get(run_id)) == "silently wrong":
            got, want = run["outputs"]["publish"], oracle["outputs"]["publish"]
            due = f"; due again in {got['again_in_days']} days instead of {want['again_in_days']}"
            stage.say(
                f"    silently wrong: {story.runs[run_id]}: {len(got['notices'])} notices instead of {len(want['notices'])}"
                f"{due if got['again_in_days'] != want['again_in_days'] else ''}"
            )
            return


def autogenerate(stage: Stage, story: Story, two: Checkout) -> None:
    stage.act("The same deploy with statemig: one command writes the migration")
    arguments = ["revision", "--autogenerate", "-m", "Reviews for npm"]
    try:
        two.statemig(*arguments)
    except CommandFailed as refusal:
        # At a terminal these are questions. Here nobody is there to answer, so the command says what to pass.
        stage.command(typed(arguments), refusal.output)
    else:
        raise CommandFailed("two renames were guessed without a word", "")
    for rename in RENAMES:
        arguments += ["--rename", rename]
    scripts = two.folder / "migrations" / "versions"
    before = set(scripts.glob("*.py"))
    stage.command(typed(arguments), two.statemig(*arguments))
    (script,) = set(scripts.glob("*.py")) - before
    stage.script(script.read_text())


def typed(arguments: list[str]) -> str:
    return shlex.join(["statemig", *arguments])


def there_and_back(stage: Stage, two: Checkout, first: str) -> dict[str, bool]:
    stage.act("Up, and exactly down again")
    store = two.open_store()
    migrator = store.migrator
    before = stored(store)
    run_id = next(run_id for run_id, row in before.items() if row.phase == "parked")
    store.upgrade(run_id)
    position = store.read(run_id).cursor[0]
    stage.say(
        f"Run {run_id[:8]} waits at {position['step']} of version 2, its question unchanged ({position['key'][:15]}...)."
    )
    store.downgrade(run_id, to=first)
    exact = same_values(store.document(stored(store)[run_id]), store.document(before[run_id]))
    stage.say(f"Brought down again, the store holds what version 1 wrote: {'yes' if exact else 'NO'}.")
    all_exact = True
    for row in before.values():
        up = migrator.upgrade(store.document(row), row.revision, record="complement")
        down = migrator.downgrade(up.document, to=first, complement=up.complement)
        written = row.content.encode() if isinstance(row.content, str) else row.content
        all_exact = all_exact and json_text.dumps(down.document) == written
    stage.say(
        f"All {len(before)} in memory, by the script's own way down and what it had kept: {'same bytes' if all_exact else 'NO'}."
    )
    return {
        "one run went up and exactly down again in the store": exact,
        "all of them do in memory": all_exact,
    }


def resume(stage: Stage, story: Story, two: Checkout) -> dict[str, JSON]:
    stage.act("Version 2 takes up every run where it stands")
    store = two.open_store()
    work_off(store, story, two)
    answered = answer_questions(story, store, when="after the deploy")
    stage.say(
        f"Workers upgrade each run as they claim it. People answer the {answered} questions that are still open."
    )
    work_off(store, story, two)
    ended = documents(store, ended=True)
    finished = sum(document["status"] == "finished" for document in ended.values())
    stage.say(f"{finished} of {len(ended)} runs are finished; {len(store.failures())} could not be migrated.")
    return {run_id: ended[run_id] for run_id in story.parked}


def work_off(store: Any, story: Story, two: Checkout) -> None:
    """Workers run until nothing is ready. Runs of killed workers become ready only when their lease has run out."""
    for _ in range(5):
        two.drain(story.published)
        counts = standing(store)
        if not total(counts, "ready") + total(counts, "running"):
            return
        time.sleep(1)


def close(
    stage: Stage, story: Story, columns: dict[str, dict[str, JSON]], back: dict[str, bool], store: Any
) -> JSON:
    stage.act("What became of the runs")
    before = len(story.runs) - len(story.parked)
    asked = story.asked
    summary: JSON = {
        "runs": len(story.runs),
        "finished before": before,
        "parked": len(story.parked),
        "asked": len(asked),
    }
    fates = {name: tally(runs, story.oracle, asked) for name, runs in columns.items()}
    answers = {
        name: sum(arrived(runs[run_id], asked[run_id]) for run_id in asked) for name, runs in columns.items()
    }
    for name in columns:
        summary[name] = {**{fate: fates[name][fate] for fate in FATES}, "answers arrived": answers[name]}
    rows: list[tuple[str, list[Any]]] = [(fate, [fates[name][fate] for name in columns]) for fate in FATES]
    rows += [
        ("finished before the deploy", [before] * len(columns)),
        ("", []),
        ("runs", [sum(fates[name].values()) + before for name in columns]),
        (f"answers that arrived, of {len(asked)}", [answers[name] for name in columns]),
    ]
    stage.columns("version 2 takes over", list(columns), rows)

    ours = columns["with statemig"]
    everything = documents(store, ended=True)
    log = {entry["run_id"]: entry["answer"] for entry in story.answers}
    checks = {
        "fates sum to the number of runs": all(
            sum(fates[name].values()) + before == len(story.runs) for name in columns
        ),
        "every run comes out right": fates["with statemig"]["right"] == len(story.parked),
        "its state and outputs are those of a run executed wholly on version 2": all(
            same_values(ours[run_id][part], story.oracle[run_id][part])
            for part in ("state", "outputs")
            for run_id in story.parked
        ),
        f"all {len(log)} answers of the log are in the run they were given to": all(
            answer
            in (everything[run_id]["outputs"].get("review"), everything[run_id]["outputs"].get("approve"))
            for run_id, answer in log.items()
        ),
        "every run was published once": len(list(story.published.iterdir())) == len(story.runs),
        **back,
    }
    for what, holds in checks.items():
        stage.say(f"{'[green]yes[/]' if holds else '[bold red]NO[/] '}  {what}")
    return {**summary, "checks": checks, "ok": all(checks.values())}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="an empty folder to work in, kept afterwards")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    arguments = parser.parse_args()

    began = time.monotonic()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="statemig-demo-"))
    stage = Stage(quiet=arguments.format == "json")
    # Sorted by what happens to be a digest: requirements of one package do not come in a row.
    requests = sorted(requirements(), key=lambda facts: decide(facts)["comment"][-8:])
    story = Story(work.resolve(), {subject(facts): facts for facts in requests})
    story.published.mkdir(parents=True)
    try:
        one = deploy_version_1(stage, story)
        run_and_kill_version_1(stage, story, one)
        two = Checkout("v2", story.work / "version-2", story.store_url, migrations_of=one)
        columns = without_statemig(stage, story, two)
        autogenerate(stage, story, two)
        back = there_and_back(stage, two, one.open_store().migrator.head)
        columns["with statemig"] = resume(stage, story, two)
        summary = close(stage, story, columns, back, two.open_store())
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if arguments.work is None:
            shutil.rmtree(work, ignore_errors=True)
    summary["seconds"] = round(time.monotonic() - began, 1)
    if arguments.format == "json":
        print(json.dumps(summary, indent=2))
    else:
        stage.say(f"\n{summary['seconds']} seconds.")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
