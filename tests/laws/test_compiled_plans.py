"""Law 9: a compiled plan gives what the operations give one by one, the same notes, and the same error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from operation_chains import Chain, chains

from statemig import json_text
from statemig.errors import StatemigError
from statemig.plan import stepwise
from statemig.plan.compiler import compile_stages


def outcome(run: Callable[[], Any]) -> bytes:
    try:
        return json_text.dumps(run())
    except StatemigError as error:
        return f"{type(error).__name__}: {error}".encode()


@pytest.mark.law(9)
@pytest.mark.parametrize("recording", [False, True])
@given(chain=chains((1, 4), (1, 4)))
def test_a_compiled_plan_up_is_the_operations_one_by_one(recording: bool, chain: Chain) -> None:
    stages = chain.migrator._stages("r0", chain.head)
    compiled = compile_stages(stages, recording)
    for _ in range(3):  # a plan grows with the documents that come
        document = chain.document()
        before = json_text.dumps(document)
        one_by_one = outcome(lambda d=document: stepwise.run(d, stages, {}, recording=recording))
        fused = outcome(lambda d=document: compiled(d) if recording else (compiled(d), {}))
        assert fused == one_by_one
        assert json_text.dumps(document) == before


@pytest.mark.law(9)
@pytest.mark.parametrize("recording", [False, True])
@given(chain=chains((1, 3), (1, 4)))
def test_a_compiled_plan_down_is_the_inverses_one_by_one(recording: bool, chain: Chain) -> None:
    migrator = chain.migrator
    stages = migrator._stages(chain.head, "r0")
    compiled = compile_stages(stages, recording)
    for _ in range(2):
        up = migrator.upgrade(chain.document(), "r0", checked=True)
        if up.error is None:
            one_by_one = outcome(lambda d=up.document: stepwise.run(d, stages, {}, recording=recording))
            assert (
                outcome(lambda d=up.document: compiled(d) if recording else (compiled(d), {})) == one_by_one
            )
