"""The whole evidence ladder over two branches of one repository: what the core finds, and what the trees say to it.

It never decides what follows from a finding, and never lets word or patch be certain where the tree speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.core.duplicates import Traits, doubt, find_evidence
from bot.core.model import Evidence
from bot.core.picks import Conflict, Partial, Picked, Present
from bot.tools.git import Git
from bot.tools.patch_ids import PatchIds
from bot.tools.pick import Impossible, Picker, Wish

_AT_ONCE = 512
"""Commits tried at a time: enough to keep the merge processes busy, few enough to show progress."""

_FOLLOWED = 500
"""Later commits of a line that are tried for one claim; where more have touched its paths, it is not certain."""

Rest = frozenset[str] | None
"""What picking again would bring, as rows of `--numstat`; None where it cannot be told, for a conflict."""


@dataclass(frozen=True, slots=True)
class Span:
    """Two branches, each by the name it is remembered under and its tip (a full id)."""

    source_name: str
    source: str
    onto_name: str
    onto: str


@dataclass(frozen=True, slots=True)
class Landed:
    """That commits, oldest first, are on a line from its commit `since` on, by somebody's word or by their patch."""

    commits: tuple[str, ...]
    since: str
    mainline: int | None = None

    def onto(self, commit: str) -> Wish:
        """The pick that should bring nothing, there or later."""
        return Wish(commit, self.commits, self.mainline)


def compare_branches(
    span: Span, patch_ids: PatchIds, picker: Picker, progress: Callable[[int, int], None] = lambda *_: None, *,
    quick: bool = False,
) -> Iterator[tuple[Traits, Evidence]]:  # fmt: skip
    """Commits of `span.source` since the branches parted that are present on `span.onto`, oldest first.

    Unless it has to be `quick`, the tree rung is climbed too: what is not certain otherwise is picked in memory, and a
    pick that changes nothing is certain. `progress` is told how many commits of how many have been looked at.
    """
    pair = f"{span.onto_name} against {span.source_name}"  # where a line parts depends on the other branch too
    line, fork = patch_ids.line(f"onto:{pair}", span.onto, span.source)
    main = patch_ids.index(f"from:{span.source_name} since {fork}", span.source, fork)
    patch_ids.follow(line, main, picker.scratch.offline())
    commits = list(main.commits.values())
    for start in range(0, len(commits), _AT_ONCE):
        group = commits[start : start + _AT_ONCE]
        found = {commit.sha: find_evidence(commit, line, main) for commit in group}
        found |= hold_against_tree(picker, span.onto, found)
        if not quick:
            found |= climb_tree_rung(picker, span.onto, group, found)
        progress(start + len(group), len(commits))
        for commit in group:
            if (evidence := found[commit.sha]) is not None:
                yield commit, evidence


