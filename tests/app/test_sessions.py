"""What another bot lived through with the real GitHub, sent to the whole of ours: in order, shuffled and doubled.

Each time the same must have come of it. What our bot picked is held against what the recorded one had pushed: the same
commits, with the very trees. Nobody but our bot writes to the forge, so every write in its journal is counted.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from random import Random

import pytest

from tests.app.sessions_commits import OTHER_BOTS_REFS, rebuild
from tests.app.sessions_world import Replay, is_other_bots
from tests.sessions import load, names

BACKPORTED = (
    "backport_merge_commit", "backport_merge_commit_regexes", "backport_rebase_and_merge", "backport_squash_and_merge",
    "command_backport",
)  # fmt: skip
CONFLICTING = ("backport_conflicts", "backport_ignore_conflicts")
REFUSED = "backport_no_branch"
DUE = (*BACKPORTED, *CONFLICTING, REFUSED)
NOT_DUE = [name for name in names() if name not in DUE]
ONE_BACKPORT = {
    "git-receive-pack": 1, "POST /pulls": 1, "POST /issues/{issue_number}/labels": 1,
    "POST /issues/{issue_number}/comments": 1,
}  # fmt: skip
TWO_BY_COMMAND = {
    "git-receive-pack": 2, "POST /pulls": 2, "POST /issues/{issue_number}/labels": 2,
    "POST /issues/{issue_number}/comments": 1, "PATCH /issues/comments/{comment_id}": 1,
}  # fmt: skip


@pytest.fixture
def begin(sandbox, tmp_path, caplog):
    """Starts the replay of a session by name; in the end the bot must have had nothing to complain of."""
    with caplog.at_level(logging.WARNING):
        yield lambda name: Replay(sandbox, tmp_path / "bot", load(name))
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


# ── what must have come of it ────────────────────────────────────────────────────────────────────────────────────────


def check(world):
    """The end of a session in which something is due."""
    name = world.session.name
    if name in BACKPORTED:
        check_backported(world)
    elif name in CONFLICTING:
        check_conflict(world)
    else:
        check_refusal(world)
    heads = {ref for ref in world.git.refs("refs/heads/") if ref.startswith("refs/heads/backport/")}
    assert heads == {f"refs/heads/{pull.pull.head_ref}" for pull in world.backports}


def check_backported(world):
    by_command = world.session.name == "command_backport"
    lines = ("3.1", "3.2") if by_command else ("3.1",)
    assert {(pull.pull.base_ref, pull.pull.head_ref) for pull in world.backports} == {
        (world.line(line), f"backport/{line}/{change(world).number}") for line in lines
    }
    assert len(world.backports) == len(lines)
    for line in lines:
        check_picks(world, line)
    asked = set() if by_command else {"backport-#3.1"}
    assert set(change(world).labels) == {*asked, *(f"backport-open/{line}" for line in lines)}
    said = the_only_comment(world)
    assert all(f"[#{pull.number}]" in said for pull in world.backports)
    written = {what: times for what, times in world.written.items() if not what.endswith("/reactions")}
    assert written == (TWO_BY_COMMAND if by_command else ONE_BACKPORT)
    reactions = [reaction.content for comment in change(world).comments for reaction in comment.reactions]
    assert sorted(reactions) == (["eyes", "rocket"] if by_command else [])


def check_picks(world, line):
    """Our commits bring what those bring that they name, and are those of the recorded bot, tree by tree."""
    head = f"backport/{line}/{change(world).number}"
    picks = world.git.commits(f"refs/heads/{head}", f"^refs/heads/{world.line(line)}")
    assert [(source_of(pick.message), pick.tree) for pick in picks] == picks_of_other_bot(world, line)
    for pick in picks:
        assert world.brought_by(pick.sha) == world.brought_by(source_of(pick.message))


def picks_of_other_bot(world, line):
    """(source, tree) of each commit that the recorded bot pushed for a line, oldest first."""
    ref = f"{OTHER_BOTS_REFS}bp/{world.line(line)}/pr-{change(world).number}"
    [pushed] = [hook.payload for hook in world.webhooks if hook.event == "push" and hook.payload["ref"] == ref]
    assert pushed["commits"]
    return [(source_of(commit["message"]), commit["tree_id"]) for commit in pushed["commits"]]


def source_of(message):
    [sha] = [
        line.split()[-1].rstrip(")") for line in message.splitlines() if line.startswith("(cherry picked from commit")
    ]
    return sha


def check_conflict(world):
    assert world.backports == []
    assert set(change(world).labels) == {"backport-#3.1", "backport-conflict/3.1"}
    said = the_only_comment(world)
    merged = change(world).pull.merged_as
    assert "`conflicts`" in said
    assert f"git cherry-pick -x {merged}" in said
    assert f"'refs/heads/{world.line('3.1')}'" in said, "the name is quoted for the shell"
    assert world.written == {"POST /issues/{issue_number}/labels": 1, "POST /issues/{issue_number}/comments": 1}


def check_refusal(world):
    assert world.backports == []
    assert change(world).labels == ["backport-#3.1"]
    said = the_only_comment(world)
    assert "Line 3.1 has no branch" in said
    assert "create the branch" in said
    assert world.written == {"POST /issues/{issue_number}/comments": 1}


def change(world):
    """The pull that the session is about: the first that was opened."""
    opened = (hook.payload["pull_request"] for hook in world.webhooks if hook.payload.get("action") == "opened")
    return world.issue(next(pull["number"] for pull in opened if not is_other_bots(pull)))


def the_only_comment(world):
    """The one thing that the bot has said, wherever: on the session's pull."""
    issues = world.forge.find(world.repository).issues
    [(number, said)] = [(number, said) for number in issues for said in world.said_on(number)]
    assert number == change(world).number
    return said


