"""What will come of a write if it goes well, for rehearsals.

It must never perform anything, nor guess: where an outcome cannot be foreseen, the rehearsal ends.
"""

from __future__ import annotations

from typing import Any

from bot.core.actions import (
    BranchReady,
    DescribePull,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    PullReady,
    React,
    ReportOn,
    SetLabels,
    Write,
)
from bot.core.cutting import CreateBranches, EnsureLabels, LabelsReady
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.issues import EnsureIssue, EnsureMilestone, Issue, IssueReady, IssueWish, Milestone
from bot.core.model import Comment, Person, Pull, Release
from bot.core.publishing import DeleteBranch, EnsureRelease, MarkLatest, PublishRelease, StageRelease, TellPull
from bot.core.refs import BranchDeleted
from bot.core.tagging import Pushed, PushRelease, StageCommit, TagFound

_SELF = Person(0, "relbot", is_bot=True)


class Unforeseeable(Exception):  # noqa: N818 - it ends a rehearsal, and is no error
    """A write whose outcome cannot be guessed."""


def foresee(write: Write[Any]) -> object:
    """The outcome. What a forge would number or name is 0 or empty in it."""
    match write:
        case EnsureBranch() | StageCommit() | StageRelease() | CreateBranches():
            return BranchReady(write.commit)
        case EnsurePull():
            return PullReady(_imagine_pull(write), opened=True)
        case EnsureComment() | TellPull():
            return Comment(write.existing or 0 if isinstance(write, EnsureComment) else 0, _SELF, write.body)
        case DescribePull() | DressPull() | SetLabels() | React() | ReportOn():
            return None
        case PushRelease(tag=tag):
            return Pushed(TagFound(tag.name, "", tag.commit, annotated=True, tagged_at=tag.tagged_at))
        case EnsureIssue() | EnsureMilestone() | EnsureLabels():
            return _foresee_work(write)
        case EnsureRelease() | PublishRelease() | MarkLatest():
            return _imagine_release(write)
        case DispatchEvent():
            return Dispatched()
        case DeleteBranch(expect=sha):
            return BranchDeleted(sha)
        case _:
            raise Unforeseeable


def _foresee_work(write: EnsureIssue | EnsureMilestone | EnsureLabels) -> object:
    match write:
        case EnsureIssue(wish=issue):
            return IssueReady(_imagine_issue(issue), made=True)
        case EnsureMilestone(wish=milestone):
            return Milestone(0, milestone.title, milestone.description, milestone.is_open, "")
        case EnsureLabels(wishes=wishes):
            return LabelsReady(tuple(wish.name for wish in wishes))


def _imagine_release(write: EnsureRelease | PublishRelease | MarkLatest) -> Release:
    if isinstance(write, EnsureRelease):
        return Release(write.wish.tag, write.wish.title, "", "", write.wish.draft, write.wish.prerelease)
    return Release(write.tag, write.tag, "", "")


def _imagine_issue(wish: IssueWish) -> Issue:
    labels = tuple(dict.fromkeys((wish.label, *wish.labels)))
    return Issue(0, wish.title, wish.body, "", _SELF, wish.is_open, labels, wish.milestone, is_mine=True)


def _imagine_pull(wish: EnsurePull) -> Pull:
    return Pull(
        number=0,
        title=wish.title,
        body=wish.body,
        url="",
        author=_SELF,
        is_open=True,
        merged=False,
        merged_as=None,
        closed_at=None,
        base=wish.base,
        base_sha="",
        head=wish.head,
        head_sha="",
        head_repo_id=wish.repo.id,
        draft=wish.draft,
    )
