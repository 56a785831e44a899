"""Everything that is known about one pull, in the order in which it happened: why each thing did or did not happen.

It must never leave a reader without a reason: where nothing is known it says what that can mean, and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bot.app.codec import Unreadable, decode
from bot.app.operator.effects import Effect, tell
from bot.app.operator.naming import PullName, find_places, read_pull
from bot.app.operator.opening import Desk
from bot.app.operator.times import moment, span
from bot.app.store import audit, deliveries, journal
from bot.app.store.database import now
from bot.app.store.slots import processes
from bot.app.store.spool import Spool
from bot.core import events
from bot.core.errors import UserError
from bot.core.model import ForgeName, Repo
from bot.core.sweep import SWEEPER

_MOST = 200
"""Jobs and deliveries of one pull that are told, the newest of them."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A delivery, what was told by it and by whom, and what the plan made of it."""

    key: str
    at: float
    what: str
    by: str
    state: str
    notes: tuple[str, ...]
    orders: tuple[Effect, ...]
    """What operators told about it."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job with what it wrote."""

    kept: journal.Kept
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Chronicle:
    """What is known about a pull."""

    name: PullName
    address: str | None
    happenings: tuple[Happening, ...]
    work: tuple[Work, ...]
    waits: tuple[str, ...]
    """What is still to come, and why it is not there yet."""
    hints: tuple[str, ...]
    """Where nothing, or nothing more, is known: what that can mean, and the next step."""


def explain(desk: Desk, named: str) -> Chronicle:
    """The chronicle of the pull that is `named`. `UserError` where that may be two of them."""
    name = read_pull(named, desk.home.sites)
    with desk.database.reading() as connection:
        places = find_places(connection, name)
        forges = dict.fromkeys(place.partition(":")[0] for place in places)
        if len(forges) > 1:
            ways = " or ".join(f"{forge}:{name.path}#{name.number}" for forge in forges)
            raise UserError(f"{name.path} is on both forges. Write {ways}.")
        if not places:
            hints = _hint_at_silence(desk, name)
            return Chronicle(name, name.address(desk.home.sites), (), (), (), hints)
        return _tell(desk, connection, name, places)


def _tell(desk: Desk, connection: sa.Connection, name: PullName, places: list[str]) -> Chronicle:
    """A path can have belonged to several repositories: the newest that knows the pull is meant."""
    place = next((place for place in places if _is_known(connection, f"{place}:{name.number}")), places[0])
    kept = journal.find(connection, journal.Wanted(change=f"{place}:{name.number}"), most=_MOST)
    told = list(deliveries.of_change(connection, f"{place}:{name.number}", _MOST))
    forge: ForgeName = "gitlab" if place.startswith("gitlab:") else "github"
    name = PullName(forge, _newest_path(kept) or name.path, name.number)
    told += deliveries.named(connection, {each.delivery for each in kept} - {each.key for each in told})
    told.sort(key=lambda each: each.received_at)
    happenings = tuple(_happening(desk, connection, name, each) for each in told)
    work = tuple(
        Work(each, _effects(desk, connection, name, each.key))
        for each in sorted(kept, key=lambda each: each.created_at)
    )
    waits = tuple(_waits(desk, connection, kept, told))
    hints = () if kept or waits else _hint_at_idleness(connection, name, place, told)
    return Chronicle(name, name.address(desk.home.sites), happenings, work, waits, hints)


def _is_known(connection: sa.Connection, change: str) -> bool:
    wanted = journal.Wanted(change=change)
    return bool(journal.find(connection, wanted, most=1) or deliveries.of_change(connection, change, 1))


def _newest_path(kept: Sequence[journal.Kept]) -> str:
    return kept[0].repository if kept else ""


def _effects(desk: Desk, connection: sa.Connection, name: PullName, key: str) -> tuple[Effect, ...]:
    return tuple(tell(at, entry, name, desk.home.sites) for at, entry in audit.of_job(connection, key))


# ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────────


def _happening(desk: Desk, connection: sa.Connection, name: PullName, told: deliveries.Told) -> Happening:
    what, by = "something that is not kept any more", ""
    try:
        if told.event:
            event = decode(told.event)
            what, by = _say_event(event, name.number), event.actor.login
    except Unreadable:
        what = "something that another version of the program has kept"
    if deliveries.is_found(told.key):
        what, by = f"found by a sweep: {what}", "" if by == SWEEPER.login else by
    notes = tuple(told.notes.splitlines())
    orders = _effects(desk, connection, name, told.key)
    return Happening(told.key, told.received_at, what, by, told.state, notes, orders)


