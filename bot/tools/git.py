"""The one place that starts a git process: clean environment, no configuration, a deadline that is kept.

It never puts a secret on a command line, never reads a user's configuration and never leaves a child running.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from bot.core.errors import Fault, UserError
from bot.tools.survivors import survivors
from bot.tools.time_limit import time_limit

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # importing GitPython shall not fail where there is no git
from git.cmd import Git as Spawner
from git.exc import GitCommandNotFound

MINIMUM = (2, 39)
"""Debian 12's git. Its `merge-tree --write-tree --stdin` is what picking stands on."""

_OURS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")),
    # these two must win over the repository's own configuration as well
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": "/dev/null",
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",  # without credentials of ours there are none: an empty answer, never a prompt
    "SSH_ASKPASS": "true",
}
_SECRET_IN_URL = re.compile(r"(?<=://)[^/\s]+@")  # up to the last @: a password may hold one
_NO_BYTES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # halves of characters, which no file name can hold

_TALKATIVE = frozenset({"fetch", "push", "ls-remote"})
"""Commands that wait for a forge, and would go on doing so when this program is gone."""

_tally: Counter[str] = Counter()
_seconds: Counter[str] = Counter()
_tally_lock = threading.Lock()


def processes_started() -> Counter[str]:
    """How many git processes this program has started so far, by subcommand."""
    with _tally_lock:
        return Counter(_tally)


def seconds_spent() -> dict[str, float]:
    """How long this program has waited for git processes that ran to their end, by subcommand."""
    with _tally_lock:
        return {name: thousandths / 1000 for name, thousandths in _seconds.items()}


class GitFault(Fault):
    """A git process that failed: its arguments, exit status and what it said."""

    def __init__(self, arguments: Sequence[str], status: int, stderr: bytes, *, passing: bool = False) -> None:
        self.status = status
        self.stderr = _SECRET_IN_URL.sub("", stderr.decode(errors="replace")).strip()
        shown = _SECRET_IN_URL.sub("", " ".join(arguments))
        said = self.stderr[:2000] or "no message"
        super().__init__(f"`git {shown[:300]}` exited with {status}: {said}", passing=passing)

    @classmethod
    def late(cls, arguments: Sequence[str], deadline: float) -> Self:
        """A process that had to be ended; the next try may find the machine less busy."""
        return cls(arguments, -1, f"no answer within {deadline:g} s".encode(), passing=True)


