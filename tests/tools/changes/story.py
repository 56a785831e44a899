"""What the tests of the change resolver share."""

from __future__ import annotations

import os

from bot.core.model import Change
from tests.tools.histories import Kept, lines


def move_main(history, line=18):
    """Another change lands on main before the pull does."""
    return history.commit("main", {"b.py": lines((line, "meanwhile"))}, "Meanwhile (#11)")


def changed(history, sha):
    """The files of a commit that are not those of its parent."""
    before = history.entries(f"{sha}^")
    after = history.entries(sha).items()
    return {os.fsdecode(path): Kept(*entry) for path, entry in after if before.get(path) != entry}


def shas(outcome):
    assert isinstance(outcome, Change), outcome
    return [commit.sha for commit in outcome.commits]
