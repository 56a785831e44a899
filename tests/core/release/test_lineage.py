"""Which commits are one change, and which versions hold it; on made-up messages and histories."""

from __future__ import annotations

from bot.core.changelog.tags import Mark
from bot.core.changelog.told import tell
from bot.core.model import Branch, Commit, Line
from bot.core.release.lineage import find_kin, find_landings, is_pick, spread
from bot.core.versions import read_tag

FIX, PICK, NEXT, UNDO, REDO, OTHER = ("".join(c * 40) for c in "123456")


def told(sha, message, parents=("0" * 40,)):
    return tell(Commit(sha, parents, "f" * 40, "Ada <a@b>", 1, message, 1))


ORIGINAL = told(FIX, "fix(ops): mend it (#12)")


def kin(*others, own=(ORIGINAL,), brought=()):
    found = find_kin(own, others, brought)
    return [one.sha for one in found.members], [one.sha for one in found.reverts]


def test_picks_are_known_by_trailers_short_and_long_and_through_each_other():
    one = told(PICK, f"fix(ops): mend it\n\n(cherry picked from commit {FIX[:9]})")
    two = told(NEXT, f"fix(ops): mend it\n\n(cherry picked from commit {PICK})")
    far = told(OTHER, f"fix(ops): mend it\n\n(cherry picked from commit {'9' * 40})")
    assert kin(two, far, one) == ([FIX, PICK, NEXT], [])
    assert kin(two, one, own=(two,)) == ([NEXT], []), "what it was picked from is for the caller to find"


def test_picks_are_known_by_the_pull_that_they_name_and_by_no_likeness():
    squashed = told(PICK, "[2.7] fix(ops): mend it (#12) (#20)")
    alike = told(NEXT, "fix(ops): mend it (#112)")
    in_words = told(OTHER, "docs: what came of #12 (#30)\n\nSee #12.")
    assert kin(squashed, alike, in_words) == ([FIX, PICK], [])


def test_what_takes_it_back_is_no_pick_whatever_numbers_it_wears():
    undo = told(UNDO, f"revert: fix(ops): mend it (#12)\n\nThis reverts commit {FIX}.")
    pull = told(NEXT, 'Revert "fix(ops): mend it" (#40)\n\nReverts acme/kit#12')
    quoting = told(OTHER, 'Revert "fix(ops): mend it (#12)" (#41)')
    assert kin(undo, pull, quoting) == ([FIX], [UNDO, NEXT, OTHER])


def test_a_revert_has_picks_of_its_own():
    undo = told(UNDO, f'Revert "fix(ops): mend it (#12)" (#33)\n\nThis reverts commit {FIX}.')
    onto = told(PICK, f"{'x'}Revert\n\nThis reverts commit {FIX}.\n\n(cherry picked from commit {UNDO})")
    assert kin(onto, own=(undo,)) == ([UNDO, PICK], [])


def test_the_commits_of_a_pull_count_and_are_not_listed():
    merge = told(OTHER, "Merge pull request #5 from x/y\n\nfix: it", parents=("8" * 40, FIX))
    one = told(PICK, f"mend it\n\n(cherry picked from commit {FIX})")
    assert kin(one, ORIGINAL, own=(merge,), brought=(ORIGINAL,)) == ([OTHER, PICK], [])


# ── where it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


def mark(name, sha):
    version = read_tag(name)
    assert version
    return Mark(version, name, sha, 1)


PICKED = told(PICK, f"fix(ops): mend it\n\n(cherry picked from commit {FIX})")
UNDONE = told(UNDO, f'Revert "fix(ops): mend it (#12)"\n\nThis reverts commit {FIX}.')
FAMILY = find_kin((ORIGINAL,), (PICKED, UNDONE))


def test_versions_hold_what_their_history_holds_and_the_first_ones_are_told():
    history = [
        ("a" * 40, (FIX,)), ("b" * 40, (PICK,)), (UNDO, ("a" * 40,)), ("c" * 40, (UNDO,)), ("d" * 40, ("e" * 40,)),
    ]  # fmt: skip
    held = spread(history, FAMILY.seeds)
    assert held["c" * 40] == held["a" * 40] | held[UNDO]
    assert "d" * 40 not in held
    marks = [
        mark("v2.6.0", "d" * 40), mark("v2.7.1-rc9", PICK), mark("v2.7.1-rc10", "b" * 40), mark("v2.7.1", "b" * 40),
        mark("v2.8.0-rc1", FIX), mark("v2.8.1", "c" * 40),
    ]  # fmt: skip
    branches = {Line(2, 9): Branch("release/2.9", "c" * 40), Line(2, 6): Branch("release/2.6", "d" * 40)}
    seven, eight, nine = find_landings(FAMILY, held, marks, branches)
    assert seven.candidate and seven.final
    assert (seven.candidate.name, seven.final.name, seven.member.sha) == ("v2.7.1-rc9", "v2.7.1", PICK)
    assert eight.undone_by and eight.undone_in
    assert (eight.member.sha, eight.undone_by.sha, eight.undone_in.name) == (FIX, UNDO, "v2.8.1")
    assert nine.undone_by
    assert (nine.candidate, nine.final, nine.member.sha, nine.undone_by.sha) == (None, None, FIX, UNDO)


def test_an_original_stands_before_a_pick_where_a_line_holds_both():
    both = find_kin((PICKED, ORIGINAL), ())
    assert [is_pick(one) for one in both.members] == [True, False]
    [landing] = find_landings(both, {"a" * 40: 3}, [mark("v2.7.0", "a" * 40)], {})
    assert landing.member.sha == FIX