def climb_tree_rung(
    picker: Picker, onto: str, commits: Sequence[Traits], found: Mapping[str, Evidence | None],
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


def hold_against_tree(
    picker: Picker, onto: str, found: Mapping[str, Evidence | None],
) -> dict[str, Evidence | None]:  # fmt: skip
    """Doubts for those of the certain findings, each by itself, that the trees since do not bear out."""
    claims = {sha: Landed((sha,), e.present_as) for sha, e in found.items()
              if e and e.certain and e.kind != "ancestor" and e.present_as}  # fmt: skip
    kept = still_there(picker, onto, list(claims.values()))
    return {sha: doubt(e) for sha, keeps in zip(claims, kept, strict=True) if not keeps and (e := found[sha])}


def still_there(picker: Picker, tip: str, claims: Sequence[Landed]) -> list[bool]:
    """Whether the line has kept what is claimed to be on it.

    It has when picking again would bring nothing to its tip, or no more than people left out when it landed. A conflict
    there means that others have changed the same code; then no commit since may have been without it. So a change that
    was taken back is found out whatever words were used, and one that others have built upon still counts.
    """
    kept = {claim: True for claim in claims if claim.since == tip}
    open_ = [claim for claim in claims if claim not in kept]
    now = dict(zip(open_, _rests(picker, [claim.onto(tip) for claim in open_]), strict=True))
    kept |= {claim: rest == frozenset() for claim, rest in now.items()}
    unsure = [claim for claim in open_ if not kept[claim]]
    then = dict(zip(unsure, _rests(picker, [claim.onto(claim.since) for claim in unsure]), strict=True))
    kept |= {claim: _brings_no_more(now[claim], then[claim]) for claim in unsure}
    stuck = [claim for claim in unsure if now[claim] is None]
    kept |= dict(zip(stuck, _kept_all_along(picker, tip, [(claim, then[claim]) for claim in stuck]), strict=True))
    return [kept[claim] for claim in claims]


def _kept_all_along(picker: Picker, tip: str, claims: Sequence[tuple[Landed, Rest]]) -> Iterator[bool]:
    """For claims that conflict at the tip, each with what it left out at first: has any state since been without it?"""
    later = [_later(picker, tip, claim) for claim, _ in claims]
    wishes = [claim.onto(commit) for (claim, _), commits in zip(claims, later, strict=True) for commit in commits or ()]
    rests = iter(_rests(picker, wishes))
    for (_, then), commits in zip(claims, later, strict=True):
        own = [next(rests) for _ in commits or ()]
        yield commits is not None and all(rest is None or _brings_no_more(rest, then) for rest in own)


def _brings_no_more(rest: Rest, then: Rest) -> bool:
    return rest is not None and rest <= (then or frozenset())


def _later(picker: Picker, tip: str, claim: Landed) -> list[str] | None:
    """Commits of the line since the claim that touch its paths; None when there is no trying them all."""
    git = picker.scratch.view()
    how = ("--stdin", "-r", "-m", "--root", "--no-commit-id", "--name-only", "--no-renames", "-z")
    changed = git.run("diff-tree", *how, stdin="".join(f"{sha}\n" for sha in claim.commits).encode("ascii"))
    names = sorted({*changed.split(b"\0")} - {b""})
    if any(b"\n" in name for name in names):
        return None  # git could not be told to look at it
    paths = b"".join(b":(literal)" + name + b"\n" for name in names)
    since = f"{tip}\n^{claim.since}\n--\n".encode("ascii")
    walk = ("rev-list", "--ancestry-path", "--full-history", f"--max-count={_FOLLOWED + 1}", "--stdin")
    listed = git.run(*walk, stdin=since + paths).decode("ascii").split()
    return listed if len(listed) <= _FOLLOWED else None


def _rests(picker: Picker, wishes: Sequence[Wish]) -> list[Rest]:
    """What each pick would bring. What cannot be tried might bring anything."""
    found: dict[Wish, Rest] = {}
    trees: dict[Wish, str] = {}
    for wish, outcome in zip(wishes, picker.pick(wishes), strict=True):
        match outcome:
            case Picked() | Partial():
                trees[wish] = outcome.tree
            case Conflict():
                found[wish] = None
            case Present():
                found[wish] = frozenset()
            case Impossible(reason):
                found[wish] = frozenset({f"{wish.onto}: {reason}"})
            case _:
                assert_never(outcome)
    before = [commit.tree for commit in picker.reader.commits([wish.onto for wish in trees]) if commit]
    pairs = list(zip(before, trees.values(), strict=True))
    found |= zip(trees, _differences(picker.scratch.view(), pairs), strict=True)
    return [found[wish] for wish in wishes]


def _differences(git: Git, pairs: Sequence[tuple[str, str]]) -> list[frozenset[str]]:
    """The rows of `--numstat` between each two trees."""
    if not pairs:
        return []
    asked = "".join(f"{one} {other}\n" for one, other in dict.fromkeys(pairs)).encode("ascii")
    told = git.run("diff-tree", "--stdin", "-r", "--numstat", "--no-renames", stdin=asked).decode(errors="replace")
    rows: dict[str, set[str]] = {}
    own: set[str] = set()
    for line in told.split("\n")[:-1]:
        if "\t" in line:
            own.add(line)
        else:  # the two trees, before what differs between them
            own = rows.setdefault(line, set())
    return [frozenset(rows.get(" ".join(pair), ())) for pair in pairs]
