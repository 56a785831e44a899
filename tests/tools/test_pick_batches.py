"""Many wishes at once: what cannot be picked says why and spoils nothing else; a pick depends on its wish alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.core.errors import Fault
from bot.core.picks import Conflict, Picked, Present
from bot.tools.git import processes_started
from bot.tools.pick import Impossible, Wish
from tests.tools.cherry_picking import cherry_pick, picking, verdict_of
from tests.tools.histories import START, History, lines
from tests.tools.wishes import fork

NOBODY = "12" * 20


@pytest.fixture
def history(tmp_path):
    """A line, two fixes that go in, one that conflicts, one that is there, and a merge."""
    history = History(tmp_path / "r")
    fork(history, {"a.py": lines(), "b.py": lines()})
    history.commit("line", {"a.py": lines((3, "here"), (18, "own"))})
    for name, files in {
        "fix": {"a.py": lines((10, "fixed"))}, "other": {"b.py": lines((3, "fixed"))},
        "clash": {"a.py": lines((18, "main's"))}, "there": {"a.py": lines((3, "here"))},
    }.items():  # fmt: skip
        history.branch(name, "main")
        history.commit(name, files, name)
    history.branch("merged", "main")
    history.commit("merged", {"c.py": "c\n"})
    history.merge("merged", "fix")
    return history


@pytest.fixture
def picker(history, tmp_path):
    with picking(history, tmp_path / "scratch") as picker:
        yield picker


def wish(history, *names, **more):
    return Wish(history.sha("line"), tuple(history.sha(n) if n in BRANCHES else n for n in names), **more)


BRANCHES = {"fix", "other", "clash", "there", "merged"}

IMPOSSIBLE = {
    "a commit that is nowhere": (lambda h: wish(h, NOBODY), f"there is no commit {NOBODY}"),
    "one of several that is nowhere": (lambda h: wish(h, "fix", NOBODY), f"there is no commit {NOBODY}"),
    "a target that is nowhere": (lambda h: Wish(NOBODY, (h.sha("fix"),)), f"there is no commit {NOBODY} to pick onto"),
    "a tree for a commit": (lambda h: wish(h, h.tree("fix")), "there is no commit"),
    "nothing": (wish, "there is nothing to pick"),
    "a merge without a mainline": (lambda h: wish(h, "merged"), "is a merge: say which parent"),
    "a merge among others without a mainline": (lambda h: wish(h, "fix", "merged"), "is a merge: say which parent"),
    "mainline 0": (lambda h: wish(h, "merged", mainline=0), "there is no mainline 0"),
    "mainline 3 of two": (lambda h: wish(h, "merged", mainline=3), "has 2 parent(s), so there is no mainline 3"),
    "mainline 2 of one": (lambda h: wish(h, "fix", mainline=2), "has 1 parent(s), so there is no mainline 2"),
    "a negative mainline": (lambda h: wish(h, "merged", mainline=-1), "there is no mainline -1"),
    "a name with a line break": (lambda h: wish(h, f"{h.sha('fix')}\n{h.sha('other')}"), "there is no commit"),
    "a name that no encoding holds": (lambda h: wish(h, "\ud800"), "there is no commit"),
    "a very long name": (lambda h: wish(h, "x" * 200_000), "there is no commit"),
}


@pytest.mark.parametrize(("make", "said"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_picked_says_why_and_the_wishes_around_it_are_picked(history, picker, make, said):
    good = wish(history, "fix", "other")
    before, answer, after = picker.pick([good, make(history), good])
    assert isinstance(answer, Impossible)
    assert said in answer.reason
    assert isinstance(before, Picked)
    assert before == after


@pytest.mark.parametrize("lost", ["tree of the commit", "file of the commit", "file before it", "tree of the line"])
def test_a_missing_object_is_told_and_the_wishes_around_it_are_picked(history, tmp_path, lost):
    broken = {"tree of the commit": "fix^{tree}", "file of the commit": "fix:a.py", "file before it": "main:a.py",
              "tree of the line": "line^{tree}"}[lost]  # fmt: skip
    good = Wish(history.commit("apart", {"z": "1\n"}, parents=()), (history.commit("apart", {"z": "2\n"}),))
    name = history.git("rev-parse", broken)
    (history.git_dir / "objects" / name[:2] / name[2:]).unlink()
    with picking(history, tmp_path / "scratch") as picker:
        fine, answer, fine_too = picker.pick([good, wish(history, "fix"), good])
    assert isinstance(answer, Impossible)
    assert name[:7] in answer.reason or "read" in answer.reason, answer.reason
    assert isinstance(fine, Picked)
    assert fine == fine_too


def test_a_parent_that_is_missing_is_told(history, tmp_path):
    name = history.sha("main")
    (history.git_dir / "objects" / name[:2] / name[2:]).unlink()
    with picking(history, tmp_path / "scratch") as picker:
        answer = picker.pick([wish(history, "fix")])[0]
    assert isinstance(answer, Impossible)
    assert name in answer.reason


def test_outcomes_come_in_the_order_of_the_wishes(history, picker):
    names = ["fix", "clash", "there", "other", "clash", "fix"]
    kinds = [Picked, Conflict, Present, Picked, Conflict, Picked]
    assert [type(o) for o in picker.pick([wish(history, name) for name in names])] == kinds


def test_the_same_wish_is_the_same_commit_in_any_scratch_and_any_company(history, picker, tmp_path):
    asked = wish(history, "fix", "other", committed_at=START)
    alone = picker.pick([asked])[0]
    assert picker.pick([asked, wish(history, "clash"), asked]) [::2] == [alone, alone]
    with picking(history, tmp_path / "elsewhere") as other:
        assert other.pick([wish(history, "there"), asked])[1] == alone
    assert verdict_of(alone).tree == cherry_pick(history, tmp_path / "j", asked.onto, asked.commits).tree


def test_three_hundred_wishes_take_a_handful_of_processes_and_are_all_right(history, tmp_path):
    wishes = []
    for n in range(100):
        history.branch("each", "main")
        first = history.commit("each", {f"new/{n}.py": f"{n}\n", "b.py": lines((3, f"fix {n}"))})
        second = history.commit("each", {"b.py": lines((3, f"fix {n}"), (12, f"more {n}"))})
        middle = wish(history, "clash" if n % 2 else "there")
        wishes += [wish(history, first, second), middle, wish(history, second, first)]
    with picking(history, tmp_path / "scratch") as picker:
        before = processes_started()
        outcomes = picker.pick(wishes)
        used = (processes_started() - before).total()
        git = picker.scratch.view()
        for n in (0, 57, 99):
            tree = outcomes[3 * n].tree
            assert git.run("cat-file", "blob", f"{tree}:b.py").decode() == lines((3, f"fix {n}"), (12, f"more {n}"))
    assert [type(o) for o in outcomes[1::3]] == [Present, Conflict] * 50
    assert {type(o) for o in outcomes[::3] + outcomes[2::3]} == {Picked}
    assert used <= 2 * 16 + 1


def test_threads_may_pick_at_once_on_one_picker(history, picker):
    attributes = [history.commit(f"line{n}", {".gitattributes": f"# {n}\n* merge=union\n", "a.py": lines((3, "x"))},
                                 parents=(history.sha("main"),)) for n in range(12)]  # fmt: skip
    wishes = [Wish(onto, (history.sha("clash"), history.sha("other"))) for onto in attributes]
    with ThreadPoolExecutor(12) as pool:
        rounds = list(pool.map(lambda n: picker.pick(wishes[n % 3 :] + wishes[: n % 3]), range(24)))
    expected = picker.pick(wishes)
    assert all(isinstance(o, Picked) for o in expected)
    for n, outcomes in enumerate(rounds):
        assert outcomes == expected[n % 3 :] + expected[: n % 3]


def test_threads_may_keep_what_they_share(history, picker):
    chains = [wish(history, "fix", "other", committed_at=n % 4) for n in range(40)]

    def keep(asked):
        made = picker.pick([asked])[0].commit
        picker.keep(made)
        return picker.scratch.view().run("rev-list", "--count", made, f"^{asked.onto}")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(keep, chains)) == {b"2\n"}


def test_the_newest_picks_can_be_kept_however_many_there_were(history, picker, monkeypatch):
    monkeypatch.setattr("bot.tools.pick._REMEMBERED", 4)
    for n in range(5):
        newest = picker.pick([wish(history, "fix", "other", committed_at=n)])[0].commit
    picker.pick([wish(history, "there")])
    picker.keep(newest)
    assert picker.scratch.view().run("rev-list", "--count", newest, f"^{history.sha('line')}") == b"2\n"


def test_a_pick_that_is_forgotten_is_not_said_to_be_kept(history, picker, monkeypatch):
    monkeypatch.setattr("bot.tools.pick._REMEMBERED", 3)
    oldest = picker.pick([wish(history, "fix", "other", committed_at=0)])[0].commit
    for n in range(1, 4):
        picker.pick([wish(history, "fix", committed_at=n)])
    with pytest.raises(Fault, match="picked again"):
        picker.keep(oldest)
    with pytest.raises(Fault, match="picked again"):
        picker.keep(NOBODY)
    again = picker.pick([wish(history, "fix", "other", committed_at=0)])[0].commit
    picker.keep(again)
    assert again == oldest


def test_what_was_kept_stays_kept(history, picker):
    made = picker.pick([wish(history, "fix", "other")])[0].commit
    picker.keep(made)
    picker.keep(made)
    twin = picker.with_message(made, b"Another word\n")
    shown = picker.scratch.view().run("log", "-2", "--format=%s", twin)
    assert shown == b"Another word\nfix\n"
