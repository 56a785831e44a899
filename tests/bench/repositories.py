"""Generates the repositories that are measured: a line and a main branch with as many files and commits as asked for.

It must never depend on chance: the same size gives the same repository.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

_LINES_A_FILE = 120
_MAINS, _LINES = range(80), range(90, 120)
"""Rows that each branch edits, so that most picks are clean."""
_CONTESTED = 20
"""Files, the first ones, in which main edits the line's rows now and then, and the line always."""
_EPOCH = 1_700_000_000
_WORDS = ("tensor", "kernel", "stream", "graph", "device", "buffer", "layout", "cache", "shape", "index")


def quiet_environment() -> dict[str, str]:
    """The environment without anything that configures git, for the bare processes that the bot is compared with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    person = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"}
    robot = {"GIT_COMMITTER_NAME": "Rob", "GIT_COMMITTER_EMAIL": "rob@example.org"}
    return {**kept, **person, **robot, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(place: Path, *arguments: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> str:
    """One bare git process. Raises when its exit status is not in `ok`."""
    done = subprocess.run(
        ["git", *arguments], cwd=place, env=quiet_environment(), input=stdin, capture_output=True, check=False
    )
    if done.returncode not in ok:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace").strip()


@dataclass(frozen=True, slots=True)
class Size:
    """How many files there are, how many commits each branch has since they parted, how many files one may touch."""

    files: int
    main: int
    line: int
    touched: int = 3


@dataclass
class _Branch:
    """A branch as the stream for `git fast-import` is written."""

    name: str
    texts: dict[str, list[str]]
    marks: list[int] = field(default_factory=list)


@dataclass
class _Writer:
    size: Size
    chance: random.Random = field(default_factory=lambda: random.Random(27))
    stream: BytesIO = field(default_factory=BytesIO)
    mark: int = 0

    def commit(self, branch: _Branch, who: str, message: str, paths: Sequence[str], start: int | None = None) -> None:
        """Append a commit of the branch with the present text of these paths."""
        self.mark += 1
        text = message.encode()
        when = f"{who} <{who.lower()}@example.org> {_EPOCH + 60 * self.mark} +0000"
        lines = [f"commit refs/heads/{branch.name}", f"mark :{self.mark}", f"author {when}", f"committer {when}"]
        self.stream.write("\n".join((*lines, f"data {len(text)}", "")).encode() + text + b"\n")
        if before := branch.marks[-1] if branch.marks else start:
            self.stream.write(f"from :{before}\n".encode())
        for path in paths:
            body = "".join(branch.texts[path]).encode()
            self.stream.write(f"M 100644 inline {path}\ndata {len(body)}\n".encode() + body + b"\n")
        branch.marks.append(self.mark)

    def edit(self, branch: _Branch, rows: range, contested: bool) -> list[str]:
        """Change a line in three places of some files."""
        many = min(self.chance.randint(1, self.size.touched), self.size.files)
        paths = self.chance.sample(sorted(branch.texts), many)
        if contested:
            paths[0] = _path(self.chance.randrange(min(_CONTESTED, self.size.files)))
        for path in dict.fromkeys(paths):
            text = list(branch.texts[path])
            for row in self.chance.sample(rows, 3):
                text[row] = f"    {self.chance.choice(_WORDS)} = {self.chance.random()}\n"
            branch.texts[path] = text
        return list(dict.fromkeys(paths))


def generate(place: Path, size: Size) -> Path:
    """A bare repository at `place` with `main` and `release/1.0`.

    Every twentieth commit of main edits what the line has edited, and conflicts. Every second commit of the line bears
    the title of one of main, as backports do.
    """
    git(place.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(place))
    writer = _Writer(size)
    texts = {_path(n): _text(n) for n in range(size.files)}
    main = _Branch("main", texts)
    writer.commit(main, "Ada", "Begin", sorted(texts))
    line, fork = _Branch("release/1.0", dict(texts)), writer.mark
    for n in range(size.main):
        contested = n % 20 == 19
        paths = writer.edit(main, _LINES if contested else _MAINS, contested)
        writer.commit(main, f"Author{n % 50}", f"Change the {_WORDS[n % 10]} of part {n} (#{n})", paths)
    for n in range(size.line):
        title = f"Change the {_WORDS[n % 10]} of part {n} (#{n})" if n % 2 else f"Keep {_WORDS[n % 10]} {n} as it is"
        writer.commit(line, f"Author{n % 50}", title, writer.edit(line, _LINES, contested=True), start=fork)
    git(place, "fast-import", "--quiet", "--force", stdin=writer.stream.getvalue() + b"done\n")
    git(place, "commit-graph", "write", "--reachable")
    return place


def extend(place: Path, commits: int) -> None:
    """Append commits to `release/1.0`."""
    tip = git(place, "rev-parse", "release/1.0")
    stream = BytesIO()
    for n in range(commits):
        start = f"from {tip}\n" if n == 0 else ""
        when = f"Ada <ada@example.org> {_EPOCH + 9_000_000 + n} +0000"
        body, title = f"extended {tip} {n}\n", f"Extend by {n}"
        stream.write(
            f"commit refs/heads/release/1.0\nauthor {when}\ncommitter {when}\ndata {len(title)}\n{title}\n{start}"
            f"M 100644 inline {_path(n)}\ndata {len(body)}\n{body}\n".encode()
        )
    git(place, "fast-import", "--quiet", stdin=stream.getvalue())


def _text(n: int) -> list[str]:
    return [f"    {_WORDS[(n + i) % 10]} = part_{n}.make({i})\n" for i in range(_LINES_A_FILE)]


def _path(n: int) -> str:
    return f"kit/{_WORDS[n % 10]}/part{n // 200}/file{n}.py"
