"""A forge's repository, and mirrors of it that are closed when a test ends."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.core.actions import Sync
from bot.tools.mirror import Mirrors
from tests.tools.histories import History
from tests.tools.landing import start
from tests.tools.mirror.story import GITHUB, LINES, access, land, wish


@pytest.fixture
def remote(tmp_path):
    """`acme/torchlet.git` with main and release/2.7, as a forge serves it."""
    made = History(tmp_path / "server" / "acme" / "torchlet.git", bare=True)
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "http.receivepack"):
        made.git("config", setting, "true")
    start(made)
    made.branch("release/2.7", "main")
    made.commit("release/2.7", {"line.py": "line\n"}, "Line")
    return made


@pytest.fixture
def mirrors(tmp_path):
    with closing(Mirrors(tmp_path / "mirrors")) as all_of_them:
        yield all_of_them


@pytest.fixture
def mirror(mirrors, remote):
    return mirrors.of(GITHUB, access(f"file://{remote.path}"))


@pytest.fixture
def ready(remote, mirror):
    """A synced mirror and a wish that picks cleanly."""
    pull = land(remote, "one", "two")
    mirror.sync(Sync(GITHUB, LINES, number=12))
    return mirror, wish(remote, pull.merged_as)
