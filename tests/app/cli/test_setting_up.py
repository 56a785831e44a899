"""`relbot labels sync`, `relbot hooks sync` and `relbot doctor`, on both of the sandbox's forges."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from bot.app import cli, log
from bot.app.cli.output import Exit
from bot.sandbox import Fault
from tests.forges.canned import Canned, serving
from tests.tools.signing_keys import key_pair, needs

PATH = "acme/torchkit"
SECRET = "hook-secret-c0ffee"
SERVER = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Side:
    """What is called otherwise on the two forges."""

    name: str
    sandbox: str
    """The fixture."""
    address: str
    """The setting that leads to the API."""
    token: str
    secret: str
    events: tuple[str, str, str]
    administers: str
    """Who may do everything here, and who may not even make a label."""
    reads: str
    needed: tuple[str, str]
    """What the refusals of a label and of a webhook ask for."""
    spoil: tuple[str, object, str]
    """A way to spoil a webhook, and what is done about it."""
    project: str
    """Where the API has the repository."""

    @property
    def other(self) -> str:
        return "gitlab" if self.name == "github" else "github"


GITHUB = Side(
    "github", "sandbox", "api", "GITHUB_TOKEN", "RELBOT_WEBHOOK_SECRET",
    ("check_suite", "issue_comment", "pull_request", "push", "status"),
    "admin", "triage", ("the permission issues", "repository webhooks"), ("active", False, "switched on"),
    f"/repos/{PATH}$",
)  # fmt: skip
GITLAB = Side(
    "gitlab", "gitlab_sandbox", "url", "GITLAB_TOKEN", "RELBOT_GITLAB_SECRET",
    ("merge_requests_events", "note_events", "pipeline_events", "push_events", "tag_push_events"),
    "maintain", "read", ("the role Reporter", "Maintainer"),
    ("insecure", True, "set to check certificates"), f"/projects/{PATH}$",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture(params=[GITHUB, GITLAB], ids=lambda side: side.name)
def side(request):
    return request.param


@pytest.fixture
def forge(side, request, tmp_path, monkeypatch):
    """A forge with a repository of two lines, and settings that lead there."""
    sandbox = request.getfixturevalue(side.sandbox)
    sandbox.create_repository(PATH)
    sandbox.grant(PATH, "ada", "admin")
    sandbox.commit(PATH, "main", {"README.md": "A kit.\n"}, "Start", by="ada")
    for line in ("2.7", "2.10"):
        sandbox.branch(PATH, f"release/{line}", "main", by="ada")
    sandbox.add_user("relbot")
    sandbox.grant(PATH, "relbot", side.administers)
    write_settings(tmp_path, sandbox.url, side)
    monkeypatch.setenv("RELBOT_SETTINGS", str(tmp_path / "server.toml"))
    monkeypatch.setenv(side.token, sandbox.token_for("relbot"))
    monkeypatch.setenv(side.secret, SECRET)
    return sandbox


def write_settings(tmp_path, url, side, server=f'url = "{SERVER}"', more=""):
    (tmp_path / "server.toml").write_text(
        f'[server]\n{server}\n[data]\ndirectory = "{tmp_path}/data"\n'
        f'[{side.name}]\n{side.address} = "{url}"\nclone_base = "{url}"\npaced = false\n{more}'
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
    labels = {label.name: label for label in forge.find(PATH).labels.values()}
    assert "Backport/2.7" in labels
    assert "backport/2.7" not in labels
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


def test_a_policy_decides_what_labels_are_called(forge, side, capsys):
    policy = {f".{side.name}/relbot.toml": '[backport]\nlabel = "to {line}!"\n'}
    forge.commit(PATH, "main", policy, "Our labels", by="ada")
    relbot(capsys, "labels", "sync", "--repository", PATH, "--line", "2.7")
    assert {"to all!", "to 2.7!", "to skip-2.7!", "backported/2.7"} <= set(forge.find(PATH).labels)


def test_a_broken_policy_is_quoted(forge, side, capsys):
    forge.commit(PATH, "main", {f".{side.name}/relbot.toml": "[backport]\nlable = 1\n"}, "Mistype", by="ada")
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert "line 2, `lable = 1`" in said


def test_labels_that_the_forge_refuses_are_told_with_the_next_step(forge, side, capsys):
    forge.grant(PATH, "relbot", side.reads)
    code, said = relbot(capsys, "labels", "sync", "--repository", PATH, "--line", "2.7")
    assert code == Exit.REFUSED
    assert {each["outcome"] for each in said["labels"]} == {"refused"}
    assert "Give the bot's token" in said["labels"][0]["said"]
    assert side.needed[0] in said["labels"][0]["said"]


# ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_webhook_is_created_then_left_alone_then_mended(forge, side, capsys):
    sync = ("hooks", "sync", "--repository", PATH)
    code, said = relbot(capsys, *sync, "--dry-run")
    assert (code, said["changes"], said["rehearsed"]) == (Exit.DONE, ["created"], True)
    assert forge.find(PATH).hooks == {}
    assert relbot(capsys, *sync)[0] == Exit.DONE
    [hook] = forge.find(PATH).hooks.values()
    assert (hook.url, hook.secret) == (f"{SERVER}/hooks/{side.name}", SECRET)
    assert relbot(capsys, *sync)[0] == Exit.NOTHING
    quality, spoilt, mend = side.spoil
    setattr(hook, quality, spoilt)
    code, said = relbot(capsys, *sync, "--dry-run")
    assert (code, said["changes"]) == (Exit.DONE, [mend])
    assert getattr(hook, quality) is spoilt
    assert relbot(capsys, *sync)[1]["changes"] == [mend]
    assert getattr(hook, quality) is not spoilt
    assert relbot(capsys, *sync, "--renew-secret")[1]["changes"] == ["given the secret anew"]


@pytest.mark.parametrize(("given", "url"), [
    ("http://127.0.0.1:9/", "http://127.0.0.1:9/hooks/{}"),
    ("http://127.0.0.1:9/relbot", "http://127.0.0.1:9/relbot/hooks/{}"),
    ("http://127.0.0.1:9/hooks/{}", "http://127.0.0.1:9/hooks/{}"),
    ("http://127.0.0.1:9/hooks/{}/", "http://127.0.0.1:9/hooks/{}"),
])
@pytest.mark.usefixtures("forge")
def test_the_address_may_be_given_with_or_without_the_door(side, capsys, given, url):
    sync = ("hooks", "sync", "--repository", PATH, "--url", given.format(side.name))
    assert relbot(capsys, *sync)[1]["webhook"] == url.format(side.name)


def test_a_webhook_whose_address_ends_in_a_slash_is_mended_and_stays_the_only_one(forge, side, capsys):
    forge.add_hook(PATH, f"{SERVER}/hooks/{side.name}/", SECRET, *side.events)
    _, said = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert said["changes"] == ["pointed at exactly this address"]
    [hook] = forge.find(PATH).hooks.values()
    assert (hook.url, hook.secret) == (f"{SERVER}/hooks/{side.name}", SECRET)


@pytest.mark.parametrize("side", [GITLAB], ids=["gitlab"], indirect=True)
def test_where_the_server_takes_signed_deliveries_only_the_webhook_signs(forge, side, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNER", f"whsec_{base64.b64encode(bytes(32)).decode()}")
    write_settings(tmp_path, forge.url, side, more='signing_token_envs = ["SIGNER"]')
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    [hook] = forge.find(PATH).hooks.values()
    assert hook.signing_token == os.environ["SIGNER"]


@pytest.mark.parametrize("side", [GITLAB], ids=["gitlab"], indirect=True)
def test_a_webhook_that_gitlab_has_given_up_is_refused_while_nobody_answers(forge, side, capsys):
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    [hook] = forge.find(PATH).hooks.values()
    hook.failures, hook.active = 40, False
    code, said = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.REFUSED
    assert "GitLab has given the webhook up" in said["refused"]
    found = examined(capsys, "--repository", PATH)[1]["webhook"]
    assert (found["good"], "switched on again with a test delivery" in found["said"]) == (False, True)


def test_without_the_right_to_it_no_webhook_is_touched(forge, side, capsys):
    forge.grant(PATH, "relbot", "write")
    code, said = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.REFUSED
    assert side.needed[1] in said["refused"]
    assert ".." not in said["refused"]


@pytest.mark.usefixtures("forge")
def test_a_sweep_finds_a_repository_by_the_names_that_the_other_commands_take(side, capsys):
    for named in (PATH, PATH.upper(), f"{side.name}:{PATH}"):
        code, swept = relbot(capsys, "sweep", "--repository", named)
        assert (code, [each["repository"] for each in swept["repositories"]]) == (Exit.NOTHING, [PATH])
    for named in ("", "acme/nothing", f"{side.other}:{PATH}"):
        code, said = relbot(capsys, "sweep", "--repository", named)
        assert (code, f"There is no {named!r} that" in said) == (Exit.USAGE, True)


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "Which repository?"),
    (("--repository", "acme"), "is not the name of a repository"),
    (("--repository", "acme/../x"), "is not the name of a repository"),
    (("--repository", "acme/nothing"), "There is no acme/nothing that the bot's token can see"),
    (("--repository", f"{{other}}:{PATH}"), "The settings name no forge '{other}'"),
    (("--repository", PATH, "--url", "http://example.org"), "is no address for a webhook"),
    (("--repository", PATH, "--url", "https://me:pw@example.org"), "is no address for a webhook"),
])
@pytest.mark.usefixtures("forge")
def test_what_is_missing_is_asked_for(side, capsys, arguments, said):
    code, shown = relbot(capsys, "hooks", "sync", *(word.format(other=side.other) for word in arguments))
    assert code == Exit.USAGE
    assert said.format(other=side.other) in shown


@pytest.mark.usefixtures("forge")
def test_a_webhook_without_a_secret_is_not_created(side, capsys, monkeypatch):
    monkeypatch.setenv(side.secret, "")
    code, shown = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert f"There is no webhook secret for {side.name}" in shown


def test_a_repository_of_other_owners_is_left_to_them(forge, side, capsys, tmp_path):
    write_settings(tmp_path, forge.url, side, server=f'url = "{SERVER}"\nowners = ["other"]')
    code, shown = relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert code == Exit.USAGE
    assert "belongs to none of the owners" in shown


def test_a_sweep_of_a_repository_of_other_owners_says_that_owners_are_named(forge, side, capsys, tmp_path):
    write_settings(tmp_path, forge.url, side, server='owners = ["others"]')
    code, said = relbot(capsys, "sweep", "--repository", PATH)
    assert code == Exit.USAGE
    assert "It has to belong to one of the `owners` under [server], too." in said


def test_between_two_forges_nothing_is_guessed(forge, side, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv((GITLAB if side is GITHUB else GITHUB).token, "another-token-77")
    write_settings(tmp_path, forge.url, side, more=f"[{side.other}]\n")
    assert "On which forge" in relbot(capsys, "labels", "sync", "--repository", PATH)[1]
    named = f"{side.name}:{PATH}"
    assert relbot(capsys, "labels", "sync", "--repository", named, "--line", "2.7")[0] == Exit.DONE


# ── the doctor ───────────────────────────────────────────────────────────────────────────────────────────────────────


def examined(capsys, *arguments):
    """Exit code, and whether each thing is good, with what was said and how to mend it."""
    code, said = relbot(capsys, "doctor", *arguments)
    assert said["good"] is (code == Exit.DONE)
    findings = {each["check"]: each for each in said["findings"]}
    assert all(each["mend"] for each in findings.values() if each["good"] is False)
    return code, findings


@needs("ssh")
@pytest.mark.parametrize("side", [GITHUB], indirect=True, ids=["github"])  # it has nothing to do with the forge
def test_the_signing_key_is_tried_and_what_is_wrong_with_it_is_told(forge, side, capsys, tmp_path):
    """Signed for real, by a signer that the doctor starts, and judged by the public keys of the settings."""
    pair, other = key_pair("ssh"), key_pair("ssh", "another")
    for signing, good, said in (
        ("", None, "none: tags are annotated, and not signed"),
        (f'key_file = "{pair.place.path}"', True, "it has a good signature by ED25519 key"),
        (f'key_file = "{pair.place.path}"\nsigners = "{other.public}"', False, "a key that I do not know"),
        (f'key_file = "{pair.place.path}"\nsigners = "{tmp_path}/nothing"', False, "cannot be read"),
        (f'key_file = "{pair.place.path}"\nsigners = "{pair.place.path}"', False, "holds a private key"),
        (f'key_file = "{tmp_path}/nothing"\nsigners = "{pair.public}"', False, "cannot be read"),
        (f'socket = "{tmp_path}/nothing"\nsigners = "{pair.public}"', False, "See that it runs"),
    ):
        write_settings(tmp_path, forge.url, side, more=f"[signing]\n{signing}\n" if signing else "")
        found = examined(capsys)[1]["signing key"]
        assert (found["good"], said in found["said"]) == (good, True), found


def test_where_nothing_is_wrong_every_line_is_good(forge, side, capsys):
    relbot(capsys, "labels", "sync", "--repository", PATH)
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    assert forge.deliveries.drain(5)
    for delivery in forge.deliveries.all:
        delivery.statuses[:] = [202]
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.DONE, [each for each in found.values() if each["good"] is False]
    good = {name for name, each in found.items() if each["good"]}
    assert {
        "git", "settings", "mirrors", f"{side.name}: account", f"{side.name}: webhook secret", "repository",
        "write access to the repository", "clock", "webhook", "policy", "lines", "labels",
    } <= good  # fmt: skip
    assert found["lines"]["said"] == "2.10, 2.7"
    assert found[f"{side.name}: account"]["said"] == "works as relbot"


def test_each_thing_that_is_wrong_is_red_and_says_how_to_mend_it(forge, side, capsys):
    forge.branch(PATH, "release/v2.7", "main", by="ada")
    policy = {f".{side.name}/relbot.toml": '[lines]\nsupported = ["2.7", "2.99"]\n'}
    forge.commit(PATH, "main", policy, "Lines", by="ada")
    forge.add_hook(PATH, f"{SERVER}/hooks/{side.name}", SECRET, side.events[2])
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    red = {name for name, each in found.items() if each["good"] is False}
    assert red == {"webhook", "line 2.7", "line 2.99", "labels"}
    assert "release/v2.7" in found["line 2.7"]["said"]
    assert ", ".join(side.events[:2]) in found["webhook"]["said"]


def test_what_can_be_mended_is_with_fix(forge, side, capsys):
    assert examined(capsys, "--repository", PATH, "--fix")[1]["labels"]["good"]
    assert forge.deliveries.drain(5)
    assert "backported/2.7" in forge.find(PATH).labels
    assert [hook.url for hook in forge.find(PATH).hooks.values()] == [f"{SERVER}/hooks/{side.name}"]


def test_a_delivery_that_nobody_took_is_red(forge, capsys):
    relbot(capsys, "hooks", "sync", "--repository", PATH)
    forge.commit(PATH, "main", {"README.md": "Our kit.\n"}, "Anything", by="ada")
    assert forge.deliveries.drain(5)
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    assert "the last delivery failed" in found["webhook"]["said"]


@pytest.fixture
def scene(side, forge, monkeypatch, tmp_path):
    """All that can be spoilt, where the address of the server is not known and so no webhook is looked for."""
    write_settings(tmp_path, forge.url, side, server="")
    return side, forge, monkeypatch, tmp_path


def spoil(what, scene):
    """Spoil one thing; answers which lines turn red."""
    side, forge, patch, at = scene
    account = f"{side.name}: account"
    match what:
        case "wrong token":
            patch.setenv(side.token, "wrong-token-0123")
            return {account, "repository"}
        case "no token":
            patch.setenv(side.token, "")
            return {"settings"}
        case "no secret":
            patch.setenv(side.secret, "")
            return {f"{side.name}: webhook secret"}
        case "no folder":
            (at / "data").rename(at / "old")
            (at / "data").touch()
            return {"mirrors", "clone"}
        case "a reader":
            forge.grant(PATH, "relbot", "read")
            return {"write access to the repository"}
        case "a stranger":
            forge.grant(PATH, "relbot", "none")
            return {"repository"}
        case "no account":
            forge.fail(Fault("/user$", status=500, times=99))
            # On GitLab an account that is not known has no role that could be told.
            return {account} if side is GITHUB else {account, "repository"}
        case "no answer":
            forge.fail(Fault(side.project, body="<html>", status=200, times=9))
            return {"repository"}
        case _:
            forge.commit(PATH, "main", {f".{side.name}/relbot.toml": "x = 1"}, "x", by="ada")
            return {"policy"}


@pytest.mark.parametrize("what", [
    "wrong token", "no token", "no secret", "no folder", "a reader", "a stranger", "no account", "no answer",
    "a wrong policy",
])
def test_whatever_fails_is_one_red_line_and_the_rest_is_looked_at(scene, capsys, what):
    relbot(capsys, "labels", "sync", "--repository", PATH)
    red = spoil(what, scene)
    code, found = examined(capsys, "--repository", PATH)
    assert code == Exit.FAULT
    assert red == {name for name, each in found.items() if each["good"] is False}


# The sandbox's GitLab, in this very process, needs git itself to tell of a project.
@pytest.mark.parametrize("side", [GITHUB], ids=["github"], indirect=True)
@pytest.mark.usefixtures("forge")
def test_a_machine_without_git_is_told_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = examined(capsys, "--repository", PATH)[1]
    assert {"git", "clone"} <= {name for name, each in found.items() if each["good"] is False}


@pytest.mark.parametrize(("label", "told"), [
    ("backport::{line}", True), ("team::backport::{line}", True), ("{line}::backport", False), ("to {line}", False),
])
def test_labels_that_drive_each_other_out_are_told_of_where_labels_are_scoped(forge, side, capsys, label, told):
    policy = {f".{side.name}/relbot.toml": f'[backport]\nlabel = "{label}"\n'}
    forge.commit(PATH, "main", policy, "Our labels", by="ada")
    found = examined(capsys, "--repository", PATH)[1]
    assert ("label pattern" in found) is (told and side is GITLAB)
    if "label pattern" in found:
        assert (found["label pattern"]["good"], label in found["label pattern"]["said"]) == (None, True)


def test_the_next_step_can_be_taken_where_there_are_two_forges(forge, side, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv((GITLAB if side is GITHUB else GITHUB).token, "another-token-77")
    with serving(*[Canned(401)] * 9) as stranger:
        address = "url" if side is GITHUB else "api"
        write_settings(tmp_path, forge.url, side, more=f'[{side.other}]\n{address} = "{stranger.url}"\n')
        found = examined(capsys, "--repository", f"{side.name}:{PATH}")[1]
    assert all(f"sync --repository {side.name}:{PATH}" in found[check]["mend"] for check in ("labels", "webhook"))


@pytest.mark.usefixtures("forge")
def test_without_a_repository_only_the_machine_and_the_credentials_are_looked_at(side, capsys):
    ours = {f"{side.name}: account", f"{side.name}: webhook secret"}
    assert set(examined(capsys)[1]) == {"git", "settings", "mirrors", "signing key", *ours}


@pytest.mark.usefixtures("forge")
def test_the_table_is_plain_when_nobody_watches(side, capsys):
    cli.main(["doctor", "--repository", PATH])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert shown.splitlines()[0].startswith("ok   git ")
    assert any(line.startswith("red  webhook") for line in shown.splitlines())
    cli.main(["labels", "sync", "--repository", PATH])
    assert "backported/2.7" in capsys.readouterr().out
    cli.main(["hooks", "sync", "--repository", PATH])
    made = f"was created for {', '.join(side.events)}."
    assert capsys.readouterr().out == f"The webhook to {SERVER}/hooks/{side.name} {made}\n"


@pytest.mark.parametrize("command", ["doctor", "labels", "hooks"])
def test_help_loads_nothing_that_it_does_not_need(command):
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bot", command, "--help"],
        capture_output=True, text=True, timeout=30, check=True, env=dict(os.environ),
    )  # fmt: skip
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in shown.stderr.splitlines()}
    assert not loaded & {"flask", "github", "gitlab", "git", "pydantic", "rich", "requests", "markdown_it"}
