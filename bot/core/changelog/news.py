"""What a version brings, as a tag and a forge's release tell it: the section without its heading, cut to a length.

It must never be cut within a line, nor without saying so.
"""

from __future__ import annotations

from bot.core.changelog.merge import unmarked
from bot.core.changelog.page import read_page, reference_of
from bot.core.changelog.view import Layout, View, layout
from bot.core.ledger import safe_url
from bot.core.versions import Version

MOST = 60_000
"""Bytes, and so characters: less than what any forge takes of a release, and the signer of a tag."""
_MORE = "\nThere is more than fits here: the changelog has all of it.\n"


def tell_news(view: View, show: Layout = layout, most: int = MOST) -> str:
    """The text. Where nothing is to be told, it says that."""
    body = _without_heading(show(view)) if view.groups else _nothing(view)
    tail = f"\n[All changes since {view.base}]({view.link})\n" if view.base and view.link else ""
    return _cut(body, tail, most)


def read_news(changelog: str, version: Version, most: int = MOST) -> str | None:
    """The same as the changelog has it, with what people have made of it; None where it has no section of it."""
    page = read_page(changelog.replace("\r\n", "\n"))
    if (at := page.find(version)) is None:
        return None
    tail = f"\n[All changes]({link})\n" if (link := safe_url(reference_of(page, version)[1])) else ""
    return _cut(f"{unmarked(page.parts[at].body).strip()}\n", tail, most)


def _cut(body: str, tail: str, most: int) -> str:
    raw = body.encode(errors="replace")
    if len(raw) + len(tail.encode()) <= most:
        return body + tail
    tail = _MORE + tail
    room = most - len(tail.encode())
    return raw[: raw.rfind(b"\n", 0, room) + 1].decode() + tail


def _without_heading(section: str) -> str:
    page = read_page(section)
    start = len(page.before) + len(page.parts[0].heading) if page.parts else 0
    return f"{section[start:].strip()}\n"


def _nothing(view: View) -> str:
    return f"Nothing that is told here has changed{f' since {view.base}' if view.base else ''}.\n"
