"""Pulls from opening to closing: what is refused, what follows a push, what lists say."""

from __future__ import annotations

import pytest

from bot.sandbox import PullWish, Sandbox
from tests.sandbox.conftest import REPO, Ask, open_topic


def test_a_new_pull_knows_nothing_about_its_mergeability_yet(kit: Sandbox, ask: Ask) -> None:
    kit.branch(REPO, "topic", "main", by="ada")
    kit.commit(REPO, "topic", {"t.py": "1\n"}, "Add t", by="ada")
    wish = {"title": "T", "head": "topic", "base": "main", "body": "B", "draft": True}
    answer = ask("POST", "/pulls", wish)
    pull = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, pull["url"])
    assert (pull["mergeable"], pull["mergeable_state"], pull["merge_commit_sha"]) == (None, "unknown", None)
    assert (pull["commits"], pull["additions"], pull["changed_files"], pull["draft"]) == (1, 1, 1, True)
    assert kit.git(REPO).ref("refs/pull/1/head") == pull["head"]["sha"]
    assert pull["created_at"].endswith("Z")
    assert "." not in pull["created_at"]


@pytest.mark.parametrize(("wish", "error"), [
    ({"head": "topic"}, {"message": "A pull request already exists for acme:topic."}),
    ({"head": "acme:topic"}, {"message": "A pull request already exists for acme:topic."}),
    ({"head": "same"}, {"message": "No commits between main and same"}),
    ({"head": "absent"}, {"field": "head", "code": "invalid"}),
    ({"head": "stranger:topic"}, {"field": "head", "code": "invalid"}),
    ({"head": "topic", "base": "absent"}, {"field": "base", "code": "invalid"}),
    ({"head": "topic", "base": "release/2.7", "title": ""}, {"field": "title", "code": "missing_field"}),
])
def test_github_s_reasons_not_to_open_a_pull(kit: Sandbox, ask: Ask, wish: dict, error: dict) -> None:
    open_topic(kit)
    kit.branch(REPO, "same", "main", by="ada")
    answer = ask("POST", "/pulls", {"title": "T", "base": "main", "body": "", **wish})
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    assert error.items() <= answer.json()["errors"][0].items()
    assert len(kit.find(REPO).issues) == 1


def test_a_push_to_the_branch_moves_the_pull_and_is_announced(kit: Sandbox, ask: Ask, gate) -> None:
    number = open_topic(kit)
    assert ask("GET", f"/pulls/{number}").json()["mergeable"] is True
    kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s")
    before, after = kit.git(REPO).branch("topic"), kit.commit(REPO, "topic", {"n.py": "1\n"}, "Add n", by="ada")
    assert kit.git(REPO).ref(f"refs/pull/{number}/head") == after
    assert [commit["sha"] for commit in ask("GET", f"/pulls/{number}/commits").json()] == [before, after]
    moved = next(payload for event, payload in gate.events if payload.get("action") == "synchronize")
    assert (moved["before"], moved["after"], moved["pull_request"]["head"]["sha"]) == (before, after, after)
    assert (moved["pull_request"]["mergeable"], moved["pull_request"]["merge_commit_sha"]) == (None, None)


def test_the_head_of_a_pull_stays_when_its_branch_is_deleted(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    kit.merge_pull(REPO, number, "squash", by="ada")
    head = kit.git(REPO).branch("topic")
    assert ask("DELETE", "/git/refs/heads/topic").status_code == 204
    assert kit.git(REPO).ref(f"refs/pull/{number}/head") == head
    assert ask("GET", f"/pulls/{number}/commits").json()[0]["sha"] == head


def test_deleting_the_branch_of_an_open_pull_closes_it(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    ask("DELETE", "/git/refs/heads/topic")
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["state"], pull["merged"]) == ("closed", False)
    assert ask("PATCH", f"/pulls/{number}", {"state": "open"}).status_code == 422


def test_a_pull_whose_commits_are_pushed_to_its_base_counts_as_merged(kit: Sandbox, ask: Ask) -> None:
    number, head = open_topic(kit), kit.git(REPO).branch("topic")
    assert ask("PATCH", "/git/refs/heads/main", {"sha": head}).status_code == 200
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["merged"], pull["merge_commit_sha"]) == (True, head)


def test_a_merge_robot_lands_a_pull_and_closes_it_unmerged(kit: Sandbox, ask: Ask) -> None:
    number, base = open_topic(kit, commits=2), kit.git(REPO).branch("main")
    made = kit.git(REPO).commit(kit.land_closed(REPO, number, by="mona"))
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["state"], pull["merged"], pull["merged_at"]) == ("closed", False, None)
    assert (made.parents, kit.git(REPO).branch("main")) == ((base,), made.sha)
    assert made.message.startswith("Topic topic (#1)\n\nBody\n\nPull Request resolved: ")
    assert made.message.endswith(f"/{REPO}/pull/{number}")


