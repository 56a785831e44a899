"""What the commits of a pick are, path by path, for a forge that makes them itself instead of being pushed to.

It never sends content that the forge has: what came from there is named by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from bot.core.model import NewCommit, TreeChange
from bot.core.picks import Partial, Picked, PickOutcome
from bot.tools.objects import RawCommit
from bot.tools.pick import Picker
from bot.tools.trailers import credited_message

_CHANGE = re.compile(rb":\d{6} (\d{6}) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*\0([^\0]+)\0")
"""One path of `git diff-tree --raw -z`: mode and id after the commit, and the path."""

_GONE = b"000000"
_SUBMODULE = "160000"


def describe_commits(picker: Picker, outcome: PickOutcome) -> tuple[NewCommit, ...]:
    """The commits of a pick, in order. Empty when nothing was picked."""
    if not isinstance(outcome, Picked | Partial):
        return ()
    picker.keep(outcome.commit)
    names = [outcome.onto, *(step.result for step in outcome.steps if step.result)]
    commits = [commit for commit in picker.reader.commits(names) if commit]
    return tuple(_describe(picker, before.tree, commit) for before, commit in pairwise(commits))


def _describe(picker: Picker, before: str, commit: RawCommit) -> NewCommit:
    message = credited_message(commit.message, commit.author.rsplit(b" ", 2)[0])
    return NewCommit(message.decode(errors="replace"), commit.tree, tuple(_changes(picker, before, commit.tree)))


def _changes(picker: Picker, before: str, after: str) -> Iterator[TreeChange]:
    told = picker.scratch.view().run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", before, after)
    for mode, name, path in _CHANGE.findall(told):
        sha, where = name.decode("ascii"), path.decode(errors="surrogateescape")
        if mode == _GONE:
            yield TreeChange(where, None, None)
        else:
            yield TreeChange(where, mode.decode("ascii"), sha, _new_content(picker, mode.decode("ascii"), sha))


def _new_content(picker: Picker, mode: str, sha: str) -> bytes | None:
    """The content of a file that the merge has made; None for what the repository had before, and for submodules."""
    if mode == _SUBMODULE or not picker.scratch.loose.path(sha).exists():
        return None
    found = picker.reader.contents([sha])[0]
    assert found is not None
    return found[1]
