"""`relbot event`: a delivery from a file, carried out or rehearsed against the sandbox forge."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time

import pytest

from bot.app.cli.event import _carry_out
from bot.app.cli.output import Exit
from bot.core.actions import Identify, React
from bot.core.errors import Fault
from bot.core.events import CommentPosted
from bot.core.model import Repo
from tests.app.values import ADA
from tests.app.whole import HOOK_SECRET, REPO, World, op


@pytest.fixture
def world(sandbox, tmp_path):
    return World(sandbox, tmp_path / "unused")


@pytest.fixture
def relbot_event(world, tmp_path):
    """Run the command on a body; `named` are headers."""
    (tmp_path / "server.toml").write_text(
        f'[github]\napi = "{world.forge.url}"\n[data]\ndirectory = "{tmp_path}/data"\n'
        '[bot]\nname = "robin"\nemail = "robin@example.org"\n'
    )

    def run(body, *options, stdin=False, **environment):
        path = tmp_path / "delivery.json"
        path.write_bytes(body)
        done = subprocess.run(
            [sys.executable, "-m", "bot", "event", "-" if stdin else str(path), *options],
            input=body if stdin else b"", capture_output=True, timeout=60, check=False,
            env={
                **os.environ, "GITHUB_TOKEN": world.forge.token_for("relbot"), "RELBOT_WEBHOOK_SECRET": HOOK_SECRET,
                "RELBOT_SETTINGS": str(tmp_path / "server.toml"), "COLUMNS": "200", **environment,
            },
        )
        assert world.forge.token_for("relbot").encode() not in done.stdout + done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture
def closed(world):
    """The body of the webhook that tells of a labelled pull's merge."""
    world.forge.add_hook(REPO, "http://127.0.0.1:9/nobody", HOOK_SECRET, "pull_request")
    world.forge.deliveries.hold()
    world.land({"kit/ops.py": op(3, "x + 3.0")}, "Make op 3 a float", "backport/2.7")
    return world.forge.delivered("pull_request")[-1].body


PULL = ("--header", "X-GitHub-Event: pull_request")


def test_a_delivery_is_carried_out_to_the_end(world, relbot_event, closed):
    code, shown, complaint = relbot_event(closed, *PULL, "--json")
    assert (code, complaint) == (Exit.DONE, "")
    [job] = json.loads(shown)["jobs"]
    [opened] = world.pulls_onto("release/2.7")
    assert job["outcome"] == "opened"
    assert job["pull"].endswith(f"/pull/{opened.number}")
    assert "writes" not in job
    assert world.log(opened.pull.head_ref, "%cn <%ce>")[0] == "robin <robin@example.org>"


def test_a_rehearsal_says_what_would_be_written_and_writes_nothing(world, relbot_event, closed):
    before = world.forge.git(REPO).refs(), world.labels(1)
    code, shown, complaint = relbot_event(closed, *PULL, "--rehearse", "--json")
    assert (code, complaint) == (Exit.DONE, "")
    [job] = json.loads(shown)["jobs"]
    assert job["outcome"] == "opened"
    written = [write["write"] for write in job["writes"]]
    assert written[:2] == ["EnsureBranch", "EnsurePull"]
    assert job["writes"][0]["branch"] == "backport/2.7/1"
    assert job["writes"][1]["base"] == "release/2.7"
    assert {"SetLabels", "EnsureComment"} <= set(written)
    assert (world.forge.git(REPO).refs(), world.labels(1)) == before
    assert not [entry for entry in world.forge.requests if entry.kind == "api" and entry.method != "GET"]
    assert not [entry for entry in world.forge.requests if "receive-pack" in entry.path + entry.operation]


def test_people_get_a_table_without_colours_in_a_pipe(relbot_event, closed):
    code, shown, _ = relbot_event(closed, *PULL, "--rehearse")
    assert code == Exit.DONE
    assert "would end" in shown
    assert "EnsurePull" in shown
    assert "release/2.7" in shown
    assert "\x1b" not in shown


def test_a_conflict_is_code_4_rehearsed_or_not(world, relbot_event, closed):
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x + 33")}, "Differ on the line", by="mona")
    assert relbot_event(closed, *PULL, "--rehearse")[0] == Exit.CONFLICT
    assert relbot_event(closed, *PULL)[0] == Exit.CONFLICT
    assert world.labels(1) == {"backport/2.7", "backport-conflict/2.7"}


def test_what_is_done_already_is_found_done(world, relbot_event, closed):
    assert relbot_event(closed, *PULL)[0] == Exit.DONE
    refs = world.forge.git(REPO).refs()
    assert relbot_event(closed, *PULL)[0] in {Exit.DONE, Exit.NOTHING}
    assert world.forge.git(REPO).refs() == refs
    assert len(world.pulls_onto("release/2.7")) == 1


def test_the_event_may_be_named_by_a_workflow_s_environment_and_come_through_a_pipe(relbot_event, closed):
    code, shown, _ = relbot_event(closed, "--rehearse", stdin=True, GITHUB_EVENT_NAME="pull_request")
    assert code == Exit.DONE
    assert "EnsurePull" in shown


