"""What follows from tags, on a forge that remembers what was written: what is done, what is said, and what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import (
    BranchReady,
    EnsureComment,
    EnsurePull,
    FindPulls,
    Missing,
    PullReady,
    Refused,
    Sync,
    Synced,
    Write,
)
from bot.core.changelog.page import read_page
from bot.core.issues import (
    EnsureMilestone,
    FindInMilestone,
    FindIssue,
    FindMilestone,
    GetFacts,
    Issue,
    Item,
    Items,
    Milestone,
    PullFacts,
)
from bot.core.model import Branch, Capabilities, Comment, Commit, Release
from bot.core.publishing import (
    DeleteBranch,
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    PublishRelease,
    TellPull,
)
from bot.core.refs import BranchDeleted
from bot.core.release.after import MOST_TOLD, PORTION
from bot.core.release.final import make_final
from bot.core.release.follow import follow_tag
from bot.core.release.tracker import Account, View, render_tracker
from bot.core.standing import GetCommits
from bot.core.tagging import (
    CommitMade,
    FetchTags,
    IsAncestor,
    MakeCommit,
    ReadFiles,
    StageCommit,
    TagChecked,
    TagFound,
    VerifyTag,
)
from bot.core.wishes import Asked, Deploy, FollowTag, KeepTracker, MakeFinal
from tests.core.values import ADA, L27, NEW, REPO, TIP27, a_pull

OBJECT, MAIN = "0b" * 20, "9" * 40
MINE = (("Repository", "github:acme/torchlet"), ("Commit", NEW), ("Requested-By", "ada"), ("Requested-In", "comment 7"))
LINE_LOG = "# Changelog\n\n## [2.7.1] - 2026-11-25\n\n### Fixed\n\n- It (#12)\n\n## [2.7.0] - 2026-10-01\n\n- All\n"
MAIN_LOG = "# Changelog\n\n## [2.8.0] - 2026-11-01\n\n- New\n\n## [2.7.0] - 2026-10-01\n\n- All\n"


def tag(name, *, commit=NEW, sha=OBJECT, at=5, annotated=True):
    return TagFound(name, sha, commit, annotated, at if annotated else None)


FINAL = (tag("v2.7.0", commit="b1" * 20, sha="a1" * 20, at=1), tag("v2.7.1-rc1", sha="a2" * 20, at=4), tag("v2.7.1"))


def a_tracker(*, is_open=True):
    view = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
    return Issue(9, "Release 2.7", render_tracker(view, Account()), "", ADA, is_open=is_open, is_mine=True)


class Killed(Exception):  # noqa: N818 - it is what happened
    """The process died."""


class Forge:
    """Remembers what flows write, answers what they ask, and can die at a write: before it, or before it is told."""

    def __init__(self, *tags, trailers=MINE, verdict="none", keyed=False, tracker=True, policy=None):
        self.tags = {each.name: each for each in tags}
        self.trailers, self.verdict, self.keyed, self.policy = trailers, verdict, keyed, policy
        self.tracker = a_tracker() if tracker else None
        self.branches = {"main": MAIN, "release/2.7": TIP27}
        self.files = {NEW: {"CHANGELOG.md": LINE_LOG}, MAIN: {"CHANGELOG.md": MAIN_LOG}}
        self.made, self.pulls, self.releases, self.milestones, self.comments = {}, {}, {}, {}, {}
        self.items, self.locked, self.on_line = Items(), set(), True
        self.facts = {12: PullFacts(12, "[2.7] It", "Backport of #5.", "", ADA, merged=True)}
        self.known = {5: PullFacts(5, "It", "", "", ADA, merged=True)}
        self.shipped, self.commits = (12,), ()
        self.asked, self.writes, self.dies_at = [], 0, None

    def follow(self, name="v2.7.1", sha=NEW, **about):
        """The reports of the job and of the parts that it leaves to others, and the trackers that are to be kept."""
        waiting, reports = [FollowTag(REPO, L27, name, sha, **about)], []
        while waiting:
            job = waiting.pop(0)
            if isinstance(job, FollowTag):
                reports.append(self.drive(follow_tag(job)))
                waiting += reports[-1].then
        return reports

    def drive(self, flow):
        outcome = None
        while True:
            try:
                action = flow.send(outcome)
            except StopIteration as ended:
                return ended.value
            self.asked.append(action)
            if not isinstance(action, Write):
                outcome = self.read(action)
                continue
            self.writes += 1
            if self.dies_at == (self.writes, "before"):
                raise Killed
            outcome = self.write(action)
            if self.dies_at == (self.writes, "after"):
                raise Killed

    def read(self, action):
        match action:
            case Sync():
                return Synced(tuple(Branch(*pair) for pair in self.branches.items()), self.policy)
            case VerifyTag(name=name):
                found = self.tags.get(name)
                said = "it has a good signature by K" if self.verdict == "good" else "it is not signed"
                signed = None if self.verdict == "none" else "ssh"
                checked = found and TagChecked(
                    found, "Ada", "", self.trailers if found.annotated else (), signed, self.verdict, said, self.keyed
                )
                return checked or Missing(f"the tag {name}")
            case FetchTags():
                return tuple(self.tags.values())
            case FindIssue():
                return self.tracker or Missing("a tracker")
            case GetCapabilities():
                return Capabilities(draft_releases=True, prereleases=True, latest_mark=True, threads=False,
                                    signs_commits=True)  # fmt: skip
            case FindReleases():
                return tuple(self.releases.values())
            case FindRelease(tag=name):
                return self.releases.get(name, Missing("a release"))
            case DraftRelease():
                return Drafted(action.parent, (), "### Fixed\n\n- it", (12,), (), shipped=self.shipped)
            case GetFacts(numbers=numbers):
                return {n: one for n, one in (self.facts | self.known).items() if n in numbers}
            case IsAncestor(commit=commit):
                return self.on_line and commit != "e" * 40
            case ReadFiles(commit=commit, paths=paths):
                return {path: self.files.get(commit, {}).get(path) for path in paths}
            case _:
                return self.read_of_work(action)

    def read_of_work(self, action):
        match action:
            case FindMilestone(title=title):
                return self.milestones.get(title, Missing("a milestone"))
            case FindInMilestone():
                return self.items
            case MakeCommit(parent=parent, files=files):
                if all(self.files[parent].get(path) == text for path, text in files):
                    return CommitMade(parent, "t", ())
                made = f"{abs(hash((parent, files))):040x}"
                self.made[made] = dict(files)
                return CommitMade(made, "t", tuple(path for path, _ in files))
            case FindPulls(head=head):
                return tuple(pull for pull in self.pulls.values() if pull.head == head)
            case GetCommits():
                return self.commits
        raise AssertionError(f"unexpected: {action}")

    def write(self, action):
        match action:
            case EnsureRelease(wish=wish):
                return self.releases.setdefault(wish.tag, Release(wish.tag, wish.title, wish.body, "https://f/r",
                                                                  wish.draft, wish.prerelease))  # fmt: skip
            case PublishRelease(tag=name):
                self.releases[name] = replace(self.releases[name], draft=False)
                return self.releases[name]
            case StageCommit(commit=commit, branch=branch):
                assert self.branches.get(branch) == action.expect
                self.branches[branch] = commit
                return BranchReady(commit)
            case EnsurePull(head=head, title=title, body=body):
                there = head in self.pulls
                pull = a_pull(number=45, head=head, base="main", title=title, body=body, is_open=True, merged=False)
                return PullReady(self.pulls.setdefault(head, pull), opened=not there)
            case EnsureMilestone(wish=wish):
                self.milestones[wish.title] = Milestone(3, wish.title, wish.description, wish.is_open, "")
                return self.milestones[wish.title]
            case DeleteBranch(branch=branch, expect=expect):
                assert self.branches.pop(branch) == expect
                return BranchDeleted(expect)
            case TellPull(number=number) if number in self.locked:
                return Refused(f"#{number} takes no comment of mine: it is locked", "Say it there by hand.")
            case EnsureComment() | TellPull():
                spot = (getattr(action, "on", "pull"), action.number, action.marker)
                self.comments[spot] = action.body
                return Comment(1, ADA, action.body)
        raise AssertionError(f"unexpected: {action}")

    def said_on(self, on, number):
        return [body for (where, at, _), body in self.comments.items() if (where, at) == (on, number)]

    @property
    def end(self):
        """All that people can see."""
        return self.branches, self.pulls, self.releases, self.milestones, self.comments


def made(forge, kind):
    return [action for action in forge.asked if isinstance(action, kind)]


# ── what I have made ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_pain_16_a_candidate_that_was_tagged_and_not_shown_is_shown_and_its_branch_goes():
    forge = Forge(*FINAL[:2])
    forge.branches["relbot/rc/2.7"] = NEW
    [report] = forge.follow("v2.7.1-rc1")
    assert (report.outcome, report.then) == ("settled", (KeepTracker(REPO, L27, "v2.7.1-rc1:" + "a2" * 20),))
    shown = forge.releases["v2.7.1-rc1"]
    assert (shown.prerelease, "### Fixed" in shown.body) == (True, True)
    assert "relbot/rc/2.7" not in forge.branches
    before = dict(forge.releases)
    forge.follow("v2.7.1-rc1")
    assert (forge.releases, len(made(forge, EnsureRelease)), len(made(forge, DeleteBranch))) == (before, 1, 1)


def test_a_later_candidate_that_is_being_made_keeps_its_branch():
    forge = Forge(*FINAL[:2])
    forge.branches["relbot/rc/2.7"] = "e" * 40
    forge.commits = (Commit("e" * 40, (TIP27,), "t", "relbot <a@b>", 1, "chore(release): 2.7.1", 1),)
    forge.follow("v2.7.1-rc1")
    assert forge.branches["relbot/rc/2.7"] == "e" * 40


def test_what_people_wrote_on_a_prerelease_is_left_and_a_candidate_that_lacks_nothing_costs_three_questions():
    forge = Forge(*FINAL[:2])
    forge.releases["v2.7.1-rc1"] = Release("v2.7.1-rc1", "Ours", "by hand", "", prerelease=True)
    [report] = forge.follow("v2.7.1-rc1")
    assert [type(action) for action in forge.asked] == [VerifyTag, FindRelease, Sync]
    assert report.then == ()


def test_after_a_final_its_release_milestone_section_and_pulls_are_seen_to():
    forge = Forge(*FINAL)
    forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "What we fix", True, "")
    reports = forge.follow()
    assert [report.outcome for report in reports] == ["settled"]
    assert forge.releases["v2.7.1"].body.startswith("### Fixed\n\n- It (#12)\n\n<details>")
    assert [action.latest for action in made(forge, PublishRelease)] == [True]
    closed, opened = forge.milestones["2.7.1"], forge.milestones["2.7.2"]
    assert (closed.is_open, closed.description, opened.is_open) == (False, "What we fix", True)
    assert [forge.said_on("pull", number) for number in (12, 5)] == [
        ["<!-- relbot:released 2.7.1 -->\nReleased in [v2.7.1](https://f/r)."]
    ] * 2
    [told] = forge.said_on("issue", 9)
    assert "brings its section" in told and "The milestone 2.7.1 is closed" in told
    assert reports[0].then == (KeepTracker(REPO, L27, f"v2.7.1:{OBJECT}"),)


def test_pain_13_the_section_goes_to_the_default_branch_by_a_pull_in_the_order_of_versions():
    forge = Forge(*FINAL)
    forge.follow()
    [pull] = forge.pulls.values()
    assert (pull.head, pull.base) == ("relbot/changelog/2.7.1", "main")
    text = forge.made[forge.branches[pull.head]]["CHANGELOG.md"]
    assert [str(part.version) for part in read_page(text).parts] == ["2.8.0", "2.7.1", "2.7.0"]
    assert "- It (#12)" in text
    assert pull.title.startswith("chore(release): "), "the changelog is about changes, and none of itself"


def test_pain_13_another_section_that_was_merged_meanwhile_is_stood_upon_and_nobody_is_told_anew():
    forge = Forge(*FINAL)
    forge.follow()
    first = forge.branches["relbot/changelog/2.7.1"]
    moved = MAIN_LOG.replace("## [2.7.0]", "## [2.6.9] - 2026-11-20\n\n- Old\n\n## [2.7.0]")
    forge.branches["main"], forge.files["c" * 40] = "c" * 40, {"CHANGELOG.md": moved}
    make = made(forge, MakeCommit)[0]
    forge.commits = (Commit(first, (MAIN,), "t", "relbot <a@b>", make.committed_at, make.message, make.committed_at),)
    told = len(made(forge, TellPull)) + len(made(forge, EnsureComment))
    [report] = forge.follow(sha="f" * 40, occasion="rolled up")
    assert "brings its section" in report.summary
    text = forge.made[forge.branches["relbot/changelog/2.7.1"]]["CHANGELOG.md"]
    assert "2.6.9" in text and "2.7.1" in text
    assert len(made(forge, TellPull)) + len(made(forge, EnsureComment)) == told
    assert len(forge.pulls) == 1


def test_a_final_of_an_older_line_takes_the_mark_latest_from_nobody():
    forge = Forge(*FINAL, tag("v2.8.0", commit="b8" * 20))
    forge.follow()
    assert not made(forge, PublishRelease)[0].latest
    forge = Forge(*FINAL, tag("v2.8.0", commit="b8" * 20))
    forge.releases["v2.8.0"] = Release("v2.8.0", "v2.8.0 [YANKED]", "", "")
    forge.follow()
    assert made(forge, PublishRelease)[0].latest, "what is withdrawn has nothing that could be taken"


@pytest.mark.parametrize("others", [(), (tag("v2.8.0", commit="b8" * 20),)])
def test_the_release_is_the_same_whether_the_wish_or_the_tag_comes_to_show_it(others):
    followed, resumed = Forge(*FINAL, *others), Forge(*FINAL, *others)
    followed.follow()
    wish = MakeFinal(REPO, L27, Asked(ADA, 0, 0, at=1))
    resumed.trailers = (*MINE, ("Requested-In", wish.asked.origin))
    assert resumed.drive(make_final(wish)).outcome == "made"
    assert resumed.releases == followed.releases
    for kind in (EnsureRelease, PublishRelease):
        assert made(resumed, kind) == made(followed, kind)


def test_a_draft_waits_for_whoever_has_made_it():
    forge = Forge(*FINAL)
    forge.releases["v2.7.1"] = Release("v2.7.1", "t", "b", "", draft=True)
    [report] = forge.follow()
    assert "a draft that waits" in report.summary
    assert forge.writes == 0


def test_a_milestone_in_which_something_is_open_stays_so_and_that_is_said():
    forge = Forge(*FINAL)
    forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "", True, "")
    forge.items = Items((Item(77, "issue", "later", ""),))
    [report] = forge.follow()
    assert forge.milestones["2.7.1"].is_open
    for said in (report.summary, forge.said_on("issue", 9)[0]):
        assert "stays open, since 1 thing is open in it" in said
    assert forge.milestones["2.7.2"].is_open


def test_what_a_forge_says_of_its_refusals_is_text_and_calls_nobody():
    class Refusing(Forge):
        def write(self, action):
            if isinstance(action, EnsureMilestone | StageCommit):
                return Refused("remote: @all must <!-- relbot:notes -->", "Ask @acme/admins.")
            return super().write(action)

    forge = Refusing(*FINAL)
    forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "", True, "")
    forge.follow()
    [told] = forge.said_on("issue", 9)
    assert told.count("remote: ") == 3
    assert not {"@all", "@acme"} & set(told.split()) and told.count("<!--") == 1


def test_a_project_without_milestones_for_versions_gets_none():
    forge = Forge(*FINAL)
    forge.follow()
    assert not forge.milestones


def test_the_next_milestone_is_not_opened_below_a_later_final_nor_opened_again():
    forge = Forge(*FINAL, tag("v2.7.2", sha="a7" * 20, commit="b7" * 20))
    forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "", False, "")
    forge.follow()
    assert forge.milestones.keys() == {"2.7.1"}
    forge = Forge(*FINAL)
    forge.milestones = {title: Milestone(2, title, "", False, "") for title in ("2.7.1", "2.7.2")}
    forge.follow()
    assert not made(forge, EnsureMilestone)


def test_many_pulls_are_told_in_portions_up_to_a_limit_and_a_locked_one_keeps_nobody_waiting():
    forge = Forge(*FINAL)
    forge.shipped = tuple(range(100, 100 + MOST_TOLD + 50))
    forge.facts = {n: PullFacts(n, "x", "", "", ADA, merged=True) for n in forge.shipped if n != 101}
    forge.locked = {103}
    reports = forge.follow()
    assert len(reports) == -(-MOST_TOLD // PORTION)
    assert max(sum(isinstance(a, TellPull) for a in forge.asked), 1) == MOST_TOLD - 1
    told = {number for on, number, _ in forge.comments if on == "pull"}
    assert told == set(forge.shipped[:MOST_TOLD]) - {101, 103}
    assert "#103 takes no comment of mine" in reports[0].summary
    assert f"Of {len(forge.shipped)} pulls in it I tell the first {MOST_TOLD}" in forge.said_on("issue", 9)[0]
    assert len({job.key for report in reports for job in report.then}) == len(reports)


def test_nobodys_word_but_that_of_a_merged_pull_says_what_else_is_released():
    forge = Forge(*FINAL)
    forge.facts[12] = replace(forge.facts[12], merged=False)
    forge.follow()
    assert not forge.said_on("pull", 5)


def test_killed_at_any_write_and_begun_again_it_ends_as_if_undisturbed():
    def begin():
        forge = Forge(*FINAL)
        forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "", True, "")
        return forge

    whole = begin()
    whole.follow()
    assert whole.writes == 9
    for number in range(1, whole.writes + 1):
        for when in ("before", "after"):
            forge = begin()
            forge.dies_at = (number, when)
            with pytest.raises(Killed):
                forge.follow()
            forge.follow()
            assert forge.end == whole.end, (number, when)


# ── what is deployed ─────────────────────────────────────────────────────────────────────────────────────────────────

WANTED = (".github/relbot.toml", '[deploy]\nrepository = "acme/infra"\nevent = "relbot-release"\n')
CANDIDATES_TOO = (WANTED[0], f"{WANTED[1]}candidates = true\n")
RC1 = "v2.7.1-rc1"
A_DRAFT = Release("v2.7.1", "t", "b", "", draft=True)


def deployed(forge, name="v2.7.1", **about):
    return [job for report in forge.follow(name, **about) for job in report.then if isinstance(job, Deploy)]


def test_a_tag_that_counts_is_deployed_where_the_policy_wants_it_under_one_name_whoever_told_of_it():
    for trailers in (MINE, ()):
        forge = Forge(*FINAL, trailers=trailers, policy=WANTED)
        wanted = [Deploy(REPO, L27, "v2.7.1", OBJECT)]
        assert deployed(forge) == deployed(forge, sha=OBJECT) == deployed(forge, sha=NEW) == wanted
        assert deployed(Forge(*FINAL, trailers=trailers)) == []
        assert deployed(Forge(*FINAL, trailers=trailers, policy=WANTED), RC1) == []
        forge = Forge(*FINAL[:2], trailers=trailers, policy=CANDIDATES_TOO)
        for _ in range(2):  # the second time it lacks nothing
            assert deployed(forge, RC1) == [Deploy(REPO, L27, RC1, "a2" * 20)]


def test_a_final_of_many_pulls_is_deployed_by_its_first_part_and_not_by_a_roll_up():
    forge = Forge(*FINAL, policy=WANTED)
    forge.shipped = tuple(range(100, 100 + PORTION + 1))
    reports = forge.follow()
    assert [sum(isinstance(job, Deploy) for job in report.then) for report in reports] == [1, 0]
    assert deployed(forge, sha="f" * 40, occasion="rolled up") == []


def test_what_waits_as_a_draft_is_flagged_or_was_moved_is_not_deployed():
    for trailers in (MINE, ()):
        forge = Forge(*FINAL, trailers=trailers, policy=CANDIDATES_TOO)
        forge.releases = {name: replace(A_DRAFT, tag=name) for name in ("v2.7.1", RC1)}
        assert deployed(forge) == deployed(forge, RC1) == []
    for name in ("v2.7.1", RC1):
        flagged = (FINAL[0], tag("v2.7.1", annotated=False), tag(RC1, annotated=False))
        assert deployed(Forge(*flagged, trailers=(), policy=CANDIDATES_TOO), name) == []
    for occasion in ("moved", "deleted"):
        assert deployed(Forge(*FINAL, policy=WANTED), sha="c" * 40, occasion=occasion) == []


def test_from_what_is_withdrawn_by_now_nothing_follows():
    for trailers in (MINE, ()):
        for name in ("v2.7.1", RC1):
            forge = Forge(*FINAL, trailers=trailers, policy=CANDIDATES_TOO)
            forge.milestones["2.7.1"] = Milestone(2, "2.7.1", "", True, "")
            forge.releases[name] = Release(name, f"{name} [YANKED]", "", "", prerelease=True)
            assert deployed(forge, name) == []
            assert not made(forge, TellPull) and not forge.pulls and forge.milestones["2.7.1"].is_open


# ── what people have made ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_tag_of_a_persons_is_counted_and_carried_on_and_published_for_nobody():
    forge = Forge(*FINAL, trailers=())
    reports = forge.follow()
    adopted, after = forge.said_on("issue", 9)
    assert "was pushed by hand, and I count it as a final of 2.7" in adopted
    assert "brings its section" in after
    assert not made(forge, EnsureRelease)
    assert forge.said_on("pull", 12) == ["<!-- relbot:released 2.7.1 -->\nReleased in v2.7.1."]
    assert len(forge.follow()) == len(reports)
    assert len(forge.said_on("issue", 9)) == 2


def test_a_final_of_a_persons_that_the_changelog_does_not_know_is_counted_and_no_more():
    forge = Forge(*FINAL, trailers=())
    forge.files[NEW] = {"CHANGELOG.md": "# Changelog\n"}
    [report] = forge.follow()
    assert "is counted" in report.summary
    assert not forge.pulls and not forge.said_on("pull", 12)


LATER = tag("v2.7.3", commit="b3" * 20, at=4)


@pytest.mark.parametrize(("world", "change", "words"), [
    ({}, {"annotated": False}, "a lightweight tag"),
    ({"verdict": "bad"}, {}, "it is not signed"),
    ({"trailers": MINE, "keyed": True}, {}, "bears trailers as I write them"),
    ({"trailers": MINE[2:]}, {}, "bears trailers as I write them"),
    ({}, {"commit": "e" * 40}, "is not on `release/2.7`"),
    ({}, {"commit": None}, "names no commit"),
    ({}, {"others": (tag("2.7.1"),)}, "2.7.1 is the same version"),
    ({}, {"others": (LATER,)}, "v2.7.3 was out before it"),
    ({}, {"others": (tag("v2.7.1-rc9", commit="e9" * 20),)}, "none of its candidates is at its commit"),
])  # fmt: skip
def test_pain_23_what_is_wrong_with_a_persons_tag_is_told_once_with_the_next_step(world, change, words):
    others = change.pop("others", ())
    name = "v2.7.1"
    forge = Forge(FINAL[0], *others, tag(name, **change), **{"trailers": (), **world})
    for _ in range(2):
        [report] = forge.follow()
        assert words in report.summary
    [told] = forge.said_on("issue", 9)
    assert words in told.replace("\\", "")
    assert "`/release rc 2.7`" in told
    assert {type(action) for action in forge.asked if isinstance(action, Write)} == {EnsureComment}


def test_a_tag_that_an_older_one_follows_is_not_held_against_it():
    forge = Forge(*FINAL, replace(LATER, tagged_at=6), trailers=())
    assert "is followed" in forge.follow()[0].summary


def test_where_no_tracker_is_open_the_report_alone_tells_it():
    for tracker in (None, a_tracker(is_open=False)):
        forge = Forge(FINAL[0], tag("v2.7.1", annotated=False))
        forge.tracker = tracker
        [report] = forge.follow()
        assert ("a lightweight tag" in report.summary, forge.writes) == (True, 0)


def test_a_tag_under_my_key_is_mine_and_one_without_it_is_not():
    good = Forge(*FINAL, verdict="good", keyed=True)
    good.follow()
    assert made(good, EnsureRelease)
    pasted = Forge(*FINAL, keyed=True)
    pasted.follow()
    assert not made(pasted, EnsureRelease)
    elsewhere = Forge(*FINAL, trailers=(("Repository", "github:acme/other"), *MINE[1:]), verdict="good", keyed=True)
    elsewhere.follow()
    assert not made(elsewhere, EnsureRelease)


@pytest.mark.parametrize(("now", "occasion", "loud"), [
    ((), "deleted", True), (FINAL, "moved", True), ((tag("v2.7.1", commit="e" * 40),), "deleted", True),
    (FINAL, "deleted", False),
])  # fmt: skip
def test_a_tag_that_was_moved_or_taken_away_is_told_of_loudly_and_once(now, occasion, loud):
    forge = Forge(*now)
    for _ in range(2):
        [report] = forge.follow(occasion=occasion)
        assert occasion in report.summary
    assert len(forge.said_on("issue", 9)) == loud
    assert {type(action) for action in forge.asked if isinstance(action, Write)} <= {EnsureComment}


def test_what_is_gone_or_of_no_line_or_under_a_broken_policy_leads_nowhere_and_says_so():
    assert "is gone again" in Forge().follow()[0].summary
    forge = Forge(*FINAL)
    del forge.branches["release/2.7"]
    assert "has no branch here" in forge.follow()[0].summary
    [report] = Forge(*FINAL, policy=(".github/relbot.toml", "[nonsense]\n")).follow()
    assert (report.outcome, "is not followed" in report.summary) == ("refused", True)
    assert Forge().drive(follow_tag(FollowTag(REPO, L27, "nightly", NEW))).outcome == "nothing"
