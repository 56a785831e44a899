"""The evidence ladder: is the effect of a commit on a line already, and how sure is that?

It never calls a look-alike certain: only what cannot be a coincidence makes the bot skip work.

The rungs, strongest first: *ancestor* (the commit itself is there), *trailer* (a commit of the line says that it was
picked from this one), *patch-id* (`git patch-id --verbatim` agrees, and title, author or number agree with it),
*similar* (author and author date, title, or pull number). Every rung is void when the line says that it has taken the
commit back since; `tools.present` asks the line's trees whether they bear out what is certain. Rules and figures come
from 21,046 replayed backports of eight projects: patch-ids alone miss 38 % of the known ones, and the same id belonged
to another change 6 times in 15,809.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bot.core.mentions import (
    picked_from,
    reverted_title,
    reverted_titles,
    reverts,
    reverts_pulls,
    without_quoted_revert,
)
from bot.core.model import Evidence

_BRACKETS = re.compile(r"\[[^\]]{0,200}\]|🤖")  # bounded: a title of nothing but `[` shall not cost seconds
_NUMBER = re.compile(r"(?:\(|\[)?(?:GH-|#|!)(\d{1,9})(?:\)|\])?")
_ENCLOSED = re.compile(r"[(\[](?:GH-|#|!)(\d{1,9})[)\]]")
_NOISE = re.compile(
    r"\b(?:backport(?:ed|ing)?|cherry[- ]?pick(?:ed|ing)?|pick|port)\b"
    r"(?:\s+(?:of|to|for|from|into|on|onto)\b(?:\s+(?:release[/-]?)?v?\d+\.[\dx.]+\b)?)?"
    r"|\b(?:to|for|into|onto|on)\s+(?:release[/-]?)?v?\d+\.[\dx.]+\b|\b(?:release[/-])?v?\d+\.\d+(?:\.[\dx]+)?\s*:",
    re.IGNORECASE,
)
_UNCONFIRMED = 0.9
"""The score of what would be certain, if nothing spoke against it."""
_WORDS = re.compile(r"[^\W_]+")
_LISTED = re.compile(r"\((?:#|!)(\d{1,9})\)[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Traits:
    """What identifies a commit apart from its id. Ids of other commits may be shortened to 7 digits or more."""

    sha: str
    author: str
    """Name, address and author time as one text: a pick keeps all three."""
    title: str
    committed_at: int
    patch_id: str | None = None
    """`git patch-id --verbatim`; None for merges and empty commits."""
    picked_from: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    """Commits that the message says it reverts."""
    reverts_pulls: tuple[int, ...] = ()
    reverts_titles: tuple[str, ...] = ()
    """What it says it reverts without naming a commit or pull."""
    listed: tuple[int, ...] = ()
    """Pull numbers at the ends of lines in the message's body, as a squash of several picks lists them."""

    @classmethod
    def read(cls, sha: str, author: str, committed_at: int, message: str) -> Traits:
        """Take the traits from a message; the patch-id is added by who has it."""
        title, _, body = message.partition("\n")
        ids, pulls = reverts(body), reverts_pulls(body)
        return cls(
            sha, author, title.strip(), committed_at,
            picked_from=picked_from(body), reverts=ids, reverts_pulls=pulls,
            reverts_titles=() if ids or pulls else reverted_titles(title.strip(), body),
            listed=tuple(dict.fromkeys(int(n) for n in _LISTED.findall(body))),
        )  # fmt: skip


@lru_cache(maxsize=100_000)
def title_key(title: str) -> str:
    """What is left of a title when tags, numbers, version words and “backport of” are gone; empty when nothing is."""
    return _words(_NOISE.sub(" ", _NUMBER.sub(" ", _BRACKETS.sub(" ", title))))


@lru_cache(maxsize=100_000)
def _exact_key(title: str) -> str:
    """What tells `Bump to 2.1` from `Bump to 2.10`, whose keys are the same."""
    return _words(_NUMBER.sub(" ", _BRACKETS.sub(" ", title)))


def _words(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))


@lru_cache(maxsize=100_000)
def numbers(title: str) -> tuple[int, ...]:
    """Pull numbers in a title, in order; the last one is the pull that brought this very commit.

    What a revert quotes is not its own: `Revert "Title (#12)"` is of no known pull.
    """
    return tuple(int(n) for n in _NUMBER.findall(without_quoted_revert(title)))


