"""`relbot pick`: pick commits in any repository on this machine, one wish or a stream of them.

It never touches a work tree, and writes a ref only with --create.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.app.cli.output import Exit, open_console, printable, write_json
from bot.core.errors import UserError
from bot.core.picks import Conflict, Partial, Picked, PickOutcome, Present

if TYPE_CHECKING:
    from bot.tools.local import LocalRepository
    from bot.tools.pick import Impossible, Wish

_BATCH = 256
_WAIT = 0.05  # seconds
_LONGEST_LINE = 1_000_000

_EXITS = {"picked": Exit.DONE, "partial": Exit.DONE, "present": Exit.NOTHING, "conflict": Exit.CONFLICT}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    parser.add_argument("--onto", metavar="REF", help="where to: a branch, a tag or a commit")
    parser.add_argument("--mainline", type=int, metavar="N", help="for merges: the parent (from 1) to compare with")
    parser.add_argument("--create", metavar="REF", help="bring the result into the repository as this new branch")
    parser.add_argument("--sign-off", action="store_true", help="add a Signed-off-by line")
    parser.add_argument("--batch", metavar="-", choices=["-"], help="read one JSON object a line, answer one a line")
    parser.add_argument("commits", nargs="*", metavar="COMMIT|RANGE", help="what to pick, oldest first")
    parser.epilog = (
        "A batch line: {\"id\": any, \"onto\": \"release/2.7\", \"commits\": [\"<sha>\", …], \"mainline\": 1}. "
        "Exit codes: 0 picked, 2 usage, 3 already present, 4 conflict."
    )


def run(args: argparse.Namespace) -> int:
    """Pick, print, and answer with the exit code of the outcome."""
    from bot.tools.local import LocalRepository

    with LocalRepository(args.repo) as local:
        if args.batch:
            if args.commits or args.onto or args.create or args.mainline or args.sign_off:
                raise UserError("--batch takes everything from its lines: leave out commits and the other options.")
            return _run_batch(local)
        if not args.onto or not args.commits:
            raise UserError("Name a target with --onto REF and at least one commit: relbot pick --onto REF COMMIT…")
        return _run_one(local, args)


def _run_one(local: LocalRepository, args: argparse.Namespace) -> int:
    from bot.tools.pick import Impossible

    onto = local.resolve([args.onto])[0]
    try:
        outcome = _pick_one(local, args, onto)
    except UserError as error:
        if not args.json:
            raise
        outcome = Impossible(str(error))
    if isinstance(outcome, Impossible):
        if not args.json:
            raise UserError(f"I cannot pick that: {outcome.reason}.")
        write_json(as_json(None, outcome, onto))
        return Exit.USAGE
    created = None
    if args.create and isinstance(outcome, Picked | Partial):
        created = local.create(args.create, outcome.commit, outcome.onto)
    if args.json:
        write_json(as_json(None, outcome, onto))
    else:
        _print(local, outcome, created)
    return _EXITS[_word(outcome)]


def _pick_one(local: LocalRepository, args: argparse.Namespace, onto: str | None) -> PickOutcome | Impossible:
    from bot.tools.pick import Wish

    if onto is None:
        raise local.unknown(args.onto)
    wish = Wish(onto, tuple(local.expand(args.commits)), args.mainline, sign_off=args.sign_off)
    return local.picker.pick([wish])[0]


def _run_batch(local: LocalRepository) -> int:
    if sys.stdin is None:
        raise UserError("--batch - reads its lines from standard input, which is closed. Send one JSON object a line.")
    for lines in _read_lines(sys.stdin.fileno()):
        for answer in _answer(local, lines):
            write_json(answer)
    return Exit.DONE


def _answer(local: LocalRepository, lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Answer each line; a line that cannot be read gets an error of its own and does not disturb the others."""
    from bot.tools.pick import Impossible, Wish

    asked = [_parse_line(line) for line in lines]
    names = [name for a in asked if isinstance(a, dict) for name in (a["onto"], *a["commits"])]
    ids = dict(zip(names, local.resolve(names), strict=True))
    wishes = [_as_wish(a, ids) if isinstance(a, dict) else Impossible(a[1]) for a in asked]
    outcomes = iter(local.picker.pick([wish for wish in wishes if isinstance(wish, Wish)]))
    for a, wish in zip(asked, wishes, strict=True):
        name, onto = (a["id"], ids[a["onto"]]) if isinstance(a, dict) else (a[0], None)
        yield as_json(name, next(outcomes) if isinstance(wish, Wish) else wish, onto)


def _as_wish(asked: dict[str, Any], ids: Mapping[str, str | None]) -> Wish | Impossible:
    from bot.tools.pick import Impossible, Wish

    onto, commits = ids[asked["onto"]], tuple(sha for name in asked["commits"] if (sha := ids[name]))
    if onto is None:
        return Impossible(f"there is no commit {asked['onto']} to pick onto")
    if len(commits) < len(asked["commits"]):
        return Impossible(f"there is no commit {next(name for name in asked['commits'] if ids[name] is None)}")
    return Wish(onto, commits, asked["mainline"])


