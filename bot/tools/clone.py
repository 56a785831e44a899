"""The bare clone under a mirror: making it, fetching into it, pushing from beside it, making it anew when it is broken.

It never has a work tree, never fetches refs that were not asked for, and never writes a credential to disk.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from bot.core.errors import Fault, UserError
from bot.tools.git import Done, Git, GitFault, is_object_id

if TYPE_CHECKING:
    from bot.core.model import CloneAccess

T = TypeVar("T")

_OTHER_SIDE = re.compile(
    r"could not resolve|unable to access|authentication failed|could not read (?:username|password)|connection"
    r"|timed out|early eof|rpc failed|requested url returned|repository .*not found|hung up|couldn't find remote ref"
    r"|(?<!'origin') does not appear to be a git repository|is this a git repository|no answer within",
    re.IGNORECASE,
)
"""What git says when the other side is the trouble; a fresh clone would not help."""

_DAMAGE = re.compile(
    r"bad object|corrupt|unable to read|could not read [0-9a-f]{8}|missing (blob|tree|commit|from the repo)"
    r"|not a valid",
    re.IGNORECASE,
)
_HEADS = "refs/heads/"
_BETWEEN_REBUILDS = 60.0  # seconds; a clone that breaks faster has a cause that a rebuild does not mend
_PATIENCE = 3600.0  # seconds for one fetch: a large project takes minutes, and giving up would start it from nothing
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$RELBOT_USERNAME" "$RELBOT_PASSWORD"; }; f'


class Clone:
    """One bare, partial clone in a folder of its own. Fetches run one at a time, across processes too."""

    def __init__(self, place: Path, access: CloneAccess) -> None:
        self.place = place
        self.directory = place / "mirror.git"
        self._access = access
        self._environment = _environment(access)
        self._lock = threading.RLock()
        self._rebuilt_at = -_BETWEEN_REBUILDS
        self._asked: tuple[str, ...] = ()
        """Branches that this process has asked for, in case nothing can be read of what the clone had."""
        place.mkdir(parents=True, exist_ok=True)

    def use(self, access: CloneAccess) -> None:
        """Take the newest address and credentials: repositories are renamed, and tokens live an hour."""
        if access.url != self._access.url and self.directory.is_dir():
            part = self.place / "config.part"  # other threads' processes may be reading the one that is there
            part.write_text(configuration(access.url))
            part.replace(self.directory / "config")
        self._access = access
        self._environment |= _environment(access)

    @property
    def access(self) -> CloneAccess:
        """The address and credentials in use."""
        return self._access

    @property
    def is_whole(self) -> bool:
        """Whether the files that every clone has are there; what is in them is seen when it is read."""
        return all((self.directory / name).exists() for name in ("HEAD", "config", "objects"))

    def git(self, directory: Path | None = None) -> Git:
        """git on this clone (or on another git directory) with the right to reach the forge."""
        return Git(directory or self.directory, self._environment)

    def fetch(self, refspecs: Sequence[str]) -> None:
        """Bring these refs up to date and drop the ones that are gone; the first time makes the clone."""
        with self.locked():
            heads = [refspec for refspec in refspecs if refspec.startswith("+refs/heads/")]
            self._asked = tuple(dict.fromkeys([*self._asked, *heads]))
            if self.directory.is_dir():
                self._fetch(self.directory, refspecs, "--no-filter")
            else:
                self._build(refspecs).rename(self.directory)

    def branches(self) -> dict[str, str]:
        """Branch → commit as the last fetch has left them, from the files of git's that hold them: it costs no process.

        Raises `GitFault` when a file holds something else.
        """
        loose = sorted(path for path in (self.directory / "refs" / "heads").rglob("*") if path.is_file())
        refs = [(path.read_text(errors="replace").strip(), str(path.relative_to(self.directory))) for path in loose
                if path.suffix != ".lock"]  # fmt: skip
        packed = self.directory / "packed-refs"
        text = packed.read_text(errors="surrogateescape") if packed.is_file() else ""
        rows = [line.split(" ", 1) for line in text.splitlines() if not line.startswith(("#", "^"))]
        found = {name: sha for sha, name in rows if name.startswith(_HEADS)} | {name: sha for sha, name in refs}
        if broken := next((name for name, sha in found.items() if not is_object_id(sha)), None):
            raise GitFault(["for-each-ref"], 128, f"bad object {found[broken][:80]!r} in {broken}".encode())
        return {name.removeprefix(_HEADS): found[name] for name in sorted(found)}

    def push(self, source: Path, refspec: str, lease: str) -> Done:
        """Push from a git directory that borrows this clone's objects. Never forced beyond the lease."""
        return self.git(source).attempt(
            "push", "--porcelain", "--no-verify", f"--force-with-lease={lease}",
            "--end-of-options", self._access.url, refspec,
        )  # fmt: skip

    def push_together(self, source: Path, moves: Sequence[tuple[str, str]]) -> Done:
        """Push several (refspec, lease) of which all are done or none."""
        leases = (f"--force-with-lease={lease}" for _, lease in moves)
        return self.git(source).attempt(
            "push", "--porcelain", "--no-verify", "--atomic", *leases,
            "--end-of-options", self._access.url, *(refspec for refspec, _ in moves),
        )  # fmt: skip

    def remote_tip(self, ref: str) -> str | None:
        """Where a ref of the forge's repository is at this moment."""
        return self.remote_refs([ref]).get(ref)

    def remote_refs(self, refs: Sequence[str]) -> dict[str, str]:
        """Where these refs of the forge's repository are at this moment; those that are not there are left out."""
        with _elsewhere():
            return {name: sha for name, sha in self._remote_refs(self.directory, refs).items() if name in refs}

    def healing(self, work: Callable[[], T], *, forget: Callable[[], None]) -> T:
        """Do some work; if the clone turns out to be broken, build it again and do the work once more.

        `forget` is called before the rebuild, to let go of processes that read the old clone.
        """
        before = self._identity()
        try:
            return _attend(work)
        except GitFault:
            with self.locked():
                if self._identity() == before:  # otherwise somebody else has built it again meanwhile
                    if time.monotonic() - self._rebuilt_at < _BETWEEN_REBUILDS or before is None:
                        raise
                    self._rebuilt_at = time.monotonic()
                    self._rebuild(forget)
        return _attend(work)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this repository's lock, against threads and against other processes."""
        with self._lock, (self.place / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _identity(self) -> int | None:
        """What tells a clone from the one that was here before; None where there is none."""
        return self.directory.stat().st_ino if self.directory.is_dir() else None

    def _build(self, refspecs: Sequence[str]) -> Path:
        """Make a clone beside its place and return where; moved there when it is whole, it is never half-written."""
        part = self._start()
        with _elsewhere(part):
            self._fetch(part, refspecs, "--filter=blob:none", "--write-commit-graph")
            _bring_blobs(self._patient(part))
        return part

    def _start(self) -> Path:
        """A clone of nothing, and none of what earlier ones may have left behind."""
        for left in self.place.glob("mirror.git.*"):
            shutil.rmtree(left, ignore_errors=True)
        part = self.place / "mirror.git.part"
        (part / "objects").mkdir(parents=True)
        (part / "refs").mkdir()
        (part / "config").write_text(configuration(self._access.url))
        (part / "HEAD").write_text("ref: refs/heads/none\n")
        return part

    def _rebuild(self, forget: Callable[[], None]) -> None:
        """Put a new clone in the place of the broken one, which stays until the new one is whole."""
        listed = self.git().attempt("for-each-ref", "--format=%(refname)").out
        # tags are fetched by whoever asks for them, and may be too many for a command line
        known = [ref for ref in listed.decode(errors="surrogateescape").split() if not ref.startswith("refs/tags/")]
        start = self._start()
        with _elsewhere(start):
            there = self._remote_refs(start, known) if known else {}
        refspecs = [*self._asked, *(f"+{ref}:{ref}" for ref in known if ref in there)]
        part = self._build(refspecs) if refspecs else None
        forget()
        broken = self.place / "mirror.git.broken"
        self.directory.rename(broken)
        if part is not None:  # otherwise nobody knows what was in it, and the next fetch makes the clone
            part.rename(self.directory)
        shutil.rmtree(broken, ignore_errors=True)

    def _remote_refs(self, directory: Path, refs: Sequence[str]) -> dict[str, str]:
        listed = self.git(directory).run("ls-remote", "--refs", "--end-of-options", self._access.url, *refs)
        rows = (line.split("\t") for line in listed.decode(errors="surrogateescape").splitlines())
        return {name: sha for sha, name in rows}

    def _fetch(self, directory: Path, refspecs: Sequence[str], *options: str) -> None:
        self._patient(directory).run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--prune", *options,
            "--end-of-options", "origin", *refspecs,
        )  # fmt: skip

    def _patient(self, directory: Path) -> Git:
        return Git(directory, self._environment, _PATIENCE)


