"""The seeded bugs, and after how many generated states the laws find each.

    python benchmarks/seeded_bugs.py [--smoke] [--seeds N]

Each project of `measuring/seeded_projects.py` is tried as ``pytest --statemig`` tries it, law by law with at most 200 states, on ten seeds.
The bar: every bug is found on every seed. The script as it should be is tried too: no law may complain about it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring.seeded_projects import ALL, Seeded

from statemig.testing.case import Case
from statemig.testing.laws.registry import DATA
from statemig.testing.profiles import PROFILES
from statemig.testing.running import generate
from statemig.testing.violation import Violation

SMOKE = "--smoke" in sys.argv
SEEDS = int(sys.argv[sys.argv.index("--seeds") + 1]) if "--seeds" in sys.argv else 2 if SMOKE else 10
MOST = 200


def main() -> int:
    print(f"{'bug':44} {'law':16} {'found':>7} {'states: median':>15} {'most':>6}  right script")
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, seeded in enumerate(ALL):
            wrong = seeded.case(Path(folder) / f"{number}" / "migrations")
            right = seeded.case(Path(folder) / f"{number}r" / "migrations", right=True)
            needed = [states_until(seeded, wrong, seed) for seed in range(SEEDS)]
            found = sorted(each for each in needed if each is not None)
            complaint = complaints(right)
            ok = len(found) == SEEDS and complaint is None
            missed += not ok
            middle, most = (found[len(found) // 2], found[-1]) if found else ("-", "-")
            print(
                f"{seeded.name:44} {seeded.law:16} {len(found):>4}/{SEEDS} {middle:>15} {most:>6}  "
                f"{'holds' if complaint is None else complaint}{'' if ok else '   MISSED'}",
                flush=True,
            )
    print(
        f"\n{len(ALL) - missed} of {len(ALL)} found on {SEEDS} of {SEEDS} seeds within {MOST} states"
        + (", MISSED" if missed else "")
    )
    return 1 if missed else 0


def states_until(seeded: Seeded, case: Case, seed: int) -> int | None:
    """How many states the law takes; None where 200 are not enough."""
    try:
        generate(seeded.law, case, profile=PROFILES["ci"], seed=seed, examples=MOST)
    except Violation as violation:
        return violation.examples
    return None


def complaints(case: Case) -> str | None:
    """The first law that does not hold for a script that is right."""
    for name in DATA:
        if name in ("corpus_upgrades", "head_model_loads"):
            continue
        try:
            generate(name, case, profile=PROFILES["dev"], seed=1, examples=20 if SMOKE else 60)
        except Violation as violation:
            return f"{name}: {violation.reason}"
    return None


if __name__ == "__main__":
    sys.exit(main())
