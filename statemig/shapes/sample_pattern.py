"""A string that a regular expression finds."""

from __future__ import annotations

import importlib
import string
from functools import lru_cache
from random import Random
from typing import Any, Final

LETTERS: Final = string.ascii_letters + string.digits + " _-."


def from_pattern(pattern: str, random: Random) -> str:
    """A likely match, from the pattern's own parse; anchors and lookarounds are not looked at, so check the result."""
    return _FromPattern(random).text(pattern)


class _FromPattern:
    def __init__(self, random: Random) -> None:
        self.random = random

    def text(self, pattern: str) -> str:
        return "".join(self.part(*each) for each in _parsed(pattern))

    def part(self, operation: Any, argument: Any) -> str:
        match str(operation):
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL":
                return self.random.choice([letter for letter in LETTERS if letter != chr(argument)])
            case "ANY":
                return self.random.choice(LETTERS)
            case "IN":
                return self.one_of(argument)
            case "BRANCH":
                return "".join(self.part(*each) for each in self.random.choice(argument[1]))
            case "SUBPATTERN":
                return "".join(self.part(*each) for each in argument[-1])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, inner = argument
                times = self.random.randint(low, min(int(high), low + 4))
                return "".join(self.part(*each) for _ in range(times) for each in inner)
            case _:
                return ""  # anchors and lookarounds take no room; the result is checked

    def one_of(self, choices: Any) -> str:
        wanted: list[str] = []
        negated = False
        for operation, argument in choices:
            match str(operation):
                case "NEGATE":
                    negated = True
                case "LITERAL":
                    wanted.append(chr(argument))
                case "RANGE":
                    last = min(argument[1], argument[0] + 200)
                    wanted += [chr(code) for code in range(argument[0], last + 1)]
                case "CATEGORY":
                    wanted += _CATEGORIES.get(str(argument), "a")
        if negated:
            wanted = [letter for letter in LETTERS if letter not in wanted]
        return self.random.choice(wanted)


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": " -.",
    "CATEGORY_SPACE": " \t",
    "CATEGORY_NOT_SPACE": string.ascii_letters,
}


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Any:
    # The parser behind `re` has no public name; without it (another Python) patterns are searched for blindly.
    try:
        return list(importlib.import_module("re._parser").parse(pattern))
    except (ImportError, AttributeError):
        return [("IN", [("CATEGORY", "CATEGORY_WORD")])] * 4
