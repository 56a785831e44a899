"""Turns the actions about versions and what forges show of them into calls of a forge, or of what drafts.

It must never decide anything, nor hand a credential on in a text: what is written is cleaned of them here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from bot.app.log import conceal
from bot.core.actions import BranchMoved, BranchReady, EnsureComment, Refused, Write
from bot.core.deploying import DispatchEvent, GetRepo
from bot.core.model import Comment, Release
from bot.core.publishing import (
    DeleteBranch,
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    MarkLatest,
    PublishRelease,
    StageRelease,
    TellPull,
)
from bot.forges import Forge
from bot.forges.wire_fault import WireFault

_OfForge = (
    FindRelease | FindReleases | EnsureRelease | PublishRelease | MarkLatest | DeleteBranch | GetRepo | DispatchEvent
    | TellPull
)  # fmt: skip
OfReleases = _OfForge | GetCapabilities


class Drafting(Protocol):
    """What makes the commits of versions."""

    def draft(self, action: DraftRelease) -> Drafted | Refused: ...
    def stage(self, action: StageRelease) -> BranchReady | BranchMoved | Refused: ...


def draft_release(drafting: Drafting, action: DraftRelease | StageRelease) -> object:
    """Draft a version, or put the draft on the bot's own branch."""
    match action:
        case DraftRelease():
            return drafting.draft(_concealed(action))
        case StageRelease(draft):
            return drafting.stage(replace(action, draft=_concealed(draft)))


def ask_about_releases(forge: Forge, action: OfReleases) -> object:
    """Whatever is asked or wished for of a forge. A write answers without the release's text, which may be long."""
    outcome = forge.capabilities if isinstance(action, GetCapabilities) else _ask(forge, action)
    if isinstance(action, Write) and isinstance(outcome, Release):
        return replace(outcome, body="")
    return outcome


def _ask(forge: Forge, action: _OfForge) -> object:
    match action:
        case FindRelease(repo, tag):
            return forge.releases.find(repo, tag)
        case FindReleases(repo):
            return forge.releases.all(repo)
        case EnsureRelease(repo, wish):
            return forge.releases.ensure(repo, replace(wish, title=conceal(wish.title), body=conceal(wish.body)))
        case PublishRelease(repo, tag, latest):
            return forge.releases.publish(repo, tag, latest=latest)
        case MarkLatest(repo, tag, latest):
            return forge.releases.set_latest(repo, tag, latest=latest)
        case DeleteBranch(repo, branch, expect):
            return forge.branches.delete(repo, branch, expect=expect)
        case GetRepo(repo, path):
            return forge.repositories.find(path) if path else forge.repositories.current(repo)
        case DispatchEvent():
            return forge.repositories.dispatch(action)
        case TellPull():
            return _tell(forge, action)


_CLOSED_TO_US = (403, 404, 410, 422)
"""What forges answer where nobody may comment any more, or nobody could ever."""


def _tell(forge: Forge, action: TellPull) -> Comment | Refused:
    try:
        return forge.ensure_comment(
            EnsureComment(action.repo, action.number, action.marker, conceal(action.body))
        )  # fmt: skip
    except WireFault as fault:
        if fault.passing or fault.status not in _CLOSED_TO_US:
            raise
        return Refused(f"#{action.number} takes no comment of mine: {fault.reason}", "Say it there by hand.")


def _concealed(draft: DraftRelease) -> DraftRelease:
    facts = tuple(replace(one, title=conceal(one.title), body=conceal(one.body)) for one in draft.facts)
    notes = tuple((number, conceal(said) if said else said) for number, said in draft.notes)
    known = tuple((number, on, conceal(title)) for number, on, title in draft.known)
    return replace(draft, facts=facts, notes=notes, known=known)
