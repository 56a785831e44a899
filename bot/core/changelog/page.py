"""A CHANGELOG.md that exists: found are its sections, and all else stays byte for byte what it was.

It must never rewrite what it was not asked to: what comes in goes out again, but for the one section that is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.core.versions import Version, read_tag

_WORD = r"(?P<token>(?:[A-Za-z][A-Za-z0-9._-]{0,60}[._-])?v?[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}[0-9A-Za-z.+-]{0,60})"
_NAMED = rf"(?:(?:version|release)[ \t]+)?\[?`?(?:{_WORD}|(?P<unreleased>unreleased))`?\]?"
_HEADING = re.compile(rf"[ ]{{0,3}}(?P<level>\#{{1,4}})[ \t]+{_NAMED}(?![\w])(?P<rest>.*)", re.IGNORECASE)
_UNDERLINED = re.compile(rf"[ ]{{0,3}}{_NAMED}(?![\w])(?P<rest>.*)", re.IGNORECASE)
_UNDERLINE = re.compile(r"[ ]{0,3}(?:=+|-{3,})[ \t]*")
_ANY_HEADING = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t]|$)")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_REFERENCE = re.compile(r"[ ]{0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_YANKED = re.compile(r"\[YANKED\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A section: its heading and what stands below it, as they are in the file."""

    heading: str
    body: str
    version: Version | None
    """None for `Unreleased`, and for a name that is no version of ours (`1.0.0-beta.2`)."""
    is_unreleased: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return self.heading + self.body

    @property
    def is_yanked(self) -> bool:
        """Whether its heading says that the version was taken back."""
        return bool(_YANKED.search(self.heading))


@dataclass(frozen=True, slots=True)
class Page:
    """The file: what stands before the first section, the sections, and the link references at the end."""

    before: str
    parts: tuple[Part, ...]
    after: str
    newline: str = "\n"

    @property
    def text(self) -> str:
        """The whole file."""
        return self.before + "".join(part.text for part in self.parts) + self.after

    def find(self, version: Version | None) -> int | None:
        """The section of a version, or for None the one that is not released yet."""
        for number, part in enumerate(self.parts):
            if part.is_unreleased if version is None else part.version == version:
                return number
        return None


