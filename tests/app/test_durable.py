"""The durable engine on both databases: once and only once, through crashes, trouble and other versions of us."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.app.codec import decode
from bot.app.durable import Pacing, Worker
from bot.app.intake import Intake
from bot.app.runner import Decisions
from bot.app.store import audit, deliveries, journal
from bot.app.store.claims import take
from bot.app.store.database import Database, inbox, now
from bot.app.store.slots import Slot
from bot.app.store.spool import Spool
from bot.core.actions import EnsureComment, FindComment, GetPull, ask
from bot.core.errors import Fault, UserError
from bot.core.jobs import Plan, takes_long
from bot.core.model import Comment, Line
from bot.core.publishing import DraftRelease, StageRelease
from bot.core.versions import Version
from tests.app.values import ADA, REPO, a_backport, a_closing, a_pull, a_report

pytestmark = [pytest.mark.xdist_group("durable"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
WAIT = 30
QUICK = Pacing(poll=0.05, pauses=(0.01,), first=0.05, longest=0.1, patience=5, beat=0.2, stop=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/relbot.sqlite"
    return request.getfixturevalue("postgres")()


class Stage:
    """Plans two jobs for every event; each asks, writes twice, and reports. What is performed is counted."""

    def __init__(self):
        self.jobs = (a_backport(1), a_backport(2))
        self.planned = 0
        self.performed = Counter()
        self.trouble = []
        self.told = []
        self.between = lambda action: None
        self.then = {}

    def plan(self, event):
        self.planned += 1
        yield from ask(GetPull(event.repo, event.number))
        return Plan(self.jobs, ("a note",))

    def flow_of(self, job):
        found = yield from ask(FindComment(job.repo, job.number, "marker"))
        for text in ("one", "two"):
            yield from ask(EnsureComment(job.repo, job.number, "marker", text, found and found.id))
        return replace(a_report(job), then=self.then.get(job.key, ()))

    def after_breakdown(self, job, what):
        self.told.append(what)
        yield from ask(FindComment(job.repo, job.number, "apology"))

    def perform(self, action):
        self.between(action)
        self.performed[type(action).__name__, getattr(action, "number", 0), getattr(action, "body", "")] += 1
        if isinstance(action, EnsureComment) and self.trouble:
            raise self.trouble.pop(0)
        if isinstance(action, GetPull):
            return a_pull(action.number)
        return Comment(5, ADA, getattr(action, "body", ""))


class Site:
    """A database, a stage and a worker on it."""

    def __init__(self, address, folder, pacing=QUICK):
        self.database = Database(address)
        self.database.prepare()
        self.folder, self.pacing, self.stage = folder, pacing, Stage()
        self.takes_long = takes_long

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.database.close()

    def start(self):
        decisions = Decisions(self.stage.plan, self.stage.flow_of, self.stage.after_breakdown, self.takes_long)
        slot = Slot(self.database, self.folder)
        self.worker = Worker(self.database, slot, self.stage.perform, decisions, self.pacing)
        self.queue = self.worker.start()
        self.intake = Intake(self.database, self.queue, Spool(self.folder / "spool"), look=0.1)

    def stop(self):
        self.intake.close()
        self.worker.close()

    def idle(self):
        with self.database.begin() as connection:
            return not deliveries.waiting(connection)[0] and not journal.waiting(connection)

    def settle(self):
        end = time.monotonic() + WAIT
        while not self.idle():
            assert time.monotonic() < end, self.kept()
            time.sleep(0.02)

    def kept(self):
        with self.database.begin() as connection:
            return {each.key: (each.state, each.attempt) for each in journal.find(connection)}


@pytest.fixture
def site(address, tmp_path):
    with Site(address, tmp_path) as site:
        yield site


def test_a_hundred_copies_of_a_delivery_at_once_have_one_effect(site):
    with ThreadPoolExecutor(16) as senders:
        list(senders.map(lambda _: site.intake.handle("d1", a_closing()), range(100)))
    site.settle()
    site.intake.handle("another name", a_closing())
    site.settle()
    assert site.stage.planned == 2, "a redelivery under another name is planned"
    assert set(site.stage.performed.values()) == {1, 2}
    assert {name: n for (name, *_), n in site.stage.performed.items()}["EnsureComment"] == 1, "and finds its jobs done"
    assert site.kept() == {job.key: ("done", 1) for job in site.stage.jobs}


def test_what_follows_from_a_job_is_done_once_however_often_that_job_is_told_of(site):
    first, follower = site.stage.jobs[0], a_backport(7)
    site.stage.then = {first.key: (follower,)}
    site.intake.handle("d1", a_closing())
    site.settle()
    assert site.kept() == {job.key: ("done", 1) for job in (*site.stage.jobs, follower)}
    site.intake.handle("d2", a_closing())
    site.settle()
    assert site.kept()[follower.key] == ("done", 1)


def test_every_write_stands_in_the_audit_and_the_chain_shows_tampering(site):
    site.intake.handle("d1", a_closing())
    site.settle()
    with site.database.begin() as connection:
        entries = [entry for _, entry in audit.of_job(connection, site.stage.jobs[0].key)]
        assert [json.loads(entry.write)["body"] for entry in entries] == ["one", "two"]
        assert {entry.actor for entry in entries} == {site.stage.jobs[0].actor.login}
        assert audit.verify(connection) is None
        connection.exec_driver_sql("UPDATE relbot_audit SET actor = 'mallory' WHERE number = 2")
        assert audit.verify(connection) == 2


def test_what_a_version_is_made_from_is_not_entered_in_the_audit(site):
    draft = DraftRelease(REPO, "a" * 40, Version(Line(2, 7), 1, 1), "v2.7.1-rc1", 5, ("p", "huge" * 10_000))
    stage = StageRelease(draft, "c" * 40, "relbot/rc/2.7", None)

    def flow_of(job):
        yield from ask(stage)
        return a_report(job)

    site.stop()
    site.stage.flow_of = flow_of
    site.start()
    site.intake.handle("d1", a_closing())
    site.settle()
    with site.database.reading() as connection:
        [entry] = [entry for _, entry in audit.of_job(connection, site.stage.jobs[0].key)]
    assert decode(entry.write) == replace(stage, draft=replace(draft, policy=None))


def test_passing_trouble_is_outlasted_in_place_and_then_in_the_queue(site):
    site.stage.trouble = [Fault("502", passing=True) for _ in range(6)]
    site.intake.handle("d1", a_closing())
    site.settle()
    assert set(site.kept().values()) == {("done", 1)}
    assert site.stage.trouble == []


def test_who_is_asked_to_wait_waits_in_the_queue_and_nobody_waits_with_them(site):
    site.stage.trouble = [Fault("busy", passing=True, retry_after=4)]
    began = time.monotonic()
    site.intake.handle("d1", a_closing())
    while not (states := sorted(state for state, _ in site.kept().values())) or "done" not in states:
        assert time.monotonic() - began < WAIT
        time.sleep(0.02)
    assert states == ["done", "waiting"], "the other job of the repository went ahead"
    site.settle()
    assert time.monotonic() - began >= 4


@pytest.mark.parametrize(("trouble", "said"), [
    (Fault("it is broken"), "fault "), (UserError("The branch is odd. Rename it."), "The branch is odd. Rename it."),
    (RuntimeError("a bug"), "fault "),
])  # fmt: skip
def test_lasting_trouble_is_told_and_a_redelivery_tries_again(site, trouble, said):
    site.stage.jobs = site.stage.jobs[:1]
    site.stage.trouble = [trouble]
    site.intake.handle("d1", a_closing())
    site.settle()
    [told] = site.stage.told
    assert told.startswith(said)
    key = site.stage.jobs[0].key
    assert site.kept() == {key: ("failed", 1)}
    with site.database.begin() as connection:
        [kept] = journal.find(connection)
    assert kept.summary == (said if told == said else f"{told}: {trouble}"), "operators are told all of it"
    site.intake.handle("d1", a_closing())
    site.settle()
    assert site.kept() == {key: ("done", 2)}
    site.intake.handle("d1", a_closing())
    site.settle()
    assert site.kept() == {key: ("done", 2)}


def test_trouble_that_does_not_pass_in_time_ends_as_lasting_trouble_does(address, tmp_path):
    with Site(address, tmp_path, Pacing(poll=0.05, pauses=(), first=0.05, longest=0.1, patience=0.5, stop=5)) as site:
        site.stage.jobs = site.stage.jobs[:1]
        site.stage.trouble = [Fault("502", passing=True) for _ in range(1000)]
        site.intake.handle("d1", a_closing())
        site.settle()
        assert set(site.kept().values()) == {("failed", 1)}
        assert site.stage.told


def test_a_no_that_may_come_too_early_is_taken_in_the_end(site):
    site.stage.jobs = site.stage.jobs[:1]
    early = Fault("not found", passing=True)
    early.answer = Comment(9, ADA, "the answer")
    site.stage.trouble = [early] * 1000
    site.intake.handle("d1", a_closing())
    site.settle()
    assert set(site.kept().values()) == {("done", 1)}
    assert 900 < len(site.stage.trouble) < 1000


def test_planning_that_meets_trouble_for_too_long_fails_and_is_tried_again_when_the_delivery_comes_again(
    address, tmp_path
):
    with Site(address, tmp_path, Pacing(poll=0.05, pauses=(), first=0.05, longest=0.1, patience=0.5, stop=5)) as site:
        away = [Fault("502", passing=True)] * 1000

        def refuse(action):
            if isinstance(action, GetPull) and away:
                raise away.pop()

        site.stage.between = refuse
        site.intake.handle("d1", a_closing())
        site.settle()
        assert site.kept() == {}
        away.clear()
        site.intake.handle("d1", a_closing())
        site.settle()
        assert set(site.kept().values()) == {("done", 1)}


def test_what_takes_long_keeps_nobody_waiting_and_both_may_write(address, tmp_path):
    site = Site(address, tmp_path / "bot", replace(QUICK, poll_builds=0.05))
    site.takes_long = lambda job: job.number == 1
    begun, go_on = threading.Event(), threading.Event()

    def wait(action):
        if isinstance(action, EnsureComment) and action.number == 1 and action.body == "one":
            begun.set()
            assert go_on.wait(WAIT)

    site.stage.between = wait
    with site:
        site.intake.handle("one", a_closing(1))
        assert begun.wait(WAIT)
        end = time.monotonic() + WAIT
        while site.kept()[a_backport(2).key] != ("done", 1):
            assert time.monotonic() < end, site.kept()
            time.sleep(0.02)
        go_on.set()
        site.settle()
        assert site.kept()[a_backport(1).key] == ("done", 1)
        assert site.stage.performed["EnsureComment", 1, "two"] == 1


def test_a_worker_that_was_taken_for_dead_writes_nothing(site):
    site.stage.jobs = site.stage.jobs[:1]

    def be_taken_over(action):
        if isinstance(action, FindComment):
            with site.database.begin() as connection:
                take(connection, deliveries.partition_of(REPO))

    site.stage.between = be_taken_over
    site.intake.handle("d1", a_closing())
    time.sleep(1)
    assert not [kind for kind, *_ in site.stage.performed if kind == "EnsureComment"]


def test_while_the_database_is_away_deliveries_go_to_the_disk_and_come_back(site, monkeypatch):
    def away(*_):
        raise Fault("the database is away", passing=True)

    with monkeypatch.context() as broken:
        broken.setattr(site.database, "begin", away)
        site.intake.handle("d1", a_closing())
        assert len(Spool(site.folder / "spool")) == 1
        assert site.stage.planned == 0
    deadline = time.monotonic() + WAIT
    while len(Spool(site.folder / "spool")) and time.monotonic() < deadline:
        time.sleep(0.05)
    site.settle()
    assert site.kept() == {job.key: ("done", 1) for job in site.stage.jobs}


@pytest.mark.parametrize("place", ["deliveries.read", "journal.end"])
def test_trouble_with_the_database_between_two_steps_ends_no_work(site, monkeypatch, place):
    module, name = place.split(".")
    module = {"deliveries": deliveries, "journal": journal}[module]
    real, trouble = getattr(module, name), [Fault("the database is away", passing=True)] * 2

    def away(*given, **named):
        if trouble:
            raise trouble.pop()
        return real(*given, **named)

    monkeypatch.setattr(module, name, away)
    site.intake.handle("d1", a_closing())
    site.settle()
    assert trouble == []
    assert site.kept() == {job.key: ("done", 1) for job in site.stage.jobs}


def test_what_the_engine_has_lost_altogether_is_put_into_the_queue_again(site):
    with site.database.begin() as connection:
        deliveries.put(connection, "github:d1", a_closing())
        journal.begin(connection, a_backport(3), "github:d2")
    assert len(site.queue.take_up_forgotten(now() + 1)) == 2
    assert site.queue.take_up_forgotten(now() - 60) == []
    site.settle()
    assert site.kept() == {job.key: ("done", 1) for job in (*site.stage.jobs, a_backport(3))}
    assert site.queue.take_up_forgotten(now() + 1) == []


def test_what_waits_is_not_taken_for_queued_because_another_round_of_it_is(site):
    site.stop()
    with site.database.begin() as connection:
        deliveries.put(connection, "github:one", a_closing(1))
        connection.execute(sa.update(inbox).values(round=1))
    partition = deliveries.partition_of(REPO)
    site.queue.put_off("plan", "plan github:one 12", partition, ("github:one", 12, 0), 1000)
    assert site.queue.take_up_forgotten(now() + 1) == ["plan github:one 1"]
    assert site.queue.take_up_forgotten(now() + 1) == []
    site.start()


def test_what_is_queued_twice_is_planned_once(site):
    site.intake.handle("one", a_closing(1))
    site.settle()
    partition = deliveries.partition_of(REPO)
    name = "plan github:one 0 again 1"
    site.queue.put_off("plan", name, partition, ("github:one", 0, 0), 0)
    end = time.monotonic() + WAIT
    while not site.queue.engine.list_workflows(workflow_ids=[name], status="SUCCESS"):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert site.stage.planned == 1


@pytest.mark.parametrize("trouble", [
    OSError(errno.ENOSPC, "No space left on device"), Fault("`git fetch` exited with 128: No space left on device"),
    sqlite3.OperationalError("database or disk is full"),
], ids=lambda trouble: type(trouble).__name__)  # fmt: skip
def test_a_full_disk_is_no_fault_of_the_work(site, trouble):
    site.stage.jobs = site.stage.jobs[:1]
    site.stage.trouble = [trouble] * 3
    site.intake.handle("d1", a_closing())
    site.settle()
    assert set(site.kept().values()) == {("done", 1)}
    assert site.stage.told == []


# ── crashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_PROGRAM = """
import sys, os, pathlib, time
from tests.app.test_durable import Site, QUICK
from tests.app.values import a_closing
from bot.core.actions import EnsureComment, FindComment, GetPull
address, folder, victim, when = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
site = Site(address, folder)
perform = site.stage.perform
def deadly(action):
    name = f"{type(action).__name__} {getattr(action, 'number', 0)} {getattr(action, 'body', '')}".strip()
    if name == victim and when == "before":
        os.kill(os.getpid(), 9)
    outcome = perform(action)
    with (folder / "performed").open("a") as log:
        log.write(name + chr(10))
    if name == victim:
        os.kill(os.getpid(), 9)
    return outcome
