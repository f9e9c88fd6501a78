"""A canary over threads: who is handed which, and what nobody has written down is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph_nodes import yes
from langgraph_play import Scenario
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_threads import Threads

from statemig.deploy import canary, look
from statemig.deploy.comparison import Comparison
from statemig.errors import RoutedElsewhereError
from statemig.store.deploy_records import Unknown
from statemig.store.deploy_store import SqlDeployStore
from statemig.store.protocols import Attempt

NAMES = [f"t{number}" for number in range(6)]


class Deployed(Threads):
    """Workers of both versions, of which the newer changes nothing that is stored: any other way down is not proved for threads, and the
    window pins them."""

    def deploy(self) -> SqlDeployStore:
        return SqlDeployStore(f"sqlite:///{Path(self.storage.where).with_name('deploy.db')}", "flow")

    def work(self, thread: str, version: int, *inputs: Any) -> Any:
        return self.run(thread, version, *inputs, deploy=self.deploy(), worker=f"v{version}")


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    """Six threads that wait for a person, and the canary of half of them."""
    before = named("step-and-field-renamed").versions[0]
    alike = Scenario("", (before, before), (lambda op: None,), (), None, ())
    found = Deployed(alike, Storage("sqlite", tmp_path / "checkpoints.db"))
    for name in NAMES:
        found.work(name, 1, {"topic": "x"})
    found.work("new", 2, {"topic": "x"})
    fleet = found.fleet(deploy=found.deploy())
    begun = canary.start(fleet, "r2", new=0, parked=0.5, old="r1", in_memory=False)
    assert begun.rollout is not None
    assert begun.rollout.modes == {"r1": "in place"}
    return found


def test_savers_of_the_new_version_hand_out_the_chosen_threads_alone(deployed: Deployed) -> None:
    """And those of the old one no more when the new one has written them."""
    inside = set(deployed.deploy().canary_beside())
    assert 2 <= len(inside) <= 4
    assert inside < set(NAMES)
    for name in NAMES:
        if name in inside:
            assert deployed.work(name, 2, yes).next == ("check",)
            with pytest.raises(RoutedElsewhereError, match="it is in the canary of r2; taken by v2"):
                deployed.work(name, 1)
        else:
            with pytest.raises(RoutedElsewhereError):
                deployed.work(name, 2)
            assert deployed.work(name, 1, yes).next == ("check",)


def test_status_counts_the_threads_at_each_step(deployed: Deployed) -> None:
    found = canary.status(deployed.fleet(deploy=deployed.deploy()))
    chosen = len(deployed.deploy().canary_beside())
    assert sum(each.runs for each in found.steps.values()) == 7
    assert sum(each.canary for each in found.steps.values()) == chosen + 1


def test_what_nobody_has_written_down_is_not_known(deployed: Deployed) -> None:
    found = look(deployed.fleet(deploy=deployed.deploy()))
    assert found.verdict == "WAIT"
    answers = {sign.name: isinstance(sign.found, Unknown) for sign in found.signs}
    assert answers == {"errors": True, "silent ends": True, "asked again": True, "no progress": False}
    assert found.not_brought == ()


def test_code_that_writes_down_its_tries_is_compared(deployed: Deployed) -> None:
    deploy = deployed.deploy()
    for number, revision in enumerate(["r1"] * 40 + ["r2"] * 10):
        at = deploy.clock()
        outcome = "error" if revision == "r2" else "done"
        deploy.add_attempt(Attempt(f"x{number}", 1, "write", None, revision, "w", at, at, outcome, "E", None))
    [errors, *_] = look(deployed.fleet(deploy=deploy)).signs
    assert isinstance(errors.found, Comparison)
    assert (errors.found.canary.bad, errors.found.control.runs, errors.answer) == (10, 40, "worse")
