"""What a reader checks and its JSON Schema does not say: validators of the author's own, and bounds that JSON Schema has no word for.

Found in pydantic's core schema. A proof over schemas must not be silent about it: a document that fits the schema may be refused all
the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from statemig.path import Items, Key, Segment, Slot, Values, render
from statemig.workflow.ownership import is_foreign

_CUSTOM_TEXT: Final = "is checked by code of your own"
_MOST: Final = 200
_DEEPEST: Final = 40
#: constraints that pydantic checks and its JSON Schema leaves out, by the type of the core schema
_SILENT: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("date", "time", "datetime", "timedelta"), ("le", "ge", "lt", "gt", "now_op", "tz_constraint")
    ),
    "decimal": ("max_digits", "decimal_places", "multiple_of", "le", "ge", "lt", "gt"),
    "bytes": ("min_length", "max_length"),
    **dict.fromkeys(
        ("url", "multi-host-url"),
        ("max_length", "allowed_schemes", "host_required", "default_host", "default_port", "default_path"),
    ),
}
_CHANGING: Final = ("strip_whitespace", "to_lower", "to_upper")
_OF_CONFIG: Final = (*(f"str_{name}" for name in _CHANGING), "str_min_length", "str_max_length")
_INSIDE: Final = ("schema", "json_schema", "lax_schema")


@dataclass(frozen=True, slots=True)
class Unseen:
    """At `path` a reader checks more than its schema says. `code`: by running code; otherwise `what` says all of it."""

    path: str
    what: str
    code: bool


def unseen(core_schemas: Sequence[tuple[str, Any]], own: Collection[str]) -> tuple[Unseen, ...]:
    """`core_schemas` and `own` as for `statemig.workflow.pydantic_schema.generate`; each core schema is that of a list of the type."""
    found: dict[Unseen, None] = {}
    for place, core in core_schemas:
        walk = _Walk(own)
        inner = walk.opened(core)
        head, _, step = place.partition(".")
        path: tuple[Segment, ...] = (Key(head), Key(step)) if step else (Key(head),)
        for each in walk.of(inner.get("items_schema", {}), path, ()):
            found.setdefault(each)
            if len(found) >= _MOST:
                return (*found, Unseen("state", "is checked in more places than are looked at", True))
    return tuple(found)


class _Walk:
    def __init__(self, own: Collection[str]) -> None:
        self.own = own
        self.definitions: dict[str, Any] = {}

    def opened(self, core: Any) -> Any:
        """The schema inside a list of definitions, which are remembered."""
        while isinstance(core, dict) and core.get("type") == "definitions":
            self.definitions |= {each["ref"]: each for each in core["definitions"]}
            core = core["schema"]
        return core

    def of(self, core: Any, path: tuple[Segment, ...], open_refs: tuple[str, ...]) -> Iterator[Unseen]:
        if not isinstance(core, dict) or len(path) > _DEEPEST:
            return
        core = self.opened(core)
        kind = core.get("type", "")
        if kind == "definition-ref":
            name = core["schema_ref"]
            if name not in open_refs and name in self.definitions:
                yield from self.of(self.definitions[name], path, (*open_refs, name))
            return
        if "ref" in core:
            if core["ref"] in open_refs[:-1]:
                return
            self.definitions.setdefault(core["ref"], core)
            open_refs = (*open_refs, core["ref"])
        cls = core.get("cls")
        if kind in ("model", "dataclass", "typed-dict") and cls is not None and is_foreign(cls, self.own):
            return
        yield from self.here(core, kind, path)
        yield from self.below(core, kind, path, open_refs)

    def here(self, core: Any, kind: str, path: tuple[Segment, ...]) -> Iterator[Unseen]:
        text = render(path)
        if kind.startswith("function-"):
            function = core.get("function", {})
            function = function.get("function") if isinstance(function, dict) else function
            name, custom = _function(function)
            said = f"{_CUSTOM_TEXT} ({name})" if custom else f"is checked by pydantic ({name})"
            yield Unseen(text, said, custom)
        if kind in ("model", "dataclass"):
            yield from _on_init(core, kind, text)
            config = {key: value for key, value in (core.get("config") or {}).items() if key in _OF_CONFIG}
            if any(config.values()):
                yield Unseen(text, f"has texts that are checked as {_listed(config)}", False)
        if kind == "tagged-union" and callable(core.get("discriminator")):
            yield Unseen(text, f"{_CUSTOM_TEXT} (its discriminator)", True)
        if kind == "json":
            yield Unseen(text, "is text that has to be JSON", False)
        silent = {key: core[key] for key in _SILENT.get(kind, ()) if core.get(key) is not None}
        if kind == "str" and any(core.get(key) for key in _CHANGING):
            bounds = ("min_length", "max_length", "pattern")
            silent = {key: core[key] for key in (*_CHANGING, *bounds) if core.get(key) is not None}
            if not any(key in silent for key in bounds):
                silent = {}
        if silent:
            # What was in the future when it was written is not for ever.
            by_clock = silent.get("now_op") == "future"
            yield Unseen(text, f"is a {kind} with {_listed(silent)}, which no JSON Schema says", by_clock)

    def below(
        self, core: Any, kind: str, path: tuple[Segment, ...], open_refs: tuple[str, ...]
    ) -> Iterator[Unseen]:
        def walk(inner: Any, *segments: Segment) -> Iterator[Unseen]:
            yield from self.of(inner, (*path, *segments), open_refs)

        match kind:
            case "model-fields" | "typed-dict":
                for name, each in core["fields"].items():
                    alias = each.get("validation_alias")
                    yield from walk(each.get("schema"), Key(alias if isinstance(alias, str) else name))
                yield from walk(core.get("extras_schema"), Values())
            case "dataclass-args":
                for each in core["fields"]:
                    yield from walk(each.get("schema"), Key(each["name"]))
            case "list" | "set" | "frozenset" | "generator":
                yield from walk(core.get("items_schema"), Items())
            case "tuple":
                variadic = core.get("variadic_item_index")
                for number, each in enumerate(core["items_schema"]):
                    yield from walk(each, Items() if number == variadic else Slot(number))
            case "dict":
                yield from walk(core.get("keys_schema"), Values())
                yield from walk(core.get("values_schema"), Values())
            case "union":
                for each in core["choices"]:
                    yield from walk(each[0] if isinstance(each, tuple) else each)
            case "tagged-union":
                for each in core["choices"].values():
                    yield from walk(each)
            case "chain":
                for each in core["steps"]:
                    yield from walk(each)
            case "function-plain":
                return
            case _:
                for name in _INSIDE:
                    if name in core:
                        yield from walk(core[name])
                        return


def _on_init(core: Any, kind: str, path: str) -> Iterator[Unseen]:
    cls = core["cls"]
    if core.get("custom_init"):
        yield Unseen(path, f"{_CUSTOM_TEXT} ({cls.__name__}.__init__)", True)
    after = core.get("post_init")
    name = "__post_init__" if after is True else after
    if name:
        module = str(getattr(getattr(cls, name, None), "__module__", ""))
        if not module.startswith("pydantic"):
            yield Unseen(path, f"{_CUSTOM_TEXT} ({cls.__name__}.{name})", True)


def _function(function: Any) -> tuple[str, bool]:
    """Its name, and whether it is the author's rather than pydantic's or the standard library's."""
    name = str(getattr(function, "__qualname__", type(function).__name__))
    module = str(getattr(function, "__module__", None) or type(function).__module__)
    # A predicate of the author's runs inside a function of pydantic's.
    if module.startswith("pydantic") and "val_func" not in name:
        return name, False
    if isinstance(function, type) and module in (
        "ipaddress",
        "pathlib",
        "re",
        "uuid",
        "collections",
        "builtins",
    ):
        return name, False
    return name.rpartition("<locals>.")[2], True


def _listed(constraints: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in constraints.items())
