"""New lines: where they may begin, what belongs to them, and a second time that makes nothing twice."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import BranchReady, EnsureComment, React, Refused, Sync, Synced
from bot.core.cutting import BranchTaken, CreateBranches, EnsureLabels, LabelsReady
from bot.core.errors import UserError
from bot.core.issues import EnsureIssue, EnsureMilestone, Milestone, MilestoneWish
from bot.core.jobs import Report
from bot.core.lines import is_branch_name
from bot.core.model import Branch, Commit, Line, Role
from bot.core.plan import flow_of
from bot.core.release.tracker import marker_of
from bot.core.standing import GetCommits
from bot.core.tagging import IsAncestor, TagFound
from bot.core.wishes import Asked, CutLine
from bot.tools.git import check_branch
from tests.core.driving import drive, kinds, only
from tests.core.release.trackers import FINAL, a_world
from tests.core.values import ADA, REPO, TIP26, TIP27

L28 = Line(2, 8)
MAIN = "9" * 40
FORK = "f0" * 20
JOB = CutLine(REPO, L28, Asked(ADA, 12, 501, at=1_700_000_500))
TIPS = {"main": MAIN, "release/2.7": TIP27, "release/2.6": TIP26}


class Forge:
    """Branches that are there, and what becomes of the wish for new ones."""

    def __init__(self, policy: str | None = None, **more: str) -> None:
        self.tips = TIPS | {name.replace("__", "/").replace("_", "."): sha for name, sha in more.items()}
        self.policy = (".forge/relbot.toml", policy) if policy else None

    def sync(self, action: Sync) -> Synced:
        """Only what is asked for, and the default branch."""
        wanted = [pattern.partition("*")[0] for pattern in action.patterns]
        found = {name: sha for name, sha in self.tips.items() if name == "main" or name.startswith(tuple(wanted))}
        return Synced(tuple(Branch(name, sha) for name, sha in found.items()), self.policy)

    def create(self, action: CreateBranches) -> BranchReady | BranchTaken:
        for name in action.branches:
            if self.tips.get(name, action.commit) != action.commit:
                return BranchTaken(Branch(name, self.tips[name]))
        self.tips |= dict.fromkeys(action.branches, action.commit)
        return BranchReady(action.commit)


def did(job: CutLine = JOB, forge: Forge | None = None, **world: Any) -> tuple[Report, list[Any]]:
    forge = forge or Forge()
    answers = a_world() | {
        Sync: forge.sync, CreateBranches: forge.create, EnsureLabels: LabelsReady(("backport/2.8",)),
        EnsureMilestone: Milestone(3, "2.8.0", "", True, "https://forge.example/m/3"),
    }  # fmt: skip
    return drive(flow_of(job), answers | {kind: world[kind.__name__] for kind in answers if kind.__name__ in world})


def told(asked: list[Any]) -> str:
    return "\n".join(action.body for action in asked if isinstance(action, EnsureComment))


def test_a_line_is_cut_at_the_default_branch_with_all_that_belongs_to_it():
    report, asked = did()
    assert (report.outcome, report.summary) == ("made", f"release/2.8 begins at {MAIN[:12]}.")
    assert only(asked, CreateBranches) == CreateBranches(REPO, MAIN, ("release/2.8", "orig/release/2.8"))
    assert {"backport/2.8", "backport/skip-2.8", "backported/2.8", "backport-open/2.8"} <= {
        wish.name for wish in only(asked, EnsureLabels).wishes
    }
    assert only(asked, EnsureMilestone).wish == MilestoneWish("2.8.0")
    wish = only(asked, EnsureIssue).wish
    assert (wish.marker, wish.title, wish.milestone) == (marker_of(L28), "Release 2.8", None)
    assert "on the way to 2.8.0" in wish.body
    order = [kind for kind in kinds(asked) if kind.startswith(("Create", "Ensure"))]
    assert order[:4] == ["CreateBranches", "EnsureLabels", "EnsureMilestone", "EnsureIssue"]
    for part in ("**2.8 is cut**: `release/2.8` begins at 9999", "`orig/release/2.8` marks where it began",
                 "[2.8.0](https://forge.example/m/3)", "[#9](https://forge.example/9), its tracker"):  # fmt: skip
        assert part in told(asked)
    assert only(asked, React).reaction == "rocket"


def test_the_branch_is_named_as_the_policy_says():
    _, asked = did(forge=Forge('[lines]\nbranch = "stable-{line}"'))
    assert only(asked, CreateBranches).branches == ("stable-2.8", "orig/stable-2.8")


@pytest.mark.parametrize("more", [{}, {"release__2_8": MAIN, "orig__release__2_8": MAIN}])
def test_a_line_that_nothing_was_pushed_to_since_is_finished_and_nothing_made_twice(more):
    """As after a crash, or when what the forge had refused is mended; the default branch may have gone on."""
    forge = Forge(**more)
    did(forge=forge)
    forge.tips["main"] = "e" * 40
    there = Milestone(3, "2.8.0", "Words of people", False, "https://forge.example/m/3")
    report, asked = did(forge=forge, FindMilestone=there)
    assert report.outcome == "made"
    assert only(asked, CreateBranches).commit == MAIN
    assert "EnsureMilestone" not in kinds(asked), "what people have made of it stays"


@pytest.mark.parametrize("more", [
    {"release__2_8": "e" * 40}, {"release__v2_8": "e" * 40},
    {"release__2_8": "e" * 40, "orig__release__2_8": MAIN}, {"release__v2_8": MAIN, "orig__release__v2_8": MAIN},
    {"release__v2_8": MAIN, "orig__release__2_8": MAIN},
])  # fmt: skip
def test_a_line_that_is_there_is_named_and_left_alone(more):
    report, asked = did(forge=Forge(**more))
    assert (report.outcome, only(asked, React).reaction) == ("refused", "confused")
    assert "2.8 has a branch already: “release/" in told(asked)
    assert not {"CreateBranches", "EnsureLabels", "EnsureIssue"} & set(kinds(asked))


def test_a_line_with_two_branches_is_none_to_be_cut():
    report, asked = did(forge=Forge(release__2_8=MAIN, release__v2_8=MAIN))
    assert (report.outcome, "more than one branch" in told(asked)) == ("refused", True)


def test_an_older_line_begins_only_where_somebody_says():
    old = replace(JOB, line=Line(2, 5))
    report, asked = did(old)
    assert (report.outcome, "from=BRANCH-OR-COMMIT" in told(asked)) == ("refused", True)
    report, asked = did(replace(old, source="release/2.6"))
    assert (report.outcome, only(asked, CreateBranches).commit) == ("made", TIP26)


def test_a_branch_of_any_name_can_be_begun_at_and_one_that_begins_alike_is_another():
    report, asked = did(replace(JOB, source="next"), Forge(next="d" * 40))
    assert (report.outcome, only(asked, CreateBranches).commit) == ("made", "d" * 40)
    report, asked = did(replace(JOB, source="next"), Forge(nextest="d" * 40))
    assert (report.outcome, "I find no branch “next”" in told(asked)) == ("refused", True)


def a_commit(sha: str) -> Commit:
    return Commit(sha, (), "f" * 40, "Ada <a@b>", 1, "Fix it", 1_700_000_000)


def test_a_commit_counts_where_a_branch_of_the_repository_holds_it():
    job = replace(JOB, source="ABCDEF1")

    def is_ancestor(action: IsAncestor) -> bool:
        return (action.commit, action.of) in {("ab" * 20, TIP26), (MAIN, MAIN)}

    report, asked = did(job, GetCommits=(a_commit("ab" * 20),), IsAncestor=is_ancestor)
    assert (report.outcome, only(asked, CreateBranches).commit) == ("made", "ab" * 20)
    assert next(action for action in asked if isinstance(action, GetCommits)).shas == ("abcdef1",)
    report, asked = did(job, GetCommits=(a_commit(FORK),), IsAncestor=is_ancestor)
    assert (report.outcome, "no commit of that id on the default branch or a line" in told(asked)) == ("refused", True)
    assert "CreateBranches" not in kinds(asked)


HOSTILE = (
    "--upload-pack=touch", "-f", "main~1", "main^{/x}", "@{u}", ":/fix", "a..b", "*", "relbot/*", "a b", "$(id)*",
    "HEAD", "refs:x", "x\\y", "x.lock", "/x", "x//y", "main?", "[m]ain", "\ud800", "x\x7f", "", "abc123", "g" * 40,
)  # fmt: skip


@pytest.mark.parametrize("source", [word for word in HOSTILE if word])
def test_what_is_neither_a_branch_nor_an_id_is_never_asked_of_git(source):
    report, asked = did(replace(JOB, source=source))
    assert report.outcome == "refused"
    assert "I find no branch" in told(asked)
    patterns = {pattern for action in asked if isinstance(action, Sync) for pattern in action.patterns}
    assert patterns <= {"release/*", "orig/release/2.8*", f"{source}*" if source in ("abc123", "g" * 40) else ""}
    assert "GetCommits" not in kinds(asked)


def test_every_name_that_is_taken_for_a_branch_is_one_that_git_takes():
    dice = random.Random(5)
    letters = "ab./-@{~^:?*[\\ \x00\x7f\ud800éHEADlock"
    words = ["".join(dice.choices(letters, k=dice.randint(0, 8))) for _ in range(20_000)]
    taken = [word for word in (*words, *HOSTILE) if is_branch_name(word)]
    assert len(taken) > 500
    for word in taken:
        check_branch(word)
        check_branch(f"{word}*".replace("*", "x"))
    for word in {*words} - {*taken}:
        with pytest.raises(UserError):
            check_branch(word)


def test_a_line_that_was_released_before_begins_above_its_last_final():
    final = TagFound("v2.8.1", "a1" * 20, "b8" * 20, annotated=True, tagged_at=1)
    tags = (FINAL, replace(final, name="v2.8.0"), final, replace(final, name="v2.8.2-rc1", commit=FORK))
    report, asked = did(FetchTags=tags, IsAncestor=False)
    assert (report.outcome, f"from={'b8' * 20}" in told(asked)) == ("refused", True)
    assert only(asked, IsAncestor) == IsAncestor(REPO, "b8" * 20, MAIN)
    assert did(FetchTags=tags)[0].outcome == "made"


def test_the_marker_of_an_earlier_life_is_never_moved():
    report, asked = did(forge=Forge(orig__release__2_8="d" * 40))
    assert (report.outcome, f"from={'d' * 40}" in told(asked)) == ("refused", True)
    assert "CreateBranches" not in kinds(asked)


@pytest.mark.parametrize(("came", "said"), [
    (Refused("the forge refused to have release/2.8 made: protected", "Let the bot in."), "Let the bot in."),
    (BranchTaken(Branch("release/2.8", "c" * 40)), "came to be at cccccccccccc while I was at it"),
])  # fmt: skip
def test_a_branch_that_did_not_come_about_is_told_and_nothing_else_is_made(came, said):
    report, asked = did(CreateBranches=came)
    assert (report.outcome, said in told(asked)) == ("refused", True)
    assert not {"EnsureLabels", "EnsureIssue", "EnsureMilestone"} & set(kinds(asked))


def test_what_the_forge_refuses_beside_the_branch_is_told_and_the_rest_is_made():
    no = Refused("not here", "Mend it.")
    report, asked = did(EnsureLabels=no, EnsureMilestone=no, EnsureIssue=no)
    assert report.outcome == "made"
    for what in ("labels", "milestone", "tracker"):
        assert f"- ⚠️ {what}: not here. Mend it." in told(asked)
    assert "say it again as long as nothing was pushed" in told(asked)


def test_a_policy_that_lists_other_lines_is_pointed_at():
    _, asked = did(forge=Forge('[lines]\nsupported = ["2.7"]'))
    assert "nothing is released of 2.8 before `lines.supported` names it" in told(asked)


@pytest.mark.parametrize(("world", "reaction", "said"), [
    ({"GetRole": Role.WRITE}, "-1", "takes a release manager"),
    ({"Sync": Synced((Branch("main", MAIN),), (".forge/relbot.toml", "x"))}, "confused", "The policy file"),
])  # fmt: skip
def test_who_may_not_and_what_is_broken_begins_nothing(world, reaction, said):
    report, asked = did(**world)
    assert (report.outcome, only(asked, React).reaction, said in told(asked)) == ("refused", reaction, True)
    assert "CreateBranches" not in kinds(asked)


def test_a_milestone_of_peoples_own_is_left_as_it_is():
    _, asked = did(FindMilestone=Milestone(3, "2.8.0", "Ours", False, "javascript:x"))
    assert "EnsureMilestone" not in kinds(asked)
    assert "the milestone 2.8.0" in told(asked)


def test_a_repository_without_lines_begins_its_first():
    forge = Forge()
    forge.tips = {"main": MAIN}
    assert did(replace(JOB, line=Line(0, 1)), forge)[0].outcome == "made"
