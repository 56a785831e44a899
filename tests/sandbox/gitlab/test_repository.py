"""Branches, tags, commits, files, statuses, releases and protections over the API, and git beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.sandbox.conftest import git
from tests.sandbox.gitlab.conftest import PATH, Ask, open_topic


def remote(lab: Sandbox, login: str, path: str = PATH) -> str:
    """The address of a project with an account's token in it."""
    return lab.clone_url(path).replace("://", f"://oauth2:{lab.token_for(login)}@")


@pytest.fixture
def clone(lab: Sandbox, tmp_path: Path) -> Path:
    git("clone", "--quiet", remote(lab, "relbot"), "clone", cwd=tmp_path)
    return tmp_path / "clone"


def commit(clone: Path, name: str) -> str:
    (clone / name).write_text("1\n")
    git("add", name, cwd=clone)
    git("commit", "--quiet", "--message", f"Add {name}", cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone).stdout.strip()


def test_a_branch_is_one_quoted_word_in_a_path(lab: Sandbox, ask: Ask) -> None:
    shown = ask("GET", "/repository/branches/release%2F2.7").json()
    assert (shown["name"], shown["protected"], shown["merged"]) == ("release/2.7", False, True)
    assert ask("GET", "/repository/branches/absent").json() == {"message": "404 Branch Not Found"}
    assert [one["name"] for one in ask("GET", "/repository/branches?search=release").json()] == ["release/2.7"]


def test_branches_are_created_and_deleted(lab: Sandbox, ask: Ask) -> None:
    made = ask("POST", "/repository/branches", {"branch": "release/2.8", "ref": "main"})
    assert (made.status_code, made.json()["commit"]["id"]) == (201, lab.git(PATH).branch("main"))
    again = ask("POST", "/repository/branches", {"branch": "release/2.8", "ref": "main"})
    assert (again.status_code, again.json()) == (400, {"message": "Branch already exists"})
    wrong = ask("POST", "/repository/branches", {"branch": "x", "ref": "absent"})
    assert wrong.json() == {"message": "Invalid reference name: absent"}
    assert ask("DELETE", "/repository/branches/release%2F2.8").status_code == 204
    assert ask("DELETE", "/repository/branches/release%2F2.8").json() == {"message": "404 Branch Not Found"}
    assert ask("DELETE", "/repository/branches/main").status_code == 405
    assert ask("POST", "/repository/branches", {"branch": "y", "ref": "main"}, by="rita").status_code == 403


def test_commits_keep_the_last_line_end_of_their_message(lab: Sandbox, ask: Ask, clone: Path) -> None:
    sha = commit(clone, "x.py")
    git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
    shown = ask("GET", f"/repository/commits/{sha}").json()
    assert (shown["title"], shown["message"]) == ("Add x.py", "Add x.py\n")
    assert (shown["stats"], shown["status"]) == ({"additions": 1, "deletions": 0, "total": 1}, None)
    assert [one["id"] for one in ask("GET", "/repository/commits?ref_name=main").json()][0:1] == [sha]
    ranged = ask("GET", "/repository/commits?ref_name=release/2.7..main").json()
    assert [one["id"] for one in ranged] == [sha]
    assert ask("GET", "/repository/commits?ref_name=absent").json() == {"message": "404 Commit Not Found"}


def test_tags_are_made_plain_or_with_a_message_and_only_once(lab: Sandbox, ask: Ask) -> None:
    tip = lab.git(PATH).branch("main")
    assert ask("POST", "/repository/tags", {"tag_name": "light", "ref": "main"}).json()["target"] == tip
    made = ask("POST", "/repository/tags", {"tag_name": "v2.7.0-rc1", "ref": tip, "message": "First"}).json()
    assert (made["message"], made["commit"]["id"], made["release"]) == ("First", tip, None)
    assert lab.git(PATH).kind(made["target"]) == "tag"
    again = ask("POST", "/repository/tags", {"tag_name": "light", "ref": "main"})
    assert (again.status_code, again.json()) == (400, {"message": "Tag light already exists"})
    wrong = ask("POST", "/repository/tags", {"tag_name": "w", "ref": "absent"})
    assert wrong.json() == {"message": "Target absent is invalid"}
    assert {one["name"] for one in ask("GET", "/repository/tags").json()} == {"light", "v2.7.0-rc1"}
    assert ask("GET", "/repository/tags/future").json() == {"message": "404 Tag Not Found"}


def test_a_file_is_read_raw_or_wrapped(lab: Sandbox, ask: Ask) -> None:
    assert ask("GET", "/repository/files/docs%2Fb.md/raw?ref=main").content == b"text\n"
    assert ask("GET", "/repository/files/docs%2Fb.md?ref=main").json()["content"] == "dGV4dAo="
    assert ask("GET", "/repository/files/absent.toml/raw").json() == {"message": "404 File Not Found"}
    assert ask("GET", "/repository/files/a.py/raw?ref=absent").json() == {"message": "404 Commit Not Found"}


