"""Wishes as data: a history, what is to be picked, and the end it must come to, in memory and in the real git alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.picks import Conflict, Picked, Present
from bot.tools.pick import Picker, Wish
from tests.tools.cherry_picking import cherry_pick, picking, verdict_of
from tests.tools.histories import History, lines

Build = Callable[[History], str | Sequence[str]]
"""Makes a history with a branch `line` and returns what is to be picked onto it."""


@dataclass(frozen=True)
class Case:
    """A wish and its expected end: an outcome, and the files after it or the conflicts that stopped it."""

    sentence: str
    build: Build
    outcome: type
    files: Mapping[str, str] | None = None
    conflicts: Mapping[str, str] | None = None
    steps: str = ""
    mainline: int | None = None
    aside: str | None = None
    """A path of a conflict that leaves nothing unmerged in the index."""

    def __str__(self) -> str:
        return self.sentence


@dataclass
class Table:
    """The cases of one test module, each written as a function under one of these decorators."""

    cases: list[Case] = field(default_factory=list)

    def picked(self, sentence: str, files: Mapping[str, str], **more) -> Callable[[Build], Build]:
        return self._case(sentence, more.pop("outcome", Picked), files=files, **more)

    def present(self, sentence: str, **more) -> Callable[[Build], Build]:
        return self._case(sentence, Present, **more)

    def conflict(self, sentence: str, conflicts: Mapping[str, str], **more) -> Callable[[Build], Build]:
        return self._case(sentence, Conflict, conflicts=conflicts, **more)

    def _case(self, sentence: str, outcome: type, **more) -> Callable[[Build], Build]:
        def add(build: Build) -> Build:
            self.cases.append(Case(sentence, build, outcome, **more))
            return build

        return add


def fork(history: History, files: Mapping[str, object] | None = None) -> None:
    """A first commit that main and the line share."""
    history.commit("main", files or {"a.py": lines()}, "first")
    history.branch("line", "main")


def check(case: Case, place: Path) -> None:
    """Build the history, pick, and hold the end against the case and against `git cherry-pick`."""
    history = History(place / "r")
    wanted = case.build(history)
    commits = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    onto = history.sha("line")
    with picking(history, place / "scratch") as picker:
        outcome = picker.pick([Wish(onto, commits, case.mainline)])[0]
        assert type(outcome) is case.outcome, outcome
        assert outcome.onto == onto
        assert tuple(step.source for step in outcome.steps) == commits
        if case.files is not None:
            assert files_in(picker, outcome.tree) == case.files
        if case.conflicts is not None:
            assert {p.path: p.kind for p in outcome.paths} == case.conflicts
        if case.steps:
            assert " ".join(step.outcome for step in outcome.steps) == case.steps
    flags = ("-m", str(case.mainline)) if case.mainline else ()
    judged, ours = cherry_pick(history, place / "judge", onto, commits, *flags), verdict_of(outcome)
    assert (ours.steps, ours.tree) == (judged.steps, judged.tree)
    assert {path for path in ours.unmerged if path != case.aside} == judged.unmerged


def files_in(picker: Picker, tree: str) -> dict[str, str]:
    """Path → content of everything in a tree of the scratch store."""
    git = picker.scratch.view()
    listed = git.run("ls-tree", "-r", "-z", tree).decode(errors="surrogateescape").split("\0")[:-1]
    rows = [line.split("\t", 1) for line in listed]
    return {path: head.split()[2] if head.startswith("160000")
            else git.run("cat-file", "blob", head.split()[2]).decode(errors="surrogateescape")
            for head, path in rows}  # fmt: skip
