"""The line's own `.gitattributes`, for merges that have no work tree to read them from.

It never reads the attributes of whatever happens to be checked out, and never anybody's configuration.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.tools.objects import ObjectReader

_ENTRY = re.compile(rb"(\d{1,9}) ([^\0]+)\0(.{20})", re.DOTALL)
_ENTRY_SHA256 = re.compile(rb"(\d{1,9}) ([^\0]+)\0(.{32})", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"')
_BLANK = b" \t\r\n"
_LONGEST_LINE = 2048  # git ignores longer ones (gitattributes(5))
_MANY_TREES = 200_000
_MANY_FILES = 10_000
"""A tree that holds one subtree many times, level upon level, would otherwise fill the memory with paths."""

Files = tuple[tuple[bytes, str], ...]
"""Attribute files: (folder, ending in a slash or empty; blob id)."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Attributes that cannot be known, and why. A merge without them could end otherwise, so there is none."""

    reason: str


@dataclass
class Attributes:
    """Finds and flattens the attribute files of trees; remembers what it has seen, since trees share most subtrees.

    Safe to share between threads.
    """

    reader: ObjectReader
    _inside: dict[str, Files | Unreadable] = field(default_factory=dict)
    """Tree id → attribute files in and below it, with folders relative to the tree."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of_trees(self, trees: Sequence[str]) -> list[bytes | Unreadable]:
        """For each tree its attribute files as one text for `info/attributes`, deeper folders after shallower ones."""
        with self._lock:
            if len(self._inside) > _MANY_TREES:
                self._inside.clear()
            self._discover(trees)
            inside = {tree: self._inside[tree] for tree in trees}
        blobs = list({blob for files in inside.values() if isinstance(files, tuple) for _, blob in files})
        texts = dict(zip(blobs, self.reader.contents(blobs), strict=True))
        flat = {tree: _flatten(files, texts) for tree, files in inside.items()}
        return [flat[tree] for tree in trees]

    def _discover(self, roots: Sequence[str]) -> None:
        """Read all unknown subtrees, a level at a time, then sum up from the leaves."""
        trees: dict[str, tuple[list[tuple[bytes, str]], Files] | Unreadable] = {}
        pending = list(roots)
        while pending := [t for t in dict.fromkeys(pending) if t not in self._inside and t not in trees]:
            below: list[str] = []
            for tree, answer in zip(pending, self.reader.contents(pending), strict=True):
                if answer is None:
                    trees[tree] = Unreadable(f"missing tree {tree}")
                else:
                    trees[tree] = subtrees, _ = _entries(answer[1], len(tree))
                    below += [sha for _, sha in subtrees]
            pending = below
        unsummed = list(roots)
        while unsummed:
            tree = unsummed[-1]
            read = trees.get(tree, ([], ()))
            subtrees = [] if isinstance(read, Unreadable) else read[0]
            # a subtree may be shared between levels: only a sum that is there can be built upon
            waiting = [] if tree in self._inside else [sha for _, sha in subtrees if sha not in self._inside]
            if waiting:
                unsummed += waiting
            else:
                unsummed.pop()
                if tree not in self._inside:
                    self._inside[tree] = read if isinstance(read, Unreadable) else self._sum(*read)

    def _sum(self, subtrees: Sequence[tuple[bytes, str]], own: Files) -> Files | Unreadable:
        found = list(own)
        for name, tree in subtrees:
            inside = self._inside[tree]
            if isinstance(inside, Unreadable):
                return inside
            found += [(name + b"/" + folder, blob) for folder, blob in inside]
            if len(found) > _MANY_FILES:
                return Unreadable(f"there are more than {_MANY_FILES:,} .gitattributes files")
        return tuple(found)


def _entries(body: bytes, width: int) -> tuple[list[tuple[bytes, str]], Files]:
    """Subtrees of a tree object, and its own attribute file if it has one."""
    subtrees, own = [], []
    match, at = _ENTRY.match if width == 40 else _ENTRY_SHA256.match, 0
    while found := match(body, at):  # one behind the other: a search in what is no tree would not end
        at, (mode, name, sha) = found.end(), found.groups()
        if mode == b"40000":
            subtrees.append((name, sha.hex()))
        elif name == b".gitattributes" and mode.startswith(b"100"):  # git does not follow a symlink here
            own.append((b"", sha.hex()))
    return subtrees, tuple(own)


def _flatten(files: Files | Unreadable, texts: Mapping[str, tuple[str, bytes] | None]) -> bytes | Unreadable:
    if isinstance(files, Unreadable):
        return files
    parts = []
    for folder, blob in sorted(files, key=lambda file: (file[0].count(b"/"), file[0])):
        text = texts[blob]
        if text is None:
            return Unreadable(f"missing blob {blob}, a .gitattributes")
        parts.append(_relocate(folder, text[1]))
    return b"".join(parts)


def _relocate(folder: bytes, text: bytes) -> bytes:
    """Rewrite one attribute file so that its patterns mean the same from the root of the repository."""
    moved = [_move_pattern(folder, line) for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    return b"".join(line + b"\n" for line in moved if line)


def _move_pattern(folder: bytes, line: bytes) -> bytes:
    line = line.removesuffix(b"\r").partition(b"\0")[0]
    if len(line) >= _LONGEST_LINE:
        return b""
    line = line.strip(_BLANK)
    if not line or line.startswith(b"#"):
        return b""
    if not folder:
        return line
    pattern, rest = _split(line)
    macro = pattern.startswith(b"[attr]") and pattern != b"[attr]"  # those count in the top folder only
    if macro or pattern.startswith(b"!"):
        return b""  # git ignores both
    anchored = b"/" in pattern
    prefix = re.sub(rb"([*?\[\\!])", rb"\\\1", folder)
    moved = prefix + (pattern.removeprefix(b"/") if anchored else b"**/" + pattern)
    # a folder's name may hold anything, a line break included: nothing of it may end the quotation
    quoted = re.sub(rb'[\0-\x1f"\\\x7f]', lambda odd: b"\\%03o" % odd[0][0], moved)
    return b'"' + quoted + b'"' + rest


def _split(line: bytes) -> tuple[bytes, bytes]:
    """Pattern and the rest (with its leading space) of a line; the pattern may be quoted in C style."""
    if quoted := _QUOTED.match(line):
        return re.sub(rb"\\([0-3][0-7]{2}|.)", _unescape, quoted[1]), line[quoted.end() :]
    end = next((i for i, byte in enumerate(line) if byte in _BLANK), len(line))
    return line[:end], line[end:]


def _unescape(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 3:
        return bytes([int(code, 8)])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}.get(code, code)
