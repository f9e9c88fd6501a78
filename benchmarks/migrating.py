"""Bars 1 to 5: what it costs to bring a document that is parsed already up a chain, beside what else one could do.

    python benchmarks/migrating.py [--smoke]

`L` is `orjson.loads` of the same document. statemig is measured as an application calls it, `Migrator.upgrade(...)`, which never
changes its argument; "with the recording" is the same call with record="complement", as RunStore makes it. Validation is not in these
(see "checked"): by hand there is none either.

By hand there are two yardsticks for bar 3. `state["new"] = state.pop("old")` is the shortest, and moves the key to the end. statemig keeps
the order of keys, so "x same job" is beside functions that do.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jsonpatch
import jsonschema_rs
import orjson
from measuring import chains
from measuring.documents import SIZES, run_document
from measuring.peers import peer
from measuring.report import Report
from measuring.timing import SMOKE, Ratio, compare, repeated
from measuring.workflow import base, proven, state_model

from statemig import Migrator
from statemig.plan import stepwise
from statemig.plan.compiler import compile_stages
from statemig.shapes import json_schema

Call = Callable[[Any], Any]

#: (chain, how many revisions): the limits of bars 1 or 2, 4 (None: no such bar) and 3, at each size
BARS: dict[tuple[str, int], dict[str, tuple[tuple[str, float] | None, float | None, float | None]]] = {
    ("churn", 1): {"4 KB": (None, None, 1.1), "64 KB": (None, None, 1.1)},
    ("churn", 50): {"4 KB": (("1", 1.0), 1.2, 0.35), "64 KB": (None, 0.7, 0.35)},
    ("spread", 50): {"4 KB": (("1", 2.0), None, 0.9), "64 KB": (None, None, 0.9)},
    ("churn", 200): {"4 KB": (("2", 2.2), None, None), "64 KB": (("2", 0.8), None, None)},
}


def main() -> None:
    report = Report(
        "migrating", "Migrating a parsed document", ("pydantic", "jsonpatch", "jsonschema-rs", "pyrmute")
    )
    pyrmute = peer("pyrmute", install=not SMOKE)
    for size in list(SIZES)[: 1 if SMOKE else None]:
        document = run_document(SIZES[size])
        text = orjson.dumps(document)
        measure = Measure(text)
        floor(report, f"{size}: floors and validation", measure, document)
        at_head(report, f"{size}, at head already", measure)
        for (chain, length), limits in BARS.items():
            if SMOKE and length > 50:
                continue
            group = f"{size}, chain of {length}, {chain}"
            one_chain(report, group, measure, chain, length, limits[size], pyrmute)
    report.finish()


class Measure:
    """Everything is given its own freshly parsed document, and compared with `orjson.loads`."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.fresh = partial(orjson.loads, text)

    def __call__(self, work: Call) -> Ratio:
        return compare(work, self.fresh, orjson.loads, lambda: self.text)

    def against(self, work: Call, yardstick: Call) -> Ratio:
        return compare(work, self.fresh, yardstick, self.fresh)


def floor(report: Report, group: str, measure: Measure, document: dict[str, Any]) -> None:
    text = measure.text
    report.add(group, "orjson.loads + orjson.dumps", measure(lambda _: orjson.dumps(orjson.loads(text))))
    report.add(group, "copy.deepcopy", measure(copy.deepcopy))
    model, state = state_model(), document["state"]
    report.add(group, "pydantic validate_python", measure(lambda d: model.model_validate(d["state"])))
    closed = jsonschema_rs.Draft202012Validator(json_schema.write(base().stored, closed=True))
    parts = {"state": state, "outputs": document["outputs"]}
    assert closed.is_valid(parts)
    report.add(group, "jsonschema-rs is_valid", measure(lambda _: closed.is_valid(parts)))


def at_head(report: Report, group: str, measure: Measure) -> None:
    """Documents that need nothing. Whole loads from a database are in `storing`."""
    migrator = Migrator(revisions=chains.revisions("churn", 50))
    head, upgrade = migrator.head, migrator.upgrade
    times = 1 if SMOKE else 100
    again = [None] * times

    def check(document: dict[str, Any]) -> None:
        for _ in again:
            upgrade(document, head)

    ratio = compare(check, measure.fresh, orjson.loads, lambda: measure.text, repeats=times)
    report.add(group, "check: Migrator.upgrade, which returns a Result", ratio, bar="5", limit=0.02)
    hook = migrator.hook()
    stamped = orjson.dumps(hook.dump(measure.fresh()["state"]))

    def parsed() -> Any:
        return orjson.loads(stamped)

    ratio = compare(repeated(hook.load, times), parsed, orjson.loads, lambda: stamped, repeats=times)
    report.add(group, "Hook.load of a dict, which returns a new dict", ratio)
    ratio = compare(hook.load, lambda: stamped, orjson.loads, lambda: stamped)
    report.add(group, "Hook.load of bytes, which parses them", ratio)


