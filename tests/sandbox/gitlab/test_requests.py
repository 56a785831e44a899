"""Merge requests over the API are opened, read, listed, edited and refused as GitLab does it."""

from __future__ import annotations

import pytest

from bot.sandbox import PullWish, Sandbox
from tests.sandbox.gitlab.conftest import PATH, PROJECT, Ask, open_topic, push_topic

WISH = {"title": "T", "source_branch": "topic", "target_branch": "main"}


def test_a_new_one_does_not_know_yet_what_gitlab_only_finds_out_later(lab: Sandbox, ask: Ask) -> None:
    push_topic(lab)
    made = ask("POST", "/merge_requests", WISH | {"description": "D", "labels": "b,a"}).json()
    assert (made["iid"], made["merge_status"], made["sha"], made["changes_count"]) == (1, "checking", None, None)
    assert (made["state"], made["labels"], made["references"]["full"]) == ("opened", ["a", "b"], f"{PATH}!1")
    read = ask("GET", "/merge_requests/1").json()
    assert (read["sha"], read["merge_status"]) == (lab.git(PATH).branch("topic"), "can_be_merged")
    assert (read["detailed_merge_status"], read["changes_count"], read["merge_commit_sha"]) == ("mergeable", "1", None)
    assert read["diff_refs"]["start_sha"] == lab.git(PATH).branch("main")


