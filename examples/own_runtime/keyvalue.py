"""A loop of your own over a key-value server such as Redis: bytes in, bytes out, asynchronous."""

from __future__ import annotations

import asyncio
import json

from history import LAYOUT, WRITTEN_BY_VERSION_1, migrator


class Redis:
    """Stands in for `redis.asyncio.Redis`, with the two methods that matter here."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes:
        return self.values[key]

    async def set(self, key: str, value: bytes) -> None:
        self.values[key] = value


redis = Redis()
hook = migrator.hook(unstamped="a1", layout=LAYOUT)
load_run, save_run = hook.wraps(load=redis.get, save=redis.set)


async def work(run_id: str) -> None:
    run = await load_run(run_id)
    assert run["step"] == "review"
    run["owner"].append("lee")
    run["step"] = "send"
    await save_run(run_id, dict(run))


async def main() -> None:
    await redis.set("run:1", json.dumps(WRITTEN_BY_VERSION_1).encode())
    print("version 1 wrote ", (await redis.get("run:1")).decode())
    await work("run:1")
    print("version 2 stored", (await redis.get("run:1")).decode())
    assert (await load_run("run:1"))["owner"] == ["kim", "lee"]


if __name__ == "__main__":
    asyncio.run(main())
