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
            found = list(compare_branches(span, cache, None if quick else picker, progress))
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