def test_a_status_that_is_under_way_is_changed_and_cannot_be_begun_twice(lab: Sandbox, ask: Ask) -> None:
    open_topic(lab)
    sha = lab.git(PATH).branch("topic")
    first = ask("POST", f"/statuses/{sha}", {"state": "running", "name": "relbot", "description": "busy"}).json()
    assert (first["status"], first["ref"], first["finished_at"]) == ("running", "topic", None)
    twice = ask("POST", f"/statuses/{sha}", {"state": "running", "name": "relbot"})
    assert twice.status_code == 400
    assert twice.json()["message"].startswith("Cannot transition status via :run from :running")
    ended = ask("POST", f"/statuses/{sha}", {"state": "success", "context": "relbot"}).json()
    assert (ended["id"], ended["status"]) == (first["id"], "success")
    again = ask("POST", f"/statuses/{sha}", {"state": "failed", "name": "relbot"}).json()
    assert again["id"] != first["id"]
    listed = ask("GET", f"/repository/commits/{sha}/statuses").json()
    assert [(one["name"], one["status"]) for one in listed] == [("relbot", "failed")]
    assert len(ask("GET", f"/repository/commits/{sha}/statuses?all=true").json()) == 2
    assert ask("POST", f"/statuses/{sha}", {"state": "great"}).json() == {"error": "state does not have a valid value"}
    assert ask("GET", f"/repository/commits/{sha}").json()["status"] == "failed"
    pipeline, = ask("GET", f"/pipelines?sha={sha}").json()
    assert (pipeline["status"], pipeline["source"]) == ("failed", "external")
    assert ask("GET", f"/pipelines/{pipeline['id']}").json() == pipeline


def test_a_release_makes_its_tag_on_the_way_and_is_made_once(lab: Sandbox, ask: Ask) -> None:
    wish = {"tag_name": "v2.7.0", "name": "2.7.0", "description": "Notes"}
    assert ask("POST", "/releases", wish).json() == {"message": "Ref is not specified"}
    made = ask("POST", "/releases", wish | {"ref": "main", "tag_message": "Tag"})
    assert (made.status_code, made.json()["commit"]["id"]) == (201, lab.git(PATH).branch("main"))
    again = ask("POST", "/releases", wish)
    assert (again.status_code, again.json()) == (409, {"message": "Release already exists"})
    assert ask("PUT", "/releases/v2.7.0", {"description": "Better"}).json()["description"] == "Better"
    assert [one["tag_name"] for one in ask("GET", "/releases").json()] == ["v2.7.0"]
    assert ask("GET", "/releases/v2.8.0").status_code == 404
    assert ask("GET", "/repository/tags/v2.7.0").json()["release"]["description"] == "Better"


def test_protections_are_made_shown_and_lifted(lab: Sandbox, ask: Ask) -> None:
    made = ask("POST", "/protected_branches", {"name": "release/*", "push_access_level": 0}, by="mona").json()
    levels = [made[f"{what}_access_levels"][0]["access_level"] for what in ("push", "merge")]
    assert (made["name"], levels) == ("release/*", [0, 40])
    assert ask("POST", "/protected_branches", {"name": "release/*"}, by="mona").status_code == 409
    assert ask("GET", "/repository/branches/release%2F2.7").json()["protected"] is True
    wrong = ask("POST", "/repository/branches", {"branch": "release/2.8", "ref": "main"}, by="mona")
    assert wrong.json() == {"message": "You are not allowed to create protected branches on this project."}
    assert ask("DELETE", "/protected_branches/release%2F*", by="mona").status_code == 204
    assert ask("GET", "/protected_branches").json() == []
    lab.protect_tags(PATH, "v*")
    assert ask("GET", "/protected_tags").json()[0]["create_access_levels"][0]["access_level"] == 40
    assert ask("POST", "/repository/tags", {"tag_name": "v1", "ref": "main"}).status_code == 400
    assert ask("POST", "/repository/tags", {"tag_name": "v1", "ref": "main"}, by="mona").json()["protected"] is True


def test_git_takes_the_token_of_oauth2_and_knows_subgroups(lab: Sandbox, clone: Path) -> None:
    commit(clone, "x.py")
    git("push", "--quiet", "origin", "HEAD:refs/heads/new", cwd=clone)
    assert lab.git(PATH).branch("new")
    denied = git("push", remote(lab, "rita"), "HEAD:refs/heads/other", cwd=clone, ok=False)
    assert "403" in denied.stderr
    wrong = lab.clone_url(PATH).replace("://", "://oauth2:wrong@")
    assert "Authentication failed" in git("push", wrong, "HEAD:refs/heads/w", cwd=clone, ok=False).stderr
    lab.create_repository("acme/secret", private=True)
    assert "not found" in git("ls-remote", remote(lab, "relbot", "acme/secret"), cwd=clone, ok=False).stderr


def test_a_push_that_a_rule_forbids_is_refused_whole(lab: Sandbox, clone: Path) -> None:
    lab.protect_names(PATH, "release/*")
    lab.protect_tags(PATH, "v*")
    commit(clone, "x.py")
    refused = git("push", "origin", "HEAD:release/2.7", "HEAD:refs/heads/free", cwd=clone, ok=False).stderr
    assert "GitLab: You are not allowed to push code to protected branches on this project." in refused
    assert lab.git(PATH).branch("free") is None
    assert "protected tags" in git("push", "origin", "HEAD:refs/tags/v1", cwd=clone, ok=False).stderr
    git("push", "--quiet", remote(lab, "mona"), "HEAD:release/2.7", "HEAD:refs/tags/v1", cwd=clone)
    lab.protect(PATH, "main", "ada")
    assert "not allowed" in git("push", remote(lab, "mona"), "HEAD:main", cwd=clone, ok=False).stderr


def test_the_head_of_a_merge_request_is_fetched_and_follows(lab: Sandbox, clone: Path) -> None:
    number = open_topic(lab)
    lab.commit(PATH, "topic", {"n.py": "1\n"}, "More", by="ada")
    git("fetch", "--quiet", "origin", f"refs/merge-requests/{number}/head", cwd=clone)
    assert git("rev-parse", "FETCH_HEAD", cwd=clone).stdout.strip() == lab.git(PATH).branch("topic")
    refused = git("push", "origin", f"HEAD:refs/merge-requests/{number}/head", cwd=clone, ok=False)
    assert "deny updating a hidden ref" in refused.stderr
