"""What the forge shows under a version's tag: a candidate's prerelease, a final's release; and what their notes say.

It must never write over a release that is there, since people may have written on it, nor show one that is not as it
was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.core.actions import Flow, Missing, Planning, Refused, ask
from bot.core.changelog.facts import facts_for_notes
from bot.core.changelog.merge import unmarked
from bot.core.changelog.news import read_news
from bot.core.changelog.page import read_page
from bot.core.issues import GetFacts
from bot.core.messages import finals
from bot.core.messages import releases as messages
from bot.core.messages.escape import plain
from bot.core.model import Line, Release, ReleaseWish, Repo
from bot.core.publishing import (
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    PublishRelease,
)
from bot.core.release.look import LineNow
from bot.core.release.marks import pointers_of, tags_of
from bot.core.tagging import ReadFiles, TagFound
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


def show_final(
    now: LineNow, version: Version, tag: TagFound, *, confirmed: bool = False
) -> Flow[Release | Refused]:
    """The release of a final, with what the changelog at its tag says: a draft that is read back before everybody sees
    it, where the forge has drafts. Latest goes to the highest final, whenever it was made.

    What people wrote on a release that is there stays. Their draft is published when somebody has `confirmed` the final
    just now, and is handed back as it is otherwise: it may wait for something.
    """
    tags = (*now.tags, tag)
    highest = pointers_of(tags, (yield from ask(FindReleases(now.repo)))).get("latest")
    wish = yield from _describe_final(now, version, tag, highest)
    there = yield from ask(FindRelease(now.repo, tag.name))
    if isinstance(there, Missing):
        ready = yield from ask(EnsureRelease(now.repo, wish))
        if not isinstance(ready, Release):
            return _refused(ready)
        there = yield from ask(FindRelease(now.repo, tag.name))
        if isinstance(there, Missing) or not _is_written(there, wish):
            reason = f"the forge shows the release of {tag.name} otherwise than I wrote it"
            return Refused(reason, "Look at it there, and mend or delete the draft.")
    elif not confirmed and not (there.draft and _is_written(there, wish)):
        return there
    published = yield from ask(PublishRelease(now.repo, tag.name, highest == version))
    return published if isinstance(published, Release) else _refused(published)


def _describe_final(now: LineNow, version: Version, tag: TagFound, highest: Version | None) -> Planning[ReleaseWish]:
    """The same whenever it is asked for, as far as tags and marks are."""
    able = yield from ask(GetCapabilities(now.repo))
    path, commit, tags = now.policy.changelog.file, tag.commit or tag.sha, (*now.tags, tag)
    news = read_news((yield from ask(ReadFiles(now.repo, commit, (path,))))[path] or "", version)
    above = None if able.latest_mark or highest in (None, version) else tags_of(highest, tags)[0].name
    body = finals.render_body(news or "", _candidates(version, now.tags, tag.commit), above)
    return ReleaseWish(tag.name, tag.name, body, draft=able.draft_releases)


def _candidates(version: Version, tags: Iterable[TagFound], commit: str | None) -> list[TagFound]:
    """Those of the version, from the first one to the one that is its very commit: what came later is not in it."""
    read = [(found, tag) for tag in tags if (found := read_tag(tag.name)) and found.candidate is not None]
    own = [(found, tag) for found, tag in read if (found.line, found.patch) == (version.line, version.patch)]
    ordered = [tag for _, tag in sorted(own, key=lambda pair: (pair[0].place, pair[1].name))]
    last = max((number for number, tag in enumerate(ordered, 1) if tag.commit == commit), default=len(ordered))
    return ordered[:last]


def _is_written(there: Release, wish: ReleaseWish) -> bool:
    return _text_of(there.body) == _text_of(wish.body) and not there.prerelease


def _text_of(body: str) -> str:
    """What a text says, whatever a forge has made of its line ends."""
    return "\n".join(line.rstrip() for line in body.strip().splitlines())


def _refused(answer: Missing | Refused) -> Refused:
    if isinstance(answer, Refused):
        return answer
    return Refused(f"the forge does not find {plain(answer.what, 200)}", "Look at who took it away.")


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
