"""`relbot changelog`: the notes of a version, or the whole changelog, from the history of a local repository.

It must never write to the repository, but for the one file that `--output` names.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.cli.output import Exit, printable, write_json
from bot.app.cli.project import find_policy, read_line, refs_of_line

if TYPE_CHECKING:
    from bot.core.changelog.compose import Notes, Question, Stage
    from bot.core.changelog.graph import Graph
    from bot.core.changelog.rules import Rules
    from bot.core.changelog.tags import Mark
    from bot.core.changelog.view import View
    from bot.core.policy import Policy
    from bot.core.revisions import Line
    from bot.tools.local import LocalRepository

_NEVER = 2**62
"""When what is not released comes out: after everything."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    parser.add_argument("--line", metavar="X.Y", help="the release line (default: that of the branch, or the next one)")
    parser.add_argument("--from", dest="base", metavar="TAG", help="begin here instead of at the version's own base")
    parser.add_argument("--to", metavar="REF", help="a tag, for its notes; or a branch, for what it would release")
    parser.add_argument("--full", action="store_true", help="the sections of all finals, not of one version")
    parser.add_argument("--output", type=Path, metavar="FILE", help="merge into this file, keeping what people wrote")
    parser.add_argument("--patch-ids", action="store_true", help="recognise picks that do not name their origin, too")
    parser.add_argument("--newcomers", action="store_true", help="name first contributions (reads all of history)")
    parser.epilog = (
        "A candidate's notes begin at the line's last candidate, a final's at the line's last final. With --output "
        "the exit code is 3 when the file says it all already, and 4 when hand edits stand against new text."
    )


def run(args: argparse.Namespace) -> int:
    """Print the notes, or merge them into a file."""
    from bot.tools.local import LocalRepository

    with _without_collector(), LocalRepository(args.repo) as local:
        return _tell(args, local)


def _tell(args: argparse.Namespace, local: LocalRepository) -> int:
    project = _read_project(local)
    question, notes = _compose(args, local, project)
    found = [_with_newcomers(one, local) for one in notes] if args.newcomers else list(notes)
    views = [project.show(one) for one in found]
    if args.output is not None:
        return _merge_into(args, project, found, views)
    if args.json:
        write_json(_document(args, project, found, views))
    elif views:
        from bot.core.changelog.view import render_all

        sys.stdout.write(render_all(views, project.layout))
        _remark(found)
    if any(one.entries or one.left_out for one in found) or args.full:
        return Exit.DONE
    if not args.json:
        base = next((f" since {one.base.name}" for one in found if one.base), "")
        sys.stderr.write(f"relbot: there is no change{base} in {question.stages[-1].sha[:12]}.\n")
    return Exit.NOTHING