def test_a_signature_that_is_given_is_checked(relbot_event, closed):
    good = hmac.new(HOOK_SECRET.encode(), closed, hashlib.sha256).hexdigest()
    signed = ("--header", f"X-Hub-Signature-256:sha256={good}")
    forged = ("--header", f"x-hub-signature-256:sha256={'0' * 64}")
    assert relbot_event(closed, *PULL, *signed, "--rehearse")[0] == Exit.DONE
    code, shown, complaint = relbot_event(closed, *PULL, *forged)
    assert (code, shown) == (Exit.REFUSED, "")
    assert "signature" in complaint


def test_an_event_that_concerns_nothing_here_is_code_3(relbot_event):
    code, shown, _ = relbot_event(b"{}", "--header", "X-GitHub-Event:ping", "--json")
    assert code == Exit.NOTHING
    assert json.loads(shown)["jobs"] == []
    assert "ping" in json.loads(shown)["notes"][0]


@pytest.mark.parametrize(("body", "options", "said"), [
    (b"{not json", PULL, "not JSON"),
    (b"{}", (), "X-GitHub-Event"),
    (b"{}", ("--header", "nonsense"), "'nonsense' is not of the form NAME:VALUE"),
])
def test_a_delivery_that_cannot_be_read_is_code_2(relbot_event, body, options, said):
    code, shown, complaint = relbot_event(body, *options, GITHUB_EVENT_NAME="")
    assert (code, shown) == (Exit.USAGE, "")
    assert said in complaint


def test_a_token_that_the_forge_does_not_know_is_a_matter_of_configuration(relbot_event, closed):
    code, shown, complaint = relbot_event(closed, *PULL, GITHUB_TOKEN="ghp_wrongwrongwrong")
    assert (code, shown) == (Exit.USAGE, "")
    assert "token" in complaint
    assert "Traceback" not in complaint
    assert "ghp_wrong" not in complaint


def test_a_repository_of_other_owners_is_passed_over(world, relbot_event, closed, tmp_path):
    with (tmp_path / "server.toml").open("a") as settings:
        settings.write('[server]\nowners = ["other"]\n')
    code, shown, _ = relbot_event(closed, *PULL, "--json")
    assert code == Exit.NOTHING
    assert "acme/torchkit belongs to none of the owners" in json.loads(shown)["notes"][0]
    assert world.pulls_onto("release/2.7") == []


def test_a_delivery_of_a_forge_that_the_settings_do_not_name_is_code_2(relbot_event):
    code, _, complaint = relbot_event(b"{}", "--header", "X-Gitlab-Event:Note Hook")
    assert code == Exit.USAGE
    assert "Add [gitlab] to them" in complaint


def test_a_delivery_of_gitlab_is_carried_out_trusted_or_with_its_token(gitlab_sandbox, tmp_path):
    world = World(gitlab_sandbox, tmp_path / "unused", "gitlab")
    world.forge.add_hook(REPO, "http://127.0.0.1:9/nobody", HOOK_SECRET)
    world.forge.deliveries.hold()
    world.land({"kit/ops.py": op(3, "x + 3.0")}, "Make op 3 a float", "backport/2.7")
    merged = [each for each in world.forge.deliveries.all if b'"action":"merge"' in each.body]
    (tmp_path / "server.toml").write_text(
        f'[gitlab]\nurl = "{world.forge.url}"\npaced = false\n[data]\ndirectory = "{tmp_path}/data"\n'
    )
    environment = {
        **os.environ, "GITLAB_TOKEN": world.forge.token_for("relbot"), "RELBOT_GITLAB_SECRET": HOOK_SECRET,
        "RELBOT_SETTINGS": str(tmp_path / "server.toml"),
    }  # fmt: skip

    def event(*headers):
        kind = ("--header", "X-Gitlab-Event:Merge Request Hook")
        command = [sys.executable, "-m", "bot", "event", "-", *kind, *headers]
        return subprocess.run(
            command, input=merged[-1].body, capture_output=True, timeout=60, check=False, env=environment
        )

    assert event("--header", "X-Gitlab-Token:wrong-token").returncode == Exit.REFUSED
    assert world.pulls_onto("release/2.7") == []
    assert event("--header", f"X-Gitlab-Token:{HOOK_SECRET}", "--rehearse").returncode == Exit.DONE
    assert world.pulls_onto("release/2.7") == []
    done = event()
    assert done.returncode == Exit.DONE, done.stderr
    assert len(world.pulls_onto("release/2.7")) == 1


def test_the_pauses_between_tries_are_kept_to_the_end():
    """The command is over when the jobs are: it must not close the runner under them, which cuts pauses short."""
    tried = []

    def perform(action):
        if isinstance(action, React):
            tried.append(time.monotonic())
            if len(tried) == 1:
                raise Fault("not yet", passing=True)
        return action.person if isinstance(action, Identify) else None

    course = _carry_out("d1", CommentPosted(Repo("github", 1, REPO, "main"), 1, 5, ADA, "/release ping"), perform)
    assert [ending.outcome for ending in course.endings] == ["answered"]
    assert tried[1] - tried[0] > 0.9
