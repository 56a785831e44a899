"""What the tests of the whole program may ask for."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.app.databases import a_server, create, postgres_programs
from tests.app.whole import World

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes a new PostgreSQL database each time it is called, and answers its address."""
    if postgres_programs() is None:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    with a_server() as address:
        yield lambda: create(address, f"test-{os.getpid()}-{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind, by its address."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/relbot.sqlite"
    return str(request.getfixturevalue("postgres")())


@pytest.fixture(params=["github", "gitlab"])
def durable_world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A project on each forge, and beside it the bot on the durable engine; it does not run yet."""
    kind = request.param
    forge = request.getfixturevalue("sandbox" if kind == "github" else "gitlab_sandbox")
    world = World(forge, tmp_path / "bot", kind)
    world.database = f"sqlite:///{tmp_path}/relbot.sqlite"
    return world
