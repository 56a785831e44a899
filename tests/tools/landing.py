"""How pulls reach a main branch: squashed, rebased, merged or pushed by a robot, each made by real git.

It must never use the bot's own code: what is landed here is what the bot has to recognise.
"""

from __future__ import annotations

import os
from typing import Any

from bot.core.model import Pull
from tests.core.values import a_pull
from tests.tools.histories import History, Kept, Person, lines

LATER = "1710000000 +0000"
"""When forges make their commits: well after every commit of a history."""


def start(history: History) -> str:
    """A main branch with two files and the place where pulls fork off."""
    history.commit("main", {"a.py": lines(), "b.py": lines(), "docs/c.md": lines()}, "Start")
    return history.commit("main", {"d.py": "d\n"}, "More")


def topic(history: History, *titles: str, name: str = "topic", line: int = 3) -> list[str]:
    """A branch off main with a commit per title, each on a far-apart line of `a.py` (and a file of its own)."""
    history.branch(name, "main")
    made, changed = [], list[tuple[int, str]]()
    for count, title in enumerate(titles):
        changed.append((line + 6 * count, title))
        files = {"a.py": lines(*changed), f"{name}-{count}.py": f"{title}\n"}
        made.append(history.commit(name, files, f"{title}\n\nWhy {title}.", author=Person(b"Bob <bob@example.org>")))
    return made


def squash(history: History, head: str, message: str, onto: str = "main", author: Person | None = None) -> str:
    """One commit on a branch with all that merging `head` would bring."""
    history.branch("landing/merged", onto)
    merged = history.merge("landing/merged", head)
    files = {os.fsdecode(path): Kept(*entry) for path, entry in history.entries(merged).items()}
    author = author or Person(b"Bob <bob@example.org>", LATER)
    return history.commit(onto, files, message, author=author, replace=True)


def rebase(history: History, commits: list[str], onto: str = "main") -> list[str]:
    """The commits again on a branch, by `git cherry-pick` in a work tree; the new ids, oldest first."""
    before = history.sha(onto)
    history.git("checkout", "-q", "-f", "--detach", before)
    history.git("cherry-pick", "--keep-redundant-commits", *commits, GIT_COMMITTER_DATE=LATER)
    history.branch(onto, "HEAD")
    return history.git("rev-list", "--reverse", f"{before}..HEAD").split()


def merged_pull(history: History, head: str, merged_as: str | None, **changes: Any) -> Pull:
    """Pull #12 from `head`, which the forge says it merged."""
    known = {"merged_as": merged_as, "head_sha": history.sha(head), "base_sha": "", **changes}
    return a_pull(**known)


def closed_pull(history: History, head: str, **changes: Any) -> Pull:
    """Pull #12 from `head`, which the forge says was closed without being merged."""
    return a_pull(**{"merged": False, "merged_as": None, "head_sha": history.sha(head), "base_sha": "", **changes})

