"""A release through the performer, on both sandbox forges, over real HTTP, signed by a signer of its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from bot.app.codec import decode, encode
from bot.app.operator.effects import tell
from bot.app.operator.naming import PullName
from bot.app.perform import Performer
from bot.app.settings import parse
from bot.app.signing import choose_signing, open_signing
from bot.app.steps import MOST_KEPT
from bot.app.store.audit import Entry
from bot.core.actions import BranchMoved, BranchReady, Missing, Sync
from bot.core.changelog.facts import facts_for_notes
from bot.core.issues import GetFacts
from bot.core.model import Line, ReleaseWish, Repo
from bot.core.publishing import (
    DeleteBranch,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    PublishRelease,
    StageRelease,
)
from bot.core.refs import BranchDeleted
from bot.core.tagging import (
    FetchTags,
    IsAncestor,
    LineMove,
    LineProtected,
    MakeCommit,
    Provenance,
    PushRelease,
    ReadFiles,
    StageCommit,
    TagWish,
    VerifyTag,
)
from bot.core.versions import Version
from bot.tools.mirror import Mirrors
from tests.app.whole import REPO, World
from tests.tools.signing_keys import key_pair, needs

WHEN = 1_720_000_000
RC1 = Version(Line(2, 7), 0, 1)


@pytest.fixture(params=["github", "gitlab"])
def world(request, tmp_path):
    kind = request.param
    return World(request.getfixturevalue("sandbox" if kind == "github" else "gitlab_sandbox"), tmp_path / "bot", kind)


@pytest.fixture
def signing():
    """As settings have it that name the key's files, and nothing else."""
    text = f'[signing]\nkey_file = "{key_pair("ssh").place.path}"\n'
    return open_signing(choose_signing(parse(text, "server.toml").signing, json_log=False))


def seen(value):
    """A value as it comes back from where steps are kept."""
    text = encode(value)
    assert len(text) < MOST_KEPT
    assert decode(text) == value
    return decode(text)


@needs("ssh")
def test_a_candidate_and_its_final_are_released_on_a_forge_and_told_in_the_audit(world, signing):
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    performer = world.performer()
    with closing(Performer(performer.forges, Mirrors(world.directory / "signed", signing=signing))) as bot:
        tip = bot(Sync(repo, ("release/*",))).tip("release/2.7")
        read = seen(bot(ReadFiles(repo, tip, ("README.md", "CHANGELOG.md"))))
        assert read == {"README.md": "A kit.\n", "CHANGELOG.md": None}
        make = MakeCommit(repo, tip, (("CHANGELOG.md", "## 2.7.0\n"),), "Release 2.7.0", WHEN)
        made = seen(bot(make))
        stage = StageCommit(make, made.commit, "relbot/rc/2.7", None)
        assert seen(bot(stage)) == BranchReady(made.commit)
        assert seen(bot(IsAncestor(repo, tip, made.commit)))
        wish = TagWish("v2.7.0-rc1", made.commit, "torchkit 2.7.0, candidate 1", Provenance("@mona"), WHEN)
        push = PushRelease(repo, wish, LineMove("release/2.7", tip), "relbot/rc/2.7")
        done = seen(bot(push))
        assert (done.found, done.signed, done.tag.commit) == (False, "ssh", made.commit)
        assert seen(bot(push)).found
        assert world.file("release/2.7", "CHANGELOG.md") == "## 2.7.0\n"
        final = PushRelease(repo, TagWish("v2.7.0", made.commit, "torchkit 2.7.0", Provenance("@mona"), WHEN))
        assert seen(bot(final)).tag.commit == made.commit
        assert seen(bot(VerifyTag(repo, "v2.7.0"))).verdict == "good"
        assert [tag.name for tag in seen(bot(FetchTags(repo)))] == ["v2.7.0", "v2.7.0-rc1"]
        world.forge.protect(REPO, "release/2.8", "mona")
        tip = bot(Sync(repo, ("release/*",))).tip("release/2.8")
        commit = bot(MakeCommit(repo, tip, (("CHANGELOG.md", "## 2.8.0\n"),), "Release 2.8.0", WHEN)).commit
        refused = bot(PushRelease(repo, TagWish("v2.8.0-rc1", commit, "x", Provenance("@mona"), WHEN),
                                  LineMove("release/2.8", tip)))  # fmt: skip
        assert isinstance(refused, LineProtected)
        assert "rotected" in refused.reason
        assert [tag.name for tag in bot(FetchTags(repo))] == ["v2.7.0", "v2.7.0-rc1"]
    told = audited(push, done)
    assert told.written == (f"tag v2.7.0-rc1 made at {made.commit}, expected not to exist, and release/2.7 put there, "
                            f"expected to be at {push.line.expect}")  # fmt: skip
    assert told.came == f"it is there, as {done.tag.sha}, signed with ssh"
    assert audited(stage, BranchReady(made.commit)).written.endswith("expected not to exist")


