"""When two schemas mean the same: a canonical form, and its hash.

A schema is a graph: shapes are nodes, references are edges back. Two nodes mean the same when nothing that
can be seen from them differs (bisimulation), which partition refinement decides: start with what each node
says by itself, split by what its children are until nothing splits. Numbering the classes from the root,
children in the order of what they mean, gives a form in which names of definitions and classes, order, and
whether something was written out or referred to are gone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, assert_never

from statemig import json_text
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Number,
    Object,
    Ref,
    Scalar,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)

JSON = Any


def canonical(schema: Schema) -> JSON:
    """A JSON value that is equal exactly for schemas that mean the same; defaults, requiredness and extras
    count.

    A list of ``[label, children]``, the root first; numbers in labels are text.
    """
    graph = _Graph(schema)
    root = graph.whole(schema.root)
    colours = graph.refined(root)
    numbers: dict[str, int] = {}
    order: list[int] = []

    def number(node: int) -> int:
        colour = colours[node]
        if colour not in numbers:
            numbers[colour] = len(order)
            order.append(node)
        return numbers[colour]

    number(root)
    out: list[JSON] = []
    for node in order:  # grows while it is read
        at = graph.nodes[node]
        children = [[mark, number(child)] for mark, child in _sorted(at, colours)]
        out.append([at.label, children])
    return out


def digest(schema: Schema) -> str:
    """Hash of :func:`canonical`: the same in every process, on every Python and for every pydantic that says the same."""
    return json_text.digest(canonical(schema))


@dataclass(slots=True)
class _Node:
    label: JSON
    edges: list[tuple[str, int]] = field(default_factory=list)
    # A union's members have no order and say nothing twice.
    is_set: bool = False


class _Graph:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.nodes: list[_Node] = []
        self.references: dict[str, int] = {}
        # A member of a recursive union is met again wherever the union is poured into another.
        self.known: dict[int, tuple[int, Shape]] = {}
        self.same: dict[int, int] = {}  # a union of one member is that member

    def whole(self, shape: Shape) -> int:
        """Adds the root; returns its node, which may be another one's."""
        root = self.add(shape)
        for node in self.nodes:
            node.edges = [(mark, self.followed(child)) for mark, child in node.edges]
        return self.followed(root)

    def followed(self, number: int) -> int:
        for _ in self.same:
            number = self.same.get(number, number)
        return number

    def add(self, shape: Shape) -> int:
        if isinstance(shape, Ref):
            return self.referred(shape.name)
        if id(shape) not in self.known:
            number = self.new()
            # The shape is kept with its node: an id means something only while its object lives.
            self.known[id(shape)] = (number, shape)
            self.fill(number, shape)
        return self.known[id(shape)][0]

    def new(self) -> int:
        self.nodes.append(_Node(["never"]))
        return len(self.nodes) - 1

    def referred(self, name: str) -> int:
        if name not in self.references:
            self.references[name] = number = self.new()
            self.fill(number, self.schema.resolve(Ref(name)))
        return self.references[name]

    def fill(self, number: int, shape: Shape) -> int:
        node = self.nodes[number]
        match shape:
            case Anything(opaque):
                node.label = ["anything", opaque]
            case Never():
                node.label = ["never"]
            case Null():
                node.label = ["null"]
            case Boolean():
                node.label = ["boolean"]
            case Integer(low, high, multiple):
                node.label = ["integer", _text(low), _text(high), _text(multiple)]
            case Number(low, high, open_low, open_high, multiple):
                node.label = ["number", _text(low), _text(high), open_low, open_high, _text(multiple)]
            case String(form, pattern, low, high, encoding):
                node.label = ["string", form, pattern, _text(low or None), _text(high), encoding]
            case ListOf(items, low, high, unique):
                node.label = ["list", _text(low or None), _text(high), unique]
                node.edges = [("", self.add(items))]
            case TupleOf(slots, rest):
                node.label = ["tuple", str(len(slots)), rest is not None]
                node.edges = [("", self.add(slot)) for slot in (*slots, *([] if rest is None else [rest]))]
            case MapOf(values, keys, low, high):
                node.label = ["map", _text(low or None), _text(high)]
                node.edges = [("keys", self.add(keys)), ("values", self.add(values))]
            case Object():
                self.fill_object(node, shape)
            case Enum() | Union():
                self.fill_union(number, shape)
            case Ref(name):
                return self.referred(name)
            case _:
                assert_never(shape)
        return number

    def fill_object(self, node: _Node, shape: Object) -> None:
        said = []
        for key in sorted(shape.properties):
            each = shape.properties[key]
            default = None if each.default is MISSING else json_text.canonical(each.default).decode()
            said.append([key, each.required, default])
            node.edges.append((key, self.add(each.shape)))
        node.label = ["object", said, shape.extra if isinstance(shape.extra, str) else "extra"]
        if not isinstance(shape.extra, str):
            node.edges.append(("", self.add(shape.extra)))

    def fill_union(self, number: int, shape: Enum | Union) -> None:
        node = self.nodes[number]
        if isinstance(shape, Union) and (tried := self.in_order(shape)) is not None:
            members, nullable = tried
            node.label = ["union in order", str(len(members)), nullable]
            node.edges = [("", self.add(member)) for member in members]
            return
        values: set[str] = set()
        others: list[tuple[str, Shape]] = []
        self.pour(shape, values, others, set())
        if "null" in values:
            values.discard("null")
            others.append(("", Null()))
        if values == {"false", "true"}:
            values.clear()
            others.append(("", Boolean()))
        if len(others) == 1 and not values and others[0][0] == "":
            self.same[number] = self.add(others[0][1])
            return
        if not others:
            node.label = ["enum", sorted(values)] if values else ["never"]
            return
        node.label, node.is_set = ["union"], True
        if values:
            self.nodes.append(_Node(["enum", sorted(values)]))
            node.edges.append(("", len(self.nodes) - 1))
        node.edges += [(mark, self.add(other)) for mark, other in others]

    def in_order(self, shape: Union) -> tuple[list[Shape], bool] | None:
        """The members of a union that is tried from left to right, and whether null is one besides: that has no place among them."""
        told: list[Shape] = [member for member in shape.members if not isinstance(member, Null)]
        nullable = len(told) < len(shape.members)
        if shape.in_order:
            return told, nullable
        inside = self.schema.resolve(told[0]) if len(told) == 1 and shape.tag is None else None
        if not isinstance(inside, Union) or not inside.in_order:
            return None
        members, also = self.in_order(inside) or ([], False)
        return members, nullable or also

    def pour(self, shape: Shape, values: set[str], others: list[tuple[str, Shape]], seen: set[str]) -> None:
        """The members of a union and of unions in it, referred to or not; enums are one enum."""
        inside = self.schema.resolve(shape)
        if isinstance(inside, Enum):
            values.update(_scalar(value) for value in inside.values)
        elif isinstance(inside, Union) and not inside.in_order:
            if isinstance(shape, Ref):
                if shape.name in seen:
                    return
                seen = {*seen, shape.name}
            for at, member in enumerate(inside.members):
                tag = inside.tag
                own = [_scalar(value) for value, index in tag.mapping.items() if index == at] if tag else []
                if tag is not None and own:
                    mark = json_text.canonical([tag.key, sorted(own)]).decode()
                    others.append((mark, member))
                else:
                    self.pour(member, values, others, seen)
        elif not isinstance(inside, Never):
            others.append(("", shape))

    def refined(self, root: int) -> list[str]:
        """The colour of each node: equal for nodes that mean the same. Only what the root reaches decides
        when to stop, so that the number of rounds is itself a matter of meaning."""
        reached = self.reached(root)
        colours = [""] * len(self.nodes)
        for node in reached:
            colours[node] = _hash([self.nodes[node].label, self.nodes[node].is_set])
        classes = len({colours[node] for node in reached})
        while True:
            finer = list(colours)
            for node in reached:
                edges = [[mark, colours[child]] for mark, child in _sorted(self.nodes[node], colours)]
                finer[node] = _hash([colours[node], edges])
            colours = finer
            count = len({colours[node] for node in reached})
            if count == classes:
                return colours
            classes = count

    def reached(self, root: int) -> list[int]:
        seen = {root: None}
        for node in (todo := [root]):
            for _, child in self.nodes[node].edges:
                if child not in seen:
                    seen[child] = None
                    todo.append(child)
        return list(seen)


def _sorted(node: _Node, colours: list[str]) -> list[tuple[str, int]]:
    if not node.is_set:
        return node.edges
    once = {(mark, colours[child]): (mark, child) for mark, child in node.edges}
    return [once[key] for key in sorted(once)]


def _text(value: float | int | None) -> str | None:
    """1 and 1.0 bound alike."""
    if value is None:
        return None
    return str(int(value)) if value == int(value) else repr(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return json_text.canonical(value).decode()


def _hash(value: JSON) -> str:
    return hashlib.blake2b(json_text.canonical(value), digest_size=16).hexdigest()
