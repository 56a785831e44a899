"""What whoever watches the bot is told: health part by part, and figures without a name in them."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from bot.app import meters
from bot.app.health import Health, checks_of
from bot.app.intake import Intake
from bot.app.monitor import create_monitor, monitored, watching
from bot.app.server import create_app
from bot.app.store import journal
from bot.app.store.database import Database
from bot.app.store.spool import Spool
from bot.app.work import Place
from bot.core.errors import Fault, UserError
from bot.core.events import Delivery
from bot.core.model import Secret
from bot.forges.tally import note_answer
from tests.app.test_server import BODY, Inbox, doors, signed
from tests.app.values import a_backport, a_closing


class Nowhere:
    """A queue that puts nothing anywhere."""

    def put_plan(self, *_):
        pass

    def ring(self):
        pass


@pytest.fixture
def place(tmp_path):
    address = f"sqlite:///{tmp_path}/relbot.sqlite"
    database = Database(address)
    database.prepare()
    database.close()
    return Place(Secret(address), tmp_path)


def figures(text):
    """The samples by their names and labels."""
    lines = (line for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_all_is_well_where_everything_works(place):
    with watching(place, lambda: True) as watch:
        client = create_monitor(watch.render, watch.health.troubles).test_client()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_readiness_names_the_part_that_fails_and_nothing_else(tmp_path):
    database = Database("postgresql://somebody:secret@127.0.0.1:9/hidden", 1)
    (tmp_path / "spool").write_text("a file where a folder should be")
    checks = checks_of(database, tmp_path, lambda: False, least=10**18)
    answer = create_app({}, Inbox(), troubles=Health(checks).troubles).test_client().get("/readyz")
    assert answer.status_code == 503
    assert set(answer.json["troubles"]) == {"database", "spool", "disk", "worker"}
    assert not any(word in answer.text for word in ("secret", "hidden", "somebody", "127.0.0.1", str(tmp_path)))


def test_the_checks_are_made_once_a_second_however_many_ask():
    made = []
    health = Health({"part": lambda: made.append(1)})
    threads = [threading.Thread(target=health.troubles) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) <= 2


def test_metrics_tell_what_waits(place, tmp_path):
    database, spool = Database(place.database.reveal()), Spool(tmp_path / "spool")
    intake = Intake(database, Nowhere(), spool, look=1000)
    intake.handle("d1", a_closing())
    spool.put("github", Delivery("d2", a_closing(13)))
    with database.begin() as connection:
        journal.begin(connection, a_backport(), "github:d1")
    with watching(place, lambda: True) as watch:
        first = figures(watch.render())
        assert (first["relbot_inbox_waiting"], first["relbot_spooled"], first["relbot_database_up"]) == (1, 1, 1)
        assert first['relbot_jobs{state="waiting"}'] == 1
        assert first["relbot_oldest_delivery_seconds"] < 60
        intake.handle("d3", a_closing(14))
        time.sleep(1.1)  # the answer is kept for a second
        assert figures(watch.render())["relbot_inbox_waiting"] == 2
    intake.close()
    database.close()


def test_metrics_say_when_the_database_is_away(tmp_path):
    place = Place(Secret("postgresql://somebody:secret@127.0.0.1:9/hidden"), tmp_path)
    with watching(place, lambda: True) as watch:
        told = figures(watch.render())
        assert told["relbot_database_up"] == 0
        assert told["relbot_spooled"] == 0
        assert "relbot_inbox_waiting" not in told


def test_metrics_count_deliveries_by_what_became_of_them():
    inbox, before = Inbox(), figures(meters.render())
    client = create_app(doors(), inbox).test_client()

    def post(body=BODY, **changed):
        return client.post("/hooks/github", data=body, headers=signed(BODY, **changed)).status_code

    assert post() == 202
    assert post(X_GitHub_Event="star") == 202
    assert post(X_Hub_Signature_256="sha256=" + "0" * 64) == 401
    inbox.trouble = Fault("full", passing=True)
    assert post() == 503
    inbox.trouble = RuntimeError("unforeseen")
    assert post() == 500
    after = figures(meters.render())
    grown = {name: after[name] - before.get(name, 0) for name in after if "total" in name and "github" in name}
    assert {name: count for name, count in grown.items() if count} == {
        'relbot_deliveries_total{forge="github",result="taken"}': 1,
        'relbot_deliveries_total{forge="github",result="ignored"}': 1,
        'relbot_deliveries_total{forge="github",result="not kept"}': 1,
        'relbot_refusals_total{forge="github",reason="untrusted"}': 1,
        'relbot_refusals_total{forge="github",reason="fault"}': 1,
    }
    counted = "relbot_acknowledgement_seconds_count"
    assert after[counted] - before[counted] == 3


def test_metrics_have_no_name_that_came_from_outside():
    client = create_app(doors(), Inbox(), lambda _: False).test_client()
    client.post("/hooks/github", data=BODY, headers=signed(BODY, X_GitHub_Delivery="a-name-of-theirs"))
    with meters.timing_action("GetPull"):
        pass
    text = meters.render().decode()
    assert 'relbot_action_seconds_count{action="GetPull"}' in text
    assert not any(word in text for word in ("torchlet", "acme", "ada", "a-name-of-theirs"))


def test_a_job_that_does_not_end_is_told_from_one_that_does():
    before = figures(meters.render())
    with meters.timing_job("Backport") as note:
        note("opened")
    with pytest.raises(KeyError), meters.timing_job("Backport"):
        raise KeyError
    after = figures(meters.render())
    for outcome in ("opened", "put off"):
        name = f'relbot_job_seconds_count{{kind="Backport",outcome="{outcome}"}}'
        assert after[name] - before.get(name, 0) == 1


@pytest.mark.parametrize(("told", "shown"), [("4321", 4321), ("", None), ("1" * 30, None), (None, None)])
def test_what_a_forge_allows_still_is_shown_as_it_last_said(told, shown):
    note_answer("gitlab", 200, "7")
    note_answer("gitlab", 429, told)
    found = figures(meters.render())
    assert found['relbot_api_requests_left{forge="gitlab"}'] == (7 if shown is None else shown)
    assert found['relbot_api_requests_total{forge="gitlab",status="4xx"}'] >= 1


def test_metrics_are_at_their_own_address_and_not_at_the_door(place):
    with watching(place, lambda: True) as watch, monitored(("127.0.0.1", 0), watch) as monitor:
        assert monitor is not None
        answer = requests.get(f"http://127.0.0.1:{monitor.port}/metrics", timeout=10)
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "relbot_inbox_waiting" in answer.text
        assert requests.get(f"http://127.0.0.1:{monitor.port}/readyz", timeout=10).status_code == 200
        with pytest.raises(UserError, match=r"Cannot listen.*--metrics"), monitored(("127.0.0.1", monitor.port), watch):
            pass
    assert create_app(doors(), Inbox()).test_client().get("/metrics").status_code == 404


def test_nothing_is_told_without_an_address(place):
    with watching(place, lambda: True) as watch, monitored(None, watch) as monitor:
        assert monitor is None
