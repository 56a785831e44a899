"""The text of a tag object: written so that nothing in it passes for something else, and read whoever wrote it.

It must never let a value take more than its line, nor a line of the notes look like a signature.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.errors import Fault
from bot.core.model import Repo
from bot.core.tagging import SignatureKind, TagWish, name_of
from bot.core.versions import read_tag
from bot.tools.git import is_object_id

TRAILERS = (
    "Repository", "Commit", "Candidate", "Requested-By", "Requested-In", "Confirmed-By", "Gates", "Image", "Smoke",
)  # fmt: skip
"""Every trailer that the bot writes, in this order, each at most once."""

MOST = 64_000
"""Bytes of a tag object, its signature included."""

_LONGEST_LINE = 1000
_LONGEST_NOTES = 16_000
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that break lines, turn the direction of writing, or are none."""

_ARMOURS: dict[bytes, SignatureKind] = {
    b"-----BEGIN PGP SIGNATURE-----": "gpg",
    b"-----BEGIN PGP MESSAGE-----": "gpg",
    b"-----BEGIN SSH SIGNATURE-----": "ssh",
    b"-----BEGIN SIGNED MESSAGE-----": "x509",
}
_ARMOUR = re.compile(rb"^(?:" + b"|".join(map(re.escape, _ARMOURS)) + rb")", re.MULTILINE)
_KEY = re.compile(r"[A-Za-z0-9-]+")
_TAGGER = re.compile(r"[^<>\x00-\x1f ](?:[^<>\x00-\x1f]*[^<>\x00-\x1f ])? <[^<>\x00-\x20]+>")
_OWN = re.compile(r"object ([0-9a-f]+)\ntype commit\ntag (\S+)\ntagger ([^\n]+) ([0-9]{1,12}) \+0000\n\n", re.ASCII)


# ── written ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TagText:
    """What a tag of the bot's says. Two with the same parts are the same bytes."""

    name: str
    commit: str
    tagger: str
    tagged_at: int
    title: str
    notes: str
    trailers: tuple[tuple[str, str], ...]

    def render(self) -> bytes:
        """The object's content, without a signature. Raises `Fault` for what no tag of the bot's can be."""
        if reason := self._flaw():
            raise Fault(f"I make no tag {self.name[:120]!r}: {reason}.")
        notes = _paragraphs(self.notes)
        said = "\n".join(f"{key}: {line}" for key, value in self.trailers if (line := one_line(value)))
        head = f"object {self.commit}\ntype commit\ntag {self.name}\ntagger {self.tagger} {self.tagged_at} +0000\n\n"
        title = _defuse(one_line(self.title)[:200].rstrip()) or self.name
        return (head + title + "\n\n" + (f"{notes}\n\n" if notes else "") + said + "\n").encode()

    def _flaw(self) -> str:
        keys = [key for key, value in self.trailers if one_line(value)]
        if not is_version(self.name):
            return "its name is not that of a version"
        if not is_object_id(self.commit) or ("Commit", self.commit) not in self.trailers:
            return f"{self.commit[:80]!r} is no commit, or not the one in its trailers"
        if keys != [key for key in TRAILERS if key in keys]:
            return "its trailers are not those that I write"
        if not _TAGGER.fullmatch(self.tagger) or not 0 <= self.tagged_at < 10**12:
            return "it has no proper tagger and date"
        return ""


def compose(repo: Repo, wish: TagWish, tagger: str) -> TagText:
    """The text of the tag that is wished for in a repository."""
    of = wish.provenance
    said = (
        name_of(repo), wish.commit, of.candidate, of.requested_by, of.requested_in, of.confirmed_by, _list(of.gates),
        of.image, of.smoke,
    )  # fmt: skip
    trailers = tuple((key, line) for key, value in zip(TRAILERS, said, strict=True) if (line := one_line(value)))
    return TagText(wish.name, wish.commit, tagger, wish.tagged_at, wish.title, wish.notes, trailers)


