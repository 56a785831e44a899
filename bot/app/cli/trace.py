"""`relbot trace`: a tag, commit or branch → the others, what it brought, and which releases have it.

It must never show an empty answer for a question that it has not asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, open_console, printable, write_json

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from bot.app.cli.lineage import TagTold, Traced
    from bot.core.changelog.compose import Notes
    from bot.core.changelog.told import Told
    from bot.core.release.lineage import Landing

_NO_IMAGE = "No tag here names this image. A version that I publish with an image has its digest in its tag."
_SHOWN = {"Requested-By": "asked by", "Requested-In": "asked in", "Gates": "gates", "Confirmed-By": "confirmed by",
          "Image": "image", "Smoke": "smoke test"}  # fmt: skip
"""The trailers of a tag that people want to see, and what they are called here."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("ref", metavar="REF", help="a tag, version, commit or branch; or an image's name or digest")
    parser.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    parser.add_argument("--signers", type=Path, metavar="FILE", help="the public keys whose signatures count")
    parser.add_argument("--patch-ids", action="store_true", help="recognise picks that do not name their origin, too")
    parser.epilog = (
        "Of a version: who asked for it, and what it brought since the line's last final. Of anything else: under "
        "which ids the change is on other lines, by trailers and pull numbers, and the first versions that have it. "
        "Fetch tags first. Exit code 3 for an image that no tag names, 2 for what is not there."
    )


def run(args: argparse.Namespace) -> int:
    """Find what was named, and tell all that goes with it."""
    from bot.app.cli.lineage import NoImage, Wanted, trace
    from bot.tools.local import LocalRepository

    with LocalRepository(args.repo) as local:
        traced = trace(local, Wanted(args.ref, args.signers, args.patch_ids))
    if isinstance(traced, NoImage):
        if args.json:
            write_json({"ref": args.ref, "kind": "image", "commit": None, "tags": [], "said": _NO_IMAGE})
        else:
            open_console(soft_wrap=True).print(printable(f"{args.ref}: {_NO_IMAGE}"), markup=False)
        return Exit.NOTHING
    if args.json:
        write_json({"ref": args.ref, **_document(traced)})
    else:
        console = open_console(least=160, soft_wrap=True)
        for shown in _render(traced):
            console.print(shown)
    return Exit.DONE


# ── as JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(traced: Traced) -> dict[str, object]:
    told, changes = traced.commit, traced.changes
    document: dict[str, object] = {
        "kind": traced.kind, "name": traced.name, "commit": told.sha, "title": _title(told),
        "line": str(traced.line) if traced.line else None, "tags": [_tag(tag) for tag in traced.tags],
    }  # fmt: skip
    if changes is not None:
        document |= {"since": changes.base.name if changes.base else None, "changes": _changes(changes)}
    if traced.kin is not None:
        document["same_change"] = [_commit(one) for one in traced.kin.members if one.sha != told.sha]
        document["taken_back_by"] = [_commit(one) for one in traced.kin.reverts]
        document["releases"] = [_landing(landing) for landing in traced.landings]
    return document


def _tag(tag: TagTold) -> dict[str, object]:
    return {
        "name": tag.name, "version": str(tag.version) if tag.version else None, "annotated": tag.annotated,
        "tagged_at": tag.at, "tagger": tag.tagger, "trailers": dict(tag.trailers),
        "signed": tag.signed, "verdict": tag.verdict, "said": tag.said,
    }  # fmt: skip


def _changes(notes: Notes) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {"commit": entry.sha, "text": entry.text, "category": entry.category, "numbers": list(entry.numbers)}
        for entry in notes.entries
    ]
    for left in notes.left_out:
        about = {"commit": left.sha, "text": left.title, "numbers": list(left.numbers)}
        found.append({**about, "category": None, "left_out": left.reason})
    return found


def _commit(told: Told) -> dict[str, object]:
    return {"commit": told.sha, "title": _title(told)}


