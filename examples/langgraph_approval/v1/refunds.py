"""Version 1: a refund is paid when a person has approved it."""

from typing import TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel


class Refund(BaseModel):
    amount: int


class State(TypedDict, total=False):
    ticket: str
    refund: Refund
    approved: str


def look_up(state: State) -> State:
    return {"refund": Refund(amount=4200)}


def approve(state: State) -> State:
    return {"approved": interrupt(f"Refund {state['refund'].amount}?")}


def pay(state: State) -> None:
    print("  does       pay", state["refund"].amount if state["approved"] == "yes" else "nothing")


builder = StateGraph(State).add_sequence([look_up, approve, pay]).add_edge(START, "look_up")
graph = builder.compile(name="refunds")