def is_version(name: str) -> bool:
    """Whether a tag of this name may be made: git takes it, and it reads as a version."""
    return len(name) <= 200 and read_tag(name) is not None and ".." not in name and ".lock" not in name


def one_line(text: str) -> str:
    """The text as one line that shows all there is."""
    seen = "".join(map(_seen, text[: 4 * _LONGEST_LINE]))
    return " ".join(seen.split())[:_LONGEST_LINE].rstrip()


def _list(parts: Sequence[str]) -> str:
    return ", ".join(one_line(part).replace(",", ";") for part in parts)


def _paragraphs(text: str) -> str:
    """Notes as they can stand in a message: lines of their own, and no two empty ones together."""
    lines = ["".join(map(_seen, line)).rstrip() for line in text[: 4 * _LONGEST_NOTES].split("\n")]
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(map(_defuse, lines))).strip("\n")
    return whole if len(whole) <= _LONGEST_NOTES else whole[: _LONGEST_NOTES - 1].rstrip() + "…"


def _seen(character: str) -> str:
    plain = character == "\t" or character.isprintable() or unicodedata.category(character) not in _UNSEEN
    return character if plain else " "


def _defuse(line: str) -> str:
    """A line that git could take for the beginning of a signature, or for the end of the message, is moved in."""
    return f" {line}" if line.startswith("---") else line


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_own(body: bytes) -> TagText | None:
    """The text again, where it is exactly what the bot would write; None for every other."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    head = _OWN.match(text)
    if head is None or len(body) > MOST:
        return None
    title, _, rest = text[head.end() :].partition("\n\n")
    notes, _, said = ("\n\n" + rest).rpartition("\n\n")
    pairs = [line.partition(": ") for line in said.removesuffix("\n").split("\n")]
    trailers = tuple((key, value) for key, _, value in pairs)
    found = TagText(head[2], head[1], head[3], int(head[4]), title, notes.removeprefix("\n\n"), trailers)
    try:
        return found if found.render() == body else None
    except Fault:
        return None


@dataclass(frozen=True, slots=True)
class TagObject:
    """What any tag object says, as far as it says it."""

    object: str
    name: str
    tagger: str | None
    tagged_at: int | None
    title: str
    trailers: tuple[tuple[str, str], ...]
    signed: SignatureKind | None


def read_object(body: bytes) -> TagObject:
    """Read a tag object, whatever made it."""
    head, _, message = body.partition(b"\n\n")
    fields: dict[str, str] = {}
    for line in head.decode(errors="replace").split("\n"):
        key, _, value = line.partition(" ")
        fields.setdefault(key, value)
    signed: SignatureKind | None = None
    if found := list(_ARMOUR.finditer(message)):
        signed, message = _ARMOURS[found[-1][0]], message[: found[-1].start()]  # git, too, goes by the last one
    who, at = _read_tagger(fields.get("tagger", ""))
    text = message.decode(errors="replace")
    title = text.strip("\n").partition("\n")[0].strip()
    return TagObject(fields.get("object", ""), fields.get("tag", ""), who, at, title, _read_trailers(text), signed)


def _read_tagger(line: str) -> tuple[str | None, int | None]:
    found = re.fullmatch(r"(.*?)(?: (-?\d{1,15}) [+-]\d{1,4})?", line, re.DOTALL)
    assert found is not None
    return found[1] or None, int(found[2]) if found[2] else None


def _read_trailers(text: str) -> tuple[tuple[str, str], ...]:
    """The last paragraph, when it is not the first one and holds nothing but trailers."""
    before, _, last = text.strip("\n").rpartition("\n\n")
    found: list[tuple[str, str]] = []
    for line in last.split("\n") if before else ():
        key, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and found:
            key, value = found.pop()
            found.append((key, f"{value} {line.strip()}"))
        elif colon and _KEY.fullmatch(key.rstrip(" \t")):
            found.append((key.rstrip(" \t"), value.strip()))
        else:
            return ()
    return tuple(found)
