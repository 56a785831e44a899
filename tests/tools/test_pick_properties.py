"""Random histories: the pick in memory ends as `git cherry-pick` does in a clean clone, to the tree and the paths.

RELBOT_EXAMPLES says how many to try; the default is a quick look.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from bot.tools.pick import Picker, Wish
from tests.tools.cherry_picking import Judge, UnjudgedError, picking, verdict_of
from tests.tools.histories import Entry, History, executable, lines, symlink

EXAMPLES = int(os.environ.get("RELBOT_EXAMPLES", "60"))

PATHS = ["a.txt", "b.txt", "d/a.txt", "d/b.txt", "d/e/c.txt", "f/a.txt", "f/b.txt", "d/e", "x", "x/y.bin",
         "g h/[i].txt", "é.txt"]  # fmt: skip
FOLDERS = ["", "d/", "d/e/", "f/", "g h/", "x/"]
PATTERNS = ["*", "*.txt", "a.txt", "/a.txt", "e/*", "*.bin", "[[]i].txt", "b.*"]
STATES = ["merge=union", "-merge", "binary", "merge", "text", "-text", "!merge", "merge=nobody", "text=auto",
          "eol=crlf"]  # fmt: skip

Files = dict[str, Entry]


def content(shape: int, mark: int) -> Entry:
    """Contents of many kinds; the same mark makes files alike, so that renames are seen."""
    text = lines((mark % 7 + 1, f"mark {mark}"), count=12)
    return [
        Entry("100644", text), executable(text), Entry("100644", text.replace("\n", "\r\n")), symlink(f"to-{mark}"),
        Entry("100644", b"\0" + bytes([mark % 256]) * 20), Entry("100644", ""), Entry("100644", text.rstrip("\n")),
    ][shape % 7]  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """One thing that a commit does; the numbers choose among what is there, so that every edit means something."""

    verb: str
    which: int
    where: int
    mark: int

    def apply(self, files: Files) -> None:
        getattr(self, f"_{self.verb}")(files, sorted(files))

    def _add(self, files: Files, names: list[str]) -> None:
        self._put(files, PATHS[self.which % len(PATHS)], content(self.where, self.mark))

    def _change(self, files: Files, names: list[str]) -> None:
        if not names:
            return
        name = names[self.which % len(names)]
        entry = files[name]
        if entry.mode == "120000" or b"\0" in entry.body:
            files[name] = Entry(entry.mode, entry.body[:1] + f"changed {self.mark}".encode())
            return
        rows = entry.body.splitlines(keepends=True) or [b""]
        row = self.where % len(rows)
        end = b"\r\n" if rows[row].endswith(b"\r\n") else b"\n"
        rows[row : row + self.mark % 3] = [f"changed {self.mark}".encode() + end]
        files[name] = Entry(entry.mode, b"".join(rows))

    def _append(self, files: Files, names: list[str]) -> None:
        if names:
            name = names[self.which % len(names)]
            files[name] = Entry(files[name].mode, files[name].body + f"more {self.mark}\n".encode())

    def _delete(self, files: Files, names: list[str]) -> None:
        if names:
            del files[names[self.which % len(names)]]

    def _move(self, files: Files, names: list[str]) -> None:
        if names:
            entry = files.pop(names[self.which % len(names)])
            self._put(files, PATHS[self.where % len(PATHS)], entry)

    def _move_folder(self, files: Files, names: list[str]) -> None:
        old, new = FOLDERS[1 + self.which % 5], FOLDERS[1 + self.where % 5]
        moved = {name: files.pop(name) for name in names if name.startswith(old)}
        for name, entry in moved.items():
            self._put(files, new + name.removeprefix(old), entry)

    def _switch_mode(self, files: Files, names: list[str]) -> None:
        plain = [name for name in names if files[name].mode != "120000"]
        if plain:
            name = plain[self.which % len(plain)]
            files[name] = Entry("100644" if files[name].mode == "100755" else "100755", files[name].content)

    def _attribute(self, files: Files, names: list[str]) -> None:
        row = f"{PATTERNS[self.where % len(PATTERNS)]} {STATES[self.mark % len(STATES)]}\n"
        self._put(files, f"{FOLDERS[self.which % len(FOLDERS)]}.gitattributes", Entry("100644", row))

    @staticmethod
    def _put(files: Files, name: str, entry: Entry) -> None:
        for taken in [n for n in files if n.startswith(f"{name}/") or name.startswith(f"{n}/")]:
            del files[taken]
        files[name] = entry


VERBS = ["change", "change", "append", "add", "add", "delete", "move", "move_folder", "switch_mode", "attribute"]
NUMBER = st.integers(0, 40)
EDIT = st.builds(Edit, st.sampled_from(VERBS), NUMBER, NUMBER, NUMBER)
ADDITION = st.builds(Edit, st.sampled_from(["add", "add", "add", "attribute"]), NUMBER, NUMBER, NUMBER)
COMMIT = st.lists(EDIT, max_size=4)


@dataclass(frozen=True)
class Story:
    """What the first commit, the line's and main's own do, and which of main's are picked (a number may come twice)."""

    first: list[Edit]
    line: list[list[Edit]]
    main: list[list[Edit]]
    choice: list[int]

    def tell(self, history: History) -> tuple[str, tuple[str, ...]]:
        """Write it down; the tip of the line, and the commits that are to be picked."""
        files: Files = {}
        fork = grow(history, files, (), self.first)
        on_line, onto = dict(files), fork
        for edits in self.line:
            onto = grow(history, on_line, (onto,), edits)
        commits = [fork]
        for edits in self.main:
            commits.append(grow(history, files, (commits[-1],), edits))
        return onto, tuple(commits[1 + n % len(self.main)] for n in self.choice)


STORY = st.builds(
    Story, st.lists(ADDITION, min_size=2, max_size=8), st.lists(COMMIT, max_size=2),
    st.lists(COMMIT, min_size=1, max_size=5), st.lists(st.integers(0, 4), min_size=1, max_size=3),
)  # fmt: skip


class Court:
    """A history that all stories are written into, the real git beside it, and the picker."""

    def __init__(self, history: History, judge: Judge, picker: Picker) -> None:
        self.history, self.judge, self.picker = history, judge, picker


@pytest.fixture(scope="module")
def court(tmp_path_factory):
    place = tmp_path_factory.mktemp("random")
    history = History(place / "r")
    history.commit("main", {}, "start")
    with picking(history, place / "scratch") as picker:
        yield Court(history, Judge(history, place / "judge"), picker)


def grow(history: History, files: Files, parent: tuple[str, ...], edits: list[Edit]) -> str:
    for edit in edits:
        edit.apply(files)
    return history.commit(None, files, f"{len(edits)} edits", parents=parent, replace=True)


@given(STORY)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_a_pick_in_memory_ends_as_git_cherry_pick_does(court, story):
    onto, wanted = story.tell(court.history)
    court.judge.start_over()
    try:
        expected = court.judge.decide(onto, wanted)
    except UnjudgedError:
        event("git refuses to begin: a checkout that differs from what was checked out")
        assume(False)
    outcome = court.picker.pick([Wish(onto, wanted)])[0]
    event(type(outcome).__name__)
    found = verdict_of(outcome)
    assert (found.steps, found.tree) == (expected.steps, expected.tree)
    aside = {p.path for p in getattr(outcome, "paths", ()) if p.kind == "directory rename unclear split"}
    assert found.unmerged - aside == expected.unmerged - aside
