"""What is done again, and what is left."""

from __future__ import annotations

from dataclasses import replace

from bot.core.jobs import Answer, Backport, Ended, Overview, Settle
from bot.core.retry import Redo, choose
from bot.core.wishes import Asked, MakeCandidate, MakeFinal
from tests.core.values import ADA, BOB, L26, L27, REPO

JOB = Backport(REPO, 12, L27, BOB)
OTHER = replace(JOB, line=L26)
SETTLE = Settle(REPO, 12, L27, "a" * 40)


def test_what_failed_and_what_was_refused_is_done_again_for_who_asks() -> None:
    assert choose([Ended(JOB, "failed"), Ended(OTHER, "refused"), Ended(SETTLE, "failed")], ADA) == Redo(
        (replace(JOB, actor=ADA), replace(OTHER, actor=ADA), SETTLE)
    )


def test_what_ended_well_or_is_at_work_is_left() -> None:
    assert choose([Ended(JOB, "well"), Ended(OTHER, "waiting")], ADA) == Redo(busy=(OTHER,))


def test_answers_that_wait_are_nothing_that_anybody_waits_for() -> None:
    said = [Ended(Answer(REPO, 12, 1, "eyes"), "waiting"), Ended(Overview(REPO, 12, 2), "waiting")]
    assert choose(said, ADA) == Redo()


def test_what_a_later_job_has_made_up_for_is_left() -> None:
    later = replace(JOB, comment=9)
    assert choose([Ended(later, "well"), Ended(JOB, "failed")], ADA) == Redo()
    assert choose([Ended(later, "failed"), Ended(JOB, "well")], ADA) == Redo((replace(later, actor=ADA),))
    assert choose([Ended(Settle(REPO, 12, L27, "b" * 40), "well"), Ended(SETTLE, "failed")], ADA) == Redo()


def test_a_backport_is_not_made_up_for_by_a_look_at_its_line() -> None:
    assert choose([Ended(SETTLE, "well"), Ended(JOB, "failed")], ADA).again == (replace(JOB, actor=ADA),)


def test_a_conflict_is_asked_for_anew_and_what_was_cancelled_is_told() -> None:
    assert choose([Ended(JOB, "conflict"), Ended(OTHER, "cancelled")], ADA) == Redo(lines=(L27,), cancelled=(OTHER,))


def test_each_answer_counts_for_itself() -> None:
    one, two = Answer(REPO, 12, 1, "eyes"), Answer(REPO, 12, 2, "eyes")
    assert choose([Ended(one, "well"), Ended(two, "failed")], ADA).again == (two,)


def test_a_wish_about_a_line_is_that_of_who_asks_now_whoever_had_asked() -> None:
    """Or who may not release has a manager's wish done later, and one manager alone does what takes two."""
    asked = Asked(BOB, 12, 400)
    for job in (MakeCandidate(REPO, L27, asked), MakeFinal(REPO, L27, asked)):
        for ending in ("failed", "refused"):
            [again] = choose([Ended(job, ending)], ADA).again
            assert again == replace(job, asked=replace(asked, actor=ADA))
            assert again.key == job.key
