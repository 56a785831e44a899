"""Reading git objects through one long-lived process, and writing loose ones without any.

It never interprets content and never writes anywhere but into the object folder it is given.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Self

from bot.core.errors import Fault
from bot.tools.git import Complaints, Git, GitFault, kill, stop
from bot.tools.time_limit import time_limit

if TYPE_CHECKING:
    from bot.core.revisions import Commit

_AT_ONCE = 32_000
"""Bytes of requests sent before their answers are read: they must fit a pipe (64 kB), or both sides would wait."""

_STRAY = re.compile("[\udc80-\udcff]")
NOT_IN_A_NAME = re.compile("[\0\n\ud800-\udc7f\udd00-\udfff]")
"""A name with a line break would be read as two requests; the rest of them no file can hold."""

_REMEMBERED = 50_000
"""Commits kept in memory per reader, some 500 bytes each."""


@dataclass(frozen=True, slots=True)
class RawCommit:
    """A commit with what a pick must keep of it, in UTF-8."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: bytes
    """The whole line: name, address, seconds, offset."""
    committed_at: int
    message: bytes

    @property
    def authored_at(self) -> int:
        """Seconds since the epoch."""
        return _seconds(self.author)

    def plain(self) -> Commit:
        """The same commit in the core's words."""
        from bot.core.revisions import Commit

        who = self.author.rsplit(b" ", 2)[0]
        text = self.message.decode(errors="replace")
        author, dates = who.decode(errors="replace"), (self.authored_at, self.committed_at)
        return Commit(self.sha, self.parents, self.tree, author, dates[0], text, dates[1])


def parse_commit(sha: str, body: bytes) -> RawCommit:
    """Read a commit object. Raises `Fault` when it is not one."""
    head, _, message = body.partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    parents = []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(value.decode("ascii"))
        elif key and key not in fields:
            fields[key] = value
    try:
        author, committer, tree = fields[b"author"], fields[b"committer"], fields[b"tree"].decode("ascii")
    except (KeyError, UnicodeDecodeError):
        raise Fault(f"commit {sha} has no proper author, committer and tree: the repository is damaged") from None
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    return RawCommit(
        sha, tree, tuple(parents), _to_utf8(author, encoding), _seconds(committer), _to_utf8(message, encoding),
    )  # fmt: skip


def _to_utf8(text: bytes, encoding: str) -> bytes:
    """As git does it for a new commit: from the encoding that the old one names, and stray bytes as Latin-1."""
    if encoding.lower() not in ("utf-8", "utf8"):
        with suppress(LookupError, ValueError):
            converted = text.decode(encoding)
            if converted.count("\n") == text.count(b"\n"):  # an encoding that makes line breaks could add headers
                return converted.encode()
    return _STRAY.sub(lambda byte: chr(ord(byte[0]) - 0xDC00), text.decode(errors="surrogateescape")).encode()


def _seconds(identity: bytes) -> int:
    found = re.search(rb"> (-?\d+)(?: [+-]\d+)?$", identity)
    return int(found[1]) if found else 0


class ObjectReader:
    """Answers questions about objects from one `git cat-file` process. Safe to share between threads."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._start()
        self._known: dict[str, RawCommit] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        stop(self._process)

    def commits(self, names: Sequence[str]) -> list[RawCommit | None]:
        """The commits that revisions (ids, or any expression git knows) name; None where there is none."""
        known = self._known
        if len(known) > _REMEMBERED:
            known = self._known = {}  # not emptied: another thread may be reading it
        fresh = [name for name in dict.fromkeys(names) if name not in known]
        found: dict[str, RawCommit] = {}
        for name, answer in zip(fresh, self.contents([f"{name}^{{commit}}" for name in fresh]), strict=True):
            if answer is not None:
                found[name] = known[answer[0]] = parse_commit(*answer)
        return [found.get(name) or known.get(name) for name in names]

    def contents(self, names: Sequence[str]) -> list[tuple[str, bytes] | None]:
        """Id and content of each object; None for one that does not exist or a name that is ambiguous."""
        answers: list[tuple[str, bytes] | None] = []
        batch: list[bytes] = []
        size = 0
        with self._lock:
            for name in names:
                request = b"contents " + NOT_IN_A_NAME.sub("?", name).encode(errors="surrogateescape")
                if batch and size + len(request) > _AT_ONCE:
                    answers += self._ask(batch)
                    batch, size = [], 0
                batch.append(request)
                size += len(request) + 1
            return answers + (self._ask(batch) if batch else [])

    def _start(self) -> None:
        self._process = self._git.start("cat-file", "--batch-command", "--buffer")
        self._complaints = Complaints(self._process)

    def _ask(self, requests: Sequence[bytes]) -> list[tuple[str, bytes] | None]:
        sender, receiver = self._process.stdin, self._process.stdout
        assert sender and receiver
        expired = threading.Event()

        def end() -> None:
            expired.set()
            kill(self._process)

        try:
            with time_limit(self._git.deadline, end):
                sender.write(b"\n".join(requests) + b"\nflush\n")
                sender.flush()
                return [_read_answer(receiver) for _ in requests]
        except (OSError, ValueError, EOFError):
            stop(self._process)
            command, status, said = ["cat-file", "--batch-command"], self._process.returncode, self._complaints.text()
            self._start()  # the next question shall not meet a dead process
            if expired.is_set():
                raise GitFault.late(command, self._git.deadline) from None
            raise GitFault(command, status, said) from None


def _read_answer(stream: IO[bytes]) -> tuple[str, bytes] | None:
    line = stream.readline()
    if not line:
        raise EOFError
    match line.split():
        case [name, b"commit" | b"tree" | b"blob" | b"tag", size] if size.isdigit():
            body = stream.read(int(size) + 1)
            return name.decode("ascii"), body[:-1]
        case _:  # `… missing`, `… ambiguous`
            return None


Kind = Literal["commit", "tree", "blob", "tag"]


class LooseStore:
    """Writes loose objects into an object folder that belongs to the bot alone."""

    def __init__(self, directory: Path, algorithm: Literal["sha1", "sha256"] = "sha1") -> None:
        self._directory = directory
        self._hash = hashlib.sha1 if algorithm == "sha1" else hashlib.sha256

    def name(self, kind: Kind, body: bytes) -> str:
        """The id that the object has, written or not."""
        return self._hash(b"%s %d\0%s" % (kind.encode(), len(body), body)).hexdigest()

    def path(self, name: str) -> Path:
        """Where the object is, if it has been written here."""
        return self._directory / name[:2] / name[2:]

    def write(self, kind: Kind, body: bytes) -> str:
        """Write an object (again is harmless) and return its id."""
        name = self.name(kind, body)
        path = f"{self._directory}/{name[:2]}/{name[2:]}"
        if os.path.exists(path):  # noqa: PTH110 - this runs several times per pick, and Path costs more than the call
            return name
        part = f"{path}.{os.getpid()}.{threading.get_ident()}"
        try:
            file = open(part, "wb")  # noqa: PTH123, SIM115
        except FileNotFoundError:
            (self._directory / name[:2]).mkdir(parents=True, exist_ok=True)
            file = open(part, "wb")  # noqa: PTH123, SIM115
        with file:
            file.write(zlib.compress(b"%s %d\0%s" % (kind.encode(), len(body), body), 1))
        os.replace(part, path)  # noqa: PTH105 - whole or not at all: another thread may look for the same object
        return name
