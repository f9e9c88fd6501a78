"""The laws of migrations, importable.

Each is a function of a `Case` and, for those about data, a run document; it raises `Violation` where it does not hold. Under the name
``test_<law>`` each is a test for pytest, run for every revision and model of the project around:

    from statemig.testing.laws import *
"""

from __future__ import annotations

from statemig.testing.laws.cursors import cursor_is_safe
from statemig.testing.laws.data import (
    chain_equals_stepwise,
    deterministic_and_pure,
    down_up_preserves,
    down_validates,
    head_model_loads,
    lazy_equals_eager,
    up_down_up,
    up_validates,
)
from statemig.testing.laws.registry import BORN_NEW, DATA, STRUCTURE
from statemig.testing.laws.structure import (
    proof,
    revisions_import_and_link,
    single_head,
    snapshot_matches_code,
    snapshots_are_valid,
)
from statemig.testing.laws.tests import (
    test_chain_equals_stepwise,
    test_corpus_upgrades,
    test_cursor_is_safe,
    test_deterministic_and_pure,
    test_down_up_preserves,
    test_down_validates,
    test_head_model_loads,
    test_lazy_equals_eager,
    test_proof,
    test_revisions_import_and_link,
    test_single_head,
    test_snapshot_matches_code,
    test_snapshots_are_valid,
    test_up_down_up,
    test_up_validates,
    test_value_laws,
)
from statemig.testing.laws.values import value_laws

#: what `import *` brings: the tests
__all__ = [  # noqa: RUF022
    "test_single_head",
    "test_revisions_import_and_link",
    "test_snapshot_matches_code",
    "test_snapshots_are_valid",
    "test_proof",
    "test_up_validates",
    "test_down_validates",
    "test_up_down_up",
    "test_down_up_preserves",
    "test_value_laws",
    "test_lazy_equals_eager",
    "test_chain_equals_stepwise",
    "test_deterministic_and_pure",
    "test_cursor_is_safe",
    "test_head_model_loads",
    "test_corpus_upgrades",
]

#: what can be imported by name besides
LAWS = (
    single_head,
    revisions_import_and_link,
    snapshot_matches_code,
    snapshots_are_valid,
    proof,
    up_validates,
    down_validates,
    up_down_up,
    down_up_preserves,
    value_laws,
    lazy_equals_eager,
    chain_equals_stepwise,
    deterministic_and_pure,
    cursor_is_safe,
    head_model_loads,
)
assert {law.__name__ for law in LAWS} == {*STRUCTURE, *DATA} - {"corpus_upgrades"}
assert set(DATA) >= BORN_NEW
