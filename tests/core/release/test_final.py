"""The course of a final, fed with outcomes: what it is bound to, what stops it, and whose commit it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import BranchMoved, EnsureComment, FindComment, GetRole, Missing, React, Refused, Sync, Synced
from bot.core.commands import read_commands
from bot.core.issues import (
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    Issue,
    Item,
    Items,
    Milestone,
)
from bot.core.model import Branch, Capabilities, Check, Commit, Release, Role
from bot.core.publishing import (
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    PublishRelease,
)
from bot.core.release.final import make_final
from bot.core.release.tracker import Account, HoldRow, View, render_tracker
from bot.core.standing import FindOpenOnto, GetChecks, GetCommits, GetRequired
from bot.core.tagging import (
    Between,
    FetchTags,
    FindBetween,
    IsAncestor,
    LineProtected,
    Pushed,
    PushRelease,
    ReadFiles,
    TagChecked,
    TagExists,
    TagFound,
    Titled,
    VerifyTag,
)
from bot.core.wishes import Answered, Asked, FollowTag, MakeFinal
from tests.core.driving import drive, kinds, only, writes
from tests.core.values import ADA, BOB, L27, MOVED, REPO, TIP27

V270 = TagFound("v2.7.0", "a1" * 20, "b1" * 20, annotated=True, tagged_at=1)
RC1 = TagFound("v2.7.1-rc1", "a2" * 20, "b2" * 20, annotated=True, tagged_at=2)
RC2 = TagFound("v2.7.1-rc2", "a3" * 20, TIP27, annotated=True, tagged_at=3)
MADE = TagFound("v2.7.1", "a4" * 20, TIP27, annotated=True, tagged_at=4)
HIGHER = TagFound("v2.8.0", "a5" * 20, "b5" * 20, annotated=True, tagged_at=5)
TRAILERS = (
    ("Repository", "github:acme/torchlet"), ("Commit", TIP27), ("Requested-By", "ada"),
    ("Requested-In", "comment 7 on pull 12"),
)  # fmt: skip
SAID = TagChecked(RC2, "relbot", "", TRAILERS, "ssh", "good", "it is signed by relbot")
NOTES = "### Fixed\n\n- in the first candidate\n- in the second candidate"
DRAFT = Drafted(TIP27, (), "- as I would write it", (12,), ())
SECTION = {"CHANGELOG.md": f"# Changelog\n\n## [2.7.1] - 2026-11-25\n\n{NOTES}\n\n[2.7.1]: https://forge.example/c\n"}
GITHUB = Capabilities(draft_releases=True, prereleases=True, latest_mark=True, threads=False, signs_commits=True)
GITLAB = Capabilities(draft_releases=False, prereleases=False, latest_mark=False, threads=True, signs_commits=False)
AT = 1_700_000_500
JOB = MakeFinal(REPO, L27, Asked(ADA, 12, 501, at=AT))
TIP = Commit(TIP27, (), "f" * 40, "relbot <a@b>", 1, "chore(release): 2.7.1", 1_700_000_000)


def found(tip=TIP27, policy=None):
    branches = (Branch("main", "9" * 40), Branch("release/2.7", tip))
    return Synced(branches, (".github/relbot.toml", policy) if policy else None)


class Page:
    """The forge's releases, as far as one flow sees them."""

    def __init__(self, *releases):
        self.releases = {release.tag: release for release in releases}

    def find(self, action):
        return self.releases.get(action.tag, Missing("a release"))

    def ensure(self, action):
        wish = action.wish
        self.releases[wish.tag] = Release(wish.tag, wish.title, wish.body, "https://forge.example/r", draft=wish.draft)
        return replace(self.releases[wish.tag], body="")

    def publish(self, action):
        self.releases[action.tag] = replace(self.releases[action.tag], draft=False)
        return replace(self.releases[action.tag], body="")

    def answers(self):
        return {
            FindRelease: self.find, EnsureRelease: self.ensure, PublishRelease: self.publish,
            FindReleases: lambda action: tuple(self.releases.values()),
        }  # fmt: skip


