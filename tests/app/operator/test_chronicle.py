"""Why each thing did or did not happen to a pull, and never a silence."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.app.codec import encode
from bot.app.operator.chronicle import explain
from bot.app.operator.opening import Desk
from bot.app.settings import Home, Server
from bot.app.store import audit, deliveries, journal
from bot.app.store.database import Database
from bot.core.actions import BranchMoved, EnsureBranch, EnsureComment, React, Refused, SetLabels
from bot.core.errors import UserError
from bot.core.events import CommentPosted, PullClosed, PullLabelled, PushedTo
from bot.core.jobs import Settle
from bot.core.model import Comment, Line, Repo, Secret
from tests.app.values import ADA, PICK, REPO, a_backport, a_closing

SITES = {"github": "https://github.com", "gitlab": "https://git.example"}
PULL = "acme/torchlet#12"


@pytest.fixture
def desk(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
        yield Desk(database, Home(Server(owners=("acme",)), tmp_path, Secret(""), SITES))


def keep(desk, name, event, state="planned", notes=""):
    with desk.database.begin() as connection:
        deliveries.put(connection, f"{event.repo.forge}:{name}", event)
        deliveries.mark(connection, f"{event.repo.forge}:{name}", state, notes)


def test_of_a_repository_that_nobody_spoke_of_the_likely_reasons_are_told(desk):
    told = explain(desk, PULL)
    assert (told.happenings, told.work) == ((), ())
    assert "relbot doctor --repository acme/torchlet" in " ".join(told.hints)
    assert "relbot sweep --repository acme/torchlet" in " ".join(told.hints)
    assert "belongs to none of the `owners`" in explain(desk, "github:other/kit#1").hints[0]


def test_of_a_pull_that_nobody_spoke_of_the_last_word_of_its_repository_is_told(desk):
    keep(desk, "d1", a_closing(11))
    told = explain(desk, PULL)
    assert "No delivery about #12 is kept; the last from this repository came 20" in told.hints[0]
    assert told.address == "https://github.com/acme/torchlet/pull/12"


def test_what_was_heard_and_led_to_nothing_keeps_its_notes(desk):
    keep(desk, "d1", PullLabelled(REPO, 12, ("bug",), ADA), notes="Not a backport label: “bug”.\nAnd another.")
    [happening] = (told := explain(desk, PULL)).happenings
    assert (happening.what, happening.by) == ("labelled bug", "ada")
    assert happening.notes == ("Not a backport label: “bug”.", "And another.")
    assert "the notes above say why" in told.hints[0]
    keep(desk, "d2", a_closing(), "failed", "fault 12ab")
    assert "relbot jobs --replay" in explain(desk, PULL).hints[0]


def test_a_push_is_told_where_it_led_to_a_job_of_the_pull(desk):
    push = PushedTo(REPO, "release/2.7", "a" * 40, "b" * 40, ADA)
    keep(desk, "d1", push)
    with desk.database.begin() as connection:
        journal.begin(connection, Settle(REPO, 12, Line(2, 7), "b" * 40), "github:d1")
        journal.begin(connection, Settle(REPO, 13, Line(2, 7), "b" * 40), "github:d1")
    told = explain(desk, PULL)
    assert [each.what for each in told.happenings] == ["push to release/2.7, aaaaaaaaaaaa to bbbbbbbbbbbb"]
    assert [each.kept.change for each in told.work] == ["github:7:12"]


def test_what_waits_says_why(desk):
    keep(desk, "d1", a_closing(), "waiting")
    with desk.database.begin() as connection:
        journal.begin(connection, a_backport(11), "")
        journal.begin(connection, a_backport(), "github:d1")
        journal.note(connection, a_backport().key, "the forge answers 502")
    planning, job = explain(desk, PULL).waits
    assert planning.startswith("github:d1, for 0 s: nothing is at work: start `relbot serve`")
    assert "it was tried and put off: the forge answers 502; 1 of the same repository are before it" in job


def test_effects_are_told_with_what_came_of_them_and_where_to_see_it(desk):
    write = EnsureBranch(PICK, "c" * 40, "backport/2.7/12", "d" * 40)
    entries = (
        (write, BranchMoved("e" * 40)), (write, Refused("it is protected", "Do.")),
        (EnsureComment(REPO, 12, "m", "<!-- m -->\nHello.\nMore."), Comment(5, ADA, "")),
        (SetLabels(REPO, 12, ("backport-open/2.7",), ("x",)), None), (React(REPO, 12, 9, "eyes"), None),
    )  # fmt: skip
    with desk.database.begin() as connection:
        journal.begin(connection, a_backport(), "")
        for each, outcome in entries:
            audit.append(connection, audit.Entry(a_backport().key, "ada", encode(each), encode(outcome), '["saw it"]'))
        for odd in ('{"$":"Unheard","of":1}', "no JSON", "[]"):
            audit.append(connection, audit.Entry(a_backport().key, "ada", odd, odd))
    [work] = explain(desk, PULL).work
    told = [(each.written, each.came, each.link) for each in work.effects]
    branch = f"branch backport/2.7/12 put at {'c' * 40}, expected to be at {'d' * 40}"
    assert told == [
        (branch, f"it was at {'e' * 40} instead, and was left alone", None),
        (branch, "the forge refused: it is protected", None),
        ("comment on #12: Hello.", "", "https://github.com/acme/torchlet/pull/12#issuecomment-5"),
        ("labels of #12: +backport-open/2.7 -x", "", None),
        ("reaction eyes on comment 9", "", None),
        ("Unheard of=1", "", None), ("something", "", None), ("something", "", None),
    ]  # fmt: skip
    assert (work.effects[0].asked_by, work.effects[0].seen) == ("ada", ("saw it",))


def test_what_another_version_has_kept_or_nobody_keeps_any_more_does_not_stop_it(desk):
    keep(desk, "d1", CommentPosted(REPO, 12, 5, ADA, "<!-- hidden -->\n\n  /backport 2.7"))
    keep(desk, "d2", a_closing())
    keep(desk, "d3", a_closing())
    with desk.database.begin() as connection:
        connection.exec_driver_sql("UPDATE relbot_inbox SET event = '{\"$\":\"Unheard\"}' WHERE key = 'github:d2'")
        connection.exec_driver_sql("UPDATE relbot_inbox SET event = '' WHERE key = 'github:d3'")
    assert [each.what for each in explain(desk, PULL).happenings] == [
        "comment 5: “/backport 2.7”", "something that another version of the program has kept",
        "something that is not kept any more",
    ]  # fmt: skip


def test_a_path_that_was_given_to_another_repository_leads_to_the_one_that_knows_the_pull(desk):
    keep(desk, "d1", a_closing())
    keep(desk, "d2", PullClosed(Repo("github", 99, "acme/torchlet", "main"), 1, ADA))
    assert [each.key for each in explain(desk, PULL).happenings] == ["github:d1"]


def test_a_path_on_both_forges_is_asked_about(desk):
    keep(desk, "d1", a_closing())
    keep(desk, "d2", PullClosed(Repo("gitlab", 7, "acme/torchlet", "main"), 12, ADA))
    with pytest.raises(UserError, match="github:acme/torchlet#12"):
        explain(desk, PULL)
    assert explain(desk, "acme/torchlet!12").name.forge == "gitlab"
