"""A repository on this machine, of whatever kind and in whatever state: picked from, and left as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.core.errors import UserError
from bot.core.picks import Picked
from bot.tools.git import Git, GitFault
from bot.tools.local import LocalRepository
from bot.tools.pick import Impossible, Wish
from bot.tools.scratch import Repository
from tests.tools.cherry_picking import COMMITTER
from tests.tools.histories import History, lines
from tests.tools.wishes import files_in, fork

FIXED = {"a.py": lines((3, "fixed"), (18, "own")), "L": "0\nline's\nmain's\n", ".gitattributes": "L merge=union\n"}


def fill(history: History) -> None:
    """A line and a fix on main, which goes in by the line's attributes and by nobody else's."""
    fork(history, {"a.py": lines(), "L": "0\n", ".gitattributes": "L merge=union\n"})
    history.commit("line", {"a.py": lines((18, "own")), "L": "0\nline's\n"})
    history.commit("main", {".gitattributes": "* -merge\n"}, "main's attributes")
    history.branch("fix", "main")
    history.commit("fix", {"a.py": lines((3, "fixed")), "L": "0\nmain's\n"}, "fix")
    history.branch("main", "fix")


def snapshot(place: Path) -> dict[str, str]:
    """Everything below a folder, by content; dates do not count."""
    return {str(path.relative_to(place)): str(path.readlink()) if path.is_symlink()
            else hashlib.sha1(path.read_bytes()).hexdigest()
            for path in sorted(place.rglob("*")) if path.is_symlink() or path.is_file()}  # fmt: skip


def as_it_is(place):
    history = History(place / "r")
    fill(history)
    history.git("checkout", "-qf", "main")
    return history.path


def from_a_folder_inside(place):
    path = as_it_is(place)
    (path / "deep" / "er").mkdir(parents=True)
    return path / "deep" / "er"


def its_git_directory(place):
    return as_it_is(place) / ".git"


def bare(place):
    history = History(place / "r.git", bare=True)
    fill(history)
    return history.path


def under_an_odd_path(place):
    history = History(place / "my wörk's \"repo\" #1 $(x)")
    fill(history)
    return history.path


def through_a_symlink(place):
    (place / "link").symlink_to(as_it_is(place), target_is_directory=True)
    return place / "link"


def linked_work_tree(place):
    path = as_it_is(place)
    History(path).git("worktree", "add", "-q", str(place / "linked"), "line")
    return place / "linked"


def linked_to_a_bare_one(place):
    path = bare(place)
    History(path, bare=True).git("worktree", "add", "-q", str(place / "linked"), "fix")
    return place / "linked"


def packed(place):
    path = as_it_is(place)
    History(path).git("gc", "-q", "--aggressive", "--prune=now")
    History(path).git("commit-graph", "write", "--reachable")
    return path


def dirty_and_in_the_middle_of_a_merge(place):
    path = as_it_is(place)
    history = History(path)
    (path / "a.py").write_text("dirty\n")
    (path / ".gitattributes").write_text("* -merge\n")
    history.git("add", "a.py")
    history.run("cherry-pick", "line")
    (path / ".git" / "index.lock").touch()
    (path / "untracked").write_text("x")
    return path


def with_hostile_configuration(place):
    path = as_it_is(place)
    history = History(path)
    spoil = f"touch '{place}/ran'; false"
    commands = [
        "merge.union.driver", "merge.text.driver", "merge.evil.driver", "filter.evil.smudge", "filter.evil.clean",
        "diff.evil.textconv", "core.fsmonitor", "gpg.program", "core.sshCommand", "core.pager", "core.askPass",
        "uploadpack.packObjectsHook",
    ]  # fmt: skip
    for key, value in {
        **dict.fromkeys(commands, spoil), "merge.default": "evil", "merge.renames": "false", "diff.renames": "false",
        "merge.directoryRenames": "true", "merge.renormalize": "true", "filter.evil.required": "true",
        "core.autocrlf": "true", "core.eol": "crlf", "core.ignoreCase": "true", "core.hooksPath": str(place / "hooks"),
        "core.attributesFile": str(place / "attributes"), "core.worktree": "/nonexistent", "core.abbrev": "4",
        "i18n.commitEncoding": "ISO-8859-1", "commit.gpgSign": "true", "user.name": "Evil", "rerere.enabled": "true",
        "core.quotePath": "true", "log.showSignature": "true", "color.ui": "always", "core.commitGraph": "false",
        "core.useReplaceRefs": "true", "extensions.worktreeConfig": "true",
    }.items():  # fmt: skip
        history.git("config", key, value)
    (place / "attributes").write_text("* -merge filter=evil\n")
    (place / "hooks").mkdir()
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "attributes").write_text("* -merge\na.py merge=evil filter=evil diff=evil\n")
    for name in ("reference-transaction", "post-index-change", "post-checkout", "pre-commit"):
        (place / "hooks" / name).write_text(f"#!/bin/sh\n{spoil}\n")
        (place / "hooks" / name).chmod(0o755)
    return path


def with_replaced_and_grafted_commits(place):
    path = as_it_is(place)
    history = History(path)
    history.git("replace", history.sha("fix"), history.sha("line"))
    history.git("replace", history.git("rev-parse", "line:a.py"), history.git("rev-parse", "fix:L"))
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "grafts").write_text(f"{history.sha('fix')}\n")
    return path


def borrowing(place):
    return History(as_it_is(place)).clone(place / "copy", "--shared", "--no-checkout").path


def borrowing_by_a_relative_path(place):
    path = borrowing(place)
    (path / ".git" / "objects" / "info" / "alternates").write_text("../../../r/.git/objects\n")
    return path


def borrowing_from_a_borrower(place):
    return History(borrowing_by_a_relative_path(place)).clone(place / "third", "--shared", "--no-checkout").path


def shallow(place):
    return History(as_it_is(place)).clone(place / "copy", "--depth=2", "--no-single-branch").path


def partial(place, what="blob:none"):
    history = History(as_it_is(place))
    history.git("config", "uploadpack.allowFilter", "true")
    history.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return history.clone(place / "copy", f"--filter={what}", "--no-checkout").path


def treeless(place):
    return partial(place, "tree:0")


def sha256(place):
    history = History(place / "r", algorithm="sha256")
    fill(history)
    return history.path


def a_submodule(place):
    inner = as_it_is(place / "inner")
    outer = History(place / "outer")
    outer.commit("main", {"a": "a\n"})
    outer.git("checkout", "-qf", "main")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    return outer.path / "sub"


KINDS = [
    as_it_is, from_a_folder_inside, its_git_directory, bare, under_an_odd_path, through_a_symlink, linked_work_tree,
    linked_to_a_bare_one, packed, dirty_and_in_the_middle_of_a_merge, with_hostile_configuration,
    with_replaced_and_grafted_commits, borrowing, borrowing_by_a_relative_path, borrowing_from_a_borrower, shallow,
    partial, treeless, sha256, a_submodule,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.replace("_", " "))
def test_any_repository_can_be_picked_from_and_stays_as_it_was(tmp_path, kind):
    path = kind(tmp_path)
    before = snapshot(tmp_path)
    with LocalRepository(path, COMMITTER) as local:
        onto, fix = ends(tmp_path, path)
        outcome = local.picker.pick([Wish(onto, (fix,))])[0]
        assert isinstance(outcome, Picked), outcome
        assert files_in(local.picker, outcome.tree) == FIXED
        scratch = local.scratch.directory
    assert snapshot(tmp_path) == before
    assert not scratch.exists()


def ends(place: Path, path: Path) -> list[str]:
    """The tip of the line and the fix, by id: a copy has other names for them."""
    source = next(p for p in (place / "r", place / "inner" / "r", place / "r.git", path) if p.is_dir())
    git = Git(Repository.find(source).git_dir)
    return git.run("rev-parse", "refs/heads/line", "refs/heads/fix").decode().split()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.replace("_", " "))
def test_any_repository_can_be_given_a_branch_with_a_whole_pick(tmp_path, kind):
    path = kind(tmp_path)
    before = snapshot(tmp_path)
    with LocalRepository(path, COMMITTER) as local:
        onto, fix = ends(tmp_path, path)
        outcome = local.picker.pick([Wish(onto, (fix,))])[0]
        assert local.create("backport/x", outcome.commit, outcome.onto) == "refs/heads/backport/x"
        git = local.git
    new = {file for file, _ in snapshot(tmp_path).items() - before.items()}
    assert [file for file in new if "/objects/" not in file and "logs/" not in file] == [
        file for file in new if file.endswith("refs/heads/backport/x") and "logs/" not in file]  # fmt: skip
    assert before.keys() <= snapshot(tmp_path).keys()
    assert git.run("rev-parse", "refs/heads/backport/x").decode().strip() == outcome.commit
    assert git.run("show", "refs/heads/backport/x:a.py").decode() == FIXED["a.py"]
    assert b"missing" not in git.attempt("fsck", "--connectivity-only", "--no-dangling", outcome.commit).out


def test_a_branch_is_made_once_and_never_moved(tmp_path):
    path = as_it_is(tmp_path)
    with LocalRepository(path, COMMITTER) as local:
        onto, fix = local.resolve(["line", "fix"])
        outcome = local.picker.pick([Wish(onto, (fix,))])[0]
        local.create("taken", outcome.commit, onto)
        for taken in ("taken", "refs/heads/taken", "main", "taken/below"):
            with pytest.raises(UserError, match=r"[Cc]hoose another name"):
                local.create(taken, outcome.commit, onto)
        for bad in ("-x", "a..b", "HEAD", "a b", "x.lock", "\ud800", "refs/heads/-x", "--upload-pack=x"):
            with pytest.raises(UserError, match="not a branch name"):
                local.create(bad, outcome.commit, onto)
        with pytest.raises(UserError, match=r"[Cc]hoose another name"):
            local.create("x" * 300, outcome.commit, onto)
    assert History(path).git("for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/fix", "refs/heads/line", "refs/heads/main", "refs/heads/taken"]  # fmt: skip


def test_a_branch_that_stands_for_one_that_is_not_there_gives_it_no_commit(tmp_path):
    history = History(as_it_is(tmp_path))
    history.git("symbolic-ref", "refs/heads/alias", "refs/heads/unborn")
    with LocalRepository(history.path, COMMITTER) as local:
        commit = local.picker.pick([Wish(history.sha("line"), (history.sha("fix"),))])[0].commit
        local.create("alias", commit, history.sha("line"))
    assert history.sha("unborn", missing=True) == ""


def test_replaced_commits_are_read_as_they_are(tmp_path):
    history = History(as_it_is(tmp_path))
    commits = history.git("rev-list", "--reverse", "line..fix").split()
    history.git("replace", history.sha("fix"), history.sha("line"))
    with LocalRepository(history.path) as local:
        assert list(local.expand(["line..fix"])) == commits


ODD = ["a'b", 'a"b', "ünï/ç#1", "x-", "a-/-b", "$(touch${IFS}x)", "refs/heads/plain", "@", "\udcff"]


@pytest.mark.parametrize("branch", ODD)
def test_a_branch_may_have_any_name_that_git_accepts(tmp_path, branch):
    path = as_it_is(tmp_path)
    with LocalRepository(path, COMMITTER) as local:
        onto, fix = local.resolve(["line", "fix"])
        commit = local.picker.pick([Wish(onto, (fix,))])[0].commit
        full = local.create(branch, commit, onto)
    assert full == f"refs/heads/{branch.removeprefix('refs/heads/')}"
    assert History(path).git("rev-parse", full) == commit


@pytest.mark.parametrize("place", ["nothing", "r/missing", "empty", "file"])
def test_where_there_is_no_repository_it_is_said(tmp_path, place):
    as_it_is(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="There is no git repository"):
        LocalRepository(tmp_path / place)


def test_ranges_are_expanded_oldest_first(tmp_path):
    history = History(as_it_is(tmp_path))
    commits = [history.commit("main", {"n": f"{n}\n"}, parents=(history.sha("main"),)) for n in range(5)]
    with LocalRepository(history.path) as local:
        assert list(local.expand([f"{commits[0]}..main"])) == commits[1:]
        mixed = local.expand(["main~2", f"{commits[0]}..main~2", "main"])
        assert list(mixed) == [commits[2], *commits[1:3], commits[4]]
        for empty in ("main..main", "main..fix"):
            with pytest.raises(UserError, match="is empty"):
                list(local.expand([empty]))
        for unknown in ("nowhere..main", "main..nowhere", "--all..main", "-x", "nowhere", "main:n", "", "main\nmain",
                        "\ud800", "main..\ud800", "main\0..main"):  # fmt: skip
            with pytest.raises(UserError, match="names no commit"):
                list(local.expand([unknown]))


def test_names_are_resolved_and_one_that_git_chokes_on_spoils_no_other(tmp_path):
    history = History(as_it_is(tmp_path))
    tip = history.sha("main")
    with LocalRepository(history.path) as local:
        names = ["main", "main@{5}", "@{upstream}", "\ud800@{1}", tip, "refs/heads/main", "main@{1", tip[:10]]
        assert local.resolve(names) == [tip, None, None, None, tip, tip, None, tip]


def test_a_commit_at_the_edge_of_a_shallow_clone_is_not_taken_for_a_root(tmp_path):
    history = History(as_it_is(tmp_path))
    clone = history.clone(tmp_path / "copy", "--depth=1", "--no-single-branch")
    with LocalRepository(clone.path) as local:
        outcome = local.picker.pick([Wish(history.sha("line"), (history.sha("fix"),))])[0]
    assert isinstance(outcome, Impossible)
    assert history.sha("fix~1") in outcome.reason


@pytest.mark.parametrize("promisor", [
    "promisor = yes", "promisor = on", "promisor = 1", 'promisor = "true" ; really', "PROMISOR", "promisor",
])  # fmt: skip
def test_a_partial_clone_is_known_however_its_configuration_says_so(tmp_path, promisor):
    path = partial(tmp_path)
    config = path / ".git" / "config"
    said = [promisor if "promisor" in line else line for line in config.read_text().splitlines()
            if "partialclone" not in line.lower() and "repositoryformat" not in line.lower()]  # fmt: skip
    config.write_text("\n".join(said) + "\n")
    with LocalRepository(path) as local:
        onto, fix = local.resolve(["origin/line", "origin/fix"])
        assert isinstance(local.picker.pick([Wish(onto, (fix,))])[0], Picked)


def test_what_a_partial_clone_lacks_comes_over_ssh_where_that_is_where_it_came_from(tmp_path, monkeypatch):
    path = partial(tmp_path)
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text('#!/bin/sh\nfor last; do :; done\neval "$last"\n')  # the command comes last
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=":")
    History(path).git("config", "remote.origin.url", f"ssh://server{tmp_path}/r")
    before = snapshot(path)
    with LocalRepository(path) as local:
        onto, fix = local.resolve(["origin/line", "origin/fix"])
        assert isinstance(local.picker.pick([Wish(onto, (fix,))])[0], Picked)
    assert snapshot(path) == before


@pytest.mark.parametrize("names", [("origin/line", "origin/fix"), ("origin/line:a.py",)])
def test_no_configuration_of_a_repository_makes_git_run_a_program_to_fetch(tmp_path, names):
    path = partial(tmp_path, "tree:0")
    history = History(path)
    history.git("config", "protocol.ext.allow", "always")
    history.git("config", "protocol.allow", "always")
    history.git("config", "remote.origin.url", f"ext::sh -c touch% {tmp_path}/ran")
    with LocalRepository(path) as local:
        found = local.resolve(names)
        if all(found):
            with pytest.raises(GitFault, match="transport 'ext' not allowed"):
                local.picker.pick([Wish(found[0], (found[1],))])
    assert not (tmp_path / "ran").exists()


def test_a_partial_clone_whose_forge_is_gone_says_what_it_lacks(tmp_path):
    path = partial(tmp_path)
    (tmp_path / "r").rename(tmp_path / "gone")
    with LocalRepository(path) as local:
        onto, fix = local.resolve(["origin/line", "origin/fix"])
        with pytest.raises(GitFault, match="from promisor remote"):
            local.picker.pick([Wish(onto, (fix,))])
