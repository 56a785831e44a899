"""`relbot release`: what `/release` does in chat, from the command line; and `adopt`, for a project that has releases.

It must never do what asks for a confirmation in chat without one here.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from bot.app.asking import InPerson, Patience
    from bot.app.places import Place
    from bot.app.settings import Settings
    from bot.core.actions import Write
    from bot.core.jobs import Report
    from bot.core.model import Repo
    from bot.core.wishes import Asked, LineJob

_EXITS = {"conflict": Exit.CONFLICT, "refused": Exit.REFUSED, "present": Exit.NOTHING, "nothing": Exit.NOTHING}
_UNITS = {"m": 60, "h": 3600}
_GOES_ON = "Nobody goes on with it when this command has ended: run it again later, or add --wait 2h."
_STOPPED = "Stopped. What was done stays done, and nothing was begun after it. Run the same again, and I go on."
_UNCONFIRMED = "Nothing was done. Add --yes to have it done as it is shown."
_NOT_ALONE = "Nothing was done: your own yes does not count here. Ask in chat, where somebody else can confirm it."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command, and of each of its own."""
    about = argparse.ArgumentParser(add_help=False)
    about.add_argument("--repository", metavar="R", help="the repository, as owner/name (default: the clone's origin)")
    about.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    about.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON instead of text")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(name: str, said: str, *, writes: bool = True, confirmed: bool = False) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, parents=[about], help=said, description=f"{said[0].upper()}{said[1:]}.")
        if writes:
            verb.add_argument("--rehearse", action="store_true", help="print what would be written, and write nothing")
        if confirmed:
            verb.add_argument("--yes", action="store_true", help="do it without asking me again")
        return verb

    plan = add("plan", "tell what the next candidate or final would be", writes=False)
    plan.add_argument("kind", choices=("rc", "final"))
    plan.add_argument("line", metavar="LINE", type=_line)
    rc = add("rc", "make the next candidate of a line")
    rc.add_argument("line", metavar="LINE", type=_line)
    rc.add_argument("--sha", metavar="SHA", type=_fitting("SHA"), help="the commit that the line has to be at")
    rc.add_argument("--wait", metavar="AGE", type=_age, nargs="?", const=3600, default=0,
                    help="wait so long for the checks of its commit (90m, 2h; without AGE 1h)")  # fmt: skip
    final = add("final", "promote the tested candidate of a line", confirmed=True)
    final.add_argument("line", metavar="LINE", type=_line)
    final.add_argument("--rc", metavar="N", type=_fitting("NUMBER"), help="that candidate, and not the last one")
    cut = add("cut", "make a new line")
    cut.add_argument("line", metavar="X.Y", type=_line)
    cut.add_argument("--from", dest="source", metavar="REF", type=_fitting("REF"), help="where (default: main branch)")
    yank = add("yank", "withdraw a version, forward only", confirmed=True)
    yank.add_argument("version", metavar="VERSION", type=_fitting("VERSION"))
    yank.add_argument("--reason", metavar="TEXT", type=_text, required=True, help="why")
    adopt = add("adopt", "look at what releases a project has made so far", writes=False)
    adopt.add_argument("--yes", action="store_true", help="make the labels and trackers that are missing")
    adopt.epilog = (
        "A table of the lines, and what about them does not fit together. Use the token that the bot works with, for a "
        "tracker is known by the account that opened it. Exit code 3 when nothing was left to make."
    )
    parser.epilog = (
        "The owner of the token is the one who asks: their role in the repository decides, as in chat, and an App's "
        "token releases nothing. Exit codes: 0 done or waiting, 3 nothing to do, 4 conflict, 5 refused or not "
        "confirmed."
    )


