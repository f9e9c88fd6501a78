"""Laws that hold for all schemas."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from schemas import samples, schemas, shapes, validator

from statemig.shapes.accept import accepts
from statemig.shapes.digest import canonical, digest
from statemig.shapes.join import join
from statemig.shapes.json_schema import read, write
from statemig.shapes.shape import (
    Enum,
    ListOf,
    MapOf,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    TupleOf,
    Union,
)
from statemig.shapes.similarity import similarity
from statemig.shapes.subshape import gaps

LAW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 1000)


@LAW
@given(schemas())
def test_what_is_written_is_read_back(schema: Schema) -> None:
    text = json.dumps(write(schema))
    again = read(json.loads(text))
    assert again == schema
    assert json.dumps(write(again)) == text
    assert _unmeant(again.root) == _unmeant(schema.root)


@LAW
@given(schemas())
def test_reading_does_not_change_the_schema(schema: Schema) -> None:
    written = write(schema)
    before = copy.deepcopy(written)
    read(written)
    assert written == before


@LAW
@given(schemas(), SEEDS)
def test_samples_are_accepted_by_the_shape_and_by_json_schema(schema: Schema, seed: int) -> None:
    valid = validator(schema)
    for value in samples(schema, seed):
        assert accepts(schema.root, value, schema)
        assert valid.is_valid(value)


@LAW
@given(schemas(), schemas(), SEEDS)
def test_accepting_agrees_with_json_schema_on_values_of_another_schema(
    schema: Schema, other: Schema, seed: int
) -> None:
    valid = validator(schema)
    for value in [*samples(other, seed), *mutations(samples(schema, seed), seed)]:
        assert accepts(schema.root, value, schema) == valid.is_valid(value), value


@LAW
@given(schemas())
def test_a_schema_is_included_in_itself(schema: Schema) -> None:
    assert [gap for gap in gaps(schema, schema) if gap.certain] == []
    assert gaps(schema, schema) == []


@LAW
@given(schemas(), st.data())
def test_an_inclusion_that_is_proven_holds_for_every_value(schema: Schema, data: Any) -> None:
    other = data.draw(st.one_of(schemas(), neighbours(schema)))
    if not gaps(schema, other):
        for value in samples(schema, data.draw(SEEDS), 25):
            assert accepts(other.root, value, other), value


@LAW
@given(schemas(), st.data())
def test_both_schemas_are_included_in_their_join(schema: Schema, data: Any) -> None:
    other = data.draw(st.one_of(schemas(), neighbours(schema)))
    both = join(schema, other)
    seed = data.draw(SEEDS)
    for value in [*samples(schema, seed, 15), *samples(other, seed, 15)]:
        assert accepts(both.root, value, both), value


@LAW
@given(schemas())
def test_a_schema_joined_with_itself_is_itself(schema: Schema) -> None:
    assert join(schema, copy.deepcopy(schema)) == schema


@LAW
@given(schemas(), SEEDS)
def test_the_digest_knows_no_order_and_no_names(schema: Schema, seed: int) -> None:
    assert digest(shuffled(schema, Random(seed))) == digest(schema)


@LAW
@given(schemas())
def test_unfolding_a_definition_leaves_the_digest(schema: Schema) -> None:
    unfolded = Schema(schema.resolve(schema.root), schema.definitions)
    assert digest(unfolded) == digest(schema)
    inside = Schema(_unfolded(schema.root, schema, 1), schema.definitions)
    assert digest(inside) == digest(schema)


@LAW
@given(schemas(), SEEDS)
def test_schemas_of_one_digest_accept_the_same(schema: Schema, seed: int) -> None:
    other = read(write(shuffled(schema, Random(seed))))
    for value in samples(schema, seed):
        assert accepts(other.root, value, other)


@LAW
@given(schemas(), schemas())
def test_similarity_is_symmetric_and_one_for_the_same(schema: Schema, other: Schema) -> None:
    there = similarity(schema.root, schema, other.root, other)
    back = similarity(other.root, other, schema.root, schema)
    assert 0 <= there <= 1
    assert abs(there - back) < 1e-9
    assert similarity(schema.root, schema, schema.root, schema) == 1


@LAW
@given(schemas())
def test_the_canonical_form_is_plain_json(schema: Schema) -> None:
    form = canonical(schema)
    assert json.loads(json.dumps(form)) == form


# -- changing schemas and values ---------------------------------------------------------------------------------------


def mutations(values: list[Any], seed: int) -> list[Any]:
    """The values with something wrong here and there."""
    random, out = Random(seed), []
    for value in values:
        match value:
            case dict():
                out.append({**value, "unknown": 1})
                out.append({key: inner for key, inner in value.items() if random.random() < 0.6})
                out.append({key: (None if random.random() < 0.4 else inner) for key, inner in value.items()})
                out.append(
                    {key: random.choice([inner, "a", 1, 1.0, True, []]) for key, inner in value.items()}
                )
            case list():
                out.append([*value, *value])
                out.append(value[:-1])
            case bool() | None:
                out.append(1)
            case int() | float():
                out += [value + 1, value + 0.5, -value, float(value), True]
            case str():
                out += [value + "a", value[:-1]]
    return out


@st.composite
def neighbours(draw: Any, schema: Schema) -> Schema:
    """A schema that differs in a few places only, so that inclusion is not always out of the question."""
    names = list(schema.definitions)

    def change(shape: Shape, depth: int) -> Shape:
        if draw(st.integers(0, 9)) == 0:
            return draw(shapes(names))
        if depth > 4:
            return shape
        match shape:
            case ListOf(items, low, high, unique):
                return ListOf(change(items, depth + 1), draw(st.sampled_from([low, None])), high, unique)
            case TupleOf(slots, rest) if draw(st.booleans()):
                return (
                    ListOf(Union((*slots, *([rest] if rest else []))) if len(slots) > 1 else slots[0])
                    if slots
                    else shape
                )
            case MapOf(values, keys, low, high):
                return MapOf(change(values, depth + 1), keys, low, draw(st.sampled_from([high, None])))
            case Object(properties, extra, name):
                kept = {
                    key: Property(change(each.shape, depth + 1), each.required and draw(st.booleans()))
                    for key, each in properties.items()
                    if draw(st.integers(0, 9)) > 0
                }
                return Object(kept, draw(st.sampled_from([extra, "ignore"])), name)
            case Union(members, tag):
                kept_tag = draw(st.sampled_from([tag, None]))
                return Union(tuple(change(member, depth + 1) for member in members), kept_tag)
            case Enum(values) if all(isinstance(value, str) for value in values):
                return draw(st.sampled_from([shape, Enum((*values, "new"))]))
            case _:
                return shape

    return Schema(
        change(schema.root, 0), {name: change(each, 0) for name, each in schema.definitions.items()}
    )


def shuffled(schema: Schema, random: Random) -> Schema:
    """Other names for everything, another order everywhere; the same meaning."""
    names = {
        name: f"D{at}"
        for at, name in enumerate(random.sample(list(schema.definitions), len(schema.definitions)))
    }

    def mixed(shape: Shape) -> Shape:
        match shape:
            case Ref(name):
                return Ref(names[name])
            case Enum(values):
                return Enum(tuple(random.sample(values, len(values))))
            case ListOf(items, low, high, unique):
                return ListOf(mixed(items), low, high, unique)
            case TupleOf(slots, rest):
                return TupleOf(tuple(mixed(slot) for slot in slots), None if rest is None else mixed(rest))
            case MapOf(values, keys, low, high):
                return MapOf(mixed(values), keys, low, high)
            case Object(properties, extra):
                order = random.sample(list(properties), len(properties))
                kept = {
                    key: Property(
                        mixed(properties[key].shape), properties[key].required, properties[key].default
                    )
                    for key in order
                }
                return Object(kept, extra if isinstance(extra, str) else mixed(extra), "Renamed")
            case Union(members, tag):
                order_ = random.sample(range(len(members)), len(members))
                moved = tag and type(tag)(
                    tag.key, {value: order_.index(at) for value, at in tag.mapping.items()}
                )
                return Union(tuple(mixed(members[at]) for at in order_), moved)
            case _:
                return shape

    return Schema(mixed(schema.root), {names[name]: mixed(each) for name, each in schema.definitions.items()})


def _unfolded(shape: Shape, schema: Schema, times: int) -> Shape:
    match shape:
        case Ref():
            return _unfolded(schema.resolve(shape), schema, times - 1) if times else shape
        case ListOf(items, low, high, unique):
            return ListOf(_unfolded(items, schema, times), low, high, unique)
        case MapOf(values, keys, low, high):
            return MapOf(_unfolded(values, schema, times), keys, low, high)
        case Object(properties, extra, name):
            kept = {
                key: Property(_unfolded(each.shape, schema, times), each.required, each.default)
                for key, each in properties.items()
            }
            return Object(kept, extra, name)
        case _:
            return shape


def _unmeant(shape: Shape) -> Any:
    """What equality leaves out, and a round trip must not lose."""
    match shape:
        case Object(properties, _, name):
            said = [
                (key, p.python_name, p.aliases, p.description, _unmeant(p.shape))
                for key, p in properties.items()
            ]
            return name, said
        case Union(members):
            return [_unmeant(member) for member in members]
        case ListOf(items):
            return _unmeant(items)
        case MapOf(values):
            return _unmeant(values)
        case Enum(_, names):
            return names
        case _:
            return None
