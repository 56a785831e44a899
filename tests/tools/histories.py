"""Real repositories for tests, written commit by commit: `History(tmp_path / "r").commit("main", {"a.py": "1\n"})`.

Objects are written directly, since a test suite makes thousands and a process costs more than all of them; whatever
needs git's judgement (`git`, `merge`, `clone`) is the real program with a clean environment. Everything is fixed:
the same calls give the same ids. It must never read a user's configuration.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

START = 1_700_000_000
"""Date of the first commit of every history, in seconds; each later commit is a minute younger."""

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true",
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": f"{START} +0000",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_COMMITTER_DATE": f"{START} +0000",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What a tree holds at a path: git's mode, and the content, or the id where there is none (a submodule)."""

    mode: Literal["100644", "100755", "120000", "160000"]
    content: bytes | str

    @property
    def body(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else self.content


@dataclass(frozen=True)
class Kept:
    """What a tree holds already, to be put at another path: mode and object id."""

    mode: str
    name: str


Content = bytes | str | Entry | Kept | None
"""An ordinary file's content, or an `Entry`; None takes the path away, with all below it where it is a folder."""


def executable(content: bytes | str) -> Entry:
    return Entry("100755", content)


def symlink(target: bytes | str) -> Entry:
    return Entry("120000", target)


def submodule(commit: str) -> Entry:
    return Entry("160000", commit)


def lines(*changes: tuple[int, str], count: int = 20) -> str:
    """A file of numbered lines in which some are replaced: far-apart changes merge, near ones conflict."""
    replaced = dict(changes)
    return "".join(f"{replaced.get(n, f'line {n}')}\n" for n in range(1, count + 1))


@dataclass
class Person:
    """Who a commit is by and when, as bytes, so that it may be odd: `Person(b"J\\xf6rg <j@x>", "1700000000 +0530")`."""

    who: bytes = b"Ada <ada@example.org>"
    when: str | None = None


@dataclass
class History:
    """A repository in `path`, with a work tree's layout unless `bare`; branches are named without `refs/heads/`."""

    path: Path
    bare: bool = False
    algorithm: Literal["sha1", "sha256"] = "sha1"
    _clock: int = START
    _trees: dict[str, dict[bytes, tuple[str, str]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        kind = ["--bare"] if self.bare else []
        self.git("init", "-q", "-b", "main", "--template=", f"--object-format={self.algorithm}", *kind)

    @property
    def git_dir(self) -> Path:
        return self.path if self.bare else self.path / ".git"

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True, **environment: str) -> str:
        """Run the real git here and return what it printed, without the last line break."""
        done = self.run(*arguments, stdin=stdin, **environment)
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="surrogateescape").rstrip("\n")

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run the real git here, whatever its exit status."""
        return subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, capture_output=True, check=False, timeout=60,
            env={**ENVIRONMENT, **environment},
        )  # fmt: skip

    def commit(
        self, branch: str | None, files: Mapping[str, Content] | None = None, message: bytes | str = "a change", *,
        parents: tuple[str, ...] | None = None, author: Person | None = None, headers: bytes = b"",
        replace: bool = False,
    ) -> str:  # fmt: skip
        """Commit on top of a branch (made when missing) and return the id; with branch None no ref is touched.

        `files` are the changes to the first parent's tree (`replace`: the whole tree). `parents` stand in for the
        branch's tip; `()` makes a root commit. `headers` are extra header lines, `b"encoding ISO-8859-1\\n"` say.
        """
        if parents is None:
            tip = self.sha(branch, missing=True) if branch else None
            parents = (tip,) if tip else ()
        entries = {} if replace or not parents else dict(self.entries(parents[0]))
        for name, content in (files or {}).items():
            self._apply(entries, os.fsencode(name), content)
        name = self._write_commit(self._write_tree(entries), parents, message, author or Person(), headers)
        self._trees[name] = entries
        if branch:
            self.branch(branch, name)
        return name

    def branch(self, name: str, at: str) -> str:
        """Let a branch point at a commit (an id, or another branch) and return the id."""
        at = self.sha(at)
        self._ref(name).parent.mkdir(parents=True, exist_ok=True)
        self._ref(name).write_text(f"{at}\n")
        return at

    def merge(
        self, branch: str, other: str, files: Mapping[str, Content] | None = None, message: str = "Merge",
    ) -> str:  # fmt: skip
        """A true merge of `other` into the branch, by git; `files` is what it changes besides (an evil merge)."""
        ours, theirs = self.sha(branch), self.sha(other)
        done = self.run("merge-tree", "--write-tree", ours, theirs)
        assert done.returncode == 0, f"{other} does not merge into {branch}: {done.stdout.decode()}"
        merged = self._entries_of_tree(done.stdout.decode().split()[0])
        changes: dict[str, Content] = {os.fsdecode(path): None for path in self.entries(ours) if path not in merged}
        changes |= {os.fsdecode(path): Kept(*entry) for path, entry in merged.items()}
        return self.commit(branch, {**changes, **(files or {})}, message, parents=(ours, theirs))

    def move(self, branch: str, old: str, new: str, content: Content = None, message: str = "move") -> str:
        """Rename a file, with new content if any is given."""
        mode, name = self.entries(branch)[os.fsencode(old)]
        kept = Kept(mode, name) if content is None else content
        return self.commit(branch, {old: None, new: kept}, message)

    def revert(self, branch: str, commit: str, message: str | None = None) -> str:
        """Undo a commit on a branch, path by path, with git's own message."""
        title = self.git("log", "-1", "--format=%s", commit)
        before = self.entries(f"{commit}^")
        after = self.entries(commit)
        changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
        files = {os.fsdecode(p): Kept(*before[p]) if p in before else None for p in changed}
        text = message or f'Revert "{title}"\n\nThis reverts commit {commit}.\n'
        return self.commit(branch, files, text)

    def sha(self, name: str, *, missing: bool = False) -> str:
        """The full id of a branch or revision; with `missing` an empty string where there is none."""
        if name in self._trees:
            return name
        if not name.startswith("-") and self._ref(name).is_file():
            return self._ref(name).read_text().strip()
        done = self.run("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}")
        if done.returncode and not missing:
            raise AssertionError(f"there is no {name} in {self.path}")
        return done.stdout.decode().split()[-1] if not done.returncode else ""

    def entries(self, commit: str) -> dict[bytes, tuple[str, str]]:
        """Path → (mode, id) of every file of a commit."""
        name = self.sha(commit)
        if name not in self._trees:
            self._trees[name] = self._entries_of_tree(name)
        return self._trees[name]

    def files(self, commit: str) -> dict[str, str]:
        """Path → content of every file of a commit or tree, as text; for a submodule its commit."""
        return {os.fsdecode(path): name if mode == "160000" else os.fsdecode(self.run("cat-file", "blob", name).stdout)
                for path, (mode, name) in self._entries_of_tree(commit).items()}  # fmt: skip

    def read(self, commit: str, path: str) -> bytes:
        """The content of one file of a commit or tree."""
        return self.run("cat-file", "blob", f"{commit}:{path}").stdout

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self.git("rev-parse", f"{commit}^{{tree}}")

    def clone(self, path: Path, *flags: str) -> History:
        """A clone through the real transport (`--depth=1`, `--filter=blob:none`, …), or one that is `--shared`."""
        self.git("clone", "-q", *flags, str(self.path) if "--shared" in flags else self.path.as_uri(), str(path))
        copy = History.__new__(History)
        copy.__dict__.update(self.__dict__, path=path, bare="--bare" in flags, _trees={})
        return copy

    def _ref(self, name: str) -> Path:
        return self.git_dir / "refs" / "heads" / name

    def _apply(self, entries: dict[bytes, tuple[str, str]], path: bytes, content: Content) -> None:
        under = [p for p in entries if p.startswith(path + b"/") or (content is not None and path.startswith(p + b"/"))]
        for taken in under:
            del entries[taken]  # a file takes the place of a folder, or the reverse
        match content:
            case None:
                entries.pop(path, None)
            case Kept(mode, name):
                entries[path] = (mode, name)
            case Entry("160000", str(commit)):
                entries[path] = ("160000", commit)
            case Entry():
                entries[path] = (content.mode, self._write("blob", content.body))
            case _:
                entries[path] = ("100644", self._write("blob", Entry("100644", content).body))

    def _write_tree(self, entries: Mapping[bytes, tuple[str, str]]) -> str:
        here: dict[bytes, tuple[str, str]] = {}
        below: dict[bytes, dict[bytes, tuple[str, str]]] = {}
        for path, entry in entries.items():
            folder, slash, rest = path.partition(b"/")
            if slash:
                below.setdefault(folder, {})[rest] = entry
            else:
                here[path] = entry
        for folder, inside in below.items():
            here[folder] = ("40000", self._write_tree(inside))
        order = sorted(here.items(), key=lambda item: item[0] + (b"/" if item[1][0] == "40000" else b""))
        return self._write("tree", b"".join(
            f"{mode} ".encode() + name + b"\0" + bytes.fromhex(sha) for name, (mode, sha) in order))  # fmt: skip

    def _write_commit(
        self, tree: str, parents: tuple[str, ...], message: bytes | str, author: Person, headers: bytes,
    ) -> str:  # fmt: skip
        now = f"{self._clock} +0000"
        self._clock += 60
        text = message.encode() if isinstance(message, str) else message
        if text and not text.endswith(b"\n") and isinstance(message, str):
            text += b"\n"
        return self._write("commit", b"".join((
            f"tree {tree}\n".encode(), *(f"parent {self.sha(p)}\n".encode() for p in parents),
            b"author " + author.who + f" {author.when or now}\n".encode(),
            f"committer Ada <ada@example.org> {now}\n".encode(), headers, b"\n", text)))  # fmt: skip

    def _write(self, kind: str, body: bytes) -> str:
        whole = f"{kind} {len(body)}\0".encode() + body
        name = hashlib.new(self.algorithm, whole).hexdigest()
        file = self.git_dir / "objects" / name[:2] / name[2:]
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(zlib.compress(whole, 1))
        return name

    def _entries_of_tree(self, tree: str) -> dict[bytes, tuple[str, str]]:
        listed = self.run("ls-tree", "-r", "-z", "--full-tree", tree).stdout.split(b"\0")[:-1]
        split = [line.partition(b"\t") for line in listed]
        return {path: (head.split()[0].decode(), head.split()[2].decode()) for head, _, path in split}
