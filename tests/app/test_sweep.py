"""What no webhook told, found and done: the whole bot beside a sandbox forge whose webhooks get lost."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.app.store import sightings
from bot.app.store.database import inbox, jobs
from bot.app.sweep import Hooks, Sweeper, Wanted
from bot.app.upkeep import DAY, Keeping, forget
from bot.core.model import Secret
from bot.core.setup import HookWish
from bot.core.sweep import SETTLED
from bot.forges.pacing import Manners
from tests.app.whole import HOOK_SECRET, REPO, op

pytestmark = [pytest.mark.xdist_group("sweep"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}


@pytest.fixture
def world(durable_world):
    with durable_world.running():
        sweep(durable_world)  # the first one only takes note of where things are
        yield durable_world


def sweep(world, **wanted):
    """Sweep once, and wait for what comes of it."""
    performer, durable = world.acting, world.runner
    sweeper = Sweeper(durable.database, durable.intake, performer.forges, performer)
    swept = list(sweeper.sweep(Wanted(**wanted)))
    assert not [each.warnings for each in swept if each.failed]
    world.settle()
    return swept


@contextmanager
def deaf(world):
    """The forge's webhooks get lost while the block lasts."""
    world.forge.deliveries.hold()
    try:
        yield
    finally:
        world.forge.deliveries.release(lambda queue: [])


def found(swept):
    return [name.partition("-")[0] for each in swept for name in each.found]


def test_a_merged_labelled_pull_of_which_nobody_told_is_carried_once(world):
    with deaf(world):
        number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert not world.pulls_onto("release/2.7")
    assert "closed" in found(sweep(world))
    [backport] = world.pulls_onto("release/2.7")
    assert backport.title == f"[2.7] Make op 3 a float (#{number})"
    for _ in range(2):
        sweep(world)
    assert len(world.pulls_onto("release/2.7")) == len(world.said_on(number)) == 1


def test_a_label_put_on_after_the_merge_of_which_nobody_told(world):
    number = world.land(FIX, "Make op 3 a float")
    world.settle()
    sweep(world)
    with deaf(world):
        world.forge.label(REPO, number, "backport/2.8", by="mona")
    sweep(world)
    assert len(world.pulls_onto("release/2.8")) == 1


def test_a_command_that_nobody_heard_is_obeyed_once_with_the_rights_of_who_said_it(world):
    number = world.land(FIX, "Make op 3 a float")
    world.settle()
    with deaf(world):
        world.forge.comment(REPO, number, "/backport 2.7", by="ada")
        world.forge.comment(REPO, number, "/backport 2.8", by="rita")
    assert found(sweep(world)).count("comment") == 2
    assert len(world.pulls_onto("release/2.7")) == 1
    assert not world.pulls_onto("release/2.8")
    said = world.said_on(number)
    assert "comment" not in found(sweep(world))
    assert world.said_on(number) == said


def test_a_command_that_was_answered_is_not_found_again_whatever_rights_have_come_since(world):
    number = world.land(FIX, "Make op 3 a float")
    world.forge.comment(REPO, number, "/backport 2.8", by="rita")
    world.settle()
    world.forge.grant(REPO, "rita", "write")
    assert "comment" not in found(sweep(world))
    assert not world.pulls_onto("release/2.8")


def test_a_backport_that_was_merged_while_nobody_listened_is_shown_as_carried(world):
    number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    with deaf(world):
        world.forge.merge_pull(REPO, backport.number, by="mona")
    sweep(world)
    assert "backported/2.7" in world.labels(number)
    assert "backport-open/2.7" not in world.labels(number)


def test_a_pick_by_hand_that_nobody_told_of_is_seen_on_the_line(world):
    number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    sweep(world)
    age_look(world)
    merged = world.forge.git(REPO).run("log", "--grep=Make op 3", "--no-merges", "-1", "--format=%H", "main").strip()
    with deaf(world):
        text = f"Make op 3 a float (#{number})\n\n(cherry picked from commit {merged})"
        world.forge.commit(REPO, "release/2.7", FIX, text, by="mona")
    assert "push" in found(sweep(world))
    assert "backported/2.7" in world.labels(number)


def test_a_branch_for_which_no_pull_was_opened_gets_it_though_the_database_is_lost(world, tmp_path):
    world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    world.forge.close_pull(REPO, backport.number, by="mona")
    world.settle()
    forget_pull(world, backport.number)
    world.stop()
    world.database = f"sqlite:///{tmp_path}/another.sqlite"
    world.runner = world._start()
    sweep(world, since=int(time.time()) - 3600)
    assert [pull.pull.head_ref for pull in world.pulls_onto("release/2.7")] == [backport.pull.head_ref]


