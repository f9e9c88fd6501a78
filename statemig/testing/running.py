"""Try a law on recorded and on generated documents, and make what breaks it small.

Shrinking begins with the first failure and ends ten seconds later: from then on every document but the smallest known one passes, so
that hypothesis soon has nothing left to try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from statemig import json_text
from statemig.document import Document, new_document
from statemig.testing.case import Case
from statemig.testing.laws.registry import BORN_NEW, law
from statemig.testing.profiles import PROFILES, Profile
from statemig.testing.violation import Violation

SHRINKING: Final = 10.0
Judge = Callable[[Case, Document], None]


def replay(name: str, case: Case, judge: Judge | None = None) -> int:
    """Try the law on what is recorded for the revision that its documents are of. Returns how many there were; raises `Violation`."""
    judge = judge or law(name)
    count = 0
    for file, document in recorded(case, case.revision if name in BORN_NEW else case.below):
        count += 1
        try:
            judge(case, document)
        except Violation as violation:
            violation.origin = f"the recorded state {file.name}"
            raise
    return count


def recorded(case: Case, revision: str) -> Iterator[tuple[Path, Document]]:
    """The documents in ``corpus/<revision>/*.json``."""
    folder = None if case.corpus is None else case.corpus / revision
    if folder is None or not folder.is_dir():
        return
    for file in sorted(folder.glob("*.json")):
        content = json_text.loads(file.read_bytes())
        if isinstance(content, dict) and "state" in content.get("document", {}):
            yield file, content["document"]
        elif isinstance(content, dict) and isinstance(content.get("state"), dict):
            yield file, content
        else:
            yield file, new_document(content)


def generate(
    name: str,
    case: Case,
    *,
    profile: Profile = PROFILES["dev"],
    seed: int | None = None,
    judge: Judge | None = None,
    examples: int | None = None,
    database: Path | None = None,
) -> int:
    """Try the law on generated documents; returns how many. Raises `Violation` with the smallest that breaks it, and what hypothesis
    raises where it cannot generate any."""
    import hypothesis
    from hypothesis import HealthCheck, Phase, given, settings

    judge = judge or law(name)
    dependence = None
    if name == "value_laws":
        from statemig.testing.laws.values import Dependence

        dependence = Dependence(case)
    state = _Shrinking(judge, case)

    @given(documents(case, born_new=name in BORN_NEW))
    def holds(document: Document) -> None:
        state.ask(document)
        if dependence is not None and state.first is None:
            dependence.see(document)

    how: dict[str, Any] = {"derandomize": profile.same and seed is None}
    if database is not None and not profile.same and seed is None:
        from hypothesis.database import DirectoryBasedExampleDatabase

        how["database"] = DirectoryBasedExampleDatabase(database)
    else:
        how["database"] = None
    # No explain phase: what it tells is about the arguments of a test, and those are ours.
    phases = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
    run = settings(
        max_examples=examples or profile.examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=phases,
        report_multiple_bugs=False,
        **how,
    )(holds)
    if seed is not None:
        run = hypothesis.seed(seed)(run)
    try:
        run()
    except Violation as violation:
        violation.__notes__ = []  # hypothesis' own words about it; ours say more
        violation.examples = state.until
        raise violation from None
    if dependence is not None:
        try:
            dependence.judge()
        except Violation as violation:
            violation.examples = state.asked
            raise
    return state.asked


class _Shrinking:
    def __init__(self, judge: Judge, case: Case) -> None:
        self.judge = judge
        self.case = case
        self.asked = 0
        #: how many were asked when the first one failed
        self.until = 0
        self.first: float | None = None
        self.smallest: bytes | None = None

    def ask(self, document: Document) -> None:
        self.asked += 1
        late = self.first is not None and time.monotonic() - self.first > SHRINKING
        if late and json_text.dumps(document) != self.smallest:
            return
        try:
            self.judge(self.case, document)
        except Violation:
            if self.first is None:
                self.first, self.until = time.monotonic(), self.asked
            self.smallest = json_text.dumps(document)
            raise


def documents(case: Case, *, born_new: bool = False) -> Any:
    """Runs of the old version (of the new one with `born_new`), in the shape that is written and now and then in the sparse one; where the
    case is about an output, it is there."""
    from hypothesis import strategies as st

    from statemig.testing import strategies

    snapshot, revision = (case.new, case.revision) if born_new else (case.old, case.below)
    given = strategies.registered(revision)
    runs = strategies.runs(snapshot, overrides=given)
    if not born_new:  # the way down is for what the new version writes, the way up for whatever there is
        runs = st.one_of(runs, runs, strategies.runs(snapshot, shape="sparse", overrides=given))
    step = case.step
    if step is None:
        return runs
    if born_new:
        step = _renamed(case, step)
        if step is None:
            return runs
    output = strategies.from_snapshot(snapshot, step, overrides=given)

    def finished(document: Document, value: Any) -> Document:
        done = {**document.get("done", {}), step: max(1, document.get("done", {}).get(step, 0))}
        return {**document, "done": done, "outputs": {**document.get("outputs", {}), step: value}}

    return st.builds(finished, runs, output)


def _renamed(case: Case, step: str) -> str | None:
    from statemig.testing.laws.cursors import step_names
    from statemig.workflow.run_shape import outputs_of

    name = step_names(case).get(step)
    return name if name in outputs_of(case.new.writes) else None


__all__ = ["SHRINKING", "documents", "generate", "recorded", "replay"]
