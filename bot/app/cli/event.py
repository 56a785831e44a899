"""`relbot event`: one delivery without a server, carried out to its end or only rehearsed.

It must never write anything outside when it rehearses.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.app.cli.output import Exit, open_console, printable, write_json
from bot.core.errors import UserError
from bot.core.events import BadSignature, Event, Ignored, Malformed
from bot.core.model import Secret

if TYPE_CHECKING:
    from concurrent.futures import Future

    from bot.app.perform import Performer
    from bot.app.settings import Settings
    from bot.core.actions import Write
    from bot.core.events import Delivery
    from bot.core.jobs import Job, Report
    from bot.core.model import ForgeName

_SIGNATURE = "x-hub-signature-256"
_PROOFS = (_SIGNATURE, "x-gitlab-token", "webhook-signature")
_EXITS = {"conflict": Exit.CONFLICT, "refused": Exit.REFUSED, "present": Exit.NOTHING, "nothing": Exit.NOTHING}
_WORST_FIRST = (Exit.FAULT, Exit.REFUSED, Exit.CONFLICT, Exit.DONE, Exit.NOTHING)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("file", metavar="FILE", help="the delivery's body, or - for standard input")
    parser.add_argument("--header", action="append", default=[], metavar="K:V", help="a header of the delivery")
    parser.add_argument("--rehearse", action="store_true", help="print what would be done, and write nothing")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "The header X-GitHub-Event or X-Gitlab-Event says what the body is; in a GitHub workflow GITHUB_EVENT_NAME "
        "does, and FILE is $GITHUB_EVENT_PATH. A signature or a secret token is checked when its header is given; "
        "without one the file is trusted, since whoever runs this command has the bot's token anyway. Exit codes: the "
        "worst of the jobs, 3 for none."
    )


def run(args: argparse.Namespace) -> int:
    """Read the delivery, plan it, and carry its jobs out or rehearse them."""
    from bot.app.connect import connect
    from bot.app.log import start_logging
    from bot.app.settings import load

    start_logging(logging.WARNING, traces=os.environ.get("RELBOT_DEBUG") == "1")
    settings = load(args.settings, os.environ)
    delivery = _parse(_headers(args.header), _read(args.file), settings)
    if isinstance(delivery, BadSignature):
        sys.stderr.write(f"relbot: The delivery is refused: {delivery.reason}.\n")
        return Exit.REFUSED
    if ignored := _ignored(delivery.event, settings):
        _show(Course(delivery.id, (f"ignored: {ignored}",), ()), args)
        return Exit.NOTHING
    assert not isinstance(delivery.event, Ignored)
    follow = _rehearse if args.rehearse else _carry_out
    with closing(connect(settings)) as performer:
        course = follow(delivery.id, delivery.event, performer)
    _show(course, args)
    return _exit_of(course)


@dataclass(frozen=True, slots=True)
class Ending:
    """What came, or would come, of one job: a report unless it failed, and the writes if it was rehearsed."""

    job: Job
    report: Report | None = None
    fault: str | None = None
    writes: tuple[Write[Any], ...] | None = None

    @property
    def outcome(self) -> str:
        """One word for the table."""
        return "fault" if self.fault else self.report.outcome if self.report else "unforeseen"

    @property
    def summary(self) -> str:
        """One sentence for the table."""
        return self.fault or (self.report.summary if self.report else "its course cannot be foreseen further")


@dataclass(frozen=True, slots=True)
class Course:
    """What came, or would come, of a delivery."""

    delivery: str
    notes: tuple[str, ...]
    endings: tuple[Ending, ...]


# ── reading the delivery ─────────────────────────────────────────────────────────────────────────────────────────────


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UserError(f"The delivery {name} cannot be read: {error.strerror}. Name a file, or -.") from error


def _headers(given: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UserError(f"--header {text!r} is not of the form NAME:VALUE. Write it as X-GitHub-Event:push.")
        headers[name.strip().lower()] = value.strip()
    return headers


def _parse(headers: dict[str, str], body: bytes, settings: Settings) -> Delivery | BadSignature:
    """Read the delivery. One without a proof is given one of our own: the file is trusted then."""
    from uuid import uuid4

    from bot.app.connect import open_doors

    forge: ForgeName = "gitlab" if "x-gitlab-event" in headers else "github"
    key = Secret(uuid4().hex)
    if forge == "gitlab":
        headers.setdefault("idempotency-key", str(uuid4()))
        proofs = {"x-gitlab-token": key.reveal()}
    else:
        headers.setdefault("x-github-event", os.environ.get("GITHUB_EVENT_NAME", ""))
        headers.setdefault("x-github-delivery", str(uuid4()))
        proofs = {_SIGNATURE: "sha256=" + hmac.new(key.reveal().encode(), body, hashlib.sha256).hexdigest()}
    trusted = not {*_PROOFS} & headers.keys()
    doors = open_doors(settings, trust=key if trusted else None)
    if forge not in doors:
        raise UserError(f"The delivery is from {forge}, which the settings do not name. Add [{forge}] to them.")
    parsed = doors[forge]({**headers, **proofs} if trusted else headers, body)
    if isinstance(parsed, Malformed):
        raise UserError(f"The delivery cannot be read: {parsed.reason}. Give the body and headers as they were sent.")
    return parsed


def _ignored(event: Event | Ignored, settings: Settings) -> str | None:
    """Why nothing follows from an event, if that can be told from it alone."""
    if isinstance(event, Ignored):
        return event.reason
    return None if settings.server.admits(event.repo) else f"{event.repo.path} belongs to none of the owners"


# ── following it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _carry_out(delivery: str, event: Event, performer: Performer) -> Course:
    from bot.app.connect import DECISIONS
    from bot.app.runner import Runner

    with closing(Runner(performer, DECISIONS)) as runner:
        started = runner.handle(delivery, event).result()
        runner.drain()  # closing it would cut the pauses between tries short
    return Course(delivery, started.plan.notes, tuple(map(_ending, started.plan.jobs, started.runs)))


def _ending(job: Job, run: Future[Report]) -> Ending:
    from bot.app.log import name_fault, redact

    if error := run.exception():
        return Ending(job, fault=redact(f"fault {name_fault(error)}: {error}"))
    return Ending(job, run.result())


def _rehearse(delivery: str, event: Event, performer: Performer) -> Course:
    from bot.app.connect import DECISIONS
    from bot.app.runner import drive, rehearse

    plan = drive(DECISIONS.plan(event), performer)
    endings = []
    for job in plan.jobs:
        report, writes = rehearse(DECISIONS.flow_of(job), performer)
        endings.append(Ending(job, report, writes=writes))
    return Course(delivery, plan.notes, tuple(endings))


def _exit_of(course: Course) -> Exit:
    exits = {Exit.FAULT if each.fault else _EXITS.get(each.outcome, Exit.DONE) for each in course.endings}
    return next((code for code in _WORST_FIRST if code in exits), Exit.NOTHING)


# ── showing it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(course: Course, args: argparse.Namespace) -> None:
    if args.json:
        write_json({"delivery": course.delivery, "notes": course.notes, "jobs": list(map(_as_json, course.endings))})
    else:
        _print(course, rehearsed=args.rehearse)


def _as_json(ending: Ending) -> dict[str, object]:
    pull = ending.report.pull if ending.report else None
    shown: dict[str, object] = {"key": ending.job.key, "outcome": ending.outcome, "summary": ending.summary}
    shown["pull"] = pull.url if pull else None
    if ending.writes is not None:
        shown["writes"] = [{"write": type(write).__name__, **asdict(write)} for write in ending.writes]
    return shown


def _print(course: Course, *, rehearsed: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    console = open_console()
    table = Table("job", "would end" if rehearsed else "ended", "summary", box=None, pad_edge=False)
    for ending in course.endings:
        table.add_row(*(Text(printable(cell)) for cell in (ending.job.key, ending.outcome, ending.summary)))
        for write in ending.writes or ():
            table.add_row("", Text(type(write).__name__, style="dim"), Text(printable(describe(write)), style="dim"))
    if course.endings:
        console.print(table)
    for note in course.notes:
        console.print(Text(printable(f"• {note}")))
    if not course.endings and not course.notes:
        console.print("Nothing follows from this delivery.")


def describe(write: Write[Any]) -> str:
    """What a write is about, without what every row would repeat and what people would not see either."""
    told = {key: value for key, value in asdict(write).items() if value and key not in ("repo", "pick", "marker")}
    return "  ".join(f"{key}: {_shorten(value)}" for key, value in told.items())


def _shorten(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    lines = (line for line in str(value).splitlines() if line and not line.startswith("<!--"))
    return next(lines, "")
