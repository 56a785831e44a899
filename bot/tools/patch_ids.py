"""The cache of what identifies commits, patch-ids above all: filled once, then only with what is new.

It never judges; `core.duplicates` does. Losing the file costs the time to fill it again and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bot.core.duplicates import BranchIndex, Traits
from bot.core.errors import Fault, UserError
from bot.tools.git import Git, GitFault
from bot.tools.objects import ObjectReader

T = TypeVar("T")

DIFF = ("-p", "-r", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
"""A diff that depends on nothing but the two trees, where the git directory has no attributes of a checkout.

Full ids make the patch-ids of binary files stable.
"""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS commits (
    sha TEXT PRIMARY KEY, author TEXT NOT NULL, committed_at INTEGER NOT NULL, message TEXT NOT NULL,
    patch_id TEXT, is_merge INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS branches (name TEXT PRIMARY KEY, fork TEXT NOT NULL, tip TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
    name TEXT NOT NULL, position INTEGER NOT NULL, sha TEXT NOT NULL, PRIMARY KEY (name, position)
) WITHOUT ROWID;
"""
_VERSION = 3
_KEPT_OF_A_MESSAGE = 32_768  # characters at each end: a squash of as much as a forge lets people write is kept whole
_REMEMBERED = 1_000  # answers to “is this tip a follower of that one?”
_FORMAT = "--format=%H%n%P%n%an <%ae> %ad%n%ct%n%B"

_WORTH_A_PROCESS = 500
"""Commits whose diffs take longer together than starting two processes does."""

_NOTHING = ""  # the fork of a line that shares no commit with the main branch


