"""What a checkpoint stores, read raw.

LangGraph's serializer builds instances while it decodes, with the classes of today: a nested model whose fields have changed is destroyed
before any saver sees it. So here none is built that nobody has looked at. `raw` leaves every extension of the msgpack as a `Foreign`;
`as_json.py` makes plain JSON of it, which operations run on, and raw values of that again; and `built` has LangGraph's own serializer
decode those, with its list of allowed classes and all else it does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import ormsgpack
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from statemig.runtimes.langgraph.stored import pickled

#: what builds an extension of msgpack, of its kind and its bytes
Hook = Callable[[int, bytes], Any]

#: the kinds of extension that LangGraph writes
SINGLE, POSITIONAL, KEYWORDS, METHOD, MODEL_V1, MODEL, ARRAY, DELTA = range(8)

#: those that name their class
CLASSED: Final = frozenset((SINGLE, POSITIONAL, KEYWORDS, METHOD, MODEL_V1, MODEL))


@dataclass(slots=True, unsafe_hash=True)
class Foreign:
    """One extension: how it is built (`code`), of which class, from what (`arg`, raw in turn), and by which method where it says so.
    Of an array and of what is unknown, `arg` is the bytes. `packed`: all of it as it was stored.

    One that was stored is not decoded before somebody asks what it is: most are handed on as they are. Nobody changes one. It is not
    frozen only because a large checkpoint has hundreds, and a frozen one costs four times as much.
    """

    code: int
    module: str
    name: str
    arg: Any
    rest: tuple[Any, ...] = ()
    packed: bytes | None = field(default=None, init=False, repr=False, compare=False)

    def __getattr__(self, name: str) -> Any:
        if name not in _DECODED:
            raise AttributeError(name)
        data = self.packed
        assert data is not None  # else it was made with all that it has
        if self.code == ARRAY or self.code > DELTA:
            self.module, self.name, self.arg, self.rest = "", "", data, ()
            return getattr(self, name)
        module, called, arg, rest = "", "", data, ()
        try:
            inside = ormsgpack.unpackb(data, ext_hook=unbuilt, option=ormsgpack.OPT_NON_STR_KEYS)
        except ormsgpack.MsgpackDecodeError:
            inside = None  # somebody else's, of the same kind
        match inside:
            case _ if self.code == DELTA:
                arg = inside
            case [str(module), str(called), arg, *more]:
                rest = tuple(more)
        self.module, self.name, self.arg, self.rest = module, called, arg, rest
        return getattr(self, name)

    @property
    def is_langgraph(self) -> bool:
        return self.module.split(".")[0] == "langgraph"


class Stored(Mapping[str, Any]):
    """Something stored that nobody has decoded yet. A mapping, because savers look into checkpoints and metadata, which hold no
    instances where they do."""

    __slots__ = ("_plain", "data", "form", "instances", "keys_are_text", "reader")

    def __init__(self, reader: Postponed, form: str, data: bytes) -> None:
        self.reader = reader
        self.form = form
        self.data = data
        #: how many instances it holds, not counting those inside others, once it is decoded; -1 where that is not known
        self.instances = -1
        #: whether all keys of what was decoded are known to be text, save those inside instances
        self.keys_are_text = False
        self._plain: Any = None

    def raw(self) -> Any:
        """It without an instance in it; nobody may change what this gives."""
        if self._plain is None:
            self._plain, self.instances, self.keys_are_text = self.reader.raw(self.form, self.data)
        return self._plain

    def built_if(self, checked: Callable[[Hook], Hook]) -> Any:
        """It as LangGraph reads it, each instance built by its hook with a check before it; None where that, or the bytes, refuse."""
        return self.reader.built_if(self.form, self.data, checked)

    @property
    def is_json(self) -> bool:
        """Whether what was decoded is known to be JSON as it is: no instance is in it, no key that is no text, and no byte that bytes begin
        with, though one may be part of a text or a number as well."""
        data = self.data
        return (
            self.instances == 0 and self.keys_are_text and not (0xC4 in data or 0xC5 in data or 0xC6 in data)
        )

    @property
    def is_msgpack(self) -> bool:
        """Whether `raw` is what is stored, and not what was built of it and taken apart again, where a tuple has become a list."""
        return self.reader.reads_raw(self.form)

    def __getitem__(self, key: str) -> Any:
        return self.raw()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw())

    def __len__(self) -> int:
        return len(self.raw())


#: bytes of a value that is decoded at once, on the chance that it holds no instance: it costs less than to put it off
_SMALL: Final = 1024
#: the first bytes of what is an instance, in msgpack; behind the head of a short list the second byte is one
_EXTENSIONS: Final = frozenset((*range(0xC7, 0xCA), *range(0xD4, 0xD9)))

SCALARS: Final = frozenset((str, int, float, bool))
_PLAIN: Final = frozenset((*SCALARS, type(None), bytes, Foreign))


class Postponed:
    """The serializer of a saver that reads: it decodes nothing, because whether a value is to be built or read raw depends on a stamp
    that is stored elsewhere. What is raw it stores as it is, without building it."""

    def __init__(self, serde: Any) -> None:
        self.serde = serde
        self._twin = _raw_twin(serde)
        self._has_own_bytes = _has_own_bytes(serde)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        if _has_instance(obj):
            return _stored_raw(self.serde, obj)
        stored: tuple[str, bytes] = self.serde.dumps_typed(obj)
        return stored

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        form, content = data
        if form == "msgpack" and not self._has_own_bytes:
            if len(content) > _SMALL or not _EXTENSIONS.isdisjoint(content[:2]):
                return Stored(self, form, content)
            try:
                return ormsgpack.unpackb(content, ext_hook=refuse, option=ormsgpack.OPT_NON_STR_KEYS)
            except ormsgpack.MsgpackDecodeError:
                return Stored(self, form, content)
        if form in ("null", "bytes"):
            return self.serde.loads_typed(data)
        return Stored(self, form, content)

    def reads_raw(self, form: str) -> bool:
        return self._twin is not None and form.split("+")[0] == "msgpack"

    def raw(self, form: str, data: bytes) -> tuple[Any, int, bool]:
        """The value without an instance in it; how many there were, not counting those inside others, or -1 where that is not known; and
        whether all keys are known to be text."""
        if form == "msgpack" and not self._has_own_bytes:
            met: list[int] = []

            def hook(code: int, inside: bytes) -> Foreign:
                found = _undecoded(Foreign)
                found.code = code
                found.packed = inside
                met.append(code)
                return found

            try:
                return ormsgpack.unpackb(data, ext_hook=hook), len(met), True
            except ormsgpack.MsgpackDecodeError:
                met.clear()
            plain = ormsgpack.unpackb(data, ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)
            return plain, len(met), False
        if not self.reads_raw(form):
            return without_instance(_loaded(self.serde, form, data)), -1, False
        return self._twin.loads_typed((form, data)), -1, False

    def built_if(self, form: str, data: bytes, checked: Callable[[Hook], Hook]) -> Any:
        """The value as LangGraph reads it, each instance built by its hook with a check before it; None where that, or the bytes,
        refuse."""
        if form != "msgpack" or type(self.serde) is not JsonPlusSerializer:
            return None
        try:
            return ormsgpack.unpackb(data, ext_hook=checked(self.serde._unpack_ext_hook))
        except ormsgpack.MsgpackDecodeError:
            return None


def refuse(code: int, data: bytes) -> Any:
    """In place of a hook, where there is to be nothing for one to build: nothing is decoded then."""
    raise ormsgpack.MsgpackDecodeError("an instance", "", 0)


def live(value: Any) -> Any:
    """What a saver read, as LangGraph reads it."""
    return _loaded(value.reader.serde, value.form, value.data) if type(value) is Stored else value


def _loaded(serde: Any, form: str, data: bytes) -> Any:
    try:
        return serde.loads_typed((form, data))
    except NotImplementedError:  # a form that it does not know
        raise
    except Exception as error:
        if not form.startswith(pickled.FORM):
            raise
        raise pickled.unread(error, form, data) from error


def raw(value: Any) -> Any:
    """A stored value without an instance in it."""
    if isinstance(value, Stored):
        return value.raw()
    if value is None or type(value) in SCALARS or type(value) is Foreign:
        return value
    return value if is_json(value) or _is_plain(value) else without_instance(value)


def built(value: Any, serde: Any) -> Any:
    """The value as LangGraph reads it: one that a translation made, or left as it was."""
    if type(value) is Stored:
        return live(value)
    if value is None or type(value) in SCALARS or is_json(value) or not _has_instance(value):
        return value
    plain = _plain_serde(serde)
    reader = JsonPlusSerializer if _has_own_bytes(plain) else type(plain)
    try:
        return reader.loads_typed(plain, ("msgpack", encoded(value)))
    except TypeError:  # something pickled is in it as well
        return _alive(value, plain._unpack_ext_hook)


def alive(value: Any, serde: Any) -> Any:
    """As `built`, for a value that is known to hold instances."""
    if type(value) is Stored:
        return live(value)
    plain = _plain_serde(serde)
    if type(plain) is JsonPlusSerializer:
        return _alive(value, plain._unpack_ext_hook)
    return built(value, serde)


def _alive(value: Any, hook: Any) -> Any:
    kind = type(value)
    if kind is Foreign:
        return hook(value.code, _packed_alone(value))
    if kind is list:
        return [
            hook(each.code, each.packed or _packed_alone(each))
            if type(each) is Foreign
            else _alive(each, hook)
            for each in value
        ]
    if kind is dict:
        return {key: each if type(each) in SCALARS else _alive(each, hook) for key, each in value.items()}
    return value


def _packed_alone(value: Foreign) -> bytes:
    try:
        return _packed(value)
    except TypeError:
        fields = value.arg if isinstance(value.arg, dict) else {}
        held = ", ".join(str(name) for name, each in fields.items() if not _can_be_encoded(each))
        raise pickled.unfit(f"{value.module}.{value.name}", held or "it") from None


def _can_be_encoded(value: Any) -> bool:
    try:
        encoded(value)
    except TypeError:
        return False
    return True


def is_json(value: Any) -> bool:
    """Whether a raw value is JSON as it is, which most are, so that there is nothing to note and nothing to build."""
    try:
        orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:  # an instance, bytes, a key that is no text; or a number that is too long for orjson
        return False
    return True


def _stored_raw(serde: Any, value: Any) -> tuple[str, bytes]:
    """A raw value as the serializer would store it. One that is not LangGraph's own can only be given what was built."""
    if isinstance(serde, EncryptedSerializer):
        form, data = _stored_raw(serde.serde, value)
        cipher, encrypted = serde.cipher.encrypt(data)
        return f"{form}+{cipher}", encrypted
    if not _has_own_bytes(serde):
        try:
            return "msgpack", encoded(value)
        except TypeError:
            pass  # something pickled is in it as well
    stored: tuple[str, bytes] = serde.dumps_typed(built(value, serde))
    return stored


