"""One look at a line that is to be released: branch, tags, the next version, the tracker, and what stands in the way.

It must never rest on what was so when somebody asked: all of it is read again each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.core.actions import Missing, Planning, Sync, Synced, ask
from bot.core.issues import FindInMilestone, FindIssue, FindLabelled, FindMilestone, Issue, Item
from bot.core.ledger import state_label
from bot.core.lines import (
    CANDIDATES,
    NoBranch,
    Skip,
    TwoBranches,
    branches_of,
    find_branch,
    known_issue_label,
    line_of_label,
    read_backport_branch,
    sync_patterns,
)
from bot.core.messages import releases as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Check, Line, Repo, Tag
from bot.core.numbering import Next, NoVersion, next_candidate, next_final, style_wanted
from bot.core.policy import Policy
from bot.core.publishing import Drafted, Known
from bot.core.release.gates import Facts, Gate, Hold, judge
from bot.core.release.tracker import Account, marker_of, read_account
from bot.core.standing import FindOpenOnto, GetChecks, GetRequired
from bot.core.survey import take_survey
from bot.core.tagging import FetchTags, IsAncestor, TagFound


@dataclass(frozen=True, slots=True)
class LineNow:
    """How a line is found at one moment."""

    repo: Repo
    line: Line
    policy: Policy
    policy_file: tuple[str, str] | None
    branch: Branch
    staged: Branch | None
    """Where a candidate waits for its checks."""
    tags: tuple[TagFound, ...]
    next: Next
    tracker: Issue | None
    account: Account

    @property
    def final(self) -> TagFound | None:
        """The line's last final."""
        return self._found(self.next.final)

    @property
    def candidate(self) -> TagFound | None:
        """The last candidate of the version that is to be made."""
        return self._found(self.next.candidate)

    def same_as(self, commit: str) -> TagFound | None:
        """The last version, where it is this commit, or the line's tip: then there is nothing new."""
        last = self.candidate or self.final
        return last if last and last.commit in (commit, self.branch.sha) else None

    @property
    def staging(self) -> str:
        """The name of the branch on which a candidate waits."""
        return f"{CANDIDATES}{self.line}"

    def _found(self, tag: Tag | None) -> TagFound | None:
        return next((each for each in self.tags if tag and each.name == tag.name), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which version is looked for: the next candidate, or with `final` the final that candidate `number` becomes."""

    final: bool = False
    number: int | None = None


def look_at(repo: Repo, line: Line, wanted: Wanted | None = None) -> Planning[LineNow | Refusal]:
    """Look at a line; a refusal where nothing could be released of it whatever else is so."""
    survey = yield from take_survey(repo)
    if survey.errors:
        return messages.broken_policy(survey.errors)
    synced: Synced = yield from ask(Sync(repo, (*sync_patterns(survey.policy), f"{CANDIDATES}*")))
    branch = find_branch(survey.policy, line, synced.branches)
    if isinstance(branch, NoBranch):
        return messages.no_branch(line, branches_of(survey.policy, line)[0], branch.nearest)
    if isinstance(branch, TwoBranches):
        return messages.two_branches(line, branch.names)
    tags = yield from ask(FetchTags(repo))
    version = _version(line, tags, survey.policy, wanted or Wanted())
    if isinstance(version, NoVersion):
        return Refusal(version.reason, version.next_step)
    tracker = yield from ask(FindIssue(repo, marker_of(line)))
    issue = None if isinstance(tracker, Missing) else tracker
    account = read_account(issue.body) if issue else Account()
    if account is None:
        return messages.unreadable_tracker(line, issue)
    tip = synced.tip(f"{CANDIDATES}{line}")
    staged = Branch(f"{CANDIDATES}{line}", tip) if tip else None
    return LineNow(repo, line, survey.policy, synced.policy, branch, staged, tags, version, issue, account)


def _version(line: Line, found: tuple[TagFound, ...], policy: Policy, wanted: Wanted) -> Next | NoVersion:
    tags = [Tag(tag.name, tag.commit or tag.sha) for tag in found]  # a name is taken by whatever has it
    style = style_wanted(policy.release.tag, policy.release.candidate)
    return next_final(line, tags, wanted.number, style) if wanted.final else next_candidate(line, tags, style)


_UNASKED = re.compile(r"pipeline \((?!push,|external,)[a-z_]+, ")
"""Pipelines of pulls, schedules and people: none of them begins because a branch is pushed."""


# ── the gates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge_line(now: LineNow, draft: Drafted, expected: str | None = None) -> Planning[tuple[Gate, ...]]:
    """Every gate, for a commit that is the line's tip or stands upon it."""
    conflicts = yield from ask(FindLabelled(now.repo, state_label("conflict", now.line), closed=True))
    facts = Facts(
        now.next.version,
        now.branch,
        draft.commit,
        descends=(yield from _descends(now)),
        supported=is_supported(now.policy, now.line),
        holds=tuple(Hold(hold.by, hold.reason) for hold in now.account.holds),
        expected=expected,
        oversized=draft.oversized,
        conflicts=None if isinstance(conflicts, Missing) else _unresolved(now, conflicts.found),
        pending=(yield from find_pending(now)),
        missing=(yield from find_missing(now)),
    )
    facts = yield from _with_checks(now, facts)
    return judge(facts, refuse_oversized=now.policy.release.oversized == "refuse")


def judge_checks(now: LineNow, commit: str) -> Planning[Gate]:
    """The gate of the checks alone, as it stands now."""
    facts = yield from _with_checks(now, Facts(now.next.version, now.branch, commit, descends=True, supported=True))
    [gate] = (gate for gate in judge(facts) if gate.name == "checks")
    return gate


def _with_checks(now: LineNow, facts: Facts) -> Planning[Facts]:
    checks = yield from ask(GetChecks(now.repo, facts.commit))
    required = yield from _required(now, facts.commit)
    return replace(facts, checks=None if isinstance(checks, Missing) else checks, required=required)


def find_pending(now: LineNow) -> Planning[tuple[Item, ...] | None]:
    """The open backports onto the line, by the names of their branches."""
    pulls = yield from ask(FindOpenOnto(now.repo, now.branch.name))
    if isinstance(pulls, Missing):
        return None
    named = ((pull, read_backport_branch(now.policy, pull.head)) for pull in pulls if pull.head_repo_id == now.repo.id)
    own = (pull for pull, read in named if read and read[0] == now.line)
    return tuple(Item(pull.number, "pull", pull.title, pull.url, pull.labels) for pull in own)


def is_supported(policy: Policy, line: Line) -> bool:
    """Whether the policy lets a line be released."""
    return policy.lines.supported is None or line in policy.lines.supported


def _descends(now: LineNow) -> Planning[bool]:
    if now.final is None or now.final.commit is None:
        return True
    return (yield from ask(IsAncestor(now.repo, now.final.commit, now.branch.sha)))


def _required(now: LineNow, commit: str) -> Planning[tuple[str, ...] | None]:
    """The policy's checks, else the forge's, else those that ran on the line's tip: what ran there has to run here."""
    if now.policy.release.checks:
        return now.policy.release.checks
    required = yield from ask(GetRequired(now.repo, now.branch.name))
    if required and required.names:
        return required.names
    if commit == now.branch.sha:
        return None
    below = yield from ask(GetChecks(now.repo, now.branch.sha))
    ran: tuple[Check, ...] = () if isinstance(below, Missing) else below
    counted = (check.name for check in ran if check.state != "skipped" and not _UNASKED.match(check.name))
    # Some are named after the branch that they ran for.
    return tuple(dict.fromkeys(name.replace(now.branch.name, now.staging) for name in counted)) or None


def _unresolved(now: LineNow, found: tuple[Item, ...]) -> tuple[Item, ...]:
    """Those of which nobody has said that they are not for this line."""
    skip = Skip(now.line)
    return tuple(item for item in found if all(line_of_label(now.policy, label) != skip for label in item.labels))


def find_missing(now: LineNow) -> Planning[tuple[Item, ...] | None]:
    """What is still open of the version's milestone; a version without one lacks nothing."""
    version = now.next.version
    milestone = yield from ask(FindMilestone(now.repo, f"{version.line}.{version.patch}"))
    if isinstance(milestone, Missing):
        return ()
    items = yield from ask(FindInMilestone(now.repo, milestone))
    return None if isinstance(items, Missing) else items.found


def find_known(now: LineNow) -> Planning[tuple[Known, ...]]:
    """The open issues and pulls that the line is known to suffer from, in the order of their numbers."""
    found = yield from ask(FindLabelled(now.repo, known_issue_label(now.policy, now.line)))
    if isinstance(found, Missing):
        return ()
    return tuple(sorted((item.number, item.on, item.title) for item in found.found))
