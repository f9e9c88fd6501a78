"""How LangGraph names what runs: ids of tasks, namespaces of subgraphs, ids of questions. All are hashes, so a name can be found out by
trying, and a step that is renamed changes all of them.

Follows ``prepare_single_task`` and ``_interrupt_id`` of langgraph 1.x.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from hashlib import sha1
from itertools import combinations

from xxhash import xxh3_128_hexdigest

NULL_TASK = "00000000-0000-0000-0000-000000000000"
PULL, PUSH = "__pregel_pull", "__pregel_push"
BRANCH, JOIN = "branch:to:", "join:"

_KEPT_TASK = re.compile(
    r"(?P<step>\d{8}|-\d{7})(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # the first group of the task's own id gives way to the step
    r"|(?P<before>\d{8}|-\d{7})-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # langgraph 1.2.0: before the whole id
    r"|ffffffff-(?P<late>[0-9a-f]{4}-[0-9a-f]{4})-[0-9a-f]{4}-[0-9a-f]{12}"
)
#: more supersteps than a run takes
_STEPS = 100_000


def task_id(
    checkpoint: dict[str, object], namespace: str, step: int, node: str, kind: str, rest: Iterable[str]
) -> str:
    """The id of the task for `node` in the superstep `step` that follows the checkpoint. `rest`: its triggers, sorted (PULL), or its
    place among the packets (PUSH)."""
    inside = f"{namespace}|{node}" if namespace else node
    parts = "".join((inside, str(step), node, kind, *rest)).encode()
    start = binascii.unhexlify(str(checkpoint["id"]).replace("-", ""))
    version = checkpoint.get("v", 1)
    if isinstance(version, int) and version > 1:
        text = xxh3_128_hexdigest(start + parts)
    else:
        text = sha1(start + parts, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def is_kept(task: str, step: int) -> bool:
    """Whether a run that stores at its end alone (``durability="exit"``) has kept a write to a `DeltaChannel` under this id, at the
    checkpoint that superstep `step` follows: the id names the superstep that wrote it (``exit_delta_task_id``). Of the ids of tasks
    one in 40 begins with eight digits, too, but hardly with those of a superstep that is near."""
    found = _KEPT_TASK.fullmatch(task)
    if found is None:
        return False
    late = found["late"]
    wrote = int(late.replace("-", ""), 16) if late is not None else int(found["step"] or found["before"])
    return step <= wrote < step + _STEPS


def namespace_of(namespace: str, node: str, task: str) -> str:
    """Where a task keeps what it stores."""
    return f"{namespace}|{node}:{task}" if namespace else f"{node}:{task}"


def interrupt_id(namespace: str, answered: int) -> str:
    """The id of the question that a task asks when it has `answered` answers. `namespace` is the task's own."""
    return xxh3_128_hexdigest((f"{namespace}|{answered}" if answered else namespace).encode())


def beside(question: str) -> str:
    """The id of the question that stands beside one that has its answer, so that there are two."""
    return xxh3_128_hexdigest(question.encode())


def nodes_of(namespace: str) -> tuple[str, ...]:
    """The nodes on the way from the root to a namespace: ``inner:1f..|deep:2a..|1`` is ``("inner", "deep")``."""
    return tuple(part.split(":", 1)[0] for part in namespace.split("|") if part and not part.isdigit())


def prefix_of(namespace: str) -> str:
    """What the steps of a namespace begin with in a snapshot: ``inner.``"""
    return "".join(f"{node}." for node in nodes_of(namespace))


def join_channel(branches: Iterable[str], target: str) -> str:
    return f"{JOIN}{'+'.join(branches)}:{target}"


def triggers_tried(node: str, joins: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """What may have been the triggers of a node, which are not stored: its own channel, and any of the joins that lead to it."""
    known = sorted(set(joins))
    for size in range(len(known), -1, -1):
        for some in combinations(known, size):
            yield tuple(sorted((BRANCH + node, *some)))


def task_path(kind: str, rest: str) -> str:
    """What a task's writes are ordered by: its node (PULL), or its place among the packets (PUSH)."""
    return f"~{kind}, {int(rest):010d}" if kind == PUSH else f"~{kind}, {rest}"
