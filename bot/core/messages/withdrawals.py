"""What is said about a version that is withdrawn: on its release, in the pulls that mark it, and to who asked.

It must never hold a line that reads as a command of its own, nor say that anything was deleted or moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.ledger import safe_login, safe_url
from bot.core.messages.escape import clip, code, link, one_line, plain, pull_link
from bot.core.messages.refusals import Refusal
from bot.core.model import Line, Person, Pull
from bot.core.versions import Version

MAX_BODY = 120_000
"""Characters of a release's text; both forges take at least 125,000."""


def no_such_version(version: Version, nearest: Sequence[str]) -> Refusal:
    """No tag names it."""
    near = (
        f"the nearest are {', '.join(one_line(name, 80) for name in nearest)}" if nearest else "and there is no other"
    )
    return Refusal(f"There is no tag of {version}; {near}.", "Name a version that was tagged.")


def render_already(tag: str, url: str | None, rows: Sequence[str] = ()) -> str:
    """Somebody has withdrawn it before. `rows` say how that stands beside the mark, where I did it and looked again."""
    head = f"{_linked(tag, url)} is withdrawn already, and its tag is where it always was."
    return "\n".join((head, "", *(f"- {row}" for row in rows))) if rows else head


def render_offer(tag: str, reason: str, latest: str, instead: str | None, later: Sequence[str]) -> str:
    """What withdrawing it would come to. `latest` says in words where the mark goes; of a candidate it is empty, since
    nothing points at one, and its section is the final's.
    """
    section = "its section in the changelog is marked by a pull on the line, and by one on the default branch"
    rows = (
        f"- its release is marked `[YANKED]`, and says why: {plain(reason, 300)}",
        f"- {_instead(instead)}",
        *((f"- {latest}", f"- {section}") if latest else ()),
        _later_row(later),
    )
    head = f"**{plain(tag, 80)} would be withdrawn.** Its tag stays where it is, and nothing is deleted:"
    return "\n".join((head, "", *filter(None, rows)))


def render_note(tag: str, by: Person, reason: str, instead: str | None) -> str:
    """What stands above the text of a release that is withdrawn."""
    who = f" by {plain(by.login, 60)}" if by.login else ""
    return f"**{plain(tag, 80)} was withdrawn**{who}: {plain(reason, 500)}. {_instead(instead)}"


def render_marked(above: str, before: str) -> str:
    """The whole text of such a release: what it said before stays below."""
    return clip("\n\n".join(filter(None, (above, before.strip()))), MAX_BODY)


def render_done(tag: str, url: str | None, rows: Iterable[str], later: Sequence[str], line: Line) -> str:
    """It is withdrawn. `rows` say what was done beside the mark, and what could not be done."""
    listed = "\n".join(f"- {row}" for row in filter(None, (*rows, _later_row(later).removeprefix("- "))))
    head = f"**{_linked(tag, url)} is withdrawn**: its release says so, and its tag is where it always was."
    return f"{head}\n\n{listed}\n\nWhat mends it comes out with the next patch: `/release rc {line}`."


def render_unfinished(tag: str, rows: Iterable[str]) -> str:
    """Part of it could not be done."""
    listed = "\n".join(f"- {row}" for row in rows)
    head = f"**{plain(tag, 80)} is not wholly withdrawn yet:**"
    return f"{head}\n\n{listed}\n\nMend what is named, then say `/release retry`: what was done stays done."


def render_news(tag: str, url: str | None, people: Iterable[str]) -> str:
    """For whoever waits for it: edits notify nobody."""
    whom = "".join(f"@{name} " for name in dict.fromkeys(people) if safe_login(name))
    return f"{whom}{_linked(tag, url)} is withdrawn."


def say_latest(tag: str | None, *, marked: bool) -> str:
    """Where the name latest belongs without the version."""
    if tag is None:
        return "no other final is left, so nothing is called latest"
    return f"the mark Latest is on {plain(tag, 80)}" if marked else f"the latest release is {plain(tag, 80)}"


def say_trouble(what: str, reason: str, step: str = "") -> str:
    """One thing that could not be done."""
    return f"⚠️ {what}: {plain(reason.rstrip('.'), 300)}." + (f" {plain(step, 300)}" if step else "")


def say_pull(branch: str, pull: Pull | None) -> str:
    """What marks the changelog on a branch."""
    if pull is None:
        return f"{code(branch)} says so in its changelog already"
    state = "marks" if pull.is_open else "was closed, which was to mark"
    return f"{pull_link(pull.number, safe_url(pull.url))} {state} it in the changelog on {code(branch)}"


def say_no_section(branch: str) -> str:
    """There is nothing to mark."""
    return f"{code(branch)} has no section of it in its changelog, so there is nothing to mark"


def describe_mark(version: Version, branch: str, note: str) -> tuple[str, str]:
    """The commit's message and the pull's text of the pull that marks a section."""
    message = f"chore(release): mark {version} as yanked"
    body = f"{note}\n\nThis marks its section in the changelog of {code(branch)}, which stays for who has {version}."
    return message, body


def _instead(instead: str | None) -> str:
    return f"Use {plain(instead, 80)} instead." if instead else "There is no other final to use instead yet."


def _later_row(later: Sequence[str]) -> str:
    if not later:
        return ""
    return f"- these came after it on the line and hold what it holds: {', '.join(plain(name, 80) for name in later)}"


def _linked(tag: str, url: str | None) -> str:
    return link(plain(tag, 80), safe_url(url) if url else None)
