"""Keeps a change's label and row true when its backport is opened, merged, closed, taken back, or finished by hand.

It must never believe an event, a title or a trailer: they are reasons to look, and what counts is proved on the line.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import FindPresent, FindPulls, FindStanding, Flow, GetPull, Missing, Planning, ask
from bot.core.backport.carrier import landed_as
from bot.core.backport.resolve import resolve
from bot.core.jobs import Report, Settle
from bot.core.ledger import Labelled, Row, safe_url, states_of
from bot.core.lines import backport_branch, find_branch, line_of_branch
from bot.core.model import Branch, Change, Pull
from bot.core.policy import Policy
from bot.core.status import read_status, set_state, write_row
from bot.core.survey import take_survey

AGAIN = "To have a new one, take the backport label off and put it on again."
_LABELLED: tuple[Labelled, ...] = ("open", "backported", "present")


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known of a change and a line before anything is proved."""

    job: Settle
    pull: Pull
    onto: Branch | None
    before: Row | None
    carriers: tuple[Pull, ...]
    """The pulls that carry it or did, the one that the job is about first."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The pulls by whose number it may have been taken back."""
        return tuple(dict.fromkeys((self.pull.number, *(carrier.number for carrier in self.carriers))))


@dataclass(frozen=True, slots=True)
class _Truth:
    """What is so: it `landed` as a commit that counts, or it was there as `lost`, or neither."""

    landed: str | None = None
    lost: str | None = None
    taken_back_by: str | None = None


def settle(job: Settle) -> Flow[Report]:
    """Find out what is so, and show it."""
    pull = yield from ask(GetPull(job.repo, job.number))
    if isinstance(pull, Missing):
        return Report(job, "nothing", f"There is no pull #{job.number} that I can see.")
    survey = yield from take_survey(job.repo, job.number)
    if pull.is_open or line_of_branch(survey.policy, pull.base) == job.line:
        return Report(job, "nothing", f"#{job.number} is nothing that could have been carried to line {job.line}.")
    status = yield from read_status(job.repo, pull)
    before = status.ledger.row(job.line)
    found = find_branch(survey.policy, job.line, survey.branches)
    onto = found if isinstance(found, Branch) else None
    head = backport_branch(survey.policy, job.line, job.number)
    carriers = yield from _find_carriers(job, before, survey.policy)
    if not carriers and onto and before and before.state in ("open", "backported") and not before.commit:
        carriers = yield from ask(FindPulls(job.repo, head, onto.name))  # the row is lost, and made up of labels
    case = _Case(job, pull, onto, before, carriers)
    row = _row(case, (yield from _find_truth(case)))
    if row is None:
        return Report(job, "settled", f"#{job.number} on line {job.line}: nothing has changed.")
    shown = next((label for label in _LABELLED if label == row.state), None)
    yield from set_state(job.repo, pull, job.line, shown)
    # A pull that nobody asked to be backported gets its label, but no comment that nobody asked for.
    if status.comment or before or job.pull is not None or states_of(pull.labels, job.line):
        yield from write_row(status, job.line, row)
    return Report(job, "settled", f"#{job.number} on line {job.line}: {row.state}.", carriers[0] if carriers else None)


# ── what is so ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _find_carriers(job: Settle, before: Row | None, policy: Policy) -> Planning[tuple[Pull, ...]]:
    """The pull that the job is about, and the one that the row shows."""
    numbers = [number for number in (job.pull, before.pull if before else None) if number is not None]
    found: list[Pull] = []
    for number in dict.fromkeys(numbers):
        carrier = yield from ask(GetPull(job.repo, number, told=number == job.pull))
        if isinstance(carrier, Pull) and line_of_branch(policy, carrier.base) == job.line:
            found.append(carrier)
    return tuple(found)


