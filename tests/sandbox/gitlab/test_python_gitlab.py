"""python-gitlab, as the bot uses it, gets along with the sandbox."""

from __future__ import annotations

import gitlab
import pytest

from bot.sandbox import Sandbox
from tests.sandbox.gitlab.conftest import PATH, open_topic, push_topic


@pytest.fixture
def project(lab: Sandbox):
    client = gitlab.Gitlab(lab.url, private_token=lab.token_for("relbot"), per_page=2, timeout=5)
    with client:
        yield client.projects.get(PATH)


def test_it_opens_reads_dresses_and_merges_a_merge_request(lab: Sandbox, project) -> None:
    push_topic(lab, commits=3)
    made = project.mergerequests.create({
        "title": "T", "source_branch": "topic", "target_branch": "main", "labels": ["backport/v2.7"],
        "remove_source_branch": True,
    })
    made.title, made.add_labels = "New", ["x"]
    made.save()
    read = project.mergerequests.get(made.iid)
    assert (read.title, read.labels, read.sha) == ("New", ["backport/v2.7", "x"], lab.git(PATH).branch("topic"))
    assert [commit.title for commit in read.commits()] == ["Add topic 3", "Add topic 2", "Add topic 1"]
    merged = read.merge(sha=read.sha, squash=True)
    assert (merged["state"], lab.git(PATH).branch("topic")) == ("merged", None)
    assert [event.action for event in read.resourcelabelevents.list(get_all=True)] == ["add", "add"]
    found = project.commits.get(merged["squash_commit_sha"]).merge_requests()
    assert [one["iid"] for one in found] == [made.iid]


def test_it_walks_through_all_pages(lab: Sandbox, project) -> None:
    request = project.mergerequests.get(open_topic(lab))
    for count in range(5):
        request.notes.create({"body": f"note {count}"})
    notes = request.notes.list(iterator=True, sort="asc", order_by="created_at")
    assert [note.body[-1] for note in notes] == list("01234")
    assert len(project.branches.list(get_all=True)) == 3


def test_it_keeps_one_note_up_to_date_and_awards_it(lab: Sandbox, project) -> None:
    request = project.mergerequests.get(open_topic(lab))
    note = request.notes.create({"body": "first"})
    note.body = "second"
    note.save()
    note.awardemojis.create({"name": "eyes"})
    with pytest.raises(gitlab.GitlabCreateError, match="has already been taken"):
        note.awardemojis.create({"name": "eyes"})
    assert [one.body for one in lab.issue(PATH, 1).comments] == ["second"]
    assert request.discussions.create({"body": "thread"}).individual_note is False


def test_it_works_with_branches_tags_releases_statuses_and_rules(lab: Sandbox, project) -> None:
    branch = project.branches.create({"branch": "backport/2.7/9", "ref": "release/2.7"})
    assert project.branches.get("backport/2.7/9").commit["id"] == branch.commit["id"]
    branch.delete()
    project.tags.create({"tag_name": "v2.7.0", "ref": "release/2.7", "message": "Tag"})
    release = project.releases.create({"tag_name": "v2.7.0", "name": "2.7.0", "description": "D"})
    release.description = "Better"
    release.save()
    assert project.releases.get("v2.7.0").description == "Better"
    commit = project.commits.get(lab.git(PATH).branch("main"))
    commit.statuses.create({"state": "success", "name": "relbot"})
    assert [status.status for status in commit.statuses.list(get_all=True)] == ["success"]
    assert project.files.raw(file_path="docs/b.md", ref="main") == b"text\n"
    lab.protect_names(PATH, "release/*")
    assert project.protectedbranches.get("release/*").merge_access_levels[0]["access_level"] == 40


def test_it_asks_who_is_who(lab: Sandbox, project) -> None:
    project.manager.gitlab.auth()
    assert project.manager.gitlab.user.username == "relbot"
    user, = project.manager.gitlab.users.list(username="mona", get_all=True)
    assert project.members_all.get(user.id).access_level == gitlab.const.AccessLevel.MAINTAINER
    label = project.labels.create({"name": "backport/v2.7", "color": "#112233"})
    assert project.labels.get("backport/v2.7").id == label.id
    assert project.milestones.create({"title": "2.7"}).iid == 1


def test_refusals_come_as_its_own_exceptions(lab: Sandbox, project) -> None:
    open_topic(lab)
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        project.mergerequests.create({"title": "T", "source_branch": "topic", "target_branch": "main"})
    assert refused.value.response_code == 409
    assert refused.value.error_message == ["Another open merge request already exists for this source branch: !1"]
    with pytest.raises(gitlab.GitlabGetError, match="404 Branch Not Found"):
        project.branches.get("absent")
    with pytest.raises(gitlab.GitlabGetError, match="404 File Not Found"):
        project.files.raw(file_path="absent.toml", ref="main")
    with pytest.raises(gitlab.GitlabGetError, match="404 Project Not Found"):
        project.manager.gitlab.projects.get("acme/absent")
