"""Each action about versions and releases becomes one call; what is written holds no credential; the audit is short."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bot.app.codec import encode
from bot.app.log import hide_for_now
from bot.app.operator.effects import tell
from bot.app.operator.naming import PullName
from bot.app.perform import Performer
from bot.app.seen import abridge, say_seen
from bot.app.store.audit import Entry
from bot.core.actions import BranchReady, EnsureComment, Missing, Refused
from bot.core.deploying import Dispatched, DispatchEvent, GetRepo
from bot.core.errors import Fault
from bot.core.issues import EnsureIssue, Issue, IssueReady, IssueWish, PullFacts
from bot.core.model import CloneAccess, Comment, Line, Release, ReleaseWish, Secret
from bot.core.numbering import Oversized
from bot.core.publishing import (
    DeleteBranch,
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    MarkLatest,
    PublishRelease,
    StageRelease,
    TellPull,
)
from bot.core.refs import BranchDeleted, Protected
from bot.core.tagging import MakeCommit, Provenance, PushRelease, StageCommit, TagWish
from bot.core.versions import Version
from bot.forges.github import GitHub
from bot.forges.gitlab import GitLab
from bot.forges.wire_fault import WireFault
from tests.app.values import ADA, REPO

SAID = "a s3cret-of-releases!"
FACTS = PullFacts(21, SAID, SAID, "u", ADA)
DRAFT = DraftRelease(REPO, "a" * 40, Version(Line(2, 7), 1, 2), "v2.7.1-rc2", 5)
STAGE = StageRelease(DRAFT, "c" * 40, "relbot/rc/2.7", None)
WISH = ReleaseWish("v2.7.1", "title", "body")
EVENT = DispatchEvent(REPO, "relbot-release", (("id", "1"),))


class Shelf:
    """A forge, mirrors, or one attribute of them: answers every verb with where it was called, and with what."""

    def __init__(self, name=""):
        self._name = name

    def __getattr__(self, verb):
        if verb in {"releases", "branches", "drafting", "repositories"}:
            return Shelf(f"{verb}.")
        if verb == "of":
            return lambda *_: self
        if verb == "clone_access":
            return lambda repo: CloneAccess("u", "n", Secret("s3cret-of-git-alone"), "r")
        return lambda *given, **more: (f"{self._name}{verb}", *given, *more.items())


CASES = [
    (DRAFT, ("drafting.draft", DRAFT)),
    (STAGE, ("drafting.stage", STAGE)),
    (FindRelease(REPO, "v2.7.1"), ("releases.find", REPO, "v2.7.1")),
    (FindReleases(REPO), ("releases.all", REPO)),
    (EnsureRelease(REPO, WISH), ("releases.ensure", REPO, WISH)),
    (PublishRelease(REPO, "v2.7.1", latest=True), ("releases.publish", REPO, "v2.7.1", ("latest", True))),
    (MarkLatest(REPO, "v2.7.1", latest=False), ("releases.set_latest", REPO, "v2.7.1", ("latest", False))),
    (DeleteBranch(REPO, "b", "a" * 40), ("branches.delete", REPO, "b", ("expect", "a" * 40))),
    (GetRepo(REPO), ("repositories.current", REPO)),
    (GetRepo(REPO, "acme/infra"), ("repositories.find", "acme/infra")),
    (EVENT, ("repositories.dispatch", EVENT)),
]


@pytest.mark.parametrize(("action", "call"), CASES, ids=lambda case: type(case).__name__)
def test_an_action_becomes_one_call_whose_answer_is_its_outcome(action, call):
    assert Performer({"github": Shelf()}, Shelf())(action) == call


def test_what_a_forge_can_do_is_told_by_itself():
    for forge in (GitHub("https://api.github.example", Secret("t")), GitLab("https://gitlab.example", Secret("t"))):
        able = Performer({"github": forge}, None)(GetCapabilities(REPO))
        assert able == forge.capabilities
        assert able.draft_releases == able.latest_mark == isinstance(forge, GitHub)


def test_no_credential_is_written_into_a_release_or_a_section():
    hide_for_now(Secret("s3cret-of-releases"))
    perform = Performer({"github": Shelf()}, Shelf())
    told = perform(EnsureRelease(REPO, ReleaseWish("v1", SAID, SAID)))[2]
    assert (told.title, told.body) == ("a ***!", "a ***!")
    draft = replace(DRAFT, facts=(FACTS,), notes=((21, SAID), (22, None)))
    for action in (draft, StageRelease(draft, "c" * 40, "b", None)):
        given = perform(action)[1]
        given = given.draft if isinstance(given, StageRelease) else given
        assert (given.facts[0].title, given.facts[0].body) == ("a ***!", "a ***!")
        assert given.notes == ((21, "a ***!"), (22, None))


def test_the_audit_keeps_no_text_that_a_commit_was_made_from():
    huge = replace(STAGE, draft=replace(DRAFT, policy=("p", "x" * 60_000), facts=(FACTS,) * 2000, notes=((1, "said"),)))
    assert abridge(huge) == STAGE
    assert len(encode(abridge(huge))) < 500


@pytest.mark.parametrize("write", [
    lambda text: EnsureRelease(REPO, replace(WISH, body=text)),
    lambda text: PushRelease(REPO, TagWish("v2.7.1", "a" * 40, "title", Provenance("@ada"), 5, text)),
    lambda text: StageCommit(MakeCommit(REPO, "a" * 40, (("CHANGELOG.md", text),), "m", 5), "c" * 40, "b", None),
], ids=["release", "tag", "file"])  # fmt: skip
def test_of_long_notes_the_audit_has_the_beginning_and_a_digest(write):
    assert abridge(write("short")) == write("short")
    said = "caf\udce9" * 20_000
    entered = encode(abridge(write(said)))
    assert len(entered) < 10_000
    digest = hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()
    assert f"(80000 characters, sha256 {digest})" in entered


def test_a_write_answers_without_the_text_of_a_release():
    class Forge:
        def __getattr__(self, verb):
            return self if verb == "releases" else lambda *_, **__: Release("v2.7.1", "t", "x" * 90_000, "u")

    perform = Performer({"github": Forge()}, None)
    for write in (EnsureRelease(REPO, WISH), PublishRelease(REPO, "v2.7.1", True), MarkLatest(REPO, "v2.7.1", True)):
        assert perform(write) == Release("v2.7.1", "t", "", "u")
    assert len(perform(FindRelease(REPO, "v2.7.1")).body) == 90_000


def told(write, outcome):
    effect = tell(0.0, Entry("job", "@mona", encode(write), encode(outcome)), PullName("github", REPO.path, 1), {})
    return effect.written, effect.came, effect.link


def test_what_is_written_of_a_release_is_told_in_the_audit():
    shown = Release("v2.7.1", "title", "body", "https://forge.example/r", draft=True)
    assert told(STAGE, BranchReady("c" * 40)) == (
        f"branch relbot/rc/2.7 put at {'c' * 40}, expected not to exist: v2.7.1-rc2 upon {'a' * 40}",
        f"it is at {'c' * 40}", None,
    )  # fmt: skip
    assert told(EnsureRelease(REPO, replace(WISH, draft=True)), shown) == (
        "draft release v2.7.1: title", "the draft v2.7.1 is there", "https://forge.example/r",
    )  # fmt: skip
    wish = EnsureRelease(REPO, replace(WISH, prerelease=True, latest=True))
    assert told(wish, Missing("the tag"))[:2] == (
        "prerelease v2.7.1: title, marked as the latest", "not there: the tag",
    )  # fmt: skip
    assert told(PublishRelease(REPO, "v2.7.1", latest=True), replace(shown, draft=False)) == (
        "the release v2.7.1 published as the latest", "the release v2.7.1 is there", "https://forge.example/r",
    )  # fmt: skip
    assert told(MarkLatest(REPO, "v2.7.1", latest=False), Refused("why", "step"))[:2] == (
        "the mark Latest taken from the release v2.7.1", "the forge refused: why",
    )  # fmt: skip
    gone = DeleteBranch(REPO, "relbot/rc/2.7", "a" * 40)
    assert told(gone, BranchDeleted("a" * 40))[:2] == (
        f"branch relbot/rc/2.7 deleted, expected to be at {'a' * 40}", f"it was at {'a' * 40}",
    )  # fmt: skip
    assert told(gone, Protected("rule"))[1] == "it is protected, and was left alone: rule"
    assert told(EVENT, Dispatched("https://forge.example/p")) == (
        f"the event relbot-release for {REPO.path}", "", "https://forge.example/p",
    )  # fmt: skip
    assert told(EVENT, Dispatched())[2] is None
    assert told(EVENT, Refused("why", "step"))[1] == "the forge refused: why"


TELL = TellPull(REPO, 12, "m", f"m\n{SAID}")


class Locked:
    """A forge on which nothing can be said."""

    def __init__(self, fault):
        self.fault = fault

    def ensure_comment(self, _):
        raise self.fault


def test_a_pull_is_told_as_by_any_comment_and_without_a_credential():
    hide_for_now(Secret("s3cret-of-releases"))
    said = Performer({"github": Shelf()}, Shelf())(TELL)
    assert said == ("ensure_comment", EnsureComment(REPO, 12, "m", "m\na ***!"))
    assert told(TELL, Comment(5, ADA, ""))[0] == "comment on #12: m"


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_pull_that_takes_no_comment_is_an_outcome(status):
    locked = Locked(WireFault("no", status=status, said="Unable to create comment because issue is locked."))
    assert Performer({"github": locked}, None)(TELL) == Refused(
        "#12 takes no comment of mine: Unable to create comment because issue is locked.", "Say it there by hand."
    )


@pytest.mark.parametrize("fault", [
    WireFault("no", status=403, retry_after=5.0), WireFault("no", status=401), WireFault("no", status=502), Fault("no"),
], ids=["to wait", "nobody", "broken", "another"])  # fmt: skip
def test_trouble_that_is_not_the_pulls_own_is_no_outcome(fault):
    with pytest.raises(Fault):
        Performer({"github": Locked(fault)}, None)(TELL)


def test_an_issue_is_told_with_its_number_and_address():
    issue = Issue(7, "Release 2.7", "b", "https://forge.example/7", ADA, is_open=True)
    wish = EnsureIssue(REPO, IssueWish("m", "Release 2.7", "b"))
    assert told(wish, IssueReady(issue, edited=True)) == (
        "an issue of my own: Release 2.7", "#7 was edited", "https://forge.example/7",
    )  # fmt: skip


def test_what_was_seen_of_releases_is_one_sentence_without_texts():
    large = (Oversized("a" * 40, "feat: hostile words", "a feature"),)
    drafted = Drafted("c" * 40, ("f",), "hostile words", (21, 22), large)
    assert say_seen(DRAFT, drafted) == (
        f"2.7.1-rc2 upon {'a' * 40} would be {'c' * 40}, of 2 pulls, with 1 commits too large for it"
    )
    assert say_seen(DRAFT, Refused("hostile words", "x")) == "2.7.1-rc2 could not be drafted"
    shown = Release("v2.7.1", "hostile", "words", "u", prerelease=True)
    assert say_seen(FindRelease(REPO, "v2.7.1"), shown) == "the release v2.7.1 was a prerelease"
    assert say_seen(FindRelease(REPO, "v2.7.1"), Missing("it")) == "the release v2.7.1 was not there"
    assert say_seen(FindReleases(REPO), (shown,)) == "1 releases were there"
    assert say_seen(GetRepo(REPO, "acme/infra"), replace(REPO, path="Acme/infra")) == (
        f"the repository acme/infra was Acme/infra ({REPO.id})"
    )
    assert say_seen(GetRepo(REPO), Missing("it")) == f"the repository {REPO.path} was not there"
