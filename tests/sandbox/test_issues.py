"""Comments, reactions, labels, people, milestones and history of issues and pulls."""

from __future__ import annotations

import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, Ask, open_topic


@pytest.fixture
def number(kit: Sandbox) -> int:
    return open_topic(kit)


def names(answer) -> list[str]:
    return [label["name"] for label in answer.json()]


def test_labels_are_added_set_and_taken_off_and_unknown_ones_are_created(kit: Sandbox, ask: Ask, number: int) -> None:
    path = f"/issues/{number}/labels"
    assert names(ask("POST", path, {"labels": ["backport/v2.7"]})) == ["backport/v2.7"]
    assert names(ask("POST", path, ["bug", "BACKPORT/v2.7"])) == ["backport/v2.7", "bug"]
    assert names(ask("PUT", path, ["#3.1 a/b", "bug"])) == ["bug", "#3.1 a/b"]
    assert names(ask("DELETE", f"{path}/%233.1%20a%2Fb")) == ["bug"]
    gone = ask("DELETE", f"{path}/nothing")
    assert (gone.status_code, gone.json()["message"]) == (404, "Label does not exist")
    assert names(ask("GET", path)) == ["bug"]
    assert names(ask("GET", "/labels")) == ["#3.1 a/b", "backport/v2.7", "bug"]


def test_labels_of_the_repository_are_made_edited_and_deleted(kit: Sandbox, ask: Ask, number: int) -> None:
    made = ask("POST", "/labels", {"name": "backport/v2.7", "color": "00ff00", "description": "pick"})
    assert (made.status_code, made.json()["color"], made.json()["description"]) == (201, "00ff00", "pick")
    taken = ask("POST", "/labels", {"name": "Backport/V2.7"})
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (422, "already_exists")
    assert ask("POST", "/labels", {"name": "x", "color": "green"}).json()["errors"][0]["field"] == "color"
    ask("POST", f"/issues/{number}/labels", ["backport/v2.7"])
    assert ask("PATCH", "/labels/backport%2Fv2.7", {"new_name": "backport/2.7"}).json()["name"] == "backport/2.7"
    assert names(ask("GET", f"/issues/{number}/labels")) == ["backport/2.7"]
    assert ask("GET", "/labels/backport/2.7").status_code == 200
    assert ask("DELETE", "/labels/backport/2.7").status_code == 204
    assert names(ask("GET", f"/issues/{number}/labels")) == []
    assert ask("GET", "/labels/backport/2.7").status_code == 404


def test_labelling_needs_triage(kit: Sandbox, ask: Ask, number: int) -> None:
    assert ask("POST", f"/issues/{number}/labels", ["x"], by="rita").status_code == 403
    kit.grant(REPO, "rita", "triage")
    assert ask("POST", f"/issues/{number}/labels", ["x"], by="rita").status_code == 200
    assert ask("POST", "/labels", {"name": "y"}, by="rita").status_code == 403


def test_a_comment_is_written_edited_and_deleted(kit: Sandbox, ask: Ask, number: int) -> None:
    made = ask("POST", f"/issues/{number}/comments", {"body": "Hello"})
    comment = made.json()
    assert (made.status_code, comment["user"]["login"], comment["user"]["type"]) == (201, "relbot", "User")
    assert comment["html_url"].endswith(f"/{REPO}/pull/{number}#issuecomment-{comment['id']}")
    path = f"/issues/comments/{comment['id']}"
    assert ask("PATCH", path, {"body": "Other"}, by="rita").status_code == 403
    assert ask("PATCH", path, {"body": "Other"}).json()["body"] == "Other"
    assert [one["body"] for one in ask("GET", f"/issues/{number}/comments").json()] == ["Other"]
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", path).status_code == 404
    assert ask("POST", f"/issues/{number}/comments", {"body": " "}).status_code == 422
    assert ask("POST", f"/issues/{number}/comments", {"body": "x" * 65_537}).status_code == 422
    assert ask("POST", f"/issues/{number}/comments", {"body": "no"}, by=None).status_code == 401


