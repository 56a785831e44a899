"""From history to notes: which changes a version holds, what cancels out, what other lines had before.

It must never drop a change silently: those that make no entry are in the result, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.core.changelog.entries import Entry, LeftOut, Sources, read_change
from bot.core.changelog.graph import Graph, Owners, changes_of
from bot.core.changelog.identity import Shipped
from bot.core.changelog.reverts import Settled, settle_reverts
from bot.core.changelog.rules import OTHER
from bot.core.changelog.tags import Mark, bounds_of, order_of, shipped_before
from bot.core.revisions import Line
from bot.core.versions import Version

if TYPE_CHECKING:
    from bot.core.model import Place

UNRELEASED = "Unreleased"
"""The name of what has no version yet."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A version whose commits are to be found: to write its notes, or only to know what it has shipped."""

    version: Version
    tag: str
    """Empty where there is none yet."""
    sha: str
    at: int
    """When its tag was made: what came out later is not counted as shipped before it."""
    bounds: tuple[Mark, ...]
    wanted: bool = True
    released: bool = True
    """Whether the notes bear the version's number; what is only on the way to it is “Unreleased”."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What the caller adds: an open issue, or what there is to do before an upgrade."""

    text: str
    number: int | None = None
    """Of the issue or pull that it is about."""
    on: Place = "issue"
    """Which of the two that is."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What there is to say of one version."""

    stage: Stage
    base: Mark | None
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    dated: int | None = None
    """When its commit was made, in seconds since the epoch; None for what is not released."""
    known_issues: tuple[Remark, ...] = ()
    upgrading: tuple[Remark, ...] = ()

    @property
    def title(self) -> str:
        """What its heading names."""
        return str(self.stage.version) if self.stage.released else UNRELEASED


@dataclass(slots=True)
class Asked:
    """What notes are made of, beside the history."""

    stages: Sequence[Stage]
    """In the order of versions; what has no number yet comes last."""
    sources: Sources = field(default_factory=Sources)
    touching: frozenset[str] | None = None
    """The commits that change what the notes are about; None where that is everything."""
    patch_ids: Mapping[str, str] = field(default_factory=dict)


def compose(graph: Graph, asked: Asked) -> Iterator[Notes]:
    """The notes of each wanted stage, one at a time, lower versions first."""
    owners = Owners(graph)
    shipped = Shipped(graph, owners, asked.patch_ids)
    numbers = {stage.version: n for n, stage in enumerate(asked.stages)}
    for n, stage in enumerate(asked.stages):
        tip = graph.places.get(stage.sha)
        bases = [(numbers[mark.version], mark) for mark in stage.bounds if mark.version in numbers]
        places = [graph.places.get(mark.sha) for _, mark in bases]
        span, base = owners.claim(tip, [number for number, _ in bases], places)
        settled = settle_reverts(graph, changes_of(graph, span, tip) if tip is not None else [])
        if stage.wanted:
            listed, left_out = _list(graph, asked, settled)
            entries, omitted = _compare(asked, n, shipped, listed)
            began = next((mark for number, mark in bases if number == base), None)
            unclear = (entry.name for entry in entries if entry.category == OTHER)
            warnings = tuple(f"{name} says nothing of its kind and stands under {OTHER}" for name in unclear)
            dated = graph.told[tip].at if tip is not None else stage.at
            yield Notes(stage, began, entries, (*left_out, *omitted), warnings, dated if stage.released else None)
        if stage.version.candidate is None:
            shipped.add(n, settled.standing, settled.gone)


CANCELLED = "cancels out with a revert in the same range"
"""Why a change is left out that a version does not hold."""

_Listed = list[tuple[list[int], Entry]]
"""Changes with their entries."""