def test_it_is_found_by_the_projects_number_too(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    number = lab.find(PATH).id
    assert ask("GET", "/merge_requests/1", root=f"/projects/{number}").json()["target_project_id"] == number


@pytest.mark.parametrize(("change", "status", "said"), [
    ({"source_branch": "absent"}, 400, {"message": {"source_branch": ["does not exist"]}}),
    ({"target_branch": "absent"}, 400, {"message": {"target_branch": ["does not exist"]}}),
    ({"title": ""}, 400, {"message": {"title": ["can't be blank"]}}),
    ({"source_branch": "main"}, 422, {"message": ["You can't use same project/branch for source and target"]}),
    ({"target_project_id": 7}, 404, {"message": "404 Project Not Found"}),
    ({"title": None}, 400, {"error": "title is missing"}),
    ({"squash": "perhaps"}, 400, {"error": "squash is invalid"}),
])
def test_what_cannot_be_opened_is_refused(lab: Sandbox, ask: Ask, change: dict, status: int, said: dict) -> None:
    push_topic(lab)
    answer = ask("POST", "/merge_requests", WISH | change)
    assert (answer.status_code, answer.json()) == (status, said)


def test_a_second_one_for_the_same_branches_is_refused_with_a_list(lab: Sandbox, ask: Ask) -> None:
    number = open_topic(lab)
    answer = ask("POST", "/merge_requests", WISH)
    said = [f"Another open merge request already exists for this source branch: !{number}"]
    assert (answer.status_code, answer.json()) == (409, {"message": said})
    assert ask("POST", "/merge_requests", WISH | {"target_branch": "release/2.7"}).status_code == 201


def test_one_without_commits_is_opened_and_cannot_be_merged(lab: Sandbox, ask: Ask) -> None:
    lab.branch(PATH, "topic", "main", by="ada")
    assert ask("POST", "/merge_requests", WISH).status_code == 201
    assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == "commits_status"
    lab.commit(PATH, "main", {"x.py": "1\n"}, "Move main", by="ada")
    assert ask("GET", "/merge_requests/1").json()["state"] == "opened"
    assert ask("PUT", "/merge_requests/1/merge").status_code == 405


def test_the_commits_come_newest_first_and_hide_their_parents(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab, commits=3)
    commits = ask("GET", "/merge_requests/1/commits").json()
    assert [commit["title"] for commit in commits] == ["Add topic 3", "Add topic 2", "Add topic 1"]
    assert {tuple(commit["parent_ids"]) for commit in commits} == {()}


def test_mergeability_takes_as_many_reads_as_it_was_told_to(lab: Sandbox, ask: Ask) -> None:
    lab.forge.unknown_reads = 2
    open_topic(lab)
    states = [ask("GET", "/merge_requests/1").json()["merge_status"] for _ in range(3)]
    assert states == ["checking", "checking", "can_be_merged"]


def test_a_conflict_a_draft_and_a_closed_one_say_so(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab, files={"a.py": "ours\n"})
    ask("PUT", "/merge_requests/1", {"title": "Draft: T"})
    assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == "draft_status"
    lab.commit(PATH, "main", {"a.py": "theirs\n"}, "Move main", by="ada")
    read = ask("GET", "/merge_requests/1").json()
    assert (read["draft"], read["has_conflicts"], read["detailed_merge_status"]) == (True, True, "conflict")
    lab.close_pull(PATH, 1, by="ada")
    read = ask("GET", "/merge_requests/1").json()
    assert (read["state"], read["detailed_merge_status"]) == ("closed", "not_open")
    assert read["closed_by"]["username"] == "ada"


def test_lists_hold_every_state_newest_first_and_are_filtered(lab: Sandbox, ask: Ask) -> None:
    for name in ("one", "two", "three"):
        open_topic(lab, name)
    lab.merge_pull(PATH, 1, by="ada")
    lab.close_pull(PATH, 2, by="ada")

    def numbers(query: str) -> list[int]:
        return [one["iid"] for one in ask("GET", f"/merge_requests?{query}").json()]

    assert numbers("") == [3, 2, 1]
    assert [numbers(f"state={state}") for state in ("opened", "merged", "closed")] == [[3], [1], [2]]
    assert numbers("source_branch=two&target_branch=main") == [2]
    assert numbers("order_by=created_at&sort=asc") == [1, 2, 3]
    assert numbers("iids[]=1&iids[]=3") == [3, 1]
    assert ask("GET", "/merge_requests?state=open").json() == {"error": "state does not have a valid value"}


def test_pages_say_where_they_are_and_link_to_the_others(lab: Sandbox, ask: Ask) -> None:
    for name in ("one", "two", "three"):
        open_topic(lab, name)
    answer = ask("GET", "/merge_requests?state=all&page=2&per_page=1")
    names = ("X-Page", "X-Per-Page", "X-Total", "X-Total-Pages", "X-Next-Page", "X-Prev-Page")
    assert [answer.headers[name] for name in names] == ["2", "1", "3", "3", "3", "1"]
    assert set(answer.links) == {"prev", "next", "first", "last"}
    assert answer.links["next"]["url"] == f"{lab.url}/api/v4{PROJECT}/merge_requests?state=all&page=3&per_page=1"
    assert ask("GET", "/merge_requests").headers["X-Per-Page"] == "20"
    assert ask("GET", "/merge_requests?per_page=500").headers["X-Per-Page"] == "100"
    assert int(answer.headers["RateLimit-Remaining"]) < int(answer.headers["RateLimit-Limit"])


def test_an_edit_changes_only_what_it_names(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    lab.label(PATH, 1, "a", "b", by="ada")
    ada = lab.forge.user("ada").id
    milestone = ask("POST", "/milestones", {"title": "2.7"}).json()["id"]
    ask("PUT", "/merge_requests/1", {"add_labels": "c", "remove_labels": ["a"], "assignee_ids": [ada]})
    read = ask("PUT", "/merge_requests/1", {"milestone_id": milestone, "target_branch": "release/2.7"}).json()
    assert (read["title"], read["labels"], read["assignee"]["username"]) == ("Topic topic", ["b", "c"], "ada")
    assert (read["milestone"]["title"], read["target_branch"]) == ("2.7", "release/2.7")
    read = ask("PUT", "/merge_requests/1", {"labels": "", "milestone_id": 0, "assignee_ids": []}).json()
    assert (read["labels"], read["milestone"], read["assignees"]) == ([], None, [])
    assert ask("PUT", "/merge_requests/1").json() == {"error": "at least one parameter must be provided"}
    assert ask("PUT", "/merge_requests/1", {"title": "x"}, by="rita").json() == {"message": "403 Forbidden"}


def test_of_labels_with_one_scope_the_last_one_stays(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    for name in ("state::open", "state::done", "Bug", "bug"):
        ask("PUT", "/merge_requests/1", {"add_labels": name})
    assert ask("GET", "/merge_requests/1").json()["labels"] == ["Bug", "bug", "state::done"]
    events = ask("GET", "/merge_requests/1/resource_label_events").json()
    assert [(one["action"], one["label"]["name"], one["user"]["username"]) for one in events][:3] == [
        ("add", "state::open", "relbot"), ("remove", "state::open", "relbot"), ("add", "state::done", "relbot")]


def test_it_is_closed_and_opened_again_unless_it_is_merged(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    for event, state in (("close", "closed"), ("reopen", "opened"), ("close", "closed")):
        assert ask("PUT", "/merge_requests/1", {"state_event": event}).json()["state"] == state
    lab.open_pull(PATH, PullWish("Again", "topic", "main"), by="ada")
    assert ask("PUT", "/merge_requests/1", {"state_event": "reopen"}).status_code == 409
    lab.merge_pull(PATH, 2, by="ada")
    assert ask("PUT", "/merge_requests/2", {"state_event": "reopen"}).json()["state"] == "merged"


def test_one_from_a_fork_is_asked_of_the_fork_and_outlives_it(lab: Sandbox, ask: Ask) -> None:
    fork = lab.fork(PATH, "eve")
    lab.branch(fork, "topic", "main", by="eve")
    lab.commit(fork, "topic", {"e.py": "1\n"}, "Add e", by="eve")
    target = lab.find(PATH).id
    made = ask("POST", "/merge_requests", WISH | {"target_project_id": target}, by="eve",
               root="/projects/eve%2Ftorchkit").json()
    assert (made["project_id"], made["source_project_id"]) == (target, lab.find(fork).id)
    assert lab.git(PATH).ref("refs/merge-requests/1/head") == lab.git(fork).branch("topic")
    lab.delete_repository(fork)
    assert ask("GET", "/merge_requests/1").json()["source_project_id"] is None


def test_the_merge_requests_of_a_commit_are_those_that_brought_it(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    head = lab.git(PATH).branch("topic")
    made = lab.merge_pull(PATH, 1, "merge", by="ada")
    for sha in (head, made):
        found = ask("GET", f"/repository/commits/{sha}/merge_requests").json()
        assert [one["iid"] for one in found] == [1]
    assert ask("GET", f"/repository/commits/{lab.git(PATH).branch('release/2.7')}/merge_requests").json() == []
    assert ask("GET", "/repository/commits/dead/merge_requests").json() == {"message": "404 Commit Not Found"}


def test_strangers_and_hidden_projects_get_404_and_no_token_401(lab: Sandbox, ask: Ask) -> None:
    lab.create_repository("acme/secret", private=True)
    for path in ("acme%2Fsecret", "acme%2Fabsent", "999999"):
        answer = ask("GET", "", root=f"/projects/{path}")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})
    assert ask("POST", "/labels", {}, by=None).json() == {"message": "401 Unauthorized"}
    assert ask("GET", "/user", by=None, root="").json() == {"message": "401 Unauthorized"}
    assert ask("GET", "/merge_requests/100000000000000000000").json() == {"message": "404 Not found"}
