"""Where an operation applies: ``state.messages[].content``, parsed once into segments and never matched as text again.

=========================  ==============================================================================================
``a.b``                    keys; one that is not an identifier is quoted: ``state."odd.key"``
``a[]``                    each item of a list
``a{}``                    each value of a map
``a[0]``                   a slot of a tuple
``a<kind=search>``         one variant of a union, by its tag; the tag may lie deeper: ``a[]<raw_item.type=call>``
``<Node>.label``           every occurrence of the definition `Node` in the source snapshot, at any depth (first segment only)
=========================  ==============================================================================================
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from statemig.errors import PathError

TagValue = str | int | bool


@dataclass(frozen=True, slots=True)
class Key:
    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """Each item of a list."""


@dataclass(frozen=True, slots=True)
class Values:
    """Each value of a map."""


@dataclass(frozen=True, slots=True)
class Slot:
    index: int


@dataclass(frozen=True, slots=True)
class Variant:
    """Goes on only where the object's tag (a key, or keys from the outside in) has this value."""

    tag: tuple[str, ...]
    value: TagValue


@dataclass(frozen=True, slots=True)
class Definition:
    """Every occurrence of a named definition, at any depth."""

    name: str


Segment = Key | Items | Values | Slot | Variant | Definition

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_DEFINITION = re.compile(r'[^<>=."]+')
_BARE_TAG = re.compile(r"[A-Za-z_$][A-Za-z0-9_$./:+-]*")
_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Path:
    """An immutable sequence of segments from the top of a run document."""

    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str | Path) -> Path:
        """Raises `PathError` with the position of the first character that does not fit."""
        if isinstance(text, Path):
            return text
        return cls(tuple(_Reader(text).read()))

    @classmethod
    def of(cls, *keys: str) -> Path:
        return cls(tuple(Key(key) for key in keys))

    @property
    def parent(self) -> Path:
        return Path(self.segments[:-1])

    @property
    def last(self) -> Segment:
        return self.segments[-1]

    @property
    def key(self) -> str:
        """The name at the end. Raises `PathError` where the path does not end in a key."""
        last = self.segments[-1] if self.segments else None
        if not isinstance(last, Key):
            raise PathError(f"{self} does not end in the name of a field", path=str(self))
        return last.name

    def __truediv__(self, segment: Segment | str) -> Path:
        return Path((*self.segments, Key(segment) if isinstance(segment, str) else segment))

    def startswith(self, other: Path) -> bool:
        return self.segments[: len(other.segments)] == other.segments

    def with_last(self, name: str) -> Path:
        return Path((*self.segments[:-1], Key(name)))

    def __str__(self) -> str:
        return render(self.segments)


def render(segments: tuple[Segment, ...]) -> str:
    """The text that `Path.parse` reads back."""
    out: list[str] = []
    for segment in segments:
        match segment:
            case Key(name):
                out.append(("." if out else "") + _word(name))
            case Items():
                out.append("[]")
            case Values():
                out.append("{}")
            case Slot(index):
                out.append(f"[{index}]")
            case Variant(tag, value):
                out.append(f"<{'.'.join(_word(part) for part in tag)}={_tag_value(value)}>")
            case Definition(name):
                out.append(
                    f"<{name if _DEFINITION.fullmatch(name) else json.dumps(name, ensure_ascii=False)}>"
                )
    return "".join(out)


def _word(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _tag_value(value: TagValue) -> str:
    if isinstance(value, str):
        bare = _BARE_TAG.fullmatch(value) and value not in ("true", "false")
        return value if bare else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> list[Segment]:
        segments: list[Segment] = []
        if not self.text:
            raise self.unexpected("a path")
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "[":
                segments.append(self.brackets())
            elif character == "{":
                self.take("{")
                self.take("}")
                segments.append(Values())
            elif character == "<":
                segments.append(self.angle(first=not segments))
            elif character == "." and segments:
                self.at += 1
                segments.append(Key(self.word("a key")))
            elif not segments:
                segments.append(Key(self.word("a key")))
            else:
                raise self.unexpected("'.', '[', '{' or '<'")
        return segments

    def brackets(self) -> Segment:
        self.take("[")
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
        self.take("]")
        return Slot(int(number.group())) if number else Items()

    def angle(self, *, first: bool) -> Segment:
        self.take("<")
        words = [self.word("a tag or the name of a definition", definition=first)]
        while self.peek() == ".":
            self.at += 1
            words.append(self.word("a tag"))
        if first and self.peek() == ">" and len(words) == 1:
            self.at += 1
            return Definition(words[0])
        self.take("=")
        value = self.tag_value()
        self.take(">")
        return Variant(tuple(words), value)

    def tag_value(self) -> TagValue:
        for pattern in (_QUOTED, _NUMBER, _BARE_TAG):
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                literal = found.group()
                if pattern is _BARE_TAG and literal not in ("true", "false"):
                    return literal
                if pattern is _BARE_TAG:
                    return literal == "true"
                value: TagValue = self.json(literal)
                return value
        raise self.unexpected("the value of a tag")

    def word(self, what: str, *, definition: bool = False) -> str:
        quoted = _QUOTED.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            return str(self.json(quoted.group()))
        pattern = _DEFINITION if definition else _IDENTIFIER
        found = pattern.match(self.text, self.at)
        if not found:
            raise self.unexpected(what)
        self.at = found.end()
        return found.group()

    def json(self, literal: str) -> Any:
        try:
            return json.loads(literal)
        except ValueError:
            self.at -= len(literal)
            raise self.unexpected("a quoted name, with the escapes of JSON") from None

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> None:
        if self.peek() != character:
            raise self.unexpected(f"'{character}'")
        self.at += 1

    def unexpected(self, expected: str) -> PathError:
        found = repr(self.peek()) if self.peek() else "the end"
        return PathError(
            f"expected {expected} at position {self.at}, found {found}",
            path=self.text or '""',
            hint="Paths look like state.messages[].content, outputs{}.text or tools<kind=search>.args",
        )
