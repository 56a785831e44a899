"""A store of our own beside a repository: merges write here, the repository itself stays as it was.

It never writes into the repository it borrows objects from.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.core.errors import UserError
from bot.tools.git import Git
from bot.tools.objects import LooseStore
from bot.tools.packs import lend_commits


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository on this machine keeps its things, without asking git (and so without its configuration)."""

    git_dir: Path
    objects: Path
    algorithm: Literal["sha1", "sha256"]
    may_be_partial: bool = False
    """Whether objects may be missing that a remote has promised to have; git knows for sure."""

    @property
    def shallow(self) -> Path:
        """The file that says where a shallow history ends, if it does."""
        return self.objects.parent / "shallow"

    @classmethod
    def find(cls, directory: Path) -> Repository:
        """The repository that `directory` is, holds, or lies in. Raises `UserError` when there is none."""
        start = directory.absolute()
        for folder in (start, *start.parents) if start.is_dir() else ():
            for candidate in (folder / ".git", folder):
                if (git_dir := _git_dir(candidate)) is not None:
                    return cls.at(git_dir)
        raise UserError(f"There is no git repository at {directory}. Name one with --repo DIR.")

    @classmethod
    def at(cls, git_dir: Path) -> Repository:
        """The repository with this git directory."""
        pointer = git_dir / "commondir"  # present in a linked work tree
        common = (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir
        config = common / "config"
        text = config.read_text(errors="replace") if config.is_file() else ""
        sha256 = re.search(r"^[ \t]*objectformat[ \t]*=[ \t]*sha256[ \t\r]*$", text, re.IGNORECASE | re.MULTILINE)
        partial = re.search(r"promisor|partialclone|include", text, re.IGNORECASE)
        return cls(git_dir, common / "objects", "sha256" if sha256 else "sha1", partial is not None)


def _git_dir(candidate: Path) -> Path | None:
    if candidate.is_file() and candidate.name == ".git":
        pointer = candidate.read_text(errors="replace").strip()
        candidate = candidate.parent / pointer.removeprefix("gitdir: ")
    if (candidate / "HEAD").exists() and ((candidate / "objects").is_dir() or (candidate / "commondir").is_file()):
        return candidate.resolve()
    return None


class Scratch:
    """A bare store with the repository's objects as alternates. One git directory per set of attributes."""

    def __init__(
        self, directory: Path, repository: Repository, extra_config: str = "", git: Callable[[Path], Git] = Git,
    ) -> None:  # fmt: skip
        """`directory` is made. `extra_config` (a promisor remote, say) and `git` reach where missing objects are."""
        self.directory = directory
        self._git = git
        self.repository = repository
        self._extra_config = extra_config
        self._views: dict[bytes, Git] = {}
        self._making = threading.Lock()
        objects = directory / "objects"
        (objects / "info").mkdir(parents=True, exist_ok=True)
        if "\n" in str(repository.objects):
            raise UserError(f"The path {str(repository.objects)!r} has a line break, which git cannot borrow from.")
        (objects / "info" / "alternates").write_text(f"{repository.objects}\n")
        self.loose = LooseStore(objects, repository.algorithm)

    def view(self, attributes: bytes = b"") -> Git:
        """A git directory on this store in which these attributes, and no others, are in force."""
        with self._making:  # a merge must not read the attributes while another thread writes them again
            if attributes not in self._views:
                name = hashlib.sha256(attributes).hexdigest()[:16]
                self._views[attributes] = self._git(self._make_view(name, attributes, self._extra_config))
            return self._views[attributes]

    def offline(self) -> Git:
        """A git directory on this store in which what is missing is missing, and not fetched."""
        with self._making:
            return Git(self._make_view("offline", b"", ""))

    def lending(self, commits: Mapping[str, bytes]) -> AbstractContextManager[None]:
        """A block in which git finds these commits (id → content) here; see `lend_commits`."""
        return lend_commits(self.directory / "objects", commits, self.repository.algorithm)

    def _make_view(self, name: str, attributes: bytes, extra_config: str) -> Path:
        view = self.directory / "views" / name
        (view / "refs").mkdir(parents=True, exist_ok=True)
        (view / "info").mkdir(exist_ok=True)
        (view / "info" / "attributes").write_bytes(attributes)
        version, extension = (1, "\n[extensions]\n\tobjectFormat = sha256") if self._is_sha256 else (0, "")
        if extra_config:
            version = 1
        (view / "config").write_text(
            f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = true{extension}\n{extra_config}"
        )
        if not (view / "objects").is_symlink():
            (view / "objects").symlink_to(Path("../../objects"))
        if self.repository.shallow.is_file():
            shutil.copyfile(self.repository.shallow, view / "shallow")
        (view / "HEAD").write_text("ref: refs/heads/none\n")  # last: it makes the folder a git directory
        return view

    @property
    def _is_sha256(self) -> bool:
        return self.repository.algorithm == "sha256"
