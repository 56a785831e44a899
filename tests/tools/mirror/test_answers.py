"""What a mirror answers without touching the forge: picks, differences, evidence, origins."""

from __future__ import annotations

import pytest

from bot.core.actions import (
    CompareWithOriginal,
    FindOrigins,
    FindPresent,
    FindStanding,
    Origins,
    PickCommits,
    Standing,
    Sync,
)
from bot.core.errors import Fault
from bot.core.model import Branch, Change, Commit
from bot.core.picks import Conflict, Present
from bot.core.standing import GetCommits
from bot.tools.git import processes_started
from tests.tools.histories import lines
from tests.tools.mirror.story import BOB, GITHUB, LINES, WHEN, access, land, wish


def test_commits_are_told_as_they_are_and_those_that_are_not_there_left_out(remote, mirror):
    mirror.sync(Sync(GITHUB, LINES))
    tip = remote.sha("release/2.7")
    [commit] = mirror.commits(GetCommits(GITHUB, ("1" * 40, tip)))
    assert (commit.sha, commit.title) == (tip, "Line")
    assert str(commit.committed_at) == remote.git("log", "-1", "--format=%ct", tip).strip()


# ── picking and comparing ────────────────────────────────────────────────────────────────────────────────────────────


def test_picks_are_the_same_after_everything_was_forgotten(remote, mirrors):
    pull = land(remote, "one")
    outcomes = []
    for _ in range(2):
        mirror = mirrors.of(GITHUB, access(f"file://{remote.path}"))
        mirror.sync(Sync(GITHUB, LINES))
        outcomes.append(mirror.pick(wish(remote, pull.merged_as)))
        mirrors.close()
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(("commits", "onto"), [(("1" * 40,), None), (None, "1" * 40), (("--output=x",), None)])
def test_a_commit_that_is_not_there_is_a_fault_and_no_reason_to_clone_anew(remote, mirror, tmp_path, commits, onto):
    pull = land(remote, "one")
    mirror.sync(Sync(GITHUB, LINES))
    inode = (tmp_path / "mirrors/github-7/mirror.git").stat().st_ino
    asked = PickCommits(GITHUB, commits or (pull.merged_as,), onto or remote.sha("release/2.7"), WHEN)
    with pytest.raises(Fault, match=r"1111111|output"):
        mirror.pick(asked)
    assert (tmp_path / "mirrors/github-7/mirror.git").stat().st_ino == inode


def test_nothing_differs_although_trailer_committer_and_date_do(remote, mirror):
    pull = land(remote, "one", "two")
    mirror.sync(Sync(GITHUB, LINES))
    picking = wish(remote, pull.merged_as, sign_off=True)
    outcome = mirror.pick(picking)
    assert mirror.compare(CompareWithOriginal(picking, outcome.commit)) == ""


def test_context_that_drifted_is_shown(remote, mirror):
    remote.commit("release/2.7", {"a.py": lines((4, "another neighbour"))}, "Drift")
    source = remote.commit("main", {"a.py": lines((7, "change"))}, "Change")
    clean = remote.commit("main", {"b.py": lines((7, "change"))}, "Clean = as it was")
    mirror.sync(Sync(GITHUB, LINES))
    picking = wish(remote, source, clean)
    outcome = mirror.pick(picking)
    told = mirror.compare(CompareWithOriginal(picking, outcome.commit))
    assert "another neighbour" in told
    assert told.startswith("1:")
    assert "b.py" not in told
    assert "cherry picked from" not in told


def test_there_is_nothing_to_compare_where_nothing_was_picked(remote, mirror):
    source = remote.commit("main", {"a.py": lines((7, "change"))}, "Change")
    remote.commit("release/2.7", {"a.py": lines((7, "change"))}, "Same")
    mirror.sync(Sync(GITHUB, LINES))
    picking = wish(remote, source)
    assert isinstance(mirror.pick(picking), Present)
    assert mirror.compare(CompareWithOriginal(picking, "")) == ""


def test_a_very_long_difference_is_cut_and_says_so(remote, mirror):
    remote.commit("main", {"big.py": "".join(f"{n}\n\n\n\n\n\n\n" for n in range(4000))}, "Big")
    remote.branch("release/2.7", "main")
    remote.commit("release/2.7", {"big.py": "".join(f"{n}\n\n\n\n\n\n{n % 2}\n" for n in range(4000))}, "Drift")
    source = remote.commit("main", {"big.py": "".join(f"{n}\n\nx\n\n\n\n\n" for n in range(4000))}, "Everywhere")
    mirror.sync(Sync(GITHUB, LINES))
    picking = wish(remote, source)
    outcome = mirror.pick(picking)
    if isinstance(outcome, Conflict):
        pytest.skip("git merges this no longer")
    told = mirror.compare(CompareWithOriginal(picking, outcome.commit))
    assert told.endswith("\n… (cut)")
    assert len(told) < 20_100


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def present(mirror, remote, commits, title="Change", *, onto="release/2.7", merged_as=None):
    plain = tuple(Commit(sha, (remote.sha(f"{sha}^"),), "", "", 0, "") for sha in commits)
    change = Change(12, title, plain, "rebase", "", merged_as=merged_as)
    found = mirror.find_present(FindPresent(GITHUB, change, Branch(onto, remote.sha(onto))))
    return [(e.kind, e.commit, e.present_as, e.certain) for e in found]


