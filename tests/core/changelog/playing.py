"""Plays a case of the changelog: a history as data, read by the program as it would read git's answer.

It must never know what the program should make of it: that stands in the case's folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

from bot.core.changelog.compose import Asked, Notes, Remark, Stage, compose, plan_all, plan_one, stage_of
from bot.core.changelog.entries import PullFacts, Sources
from bot.core.changelog.graph import Graph
from bot.core.changelog.rules import Rules
from bot.core.changelog.tags import DatedTag, Mark, bounds_of, marks_of, next_line, next_version
from bot.core.changelog.view import Addresses, View, layout, show
from bot.core.model import Commit, Line, Person, Tag

CASES = Path(__file__).with_name("cases")
START = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
WEB = Addresses(
    "https://forge.example/acme/kit/pull/{number}", "https://forge.example/acme/kit/compare/{old}...{new}",
    "https://forge.example/acme/kit/tag/{new}", "https://forge.example/acme/kit/commit/{sha}",
    "https://forge.example/{login}", "https://forge.example/acme/kit/issues/{number}",
)  # fmt: skip


def sha_of(name: str) -> str:
    """The id that a commit has in these histories."""
    return sha1(name.encode()).hexdigest()


class Shas(dict[str, str]):
    """`"{a}".format_map(Shas())` names the commit `a`, whether there is one or not."""

    def __missing__(self, key: str) -> Sha:
        return Sha(sha_of(key))


class Sha(str):
    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return str(self)[: int(spec)] if spec else str(self)


@dataclass
class Paper:
    """A history on paper: commits, tips, tags, and what git would answer."""

    commits: dict[str, Commit]
    tips: dict[str, str]
    tags: list[DatedTag]

    @classmethod
    def read(cls, told: Iterable[dict[str, Any]]) -> Paper:
        paper = cls({}, {}, [])
        for n, one in enumerate(told):
            paper.add(n, one)
        return paper

    def add(self, n: int, one: dict[str, Any]) -> None:
        unknown = one.keys() - {"id", "on", "from", "title", "body", "author", "merge", "tag", "date"}
        assert not unknown, f"a commit has no {unknown}"
        at = datetime.fromisoformat(f"{one['date']}T12:00:00+00:00") if "date" in one else START + timedelta(days=n)
        name = one.get("id", f"commit {n}")
        start = one.get("from", one["on"])
        parents = [p for p in (self.tips.get(one["on"]) or self.tips.get(start) or self._known(start),) if p]
        if "merge" in one:
            parents.append(self.tips[one["merge"]])
        body = one.get("body", "").format_map(Shas()) if "{" in one.get("body", "") else one.get("body", "")
        message = f"{one['title']}\n\n{body}" if body else f"{one['title']}\n"
        author, seconds = f"{one.get('author', 'Ada')} <a@example.org>", int(at.timestamp())
        commit = Commit(sha_of(name), tuple(parents), "t", author, seconds, message, seconds)
        self.commits[commit.sha] = commit
        self.tips[one["on"]] = commit.sha
        tags = one.get("tag", [])
        names = [tags] if isinstance(tags, str) else tags
        self.tags += [DatedTag(Tag(name, commit.sha), seconds + 60) for name in names]

    def _known(self, name: str) -> str:
        return sha_of(name) if sha_of(name) in self.commits else ""

    def log(self, include: Iterable[str], exclude: Iterable[str]) -> list[Commit]:
        """As `git log` answers: newest first."""
        inside = self._reach(include) - self._reach(exclude)
        return [commit for commit in reversed(self.commits.values()) if commit.sha in inside]

    def _reach(self, tips: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        todo = list(tips)
        while todo:
            sha = todo.pop()
            if sha not in seen:
                seen.add(sha)
                todo.extend(self.commits[sha].parents)
        return seen


@dataclass(frozen=True)
class Played:
    notes: list[Notes]
    views: list[View]


def play(case: dict[str, Any], without_last: int = 0) -> Played:
    """The notes that the program makes of a case."""
    told = case["commit"][: len(case["commit"]) - without_last]
    paper = Paper.read(told)
    marks = marks_of(paper.tags)
    stage = _stage(case, paper, marks)
    if case.get("full"):
        line = Line.parse(case["line"]) if "line" in case else None
        question = plan_all(marks, line, None if stage.released else stage)
    else:
        question = plan_one(stage, marks)
    graph = Graph(paper.log(question.include, question.exclude))
    sources = _sources(case)
    touching = frozenset(map(sha_of, case["touching"])) if "touching" in case else None
    notes = list(compose(graph, Asked(question.stages, sources, touching)))
    remarks = ("known_issues", "upgrading")
    more = {key: tuple(Remark(**said) for said in case[key]) for key in remarks if key in case}
    notes = [replace(one, **more) for one in notes]
    addresses = WEB if case.get("links") else Addresses()
    return Played(notes, [show(one, sources.rules, addresses) for one in notes])


def _stage(case: dict[str, Any], paper: Paper, marks: tuple[Mark, ...]) -> Stage:
    mark = next((mark for mark in marks if mark.name == case["to"]), None)
    if mark is not None:
        return stage_of(mark, marks)
    line = Line.parse(case.get("line", case["to"])) or next_line(marks)
    version = next_version(line, marks)
    return Stage(version, "", paper.tips[case["to"]], 2**62, bounds_of(version, marks), released=False)


def _sources(case: dict[str, Any]) -> Sources:
    pulls = {
        int(number): PullFacts(
            said.get("title", ""), said.get("body", ""), tuple(said.get("labels", ())),
            Person(1, said["author"]) if "author" in said else None, said.get("first", False), said.get("origin"),
        ) for number, said in case.get("pulls", {}).items()
    }  # fmt: skip
    overrides = {int(number): said or None for number, said in case.get("overrides", {}).items()}
    return Sources(Rules(**case.get("rules", {})), pulls, overrides)


def read_case(folder: Path) -> dict[str, Any]:
    """A case as data. Raises on a key that nobody reads."""
    case = tomllib.loads((folder / "history.toml").read_text())
    known = {"about", "to", "line", "full", "links", "commit", "pulls", "overrides", "rules", "expect", "touching",
             "known_issues", "upgrading", "edit", "later"}  # fmt: skip
    assert not case.keys() - known, f"a case has no {case.keys() - known}"
    return case


def layout_of(folder: Path):
    """The case's own template, or the default layout."""
    file = folder / "template.md.jinja"
    if not file.exists():
        return layout
    from bot.core.changelog.template import render

    text = file.read_text()
    return lambda view: render(text, view)
