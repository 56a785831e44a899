"""Finds what nobody told the bot: closed pulls, comments that hold commands, lines that moved, half-done work.

It must never decide what follows: it makes the events that webhooks would have brought, and planning reads the forge
again as it does after those. What was planned already is told apart by the names that it gives, so it may find the same
as often as it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.core.actions import FindPulls, Missing, Planning, Sync, ask
from bot.core.commands import read_commands
from bot.core.events import ChecksReported, CommentEdited, CommentPosted, Delivery, PullClosed, PushedTo, TagPushed
from bot.core.history import FindPosted, FindTouched, Posted, Touched
from bot.core.lines import CANDIDATES, find_branch, known_lines, line_of_branch, read_backport_branch, sync_patterns
from bot.core.model import Branch, Line, Person, Repo
from bot.core.policy import Policy
from bot.core.publishing import FindReleases
from bot.core.survey import take_survey
from bot.core.tagging import FetchTags, TagChecked, TagFound, VerifyTag, is_mine
from bot.core.tags_seen import find_news, remember
from bot.core.versions import read_tag

OVERLAP = 15 * 60
"""Seconds that a sweep looks back beyond what the last one saw: forges list some things late."""

SETTLED = 3600
"""Seconds of rest after which nothing is listed late any more: looked back on for ever, the last thing that happened in
a repository would be found in every round, and be news again once its name is forgotten.
"""

LOOK_AT_BRANCHES = 3600
"""Seconds between two looks at the branches where nothing else says that one is due; such a look costs a fetch."""

MOST_ASKED_FOR = 50
"""Branches of one look for which a pull is looked for; it costs a request each, and the next look goes on."""

MOST_JUDGED = 20
"""Tags without a release that the first look at a repository asks after, the newest; it costs a fetch each."""

SWEEPER = Person(0, "sweep", is_bot=True)
"""Who brings the events. Nobody: whom they concern is read from the forge."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What earlier sweeps saw of a repository. Times are seconds since the epoch."""

    until: int
    """The forge's time of the last thing seen."""
    looked_at: int = 0
    """When the branches were looked at last; 0 when never."""
    tips: dict[str, str] = field(default_factory=dict)
    """The commits that the branches of lines and of backports were at then."""
    swept_at: int = 0
    """When the last sweep that came to its end began, by the bot's clock; 0 when that is not known."""
    behind: int | None = None
    """Since when comments count on the pulls that the last sweep left for the next one; None where it left none."""
    tags: str | None = None
    """The version tags that were there, as `tags_seen` remembers them; None before they were looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a sweep found, and what the next one is to be told. `seen` is None when the repository is out of sight."""

    deliveries: tuple[Delivery, ...]
    seen: Seen | None
    touched: int = 0


def sweep(repo: Repo, seen: Seen, now: int, remembered: int = 0, most: int | None = None) -> Planning[Found]:
    """Look at one repository; it costs a request or two where nothing happened. What was said before `remembered` is
    left: whether it was answered may be forgotten. Of more than `most` pulls the newest are left for the next sweep.
    """
    since = _beginning(seen, now)
    every = yield from ask(FindTouched(repo, since))
    if isinstance(every, Missing):
        return Found((), None)
    touched, spoken_since = _oldest(every, most), since if seen.behind is None else seen.behind
    posted = (yield from ask(FindPosted(repo, spoken_since, touched))) if touched else ()
    if isinstance(posted, Missing):
        return Found((), None)
    deliveries = [*_closed(repo, touched), *_spoken(repo, posted, remembered)]
    until = max((seen.until, *(each.touched_at for each in touched)))
    seen = replace(seen, until=until, swept_at=now, behind=spoken_since if len(touched) < len(every) else None)
    if deliveries or (seen.looked_at and now - seen.looked_at >= LOOK_AT_BRANCHES):
        moved, seen = yield from _look_at_branches(repo, seen, now)
        deliveries += moved
    return Found(tuple(deliveries), seen, len(touched))


def _beginning(seen: Seen, now: int) -> int:
    """The time to go on from. A forge's time that lies ahead of ours hides nothing that comes before it."""
    if seen.behind is not None or seen.swept_at - seen.until >= SETTLED:
        return seen.until + 1
    return max(0, min(seen.until, seen.swept_at or now) - OVERLAP)


def _oldest(touched: tuple[Touched, ...], most: int | None) -> tuple[Touched, ...]:
    """So many of them, and those of the last one's second: a time is all that says where to go on."""
    if most is None or len(touched) <= most:
        return touched
    return tuple(each for each in touched if each.touched_at <= touched[most - 1].touched_at)


def _closed(repo: Repo, touched: tuple[Touched, ...]) -> Iterator[Delivery]:
    """Closed pulls, in the state of that moment: whatever happens to one later is another name."""
    for each in touched:
        if not each.is_open and each.on == "pull":
            # The labels too: two things can happen in a second.
            state = hashlib.sha256("\n".join(sorted(each.labels)).encode()).hexdigest()[:12]
            event = PullClosed(repo, each.number, SWEEPER)
            yield Delivery(f"closed-{each.number}-{each.touched_at}-{state}", event)


def _spoken(repo: Repo, posted: tuple[Posted, ...], remembered: int) -> Iterator[Delivery]:
    for each in posted:
        if each.posted_at < remembered or not read_commands(each.body):
            continue
        name = "edited" if each.is_edited else "comment"
        event = _say(repo, each)
        yield Delivery(f"{name}-{each.comment}", event)


