"""What follows from tags, from a webhook or a sweep to what shows on the forge: the whole bot, on both forges."""

from __future__ import annotations

import time

import pytest

from bot.app import log
from bot.core.actions import Sync, ask
from bot.core.events import TagPushed
from bot.core.issues import EnsureIssue, EnsureMilestone, FindMilestone, IssueWish, MilestoneWish
from bot.core.jobs import Report
from bot.core.model import Branch, Line, Person, Repo
from bot.core.release.course import FLOWS
from bot.core.release.tracker import Account, View, marker_of, render_tracker
from bot.core.standing import FindTags
from bot.core.tagging import Provenance, PushRelease, TagWish
from bot.core.wishes import KeepTracker
from tests.app.test_sweep import deaf, found, sweep
from tests.app.whole import REPO, op

pytestmark = [pytest.mark.xdist_group("following"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}
L27 = Line(2, 7)
CHANGELOG = "# Changelog\n\n## [2.8.0] - 2026-11-01\n\n- New\n\n## [2.6.0] - 2026-01-01\n\n- Old\n"


def keep(job):
    yield from ask(FindTags(job.repo))
    return Report(job, "settled", "It is kept.")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())
    if KeepTracker not in FLOWS:
        monkeypatch.setitem(FLOWS, KeepTracker, keep)


@pytest.fixture
def world(durable_world):
    with durable_world.running():
        yield durable_world


def repo_of(world):
    return Repo(world.kind, world.forge.find(REPO).id, REPO, "main")


def rev(world, name):
    return world.forge.git(REPO).run("rev-parse", name).strip()


def push_as_i_do(world, name, asked_in="comment 9 on pull 1"):
    """Tag the line's tip as the bot does, and nothing after it: as if the process had died then."""
    commit = world.acting(Sync(repo_of(world), ("release/2.7",))).tip("release/2.7")
    wish = TagWish(name, commit, f"torchkit {name}", Provenance("mona", asked_in), 1_720_000_000)
    world.acting(PushRelease(repo_of(world), wish))
    return commit


def tracker(world):
    """The line's tracker, as the bot keeps it."""
    view = View(L27, Branch("release/2.7", "a" * 40), "2.7.0", None, (), (), (), (), ())
    wish = IssueWish(marker_of(L27), "Release 2.7", render_tracker(view, Account()))
    return world.acting(EnsureIssue(repo_of(world), wish)).issue.number


def said_on_tracker(world, number):
    """What was said of tags there; whoever keeps the tracker may say more."""
    said = [one.body for one in world.forge.plain_issue(REPO, number).comments if one.user == "relbot"]
    return [body for body in said if body.startswith(("<!-- relbot:tag ", "<!-- relbot:after "))]


def push_by_hand(world, name, commit, *, annotated=True):
    """Tag a commit as people do."""
    if annotated:
        text = f"object {commit}\ntype commit\ntag {name}\ntagger Mona <mona@example.org> 1700000000 +0000\n\n{name}\n"
        commit = world.forge.git(REPO).run("mktag", stdin=text).strip()
    world.forge.tag(REPO, name, commit, by="mona")
    world.settle()


def test_pain_16_a_tag_whose_release_is_missing_is_found_and_ended_once_though_nothing_is_remembered(world):
    with deaf(world):
        number = world.propose((FIX, "fix: make op 3 a float"), base="release/2.7")
        world.forge.merge_pull(REPO, number, "squash", by="mona")
        push_as_i_do(world, "v2.7.0-rc1")
        world.forge.branch(REPO, "relbot/rc/2.7", "release/2.7", by="relbot")
    hour_ago = int(time.time()) - 3600
    assert "tag" in found(sweep(world, since=hour_ago))
    shown = world.forge.find(REPO).releases["v2.7.0-rc1"]
    assert "make op 3 a float" in shown.description
    assert world.kind == "gitlab" or shown.prerelease
    assert not world.forge.git(REPO).run("for-each-ref", "refs/heads/relbot")
    assert "tag" not in found(sweep(world, since=hour_ago))
    assert world.forge.find(REPO).releases == {"v2.7.0-rc1": shown}


