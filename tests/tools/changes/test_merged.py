"""From a merged pull to its commits: every way in which pulls land, and every way in which the proof must fail."""

from __future__ import annotations

import pytest

from bot.core.actions import Unproven
from tests.tools.changes.story import changed, move_main, shas
from tests.tools.histories import Person, lines
from tests.tools.landing import merged_pull, rebase, squash, topic

# ── what the forge merged ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rebase_of_three_commits_gives_the_three_new_ones_in_order(history, resolve):
    own = topic(history, "one", "two", "three")
    move_main(history)
    landed = rebase(history, own)
    found = resolve(merged_pull(history, "topic", landed[-1]))
    assert shas(found) == landed
    assert not set(landed) & set(own)
    assert (found.method, found.number, found.mainline) == ("rebase", 12, None)
    assert found.proof.startswith("3 commit(s)")


def test_commits_that_landed_on_top_of_the_pull_are_not_taken_for_it(history, resolve):
    own = topic(history, "one", "two")
    landed = rebase(history, own)
    move_main(history)
    assert shas(resolve(merged_pull(history, "topic", landed[-1]))) == landed


@pytest.mark.parametrize("between", [True, False])
def test_a_rebase_leaves_out_the_commit_that_main_had_already(history, resolve, between):
    own = topic(history, "one", "two", "three")
    rebase(history, own[:1])
    if between:
        move_main(history)
    base = history.sha("main")
    landed = rebase(history, own[1:])
    found = resolve(merged_pull(history, "topic", landed[-1], base_sha=base))
    assert (shas(found), found.method) == (landed, "rebase")


def test_a_rebased_stack_does_not_carry_the_pull_below_it(history, resolve):
    lower = topic(history, "lower one", "lower two")
    history.branch("upper", "topic")
    upper = history.commit("upper", {"e.py": "upper\n"}, "upper")
    rebase(history, lower)
    base = history.sha("main")
    landed = rebase(history, [upper])
    assert shas(resolve(merged_pull(history, "upper", landed[-1], base_sha=base))) == landed


def test_two_commits_of_one_title_and_one_date_stay_two(history, resolve):
    twin = Person(b"Bob <bob@example.org>", "1700000500 +0000")
    history.branch("topic", "main")
    own = [history.commit("topic", {"e.py": f"{n}\n"}, "same", author=twin) for n in (1, 2)]
    move_main(history)
    landed = rebase(history, own)
    assert shas(resolve(merged_pull(history, "topic", landed[-1]))) == landed


def test_a_rebase_that_gave_new_titles_and_dates_is_not_taken_for_a_squash(history, resolve):
    """Some robots add the pull's number to every commit; all but the last would be lost, and nobody would notice."""
    own = topic(history, "one", "two", "three")
    move_main(history)
    history.branch("plain-main", "main")
    plain = rebase(history, own, onto="plain-main")
    landed = [history.commit("main", changed(history, sha), f"[12] commit {n} (#12)") for n, sha in enumerate(plain)]
    found = resolve(merged_pull(history, "topic", landed[-1]))
    assert (shas(found), found.method) == (landed, "rebase")


def test_empty_commits_of_a_pull_count_for_nothing(history, resolve):
    own = [*topic(history, "one"), history.commit("topic", {}, "Run the tests again")]
    own.append(history.commit("topic", {"z.py": "z\n"}, "last"))
    move_main(history)
    landed = rebase(history, own)
    assert shas(resolve(merged_pull(history, "topic", landed[-1]))) == [landed[0], landed[2]]
    history.branch("main", f"{landed[0]}^")
    merged = history.merge("main", "topic")
    assert shas(resolve(merged_pull(history, "topic", merged))) == [own[0], own[2]]


@pytest.mark.parametrize("titles", [("one",), ("one", "two", "three")])
def test_a_squash_is_one_commit_however_many_the_pull_had(history, resolve, titles):
    topic(history, *titles)
    move_main(history)
    landed = squash(history, "topic", "Fix (#12)\n\n* one\n\n* two\n")
    found = resolve(merged_pull(history, "topic", landed))
    assert (shas(found), found.method) == ([landed], "squash")


