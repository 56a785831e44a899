"""A pull of the bot's own that changes files on a branch where people decide: a section rolled up, a mark, a pin.

It must never write over what people have pushed to its branch, nor open a second pull for the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.actions import BranchMoved, DescribePull, EnsurePull, FindPulls, Flow, Planning, Refused, Sync, ask
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
    earlier: tuple[tuple[str, int], ...] | None = None
    """Message and date of each commit that may have been proposed from this branch before, and whose place this one
    takes. None where there is only ever one: then a pull that has ended says how this one did.
    """


@dataclass(frozen=True, slots=True)
class Brought:
    """The pull that brings it."""

    pull: Pull
    left: bool = False
    """Whether it was left as people have made it."""


def propose(repo: Repo, proposal: Proposal) -> Flow[Pull | Refusal | None]:
    """The open pull that brings it; None where the base has all of it already.

    A pull that a person has closed unmerged, or pushed to, is left as it is and handed back.
    """
    brought = yield from bring(repo, proposal)
    return brought.pull if isinstance(brought, Brought) else brought


def bring(repo: Repo, proposal: Proposal) -> Flow[Brought | Refusal | None]:
    """The same, and whether it was left as it is."""
    make = MakeCommit(repo, proposal.base.sha, proposal.files, proposal.message, proposal.at)
    made = yield from ask(make)
    if made.commit == proposal.base.sha:
        return None
    synced = yield from ask(Sync(repo, (f"{proposal.head}*",)))  # as a pattern, since it may not be there
    there = synced.tip(proposal.head)
    earlier = yield from ask(FindPulls(repo, proposal.head, proposal.base.name))
    if earlier and not (yield from _makes_way(earlier[0], proposal, make, there)):
        return Brought(earlier[0], left=True)
    if there != made.commit:
        staged = yield from ask(StageCommit(make, made.commit, proposal.head, there))
        if isinstance(staged, Refused):
            return Refusal(f"{staged.reason.rstrip('.')}.", staged.next_step)
        if isinstance(staged, BranchMoved):
            return messages.moved(proposal.head)
    title = proposal.message.partition("\n")[0]
    ready = yield from ask(EnsurePull(repo, proposal.head, proposal.base.name, title, proposal.body))
    if isinstance(ready, Refused):
        return Refusal(f"{ready.reason.rstrip('.')}.", ready.next_step)
    if proposal.earlier is not None and not ready.opened:
        yield from ask(DescribePull(repo, ready.pull.number, proposal.body))
    return Brought(ready.pull)


def _makes_way(pull: Pull, proposal: Proposal, make: MakeCommit, there: str | None) -> Planning[bool]:
    """Whether the newest pull from the branch, and what is on it, may be left behind."""
    if not pull.is_open and (proposal.earlier is None or (pull.merged and there == pull.head_sha)):
        return proposal.earlier is not None
    return (yield from _is_untouched(make, proposal.earlier or (), there))


def _is_untouched(make: MakeCommit, earlier: tuple[tuple[str, int], ...], there: str | None) -> Planning[bool]:
    """Whether nobody but the bot has worked on the branch. Whoever amends my commit gives it a date of its own."""
    if there is None:
        return True
    commits = yield from ask(GetCommits(make.repo, (there,)))
    mine = {(message.strip(), at, at) for message, at in ((make.message, make.committed_at), *earlier)}
    return any((commit.message.strip(), commit.authored_at, commit.committed_at) in mine for commit in commits)
