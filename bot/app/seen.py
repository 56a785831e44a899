"""What the audit has of an action: what came of a question in one sentence, and a write without what it is made from.

It must never keep a text that people wrote of what was only read: ids, names, roles and states say what was seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from bot.core import actions as a
from bot.core.deploying import GetRepo
from bot.core.issues import EnsureIssue, FindIssue, Issue
from bot.core.jobs import FindEnded
from bot.core.model import Change, Comment, Pull, Release, Repo
from bot.core.publishing import Drafted, DraftRelease, EnsureRelease, FindRelease, FindReleases, StageRelease
from bot.core.refs import Touched, Untouched
from bot.core.standing import FindOpenOnto, GetChecks
from bot.core.tagging import PushRelease, StageCommit

_LONGEST = 300
_BEGINNING = 1000
"""Characters of notes that are entered."""
_SHOWN = 8
"""Things of one kind that are told one by one."""


def say_seen(action: a.Action, outcome: Any) -> str | None:  # noqa: ANN401 - of the action's own type
    """The sentence; None for what no decision rests on."""
    match action:
        case a.GetRole(person=person):
            return f"the role of {person.login} was {outcome.name.lower()}"
        case a.IsMember(person=person, group=group):
            return f"{person.login} was {'a' if outcome else 'no'} member of {group}"
        case a.Identify(person=person):
            return f"{person.login} was {'a bot' if outcome.is_bot else 'a person'}"
        case a.GetLabellings():
            set_by = [f"{label} by {one.actor.login} ({one.times})" for label, one in outcome.items()]
            return _cut(f"labels were set: {_list(set_by)}")
        case a.GetPull() | a.FindPulls() | a.FindPullsOf() | FindOpenOnto():
            return _say_pulls(action, outcome)
        case a.FindComment() | FindIssue():
            return _cut(_say_mine(action, outcome))
        case DraftRelease() | FindRelease() | FindReleases():
            return _cut(_say_release(action, outcome))
        case GetRepo(repo=repo, path=path):
            there = f"{outcome.path} ({outcome.id})" if isinstance(outcome, Repo) else "not there"
            return f"the repository {path or repo.path} was {there}"
        case FindEnded(number=number):
            return f"{len(outcome)} jobs of #{number} were remembered"
        case _:
            told = _say_commits(action, outcome)
            return _cut(told) if told else None


def abridge(action: a.Action) -> a.Action:
    """The write as it is entered. What a version's commit is made from is left out, since the commit's id seals it; of
    notes there is the beginning, and a digest of all.
    """
    match action:
        case StageRelease(draft):
            return replace(action, draft=replace(draft, policy=None, facts=(), notes=()))
        case PushRelease(tag=tag):
            return replace(action, tag=replace(tag, notes=_begin(tag.notes)))
        case EnsureRelease(wish=wish):
            return replace(action, wish=replace(wish, body=_begin(wish.body)))
        case StageCommit(make):
            return replace(action, make=replace(make, files=tuple((path, _begin(text)) for path, text in make.files)))
        case EnsureIssue(wish=issue):
            return replace(action, wish=replace(issue, body=_begin(issue.body)))
        case _:
            return action


def _begin(text: str) -> str:
    if len(text) <= _BEGINNING:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{text[:_BEGINNING]}… ({len(text)} characters, sha256 {digest})"


def _say_pulls(action: a.Action, outcome: Any) -> str:  # noqa: ANN401 - as above
    match action, outcome:
        case _, a.Missing(what):
            return f"there was no {what}"
        case _, Pull() as pull:
            labels = f", labelled {_list(pull.labels)}" if pull.labels else ""
            return _cut(f"#{pull.number} was {_state(pull)} onto {pull.base}, its head at {pull.head_sha}{labels}")
        case a.FindPulls(head=head, base=base), pulls:
            return _cut(f"from {head} onto {base}: {_numbers(pulls)}")
        case a.FindPullsOf(commit=commit), pulls:
            return _cut(f"{commit} belonged to {_numbers(pulls)}")
        case _, pulls:
            return _cut(f"open were {_numbers(pulls)}")


def _state(pull: Pull) -> str:
    if pull.is_open:
        return "open"
    return f"merged as {pull.merged_as}" if pull.merged else "closed without being merged"


def _say_commits(action: a.Action, outcome: Any) -> str | None:  # noqa: ANN401 - as above
    match action:
        case a.Sync():
            tips = [f"{branch.name} at {branch.sha[:12]}" for branch in outcome.branches]
            return f"{len(tips)} branches: {_list(tips)}"
        case a.ResolveChange():
            if isinstance(outcome, Change):
                return f"the change was {_list([commit.sha for commit in outcome.commits], 3)} ({outcome.method})"
            return f"the change was not found: {type(outcome).__name__}"
        case a.FindPresent(onto=onto):
            found = [f"{each.kind} {each.commit[:12]}{'' if each.certain else '?'}" for each in outcome]
            return f"on {onto.name} at {onto.sha}: {_list(found)}"
        case a.PickCommits(onto=onto_sha):
            made = getattr(outcome, "commit", None)
            return f"the pick onto {onto_sha}: {type(outcome).__name__.lower()}{f' as {made}' if made else ''}"
        case a.CheckBranch(branch=branch):
            return f"{branch} was {_touched(outcome)}"
        case a.FindStanding(commit=commit, onto=onto):
            return f"{commit} on {onto.name}: {_stands(outcome)}"
        case GetChecks(sha=sha):
            return f"{sha} had {0 if isinstance(outcome, a.Missing) else len(outcome)} checks"
        case _:
            return None


def _say_mine(action: a.FindComment | FindIssue, outcome: Any) -> str:  # noqa: ANN401 - as above
    match action, outcome:
        case a.FindComment(number=number), found:
            return f"my comment on #{number} was {found.id if isinstance(found, Comment) else 'not there'}"
        case FindIssue(marker=marker), Issue() as issue:
            state = "open" if issue.is_open else "closed"
            return f"my issue with {marker.strip('<!-> ')} was #{issue.number}, {state}"
        case FindIssue(marker=marker), _:
            return f"my issue with {marker.strip('<!-> ')} was not there"


def _say_release(action: a.Action, outcome: Any) -> str:  # noqa: ANN401 - as above
    match action, outcome:
        case DraftRelease(parent=parent, version=version), Drafted() as drafted:
            large = f", with {len(drafted.oversized)} commits too large for it" if drafted.oversized else ""
            return f"{version} upon {parent} would be {drafted.commit}, of {len(drafted.numbers)} pulls{large}"
        case DraftRelease(version=version), _:
            return f"{version} could not be drafted"
        case FindRelease(tag=tag), found:
            return f"the release {tag} was {_published(found) if isinstance(found, Release) else 'not there'}"
        case _, found:
            return f"{len(found)} releases were there"


def _published(release: Release) -> str:
    return "a draft" if release.draft else "a prerelease" if release.prerelease else "published"


def _touched(outcome: Untouched | Touched | a.Missing) -> str:
    match outcome:
        case Untouched(sha):
            return f"as I had made it, at {sha}"
        case Touched(sha):
            return f"worked on by others, at {sha}"
        case a.Missing():
            return "not there"


def _stands(outcome: a.Standing) -> str:
    if outcome.holds:
        return "there"
    return f"taken back by {outcome.taken_back_by}" if outcome.taken_back_by else "not there"


def _numbers(pulls: tuple[Pull, ...]) -> str:
    return _list([f"#{pull.number} ({_state(pull)})" for pull in pulls])


def _list(words: list[str] | tuple[str, ...], most: int = _SHOWN) -> str:
    shown = ", ".join(map(str, words[:most]))
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown or "none"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