def test_a_pull_comes_from_a_fork_and_survives_the_forks_end(kit: Sandbox, ask: Ask) -> None:
    fork = kit.fork(REPO, "ada")
    kit.branch(fork, "topic", "main", by="ada")
    first = kit.commit(fork, "topic", {"f.py": "1\n"}, "Add f", by="ada")
    number = kit.open_pull(REPO, PullWish("From a fork", "ada:topic", "main"), by="ada")
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["head"]["label"], pull["head"]["repo"]["full_name"]) == ("ada:topic", fork)
    assert pull["head"]["repo"]["fork"] is True
    second = kit.commit(fork, "topic", {"g.py": "1\n"}, "Add g", by="ada")
    assert kit.git(REPO).ref(f"refs/pull/{number}/head") == second
    kit.merge_pull(REPO, number, "rebase", by="ada")
    kit.delete_repository(fork)
    pull = ask("GET", f"/pulls/{number}").json()
    assert (pull["head"]["repo"], pull["head"]["user"], pull["head"]["sha"]) == (None, None, second)
    assert [commit["sha"] for commit in ask("GET", f"/pulls/{number}/commits").json()] == [first, second]


def test_lists_are_filtered_and_come_in_pages_that_name_the_repository_by_its_id(kit: Sandbox, ask: Ask) -> None:
    numbers = [open_topic(kit, f"t{n}") for n in range(5)]
    kit.close_pull(REPO, numbers[0], by="ada")
    found = lambda query: [pull["number"] for pull in ask("GET", f"/pulls?{query}").json()]  # noqa: E731
    assert found("") == [5, 4, 3, 2]
    assert found("state=all&direction=asc") == [1, 2, 3, 4, 5]
    assert found("head=acme:t2") == [3]
    assert found("head=ACME:t2&base=main") == [3]
    assert found("head=nobody:t2") == found("base=release/2.7") == []
    page = ask("GET", "/pulls?per_page=2&state=all")
    assert [pull["number"] for pull in page.json()] == [5, 4]
    identity = kit.find(REPO).id
    assert page.links["next"]["url"] == f"{kit.url}/repositories/{identity}/pulls?per_page=2&state=all&page=2"
    assert page.links["last"]["url"].endswith("page=3")
    following = ask("GET", f"/repositories/{identity}/pulls?per_page=2&state=all&page=3", root="")
    assert [pull["number"] for pull in following.json()] == [1]
    assert set(following.links) == {"prev", "first"}


def test_a_commit_names_the_pulls_that_brought_it(kit: Sandbox, ask: Ask) -> None:
    number, head = open_topic(kit), kit.git(REPO).branch("topic")
    pulls = lambda sha: [pull["number"] for pull in ask("GET", f"/commits/{sha}/pulls").json()]  # noqa: E731
    assert pulls(head) == [number]
    made = kit.merge_pull(REPO, number, "squash", by="ada")
    assert pulls(made) == [number]
    assert pulls(kit.git(REPO).commit(made).parents[0]) == []
    assert ask("GET", f"/commits/{'0' * 40}/pulls").status_code == 422
    kit.merge_pull(REPO, rebased := open_topic(kit, "other", {"c.py": "c\n"}, commits=2), "rebase", by="ada")
    last = kit.git(REPO).branch("main")
    assert [pulls(sha) for sha in (last, kit.git(REPO).commit(last).parents[0])] == [[rebased]] * 2
    kit.branch(REPO, "carry", "main", by="ada")
    kit.open_pull(REPO, PullWish("Carry", "carry", "release/2.7"), by="ada")
    assert pulls(made) == [number]


def test_merging_is_refused_to_readers_to_moved_heads_and_a_second_time(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    assert ask("PUT", f"/pulls/{number}/merge", {}, by="rita").status_code == 403
    assert ask("GET", f"/pulls/{number}/merge").status_code == 404
    moved = ask("PUT", f"/pulls/{number}/merge", {"sha": "1" * 40})
    assert (moved.status_code, moved.json()["message"]) == (
        409, "Head branch was modified. Review and try the merge again.")
    assert ask("PUT", f"/pulls/{number}/merge", {}).status_code == 200
    assert ask("GET", f"/pulls/{number}/merge").status_code == 204
    again = ask("PUT", f"/pulls/{number}/merge", {})
    assert (again.status_code, again.json()["message"]) == (405, "Pull Request is not mergeable")
    closed = open_topic(kit, "closed")
    kit.close_pull(REPO, closed, by="ada")
    assert ask("PUT", f"/pulls/{closed}/merge", {}).status_code == 405


def test_a_pull_is_edited_and_pointed_at_another_base(kit: Sandbox, ask: Ask) -> None:
    number = open_topic(kit)
    answer = ask("PATCH", f"/pulls/{number}", {"title": "New", "body": "Text", "base": "release/2.7"}).json()
    assert (answer["title"], answer["body"], answer["base"]["ref"]) == ("New", "Text", "release/2.7")
    assert ask("PATCH", f"/pulls/{number}", {"base": "absent"}).status_code == 422
    assert ask("PATCH", f"/pulls/{number}", {"title": "X"}, by="rita").status_code == 403
    closed = ask("PATCH", f"/pulls/{number}", {"state": "closed"}).json()
    assert closed["state"] == "closed"
    assert ask("PATCH", f"/pulls/{number}", {"state": "open"}).json()["state"] == "open"
