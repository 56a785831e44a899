"""What is done every so often, on both databases."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
import sqlalchemy as sa

from bot.app.store import audit, deliveries, journal, rounds, sightings
from bot.app.store.database import Database, now
from bot.app.store.database import audit as audit_table
from bot.app.store.database import inbox as inbox_table
from bot.app.store.database import jobs as jobs_table
from bot.app.store.database import rounds as rounds_table
from bot.app.upkeep import DAY, Keeping, Task, Upkeep, forget, retry
from bot.core.actions import GetPull
from bot.core.errors import Fault, UserError
from bot.core.sweep import Seen
from tests.app.test_durable import QUICK, Site
from tests.app.values import REPO, a_backport, a_closing

pytestmark = [pytest.mark.xdist_group("upkeep"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def database(database_address):
    with closing(Database(database_address)) as database:
        database.prepare()
        yield database


@pytest.fixture
def site(database_address, tmp_path):
    with Site(database_address, tmp_path / "bot", QUICK) as site:
        yield site


def age(database, table, days, column):
    with database.begin() as connection:
        connection.execute(sa.update(table).values({column: table.c[column] - days * DAY}))


# ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_round_is_begun_by_one_of_many_and_again_when_it_is_due(database):
    taken = []
    gate = threading.Barrier(8)

    def try_it():
        gate.wait()
        with database.begin() as connection:
            taken.append(rounds.take(connection, "sweep", 60))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 1
    with database.begin() as connection:
        assert rounds.last(connection, "sweep").ended_at is None
        rounds.end(connection, "sweep", "3 found")
        assert rounds.last(connection, "sweep").summary == "3 found"
        assert not rounds.take(connection, "sweep", 60)
        assert rounds.take(connection, "other", 60)
        assert rounds.take(connection, "sweep", 0)


def test_a_clock_that_was_wrong_once_does_not_end_the_rounds(database):
    with database.begin() as connection:
        assert rounds.take(connection, "sweep", 60)
    age(database, rounds_table, -3650, "began_at")
    with database.begin() as connection:
        assert rounds.take(connection, "sweep", 60)
        assert not rounds.take(connection, "sweep", 60)


def test_every_task_is_done_at_the_start_and_again_whatever_befalls_it(database):
    done = []

    def break_down():
        done.append("broken")
        raise ValueError

    def be_away():
        done.append("away")
        raise Fault("away", passing=True)

    tasks = [Task("broken", 0.01, break_down), Task("away", 0.01, be_away),
             Task("good", 0.01, lambda: done.append("good") or "well")]  # fmt: skip
    with closing(Upkeep(database, tasks, look=0.02)):
        end = time.monotonic() + 10
        while min(done.count(name) for name in ("broken", "away", "good")) < 2:
            assert time.monotonic() < end, done
            time.sleep(0.01)
    with database.begin() as connection:
        assert rounds.last(connection, "good").summary == "well"
        assert rounds.last(connection, "broken").ended_at is None


def test_a_process_that_starts_again_at_once_does_not_begin_a_round_again(database):
    done = []
    for _ in range(3):
        with closing(Upkeep(database, [Task("sweep", 600, lambda: done.append(1) or "")], look=60)):
            time.sleep(0.2)
    assert done == [1]


# ── trying again ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_fault_ended_is_begun_twice_more_and_what_people_were_told_is_not(site):
    fault = Fault("the forge is broken", passing=False)
    site.stage.trouble = [fault, fault, fault, fault, fault, fault, fault]
    site.intake.handle("one", a_closing(1))
    site.settle()
    assert {state for state, _ in site.kept().values()} == {"failed"}
    assert retry(site.database, site.queue) == "0 begun once more"  # a moment ago is too early
    for attempt in (2, 3):
        assert retry(site.database, site.queue, after=0) == "2 begun once more"
        site.settle()
        assert set(site.kept().values()) == {("failed", attempt)}
    assert retry(site.database, site.queue, after=0) == "0 begun once more"


def test_jobs_that_another_version_wrote_do_not_stand_in_the_way(database):
    with database.begin() as connection:
        for number in range(4):
            job = a_backport(number + 1)
            journal.begin(connection, job, "github:one")
            journal.end(connection, job.key, 1, "fault abc")
            if number < 3:
                unread = sa.update(jobs_table).where(jobs_table.c.key == job.key)
                connection.execute(unread.values(job='{"$":"Bygone"}', updated_at=now() - 60 + number))
        assert [job for job, _ in journal.broken_down(connection, now() + 1, most=2)] == [a_backport(4)]


def test_what_a_fault_kept_from_being_planned_is_planned_twice_more(site):
    trouble = [Fault("the forge makes no sense", passing=False)] * 2

    def stand_in_the_way(action):
        if isinstance(action, GetPull) and trouble:
            raise trouble.pop()

    site.stage.between = stand_in_the_way
    site.intake.handle("one", a_closing(1))
    site.settle()
    assert retry(site.database, site.queue) == "0 begun once more"  # a moment ago is too early
    for _ in range(2):
        assert not site.kept()
        assert retry(site.database, site.queue, after=0) == "1 begun once more"
        site.settle()
    assert {state for state, _ in site.kept().values()} == {"done"}
    assert retry(site.database, site.queue, after=0) == "0 begun once more"


@pytest.mark.parametrize("trouble", [UserError("write the policy anew"), Fault("it is broken", passing=False)])
def test_what_cannot_be_planned_is_not_tried_for_ever(site, trouble):
    def stand_in_the_way(action):
        raise trouble

    site.stage.between = stand_in_the_way
    site.intake.handle("one", a_closing(1))
    for _ in range(4):
        site.settle()
        retry(site.database, site.queue, after=0)
    assert site.stage.planned == (3 if isinstance(trouble, Fault) else 1)


# ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def rows(database, name):
    schema = "" if database.is_sqlite else "dbos."
    with database.begin() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {schema}{name}")).scalar()


def test_what_is_old_goes_and_what_waits_or_is_new_stays(site):
    for name in ("old", "new"):
        site.intake.handle(name, a_closing(1))
        site.settle()
        if name == "old":
            for table, column in ((inbox_table, "received_at"), (jobs_table, "updated_at")):
                age(site.database, table, 40, column)
    with site.database.begin() as connection:
        sightings.write(connection, REPO, Seen(5), 0.0)
    said = forget(site.database, site.queue, Keeping(engine=0))
    assert said.endswith("rows dropped")
    with site.database.begin() as connection:
        assert not deliveries.knows(connection, "github:old")
        assert deliveries.knows(connection, "github:new")
        assert not journal.find(connection)
        assert sightings.read(connection, REPO).seen == Seen(5)
    # The engine keeps nothing of what has ended, which it takes note of a moment after the journal does.
    end = time.monotonic() + 10
    while rows(site.database, "workflow_status") or rows(site.database, "operation_outputs"):
        assert time.monotonic() < end
        time.sleep(0.05)
        forget(site.database, site.queue, Keeping(engine=0))


def test_work_that_waits_is_never_forgotten(site):
    site.stop()
    with site.database.begin() as connection:
        deliveries.put(connection, "github:one", a_closing(1))
        site.intake.queue.put_plan(connection, "github:one", deliveries.partition_of(REPO), 0)
    age(site.database, inbox_table, 400, "received_at")
    forget(site.database, site.intake.queue, Keeping(engine=0))
    site.start()
    site.settle()
    assert len(site.kept()) == 2


def test_what_people_wrote_goes_before_its_name(database):
    with database.begin() as connection:
        deliveries.put(connection, "github:one", a_closing(1))
        deliveries.mark(connection, "github:one", "planned")
    age(database, inbox_table, 20, "received_at")
    with database.begin() as connection:
        assert deliveries.forget_words(connection, now() - 14 * DAY) == 1
        assert deliveries.put(connection, "github:one", a_closing(1)) is None
        assert connection.execute(sa.select(inbox_table.c.event)).scalar() == ""


def test_what_failed_and_is_sent_again_is_read_anew_though_its_words_were_forgotten(database):
    with database.begin() as connection:
        deliveries.put(connection, "github:one", a_closing(1))
        deliveries.mark(connection, "github:one", "failed")
    age(database, inbox_table, 20, "received_at")
    with database.begin() as connection:
        deliveries.forget_words(connection, now() - 14 * DAY)
        assert deliveries.put(connection, "github:one", a_closing(1)) == 1
        assert deliveries.read(connection, "github:one")[0] == a_closing(1)


def test_the_audit_still_verifies_when_its_beginning_is_forgotten_and_still_tells_of_meddling(database):
    def add(*jobs):
        for job in jobs:
            with database.begin() as connection:
                audit.append(connection, audit.Entry(job, "ada", "{}", "{}"))

    add("a", "b", "c")
    age(database, audit_table, 0, "at")
    cut = now()
    time.sleep(0.01)
    add("d", "e")
    with database.begin() as connection:
        assert audit.forget(connection, cut) == 2
        assert audit.forget(connection, cut) == 0
        assert [entry.job for _, entry in audit.of_job(connection, "d")] == ["d"]
        assert audit.verify(connection) is None
        connection.execute(sa.update(audit_table).where(audit_table.c.job == "d").values(actor="eve"))
        assert audit.verify(connection) is not None
