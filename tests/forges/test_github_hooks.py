"""Deliveries as GitHub sends them, and as strangers might: what each one becomes."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.events import (
    BadSignature,
    ChecksReported,
    CommentEdited,
    CommentPosted,
    Event,
    Ignored,
    Malformed,
    PullClosed,
    PullLabelled,
    PullOpened,
    PushedTo,
    TagPushed,
)
from bot.core.model import Person, Repo, Secret
from bot.forges.github_hooks import Delivery, parse

PAYLOADS = Path(__file__).parent.parent / "data" / "payloads"
KEY = Secret("swordfish")
NOBODY = "0" * 40


def sign(body: bytes, key: str = "swordfish") -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def headers(event: str, body: bytes, **others: str) -> dict[str, str]:
    named = {"X-GitHub-Event": event, "X-GitHub-Delivery": "72d3162e-cc78-11e3", "X-Hub-Signature-256": sign(body)}
    return {**named, **{name.replace("_", "-"): value for name, value in others.items()}}


def deliver(event: str, content: object) -> Delivery | BadSignature | Malformed:
    body = json.dumps(content).encode()
    return parse(headers(event, body), body, [KEY])


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / name).read_bytes())


def repo(number: int, path: str, default: str = "master") -> Repo:
    return Repo("github", number, path, default)


HELLO = repo(186853002, "Codertocat/Hello-World")
DRONE = repo(13933572, "bradrydzewski/drone-test-go")
BUILDS = repo(219188321, "ailisp/gcbapp-buildconfig-example")
CODERTOCAT = Person(21031067, "Codertocat")
BRAD = Person(817538, "bradrydzewski")
AILISP = Person(13259400, "ailisp")
PYUP = Person(16239342, "pyup-bot")
SIMPLE = "This is a pretty simple change that we need to pull into master."
MERGIFY = Person(38500045, "mergify-test[bot]", is_bot=True)


SIMPLE_TAG = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
CHANGES = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
TRIMMED = "status/event.goscm_status.json"
"""A body that somebody has cut down by hand: its sender has no id, and it names no branches."""


def mergify(default: str) -> Repo:
    return repo(258840104, "mergifyio-testing/functional-testing-repo", default + "/master")


EVENTS: dict[str, Event] = {
    "issue_comment/created.goscm_comment.json": CommentPosted(
        repo(309651765, "abc/def-ci-webhook-test"), 2, 751955664, Person(10278482, "lts-def"), "trigger abc"
    ),
    "issue_comment/created.mergify_comment_command.json": CommentPosted(
        mergify("20210116174845/test_command_backport"),
        5891,
        761604977,
        MERGIFY,
        "@mergifyio backport 20210116174845/test_command_backport/stable/#3.1"
        " 20210116174845/test_command_backport/feature/one",
    ),
    "pull_request/closed.mergify_merge_commit.json": PullClosed(
        mergify("20210201170256/test_backport_merge_commit"), 6795, MERGIFY
    ),
    "pull_request/closed.mergify_rebase.json": PullClosed(
        mergify("20210201170549/test_backport_rebase_and_merge"), 6802, MERGIFY
    ),
    "pull_request/closed.mergify_squash.json": PullClosed(
        mergify("20210201170656/test_backport_squash_and_merge"), 6805, MERGIFY
    ),
    "pull_request/closed.octokit3.json": PullClosed(HELLO, 2, CODERTOCAT),
    "pull_request/closed.octokit4.json": PullClosed(HELLO, 2, CODERTOCAT),
    "pull_request/closed.rfci_pr-close.json": PullClosed(BUILDS, 3, AILISP),
    "pull_request/labeled.goscm_pr_labeled.json": PullLabelled(DRONE, 1, ("bug",), BRAD),
    "pull_request/labeled.mergify_fork_head.json": PullLabelled(
        mergify("20210201170656/test_backport_squash_and_merge"), 6805, ("backport-#3.1",), MERGIFY
    ),
    "pull_request/labeled.octokit8.json": PullLabelled(HELLO, 2, ("bug",), CODERTOCAT),
    "pull_request/labeled.octokit9.json": PullLabelled(HELLO, 2, ("bug",), CODERTOCAT),
    **{
        f"pull_request/{name}.json": PullOpened(where, number, who, base, body, name.startswith("reopened"))
        for name, where, number, who, base, body in [
            ("opened.octokit0", HELLO, 2, CODERTOCAT, "master", SIMPLE),
            ("opened.octokit12", HELLO, 2, CODERTOCAT, "master", SIMPLE),
            ("opened.opsdroid_pr", repo(83927663, "opsdroid/opsdroid-audio"), 175, PYUP, "master", "hello world"),
            ("opened.rfci_pr-open", BUILDS, 3, Person(55861365, "byao1276"), "master", ""),
            ("reopened.octokit18", HELLO, 2, CODERTOCAT, "master", SIMPLE),
            ("reopened.octokit19", HELLO, 2, CODERTOCAT, "master", SIMPLE),
            (
                "reopened.opsdroid_pr_reopened", repo(383694677, "test-org/test-repo", "main"), 9,
                Person(34076, "test-user"), "main", "This is just a change to the Readme file.",
            ),
        ]
    },
    **{
        f"issue_comment/created.octokit{number}.json": CommentPosted(
            HELLO, 1, 492700400, CODERTOCAT, "You are totally right! I'll get this fixed right away.", on="issue"
        )
        for number in range(3)
    },
    **{
        f"issue_comment/edited.octokit{number}.json": CommentEdited(
            HELLO, 1, 492700400, CODERTOCAT, "You are totally right! I'll get this fixed today.", on="issue"
        )
        for number in (7, 8)
    },
    "push/event.goscm_push_tag.json": TagPushed(
        DRONE, "v0.0.1", "d2b75aa7797ec26b088fa2dd527e9d2c052fcedd", BRAD
    ),
    "push/event.goscm_push_tag_delete.json": TagPushed(
        DRONE, "v0.0.1", "d2b75aa7797ec26b088fa2dd527e9d2c052fcedd", BRAD, "deleted"
    ),
    **{
        f"push/event.octokit{number}.json": TagPushed(HELLO, "simple-tag", SIMPLE_TAG, CODERTOCAT, change)
        for number, change in ((0, "created"), (1, "deleted"), (2, "deleted"))
    },
    "check_suite/completed.octokit0.json": ChecksReported(HELLO, CHANGES, ("changes",), CODERTOCAT),
    "check_suite/completed.octokit1.json": ChecksReported(
        repo(186853002, "Codertocat/Hello-World", "main"), CHANGES, ("main",), CODERTOCAT
    ),
    **{
        f"status/event.octokit{number}.json": ChecksReported(
            HELLO, SIMPLE_TAG, ("master", "changes", "gh-pages"), CODERTOCAT
        )
        for number in (0, 1)
    },
    "push/event.goscm_push_branch_create.json": PushedTo(
        DRONE, "feature-branch", NOBODY, "d2b75aa7797ec26b088fa2dd527e9d2c052fcedd", BRAD
    ),
    "push/event.goscm_push_branch_delete.json": PushedTo(
        DRONE, "feature-branch", "d2b75aa7797ec26b088fa2dd527e9d2c052fcedd", NOBODY, BRAD
    ),
    "push/event.octokit4.json": PushedTo(
        HELLO, "master", NOBODY, "6113728f27ae82c7b1a177c8d03f9e96e0adf246", CODERTOCAT
    ),
    "push/event.octokit5.json": PushedTo(
        HELLO, "master", NOBODY, "6113728f27ae82c7b1a177c8d03f9e96e0adf246", CODERTOCAT
    ),
    "push/event.rfci_push-to-master.json": PushedTo(
        BUILDS, "master", "8357af6fef17bd180014e419f049944cb491238f", "a21683865c088b5fe1906cf6552d15a285a4986d", AILISP
    ),
    "push/event.rfci_push.json": PushedTo(
        BUILDS,
        "ailisp-patch-1",
        "605521c5616094f95e459bca22a40c6babc3f9bb",
        "e238171456e973f696a972b80599a849db5fe540",
        AILISP,
    ),
}
"""The real payloads that concern the bot. Every other one in the folder is to be ignored."""

IGNORED_BECAUSE = {
    "pull_request": "a pull was neither opened, closed nor labelled",
    "issue_comment": "a comment was neither written nor edited",
    "check_suite/completed": "checks on a commit of no branch here",
    "check_suite": "checks that have not ended",
}

ALL = sorted(path.relative_to(PAYLOADS).as_posix() for path in PAYLOADS.glob("*/*.json"))


@pytest.mark.parametrize("name", [name for name in ALL if name != TRIMMED])
def test_a_real_payload_becomes_the_right_event_or_is_ignored_with_a_reason(name: str) -> None:
    body = (PAYLOADS / name).read_bytes()
    kind, which = name.split(".", maxsplit=1)[0], f"nothing to do for the event {name.split('/', maxsplit=1)[0]}"
    reason = IGNORED_BECAUSE.get(kind) or IGNORED_BECAUSE.get(kind := kind.split("/", maxsplit=1)[0], which)
    expected = EVENTS.get(name) or Ignored(reason)
    event = name.split("/", maxsplit=1)[0]
    assert parse(headers(event, body), body, [KEY]) == Delivery("72d3162e-cc78-11e3", expected)


def test_a_status_without_its_branches_or_its_sender_is_malformed() -> None:
    body = (PAYLOADS / TRIMMED).read_bytes()
    assert isinstance(parse(headers("status", body), body, [KEY]), Malformed)


@pytest.mark.parametrize(("change", "reason"), [
    ({"state": "pending"}, "a check that has not ended"),
    ({"branches": []}, "a check on a commit that is no branch's tip"),
])
def test_a_status_that_says_nothing_yet_is_ignored(change: dict[str, Any], reason: str) -> None:
    answer = deliver("status", payload("status/event.octokit0.json") | change)
    assert answer == Delivery("72d3162e-cc78-11e3", Ignored(reason))


def test_an_annotated_tag_is_told_of_with_its_commit_and_one_that_moved_as_moved() -> None:
    content = payload("push/event.goscm_push_tag.json") | {"before": "1" * 40, "after": "2" * 40}
    answer = deliver("push", content)
    assert isinstance(answer, Delivery)
    assert answer.event == TagPushed(DRONE, "v0.0.1", content["head_commit"]["id"], BRAD, "moved")


@pytest.mark.parametrize("ref", ["refs/notes/commits", "refs/pull/1/head"])
def test_a_push_to_neither_branch_nor_tag_is_ignored(ref: str) -> None:
    answer = deliver("push", payload("push/event.goscm_push_tag.json") | {"ref": ref})
    assert answer == Delivery("72d3162e-cc78-11e3", Ignored("a push to something that is neither branch nor tag"))


def test_the_table_names_only_files_that_are_there_and_the_folder_is_complete() -> None:
    assert set(EVENTS) <= set(ALL)
    assert len(ALL) == 153


def test_a_pull_without_a_body_is_opened_with_none() -> None:
    told = payload("pull_request/opened.octokit0.json")
    told["pull_request"]["body"] = None
    assert deliver("pull_request", told) == Delivery(
        "72d3162e-cc78-11e3", PullOpened(HELLO, 2, CODERTOCAT, "master", "", again=False)
    )


# ── the signature ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signature_by_any_configured_secret_counts_so_that_secrets_can_be_rotated() -> None:
    body = b"{}"
    signed = headers("ping", body, X_Hub_Signature_256=sign(body, "old"))
    assert isinstance(parse(signed, body, [Secret("new"), Secret("old")]), Delivery)
    assert isinstance(parse(signed, body, [Secret("old"), Secret("new")]), Delivery)
    assert isinstance(parse(signed, body, [Secret("new")]), BadSignature)


@pytest.mark.parametrize("secrets", [[], [Secret("")]], ids=["none", "an empty one"])
def test_without_a_secret_everything_is_refused_even_what_an_empty_key_has_signed(secrets: list[Secret]) -> None:
    refused = parse(headers("ping", b"{}", X_Hub_Signature_256=sign(b"{}", "")), b"{}", secrets)
    assert isinstance(refused, BadSignature)
    assert "no webhook secret is configured" in refused.reason


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha1=" + "0" * 40, sign(b"{}").upper(), sign(b"{}")[:-1], sign(b"{}") + "0", "sha256=" + "ä" * 64,
     sign(b"{} "), sign(b"{}", "other"), sign(b"{}") + "\n"],
)  # fmt: skip
def test_an_odd_or_wrong_signature_is_refused(signature: str) -> None:
    refused = parse(headers("ping", b"{}", X_Hub_Signature_256=signature), b"{}", [KEY])
    assert isinstance(refused, BadSignature)


def test_a_missing_signature_is_refused() -> None:
    assert isinstance(parse({"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"}, b"{}", [KEY]), BadSignature)


def test_the_signature_is_checked_before_anything_else_is_looked_at() -> None:
    assert isinstance(parse({}, b"not json", [KEY]), BadSignature)


def test_one_changed_byte_breaks_the_signature() -> None:
    body = (PAYLOADS / "pull_request/closed.octokit3.json").read_bytes()
    changed = body.replace(b'"closed"', b'"Closed"', 1)
    assert changed != body
    assert isinstance(parse(headers("pull_request", body), changed, [KEY]), BadSignature)


def test_header_names_are_read_in_any_case() -> None:
    shouted = {name.upper(): value for name, value in headers("ping", b"{}").items()}
    assert isinstance(parse(shouted, b"{}", [KEY]), Delivery)


# ── malformed deliveries ─────────────────────────────────────────────────────────────────────────────────────────────

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "cut short": (b'{"action": "clo', "not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not JSON"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not JSON"),
    "NaN": (b'{"number": NaN}', "not JSON"),
    "Infinity": (b'{"number": -Infinity}', "not JSON"),
    "a number of 9,000 digits": (b'{"number": ' + b"9" * 9000 + b"}", "not JSON"),
    "nested 100,000 deep": (b"[" * 100_000, "nested too deeply"),
    "a list": (b"[]", "not a JSON object"),
    "null": (b"null", "not a JSON object"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object_is_malformed(name: str) -> None:
    body, reason = BODIES[name]
    answer = parse(headers("pull_request", body), body, [KEY])
    assert isinstance(answer, Malformed)
    assert reason in answer.reason


def test_a_form_is_malformed_and_the_reason_says_what_to_set() -> None:
    body = b"payload=%7B%7D"
    answer = parse(headers("ping", body, Content_Type="application/x-www-form-urlencoded"), body, [KEY])
    assert answer == Malformed("the body is a form; set the webhook's content type to application/json")


@pytest.mark.parametrize("missing", ["X-GitHub-Event", "X-GitHub-Delivery"])
def test_a_missing_header_is_malformed_and_named(missing: str) -> None:
    named = headers("ping", b"{}")
    del named[missing]
    answer = parse(named, b"{}", [KEY])
    assert isinstance(answer, Malformed)
    assert missing in answer.reason


Change = Callable[[Any], None]


def put(*way: str, value: object) -> Change:
    def change(content: Any) -> None:
        for step in way[:-1]:
            content = content[step]
        content[way[-1]] = value

    return change


def drop(*way: str) -> Change:
    def change(content: Any) -> None:
        for step in way[:-1]:
            content = content[step]
        del content[way[-1]]

    return change


CLOSED, LABELLED = "pull_request/closed.octokit3.json", "pull_request/labeled.octokit8.json"
COMMENTED, PUSHED = "issue_comment/created.goscm_comment.json", "push/event.octokit4.json"

DAMAGED: list[tuple[str, Change, str]] = [
    (CLOSED, drop("repository"), "repository is not a JSON object"),
    (CLOSED, put("repository", "full_name", value="../../etc"), "repository.full_name"),
    (CLOSED, put("repository", "full_name", value="owner/.."), "repository.full_name"),
    (CLOSED, put("repository", "full_name", value="owner/name?x=1"), "repository.full_name"),
    (CLOSED, put("repository", "full_name", value="owner/name\n"), "repository.full_name"),
    (CLOSED, put("repository", "id", value=True), "repository.id"),
    (CLOSED, put("repository", "id", value=2**63), "repository.id"),
    (CLOSED, put("repository", "default_branch", value=None), "repository.default_branch"),
    (CLOSED, drop("sender"), "sender"),
    (CLOSED, put("sender", "login", value="\ud800"), "sender.login"),
    (CLOSED, drop("sender", "type"), "sender.type"),
    (CLOSED, drop("action"), "action"),
    (CLOSED, put("number", value="2"), "number"),
    (CLOSED, put("number", value=-2), "number"),
    (CLOSED, put("number", value=2.0), "number"),
    (CLOSED, put("number", value=3), "not the same pull"),
    (CLOSED, drop("pull_request"), "pull_request is not a JSON object"),
    (CLOSED, put("review", value={"id": 1}), "has a review"),
    (CLOSED, put("comment", value={"id": 1}), "has a comment"),
    (LABELLED, drop("label"), "label is not a JSON object"),
    (LABELLED, put("label", "name", value=["bug"]), "label.name"),
    (COMMENTED, drop("issue"), "issue is not a JSON object"),
    (COMMENTED, drop("comment", "body"), "comment.body"),
    (COMMENTED, put("comment", "id", value="1"), "comment.id"),
    (COMMENTED, put("pull_request", value={"number": 1}), "has a pull_request"),
    (PUSHED, put("ref", value="refs/heads/"), "ref names no branch"),
    (PUSHED, put("after", value="HEAD"), "after"),
    (PUSHED, put("before", value="--upload-pack=x"), "before"),
    (PUSHED, drop("after"), "after"),
]


@pytest.mark.parametrize(("name", "change", "reason"), DAMAGED, ids=[f"{n}: {r}" for n, _, r in DAMAGED])
def test_a_damaged_payload_is_malformed_and_the_reason_names_the_field(name: str, change: Change, reason: str) -> None:
    content = payload(name)
    change(content)
    answer = deliver(name.split("/", maxsplit=1)[0], content)
    assert isinstance(answer, Malformed)
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("claimed", "name"),
    [("push", "create/event.octokit0.json"), ("issue_comment", CLOSED), ("pull_request", COMMENTED),
     ("push", CLOSED), ("pull_request", "issues/labeled.octokit9.json"),
     ("issue_comment", "commit_comment/created.octokit0.json"), ("pull_request", "installation/created.octokit1.json")],
)  # fmt: skip
def test_an_event_header_that_the_body_contradicts_is_malformed(claimed: str, name: str) -> None:
    assert isinstance(deliver(claimed, payload(name)), Malformed)


def test_a_review_cannot_pose_as_a_pull_event() -> None:
    for path in sorted((PAYLOADS / "pull_request_review").glob("*.json")):
        content = {**json.loads(path.read_bytes()), "action": "closed", "number": 2}
        assert isinstance(deliver("pull_request", content), Malformed)


# ── what the recordings lack ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_edited_comment_on_a_pull_is_told_apart_from_a_new_one_and_the_editor_is_the_actor() -> None:
    content = payload(COMMENTED)
    content["action"] = "edited"
    content["sender"] = {"id": 7, "login": "editor", "type": "User"}
    answer = deliver("issue_comment", content)
    assert isinstance(answer, Delivery)
    assert answer.event == CommentEdited(
        repo(309651765, "abc/def-ci-webhook-test"), 2, 751955664, Person(7, "editor"), "trigger abc"
    )


def test_a_deleted_comment_on_a_pull_is_ignored() -> None:
    content = payload(COMMENTED)
    content["action"] = "deleted"
    answer = deliver("issue_comment", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, Ignored)


@pytest.mark.parametrize("branch", ["--upload-pack=touch x", "a b#c", "häßlich", "refs/heads/x", 'q"uo`te'])
def test_an_odd_branch_name_is_kept_as_it_is(branch: str) -> None:
    content = payload(PUSHED)
    content["ref"] = f"refs/heads/{branch}"
    answer = deliver("push", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, PushedTo)
    assert answer.event.branch == branch


def test_an_event_without_a_repository_is_ignored_when_it_concerns_nothing_the_bot_does() -> None:
    answer = deliver("installation", {"action": "created"})
    assert answer == Delivery("72d3162e-cc78-11e3", Ignored("nothing to do for the event installation"))


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────────────────────────

names = st.sampled_from(["pull_request", "issue_comment", "push", "ping", "", "\x00", "Pull_Request"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=4), st.binary(max_size=200))
def test_arbitrary_headers_and_bytes_never_pass_the_signature(named: dict[str, str], body: bytes) -> None:
    assert isinstance(parse(named, body, [KEY]), BadSignature)


@given(names, st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_signed_bodies_never_raise(event: str, body: bytes) -> None:
    assert isinstance(parse(headers(event, body), body, [KEY]), Delivery | Malformed)


READ = [CLOSED, LABELLED, COMMENTED, PUSHED]
ORIGINALS = {name: payload(name) for name in READ}


def places(content: object, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(content, dict) or len(way) == 2:
        return [way] if way else []
    return [way] * bool(way) + [deeper for key in content for deeper in places(content[key], (*way, key))]


@settings(max_examples=200)
@given(st.data())
def test_a_real_payload_with_anything_anywhere_never_raises_and_never_yields_odd_values(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(READ))
    content = copy.deepcopy(ORIGINALS[name])
    way = data.draw(st.sampled_from(places(content)))
    change = data.draw(st.just(drop(*way)) | values.map(lambda value: put(*way, value=value)))
    change(content)
    answer = deliver(name.split("/", maxsplit=1)[0], content)
    assert isinstance(answer, Delivery | Malformed)
    if isinstance(answer, Delivery) and not isinstance(answer.event, Ignored):
        repr(answer.event).encode()
        assert answer.event.repo.id > 0
        assert answer.event.actor.id > 0
        assert answer.event.repo.path.count("/") == 1
