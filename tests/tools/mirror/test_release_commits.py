"""Commits that are made in memory, files that are read out of them, and the bot's own branch where they wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import BranchMoved, BranchReady, Sync
from bot.core.errors import Fault, UserError
from bot.core.tagging import Between, CommitMade, FindBetween, IsAncestor, ReadFiles, StageCommit
from tests.tools.histories import executable, submodule, symlink
from tests.tools.mirror.releases import NEW, everything, section
from tests.tools.mirror.story import GITHUB, LINES, WHEN, access, at


@pytest.fixture
def releases(remote, mirror):
    remote.commit("release/2.7", {
        "kit/run.sh": executable("run\n"), "kit/deep/er/x.py": "x\n", "link": symlink("kit"),
        "sub": submodule("1" * 40), "kit.py": "before the folder\n", "kit-x": "and after\n",
        "bin": b"\0\1", "latin": b"caf\xe9",
    })  # fmt: skip
    mirror.sync(Sync(GITHUB, LINES))
    return mirror.releases


def staged(remote, mirror, make, branch="relbot/rc/2.7", expect=None):
    commit = mirror.releases.make_commit(make).commit
    return mirror.stage_commit(StageCommit(make, commit, branch, expect)), commit


def test_a_commit_holds_the_new_texts_and_everything_else_as_it_was(remote, mirror, releases):
    files = (*NEW, ("kit/run.sh", "run faster\n"), ("kit/deep/er/y.py", "y\n"), ("a/b/c", "new folders\n"))
    done, commit = staged(remote, mirror, section(remote, files=files))
    assert done == BranchReady(commit)
    parent = remote.entries("release/2.7")
    made = remote.entries(commit)
    differing = {path.decode() for path in made.keys() | parent.keys() if made.get(path) != parent.get(path)}
    assert differing == dict(files).keys()
    assert made[b"kit/run.sh"][0] == "100755"
    assert made[b"a/b/c"][0] == "100644"
    assert all(remote.read(commit, path).decode() == text for path, text in files)
    assert remote.git("fsck", "--strict", "--no-dangling", check=False) == ""
    said = remote.git("log", "-1", "--format=%P|%an|%ae|%at|%cn|%ct|%B", commit)
    email = "relbot@users.noreply.invalid"
    assert said == f"{remote.sha('release/2.7')}|relbot|{email}|{WHEN}|relbot|{WHEN}|Release 2.7.0"


def test_the_tree_is_the_one_that_git_makes(remote, mirror, releases, tmp_path):
    [(path, text)] = [("kit/version.txt", "2.7.0\n")]
    made = releases.make_commit(section(remote, files=((path, text),)))
    index = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    remote.git("read-tree", "release/2.7", **index)
    blob = remote.git("hash-object", "-w", "--stdin", stdin=text.encode())
    remote.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
    assert made == CommitMade(made.commit, remote.git("write-tree", **index), (path,))


def test_the_same_wish_is_the_same_commit_after_a_restart_too(remote, mirror, releases, mirrors):
    make = section(remote)
    first = releases.make_commit(make)
    mirrors.close()
    again = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    again.sync(Sync(GITHUB, LINES))
    assert again.releases.make_commit(make) == first
    assert again.releases.make_commit(replace(make, committed_at=WHEN + 1)).commit != first.commit


def test_where_nothing_would_change_it_is_the_parent_itself(remote, releases):
    parent = remote.sha("release/2.7")
    same = section(remote, files=(("kit/run.sh", "run\n"),))
    assert releases.make_commit(same) == CommitMade(parent, remote.tree(parent), ())
    some = releases.make_commit(section(remote, files=(("kit/run.sh", "run\n"), ("new", "x"))))
    assert some.changed == ("new",)


ODD = (
    "", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".git/config", "a/.GIT/hooks/x", ".git ", ".git.", "git~1/x",
    "./a", ".git::$INDEX_ALLOCATION/x", "a\nb", "a\0b", "x" * 2000, "\ud800",
)  # fmt: skip


def test_a_path_that_leads_out_or_into_gits_own_folder_is_refused(remote, releases):
    for path in ODD:
        with pytest.raises(UserError, match="no path"):
            releases.make_commit(section(remote, files=((path, "x"),)))
    assert releases.read_files(ReadFiles(GITHUB, remote.sha("release/2.7"), ODD)) == dict.fromkeys(ODD)


def test_nothing_is_written_through_a_link_a_submodule_or_over_a_folder(remote, releases):
    for path in ("link", "link/x", "sub", "sub/x", "kit", "kit/run.sh/x"):
        with pytest.raises(UserError, match=r"Correct the path\."):
            releases.make_commit(section(remote, files=((path, "x"),)))
    for files in ((("a", "x"), ("a/b", "y")), (("a/b", "y"), ("a", "x"))):
        with pytest.raises(UserError, match="Correct the paths"):
            releases.make_commit(section(remote, files=files))


def test_a_text_without_end_is_refused_and_odd_characters_are_not(remote, releases):
    with pytest.raises(UserError, match="at most"):
        releases.make_commit(section(remote, files=(("a", "x" * 5_000_000),)))
    odd = "ünï/\u4e2d.md"
    assert releases.make_commit(section(remote, files=((odd, "\ud800 \x00"),))).changed == (odd,)


def test_files_are_read_and_what_is_no_text_is_not(remote, releases):
    paths = ("kit/run.sh", "kit/deep/er/x.py", "link", "link/run.sh", "sub", "kit", "bin", "latin", "none", "kit/none")
    read = releases.read_files(ReadFiles(GITHUB, remote.sha("release/2.7"), paths))
    assert read == {**dict.fromkeys(paths), "kit/run.sh": "run\n", "kit/deep/er/x.py": "x\n"}


def test_what_is_below_what_is_told(remote, releases):
    tip = remote.sha("release/2.7")
    below = remote.git("rev-parse", f"{tip}~1")
    cases = {(below, tip): True, (tip, tip): True, (tip, below): False, ("1" * 40, tip): False, (tip, "1" * 40): False}
    assert {pair: releases.is_ancestor(IsAncestor(GITHUB, *pair)) for pair in cases} == cases


def test_what_came_after_a_commit_is_listed_the_newest_first_and_counted(remote, mirror, releases):
    base = remote.sha("release/2.7")
    for n in range(3):
        remote.commit("release/2.7", {"more": str(n)}, f"fix: {n}\n\nBody {'x' * 300}.")
    long = remote.commit("release/2.7", {"more": "y"}, "é" * 500)
    mirror.sync(Sync(GITHUB, LINES))
    found = releases.find_between(FindBetween(GITHUB, long, base))
    assert [one.title for one in found.commits] == ["é" * 200, "fix: 2", "fix: 1", "fix: 0"]
    assert (found.commits[0].sha, found.more, found.count) == (long, 0, 4)
    cut = releases.find_between(FindBetween(GITHUB, long, base, most=2))
    assert ([one.title for one in cut.commits][1:], cut.more, cut.count) == (["fix: 2"], 2, 4)
    assert releases.find_between(FindBetween(GITHUB, base, long)) == Between()
    with pytest.raises(Fault, match="There is no commit"):
        releases.find_between(FindBetween(GITHUB, "1" * 40, base))


def test_the_bots_own_branch_is_made_found_and_made_anew_only_where_it_was_expected(remote, mirror, releases):
    make = section(remote)
    first = releases.make_commit(make).commit
    assert staged(remote, mirror, make)[0] == BranchReady(first)
    assert staged(remote, mirror, make)[0] == BranchReady(first, found=True)
    remote.commit("release/2.7", {"more": "x"})
    mirror.sync(Sync(GITHUB, LINES))
    newer = section(remote)
    assert staged(remote, mirror, newer)[0] == BranchMoved(first)
    done, second = staged(remote, mirror, newer, expect=first)
    assert done == BranchReady(second)
    assert at(remote, "relbot/rc/2.7") == second != first


def test_a_commit_other_than_the_one_that_was_described_is_not_pushed(remote, mirror, releases):
    before = everything(remote)
    with pytest.raises(Fault, match="described"):
        mirror.stage_commit(StageCommit(section(remote), "1" * 40, "relbot/rc/2.7", None))
    assert everything(remote) == before


def test_a_parent_that_is_not_there_is_a_fault(remote, releases):
    with pytest.raises(Fault, match="no commit"):
        releases.make_commit(section(remote, parent="1" * 40))
