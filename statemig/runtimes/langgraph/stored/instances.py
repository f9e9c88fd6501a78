"""What fields that an upgrade removed were instances of. The rest of a complement is JSON, and knows values alone: code of before, which a
thread is brought back to, would read an object where it had written a model, and text where it had written bytes.

So the channels that go are kept as they are stored as well, in notes like the others', and put back where the value that comes back is the
same. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from statemig.runtimes.langgraph.stored.as_json import Tags, to_json
from statemig.runtimes.langgraph.stored.values import encoded, raw, raw_of

if TYPE_CHECKING:
    from statemig.plan.complement import Complement, Note

#: of one that is kept: the label of its note, and its channel. Two fields may have had one name, one after the other
Key = tuple[str, str]

#: in a complement, behind the revision that the thread was brought to: ``"<revision>/$instances"``
LABEL: Final = "/$instances"


def kept(
    complement: Complement,
    revision: str,
    values: Mapping[str, Any],
    gone: Iterable[str],
    tags: Tags,
    back: Collection[Key],
) -> Complement:
    """The complement with those of the channels that are `gone` in which something else than JSON stood, and without those that are
    `back`."""
    found = {
        label: [note for note in notes if not label.endswith(LABEL) or (label, _channel(note)) not in back]
        for label, notes in complement.items()
    }
    stood = {str(place[1]) for place in tags}
    made = [note for channel in gone if channel in stood for note in _notes(channel, values[channel])]
    if made:
        found[revision + LABEL] = [
            *(
                note
                for note in found.get(revision + LABEL, ())
                if _channel(note) not in set(map(_channel, made))
            ),
            *made,
        ]
    return {label: notes for label, notes in found.items() if notes}


def _notes(channel: str, value: Any) -> list[Note]:
    try:
        data = encoded(raw(value))
    except TypeError:  # something pickled is in it
        return []
    return [{"at": ["state", channel], "stored": base64.b64encode(data).decode()}]


def _channel(note: Note) -> str:
    return str(note["at"][1])


def channels(complement: Complement) -> set[str]:
    """Those that are kept."""
    return {_channel(note) for label, notes in complement.items() if label.endswith(LABEL) for note in notes}


def of(complement: Complement) -> dict[Key, tuple[Any, Any]]:
    """The raw values that are kept, each with its JSON."""
    found = {}
    for label, notes in complement.items():
        for note in notes if label.endswith(LABEL) else ():
            stored = raw_of(base64.b64decode(note["stored"]))
            found[label, _channel(note)] = (stored, to_json(stored, {}, ("state", _channel(note))))
    return found
