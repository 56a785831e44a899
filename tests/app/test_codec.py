"""What is kept comes back as it was, and nothing else does."""

from __future__ import annotations

import json

import pytest

from bot.app import codec, log
from bot.app.codec import Unreadable, decode, encode
from bot.core.actions import EnsureBranch, Labelling, Missing, Synced
from bot.core.cutting import BranchTaken, CreateBranches, EnsureLabels, LabelsReady
from bot.core.deploying import Dispatched, DispatchEvent, GetRepo
from bot.core.events import ChecksReported, CommentPosted, PullLabelled, TagPushed
from bot.core.issues import EnsureIssue, IssueWish, PullFacts
from bot.core.jobs import Answer, Plan
from bot.core.model import Branch, CloneAccess, Line, ReleaseWish, Role, Secret
from bot.core.numbering import Oversized
from bot.core.picks import Conflict, ConflictPath, Picked, Step
from bot.core.publishing import DeleteBranch, Drafted, DraftRelease, EnsureRelease, StageRelease, TellPull
from bot.core.setup import LabelWish
from bot.core.standing import GetRequired
from bot.core.sweep import Seen
from bot.core.versions import Version
from bot.core.wishes import Deploy, FollowTag
from tests.app.values import ADA, PICK, REPO, a_backport, a_pull, a_report

DRAFT = DraftRelease(REPO, "a" * 40, Version(Line(2, 7), 1, 2), "v2.7.1-rc2", 5, ("p", "text"),
                     (PullFacts(21, "t", "b", "u", ADA),), ((21, None), (22, "said")))  # fmt: skip
STEP = Step("a" * 40, None, "conflict")
VALUES = [
    None, True, 3, 1.5, "caf\udce9 \0 \n\U0001f680", (), ("a", ("b",)), {}, {"backport/2.7": Labelling(ADA, 2)},
    Role.MAINTAIN, a_pull(7), Missing("it"), Synced((Branch("main", "b" * 40),), ("p", "text")), a_backport(),
    Picked("a" * 40, "b" * 40, "c" * 40, (STEP,)), Conflict("a" * 40, (ConflictPath("x\udcff", "contents"),), (STEP,)),
    PullLabelled(REPO, 12, ("a", "b"), ADA), CommentPosted(REPO, 12, 501, ADA, "/backport 2.7"),
    Plan((a_backport(), Answer(REPO, 12, 501, "eyes", None)), ("note",)), a_report(a_backport()),
    EnsureBranch(PICK, "c" * 40, "backport/2.7/12", None), CommentPosted(REPO, 12, 501, ADA, "", on="issue"),
    TagPushed(REPO, "v2.7.0", "a" * 40, ADA, "moved"), ChecksReported(REPO, "a" * 40, ("relbot/rc/2.7",), ADA),
    EnsureIssue(REPO, IssueWish("m", "t", "b", labels=("v2.7",))), GetRequired(REPO, "release/2.7"),
    DRAFT, StageRelease(DRAFT, "c" * 40, "relbot/rc/2.7", None), EnsureRelease(REPO, ReleaseWish("v2.7.1", "t", "b")),
    Drafted("c" * 40, ("f",), "notes", (21,), (Oversized("a" * 40, "feat: x", "a feature"),), ("w",)),
    DeleteBranch(REPO, "relbot/rc/2.7", "a" * 40), GetRepo(REPO, "acme/infra"), Dispatched("https://forge.example/1"),
    DispatchEvent(REPO, "x", (("id", "deploy:1"), ("tag", "v2.7.1"))), Deploy(REPO, Line(2, 7), "v2.7.1", "a" * 40),
    FollowTag(REPO, Line(2, 7), "v2.7.0", "a" * 40, "moved", 40),
    TellPull(REPO, 12, "m", "b"), Seen(1, tags="a1b2c3d4e5f6"),
    DeleteBranch(REPO, "relbot/rc/2.7", "a" * 40),
    CreateBranches(REPO, "a" * 40, ("release/2.9", "orig/release/2.9")), BranchTaken(Branch("release/2.9", "a" * 40)),
    EnsureLabels(REPO, (LabelWish("backport/2.9", "1d76db", "d"),)), LabelsReady(("backport/2.9",)),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_kept_comes_back_as_it_was(value):
    text = encode(value)
    assert text.isascii()
    back = decode(text)
    assert back == value
    assert type(back) is type(value)


def test_what_was_kept_before_comments_stood_on_issues_is_read_as_one_on_a_pull():
    kept = encode(CommentPosted(REPO, 12, 501, ADA, "/backport 2.7")).replace(',"on":"pull"', "")
    assert '"on"' not in kept
    assert decode(kept) == CommentPosted(REPO, 12, 501, ADA, "/backport 2.7")


def test_every_value_of_the_core_has_a_kind_of_its_own():
    assert len(codec._KINDS) > 60
    assert all(name == kind.__name__ for name, kind in codec._KINDS.items())


@pytest.mark.parametrize("value", [
    Secret("s3cret"), CloneAccess("u", "n", Secret("s3cret"), "r"), (Secret("x"),), [1], {1, 2}, b"bytes", object(),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_a_secret_and_what_nobody_has_thought_of_are_not_kept(value):
    with pytest.raises(TypeError, match="is not kept"):
        encode(value)


@pytest.mark.parametrize("text", [
    "", "{", '{"$":"Secret"}', '{"$":"nobody"}', '{"no":"kind"}', '{"$":"Missing"}',
    '{"$":"Missing","what":"it","more":1}', '{"$":"Role","name":"EMPEROR"}', '{"$":"dict"}',
    '{"$":["list"]}',
])  # fmt: skip
def test_what_another_version_wrote_is_unreadable_and_never_half_read(text):
    with pytest.raises(Unreadable, match="cannot be read"):
        decode(text)


def test_a_field_that_came_later_takes_its_default():
    laid = json.loads(encode(EnsureBranch(PICK, "c" * 40, "b", None)))
    del laid["by_forge"]
    assert decode(json.dumps(laid)) == EnsureBranch(PICK, "c" * 40, "b", None)


def test_a_credential_that_a_forge_has_repeated_is_not_kept(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())
    log.hide(Secret("t0ken-of-the-bot"))
    assert encode(Missing("you sent t0ken-of-the-bot")) == encode(Missing("you sent ***"))
