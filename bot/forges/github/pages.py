"""Reads whole lists from GitHub, however many pages they have.

It must never follow an address to another server: the token would travel along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.forges.fields import Fields, UnreadableError
from bot.forges.github.wire import Wire
from bot.forges.wire_fault import WireFault

_NEXT = re.compile(r'<([^<>]+)>;\s*rel="next"')
_PAGE = 100


def ask(wire: Wire, path: str, **parameters: str) -> Fields:
    """One object."""
    return Fields("", wire.requestJsonAndCheck("GET", path, parameters)[1])


def each(wire: Wire, path: str, key: str = "", **parameters: str) -> Iterator[Fields]:
    """Every object of a list, or of the list under `key`. Where a page leads on, its own address is followed: a
    renamed repository answers under another path, and forgets there which page was asked for.
    """
    headers, data = wire.requestJsonAndCheck("GET", path, {"per_page": _PAGE, **parameters})
    while True:
        yield from _items(data, key)
        following = _NEXT.search(str(headers.get("link", "")))
        if following is None:
            return
        if not following[1].startswith(f"{wire.base_url}/"):
            raise WireFault(f"GitHub's list {path} goes on at another server.", status=None)
        headers, data = wire.requestJsonAndCheck("GET", following[1])


def read_page(wire: Wire, path: str, **parameters: str) -> tuple[list[Fields], bool]:
    """One page of a list, and whether there is another one behind it."""
    headers, data = wire.requestJsonAndCheck("GET", path, {"per_page": _PAGE, **parameters})
    return _items(data, ""), _NEXT.search(str(headers.get("link", ""))) is not None


def _items(data: Any, key: str) -> list[Fields]:  # noqa: ANN401 - JSON
    items = data[key] if key else data
    if not isinstance(items, list):
        raise UnreadableError(f"{key or 'the body'} is not a list")
    return [Fields(str(index), one) for index, one in enumerate(items)]
