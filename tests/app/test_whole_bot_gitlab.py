"""The same bot on the other forge: hooks in over HTTP, merge requests, notes, labels and branches out on a GitLab."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.sandbox import Fault
from tests.app.whole import REPO, World, op


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
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x - 3")}, "Differ", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/v2.7")
    world.settle()
    assert not world.pulls_onto("release/2.7")
    assert "backport-conflict/2.7" in world.labels(number)
    assert "kit/ops.py" in world.said_on(number)[0]


def test_a_word_in_chat_asks_as_the_label_does_and_a_readers_does_not(world):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three")
    world.forge.comment(REPO, number, "/backport 2.8", by="rita")
    world.settle()
    assert not world.pulls_onto("release/2.8")
    world.forge.comment(REPO, number, "/backport 2.8", by="ada")
    world.settle()
    assert len(world.pulls_onto("release/2.8")) == 1


def test_commits_that_the_forge_cannot_sign_are_refused_with_the_way_on(world):
    world.forge.commit("acme/torchkit", "main", {".gitlab/relbot.toml": "backport.verified = true\n"}, "Ask", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
    world.settle()
    assert not world.pulls_onto("release/2.7")
    said = world.said_on(number)[0].replace("\\", "")
    assert "GitLab signs no commits that a bot makes. Leave `verified` out" in said


@pytest.mark.parametrize("said", ["/release ping", "/release nonsense", "/backport 2.8"])
def test_what_a_bot_says_is_passed_over_without_a_word(world, said):
    """Its webhook looks like a person's."""
    add_bot(world, "otherbot")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three")
    comment = world.forge.comment(REPO, number, said, by="otherbot")
    world.settle()
    assert (comment.reactions, world.said_on(number), world.pulls_onto("release/2.8")) == ([], [], [])


def test_a_bot_that_the_policy_names_asks_by_word_and_by_label(world):
    add_bot(world, "mergebot")
    world.forge.commit(REPO, "main", {".gitlab/relbot.toml": '[people]\napps = ["mergebot"]\n'}, "Name it", by="mona")
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three")
    world.forge.comment(REPO, number, "/backport 2.8", by="mergebot")
    world.forge.label(REPO, number, "backport/2.7", by="mergebot")
    world.settle()
    assert [len(world.pulls_onto(f"release/{line}")) for line in ("2.7", "2.8")] == [1, 1]


def add_bot(world, login):
    world.forge.add_user(login, bot=True)
    world.forge.grant(REPO, login, "write")


NOT_YET = [
    Fault(r"/merge_requests/1$", "GET", 404, body={"message": "404 Not found"}),
    Fault(r"/merge_requests$", "POST", 404, body={"message": "404 Not found"}),
    Fault(r"/merge_requests$", "POST", 409, times=9, body={"message": ["Another open merge request already exists"]}),
    Fault(r"/merge_requests/2$", "PUT", 404, body={"message": "404 Not found"}),
    Fault(r"/merge_requests/1$", "PUT", 409, body={"message": "409 Conflict: Resource lock"}),
    Fault(r"/notes$", "POST", 404, body={"message": "404 Not found"}),
]


@pytest.mark.parametrize("trouble", NOT_YET, ids=lambda one: f"{one.method} {one.path} {one.status}")
def test_what_gitlab_does_not_know_yet_costs_no_backport(world, trouble):
    number = world.propose(({"kit/ops.py": op(3, "x * 3")}, "Multiply by three"))
    world.forge.label(REPO, number, "backport/2.7", "bug", by="mona")
    world.settle()
    world.forge.fail(replace(trouble))
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    assert (backport.labels, "backport-open/2.7" in world.labels(number)) == (["bug"], True)
    [told] = world.said_on(number)
    assert "waits for review" in told


def test_an_untouched_backport_is_built_anew_where_the_line_is_now(world):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
    world.settle()
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(9, "x - 9")}, "Go on", by="mona")
    world.forge.comment(REPO, number, "/backport recreate 2.7", by="mona")
    world.settle()
    head = f"backport/2.7/{number}"
    assert len(world.pulls_onto("release/2.7")) == 1
    assert world.log(head, "%H")[1] == world.log("release/2.7", "%H")[0]


def test_a_merged_backport_settles_the_labels(world):
    number = world.land({"kit/ops.py": op(3, "x * 3")}, "Multiply by three", "backport/2.7")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    world.forge.merge_pull(REPO, backport.number, "merge", by="mona")
    world.settle()
    assert "backported/2.7" in world.labels(number)
    assert "backport-open/2.7" not in world.labels(number)
