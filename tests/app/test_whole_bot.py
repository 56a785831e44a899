"""The whole bot: a webhook goes in over HTTP; branches, pulls, comments and labels come out on the sandbox forge."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from bot.core.messages.recipe import PICK_MARKER, PUSH_MARKER
from bot.sandbox import Fault
from tests.app.whole import HOOK_SECRET, REPO, START, World, op

ADAS_FIX = {"kit/ops.py": op(3, "x + 3.0")}


@pytest.fixture
def world(sandbox, tmp_path, caplog):
    made = World(sandbox, tmp_path / "bot")
    with caplog.at_level("INFO"), made.running():
        yield made
    logged = caplog.get_records("call")
    assert logged
    said = "\n".join(logging.Formatter().format(record) for record in logged)
    said += str([issue.comments for issue in sandbox.find(REPO).issues.values()])
    assert sandbox.token_for("relbot") not in said
    assert HOOK_SECRET not in said
    faults = [record.getMessage() for record in logged if record.levelname == "ERROR"]
    assert len(faults) == made.expected_faults


def the_pull_onto(world, base):
    [found] = world.pulls_onto(base)
    return found


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
def test_a_labelled_pull_becomes_a_backport_pull_however_it_is_merged(world, method):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/v2.7", method=method)
    world.settle()
    opened = the_pull_onto(world, "release/2.7")
    assert opened.title == f"[2.7] Make op 3 a float (#{number})"
    assert opened.pull.head_ref == f"backport/2.7/{number}"
    assert world.file(f"backport/2.7/{number}", "kit/ops.py") == ADAS_FIX["kit/ops.py"]
    [commit] = world.log(f"release/2.7..backport/2.7/{number}", "%an|%cn <%ce>")[:-1]
    assert commit.endswith("|relbot <bot@example.org>")
    assert commit.startswith("ada|")
    assert world.labels(number) == {"backport/v2.7", "backport-open/2.7"}
    [sticky] = world.said_on(number)
    assert f"#{opened.number}" in sticky
    assert world.pulls_onto("release/2.8") == []


def test_several_commits_are_picked_in_order_with_their_origin(world):
    first, second = {"kit/ops.py": op(1, "x + 1.0")}, {"README.md": "A better kit.\n"}
    number = world.propose((first, "First"), (second, "Second"))
    world.forge.label(REPO, number, "backport/2.8", by="mona")
    world.forge.merge_pull(REPO, number, "rebase", by="mona")
    world.settle()
    picked = world.log(f"release/2.8..backport/2.8/{number}")
    assert picked[:2] == ["Second", "First"]
    sources = world.log("main", "%H")[:2]
    bodies = "\n".join(world.log(f"release/2.8..backport/2.8/{number}", "%b"))
    assert [f"(cherry picked from commit {sha})" in bodies for sha in sources] == [True, True]


def test_a_label_that_is_set_after_the_merge_counts_too(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    world.settle()
    assert world.pulls_onto("release/2.7") == []
    world.forge.label(REPO, number, "backport/release/2.7", by="mona")
    world.settle()
    assert the_pull_onto(world, "release/2.7").title.endswith(f"(#{number})")


def test_a_comment_asks_as_a_label_does_and_is_answered_with_a_rocket(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    comment = world.forge.comment(REPO, number, "Please.\n\n/backport 2.7 2.8", by="mona")
    world.settle()
    assert the_pull_onto(world, "release/2.7")
    assert the_pull_onto(world, "release/2.8")
    assert "rocket" in {reaction.content for reaction in comment.reactions}


def test_a_stranger_s_comment_starts_nothing(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    comment = world.forge.comment(REPO, number, "/backport 2.7", by="rita")
    world.settle()
    assert world.pulls_onto("release/2.7") == []
    assert "-1" in {reaction.content for reaction in comment.reactions}


def test_two_labels_and_a_comment_at_the_same_instant_make_one_backport_each(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    world.settle()
    wishes = (
        lambda: world.forge.label(REPO, number, "backport/2.7", by="mona"),
        lambda: world.forge.label(REPO, number, "backport/2.8", by="ada"),
        lambda: world.forge.comment(REPO, number, "/backport 2.7 2.8", by="mona"),
    )
    with ThreadPoolExecutor(3) as people:
        for wish in [people.submit(wish) for wish in wishes]:
            wish.result(20)
    world.settle()
    assert the_pull_onto(world, "release/2.7")
    assert the_pull_onto(world, "release/2.8")
    [sticky] = [body for body in world.said_on(number) if "2.7" in body]
    assert "2.8" in sticky


def test_the_same_delivery_ten_times_does_nothing_twice(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.settle()
    labelled = [each for each in world.forge.delivered("pull_request") if each.payload["action"] == "labeled"]
    [delivery] = [each for each in labelled if each.payload["label"]["name"] == "backport/2.7"]
    before = len(world.forge.requests)
    for _ in range(10):
        assert world.forge.deliveries.redeliver(delivery.id)
    world.settle()
    assert delivery.statuses == [202] * 11
    assert len(world.forge.requests) == before, "a redelivery costs not one request"
    assert the_pull_onto(world, "release/2.7")


def test_the_whole_history_delivered_again_backwards_under_new_names_does_nothing_twice(world):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7", "backport/2.8")
    world.settle()
    refs = world.forge.git(REPO).refs()
    said = world.said_on(number)
    for n, delivery in enumerate(reversed(list(world.forge.deliveries.all))):
        delivery.headers["X-GitHub-Delivery"] = f"again-{n}"
        world.forge.deliveries.redeliver(delivery.id)
    world.settle()
    assert world.forge.git(REPO).refs() == refs
    assert world.said_on(number) == said
    assert the_pull_onto(world, "release/2.7")
    assert the_pull_onto(world, "release/2.8")


def test_a_conflict_is_explained_with_a_recipe_that_works_when_pasted(world, tmp_path):
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x + 33")}, "Differ on the line", by="mona")
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert world.labels(number) == {"backport/2.7", "backport-conflict/2.7"}
    [sticky] = world.said_on(number)
    assert "kit/ops.py" in sticky
    assert world.pulls_onto("release/2.7") == []

    clone = tmp_path / "clone"
    home = {"HOME": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0"}

    def paste(commands, directory=clone):
        done = subprocess.run(
            ["bash", "-c", commands], cwd=directory, env=home, capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout + done.stderr

    url = world.forge.url.replace("http://", f"http://mona:{world.forge.token_for('mona')}@")
    assert paste(f"git clone -q {url}/{REPO}.git clone", tmp_path)[0] == 0
    paste("git config user.name Mona && git config user.email mona@example.org && git config core.editor true")
    code, shown = paste(block(sticky, PICK_MARKER))
    assert code != 0, "git stops where the bot did"
    assert "CONFLICT" in shown
    (clone / "kit/ops.py").write_text(op(3, "x + 33.0"))
    assert paste("git add kit/ops.py && git cherry-pick --continue")[0] == 0
    code, shown = paste(block(sticky, PUSH_MARKER))
    assert code == 0, shown
    assert world.file(f"backport/2.7/{number}", "kit/ops.py") == op(3, "x + 33.0")


def block(text, marker):
    found = re.search(re.escape(marker) + r"\n```bash\n(.*?)\n```", text, re.DOTALL)
    assert found, text
    return found[1]


def test_a_change_that_the_line_has_is_found_present(world):
    world.forge.commit(REPO, "release/2.7", ADAS_FIX, "The same by hand", by="mona")
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert world.labels(number) == {"backport/2.7", "backport-present/2.7"}
    assert world.pulls_onto("release/2.7") == []


def test_an_indentation_twin_is_not_taken_for_the_change(world):
    twin = START["kit/scale.py"].replace("        x = x * by\n", "        x = x * by\n        x = x + 0\n")
    change = START["kit/scale.py"].replace("        x = x * by\n", "        x = x * by\n    x = x + 0\n")
    world.forge.commit(REPO, "release/2.7", {"kit/scale.py": twin}, "Indented differently", by="mona")
    number = world.land({"kit/scale.py": change}, "Add nothing, always", "backport/2.7")
    world.settle()
    assert "backport-present/2.7" not in world.labels(number)
    assert "backported/2.7" not in world.labels(number)
    assert world.said_on(number)


def test_a_line_without_a_branch_is_refused_with_what_there_is(world):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.9", "backport/2.7")
    world.settle()
    assert the_pull_onto(world, "release/2.7")
    said = "\n".join(world.said_on(number))
    assert "2.9" in said
    assert not any(label.startswith("backport-") and label.endswith("2.9") for label in world.labels(number))


def test_a_pull_that_is_closed_unmerged_starts_nothing(world):
    number = world.propose((ADAS_FIX, "Make op 3 a float"))
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.forge.close_pull(REPO, number, by="ada")
    world.settle()
    assert world.pulls_onto("release/2.7") == []
    assert world.labels(number) == {"backport/2.7"}


def test_a_pull_that_a_robot_landed_and_closed_is_picked(world):
    number = world.propose((ADAS_FIX, "Make op 3 a float"))
    world.forge.label(REPO, number, "backport/2.7", by="mona")
    world.forge.land_closed(REPO, number, by="mona")
    world.settle()
    assert not world.issue(number).pull.merged_at
    assert the_pull_onto(world, "release/2.7").title.endswith(f"(#{number})")


def test_policy_can_push_onto_the_line_itself(world):
    policy = {".github/relbot.toml": '[backport]\ndelivery = "push"\n'}
    world.forge.commit(REPO, "main", policy, "Push backports", by="mona")
    before = world.log("release/2.7", "%H")[0]
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert world.pulls_onto("release/2.7") == []
    assert world.log("release/2.7")[0] == f"Make op 3 a float (#{number})"
    assert world.log("release/2.7", "%H")[1] == before
    assert world.labels(number) == {"backport/2.7", "backported/2.7"}


def test_policy_can_have_github_make_and_sign_the_commits(world):
    policy = {".github/relbot.toml": "backport.verified = true\n"}
    world.forge.commit(REPO, "main", policy, "Show them as verified", by="mona")
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(9, "x - 9")}, "Differ elsewhere", by="mona")
    number = world.land({"kit/ops.py": op(3, "x + 3.0"), "kit/big.bin": "\0" * 9}, "Make op 3 a float", "backport/2.7")
    world.settle()
    head = f"backport/2.7/{number}"
    assert the_pull_onto(world, "release/2.7").pull.head_ref == head
    assert world.file(head, "kit/ops.py") == op(3, "x + 3.0").replace("return x + 9\n", "return x - 9\n")
    assert world.log(head, "%(trailers:key=Co-authored-by,valueonly)")[0].startswith("ada <")
    assert "cherry picked from commit" in world.log(head, "%B%x00")[2]
    made = [entry for entry in world.forge.requests if entry.path.endswith("/git/commits") and entry.method == "POST"]
    assert len(made) == 1, "nothing was pushed"


def test_a_wrong_policy_is_quoted_on_the_pull_and_stops_the_work(world):
    policy = {".github/relbot.toml": '[backport]\ndelivrey = "push"\n'}
    world.forge.commit(REPO, "main", policy, "Mistype", by="mona")
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert world.pulls_onto("release/2.7") == []
    assert "delivrey" in "\n".join(world.said_on(number))


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
def test_a_merged_backport_turns_the_change_s_label(world, method):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    world.forge.merge_pull(REPO, the_pull_onto(world, "release/2.7").number, method, by="mona")
    world.settle()
    assert world.labels(number) == {"backport/2.7", "backported/2.7"}


@pytest.mark.parametrize("fault", [
    Fault(r"/pulls$", "POST", status=502, times=2),
    Fault(r"/pulls$", "POST", status=502, after=True),
    Fault(r"/issues/\d+/comments$", "POST", status=500, times=2),
    Fault(r"/pulls/\d+$", "GET", drop=True, times=2),
    Fault(r"/info/refs", status=503, times=2),
], ids=lambda fault: f"{fault.method} {fault.path} {fault.status or 'dropped'}{' after' * fault.after}")
def test_trouble_that_passes_is_outlasted_and_leaves_nothing_twice(world, fault):
    world.forge.fail(fault)
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    assert the_pull_onto(world, "release/2.7")
    assert len(world.said_on(number)) == 1
    assert world.labels(number) == {"backport/2.7", "backport-open/2.7"}


@pytest.mark.parametrize("event", ["pull_request", "push", "issue_comment"])
def test_a_payload_of_a_repository_that_cannot_be_seen_is_answered_2xx_and_does_nothing(world, event):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.forge.comment(REPO, number, "/backport 2.8", by="mona")
    world.settle()
    payload = world.forge.delivered(event)[-1].payload
    payload["repository"].update(id=999_999, full_name="acme/hidden")
    if event == "push":
        payload.update(ref="refs/heads/release/2.7", before="1" * 40, after="2" * 40)
        world.expected_faults = 1
    refs = world.forge.git(REPO).refs()
    body = json.dumps(payload).encode()
    headers = {
        "X-GitHub-Event": event, "X-GitHub-Delivery": "elsewhere", "Content-Type": "application/json",
        "X-Hub-Signature-256": "sha256=" + hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    answer = requests.post(world.hook, body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (202, {"delivery": "elsewhere"})
    world.settle()
    assert world.forge.git(REPO).refs() == refs
    assert requests.get(world.hook.replace("/hooks/github", "/healthz"), timeout=10).status_code == 200


def reactions(comment):
    return {reaction.content for reaction in comment.reactions}


def test_who_asks_again_in_chat_is_answered_again(world):
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x + 33")}, "Differ on the line", by="mona")
    number = world.land(ADAS_FIX, "Make op 3 a float")
    first = world.forge.comment(REPO, number, "/backport 2.7", by="mona")
    world.settle()
    assert "confused" in reactions(first), "a conflict"
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": START["kit/ops.py"]}, "Make it fit", by="mona")
    second = world.forge.comment(REPO, number, "/backport 2.7", by="mona")
    world.settle()
    assert "rocket" in reactions(second)
    assert world.labels(number) == {"backport-open/2.7"}
    third = world.forge.comment(REPO, number, "/backport 2.7", by="mona")
    world.settle()
    assert "rocket" in reactions(third), "it is open already, and that is an answer"
    assert the_pull_onto(world, "release/2.7")


def test_an_untouched_backport_is_built_anew_where_the_line_is_now(world):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    before, head = the_pull_onto(world, "release/2.7"), f"backport/2.7/{number}"
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(9, "x - 9")}, "Go on", by="mona")
    comment = world.forge.comment(REPO, number, "/backport recreate 2.7", by="mona")
    world.settle()
    assert "rocket" in reactions(comment)
    assert the_pull_onto(world, "release/2.7").number == before.number
    assert world.log(head, "%H")[1] == world.log("release/2.7", "%H")[0]
    assert world.file(head, "kit/ops.py") == op(3, "x + 3.0").replace("return x + 9\n", "return x - 9\n")
    assert "backport-open/2.7" in world.labels(number)


def test_a_backport_that_somebody_has_worked_on_is_not_built_anew(world):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    head = f"backport/2.7/{number}"
    world.forge.commit(REPO, head, {"kit/ops.py": op(3, "x + 3.1")}, "Adapt", by="mona")
    world.forge.commit(REPO, "release/2.7", {"kit/more.py": "MORE = 1\n"}, "Go on", by="mona")
    tip = world.log(head, "%H")[0]
    comment = world.forge.comment(REPO, number, "/backport recreate 2.7", by="mona")
    world.settle()
    assert "confused" in reactions(comment)
    assert world.log(head, "%H")[0] == tip
    assert "holds commits that I did not make" in "\n".join(world.said_on(number))
    assert "backport-open/2.7" in world.labels(number)


def test_a_backport_that_would_conflict_by_now_stays_as_it_is(world):
    number = world.land(ADAS_FIX, "Make op 3 a float", "backport/2.7")
    world.settle()
    head = f"backport/2.7/{number}"
    tip = world.log(head, "%H")[0]
    world.forge.commit(REPO, "release/2.7", {"kit/ops.py": op(3, "x - 33")}, "Differ", by="mona")
    world.forge.comment(REPO, number, "/backport recreate 2.7", by="mona")
    world.settle()
    assert world.log(head, "%H")[0] == tip
    assert "stops at conflicts in “kit/ops.py”" in "\n".join(world.said_on(number))
    assert world.labels(number) == {"backport/2.7", "backport-open/2.7"}


def test_where_there_is_no_backport_to_build_anew_there_is_one_then(world):
    number = world.land(ADAS_FIX, "Make op 3 a float")
    world.forge.comment(REPO, number, "/backport recreate 2.7", by="mona")
    world.settle()
    assert the_pull_onto(world, "release/2.7")


def not_yet(method, path, status, words, times=1):
    error = {"resource": "PullRequest", "code": "custom", "message": words}
    return Fault(path, method, status, times=times, body={"message": "Not yet", "errors": [error]})


NOT_YET = [
    not_yet("GET", r"/pulls/1$", 404, "Not Found"),
    not_yet("GET", r"/issues/1/events$", 404, "Not Found"),
    not_yet("GET", r"/permission$", 404, "Not Found"),
    not_yet("POST", r"/pulls$", 404, "Not Found"),
    not_yet("POST", r"/pulls$", 422, "No commits between release/2.7 and backport/2.7/1", times=9),
    not_yet("POST", r"/issues/2/labels$", 404, "Not Found"),
    not_yet("POST", r"/issues/1/labels$", 404, "Not Found"),
    not_yet("GET", r"/issues/1/comments$", 404, "Not Found"),
    not_yet("POST", r"/issues/1/comments$", 404, "Not Found"),
]


@pytest.mark.parametrize("trouble", NOT_YET, ids=lambda one: f"{one.method} {one.path} {one.status}")
def test_what_github_does_not_know_yet_costs_no_backport(world, trouble):
    number = world.propose((ADAS_FIX, "Make op 3 a float"))
    world.forge.label(REPO, number, "backport/2.7", "bug", by="mona")
    world.settle()
    world.forge.fail(replace(trouble))
    world.forge.merge_pull(REPO, number, "squash", by="mona")
    world.settle()
    assert the_pull_onto(world, "release/2.7").labels == ["bug"]
    assert "backport-open/2.7" in world.labels(number)
    [told] = world.said_on(number)
    assert "waits for review" in told
