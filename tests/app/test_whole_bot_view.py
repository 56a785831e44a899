"""The whole bot, looked at and spoken to: retry and status in chat, and the operator's commands beside it, at work."""

from __future__ import annotations

import json

import pytest

from bot.app import cli, log
from bot.app.cli.output import Exit
from bot.core.model import CheckReport, Repo
from bot.sandbox import Fault
from tests.app.whole import REPO, START, op

pytestmark = [pytest.mark.xdist_group("whole_bot_view"), pytest.mark.filterwarnings("ignore::ResourceWarning")]
FIX = {"kit/ops.py": op(3, "x + 3.0")}


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture
def world(durable_world, tmp_path, monkeypatch):
    world, forge = durable_world, durable_world.forge
    monkeypatch.setenv("RELBOT_DATABASE", world.database)
    monkeypatch.setenv("RELBOT_SETTINGS", str(tmp_path / "server.toml"))
    site = f'[gitlab]\nurl = "{forge.url}"' if world.kind == "gitlab" else f'[github]\napi = "{forge.url}"'
    (tmp_path / "server.toml").write_text(f'[data]\ndirectory = "{world.directory}/engine"\n{site}\n')
    with world.running():
        yield world


@pytest.fixture
def relbot(world, capsys):
    """Runs a command without any token in its environment; its exit code, and what it printed, as JSON where it is."""

    def run(*words):
        capsys.readouterr()
        code = cli.main(words)
        out = capsys.readouterr().out
        return code, json.loads(out) if "--json" in words else out

    return run


def say(world, number, body, by="ada"):
    world.forge.comment(REPO, number, body, by=by)
    world.settle()


def test_what_was_refused_or_met_a_conflict_is_done_again_in_chat_and_all_of_it_can_be_explained(world, relbot):
    clash = {"kit/ops.py": START["kit/ops.py"].replace("return x + 3\n", "return x + 33\n")}
    stuck = world.forge.commit(REPO, "release/2.8", clash, "Go another way", by="mona")
    number = world.propose((FIX, "Make op 3 a float"))
    world.forge.label(REPO, number, "backport/2.7", "backport/2.8", by="mona")
    world.settle()  # so that one delivery alone begins the jobs: what was refused is begun again by another
    status = 403 if world.kind == "github" else 400
    world.forge.fail(Fault(r"/(pulls|merge_requests)$", "POST", status=status, times=1))
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    assert "backport-conflict/2.8" in world.labels(number)
    assert world.pulls_onto("release/2.7") == []

    say(world, number, "/release retry", by="rita")
    assert world.pulls_onto("release/2.7") == [], "she may not write"
    world.forge.commit(REPO, "release/2.8", {"kit/ops.py": START["kit/ops.py"]}, "Come back", by="mona")
    say(world, number, "/release retry")
    assert [len(world.pulls_onto(f"release/{line}")) for line in ("2.7", "2.8")] == [1, 1]
    assert "as ada asked" in world.pulls_onto("release/2.7")[0].body
    say(world, number, "/release retry")
    assert "nothing to do again" in world.said_on(number)[-1]
    assert [len(world.pulls_onto(f"release/{line}")) for line in ("2.7", "2.8")] == [1, 1]

    mark = "!" if world.kind == "gitlab" else "#"
    code, told = relbot("explain", f"{REPO}{mark}{number}", "--json")
    assert code == Exit.DONE
    jobs = {job["kept"]["key"] if "kept" in job else job["key"]: job for job in told["jobs"]}
    [again] = [job for job in jobs.values() if job["key"].endswith(":2.7:0")]
    assert (again["state"], again["outcome"], again["attempt"]) == ("done", "opened", 2)
    refused, pushed = [
        [each for each in again["effects"] if each["written"].startswith(start)] for start in ("a pull from", "branch ")
    ]
    assert "the forge refused" in refused[0]["came"]
    assert "was opened" in refused[1]["came"]
    assert refused[1]["link"]
    assert pushed[0]["written"].endswith("expected not to exist")
    assert [each["asked_by"] for each in pushed] == ["mona", "ada"]
    assert any("the role of mona was maintain" in seen for each in again["effects"] for seen in each["seen"])
    assert any(stuck[:12] in seen for job in jobs.values() for each in job["effects"] for seen in each["seen"])
    asked = [each["by"] for each in told["deliveries"] if each["what"].endswith(": “/release retry”")]
    assert asked == ["rita", "ada", "ada"]
    assert any("more rights" in note for each in told["deliveries"] for note in each["notes"])
    assert told["waiting"] == []

    code, text = relbot("explain", told["url"])
    assert code == Exit.DONE
    assert "labelled backport/2.7" in text
    assert "saw: the role of mona was maintain" in text
    assert relbot("explain", f"{REPO}{mark}999")[0] == Exit.NOTHING
    assert "doctor --repository acme/other" in relbot("explain", f"acme/other{mark}1")[1]

    code, seen = relbot("status", "--verify", "--json")
    facts = {fact["name"]: fact for fact in seen["facts"]}
    assert (code, seen["good"]) == (Exit.DONE, True), seen
    assert facts["audit"]["verified"] == facts["audit"]["entries"] > 10
    assert facts["slot-1"]["lives"] is True
    assert facts["deliveries"]["waiting"] == 0
    code, listed = relbot("jobs", "--change", f"{REPO}{mark}{number}", "--state", "done", "--json")
    assert (code, again["key"] in {each["key"] for each in listed["jobs"]}) == (Exit.DONE, True)
    assert relbot("jobs", "--retry", again["key"])[0] == Exit.NOTHING


def test_how_lines_stand_is_told_to_anyone(world):
    sha = world.log("release/2.7", "%H")[0]
    for name in ("v2.7.0-rc9", "v2.7.0-rc10", "v2.7.0", "orig/v2.7"):
        world.forge.tag(REPO, name, sha, by="mona")
    repo = Repo(world.kind, world.forge.find(REPO).id, REPO, "main")
    world.acting.forges[world.kind].report_on(repo, sha, CheckReport("gpu | tests", "failure", "No", "It broke."))
    number = world.land(FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    [backport] = world.pulls_onto("release/2.7")
    say(world, number, "/release status 2.7", by="rita")
    told = world.said_on(number)[-1]
    [row] = [line for line in told.splitlines() if line.startswith("| 2.7 |")]
    assert sha in row
    assert "failed: gpu \\| tests" in row
    assert "| v2.7.0-rc10 | v2.7.0 |" in row
    assert f"[#{backport.number}](" in row
    say(world, number, "/release status")
    assert len([line for line in world.said_on(number)[-1].splitlines() if line.startswith("| 2.")]) == 2
