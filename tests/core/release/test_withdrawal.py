"""The course of a withdrawal, fed with outcomes: everything is marked and pointed elsewhere, and nothing is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import (
    BranchReady,
    EnsureComment,
    EnsurePull,
    FindComment,
    FindPulls,
    GetRole,
    Missing,
    PullReady,
    React,
    Refused,
    Sync,
    Synced,
)
from bot.core.commands import read_commands
from bot.core.model import Branch, Release, Role
from bot.core.publishing import EnsureRelease, FindReleases, GetCapabilities, MarkLatest
from bot.core.release.marks import is_withdrawn
from bot.core.release.withdrawal import yank
from bot.core.tagging import CommitMade, FetchTags, IsAncestor, MakeCommit, ReadFiles, StageCommit, TagFound
from bot.core.wishes import Answered, Asked, Yank
from tests.core.driving import drive, kinds, only, writes
from tests.core.release.test_final import GITHUB, GITLAB, told
from tests.core.values import ADA, BOB, L27, NEW, REPO, TIP27, a_pull

AT = 1_700_000_500
JOB = Yank(REPO, L27, Asked(ADA, 12, 501, at=AT), patch=1, reason="wrong results on @sm_90")
TAGS = tuple(TagFound(name, f"{n}a" * 20, f"{n}b" * 20, annotated=True) for n, name in enumerate(
    ("v2.6.0", "v2.7.0", "v2.7.1", "v2.7.2-rc1", "v2.8.0")))  # fmt: skip
LOWER = TAGS[:4]
SHOWN = Release("v2.7.1", "v2.7.1", "### Fixed\n\n- it", "https://forge.example/v2.7.1")
ORIGIN = f"<!-- relbot:yanked-by {JOB.asked.origin} -->"
PAGE = "# Changelog\n\n## [2.7.1] - 2026-11-01\n\n- it\n\n## [2.7.0] - 2026-10-01\n\n- all\n"
PULL = a_pull(number=31, is_open=True, url="https://forge.example/31")
WORLD = {
    Sync: Synced((Branch("main", "9" * 40), Branch("release/2.7", TIP27)), None), GetRole: Role.MAINTAIN,
    FetchTags: TAGS, FindReleases: (SHOWN,), IsAncestor: True, GetCapabilities: GITHUB,
    EnsureRelease: lambda action: Release(action.wish.tag, action.wish.title, "", SHOWN.url, prerelease=True),
    MarkLatest: lambda action: Release(action.tag, action.tag, "", ""),
    ReadFiles: {"CHANGELOG.md": PAGE}, MakeCommit: CommitMade(NEW, "f" * 40, ("CHANGELOG.md",)), FindPulls: (),
    StageCommit: BranchReady(NEW), EnsurePull: PullReady(PULL, opened=True), EnsureComment: None, React: None,
    FindComment: None,
}  # fmt: skip


def run(job=JOB, **world):
    named = {kind.__name__: kind for kind in WORLD}
    return drive(yank(job), {**WORLD, **{named[name]: answer for name, answer in world.items()}})


def confirmed(job=JOB, **world):
    report, _ = run(job, **world)
    assert report.outcome == "waiting", report.summary
    return replace(job, answered=Answered(BOB, report.code, job.asked.at + 60))


def test_a_withdrawal_waits_for_a_confirmation_and_says_what_it_would_do():
    report, asked = run()
    assert report.outcome == "waiting"
    assert writes(asked) == [only(asked, EnsureComment)]
    text = told(asked)
    assert "**v2.7.1 would be withdrawn.** Its tag stays where it is, and nothing is deleted:" in text
    assert "wrong results on @\u200bsm\\_90" in text, "a reason calls nobody"
    assert "- Use v2.7.0 instead.\n- the latest release is v2.8.0" in text
    assert "these came after it on the line and hold what it holds: v2.7.2-rc1" in text
    assert f"`/release confirm {report.code}`" in text
    assert read_commands(text) == ()


def test_pain_28_it_goes_forward_only_marks_its_release_and_says_what_to_use():
    report, asked = run(confirmed())
    assert (report.outcome, report.summary) == ("made", "v2.7.1 is withdrawn.")
    wish = only(asked, EnsureRelease).wish
    assert (wish.tag, wish.title, wish.prerelease, wish.draft) == ("v2.7.1", "v2.7.1 [YANKED]", True, False)
    assert is_withdrawn(replace(SHOWN, body=wish.body)) and is_withdrawn(replace(SHOWN, title=wish.title))
    assert "**v2.7.1 was withdrawn** by ada: wrong results on @\u200bsm\\_90. Use v2.7.0 instead." in wish.body
    assert wish.body.endswith("\n\n### Fixed\n\n- it"), "what was said of it stays"
    wanted = {EnsureRelease, MarkLatest, StageCommit, EnsurePull, EnsureComment, React}
    assert {type(action) for action in writes(asked)} == wanted, "there is no wish that takes a tag away or moves one"


@pytest.mark.parametrize(("tags", "latest"), [(TAGS, "v2.8.0"), (LOWER, "v2.7.0")])
def test_latest_goes_to_the_highest_final_that_is_left(tags, latest):
    _, asked = run(confirmed(FetchTags=tags), FetchTags=tags)
    assert only(asked, MarkLatest) == MarkLatest(REPO, latest, latest=True)
    assert f"the mark Latest is on {latest}" in told(asked)


def test_where_a_forge_has_no_mark_it_is_said_what_is_latest():
    _, asked = run(confirmed(GetCapabilities=GITLAB), GetCapabilities=GITLAB)
    assert ("MarkLatest" in kinds(asked), "the latest release is v2.8.0" in told(asked)) == (False, True)


def test_the_only_final_leaves_nothing_that_is_called_latest():
    report, asked = run(confirmed(FetchTags=(TAGS[2],)), FetchTags=(TAGS[2],))
    assert (report.outcome, "MarkLatest" in kinds(asked)) == ("made", False)
    assert "There is no other final to use instead yet." in only(asked, EnsureRelease).wish.body


def test_the_section_is_marked_by_a_pull_on_the_line_and_on_the_default_branch():
    _, asked = run(confirmed())
    made = [action for action in asked if isinstance(action, MakeCommit)]
    assert [(make.parent, make.message) for make in made] == [
        (TIP27, "chore(release): mark 2.7.1 as yanked"), ("9" * 40, "chore(release): mark 2.7.1 as yanked"),
    ]  # fmt: skip
    [(path, text)] = made[0].files
    assert (path, text) == ("CHANGELOG.md", PAGE.replace("2026-11-01", "2026-11-01 [YANKED]"))
    pulls = [action for action in asked if isinstance(action, EnsurePull)]
    assert [(pull.head, pull.base) for pull in pulls] == [
        ("relbot/yank/2.7.1/release/2.7", "release/2.7"), ("relbot/yank/2.7.1/main", "main"),
    ]  # fmt: skip
    assert "was withdrawn** by ada" in pulls[0].body
    assert "[#31](https://forge.example/31) marks it in the changelog on `main`" in told(asked)


def test_a_branch_without_the_section_gets_no_pull():
    _, asked = run(confirmed(), ReadFiles={"CHANGELOG.md": "# Changelog\n"})
    assert ("EnsurePull" in kinds(asked), "has no section of it in its changelog" in told(asked)) == (False, True)


def test_a_line_whose_branch_is_gone_can_still_be_withdrawn_from():
    gone = Synced((Branch("main", "9" * 40),), None)
    report, asked = run(confirmed(Sync=gone), Sync=gone)
    assert (report.outcome, only(asked, EnsurePull).base) == ("made", "main")


def test_a_version_without_a_release_gets_one_that_says_so():
    _, asked = run(confirmed(FindReleases=()), FindReleases=())
    assert only(asked, EnsureRelease).wish.title == "v2.7.1 [YANKED]"


def test_a_tag_with_the_longest_name_that_a_forge_takes_breaks_nothing():
    long = replace(TAGS[2], name=f"{'x' * 244}-v2.7.1")
    report, asked = run(FetchTags=(*TAGS, long))
    assert (report.outcome, "relbot:bound" in told(asked)) == ("waiting", True)


def test_a_candidate_is_marked_and_takes_nothing_else_along():
    job = replace(JOB, patch=2, rc=1)
    report, asked = run(confirmed(job))
    assert (report.outcome, only(asked, EnsureRelease).wish.tag) == ("made", "v2.7.2-rc1")
    assert not {"MarkLatest", "EnsurePull"} & set(kinds(asked))
    offer = told(run(job)[1])
    assert ("would be withdrawn" in offer, "the latest" in offer, "section" in offer) == (True, False, False)


@pytest.mark.parametrize(("patch", "near"), [(5, "the nearest are v2.7.2-rc1"), (0, "")])
def test_a_version_that_was_never_tagged_is_refused_with_the_nearest(patch, near):
    tags = tuple(tag for tag in TAGS if tag.name != "v2.7.0")
    report, asked = run(replace(JOB, patch=patch), FetchTags=tags)
    assert (report.outcome, f"There is no tag of 2.7.{patch}" in told(asked)) == ("refused", True)
    assert (near or "the nearest are v2.7.1") in told(asked)


def test_of_a_line_that_has_no_tag_the_newest_of_all_are_named():
    report, asked = run(FetchTags=(TAGS[0], TAGS[4]))
    assert (report.outcome, "the nearest are v2.6.0, v2.8.0" in told(asked)) == ("refused", True)


def test_what_is_withdrawn_already_is_said_to_be():
    report, asked = run(FindReleases=(replace(SHOWN, title="v2.7.1 [YANKED]"),))
    assert (report.outcome, "is withdrawn already" in told(asked)) == ("nothing", True)
    assert not {"EnsureRelease", "MarkLatest"} & set(kinds(asked))


def test_who_confirms_what_somebody_else_has_withdrawn_meanwhile_is_told_in_a_new_comment():
    report, asked = run(confirmed(), FindReleases=(replace(SHOWN, title="v2.7.1 [YANKED]"),))
    assert report.outcome == "nothing"
    assert "@bob v2.7.1 was withdrawn before." in told(asked)


def test_a_withdrawal_that_was_interrupted_goes_on_and_marks_nothing_twice():
    _, asked = run(confirmed())
    wish = only(asked, EnsureRelease).wish
    marked = replace(SHOWN, title=wish.title, body=wish.body)
    report, asked = run(FindReleases=(marked,))
    assert (report.outcome, "EnsureRelease" in kinds(asked)) == ("made", False)
    assert only(asked, MarkLatest).tag == "v2.8.0"
    assert kinds(asked).count("EnsurePull") == 2


def test_another_wish_looks_after_all_that_an_interrupted_one_may_have_left():
    """A job from the command line is never begun again."""
    there = Yank(REPO, L27, Asked(ADA, 0, 0, at=AT), patch=1, reason="wrong results")
    wish = only(run(confirmed(there))[1], EnsureRelease).wish
    later, marked = replace(there, asked=Asked(ADA, 0, 0, at=AT + 60)), replace(SHOWN, title=wish.title, body=wish.body)
    report, asked = run(later, FindReleases=(marked,))
    assert (report.outcome, "EnsureRelease" in kinds(asked)) == ("nothing", False)
    assert (only(asked, MarkLatest).tag, kinds(asked).count("EnsurePull")) == ("v2.8.0", 2)
    assert "is withdrawn already" in report.told and "- the mark Latest is on v2.8.0" in report.told
    assert run(later, FindReleases=(marked,), MarkLatest=Refused("no", "x"))[0].outcome == "refused"
    assert writes(run(later, FindReleases=(marked,), GetRole=Role.WRITE)[1]) == []


@pytest.mark.parametrize("world", [
    {"MarkLatest": Refused("no rights", "Give me some")}, {"EnsureRelease": Refused("no rights", "Give me some")},
    {"EnsurePull": Refused("no pulls here", "Allow them")},
])  # fmt: skip
def test_what_could_not_be_done_is_named_and_can_be_done_again(world):
    report, asked = run(confirmed(), **world)
    assert (report.outcome, "is not wholly withdrawn yet" in told(asked)) == ("refused", True)
    assert "`/release retry`" in told(asked)


def test_latest_that_has_no_release_is_trouble_only_where_the_mark_has_to_leave_what_is_withdrawn():
    gone = {"MarkLatest": lambda action: Missing(f"release {action.tag}")}
    report, asked = run(confirmed(), **gone)
    assert (report.outcome, "the latest release is v2.8.0" in told(asked)) == ("made", True)
    for known in ((SHOWN,), (replace(SHOWN, title="v2.7.1 [YANKED]", body=ORIGIN),)):  # at first, and after a kill
        world = {"FetchTags": LOWER, "FindReleases": known}
        job = JOB if known[0].body == ORIGIN else confirmed(**world)
        report, asked = run(job, **world, **gone)
        assert (report.outcome, "the forge does not find release v2.7.0" in told(asked)) == ("refused", True)


def test_a_release_that_came_between_makes_the_confirmation_refuse():
    report, asked = run(confirmed(FetchTags=LOWER))
    assert (report.outcome, "latest v2.8.0. Nothing was done." in told(asked)) == ("refused", True)
    assert "EnsureRelease" not in kinds(asked)


def test_pain_24_nobody_but_a_manager_withdraws():
    report, asked = run(GetRole=Role.WRITE)
    assert (report.outcome, only(asked, React).reaction) == ("refused", "-1")
    assert "FetchTags" not in kinds(asked)