def one_chain(
    report: Report,
    group: str,
    measure: Measure,
    chain: str,
    length: int,
    limits: tuple[tuple[str, float] | None, float | None, float | None],
    pyrmute: Any,
) -> None:
    migrator = Migrator(revisions=chains.revisions(chain, length))
    upgrade = partial(migrator.upgrade, revision="r0", checked=True)
    recording = partial(migrator.upgrade, revision="r0", checked=True, record="complement")
    functions = chains.by_hand(chain, length)

    def by_hand(document: dict[str, Any]) -> None:
        for function in functions:
            function(document)

    expected = measure.fresh()
    by_hand(expected)
    for call in (upgrade, recording):
        assert call(measure.fresh()).unwrap() == expected

    of_parse, untouched, of_hand = limits
    number, limit = of_parse or (None, None)
    plain, noted = measure(upgrade), measure(recording)
    report.add(group, "statemig", plain, bar=number, limit=limit)
    report.add(group, "statemig, with the recording", noted, bar=number and f"{number} rec", limit=limit)
    if untouched is not None:
        report.add(group, "statemig, input untouched (it always is)", plain, bar="4", limit=untouched)
        report.add(
            group, "statemig, input untouched, with the recording", noted, bar="4 rec", limit=untouched
        )
    if of_hand is not None:
        yardsticks = (("x by hand", "3", by_hand), ("x same job", "3 order", keeping_order(chain, length)))
        for unit, bar, yardstick in yardsticks:
            for name, call in (("statemig", upgrade), ("statemig, with the recording", recording)):
                which = bar if call is upgrade else f"{bar} rec"
                report.add(group, name, measure.against(call, yardstick), unit=unit, bar=which, limit=of_hand)
    report.add(group, "the compiled plan of statemig alone", measure(plan_of(chain, length)))
    validating = Migrator(revisions=proven(chain, length))
    assert validating.upgrade(measure.fresh(), "r0").unwrap() == expected
    report.add(group, "statemig, checked at both ends", measure(partial(validating.upgrade, revision="r0")))
    report.add(group, "by hand, a function per revision, in place", measure(by_hand))
    if length <= 50:
        report.add(group, "by hand, renamed keys keep their place", measure(keeping_order(chain, length)))
        peers(report, group, measure, chain, length, pyrmute)
    first_document(report, group, measure, chain, length)


def plan_of(chain: str, length: int) -> Call:
    migrator = Migrator(revisions=chains.revisions(chain, length))
    return compile_stages(migrator._stages("r0", migrator.head))


def keeping_order(chain: str, length: int) -> Call:
    functions = chains.by_hand(chain, length, keep_order=True)

    def by_hand(document: dict[str, Any]) -> None:
        for function in functions:
            function(document)

    return by_hand


def peers(report: Report, group: str, measure: Measure, chain: str, length: int, pyrmute: Any) -> None:
    if pyrmute is not None:
        report.add(
            group, "pyrmute migrate_data, the same functions", measure(with_pyrmute(pyrmute, chain, length))
        )
    patches = [jsonpatch.JsonPatch(patch) for patch in chains.json_patches(chain, length, measure.fresh())]

    def patch(document: dict[str, Any]) -> None:
        for each in patches:
            each.apply(document, in_place=True)

    report.add(group, "jsonpatch package, in place", measure(patch))


def with_pyrmute(pyrmute: Any, chain: str, length: int) -> Call:
    from pydantic import BaseModel

    manager = pyrmute.ModelManager()
    for number in range(length + 1):
        manager.model("Run", f"{number + 1}.0.0")(
            type("Run", (BaseModel,), {"__annotations__": {"state": dict}})
        )
    for number, function in enumerate(chains.by_hand(chain, length), 1):

        def migrate(data: dict[str, Any], function: Call = function) -> dict[str, Any]:
            function(data)
            return data

        manager.migration("Run", f"{number}.0.0", f"{number + 1}.0.0")(migrate)
    last = f"{length + 1}.0.0"
    return lambda document: manager.migrate_data(document, "Run", "1.0.0", last)


def first_document(report: Report, group: str, measure: Measure, chain: str, length: int) -> None:
    """The first document of a process pays for lowering the operations and for the compiled functions."""
    revisions = chains.revisions(chain, length)
    for revision in revisions:
        assert (
            revision.operations is revision.operations
        )  # recorded once per process, whatever is done with them
    document = measure.fresh()

    def first(migrator: Migrator) -> None:
        migrator.upgrade(document, "r0", checked=True)

    def compiled(migrator: Migrator) -> None:
        compile_stages(migrator._stages("r0", migrator.head))(document)

    def one_by_one(migrator: Migrator) -> None:
        stepwise.run(document, migrator._stages("r0", migrator.head), {}, recording=False)

    def fresh() -> Migrator:
        return Migrator(revisions=revisions)

    named = (
        ("statemig, the first document of a process", first),
        ("the same, compiled at once", compiled),
        ("the same, instruction by instruction", one_by_one),
    )
    for name, work in named:
        ratio = compare(work, fresh, orjson.loads, lambda: measure.text, seconds=0.0005)
        migrator = fresh()
        start = time.process_time()
        work(migrator)
        took = (time.process_time() - start) * 1000
        report.add(group, name, ratio, note=f"about {took:.1f} ms here")


if __name__ == "__main__":
    main()
