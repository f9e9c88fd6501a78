"""A project on disk, and the command line in it."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from statemig.cli.main import cli

_numbers = itertools.count()


@dataclass
class Here:
    """A folder with an application in it. Each has a module name of its own, since Python keeps imported modules."""

    root: Path
    module: str

    def code(self, fields: str, steps: str = 'Step("classify", next="send"), Step("send")') -> None:
        """Write the application: the fields of its state, and its steps."""
        lines = "\n".join(f"    {line}" for line in fields.strip().splitlines())
        (self.root / f"{self.module}.py").write_text(
            "from typing import Literal\n\nfrom pydantic import BaseModel\n\nfrom statemig import Step, Workflow\n\n\n"
            f"class State(BaseModel):\n{lines}\n\n\n"
            f'triage = Workflow("triage", state=State, steps=[{steps}])\n'
        )
        self.forget()

    def forget(self) -> None:
        """The next command imports the application anew."""
        sys.modules.pop(self.module, None)

    def reconfigure(self, workflows: list[str]) -> None:
        text = f'script_location = "migrations"\nworkflows = {json.dumps(workflows)}\nstore = "sqlite:///runs.db"\n'
        (self.root / "statemig.toml").write_text(text)

    def run(self, *arguments: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(cli, list(arguments), input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *arguments: str) -> str:
        """What a command prints that has to succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--format", "json")
        assert result.stdout, result.output  # with what went wrong, and not with what json says of nothing
        return json.loads(result.stdout)

    def scripts(self) -> list[Path]:
        return sorted((self.root / "migrations" / "versions").glob("*.py"))

    def head(self) -> str:
        head: str = self.json("heads")[0]["revision"]
        return head


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """An application without any revision, configured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions of a module may have the same second
    place = Here(tmp_path, f"flows_{next(_numbers)}")
    place.code("topic: str\nsummary: str")
    place.ok("init")
    yield place
    sys.modules.pop(place.module, None)


@pytest.fixture
def project(here: Here) -> Here:
    """The same with a first revision."""
    # Named, because a name of chance may begin with what a test shortens another to.
    here.ok("revision", "--autogenerate", "-m", "first version", "--rev-id", "a0b1c2d3e4f5")
    return here


EditorFactory = Callable[[str], None]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EditorFactory:
    """Set $EDITOR to a program that applies a Python expression to the text of the file, as `text`."""

    def use(expression: str) -> None:
        program = tmp_path / "editor.py"
        program.write_text(
            "import sys\nfrom pathlib import Path\nfile = Path(sys.argv[1])\ntext = file.read_text()\n"
            f"file.write_text({expression})\n"
        )
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")

    return use
