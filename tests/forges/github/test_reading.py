"""Answers that api.github.com has really given, and damaged ones, read through the adapter."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bot.core.actions import DressPull, EnsureComment, EnsurePull, Labelling, Missing, PullReady
from bot.core.errors import Fault
from bot.core.model import Comment, Person, Pull, Repo, Role, Secret
from bot.forges.github import GitHub
from bot.forges.pacing import Manners
from tests.forges.canned import Canned, Script, serving

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "recorded" / "github-rest.jsonl").read_text("utf-8").splitlines()
]
OGR = Repo("github", 161636700, "packit/ogr", "master")
LACHMAN = Person(20214043, "lachmanfrantisek")
MFOCKO = Person(8149784, "mfocko")


def recorded(method: str, path: str) -> Canned:
    found = next(one for one in RECORDED if (one["method"], one["path"]) == (method, path))
    return Canned(found["status"], found["body"], tuple(found["headers"].items()))


def connect(script: Script) -> GitHub:
    return GitHub(script.url, Secret("token"), manners=Manners(waits=(0.01, 0.01)))


def test_a_merged_pull_is_read_whole_and_with_one_request() -> None:
    with serving(recorded("GET", "/repos/packit/ogr/pulls/9")) as script:
        github = connect(script)
        pull = github.pull(OGR, 9)
        assert (github.calls, len(script.asked)) == (1, 1)
    assert isinstance(pull, Pull)
    assert pull == Pull(
        number=9,
        title="github support",
        body="- Rework github implementation.\n- Add tests for github.\n- Add API for file content."
        "\n- Correct Pagure tests.",
        url="https://github.com/packit/ogr/pull/9",
        author=LACHMAN,
        is_open=False,
        merged=True,
        merged_as="e30725cec4513ad0944913e9d7b01cf58d1ab7cf",
        closed_at=1549299346,
        base="master",
        base_sha="dba6f67e75918703b049e5f03ac15808391ec7e6",
        head="github-service",
        head_sha="3c6be847f97ae5f27eebe9c8817442f53ae661a0",
        head_repo_id=161639732,
    )


def test_a_pull_that_was_closed_unmerged_names_no_merge_although_github_keeps_a_trial_one() -> None:
    with serving(recorded("GET", "/repos/nikromen/playground/pulls/4")) as script:
        pull = connect(script).pull(OGR, 4)
    assert isinstance(pull, Pull)
    assert (pull.is_open, pull.merged, pull.merged_as) == (False, False, None)
    assert pull.closed_at == 1667844179
    assert pull.body == ""


def test_a_pull_that_does_not_exist_is_missing() -> None:
    with serving(recorded("GET", "/repos/packit/ogr/pulls/100000000000000000000")) as script:
        assert connect(script).pull(OGR, 100000000000000000000) == Missing(
            "pull 100000000000000000000 of packit/ogr"
        )


def test_pulls_in_a_list_are_read_without_asking_for_each_and_others_are_left_out() -> None:
    page = recorded("GET", "/repositories/161636700/pulls?state=all&sort=updated&direction=desc&page=2")
    elsewhere = Repo("github", 170117756, "jpopelka/ogr", "master")
    with serving(Canned(page.status, page.body)) as script:
        found = connect(script).find_pulls(elsewhere, "PullRequest.patch", "master")
        question = "base=master&direction=desc&head=jpopelka%3APullRequest.patch&per_page=100&sort=created&state=all"
        assert script.paths == [f"GET /repos/jpopelka/ogr/pulls?{question}"]
    assert [(pull.number, pull.labels, pull.merged) for pull in found] == [(415, ("mergeit",), True)]
    another = Repo("github", 1, "jpopelka/fork-of-ogr", "master")
    with serving(Canned(page.status, page.body)) as script:
        assert connect(script).find_pulls(another, "PullRequest.patch", "master") == ()


def test_a_pull_whose_fork_is_gone_has_no_head_repository() -> None:
    page = recorded("GET", "/repositories/161636700/pulls?state=all&sort=updated&direction=desc&page=2")
    assert isinstance(page.body, list)
    orphan = next(one for one in page.body if one["number"] == 410)
    with serving(Canned(200, orphan)) as script:
        pull = connect(script).pull(OGR, 410)
        assert len(script.asked) == 1
    assert isinstance(pull, Pull)
    assert (pull.head, pull.head_repo_id, pull.merged) == ("improve-can-merge-pr", None, True)


def test_a_pull_just_opened_is_read_from_the_answer_alone() -> None:
    hello = Repo("github", 184635124, "packit/hello-world", "master")
    with serving(recorded("POST", "/repos/packit/hello-world/pulls")) as script:
        ready = connect(script).ensure_pull(EnsurePull(hello, "test_source", "test_target", "t", "b", draft=True))
        assert script.asked[0].body == {
            "base": "test_target", "head": "test_source", "title": "t", "body": "b", "draft": True
        }  # fmt: skip
        assert len(script.asked) == 1
    assert isinstance(ready, PullReady)
    assert (ready.opened, ready.pull.number, ready.pull.is_open, ready.pull.merged_as) == (True, 145, True, None)


def test_a_comment_of_the_bot_is_found_by_its_marker_and_edited() -> None:
    hello = Repo("github", 1, "packit/hello-world", "master")
    comments = recorded("GET", "/repos/packit/hello-world/issues/72/comments")
    assert isinstance(comments.body, list)
    marker = comments.body[0]["body"]
    with serving(
        recorded("GET", "/user"), comments, recorded("PATCH", "/repos/packit/hello-world/issues/comments/559764806")
    ) as script:
        written = connect(script).ensure_comment(EnsureComment(hello, 72, marker, "new text"))
        comment_id = comments.body[0]["id"]
        assert script.paths == [
            "GET /user",
            "GET /repos/packit/hello-world/issues/72/comments?per_page=100",
            f"PATCH /repos/packit/hello-world/issues/comments/{comment_id}",
        ]
    assert written.author == MFOCKO


def test_a_new_comment_is_read_from_the_answer_alone() -> None:
    playground = Repo("github", 1, "nikromen/playground", "main")
    with serving(
        recorded("GET", "/user"), Canned(200, []), recorded("POST", "/repos/nikromen/playground/issues/5/comments")
    ) as script:
        written = connect(script).ensure_comment(EnsureComment(playground, 5, "<!-- m -->", "text"))
        assert len(script.asked) == 3
    assert written == Comment(3714264292, Person(125959684, "packit-public-repos-bot"), written.body)


@pytest.mark.parametrize(("where", "role"), [("packit/ogr", Role.ADMIN), ("mfocko/playground", Role.NONE)])
def test_an_old_answer_without_a_role_name_is_read_by_its_permission(where: str, role: Role) -> None:
    login = {"packit/ogr": "TomasTomecek", "mfocko/playground": "lachmanfrantisek"}[where]
    answer = recorded("GET", f"/repos/{where}/collaborators/{login}/permission")
    assert isinstance(answer.body, dict)
    user = answer.body["user"]
    with serving(answer) as script:
        assert connect(script).role_of(OGR, Person(user["id"], user["login"])) is role


def test_decorations_are_added_kind_by_kind_so_that_none_replaces_or_spoils_another() -> None:
    edited = recorded("PATCH", "/repos/KPostOffice/ogr/issues/4")
    with serving(Canned(200, []), edited, edited) as script:
        connect(script).dress_pull(DressPull(OGR, 4, ("one",), ("gone", "ada"), 3))
        assert [(asked.method, asked.path.rsplit("/", 1)[1], asked.body) for asked in script.asked] == [
            ("POST", "labels", ["one"]),
            ("POST", "assignees", {"assignees": ["gone", "ada"]}),
            ("PATCH", "4", {"milestone": 3}),
        ]


# ── what has not been recorded ───────────────────────────────────────────────────────────────────────────────────────


def permission(role_name: object, level: object, user_id: int = 7) -> Canned:
    return Canned(200, {"permission": level, "role_name": role_name, "user": {"id": user_id, "login": "ada"}})


@pytest.mark.parametrize(
    ("role_name", "level", "role"),
    [
        ("admin", "admin", Role.ADMIN),
        ("maintain", "write", Role.MAINTAIN),
        ("write", "write", Role.WRITE),
        ("triage", "read", Role.TRIAGE),
        ("read", "read", Role.READ),
        ("none", "none", Role.NONE),
        ("release-captain", "write", Role.WRITE),
        ("release-captain", "god", Role.NONE),
        (None, None, Role.NONE),
        (["admin"], "read", Role.READ),
    ],
)
def test_githubs_roles_and_those_of_an_organisations_own_making(role_name: object, level: object, role: Role) -> None:
    with serving(permission(role_name, level)) as script:
        assert connect(script).role_of(OGR, Person(7, "ada")) is role


def test_a_login_that_has_changed_hands_gives_no_role() -> None:
    with serving(permission("admin", "admin", user_id=8)) as script:
        assert connect(script).role_of(OGR, Person(7, "ada")) is Role.NONE


def test_an_odd_login_stays_inside_its_part_of_the_address() -> None:
    with serving(*[Canned(404, {"message": "Not Found"})] * 2) as script:
        assert connect(script).role_of(OGR, Person(7, "../../x?y#z/dependabot[bot]")) is Role.NONE
        assert script.paths == [
            "GET /repos/packit/ogr/collaborators/..%2F..%2Fx%3Fy%23z%2Fdependabot%5Bbot%5D/permission",
            "GET /users/..%2F..%2Fx%3Fy%23z%2Fdependabot%5Bbot%5D",
        ]


TEN = 1795600800  # 2026-11-25, 10:00 UTC


def happened(kind: str, label: str, actor: int | None) -> dict[str, Any]:
    account = {"id": actor, "login": f"user{actor}", "type": "User"}
    when = f"2026-11-25T10:00:{actor or 0:02}Z"
    return {
        "event": kind, "label": {"name": label, "color": "fff"}, "actor": account if actor else None, "created_at": when
    }


def test_labellings_are_counted_and_belong_to_the_last_who_put_the_label_on() -> None:
    events = [
        happened("labeled", "backport/2.7", 1),
        {"event": "closed", "actor": None},
        happened("labeled", "gone", 1),
        happened("unlabeled", "backport/2.7", 2),
        happened("labeled", "backport/2.7", 3),
        happened("unlabeled", "gone", 2),
        happened("labeled", "nobody's", None),
        happened("labeled", "Ünïcode #1/2", 4),
    ]
    with serving(Canned(200, events)) as script:
        assert connect(script).labellings(OGR, 9) == {
            "backport/2.7": Labelling(Person(3, "user3"), 2, TEN + 3),
            "Ünïcode #1/2": Labelling(Person(4, "user4"), 1, TEN + 4),
        }


def test_all_pages_are_read_also_when_they_lie_at_the_address_of_the_repository_id() -> None:
    marker = "<!-- relbot:7 -->"
    stranger = {"id": 1, "body": marker, "user": {"id": 6, "login": "mallory", "type": "User"}}
    ours = {"id": 2, "body": f"{marker}\ntable", "user": {"id": 5, "login": "relbot[bot]", "type": "Bot"}}
    nobodys = {"id": 3, "body": marker, "user": None}
    with serving(Canned(200, {"id": 5, "login": "relbot[bot]", "type": "Bot"})) as script:
        further = f'<{script.url}/repositories/161636700/issues/9/comments?per_page=100&page=2>; rel="next"'
        script.answers += [Canned(200, [stranger, nobodys], (("Link", further),)), Canned(200, [ours])]
        found = connect(script).find_comment(OGR, 9, marker)
    assert found == Comment(2, Person(5, "relbot[bot]", is_bot=True), f"{marker}\ntable")


def test_the_bot_asks_once_who_it_is() -> None:
    with serving(recorded("GET", "/user"), Canned(200, []), Canned(200, [])) as script:
        github = connect(script)
        assert github.me() == github.me() == MFOCKO
        assert github.find_comment(OGR, 9, "m") is None
        assert script.paths == ["GET /user", "GET /repos/packit/ogr/issues/9/comments?per_page=100"]


@pytest.mark.parametrize("label", ["backport-open/2.7", "a b#c?d", "häßlich", "%2F"])
def test_a_label_is_removed_by_its_quoted_name(label: str) -> None:
    with serving(Canned(200, [])) as script:
        connect(script).set_labels(OGR, 9, (), (label,))
        prefix, quoted = script.paths[0].rsplit("/", maxsplit=1)
    assert prefix == "DELETE /repos/packit/ogr/issues/9/labels"
    assert unquote(quoted) == label


@pytest.mark.parametrize("label", ["", ".", ".."])
def test_a_label_that_would_name_another_address_is_never_sent(label: str) -> None:
    with serving() as script:
        connect(script).set_labels(OGR, 9, (), (label,))
        assert script.asked == []


DAMAGES: list[tuple[str, object]] = [
    ("number", None), ("number", "9"), ("title", 7), ("merged_at", "yesterday"), ("base", None), ("head", []),
    ("labels", {}), ("labels", [7]), ("user", "ada"), ("html_url", None), ("state", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), DAMAGES)
def test_a_pull_of_another_shape_is_a_fault_and_no_traceback_of_a_library(field: str, value: object) -> None:
    body = copy.deepcopy(recorded("GET", "/repos/packit/ogr/pulls/9").body)
    assert isinstance(body, dict)
    body[field] = value
    with serving(*[Canned(200, body)] * 9) as script, pytest.raises(Fault, match="pull 9 of packit/ogr"):
        connect(script).pull(OGR, 9)


@pytest.mark.parametrize("body", [{"items": 7}, {"message": "odd"}, [7], [[]]])
def test_a_list_of_another_shape_is_a_fault(body: object) -> None:
    with serving(*[Canned(200, body)] * 9) as script, pytest.raises(Fault, match="pulls of packit/ogr"):
        connect(script).find_pulls(OGR, "a", "b")


@pytest.mark.parametrize(
    ("base_url", "clone_base", "url"),
    [
        ("https://api.github.com", None, "https://github.com/packit/ogr.git"),
        ("https://ghe.example.org/api/v3/", None, "https://ghe.example.org/packit/ogr.git"),
        ("http://127.0.0.1:4001", None, "http://127.0.0.1:4001/packit/ogr.git"),
        ("https://api.github.com", "https://proxy.example.org/gh/", "https://proxy.example.org/gh/packit/ogr.git"),
    ],
)
def test_git_reaches_a_repository_without_the_token_in_the_address(base_url: str, clone_base: str, url: str) -> None:
    access = GitHub(base_url, Secret("s3cret"), clone_base=clone_base).clone_access(OGR)
    assert (access.url, access.username, access.pull_ref) == (url, "x-access-token", "refs/pull/{number}/head")
    assert access.password.reveal() == "s3cret"
    assert "s3cret" not in repr(access)
