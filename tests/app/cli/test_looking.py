"""`relbot status`, `relbot jobs` and `relbot explain` with nothing but a database, and no credential of a forge."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import pytest

from bot.app import cli, log
from bot.app.cli.output import Exit
from bot.app.store import deliveries, journal
from bot.app.store.database import Database
from bot.core.events import PullLabelled
from bot.core.jobs import Report
from bot.core.model import Repo
from tests.app.values import ADA, REPO, a_backport, a_report

EVIL = "\x1b[2Jboo"


@pytest.fixture
def relbot(tmp_path, monkeypatch, capsys):
    """Runs a command on a database with a job that waits, one that is done, and one that failed."""
    monkeypatch.setattr(log, "_hidden", set())
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN", "RELBOT_WEBHOOK_SECRET", "RELBOT_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    settings = tmp_path / "server.toml"
    settings.write_text(f'[data]\ndirectory = "{tmp_path}"\n[github]\n[gitlab]\nurl = "https://git.example"\n')
    monkeypatch.setenv("RELBOT_SETTINGS", str(settings))
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
        with database.begin() as connection:
            deliveries.put(connection, "github:d1", PullLabelled(REPO, 12, (EVIL,), ADA))
            for line in ("2.6", "2.7", "2.8"):
                journal.begin(connection, a_backport(12, line), "github:d1")
            journal.end(connection, a_backport(12, "2.7").key, 1, a_report(a_backport(12, "2.7")))
            journal.end(connection, a_backport(12, "2.8").key, 1, f"fault {EVIL}")
            other = replace(a_backport(1), repo=Repo("github", 8, "acme/other", "main"))
            journal.begin(connection, other, "")
            journal.end(connection, other.key, 1, Report(other, "refused", "No."))

    def run(*words):
        capsys.readouterr()
        code = cli.main(words)
        shown = capsys.readouterr()
        return code, json.loads(shown.out) if "--json" in words and shown.out else shown.out + shown.err

    return run


def keys(shown):
    return [each["key"].split(":", 2)[2] for each in shown["jobs"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["8:1:2.7:0", "7:12:2.8:0", "7:12:2.7:0", "7:12:2.6:0"]),
        (("--failed",), ["7:12:2.8:0"]),
        (("--state", "waiting"), ["7:12:2.6:0"]),
        (("--repository", "ACME/Other"), ["8:1:2.7:0"]),
        (("--change", "acme/torchlet#12", "--state", "done"), ["7:12:2.7:0"]),
        (("--most", "1"), ["8:1:2.7:0"]),
        (("--state", "cancelled"), []),
    ],
)
def test_jobs_are_found_by_what_is_asked_for(relbot, words, found):
    code, shown = relbot("jobs", "--json", *words)
    assert (code, keys(shown)) == (Exit.DONE, found)


def test_what_cannot_be_asked_for_is_said(relbot):
    assert relbot("jobs", "--state", "broken") == (
        Exit.USAGE,
        "relbot: No job is ever 'broken'. The states are waiting, done, settled, refused, failed, cancelled.\n",
    )
    for number in ("0", "-1", "9" * 30):
        assert relbot("jobs", "--most", number)[0] == Exit.USAGE
    assert relbot("jobs", "--failed", "--state", "done")[0] == Exit.USAGE
    assert relbot("jobs", "--change", "")[0] == Exit.USAGE
    assert relbot("jobs", "--change", "acme/unknown#1")[0] == Exit.USAGE
    assert "There is no such job." in relbot("jobs", "--state", "cancelled")[1]


def test_a_job_is_only_stopped_by_who_says_yes(relbot):
    key = a_backport(12, "2.6").key
    code, said = relbot("jobs", "--cancel", key)
    assert (code, said) == (Exit.REFUSED, f"{key}: it is waiting. Say --yes to stop it.\n")
    code, said = relbot("jobs", "--cancel", key, "--yes", "--json")
    assert (code, said["done"]) == (Exit.DONE, True)
    assert relbot("jobs", "--cancel", key, "--yes")[0] == Exit.NOTHING
    assert keys(relbot("jobs", "--state", "cancelled", "--json")[1]) == ["7:12:2.6:0"]
    assert "operator" in relbot("jobs", "--state", "cancelled", "--json")[1]["jobs"][0]["summary"]


@pytest.mark.parametrize("order", ["--retry", "--cancel", "--replay"])
def test_an_order_without_a_name_as_out_of_an_unset_variable_is_no_listing(relbot, order):
    code, said = relbot("jobs", order, "", "--yes")
    assert (code, said.partition("? ")[2][:20]) == (Exit.USAGE, "No key was given. `r")


def test_nobody_is_asked_to_say_yes_to_what_cannot_be_stopped(relbot):
    code, said = relbot("jobs", "--cancel", a_backport(12, "2.7").key)
    assert (code, said.partition(": ")[2]) == (Exit.NOTHING, "it neither waits nor runs, it is done\n")


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_terminal_is_so_narrow_that_a_key_or_what_came_is_cut_off(relbot, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    shown = relbot("jobs")[1]
    assert a_backport(12, "2.7").key in shown
    assert "…" not in shown
    assert "…" not in relbot("status")[1]


@pytest.mark.parametrize("words", [("jobs",), ("explain", "acme/torchlet#12"), ("status",)])
def test_no_text_of_a_forge_drives_the_terminal(relbot, words):
    code, shown = relbot(*words)
    assert code == Exit.DONE
    assert "\x1b" not in shown


def test_status_says_what_is_to_be_done_and_ends_well_all_the_same(relbot):
    code, shown = relbot("status", "--json")
    assert (code, shown["good"]) == (Exit.DONE, False)
    assert {each["name"]: each["mend"] for each in shown["facts"]}["processes"] == "Start `relbot serve`."
    assert "nothing is at work" in relbot("status")[1]


def test_the_whole_story_is_told_in_order(relbot):
    code, text = relbot("explain", "https://github.com/acme/torchlet/pull/12")
    assert code == Exit.DONE
    order = ["acme/torchlet#12", "labelled", ":2.6:0: waiting", ":2.7:0: opened", ":2.8:0: failed", "waits: "]
    assert sorted(order, key=text.index) == order
    assert relbot("explain", "acme/torchlet#13")[0] == Exit.NOTHING
    for named in ("nonsense", "http://[::1/acme/torchlet/pull/12"):
        code, said = relbot("explain", named)
        assert (code, said[: len(named) + 10]) == (Exit.USAGE, f"relbot: {named!r}")
