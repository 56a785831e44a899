"""The course of a candidate, fed with outcomes: what is asked for, what is never asked for, and what is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    EnsureComment,
    EnsurePull,
    FindPulls,
    GetRole,
    Missing,
    PullReady,
    React,
    Refused,
    Sync,
    Synced,
)
from bot.core.issues import (
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    Issue,
    Item,
    Items,
    PullFacts,
)
from bot.core.model import Branch, Check, Commit, Release, Role
from bot.core.plan import after_breakdown
from bot.core.publishing import (
    DeleteBranch,
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    StageRelease,
)
from bot.core.refs import BranchDeleted
from bot.core.release.candidate import make_candidate
from bot.core.release.tracker import Account, HoldRow, View, render_tracker
from bot.core.standing import FindOpenOnto, GetChecks, GetCommits, GetRequired
from bot.core.tagging import (
    FetchTags,
    IsAncestor,
    LineProtected,
    Pushed,
    PushRelease,
    TagChecked,
    TagExists,
    TagFound,
    VerifyTag,
)
from bot.core.wishes import Asked, FollowTag, KeepTracker, MakeCandidate
from tests.core.driving import drive, kinds, only
from tests.core.values import ADA, L27, NEW, REPO, TIP27, a_pull

FINAL = TagFound("v2.7.0", "a1" * 20, "b1" * 20, annotated=True, tagged_at=1)
RC1 = TagFound("v2.7.1-rc1", "a2" * 20, "b2" * 20, annotated=True, tagged_at=2)
MADE = TagFound("v2.7.1-rc2", "a3" * 20, NEW, annotated=True, tagged_at=3)
SAID = TagChecked(RC1, "relbot", "", (("Requested-In", "comment 7 on pull 12"),), None, "none", "")
DRAFT = Drafted(NEW, ("CHANGELOG.md",), "### Fixed\n\n- it", (12,), ())
RELEASE = Release("v2.7.1-rc2", "v2.7.1-rc2", "", "https://forge.example/v2.7.1-rc2", prerelease=True)
JOB = MakeCandidate(REPO, L27, Asked(ADA, 12, 501, at=1_700_000_500))
TIP = Commit(TIP27, (), "f" * 40, "Ada <a@b>", 1, "Fix it", 1_700_000_000)
STAGED = Commit(NEW, (TIP27,), "f" * 40, "relbot <a@b>", 1, "chore(release): 2.7.1", 1_700_000_400)


def found(*names, policy=None):
    tips = {"main": "9" * 40, "release/2.7": TIP27, "relbot/rc/2.7": NEW}
    branches = tuple(Branch(name, tips[name]) for name in ("main", "release/2.7", *names))
    return Synced(branches, (".github/relbot.toml", policy) if policy else None)


def checks(action):
    return (Check("build", "passed"),)


WORLD = {
    Sync: found(), FetchTags: (FINAL, RC1), FindIssue: Missing("a tracker"), GetRole: Role.MAINTAIN, VerifyTag: SAID,
    GetCommits: (TIP, STAGED), DraftRelease: DRAFT, GetFacts: {12: PullFacts(12, "Fix", "", "", ADA)},
    FindLabelled: Items(), FindOpenOnto: (), FindMilestone: Missing("a milestone"), IsAncestor: True,
    GetChecks: checks, GetRequired: None, StageRelease: BranchReady(NEW), PushRelease: Pushed(MADE),
    FindRelease: Missing("a release"), EnsureRelease: RELEASE, DeleteBranch: BranchDeleted(NEW),
    EnsureComment: None, React: None,
}  # fmt: skip


def make(job=JOB, **world):
    named = {kind.__name__: kind for kind in (*WORLD, FindInMilestone, FindPulls, EnsurePull)}
    return drive(make_candidate(job), {**WORLD, **{named[name]: answer for name, answer in world.items()}})


def told(asked):
    return "\n".join(action.body for action in asked if isinstance(action, EnsureComment))


def test_a_candidate_is_staged_checked_pushed_shown_and_told():
    report, asked = make(Sync=[found(), found(), found("relbot/rc/2.7")])
    assert (report.outcome, report.summary) == ("made", f"v2.7.1-rc2 is made of {NEW[:12]}.")
    order = kinds(asked)
    assert order.index("StageRelease") < order.index("PushRelease") < order.index("EnsureRelease")
    push = only(asked, PushRelease)
    assert (push.tag.name, push.tag.commit, push.line.branch, push.line.expect) == (
        "v2.7.1-rc2", NEW, "release/2.7", TIP27,
    )  # fmt: skip
    assert (push.staged, push.tag.provenance.requested_by) == ("relbot/rc/2.7", "ada")
    assert push.tag.provenance.requested_in == "comment 501 on pull 12"
    assert "checks: 1 passed on aaaaaaaaaaaa" in push.tag.provenance.gates
    assert only(asked, EnsureRelease).wish.prerelease
    assert not only(asked, EnsureRelease).wish.latest
    assert only(asked, DeleteBranch) == DeleteBranch(REPO, "relbot/rc/2.7", NEW)
    assert "@ada" in told(asked)
    assert only(asked, React).reaction == "rocket"
    assert report.then == (KeepTracker(REPO, L27, "v2.7.1-rc2"),)


def test_where_candidates_are_deployed_its_tag_is_followed_though_no_webhook_tells_of_it():
    wish = '[deploy]\nrepository = "acme/infra"\nevent = "x"\n'
    report, _ = make(Sync=found(policy=f"{wish}candidates = true\n"))
    assert report.then == (KeepTracker(REPO, L27, "v2.7.1-rc2"), FollowTag(REPO, L27, "v2.7.1-rc2", MADE.commit))
    assert FollowTag not in map(type, make(Sync=found(policy=wish))[0].then)


def test_the_section_is_dated_with_the_wish_and_told_what_the_forge_knows_of_the_pulls():
    _, asked = make()
    drafts = [action for action in asked if isinstance(action, DraftRelease)]
    assert [draft.at for draft in drafts] == [1_700_000_500] * 2
    assert [len(draft.facts) for draft in drafts] == [0, 1]
    assert only(asked, StageRelease).draft == drafts[1]


def test_nobody_but_a_manager_makes_one():
    report, asked = make(GetRole=Role.WRITE)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "-1")
    assert not {"StageRelease", "PushRelease"} & set(kinds(asked))


@pytest.mark.parametrize(("world", "said"), [
    ({"IsAncestor": False}, "the last final of 2.7 is not on"),
    ({"FindLabelled": Missing("the repository")}, "the forge does not tell"),
    ({"Sync": found(policy='[lines]\nsupported = ["2.8"]\n')}, "come to the end of its life"),
    ({"DraftRelease": replace(DRAFT, oversized=()), "GetChecks": (Check("build", "failed"),)}, "build failed on"),
])  # fmt: skip
def test_behind_a_closed_gate_nothing_is_pushed(world, said):
    report, asked = make(**world)
    assert report.outcome == "refused"
    assert said in told(asked)
    assert "PushRelease" not in kinds(asked)


def test_a_line_that_is_held_is_not_released_and_one_whose_holds_are_unreadable_neither():
    view = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
    held = render_tracker(view, Account(holds=(HoldRow(by="bob", reason="waits", at=1),)))
    broken = held.replace('{"holds"', '{"hold"')
    for body, said in ((held, "held by bob: waits"), (broken, "cannot tell whether it is held")):
        issue = Issue(9, "Release 2.7", body, "", ADA, is_open=True, is_mine=True)
        report, asked = make(FindIssue=issue)
        assert (report.outcome, said in told(asked)) == ("refused", True)
        assert "StageRelease" not in kinds(asked)


def test_checks_that_have_not_ended_are_waited_for_and_the_same_job_goes_on_then():
    waiting, asked = make(GetChecks=lambda action: (Check("build", "pending"),))
    assert (waiting.outcome, kinds(asked).count("StageRelease")) == ("waiting", 1)
    assert "PushRelease" not in kinds(asked)
    assert "build did not end" in told(asked)
    assert "React" not in kinds(asked)
    report, asked = make(Sync=[found("relbot/rc/2.7")] * 3)
    assert report.outcome == "made"
    assert {action.at for action in asked if isinstance(action, DraftRelease)} == {1_700_000_400}, "as it was staged"
    assert "StageRelease" not in kinds(asked)


def test_what_ran_on_the_line_has_to_run_on_the_commit_too():
    ran = {TIP27: (Check("build", "passed"), Check("gpu", "passed")), NEW: (Check("build", "passed"),)}
    report, asked = make(GetChecks=lambda action: ran[action.sha])
    assert (report.outcome, "gpu did not end" in told(asked)) == ("waiting", True)


def test_a_check_that_is_named_after_its_branch_is_the_same_on_the_bots_own():
    ran = {TIP27: "pipeline (external, release/2.7)", NEW: "pipeline (external, relbot/rc/2.7)"}
    assert make(GetChecks=lambda action: (Check(ran[action.sha], "passed"),))[0].outcome == "made"


def test_nobody_waits_for_pipelines_that_no_push_begins():
    others = [f"pipeline ({source}, x)" for source in ("merge_request_event", "schedule", "web")]
    ran = {TIP27: ("build", "pipeline (push, release/2.7)", *others), NEW: ("build", "pipeline (push, relbot/rc/2.7)")}
    assert make(GetChecks=lambda action: tuple(Check(n, "passed") for n in ran[action.sha]))[0].outcome == "made"


@pytest.mark.parametrize(("came", "said"), [
    (BranchMoved("c" * 40), "moved while I was at it"),
    (TagExists(MADE, "it is at something else"), "is there and is none of mine"),
    (Refused("the forge refused the push: protected", "Let me push."), "Let me push."),
])  # fmt: skip
def test_a_push_that_did_not_come_about_is_told_loudly_and_nothing_is_shown_as_made(came, said):
    report, asked = make(PushRelease=came)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "confused")
    assert said in told(asked)
    assert "EnsureRelease" not in kinds(asked)


MINE = replace(SAID, tag=MADE, trailers=(
    ("Repository", "github:acme/torchlet"), ("Commit", NEW), ("Requested-By", "ada"),
    ("Requested-In", "comment 501 on pull 12"),
))  # fmt: skip


@pytest.mark.parametrize("forged", [
    replace(MINE, trailers=MINE.trailers[3:]), replace(MINE, keyed=True, verdict="bad"),
    replace(MINE, trailers=(("Repository", "github:acme/other"), *MINE.trailers[1:])),
])  # fmt: skip
def test_a_tag_of_somebody_elses_that_names_the_wish_does_not_pass_for_what_it_made(forged):
    report, asked = make(FetchTags=(FINAL, RC1, replace(MADE, commit="c" * 40)), VerifyTag=forged)
    assert (report.outcome, only(asked, PushRelease).tag.name) == ("made", "v2.7.1-rc3")


def test_a_later_candidate_that_waits_keeps_its_branch_when_an_earlier_one_is_ended():
    waits = Synced((Branch("release/2.7", TIP27), Branch("relbot/rc/2.7", "e" * 40)), None)
    world = {"FetchTags": (FINAL, RC1, MADE), "VerifyTag": MINE, "FindRelease": RELEASE, "Sync": waits}
    later = replace(STAGED, sha="e" * 40)
    assert "DeleteBranch" not in kinds(make(**world, GetCommits=(later,))[1])
    stale = replace(later, parents=("b2" * 20,))
    assert "DeleteBranch" in kinds(make(**world, GetCommits=(stale,))[1]), "as after a merge that squashed it"


def test_a_number_is_taken_by_whatever_has_it_be_it_no_commit():
    _, asked = make(FetchTags=(FINAL, RC1, replace(MADE, commit=None)))
    assert only(asked, PushRelease).tag.name == "v2.7.1-rc3"


def test_what_the_line_is_known_to_suffer_from_is_told_in_its_notes():
    labelled = {"known-issue/2.7": Items((Item(40, "issue", "Slow", ""), Item(3, "pull", "Hangs", "")))}
    _, asked = make(FindLabelled=lambda action: labelled.get(action.label, Items()))
    drafts = [action for action in asked if isinstance(action, DraftRelease)]
    assert {draft.known for draft in drafts} == {((3, "pull", "Hangs"), (40, "issue", "Slow"))}
    assert only(asked, StageRelease).draft.known == drafts[0].known


def test_one_wish_makes_one_candidate_even_when_all_was_forgotten():
    report, asked = make(FetchTags=(FINAL, RC1, MADE), VerifyTag=MINE, FindRelease=RELEASE)
    assert report.outcome == "made"
    assert not {"DraftRelease", "StageRelease", "PushRelease", "EnsureRelease"} & set(kinds(asked))


def test_pain_16_the_notes_of_a_candidate_whose_prerelease_was_lost_are_drafted_once_more():
    report, asked = make(FetchTags=(FINAL, RC1, MADE), VerifyTag=MINE)
    assert report.outcome == "made"
    assert "### Fixed" in only(asked, EnsureRelease).wish.body
    drafts = [action for action in asked if isinstance(action, DraftRelease)]
    assert {(draft.parent, draft.tag, str(draft.version)) for draft in drafts} == {(NEW, "v2.7.1-rc2", "2.7.1-rc2")}
    assert not {"StageRelease", "PushRelease"} & set(kinds(asked))


def test_a_line_on_which_nothing_is_new_has_no_new_candidate():
    report, asked = make(DraftRelease=replace(DRAFT, commit=TIP27), FetchTags=(FINAL, replace(RC1, commit=TIP27)))
    assert (report.outcome, "there is nothing new on the line" in told(asked)) == ("nothing", True)


def test_nothing_is_new_on_a_line_whose_tip_is_its_last_final():
    report, asked = make(FetchTags=(replace(FINAL, commit=TIP27),))
    assert (report.outcome, "v2.7.0 is this very commit" in told(asked)) == ("nothing", True)
    assert not {"StageRelease", "PushRelease"} & set(kinds(asked))


OWN = (
    ("Repository", "github:acme/torchlet"), ("Commit", TIP27), ("Requested-By", "ada"),
    ("Requested-In", "command line at 1"),
)  # fmt: skip


@pytest.mark.parametrize(("trailers", "ensured", "outcome"), [
    (OWN, RELEASE, "made"), (OWN, Refused("releases are off", "x"), "nothing"), ((), RELEASE, "nothing"),
])  # fmt: skip
def test_a_candidate_of_mine_that_was_interrupted_is_ended_when_nothing_else_is_new(trailers, ensured, outcome):
    """A job from the command line is never begun again, and so it is another wish."""
    there = replace(RC1, commit=TIP27)
    world = {"DraftRelease": replace(DRAFT, commit=TIP27), "FetchTags": (FINAL, there)}
    report, asked = make(**world, VerifyTag=replace(SAID, tag=there, trailers=trailers), EnsureRelease=ensured)
    assert (report.outcome, "PushRelease" in kinds(asked)) == (outcome, False)
    assert ("EnsureRelease" in kinds(asked)) is bool(trailers), "what others have tagged they show themselves"


def test_where_no_file_changes_the_lines_own_commit_is_tagged():
    report, asked = make(DraftRelease=replace(DRAFT, commit=TIP27, numbers=()))
    assert report.outcome == "made"
    push = only(asked, PushRelease)
    assert (push.tag.commit, push.staged, push.line.expect) == (TIP27, None, TIP27)
    assert "StageRelease" not in kinds(asked)


SHUT = LineProtected("GH006: Protected branch update failed")
OFFERED = replace(a_pull(), number=31, head="relbot/rc/2.7", base="release/2.7", head_sha=NEW, is_open=True,
                  merged=False, closed_at=None)  # fmt: skip


def test_where_the_line_takes_no_push_the_section_goes_in_by_a_pull_and_the_job_waits_for_its_merge():
    report, asked = make(PushRelease=SHUT, FindPulls=(), EnsurePull=PullReady(OFFERED, opened=True))
    assert (report.outcome, report.summary) == ("waiting", "v2.7.1-rc2 waits for the merge of #31.")
    opened = only(asked, EnsurePull)
    assert (opened.head, opened.base, opened.title) == ("relbot/rc/2.7", "release/2.7", "chore(release): 2.7.1")
    assert "GH006" in told(asked)
    assert "EnsureRelease" not in kinds(asked)


def test_a_section_that_people_have_declined_is_not_offered_again_until_somebody_asks_anew():
    declined = replace(OFFERED, is_open=False, closed_at=JOB.asked.at + 60)
    report, asked = make(PushRelease=SHUT, FindPulls=(declined,), EnsurePull=PullReady(OFFERED, opened=True))
    assert (report.outcome, "was closed unmerged" in told(asked)) == ("refused", True)
    assert "EnsurePull" not in kinds(asked)
    later = replace(JOB, asked=replace(JOB.asked, comment=502, at=JOB.asked.at + 120))
    report, _ = make(later, PushRelease=SHUT, FindPulls=(declined,), EnsurePull=PullReady(OFFERED, opened=True))
    assert report.outcome == "waiting"


def test_a_tag_that_the_forge_does_not_take_is_no_matter_for_a_pull():
    there = replace(DRAFT, commit=TIP27, changed=())
    report, asked = make(DraftRelease=there, PushRelease=SHUT)
    assert (report.outcome, "does not take v2.7.1-rc2 from me" in told(asked)) == ("refused", True)


def test_trouble_with_the_forges_page_takes_nothing_from_the_tag():
    report, asked = make(EnsureRelease=Refused("releases are switched off", "Switch them on."))
    assert (report.outcome, "shows no prerelease of it: releases are switched off" in told(asked)) == ("made", True)


def test_a_breakdown_is_told_where_it_was_asked_for():
    told_all, asked = drive(after_breakdown(JOB, "fault 12ab"), {EnsureComment: None, React: None})
    assert told_all is None
    assert ("I broke down on this one (fault 12ab)." in told(asked), only(asked, React).reaction) == (True, "confused")
