"""Law 9: a compiled plan gives what the stepwise interpreter gives, byte for byte, complement and error included."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemig import json_text
from statemig.errors import CollisionError, ConversionError, TransformError
from statemig.path import Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan import kinds, stepwise
from statemig.plan.casts import Cast
from statemig.plan.compiler import compile_stages
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Drop,
    Fill,
    Instruction,
    Move,
    OpenStep,
    Policy,
    Put,
    Refuse,
    Relabel,
    Rename,
    Unfill,
)
from statemig.plan.stepwise import Stage
from statemig.plan.values import AllowNull, FillNull, LookUp, PythonFunction, Unwrap, Wrap
from statemig.shapes.shape import MISSING

# Few names and few values, so that instructions meet each other and documents meet them.
NAMES = ("a", "b", "c", "kind")
TAGS = ("x", "y", 1, True)
STEPS = ("s", "t", "u")


def shouted(value: Any) -> Any:
    return value.upper()  # raises for what is no string


def no_json(value: Any) -> Any:
    return {1, 2} if isinstance(value, int) else value


class Generator:
    """Documents and instructions from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    # documents

    def value(self, depth: int) -> Any:
        pick = self.random.randrange(10)
        if depth > 0 and pick < 3:
            return self.object(depth)
        if depth > 0 and pick < 6:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return self.random.choice((None, True, False, 0, 1, 1.0, "1", "x", "y", 2**70, "", "red"))

    def object(self, depth: int) -> dict[str, Any]:
        names = self.random.sample(NAMES, self.random.randrange(len(NAMES) + 1))
        made = {name: self.value(depth - 1) for name in names}
        if "kind" in made and self.random.random() < 0.8:
            made["kind"] = self.random.choice(TAGS)
        return made

    def document(self) -> dict[str, Any]:
        random = self.random
        document: dict[str, Any] = {"status": "active", "state": self.object(4)}
        if random.random() < 0.7:
            document["outputs"] = {step: self.value(2) for step in random.sample(STEPS, random.randrange(4))}
        if random.random() < 0.5:
            document["done"] = {step: 1 for step in STEPS if random.random() < 0.5}
        if random.random() < 0.7:
            document["cursor"] = [
                {"id": f"p{number}", "step": random.choice(STEPS), "status": "ready"}
                for number in range(random.randrange(3))
            ]
        if random.random() < 0.15:
            document["pending"] = [{"step": "s", "writes": self.object(2), "to": "t"}]
        return document

    # instructions

    def path(self) -> Path:
        segments: list[Segment] = [Key("state" if self.random.random() < 0.8 else "outputs")]
        while len(segments) < 6 and self.random.random() < 0.65:
            segments.append(self.segment())
        return Path(tuple(segments))

    def segment(self) -> Segment:
        match self.random.randrange(11):
            case 0 | 1:
                return Items()
            case 2:
                return Values()
            case 3:
                return Slot(self.random.randrange(-1, 2))
            case 4 | 5:
                tag = ("kind",) if self.random.random() < 0.8 else ("a", "kind")
                return Variant(tag, self.random.choice(TAGS))
            case _:
                return Key(self.name())

    def name(self) -> str:
        return self.random.choice((*NAMES, "d"))

    def default(self) -> Any:
        return self.random.choice((MISSING, None, 0, 1.5, "x", [], {}, {"a": [1]}, ["x"]))

    def instruction(self) -> Instruction:
        random, path = self.random, self.path()
        match random.randrange(16):
            case 0 | 1 | 2:
                return Put(path, self.name(), self.default())
            case 3 | 4:
                return Drop(path, self.name(), self.default(), random.random() < 0.6)
            case 5:
                return Fill(path, self.name(), self.default())
            case 6:
                return Unfill(path, self.name(), self.default())
            case 7 | 8 | 9:
                old, new = random.sample((*NAMES, "d"), 2)
                return Rename(path, old, new)
            case 10:
                source, target = random.sample(NAMES, 2)
                return Move(path, (source,), (target, "e") if random.random() < 0.5 else (target,))
            case 11 | 12:
                return Apply(path, self.function())
            case 13:
                return Relabel(*random.sample((*STEPS, "v"), 2))
            case 14:
                policy = random.choice((Policy("forward", "t"), Policy("hold"), Policy("fail")))
                return CloseStep(random.choice(STEPS), policy)
            case _:
                return random.choice((OpenStep("v", None, {"a": 1}), OpenStep("w", "s"), Refuse("no")))

    def function(self) -> Any:
        return self.random.choice(
            (
                Wrap(),
                Unwrap("x"),
                Unwrap(),
                FillNull("x"),
                AllowNull(),
                AllowNull("x"),
                Cast("str", was="int"),
                Cast("int"),
                LookUp((("x", "y"), (1, "one")), "keep"),
                LookUp((("x", 1),)),
                PythonFunction(shouted, None),
                PythonFunction(no_json, None),
            )
        )

    def stages(self, most: int) -> list[Stage]:
        count = self.random.randrange(1, most + 1)
        return [stage(self.instruction(), number) for number in range(count)]