WORLD = {
    Sync: found(), FetchTags: (V270, RC1, RC2), FindIssue: Missing("a tracker"), GetRole: Role.MAINTAIN,
    VerifyTag: lambda action: SAID if action.name == RC2.name else replace(SAID, tag=V270, trailers=()),
    GetCommits: (TIP,), DraftRelease: DRAFT, GetFacts: {}, ReadFiles: SECTION, FindLabelled: Items(), FindOpenOnto: (),
    FindMilestone: Missing("a milestone"), IsAncestor: True, GetChecks: (Check("build", "passed"),), GetRequired: None,
    PushRelease: Pushed(MADE, signed="ssh"), GetCapabilities: GITHUB, FindComment: None, EnsureComment: None,
    React: None, FindBetween: Between((Titled(MOVED, "fix: later"),)),
}  # fmt: skip


def make(job=JOB, page=None, **world):
    page = page or Page()
    named = {kind.__name__: kind for kind in (*WORLD, *page.answers(), FindInMilestone)}
    own = {named[name]: answer for name, answer in world.items()}
    return drive(make_final(job), {**WORLD, **page.answers(), **own})


def told(asked):
    return "\n".join(action.body for action in asked if isinstance(action, EnsureComment))


def code(job=JOB, **world):
    """The code that is shown for a wish."""
    report, _ = make(job, **world)
    assert report.outcome == "waiting", report.summary
    return report.code


def confirmed(job=JOB, by=ADA, after=60, **world):
    return replace(job, answered=Answered(by, code(replace(job, answered=None), **world), job.asked.at + after))


# ── asked and confirmed ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_final_waits_for_a_confirmation_and_shows_all_that_it_is_of():
    report, asked = make()
    assert report.outcome == "waiting"
    assert writes(asked) == [only(asked, EnsureComment)], "nothing but the word to who asked"
    text = told(asked)
    assert f"**v2.7.1 would be {TIP27}**, the very commit of v2.7.1-rc2." in text
    assert "| ✅ candidate | v2.7.1-rc2 is mine; it is signed by relbot |" in text
    assert f"`/release confirm {report.code}` within 15 minutes" in text
    assert "`/release cancel` drops it" in text
    assert read_commands(text) == ()


def test_pain_02_what_is_promoted_is_the_tested_commit_and_the_tag_alone_is_pushed():
    report, asked = make(confirmed(by=BOB))
    assert (report.outcome, report.summary) == ("made", f"v2.7.1 is released: {TIP27[:12]}.")
    push = only(asked, PushRelease)
    assert (push.tag.name, push.tag.commit, push.line, push.staged) == ("v2.7.1", TIP27, None, None)
    of = push.tag.provenance
    assert (of.requested_by, of.requested_in, of.confirmed_by, of.candidate) == (
        "ada", "comment 501 on pull 12", "bob", "v2.7.1-rc2",
    )  # fmt: skip
    assert "checks: 1 passed on 777777777777" in of.gates
    assert not {"StageRelease", "MakeCommit", "StageCommit"} & set(kinds(asked))
    assert {action.sha for action in asked if isinstance(action, GetChecks)} == {TIP27}
    assert {action.parent for action in asked if isinstance(action, DraftRelease)} == {TIP27}


def test_pain_04_the_release_has_the_notes_of_all_candidates_is_read_back_and_only_then_published():
    report, asked = make(confirmed())
    wish = only(asked, EnsureRelease).wish
    assert (wish.tag, wish.title, wish.draft, wish.prerelease) == ("v2.7.1", "v2.7.1", True, False)
    assert wish.body.startswith(f"{NOTES}\n\n[All changes](https://forge.example/c)\n\n"), "as people left it"
    assert f"- v2.7.1-rc1 ({RC1.commit})\n- v2.7.1-rc2 ({TIP27})" in wish.body
    order = kinds(asked)
    ensured = order.index("EnsureRelease")
    assert order[ensured + 1 : ensured + 3] == ["FindRelease", "PublishRelease"]
    assert only(asked, PublishRelease).latest
    assert "[v2.7.1](https://forge.example/r) is released" in told(asked)
    assert "@ada " in told(asked)
    assert report.then == (FollowTag(REPO, L27, "v2.7.1", MADE.commit),)
    assert only(asked, React).reaction == "rocket"


