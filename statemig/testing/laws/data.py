"""Laws about every document of a revision. None of them imports hypothesis: where documents come from is not their business.

A document that the script holds back (``op.hold()``, ``op.pin()``, ``op.fail()``, `irreversible`) keeps every law.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from statemig import json_text
from statemig.document import Document
from statemig.errors import (
    CursorError,
    InvalidStateError,
    IrreversibleError,
    StatemigError,
)
from statemig.migrator import Result
from statemig.testing.case import Case
from statemig.testing.violation import Place, Violation, place_of

JSON = Any


def up_validates(case: Case, document: Document) -> None:
    """What is stored at the old version is upgraded, and valid at the new one: closed, so no old key is left."""
    result = upgraded(case, document)
    if result.error is None or result.outcome in ("held", "pinned") or isinstance(result.error, CursorError):
        return  # of cursors `cursor_is_safe` has more to say
    problems = _problems(result.error)
    raise Violation(
        case,
        "up_validates",
        "what is stored cannot be upgraded"
        if not isinstance(result.error, InvalidStateError)
        else "what the script makes of it does not fit the new version",
        document,
        after=migrated(case, document),
        places=[place_of_problem(path, expected) for path, expected in problems],
        problems=problems,
    )


def down_validates(case: Case, document: Document) -> None:
    """What the new version has written goes down to what the old one reads, or is refused by name. Where the way down is proved, or written
    out by hand, nothing may be refused for its shape."""
    result = case.migrator.downgrade(document, revision=case.revision, to=case.below)
    if result.error is None or result.outcome in ("held", "pinned"):
        return
    if not isinstance(result.error, InvalidStateError) or not _down_is_promised(case):
        return
    problems = _problems(result.error)
    raise Violation(
        case,
        "down_validates",
        "what the way back makes of it does not fit the old version",
        document,
        places=[place_of_problem(path, expected) for path, expected in problems],
        problems=problems,
        down=True,
    )


def up_down_up(case: Case, document: Document) -> None:
    """Down with what was kept on the way up gives the document back, exactly; and up again is the same as the first time."""
    up = upgraded(case, document)
    if up.error is not None:
        return
    kept = json_text.loads(json_text.dumps(up.complement))
    down = case.migrator.downgrade(up.document, revision=case.revision, to=case.below, complement=kept)
    if isinstance(down.error, IrreversibleError) or down.outcome in ("held", "pinned"):
        return
    if down.error is not None:
        raise Violation(
            case,
            "up_down_up",
            f"what was upgraded cannot go back: {_said(down.error)}",
            document,
            after=up.document,
            problems=_problems(down.error),
        )
    _same(
        case, "up_down_up", "down after up does not give back the document", document, document, down.document
    )
    again = upgraded(case, down.document, complement=down.complement)
    if again.error is not None:
        raise Violation(case, "up_down_up", f"it cannot be upgraded again: {_said(again.error)}", document)
    _same(
        case,
        "up_down_up",
        "up again is not the same as the first time",
        document,
        up.document,
        again.document,
    )


def down_up_preserves(case: Case, document: Document) -> None:
    """A document of the new version that goes down and up again is the same."""
    down = case.migrator.downgrade(document, revision=case.revision, to=case.below)
    if down.error is not None:
        return  # `down_validates` judges that
    kept = json_text.loads(json_text.dumps(down.complement))
    up = upgraded(case, down.document, complement=kept)
    if up.outcome in ("held", "pinned"):
        return
    if up.error is not None:
        raise Violation(
            case, "down_up_preserves", f"it cannot come up again: {_said(up.error)}", document, down=True
        )
    _same(
        case,
        "down_up_preserves",
        "up after down does not give back the document",
        document,
        document,
        up.document,
        down=True,
    )


def lazy_equals_eager(case: Case, document: Document) -> None:
    """A load that upgrades gives what an upgrade in bulk gives, and a second load what the first one gave."""
    eager = upgraded(case, document, to="head")
    if eager.error is not None:
        return
    hook = case.migrator.hook(unstamped=case.below, layout="document")
    try:
        loaded = hook.load(json_text.dumps(document))
        again = hook.load(hook.dump(loaded))
    except StatemigError as error:
        raise Violation(case, "lazy_equals_eager", f"a load refuses it: {_said(error)}", document) from error
    _same(
        case,
        "lazy_equals_eager",
        "a load gives something else than an upgrade",
        document,
        eager.document,
        dict(loaded),
    )
    _same(
        case,
        "lazy_equals_eager",
        "a second load gives something else than the first",
        document,
        dict(loaded),
        dict(again),
    )


def chain_equals_stepwise(case: Case, document: Document) -> None:
    """All revisions up to the head at once give what they give one at a time, and keep the same for the way back."""
    at_once = upgraded(case, document, to="head")
    if at_once.error is not None:
        return
    step, complement, revision = document, None, case.below
    for target in case.migrator.path(case.below, case.migrator.head):
        if len(case.migrator.revision(target).down_revisions) > 1:
            return  # between two branches no revision stands alone
        one = case.migrator.upgrade(step, revision, to=target, record="complement", complement=complement)
        if one.error is not None:
            raise Violation(
                case,
                "chain_equals_stepwise",
                f"one revision at a time it does not get past {target}: {_said(one.error)}",
                document,
                after=at_once.document,
            )
        step, complement, revision = one.document, one.complement, target
    _same(
        case,
        "chain_equals_stepwise",
        "one at a time it comes out otherwise",
        document,
        at_once.document,
        step,
    )
    if not json_text.equal(at_once.complement, complement):
        raise Violation(
            case, "chain_equals_stepwise", "one at a time something else is kept for the way back", document
        )


def deterministic_and_pure(case: Case, document: Document) -> None:
    """Twice gives the same, the argument stays as it was, and nothing of one result is in another."""
    before = json_text.dumps(document)
    first = upgraded(case, document)
    if json_text.dumps(document) != before:
        raise Violation(
            case,
            "deterministic_and_pure",
            "the script changes its argument",
            json_text.loads(before),
            after=document,
        )
    if first.error is not None:
        return
    written = json_text.dumps(first.document)
    _scramble(copy.copy(first.document), _identities(document))
    second = upgraded(case, document)
    if second.error is not None or json_text.dumps(second.document) != written:
        raise Violation(
            case,
            "deterministic_and_pure",
            "the second time it comes out otherwise: a clock, a random number, or a default that is shared",
            document,
            after=json_text.loads(written),
            places=list(_places(json_text.loads(written), second.document)),
        )


def head_model_loads(case: Case, document: Document, load: Any = None) -> None:
    """What comes up to the head is taken by the model of today's code, and what that writes down again is the same but for how it writes
    texts of a format and numbers."""
    if load is None:
        return
    result = upgraded(case, document, to="head")
    if result.error is not None:
        return
    problems, dumped = load(result.document["state"])
    if problems:
        raise Violation(
            case,
            "head_model_loads",
            "today's model does not take it",
            document,
            after=result.document,
            places=[("state", *place) for place, _ in problems],
            problems=[(".".join(map(str, ("state", *place))), text) for place, text in problems],
            hint="A validator checks more than the schema says? Draw what it takes: strategies.register_override(path, ...)",
        )
    lost = list(_lost(result.document["state"], dumped, ("state",)))
    if lost:
        raise Violation(
            case,
            "head_model_loads",
            "today's model writes something else than it was given",
            document,
            after={**result.document, "state": dumped},
            places=lost,
        )


def corpus_upgrades(case: Case, document: Document) -> None:
    """A recorded state gets to the head, and is valid there."""
    result = upgraded(case, document, to="head")
    if result.error is not None and result.outcome not in ("held", "pinned"):
        problems = _problems(result.error)
        raise Violation(
            case,
            "corpus_upgrades",
            "a recorded state cannot be upgraded to the head",
            document,
            places=[place_of_problem(path, expected) for path, expected in problems],
            problems=problems,
        )


# -- parts -------------------------------------------------------------------------------------------------------------


def upgraded(case: Case, document: Document, *, to: str | None = None, complement: Any = None) -> Result:
    """Recording, as a claim or a save does it."""
    return case.migrator.upgrade(
        document, case.below, to=to or case.revision, record="complement", complement=complement, run_id="run"
    )


def migrated(case: Case, document: Document) -> Document | None:
    """What the operations make of it, valid or not; None where they do not get that far."""
    from statemig.plan import stepwise
    from statemig.way import Way

    try:
        stages = Way(case.migrator, case.below, case.revision, up=True).stages
        return stepwise.run(document, stages, {}, recording=False, run_id="run")[0]
    except StatemigError:
        return None


def place_of_problem(path: str, expected: str) -> Place:
    """The place that a problem is about: with the key, where it is one that is not there or not known."""
    import re

    about = re.findall(r"'([^']*)'", expected) if "absent" in expected or "not known" in expected else []
    return (*place_of(path), *about[:1])


def _problems(error: StatemigError) -> list[tuple[str, str]]:
    if isinstance(error, InvalidStateError):
        return list(error.problems)
    return [(error.path or "", _said(error))]


def _said(error: StatemigError) -> str:
    """Without the run's id, which is made up."""
    where = f"operation {error.operation}: " if error.operation else ""
    return f"{where}{error.message}"