def stage(instruction: Instruction, number: int = 0) -> Stage:
    return Stage(instruction, f"r{number}", "0 operation", f"r{number}/0")


def outcome(run: Callable[[], Any]) -> Any:
    """What a run gives, as bytes, or the error it raises."""
    try:
        document, complement = run()
    except Exception as error:  # a transform may have made of a part what no operation expects
        return type(error), str(error)
    return json_text.dumps(document), json_text.dumps(complement)


def compare(documents: list[dict[str, Any]], stages: list[Stage]) -> None:
    plan, recorder = compile_stages(stages), compile_stages(stages, recording=True)
    for document in documents:
        before = json_text.dumps(document)
        assert outcome(lambda: (plan(document), {})) == outcome(  # noqa: B023
            lambda: stepwise.run(document, stages, {}, recording=False)  # noqa: B023
        )
        assert outcome(lambda: recorder(document)) == outcome(  # noqa: B023
            lambda: stepwise.run(document, stages, {}, recording=True)  # noqa: B023
        )
        assert json_text.dumps(document) == before, "law 13: the argument was changed"


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_compiled_and_stepwise_agree(seed: int, most: int) -> None:
    generator = Generator(seed)
    stages = generator.stages(most)
    # Several documents on one plan: kinds that one has grown are there for the next.
    compare([generator.document() for _ in range(8)], stages)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_they_agree_on_fields_of_one_state_again_and_again(seed: int) -> None:
    generator = Generator(seed)
    parents = [Path.parse("state"), Path.parse("state.a"), Path.parse("state.b[]"), Path.parse("state.c{}")]
    stages = []
    for number in range(generator.random.randrange(1, 40)):
        parent = generator.random.choice(parents)
        old, new = generator.random.sample((*NAMES, "d", "e", "f"), 2)
        instruction: Instruction = generator.random.choice(
            (Rename(parent, old, new), Put(parent, new, generator.default()), Drop(parent, old))
        )
        stages.append(stage(instruction, number))
    compare([generator.document() for _ in range(6)], stages)


# -- by example --------------------------------------------------------------------------------------------------------


def many(count: int) -> dict[str, Any]:
    return {f"k{number}": number for number in range(count)}


@pytest.mark.parametrize("count", [3, 40])
def test_renames_keep_the_order_of_keys_in_small_and_large_objects(count: int) -> None:
    plan = compile_stages([stage(Rename(Path.parse("state"), "k1", "new"))])
    assert list(plan({"state": many(count)})["state"])[:3] == ["k0", "new", "k2"]


@pytest.mark.parametrize("count", [3, 40])
def test_defaults_that_are_containers_are_never_shared(count: int) -> None:
    parent = Path.parse("state")
    plan = compile_stages([stage(Put(parent, "new", [[]])), stage(Rename(parent, "k1", "x"))])
    first, second = plan({"state": many(count)}), plan({"state": many(count)})
    first["state"]["new"][0].append(1)
    assert second["state"]["new"] == [[]]


def test_a_collision_names_revision_operation_and_path() -> None:
    stages = [stage(Put(Path.parse("state"), "b", 1)), stage(Rename(Path.parse("state"), "a", "b"), 7)]
    with pytest.raises(CollisionError) as caught:
        compile_stages(stages)({"state": {"a": 1}})
    assert caught.value.revision == "r7"
    assert caught.value.operation == "0 operation"
    assert caught.value.path == "state.b"


def test_what_fails_inside_a_field_that_is_dropped_later_still_fails() -> None:
    stages = [stage(Apply(Path.parse("state.a"), Cast("int"))), stage(Drop(Path.parse("state"), "a"))]
    with pytest.raises(ConversionError):
        compile_stages(stages)({"state": {"a": "no number"}})


def test_a_function_that_gives_no_json_is_refused_as_stepwise_refuses_it() -> None:
    with pytest.raises(TransformError):
        compile_stages([stage(Apply(Path.parse("state.a"), PythonFunction(no_json, None)))])(
            {"state": {"a": 1}}
        )


def test_true_and_1_are_different_tags() -> None:
    parent = Path((Key("state"), Items(), Variant(("kind",), 1)))
    plan = compile_stages([stage(Put(parent, "new", 0))])
    items = [{"kind": 1}, {"kind": True}, {"kind": 1.0}]
    assert [list(item) for item in plan({"state": items})["state"]] == [["kind", "new"], ["kind"], ["kind"]]


