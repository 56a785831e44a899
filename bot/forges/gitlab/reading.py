"""Turns what GitLab answers into the bot's own nouns.

It must never send a request, and never take a field on trust: python-gitlab hands on whatever came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from gitlab.exceptions import GitlabError

from bot.core.actions import Labelling
from bot.core.errors import Fault
from bot.core.model import Comment, Person, Pull, Role
from bot.forges.fields import OBJECT_ID, Fields, UnreadableError
from bot.forges.wire_fault import WireFault

GHOST = Person(0, "ghost")
"""Stands for accounts that are gone. No real account has the id 0, so it can never be given a role."""

_MISSHAPEN = (UnreadableError, GitlabError, AttributeError, KeyError, TypeError, ValueError)
_DRAFT = re.compile(r"\A(?:\s*(?:draft:|\[draft\]|\(draft\))\s*)+", re.IGNORECASE)
_LONGEST_TITLE = 255


@contextmanager
def known() -> Iterator[None]:
    """What is asked for in here exists: GitLab has told of it, or we have just made it. That it is not found will pass,
    unless GitLab hides the whole project from us; that somebody else is changing it will pass too.
    """
    try:
        yield
    except WireFault as fault:
        unknown = fault.status == 404 and "Project" not in fault.said
        fault.passing = fault.passing or unknown or fault.status == 409
        raise


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Explain an answer that is JSON but not shaped as GitLab documents it."""
    try:
        yield
    except _MISSHAPEN as error:
        detail = str(error) if isinstance(error, UnreadableError) else type(error).__name__
        raise Fault(f"GitLab's answer about {what} is not shaped as it documents ({detail}).") from error


def read_pull(attributes: Mapping[str, Any]) -> Pull:
    """One merge request, from a list or by itself. Only the latter has `base_sha`, and one just made has no shas."""
    found = Fields("", dict(attributes))
    state = found.text("state")
    merged = state == "merged"
    draft = found.says("draft", value=True) or found.says("work_in_progress", value=True)
    title, refs = found.text("title"), _within(found, "diff_refs")
    head_sha = _sha(found, "sha") or _sha(refs, "head_sha")
    return Pull(
        number=found.number("iid"),
        title=_DRAFT.sub("", title) if draft else title,
        body=found.text("description") if found.has("description") else "",
        url=found.text("web_url"),
        author=read_person(found, "author"),
        is_open=state in {"opened", "locked"},  # locked: it is being merged at this moment
        merged=merged,
        merged_as=_merged_as(found, head_sha) if merged else None,
        closed_at=_seconds(found, "merged_at" if merged else "closed_at"),
        base=found.text("target_branch"),
        base_sha=_sha(refs, "base_sha"),
        head=found.text("source_branch"),
        head_sha=head_sha,
        head_repo_id=found.number("source_project_id") if found.has("source_project_id") else None,
        draft=draft,
        labels=found.texts("labels"),
        assignees=tuple(person.text("username") for person in found.each("assignees")),
        milestone=milestone.number("id") if (milestone := _within(found, "milestone")) else None,
    )


def _merged_as(found: Fields, head_sha: str) -> str | None:
    """The merge, or the squash that was fast-forwarded to; a plain fast-forward makes no commit and names none."""
    return _sha(found, "merge_commit_sha") or _sha(found, "squash_commit_sha") or head_sha or None


def title_of(wished: str, *, draft: bool) -> str:
    """The title that makes a merge request a draft, or not: GitLab keeps that nowhere else."""
    title = f"Draft: {wished}" if draft and not _DRAFT.match(wished) else wished
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"


def read_comment(attributes: Mapping[str, Any]) -> Comment:
    found = Fields("", dict(attributes))
    return Comment(found.number("id"), read_person(found, "author"), found.text("body"))


def is_by_people(attributes: Mapping[str, Any]) -> bool:
    """Whether a note was written, not made by GitLab to tell what has happened."""
    return attributes["system"] is False


def read_person(found: Fields, name: str) -> Person:
    """The account in a field. Whether it is a bot GitLab says only where an account is asked for by itself."""
    account = _within(found, name)
    return GHOST if account is None else Person(account.number("id"), account.text("username"))


def read_account(attributes: Mapping[str, Any]) -> Person:
    """An account asked for by itself."""
    found = Fields("", dict(attributes))
    return Person(found.number("id"), found.text("username"), is_bot=found.says("bot", value=True))


def read_labellings(events: Iterable[Mapping[str, Any]]) -> dict[str, Labelling]:
    """Who put on each label that is there after all `events`. Labels set by an account that is gone are left out:
    nobody can answer for them. A label that was deleted since has lost its name.
    """
    times: dict[str, int] = {}
    actors: dict[str, Person] = {}
    since: dict[str, int] = {}
    for event in sorted((Fields("", dict(event)) for event in events), key=lambda event: event.number("id")):
        if (label := _within(event, "label")) is None:
            continue
        name = label.text("name")
        if event.says("action", "add"):
            times[name] = times.get(name, 0) + 1
            actors[name] = read_person(event, "user")
            since[name] = _seconds(event, "created_at") or 0
        else:
            actors.pop(name, None)
    return {name: Labelling(actor, times[name], since[name]) for name, actor in actors.items() if actor != GHOST}


_LEVELS = ((50, Role.ADMIN), (40, Role.MAINTAIN), (30, Role.WRITE), (20, Role.TRIAGE), (10, Role.READ))


def read_role(attributes: Mapping[str, Any], person: Person) -> Role:
    """The role of a member. Levels between those that we know are as good as the next lower one."""
    found = Fields("", dict(attributes))
    if found.number("id") != person.id or not found.says("state", "active") or _awaits_approval(found):
        return Role.NONE
    if found.says("access_level", 0):
        return Role.NONE
    level = found.number("access_level")
    return next((role for least, role in _LEVELS if level >= least), Role.NONE)


def _awaits_approval(member: Fields) -> bool:
    return member.has("membership_state") and not member.says("membership_state", "active")


def _within(found: Fields, name: str) -> Fields | None:
    return found.fields(name) if found.has(name) else None


def _sha(found: Fields | None, name: str) -> str:
    """An object's id, which goes to git as it is; empty where there is none."""
    return found.matching(name, OBJECT_ID) if found and found.has(name) else ""


def _seconds(found: Fields, name: str) -> int | None:
    return int(datetime.fromisoformat(found.text(name)).timestamp()) if found.has(name) else None