def test_evidence_is_found_for_each_commit_that_is_there(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    two = remote.commit("main", {"a.py": lines((3, "one"), (15, "two"))}, "Two", author=BOB)
    three = remote.commit("main", {"b.py": lines((3, "three"))}, "Three", author=BOB)
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"))}, "One")
    like = remote.commit("release/2.7", {"b.py": lines((3, "otherwise"))}, f"x\n\n(cherry picked from commit {three})")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one, two, three]) == [
        ("patch-id", one, here, True), ("trailer", three, like, True),
    ]  # fmt: skip


@pytest.mark.parametrize(("title", "certain"), [("Change (#40)", True), ("Quite another title", False)])
def test_a_series_that_the_line_has_as_one_commit_is_found_by_its_sum(remote, mirror, title, certain):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    two = remote.commit("main", {"a.py": lines((3, "one"), (15, "two"))}, "Two", author=BOB)
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"), (15, "two"))}, title)
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one, two]) == [
        ("patch-id", one, here, certain), ("patch-id", two, here, certain),
    ]  # fmt: skip


def test_a_pick_of_the_merge_is_a_pick_of_all_that_it_brought(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    two = remote.commit("main", {"b.py": lines((3, "two"))}, "Two", author=BOB)
    merge = "ab" * 20
    both = {"a.py": lines((3, "one")), "b.py": lines((3, "two"))}
    here = remote.commit("release/2.7", both, f"By hand\n\n(cherry picked from commit {merge})")
    mirror.sync(Sync(GITHUB, LINES))
    assert ("trailer", one, here, True) not in present(mirror, remote, [one, two])
    assert present(mirror, remote, [one, two], merged_as=merge) == [
        ("trailer", one, here, True), ("trailer", two, here, True),
    ]  # fmt: skip


def test_a_pick_of_the_merge_whose_content_the_line_has_lost_is_no_certain_evidence(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    merge = "ab" * 20
    remote.commit("release/2.7", {"a.py": lines((3, "one"))}, f"By hand\n\n(cherry picked from commit {merge})")
    remote.commit("release/2.7", {"a.py": lines()}, "Tidy up")
    mirror.sync(Sync(GITHUB, LINES))
    assert not any(certain for *_, certain in present(mirror, remote, [one], merged_as=merge))


def test_a_look_alike_of_the_sum_does_not_hide_what_is_certain(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    two = remote.commit("main", {"a.py": lines((3, "one"), (15, "two"))}, "Two", author=BOB)
    remote.commit("release/2.7", {"a.py": lines((3, "one"), (15, "two"))}, "Quite another title")
    here = remote.commit("release/2.7", {"z": "z"}, f"x\n\n(cherry picked from commit {one})")
    mirror.sync(Sync(GITHUB, LINES))
    assert ("trailer", one, here, True) in present(mirror, remote, [one, two])


def test_what_the_line_took_back_is_no_evidence(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"))}, f"One\n\n(cherry picked from commit {one})")
    remote.revert("release/2.7", here)
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one]) == []


@pytest.mark.parametrize("says", [True, False])
def test_what_was_undone_without_a_word_is_only_alike(remote, mirror, says):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    trailer = f"\n\n(cherry picked from commit {one})" if says else ""
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"))}, f"One{trailer}")
    remote.commit("release/2.7", {"a.py": lines()}, "Clean up")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one]) == [("similar", one, here, False)]


def test_a_change_that_went_in_and_out_and_in_again_is_not_taken_for_its_first_pick(remote, mirror):
    on, off = {"a.py": lines((3, "one"))}, {"a.py": lines()}
    first = remote.commit("main", on, "Update the pin (#12)", author=BOB)
    back = remote.commit("main", off, "Put the pin back (#13)", author=BOB)
    again = remote.commit("main", on, "Update the pin (#14)", author=BOB)
    remote.commit("release/2.7", on, f"Update the pin (#12) (#20)\n\n(cherry picked from commit {first})")
    put = remote.commit("release/2.7", off, f"Put the pin back (#13) (#21)\n\n(cherry picked from commit {back})")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [again]) == []
    assert present(mirror, remote, [back]) == [("trailer", back, put, True)]


def test_a_series_that_undoes_some_of_itself_is_looked_at_as_a_whole(remote, mirror):
    steps = [{"a.py": lines((3, "one"))}, {"a.py": lines(), "b.py": lines((3, "two"))}]
    own = [remote.commit("main", files, f"Step {n}", author=BOB) for n, files in enumerate(steps)]
    here = [remote.commit("release/2.7", files, f"x\n\n(cherry picked from commit {sha})")
            for files, sha in zip(steps, own, strict=True)]  # fmt: skip
    remote.commit("release/2.7", {"z": "z"}, "Go on")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, own) == [("trailer", *pair, True) for pair in zip(own, here, strict=True)]
    remote.commit("release/2.7", {"b.py": lines()}, "Clean up")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, own) == [("similar", *pair, False) for pair in zip(own, here, strict=True)]


