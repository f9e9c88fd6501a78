"""The examples of the rules about steps, prompts, and what is outstanding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from statemig.autogenerate.example import Example, Fragment, Version, object_of


def _steps(
    old: tuple[str, ...],
    new: tuple[str, ...],
    script: str,
    direction: str = "",
    said: Mapping[str, str | None] | None = None,
) -> Example:
    return Example(direction, Version(steps=old), Version(steps=new), script, said or {})


_TEXT: Final[Fragment] = {"type": "string"}

STEP_EXAMPLES: Final[Mapping[str, tuple[Example, ...]]] = {
    "W02": (
        Example(
            "unknown",
            Version(object_of("topic", topic=_TEXT), ('Step("draft", prompt="Sum up {{ topic }}")',)),
            Version(
                object_of("topic", "language", topic=_TEXT, language=_TEXT),
                ('Step("draft", prompt="Sum up {{ topic }} in {{ language }}")',),
            ),
            'op.add_field("state.language", default="English")',
        ),
    ),
    "W03": (
        _steps(
            ('Step("draft", next="send")', 'Step("send")'),
            ('Step("draft", next="review")', 'Step("review", kind="human", next="send")', 'Step("send")'),
            'op.add_step("review", after="draft")',
        ),
    ),
    "W04": (
        _steps(
            ('Step("draft", next="review")', 'Step("review", kind="human", next="send")', 'Step("send")'),
            ('Step("draft", next="send")', 'Step("send")'),
            'op.remove_step("review", cursor=op.forward("send"))',
            "removed",
        ),
        _steps(
            ('Step("draft", next="approve")', 'Step("approve", kind="human")'),
            ('Step("draft", next="review")', 'Step("review", kind="human")'),
            'op.rename_step("approve", to="review")',
            "renamed",
            {"approve": "review"},
        ),
    ),
    "W05": (
        _steps(
            ('Step("check", next="enrich")', 'Step("enrich", next="send")', 'Step("send")'),
            ('Step("enrich", next="check")', 'Step("check", next="send")', 'Step("send")'),
            'op.reorder_steps(["enrich", "check"], cursor=op.back("enrich"))',
            "order",
        ),
    ),
    "W06": (
        _steps(
            ('Step("review", kind="human", tools=["refund", "refuse"])',),
            ('Step("review", kind="human", tools=["refuse"])',),
            'op.requeue("review")',
        ),
    ),
    "W07": (
        _steps(
            (
                'Step("start", fork=["law", "cost"])',
                'Step("law", next="sum")',
                'Step("cost", next="sum")',
                'Step("sum", joins=["law"])',
            ),
            (
                'Step("start", fork=["law", "cost"])',
                'Step("law", next="sum")',
                'Step("cost", next="sum")',
                'Step("sum", joins=["law", "cost"])',
            ),
            'op.change_join("sum", ["law", "cost"], new_branch="start")',
        ),
    ),
    "W08": (
        _steps(
            ('Step("review", kind="human", interrupts=["approve"])',),
            ('Step("review", kind="human", interrupts=["budget", "approve"])',),
            'op.map_waiting("review", order=[None, 0])',
        ),
    ),
    "W11": (
        _steps(
            ('Step("check", next="send")', 'Step("send")'),
            ('Step("check", kind="human", next="send")', 'Step("send")'),
            'op.requeue("check")',
        ),
    ),
    "W12": (
        Example(
            "",
            Version(object_of("money", money={"x-statemig": {"opaque": "app.Money"}})),
            Version(object_of("money", money={"x-statemig": {"opaque": "app.money.Amount"}})),
            'op.rename_type("app.Money", "app.money.Amount")',
        ),
    ),
}
