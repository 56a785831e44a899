"""Rounds of sweeps over many repositories: who comes first, what trouble costs, and what is kept of it."""

from __future__ import annotations

import time
from contextlib import closing
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from bot.app.store import sightings
from bot.app.store.database import Database
from bot.app.store.database import sightings as table
from bot.app.sweep import LOOK_AT_HOOKS, Hooks, Sweeper, Wanted
from bot.core.errors import Fault
from bot.core.history import FailedDelivery, FindTouched, Touched
from bot.core.model import Repo
from bot.core.setup import Hook
from bot.core.sweep import OVERLAP, Seen
from bot.forges.tally import count_call

URL = "https://bot.example/hooks/github"


class Stage:
    """Forges whose repositories cost so many requests each; and those in `broken` fail."""

    def __init__(self, database, **forges):
        self.forges = {name: SimpleNamespace(history=self.history(repos)) for name, repos in forges.items()}
        self.cost, self.broken, self.asked = {}, {}, []
        self.owners = {}
        self.database = database

    def history(self, repos):
        def repositories():
            count_call()
            return tuple(repos)

        return SimpleNamespace(repositories=repositories, allowance_of=self.owner_of)

    def owner_of(self, which):
        return self.owners.get(which.id, "modest")

    def perform(self, action):
        assert isinstance(action, FindTouched)
        self.asked.append((action.repo.path, action.since))
        for _ in range(self.cost.get(action.repo.path, 1)):
            count_call()
        if fault := self.broken.get(action.repo.path):
            raise fault
        return ()

    def sweep(self, hooks=None, **wanted):
        return list(Sweeper(self.database, None, self.forges, self.perform, hooks).sweep(Wanted(**wanted)))


def repo(number, forge="github"):
    return Repo(forge, number, f"acme/{forge}-{number}", "main")


def seen_of(database, which):
    with database.begin() as connection:
        return sightings.read(connection, which)


