"""What is said on issues, and what is the bot's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import EnsureComment, GetPull, GetRole, Missing, React, Sync
from bot.core.conversation import answer, plan_comment, plan_edit
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, PullClosed, TagPushed
from bot.core.history import FindPosted, FindTouched, Posted, Touched
from bot.core.issues import GetIssue, Issue
from bot.core.jobs import Answer, Ended, FindEnded, FindWaiting, Overview, Plan
from bot.core.model import Line, Role
from bot.core.plan import plan
from bot.core.standing import FindOpenOnto
from bot.core.sweep import Seen, sweep
from bot.core.tagging import FetchTags, TagFound
from bot.core.wishes import Asked, FollowTag, MakeCandidate, place_of
from tests.core.driving import AS_SENT, Answers, drive, kinds, reads_only
from tests.core.values import ADA, APP, L27, L210, NEW, REPO, a_pull, synced

TRACKER = Issue(12, "Release tracker: 2.7", "<!-- relbot:tracker:2.7 -->\n", "u", APP, is_open=True, is_mine=True)
WORLD: Answers = {**AS_SENT, GetRole: Role.WRITE, Sync: synced(), GetIssue: TRACKER, FindEnded: ()}


def said(body: str) -> CommentPosted:
    return CommentPosted(REPO, 12, 501, ADA, body, on="issue")


def planned(body: str, **world: object) -> Plan:
    named = {kind.__name__: kind for kind in WORLD}
    found, asked = drive(plan_comment(said(body)), {**WORLD, **{named[name]: a for name, a in world.items()}})
    assert reads_only(asked)
    return found


def test_on_a_tracker_everybody_is_answered_there() -> None:
    (pong,) = planned("/release ping").jobs
    assert isinstance(pong, Answer)
    assert (pong.number, pong.on, pong.reaction) == (12, "issue", "rocket")
    assert planned("/release status").jobs[1] == Overview(REPO, 12, 501, on="issue")


@pytest.mark.parametrize("issue", [
    Missing("issue"), replace(TRACKER, is_mine=False), replace(TRACKER, body="A bug about /release."),
])
def test_on_any_other_issue_nobody_is_answered(issue: object) -> None:
    found = planned("/release ping", GetIssue=issue)
    assert found.jobs == ()
    assert "#12" in found.notes[0]
    edited = CommentEdited(REPO, 12, 501, ADA, "/release ping", on="issue")
    assert drive(plan_edit(edited), {**WORLD, GetIssue: issue})[0].jobs == ()


def test_talk_on_an_issue_costs_nothing() -> None:
    assert drive(plan_comment(said("Nice.")), {}) == (Plan(), [])


def test_an_edit_on_a_tracker_gets_its_hint_there() -> None:
    found, _ = drive(plan_edit(CommentEdited(REPO, 12, 501, ADA, "/release ping", on="issue")), WORLD)
    (job,) = found.jobs
    assert isinstance(job, Answer)
    assert (job.on, job.reaction) == ("issue", "confused")


@pytest.mark.parametrize("body", ["/backport 2.7", "/backport recreate 2.7"])
def test_a_backport_is_asked_for_on_its_pull(body: str) -> None:
    found = planned(body)
    (job,) = found.jobs
    assert isinstance(job, Answer)
    assert (job.on, job.reaction) == ("issue", "confused")
    assert "on the pull" in str(job.text)


def test_a_retry_on_a_tracker_looks_at_what_was_begun_there_and_not_at_a_pull_of_its_number() -> None:
    job = Overview(REPO, 12, 400, on="issue")
    found, asked = drive(plan_comment(said("/release retry")), {**WORLD, FindEnded: (Ended(job, "failed"),)})
    assert FindEnded(REPO, 12, "issue") in asked
    assert found.jobs[0].on == "issue"  # type: ignore[union-attr]


def test_an_answer_is_written_where_it_was_asked_for() -> None:
    _, asked = drive(answer(Answer(REPO, 12, 501, "eyes", "Hello.", "issue")), {React: None, EnsureComment: None})
    react, comment = asked
    assert (react.on, comment.on) == ("issue", "issue")  # type: ignore[union-attr]


def test_jobs_of_an_issue_wait_for_no_job_of_a_pull_and_keep_the_keys_that_they_had() -> None:
    on_issue, on_pull = Answer(REPO, 12, 501, "eyes", on="issue"), Answer(REPO, 12, 501, "eyes")
    assert on_issue.change == place_of(REPO, 12, "issue") == "github:7:issue-12"
    assert on_pull.change == "github:7:12"
    assert on_issue.key == on_pull.key == "answer:github:7:501:eyes"


def test_a_sweep_brings_what_was_said_on_a_tracker_and_takes_no_closed_issue_for_a_pull() -> None:
    tracker = Touched(12, False, False, ("release tracker",), 900, "issue")
    spoken = Posted(12, 5, ADA, "/release status", 900, is_edited=False, on="issue")
    world: Answers = {FindTouched: (tracker,), FindPosted: (spoken,), Sync: synced(), FetchTags: ()}
    found, asked = drive(sweep(REPO, Seen(600), 1000), world)
    assert [one.event for one in found.deliveries] == [CommentPosted(REPO, 12, 5, ADA, "/release status", on="issue")]
    assert found.deliveries[0].id == "comment-5"
    assert "FindPosted" in kinds(asked)


@pytest.mark.parametrize(("event", "words"), [
    (TagPushed(REPO, "nightly-2.7", NEW, ADA), "names no version"),
    (ChecksReported(REPO, NEW, ("main", "release/2.7"), ADA), "no candidate's branch"),
])
def test_what_nothing_follows_from_yet_is_noted_and_costs_no_question(event: object, words: str) -> None:
    found, asked = drive(plan(event), {})  # type: ignore[arg-type]
    assert (found.jobs, asked) == ((), [])
    assert words in found.notes[0]


@pytest.mark.parametrize(("change", "notes"), [("created", 0), ("moved", 1), ("deleted", 1)])
def test_a_versions_tag_is_followed_and_costs_no_question(change: Any, notes: int) -> None:
    found, asked = drive(plan(TagPushed(REPO, "v2.7.0-rc1", NEW, ADA, change)), {})
    assert (found.jobs, asked) == ((FollowTag(REPO, L27, "v2.7.0-rc1", NEW, change),), [])
    assert len(found.notes) == notes


def test_a_section_that_is_merged_has_the_other_ones_made_anew_upon_it() -> None:
    merged = replace(a_pull(), head="relbot/changelog/2.7.1", head_repo_id=REPO.id, merged_as=NEW)
    waits = replace(merged, number=40, head="relbot/changelog/2.6.3", is_open=True, merged=False)
    strange = replace(waits, head="relbot/changelog/2.5.1", head_repo_id=99)
    tags = tuple(TagFound(name, NEW, NEW) for name in ("v2.6.3", "v2.7.1", "v2.5.1"))
    closed = PullClosed(REPO, 12, ADA)
    found, _ = drive(plan(closed), {GetPull: merged, FindOpenOnto: (waits, strange), FetchTags: tags})
    assert found.jobs == (FollowTag(REPO, Line(2, 6), "v2.6.3", NEW, "rolled up"),)
    found, asked = drive(plan(closed), {GetPull: merged, FindOpenOnto: ()})
    assert (found.jobs, kinds(asked)) == ((), ["GetPull", "FindOpenOnto"])
    found, asked = drive(plan(closed), {GetPull: replace(merged, merged=False)})
    assert (found.jobs, kinds(asked)) == ((), ["GetPull"])


def test_checks_that_end_on_a_candidates_branch_wake_the_job_that_waits_for_them() -> None:
    waiting = MakeCandidate(REPO, L27, Asked(ADA, 12, 501)), MakeCandidate(REPO, L210, Asked(ADA, 12, 502))
    event = ChecksReported(REPO, NEW, ("main", "relbot/rc/2.7"), ADA)
    found, _ = drive(plan(event), {FindWaiting: waiting})
    assert found.jobs == waiting[:1]
    found, _ = drive(plan(event), {FindWaiting: waiting[1:]})
    assert (found.jobs, found.notes) == ((), ("Nobody waits for “relbot/rc/2.7”.",))
