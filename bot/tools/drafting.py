"""The commit of a version, made in memory on a line's tip: the changelog's section, and the number in version files.

It must never take anything from a clock or a random source, nor write a file whose text it could not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from bot.core.actions import BranchMoved, BranchReady, Refused
from bot.core.bumps import Unbumped, bump, read_entry
from bot.core.changelog.compose import CANCELLED, Asked, Notes, Remark, Stage, compose, plan_draft
from bot.core.changelog.entries import Sources
from bot.core.changelog.environment import PROJECT, Environment, compare_environments, read_environment
from bot.core.changelog.facts import pulls_of
from bot.core.changelog.graph import Graph
from bot.core.changelog.newcomers import mark_newcomers
from bot.core.changelog.news import tell_news
from bot.core.changelog.tags import Mark, bounds_of, marks_of
from bot.core.changelog.view import Layout, layout, show
from bot.core.changelog.write import Written
from bot.core.changelog.write import draft as draft_section
from bot.core.errors import UserError
from bot.core.lines import branches_of
from bot.core.model import Repo, Tag
from bot.core.numbering import Oversized, find_oversized, style_of
from bot.core.policy import Policy, PolicyErrors, parse
from bot.core.publishing import Drafted, DraftRelease, StageRelease
from bot.core.revisions import Logged
from bot.core.tagging import MakeCommit
from bot.core.versions import Version
from bot.tools.git import Git, check_branch
from bot.tools.log import authors_before, commits_touching, read_commits, read_tags
from bot.tools.pushing import push_branch
from bot.tools.releasing import Ground, Releases
from bot.tools.remote import read_addresses

MOST_NUMBERS = 2_000
_MOST_WARNINGS = 20
_LONGEST_WARNING = 300
_MOST_OVERSIZED = 100
_LONGEST_TITLE = 200
_ALL_TAGS = "refs/tags/*"


@dataclass(frozen=True, slots=True)
class _Told:
    """What history tells of a version."""

    section: Notes
    """All that the final brings."""
    news: Notes
    """What is new since the tag before it."""
    oversized: tuple[Oversized, ...]


class Drafting:
    """Drafts the versions of one repository."""

    def __init__(self, repo: Repo, ground: Ground, releases: Releases) -> None:
        self._repo = repo
        self._ground = ground
        self._releases = releases

    def draft(self, action: DraftRelease) -> Drafted | Refused:
        """See `DraftRelease`."""
        policy = _read_policy(action.policy)

        def work() -> Drafted | Refused:
            return self._releases.fetched([_ALL_TAGS], lambda: self._draft(action, policy))

        return self._ground.healing(work)

    def stage(self, action: StageRelease) -> BranchReady | BranchMoved | Refused:
        """See `StageRelease`. Where tags or the template have changed since, the section would be another one."""
        check_branch(action.branch)
        drafted = self.draft(action.draft)
        if isinstance(drafted, Refused):
            return drafted
        if drafted.commit != action.commit:
            reason = f"what {action.draft.version} is made of has changed since I drafted it as {action.commit[:12]}"
            return Refused(f"{reason}: it would be {drafted.commit[:12]} now", "Ask again, and I draft it anew.")
        return push_branch(self._ground.clone, self._ground.picker().scratch.view().directory, action)

    # ── the commit ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _draft(self, action: DraftRelease, policy: Policy) -> Drafted | Refused:
        if not self._releases.is_here(action.parent):  # after a restart elsewhere nothing may be here but tags
            names = branches_of(policy, action.version.line)
            self._releases.fetch([_ALL_TAGS, *(f"refs/heads/{check_branch(name)}*" for name in names)])
        tree = self._releases.there(action.parent).tree
        told, shown = self._tell(action, policy), self._layout(policy)
        number, rules = told.section.stage.version, policy.changelog.rules()
        addresses = read_addresses(self._ground.clone.access.url, self._repo.forge)
        section = show(told.section, rules, addresses)
        files = self._write(tree, policy, number, lambda old: draft_section(old, section, shown))
        if isinstance(files, Refused):
            return files
        made = self._releases.make(
            MakeCommit(self._repo, action.parent, tuple(files.texts.items()), f"chore(release): {number}", action.at)
        )
        warnings = (*told.section.warnings, *files.warnings)[:_MOST_WARNINGS]
        return Drafted(
            made.commit, made.changed, tell_news(show(told.news, rules, addresses), shown), _numbers(told.section),
            told.oversized, tuple(warning[:_LONGEST_WARNING] for warning in warnings), _shipped(told.section),
        )  # fmt: skip

    def _write(self, tree: str, policy: Policy, number: Version, section: Callable[[str], Written]) -> _Files | Refused:
        """The new texts of the changelog and of the version files."""
        changelog, bumps = policy.changelog.file, [read_entry(entry) for entry in policy.release.bump]
        there = self._releases.trees().read_files(tree, [changelog, *(file for file, _ in bumps)])
        if there[changelog] is None and self._releases.trees().holds(tree, changelog):
            reason = f"{changelog} is no file of UTF-8 text that I could add a section to"
            return Refused(reason, "Convert it, or name another `file` under [changelog] in the policy.")
        written = section(there[changelog] or "")
        texts = {changelog: written.text}
        for file, pattern in bumps:
            old = texts.get(file, there[file])
            made = Unbumped(file, "there is no such file of text") if old is None else bump(file, old, number, pattern)
            if isinstance(made, Unbumped):
                return Refused(
                    f"I could not write {number} into {file}: {made.reason}",
                    "Correct the file on the line, or `bump` under [release] in the policy, and ask again.",
                )
            texts[file] = made
        kept = (f"I kept what people wrote in {changelog}, instead of: {text}" for text in written.conflicts)
        return _Files(texts, tuple(kept))

    def _layout(self, policy: Policy) -> Layout:
        """The project's own, from the default branch as the policy says, or the usual one."""
        path = policy.changelog.template
        if path is None:
            return layout
        tip = self._ground.clone.branches().get(self._repo.default_branch)
        text = self._releases.trees().read_files(self._releases.there(tip).tree, [path])[path] if tip else None
        if text is None:
            named = f"The policy names the template {path}, and {self._repo.default_branch} has no such file of text."
            raise UserError(f"{named} Add it, or correct the policy.")
        from bot.core.changelog.template import render  # the engine takes its time to load, and few want it

        return lambda view: render(text, view)

    # ── what history tells ───────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, action: DraftRelease, policy: Policy) -> _Told:
        """One streamed log, for the section and for what is new."""
        git = self._ground.picker().scratch.offline()
        marks = marks_of(read_tags(self._ground.clone.git()))
        section, news = _stages(action, marks)
        question = plan_draft(section, news, marks)
        touching, said = None, policy.changelog
        if said.paths or said.ignore:
            touching = commits_touching(git, question.include, question.exclude, said.paths, said.ignore)
        large: dict[str, Oversized] = {}
        graph = Graph(_noting(read_commits(git, question.include, question.exclude), action.version, large))
        sources = Sources(said.rules(), pulls_of(action.facts), dict(action.notes))
        found = {notes.stage.version: replace(notes, dated=action.at)
                 for notes in compose(graph, Asked(question.stages, sources, touching))}  # fmt: skip
        whole = self._around(found[section.version], action, git)
        told = whole if news.version == section.version else found[news.version]
        return _Told(whole, told, _since_final(git, section, large))

    def _around(self, notes: Notes, action: DraftRelease, git: Git) -> Notes:
        """What stands beside the changes: who is new, what else an upgrade wants, and what is known to be wrong."""
        known = tuple(Remark(title, number, on) for number, on, title in action.known)
        notes = replace(notes, known_issues=known)
        if (base := notes.base) is None:
            return notes
        old, new = (self._environment(commit) for commit in (base.sha, action.parent))
        notes = replace(notes, upgrading=compare_environments(old, new))
        return mark_newcomers(notes, authors_before(git, base.sha))

    def _environment(self, commit: str) -> Environment | None:
        tree = self._releases.there(commit).tree
        return read_environment(self._releases.trees().read_files(tree, [PROJECT])[PROJECT])


