"""What is kept about lines and new lines, from a comment to the forge: the whole bot at work, on both forges."""

from __future__ import annotations

import pytest

from bot.app import log
from tests.app.whole import REPO, op

pytestmark = [pytest.mark.xdist_group("keeping"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}
MORE = {"kit/ops.py": op(4, "x + 4.0")}


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture
def world(durable_world):
    with durable_world.running():
        yield durable_world


def say(world, number, body, by="mona"):
    world.forge.comment(REPO, number, body, by=by)
    world.settle()
    return world.said_on(number)[-1]


def land(world, files, title):
    number = world.propose((files, title), base="release/2.7")
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    return number


def trackers(world):
    repository = world.forge.find(REPO)
    every = (*repository.issues.values(), *repository.tickets.values())
    return [one for one in every if one.pull is None and "<!-- relbot:tracker " in (one.body or "")]


def refs(world, *patterns):
    listed = world.forge.git(REPO).run("for-each-ref", "--format=%(refname) %(objectname)", *patterns)
    return dict(line.split() for line in listed.splitlines())


def test_a_line_is_held_noted_and_let_go_and_its_tracker_keeps_what_people_write(world):
    number = land(world, FIX, "fix(ops): make op 3 a float")
    assert trackers(world) == [], "a push opens none"
    held = say(world, number, '/release hold 2.7 reason="waits for the driver"', "ada")
    assert "**2.7 is held**: waits for the driver" in held
    [tracker] = trackers(world)
    assert "make op 3 a float" in tracker.body
    assert "### Held\n- ada: waits for the driver" in tracker.body
    world.forge.write_issue(REPO, tracker.number, f"{tracker.body}\nAsk the CUDA team.", by="mona")

    assert "held by ada: waits for the driver" in say(world, number, "/release rc 2.7")
    assert "takes a release manager" in say(world, number, "/release unhold 2.7", "ada")
    assert refs(world, "refs/tags") == {}
    other = land(world, MORE, "fix(ops): make op 4 a float")
    say(world, number, f'/release notes 2.7 {number}="Better, faster floats" {other}=none', "ada")
    assert "It was held by ada" in say(world, number, "/release unhold 2.7")
    say(world, number, "/release rc 2.7")
    assert refs(world, "refs/tags").keys() == {"refs/tags/v2.7.0-rc1"}
    section = world.file("v2.7.0-rc1", "CHANGELOG.md")
    assert "Better, faster floats" in section
    assert "make op" not in section

    [tracker] = trackers(world)
    assert tracker.body.endswith("\nAsk the CUDA team.")
    assert "v2.7.0-rc1 (" in tracker.body
    assert "### Held" not in tracker.body
    told = [one.body.partition("\n")[2] for one in tracker.comments if "relbot:news" in one.body]
    assert [text.split(" (")[0] for text in told] == [
        "ada holds 2.7: waits for the driver", "mona has lifted the holds of 2.7.", "v2.7.0-rc1 is made",
    ]  # fmt: skip


def test_a_new_line_has_all_that_belongs_to_it_and_a_second_time_makes_nothing_twice(world):
    number = world.land(FIX, "fix(ops): make op 3 a float")
    world.settle()
    tip = world.forge.git(REPO).run("rev-parse", "main").strip()
    assert "takes a release manager" in say(world, number, "/release cut 2.9", "ada")
    assert "I find no branch “main\\~\u200b1”" in say(world, number, "/release cut 2.9 from=main~1")
    assert refs(world, "refs/heads/release/2.9", "refs/heads/orig") == {}
    for _ in range(2):
        say(world, number, "/release cut 2.9")
        assert "**2.9 is cut**" in world.said_on(number)[-2]
        assert refs(world, "refs/heads/release/2.9", "refs/heads/orig") == {
            "refs/heads/release/2.9": tip, "refs/heads/orig/release/2.9": tip,
        }  # fmt: skip
        repository = world.forge.find(REPO)
        assert [one.title for one in trackers(world)] == ["Release 2.9"]
        assert [one.title for one in repository.milestones.values()] == ["2.9.0"]
        names = [label.name for label in repository.labels.values()]
        assert names.count("backport/2.9") == 1
        assert {"backported/2.9", "backport/skip-2.9", "release tracker"} <= {*names}

    [tracker] = trackers(world)
    world.forge.comment_on_issue(REPO, tracker.number, "/release hold 2.9 reason=soon", by="ada")
    world.settle()
    [tracker] = trackers(world)
    assert "### Held\n- ada: soon" in tracker.body
    assert len([one for one in tracker.comments if "2.9 is held" in one.body]) == 1
