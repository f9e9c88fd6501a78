"""What capture sees in a type that pydantic's JSON Schema loses."""

from __future__ import annotations

import dataclasses
import math
import typing
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
import typing_extensions
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    computed_field,
    create_model,
    field_serializer,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.json_schema import SkipJsonSchema

from statemig.errors import CaptureError
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Integer,
    ListOf,
    MapOf,
    Null,
    Number,
    Object,
    Property,
    Ref,
    Schema,
    String,
    Tag,
    Union,
)
from statemig.shapes.shape import (
    Enum as EnumShape,
)
from statemig.workflow import DumpProfile, Step, Was, Workflow
from statemig.workflow.capture import capture
from statemig.workflow.run_shape import outputs_of, state_of
from statemig.workflow.snapshot import Snapshot


def record(schema: Schema) -> Object:
    found = schema.resolve(schema.root)
    assert isinstance(found, Object)
    return found


def of(model: Any, **profile: Any) -> tuple[Object, Object]:
    """The state as written and as read."""
    snapshot = capture(Workflow("w", state=model, profile=DumpProfile(**profile)))
    return record(state_of(snapshot.writes)), record(state_of(snapshot.reads))


class Plain(BaseModel):
    a: int
    b: str = "x"


class PlainDict(typing_extensions.TypedDict):
    a: int
    b: typing_extensions.NotRequired[str]


class TypingDict(typing.TypedDict, total=False):
    a: int


@dataclasses.dataclass
class PlainDataclass:
    a: int
    b: str = "x"


@pydantic_dataclass
class PydanticDataclass:
    a: int
    b: str = "x"


@pytest.mark.parametrize("model", [Plain, PlainDataclass, PydanticDataclass])
def test_a_full_dump_contains_defaulted_fields_that_a_reader_does_not_need(model: Any) -> None:
    writes, reads = of(model)
    assert writes.properties["b"].required
    assert not reads.properties["b"].required
    assert reads.properties["b"].default == "x"


def test_typed_dicts_say_which_keys_may_be_missing() -> None:
    for shape in of(PlainDict):
        assert [each.required for each in shape.properties.values()] == [True, False]
    for shape in of(TypingDict):
        assert not shape.properties["a"].required


class OldStyle(typing.TypedDict, total=False):
    inner: OldStyle
    shared: PlainDict
    many: dict[str, list[OldStyle] | None]


def test_typed_dicts_of_typing_are_taken_wherever_typed_dicts_are() -> None:
    class State(typing_extensions.TypedDict):
        old: OldStyle
        shared: PlainDict

    reads = capture(State).reads
    assert sorted(reads.definitions) == ["OldStyle", "PlainDict", "State"]
    old = record(Schema(Ref("OldStyle"), reads.definitions))
    assert old.properties["inner"] == Property(Ref("OldStyle"), required=False)
    assert old.properties["many"].shape == MapOf(Union((ListOf(Ref("OldStyle")), Null())))


class Money(BaseModel):
    amount: Decimal
    by_number: dict[int, str]
    by_amount: dict[Decimal, str]


def test_a_decimal_is_written_as_text_and_read_from_numbers_too() -> None:
    writes, reads = of(Money)
    assert writes.properties["amount"].shape == String(format="decimal")
    assert reads.properties["amount"].shape == Union((Number(), String(format="decimal")))


def test_the_keys_of_a_map_keep_their_type() -> None:
    for shape in of(Money):
        assert shape.properties["by_number"].shape == MapOf(String(), String(format="integer"))
        assert shape.properties["by_amount"].shape == MapOf(String(), String(format="decimal"))


class Aliased(BaseModel):
    user: str = Field(validation_alias=AliasChoices("login", "userName"), serialization_alias="userName")
    camel: int = Field(alias="camelCase")


def test_the_written_key_is_the_property_and_other_accepted_keys_are_aliases() -> None:
    writes, reads = of(Aliased)
    assert list(writes.properties) == list(reads.properties) == ["userName", "camelCase"]
    assert reads.properties["userName"].aliases == ("login",)
    assert reads.properties["userName"].python_name == "user"
    assert reads.properties["camelCase"].python_name == "camel"


def test_a_dump_by_name_of_a_model_that_reads_aliases_only_does_not_fit() -> None:
    writes, reads = of(Aliased, by_alias=False)
    assert list(writes.properties) == ["user", "camel"]
    assert list(reads.properties) == ["login", "camelCase"]


