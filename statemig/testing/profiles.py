"""How much is tried: profiles of hypothesis by the names dev, ci and nightly. Needs no hypothesis itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """`examples` for each law, revision and model; a quarter of them where the revision is proved. `same`: the same ones every time."""

    name: str
    examples: int
    same: bool = False


PROFILES: Final = {
    "dev": Profile("dev", 60),
    "ci": Profile("ci", 200, same=True),
    "nightly": Profile("nightly", 5_000),
}


def default() -> str:
    """``ci`` where the environment says so, as GitHub, GitLab and most others do; else ``dev``."""
    return "ci" if os.environ.get("CI", "").lower() not in ("", "0", "false") else "dev"
