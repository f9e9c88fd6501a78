"""The rule table against pydantic itself: "ok" has no counterexample, "no" has one, and "?" has examples of both.

For each case of each rule, states that differ by it alone, at generated places; documents from pydantic's own JSON Schema, read by
pydantic. Nothing here knows a shape of ours but `diff`, which is what is judged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rule_documents import Reader
from rule_pairs import PAIRS, Placed, placed, record

from statemig.autogenerate.change import Changes
from statemig.autogenerate.compare import diff
from statemig.autogenerate.rules import RULES, Bit, ChangeClass
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow

# One pair of states is some hundred documents, so fewer of them than of other examples.
PLACES = settings(max_examples=max(8, settings().max_examples // 18))
DOCUMENTS = 30
SEARCHED = 1_500

ELSEWHERE = {
    "S05": "only JSON Schema has required fields with a default: test_rule_oracle_fields",
    "S10": "only JSON Schema has required fields with a default: test_rule_oracle_fields",
    "S15": "takes three versions: test_rule_oracle_fields",
}

_ABSENT = "a document without the field, or without such keys, has nothing to lose"
_OTHER = "a document of another variant, or with its tag written, is not concerned"

# "no" all the same, so that nothing is lost, and no tag misread, because of which runs there happened to be.
UNCONCERNED = {
    ("S07", "optional", "keeps"): _ABSENT,
    ("S08", "optional", "keeps"): _ABSENT,
    ("S08", "optional", "reads"): _ABSENT,
    ("S18", "", "keeps"): _ABSENT,
    ("S18", "ignored", "keeps"): _ABSENT,
    ("S46", "tightened", "keeps"): "a list that is in the order of its set already loses none",
    ("S50", "", "keeps"): "a value that no other member accepts keeps its meaning",
    ("S52", "value", "reads"): _OTHER,
    ("S52", "value", "forward"): _OTHER,
    ("S55", "tag absent", "reads"): _OTHER,
}


def changes_of(places: Placed) -> Changes:
    old, new = (capture(Workflow("triage", model)) for model in (places.old, places.new))
    return diff(old, new, places.renames)


@dataclass
class Outcomes:
    """How documents fared under each of the three questions."""

    reads: Counter[bool] = field(default_factory=Counter)
    forward: Counter[bool] = field(default_factory=Counter)
    keeps: Counter[bool] = field(default_factory=Counter)

    def gather(self, old: Reader, new: Reader, random: Random, number: int) -> None:
        for document in old.written(random, number):
            self.reads[new.reads(document)] += 1
            lost = new.loses(document, random)
            if lost is not None:
                self.keeps[not lost] += 1
        for document in new.written(random, number):
            self.forward[old.reads(document)] += 1

    def refute(self, bits: dict[str, Bit]) -> list[str]:
        """The questions that the table answers with "ok", and a document with "no"."""
        return [name for name, bit in bits.items() if bit == "ok" and getattr(self, name)[False]]

    def unfounded(self, bits: dict[str, Bit]) -> list[str]:
        """The questions that the table answers with "no", and no document yet."""
        return [name for name, bit in bits.items() if bit == "no" and not getattr(self, name)[False]]


def bits_of(rule: str, direction: str) -> dict[str, Bit]:
    case = RULES[rule].case(direction)
    return {"reads": case.reads, "forward": case.forward, "keeps": case.keeps}


@cache
def outcomes_of(number: int, rule: str, direction: str) -> Outcomes:
    """At the top of a state, many documents."""
    pair = PAIRS[rule, direction][number]
    outcomes = Outcomes()
    old, new = (Reader(record(None, "State", value=kind)) for kind in (pair.old, pair.new))
    outcomes.gather(old, new, Random(number), 400)
    return outcomes


def test_every_case_of_every_schema_rule_is_judged() -> None:
    cases = {(rule.id, way) for rule in RULES.values() if rule.id.startswith("S") for way in rule.cases}
    assert {case for case in cases if case[0] not in ELSEWHERE} == PAIRS.keys()


@pytest.mark.law(16)
@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
@PLACES
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_what_a_rule_says_holds_wherever_the_change_is(
    case: tuple[str, str], data: st.DataObject, seed: int
) -> None:
    """The pair falls under its rule alone; "ok" has no counterexample; "no" has one within a bounded search."""
    bits = bits_of(*case)
    places = data.draw(st.sampled_from(PAIRS[case]).flatmap(placed))
    assert [(change.rule, change.direction) for change in changes_of(places)] == [case]
    outcomes, random = Outcomes(), Random(seed)
    old, new = Reader(places.old), Reader(places.new)
    for _ in range(SEARCHED // DOCUMENTS):
        outcomes.gather(old, new, random, DOCUMENTS)
        if not outcomes.unfounded(bits):
            break
    assert outcomes.refute(bits) == []
    assert outcomes.unfounded(bits) == []


@pytest.mark.law(16)
@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
def test_what_a_rule_calls_incompatible_is_so_for_every_document_that_it_concerns(
    case: tuple[str, str],
) -> None:
    """Else the answer would be "?": stored runs could settle it."""
    for name, bit in bits_of(*case).items():
        if bit == "no" and (*case, name) not in UNCONCERNED:
            for number in range(len(PAIRS[case])):
                assert not getattr(outcomes_of(number, *case), name)[True], name


@pytest.mark.law(16)
@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
def test_what_depends_on_the_values_comes_out_either_way(case: tuple[str, str]) -> None:
    open_questions = [name for name, bit in bits_of(*case).items() if bit == "?"]
    for name in open_questions:
        found: Counter[bool] = Counter()
        for number in range(len(PAIRS[case])):
            found += getattr(outcomes_of(number, *case), name)
        assert set(+found) == {True, False}, name


@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
def test_every_pair_has_documents_to_be_judged_by(case: tuple[str, str]) -> None:
    for number in range(len(PAIRS[case])):
        outcomes = outcomes_of(number, *case)
        assert outcomes.reads.total() > 50
        assert outcomes.forward.total() > 50


# -- the class of a change -----------------------------------------------------------------------------------------------


@st.composite
def several(draw: st.DrawFn, *classes: ChangeClass) -> Placed:
    """A state of which up to three fields change, each under a rule of its own and of one of these classes. Where D depends on the
    values the rule itself says that some may be lost, so those are left out."""
    judged = [(case, RULES[case[0]].case(case[1])) for case in sorted(PAIRS)]
    ways = [case for case, bits in judged if bits.change_class in classes and bits.keeps == "ok"]
    cases = draw(st.lists(st.sampled_from(ways), min_size=1, max_size=3))
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for at, case in enumerate(cases):
        pair = draw(st.sampled_from(PAIRS[case]))
        old[f"field{at}"], new[f"field{at}"] = pair.old, pair.new
    return Placed(record(None, "State", **old), record(None, "State", **new), "state", {})


@pytest.mark.law(15)
@given(several("prompt", "additive"), st.integers(0, 2**32))
def test_additive_means_that_every_document_is_read_and_keeps_its_values(places: Placed, seed: int) -> None:
    changes = changes_of(places)
    # A field gone here and one come there are taken for a move, which is worse than either.
    assume(all(change.rule != "S14" for change in changes))
    assert changes.change_class in ("none", "prompt", "additive")
    old, new, random = Reader(places.old), Reader(places.new), Random(seed)
    for document in old.written(random, 10):
        assert new.reads(document)
        assert new.loses(document, random) is False


@pytest.mark.law(15)
@given(several("prompt"), st.integers(0, 2**32))
def test_prompt_and_none_mean_that_no_stored_byte_changes(places: Placed, seed: int) -> None:
    assert changes_of(places).change_class in ("none", "prompt")
    old, new, random = Reader(places.old), Reader(places.new), Random(seed)
    for document in old.written(random, 10):
        assert new.loaded(document) == old.loaded(document)
