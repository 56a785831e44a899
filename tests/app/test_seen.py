"""What the audit says was seen is short, and holds no text that people wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.app.seen import say_seen
from bot.core import actions as a
from bot.core.issues import FindIssue, Issue
from bot.core.jobs import FindEnded
from bot.core.model import Branch, Check, Comment, Commit, Evidence, Person, Role
from bot.core.model import Change as Landed
from bot.core.picks import Conflict, Picked
from bot.core.refs import Touched, Untouched
from bot.core.standing import FindOpenOnto, FindTags, GetChecks
from tests.app.values import ADA, PICK, REPO, a_pull

SHA = "a" * 40
WORDS = "Words of a person @ada"
PULL = replace(a_pull(), title=WORDS, body=WORDS)
COMMIT = Commit(SHA, (), "f" * 40, "Ada <a@b>", 1, WORDS)
LINE = Branch("release/2.7", "b" * 40)


@pytest.mark.parametrize(
    ("action", "outcome", "said"),
    [
        (a.GetRole(REPO, ADA), Role.WRITE, "the role of ada was write"),
        (a.IsMember(REPO, ADA, "acme/release"), False, "ada was no member of acme/release"),
        (a.Identify(REPO, ADA), Person(1, "ada", is_bot=True), "ada was a bot"),
        (a.GetLabellings(REPO, 12), {"backport/2.7": a.Labelling(ADA, 2)}, "labels were set: backport/2.7 by ada (2)"),
        (a.GetPull(REPO, 12), PULL, f"#12 was merged as {'c' * 40} onto main, its head at {'e' * 40}"),
        (a.GetPull(REPO, 12), a.Missing("pull 12"), "there was no pull 12"),
        (a.FindPulls(REPO, "x", "y"), (), "from x onto y: none"),
        (a.FindPullsOf(REPO, SHA), (PULL,), f"{SHA} belonged to #12 (merged as {'c' * 40})"),
        (FindOpenOnto(REPO, "y"), (), "open were none"),
        (a.FindComment(REPO, 12, "m"), Comment(5, ADA, WORDS), "my comment on #12 was 5"),
        (a.FindComment(REPO, 12, "m"), None, "my comment on #12 was not there"),
        (FindIssue(REPO, "<!-- relbot:tracker 2.7 -->"), Issue(9, WORDS, WORDS, "", ADA, is_open=True),
         "my issue with relbot:tracker 2.7 was #9, open"),
        (FindIssue(REPO, "<!-- relbot:tracker 2.7 -->"), a.Missing(WORDS),
         "my issue with relbot:tracker 2.7 was not there"),
        (FindEnded(REPO, 12), (), "0 jobs of #12 were remembered"),
        (a.Sync(REPO, ()), a.Synced((LINE,), ("p", WORDS)), "1 branches: release/2.7 at bbbbbbbbbbbb"),
        (a.ResolveChange(REPO, PULL), Landed(12, WORDS, (COMMIT,), "squash", WORDS), f"the change was {SHA} (squash)"),
        (a.ResolveChange(REPO, PULL), a.NotLanded(WORDS), "the change was not found: NotLanded"),
        (a.FindPresent(REPO, Landed(12, WORDS, (COMMIT,), "squash", WORDS), LINE),
         (Evidence("similar", SHA, None, certain=False, score=0.5),),
         f"on release/2.7 at {'b' * 40}: similar aaaaaaaaaaaa?"),
        (PICK, Picked("b" * 40, SHA, SHA, ()), f"the pick onto {'b' * 40}: picked as {SHA}"),
        (PICK, Conflict("b" * 40, (), ()), f"the pick onto {'b' * 40}: conflict"),
        (a.CheckBranch(PICK, "x"), Untouched(SHA), f"x was as I had made it, at {SHA}"),
        (a.CheckBranch(PICK, "x"), Touched(SHA), f"x was worked on by others, at {SHA}"),
        (a.CheckBranch(PICK, "x"), a.Missing("x"), "x was not there"),
        (a.FindStanding(REPO, SHA, LINE), a.Standing(holds=False, taken_back_by="b"),
         f"{SHA} on release/2.7: taken back by b"),
        (GetChecks(REPO, SHA), (Check(WORDS, "failed"),), f"{SHA} had 1 checks"),
        (FindTags(REPO), (), None),
        (a.CompareWithOriginal(PICK, SHA), WORDS, None),
    ],
)  # fmt: skip
def test_each_question_is_told_in_a_sentence_of_ours(action, outcome, said):
    assert say_seen(action, outcome) == said
    assert WORDS not in str(said)


def test_no_sentence_grows_without_a_bound():
    many = tuple(Branch("release/" + "x" * 200, SHA) for _ in range(50))
    assert len(str(say_seen(a.Sync(REPO, ()), a.Synced(many, None)))) <= 300