site.stage.perform = deadly
site.start()
site.intake.handle("d1", a_closing())
site.settle()
site.stop()
"""


def run_until_killed(address, folder, victim, when):
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, address, str(folder), victim, when], timeout=60, check=False,
        capture_output=True, cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("victim", [
    "GetPull 12", "FindComment 1", "EnsureComment 1 one", "EnsureComment 1 two", "EnsureComment 2 two",
])  # fmt: skip
def test_killed_at_any_action_the_work_goes_on_and_only_that_action_is_repeated(address, tmp_path, victim, when):
    done = run_until_killed(address, tmp_path, victim, when)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    with Site(address, tmp_path) as site:
        site.settle()
        assert site.kept() == {job.key: ("done", 1) for job in site.stage.jobs}
        again = Counter(f"{kind} {number} {body}".strip() for (kind, number, body), n in site.stage.performed.items()
                        for _ in range(n))  # fmt: skip
    before = Counter((tmp_path / "performed").read_text().split("\n")[:-1]) if (tmp_path / "performed").exists() else {}
    both = Counter(before) + again
    assert both == {**dict.fromkeys(EVERYTHING, 1), victim: 2 if when == "after" else 1}


EVERYTHING = ("GetPull 12", *(f"{what} {n}{text}" for n in (1, 2) for what, text in (
    ("FindComment", ""), ("EnsureComment", " one"), ("EnsureComment", " two"))))  # fmt: skip


def test_what_a_process_that_is_gone_has_left_is_taken_over_by_another(address, tmp_path):
    with Site(address, tmp_path) as site:  # it has the first slot, so that the one that dies has the second
        site.stage.jobs = ()
        done = run_until_killed(address, tmp_path, "EnsureComment 1 one", "before")
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr.decode()[-2000:]
        site.settle()
        assert set(site.kept().values()) <= {("done", 1)}


def test_another_version_of_the_flow_starts_again_and_ends(address, tmp_path):
    assert run_until_killed(address, tmp_path, "EnsureComment 1 two", "before").returncode == -signal.SIGKILL
    site = Site(address, tmp_path)

    def newer(job):
        yield from ask(EnsureComment(job.repo, job.number, "marker", "asked in another order"))
        return a_report(job)

    site.stage.flow_of = newer
    with site:
        site.settle()
        assert site.kept() == {job.key: ("done", 1) for job in site.stage.jobs}
        assert {body for kind, _, body in site.stage.performed if kind == "EnsureComment"} == {"asked in another order"}


def test_an_outcome_that_is_too_large_to_keep_is_asked_for_again(address, tmp_path):
    site = Site(address, tmp_path)
    sizes = []

    def flow_of(job):
        found = yield from ask(FindComment(job.repo, job.number, "marker"))
        sizes.append(len(found.body))
        yield from ask(EnsureComment(job.repo, job.number, "marker", "short"))
        return a_report(job)

    def perform(action):
        if isinstance(action, FindComment):
            return Comment(5, ADA, "x" * 100_000)
        return site_perform(action)

    site_perform = site.stage.perform
    site.stage.flow_of, site.stage.perform = flow_of, perform
    with site:
        site.intake.handle("d1", a_closing())
        site.settle()
        assert sizes == [100_000] * 2
        with site.database.begin() as connection:
            table = "operation_outputs" if site.database.is_sqlite else "dbos.operation_outputs"
            longest = connection.exec_driver_sql(f"SELECT max(length(output)) FROM {table}").scalar()
        assert longest < 5_000