@pytest.mark.parametrize(("able", "above"), [(GITHUB, ""), (GITLAB, "the newest release is v2.8.0")])
def test_pain_07_a_patch_of_an_older_line_takes_latest_from_nobody(able, above):
    world = {"FetchTags": (V270, RC1, RC2, HIGHER), "GetCapabilities": able}
    _, asked = make(confirmed(**world), **world)
    assert only(asked, PublishRelease).latest is False
    assert only(asked, EnsureRelease).wish.draft is able.draft_releases
    assert above in only(asked, EnsureRelease).wish.body


def test_a_release_that_is_withdrawn_is_not_what_latest_is_kept_for():
    page = Page(Release("v2.8.0", "v2.8.0 [YANKED]", "", ""))
    world = {"FetchTags": (V270, RC1, RC2, HIGHER)}
    _, asked = make(confirmed(**world), page, **world)
    assert only(asked, PublishRelease).latest is True


def test_what_people_have_written_on_a_release_that_is_there_stays():
    page = Page(Release("v2.7.1", "Two seven one", "by hand", "", draft=True))
    report, asked = make(confirmed(), page)
    assert report.outcome == "made"
    assert "EnsureRelease" not in kinds(asked)
    assert page.releases["v2.7.1"] == Release("v2.7.1", "Two seven one", "by hand", "")


def test_a_draft_that_is_not_as_it_was_written_is_not_published():
    page = Page()

    def altered(action):
        made = page.ensure(action)
        page.releases[action.wish.tag] = replace(page.releases[action.wish.tag], body="something else")
        return made

    report, asked = make(confirmed(), page, EnsureRelease=altered)
    assert (report.outcome, "otherwise than I wrote it" in told(asked)) == ("refused", True)
    assert "PublishRelease" not in kinds(asked)


def test_a_release_that_the_forge_does_not_take_leaves_the_tag_and_is_shown_by_the_next_try():
    no = Refused("releases are switched off", "Switch them on.")
    report, asked = make(confirmed(), EnsureRelease=no)
    assert (report.outcome, "`/release retry`" in told(asked)) == ("refused", True)
    assert report.then == (FollowTag(REPO, L27, "v2.7.1", MADE.commit),), "what follows from the tag follows anyway"
    mine = (*TRAILERS, ("Candidate", "v2.7.1-rc2"), ("Requested-In", JOB.asked.origin))
    again, asked = make(JOB, FetchTags=(V270, RC1, RC2, MADE), VerifyTag=replace(SAID, tag=MADE, trailers=mine))
    assert again.outcome == "made"
    assert "PushRelease" not in kinds(asked)
    assert "the commit of v2.7.1-rc2" in told(asked)
    assert NOTES in only(asked, EnsureRelease).wish.body


SHOWN = Release("v2.7.1", "v2.7.1", "### Fixed\n\n- it", "https://forge.example/r")


@pytest.mark.parametrize("shown", [(), (replace(SHOWN, draft=True),)])
def test_a_final_that_was_interrupted_is_ended_by_whoever_wishes_for_it_next(shown):
    """A job from the command line is never begun again, and so it is another wish."""
    later = MakeFinal(REPO, L27, Asked(BOB, 0, 0, at=AT + 60))
    page, tags = Page(*shown), {"FetchTags": (V270, RC1, RC2, MADE), "VerifyTag": replace(SAID, tag=MADE)}
    report, asked = make(later, page, **tags)
    assert (report.outcome, page.releases["v2.7.1"].draft) == ("made", False)
    assert ("PushRelease" in kinds(asked), report.then) == (False, (FollowTag(REPO, L27, "v2.7.1", TIP27),))
    assert make(later, Page(*shown), **tags, GetRole=Role.WRITE)[0].outcome == "refused"


@pytest.mark.parametrize("left", [
    {"VerifyTag": replace(SAID, tag=MADE, trailers=())},
    {"FetchTags": (V270, RC1, RC2, MADE, replace(MADE, name="v2.7.2-rc1"))},
    {"page": Page(replace(SHOWN, title="v2.7.1 [YANKED]", draft=True))},
])  # fmt: skip
def test_what_is_not_mine_or_withdrawn_or_past_is_not_shown_by_the_next_wish(left):
    world = {"FetchTags": (V270, RC1, RC2, MADE), "VerifyTag": replace(SAID, tag=MADE), **left}
    _, asked = make(MakeFinal(REPO, L27, Asked(BOB, 0, 0, at=AT + 60)), **world)
    assert not {"EnsureRelease", "PublishRelease"} & set(kinds(asked))


