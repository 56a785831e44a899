"""PyGithub, as the bot uses it, gets along with the sandbox."""

from __future__ import annotations

import github
import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, open_topic


@pytest.fixture(params=["", "/api/v3"])
def project(kit: Sandbox, request: pytest.FixtureRequest):
    token = github.Auth.Token(kit.token_for("relbot"))
    client = github.Github(
        auth=token, base_url=kit.url + request.param, seconds_between_requests=0, seconds_between_writes=0, per_page=2
    )
    yield client.get_repo(REPO)
    client.close()


def test_it_opens_reads_dresses_and_merges_a_pull(kit: Sandbox, project) -> None:
    kit.branch(REPO, "topic", "main", by="ada")
    kit.commit(REPO, "topic", {"t.py": "1\n"}, "Add t", by="ada")
    pull = project.create_pull(title="T", body="B", head="topic", base="main")
    assert pull.number == 1
    pull.add_to_labels("backport/v2.7")
    pull.edit(title="New")
    project.get_issue(1).edit(assignees=["ada"])
    assert project.get_pull(1).mergeable is True
    assert pull.merge(merge_method="squash").merged is True
    again = project.get_pull(1)
    assert (again.merged, again.title, [one.login for one in again.assignees]) == (True, "New", ["ada"])
    assert [label.name for label in again.labels] == ["backport/v2.7"]
    assert [commit.commit.message for commit in again.get_commits()] == ["Add t"]


def test_it_walks_through_all_pages(kit: Sandbox, project) -> None:
    number = open_topic(kit)
    for count in range(5):
        kit.comment(REPO, number, f"comment {count}", by="ada")
        kit.branch(REPO, f"b{count}", "main", by="ada")
    assert [comment.body[-1] for comment in project.get_issue(number).get_comments()] == list("01234")
    assert len(list(project.get_branches())) == 8
    assert project.get_pulls(state="all", head="acme:topic", base="main").totalCount == 1


def test_it_keeps_one_comment_up_to_date_and_reacts(kit: Sandbox, project) -> None:
    number = open_topic(kit)
    comment = project.get_issue(number).create_comment("first")
    comment.edit("second")
    comment.create_reaction("eyes")
    assert [one.body for one in kit.issue(REPO, number).comments] == ["second"]
    assert project.get_collaborator_permission("mona") == "write"
    assert project.get_collaborator_role_name("mona") == "maintain"
    assert [event.event for event in project.get_issue(number).get_timeline()] == ["commented"]


def test_refusals_come_as_its_own_exceptions(kit: Sandbox, project) -> None:
    open_topic(kit)
    with pytest.raises(github.GithubException, match="A pull request already exists for acme:topic") as refused:
        project.create_pull(title="T", body="B", head="topic", base="main")
    assert refused.value.status == 422
    with pytest.raises(github.UnknownObjectException):
        project.get_branch("absent")
    with pytest.raises(github.UnknownObjectException):
        project.get_contents("absent.toml")


def test_it_reads_a_file_and_refs(kit: Sandbox, project) -> None:
    assert project.get_contents("docs/b.md", ref="main").decoded_content == b"text\n"
    tip = kit.git(REPO).branch("release/2.7")
    made = project.create_git_ref("refs/heads/backport/2.7/9", tip)
    assert project.get_git_ref("heads/backport/2.7/9").object.sha == tip
    assert [ref.ref for ref in project.get_git_matching_refs("heads/backport/")] == ["refs/heads/backport/2.7/9"]
    made.delete()
    assert kit.git(REPO).branch("backport/2.7/9") is None
