"""What the API says about tags, releases and rulesets."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, Ask, git, remote
from tests.sandbox.test_repositories import refused


def test_a_tag_is_an_object_first_and_then_a_ref(kit: Sandbox, ask: Ask) -> None:
    sha = kit.git(REPO).branch("main")
    wish = {"tag": "v1", "message": "One\n\nMore", "object": sha, "type": "commit"}
    made = ask("POST", "/git/tags", wish).json()
    assert (made["tag"], made["message"], made["object"]["sha"]) == ("v1", "One\n\nMore", sha)
    assert ask("GET", "/tags").json() == []
    assert ask("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": made["sha"]}).status_code == 201
    assert refused(ask("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": sha})) == (422, "Reference already exists")
    assert [(tag["name"], tag["commit"]["sha"]) for tag in ask("GET", "/tags").json()] == [("v1", sha)]
    assert ask("GET", "/git/ref/tags/v1").json()["object"]["type"] == "tag"
    assert ask("GET", f"/git/tags/{made['sha']}").json() == made
    assert ask("GET", f"/git/tags/{sha}").status_code == 404
    assert ask("POST", "/git/tags", wish | {"object": "1" * 40}).status_code == 422


def test_a_release_makes_its_tag_where_there_is_none_and_takes_the_mark_unless_it_is_told(
    kit: Sandbox, ask: Ask
) -> None:
    assert ask("GET", "/releases/latest").status_code == 404
    made = ask("POST", "/releases", {"tag_name": "v2", "name": "Two", "body": "B"})
    assert (made.status_code, made.json()["draft"]) == (201, False)
    assert kit.git(REPO).ref("refs/tags/v2") == kit.git(REPO).branch("main")
    ask("POST", "/releases", {"tag_name": "v1", "make_latest": "false"})
    assert ask("GET", "/releases/latest").json()["tag_name"] == "v2"
    ask("POST", "/releases", {"tag_name": "v0"})
    assert ask("GET", "/releases/latest").json()["tag_name"] == "v0"
    again = ask("POST", "/releases", {"tag_name": "v2"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "already_exists")


def test_a_tag_has_any_number_of_drafts_which_only_writers_see(kit: Sandbox, ask: Ask) -> None:
    first, second = (ask("POST", "/releases", {"tag_name": "v1", "draft": True}).json() for _ in range(2))
    assert [one["id"] for one in ask("GET", "/releases").json()] == [second["id"], first["id"]]
    assert ask("GET", "/releases", by="rita").json() == []
    assert ask("GET", "/releases/tags/v1").status_code == 404
    assert kit.git(REPO).ref("refs/tags/v1") is None
    published = ask("PATCH", f"/releases/{first['id']}", {"draft": False, "body": "More"}).json()
    assert (published["draft"], published["body"]) == (False, "More")
    assert ask("GET", "/releases/tags/v1").json() == published == ask("GET", f"/releases/{first['id']}").json()
    assert ask("PATCH", f"/releases/{second['id']}", {"draft": False}).status_code == 422
    assert ask("PATCH", f"/releases/{first['id']}", {"name": "x"}, by="rita").status_code == 403


def test_a_ruleset_is_told_without_its_names_in_a_list_and_obeyed(kit: Sandbox, ask: Ask) -> None:
    kit.protect_tags(REPO, "v*")
    kit.protect_names(REPO, "release/*")
    tags, = ask("GET", "/rulesets?targets=tag").json()
    assert "conditions" not in tags
    assert ask("GET", f"/rulesets/{tags['id']}").json()["conditions"]["ref_name"]["include"] == ["refs/tags/v*"]
    assert len(ask("GET", "/rulesets").json()) == 2
    assert {rule["type"] for rule in ask("GET", "/rules/branches/release/9.9").json()} == {
        "creation", "update", "deletion"}
    assert ask("GET", "/rules/branches/main").json() == []
    assert [one["name"] for one in ask("GET", "/branches?protected=true").json()] == ["release/2.7"]
    wish = {"ref": "refs/tags/v1", "sha": kit.git(REPO).branch("main")}
    assert ask("POST", "/git/refs", wish).status_code == 422
    assert ask("POST", "/releases", {"tag_name": "v1"}).status_code == 422
    assert ask("DELETE", "/git/refs/heads/release/2.7").status_code == 422
    assert ask("POST", "/git/refs", wish, by="mona").status_code == 201


def test_a_ruleset_holds_for_pushes_too(kit: Sandbox, tmp_path: Path) -> None:
    kit.protect_tags(REPO, "v*")
    git("clone", "--quiet", remote(kit, "relbot"), "clone", cwd=tmp_path)
    done = git("push", "origin", "HEAD:refs/tags/v1", "HEAD:refs/tags/w1", cwd=tmp_path / "clone", ok=False)
    assert "refs/tags/v1" in done.stderr
    assert list(kit.git(REPO).refs("refs/tags/")) == ["refs/tags/w1"]


def test_long_lists_of_reports_have_pages(kit: Sandbox, ask: Ask) -> None:
    sha = kit.git(REPO).branch("main")
    for number in range(35):
        ask("POST", f"/statuses/{sha}", {"state": "success", "context": f"c{number}"})
    first = ask("GET", f"/commits/{sha}/status")
    assert (first.json()["total_count"], len(first.json()["statuses"])) == (35, 30)
    assert len(ask("GET", f"/commits/{sha}/status?page=2").json()["statuses"]) == 5
    assert 'rel="next"' in first.headers["Link"]