def _parse_line(line: bytes) -> dict[str, Any] | tuple[object, str]:
    """The wish on a line; or the id, if it can be read, and what is wrong with it."""
    if len(line) > _LONGEST_LINE:
        return None, f"this line is longer than {_LONGEST_LINE:,} bytes"
    try:
        wish = json.loads(line, parse_float=_finite, parse_constant=_finite)
        name = wish.get("id") if isinstance(wish, dict) else None
        json.dumps(name)  # it has to be given back
    except (ValueError, RecursionError):
        return None, "this line is not JSON"
    match wish:
        case {"onto": str(onto), "commits": [*commits]} if onto and all(isinstance(c, str) and c for c in commits):
            mainline = wish.get("mainline")
            if mainline is not None and (not isinstance(mainline, int) or isinstance(mainline, bool)):
                return name, "“mainline” is not a number"
            return {"id": name, "onto": onto, "commits": commits, "mainline": mainline}
        case _:
            return name, "a line needs “onto” (a ref or sha) and “commits” (a list of commit ids)"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    return number


def _read_lines(source: int) -> Iterator[list[bytes]]:
    """Lines in groups: up to 256, or what came within 50 ms of the first, or what came before the end of input."""
    rest, lines, since = b"", list[bytes](), 0.0
    while True:
        wait = max(0.0, since + _WAIT - time.monotonic()) if lines else None
        ready = select.select([source], [], [], wait)[0]
        chunk = os.read(source, 1 << 20) if ready else b""
        *complete, rest = (rest + chunk).split(b"\n")
        endless = len(rest) > _LONGEST_LINE
        at_end = bool(ready) and not chunk
        since = since if lines else time.monotonic()
        lines += [line for line in [*complete, *([rest] if at_end else [])] if line.strip()]
        while len(lines) >= _BATCH or (lines and (at_end or endless or not ready)):
            yield lines[:_BATCH]
            lines = lines[_BATCH:]
        if endless:
            raise UserError(f"A line of the batch is longer than {_LONGEST_LINE:,} bytes. Send one JSON object a line.")
        if at_end:
            return


def as_json(name: object, outcome: PickOutcome | Impossible, onto: str | None) -> dict[str, Any]:
    """The answer to one wish in the form that scripts rely on; `onto` is what the wish's target resolved to."""
    answer: dict[str, Any] = {
        "id": name, "outcome": _word(outcome), "onto": onto, "tree": None, "commit": None,
        "picks": [], "conflicts": [], "message": None,
    }  # fmt: skip
    match outcome:
        case Picked(_, commit, tree, steps) | Partial(_, commit, tree, steps):
            answer |= {"tree": tree, "commit": commit}
        case Present(_, tree, steps):
            answer |= {"tree": tree}
        case Conflict(_, paths, steps):
            answer |= {"conflicts": [{"path": p.path, "kind": p.kind} for p in paths]}
        case _:
            return answer | {"message": outcome.reason}
    picks = [{"source": s.source, "result": s.result, "outcome": s.outcome} for s in steps]
    return answer | {"picks": picks}


def _word(outcome: PickOutcome | Impossible) -> str:
    return "error" if type(outcome).__name__ == "Impossible" else type(outcome).__name__.lower()


def _print(local: LocalRepository, outcome: PickOutcome, created: str | None) -> None:
    from rich.table import Table
    from rich.text import Text

    console = open_console()
    titles = dict(zip([s.source for s in outcome.steps], _titles(local, outcome), strict=True))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("commit", "outcome", "result", "title"):
        table.add_column(column, no_wrap=column != "title")
    colours = {"picked": "green", "present": "cyan", "conflict": "red", "skipped": "dim"}
    for step in outcome.steps:
        table.add_row(step.source[:12], Text(step.outcome, colours[step.outcome]), (step.result or "–")[:12],
                      Text(titles[step.source]))  # fmt: skip
    console.print(table)
    for path in outcome.paths if isinstance(outcome, Conflict) else ():
        console.print(Text.assemble(("conflict", "red"), f" in {printable(path.path)} ({path.kind})"), soft_wrap=True)
    console.print(Text(_closing(outcome, created)), soft_wrap=True)


def _titles(local: LocalRepository, outcome: PickOutcome) -> Iterator[str]:
    for commit in local.picker.reader.commits([step.source for step in outcome.steps]):
        yield printable(commit.plain().title) if commit else ""


def _closing(outcome: PickOutcome, created: str | None) -> str:
    match outcome:
        case Present():
            return f"Nothing to pick: the change is already on {outcome.onto[:12]}."
        case Conflict():
            return "Nothing was written. Resolve it with git cherry-pick, or pick what it leans on first."
        case Picked() | Partial():
            where = f"{created} is now {outcome.commit}." if created else "Nothing was written; --create REF keeps it."
            return f"Clean: tree {outcome.tree[:12]}, commit {outcome.commit[:12]}. {where}"
