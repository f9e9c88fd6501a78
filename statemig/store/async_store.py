"""`RunStore` for asyncio: the same store, each call in a thread. A run is used with ``async with``."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel

from statemig.store.run import Run, RunView
from statemig.store.run_store import RunStore


class AsyncRunStore:
    """Wraps a `RunStore`; everything that is not here is on `.store`.

    ``async with await store.load(run_id) as run: ...`` and, where `claim` gave one, ``async with run: ...``
    """

    def __init__(self, store: RunStore) -> None:
        self.store = store

    async def start(
        self, state: dict[str, Any] | BaseModel, *, run_id: str | None = None, step: str | None = None
    ) -> str:
        return await asyncio.to_thread(self.store.start, state, run_id=run_id, step=step)

    async def claim(self, worker: str, ttl: float = 60) -> Run | None:
        return await asyncio.to_thread(self.store.claim, worker, ttl)

    async def load(self, run_id: str, *, step: str | None = None) -> Run:
        return await asyncio.to_thread(self.store.load, run_id, step=step)

    async def read(self, run_id: str) -> RunView:
        return await asyncio.to_thread(self.store.read, run_id)

    async def answer(self, run_id: str, key: str, value: Any) -> None:
        await asyncio.to_thread(self.store.answer, run_id, key, value)

    async def upgrade(self, run_id: str, to: str = "head") -> str:
        return await asyncio.to_thread(self.store.upgrade, run_id, to)

    async def downgrade(self, run_id: str, to: str) -> str:
        return await asyncio.to_thread(self.store.downgrade, run_id, to)
