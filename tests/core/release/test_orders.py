"""What is asked for in a comment becomes the right job, and a confirmation reaches the wish that it was shown for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import GetRole, Sync
from bot.core.conversation import plan_comment
from bot.core.events import CommentPosted
from bot.core.jobs import Ended, FindEnded, FindWaiting
from bot.core.model import Role
from bot.core.wishes import Answered, Asked, MakeCandidate, MakeFinal, ShowPlan, Yank
from tests.core.driving import AS_SENT, drive
from tests.core.values import ADA, BOB, L26, L27, REPO, synced

AT = 1_700_000_000
FINAL = MakeFinal(REPO, L27, Asked(BOB, 12, 400, at=AT))
YANK = Yank(REPO, L26, Asked(BOB, 13, 401, at=AT), patch=1, reason="broken")
WAITING = (MakeCandidate(REPO, L27, Asked(BOB, 12, 399, at=AT)), FINAL, YANK)
WORLD = {**AS_SENT, GetRole: Role.MAINTAIN, Sync: synced(), FindWaiting: WAITING}


def say(body, number=12, on="pull", **world):
    event = CommentPosted(REPO, number, 501, ADA, body, on=on, written_at=AT + 60)
    named = {kind.__name__: kind for kind in (*WORLD, FindEnded)}
    plan, _ = drive(plan_comment(event), {**WORLD, **{named[name]: answer for name, answer in world.items()}})
    return plan.jobs[0].text, plan.jobs[1:]


def test_each_wish_is_a_job_of_its_own_with_who_asked_and_where():
    asked = Asked(ADA, 12, 501, at=AT + 60)
    body = "/release plan rc 2.7\n/release plan final 2.7\n/release final 2.7 rc=3\n/release yank v2.7.1-rc2 reason=no"
    assert say(body)[1] == (
        ShowPlan(REPO, L27, asked), ShowPlan(REPO, L27, asked, final=True), MakeFinal(REPO, L27, asked, candidate=3),
        Yank(REPO, L27, asked, patch=1, rc=2, reason="no"),
    )  # fmt: skip
    assert len({job.key for job in say(body)[1]}) == 4


def test_a_code_confirms_the_wish_that_it_was_shown_for_wherever_it_is_said():
    code = FINAL.code("whatever it is bound to")
    assert say(f"/release confirm {code.upper()}", number=99) == (
        None, (replace(FINAL, answered=Answered(ADA, code, AT + 60)),),
    )  # fmt: skip
    assert say(f"/release confirm {YANK.code()}")[1] == (replace(YANK, answered=Answered(ADA, YANK.code(), AT + 60)),)


def test_a_code_that_nothing_waits_for_is_answered():
    for waiting in (WAITING, ()):
        text, jobs = say("/release confirm ffff-92c1d04e", FindWaiting=waiting)
        assert (jobs, "Nothing waits for `ffff-92c1d04e`" in text) == ((), True)


def test_what_is_dropped_is_what_was_asked_for_here():
    assert say("/release cancel")[1] == (replace(FINAL, answered=Answered(ADA, "", AT + 60)),)
    assert say("/release cancel", number=13)[1] == (replace(YANK, answered=Answered(ADA, "", AT + 60)),)
    text, jobs = say("/release cancel", number=14)
    assert (jobs, "there is nothing to drop" in text) == ((), True)


def test_what_is_retried_has_to_be_confirmed_anew():
    refused = Ended(replace(FINAL, answered=Answered(ADA, FINAL.code(), AT + 60)), "refused")
    again = replace(FINAL, asked=replace(FINAL.asked, actor=ADA))
    assert say("/release retry", FindEnded=(refused,))[1] == (again.anew(AT + 60),), "who retries is who asks now"


@pytest.mark.parametrize(("body", "what"), [
    ("/release final 2.7\n/release final 2.7 rc=1", "the final of 2.7"),
    ("/release rc 2.7 sha=1234567\n/release rc 2.7 sha=7654321", "the candidate of 2.7"),
    ('/release yank v2.7.1 reason="one"\n/release yank 2.7.1 reason="two"', "the withdrawal of 2.7"),
])  # fmt: skip
def test_of_a_wish_that_is_said_in_two_ways_the_first_is_done_and_that_is_said(body, what):
    text, jobs = say(body)
    assert len(jobs) == 1
    assert f"You ask for {what} in two ways here" in text
    first, again = (body.partition("\n")[0] for _ in range(2))
    assert say(f"{first}\n{again}") == (None, jobs), "the same words twice are no two ways"


def test_each_line_of_notes_in_a_comment_is_kept():
    body = '/release notes 2.7 12="Faster"\n/release notes 2.7 13=none\n/release notes 2.7 12="Faster"'
    _, jobs = say(body)
    assert [job.notes for job in jobs] == [((12, "Faster"),), ((13, None),)]
    assert len({job.key for job in jobs}) == 2
