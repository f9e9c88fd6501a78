"""The hook for runtimes that keep JSON: the stamp travels with the document, and nothing is upgraded twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from operation_chains import Chain, chains

from statemig import json_text
from statemig.envelope import KEY, Stamped
from statemig.errors import (
    ConfigError,
    ForeignRevisionError,
    InvalidStateError,
    MigrationError,
    MigrationHeld,
    MigrationPinned,
    StatemigError,
    UnknownRevisionError,
    UnstampedError,
)
from statemig.migrator import Migrator
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot


def wrapping(**how: Any) -> Migrator:
    def upgrade(op: Any) -> None:
        op.wrap("state.tag")
        op.remove_field("state.old")

    first = Revision("r0", workflow="triage", **how)
    return Migrator(revisions=[first, Revision("r1", "r0", upgrade=upgrade, workflow="triage")])


def stamped(revision: str = "r0", **more: Any) -> dict[str, Any]:
    return {"format": 1, "workflow": "triage", "revision": revision, "started": "r0", "checked": True, **more}


RAW = {"tag": "x", "old": 7, KEY: stamped()}


# -- the form at rest, which users store -------------------------------------------------------------------------------


def test_the_stamp_at_rest_never_changes_its_form() -> None:
    hook = wrapping().hook()
    assert json_text.dumps(hook.dump(hook.load(RAW))) == (
        b'{"tag":["x"],"$statemig":{"format":1,"workflow":"triage","revision":"r1","started":"r0","checked":true,'
        b'"complement":{"r1/1":[{"at":["state"],"was":7}]}}}'
    )


def test_a_stamp_without_optional_parts_is_read() -> None:
    loaded = wrapping().hook().load({"tag": "x", KEY: {"revision": "r0"}})
    assert loaded == {"tag": ["x"]}
    assert loaded.stamp.revision == "r1"


def test_a_new_document_is_stamped_with_the_head_it_began_on() -> None:
    stored = wrapping().hook().dump({"tag": ["x"]})
    assert stored[KEY] == {
        "format": 1,
        "workflow": "triage",
        "revision": "r1",
        "started": "r1",
        "checked": True,
        "complement": {},
    }


# -- loading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [dict, str, bytes])
def test_a_document_keeps_the_form_it_was_loaded_in(form: type) -> None:
    text = json_text.dumps(RAW)
    raw: Any = {dict: RAW, str: text.decode(), bytes: text}[form]
    hook = wrapping().hook()
    loaded = hook.load(raw)
    assert loaded == {"tag": ["x"]}
    assert type(hook.dump(loaded)) is form


def test_loading_changes_nothing_that_was_given() -> None:
    before = json_text.dumps(RAW)
    loaded = wrapping().hook().load(RAW)
    loaded["tag"].append("y")
    assert json_text.dumps(RAW) == before


def test_nothing_is_wrapped_twice() -> None:
    hook = wrapping().hook()
    once = hook.dump(hook.load(RAW))
    assert hook.dump(hook.load(once)) == once
    assert hook.load(once) == {"tag": ["x"]}


def test_a_lost_stamp_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnstampedError) as raised:
        wrapping().hook().load({"tag": "x"}, run_id="run-7")
    assert "run run-7" in str(raised.value)
    assert "hook(unstamped=" in str(raised.value)
    assert "hook.wraps(load=..., save=...)" in str(raised.value)


def test_an_unstamped_document_is_what_the_hook_was_told() -> None:
    hook = wrapping().hook(unstamped="r0")
    assert hook.load({"tag": "x"}) == {"tag": ["x"]}
    assert hook.load({"tag": "x"}).stamp.started == "r0"


@pytest.mark.parametrize("stamp", [None, "r0", 5, [], {}, {"revision": 5}])
def test_what_is_no_stamp_is_said_to_be_none(stamp: Any) -> None:
    with pytest.raises(UnstampedError, match="is there, but is no stamp"):
        wrapping().hook().load({"tag": "x", KEY: stamp})


@pytest.mark.parametrize("future", [2, "2"])
def test_a_stamp_from_the_future_is_refused(future: Any) -> None:
    with pytest.raises(StatemigError, match="Update statemig on this worker"):
        wrapping().hook().load({"tag": "x", KEY: stamped(format=future)})


def test_another_workflows_document_is_refused() -> None:
    with pytest.raises(ForeignRevisionError, match="the document belongs to workflow 'orders'"):
        wrapping().hook().load({"tag": "x", KEY: stamped(workflow="orders")})


def test_an_unknown_revision_is_refused() -> None:
    with pytest.raises(UnknownRevisionError, match="revision zzz"):
        wrapping().hook().load({"tag": "x", KEY: stamped("zzz")})


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("[1]", "it holds list"),
        (b"7", "it holds int"),
        ("null", "it holds NoneType"),
        ("{secret", "the text is not JSON"),
        (b"\xff", "the text is not JSON"),
        (None, "it is NoneType"),
        ([1], "it is list"),
    ],
)
def test_what_is_no_object_is_refused(raw: Any, found: str) -> None:
    with pytest.raises(InvalidStateError) as raised:
        wrapping().hook().load(raw, run_id="7")
    assert str(raised.value) == (
        f"run 7, workflow triage: what is stored was expected to be a JSON object, and {found}. "
        "Give load a dict, or its JSON as str or bytes"
    )
    assert raised.value.__context__ is None  # a parser's error holds the whole text


def test_only_a_mapping_can_be_dumped() -> None:
    with pytest.raises(InvalidStateError) as raised:
        wrapping().hook().dump([1])  # type: ignore[arg-type]
    assert str(raised.value).startswith(
        "workflow triage: what is to be stored was expected to be a mapping, and it is list. "
    )


def test_a_pinned_document_stays_at_its_revision() -> None:
    with pytest.raises(MigrationPinned, match="pinned to revision r0"):
        wrapping().hook().load({"tag": "x", KEY: stamped(pinned="r0")})


def test_a_pin_survives_load_and_dump() -> None:
    hook = wrapping().hook()
    stored = hook.dump(hook.load({"tag": ["x"], KEY: stamped("r1", pinned="r1")}))
    assert stored[KEY]["pinned"] == "r1"


def test_a_held_run_raises_and_is_not_touched() -> None:
    holding = Migrator(
        revisions=[
            Revision("r0", workflow="triage"),
            Revision(
                "r1", "r0", upgrade=lambda op: op.remove_step("ask", cursor=op.hold()), workflow="triage"
            ),
        ]
    )
    with pytest.raises(MigrationHeld, match="position 1 stands on step 'ask'"):
        holding.hook(layout={"step": "at"}).load({"at": "ask", KEY: stamped()})


# -- dumping -----------------------------------------------------------------------------------------------------------


def test_a_document_that_went_through_a_model_keeps_its_complement() -> None:
    hook = wrapping().hook()
    loaded = hook.load(RAW)
    through_a_model = {"tag": [*loaded["tag"], "y"]}
    stored = hook.dump(through_a_model, like=loaded)
    assert stored[KEY]["complement"] == {"r1/1": [{"at": ["state"], "was": 7}]}
    assert stored[KEY]["started"] == "r0"


def test_what_does_not_fit_the_head_is_stored_unchecked() -> None:
    snapshot = Snapshot.from_json_schema(
        {"type": "object", "properties": {"n": {"type": "integer"}}}, "triage"
    )
    hook = Migrator(revisions=[Revision("r0", snapshot=snapshot, workflow="triage")]).hook()
    assert hook.dump({"n": 1})[KEY]["checked"] is True
    assert hook.dump({"n": "one"})[KEY]["checked"] is False


# -- layouts -----------------------------------------------------------------------------------------------------------


def test_a_layout_with_named_parts_leaves_other_keys_alone() -> None:
    hook = wrapping().hook(layout={"state": "data", "step": "current"})
    raw = {"id": 5, "data": {"tag": "x", "old": 1}, "current": "ask", KEY: stamped()}
    loaded = hook.load(raw)
    assert loaded == {"id": 5, "data": {"tag": ["x"]}, "current": "ask"}
    assert list(loaded) == ["id", "data", "current"]


def test_a_step_in_a_layout_is_renamed() -> None:
    renaming = Migrator(
        revisions=[
            Revision("r0", workflow="triage"),
            Revision("r1", "r0", upgrade=lambda op: op.rename_step("ask", to="inquire"), workflow="triage"),
        ]
    )
    assert renaming.hook(layout={"step": "at"}).load({"at": "ask", "x": 1, KEY: stamped()}) == {
        "at": "inquire",
        "x": 1,
    }


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("flat", "there is no layout 'flat'"),
        ({"stat": "x"}, "a run document has no stat"),
        ({"step": "x", "cursor": "y"}, "names step or cursor, not both"),
    ],
)
def test_a_wrong_layout_is_a_config_error(layout: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        wrapping().hook(layout=layout)


# -- both sides of a runtime -------------------------------------------------------------------------------------------


def test_wrapped_load_and_save_keep_the_stamp_through_a_model() -> None:
    files: dict[str, Any] = {"run-7": dict(RAW)}
    hook = wrapping().hook()
    load, save = hook.wraps(load=files.__getitem__, save=files.__setitem__)
    model = {"tag": load("run-7")["tag"]}
    save("run-7", model)
    save("run-8", {"tag": ["new"]})
    assert files["run-7"][KEY]["complement"] == {"r1/1": [{"at": ["state"], "was": 7}]}
    assert load("run-7") == {"tag": ["x"]}
    assert load("run-8") == {"tag": ["new"]}


def test_wrapped_async_load_and_save() -> None:
    files: dict[str, Any] = {"run-7": json_text.dumps(RAW)}

    async def load(key: str) -> Any:
        return files.get(key)

    async def save(key: str, raw: Any) -> None:
        files[key] = raw

    async def use() -> Any:
        wrapped_load, wrapped_save = wrapping().hook().wraps(load=load, save=save)
        assert await wrapped_load("nobody") is None
        await wrapped_save("run-7", dict(await wrapped_load("run-7")))
        return await wrapped_load("run-7")

    assert asyncio.run(use()) == {"tag": ["x"]}
    assert isinstance(files["run-7"], bytes)


# -- law 11 ------------------------------------------------------------------------------------------------------------


@given(chains())
def test_loading_twice_is_loading_once_for_every_operation(chain: Chain) -> None:
    hook = chain.migrator.hook(layout="document")
    raw = {**chain.document(), KEY: {**stamped(), "workflow": "flow", "checked": False}}
    try:
        loaded = hook.load(raw)
    except MigrationError:
        return
    once = hook.dump(loaded)
    again = hook.load(json_text.dumps(once))
    assert isinstance(again, Stamped)
    assert json_text.dumps(again) == json_text.dumps(loaded)
    through_a_model = json_text.loads(json_text.dumps(dict(again)))
    stored = json_text.loads(hook.dump(through_a_model, like=again))
    assert json_text.equal(stored, json_text.loads(json_text.dumps(once)))
    assert once[KEY]["checked"] is True
