"""Which mistakes are made in a script, and which of them are worth a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mutated_project as project
import pytest
from pydantic import BaseModel

from statemig import Step, Workflow, capture
from statemig.testing.mutant_project import judge
from statemig.testing.mutants import Mutant, mutants


def script(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f'"""x"""\n\n\ndef upgrade(op):\n{body}'


def of_kind(kind: str, source: str, below: Any = None, own: Any = None) -> list[Mutant]:
    return [each for each in mutants(source, below, own) if each.kind == kind]


def added(mutant: Mutant, source: str) -> list[str]:
    """What the mutant has that the script does not."""
    lines = mutant.diff(source, "script").splitlines()
    return [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]


def test_each_operation_is_dropped() -> None:
    source = script('op.rename_step("a", to="b")', 'op.wrap("state.x")')

    found = of_kind("operation dropped", source)

    assert [each.source for each in found] == [
        script('op.wrap("state.x")'),
        script('op.rename_step("a", to="b")'),
    ]
    assert [each.line for each in found] == [5, 6]


def test_the_only_operation_leaves_a_pass() -> None:
    [found] = of_kind("operation dropped", script('op.wrap("state.x")'))

    assert found.source == script("pass")


def test_an_operation_over_several_lines_goes_with_all_of_them() -> None:
    source = script("op.map_values(", '    "state.x",', '    {"a": "b"},', ")", 'op.wrap("state.y")')

    assert of_kind("operation dropped", source)[0].source == script('op.wrap("state.y")')


def test_two_renames_of_one_object_swap_their_targets() -> None:
    source = script('op.rename_field("state.a", to="x")', 'op.rename_field("state.b", "y")')

    [found] = of_kind("targets swapped", source)

    assert added(found, source) == ['op.rename_field("state.a", to="y")', 'op.rename_field("state.b", "x")']


def test_renames_of_different_objects_swap_nothing() -> None:
    source = script('op.rename_field("state.a", to="x")', 'op.rename_field("state.c.b", to="y")')

    assert of_kind("targets swapped", source) == []


def test_each_entry_of_a_table_is_dropped_and_neighbours_are_swapped() -> None:
    source = script('op.map_values("state.x", {"a": "A", "b": "B"})')

    dropped = of_kind("entry of a table dropped", source)
    [swapped] = of_kind("entries of a table swapped", source)

    assert [added(each, source) for each in dropped] == [
        ['op.map_values("state.x", {"b": "B"})'],
        ['op.map_values("state.x", {"a": "A"})'],
    ]
    assert added(swapped, source) == ['op.map_values("state.x", {"a": "B", "b": "A"})']


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ('op.add_field("state.x", default="a")', 'op.add_field("state.x", default="ax")'),
        ('op.add_field("state.x", default=True)', 'op.add_field("state.x", default=False)'),
        ('op.make_required("state.x", 3)', 'op.make_required("state.x", 4)'),
        (
            'op.add_step("s", passed=op.backfill({"ok": True}))',
            'op.add_step("s", passed=op.backfill({"ok": False}))',
        ),
    ],
)
def test_a_default_becomes_another_value_of_its_type(line: str, other: str) -> None:
    source = script(line)

    [found] = of_kind("default changed", source)

    assert added(found, source) == [other]


def test_a_default_from_an_enum_becomes_another_of_its_members() -> None:
    from typing import Literal

    class State(BaseModel):
        level: Literal["low", "high"]

    source = script('op.add_field("state.level", default="low")')

    [found] = of_kind("default changed", source, own=capture(State))

    assert added(found, source) == ['op.add_field("state.level", default="high")']


def test_only_the_first_item_of_a_list_is_changed() -> None:
    source = script('op.move_field("state.items[].a", to="state.items[].b.c")')

    [found] = of_kind("only the first item", source)

    assert added(found, source) == ['op.move_field("state.items[0].a", to="state.items[0].b.c")']


class Node(BaseModel):
    label: str
    children: list[Node] = []


class Tree(BaseModel):
    root: Node
    others: list[Node] = []


def test_a_recursive_definition_is_changed_only_where_it_begins() -> None:
    source = script('op.rename_field("<Node>.label", to="name")')

    [found] = of_kind("recursion skipped", source, below=capture(Tree))

    assert added(found, source) == [
        'op.rename_field("state.root.label", to="name")',
        'op.rename_field("state.others[].label", to="name")',
    ]


def test_neighbours_change_their_order() -> None:
    source = script('op.wrap("state.a")', 'op.wrap("state.b")', 'op.wrap("state.c")')

    assert [each.line for each in of_kind("order swapped", source)] == [5, 6]


def test_a_policy_sends_a_run_to_every_other_step() -> None:
    own = capture(Workflow("w", state=Tree, steps=[Step("a", next="b"), Step("b", next="c"), Step("c")]))
    source = script('op.remove_step("gone", cursor=op.forward("b"))')

    found = of_kind("wrong target", source, own=own)

    assert [added(each, source) for each in found] == [
        ['op.remove_step("gone", cursor=op.forward("a"))'],
        ['op.remove_step("gone", cursor=op.forward("c"))'],
    ]


def test_who_waits_is_forgotten_where_a_step_waits() -> None:
    asks = capture(Workflow("w", state=Tree, steps=[Step("a", kind="human")]))
    works = capture(Workflow("w", state=Tree, steps=[Step("a")]))
    source = script('op.wrap("state.a")')

    [found] = of_kind("waiting position dropped", source, below=asks)

    assert "op.transform(forget_waiting, as_it_is)" in added(found, source)
    assert of_kind("waiting position dropped", source, below=works) == []


def test_what_is_not_written_out_is_left_alone() -> None:
    source = script("op.map_values(PATH, TABLE)", 'op.add_field("state.x", default=DEFAULT)')

    assert {each.kind for each in mutants(source, None, None)} == {"operation dropped", "order swapped"}


def test_a_script_without_upgrade_has_no_mutants() -> None:
    assert mutants("x = 1\n", None, None) == []


def test_text_beyond_ascii_is_cut_in_the_right_place() -> None:
    source = script('op.add_field("state.größe", default="weiß")  # ß', 'op.wrap("state.ä")')

    [found] = of_kind("default changed", source)

    assert added(found, source) == ['op.add_field("state.größe", default="weißx")  # ß']


# -- which are worth a test --------------------------------------------------------------------------------------------


def judged(root: Path, source: str) -> dict[tuple[str, int], str]:
    project.write(root, "", source)
    below, own = (
        capture(project.flow(project.Old, check=True)),
        capture(project.flow(project.New, check=False)),
    )
    found = judge(root / "migrations", "triage", project.REVISION, mutants(source, below, own), samples=60)
    return {(each.mutant.kind, each.mutant.line): each.judgement for each in found}


def test_operations_that_do_not_touch_each_other_may_change_their_order(tmp_path: Path) -> None:
    found = judged(tmp_path, project.SECOND)

    assert {judgement for (kind, _), judgement in found.items() if kind == "order swapped"} == {"equivalent"}


def test_every_other_mistake_in_the_script_makes_a_difference(tmp_path: Path) -> None:
    found = judged(tmp_path, project.SECOND)

    different = {kind for (kind, _), judgement in found.items() if judgement == "different"}
    assert different >= {
        "operation dropped",
        "targets swapped",
        "default changed",
        "only the first item",
        "wrong target",
        "waiting position dropped",
    }


def test_an_order_that_matters_is_different_or_refused(tmp_path: Path) -> None:
    source = project.SECOND.replace(
        '    op.rename_field("state.first", to="one")\n',
        '    op.rename_field("state.first", to="zero")\n    op.rename_field("state.zero", to="one")\n',
    )

    assert judged(tmp_path, source)["order swapped", 10] == "refused"


def test_the_migrations_stay_as_they_are(tmp_path: Path) -> None:
    project.write(tmp_path, "")
    before = {
        path: path.read_bytes() for path in sorted(tmp_path.rglob("*.*")) if "__pycache__" not in path.parts
    }

    list(
        judge(
            tmp_path / "migrations",
            "triage",
            project.REVISION,
            mutants(project.SECOND, None, None),
            samples=5,
        )
    )

    after = {
        path: path.read_bytes() for path in sorted(tmp_path.rglob("*.*")) if "__pycache__" not in path.parts
    }
    assert after == before
