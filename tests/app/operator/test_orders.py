"""What operators tell the bot is done by whatever is at work, then or later, and is entered in the audit."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from bot.app.durable import Pacing
from bot.app.operator import orders
from bot.app.operator.opening import Desk
from bot.app.settings import Home, Server
from bot.app.store import audit, journal, sightings
from bot.core.actions import EnsureComment, FindComment
from bot.core.errors import Fault, UserError
from bot.core.model import Secret
from bot.core.sweep import Seen
from tests.app.test_durable import QUICK, WAIT, Site
from tests.app.values import REPO, a_backport, a_closing

pytestmark = [pytest.mark.xdist_group("orders"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
KEY = a_backport(1).key


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/relbot.sqlite"
    return request.getfixturevalue("postgres")()


@pytest.fixture
def site(address, tmp_path):
    with Site(address, tmp_path) as site:
        site.stage.jobs = (a_backport(1),)
        yield site


def desk_of(site):
    return Desk(site.database, Home(Server(), site.folder, Secret(""), {"github": "https://github.com"}))


def entries(site, name=KEY):
    with site.database.reading() as connection:
        assert audit.verify(connection) is None
        return [(entry.actor, json.loads(entry.write), entry.seen) for _, entry in audit.of_job(connection, name)]


def test_a_failed_job_is_done_again_now_or_once_something_is_at_work_and_a_delivery_is_planned_again(site):
    site.stage.trouble = [Fault("it is broken")]
    site.intake.handle("d1", a_closing())
    site.settle()
    assert site.kept() == {KEY: ("failed", 1)}
    assert orders.retry(desk_of(site), KEY[:-1]) == orders.Ordered(KEY, "it is attempted for the 2nd time")
    site.settle()
    assert site.kept() == {KEY: ("done", 2)}
    assert not orders.retry(desk_of(site), KEY).done, "what has ended well stays done"
    told = [(actor, write["$"]) for actor, write, _ in entries(site) if write["$"] != "EnsureComment"]
    assert told == [(orders.operator(), "Retried")]

    planned = site.stage.planned
    assert orders.replay(desk_of(site), "d1").done
    site.settle()
    assert (site.stage.planned, site.kept()) == (planned + 1, {KEY: ("done", 2)})
    assert [write["$"] for _, write, _ in entries(site, "github:d1")] == ["Replayed"]

    site.stop()
    with site.database.begin() as connection:
        connection.exec_driver_sql("UPDATE relbot_jobs SET state = 'failed'")
    assert orders.retry(desk_of(site), "1").done, "by the number of the pull"
    site.start()
    site.settle()
    assert site.kept() == {KEY: ("done", 3)}


def test_a_running_job_that_is_cancelled_writes_no_more_and_stays_so_until_it_is_told_otherwise(site):
    def stop(action):
        if isinstance(action, FindComment) and not done:
            done.append(orders.cancel(desk_of(site), KEY))

    done = []
    site.stage.between = stop
    site.intake.handle("d1", a_closing())
    site.settle()
    while not done:
        time.sleep(0.02)
    assert done[0].done
    assert site.kept() == {KEY: ("cancelled", 1)}
    site.intake.handle("d2", a_closing())
    site.settle()
    assert site.kept() == {KEY: ("cancelled", 1)}
    assert not [kind for kind, *_ in site.stage.performed if kind == EnsureComment.__name__]
    assert not orders.cancel(desk_of(site), KEY).done
    assert orders.retry(desk_of(site), KEY).done
    site.settle()
    assert site.kept() == {KEY: ("done", 2)}
    assert [write["$"] for _, write, _ in entries(site)] == ["Cancelled", "Retried", "EnsureComment", "EnsureComment"]


def test_a_job_is_done_again_under_the_name_that_its_repository_has_now(site):
    site.stage.trouble = [Fault("moved")]
    site.intake.handle("d1", a_closing())
    site.settle()
    moved = replace(REPO, path="acme/after")
    with site.database.begin() as connection:
        sightings.write(connection, moved, Seen(1), 0.0)
    site.stage.performed.clear()
    assert orders.retry(desk_of(site), KEY).done
    site.settle()
    assert site.kept() == {KEY: ("done", 2)}
    with site.database.reading() as connection:
        [kept] = connection.exec_driver_sql("SELECT job FROM relbot_jobs").scalars()
    assert json.loads(kept)["repo"]["path"] == "acme/after"


def test_the_audit_tells_what_each_write_rested_on_and_no_read_twice(site):
    site.intake.handle("d1", a_closing())
    site.settle()
    [(actor, _, first), (_, _, second)] = entries(site)
    assert actor == "ada"
    assert json.loads(first) == ["my comment on #1 was 5"]
    assert second == ""


def test_work_that_was_put_off_says_why_and_can_be_cancelled(tmp_path):
    pacing = Pacing(poll=0.05, pauses=(), first=600, patience=5000, beat=0.2, stop=5)
    with Site(f"sqlite:///{tmp_path}/relbot.sqlite", tmp_path, pacing) as site:
        site.stage.jobs = (a_backport(1),)
        site.stage.trouble = [Fault("the forge answers 502", passing=True)] * 9
        site.intake.handle("d1", a_closing())
        end = time.monotonic() + WAIT
        while not (kept := found(site)) or not kept[0].summary:
            assert time.monotonic() < end, kept
            time.sleep(0.02)
        assert (kept[0].state, kept[0].summary) == ("waiting", "the forge answers 502")
        assert orders.cancel(desk_of(site), KEY).done
        assert site.idle()


def found(site):
    with site.database.reading() as connection:
        return journal.find(connection, journal.Wanted(change=f"github:{REPO.id}:1"))


def test_a_name_that_fits_no_job_or_several_is_sent_back(tmp_path):
    site = Site(f"sqlite:///{tmp_path}/relbot.sqlite", tmp_path, QUICK)
    with site.database.begin() as connection:
        for line in ("2.7", "2.8"):
            journal.begin(connection, a_backport(1, line), "")
    with pytest.raises(UserError, match="There is no job 'settle:'"):
        orders.cancel(desk_of(site), "settle:")
    with pytest.raises(UserError, match=r"Which job '1'\? There are backport:github:7:1:2\.\d:0, backport"):
        orders.cancel(desk_of(site), "1")
    with pytest.raises(UserError, match="There is no delivery"):
        orders.replay(desk_of(site), "nothing")
    site.database.close()
