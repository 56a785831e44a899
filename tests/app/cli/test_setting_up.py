"""`relbot labels sync`, `relbot hooks sync` and `relbot doctor`, on the sandbox forge."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bot.app import cli, log
from bot.app.cli.output import Exit
from bot.sandbox import Fault

PATH = "acme/torchkit"
SECRET = "hook-secret-c0ffee"
SERVER = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture
def forge(sandbox, tmp_path, monkeypatch):
    """A forge with a repository of two lines, and settings that lead there."""
    sandbox.create_repository(PATH)
    sandbox.commit(PATH, "main", {"README.md": "A kit.\n"}, "Start", by="ada")
    for line in ("2.7", "2.10"):
        sandbox.branch(PATH, f"release/{line}", "main", by="ada")
    sandbox.add_user("relbot")
    sandbox.grant(PATH, "relbot", "admin")
    write_settings(tmp_path, sandbox.url)
    monkeypatch.setenv("RELBOT_SETTINGS", str(tmp_path / "server.toml"))
    monkeypatch.setenv("GITHUB_TOKEN", sandbox.token_for("relbot"))
    monkeypatch.setenv("RELBOT_WEBHOOK_SECRET", SECRET)
    return sandbox


def write_settings(tmp_path, url, server=f'url = "{SERVER}"', more=""):
    (tmp_path / "server.toml").write_text(
        f'[server]\n{server}\n[data]\ndirectory = "{tmp_path}/data"\n'
        f'[github]\napi = "{url}"\nclone_base = "{url}"\npaced = false\n{more}'
    )


def relbot(capsys, *arguments):
    """Exit code, and the JSON document that was printed."""
    code = cli.main([*arguments, "--json"])
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err
    return code, json.loads(shown.out) if shown.out else shown.err


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_labels_of_all_lines_are_made_and_those_that_are_there_left_alone(forge, capsys):
    forge.label(PATH, a_pull(forge), "Backport/2.7", by="ada")
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH)
    assert code == Exit.DONE
    outcomes = {each["name"]: each["outcome"] for each in said["labels"]}
    made = {name for name, outcome in outcomes.items() if outcome == "made"}
    assert outcomes.keys() - made == {"backport/2.7"}
    assert made == {
        "backport/all", "backport/skip-2.7", "backport/2.10", "backport/skip-2.10",
        *(f"{state}/{line}" for state in ("backport-open", "backported", "backport-conflict", "backport-present")
          for line in ("2.7", "2.10")),
    }  # fmt: skip
    labels = forge.find(PATH).labels
    assert labels["backport/2.7"].name == "Backport/2.7"
    assert labels["backported/2.10"].description == "This change is on 2.10"
    assert relbot(capsys, "labels", "sync", "--repository", PATH)[0] == Exit.NOTHING


def a_pull(forge):
    forge.commit(PATH, "topic", {"a.py": "1\n"}, "A", by="ada")
    forge.branch(PATH, "other", "main", by="ada")
    from bot.sandbox import PullWish

    return forge.open_pull(PATH, PullWish("A", "topic", "other"), by="ada")


def test_a_rehearsal_of_labels_makes_none_and_a_line_can_be_chosen(forge, capsys):
    before = set(forge.find(PATH).labels)
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH, "--dry-run", "--line", "v2.7")
    assert code == Exit.DONE
    assert {each["outcome"] for each in said["labels"]} == {"missing"}
    assert not [each for each in said["labels"] if "2.10" in each["name"]]
    assert set(forge.find(PATH).labels) == before


def test_a_policy_decides_what_labels_are_called(forge, capsys):
    policy = {".github/relbot.toml": '[backport]\nlabel = "to {line}!"\n'}
    forge.commit(PATH, "main", policy, "Our labels", by="ada")
    relbot(capsys, "labels", "sync", "--repository", PATH, "--line", "2.7")
    assert {"to all!", "to 2.7!", "to skip-2.7!", "backported/2.7"} <= set(forge.find(PATH).labels)


def test_a_broken_policy_is_quoted(forge, capsys):
    forge.commit(PATH, "main", {".github/relbot.toml": "[backport]\nlable = 1\n"}, "Mistype", by="ada")
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert "line 2, `lable = 1`" in said


def test_labels_that_the_forge_refuses_are_told_with_the_next_step(forge, capsys):
    forge.grant(PATH, "relbot", "triage")
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH, "--line", "2.7")
    assert code == Exit.REFUSED
    assert {each["outcome"] for each in said["labels"]} == {"refused"}
    assert "Give the bot's token the permission issues" in said["labels"][0]["said"]


# ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_webhook_is_created_then_left_alone_then_mended(forge, capsys):
    sync = ("hooks", "sync", "--repository", PATH)
    code, said = relbot(capsys, *sync, "--dry-run")
    assert (code, said["changes"], said["rehearsed"]) == (Exit.DONE, ["created"], True)
    assert forge.find(PATH).hooks == {}
    assert relbot(capsys, *sync)[0] == Exit.DONE
    [hook] = forge.find(PATH).hooks.values()
    assert (hook.url, hook.secret) == (f"{SERVER}/hooks/github", SECRET)
    assert relbot(capsys, *sync)[0] == Exit.NOTHING
    hook.active = False
    code, said = relbot(capsys, *sync, "--dry-run")
    assert (code, said["changes"]) == (Exit.DONE, ["switched on"])
    assert not hook.active
    assert relbot(capsys, *sync)[1]["changes"] == ["switched on"]
    assert hook.active
    assert relbot(capsys, *sync, "--renew-secret")[1]["changes"] == ["given the secret anew"]


@pytest.mark.parametrize(("given", "url"), [
    ("http://127.0.0.1:9/", "http://127.0.0.1:9/hooks/github"),
    ("http://127.0.0.1:9/relbot", "http://127.0.0.1:9/relbot/hooks/github"),
    ("http://127.0.0.1:9/hooks/github", "http://127.0.0.1:9/hooks/github"),
])
def test_the_address_may_be_given_with_or_without_the_door(forge, capsys, given, url):
    assert relbot(capsys, "hooks", "sync", "--repository", PATH, "--url", given)[1]["webhook"] == url


def test_without_the_right_to_it_no_webhook_is_touched(forge, capsys):
    forge.grant(PATH, "relbot", "write")
    code, said = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.REFUSED
    assert "repository webhooks" in said["refused"]


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "Which repository?"),
    (("--repository", "acme"), "is not the name of a repository"),
    (("--repository", "acme/../x"), "is not the name of a repository"),
    (("--repository", "acme/nothing"), "There is no acme/nothing that the bot's token can see"),
    (("--repository", f"gitlab:{PATH}"), "The settings name no forge 'gitlab'"),
    (("--repository", PATH, "--url", "http://example.org"), "is no address for a webhook"),
    (("--repository", PATH, "--url", "https://me:pw@example.org"), "is no address for a webhook"),
])
@pytest.mark.usefixtures("forge")
def test_what_is_missing_is_asked_for(capsys, arguments, said):
    code, shown = relbot(capsys, "hooks", "sync", *arguments)
    assert code == Exit.USAGE
    assert said in shown


@pytest.mark.usefixtures("forge")
def test_a_webhook_without_a_secret_is_not_created(capsys, monkeypatch):
    monkeypatch.setenv("RELBOT_WEBHOOK_SECRET", "")
    code, shown = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert "There is no webhook secret for github" in shown


def test_a_repository_of_other_owners_is_left_to_them(forge, capsys, tmp_path):
    write_settings(tmp_path, forge.url, server=f'url = "{SERVER}"\nowners = ["other"]')
    code, shown = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert "belongs to none of the owners" in shown


def test_between_two_forges_nothing_is_guessed(forge, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GITLAB_TOKEN", "gitlab-token-77")
    write_settings(tmp_path, forge.url, more="[gitlab]\n")
    assert "On which forge" in relbot(capsys, "labels", "sync", "--repository", PATH)[1]
    assert relbot(capsys, "labels", "sync", "--repository", f"github:{PATH}", "--line", "2.7")[0] == Exit.DONE


# ── the doctor ───────────────────────────────────────────────────────────────────────────────────────────────────────


def examined(capsys, *arguments):
    """Exit code, and whether each thing is good, with what was said and how to mend it."""
    code, said = relbot(capsys, "doctor", *arguments)
    assert said["good"] is (code == Exit.DONE)
    findings = {each["check"]: each for each in said["findings"]}
    assert all(each["mend"] for each in findings.values() if each["good"] is False)
    return code, findings


def test_where_nothing_is_wrong_every_line_is_good(forge, capsys):
    relbot(capsys, "labels", "sync", "--repository", PATH)
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert forge.deliveries.drain(5)
    for delivery in forge.deliveries.all:
        delivery.statuses[:] = [202]
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.DONE, [each for each in found.values() if each["good"] is False]
    good = {name for name, each in found.items() if each["good"]}
    assert {
        "git", "settings", "mirrors", "github: account", "github: webhook secret", "repository",
        "write access to the repository", "clock", "webhook", "policy", "lines", "labels",
    } <= good  # fmt: skip
    assert found["lines"]["said"] == "2.10, 2.7"
    assert found["github: account"]["said"] == "works as relbot"


def test_each_thing_that_is_wrong_is_red_and_says_how_to_mend_it(forge, capsys):
    forge.branch(PATH, "release/v2.7", "main", by="ada")
    forge.commit(PATH, "main", {".github/relbot.toml": '[lines]\nsupported = ["2.7", "2.99"]\n'}, "Lines", by="ada")
    forge.add_hook(PATH, f"{SERVER}/hooks/github", SECRET, "push")
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    red = {name for name, each in found.items() if each["good"] is False}
    assert red == {"webhook", "line 2.7", "line 2.99", "labels"}
    assert "release/v2.7" in found["line 2.7"]["said"]
    assert "issue_comment, pull_request" in found["webhook"]["said"]


def test_what_can_be_mended_is_with_fix(forge, capsys):
    assert examined(capsys, "--repository", PATH, "--fix")[1]["labels"]["good"]
    assert forge.deliveries.drain(5)
    assert "backported/2.7" in forge.find(PATH).labels
    assert [hook.url for hook in forge.find(PATH).hooks.values()] == [f"{SERVER}/hooks/github"]


def test_a_delivery_that_nobody_took_is_red(forge, capsys):
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert forge.deliveries.drain(5)
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    assert "the last delivery failed" in found["webhook"]["said"]


@pytest.mark.parametrize("spoil_and_red", [
    (lambda patch, forge, at: patch.setenv("GITHUB_TOKEN", "wrong-token-0123"), {"github: account", "repository"}),
    (lambda patch, forge, at: patch.setenv("GITHUB_TOKEN", ""), {"settings"}),
    (lambda patch, forge, at: patch.setenv("RELBOT_WEBHOOK_SECRET", ""), {"github: webhook secret"}),
    (lambda patch, forge, at: (at / "data").rename(at / "old") and (at / "data").touch(), {"mirrors", "clone"}),
    (lambda patch, forge, at: patch.setenv("PATH", str(at)), {"git", "clone"}),
    (lambda patch, forge, at: forge.grant(PATH, "relbot", "read"), {"write access to the repository"}),
    (lambda patch, forge, at: forge.grant(PATH, "relbot", "none"), {"repository"}),
    (lambda patch, forge, at: forge.fail(Fault("/user$", status=500, times=9)), {"github: account"}),
    (lambda patch, forge, at: forge.fail(Fault(f"/repos/{PATH}$", body="<html>", status=200, times=9)), {"repository"}),
    (lambda patch, forge, at: forge.commit(PATH, "main", {".github/relbot.toml": "x = 1"}, "x", by="ada"), {"policy"}),
], ids=range(10))
def test_whatever_fails_is_one_red_line_and_the_rest_is_looked_at(forge, capsys, monkeypatch, spoil_and_red, tmp_path):
    spoil, red = spoil_and_red
    write_settings(tmp_path, forge.url, server="")
    relbot(capsys, "labels", "sync", "--repository", PATH)
    spoil(monkeypatch, forge, tmp_path)
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    assert red == {name for name, each in found.items() if each["good"] is False}


def test_without_a_repository_only_the_machine_and_the_credentials_are_looked_at(forge, capsys):
    assert set(examined(capsys)[1]) == {"git", "settings", "mirrors", "github: account", "github: webhook secret"}


def test_the_table_is_plain_when_nobody_watches(forge, capsys):
    cli.main(["doctor", "--repository", PATH])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert shown.splitlines()[0].startswith("ok   git ")
    assert any(line.startswith("red  webhook") for line in shown.splitlines())
    cli.main(["labels", "sync", "--repository", PATH])
    assert "backported/2.7" in capsys.readouterr().out
    cli.main(["hooks", "sync", "--repository", PATH])
    made = "was created for issue_comment, pull_request, push."
    assert capsys.readouterr().out == f"The webhook to {SERVER}/hooks/github {made}\n"


@pytest.mark.parametrize("command", ["doctor", "labels", "hooks"])
def test_help_loads_nothing_that_it_does_not_need(command):
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bot", command, "--help"],
        capture_output=True, text=True, timeout=30, check=True, env=dict(os.environ),
    )  # fmt: skip
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in shown.stderr.splitlines()}
    assert not loaded & {"flask", "github", "gitlab", "git", "pydantic", "rich", "requests", "markdown_it"}
