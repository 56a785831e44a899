"""What the tests of the mirror share: a forge's repository on this machine, pulls that landed there, and wishes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.core.actions import EnsureBranch, PickCommits
from bot.core.model import CloneAccess, Repo, Secret
from bot.core.picks import Picked
from tests.tools.histories import History, Person
from tests.tools.landing import merged_pull, squash, topic

GITHUB = Repo("github", 7, "acme/torchlet", "main")
GITLAB = Repo("gitlab", 7, "acme/torchlet", "main")
PULLS = {"github": "refs/pull/{number}/head", "gitlab": "refs/merge-requests/{number}/head"}
LINES = ("release/*",)
WHEN = 1_720_000_000
BOB = Person(b"Bob <bob@example.org>")


def access(url, repo=GITHUB):
    return CloneAccess(url, "relbot", Secret("secret"), PULLS[repo.forge])


def land(remote, *titles, number=12):
    """Squash a pull to main; its head is where GitHub keeps it. Answers the pull."""
    name = f"topic/{number}"
    topic(remote, *titles, name=name)
    remote.git("update-ref", f"refs/pull/{number}/head", remote.sha(name))
    landed = squash(remote, name, f"{titles[0]} (#{number})")
    remote.git("update-ref", "-d", f"refs/heads/{name}")
    remote.git("update-ref", "-d", "refs/heads/landing/merged")
    head = remote.git("rev-parse", f"refs/pull/{number}/head")
    return replace(merged_pull(remote, landed, landed), number=number, head_sha=head)


def wish(remote, *commits, onto="release/2.7", **more):
    """A pick of commits onto a branch as it is now."""
    return PickCommits(GITHUB, commits, remote.sha(onto), WHEN, **more)


def ensure(mirror, picking, branch="backport/2.7/12", expect=None):
    """Pick and push; the outcome of the push, and the commit that was to be pushed."""
    outcome = mirror.pick(picking)
    assert isinstance(outcome, Picked), outcome
    return mirror.ensure_branch(EnsureBranch(picking, outcome.commit, branch, expect)), outcome.commit


def at(remote, branch):
    """Where a branch of the forge is; empty when it is not."""
    return remote.git("rev-parse", "-q", "--verify", f"refs/heads/{branch}", check=False)


def elsewhere(history, path):
    """The same repository under another path."""
    copy = History.__new__(History)
    copy.__dict__.update(history.__dict__, path=Path(path))
    return copy