def test_dicts_of_a_class_of_their_own_are_migrated_too() -> None:
    class Stamped(dict[str, Any]):
        pass

    plan = compile_stages([stage(Put(Path.parse("state.a[]"), "new", 0))])
    assert plan({"state": Stamped(a=[Stamped(b=1)])})["state"]["a"] == [{"b": 1, "new": 0}]


def test_an_object_with_ever_other_keys_is_a_map_and_still_right() -> None:
    plan = compile_stages(
        [stage(Put(Path.parse("state.a[]"), "new", 0)), stage(Rename(Path.parse("state"), "a", "b"))]
    )
    items = [{f"key-{number}": number} for number in range(600)]
    assert plan({"state": {"a": items}})["state"]["b"] == [{**item, "new": 0} for item in items]


def test_one_noisy_instruction_does_not_send_the_others_to_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = Path.parse("state")
    stages = [stage(Put(parent, f"new{number}", 0), number) for number in range(16)]
    document = {"state": {"new5": "there already", "a": 1}}  # a recording has to note that
    recorder = compile_stages(stages, recording=True)
    expected = stepwise.run(document, stages, {}, recording=True)
    assert recorder(document) == expected
    run: list[str] = []
    apply = stepwise.apply

    def watched(document: Any, instruction: Any, notes: Any, stage: Stage) -> Any:
        run.append(stage.label)
        return apply(document, instruction, notes, stage)

    monkeypatch.setattr(stepwise, "apply", watched)
    assert recorder(document) == expected
    assert run == ["r5/0"]


def test_documents_that_fail_do_not_slow_down_those_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [stage(Rename(Path.parse("state"), "a", "b"))]
    plan = compile_stages(stages)
    for _ in range(50):
        with pytest.raises(CollisionError):
            plan({"state": {"a": 1, "b": 2}})
    monkeypatch.setattr(stepwise, "apply", None)
    assert plan({"state": {"a": 1}}) == {"state": {"b": 1}}


def test_generated_source_shows_in_tracebacks() -> None:
    import linecache

    compile_stages([stage(Put(Path.parse("state"), "new", 0))])({"state": {"some_key": 1}})
    file = "<statemig plan: object with state>"
    assert "['new'] = 0" in "".join(linecache.getlines(file))


def test_kinds_are_grown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = compile_stages([stage(Put(Path.parse("state.items[]"), "new", 0))])
    documents = [{"state": {"items": [{"a": number}, {"b": number}]}} for number in range(3)]
    plan(documents[0])
    monkeypatch.setattr(kinds.source, "function", None)
    assert plan(documents[2]) == {"state": {"items": [{"a": 2, "new": 0}, {"b": 2, "new": 0}]}}


def test_a_sparing_plan_is_compiled_once_more_documents_come_than_that_is_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = [stage(Rename(Path.parse("state"), f"k{number}", f"n{number}"), number) for number in range(8)]
    one_by_one: list[str] = []
    apply = stepwise.apply

    def watched(document: Any, instruction: Any, *rest: Any) -> Any:
        one_by_one.append(instruction.old)
        return apply(document, instruction, *rest)

    monkeypatch.setattr(stepwise, "apply", watched)
    plan = compile_stages(stages, sparing=True)
    results = []
    interpreted = []
    for _ in range(6):
        one_by_one.clear()
        results.append(plan({"state": many(9)}))
        interpreted.append(bool(one_by_one))
    assert all(result == results[0] for result in results)
    assert interpreted == [True, True, True, False, False, False]


def test_objects_of_other_keys_than_the_first_are_migrated_too() -> None:
    stages = [
        stage(Rename(Path.parse("state.inner"), "a", "z")),
        stage(Rename(Path.parse("state.items[]"), "a", "z"), 1),
        stage(Put(Path.parse("state.items[].deep[]"), "new", []), 2),
    ]
    inner = ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"b": 1}, None, "text", [], [{"a": 1}], {"a": {"a": 1}})
    items = (
        [{"a": 1}],
        [{"a": 1}, {"b": 1, "a": 2}, 3, "a", ["a"], {}],
        [{"a": 1, "deep": [{"x": 1}, {}]}],
        [],
        {},
    )
    compare([{"state": {"inner": one, "items": many}} for one in inner for many in items], stages)


def test_what_lies_deeper_than_python_nests_loops_is_migrated_too() -> None:
    path = Path.parse("state" + ".a[]" * 30)
    value: Any = {"old": 1}
    for _ in range(30):
        value = {"a": [value], "b": 0, "c": 0, "d": 0, "e": 0}
    compare(
        [{"state": value}] * 2,
        [stage(Rename(path, "old", "new")), stage(Rename(Path.parse("state"), "b", "x"), 1)],
    )
