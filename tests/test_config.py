"""Settings: where they are found, what overrides them, and what is said when they are wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from statemig.config import Config, Ignore
from statemig.errors import ConfigError

PYPROJECT = """
[project]
name = "shop"

[tool.statemig]
script_location = "db/migrations"
workflows = ["app.flows:triage", "app.flows:refunds"]
store = "postgresql+psycopg://user:secret@db/runs"
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def find(folder: Path, **environment: str) -> Config:
    return Config.find(folder, environment=environment)


# -- where


def test_pyproject_gives_every_setting(tmp_path: Path) -> None:
    file = write(tmp_path / "pyproject.toml", PYPROJECT)
    assert find(tmp_path) == Config(
        root=tmp_path,
        script_location=tmp_path / "db" / "migrations",
        workflows=("app.flows:triage", "app.flows:refunds"),
        store="postgresql+psycopg://user:secret@db/runs",
        file=file,
    )


@pytest.mark.parametrize("text", ['store = "sqlite://"', '[tool.statemig]\nstore = "sqlite://"'])
def test_an_own_file_needs_no_table(tmp_path: Path, text: str) -> None:
    write(tmp_path / "statemig.toml", text)
    assert find(tmp_path).store == "sqlite://"


def test_defaults(tmp_path: Path) -> None:
    write(tmp_path / "statemig.toml", "")
    found = find(tmp_path)
    assert (found.script_location, found.workflows, found.store) == (tmp_path / "migrations", (), None)


def test_it_is_found_from_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    deep = tmp_path / "src" / "app"
    deep.mkdir(parents=True)
    assert find(deep).script_location == tmp_path / "db" / "migrations"


def test_a_pyproject_of_somebody_else_on_the_way_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    write(tmp_path / "part" / "pyproject.toml", "[project]\nname = 'part'\n")
    write(tmp_path / "part" / "inner" / "pyproject.toml", "not toml at all [")
    assert find(tmp_path / "part" / "inner").root == tmp_path


def test_the_own_file_goes_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    write(tmp_path / "statemig.toml", 'script_location = "other"')
    assert find(tmp_path).script_location == tmp_path / "other"


def test_none_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        find(tmp_path)
    assert str(raised.value) == (
        f"there is no statemig.toml and no [tool.statemig] in a pyproject.toml in {tmp_path} or above it. "
        "Make one with `statemig init`, or name a file in STATEMIG_CONFIG."
    )


def test_load_takes_a_file_or_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a" / "settings.toml", 'script_location = "x"')
    write(tmp_path / "statemig.toml", "")
    monkeypatch.chdir(tmp_path)
    for name in ("STATEMIG_CONFIG", "STATEMIG_SCRIPT_LOCATION", "STATEMIG_STORE"):
        monkeypatch.delenv(name, raising=False)
    assert Config.load(file).script_location == tmp_path / "a" / "x"
    assert Config.load().root == tmp_path


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration file .*nothing.toml\. Make one"):
        Config.read(tmp_path / "nothing.toml", environment={})


def test_a_named_pyproject_without_the_table(tmp_path: Path) -> None:
    file = write(tmp_path / "pyproject.toml", "[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml has no table \[tool.statemig\]\. Add it"):
        Config.read(file, environment={})


# -- what overrides


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    found = find(tmp_path, STATEMIG_STORE="sqlite:///x.db", STATEMIG_SCRIPT_LOCATION="elsewhere")
    assert (found.store, found.script_location) == ("sqlite:///x.db", tmp_path / "elsewhere")
    assert found.workflows == ("app.flows:triage", "app.flows:refunds")


def test_what_a_deploy_says_has_a_database_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "statemig.toml", 'deploy_store = "sqlite:///deploy.db"')
    assert find(tmp_path).deploy_store == f"sqlite:///{(tmp_path / 'deploy.db').as_posix()}"
    assert find(tmp_path, STATEMIG_DEPLOY_STORE="sqlite:///x.db").deploy_store == "sqlite:///x.db"


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    assert (
        find(tmp_path, STATEMIG_STORE="", STATEMIG_CONFIG="").store
        == "postgresql+psycopg://user:secret@db/runs"
    )


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    write(tmp_path / "conf" / "other.toml", 'script_location = "m"')
    assert find(tmp_path, STATEMIG_CONFIG="conf/other.toml").script_location == tmp_path / "conf" / "m"


def test_the_location_alone_is_enough_without_a_file(tmp_path: Path) -> None:
    assert find(tmp_path, STATEMIG_SCRIPT_LOCATION="m").script_location == tmp_path / "m"


def test_a_misspelt_variable_is_named(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    with pytest.raises(ConfigError) as raised:
        find(tmp_path, STATEMIG_SCRIPTLOCATION="x")
    assert str(raised.value) == (
        "the environment sets STATEMIG_SCRIPTLOCATION, which is no setting. Did you mean STATEMIG_SCRIPT_LOCATION?"
    )


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    assert find(tmp_path, STATEMIG_POSTGRES_FOR_TESTS="x", STORE="y").store is not None


# -- what is stored where


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("sqlite:///runs.db", "sqlite:///{root}/runs.db"),
        ("sqlite+aiosqlite:///data/runs.db", "sqlite+aiosqlite:///{root}/data/runs.db"),
        ("sqlite:////var/runs.db", "sqlite:////var/runs.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///file:x?mode=memory&uri=true", "sqlite:///file:x?mode=memory&uri=true"),
        ("postgresql://db/runs", "postgresql://db/runs"),
    ],
)
def test_a_sqlite_file_is_relative_to_the_configuration(tmp_path: Path, store: str, expected: str) -> None:
    write(tmp_path / "statemig.toml", f'store = "{store}"')
    (tmp_path / "below").mkdir()
    assert find(tmp_path / "below").store == expected.format(root=tmp_path)


