"""A week of a team that deploys every day while refunds are in flight.

    python examples/deploy_week/week.py [FOLDER]

Everything is real: a SQLite file, the commands as somebody would type them, workers of up to two versions at a time. FOLDER is
kept, to look around in it; without it everything happens in a temporary one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from team import Team

from statemig.errors import DrainingError


def monday(team: Team) -> None:
    team.day("monday", "the first version, and a change of prompts")
    team.statemig("init")
    team.statemig("revision --autogenerate --rev-id a1 -m 'first version'")
    team.release("a1")
    team.tickets(1, 30, amount=120)
    team.tickets(31, 36, amount=20)
    team.work("a1")
    team.statemig("runs")
    team.say("A kinder prompt. It wants a name that no run has.")
    team.edit(("Tell the customer that", "Tell {customer} kindly that"))
    team.statemig("diff", ends=20)
    team.say(
        "So without the name. Prompts alone need no ceremony: a revision, a look at the gate, new workers."
    )
    team.edit(("Tell {customer} kindly that", "Tell the customer kindly that"))
    team.statemig("diff")
    team.statemig("revision --autogenerate --rev-id b2 -m 'a kinder prompt'")
    team.statemig("gate b2")
    team.release("b2")
    team.stop("a1")
    team.answer(1, 5)
    team.work("b2")


def tuesday(team: Team) -> None:
    team.day("tuesday", "something is added, and two versions share the runs")
    team.edit(
        ('    reason: str = ""\n', '    reason: str = ""\n    urgent: bool = False\n'),
        (
            '        Step("pay", prompt=PAID, next=None),\n',
            '        Step("pay", prompt=PAID, next="thank"),\n        Step("thank", next=None),\n',
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
    team.statemig("deploy complete", ends=15)
    team.stop("b2")
    team.statemig("deploy complete")


def wednesday(team: Team) -> None:
    team.day("wednesday", "a breaking change: approve becomes review, assess is gone, the reason is a cause")
    team.tickets(51, 53, amount=300)
    team.work("c3", steps=3)
    team.edit(
        ("    reason: str", "    cause: str"),
        ('run.state["reason"]', 'run.state["cause"]'),
        ('next="assess"),\n        Step("assess", next=["approve", "pay"]),\n', 'next=["review", "pay"]),\n'),
        ('Step("approve"', 'Step("review"'),
        ('    run.advance("assess")\n\n\ndef assess(run: Any) -> None:\n', ""),
        (
            '        run.wait("approve", key',
            '        ask(run)\n\n\ndef ask(run: Any) -> None:\n    run.wait("review", key',
        ),
        (
            'def approve(run: Any) -> None:\n    run.advance("pay", output=run.answer)',
            'def review(run: Any) -> None:\n    ask(run) if run.answer is None else run.advance("pay", output=run.answer)',
        ),
    )
    team.statemig("diff", ends=20)
    team.statemig(
        "revision --autogenerate --rev-id d4 -m 'review a cause' --rename state.reason:cause --rename steps.approve:review"
    )
    script = "migrations/versions/0004*.py"
    team.say("Somebody thinks that no run stands at assess, and takes the last line out.")
    [held] = [line for line in team.lines(script) if "remove_step" in line]
    team.edit((f"{held}\n", ""), file=script)
    team.statemig("edit d4 --freeze")
    team.statemig("gate", ends=21)
    team.say("Three runs do. They may as well be reviewed.")
    renamed = '    op.rename_step("approve", to="review")\n'
    team.edit((renamed, renamed + '    op.remove_step("assess", cursor=op.forward("review"))\n'), file=script)
    team.statemig("edit d4 --freeze")
    team.statemig("runs export --redact", into="staging.jsonl")
    team.statemig("runs import staging.jsonl --store sqlite:///staging.db")
    team.statemig("gate --store sqlite:///staging.db")
    team.say("The same for the pull request, from the live runs.")
    team.statemig("gate --format markdown")
    team.release("d4")
    team.say("A canary: 40% of the new runs and 20% of the parked ones at each step, then all.")
    team.statemig("canary start d4 --stages 40/20,100 --hold 1s")
    team.tickets(54, 63, amount=20)
    team.answer(6, 12)
    team.work("c3", "d4")
    team.statemig("watch --minimum 20%", ends=18)
    team.tickets(64, 120, amount=20)
    team.work("c3", "d4")
    time.sleep(1)
    team.statemig("canary advance --minimum 20%")
    team.statemig("route explain r013")
    team.answer(13, 16)
    team.work("c3", "d4")
    team.stop("c3")
    team.statemig("deploy complete")


def thursday(team: Team) -> None:
    team.day(
        "thursday",
        "a function makes cents of the amount; nobody has proved the way back, so the old version drains",
    )
    team.edit(
        ("    amount: int = 0\n", "    cents: int = 0\n"),
        ('run.state["amount"]', 'run.state["cents"]'),
        ("{amount}", "{cents} cents"),
        ("int(ticket.split()[-1])", "int(ticket.split()[-1]) * 100"),
        ('["cents"] < 100', '["cents"] < 100_00'),
    )
    team.statemig("diff", ends=20)
    team.statemig("revision --autogenerate --rev-id e5 -m 'amounts in cents' --rename state.amount:cents")
    renamed = '    op.rename_field("state.amount", to="cents")\n'
    team.edit(
        (
            "def upgrade(op",
            "def to_cents(amount: int) -> int:\n    return amount * 100\n\n\n"
            "def to_units(cents: int) -> int:\n    return cents // 100\n\n\ndef upgrade(op",
        ),
        (renamed, renamed + '    op.transform(to_cents, to_units, path="state.cents")\n'),
        file="migrations/versions/0005*.py",
    )
    team.statemig("edit e5 --freeze")
    team.release("e5")
    team.statemig("upgrade d4")
    team.statemig("deploy start e5")
    team.statemig("drain d4", ends=12)
    try:
        team.tickets(121, 121, amount=20, revision="d4")
    except DrainingError as error:
        team.write(f"  DrainingError: {error}")
    team.answer(17, 29)
    team.answer(41, 44)
    team.work("d4")
    team.say("Four people take their time. After the deadline what is left goes to the newest version.")
    team.statemig("drain d4 --deadline 3s --on-deadline migrate", ends=12)
    time.sleep(3)
    team.statemig("drain d4")
    team.stop("d4")
    team.statemig("deploy complete")
    team.tickets(121, 150, amount=200)
    team.work("e5")


def friday(team: Team) -> None:
    team.day("friday", "a version with a bug, and the way back")
    team.edit(
        ("    urgent: bool = False\n", '    urgent: bool = False\n    currency: str = "EUR"\n'),
        (
            "def pay(run: Any) -> None:\n",
            'def pay(run: Any) -> None:\n    run.state["cents"] *= {"eur": 1}[run.state["currency"]]\n',
        ),
    )
    team.statemig("revision --autogenerate --rev-id f6 -m 'currencies'")
    team.release("f6")
    team.statemig("canary start f6 --stages 40,100 --hold 1s")
    team.say("Somebody is in a hurry, and brings everything along at once.")
    team.statemig("upgrade f6")
    team.tickets(151, 160, amount=20)
    team.answer(121, 132)
    team.work("e5", "f6")
    team.statemig("watch", ends=19)
    team.statemig("abort")
    team.stop("f6")
    team.work("e5")
    team.say("Said again it finds nothing to do.")
    team.statemig("abort")
    team.say("r030 was asked on Monday, four versions ago. Now somebody has an answer.")
    team.answer(30, 30)
    team.work("e5")
    team.write(f"  r030 is {team.status('r030')}")
    team.statemig("retire e5", ends=15)
    team.statemig("retire a1")
    team.statemig("runs")


def main(folder: Path) -> None:
    team = Team(folder, lambda line: print(line, flush=True))
    for day in (monday, tuesday, wednesday, thursday, friday):
        day(team)


if __name__ == "__main__":
    if sys.argv[1:]:
        Path(sys.argv[1]).mkdir(parents=True)
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