def test_a_squashed_series_that_was_undone_without_a_word_is_only_alike(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    two = remote.commit("main", {"a.py": lines((3, "one"), (15, "two"))}, "Two", author=BOB)
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"), (15, "two"))}, "Change (#40)")
    remote.commit("release/2.7", {"a.py": lines()}, "Clean up")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one, two]) == [("similar", sha, here, False) for sha in (one, two)]


def test_a_trailer_is_followed_through_another_line_and_what_nobody_has_is_not_fetched(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    remote.branch("release/2.8", "main~1")
    newer = remote.commit("release/2.8", {"b.py": "1\n"}, f"One\n\n(cherry picked from commit {one})")
    here = remote.commit("release/2.7", {"b.py": "2\n"}, f"Handle it\n\n(cherry picked from commit {newer})")
    remote.commit("release/2.7", {"z": "z"}, f"x\n\n(cherry picked from commit {'f' * 40})")
    mirror.sync(Sync(GITHUB, LINES))
    before = processes_started()["fetch"]
    assert present(mirror, remote, [one]) == [("trailer", one, here, True)]
    assert processes_started()["fetch"] == before


def test_new_commits_on_the_line_are_seen_by_the_next_question(remote, mirror):
    one = remote.commit("main", {"a.py": lines((3, "one"))}, "One", author=BOB)
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one]) == []
    here = remote.commit("release/2.7", {"a.py": lines((3, "one"))}, f"One\n\n(cherry picked from commit {one})")
    mirror.sync(Sync(GITHUB, LINES))
    assert present(mirror, remote, [one]) == [("trailer", one, here, True)]


def test_origins_are_what_pushed_commits_say_they_come_from_and_what_they_take_back(remote, mirror):
    source = remote.commit("main", {"a.py": lines((3, "one"))}, "Fix one (#12)")
    plain = remote.commit("main", {"b.py": lines((3, "two"))}, "Fix two")
    before = remote.sha("release/2.7")
    first = remote.commit("release/2.7", {"x": "x"}, f"[2.7] Fix one (#34)\n\n(cherry picked from commit {source})")
    second = remote.commit("release/2.7", {"y": "y"}, f"By hand\n\n(cherry picked from commit {plain[:12]})")
    remote.commit("release/2.7", {"z": "z"}, f"Own work\n\n(cherry picked from commit {'e' * 40})")
    third = remote.commit("release/2.7", {"z": None}, "Fix three (#13) (#35)")
    back = remote.revert("release/2.7", second)
    other = remote.commit("release/2.7", {"v": "v"}, 'Revert "Fix three (#13)" (#36)\n\nReverts acme/torchlet#35')
    mirror.sync(Sync(GITHUB, LINES))
    assert mirror.find_origins(FindOrigins(GITHUB, before, remote.sha("release/2.7"))) == (
        Origins(first, (34, 12), (source,)),
        Origins(second, (), (plain,)),
        Origins(third, (13,)),
        Origins(back, (), (plain,)),
        Origins(other, (13,), (), (35,)),
    )
    assert mirror.find_origins(FindOrigins(GITHUB, second, third)) == (Origins(third, (13,)),)


def test_a_commit_stands_on_a_line_until_it_is_taken_back_there(remote, mirror):
    landed = remote.commit("release/2.7", {"x": "x"}, "Fix (#12) (#31)")
    tips = [landed, remote.revert("release/2.7", landed, 'Revert "Fix (#12) (#31)" (#40)')]
    mirror.sync(Sync(GITHUB, LINES))
    asked = [FindStanding(GITHUB, landed, Branch("release/2.7", tip), (12, 31)) for tip in tips]
    assert [mirror.find_standing(each) for each in asked] == [Standing(True), Standing(False, tips[1])]


@pytest.mark.parametrize(("before", "after"), [
    ("0" * 40, "tip"), ("tip", "0" * 40), ("1" * 40, "tip"), ("tip", "1" * 40), ("", ""), ("--output=x", "tip"),
    ("tip", "tip"),
])  # fmt: skip
def test_a_push_with_an_end_that_is_not_known_carries_nothing(remote, mirror, tmp_path, before, after):
    mirror.sync(Sync(GITHUB, LINES))
    inode = (tmp_path / "mirrors/github-7/mirror.git").stat().st_ino
    tip = remote.sha("release/2.7")
    ends = [tip if end == "tip" else end for end in (before, after)]
    assert mirror.find_origins(FindOrigins(GITHUB, *ends)) == ()
    assert (tmp_path / "mirrors/github-7/mirror.git").stat().st_ino == inode
