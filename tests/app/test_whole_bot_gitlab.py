"""The same bot on the other forge: hooks in over HTTP, merge requests, notes, labels and branches out on a GitLab."""

from __future__ import annotations

import pytest

from tests.app.whole import World, op


@pytest.fixture
def world(gitlab_sandbox, tmp_path):
    world = World(gitlab_sandbox, tmp_path / "bot", "gitlab")
    with world.running():
        yield world


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
def test_a_merged_labelled_merge_request_becomes_one_onto_the_line(world, method):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/v2.7", method=method)
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    assert backport.title == f"[2.7] Multiply by three (#{number})"
    assert world.file(f"backport/2.7/{number}", "kit/ops.py") == op(3, "x * 3")
    assert "backport-open/2.7" in world.labels(number)
    assert len(world.said_on(number)) == 1


def test_a_conflict_is_told_and_nothing_is_pushed(world):
    world.forge.commit("acme/torchkit", "release/2.7", {"kit/ops.py": op(3, "x - 3")}, "Differ", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/v2.7")
    world.settle()
    assert not world.pulls_onto("release/2.7")
    assert "backport-conflict/2.7" in world.labels(number)
    assert "kit/ops.py" in world.said_on(number)[0]


def test_a_word_in_chat_asks_as_the_label_does_and_a_readers_does_not(world):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three")
    world.forge.comment("acme/torchkit", number, "/backport 2.8", by="rita")
    world.settle()
    assert not world.pulls_onto("release/2.8")
    world.forge.comment("acme/torchkit", number, "/backport 2.8", by="ada")
    world.settle()
    assert len(world.pulls_onto("release/2.8")) == 1


def test_commits_that_the_forge_cannot_sign_are_refused_with_the_way_on(world):
    world.forge.commit("acme/torchkit", "main", {".gitlab/relbot.toml": "backport.verified = true\n"}, "Ask", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
    world.settle()
    assert not world.pulls_onto("release/2.7")
    said = world.said_on(number)[0].replace("\\", "")
    assert "GitLab signs no commits that a bot makes. Leave `verified` out" in said


def test_a_merged_backport_settles_the_labels(world):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    world.forge.merge_pull("acme/torchkit", backport.number, "merge", by="mona")
    world.settle()
    assert "backported/2.7" in world.labels(number)
    assert "backport-open/2.7" not in world.labels(number)
