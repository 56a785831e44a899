"""Version files: the text of a file becomes the same text with another version in it, and nothing else changed.

It must never write where it is not certain: a version that stands nowhere, or in two places, is an error.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from bot.core.versions import Version

_VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}(?:\.[0-9]{1,9})?[0-9A-Za-z.+_-]{0,60}", re.ASCII)
_SECTION = re.compile(r"[ \t]*\[([^\[\]#\r\n]{1,200})\][ \t]*(?:#.*)?\Z")
_TOML = re.compile(r"([ \t]*version[ \t]*=[ \t]*[\"'])([^\"'\r\n]{1,80})([\"'].*)\Z", re.DOTALL)
_PYTHON = ('__version__ = "{version}"', "__version__ = '{version}'", '__version__: str = "{version}"',
           '__version__: Final = "{version}"')  # fmt: skip
_TABLES = ("project", "tool.poetry")


@dataclass(frozen=True, slots=True)
class Unbumped:
    """A file that could not be given the version, and why."""

    file: str
    reason: str


def read_entry(entry: str) -> tuple[str, str]:
    """A policy's entry as file and pattern: `setup.cfg: version = {version}`."""
    file, _, pattern = entry.partition(": ")
    return file, pattern


def bump(file: str, text: str, version: Version, pattern: str = "") -> str | Unbumped:
    """A file's text with the version in it; that is always the final's, since a candidate becomes it unchanged.

    `pattern` is the text around it, with `{version}` in its place. Without one it depends on the file's name:
    `pyproject.toml` and `Cargo.toml` have it under `[project]`, `[tool.poetry]` or `[package]`, a Python file in
    `__version__`, and of every other file it is all.
    """
    written = f"{version.line}.{version.patch}"
    name = _name(file)
    if pattern:
        return _bump_patterns(file, text, written, (pattern,))
    if name.endswith(".toml"):
        return _bump_toml(file, text, written)
    if name.endswith(".py"):
        return _bump_patterns(file, text, written, _PYTHON)
    return _bump_whole(file, text, written)


def _name(file: str) -> str:
    return file.rpartition("/")[2]


def _bump_whole(file: str, text: str, written: str) -> str | Unbumped:
    bare = text.strip()
    if bare and not _VERSION.fullmatch(bare):
        return Unbumped(file, f"it holds more than a version: “{bare[:60]}”. Name a pattern for it")
    start = len(text) - len(text.lstrip())
    return f"{text[:start]}{written}{text[start + len(bare) :]}" if bare else f"{written}\n"


def _bump_patterns(file: str, text: str, written: str, patterns: tuple[str, ...]) -> str | Unbumped:
    places = sorted(place for pattern in patterns for place in _places(text, pattern))
    if len(places) != 1:
        wanted = " or ".join(f"`{pattern}`" for pattern in patterns[:2])
        return Unbumped(file, f"{wanted} stands in it {_often(len(places))}")
    (start, end), *_ = places
    return text[:start] + written + text[end:]


def _places(text: str, pattern: str) -> list[tuple[int, int]]:
    """Where versions stand between what is before and after `{version}`."""
    before, _, after = pattern.partition("{version}")
    found, at = [], -1
    while (at := text.find(before, at + 1)) >= 0:
        version = _VERSION.match(text, at + len(before))
        if version and text.startswith(after, version.end()):
            found.append(version.span())
    return found


def _bump_toml(file: str, text: str, written: str) -> str | Unbumped:
    """Line by line, since a parser would lose the comments; the parser then says whether the right key was changed."""
    wanted = ("package",) if _name(file) == "Cargo.toml" else _TABLES
    lines, table, places = text.splitlines(keepends=True), "", []
    for number, line in enumerate(lines):
        if section := _SECTION.match(line.rstrip("\r\n")):
            table = section[1].strip()
        elif table in wanted and (found := _TOML.match(line)):
            places.append((number, found))
    if len(places) != 1:
        tables = " or ".join(f"[{each}]" for each in wanted)
        return Unbumped(file, f"a version stands under {tables} {_often(len(places))}")
    number, found = places[0]
    made = "".join((*lines[:number], found[1] + written + found[3], *lines[number + 1 :]))
    if _version_in(made, wanted) != written:
        return Unbumped(file, "its version could not be told apart from the rest of the file")
    return made


def _version_in(text: str, tables: tuple[str, ...]) -> object:
    try:
        read: object = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    for table in tables:
        place: object = read
        for part in table.split("."):
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict) and "version" in place:
            return place["version"]
    return None


def _often(times: int) -> str:
    return "nowhere" if not times else f"{times} times"
