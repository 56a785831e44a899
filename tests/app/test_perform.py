"""Every action reaches the one call that performs it."""

from __future__ import annotations

import inspect
from collections import deque

import pytest

from bot.app import log
from bot.app.perform import Performer
from bot.core import actions, cutting, tagging
from bot.core.actions import (
    CheckBranch,
    CompareWithOriginal,
    DescribePull,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    FindComment,
    FindOrigins,
    FindPresent,
    FindPulls,
    FindPullsOf,
    FindStanding,
    GetLabellings,
    GetPull,
    GetRole,
    Identify,
    IsMember,
    React,
    Read,
    ReportOn,
    ResolveChange,
    SetLabels,
    Sync,
    Write,
)
from bot.core.cutting import CreateBranches, EnsureLabels
from bot.core.errors import Fault
from bot.core.model import Branch, Change, CheckReport, CloneAccess, Repo, Secret
from bot.core.tagging import (
    FetchTags,
    FindBetween,
    IsAncestor,
    MakeCommit,
    Provenance,
    PushRelease,
    ReadFiles,
    StageCommit,
    TagWish,
    VerifyTag,
)
from tests.app.values import ADA, PICK, REPO, a_pull

ACCESS = CloneAccess("http://127.0.0.1/acme/x.git", "x-token", Secret("s3cret-of-git"), "refs/pull/{number}/head")
GREEN = CheckReport("relbot", "success", "It applies", "")


class Journal:
    """A forge and a mirror in one: answers every verb with its name and what it was given, and keeps nothing else."""

    def __init__(self):
        self.calls = 0
        self.trouble = None

    def clone_access(self, repo):
        return ACCESS

    def of(self, repo, access):
        assert (repo, access) == (REPO, ACCESS)
        return self

    @property
    def releases(self):
        return self

    def react(self, *given):
        if self.trouble:
            raise self.trouble
        self.calls += 1

    def __getattr__(self, verb):
        def note(*given, **named):
            self.calls += 1
            self.last = (verb, *given, *named.items())
            return self.last

        return note


MAKE = MakeCommit(REPO, "a" * 40, (("CHANGELOG.md", "text"),), "Release", 5)
WISH = TagWish("v2.7.0", "a" * 40, "title", Provenance("@ada"), 5)
CASES = [
    (wish := FetchTags(REPO), ("fetch_tags", wish)),
    (wish := VerifyTag(REPO, "v2.7.0"), ("verify_tag", wish)),
    (wish := ReadFiles(REPO, "a" * 40, ("CHANGELOG.md",)), ("read_files", wish)),
    (wish := IsAncestor(REPO, "a" * 40, "b" * 40), ("is_ancestor", wish)),
    (wish := FindBetween(REPO, "a" * 40, "b" * 40), ("find_between", wish)),
    (MAKE, ("make_commit", MAKE)),
    (wish := StageCommit(MAKE, "c" * 40, "relbot/rc/2.7", None), ("stage_commit", wish)),
    (wish := PushRelease(REPO, WISH), ("push_release", wish)),
    (wish := CreateBranches(REPO, "a" * 40, ("release/2.9",)), ("create_branches", wish)),
    (GetPull(REPO, 12), ("pull", REPO, 12, ("told", False))),
    (GetPull(REPO, 12, told=True), ("pull", REPO, 12, ("told", True))),
    (GetLabellings(REPO, 12), ("labellings", REPO, 12)),
    (Identify(REPO, ADA), ("identify", ADA)),
    (GetRole(REPO, ADA), ("role_of", REPO, ADA)),
    (IsMember(REPO, ADA, "acme/release"), ("is_member", REPO, ADA, "acme/release")),
    (FindPulls(REPO, "head", "base"), ("find_pulls", REPO, "head", "base")),
    (FindPullsOf(REPO, "a" * 40), ("pulls_of", REPO, "a" * 40)),
    (FindComment(REPO, 12, "marker"), ("find_comment", REPO, 12, "marker", "pull")),
    (FindComment(REPO, 12, "marker", "issue"), ("find_comment", REPO, 12, "marker", "issue")),
    (wish := EnsurePull(REPO, "head", "base", "title", "body"), ("ensure_pull", wish)),
    (wish := EnsureComment(REPO, 12, "marker", "text"), ("ensure_comment", wish)),
    (wish := Sync(REPO, ("release/*",), 12), ("sync", wish)),
    (wish := ResolveChange(REPO, a_pull()), ("resolve_change", wish)),
    (wish := FindPresent(REPO, Change(12, "t", (), "squash", "p"), Branch("b", "a" * 40)), ("find_present", wish)),
    (PICK, ("pick", PICK)),
    (wish := CompareWithOriginal(PICK, "c" * 40), ("compare", wish)),
    (wish := FindOrigins(REPO, "a" * 40, "b" * 40), ("find_origins", wish)),
    (wish := FindStanding(REPO, "a" * 40, Branch("b", "a" * 40)), ("find_standing", wish)),
    (wish := EnsureBranch(PICK, "c" * 40, "backport/2.7/12", None), ("ensure_branch", wish)),
    (wish := CheckBranch(PICK, "backport/2.7/12"), ("check_branch", wish)),
]
SILENT = [
    (wish := DressPull(REPO, 13, ("a",), (), None), ("dress_pull", wish)),
    (DescribePull(REPO, 12, "body"), ("describe_pull", REPO, 12, "body")),
    (SetLabels(REPO, 12, ("a",), ("b",)), ("set_labels", REPO, 12, ("a",), ("b",))),
    (ReportOn(REPO, "a" * 40, GREEN), ("report_on", REPO, "a" * 40, GREEN)),
]


