"""Puts a version's section into a changelog that exists: merged with what people wrote, in the order of versions.

It must never stack a second section for what has one, nor touch another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.core.changelog.compose import UNRELEASED
from bot.core.changelog.merge import Merged, is_marked, mark, merge
from bot.core.changelog.page import EMPTY, Page, Part, put, read_page, refer
from bot.core.changelog.view import Layout, View, layout
from bot.core.versions import Version, read_tag


@dataclass(frozen=True, slots=True)
class Written:
    """The new text of the file, and what people's words stood in the way of."""

    text: str
    conflicts: tuple[str, ...] = ()


def write(old: str, views: Iterable[View], show: Layout = layout) -> Written:
    """Bring a changelog up to date with some sections; an empty file is begun, an empty Unreleased is not."""
    page = read_page(old or EMPTY)
    conflicts: list[str] = []
    for view in views:
        if view.groups or view.title != UNRELEASED or page.find(None) is not None:
            page, found = _write_one(page, view, show)
            conflicts += found
    return Written(page.text, tuple(conflicts))


def _write_one(page: Page, view: View, show: Layout) -> tuple[Page, tuple[str, ...]]:
    version = read_tag(view.title)
    made = show(view)
    page, old = _old_section(page, version)
    merged = merge(old, made, page.newline) if old else Merged(mark(made, page.newline))
    heading, newline, body = merged.text.partition("\n")
    page = put(page, Part(heading + newline, body, version, is_unreleased=version is None))
    return refer(page, view.title, view.link), merged.conflicts


def _old_section(page: Page, version: Version | None) -> tuple[Page, str]:
    """What there is of a section. What is released takes over the hand edits of what was generated as unreleased."""
    at = page.find(version)
    if at is not None or version is None:
        return page, page.parts[at].text if at is not None else ""
    pending = page.find(None)
    if pending is None or not is_marked(page.parts[pending].text):
        return page, ""
    part = page.parts[pending]
    emptied = replace(part, body=page.newline)
    return replace(page, parts=(*page.parts[:pending], emptied, *page.parts[pending + 1 :])), part.text
