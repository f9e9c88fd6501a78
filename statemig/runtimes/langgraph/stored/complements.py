"""What upgrades removed, kept in a table beside the checkpoints: a checkpoint's stamp names a row, and stays small.

A row is written before the checkpoint that names it, and deleted after it: a crash in between leaves a row that nothing names. What is
asked for here is a `Statement`; `rows.py` does it. Beside a saver that it does not know there are no rows, and a complement travels in the
stamp itself.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from statemig import json_text
from statemig.errors import StoreError

if TYPE_CHECKING:
    from statemig.plan.complement import Complement

TABLE: Final = "statemig_complements"
#: stands in a stamp for a complement that lies in a row: ``{"$at": name}``. Other keys of a complement are ``revision/operation``
AT: Final = "$at"


@dataclass(frozen=True, slots=True)
class Write:
    """The answer is whether it is stored: False where the database's user may not."""

    thread: str
    name: str
    form: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """The answer is form and data, or None."""

    thread: str
    name: str


@dataclass(frozen=True, slots=True)
class Copy:
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Delete:
    """`names`: these rows of the thread; None for all."""

    thread: str
    names: tuple[str, ...] | None = None


Statement = Write | Read | Copy | Delete


def name_in(complement: Mapping[str, Any]) -> str | None:
    """The name of the row that holds a complement; None where it is here itself."""
    name = complement.get(AT)
    return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class Complements:
    """How complements go into rows and come back. `serde`: the saver's own, so that rows are encrypted where checkpoints are."""

    serde: Any
    has_rows: bool

    def row_for(self, thread: str, complement: Complement) -> tuple[Complement, Write | None]:
        """What to say in the stamp, and the row that has to be there for it."""
        if not self.has_rows or not complement or name_in(complement) is not None:
            return complement, None
        try:
            text: Any = json_text.dumps(complement)
        except TypeError:  # NaN or an infinity is in it: LangGraph stores those, and JSON has none
            text = dict(complement)
        form, data = self.serde.dumps_typed(text)
        # A digest of what is encrypted elsewhere would say what it was to whoever can guess it.
        hidden = isinstance(self.serde, EncryptedSerializer)
        name = uuid4().hex if hidden else json_text.digest(complement)
        named: dict[str, Any] = {AT: name}
        return named, Write(thread, name, form, data)

    def kept(self, thread: str, complement: Complement) -> Generator[Statement, Any, Complement]:
        """What to say in the stamp, when the row is there."""
        named, row = self.row_for(thread, complement)
        stored = row is not None and (yield row)
        return named if stored or row is None else complement

    def found(self, thread: str, complement: Complement) -> Generator[Statement, Any, Complement]:
        """The complement that a stamp has or names. Raises `StoreError` where its row is gone."""
        name = name_in(complement)
        if name is None:
            return complement
        row = yield Read(thread, name)
        if row is None:
            raise StoreError(
                f"what an upgrade removed is not there: table {TABLE} has no row {name!r} for the thread",
                run_id=thread,
                hint=f"Bring {TABLE} back from a backup. To go on without: insert a row with this thread_id and digest, form "
                "'bytes' and the complement {}",
            )
        found: Any = self.serde.loads_typed(row)
        loaded: Complement = json_text.loads(found) if isinstance(found, bytes) else found
        return loaded
