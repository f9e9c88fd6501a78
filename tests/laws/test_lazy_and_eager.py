"""Laws 11 and 12 on random chains, through a store on SQLite: loading late and loading early come to the same."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from operation_chains import SLOW, Chain, chains

from statemig import Migrator, RunStore, json_text
from statemig.errors import StatemigError

numbers = itertools.count()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # In memory where there is such a place: thousands of examples need no disk to be right.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield f"sqlite:///{folder}/"


class Deploys:
    """The code of each version of a chain, with a store on one database."""

    def __init__(self, url: str, chain: Chain) -> None:
        self.url = url
        self.revisions = chain.revisions(snapshots=True)
        self._stores: dict[int, RunStore] = {}

    def store(self, number: int) -> RunStore:
        if number not in self._stores:
            migrator = Migrator(revisions=self.revisions[: number + 1])
            self._stores[number] = RunStore(self.url, migrator, create=number == 0)
        return self._stores[number]

    def start(self, document: dict[str, Any], run_id: str) -> None:
        runs = self.store(0)
        runs.start(document["state"], run_id=run_id)
        with runs.load(run_id) as run:
            run.document.clear()
            run.document.update(json_text.loads(json_text.dumps(document)))

    def close(self) -> None:
        for store in self._stores.values():
            store.engine.dispose()


def outcome(act: Callable[[], Any]) -> Any:
    """What came of it, or the kind of error; a document that is refused early is refused late."""
    try:
        return act()
    except StatemigError as error:
        return type(error)


#: of each deploy: whether somebody loads the run at that version, and what is written then
LOADS = st.lists(st.one_of(st.none(), st.lists(st.integers(-3, 3), max_size=2)), min_size=4, max_size=4)


def write(runs: RunStore, run_id: str, frame: list[int]) -> None:
    with runs.load(run_id) as run:
        run.state["frame"] = [*run.state["frame"], *({"n": number} for number in frame)]


@pytest.mark.law(12)
@SLOW
@given(chain=chains((1, 3)), loads=LOADS)
def test_lazy_with_interleaved_writes_is_eager_first_then_the_same_writes(
    url: str, chain: Chain, loads: list[list[int] | None]
) -> None:
    lazy, eager = Deploys(f"{url}lazy.db", chain), Deploys(f"{url}eager.db", chain)
    run_id = f"r{next(numbers)}"  # ids that a migration makes depend on it, so it is the same
    document = chain.document()
    for each in (lazy, eager):
        each.start(document, run_id)
    last = len(chain.versions) - 1
    for number in range(last + 1):
        early, late = eager.store(number), lazy.store(number)
        # A version on the way that the document does not fit matters only to who stops there.
        assume(isinstance(outcome(lambda runs=early: runs.upgrade(run_id, "head")), str))
        frame = loads[number] if number < last else loads[number] or []
        if frame is not None:
            written = [
                outcome(lambda runs=runs, frame=frame: write(runs, run_id, frame)) for runs in (early, late)
            ]
            assert written[0] == written[1]
    heads = [each.store(last) for each in (lazy, eager)]
    documents = [head.read(run_id).document for head in heads]
    assert json_text.dumps(documents[0]) == json_text.dumps(documents[1])
    back = [outcome(lambda head=head: head.downgrade(run_id, "r0")) for head in heads]
    assert back[0] == back[1]
    if back[0] == "downgraded":
        left, right = (each.store(0).read(run_id).document for each in (lazy, eager))
        assert json_text.equal(left, right)  # a reverse patch does not keep the order of keys
    for each in (lazy, eager):
        each.close()


@pytest.mark.law(11)
@SLOW
@given(chain=chains((1, 3)))
def test_loading_twice_is_loading_once_and_a_current_run_is_not_touched(url: str, chain: Chain) -> None:
    deploys = Deploys(f"{url}runs.db", chain)
    run_id = f"r{next(numbers)}"
    deploys.start(chain.document(), run_id)
    head = deploys.store(len(chain.versions) - 1)
    migrator = head.migrator
    try:
        with head.load(run_id) as run:
            once = run.document
    except StatemigError:
        assume(False)
    stored = head.row(run_id)
    with head.load(run_id) as run:
        assert json_text.dumps(run.document) == json_text.dumps(once)
    assert head.row(run_id) == stored
    for revision in (migrator.head, "r0"):
        document = head.read(run_id).document if revision != "r0" else chain.document()
        current = Migrator(revisions=deploys.revisions[:1]) if revision == "r0" else migrator
        result = current.upgrade(document, revision)
        assert result.document is document
        assert (result.outcome, result.revision, result.applied) == ("current", revision, ())
    deploys.close()
