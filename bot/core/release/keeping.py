"""What people have kept about a line: holds, and changelog entries set by hand. Both live in the line's tracker.

It must never lose what is kept there already, nor take what cannot be read for nothing.
"""

from __future__ import annotations

from bot.core.actions import Flow, Planning
from bot.core.commands import Who
from bot.core.issues import Issue
from bot.core.jobs import Report
from bot.core.messages import keeping as messages
from bot.core.messages.escape import one_line, plain
from bot.core.messages.refusals import Refusal
from bot.core.messages.releases import not_a_manager
from bot.core.permission import may
from bot.core.release.ending import Ending, refused, show
from bot.core.release.keep import bare_text, tell, write_tracker
from bot.core.release.look import LineNow, look_at
from bot.core.release.tracker import (
    MAX_BODY,
    MAX_HOLDS,
    MAX_NOTES,
    MAX_TEXT,
    Account,
    HoldRow,
    fits,
    is_holder,
    with_account,
)
from bot.core.wishes import Hold, KeepTracker, LineJob, SetNotes, Unhold


def hold(job: Hold) -> Flow[Report]:
    """Hold a line; whoever holds it already has another reason now."""
    return (yield from show(job, (yield from _hold(job))))


def unhold(job: Unhold) -> Flow[Report]:
    """Lift every hold of a line."""
    return (yield from show(job, (yield from _unhold(job))))


def set_notes(job: SetNotes) -> Flow[Report]:
    """Set changelog entries by hand: a text, None for none at all, and an empty text for as they would be anyway."""
    return (yield from show(job, (yield from _set_notes(job))))


# ── the three ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _hold(job: Hold) -> Flow[Ending]:
    now = yield from _look(job, "write")
    if isinstance(now, Refusal):
        return refused(now)
    by, reason = job.asked.actor.login, one_line(job.reason, MAX_TEXT + 1)
    if not is_holder(by):
        return refused(messages.unfit_name(job.asked.actor))
    if len(reason) > MAX_TEXT:
        return refused(messages.too_long("The reason", MAX_TEXT))
    others = tuple(row for row in now.account.holds if row.by != by)
    if len(others) >= MAX_HOLDS:
        return refused(messages.too_many_holds(job.line, MAX_HOLDS))
    row = HoldRow(by=by, reason=reason, at=job.asked.at)
    kept = yield from _keep(now, now.account.model_copy(update={"holds": (*others, row)}))
    if isinstance(kept, Refusal):
        return refused(kept)
    yield from _tell(job, kept, messages.tell_hold(job.asked.actor, job.line, reason))
    where = messages.link_tracker(kept.number, kept.url)
    return _kept(job, messages.render_held(job.line, reason, where), f"{job.line} is held by {by}.")


def _unhold(job: Unhold) -> Flow[Ending]:
    now = yield from _look(job, "manager")
    if isinstance(now, Refusal):
        return refused(now)
    if not now.account.holds:
        return Ending("nothing", "rocket", messages.render_not_held(job.line), f"Nobody holds {job.line}.")
    lifted = [f"{plain(row.by, 60)}: {plain(row.reason, MAX_TEXT)}" for row in now.account.holds]
    kept = yield from _keep(now, now.account.model_copy(update={"holds": ()}))
    if isinstance(kept, Refusal):
        return refused(kept)
    yield from _tell(job, kept, messages.tell_unhold(job.asked.actor, job.line))
    where = messages.link_tracker(kept.number, kept.url)
    return _kept(job, messages.render_unheld(job.line, lifted, where), f"Nobody holds {job.line} any more.")


def _set_notes(job: SetNotes) -> Flow[Ending]:
    now = yield from _look(job, "write")
    if isinstance(now, Refusal):
        return refused(now)
    wanted = {number: one_line(text, MAX_TEXT + 1) if text else text for number, text in job.notes}
    if long := [number for number, text in wanted.items() if text and len(text) > MAX_TEXT]:
        return refused(messages.too_long(f"The entry of {long[0]}", MAX_TEXT))
    notes = {**now.account.notes, **{str(number): text for number, text in wanted.items()}}
    notes = {number: text for number, text in notes.items() if text != ""}
    kept = yield from _keep(now, now.account.model_copy(update={"notes": notes}))
    if isinstance(kept, Refusal):
        return refused(kept)
    said = [messages.say_note(number, text) for number, text in wanted.items()]
    where = messages.link_tracker(kept.number, kept.url)
    numbers = ", ".join(map(str, wanted))
    return _kept(job, messages.render_noted(job.line, said, where), f"Notes of {job.line} are set: {numbers}.")


# ── underneath ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _look(job: LineJob, who: Who) -> Planning[LineNow | Refusal]:
    """The line as it is, for somebody who may say this at this moment."""
    now = yield from look_at(job.repo, job.line)
    if isinstance(now, Refusal) or (yield from may(job.repo, job.asked.actor, who, now.policy)):
        return now
    return messages.not_a_writer(job.asked.actor) if who == "write" else not_a_manager(job.asked.actor)


def _keep(now: LineNow, account: Account) -> Flow[Issue | Refusal]:
    """Write the account, and nothing else: a hold must not wait for all that a tracker shows."""
    if not fits(account):
        return messages.too_many_notes(now.line, MAX_NOTES)
    body = with_account(now.tracker.body, account) if now.tracker else ""
    if not 0 < len(body) <= MAX_BODY:
        body = bare_text(now, account)
    return (yield from write_tracker(now, body))


def _tell(job: LineJob, tracker: Issue, said: str) -> Flow[None]:
    """Say it on the tracker too, unless it was asked for there and is answered there."""
    if (job.asked.on, job.asked.number) != ("issue", tracker.number) or not job.asked.comment:
        yield from tell(job.repo, tracker, job.key, said)


def _kept(job: LineJob, text: str, summary: str) -> Ending:
    """What the tracker shows follows, and nobody has to wait for it."""
    return Ending("kept", "rocket", text, summary, then=(KeepTracker(job.repo, job.line, job.key),))
