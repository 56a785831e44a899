"""What every forge adapter must do with tags, releases, branches and checks, judged by what the forge then holds.

A forge's own test module subclasses `TagsContract` and gives it a `shelf`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from bot.core.actions import BranchMoved, Missing, Refused
from bot.core.errors import Fault
from bot.core.model import Check, Release, ReleaseWish, Repo, Role, Tag
from bot.core.refs import BranchDeleted, Protected, TagMoved, TagReady
from bot.forges import Forge
from tests.forges.contract import LOST, TROUBLES, Trouble, persist

TagVerb = Literal["make tag", "make release", "edit release", "delete branch"]

MESSAGE = "relbot 2.7.0\n\nCommit: abc\nAsked-by: ada"
ODD = ("odd/a#b", "it's-\"odd\"", "ä+%20&x=y;z", "deep/er/still", "%2e%2e", "$(x)`y`")
MANY = 130
IMPOSSIBLE = (
    "", "..", "../../hooks", "a..b", "a b", "a\nb", "a/", "/a", "a//b", ".a", "a.lock", "x.", "a@{1}", "a\\b", "*",
    "\ud800",
)  # fmt: skip
WISH = ReleaseWish("v2.7.0", "2.7.0", "What is *new*:\n\n- a\n- ä")


@dataclass(frozen=True)
class HeldRelease:
    """A release as the forge remembers it."""

    tag: str
    title: str
    body: str
    draft: bool = False
    prerelease: bool = False


class Shelf(ABC):
    """A forge with branches `main`, `release/2.7` and, one commit ahead of it, `backport/2.7/1`; no tags yet.

    `relbot` may write there and is who the adapter speaks for.
    """

    forge: Forge
    repo: Repo

    @abstractmethod
    def tip(self, branch: str) -> str: ...
    @abstractmethod
    def branch(self, name: str) -> None: ...
    @abstractmethod
    def pull(self, head: str, base: str) -> int: ...
    @abstractmethod
    def move(self) -> None:
        """Rename the repository; `repo` keeps the old name."""

    @abstractmethod
    def grant(self, login: str, role: Role) -> None: ...
    @abstractmethod
    def writes(self) -> int: ...
    @abstractmethod
    def asked(self) -> list[str]: ...
    @abstractmethod
    def patient(self) -> Forge:
        """The same adapter for long lists: this sandbox takes a while to answer them."""

    @abstractmethod
    def tag(self, name: str, sha: str) -> None:
        """Push a tag without an object of its own."""

    @abstractmethod
    def many_tags(self, names: list[str], sha: str) -> None: ...
    @abstractmethod
    def delete_tag(self, name: str) -> None: ...
    @abstractmethod
    def tags(self) -> dict[str, tuple[str, str | None]]:
        """The commit of each tag, and its message where it has an object of its own."""

    @abstractmethod
    def releases(self) -> list[HeldRelease]: ...
    @abstractmethod
    def latest(self) -> str:
        """The tag of the release that the forge calls its latest."""

    @abstractmethod
    def protect(self, kind: Literal["branch", "tag"], pattern: str) -> None:
        """Keep branches or tags from everybody that does not maintain the repository."""

    @abstractmethod
    def say(self, sha: str, name: str, state: Literal["pending", "success", "failure"], url: str | None = None) -> None:
        """Have somebody report on a commit."""

    @abstractmethod
    def hide_checks(self) -> None:
        """Take the bot the right to read a part of what is reported."""

    @abstractmethod
    def discuss(self, number: int, *, resolved: bool) -> None: ...
    @abstractmethod
    def trouble(self, verb: TagVerb, trouble: Trouble, times: int = 1) -> None: ...


def without_pipelines(checks: tuple[Check, ...] | Missing) -> list[Check]:
    """The reports themselves; some forges have sums of them as well."""
    assert not isinstance(checks, Missing)
    return [check for check in checks if not check.name.startswith("pipeline (")]


class TagsContract:
    """The contract of `bot.forges.Tags`, `Releases`, `Branches`, `Checks` and `Threads`."""

    # ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_tag_is_made_once_with_its_message_and_then_found(self, shelf: Shelf) -> None:
        tag = Tag("v2.7.0", shelf.tip("release/2.7"))
        assert shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE) == TagReady(tag, made=True)
        said = shelf.writes()
        assert shelf.forge.tags.ensure(shelf.repo, tag, "other words") == TagReady(tag, made=False)
        assert shelf.writes() == said
        assert shelf.tags() == {"v2.7.0": (tag.sha, MESSAGE)}
        assert shelf.forge.tags.find(shelf.repo, "v2.7.0") == tag
        assert shelf.forge.tags.all(shelf.repo) == (tag,)

    def test_a_tag_at_another_commit_is_told_and_never_moved(self, shelf: Shelf) -> None:
        there = Tag("v2.7.0", shelf.tip("backport/2.7/1"))
        shelf.tag(there.name, there.sha)
        wanted = Tag("v2.7.0", shelf.tip("release/2.7"))
        assert shelf.forge.tags.ensure(shelf.repo, wanted, MESSAGE) == TagMoved(there)
        assert shelf.tags() == {"v2.7.0": (there.sha, None)}
        assert shelf.writes() == 0

    def test_a_tag_without_an_object_of_its_own_is_fine_where_it_is_right(self, shelf: Shelf) -> None:
        tag = Tag("v2.7.0", shelf.tip("release/2.7"))
        shelf.tag(*tag_of(tag))
        assert shelf.forge.tags.find(shelf.repo, tag.name) == tag
        assert shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE) == TagReady(tag, made=False)
        assert shelf.tags() == {"v2.7.0": (tag.sha, None)}

    def test_a_tag_is_found_by_its_whole_name_only(self, shelf: Shelf) -> None:
        shelf.tag("v2.7.0-rc1", shelf.tip("main"))
        for name in ("v2.7.0", "v2.7.0-rc", "V2.7.0-RC1", "tags/v2.7.0-rc1", "main"):
            assert isinstance(shelf.forge.tags.find(shelf.repo, name), Missing)

    def test_a_tag_of_an_odd_name_is_made_and_found_and_no_other(self, shelf: Shelf) -> None:
        sha = shelf.tip("main")
        for turn, name in enumerate(ODD, 1):
            assert shelf.forge.tags.ensure(shelf.repo, Tag(name, sha), MESSAGE) == TagReady(Tag(name, sha), made=True)
            assert shelf.forge.tags.find(shelf.repo, name) == Tag(name, sha)
            made = shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag=name))
            assert made == shelf.forge.releases.find(shelf.repo, name)
            assert sorted(shelf.tags()) == sorted(ODD[:turn])
            assert [release.tag for release in shelf.releases()] == list(ODD[:turn])

    def test_a_name_that_git_refuses_is_never_sent(self, shelf: Shelf) -> None:
        before, sha = shelf.asked(), shelf.tip("main")
        for name in IMPOSSIBLE:
            refused = shelf.forge.tags.ensure(shelf.repo, Tag(name, sha), MESSAGE)
            assert isinstance(refused, Refused)
            assert repr(name) in refused.reason
            assert isinstance(shelf.forge.tags.find(shelf.repo, name), Missing)
            assert isinstance(shelf.forge.releases.find(shelf.repo, name), Missing)
            assert isinstance(shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag=name)), Missing)
            assert isinstance(shelf.forge.branches.delete(shelf.repo, name, expect=sha), Missing)
        assert shelf.asked() == before

    def test_a_tag_that_begins_with_a_dash_is_found_and_never_made(self, shelf: Shelf) -> None:
        shelf.tag("-x", shelf.tip("main"))
        assert shelf.forge.tags.find(shelf.repo, "-x") == Tag("-x", shelf.tip("main"))
        assert isinstance(shelf.forge.tags.ensure(shelf.repo, Tag("--force", shelf.tip("main")), MESSAGE), Refused)
        assert list(shelf.tags()) == ["-x"]

    def test_a_protected_tag_is_refused_with_a_next_step(self, shelf: Shelf) -> None:
        shelf.protect("tag", "v*")
        tag = Tag("v2.7.0", shelf.tip("release/2.7"))
        refused = shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE)
        assert isinstance(refused, Refused)
        assert "v2.7.0" in refused.reason
        assert refused.next_step.endswith(".")
        assert shelf.tags() == {}
        assert isinstance(shelf.forge.tags.ensure(shelf.repo, replace(tag, name="w2.7.0"), MESSAGE), TagReady)

    def test_a_tag_of_a_commit_that_is_not_there_is_refused(self, shelf: Shelf) -> None:
        assert isinstance(shelf.forge.tags.ensure(shelf.repo, Tag("v2.7.0", "1" * 40), MESSAGE), Refused)
        assert shelf.tags() == {}

    def test_every_tag_is_listed_however_many_there_are(self, shelf: Shelf) -> None:
        names, sha = [f"v1.{n}" for n in range(MANY)], shelf.tip("main")
        shelf.many_tags(names, sha)
        for renamed in (False, True):
            if renamed:
                shelf.move()
            found = shelf.patient().tags.all(shelf.repo)
            assert sorted(found, key=lambda tag: tag.name) == [Tag(name, sha) for name in sorted(names)]

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_one_tag_is_made_whatever_becomes_of_the_answer(self, shelf: Shelf, trouble: Trouble) -> None:
        tag = Tag("v2.7.0", shelf.tip("release/2.7"))
        shelf.trouble("make tag", trouble)
        assert persist(lambda: shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE)) == TagReady(tag, made=True)
        assert shelf.tags() == {"v2.7.0": (tag.sha, MESSAGE)}

    @pytest.mark.parametrize("trouble", LOST)
    def test_a_tag_whose_answer_is_lost_is_looked_for_and_not_sent_again(self, shelf: Shelf, trouble: Trouble) -> None:
        tag = Tag("v2.7.0", shelf.tip("release/2.7"))
        other = replace(tag, name="v2.7.0-rc1")
        shelf.forge.tags.ensure(shelf.repo, other, MESSAGE)
        each = shelf.writes()
        shelf.trouble("make tag", trouble)
        assert shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE) == TagReady(tag, made=True)
        assert shelf.writes() == 2 * each

    # ── releases ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_release_is_made_once_and_found_by_its_tag(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        assert isinstance(shelf.forge.releases.find(shelf.repo, WISH.tag), Missing)
        made = shelf.forge.releases.ensure(shelf.repo, WISH)
        assert isinstance(made, Release)
        assert (made.tag, made.title, made.body, made.draft) == (WISH.tag, WISH.title, WISH.body, False)
        assert made.url.startswith("http")
        said = shelf.writes()
        assert shelf.forge.releases.ensure(shelf.repo, WISH) == made == shelf.forge.releases.find(shelf.repo, WISH.tag)
        assert shelf.writes() == said == 1
        assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, WISH.body)]

    def test_a_release_is_found_though_the_repository_was_renamed(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        made = shelf.forge.releases.ensure(shelf.repo, WISH)
        shelf.move()
        found = shelf.forge.releases.find(shelf.repo, WISH.tag)
        assert isinstance(made, Release)
        assert isinstance(found, Release)
        assert replace(found, url=made.url) == made

    def test_a_release_that_is_there_is_edited_in_place(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.forge.releases.ensure(shelf.repo, WISH)
        edited = shelf.forge.releases.ensure(shelf.repo, replace(WISH, title="2.7.0 [yanked]", body="Do not use."))
        assert isinstance(edited, Release)
        assert (edited.title, edited.body) == ("2.7.0 [yanked]", "Do not use.")
        assert shelf.releases() == [HeldRelease(WISH.tag, "2.7.0 [yanked]", "Do not use.")]

    @pytest.mark.parametrize("draft", [False, True])
    def test_no_release_makes_its_tag(self, shelf: Shelf, draft: bool) -> None:
        answer = shelf.forge.releases.ensure(shelf.repo, replace(WISH, draft=draft))
        assert isinstance(answer, Refused if draft and not shelf.forge.capabilities.draft_releases else Missing)
        assert isinstance(shelf.forge.releases.publish(shelf.repo, WISH.tag, latest=True), Missing)
        assert (shelf.releases(), shelf.tags()) == ([], {})

    def test_a_draft_waits_until_it_is_published_where_there_are_drafts(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        draft = replace(WISH, draft=True, latest=True)
        made = shelf.forge.releases.ensure(shelf.repo, draft)
        if not shelf.forge.capabilities.draft_releases:
            assert isinstance(made, Refused)
            assert shelf.releases() == []
            return
        assert isinstance(made, Release)
        assert made.draft
        assert shelf.forge.releases.ensure(shelf.repo, replace(draft, body="More.")) == replace(made, body="More.")
        assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, "More.", draft=True)]
        assert shelf.latest() == ""
        published = shelf.forge.releases.publish(shelf.repo, WISH.tag, latest=True)
        assert isinstance(published, Release)
        assert not published.draft
        said = shelf.writes()
        assert shelf.forge.releases.publish(shelf.repo, WISH.tag, latest=True) == published
        assert (shelf.writes(), shelf.latest()) == (said, WISH.tag)
        assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, "More.")]

    def test_what_is_published_stays_published_and_a_draft_is_published_by_a_wish_for_none(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.forge.releases.ensure(shelf.repo, replace(WISH, draft=True))
        for draft in (False, True):
            shelf.forge.releases.ensure(shelf.repo, replace(WISH, draft=draft))
            assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, WISH.body)]

    def test_a_draft_whose_tag_is_gone_is_not_published(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.forge.releases.ensure(shelf.repo, replace(WISH, draft=True))
        shelf.delete_tag(WISH.tag)
        assert isinstance(shelf.forge.releases.publish(shelf.repo, WISH.tag, latest=True), Missing)
        assert isinstance(shelf.forge.releases.ensure(shelf.repo, WISH), Missing)
        assert shelf.tags() == {}

    def test_the_mark_latest_goes_where_it_is_told_to_and_nowhere_else(self, shelf: Shelf) -> None:
        for tag, latest in (("v2.8.0", True), ("v2.7.3", False)):
            shelf.tag(tag, shelf.tip("release/2.7"))
            shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag=tag, latest=latest))
        if not shelf.forge.capabilities.latest_mark:
            return
        assert shelf.latest() == "v2.8.0"
        shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag="v2.7.3", body="More."))
        shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag="v2.8.0", body="More.", latest=False))
        assert shelf.latest() == "v2.8.0"
        shelf.forge.releases.ensure(shelf.repo, replace(WISH, tag="v2.7.3", body="More.", latest=True))
        assert shelf.latest() == "v2.7.3"
        shelf.forge.releases.publish(shelf.repo, "v2.8.0", latest=True)
        assert shelf.latest() == "v2.8.0"

    def test_a_prerelease_is_one_where_there_are_any_and_is_never_latest(self, shelf: Shelf) -> None:
        shelf.tag("v2.7.0-rc1", shelf.tip("release/2.7"))
        wish = replace(WISH, tag="v2.7.0-rc1", prerelease=True, latest=True)
        made = shelf.forge.releases.ensure(shelf.repo, wish)
        assert isinstance(made, Release)
        assert made.prerelease is shelf.forge.capabilities.prereleases
        said = shelf.writes()
        assert shelf.forge.releases.ensure(shelf.repo, wish) == made
        assert shelf.writes() == said
        if shelf.forge.capabilities.latest_mark:
            assert shelf.latest() == ""

    @pytest.mark.parametrize("draft", [False, True])
    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_one_release_is_made_whatever_becomes_of_the_answer(
        self, shelf: Shelf, trouble: Trouble, draft: bool
    ) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        wish = replace(WISH, draft=draft and shelf.forge.capabilities.draft_releases)
        shelf.trouble("make release", trouble)
        assert isinstance(persist(lambda: shelf.forge.releases.ensure(shelf.repo, wish)), Release)
        assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, WISH.body, draft=wish.draft)]

    @pytest.mark.parametrize("trouble", LOST)
    def test_a_release_whose_answer_is_lost_is_looked_for_and_not_sent_again(
        self, shelf: Shelf, trouble: Trouble
    ) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.trouble("make release", trouble)
        assert isinstance(shelf.forge.releases.ensure(shelf.repo, WISH), Release)
        assert shelf.writes() == 1

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_a_release_is_edited_whatever_becomes_of_the_answer(self, shelf: Shelf, trouble: Trouble) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.forge.releases.ensure(shelf.repo, WISH)
        shelf.trouble("edit release", trouble)
        persist(lambda: shelf.forge.releases.ensure(shelf.repo, replace(WISH, body="More.")))
        assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, "More.")]

    def test_without_the_right_to_write_a_person_is_told_what_to_do(self, shelf: Shelf) -> None:
        shelf.tag(WISH.tag, shelf.tip("release/2.7"))
        shelf.grant("relbot", Role.READ)
        tag, name = Tag("v2.7.1", shelf.tip("release/2.7")), "backport/2.7/1"
        for answer in (
            shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE),
            shelf.forge.releases.ensure(shelf.repo, WISH),
            shelf.forge.branches.delete(shelf.repo, name, expect=shelf.tip(name)),
        ):
            assert isinstance(answer, Refused)
            assert answer.next_step.endswith(".")
        assert (shelf.releases(), list(shelf.tags())) == ([], [WISH.tag])
        assert shelf.forge.branches.may_push(shelf.repo, name) in {False, None}

    # ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_what_is_protected_is_told(self, shelf: Shelf) -> None:
        assert shelf.forge.branches.protections(shelf.repo) == ()
        shelf.protect("branch", "release/*")
        shelf.protect("tag", "v*")
        for renamed in (False, True):
            if renamed:
                shelf.move()
            found = shelf.forge.branches.protections(shelf.repo)
            for kind, name, wanted in (
                ("branch", "release/2.7", True), ("branch", "backport/2.7/1", False), ("branch", "v2.7.0", False),
                ("tag", "v2.7.0", True), ("tag", "release/2.7", False), ("tag", "w2.7.0", False),
            ):  # fmt: skip
                assert any(one.kind == kind and one.covers(name) for one in found) is wanted, name

    def test_where_the_bot_may_push_is_told_or_left_open_but_never_wrong(self, shelf: Shelf) -> None:
        shelf.protect("branch", "release/*")
        for name in ("backport/2.7/1", "backport/2.7/new", "odd/a#b"):
            assert shelf.forge.branches.may_push(shelf.repo, name) in {True, None}
        for name in ("release/2.7", "release/2.8"):
            assert shelf.forge.branches.may_push(shelf.repo, name) in {False, None}
        assert not shelf.forge.branches.may_push(shelf.repo, "a..b")

    def test_a_branch_is_deleted_where_it_was_seen_and_then_it_is_gone(self, shelf: Shelf) -> None:
        name, sha = "backport/2.7/1", shelf.tip("backport/2.7/1")
        assert shelf.forge.branches.delete(shelf.repo, name, expect=sha) == BranchDeleted(sha)
        assert shelf.tip(name) == ""
        assert isinstance(shelf.forge.branches.delete(shelf.repo, name, expect=sha), Missing)
        assert shelf.writes() == 1

    def test_a_branch_that_has_moved_is_left_alone(self, shelf: Shelf) -> None:
        name, sha = "backport/2.7/1", shelf.tip("backport/2.7/1")
        assert shelf.forge.branches.delete(shelf.repo, name, expect=shelf.tip("main")) == BranchMoved(sha)
        assert (shelf.tip(name), shelf.writes()) == (sha, 0)

    def test_protected_branches_and_the_default_one_are_left_alone(self, shelf: Shelf) -> None:
        shelf.protect("branch", "release/*")
        for name in ("release/2.7", "main"):
            sha = shelf.tip(name)
            answer = shelf.forge.branches.delete(shelf.repo, name, expect=sha)
            assert isinstance(answer, Protected)
            assert name in answer.reason
            assert shelf.tip(name) == sha
        assert shelf.writes() == 0

    def test_a_branch_of_an_odd_name_is_deleted_and_no_other(self, shelf: Shelf) -> None:
        names = [*ODD, "--force"]
        for name in names:
            shelf.branch(name)
        for turn, name in enumerate(names, 1):
            sha = shelf.tip(name)
            assert shelf.forge.branches.delete(shelf.repo, name, expect=sha) == BranchDeleted(sha)
            assert [name for name in names if shelf.tip(name)] == names[turn:]

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_a_branch_is_gone_whatever_becomes_of_the_answer(self, shelf: Shelf, trouble: Trouble) -> None:
        name, sha = "backport/2.7/1", shelf.tip("backport/2.7/1")
        shelf.trouble("delete branch", trouble)
        answer = persist(lambda: shelf.forge.branches.delete(shelf.repo, name, expect=sha))
        assert answer == BranchDeleted(sha)
        assert shelf.tip(name) == ""

    # ── checks and discussions ───────────────────────────────────────────────────────────────────────────────────────

    def test_the_latest_report_of_each_name_counts(self, shelf: Shelf) -> None:
        sha = shelf.tip("main")
        assert shelf.forge.checks.of(shelf.repo, sha) == ()
        shelf.say(sha, "lint", "failure")
        shelf.say(sha, "lint", "success", "https://ci.example.org/2")
        shelf.say(sha, "test #1 „ä“", "failure")
        shelf.say(sha, "docs", "pending")
        shelf.say(shelf.tip("backport/2.7/1"), "elsewhere", "failure")
        assert without_pipelines(shelf.forge.checks.of(shelf.repo, sha)) == [
            Check("docs", "pending"), Check("lint", "passed", "https://ci.example.org/2"),
            Check("test #1 „ä“", "failed"),
        ]  # fmt: skip

    def test_every_report_is_told_however_many_there_are(self, shelf: Shelf) -> None:
        sha = shelf.tip("main")
        for number in range(230):
            shelf.say(sha, f"job {number:03}", "failure" if number == 0 else "success")
        found = without_pipelines(shelf.patient().checks.of(shelf.repo, sha))
        assert [check.name for check in found] == [f"job {number:03}" for number in range(230)]
        assert [check.state for check in found] == ["failed", *["passed"] * 229]

    def test_a_commit_that_nobody_knows_is_missing(self, shelf: Shelf) -> None:
        for sha in ("1" * 40, "main", "", "../../hooks"):
            assert isinstance(shelf.forge.checks.of(shelf.repo, sha), Missing)

    def test_reports_that_cannot_be_read_are_a_fault_and_never_none(self, shelf: Shelf) -> None:
        shelf.say(shelf.tip("main"), "lint", "success")
        shelf.hide_checks()
        with pytest.raises(Fault, match="403"):
            shelf.forge.checks.of(shelf.repo, shelf.tip("main"))

    def test_of_a_repository_that_cannot_be_seen_nothing_is_told(self, shelf: Shelf) -> None:
        hidden = replace(shelf.repo, id=99_999_999, path="nobody/nothing")
        assert isinstance(shelf.forge.tags.find(hidden, "v1"), Missing)
        for ask in (shelf.forge.tags.all, shelf.forge.branches.protections):
            with pytest.raises(Fault):
                ask(hidden)

    def test_open_discussions_are_counted_where_they_can_be(self, shelf: Shelf) -> None:
        number = shelf.pull("backport/2.7/1", "release/2.7")
        threads = shelf.forge.threads
        assert (threads is not None) is shelf.forge.capabilities.threads
        if threads is None:
            return
        assert threads.unresolved(shelf.repo, number) == 0
        for turn in range(110):
            shelf.discuss(number, resolved=turn % 10 > 0)
        assert threads.unresolved(shelf.repo, number) == 11
        assert isinstance(threads.unresolved(shelf.repo, 4711), Missing)


def tag_of(tag: Tag) -> tuple[str, str]:
    return tag.name, tag.sha
