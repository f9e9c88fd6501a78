"""Answers each seed that it reads with a digest of what a random chain does; run in processes of its own by `test_determinism`."""

from __future__ import annotations

import sys

from operation_chains import make_chain

from statemig import json_text


def digest(seed: int) -> str:
    chain = make_chain(seed, 3, 3)
    migrator = chain.migrator
    document = chain.document()
    up = migrator.upgrade(document, "r0", record="complement")
    down = migrator.downgrade(up.document, to="r0", revision=up.revision, complement=up.complement)
    results = [
        json_text.dumps([each.document, each.complement, each.outcome, str(each.error)]).decode()
        for each in (up, down)
    ]
    return json_text.digest(results)


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(f"{digest(int(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
