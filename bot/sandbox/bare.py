"""One bare repository of the sandbox forge: the only truth about branches, commits and trees.

It never touches a work tree, and never reads the configuration of the machine or of the person who runs it.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bot.sandbox.faces import Kind

ZERO = "0" * 40
_TIMEOUT = 60
_SHA = re.compile(r"[0-9a-f]{4,40}")
_FORMAT = "%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"
_SETTINGS = {
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
}
_HIDDEN_REFS = {"github": "refs/pull", "gitlab": "refs/merge-requests"}
# GitHub refuses the one ref and lets the others of the same push through: an update hook does exactly that.
_UPDATE_HOOK = """#!/bin/sh
while read -r pattern; do
    case "$1" in
        $pattern)
            echo "error: GH006: Protected branch update failed for $1." >&2
            echo "error: Changes must be made through a pull request." >&2
            exit 1 ;;
    esac
done <<PATTERNS
$SANDBOX_PROTECTED
PATTERNS
"""
# GitLab refuses the whole push. Its rules may be patterns, which the shell's own matching understands.
_PRE_RECEIVE_HOOK = """#!/bin/sh
while read -r _ _ ref; do
    while read -r pattern; do
        case "$ref" in
            $pattern)
                kind="push code to protected branches"
                case "$ref" in refs/tags/*) kind="change or create protected tags" ;; esac
                echo "GitLab: You are not allowed to $kind on this project." >&2
                exit 1 ;;
        esac
    done <<PATTERNS
$SANDBOX_PROTECTED
PATTERNS
done
"""
_HOOKS = {"github": ("update", _UPDATE_HOOK), "gitlab": ("pre-receive", _PRE_RECEIVE_HOOK)}


class GitError(Exception):
    """A git command failed; the text is what it printed."""


class Moved(Exception):  # noqa: N818 - it reads as what happened
    """A ref was not what the caller had seen."""


@dataclass(frozen=True)
class Signature:
    """Who made a commit and when, as git writes it; `at` is ISO 8601 with its offset."""

    name: str
    email: str
    at: str

    @property
    def utc(self) -> str:
        """The time as GitHub's REST answers write it, in UTC and without fractions."""
        return datetime.fromisoformat(self.at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class CommitData:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    raw_message: str

    @property
    def message(self) -> str:
        """The message without the line ends after its last line."""
        return self.raw_message.rstrip("\n")


@dataclass(frozen=True)
class FileChange:
    """A path that differs between two trees; `added` and `deleted` count lines, 0 for binary files."""

    path: str
    status: Literal["added", "removed", "modified"]
    sha: str
    added: int
    deleted: int


@dataclass(frozen=True)
class TreeEntry:
    mode: str
    kind: str
    sha: str
    path: str


def git_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process here: nothing of the caller's `GIT_*` or configuration comes in."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **(extra or {}),
    }


class Bare:
    """A bare repository at `path`. Shas are full hex; a `GitError` is a command that should have worked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, default_branch: str, kind: Kind) -> Bare:
        """Make an empty repository whose HEAD names `default_branch`, so that a clone checks something out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        bare = cls(path)
        command = ("git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(path))
        subprocess.run(command, env=git_environment(), check=True, timeout=_TIMEOUT)
        with (path / "config").open("a") as config:
            for key, value in {**_SETTINGS, "receive.hideRefs": _HIDDEN_REFS[kind]}.items():
                section, name = key.split(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        name, script = _HOOKS[kind]
        hook = path / "hooks" / name
        hook.parent.mkdir()
        hook.write_text(script)
        hook.chmod(0o755)
        return bare

    def run(self, *arguments: str, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> str:
        """What a git command prints. Raises `GitError` when it fails."""
        done = self.attempt(*arguments, stdin=stdin, env=env)
        if done.returncode:
            raise GitError(f"git {' '.join(arguments[:3])}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="replace")

    def attempt(
        self, *arguments: str, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a git command whose failure is an answer."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        return subprocess.run(
            ("git", "--git-dir", str(self.path), *arguments),
            input=data, env=git_environment(env), capture_output=True, check=False, timeout=_TIMEOUT,
        )

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref whose full name starts with `prefix`, with the object it names, in order of name."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)").splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return {name: sha for sha, name in pairs if name.startswith(prefix)}

    def ref(self, name: str) -> str | None:
        """The object that the ref of exactly this full name points at; None for a name that cannot be one."""
        if not self.valid_ref(name):
            return None
        done = self.attempt("show-ref", "--verify", "--hash", "--", name)
        return done.stdout.decode().strip() or None

    def branch(self, name: str) -> str | None:
        """The commit at the tip of a branch."""
        return self.ref(f"refs/heads/{name}")

    def valid_ref(self, name: str) -> bool:
        """Whether git accepts this as a full ref name; a leading dash after the last slash is legal."""
        return name.startswith("refs/") and "\0" not in name and not self.attempt("check-ref-format", name).returncode

    def kind(self, name: str) -> str | None:
        """`commit`, `tag`, `tree` or `blob`, or None when there is no such object."""
        return self.attempt("cat-file", "-t", "--end-of-options", name).stdout.decode().strip() or None

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, a tag, a full or a short sha means; nothing else of git's grammar is understood."""
        known = self.ref(f"refs/heads/{name}") or self.ref(f"refs/tags/{name}")
        if known is None and not _SHA.fullmatch(name):
            return None
        done = self.attempt("rev-parse", "--verify", "--quiet", f"{known or name}^{{commit}}")
        return done.stdout.decode().strip() or None

    def peel(self, sha: str) -> str | None:
        """The commit that an object is or, as a tag, names."""
        return self.attempt("rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}").stdout.decode().strip() or None

    def update_ref(self, name: str, new: str, old: str | None = None) -> None:
        """Set a ref; `new` of 40 zeros deletes it. Raises `Moved` when `old` is given and is not what is there."""
        verb = f"delete {name}\0{old or ''}\0" if new == ZERO else f"update {name}\0{new}\0{old or ''}\0"
        done = self.attempt("update-ref", "-z", "--stdin", stdin=verb)
        if done.returncode:
            raise Moved(done.stderr.decode(errors="replace").strip())

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        return not self.attempt("merge-base", "--is-ancestor", ancestor, descendant).returncode

    def merge_base(self, one: str, other: str) -> str | None:
        return self.attempt("merge-base", one, other).stdout.decode().strip() or None

    def commits(self, *revisions: str, limit: int = 10_000) -> list[CommitData]:
        """The commits that `git log` gives for these revisions, oldest first."""
        how = ("-z", "--reverse", "--topo-order", f"--max-count={limit}", f"--format={_FORMAT}")
        text = self.run("log", *how, *revisions)
        return [_read_commit(record) for record in text.split("\0") if record]

    def commit(self, sha: str) -> CommitData:
        return self.commits(sha, limit=1)[0]

    def commit_count(self, base: str, head: str) -> int:
        return int(self.run("rev-list", "--count", f"{base}..{head}"))

    def changes(self, old: str | None, new: str) -> list[FileChange]:
        """The paths that differ between two commits; `old` of None compares a root commit with nothing."""
        range_ = (old, new) if old else ("--root", new)
        command = ("diff-tree", "-r", "-z", "--no-commit-id", "--no-renames", "--no-ext-diff")
        raw = self.run(*command, "--raw", "--no-abbrev", *range_).split("\0")
        lines = self.run(*command, "--numstat", *range_).split("\0")
        counts = {path: (added, deleted) for added, deleted, path in (line.split("\t", 2) for line in lines if line)}
        return [_read_change(head, path, counts[path]) for head, path in zip(raw[0::2], raw[1::2], strict=False)]

    def touched(self, commits: list[str]) -> dict[str, list[tuple[str, str]]]:
        """For each commit the (letter, path) of every path it changes; merges change nothing by themselves."""
        command = ("diff-tree", "--stdin", "-r", "-z", "--root", "--name-status", "--no-renames", "--no-ext-diff")
        words = iter(self.run(*command, stdin="".join(f"{sha}\n" for sha in commits)).split("\0"))
        wanted, found = set(commits), dict[str, list[tuple[str, str]]]()
        current: list[tuple[str, str]] = []
        for word in words:
            if word in wanted:
                current = found.setdefault(word, [])
            elif word:
                current.append((word, next(words)))
        return found

    def tree(self, commit: str, path: str) -> list[TreeEntry]:
        """The entries of a directory (of the root when `path` is empty); none when it is not there."""
        target = f"{commit}:{path}" if path else f"{commit}^{{tree}}"
        done = self.attempt("ls-tree", "-z", "--end-of-options", target)
        return [_read_entry(line) for line in done.stdout.decode(errors="replace").split("\0") if line]

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """The one entry at `path`, file or directory."""
        folder, _, name = path.rpartition("/")
        return next((entry for entry in self.tree(commit, folder) if entry.path == name), None)

    def blob(self, sha: str) -> bytes:
        return self.attempt("cat-file", "blob", sha).stdout


def _read_commit(record: str) -> CommitData:
    sha, tree, parents, name, email, at, by, by_email, by_at, message = record.split("\n", 9)
    author, committer = Signature(name, email, at), Signature(by, by_email, by_at)
    return CommitData(sha, tree, tuple(parents.split()), author, committer, message)


def _read_change(head: str, path: str, counts: tuple[str, str]) -> FileChange:
    _, _, old, new, letter = head.split(" ")
    status: Literal["added", "removed", "modified"] = (
        "added" if letter == "A" else "removed" if letter == "D" else "modified"
    )
    added, deleted = (0 if count == "-" else int(count) for count in counts)
    return FileChange(path, status, old if status == "removed" else new, added, deleted)


def _read_entry(line: str) -> TreeEntry:
    head, path = line.split("\t", 1)
    mode, kind, sha = head.split(" ")
    return TreeEntry(mode, kind, sha, path)
