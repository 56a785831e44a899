"""Picking commits in memory: no work tree, no index, no ref, nothing left behind.

It never resolves a conflict and never mixes up its four outcomes: picked, partial, present, conflict.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.core.errors import Fault
from bot.core.picks import Conflict, ConflictPath, Partial, Picked, PickOutcome, Present, Step
from bot.tools.attributes import Attributes, Unreadable
from bot.tools.merge_tree import Failed, Merged, merge_all
from bot.tools.objects import ObjectReader, RawCommit
from bot.tools.scratch import Scratch
from bot.tools.trailers import picked_message

K = TypeVar("K")
V = TypeVar("V")

_REMEMBERED = 20_000
"""Outcomes, and new commits with their bytes, that are kept in memory; a pick can always be made again."""


@dataclass(frozen=True, slots=True)
class Committer:
    """Who the bot commits as."""

    name: str = "relbot"
    email: str = "relbot@users.noreply.invalid"

    @property
    def identity(self) -> str:
        """As git writes it: `relbot <relbot@example.org>`."""
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Wish:
    """Commits (full ids, oldest first) to pick onto a commit."""

    onto: str
    commits: tuple[str, ...]
    mainline: int | None = None
    """Which parent (from 1) of a merge commit counts as the state before it; ordinary commits need none."""
    committed_at: int | None = None
    """Seconds since the epoch, for the new commits; without it each keeps the committer date of its source."""
    sign_off: bool = False


@dataclass(frozen=True, slots=True)
class Impossible:
    """A wish that makes no sense (an unknown commit, a merge without a mainline); says why."""

    reason: str


@dataclass
class _Course:
    """A wish under way."""

    wish: Wish
    onto: str
    sources: list[RawCommit]
    tree: str
    tip: str
    steps: list[Step] = field(default_factory=list)
    conflicts: tuple[ConflictPath, ...] = ()
    failure: str | None = None

    @property
    def source(self) -> RawCommit | None:
        """The next commit to pick; None when there is nothing more to do."""
        if self.conflicts or self.failure or len(self.steps) == len(self.sources):
            return None
        return self.sources[len(self.steps)]


class Picker:
    """Picks onto one repository. Safe to share between threads."""

    def __init__(self, scratch: Scratch, committer: Committer) -> None:
        self.scratch = scratch
        self.committer = committer
        self.reader = ObjectReader(scratch.view())
        self.attributes = Attributes(self.reader)
        self._made: dict[str, bytes] = {}
        self._outcomes: dict[Wish, PickOutcome] = {}
        self._making = threading.Lock()

    def close(self) -> None:
        """End the reading process."""
        self.reader.close()

    def pick(self, wishes: Sequence[Wish]) -> list[PickOutcome | Impossible]:
        """Pick every wish, in order; one that was picked before is remembered, since it comes to the same again."""
        with self._making:
            _forget_oldest(self._made)
            _forget_oldest(self._outcomes)
        known = {wish: outcome for wish in wishes if (outcome := self._outcomes.get(wish))}
        fresh = [wish for wish in dict.fromkeys(wishes) if wish not in known]
        found = dict(zip(fresh, self._pick_fresh(fresh), strict=True))
        new = {wish: outcome for wish, outcome in found.items() if not isinstance(outcome, Impossible)}
        with self._making:
            self._outcomes.update(new)
        return [known.get(wish) or found[wish] for wish in wishes]

    def _pick_fresh(self, wishes: Sequence[Wish]) -> list[PickOutcome | Impossible]:
        """One merge process serves all first commits, one all second ones, and so on."""
        prepared = self._prepare(wishes)
        courses = [c for c in prepared if isinstance(c, _Course)]
        while unfinished := [c for c in courses if c.source is not None]:
            self._advance(unfinished)
        return [_outcome(c) if isinstance(c, _Course) else c for c in prepared]

    def keep(self, commit: str) -> None:
        """Write a commit that `pick` has made, and the ones below it, to the store. Only ids leave `pick` otherwise.

        Raises `Fault` when it was made so long ago that its bytes are forgotten.
        """
        chain = []
        while (body := self._made.get(commit)) is not None:
            chain.append(body)
            commit = body.split(b"\n", 2)[1].removeprefix(b"parent ").decode("ascii")
        if self.reader.commits([commit])[0] is None:
            with self._making:
                self._outcomes.clear()  # they name what is forgotten
            raise Fault(f"{commit} is not remembered any more: it has to be picked again", passing=True)
        for body in reversed(chain):
            self.scratch.loose.write("commit", body)

    def with_message(self, commit: str, message: bytes) -> str:
        """Write a copy of a commit that `pick` has made, under another message, and return its id."""
        self.keep(commit)
        made = self.reader.commits([commit])[0]
        assert made is not None
        return self._write_copy(made, made.parents[0], message)

    def as_range(self, source: RawCommit, mainline: int | None = None) -> str:
        """What a commit changed, as a range of one commit; a merge or a root is written anew with the one parent."""
        if len(source.parents) == 1:
            return f"{source.parents[0]}..{source.sha}"
        base = self.scratch.loose.write("commit", _bare_commit(self._state_before(source, mainline)))
        return f"{base}..{self._write_copy(source, base, source.message)}"

    def _write_copy(self, of: RawCommit, parent: str, message: bytes) -> str:
        head = f"tree {of.tree}\nparent {parent}\n".encode("ascii")
        who = f"committer {self.committer.identity} {of.committed_at} +0000\n\n".encode()
        return self.scratch.loose.write("commit", head + b"author " + of.author + b"\n" + who + message)

    def _prepare(self, wishes: Sequence[Wish]) -> list[_Course | Impossible]:
        names = [name for wish in wishes for name in (wish.onto, *wish.commits)]
        known = dict(zip(names, self.reader.commits(names), strict=True))
        parents = [p for commit in known.values() if commit for p in commit.parents]
        self.reader.commits(parents)  # all in one go; `_state_before` finds them in memory
        return [self._course(wish, known) for wish in wishes]

    def _course(self, wish: Wish, known: dict[str, RawCommit | None]) -> _Course | Impossible:
        onto = known[wish.onto]
        if onto is None:
            return Impossible(f"there is no commit {wish.onto} to pick onto")
        sources = []
        for name in wish.commits:
            commit = known[name]
            if commit is None:
                return Impossible(f"there is no commit {name}")
            if reason := _mainline_trouble(commit, wish.mainline):
                return Impossible(reason)
            sources.append(commit)
        if not sources:
            return Impossible("there is nothing to pick: no commit is named")
        return _Course(wish, onto.sha, sources, onto.tree, onto.sha)

    def _advance(self, courses: Sequence[_Course]) -> None:
        """One round: the next commit of every course, in one merge process per set of attributes."""
        rounds: dict[bytes, list[_Course]] = defaultdict(list)
        for course, attributes in zip(courses, self.attributes.of_trees([c.tree for c in courses]), strict=True):
            if isinstance(attributes, Unreadable):
                course.failure = attributes.reason
            else:
                rounds[attributes].append(course)
        for attributes, group in rounds.items():
            posed: dict[str, bytes] = {}
            pairs = [self._pose(course, posed) for course in group]
            with self.scratch.lending(posed):
                results = merge_all(self.scratch.view(attributes), pairs)
            for course, result in zip(group, results, strict=True):
                self._take(course, result)

    def _pose(self, course: _Course, posed: dict[str, bytes]) -> tuple[str, str]:
        """The two commits whose merge is the pick; their contents and that of their base are added to `posed`.

        git 2.39 cannot be told the base of a merge, so the base is made the only possible one: a commit without
        history that carries the tree before the change, and on it the tree of the line and the tree of the change.
        No walk through history is needed, whatever the dates of the real commits are.
        """
        source = course.source
        assert source is not None
        base = self._synthetic(posed, self._state_before(source, course.wish.mainline))
        return self._synthetic(posed, course.tree, base), self._synthetic(posed, source.tree, base)

    def _state_before(self, source: RawCommit, mainline: int | None) -> str:
        if not source.parents:
            return self.scratch.loose.write("tree", b"")
        parent = source.parents[(mainline or 1) - 1 if len(source.parents) > 1 else 0]
        commit = self.reader.commits([parent])[0]
        return commit.tree if commit else parent  # absent in a shallow clone: git names it in its complaint

    def _synthetic(self, posed: dict[str, bytes], tree: str, parent: str | None = None) -> str:
        body = _bare_commit(tree, parent)
        name = self.scratch.loose.name("commit", body)
        posed[name] = body
        return name

    def _take(self, course: _Course, result: Merged | Failed) -> None:
        source = course.source
        assert source is not None
        match result:
            case Failed(reason):
                course.failure = reason
            case Merged(_, conflicts) if conflicts:
                course.conflicts = conflicts
                course.steps.append(Step(source.sha, None, "conflict"))
            case Merged(tree, _) if tree == course.tree:
                course.steps.append(Step(source.sha, None, "present"))
            case Merged(tree, _):
                course.tree = tree
                course.tip = self._commit(course, source)
                course.steps.append(Step(source.sha, course.tip, "picked"))

    def _commit(self, course: _Course, source: RawCommit) -> str:
        """Make the new commit's bytes and remember them; most are never asked for again, so none is written yet."""
        when = source.committed_at if course.wish.committed_at is None else course.wish.committed_at
        identity = self.committer.identity
        body = b"".join((
            f"tree {course.tree}\nparent {course.tip}\n".encode("ascii"),
            b"author " + source.author + b"\n",
            f"committer {identity} {when} +0000\n\n".encode(),
            picked_message(source.message, source.sha, identity if course.wish.sign_off else None),
        ))  # fmt: skip
        name = self.scratch.loose.name("commit", body)
        with self._making:
            self._made[name] = body
        return name


