"""Instructions on a value inside a document: what a person is shown, the arguments of a tool call.

The value is the document's ``$``, so the paths of the instructions begin with it. What they note is kept as one list per instruction,
in the order of the direction that wrote it; the other direction reads it from behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from statemig.errors import StatemigError
from statemig.path import Key, Path
from statemig.plan.complement import Note, Notes
from statemig.plan.instructions import Instruction

#: the key under which the value stands
ROOT: Final = "$"


def run(
    value: Any, instructions: Sequence[Instruction], kept: Sequence[Sequence[Note]], *, recording: bool
) -> tuple[Any, list[list[Note]]]:
    """The value after the instructions, and their notes (empty where there are none). Raises what an instruction raises, with a path
    relative to the value."""
    from statemig.plan import stepwise

    document = {ROOT: value}
    incoming = list(reversed(kept))
    written: list[list[Note]] = []
    for number, instruction in enumerate(instructions):
        notes = Notes(recording, getattr(instruction, "identity", None))
        notes.open(incoming[number] if number < len(incoming) else (), document)
        stage = stepwise.Stage(instruction, "", "", "")
        try:
            document = stepwise.apply(document, instruction, notes, stage)
        except StatemigError as error:
            error.path = relative(error.path)
            raise
        written.append(notes.seal(document))
    return document[ROOT], written if any(written) else []


def relative(path: str | None) -> str | None:
    """A path without the ``$`` that it begins with; None for the value itself."""
    if path is None:
        return None
    segments = Path.parse(path).segments
    if segments[:1] == (Key(ROOT),):
        segments = segments[1:]
    return str(Path(segments)) if segments else None


def beneath(place: str, path: str | None) -> str:
    """The path of a value inside the value at `place`."""
    if path is None:
        return place
    return f"{place}{path}" if path.startswith(("[", "{", "<")) else f"{place}.{path}"
