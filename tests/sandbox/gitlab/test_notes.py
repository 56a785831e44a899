"""Notes, awards, discussions, labels and members are what GitLab makes of them."""

from __future__ import annotations

from bot.sandbox import Sandbox
from tests.sandbox.gitlab.conftest import PATH, Ask, open_topic

NOTES = "/merge_requests/1/notes"


def test_notes_come_newest_first_and_system_notes_among_them(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    first = ask("POST", NOTES, {"body": "first"}).json()["id"]
    ask("PUT", "/merge_requests/1", {"title": "Other"})
    ask("POST", NOTES, {"body": "second"})
    notes = ask("GET", NOTES).json()
    assert [(note["body"].split()[0], note["system"]) for note in notes] == [
        ("second", False), ("changed", True), ("first", False)]
    assert ask("GET", f"{NOTES}?sort=asc&order_by=created_at&per_page=1").json()[0]["id"] == first
    assert ask("GET", "/merge_requests/1").json()["user_notes_count"] == 2


def test_a_note_is_edited_by_its_author_and_deleted_by_who_maintains(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    number = ask("POST", NOTES, {"body": "first"}).json()["id"]
    assert ask("PUT", f"{NOTES}/{number}", {"body": "new"}).json()["body"] == "new"
    assert ask("PUT", f"{NOTES}/{number}", {"body": "no"}, by="ada").status_code == 403
    assert ask("POST", NOTES, {"body": " "}).json() == {"message": {"note": ["can't be blank"]}}
    assert ask("POST", NOTES, {}).json() == {"error": "body is missing"}
    assert ask("DELETE", f"{NOTES}/{number}", by="mona").status_code == 204
    assert ask("GET", f"{NOTES}/{number}").json() == {"message": "404 Not found"}


def test_internal_notes_are_not_for_everybody(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    note = ask("POST", NOTES, {"body": "secret", "internal": True}).json()
    assert (note["internal"], note["confidential"]) == (True, True)
    assert ask("GET", NOTES, by="rita").json() == []
    assert ask("GET", f"{NOTES}/{note['id']}", by="rita").status_code == 404
    assert ask("POST", NOTES, {"body": "x", "internal": True}, by="rita").status_code == 403


def test_the_same_award_is_given_only_once(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    awards = f"{NOTES}/{ask('POST', NOTES, {'body': 'x'}).json()['id']}/award_emoji"
    given = ask("POST", awards, {"name": "eyes"}).json()
    assert (given["name"], given["awardable_type"], given["user"]["username"]) == ("eyes", "Note", "relbot")
    again = ask("POST", awards, {"name": "eyes"})
    assert (again.status_code, again.json()) == (
        404, {"message": "404 Award Emoji Name has already been taken Not Found"})
    assert ask("DELETE", f"{awards}/{given['id']}", by="ada").status_code == 403
    assert ask("DELETE", f"{awards}/{given['id']}").status_code == 204
    assert ask("GET", awards).json() == []
    assert ask("POST", "/merge_requests/1/award_emoji", {"name": "thumbsup"}).status_code == 201
    assert ask("GET", "/merge_requests/1").json()["upvotes"] == 1
    assert [one["name"] for one in ask("GET", "/merge_requests/1/award_emoji").json()] == ["thumbsup"]


def test_a_discussion_is_a_thread_with_an_id_that_is_no_number(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    ask("POST", NOTES, {"body": "alone"})
    made = ask("POST", "/merge_requests/1/discussions", {"body": "thread"}).json()
    assert (len(made["id"]), made["individual_note"], made["notes"][0]["resolvable"]) == (40, False, True)
    found = ask("GET", "/merge_requests/1/discussions").json()
    assert [one["individual_note"] for one in found] == [True, False]


def test_labels_are_made_found_renamed_and_deleted(lab: Sandbox, ask: Ask) -> None:
    made = ask("POST", "/labels", {"name": "backport/v2.7", "color": "#00ff00", "description": "d"}).json()
    assert (made["name"], made["color"]) == ("backport/v2.7", "#00ff00")
    assert ask("POST", "/labels", {"name": "backport/v2.7", "color": "#00ff00"}).json() == {
        "message": "Label already exists"}
    assert ask("POST", "/labels", {"name": "x"}).json() == {"error": "color is missing"}
    assert ask("POST", "/labels", {"name": "x", "color": "no"}).status_code == 400
    assert ask("POST", "/labels", {"name": "x", "color": "#000000"}, by="rita").status_code == 403
    open_topic(lab)
    lab.label(PATH, 1, "backport/v2.7", by="ada")
    edited = ask("PUT", "/labels/backport%2Fv2.7", {"new_name": "backport/v2.8"}).json()
    assert (edited["id"], edited["open_merge_requests_count"]) == (made["id"], 1)
    assert ask("GET", "/merge_requests/1").json()["labels"] == ["backport/v2.8"]
    assert ask("GET", f"/labels/{made['id']}").json()["name"] == "backport/v2.8"
    assert ask("DELETE", f"/labels/{made['id']}").status_code == 204
    assert ask("GET", "/labels").json() == []
    assert ask("GET", "/merge_requests/1").json()["labels"] == []


def test_members_have_levels_and_strangers_are_not_found(lab: Sandbox, ask: Ask) -> None:
    lab.grant("acme", "grace", "admin")
    levels = {}
    for login in ("ada", "mona", "rita", "grace"):
        number = lab.forge.user(login).id
        levels[login] = ask("GET", f"/members/all/{number}").json()["access_level"]
    assert levels == {"ada": 30, "mona": 40, "rita": 10, "grace": 50}
    grace = lab.forge.user("grace").id
    assert ask("GET", f"/groups/acme%2Fvision/members/all/{grace}", root="").json()["access_level"] == 50
    lab.add_user("mallory")
    assert ask("GET", f"/members/all/{lab.forge.user('mallory').id}").json() == {"message": "404 Not found"}
    assert {one["username"] for one in ask("GET", "/members/all").json()} == {"ada", "mona", "rita", "relbot", "grace"}


def test_accounts_are_found_by_name(lab: Sandbox, ask: Ask) -> None:
    assert ask("GET", "/user", root="").json()["username"] == "relbot"
    found = ask("GET", "/users?username=ADA", root="").json()
    assert [one["username"] for one in found] == ["ada"]
    assert ask("GET", f"/users/{found[0]['id']}", root="").json()["username"] == "ada"
    assert ask("GET", "/users?username=acme", root="").json() == []
    assert ask("GET", "/version", root="").json()["version"].startswith("19.")


def test_issues_have_numbers_of_their_own(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    made = ask("POST", "/issues", {"title": "Tracker", "labels": "release"}).json()
    assert (made["iid"], made["references"]["short"], made["labels"]) == (1, "#1", ["release"])
    ask("POST", "/issues/1/notes", {"body": "on the issue"})
    assert [note["noteable_type"] for note in ask("GET", "/issues/1/notes").json()] == ["Issue"]
    assert ask("PUT", "/issues/1", {"state_event": "close"}).json()["state"] == "closed"
    assert ask("GET", "/issues?state=opened").json() == []
    assert ask("GET", "/merge_requests/1").json()["title"] == "Topic topic"


def test_milestones_are_listed_latest_first(lab: Sandbox, ask: Ask) -> None:
    for title in ("2.7", "2.8"):
        assert ask("POST", "/milestones", {"title": title}).status_code == 201
    assert ask("POST", "/milestones", {"title": "2.7"}).json() == {"message": {"title": ["has already been taken"]}}
    assert [one["title"] for one in ask("GET", "/milestones?state=active").json()] == ["2.8", "2.7"]
    assert [one["iid"] for one in ask("GET", "/milestones?title=2.7").json()] == [1]
