"""The wheel, installed into an empty environment outside the checkout, does what the checkout does."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
FLOWS = """
from pydantic import BaseModel

from statemig import Step, Workflow


class State(BaseModel):
    topic: str
    summary: str = ""


triage = Workflow("triage", state=State, steps=[Step("classify", next="send"), Step("send")])
"""

pytestmark = pytest.mark.xdist_group("wheel")  # one worker, so that the wheel is built once


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, CHECKOUT, cwd=folder)
    _skip_without_an_index(built)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("statemig-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel and what it needs."""
    environment = tmp_path_factory.mktemp("empty") / "env"
    venv.create(environment, with_pip=True)
    done = run(environment / "bin" / "python", "-m", "pip", "install", wheel, cwd=environment)
    _skip_without_an_index(done)
    assert done.returncode == 0, done.stderr
    return environment / "bin"


def _skip_without_an_index(done: subprocess.CompletedProcess[str]) -> None:
    unreachable = (
        "NewConnectionError",
        "Temporary failure in name resolution",
        "ProxyError",
        "ConnectTimeoutError",
    )
    if done.returncode != 0 and any(word in done.stderr + done.stdout for word in unreachable):
        pytest.skip("pip cannot reach an index to install the dependencies from")


def test_the_wheel_holds_the_templates_and_the_marker_for_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "statemig/py.typed" in names
    templates = [file for file in (CHECKOUT / "templates").rglob("*") if file.is_file()]
    assert {f"statemig/templates/{file.relative_to(CHECKOUT / 'templates')}" for file in templates} <= names
    assert "statemig/templates/revision.py.mako" in names


def test_the_installed_command_shows_its_help(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "statemig", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage: statemig" in done.stdout


def test_the_installed_package_begins_a_project_and_migrates_it(installed: Path, tmp_path: Path) -> None:
    flows = tmp_path / "flows.py"
    flows.write_text(FLOWS)
    statemig = installed / "statemig"
    for arguments in (["init"], ["revision", "--autogenerate", "-m", "first"]):
        done = run(statemig, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    flows.write_text(FLOWS.replace('summary: str = ""', 'summary: str = ""\n    priority: str = "normal"'))
    done = run(statemig, "revision", "--autogenerate", "-m", "priority", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    scripts = sorted((tmp_path / "migrations" / "versions").glob("*.py"))
    assert 'op.add_field("state.priority", default="normal")' in scripts[-1].read_text()
    done = run(statemig, "check", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    used = run(installed / "python", "-c", "import statemig; print(statemig.__file__)", cwd=tmp_path)
    assert not used.stdout.startswith(str(CHECKOUT))
