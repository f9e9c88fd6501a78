"""What the exit codes of `statemig` mean. Scripts and CI depend on them: a number keeps its meaning."""

from __future__ import annotations

from typing import Final

OK: Final = 0
ERROR: Final = 1
USAGE: Final = 2
QUESTION: Final = 3
INCOMPLETE: Final = 4
DAMAGED: Final = 5
CODE_DIFFERS: Final = 6
RUNS_LEFT: Final = 7
REFUTED: Final = 8
UNDECIDED: Final = 9
ADDITIVE: Final = 10
SURVIVED: Final = 11
DRAINING: Final = 12
STALLED: Final = 13
NOT_KNOWN: Final = 14
BLOCKED: Final = 15
ZOMBIES: Final = 16
UNFIT: Final = 17
WAIT: Final = 18
ABORT: Final = 19
BREAKING: Final = 20
CLOSED: Final = 21

MEANINGS: Final = {
    OK: "done; diff: no change, or prompts only",
    ERROR: "an error; stderr says what and what to do",
    USAGE: "the command line is not right",
    QUESTION: "revision: a rename has to be confirmed with --rename; nothing was written",
    INCOMPLETE: "revision, edit, rebase: written, but the script does not cover everything; what is missing is listed",
    DAMAGED: "check: a revision was edited, added or is missing",
    CODE_DIFFERS: "check: the code is not what the head revision froze",
    RUNS_LEFT: "upgrade, downgrade, stamp, abort, retire: some runs stayed where they were; each is listed with its reason",
    REFUTED: "verify, test, corpus: a document was run and rejected, or breaks a law; the path is printed",
    UNDECIDED: "verify: not proved and not refuted; the reasons are printed",
    ADDITIVE: "diff: additive",
    SURVIVED: "mutate: the tests do not notice some of the mistakes; each is shown",
    DRAINING: "drain: runs are left; it goes on",
    STALLED: "drain: runs are left, and nothing moves or the deadline has passed",
    NOT_KNOWN: "runs, drain, gate: a figure could not be computed; its reason is printed",
    BLOCKED: "deploy, canary, abort, retire: something is in the way; all of it is listed, and nothing was written",
    ZOMBIES: "runs, route explain: there are runs that no living worker can take; each kind is listed",
    UNFIT: "rehearse: live runs could not be migrated; each reason is listed with its runs, and nothing was written",
    WAIT: "watch: too few runs to tell, or a figure is not known; which is printed",
    ABORT: "watch: the new version is worse; the sign and the figures are printed",
    BREAKING: "diff: breaking",
    CLOSED: "gate: something is in the way of the deploy; all of it is listed",
}
