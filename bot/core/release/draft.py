"""The commit and the notes of a version as they would be now, told what the forge and people know of its pulls.

It must never push: what is drafted lies in memory until somebody stages it.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core.actions import Planning, Refused, ask
from bot.core.changelog.facts import facts_for_notes
from bot.core.issues import GetFacts
from bot.core.publishing import Drafted, DraftRelease
from bot.core.release.look import LineNow, find_known
from bot.core.standing import GetCommits

Draft = tuple[DraftRelease, Drafted | Refused]
"""How it was asked for, and what came of it."""


def draft_candidate(now: LineNow, asked_at: int) -> Planning[Draft]:
    """Upon the line's tip; dated as what waits on the bot's branch already is, else with the wish."""
    wanted = (now.branch.sha, *((now.staged.sha,) if now.staged else ()))
    commits = {commit.sha: commit for commit in (yield from ask(GetCommits(now.repo, wanted)))}
    tip = commits.get(now.branch.sha)
    staged = commits.get(now.staged.sha) if now.staged else None
    if staged and staged.parents == (now.branch.sha,):
        return (yield from draft_upon(now, now.branch.sha, staged.committed_at))
    return (yield from draft_upon(now, now.branch.sha, max(asked_at, tip.committed_at if tip else 0)))


def draft_final(now: LineNow, commit: str) -> Planning[Draft]:
    """Upon a commit that is there, dated as it is. Of a candidate's nothing would change; the notes are the final's."""
    found = yield from ask(GetCommits(now.repo, (commit,)))
    return (yield from draft_upon(now, commit, max((each.committed_at for each in found), default=0)))


def draft_upon(now: LineNow, parent: str, at: int) -> Planning[Draft]:
    """The version that comes next, upon a commit. Asked twice: the first tells which pulls there is to know about."""
    bare = DraftRelease(
        now.repo, parent, now.next.version, now.next.tag, at, now.policy_file,
        notes=tuple((int(number), text) for number, text in sorted(now.account.notes.items())),
        known=(yield from find_known(now)),
    )  # fmt: skip
    first = yield from ask(bare)
    if isinstance(first, Refused) or not first.numbers:
        return bare, first
    facts = yield from ask(GetFacts(now.repo, first.numbers))
    told = replace(bare, facts=facts_for_notes(facts.values()))
    return told, (yield from ask(told))
