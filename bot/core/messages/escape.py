"""Makes foreign text harmless inside Markdown: no markup, no mention, no reference, no HTML, no second line.

It must never be skipped: whatever a person or a forge wrote passes through one of these on its way into a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.core.model import Line, Person

_BREAK = "\u200b"
"""Zero-width space: forges look for mentions and references in the rendered text, where a backslash is gone."""

_LONGEST_TICKS = 100

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#$!])")
_REFERENCE = re.compile(r"([@#!~%&$^])(?=[\w\"{])")
_NAMED = re.compile(r"\b(G[HL])(?=-\d)|(\[)(?=[a-z_]{1,30}:)", re.IGNORECASE)
"""References without a sign: `GH-12`, `GL-12`, `[issue:12]`."""
_CALLS = re.compile(r"^[^\S\n]*(?=/)|[@<]", re.MULTILINE)
_ADDRESS = re.compile(r"(?i)(?=://)|(?<=www)(?=\.)")


def one_line(text: str, limit: int = 200) -> str:
    """The text without control and direction characters, on one line, at most `limit` characters long."""
    if len(text) <= limit and text.isprintable() and "  " not in text:
        return text.strip()  # as most texts are: a changelog has a hundred thousand of them
    cleaned = "".join(c if c.isprintable() else " " for c in text[: 4 * limit])
    joined = " ".join(cleaned.split())
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int = 200) -> str:
    """Text that renders as its own characters, wherever it stands in a line or in a table."""
    line = _REFERENCE.sub(rf"\1{_BREAK}", one_line(text, limit))
    line = _ADDRESS.sub(_BREAK, _NAMED.sub(rf"\g<0>{_BREAK}", line))
    return _MARKUP.sub(r"\\\1", line)


def code(text: str, limit: int = 200) -> str:
    """An inline code span, not for tables. Backticks inside are matched by a longer fence."""
    line = one_line(text, limit).replace("<!--", f"<!{_BREAK}--") or " "
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fence(text: str, info: str) -> str:
    """A fenced block whose fence is longer than any run of backticks in it; endless runs are broken."""
    text = re.sub(f"(`{{{_LONGEST_TICKS}}})(?=`)", rf"\1{_BREAK}", text)
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{info}\n{text}\n{ticks}"


def calm(text: str) -> str:
    """Markdown that people wrote in a file, as it is, but that it calls nobody, opens no HTML and gives no command."""
    return _CALLS.sub(rf"\g<0>{_BREAK}", text)


def clip(text: str, limit: int) -> str:
    """Whole lines of a text up to `limit` characters, with a line that says what was left out."""
    if len(text) <= limit:
        return text
    kept = text[:limit].rsplit("\n", 1)[0]
    left_out = text.count("\n") - kept.count("\n")
    return f"{kept}\n… and {left_out} more lines" if left_out else f"{kept}\n…"


def link(text: str, url: str | None) -> str:
    """A link where there is an address that is fit for one. `text` is the bot's own."""
    return f"[{text}]({url})" if url else text


def pull_link(number: int, url: str | None) -> str:
    """A pull, by its number."""
    return link(f"#{number}", url)


def login(person: Person) -> str:
    """The name of an account, without mentioning it."""
    return plain(person.login, 60)


def listed(lines: tuple[Line, ...]) -> str:
    """`2.8, 2.7 and 2.6`."""
    words = [str(line) for line in lines]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "none"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
