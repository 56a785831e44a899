"""Does what somebody orders from the command line: the same jobs as in chat, with the token's owner as the actor.

It must never take what a program's account may do for what a person may: nobody releases in a bot's name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any

from bot.app.connect import DECISIONS
from bot.app.foresight import foresee
from bot.app.runner import Decisions, Perform, Runner, drive, rehearse
from bot.core.actions import Action, EnsureComment, Missing, Refused, Write
from bot.core.deploying import DispatchEvent
from bot.core.errors import Fault, UserError
from bot.core.issues import TRACKER_LABEL, EnsureIssue, FindIssue, Issue, IssueReady
from bot.core.model import Person, Repo
from bot.core.publishing import TellPull
from bot.core.release.standin import find_tracker_of_others
from bot.core.wishes import Answered, Confirmed, LineJob

if TYPE_CHECKING:
    from bot.core.jobs import Report
    from bot.forges import Forge


def find_asker(forge: Forge) -> Person:
    """Whose token it is. `UserError` where the forge does not tell."""
    try:
        return forge.identify(forge.me())
    except Fault as fault:
        if fault.passing:
            raise
        raise UserError(
            f"The forge does not tell whose token this is ({fault}). Use a token of your own: what I do here is done "
            "in your name and by your rights."
        ) from fault


_NOT_MINE = Refused(
    "a tracker is known by the account that opens it, and this would be yours",
    "Have the bot open it: relbot release adopt --yes, with the token that it works with.",
)


class InPerson:
    """Performs for a person beside whom the bot works under an account of its own: what that keeps is read, and left
    to it.
    """

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._kept: set[int] = set()
        """The trackers that others keep: they hear from the forge of what is done here, and write it there."""

    def __call__(self, action: Action) -> Any:  # noqa: ANN401 - as with `Perform`
        """Perform one action. A tracker of the bot's is found though somebody else asks, and left to it."""
        match action:
            case FindIssue(repo, marker, label) if label == TRACKER_LABEL:
                own = self._perform(action)
                return self._find_kept(repo, marker) or own if isinstance(own, Missing) else own
            case EnsureIssue(repo, wish) if wish.label == TRACKER_LABEL:
                left = self._leave(repo, wish.marker)
                return self._perform(action) if left is None else left
            case EnsureComment(number=number, on="issue") if number in self._kept:
                return foresee(action)
            case TellPull() | DispatchEvent() if self._kept:  # said by two accounts, it would be said twice
                return foresee(action)
            case _:
                return self._perform(action)

    def expect(self, write: Write[Any]) -> object:
        """What would come of a write, for rehearsals."""
        if isinstance(write, EnsureIssue) and write.wish.label == TRACKER_LABEL:
            left = self._leave(write.repo, write.wish.marker)
            return foresee(write) if left is None else left
        return foresee(write)

    def _leave(self, repo: Repo, marker: str) -> IssueReady | Refused | None:
        """What is said of a tracker that is left to others; None where the one who asks keeps it."""
        if not isinstance(self._perform(FindIssue(repo, marker)), Missing):
            return None
        kept = self._find_kept(repo, marker)
        return IssueReady(kept) if kept else _NOT_MINE

    def _find_kept(self, repo: Repo, marker: str) -> Issue | None:
        found = drive(find_tracker_of_others(repo, marker), self._perform)
        self._kept.update((found.number,) if found else ())
        return found


# ── done ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

Confirm = Callable[["Report"], bool]
"""Whether what a report has shown is to be done."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something is waited for that others have to do, and how often it is looked at, in seconds."""

    longest: float = 0.0
    pause: float = 30.0
    sleep: Callable[[float], object] = time.sleep
    tell: Callable[[Report], object] = lambda _: None
    """Told once, before the first pause, of what is waited for."""


def carry_out(
    job: LineJob, perform: Perform, confirm: Confirm, patience: Patience, decisions: Decisions = DECISIONS
) -> Report:
    """Do it, with all that follows from it. What waits for a confirmation goes on when there is one. Ctrl-C lets what
    is being done come to its end, and nothing is begun after it.
    """
    stopped = Event()

    def perform_on(action: Action) -> object:
        if stopped.is_set():
            raise KeyboardInterrupt
        return perform(action)

    with closing(Runner(perform_on, decisions)) as runner:
        try:
            return _see_through(runner, job, confirm, patience)
        except KeyboardInterrupt:
            stopped.set()
            raise


def _see_through(runner: Runner, job: LineJob, confirm: Confirm, patience: Patience) -> Report:
    report = runner.start(job).result()
    if report.code and confirm(report):
        report = runner.start(_answer(job, report.code)).result()
    waited = 0.0
    while report.outcome == "waiting" and not report.code and waited < patience.longest:
        if not waited:
            patience.tell(report)
        patience.sleep(patience.pause)
        waited += patience.pause
        report = runner.start(job).result()
    runner.drain()
    return report


def _answer(job: LineJob, code: str) -> LineJob:
    """The same wish, confirmed by the one who has it."""
    assert isinstance(job, Confirmed)
    return replace(job, answered=Answered(job.asked.actor, code, job.asked.at))


def foresee_all(
    job: LineJob, perform: InPerson, decisions: Decisions = DECISIONS
) -> tuple[Report | None, tuple[Write[Any], ...]]:
    """What would come of it, and what would be written; a confirmation is taken for given."""
    report, writes = rehearse(decisions.flow_of(job), perform, perform.expect)
    if report is not None and report.code:
        return rehearse(decisions.flow_of(_answer(job, report.code)), perform, perform.expect)
    return report, writes
