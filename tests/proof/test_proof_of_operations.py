"""Random operations on random schemas, some of them dropped or in another order: what is proved refuses no document."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from operation_chains import Chain, make_chain, random_document

from statemig import Migrator, Revision
from statemig.errors import (
    CursorError,
    MigrationHeld,
    MigrationPinned,
    OperationError,
    RevisionError,
    SchemaError,
)
from statemig.proof.cases import documents
from statemig.proof.prove import prove
from statemig.proof.state import as_document

KEPT_BACK = (MigrationHeld, MigrationPinned)


def scripts(seed: int) -> tuple[Chain, list[Any]]:
    """A chain of two versions, and operations between them that may lack one."""
    random = Random(seed)
    chain = make_chain(seed, 1, random.randint(1, 4))
    operations = list(chain.operations[1])
    match random.choice(("exact", "exact", "dropped", "shuffled", "twice")):
        case "dropped" if operations:
            operations.pop(random.randrange(len(operations)))
        case "shuffled":
            random.shuffle(operations)
        case "twice" if operations:
            operations.append(random.choice(operations))
    return chain, operations


def migrator_of(chain: Chain, operations: list[Any]) -> Migrator:
    return Migrator(
        revisions=[
            Revision("a", snapshot=chain.versions[0].snapshot(), workflow="flow"),
            Revision(
                "b",
                "a",
                upgrade=lambda op: [op.record(each) for each in operations],
                snapshot=chain.versions[1].snapshot(),
                workflow="flow",
            ),
        ]
    )


@given(st.integers(0, 2**32))
def test_a_proved_script_refuses_no_document(seed: int) -> None:
    chain, operations = scripts(seed)
    old, new = chain.versions[0].snapshot(), chain.versions[1].snapshot()
    verdict = prove(old, new, operations)
    if verdict.up.verdict != "proved":
        return
    migrator = migrator_of(chain, operations)
    random = Random(seed)
    stored = [as_document(values, old) for values in islice(documents(old.stored), 40)]
    with suppress(SchemaError):  # no value was found for some shape
        stored += [random_document(chain.versions[0], random) for _ in range(6)]
    for document in stored:
        document.pop("pending", None)
        try:
            error = migrator.upgrade(document, "a").error
        except (OperationError, RevisionError):
            return  # refused before any run is touched
        if isinstance(error, CursorError) and verdict.cursor.verdict != "proved":
            continue
        assert error is None or isinstance(error, KEPT_BACK), f"{operations}: {error}"


@given(st.integers(0, 2**32))
def test_a_refuted_script_fails_on_its_witnesses(seed: int) -> None:
    chain, operations = scripts(seed)
    verdict = prove(chain.versions[0].snapshot(), chain.versions[1].snapshot(), operations)
    migrator = migrator_of(chain, operations)
    for finding in (*verdict.up.findings, *verdict.cursor.findings):
        if finding.witness is not None:
            try:
                error = migrator.upgrade(finding.witness, "a").error
            except (OperationError, RevisionError):
                return
            assert error is not None, finding.message
            assert "stamped with" not in str(error)
