"""Gathers from a local clone all that goes with one name: the commit, its tags, what they brought, and who has it.

It must never write to the repository, nor say of an image what no tag says of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Literal

from bot.app.cli.duplicates import cache_file
from bot.app.cli.project import find_policy, line_of_name
from bot.core.changelog.compose import Asked, Notes, Stage, compose, stage_of
from bot.core.changelog.entries import Sources
from bot.core.changelog.graph import Graph
from bot.core.changelog.rules import Rules
from bot.core.changelog.tags import DatedTag, Mark, bounds_of, marks_of, order_of
from bot.core.changelog.told import Told, tell
from bot.core.errors import UserError
from bot.core.model import Branch, Line
from bot.core.release.lineage import Kin, Landing, find_kin, find_landings, spread
from bot.core.tagging import SignatureKind, Verdict
from bot.core.versions import Version, read_tag
from bot.tools.lineage import read_above, read_branches, read_by, read_namers
from bot.tools.local import LocalRepository
from bot.tools.log import read_commits, read_tags
from bot.tools.patch_ids import PatchIds
from bot.tools.tags import TagObject, read_object
from bot.tools.verifying import Verifier

Kind = Literal["tag", "branch", "commit"]

_IMAGE = re.compile(
    r"(?:\S+@)?sha256:[0-9a-f]{64}|\S+-torch\d\S*|[^\s:/]+(?:/[^\s:/]+)+:\S+|git-[0-9a-f]{12}-\S+", re.ASCII
)
"""A digest, or what an image is called. It is asked last: tags and branches come first."""

_MOST_BROUGHT = 500
"""Commits of one pull that are followed."""


@dataclass(frozen=True, slots=True)
class TagTold:
    """A tag, what it says of itself, and what its signature is worth."""

    name: str
    version: Version | None
    annotated: bool
    at: int
    tagger: str | None = None
    trailers: tuple[tuple[str, str], ...] = ()
    signed: SignatureKind | None = None
    verdict: Verdict = "none"
    said: str = "it has no tag object, so there is nothing to sign"


@dataclass(frozen=True, slots=True)
class Traced:
    """All that goes with what was named."""

    kind: Kind
    name: str
    commit: Told
    tags: tuple[TagTold, ...]
    """On this very commit; of a tag that was named, that one first."""
    line: Line | None = None
    changes: Notes | None = None
    """Of a version: what it brought since the line's last final."""
    kin: Kin | None = None
    """Of anything else: the change under all its ids."""
    landings: tuple[Landing, ...] = ()


@dataclass(frozen=True, slots=True)
class NoImage:
    """An image is meant, and no tag names it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked about. `patch_ids`: picks that do not say so are looked for too, which takes longer."""

    ref: str
    signers: Path | None = None
    patch_ids: bool = False


def trace(local: LocalRepository, wanted: Wanted) -> Traced | NoImage:
    """Find what a word means, and all that goes with it. `UserError` where it means nothing here."""
    clone = _read_clone(local)
    found = _find(local, clone, wanted.ref)
    if isinstance(found, NoImage):
        return found
    [told] = _tell(local, [found.sha])
    here = sorted((tag for tag in clone.tags if tag.tag.sha == found.sha), key=lambda tag: tag.tag.name != found.name)
    tags = _check_tags(local, here, wanted.signers)
    mark = next((mark for mark in clone.marks if (found.kind, found.name) == ("tag", mark.name)), None)
    if mark is not None:
        changes = _list_changes(local, clone, mark)
        return Traced("tag", mark.name, told, tags, mark.version.line, changes)
    line = next((line for line, branch in clone.lines.items() if branch == Branch(found.name, found.sha)), None)
    kin = _find_kin(local, clone, told, patch_ids=wanted.patch_ids)
    held = spread(read_above(local.git, clone.tips, [one.sha for one in kin.members]), kin.seeds)
    landings = find_landings(kin, held, clone.marks, clone.lines)
    return Traced(found.kind, found.name, told, tags, line, None, kin, landings)


# ── the names that are there ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Clone:
    """What a clone has names for, read once."""

    tags: tuple[DatedTag, ...]
    marks: tuple[Mark, ...]
    branches: tuple[Branch, ...]
    lines: Mapping[Line, Branch]
    rules: Rules

    @property
    def tips(self) -> tuple[str, ...]:
        """The commits of all versions, of lines and of the main branch: what releases are made of."""
        main = (branch.sha for branch in self.branches if branch.name in ("main", "master"))
        lines = (branch.sha for branch in self.lines.values())
        return tuple(dict.fromkeys((*(mark.sha for mark in self.marks), *lines, *main)))


def _read_clone(local: LocalRepository) -> _Clone:
    policy, branches, tags = find_policy(local).policy, read_branches(local.git), read_tags(local.git)
    lines: dict[Line, Branch] = {}
    for branch in branches:
        if line := line_of_name(policy, branch.name):
            lines.setdefault(line, branch)
    return _Clone(tags, marks_of(tags), branches, lines, policy.changelog.rules() if policy else Rules())


@dataclass(frozen=True, slots=True)
class _Found:
    kind: Kind
    name: str
    sha: str


