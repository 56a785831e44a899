"""The chat grammar: which lines of a comment are commands, read from one table that help and permission come from too.

It must never take a command from code, a quote, an HTML comment or a link, and never fall silent on one it cannot read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.core.grammar import Filled, Lacking, Overfull, Surplus, fill
from bot.core.model import Line
from bot.core.prose import plain_lines
from bot.core.versions import Version, read_tag

MAX_COMMANDS = 10
"""Commands of one comment that are read; further ones are counted and refused."""

MAX_LENGTH = 65_536
"""Characters of a comment; a longer one is not read."""

Who = Literal["anyone", "write", "manager"]

# ── what a comment can ask for ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Help:
    """What can be said here?"""


@dataclass(frozen=True, slots=True)
class Ping:
    """Is anybody there?"""


@dataclass(frozen=True, slots=True)
class PickOnto:
    """Carry the change to these lines; `everywhere` means every supported one."""

    lines: tuple[Line, ...]
    everywhere: bool = False
    why: str = ""
    """The class of the change, by which a line that is about to be released takes it; empty when nobody said."""


@dataclass(frozen=True, slots=True)
class PickAgain:
    """Build the backport to this line anew."""

    line: Line


@dataclass(frozen=True, slots=True)
class ShowLines:
    """How does this line stand, or do the newest of all?"""

    line: Line | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Do again what has failed on this pull."""


@dataclass(frozen=True, slots=True)
class AskCandidate:
    """Make a candidate of this line, or of the one that the pull goes onto; `sha` is where the line has to be."""

    line: Line | None = None
    sha: str | None = None


@dataclass(frozen=True, slots=True)
class AskPlan:
    """What would the next candidate or final of this line be?"""

    line: Line
    final: bool = False


@dataclass(frozen=True, slots=True)
class AskFinal:
    """Promote the last candidate of this line, or that of a number."""

    line: Line
    candidate: int | None = None


@dataclass(frozen=True, slots=True)
class AskYank:
    """Withdraw this version."""

    version: Version
    reason: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """Do what was shown with this code."""

    code: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop what waits for a confirmation here."""


@dataclass(frozen=True, slots=True)
class AskCut:
    """Make a new line, at a branch or commit; without one at the tip of the default branch."""

    line: Line
    source: str | None = None


@dataclass(frozen=True, slots=True)
class AskHold:
    """Release nothing of this line."""

    line: Line
    reason: str


@dataclass(frozen=True, slots=True)
class AskUnhold:
    """Let this line go on."""

    line: Line


@dataclass(frozen=True, slots=True)
class AskNotes:
    """Set the changelog entries of changes on a line; None leaves one out, an empty text takes back what was set."""

    line: Line
    notes: tuple[tuple[int, str | None], ...]


OfLines = AskCandidate | AskPlan | AskFinal | AskYank | Confirm | Cancel | AskCut | AskHold | AskUnhold | AskNotes
"""What is asked for about releases; `core.release.orders` makes jobs of it."""

Order = Help | Ping | PickOnto | PickAgain | ShowLines | Retry | OfLines


def _pick_onto(filled: Filled) -> PickOnto:
    words = filled.words["LINE"]
    lines = (line for word in words if (line := Line.parse(word)))
    everywhere = any(word.lower() == "all" for word in words)
    return PickOnto(tuple(dict.fromkeys(lines)), everywhere, filled.args.get("class", "").lower())


def _pick_again(filled: Filled) -> Order | Complaint:
    line = Line.parse(filled.words["LINE"][0])
    return PickAgain(line) if line else UnknownWord(filled.words["LINE"][0])


def _show_lines(filled: Filled) -> Order:
    word = next(iter(filled.words.get("LINE|all", ())), "")
    return ShowLines(Line.parse(word))


def _ask_candidate(filled: Filled) -> Order:
    word = next(iter(filled.words.get("LINE", ())), "")
    return AskCandidate(Line.parse(word), filled.args.get("sha"))


def _of_line(make: Callable[[Line, Filled], Order]) -> Callable[[Filled], Order | Complaint]:
    """A reader for a verb with one line that has to be named."""

    def read(filled: Filled) -> Order | Complaint:
        word = filled.words["LINE"][0]
        line = Line.parse(word)
        return make(line, filled) if line else UnknownWord(word)

    return read


_ask_plan = _of_line(lambda line, filled: AskPlan(line, filled.words["rc|final"][0].lower() == "final"))
_ask_final = _of_line(lambda line, filled: AskFinal(line, int(filled.args["rc"]) if "rc" in filled.args else None))
_ask_cut = _of_line(lambda line, filled: AskCut(line, filled.args.get("from")))
_ask_hold = _of_line(lambda line, filled: AskHold(line, filled.args["reason"]))
_ask_unhold = _of_line(lambda line, _: AskUnhold(line))


def _ask_notes(filled: Filled) -> Order | Complaint:
    set_by_hand = {int(key): None if text.lower() == "none" else text for key, text in filled.args.items()}
    return _of_line(lambda line, _: AskNotes(line, tuple(sorted(set_by_hand.items()))))(filled)


def _ask_yank(filled: Filled) -> Order | Complaint:
    word = filled.words["VERSION"][0]
    version = read_tag(word)
    return AskYank(version, filled.args["reason"]) if version else UnknownWord(word)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table, from which commands are read, permission is asked, and help and documentation are made."""

    command: str
    name: str
    who: Who
    takes: str
    """In the language of `grammar`."""
    help: str
    example: str
    read: Callable[[Filled], Order | Complaint] | None = None
    """Makes the order out of the words; None for a verb that arrives later."""
    later: tuple[str, ...] = ()
    """Keys of arguments that arrive later than the verb itself."""

    @property
    def built(self) -> bool:
        """Whether the program can do it."""
        return self.read is not None

    @property
    def said(self) -> str:
        """Command and verb, as people write them."""
        return f"{self.command} {self.name}".rstrip()


