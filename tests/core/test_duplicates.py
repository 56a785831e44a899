"""The evidence ladder, rung by rung: what is certain, what is only alike, and what is not evidence at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.duplicates import (
    BranchIndex,
    Traits,
    find_combined,
    find_evidence,
    hide_trailers,
    numbers,
    numbers_said,
    title_key,
)
from bot.core.model import Evidence

SOURCE = "a" * 40
PICK = "b" * 40
REVERT = "c" * 40
OTHER = "d" * 40
LATER = "e" * 40

ADA = "Ada <ada@example.org> 1700000000 +0000"
BOB = "Bob <bob@example.org> 1700009999 +0200"


def commit(sha=SOURCE, title="Fix the fused optimizer", body="", *, author=ADA, at=100, patch=None):
    return replace(Traits.read(sha, author, at, f"{title}\n\n{body}\n"), patch_id=patch)


def pick(sha=PICK, title="Fix the fused optimizer", body="", *, author=ADA, at=200, patch=None, of=SOURCE):
    trailer = f"\n\n(cherry picked from commit {of})" if of else ""
    return commit(sha, title, body + trailer, author=author, at=at, patch=patch)


def branch(*commits):
    index = BranchIndex()
    index.add(commits)
    return index


def find(source, *line, main=()):
    return find_evidence(source, branch(*line), branch(source, *main))


def kind_of(found):
    return (found.kind, found.certain) if found else None


# ── ancestor and trailer ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_commit_that_is_itself_on_the_line_is_there():
    assert find(commit(), commit()) == Evidence("ancestor", SOURCE, SOURCE, certain=True, score=1.0)


def test_a_commit_named_by_a_trailer_is_there_whatever_else_differs():
    found = find(commit(), pick(title="Quite another title", author=BOB, patch="x"))
    assert found == Evidence("trailer", SOURCE, PICK, certain=True, score=1.0)


@pytest.mark.parametrize("length", [7, 12, 39])
def test_a_trailer_may_shorten_the_id(length):
    assert kind_of(find(commit(), pick(of=SOURCE[:length], title="x", author=BOB))) == ("trailer", True)


@pytest.mark.parametrize("body", [
    "(cherry picked from commit {other})",
    "This was (cherry picked from commit {source}) by hand.",
    "> (cherry picked from commit {source})",
    "(cherry picked from commit {source:.6})",
    "see {source}",
])  # fmt: skip
def test_only_a_line_of_its_own_with_this_very_id_is_a_trailer(body):
    source = "a" * 8 + "1" * 32
    twin = "a" * 8 + "2" * 32  # agrees in more than seven digits
    said = commit(PICK, "x", body.format(source=source, other=twin), author=BOB)
    assert find(commit(source), said) is None


def test_a_trailer_in_the_title_is_not_a_trailer():
    assert find(commit(), commit(PICK, f"(cherry picked from commit {SOURCE})", author=BOB)) is None


def test_trailers_pile_up_from_line_to_line_and_each_of_them_counts():
    body = f"(cherry picked from commit {SOURCE})\n(cherry picked from commit {OTHER})"
    assert kind_of(find(commit(), commit(PICK, "x", body, author=BOB))) == ("trailer", True)


def test_a_pick_of_a_pick_is_followed_to_its_source():
    """The first pick was taken back and picked again from its own id: the source is named by no standing commit."""
    first = pick(at=200)
    revert = commit(REVERT, 'Revert "Fix the fused optimizer"', f"This reverts commit {PICK}.", author=BOB, at=300)
    second = pick(LATER, "x", of=PICK, author=BOB, at=400)
    assert find(commit(), first, revert, second) == Evidence("trailer", SOURCE, LATER, certain=True, score=1.0)


@pytest.mark.parametrize("length", [10, 40])
def test_trailers_are_followed_through_a_branch_that_is_neither(length):
    line = branch(pick(LATER, "Adapted", of=OTHER[:length], author=BOB))
    assert line.ask_for() == [OTHER[:length]]
    assert find_evidence(commit(), line, branch()) is None
    line.learn([pick(OTHER, of=SOURCE)])
    assert find_evidence(commit(), line, branch()) == Evidence("trailer", SOURCE, LATER, certain=True, score=1.0)
    assert line.ask_for() == [SOURCE]
    assert line.ask_for() == []
    assert list(line.commits) == [LATER]


def test_of_two_picks_the_newest_that_stands_is_named():
    assert find(commit(), pick(), pick(LATER, at=300)).present_as == LATER


# ── taken back ───────────────────────────────────────────────────────────────────────────────────────────────────────

TAKEN_BACK = {
    "by the line's id": ('Revert "x"', f"This reverts commit {PICK}."),
    "by a short id": ('Revert "x"', f"This reverts commit {PICK[:9]}"),
    "by the origin's id": ('Revert "x"', f"This reverts commit {SOURCE}."),
    "by the number of the original": ('Revert "x" (#99)', "Reverts acme/torchlet#12"),
    "by the number of the backport": ('Revert "x" (#99)', "Reverts #34"),
    "by the number on GitLab": ("Revert x", "This reverts merge request !34"),
    "by its title": ('Revert "Fix the fused optimizer (#12) (#34)"', ""),
    "by its title without numbers": ('Revert "[2.7] Fix the fused optimizer"', "It broke the build."),
    "by an id on the way from line to line": ('Revert "x"', f"This reverts commit {OTHER}."),
    "by its title, in a pull of its own": ('Revert "Fix the fused optimizer" (#99)', ""),
    "by the title that the bot's own pick has": ('[2.7] Revert "Fix the fused optimizer (#12)" (#99)', ""),
    "by a conventional title": ("revert: Fix the fused optimizer (#12)", ""),
    "by a conventional title with a scope": ("🤖 revert(optim)!: Fix the fused optimizer", ""),
    "in other words": ("Back out “Fix the fused optimizer”", "It broke the build."),
    "by a list in a squash": ("Mend the build (#99)", '* Revert "Fix the fused optimizer (#12)"\n\n* Add a test'),
    "by its number alone": ("Revert #34 (#99)", ""),
}


@pytest.mark.parametrize("how", TAKEN_BACK)
@pytest.mark.parametrize("rung", ["trailer", "patch-id", "similar"])
def test_what_the_line_took_back_is_not_there(how, rung):
    title = "Fix the fused optimizer (#12)"
    source = commit(SOURCE, title, patch="same" if rung == "patch-id" else None)
    of = SOURCE if rung == "trailer" else None
    way = f"(cherry picked from commit {OTHER})"
    there = pick(PICK, f"{title} (#34)", way, of=of, patch=source.patch_id)
    assert kind_of(find(source, there)) == (rung, rung != "similar")
    words, body = TAKEN_BACK[how]
    revert = commit(REVERT, words, body, author=BOB, at=300)
    assert find(source, there, revert) is None
    assert find(source, revert, there) is not None  # before the pick it meant something else
    again = commit(LATER, f'Revert "{words}"', f"This reverts commit {REVERT}.", author=BOB, at=400)
    assert kind_of(find(source, there, revert, again)) == (rung, rung != "similar")


@pytest.mark.parametrize(("title", "body"), [
    ('Revert "Something else"', f"This reverts commit {OTHER}."),
    ('Revert "Something else"', f"This reverts commit {PICK[:9]}{OTHER[9:]}."),
    ('Revert "Something else" (#99)', "Reverts acme/torchlet#123"),
    ('Revert "Something else" (#99)', "Reverts acme/torchlet#1"),
    ('Revert "Something else"', ""),
    ('Revert "Fix the fused optimizer (#12)"', f"This reverts commit {OTHER}."),  # an earlier try of the same name
    ("Undo nothing", f"Somebody thought of `This reverts commit` {PICK}"),
])  # fmt: skip
def test_a_revert_of_something_else_takes_nothing_back(title, body):
    source = commit(SOURCE, "Fix the fused optimizer (#12)")
    revert = commit(REVERT, title, body, author=BOB, at=300)
    assert kind_of(find(source, pick(PICK, source.title), revert)) == ("trailer", True)


def test_a_pull_may_be_named_the_way_of_its_forge():
    source = commit(SOURCE, "Fix the fused optimizer GH-12")
    revert = commit(REVERT, 'Revert "x" (#99)', "Reverts acme/torchlet#12", author=BOB, at=300)
    assert find(source, pick(PICK, source.title), revert) is None


def test_a_revert_of_a_pull_that_the_title_only_mentions_takes_nothing_back():
    source = commit(SOURCE, "Fix what #7 broke (#12)")
    revert = commit(REVERT, 'Revert "x" (#99)', "Reverts acme/torchlet#7", author=BOB, at=300)
    assert kind_of(find(source, pick(PICK, source.title), revert)) == ("trailer", True)


def test_a_change_reverted_and_picked_anew_is_there_as_the_later_commit():
    revert = commit(REVERT, 'Revert "x"', f"This reverts commit {PICK}.", author=BOB, at=300)
    assert find(commit(), pick(), revert, pick(LATER, at=400)).present_as == LATER


def test_reverts_of_reverts_are_followed_to_their_end():
    line = [pick()]
    for count, sha in enumerate((REVERT, OTHER, LATER)):
        line.append(commit(sha, f"Back and forth {count}", f"This reverts commit {line[-1].sha}.", author=BOB))
        assert (find(commit(), *line) is None) == (count % 2 == 0)


def test_a_revert_that_was_applied_again_by_title_is_void():
    titles = ("Revert \"Fix the fused optimizer\"", "Reapply \"Fix the fused optimizer\"")
    later = [commit(sha, title, author=BOB, at=300) for sha, title in zip((REVERT, LATER), titles, strict=True)]
    assert find(commit(), pick(), *later[:1]) is None
    assert kind_of(find(commit(), pick(), *later)) == ("trailer", True)


@pytest.mark.parametrize("count", [400, 401])
def test_reverts_of_all_that_came_before_are_judged_once_each(count):
    """One by one, each would ask all that came later, and those again all: 2⁴⁰⁰ questions."""
    shas = [f"{n:07x}".ljust(40, "0") for n in range(count)]
    bodies = ("\n".join(f"This reverts commit {sha}." for sha in shas[:n]) for n in range(count))
    line = [commit(sha, "x", body, author=BOB, at=300) for sha, body in zip(shas, bodies, strict=True)]
    index = branch(*line)
    assert [index.stands(each, each.sha) for each in line] == [False] * (count - 1) + [True]


@pytest.mark.parametrize("count", [5_000, 5_001])
def test_a_long_chain_of_reverts_is_followed_to_its_end(count):
    line = [pick()]
    for n in range(count):
        sha = f"{n:07x}".ljust(40, "0")
        line.append(commit(sha, f"Back and forth {n}", f"This reverts commit {line[-1].sha}.", author=BOB))
    assert (find(commit(), *line) is None) == (count % 2 == 1)


# ── patch-id ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("title", "author", "certain", "score"), [
    ("Fix the fused optimizer", BOB, True, 1.0),
    ("[2.7] Fix the fused optimizer (#34)", BOB, True, 1.0),
    ("Quite another title", ADA, True, 1.0),
    ("Picks for 2.7 (#12) (#34)", BOB, True, 1.0),
    ("Quite another title", BOB, False, 0.9),
])  # fmt: skip
def test_an_equal_patch_id_is_certain_only_where_something_else_agrees(title, author, certain, score):
    source = commit(SOURCE, "Fix the fused optimizer (#12)", patch="same")
    found = find(source, pick(PICK, title, author=author, of=None, patch="same"))
    assert found == Evidence("patch-id", SOURCE, PICK, certain=certain, score=score)


def test_the_pick_of_an_earlier_commit_with_the_same_patch_is_no_evidence():
    """The change went in, was put back, and went in again: the line has the first, and says so."""
    first, again = commit(OTHER, patch="same", at=50), commit(SOURCE, patch="same")
    there = pick(patch="same", of=OTHER)
    assert kind_of(find(first, there, main=[again])) == ("trailer", True)
    assert find(again, there, main=[first]) is None


def test_a_patch_that_says_it_was_picked_from_somewhere_else_is_not_certain():
    found = find(commit(patch="same"), pick(patch="same", of=OTHER))
    assert found == Evidence("patch-id", SOURCE, PICK, certain=False, score=0.9)


def test_commits_without_a_patch_id_do_not_agree_in_it():
    assert find(commit(), pick(title="x", author=BOB, of=None)) is None


# ── similar ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("title", "author", "score"), [
    ("Fix the fused optimizer", ADA, 0.95),
    ("Fix the fused optimizer (#12) (#34)", BOB, 0.95),
    ("Quite another title", ADA, 0.9),
    ("Pick a few things (#12) (#34)", BOB, 0.85),
    ("Backport #12 to 2.7", BOB, 0.85),
    ("fix the Fused-Optimizer!", BOB, 0.7),
    ("Quite another title", BOB, None),
    ("", BOB, None),
])  # fmt: skip
def test_a_hand_adapted_backport_is_similar_and_never_certain(title, author, score):
    source = commit(SOURCE, "Fix the fused optimizer (#12)", patch="one")
    found = find(source, pick(PICK, title, author=author, of=None, patch="adapted"))
    assert found == (score and Evidence("similar", SOURCE, PICK, certain=False, score=score))


def test_the_numbers_in_a_squashs_list_of_picks_name_their_changes():
    body = "* Fix the fused optimizer (#12)\n* Fix the loader (#13)\n\nSee also the talk about (#14) in June."
    squash = pick(PICK, "Picks for 2.7.1 (#40)", body, author=BOB, of=None)
    titles = ("Fix the fused optimizer (#12)", "Fix the loader (#13)", "Talk (#14)")
    sources = [commit(str(n) * 40, title, author=f"{n}") for n, title in enumerate(titles, 1)]
    found = [find(source, squash, main=[s for s in sources if s != source]) for source in sources]
    assert [f and f.score for f in found] == [0.85, 0.85, None]


def test_a_squash_named_after_its_first_pick_has_the_others_too():
    titles = ("Fix the fused optimizer (#12)", "Fix the loader (#13)")
    squash = pick(PICK, "Fix the fused optimizer (#40)", "".join(f"* {t}\n" for t in titles), author=BOB, of=None)
    sources = [commit(str(n) * 40, title, author=f"{n}") for n, title in enumerate(titles, 1)]
    found = [find(source, squash, main=[s for s in sources if s != source]) for source in sources]
    assert [f and f.score for f in found] == [0.95, 0.85]


@pytest.mark.parametrize("title", [
    "Fix what #12 broke (#40)", "Follow up on #12", 'Revert "Fix the fused optimizer (#12)" (#40)',
])  # fmt: skip
def test_a_mention_in_passing_is_nothing_even_where_nobody_else_is_meant(title):
    assert find(commit(SOURCE, "Fix the fused optimizer (#12)"), commit(PICK, title, author=BOB)) is None


@pytest.mark.parametrize("title", [
    "Fix what #12 broke (#40)",
    "Follow up on #12",
    "Fix what (#12) broke (#40)",
    "Revert \"Fix the fused optimizer (#12)\" (#40)",
    "Fix the crash after the pick of #12 (#40)",
])  # fmt: skip
def test_a_follow_up_that_mentions_the_number_is_not_the_change(title):
    """The follow-up is on main as well, and its own pick on the line is what carries the number."""
    source = commit(SOURCE, "Fix the fused optimizer (#12)")
    follow_up = commit(OTHER, title, author=BOB, at=150)
    assert find(source, pick(PICK, f"{title} (#50)", author=BOB, of=None), main=[follow_up]) is None


def test_a_revert_on_the_line_is_not_the_change_it_takes_back():
    assert find(commit(), commit(REVERT, 'Revert "Fix the fused optimizer"', author=BOB, at=300)) is None


def test_a_revert_is_found_as_itself():
    source = commit(SOURCE, 'Revert "Fix the loader" (#15)', "Reverts acme/torchlet#11")
    there = pick(PICK, 'Revert "Fix the loader" (#15) (#40)', "Reverts acme/torchlet#11", author=BOB, of=None)
    assert kind_of(find(source, there)) == ("similar", False)


# ── rivals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_commits_with_one_title_each_finds_its_own_pick():
    title = "Update the docs"
    first, second = commit("1" * 40, title, author="x", at=100), commit("2" * 40, title, author="x", at=300)
    picks = (pick("3" * 40, title, author="y", at=200, of=None), pick("4" * 40, title, author="z", at=400, of=None))
    assert find(first, *picks, main=[second]).present_as == "3" * 40
    assert find(second, *picks, main=[first]).present_as == "4" * 40


def test_a_look_alike_that_suits_another_commit_better_is_not_evidence():
    first, second = commit("1" * 40, "Update the docs", author="x"), commit("2" * 40, "Update the docs", at=150)
    there = pick(PICK, "Update the docs", author=ADA, of=None)
    assert find(first, there, main=[second]) is None
    assert find(second, there, main=[first]).present_as == PICK


@pytest.mark.parametrize("patches", [("one", "two"), (None, None)])
def test_a_trailer_decides_between_twins(patches):
    first, second = commit("1" * 40, patch=patches[0]), commit("2" * 40, patch=patches[1])
    there = pick(PICK, of="2" * 40, patch=patches[0])
    assert find(second, there, main=[first]) == Evidence("trailer", "2" * 40, PICK, certain=True, score=1.0)


def test_what_says_that_it_is_the_pick_of_another_commit_is_not_called_certain_for_this_one():
    first, second = commit("1" * 40, at=90), commit("2" * 40, at=100)
    there = pick(PICK, of="2" * 40)
    found = find(first, there, main=[second])
    assert found is None or not found.certain


# ── titles and numbers ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("title", [
    "Fix the fused optimizer",
    "[2.7] Fix the fused optimizer (#12)",
    "[release/2.7][optim] Fix the fused optimizer (#12) (#34)",
    "Fix the fused optimizer (backport #12)",
    "Backport of Fix the fused optimizer to 2.7",
    "[Backport 2.7] Fix the fused optimizer",
    "Cherry-pick: Fix the fused optimizer to release/2.7",
    "cherry-picked fix the fused optimizer (GH-12)",
    "release/2.7: Fix the fused optimizer",
    "v2.7: fix the fused optimizer !12",
    "🤖 Backport to 2.7.x: Fix the fused optimizer",
    "  FIX   the\tfused optimizer.  ",
])  # fmt: skip
def test_what_backports_add_to_titles_is_noise(title):
    assert title_key(title) == "fix the fused optimizer"


@pytest.mark.parametrize(("title", "key"), [
    ("", ""), ("[2.7]", ""), ("(#12)", ""), ("Backport to 2.7", ""), ("...", ""), ("[WIP] (#12) !13", ""),
    ("Füge Ünïcode hinzu", "füge ünïcode hinzu"), ("修复 优化器", "修复 优化器"),
    ("snake_case and camelCase", "snake case and camelcase"),
])  # fmt: skip
def test_nothing_left_of_a_title_is_no_key(title, key):
    assert title_key(title) == key
    source = commit(SOURCE, title)
    assert not key or kind_of(find(source, pick(PICK, title, author=BOB, of=None))) == ("similar", False)
    assert key or find(source, pick(PICK, title, author=BOB, of=None)) is None or numbers(title)


@pytest.mark.parametrize("numbered", [True, False])
def test_2_1_is_neither_2_10_nor_2_14(numbered):
    versions = ("2.1", "2.10", "2.14", "2.1.4")
    sources = [commit(str(n) * 40, f"Bump torch to {v}" + f" (#{n})" * numbered, author=str(n), at=100 + n)
               for n, v in enumerate(versions, 1)]  # fmt: skip
    picks = [pick(f"{n}0" * 20, f"{s.title}" + f" (#{n}00)" * numbered, author=f"x{n}", at=200 - n, of=None)
             for n, s in enumerate(sources, 1)]  # fmt: skip
    for source, there in zip(sources, picks, strict=True):
        others = [s for s in sources if s != source]
        assert find(source, *picks, main=others).present_as == there.sha
        found = find(source, *(p for p in picks if p != there), main=others)
        assert found is None


@pytest.mark.parametrize(("title", "found"), [
    ("Fix (#12)", (12,)), ("Fix (#12) (#34)", (12, 34)), ("Fix GH-12", (12,)), ("Fix [!7]", (7,)), ("Fix", ()),
    ("#1 in the hearts of people (#12)", (1, 12)),
    ('Revert "Fix (#12)" (#34)', (34,)), ('Revert "Fix (#12)"', ()), ('[2.7] Revert "Fix (#12)" (#34)', (34,)),
])  # fmt: skip
def test_the_numbers_of_a_title_are_those_that_are_its_own(title, found):
    assert numbers(title) == found


# ── several commits ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("title", "certain", "score"), [("[2.7] Fix it (#40)", True, 1.0), ("x", False, 0.9)])
def test_a_series_is_there_as_a_squash_whose_patch_is_the_sum(title, certain, score):
    line = branch(pick(PICK, title, author=BOB, of=None, patch="sum"))
    found = find_combined("Fix it", "sum", ["1" * 40, "2" * 40], line)
    assert found == tuple(Evidence("patch-id", sha, PICK, certain, score) for sha in ("1" * 40, "2" * 40))


def test_a_squash_that_was_taken_back_is_no_evidence_for_the_series():
    revert = commit(REVERT, 'Revert "x"', f"This reverts commit {PICK}.", author=BOB, at=300)
    line = branch(pick(PICK, "Fix it", author=BOB, of=None, patch="sum"), revert)
    assert find_combined("Fix it", "sum", ["1" * 40, "2" * 40], line) == ()


@pytest.mark.parametrize("sum_", [None, "other"])
def test_another_sum_is_no_evidence(sum_):
    line = branch(pick(PICK, "Fix it", author=BOB, of=None, patch="sum"))
    assert find_combined("Fix it", sum_, ["1" * 40, "2" * 40], line) == ()


def test_a_sum_that_names_others_as_its_origin_is_not_certain():
    line = branch(pick(PICK, "Fix it", author=BOB, of=OTHER, patch="sum"))
    assert [e.certain for e in find_combined("Fix it", "sum", ["1" * 40, "2" * 40], line)] == [False, False]


# ── what a commit says it carries ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("message", "found"), [
    ("Fix (#12) (#34)", (12,)),
    ("Fix (#34)", (34,)),
    ("Fix", ()),
    ("Fix (#11) (#12) (#34)", (11, 12)),
    ("Fix what #9 broke (#34)", (34,)),
    ('Revert "Fix (#12) (#34)" (#40)', (12, 34)),
    ('Revert "[2.7] Fix (#12)" (#40)', (12,)),
    ("Fixes (#34)\n\n* One (#12)\n* Two (#13)\n", (34, 12, 13)),
])  # fmt: skip
def test_the_pulls_that_a_commit_may_carry_or_take_back_by_its_own_word(message, found):
    assert numbers_said(Traits.read(PICK, ADA, 100, message)) == found


# ── the index ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_commit_added_twice_is_there_once():
    index = branch(commit(), commit())
    index.add([commit()])
    assert list(index.commits) == [SOURCE]
    assert index.sharing(commit()) == [commit()]


def test_an_index_that_grows_sees_what_came_later():
    index = branch(pick())
    assert find_evidence(commit(), index, branch()) is not None
    index.add([commit(REVERT, 'Revert "x"', f"This reverts commit {PICK}.", author=BOB)])
    assert find_evidence(commit(), index, branch()) is None


def test_hidden_trailers_leave_the_other_rungs():
    line = hide_trailers([pick(patch="same")])
    assert kind_of(find(commit(patch="same"), *line)) == ("patch-id", True)


def test_a_message_of_hostile_length_is_read_in_no_time():
    body = "(cherry picked from commit " * 20_000 + "* (#1" * 20_000 + "\n" * 20_000
    assert Traits.read(SOURCE, ADA, 1, "Revert \"" * 5_000 + "\n" + body).picked_from == ()
    assert title_key("[" * 20_000 + "backport to " * 2_000) is not None
