"""Takes out of a range what its own commits have taken back, through chains of reverts.

It must never cancel a change because of a look-alike: a revert that names nothing of the range stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.changelog.graph import Graph
from bot.core.changelog.told import Told
from bot.core.titles import read_title


@dataclass(frozen=True, slots=True)
class Settled:
    """The changes of a range: those that stand, those that cancel out, and which of the first are reverts."""

    standing: list[list[int]]
    gone: list[list[int]]
    reverts: frozenset[int]
    """The commits at the ends of standing changes that take back what an earlier version had."""


def settle_reverts(graph: Graph, changes: list[list[int]]) -> Settled:
    """Cancel what is taken back within the range. Changes come oldest first, as their commits do.

    A revert of a revert lets the first change stand again. One whose aim lies before the range stands as a change.
    """
    heads = [graph.told[change[-1]] for change in changes]
    saying = [n for n, head in enumerate(heads) if head.undoes or head.reverts or head.reverts_pulls]
    if not saying:
        return Settled(changes, [], frozenset())
    index = _Index(graph, changes)
    aims = {n: index.aims(n) for n in saying}
    taken_by: dict[int, list[int]] = {}
    for n, found in aims.items():
        for aim in found:
            if aim is not None:
                taken_by.setdefault(aim, []).append(n)
    stands = [True] * len(changes)
    for n in reversed(range(len(changes))):
        stands[n] = not any(stands[later] for later in taken_by.get(n, ()))
    spent = {n for n, found in aims.items() if found and None not in found}
    kept = [n for n in range(len(changes)) if stands[n] and n not in spent]
    gone = [change for n, change in enumerate(changes) if not stands[n] or n in spent]
    reverts = frozenset(changes[n][-1] for n in kept if n in aims and heads[n].undoes is not None)
    return Settled([changes[n] for n in kept], gone, reverts)


class _Index:
    """The changes of a range by what a revert may name."""

    def __init__(self, graph: Graph, changes: Sequence[list[int]]) -> None:
        self._graph = graph
        self._changes = changes
        self._of_place = {place: n for n, change in enumerate(changes) for place in change}
        self._of_number: dict[int, list[int]] = {}
        self._of_pick: dict[str, list[int]] = {}
        self._of_title: dict[str, list[int]] | None = None
        for n, change in enumerate(changes):
            for number in graph.told[change[-1]].numbers:
                self._of_number.setdefault(number, []).append(n)
            for place in change:
                for origin in graph.told[place].picked_from:
                    self._of_pick.setdefault(origin[:7], []).append(n)

    def aims(self, n: int) -> list[int | None]:
        """The changes that a revert takes back; None for each that is not in the range. Empty when it takes back none.

        Who only mentions commits below an ordinary title (a squash lists what happened on its way) is believed where
        they are here.
        """
        tolds = [self._graph.told[place] for place in self._changes[n]]
        found = [self._of_commit(name, n) for told in tolds for name in told.reverts]
        found += [self._last(self._of_number.get(number, ()), n) for told in tolds for number in told.reverts_pulls]
        head = tolds[-1]
        if head.undoes is None:
            return [aim for aim in found if aim is not None] if None not in found else []
        return found or [self._titled(head, n)]

    def _of_commit(self, name: str, n: int) -> int | None:
        """By id, its own or that of the commit it was picked from. Part of a change is not the change."""
        place = self._graph.find(name)
        at = self._of_place.get(place) if place is not None else None
        if at is None:
            picks = [m for m in self._of_pick.get(name[:7], ()) if any(self._picked(m, name))]
            at = self._last(picks, n)
        elif len(self._changes[at]) > 1 and place != self._changes[at][-1]:
            return None
        return at if at is not None and at < n else None

    def _picked(self, n: int, name: str) -> Iterator[bool]:
        for place in self._changes[n]:
            for origin in self._graph.told[place].picked_from:
                yield origin.startswith(name) or name.startswith(origin)

    def _titled(self, head: Told, n: int) -> int | None:
        said = read_title(read_title(head.undoes or "").text.strip("\"“”"))
        if said.numbers:
            return self._last(self._of_number.get(said.numbers[-1], ()), n)
        from bot.core.duplicates import title_key  # few reverts name neither a commit nor a number

        if self._of_title is None:
            self._of_title = {}
            for m, change in enumerate(self._changes):
                self._of_title.setdefault(title_key(_whole(self._graph.told[change[-1]])), []).append(m)
        return self._last(self._of_title.get(title_key(head.undoes or ""), ()), n)

    @staticmethod
    def _last(found: Sequence[int], before: int) -> int | None:
        return next((n for n in reversed(found) if n < before), None)


def _whole(told: Told) -> str:
    """A title with kind and scope, as a revert would quote it."""
    scope = f"({told.scope})" if told.scope else ""
    return f"{told.kind}{scope}: {told.title}" if told.kind else told.title
