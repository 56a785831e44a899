"""Proposals: one pull for one thing, brought up to date as long as nobody else has worked on it."""

from __future__ import annotations

from dataclasses import replace

from bot.core.actions import BranchMoved, BranchReady, EnsurePull, FindPulls, PullReady, Refused, Sync, Synced
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Commit
from bot.core.release.proposals import Proposal, propose
from bot.core.standing import GetCommits
from bot.core.tagging import CommitMade, MakeCommit, StageCommit
from tests.core.driving import drive, kinds, only
from tests.core.values import NEW, REPO, a_pull

HEAD, OLD = "relbot/changelog/2.7.1", "0d" * 20
MAIN = Branch("main", "9" * 40)
TEXT = (("CHANGELOG.md", "new"),)
PROPOSAL = Proposal(MAIN, HEAD, TEXT, "docs: bring 2.7.1\n\nFrom 2.7.", "It is out.", 1_700_000_000)
PULL = replace(a_pull(), head=HEAD, base="main", is_open=True, merged=False)
MINE = Commit(OLD, ("8" * 40,), "f" * 40, "relbot <a@b>", PROPOSAL.at, PROPOSAL.message, PROPOSAL.at)
WORLD = {
    MakeCommit: CommitMade(NEW, "f" * 40, ("CHANGELOG.md",)), Sync: Synced((MAIN,), None), FindPulls: (),
    GetCommits: (MINE,), StageCommit: BranchReady(NEW), EnsurePull: PullReady(PULL, opened=True),
}  # fmt: skip


def propose_in(**world):
    named = {kind.__name__: kind for kind in WORLD}
    return drive(propose(REPO, PROPOSAL), {**WORLD, **{named[name]: answer for name, answer in world.items()}})


def at_head(sha):
    return Synced((MAIN, Branch(HEAD, sha)), None)


def test_a_pull_is_opened_from_a_commit_on_the_branch_as_it_was_seen():
    pull, asked = propose_in()
    assert pull == PULL
    staged = only(asked, StageCommit)
    assert (staged.make.parent, staged.commit, staged.branch, staged.expect) == (MAIN.sha, NEW, HEAD, None)
    opened = only(asked, EnsurePull)
    assert (opened.head, opened.base, opened.title, opened.body) == (HEAD, "main", "docs: bring 2.7.1", "It is out.")


def test_what_is_there_already_needs_no_pull():
    pull, asked = propose_in(MakeCommit=CommitMade(MAIN.sha, "f" * 40, ()))
    assert pull is None
    assert kinds(asked) == ["MakeCommit"]


def test_an_open_pull_is_brought_up_to_date_and_not_opened_twice():
    _, asked = propose_in(Sync=at_head(OLD), FindPulls=(PULL,))
    assert only(asked, StageCommit).expect == OLD
    _, asked = propose_in(Sync=at_head(NEW), FindPulls=(PULL,))
    assert "StageCommit" not in kinds(asked)


def test_what_people_have_pushed_or_closed_is_left_as_it_is():
    for touched in (replace(MINE, committed_at=PROPOSAL.at + 60), replace(MINE, message="Mine now")):
        pull, asked = propose_in(Sync=at_head(OLD), FindPulls=(PULL,), GetCommits=(touched,))
        assert (pull, "StageCommit" in kinds(asked)) == (PULL, False)
    closed = replace(PULL, is_open=False)
    pull, asked = propose_in(Sync=at_head(OLD), FindPulls=(closed,))
    assert (pull, "StageCommit" in kinds(asked)) == (closed, False)


def test_a_refusal_says_what_to_do():
    for answers in ({"StageCommit": BranchMoved(OLD)}, {"StageCommit": Refused("It is protected", "Unprotect it.")},
                    {"EnsurePull": Refused("It is archived", "Bring it back.")}):  # fmt: skip
        refusal, _ = propose_in(**answers)
        assert isinstance(refusal, Refusal)
        assert refusal.next_step
