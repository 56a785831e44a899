"""A project that has made releases without the bot: what its lines and tags are, and what does not fit together.

It must never make a tag or a release of what it finds, nor touch a tracker that is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.actions import Flow, Missing, Planning, Sync, ask
from bot.core.bumps import Unbumped, bump, read_entry
from bot.core.changelog.page import read_page
from bot.core.issues import FindIssue, Issue, IssueReady
from bot.core.lines import NoBranch, TwoBranches, find_branch, known_lines, supported_lines, sync_patterns
from bot.core.messages import releases as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Line, Release, Repo, Tag
from bot.core.numbering import next_candidate, style_of, style_wanted
from bot.core.policy import Policy
from bot.core.publishing import FindReleases
from bot.core.release.keep import show_tracker
from bot.core.release.look import look_at
from bot.core.release.tracker import marker_of
from bot.core.survey import take_survey
from bot.core.tagging import FetchTags, IsAncestor, ReadFiles, TagFound
from bot.core.versions import Version, read_tag

MOST_LOOKED_AT = 300
"""Tags of which is asked whether they are on their line, the newest first."""

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit together, and what can be done about it."""

    said: str
    step: str


@dataclass(frozen=True, slots=True)
class LineFound:
    """A line as it is found."""

    line: Line
    branch: Branch | None
    style: str
    """How its tags are written, with X.Y.Z and N in the places of numbers."""
    final: Tag | None
    candidates: tuple[Tag, ...]
    """Of the version that is being made, in order."""
    next: str
    """What the next candidate will be called."""
    supported: bool
    tracker: Issue | None
    problems: tuple[Problem, ...]

    @property
    def lacks_tracker(self) -> bool:
        """Whether I would open one."""
        return self.supported and self.branch is not None and self.tracker is None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All lines of a project, the newest first; `others` are tags that name no version."""

    policy: Policy
    lines: tuple[LineFound, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all lines."""

    repo: Repo
    policy: Policy
    branches: tuple[Branch, ...]
    tags: tuple[TagFound, ...]
    released: frozenset[str]
    """The tags under which the forge shows a release that people can see."""

    @property
    def plain(self) -> list[Tag]:
        """The tags that come down to a commit."""
        return [Tag(tag.name, tag.commit) for tag in self.tags if tag.commit]


def take_inventory(repo: Repo) -> Planning[Inventory | Refusal]:
    """Look at everything; nothing is written."""
    survey = yield from take_survey(repo)
    if survey.errors:
        return messages.broken_policy(survey.errors)
    synced = yield from ask(Sync(repo, sync_patterns(survey.policy)))
    tags = yield from ask(FetchTags(repo))
    releases: tuple[Release, ...] = yield from ask(FindReleases(repo))
    shown = frozenset(release.tag for release in releases if not release.draft)
    known = _Known(repo, survey.policy, synced.branches, tags, shown)
    with_branch = known_lines(survey.policy, synced.branches)
    with_tags = {version.line for tag in tags if (version := read_tag(tag.name))}
    supported = supported_lines(survey.policy, with_branch)
    found = []
    for line in sorted({*with_branch, *with_tags}, reverse=True):
        found.append((yield from _look_at(known, line, supported=line in supported)))  # noqa: PERF401 - no flow in those
    others = tuple(tag.name for tag in tags if read_tag(tag.name) is None)
    return Inventory(survey.policy, tuple(found), others)


def _look_at(known: _Known, line: Line, *, supported: bool) -> Planning[LineFound]:
    policy = known.policy
    style = style_wanted(policy.release.tag, policy.release.candidate)
    coming = next_candidate(line, known.plain, style)
    pairs = [(version, tag) for tag in known.plain if (version := read_tag(tag.name))]
    written = style_of(line, pairs, style)
    patch = coming.version.patch
    waiting = [(version, tag) for version, tag in pairs if (version.line, version.patch) == (line, patch)]
    candidates = tuple(tag for _, tag in sorted(waiting, key=lambda pair: pair[0].place))
    branch = find_branch(policy, line, known.branches)
    at = branch if isinstance(branch, Branch) else None
    tracker = yield from ask(FindIssue(known.repo, marker_of(line)))
    problems = yield from _find_problems(known, line, at, coming.final)
    if isinstance(branch, TwoBranches):
        said = f"it has more than one branch: {', '.join(branch.names)}"
        problems = (Problem(said, "delete all but one: nothing is released of it before"), *problems)
    elif isinstance(branch, NoBranch) and supported:
        problems = (Problem("it has no branch", f"make it, with relbot release cut {line}"), *problems)
    return LineFound(
        line, at, f"{written.prefix}X.Y.Z{written.candidate}N", coming.final, candidates, coming.tag, supported,
        None if isinstance(tracker, Missing) else tracker, problems,
    )  # fmt: skip


# ── what does not fit ────────────────────────────────────────────────────────────────────────────────────────────────


def _find_problems(
    known: _Known, line: Line, branch: Branch | None, final: Tag | None
) -> Planning[tuple[Problem, ...]]:
    own = [(version, tag) for tag in known.tags if (version := read_tag(tag.name)) and version.line == line]
    own.sort(key=lambda pair: (pair[0].place, pair[1].name))
    found = [*judge_tags(own), *judge_releases(own, known.released)]
    if branch is not None:
        found += yield from _find_strays(known.repo, branch, own)
        if final is not None:
            found += yield from _compare_files(known, branch, final)
    return tuple(found)