class Populated(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    camel: int = Field(alias="camelCase")


def test_a_model_populated_by_name_reads_what_either_profile_writes() -> None:
    writes, reads = of(Populated, by_alias=False)
    assert list(writes.properties) == list(reads.properties) == ["camel"]
    assert reads.properties["camel"].aliases == ("camelCase",)
    assert of(Populated)[1].properties["camelCase"].aliases == ("camel",)


class Deep(BaseModel):
    name: str = Field(validation_alias=AliasPath("user", "name"))


def test_a_field_read_from_inside_another_key_is_not_read_from_its_own() -> None:
    writes, reads = of(Deep)
    assert list(writes.properties) == ["name"]
    assert reads.properties == {"user": Property(Anything(), required=False)}


class Inner(BaseModel):
    a: int


class Renamed(BaseModel):
    a: Annotated[str, Was("old", "older")]
    b: Annotated[Inner, Was("old_b")] = Field(description="inner")
    c: Annotated[int | None, Was("old_c")] = None
    d: Annotated[int, Was("old_d"), PlainSerializer(str, return_type=str)] = Field(alias="dd")
    e: list[Annotated[int, Was("nonsense")]]


@dataclasses.dataclass
class RenamedDataclass:
    a: Annotated[str, Was("old")]


class RenamedDict(typing_extensions.TypedDict):
    a: typing_extensions.NotRequired[Annotated[str, Was("old")]]


def test_was_is_kept_as_an_alias_on_every_kind_of_field() -> None:
    for shape in of(Renamed):
        aliases = {key: each.aliases for key, each in shape.properties.items()}
        assert aliases == {"a": ("old", "older"), "b": ("old_b",), "c": ("old_c",), "dd": ("old_d",), "e": ()}
    assert of(RenamedDataclass)[1].properties["a"].aliases == ("old",)
    assert of(RenamedDict)[1].properties["a"].aliases == ("old",)


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Moody(BaseModel):
    mood: Mood = Mood.GOOD
    by_mood: dict[Mood, int] = {}


def test_members_of_an_enum_keep_their_names() -> None:
    for shape in of(Moody):
        mood = shape.properties["mood"].shape
        assert isinstance(mood, EnumShape)
        assert (mood.values, mood.names) == (("good", "bad"), ("GOOD", "BAD"))
        assert shape.properties["by_mood"].shape == MapOf(Integer(), mood)


class Cat(BaseModel):
    kind: Literal["cat"] = Field(default="cat", alias="type")


class Dog(BaseModel):
    kind: Literal["dog"] = Field(default="dog", alias="type")


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize(("by_alias", "key"), [(True, "type"), (False, "kind")])
def test_the_discriminator_is_the_key_that_is_written(by_alias: bool, key: str) -> None:
    writes, _ = of(Owner, by_alias=by_alias)
    pet = writes.properties["pet"].shape
    assert isinstance(pet, Union)
    assert pet.tag == Tag(key, {"cat": 0, "dog": 1})


class Loose:
    pass


class Handles(typing_extensions.TypedDict):
    handle: Loose
    call: typing.Callable[[int], int]


def test_an_arbitrary_type_is_opaque_by_module_and_name() -> None:
    for shape in of(Handles):
        assert shape.properties["handle"].shape == Anything(f"{__name__}.Loose")
        assert shape.properties["call"].shape == Anything("collections.abc.Callable")


def test_a_third_party_class_is_opaque_unless_its_package_is_the_authors(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "vendor_messages"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from pydantic import BaseModel, Field, model_serializer\n"
        "from typing import Annotated, Literal\n"
        "from typing_extensions import TypedDict\n"
        "class Message(BaseModel):\n"
        "    text: str\n"
        "    @model_serializer(mode='wrap')\n"
        "    def _dump(self, handler): return handler(self)\n"
        "class Chunk(TypedDict):\n    text: str\n"
        "class Call(BaseModel):\n    type: Literal['call']\n"
        "class Result(BaseModel):\n    type: Literal['result']\n"
        "Event = Annotated[Call | Result, Field(discriminator='type')]\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    import vendor_messages  # type: ignore[import-not-found]

    namespace: dict[str, Any] = {
        "messages": list[vendor_messages.Message],
        "last": vendor_messages.Message,
        "chunk": vendor_messages.Chunk,
        "event": vendor_messages.Event,
    }
    state = typing_extensions.TypedDict("state", namespace)  # type: ignore[operator]
    state.__module__ = __name__
    message = Anything("vendor_messages.Message")
    for shape in of(state):
        assert shape.properties["last"].shape == message
        assert shape.properties["messages"].shape == ListOf(message)
        assert shape.properties["chunk"].shape == Anything("vendor_messages.Chunk")
        # A union with a discriminator grows with the package's releases.
        assert shape.properties["event"].shape == Anything("vendor_messages")
    own = capture(Workflow("w", state=state, packages=["vendor_messages"]))
    assert "text" in record(Schema(Ref("Message"), own.reads.definitions)).properties
    assert record(state_of(capture(vendor_messages.Message).reads)).properties.keys() == {"text"}


class Computed(BaseModel):
    a: int = 1
    hidden: int = Field(default=2, exclude=True)

    @computed_field(alias="Area")  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return 1


def test_computed_fields_are_written_and_not_read_and_excluded_ones_the_other_way_round() -> None:
    writes, reads = of(Computed)
    assert list(writes.properties) == ["a", "Area"]
    assert writes.properties["Area"].required
    assert list(reads.properties) == ["a", "hidden"]


class Nullable(BaseModel):
    a: int | None
    b: int | None = 3
    c: int = 4
    d: Any
    e: None = None
    f: float
    g: dict[str, int | None]
    h: Literal["x", None] = None


def test_exclude_none_makes_nullable_keys_optional_and_never_null() -> None:
    writes, reads = of(Nullable, exclude_none=True)
    required = {key for key, each in writes.properties.items() if each.required}
    assert required == {"c", "f", "g"}
    assert writes.properties["a"].shape == Integer()
    assert writes.properties["h"].shape == EnumShape(("x",))
    assert reads.properties["a"] == Property(Union((Integer(), Null())))


def test_exclude_none_leaves_nulls_in_maps_and_of_nan() -> None:
    writes, _ = of(Nullable, exclude_none=True)
    assert writes.properties["g"].shape == MapOf(Union((Integer(), Null())))
    assert writes.properties["f"].shape == Union((Number(), Null()))
    dump = Nullable(a=None, d=None, f=math.nan, g={"x": None}).model_dump_json(exclude_none=True)
    assert dump == '{"b":3,"c":4,"f":null,"g":{"x":null}}'


@pytest.mark.parametrize("profile", ["exclude_defaults", "exclude_unset"])
def test_excluding_defaults_makes_defaulted_keys_optional(profile: str) -> None:
    writes, _ = of(Plain, **{profile: True})
    assert [each.required for each in writes.properties.values()] == [True, False]


def test_exclude_unset_does_nothing_to_a_dataclass() -> None:
    writes, _ = of(PlainDataclass, exclude_unset=True)
    assert writes.properties["b"].required


class Floats(BaseModel):
    plain: float
    finite: float = Field(allow_inf_nan=False)


class FloatsAsText(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")
    plain: float


def test_nan_is_written_as_null_and_not_read() -> None:
    writes, reads = of(Floats)
    assert writes.properties["plain"].shape == Union((Number(), Null()))
    assert writes.properties["finite"].shape == Number()
    assert reads.properties["plain"].shape == Number()
    assert of(Floats, mode="python")[0].properties["plain"].shape == Number()


def test_nan_as_text_is_what_the_model_says() -> None:
    writes, _ = of(FloatsAsText)
    assert writes.properties["plain"].shape == Union((Number(), EnumShape(("NaN", "Infinity", "-Infinity"))))


class Defaults(BaseModel):
    items: list[int] = Field(default_factory=list)
    made: list[int] = Field(default_factory=lambda: [1])
    unique: set[str] = {"b", "a"}
    secret: SecretStr = SecretStr("hush")
    nan: float = math.nan


def test_defaults_are_json_where_they_are_known_without_running_code() -> None:
    _, reads = of(Defaults)
    defaults = {key: each.default for key, each in reads.properties.items()}
    assert defaults == {
        "items": [],
        "made": MISSING,
        "unique": ["a", "b"],
        "secret": MISSING,
        "nan": MISSING,
    }
    assert not any(each.required for each in reads.properties.values())


class Skipped(BaseModel):
    a: str | SkipJsonSchema[None] = None
    b: SkipJsonSchema[int] = 3


def test_what_is_hidden_from_api_documentation_is_stored_all_the_same() -> None:
    for shape in of(Skipped):
        assert shape.properties["a"].shape == Union((String(), Null()))
        assert shape.properties["b"].shape == Integer()


class Serialized(BaseModel):
    told: int
    untold: int

    @field_serializer("told")
    def _told(self, value: int) -> str:
        return str(value)

    @field_serializer("untold")
    def _untold(self, value):  # type: ignore[no-untyped-def]
        return value


def test_a_serializer_that_does_not_say_what_it_returns_may_write_anything() -> None:
    writes, _ = of(Serialized)
    assert writes.properties["told"].shape == String()
    assert writes.properties["untold"].shape == Anything()


class OddNames(BaseModel):
    enum: Annotated[Inner, Was("const")] = Field(description="beside a reference")
    default: Annotated[Inner, Was("was_default")] = Field(description="beside a reference")
    properties: int = 1


def test_fields_may_be_called_like_keywords_of_json_schema() -> None:
    for shape in of(OddNames):
        assert list(shape.properties) == ["enum", "default", "properties"]
        assert shape.properties["enum"].shape == shape.properties["default"].shape == Ref("Inner")


def test_a_class_used_in_several_places_has_one_definition() -> None:
    class State(BaseModel):
        inner: Inner

    snapshot = capture(
        Workflow("w", state=State, steps=[Step("a", output=Inner), Step("b", output=list[Inner])])
    )
    assert sorted(snapshot.reads.definitions) == ["Inner", "State"]
    assert outputs_of(snapshot.reads)["a"].root == Ref("Inner")


def test_different_classes_of_one_name_have_different_definitions() -> None:
    def make(field: str) -> Any:
        made = create_model("Inner", **{field: (str, ...)})  # type: ignore[call-overload]
        made.__module__ = __name__
        return made

    first, second = (
        capture(
            Workflow(
                "w", state=Inner, steps=[Step("a", output=make("other")), Step("b", output=make("third"))]
            )
        )
        for _ in range(2)
    )
    assert len(first.reads.definitions) == 3
    assert first.reads == second.reads
    assert record(outputs_of(first.reads)["a"]).properties.keys() == {"other"}
    assert record(state_of(first.reads)).properties.keys() == {"a"}


# -- problems --------------------------------------------------------------------------------------------------------------


class Unbuilt(BaseModel):
    other: NotThere  # type: ignore[name-defined]  # noqa: F821


def test_every_problem_is_told_with_its_step() -> None:
    def nameless() -> None: ...

    with pytest.raises(CaptureError) as caught:
        capture(
            Workflow(
                "triage",
                state=Plain,
                steps=[
                    Step("a", output=Unbuilt, prompt=lambda: "x"),
                    Step("b", tools=[3, {"description": "no name"}, lambda: 1]),
                    Step("c", prompt=object()),
                ],
            )
        )
    text = str(caught.value)
    assert text.startswith("workflow triage: 6 problems:")
    assert "step 'a': output: " in text
    assert "NotThere" in text
    assert "step 'a': prompt must be text or an object with a .template" in text
    assert "step 'b': tools: a tool must be a function" in text
    assert "step 'b': tools: a tool that is a dict needs a 'name'" in text
    assert "step 'b': tools: a function as a tool needs a name, not <lambda>" in text
    assert "step 'c': prompt must be text" in text


@pytest.mark.parametrize("path", ["state.a", "state.b", "outputs.draft.a", "outputs.draft"])
def test_declared_paths_that_exist_pass(path: str) -> None:
    capture(Workflow("w", state=Plain, steps=[Step("draft", output=Plain, reads=[path])]))


@pytest.mark.parametrize("path", ["state.c", "state.a[]", "outputs.send.a"])
def test_declared_paths_that_are_nowhere_are_refused(path: str) -> None:
    with pytest.raises(CaptureError) as caught:
        capture(Workflow("w", state=Plain, steps=[Step("draft", output=Plain, writes=[path])]))
    assert (
        str(caught.value) == f"workflow w: step 'draft': writes: there is no {path} in the state or outputs"
    )


def test_one_tool_with_two_meanings_is_refused() -> None:
    tools = [{"name": "t", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}]
    others = [{"name": "t", "parameters": {"type": "object", "properties": {"b": {"type": "string"}}}}]
    with pytest.raises(CaptureError, match="step 'b': tools: 't' has other arguments than in step 'a'"):
        capture(Workflow("w", steps=[Step("a", tools=tools, next="b"), Step("b", tools=others)]))


def test_what_cannot_be_captured_is_refused_with_what_can() -> None:
    with pytest.raises(CaptureError, match=r"type builtins\.int.*Pass a statemig\.Workflow"):
        capture(3)


def test_a_runtime_registers_by_the_package_of_its_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = __name__.partition(".")[0]

        def load(self) -> Any:
            return lambda graph: Snapshot.empty(type(graph).__name__)

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()])
    assert capture(Loose()).workflow == "Loose"