def test_pain_03_a_final_is_made_once_and_then_there_is_no_candidate_left_to_promote():
    world = {"FetchTags": (V270, RC1, RC2, MADE), "VerifyTag": replace(SAID, tag=MADE)}
    report, asked = make(page=Page(SHOWN), **world)
    assert (report.outcome, "2.7 has no candidate to promote" in told(asked)) == ("refused", True)
    assert "PushRelease" not in kinds(asked)


# ── gates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tracker(*holds):
    view = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
    body = render_tracker(view, Account(holds=holds))
    return Issue(9, "Release 2.7", body, "", ADA, is_open=True, is_mine=True)


HELD = tracker(HoldRow(by="bob", reason="waits", at=1))
ITEM = Item(12, "pull", "Fix it", "https://forge.example/acme/torchlet/pull/12")
PLANNED = Milestone(3, "2.7.1", "", True, "")
BUMPED = found(policy='[release]\nbump = ["version.txt"]\n')
AHEAD = {"Sync": found(MOVED), "IsAncestor": True}


@pytest.mark.parametrize(("world", "said"), [
    ({"FindIssue": HELD}, "held by bob: waits"),
    ({"FindIssue": replace(HELD, body=HELD.body.replace('{"holds"', '{"hold"'))}, "cannot tell whether it is held"),
    ({"Sync": found(policy='[lines]\nsupported = ["2.8"]\n')}, "come to the end of its life"),
    ({"Sync": found(policy='[lines]\nsuported = ["2.8"]\n')}, "The policy file"),
    ({"GetChecks": (Check("build", "failed"),)}, "build failed on"),
    ({"GetChecks": (Check("build", "pending"),)}, "ask again when they have ended"),
    ({"GetChecks": Missing("the commit")}, "ask again when they have ended"),
    ({"FindLabelled": Items((ITEM,))}, "finish them by hand"),
    ({"FindLabelled": Missing("the repository")}, "the forge does not tell"),
    ({"FindMilestone": PLANNED, "FindInMilestone": Items((ITEM,))}, "take them out of the milestone"),
    ({"FindMilestone": PLANNED, "FindInMilestone": Missing("it")}, "the forge does not tell"),
    ({"IsAncestor": False}, "the last final of 2.7 is not on release/2.7"),
    ({"Sync": found(MOVED), "IsAncestor": lambda action: action.of != MOVED}, "v2.7.1-rc2 is not on release/2.7"),
    ({**AHEAD, "IsAncestor": lambda action: (action.commit, action.of) != (V270.commit, TIP27)},
     "the last final of 2.7 is not on release/2.7"),
    (AHEAD, "release/2.7 has 1 commit after v2.7.1-rc2. Next: take them in with /release rc 2.7"),
    ({"VerifyTag": replace(SAID, verdict="bad", said="it is signed by a stranger")}, "signed by a stranger"),
    ({"VerifyTag": replace(SAID, tag=replace(RC2, sha="c" * 40))}, "was moved while I looked at it"),
    ({"VerifyTag": replace(SAID, trailers=(*TRAILERS, ("Commit", MOVED)))}, "says that it is of 8888"),
    ({"VerifyTag": Missing("the tag")}, "is not there any more"),
    ({"ReadFiles": {"CHANGELOG.md": "# Changelog\n"}}, "has no section of 2.7.1 in that commit"),
    ({"ReadFiles": {"CHANGELOG.md": None}}, "has no section of 2.7.1 in that commit"),
    ({"Sync": BUMPED, "DraftRelease": replace(DRAFT, changed=("version.txt",))}, "version.txt does not say 2.7.1"),
    ({"DraftRelease": Refused("I could not write it", "Correct the file")}, "Correct the file"),
    ({"FetchTags": (V270,)}, "2.7 has no candidate to promote"),
])  # fmt: skip
def test_behind_a_closed_gate_there_is_nothing_to_confirm_and_nothing_is_pushed(world, said):
    report, asked = make(**world)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "confused")
    assert said in told(asked)
    assert not report.code
    assert {type(action) for action in writes(asked)} == {EnsureComment, React}


