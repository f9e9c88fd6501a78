"""Law 6 on random operations: what is marked lossless needs no complement, in either direction."""

from __future__ import annotations

from hypothesis import given
from operation_chains import Chain, chains

from statemig import json_text
from statemig.errors import SchemaError
from statemig.operations import Operation
from statemig.operations.fields import MoveField, RenameField
from statemig.operations.steps import RenameStep
from statemig.operations.values import MapValues, WrapValue


def is_lossless(operation: Operation) -> bool:
    """Marked L whatever the document holds."""
    match operation:
        case RenameField() | RenameStep() | MoveField():
            return True
        case WrapValue(empty=empty):
            return empty is None
        case MapValues(mapping=mapping, otherwise="error"):
            images = [json_text.canonical(new) for _, new in mapping]
            return len(set(images)) == len(images)
        case _:
            return False


@given(chains(revisions=(2, 5), per_revision=(1, 1)))
def test_law_6_a_lossless_operation_needs_no_complement(chain: Chain) -> None:
    migrator = chain.migrator
    for number, operations in enumerate(chain.operations[1:], 1):
        if not all(map(is_lossless, operations)):
            continue
        try:
            old = chain.document(number - 1)
            new = chain.document(number)
        except SchemaError:
            continue  # no document gets through the operations before
        below, above = f"r{number - 1}", f"r{number}"
        up = migrator.upgrade(old, below, to=above)
        if up.error is None:
            down = migrator.downgrade(up.document, revision=above, to=below, record=None)
            assert json_text.equal(down.unwrap(), old), operations
        down = migrator.downgrade(new, revision=above, to=below, record=None)
        if down.error is None:
            up = migrator.upgrade(down.document, below, to=above)
            assert json_text.equal(up.unwrap(), new), operations
