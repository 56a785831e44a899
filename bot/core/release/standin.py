"""The tracker of a line, for somebody who releases from the command line: another account keeps it, and its word holds.

It must never take an issue for a tracker that somebody has written who may not hold a line.
"""

from __future__ import annotations

from bot.core.actions import GetRole, Missing, Planning, ask
from bot.core.issues import TRACKER_LABEL, FindLabelled, GetIssue, Issue
from bot.core.model import Repo, Role
from bot.core.release.tracker import read_account

MOST = 60
"""Trackers that are looked at, the newest of them."""


def find_tracker_of_others(repo: Repo, marker: str) -> Planning[Issue | None]:
    """The issue with this marker that an account keeps which may write here, open or closed, as in chat; of several one
    that holds the line.

    Without it a hold that was said in chat would not be seen by who runs the program with a token of their own.
    """
    listed = yield from ask(FindLabelled(repo, TRACKER_LABEL, MOST, closed=True))
    found: list[Issue] = []
    for item in () if isinstance(listed, Missing) else listed.found:
        if item.on != "issue":
            continue
        issue = yield from ask(GetIssue(repo, item.number))
        if not isinstance(issue, Missing) and marker in issue.body and (yield from _may_hold(repo, issue)):
            found.append(issue)
    return min(found, key=lambda issue: (not _holds(issue), issue.number), default=None)


def _may_hold(repo: Repo, issue: Issue) -> Planning[bool]:
    """Apps have no role that could be asked for; whoever installs one lets it write."""
    return issue.author.is_bot or (yield from ask(GetRole(repo, issue.author))) >= Role.WRITE


def _holds(issue: Issue) -> bool:
    """Whether nothing may be released by it: what cannot be read counts as held."""
    account = read_account(issue.body)
    return account is None or bool(account.holds)
