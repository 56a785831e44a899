"""A pull of the bot's own that changes files on a branch where people decide: a section rolled up, a mark, a pin.

It must never write over what people have pushed to its branch, nor open a second pull for the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import BranchMoved, EnsurePull, FindPulls, Flow, Planning, Refused, Sync, ask
from bot.core.messages import releases as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Pull, Repo
from bot.core.standing import GetCommits
from bot.core.tagging import MakeCommit, StageCommit

PROPOSALS = "relbot/"
"""How the branches begin that proposals are made from."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be changed, and how it is told."""

    base: Branch
    """The branch that it goes onto, as it was seen."""
    head: str
    """The bot's own branch for it: the same for the same thing, however often it is proposed."""
    files: tuple[tuple[str, str], ...]
    """Path and whole new text of each."""
    message: str
    """Of the commit; its first line is the pull's title."""
    body: str
    at: int
    """The date of the commit, in seconds since the epoch: never a clock's."""


def propose(repo: Repo, proposal: Proposal) -> Flow[Pull | Refusal | None]:
    """The open pull that brings it; None where the base has all of it already.

    A pull that a person has closed unmerged, or pushed to, is left as it is and handed back.
    """
    make = MakeCommit(repo, proposal.base.sha, proposal.files, proposal.message, proposal.at)
    made = yield from ask(make)
    if made.commit == proposal.base.sha:
        return None
    synced = yield from ask(Sync(repo, (proposal.head,)))
    there = synced.tip(proposal.head)
    earlier = yield from ask(FindPulls(repo, proposal.head, proposal.base.name))
    if earlier and (not earlier[0].is_open or not (yield from _is_untouched(make, there))):
        return earlier[0]
    if there != made.commit:
        staged = yield from ask(StageCommit(make, made.commit, proposal.head, there))
        if isinstance(staged, Refused):
            return Refusal(f"{staged.reason}.", staged.next_step)
        if isinstance(staged, BranchMoved):
            return messages.moved(proposal.head)
    title = proposal.message.partition("\n")[0]
    ready = yield from ask(EnsurePull(repo, proposal.head, proposal.base.name, title, proposal.body))
    return Refusal(f"{ready.reason}.", ready.next_step) if isinstance(ready, Refused) else ready.pull


def _is_untouched(make: MakeCommit, there: str | None) -> Planning[bool]:
    """Whether nobody but the bot has worked on the branch. Whoever amends my commit gives it a date of its own."""
    if there is None:
        return True
    commits = yield from ask(GetCommits(make.repo, (there,)))
    dated = (make.committed_at, make.committed_at)
    return any(
        (commit.authored_at, commit.committed_at) == dated and commit.message.strip() == make.message.strip()
        for commit in commits
    )
