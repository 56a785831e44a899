"""Who may see and do what, and what the API says about branches, refs, commits, contents and hooks."""

from __future__ import annotations

import base64

import pytest
import requests

from bot.sandbox import Sandbox
from tests.sandbox.conftest import REPO, Ask


def refused(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def test_a_wrong_token_is_refused_everywhere_and_no_token_reads_what_is_public(kit: Sandbox, ask: Ask) -> None:
    answer = requests.get(f"{kit.url}/repos/{REPO}", headers={"Authorization": "Bearer nonsense"}, timeout=5)
    assert refused(answer) == (401, "Bad credentials")
    assert ask("GET", "", by=None).status_code == 200
    assert refused(ask("POST", "/issues", {"title": "x"}, by=None)) == (401, "Requires authentication")


def test_a_private_repository_is_hidden_from_strangers(kit: Sandbox, ask: Ask) -> None:
    kit.create_repository("acme/secret", private=True)
    assert refused(ask("GET", "", root="/repos/acme/secret")) == (404, "Not Found")
    assert refused(ask("GET", "", root="/repos/acme/absent")) == (404, "Not Found")
    kit.grant("acme/secret", "relbot", "read")
    assert ask("GET", "", root="/repos/acme/secret").json()["private"] is True


def test_the_account_behind_a_token_says_who_it_is(kit: Sandbox, ask: Ask) -> None:
    kit.add_user("robo[bot]", bot=True)
    assert ask("GET", "/user", root="").json()["login"] == "relbot"
    assert ask("GET", "/user", root="", by="robo[bot]").json()["type"] == "Bot"
    assert ask("GET", "/users/ada", root="").json()["login"] == "ada"
    assert ask("GET", "/users/nobody", root="").status_code == 404
    assert ask("GET", "/rate_limit", root="").json()["rate"]["limit"] == 5000


@pytest.mark.parametrize(("role", "coarse"), [
    ("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read"),
    ("none", "none"),
])
def test_permission_is_coarse_and_the_role_is_beside_it(kit: Sandbox, ask: Ask, role: str, coarse: str) -> None:
    kit.grant(REPO, "someone", role)
    answer = ask("GET", "/collaborators/someone/permission").json()
    assert (answer["permission"], answer["role_name"], answer["user"]["login"]) == (coarse, role, "someone")


def test_only_those_who_can_push_may_ask_about_permission(kit: Sandbox, ask: Ask) -> None:
    told = refused(ask("GET", "/collaborators/ada/permission", by="rita"))
    assert told == (403, "Must have push access to view collaborator permission.")
    assert ask("GET", "/collaborators/nobody/permission").status_code == 404


def test_a_renamed_repository_redirects_reads_and_writes_differently(kit: Sandbox, ask: Ask) -> None:
    kit.rename_repository(REPO, "acme/newkit")
    identity = kit.find("acme/newkit").id
    answer = ask("GET", "/branches")
    assert answer.history[0].status_code == 301
    assert (answer.status_code, answer.url) == (200, f"{kit.url}/repositories/{identity}/branches")
    assert ask("POST", "/labels", {"name": "x"}).history[0].status_code == 307
    assert ask("GET", "", root="/repos/acme/newkit").json()["id"] == identity


def test_branches_may_have_slashes_and_hashes_in_their_names(kit: Sandbox, ask: Ask) -> None:
    tip = kit.branch(REPO, "stable/#3.1", "main", by="ada")
    listed = {branch["name"]: branch["commit"]["sha"] for branch in ask("GET", "/branches").json()}
    assert listed == {"main": tip, "release/2.7": tip, "stable/#3.1": tip}
    assert ask("GET", "/branches/stable/%233.1").json()["commit"]["sha"] == tip
    assert refused(ask("GET", "/branches/absent")) == (404, "Branch not found")
    kit.protect(REPO, "main")
    assert ask("GET", "/branches/main").json()["protected"] is True


def test_refs_are_made_moved_and_deleted(kit: Sandbox, ask: Ask) -> None:
    tip = kit.git(REPO).branch("main")
    made = ask("POST", "/git/refs", {"ref": "refs/heads/backport/2.7/1", "sha": tip})
    assert (made.status_code, made.json()["object"]) == (201, made.json()["object"] | {"sha": tip, "type": "commit"})
    newer = kit.commit(REPO, "main", {"n.py": "1\n"}, "Newer", by="ada")
    path = "/git/refs/heads/backport/2.7/1"
    assert ask("PATCH", path, {"sha": newer}).json()["object"]["sha"] == newer
    assert refused(ask("PATCH", path, {"sha": tip})) == (422, "Update is not a fast forward")
    assert ask("PATCH", path, {"sha": tip, "force": True}).status_code == 200
    assert ask("GET", "/git/ref/heads/backport/2.7/1").json()["ref"] == "refs/heads/backport/2.7/1"
    matching = ask("GET", "/git/matching-refs/heads/backport").json()
    assert [ref["ref"] for ref in matching] == ["refs/heads/backport/2.7/1"]
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", "/git/ref/heads/backport/2.7/1").status_code == 404
    assert ask("GET", "/git/ref/heads/back").status_code == 404


@pytest.mark.parametrize(("wish", "words"), [
    ({"ref": "refs/heads/main"}, "Reference already exists"),
    ({"ref": "refs/heads/x", "sha": "1" * 40}, "Object does not exist"),
    ({"ref": "main"}, "main is not a valid ref name."),
    ({"ref": "refs/heads/a..b"}, "refs/heads/a..b is not a valid ref name."),
])
def test_refs_that_are_refused(kit: Sandbox, ask: Ask, wish: dict, words: str) -> None:
    answer = ask("POST", "/git/refs", {"sha": kit.git(REPO).branch("main"), **wish})
    assert refused(answer) == (422, words)


def test_moving_and_deleting_what_is_not_there_is_refused(kit: Sandbox, ask: Ask) -> None:
    assert refused(ask("DELETE", "/git/refs/heads/absent")) == (422, "Reference does not exist")
    tip = kit.git(REPO).branch("main")
    assert refused(ask("PATCH", "/git/refs/heads/absent", {"sha": tip})) == (422, "Reference does not exist")
    assert ask("POST", "/git/refs", {"ref": "refs/heads/x", "sha": tip}, by="rita").status_code == 403
    kit.create_repository("acme/empty")
    kit.grant("acme/empty", "relbot", "write")
    empty = ask("POST", "/git/refs", {"ref": "refs/heads/x", "sha": tip}, root="/repos/acme/empty")
    assert refused(empty) == (409, "Git Repository is empty.")


def test_a_commit_is_found_by_sha_branch_and_tag_but_not_by_gits_grammar(kit: Sandbox, ask: Ask) -> None:
    files = {"a.py": "one\nTWO\nthree\n", "docs/b.md": None, "c.bin": b"\0\1"}
    tip = kit.commit(REPO, "main", files, "Change", by="ada")
    ask("POST", "/git/refs", {"ref": "refs/tags/v1", "sha": tip})
    for name in (tip, tip[:8], "main", "v1"):
        assert ask("GET", f"/commits/{name}").json()["sha"] == tip
    for name in ("main~1", "HEAD", "@", ":/Change", "0" * 40):
        assert ask("GET", f"/commits/{name}").status_code == 422
    commit = ask("GET", "/commits/main").json()
    files = {file["filename"]: (file["status"], file["additions"], file["deletions"]) for file in commit["files"]}
    assert files == {"a.py": ("modified", 1, 1), "docs/b.md": ("removed", 0, 1), "c.bin": ("added", 0, 0)}
    assert commit["commit"]["author"]["name"] == "ada"
    assert ask("GET", "/commits?sha=main").json()[0]["sha"] == tip


def test_contents_come_as_files_and_as_lists(kit: Sandbox, ask: Ask) -> None:
    file = ask("GET", "/contents/docs/b.md?ref=release/2.7").json()
    assert (base64.b64decode(file["content"]), file["encoding"], file["size"]) == (b"text\n", "base64", 5)
    assert [entry["path"] for entry in ask("GET", "/contents/docs").json()] == ["docs/b.md"]
    for path in ("absent", "a.py/x", "a.py?ref=absent"):
        assert ask("GET", f"/contents/{path}").status_code == 404


def test_hooks_are_for_admins_and_the_first_thing_they_get_is_a_ping(kit: Sandbox, ask: Ask, receiver) -> None:
    wish = {"config": {"url": receiver.url, "secret": "s", "content_type": "json"}, "events": ["pull_request"]}
    assert ask("POST", "/hooks", wish).status_code == 403
    kit.grant(REPO, "relbot", "admin")
    made = ask("POST", "/hooks", wish)
    assert (made.status_code, made.json()["config"]["secret"]) == (201, "********")
    assert ask("POST", "/hooks", wish).status_code == 422
    assert ask("POST", "/hooks", {"config": {"url": "ftp://x"}}).status_code == 422
    assert [hook["id"] for hook in ask("GET", "/hooks").json()] == [made.json()["id"]]
    assert kit.deliveries.drain()
    assert receiver.events == ["ping"]
    assert ask("DELETE", f"/hooks/{made.json()['id']}").status_code == 204
    assert ask("DELETE", f"/hooks/{made.json()['id']}").status_code == 404


def test_a_body_that_is_not_json_or_not_an_object_is_refused(kit: Sandbox, ask: Ask) -> None:
    headers = {"Authorization": f"token {kit.token_for('relbot')}"}
    broken = requests.post(f"{kit.url}/repos/{REPO}/labels", data=b"{", headers=headers, timeout=5)
    assert refused(broken) == (400, "Problems parsing JSON")
    assert ask("POST", "/labels", ["x"]).status_code == 422
    assert ask("POST", "/labels", {"name": 7}).status_code == 422
    assert ask("POST", "/labels", {}).status_code == 422


def test_an_answer_that_has_not_changed_need_not_be_sent_again(kit: Sandbox) -> None:
    first = requests.get(f"{kit.url}/repos/{REPO}/branches", timeout=5)
    again = requests.get(first.url, headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
    assert (again.status_code, again.content) == (304, b"")


def test_the_api_is_also_where_an_enterprise_server_has_it(kit: Sandbox, ask: Ask) -> None:
    answer = ask("GET", "", root=f"/api/v3/repos/{REPO}").json()
    assert answer["url"] == f"{kit.url}/api/v3/repos/{REPO}"
    assert answer["clone_url"] == f"{kit.url}/{REPO}.git"


def test_an_archived_repository_is_read_only(kit: Sandbox, ask: Ask) -> None:
    kit.archive(REPO)
    refused = ask("POST", "/labels", {"name": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Repository was archived so is read-only.")
    assert ask("GET", "").json()["archived"] is True


def test_only_an_installation_lists_what_it_is_installed_in_and_only_an_account_its_own(kit: Sandbox, ask: Ask) -> None:
    assert [one["full_name"] for one in ask("GET", "/user/repos", root="").json()] == [REPO]
    assert ask("GET", "/user/repos", root="", by=None).status_code == 401
    assert ask("GET", "/installation/repositories", root="").status_code == 403


def test_attempts_are_listed_by_cursor_the_newest_first(kit: Sandbox, ask: Ask) -> None:
    hook = kit.add_hook(REPO, "http://127.0.0.1:9/nobody", "s", "push")
    kit.grant(REPO, "relbot", "admin")
    kit.deliveries.fail(500)
    for number in range(3):
        kit.branch(REPO, f"b{number}", "main", by="ada")
    first = ask("GET", f"/hooks/{hook.id}/deliveries?per_page=2")
    assert "&cursor=v1_" in first.links["next"]["url"]
    rest = ask("GET", first.links["next"]["url"].removeprefix(kit.url), root="")
    numbers = [one["id"] for one in (*first.json(), *rest.json())]
    assert len(numbers) == 3
    assert numbers == sorted(numbers, reverse=True)
    assert rest.links == {}
    assert len(ask("GET", f"/hooks/{hook.id}/deliveries?status=failure").json()) == 3
    assert ask("GET", f"/hooks/{hook.id}/deliveries?status=success").json() == []
    assert ask("GET", f"/hooks/{hook.id}/deliveries?cursor=nonsense").status_code == 422
    assert ask("POST", f"/hooks/{hook.id}/deliveries/1/attempts").status_code == 404