def test_many_events_that_were_missed_are_healed_by_one_sweep(world):
    with deaf(world):
        numbers = [
            world.land({f"kit/new_{n}.py": f"NEW = {n}\n"}, f"Add file {n}", "backport/2.7") for n in range(4)
        ]  # fmt: skip
    sweep(world)
    assert len(world.pulls_onto("release/2.7")) == len(numbers)
    assert all(len(world.said_on(number)) == 1 for number in numbers)


IDLE = {"github": 1, "gitlab": 2}
"""Requests that a look at an idle repository costs: GitLab has a list of issues apart."""


def test_an_idle_repository_costs_next_to_nothing_beside_the_list_of_all(world):
    sweep(world)
    sweep(world)
    [swept] = sweep(world)
    assert (swept.calls, swept.touched, swept.found) == (IDLE[world.kind], swept.touched, ())


def test_an_idle_repository_costs_no_more_though_the_last_that_happened_was_a_merge(world):
    world.land(FIX, "Make op 3 a float")
    world.settle()
    sweep(world)
    rest(world)
    [swept] = sweep(world)
    assert (swept.calls, swept.touched) == (IDLE[world.kind], 0)


@pytest.mark.parametrize("since", [None, 1])
def test_a_command_that_was_answered_and_forgotten_is_not_obeyed_with_the_rights_of_today(world, since):
    number = world.land(FIX, "Make op 3 a float")
    world.forge.comment(REPO, number, "/backport 2.8", by="rita")
    world.settle()
    sweep(world)
    rest(world)
    said = world.said_on(number)
    world.forge.grant(REPO, "rita", "write")
    grow_old(world)
    swept = sweep(world, since=since, memory=-60)
    assert "comment" not in found(swept)
    assert world.said_on(number) == said
    assert not world.pulls_onto("release/2.8")


# ── the hands ────────────────────────────────────────────────────────────────────────────────────────────────────────


def age_look(world):
    """As if the last look at the branches had been an hour ago."""
    assert change_seen(world, looked_at=1).tips["release/2.7"]


def rest(world):
    """As if sweeps had found nothing new for an hour."""
    change_seen(world, swept_at=int(time.time()) + SETTLED)


def change_seen(world, **changed):
    """Change what sweeps have seen of the one repository."""
    performer = world.acting
    [forge] = performer.forges.values()
    [repo] = forge.history.repositories()
    with world.runner.database.begin() as connection:
        known = sightings.read(connection, repo)
        sightings.write(connection, repo, replace(known.seen, **changed), known.hook_at)
    return known.seen


def grow_old(world):
    """As if a month had gone by, and what it takes along were forgotten."""
    with world.runner.database.begin() as connection:
        for table, column in ((inbox, "received_at"), (jobs, "updated_at")):
            connection.execute(sa.update(table).values({column: table.c[column] - 40 * DAY}))
    time.sleep(1)  # the engine's own rows are as new as they are
    forget(world.runner.database, world.runner.intake.queue, Keeping(engine=0))


def forget_pull(world, number):
    """As if the process had died between the branch and the pull."""
    del world.forge.find(REPO).issues[number]



# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def hooks_of(world):
    """The way to the webhook that sends to the bot."""
    from bot.forges.github.connection import Connection as GitHubConnection
    from bot.forges.github.settings import RepositorySettings as GitHubSettings
    from bot.forges.gitlab.connection import Connection as GitLabConnection
    from bot.forges.gitlab.settings import RepositorySettings as GitLabSettings

    world.forge.grant(REPO, "relbot", "admin")
    token, manners = Secret(world.forge.token_for("relbot")), Manners(waits=(0.01,), pace=None)
    if world.kind == "github":
        settings = GitHubSettings(GitHubConnection(world.forge.url, token, manners), is_app=False)
    else:
        settings = GitLabSettings(GitLabConnection(world.forge.url, token, manners))
    return {world.kind: Hooks(settings, world.hook, HookWish(world.hook, Secret(HOOK_SECRET)))}


def sweep_with_hooks(world, **wanted):
    performer, durable = world.acting, world.runner
    sweeper = Sweeper(durable.database, durable.intake, performer.forges, performer, hooks_of(world))
    [swept] = sweeper.sweep(Wanted(**wanted))
    assert not swept.failed, swept.warnings
    world.settle()
    return swept


def test_deliveries_that_failed_are_sent_again_and_nothing_is_done_twice(world):
    since = int(time.time()) - 5
    world.forge.deliveries.fail(503)
    number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    assert world.forge.deliveries.drain(30)
    world.forge.deliveries.recover()
    sent = [sweep_with_hooks(world, since=since).sent_again for _ in range(3)]
    assert len(world.pulls_onto("release/2.7")) == len(world.said_on(number)) == 1
    assert sent[0] == 1  # whether it gets through now
    assert sent[2] < max(sent)  # what arrived is known


def test_a_webhook_that_is_gone_is_told(world):
    for hook in world.forge.find(REPO).hooks.values():
        hook.url += "/elsewhere"
    assert "It has no webhook to" in sweep_with_hooks(world).warnings[0]
