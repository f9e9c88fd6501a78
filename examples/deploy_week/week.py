"""A week of a team that deploys every day while refunds are in flight.

python examples/deploy_week/week.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from team import Team


def monday(team: Team) -> None:
    team.day("monday", "the first version, and a change of prompts")
    team.statemig("init")
    team.statemig("revision --autogenerate --rev-id a1 -m 'first version'")
    team.release("a1")
    team.tickets(1, 30, amount=120)
    team.tickets(31, 36, amount=20)
    team.work("a1")
    team.statemig("runs")
    team.edit(('and why? {ticket}"', 'and why? Be kind to {customer}. {ticket}"'))
    team.statemig("diff")
    team.edit(("Be kind to {customer}. ", "Be kind. "))
    team.statemig("diff")
    team.statemig("revision --autogenerate --rev-id b2 -m 'a kinder prompt'")
    team.release("b2")
    team.answer(1, 5)
    team.work("b2")
    team.statemig("runs")


def tuesday(team: Team) -> None:
    team.day("tuesday", "something is added")
    team.edit(
        ('    reason: str = ""\n', '    reason: str = ""\n    urgent: bool = False\n'),
        (
            '        Step("pay", next=None),\n',
            '        Step("pay", next="thank"),\n        Step("thank", next=None),\n',
        ),
        (
            "    run.finish()\n",
            '    run.advance("thank")\n\n\ndef thank(run: Any) -> None:\n    run.finish()\n',
        ),
    )
    team.statemig("diff", ends=10)
    team.statemig("revision --autogenerate --rev-id c3 -m 'thank the customer'")
    team.release("c3")
    team.statemig("deploy start c3")
    team.tickets(41, 44, amount=150)
    team.work("b2", "c3")
    team.statemig("deploy status")
    team.stop("b2")
    team.statemig("deploy complete")


def main(folder: Path) -> None:
    team = Team(folder, print)
    monday(team)
    tuesday(team)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(sys.argv[1]) if sys.argv[1:] else Path(made))
