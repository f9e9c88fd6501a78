"""Laws 1 to 4, 10, 13, 19 and 20 on random chains of operations, never dumped again in between."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import jsonpatch
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from operation_chains import SLOW, Chain, chains

from statemig import json_text
from statemig.errors import (
    InvalidStateError,
    MigrationError,
    NewerRevisionError,
    OperationError,
    RevisionError,
    SchemaError,
    UnknownRevisionError,
)
from statemig.migrator import Migrator, Result
from statemig.operations import schema_after
from statemig.plan import stepwise
from statemig.shapes.accept import accepts
from statemig.shapes.shape import Schema
from statemig.shapes.subshape import gaps
from statemig.shapes.validator import Validator

DOCUMENTS = 2


def upgraded(chain: Chain, migrator: Migrator, document: dict[str, Any], **how: Any) -> Result | None:
    """The result, or None where a typed error says why this document cannot be upgraded."""
    before = json_text.dumps(document)
    result = migrator.upgrade(document, "r0", **how)
    assert json_text.dumps(document) == before, "law 13: the argument was changed"
    if result.error is None:
        return result
    assert isinstance(result.error, MigrationError)
    # A wrong shape after the upgrade would mean that shapes and documents disagree (law 20); an error of an operation is its right.
    assert not isinstance(result.error, InvalidStateError), str(result.error)
    assert result.document is document
    assert result.revision == "r0"
    assert result.outcome in ("failed", "held", "pinned")
    return None


def parts(document: dict[str, Any]) -> dict[str, Any]:
    return {part: document[part] for part in ("state", "outputs") if part in document}


@pytest.mark.law(1, 20)
@given(chains())
def test_an_upgraded_document_has_the_predicted_shape(chain: Chain) -> None:
    migrator = chain.migrator
    schema = chain.versions[-1].schema
    for _ in range(DOCUMENTS):
        result = upgraded(chain, migrator, chain.document())
        if result is not None:
            assert is_valid(result.document, schema)


def is_valid(document: dict[str, Any], schema: Schema) -> bool:
    """By our own reading of shapes, and by JSON Schema."""
    found = parts(document)
    return Validator(schema).is_valid(found) and accepts(schema.root, found, schema)


def way_back(chain: Chain) -> Schema | None:
    """What the inverse operations make of the shape of the last version; None where they only make sense for what came up, and where one
    is about <Node>: on the way down that is found in the frozen shape, also in what a `restore` has put there."""
    schema, inverses = chain.versions[0].schema, []
    for operation in (each for operations in chain.operations for each in operations):
        if operation.needs_schema:
            return None
        inverses.append(operation.bind(schema).inverse())
        schema = schema_after(schema, [operation])
    try:
        return schema_after(chain.versions[-1].schema, inverses[::-1])
    except OperationError:
        return None


@pytest.mark.law(2)
@given(chains())
def test_a_downgraded_document_is_valid_wherever_it_was_born(chain: Chain) -> None:
    migrator = chain.migrator
    old = chain.versions[0].schema
    back = way_back(chain)
    whole = back is not None and not gaps(back, old)
    came_up = migrator.upgrade(chain.document(), "r0", record="complement")
    documents = [(came_up.document, came_up.complement)] if came_up.error is None else []
    with suppress(SchemaError):  # no document gets through these operations
        documents.append((chain.document(len(chain.versions) - 1), {}))
    for document, complement in documents:
        before = json_text.dumps(document)
        down = migrator.downgrade(document, to="r0", complement=complement)
        assert json_text.dumps(document) == before
        if down.error is None:
            assert Validator(old).is_valid(parts(down.document))  # formats are not asserted of what is stored
        else:
            assert isinstance(down.error, MigrationError)
            assert down.document is document
            # The script says what comes back, and it is enough: then whole states fit; of a part of one nothing is known.
            assert not (whole and isinstance(down.error, InvalidStateError)) or document.get("pending")


@pytest.mark.law(20)
@given(chains())
def test_what_the_inverses_make_of_a_document_has_the_shape_that_they_predict(chain: Chain) -> None:
    predicted = way_back(chain)
    assume(predicted is not None)
    assert predicted is not None
    try:
        document = chain.document(len(chain.versions) - 1)
    except SchemaError:
        assume(False)
    stages = chain.migrator._stages(chain.head, "r0")
    with suppress(MigrationError):
        down, _ = stepwise.run(document, stages, {}, recording=False)
        assert accepts(predicted.root, parts(down), predicted)


@pytest.mark.law(3)
@given(chains())
def test_down_gives_back_the_document_to_the_order_of_its_keys(chain: Chain) -> None:
    migrator = chain.migrator
    for _ in range(DOCUMENTS):
        document = chain.document()
        result = upgraded(chain, migrator, document, record="complement")
        if result is not None:
            stored = json_text.loads(json_text.dumps(result.complement))
            back = migrator.downgrade(result.document, to="r0", complement=stored).unwrap()
            assert json_text.dumps(back) == json_text.dumps(document)


@pytest.mark.law(3)
@given(chains())
def test_a_reverse_patch_gives_back_the_same(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = upgraded(chain, migrator, document, record="patch")
    if result is not None and result.reverse_patch is not None:
        assert json_text.equal(jsonpatch.apply_patch(result.document, result.reverse_patch), document)


@pytest.mark.law(4)
@given(chains())
def test_a_document_born_new_survives_going_down_and_up(chain: Chain) -> None:
    migrator = chain.migrator
    try:
        document = chain.document(len(chain.versions) - 1)
    except SchemaError:
        assume(False)  # no document gets through these operations
    down = migrator.downgrade(document, to="r0")
    assert down.error is None or isinstance(down.error, MigrationError)
    if down.error is None:
        up = migrator.upgrade(down.document, "r0", complement=down.complement, record="complement").unwrap()
        assert json_text.dumps(up) == json_text.dumps(document)


@pytest.mark.law(4)
@given(chains())
def test_up_after_down_after_up_is_the_same(chain: Chain) -> None:
    migrator = chain.migrator
    result = upgraded(chain, migrator, chain.document(), record="complement")
    if result is not None:
        down = migrator.downgrade(result.document, to="r0", complement=result.complement)
        again = migrator.upgrade(
            down.unwrap(), "r0", complement=down.complement, record="complement", checked=True
        )
        assert json_text.dumps(again.unwrap()) == json_text.dumps(result.document)
        assert json_text.equal(again.complement, result.complement)


@pytest.mark.law(10)
@given(chains((2, 5)))
def test_one_revision_at_a_time_is_the_same_as_all_at_once(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = upgraded(chain, migrator, document, record="complement")
    if result is None:
        return
    step, complement = document, {}
    for number in range(1, len(chain.versions)):
        one = migrator.upgrade(
            step, f"r{number - 1}", to=f"r{number}", record="complement", complement=complement
        )
        step, complement = one.unwrap(), one.complement
    assert json_text.dumps(step) == json_text.dumps(result.document)
    assert json_text.equal(complement, result.complement)
    assert result.applied == migrator.path("r0", chain.head)


@pytest.mark.law(3, 19)
@SLOW
@given(chains((10, 12), (1, 2)))
def test_long_chains(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = upgraded(chain, migrator, document, record="complement")
    if result is not None:
        back = migrator.downgrade(result.document, to="r0", complement=result.complement).unwrap()
        assert json_text.dumps(back) == json_text.dumps(document)


@pytest.mark.law(19)
@given(chains((2, 5), (1, 2)), st.data())
def test_revisions_that_are_unknown_or_newer_are_refused_and_the_document_stays(
    chain: Chain, data: st.DataObject
) -> None:
    revisions = chain.revisions(snapshots=True)
    known = data.draw(st.integers(1, len(revisions) - 1))
    migrator = Migrator(revisions=revisions[:known])
    stamp = data.draw(st.sampled_from([f"r{known}", chain.head, "r", "zz", "R0", "r0x"]))
    document = chain.document()
    before = json_text.dumps(document)
    for attempt in (
        lambda: migrator.upgrade(document, stamp),
        lambda: migrator.downgrade(document, revision=stamp, to="r0"),
        lambda: migrator.validate(document, stamp),
    ):
        with pytest.raises(UnknownRevisionError) as refused:
            attempt()
        assert refused.value.revision == stamp
        assert refused.value.hint
    whole = chain.migrator
    upper, lower = known, data.draw(st.integers(0, known - 1))
    with pytest.raises(NewerRevisionError):
        whole.upgrade(document, f"r{upper}", to=f"r{lower}")
    with pytest.raises(RevisionError):
        whole.downgrade(document, revision=f"r{lower}", to=f"r{upper}")
    assert json_text.dumps(document) == before


@pytest.mark.law(13)
@given(chains((1, 3)))
def test_nothing_is_shared_between_two_results(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    first = upgraded(chain, migrator, document, record="complement")
    if first is None:
        return
    expected = json_text.dumps([first.document, first.complement])
    scramble(first.document, untouched=document)
    second = migrator.upgrade(document, "r0", record="complement")
    assert json_text.dumps([second.document, second.complement]) == expected


def scramble(value: Any, *, untouched: Any) -> None:
    """Change every container that is not part of the input, which untouched parts may share."""
    shared: set[int] = set()

    def collect(inner: Any) -> None:
        if isinstance(inner, dict | list):
            shared.add(id(inner))
            for each in inner.values() if isinstance(inner, dict) else inner:
                collect(each)

    def change(inner: Any) -> None:
        if isinstance(inner, dict | list) and id(inner) not in shared:
            for each in list(inner.values() if isinstance(inner, dict) else inner):
                change(each)
            inner.clear()

    collect(untouched)
    change(value)


@pytest.mark.parametrize("seed", range(3))
def test_the_generator_reaches_every_operation(seed: int) -> None:
    from operation_chains import KINDS, make_chain

    seen = {
        operation.name
        for number in range(120)
        for operations in make_chain(1000 * seed + number, 3, 3).operations
        for operation in operations
    }
    assert seen == set(KINDS)


def test_few_random_operations_are_refused_when_they_are_loaded() -> None:
    """What is refused is not tested, so the generator has to know what fits."""
    from operation_chains import make_chain

    kept = sum(len(operations) for seed in range(100) for operations in make_chain(seed, 3, 3).operations)
    assert kept > 0.6 * 900
