"""One small example for each rule and direction that proposes an operation. Data; the tests compare each pair of versions.

The script says what makes up for the change: what autogenerate writes, or, where the values decide or several
operations would do, what a person might write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from statemig.autogenerate.example import Example, Fragment, Version, object_of
from statemig.autogenerate.step_examples import STEP_EXAMPLES


def _states(
    old: Fragment,
    new: Fragment,
    script: str,
    direction: str = "",
    said: Mapping[str, str | None] | None = None,
) -> Example:
    return Example(direction, Version(old), Version(new), script, said or {})


def _value(name: str, old: Fragment, new: Fragment, script: str, direction: str = "") -> Example:
    """A required field of the state whose values changed."""
    return _states(_all_required({name: old}), _all_required({name: new}), script, direction)


def _all_required(properties: dict[str, Fragment]) -> Fragment:
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT: Final[Fragment] = {"type": "string"}
_NUMBER: Final[Fragment] = {"type": "integer"}
_TEXTS: Final[Fragment] = {"type": "array", "items": _TEXT}
_LABELS: Final[Fragment] = {"type": "object", "additionalProperties": _TEXT}
_ONLY_TOPIC: Final = object_of("topic", topic=_TEXT)
_CLOSED_TOPIC: Final = object_of("topic", topic=_TEXT, extra=False)
_WITHOUT_EXTRAS: Final = (
    'op.nest_rest("state", into="undeclared", keep=["topic"])\nop.remove_field("state.undeclared")'
)


def _default(value: str) -> Fragment:
    return {"type": "string", "default": value}


def _one_of(*values: str) -> Fragment:
    return {"enum": list(values)}


def _tuple(*slots: Fragment) -> Fragment:
    return {"type": "array", "prefixItems": list(slots), "minItems": len(slots), "maxItems": len(slots)}


def _variant(tag: str, field: str, *, key: str = "kind") -> Fragment:
    return _all_required({key: {"const": tag}, field: _TEXT})


def _tagged(*variants: Fragment, key: str = "kind") -> Fragment:
    return {"oneOf": list(variants), "discriminator": {"propertyName": key}}


_SEARCH: Final = _variant("search", "query")
_FETCH: Final = _variant("fetch", "url")
_UNTAGGED: Final[Fragment] = {"anyOf": [object_of("query", query=_TEXT), object_of("url", url=_TEXT)]}

_STATE: Final[Mapping[str, tuple[Example, ...]]] = {
    "S03": (
        _states(
            object_of(tone=_default("plain")),
            object_of(tone=_default("warm")),
            'op.set_default("state.tone", "warm", materialise="plain")',
        ),
    ),
    "S04": (
        _states(
            _ONLY_TOPIC,
            object_of("topic", topic=_TEXT, note=_default("")),
            'op.add_field("state.note", default="")',
        ),
        _states(
            _CLOSED_TOPIC,
            object_of("topic", topic=_TEXT, note=_default(""), extra=False),
            'op.add_field("state.note", default="")',
            "forbidden",
        ),
    ),
    "S05": (
        _states(
            _ONLY_TOPIC,
            object_of("topic", "tone", topic=_TEXT, tone=_default("plain")),
            'op.add_field("state.tone", default="plain")',
        ),
        _states(
            _CLOSED_TOPIC,
            object_of("topic", "tone", topic=_TEXT, tone=_default("plain"), extra=False),
            'op.add_field("state.tone", default="plain")',
            "forbidden",
        ),
    ),
    "S06": (
        _states(
            _ONLY_TOPIC,
            object_of("topic", "priority", topic=_TEXT, priority=_one_of("normal", "high")),
            'op.add_field("state.priority", default="normal")',
        ),
        _states(
            _CLOSED_TOPIC,
            object_of("topic", "priority", topic=_TEXT, priority=_one_of("normal", "high"), extra=False),
            'op.add_field("state.priority", default="normal")',
            "forbidden",
        ),
    ),
    "S07": (
        _states(
            object_of("topic", "draft", topic=_TEXT, draft=_TEXT),
            _ONLY_TOPIC,
            'op.remove_field("state.draft")',
        ),
        _states(
            object_of("topic", "draft", topic=_TEXT, draft=_TEXT, extra=True),
            object_of("topic", topic=_TEXT, extra=True),
            'op.remove_field("state.draft")',
            "kept",
        ),
        _states(
            object_of("topic", topic=_TEXT, draft=_TEXT),
            _ONLY_TOPIC,
            'op.remove_field("state.draft")',
            "optional",
        ),
        _states(
            object_of("topic", topic=_TEXT, draft=_TEXT, extra=True),
            object_of("topic", topic=_TEXT, extra=True),
            'op.remove_field("state.draft")',
            "optional, kept",
        ),
    ),
    "S08": (
        _states(
            object_of("topic", "draft", topic=_TEXT, draft=_TEXT, extra=False),
            _CLOSED_TOPIC,
            'op.remove_field("state.draft")',
        ),
        _states(
            object_of("topic", topic=_TEXT, draft=_TEXT, extra=False),
            _CLOSED_TOPIC,
            'op.remove_field("state.draft")',
            "optional",
        ),
    ),
    "S09": (_states(object_of(topic=_TEXT), _ONLY_TOPIC, 'op.make_required("state.topic", fill="unknown")'),),
    "S10": (
        _states(
            object_of(tone=_default("plain")),
            object_of("tone", tone=_default("plain")),
            'op.make_required("state.tone", fill="plain")',
        ),
    ),
    "S11": (_states(_ONLY_TOPIC, object_of(topic=_TEXT), 'op.make_optional("state.topic", fill="unknown")'),),
    "S12": (
        _states(
            object_of("summary", summary=_TEXT),
            object_of("digest", digest=_TEXT),
            'op.rename_field("state.summary", to="digest")',
            said={"state.summary": "digest"},
        ),
    ),
    "S13": (
        _states(
            object_of("subject", subject={"type": "string", "x-statemig": {"python_name": "topic"}}),
            object_of("title", title={"type": "string", "x-statemig": {"python_name": "topic"}}),
            'op.rename_field("state.subject", to="title")',
        ),
    ),
    "S14": (
        _states(
            object_of("reviewer", "meta", reviewer=_TEXT, meta=object_of("source", source=_TEXT)),
            object_of("meta", meta=object_of("source", "reviewer", source=_TEXT, reviewer=_TEXT)),
            'op.move_field("state.reviewer", to="state.meta.reviewer")',
        ),
    ),
    "S18": (
        _states(object_of("topic", topic=_TEXT, extra=True), _CLOSED_TOPIC, _WITHOUT_EXTRAS),
        _states(object_of("topic", topic=_TEXT, extra=True), _ONLY_TOPIC, _WITHOUT_EXTRAS, "ignored"),
    ),
    "S20": (
        _value(
            "labels",
            {**_LABELS, "propertyNames": _one_of("Owner", "due")},
            {**_LABELS, "propertyNames": _one_of("owner", "due")},
            'op.rename_keys("state.labels", {"Owner": "owner"})',
            "tightened",
        ),
    ),
    "S21": (
        _value(
            "labels",
            _LABELS,
            {**_LABELS, "maxProperties": 5},
            'op.constrain("state.labels", reject={"maxProperties": 5})',
            "tightened",
        ),
    ),
    "S23": (
        _value(
            "call",
            _tagged(_SEARCH, _FETCH),
            _SEARCH,
            'op.remove_variant("state.call.kind", "fetch", to=op.value({"kind": "search", "query": ""}))',
        ),
    ),
    "S24": (
        _value(
            "note",
            _TEXT,
            {"anyOf": [_TEXT, {"type": "null"}]},
            'op.make_nullable("state.note", fill="")',
        ),
    ),
    "S25": (
        _value("note", {"anyOf": [_TEXT, {"type": "null"}]}, _TEXT, 'op.drop_null("state.note", fill="")'),
    ),
    "S27": (
        _value(
            "hours", {"type": "number"}, _NUMBER, 'op.convert("state.hours", to="int", rounding="nearest")'
        ),
    ),
    "S28": (_value("number", _NUMBER, _TEXT, 'op.convert("state.number", to="str")'),),
    "S29": (
        _value("reviewer", _TEXT, _TEXTS, 'op.wrap("state.reviewer")', "wrapped"),
        _value("reviewer", _TEXTS, _TEXT, 'op.unwrap("state.reviewer", default="")', "unwrapped"),
    ),
    "S30": (
        _value(
            "author",
            _TEXT,
            object_of("name", name=_TEXT),
            'op.nest(["state.author"], into="author")\nop.rename_field("state.author.author", to="name")',
            "nested",
        ),
        _value(
            "author",
            object_of("name", name=_TEXT),
            _TEXT,
            'op.rename_field("state.author.name", to="author")\nop.flatten("state.author")',
            "flattened",
        ),
    ),
    "S32": (
        _value(
            "level",
            _one_of("low", "unknown", "high"),
            _one_of("unknown", "high"),
            'op.map_values("state.level", {"low": "unknown"}, otherwise="keep")',
        ),
    ),
    "S33": (
        _value(
            "level",
            _one_of("low", "high"),
            _one_of("LOW", "HIGH"),
            'op.map_values("state.level", {"low": "LOW", "high": "HIGH"})',
        ),
    ),
    "S34": (
        _value(
            "level",
            _TEXT,
            _one_of("normal", "high"),
            'op.constrain("state.level", reject={"enum": ["normal", "high"]})',
        ),
    ),
    "S36": (
        _value("format", {"const": "v1"}, {"const": "v2"}, 'op.map_values("state.format", {"v1": "v2"})'),
    ),
    "S38": (
        _value(
            "score",
            _NUMBER,
            {"type": "integer", "minimum": 0, "maximum": 10},
            'op.constrain("state.score", clamp=(0, 10))',
        ),
    ),
    "S40": (
        _value(
            "title",
            _TEXT,
            {"type": "string", "maxLength": 80},
            'op.constrain("state.title", truncate=80)',
            "tightened",
        ),
    ),
    "S42": (
        _value(
            "due",
            _TEXT,
            {"type": "string", "format": "date"},
            'op.convert("state.due", to="date")',
            "tightened",
        ),
        _value(
            "due",
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            'op.convert("state.due", to="date-time")',
            "resolution",
        ),
    ),
    "S43": (
        Example(
            "",
            Version(object_of("scan", scan={"type": "string", "contentEncoding": "base64"})),
            Version(object_of("scan", scan={"type": "string", "contentEncoding": "base64url"})),
            'op.transform(to_urlsafe, from_urlsafe, path="state.scan")',
            note="none of the operations on values knows encodings; a function for each way does.",
        ),
    ),
    "S45": (
        _value(
            "findings",
            _TEXTS,
            {**_TEXTS, "maxItems": 20},
            'op.constrain("state.findings", truncate=20)',
            "tightened",
        ),
    ),
    "S46": (
        _value("tags", {**_TEXTS, "uniqueItems": True}, _TEXTS, 'op.to_list("state.tags")', "relaxed"),
        _value("tags", _TEXTS, {**_TEXTS, "uniqueItems": True}, 'op.to_set("state.tags")', "tightened"),
    ),
    "S47": (
        _value(
            "pair",
            _tuple(_TEXT, _NUMBER),
            _tuple(_TEXT, _NUMBER, _NUMBER),
            'op.tuple_add("state.pair[2]", default=0)',
            "added",
        ),
        _value(
            "pair",
            _tuple(_TEXT, _NUMBER, _NUMBER),
            _tuple(_TEXT, _NUMBER),
            'op.tuple_remove("state.pair[2]")',
            "removed",
        ),
        _value(
            "pair",
            _tuple(_TEXT, _NUMBER),
            _tuple(_NUMBER, _TEXT),
            'op.tuple_reorder("state.pair", [1, 0])',
            "reordered",
        ),
    ),
    "S49": (
        _value(
            "call",
            {"anyOf": [_SEARCH, _FETCH, _variant("ask", "question")]},
            {"anyOf": [_SEARCH, _FETCH]},
            'op.remove_variant("state.call.kind", "ask", to=op.value({"kind": "search", "query": ""}))',
            "removed",
        ),
    ),
    "S51": (
        _value(
            "call",
            _tagged(_SEARCH, _FETCH),
            _tagged(_SEARCH, _FETCH, _variant("ask", "question")),
            'op.add_variant("state.call.kind", "ask")',
            "added",
        ),
        _value(
            "call",
            _tagged(_SEARCH, _FETCH, _variant("ask", "question")),
            _tagged(_SEARCH, _FETCH),
            'op.remove_variant("state.call.kind", "ask", to=op.value({"kind": "search", "query": ""}))',
            "removed",
        ),
    ),
    "S52": (
        _value(
            "call",
            _tagged(_SEARCH, {**_FETCH, "title": "Fetch"}),
            _tagged(_SEARCH, {**_variant("download", "url"), "title": "Fetch"}),
            'op.rename_variant("state.call.kind", "fetch", "download")',
            "value",
        ),
        _value(
            "call",
            _tagged(_SEARCH, _FETCH),
            _tagged(
                _variant("search", "query", key="type"), _variant("fetch", "url", key="type"), key="type"
            ),
            'op.rename_tag("state.call.kind", to="type")',
            "key",
        ),
    ),
    "S53": (
        _value(
            "call",
            _UNTAGGED,
            _tagged(_SEARCH, _FETCH),
            'op.tag_union("state.call", "kind", {"query": "search", "url": "fetch"})',
            "tag absent",
        ),
    ),
    "S55": (
        _value(
            "call",
            object_of("query", query=_TEXT),
            _tagged(_SEARCH, _FETCH),
            'op.tag_union("state.call", "kind", op.value("search"))',
            "tag absent",
        ),
    ),
}

EXAMPLES: Final[Mapping[str, tuple[Example, ...]]] = {**_STATE, **STEP_EXAMPLES}