def test_the_same_reaction_counts_once(kit: Sandbox, ask: Ask, number: int) -> None:
    comment = kit.comment(REPO, number, "/backport 2.7", by="ada")
    path = f"/issues/comments/{comment.id}/reactions"
    first, second = (ask("POST", path, {"content": "eyes"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert ask("POST", path, {"content": "shrug"}).status_code == 422
    assert ask("GET", f"/issues/comments/{comment.id}").json()["reactions"]["eyes"] == 1
    assert [one["user"]["login"] for one in ask("GET", path).json()] == ["relbot"]


def test_an_issue_and_a_pull_share_their_numbers(kit: Sandbox, ask: Ask, number: int) -> None:
    made = ask("POST", "/issues", {"title": "Tracker", "body": "Text", "labels": ["x"], "assignees": ["ada", "rita"]})
    assert (made.json()["number"], [one["login"] for one in made.json()["assignees"]]) == (number + 1, ["ada"])
    assert "pull_request" not in made.json()
    as_issue = ask("GET", f"/issues/{number}").json()
    assert as_issue["pull_request"]["url"].endswith(f"/pulls/{number}")
    assert "head" not in as_issue
    assert ask("GET", f"/pulls/{number + 1}").status_code == 404
    assert [issue["number"] for issue in ask("GET", "/issues?labels=X").json()] == [number + 1]
    plain = ask("POST", "/issues", {"title": "By a reader", "labels": ["x"]}, by="rita").json()
    assert plain["labels"] == []


def test_title_labels_people_milestone_and_state_are_edited_at_once(kit: Sandbox, ask: Ask, number: int) -> None:
    milestone = ask("POST", "/milestones", {"title": "2.7.1", "description": "next"})
    assert milestone.status_code == 201
    assert ask("POST", "/milestones", {"title": "2.7.1"}).status_code == 422
    wish = {"title": "T", "labels": ["a", "b"], "assignees": ["mona"], "milestone": 1, "state": "closed"}
    answer = ask("PATCH", f"/issues/{number}", wish).json()
    assert (answer["title"], answer["state"], answer["closed_by"]["login"]) == ("T", "closed", "relbot")
    assert (answer["milestone"]["title"], answer["assignee"]["login"]) == ("2.7.1", "mona")
    assert ask("GET", "/milestones/1").json()["closed_issues"] == 1
    assert [one["title"] for one in ask("GET", "/milestones").json()] == ["2.7.1"]
    assert ask("PATCH", f"/issues/{number}", {"milestone": None, "labels": []}).json()["milestone"] is None
    assert ask("PATCH", f"/issues/{number}", {"milestone": 9}).status_code == 422
    assert ask("PATCH", f"/issues/{number}", {"labels": "a"}).status_code == 422
    assert ask("PATCH", f"/issues/{number}", {"title": "X"}, by="rita").status_code == 403
    added = ask("POST", f"/issues/{number}/assignees", {"assignees": ["ada"]})
    assert {one["login"] for one in added.json()["assignees"]} == {"mona", "ada"}


def test_history_says_who_did_what_and_the_timeline_has_the_comments_in_it(kit: Sandbox, ask: Ask, number: int) -> None:
    kit.label(REPO, number, "backport/v2.7", by="mona")
    kit.comment(REPO, number, "hello", by="rita")
    kit.unlabel(REPO, number, "backport/v2.7", by="ada")
    made = kit.merge_pull(REPO, number, "squash", by="mona")
    events = ask("GET", f"/issues/{number}/events").json()
    assert [(event["event"], event["actor"]["login"]) for event in events] == [
        ("labeled", "mona"), ("unlabeled", "ada"), ("merged", "mona"), ("closed", "mona")]
    assert (events[0]["label"]["name"], events[2]["commit_id"]) == ("backport/v2.7", made)
    timeline = [event["event"] for event in ask("GET", f"/issues/{number}/timeline").json()]
    assert timeline == ["labeled", "commented", "unlabeled", "merged", "closed"]
