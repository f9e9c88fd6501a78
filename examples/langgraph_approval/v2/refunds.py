"""Version 2: the step `approve` is called `review`, and `refund` is a `claim`."""

from typing import TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel


class Refund(BaseModel):
    amount: int


class State(TypedDict, total=False):
    ticket: str
    claim: Refund
    approved: str


def look_up(state: State) -> State:
    return {"claim": Refund(amount=4200)}


def review(state: State) -> State:
    return {"approved": interrupt(f"Refund {state['claim'].amount}?")}


def pay(state: State) -> None:
    print("  does       pay", state["claim"].amount if state["approved"] == "yes" else "nothing")


builder = StateGraph(State).add_sequence([look_up, review, pay]).add_edge(START, "look_up")
graph = builder.compile(name="refunds")
