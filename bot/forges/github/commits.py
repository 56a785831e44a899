"""Makes commits through the API, so that GitHub signs them in the bot's name and shows them as verified.

It must never move a branch that is there, nor put a commit on one whose tree is not the tree that was asked for.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from bot.core.actions import BranchMoved, BranchReady, Refused
from bot.core.errors import Fault
from bot.core.model import NewCommit, Repo, TreeChange
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.wire_fault import WireFault

Json = dict[str, Any]
_LARGEST_PLAIN = 256 * 1024
_BY_GIT = "Let the bot push commits of its own instead."


class Commits:
    """A row of commits on top of `base`, to be made in one repository."""

    def __init__(self, wire: Wire, repo: Repo, base: str, commits: tuple[NewCommit, ...]) -> None:
        self._wire = wire
        self._git = f"/repos/{repo.path}/git"
        self._what = f"commits of {repo.path}"
        self._base = base
        self._commits = commits

    def put_on(self, branch: str) -> BranchReady | BranchMoved | Refused:
        """A new branch with these commits; one that is there is left as it is, and is fine if it has just these."""
        if odd := next((change.path for change in self._changes if not _is_text(change.path)), None):
            return Refused(f"GitHub's API takes no path that is not UTF-8, such as {odd!r}.", _BY_GIT)
        with reading(self._what):
            try:
                return self._look(branch) or self._make(branch)
            except WireFault as fault:
                if fault.passing or fault.status not in (403, 404, 409, 422):
                    raise
                return Refused(f"GitHub did not make the commits for {branch}: {fault.reason}", _BY_GIT)

    @property
    def _changes(self) -> tuple[TreeChange, ...]:
        return tuple(change for commit in self._commits for change in commit.changes)

    def _look(self, branch: str) -> BranchReady | BranchMoved | None:
        try:
            tip = self._ask(f"ref/heads/{quote(branch)}")["object"]["sha"]
        except WireFault as fault:
            if fault.status == 404:
                return None
            raise
        sha = tip
        for wanted in reversed(self._commits):
            there = self._ask(f"commits/{sha}")
            if (there["tree"]["sha"], there["message"].strip()) != (wanted.tree, wanted.message.strip()):
                return BranchMoved(tip)
            sha = there["parents"][0]["sha"] if len(there["parents"]) == 1 else ""
        return BranchReady(tip) if sha == self._base else BranchMoved(tip)

    def _make(self, branch: str) -> BranchReady | BranchMoved:
        tip, tree = self._base, self._ask(f"commits/{self._base}")["tree"]["sha"]
        for commit in self._commits:
            tree = self._make_tree(tree, commit)
            # Without author and committer: GitHub signs only what it writes in the name of the one who asks.
            wish = {"message": commit.message, "tree": tree, "parents": [tip]}
            tip = self._create("commits", wish)
        try:
            wish = {"ref": f"refs/heads/{branch}", "sha": tip}
            self._wire.requestJsonAndCheck("POST", f"{self._git}/refs", input=wish)
        except WireFault as fault:
            if not fault.in_doubt and "already exists" not in fault.said:
                raise
            if found := self._look(branch):
                return found
            raise
        return BranchReady(tip)

    def _make_tree(self, before: str, commit: NewCommit) -> str:
        if not commit.changes:
            return before
        wish = {"base_tree": before, "tree": [self._entry(change) for change in commit.changes]}
        made = self._create("trees", wish)
        if made != commit.tree:
            raise Fault(f"GitHub made the tree {made} of {self._what} where {commit.tree} was asked for.")
        return made

    def _entry(self, change: TreeChange) -> Json:
        if change.mode is None:
            return {"path": change.path, "mode": "100644", "type": "blob", "sha": None}
        kind = "commit" if change.mode == "160000" else "blob"
        entry: Json = {"path": change.path, "mode": change.mode, "type": kind}
        if change.content is None:
            return {**entry, "sha": change.sha}
        if (text := _read_plain(change.content)) is not None:
            return {**entry, "content": text}
        wish = {"content": b64encode(change.content).decode(), "encoding": "base64"}
        return {**entry, "sha": self._create("blobs", wish)}

    def _create(self, kind: str, wish: Json) -> str:
        # What is made a second time has the same id, or belongs to no branch.
        return str(self._wire.post_again(f"{self._git}/{kind}", wish, creates=True)["sha"])

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self._wire.requestJsonAndCheck("GET", f"{self._git}/{path}")[1]


def _read_plain(content: bytes) -> str | None:
    """The text that can go with the tree, which saves a request; None for what has to go by itself, byte for byte."""
    if len(content) > _LARGEST_PLAIN or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _is_text(path: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in path)