def test_a_squash_of_a_pull_that_merged_main_twice_is_that_one_commit(history, resolve):
    topic(history, "one")
    move_main(history, 3)
    history.merge("topic", "main")
    history.commit("topic", {"f.py": "f\n"}, "two")
    move_main(history, 9)
    history.merge("topic", "main")
    landed = squash(history, "topic", "Fix (#12)")
    found = resolve(merged_pull(history, "topic", landed))
    assert (shas(found), found.method) == ([landed], "squash")


@pytest.mark.parametrize("moved", [True, False])
def test_a_squash_that_looks_like_the_last_commit_is_still_the_whole_pull(history, resolve, moved):
    """Title, author and date of the squash are those of the last commit: only the content tells them apart."""
    topic(history, "one")
    history.commit("topic", {"e.py": "e\n"}, "last", author=Person(b"Bob <bob@example.org>", "1700009999 +0000"))
    if moved:
        move_main(history)
    landed = squash(history, "topic", "last", author=Person(b"Bob <bob@example.org>", "1700009999 +0000"))
    found = resolve(merged_pull(history, "topic", landed))
    assert (shas(found), found.method) == ([landed], "squash")


def test_the_last_of_a_rebase_is_not_taken_for_all_of_it_when_the_others_are_missing(history, resolve):
    """The first commit came to main in another shape, so nothing proves which commits the pull is."""
    own = topic(history, "one", "two")
    history.commit("main", {"a.py": history.read(own[0], "a.py"), "topic-0.py": "one\n", "x.py": "x\n"}, "Other")
    landed = rebase(history, own[1:])
    found = resolve(merged_pull(history, "topic", landed[-1]))
    assert isinstance(found, Unproven)
    assert landed[-1][:12] in found.reason


@pytest.mark.parametrize("titles", [("one",), ("one", "two", "three")])
def test_a_merge_commit_gives_the_branchs_own_commits_in_order(history, resolve, titles):
    own = topic(history, *titles)
    move_main(history)
    landed = history.merge("main", "topic")
    found = resolve(merged_pull(history, "topic", landed))
    assert (shas(found), found.method) == (own, "merge")


def test_a_branch_that_merged_main_brings_its_own_commits_only(history, resolve):
    own = topic(history, "one")
    other = move_main(history)
    history.merge("topic", "main")
    own.append(history.commit("topic", {"f.py": "f\n"}, "two"))
    move_main(history, 2)
    landed = history.merge("main", "topic")
    found = resolve(merged_pull(history, "topic", landed))
    assert shas(found) == own
    assert other not in shas(found)


def test_a_conflict_resolved_while_merging_main_is_said_and_not_dropped(history, resolve):
    topic(history, "one")
    history.commit("main", {"a.py": lines((3, "theirs"))}, "In the way")
    parents = (history.sha("topic"), history.sha("main"))
    history.commit("topic", {"a.py": lines((3, "both"))}, "Merge main", parents=parents)
    landed = history.merge("main", "topic")
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "carries changes of its own" in found.reason
    assert f"-m 1 {landed[:12]}" in found.next_step


def test_an_evil_merge_is_caught_and_the_path_it_smuggled_is_named(history, resolve):
    topic(history, "one", "two")
    landed = history.merge("main", "topic", {"evil.py": "import os\n"})
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "(it differs in evil.py)" in found.reason
    assert f"-m 1 {landed[:12]}" in found.next_step


def test_an_evil_merge_of_many_paths_names_three_and_counts_the_rest(history, resolve):
    topic(history, "one")
    landed = history.merge("main", "topic", {f"evil{n}.py": "x\n" for n in range(5)})
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "(it differs in evil0.py, evil1.py, evil2.py and 2 more)" in found.reason


def test_a_merge_that_threw_the_pulls_change_away_is_caught(history, resolve):
    """`-s ours`: everything looks merged and nothing is there."""
    topic(history, "one")
    tip = history.sha("main")
    landed = history.commit("main", {}, "Merge", parents=(tip, history.sha("topic")))
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "a.py" in found.reason


def test_evil_in_a_merge_inside_the_branch_is_caught_too(history, resolve):
    topic(history, "one")
    move_main(history)
    history.merge("topic", "main", {"evil.py": "x\n"})
    landed = history.merge("main", "topic")
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "evil.py" in found.reason


def test_a_squash_that_brings_more_than_the_pull_is_not_proven(history, resolve):
    topic(history, "one", "two")
    squash(history, "topic", "Fix (#12)")
    landed = history.commit(
        "main", {"a.py": history.read("main", "a.py"), "evil.py": "x\n"}, "Fix (#12)",
        parents=(history.sha("main~1"),),
    )  # fmt: skip
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "does not give" in found.reason


