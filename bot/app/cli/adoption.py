"""`relbot release adopt`: tells what releases a project has made so far, and makes what the bot needs beside them.

It must never make a tag or a release, nor change what is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, waiting, write_json
from bot.app.connect import connect
from bot.app.equip import LabelReport, sync_labels
from bot.app.runner import drive
from bot.core.errors import UserError
from bot.core.messages.refusals import Refusal
from bot.core.release.adoption import Inventory, LineFound, open_tracker, take_inventory
from bot.core.survey import Survey

if TYPE_CHECKING:
    from bot.app.perform import Performer
    from bot.app.places import Place
    from bot.app.settings import Settings


@dataclass(frozen=True, slots=True)
class TrackerReport:
    """What became of the tracker of a line; `said` is its address, or the forge's words where it was refused."""

    line: str
    outcome: str
    said: str = ""


def adopt(args: argparse.Namespace, settings: Settings, place: Place) -> Exit:
    """Look, and with `--yes` make what is missing and does no harm."""
    with closing(connect(settings)) as performer:
        with waiting(f"reading {place.repo.path}", as_json=args.json):
            found = drive(take_inventory(place.repo), performer)
        if isinstance(found, Refusal):
            raise UserError(str(found))
        with waiting("labels and trackers", as_json=args.json):
            survey = Survey(found.policy, tuple(line.branch for line in found.lines if line.branch))
            labels = list(sync_labels(place, survey, (), rehearse=not args.yes))
            trackers = [_track(place, performer, line, rehearse=not args.yes) for line in found.lines]
    made = [each for each in trackers if each is not None]
    if args.json:
        write_json(_document(place, found, labels, made))
    else:
        _print(found, labels, made, rehearsed=not args.yes)
    outcomes = {*(each.outcome for each in labels), *(each.outcome for each in made)}
    if "refused" in outcomes:
        return Exit.REFUSED
    return Exit.NOTHING if args.yes and outcomes <= {"there"} else Exit.DONE


def _track(place: Place, performer: Performer, found: LineFound, *, rehearse: bool) -> TrackerReport | None:
    line = str(found.line)
    if found.tracker is not None:
        return TrackerReport(line, "there", found.tracker.url)
    if not found.lacks_tracker:
        return None
    if rehearse:
        return TrackerReport(line, "missing")
    ready = drive(open_tracker(place.repo, found.line), performer)
    if isinstance(ready, Refusal):
        return TrackerReport(line, "refused", str(ready))
    return TrackerReport(line, "made" if ready.made else "there", ready.issue.url)


# ── showing it ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(
    place: Place, found: Inventory, labels: Sequence[LabelReport], trackers: Sequence[TrackerReport]
) -> dict[str, object]:
    return {
        "repository": place.repo.path, "forge": place.repo.forge, "lines": [_line(line) for line in found.lines],
        "labels": [{"name": each.name, "outcome": each.outcome, "said": each.said or None} for each in labels],
        "trackers": [{"line": each.line, "outcome": each.outcome, "said": each.said or None} for each in trackers],
        "other_tags": list(found.others),
    }  # fmt: skip


def _line(found: LineFound) -> dict[str, object]:
    return {
        "line": str(found.line), "branch": found.branch.name if found.branch else None, "supported": found.supported,
        "style": found.style, "last_final": found.final.name if found.final else None,
        "last_candidate": found.candidates[-1].name if found.candidates else None, "next_candidate": found.next,
        "problems": [{"said": problem.said, "next_step": problem.step} for problem in found.problems],
    }  # fmt: skip


def _print(
    found: Inventory, labels: Sequence[LabelReport], trackers: Sequence[TrackerReport], *, rehearsed: bool
) -> None:
    from rich.table import Table
    from rich.text import Text

    console = open_console(least=100)
    columns = ("line", "branch", "tags", "last final", "last candidate", "next candidate")
    table = Table(*columns, box=None, pad_edge=False)
    for line in found.lines:
        cells = (
            f"{line.line}{'' if line.supported else ' (not supported)'}", line.branch.name if line.branch else "–",
            line.style, line.final.name if line.final else "–",
            line.candidates[-1].name if line.candidates else "–", line.next,
        )  # fmt: skip
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if table.row_count:
        console.print(table)
    else:
        console.print("There is no line yet: no tag names a version, and no branch is a line's.")
    for line in found.lines:
        for problem in line.problems:
            console.print(Text(printable(f"{line.line}: {problem.said}."), "yellow"))
            console.print(Text(printable(f"     {problem.step}."), "dim"))
    if found.others:
        some = ", ".join(found.others[:5]) + (", …" if len(found.others) > 5 else "")
        console.print(Text(printable(f"{len(found.others)} tags name no version of a line: {some}"), "dim"))
    _print_needs(labels, trackers, rehearsed=rehearsed)


def _print_needs(labels: Sequence[LabelReport], trackers: Sequence[TrackerReport], *, rehearsed: bool) -> None:
    from rich.text import Text

    console = open_console(soft_wrap=True)
    for each in trackers:
        console.print(Text(printable(f"tracker of {each.line}: {each.outcome}  {each.said}".rstrip())))
    for outcome in ("made", "missing", "there"):
        if count := sum(each.outcome == outcome for each in labels):
            console.print(f"labels {outcome}: {count}")
    for label in labels:
        if label.outcome == "refused":
            console.print(Text(printable(f"label {label.name}: refused  {label.said}"), "red"))
    lacking = any(each.outcome == "missing" for each in labels) or any(each.outcome == "missing" for each in trackers)
    if rehearsed and lacking:
        console.print("Add --yes to have made what is missing. Tags and releases stay as they are.", style="bold")
