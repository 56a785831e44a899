"""The sandbox forge itself: who and what there is, where the repositories lie, and who may do what.

It never answers a request and never makes JSON: routes and shapes do, with what they find here.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from bot.sandbox.bare import Bare
from bot.sandbox.deliveries import Deliveries
from bot.sandbox.faces import Face, Letter
from bot.sandbox.merging import Person
from bot.sandbox.state import ROLES, Group, Hook, Repository, User, load_world, save_world

GHOST = "ghost"


class Forge:
    """State in `directory`, bare repositories in `directory/git`. Everything that changes holds `lock`."""

    def __init__(
        self, directory: Path, face: Face, deliveries: Deliveries, clock: Callable[[], float] = time.time
    ) -> None:
        self.directory = directory
        self.face = face
        self.deliveries = deliveries
        deliveries.settled, deliveries.reseal = self._note_attempt, face.reseal
        self.clock = clock
        deliveries.clock = self.now
        self.url = ""
        self.lock = threading.RLock()
        self.unknown_reads = 0
        """How many times a pull must be read before it says whether it merges; the real forge needs a moment."""
        self.sent_again: dict[tuple[int, str], list[int]] = {}
        """When webhooks were last asked for again, by the id of the project and the account: GitLab counts that."""
        self.sizes: dict[tuple[int, str, str], tuple[int, int, int, int]] = {}
        """Commits, added and deleted lines and files of a pull by (repository, base, head): all fixed by the shas."""
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / "forge.json"
        self.world = load_world(self._file, face.kind)
        self._depth = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock and write the state afterwards, also when the change was refused half-way."""
        with self.lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    with self.face.watch(self):
                        yield
                else:
                    yield
            finally:
                self._depth -= 1
                save_world(self.world, self._file)

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock())

    def bare(self, repository: Repository) -> Bare:
        return Bare(self.directory / "git" / f"{repository.id}.git")

    def add_user(self, login: str, kind: Literal["User", "Bot", "Organization"] = "User") -> User:
        """The account of this name; made with a fresh token when there is none."""
        known = self.world.users.get(login.lower())
        if known is None:
            token = f"sandbox_{secrets.token_hex(20)}"
            known = self.world.users[login.lower()] = User(self.world.take_id(), login, token, kind)
        return known

    def user(self, login: str) -> User:
        """The account of this name, or the stand-in for accounts that are gone."""
        return self.world.users.get(login.lower()) or self.add_user(GHOST)

    def address_of(self, user: User) -> str:
        """The address that a commit made by the forge in an account's name carries."""
        return self.face.address.format(id=user.id, login=user.login)

    def person(self, login: str) -> Person:
        """Name and address of an account, for a commit that the forge makes in its name."""
        user = self.user(login)
        return Person(user.login, self.address_of(user))

    def by_token(self, token: str) -> User | None:
        matches = (user for user in self.world.users.values() if secrets.compare_digest(user.token, token))
        return next(matches, None)

    def repository(self, path: str) -> Repository | None:
        """The repository that has this path now; names are the same in any case."""
        wanted = path.lower()
        return next((known for known in self.world.repositories.values() if known.path.lower() == wanted), None)

    def find(self, path: str) -> Repository | None:
        """The repository that has this path now or once had it."""
        return self.repository(path) or self.world.repositories.get(self.world.moved.get(path.lower(), -1))

    def add_repository(self, path: str, default_branch: str = "main", *, private: bool = False) -> Repository:
        """An empty repository. Raises `ValueError` when the path is taken or is not one."""
        owner, name = self._split(path)
        if self.repository(path):
            raise ValueError(f"{path!r} is taken")
        self.add_user(owner, "Organization")
        now = self.now()
        repository = Repository(self.world.take_id(), owner, name, now, now, default_branch, private)
        repository.exact_labels = self.face.exact_labels
        Bare.create(self.bare(repository).path, default_branch, self.face.kind)
        self.world.repositories[repository.id] = repository
        return repository

    def add_fork(self, parent: Repository, owner: str) -> Repository:
        """A copy of `parent` in the name of `owner`, with its branches and tags."""
        fork = self.add_repository(f"{owner}/{parent.name}", parent.default_branch, private=parent.private)
        fork.parent = parent.id
        source = str(self.bare(parent).path)
        self.bare(fork).run("fetch", "--quiet", source, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        return fork

    def delete_repository(self, repository: Repository) -> None:
        """Take a repository away. Pulls that came from it keep their commits: the base repository has them."""
        del self.world.repositories[repository.id]
        shutil.rmtree(self.bare(repository).path)

    def rename_repository(self, repository: Repository, path: str) -> None:
        """Give a repository another path; the old one answers with a redirect."""
        owner, name = self._split(path)
        self.world.moved[repository.path.lower()] = repository.id
        repository.owner, repository.name = owner, name
        self.add_user(repository.owner, "Organization")

    def _split(self, path: str) -> tuple[str, str]:
        # Only GitLab has groups in groups: there the owner is everything before the last slash.
        owner, _, name = path.rpartition("/")
        if not owner or not name or "" in owner.split("/") or (self.face.kind == "github" and "/" in owner):
            raise ValueError(f"{path!r} is not the path of a repository")
        return owner, name

    def add_group(self, path: str) -> Group:
        """What is kept for a namespace and everything below it."""
        known = self.world.groups.get(path.lower())
        if known is None:
            owner = self.add_user(path, "Organization")
            known = self.world.groups[path.lower()] = Group(owner.id, path)
        return known

    def groups_of(self, repository: Repository) -> list[Group]:
        """The groups round a repository that have members or hooks, the nearest first."""
        return self._groups_at(repository.owner)

    def group_role(self, path: str, user: User) -> str | None:
        """The role that an account was given in the group at `path` or in one round it."""
        given = [group.members.get(user.login.lower()) for group in self._groups_at(path)]
        return max((role for role in given if role), key=ROLES.index, default=None)

    def _groups_at(self, path: str) -> list[Group]:
        words = path.lower().split("/")
        paths = ("/".join(words[:count]) for count in range(len(words), 0, -1))
        return [self.world.groups[path] for path in paths if path in self.world.groups]

    def related(self, repository: Repository) -> list[Repository]:
        """The repository itself, what it was forked from and its forks: pulls may come from any of them."""
        root = repository.parent or repository.id
        return [known for known in self.world.repositories.values() if root in {known.id, known.parent}]

    def role_of(self, repository: Repository, user: User | None) -> str:
        """One of `ROLES`: the owner is admin, everybody may read what is public."""
        return self.given_role(repository, user) or ("none" if repository.private else "read")

    def given_role(self, repository: Repository, user: User | None) -> str | None:
        """The role that an account was given, in the repository or in a group round it; None for a stranger."""
        if user is None:
            return None
        if user.login.lower() == repository.owner.lower():
            return "admin"
        given = (repository.collaborators.get(user.login.lower()), self.group_role(repository.owner, user))
        return max((role for role in given if role), key=ROLES.index, default=None)

    def may(self, repository: Repository, user: User | None, role: str) -> bool:
        """Whether the account has at least this role."""
        return ROLES.index(self.role_of(repository, user)) >= ROLES.index(role)

    def listens(self, repository: Repository) -> bool:
        """Whether any hook would hear of what happens in a repository."""
        around = any(group.hooks for group in self.groups_of(repository))
        return bool(repository.hooks) or around or bool(self.face.bystanders(self, repository))

    def emit(self, repository: Repository, event: str, payload: dict[str, Any], wanted: str = "") -> None:
        """Send an event to every hook, of the repository and of the groups round it, that wants it (as `wanted`)."""
        holders: list[Repository | Group] = [repository, *self.groups_of(repository)]
        for holder in holders:
            for hook in holder.hooks.values():
                if hook.active and {"*", wanted or event} & set(hook.events):
                    self.send(hook, event, payload, holder.id)
        for hook, extra, origin in self.face.bystanders(self, repository):
            self.send(hook, event, payload | extra, origin)

    def send(self, hook: Hook, event: str, payload: dict[str, Any], origin: int) -> None:
        """Send an event to one hook, if the hook is not switched off for a while."""
        if hook.disabled_until is None or hook.disabled_until <= self.now():
            self.deliveries.send(hook, self._seal(hook, event, payload, origin))

    def try_out(self, hook: Hook, event: str, payload: dict[str, Any], origin: int) -> tuple[int, str]:
        """Send an event to one hook at once, even if it is switched off; what it answered."""
        return self.deliveries.try_out(hook, self._seal(hook, event, payload, origin))

    def _seal(self, hook: Hook, event: str, payload: dict[str, Any], origin: int) -> Letter:
        return self.face.seal(hook, event, json.dumps(payload, separators=(",", ":")).encode(), origin)

    def add_hook(self, holder: Repository | Group, url: str, secret: str, events: list[str]) -> Hook:
        hook = Hook(self.world.take_id(), url, secret, events, self.now())
        holder.hooks[hook.id] = hook
        return hook

    def _note_attempt(self, hook: Hook, status: int) -> None:
        with self.lock:
            self.face.note_attempt(hook, status, self.now())
