"""`relbot explain PULL`: why each thing did or did not happen to a pull.

It must never change anything, and needs no credential of a forge.
"""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.app.operator.chronicle import Chronicle, Happening, Work
    from bot.app.operator.effects import Effect


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("pull", metavar="PULL", help="owner/name#12, 'group/name!12', or the address of the pull")
    parser.add_argument("--settings", metavar="FILE", help="the settings (default: $RELBOT_SETTINGS)")
    parser.epilog = (
        "`github:` or `gitlab:` before the name says on which forge it is, where there are both. Exit code 3 when "
        "nothing is known about the pull; what that can mean is said then."
    )


def run(args: argparse.Namespace) -> int:
    """Gather what is known, and tell it."""
    from bot.app.log import start_logging
    from bot.app.operator.chronicle import explain
    from bot.app.operator.opening import open_desk

    start_logging(logging.WARNING, traces=False)
    with open_desk(args.settings, os.environ) as desk:
        chronicle = explain(desk, args.pull)
    if args.json:
        write_json(_as_json(chronicle))
    else:
        _print(chronicle)
    return Exit.DONE if chronicle.happenings or chronicle.work else Exit.NOTHING


def _as_json(chronicle: Chronicle) -> dict[str, object]:
    name = chronicle.name
    return {
        "forge": name.forge, "repository": name.path, "number": name.number, "url": chronicle.address,
        "deliveries": [asdict(each) for each in chronicle.happenings],
        "jobs": [{**asdict(each.kept), "effects": list(map(asdict, each.effects))} for each in chronicle.work],
        "waiting": chronicle.waits, "hints": chronicle.hints,
    }  # fmt: skip


def _print(chronicle: Chronicle) -> None:
    from rich.text import Text

    console = open_console(soft_wrap=True)
    console.print(Text(printable(f"{chronicle.name}  {chronicle.address or ''}".rstrip()), "bold"))
    for style, line in _lines(chronicle):
        console.print(Text(printable(line), style))


def _lines(chronicle: Chronicle) -> Iterator[tuple[str, str]]:
    """Deliveries in their order, each with the jobs that it began; then what began with none of them."""
    begun = {each.key for each in chronicle.happenings}
    for happening in chronicle.happenings:
        yield from _tell_happening(happening, [each for each in chronicle.work if each.kept.delivery == happening.key])
    for work in chronicle.work:
        if work.kept.delivery not in begun:
            yield from _tell_work(work)
    for wait in chronicle.waits:
        yield "yellow", f"waits: {wait}"
    for hint in chronicle.hints:
        yield "bold", hint


def _tell_happening(happening: Happening, begun: Sequence[Work]) -> Iterator[tuple[str, str]]:
    """What led to nothing takes one line: most of it is what the bot itself has written, told back by the forge."""
    from bot.app.operator.times import moment

    head = f"\n{moment(happening.at)}  {happening.what}" + (f" by {happening.by}" if happening.by else "")
    if happening.state == "planned" and not (begun or happening.notes or happening.orders):
        yield "dim", f"{head}: nothing follows"
        return
    yield "", head
    yield "dim", f"    delivery {happening.key}, {_STATES.get(happening.state, happening.state)}"
    for note in happening.notes:
        yield "", f"    left: {note}" if happening.state == "planned" else f"    {note}"
    for order in happening.orders:
        yield from _tell_effect(order)
    for work in begun:
        yield from _tell_work(work, happening.at)


_STATES = {
    "waiting": "waits to be planned", "planned": "planned", "failed": "could not be planned, or a job of it failed",
}  # fmt: skip
_COLOURS = {"waiting": "yellow", "failed": "red", "refused": "red", "cancelled": "dim"}


def _tell_work(work: Work, since: float = 0.0) -> Iterator[tuple[str, str]]:
    """`since` is when the delivery came that has begun the last attempt."""
    from bot.app.operator.times import moment

    kept = work.kept
    tries = f", attempt {kept.attempt}" if kept.attempt > 1 else ""
    ended = kept.outcome or kept.state
    yield _COLOURS.get(kept.state, "green"), f"    {kept.key}: {ended}, {moment(kept.updated_at)}{tries}"
    if kept.summary:
        yield "", f"        {kept.summary}"
    earlier = [each for each in work.effects if each.at < since]
    if earlier:
        yield "bold", "        earlier attempts:"
    for effect in earlier:
        yield from _tell_effect(effect)
    if earlier:
        yield "bold", "        the last attempt:"
    for effect in work.effects[len(earlier) :]:
        yield from _tell_effect(effect)


def _tell_effect(effect: Effect) -> Iterator[tuple[str, str]]:
    from bot.app.operator.times import moment

    asked = f", asked by {effect.asked_by}" if effect.asked_by else ""
    came = f": {effect.came}" if effect.came else ""
    for seen in effect.seen:
        yield "dim", f"        saw: {seen}"
    yield "", f"        {moment(effect.at)}  {effect.written}{came}{asked}"
    if effect.link:
        yield "dim", f"            {effect.link}"
