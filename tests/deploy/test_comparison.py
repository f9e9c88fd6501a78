"""The statistics of a canary: against known values, and how often it is wrong."""

from __future__ import annotations

import sys

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, boschloo_exact, fisher_exact

from statemig.deploy.comparison import Side, compare, interval, wilson
from statemig.errors import ConfigError

sides = st.integers(1, 400).flatmap(lambda runs: st.builds(Side, st.integers(0, runs), st.just(runs)))


@pytest.mark.parametrize(
    ("canary", "control", "low", "high"),
    [
        (Side(56, 70), Side(48, 80), 0.0524, 0.3339),
        (Side(9, 10), Side(3, 10), 0.1705, 0.8090),
        (Side(5, 56), Side(0, 29), -0.0381, 0.1926),
        (Side(0, 10), Side(0, 20), -0.1611, 0.2775),
        (Side(10, 10), Side(0, 20), 0.6791, 1.0000),
    ],
)
def test_the_interval_is_that_of_newcombes_table(canary, control, low, high):
    """Newcombe 1998, table II, method 10."""
    assert interval(canary, control) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@given(side=sides, confidence=st.sampled_from([0.9, 0.95, 0.999]))
def test_the_interval_of_one_rate_is_scipys(side, confidence):
    theirs = binomtest(side.bad, side.runs).proportion_ci(confidence, method="wilson")
    assert wilson(side, confidence) == (
        pytest.approx(theirs.low, abs=1e-9),
        pytest.approx(theirs.high, abs=1e-9),
    )


@given(canary=sides, control=sides)
def test_the_test_is_fishers_and_the_interval_holds_the_difference(canary, control):
    found = compare(canary, control)
    table = [[canary.bad, canary.runs - canary.bad], [control.bad, control.runs - control.bad]]
    assert found.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, abs=1e-12)
    assert found.low <= found.difference <= found.high


def test_it_is_never_bolder_than_the_most_powerful_exact_test():
    """Boschloo's is the uniformly better of the two; where Fisher's says worse, it does."""
    for bad in range(13):
        found = compare(Side(bad, 12), Side(1, 60))
        if found.answer == "worse":
            assert boschloo_exact([[bad, 12 - bad], [1, 59]], alternative="greater").pvalue < 0.05


def test_many_more_errors_are_worse():
    found = compare(Side(6, 40), Side(3, 800))
    assert (found.answer, found.difference) == ("worse", pytest.approx(0.14625))


def test_enough_runs_without_a_difference_are_not_worse():
    assert compare(Side(0, 80), Side(8, 800)).answer == "not worse"


def test_too_few_runs_to_tell_is_an_answer_and_says_how_many_would_do():
    found = compare(Side(0, 20), Side(0, 500))
    assert (found.answer, found.needed) == ("too few", 73)
    assert compare(Side(0, found.needed), Side(0, 500)).answer == "not worse"
    assert compare(Side(0, found.needed - 1), Side(0, 500)).answer == "too few"


def test_three_of_three_against_none_of_five_are_too_few():
    """One such table in 56 comes about by chance, and several are looked at."""
    assert compare(Side(3, 3), Side(0, 5), alpha=0.01).answer == "too few"


@pytest.mark.parametrize(("canary", "control"), [(Side(0, 0), Side(3, 50)), (Side(2, 2), Side(0, 0))])
def test_a_side_without_runs_can_not_be_compared(canary, control):
    found = compare(canary, control)
    assert (found.answer, found.difference, found.p) == ("too few", None, None)


def test_a_difference_below_the_minimum_is_none_however_sure_it_is():
    found = compare(Side(300, 10_000), Side(100, 10_000), minimum=0.05)
    assert found.p < 1e-9
    assert found.answer == "not worse"
    assert compare(Side(300, 10_000), Side(100, 10_000), minimum=0.01).answer == "worse"


def test_no_number_of_runs_would_do_where_the_control_has_too_few():
    assert compare(Side(0, 20), Side(1, 3)).answer == "not worse"
    assert compare(Side(1, 20), Side(0, 3), minimum=0.04).needed is None


@given(
    canary=sides,
    control=sides,
    alpha=st.sampled_from([0.001, 0.05]),
    minimum=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_worse_is_only_said_of_a_difference_that_counts(canary, control, alpha, minimum):
    found = compare(canary, control, alpha=alpha, minimum=minimum)
    if found.answer == "worse":
        assert found.difference >= minimum
        assert found.p < alpha
    if found.answer == "not worse":
        assert found.high < minimum


@pytest.mark.parametrize(("rate", "canary", "control"), [(0.02, 40, 800), (0.2, 25, 100), (0.5, 10, 30)])
def test_without_a_difference_the_alarm_is_raised_less_often_than_alpha(rate, canary, control):
    """4,000 deploys of a version that is no worse."""
    draw = numpy.random.default_rng(20_240_229)
    bad, others = draw.binomial(canary, rate, 4000), draw.binomial(control, rate, 4000)
    known = {}
    for pair in zip(bad.tolist(), others.tolist(), strict=True):
        if pair not in known:
            known[pair] = compare(Side(pair[0], canary), Side(pair[1], control), minimum=0.0).answer
    alarms = sum(known[pair] == "worse" for pair in zip(bad.tolist(), others.tolist(), strict=True))
    assert 0 < alarms / 4000 < 0.05


def test_thirty_looks_that_share_alpha_raise_it_less_often_too():
    """Runs come in while somebody watches; 400 watches of a version that is no worse."""
    draw = numpy.random.default_rng(20_240_229)
    alarms = 0
    for _ in range(400):
        bad, others = draw.binomial(4, 0.1, 30).cumsum(), draw.binomial(40, 0.1, 30).cumsum()
        alarms += any(
            compare(
                Side(int(bad[n]), 4 * (n + 1)),
                Side(int(others[n]), 40 * (n + 1)),
                alpha=0.05 / 30,
                minimum=0.0,
            ).answer
            == "worse"
            for n in range(0, 30, 3)
        )
    assert alarms / 400 < 0.05


def test_a_version_that_fails_a_fifth_more_is_found_nearly_always():
    draw = numpy.random.default_rng(20_240_229)
    found = [
        compare(Side(int(draw.binomial(60, 0.25)), 60), Side(int(draw.binomial(1000, 0.05)), 1000)).answer
        for _ in range(300)
    ]
    assert found.count("worse") > 285


def test_without_scipy_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(ConfigError) as failed:
        compare(Side(1, 4), Side(0, 4))
    assert str(failed.value) == (
        "comparing the canary with the others needs scipy, which is not installed. pip install 'statemig[deploy]'"
    )
