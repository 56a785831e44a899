"""The commits of one question as a graph of small numbers: which of them belong to which version.

It must never ask git again: what a hundred ranges hold is found in one history that was read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.changelog.told import Told, tell
from bot.core.revisions import Commit, Logged


class Graph:
    """Commits by their place: 0 is the newest. What is not here (below the bounds of the question) is no parent."""

    def __init__(self, commits: Iterable[Commit | Logged]) -> None:
        self.told: list[Told] = [tell(commit) for commit in commits]
        self.places = {told.sha: place for place, told in enumerate(self.told)}
        find = self.places.get
        self.parents: list[tuple[int, ...]] = [
            tuple([place for sha in told.parents if (place := find(sha)) is not None])  # a list first is quicker
            for told in self.told
        ]
        self._by_prefix: dict[str, list[int]] | None = None

    def find(self, name: str) -> int | None:
        """The place of a commit by its id, which may be shortened to seven digits; None when it is not one alone."""
        place = self.places.get(name)
        if place is not None or len(name) in (40, 64):
            return place
        if self._by_prefix is None:
            self._by_prefix = {}
            for sha, at in self.places.items():
                self._by_prefix.setdefault(sha[:7], []).append(at)
        fitting = [at for at in self._by_prefix.get(name[:7], ()) if self.told[at].sha.startswith(name)]
        return fitting[0] if len(fitting) == 1 else None


class Owners:
    """Which versions hold which commits: each version what it has beyond its base.

    The ranges of a base, of the base's base and so on make up everything that the base holds, so whether a commit is
    beyond a base takes no more than a look at who owns it.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first: list[int] = [-1] * len(graph.told)
        self._more: dict[int, list[int]] = {}
        self._chains: list[frozenset[int]] = []

    def claim(
        self, tip: int | None, bases: Sequence[int], places: Sequence[int | None],
    ) -> tuple[list[int], int | None]:  # fmt: skip
        """What the next version (they are counted from 0) holds beyond its base, oldest first, and which base that is.

        The first of `bases` bounds it for certain, and a later one where it is an ancestor: `places` are their commits.
        """
        number = len(self._chains)
        base = bases[0] if bases else None
        found = self._beyond(tip, base)
        for later, place in zip(reversed(bases[1:]), reversed(places[1:]), strict=True):
            if place in found:
                base, found = later, self._beyond(tip, later)
                break
        self._chains.append((frozenset() if base is None else self._chains[base]) | {number})
        for place in found:
            if self._first[place] < 0:
                self._first[place] = number
            else:
                self._more.setdefault(place, []).append(number)
        return sorted(found, reverse=True), base

    def _beyond(self, tip: int | None, base: int | None) -> set[int]:
        return set() if tip is None else self._walk(tip, frozenset() if base is None else self._chains[base])

    def _walk(self, tip: int, below: frozenset[int]) -> set[int]:
        first, more, parents = self._first, self._more, self._graph.parents
        found: set[int] = set()
        todo = [tip]
        while todo:
            place = todo.pop()
            if place in found or first[place] in below or not below.isdisjoint(more.get(place, ())):
                continue
            found.add(place)
            todo.extend(parents[place])
        return found

    def of(self, place: int) -> Sequence[int]:
        """The versions that have told of a commit."""
        first = self._first[place]
        return () if first < 0 else (first, *self._more.get(place, ()))


def changes_of(graph: Graph, span: Sequence[int], tip: int) -> list[list[int]]:
    """The commits of a range (oldest first) as changes: what a pull's merge has brought belongs to that merge.

    Each change ends in the commit that brought it. A merge that lands no pull brings changes of their own.
    """
    if not any(len(graph.told[place].parents) > 1 for place in span):
        return [[place] for place in span]
    inside = set(span)
    landed: set[int] = set()
    changes = _land(graph, tip, inside, landed, 0)
    rest = [[place] for place in span if place not in landed]
    return sorted(changes + rest, key=lambda change: -change[-1])


_DEEPEST = 40
"""Merges within merges that are told apart; what lies deeper is listed commit by commit."""


def _land(graph: Graph, tip: int, inside: set[int], landed: set[int], depth: int) -> list[list[int]]:
    """What the chain of first parents that ends in `tip` has brought, merge by merge, oldest first."""
    chain = []
    place: int | None = tip
    while place is not None and place in inside and place not in landed:
        chain.append(place)
        told = graph.told[place]
        place = graph.places.get(told.parents[0]) if told.parents else None
    changes: list[list[int]] = []
    for place in reversed(chain):
        brought: list[list[int]] = []
        if depth < _DEEPEST:
            for parent in graph.told[place].parents[1:]:
                if (side := graph.places.get(parent)) is not None:
                    brought += _land(graph, side, inside, landed, depth + 1)
        landed.add(place)
        changes += _of_pull(graph, place, brought) if graph.told[place].is_merge else [[place]]
    return changes


def _of_pull(graph: Graph, merge: int, brought: list[list[int]]) -> list[list[int]]:
    """A pull's merge with the commits that have no pull of their own."""
    number = graph.told[merge].number
    if number is None:
        return [*brought, [merge]]
    others = [change for change in brought if graph.told[change[-1]].number not in (None, number)]
    own = [place for change in brought if graph.told[change[-1]].number in (None, number) for place in change]
    return [*others, [*own, merge]]
