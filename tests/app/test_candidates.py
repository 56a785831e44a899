"""Candidates, from a comment to a tag on the forge: the whole bot at work, on both forges."""

from __future__ import annotations

import pytest

from bot.app import log
from bot.core.model import CheckReport, Repo
from bot.sandbox.state import Release
from tests.app.whole import REPO, op

pytestmark = [pytest.mark.xdist_group("candidates"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}
MORE = {"kit/ops.py": op(4, "x + 4.0")}
STAGED = "relbot/rc/2.7"


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


def land(world, files, title):
    """A pull that is merged onto the line itself."""
    number = world.propose((files, title), base="release/2.7")
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    return number


def refs(world, *patterns):
    listed = world.forge.git(REPO).run("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", *patterns)
    return {line.split()[0]: line.split()[-1] for line in listed.splitlines()}


def report(world, sha, state, name="build"):
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    world.acting.forges[world.kind].report_on(repo, sha, CheckReport(name, state, "x", "x"))
    world.settle()


def test_a_candidate_from_a_comment_to_a_tag_and_the_next_one(world):
    number = land(world, FIX, "fix(ops): make op 3 a float")
    say(world, number, "/release rc")
    found = refs(world, "refs/tags", "refs/heads/release/2.7", "refs/heads/relbot")
    assert found.keys() == {"refs/tags/v2.7.0-rc1", "refs/heads/release/2.7"}
    assert found["refs/tags/v2.7.0-rc1"] == found["refs/heads/release/2.7"]
    assert world.log("release/2.7")[0] == "chore(release): 2.7.0"
    notes = world.file("release/2.7", "CHANGELOG.md")
    assert "## [2.7.0]" in notes
    assert "make op 3 a float" in notes
    text = world.forge.git(REPO).run("cat-file", "tag", "v2.7.0-rc1")
    assert f"Requested-By: mona\nRequested-In: comment {world.issue(number).comments[0].id} on pull {number}\n" in text
    status, news = world.said_on(number)[-2:]
    assert "is made** of" in status
    assert news.count("@mona") == 1

    say(world, number, "/release rc 2.7")
    assert "there is nothing new on the line" in world.said_on(number)[-1]
    assert len(refs(world, "refs/tags")) == 1
    after = land(world, MORE, "fix(ops): make op 4 a float")
    say(world, after, "/release rc 2.7")
    found = refs(world, "refs/tags")
    assert found.keys() == {"refs/tags/v2.7.0-rc1", "refs/tags/v2.7.0-rc2"}
    notes = world.file("v2.7.0-rc2", "CHANGELOG.md")
    assert notes.count("## [2.7.0]") == 1
    assert "make op 3" in notes and "make op 4" in notes


def test_checks_of_the_very_commit_are_waited_for_and_their_end_goes_on(world):
    number = land(world, FIX, "fix: make op 3 a float")
    report(world, world.forge.git(REPO).run("rev-parse", "release/2.7").strip(), "success")
    say(world, number, "/release rc 2.7")
    assert refs(world, "refs/tags") == {}
    staged = refs(world, "refs/heads/relbot")[f"refs/heads/{STAGED}"]
    assert "is prepared** as" in world.said_on(number)[-1]
    report(world, staged, "failure")
    assert refs(world, "refs/tags") == {}
    assert " failed on " in world.said_on(number)[-1]
    report(world, staged, "success")
    assert refs(world, "refs/tags") == {}, "what was refused is asked for anew"
    say(world, number, "/release retry")
    assert refs(world, "refs/tags") == {"refs/tags/v2.7.0-rc1": staged}
    assert refs(world, "refs/heads/relbot") == {}


def test_checks_that_pass_at_once_need_nobody_to_ask_again(world):
    number = land(world, FIX, "fix: make op 3 a float")
    report(world, world.forge.git(REPO).run("rev-parse", "release/2.7").strip(), "success")
    say(world, number, "/release rc 2.7")
    staged = refs(world, "refs/heads/relbot")[f"refs/heads/{STAGED}"]
    report(world, staged, "success")
    assert refs(world, "refs/tags", "refs/heads/release/2.7") == {
        "refs/tags/v2.7.0-rc1": staged, "refs/heads/release/2.7": staged,
    }  # fmt: skip


def test_a_line_that_moved_while_checks_ran_is_drafted_anew(world):
    number = land(world, FIX, "fix: make op 3 a float")
    report(world, world.forge.git(REPO).run("rev-parse", "release/2.7").strip(), "success")
    say(world, number, "/release rc 2.7")
    first = refs(world, "refs/heads/relbot")[f"refs/heads/{STAGED}"]
    land(world, MORE, "fix: make op 4 a float")
    report(world, world.forge.git(REPO).run("rev-parse", "release/2.7").strip(), "success")
    report(world, first, "success")
    assert refs(world, "refs/tags") == {}, "nothing is tagged that leaves out what was pushed meanwhile"
    second = refs(world, "refs/heads/relbot")[f"refs/heads/{STAGED}"]
    assert second != first
    report(world, second, "success")
    assert refs(world, "refs/tags") == {"refs/tags/v2.7.0-rc1": second}
    assert "make op 4" in world.file("v2.7.0-rc1", "CHANGELOG.md")


def test_where_the_line_is_protected_people_merge_the_section_and_the_merge_is_tagged(world):
    number = land(world, FIX, "fix: make op 3 a float")
    world.forge.protect(REPO, "release/2.7", "mona")
    say(world, number, "/release rc 2.7")
    assert refs(world, "refs/tags") == {}
    [opened] = [pull for pull in world.pulls_onto("release/2.7") if pull.part.head_ref == STAGED]
    assert "takes no push of mine" in world.said_on(number)[-1]
    world.forge.merge_pull(REPO, opened.number, "merge", by="mona")
    world.settle()
    found = refs(world, "refs/tags", "refs/heads/release/2.7")
    assert found.keys() == {"refs/tags/v2.7.0-rc1", "refs/heads/release/2.7"}
    assert len(set(found.values())) == 1
    assert world.file("v2.7.0-rc1", "CHANGELOG.md").count("## [2.7.0]") == 1
    assert refs(world, "refs/heads/relbot") == {}


def test_pain_19_three_hundred_tags_and_releases_cost_a_candidate_a_page_for_each_hundred_at_most(world):
    calls = []
    for n, files in enumerate((FIX, MORE)):
        number = land(world, files, f"fix: make it a float, {n}")
        before = world.acting.calls()
        say(world, number, "/release rc 2.7")
        calls.append(world.acting.calls() - before)
        main = world.forge.git(REPO).run("rev-parse", "main").strip()
        names = [f"v1.{k}.0" for k in range(300)]
        orders = "".join(f"update refs/tags/{name} {main}\n" for name in names)
        world.forge.git(REPO).run("update-ref", "--stdin", stdin=orders)
        releases = {name: Release(name, name, "", "mona", 1, 1, id=900 + k) for k, name in enumerate(names)}
        world.forge.find(REPO).releases.update(releases)
    assert refs(world, "refs/tags/v2*").keys() == {"refs/tags/v2.7.0-rc1", "refs/tags/v2.7.0-rc2"}
    assert calls[1] <= calls[0] + 2 * 3, "once to see that there is none, once before it is made"


def test_nobody_but_a_manager_is_heard(world):
    number = land(world, FIX, "fix: make op 3 a float")
    say(world, number, "/release rc 2.7", by="ada")
    assert refs(world, "refs/tags", "refs/heads/relbot") == {}
    assert "takes a release manager" in world.said_on(number)[-1]


def test_a_tag_that_people_made_is_counted_on_from(world):
    number = land(world, FIX, "fix: make op 3 a float")
    for name in ("v2.7.0-rc9", "v2.7.0-rc10"):
        world.forge.tag(REPO, name, world.forge.git(REPO).run("rev-parse", "main").strip(), by="mona")
    say(world, number, "/release rc 2.7")
    assert "refs/tags/v2.7.0-rc11" in refs(world, "refs/tags")
