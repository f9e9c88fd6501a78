"""The project's settings: ``[tool.statemig]`` in ``pyproject.toml``, or ``statemig.toml``; the environment overrides both.

Nothing else in statemig reads either. Paths in the file are relative to the file; those in the environment to the working directory.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from statemig.errors import ConfigError

FILES: Final = ("statemig.toml", "pyproject.toml")
DEFAULT_LOCATION: Final = "migrations"

_CONFIG: Final = "STATEMIG_CONFIG"
_LOCATION: Final = "STATEMIG_SCRIPT_LOCATION"
_STORE: Final = "STATEMIG_STORE"
_DEPLOY_STORE: Final = "STATEMIG_DEPLOY_STORE"
_ENVIRONMENT: Final = (_CONFIG, _LOCATION, _STORE, _DEPLOY_STORE)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A change that does not count: its rule's id, its path as `statemig diff` prints it, and why."""

    rule: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one project.

    `root` is the folder of the file (or where the search began), `file` the file itself or None. `workflows` are
    references such as ``"app.flows:triage"``. `store` is a database URL; a SQLite file of the configuration is
    relative to `root`. It may hold a password and is therefore left out of the repr. `deploy_store` is another one, for what a
    deploy keeps of runs that a runtime stores itself; None: beside them. `ignore` are changes that do not
    count, ``[[tool.statemig.ignore]]``; that their rules exist is for the commands to say.
    """

    root: Path
    script_location: Path
    workflows: tuple[str, ...] = ()
    store: str | None = field(default=None, repr=False)
    file: Path | None = None
    ignore: tuple[Ignore, ...] = ()
    deploy_store: str | None = field(default=None, repr=False)

    @classmethod
    def load(cls, file: str | Path | None = None) -> Config:
        """The settings of this file, or those that hold in this folder (the working directory by default). Raises `ConfigError`."""
        return cls.find(file) if file is None or Path(file).is_dir() else cls.read(file)

    @classmethod
    def find(cls, start: str | Path | None = None, *, environment: Mapping[str, str] | None = None) -> Config:
        """The settings that hold in `start` (a folder; the working directory by default).

        The nearest folder upwards with a ``statemig.toml``, or a ``pyproject.toml`` that has ``[tool.statemig]``, decides;
        ``STATEMIG_CONFIG`` names a file instead. Raises `ConfigError` where there is none, or it cannot be understood.
        """
        env = os.environ if environment is None else environment
        here = Path.cwd() if start is None else Path(start).absolute()
        if named := env.get(_CONFIG):
            return cls.read(here / named, environment=env)
        for folder in (here, *here.parents):
            for name in FILES:
                table = _table(folder / name)
                if table is not None:
                    return _overridden(_from_table(table, folder / name), here, env)
        if env.get(_LOCATION):
            return _overridden(cls(here, here / DEFAULT_LOCATION), here, env)
        raise ConfigError(
            f"there is no statemig.toml and no [tool.statemig] in a pyproject.toml in {here} or above it",
            hint="Make one with `statemig init`, or name a file in STATEMIG_CONFIG.",
        )

    @classmethod
    def read(cls, file: str | Path, *, environment: Mapping[str, str] | None = None) -> Config:
        """The settings of this file. Raises `ConfigError`."""
        path = Path(file).absolute()
        if not path.is_file():
            raise ConfigError(
                f"there is no configuration file {path}",
                hint="Make one with `statemig init`, or correct the name.",
            )
        table = _table(path)
        if table is None:
            raise ConfigError(f"{path} has no table [tool.statemig]", hint="Add it, or run `statemig init`.")
        env = os.environ if environment is None else environment
        return _overridden(_from_table(table, path), Path.cwd(), env)

    def load_workflow(self, reference: str) -> Any:
        """The object that ``"package.module:name"`` names.

        The project's root and its ``src`` can be imported from while this runs. Raises `ConfigError` naming the
        reference and what is wrong with it; an exception of the module itself is the `__cause__`.
        """
        module_name, colon, attribute = reference.partition(":")
        if not (colon and module_name and attribute):
            raise ConfigError(
                f"{reference!r} does not name a workflow",
                hint='Write it as "package.module:name", for example "app.flows:triage".',
            )
        with self._importable():
            try:
                found: Any = importlib.import_module(module_name)
            except ModuleNotFoundError as error:
                if error.name is not None and (
                    module_name == error.name or module_name.startswith(f"{error.name}.")
                ):
                    raise ConfigError(
                        f"{reference!r}: there is no module {error.name} in {self.root} or among what is installed",
                        hint="Correct `workflows`, or install the application beside statemig.",
                    ) from error
                raise ConfigError(
                    f"{reference!r}: importing {module_name} needs {error.name}, which is not installed",
                    hint="Install the application's dependencies beside statemig.",
                ) from error
            except Exception as error:
                raise ConfigError(
                    f"{reference!r}: importing {module_name} raised {type(error).__name__}: {error}"
                ) from error
        for name in attribute.split("."):
            if not hasattr(found, name):
                near = difflib.get_close_matches(name, dir(found), n=1)
                raise ConfigError(
                    f"{reference!r}: {module_name} has no {attribute}",
                    hint=f"Did you mean {near[0]}?" if near else "Correct `workflows`.",
                )
            found = getattr(found, name)
        return found

    @contextmanager
    def _importable(self) -> Iterator[None]:
        added = [str(folder) for folder in (self.root, self.root / "src") if folder.is_dir()]
        added = [folder for folder in added if folder not in sys.path]
        sys.path[:0] = added
        try:
            yield
        finally:
            for folder in added:
                if folder in sys.path:
                    sys.path.remove(folder)


# -- reading -------------------------------------------------------------------------------------------------


def _table(path: Path) -> dict[str, Any] | None:
    """The table of settings in a file; None where there is no file or no table in it."""
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    own = path.name == "statemig.toml"
    if not own and path.name == "pyproject.toml" and "statemig" not in text:
        return None  # somebody else's: whatever is wrong with it is not ours to say
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    tool = content.get("tool", {})
    table = tool.get("statemig") if isinstance(tool, dict) else None
    if table is None and path.name != "pyproject.toml":
        table = content
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.statemig is not a table", hint="Write it as [tool.statemig].")
    return table


def _from_table(table: dict[str, Any], path: Path) -> Config:
    known = {"script_location": str, "workflows": list, "store": str, "deploy_store": str, "ignore": list}
    problems: list[str] = []
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            problems.append(f"{key} is no setting" + (f" (did you mean {near[0]}?)" if near else ""))
        elif not isinstance(value, known[key]):
            problems.append(f"{key} is not a {'list' if known[key] is list else 'string'}")
        elif key == "workflows" and not all(isinstance(item, str) for item in value):
            problems.append("workflows is not a list of strings")
        elif key == "ignore":
            problems += _ignore_problems(value)
    if problems:
        raise ConfigError(f"{path}: {'; '.join(problems)}", hint=f"Settings are {', '.join(known)}.")
    return Config(
        root=path.parent,
        script_location=path.parent / table.get("script_location", DEFAULT_LOCATION),
        workflows=tuple(table.get("workflows", ())),
        store=_below(path.parent, table.get("store")),
        file=path,
        ignore=tuple(Ignore(**entry) for entry in table.get("ignore", ())),
        deploy_store=_below(path.parent, table.get("deploy_store")),
    )


def _ignore_problems(entries: list[Any]) -> Iterator[str]:
    names = [each.name for each in fields(Ignore)]
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(entries, 1):
        where = f"ignore number {number}"
        if not isinstance(entry, dict):
            yield f"{where} is not a table"
            continue
        yield from (f"{where}: {key} is no setting of it" for key in entry if key not in names)
        wrong = [name for name in names if not isinstance(entry.get(name), str) or not entry[name].strip()]
        yield from (f"{where} has no {name}, which is a text" for name in wrong)
        if not wrong:
            pair = (entry["rule"], entry["path"])
            if pair in seen:
                yield f"{where} is about {pair[0]} at {pair[1]} again"
            seen.add(pair)


def _below(root: Path, store: str | None) -> str | None:
    # A command started in a sub-folder would otherwise quietly make a second, empty database there.
    relative = re.fullmatch(r"(sqlite(?:\+\w+)?:///)((?!/|:memory:|file:).+)", store or "")
    return store if relative is None else f"{relative[1]}{(root / relative[2]).as_posix()}"


def _overridden(config: Config, here: Path, env: Mapping[str, str]) -> Config:
    unknown = [name for name in env if name.startswith("STATEMIG_") and name not in _ENVIRONMENT]
    for name in unknown:
        # Without the prefix that all share: it makes every pair of names look alike.
        settings = {each.removeprefix("STATEMIG_"): each for each in _ENVIRONMENT}
        near = difflib.get_close_matches(name.removeprefix("STATEMIG_"), settings, n=1, cutoff=0.75)
        if near:
            raise ConfigError(
                f"the environment sets {name}, which is no setting", hint=f"Did you mean {settings[near[0]]}?"
            )
    if location := env.get(_LOCATION):
        config = replace(config, script_location=here / location)
    if store := env.get(_STORE):
        config = replace(config, store=store)
    if deploy_store := env.get(_DEPLOY_STORE):
        config = replace(config, deploy_store=deploy_store)
    return config
