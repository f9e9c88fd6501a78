"""The pytest plugin: ``pytest --statemig`` collects one item for each law, revision and model.

Loaded by every pytest in an environment that has statemig, so nothing is imported here until it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.testing.project import Project
    from statemig.testing.trial import Trial

_PREFIX = "test_"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("statemig", "migrations of run state")
    group.addoption(
        "--statemig",
        action="store_true",
        help="Test the migrations: one item for each law, revision and model (statemig::up_validates[...]).",
    )
    group.addoption(
        "--statemig-profile",
        choices=["dev", "ci", "nightly"],
        default=None,
        help="How many states to try for each: dev (60), ci (200, the same every time), nightly (5000).",
    )
    parser.addini(
        "statemig", "Test the migrations in every run, as --statemig does.", type="bool", default=False
    )
    parser.addini(
        "statemig_profile", "dev, ci or nightly, where --statemig-profile says nothing.", default=""
    )
    parser.addini(
        "statemig_config", "The configuration of statemig, or a folder to look for it from.", default=""
    )


def wanted(config: pytest.Config) -> bool:
    return bool(config.getoption("statemig") or config.getini("statemig"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the items before -k, -m, --lf and xdist choose among them."""
    if not wanted(config):
        return
    from statemig.testing.collecting import LawItem, Laws

    # A file that imports the laws would try each of them twice.
    twice = [item for item in items if "statemig_trial" in getattr(item, "fixturenames", ())]
    if twice:
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if item not in twice]
    parent = Laws.from_parent(session, name="statemig", nodeid="statemig")
    made = []
    for each in _trials(config):
        name = f"{each.law}[{each.id}]"
        # The id in full: made of parent and name, its brackets would not be those of parameters, and --lf would not know it again.
        made.append(LawItem.from_parent(parent, name=name, nodeid=f"statemig::{name}", trial=each))
    # So that the summary counts them, as it counts what files hold.
    config.hook.pytest_collectreport(report=pytest.CollectReport("statemig", "passed", None, list(made)))
    items.extend(made)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "statemig_trial" not in metafunc.fixturenames:
        return
    name = metafunc.function.__name__.removeprefix(_PREFIX)
    found = [] if wanted(metafunc.config) else _trials(metafunc.config, name)
    if wanted(metafunc.config):
        metafunc.parametrize("statemig_trial", [None], ids=["statemig"], indirect=True)
    else:
        metafunc.parametrize("statemig_trial", found, ids=[each.id for each in found], indirect=True)


@pytest.fixture
def statemig_trial(request: pytest.FixtureRequest) -> Any:
    """One law on one revision and model; call it."""
    from statemig.testing.trial import Skipped
    from statemig.testing.violation import Violation

    given: Trial = request.param

    def run() -> None:
        try:
            given()
        except Skipped as skipped:
            pytest.skip(str(skipped))
        except Violation as violation:
            pytest.fail(str(violation), pytrace=False)

    return run


@pytest.fixture(scope="session")
def statemig_project(pytestconfig: pytest.Config) -> Project:
    """The configuration, the migrations and the workflows of the project around."""
    return _project(pytestconfig)


@pytest.fixture
def statemig_migrator(statemig_project: Project) -> Migrator:
    """The migrator of the project's only workflow. Raises `ConfigError` where there are several: make it yourself then."""
    from statemig.migrator import Migrator

    return Migrator(statemig_project.config.script_location)


def _project(config: pytest.Config) -> Project:
    from statemig.testing.project import Project

    given = config.getini("statemig_config")
    root = config.rootpath
    return Project(root / given if given else root)


_KEY = pytest.StashKey["list[Trial]"]()


def _trials(config: pytest.Config, only: str | None = None) -> list[Trial]:
    from statemig.errors import StatemigError
    from statemig.testing.profiles import PROFILES, default
    from statemig.testing.trial import trials

    if _KEY not in config.stash:
        name = config.getoption("statemig_profile") or config.getini("statemig_profile") or default()
        if name not in PROFILES:
            raise pytest.UsageError(f"statemig_profile is one of {', '.join(PROFILES)}, not {name!r}")
        cache = config.rootpath / ".hypothesis" / "statemig"
        try:
            config.stash[_KEY] = list(trials(_project(config), PROFILES[name], cache))
        except StatemigError as error:
            raise pytest.UsageError(f"statemig: {error}") from error
    return [each for each in config.stash[_KEY] if only is None or each.law == only]
