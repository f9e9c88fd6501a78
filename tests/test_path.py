"""The grammar of paths: what is written is read back, and what does not fit says where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig.errors import PathError
from statemig.path import Definition, Items, Key, Path, Slot, Values, Variant

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["a", "x-1", "$ref", "odd key", ""]
)
TAGS = st.builds(
    Variant,
    st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    NAMES | st.integers() | st.booleans() | st.sampled_from(["true", "false", "12", "null", "a.b/c:d"]),
)
INNER = st.lists(
    st.builds(Key, NAMES)
    | st.just(Items())
    | st.just(Values())
    | st.builds(Slot, st.integers(-3, 30))
    | TAGS,
    max_size=5,
)
FIRST = st.builds(Key, NAMES) | st.builds(Definition, NAMES.filter(bool)) | TAGS
PATHS = st.builds(lambda first, rest: Path((first, *rest)), FIRST, INNER)


@given(PATHS)
def test_what_is_written_is_read_back(path: Path) -> None:
    assert Path.parse(str(path)) == path


@given(st.text('abc.[]{}<>="\\-019 \n', max_size=12))
def test_any_text_is_a_path_or_a_path_error(text: str) -> None:
    try:
        path = Path.parse(text)
    except PathError as error:
        message = str(error)
    else:
        assert Path.parse(str(path)) == path
        return
    assert "position" in message


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("state.a.b", (Key("state"), Key("a"), Key("b"))),
        ("state.items[].name", (Key("state"), Key("items"), Items(), Key("name"))),
        ("outputs{}.text", (Key("outputs"), Values(), Key("text"))),
        ("state.pair[0]", (Key("state"), Key("pair"), Slot(0))),
        ("state.pair[-1]", (Key("state"), Key("pair"), Slot(-1))),
        ("state.t<kind=search>.q", (Key("state"), Key("t"), Variant(("kind",), "search"), Key("q"))),
        ("state.t<kind=2>", (Key("state"), Key("t"), Variant(("kind",), 2))),
        ("state.t<on=true>", (Key("state"), Key("t"), Variant(("on",), True))),
        ('state.t<on="true">', (Key("state"), Key("t"), Variant(("on",), "true"))),
        ("a[]<raw_item.type=call>", (Key("a"), Items(), Variant(("raw_item", "type"), "call"))),
        ("<Node>.label", (Definition("Node"), Key("label"))),
        ("<Box[int]>.label", (Definition("Box[int]"), Key("label"))),
        ('state."odd key"', (Key("state"), Key("odd key"))),
        ('outputs."inner.ask".text', (Key("outputs"), Key("inner.ask"), Key("text"))),
        ("state.grid[][]", (Key("state"), Key("grid"), Items(), Items())),
        ("state.x-1.$ref", (Key("state"), Key("x-1"), Key("$ref"))),
    ],
)
def test_grammar(text: str, segments: tuple[object, ...]) -> None:
    path = Path.parse(text)
    assert path.segments == segments
    assert str(path) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a path at position 0, found the end"),
        ("state.", "expected a key at position 6, found the end"),
        ("state..a", "expected a key at position 6, found '.'"),
        ("state.odd key", "expected '.', '[', '{' or '<' at position 9, found ' '"),
        ("state.a[", "expected ']' at position 8, found the end"),
        ("state.a[01]", "expected ']' at position 9, found '1'"),
        ("state.a{x}", "expected '}' at position 8, found 'x'"),
        ("state.a<kind>", "expected '=' at position 12, found '>'"),
        ("state.a<kind=>", "expected the value of a tag at position 13, found '>'"),
        ("state.a<kind=007>", "expected '>' at position 14, found '0'"),
        ("state.<Node>", "expected a key at position 6, found '<'"),
        (r'state."\q"', "expected a quoted name, with the escapes of JSON at position 6, found '\"'"),
    ],
)
def test_what_does_not_fit_says_where_and_how_paths_look(text: str, message: str) -> None:
    with pytest.raises(PathError) as raised:
        Path.parse(text)
    assert message in str(raised.value)
    assert "Paths look like state.messages[].content" in str(raised.value)


def test_the_name_at_the_end() -> None:
    assert Path.parse('state.a[]."odd key"').key == "odd key"
    with pytest.raises(PathError, match=r"state.a\[\] does not end in the name of a field"):
        _ = Path.parse("state.a[]").key
