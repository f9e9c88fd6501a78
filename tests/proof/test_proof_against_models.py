"""Never a false PROVED, and never a false REFUTED: judged by real models that write and real models that load, along chains whose
documents are never written again in between."""

from __future__ import annotations

import json
import warnings
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from random_edits import DEFECTS, edited, operations, with_defect
from random_models import Classes, random_version

from statemig import Migrator, Revision
from statemig.errors import OperationError, RevisionError
from statemig.proof.prove import prove
from statemig.proof.verdict import Verdict

DOCUMENTS = 8


class Chain:
    """Versions of a random application with scripts between them, some of them wrong."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        versions = [random_version(random)]
        self.scripts: list[Any] = [[]]
        for _ in range(random.choice((1, 1, 2, 3))):
            new, script = edited(versions[-1], random)
            versions.append(new)
            self.scripts.append(with_defect(script, random.choice(DEFECTS), random))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.classes = [Classes(version) for version in versions]
            self.snapshots = [each.snapshot() for each in self.classes]
        self.recorded = [operations(script) for script in self.scripts]
        self.verdicts: list[Verdict | None] = [
            None,
            *(
                prove(old, new, operations)
                for old, new, operations in zip(
                    self.snapshots, self.snapshots[1:], self.recorded[1:], strict=False
                )
            ),
        ]

    @property
    def migrator(self) -> Migrator:
        def script(recorded: Any) -> Any:
            return lambda op: [op.record(each) for each in recorded]

        return Migrator(
            revisions=[
                Revision(
                    f"r{number}",
                    f"r{number - 1}" if number else None,
                    upgrade=script(recorded),
                    snapshot=snapshot,
                    workflow="flow",
                )
                for number, (recorded, snapshot) in enumerate(zip(self.recorded, self.snapshots, strict=True))
            ]
        )

    def proved(self, number: int) -> bool:
        verdict = self.verdicts[number]
        return verdict is not None and verdict.up.verdict == "proved"


def chain_of(seed: int) -> Chain | None:
    try:
        return Chain(seed)
    except OperationError:
        return None  # the recorder refuses the script


@given(st.integers(0, 2**32))
def test_what_a_model_wrote_loads_at_the_end_of_every_proved_chain(seed: int) -> None:
    chain = chain_of(seed)
    if chain is None:
        return
    migrator = chain.migrator
    for start in range(len(chain.classes) - 1):
        end = start
        while end + 1 < len(chain.classes) and chain.proved(end + 1):
            end += 1
        for _ in range(DOCUMENTS if end > start else 0):
            text = chain.classes[start].dump(chain.random)
            document = {"status": "active", "state": json.loads(text)}
            for stop in range(start + 1, end + 1):
                try:
                    migrated = migrator.upgrade(document, f"r{start}", to=f"r{stop}", checked=True).unwrap()
                    chain.classes[stop].state.model_validate_json(json.dumps(migrated["state"]))
                except (OperationError, RevisionError):
                    break  # the script is refused before any run is touched
                except Exception as error:
                    raise AssertionError(
                        f"proved, and yet {text} fails at r{stop}: {chain.scripts}"
                    ) from error


@given(st.integers(0, 2**32))
def test_every_witness_is_a_document_that_the_migrator_rejects(seed: int) -> None:
    chain = chain_of(seed)
    if chain is None:
        return
    migrator = chain.migrator
    for number, verdict in enumerate(chain.verdicts):
        for finding in () if verdict is None else verdict.up.findings:
            if finding.witness is None:
                continue
            try:
                result = migrator.upgrade(finding.witness, f"r{number - 1}", to=f"r{number}")
            except (OperationError, RevisionError):
                return
            assert result.error is not None, finding.message
            assert "stamped with" not in str(result.error), "the witness is no document of the old version"