def _say_event(event: events.Event, number: int) -> str:
    what = type(event).__name__
    match event:
        case events.PullOpened(again=again):
            what = "opened again" if again else "opened"
        case events.PullClosed():
            what = "closed or merged"
        case events.PullLabelled(labels=labels):
            what = f"labelled {', '.join(labels)}"
        case events.CommentPosted(comment=comment, body=body):
            what = f"comment {comment}: {_first_line(body)}"
        case events.CommentEdited(comment=comment, body=body):
            what = f"comment {comment} was edited: {_first_line(body)}"
        case events.PushedTo(branch=branch, before=before, after=after):
            return f"push to {branch}, {before[:12]} to {after[:12]}"
        case events.TagPushed(tag=tag, sha=sha, change=change):
            return f"tag {tag} {change}, {sha[:12]}"
        case events.ChecksReported(sha=sha, branches=branches):
            return f"checks on {sha[:12]} of {', '.join(branches)}"
    return what if event.number == number else f"#{event.number}: {what}"


def _first_line(body: str) -> str:
    line = next((line for line in body.splitlines() if line.strip() and not line.startswith("<!--")), "")
    return f"“{line.strip()[:100]}”"


# ── what is to come ──────────────────────────────────────────────────────────────────────────────────────────────────


def _waits(
    desk: Desk, connection: sa.Connection, kept: Sequence[journal.Kept], told: Sequence[deliveries.Told]
) -> list[str]:
    waiting = [(each.key, each.received_at, each.notes, 0) for each in told if each.state == "waiting"]
    waiting += [
        (each.key, each.updated_at, each.summary, journal.before(connection, each))
        for each in kept if each.state == "waiting"
    ]  # fmt: skip
    if not waiting:
        return []
    at_work = any(each.lives is not False for each in processes(desk.database, connection, desk.home.directory))
    return [_say_wait(each, at_work=at_work) for each in waiting]


def _say_wait(waiting: tuple[str, float, str, int], *, at_work: bool) -> str:
    key, since, why, ahead = waiting
    reasons = []
    if not at_work:
        reasons.append("nothing is at work: start `relbot serve` or `relbot work`")
    if why:
        reasons.append(f"it was tried and put off: {why}")
    if ahead:
        reasons.append(f"{ahead} of the same repository are before it, and each is done in its turn")
    reason = "; ".join(reasons) or "it is being done now, or will be in a moment"
    return f"{key}, for {span(now() - since)}: {reason}"


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────────


def _hint_at_silence(desk: Desk, name: PullName) -> tuple[str, ...]:
    """No delivery of the whole repository is kept."""
    hints = []
    if name.forge and not desk.home.server.admits(Repo(name.forge, 0, name.path, "")):
        hints.append(f"{name.path} belongs to none of the `owners` under [server] in the settings: add its owner.")
    if spooled := len(Spool(desk.home.directory / "spool")):
        hints.append(f"{spooled} deliveries are on the disk still; they come in once the database takes them.")
    hints.append(
        f"Nothing of {name.path} was ever delivered here, or it is longer ago than is kept. Most often its webhook is "
        f"missing or turned away: `relbot doctor --repository {name.path}` looks at it and says how to mend it."
    )
    hints.append(f"`relbot sweep --repository {name.path}` finds what was missed.")
    hints.append("If the repository has been renamed lately, try the name that it had before.")
    return tuple(hints)


def _hint_at_idleness(
    connection: sa.Connection, name: PullName, place: str, told: Sequence[deliveries.Told]
) -> tuple[str, ...]:
    """The repository is known, and no job was ever begun for the pull."""
    doctor = f"`relbot doctor --repository {name.path}`"
    if told:
        if any(each.state == "failed" for each in told):
            return ("What failed can be planned again once its cause is mended: `relbot jobs --replay DELIVERY`.",)
        said = (
            "It was heard of, and nothing followed; the notes above say why. A label asks for a backport once the pull "
            f"is merged and only if who put it on may write; {doctor} shows the labels and lines that there are."
        )
        return (said,)
    last = max((at for known, at in deliveries.places_of(connection, name.path) if known == place), default=None)
    heard = f"; the last from this repository came {moment(last)}" if last else ""
    said = (
        f"No delivery about #{name.number} is kept{heard}. Either nobody has labelled it, merged it or written on it "
        f"since, or the forge has not told: {doctor} shows whether the last deliveries of its webhook arrived."
    )
    return said, "Putting the label on again, or a comment with `/backport` and its lines, starts the backport now."
