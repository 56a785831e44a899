"""What is found of a project that has made releases without the bot, and what is made for it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha1

import pytest

from bot.core.actions import Missing, Refused, Sync, Synced
from bot.core.issues import EnsureIssue, FindIssue
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Release
from bot.core.publishing import FindReleases
from bot.core.release.adoption import Inventory, judge_file, open_tracker, take_inventory
from bot.core.release.tracker import Account, Shown
from bot.core.tagging import FetchTags, IsAncestor, ReadFiles, TagFound
from bot.core.versions import read_tag
from tests.core.driving import drive, kinds, only, reads_only, writes
from tests.core.release.trackers import a_tracker, a_world, account_of
from tests.core.values import L27, REPO, TIP26, TIP27

LINES = (Branch("main", "9" * 40), Branch("release/2.7", TIP27), Branch("release/2.6", TIP26))
TWICE = Synced((*LINES, Branch("release/v2.7", TIP26)), None)
CHANGELOG = "# Changelog\n\n## [2.7.0] - 2024-05-01\n\n### Fixed\n\n- it\n"


def tag(name, at=1, *, annotated=True, commit=None):
    commit = commit or sha1(name.encode()).hexdigest()
    return TagFound(name, "a" * 40 if annotated else commit, commit, annotated, at if annotated else None)


def release(name, *, draft=False):
    return Release(name, name, "", "", draft=draft)


WORLD = {
    Sync: Synced(LINES, None), FetchTags: (tag("v2.7.0-rc1"), tag("v2.7.0", 2)), FindReleases: (release("v2.7.0"),),
    FindIssue: Missing("a tracker"), IsAncestor: True, ReadFiles: {"CHANGELOG.md": CHANGELOG},
}  # fmt: skip


def look(**world):
    named = {kind.__name__: kind for kind in WORLD}
    return drive(take_inventory(REPO), {**WORLD, **{named[name]: answer for name, answer in world.items()}})


def line(number="2.7", **world):
    found, asked = look(**world)
    assert isinstance(found, Inventory)
    return next(each for each in found.lines if str(each.line) == number), asked


def problems(number="2.7", **world):
    return [problem.said for problem in line(number, **world)[0].problems]


def test_pain_06_maintenance_lines_are_each_taken_as_they_are():
    tags = [tag(name) for name in ("2.6.0", "2.6.1-rc.9", "2.6.1-rc.10", "v2.7.0", "v2.8.0-rc1", "lib-1", "v1.0.0")]
    found, asked = look(FetchTags=tuple(tags), IsAncestor=True)
    assert isinstance(found, Inventory)
    told = {str(each.line): (each.style, each.final and each.final.name, each.next) for each in found.lines}
    assert told == {
        "2.8": ("vX.Y.Z-rcN", None, "v2.8.0-rc2"), "2.7": ("vX.Y.Z-rcN", "v2.7.0", "v2.7.1-rc1"),
        "2.6": ("X.Y.Z-rc.N", "2.6.0", "2.6.1-rc.11"), "1.0": ("vX.Y.Z-rcN", "v1.0.0", "v1.0.1-rc1"),
    }  # fmt: skip
    assert [str(each.line) for each in found.lines if each.lacks_tracker] == ["2.7", "2.6"]
    assert found.others == ("lib-1",)
    assert not [action for action in asked if "Ensure" in type(action).__name__], "a look writes nothing"


def test_where_all_fits_nothing_is_found():
    assert problems() == []


@pytest.mark.parametrize(("world", "said"), [
    ({"FetchTags": (tag("v2.7.0", annotated=False),)}, "v2.7.0 has no tag object: nothing tells who made it, and when"),
    ({"FetchTags": (tag("v2.7.0"), tag("lib-v2.7.1-rc1", 3))}, "several ways: lib-vX.Y.Z, vX.Y.Z"),
    ({"FetchTags": (tag("v2.7.0-rc1"), tag("v2.7.0-rc.2"), tag("v2.7.0", 2))}, "several ways: X.Y.Z-rcN, X.Y.Z-rc.N"),
    ({"FetchTags": (tag("v2.7.0", 2), tag("v2.7.0-rc2", 3))}, "v2.7.0-rc2 came after the final of the same version"),
    ({"FetchTags": (tag("v2.7.0", 2), replace(tag("v2.7.0-rc2"), commit=None))}, "v2.7.0-rc2 is at no commit"),
    ({"IsAncestor": lambda action: not action.commit.startswith(tag("v2.7.0").commit)}, "v2.7.0 is not on release/2.7"),
    ({"FindReleases": (release("v2.7.0", draft=True),)}, "the forge shows no release of v2.7.0"),
    ({"ReadFiles": {"CHANGELOG.md": None}}, "CHANGELOG.md on release/2.7 has no section for 2.7.0"),
    ({"ReadFiles": {"CHANGELOG.md": "## [2.6.0]\n"}}, "CHANGELOG.md on release/2.7 has no section for 2.7.0"),
    ({"Sync": TWICE}, "it has more than one branch: release/2.7, release/v2.7"),
])  # fmt: skip
def test_what_does_not_fit_is_told(world, said):
    [found] = problems(**world)
    assert said in found


def test_many_of_a_kind_are_counted_and_the_newest_named():
    tags = tuple(tag(f"v2.7.{n}", annotated=False) for n in range(12))
    found = problems(FetchTags=tags)[0]
    assert found.startswith("v2.7.8, v2.7.9, v2.7.10, v2.7.11 and 8 more have no tag object")


def test_a_supported_line_without_a_branch_is_told_with_the_way_to_one():
    policy = (".github/relbot.toml", '[lines]\nsupported = ["2.8"]\n')
    found, _ = line("2.8", Sync=Synced(LINES, policy), FetchTags=(tag("v2.8.0"),))
    assert (found.supported, found.lacks_tracker, found.problems[0].said) == (True, False, "it has no branch")
    assert "relbot release cut 2.8" in found.problems[0].step


@pytest.mark.parametrize(("text", "said"), [
    ("2.7.0\n", ""), ("2.7.1\n", ""), ("2.6.9\n", "version.txt holds neither 2.7.0 nor 2.7.1"),
    (None, "version.txt, which is to hold the version, is not there"),
    ("a\nb\n", "version.txt cannot be given a version: it holds more than a version"),
])  # fmt: skip
def test_version_files_hold_the_last_final_or_what_comes_next(text, said):
    fitting = [read_tag(name) for name in ("v2.7.0", "v2.7.1")]
    found = judge_file("version.txt", "", text, [each for each in fitting if each])
    assert found.startswith(said) and bool(found) is bool(said)
    policy = (".github/relbot.toml", '[release]\nbump = ["version.txt"]\n')
    files = {"CHANGELOG.md": CHANGELOG, "version.txt": text}
    assert problems(Sync=Synced(LINES, policy), ReadFiles=files) == ([found] if found else [])


def test_a_policy_that_is_wrong_is_mended_first():
    found, asked = look(Sync=Synced(LINES, (".github/relbot.toml", "[lines]\nx = 1\n")))
    assert isinstance(found, Refusal)
    assert kinds(asked) == ["Sync"]


def test_a_tracker_is_opened_with_nothing_held_and_shows_at_once_what_it_would_show_later():
    ready, asked = drive(open_tracker(REPO, L27), a_world())
    wish = only(asked, EnsureIssue).wish
    assert (ready.made, ready.issue.number, wish.title) == (True, 9, "Release 2.7")
    assert account_of(wish.body) == Account(shown=Shown(tag="v2.7.1-rc10"))
    for part in (wish.marker, "on the way to 2.7.1", "- Fix the kernel ([#12](u))", "### Gates", "v2.7.1-rc9"):
        assert part in wish.body
    assert writes(asked) == [only(asked, EnsureIssue)], "nobody is told of what they have just opened"


def test_a_tracker_that_is_there_is_left_alone_and_one_that_cannot_be_opened_is_told_of():
    issue = a_tracker(is_open=False)
    there, _ = line(FindIssue=issue)
    assert (there.tracker, there.lacks_tracker) == (issue, False)
    ready, asked = drive(open_tracker(REPO, L27), a_world(issue))
    assert (ready.made, ready.issue, reads_only(asked)) == (False, issue, True)
    for world in ({"EnsureIssue": Refused("no issues", "Turn them on.")}, {"Sync": Synced(LINES[:1], None)}):
        refused, _ = drive(open_tracker(REPO, L27), a_world(**world))
        assert isinstance(refused, Refusal)
