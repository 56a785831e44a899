"""What one commit tells a changelog, taken from its message at once, so that the message itself can go.

It must never keep a whole message: a hundred thousand of them would take hundreds of megabytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.core.mentions import picked_from, reverted_title, reverts, reverts_pulls
from bot.core.revisions import Commit, Logged
from bot.core.titles import breaking_notes, read_title

_MERGED = re.compile(r"(?:Merge pull request|Auto merge of) #([1-9][0-9]{0,8})\b", re.ASCII)
_SEE = re.compile(r"^See merge request \S{0,300}!([1-9][0-9]{0,8})\s*$", re.ASCII | re.MULTILINE)
_RELEASE = re.compile(
    r"(?:chore|build|ci)\(release\)!?: "
    r"|(?:chore: )?(?:release|bump version to|prepare release) v?[0-9]+\.[0-9]+[0-9a-z.-]{0,20}(?: \([#!][0-9]+\))?$",
    re.IGNORECASE,
)
_OF_A_RELEASE = frozenset("CcBbRrPp")
"""How it begins; to look is quicker than to try, here and below."""
_BACKPORT = re.compile(
    r"\[(?:release/)?v?[0-9]+\.[0-9]+[^\]]{0,20}\]|\b(?:back-?port|cherry-?\s?pick)(?:ed|ing|s)?\b", re.IGNORECASE
)
_CLAIM = re.compile(
    r"^(?:back-?port|cherry-?pick) of (?:\S{0,100}[#!])([1-9][0-9]{0,8})\b", re.IGNORECASE | re.MULTILINE
)
_CARRIED = re.compile(r"(?:\[[^\]]{0,60}\][ \t]*)?back-?port (?:of )?[#!]([1-9][0-9]{0,8})\b", re.IGNORECASE)
_PREFIX = re.compile(
    r"(?:\[(?:back-?port\s?)?(?:release/)?v?[0-9]+\.[0-9]+[^\]]{0,20}\][ \t:-]*|\[back-?port\][ \t:-]*"
    r"|back-?port (?:of )?[#!][0-9]{1,9}[ \t]*:[ \t]*)+",
    re.IGNORECASE,
)
"""What a backport's title says before that of the change."""
_BEGINNINGS = ("[", "B", "b")
_OF_A_PREFIX = frozenset("0123456789rRvVbB")
"""How it begins behind its bracket."""
_AREAS = re.compile(r"(?:\[[\w .+/-]{1,40}\][ \t]*){1,4}(?=\w)")
"""`[inductor][cuda] Fix it`: what PyTorch's titles have for a scope."""
_OPENING = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})[ \t]*release-notes?[ \t]*", re.IGNORECASE)
_HIDDEN = re.compile(r"<!--(?:(?!-->).)*+(?:-->|\Z)", re.DOTALL)


@dataclass(slots=True)
class Told:
    """A commit, as far as a changelog cares. Most fields are empty for most commits."""

    sha: str
    parents: tuple[str, ...]
    author: str
    """The name alone."""
    at: int
    """When it was committed."""
    title: str
    """Without kind, scope and numbers."""
    kind: str
    scope: str
    marked: bool
    """Whether an exclamation mark says that it breaks something."""
    numbers: tuple[int, ...]
    """Of the pulls that it names as its own: the last brought it, those before it are what it was made from."""
    breaking: tuple[str, ...] = ()
    note: str | None = None
    """Its release-note block; `NONE` in any case is the empty text."""
    picked_from: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    reverts_pulls: tuple[int, ...] = ()
    undoes: str | None = None
    """The title that its own says it takes back."""
    is_release: bool = False
    """A section commit or version bump, which is about releasing and no change of its own."""

    @property
    def is_merge(self) -> bool:
        """Whether it has several parents."""
        return len(self.parents) > 1

    @property
    def number(self) -> int | None:
        """The pull that brought it."""
        return self.numbers[-1] if self.numbers else None


def tell(commit: Commit | Logged) -> Told:
    """Read a commit."""
    raw, _, body = commit.message.partition("\n")
    raw = raw.strip()
    number = None
    if len(commit.parents) > 1 and (landed := _landed(raw, body)):
        number, raw = landed
    said = read_title(raw)
    title, scope = split_areas(said.text) if said.text.startswith(_BEGINNINGS) else (said.text, "")
    told = Told(
        commit.sha, commit.parents, _name(commit.author), commit.committed_at, title, said.kind, said.scope or scope,
        said.marked, _unique((*said.numbers, number) if number else said.numbers),
        undoes=reverted_title(raw), is_release=raw[:1] in _OF_A_RELEASE and bool(_RELEASE.match(raw)),
    )  # fmt: skip
    if said.kind == "revert" and told.undoes is None:
        told.undoes = said.text
    claims = _read_body(told, body) if body else ()
    if raw.startswith(_BEGINNINGS) and (carried := _CARRIED.match(raw)):
        claims = (int(carried[1]), *claims)
    if len(told.numbers) > 1 and not (told.picked_from or claims or _BACKPORT.search(raw)):
        told.numbers = told.numbers[-1:]  # `Title (#5) (#12)`: 5 may be the issue that 12 mends
    if claims:
        told.numbers = _unique((*claims, *told.numbers))
    return told


def split_areas(text: str) -> tuple[str, str]:
    """A title without the line of a backport, and without the areas before it, which are its scope."""
    if not text.startswith("[") or text[1:2] in _OF_A_PREFIX:
        text = _PREFIX.sub("", text, count=1)
    areas = _AREAS.match(text)
    if areas is None:
        return text, ""
    return text[areas.end() :], ", ".join(area.strip("[] \t") for area in areas[0].split("]") if area.strip())


@lru_cache(maxsize=10_000)
def _name(author: str) -> str:
    """The name without the address; one text for all commits of a person."""
    return author.rpartition(" <")[0] or author


def _read_body(told: Told, body: str) -> tuple[int, ...]:
    """What stands below the title; returns the pulls that it claims to carry.

    Each pattern is tried only where its word is there at all: most bodies hold none.
    """
    if "BREAKING" in body:
        told.breaking = breaking_notes(body)
    if "cherry picked from" in body:
        told.picked_from = picked_from(body)
    if "evert" in body:
        told.reverts, told.reverts_pulls = reverts(body), reverts_pulls(body)
    if "release-note" in body:
        told.note = read_note(body)
    return tuple(int(number) for number in _CLAIM.findall(body)) if "port of" in body or "pick of" in body else ()


def read_note(body: str) -> str | None:
    """What the release-note blocks of a body say, on one line; the empty text where they say NONE, None without any."""
    if "release-note" not in body:
        return None
    said: list[str] = []
    fence: str | None = None
    for line in _HIDDEN.sub("", body).replace("\r", "").split("\n"):
        if fence is None:
            opening = _OPENING.fullmatch(line)
            fence = opening[1] if opening else None
        elif line.strip().startswith(fence):
            fence = None
        else:
            said.append(line.strip())
    text = " ".join(" ".join(said).split())
    if not text:
        return None
    return "" if text.strip(" .\"'`").casefold() in ("none", "n/a", "na") else text


def _landed(raw: str, body: str) -> tuple[int, str] | None:
    """The pull that a merge commit lands, and its title, which forges put at the beginning of the body."""
    merged = _MERGED.match(raw) or _SEE.search(body)
    if merged is None:
        return None
    title = next((line.strip() for line in body.split("\n") if line.strip()), "")
    return int(merged[1]), title if title and not _SEE.match(title) else raw


def _unique(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers)) if len(numbers) > 1 else numbers
