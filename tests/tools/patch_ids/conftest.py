"""A repository with a line, and its cache, opened as often as a test likes."""

from __future__ import annotations

import pytest

from bot.tools.git import Git
from bot.tools.patch_ids import PatchIds
from tests.tools.histories import History
from tests.tools.landing import start


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path / "repository")
    start(made)
    made.branch("release/2.7", "main")
    return made


@pytest.fixture
def opened(history, tmp_path):
    """Open the cache again and again; all are closed at the end."""
    opened: list[PatchIds] = []

    def open_again(name="cache.sqlite"):
        opened.append(PatchIds(tmp_path / name, Git(history.git_dir)))
        return opened[-1]

    yield open_again
    for cache in opened:
        cache.close()
