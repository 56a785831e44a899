"""The course of a withdrawal: a version is marked wherever people look, and what points at it points elsewhere.

It must never delete or move a tag, nor take a word from what a release or a changelog said: it goes forward only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.core.actions import Flow, Missing, Planning, Refused, Sync, ask
from bot.core.changelog.page import read_page
from bot.core.changelog.write import yank as mark_section
from bot.core.jobs import Report
from bot.core.lines import find_branch, sync_patterns
from bot.core.messages import releases
from bot.core.messages import withdrawals as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Release, ReleaseWish
from bot.core.numbering import place_pointers
from bot.core.permission import may
from bot.core.policy import Policy
from bot.core.publishing import EnsureRelease, FindReleases, GetCapabilities, MarkLatest
from bot.core.release.confirmation import Asking, drop, hear, is_dropped, wait
from bot.core.release.ending import Ending, object_to, refused, show
from bot.core.release.marks import YANKED, is_withdrawn, marker_of, tags_of, withdrawn_of
from bot.core.release.proposals import Proposal, propose
from bot.core.survey import take_survey
from bot.core.tagging import FetchTags, IsAncestor, ReadFiles, TagFound
from bot.core.versions import Version, read_tag
from bot.core.wishes import Yank

_BY = "<!-- relbot:yanked-by "

MOST_LATER = 20
"""Later versions of the line that are looked at."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """All that is known of a version before it is withdrawn."""

    policy: Policy
    tags: tuple[TagFound, ...]
    named: tuple[TagFound, ...]
    """The tags that name the version."""
    known: tuple[Release, ...]
    later: tuple[str, ...]
    """What came after it on the line and holds it."""

    def release(self, tag: str) -> Release | None:
        """The release of a tag."""
        return next((one for one in self.known if one.tag == tag), None)

    def without(self, version: Version) -> dict[str, str]:
        """Where the names that move belong without it, by the names of tags."""
        pointers = place_pointers(self._versions(), {*withdrawn_of(self.known), version})
        return {name: tags_of(one, self.tags)[0].name for name, one in pointers.items()}

    def is_latest(self, version: Version) -> bool:
        """Whether it is latest, or was before it was withdrawn."""
        return place_pointers(self._versions(), withdrawn_of(self.known) - {version}).get("latest") == version

    def _versions(self) -> list[Version]:
        return [found for tag in self.tags if tag.commit and (found := read_tag(tag.name))]


def yank(job: Yank) -> Flow[Report]:
    """Withdraw it once that is confirmed, and show how it ended."""
    if is_dropped(job):
        return (yield from show(job, drop(job)))
    return (yield from show(job, object_to(job, (yield from _yank(job)))))


def _yank(job: Yank) -> Flow[Ending]:
    survey = yield from take_survey(job.repo)
    if survey.errors:
        return refused(releases.broken_policy(survey.errors))
    if not (yield from may(job.repo, job.asked.actor, "manager", survey.policy)):
        return refused(releases.not_a_manager(job.asked.actor))
    seen = yield from _look(job, survey.policy)
    if isinstance(seen, Refusal):
        return refused(seen)
    first = seen.named[0].name
    marked = [release for tag in seen.named if (release := seen.release(tag.name)) and is_withdrawn(release)]
    if any(_origin_of(job) in release.body for release in marked):  # by this very wish, which was interrupted
        return (yield from _withdraw(job, seen))
    if any(_BY in release.body for release in marked):  # by another wish of mine, which may have been interrupted
        return (yield from _withdraw(job, seen, again=True))
    if marked:
        return _already(first, marked[0].url)
    bound = _bound(job, seen)
    heard = yield from hear(job, seen.policy, bound)
    match heard:
        case Refusal():
            return refused(heard)
        case Asking():
            after = seen.without(job.version)
            latest = "" if job.rc is not None else messages.say_latest(after.get("latest"), marked=False)
            text = messages.render_offer(first, job.reason, latest, _instead(job, after), seen.later)
            return wait(job, seen.policy, heard, bound, text)
        case None:
            return (yield from _withdraw(job, seen))
        case _:
            assert_never(heard)


def _already(tag: str, url: str | None, rows: Sequence[str] = ()) -> Ending:
    return Ending("nothing", "confused", messages.render_already(tag, url, rows), f"{tag} was withdrawn before.")


def _bound(job: Yank, seen: _Seen) -> dict[str, str]:
    """What is confirmed: the tags, what they name, and where latest goes."""
    named = {f"tag {tag.name}": tag.commit or "" for tag in seen.named}
    return {**named, "latest": seen.without(job.version).get("latest", "nothing")}


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────


def _look(job: Yank, policy: Policy) -> Planning[_Seen | Refusal]:
    tags = yield from ask(FetchTags(job.repo))
    if not (named := tags_of(job.version, tags)):
        return messages.no_such_version(job.version, _nearest(job.version, tags))
    known = yield from ask(FindReleases(job.repo))
    later = yield from _find_later(job, tags, named[0].commit or "")
    return _Seen(policy, tags, named, known, later)


def _find_later(job: Yank, tags: tuple[TagFound, ...], commit: str) -> Planning[tuple[str, ...]]:
    """What came after it on the line, and holds it."""
    later: tuple[str, ...] = ()
    for tag in _after(job.version, tags)[:MOST_LATER]:
        if tag.commit and (yield from ask(IsAncestor(job.repo, commit, tag.commit))):
            later = (*later, tag.name)
    return later


def _after(version: Version, tags: tuple[TagFound, ...]) -> list[TagFound]:
    """What came later on the line, in order; the final that a candidate became comes after it."""
    read = [(found, tag) for tag in tags if (found := read_tag(tag.name)) and found.line == version.line]
    return [tag for found, tag in sorted(read, key=lambda pair: (pair[0].place, pair[1].name)) if version < found]


def _nearest(version: Version, tags: tuple[TagFound, ...]) -> list[str]:
    """The versions of the line that come before and after it, or the newest of all where it has none."""
    read = sorted(
        (found.place, tag.name) for tag in tags if (found := read_tag(tag.name)) and found.line == version.line
    )
    before = [name for place, name in read if place < version.place]
    after = [name for place, name in read if place > version.place]
    if near := [*before[-1:], *after[:1]]:
        return near
    every = sorted((found.place, tag.name) for tag in tags if (found := read_tag(tag.name)))
    return [name for _, name in every[-2:]]


def _instead(job: Yank, after: dict[str, str]) -> str | None:
    """What to use in its place: of its own line, or else whatever is latest."""
    return after.get(str(job.line)) or after.get("latest")


def _origin_of(job: Yank) -> str:
    """What is hidden in a release that this very wish has marked."""
    return f"{_BY}{job.asked.origin} -->"


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Step:
    """What came of one step, in a sentence."""

    said: str
    done: bool = True


def _withdraw(job: Yank, seen: _Seen, *, again: bool = False) -> Flow[Ending]:
    """The mark first, since people may be looking; each step may be done already. `again`: it was wished for before."""
    after, first = seen.without(job.version), seen.named[0].name
    note = messages.render_note(first, job.asked.actor, job.reason, _instead(job, after))
    url, steps = yield from _mark(job, seen, note)
    if job.rc is None:  # a candidate was never called latest, and its section is the final's
        steps.append((yield from _repoint(job, after.get("latest"), must=seen.is_latest(job.version))))
        for base in (yield from _find_bases(job, seen.policy)):
            steps.append((yield from _mark_section(job, base, seen.policy.changelog.file, note)))
    steps.sort(key=lambda step: step.done)
    if troubles := [step.said for step in steps if not step.done]:
        text = messages.render_unfinished(first, [step.said for step in steps])
        return Ending("refused", "confused", text, f"{first} is not wholly withdrawn: {'; '.join(troubles)}")
    if again:
        return _already(first, url, [step.said for step in steps])
    text = messages.render_done(first, url, [step.said for step in steps], seen.later, job.line)
    people = [job.asked.actor.login, *([job.answered.by.login] if job.answered else [])]
    return Ending("made", "rocket", text, f"{first} is withdrawn.", messages.render_news(first, url, people))


def _mark(job: Yank, seen: _Seen, note: str) -> Flow[tuple[str | None, list[_Step]]]:
    """Title and text say it; as a prerelease it can never be fallen back to. Where there is no release, one is made."""
    url, steps = None, []
    for tag in seen.named:
        there = seen.release(tag.name)
        if there is None or not is_withdrawn(there):
            body = f"{marker_of(tag.name)}\n{_origin_of(job)}\n{note}"
            body = messages.render_marked(body, there.body if there else "")
            title, draft = (there.title if there else "") or tag.name, bool(there and there.draft)
            wish = ReleaseWish(tag.name, f"{title} {YANKED}", body, prerelease=True, draft=draft)
            ready: Release | Missing | Refused = yield from ask(EnsureRelease(job.repo, wish))
        else:
            ready = there
        if isinstance(ready, Release):
            url = url or ready.url
        else:
            steps.append(_trouble("its release is not marked", ready))
    return url, steps


def _repoint(job: Yank, latest: str | None, *, must: bool) -> Flow[_Step]:
    """Latest goes to the highest final that is left, where a forge can be told so. Unless it `must`, since it was on
    what is withdrawn, it may be that the forge shows no release of that final: then nothing is amiss.
    """
    able = yield from ask(GetCapabilities(job.repo))
    if latest is None or not able.latest_mark:
        return _Step(messages.say_latest(latest, marked=False))
    moved = yield from ask(MarkLatest(job.repo, latest, latest=True))
    if isinstance(moved, Release) or (isinstance(moved, Missing) and not must):
        return _Step(messages.say_latest(latest, marked=isinstance(moved, Release)))
    return _trouble("the mark Latest is not where it belongs", moved)


def _find_bases(job: Yank, policy: Policy) -> Planning[list[Branch]]:
    """The branches whose changelogs have a section of it: the line's, where it still has one, and the default one."""
    synced = yield from ask(Sync(job.repo, sync_patterns(policy)))
    line, tip = find_branch(policy, job.line, synced.branches), synced.tip(job.repo.default_branch)
    main = [Branch(job.repo.default_branch, tip)] if tip else []
    return [line, *main] if isinstance(line, Branch) else main


def _mark_section(job: Yank, base: Branch, file: str, note: str) -> Flow[_Step]:
    """By a pull: people decide what stands in their files."""
    text = (yield from ask(ReadFiles(job.repo, base.sha, (file,)))).get(file) or ""
    if read_page(text).find(job.version) is None:
        return _Step(messages.say_no_section(base.name))
    message, body = messages.describe_mark(job.version, base.name, note)
    files, at = ((file, mark_section(text, job.version)),), (job.answered or job.asked).at
    proposal = Proposal(base, f"relbot/yank/{job.version}/{base.name}", files, message, body, at)
    proposed = yield from propose(job.repo, proposal)
    if isinstance(proposed, Refusal):
        what = f"the section on {base.name} is not marked"
        return _Step(messages.say_trouble(what, proposed.reason, proposed.next_step), done=False)
    return _Step(messages.say_pull(base.name, proposed))


def _trouble(what: str, answer: Missing | Refused) -> _Step:
    if isinstance(answer, Missing):
        return _Step(messages.say_trouble(what, f"the forge does not find {answer.what}"), done=False)
    return _Step(messages.say_trouble(what, answer.reason, answer.next_step), done=False)
