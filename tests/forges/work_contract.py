"""What every forge adapter must do with issues, milestones, files of releases and what pulls say, judged by what the
forge then holds.

A forge's own test module subclasses `WorkContract` and gives it a `board`.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from bot.core.actions import EnsureComment, Missing, Refused
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, Event, TagPushed
from bot.core.history import Posted, Touched
from bot.core.issues import TRACKER_LABEL, IssueReady, IssueWish, Item, Milestone, MilestoneWish
from bot.core.model import Asset, Person, Release, Tag
from bot.core.setup import LabelWish
from bot.forges import Forge
from tests.forges.contract import Trouble, persist
from tests.forges.tags_contract import MANY, WISH, Shelf

WorkVerb = Literal["open issue", "edit issue", "make milestone", "upload", "write comment on an issue"]

SOME: tuple[Trouble, ...] = ("hung up", "acted, then refused")
"""Of the troubles those that differ for whoever sends: nothing was done, or all of it."""

MARK = "<!-- relbot:tracker:2.7 -->"
TRACKER = IssueWish(MARK, "Release tracker: 2.7", f"{MARK}\n\n- [ ] a\n- [ ] ä `x`", labels=("v2.7",))
FILE = b"\x00\xffnot text\n"


@dataclass(frozen=True)
class HeldIssue:
    """An issue as the forge remembers it."""

    number: int
    title: str
    body: str
    by: str
    is_open: bool
    labels: tuple[str, ...]
    milestone: str | None


class Board(Shelf):
    """The same forge, with what releases are planned by. `relbot` may write; `ada` maintains the repository."""

    login: str

    @abstractmethod
    def issue(self, title: str, body: str = "", *, by: str, labels: tuple[str, ...] = ()) -> int: ...
    @abstractmethod
    def say_on_issue(self, number: int, body: str, *, by: str) -> int: ...
    @abstractmethod
    def close_issue(self, number: int) -> None: ...
    @abstractmethod
    def label_issue(self, number: int, name: str) -> None: ...
    @abstractmethod
    def unlabel_issue(self, number: int, name: str) -> None: ...
    @abstractmethod
    def write_issue(self, number: int, body: str) -> None:
        """A person edits its text."""

    @abstractmethod
    def issues(self) -> list[HeldIssue]: ...
    @abstractmethod
    def said_on_issue(self, number: int) -> list[tuple[str, str]]:
        """Login and text of each comment of people, oldest first."""

    @abstractmethod
    def reactions_on_issue(self, number: int) -> list[tuple[str, str]]: ...
    @abstractmethod
    def milestones(self) -> list[tuple[str, str, bool]]:
        """Title, description and whether it is open, of each."""

    @abstractmethod
    def put_into(self, number: int, milestone: Milestone, *, on: Literal["pull", "issue"]) -> None: ...
    @abstractmethod
    def files(self, tag: str) -> dict[str, str]:
        """The digest of each file that hangs on a release, as the forge has it."""

    @abstractmethod
    def many_releases(self, names: list[str]) -> None: ...
    @abstractmethod
    def demand(self, branch: str, *names: str, ruleset: bool) -> None: ...
    @abstractmethod
    def report(self, sha: str, name: str, state: Literal["pending", "success"]) -> None:
        """Report on a commit over the API, as somebody else than the bot."""

    @abstractmethod
    def events(self) -> list[Event]:
        """What the webhooks since the last call say to the bot, those that are ignored left out."""

    @abstractmethod
    def spoil(self, verb: WorkVerb, trouble: Trouble, times: int = 1) -> None: ...
    @abstractmethod
    def close_pull(self, number: int) -> None: ...
    @abstractmethod
    def label_pull(self, number: int, name: str) -> None: ...
    @abstractmethod
    def now(self) -> int: ...
    @abstractmethod
    def person(self, login: str) -> Person: ...

    def tracker(self) -> int:
        """The number of the tracker, which is there then."""
        ready = self.forge.issues.ensure(self.repo, TRACKER)
        assert isinstance(ready, IssueReady)
        return ready.issue.number


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sent_by(board: Board, forge: Forge, wish: IssueWish) -> tuple[IssueReady, int]:
    """What comes of a wish, and how many requests changed something for it."""
    before = board.writes()
    ready = forge.issues.ensure(board.repo, wish)
    assert isinstance(ready, IssueReady)
    return ready, board.writes() - before


class WorkContract:
    """The contract of `Issues`, `Milestones`, comments on issues, `Changes.facts` and what else releases need."""

    # ── issues ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_an_issue_is_opened_once_with_everything_and_then_found(self, board: Board) -> None:
        assert isinstance(board.forge.issues.find(board.repo, MARK, TRACKER_LABEL), Missing)
        milestone = board.forge.milestones.ensure(board.repo, MilestoneWish("2.7.1"))
        assert isinstance(milestone, Milestone)
        wish = replace(TRACKER, milestone=milestone.number)
        made, sent = sent_by(board, board.forge, wish)
        assert (made.made, made.edited, sent) == (True, False, 1)
        (held,) = board.issues()
        labels = {TRACKER_LABEL, "v2.7"}
        assert (held.title, held.body, held.by, held.is_open) == (TRACKER.title, TRACKER.body, board.login, True)
        assert (set(held.labels), held.milestone) == (labels, "2.7.1")
        issue = made.issue
        assert (issue.number, issue.title, issue.body) == (held.number, held.title, held.body)
        assert set(issue.labels) == labels
        assert (issue.milestone, issue.is_mine, issue.is_kept, issue.is_open) == (milestone.number, True, True, True)
        assert issue.url.startswith("http")
        assert board.forge.issues.find(board.repo, MARK, TRACKER_LABEL) == issue
        assert board.forge.issues.get(board.repo, issue.number) == issue
        again, sent = sent_by(board, board.forge, wish)
        assert (again, sent) == (IssueReady(issue), 0)

    def test_an_issue_is_found_with_one_request_and_brought_to_what_is_wished_in_place(self, board: Board) -> None:
        board.tracker()
        board.forge.me()
        before = len(board.asked())
        assert not isinstance(board.forge.issues.find(board.repo, MARK, TRACKER_LABEL), Missing)
        assert len(board.asked()) == before + 1
        changed = replace(TRACKER, title="2.7", body=f"{MARK}\n\n- [x] a", labels=("v2.7", "urgent"), is_open=False)
        ready, _ = sent_by(board, board.forge, changed)
        (held,) = board.issues()
        assert (ready.made, ready.edited) == (False, True)
        assert (held.title, held.body, held.is_open) == ("2.7", changed.body, False)
        assert set(held.labels) == {TRACKER_LABEL, "v2.7", "urgent"}
        assert (ready.issue.title, ready.issue.is_open, set(ready.issue.labels)) == ("2.7", False, set(held.labels))
        assert sent_by(board, board.forge, changed)[1] == 0
        assert sent_by(board, board.forge, replace(changed, is_open=True))[0].issue.is_open
        assert board.issues()[0].is_open

    def test_only_what_the_bot_itself_has_opened_is_its_own(self, board: Board) -> None:
        theirs = board.issue(TRACKER.title, TRACKER.body, by="ada", labels=(TRACKER_LABEL,))
        assert isinstance(board.forge.issues.find(board.repo, MARK, TRACKER_LABEL), Missing)
        found = board.forge.issues.get(board.repo, theirs)
        assert not isinstance(found, Missing)
        assert (found.is_mine, found.is_kept, found.author.login) == (False, False, "ada")
        ours = board.tracker()
        assert ours != theirs
        assert [held.by for held in board.issues()] == ["ada", board.login]
        found = board.forge.issues.find(board.repo, MARK, TRACKER_LABEL)
        assert not isinstance(found, Missing)
        assert found.number == ours

    def test_an_issue_of_a_like_title_or_another_marker_is_another_one(self, board: Board) -> None:
        other = replace(TRACKER, marker="<!-- relbot:tracker:2.70 -->", body="<!-- relbot:tracker:2.70 -->")
        first, second = (sent_by(board, board.forge, wish)[0] for wish in (other, TRACKER))
        assert first.issue.number != second.issue.number
        assert first.issue.title == second.issue.title
        assert sent_by(board, board.forge, other)[0].issue.number == first.issue.number

    def test_one_that_has_lost_its_label_is_found_and_labelled_again(self, board: Board) -> None:
        number = board.tracker()
        board.unlabel_issue(number, TRACKER_LABEL)
        ready, _ = sent_by(board, board.forge, TRACKER)
        assert (ready.issue.number, ready.made) == (number, False)
        assert TRACKER_LABEL in board.issues()[0].labels
        assert len(board.issues()) == 1

    def test_one_that_is_looked_for_by_its_label_alone_costs_one_request_though_it_is_not_there(
        self, board: Board
    ) -> None:
        board.forge.me()
        before = len(board.asked())
        assert isinstance(board.forge.issues.find(board.repo, MARK, TRACKER_LABEL, anywhere=False), Missing)
        assert len(board.asked()) == before + 1
        number = board.tracker()
        board.unlabel_issue(number, TRACKER_LABEL)
        assert isinstance(board.forge.issues.find(board.repo, MARK, TRACKER_LABEL, anywhere=False), Missing)
        board.label_issue(number, TRACKER_LABEL)
        found = board.forge.issues.find(board.repo, MARK, TRACKER_LABEL, anywhere=False)
        assert not isinstance(found, Missing)
        assert found.number == number

    def test_a_text_that_is_another_since_it_was_read_stays(self, board: Board) -> None:
        board.forge.issues.ensure(board.repo, replace(TRACKER, body=f"{MARK}\nheld\n"))
        ready = board.forge.issues.ensure(board.repo, replace(TRACKER, body=f"{MARK}\nnew\n", seen="not held"))
        assert isinstance(ready, IssueReady)
        assert (ready.edited, "held" in board.issues()[0].body) == (False, True)
        board.forge.issues.ensure(board.repo, replace(TRACKER, body=f"{MARK}\nnew\n", seen="held"))
        assert "new" in board.issues()[0].body

    def test_what_people_wrote_below_the_mark_since_it_was_read_stays(self, board: Board) -> None:
        mark = "<!-- relbot:notes -->"
        wish = replace(TRACKER, body=f"{MARK}\none\n{mark}\nours\n", below=mark)
        ready, _ = sent_by(board, board.forge, wish)
        board.write_issue(ready.issue.number, f"{MARK}\none\n{mark}\nours\n\ntheirs")
        assert sent_by(board, board.forge, wish)[1] == 0, "nothing of ours differs"
        sent_by(board, board.forge, replace(wish, body=f"{MARK}\ntwo\n{mark}\nours\n"))
        (held,) = board.issues()
        assert held.body.rstrip() == f"{MARK}\ntwo\n{mark}\nours\n\ntheirs"

    def test_labels_are_made_where_they_are_not_there_and_others_stay(self, board: Board) -> None:
        wish = LabelWish("backport/2.9", "1d76db", "Carry this change to 2.9")
        assert board.forge.labels.ensure(board.repo, wish) is True
        assert board.forge.labels.ensure(board.repo, replace(wish, color="000000")) is False
        assert "backport/2.9" in board.forge.labels.all(board.repo)

    def test_what_people_have_added_stays(self, board: Board) -> None:
        number = board.tracker()
        board.label_issue(number, "looked at")
        sent_by(board, board.forge, replace(TRACKER, title="Other"))
        assert "looked at" in board.issues()[0].labels

    def test_a_closed_one_is_found_and_of_several_the_oldest(self, board: Board) -> None:
        number = board.tracker()
        board.close_issue(number)
        board.issue(TRACKER.title, TRACKER.body, by=board.login, labels=(TRACKER_LABEL,))
        found = board.forge.issues.find(board.repo, MARK, TRACKER_LABEL)
        assert not isinstance(found, Missing)
        assert (found.number, found.is_open) == (number, False)

    def test_a_pull_is_no_issue_and_one_that_is_not_there_is_missing(self, board: Board) -> None:
        number = board.pull("backport/2.7/1", "main")
        for absent in (number, 999):
            assert isinstance(board.forge.issues.get(board.repo, absent), Missing)

    def test_issues_are_found_though_the_repository_was_renamed(self, board: Board) -> None:
        number = board.tracker()
        board.move()
        found = board.forge.issues.find(board.repo, MARK, TRACKER_LABEL)
        assert not isinstance(found, Missing)
        assert found.number == number

    @pytest.mark.parametrize("trouble", SOME)
    def test_one_issue_is_opened_whatever_becomes_of_the_answer(self, board: Board, trouble: Trouble) -> None:
        board.spoil("open issue", trouble)
        ready = persist(lambda: board.forge.issues.ensure(board.repo, TRACKER))
        assert isinstance(ready, IssueReady)
        assert [held.title for held in board.issues()] == [TRACKER.title]

    def test_an_issue_whose_answer_is_lost_is_looked_for_and_not_opened_again(self, board: Board) -> None:
        board.spoil("open issue", "acted, then refused")
        before = board.writes()
        ready = board.forge.issues.ensure(board.repo, TRACKER)
        assert isinstance(ready, IssueReady)
        assert ready.made
        assert board.writes() == before + 1

    @pytest.mark.parametrize("trouble", SOME[1:])
    def test_an_edit_whose_answer_is_lost_is_made_once_more_and_no_harm_done(
        self, board: Board, trouble: Trouble
    ) -> None:
        board.tracker()
        board.spoil("edit issue", trouble)
        ready = persist(lambda: board.forge.issues.ensure(board.repo, replace(TRACKER, title="2.7")))
        assert isinstance(ready, IssueReady)
        assert [held.title for held in board.issues()] == ["2.7"]

    def test_what_a_person_must_mend_is_refused_with_a_next_step(self, board: Board) -> None:
        refused = board.forge.issues.ensure(board.repo, replace(TRACKER, title=""))
        assert isinstance(refused, Refused)
        assert refused.next_step.endswith(".")
        assert board.issues() == []

    # ── what is open ─────────────────────────────────────────────────────────────────────────────────────────────────

    def test_open_issues_and_pulls_of_a_label_are_listed_and_no_others(self, board: Board) -> None:
        pull, shut = board.pull("backport/2.7/1", "main"), board.pull("backport/2.7/1", "release/2.7")
        for number in (pull, shut):
            board.label_pull(number, "v2.7")
        board.close_pull(shut)
        known, closed = (board.issue(f"Bug {n}", by="ada", labels=("v2.7", "bug")) for n in (1, 2))
        board.close_issue(closed)
        board.issue("Else", by="ada", labels=("v2.70",))
        found = board.forge.issues.labelled(board.repo, "v2.7", 10)
        assert not isinstance(found, Missing)
        assert not found.more
        assert {(one.on, one.number, one.title) for one in found.found} == {
            ("pull", pull, "by hand"), ("issue", known, "Bug 1"),
        }
        (issue,) = [one for one in found.found if one.on == "issue"]
        assert isinstance(issue, Item)
        assert set(issue.labels) == {"v2.7", "bug"}
        assert issue.url.startswith("http")
        every = board.forge.issues.labelled(board.repo, "v2.7", 10, closed=True)
        assert not isinstance(every, Missing)
        assert {(one.on, one.number) for one in every.found} == {
            ("pull", pull), ("pull", shut), ("issue", known), ("issue", closed),
        }

    def test_a_list_ends_where_it_is_told_to_and_says_so(self, board: Board) -> None:
        for number in range(5):
            board.issue(f"Bug {number}", by="ada", labels=("v2.7",))
        for most, told, more in ((3, 3, True), (5, 5, False), (9, 5, False)):
            found = board.forge.issues.labelled(board.repo, "v2.7", most)
            assert not isinstance(found, Missing)
            assert (len(found.found), found.more) == (told, more)
        assert [one.title for one in found.found] == [f"Bug {number}" for number in reversed(range(5))]

    def test_what_is_open_in_a_milestone_is_listed(self, board: Board) -> None:
        one, other = (board.forge.milestones.ensure(board.repo, MilestoneWish(title)) for title in ("2.7.1", "2.7.10"))
        assert isinstance(one, Milestone)
        assert isinstance(other, Milestone)
        pull = board.pull("backport/2.7/1", "main")
        here, elsewhere, closed = (board.issue(title, by="ada") for title in ("Here", "Elsewhere", "Closed"))
        board.put_into(pull, one, on="pull")
        for number, milestone in ((here, one), (elsewhere, other), (closed, one)):
            board.put_into(number, milestone, on="issue")
        board.close_issue(closed)
        found = board.forge.milestones.items(board.repo, one, 10)
        assert not isinstance(found, Missing)
        assert {(one.on, one.number) for one in found.found} == {("pull", pull), ("issue", here)}

    # ── milestones ───────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_milestone_is_made_once_found_by_its_whole_title_and_closed(self, board: Board) -> None:
        for title in ("2.7.10", "v2.7.1"):
            board.forge.milestones.ensure(board.repo, MilestoneWish(title))
        assert isinstance(board.forge.milestones.find(board.repo, "2.7.1"), Missing)
        wish = MilestoneWish("2.7.1", "The next patch of *2.7*.")
        made = board.forge.milestones.ensure(board.repo, wish)
        assert isinstance(made, Milestone)
        assert (made.title, made.description, made.is_open) == ("2.7.1", wish.description, True)
        said = board.writes()
        assert board.forge.milestones.ensure(board.repo, wish) == made
        assert board.forge.milestones.find(board.repo, "2.7.1") == made
        assert board.writes() == said
        closed = board.forge.milestones.ensure(board.repo, replace(wish, description="Done.", is_open=False))
        assert closed == replace(made, description="Done.", is_open=False)
        assert board.writes() == said + 1
        assert board.forge.milestones.find(board.repo, "2.7.1") == closed
        assert ("2.7.1", "Done.", False) in board.milestones()
        assert board.forge.milestones.ensure(board.repo, wish) == made

    @pytest.mark.parametrize("trouble", SOME)
    def test_one_milestone_is_made_whatever_becomes_of_the_answer(self, board: Board, trouble: Trouble) -> None:
        board.spoil("make milestone", trouble)
        made = persist(lambda: board.forge.milestones.ensure(board.repo, MilestoneWish("2.7.1", "x")))
        assert isinstance(made, Milestone)
        assert board.milestones() == [("2.7.1", "x", True)]

    # ── what is said on issues ───────────────────────────────────────────────────────────────────────────────────────

    def test_a_comment_on_an_issue_is_answered_there_and_not_on_a_pull_of_its_number(self, board: Board) -> None:
        number = board.tracker()
        pull = board.pull("backport/2.7/1", "main")
        asked = board.say_on_issue(number, "/release status", by="ada")
        wish = EnsureComment(board.repo, number, "<!-- m -->", "<!-- m -->\nDone.", on="issue")
        written = board.forge.ensure_comment(wish)
        assert board.forge.ensure_comment(wish) == written
        assert board.forge.find_comment(board.repo, number, "<!-- m -->", "issue") == written
        assert board.forge.find_comment(board.repo, pull, "<!-- m -->") is None
        edited = board.forge.ensure_comment(replace(wish, body="<!-- m -->\nMore.", existing=written.id))
        assert (edited.id, edited.body) == (written.id, "<!-- m -->\nMore.")
        for _ in range(2):
            board.forge.react(board.repo, number, asked, "eyes", "issue")
        assert board.said_on_issue(number) == [("ada", "/release status"), (board.login, "<!-- m -->\nMore.")]
        assert board.reactions_on_issue(number) == [(board.login, "eyes")]

    @pytest.mark.parametrize("trouble", SOME)
    def test_one_comment_is_written_on_an_issue_whatever_becomes_of_the_answer(
        self, board: Board, trouble: Trouble
    ) -> None:
        number = board.tracker()
        board.spoil("write comment on an issue", trouble)
        persist(lambda: board.forge.ensure_comment(
            EnsureComment(board.repo, number, "<!-- m -->", "<!-- m -->\nDone.", on="issue")))  # fmt: skip
        assert board.said_on_issue(number) == [(board.login, "<!-- m -->\nDone.")]

    def test_webhooks_say_whether_a_comment_stands_on_an_issue(self, board: Board) -> None:
        number = board.tracker()
        pull = board.pull("backport/2.7/1", "main")
        board.events()
        board.say_on_issue(number, "/release rc 2.7", by="ada")
        (told,) = board.events()
        assert isinstance(told, CommentPosted)
        assert (told.number, told.on, told.body, told.actor.login) == (number, "issue", "/release rc 2.7", "ada")
        board.forge.ensure_comment(EnsureComment(board.repo, number, "m", "m a", on="issue"))
        board.forge.ensure_comment(EnsureComment(board.repo, number, "m", "m b", on="issue"))
        board.forge.ensure_comment(EnsureComment(board.repo, pull, "m", "m c"))
        found = board.events()
        assert [type(one) for one in found] == [CommentPosted, CommentEdited, CommentPosted]
        assert [one.on for one in found] == ["issue", "issue", "pull"]  # type: ignore[union-attr]

    def test_what_was_said_on_a_tracker_is_found_afterwards(self, board: Board) -> None:
        number = board.tracker()
        board.issue("A bug", by="ada", labels=("bug",))
        since = board.now()
        comment = board.say_on_issue(number, "/release rc 2.7", by="ada")
        touched = board.forge.history.touched(board.repo, since)
        assert not isinstance(touched, Missing)
        (told,) = touched
        assert isinstance(told, Touched)
        assert (told.on, told.number, told.is_open, told.is_merged) == ("issue", number, True, False)
        found = board.forge.history.posted(board.repo, since, touched)
        ada = replace(board.person("ada"), is_bot=False)
        assert found == (
            Posted(number, comment, ada, "/release rc 2.7", found[0].posted_at, is_edited=False, on="issue"),  # type: ignore[index]
        )

    # ── what pulls say ───────────────────────────────────────────────────────────────────────────────────────────────

    def test_what_pulls_say_is_told_of_many_in_one_request(self, board: Board) -> None:
        one, other = board.pull("backport/2.7/1", "main"), board.pull("backport/2.7/1", "release/2.7")
        board.label_pull(one, "topic: not user facing")
        issue = board.tracker()
        before = len(board.asked())
        found = board.forge.facts(board.repo, (other, one, one, issue + 500, 0))
        assert len(board.asked()) == before + 1
        assert set(found) == {one, other}
        facts = found[one]
        assert (facts.number, facts.title, facts.labels) == (one, "by hand", ("topic: not user facing",))
        assert (facts.author.id, facts.author.login) == (board.person("ada").id, "ada")
        assert (facts.body, facts.merged, facts.milestone) == ("", False, None)
        assert facts.url.startswith("http")
        assert board.forge.facts(board.repo, ()) == {}
        assert len(board.asked()) == before + 1

    # ── what branches demand ─────────────────────────────────────────────────────────────────────────────────────────

    def test_a_branch_that_demands_nothing_says_so(self, board: Board) -> None:
        required = board.forge.checks.required(board.repo, "release/2.7")
        assert required is not None
        assert (required.names, required.whole_pipeline) == ((), False)

    @pytest.mark.parametrize("ruleset", [False, True])
    def test_what_a_branch_demands_is_told(self, board: Board, ruleset: bool) -> None:
        board.demand("release/2.7", "lint", "build / linux", ruleset=ruleset)
        required = board.forge.checks.required(board.repo, "release/2.7")
        assert required is not None
        assert required.whole_pipeline or required.names == ("build / linux", "lint")

    def test_checks_that_have_ended_are_told_of_with_their_branch(self, board: Board) -> None:
        board.branch("relbot/rc/2.7")
        sha = board.tip("relbot/rc/2.7")
        board.events()
        board.report(sha, "build", "pending")
        assert board.events() == []
        board.report(sha, "build", "success")
        (told,) = board.events()
        assert isinstance(told, ChecksReported)
        assert (told.sha, told.branches, told.actor.login) == (sha, ("relbot/rc/2.7",), "ada")

    def test_tags_that_are_pushed_are_told_of(self, board: Board) -> None:
        board.events()
        sha = board.tip("release/2.7")
        board.tag("v2.7.0-rc1", sha)
        (told,) = board.events()
        assert isinstance(told, TagPushed)
        assert (told.tag, told.sha, told.change, told.actor.login) == ("v2.7.0-rc1", sha, "created", "ada")
        board.forge.tags.ensure(board.repo, Tag("v2.7.0", sha), "2.7.0")
        (told,) = board.events()
        assert isinstance(told, TagPushed)
        assert (told.tag, told.sha, told.change) == ("v2.7.0", sha, "created")

    # ── releases ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_every_release_is_listed_drafts_among_them(self, board: Board) -> None:
        wishes = [replace(WISH, tag="v2.6.0"), replace(WISH, tag="v2.7.0")]
        if board.forge.capabilities.draft_releases:
            wishes.append(replace(WISH, tag="v2.7.1", draft=True))
        for wish in wishes:
            board.tag(wish.tag, board.tip("release/2.7"))
            board.forge.releases.ensure(board.repo, wish)
        found = board.forge.releases.all(board.repo)
        assert {(one.tag, one.draft) for one in found} == {(wish.tag, wish.draft) for wish in wishes}
        published = [one for one in found if not one.draft]
        assert [board.forge.releases.find(board.repo, one.tag) for one in published] == published

    def test_long_lists_of_releases_are_read_to_their_end(self, board: Board) -> None:
        names = [f"v1.{number}" for number in range(MANY)]
        board.many_tags(names, board.tip("main"))
        board.many_releases(names)
        assert sorted(one.tag for one in board.patient().releases.all(board.repo)) == sorted(names)

    def test_the_mark_latest_is_given_and_taken_away_and_nothing_else_changes(self, board: Board) -> None:
        for tag, latest in (("v2.7.3", False), ("v2.8.0", True)):
            board.tag(tag, board.tip("release/2.7"))
            board.forge.releases.ensure(board.repo, replace(WISH, tag=tag, latest=latest))
        before = board.releases()
        moved = board.forge.releases.set_latest(board.repo, "v2.7.3", latest=True)
        if not board.forge.capabilities.latest_mark:
            assert isinstance(moved, Refused)
            assert board.releases() == before
            return
        assert isinstance(moved, Release)
        assert board.latest() == "v2.7.3"
        said = board.writes()
        board.forge.releases.set_latest(board.repo, "v2.7.3", latest=True)
        board.forge.releases.set_latest(board.repo, "v2.8.0", latest=False)
        assert board.writes() == said, "it is so already"
        board.forge.releases.set_latest(board.repo, "v2.7.3", latest=False)
        assert board.latest() != "v2.7.3"
        assert board.releases() == before
        assert isinstance(board.forge.releases.set_latest(board.repo, "v9", latest=True), Missing)

    def test_a_file_is_hung_on_a_release_once_and_shown_with_it(self, board: Board) -> None:
        assert isinstance(board.forge.releases.attach(board.repo, WISH.tag, "sbom.json", FILE), Missing)
        board.tag(WISH.tag, board.tip("release/2.7"))
        board.forge.releases.ensure(board.repo, WISH)
        hung = board.forge.releases.attach(board.repo, WISH.tag, "sbom.json", FILE)
        assert isinstance(hung, Asset)
        assert hung.name == "sbom.json"
        assert hung.url.startswith("http")
        assert board.files(WISH.tag) == {"sbom.json": digest_of(FILE)}
        said = board.writes()
        assert board.forge.releases.attach(board.repo, WISH.tag, "sbom.json", FILE) == hung
        assert board.writes() == said
        found = board.forge.releases.find(board.repo, WISH.tag)
        assert isinstance(found, Release)
        assert found.assets == (hung,)

    def test_a_file_that_is_there_is_never_replaced(self, board: Board) -> None:
        board.tag(WISH.tag, board.tip("release/2.7"))
        board.forge.releases.ensure(board.repo, WISH)
        board.forge.releases.attach(board.repo, WISH.tag, "a.txt", FILE)
        answer = board.forge.releases.attach(board.repo, WISH.tag, "a.txt", b"another")
        told = isinstance(answer, Asset) and answer.sha256 is None
        assert told or isinstance(answer, Refused), "whoever is told that it is another file is refused"
        assert board.files(WISH.tag) == {"a.txt": digest_of(FILE)}

    def test_a_name_that_would_not_stay_is_refused_before_anything_is_sent(self, board: Board) -> None:
        board.tag(WISH.tag, board.tip("release/2.7"))
        board.forge.releases.ensure(board.repo, WISH)
        said = board.writes()
        for name in ("", "..", "a b", "../x", "ä.txt", "a/b", "x" * 300, "a?b#c"):
            assert isinstance(board.forge.releases.attach(board.repo, WISH.tag, name, FILE), Refused)
        assert board.writes() == said

    @pytest.mark.parametrize("trouble", SOME)
    def test_one_file_is_hung_whatever_becomes_of_the_answer(self, board: Board, trouble: Trouble) -> None:
        board.tag(WISH.tag, board.tip("release/2.7"))
        board.forge.releases.ensure(board.repo, WISH)
        board.spoil("upload", trouble)
        hung = persist(lambda: board.forge.releases.attach(board.repo, WISH.tag, "a.txt", FILE))
        assert isinstance(hung, Asset)
        assert board.files(WISH.tag) == {"a.txt": digest_of(FILE)}
