"""The Python interpreter: instructions on one document, one after the other.

Every function here takes a document and gives one, sharing what did not change; the argument is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from statemig import json_text
from statemig.document import Document
from statemig.errors import (
    CollisionError,
    ConversionError,
    IrreversibleError,
    MigrationError,
    StatemigError,
    TransformError,
)
from statemig.plan import calls, cursor, ids, joins, order, parts, questions
from statemig.plan.complement import Complement, Notes
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Divide,
    Drop,
    Fill,
    Instruction,
    MapCalls,
    MapQuestions,
    Mint,
    Move,
    OpenStep,
    Put,
    Refuse,
    Reinstate,
    Rejoin,
    Relabel,
    Rename,
    Reorder,
    Retype,
    Unfill,
    Unite,
    Withdraw,
)
from statemig.plan.key_values import Keeps, OnKeys
from statemig.plan.values import PythonFunction, fresh, kind
from statemig.plan.walk import Trail, over, trail_text
from statemig.shapes.shape import Missing, Schema


@dataclass(frozen=True, slots=True)
class Stage:
    """One instruction of a plan and where it comes from. `label` names its notes; `schema` and `passed` (of the documents before it) are
    there where an instruction needs them."""

    instruction: Instruction
    revision: str
    operation: str
    label: str
    schema: Callable[[], Schema] | None = None
    passed: Callable[[], cursor.Passed | None] | None = None


def run(
    document: Document,
    stages: Sequence[Stage],
    complement: Complement,
    *,
    recording: bool,
    run_id: str | None = None,
) -> tuple[Document, Complement]:
    """The document after all stages, and the complement to keep with it: what was passed in, less what was used, plus what was noted.

    Raises a `MigrationError` that names revision, operation and path.
    """
    kept = dict(complement)
    for stage in stages:
        notes = Notes(recording, getattr(stage.instruction, "identity", None), run_id)
        try:
            notes.open(kept.pop(stage.label, ()), document)
            document = apply(document, stage.instruction, notes, stage)
        except StatemigError as error:
            raise error.locate(revision=stage.revision, operation=stage.operation) from error.__cause__
        written = notes.seal(document)
        if written:
            kept[stage.label] = written
    return document, kept


def apply(document: Document, instruction: Instruction, notes: Notes, stage: Stage) -> Document:
    """One instruction on one document."""
    match instruction:
        case Put() | Fill():
            return _put(document, instruction, notes, stage)
        case Drop():
            return _drop(document, instruction, notes, stage)
        case Mint():
            schema = stage.schema() if stage.schema else None
            return ids.mint(document, instruction, notes, revision=stage.revision, schema=schema)
        case Unfill():
            return _unfill(document, instruction, notes, stage)
        case Rename():
            return _rename(document, instruction, notes, stage)
        case Move():
            return _move(document, instruction, notes, stage)
        case Apply():
            return _apply(document, instruction, notes, stage)
        case Refuse(why):
            raise IrreversibleError(f"there is no way back: {why}")
        case Retype():
            return document
        case Relabel(old, new):
            return cursor.relabel(document, old, new)
        case CloseStep():
            return cursor.close_step(document, instruction, notes)
        case OpenStep():
            return cursor.open_step(document, instruction, notes, stage.passed() if stage.passed else None)
        case Divide():
            return parts.divide(document, instruction, notes)
        case Unite():
            return parts.unite(document, instruction, notes)
        case Reorder():
            return order.reorder(document, instruction, notes)
        case Rejoin():
            return joins.rejoin(document, instruction, notes, stage.label)
        case Withdraw():
            return joins.withdraw(document, instruction, notes, stage.label)
        case Reinstate():
            return joins.reinstate(document, instruction, notes)
        case MapQuestions():
            return questions.map_questions(document, instruction, notes)
        case MapCalls():
            return calls.map_calls(document, instruction, notes)
        case _:
            assert_never(instruction)


def _put(document: Document, put: Put | Fill, notes: Notes, stage: Stage) -> Document:
    key = put.key

    def visit(value: Any, trail: Trail, partial: bool = False) -> Any:
        if not isinstance(value, dict):
            return value
        note = notes.take(trail)
        if key in value:
            if isinstance(put, Put):
                notes.write(trail, present=True)
            return value
        if note is not None and "was" in note:
            return _insert(value, key, fresh(note["was"]), note.get("i"))
        if partial or isinstance(put.value, Missing) or (note is not None and "absent" in note):
            return value
        if isinstance(put, Fill):
            notes.write(trail, filled=True)
        return {**value, key: fresh(put.value)}

    # Inner first, or what was just put would be visited too.
    return _over_objects(document, put.parent, visit, stage, inner_first=True)


def _drop(document: Document, drop: Drop, notes: Notes, stage: Stage) -> Document:
    key, restore = drop.key, drop.restore

    def visit(value: Any, trail: Trail, partial: bool = False) -> Any:
        if not isinstance(value, dict):
            return value
        note = notes.take(trail)
        if key not in value:
            if not partial and (drop.minted or not isinstance(restore, Missing)):
                notes.write(trail, absent=True)
            return value
        if note is not None and "present" in note:
            return value
        index = list(value).index(key)
        last = index == len(value) - 1
        same = not partial and not isinstance(restore, Missing) and json_text.equal(value[key], restore)
        if drop.keep and not (same and last):
            notes.write(trail, was=value[key], **({} if last else {"i": index}))
        return {name: inner for name, inner in value.items() if name != key}

    return _over_objects(document, drop.parent, visit, stage)


def _unfill(document: Document, unfill: Unfill, notes: Notes, stage: Stage) -> Document:
    key = unfill.key

    def visit(value: Any, trail: Trail, partial: bool = False) -> Any:
        note = notes.take(trail)
        if not isinstance(value, dict):
            return value
        if key not in value:
            if not partial and not isinstance(unfill.value, Missing):
                notes.write(trail, absent=True)  # it was absent before, so the way back must not fill it
            return value
        if note is None:
            return value
        if "filled" not in note or not json_text.equal(value[key], unfill.value):
            return value
        return {name: inner for name, inner in value.items() if name != key}

    return _over_objects(document, unfill.parent, visit, stage)


def _rename(document: Document, rename: Rename, notes: Notes, stage: Stage) -> Document:
    def visit(value: Any, trail: Trail) -> Any:
        if not isinstance(value, dict):
            return value
        note = notes.take(trail)
        if rename.old not in value:
            if rename.new in value:  # it was there before, so the way back must not rename it
                notes.write(trail, present=True)
            return value
        if note is not None and "present" in note and rename.new not in value:
            return value
        if rename.new in value:
            raise CollisionError(
                f"{rename.new!r} is there already, so {rename.old!r} cannot become it",
                path=trail_text((*trail, rename.new)),
                hint="Remove, rename or merge one of the two first",
            )
        return {rename.new if name == rename.old else name: inner for name, inner in value.items()}

    return over(document, rename.parent, visit, schema=stage.schema() if stage.schema else None)


def _move(document: Document, move: Move, notes: Notes, stage: Stage) -> Document:
    source, target = move.source, move.target

    def visit(value: Any, trail: Trail, partial: bool = False) -> Any:
        note = notes.take(trail) or {}
        if partial and len(source) + len(target) > 2 and (source[0] in value or target[0] in value):
            raise MigrationError(
                "a write that no join has taken up yet holds only a part of the state, so nothing can be moved in it",
                path=trail_text((*trail, *source)),
                hint="Let those runs reach their join first, or write a transform",
            )
        holder = _descend(value, source[:-1])
        other = _descend(value, target[:-1])
        there = isinstance(other, dict) and target[-1] in other
        if not isinstance(holder, dict) or source[-1] not in holder:
            if there:  # it was there before, so the way back must not take it
                notes.write(trail, present=True)
            return value
        if "present" in note and not there:
            return value
        index = list(holder).index(source[-1])
        moved = holder[source[-1]]
        last = index == len(holder) - 1
        value, pruned = _take(value, source, max(note.get("made", 0), move.prune))
        value, made = _place(value, target, moved, note.get("i"), trail, note.get("around"))
        if made or not last or pruned is not None:
            kept = {"made": made or None, "i": None if last else index, "around": pruned}
            notes.write(trail, **{name: each for name, each in kept.items() if each is not None})
        return value

    return _over_objects(document, move.base, visit, stage, inner_first=True)


def _apply(document: Document, instruction: Apply, notes: Notes, stage: Stage) -> Document:
    function = instruction.function
    back = function.inverse()

    def visit(value: Any, trail: Trail, partial: bool = False) -> Any:
        note = notes.take(trail)
        make, unmake = function.apply, back.apply
        if partial and isinstance(function, OnKeys) and isinstance(back, OnKeys):
            make, unmake = function.apply_to_part, back.apply_to_part
        try:
            if note is not None and "part" in note and isinstance(function, Keeps):
                result = function.recover(value, note["part"])
            elif note is not None and "was" in note:
                unchanged = json_text.digest(value, 8) == note.get("now")
                result = fresh(note["was"]) if unchanged else function.recover(value, note["was"])
            else:
                result = make(value)
            found = json_text.problem(result) if isinstance(function, PythonFunction) else None
            if found is not None:
                raise TransformError(
                    f"the function of transform returned what is not JSON: {found}",
                    hint="It must return None, bool, int, float, str, list or dict with string keys",
                )
        except StatemigError as error:
            raise error.locate(path=trail_text(trail)) from error.__cause__
        except Exception as error:
            raise TransformError(
                f"the function of transform raised {type(error).__name__}",
                path=trail_text(trail) or None,
                hint="Run it on this state: it must take and return JSON values, and not fail on any that the old version wrote",
            ) from error
        if notes.recording and not _gives_back(unmake, result, value):
            if isinstance(function, Keeps):
                notes.write(trail, part=function.keep(value, result))
            else:
                notes.write(trail, was=value, now=json_text.digest(result, 8))
        return value if _same(result, value) else result

    return _over_objects(document, instruction.path, visit, stage, inner_first=True)


def _gives_back(back: Callable[[Any], Any], result: Any, value: Any) -> bool:
    try:
        return _same(back(result), value)
    except (ConversionError, IrreversibleError):
        return False
    except Exception:
        return False  # a function of the script: whatever it raises, it does not give the value back


def _same(left: Any, right: Any) -> bool:
    """Equality to the order of keys."""
    if left is right or not json_text.equal(left, right):
        return left is right
    return not isinstance(left, dict | list) or json_text.dumps(left) == json_text.dumps(right)


def _over_objects(
    document: Document, path: Any, visit: Callable[..., Any], stage: Stage, *, inner_first: bool = False
) -> Document:
    def partial(value: Any, trail: Trail) -> Any:
        return visit(value, trail, True)

    schema = stage.schema() if stage.schema else None
    return over(document, path, visit, partial, schema=schema, inner_first=inner_first)


def _insert(value: dict[str, Any], key: str, new: Any, index: int | None) -> dict[str, Any]:
    if index is None or index >= len(value):
        return {**value, key: new}
    items = list(value.items())
    items.insert(index, (key, new))
    return dict(items)


def _descend(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _take(value: Any, keys: Sequence[str], made: int) -> tuple[Any, int | None]:
    """Without the value at `keys`, and without the innermost `made` objects on the way there that are empty then; also the place among
    the keys of the outermost of those, where it was not the last."""
    key = keys[0]
    without = {name: inner for name, inner in value.items() if name != key}
    if len(keys) == 1:
        return without, None
    inner, pruned = _take(value[key], keys[1:], made)
    if not inner and len(keys) - 1 <= made:
        index = list(value).index(key)
        return without, None if index == len(without) else index
    return {**value, key: inner}, pruned


def _place(
    value: Any, keys: Sequence[str], new: Any, index: int | None, trail: Trail, around: int | None
) -> tuple[Any, int]:
    """With `new` at `keys`; also how many objects had to be made for it. `index` is its place among the keys, `around` that of the
    outermost object that has to be made."""
    key, rest = keys[0], keys[1:]
    if not isinstance(value, dict):
        raise CollisionError(
            f"expected an object to move the value into, found {kind(value)}",
            path=trail_text(trail) or None,
            hint="Give it a value first, for example with drop_null(..., fill={})",
        )
    if not rest:
        if key in value:
            raise CollisionError(
                f"{key!r} is there already, so nothing can be moved to it",
                path=trail_text((*trail, key)),
                hint="Remove or rename it first",
            )
        return _insert(value, key, new, index), 0
    if key not in value:
        inner, made = _place({}, rest, new, None, (*trail, key), None)
        return _insert(value, key, inner, around), made + 1
    inner, made = _place(value[key], rest, new, index, (*trail, key), around)
    return {**value, key: inner}, made
