"""The sandbox's GitHub says what the real one was recorded to say: why it refuses, which fields there are, its links.

What it says is held against GitHub's description too, which allows much that GitHub never says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import requests

from bot.sandbox import Sandbox
from bot.sandbox.github.api import ROUTES
from tests import recorded as records
from tests.forges.github.installed import install, register
from tests.openapi_gate import Gate
from tests.sandbox.conftest import REPO, ROOT, Ask, open_topic
from tests.sessions import Recorded
from tests.shapes import Json, observe

# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NOT_OFFERED = re.compile(r"/assets$|/tarball/|/protection$|^/user/repos$")
"""Files of releases, archives, settings of protected branches, making repositories: the sandbox has no such routes."""

BODIES = {
    "/statuses/": {"state": "success", "description": "x" * 141},
    "/labels": {"name": "foo", "color": "invalid"},
    "/issues/": {"assignees": ["nobody"]},
}


def refused(*statuses: int) -> list[Recorded]:
    """The recorded refusals, each request once."""
    found = {(one.method, one.path.partition("?")[0]): one for one in records.exchanges() if one.status in statuses}
    return [one for (_, path), one in found.items() if not NOT_OFFERED.search(path)]


@pytest.mark.parametrize("recorded", refused(401, 403, 404, 405, 409, 422), ids=records.name_of)
def test_a_recorded_refusal_is_the_sandboxes_too(kit: Sandbox, ask: Ask, recorded: Recorded) -> None:
    """The same request, with this repository, its pull and its commit in the place of the recorded ones."""
    open_topic(kit)
    path = recorded.path.partition("?")[0]
    rest = re.sub(r"^/repos/[^/]+/[^/]+", "", path)
    rest = re.sub(r"(?<=/)\d{1,9}(?=/|$)", "1", re.sub(r"[0-9a-f]{40}", kit.git(REPO).branch("main") or "", rest))
    root = ROOT if rest or recorded.status != 404 else path
    body = None if recorded.method == "GET" else next(body for part, body in BODIES.items() if part in rest)
    if recorded.answer["message"] == "Bad credentials":
        answer = requests.get(f"{kit.url}{root}", headers={"Authorization": "token expired"}, timeout=10)
    else:
        by = "rita" if recorded.status == 403 else "relbot"
        answer = ask(recorded.method, rest, body, by=by, root=root)
    assert answer.status_code == recorded.status
    assert without_age(answer.json()) == without_age(recorded.answer)
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/")
    assert answer.json().get("status", str(recorded.status)) == recorded.answer.get("status", str(recorded.status))


def test_a_refusal_repeats_its_status_as_the_newest_recorded_one_does(ask: Ask) -> None:
    recorded = next(one for one in refused(404) if "status" in one.answer)
    assert set(ask("GET", "", root="/repos/acme/absent").json()) == set(recorded.answer)


def without_age(said: Json) -> Json:
    """A refusal without what GitHub has changed over the years, for the same reason."""
    return {name: value for name, value in said.items() if name not in ("documentation_url", "status")}


@pytest.mark.parametrize("recorded", refused(301, 307), ids=records.name_of)
def test_a_renamed_repository_is_pointed_to_by_its_id(kit: Sandbox, ask: Ask, recorded: Recorded) -> None:
    kit.rename_repository(REPO, "acme/lanternkit")
    method, rest, body = ("GET", "", None) if recorded.method == "GET" else ("POST", "/labels", {"name": "x"})
    answer = ask(method, rest, body, follow=False)
    there = f"{kit.url}/repositories/{kit.find('acme/lanternkit').id}{rest}"
    assert (answer.status_code, answer.headers["Location"]) == (recorded.status, there)
    assert answer.json() | {"documentation_url": ""} == recorded.answer | {"url": there, "documentation_url": ""}


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_links_between_pages_are_the_recorded_ones(kit: Sandbox, ask: Ask) -> None:
    pages = records.scenario("paginate-issues")
    for number in range(sum(len(page.answer) for page in pages)):
        ask("POST", "/issues", {"title": f"Issue {number}"})
    for page in pages:
        answer = ask("GET", re.sub(r"^/repos/[^/]+/[^/]+|^/repositories/\d+", "", page.path))
        links = re.sub(r"/repositories/\d+", "/repositories/1000", answer.headers["Link"])
        assert links.replace(kit.url, "https://api.github.com") == page.headers["link"]
        assert len(answer.json()) == len(page.answer)
        assert answer.headers["Date"].count("GMT") == 1


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────

TOUR: tuple[tuple[str, str, Json | bytes], ...] = (
    ("POST", "/issues", {"title": "T", "body": "B", "labels": ["one"]}),
    ("GET", "/issues", {}),
    ("GET", "/issues/1", {}),
    ("PATCH", "/issues/1", {"title": "Another", "labels": ["two"]}),
    ("POST", "/issues/1/labels", {"labels": ["one"]}),
    ("GET", "/issues/1/labels", {}),
    ("DELETE", "/issues/1/labels/one", {}),
    ("GET", "/issues/1/events", {}),
    ("POST", "/issues/1/comments", {"body": "text"}),
    ("GET", "/issues/1/comments", {}),
    ("GET", "/issues/comments/{comment}", {}),
    ("PATCH", "/issues/comments/{comment}", {"body": "another text"}),
    ("POST", "/issues/comments/{comment}/reactions", {"content": "rocket"}),
    ("GET", "/issues/comments/{comment}/reactions", {}),
    ("POST", "/labels", {"name": "test-label", "color": "663399"}),
    ("GET", "/labels", {}),
    ("GET", "/labels/test-label", {}),
    ("PATCH", "/labels/test-label", {"new_name": "test-label-updated", "color": "BADA55"}),
    ("DELETE", "/labels/test-label-updated", {}),
    ("POST", "/pulls", {"title": "T", "head": "topic", "base": "release/2.7", "body": "B"}),
    ("GET", "/pulls", {}),
    ("GET", "/pulls/1", {}),
    ("PATCH", "/pulls/1", {"title": "Another"}),
    ("GET", "/pulls/1/commits", {}),
    ("GET", "", {}),
    ("GET", "/branches", {}),
    ("GET", "/branches/release/2.7", {}),
    ("GET", "/collaborators/ada/permission", {}),
    ("GET", "/commits", {}),
    ("GET", "/commits/{head}", {}),
    ("GET", "/commits/{head}/pulls", {}),
    ("GET", "/contents/docs", {}),
    ("GET", "/contents/a.py", {}),
    ("POST", "/git/refs", {"ref": "refs/heads/test", "sha": "main"}),
    ("GET", "/git/matching-refs/heads/test", {}),
    ("PATCH", "/git/refs/heads/test", {"sha": "head"}),
    ("DELETE", "/git/refs/heads/test", {}),
    ("POST", "/statuses/{head}", {"state": "failure", "target_url": "https://example.com", "context": "example/1"}),
    ("GET", "/commits/{head}/status", {}),
    ("POST", "/releases", {"tag_name": "v1.0.0", "name": "One", "body": "text"}),
    ("GET", "/releases", {}),
    ("GET", "/releases/latest", {}),
    ("GET", "/releases/tags/v1.0.0", {}),
    ("GET", "/releases/{release}", {}),
    ("PATCH", "/releases/{release}", {"body": "another text"}),
    ("POST", "/releases/{release}/assets?name=test-upload.txt", b"Hello, world!\n"),
    ("GET", "/releases/{release}/assets", {}),
    ("DELETE", "/releases/assets/{asset}", {}),
    ("GET", "/tags", {}),
    ("PUT", "/pulls/1/merge", {"merge_method": "merge"}),
    ("GET", "/pulls/1/merge", {}),
)  # fmt: skip
"""One of each answer that was recorded and that the sandbox gives too, behind the address of the repository."""

NEVER_RECORDED = {
    r"/repo/(allow_forking|has_discussions|is_template|topics|visibility|web_commit_signoff_required)$":
        "newer than the pulls that were recorded",
    r"/auto_merge$": "newer than the edit of a pull that was recorded",
    r"/(verified_at|immutable|digest)$": "newer",
    r"role_name$": "newer",
    r"/(reactions|timeline_url|state_reason)$": "newer than some of the issues and comments that were recorded",
    r"/app/client_id$": "newer",
    r"/(draft|pull_request|pull_request/merged_at)$": "issues that are pulls were recorded only before they told that",
    r"^GET \S+/events /\*/label$": "no event that was recorded was about a label",
    r"/permissions/(workflows|members)$": "rights that the recorded Apps were not given",
    r"^POST \S+/access_tokens /repositories$": "no token was recorded that is good for some repositories only",
}
"""Fields that the sandbox has and no recorded answer of the same kind."""

APART = ("GET", "/rate_limit")
"""GitHub counts many kinds of requests, of which the sandbox knows two."""


def test_answers_have_the_fields_and_types_of_the_recorded_ones(kit: Sandbox, ask: Ask, gate: Gate) -> None:
    """Whether a field may be null is left to the description: that depends on what there was to say."""
    walk_through(kit, ask)
    found = []
    answers: dict[tuple[str, str], list[object]] = {}
    for exchange in gate.exchanges:
        assert exchange.status < 300, exchange
        answers.setdefault((exchange.method, exchange.template), []).append(exchange.answer)
    offered = {(route.method, route.template) for route in ROUTES}
    assert set(answers) == {route for route in offered if recorded_of(*route)} - {APART}
    for (method, template), given in answers.items():
        seen = [one.answer for one in recorded_of(method, template)]
        found += [f"{method} {template} {line}" for line in differences(observe(seen), observe(given))]
    assert [line for line in found if not any(re.search(known, line) for known in NEVER_RECORDED)] == []
    assert [known for known in NEVER_RECORDED if not any(re.search(known, line) for line in found)] == []


def test_what_nothing_was_recorded_of_is_told_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "fidelity.md").read_text("utf-8")
    told = text.partition("\n### Answers of GitHub of which nothing was recorded\n")[2].partition("\n#")[0]
    silent = {f"{route.method} {route.template}" for route in ROUTES if not recorded_of(route.method, route.template)}
    assert set(re.findall(r"`([^`]+)`", told)) == {line.replace("/repos/{owner}/{repo}", "…") for line in silent}


def test_a_check_run_that_was_given_no_external_id_has_an_empty_one(kit: Sandbox) -> None:
    given = show_app(kit, kit.git(REPO).branch("main") or "")["external_id"]
    recorded = recorded_of("POST", "/repos/{owner}/{repo}/check-runs")
    assert given in {one.answer["external_id"] for one in recorded if one.request and "external_id" not in one.request}


def walk_through(kit: Sandbox, ask: Ask) -> None:
    """Make the sandbox answer with one of everything."""
    open_topic(kit)
    known = {"head": kit.git(REPO).branch("topic"), "main": kit.git(REPO).branch("main")}
    known["comment"] = str(kit.comment(REPO, 1, "text", by="relbot").id)
    ask("GET", "/user", root="")
    show_app(kit, str(known["head"]))
    ask("GET", f"/commits/{known['head']}/check-runs")
    for method, path, body in TOUR:
        filled: object = body
        if isinstance(body, dict):
            filled = {name: known.get(value, value) if name == "sha" else value for name, value in body.items()}
        answer = ask(method, path.format(**known), filled or None)
        if path.startswith("/releases") and method == "POST":
            known["asset" if "/assets" in path else "release"] = str(answer.json()["id"])


def show_app(kit: Sandbox, sha: str) -> Json:
    """The same for what only an App may ask for; the check run that it made."""
    app, key = register(kit)
    guest, repository = install(kit, app, REPO), kit.find(REPO)
    output = {"title": "t", "summary": "s"}

    def send(method: str, path: str, body: object, token: str) -> Json:
        headers = {"Authorization": f"Bearer {token}"}
        answer: Json = requests.request(method, f"{kit.url}{path}", json=body, headers=headers, timeout=10).json()
        return answer

    proof = key.prove(time.time()).reveal()
    send("GET", f"{ROOT}/installation", None, proof)
    wish = {"repository_ids": [repository.id]}
    token = send("POST", f"/app/installations/{guest.id}/access_tokens", wish, proof)["token"]
    run = send("POST", f"{ROOT}/check-runs", {"name": "n", "head_sha": sha, "output": output}, token)
    done = {"status": "completed", "conclusion": "success", "output": output}
    send("PATCH", f"{ROOT}/check-runs/{run['id']}", done, token)
    return run


def recorded_of(method: str, template: str) -> list[Recorded]:
    """What GitHub answered to the same operation, whatever the repository was called by."""
    pattern = re.sub(r"\{(ref|branch|path|name)\}", ".+", template)
    pattern = re.sub(r"\{\w+\}", "[^/]+", pattern)
    pattern = pattern.replace("/repos/[^/]+/[^/]+", r"(/repos/[^/]+/[^/]+|/repositories/\d+)")
    return records.answers(method, pattern, (*records.exchanges(), *records.exchanges_of_sessions()))


def differences(seen: Json, given: Json, at: str = "") -> Iterable[str]:
    """Where one shape has types and fields that another has not, or lacks what is always there."""
    if set(seen["types"]) > {"null"} and (odd := set(given["types"]) - {*seen["types"], "null"}):
        yield f"{at} is {' or '.join(sorted(odd))}, seen was {' or '.join(seen['types'])}"
    if "items" in given and "items" in seen:
        yield from differences(seen["items"], given["items"], f"{at}/*")
    if "fields" not in given or "fields" not in seen:
        return
    yield from (f"{at}/{name} is missing" for name in seen["always"] if name not in given["fields"])
    for name, inner in given["fields"].items():
        if name not in seen["fields"]:
            yield f"{at}/{name}"
        else:
            yield from differences(seen["fields"][name], inner, f"{at}/{name}")
