"""Refunds: a model reads the ticket, a person approves what is not small, and it is paid."""

from typing import Any

from pydantic import BaseModel

from statemig import Step, Workflow


class Refund(BaseModel):
    ticket: str
    amount: int = 0
    reason: str = ""


class Approval(BaseModel):
    ok: bool


READ = "What does the customer want back, and why? {ticket}"
PAID = "Tell the customer that {amount} are on their way."

refunds = Workflow(
    "refunds",
    state=Refund,
    steps=[
        Step("read", prompt=READ, next="assess"),
        Step("assess", next=["approve", "pay"]),
        Step("approve", kind="human", output=Approval, next="pay"),
        Step("pay", prompt=PAID, next=None),
    ],
)


def read(run: Any) -> None:
    ticket = run.state["ticket"]
    run.state["amount"], run.state["reason"] = int(ticket.split()[-1]), ticket.split()[0]
    run.advance("assess")


def assess(run: Any) -> None:
    if run.state["amount"] < 100:
        run.advance("pay")
    else:
        run.wait("approve", key=f"question-{run.run_id}", payload={"question": "Refund it?"})


def approve(run: Any) -> None:
    run.advance("pay", output=run.answer)


def pay(run: Any) -> None:
    run.finish()
