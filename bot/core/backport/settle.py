"""Keeps a change's label and row true when its backport is merged, closed, or finished by hand.

It must never believe the event alone: a pull that was closed may have landed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import FindPresent, Flow, GetPull, Missing, Planning, ResolveChange, ask
from bot.core.jobs import Report, Settle
from bot.core.ledger import Labelled, Row, safe_url, states_of
from bot.core.lines import find_branch
from bot.core.model import Branch, Change, Pull
from bot.core.status import read_status, set_state, write_row
from bot.core.survey import take_survey


@dataclass(frozen=True, slots=True)
class _Truth:
    """What is so: `landed` on the line, or carried by the `open` pull, or neither."""

    landed: str | None = None
    carrier: Pull | None = None

    @property
    def state(self) -> Labelled | None:
        if self.landed:
            return "backported"
        return "open" if self.carrier and self.carrier.is_open else None


def settle(job: Settle) -> Flow[Report]:
    """Find out what is so, and show it."""
    pull = yield from ask(GetPull(job.repo, job.number))
    if isinstance(pull, Missing):
        return Report(job, "nothing", f"There is no pull #{job.number} that I can see.")
    truth = yield from _find_truth(job, pull)
    yield from set_state(job.repo, pull, job.line, truth.state)
    status = yield from read_status(job.repo, pull)
    before = status.ledger.row(job.line)
    # A pull that nobody asked to be backported gets its label, but no comment that nobody asked for.
    if status.comment or before or job.pull is not None or states_of(pull.labels, job.line):
        yield from write_row(status, job.line, _row(job, truth, before))
    return Report(job, "settled", f"#{job.number} on line {job.line}: {truth.state or 'not there'}.", truth.carrier)


def _find_truth(job: Settle, pull: Pull) -> Planning[_Truth]:
    if job.landed:
        return _Truth(job.landed)
    carrier = (yield from ask(GetPull(job.repo, job.pull))) if job.pull is not None else None
    if not isinstance(carrier, Pull):
        return _Truth((yield from _find_on_line(job, pull)))
    if carrier.is_open:
        return _Truth(carrier=carrier)
    return _Truth(landed_as(carrier) or (yield from _find_on_line(job, pull)), carrier)


def landed_as(pull: Pull) -> str | None:
    """What a merged pull became; a fast-forward has no commit of its own, so it is the pull's last one."""
    return (pull.merged_as or pull.head_sha) if pull.merged else None


def _find_on_line(job: Settle, pull: Pull) -> Planning[str | None]:
    """A merge robot lands a pull and closes it: the line itself knows. Some commit of it, where all are there."""
    survey = yield from take_survey(job.repo, job.number)
    onto = find_branch(survey.policy, job.line, survey.branches)
    if not isinstance(onto, Branch):
        return None
    change = yield from ask(ResolveChange(job.repo, pull))
    if not isinstance(change, Change):
        return None
    found = yield from ask(FindPresent(job.repo, change, onto))
    certain = {item.commit: item.present_as or onto.sha for item in found if item.certain}
    there = all(commit.sha in certain for commit in change.commits)
    return certain[change.commits[-1].sha] if there else None


def _row(job: Settle, truth: _Truth, before: Row | None) -> Row:
    """What was known stays where the news do not say otherwise: a merge is told twice, as a pull and as a push."""
    number = job.pull if job.pull is not None else before.pull if before else None
    url = safe_url(truth.carrier.url) if truth.carrier else before.url if before and before.pull == number else None
    onto = before.onto if before else ""
    match truth.state:
        case "backported" if before and before.state == "backported":
            return before if before.pull else before.model_copy(update={"pull": number, "url": url})
        case "backported":
            return Row(state="backported", onto=onto, pull=number, url=url, commit=truth.landed)
        case "open":
            return Row(state="open", onto=onto, pull=number, url=url)
        case _:
            return Row(state="closed", onto=onto, pull=number, url=url, note=_AGAIN)


_AGAIN = "To have a new one, take the backport label off and put it on again."