@contextmanager
def _elsewhere(part: Path | None = None) -> Iterator[None]:
    """For work in which nothing of ours can be broken: it is the other side, the network or the disk, and passes.

    `part` is what the work was about to make.
    """
    try:
        yield
    except GitFault as fault:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
        raise Fault(str(fault), passing=True) from fault


def _attend(work: Callable[[], T]) -> T:
    """Do some work; where the other side is the trouble the fault passes. Other `GitFault`s come as they are."""
    try:
        return work()
    except GitFault as fault:
        if fault.passing or _OTHER_SIDE.search(fault.stderr):
            raise Fault(str(fault), passing=True) from fault
        raise


def _environment(access: CloneAccess) -> dict[str, str]:
    """Credentials for one process. They are offered to this one host only, so that no redirect elsewhere gets them."""
    url = urlsplit(access.url)
    return {
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_2": f"credential.{url.scheme}://{url.netloc}.helper",
        "GIT_CONFIG_VALUE_2": _HELPER,
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",  # bytes a second: a connection over which nothing comes any more is given up
        "GIT_HTTP_LOW_SPEED_TIME": "300",
        "RELBOT_USERNAME": access.username,
        "RELBOT_PASSWORD": access.password.reveal(),
    }


def configuration(url: str) -> str:
    """The whole configuration of a clone: where it came from, and that blobs may still be there and not here."""
    if any(ord(c) < 32 for c in url):
        raise UserError(f"The clone address {url!r} holds control characters. Correct it in the server's settings.")
    quoted = url.replace("\\", "\\\\").replace('"', '\\"')
    return (
        "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = "{quoted}"\n\tpromisor = true\n\tpartialCloneFilter = blob:none\n'
    )