def _landing(landing: Landing) -> dict[str, object]:
    from bot.core.release.lineage import is_pick

    undone = landing.undone_by
    return {
        "line": str(landing.line), "commit": landing.member.sha, "is_pick": is_pick(landing.member),
        "first_candidate": landing.candidate.name if landing.candidate else None,
        "first_final": landing.final.name if landing.final else None,
        "taken_back_by": undone.sha if undone else None,
        "taken_back_in": landing.undone_in.name if landing.undone_in else None,
    }  # fmt: skip


def _title(told: Told) -> str:
    """As people know it; what stands before and behind it is told apart."""
    kind = f"{told.kind}{f'({told.scope})' if told.scope else ''}: " if told.kind else ""
    numbers = "".join(f" (#{number})" for number in told.numbers)
    return f"{kind}{told.title}{numbers}"


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _render(traced: Traced) -> Iterator[Text | Table]:
    from rich.text import Text

    told = traced.commit
    line = f" of line {traced.line}" if traced.line else ""
    yield Text(printable(f"{traced.name}  {traced.kind}{line}"), "bold")
    yield Text(printable(f"  {told.sha}  {_title(told)}"))
    for tag in traced.tags:
        yield from _render_tag(tag, alone=tag.name == traced.name)
    if traced.changes is not None:
        yield from _render_changes(traced.changes)
    if traced.kin is not None:
        yield from _render_releases(traced)


def _render_tag(tag: TagTold, *, alone: bool) -> Iterator[Text]:
    from rich.text import Text

    from bot.core.moments import moment_of

    colours = {"good": "green", "bad": "bold red", "none": "yellow", "unchecked": "yellow"}
    head = "" if alone else f"tagged {tag.name}, "
    when = f"{moment_of(tag.at):%Y-%m-%d %H:%M}"
    by = f" by {tag.tagger}" if tag.tagger else ""
    yield Text(printable(f"  {head}{when}{by}: {tag.said}"), colours[tag.verdict])
    for key, value in tag.trailers:
        if key in _SHOWN:
            yield Text(printable(f"    {_SHOWN[key]}: {value}"))


def _render_changes(notes: Notes) -> Iterator[Text]:
    from rich.text import Text

    since = f"since {notes.base.name}" if notes.base else "since the beginning"
    count = len(notes.entries)
    yield Text(printable(f"{count} change{'' if count == 1 else 's'} {since}:"), "bold")
    for entry in notes.entries:
        yield Text(printable(f"  {_name(entry.numbers, entry.sha):>10}  {entry.text}"))
    for left in notes.left_out:
        yield Text(printable(f"  {_name(left.numbers, left.sha):>10}  {left.title} ({left.reason})"), "dim")


def _name(numbers: Sequence[int], sha: str) -> str:
    return f"#{numbers[0]}" if numbers else sha[:10]


def _render_releases(traced: Traced) -> Iterator[Text | Table]:
    from rich.table import Table
    from rich.text import Text

    from bot.core.release.lineage import is_pick

    assert traced.kin
    for one in traced.kin.members:
        if one.sha != traced.commit.sha:
            yield Text(printable(f"  {'picked' if is_pick(one) else 'the same'} as {one.sha[:12]}  {_title(one)}"))
    for one in traced.kin.reverts:
        yield Text(printable(f"  taken back by {one.sha[:12]}  {_title(one)}"), "yellow")
    if not traced.landings:
        yield Text("No version and no line's branch has it.", "bold")
        return
    plain = "original" if sum(not is_pick(one) for one in traced.kin.members) == 1 else "as it is"
    table = Table("line", "first in", "first candidate", "as", "", box=None, pad_edge=False)
    for landing in traced.landings:
        final = landing.final.name if landing.final else "no final yet"
        candidate = landing.candidate.name if landing.candidate else ""
        how = f"{landing.member.sha[:12]} ({'a pick' if is_pick(landing.member) else plain})"
        row = (str(landing.line), final, candidate, how, _undone(landing))
        table.add_row(*(Text(printable(cell)) for cell in row))
    yield table


def _undone(landing: Landing) -> str:
    if landing.undone_by is None:
        return ""
    where = f" in {landing.undone_in.name}" if landing.undone_in else ", in no version yet"
    return f"taken back by {landing.undone_by.sha[:12]}{where}"
