"""Branches pushed to the forge with a lease on where they were seen, and what git says put in words.

It must never force a branch beyond that lease.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bot.core.actions import BranchMoved, BranchReady, Refused
from bot.core.cutting import BranchTaken, CreateBranches
from bot.core.errors import Fault
from bot.core.model import Branch
from bot.tools.clone import Clone
from bot.tools.git import Done, GitFault, check_branch
from bot.tools.refusals import is_protection, reason_of


class Move(Protocol):
    """A branch that is to be at a commit, only if it is at `expect` now (None: only if it is not there)."""

    @property
    def commit(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def expect(self) -> str | None: ...


def push_branch(clone: Clone, source: Path, move: Move) -> BranchReady | BranchMoved | Refused:
    """Push a commit out of a git directory that borrows the clone's objects."""
    ref = f"refs/heads/{check_branch(move.branch)}"
    done = clone.push(source, f"{move.commit}:{ref}", f"{ref}:{move.expect or ''}")
    if done.status == 0:
        return BranchReady(move.commit, found=any(line.startswith(b"=") for line in done.out.split(b"\n")))
    return _explain(clone, done, ref, move)


def create_branches(clone: Clone, source: Path, action: CreateBranches) -> BranchReady | BranchTaken | Refused:
    """Make the branches that are not there in one push, each with a lease on its not being there."""
    refs = {f"refs/heads/{check_branch(name)}": name for name in action.branches}
    there = clone.remote_refs(list(refs))
    if taken := _taken(there, refs, action.commit):
        return taken
    lacking = [ref for ref in refs if ref not in there]
    if not lacking:
        return BranchReady(action.commit, found=True)
    done = clone.push_together(source, [(f"{action.commit}:{ref}", f"{ref}:") for ref in lacking])
    if done.status == 0:
        return BranchReady(action.commit)
    said = done.err.decode(errors="replace") + done.out.decode(errors="replace")
    if "returned error: 403" in said:
        return _no_room(said, action.branches)
    if "rejected]" not in said:
        raise Fault(str(GitFault(["push", *action.branches], done.status, done.err)), passing=True)
    there = clone.remote_refs(list(refs))  # the forge may have been slower than the leases, or have taken it after all
    if taken := _taken(there, refs, action.commit):
        return taken
    return BranchReady(action.commit, found=True) if len(there) == len(refs) else _no_room(said, action.branches)


def _taken(there: dict[str, str], refs: dict[str, str], commit: str) -> BranchTaken | None:
    return next((BranchTaken(Branch(refs[ref], tip)) for ref, tip in there.items() if tip != commit), None)


def _no_room(said: str, names: tuple[str, ...]) -> Refused:
    both = " and ".join(names)
    reason = f"the forge refused to have {both} made: {reason_of(said)}"
    return Refused(reason, f"Let the bot create {both}, or make them by hand at that commit, then ask again.")


def _explain(clone: Clone, done: Done, ref: str, move: Move) -> BranchReady | BranchMoved | Refused:
    said = done.err.decode(errors="replace") + done.out.decode(errors="replace")
    if "returned error: 403" in said:  # no trouble that passes: the bot may not push here
        return _refusal(said, move.branch)
    if "rejected]" not in said:
        raise Fault(str(GitFault(["push", move.branch], done.status, done.err)), passing=True)
    tip = clone.remote_tip(ref)  # the forge may have been slower than the lease, or have taken it after all
    if tip == move.commit:
        return BranchReady(tip, found=True)
    if tip == move.expect and "[remote rejected]" in said:
        return _refusal(said, move.branch)
    return BranchMoved(tip)


def _refusal(said: str, branch: str) -> Refused:
    """Put the forge's own words first, and what to do about them."""
    reason = reason_of(said)
    if "workflow" in reason:
        step = "Give the bot the workflows permission, or carry this change over by hand: it touches workflow files."
    elif is_protection(reason) and branch.startswith("relbot/"):
        step = f"Let the bot make and move branches such as {branch}, then ask again."
    elif is_protection(reason):
        step = f"Let the bot push to {branch}, or set delivery = “pull” in the policy."
    else:
        step = f"Check the rules for {branch} and the bot's rights, then ask again."
    return Refused(f"the forge refused the push to {branch}: {reason}", step)