def _bare_commit(tree: str, parent: str | None = None) -> bytes:
    """The content of a commit that says nothing but its tree and its parent."""
    ancestry = f"parent {parent}\n" if parent else ""
    return f"tree {tree}\n{ancestry}author . <.> 0 +0000\ncommitter . <.> 0 +0000\n\n".encode("ascii")


def _forget_oldest(memory: dict[K, V]) -> None:
    """Only those: another thread may be about to keep what it has picked."""
    while len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]


def _mainline_trouble(commit: RawCommit, mainline: int | None) -> str | None:
    count = len(commit.parents)
    if count > 1 and mainline is None:
        return f"{commit.sha} is a merge: say which parent it is to be compared with (mainline 1 to {count})"
    if mainline is not None and not 1 <= mainline <= max(count, 1):
        return f"{commit.sha} has {count} parent(s), so there is no mainline {mainline}"
    return None


def _outcome(course: _Course) -> PickOutcome | Impossible:
    onto = course.onto
    if course.failure:
        return Impossible(course.failure)
    steps = tuple(course.steps) + tuple(Step(c.sha, None, "skipped") for c in course.sources[len(course.steps) :])
    if course.conflicts:
        return Conflict(onto, course.conflicts, steps)
    outcomes = {step.outcome for step in steps}
    if outcomes == {"present"}:
        return Present(onto, course.tree, steps)
    kind = Partial if "present" in outcomes else Picked
    return kind(onto, course.tip, course.tree, steps)
