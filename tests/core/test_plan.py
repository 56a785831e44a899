"""Every event, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import (
    FindOrigins,
    FindPullsOf,
    GetLabellings,
    GetPull,
    GetRole,
    Labelling,
    Missing,
    Origins,
    Sync,
)
from bot.core.events import CommentEdited, CommentPosted, Event, PullClosed, PullLabelled, PullOpened, PushedTo
from bot.core.issues import FindIssue
from bot.core.jobs import Answer, Backport, Plan, Settle
from bot.core.messages.pulls import BACKPORT_MARKER
from bot.core.model import Line, Pull, Role
from bot.core.plan import MAX_LOOKED_AT, flow_of, plan
from bot.core.wishes import KeepTracker
from tests.core.driving import AS_SENT, Answers, drive, kinds, reads_only
from tests.core.values import (
    ADA,
    APP,
    BOB,
    L26,
    L27,
    LANDED,
    NEW,
    REPO,
    TIP27,
    a_backport_pull,
    a_job,
    a_pull,
    synced,
)

CLOSED = PullClosed(REPO, 12, BOB)



def planned(event: Event, answers: Answers) -> tuple[Plan, list[str]]:
    found, asked = drive(plan(event), answers)
    assert reads_only(asked)
    return found, kinds(asked)


def closing(pull: Pull, labellings: dict[str, Labelling], fetched: object = None) -> Plan:
    return planned(CLOSED, {GetPull: pull, Sync: fetched or synced(), GetLabellings: labellings})[0]


# ── closed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_merged_pull_is_carried_to_each_line_its_labels_name() -> None:
    pull = a_pull(labels=("backport/2.7", "bug", "backport/v2.6"))
    found = closing(pull, {"backport/2.7": Labelling(ADA, 1), "backport/v2.6": Labelling(BOB, 1)})
    assert found.jobs == (Backport(REPO, 12, L27, ADA), Backport(REPO, 12, L26, BOB))


def test_a_pull_without_labels_costs_one_question() -> None:
    found, asked = planned(CLOSED, {GetPull: a_pull()})
    assert (found.jobs, asked) == ((), ["GetPull"])
    assert found.notes


def test_labels_that_ask_for_nothing_cost_no_question_about_who_set_them() -> None:
    found, asked = planned(CLOSED, {GetPull: a_pull(labels=("bug",)), Sync: synced()})
    assert (found.jobs, asked) == ((), ["GetPull", "Sync"])


def test_a_closed_unmerged_pull_gets_its_jobs_since_a_robot_may_have_landed_it() -> None:
    pull = a_pull(merged=False, merged_as=None, labels=("backport/2.7",))
    assert closing(pull, {"backport/2.7": Labelling(ADA, 1)}).jobs == (Backport(REPO, 12, L27, ADA),)


@pytest.mark.parametrize("answer", [Missing("pull 12"), a_pull(is_open=True, labels=("backport/2.7",))])
def test_what_is_gone_or_open_again_leads_to_nothing(answer: object) -> None:
    found, asked = planned(CLOSED, {GetPull: answer})
    assert (found.jobs, asked) == ((), ["GetPull"])
    assert found.notes


def test_the_one_who_set_the_label_asks_not_the_one_who_merged() -> None:
    found = closing(a_pull(labels=("backport/2.7",)), {"backport/2.7": Labelling(ADA, 1)})
    assert [job.actor for job in found.jobs if isinstance(job, Backport)] == [ADA]


def test_each_time_a_label_is_put_on_again_is_a_new_job() -> None:
    found = closing(a_pull(labels=("backport/2.7",)), {"backport/2.7": Labelling(ADA, 3, 1_700_000_500)})
    assert found.jobs == (Backport(REPO, 12, L27, ADA, generation=2, asked_at=1_700_000_500),)


def test_two_labels_for_one_line_are_one_job() -> None:
    pull = a_pull(labels=("backport/2.7", "backport/all", "backport/v2.7", "backport/skip-2.6"))
    found = closing(pull, {label: Labelling(ADA, 1) for label in pull.labels})
    assert found.jobs == (Backport(REPO, 12, L27, ADA),)


def test_a_label_by_a_bot_that_the_policy_does_not_name_starts_nothing() -> None:
    pull = a_pull(labels=("backport/2.7",))
    found = closing(pull, {"backport/2.7": Labelling(APP, 1)})
    assert found.jobs == ()
    assert "mergebot[bot], a bot that the policy does not name" in found.notes[0]
    trusting = synced(policy='people.apps = ["mergebot"]')
    assert len(closing(pull, {"backport/2.7": Labelling(APP, 1)}, trusting).jobs) == 1


def test_a_persons_label_counts_beside_a_bots() -> None:
    pull = a_pull(labels=("backport/2.7", "backport/all"))
    found = closing(pull, {"backport/2.7": Labelling(APP, 1), "backport/all": Labelling(ADA, 1)})
    assert found.jobs == (Backport(REPO, 12, L27, ADA), Backport(REPO, 12, L26, ADA))


def test_of_several_who_set_labels_for_a_line_one_who_may_is_the_asker() -> None:
    pull = a_pull(labels=("backport/2.7", "backport/v2.7"))
    set_by = {"backport/2.7": Labelling(BOB, 1), "backport/v2.7": Labelling(ADA, 1)}
    for roles, asker in (({ADA: Role.WRITE}, ADA), ({BOB: Role.WRITE}, BOB), ({}, BOB)):
        answers = {
            GetPull: pull, Sync: synced(), GetLabellings: set_by,
            GetRole: lambda action, roles=roles: roles.get(action.person, Role.TRIAGE),
        }  # fmt: skip
        assert planned(CLOSED, answers)[0].jobs == (Backport(REPO, 12, L27, asker),)


def test_a_label_that_is_gone_again_starts_nothing() -> None:
    found = closing(a_pull(labels=("backport/2.7",)), {})
    assert (found.jobs, found.notes) == ((), ("The label for 2.7 is gone again.",))


def test_a_policy_with_other_branches_is_fetched_for_again() -> None:
    text = '[lines]\nbranch = "rel-{line}"\n[backport]\nlabel = "to {line}"\n'
    fetches = [synced(policy=text), synced("rel-2.7", policy=text)]
    pull = a_pull(labels=("to all", "backport/2.6"))
    found, asked = drive(plan(CLOSED), {GetPull: pull, Sync: fetches, GetLabellings: {"to all": Labelling(ADA, 1)}})
    assert found.jobs == (Backport(REPO, 12, L27, ADA),)
    assert asked[1:3] == [Sync(REPO, ("release/*",)), Sync(REPO, ("rel-*",))]


def test_with_a_broken_policy_the_default_labels_still_lead_to_a_job_that_says_so() -> None:
    found = closing(
        a_pull(labels=("backport/2.7",)), {"backport/2.7": Labelling(ADA, 1)}, synced(policy="[lines]\nx = 1")
    )
    assert found.jobs == (Backport(REPO, 12, L27, ADA),)
    assert "line 2: “x” is not a key" in found.notes[0]


# ── the bot's own pulls ──────────────────────────────────────────────────────────────────────────────────────────────


def own(**changes: object) -> tuple[Plan, list[str]]:
    pull = a_backport_pull(**{"is_open": False, "merged": True, "merged_as": LANDED, **changes})
    return planned(PullClosed(REPO, 31, BOB), {GetPull: pull, Sync: synced()})


def test_a_merged_backport_settles_its_change() -> None:
    assert own()[0].jobs == (Settle(REPO, 12, L27, LANDED, 31),)


def test_a_backport_closed_without_merge_settles_too() -> None:
    assert own(merged=False, merged_as=None)[0].jobs == (Settle(REPO, 12, L27, "closed", 31),)


HAND = {"head": "hand", "body": "Backport of #12 and #14."}


@pytest.mark.parametrize("fork", [REPO.id, 99, None])
def test_a_merged_pull_that_a_person_calls_a_backport_is_one(fork: int | None) -> None:
    assert own(**HAND, head_repo_id=fork)[0].jobs == tuple(Settle(REPO, n, L27, LANDED, 31) for n in (12, 14))


@pytest.mark.parametrize(
    "changes",
    [
        {"head_repo_id": 99, "merged": False, "merged_as": None},
        {"base": "main"},
        {"body": "> Backport of #12"},
        {"body": "Backport of #31"},
        {"body": "Backport of other/repository#12"},
    ],
)
def test_a_strangers_word_another_branch_or_the_pull_itself_settles_nothing(changes: dict[str, object]) -> None:
    assert own(**{**HAND, **changes})[0].jobs == ()


def opened(again: bool = False, **changes: object) -> tuple[Plan, list[str]]:
    pull = a_backport_pull(**changes)
    event = PullOpened(REPO, 31, BOB, pull.base, pull.body, again)
    return planned(event, {GetPull: pull, Sync: synced()})


def test_a_backport_that_a_person_opens_or_opens_again_settles_its_change() -> None:
    assert opened()[0].jobs == (Settle(REPO, 12, L27, "open", 31),)
    assert opened(**HAND)[0].jobs[0] == Settle(REPO, 12, L27, "open", 31)
    ours = f'{BACKPORT_MARKER}"change":12}} -->'
    assert opened(again=True, body=ours)[0].jobs == (Settle(REPO, 12, L27, "open", 31),)


def test_what_the_bot_opens_itself_and_what_goes_elsewhere_costs_nothing() -> None:
    for changes in ({"body": f'{BACKPORT_MARKER}"change":12}} -->'}, {"base": "main"}, {"base": "feature/x"}):
        found, asked = opened(**changes)
        assert (found.jobs, asked) == ((), [])
        assert found.notes


def test_a_forks_pull_that_calls_itself_a_backport_settles_nothing_when_it_is_opened() -> None:
    assert opened(**HAND, head_repo_id=99)[0].jobs == ()


def test_a_fast_forwarded_backport_landed_as_its_own_last_commit() -> None:
    assert own(merged_as=None, head_sha=NEW)[0].jobs == (Settle(REPO, 12, L27, NEW, 31),)


@pytest.mark.parametrize(
    "changes",
    [{"head_repo_id": 99}, {"head_repo_id": None}, {"base": "release/2.6"}, {"base": "main"}, {"head": "fix-2.7"}],
)
def test_a_pull_that_only_looks_like_a_backport_settles_nothing(changes: dict[str, object]) -> None:
    assert own(**changes)[0].jobs == ()


def test_a_pull_from_a_fork_costs_no_fetch_whatever_its_body_says() -> None:
    assert own(head_repo_id=99, body="<!-- relbot:backport {} -->")[1] == ["GetPull"]


def test_a_backport_onto_a_default_branch_that_is_a_line_is_known_by_its_marker() -> None:
    repo = replace(REPO, default_branch="release/2.7")
    body = f'{BACKPORT_MARKER}"change":12,"line":"2.7"}} -->'
    for text, jobs in ((body, (Settle(repo, 12, L27, LANDED, 31),)), ("", ())):
        pull = a_backport_pull(is_open=False, merged=True, merged_as=LANDED, body=text)
        assert planned(PullClosed(repo, 31, BOB), {GetPull: pull, Sync: synced()})[0].jobs == jobs


# ── labelled ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_after_the_merge_starts_all_that_the_pull_carries_now() -> None:
    pull = a_pull(labels=("backport/2.7", "backport/2.6"))
    set_by = {label: Labelling(ADA, 1) for label in pull.labels}
    answers = {GetPull: pull, Sync: synced(), GetLabellings: set_by}
    found, _ = planned(PullLabelled(REPO, 12, ("backport/2.7",), ADA), answers)
    assert found.jobs == (Backport(REPO, 12, L27, ADA), Backport(REPO, 12, L26, ADA))


def test_a_label_on_an_open_pull_waits_for_the_merge() -> None:
    pull = a_pull(is_open=True, labels=("backport/2.7",))
    found, asked = planned(PullLabelled(REPO, 12, ("backport/2.7",), ADA), {GetPull: pull})
    assert (found.jobs, asked) == ((), ["GetPull"])


def test_the_bots_own_labels_cost_nothing() -> None:
    for label in ("backport-open/2.7", "backported/2.7", "backport-conflict/2.10", "backport-present/2.7"):
        assert planned(PullLabelled(REPO, 12, (label,), APP), {})[0].jobs == ()


def test_a_backport_label_is_seen_among_others_put_on_with_it() -> None:
    labels = ("torch 2.7", "backported/2.6", "backport/2.7")
    answers = {GetPull: a_pull(labels=labels), Sync: synced(), GetLabellings: {labels[2]: Labelling(ADA, 1)}}
    found, _ = planned(PullLabelled(REPO, 12, labels, ADA), answers)
    assert found.jobs == (Backport(REPO, 12, L27, ADA),)


def test_another_label_starts_nothing_although_a_backport_label_is_there() -> None:
    answers = {GetPull: a_pull(labels=("backport/2.7", "bug")), Sync: synced()}
    found, _ = planned(PullLabelled(REPO, 12, ("bug",), ADA), answers)
    assert found.jobs == ()
    assert found.notes == ("Not a backport label: “bug”.",)


def test_a_label_on_what_is_not_a_pull_leads_to_nothing() -> None:
    assert planned(PullLabelled(REPO, 12, ("backport/2.7",), ADA), {GetPull: Missing("x")})[0].jobs == ()


# ── comments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_comments_are_planned_as_a_conversation() -> None:
    found, _ = planned(CommentPosted(REPO, 12, 501, ADA, "/release ping"), AS_SENT)
    assert isinstance(found.jobs[0], Answer)
    found, _ = planned(CommentEdited(REPO, 12, 501, ADA, "/release ping"), AS_SENT)
    assert isinstance(found.jobs[0], Answer)


# ── pushes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def pushed(branch: str, before: str = TIP27, after: str = NEW) -> PushedTo:
    return PushedTo(REPO, branch, before, after, ADA)


def arrived(*origins: Origins, pulls: object = (), named: object = None) -> tuple[Settle, ...]:
    world: Answers = {Sync: synced(), FindOrigins: origins, FindPullsOf: pulls, GetPull: named}
    found, asked = drive(plan(pushed("release/2.7")), world)
    assert FindOrigins(REPO, TIP27, NEW) in asked
    assert reads_only(asked)
    *settling, tracker = found.jobs
    assert tracker == KeepTracker(REPO, L27, NEW)
    assert FindIssue not in {type(action) for action in asked}, "whether there is a tracker is for the job to ask"
    return tuple(settling)  # type: ignore[return-value]


def test_commits_that_arrive_on_a_line_settle_the_changes_whose_numbers_they_have() -> None:
    jobs = arrived(Origins("1" * 40, (12,)), Origins("2" * 40, (14, 12)))
    assert jobs == (Settle(REPO, 12, L27, "1" * 40), Settle(REPO, 14, L27, "2" * 40))


def test_the_forge_knows_the_pull_of_a_commit_that_has_no_number() -> None:
    """Main was rebased or merged; a person picked with `-x`, and nothing but the commit's id says from where."""
    jobs = arrived(Origins("1" * 40, (), ("5" * 40,)), pulls=(a_pull(), a_pull(number=90, is_open=True)))
    assert jobs == (Settle(REPO, 12, L27, "1" * 40),)


