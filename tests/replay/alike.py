"""Measures on the recorded backports how well duplicates are recognised when nobody says where a commit came from.

It must never let the program see a trailer: what the messages say is the answer key.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal

from bot.core.actions import Conflict
from bot.core.duplicates import BranchIndex, Traits, find_evidence, hide_trailers, numbers
from bot.core.model import Evidence
from bot.tools.local import LocalRepository
from bot.tools.patch_ids import PatchIds
from bot.tools.pick import Wish
from bot.tools.present import climb_tree_rung, hold_against_tree
from tests.replay.rows import Row

Verdict = Literal["right", "named", "wrong", "open", "missed"]
"""What the answer key says of the commit that evidence names.

`right`: it is the backport, or the tree itself is the proof. `named`: the record has another origin for it, but its
message names this number too. `wrong`: it came from another change. `open`: nobody recorded where it came from.
`missed`: there is no evidence.
"""


class Blind(PatchIds):
    """The program's own cache of commits, without what they say of their origin."""

    def index(self, name: str, tip: str, fork: str, *, with_patches: bool = True) -> BranchIndex:
        """See `PatchIds.index`."""
        hidden = BranchIndex()
        hidden.add(hide_trailers(super().index(name, tip, fork, with_patches=with_patches).commits.values()))
        return hidden

    def traits(self, commits: Sequence[str]) -> list[Traits]:
        """See `PatchIds.traits`."""
        return hide_trailers(super().traits(commits))

    def answers(self, commits: Sequence[str]) -> list[Traits]:
        """The same commits with all that they say."""
        return super().traits(commits)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the program says of one commit of the main branch, and what is known of it."""

    branch: str
    commit: Traits
    known: bool
    """A backport of it is on the branch, by the record, and no message there takes it back."""
    light: Evidence | None
    """Without the tree rung."""
    full: Evidence | None
    """With it; tried for known commits and for look-alikes."""
    light_verdict: Verdict
    full_verdict: Verdict
    applied_twice: bool
    """Known, seen by no rung, and picking it again would be clean and change something."""


@dataclass(frozen=True, slots=True)
class _Key:
    """The answers for one branch."""

    origins: dict[str, tuple[str, ...]]
    """Commit of the branch → what it was picked from, by the record or by its own word; ids may be shortened."""
    known: frozenset[str]
    """Recorded origins whose backport stands."""
    recorded: tuple[str, ...]
    """All recorded origins."""
    messages: dict[str, str]

    def judge(self, commit: Traits, evidence: Evidence | None) -> Verdict:
        if evidence is None:
            return "missed"
        found = evidence.present_as
        if found is None or found == commit.sha:
            return "right"
        origins = self.origins.get(found, ())
        if any(commit.sha.startswith(origin) for origin in origins):
            return "right"
        if any(re.search(rf"[#!]{number}\b", self.messages[found]) for number in numbers(commit.title)[-1:]):
            return "named"
        return "wrong" if origins else "open"


def measure(local: LocalRepository, patch_ids: Blind, rows: Sequence[Row]) -> Iterator[Finding]:
    """For every branch of one project: all evidence there is, and the known commits without any."""
    ordered = sorted(rows, key=attrgetter("branch"))
    for branch, group in groupby(ordered, key=attrgetter("branch")):
        yield from _measure_branch(local, patch_ids, branch, list(group))


def _measure_branch(local: LocalRepository, patch_ids: Blind, branch: str, rows: Sequence[Row]) -> Iterator[Finding]:
    tip, main_tip = _resolve(local, branch), _resolve(local, None)
    line, fork = patch_ids.line(branch, tip, main_tip)
    main = patch_ids.index(f"main since {fork}", main_tip, fork)
    key = _read_key(local, rows, patch_ids.answers(list(line.commits)))
    elsewhere = patch_ids.traits([sha for sha in key.recorded if sha not in main.commits])
    commits = [*main.commits.values(), *elsewhere]
    light = {commit.sha: find_evidence(commit, line, main) for commit in commits}
    light |= hold_against_tree(local.picker, tip, light)
    shown = [commit for commit in commits if commit.sha in key.known or light[commit.sha]]
    full = light | climb_tree_rung(local.picker, tip, shown, light)
    twice = _applied_twice(local, tip, [c.sha for c in shown if full[c.sha] is None])
    for commit in shown:
        one, other = light[commit.sha], full[commit.sha]
        yield Finding(
            branch, commit, commit.sha in key.known, one, other, key.judge(commit, one), key.judge(commit, other),
            commit.sha in twice,
        )  # fmt: skip


def _read_key(local: LocalRepository, rows: Sequence[Row], line: Sequence[Traits]) -> _Key:
    origins = {commit.sha: commit.picked_from for commit in line}
    reverts = [target for commit in line for target in commit.reverts]
    known: set[str] = set()
    for row in rows:
        origins[row.backport] = (*origins.get(row.backport, ()), *row.origins)
        if not row.reverted:
            ids = [(origin, (origin, row.backport)) for origin in row.origins]
            known |= {origin for origin, both in ids if not any(sha.startswith(r) for sha in both for r in reverts)}
    read = local.picker.reader.commits([commit.sha for commit in line])
    messages = {commit.sha: commit.message.decode(errors="replace") for commit in read if commit}
    return _Key(origins, frozenset(known), tuple({o for row in rows for o in row.origins}), messages)


def _applied_twice(local: LocalRepository, tip: str, commits: Sequence[str]) -> set[str]:
    """Those that picking again would apply without a word: present is the tree rung's, and a conflict gets a person."""
    outcomes = local.picker.pick([Wish(tip, (sha,)) for sha in commits])
    return {sha for sha, outcome in zip(commits, outcomes, strict=True) if not isinstance(outcome, Conflict)}


def _resolve(local: LocalRepository, branch: str | None) -> str:
    """A release branch, wherever a clone keeps it (one that is gone goes by the tag at its end); None: the main one."""
    names = [f"refs/{kind}/{branch}" for kind in ("heads", "remotes/origin", "tags")] if branch else ["HEAD"]
    found = next((sha for sha in local.resolve(names) if sha), None)
    if found is None:
        raise local.unknown(names[0])
    return found


# ── summing up ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Score:
    """How many known duplicates are found, and how many matches are with a stranger."""

    known: int
    found: int
    matches: int
    """Everything found whose origin is known, by the record or by a message."""
    wrong: int

    @property
    def recall(self) -> float:
        return self.found / self.known if self.known else 1.0

    @property
    def wrong_share(self) -> float:
        return self.wrong / self.matches if self.matches else 0.0


def score(findings: Sequence[Finding], *, full: bool, at_least: float = 0.0, certain: bool = False) -> Score:
    """Count, with or without the tree rung, the evidence of a score or more, or the certain evidence only."""
    found, verdicts = 0, Counter[Verdict]()
    for finding in findings:
        evidence, verdict = (finding.full, finding.full_verdict) if full else (finding.light, finding.light_verdict)
        if evidence and evidence.score >= at_least and (evidence.certain or not certain):
            verdicts[verdict] += 1
            found += finding.known and verdict != "wrong"
    known = sum(finding.known for finding in findings)
    return Score(known, found, verdicts["right"] + verdicts["named"] + verdicts["wrong"], verdicts["wrong"])