_ASKED_FOR = "[class=regression|critical|fixnewfeature|docs|release] [--with-prerequisites]"

# fmt: off
TABLE: tuple[Verb, ...] = (
    Verb("/backport", "", "write", f"LINE… {_ASKED_FOR}", "picks this change onto release lines", "/backport 2.7 2.6",
         _pick_onto, later=("--with-prerequisites",)),
    Verb("/backport", "recreate", "write", "LINE", "rebuilds a backport that nobody has pushed to",
         "/backport recreate 2.7", _pick_again),
    Verb("/release", "help", "anyone", "", "lists what I can do", "/release help", lambda _: Help()),
    Verb("/release", "ping", "anyone", "", "says whether I am there", "/release ping", lambda _: Ping()),
    Verb("/release", "status", "anyone", "[LINE|all]",
         "per line: its head, checks, last candidate and final, pending picks, holds", "/release status 2.7",
         _show_lines),
    Verb("/release", "plan", "anyone", "rc|final LINE", "tells what a candidate or final would be, and does nothing",
         "/release plan rc 2.7", _ask_plan),
    Verb("/release", "rc", "manager", "[LINE] [sha=SHA]", "makes a candidate", "/release rc 2.7",
         _ask_candidate),
    Verb("/release", "final", "manager", "LINE [rc=NUMBER]", "promotes the tested candidate; wants a confirmation",
         "/release final 2.7 rc=3", _ask_final),
    Verb("/release", "confirm", "manager", "CODE", "confirms what was asked for with this code",
         "/release confirm 7f3a-92c1d04e", lambda filled: Confirm(filled.words["CODE"][0])),
    Verb("/release", "cancel", "manager", "", "drops what waits for a confirmation", "/release cancel",
         lambda _: Cancel()),
    Verb("/release", "cut", "manager", "LINE [from=REF]", "makes a new line", "/release cut 2.9 from=main",
         _ask_cut),
    Verb("/release", "hold", "write", "LINE reason=TEXT", "stops candidates and finals of a line",
         '/release hold 2.7 reason="waits for the driver"', _ask_hold),
    Verb("/release", "unhold", "manager", "LINE", "lets them go on", "/release unhold 2.7", _ask_unhold),
    Verb("/release", "notes", "write", "LINE NUMBER=NOTE",
         "sets the changelog entry of a change; none leaves it out, an empty text takes back what was set",
         '/release notes 2.7 123="Faster fused kernels" 124=none 125=""', _ask_notes),
    Verb("/release", "yank", "manager", "VERSION reason=TEXT", "withdraws a release; wants a confirmation",
         '/release yank v2.7.1 reason="wrong results on sm_90"', _ask_yank),
    Verb("/release", "rollback", "manager", "image LINE",
         "points a line's image names back at the previous good image; wants a confirmation",
         "/release rollback image 2.7"),
    Verb("/release", "retry", "write", "", "does again what has failed, was refused or met a conflict on this pull",
         "/release retry", lambda _: Retry()),
)
# fmt: on

