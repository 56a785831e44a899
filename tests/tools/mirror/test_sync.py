"""What a mirror fetches, and what it tells of it: branches, heads of pulls, the policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import NotLanded, ResolveChange, Sync, Unproven
from bot.core.errors import Fault, UserError
from bot.core.model import Branch, Change
from bot.core.picks import Picked
from bot.tools.git import processes_started
from tests.tools.histories import History
from tests.tools.landing import closed_pull, merged_pull, squash, topic
from tests.tools.mirror.story import GITHUB, GITLAB, LINES, PULLS, access, elsewhere, land, wish


def test_sync_tells_the_branches_that_were_asked_for_and_their_tips(remote, mirror):
    remote.branch("topic/9", "main")
    found = mirror.sync(Sync(GITHUB, LINES))
    assert found.branches == (Branch("main", remote.sha("main")), Branch("release/2.7", remote.sha("release/2.7")))
    assert found.policy is None


def test_branches_of_earlier_questions_are_not_told_as_if_they_were_fresh(remote, mirror):
    remote.branch("stable/1", "main")
    assert mirror.sync(Sync(GITHUB, ("stable/*",))).tip("stable/1")
    remote.commit("stable/1", {"x": "x"}, "On it goes")
    found = mirror.sync(Sync(GITHUB, LINES))
    assert [branch.name for branch in found.branches] == ["main", "release/2.7"]


@pytest.mark.parametrize("pattern", ["release/2.7", "release/2.*", "*/2.7", "release/*"])
def test_a_pattern_has_one_star_that_matches_anything(remote, mirror, pattern):
    assert mirror.sync(Sync(GITHUB, (pattern,))).tip("release/2.7") == remote.sha("release/2.7")


@pytest.mark.parametrize("pattern", [
    "**", "release/**", "a..b", "", "re lease/*", "release/*\n+refs/*:refs/*", "re:lease", "x.lock",
])  # fmt: skip
def test_a_pattern_that_is_no_branch_is_refused_before_git_sees_it(mirror, pattern):
    before = processes_started()
    with pytest.raises(UserError):
        mirror.sync(Sync(GITHUB, (pattern,)))
    assert processes_started() == before


def test_a_missing_default_branch_passes_and_costs_nothing(remote, mirror, mirrors):
    mirror.sync(Sync(GITHUB, LINES))
    with pytest.raises(Fault, match="refs/heads/trunk") as caught:
        mirrors.of(replace(GITHUB, default_branch="trunk"), access(f"file://{remote.path}")).sync(Sync(GITHUB, LINES))
    assert caught.value.passing
    assert mirrors.of(GITHUB, access(f"file://{remote.path}")).sync(Sync(GITHUB, LINES)).tip("main")


@pytest.mark.parametrize("repo", [GITHUB, GITLAB])
def test_the_head_of_a_pull_comes_along_where_the_forge_keeps_it(remote, mirrors, repo):
    pull = land(remote, "one")
    remote.git("update-ref", PULLS[repo.forge].format(number=12), pull.head_sha)
    mirror = mirrors.of(repo, access(f"file://{remote.path}", repo))
    mirror.sync(Sync(repo, LINES, number=12))
    assert isinstance(mirror.resolve_change(ResolveChange(repo, pull)), Change)


def test_a_pull_without_a_ref_of_its_own_is_no_trouble(remote, mirror):
    assert mirror.sync(Sync(GITHUB, LINES, number=99)).tip("main") == remote.sha("main")


def test_a_pull_number_does_not_bring_the_pulls_whose_numbers_begin_alike(remote, mirror, tmp_path):
    for number in (1, 12, 123):
        remote.git("update-ref", f"refs/pull/{number}/head", remote.sha("main"))
    mirror.sync(Sync(GITHUB, LINES, number=12))
    listed = History.run(elsewhere(remote, tmp_path / "mirrors/github-7/mirror.git"), "for-each-ref", "refs/pull")
    assert listed.stdout.decode().split()[2::3] == ["refs/pull/12/head"]


@pytest.mark.parametrize(("repo", "path"), [(GITHUB, ".github/relbot.toml"), (GITLAB, ".gitlab/relbot.toml")])
def test_the_policy_is_the_default_branchs_and_nobody_elses(remote, mirrors, repo, path):
    remote.commit("release/2.7", {path: "delivery = 'push'\n"}, "Mine")
    remote.commit("main", {(GITLAB if repo is GITHUB else GITHUB).forge: "x", "relbot.toml": "no\n"}, "Elsewhere")
    mirror = mirrors.of(repo, access(f"file://{remote.path}", repo))
    assert mirror.sync(Sync(repo, LINES)).policy is None
    remote.commit("main", {path: "delivery = 'pull'\n"}, "Policy")
    assert mirror.sync(Sync(repo, LINES)).policy == (path, "delivery = 'pull'\n")
    remote.commit("main", {path: b"\xff\xfe not text"}, "Broken")
    assert mirror.sync(Sync(repo, LINES)).policy == (path, "\ufffd\ufffd not text")
    remote.commit("main", {path: None}, "Gone")
    assert mirror.sync(Sync(repo, LINES)).policy is None


def test_a_policy_of_any_size_is_read_to_just_over_the_limit(remote, mirror):
    remote.commit("main", {".github/relbot.toml": "#" * 65_536}, "Full")
    assert len(mirror.sync(Sync(GITHUB, LINES)).policy[1]) == 65_536
    remote.commit("main", {".github/relbot.toml": "#" * 5_000_000}, "Too much")
    assert len(mirror.sync(Sync(GITHUB, LINES)).policy[1]) == 65_537


def test_a_question_without_a_sync_before_it_is_answered_or_passes(remote, mirrors):
    """After a restart the first question may be any."""
    pull = land(remote, "one")
    first = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    first.sync(Sync(GITHUB, LINES, number=12))
    change = first.resolve_change(ResolveChange(GITHUB, pull))
    mirrors.close()
    again = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    assert again.resolve_change(ResolveChange(GITHUB, pull)) == change
    assert isinstance(again.pick(wish(remote, pull.merged_as)), Picked)


# ── resolving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_base_branch_beside_the_lines_is_fetched_when_it_is_needed_and_each_time(remote, mirror):
    remote.branch("stack/base", "main")
    mirror.sync(Sync(GITHUB, LINES))
    for number in (3, 12):
        topic(remote, f"title {number}", name=f"topic/{number}", line=number)
        landed = squash(remote, f"topic/{number}", f"Title (#{number})", onto="stack/base")
        pull = replace(merged_pull(remote, f"topic/{number}", landed), number=number, base="stack/base")
        remote.git("update-ref", f"refs/pull/{number}/head", remote.sha(f"topic/{number}"))
        mirror.sync(Sync(GITHUB, LINES, number=number))
        found = mirror.resolve_change(ResolveChange(GITHUB, pull))
        assert isinstance(found, Change), found
        assert found.commits[0].sha == landed


def test_a_base_branch_that_is_gone_leaves_the_default_branch_to_look_on(remote, mirror):
    pull = land(remote, "one")
    mirror.sync(Sync(GITHUB, LINES, number=12))
    gone = replace(pull, base="gone/with/the/stack", merged=False, merged_as=None)
    found = mirror.resolve_change(ResolveChange(GITHUB, gone))
    assert isinstance(found, Change)
    assert found.method == "landed"


def test_a_merge_into_a_branch_that_is_gone_is_not_believed_to_be_on_main(remote, mirror):
    topic(remote, "one", name="topic/12")
    remote.git("update-ref", "refs/pull/12/head", remote.sha("topic/12"))
    remote.branch("stack/base", "main")
    landed = squash(remote, "topic/12", "One (#12)", onto="stack/base")
    remote.git("update-ref", "-d", "refs/heads/stack/base")
    remote.git("update-ref", "-d", "refs/heads/landing/merged")
    pull = merged_pull(remote, "topic/12", landed, base="stack/base")
    mirror.sync(Sync(GITHUB, LINES, number=12))
    assert isinstance(mirror.resolve_change(ResolveChange(GITHUB, pull)), Unproven)


def test_a_pull_closed_unmerged_is_not_landed(remote, mirror):
    topic(remote, "one", name="topic/12")
    remote.git("update-ref", "refs/pull/12/head", remote.sha("topic/12"))
    mirror.sync(Sync(GITHUB, LINES, number=12))
    assert isinstance(mirror.resolve_change(ResolveChange(GITHUB, closed_pull(remote, "topic/12"))), NotLanded)


@pytest.mark.parametrize("base", [
    "main~1", "main^{tree}", "main@{1}", "", "-x y", "--upload-pack=touch pwned", "a b", "*", "re:lease", "\ud800",
    "\udcff\n",
])  # fmt: skip
def test_a_base_that_is_no_branch_name_is_refused(remote, mirror, base):
    pull = land(remote, "one")
    mirror.sync(Sync(GITHUB, LINES, number=12))
    with pytest.raises(UserError):
        mirror.resolve_change(ResolveChange(GITHUB, replace(pull, base=base)))
