"""A repository that a person names on this machine, opened for picking from the command line.

It never writes to that repository except in `create`, and then nothing but new objects and one new ref.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bot.core.errors import UserError
from bot.tools.git import Git, GitFault, check_branch, is_object_id
from bot.tools.objects import NOT_IN_A_NAME, ObjectReader
from bot.tools.scratch import Repository, Scratch

if TYPE_CHECKING:
    from bot.core.model import Commit
    from bot.tools.pick import Committer, Picker


class LocalRepository:
    """Use it as a context: everything temporary is gone when the block ends."""

    def __init__(self, directory: Path, committer: Committer | None = None) -> None:
        """Raises `UserError` when there is no repository at `directory`."""
        self.repository = Repository.find(directory)
        self.git = Git(self.repository.git_dir, {"GIT_ALLOW_PROTOCOL": ""})  # nothing is fetched into it
        self._committer = committer
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def scratch(self) -> Scratch:
        """Where new objects go."""
        place = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="relbot-")))
        return Scratch(place, self.repository, self._promisor(), _git)

    @cached_property
    def picker(self) -> Picker:
        """Picks onto this repository."""
        from bot.tools.pick import Committer, Picker  # not for those who only read

        picker = Picker(self.scratch, self._committer or Committer())
        self._open.callback(picker.close)
        return picker

    @cached_property
    def _names(self) -> ObjectReader:
        return self._open.enter_context(ObjectReader(self.git))

    def resolve(self, names: Sequence[str]) -> list[str | None]:
        """The full commit ids that revisions stand for; None for one that names no commit."""
        if all(is_object_id(name) for name in names):
            return list(names)  # whether they exist is found out by whoever reads them
        try:
            return [commit.sha if commit else None for commit in self._names.commits(names)]
        except GitFault:  # `main@{1}` where there is no log of main ends the process that the others share
            return [self._resolve_alone(name) for name in names]

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """What files of commits hold (`main:a/file`), or folders; None for each that is not there."""
        return [found[1] if found else None for found in self._names.contents(names)]

    def commits(self, names: Sequence[str]) -> list[Commit | None]:
        """The commits that names stand for, whole; None for one that names none."""
        return [found.plain() if found else None for found in self._names.commits(names)]

    def expand(self, revisions: Sequence[str]) -> Iterator[str]:
        """Full ids of the commits that revisions and ranges (`A..B`, oldest first) name. Raises `UserError`."""
        for revision in revisions:
            if ".." in revision:
                yield from self._range(revision)
            elif (found := self.resolve([revision])[0]) is not None:
                yield found
            else:
                raise self.unknown(revision)

    def unknown(self, revision: str) -> UserError:
        """What to tell someone who named a revision that is not there."""
        return UserError(f"{revision!r} names no commit in {self.repository.git_dir}. Fetch it, or correct the name.")

    def create(self, ref: str, commit: str, onto: str) -> str:
        """Bring a picked commit into the repository under a new branch; returns the full ref.

        Raises `UserError` when the name is not a legal one or is taken.
        """
        full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        check_branch(full.removeprefix("refs/heads/"))
        if self.git.attempt("show-ref", "--verify", "--quiet", "--", full).status == 0:
            raise UserError(f"{full} exists already and I move nothing. Choose another name, or delete it first.")
        self.picker.keep(commit)
        self._hand_over(commit, onto)
        new = ("--no-deref", "-m", "relbot: pick", "--end-of-options", full, commit, "")
        done = self.git.attempt("update-ref", *new)
        if done.status != 0:  # `a/b` where there is a branch `a`, say, or a name too long for the disk
            said = done.err.decode(errors="replace").strip().removeprefix("fatal: ")
            raise UserError(f"git did not make {full[:120]}: {said[:500]}. Choose another name.")
        return full

    def _promisor(self) -> str:
        """Configuration with which what a partial clone lacks is fetched from where it came from."""
        if not self.repository.may_be_partial:
            return ""
        from bot.tools.clone import configuration  # not for those who have everything

        promised = self._settings("--type=bool", "--get-regexp", r"^remote\..*\.promisor$")
        remotes = [key.removesuffix(".promisor") for key, value in promised.items() if value == "true"]
        old = self._settings("--get-regexp", r"^extensions\.partialclone$")
        remotes += [f"remote.{name}" for name in old.values()]
        urls = self._settings("--get-regexp", r"^remote\..*\.url$")
        return next((configuration(urls[f"{remote}.url"]) for remote in remotes if f"{remote}.url" in urls), "")

    def _settings(self, *which: str) -> dict[str, str]:
        """What the repository is configured to, the first of several values each."""
        listed = self.git.run("config", "-z", *which, ok=(0, 1)).decode(errors="replace")
        pairs = [entry.partition("\n") for entry in listed.split("\0") if entry]
        return {key: value for key, _, value in reversed(pairs)}

    def _resolve_alone(self, name: str) -> str | None:
        if NOT_IN_A_NAME.search(name):
            return None
        done = self.git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return done.out.decode("ascii").strip() or None if done.status == 0 else None

    def _range(self, revision: str) -> list[str]:
        if NOT_IN_A_NAME.search(revision):
            raise self.unknown(revision)
        try:
            listed = self.git.run("rev-list", "--reverse", "--end-of-options", revision, "--")
        except GitFault:
            raise self.unknown(revision) from None
        if not listed:
            raise UserError(f"The range {revision!r} is empty. The older end comes first: OLD..NEW.")
        return listed.decode("ascii").split()

    def _hand_over(self, commit: str, onto: str) -> None:
        """Copy the new objects, contents before what names them, so that a crash leaves nothing dangling."""
        for index in (self.scratch.directory / "objects" / "pack").glob("*.idx"):  # what a partial clone had to fetch
            for suffix in (".pack", ".promisor", ".rev", ".idx"):
                self._copy(index.with_suffix(suffix), Path("pack"))
        listed = self.scratch.view().run("rev-list", "--objects", "--no-object-names", commit, f"^{onto}")
        for name in reversed(listed.decode("ascii").split()):
            self._copy(self.scratch.loose.path(name), Path(name[:2]))

    def _copy(self, source: Path, folder: Path) -> None:
        target = self.repository.objects / folder / source.name
        if source.exists() and not target.exists():
            target.parent.mkdir(exist_ok=True)
            part = target.with_name(f"{target.name}.relbot")
            part.unlink(missing_ok=True)  # of one who was interrupted
            shutil.copyfile(source, part)
            part.chmod(0o444)
            part.rename(target)


def _git(directory: Path) -> Git:
    """git that may also go where the user's own clone came from. No configuration of a repository can allow it more."""
    ssh = {name: os.environ[name] for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT") if name in os.environ}
    return Git(directory, {"GIT_ALLOW_PROTOCOL": "file:http:https:ssh", **ssh})