_Pairs = Sequence[tuple[Version, TagFound]]


def judge_tags(own: _Pairs) -> list[Problem]:
    """What is odd about the tags of a line, by themselves; they are in the order of versions."""
    found = []
    if light := [tag.name for _, tag in own if not tag.annotated]:
        has = "has" if len(light) == 1 else "have"
        said = f"{_named(light)} {has} no tag object: nothing tells who made {_them(light)}, and when"
        found.append(Problem(said, "leave them as they are; mine are annotated"))
    if broken := [tag.name for _, tag in own if tag.commit is None]:
        said = f"{_named(broken)} {_is(broken)} at no commit"
        found.append(Problem(said, f"look at who made {_them(broken)}; I do not count {_them(broken)}"))
    styles = [(version, style_of(version.line, [(version, Tag(tag.name, ""))])) for version, tag in own]
    prefixes = {style.prefix for _, style in styles}
    marks = {style.candidate for version, style in styles if version.candidate is not None}
    ways = [f"{prefix}X.Y.Z" for prefix in sorted(prefixes) if len(prefixes) > 1]
    ways += [f"X.Y.Z{mark}N" for mark in sorted(marks) if len(marks) > 1]
    if ways:
        said = f"its tags are written in several ways: {', '.join(ways)}"
        found.append(Problem(said, "go on in one way: I follow the newest tag of the line"))
    if late := _late_candidates(own):
        said = f"{_named(late)} came after the final of the same version"
        found.append(Problem(said, "nothing: the next candidate is of the next patch"))
    return found


def _late_candidates(own: _Pairs) -> list[str]:
    """Candidates that were tagged later than their final was, as far as both say when."""
    finals = {version.patch: tag.tagged_at for version, tag in own if version.candidate is None and tag.annotated}
    return [
        tag.name for version, tag in own
        if version.candidate is not None and tag.annotated and tag.tagged_at
        and (final := finals.get(version.patch)) and tag.tagged_at > final
    ]  # fmt: skip


def judge_releases(own: _Pairs, released: frozenset[str]) -> list[Problem]:
    """The finals that the forge shows no release of."""
    silent = [tag.name for version, tag in own if version.candidate is None and tag.name not in released]
    if not silent:
        return []
    return [Problem(f"the forge shows no release of {_named(silent)}", "make one by hand, if people should see it")]


def _find_strays(repo: Repo, branch: Branch, own: _Pairs) -> Planning[list[Problem]]:
    looked_at = [tag for _, tag in reversed(own) if tag.commit][:MOST_LOOKED_AT]
    strays = []
    for tag in looked_at:
        if not (yield from ask(IsAncestor(repo, tag.commit or "", branch.sha))):
            strays.append(tag.name)  # noqa: PERF401 - as above
    if not strays:
        return []
    said = f"{_named(strays[::-1])} {_is(strays)} not on {branch.name}"
    step = f"bring the last final onto {branch.name} before you release: a line never loses what was released"
    return [Problem(said, step)]


def _compare_files(known: _Known, branch: Branch, final: Tag) -> Planning[list[Problem]]:
    """Whether the changelog and the version files of a line agree with its last final, or with what comes next."""
    version = read_tag(final.name)
    assert version
    entries = [read_entry(entry) for entry in known.policy.release.bump]
    changelog = known.policy.changelog.file
    paths = tuple(dict.fromkeys((changelog, *(file for file, _ in entries))))
    texts = yield from ask(ReadFiles(known.repo, branch.sha, paths))
    found = []
    if (text := texts.get(changelog)) is None or read_page(text).find(version) is None:
        step = f"write it: relbot changelog --to {final.name} --output {changelog}"
        found.append(Problem(f"{changelog} on {branch.name} has no section for {version}", step))
    coming = Version(version.line, version.patch + 1)
    for file, pattern in entries:
        if said := judge_file(file, pattern, texts.get(file), (version, coming)):
            found.append(Problem(said, "bring the file in line, or mend release.bump in the policy"))
    return found


def judge_file(file: str, pattern: str, text: str | None, fitting: Iterable[Version]) -> str:
    """What is wrong with a version file; empty where it holds one of these versions."""
    if text is None:
        return f"{file}, which is to hold the version, is not there"
    wanted = [(version, bump(file, text, version, pattern)) for version in fitting]
    if unbumped := next((made for _, made in wanted if isinstance(made, Unbumped)), None):
        return f"{file} cannot be given a version: {unbumped.reason}"
    if any(made == text for _, made in wanted):
        return ""
    return f"{file} holds neither {' nor '.join(str(version) for version, _ in wanted)}"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[-_NAMED:])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


# ── what is missing and harmless ─────────────────────────────────────────────────────────────────────────────────────


def open_tracker(repo: Repo, line: Line) -> Flow[IssueReady | Refusal]:
    """The tracker of a line that has none, as it shows the line from then on; one that came meanwhile is left alone."""
    now = yield from look_at(repo, line)
    if isinstance(now, Refusal):
        return now
    if now.tracker:
        return IssueReady(now.tracker)
    shown = yield from show_tracker(now, f"adopt:{line}")
    return shown if isinstance(shown, Refusal) else IssueReady(shown, made=True)
