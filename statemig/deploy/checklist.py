"""A deployment checklist: its items, what was found at each, and how it reads in a pull request."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

#: ok: looked at, and right. failed: in the way. unknown: could not be found out, and why. note: looked at, and somebody should know.
#: next: to be done later, with the command that does it.
State = Literal["ok", "failed", "unknown", "note", "next"]

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|])")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `details` are listed below it, `command` is what to run."""

    name: str
    state: State
    said: str
    details: tuple[str, ...] = ()
    command: str | None = None

    @property
    def ticked(self) -> bool:
        return self.state in ("ok", "note")


@dataclass(frozen=True, slots=True)
class Checklist:
    """The items for one workflow on its way from one version to another."""

    workflow: str
    title: str
    items: tuple[Item, ...]

    @property
    def failed(self) -> tuple[Item, ...]:
        return tuple(each for each in self.items if each.state == "failed")

    @property
    def unknown(self) -> tuple[Item, ...]:
        return tuple(each for each in self.items if each.state == "unknown")

    @property
    def verdict(self) -> Literal["open", "closed", "unknown"]:
        """Whether the deploy may go on; "unknown" where nothing speaks against it and something could not be found out."""
        return "closed" if self.failed else "unknown" if self.unknown else "open"

    @property
    def sentence(self) -> str:
        checked = sum(each.state != "next" for each in self.items)
        if self.failed:
            return f"The gate is closed: {len(self.failed)} of {checked} checks failed."
        if self.unknown:
            return f"The gate is not open: {len(self.unknown)} of {checked} checks could not be made."
        return f"The gate is open: {checked} checks passed."

    def to_dict(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow,
            "title": self.title,
            "verdict": self.verdict,
            "items": [asdict(each) for each in self.items],
        }


def markdown(checklist: Checklist) -> str:
    """A comment for a pull request: GitHub's task list."""
    lines = [f"### {escaped(checklist.title)}", "", f"**{checklist.sentence}**", ""]
    for item in checklist.items:
        lines.append(
            f"- [{'x' if item.ticked else ' '}] **{escaped(item.name)}**{_mark(item)}: {escaped(item.said)}"
        )
        lines += [f"  - {escaped(detail)}" for detail in item.details]
        if item.command is not None:
            lines.append(f"  - `{item.command}`")
    return "\n".join(lines) + "\n"


def _mark(item: Item) -> str:
    return {"failed": " (FAILED)", "unknown": " (UNKNOWN)", "note": " (note)"}.get(item.state, "")


def escaped(text: str) -> str:
    """Plain text as Markdown shows it: no markup, no HTML."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)