def test_a_revert_by_number_settles_the_change_that_the_pull_had_carried() -> None:
    reverted = Origins("1" * 40, reverted=(31,))
    assert arrived(reverted, named=a_backport_pull(is_open=False, merged=True)) == (
        Settle(REPO, 12, L27, "1" * 40, 31),
    )
    assert arrived(reverted, named=a_pull(number=31)) == (Settle(REPO, 31, L27, "1" * 40),)
    assert arrived(reverted, named=Missing("31")) == (Settle(REPO, 31, L27, "1" * 40),)


@pytest.mark.parametrize(
    "event",
    [
        pushed("main"),
        pushed("feature"),
        pushed("backport/2.7/12"),
        pushed("release/2.7", before="0" * 40),
        pushed("release/2.7", after="0" * 40),
    ],
)
def test_other_pushes_cost_nothing(event: PushedTo) -> None:
    assert planned(event, {})[1] == []


def test_a_numbered_branch_that_is_no_line_leads_to_nothing() -> None:
    found, asked = planned(pushed("fix-2.7"), {Sync: synced()})
    assert (found.jobs, asked) == ((), ["Sync"])


def test_a_rewritten_line_does_not_settle_without_end() -> None:
    origins = tuple(Origins(f"{number:040}", (number,)) for number in range(1, MAX_LOOKED_AT + 3))
    found, _ = planned(pushed("release/2.7"), {Sync: synced(), FindOrigins: origins})
    assert len(found.jobs) == MAX_LOOKED_AT + 1
    assert found.jobs[-2].number == MAX_LOOKED_AT + 2, "the newest count"
    assert found.notes == ("2 further commits are left unlooked at.",)


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_job_has_its_flow() -> None:
    for job in (a_job(Line(2, 7)), Settle(REPO, 12, L27, NEW), Answer(REPO, 12, 501, "eyes")):
        first = next(flow_of(job))
        assert type(first).__name__ == ("React" if isinstance(job, Answer) else "GetPull")
        assert not isinstance(first, GetRole)
