"""Recognises one change on several lines: by the commits that trailers name, by its pull, by its patch.

It must never take two changes for one because they are alike: only what a message or a patch-id says counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.core.changelog.graph import Graph, Owners


class Shipped:
    """Which versions hold a change. Versions are the numbers that `Owners` counts."""

    def __init__(self, graph: Graph, owners: Owners, patch_ids: Mapping[str, str] | None = None) -> None:
        """`patch_ids` (commit → patch-id) is for whoever has them: a pick that says nothing of its origin is seen."""
        self._graph = graph
        self._owners = owners
        self._patch_ids = patch_ids or {}
        self._by: dict[object, int] = {}
        self._more: dict[object, list[int]] = {}
        self._void: set[int] = set()

    def add(self, version: int, standing: Iterable[Sequence[int]], gone: Iterable[Sequence[int]]) -> None:
        """Note the changes of a version. What it has taken back before it came out, it has not shipped."""
        for change in standing:
            for key in self._keys(change):
                if self._by.setdefault(key, version) != version:
                    self._more.setdefault(key, []).append(version)
        self._void.update(place for change in gone for place in change)

    def versions(self, change: Sequence[int]) -> set[int]:
        """The versions that hold this change, by whatever it is known."""
        if self._is_unheard_of(change):
            return set()
        keys = [*self._keys(change), *[self._graph.told[place].sha[:_DIGITS] for place in change]]
        found = {self._by[key] for key in keys if key in self._by}
        if self._more:
            found.update(version for key in keys for version in self._more.get(key, ()))
        for place in change:
            held = [place, *map(self._graph.find, self._graph.told[place].picked_from)]
            found.update(v for at in held if at is not None and at not in self._void for v in self._owners.of(at))
        return found

    def _is_unheard_of(self, change: Sequence[int]) -> bool:
        """One look, which is enough for most: a commit of one version that no pick names."""
        if len(change) > 1 or self._patch_ids:
            return False
        told = self._graph.told[change[0]]
        heard = told.picked_from or told.sha[:_DIGITS] in self._by or len(self._owners.of(change[0])) > 1
        return not heard and not any([number in self._by for number in told.numbers])  # noqa: C419 - quicker

    def _keys(self, change: Sequence[int]) -> Iterator[object]:
        """What picks are found by. The commits themselves need none: `Owners` knows them."""
        yield from self._graph.told[change[-1]].numbers
        for place in change:
            told = self._graph.told[place]
            for origin in told.picked_from:
                yield origin[:_DIGITS]
            if told.sha in self._patch_ids:
                yield "patch", self._patch_ids[told.sha]


_DIGITS = 12
"""Of an id, to find picks by: trailers may shorten it, though hardly below this."""
