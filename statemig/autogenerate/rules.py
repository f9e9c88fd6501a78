"""The rule table: every difference between two snapshots falls under exactly one rule. Data, no control flow.

A rule has one case, or several where the change has a harmless and a harmful direction ("relaxed" and
"tightened"). A case answers three questions: can the new version read what the old one wrote (R), can the old one
read what the new one writes (F), is every stored value kept with its meaning when nothing but default filling
happens (D). The change class follows from these. Rules called *inner* never stand alone: the rule of what changed
inside is reported at the path inside (`a{}`, `a[]`, `<Node>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Bit = Literal["ok", "no", "?"]
ChangeClass = Literal["none", "prompt", "additive", "breaking"]
Category = Literal["STATE", "RESUME", "CODE"]

CLASSES: Final[tuple[ChangeClass, ...]] = ("none", "prompt", "additive", "breaking")
NO_OPERATION: Final = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One direction of a rule. `operation` is what is proposed; "none" means that nothing has to be done."""

    reads: Bit
    forward: Bit
    keeps: Bit
    operation: str = NO_OPERATION
    stored_bytes_unchanged: bool = False

    @property
    def change_class(self) -> ChangeClass:
        if self.reads != "ok" or self.keeps == "no":
            return "breaking"
        return "prompt" if self.stored_bytes_unchanged else "additive"


@dataclass(frozen=True, slots=True)
class Rule:
    """`mirror`: the rules that the same change read backwards falls under, or a `waiver` that says why none does."""

    id: str
    slug: str
    purpose: str
    category: Category
    cases: Mapping[str, Case] = field(default_factory=dict)
    mirror: tuple[str, ...] = ()
    waiver: str | None = None

    @property
    def inner(self) -> bool:
        return not self.cases

    @property
    def name(self) -> str:
        return f"{self.id} {self.slug}"

    def case(self, direction: str = "") -> Case:
        return self.cases[direction]

    @property
    def operations(self) -> frozenset[str]:
        return frozenset(case.operation for case in self.cases.values()) - {NO_OPERATION}


def _one(reads: Bit, forward: Bit, keeps: Bit, operation: str = NO_OPERATION) -> dict[str, Case]:
    return {"": Case(reads, forward, keeps, operation)}


def _prompt(operation: str = NO_OPERATION) -> dict[str, Case]:
    return {"": Case("ok", "ok", "ok", operation, stored_bytes_unchanged=True)}


def _either(harmless: str, harmful: str, operation: str = NO_OPERATION) -> dict[str, Case]:
    return {harmless: Case("ok", "?", "ok"), harmful: Case("?", "ok", "ok", operation)}


def _added(reads: Bit, refused: Bit) -> dict[str, Case]:
    """A new field. `refused`: can an old version that forbids unknown keys read it?"""
    return {
        "": Case(reads, "ok", "ok", "add_field"),
        "forbidden": Case(reads, refused, "ok", "add_field"),
    }


def _state(
    number: int, slug: str, purpose: str, cases: dict[str, Case], *mirror: int, waiver: str | None = None
) -> Rule:
    mirrors = tuple(f"S{other:02}" for other in mirror) or (() if waiver else (f"S{number:02}",))
    return Rule(f"S{number:02}", slug, purpose, "STATE", cases, mirrors, waiver)


def _flow(
    number: int,
    slug: str,
    purpose: str,
    cases: dict[str, Case],
    *mirror: int,
    category: Category = "RESUME",
    waiver: str | None = None,
) -> Rule:
    mirrors = tuple(f"W{other:02}" for other in mirror) or (() if waiver else (f"W{number:02}",))
    return Rule(f"W{number:02}", slug, purpose, category, cases, mirrors, waiver)


_ONE_WAY = "a document that the tag was written into has it for good; the way back only stops asking for it"

