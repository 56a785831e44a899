"""What the message of a commit says of other commits: which it was picked from, which it takes back.

It never takes prose for a statement: a line that somebody quotes is not the commit's own word.
"""

from __future__ import annotations

import re

_PICKED_FROM = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,64})\)\s*")
_STRUNG = re.compile(r"^(?:\* .*|-{3,}[ \t\r]*)$", re.MULTILINE)
"""What a squash puts between the messages that it strings together."""
_AT_THE_END = re.compile(
    r"\s|$|#|[\w-]+[ \t]*:(?!//)|\(.*\)\s*$|(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|see merge request) \S+\s*$",
    re.IGNORECASE,
)
"""How a line begins that may follow a trailer: others, comments, git's list of conflicts, what forges add."""

_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})")
_REVERTS_PULL = re.compile(r"^(?:Reverts [\w./-]*[#!]|This reverts merge request !)(\d{1,9})\s*$", re.MULTILINE)
_TAGS = r"(?:(?:\[[^\]\n]{0,200}\]|🤖)[ \t]*){0,9}"
_REVERT_TITLE = re.compile(
    rf"{_TAGS}(?:(?P<again>re-?appl(?:y|ied)\b)|(?:revert(?:s|ed|ing)?|back(?:s|ed|ing)?[ -]?out|undo(?:es|ne)?"
    r"|roll(?:s|ed|ing)?[ -]?back)\b(?:\([^)\n]{0,100}\))?!?)(?:[ \t]*:)?[ \t]+(?P<title>.*)",
    re.IGNORECASE,
)
_OPENINGS = frozenset("[🤖RrBbUu")
"""How such a title begins; to look is quicker than to try."""
_QUOTED_REVERT = re.compile(rf'{_TAGS}Revert "(.*)"')
_LISTED_REVERT = re.compile(rf'^[*-] {_TAGS}Revert "(.*)"', re.MULTILINE)


def picked_from(body: str) -> tuple[str, ...]:
    """Commits that the trailers name, at the end of the message or of one of those that a squash has joined."""
    found: dict[str, None] = {}
    for message in _STRUNG.split(body):
        named = []
        for line in reversed(message.split("\n")):
            if trailer := _PICKED_FROM.fullmatch(line):
                named.append(trailer[1])
            elif not _AT_THE_END.match(line):
                break
        found |= dict.fromkeys(reversed(named))
    return tuple(found)


def reverts(body: str) -> tuple[str, ...]:
    """Commits that are taken back, by id."""
    return tuple(dict.fromkeys(_REVERTS.findall(body)))


def reverts_pulls(body: str) -> tuple[int, ...]:
    """Pulls that are taken back, by number."""
    return tuple(int(n) for n in _REVERTS_PULL.findall(body))


def reverted_title(title: str) -> str | None:
    """What a title says it takes back: `Revert "Fix it"`, `[2.7] revert: Fix it`, `Back out Fix it`."""
    said = _REVERT_TITLE.match(title) if title[:1] in _OPENINGS else None
    if said is None:
        return None
    return f"Revert {said['title']}" if said["again"] else said["title"]


def reverted_titles(title: str, body: str) -> tuple[str, ...]:
    """The same, and what the list in a squash's body takes back."""
    own = reverted_title(title)
    return (*([own] if own else []), *_LISTED_REVERT.findall(body))


def without_quoted_revert(title: str) -> str:
    """The title less the one that a revert quotes."""
    return _QUOTED_REVERT.sub("", title, count=1) if _QUOTED_REVERT.match(title) else title
