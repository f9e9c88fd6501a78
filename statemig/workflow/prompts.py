"""The text of a prompt and the variables that its template takes from the state."""

from __future__ import annotations

import re
import string
from typing import Any, Final

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
# {{ topic }}, {{ topic.title | upper }}, {{topic[0]}}: the name of the variable is what comes first.
_DOUBLE: Final = re.compile(r"\{\{-?\s*(" + _NAME + r")[^{}]*\}\}")
# {topic}, {topic.title}, {topic[0]}, {topic!r}, {topic:>10}
_SINGLE: Final = re.compile(r"\{(" + _NAME + r")(?:[.\[!:][^{}]*)?\}")
_LOOP: Final = re.compile(r"\{%-?\s*for\s+(" + _NAME + r")\s+in\s+(" + _NAME + r")")


def prompt_of(prompt: Any) -> dict[str, Any]:
    """``{"text": ..., "variables": [...]}`` of a string, an object with a `.template`, or one whose `str()` is its text.

    Raises `TypeError` where the text would differ from process to process.
    """
    if isinstance(prompt, str):
        return {"text": prompt, "variables": list(variables(prompt))}
    template = getattr(prompt, "template", None)
    if isinstance(prompt, string.Template):
        return {"text": prompt.template, "variables": sorted(set(prompt.get_identifiers()))}
    if isinstance(template, str):
        return {"text": template, "variables": list(variables(template))}
    if callable(prompt) or (_says_nothing(prompt)):
        raise TypeError(
            f"prompt must be text or an object with a .template or a __str__ of its own, not {_kind(prompt)}"
        )
    text = str(prompt)
    told = getattr(prompt, "input_variables", None)
    return {"text": text, "variables": sorted(told) if isinstance(told, list) else list(variables(text))}


def variables(text: str) -> tuple[str, ...]:
    """The names in ``{topic}`` and ``{{topic}}`` style placeholders, sorted; names bound by a Jinja loop are not from outside."""
    loops = _LOOP.findall(text)
    single = _SINGLE.findall(_DOUBLE.sub("", text))
    found = {*_DOUBLE.findall(text), *single, *(source for _, source in loops)}
    return tuple(sorted(found - {bound for bound, _ in loops} - ({"loop"} if loops else set())))


def _says_nothing(prompt: object) -> bool:
    """Whether `str()` is the default of every object: a class name and an address."""
    return all(getattr(type(prompt), name) is getattr(object, name) for name in ("__str__", "__repr__"))


def _kind(prompt: Any) -> str:
    return "a function" if callable(prompt) else type(prompt).__name__
