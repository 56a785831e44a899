"""A line and its tracker, for the tests of what is kept about lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.core.actions import EnsureComment, GetRole, Missing, React, Sync
from bot.core.issues import (
    EnsureIssue,
    FindInMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    GetFacts,
    Issue,
    IssueReady,
    Items,
    PullFacts,
)
from bot.core.model import Branch, Check, Commit, Role
from bot.core.publishing import Drafted, DraftRelease
from bot.core.release.tracker import Account, View, read_account, render_tracker
from bot.core.standing import FindOpenOnto, GetChecks, GetCommits, GetRequired
from bot.core.tagging import FetchTags, IsAncestor, TagFound
from tests.core.driving import Answers
from tests.core.values import ADA, L27, NEW, TIP27, synced

FINAL = TagFound("v2.7.0", "a1" * 20, "b1" * 20, annotated=True, tagged_at=1)
RC9 = TagFound("v2.7.1-rc9", "a2" * 20, "b2" * 20, annotated=True, tagged_at=2)
RC10 = TagFound("v2.7.1-rc10", "a3" * 20, "b3" * 20, annotated=True, tagged_at=3)
VIEW = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
NOTES = (
    "### Fixed\n\n- Fix the kernel ([#12](u))\n- Fix --> it\n\n"
    "### Known issues\n\n- It is slow (#8)\n\n### New contributors\n\n- Ada\n"
)
DRAFT = Drafted(NEW, ("CHANGELOG.md",), NOTES, (12,), ())


def a_tracker(account: Account | None = None, notes: str = "", **changes: Any) -> Issue:
    """The tracker of 2.7, #9, open."""
    body = render_tracker(VIEW, account or Account()) + notes
    return replace(Issue(9, "Release 2.7", body, "https://forge.example/9", ADA, is_open=True, is_mine=True), **changes)


def written(action: EnsureIssue) -> IssueReady:
    """As the app hands it back: without the text."""
    return IssueReady(Issue(9, action.wish.title, "", "https://forge.example/9", ADA, is_open=True, is_mine=True))


def a_world(tracker: Issue | None = None, **changed: Any) -> Answers:
    """A line with a final and two candidates, that everything may be asked of."""
    answers: Answers = {
        Sync: synced(), FetchTags: (FINAL, RC10, RC9), FindIssue: tracker or Missing("a tracker"),
        GetRole: Role.MAINTAIN, FindInMilestone: Items(),
        GetCommits: (Commit(TIP27, (), "f" * 40, "Ada <a@b>", 1, "Fix it", 1_700_000_000),),
        DraftRelease: DRAFT, GetFacts: {12: PullFacts(12, "Fix", "", "", ADA)}, FindLabelled: Items(), FindOpenOnto: (),
        FindMilestone: Missing("a milestone"), IsAncestor: True, GetChecks: (Check("build", "passed"),),
        GetRequired: None, EnsureIssue: written, EnsureComment: None, React: None,
    }  # fmt: skip
    return answers | {kind: changed[kind.__name__] for kind in answers if kind.__name__ in changed}


def account_of(body: str) -> Account:
    """What is hidden in a text that was written."""
    account = read_account(body)
    assert account is not None
    return account
