"""Prints one digest of what some random chains do; run in processes of its own by `test_determinism`."""

from __future__ import annotations

import sys

from operation_chains import make_chain

from statemig import json_text


def digest(first: int, last: int) -> str:
    results = []
    for seed in range(first, last):
        chain = make_chain(seed, 3, 3)
        migrator = chain.migrator
        document = chain.document()
        up = migrator.upgrade(document, "r0", record="complement")
        down = migrator.downgrade(up.document, to="r0", revision=up.revision, complement=up.complement)
        results.append(
            [
                json_text.dumps([each.document, each.complement, each.outcome, str(each.error)]).decode()
                for each in (up, down)
            ]
        )
    return json_text.digest(results)


if __name__ == "__main__":
    sys.stdout.write(digest(int(sys.argv[1]), int(sys.argv[2])))
