"""How fast states are generated: hypothesis strategies over a snapshot beside ``given(st.integers())``, and `snapshot.sample`.

    python benchmarks/testing.py [--smoke]

Bars: at least 1/12 of the speed of integers for a schema of 3 KB in dump shape, 1/5 in sparse shape; 2,000 samples a second. Both
sides of a ratio run in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from random import Random
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from statemig import Step, Workflow, capture
from statemig.testing import strategies

SMOKE = "--smoke" in sys.argv
EXAMPLES = 20 if SMOKE else 300
ROUNDS = 1 if SMOKE else 7


class Message(BaseModel):
    role: Literal["user", "assistant", "tool"]
    content: str
    tokens: int = 0


class Customer(BaseModel):
    name: str
    email: str | None = None
    tier: Literal["free", "pro", "enterprise"] = "free"
    since: int = Field(default=2020, ge=1990, le=2100)


class Search(BaseModel):
    kind: Literal["search"]
    query: str
    limit: int = 10


class Reply(BaseModel):
    kind: Literal["reply"]
    text: str
    confidence: float = Field(ge=0, le=1)


class State(BaseModel):
    ticket: str
    topic: str
    attempt: int = 0
    confidence: float = 0.0
    escalated: bool = False
    summary: str | None = None
    customer: Customer
    messages: list[Message] = []
    action: Search | Reply = Field(discriminator="kind")
    scores: dict[str, float] = {}
    labels: list[str] = []
    budget: int = Field(default=100, ge=0, le=1000)
    due: str | None = None
    owner: str | None = None
    approved: bool | None = None
    channel: Literal["mail", "chat", "phone"] = "mail"
    retries: int = Field(default=0, ge=0, le=9)
    note: str = ""


FLOW = Workflow(
    "bench",
    state=State,
    steps=[Step("draft", next="ask"), Step("ask", kind="human", next="send"), Step("send")],
)


def main() -> int:
    snapshot = capture(FLOW)
    size = len(json.dumps(State.model_json_schema()))
    print(f"a schema of {size / 1024:.1f} KB")
    missed = 0
    for shape, bar in (("dump", 12), ("sparse", 5)):
        ratio = slower(strategies.from_snapshot(snapshot, shape=shape))  # type: ignore[arg-type]
        missed += ratio > bar
        print(
            f"  {shape:8} {ratio:6.1f} times as long as integers; bar {bar}: {'met' if ratio <= bar else 'MISSED'}"
        )
    ratio = slower(strategies.runs(snapshot))
    print(f"  {'runs':8} {ratio:6.1f} times as long as integers")
    speed = samples(snapshot)
    missed += speed < 2000
    print(f"  sample   {speed:6.0f} a second of CPU; bar 2000: {'met' if speed >= 2000 else 'MISSED'}")
    return 1 if missed else 0


def slower(strategy: Any) -> float:
    """How many times as long as an integer an example takes: the median of rounds."""
    ratios = []
    for _ in range(ROUNDS):
        ratios.append(seconds(strategy) / seconds(st.integers()))
    return statistics.median(ratios)


def seconds(strategy: Any) -> float:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(strategy)
    def draw(value: object) -> None:
        pass

    gc.collect()  # else one side now and then pays for what the other left
    begin = time.process_time()
    draw()
    return time.process_time() - begin


def samples(snapshot: Any) -> float:
    random = Random(7)
    snapshot.sample(random)
    count = 200 if SMOKE else 3000
    begin = time.process_time()
    for _ in range(count):
        snapshot.sample(random)
    return count / (time.process_time() - begin)


if __name__ == "__main__":
    sys.exit(main())
