"""What is said after a version has its tag: on pulls, on the tracker, and of tags that people have made or taken away.

It must never blame anybody: a tag says who has made it, and that is for people to read.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.ledger import safe_url
from bot.core.messages.escape import code, link, plain, pull_link
from bot.core.model import Branch, Pull
from bot.core.tagging import TagChecked
from bot.core.versions import Version
from bot.core.wishes import FollowTag


def released_marker(version: Version) -> str:
    """What the line on a pull is found by, once for each version."""
    return f"<!-- relbot:released {version} -->"


def after_marker(version: Version) -> str:
    """The same of what followed from a final, on its tracker."""
    return f"<!-- relbot:after {version} -->"


def tag_marker(version: Version, sha: str, occasion: str) -> str:
    """The same of what is said about a tag: once for each thing that it named, and for what was done to it."""
    named = "".join(digit for digit in sha[:12] if digit in "0123456789abcdef")  # nothing can end the marker early
    return f"<!-- relbot:tag {version} {occasion} {named} -->"


# ── a final ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def render_released(version: Version, tag: str, url: str | None) -> str:
    """The one line on a pull whose change a final holds."""
    return f"{released_marker(version)}\nReleased in {_linked(tag, url)}."


def describe_roll_up(version: Version, tag: str, branch: str) -> tuple[str, str]:
    """Message of the commit, whose first line is the pull's title, and text of the pull."""
    body = (
        f"{plain(tag, 80)} is out. This brings its section from {code(branch)} into the changelog here, at its place "
        "in the order of versions, with what people have written into it. What is edited here stays as it is edited."
    )
    return f"chore(release): the changelog of {version}\n\nAs it is on {branch}.", body


def render_after(version: Version, tag: str, url: str | None, said: Sequence[str]) -> str:
    """What followed from a final, on the tracker of its line."""
    rows = "\n".join(f"- {each}" for each in said)
    return f"{after_marker(version)}\n**{_linked(tag, url)} is out.**\n\n{rows}"


def roll_up_said(pull: Pull | None, branch: str) -> str:
    """How the section gets into the changelog of the default branch."""
    if pull is None:
        return f"The changelog of {code(branch)} has its section."
    where = pull_link(pull.number, safe_url(pull.url))
    if pull.is_open:
        return f"{where} brings its section into the changelog of {code(branch)}: please merge it."
    if pull.merged:
        return f"{where} has brought its section into the changelog of {code(branch)}."
    return f"{where} was to bring its section into the changelog of {code(branch)}, and was closed: bring it by hand."


def no_section(path: str) -> str:
    """There is nothing to roll up."""
    return f"{code(path)} has no section of it at the tag, so there is none to bring to the default branch."


def milestone_said(title: str, open_ones: int | None) -> str:
    """How a version's milestone stands; `open_ones` are the things that keep it open, None for too many to count."""
    if open_ones == 0:
        return f"The milestone {plain(title, 60)} is closed."
    some = "many things are" if open_ones is None else "1 thing is" if open_ones == 1 else f"{open_ones} things are"
    return f"The milestone {plain(title, 60)} stays open, since {some} open in it: move them on, then close it."


def pulls_said(count: int, most: int) -> str:
    """How many pulls are told that they are released."""
    if count > most:
        return f"Of {count} pulls in it I tell the first {most} that they are released."
    return f"The pulls in it are told that they are released: {count}." if count else "It holds no pull that I know of."


# ── a tag that people have made ──────────────────────────────────────────────────────────────────────────────────────


def render_adopted(version: Version, checked: TagChecked, branch: Branch) -> str:
    """A tag that was pushed by hand and is as one of the bot's would be."""
    kind = "final" if version.candidate is None else "candidate"
    head = f"**{plain(checked.tag.name, 80)} was pushed by hand, and I count it as a {kind} of {version.line}.**"
    facts = f"It is annotated, {plain(checked.said, 200)}, and its commit is on {code(branch.name)}."
    return f"{tag_marker(version, checked.tag.sha, 'pushed')}\n{head} {facts}"


def render_flagged(version: Version, checked: TagChecked, flaws: Sequence[str]) -> str:
    """A tag that was pushed by hand and should not be what people install."""
    rows = "\n".join(f"- {flaw}" for flaw in flaws)
    marker = tag_marker(version, checked.tag.sha, "pushed")
    return (
        f"{marker}\n⚠️ **{plain(checked.tag.name, 80)} was pushed by hand, and it is not as it should be:**\n\n{rows}"
        f"\n\nI do nothing more about it. Please leave it where it is, since others may have it by now, and make the "
        f"next number: say `/release rc {version.line}`, and I count on from it."
    )


def render_disturbed(job: FollowTag, version: Version, now: TagChecked | None) -> str:
    """A version's tag was moved or taken away."""
    marker = tag_marker(version, now.tag.sha if now else job.sha, job.occasion)
    what = f"**{plain(job.tag, 80)} was {job.occasion}.**"
    if now is None:
        names = f"It was at {plain(job.sha, 64)}."
    else:
        names = f"It is at {now.tag.commit or now.tag.sha} now; whoever fetched it before has another commit."
    return (
        f"{marker}\n⚠️ {what} {names} A version's tag never moves and never goes: two people would mean two things by "
        f"one name. I do not put it back. Find out who did it, and make the next number: say "
        f"`/release rc {version.line}`. A rule of the forge for tags such as this one keeps it from happening again."
    )


def _linked(tag: str, url: str | None) -> str:
    return link(plain(tag, 80), safe_url(url) if url else None)
