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
    return put(file, text, f"{version.line}.{version.patch}", pattern)


def put(file: str, text: str, written: str, pattern: str = "") -> str | Unbumped:
    """The same with the version as it is to be written, be it a candidate's."""
    place = _place(file, text, pattern)
    if isinstance(place, Unbumped):
        return place
    start, end = place
    if start == end:  # a file that holds nothing yet
        return f"{written}\n"
    made = text[:start] + written + text[end:]
    if not pattern and file.endswith(".toml") and _version_in(made, _tables_of(file)) != written:
        return Unbumped(file, "its version could not be told apart from the rest of the file")
    return made


def read(file: str, text: str, pattern: str = "") -> str | Unbumped:
    """What stands now where `put` would write."""
    place = _place(file, text, pattern)
    return place if isinstance(place, Unbumped) else text[slice(*place)]


def _place(file: str, text: str, pattern: str) -> tuple[int, int] | Unbumped:
    if pattern:
        return _place_between(file, text, (pattern,))
    if file.endswith(".toml"):
        return _place_in_toml(file, text)
    return _place_between(file, text, _PYTHON) if file.endswith(".py") else _place_of_all(file, text)


def _place_of_all(file: str, text: str) -> tuple[int, int] | Unbumped:
    bare = text.strip()
    if bare and not _VERSION.fullmatch(bare):
        return Unbumped(file, f"it holds more than a version: “{bare[:60]}”. Name a pattern for it")
    start = len(text) - len(text.lstrip()) if bare else 0
    return start, start + len(bare)


def _place_between(file: str, text: str, patterns: tuple[str, ...]) -> tuple[int, int] | Unbumped:
    places = sorted(place for pattern in patterns for place in _places(text, pattern))
    if len(places) != 1:
        wanted = " or ".join(f"`{pattern}`" for pattern in patterns[:2])
        return Unbumped(file, f"{wanted} stands in it {_often(len(places))}")
    return places[0]


def _places(text: str, pattern: str) -> list[tuple[int, int]]:
    """Where versions stand between what is before and after `{version}`."""
    before, _, after = pattern.partition("{version}")
    found, at = [], -1
    while (at := text.find(before, at + 1)) >= 0:
        version = _VERSION.match(text, at + len(before))
        if version and text.startswith(after, version.end()):
            found.append(version.span())
    return found


def _place_in_toml(file: str, text: str) -> tuple[int, int] | Unbumped:
    """Line by line, since a parser would lose the comments; the parser then says whether the right key was changed."""
    wanted, table, at, places = _tables_of(file), "", 0, []
    for line in text.splitlines(keepends=True):
        if section := _SECTION.match(line.rstrip("\r\n")):
            table = section[1].strip()
        elif table in wanted and (found := _TOML.match(line)):
            places.append((at + found.start(2), at + found.end(2)))
        at += len(line)
    if len(places) != 1:
        tables = " or ".join(f"[{each}]" for each in wanted)
        return Unbumped(file, f"a version stands under {tables} {_often(len(places))}")
    return places[0]


def _tables_of(file: str) -> tuple[str, ...]:
    return ("package",) if file.rpartition("/")[2] == "Cargo.toml" else _TABLES


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