@dataclass
class BranchIndex:
    """The commits of one branch, oldest first, found by what they have in common with others."""

    commits: dict[str, Traits] = field(default_factory=dict)
    _position: dict[str, int] = field(default_factory=dict)
    _by: dict[tuple[str, object], list[str]] = field(default_factory=lambda: defaultdict(list))
    _picks_of: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """The first seven digits of a commit → the ids that trailers name, and by whom."""
    _reverts_of: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    _unasked: dict[str, None] = field(default_factory=dict)
    _standing: dict[str, bool] = field(default_factory=dict)

    def add(self, commits: Iterable[Traits]) -> None:
        """Append commits that came after the ones that are there."""
        for commit in commits:
            if commit.sha in self.commits:
                continue
            self.commits[commit.sha] = commit
            self._position[commit.sha] = len(self._position)
            for key in _keys(commit):
                self._by[key].append(commit.sha)
            self._note_reverts(commit)
            self.learn([commit])
            self._standing = {}  # a revert may have been taken back itself

    def learn(self, commits: Iterable[Traits]) -> None:
        """Note what commits were picked from, also those of other branches: a line's trailer may name such a one."""
        for commit in commits:
            for target in commit.picked_from:
                self._picks_of[target[:7]].append((target, commit.sha))
                self._unasked[target] = None

    def ask_for(self) -> list[str]:
        """Commits that trailers name and that are not here; each is asked for once, by whoever can `learn` it."""
        asked, self._unasked = list(self._unasked), {}
        return [name for name in asked if name not in self.commits]

    def newest(self, commits: Iterable[str]) -> str:
        """The one of them that came last."""
        return max(commits, key=self._position.__getitem__)

    def sharing(self, commit: Traits) -> list[Traits]:
        """Commits of this branch that share a key with a commit, newest first."""
        found = {sha for key in _keys(commit) for sha in self._by.get(key, ())}
        return [self.commits[sha] for sha in sorted(found, key=self._position.__getitem__, reverse=True)]

    def picks_of(self, sha: str) -> list[Traits]:
        """Commits that say they were picked from this one, or from such a pick, newest first.

        Shortened ids are understood.
        """
        found: set[str] = set()
        pending = [sha]
        while pending:
            origin = pending.pop()
            new = {s for named, s in self._picks_of.get(origin[:7], ()) if origin.startswith(named)} - found
            found |= new
            pending += new
        own = (s for s in found if s in self.commits)
        return [self.commits[s] for s in sorted(own, key=self._position.__getitem__, reverse=True)]

    def stands(self, commit: Traits, origin: str) -> bool:
        """Whether a commit of this branch has not been taken back since, under its own id or its origin's."""
        return not any(self._in_force(revert) for revert in self._later_reverts(commit, origin))

    def _in_force(self, revert: str) -> bool:
        """Whether a revert stands. Those that bear on it are judged from the newest on, each of them once."""
        bearing: dict[str, list[str]] = {}
        pending = [revert]
        while pending:
            sha = pending.pop()
            if sha not in bearing and sha not in self._standing:
                bearing[sha] = self._later_reverts(self.commits[sha], sha)
                pending += bearing[sha]
        for sha in sorted(bearing, key=self._position.__getitem__, reverse=True):
            self._standing[sha] = not any(self._standing[later] for later in bearing[sha])
        return self._standing[revert]

    def _later_reverts(self, commit: Traits, origin: str) -> list[str]:
        named = {r for sha in {commit.sha, origin, *commit.picked_from}
                 for target, r in self._reverts_of.get(sha[:7], ()) if sha.startswith(target)}  # fmt: skip
        own = {*numbers(commit.title)[-1:], *(int(n) for n in _ENCLOSED.findall(commit.title))}
        by_number = {r for n in own for r in self._by.get(("reverts pull", n), ())}
        by_title = set(self._by.get(("reverts title", title_key(commit.title)), ()))
        own_place = self._position[commit.sha]
        return [r for r in named | by_number | by_title if self._position[r] > own_place]

    def _note_reverts(self, commit: Traits) -> None:
        for target in commit.reverts:
            self._reverts_of[target[:7]].append((target, commit.sha))
        for number in commit.reverts_pulls:
            self._by["reverts pull", number].append(commit.sha)
        for title in commit.reverts_titles:
            if key := title_key(title):
                self._by["reverts title", key].append(commit.sha)
            for number in numbers(title)[:1] if not key else ():  # `Revert #12`
                self._by["reverts pull", number].append(commit.sha)


def _keys(commit: Traits) -> list[tuple[str, object]]:
    keys: list[tuple[str, object]] = [("author", commit.author)]
    keys += [("picked from", target[:7]) for target in commit.picked_from]
    keys += [("number", n) for n in {*numbers(commit.title), *commit.listed}]
    if key := title_key(commit.title):
        keys.append(("title", key))
    if commit.patch_id:
        keys.append(("patch", commit.patch_id))
    return keys