@contextmanager
def _without_collector() -> Iterator[None]:
    """A hundred thousand commits hold no cycles, and looking for some takes a fifth of the time.

    What is still held when the block ends is looked through after all: hold nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ── what the project decides ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Project:
    """The policy as far as the changelog asks, and what goes with it."""

    policy: Policy | None
    rules: Rules
    paths: tuple[str, ...]
    ignore: tuple[str, ...]
    layout: Callable[[View], str]
    show: Callable[[Notes], View]


def _read_project(local: LocalRepository) -> _Project:
    """The policy of the default branch, or what holds without one, which costs no more than a look."""
    from bot.core.changelog.rules import Rules
    from bot.core.changelog.view import layout, show
    from bot.tools.remote import addresses_of

    found, addresses = find_policy(local), addresses_of(local.git)
    policy = found.policy
    shown: Callable[[View], str] = layout
    if policy is not None and policy.changelog.template is not None:
        shown = _read_template(local, f"{found.default}:{policy.changelog.template}")
    if policy is None:
        return _Project(None, Rules(), (), (), shown, lambda notes: show(notes, Rules(), addresses))
    said, rules = policy.changelog, policy.changelog.rules()
    return _Project(policy, rules, said.paths, said.ignore, shown, lambda notes: show(notes, rules, addresses))


def _read_template(local: LocalRepository, name: str) -> Callable[[View], str]:
    from bot.core.changelog.template import render
    from bot.core.errors import UserError

    [found] = local.read([name])
    if found is None:
        raise UserError(f"The policy names the template {name}, and it is not there. Add it, or correct the policy.")
    text = found.decode(errors="replace")
    return lambda view: render(text, view)


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────────────


def _compose(args: argparse.Namespace, local: LocalRepository, project: _Project) -> tuple[Question, Iterator[Notes]]:
    from bot.core.changelog.compose import Asked, compose, plan_all, plan_one
    from bot.core.changelog.entries import Sources
    from bot.core.changelog.graph import Graph
    from bot.core.changelog.tags import marks_of
    from bot.tools.log import commits_touching, read_commits, read_tags

    marks = marks_of(read_tags(local.git))
    stage = _stage(args, local, project, marks)
    if args.full:
        question = plan_all(marks, stage.version.line if args.line else None, None if stage.released else stage)
    else:
        question = plan_one(stage, marks)
    include, exclude = question.include, question.exclude
    touching = None
    if project.paths or project.ignore:
        touching = commits_touching(local.git, include, exclude, project.paths, project.ignore)
    graph = Graph(read_commits(local.git, include, exclude))
    patch_ids = _patch_ids(local, graph) if args.patch_ids else {}
    return question, compose(graph, Asked(question.stages, Sources(project.rules), touching, patch_ids))


def _stage(args: argparse.Namespace, local: LocalRepository, project: _Project, marks: Sequence[Mark]) -> Stage:
    """What the notes are of: a tag that is named, the final at a commit, or what a branch is on the way to."""
    from bot.core.changelog.compose import Stage
    from bot.core.changelog.tags import bounds_of, next_line, next_version

    line = read_line(args.line) if args.line else None
    name, sha = _tip(args, local, project, line)
    line = line or _line_of_branch(args.to or _head(local))
    named = next((mark for mark in marks if mark.name == name.removeprefix("refs/tags/")), None)
    finals = (mark for mark in marks if mark.sha == sha and mark.version.candidate is None)
    mark = named or next((final for final in finals if line in (None, final.version.line)), None)
    if mark is not None:
        stage = Stage(mark.version, mark.name, sha, mark.at, bounds_of(mark.version, marks))
    else:
        version = next_version(line or next_line(marks), marks)
        stage = Stage(version, "", sha, _NEVER, bounds_of(version, marks), released=False)
    return _from_base(args.base, local, stage) if args.base else stage


def _from_base(name: str, local: LocalRepository, stage: Stage) -> Stage:
    from dataclasses import replace

    from bot.core.changelog.tags import Mark
    from bot.core.revisions import Line
    from bot.core.versions import Version

    [sha] = local.resolve([f"{name}^{{commit}}"])
    if sha is None:
        raise local.unknown(name)
    # under a version of its own, a candidate of nothing: it bounds the notes, and ships nothing
    return replace(stage, bounds=(Mark(Version(Line(0, 0), 0, 0), name, sha, 0),))


def _tip(args: argparse.Namespace, local: LocalRepository, project: _Project, line: Line | None) -> tuple[str, str]:
    """The revision that the notes end at, and its commit."""
    from bot.core.errors import UserError

    if args.to:
        names = [args.to]
    elif line is not None:
        names = refs_of_line(project.policy, line)
    else:
        names = ["HEAD"]
    found = local.resolve([f"{name}^{{commit}}" for name in names])
    for name, sha in zip(names, found, strict=True):
        if sha is not None:
            return name, sha
    if args.to or line is None:
        raise local.unknown(names[0])
    tried = names[0].removeprefix("refs/heads/")
    raise UserError(f"I found no branch of line {line} (such as {tried}). Fetch it, or name a commit with --to.")


def _line_of_branch(name: str) -> Line | None:
    """The line that a branch's name tells: `release/2.7`, `origin/release/v2.7`."""
    from bot.core.revisions import Line

    return Line.parse(name[at:]) if (at := name.find("release/")) >= 0 else None


def _head(local: LocalRepository) -> str:
    head = local.repository.git_dir / "HEAD"
    return head.read_text(errors="replace").removeprefix("ref: ").strip() if head.is_file() else ""