def test_a_candidate_that_was_withdrawn_becomes_no_final():
    page = Page(Release(RC2.name, f"{RC2.name} [YANKED]", "", "", prerelease=True))
    report, asked = make(page=page)
    assert (report.outcome, "v2.7.1-rc2 is withdrawn" in told(asked)) == ("refused", True)


def test_pain_24_nobody_but_a_manager_asks_for_one():
    report, asked = make(GetRole=Role.WRITE)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "-1")
    assert not {"DraftRelease", "GetChecks"} & set(kinds(asked))


def test_a_candidate_made_by_hand_is_said_to_be_one():
    by_hand = replace(SAID, tag=replace(RC2, annotated=False), trailers=(), signed=None, verdict="none", said="")
    by_hand = replace(by_hand, tag=RC2)
    report, asked = make(VerifyTag=by_hand)
    assert (report.outcome, "v2.7.1-rc2 was made by hand" in told(asked)) == ("waiting", True)


def test_what_the_line_is_known_to_suffer_from_is_told_to_what_drafts():
    labelled = {"known-issue/2.7": Items((Item(40, "issue", "Slow", ""), Item(3, "pull", "Hangs", "")))}
    _, asked = make(FindLabelled=lambda action: labelled.get(action.label, Items()))
    drafts = [action for action in asked if isinstance(action, DraftRelease)]
    assert {draft.known for draft in drafts} == {((3, "pull", "Hangs"), (40, "issue", "Slow"))}


def test_a_candidate_that_names_no_commit_becomes_no_final_and_another_one_can_be_named():
    odd = replace(RC2, name="v2.7.1-rc3", commit=None)
    report, asked = make(FetchTags=(V270, RC1, RC2, odd))
    assert (report.outcome, "v2.7.1-rc3, which was to be promoted, is not there any more, or" in told(asked)) == (
        "refused", True,
    )  # fmt: skip
    assert make(replace(JOB, candidate=2), FetchTags=(V270, RC1, RC2, odd))[0].outcome == "waiting"


def test_a_section_that_would_be_written_otherwise_today_stays_as_it_was_tested():
    report, asked = make(DraftRelease=replace(DRAFT, commit=MOVED, changed=("CHANGELOG.md",)))
    assert (report.outcome, "what was tested stays as it is" in told(asked)) == ("waiting", True)
    assert {action.sha for action in asked if isinstance(action, GetChecks)} == {TIP27}


def test_an_older_state_of_the_line_is_promoted_only_by_name_and_what_is_left_out_is_listed():
    job = replace(JOB, candidate=2)
    report, asked = make(job, **AHEAD)
    assert report.outcome == "waiting"
    assert "**Left out**, since it came after v2.7.1-rc2:\n\n- 888888888888 fix: later" in told(asked)
    done, asked = make(confirmed(job, **AHEAD), **AHEAD)
    assert (done.outcome, only(asked, PushRelease).tag.commit) == ("made", TIP27)


def test_a_final_of_an_earlier_candidate_names_no_later_one_as_its_own():
    made = replace(MADE, commit=RC1.commit)
    world = {"VerifyTag": replace(SAID, tag=RC1, trailers=()), "PushRelease": Pushed(made)}
    report, asked = make(confirmed(replace(JOB, candidate=1), **world), **world)
    assert report.outcome == "made"
    body = only(asked, EnsureRelease).wish.body
    assert ("v2.7.1-rc1" in body, "v2.7.1-rc2" in body) == (True, False)


@pytest.mark.parametrize(("came", "said"), [
    (TagExists(MADE, "it is at something else"), "is there and is none of mine"),
    (BranchMoved(None), "moved while I was at it"),
    (LineProtected("GH013"), "does not take v2.7.1 from me: GH013"),
    (Refused("the forge refused the push: protected", "Let me push."), "Let me push."),
])  # fmt: skip
def test_a_push_that_did_not_come_about_is_told_and_nothing_is_shown_as_made(came, said):
    report, asked = make(confirmed(), PushRelease=came)
    assert (report.outcome, report.then) == ("refused", ())
    assert said in told(asked)
    assert "EnsureRelease" not in kinds(asked)
