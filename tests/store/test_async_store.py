"""The same store under asyncio."""

import asyncio

import pytest
from triage_runs import state, store

from statemig.store import AsyncRunStore


def test_a_run_is_claimed_answered_and_loaded_with_async_with(url):
    async def scenario():
        old, runs = AsyncRunStore(store(url, 1)), AsyncRunStore(store(url, 2))
        run_id = await old.start(state())
        async with await old.claim("w") as run:
            run.wait("approve", "k", output={"label": "x"})
        await runs.answer(run_id, "k", {"approved": True})
        async with await runs.load(run_id) as run:
            run.advance(output=run.answer)
        assert (await runs.read(run_id)).cursor[0]["step"] == "check"
        assert await runs.downgrade(run_id, "r1") == "downgraded"
        assert await runs.upgrade(run_id) == "upgraded"
        with pytest.raises(RuntimeError):
            async with await runs.claim("w") as run:
                raise RuntimeError
        assert [a.outcome for a in runs.store.attempts()] == ["waiting", "done", "error"]

    asyncio.run(scenario())


def test_many_tasks_never_get_the_same_run(url):
    async def scenario():
        runs = AsyncRunStore(store(url, 1))
        ids = {await runs.start(state()) for _ in range(8)}
        claimed = await asyncio.gather(*(runs.claim(f"w{number}") for number in range(8)))
        got = [run.run_id for run in claimed if run is not None]
        assert len(got) == len(set(got))
        while (run := await runs.claim("w")) is not None:
            got.append(run.run_id)
        assert sorted(got) == sorted(ids)

    asyncio.run(scenario())
