"""Law 6 on random operations: what is marked L in the table of operations gives everything back with no complement."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st
from operation_chains import (
    STEPS,
    Chain,
    Proposer,
    Version,
    following,
    lowers,
    random_schema,
    refused_when_loaded,
)

from statemig import json_text
from statemig.errors import OperationError, SchemaError
from statemig.operations import Operation, schema_after
from statemig.operations.bounds import Relax
from statemig.operations.containers import RenameKeys, ToList
from statemig.operations.fields import MakeOptional, MoveField, RenameField
from statemig.operations.groups import CopyField, Flatten, Nest
from statemig.operations.steps import RenameStep
from statemig.operations.unions import AddVariant, RenameTag, RenameType, RenameVariant, TagUnion
from statemig.operations.values import Convert, MakeNullable, MapValues, WrapValue
from statemig.path import Path
from statemig.plan.effects import shapes_at
from statemig.plan.values import members
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Anything,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Missing,
    Null,
    Object,
    Schema,
    Shape,
    Union,
    union_of,
)
from statemig.shapes.subshape import gaps

#: law 3 and law 4, each with no complement
BOTH, OLD_ONLY, NEITHER = (True, True), (True, False), (False, False)

KINDS = (
    *("rename_field", "rename_step", "move_field", "copy_field", "nest", "flatten", "wrap", "map_values"),
    *(
        "make_optional",
        "make_nullable",
        "relax",
        "rename_keys",
        "rename_variant",
        "rename_tag",
        "add_variant",
    ),
    *("tag_union", "to_list", "rename_type", "convert"),
)


def lossless(operation: Operation, schema: Schema) -> tuple[bool, bool]:
    """What the mark promises, given the schema before: exact for documents that come from below, and for those that are born above."""
    match operation:
        case RenameStep() | RenameType():
            return BOTH
        case RenameField(path, to) | RenameTag(path, to):
            return BOTH if _absent(schema, path.with_last(to)) else NEITHER
        case MoveField(to=to) | CopyField(to=to):
            exact = _absent(schema, to) and not isinstance(operation, CopyField)
            return BOTH if exact else OLD_ONLY if _absent(schema, to) else NEITHER
        case Nest(paths, into):
            inside = [path.key for path in paths]
            # A new object is there even where nothing is put in it, so one that is born without it comes back with it.
            return OLD_ONLY if into in inside or _absent(schema, paths[0].with_last(into)) else NEITHER
        case Flatten(path, fields):
            return OLD_ONLY if _only(schema, path, fields) else NEITHER
        case WrapValue(empty=empty):
            return BOTH if empty is None else NEITHER
        case MapValues(mapping=mapping, otherwise="error"):
            images = [json_text.canonical(new) for _, new in mapping]
            return BOTH if len(set(images)) == len(images) else NEITHER
        case MakeOptional(fill=fill) | MakeNullable(fill=fill):
            return BOTH if isinstance(fill, Missing) else NEITHER
        case Relax():
            return OLD_ONLY if loosened(operation, schema) else NEITHER
        case RenameKeys(path, mapping):
            old, new = {each for each, _ in mapping}, {each for _, each in mapping}
            return BOTH if all(_absent(schema, path / each) for each in new - old) else NEITHER
        case RenameVariant(path, _, new):
            return BOTH if all(_never(shape, new, schema) for shape in shapes_at(schema, path)) else NEITHER
        case AddVariant(to=to):
            return BOTH if isinstance(to, Missing) else OLD_ONLY
        case ToList(path):
            found = [each for shape in shapes_at(schema, path) for each in members(shape, schema)]
            sets = all(isinstance(each, Null) or (isinstance(each, ListOf) and each.unique) for each in found)
            return OLD_ONLY if sets else NEITHER  # a list that is born above may have duplicates
        case TagUnion(path, key):
            return OLD_ONLY if _absent(schema, path / key) else NEITHER
        case Convert(path, to="str"):
            found = [each for shape in shapes_at(schema, path) for each in members(shape, schema)]
            return OLD_ONLY if all(isinstance(each, Integer) for each in found) else NEITHER
        case _:
            return NEITHER


def loosened(operation: Relax, schema: Schema) -> bool:
    """Whether the old version had the bounds that go, so that each old value is within them."""
    held = schema_after(schema, [operation.inverse()])
    now, before = (
        Schema(union_of(*shapes_at(each, operation.path)), each.definitions) for each in (schema, held)
    )
    return not gaps(now, before)


def _absent(schema: Schema, path: Path) -> bool:
    """Whether no document has a value there."""
    try:
        holders = shapes_at(schema, path.parent)
    except OperationError:
        return True  # not even what would hold it
    return all(
        not isinstance(each, Anything)
        and not (isinstance(each, MapOf) and accepts(each.keys, path.key, schema))
        and not (
            isinstance(each, Object) and (path.key in each.properties or not isinstance(each.extra, str))
        )
        for shape in holders
        for each in members(shape, schema)
    )


def _only(schema: Schema, path: Path, fields: tuple[str, ...]) -> bool:
    """Whether each value there is an object, and has nothing but the fields."""
    holders = [each for shape in shapes_at(schema, path.parent) for each in members(shape, schema)]
    required = all(
        isinstance(each, Object) and path.key in each.properties and each.properties[path.key].required
        for each in holders
        if not isinstance(each, Null)
    )
    return required and all(
        isinstance(each, Object) and set(each.properties) <= set(fields) and isinstance(each.extra, str)
        for shape in shapes_at(schema, path)
        for each in members(shape, schema)
    )


def _never(shape: Shape, value: object, schema: Schema) -> bool:
    """Whether a tag never has a value."""
    return all(
        isinstance(each, Enum) and not any(json_text.equal(value, known) for known in each.values)
        for each in members(shape, schema)
        if not isinstance(each, Union)
    )


def lossless_operation(seed: int) -> tuple[Chain, tuple[bool, bool]] | None:
    """A chain of one operation that is marked, and what the mark promises."""
    random = Random(seed)
    version = Version(random_schema(random), STEPS[:3])
    proposer = Proposer(random, version)
    for _ in range(60):
        try:
            operation = getattr(proposer, random.choice(KINDS))()
            marks = NEITHER if operation is None else lossless(operation, version.schema)
        except (OperationError, SchemaError):
            continue
        if not any(marks):
            continue
        after = following(version, operation)
        if after is None or refused_when_loaded(version, after, [operation]):
            continue
        if lowers([operation], version.schema, 1):
            return Chain(seed, (version, after), ((), (operation,)), random), marks
    return None


@pytest.mark.law(6)
@given(st.builds(lossless_operation, st.integers(0, 2**32)))
def test_what_is_marked_lossless_needs_no_complement(found: tuple[Chain, tuple[bool, bool]] | None) -> None:
    assume(found is not None)
    assert found is not None
    chain, (from_below, from_above) = found
    note(str([each.source() for each in chain.operations[1]]))
    migrator = chain.migrator
    try:
        old, new = chain.document(0), chain.document(1)
    except SchemaError:
        assume(False)  # no document gets through the operation
    up = migrator.upgrade(old, "r0")
    if from_below and up.error is None:
        down = migrator.downgrade(up.document, to="r0", record=None)
        assert json_text.equal(down.unwrap(), old)
    down = migrator.downgrade(new, to="r0", record=None)
    if from_above and down.error is None:
        up = migrator.upgrade(down.document, "r0")
        assert json_text.equal(up.unwrap(), new)


def test_every_kind_that_is_marked_comes_up() -> None:
    found = [each for each in map(lossless_operation, range(900)) if each is not None]
    assert {chain.operations[1][0].name for chain, _ in found} == set(KINDS)
