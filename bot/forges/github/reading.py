"""Turns PyGithub's objects into the bot's own nouns.

It must never send a request: PyGithub fetches what an object lacks, so only fields that every answer has are touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from github.GithubException import BadAttributeException, IncompletableObject
from github.IssueComment import IssueComment
from github.IssueEvent import IssueEvent
from github.Milestone import Milestone
from github.PullRequest import PullRequest
from github.Repository import Repository

from bot.core.actions import Labelling
from bot.core.errors import Fault
from bot.core.model import Comment, Person, Pull, Role
from bot.forges.fields import UnreadableError

T = TypeVar("T")

GHOST = Person(0, "ghost")
"""Stands for accounts that are gone. No real account has the id 0, so it can never be given a role."""

_MISSHAPEN = (BadAttributeException, IncompletableObject, UnreadableError, AttributeError, KeyError,
              TypeError, ValueError)  # fmt: skip


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Explain an answer that is JSON but not shaped as GitHub documents it; PyGithub raises many kinds of error."""
    try:
        yield
    except _MISSHAPEN as error:
        raise Fault(f"GitHub's answer about {what} is not shaped as it documents ({type(error).__name__}).") from error


def read_pull(found: PullRequest) -> Pull:
    """One pull, from a list or by itself: `merged` is only in the latter, so the time of the merge tells."""
    merged_at = _seconds(found.merged_at)
    return Pull(
        number=_given(found.number),
        title=_given(found.title),
        body=found.body or "",
        url=_given(found.html_url),
        author=read_person(found.user),
        is_open=_given(found.state) == "open",
        merged=merged_at is not None,
        merged_as=found.merge_commit_sha if merged_at is not None else None,
        closed_at=_seconds(found.closed_at) if merged_at is None else merged_at,
        base=_given(found.base.ref),
        base_sha=_given(found.base.sha),
        head=_given(found.head.ref),
        head_sha=_given(found.head.sha),
        head_repo_id=_id_of(found.head.repo),
        draft=bool(found.draft),
        labels=tuple(_given(label.name) for label in found.labels),
        assignees=tuple(_given(person.login) for person in found.assignees),
        milestone=_number_of(found.milestone),
    )


def read_comment(found: IssueComment) -> Comment:
    return Comment(_given(found.id), read_person(found.user), found.body or "")


def read_person(found: Any) -> Person:  # noqa: ANN401 - PyGithub has several kinds of account with the same fields
    """An account; one that GitHub no longer knows is `GHOST`."""
    return GHOST if found is None else Person(_given(found.id), _given(found.login), is_bot=found.type == "Bot")


def read_labellings(events: Iterable[IssueEvent]) -> dict[str, Labelling]:
    """Who put on each label that is there after all `events`, oldest first. Labels set by an account that is gone
    are left out: nobody can answer for them.
    """
    times: dict[str, int] = {}
    actors: dict[str, Person] = {}
    since: dict[str, int] = {}
    for event in events:
        match event.event:
            case "labeled":
                name = _given(event.label.name)
                times[name] = times.get(name, 0) + 1
                actors[name] = read_person(event.actor)
                since[name] = _seconds(event.created_at) or 0
            case "unlabeled":
                actors.pop(_given(event.label.name), None)
            case _:
                pass
    return {name: Labelling(actor, times[name], since[name]) for name, actor in actors.items() if actor != GHOST}


_ROLES = {
    "admin": Role.ADMIN,
    "maintain": Role.MAINTAIN,
    "write": Role.WRITE,
    "triage": Role.TRIAGE,
    "read": Role.READ,
    "none": Role.NONE,
}


def read_role(answer: dict[str, Any], person: Person) -> Role:
    """The role in an answer about collaborator permission, if it is about this very account.

    A role of the organisation's own making is as good as the permission it builds upon. Logins can change hands,
    ids cannot.
    """
    account = answer["user"]
    if account is None or account["id"] != person.id:
        return Role.NONE
    named = _ROLES.get(str(answer.get("role_name")))
    return _ROLES.get(str(answer.get("permission")), Role.NONE) if named is None else named


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _id_of(repository: Repository | None) -> int | None:
    return None if repository is None else _given(repository.id)


def _number_of(milestone: Milestone | None) -> int | None:
    return None if milestone is None else _given(milestone.number)


def _given(value: T | None) -> T:
    # PyGithub's types promise a value; an answer that lacks the field yields None all the same.
    if value is None:
        raise TypeError("a field that is always there is null")
    return value