def test_a_fast_forward_gives_the_commits_since_the_base(history, resolve):
    base = history.sha("main")
    own = topic(history, "one", "two")
    history.branch("main", "topic")
    found = resolve(merged_pull(history, "topic", own[-1], base_sha=base))
    assert (shas(found), found.method) == (own, "fast-forward")


def test_a_fast_forward_that_the_forge_names_no_commit_for_is_known_by_its_head(history, resolve):
    """GitLab gives neither a merge commit nor a squash commit for one."""
    base = history.sha("main")
    own = topic(history, "one", "two")
    history.branch("main", "topic")
    history.commit("main", {"later.py": "x\n"}, "Later")
    assert shas(resolve(merged_pull(history, "topic", None, base_sha=base))) == own


@pytest.mark.parametrize("base", ["", "d" * 40, "sideways", "head"])
def test_a_fast_forward_from_an_unknown_place_is_not_guessed(history, resolve, base):
    history.commit("sideways", {"x": "x\n"}, "elsewhere", parents=())
    own = topic(history, "one", "two")
    history.branch("main", "topic")
    places = {"sideways": history.sha("sideways"), "head": own[-1]}
    found = resolve(merged_pull(history, "topic", own[-1], base_sha=places.get(base, base)))
    assert isinstance(found, Unproven)
    assert "from a place that is not known" in found.reason


@pytest.mark.parametrize(("merged_as", "said"), [
    ("0" * 40, "main does not have it"),
    (None, "main does not have it"),
    ("topic", "main does not have it"),  # there, and on another branch
])  # fmt: skip
def test_a_merge_that_is_not_on_the_base_branch_is_not_believed(history, resolve, merged_as, said):
    topic(history, "one")
    sha = history.sha("topic") if merged_as == "topic" else merged_as
    history.commit("other", {"o": "o\n"}, "other", parents=(history.sha("main"),))
    found = resolve(merged_pull(history, "other", sha))
    assert isinstance(found, Unproven)
    assert said in found.reason


def test_a_head_that_is_gone_is_said(history, resolve):
    topic(history, "one")
    landed = squash(history, "topic", "Fix (#12)")
    found = resolve(merged_pull(history, "topic", landed, head_sha="e" * 40))
    assert isinstance(found, Unproven)
    assert "not to be had" in found.reason


def test_a_head_that_the_merge_does_not_bring_is_said(history, resolve):
    """Somebody pushed to the pull after it was merged: those commits never landed."""
    topic(history, "one")
    landed = history.merge("main", "topic")
    history.commit("topic", {"late.py": "late\n"}, "too late")
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "does not bring the pull's head" in found.reason


def test_an_octopus_is_refused(history, resolve):
    topic(history, "one")
    topic(history, "other", name="other", line=12)
    parents = tuple(history.sha(name) for name in ("main", "topic", "other"))
    landed = history.commit("main", {"x": "x\n"}, "Octopus", parents=parents)
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
    assert "3 parents" in found.reason


# ── GitLab's squash under a merge commit ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moved", [True, False])
def test_a_merge_commit_over_a_squash_gives_the_squash(history, resolve, moved):
    topic(history, "one", "two")
    history.branch("squashed", "main")
    made = squash(history, "topic", "Fix", onto="squashed")
    if moved:
        move_main(history)
    landed = history.merge("main", "squashed", message="Merge branch 'topic' into 'main'\n\nSee merge request a/b!12")
    found = resolve(merged_pull(history, "topic", landed))
    assert (shas(found), found.method) == ([made], "squash")


@pytest.mark.parametrize("evil", ["squash", "merge"])
def test_neither_the_squash_nor_the_merge_over_it_may_add_anything(history, resolve, evil):
    topic(history, "one", "two")
    history.branch("squashed", "main")
    squash(history, "topic", "Fix", onto="squashed")
    if evil == "squash":
        tree = {"evil.py": "x\n", "a.py": history.read("squashed", "a.py")}
        history.branch("squashed", "main")
        history.commit("squashed", tree, "Fix")
    landed = history.merge("main", "squashed", {"evil.py": "x\n"} if evil == "merge" else {})
    found = resolve(merged_pull(history, "topic", landed))
    assert isinstance(found, Unproven)