@dataclass(frozen=True, slots=True)
class _Files:
    """New texts by path, and what people's words stood against."""

    texts: dict[str, str]
    warnings: tuple[str, ...]


def _read_policy(file: tuple[str, str] | None) -> Policy:
    if file is None:
        return Policy()
    read = parse(*file)
    if isinstance(read, PolicyErrors):
        first = read.errors[0]
        raise UserError(f"{read.path} is not in force: line {first.line}: {first.message}. Mend it, and ask again.")
    return read


def _stages(action: DraftRelease, marks: tuple[Mark, ...]) -> tuple[Stage, Stage]:
    """The final that the version is or becomes, and the version itself."""
    version = action.version
    final = Version(version.line, version.patch)
    tag = style_of(version.line, [(version, Tag(action.tag, action.parent))]).write(final)

    def stage(of: Version, name: str) -> Stage:
        return Stage(of, name, action.parent, action.at, bounds_of(of, marks))

    if version == final:
        return stage(final, action.tag), stage(final, action.tag)
    return stage(final, tag), stage(version, action.tag)


def _noting(commits: Iterable[Logged], version: Version, large: dict[str, Oversized]) -> Iterator[Logged]:
    """The commits as they come; those that a patch should not bring are noted, since messages are not kept."""
    for commit in commits:
        for one in find_oversized(version, [(commit.sha, commit.message)]):
            large[commit.sha] = replace(one, title=one.title[:_LONGEST_TITLE])
        yield commit


def _since_final(git: Git, section: Stage, large: Mapping[str, Oversized]) -> tuple[Oversized, ...]:
    """Those of them that are the version's own: the log holds other lines' commits, too."""
    if not large:
        return ()
    revisions = "".join(f"{sha}\n" for sha in (section.sha, *(f"^{mark.sha}" for mark in section.bounds)))
    own = git.run("rev-list", "--stdin", stdin=revisions.encode("ascii")).decode("ascii").split()
    return tuple(large[sha] for sha in own if sha in large)[:_MOST_OVERSIZED]


def _numbers(notes: Notes) -> tuple[int, ...]:
    """The pulls of the entries, then those of what was left out: the facts of a pull may bring it in."""
    named = [*(entry.numbers for entry in notes.entries), *(left.numbers for left in notes.left_out)]
    return tuple(dict.fromkeys(chain.from_iterable(named)))[:MOST_NUMBERS]


def _shipped(notes: Notes) -> tuple[int, ...]:
    """The same without what was taken back: a change that the notes leave out is in the version all the same."""
    kept = (left.numbers for left in notes.left_out if left.reason != CANCELLED)
    named = [*(entry.numbers for entry in notes.entries), *kept]
    return tuple(dict.fromkeys(chain.from_iterable(named)))[:MOST_NUMBERS]