def test_pain_23_tags_of_peoples_are_counted_or_flagged_once_also_where_no_webhook_told(world):
    issue, hour_ago = tracker(world), int(time.time()) - 3600
    world.land(FIX, "fix: make op 3 a float")
    world.settle()
    sweep(world, since=hour_ago)  # what is there now is old
    push_by_hand(world, "v2.7.0-rc1", rev(world, "release/2.7"))
    with deaf(world):
        world.forge.tag(REPO, "v2.7.0-rc2", rev(world, "main"), by="mona")
    assert [found(sweep(world, since=hour_ago)).count("tag") for _ in range(2)] == [2, 0]
    adopted, flagged = said_on_tracker(world, issue)
    assert "v2.7.0-rc1 was pushed by hand, and I count it as a candidate of 2.7" in adopted
    assert "v2.7.0-rc2 was pushed by hand, and it is not as it should be" in flagged
    assert "a lightweight tag" in flagged and "is not on `release/2.7`" in flagged
    assert rev(world, "v2.7.0-rc2") == rev(world, "main")


def deploys_into(world, path):
    """A repository that accepts to be told of each version, and the file by which this one has it told."""
    world.forge.create_repository(path, "prod")
    world.forge.grant(path, "relbot", "write")
    policy = f".{world.kind}/relbot.toml"
    world.forge.commit(path, "prod", {policy: f'[deploy]\naccept = ["{REPO}"]\n'}, "Accept", by="olga")
    return {policy: f'[deploy]\nrepository = "{path}"\nevent = "relbot-release"\n'}


def test_pain_13_after_a_final_all_that_follows_is_done_once_in_the_order_of_versions(world):
    repo = repo_of(world)
    wish = deploys_into(world, "acme/infra")
    world.forge.commit(REPO, "main", {"CHANGELOG.md": CHANGELOG, **wish}, "docs: what was", by="ada")
    original = world.land(FIX, "fix: make op 3 a float", "backport/2.7")
    world.settle()
    [backport] = [pull.number for pull in world.pulls_onto("release/2.7")]
    world.forge.merge_pull(REPO, backport, "squash", by="mona")
    section = f"# Changelog\n\n## [2.7.0] - 2026-11-25\n\n### Fixed\n\n- Make op 3 a float (#{original})\n"
    world.forge.commit(REPO, "release/2.7", {"CHANGELOG.md": section}, "chore(release): 2.7.0", by="relbot")
    issue = tracker(world)
    world.acting(EnsureMilestone(repo, MilestoneWish("2.7.0", "All of it")))
    world.settle()
    commit = push_as_i_do(world, "v2.7.0")
    world.settle()

    def end():
        return (
            [world.said_on(number) for number in (original, backport)], said_on_tracker(world, issue),
            {name: release.description for name, release in world.forge.find(REPO).releases.items()},
            [pull.number for pull in world.pulls_onto("main")], world.forge.git(REPO).run("for-each-ref"),
            len(world.forge.find("acme/infra").dispatches),
        )  # fmt: skip

    first = end()
    assert first[-1] == 1, "it is deployed once"
    for number in (original, backport):
        assert sum("Released in [v2.7.0](" in said for said in world.said_on(number)) == 1
    [roll_up] = [pull for pull in world.pulls_onto("main") if pull.pull.head_ref == "relbot/changelog/2.7.0"]
    text = world.file("relbot/changelog/2.7.0", "CHANGELOG.md")
    assert text.index("## [2.8.0]") < text.index("## [2.7.0]") < text.index("## [2.6.0]")
    assert "Make op 3 a float" in text and "- Old" in text
    assert "Make op 3 a float" in world.forge.find(REPO).releases["v2.7.0"].description
    assert not world.acting(FindMilestone(repo, "2.7.0")).is_open
    assert world.acting(FindMilestone(repo, "2.7.1")).is_open
    [told] = said_on_tracker(world, issue)
    assert "v2.7.0" in told and f"{roll_up.number}" in told

    world.runner.handle("again", TagPushed(repo, "v2.7.0", commit, Person(1, "mona")))
    world.settle()
    assert end() == first