def _down_is_promised(case: Case) -> bool:
    if case.loaded.downgrade_operations is not None:
        return True
    from statemig.proof.prove import prove_revision

    kept: bool | None = case.__dict__.get("_promised")
    if kept is None:
        kept = prove_revision(case.loaded, case.migrator.snapshot).down.verdict == "proved"
        case.__dict__["_promised"] = kept
    return kept


def _same(
    case: Case, law: str, reason: str, document: Document, expected: JSON, found: JSON, *, down: bool = False
) -> None:
    if not json_text.equal(expected, found):
        places = list(_places(expected, found))
        raise Violation(case, law, reason, document, after=found, places=places, down=down)


def _places(expected: JSON, found: JSON, place: Place = ()) -> Iterator[Place]:
    """Where two values differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in {**expected, **found}:
            if key in expected and key in found:
                yield from _places(expected[key], found[key], (*place, key))
            else:
                yield (*place, key)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _places(one, other, (*place, number))
    elif not json_text.equal(expected, found):
        yield place


def _lost(given: JSON, dumped: JSON, place: Place) -> Iterator[Place]:
    """Where a model's dump lacks what it was given, or says another thing. Texts and numbers may be written in another way."""
    if isinstance(given, dict) and isinstance(dumped, dict):
        for key, value in given.items():
            if key in dumped:
                yield from _lost(value, dumped[key], (*place, key))
    elif isinstance(given, list) and isinstance(dumped, list):
        if len(given) != len(dumped):
            yield place
        for number, (one, other) in enumerate(zip(given, dumped, strict=False)):
            yield from _lost(one, other, (*place, number))
    elif isinstance(given, str | int | float) and isinstance(dumped, str | int | float):
        return
    elif not json_text.equal(given, dumped):
        yield place


def _identities(value: JSON) -> set[int]:
    found: set[int] = set()
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list):
            found.add(id(each))
            todo += each.values() if isinstance(each, dict) else each
    return found


def _scramble(value: JSON, shared: set[int]) -> None:
    """Change every container that is not part of the input, which untouched parts may share."""
    if isinstance(value, dict | list) and id(value) not in shared:
        for each in list(value.values() if isinstance(value, dict) else value):
            _scramble(each, shared)
        value.clear()