@pytest.fixture
def database(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
        yield database


def test_a_busy_forge_does_not_keep_the_other_from_its_turn(database):
    stage = Stage(database, github=[repo(n) for n in range(1, 9)], gitlab=[repo(1, "gitlab")])
    for _ in range(4):
        stage.sweep(budget=5)
    assert {path for path, _ in stage.asked} == {f"acme/github-{n}" for n in range(1, 9)} | {"acme/gitlab-1"}


def test_one_that_fails_or_takes_too_much_goes_to_the_end_of_the_line(database):
    stage = Stage(database, github=[repo(n) for n in range(1, 5)])
    stage.broken["acme/github-1"] = Fault("away", passing=True)
    stage.cost["acme/github-2"] = 500
    for _ in range(4):
        stage.sweep(budget=3)
    assert {path for path, _ in stage.asked} >= {"acme/github-3", "acme/github-4"}


def test_one_that_takes_too_much_takes_it_from_those_of_its_own_allowance_only(database, caplog):
    stage = Stage(database, github=[repo(n) for n in range(1, 5)])
    stage.owners = {1: "greedy", 2: "greedy"}
    stage.cost["acme/github-1"] = 500
    stage.sweep(budget=3)
    assert [path for path, _ in stage.asked] == ["acme/github-1", "acme/github-3", "acme/github-4"]
    assert "github greedy: the requests of this round are used up; 1 more repositories come first" in caplog.text


def test_one_that_breaks_the_program_takes_no_turn_from_the_others(database):
    stage = Stage(database, github=[repo(1), repo(2)])
    stage.broken["acme/github-1"] = OSError("no space left on device")
    for _ in range(2):
        first, second = sorted(stage.sweep(), key=lambda swept: swept.repo.id)
        assert (first.failed, second.failed) == (True, False)
    assert "no space" not in first.warnings[0]


def test_a_forge_that_hangs_is_left_alone_until_the_next_round_and_the_other_is_not(database, caplog):
    stage = Stage(database, gitlab=[repo(n, "gitlab") for n in range(1, 9)], github=[repo(n) for n in range(1, 5)])
    stage.broken = {f"acme/gitlab-{n}": Fault("no answer", passing=True) for n in range(1, 9)}
    for _ in range(2):
        stage.sweep()
    for forge, count in (("gitlab", 6), ("github", 8)):
        assert len([path for path, _ in stage.asked if forge in path]) == count
    assert len({path for path, _ in stage.asked if "gitlab" in path}) == 6, "others come first in the next round"
    assert "gitlab modest: nothing can be had for now; 5 more repositories come first in the next" in caplog.text
    stage.broken = {f"acme/gitlab-{n}": Fault("gone", passing=False) for n in range(1, 9)}
    assert len(stage.sweep()) == 12, "what is wrong with one is not for others to pay"


def test_a_repository_in_which_more_happened_than_a_round_can_pay_for_is_got_done_with(database):
    began = int(time.time()) - 7200
    crowd = [Touched(n, is_open=True, is_merged=False, labels=(), touched_at=began + n) for n in range(1, 101)]
    read = set()

    def perform(action):
        count_call()
        if isinstance(action, FindTouched):
            return tuple(one for one in crowd if one.touched_at >= action.since)
        for one in action.touched:  # as on GitLab
            count_call()
            read.add(one.number)
        return ()

    stage = Stage(database, gitlab=[repo(1, "gitlab")])
    stage.perform = perform
    with database.begin() as connection:
        sightings.write(connection, repo(1, "gitlab"), Seen(began), 0.0)
    for _ in range(4):
        [swept] = stage.sweep(budget=60)
        assert not swept.failed, swept.warnings
    assert read == set(range(1, 101))


def test_a_forge_that_lists_nothing_is_told_of_in_the_log_with_the_reason(database, caplog):
    def repositories():
        raise Fault("GitHub answered 401 to GET /user/repos: Bad credentials.")

    stage = Stage(database, github=(), gitlab=(repo(1, "gitlab"),))
    stage.forges["github"].history.repositories = repositories
    assert [each.failed for each in stage.sweep()] == [True, False]
    assert "nothing on github is swept: GitHub answered 401 to GET /user/repos: Bad credentials." in caplog.messages


def test_what_failed_is_swept_from_where_it_was(database):
    stage = Stage(database, github=[repo(1)])
    with database.begin() as connection:
        sightings.write(connection, repo(1), Seen(1_700_000_000), 0.0)
    stage.broken["acme/github-1"] = Fault("away", passing=True)
    [swept] = stage.sweep()
    assert swept.failed
    stage.broken.clear()
    stage.sweep()
    assert [since for _, since in stage.asked] == [1_700_000_000 - OVERLAP] * 2


class Broken:
    """Settings of a repository whose webhook cannot be looked at."""

    def find_hook(self, repo, url):
        raise Fault("the hooks are broken", passing=False)


def test_trouble_with_the_webhook_is_told_and_what_was_seen_is_kept(database):
    stage = Stage(database, github=[repo(1)])
    stage.sweep()
    before = seen_of(database, repo(1))
    with database.begin() as connection:
        sightings.write(connection, repo(1), before.seen, 1.0)
    [swept] = stage.sweep({"github": Hooks(Broken(), URL)})
    assert not swept.failed
    assert "the hooks are broken" in swept.warnings[0]
    after = seen_of(database, repo(1))
    assert after.swept_at > before.swept_at
    assert after.hook_at > 1.0  # lasting trouble is looked at as seldom as a good webhook


class Slow:
    """A webhook whose last delivery was still under way at the first look, and had failed at the second."""

    def __init__(self, sent_at):
        self.sent_at, self.looks, self.again = sent_at, 0, []
        self.deliveries = self

    def find_hook(self, repo, url):
        return Hook(url)

    def failed(self, repo, url, since):
        self.looks += 1
        return (FailedDelivery("late", "1", self.sent_at),) if self.looks > 1 and self.sent_at >= since else ()

    def redeliver(self, repo, url, failed):
        self.again.append(failed.id)


def test_a_delivery_that_was_under_way_at_the_last_look_is_asked_for_again(database):
    stage, settings = Stage(database, github=[repo(1)]), Slow(int(time.time()) - 8)
    stage.sweep({"github": Hooks(settings, URL)})
    known = seen_of(database, repo(1))
    aged = known.hook_at - LOOK_AT_HOOKS
    settings.sent_at -= LOOK_AT_HOOKS
    with database.begin() as connection:
        sightings.write(connection, repo(1), known.seen, aged)
    [swept] = stage.sweep({"github": Hooks(settings, URL)})
    assert (swept.sent_again, settings.again) == (1, ["late"])


class Refused:
    """A webhook all of whose deliveries are turned away, and come to nothing again when they are sent again."""

    def __init__(self, count):
        self.lost, self.asked, self.failing = {f"d{n}": int(time.time()) - 60 for n in range(count)}, [], "401"
        self.deliveries = self

    def find_hook(self, repo, url):
        return Hook(url, failing=self.failing)

    def failed(self, repo, url, since):
        lost = sorted(self.lost.items(), key=lambda item: item[1])
        return tuple(FailedDelivery(name, "1", at) for name, at in lost if at >= since)

    def redeliver(self, repo, url, failed):
        self.asked.append(failed.id)
        if self.failing:
            self.lost[failed.id] = int(time.time()) + len(self.asked)
        else:
            del self.lost[failed.id]


def test_a_webhook_that_turns_everything_away_is_tried_with_one_delivery_at_a_time(database):
    stage, settings = Stage(database, github=[repo(1)]), Refused(30)
    for _ in range(5):
        stage.sweep({"github": Hooks(settings, URL)})
    assert len(settings.asked) == len(set(settings.asked)) == 5
    settings.failing = None
    for _ in range(2):
        stage.sweep({"github": Hooks(settings, URL)})
    assert not settings.lost


def test_what_another_version_has_written_is_gone_on_from_when_that_was(database):
    stage = Stage(database, github=[repo(1)])
    stage.sweep()
    with database.begin() as connection:
        connection.execute(sa.update(table).values(seen='{"$":"Seen","other":1}', swept_at=1_700_000_000.0))
    stage.broken["acme/github-1"] = Fault("away", passing=True)
    stage.sweep()
    stage.sweep()
    assert stage.asked[-2:] == [("acme/github-1", 1_700_000_000 - OVERLAP)] * 2


def test_the_watermark_never_goes_back(database):
    with database.begin() as connection:
        sightings.write(connection, repo(1), Seen(2000, 5, {"release/2.7": "a"}), 0.0)
        sightings.write(connection, repo(1), Seen(1000, 6, {"release/2.7": "b"}), 0.0)
    assert seen_of(database, repo(1)).seen == Seen(2000, 6, {"release/2.7": "b"})