def _has_instance(value: Any) -> bool:
    match value:
        case Foreign():
            return True
        case list():
            return any(map(_has_instance, value))
        case dict():
            return any(map(_has_instance, value.values()))
        case _:
            return False


def _is_plain(value: Any) -> bool:
    if type(value) in _PLAIN:
        return True
    match value:
        case bool() | int() | float() | str() | bytes():
            return True
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, value.values()))
        case _:
            return False


def without_instance(value: Any) -> Any:
    """Without an instance in it, save those that LangGraph can store only by pickling them: they are left as they are."""
    try:
        return _RAW.loads_typed(JsonPlusSerializer().dumps_typed(value))
    except (TypeError, ormsgpack.MsgpackEncodeError):
        pass
    if type(value) is list:
        return [each if type(each) is Foreign else without_instance(each) for each in value]
    if type(value) is dict:
        return {key: each if type(each) is Foreign else without_instance(each) for key, each in value.items()}
    return value


def unbuilt(code: int, data: bytes) -> Foreign:
    """One that was stored."""
    found = _undecoded(Foreign)
    found.code = code
    found.packed = data  # and not by its making, so that no copy has it
    return found


_undecoded: Final = object.__new__
_DECODED: Final = frozenset(("module", "name", "arg", "rest"))


def raw_of(data: bytes) -> Any:
    """The raw value that was `encoded`."""
    return ormsgpack.unpackb(data, ext_hook=unbuilt, option=ormsgpack.OPT_NON_STR_KEYS)


