"""Where a change has come out: what it is called on other lines, and the first versions of each line that hold it.

It must never take two changes for one because they are alike: only what messages say of each other counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.changelog.tags import Mark
from bot.core.changelog.told import Told
from bot.core.model import Branch, Line
from bot.core.titles import read_title

_DIGITS = 7
"""Of an id, that a trailer names at least."""

# ── one change under several ids ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Kin:
    """The commits that are one change, the one that was asked for first, and those that take one of them back."""

    members: tuple[Told, ...]
    reverts: tuple[Told, ...] = ()

    @property
    def seeds(self) -> dict[str, int]:
        """A bit for each, members first; see `spread`."""
        return {told.sha: 1 << n for n, told in enumerate((*self.members, *self.reverts))}

    def member_of(self, bits: int) -> Told | None:
        """The first member that is held there, an original before picks of it."""
        held = [told for n, told in enumerate(self.members) if bits >> n & 1]
        return min(held, key=is_pick) if held else None

    def revert_of(self, bits: int) -> Told | None:
        """What of the reverts is held there."""
        start = len(self.members)
        return next((told for n, told in enumerate(self.reverts) if bits >> (start + n) & 1), None)


def is_pick(told: Told) -> bool:
    """Whether it says that it was carried here from elsewhere."""
    return bool(told.picked_from) or len(told.numbers) > 1


def find_kin(own: Sequence[Told], others: Iterable[Told], brought: Sequence[Told] = ()) -> Kin:
    """All that is the same change as `own`: picks, and picks of picks, by the ids and the pulls that they name.

    `brought` are the commits of a pull whose merge is asked for: their picks count, and they are not listed.
    """
    ours = {told.sha for told in (*own, *brought)}
    pool = [told for told in others if told.sha not in ours]
    named = _by_names(pool)
    known = {told.sha: told for told in own}
    todo = [*own, *brought]
    while todo:
        told = todo.pop()
        for other in (*named.get(told.sha[:_DIGITS], ()), *(one for n in told.numbers for one in named.get(n, ()))):
            if other.sha not in known and _is_kin(told, other):
                known[other.sha] = other
                todo.append(other)
    family = [*known.values(), *brought]
    reverts = [told for told in pool if told.sha not in known and any(_takes_back(told, one) for one in family)]
    return Kin(tuple(known.values()), tuple(reverts))


def _by_names(pool: Iterable[Told]) -> dict[object, list[Told]]:
    """Commits by what they name: the beginnings of ids, and pulls."""
    found: dict[object, list[Told]] = {}
    for told in pool:
        for name in (*(origin[:_DIGITS] for origin in told.picked_from), *told.numbers):
            found.setdefault(name, []).append(told)
    return found


def _is_kin(told: Told, other: Told) -> bool:
    """Whether the other is told to be the same; a revert that names the same pull is not."""
    if any(told.sha.startswith(origin) for origin in other.picked_from):
        return True
    return not {*told.numbers}.isdisjoint(other.numbers) and not _takes_back(other, told)


def _takes_back(told: Told, one: Told) -> bool:
    if not (told.reverts or told.reverts_pulls or told.undoes):
        return False
    if any(one.sha.startswith(sha) for sha in told.reverts) or not {*told.reverts_pulls}.isdisjoint(one.numbers):
        return True
    quoted = read_title(read_title(told.undoes or "").text.strip('"“”'))
    return bool(quoted.numbers) and quoted.numbers[-1] in one.numbers


# ── where it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


def spread(history: Iterable[tuple[str, Sequence[str]]], seeds: Mapping[str, int]) -> dict[str, int]:
    """For each commit the bits of the seeds that it holds. `history` has ids with those of parents, parents first."""
    held = dict(seeds)
    find = held.get
    for sha, parents in history:
        bits = find(sha, 0)
        for parent in parents:
            bits |= find(parent, 0)
        if bits:
            held[sha] = bits
    return held


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a change has come out on one line. Neither candidate nor final: it is on the branch, and in no tag yet."""

    line: Line
    member: Told
    """As what it is there."""
    candidate: Mark | None = None
    """The first that holds it."""
    final: Mark | None = None
    undone_by: Told | None = None
    """The commit on the line that takes it back."""
    undone_in: Mark | None = None
    """The first version that holds that one, too."""


def find_landings(
    kin: Kin, held: Mapping[str, int], marks: Sequence[Mark], branches: Mapping[Line, Branch]
) -> tuple[Landing, ...]:
    """The lines that hold a change, the lowest first. `marks` are in the order of versions."""
    lines = sorted({*branches, *(mark.version.line for mark in marks)})
    found = (_land(line, kin, held, marks, branches.get(line)) for line in lines)
    return tuple(landing for landing in found if landing)


def _land(
    line: Line, kin: Kin, held: Mapping[str, int], marks: Sequence[Mark], branch: Branch | None
) -> Landing | None:
    own = [(mark, held.get(mark.sha, 0)) for mark in marks if mark.version.line == line]
    tip = held.get(branch.sha, 0) if branch else 0
    holding = [(mark, member) for mark, bits in own if (member := kin.member_of(bits))]
    member = holding[0][1] if holding else kin.member_of(tip)
    if member is None:
        return None
    undoing = [(mark, revert) for mark, bits in own if (revert := kin.revert_of(bits))]
    candidates = (mark for mark, _ in holding if mark.version.candidate is not None)
    finals = (mark for mark, _ in holding if mark.version.candidate is None)
    return Landing(
        line, member, next(candidates, None), next(finals, None),
        undoing[0][1] if undoing else kin.revert_of(tip), undoing[0][0] if undoing else None,
    )  # fmt: skip