def _find_truth(case: _Case) -> Planning[_Truth]:
    """What was shown and what was merged is looked at where it stands; after that the whole ladder is asked."""
    if case.onto is None:
        return _Truth()
    lost = _Truth()
    for commit in _claims(case):
        standing = yield from ask(FindStanding(case.job.repo, commit, case.onto, case.numbers))
        if standing.holds:
            return _Truth(landed=commit)
        lost = _Truth(lost=commit, taken_back_by=standing.taken_back_by)
    found = yield from _climb(case, case.onto)
    return _Truth(landed=found) if found else lost


def _claims(case: _Case) -> tuple[str, ...]:
    shown = case.before.commit if case.before and case.before.state in ("backported", "present", "reverted") else None
    merged = (landed_as(carrier) for carrier in case.carriers)
    return tuple(dict.fromkeys(commit for commit in (shown, *merged) if commit))


def _climb(case: _Case, onto: Branch) -> Planning[str | None]:
    """A merge robot lands a pull and closes it, and people pick by hand: the line itself knows.

    Some commit of it, where all of the change is certainly there.
    """
    change = yield from resolve(case.job.repo, case.pull)
    if not isinstance(change, Change):
        return None
    found = yield from ask(FindPresent(case.job.repo, change, onto))
    certain = {item.commit: item.present_as or onto.sha for item in found if item.certain}
    if not all(commit.sha in certain for commit in change.commits):
        return None
    there = certain[change.commits[-1].sha]
    standing = yield from ask(FindStanding(case.job.repo, there, onto, case.numbers))
    return there if standing.holds else None


# ── how it is shown ──────────────────────────────────────────────────────────────────────────────────────────────────


def _row(case: _Case, truth: _Truth) -> Row | None:
    """The row that tells the truth; None where the news are none, and what is shown stays."""
    before, onto = case.before, case.onto.name if case.onto else case.before.onto if case.before else ""
    state = before.state if before else None
    if truth.landed:
        return _landed(case, truth.landed, onto)
    carrier = next((pull for pull in case.carriers if pull.is_open), None)
    if carrier:
        same = before and state == "open" and before.pull == carrier.number
        return before if same else Row(state="open", onto=onto, pull=carrier.number, url=safe_url(carrier.url))
    if case.onto and (truth.lost or state == "backported"):
        return _taken_back(case, truth, onto)
    if state != "open" and (case.job.pull is None or state in ("backported", "present", "reverted")):
        return None
    number, url = _named(case, case.carriers)
    return Row(state="closed", onto=onto, pull=number, url=url, note=AGAIN)


def _landed(case: _Case, commit: str, onto: str) -> Row:
    """What was known stays where the news do not say otherwise: a merge is told twice, as a pull and as a push."""
    before = case.before
    brought = tuple(pull for pull in case.carriers if pull.merged or pull.number == case.job.pull)
    number, url = _named(case, brought) if brought else (None, None)
    if before and before.commit == commit and before.state in ("backported", "present"):
        stays = before.pull or (before.state == "present" and number is None)
        return before if stays else before.model_copy(update={"state": "backported", "pull": number, "url": url})
    return Row(state="backported", onto=onto, pull=number, url=url, commit=commit)


def _taken_back(case: _Case, truth: _Truth, onto: str) -> Row:
    if case.before and case.before.state == "reverted" and case.before.commit == truth.lost:
        return case.before
    number, url = _named(case, tuple(pull for pull in case.carriers if pull.merged))
    by = f"{truth.taken_back_by} took it back. " if truth.taken_back_by else ""
    return Row(state="reverted", onto=onto, pull=number, url=url, commit=truth.lost, note=f"{by}{AGAIN}")


def _named(case: _Case, carriers: tuple[Pull, ...]) -> tuple[int | None, str | None]:
    """Number and address of the pull to name; of one that cannot be seen any more, what the row has."""
    if carriers:
        return carriers[0].number, safe_url(carriers[0].url)
    before = case.before
    number = case.job.pull if case.job.pull is not None else before.pull if before else None
    return number, before.url if before and before.pull == number else None
