"""Repositories on GitHub by their names, and the events that they can be sent.

It must never take for the bot's to write what only everybody may read.
"""

from __future__ import annotations

import re

from bot.core.actions import Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.model import Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask
from bot.forges.github.reading import reading
from bot.forges.wire_fault import WireFault

_PATH = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9_.-]+/(?!\.{1,2}\Z)[A-Za-z0-9_.-]+", re.ASCII)


class Repositories:
    """Fulfils `bot.forges.Repositories` for one connection; `is_app` when it is a GitHub App's."""

    def __init__(self, connection: Connection, *, is_app: bool) -> None:
        self._connection = connection
        self._is_app = is_app

    def current(self, repo: Repo) -> Repo | Missing:
        """One request: GitHub redirects from a former name, as long as nobody else has taken it."""
        found = self._look(repo.path)
        there = None if found is None else _read(found)
        return there if there and there.id == repo.id else Missing(f"repository {repo.path}")

    def find(self, path: str) -> Repo | Missing:
        """One request. Of an App, that it is installed there says what it may: a token for anywhere else is not had."""
        found = self._look(path)
        if found is None or not (self._is_app or _may_push(found)):
            return Missing(f"repository {path}")
        return _read(found)

    def dispatch(self, wish: DispatchEvent) -> Dispatched | Missing | Refused:
        """A `repository_dispatch`, which GitHub answers with nothing."""
        repo, body = wish.repo, {"event_type": wish.name, "client_payload": dict(wish.payload)}
        try:
            wire = self._connection.wire(repo)
            wire.requestJsonAndCheck("POST", f"/repos/{repo.path}/dispatches", input=body)
        except WireFault as fault:
            return _refused(fault, wish)
        return Dispatched()

    def _look(self, path: str) -> Fields | None:
        if not _PATH.fullmatch(path):
            return None
        try:
            with reading(f"the repository {path}"):
                return ask(self._connection.wire(Repo("github", 0, path, "")), f"/repos/{path}")
        except WireFault as fault:
            if fault.status != 404 or fault.passing:
                raise
            return None


def _read(found: Fields) -> Repo:
    with reading("a repository"):
        return Repo("github", found.number("id"), found.text("full_name"), found.text("default_branch"))


def _may_push(found: Fields) -> bool:
    return found.has("permissions") and found.fields("permissions").says("push", value=True)


def _refused(fault: WireFault, wish: DispatchEvent) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = f"Give the bot's token the permission contents: write in {wish.repo.path}."
    return Refused(f"GitHub did not send the event {wish.name} to {wish.repo.path}: {fault.said or fault}", step)