EMPTY = """\
# Changelog

All notable changes to this project are written here, after [Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""


def read_page(text: str) -> Page:
    """Take a file apart. What is put together again is the same, whatever it is."""
    newline = "\r\n" if "\r\n" in text else "\n"
    starts = list(_starts(text))
    end = _references_at(text, starts[-1].body_at if starts else 0)
    ends = [*(start.at for start in starts[1:]), end]
    parts = tuple(
        Part(text[start.at : start.body_at], text[start.body_at : stop], start.version, start.is_unreleased)
        for start, stop in zip(starts, ends, strict=False)
    )
    return Page(text[: starts[0].at if starts else end], parts, text[end:], newline)


@dataclass(frozen=True, slots=True)
class _Start:
    """A heading that begins a section: of a version, or of none (`## Older releases`), which ends one all the same."""

    at: int
    body_at: int
    version: Version | None
    is_unreleased: bool = False


def _starts(text: str) -> Iterator[_Start]:
    """Headings of versions, and those above their level, outside of code and comments."""
    level = 0
    before, before_at = "", 0
    for line, at, end in _plain_lines(text):
        if found := _HEADING.fullmatch(line):
            depth = len(found["level"])
            if _is_section(found, depth, level):
                level = level or depth
                yield _start(found, at, end)
        elif (heading := _ANY_HEADING.match(line)) and level and len(heading[1]) <= level:
            yield _Start(at, end, None)
        elif _UNDERLINE.fullmatch(line) and before_at >= 0 and (found := _UNDERLINED.fullmatch(before)):
            level = level or 2
            yield _start(found, before_at, end)
        before, before_at = line, at


def _is_section(found: re.Match[str], depth: int, level: int) -> bool:
    """`### 2.7.1` below `## 2.7.0` is one too: some tools write patches a level lower. `### 3.11 support` is none."""
    rest = found["rest"].strip()
    plain = not rest or bool(re.match(r"[-–—:(\[/,]|[0-9]{4}|\]", rest))
    return plain and (level == 0 or depth <= level + 1)


def _start(found: re.Match[str], at: int, end: int) -> _Start:
    version = read_tag(found["token"].rstrip(".-")) if found["token"] else None
    return _Start(at, end, version, found["unreleased"] is not None)


def _plain_lines(text: str) -> Iterator[tuple[str, int, int]]:
    """The lines that are neither code nor in a comment, with where they begin and end."""
    fence = ""
    hidden = False
    at = 0
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text):
        line, end = raw.rstrip("\r\n"), at + len(raw)
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif hidden or line.lstrip().startswith("<!--"):
            hidden = "-->" not in (line if hidden else line.lstrip()[4:])
        elif opening := _FENCE.match(line):
            fence = opening[1]
        else:
            yield line, at, end
        at = end


def _references_at(text: str, start: int) -> int:
    """Where the link references at the end of the file begin: after the last line that is something else."""
    end = len(text)
    lines = text[start:].split("\n")
    at = end + 1
    found = end
    for line in reversed(lines):
        at -= len(line) + 1
        if _REFERENCE.match(line):
            found = at
        elif line.strip():
            break
    return found


# ── putting a section in ─────────────────────────────────────────────────────────────────────────────────────────────


def put(page: Page, part: Part) -> Page:
    """The page with a section in the place of the one that is there, or where its version belongs."""
    at = page.find(None if part.is_unreleased else part.version)
    if at is not None:
        gap = _gap(page.parts[at].text, page.newline)
        fresh = replace(part, body=_ended(part.body, gap, page.newline))
        return replace(page, parts=(*page.parts[:at], fresh, *page.parts[at + 1 :]))
    at = _place(page, part)
    gap = page.newline if at < len(page.parts) or page.after.strip() else ""
    fresh = replace(part, body=_ended(part.body, gap, page.newline))
    return _set_apart(replace(page, parts=(*page.parts[:at], fresh, *page.parts[at:])), at)


def _place(page: Page, part: Part) -> int:
    """In the order of the file: newest first, unless its versions say otherwise. What is not released leads."""
    known = [(n, other.version) for n, other in enumerate(page.parts) if other.version is not None]
    if part.version is None:
        return 0
    if not known:
        return next((n + 1 for n, other in enumerate(page.parts) if other.is_unreleased), 0)
    rising = len(known) > 1 and known[0][1] < known[-1][1]
    if rising:
        return next((n for n, version in known if part.version < version), known[-1][0] + 1)
    return next((n for n, version in known if version < part.version), known[-1][0] + 1)


def _set_apart(page: Page, at: int) -> Page:
    """A blank line before a new section, whatever the text before it ends in."""
    before = page.before if at == 0 else page.parts[at - 1].text
    missing = "" if not before or before.endswith(page.newline * 2) else page.newline
    if before and not before.endswith("\n"):
        missing = page.newline * 2
    if at == 0:
        return replace(page, before=page.before + missing)
    parts = list(page.parts)
    parts[at - 1] = replace(parts[at - 1], body=parts[at - 1].body + missing)
    return replace(page, parts=tuple(parts))


def _gap(text: str, newline: str) -> str:
    """The blank lines at the end of a section."""
    bare = text.rstrip("\r\n \t")
    tail = text[len(bare) :]
    return tail.partition(newline)[2] if newline in tail else ""


def _ended(text: str, gap: str, newline: str) -> str:
    return text.rstrip("\r\n") + newline + gap


def reference_of(page: Page, version: Version) -> tuple[str, str]:
    """The link reference of a version at the end of the page: its name and its address, both empty without one."""
    found = re.findall(r"^[ ]{0,3}\[([^\]\r\n]{1,200})\]:[ \t]*(\S+)", page.after, re.MULTILINE)
    return next(((name, address) for name, address in found if read_tag(name) == version), ("", ""))


def refer(page: Page, name: str, address: str) -> Page:
    """The page with a link reference for a version at its end, the newest first. One that is there is put right."""
    if not address:
        return page
    line = f"[{name}]: {address}"
    found = re.search(rf"^[ ]{{0,3}}\[{re.escape(name)}\]:[^\r\n]*", page.after, re.MULTILINE | re.IGNORECASE)
    if found:
        return replace(page, after=page.after[: found.start()] + line + page.after[found.end() :])
    if page.after.strip():
        return replace(page, after=_among(page.after, name, line, page.newline))
    text = page.text
    gap = "" if text.endswith(page.newline * 2) else page.newline if text.endswith("\n") else page.newline * 2
    return replace(page, after=f"{page.after}{gap}{line}{page.newline}")


def _among(after: str, name: str, line: str, newline: str) -> str:
    """Before the first reference of a lower version."""
    version = read_tag(name)
    for found in re.finditer(r"^[ ]{0,3}\[([^\]\r\n]{1,200})\]:[^\r\n]*", after, re.MULTILINE):
        other = read_tag(found[1])
        if version is None or (other is not None and other < version):
            return f"{after[: found.start()]}{line}{newline}{after[found.start():]}"
    return f"{after.rstrip()}{newline}{line}{newline}"
