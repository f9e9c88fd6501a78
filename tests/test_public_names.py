"""The public names: all there, none loaded before it is used."""

import subprocess
import sys

import pytest

import statemig


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_statemig_loads_none_of_the_heavy_libraries() -> None:
    heavy = {
        "sqlalchemy",
        "pydantic",
        "click",
        "rich",
        "orjson",
        "jsonschema_rs",
        "mako",
        "importlib.metadata",
    }
    loaded = run_python("import sys, statemig; print(*sys.modules)").split()
    assert not heavy & set(loaded)


@pytest.mark.parametrize("name", statemig.__all__)
def test_every_public_name_can_be_reached_and_is_listed(name: str) -> None:
    assert getattr(statemig, name) is not None
    assert name in dir(statemig)


def test_the_errors_are_reachable_without_an_import_of_their_own() -> None:
    assert run_python("import statemig; print(statemig.errors.StatemigError.__name__)") == "StatemigError"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'statemig' has no attribute 'Migrater'"):
        _ = statemig.Migrater


@pytest.mark.parametrize(
    "module",
    [
        "statemig.config",
        "statemig.shapes",
        "statemig.workflow.capture",
        "statemig.operations.recorder",
        "statemig.revisions.directory",
        "statemig.autogenerate.propose",
        "statemig.migrator",
        "statemig.envelope",
    ],
)
def test_nothing_up_to_the_envelope_loads_storage_terminal_or_a_runtime(module: str) -> None:
    loaded = run_python(f"import sys, {module}; print(*sys.modules)").split()
    assert not {"sqlalchemy", "click", "rich", "langgraph"} & set(loaded)
