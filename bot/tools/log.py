"""Reads history for the changelog: one `git log`, streamed, and one `git for-each-ref` for the tags.

It must never keep what it has handed over: a hundred thousand commits pass through in pieces of a few hundred kB.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from bot.core.changelog.tags import DatedTag
from bot.core.revisions import Logged, Tag
from bot.tools.git import Complaints, Git, GitFault, kill, stop
from bot.tools.time_limit import time_limit

_FORMAT = "--format=%H%n%P%n%T%n%an <%ae>%n%at%n%ct%n%B"
_LOG = ("log", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--stdin")
_TAGS = "%(refname:strip=2)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00%(creatordate:unix)"
_PIECE = 256 * 1024
"""Bytes that are read at once; a record may be longer."""
_PIPE = 4 * _PIECE
"""Bytes that git may be ahead of us. A pipe holds 64 kB otherwise, and git would wait while we read what it said."""

_LONGEST_MESSAGE = 128 * 1024
"""Characters: what a hostile commit says beyond is not for a changelog."""


def read_commits(git: Git, include: Sequence[str], exclude: Sequence[str] = ()) -> Iterator[Logged]:
    """The commits that can be reached from some and not from others, newest first. All of them are full object ids.

    Raises `GitFault` when git does not come to its end.
    """
    if not include:
        return
    revisions = "".join(f"{sha}\n" for sha in (*include, *(f"^{sha}" for sha in exclude)))
    with _stream(git, (*_LOG, _FORMAT), revisions.encode("ascii")) as out:
        for record in _records(out):
            sha, parents, tree, author, authored_at, committed_at, message = record.split("\n", 6)
            yield Logged(
                sha, tuple(parents.split()), tree, author, int(authored_at or 0), message[:_LONGEST_MESSAGE],
                int(committed_at or 0),
            )  # fmt: skip


def commits_touching(
    git: Git, include: Sequence[str], exclude: Sequence[str], paths: Sequence[str], ignored: Sequence[str],
) -> frozenset[str]:  # fmt: skip
    """Which commits of such a range change files that fit `paths` (all where there are none) and not `ignored`.

    The patterns are git's globs: `**` reaches into folders. Merges are not looked into.
    """
    revisions = "".join(f"{sha}\n" for sha in (*include, *(f"^{sha}" for sha in exclude)))
    specs = [f":(top,glob){path}" for path in paths or ("**",)]
    specs += [f":(top,glob,exclude){path}" for path in ignored]
    stdin = f"{revisions}--\n{''.join(f'{spec}{chr(10)}' for spec in specs)}".encode()
    listed = git.run("rev-list", "--no-merges", "--full-history", "--stdin", stdin=stdin)
    return frozenset(listed.decode("ascii").split())


def authors_before(git: Git, sha: str) -> frozenset[str]:
    """The names of everybody who has written a commit that can be reached from this one, as `.mailmap` has them.

    It looks at all of history: about a second for a hundred thousand commits.
    """
    listed = git.run("log", "--no-show-signature", "--encoding=UTF-8", "--format=%aN", "--end-of-options", sha)
    return frozenset(listed.decode(errors="replace").splitlines())


def read_tags(git: Git) -> tuple[DatedTag, ...]:
    """Every tag that names a commit, in the order of their names."""
    found = []
    for line in git.run("for-each-ref", f"--format={_TAGS}", "refs/tags").decode(errors="replace").splitlines():
        name, kind, sha, inner_kind, inner, at = line.split("\0")
        annotated = kind == "tag"
        if annotated and inner_kind == "tag":  # a tag of a tag: rare, and git 2.39 peels one layer
            done = git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{sha}^{{commit}}")
            inner_kind, inner = ("commit", done.out.decode("ascii").strip()) if done.status == 0 else ("", "")
        commit = inner if annotated else sha
        if (inner_kind if annotated else kind) == "commit":
            found.append(DatedTag(Tag(name, commit), int(at or 0), annotated))
    return tuple(found)


def _records(out: IO[bytes]) -> Iterator[str]:
    """What stands between NUL bytes. Decoded in large pieces: a call for each record would cost more than git does."""
    rest = b""
    while piece := out.read(_PIECE):
        whole, found, rest_of_piece = piece.rpartition(b"\0")
        if not found:
            rest += piece
            continue
        yield from (rest + whole).decode(errors="replace").split("\0")
        rest = rest_of_piece
    if rest:
        yield rest.decode(errors="replace")


@contextmanager
def _stream(git: Git, arguments: Sequence[str], stdin: bytes) -> Iterator[IO[bytes]]:
    """The output of one process while it is made. Leaving the block early ends it; at its end the status is checked."""
    process = git.start(*arguments)
    assert process.stdin and process.stdout
    with suppress(OSError):  # a system may allow less
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
    complaints = Complaints(process)
    limit = time.monotonic() + git.deadline
    try:
        with suppress(OSError):  # one that died at once says why on its error stream
            process.stdin.write(stdin)  # revisions only, which git reads to their end before it answers
            process.stdin.close()
        with time_limit(git.deadline, lambda: kill(process)):
            yield process.stdout
        if process.wait() != 0:
            if time.monotonic() >= limit:
                raise GitFault.late(arguments, git.deadline)
            raise GitFault(arguments, process.returncode, complaints.text())
    finally:
        stop(process)