def borrowing(clone: Path) -> str:
    """Configuration for a store that borrows a clone's objects: the clone's own, as it is when a process starts."""
    quoted = str(clone / "config").replace("\\", "\\\\").replace('"', '\\"')
    return f'[extensions]\n\tpartialClone = origin\n[include]\n\tpath = "{quoted}"\n'


def is_damage(reason: str) -> bool:
    """Whether git's words mean that the clone is broken, rather than that it was asked for something odd."""
    return _DAMAGE.search(reason) is not None


def _bring_blobs(git: Git) -> None:
    """Fetch in one batch what picks will read: the files at the oldest fork, and all that changed since.

    Left to git, each merge would fetch its few missing files by itself: 200 such fetches cost seconds on loopback.
    """
    heads = git.run("for-each-ref", "--format=%(objectname)", "refs/heads").decode("ascii").split()
    if len(heads) < 2:
        wanted = [["--no-walk", *heads]]
    else:
        fork = git.attempt("merge-base", "--octopus", *heads).out.decode("ascii").strip()
        wanted = [["--no-walk", fork], [*heads, f"^{fork}"]] if fork else [["--no-walk", *heads]]
    missing: set[str] = set()
    for revisions in wanted:
        listed = git.run("rev-list", "--objects", "--missing=print", "--no-object-names", *revisions)
        missing |= {line[1:] for line in listed.decode("ascii").splitlines() if line.startswith("?")}
    if missing:
        git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--filter=blob:none", "--stdin", "origin", stdin="\n".join(sorted(missing)).encode(),
        )  # fmt: skip
