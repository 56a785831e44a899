"""How a backport job ends: one value that says what is shown on the change and what is reported.

It must never act: the flow turns an ending into labels, a row and a reaction in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import Conflict, NotLanded, PickCommits, Reaction, Unproven
from bot.core.jobs import Backport, ReportOutcome
from bot.core.ledger import MAX_PATHS, Labelled, Row, Stop, safe_login, safe_url, states_of
from bot.core.lines import backport_branch, label_of
from bot.core.messages import refusals
from bot.core.messages.escape import one_line
from bot.core.messages.pulls import WHY
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Change, Evidence, Pull
from bot.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Case:
    """What all attempts at one line have in common."""

    job: Backport
    pull: Pull
    policy: Policy
    change: Change
    doubts: tuple[Evidence, ...] = ()
    """Evidence from the forge that a person has to weigh."""
    instead_of: str | None = None
    """The commit that the backport's branch is at, when it is to be built anew."""

    @property
    def label(self) -> str:
        """The label that asks for this backport."""
        return label_of(self.policy, self.job.line)

    @property
    def head(self) -> str:
        """The branch that this backport lives on."""
        return backport_branch(self.policy, self.job.line, self.job.number)


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of it. `summary` is one plain sentence."""

    outcome: ReportOutcome
    summary: str
    row: Row | None = None
    label: Labelled | None = None
    """None leaves the labels alone."""
    reaction: Reaction = "rocket"
    pull: Pull | None = None
    evidence: tuple[Evidence, ...] = ()
    humble: bool = False
    """A row that is there already stays: refusing a stranger must not hide what is true."""


def refuse(refusal: Refusal, *, humble: bool = False) -> Ending:
    """The ending in which nothing was done, with the way on."""
    text = one_line(str(refusal), 1000)
    return Ending("refused", text, Row(state="refused", note=text), reaction=refusal.reaction, humble=humble)


def unresolved(job: Backport, pull: Pull, outcome: NotLanded | Unproven) -> Ending:
    """There is no change to pick, or none that can be proved. Closing a labelled pull unmerged is nobody's mistake."""
    if isinstance(outcome, Unproven):
        return refuse(Refusal(one_line(outcome.reason, 500), one_line(outcome.next_step, 300)))
    if pull.merged or job.comment is not None:
        return refuse(refusals.not_landed(pull, outcome.reason))
    return Ending("nothing", f"#{pull.number} was closed without landing: {one_line(outcome.reason)}")


def present(case: Case, onto: Branch, evidence: tuple[Evidence, ...]) -> Ending:
    """Every commit is on the line. Where the change was backported before, its label and row stay."""
    where = next((item.present_as for item in evidence if item.present_as), None)
    why = "; ".join(dict.fromkeys(WHY[item.kind] for item in evidence))
    row = Row(state="present", onto=onto.name, commit=where, note=f"How I know: {why}.")
    summary = f"#{case.pull.number} is on {onto.name} already: {why}."
    told = "backported" in states_of(case.pull.labels, case.job.line)
    label: Labelled = "backported" if told else "present"
    return Ending("present", summary, row, label, evidence=evidence, humble=told)


def conflict(case: Case, onto: Branch, pick: PickCommits, found: Conflict, evidence: tuple[Evidence, ...]) -> Ending:
    """git stopped; the row says where, and a recipe says how a person goes on."""
    stop = Stop(
        paths=tuple((one_line(p.path, 300), one_line(p.kind, 100)) for p in found.paths[:MAX_PATHS]),
        more=max(0, len(found.paths) - MAX_PATHS),
        stopped_at=next((step.source for step in found.steps if step.outcome == "conflict"), None),
        commits=tuple(step.source for step in found.steps if step.outcome != "present"),
        mainline=pick.mainline,
        base=case.pull.base,
        onto=onto.name,
        head=case.head,
        sign_off=pick.sign_off,
        alike=next((item.present_as for item in evidence if not item.certain and item.present_as), None),
        asked_by=None if case.job.actor.is_bot else safe_login(case.job.actor.login),
    )
    row = Row(state="conflict", onto=onto.name, stop=stop)
    summary = f"Picking #{case.pull.number} onto {onto.name} stops at {len(found.paths)} conflicting path(s)."
    return Ending("conflict", summary, row, "conflict", reaction="confused", evidence=evidence)


def waiting(case: Case, onto: Branch, pull: Pull, outcome: ReportOutcome, evidence: tuple[Evidence, ...]) -> Ending:
    """A pull carries the backport and waits for people."""
    note = "It is a draft: the change may be on the line already, please look." if pull.draft else ""
    row = Row(state="open", onto=onto.name, pull=pull.number, url=safe_url(pull.url), note=note)
    summary = f"#{pull.number} carries #{case.pull.number} to {onto.name}."
    return Ending(outcome, summary, row, "open", pull=pull, evidence=evidence)


def pushed(case: Case, onto: Branch, commit: str) -> Ending:
    """The pick is on the line itself."""
    row = Row(state="backported", onto=onto.name, commit=commit, note="I pushed it there.")
    return Ending("pushed", f"I pushed #{case.pull.number} to {onto.name} as {commit}.", row, "backported")
