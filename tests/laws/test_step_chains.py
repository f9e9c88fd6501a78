"""Laws 2, 3, 4, 8, 9, 10, 13, 17 and 19 on random operations on the steps of random flows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from operation_chains import SLOW
from step_chains import (
    STEP_KINDS,
    StepChain,
    asked,
    is_safe,
    make_step_chain,
    move,
    runs_to_its_end,
    step_chains,
    together,
)

from statemig import json_text
from statemig.document import Document, positions
from statemig.errors import InvalidStateError, MigrationError, StatemigError
from statemig.migrator import Result
from statemig.operations import Operations, from_dict
from statemig.operations.asking import MapWaiting
from statemig.operations.joins import ChangeJoin
from statemig.operations.steps import AddStep, RemoveStep
from statemig.plan import stepwise
from statemig.plan.compiler import compile_stages


def text(value: Any) -> bytes:
    return json_text.dumps(value)


def refused(result: Result, document: Document, before: bytes) -> bool:
    """Whether there is an error; if so, the document is as it was and the error says where and what to do."""
    assert text(document) == before
    if result.error is None:
        return False
    assert isinstance(result.error, MigrationError)
    assert not isinstance(result.error, InvalidStateError), str(result.error)
    assert result.error.hint
    assert result.document is document
    return True


@pytest.mark.law(13, 17)
@given(step_chains())
def test_an_upgraded_run_can_go_on_to_its_end(chain: StepChain) -> None:
    document = chain.run()
    before = text(document)
    up = chain.migrator.upgrade(document, "r0", record="complement")
    if not refused(up, document, before):
        is_safe(up.document, chain.flow(-1))
        runs_to_its_end(up.document, chain.flow(-1), chain.random)


@pytest.mark.law(17)
@given(step_chains())
def test_nobody_is_asked_again_and_no_question_is_lost(chain: StepChain) -> None:
    """Unless an operation says so: a policy moves who stands on a step, and a join that fires takes up who arrived."""
    says_so = (AddStep, RemoveStep, ChangeJoin)
    if any(
        isinstance(each, says_so) or getattr(each, "cursor", None) for each in sum(chain.operations, ())
    ) or any(isinstance(each, MapWaiting) and each.order for each in sum(chain.operations, ())):
        return
    document = chain.run()
    up = chain.migrator.upgrade(document, "r0")
    if up.error is None:
        assert asked(up.document) == asked(document)


@pytest.mark.law(3)
@given(step_chains())
def test_down_gives_back_the_run_and_up_again_what_it_was(chain: StepChain) -> None:
    migrator = chain.migrator
    document = chain.run()
    up = migrator.upgrade(document, "r0", record="complement")
    if up.error is None:
        stored = json_text.loads(text(up.complement))
        down = migrator.downgrade(up.document, to="r0", complement=stored)
        assert text(down.unwrap()) == text(document)
        again = migrator.upgrade(down.document, "r0", complement=down.complement, record="complement")
        assert text(again.unwrap()) == text(up.document)


@pytest.mark.law(2, 4, 17)
@given(step_chains())
def test_a_run_born_new_goes_down_to_where_it_can_go_on_and_up_to_what_it_was(chain: StepChain) -> None:
    migrator = chain.migrator
    document = chain.run(-1)
    before = text(document)
    down = migrator.downgrade(document, to="r0")
    if refused(down, document, before):
        return
    is_safe(down.document, chain.flow(0))
    up = migrator.upgrade(down.document, "r0", complement=down.complement, record="complement")
    assert text(up.unwrap()) == before
    runs_to_its_end(down.document, chain.flow(0), chain.random)


@pytest.mark.law(2, 17)
@given(step_chains())
def test_a_run_that_went_on_comes_down_to_where_it_can_go_on(chain: StepChain) -> None:
    migrator = chain.migrator
    up = migrator.upgrade(chain.run(), "r0", record="complement")
    if up.error is not None:
        return
    document = json_text.loads(text(up.document))
    for _ in range(chain.random.randint(1, 4)):
        if positions(document):
            move(document, chain.flow(-1), chain.random)
    before = text(document)
    down = migrator.downgrade(document, to="r0", complement=up.complement)
    if not refused(down, document, before):
        is_safe(down.document, chain.flow(0))
        runs_to_its_end(down.document, chain.flow(0), chain.random)


def outcome(run: Callable[[], Any]) -> Any:
    try:
        return json_text.loads(text(run()))
    except StatemigError as error:
        return f"{type(error).__name__}: {error}"


def without_notes(result: Any) -> Any:
    return result if isinstance(result, str) else result[0]


@pytest.mark.law(9)
@pytest.mark.parametrize("recording", [False, True])
@given(chain=step_chains((1, 4), (1, 2)))
def test_a_compiled_plan_is_the_operations_one_by_one(recording: bool, chain: StepChain) -> None:
    for source, target, born in (("r0", chain.head, 0), (chain.head, "r0", -1)):
        stages = chain.migrator._stages(source, target)
        compiled = compile_stages(stages, recording)
        for _ in range(2):
            document = chain.run(born)
            one_by_one = outcome(partial(stepwise.run, document, stages, {}, recording=recording))
            fused = outcome(partial(compiled, document))
            assert fused == (one_by_one if recording else without_notes(one_by_one))


@pytest.mark.law(10)
@given(step_chains((2, 4)))
def test_one_revision_at_a_time_is_all_at_once_or_stops_on_the_way(chain: StepChain) -> None:
    """On the way a run is looked at where it stops, so it may be refused where a later revision would have set it right."""
    migrator = chain.migrator
    document = chain.run()
    whole = migrator.upgrade(document, "r0", record="complement")
    step, complement = document, {}
    for number in range(1, len(chain.drawings)):
        one = migrator.upgrade(
            step, f"r{number - 1}", to=f"r{number}", record="complement", complement=complement
        )
        if one.error is not None:
            return
        step, complement = one.document, one.complement
    assert text(whole.unwrap()) == text(step)
    assert json_text.equal(complement, whole.complement)


@pytest.mark.law(3, 19)
@SLOW
@given(step_chains((10, 12), (1, 1)))
def test_long_chains(chain: StepChain) -> None:
    migrator = chain.migrator
    document = chain.run()
    before = text(document)
    up = migrator.upgrade(document, "r0", record="complement")
    if not refused(up, document, before):
        is_safe(up.document, chain.flow(-1))
        back = migrator.downgrade(up.document, to="r0", complement=up.complement)
        assert text(back.unwrap()) == before


@pytest.mark.law(8)
@given(step_chains((1, 1), (1, 3)))
def test_the_inverse_of_the_inverse_is_the_operation_however_it_is_written(chain: StepChain) -> None:
    for operation in chain.operations[1]:
        assert operation.inverse().inverse() == operation
        assert operation.inverse().inverse().lower() == operation.lower()
        if "function" not in str(operation.to_dict()):
            for each in (operation, operation.inverse()):
                assert from_dict(json_text.loads(text(each.to_dict()))) == each
        again = Operations()
        eval(operation.source(), {"op": again, "together": together})
        assert again.recorded == (operation,)


@pytest.mark.parametrize("seed", range(3))
def test_the_generator_reaches_every_operation_and_most_runs_get_through(seed: int) -> None:
    chains = [make_step_chain(1000 * seed + number, 2, 2) for number in range(100)]
    seen = {each.name for chain in chains for each in sum(chain.operations, ())}
    assert seen == {
        *("rename_step", "remove_step", "add_step", "split_step", "merge_steps", "reorder_steps"),
        *("change_join", "map_waiting", "drop_pending", "requeue", "rename_tool"),
    }
    assert {"swap_names", "merge_branches"} < set(STEP_KINDS)
    through = [chain.migrator.upgrade(chain.run(), "r0").error is None for chain in chains]
    assert sum(through) > 75
    several = [len(positions(make_step_chain(number, 1, 1).run())) > 1 for number in range(100)]
    assert sum(several) > 10


def test_runs_hold_what_the_laws_are_about() -> None:
    runs = [make_step_chain(number, 1, 1).run() for number in range(300)]
    assert any(len(positions(run)) > 1 for run in runs)
    assert any(item.get("writes") for run in runs for item in run.get("pending", []))
    assert any(position["status"] == "waiting" for run in runs for position in positions(run))
    assert any("." in position["step"] for run in runs for position in positions(run))
