"""GitLab's webhooks say what the real ones say, come to project and group alike, and are given up when they fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.pushes import follow_refs
from tests.sandbox.conftest import Receiver, receiver  # noqa: F401
from tests.sandbox.gitlab.conftest import NOWHERE, PATH, Ask, last, open_topic, push_topic, told


def test_a_merge_request_tells_its_life(quiet: Sandbox, ask: Ask) -> None:
    number = open_topic(quiet)
    quiet.label(PATH, number, "a", "b", by="ada")
    quiet.close_pull(PATH, number, by="ada")
    ask("PUT", "/merge_requests/1", {"state_event": "reopen"})
    quiet.merge_pull(PATH, number, by="mona")
    assert [what for what in told(quiet) if what.startswith("Merge")] == [
        f"Merge Request Hook {action}" for action in ("open", "update", "close", "reopen", "merge")]


def test_all_labels_of_one_request_are_one_webhook(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    ask("PUT", "/merge_requests/1", {"add_labels": "b,a", "title": "New"})
    ask("PUT", "/merge_requests/1", {"labels": "a,c"})
    payload = last(quiet)
    changed = payload["changes"]["labels"]
    assert {label["title"] for label in changed["previous"]} == {"a", "b"}
    assert {label["title"] for label in changed["current"]} == {"a", "c"}
    assert (payload["object_attributes"]["action"], payload["user"]["username"]) == ("update", "relbot")
    assert "oldrev" not in payload["object_attributes"]
    assert len([what for what in told(quiet) if what == "Merge Request Hook update"]) == 2


def test_only_a_push_of_commits_comes_with_the_former_head(quiet: Sandbox) -> None:
    open_topic(quiet)
    old = quiet.git(PATH).branch("topic")
    quiet.commit(PATH, "topic", {"n.py": "1\n"}, "More", by="ada")
    attributes = last(quiet)["object_attributes"]
    assert (attributes["action"], attributes["oldrev"]) == ("update", old)
    assert attributes["last_commit"]["id"] == quiet.git(PATH).branch("topic")


def test_a_request_that_changes_nothing_is_silent(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    before = told(quiet)
    ask("PUT", "/merge_requests/1", {"title": "Topic topic", "remove_labels": "absent"})
    ask("DELETE", "/labels/absent")
    assert told(quiet) == before


def test_renaming_or_deleting_a_label_changes_no_merge_request(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    quiet.label(PATH, 1, "a", by="ada")
    before = told(quiet)
    ask("PUT", "/labels/a", {"new_name": "b"})
    ask("DELETE", "/labels/b")
    assert told(quiet) == before


@pytest.mark.parametrize(("method", "sha"), [("merge", True), ("ff", False)])
def test_a_merge_names_its_commit_only_when_there_is_one(quiet: Sandbox, method, sha: bool) -> None:
    quiet.set_merge_method(PATH, method)
    open_topic(quiet)
    made = quiet.merge_pull(PATH, 1, "merge", by="mona")
    payload = next(one.payload for one in quiet.deliveries.all if one.payload.get("changes", {}).get("state_id"))
    attributes = payload["object_attributes"]
    assert (attributes["action"], attributes["state"]) == ("merge", "merged")
    assert attributes["merge_commit_sha"] == (made if sha else None)
    assert payload["changes"]["state_id"] == {"previous": 4, "current": 3}


def test_notes_are_told_when_they_are_written_and_when_they_are_edited(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    number = ask("POST", "/merge_requests/1/notes", {"body": "/release help"}).json()["id"]
    ask("PUT", f"/merge_requests/1/notes/{number}", {"body": "/release rc"})
    payload = last(quiet)
    assert told(quiet)[-2:] == ["Note Hook create", "Note Hook update"]
    assert (payload["object_attributes"]["note"], payload["object_attributes"]["id"]) == ("/release rc", number)
    assert (payload["merge_request"]["iid"], payload["user"]["username"]) == (1, "relbot")
    ask("DELETE", f"/merge_requests/1/notes/{number}")
    assert told(quiet)[-1] == "Note Hook update"


def test_system_notes_are_told_to_nobody(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    ask("PUT", "/merge_requests/1", {"description": "other"})
    assert [note["system"] for note in ask("GET", "/merge_requests/1/notes").json()] == [True]
    assert not [what for what in told(quiet) if what.startswith("Note")]


def test_internal_notes_are_an_event_of_their_own(lab: Sandbox, ask: Ask) -> None:
    lab.add_hook(PATH, NOWHERE, "t", "note_events")
    lab.deliveries.hold()
    open_topic(lab)
    ask("POST", "/merge_requests/1/notes", {"body": "secret", "internal": True})
    assert told(lab) == []
    lab.add_hook(PATH, NOWHERE, "t", "confidential_note_events")
    ask("POST", "/merge_requests/1/notes", {"body": "secret", "internal": True})
    assert [(one.event, one.payload["event_type"]) for one in lab.deliveries.all] == [
        ("Confidential Note Hook", "confidential_note")]


def test_project_and_groups_each_send_their_own_of_one_event(lab: Sandbox, ask: Ask) -> None:
    for path in (PATH, "acme/vision", "acme"):
        lab.add_hook(path, NOWHERE, "t")
    lab.deliveries.hold()
    lab.branch(PATH, "x", "main", by="ada")
    sent = list(lab.deliveries.all)
    assert told(lab) == ["Push Hook refs/heads/x"] * 3
    assert len({one.body for one in sent}) == 1
    for header, count in (("Idempotency-Key", 3), ("X-Gitlab-Webhook-UUID", 3), ("X-Gitlab-Event-UUID", 1)):
        assert len({one.headers[header] for one in sent}) == count


def test_a_push_shows_its_newest_commits_and_counts_them_all(quiet: Sandbox) -> None:
    push_topic(quiet, commits=1)
    bare = quiet.git(PATH)
    assert told(quiet) == ["Push Hook refs/heads/topic", "Push Hook refs/heads/topic"]
    created, pushed = (one.payload for one in quiet.deliveries.all)
    assert (created["before"], created["total_commits_count"]) == ("0" * 40, 0)
    assert (pushed["checkout_sha"], pushed["total_commits_count"]) == (bare.branch("topic"), 1)
    assert pushed["commits"][0]["added"] == ["topic1.py"]


def test_a_push_of_many_commits_shows_the_newest_twenty(quiet: Sandbox) -> None:
    bare = quiet.git(PATH)
    tip = bare.branch("main")
    before, tree = bare.refs(), bare.commit(tip).tree
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for number in range(25):
        tip = bare.run("commit-tree", tree, "-p", tip, "-m", f"commit {number}", env=who).strip()
    bare.update_ref("refs/heads/main", tip)
    with quiet.forge.changing():
        follow_refs(quiet.forge, quiet.find(PATH), before, "ada")
    payload = last(quiet)
    assert (payload["total_commits_count"], len(payload["commits"])) == (25, 20)
    assert (payload["commits"][0]["title"], payload["commits"][-1]["id"]) == ("commit 5", tip)


@pytest.mark.parametrize(("count", "heard"), [(3, 3), (4, 0)])
def test_more_than_three_refs_at_once_are_silent(quiet: Sandbox, count: int, heard: int) -> None:
    bare = quiet.git(PATH)
    before, tip = bare.refs(), bare.branch("main")
    for number in range(count):
        bare.update_ref(f"refs/tags/v{number}", tip)
    with quiet.forge.changing():
        follow_refs(quiet.forge, quiet.find(PATH), before, "ada")
    assert len(told(quiet)) == heard


def test_a_tag_tells_the_object_and_the_commit(quiet: Sandbox, ask: Ask) -> None:
    ask("POST", "/repository/tags", {"tag_name": "v1", "ref": "main", "message": "First"})
    payload, bare = last(quiet), quiet.git(PATH)
    assert (quiet.deliveries.all[-1].event, payload["after"]) == ("Tag Push Hook", bare.ref("refs/tags/v1"))
    assert (payload["checkout_sha"], payload["message"]) == (bare.branch("main"), "First")


def test_a_deleted_branch_ends_in_zeros_and_closes_what_came_from_it(quiet: Sandbox, ask: Ask) -> None:
    open_topic(quiet)
    assert ask("DELETE", "/repository/branches/topic").status_code == 204
    assert told(quiet)[-2:] == ["Push Hook refs/heads/topic", "Merge Request Hook close"]
    payload = quiet.deliveries.all[-2].payload
    assert (payload["after"], payload["checkout_sha"], payload["commits"]) == ("0" * 40, None, [])


def test_an_issue_tells_its_labels_too(quiet: Sandbox, ask: Ask) -> None:
    ask("POST", "/issues", {"title": "Tracker"})
    ask("PUT", "/issues/1", {"add_labels": "x"})
    assert told(quiet) == ["Issue Hook open", "Issue Hook update"]
    assert [label["title"] for label in last(quiet)["changes"]["labels"]["current"]] == ["x"]
    ask("POST", "/issues/1/notes", {"body": "hello"})
    assert last(quiet)["issue"]["iid"] == 1


def test_the_token_goes_with_it_and_the_signature_covers_id_time_and_body(lab: Sandbox, receiver: Receiver) -> None:  # noqa: F811
    key = secrets.token_bytes(32)
    hook = lab.add_hook(PATH, receiver.url, "t0ken")
    hook.signing_token = f"whsec_{base64.b64encode(key).decode()}"
    lab.branch(PATH, "x", "main", by="ada")
    assert lab.deliveries.drain()
    (headers, body), = receiver.received
    assert (headers["X-Gitlab-Event"], headers["X-Gitlab-Token"]) == ("Push Hook", "t0ken")
    assert headers["webhook-id"] == headers["Idempotency-Key"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_what_is_sent_again_keeps_its_ids_and_is_signed_anew(lab: Sandbox, receiver: Receiver) -> None:  # noqa: F811
    hook = lab.add_hook(PATH, receiver.url, "")
    hook.signing_token = "plain"
    lab.branch(PATH, "x", "main", by="ada")
    assert lab.deliveries.drain()
    sent = lab.deliveries.all[0]
    sent.headers["webhook-timestamp"] = "1"
    assert lab.deliveries.redeliver(sent.id)
    assert lab.deliveries.drain()
    (first, body), (again, same) = receiver.received
    assert (again["webhook-id"], again["Idempotency-Key"], same) == (first["webhook-id"], first["webhook-id"], body)
    assert int(again["webhook-timestamp"]) > 1
    assert "X-Gitlab-Token" not in again


def test_a_hook_that_keeps_failing_rests_and_then_ends(lab: Sandbox, ask: Ask) -> None:
    hook = lab.add_hook(PATH, NOWHERE, "t", "push_events")

    def status() -> tuple[str, bool]:
        shown = ask("GET", f"/hooks/{hook.id}", by="mona").json()
        return shown["alert_status"], shown["disabled_until"] is not None

    def send(count: int) -> None:
        for _ in range(count):
            hook.disabled_until = None
            lab.branch(PATH, f"b{secrets.token_hex(4)}", "main", by="ada")
            assert lab.deliveries.drain()

    send(3)
    assert status() == ("executable", False)
    send(1)
    assert status() == ("temporarily_disabled", True)
    sent = len(lab.deliveries.all)
    lab.branch(PATH, "unheard", "main", by="ada")
    assert len(lab.deliveries.all) == sent
    hook.failures = 39
    send(1)
    assert (status(), hook.active) == (("disabled", False), False)


def test_a_hook_that_answers_again_is_on_again(lab: Sandbox, ask: Ask, receiver: Receiver) -> None:  # noqa: F811
    hook = lab.add_hook(PATH, receiver.url, "t", "push_events")
    receiver.answer = 404
    for number in range(4):
        lab.branch(PATH, f"b{number}", "main", by="ada")
    assert lab.deliveries.drain()
    assert ask("GET", f"/hooks/{hook.id}", by="mona").json()["alert_status"] == "temporarily_disabled"
    receiver.answer = 200
    assert ask("POST", f"/hooks/{hook.id}/test/push_events", by="mona").status_code == 201
    assert lab.deliveries.drain()
    assert ask("GET", f"/hooks/{hook.id}", by="mona").json()["alert_status"] == "executable"
    assert hook.failures == 0
    assert json.loads(receiver.received[-1][1])["object_kind"] == "push"


def test_a_hook_that_is_tried_in_vain_stays_off(lab: Sandbox, ask: Ask, receiver: Receiver) -> None:  # noqa: F811
    hook = lab.add_hook(PATH, receiver.url, "t", "push_events")
    hook.failures, hook.active, receiver.answer = 40, False, 503
    assert ask("POST", f"/hooks/{hook.id}/test/push_events", by="mona").status_code == 422
    assert (hook.failures, hook.active, len(receiver.received)) == (40, False, 1)
    hook.url = NOWHERE
    answer = ask("POST", f"/hooks/{hook.id}/test/push_events", by="mona")
    assert (answer.status_code, "refused" in answer.json()["message"]) == (422, True)


def test_a_project_without_commits_has_nothing_to_try_a_hook_with(lab: Sandbox, ask: Ask) -> None:
    lab.create_repository("mona/empty")
    hook = lab.add_hook("mona/empty", NOWHERE, "t")
    answer = ask("POST", f"/hooks/{hook.id}/test/push_events", by="mona", root="/projects/mona%2Fempty")
    assert (answer.status_code, answer.json()["message"]) == (422, "Ensure the project has at least one commit.")


def test_a_hook_loses_its_token_with_its_address(lab: Sandbox, ask: Ask) -> None:
    hook = lab.add_hook(PATH, NOWHERE, "t0ken")
    assert ask("PUT", f"/hooks/{hook.id}", {"url": NOWHERE, "enable_ssl_verification": False}, by="mona").ok
    assert (hook.secret, hook.insecure) == ("t0ken", True)
    assert not ask("PUT", f"/hooks/{hook.id}", {"url": f"{NOWHERE}/2"}, by="mona").json()["token_present"]
    ask("PUT", f"/hooks/{hook.id}", {"url": NOWHERE, "token": "new"}, by="mona")
    assert (hook.url, hook.secret) == (NOWHERE, "new")


def test_hooks_are_made_changed_and_deleted_and_never_show_their_tokens(lab: Sandbox, ask: Ask) -> None:
    signing = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    wish = {"url": NOWHERE, "token": "t0ken", "signing_token": signing, "merge_requests_events": True}
    answer = ask("POST", "/hooks", wish, by="mona")
    made = answer.json()
    assert "t0ken" not in answer.text and signing not in answer.text
    assert (made["push_events"], made["merge_requests_events"], made["note_events"]) == (True, True, False)
    assert (made["token_present"], made["signing_token_present"]) == (True, True)
    edited = ask("PUT", f"/hooks/{made['id']}", {"push_events": False, "note_events": True}, by="mona").json()
    assert (edited["push_events"], edited["note_events"], edited["url"]) == (False, True, NOWHERE)
    assert [one["id"] for one in ask("GET", "/hooks", by="mona").json()] == [made["id"]]
    assert ask("GET", "/hooks").json() == {"message": "403 Forbidden"}
    assert ask("POST", "/hooks", wish | {"signing_token": "weak"}, by="mona").status_code == 422
    assert ask("POST", "/hooks", {"url": "nonsense"}, by="mona").json() == {"message": "Invalid url given"}
    assert ask("DELETE", f"/hooks/{made['id']}", by="mona").status_code == 204
    assert ask("GET", f"/hooks/{made['id']}", by="mona").status_code == 404


def test_what_was_sent_is_listed_and_sent_again_over_the_api(lab: Sandbox, ask: Ask, receiver: Receiver) -> None:  # noqa: F811
    hook = lab.add_hook(PATH, receiver.url, "t0ken", "push_events")
    receiver.answer = 500
    lab.branch(PATH, "x", "main", by="ada")
    assert lab.deliveries.drain()
    event, = ask("GET", f"/hooks/{hook.id}/events?status=server_failure", by="mona").json()
    assert (event["trigger"], event["response_status"]) == ("push_hooks", "500")
    assert event["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"
    assert ask("GET", f"/hooks/{hook.id}/events?status=successful", by="mona").json() == []
    assert ask("GET", f"/hooks/{hook.id}/events?per_page=100", by="mona").status_code == 400
    receiver.answer = 200
    assert ask("POST", f"/hooks/{hook.id}/events/{event['id']}/resend", by="mona").status_code == 201
    assert lab.deliveries.drain()
    assert [headers["Idempotency-Key"] for headers, _ in receiver.received] == [
        event["request_headers"]["Idempotency-Key"]] * 2


def test_each_attempt_is_an_event_of_its_own_and_what_is_given_up_is_not_sent_again(
    lab: Sandbox, ask: Ask, receiver: Receiver  # noqa: F811
) -> None:
    hook = lab.add_hook(PATH, receiver.url, "t0ken", "push_events")
    lab.deliveries.fail(503)
    for number in range(5):
        lab.branch(PATH, f"b{number}", "main", by="ada")
    events = ask("GET", f"/hooks/{hook.id}/events?status=client_failure,server_failure", by="mona").json()
    assert len(events) == 4, "after four failures nothing is sent any more"
    assert ask("GET", f"/hooks/{hook.id}", by="mona").json()["alert_status"] == "temporarily_disabled"
    resend = f"/hooks/{hook.id}/events/{events[-1]['id']}/resend"
    assert ask("POST", resend, by="mona").json() == {"message": "Hook disabled"}
    lab.deliveries.recover()
    assert ask("POST", f"/hooks/{hook.id}/test/push_events", by="mona").status_code == 201
    assert ask("POST", resend, by="mona").json() == {"response_status": 202}
    keys = [
        event["request_headers"]["Idempotency-Key"]
        for event in ask("GET", f"/hooks/{hook.id}/events", by="mona").json()
    ]
    assert (keys[0], len(keys)) == (events[-1]["request_headers"]["Idempotency-Key"], 6)
    assert [ask("POST", resend, by="mona").status_code for _ in range(4)] == [201, 201, 201, 429]
    assert ask("POST", resend, by="ada").status_code == 403


def test_an_archived_project_is_read_only_and_not_among_those_that_are_asked_for(lab: Sandbox, ask: Ask) -> None:
    lab.archive(PATH)
    assert ask("POST", "/labels", {"name": "x", "color": "#ffffff"}).status_code == 403
    assert ask("GET", "/labels").status_code == 200
    assert ask("GET", "/projects?membership=true&archived=false", root="").json() == []
    assert [one["path_with_namespace"] for one in ask("GET", "/projects?membership=true", root="").json()] == [PATH]