class PatchIds:
    """The traits of the commits of a repository's branches. Safe to share between threads."""

    def __init__(self, path: Path, git: Git) -> None:
        """`path` is the cache's file, made when missing; one that cannot be read is thrown away and made again."""
        self._git = git
        self._path = path
        self._lock = threading.RLock()
        self._database = _open(path)
        self._closed = False
        self._branches: dict[tuple[str, str], tuple[str, BranchIndex]] = {}
        self._ancestry: dict[tuple[str, str], bool] = {}

    def close(self) -> None:
        """Close the cache's file; whoever still asks gets a `Fault` that passes."""
        with self._lock:
            self._closed = True
            self._database.close()

    def line(self, name: str, tip: str, main: str) -> tuple[BranchIndex, str]:
        """The commits of a line since it left the main branch, and the commit where it did.

        Against a full cache this starts no process; after ten new commits it reads ten commits.
        """


        def ask() -> tuple[BranchIndex, str]:
            known_fork, known_tip = self._stored(name) or (_NOTHING, "")
            fork = known_fork
            if known_tip != tip:  # a line may be fast-forwarded with the main branch, and so leave it later than before
                since = known_fork if self._follows(known_tip, tip) else _NOTHING
                fork = fork_of(self._git, tip, main, since) or _NOTHING
            return self.index(name, tip, fork), fork

        return self._mending(ask)

    def index(self, name: str, tip: str, fork: str, *, with_patches: bool = True) -> BranchIndex:
        """All commits that `tip` has and `fork` has not, merges left out, as an index that grows with the branch."""
        return self._mending(lambda: self._index(name, tip, fork, with_patches=with_patches))

    def traits(self, commits: Sequence[str]) -> list[Traits]:
        """Traits of single commits with their patch-ids; two processes for those that are not known yet."""
        return self._mending(lambda: self._traits_of(commits))

    def combined(self, before: str, after: str) -> str | None:
        """The patch-id of everything between two commits, as a squash would have it."""
        with self._git.piped(["diff-tree", *DIFF, before, after], ["patch-id", "--verbatim"]) as ids:
            return ids.read().decode("ascii").split(" ")[0] or None

    def follow(self, line: BranchIndex, main: BranchIndex, store: Git) -> None:
        """Let a line know what the commits that its trailers name were picked from, when they are of a third branch.

        `store` must not fetch: people also name commits that nobody has any more.
        """
        with self._lock:
            while names := [name for name in line.ask_for() if name not in main.commits]:
                with ObjectReader(store) as reader:
                    found = [commit.plain() for commit in reader.commits(names) if commit]
                line.learn(Traits.read(c.sha, "", c.authored_at, c.message) for c in found)

    def _traits_of(self, commits: Sequence[str]) -> list[Traits]:
        if missing := self._without_patch_id(commits):
            self._fill(self._without_message(missing), missing)
        known = self._read(commits)
        return [known[sha] for sha in commits if sha in known]

    def _index(self, name: str, tip: str, fork: str, *, with_patches: bool = True) -> BranchIndex:
        key = name if with_patches else f"{name} (no patches)"
        known_tip, index = self._branches.get((key, fork), ("", None))
        if index is None or not self._follows(known_tip, tip):
            index, known_tip = self._load(key, fork, tip)
        if known_tip != tip:
            index.add(self._extend(key, fork, (known_tip, tip), with_patches=with_patches))
        self._branches[key, fork] = (tip, index)
        return index

    def _mending(self, work: Callable[[], T]) -> T:
        """Do some work with the file; one that turns out to be damaged is made again."""
        with self._lock:
            if self._closed:
                raise Fault(f"the cache {self._path} was closed meanwhile", passing=True)
            try:
                return work()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                    raise Fault(f"the cache {self._path} is in use for too long: {error}", passing=True) from error
            self._database.close()
            self._database = _anew(self._path)
            self._branches.clear()
            return work()

    # ── filling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _follows(self, old: str, new: str) -> bool:
        if old in ("", new):
            return old == new
        if (old, new) not in self._ancestry:
            if len(self._ancestry) > _REMEMBERED:
                self._ancestry.clear()
            done = self._git.attempt("merge-base", "--is-ancestor", old, new)  # fails also where the old one is gone
            self._ancestry[old, new] = done.status == 0
        return self._ancestry[old, new]

    def _load(self, key: str, fork: str, tip: str) -> tuple[BranchIndex, str]:
        """What the file holds of a branch, unless the branch was rewritten since."""
        index = BranchIndex()
        row = self._stored(key)
        if row is None or row[0] != fork or not self._follows(row[1], tip):
            with self._database:
                self._database.execute("DELETE FROM members WHERE name = ?", (key,))
                self._database.execute("DELETE FROM branches WHERE name = ?", (key,))
            return index, ""
        rows = self._database.execute(
            "SELECT c.sha, author, committed_at, message, patch_id FROM members m JOIN commits c ON c.sha = m.sha"
            " WHERE name = ? ORDER BY position", (key,),
        )  # fmt: skip
        index.add(_traits(row) for row in rows)
        return index, row[1]

    def _stored(self, key: str) -> tuple[str, str] | None:
        """Fork and tip of a branch as the file has them."""
        row: tuple[str, str] | None = self._database.execute(
            "SELECT fork, tip FROM branches WHERE name = ?", (key,)
        ).fetchone()
        return row

    def _extend(self, key: str, fork: str, span: tuple[str, str], *, with_patches: bool) -> list[Traits]:
        known, new = span
        old = known or fork
        revisions = [new] if old == _NOTHING else [new, f"^{old}"]
        listed = self._git.run("rev-list", "--reverse", "--topo-order", "--no-merges", *revisions)
        shas = listed.decode("ascii").split()
        self._fill(self._without_message(shas), self._without_patch_id(shas) if with_patches else [])
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if (self._stored(key) or ("", ""))[1] == known:  # otherwise another process was quicker, and its rows stand
                start = self._database.execute("SELECT count(*) FROM members WHERE name = ?", (key,)).fetchone()[0]
                rows = ((key, start + i, sha) for i, sha in enumerate(shas))
                self._database.executemany("INSERT INTO members VALUES (?, ?, ?)", rows)
                self._database.execute("INSERT OR REPLACE INTO branches VALUES (?, ?, ?)", (key, fork, new))
        found = self._read(shas)
        return [found[sha] for sha in shas if sha in found]

    def _fill(self, unknown: Sequence[str], without_patch_id: Sequence[str]) -> None:
        """The diffs take longest: they begin first, on every core, and the messages are read meanwhile."""
        size = max(_WORTH_A_PROCESS, -(-len(without_patch_id) // (os.cpu_count() or 1)))
        shares = [without_patch_id[i : i + size] for i in range(0, len(without_patch_id), size)]
        with ThreadPoolExecutor(max(1, len(shares))) as pool:
            begun = [pool.submit(self._patch_ids, share) for share in shares]
            if unknown:
                self._store_messages(unknown)
            for share, ids in zip(shares, begun, strict=True):
                self._store_patch_ids(share, ids.result())

    def _store_messages(self, shas: Sequence[str]) -> None:
        how = ("-z", "--date=raw", "--no-show-signature", "--encoding=UTF-8", _FORMAT, "--no-walk=unsorted", "--stdin")
        told = self._git.run("log", *how, stdin=_lines(shas))
        with self._database:
            self._database.executemany(
                "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, NULL, ?)", map(_row, told.split(b"\0")[:-1]),
            )  # fmt: skip

    def _store_patch_ids(self, shas: Sequence[str], begun: tuple[list[tuple[str, str]], bool]) -> None:
        """`git diff-tree | git patch-id`. Empty commits and merges have no id: remembered is the empty text."""
        rest = list(shas)
        found, whole = begun
        while rest:
            done = len(rest)
            if not whole:
                # git stopped at a commit with a file that is not here, and the last id may be of half its diff
                done = rest.index(found[-1][1]) if found else 0
                found = found[:-1]
            if done == 0:
                alone, whole = self._patch_ids(rest[:1])
                found, done = alone if whole else [], 1
            none = [("", sha) for sha in set(rest[:done]) - {sha for _, sha in found}]
            with self._database:
                self._database.executemany("UPDATE commits SET patch_id = ? WHERE sha = ?", [*found, *none])
            rest = rest[done:]
            found, whole = self._patch_ids(rest) if rest else ([], True)

    def _patch_ids(self, shas: Sequence[str]) -> tuple[list[tuple[str, str]], bool]:
        """Pairs of patch-id and commit, and whether git got to the end of the list."""
        found: list[tuple[str, str]] = []
        diff = ["diff-tree", "--stdin", "--root", *DIFF]
        try:
            with self._git.piped(diff, ["patch-id", "--verbatim"], stdin=_lines(shas)) as lines:
                for line in lines:
                    patch, sha = line.decode("ascii").split()
                    found.append((patch, sha))
        except GitFault as fault:
            if fault.passing or "unable to read" not in fault.stderr:
                raise
            return found, False
        return found, True

    def _read(self, shas: Sequence[str]) -> dict[str, Traits]:
        """Traits of the commits that are in the file."""
        columns = "sha, author, committed_at, message, patch_id"
        return {str(row[0]): _traits(row) for row in self._select(f"SELECT {columns} FROM commits", shas)}  # noqa: S608

    def _without_message(self, shas: Sequence[str]) -> list[str]:
        """Those of the commits that the file does not know at all."""
        known = {row[0] for row in self._select("SELECT sha FROM commits", shas)}
        return [sha for sha in shas if sha not in known]

    def _without_patch_id(self, shas: Sequence[str]) -> list[str]:
        """Those of the commits for which the file does not even know that they have none."""
        known = {row[0] for row in self._select("SELECT sha FROM commits", shas, " AND patch_id IS NOT NULL")}
        return [sha for sha in shas if sha not in known]

    def _select(self, query: str, shas: Sequence[str], condition: str = "") -> Iterator[tuple[object, ...]]:
        for start in range(0, len(shas), 500):
            some = shas[start : start + 500]
            marks = ",".join("?" * len(some))
            yield from self._database.execute(f"{query} WHERE sha IN ({marks}){condition}", list(some))


def fork_of(git: Git, line: str, main: str, since: str = "") -> str | None:
    """Where a line left the main branch: the newest commit that both have on their first-parent chains.

    A plain merge base would move up to the line's tip in projects that merge their release branches back to main.
    `since` is a commit that both are known to have; nothing below it is read.
    """
    limit = [f"^{since}"] if since else []
    chain = set(git.run("rev-list", "--first-parent", main, *limit).decode("ascii").split())
    own = git.run("rev-list", "--first-parent", line, *limit).decode("ascii").split()
    return next((sha for sha in own if sha in chain), since or None)


def _lines(shas: Sequence[str]) -> bytes:
    """As git reads them from standard input: `diff-tree` passes over a last one without a line break."""
    return "".join(f"{sha}\n" for sha in shas).encode("ascii")


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _prepare(path)
    except sqlite3.DatabaseError:
        return _anew(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _anew(path: Path) -> sqlite3.Connection:
    try:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        return _prepare(path)
    except (OSError, sqlite3.DatabaseError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> UserError:
    return UserError(f"I could not write my notes about commits to {path}: {error}. Name a folder that I may write to.")


def _prepare(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, timeout=30)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")  # a cache: a power cut may cost it, never a wrong answer
    if database.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
        raise sqlite3.DatabaseError("made by another version")
    database.executescript(_SCHEMA)
    database.execute(f"PRAGMA user_version = {_VERSION}")
    return database


def _row(record: bytes) -> tuple[str, str, int, str, int]:
    sha, parents, author, committed_at, message = record.decode(errors="replace").split("\n", 4)
    if len(message) > 2 * _KEPT_OF_A_MESSAGE:
        message = f"{message[:_KEPT_OF_A_MESSAGE]}\n{message[-_KEPT_OF_A_MESSAGE:]}"
    return sha, author, int(committed_at), message, int(" " in parents)


def _traits(row: Sequence[object]) -> Traits:
    sha, author, committed_at, message, patch_id = row
    traits = Traits.read(str(sha), str(author), int(str(committed_at)), str(message))
    return replace(traits, patch_id=str(patch_id) if patch_id else None)
