"""What the real `git cherry-pick` makes of a wish, in a clean clone: the judge of picks in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.core.picks import Conflict, Partial, Picked, PickOutcome, Present
from bot.tools.pick import Committer, Impossible, Picker
from bot.tools.scratch import Repository, Scratch
from tests.tools.histories import History

COMMITTER = Committer("Bot", "bot@example.org")


@dataclass(frozen=True)
class Verdict:
    """Outcome of each commit in order, the tree at the end (None after a conflict), and the unmerged paths."""

    steps: tuple[str, ...]
    tree: str | None
    unmerged: frozenset[str] = frozenset()


class UnjudgedError(Exception):
    """The real cherry-pick refused to begin: a checkout that git itself takes for changed, say."""


@contextmanager
def picking(history: History, place: Path) -> Iterator[Picker]:
    """A picker on a history, with its scratch store in `place`."""
    picker = Picker(Scratch(place, Repository.find(history.path)), COMMITTER)
    try:
        yield picker
    finally:
        picker.close()


class Judge:
    """A clone with a work tree in which the real cherry-pick is run, for as many wishes as there are."""

    def __init__(self, history: History, place: Path) -> None:
        self._clone = history.clone(place, "--shared", "--no-checkout")

    def decide(self, onto: str, commits: Sequence[str], *flags: str) -> Verdict:
        """Check out `onto` afresh, and cherry-pick one commit after the other until one conflicts."""
        self._clone.git("checkout", "-q", "--force", "--detach", onto)
        steps: list[str] = []
        for commit in commits:
            outcome, unmerged = self._pick(commit, flags)
            steps.append(outcome)
            if outcome == "conflict":
                return Verdict((*steps, *["skipped"] * (len(commits) - len(steps))), None, unmerged)
        return Verdict(tuple(steps), self._clone.tree("HEAD"))

    def start_over(self) -> None:
        """Forget what the last wish left in the work tree."""
        self._clone.git("reset", "-q", "--hard")
        self._clone.git("clean", "-ffdxq")

    def _pick(self, commit: str, flags: Sequence[str]) -> tuple[str, frozenset[str]]:
        done = self._clone.run("cherry-pick", *flags, commit)
        said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
        if done.returncode == 0:
            return "picked", frozenset()
        if "now empty" in said:
            self._clone.git("cherry-pick", "--skip")
            return "present", frozenset()
        if "could not apply" in said:
            listed = self._clone.git("ls-files", "-u", "-z").split("\0")[:-1]
            return "conflict", frozenset(_plain(line.split("\t", 1)[1], self._clone, commit) for line in listed)
        raise UnjudgedError(said)


def cherry_pick(history: History, place: Path, onto: str, commits: Sequence[str], *flags: str) -> Verdict:
    """What a judge of its own says of one wish."""
    return Judge(history, place).decide(onto, commits, *flags)


def _plain(path: str, clone: History, commit: str) -> str:
    """A path without the side that git appends where two things want one name: `~HEAD`, `~1234567 (title)`."""
    title = clone.git("log", "-1", "--format=%h (%s)", commit).replace("/", "_")
    return re.sub(rf"~(?:HEAD|{re.escape(title)})(?:_\d+)?$", "", path)


def verdict_of(outcome: PickOutcome | Impossible) -> Verdict:
    """An outcome of ours in the judge's words."""
    assert not isinstance(outcome, Impossible), outcome.reason
    steps = tuple(step.outcome for step in outcome.steps)
    match outcome:
        case Conflict(_, paths, _):
            return Verdict(steps, None, frozenset(p.path for p in paths))
        case Picked(_, _, tree, _) | Partial(_, _, tree, _) | Present(_, tree, _):
            return Verdict(steps, tree)
