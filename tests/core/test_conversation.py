"""What follows from comments, and from nothing else in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import EnsureComment, FindComment, GetPull, GetRole, Identify, IsMember, Missing, React, Sync
from bot.core.conversation import answer, plan_comment, plan_edit
from bot.core.events import CommentEdited, CommentPosted
from bot.core.jobs import Answer, Backport, Ended, FindEnded, Overview, Plan
from bot.core.model import Person, Role
from tests.core.driving import AS_SENT, Answers, drive, kinds, reads_only
from tests.core.values import ADA, APP, BOB, L26, L27, REPO, a_pull, synced

WORLD: Answers = {**AS_SENT, GetRole: Role.WRITE, Sync: synced(), GetPull: a_pull(), FindEnded: ()}


def said(body: str, actor: Person = ADA) -> CommentPosted:
    return CommentPosted(REPO, 12, 501, actor, body)


def planned(body: str, actor: Person = ADA, **world: object) -> Plan:
    named = {kind.__name__: kind for kind in WORLD}
    plan, asked = drive(plan_comment(said(body, actor)), {**WORLD, **{named[name]: a for name, a in world.items()}})
    assert reads_only(asked)
    return plan


def the_answer(plan: Plan) -> Answer:
    assert isinstance(plan.jobs[0], Answer)
    assert len([job for job in plan.jobs if isinstance(job, Answer)]) == 1
    return plan.jobs[0]


def test_a_comment_without_a_command_costs_nothing() -> None:
    assert drive(plan_comment(said("nice, and `/backport 2.7` would be too")), {}) == (Plan(), [])


def test_help_and_ping_are_answered_to_anyone_who_is_no_bot() -> None:
    plan, asked = drive(plan_comment(said("/release help\n/release ping\n/release ping")), AS_SENT)
    assert asked == [Identify(REPO, ADA)]
    reply = the_answer(plan)
    assert (reply.reaction, len(plan.jobs)) == ("rocket", 1)
    assert reply.text is not None
    assert "`/backport LINE… [class=" in reply.text
    assert reply.text.count("I am here") == 1


def test_a_backport_command_is_seen_and_planned_per_line() -> None:
    assert planned("/backport 2.6 2.7").jobs == (
        Answer(REPO, 12, 501, "eyes"),
        Backport(REPO, 12, L27, ADA, comment=501),
        Backport(REPO, 12, L26, ADA, comment=501),
    )


def test_each_comment_has_a_job_of_its_own_so_that_each_is_answered() -> None:
    asked, again = planned("/backport 2.7").jobs[1], planned("/backport 2.7").jobs[1]
    assert isinstance(asked, Backport)
    assert asked.key == again.key, "the same comment, delivered twice"
    assert asked.key not in (replace(asked, comment=78).key, Backport(REPO, 12, L27, APP).key)


def test_all_means_the_supported_lines() -> None:
    assert [job.line for job in planned("/backport all").jobs if isinstance(job, Backport)] == [L27, L26]


def test_all_without_any_line_is_answered() -> None:
    plan = planned("/backport all", Sync=synced("main"))
    assert "no supported line" in str(the_answer(plan).text)
    assert len(plan.jobs) == 1


def test_who_may_not_write_is_refused_before_anything_is_fetched() -> None:
    plan, asked = drive(plan_comment(said("/backport 2.7")), {**AS_SENT, GetRole: Role.TRIAGE})
    assert kinds(asked) == ["Identify", "GetRole"]
    reply = the_answer(plan)
    assert (reply.reaction, len(plan.jobs)) == ("-1", 1)
    assert "write access" in str(reply.text)


def test_a_bot_is_ignored_unless_the_policy_names_it() -> None:
    plan = planned("/backport 2.7", APP)
    assert plan.jobs == ()
    assert "mergebot[bot] is a bot" in plan.notes[0]
    trusting = synced("release/2.7", policy='people.apps = ["mergebot"]')
    assert [type(job) for job in planned("/backport 2.7", APP, Sync=trusting).jobs] == [Answer, Backport]


def test_a_bots_small_talk_is_ignored_too() -> None:
    assert planned("/release ping", APP).jobs == ()


def test_a_bot_that_comes_as_a_person_is_ignored_unless_the_policy_names_it() -> None:
    """Not every webhook tells, so the forge is asked; what it says goes into the job, too."""
    masked = Person(APP.id, APP.login)
    for body in ("/release ping", "/release help", "/release nonsense", "/backport 2.7"):
        assert planned(body, masked, Identify=APP).jobs == ()
    edit = CommentEdited(REPO, 12, 501, masked, "/backport 2.7")
    assert drive(plan_edit(edit), {Identify: APP})[0] == Plan()
    trusting = synced("release/2.7", policy='people.apps = ["mergebot"]')
    job = planned("/backport 2.7", masked, Identify=APP, Sync=trusting).jobs[1]
    assert job == Backport(REPO, 12, L27, APP, comment=501)


def test_on_an_open_pull_the_label_is_offered() -> None:
    plan = planned("/backport 2.7", GetPull=a_pull(is_open=True, merged=False))
    assert len(plan.jobs) == 1
    assert the_answer(plan).reaction == "confused"
    assert "`backport/2.7`" in str(the_answer(plan).text)


def test_a_line_without_a_branch_names_the_nearest_and_the_rest_goes_on() -> None:
    plan = planned("/backport 2.8 2.6")
    assert the_answer(plan).reaction == "eyes"
    assert "Line 2.8 has no branch" in str(the_answer(plan).text)
    assert "`/backport 2.7`" in str(the_answer(plan).text)
    assert [job.line for job in plan.jobs if isinstance(job, Backport)] == [L26]


def test_a_word_that_is_no_line_stops_its_command_and_names_the_nearest() -> None:
    plan = planned("/backport 2.6\n/backport 2,7 2.6")
    assert "`2,7`" in str(the_answer(plan).text)
    assert "Did you mean `/backport 2.7`?" in str(the_answer(plan).text)
    assert [job.line for job in plan.jobs if isinstance(job, Backport)] == [L26]


def test_an_unknown_verb_gets_one_reply_with_the_nearest() -> None:
    plan, asked = drive(plan_comment(said("/release hepl\n/release hepl")), AS_SENT)
    assert kinds(asked) == ["Identify"]
    reply = the_answer(plan)
    assert reply.reaction == "confused"
    assert str(reply.text).count("did you mean `/release help`?") == 1


def test_what_is_not_built_yet_is_said_plainly() -> None:
    for body in ("/release rollback image 2.7", "/backport 2.7 --with-prerequisites"):
        reply = the_answer(drive(plan_comment(said(body)), {**AS_SENT, GetRole: Role.MAINTAIN, Sync: synced()})[0])
        assert (reply.reaction, "is not there yet" in str(reply.text)) == ("confused", True)


def test_the_class_of_a_change_goes_with_it_to_the_lines_it_was_said_for() -> None:
    plan = planned("/backport 2.7 class=Critical\n/backport 2.6")
    assert {job.line: job.why for job in plan.jobs[1:]} == {L27: "critical", L26: ""}


def test_a_managers_verb_is_for_managers() -> None:
    for role, kind in ((Role.READ, "-1"), (Role.WRITE, "-1"), (Role.MAINTAIN, "eyes")):
        plan = planned("/release rc 2.7", GetRole=role) if role > Role.READ else None
        plan = plan or drive(plan_comment(said("/release rc 2.7")), {**AS_SENT, GetRole: role})[0]
        assert plan.jobs[0].reaction == kind
        assert [job.line for job in plan.jobs[1:]] == ([L27] if kind == "eyes" else [])


def test_groups_that_the_policy_names_decide_who_is_a_manager() -> None:
    text = '[people]\nmanagers = ["@acme/release", "acme/leads"]'
    asked = []

    def is_member(action: IsMember) -> bool:
        asked.append(action.group)
        return action.group == "acme/leads"

    world = {**AS_SENT, GetRole: Role.WRITE, Sync: synced(policy=text), IsMember: is_member}
    plan, _ = drive(plan_comment(said("/release rc 2.7")), world)
    assert (plan.jobs[0].reaction, asked) == ("eyes", ["acme/release", "acme/leads"])
    plan, _ = drive(plan_comment(said("/release rc 2.7")), {**world, GetRole: Role.ADMIN, IsMember: False})
    assert the_answer(plan).reaction == "-1", "a role does not stand in for the group"


@pytest.mark.parametrize(("base", "lines"), [("release/2.7", [L27]), ("main", []), ("release/2.7-fix", [])])
def test_a_candidate_of_no_line_is_one_of_the_line_that_the_pull_goes_onto(base, lines):
    plan = planned("/release rc", GetRole=Role.ADMIN, GetPull=a_pull(base=base))
    assert [job.line for job in plan.jobs[1:]] == lines
    assert ("Which line?" in str(plan.jobs[0].text)) is not bool(lines)


def test_a_managers_verb_under_a_broken_policy_is_answered_with_what_is_wrong() -> None:
    plan = planned("/release rc 2.7", Sync=synced(policy="[people]\nmanager = []"))
    assert "did you mean “managers”?" in str(the_answer(plan).text)


def test_what_one_may_say_is_done_beside_what_one_may_not() -> None:
    plan = planned("/backport 2.7\n/release rc 2.7\n/release ping")
    reply = the_answer(plan)
    assert reply.reaction == "eyes"
    assert "`/release rc` takes a release manager" in str(reply.text)
    assert "I am here" in str(reply.text)
    assert [job.line for job in plan.jobs if isinstance(job, Backport)] == [L27]


def test_a_broken_policy_is_quoted_to_the_one_who_asks() -> None:
    plan = planned("/backport 2.7", Sync=synced(policy='[backport]\nlable = "x"'))
    assert len(plan.jobs) == 1
    text = str(the_answer(plan).text)
    assert 'line 2, `lable = "x"`' in text
    assert "did you mean “label”?" in text
    assert plan.notes


def test_a_comment_on_what_is_not_a_pull_leads_to_nothing() -> None:
    assert planned("/backport 2.7", GetPull=Missing("pull 12")).jobs == ()


def test_retry_does_again_what_has_ended_badly_for_who_asks_now() -> None:
    failed, stuck = Backport(REPO, 12, L27, BOB), Backport(REPO, 12, L26, BOB, comment=77)
    plan = planned("/release retry", FindEnded=(Ended(failed, "failed"), Ended(stuck, "conflict")))
    reply = the_answer(plan)
    assert reply.reaction == "eyes"
    assert "I do again: the backport to 2.7; the backport to 2.6, which met a conflict." in str(reply.text)
    assert plan.jobs[1:] == (Backport(REPO, 12, L26, ADA, comment=501), Backport(REPO, 12, L27, ADA))
    assert plan.jobs[2].key == failed.key, "the same job, so that what it did is found done"


def test_retry_goes_where_the_repository_is_now() -> None:
    before = replace(REPO, path="acme/before")
    plan = planned("/release retry", FindEnded=(Ended(Backport(before, 12, L27, BOB), "failed"),))
    assert plan.jobs[1:] == (Backport(REPO, 12, L27, ADA),)


def test_retry_without_anything_to_do_again_says_so() -> None:
    plan = planned("/release retry", FindEnded=())
    assert (the_answer(plan).reaction, len(plan.jobs)) == ("confused", 1)
    assert "nothing to do again" in str(the_answer(plan).text)


def test_who_may_not_write_learns_nothing_of_what_has_failed() -> None:
    plan, asked = drive(plan_comment(said("/release retry")), {**AS_SENT, GetRole: Role.TRIAGE})
    assert kinds(asked) == ["Identify", "GetRole"]
    assert the_answer(plan).reaction == "-1"


def test_a_line_that_is_asked_for_and_retried_in_one_comment_is_one_job() -> None:
    ended = (Ended(Backport(REPO, 12, L27, BOB), "conflict"),)
    plan = planned("/backport 2.7\n/release retry", FindEnded=ended)
    assert plan.jobs[1:] == (Backport(REPO, 12, L27, ADA, comment=501),)


def test_status_is_a_job_of_its_own_for_anyone_and_costs_the_plan_nothing() -> None:
    plan, asked = drive(plan_comment(said("/release status 2.7\n/release status v2.6")), AS_SENT)
    assert kinds(asked) == ["Identify"]
    assert plan.jobs == (Answer(REPO, 12, 501, "eyes"), Overview(REPO, 12, 501, (L27, L26)))
    plan, _ = drive(plan_comment(said("/release status 2.7\n/release status")), AS_SENT)
    assert plan.jobs[1] == Overview(REPO, 12, 501)


def test_an_edit_gets_a_hint_and_never_an_action() -> None:
    def edited(body: str, actor: Person = ADA) -> Plan:
        return drive(plan_edit(CommentEdited(REPO, 12, 501, actor, body)), AS_SENT)[0]

    plan = edited("/backport 2.7")
    assert len(plan.jobs) == 1
    assert "not when it is edited" in str(the_answer(plan).text)
    assert edited("no command").jobs == ()
    assert edited("/backport 2.7", APP).jobs == ()


def test_an_answer_reacts_and_replies_once_under_its_own_marker() -> None:
    report, asked = drive(answer(Answer(REPO, 12, 501, "rocket", "Hello.")), {React: None, EnsureComment: None})
    marker = "<!-- relbot:answer:501 -->"
    assert asked == [React(REPO, 12, 501, "rocket"), EnsureComment(REPO, 12, marker, f"{marker}\nHello.")]
    assert report.outcome == "answered"


def test_an_answer_without_a_text_only_reacts() -> None:
    _, asked = drive(answer(Answer(REPO, 12, 501, "eyes")), {React: None})
    assert kinds(asked) == ["React"]
    assert FindComment not in asked
