"""What a plan does not look into, it hands on as it is: a runtime may leave it undecoded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from operation_chains import Chain, chains

from statemig import json_text
from statemig.document import Document
from statemig.errors import MigrationError
from statemig.plan import stepwise
from statemig.plan.compiler import compile_stages
from statemig.plan.complement import Complement
from statemig.way import Way


class Opaque:
    """A value that nobody can look into: it equals nothing, and there is no copy of it."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it was compared")

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("it was copied")


def both(way: Way, document: Document) -> list[tuple[Document, Complement]]:
    """What the interpreter and the compiled plan make of it; nothing where that is an error."""
    try:
        return [
            stepwise.run(document, way.stages, {}, recording=True),
            compile_stages(way.stages, recording=True)(document),
        ]
    except MigrationError:
        return []


def test_what_is_not_opened_is_handed_on() -> None:
    met: Counter[bool] = Counter()

    @settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(chain=chains((1, 5), (1, 3)))
    def check(chain: Chain) -> None:
        way = chain.migrator.only_fields("r0", chain.head)
        assume(way is not None and way.fields is not None)
        assert way is not None
        assert way.fields is not None
        state = chain.document()["state"]
        closed = [name for name in state if not way.fields.is_opened(name)]
        moved = {name: way.fields.moved.get(name, name) for name in closed}
        for after, _ in both(way, {"status": "active", "state": state}):
            assert all(json_text.equal(after["state"][moved[name]], state[name]) for name in closed)
        hidden = {name: Opaque() for name in closed}
        for after, complement in both(way, {"status": "active", "state": {**state, **hidden}}):
            met[bool(closed)] += 1
            assert all(after["state"][moved[name]] is hidden[name] for name in closed)
            assert sum(type(value) is Opaque for value in after["state"].values()) == len(closed)
            assert "Opaque" not in repr(complement)

    check()
    assert met[True], met
