"""Two branches compared with every rung of the ladder, on real repositories."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.tools import present
from bot.tools.git import Git
from bot.tools.patch_ids import PatchIds
from bot.tools.present import Span, compare_branches
from tests.tools.cherry_picking import picking
from tests.tools.histories import History, Person, lines

BOB = Person(b"Bob <bob@example.org>")


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path / "repository")
    made.commit("main", {f"{name}.py": lines() for name in "abcdefgh"}, "Start")
    made.branch("release/2.7", "main")
    return made


@pytest.fixture
def compare(history, tmp_path):
    """Compare two branches: commit → (kind, commit of the line, certain)."""
    with picking(history, tmp_path / "scratch") as picker, closing(
        PatchIds(tmp_path / "cache.sqlite", Git(history.git_dir))
    ) as cache:

        def ask(source="main", onto="release/2.7", *, quick=False, progress=lambda *_: None):
            span = Span(source, history.sha(source), onto, history.sha(onto))
            found = list(compare_branches(span, cache, picker, progress, quick=quick))
            assert all(traits.sha == evidence.commit for traits, evidence in found)
            return {e.commit: (e.kind, e.present_as, e.certain) for _, e in found}

        yield ask


def test_every_rung_is_climbed_and_the_strongest_is_kept(history, compare):
    main, line = {}, {}
    names = ("trailer", "patch-id", "tree", "similar", "absent", "conflict", "reverted")
    for number, (name, file) in enumerate(zip(names, "abcdefg", strict=True)):
        files = {f"{file}.py": lines((5, name))}
        main[name] = history.commit("main", files, f"Change {name} (#1{number})", author=BOB)
    main["empty"] = history.commit("main", {}, "Run the tests again")

    def pick(name, file, content, message):
        line[name] = history.commit("release/2.7", {f"{file}.py": content}, message)

    pick("trailer", "a", lines((5, "otherwise")), f"Other words\n\n(cherry picked from commit {main['trailer']})")
    pick("patch-id", "b", lines((5, "patch-id")), "[2.7] Change patch-id (#11) (#40)")
    pick("tree", "c", lines((5, "tree"), (15, "and more")), "Quite another title")
    pick("similar", "d", lines((5, "similar, adapted")), "Change similar")
    pick("conflict", "f", lines((5, "in the way")), "Nothing to do with it")
    pick("reverted", "g", lines((5, "reverted")), f"Change reverted\n\n(cherry picked from commit {main['reverted']})")
    history.revert("release/2.7", line["reverted"])
    expected = {
        main["trailer"]: ("trailer", line["trailer"], True), main["patch-id"]: ("patch-id", line["patch-id"], True),
        main["tree"]: ("tree", None, True), main["similar"]: ("similar", line["similar"], False),
    }  # fmt: skip
    assert compare() == expected
    assert list(compare()) == list(expected)  # oldest first
    del expected[main["tree"]]
    assert compare(quick=True) == expected


def test_a_look_alike_whose_pick_changes_nothing_becomes_certain_and_keeps_its_name(history, compare):
    source = history.commit("main", {"a.py": lines((5, "x"))}, "Change a", author=BOB)
    there = history.commit("release/2.7", {"a.py": lines((5, "x"), (15, "y"))}, "Change a")
    assert compare(quick=True) == {source: ("similar", there, False)}
    assert compare() == {source: ("tree", there, True)}


def test_the_twin_with_other_indentation_is_alike_and_not_the_same(history, compare):
    history.commit("main", {"p.py": "if x:\n    a()\nend()\n"}, "Base")
    history.branch("release/2.7", "main")
    inside = history.commit("main", {"p.py": "if x:\n    a()\n    b()\nend()\n"}, "Call b")
    outside = history.commit("release/2.7", {"p.py": "if x:\n    a()\nb()\nend()\n"}, "Call b")
    assert compare() == {inside: ("similar", outside, False)}


# ── what the line has kept ───────────────────────────────────────────────────────────────────────────────────────────

ON, OFF = {"a.py": lines((5, "on"))}, {"a.py": lines()}


def trailer(title, sha):
    return f"{title}\n\n(cherry picked from commit {sha})"


@pytest.mark.parametrize("says", [True, False])
def test_a_change_that_went_in_and_out_and_in_again_is_not_taken_for_its_first_pick(history, compare, says):
    titles = ("Update the pin", "Put the pin back", "Update the pin")
    first, back, again = (history.commit("main", files, title, author=BOB)
                          for files, title in zip((ON, OFF, ON), titles, strict=True))  # fmt: skip
    for files, sha, title in ((ON, first, titles[0]), (OFF, back, titles[1])):
        history.commit("release/2.7", files, trailer(title, sha) if says else title)
    for quick in (True, False):
        found = compare(quick=quick)
        assert [sha for sha in (first, back, again) if sha in found and found[sha][2]] == [back]


def test_a_revert_that_was_picked_with_the_id_it_has_on_main_does_not_make_the_next_try_present(history, compare):
    first = history.commit("main", ON, "Fix five")
    revert = f'Revert "Fix five"\n\nThis reverts commit {first}.'
    history.commit("main", OFF, revert)
    again = history.commit("main", ON, "Fix five", author=BOB)
    there = history.commit("release/2.7", ON, "Fix five")
    history.commit("release/2.7", OFF, revert)
    assert compare()[again] == ("similar", there, False)


@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("edited", [True, False])
def test_what_was_undone_without_a_word_is_not_certain(history, compare, says, edited):
    """Also where the same code has been changed again since, so that the pick conflicts."""
    source = history.commit("main", ON, "Fix five", author=BOB)
    there = history.commit("release/2.7", ON, trailer("Fix five", source) if says else "Fix five")
    assert compare()[source][2]
    history.commit("release/2.7", {**OFF, "b.py": lines((3, "b"))}, "Clean up")
    if edited:
        history.commit("release/2.7", {"a.py": lines((5, "otherwise"))}, "Do it otherwise")
    assert compare()[source] == ("similar", there, False)


def test_what_others_have_built_upon_is_still_there(history, compare):
    source = history.commit("main", ON, "Fix five", author=BOB)
    there = history.commit("release/2.7", ON, "Fix five")
    history.commit("release/2.7", {"a.py": lines((5, "on, and more"))}, "More of it")
    history.commit("release/2.7", {"a.py": lines((5, "on, and more"), (7, "x"))}, "And of that")
    assert compare() == {source: ("patch-id", there, True)}


def test_where_too_many_commits_came_later_to_try_each_nothing_is_certain(history, compare, monkeypatch):
    monkeypatch.setattr(present, "_FOLLOWED", 2)
    source = history.commit("main", ON, "Fix five", author=BOB)
    there = history.commit("release/2.7", ON, "Fix five")
    for n in range(3):
        assert compare()[source] == ("patch-id", there, True)
        history.commit("release/2.7", {"a.py": lines((5, f"on, and more {n}"))}, f"More {n}")
    assert compare()[source] == ("similar", there, False)


def test_what_people_left_out_of_a_pick_is_not_held_against_it(history, compare):
    source = history.commit("main", {**ON, "b.py": lines((5, "b")), "c.py": lines((5, "c"))}, "Fix both", author=BOB)
    there = history.commit("release/2.7", {**ON, "b.py": lines((5, "b"))}, trailer("Fix", source))
    history.commit("release/2.7", {"d.py": lines((1, "x"))}, "Go on")
    assert compare() == {source: ("trailer", there, True)}
    history.commit("release/2.7", OFF, "Clean up")
    assert compare() == {source: ("similar", there, False)}


def test_a_path_that_git_cannot_be_asked_about_leaves_a_doubt(history, compare):
    odd = "a\nb.py"
    history.commit("main", {odd: lines()}, "Odd")
    history.branch("release/2.7", "main")
    source = history.commit("main", {odd: lines((5, "on"))}, "Fix five", author=BOB)
    there = history.commit("release/2.7", {odd: lines((5, "on"))}, "Fix five")
    history.commit("release/2.7", {odd: lines((5, "on, and more"))}, "More")
    assert compare() == {source: ("similar", there, False)}


def test_a_trailer_that_names_a_pick_on_a_third_branch_leads_to_the_source(history, compare):
    history.branch("release/2.8", "main")
    source = history.commit("main", ON, "Fix five", author=BOB)
    newer = history.commit("release/2.8", {"a.py": lines((5, "on"), (9, "2.8"))}, trailer("Fix five", source))
    adapted = {"a.py": lines((5, "on the old line"))}
    there = history.commit("release/2.7", adapted, trailer("Handle 5", newer), author=Person(b"C <c@x>"))
    history.commit("release/2.7", {"b.py": lines((1, "x"))}, trailer("Lost", "f" * 40))  # a commit that nobody has
    assert compare() == {source: ("trailer", there, True)}


def test_commits_before_the_parting_are_not_looked_at(history, compare):
    old = history.commit("main", {"a.py": lines((1, "old"))}, "Old")
    history.branch("release/2.7", "main")
    new = history.commit("main", {"a.py": lines((1, "old"), (9, "new"))}, "New")
    found = compare()
    assert old not in found
    assert new not in found


def test_one_line_against_two_others_gives_what_each_alone_would_give(history, compare):
    """The cache remembers where a line left another branch; which other one matters."""
    history.branch("release/2.6", "main")
    shared = history.commit("main", {"a.py": lines((1, "x"))}, "Shared")
    history.branch("release/2.7", "main")
    history.commit("release/2.7", {"b.py": lines((1, "own"))}, "Own")
    picked = history.commit("release/2.6", {"a.py": lines((1, "x"))}, f"Shared\n\n(cherry picked from commit {shared})")
    assert compare("main", "release/2.7") == {}
    found = compare("release/2.6", "release/2.7")
    assert found == {picked: ("patch-id", shared, True)}
    assert compare("main", "release/2.6") == {shared: ("trailer", picked, True)}


@pytest.mark.parametrize("at_once", [1, 3, 512])
def test_progress_counts_up_to_the_end_and_groups_change_nothing(history, compare, monkeypatch, at_once):
    monkeypatch.setattr(present, "_AT_ONCE", at_once)
    sources = [history.commit("main", {f"n{n}.py": "x\n"}, f"Add {n}") for n in range(7)]
    for n in (1, 2, 6):
        history.commit("release/2.7", {f"n{n}.py": "x\n"}, f"Otherwise {n}")
    told = []
    found = compare(progress=lambda *numbers: told.append(numbers))
    assert list(found) == [sources[n] for n in (1, 2, 6)]
    assert told[-1] == (7, 7)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_nothing_on_either_side_is_nothing_found(history, compare):
    assert compare() == {}
    history.commit("main", {"a.py": lines((1, "x"))}, "New")
    assert compare() == {}
    assert compare("release/2.7", "main") == {}


def test_unrelated_branches_are_compared_by_what_is_in_them(history, compare):
    history.commit("orphan", {"o.py": "o\n"}, "Add o", parents=())
    source = history.commit("main", {"o.py": "o\n"}, "Add o")
    assert compare("main", "orphan")[source][0] in ("patch-id", "tree")