def run(args: argparse.Namespace) -> int:
    """Look where it is to be done, and by whom, and do it."""
    from bot.app.connect import connect
    from bot.app.log import start_logging
    from bot.app.places import find_place
    from bot.app.settings import load

    start_logging(logging.ERROR, traces=os.environ.get("RELBOT_DEBUG") == "1")
    settings = load(args.settings, os.environ)
    place = find_place(settings, args.repository or _origin(args.settings, os.environ))
    if args.verb == "adopt":
        from bot.app.cli.adoption import adopt

        return adopt(args, settings, place)
    with closing(connect(settings)) as performer:
        from bot.app.asking import InPerson, find_asker

        asker = find_asker(performer.forges[place.repo.forge])
        if asker.is_bot and args.verb != "plan":
            sys.stderr.write(f"relbot: {printable(_for_people(asker.login, settings))}\n")
            return Exit.REFUSED
        from bot.core.wishes import Asked

        job = _job(args, place.repo, Asked(asker, 0, 0, at=int(time.time())))
        did = _do(args, job, InPerson(performer))
    _show(args, place, did)
    return _exit_of(did)


def _origin(named: str | None, environ: Mapping[str, str]) -> str:
    from bot.app.places import find_origin
    from bot.app.settings import load_home

    return find_origin(load_home(named, environ).sites, Path())


def _for_people(login: str, settings: Settings) -> str:
    names = [name for name in ("GITHUB_TOKEN", "GITLAB_TOKEN") if getattr(settings, name[:6].lower()) is not None]
    return (
        f"This is the token of {login}, which is no person's account, and only people release. Use a token of your "
        f"own ({' or '.join(names)}, or what the settings name instead), or ask for it in chat."
    )


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────────────


def _job(args: argparse.Namespace, repo: Repo, asked: Asked) -> LineJob:
    """The same job that a comment would have made."""
    from bot.core.versions import read_tag
    from bot.core.wishes import CutLine, MakeCandidate, MakeFinal, ShowPlan, Yank

    match args.verb:
        case "plan":
            return ShowPlan(repo, args.line, asked, args.kind == "final")
        case "rc":
            return MakeCandidate(repo, args.line, asked, args.sha)
        case "final":
            return MakeFinal(repo, args.line, asked, candidate=int(args.rc) if args.rc else None)
        case "cut":
            return CutLine(repo, args.line, asked, args.source)
        case _:
            version = read_tag(args.version)
            assert version
            return Yank(repo, version.line, asked, patch=version.patch, rc=version.candidate, reason=args.reason)


def _line(word: str) -> object:
    from bot.core.model import Line

    if (line := Line.parse(word)) is None:
        raise argparse.ArgumentTypeError(f"{word!r} is not a line such as 2.7")
    return line


def _fitting(kind: str) -> Callable[[str], str]:
    """What chat takes in this place, and nothing else."""

    def read(word: str) -> str:
        from bot.core.grammar import Slot

        if not Slot(kind).takes(word):
            examples = {"SHA": "3f1c2ab", "NUMBER": "3", "VERSION": "v2.7.1", "REF": "main"}
            raise argparse.ArgumentTypeError(f"{word[:100]!r} is not fit: write it as {examples[kind]}")
        return word

    return read


def _text(word: str) -> str:
    text = " ".join(word.split())
    if not text:
        raise argparse.ArgumentTypeError("say why: people read it beside the version")
    return text


def _age(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mh])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write 90m or 2h")
    return int(found[1]) * _UNITS[found[2]]