def _patch_ids(local: LocalRepository, graph: Graph) -> dict[str, str]:
    from contextlib import closing

    from bot.app.cli.duplicates import cache_file
    from bot.tools.patch_ids import PatchIds

    with closing(PatchIds(cache_file(local.repository.git_dir), local.scratch.view())) as cache:
        shas = [told.sha for told in graph.told if not told.is_merge]
        return {traits.sha: traits.patch_id for traits in cache.traits(shas) if traits.patch_id}


def _with_newcomers(notes: Notes, local: LocalRepository) -> Notes:
    from bot.core.changelog.newcomers import mark_newcomers
    from bot.tools.log import authors_before

    return mark_newcomers(notes, authors_before(local.git, notes.base.sha)) if notes.base else notes


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _merge_into(args: argparse.Namespace, project: _Project, found: Sequence[Notes], views: Sequence[View]) -> int:
    from bot.core.changelog.rules import KNOWN_ISSUES, NEWCOMERS, UPGRADING
    from bot.core.changelog.write import write

    path: Path = args.output
    old = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    untold = (UPGRADING, KNOWN_ISSUES) if args.newcomers else (NEWCOMERS, UPGRADING, KNOWN_ISSUES)
    made = write(old, views, project.layout, untold)
    changed = made.text != old
    if changed:
        part = path.with_name(f"{path.name}.relbot")
        part.write_bytes(made.text.encode("utf-8", "surrogateescape"))
        part.replace(path)
    if args.json:
        document = _document(args, project, found, views)
        write_json({**document, "changed": changed, "conflicts": list(made.conflicts)})
    else:
        for text in made.conflicts:
            sys.stderr.write(f"relbot: kept what people wrote in {path}, instead of: {printable(text)}\n")
        sys.stdout.write(f"{path}: {'brought up to date' if changed else 'says it all already'}.\n")
        _remark(found)
    if made.conflicts:
        return Exit.CONFLICT
    return Exit.DONE if changed else Exit.NOTHING


def _document(
    args: argparse.Namespace, project: _Project, found: Sequence[Notes], views: Sequence[View],
) -> dict[str, object]:  # fmt: skip
    sections = [_section(one, view, project) for one, view in zip(found, views, strict=True)]
    return {"sections": sections[::-1]} if args.full else sections[0]


def _section(notes: Notes, view: View, project: _Project) -> dict[str, object]:
    return {
        "version": notes.title,
        "tag": notes.stage.tag or None,
        "commit": notes.stage.sha,
        "base": notes.base.name if notes.base else None,
        "date": view.date or None,
        "entries": [
            {
                "category": entry.category, "text": entry.text, "scope": entry.scope, "numbers": list(entry.numbers),
                "commit": entry.sha, "authors": list(entry.authors), "breaking": list(entry.breaking),
                "also_in": list(entry.also_in),
            } for entry in notes.entries
        ],
        "left_out": [
            {"commit": left.sha, "numbers": list(left.numbers), "title": left.title, "reason": left.reason}
            for left in notes.left_out
        ],
        "warnings": list(notes.warnings),
        "text": project.layout(view),
    }  # fmt: skip


def _remark(found: Sequence[Notes]) -> None:
    """What the text does not say: how many changes it leaves out and why, and how many have no category."""
    reasons = Counter(left.reason for one in found for left in one.left_out)
    for reason, count in sorted(reasons.items()):
        names = [f"#{left.numbers[0]}" if left.numbers else left.sha[:10]
                 for one in found for left in one.left_out if left.reason == reason]  # fmt: skip
        some = ", ".join(names[:5]) + (", …" if count > 5 else "")
        sys.stderr.write(f"relbot: not listed: {count} that {printable(reason)} ({some})\n")
    warnings = [warning for one in found for warning in one.warnings]
    for warning in warnings[:3]:
        sys.stderr.write(f"relbot: {printable(warning)}\n")
    if len(warnings) > 3:
        sys.stderr.write(f"relbot: and so do {len(warnings) - 3} more; a label or a release note would tell\n")