_RAW: Final = JsonPlusSerializer(__unpack_ext_hook__=unbuilt)


def _raw_twin(serde: Any) -> Any:
    """The same serializer, building nothing; None for one that cannot be told to."""
    if isinstance(serde, JsonPlusSerializer):
        twin = copy.copy(serde)
        twin._unpack_ext_hook = unbuilt
        return twin
    if isinstance(serde, EncryptedSerializer):
        inner = _raw_twin(serde.serde)
        return None if inner is None else EncryptedSerializer(serde.cipher, inner)
    return None


def _has_own_bytes(serde: Any) -> bool:
    """Whether what a serializer calls msgpack may be something else, as where one compresses what LangGraph's own has made."""
    if isinstance(serde, EncryptedSerializer):
        return _has_own_bytes(serde.serde)
    kind: Any = type(serde)
    if kind is JsonPlusSerializer:
        return False
    return not (
        issubclass(kind, JsonPlusSerializer)
        and kind.dumps_typed is JsonPlusSerializer.dumps_typed
        and kind.loads_typed is JsonPlusSerializer.loads_typed
    )


def _plain_serde(serde: Any) -> Any:
    if type(serde) is JsonPlusSerializer:
        return serde  # at once: the class of the other is a protocol, which is slow to ask
    if isinstance(serde, EncryptedSerializer):
        return _plain_serde(serde.serde)
    return serde if isinstance(serde, JsonPlusSerializer) else JsonPlusSerializer()


def encoded(value: Any) -> bytes:
    """A raw value as msgpack. Raises `TypeError` where something that can only be pickled is in it."""
    option = ormsgpack.OPT_NON_STR_KEYS | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    return ormsgpack.packb(value, default=_extension, option=option)


def _extension(value: Any) -> ormsgpack.Ext:
    if not isinstance(value, Foreign):
        raise TypeError(f"{type(value).__name__} is not raw")
    return ormsgpack.Ext(value.code, _packed(value))


def _packed(value: Foreign) -> bytes:
    if value.packed is not None:
        return value.packed
    if isinstance(value.arg, bytes) and value.code != DELTA and not value.module:
        return value.arg
    return encoded(value.arg if value.code == DELTA else [value.module, value.name, value.arg, *value.rest])