@pytest.mark.parametrize(("action", "call"), CASES, ids=lambda case: type(case).__name__)
def test_an_action_becomes_one_call_whose_answer_is_its_outcome(action, call):
    journal = Journal()
    assert Performer({"github": journal}, journal)(action) == call
    assert journal.calls == 1


def test_commits_that_the_forge_makes_are_described_by_the_mirror():
    journal = Journal()
    wish = EnsureBranch(PICK, "c" * 40, "backport/2.7/12", None, by_forge=True)
    described = ("describe_commits", PICK)
    call = ("create_commits", REPO, "backport/2.7/12", PICK.onto, described)
    assert Performer({"github": journal}, journal)(wish) == call


@pytest.mark.parametrize(("action", "call"), SILENT, ids=lambda case: type(case).__name__)
def test_an_action_without_an_outcome_becomes_one_call_and_none(action, call):
    journal = Journal()
    assert Performer({"github": journal}, journal)(action) is None
    assert journal.last == call


def test_no_action_of_the_core_is_left_out():
    known = {type(action) for action, _ in CASES + SILENT} | {React}
    every = {
        found for module in (actions, tagging, cutting) for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Read | Write) and found not in (Read, Write, EnsureLabels)
    }
    assert every == known


def test_a_reaction_that_fails_never_fails_a_job():
    journal = Journal()
    journal.trouble = Fault("GitHub said 403")
    assert Performer({"github": journal}, journal)(React(REPO, 12, 5, "eyes")) is None
    journal.trouble = None
    Performer({"github": journal}, journal)(React(REPO, 12, 5, "eyes"))
    assert journal.calls == 1


def test_no_credential_leaves_in_a_text_though_a_forge_should_have_repeated_it(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())
    monkeypatch.setattr(log, "_passing", deque())
    log.hide(Secret("settings-token"))
    journal = Journal()
    performer = Performer({"github": journal}, journal)
    performer(Sync(REPO, ()))  # git is given a token of its own
    said = "Refused: settings-token, s3cret-of-git."
    assert performer(EnsureComment(REPO, 12, "m", said))[1].body == "Refused: ***, ***."
    wish = performer(EnsurePull(REPO, "head", "base", said, said))[1]
    assert (wish.title, wish.body) == ("Refused: ***, ***.", "Refused: ***, ***.")
    make = performer(MakeCommit(REPO, "a" * 40, (("a", said),), said, 5))[1]
    assert (make.files, make.message) == ((("a", "Refused: ***, ***."),), "Refused: ***, ***.")
    stage = StageCommit(MakeCommit(REPO, "a" * 40, (), said, 5), "", "b", None)
    assert performer(stage)[1].make.message == make.message
    tag = performer(PushRelease(REPO, TagWish("v1.0.0", "a" * 40, said, Provenance("x"), 5, said)))[1].tag
    assert (tag.title, tag.notes) == ("Refused: ***, ***.", "Refused: ***, ***.")


def test_a_repository_of_a_forge_without_a_connection_is_a_fault_that_names_both():
    elsewhere = Repo("gitlab", 1, "group/project", "main")
    with pytest.raises(Fault, match=r"gitlab.*group/project"):
        Performer({"github": Journal()}, Journal())(GetPull(elsewhere, 1))


def test_an_action_that_nobody_knows_is_a_fault():
    with pytest.raises(Fault, match="Nobody knows"):
        Performer({"github": Journal()}, Journal())(Read())


def test_calls_are_counted_over_all_forges():
    one, other = Journal(), Journal()
    performer = Performer({"github": one, "gitlab": other}, one)
    performer(GetPull(REPO, 1))
    other.calls = 4
    assert performer.calls() == 5