def test_the_repr_shows_no_password(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT)
    assert "secret" not in repr(find(tmp_path))


# -- what is wrong


def test_every_problem_is_listed_with_the_nearest_setting(tmp_path: Path) -> None:
    file = write(
        tmp_path / "statemig.toml", 'scrip_location = "x"\nzzz = 1\nworkflows = "app:x"\nstore = 3\n'
    )
    with pytest.raises(ConfigError) as raised:
        find(tmp_path)
    assert str(raised.value) == (
        f"{file}: scrip_location is no setting (did you mean script_location?); zzz is no setting; "
        "workflows is not a list; store is not a string. Settings are script_location, workflows, store, deploy_store, ignore."
    )


def test_a_list_of_something_else_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "statemig.toml", "workflows = [1]")
    with pytest.raises(ConfigError, match="workflows is not a list of strings"):
        find(tmp_path)


def test_what_is_not_toml_is_named(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.statemig\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml is not TOML: .*line 1"):
        find(tmp_path)


def test_a_table_that_is_none(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\nstatemig = 3\n")
    with pytest.raises(ConfigError, match=r"tool.statemig is not a table\. Write it as"):
        find(tmp_path)


# -- loading a workflow


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Config]:
    write(tmp_path / "statemig.toml", "")
    write(tmp_path / "shop_root.py", "triage = 'the workflow'\nclass Box:\n    inner = 'inside'\n")
    write(tmp_path / "src" / "shop_src" / "__init__.py", "")
    write(tmp_path / "src" / "shop_src" / "flows.py", "triage = 'from src'\n")
    write(tmp_path / "shop_needs.py", "import shop_not_installed\n")
    write(tmp_path / "shop_raises.py", "1 / 0\n")
    before = set(sys.modules)
    yield find(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith("shop_"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("shop_root:triage", "the workflow"),
        ("shop_root:Box.inner", "inside"),
        ("shop_src.flows:triage", "from src"),
    ],
)
def test_a_workflow_is_loaded_from_the_root_and_from_src(
    project: Config, reference: str, expected: str
) -> None:
    assert project.load_workflow(reference) == expected


@pytest.mark.parametrize("reference", ["shop_root:triage", "shop_raises:triage"])
def test_sys_path_is_as_it_was(project: Config, reference: str) -> None:
    before = list(sys.path)
    with suppress(ConfigError):
        project.load_workflow(reference)
    assert sys.path == before


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("shop_root", r"'shop_root' does not name a workflow\. Write it as"),
        ("shop_root:", r"does not name a workflow"),
        ("shop_root:triag", r"'shop_root:triag': shop_root has no triag\. Did you mean triage\?"),
        ("shop_root:zzz", r"shop_root has no zzz\. Correct `workflows`"),
        (
            "shop_gone.flows:x",
            r"there is no module shop_gone in .* or among what is installed\. Correct `workflows`",
        ),
        ("shop_src.gone:x", r"there is no module shop_src.gone in"),
        ("shop_needs:x", r"importing shop_needs needs shop_not_installed, which is not installed\. Install"),
        ("shop_raises:x", r"importing shop_raises raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_workflow_that_cannot_be_loaded_is_named_with_the_reason(
    project: Config, reference: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        project.load_workflow(reference)


def test_load_takes_a_folder_as_well_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "statemig.toml").write_text('workflows = ["app:flow"]\n')
    (tmp_path / "inner").mkdir()
    assert Config.load(tmp_path / "inner").workflows == ("app:flow",)


def test_a_variable_that_only_shares_the_prefix_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "statemig.toml").write_text('workflows = ["app:flow"]\n')
    environment = {"STATEMIG_CASES": "somewhere", "STATEMIG_PROFILE": "ci"}
    assert Config.find(tmp_path, environment=environment).workflows == ("app:flow",)


# -- what is ignored


IGNORE = '[[tool.statemig.ignore]]\nrule = "S16"\npath = "state.x"\nreason = "nobody wrote such keys"\n'


def test_what_is_to_be_ignored(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", PYPROJECT + IGNORE)
    assert find(tmp_path).ignore == (Ignore("S16", "state.x", "nobody wrote such keys"),)


def test_an_own_file_may_say_what_is_to_be_ignored(tmp_path: Path) -> None:
    write(tmp_path / "statemig.toml", IGNORE.replace("tool.statemig.", ""))
    assert find(tmp_path).ignore == (Ignore("S16", "state.x", "nobody wrote such keys"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('ignore = ["S16"]', "ignore number 1 is not a table"),
        ('ignore = "S16"', "ignore is not a list"),
        ('[[ignore]]\nrule = "S16"\npath = "state.x"', "ignore number 1 has no reason, which is a text"),
        (
            '[[ignore]]\nrule = "S16"\npath = "state.x"\nreason = " "',
            "ignore number 1 has no reason, which is a text",
        ),
        (
            '[[ignore]]\nrule = 16\nreason = "x"\nwhy = "y"',
            "ignore number 1: why is no setting of it; ignore number 1 has no rule, which is a text; "
            "ignore number 1 has no path, which is a text",
        ),
        (
            2 * '[[ignore]]\nrule = "S16"\npath = "state.x"\nreason = "y"\n',
            "ignore number 2 is about S16 at state.x again",
        ),
    ],
)
def test_what_is_wrong_with_something_to_be_ignored_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = write(tmp_path / "statemig.toml", text)
    with pytest.raises(ConfigError) as raised:
        find(tmp_path)
    assert str(raised.value) == (
        f"{file}: {problem}. Settings are script_location, workflows, store, deploy_store, ignore."
    )
