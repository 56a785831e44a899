"""Branches that are made at a commit which is there: all of them or none, and never in the place of another."""

from __future__ import annotations

import pytest

from bot.core.actions import BranchReady, Refused
from bot.core.cutting import BranchTaken, CreateBranches
from bot.core.errors import Fault, UserError
from bot.core.model import Branch
from tests.tools.mirror.story import GITHUB, at

NAMES = ("release/2.9", "orig/release/2.9")


def create(mirror, commit, names=NAMES):
    return mirror.create_branches(CreateBranches(GITHUB, commit, names))


def hook(remote, script):
    path = remote.git_dir / "hooks" / "update"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\n{script}\n")
    path.chmod(0o755)


def test_both_are_made_and_a_second_time_changes_nothing(remote, mirror):
    commit = remote.sha("main")
    assert create(mirror, commit) == BranchReady(commit)
    assert [at(remote, name) for name in NAMES] == [commit] * 2
    assert create(mirror, commit) == BranchReady(commit, found=True)


def test_only_what_is_lacking_is_made(remote, mirror):
    commit = remote.sha("main")
    remote.branch("orig/release/2.9", commit)
    assert create(mirror, commit) == BranchReady(commit)
    assert at(remote, "release/2.9") == commit


@pytest.mark.parametrize("taken", NAMES)
def test_a_branch_that_is_elsewhere_is_left_alone_and_the_other_is_not_made(remote, mirror, taken):
    other = remote.branch(taken, "release/2.7")
    assert create(mirror, remote.sha("main")) == BranchTaken(Branch(taken, other))
    assert sorted(at(remote, name) for name in NAMES) == sorted(["", other])


def test_a_commit_below_a_tip_will_do_and_main_may_have_gone_on(remote, mirror):
    below = remote.sha("main")
    create(mirror, below)
    remote.commit("main", {"more.py": "more\n"}, "Main goes on")
    assert create(mirror, below, ("release/2.10",)) == BranchReady(below)


def test_a_branch_that_comes_to_be_at_that_moment_is_left_alone(remote, mirror):
    other = remote.sha("release/2.7")
    hook(remote, f"git update-ref refs/heads/release/2.9 {other}; exit 1")
    assert create(mirror, remote.sha("main")) == BranchTaken(Branch("release/2.9", other))
    assert at(remote, "orig/release/2.9") == ""


def test_what_a_twin_has_made_a_moment_earlier_is_there(remote, mirror):
    commit = remote.sha("main")
    hook(remote, f"for n in {' '.join(NAMES)}; do git update-ref refs/heads/$n {commit}; done; exit 1")
    assert create(mirror, commit) == BranchReady(commit, found=True)


def test_where_one_of_them_is_refused_none_is_made(remote, mirror):
    said = "GitLab: You are not allowed to create protected branches on this project."
    hook(remote, f'[ "$1" = refs/heads/release/2.9 ] || exit 0\necho "{said}" >&2; exit 1')
    done = create(mirror, remote.sha("main"))
    assert isinstance(done, Refused)
    assert said in done.reason
    assert "by hand at that commit" in done.next_step
    assert [at(remote, name) for name in NAMES] == ["", ""]


def test_a_commit_that_is_not_there_and_a_name_that_is_none_are_never_pushed(remote, mirror):
    before = remote.git("for-each-ref")
    with pytest.raises(Fault, match="There is no commit"):
        create(mirror, "1" * 40)
    for name in ("a b", "-x", "x..y", "x:y", "*"):
        with pytest.raises(UserError):
            create(mirror, remote.sha("main"), (name,))
    assert remote.git("for-each-ref") == before
