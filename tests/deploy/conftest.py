"""The composed system for the tests of this folder, and what they measured.

RELBOT_ENGINE says what to do without a Docker engine: unset, these tests are left out in any case (`make test`);
`wanted`, they are left out aloud where there is none (`make deploy-test`); `required`, that is a failure (CI).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.composed import Composed
from tests.deploy.engine import BOT, build, docker, why_not
from tests.deploy.project import Project

FIGURES = pytest.StashKey[dict[str, str]]()
TOPICS = ("first", "second", "third", "fourth")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash[FIGURES]:
        terminalreporter.section("what was measured")
        for what, value in figures.items():
            terminalreporter.line(f"{what:<58} {value:>12}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """What is printed at the end: what was measured, and how much it was."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def image(figures: dict[str, str]) -> str:
    """The bot's image, built."""
    mode = os.environ.get("RELBOT_ENGINE")
    if mode not in {"wanted", "required"}:
        pytest.skip("`make deploy-test` runs this on a Docker engine")
    if reason := why_not():
        if mode == "required":
            pytest.fail(f"{reason}. With RELBOT_ENGINE=wanted these tests are left out here instead.")
        pytest.skip(f"{reason}: nothing of the deployment was tried")
    built = build()
    figures["the base out of Debian's packages (0: was there)"] = f"{built.base:.0f} s"
    figures["the bot's image on it"] = f"{built.image:.0f} s"
    figures["the stand-ins for PostgreSQL and nginx"] = f"{built.neighbours:.0f} s"
    return BOT


@pytest.fixture(scope="session")
def system(image: str, figures: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Everything up and healthy."""
    composed = Composed(tmp_path_factory.mktemp("composed"))
    start = time.monotonic()
    try:
        composed.up()
        composed.wait_until_healthy("database", "web")
        figures["from nothing to a healthy system, forge included"] = f"{time.monotonic() - start:.0f} s"
        yield composed
    finally:
        composed.down()


@pytest.fixture(scope="session")
def project(system: Composed, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The repository with its topics, whose webhooks go through the proxy."""
    made = Project(system.people)
    made.begin(tmp_path_factory.mktemp("desk"), *TOPICS)
    made.add_hook("http://bot.test:8080/hooks/github", system.secrets["webhook"])
    return made


@pytest.fixture
def shell(image: str) -> Callable[[str], str]:
    """Runs a line of shell in a fresh container of the bot's image, as its user and on a root that is read-only."""
    options = ("--rm", "--read-only", "--network", "none", "--entrypoint", "sh")
    return lambda line: docker("run", *options, image, "-c", line)