def live_through(world, times=1):
    """Each webhook when what it tells has just happened; with `times`, redelivered so often."""
    for webhook in world.webhooks:
        world.settle()
        world.happen([webhook])
        world.deliver(*[webhook] * times)


# ── the sessions in which something is due ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [name for name in DUE if name != "command_backport"])
def test_a_session_is_lived_through_as_it_was_recorded(begin, name):
    world = begin(name)
    with world.running():
        live_through(world)
    check(world)


def test_a_command_on_an_open_pull_is_told_the_labels_and_counts_once_it_is_merged(begin):
    world = begin("command_backport")
    with world.running():
        live_through(world)
        world.settle()
        assert world.backports == []
        assert "`backport-3.2`" in the_only_comment(world)
        world.forge.comment(world.repository, change(world).number, "/backport 3.1 3.2", by="relbot-user")
        world.settle()
        assert world.backports == [], "who may not write may not ask"
        world.forge.grant(world.repository, "relbot-user", "write")
        world.forge.comment(world.repository, change(world).number, "/backport 3.1 3.2", by="relbot-user")
    assert len(world.backports) == 2
    for line in ("3.1", "3.2"):
        check_picks(world, line)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", DUE)
def test_the_order_of_the_webhooks_does_not_matter(begin, name, seed):
    world = begin(name)
    world.happen(world.webhooks)
    shuffled = list(world.webhooks)
    Random(seed).shuffle(shuffled)
    with world.running():
        world.deliver(*shuffled)
    check(world)


@pytest.mark.slow
@pytest.mark.parametrize("name", DUE)
def test_webhooks_that_come_three_times_and_at_once_do_nothing_twice(begin, name):
    world = begin(name)
    world.happen(world.webhooks)
    thrice = [copy for hook in world.webhooks for copy in (hook, hook, replace(hook, id=f"{hook.id}-again"))]
    with world.running():
        world.deliver(*thrice, at_once=4)
        world.settle()
        world.deliver(*world.webhooks)
    check(world)


@pytest.mark.parametrize("name", DUE)
def test_a_bot_that_was_restarted_does_nothing_twice_either(begin, name):
    """The old process has forgotten all: what the forge shows is enough."""
    world = begin(name)
    world.happen(world.webhooks)
    with world.running():
        world.deliver(*world.webhooks)
        world.settle()
        world.restart()
        world.deliver(*world.webhooks)
    check(world)


def test_the_label_of_an_app_that_the_policy_does_not_name_starts_nothing(begin):
    world = begin("backport_merge_commit")
    world.happen(world.webhooks)
    policy = {".github/relbot.toml": world.policy.replace('"mergify-test"', '"some-other-app"')}
    world.forge.commit(world.repository, world.main, policy, "Trust another App", by="mergify-test1")
    with world.running():
        world.deliver(*world.webhooks)
    assert world.written == {}


# ── the sessions in which nothing is ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NOT_DUE)
def test_a_session_without_a_backport_is_answered_and_starts_nothing(begin, name):
    world = begin(name)
    with world.running():
        live_through(world, times=2)
        world.settle()
        again = [replace(hook, id=f"{hook.id}-again") for hook in world.webhooks]
        Random(1).shuffle(again)
        world.deliver(*again, at_once=4)
    assert world.written == {}
    assert world.backports == []


# ── the replay itself ────────────────────────────────────────────────────────────────────────────────────────────────


def test_fifteen_sessions_are_without_a_backport_that_is_due():
    assert len(NOT_DUE) == 15
    assert "backport_cancelled" in NOT_DUE


@pytest.mark.parametrize("name", [*DUE, "backport_cancelled"])
def test_the_commits_are_made_again_with_their_recorded_ids(sandbox, name):
    sandbox.create_repository("acme/again")
    made = rebuild(load(name), sandbox.git("acme/again"))
    other = [recorded for recorded, sha in made.items() if recorded != sha]
    assert len(made) > 2
    # The merge that nobody asked GitHub about: a push tells a commit without its signature.
    assert other == (["1ec47bfd1e1afa5e54cd484ed8fa461607445dbb"] if name == REFUSED else [])
