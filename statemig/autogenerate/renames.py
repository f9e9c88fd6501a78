"""Which removed field, if any, came back under which name.

Equal types alone are a bad signal (most removed fields of real models have several added fields of their type), so
each pair of one parent is scored on name, type, neighbours, uniqueness, requiredness and description, and the pairs
are chosen together: an optimal assignment in which a field may stay without a partner. What the author wrote down
(an alias that names the old key, an unchanged name in Python) is no guess and comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from statemig.shapes.shape import ListOf, Object, Property, Schema, Shape, without_null
from statemig.shapes.similarity import similarity, tokens

APPLY: Final = 0.75
ASK: Final = 0.40
# Agreement in everything but the name never renames without asking: agent_id is no archive_id.
NAME_FLOOR: Final = 0.45
# Two candidates that close to each other are a question, not an answer.
MARGIN: Final = 0.05

_TYPE, _NAME, _NEIGHBOURS, _ONLY, _REQUIRED = 0.34, 0.36, 0.12, 0.14, 0.04
_DESCRIPTION: Final = 0.10
PLAUSIBLE_TYPE: Final = 0.5
_SAME_TOKEN: Final = 0.75
_LIST: Final = 0.6

# Words that say what role a value has rather than what it is about; they are shared by unrelated fields.
_ROLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("id", "key", "uuid", "identifier"), "id"),
    **dict.fromkeys(("at", "on", "date", "time", "timestamp"), "at"),
    **dict.fromkeys(("kind", "type"), "type"),
    **dict.fromkeys(("text", "content", "body"), "text"),
    **dict.fromkeys(("count", "number", "num", "total"), "count"),
    **dict.fromkeys(("url", "uri", "link"), "url"),
    **{word: word for word in ("name", "value", "data", "token", "status", "state", "info", "item", "list")},
}
_ROLE_WEIGHT: Final = 0.35


@dataclass(frozen=True, slots=True)
class Candidate:
    new: str
    score: float
    name: float
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """`applied`: renamed without asking. `questions`: candidates best first, for names nobody could settle."""

    applied: Mapping[str, Candidate]
    questions: Mapping[str, tuple[Candidate, ...]]


def name_similarity(old: str, new: str) -> float:
    """0..1: how much of what two names say is the same. Roles ("id", "name") weigh little unless they differ."""
    left, right = _words(old), _words(new)
    if "".join(left) == "".join(right):
        return 1.0
    pairs = sorted(
        ((_token_similarity(a, b), i, j) for i, a in enumerate(left) for j, b in enumerate(right)),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    common = 0.0
    for score, i, j in pairs:
        if score < _SAME_TOKEN or i in taken_left or j in taken_right:
            continue
        taken_left.add(i)
        taken_right.add(j)
        common += score * min(_weight(left[i]), _weight(right[j]))
    rest_left = [word for i, word in enumerate(left) if i not in taken_left]
    rest_right = [word for j, word in enumerate(right) if j not in taken_right]
    # user_id and user_name share a topic and contradict each other in role: then the roles count in full.
    contradict = any(word in _ROLES for word in rest_left) and any(word in _ROLES for word in rest_right)
    rest = sum(1.0 if contradict else _weight(word) for word in (*rest_left, *rest_right))
    return common / (common + rest) if common else 0.0


def is_role(name: str) -> bool:
    """Whether a name says only what role a value has ("id", "name"), so that equal names prove nothing."""
    return all(word in _ROLES for word in _words(name))


def _words(name: str) -> list[str]:
    return [_singular(word.lower()) for word in tokens(name)]


def _singular(word: str) -> str:
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


def _weight(word: str) -> float:
    return _ROLE_WEIGHT if word in _ROLES else 1.0


def _token_similarity(a: str, b: str) -> float:
    if a == b:
        return 1.0
    if a in _ROLES and _ROLES[a] == _ROLES.get(b):
        return 0.9
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and short[0] == long[0] and _is_subsequence(short, long):
        return 0.85
    return Indel.normalized_similarity(a, b)


def _is_subsequence(short: str, long: str) -> bool:
    letters = iter(long)
    return all(letter in letters for letter in short)


def match_fields(
    removed: Sequence[str],
    added: Sequence[str],
    old: Object,
    new: Object,
    old_schema: Schema,
    new_schema: Schema,
    known: Mapping[str, str] | None = None,
) -> Matching:
    """Pair the removed with the added properties of one object. `known` are pairs that are settled already."""
    certain = _written_down(removed, added, old, new)
    removed = [key for key in removed if key not in certain]
    added = [key for key in added if key not in {candidate.new for candidate in certain.values()}]
    if not removed or not added:
        return Matching(certain, {})
    settled = {key: key for key in old.properties if key in new.properties}
    settled |= dict(known or {}) | {key: candidate.new for key, candidate in certain.items()}
    types = {
        (a, b): _kinship(old.properties[a].shape, old_schema, new.properties[b].shape, new_schema)
        for a in removed
        for b in added
    }
    old_order, new_order = list(old.properties), list(new.properties)
    scores: dict[tuple[str, str], Candidate] = {}
    for a in removed:
        for b in added:
            name = name_similarity(a, b)
            only = _only(a, b, removed, added, types)
            near = _neighbours(a, b, old_order, new_order, settled)
            left, right = old.properties[a], new.properties[b]
            total = (
                _TYPE * types[a, b]
                + _NAME * name
                + _NEIGHBOURS * near
                + _ONLY * only
                + _REQUIRED * (left.required == right.required)
            )
            scores[a, b] = Candidate(b, round(_with_description(total, left, right), 3), name)
    choice = settle(removed, added, scores)
    return Matching({**certain, **choice.applied}, choice.questions)


def _kinship(old: Shape, old_schema: Schema, new: Shape, new_schema: Schema) -> float:
    """How alike two types are; one value and a list of such values are related."""
    best = similarity(old, old_schema, new, new_schema)
    left, right = old_schema.resolve(without_null(old)), new_schema.resolve(without_null(new))
    if isinstance(left, ListOf) and not isinstance(right, ListOf):
        return max(best, _LIST * similarity(left.items, old_schema, right, new_schema))
    if isinstance(right, ListOf) and not isinstance(left, ListOf):
        return max(best, _LIST * similarity(left, old_schema, right.items, new_schema))
    return best


def settle(
    removed: Sequence[str], added: Sequence[str], scores: Mapping[tuple[str, str], Candidate]
) -> Matching:
    """Decide from scores: apply, ask, or leave alone."""
    table = [[scores[a, b].score for b in added] for a in removed]
    chosen = assign(table, ASK)
    applied: dict[str, Candidate] = {}
    for row, column in chosen.items():
        candidate = scores[removed[row], added[column]]
        rivals = [score for other, score in enumerate(table[row]) if other != column]
        rivals += [table[other][column] for other in range(len(removed)) if other != row]
        clear = candidate.score - max(rivals, default=0.0) >= MARGIN or candidate.name == 1.0
        if candidate.score >= APPLY and candidate.name >= NAME_FLOOR and clear:
            applied[removed[row]] = candidate
    taken = {candidate.new for candidate in applied.values()}
    questions: dict[str, tuple[Candidate, ...]] = {}
    for a in removed:
        open_candidates = [scores[a, b] for b in added if b not in taken and scores[a, b].score >= ASK]
        if a not in applied and open_candidates:
            questions[a] = tuple(sorted(open_candidates, key=lambda candidate: -candidate.score))
    return Matching(applied, questions)


def _written_down(
    removed: Sequence[str], added: Sequence[str], old: Object, new: Object
) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for a in removed:
        for b in added:
            was, now = old.properties[a], new.properties[b]
            same_field = (was.python_name or a) == (now.python_name or b)
            if a in now.aliases or same_field or (was.python_name or a) in now.aliases:
                found.setdefault(a, Candidate(b, 1.0, 1.0, certain=True))
    return found


def _only(
    a: str, b: str, removed: Sequence[str], added: Sequence[str], types: Mapping[tuple[str, str], float]
) -> float:
    """1 where neither side has another partner of a plausible type."""
    if types[a, b] < PLAUSIBLE_TYPE:
        return 1.0 if len(removed) == len(added) == 1 else 0.0
    rivals = [types[a, other] for other in added if other != b] + [
        types[other, b] for other in removed if other != a
    ]
    return 0.0 if any(score >= PLAUSIBLE_TYPE for score in rivals) else 1.0


def _neighbours(
    a: str, b: str, old_order: Sequence[str], new_order: Sequence[str], settled: Mapping[str, str]
) -> float:
    """Half for the same field before, half for the same field behind."""

    def beside(order: Sequence[str], key: str, step: int) -> str | None:
        at = order.index(key) + step
        return order[at] if 0 <= at < len(order) else None

    score = 0.0
    for step in (-1, 1):
        before, after = beside(old_order, a, step), beside(new_order, b, step)
        score += 0.5 * ((settled.get(before) if before is not None else None) == after)
    return score


def _with_description(score: float, old: Property, new: Property) -> float:
    if not old.description or not new.description:
        return score
    return (1 - _DESCRIPTION) * score + _DESCRIPTION * fuzz.token_set_ratio(
        old.description, new.description
    ) / 100


def assign(scores: Sequence[Sequence[float]], reject: float) -> dict[int, int]:
    """Rows to columns so that the sum of the scores is greatest; a pair below `reject` is never made.

    The Hungarian method with potentials (Kuhn, Munkres; Jonker and Volgenant's shortest augmenting paths). Each row
    also has a column of its own that stands for "no partner" and is worth `reject`.
    """
    rows = len(scores)
    if rows == 0:
        return {}
    columns = len(scores[0])
    cost = [
        [1.0 - score if score >= reject else 2.0 for score in row]
        + [1.0 - reject + 1e-9 if other == number else 2.0 for other in range(rows)]
        for number, row in enumerate(scores)
    ]
    width = columns + rows
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (width + 1)
    partner = [0] * (width + 1)
    for row in range(1, rows + 1):
        partner[0] = row
        column = 0
        slack = [float("inf")] * (width + 1)
        way = [0] * (width + 1)
        used = [False] * (width + 1)
        while partner[column] != 0:
            used[column] = True
            here, best, following = partner[column], float("inf"), 0
            for other in range(1, width + 1):
                if used[other]:
                    continue
                reduced = cost[here - 1][other - 1] - row_price[here] - column_price[other]
                if reduced < slack[other]:
                    slack[other], way[other] = reduced, column
                if slack[other] < best:
                    best, following = slack[other], other
            for other in range(width + 1):
                if used[other]:
                    row_price[partner[other]] += best
                    column_price[other] -= best
                else:
                    slack[other] -= best
            column = following
        while column:
            partner[column] = partner[way[column]]
            column = way[column]
    return {partner[column] - 1: column - 1 for column in range(1, columns + 1) if partner[column]}
