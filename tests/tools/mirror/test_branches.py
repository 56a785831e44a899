"""Branches on the forge: made, moved under a lease, refused, and left alone where somebody else was quicker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import BranchMoved, BranchReady, EnsureBranch, Refused, Sync
from bot.core.errors import Fault, UserError
from tests.tools.git_server import GitServer
from tests.tools.mirror.story import GITHUB, LINES, WHEN, access, at, elsewhere, ensure, land, wish

# ── over a file system ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_branch_is_made_at_the_pick_and_a_second_time_changes_nothing(remote, ready):
    mirror, picking = ready
    for found in (False, True):
        done, commit = ensure(mirror, picking)
        assert done == BranchReady(commit, found)
        assert at(remote, "backport/2.7/12") == commit
    made = remote.git("log", "-1", "--format=%P|%s|%cn|%ct", commit)
    assert made == f"{remote.sha('release/2.7')}|one (#12)|relbot|{WHEN}"
    assert remote.git("fsck", "--connectivity-only", "--no-dangling") == ""


def test_after_a_restart_the_same_commit_is_made_again_and_pushed(remote, ready, mirrors):
    mirror, picking = ready
    commit = mirror.pick(picking).commit
    mirrors.close()
    again = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    assert again.ensure_branch(EnsureBranch(picking, commit, "backport/2.7/12", None)) == BranchReady(commit)
    assert at(remote, "backport/2.7/12") == commit


def test_somebody_elses_branch_is_left_alone(remote, ready):
    mirror, picking = ready
    foreign = remote.branch("backport/2.7/12", "main")
    done, _ = ensure(mirror, picking)
    assert done == BranchMoved(foreign)
    assert at(remote, "backport/2.7/12") == foreign


def test_commits_that_people_added_to_the_branch_are_kept(remote, ready):
    mirror, picking = ready
    _, commit = ensure(mirror, picking)
    human = remote.commit("backport/2.7/12", {"fix.py": "by hand\n"}, "By hand")
    remote.commit("release/2.7", {"more.py": "more\n"}, "The line goes on")
    mirror.sync(Sync(GITHUB, LINES))
    newer = replace(picking, onto=remote.sha("release/2.7"))
    done, _ = ensure(mirror, newer, expect=commit)
    assert done == BranchMoved(human)
    assert at(remote, "backport/2.7/12") == human


def test_the_bots_own_branch_is_rebuilt_where_it_is_as_expected(remote, ready):
    mirror, picking = ready
    _, commit = ensure(mirror, picking)
    remote.commit("release/2.7", {"more.py": "more\n"}, "The line goes on")
    mirror.sync(Sync(GITHUB, LINES))
    done, newer = ensure(mirror, replace(picking, onto=remote.sha("release/2.7")), expect=commit)
    assert done == BranchReady(newer)
    assert at(remote, "backport/2.7/12") == newer != commit


def test_a_branch_that_is_gone_is_not_made_again_behind_somebodys_back(remote, ready):
    mirror, picking = ready
    _, commit = ensure(mirror, picking)
    remote.git("update-ref", "-d", "refs/heads/backport/2.7/12")
    other = replace(picking, committed_at=WHEN + 1)
    assert ensure(mirror, other, expect=commit)[0] == BranchMoved(None)
    assert at(remote, "backport/2.7/12") == ""


def test_a_pick_lands_on_the_line_itself_only_while_the_line_stands_still(remote, ready):
    mirror, picking = ready
    moved = remote.commit("release/2.7", {"more.py": "more\n"}, "Meanwhile")
    done, _ = ensure(mirror, picking, "release/2.7", expect=picking.onto)
    assert done == BranchMoved(moved)
    assert at(remote, "release/2.7") == moved
    mirror.sync(Sync(GITHUB, LINES))
    done, commit = ensure(mirror, replace(picking, onto=moved), "release/2.7", expect=moved)
    assert done == BranchReady(commit)
    assert at(remote, "release/2.7") == commit


def hook(remote, script):
    path = remote.git_dir / "hooks" / "update"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nunset GIT_QUARANTINE_PATH\n{script}\n")
    path.chmod(0o755)


def test_a_line_that_moves_while_the_push_is_under_way_is_left_alone(remote, ready):
    """The lease held when git looked; another push was quicker than this one."""
    mirror, picking = ready
    other = remote.commit(None, {"more.py": "more\n"}, "Quicker", parents=(picking.onto,))
    hook(remote, f"git update-ref refs/heads/release/2.7 {other}")
    done, _ = ensure(mirror, picking, "release/2.7", expect=picking.onto)
    assert done == BranchMoved(other)
    assert at(remote, "release/2.7") == other


def test_a_twin_that_pushed_the_very_commit_a_moment_earlier_has_done_the_work(remote, ready):
    mirror, picking = ready
    _, commit = ensure(mirror, picking, "somewhere/else")
    hook(remote, f"git update-ref refs/heads/backport/2.7/12 {commit}")
    assert ensure(mirror, picking)[0] == BranchReady(commit, found=True)


@pytest.mark.parametrize(("said", "step"), [
    ("error: GH006: Protected branch update failed for refs/heads/release/2.7.", "delivery"),
    ("GitLab: You are not allowed to push code to protected branches on this project.", "delivery"),
    ("refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without permission",
     "workflows permission"),
    ("We are closed on Sundays.", "rules for release/2.7"),
])  # fmt: skip
def test_a_refusal_is_told_in_the_forges_own_words_with_what_to_do(remote, ready, said, step):
    mirror, picking = ready
    hook(remote, f"cat >&2 <<'END'\n{said}\nEND\nexit 1")
    done, _ = ensure(mirror, picking, "release/2.7", expect=picking.onto)
    assert isinstance(done, Refused)
    assert said in done.reason
    assert step in done.next_step
    assert at(remote, "release/2.7") == picking.onto


def test_a_silent_refusal_is_told_as_one(remote, ready):
    mirror, picking = ready
    hook(remote, "exit 1")
    done, _ = ensure(mirror, picking, "release/2.7", expect=picking.onto)
    assert isinstance(done, Refused)
    assert "hook declined" in done.reason


def test_a_refusal_of_a_thousand_words_is_cut(remote, ready):
    mirror, picking = ready
    hook(remote, "yes 'no no no' | head -3000 >&2; exit 1")
    done, _ = ensure(mirror, picking, "release/2.7", expect=picking.onto)
    assert isinstance(done, Refused)
    assert len(done.reason) < 700


@pytest.mark.parametrize("branch", ["a b", "-x y", "x..y", "", "refs:heads", "+main", "x\ny", "x.lock"])
def test_a_branch_that_git_would_refuse_is_refused_before_anything_is_pushed(remote, ready, branch):
    mirror, picking = ready
    before = remote.git("for-each-ref")
    if branch == "+main":  # legal, and not a force push of main
        assert isinstance(ensure(mirror, picking, branch)[0], BranchReady)
        assert at(remote, "+main")
        return
    with pytest.raises(UserError):
        ensure(mirror, picking, branch)
    assert remote.git("for-each-ref") == before


@pytest.mark.parametrize("branch", ["backport/2.7/qu'o\"te", "ünï", "#12", "$(touch)", "--force", "-f", "HEAD", "@x"])
def test_oddly_named_branches_are_pushed_to_and_nothing_else_is(remote, ready, branch):
    mirror, picking = ready
    before = set(remote.git("for-each-ref").splitlines())
    try:
        commit = ensure(mirror, picking, branch)[1]
    except UserError:
        assert branch.startswith("-") or branch == "HEAD"
        commit = None
    after = set(remote.git("for-each-ref").splitlines())
    assert after - before == ({f"{commit} commit\trefs/heads/{branch}"} if commit else set())
    assert before <= after


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def server(remote):
    with GitServer(remote.path.parents[1]) as running:
        running.password = "relbot:secret"
        yield running


@pytest.fixture
def over_http(remote, mirrors, server):
    mirror = mirrors.of(GITHUB, access(f"{server.url}/acme/torchlet.git"))
    pull = land(remote, "one", "two")
    mirror.sync(Sync(GITHUB, LINES, number=12))
    return mirror, wish(remote, pull.merged_as)


def test_a_push_over_http_brings_its_password(remote, over_http):
    done, commit = ensure(*over_http)
    assert done == BranchReady(commit)
    assert at(remote, "backport/2.7/12") == commit


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_a_push_that_the_forge_does_not_answer_passes(remote, over_http, server, status):
    mirror, picking = over_http
    mirror.pick(picking)
    server.status = status
    with pytest.raises(Fault) as caught:
        ensure(mirror, picking)
    assert caught.value.passing
    assert "secret" not in str(caught.value)
    server.status = 0
    assert isinstance(ensure(mirror, picking)[0], BranchReady)


def test_a_forge_that_forbids_the_push_has_refused_it(remote, over_http, server):
    mirror, picking = over_http
    mirror.pick(picking)
    server.status, server.body = 403, b"Permission to acme/torchlet.git denied to relbot.\n"
    done, _ = ensure(mirror, picking)
    assert isinstance(done, Refused)


def test_a_push_whose_answer_was_lost_is_found_done(remote, over_http, server):
    mirror, picking = over_http
    commit = mirror.pick(picking).commit
    server.lose_answers_to = "/git-receive-pack"
    with pytest.raises(Fault) as caught:
        ensure(mirror, picking)
    assert caught.value.passing
    assert at(remote, "backport/2.7/12") == commit
    server.lose_answers_to = ""
    assert ensure(mirror, picking)[0] == BranchReady(commit, found=True)


def test_a_renamed_repository_goes_on_at_its_new_address(remote, over_http, server, mirrors):
    mirror, picking = over_http
    old = remote.git("rev-parse", "main~2:a.py")
    mirror.pick(picking)
    remote.path.rename(remote.path.with_name("renamed.git"))
    moved = elsewhere(remote, remote.path.with_name("renamed.git"))
    again = mirrors.of(replace(GITHUB, path="acme/renamed"), access(f"{server.url}/acme/renamed.git"))
    assert again is mirror
    assert again.sync(Sync(GITHUB, LINES)).tip("main") == moved.sha("main")
    assert again.picker.reader.contents([old])[0] is not None  # what is fetched when it is needed, too
    assert isinstance(ensure(again, picking)[0], BranchReady)
    assert at(moved, "backport/2.7/12")