ALIASES = {"/cherry-pick": "/backport", "/cherrypick": "/backport"}


def find_verb(command: str, name: str) -> Verb | None:
    """The row of a command and its verb; None when there is none."""
    return next((verb for verb in TABLE if verb.command == command and verb.name == name), None)


# ── what a comment can say ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class UnknownVerb:
    """A command with a first word that the table does not have."""

    command: str
    word: str
    nearest: str | None


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word that the verb does not take; nothing of that command is done."""

    word: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The verb needs a word of this kind, or the argument of this name, and it is not there."""

    wanted: str


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """A command or an argument that the grammar has and the program does not have yet."""

    what: str


@dataclass(frozen=True, slots=True)
class TooMany:
    """More commands than a comment may hold, or more lines than a command; those beyond are not done."""

    limit: int
    what: Literal["commands in a comment", "lines in a command"]


Complaint = UnknownVerb | UnknownWord | Incomplete | NotBuilt | TooMany


@dataclass(frozen=True, slots=True)
class Said:
    """One command of a comment, and the row that it belongs to, if it belongs to one."""

    read: Order | Complaint
    verb: Verb | None = None

    @property
    def who(self) -> Who:
        """Who may say it. What no row knows can only be answered, and that to anyone."""
        return self.verb.who if self.verb else "anyone"


def read_commands(body: str) -> tuple[Said, ...]:
    """Everything in a comment that is a command, in order; empty for a comment that holds none."""
    if len(body) > MAX_LENGTH or not _HINT.search(body):
        return ()
    said = [read for line in plain_lines(body) if (read := _read(line)) is not None]
    beyond = (Said(TooMany(MAX_COMMANDS, "commands in a comment")),) if len(said) > MAX_COMMANDS else ()
    return (*said[:MAX_COMMANDS], *beyond)


_HINT = re.compile(r"(?:^|[\r\n])[^\S\r\n]*/(?:release|backport|cherry-?pick)\b", re.IGNORECASE)
"""Spares most comments the parser."""


# ── the grammar ──────────────────────────────────────────────────────────────────────────────────────────────────────

_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+|"')


def _read(line: str) -> Said | None:
    """One line; None when it is not addressed to the bot."""
    words: list[str] = _WORD.findall(line)
    command = ALIASES.get(words[0].lower(), words[0].lower()) if words else ""
    if command not in ("/release", "/backport"):
        return None
    name = words[1].lower() if len(words) > 1 else "help"
    if verb := find_verb(command, name):
        return Said(_read_by(verb, words[2:]), verb)
    if verb := find_verb(command, ""):
        return Said(_read_by(verb, words[1:]), verb)
    return Said(UnknownVerb(command, name, _nearest(name, command)))


def _read_by(verb: Verb, words: list[str]) -> Order | Complaint:
    """The words behind a verb. What the program cannot do yet is said whatever they are."""
    if verb.read is None:
        return NotBuilt(verb.said)
    filled = fill(verb.takes, words)
    match filled:
        case Filled(_, args):
            later = next((key for key in verb.later if key in args), None)
            return NotBuilt(f"{verb.said} … {later}") if later else verb.read(filled)
        case Surplus(word):
            return UnknownWord(word)
        case Lacking(slot):
            return Incomplete(slot.key or slot.kind)
        case Overfull(limit):
            return TooMany(limit, "lines in a command")


def _nearest(word: str, command: str) -> str | None:
    names = [verb.name for verb in TABLE if verb.command == command and verb.name]
    near = difflib.get_close_matches(word[:60], names, n=1, cutoff=0.5)
    return near[0] if near else None
