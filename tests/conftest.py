"""What every test may ask for: sandbox forges whose every word is held against what the real ones say."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.gitlab_gate import GitLabGate
from tests.openapi_gate import Gate

# what fails in the shared parts of the tests is explained as in the tests themselves
pytest.register_assert_rewrite("tests.tools.wishes", "tests.tools.histories", "tests.tools.cherry_picking")


@pytest.fixture(autouse=True)
def _the_log_as_it_was() -> Iterator[None]:
    """A command that is run inside a test sets up the log of its process, which must not silence the tests after it."""
    loggers = [logging.getLogger(name) for name in (None, "urllib3", "github", "git", "werkzeug")]
    levels = [logger.level for logger in loggers]
    handlers = loggers[0].handlers[:]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    loggers[0].handlers[:] = handlers


@pytest.fixture
def gate() -> Gate:
    """What the sandbox of this test said and heard; the `sandbox` fixture checks it at the end."""
    return Gate()


@pytest.fixture
def sandbox(tmp_path: Path, gate: Gate) -> Iterator[Sandbox]:
    """A started sandbox forge; the test fails when anything it said or heard does not fit GitHub's description."""
    with Sandbox(tmp_path / "forge", observer=gate) as running:
        yield running
    assert not running.crashes, running.crashes[0]
    assert not running.unknown_routes, f"the sandbox has no route for {running.unknown_routes}"
    gate.check()


@pytest.fixture
def gitlab_gate() -> GitLabGate:
    """What the GitLab sandbox of this test said; the `gitlab_sandbox` fixture checks it at the end."""
    return GitLabGate()


@pytest.fixture
def gitlab_sandbox(tmp_path: Path, gitlab_gate: GitLabGate) -> Iterator[Sandbox]:
    """A started sandbox forge with GitLab's face; the test fails when it said what the real one never did."""
    with Sandbox(tmp_path / "gitlab", "gitlab", observer=gitlab_gate) as running:
        yield running
    assert not running.crashes, running.crashes[0]
    assert not running.unknown_routes, f"the sandbox has no route for {running.unknown_routes}"
    assert not running.unread_parameters, f"the sandbox looks at none of {running.unread_parameters}"
    gitlab_gate.check()