def _list(graph: Graph, asked: Asked, settled: Settled) -> tuple[_Listed, list[LeftOut]]:
    """The entries of changes, and what makes none."""
    entries: _Listed = []
    left_out: list[LeftOut] = []
    for change in settled.standing:
        tolds = [graph.told[place] for place in change]
        made = read_change(tolds, asked.sources, is_revert=change[-1] in settled.reverts)
        if isinstance(made, LeftOut):
            left_out.append(made)
        elif asked.touching is not None and not any(told.sha in asked.touching for told in tolds):
            left_out.append(LeftOut(made.sha, made.numbers, made.text, "changes nothing in the policy's paths"))
        else:
            entries.append((change, made))
    for change in settled.gone:
        told = graph.told[change[-1]]
        left_out.append(LeftOut(told.sha, told.numbers, told.title, CANCELLED))
    return entries, left_out


def _compare(
    asked: Asked, n: int, shipped: Shipped, listed: _Listed,
) -> tuple[tuple[Entry, ...], list[LeftOut]]:  # fmt: skip
    """Mark or omit what a lower line has shipped before, as the policy has it."""
    kept: list[Entry] = []
    omitted: list[LeftOut] = []
    stage = asked.stages[n]
    for change, entry in listed:
        found = shipped.versions(change)
        found.discard(n)
        if not found:
            kept.append(entry)
            continue
        earlier = sorted(v for v in found if _came_before(asked.stages[v], stage))
        names = tuple(str(asked.stages[v].version) for v in earlier)
        if names and asked.sources.rules.dedupe == "omit":
            omitted.append(LeftOut(entry.sha, entry.numbers, entry.text, f"was in {' and '.join(names)} already"))
        else:
            kept.append(replace(entry, also_in=names) if names else entry)
    return tuple(kept), omitted


def _came_before(other: Stage, stage: Stage) -> bool:
    """Whether it is a final of a lower line, and was out by then."""
    return other.version.candidate is None and other.version.line < stage.version.line and other.at <= stage.at


# ── what to ask git for ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Question:
    """The stages, and the history that holds them: what can be reached from `include` and not from `exclude`."""

    stages: tuple[Stage, ...]
    include: tuple[str, ...]
    exclude: tuple[str, ...]


def plan_one(stage: Stage, marks: Sequence[Mark]) -> Question:
    """The notes of one stage. What lower lines have shipped is read along, since it may be told of as present there."""
    before = dict.fromkeys((*shipped_before(stage.version, stage.at, marks), *stage.bounds))
    known = [_stage(mark, marks, wanted=False) for mark in sorted(before, key=lambda mark: mark.order)]
    include = dict.fromkeys((stage.sha, *(other.sha for other in known)))
    return Question((*known, stage), tuple(include), tuple(mark.sha for mark in stage.bounds[:1]))


def plan_draft(section: Stage, news: Stage, marks: Sequence[Mark]) -> Question:
    """A version's section, and what its candidate brings since the tag before it, out of one history."""
    question = plan_one(section, marks)
    if news.version == section.version:
        return question
    known = {stage.version for stage in question.stages}
    added = [news, *(_stage(mark, marks, wanted=False) for mark in news.bounds if mark.version not in known)]
    stages = sorted((*question.stages, *added), key=lambda stage: order_of(stage.version))
    include = dict.fromkeys((*question.include, *(stage.sha for stage in added)))
    return Question(tuple(stages), tuple(include), question.exclude)


def plan_all(marks: Sequence[Mark], line: Line | None, last: Stage | None) -> Question:
    """The notes of every final (of one line, or of all), and of what came `last` and is not released."""
    finals = [mark for mark in marks if mark.version.candidate is None]
    stages = [_stage(mark, marks, wanted=line in (None, mark.version.line)) for mark in finals]
    stages = sorted([*stages, *([last] if last else [])], key=lambda stage: order_of(stage.version))
    return Question(tuple(stages), tuple(dict.fromkeys(stage.sha for stage in stages)), ())


def stage_of(mark: Mark, marks: Sequence[Mark]) -> Stage:
    """A version that has its tag."""
    return _stage(mark, marks, wanted=True)


def _stage(mark: Mark, marks: Sequence[Mark], *, wanted: bool) -> Stage:
    return Stage(mark.version, mark.name, mark.sha, mark.at, bounds_of(mark.version, marks), wanted)
