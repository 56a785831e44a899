"""Each action about issues, milestones and facts becomes one call; what is written holds no credential."""

from __future__ import annotations

import pytest

from bot.app.log import hide_for_now
from bot.app.perform import Performer
from bot.core.actions import Refused
from bot.core.cutting import EnsureLabels, LabelsReady
from bot.core.issues import (
    EnsureIssue,
    EnsureMilestone,
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    GetIssue,
    IssueWish,
    Milestone,
    MilestoneWish,
)
from bot.core.model import Secret
from bot.core.setup import LabelWish
from bot.core.standing import GetRequired
from tests.app.values import REPO

WISH = IssueWish("<!-- relbot:x -->", "title", "body")
MILESTONE = Milestone(3, "2.7.1", "", True, "u")


class Shelf:
    """One attribute of a forge, or the forge: answers every verb with where it was called, and with what."""

    def __init__(self, name=""):
        self._name = name

    def __getattr__(self, verb):
        if verb in {"issues", "milestones", "checks"}:
            return Shelf(f"{verb}.")
        return lambda *given, **named: (f"{self._name}{verb}", *given, *named.items())


CASES = [
    (GetIssue(REPO, 12), ("issues.get", REPO, 12)),
    (FindIssue(REPO, "m", "l", anywhere=False), ("issues.find", REPO, "m", "l", ("anywhere", False))),
    (EnsureIssue(REPO, WISH), ("issues.ensure", REPO, WISH)),
    (FindLabelled(REPO, "v2.7", 5, closed=True), ("issues.labelled", REPO, "v2.7", 5, ("closed", True))),
    (FindMilestone(REPO, "2.7.1"), ("milestones.find", REPO, "2.7.1")),
    (EnsureMilestone(REPO, MilestoneWish("2.7.1")), ("milestones.ensure", REPO, MilestoneWish("2.7.1"))),
    (FindInMilestone(REPO, MILESTONE, 5), ("milestones.items", REPO, MILESTONE, 5)),
    (GetFacts(REPO, (1, 2)), ("facts", REPO, (1, 2))),
    (GetRequired(REPO, "release/2.7"), ("checks.required", REPO, "release/2.7")),
]


@pytest.mark.parametrize(("action", "call"), CASES, ids=lambda case: type(case).__name__)
def test_an_action_becomes_one_call_whose_answer_is_its_outcome(action, call):
    assert Performer({"github": Shelf()}, None)(action) == call


def test_no_credential_is_written_into_an_issue_or_a_milestone():
    hide_for_now(Secret("s3cret-of-issues"))
    perform = Performer({"github": Shelf()}, None)
    told = perform(EnsureIssue(REPO, IssueWish("m", "a s3cret-of-issues", "s3cret-of-issues!")))[2]
    assert (told.title, told.body) == ("a ***", "***!")
    assert perform(EnsureMilestone(REPO, MilestoneWish("t", "s3cret-of-issues")))[2].description == "***"


class Shelved:
    """Labels that are there, and those that are made."""

    def __init__(self, *there, refuse=""):
        self.there, self.refuse = [*there], refuse

    @property
    def labels(self):
        return self

    def all(self, repo):
        return tuple(self.there)

    def ensure(self, repo, wish):
        if wish.name == self.refuse:
            return Refused("no", "no")
        self.there.append(wish.name)
        return True


def test_only_labels_that_are_not_there_are_made():
    wishes = tuple(LabelWish(name, "1d76db", "d") for name in ("a", "B", "c"))
    perform = Performer({"github": Shelved("b")}, None)
    assert perform(EnsureLabels(REPO, wishes)) == LabelsReady(("a", "c"))
    assert perform(EnsureLabels(REPO, wishes)) == LabelsReady()
    assert Performer({"github": Shelved(refuse="B")}, None)(EnsureLabels(REPO, wishes)) == Refused("no", "no")
