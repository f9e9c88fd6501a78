"""One law on one thing: what one test item runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from statemig.errors import StatemigError
from statemig.testing.case import Case
from statemig.testing.laws.registry import DATA, STRUCTURE, law
from statemig.testing.profiles import Profile
from statemig.testing.project import Project

NO_HYPOTHESIS = "generated states need hypothesis: pip install 'statemig[test]'"


class Skipped(Exception):
    """There is nothing to try, and why."""


@dataclass(frozen=True)
class Trial:
    """`about` is a case, or the name of a workflow, or (workflow, revision)."""

    law: str
    about: Case | str | tuple[str, str]
    project: Project
    profile: Profile
    cache: Path | None = None

    @cached_property
    def id(self) -> str:
        match self.about:
            case Case() as case:
                several = len(self.project.migrators) > 1
                return f"{case.migrator.workflow}-{case.id}" if several else case.id
            case (_, revision):
                file = self.project.directory.script_path(revision).stem
                slug = file.rpartition(revision)[2].strip("_").lower()[:40]
                return f"{revision[:4]}{f'_{slug}' if slug else ''}"
            case str() as workflow:
                return workflow

    def __call__(self) -> None:
        """Raises `AssertionError` in words where the law does not hold, and `Skipped`."""
        if self.law in STRUCTURE:
            self._structure()
        else:
            assert isinstance(self.about, Case)
            self._data(self.about)

    def _structure(self) -> None:
        from statemig.testing.laws import structure

        judge = getattr(structure, self.law)
        if self.law == "snapshot_matches_code":
            assert isinstance(self.about, str)
            code = self.project.code(self.about)
            if code is None:
                raise Skipped(
                    f"no configured workflow is called {self.about}, so there is no code to compare with"
                )
            judge(self.project.directory, self.about, code)
        elif isinstance(self.about, tuple):
            why = judge(self.project.directory, self.about[1])
            if self.law == "proof" and why is not None:
                raise Skipped(f"not proved: {why}")
        else:
            judge(self.project.directory, self.about)

    def _data(self, case: Case) -> None:
        from statemig.testing.running import generate, replay

        judge = self._judge(case)
        replayed = replay(self.law, case, judge)
        if self.law == "corpus_upgrades":
            if not replayed:
                raise Skipped(f"nothing is recorded for {case.below}: statemig corpus add")
            return
        try:
            import hypothesis  # noqa: F401
        except ModuleNotFoundError:
            raise Skipped(NO_HYPOTHESIS) from None
        generate(
            self.law,
            case,
            profile=self.profile,
            judge=judge,
            examples=self._examples(case),
            database=self._database,
        )

    def _judge(self, case: Case) -> Any:
        judge = law(self.law)
        if self.law != "head_model_loads":
            return judge
        if case.revision != case.migrator.head:
            raise Skipped("only what comes up to the head is loaded")
        load = self.project.loader(case.migrator.workflow)
        if load is None:
            raise Skipped("the state of today's code is no type that pydantic loads")
        return lambda each, document: judge(each, document, load)

    def _examples(self, case: Case) -> int:
        from statemig.proof.verdict import guarantee_of

        directory = self.project.directory
        try:
            frozen = directory.frozen(case.revision)
            below = [directory.frozen(each) for each in frozen.down_revisions]
        except StatemigError:
            return self.profile.examples
        proven = guarantee_of(frozen, below) == "proven"
        return max(10, self.profile.examples // 4) if proven else self.profile.examples

    @property
    def _database(self) -> Path | None:
        return None if self.cache is None else self.cache / f"{self.law}-{self.id}"


def trials(
    project: Project, profile: Profile, cache: Path | None = None, only: str | None = None
) -> Iterator[Trial]:
    """All of a project, or those of one law: structure first, then data, by law and by age of the revision."""
    for name, kind in STRUCTURE.items():
        if only in (None, name):
            abouts: Any = project.workflows if kind == "workflow" else project.revisions
            yield from (Trial(name, about, project, profile, cache) for about in abouts)
    for name in DATA:
        if only not in (None, name):
            continue
        for case in project.cases:
            of_run = name in ("cursor_is_safe", "corpus_upgrades", "head_model_loads")
            head_only = name == "head_model_loads" and case.revision != case.migrator.head
            if (of_run and case.step is not None) or head_only:
                continue
            if name == "cursor_is_safe" and not case.old.steps:
                continue
            yield Trial(name, case, project, profile, cache)
