"""Puts a version's section into a changelog that exists: merged with what people wrote, in the order of versions.

It must never stack a second section for what has one, nor touch another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from bot.core.changelog.compose import UNRELEASED
from bot.core.changelog.merge import Merged, is_marked, mark, merge, remembering, unmarked
from bot.core.changelog.page import EMPTY, Page, Part, put, read_page, refer, reference_of
from bot.core.changelog.view import Layout, View, layout
from bot.core.errors import UserError
from bot.core.versions import Version, read_tag


@dataclass(frozen=True, slots=True)
class Written:
    """The new text of the file, and what people's words stood in the way of."""

    text: str
    conflicts: tuple[str, ...] = ()


def write(old: str, views: Iterable[View], show: Layout = layout, untold: Collection[str] = ()) -> Written:
    """Bring a changelog up to date with some sections; an empty file is begun, an empty Unreleased is not.

    `untold` are the groups of which nothing is known this time; see `merge`.
    """
    page = read_page(old or EMPTY)
    conflicts: list[str] = []
    for view in views:
        if view.groups or view.title != UNRELEASED or page.find(None) is not None:
            page, found = _write_one(page, view, show, untold)
            conflicts += found
    return Written(page.text, tuple(conflicts))


def draft(old: str, view: View, show: Layout = layout) -> Written:
    """The same for one version; where nothing but the date of its section would be another, the file stays as it is."""
    made = write(old, [view], show)
    if _is_dated_only(read_page(old), read_page(made.text), read_tag(view.title)):
        return replace(made, text=old)
    return made


def _is_dated_only(old: Page, new: Page, version: Version | None) -> bool:
    """Whether what is read differs in the heading of a section at most."""
    at = old.find(version)
    if at is None or new.find(version) != at:
        return False
    bodies = [unmarked(page.parts[at].body).rstrip() for page in (old, new)]
    others = [(page.before, page.parts[:at], page.parts[at + 1 :], page.after) for page in (old, new)]
    return bodies[0] == bodies[1] and others[0] == others[1]


def roll_up(onto: str, line: str, version: Version) -> Written:
    """Carry the section of a version from a line's changelog, hand edits and all, into that of the main branch.

    Where the main branch has it already, what people have made of it there is kept, too.
    """
    source, page = read_page(line), read_page(onto or EMPTY)
    at = source.find(version)
    if at is None:
        raise UserError(f"The line's changelog has no section for {version}. Write it with relbot changelog --output.")
    text = source.parts[at].text.replace("\r\n", "\n").rstrip() + "\n"
    there = page.find(version)
    made = Merged(text)
    if there is not None:  # what was generated is still what it was on the line, and so is what is remembered of it
        made = merge(page.parts[there].text, unmarked(text), page.newline)
        made = replace(made, text=remembering(made.text, text))
    page = put(page, _part(made.text.replace("\r\n", "\n").replace("\n", page.newline), version))
    name, address = reference_of(source, version)
    return Written(refer(page, name, address).text, made.conflicts)


def yank(old: str, version: Version) -> str:
    """The changelog with a version marked as taken back. Its notes stay: whoever has it wants to read them."""
    page = read_page(old)
    at = page.find(version)
    if at is None or page.parts[at].is_yanked:
        return old
    part = page.parts[at]
    line, rest = re.split(r"(?=[\r\n])|\Z", part.heading, maxsplit=1)  # an underlined heading has two lines
    marked = replace(part, heading=f"{line.rstrip()} [YANKED]{rest}")
    return replace(page, parts=(*page.parts[:at], marked, *page.parts[at + 1 :])).text


def _part(text: str, version: Version | None) -> Part:
    heading, newline, body = text.partition("\n")
    return Part(heading + newline, body, version, is_unreleased=version is None)


def _write_one(page: Page, view: View, show: Layout, untold: Collection[str]) -> tuple[Page, tuple[str, ...]]:
    version = read_tag(view.title)
    made = show(view)
    if [(part.version, part.is_unreleased) for part in read_page(made).parts[:1]] != [(version, version is None)]:
        raise UserError(f"The changelog's template makes no heading such as “## {view.heading}”. Mend it.")
    page, old = _old_section(page, version)
    merged = merge(old, made, page.newline, untold) if old else Merged(mark(made, page.newline))
    page = put(page, _part(merged.text, version))
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
