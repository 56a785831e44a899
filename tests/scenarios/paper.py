"""A forge and a mirror on paper: enough state for a scenario to answer every question of the core, and nothing real."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.actions import (
    Action,
    BranchMoved,
    BranchReady,
    CompareWithOriginal,
    Conflict,
    ConflictPath,
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
    Labelling,
    Missing,
    NotLanded,
    Origins,
    PickCommits,
    Picked,
    Present,
    PullReady,
    React,
    ResolveChange,
    SetLabels,
    Standing,
    Step,
    Sync,
    Synced,
)
from bot.core.issues import FindIssue
from bot.core.jobs import Plan, Report
from bot.core.ledger import Ledger, reveal
from bot.core.model import Branch, Change, Comment, Commit, Evidence, Person, Pull, Repo, Role
from bot.core.plan import flow_of, plan

REPO = Repo("github", 7, "acme/torchlet", "main")
BOT = Person(99, "relbot[bot]", is_bot=True)
SOURCE = "1" * 40


def person(login: str) -> Person:
    """The same login is the same account."""
    return Person(sum(map(ord, login)), login, is_bot=login.endswith("[bot]"))


@dataclass
class Paper:
    """Everything that a scenario's world holds; steps change it between events."""

    branches: dict[str, str]
    policy: str | None
    roles: dict[str, str]
    pulls: dict[int, Pull]
    labellings: dict[str, Labelling] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)
    reactions: list[str] = field(default_factory=list)
    picks: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    landed: bool = True
    origins: tuple[Origins, ...] = ()
    taken_back: dict[str, str] = field(default_factory=dict)
    """Commits of a line, each with the one that has reverted it."""
    done: set[str] = field(default_factory=set)

    # ── what people do ───────────────────────────────────────────────────────────────────────────────────────────────

    def put_label(self, label: str, by: str) -> None:
        times = self.labellings[label].times if label in self.labellings else 0
        self.labellings[label] = Labelling(person(by), times + 1)
        self._relabel(12, add=(label,))

    def change_pull(self, number: int, **changes: Any) -> None:
        self.pulls[number] = replace(self.pulls[number], **changes)

    # ── what the bot does ────────────────────────────────────────────────────────────────────────────────────────────

    def handle(self, event: Any) -> tuple[Plan, list[Report]]:
        """Plan an event and do its jobs, each key once, as the runner does."""
        planned = self._run(plan(event))
        reports = []
        for job in planned.jobs:
            if job.key not in self.done:
                self.done.add(job.key)
                reports.append(self._run(flow_of(job)))
        return planned, reports

    def ledger(self) -> Ledger:
        """What the sticky comment says."""
        for comment in self.comments.values():
            if found := reveal(comment.body):
                return found
        return Ledger()

    def _run(self, flow: Generator[Any, Any, Any]) -> Any:
        outcome: Any = None
        while True:
            try:
                outcome = self.perform(flow.send(outcome))
            except StopIteration as ended:
                return ended.value

    def perform(self, action: Action) -> Any:
        match action:
            case GetPull(number=number):
                return self.pulls.get(number, Missing(f"pull {number}"))
            case GetLabellings():
                return {label: self.labellings[label] for label in self.pulls[12].labels if label in self.labellings}
            case Identify(person=who):
                return who
            case GetRole(person=who):
                return Role[self.roles.get(who.login, "none").upper()]
            case FindPulls(head=head, base=base):
                return tuple(p for p in self.pulls.values() if (p.head, p.base) == (head, base))
            case FindComment(marker=marker):
                return self.comments.get(marker)
            case Sync():
                branches = tuple(Branch(name, sha) for name, sha in self.branches.items())
                return Synced(branches, ("policy.toml", self.policy) if self.policy is not None else None)
            case FindPullsOf():
                return ()
            case FindIssue(marker=marker):
                return Missing(marker)  # no line has a tracker on paper
            case FindStanding(commit=commit):
                return Standing(commit not in self.taken_back, self.taken_back.get(commit))
            case ResolveChange() | FindPresent() | PickCommits() | CompareWithOriginal() | FindOrigins():
                return self._consult_git(action)
            case _:
                return self._write(action)

    def _consult_git(self, action: Action) -> Any:
        match action:
            case ResolveChange(pull=pull):
                commit = Commit(SOURCE, ("0" * 40,), "f" * 40, "Bob <bob@example.org>", 1_700_000_000, pull.title)
                change = Change(pull.number, pull.title, (commit,), "squash", "The merge adds one commit.")
                return change if self.landed else NotLanded("no commit names it")
            case FindPresent(onto=onto):
                kind = self.evidence.get(onto.name)
                sure = kind != "similar"
                return (Evidence(kind, SOURCE, onto.sha, sure, 1.0 if sure else 0.7),) if kind else ()  # type: ignore[arg-type]
            case PickCommits(onto=onto):
                return self._pick(onto)
            case FindOrigins():
                return self.origins
            case _:
                return ""

    def _pick(self, onto: str) -> Any:
        branch = next(name for name, sha in self.branches.items() if sha == onto)
        match self.picks.get(branch, "picked"):
            case "present":
                return Present(onto, "f" * 40, (Step(SOURCE, None, "present"),))
            case "conflict":
                return Conflict(onto, (ConflictPath("optim.py", "contents"),), (Step(SOURCE, None, "conflict"),))
            case _:
                result = onto[::-1].replace("0", "e")
                return Picked(onto, result, "f" * 40, (Step(SOURCE, result, "picked"),))

    def _write(self, action: Action) -> Any:
        match action:
            case EnsureBranch(branch=branch, expect=expect, commit=commit):
                if self.branches.get(branch) not in (expect, commit):
                    return BranchMoved(self.branches.get(branch))
                self.branches[branch] = commit
                return BranchReady(commit)
            case EnsurePull():
                return self._open(action)
            case SetLabels(number=number, add=add, remove=remove):
                self._relabel(number, add, remove)
            case EnsureComment(marker=marker, body=body):
                self.comments[marker] = Comment(900 + len(self.comments), BOT, body)
                return self.comments[marker]
            case React(reaction=reaction):
                self.reactions.append(reaction)
            case DressPull(number=number, labels=labels):
                self._relabel(number, labels)
            case _:
                raise AssertionError(action)
        return None

    def _open(self, wish: EnsurePull) -> PullReady:
        for pull in self.pulls.values():
            if (pull.head, pull.base, pull.is_open) == (wish.head, wish.base, True):
                return PullReady(pull, opened=False)
        number = max(self.pulls) + 19
        opened = replace(
            self.pulls[12], number=number, title=wish.title, body=wish.body, is_open=True, merged=False,
            merged_as=None, closed_at=None, base=wish.base, head=wish.head, head_repo_id=REPO.id, draft=wish.draft,
            labels=(), url=f"https://forge.example/{number}",
        )  # fmt: skip
        self.pulls[number] = opened
        return PullReady(opened, opened=True)

    def _relabel(self, number: int, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        labels = dict.fromkeys((*self.pulls[number].labels, *add))
        self.change_pull(number, labels=tuple(label for label in labels if label not in remove))