_TABLE: Final = (
    _state(
        1,
        "annotation-changed",
        "Titles, descriptions and examples carry no meaning for stored JSON.",
        _prompt(),
    ),
    _state(2, "type-renamed", "A class has another name and the same structure.", _prompt()),
    _state(
        3,
        "default-changed",
        "What an absent field means has changed.",
        _one("ok", "ok", "ok", "set_default"),
    ),
    _state(
        4,
        "field-added-optional",
        "A field was added that a reader fills in by itself.",
        _added("ok", "?"),
        7,
        8,
    ),
    _state(
        5,
        "field-added-default",
        "A required field was added whose default the schema states.",
        _added("ok", "no"),
        7,
        8,
    ),
    _state(
        6,
        "field-added-required",
        "A required field was added and nothing says what old documents get.",
        _added("no", "no"),
        7,
        8,
    ),
    _state(
        7,
        "field-removed",
        "A field is gone and the reader drops its value without a word.",
        {
            "": Case("ok", "no", "no", "remove_field"),
            "optional": Case("ok", "ok", "no", "remove_field"),
            "kept": Case("ok", "no", "ok", "remove_field"),
            "optional, kept": Case("ok", "ok", "ok", "remove_field"),
        },
        4,
        5,
        6,
    ),
    _state(
        8,
        "field-removed-forbidden",
        "A field is gone and the reader refuses documents that still have it.",
        {"": Case("no", "no", "no", "remove_field"), "optional": Case("no", "ok", "no", "remove_field")},
        4,
        5,
        6,
    ),
    _state(
        9,
        "field-required",
        "A field must now be there and has no default.",
        _one("?", "ok", "ok", "make_required"),
        11,
    ),
    _state(
        10,
        "field-required-default",
        "A field must now be there; its default says what to fill in.",
        _one("ok", "ok", "ok", "make_required"),
        11,
    ),
    _state(11, "field-optional", "A field may now be absent.", _one("ok", "?", "ok", "make_optional"), 9, 10),
    _state(
        12, "field-renamed", "A field has another name in the code.", _one("no", "no", "no", "rename_field")
    ),
    _state(
        13,
        "alias-changed",
        "A field kept its name in the code and is written under another key.",
        _one("no", "no", "no", "rename_field"),
    ),
    _state(14, "field-moved", "A field now lives in another object.", _one("no", "no", "no", "move_field")),
    _state(
        15,
        "name-used-again",
        "A removed name comes back with another type while old values may still exist.",
        _one("?", "no", "no"),
        waiver="taking the name away again is an ordinary removal (S07)",
    ),
    _state(
        16,
        "extra-allowed",
        "The reader stops refusing unknown keys.",
        {"": Case("ok", "ok", "ok"), "kept": Case("ok", "?", "ok")},
        17,
        18,
    ),
    _state(
        17,
        "extra-forbidden",
        "The reader starts refusing unknown keys; the old writer wrote none.",
        _one("ok", "ok", "ok"),
        16,
    ),
    _state(
        18,
        "extra-dropped",
        "Unknown keys were kept and are now dropped or refused.",
        {"": Case("?", "ok", "no", "remove_field"), "ignored": Case("ok", "ok", "no", "remove_field")},
        16,
    ),
    _state(19, "map-values", "What changed lies in a map's values: see the path `a{}`.", {}),
    _state(
        20,
        "map-keys",
        "The keys of a map follow another pattern.",
        {
            "relaxed": Case("ok", "?", "ok"),
            "tightened": Case("?", "ok", "ok", "rename_keys"),
        },
    ),
    _state(
        21,
        "map-size",
        "A map may hold more or fewer entries.",
        _either("relaxed", "tightened", "constrain"),
    ),
    _state(
        22,
        "type-widened",
        "A value may have further types.",
        {"": Case("ok", "?", "ok"), "overlapping": Case("ok", "?", "?")},
        23,
    ),
    _state(23, "type-narrowed", "A value may have fewer types.", _one("?", "ok", "ok", "remove_variant"), 22),
    _state(24, "null-allowed", "A value may now be null.", _one("ok", "?", "ok", "make_nullable"), 25),
    _state(25, "null-forbidden", "A value may no longer be null.", _one("?", "ok", "ok", "drop_null"), 24),
    _state(26, "integer-to-number", "An integer became a float.", _one("ok", "?", "?"), 27),
    _state(27, "number-to-integer", "A float became an integer.", _one("?", "ok", "ok", "convert"), 26),
    _state(28, "type-changed", "A value has another type.", _one("no", "no", "ok", "convert")),
    _state(
        29,
        "cardinality-changed",
        "One value became a list, or a list became one value.",
        {"wrapped": Case("no", "no", "ok", "wrap"), "unwrapped": Case("no", "no", "ok", "unwrap")},
    ),
    _state(
        30,
        "nesting-changed",
        "A value became an object that holds it, or the reverse.",
        {"nested": Case("no", "no", "ok", "nest"), "flattened": Case("no", "no", "ok", "flatten")},
    ),
    _state(31, "enum-value-added", "A value was added to an enum.", _one("ok", "?", "ok"), 32),
    _state(
        32,
        "enum-value-removed",
        "A value was removed from an enum.",
        _one("?", "ok", "ok", "map_values"),
        31,
    ),
    _state(
        33, "enum-value-renamed", "A value of an enum has another name.", _one("?", "?", "ok", "map_values")
    ),
    _state(34, "type-to-enum", "A free value became one of a few.", _one("?", "ok", "ok", "constrain"), 35),
    _state(35, "enum-to-type", "One of a few values became free.", _one("ok", "?", "ok"), 34),
    _state(36, "const-changed", "A constant has another value.", _one("no", "no", "ok", "map_values")),
    _state(37, "bound-relaxed", "A number's bound was removed or relaxed.", _one("ok", "?", "ok"), 38),
    _state(
        38,
        "bound-tightened",
        "A number's bound was added or tightened.",
        _one("?", "ok", "ok", "constrain"),
        37,
    ),
    _state(
        39,
        "multiple-of",
        "A number must be a multiple of something else.",
        {**_either("relaxed", "tightened"), "changed": Case("?", "?", "ok")},
    ),
    _state(
        40,
        "text-length",
        "A text may be longer or must be shorter.",
        _either("relaxed", "tightened", "constrain"),
    ),
    _state(
        41,
        "pattern",
        "A text must match another pattern.",
        {**_either("relaxed", "tightened"), "changed": Case("?", "?", "ok")},
    ),
    _state(
        42,
        "format",
        "A text follows another format.",
        {
            "relaxed": Case("ok", "?", "ok"),
            "tightened": Case("?", "ok", "?", "convert"),
            "changed": Case("no", "no", "ok"),
            "resolution": Case("?", "?", "no", "convert"),
        },
    ),
    _state(43, "encoding", "Bytes are written in another encoding.", _one("no", "no", "ok")),
    _state(44, "list-items", "What changed lies in a list's items: see the path `a[]`.", {}),
    _state(
        45,
        "list-length",
        "A list may be longer or must be shorter.",
        _either("relaxed", "tightened", "constrain"),
    ),
    _state(
        46,
        "unique-items",
        "A list became a set, or a set a list.",
        {"relaxed": Case("ok", "?", "ok", "to_list"), "tightened": Case("?", "ok", "no", "to_set")},
    ),
    _state(
        47,
        "tuple-slots",
        "A slot of a tuple was added, removed or moved.",
        {
            "added": Case("no", "no", "ok", "tuple_add"),
            "removed": Case("no", "no", "no", "tuple_remove"),
            "reordered": Case("no", "no", "ok", "tuple_reorder"),
        },
    ),
    _state(
        48,
        "tuple-to-list",
        "A tuple became a list whose items accept every slot.",
        _one("ok", "?", "ok"),
        waiver="a list becomes a tuple by adding slots and dropping the rest (S47)",
    ),
    _state(
        49,
        "union-member",
        "A union without a tag gained or lost a member.",
        {
            "added": Case("ok", "?", "ok"),
            "overlapping": Case("ok", "?", "?"),
            "removed": Case("?", "ok", "ok", "remove_variant"),
        },
    ),
    _state(
        50,
        "union-reordered",
        "The members of an untagged union are asked in another order, and a value may be taken for another one of them.",
        _one("ok", "ok", "no"),
    ),
    _state(
        51,
        "variant",
        "A tagged union gained or lost a variant.",
        {"added": Case("ok", "?", "ok", "add_variant"), "removed": Case("?", "ok", "ok", "remove_variant")},
    ),
    _state(
        52,
        "variant-renamed",
        "A variant's tag value, or the key that holds the tag, has another name.",
        {
            "value": Case("no", "no", "ok", "rename_variant"),
            "key": Case("no", "no", "ok", "rename_tag"),
        },
    ),
    _state(
        53,
        "union-tagged",
        "A union is now told apart by a tag.",
        {"tag written": Case("ok", "ok", "ok"), "tag absent": Case("?", "ok", "ok", "tag_union")},
        54,
    ),
    _state(
        54,
        "union-untagged",
        "A union is no longer told apart by a tag.",
        {"tag written": Case("ok", "ok", "ok"), "tag absent": Case("ok", "?", "ok")},
        53,
    ),
    _state(
        55,
        "variants-introduced",
        "One model became a tagged union that contains it.",
        {"tag written": Case("ok", "?", "ok"), "tag absent": Case("no", "?", "ok", "tag_union")},
        waiver=_ONE_WAY,
    ),
    _state(56, "definition", "What changed lies in a shared or recursive definition: see `<Node>`.", {}),
    _flow(
        1, "prompt-changed", "Prompt text, model name or sampling settings.", _prompt(), 1, 2, category="CODE"
    ),
    _flow(
        2,
        "prompt-variable-added",
        "A prompt uses a variable that it did not use before.",
        {"known": Case("ok", "?", "ok"), "unknown": Case("no", "?", "ok", "add_field")},
        1,
    ),
    _flow(3, "step-added", "A step was added.", _one("?", "no", "ok", "add_step"), 4),
    _flow(
        4,
        "step-removed",
        "A step was removed or has another name.",
        {"removed": Case("?", "no", "no", "remove_step"), "renamed": Case("no", "no", "ok", "rename_step")},
        3,
        4,
    ),
    _flow(
        5,
        "edge-changed",
        "Steps follow each other in another way.",
        {"edges": Case("?", "?", "ok"), "order": Case("?", "?", "ok", "reorder_steps")},
    ),
    _flow(
        6,
        "pending-contract-changed",
        "What a pending call or approval was asked with has another shape.",
        _one("?", "?", "ok", "requeue"),
    ),
    _flow(
        7,
        "join-changed",
        "A branch was added to or removed from a join.",
        _one("?", "?", "ok", "change_join"),
    ),
    _flow(
        8,
        "interrupt-changed",
        "A question to a person was inserted, removed or moved within a step.",
        _one("?", "?", "no", "map_waiting"),
    ),
    _flow(9, "sub-workflow", "What changed lies in a sub-workflow: see the path of its step.", {}),
    _flow(
        10,
        "tool-changed",
        "A tool was added, removed, renamed or has other arguments; no call is outstanding.",
        _prompt(),
        category="CODE",
    ),
    _flow(
        11,
        "step-kind-changed",
        "An automatic step became a person's, or the reverse.",
        _one("?", "?", "ok", "requeue"),
    ),
    _flow(
        12,
        "persisted-class-renamed",
        "A class whose name the runtime stores was moved or renamed.",
        _one("no", "no", "ok", "rename_type"),
    ),
    _flow(13, "reducer-changed", "Writes to a channel are combined in another way.", _one("ok", "?", "ok")),
    _flow(
        14,
        "access-changed",
        "A step declares other reads or writes.",
        _prompt(),
        category="CODE",
    ),
)

RULES: Final[Mapping[str, Rule]] = {rule.id: rule for rule in _TABLE}


def worst(classes: list[ChangeClass]) -> ChangeClass:
    """The class of a set of changes: as bad as its worst part."""
    return max(classes, key=CLASSES.index, default="none")
