"""What every forge adapter must do, asked of a real connection and judged by what the forge then holds.

A forge's own test module subclasses `ForgeContract` and gives it a `bench`.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from bot.core.actions import (
    BranchMoved,
    BranchReady,
    DressPull,
    EnsureComment,
    EnsurePull,
    Labelling,
    Missing,
    PullReady,
    Refused,
)
from bot.core.errors import Fault
from bot.core.model import CheckReport, NewCommit, Person, Pull, Repo, Role, Secret
from bot.forges import Forge

Trouble = Literal[
    "refused", "acted, then refused", "hung up", "acted, then hung up", "acted, then half an answer", "slow"
]  # fmt: skip
NotYet = Literal["not found yet"]
Busy = Literal["403 and when to come back", "429 and when to come back", "429 and nothing else"]
Verb = Literal[
    "read pull", "open pull", "write comment", "edit comment", "add labels", "read role", "react", "report"
]  # fmt: skip

TROUBLES: tuple[Trouble, ...] = (
    "refused", "acted, then refused", "hung up", "acted, then hung up", "acted, then half an answer", "slow",
)  # fmt: skip
ROUND: tuple[Verb, ...] = ("open pull", "write comment", "add labels", "react", "report")
ROUNDS = 40
LOST: tuple[Trouble, ...] = ("acted, then refused", "acted, then hung up", "acted, then half an answer")
BUSY: tuple[Busy, ...] = ("403 and when to come back", "429 and when to come back", "429 and nothing else")

MARKER = "<!-- relbot:status -->"
LABELS = ("backport-open/2.7", "a b#c", "häßlich %2F")


@dataclass(frozen=True)
class Held:
    """A pull as the forge itself remembers it."""

    number: int
    head: str
    base: str
    title: str
    body: str
    draft: bool
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    milestone: int | None


class Bench(ABC):
    """A forge with one repository: branches `main` and `release/2.7`, and `backport/2.7/1` one commit ahead of the
    latter. `login` may write there and is who the adapter speaks for; `ada` maintains it.
    """

    login = "relbot"
    forge: Forge
    repo: Repo
    token: Secret

    @abstractmethod
    def branch(self, name: str, *, ahead: bool = True) -> None:
        """Make a branch from `release/2.7`, by default with one commit more."""

    @abstractmethod
    def pull(self, head: str, base: str, *, by: str = "ada") -> int: ...
    @abstractmethod
    def fork_pull(self, head: str, base: str, *, by: str) -> int: ...
    @abstractmethod
    def delete_fork(self, by: str) -> None: ...
    @abstractmethod
    def merge(self, number: int, *, by: str) -> str: ...
    @abstractmethod
    def close(self, number: int, *, by: str) -> None: ...
    @abstractmethod
    def label(self, number: int, name: str, *, by: str) -> None: ...
    @abstractmethod
    def unlabel(self, number: int, name: str, *, by: str) -> None: ...
    @abstractmethod
    def comment(self, number: int, body: str, *, by: str) -> int: ...
    @abstractmethod
    def delete_comment(self, number: int, comment: int) -> None: ...
    @abstractmethod
    def milestone(self, title: str) -> int: ...
    @abstractmethod
    def grant(self, login: str, role: Role) -> None: ...
    @abstractmethod
    def person(self, login: str) -> Person: ...
    @abstractmethod
    def move(self) -> None:
        """Rename the repository; `repo` keeps the old name."""

    @abstractmethod
    def fail(self, verb: Verb, trouble: Trouble | Busy | NotYet, times: int = 1) -> None: ...
    @abstractmethod
    def not_yet(self, times: int) -> None:
        """Have the forge not know yet, for some requests to open a pull, what was pushed."""

    @abstractmethod
    def held(self) -> list[Held]: ...
    @abstractmethod
    def comments(self, number: int) -> list[tuple[str, str]]:
        """Login and text of each comment, oldest first."""

    @abstractmethod
    def reactions(self, number: int) -> list[tuple[str, str]]:
        """Login and name of each reaction to the comments of a pull."""

    @abstractmethod
    def tip(self, branch: str) -> str: ...
    @abstractmethod
    def reports(self, sha: str) -> list[tuple[str, str, str]]:
        """Name, state and title of everything that was ever reported on a commit, in our words, oldest first."""

    @abstractmethod
    def team(self, name: str, *logins: str) -> str:
        """Put these accounts, and nobody else, into a team or group; what policy calls it."""

    @abstractmethod
    def asked(self) -> list[str]:
        """Method and route of every API request so far."""

    @abstractmethod
    def forward(self, seconds: float) -> None:
        """Put the clock forward that the adapter waits by."""

    def writes(self) -> int:
        """How many API requests so far changed something that people see."""
        return sum(not asked.startswith("GET ") and not asked.endswith("access_tokens") for asked in self.asked())

    def wish(self, head: str = "backport/2.7/1", base: str = "release/2.7") -> EnsurePull:
        return EnsurePull(self.repo, head, base, "Fix the *loader* (#1)", "Picked from `main`.\n\n- a\n- b", draft=True)

    def status(self, number: int, body: str, existing: int | None = None) -> EnsureComment:
        return EnsureComment(self.repo, number, MARKER, f"{MARKER}\n{body}", existing)


WANTED: dict[Verb, Callable[[Bench, int], object]] = {
    "read pull": lambda bench, number: bench.forge.pull(bench.repo, number, told=True),
    "write comment": lambda bench, number: bench.forge.ensure_comment(bench.status(number, "done")),
    "add labels": lambda bench, number: bench.forge.dress_pull(DressPull(bench.repo, number, ("x",), (), None)),
}
"""What the bot asks of pulls that it knows to be there."""


def persist(attempt: Callable[[], object], times: int = 3) -> object:
    """Do what the runner does: try again what failed with a fault that can pass."""
    for _ in range(times - 1):
        try:
            return attempt()
        except Fault as fault:
            if not fault.passing:
                raise
    return attempt()


def lately_pushed(pull: Pull) -> Pull:
    """A pull without what some forges find out only after they have opened it, and leave out of lists."""
    return replace(pull, head_sha="", base_sha="")


def live_through(bench: Bench, branch: str, lost: Trouble) -> None:
    """One change's worth of writes; each answer gets lost."""
    bench.branch(branch)
    sha = bench.tip(branch)
    for verb in ROUND:
        bench.fail(verb, lost)
    ready = persist(lambda: bench.forge.ensure_pull(bench.wish(branch)))
    assert isinstance(ready, PullReady)
    number = ready.pull.number
    persist(lambda: bench.forge.ensure_comment(bench.status(number, "done")))
    persist(lambda: bench.forge.set_labels(bench.repo, number, ("a", "b"), ()))
    comment = bench.comment(number, "/backport 2.7", by="ada")
    persist(lambda: bench.forge.react(bench.repo, number, comment, "eyes"))
    persist(lambda: bench.forge.report_on(bench.repo, sha, CheckReport("x", "success", "Picked", "Why.")))
    assert [body for login, body in bench.comments(number) if login == bench.login] == [f"{MARKER}\ndone"]
    assert bench.reactions(number) == [(bench.login, "eyes")]
    assert bench.reports(sha) == [("x", "success", "Picked")]
    assert {one.times for one in bench.forge.labellings(bench.repo, number).values()} == {1}


