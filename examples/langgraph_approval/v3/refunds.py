"""Version 3: an amount is in `cents`, and a step goes before the review, which is called `decide`."""

from typing import TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel


class Refund(BaseModel):
    cents: int


class State(TypedDict, total=False):
    ticket: str
    claim: Refund
    approved: str


def look_up(state: State) -> State:
    return {"claim": Refund(cents=4200)}


def assess(state: State) -> None:
    print("  does       assess", state["claim"].cents)


def decide(state: State) -> State:
    return {"approved": interrupt(f"Refund {state['claim'].cents}?")}


def pay(state: State) -> None:
    print("  does       pay", state["claim"].cents if state["approved"] == "yes" else "nothing")


builder = StateGraph(State).add_sequence([look_up, assess, decide, pay]).add_edge(START, "look_up")
graph = builder.compile(name="refunds")
