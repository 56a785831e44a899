"""What a confirmation of a final counts for: what it was shown for, in time, by who may; and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import EnsureComment, React
from bot.core.model import Comment, Role
from bot.core.plan import after_breakdown
from bot.core.tagging import TagFound
from bot.core.wishes import CONFIRM_WITHIN, Answered, Asked, MakeFinal
from tests.core.driving import drive, kinds, only, reads_only
from tests.core.release.test_final import (
    AHEAD,
    AT,
    HELD,
    JOB,
    RC1,
    RC2,
    SAID,
    V270,
    code,
    confirmed,
    found,
    make,
    told,
)
from tests.core.values import ADA, BOB, L27, MOVED, REPO, TIP27


def test_a_hold_between_wish_and_confirmation_makes_the_confirmation_refuse():
    report, asked = make(confirmed(), FindIssue=HELD)
    assert (report.outcome, "held by bob" in told(asked)) == ("refused", True)
    assert "@ada v2.7.1 is not made: holds." in told(asked), "edits notify nobody, so a comment of its own says it"
    assert "PushRelease" not in kinds(asked)


def test_a_push_between_them_does_so_even_where_a_candidate_was_named():
    report, asked = make(confirmed(), **AHEAD)
    assert (report.outcome, "1 commit after v2.7.1-rc2" in told(asked)) == ("refused", True)
    job = confirmed(replace(JOB, candidate=2))
    shown = make(replace(job, answered=None))[1]
    comment = Comment(9, BOB, only(shown, EnsureComment).body)
    report, asked = make(job, FindComment=comment, **AHEAD)
    assert report.outcome == "refused"
    assert f"Release/2.7 was {TIP27} and is now {MOVED}. Nothing was done. Ask anew" in told(asked)
    assert "PushRelease" not in kinds(asked)


def test_a_new_candidate_between_them_does_so_and_what_has_changed_is_said_though_nobody_remembers():
    rc3 = TagFound("v2.7.1-rc3", "a6" * 20, MOVED, annotated=True, tagged_at=6)
    world = {"FetchTags": (V270, RC1, RC2, rc3), "Sync": found(MOVED),
             "VerifyTag": replace(SAID, tag=rc3, trailers=())}  # fmt: skip
    report, asked = make(confirmed(), **world)
    assert report.outcome == "refused"
    assert "It would now be tag v2.7.1, candidate v2.7.1-rc3" in told(asked)
    assert "PushRelease" not in kinds(asked)


def test_a_code_that_was_mistyped_drops_nothing():
    shown = Comment(9, BOB, only(make()[1], EnsureComment).body)
    job = replace(JOB, answered=Answered(BOB, f"{JOB.ticket}-00000000", AT + 60))
    report, asked = make(job, FindComment=shown)
    assert (report.outcome, report.code) == ("waiting", code())
    assert f"@bob `{JOB.ticket}-00000000` is not the code" in told(asked)
    assert "PushRelease" not in kinds(asked)


def test_each_answer_that_did_not_do_is_told_in_a_comment_of_its_own():
    shown = Comment(9, BOB, only(make()[1], EnsureComment).body)
    told_where = set()
    for by, after in ((ADA, 60), (BOB, 90)):
        answered = Answered(by, f"{JOB.ticket}-00000000", AT + after)
        for _ in range(2):  # the second time after a kill
            _, asked = make(replace(JOB, answered=answered), FindComment=shown)
            [news] = [each for each in asked if isinstance(each, EnsureComment) and "is not the code" in each.body]
            told_where.add(news.marker)
    assert len(told_where) == 2, "edits notify nobody"


def test_who_has_confirmed_is_told_of_a_breakdown_in_a_new_comment_and_not_that_nothing_is_done():
    job = confirmed(by=BOB)
    _, asked = drive(after_breakdown(job, "fault 12ab"), {EnsureComment: None, React: None})
    status, news = (action for action in asked if isinstance(action, EnsureComment))
    assert status.marker != news.marker
    assert "@bob I broke down on this one (fault 12ab). What I had done by then stays done, a tag too." in news.body


@pytest.mark.parametrize(("asked_at", "said_at"), [
    (AT, AT + CONFIRM_WITHIN + 1), (AT, AT - 1), (AT, 0), (0, AT), (0, 0),
])  # fmt: skip
def test_a_confirmation_that_is_too_late_or_of_an_unknown_time_counts_for_nothing(asked_at, said_at):
    job = replace(JOB, asked=replace(JOB.asked, at=asked_at))
    job = replace(job, answered=Answered(ADA, code(job), said_at))
    report, asked = make(job)
    assert (report.outcome, "Ask anew, and I show a new code." in told(asked)) == ("refused", True)
    assert "PushRelease" not in kinds(asked)


def test_the_last_second_is_in_time():
    assert make(confirmed(after=CONFIRM_WITHIN))[0].outcome == "made"


def test_pain_24_whoever_confirms_has_to_be_a_manager_at_that_moment():
    roles = {ADA.id: Role.MAINTAIN, BOB.id: Role.WRITE}
    report, asked = make(confirmed(by=BOB), GetRole=lambda action: roles[action.person.id])
    assert (report.outcome, "bob may not release here" in told(asked)) == ("refused", True)
    assert "PushRelease" not in kinds(asked)


def test_pain_24_where_the_policy_wants_another_it_takes_two():
    world = {"Sync": found(policy='[release]\nconfirmed_by = "another"\n')}
    assert "another release manager than the one who asked says" in told(make(**world)[1])
    for same in (replace(ADA, login="Renamed"), replace(ADA, id=99, login="Ada")):
        report, asked = make(confirmed(by=same, **world), **world)
        assert (report.outcome, "somebody else has to confirm it" in told(asked)) == ("waiting", True)
        assert "PushRelease" not in kinds(asked)
    assert make(confirmed(by=BOB, **world), **world)[0].outcome == "made"


def test_a_wish_that_is_dropped_is_done_with():
    report, asked = make(replace(JOB, answered=Answered(BOB, "", AT + 60)))
    assert (report.outcome, kinds(asked)) == ("nothing", ["EnsureComment"])
    assert "is dropped, as bob said. Nothing was done." in told(asked)


def test_a_code_is_for_one_wish_only():
    other = replace(JOB, asked=replace(JOB.asked, comment=502))
    assert code(other) != code()
    assert code(other).partition("-")[0] != code().partition("-")[0]


def test_what_is_retried_is_confirmed_anew():
    again = confirmed().anew(AT + 9000)
    assert (again.key, again.answered, again.asked.at) == (JOB.key, None, AT + 9000)
    assert code(again) == code(), "what it is bound to is the same"


def test_on_the_command_line_the_code_comes_with_the_report_and_nobody_is_commented():
    job = MakeFinal(REPO, L27, Asked(ADA, 0, 0, at=AT))
    report, asked = make(job)
    assert (report.outcome, reads_only(asked)) == ("waiting", True)
    assert report.code and "/release confirm" not in report.told, "who asks there is asked at once"
    assert "<!--" not in report.told
    done, asked = make(replace(job, answered=Answered(ADA, report.code, AT + 1)))
    assert done.outcome == "made"
    assert not {"EnsureComment", "React"} & set(kinds(asked))
