"""The laws as tests, for ``from statemig.testing.laws import *`` in a file of the user's. The plugin gives each its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statemig.testing.trial import Trial


def test_single_head(statemig_trial: Trial) -> None:
    statemig_trial()


def test_revisions_import_and_link(statemig_trial: Trial) -> None:
    statemig_trial()


def test_snapshot_matches_code(statemig_trial: Trial) -> None:
    statemig_trial()


def test_snapshots_are_valid(statemig_trial: Trial) -> None:
    statemig_trial()


def test_proof(statemig_trial: Trial) -> None:
    statemig_trial()


def test_up_validates(statemig_trial: Trial) -> None:
    statemig_trial()


def test_down_validates(statemig_trial: Trial) -> None:
    statemig_trial()


def test_up_down_up(statemig_trial: Trial) -> None:
    statemig_trial()


def test_down_up_preserves(statemig_trial: Trial) -> None:
    statemig_trial()


def test_value_laws(statemig_trial: Trial) -> None:
    statemig_trial()


def test_lazy_equals_eager(statemig_trial: Trial) -> None:
    statemig_trial()


def test_chain_equals_stepwise(statemig_trial: Trial) -> None:
    statemig_trial()


def test_deterministic_and_pure(statemig_trial: Trial) -> None:
    statemig_trial()


def test_cursor_is_safe(statemig_trial: Trial) -> None:
    statemig_trial()


def test_head_model_loads(statemig_trial: Trial) -> None:
    statemig_trial()


def test_corpus_upgrades(statemig_trial: Trial) -> None:
    statemig_trial()
