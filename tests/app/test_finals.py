"""Finals and withdrawals, from a comment to what a forge calls latest: the whole bot at work, on both forges."""

from __future__ import annotations

import re

import pytest
import requests

from bot.app import log
from bot.core.model import ReleaseWish, Repo
from tests.app.test_candidates import FIX, MORE, land, refs, say
from tests.app.whole import REPO, START

pytestmark = [pytest.mark.xdist_group("finals"), pytest.mark.filterwarnings("ignore::ResourceWarning")]

LINES = ("refs/tags", "refs/heads/main", "refs/heads/release")


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture
def world(durable_world, request):
    """One story is for the durable engine, which keeps wishes and answers; on threads the others take a fifth of it."""
    if "pain_02" not in request.node.name or durable_world.kind == "gitlab":
        durable_world.database = None
    durable_world.forge.add_user("nora")
    durable_world.forge.grant(REPO, "nora", "maintain")
    with durable_world.running():
        yield durable_world


def shown_code(world, number):
    [*_, code] = re.findall(r"`/release confirm ([0-9a-f-]+)`", "\n".join(world.said_on(number)))
    return code


def release(world, tag):
    return world.forge.find(REPO).releases[tag]


def latest(world):
    """What the forge itself calls latest; GitLab has no mark."""
    if world.kind == "gitlab":
        return None
    headers = {"Authorization": f"Bearer {world.forge.token_for('mona')}"}
    asked = requests.get(f"{world.forge.url}/repos/{REPO}/releases/latest", headers=headers, timeout=10)
    return asked.json()["tag_name"]


def publish(world, tag, *, latest=False):
    """A release of before the bot's time."""
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    world.acting.forges[world.kind].releases.ensure(repo, ReleaseWish(tag, tag, "Old notes.", latest=latest))


def test_pain_02_and_04_a_tested_candidate_becomes_the_final_on_the_same_commit_with_all_notes(world):
    number = land(world, FIX, "fix(ops): make op 3 a float")
    say(world, number, "/release rc 2.7")
    after = land(world, MORE, "fix(ops): make op 4 a float")
    say(world, after, "/release rc 2.7")
    before = refs(world, *LINES)
    say(world, after, "/release plan final 2.7\n/release final 2.7")
    assert "This was a plan: I have changed nothing." in "".join(world.said_on(after))
    assert refs(world, *LINES) == before
    say(world, after, f"/release confirm {shown_code(world, after)}", by="nora")
    assert refs(world, *LINES) == before | {"refs/tags/v2.7.0": before["refs/tags/v2.7.0-rc2"]}
    text = world.forge.git(REPO).run("cat-file", "tag", "v2.7.0")
    assert "Candidate: v2.7.0-rc2\nRequested-By: mona\n" in text and "Confirmed-By: nora\n" in text
    shown = release(world, "v2.7.0")
    assert "make op 3 a float" in shown.description and "make op 4 a float" in shown.description
    assert (shown.draft, shown.prerelease, world.forge.find(REPO).drafts) == (False, False, [])
    assert latest(world) == (None if world.kind == "gitlab" else "v2.7.0")
    assert "is released**: " in "\n".join(world.said_on(after))
    assert "".join(world.said_on(after)).count("@mona @nora ") == 1


def test_pain_07_and_28_a_patch_of_an_old_line_takes_nothing_and_a_withdrawal_gives_latest_on(world):
    git = world.forge.git(REPO)
    section = "# Changelog\n\n## [2.7.3] - 2026-11-25\n\n- it\n"
    world.forge.tag(REPO, "v2.7.2", git.run("rev-parse", "release/2.7").strip(), by="mona")
    world.forge.tag(REPO, "v2.8.0", git.run("rev-parse", "release/2.8").strip(), by="mona")
    publish(world, "v2.8.0", latest=True)
    tip = world.forge.commit(REPO, "release/2.7", {**START, "CHANGELOG.md": section}, "fix: it", by="mona")
    world.forge.tag(REPO, "v2.7.3-rc1", tip, by="mona")
    world.settle()
    number = world.propose((FIX, "fix: something else"))
    say(world, number, "/release final 2.7")
    assert "v2.7.3-rc1 was made by hand" in world.said_on(number)[-1]
    say(world, number, f"/release confirm {shown_code(world, number)}")
    tags = refs(world, "refs/tags")
    assert tags["refs/tags/v2.7.3"] == tip
    assert latest(world) == (None if world.kind == "gitlab" else "v2.8.0")
    assert ("the newest release is v2.8.0" in release(world, "v2.7.3").description) == (world.kind == "gitlab")

    say(world, number, '/release yank v2.8.0 reason="wrong results"')
    assert "[YANKED]" not in release(world, "v2.8.0").name
    say(world, number, f"/release confirm {shown_code(world, number)}")
    marked = release(world, "v2.8.0")
    assert marked.name == "v2.8.0 [YANKED]"
    assert "**v2.8.0 was withdrawn** by mona: wrong results. Use v2.7.3 instead.\n\nOld notes." in marked.description
    assert latest(world) == (None if world.kind == "gitlab" else "v2.7.3")

    say(world, number, '/release yank 2.7.3 reason="worse"')
    say(world, number, f"/release confirm {shown_code(world, number)}")
    [pull] = world.pulls_onto("release/2.7")
    assert (pull.title, pull.pull.head_ref) == ("chore(release): mark 2.7.3 as yanked", "relbot/yank/2.7.3/release/2.7")
    assert "## [2.7.3] - 2026-11-25 [YANKED]" in world.file(pull.pull.head_sha, "CHANGELOG.md")
    assert refs(world, "refs/tags") == tags, "no tag is moved, and none is taken away"


@pytest.mark.parametrize("durable_world", ["github"], indirect=True)  # what decides knows no forge
def test_pain_24_it_takes_two_where_the_policy_says_so_and_a_push_between_makes_it_refuse(world):
    policy = '[release]\nconfirmed_by = "another"\n'
    world.forge.commit(REPO, "main", {f".{world.kind}/relbot.toml": policy}, "It takes two", by="mona")
    number = land(world, FIX, "fix(ops): make op 3 a float")
    say(world, number, "/release rc 2.7")
    say(world, number, "/release final 2.7")
    code = shown_code(world, number)
    say(world, number, f"/release confirm {code}")
    assert "somebody else has to confirm it" in world.said_on(number)[-1]
    say(world, number, f"/release confirm {code}", by="ada")
    assert refs(world, "refs/tags").keys() == {"refs/tags/v2.7.0-rc1"}
    land(world, MORE, "fix(ops): make op 4 a float")
    say(world, number, f"/release confirm {code}", by="nora")
    assert "@nora v2.7.0 is not made: tip." in world.said_on(number)[-1]
    assert refs(world, "refs/tags").keys() == {"refs/tags/v2.7.0-rc1"}
    say(world, number, "/release final 2.7 rc=1")
    assert "make op 4 a float" in world.said_on(number)[-1]
    say(world, number, f"/release confirm {shown_code(world, number)}", by="nora")
    assert refs(world, "refs/tags").keys() == {"refs/tags/v2.7.0-rc1", "refs/tags/v2.7.0"}
