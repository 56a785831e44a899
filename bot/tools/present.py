"""The whole evidence ladder over two branches of one repository, the tree rung included.

It never decides what follows from a finding, and never reads the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.core.duplicates import Traits, find_evidence
from bot.core.model import Evidence
from bot.core.picks import Present
from bot.tools.patch_ids import PatchIds
from bot.tools.pick import Picker, Wish

_AT_ONCE = 512
"""Commits tried at a time: enough to keep the merge processes busy, few enough to show progress."""


@dataclass(frozen=True, slots=True)
class Span:
    """Two branches, each by the name it is remembered under and its tip (a full id)."""

    source_name: str
    source: str
    onto_name: str
    onto: str


def compare_branches(
    span: Span, patch_ids: PatchIds, picker: Picker | None, progress: Callable[[int, int], None] = lambda *_: None,
) -> Iterator[tuple[Traits, Evidence]]:  # fmt: skip
    """Commits of `span.source` since the branches parted that are present on `span.onto`, oldest first.

    With a `picker` the tree rung is climbed too: what is not certain otherwise is picked in memory, and a pick that
    changes nothing is certain. `progress` is told how many commits of how many have been looked at.
    """
    pair = f"{span.onto_name} against {span.source_name}"  # where a line parts depends on the other branch too
    line, fork = patch_ids.line(f"onto:{pair}", span.onto, span.source)
    main = patch_ids.index(f"from:{span.source_name} since {fork}", span.source, fork)
    commits = list(main.commits.values())
    for start in range(0, len(commits), _AT_ONCE):
        group = commits[start : start + _AT_ONCE]
        found = {commit.sha: find_evidence(commit, line, main) for commit in group}
        if picker is not None:
            found |= climb_tree_rung(picker, span.onto, group, found)
        progress(start + len(group), len(commits))
        for commit in group:
            if (evidence := found[commit.sha]) is not None:
                yield commit, evidence


def climb_tree_rung(
    picker: Picker, onto: str, commits: Sequence[Traits], found: dict[str, Evidence | None],
) -> dict[str, Evidence | None]:  # fmt: skip
    """Evidence for those of the commits whose pick changes nothing. Empty commits would say so of any branch."""
    doubtful = [c.sha for c in commits if c.patch_id and not ((known := found[c.sha]) and known.certain)]
    outcomes = picker.pick([Wish(onto, (sha,)) for sha in doubtful])
    alike = {sha: known.present_as for sha in doubtful if (known := found[sha])}
    return {
        sha: Evidence("tree", sha, alike.get(sha), certain=True, score=1.0)
        for sha, outcome in zip(doubtful, outcomes, strict=True)
        if isinstance(outcome, Present)
    }
