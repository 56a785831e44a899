"""What is wrong with the bot is seen, with what to do about it."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager

import pytest

from bot.app.operator.health import examine
from bot.app.operator.opening import Desk, open_desk
from bot.app.settings import Home, Server
from bot.app.store import audit, deliveries, journal, rounds
from bot.app.store.database import Database
from bot.app.store.slots import Slot
from bot.app.store.spool import Spool
from bot.core.errors import UserError
from bot.core.events import Delivery
from bot.core.model import Secret
from tests.app.values import a_backport, a_closing

pytestmark = [pytest.mark.xdist_group("health")]


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request, tmp_path):
    sqlite = request.param == "sqlite"
    address = f"sqlite:///{tmp_path}/relbot.sqlite" if sqlite else request.getfixturevalue("postgres")()
    with closing(Database(address)) as database:
        database.prepare()
        yield Desk(database, Home(Server(), tmp_path, Secret(address), {"github": "https://github.com"}))


def look(desk, **wishes):
    return {fact.name: fact for fact in examine(desk, **wishes)}


def test_a_bot_that_has_just_been_started_is_well(desk):
    with _slot(desk) as slot:
        facts = look(desk)
        assert facts[slot.id].good
        assert f"on {socket.gethostname()}" in facts[slot.id].said
        assert [fact.name for fact in facts.values() if fact.good is False] == []
        assert facts["database"].data["bytes"] > 0


@contextmanager
def _slot(desk):
    slot = Slot(desk.database, desk.home.directory)
    try:
        yield slot
    finally:
        slot.release()


def test_a_process_that_is_gone_is_told_from_one_that_is_silent(desk):
    with _slot(desk), desk.database.begin() as connection:
        connection.exec_driver_sql("UPDATE relbot_executors SET seen_at = seen_at - 600")
    with _slot(desk) as first, _slot(desk) as second:
        with desk.database.begin() as connection:
            connection.exec_driver_sql(f"UPDATE relbot_executors SET seen_at = seen_at - 600 WHERE id = '{first.id}'")
        second.release()
        facts = look(desk)
        assert "it is there, and silent" in facts[first.id].said
        assert "it is gone" in facts[second.id].said
        assert facts[second.id].data["lives"] is False


def test_what_waits_while_nothing_is_at_work_names_the_next_step(desk):
    with desk.database.begin() as connection:
        deliveries.put(connection, "github:d1", a_closing())
        journal.begin(connection, a_backport(), "github:d1")
        journal.note(connection, a_backport().key, "the forge answers 502")
        for table, column in (("relbot_inbox", "received_at"), ("relbot_jobs", "updated_at")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} - 3600")
    Spool(desk.home.directory / "spool").put("github", Delivery("d2", a_closing()))
    facts = look(desk)
    assert (facts["processes"].good, facts["processes"].mend) == (False, "Start `relbot serve`.")
    assert (facts["deliveries"].said, facts["deliveries"].good) == ("1 wait, the oldest for 60 min", False)
    assert facts["oldest job"].said.endswith("60 min: the forge answers 502")
    assert "start `relbot serve`" in facts["oldest job"].mend
    assert (facts["spool"].good, facts["spool"].data) == (False, {"deliveries": 1})
    with _slot(desk):
        assert "relbot jobs --state waiting" in look(desk)["oldest job"].mend


def test_failures_of_the_last_day_and_the_last_rounds_are_told(desk):
    with desk.database.begin() as connection:
        for number in (1, 2):
            journal.begin(connection, a_backport(number), "")
            journal.end(connection, a_backport(number).key, 1, "fault 12ab")
        connection.exec_driver_sql("UPDATE relbot_jobs SET updated_at = updated_at - 90000 WHERE change = 'github:7:1'")
        assert rounds.take(connection, "sweep", 1)
        rounds.end(connection, "sweep", "3 repositories, 1 found, 4 requests")
    facts = look(desk)
    assert facts["failed today"].said == "1 jobs in the last day"
    assert facts["jobs"].data["states"] == {"failed": 2}
    assert facts["last sweep"].said.endswith("ago: 3 repositories, 1 found, 4 requests")


def test_tampering_is_seen_and_only_the_whole_audit_is_wholly_verified(desk):
    with desk.database.begin() as connection:
        for number in range(5):
            audit.append(connection, audit.Entry(f"job {number}", "ada", "{}", "null"))
        audit.forget(connection, 0.0)
    assert look(desk)["audit"].said == "5 entries, 5 of them verified"
    with desk.database.begin() as connection:
        connection.exec_driver_sql("UPDATE relbot_audit SET actor = 'mallory' WHERE number = 2")
    for whole in (False, True):
        fact = look(desk, whole_audit=whole)["audit"]
        assert (fact.good, fact.data["broken_at"]) == (False, 2)


def test_who_looks_where_nothing_ever_ran_is_told_so_and_makes_nothing(tmp_path):
    settings = tmp_path / "server.toml"
    settings.write_text(f'[data]\ndirectory = "{tmp_path}/nowhere"\n')
    with pytest.raises(UserError, match="nothing has run here yet"), open_desk(str(settings), {}):
        pass
    assert not (tmp_path / "nowhere" / "relbot.sqlite").exists()
