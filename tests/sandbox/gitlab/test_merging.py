"""Merge requests land as the project's own setting says, and tell by their fields how."""

from __future__ import annotations

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.pushes import follow_refs
from tests.sandbox.gitlab.conftest import PATH, Ask, open_topic


def merge(ask: Ask, **how: object) -> dict:
    answer = ask("PUT", "/merge_requests/1/merge", how)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_merge_commit_has_the_target_and_the_head_as_parents(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    bare = lab.git(PATH)
    base, head = bare.branch("main"), bare.branch("topic")
    merged = merge(ask)
    made = bare.commit(bare.branch("main"))
    assert (merged["state"], merged["merge_commit_sha"], merged["squash_commit_sha"]) == ("merged", made.sha, None)
    assert (merged["merged_by"]["username"], merged["sha"]) == ("relbot", head)
    assert made.parents == (base, head)
    assert made.message == f"Merge branch 'topic' into 'main'\n\nTopic topic\n\nSee merge request {PATH}!1"
    assert (made.author.name, made.committer.name) == ("relbot", "relbot")


def test_a_squash_is_a_commit_of_its_own_under_the_merge(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab, commits=3)
    bare = lab.git(PATH)
    base = bare.branch("main")
    lab.commit(PATH, "main", {"m.py": "1\n"}, "Move main", by="mona")
    moved = bare.branch("main")
    merged = merge(ask, squash=True)
    squashed, made = bare.commit(merged["squash_commit_sha"]), bare.commit(merged["merge_commit_sha"])
    assert (squashed.parents, squashed.message) == ((base,), "Topic topic")
    assert (squashed.author.name, squashed.committer.name) == ("ada", "relbot")
    assert (made.parents, bare.branch("main")) == ((moved, squashed.sha), made.sha)


def test_going_forward_leaves_no_merge_commit_and_no_trace_of_one(lab: Sandbox, ask: Ask) -> None:
    lab.set_merge_method(PATH, "ff")
    open_topic(lab, commits=2)
    head = lab.git(PATH).branch("topic")
    merged = merge(ask)
    assert (merged["merge_commit_sha"], merged["squash_commit_sha"], merged["sha"]) == (None, None, head)
    assert lab.git(PATH).branch("main") == head


def test_going_forward_with_a_squash_names_only_the_squash(lab: Sandbox, ask: Ask) -> None:
    lab.set_merge_method(PATH, "ff")
    open_topic(lab, commits=2)
    base = lab.git(PATH).branch("main")
    merged = merge(ask, squash=True)
    assert (merged["merge_commit_sha"], merged["squash_commit_sha"]) == (None, lab.git(PATH).branch("main"))
    assert lab.git(PATH).commit(merged["squash_commit_sha"]).parents == (base,)


@pytest.mark.parametrize("method", ["ff", "rebase_merge"])
def test_a_linear_history_wants_a_branch_that_has_the_target(lab: Sandbox, ask: Ask, method: str) -> None:
    lab.set_merge_method(PATH, method)
    open_topic(lab)
    lab.commit(PATH, "main", {"m.py": "1\n"}, "Move main", by="mona")
    assert ask("GET", "/merge_requests/1").json()["detailed_merge_status"] == "need_rebase"
    answer = ask("PUT", "/merge_requests/1/merge")
    assert (answer.status_code, answer.json()) == (405, {"message": "405 Method Not Allowed"})


def test_a_linear_history_with_merge_commits_makes_one(lab: Sandbox, ask: Ask) -> None:
    lab.set_merge_method(PATH, "rebase_merge")
    open_topic(lab)
    base, head = lab.git(PATH).branch("main"), lab.git(PATH).branch("topic")
    assert lab.git(PATH).commit(merge(ask)["merge_commit_sha"]).parents == (base, head)


def test_what_cannot_be_merged_is_refused_by_kind(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab, files={"a.py": "ours\n"})
    head = lab.git(PATH).branch("topic")

    def refused(**how: object) -> tuple[int, object]:
        answer = ask("PUT", "/merge_requests/1/merge", how)
        return answer.status_code, answer.json()["message"]

    assert refused(sha="0" * 40) == (409, f"SHA does not match HEAD of source branch: {head}")
    ask("PUT", "/merge_requests/1", {"title": "Draft: T"})
    assert refused() == (405, "405 Method Not Allowed")
    ask("PUT", "/merge_requests/1", {"title": "T"})
    lab.commit(PATH, "main", {"a.py": "theirs\n"}, "Move main", by="ada")
    assert refused() == (422, "Branch cannot be merged")
    lab.close_pull(PATH, 1, by="ada")
    assert refused() == (405, "405 Method Not Allowed")


def test_right_after_it_was_made_it_cannot_be_merged_yet(lab: Sandbox, ask: Ask) -> None:
    lab.forge.unknown_reads = 2
    open_topic(lab)
    assert [ask("PUT", "/merge_requests/1/merge").status_code for _ in range(3)] == [405, 405, 200]


def test_who_may_merge_into_a_protected_branch_is_the_rules_business(lab: Sandbox, ask: Ask) -> None:
    lab.protect_names(PATH, "main", push="nobody", merge="maintain")
    open_topic(lab)
    answer = ask("PUT", "/merge_requests/1/merge")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})
    assert ask("PUT", "/merge_requests/1/merge", by="mona").status_code == 200


def test_the_source_branch_goes_when_it_was_asked_to(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    merge(ask, should_remove_source_branch=True)
    assert lab.git(PATH).branch("topic") is None
    assert lab.git(PATH).ref("refs/merge-requests/1/head")


def test_commits_that_are_pushed_to_the_target_merge_it(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    bare = lab.git(PATH)
    before, head = bare.refs(), bare.branch("topic")
    ask("POST", "/repository/branches", {"branch": "copy", "ref": "topic"})
    bare.update_ref("refs/heads/main", head)
    with lab.forge.changing():
        follow_refs(lab.forge, lab.find(PATH), before, "ada")
    read = ask("GET", "/merge_requests/1").json()
    assert (read["state"], read["merged_by"]["username"], read["merge_commit_sha"]) == ("merged", "ada", head)
