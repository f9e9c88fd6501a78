"""Laws 1, 3, 4, 10, 13, 19 and 20 on random chains of operations, never dumped again in between."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import assume, given, settings
from operation_chains import Chain, chains

from statemig import json_text
from statemig.errors import InvalidStateError, MigrationError, SchemaError
from statemig.migrator import Migrator, Result
from statemig.shapes.accept import accepts

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


@given(chains())
def test_an_upgraded_document_has_the_predicted_shape(chain: Chain) -> None:
    migrator = chain.migrator
    schema = chain.versions[-1].schema
    for _ in range(DOCUMENTS):
        result = upgraded(chain, migrator, chain.document())
        if result is not None:
            assert accepts(schema.root, parts(result.document), schema)


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


@given(chains())
def test_a_reverse_patch_gives_back_the_same(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = upgraded(chain, migrator, document, record="patch")
    if result is not None and result.reverse_patch is not None:
        assert json_text.equal(jsonpatch.apply_patch(result.document, result.reverse_patch), document)


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


@settings(max_examples=settings.default.max_examples // 10)
@given(chains((10, 12), (1, 2)))
def test_long_chains(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = upgraded(chain, migrator, document, record="complement")
    if result is not None:
        back = migrator.downgrade(result.document, to="r0", complement=result.complement).unwrap()
        assert json_text.dumps(back) == json_text.dumps(document)


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
        for number in range(60)
        for operations in make_chain(1000 * seed + number, 3, 3).operations
        for operation in operations
    }
    assert seen == set(KINDS)