class Complaints:
    """What a process writes to its error stream, read at once: a process that nobody hears would block."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._last: deque[bytes] = deque(maxlen=50)
        self._listener = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
        self._listener.start()

    def text(self) -> bytes:
        """The last of it; all of that when the process has ended."""
        self._listener.join(1)
        return b"".join(self._last)

    def _listen(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # closed from outside, by `stop`
            self._last.extend(iter(lambda: stream.readline(4096), b""))


@dataclass(frozen=True, slots=True)
class Done:
    """A process that has ended."""

    status: int
    out: bytes
    err: bytes


class Git:
    """Runs git on one git directory. Safe to share between threads."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None, deadline: float = 120.0) -> None:
        """`deadline` is in seconds and applies to each process.

        `environment` is added to the clean one whenever a process starts, so that a renewed token in it is used.
        """
        self.directory = directory
        self.deadline = deadline
        self._environment = environment or {}
        self._spawner = Spawner(str(directory))

    def run(self, *arguments: str, stdin: bytes = b"", ok: Sequence[int] = (0,)) -> bytes:
        """Run one command to its end and return what it printed.

        Raises `GitFault` on an exit status that is not in `ok`, or when the deadline passes (then `passing`).
        """
        done = self.attempt(*arguments, stdin=stdin)
        if done.status not in ok:
            raise GitFault(arguments, done.status, done.err)
        return done.out

    def attempt(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run one command to its end, whatever its exit status. Raises only when the deadline passes."""
        began = time.monotonic()
        process = self.start(*arguments)
        try:
            out, err = _finish(process, stdin, self.deadline, arguments)
        finally:
            _count_time(arguments[0], began)
        return Done(process.returncode, out, err)

    @contextmanager
    def piped(self, first: Sequence[str], second: Sequence[str], *, stdin: bytes = b"") -> Iterator[IO[bytes]]:
        """Run `git first | git second` and hand over the output of the second while it is made.

        Leaving the block checks both exit statuses: a pipe whose first half died would otherwise look complete.
        """
        began = time.monotonic()
        source = self.start(*first)
        sink = self.start(*second, stdin=source.stdout)
        assert source.stdin and source.stdout and sink.stdout
        source.stdout.close()  # so that the source notices when the sink goes away
        feeder = threading.Thread(target=_feed, args=(source.stdin, stdin), daemon=True)
        halves = [(sink, second, Complaints(sink)), (source, first, Complaints(source))]
        expired = threading.Event()

        def end() -> None:
            expired.set()
            kill(source, sink)

        try:
            feeder.start()
            with time_limit(self.deadline, end):
                yield sink.stdout
                sink.stdout.read()
            if expired.is_set():
                raise GitFault.late(first, self.deadline)
            for process, arguments, complaints in halves:  # a source whose sink has died complains of nothing but that
                if process.wait(self.deadline) != 0:
                    raise GitFault(arguments, process.returncode, complaints.text())
        finally:
            kill(source, sink)
            _reap(source)
            _reap(sink)
            _count_time(second[0], began)

    def start(self, *arguments: str, stdin: IO[bytes] | int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own; the caller ends it (`stop` does)."""
        command = [*_unset_hostile({**_OURS, **self._environment}), "git", f"--git-dir={self.directory}", *arguments]
        try:
            started = self._spawner.execute(
                command, istream=stdin, as_process=True, env={**_OURS, **self._environment}, start_new_session=True,
            )  # fmt: skip
        except GitCommandNotFound as error:
            raise UserError("I could not start git: there is no `git` on PATH. Install git 2.39 or newer.") from error
        with _tally_lock:
            _tally[arguments[0]] += 1
        process: subprocess.Popen[bytes] = started.proc
        started.proc = None  # GitPython's wrapper would wait for it on its own terms
        if arguments[0] in _TALKATIVE:
            survivors.mind(process.pid)
        return process


def _count_time(command: str, began: float) -> None:
    with _tally_lock:
        _seconds[command] += round((time.monotonic() - began) * 1000)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process made by `Git.start` together with everything it has started."""
    kill(process)
    _reap(process)


def kill(*processes: subprocess.Popen[bytes]) -> None:
    """Only the killing part of `stop`, which neither waits nor raises."""
    for process in processes:
        if process.poll() is None:
            _kill_session(process)


def version() -> tuple[int, ...]:
    """The version of the git that is used, as numbers. Raises `UserError` when it is older than `MINIMUM`."""
    text = Git(Path(os.devnull)).run("version").decode()
    found = re.search(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text)
    numbers = tuple(int(n) for n in found.groups(default="0")) if found else (0,)
    if numbers[:2] < MINIMUM:
        raise UserError(f"I need git 2.39 or newer and found “{text.strip()}”. Install a newer git.")
    return numbers


def check_branch(name: str) -> str:
    """Return a branch name that is safe in a refspec; raise `UserError` for one that git would refuse.

    The rules are those of `git check-ref-format --branch`. Names are used in full refspecs after `--end-of-options`
    in any case.
    """
    bad = (
        not name or name == "HEAD" or name.startswith(("/", "-")) or name.endswith(("/", "."))
        or "@{" in name or ".." in name or "//" in name
        or any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))
        or any(ord(c) < 33 or ord(c) == 127 or c in "~^:?*[\\" for c in name)
        or _NO_BYTES.search(name) is not None
    )  # fmt: skip
    if bad:
        raise UserError(f"{name[:120]!r} is not a branch name that git accepts. Rename it or correct the policy.")
    return name


def is_object_id(text: str) -> bool:
    """Whether the text is a full object id (SHA-1 or SHA-256, lower case)."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def _unset_hostile(ours: Mapping[str, str]) -> list[str]:
    """Variables such as GIT_DIR or GIT_INDEX_FILE (set inside a hook, say) would send git elsewhere.

    GitPython copies the whole environment and can add to it but not take away; `env -u` can.
    """
    hostile = [name for name in os.environ if name.startswith("GIT_") and name not in ours and "PYTHON" not in name]
    return ["env", *(word for name in hostile for word in ("-u", name))] if hostile else []


def _finish(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, arguments: Sequence[str],
) -> tuple[bytes, bytes]:  # fmt: skip
    # communicate(timeout=…) polls for the exit and would add a millisecond to each process
    expired = threading.Event()

    def end() -> None:
        expired.set()
        _kill_session(process)

    try:
        with time_limit(deadline, end):
            out, err = process.communicate(stdin)
    finally:
        stop(process)
    if expired.is_set():
        raise GitFault.late(arguments, deadline)
    return out, err


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """git may be gone already while a transport helper still holds the pipe: the whole session ends."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reap(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait(10)
    survivors.forget(process.pid)


def _feed(stream: IO[bytes], data: bytes) -> None:
    with suppress(OSError), stream:
        stream.write(data)