# ── doing it ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Did:
    """What came of it, or would come: no report where that cannot be foreseen; `writes` of a rehearsal."""

    job: LineJob
    report: Report | None
    writes: tuple[Write[Any], ...] | None = None
    confirmed: bool = False
    """Whether somebody has said yes to it."""

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it waits for a yes that nobody gave, or that does not count."""
        return self.writes is None and self.report is not None and bool(self.report.code)


def _do(args: argparse.Namespace, job: LineJob, perform: InPerson) -> Did:
    from bot.app.asking import carry_out, foresee_all

    if getattr(args, "rehearse", False):
        with waiting("rehearsing", as_json=args.json):
            return Did(job, *foresee_all(job, perform))
    confirmed = False

    def confirm(report: Report) -> bool:
        nonlocal confirmed
        confirmed = _confirm(args, report)
        return confirmed

    try:
        with waiting(f"{args.verb}: reading and doing it", as_json=args.json or _may_ask(args)):
            report = carry_out(job, perform, confirm, _patience(args))
            return Did(job, report, confirmed=confirmed)
    except KeyboardInterrupt:
        begins = "\n" if sys.stderr.isatty() else ""  # where the terminal has just shown ^C
        sys.stderr.write(f"{begins}relbot: {_STOPPED}\n" if args.verb != "plan" else "")
        raise


def _patience(args: argparse.Namespace) -> Patience:
    from bot.app.asking import Patience

    def tell(report: Report) -> None:
        sys.stderr.write(f"relbot: {printable(report.summary)} I look again every 30 seconds.\n")

    return Patience(getattr(args, "wait", 0), tell=tell)


def _may_ask(args: argparse.Namespace) -> bool:
    """Whether somebody sits there who can be asked."""
    return not getattr(args, "yes", True) and not args.json and sys.stdin.isatty() and sys.stderr.isatty()


def _confirm(args: argparse.Namespace, report: Report) -> bool:
    """`--yes`, or what somebody at a terminal answers to what is shown there, wherever the output goes."""
    if getattr(args, "yes", False):
        return True
    if not _may_ask(args):
        return False
    from rich.console import Console

    _print_markdown(report.told or report.summary, Console(stderr=True, highlight=False))
    sys.stderr.write("Do it? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _exit_of(did: Did) -> Exit:
    if did.report is None:
        return Exit.DONE
    return Exit.REFUSED if did.is_unconfirmed else _EXITS.get(did.report.outcome, Exit.DONE)


# ── showing it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(args: argparse.Namespace, place: Place, did: Did) -> None:
    if args.json:
        write_json(_document(args, place, did))
        return
    report = did.report
    if did.is_unconfirmed and _may_ask(args) and not did.confirmed:  # who has just said no has seen all of it
        sys.stderr.write("relbot: Nothing was done.\n")
        return
    if did.writes is not None:
        open_console().print("A rehearsal: nothing of this is done.", style="bold")
    _print_markdown(report.told or report.summary if report else "How it would go on cannot be foreseen.")
    if did.writes is not None:
        _print_writes(did)
    elif did.is_unconfirmed:
        sys.stderr.write(f"relbot: {_NOT_ALONE if did.confirmed else _UNCONFIRMED}\n")
    elif report and report.outcome == "waiting":
        sys.stderr.write(f"relbot: {_GOES_ON}\n")


def _document(args: argparse.Namespace, place: Place, did: Did) -> dict[str, object]:
    report, asked = did.report, did.job.asked
    shown: dict[str, object] = {
        "repository": place.repo.path, "forge": place.repo.forge, "verb": args.verb, "line": str(did.job.line),
        "asked_by": asked.actor.login, "outcome": report.outcome if report else "unforeseen",
        "summary": report.summary if report else "", "told": report.told if report else "",
        "follows": [job.key for job in report.then] if report else [], "unconfirmed": did.is_unconfirmed,
    }  # fmt: skip
    if did.writes is not None:
        shown["writes"] = [{"write": type(write).__name__, **asdict(write)} for write in did.writes]
    return shown


def _print_markdown(text: str, console: Console | None = None) -> None:
    from rich.markdown import Markdown

    # what keeps a forge from seeing names and references in a text does nothing here
    console = console or open_console()
    shown = printable(text.replace("\u200b", ""))
    console.print(Markdown(shown, hyperlinks=console.is_terminal))  # elsewhere the address is printed


def _print_writes(did: Did) -> None:
    from rich.text import Text

    from bot.app.cli.event import describe

    console = open_console(soft_wrap=True)
    console.print("\nWould be written:" if did.writes else "\nNothing would be written.", style="bold")
    for write in did.writes or ():
        console.print(Text(printable(f"  {type(write).__name__}  {describe(write)}"), style="dim"))
