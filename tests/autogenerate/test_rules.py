"""The rule table is data, so it can be checked as a whole."""

from __future__ import annotations

import pytest

from statemig.autogenerate.rules import RULES, Rule, worst
from statemig.operations import fields, recorder, steps, values  # noqa: F401  registers every operation
from statemig.operations.base import Operation

# Operations that operations.md describes and that are not written yet. A rule may name them; until they exist autogenerate
# lists such a change as missing. One that exists has to leave this list.
PLANNED: set[str] = set()

ALL = sorted(RULES.values(), key=lambda rule: rule.id)
CASES = [(rule, direction) for rule in ALL for direction in rule.cases]


def test_every_rule_of_the_specification_is_there() -> None:
    assert list(RULES) == [f"S{n:02}" for n in range(1, 57)] + [f"W{n:02}" for n in range(1, 15)]


def test_slugs_are_unique() -> None:
    assert len({rule.slug for rule in ALL}) == len(ALL)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_a_rule_says_in_one_sentence_what_it_is_for(rule: Rule) -> None:
    assert rule.purpose.endswith(".")
    assert len(rule.purpose) <= 110
    assert rule.category in ("STATE", "RESUME", "CODE")


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_a_rule_has_a_mirror_image_that_points_back_or_a_reason(rule: Rule) -> None:
    if rule.waiver is not None:
        assert len(rule.waiver) > 20
        assert not rule.mirror
        return
    assert rule.mirror
    for other in rule.mirror:
        assert rule.id in RULES[other].mirror, f"{rule.id} names {other}, which does not name {rule.id}"


@pytest.mark.parametrize(("rule", "direction"), CASES, ids=lambda value: getattr(value, "id", value))
def test_the_class_follows_from_the_bits(rule: Rule, direction: str) -> None:
    case = rule.case(direction)
    needs_somebody = case.reads != "ok" or case.keeps == "no"
    assert (case.change_class == "breaking") == needs_somebody


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_a_change_that_leaves_stored_bytes_alone_is_read_by_both_versions(rule: Rule) -> None:
    for case in rule.cases.values():
        if case.change_class == "prompt":
            assert (case.reads, case.forward, case.keeps) == ("ok", "ok", "ok")


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_every_operation_that_a_rule_proposes_exists_or_is_planned(rule: Rule) -> None:
    for name in rule.operations:
        assert (name in Operation.registry) != (name in PLANNED), name


def test_only_what_some_rule_proposes_is_planned() -> None:
    proposed = {name for rule in ALL for name in rule.operations}
    assert proposed >= PLANNED


@pytest.mark.parametrize("rule", ["S19", "S44", "S56", "W09"])
def test_inner_rules_never_stand_alone(rule: str) -> None:
    assert RULES[rule].inner


def test_a_change_set_is_as_bad_as_its_worst_part() -> None:
    assert worst(["prompt", "breaking", "additive"]) == "breaking"
    assert worst([]) == "none"