def find_evidence(commit: Traits, line: BranchIndex, main: BranchIndex) -> Evidence | None:
    """The strongest evidence that a commit of the main branch is on the line, or None.

    `main` holds the commits that could be meant instead: a look-alike that suits another one better is not evidence.
    """
    if commit.sha in line.commits:
        return Evidence("ancestor", commit.sha, commit.sha, certain=True, score=1.0)
    for pick in line.picks_of(commit.sha):
        if line.stands(pick, commit.sha):
            return Evidence("trailer", commit.sha, pick.sha, certain=True, score=1.0)
    candidates = [
        c for c in line.sharing(commit)
        if _likeness(commit, c) > 0 and not _is_of_another(c, commit, main) and line.stands(c, commit.sha)
    ]  # fmt: skip
    if not candidates:
        return None
    best = max(candidates, key=lambda c: _rank(commit, c))
    if _suits_another(best, commit, main):
        return None
    score = _likeness(commit, best)
    if _same_patch(commit, best):
        if best.picked_from and not _names(best, commit):
            score = min(score, _UNCONFIRMED)  # by its own word it is the pick of another
        return Evidence("patch-id", commit.sha, best.sha, certain=score == 1.0, score=score)
    return Evidence("similar", commit.sha, best.sha, certain=False, score=score)


def find_merge(merge: str, commits: Sequence[str], line: BranchIndex) -> tuple[Evidence, ...]:
    """Evidence for all commits of a merge at once: a commit of the line says that it was picked from the merge."""
    pick = next((pick for pick in line.picks_of(merge) if line.stands(pick, merge)), None)
    return tuple(Evidence("trailer", sha, pick.sha, certain=True, score=1.0) for sha in commits) if pick else ()


def _is_of_another(found: Traits, source: Traits, main: BranchIndex) -> bool:
    """Whether a commit of the line says that it was picked from another commit of the main branch, and not of this."""
    return not _names(found, source) and any(named in main.commits for named in found.picked_from)


def doubt(evidence: Evidence) -> Evidence:
    """The same commit as a look-alike: what was certain by word or patch, and the line's tree does not bear out."""
    return replace(evidence, kind="similar", certain=False, score=_UNCONFIRMED)


def _suits_another(found: Traits, source: Traits, main: BranchIndex) -> bool:
    """Whether a commit of the line belongs to another commit of the main branch rather than to this one."""
    if set(numbers(source.title)[-1:]) & set(found.listed):
        return False  # a list names several
    if _names(found, source):  # so may a title; but a follow-up mentions what it follows, and is like itself
        return any(_likeness(rival, found) > _likeness(source, found) for rival in main.sharing(found))
    return any(_rank(rival, found) > _rank(source, found) for rival in main.sharing(found))


def _same_patch(one: Traits, other: Traits) -> bool:
    return one.patch_id is not None and one.patch_id == other.patch_id


def _names(found: Traits, source: Traits) -> bool:
    """Whether a commit's message holds the number of the pull that brought another: `Title (#12) (#34)`, or a list."""
    own = numbers(source.title)[-1:]
    said = numbers(found.title) if _NOISE.search(found.title) else (int(n) for n in _ENCLOSED.findall(found.title))
    return bool(own) and own[0] in {*said, *found.listed}


def _likeness(source: Traits, found: Traits) -> float:
    """0 for strangers, 1 for a patch-id that something else confirms; below 1 a person decides."""
    author = source.author == found.author
    title = bool(title_key(source.title)) and title_key(source.title) == title_key(found.title)
    number = _names(found, source)
    if _same_patch(source, found):
        return 1.0 if author or title or number else _UNCONFIRMED
    if reverted_title(found.title) and not title:
        return 0.0  # a revert names what it takes back
    return max(0.95 * (author and title), 0.95 * (number and title), 0.9 * author, 0.85 * number, 0.7 * title)


def _rank(source: Traits, found: Traits) -> tuple[float, bool, bool, int]:
    """Likeness first; among equals the very title, the pick that came after its source, the one nearest in time."""
    distance = found.committed_at - source.committed_at
    exact = _exact_key(source.title) == _exact_key(found.title)
    return (_likeness(source, found), exact, distance >= 0, -abs(distance))


def find_combined(title: str, patch_id: str | None, commits: Sequence[str], line: BranchIndex) -> tuple[Evidence, ...]:
    """Evidence that a change of several commits is on the line as one commit, squashed: the ids of the sums agree."""
    if patch_id is None:
        return ()
    whole = Traits(commits[-1], "", title, 0, patch_id=patch_id)
    for found in line.sharing(whole):
        if _same_patch(whole, found) and line.stands(found, commits[-1]):
            score = min(_likeness(whole, found), _UNCONFIRMED if found.picked_from else 1.0)
            return tuple(Evidence("patch-id", sha, found.sha, score == 1.0, score) for sha in commits)
    return ()


def numbers_said(commit: Traits) -> tuple[int, ...]:
    """Numbers of the pulls that a commit may carry, or take back, by what it says: a reason to look, and no proof.

    The last one of `Title (#12) (#34)` is the pull that brought the commit itself.
    """
    in_title = [int(n) for n in _ENCLOSED.findall(commit.title)]
    return tuple(dict.fromkeys((*(in_title[:-1] or in_title), *commit.listed)))


def hide_trailers(commits: Iterable[Traits]) -> list[Traits]:
    """The same commits without what they say of their origin: how good the other rungs are is measured so."""
    return [replace(commit, picked_from=()) for commit in commits]
