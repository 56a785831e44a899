"""`relbot version next`: the version that a line comes to next, and why, from the tags of a local repository.

It must never make a tag, nor count by anything but the tags that are there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, printable, write_json
from bot.app.cli.project import find_policy, read_line, refs_of_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.numbering import Next, NoVersion, Oversized
    from bot.core.policy import Policy
    from bot.core.revisions import Line, Tag
    from bot.tools.local import LocalRepository


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("what", choices=("next",), help="next: the version that comes next")
    parser.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    parser.add_argument("--line", required=True, metavar="X.Y", help="the release line")
    parser.add_argument("--kind", choices=("rc", "final"), default="rc", help="a candidate (default), or a final")
    parser.add_argument("--rc", type=int, metavar="N", help="of a final: the candidate that is to become it")
    parser.epilog = (
        "The number follows from all tags of the line: fetch them first. Where the line's branch is here, commits that "
        "bring more than a patch may are named. The exit code is 5 when there is nothing to promote."
    )


def run(args: argparse.Namespace) -> int:
    """Print the version, its tag, and why."""
    from bot.core.errors import UserError
    from bot.core.numbering import NoVersion, next_candidate, next_final, style_wanted
    from bot.tools.local import LocalRepository
    from bot.tools.log import read_tags

    line = read_line(args.line)
    if args.rc is not None and args.kind != "final":
        raise UserError(f"--rc {args.rc} says which candidate becomes final. Add --kind final, or leave it out.")
    with LocalRepository(args.repo) as local:
        policy = find_policy(local).policy
        tags = [found.tag for found in read_tags(local.git)]
        style = style_wanted(policy.release.tag, policy.release.candidate) if policy else None
        final = args.kind == "final"
        found = next_final(line, tags, args.rc, style) if final else next_candidate(line, tags, style)
        oversized = () if isinstance(found, NoVersion) else _find_oversized(local, policy, line, found)
    if args.json:
        write_json(_document(found, oversized))
    elif isinstance(found, NoVersion):
        sys.stderr.write(f"relbot: {printable(found.reason)} {printable(found.next_step)}\n")
    else:
        sys.stdout.write(f"{printable(found.tag)}\n")
        for said in (found.why, *map(_warn, oversized)):
            sys.stderr.write(f"relbot: {printable(said)}\n")
    return Exit.REFUSED if isinstance(found, NoVersion) else Exit.DONE


def _find_oversized(local: LocalRepository, policy: Policy | None, line: Line, found: Next) -> tuple[Oversized, ...]:
    """What the line brings since its last final; nothing where its branch is not here."""
    from bot.core.numbering import find_oversized
    from bot.tools.log import read_commits

    if found.final is None or not found.version.patch:
        return ()
    tip = found.candidate.sha if found.version.candidate is None and found.candidate else None
    refs = local.resolve([f"{ref}^{{commit}}" for ref in refs_of_line(policy, line)])
    tip = tip or next(filter(None, refs), None)
    if tip is None:
        return ()
    commits = read_commits(local.git, (tip,), (found.final.sha,))
    return find_oversized(found.version, ((commit.sha, commit.message) for commit in commits))


def _warn(one: Oversized) -> str:
    return f"{one.sha[:12]} brings {one.brings}, which a patch should not: {one.title}"


def _document(found: Next | NoVersion, oversized: Sequence[Oversized]) -> dict[str, object]:
    from bot.core.numbering import NoVersion

    if isinstance(found, NoVersion):
        return {"version": None, "tag": None, "why": found.reason, "next_step": found.next_step}
    return {
        "version": str(found.version), "tag": found.tag, "why": found.why,
        "final": _name(found.final), "candidate": _name(found.candidate),
        "oversized": [{"commit": one.sha, "title": one.title, "brings": one.brings} for one in oversized],
    }  # fmt: skip


def _name(tag: Tag | None) -> str | None:
    return tag.name if tag else None
