"""The laws on chains that are mostly operations on what a script does not name, so that each meets the others and plain ones often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import operation_chains
import pytest
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import Chain, Proposer, make_chain

from statemig import json_text
from statemig.errors import CollisionError, InvalidStateError, MigrationError, SchemaError
from statemig.operations import Operation
from statemig.operations.fields import AddId
from statemig.operations.rest import FlattenList, FlattenRest, NestList, NestRest
from statemig.path import Path
from statemig.plan import stepwise
from statemig.plan.compiler import compile_stages
from statemig.plan.values import members
from statemig.shapes.accept import accepts
from statemig.shapes.shape import ListOf, MapOf, Object

REST_KINDS = ("nest_rest", "flatten_rest", "flatten_list", "nest_list", "add_id")
KINDS = (*REST_KINDS * 3, "rename_field", "add_field", "remove_field", "wrap", "move_field")


class RestProposer(Proposer):
    """Random operations on what a script does not name, beside the others."""

    def keep(self, place: Any, holder: Object) -> tuple[str, ...]:
        names = self.random.sample(list(holder.properties), self.random.randint(0, len(holder.properties)))
        return tuple(dict.fromkeys((*names, "frame", "kind")))  # what no operation touches, and the tag

    def nest_rest(self) -> Operation | None:
        place = self.pick(
            lambda each: (
                each.path.segments[:1] != ()
                and any(isinstance(m, Object) for m in members(each.shape, self.schema))
            )
        )
        if place is None or place.path == Path.of("outputs"):
            return None
        return NestRest(place.path, self.new_name(), self.keep(place, self.member(place, Object)))

    def flatten_rest(self) -> Operation | None:
        place = self.pick(
            lambda each: (
                each.holder is not None
                and each.path.parent != Path.of("outputs")
                # Not the maps with numbers for keys: a document is not refused for the form of its keys.
                and any(
                    isinstance(member, Object)
                    or (isinstance(member, MapOf) and getattr(member.keys, "format", None) is None)
                    for member in members(each.shape, self.schema)
                )
            )
        )
        if place is None:
            return None
        keep = dict.fromkeys((*place.holder.properties, "frame", "kind"))
        return FlattenRest(place.path, tuple(name for name in keep if name != place.path.key))

    def held_rest(self) -> Any:
        return self.random.choice((None, {"n": 1}, {"a": {}, "odd key": []}))

    def flatten_list(self) -> Operation | None:
        place = self.of_kind(ListOf)
        if place is None:
            return None
        names = [
            name
            for inner in members(self.member(place, ListOf).items, self.schema)
            if isinstance(inner, Object)
            for name, prop in inner.properties.items()
            if any(isinstance(member, ListOf) for member in members(prop.shape, self.schema))
        ]
        return FlattenList(place.path, self.random.choice(names), self.held_rest()) if names else None

    def nest_list(self) -> Operation | None:
        place = self.of_kind(ListOf)
        return place and NestList(place.path, self.random.choice(("n", "tmp")), self.held_rest())

    def add_id(self) -> Operation | None:
        return AddId(self.random.choice(self.objects()) / self.new_name())


@contextmanager
def mostly_the_rest() -> Iterator[None]:
    """Chains are made of these operations, and one that no document could go through, or not back, may be refused."""
    chains: Any = operation_chains
    before = chains.KINDS, chains.REFUSED, chains.Proposer
    chains.KINDS, chains.Proposer = KINDS, RestProposer
    chains.REFUSED = (*chains.REFUSED, "is never an object", "name all fields beside it")
    try:
        yield
    finally:
        chains.KINDS, chains.REFUSED, chains.Proposer = before


def _chain(seed: int, revisions: int, operations: int) -> Chain:
    with mostly_the_rest():
        return make_chain(seed, revisions, operations)


CHAINS = st.builds(_chain, st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4))


def parts(document: dict[str, Any]) -> dict[str, Any]:
    return {part: document[part] for part in ("state", "outputs") if part in document}


@pytest.mark.law(1, 3, 13, 20)
@given(CHAINS)
def test_up_into_the_predicted_shape_and_back_with_the_same_bytes(chain: Chain) -> None:
    schema = chain.versions[-1].schema
    document = chain.document()
    before = json_text.dumps(document)
    up = chain.migrator.upgrade(document, "r0", record="complement", run_id="run")
    assert json_text.dumps(document) == before
    if up.error is not None:
        assert isinstance(up.error, MigrationError)
        assert not isinstance(up.error, InvalidStateError), str(up.error)
        return
    assert accepts(schema.root, parts(up.document), schema)
    stored = json_text.loads(json_text.dumps(up.complement))
    back = chain.migrator.downgrade(up.document, to="r0", complement=stored)
    assert json_text.dumps(back.unwrap()) == before


@pytest.mark.law(4)
@given(CHAINS)
def test_a_document_born_new_goes_down_and_up_again(chain: Chain) -> None:
    try:
        document = chain.document(len(chain.versions) - 1)
    except SchemaError:  # no document gets through these operations
        return
    down = chain.migrator.downgrade(document, to="r0")
    if down.error is not None:
        assert isinstance(down.error, MigrationError)
        return
    up = chain.migrator.upgrade(down.document, "r0", complement=down.complement, run_id="run")
    if up.error is not None:  # no document of the old version could have come up to this one
        assert isinstance(up.error, CollisionError)
        return
    assert json_text.equal(up.document, document)


@pytest.mark.law(9, 10)
@given(CHAINS)
def test_in_one_go_as_one_by_one(chain: Chain) -> None:
    document = chain.document()
    whole = chain.migrator.upgrade(document, "r0", record="complement", run_id="run")
    made = document
    for number in range(1, len(chain.versions)):
        step = chain.migrator.upgrade(made, f"r{number - 1}", to=f"r{number}", run_id="run", checked=True)
        if step.error is not None:
            assert whole.error is not None
            return
        made = step.document
    assert json_text.equal(whole.unwrap(), made)


@pytest.mark.law(9)
@given(CHAINS)
def test_compiled_as_interpreted(chain: Chain) -> None:
    document = chain.document()
    stages = chain.migrator._stages("r0", chain.migrator.head)
    try:
        expected, _ = stepwise.run(document, stages, {}, recording=False)
    except MigrationError as error:
        with pytest.raises(type(error)):
            compile_stages(stages)(document)
        return
    assert json_text.dumps(compile_stages(stages)(document)) == json_text.dumps(expected)


def test_the_chains_reach_all_of_them() -> None:
    found = {
        operation.name
        for seed in range(30)
        for operations in _chain(seed, 3, 3).operations
        for operation in operations
    }
    assert found == set(KINDS)