def _say(repo: Repo, each: Posted) -> CommentPosted | CommentEdited:
    if each.is_edited:
        return CommentEdited(repo, each.number, each.comment, each.actor, each.body, on=each.on)
    return CommentPosted(repo, each.number, each.comment, each.actor, each.body, on=each.on, written_at=each.posted_at)


# ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _look_at_branches(repo: Repo, seen: Seen, now: int) -> Planning[tuple[list[Delivery], Seen]]:
    """Lines that moved since the last look, and branches of backports for which there is no pull."""
    policy = (yield from take_survey(repo)).policy
    synced = yield from ask(Sync(repo, (*sync_patterns(policy), *_backports(policy), f"{CANDIDATES}*")))
    lines = {branch.name: branch.sha for branch in synced.branches if line_of_branch(policy, branch.name)}
    found = [_pushed(repo, name, seen.tips[name], sha) for name, sha in lines.items() if name in seen.tips]
    found += [_reported(repo, branch, now) for branch in synced.branches if branch.name.startswith(CANDIDATES)]
    carriers = [branch for branch in synced.branches if read_backport_branch(policy, branch.name)]
    known = {branch.name: branch.sha for branch in carriers if seen.tips.get(branch.name) == branch.sha}
    for branch in [branch for branch in carriers if branch.name not in known][:MOST_ASKED_FOR]:
        found.append((yield from _find_half_done(repo, policy, branch, synced.branches)))
        known[branch.name] = branch.sha
    pushed, tags = yield from _look_at_tags(repo, seen, known_lines(policy, synced.branches))
    return [each for each in (*found, *pushed) if each], replace(seen, looked_at=now, tips=lines | known, tags=tags)


def _pushed(repo: Repo, line: str, before: str, after: str) -> Delivery | None:
    if before == after:
        return None
    return Delivery(f"push-{line}-{after}", PushedTo(repo, line, before, after, SWEEPER))


def _reported(repo: Repo, branch: Branch, now: int) -> Delivery:
    """A candidate that waits may wait for checks that have ended: each look is another occasion to see."""
    event = ChecksReported(repo, branch.sha, (branch.name,), SWEEPER)
    return Delivery(f"checks-{branch.name}-{branch.sha}-{now}", event)


def _find_half_done(
    repo: Repo, policy: Policy, branch: Branch, branches: tuple[Branch, ...]
) -> Planning[Delivery | None]:
    """A branch that carries a change to a line, and that no pull was ever opened for."""
    told = read_backport_branch(policy, branch.name)
    line = find_branch(policy, told[0], branches) if told else None
    if told is None or not isinstance(line, Branch):
        return None
    if (yield from ask(FindPulls(repo, branch.name, line.name))):
        return None
    return Delivery(f"half-{branch.name}-{branch.sha}", PullClosed(repo, told[1], SWEEPER))


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _look_at_tags(repo: Repo, seen: Seen, lines: tuple[Line, ...]) -> Planning[tuple[list[Delivery], str | None]]:
    """Version tags that came or moved since the last look; at the first one those that I have left without a release.

    What has come of a tag that is gone nobody can tell by its digest: only a webhook tells of that.
    """
    if not lines:
        return [], seen.tags
    read = [(version, tag) for tag in (yield from ask(FetchTags(repo))) if (version := read_tag(tag.name))]
    tags, counted = [tag for _, tag in read], {tag.name for version, tag in read if version.line in lines}
    if seen.tags is None:
        left = yield from _find_unreleased(repo, (tag for tag in tags if tag.name in counted))
        return [_tagged(repo, tag, "created") for tag in left], remember(tags)
    # Those of other lines are remembered, too: a branch that comes to one makes no news of what was tagged long ago.
    news = [each for each in find_news(tags, seen.tags) if each[0].name in counted]
    taken, left_out = news[:MOST_ASKED_FOR], {tag.name for tag, _ in news[MOST_ASKED_FOR:]}
    found = [_tagged(repo, tag, change) for tag, change in taken]
    return found, remember(tag for tag in tags if tag.name not in left_out)


def _find_unreleased(repo: Repo, tags: Iterable[TagFound]) -> Planning[list[TagFound]]:
    """Tags with my trailers that the forge shows no release of: all that is left of work of which I remember nothing.

    The rest of a repository's history is none of my business.
    """
    newest = sorted((tag for tag in tags if tag.annotated), key=lambda tag: tag.tagged_at or 0, reverse=True)
    if not newest:
        return []
    shown = {release.tag for release in (yield from ask(FindReleases(repo)))}
    found = []
    for tag in [tag for tag in newest if tag.name not in shown][:MOST_JUDGED]:
        checked = yield from ask(VerifyTag(repo, tag.name))
        if isinstance(checked, TagChecked) and is_mine(repo, checked):
            found.append(tag)
    return found


def _tagged(repo: Repo, tag: TagFound, change: Literal["created", "moved"]) -> Delivery:
    """As a webhook would have told it, which names the commit."""
    sha = tag.commit or tag.sha
    return Delivery(f"tag-{tag.name}-{sha}", TagPushed(repo, tag.name, sha, SWEEPER, change))


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _backports(policy: Policy) -> tuple[str, ...]:
    """The branches of backports, as a pattern with one star; none where that would be every branch."""
    stem, rest = policy.backport.branch.partition("{")[0], policy.backport.branch.rpartition("}")[2]
    return (f"{stem}*{rest}",) if stem or rest else ()
