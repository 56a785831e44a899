"""What the tests of the cache share."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing, contextmanager

from bot.tools.git import processes_started


@contextmanager
def counting():
    """The git processes that the block starts, by subcommand."""
    before, during = processes_started(), Counter()
    yield during
    during.update(processes_started() - before)


def rows(tmp_path, query="SELECT count(*) FROM commits", name="cache.sqlite"):
    with closing(sqlite3.connect(tmp_path / name)) as database:
        return database.execute(query).fetchone()[0]


def grow(history, branch, count, *, tag="x"):
    return [history.commit(branch, {f"{tag}{n}.py": f"{n}\n"}, f"Add {tag}{n}") for n in range(count)]


def verbatim(history, sha):
    """What a person gets who asks git."""
    how = ("-p", "--full-index", "--no-renames", "--root")
    diff = history.run("-c", "core.quotePath=false", "diff-tree", *how, sha).stdout
    return history.run("patch-id", "--verbatim", stdin=diff).stdout.decode().split(" ")[0]
