"""`statemig mutate`: are the project's own tests any good?"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from statemig.cli import exit_codes
from statemig.cli.output import complain, format_option, plural, print_json, progress, shown, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.errors import ConfigError, RevisionError

if TYPE_CHECKING:
    from statemig.revisions.script import Header
    from statemig.testing.mutant_project import Judged, ProjectCopy, Tested
    from statemig.testing.mutants import Mutant

_LONGER = 5
_PATIENCE = 10.0
_TAIL = 15


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option("--command", metavar="CMD", help="How to run the tests. Without it: pytest -x -q (--statemig).")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="When a mutant's tests have taken too long. Without it: five times as long as without a mutant, and 10 s.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="How many at a time. Without it: half of the cores."
)
@click.option("--list", "only_list", is_flag=True, help="Show the mutants; run no test.")
@workflow_option
@format_option
@pass_project
def mutate(
    project: Project,
    revision: str,
    command: str | None,
    timeout: float | None,
    jobs: int | None,
    only_list: bool,
    workflow: str | None,
    form: str,
) -> None:
    """Are the project's tests any good?

    Makes the usual mistakes in a revision's script, one at a time: an operation left out, two renames with each other's target, an entry of
    a table dropped, another default, only the first item of a list, not inside a recursive type, another order, a run sent to another
    step, who waits forgotten. Each mutant is tested by your own tests in a copy of the project. One that they do not notice has survived:
    it is shown as a difference of the script.

    Not counted: mutants that statemig refuses to load anyway, and those that do the same as the script (for 300 generated runs, up and
    down). Nothing in the project is touched; the copy leaves out .git, virtual environments and caches.

    Exit code 0: no mutant survived. 11: some did.
    """
    from statemig.testing.mutant_project import judge

    name, found = project.resolve_one(revision, workflow)
    directory = project.directory
    header = directory.graph(name)[found]
    script = directory.script_path(found)
    source = script.read_text(encoding="utf-8")
    mutants = _mutants(project, header, source)
    judged = list(judge(directory.location, name, found, mutants))
    if only_list:
        report = Report(header, script, source, judged, None)
    else:
        report = Report(
            header, script, source, judged, _tested(project, header, judged, command, timeout, jobs)
        )
    if form == "json":
        print_json(report.as_json())
    else:
        report.print()
    if report.survivors:
        raise SystemExit(exit_codes.SURVIVED)


def _mutants(project: Project, header: Header, source: str) -> list[Mutant]:
    from statemig.testing.mutants import mutants

    if len(header.down_revisions) != 1:
        raise RevisionError(
            "it follows no other revision, so it migrates nothing"
            if not header.down_revisions
            else "a merge migrates nothing of its own",
            workflow=header.workflow,
            revision=header.revision,
            hint="Name a revision whose script has operations",
        )
    directory = project.directory
    directory.load(header.revision)  # an edited script is refused before anything is made of it
    return mutants(source, directory.snapshot(header.down_revisions[0]), directory.snapshot(header.revision))


def _tested(
    project: Project,
    header: Header,
    judged: Sequence[Judged],
    command: str | None,
    timeout: float | None,
    jobs: int | None,
) -> list[Tested]:
    """Each mutant that is different, in the order of the script."""
    import time

    from statemig.testing.mutant_project import copies, default_command

    wanted = [each.mutant for each in judged if each.judgement == "different"]
    if not wanted:
        return []
    words = default_command() if command is None else shlex.split(command)
    number = min(len(wanted), jobs or max(1, (cpu_count() or 2) // 2))
    config = project.config
    stored = [Path(config.store.partition(":///")[2])] if config.store and ":///" in config.store else []
    with copies(config.root, config.script_location, number, ignore=stored) as made:
        began = time.monotonic()
        code, printed = made[0].run(words, timeout or 3600)
        took = time.monotonic() - began
        if code != 0:
            _refuse(code, printed, words)
        limit = timeout or _LONGER * took + _PATIENCE
        with progress("Testing mutants", len(wanted)) as advance:
            return _all(
                made, wanted, lambda copy, mutant: copy.test(header.revision, mutant, words, limit), advance
            )


def _all(
    copies: Sequence[ProjectCopy],
    mutants: Sequence[Mutant],
    test: Callable[[ProjectCopy, Mutant], Tested],
    advance: Callable[[int], None],
) -> list[Tested]:
    """As many at a time as there are copies."""
    free: SimpleQueue[ProjectCopy] = SimpleQueue()
    for each in copies:
        free.put(each)
    counting = threading.Lock()

    def one(mutant: Mutant) -> Tested:
        copy = free.get()
        try:
            return test(copy, mutant)
        finally:
            free.put(copy)
            with counting:
                advance(1)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, mutants))


def _refuse(code: int | None, printed: str, command: Sequence[str]) -> None:
    said = "\n".join(printed.rstrip().splitlines()[-_TAIL:])
    if said:
        complain(said)
    reason = (
        "took too long" if code is None else "found no test" if code == 5 else f"failed with exit code {code}"
    )
    raise ConfigError(
        f"without any mutant, in a copy of the project, `{shlex.join(command)}` {reason}",
        hint="Tests that fail anyway say nothing about mutants. Say how they are run: statemig mutate --command '...'",
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `tested` is None where no test was run."""

    header: Header
    script: Path
    source: str
    judged: Sequence[Judged]
    tested: Sequence[Tested] | None

    @property
    def survivors(self) -> list[Mutant]:
        return [each.mutant for each in self.tested or () if each.outcome == "survived"]

    def _count(self, judgement: str) -> int:
        return sum(each.judgement == judgement for each in self.judged)

    def _outcomes(self, outcome: str) -> int:
        return sum(each.outcome == outcome for each in self.tested or ())

    def as_json(self) -> dict[str, Any]:
        results = {id(each.mutant): each for each in self.tested or ()}
        return {
            "workflow": self.header.workflow,
            "revision": self.header.revision,
            "script": str(self.script),
            "counts": {
                "mutants": self._count("different"),
                "killed": self._outcomes("killed"),
                "timeout": self._outcomes("timeout"),
                "survived": len(self.survivors),
                "equivalent": self._count("equivalent"),
                "refused": self._count("refused"),
            },
            "mutants": [self._mutant_as_json(each, results.get(id(each.mutant))) for each in self.judged],
        }

    def _mutant_as_json(self, judged: Judged, tested: Tested | None) -> dict[str, Any]:
        mutant = judged.mutant
        outcome = None if judged.judgement == "different" else judged.judgement
        return {
            "kind": mutant.kind,
            "line": mutant.line,
            "what": mutant.what,
            "outcome": outcome if tested is None else tested.outcome,
            "why": judged.why or None,
            "seconds": None if tested is None else round(tested.seconds, 3),
            "diff": mutant.diff(self.source, shown(self.script)),
        }

    def print(self) -> None:
        header = self.header
        different = self._count("different")
        click.echo(
            f"{header.workflow} {header.revision}, version {header.version}: {plural(different, 'mutant')}"
        )
        uncounted = [
            f"{count} {meaning}"
            for count, meaning in (
                (self._count("equivalent"), "that make no difference"),
                (self._count("refused"), "that statemig refuses to load"),
            )
            if count
        ]
        if uncounted:
            click.echo(f"  not counted: {', '.join(uncounted)}")
        if self.tested is None:
            for each in self.judged:
                if each.judgement == "different":
                    self._show(each.mutant)
            return
        late = self._outcomes("timeout")
        killed = self._outcomes("killed") + late
        click.echo(
            f"  killed: {killed}{f' ({late} by taking too long)' if late else ''}, survived: {len(self.survivors)}"
        )
        for mutant in self.survivors:
            self._show(mutant)
        if self.survivors:
            complain(
                "The tests pass with each of these mistakes in the script. A test that fails with it is missing."
            )
        elif different:
            click.echo("The tests notice every one.")
        else:
            click.echo("There is nothing in the script to make a mistake in.")

    def _show(self, mutant: Mutant) -> None:
        click.echo(f"\nline {mutant.line}, {mutant.kind}: {mutant.what}")
        for line in mutant.diff(self.source, shown(self.script)).splitlines():
            click.echo(f"  {line}")
