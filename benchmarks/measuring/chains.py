"""The chains that are measured, each as statemig revisions, as hand-written functions, and as JSON Patches per revision.

Every revision is one rename, one added field with a default, one nested change and one change in every item of a list.

*churn*: the same fields again and again, so that a chain folds to little. *spread*: no two revisions touch the same key, the worst
case: 50 renames of fields in the nested objects and at the top, 50 new fields, 50 nested ones, and 50 changes that go round the
lists (renames while there are fields that have their first name, then new fields).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from measuring.documents import LISTS, SECTIONS
from statemig import Revision

JSON = Any
HandWritten = Callable[[dict[str, Any]], None]

_DEFAULTS: Final = (None, "", 0, False, [], {}, "normal", 1.5)
_TOP: Final = (
    "ticket",
    "subject",
    "language",
    "priority",
    "attempt",
    "confidence",
    "escalated",
    "opened_at",
    "summary",
    "owner",
)


@dataclass(frozen=True)
class Change:
    """One of the four changes of a revision. `to` is None where a field is added."""

    place: tuple[str, ...]
    key: str
    to: str | None
    default: JSON = None
    items: bool = False

    @property
    def path(self) -> str:
        return ".".join(self.place) + ("[]" if self.items else "") + f".{self.key}"


def churn(number: int) -> list[Change]:
    """What revision `number` (from 1) of the churn chain changes."""

    def name(field: str, version: int) -> str:
        return field if version == 0 else f"{field}_v{version}"

    before, after = number - 1, number
    return [
        Change(("state",), name("summary", before), name("summary", after)),
        Change(("state",), f"added_{number}", None, _DEFAULTS[number % len(_DEFAULTS)]),
        Change(("state", "customer"), name("tier", before), name("tier", after)),
        Change(("state", "messages"), name("content", before), name("content", after), items=True),
    ]


def spread(number: int) -> list[Change]:
    """What revision `number` (1 to 50) of the spread chain changes."""
    index = number - 1
    renames = [(("state",), key) for key in _TOP]
    renames += [(("state", section), key) for section, fields in SECTIONS.items() for key in fields]
    place, key = renames[index]
    section = list(SECTIONS)[index % len(SECTIONS)]
    names = list(LISTS)
    in_list = names[index % len(names)]
    old = index // len(names)
    fields = LISTS[in_list]
    default = _DEFAULTS[index % len(_DEFAULTS)]
    if old < len(fields):
        in_items = Change(("state", in_list), fields[old], f"{fields[old]}_of_item", items=True)
    else:
        in_items = Change(("state", in_list), f"detail_{number}", None, default, items=True)
    return [
        Change(place, key, f"{key}_{number}"),
        Change(("state",), f"added_{number}", None, default),
        Change(("state", section), f"nested_{number}", None, default),
        in_items,
    ]


CHAINS: Final = {"churn": churn, "spread": spread}


# -- statemig ----------------------------------------------------------------------------------------------------------


def script(changes: list[Change]) -> Callable[[Any], None]:
    """The `upgrade` of a revision."""

    def upgrade(op: Any) -> None:
        for change in changes:
            if change.to is None:
                op.add_field(change.path, default=change.default)
            else:
                op.rename_field(change.path, to=change.to)

    return upgrade


def lines(changes: list[Change]) -> list[str]:
    """The body of `upgrade` in a script."""
    return [
        f"op.add_field({change.path!r}, default={change.default!r})"
        if change.to is None
        else f"op.rename_field({change.path!r}, to={change.to!r})"
        for change in changes
    ]


def revisions(chain: str, length: int, base: Any = None, head: Any = None) -> list[Revision]:
    """``r0`` to ``r<length>``; `base` and `head` are the snapshots of the first and the last, where there are any."""
    made = [Revision("r0", workflow="refunds", snapshot=base)]
    for number in range(1, length + 1):
        made.append(
            Revision(
                f"r{number}",
                f"r{number - 1}",
                upgrade=script(CHAINS[chain](number)),
                workflow="refunds",
                snapshot=head if number == length else None,
            )
        )
    return made


# -- peers -------------------------------------------------------------------------------------------------------------


def by_hand(chain: str, length: int, *, keep_order: bool = False) -> list[HandWritten]:
    """A function per revision as a person would write it: in place, on a state that is as it should be. A key that is renamed with
    `pop` goes to the end; with `keep_order` it keeps its place, as it does in statemig."""
    functions = []
    for number in range(1, length + 1):
        lines = [f"def upgrade_{number}(document):"]
        for change in CHAINS[chain](number):
            holder = "document" + "".join(f"[{key!r}]" for key in change.place)
            if change.items:
                lines.append(f"    for item in {holder}:")
                lines.append(f"        {_statement('item', change, keep_order)}")
            elif len(change.place) > 1:
                lines.append(f"    inner = {holder}")
                lines.append(f"    {_statement('inner', change, keep_order)}")
            else:
                lines.append(f"    state = {holder}")
                lines.append(f"    {_statement('state', change, keep_order)}")
        names: dict[str, Any] = {}
        exec("\n".join(lines), names)
        functions.append(names[f"upgrade_{number}"])
    return functions


def _statement(holder: str, change: Change, keep_order: bool) -> str:
    if change.to is not None and keep_order:
        key = f"{change.to!r} if key == {change.key!r} else key"
        return f"old = {holder}.copy(); {holder}.clear(); {holder}.update({{{key}: old[key] for key in old}})"
    if change.to is not None:
        return f"{holder}[{change.to!r}] = {holder}.pop({change.key!r})"
    return f"{holder}.setdefault({change.key!r}, {change.default!r})"


def json_patches(chain: str, length: int, document: JSON) -> list[list[dict[str, Any]]]:
    """A JSON Patch (RFC 6902) per revision, for this very document: a patch can't say "every item"."""
    patches = []
    for number in range(1, length + 1):
        patch: list[dict[str, Any]] = []
        for change in CHAINS[chain](number):
            base = "/" + "/".join(change.place)
            if change.items:
                count = len(document[change.place[0]][change.place[1]])
                bases = [f"{base}/{index}" for index in range(count)]
            else:
                bases = [base]
            for each in bases:
                if change.to is None:
                    patch.append({"op": "add", "path": f"{each}/{change.key}", "value": change.default})
                else:
                    patch.append(
                        {"op": "move", "from": f"{each}/{change.key}", "path": f"{each}/{change.to}"}
                    )
        patches.append(patch)
    return patches
