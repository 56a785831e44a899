"""A forge's repository, a clone of it that is still to be made, and a server that can be told to misbehave."""

from __future__ import annotations

import pytest

from bot.tools.clone import Clone
from tests.tools.clone.story import access
from tests.tools.git_server import GitServer
from tests.tools.histories import History, lines


@pytest.fixture
def remote(tmp_path):
    """`acme/torchlet.git` with main, two lines, a topic branch, a tag and a pull; blobless fetches are allowed."""
    made = History(tmp_path / "server" / "acme" / "torchlet.git", bare=True)
    made.git("config", "uploadpack.allowFilter", "true")
    made.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made.git("config", "http.receivepack", "true")
    for n in range(5):
        made.commit("main", {"a.py": lines((1, f"old {n}")), "b.py": lines()}, f"Old {n}")
    made.branch("release/2.6", "main")
    made.commit("main", {"b.py": lines((2, "two"))}, "Two")
    made.branch("release/2.7", "main")
    made.commit("main", {"a.py": lines((9, "nine"))}, "Nine")
    made.commit("release/2.7", {"c.py": "c\n"}, "Line")
    made.branch("topic/12", "main")
    head = made.commit("topic/12", {"t.py": "t\n"}, "Topic")
    made.git("update-ref", "refs/pull/12/head", head)
    made.git("tag", "v2.6.0", "release/2.6")
    return made


@pytest.fixture
def clone(remote, tmp_path):
    return Clone(tmp_path / "mirrors" / "github-7", access(f"file://{remote.path}"))


@pytest.fixture
def server(remote):
    with GitServer(remote.path.parents[1]) as running:
        yield running
