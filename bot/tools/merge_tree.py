"""Many three-way merges in one `git merge-tree --stdin` process, and reading what it says.

It never resolves a conflict: no strategy option, no driver, no marker ever leaves this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.core.picks import ConflictPath
from bot.tools.git import Git, GitFault

_WORTH_A_PROCESS = 16
"""Merges that take longer together than starting a process does."""

_TYPE = re.compile(r"CONFLICT ?\((.+)\)")  # git writes some kinds without the space


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that git made: `conflicts` is empty exactly when it is clean."""

    tree: str
    conflicts: tuple[ConflictPath, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A merge that git could not even try, in its own words (an object is missing, say)."""

    reason: str


def merge_all(git: Git, pairs: Sequence[tuple[str, str]]) -> list[Merged | Failed]:
    """Merge each pair of commits (ours, theirs), in order: one process, or one a core when there are many."""
    share = max(_WORTH_A_PROCESS, -(-len(pairs) // (os.cpu_count() or 1)))
    shares = [pairs[i : i + share] for i in range(0, len(pairs), share)]
    if len(shares) <= 1:
        return _merge(git, pairs)
    with ThreadPoolExecutor(len(shares)) as pool:
        return [result for results in pool.map(lambda share: _merge(git, share), shares) for result in results]


def _merge(git: Git, pairs: Sequence[tuple[str, str]]) -> list[Merged | Failed]:
    """Merge in one process.

    git 2.39 answers at the end of its input and stops at the first merge that it cannot try. The rest is then fed
    to another process, so one bad pair costs one process and nothing else. A tree that it cannot read it takes for an
    empty one and goes on: which of the pairs that was, halving finds out.
    """
    results: list[Merged | Failed] = []
    while len(results) < len(pairs):
        rest = pairs[len(results) :]
        feed = "".join(f"{ours} {theirs}\n" for ours, theirs in rest)
        done = git.attempt("merge-tree", "--write-tree", "--stdin", stdin=feed.encode("ascii"))
        if done.status < 0:  # killed, for want of memory say: what it has written may end anywhere
            raise GitFault(["merge-tree"], done.status, done.err, passing=True)
        damaged = b"Could not read" in done.err
        if damaged and len(rest) > 1:
            half = len(rest) // 2
            return results + _merge(git, rest[:half]) + _merge(git, rest[half:])
        answers = [] if damaged else list(_records(done.out, rest))
        results += answers
        if done.status != 0 or not answers:
            said = done.err.decode(errors="replace").strip() or f"git merge-tree exited with {done.status}"
            results.append(Failed(said))
    return results


def _records(output: bytes, pairs: Sequence[tuple[str, str]]) -> Iterator[Merged | Failed]:
    """Read the `-z` form of git-merge-tree(1), “OUTPUT”, one record per merge.

    A record is `1 NUL tree NUL NUL`, or for a conflict `0 NUL tree NUL`, the unmerged entries, NUL, the messages, NUL.
    After a submodule conflict git 2.39 prints advice in free text before the last NUL; it is read past.
    """
    fields = iter(output.decode(errors="surrogateescape").split("\0"))
    for pair, status in zip(pairs, fields, strict=False):
        if status not in ("0", "1"):
            return
        tree = next(fields)
        entries = [entry.split("\t", 1)[1] for entry in _until_empty(fields)]
        if status == "1":
            yield Merged(tree, ())
            continue
        kinds = _kinds(fields)
        conflicts: dict[str, str] = {}
        for path in entries or kinds:  # a folder that one side has split leaves nothing unmerged, only a message
            conflicts.setdefault(_own_name(path, pair), kinds.get(path, "contents"))
        named = tuple(ConflictPath(path, kind) for path, kind in conflicts.items())
        yield Merged(tree, named) if named else Failed("git met a conflict and did not say where")


def _own_name(path: str, pair: tuple[str, str]) -> str:
    """The path as its authors know it: where two things want one name, git adds `~` and the commit it came from."""
    return re.sub(rf"~(?:{'|'.join(pair)})(?:_\d+)?$", "", path)


def _until_empty(fields: Iterator[str]) -> Iterator[str]:
    for field in fields:
        if not field:
            return
        yield field


def _kinds(fields: Iterator[str]) -> dict[str, str]:
    """The kind of conflict of each path that a conflict message names; the first message about a path counts."""
    kinds: dict[str, str] = {}
    for count in fields:
        if not count.isdigit():
            break  # the empty field that ends a record, or the advice
        paths = [next(fields) for _ in range(int(count))]
        conflict = _TYPE.match(next(fields))
        next(fields)  # the sentence for people
        if conflict:
            for path in paths:
                kinds.setdefault(path, conflict[1])
    return kinds
