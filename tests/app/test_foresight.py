"""What a rehearsal is told of the writes of a release."""

from __future__ import annotations

import pytest

from bot.app.runner import rehearse
from bot.core.actions import BranchReady, Write, ask
from bot.core.cutting import CreateBranches, EnsureLabels, LabelsReady
from bot.core.deploying import Dispatched, DispatchEvent
from bot.core.issues import EnsureIssue, EnsureMilestone, Issue, IssueReady, IssueWish, Milestone, MilestoneWish
from bot.core.model import Line, Person, Release, ReleaseWish
from bot.core.publishing import DeleteBranch, DraftRelease, EnsureRelease, MarkLatest, PublishRelease, StageRelease
from bot.core.refs import BranchDeleted
from bot.core.setup import LabelWish
from bot.core.tagging import Provenance, Pushed, PushRelease, TagFound, TagWish
from bot.core.versions import Version
from tests.app.values import REPO


def test_a_rehearsal_foresees_what_comes_of_a_release():
    draft = DraftRelease(REPO, "a" * 40, Version(Line(2, 7), 1, 1), "v2.7.1-rc1", 5)
    tag = TagWish("v2.7.1-rc1", "f" * 40, "title", Provenance("@ada"), 5)
    expected = {
        StageRelease(draft, "f" * 40, "relbot/rc/2.7", None): BranchReady("f" * 40),
        PushRelease(REPO, tag): Pushed(TagFound("v2.7.1-rc1", "", "f" * 40, annotated=True, tagged_at=5)),
        EnsureRelease(REPO, ReleaseWish("v2.7.1", "t", "b", draft=True)): Release("v2.7.1", "t", "", "", draft=True),
        EnsureIssue(REPO, IssueWish("m", "t", "b", "l", ("l", "x"), 3)): IssueReady(
            Issue(0, "t", "b", "", Person(0, "relbot", is_bot=True), True, ("l", "x"), 3, is_mine=True), made=True
        ),
        EnsureMilestone(REPO, MilestoneWish("2.7.2", "d")): Milestone(0, "2.7.2", "d", True, ""),
        DeleteBranch(REPO, "relbot/rc/2.7", "f" * 40): BranchDeleted("f" * 40),
        DispatchEvent(REPO, "x", (("id", "1"),)): Dispatched(),
        CreateBranches(REPO, "f" * 40, ("release/2.9",)): BranchReady("f" * 40),
        EnsureLabels(REPO, (LabelWish("backport/2.9", "1d76db", "d"),)): LabelsReady(("backport/2.9",)),
        PublishRelease(REPO, "v2.7.1", latest=True): Release("v2.7.1", "v2.7.1", "", ""),
        MarkLatest(REPO, "v2.7.1", latest=True): Release("v2.7.1", "v2.7.1", "", ""),
    }

    def flow():
        answers = []
        for wish in expected:
            answer = yield from ask(wish)
            answers.append(answer)
        return answers

    answers, writes = rehearse(flow(), pytest.fail)
    assert answers == list(expected.values())
    assert writes == tuple(expected)


class Unheard(Write[None]):
    """A write of which nobody can tell what comes of it."""


def test_a_rehearsal_ends_where_nothing_can_be_foreseen():
    wish = Unheard()
    assert rehearse(flow_of(wish), pytest.fail) == (None, (wish,))


def flow_of(action):
    return (yield from ask(action))