def audited(write, outcome):
    return tell(0.0, Entry("job", "@mona", encode(write), encode(outcome)), PullName("github", REPO, 1), {})


def test_a_candidate_is_drafted_staged_tagged_shown_and_its_branch_deleted(world):
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    title = "fix: scale by nothing <b>@mona</b>"
    number = world.propose(({"kit/scale.py": "x = 1\n"}, title), base="release/2.7")
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    with closing(world.performer()) as bot:
        tip = bot(Sync(repo, ("release/*",))).tip("release/2.7")
        policy = (".github/relbot.toml", '[changelog]\nauthors = "link"\n')
        first = seen(bot(DraftRelease(repo, tip, RC1, "v2.7.0-rc1", WHEN, policy)))
        assert first.numbers == (number,)
        facts = facts_for_notes(bot(GetFacts(repo, first.numbers)).values())
        draft = DraftRelease(repo, tip, RC1, "v2.7.0-rc1", WHEN, policy, facts)
        drafted = seen(bot(draft))
        assert drafted.commit != first.commit
        assert f"/{number})" in drafted.notes
        assert world.forge.url in drafted.notes
        assert "<b>" not in drafted.notes.replace("\\<", "")
        stage = StageRelease(draft, drafted.commit, "relbot/rc/2.7", None)
        assert len(encode(stage)) < 3000
        assert seen(bot(stage)) == BranchReady(drafted.commit)
        assert "## [2.7.0] - 2024-07-03" in world.file("relbot/rc/2.7", "CHANGELOG.md")
        wish = TagWish("v2.7.0-rc1", drafted.commit, "torchkit 2.7.0, candidate 1", Provenance("@mona"), WHEN)
        assert seen(bot(PushRelease(repo, wish, LineMove("release/2.7", tip)))).tag.commit == drafted.commit
        shown = ReleaseWish("v2.7.0-rc1", "2.7.0, candidate 1", drafted.notes, prerelease=True)
        made = seen(bot(EnsureRelease(repo, shown)))
        found = seen(bot(FindRelease(repo, "v2.7.0-rc1")))
        assert found.body.strip() == drafted.notes.strip()
        assert made == replace(found, body="")
        assert [release.tag for release in seen(bot(FindReleases(repo)))] == ["v2.7.0-rc1"]
        assert seen(bot(PublishRelease(repo, "v2.7.0-rc1", latest=False))) == made
        gone = DeleteBranch(repo, "relbot/rc/2.7", drafted.commit)
        assert isinstance(bot(DeleteBranch(repo, "relbot/rc/2.7", tip)), BranchMoved)
        assert seen(bot(gone)) == BranchDeleted(drafted.commit)
        assert isinstance(seen(bot(gone)), Missing)
        again = DraftRelease(repo, drafted.commit, Version(Line(2, 7), 0, 2), "v2.7.0-rc2", WHEN + 1, policy, facts)
        assert seen(bot(again)).commit == drafted.commit
