"""The message of a pick: the original's, tidied and signed as `git cherry-pick -x` (and `-s`) would do it.

It never starts a process and never changes a word of the original.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_OF_GIT = (b"Signed-off-by: ", b"(cherry picked from commit ")
_TRAILER = re.compile(rb"[A-Za-z0-9-]+[ \t]*:")
_SCISSORS = re.compile(rb"^# -{24} >8 -{24}$", re.MULTILINE)
_LEADING = re.compile(rb"(?:[ \t\r]*\n)+")
_BLANK = b" \t\r\n"
_INDENT = (b" ", b"\t", b"\r")


def picked_message(message: bytes, sha: str, signed_off_by: str | None = None) -> bytes:
    """Add the line that names the picked commit, and a sign-off where one is due (`Name <address>`)."""
    text = message.partition(b"\0")[0]
    if blank := _LEADING.match(text):
        text = text[blank.end() :]
    text = _append(text, f"(cherry picked from commit {sha})\n".encode("ascii"))
    if signed_off_by is not None:
        sign_off = f"Signed-off-by: {signed_off_by}\n".encode()
        text = _append(text, sign_off)
    return _tidy(text)


def credited_message(message: bytes, author: bytes) -> bytes:
    """Name the author (`Name <address>`) of a commit that is made in another's name, as forges read it."""
    return _tidy(_append(message, b"Co-authored-by: " + author + b"\n"))


def _append(text: bytes, trailer: bytes) -> bytes:
    if text and not text.endswith(b"\n"):
        text += b"\n"
    return text + (b"" if _ends_in_trailers(text) else b"\n") + trailer


def _tidy(text: bytes) -> bytes:
    """No space at the end of a line, no two empty lines together, none at either end."""
    lines = b"\n".join(line.rstrip(_BLANK) for line in text.split(b"\n"))
    return re.sub(rb"\n{3,}", rb"\n\n", lines).strip(b"\n") + b"\n"


def _ends_in_trailers(text: bytes) -> bool:
    """Whether the last paragraph, if it is not the title, is a block of trailers in the eyes of git."""
    paragraphs: list[list[bytes]] = [[]]
    for line in _without_tail(text).split(b"\n"):
        if line.strip(_BLANK):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([])
    bodies = [lines for lines in paragraphs[1:] if any(not line.startswith(b"#") for line in lines)]
    return bool(bodies) and _is_block(bodies[-1])


def _is_block(lines: Sequence[bytes]) -> bool:
    """Nothing but trailers, or one of git's own among them and a trailer to every three other lines."""
    trailers = others = indented = 0
    for line in reversed(lines):
        if line.startswith(b"#"):
            others, indented = others + indented, 0
        elif line.startswith(_OF_GIT) or _TRAILER.match(line):
            trailers, indented = trailers + 1, 0  # what was indented below it belongs to it
        elif line[:1] in _INDENT:
            indented += 1
        else:
            others, indented = others + indented + 1, 0
    others += indented
    own = any(line.startswith(_OF_GIT) for line in lines)
    return trailers > 0 and (others == 0 or (own and trailers * 3 >= others))


def _without_tail(text: bytes) -> bytes:
    """The text up to git's scissors, without the comments and the list of conflicts at its end."""
    scissors = _SCISSORS.search(text)
    text = text[: scissors.start()] if scissors else text
    # From the end: a pattern would try the whole rest again from each line of a long message.
    *lines, unended = text.split(b"\n")
    if unended:
        return text
    end = len(lines)
    while tail := _tail_length(lines, end):
        end -= tail
    return b"".join(line + b"\n" for line in lines[:end])


def _tail_length(lines: Sequence[bytes], end: int) -> int:
    """How many of the lines before `end` are a comment, an empty line or a list of conflicts; 0 when none are."""
    above = end - 1
    while above > 0 and lines[above].startswith(b"\t"):
        above -= 1
    if above < 0:
        return 0
    alone = above == end - 1 and (not lines[above] or lines[above].startswith(b"#"))
    return end - above if alone or lines[above] == b"Conflicts:" else 0
