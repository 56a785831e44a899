"""Orders from the command line: what confirms them, how long they are waited for, and whose trackers are seen."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest

from bot.app.asking import InPerson, Patience, carry_out, find_asker, foresee_all
from bot.app.runner import Decisions
from bot.core.actions import DressPull, EnsureComment, GetRole, Missing, ask
from bot.core.deploying import DispatchEvent
from bot.core.errors import Fault, UserError
from bot.core.issues import EnsureIssue, FindIssue, FindLabelled, GetIssue, Issue, IssueReady, IssueWish, Item, Items
from bot.core.jobs import Report
from bot.core.model import Line, Role
from bot.core.publishing import TellPull
from bot.core.wishes import Asked, KeepTracker, MakeCandidate, MakeFinal
from tests.app.values import ADA, REPO

L27 = Line(2, 7)
FINAL = MakeFinal(REPO, L27, Asked(ADA, 0, 0, at=1_700_000_000))
CANDIDATE = MakeCandidate(REPO, L27, Asked(ADA, 0, 0, at=1_700_000_000))
MARKER = "<!-- relbot:tracker 2.7 -->"


def make_final(job):
    """As finals are made: shown with a code, and done when it is said by the time."""
    code = job.code("a" * 40)
    if job.answered is None:
        return Report(job, "waiting", "It waits.", code=code)
    assert (job.answered.code, job.answered.by, job.answered.at) == (code, ADA, job.asked.at)
    yield from ask(DressPull(REPO, 12, (), (), None))
    return Report(job, "made", "It is made.")


def plan(event):
    raise AssertionError
    yield


def perform(action):
    return None


DECISIONS = Decisions(plan, make_final)


@pytest.mark.parametrize(("answer", "outcome"), [(True, "made"), (False, "waiting")])
def test_what_wants_a_confirmation_is_done_when_there_is_one(answer, outcome):
    shown = []

    def confirm(report):
        shown.append(report.code)
        return answer

    report = carry_out(FINAL, perform, confirm, Patience(longest=1, sleep=pytest.fail), DECISIONS)
    assert (report.outcome, shown) == (outcome, [FINAL.code("a" * 40)])
    assert bool(report.code) is not answer


def test_a_rehearsal_takes_the_confirmation_for_given():
    report, writes = foresee_all(FINAL, InPerson(perform), DECISIONS)
    assert report is not None
    assert (report.outcome, [type(write).__name__ for write in writes]) == ("made", ["DressPull"])


@pytest.mark.parametrize(("longest", "outcome", "pauses"), [(0, "waiting", 0), (60, "waiting", 2), (600, "made", 3)])
def test_what_waits_for_others_is_begun_again_until_it_ends_or_patience_does(longest, outcome, pauses):
    seen, slept = [], []

    def make(job):
        seen.append(job.key)
        return Report(job, "waiting" if len(seen) < 4 else "made", "…")
        yield

    patience = Patience(longest=longest, pause=30, sleep=slept.append)
    report = carry_out(CANDIDATE, perform, pytest.fail, patience, Decisions(plan, make))
    assert (report.outcome, slept, len(seen)) == (outcome, [30] * pauses, pauses + 1)
    assert set(seen) == {CANDIDATE.key}, "it is the same wish, so it makes one candidate"


def test_ctrl_c_ends_what_is_being_done_and_nothing_is_begun_after_it():
    done, going = [], Event()
    follower = KeepTracker(REPO, L27, "a tag")

    def flow_of(job):
        if job == follower:
            yield from ask(DressPull(REPO, 12, (), (), None))
        return Report(job, "waiting", "…", then=(follower,) if job == CANDIDATE else ())

    def perform(action):
        done.append(action)
        going.set()
        raise Fault("come again", passing=True, retry_after=60)

    def press_ctrl_c(seconds):
        assert going.wait(10)
        raise KeyboardInterrupt

    told = []
    patience = Patience(longest=60, sleep=press_ctrl_c, tell=told.append)
    with pytest.raises(KeyboardInterrupt):
        carry_out(CANDIDATE, perform, pytest.fail, patience, Decisions(plan, flow_of))
    assert (len(done), [report.summary for report in told]) == (1, ["…"])


class Forge:
    """One account; what is thrown stands for a forge that does not tell."""

    def __init__(self, fault=None):
        self.fault = fault

    def me(self):
        if self.fault:
            raise self.fault
        return ADA

    def identify(self, person):
        return person


def test_the_owner_of_the_token_asks_and_a_token_of_nobody_is_told_from_trouble_that_passes():
    assert find_asker(Forge()) == ADA
    with pytest.raises(UserError, match="does not tell whose token this is"):
        find_asker(Forge(Fault("403")))
    with pytest.raises(Fault, match="502"):
        find_asker(Forge(Fault("502", passing=True)))


# ── in person ────────────────────────────────────────────────────────────────────────────────────────────────────────

KEPT = Issue(9, "Release 2.7", MARKER, "", ADA, is_open=True)
OWN = Issue(3, "Release 2.7", MARKER, "", ADA, is_open=True, is_mine=True)
WISH = IssueWish(MARKER, "Release 2.7", "new text")


class Tracked:
    """A forge on which another account keeps a tracker, or none does."""

    def __init__(self, kept, own=None):
        self.kept, self.own, self.written = kept, own, []

    def __call__(self, action):
        match action:
            case FindIssue():
                return self.own or Missing("the issue")
            case FindLabelled():
                return Items((Item(9, "issue", "", ""),) if self.kept else ())
            case GetIssue():
                return self.kept
            case GetRole():
                return Role.WRITE
            case EnsureIssue():
                self.written.append(action.wish)
                return IssueReady(OWN)
            case EnsureComment() | TellPull() | DispatchEvent():
                self.written.append(action)
                return None


def test_the_tracker_that_the_bot_keeps_is_read_and_never_doubled():
    forge = Tracked(KEPT)
    assert InPerson(forge)(FindIssue(REPO, MARKER)) == KEPT
    assert InPerson(forge)(EnsureIssue(REPO, WISH)) == IssueReady(KEPT)
    assert forge.written == []
    person = InPerson(forge)
    person(FindIssue(REPO, MARKER))
    assert person(EnsureComment(REPO, 9, "<!-- news -->", "news", on="issue")).body == "news"
    assert forge.written == [], "whoever keeps it tells there what has happened"
    person(EnsureComment(REPO, 9, "<!-- news -->", "news", on="pull"))
    person(EnsureComment(REPO, 8, "<!-- news -->", "news", on="issue"))
    assert [action.number for action in forge.written] == [9, 8]
    assert InPerson(forge)(FindIssue(REPO, MARKER, "another label")) == Missing("the issue")


@pytest.mark.parametrize("wish", [
    TellPull(REPO, 12, "<!-- released -->", "Released"), DispatchEvent(REPO, "relbot-release", ()),
])  # fmt: skip
def test_beside_the_bot_pulls_and_deployments_are_told_by_the_bot_alone(wish):
    for forge, told in ((Tracked(KEPT), 0), (Tracked(None), 1), (Tracked(KEPT, OWN), 1)):
        person = InPerson(forge)
        person(FindIssue(REPO, MARKER))
        person(wish)
        assert len(forge.written) == told


def test_ones_own_tracker_comes_first():
    forge = Tracked(KEPT, OWN)
    assert InPerson(forge)(FindIssue(REPO, MARKER)) == OWN
    assert InPerson(forge)(EnsureIssue(REPO, WISH)) == IssueReady(OWN)
    assert forge.written == [WISH]


def test_nobody_opens_a_tracker_that_the_bot_would_not_know_for_its_own():
    forge = Tracked(None)
    assert InPerson(forge)(FindIssue(REPO, MARKER)) == Missing("the issue")
    refused = InPerson(forge)(EnsureIssue(REPO, WISH))
    assert "known by the account that opens it" in refused.reason and "adopt" in refused.next_step
    InPerson(forge)(EnsureIssue(REPO, replace(WISH, label="another")))
    assert [wish.label for wish in forge.written] == ["another"]


def test_a_rehearsal_does_not_open_it_either():
    def keep(job):
        ready = yield from ask(EnsureIssue(REPO, WISH))
        return Report(job, "made", str(ready))

    for forge, said, kinds in ((Tracked(None), "known by the account", []), (Tracked(None, OWN), "", ["EnsureIssue"])):
        report, writes = foresee_all(CANDIDATE, InPerson(forge), Decisions(plan, keep))
        assert said in report.summary
        assert ([type(write).__name__ for write in writes], forge.written) == (kinds, [])
