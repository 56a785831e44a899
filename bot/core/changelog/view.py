"""A version's notes as they are shown: groups of lines in which every foreign text is harmless already.

It must never hand raw text on: a template, which may be hostile, sees only what may stand in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.core.changelog.compose import UNRELEASED, Notes, Remark
from bot.core.changelog.entries import Entry
from bot.core.changelog.harmless import harmless, harmless_name
from bot.core.changelog.rules import BREAKING, KNOWN_ISSUES, NEWCOMERS, UPGRADING, Rules
from bot.core.changelog.tags import order_of
from bot.core.moments import moment_of
from bot.core.versions import read_tag

_LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a forge shows things, with `{number}`, `{old}` and `{new}`, `{sha}` or `{login}`. Empty where unknown."""

    pull: str = ""
    compare: str = ""
    tag: str = ""
    commit: str = ""
    person: str = ""
    issue: str = ""


@dataclass(slots=True)
class Item:
    """One line of the notes, whole and in parts. Like an entry, it is not frozen for the time that this would take."""

    line: str
    """All of it, as the default layout shows it."""
    text: str
    refs: tuple[str, ...] = ()
    """Links to its pulls, or its commit."""
    authors: tuple[str, ...] = ()
    also_in: tuple[str, ...] = ()
    scope: str = ""
    sha: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one heading."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a layout may show of a version."""

    title: str
    """`2.7.1`, or `Unreleased`."""
    date: str
    """`2026-11-25`; empty for what is not released."""
    yanked: bool
    groups: tuple[Group, ...]
    base: str
    """The tag that the notes begin at; empty where they begin at the beginning."""
    link: str
    """An address that shows the difference; empty where there is none."""

    @property
    def heading(self) -> str:
        """As Keep a Changelog has it."""
        return f"[{self.title}]{f' - {self.date}' if self.date else ''}{' [YANKED]' if self.yanked else ''}"


def show(notes: Notes, rules: Rules, addresses: Addresses, *, yanked: bool = False) -> View:
    """The notes, ready for a layout. What breaks comes first."""
    groups = [
        Group(BREAKING, tuple(_breaking(notes.entries, addresses))),
        Group(UPGRADING, tuple(_remark(one, addresses) for one in notes.upgrading)),
        *_by_category(notes.entries, rules, addresses),
        Group(KNOWN_ISSUES, tuple(_remark(one, addresses) for one in notes.known_issues)),
        Group(NEWCOMERS, tuple(_newcomers(notes.entries, rules, addresses))),
    ]
    date = "" if notes.dated is None else f"{moment_of(notes.dated):%Y-%m-%d}"
    base = notes.base.name if notes.base else ""
    filled = tuple(group for group in groups if group.items)
    return View(notes.title, date, yanked, filled, base, _link(notes, addresses))


def _link(notes: Notes, addresses: Addresses) -> str:
    new = notes.stage.tag or notes.stage.sha
    if notes.base is None:
        return addresses.tag.replace("{new}", notes.stage.tag) if notes.stage.tag else ""
    return addresses.compare.replace("{old}", notes.base.name).replace("{new}", new)


def _by_category(entries: Iterable[Entry], rules: Rules, addresses: Addresses) -> list[Group]:
    found: dict[str, list[Item]] = {name: [] for name in rules.order()}
    for entry in entries:
        found.setdefault(entry.category, []).append(_item(entry, rules, addresses))
    return [Group(name, tuple(items)) for name, items in found.items()]


def _item(entry: Entry, rules: Rules, addresses: Addresses) -> Item:
    text, scope = harmless(entry.text, _LONGEST_NOTE), harmless_name(entry.scope)
    refs, authors = _refs(entry, addresses), _authors(entry, rules, addresses)
    line = f"{text} ({', '.join(refs)})"
    if scope:
        line = f"**{scope}:** {line}"
    if authors:
        line += f", by {', '.join(authors)}"
    if entry.also_in:
        line += f"; also in {', '.join(entry.also_in)}"
    return Item(line, text, refs, authors, entry.also_in, scope, entry.sha)


def _breaking(entries: Iterable[Entry], addresses: Addresses) -> Iterable[Item]:
    for entry in entries:
        for note in entry.breaking:
            text, refs = harmless(note, _LONGEST_NOTE), _refs(entry, addresses)
            yield Item(f"{text} ({', '.join(refs)})", text, refs, sha=entry.sha)


def _newcomers(entries: Iterable[Entry], rules: Rules, addresses: Addresses) -> Iterable[Item]:
    for entry in entries:
        if entry.is_first and rules.authors != "none":
            authors, refs = _authors(entry, rules, addresses), _refs(entry, addresses)
            text = f"{', '.join(authors)} made a first contribution"
            yield Item(f"{text} in {refs[0]}", text, refs, authors, sha=entry.sha)


def _remark(remark: Remark, addresses: Addresses) -> Item:
    text = harmless(remark.text, _LONGEST_NOTE)
    if remark.number is None:
        return Item(text, text)
    address = addresses.pull if remark.on == "pull" else addresses.issue
    ref = _link_to(f"#{remark.number}", address, number=str(remark.number))
    return Item(f"{text} ({ref})", text, (ref,))


def _refs(entry: Entry, addresses: Addresses) -> tuple[str, ...]:
    if entry.numbers and not addresses.pull:
        return tuple([f"#{number}" for number in entry.numbers])
    if not entry.numbers:
        return (_link_to(f"`{entry.sha[:10]}`", addresses.commit, sha=entry.sha),)
    return tuple(_link_to(f"#{number}", addresses.pull, number=str(number)) for number in entry.numbers)


def _authors(entry: Entry, rules: Rules, addresses: Addresses) -> tuple[str, ...]:
    if rules.authors == "none":
        return ()
    if rules.authors == "link" and entry.logins and addresses.person:
        return tuple(_link_to(harmless_name(login), addresses.person, login=login) for login in entry.logins)
    return tuple(map(harmless_name, entry.authors))


def _link_to(text: str, address: str, **values: str) -> str:
    if not address:
        return text
    for name, value in values.items():
        address = address.replace(f"{{{name}}}", "".join(c for c in value if c.isalnum() or c in "-_."))
    return f"[{text}]({address})"


def layout(view: View) -> str:
    """The default layout. `default.md.jinja` says the same as a template, for projects to begin with.

    It is written twice because a template engine takes as long to load as a section takes to be made.
    """
    parts = [f"## {view.heading}\n"]
    for group in view.groups:
        parts.append(f"\n### {group.name}\n\n")
        parts += [f"- {item.line}\n" for item in group.items]
    return "".join(parts)


Layout = Callable[[View], str]
"""Makes a section of what there is to show."""


def render_all(views: Iterable[View], show: Layout = layout) -> str:
    """Sections as they are printed: newest first, link references at the end, nothing hidden."""
    given = list(views)
    worth = [view for view in given if view.groups or view.title != UNRELEASED] or given
    shown = sorted(worth, key=lambda view: (view.title == UNRELEASED, _place(view)), reverse=True)
    links = [f"[{view.title}]: {view.link}\n" for view in shown if view.link]
    return "\n".join([*(show(view) for view in shown), *(["".join(links)] if links else [])])


def _place(view: View) -> tuple[object, ...]:
    version = read_tag(view.title)
    return order_of(version) if version else ()