class ForgeContract:
    """The contract of `bot.forges.Forge`."""

    # ── reading pulls ────────────────────────────────────────────────────────────────────────────────────────────────

    def test_an_open_pull_is_read_as_it_is(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.label(number, "a b#c", by="ada")
        pull = bench.forge.pull(bench.repo, number)
        assert isinstance(pull, Pull)
        assert (pull.number, pull.author, pull.is_open, pull.merged) == (number, bench.person("ada"), True, False)
        assert (pull.head, pull.base, pull.head_repo_id) == ("backport/2.7/1", "release/2.7", bench.repo.id)
        assert (pull.merged_as, pull.closed_at, pull.labels) == (None, None, ("a b#c",))
        assert len(pull.head_sha) == len(pull.base_sha) == 40

    def test_a_merged_pull_names_the_commit_and_the_time_of_the_merge(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        made = bench.merge(number, by="ada")
        pull = bench.forge.pull(bench.repo, number)
        assert isinstance(pull, Pull)
        assert (pull.is_open, pull.merged, pull.merged_as) == (False, True, made)
        assert pull.closed_at is not None
        assert pull.closed_at > 1_000_000_000

    def test_a_closed_pull_is_not_merged_and_names_no_commit(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.close(number, by="ada")
        pull = bench.forge.pull(bench.repo, number)
        assert isinstance(pull, Pull)
        assert (pull.is_open, pull.merged, pull.merged_as, pull.closed_at is None) == (False, False, None, False)

    def test_a_pull_whose_fork_was_deleted_can_still_be_read(self, bench: Bench) -> None:
        number = bench.fork_pull("topic", "main", by="mallory")
        bench.merge(number, by="ada")
        bench.delete_fork("mallory")
        pull = bench.forge.pull(bench.repo, number)
        assert isinstance(pull, Pull)
        assert (pull.head, pull.head_repo_id, pull.merged) == ("topic", None, True)

    def test_a_pull_that_is_not_there_is_missing(self, bench: Bench) -> None:
        assert isinstance(bench.forge.pull(bench.repo, 4711), Missing)
        elsewhere = replace(bench.repo, id=99_999_999, path="nobody/nothing")
        assert isinstance(bench.forge.pull(elsewhere, 1), Missing)

    def test_pulls_are_found_by_head_and_base_newest_first_and_never_those_of_a_fork(self, bench: Bench) -> None:
        first = bench.pull("backport/2.7/1", "release/2.7")
        bench.close(first, by="ada")
        bench.pull("backport/2.7/1", "main")
        bench.fork_pull("backport/2.7/1", "release/2.7", by="mallory")
        second = bench.pull("backport/2.7/1", "release/2.7")
        found = bench.forge.find_pulls(bench.repo, "backport/2.7/1", "release/2.7")
        assert [(pull.number, pull.is_open) for pull in found] == [(second, True), (first, False)]
        assert bench.forge.find_pulls(bench.repo, "backport/2.7/9", "release/2.7") == ()

    def test_commits_that_the_forge_makes_are_on_a_new_branch_or_refused_with_the_way_on(self, bench: Bench) -> None:
        base = bench.tip("main")
        wish = (NewCommit("First", "1" * 40, ()), NewCommit("Second", "1" * 40, ()))
        made = bench.forge.create_commits(bench.repo, "made/by#it", base, wish)
        if bench.forge.capabilities.signs_commits:
            assert isinstance(made, BranchReady)
            assert made.sha == bench.tip("made/by#it") != base
            moved = bench.forge.create_commits(bench.repo, "made/by#it", base, wish[:1])
            assert moved == BranchMoved(made.sha), "what is there is left as it is"
        else:
            assert isinstance(made, Refused)
            assert "verified" in made.next_step

    def test_a_commit_belongs_to_the_pull_that_brought_it_and_to_none_before(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        made = bench.merge(number, by="ada")
        [found] = bench.forge.pulls_of(bench.repo, made)
        assert (found.number, found.base, found.merged, found.merged_as) == (number, "release/2.7", True, made)
        assert found.closed_at is not None
        assert bench.forge.pulls_of(bench.repo, bench.tip("main")) == ()
        assert bench.forge.pulls_of(bench.repo, "0" * 40) == (), "a commit that the forge does not know"

    @pytest.mark.parametrize("name", ["odd/a#b", "odd/ä+%20&x=y", "--upload-pack=x"])
    def test_a_branch_of_an_odd_name_is_found_and_no_other(self, bench: Bench, name: str) -> None:
        bench.branch(name)
        bench.pull("backport/2.7/1", "release/2.7")
        ready = bench.forge.ensure_pull(bench.wish(name))
        assert isinstance(ready, PullReady)
        found = bench.forge.find_pulls(bench.repo, name, "release/2.7")
        assert [pull.number for pull in found] == [ready.pull.number]

    def test_a_renamed_repository_can_be_read_by_its_old_name(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.move()
        assert isinstance(bench.forge.pull(bench.repo, number), Pull)
        assert [pull.number for pull in bench.forge.find_pulls(bench.repo, "backport/2.7/1", "release/2.7")] == [number]

    # ── opening pulls ────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_pull_is_opened_once_and_then_found(self, bench: Bench) -> None:
        first = bench.forge.ensure_pull(bench.wish())
        again = bench.forge.ensure_pull(bench.wish())
        assert isinstance(first, PullReady)
        assert isinstance(again, PullReady)
        assert (first.opened, again.opened) == (True, False)
        assert lately_pushed(first.pull) == lately_pushed(again.pull)
        wish = bench.wish()
        assert bench.held() == [
            Held(first.pull.number, wish.head, wish.base, wish.title, wish.body, True, (), (), None)
        ]

    def test_a_closed_pull_is_not_taken_for_the_open_one(self, bench: Bench) -> None:
        closed = bench.pull("backport/2.7/1", "release/2.7")
        bench.close(closed, by="ada")
        bench.fail("open pull", "refused")
        ready = bench.forge.ensure_pull(bench.wish())
        assert isinstance(ready, PullReady)
        assert (ready.opened, ready.pull.number != closed) == (True, True)

    @pytest.mark.parametrize(("head", "base"), [("no-such", "release/2.7"), ("backport/2.7/1", "release/9.9")])
    def test_a_branch_that_the_forge_does_not_come_to_know_is_a_fault_that_may_pass(
        self, bench: Bench, head: str, base: str
    ) -> None:
        """It was pushed a moment ago, or seen: that it is not there is no answer, however long that is said."""
        with pytest.raises(Fault) as caught:
            bench.forge.ensure_pull(bench.wish(head, base))
        assert caught.value.passing
        assert bench.held() == []

    def test_a_push_that_the_forge_has_not_digested_is_waited_for(self, bench: Bench) -> None:
        bench.not_yet(2)
        ready = bench.forge.ensure_pull(bench.wish())
        assert isinstance(ready, PullReady)
        assert ready.opened
        assert len(bench.held()) == 1

    def test_without_the_right_to_write_opening_is_refused_and_decorating_is_a_fault(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.grant(bench.login, Role.NONE)
        refused = bench.forge.ensure_pull(bench.wish(base="main"))
        assert isinstance(refused, Refused)
        assert "write access" in refused.next_step
        assert refused.reason.endswith("."), "the next step is a sentence of its own"
        with pytest.raises(Fault) as caught:
            bench.forge.set_labels(bench.repo, number, ("x",), ())
        assert not caught.value.passing
        assert isinstance(bench.forge.pull(bench.repo, number, told=True), Missing)

    # ── dressing pulls, and labels ───────────────────────────────────────────────────────────────────────────────────

    def test_a_pull_is_dressed_in_labels_assignees_and_milestone_however_often(self, bench: Bench) -> None:
        ready = bench.forge.ensure_pull(bench.wish())
        assert isinstance(ready, PullReady)
        wish = DressPull(bench.repo, ready.pull.number, LABELS, ("ada",), bench.milestone("2.7.1"))
        bench.forge.dress_pull(wish)
        bench.label(ready.pull.number, "by hand", by="ada")
        bench.forge.dress_pull(wish)
        held = bench.held()[0]
        assert sorted(held.labels) == sorted((*LABELS, "by hand"))
        assert (held.assignees, held.milestone) == (("ada",), wish.milestone)

    def test_a_pull_is_described_anew_and_stays_the_same_otherwise(self, bench: Bench) -> None:
        opened = bench.forge.ensure_pull(bench.wish())
        assert isinstance(opened, PullReady)
        [before] = bench.held()
        bench.forge.describe_pull(bench.repo, opened.pull.number, "Another body,\nof two lines.")
        assert bench.held() == [replace(before, body="Another body,\nof two lines.")]

    def test_dressing_adds_to_the_labels_that_others_have_put_on(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.label(number, "by hand", by="ada")
        bench.forge.dress_pull(DressPull(bench.repo, number, ("one",), ("ada",), None))
        bench.forge.dress_pull(DressPull(bench.repo, number, ("two",), (), None))
        bench.forge.dress_pull(DressPull(bench.repo, number, (), (), bench.milestone("2.7.1")))
        held = bench.held()[0]
        assert (sorted(held.labels), held.assignees) == (["by hand", "one", "two"], ("ada",))
        assert held.milestone is not None

    def test_dressing_leaves_the_labels_that_others_have_put_on_since_the_opening(self, bench: Bench) -> None:
        ready = bench.forge.ensure_pull(bench.wish())
        assert isinstance(ready, PullReady)
        bench.label(ready.pull.number, "by hand", by="ada")
        bench.forge.dress_pull(DressPull(bench.repo, ready.pull.number, ("one",), ("ada",), bench.milestone("2.7.1")))
        assert sorted(bench.held()[0].labels) == ["by hand", "one"]

    def test_nothing_to_dress_asks_nothing(self, bench: Bench) -> None:
        before = bench.asked()
        bench.forge.dress_pull(DressPull(bench.repo, 1, (), (), None))
        assert bench.asked() == before

    def test_one_who_cannot_be_assigned_spoils_neither_labels_nor_milestone(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        milestone = bench.milestone("2.7.1")
        bench.forge.dress_pull(DressPull(bench.repo, number, ("one",), ("nobody-here", "ada"), milestone))
        held = bench.held()[0]
        assert (held.labels, held.assignees, held.milestone) == (("one",), ("ada",), milestone)

    def test_labels_are_put_on_and_taken_off_and_others_left_alone(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.label(number, "by hand", by="ada")
        bench.forge.set_labels(bench.repo, number, LABELS, ())
        assert sorted(bench.held()[0].labels) == sorted((*LABELS, "by hand"))
        for _ in range(2):
            bench.forge.set_labels(bench.repo, number, ("new",), LABELS)
        assert sorted(bench.held()[0].labels) == ["by hand", "new"]

    def test_labellings_tell_who_put_on_each_label_last_and_how_often(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.label(number, "backport/2.7", by="ada")
        bench.label(number, "gone", by="ada")
        bench.unlabel(number, "gone", by="ada")
        bench.unlabel(number, "backport/2.7", by="ada")
        bench.label(number, "backport/2.7", by="grace")
        bench.forge.set_labels(bench.repo, number, ("ours",), ())
        found = bench.forge.labellings(bench.repo, number)
        assert {name: replace(one, at=0) for name, one in found.items()} == {
            "backport/2.7": Labelling(bench.person("grace"), 2),
            "ours": Labelling(bench.forge.me(), 1),
        }
        assert all(one.at > 1_000_000_000 for one in found.values()), "a label has its time"

    # ── comments and reactions ───────────────────────────────────────────────────────────────────────────────────────

    def test_there_is_one_comment_with_the_marker_and_it_says_the_latest(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        first = bench.forge.ensure_comment(bench.status(number, "working"))
        second = bench.forge.ensure_comment(bench.status(number, "done"))
        third = bench.forge.ensure_comment(bench.status(number, "really", existing=first.id))
        assert first.id == second.id == third.id
        assert third.author == bench.forge.me()
        assert bench.comments(number) == [(bench.login, f"{MARKER}\nreally")]
        assert bench.forge.find_comment(bench.repo, number, MARKER) == third

    def test_a_comment_that_already_says_so_is_not_written_again(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        for _ in range(2):
            bench.forge.ensure_comment(bench.status(number, "done"))
        assert bench.writes() == 1

    def test_a_stranger_who_pastes_the_marker_is_passed_over(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.comment(number, f"{MARKER}\nhaha", by="mallory")
        assert bench.forge.find_comment(bench.repo, number, MARKER) is None
        bench.forge.ensure_comment(bench.status(number, "done"))
        assert bench.comments(number) == [("mallory", f"{MARKER}\nhaha"), (bench.login, f"{MARKER}\ndone")]

    def test_the_comment_is_found_behind_a_hundred_others(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        for turn in range(105):
            bench.comment(number, f"me too {turn}", by="mallory")
        first = bench.forge.ensure_comment(bench.status(number, "working"))
        assert bench.forge.ensure_comment(bench.status(number, "done")).id == first.id
        assert len(bench.comments(number)) == 106

    def test_a_deleted_comment_is_written_anew_and_only_once(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        first = bench.forge.ensure_comment(bench.status(number, "working"))
        bench.delete_comment(number, first.id)
        for _ in range(2):
            bench.forge.ensure_comment(bench.status(number, "done", existing=first.id))
        assert bench.comments(number) == [(bench.login, f"{MARKER}\ndone")]

    def test_a_reaction_is_left_once(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        comment = bench.comment(number, "/backport 2.7", by="ada")
        for _ in range(2):
            bench.forge.react(bench.repo, number, comment, "eyes")
        bench.forge.react(bench.repo, number, comment, "-1")
        assert bench.reactions(number) == [(bench.login, "eyes"), (bench.login, "-1")]

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_the_bot_knows_itself(self, bench: Bench) -> None:
        assert bench.forge.me() == bench.person(bench.login)

    def test_roles_are_those_of_this_very_moment(self, bench: Bench) -> None:
        for role in (Role.ADMIN, Role.MAINTAIN, Role.WRITE, Role.TRIAGE, Role.READ, Role.NONE):
            bench.grant("grace", role)
            assert bench.forge.role_of(bench.repo, bench.person("grace")) is role

    def test_an_unknown_account_has_no_role(self, bench: Bench) -> None:
        assert bench.forge.role_of(bench.repo, Person(99_999_999, "nobody-here")) is Role.NONE

    def test_an_account_that_took_over_a_login_does_not_take_over_the_role(self, bench: Bench) -> None:
        bench.grant("grace", Role.ADMIN)
        former = replace(bench.person("grace"), id=99_999_999)
        assert bench.forge.role_of(bench.repo, former) is Role.NONE

    def test_members_of_a_team_are_told_from_others(self, bench: Bench) -> None:
        team = bench.team("release", "ada", "grace")
        people = [bench.person(login) for login in ("ada", "grace", "bob")]
        assert [bench.forge.is_member(bench.repo, person, team) for person in people] == [True, True, False]
        assert not bench.forge.is_member(bench.repo, bench.person("ada"), f"{team}-2")
        assert not bench.forge.is_member(bench.repo, bench.person("ada"), "")

    def test_an_account_that_took_over_a_login_does_not_take_over_the_membership(self, bench: Bench) -> None:
        team = bench.team("release", "grace")
        former = replace(bench.person("grace"), id=99_999_999)
        assert not bench.forge.is_member(bench.repo, former, team)

    # ── reports ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_a_report_is_said_once_and_then_only_when_it_changes(self, bench: Bench) -> None:
        sha = bench.tip("backport/2.7/1")
        running = CheckReport("relbot/backport", "pending", "Picking", "Two commits.")
        done = CheckReport("relbot/backport", "success", "Picked", "Both apply.", "https://example.org/7")
        for report in (running, done):
            bench.forge.report_on(bench.repo, sha, report)
            said = bench.writes()
            bench.forge.report_on(bench.repo, sha, report)
            assert bench.writes() == said
            assert bench.reports(sha)[-1] == (report.name, report.state, report.title)

    def test_reports_of_other_names_and_on_other_commits_stay_as_they_are(self, bench: Bench) -> None:
        sha, other = bench.tip("backport/2.7/1"), bench.tip("main")
        for where, name, state in ((sha, "a", "failure"), (sha, "b", "success"), (other, "a", "success")):
            bench.forge.report_on(bench.repo, where, CheckReport(name, state, f"{name} {state}", "Why."))
        assert bench.reports(sha) == [("a", "failure", "a failure"), ("b", "success", "b success")]
        assert bench.reports(other) == [("a", "success", "a success")]

    def test_a_report_with_hostile_words_is_shown_as_it_is_or_shortened(self, bench: Bench) -> None:
        sha = bench.tip("main")
        bench.forge.report_on(bench.repo, sha, CheckReport("x", "neutral", "ä" * 600, "z" * 70_000))
        ((name, _, title),) = bench.reports(sha)
        assert name == "x"
        assert set(title) <= {"ä", "…"}
        bench.forge.report_on(bench.repo, sha, CheckReport("x", "neutral", "ä" * 600, "z" * 70_000))
        assert len(bench.reports(sha)) == 1

    # ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_one_pull_is_opened_whatever_becomes_of_the_answer(self, bench: Bench, trouble: Trouble) -> None:
        bench.fail("open pull", trouble)
        ready = persist(lambda: bench.forge.ensure_pull(bench.wish()))
        assert isinstance(ready, PullReady)
        assert ready.opened
        assert [held.number for held in bench.held()] == [ready.pull.number]

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_one_comment_is_written_whatever_becomes_of_the_answer(self, bench: Bench, trouble: Trouble) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.fail("write comment", trouble)
        persist(lambda: bench.forge.ensure_comment(bench.status(number, "done")))
        assert bench.comments(number) == [(bench.login, f"{MARKER}\ndone")]

    @pytest.mark.parametrize("trouble", [trouble for trouble in TROUBLES if trouble.startswith("acted")])
    def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(self, bench: Bench, trouble: Trouble) -> None:
        number = bench.pull("backport/2.7/1", "main")
        bench.forge.me()
        bench.fail("open pull", trouble)
        bench.fail("write comment", trouble)
        assert isinstance(bench.forge.ensure_pull(bench.wish()), PullReady)
        written = bench.forge.ensure_comment(bench.status(number, "done"))
        assert bench.forge.find_comment(bench.repo, number, MARKER) == written
        assert bench.writes() == 2

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_one_comment_is_edited_whatever_becomes_of_the_answer(self, bench: Bench, trouble: Trouble) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        existing = bench.forge.ensure_comment(bench.status(number, "working")).id
        bench.fail("edit comment", trouble)
        persist(lambda: bench.forge.ensure_comment(bench.status(number, "done", existing)))
        assert bench.comments(number) == [(bench.login, f"{MARKER}\ndone")]

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_labels_are_on_once_whatever_becomes_of_the_answer(self, bench: Bench, trouble: Trouble) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.fail("add labels", trouble)
        persist(lambda: bench.forge.set_labels(bench.repo, number, LABELS, ()))
        assert sorted(bench.held()[0].labels) == sorted(LABELS)
        assert {one.times for one in bench.forge.labellings(bench.repo, number).values()} == {1}

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_a_report_is_said_once_whatever_becomes_of_the_answer(self, bench: Bench, trouble: Trouble) -> None:
        sha = bench.tip("main")
        bench.fail("report", trouble)
        persist(lambda: bench.forge.report_on(bench.repo, sha, CheckReport("x", "success", "Picked", "Why.")))
        assert bench.reports(sha) == [("x", "success", "Picked")]

    @pytest.mark.slow
    def test_over_many_rounds_of_lost_answers_nothing_is_there_twice(self, bench: Bench) -> None:
        """Every write is done, and its answer is lost in one way or another."""
        for turn in range(ROUNDS):
            live_through(bench, f"b{turn}", LOST[turn % len(LOST)])
        held = bench.held()
        assert [one.head for one in held] == [f"b{turn}" for turn in range(ROUNDS)]
        assert all(sorted(one.labels) == ["a", "b"] for one in held)

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_a_read_outlives_passing_trouble(self, bench: Bench, trouble: Trouble) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.fail("read pull", trouble)
        assert isinstance(bench.forge.pull(bench.repo, number), Pull)

    def test_an_opening_that_is_answered_as_if_there_were_no_repository_is_tried_again(self, bench: Bench) -> None:
        bench.fail("open pull", "not found yet", times=2)
        assert isinstance(bench.forge.ensure_pull(bench.wish()), PullReady)
        assert len(bench.held()) == 1

    @pytest.mark.parametrize("verb", WANTED)
    def test_what_exists_and_is_not_found_is_a_fault_that_may_pass(self, bench: Bench, verb: Verb) -> None:
        """The forge has told of the pull, or we have just opened it; one who asks again finds it there."""
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.forge.me()
        bench.fail(verb, "not found yet")
        with pytest.raises(Fault) as caught:
            WANTED[verb](bench, number)
        assert caught.value.passing
        assert isinstance(caught.value.answer, Missing) == (verb == "read pull"), "and if it never comes, it is missing"
        WANTED[verb](bench, number)

    def test_a_pull_that_nobody_told_of_is_missing_at_once(self, bench: Bench) -> None:
        before = len(bench.asked())
        assert isinstance(bench.forge.pull(bench.repo, 4711), Missing)
        assert len(bench.asked()) == before + 1

    @pytest.mark.parametrize("trouble", ["refused", "hung up"])
    def test_a_role_that_cannot_be_read_is_a_fault_that_may_pass_and_never_a_role(
        self, bench: Bench, trouble: Trouble
    ) -> None:
        bench.fail("read role", trouble, times=99)
        with pytest.raises(Fault) as caught:
            bench.forge.role_of(bench.repo, bench.person("ada"))
        assert caught.value.passing

    @pytest.mark.parametrize("busy", BUSY)
    def test_a_busy_forge_is_left_alone_and_nothing_is_written_twice(self, bench: Bench, busy: Busy) -> None:
        number = bench.pull("backport/2.7/1", "main")
        bench.fail("open pull", busy)
        bench.fail("write comment", busy)
        with pytest.raises(Fault) as opening:
            bench.forge.ensure_pull(bench.wish())
        bench.forward(61)
        with pytest.raises(Fault) as commenting:
            bench.forge.ensure_comment(bench.status(number, "done"))
        bench.forward(121)
        assert opening.value.passing
        assert commenting.value.passing
        assert isinstance(bench.forge.ensure_pull(bench.wish()), PullReady)
        bench.forge.ensure_comment(bench.status(number, "done"))
        assert (len(bench.held()), len(bench.comments(number))) == (2, 1)

    def test_no_fault_tells_the_token(self, bench: Bench) -> None:
        for trouble in TROUBLES[:4]:
            bench.fail("read role", trouble, times=99)
        with pytest.raises(Fault) as caught:
            bench.forge.role_of(bench.repo, bench.person("ada"))
        assert bench.token.reveal() not in "".join(traceback.format_exception(caught.value))

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    def test_every_request_is_counted(self, bench: Bench) -> None:
        number = bench.pull("backport/2.7/1", "release/2.7")
        bench.fail("read pull", "refused")
        bench.forge.pull(bench.repo, number)
        bench.forge.ensure_comment(bench.status(number, "done"))
        assert bench.forge.calls == len(bench.asked()) > 4

    def test_threads_share_a_connection_and_get_their_own_answers(self, bench: Bench) -> None:
        numbers = [bench.pull("backport/2.7/1", base) for base in ("main", "release/2.7")] * 20
        with ThreadPoolExecutor(8) as threads:
            pulls = list(threads.map(lambda number: bench.forge.pull(bench.repo, number), numbers))
        assert [pull.number for pull in pulls if isinstance(pull, Pull)] == numbers
        assert bench.forge.calls == len(bench.asked()) < 2 * len(numbers)
