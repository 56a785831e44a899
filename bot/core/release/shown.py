"""What the forge shows under a version's tag: a candidate's prerelease, a final's release; and what their notes say.

It must never write over a release that is there, since people may have written on it, nor publish anybody's draft.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.core.actions import Flow, Missing, Planning, Refused, ask
from bot.core.changelog.facts import facts_for_notes
from bot.core.changelog.merge import unmarked
from bot.core.changelog.page import read_page
from bot.core.issues import GetFacts
from bot.core.messages import releases as messages
from bot.core.messages.escape import plain
from bot.core.model import Line, Release, ReleaseWish, Repo
from bot.core.numbering import place_pointers
from bot.core.publishing import DraftRelease, EnsureRelease, FindRelease
from bot.core.release.look import LineNow
from bot.core.tagging import TagFound
from bot.core.versions import Version, read_tag

Shown = Release | Missing | Refused
"""The release that a forge shows, or why it shows none."""


def show_candidate(repo: Repo, line: Line, draft: DraftRelease, notes: str | None = None) -> Flow[Shown]:
    """The prerelease of a candidate. Without `notes` they are drafted once more, where it is not there."""
    there = yield from ask(FindRelease(repo, draft.tag))
    if isinstance(there, Release):
        return there
    if notes is None:
        notes = yield from _notes_of(draft)
    body = messages.render_prerelease(draft.tag, line, notes)
    return (yield from ask(EnsureRelease(repo, ReleaseWish(draft.tag, draft.tag, body, prerelease=True))))


def show_final(repo: Repo, tag: str, section: str, *, latest: bool) -> Flow[Shown]:
    """The release of a final. A draft that is there waits for something, and is left to whoever has made it."""
    there = yield from ask(FindRelease(repo, tag))
    if isinstance(there, Release):
        return there
    return (yield from ask(EnsureRelease(repo, ReleaseWish(tag, tag, section, latest=latest))))


def is_latest(version: Version, tags: Iterable[TagFound], withdrawn: Iterable[Version] = ()) -> bool:
    """Whether a final is the one that the mark Latest belongs to, by the set of all that are not withdrawn."""
    finals = [found for tag in tags if (found := read_tag(tag.name)) and found.candidate is None]
    return place_pointers(finals, withdrawn).get("latest") == version


def section_of(changelog: str, version: Version) -> str | None:
    """What a changelog says of a version, without its heading; None where it has no section."""
    page = read_page(changelog.replace("\r\n", "\n"))
    at = page.find(Version(version.line, version.patch))
    return None if at is None else unmarked(page.parts[at].body).strip()


def draft_of(now: LineNow, version: Version, tag: TagFound) -> DraftRelease:
    """A draft upon the commit that has the tag already: only what it tells of the version is wanted of it."""
    return DraftRelease(
        now.repo, tag.commit or tag.sha, version, tag.name, tag.tagged_at or 0, now.policy_file,
        notes=tuple((int(number), text) for number, text in sorted(now.account.notes.items())),
    )  # fmt: skip


def _notes_of(draft: DraftRelease) -> Planning[str]:
    """What is new in a version, told with what the forge knows of the pulls; nothing where it cannot be drafted."""
    drafted = yield from ask(draft)
    if not isinstance(drafted, Refused) and drafted.numbers:
        facts = yield from ask(GetFacts(draft.repo, drafted.numbers))
        drafted = yield from ask(replace(draft, facts=facts_for_notes(facts.values())))
    return "" if isinstance(drafted, Refused) else drafted.notes


def trouble_with(release: Shown) -> str:
    """What is wrong with the forge's release; it takes nothing from the tag. Empty where it is there."""
    if isinstance(release, Release):
        return ""
    said = release.reason if isinstance(release, Refused) else f"the forge does not find {release.what}"
    return plain(said, 300)