def _find(local: LocalRepository, clone: _Clone, ref: str) -> _Found | NoImage:
    """A tag comes before a branch, as with git; then a version however it is written, then any expression of git's."""
    name = ref.removeprefix("refs/tags/")
    if tag := next((tag.tag for tag in clone.tags if tag.tag.name == name), None):
        return _Found("tag", tag.name, tag.sha)
    short = re.sub(r"^(?:refs/heads/|(?:refs/remotes/)?origin/)", "", ref)
    if branch := next((branch for branch in clone.branches if branch.name == short), None):
        return _Found("branch", branch.name, branch.sha)
    version = read_tag(ref)
    if mark := next((mark for mark in clone.marks if mark.version == version), None):
        return _Found("tag", mark.name, mark.sha)
    [sha] = local.resolve([f"{ref}^{{commit}}"])
    if sha is not None:
        return _Found("commit", sha, sha)
    if not _IMAGE.fullmatch(ref):
        raise _unknown(clone, ref)
    named = _find_by_image(local, clone, ref)
    return _Found("tag", named.name, named.sha) if named else NoImage()


def _unknown(clone: _Clone, ref: str) -> UserError:
    names = [tag.tag.name for tag in clone.tags] + [branch.name for branch in clone.branches]
    near = get_close_matches(ref[:100], names, n=3)
    nearest = f" Near to it: {', '.join(near)}." if near else ""
    shown = ref if len(ref) <= 100 else f"{ref[:100]}…"
    return UserError(f"There is no tag, branch or commit {shown!r} here.{nearest} Correct it, or `git fetch --tags`.")


def _find_by_image(local: LocalRepository, clone: _Clone, ref: str) -> Mark | None:
    """The last version whose tag names this image, by its digest or its whole name."""
    marks = clone.marks[::-1]
    said = [dict(found.trailers if found else ()).get("Image", "") for found in _read_tags(local, marks)]
    return next((mark for mark, image in zip(marks, said, strict=True) if ref in {image, *image.split("@")}), None)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_tags(local: LocalRepository, tags: Sequence[Mark]) -> list[TagObject | None]:
    bodies = local.read([f"refs/tags/{tag.name}" for tag in tags])
    return [read_object(body) if body else None for body in bodies]


def _check_tags(local: LocalRepository, tags: Sequence[DatedTag], signers: Path | None) -> tuple[TagTold, ...]:
    bodies = local.read([f"refs/tags/{tag.tag.name}" for tag in tags])
    return tuple(_check(local, tag, body, signers) for tag, body in zip(tags, bodies, strict=True))


def _check(local: LocalRepository, tag: DatedTag, body: bytes | None, signers: Path | None) -> TagTold:
    name = tag.tag.name
    bare = TagTold(name, read_tag(name), tag.annotated, tag.at)
    if not tag.annotated or body is None:
        return bare
    read = read_object(body)
    told = replace(bare, tagger=read.tagger, trailers=read.trailers, signed=read.signed)
    if read.signed is None:
        return replace(told, said="it is not signed")
    if read.name != name:
        return replace(told, verdict="bad", said=f"its signature is for the name {read.name[:100]!r}")
    if signers is None:
        said = "it is signed, and I was told of no keys to judge that by: name them with --signers, or `git tag -v`"
        return replace(told, verdict="unchecked", said=said)
    with closing(Verifier(signers)) as verifier:
        verdict, said = verifier.check(local.git, f"refs/tags/{name}", read.signed)
    return replace(told, verdict=verdict, said=said)


def _list_changes(local: LocalRepository, clone: _Clone, mark: Mark) -> Notes:
    """What a version brought since the line's last final, of candidates too. `git describe` is never asked."""
    bounds = bounds_of(Version(mark.version.line, mark.version.patch), clone.marks)
    known = [replace(stage_of(bound, clone.marks), wanted=False) for bound in bounds]
    stage = Stage(mark.version, mark.name, mark.sha, mark.at, bounds)
    stages = (*sorted(known, key=lambda one: order_of(one.version)), stage)
    commits = read_commits(local.git, [one.sha for one in stages], [bound.sha for bound in bounds[:1]])
    [notes] = compose(Graph(commits), Asked(stages, Sources(clone.rules)))
    return notes


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tell(local: LocalRepository, shas: Sequence[str]) -> list[Told]:
    """The commits of these names, as far as they are here."""
    return [tell(commit) for commit in local.commits(shas) if commit is not None]


def _find_kin(local: LocalRepository, clone: _Clone, told: Told, *, patch_ids: bool) -> Kin:
    silent = _find_silent(local, clone, told) if patch_ids else []
    own = list({one.sha: one for one in (told, *_tell(local, told.picked_from), *silent)}.values())
    brought: list[Told] = []
    if told.is_merge and told.number:
        pulled = islice(read_commits(local.git, (told.sha,), told.parents[:1]), _MOST_BROUGHT)
        brought = [tell(commit) for commit in pulled if commit.sha != told.sha]
    numbers = sorted({number for one in own for number in one.numbers})
    below = [one.sha for one in own]
    return find_kin(own, map(tell, read_namers(local.git, clone.tips, below, numbers)), brought)


def _find_silent(local: LocalRepository, clone: _Clone, told: Told) -> list[Told]:
    """The same author, the same second and the same patch, under another id that says nothing of this one."""
    [commit] = local.commits([told.sha])
    assert commit
    alike = read_by(local.git, clone.tips, [told.sha], commit.author, commit.authored_at)
    with closing(PatchIds(cache_file(local.repository.git_dir), local.scratch.view())) as cache:
        known = {traits.sha: traits.patch_id for traits in cache.traits([told.sha, *(one.sha for one in alike)])}
    wanted = known.get(told.sha)
    return [tell(one) for one in alike if wanted and known.get(one.sha) == wanted]
