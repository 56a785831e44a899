"""Trees with some files changed, and files out of them, in memory: no index and no work tree.

It must never follow a symbolic link, nor let a path lead out of the tree or into git's own folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.errors import Fault, UserError
from bot.tools.objects import LooseStore, ObjectReader

_FOLDER = b"40000"
_FILES = (b"100644", b"100755")
LONGEST = 4_000_000
"""Bytes of one file that is read or written so."""


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: bytes
    sha: str


_Entries = dict[bytes, _Entry]


class Trees:
    """Reads trees of one repository, and writes new ones to a store."""

    def __init__(self, reader: ObjectReader, store: LooseStore) -> None:
        self._reader = reader
        self._store = store

    def read_files(self, tree: str, paths: Sequence[str]) -> dict[str, str | None]:
        """The text of each file; None where there is none, or what is there is no text."""
        known: dict[str, _Entries] = {}
        entries = {path: self._find(tree, path, known) for path in paths if _is_sound(path)}
        files = {path: entry.sha for path, entry in entries.items() if entry and entry.mode in _FILES}
        found = zip(files, self._reader.contents(list(files.values())), strict=True)
        texts: dict[str, str | None] = dict.fromkeys(paths)
        return texts | {path: _as_text(each[1]) for path, each in found if each is not None}

    def holds(self, tree: str, path: str) -> bool:
        """Whether there is anything under this path, though it be no file of text."""
        return _is_sound(path) and self._find(tree, path, {}) is not None

    def change(self, tree: str, files: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """The tree with these texts in it, and the paths of those that were different. `UserError` for odd paths."""
        nested: dict[bytes, object] = {}
        for path, text in files.items():
            _put(nested, path, _encoded(path, text))
        changed: list[str] = []
        return self._apply(tree, nested, "", changed), tuple(sorted(changed))

    def _find(self, tree: str, path: str, known: dict[str, _Entries]) -> _Entry | None:
        """Step by step: git would follow a path into a submodule, and look for its commit on the forge."""
        entry: _Entry | None = _Entry(_FOLDER, tree)
        for name in path.encode().split(b"/"):
            if entry is None or entry.mode != _FOLDER:
                return None
            if entry.sha not in known:
                known[entry.sha] = self._entries(entry.sha)
            entry = known[entry.sha].get(name)
        return entry

    def _apply(self, tree: str | None, wanted: Mapping[bytes, object], above: str, changed: list[str]) -> str:
        entries = self._entries(tree) if tree else {}
        for name, content in wanted.items():
            path, there = above + name.decode(), entries.get(name)
            if isinstance(content, dict):
                if there and there.mode != _FOLDER:
                    raise UserError(f"{path} is no folder here, so I can put no file into it. Correct the path.")
                sha = self._apply(there.sha if there else None, content, f"{path}/", changed)
                entries[name] = _Entry(_FOLDER, sha)
                continue
            assert isinstance(content, bytes)
            if there and there.mode not in _FILES:
                raise UserError(f"{path} is a folder, a link or a submodule, and I write files only. Correct the path.")
            sha = self._store.write("blob", content)
            if there is None or there.sha != sha:
                changed.append(path)
            entries[name] = _Entry(there.mode if there else _FILES[0], sha)
        return self._store.write("tree", _render(entries))

    def _entries(self, tree: str) -> _Entries:
        [found] = self._reader.contents([tree])
        if found is None:
            raise Fault(f"the tree {tree} is not there: the repository is damaged")
        return _parse(*found)


def _parse(sha: str, body: bytes) -> _Entries:
    width, entries = len(sha) // 2, {}
    while body:
        mode, _, rest = body.partition(b" ")
        name, _, rest = rest.partition(b"\0")
        entries[name] = _Entry(mode, rest[:width].hex())
        body = rest[width:]
    return entries


def _render(entries: _Entries) -> bytes:
    """As git orders them: a folder as if its name ended in a slash."""
    order = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1].mode == _FOLDER else b""))
    return b"".join(entry.mode + b" " + name + b"\0" + bytes.fromhex(entry.sha) for name, entry in order)


def _put(nested: dict[bytes, object], path: str, content: bytes) -> None:
    if not _is_sound(path):
        raise UserError(f"{path[:200]!r} is no path of a file in a repository. Correct it in the policy.")
    *folders, name = path.encode().split(b"/")
    for folder in folders:
        below = nested.setdefault(folder, {})
        if not isinstance(below, dict):
            raise UserError(f"{path!r} lies in what is to be a file. Correct the paths in the policy.")
        nested = below
    if isinstance(nested.get(name), dict):
        raise UserError(f"{path!r} is to be a file and a folder. Correct the paths in the policy.")
    nested[name] = content


def _is_sound(path: str) -> bool:
    """Whether git on any system would take it: no way out, and no `.git` under whatever spelling."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    parts = path.split("/")
    bad = any(part in ("", ".", "..") or _is_gits_own(part) for part in parts)
    return len(path) <= 1000 and not bad and path.isprintable()


def _is_gits_own(part: str) -> bool:
    plain = part.lower().rstrip(". ").partition(":")[0]
    return plain in (".git", "git~1")


def _encoded(path: str, text: str) -> bytes:
    content = text.encode(errors="replace")
    if len(content) > LONGEST:
        raise UserError(f"{path} would have {len(content)} bytes, and I write at most {LONGEST}. Shorten it.")
    return content


def _as_text(content: bytes) -> str | None:
    if len(content) > LONGEST or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
