"""Where a thread stands: steps that are called otherwise, come, go, and fall apart."""

from __future__ import annotations

from langgraph.types import Command
from langgraph_nodes import asks, chain, reports, upper, writes, yes
from langgraph_play import Answer, Scenario, Turn, parked

from langgraph_scenarios.fields import PLAIN, TWICE, V1, WITH_SUMMARY, two_questions

RENAMED = two_questions(PLAIN, reports("draft", "answer", "note"), ask="review")
_END = {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True}
_SENT = "draft='X'; answer='yes'; note='fine'"

STEPS = (
    Scenario(
        "step-renamed",
        (V1, RENAMED),
        (lambda op: op.rename_step("approve", to="review"),),
        (parked(), Turn(2, TWICE)),
        _END,
        ("write", "review: yes", "check: fine", _SENT),
    ),
    Scenario(
        "step-and-field-renamed",
        (
            V1,
            chain(
                WITH_SUMMARY,
                write=writes("write", summary=upper),
                review=asks("review", "answer"),
                check=asks("check", "note"),
                send=reports("summary", "answer", "note"),
            ),
        ),
        (lambda op: (op.rename_step("approve", to="review"), op.rename_field("state.draft", to="summary")),),
        (parked(), Turn(2, TWICE)),
        {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "review: yes", "check: fine", "summary='X'; answer='yes'; note='fine'"),
    ),
    Scenario(
        "step-inserted-before",
        (
            V1,
            chain(
                PLAIN,
                write=writes("write", draft=upper),
                audit=writes("audit"),
                approve=asks("approve", "answer"),
                check=asks("check", "note"),
                send=reports("draft", "answer", "note"),
            ),
        ),
        (lambda op: op.add_step("audit", after="write"),),
        (parked(), Turn(2, TWICE)),
        _END,
        ("write", "approve: yes", "check: fine", _SENT),
    ),
    Scenario(
        "step-inserted-after",
        (
            V1,
            chain(
                PLAIN,
                write=writes("write", draft=upper),
                approve=asks("approve", "answer"),
                audit=writes("audit"),
                check=asks("check", "note"),
                send=reports("draft", "answer", "note"),
            ),
        ),
        (lambda op: op.add_step("audit", after="approve"),),
        (parked(), Turn(2, TWICE)),
        _END,
        ("write", "approve: yes", "audit", "check: fine", _SENT),
    ),
    Scenario(
        "step-split",
        (
            V1,
            chain(
                PLAIN,
                write=writes("write", draft=upper),
                prepare=writes("prepare"),
                decide=asks("decide", "answer"),
                check=asks("check", "note"),
                send=reports("draft", "answer", "note"),
            ),
        ),
        (lambda op: op.split_step("approve", into=["prepare", "decide"], cursor="decide"),),
        (parked(), Turn(2, TWICE)),
        _END,
        ("write", "decide: yes", "check: fine", _SENT),
    ),
    Scenario(
        "steps-merged",
        (
            V1,
            chain(
                PLAIN,
                write=writes("write", draft=upper),
                review=asks("review", "answer"),
                send=reports("draft", "answer"),
            ),
        ),
        (lambda op: op.merge_steps(["approve", "check"], into="review"),),
        (parked(), Turn(2, (yes,))),
        {"topic": "x", "draft": "X", "answer": "yes", "done": True},
        ("write", "review: yes", "draft='X'; answer='yes'"),
    ),
)

# -- a step that goes --------------------------------------------------------------------------------------------------

_WITHOUT_APPROVAL = chain(
    PLAIN, write=writes("write", draft=upper), check=asks("check", "note"), send=reports("draft", "note")
)
_AFTER = {"topic": "x", "draft": "X", "note": "fine", "done": True}

REMOVED = (
    Scenario(
        "step-removed-forward",
        (V1, _WITHOUT_APPROVAL),
        (lambda op: op.remove_step("approve", cursor=op.forward("check")),),
        (parked(), Turn(2, (None, Command(resume="fine")))),
        _AFTER,
        ("write", "check: fine", "draft='X'; note='fine'"),
    ),
    Scenario(
        "step-removed-forward-and-answered",
        (V1, _WITHOUT_APPROVAL),
        (lambda op: op.remove_step("approve", cursor=op.forward("check")),),
        (parked(), Turn(2, (Answer("yes", by="old"),)), Turn(2, (Command(resume="fine"),))),
        _AFTER,
        ("write", "check: fine", "draft='X'; note='fine'"),
    ),
    Scenario(
        "step-removed-back",
        (V1, _WITHOUT_APPROVAL),
        (lambda op: op.remove_step("approve", cursor=op.back("write")),),
        (parked(), Turn(2, (None, Command(resume="fine")))),
        _AFTER,
        ("write", "write", "check: fine", "draft='X'; note='fine'"),
    ),
    *(
        Scenario(
            f"step-removed-{kind}",
            (V1, _WITHOUT_APPROVAL),
            (lambda op, policy=policy: op.remove_step("approve", cursor=policy(op)),),
            (parked(), Turn(2, (yes,), fails=error), Turn(1, TWICE)),
            _END,
            ("write", f"refused: {error}", "approve: yes", "check: fine", _SENT),
        )
        for kind, policy, error in (
            ("hold", lambda op: op.hold(), "MigrationHeld"),
            ("pin", lambda op: op.pin(), "MigrationPinned"),
            ("fail", lambda op: op.fail(), "CursorError"),
        )
    ),
    Scenario(
        "step-missing",
        (V1, _WITHOUT_APPROVAL),
        (lambda op: None,),
        (parked(), Turn(2, (yes,))),
        None,
        ("write",),
        error="CursorError",
        says=(
            "{thread}",
            "'approve'",
            'op.rename_step("approve", to=...)',
            'op.remove_step("approve", cursor=',
        ),
    ),
)
