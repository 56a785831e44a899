"""Deliveries as GitLab sends them, and as strangers might: what each one becomes."""

from __future__ import annotations

import base64
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

from bot.core.actions import GetLabellings, GetPull, Labelling, Sync
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
from bot.core.jobs import Backport
from bot.core.model import Line, Person, Repo, Secret
from bot.core.plan import plan
from bot.forges.gitlab_hooks import WINDOW, Delivery, parse
from tests.core.driving import drive
from tests.core.values import a_pull, synced

PAYLOADS = Path(__file__).parent.parent / "data" / "payloads" / "gitlab"
KEY = Secret("swordfish")
SIGNER = Secret("whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode())
NOW = 1_790_000_000
ID = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"
HOOKS = {
    "issue": "Issue Hook",
    "merge_request": "Merge Request Hook",
    "note": "Note Hook",
    "pipeline": "Pipeline Hook",
    "push": "Push Hook",
    "release": "Release Hook",
    "tag_push": "Tag Push Hook",
}


def headers(event: str, **others: str) -> dict[str, str]:
    named = {"X-Gitlab-Event": event, "Idempotency-Key": ID, "X-Gitlab-Token": KEY.reveal()}
    return {**named, **{name.replace("_", "-"): value for name, value in others.items()}}


def deliver(event: str, content: object) -> Delivery | BadSignature | Malformed:
    return parse(headers(event), json.dumps(content).encode(), [KEY], NOW)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / name).read_bytes())


def hook_of(name: str) -> str:
    return HOOKS[name.split("/", maxsplit=1)[0]]


def repo(number: int, path: str, default: str = "master") -> Repo:
    return Repo("gitlab", number, path, default)


HELLO = repo(4861503, "gitlab-org/hello-world")
DEEP = repo(4861503, "group1/group2/group3/grp2repo")
TEST = repo(5, "gitlab-org/gitlab-test")
SYTSES = Person(0, "sytses")
README = "adding build instructions to readme"
PUSHER = Person(51764, "sytses")
DIASPORA = "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7"
TAGGED = "2adc9465c4edfc33834e173fe89436a7cb899a1d"
TESTED = "bcbb5ec396a2c0f828686f14fac9b80b780504f2"
MISPRINTED = "merge_request/merge.gogitlab_group_merge_request.json"
"""An example from a manual whose field names end in spaces (`"iid "`): no GitLab has ever sent it."""

SYSTEM = "merge_request/event.gopg_system-merge-request-event.json"
"""What a hook of the whole server sends, under a name of its own."""


def pushed(name: str, where: Repo, branch: str, actor: Person) -> PushedTo:
    body = payload(name)
    return PushedTo(where, branch, body["before"], body["after"], actor)


EVENTS: dict[str, Event] = {
    "merge_request/close.goscm_pull_request_close.json": PullClosed(HELLO, 1, SYTSES),
    "merge_request/close.opsdroid_mr_closed.json": PullClosed(
        repo(30456730, "FabioRosado/test-project", "main"), 2, Person(3612771, "FabioRosado")
    ),
    "merge_request/merge.goscm_pull_request_merge.json": PullClosed(HELLO, 1, SYTSES),
    **{
        f"merge_request/{name}.json": PullOpened(where, number, who, base, body, name.startswith("reopen"))
        for name, where, number, who, base, body in [
            ("open.gogitlab_merge_request", repo(1, "gitlabhq/gitlab-test"), 1, Person(1, "user1"), "master", ""),
            ("open.gopg_merge-request-event", repo(1, "gitlabhq/gitlab-test"), 1, Person(1, "root"), "master", ""),
            ("open.goscm_merge_request_subgroup", DEEP, 1, SYTSES, "master", README),
            ("open.goscm_pull_request_create", HELLO, 1, SYTSES, "master", README),
            ("reopen.goscm_pull_request_reopen", HELLO, 1, SYTSES, "master", README),
            (
                "reopen.opsdroid_generic_mr", repo(30456730, "FabioRosado/test-project", "main"), 2,
                Person(3612771, "FabioRosado"), "main", "This reverts merge request !1",
            ),
        ]
    },
    "note/create.gogitlab_note_merge_request.json": CommentPosted(
        TEST, 1, 1244, Person(1, "root"), "This MR needs work."
    ),
    "note/event.gopg_comment-merge-request-event.json": CommentPosted(
        TEST, 1, 1244, Person(1, "root"), "This MR needs work."
    ),
    "note/event.goscm_merge_request_comment_create.json": CommentPosted(
        HELLO, 1, 50772616, PUSHER, "lgtm"
    ),
    "note/event.goscm_merge_request_comment_subgroup.json": CommentPosted(
        DEEP, 1, 50772616, PUSHER, "lgtm"
    ),
    "note/event.goscm_review_comment_create.json": CommentPosted(HELLO, 1, 50772639, PUSHER, "check spelling"),
    "note/create.gogitlab_note_issue.json": CommentPosted(
        TEST, 17, 1241, Person(42, "user1"), "Hello world", on="issue"
    ),
    "note/event.goscm_issue_comment_create.json": CommentPosted(HELLO, 1, 50771783, PUSHER, "bump", on="issue"),
    **{
        f"tag_push/{name}.json": TagPushed(where, "v1.0.0", sha, who, change)
        for name, where, sha, who, change in [
            ("event.gogitlab_tag_push", repo(1, "jsmith/example"), DIASPORA, Person(1, "jsmith"), "created"),
            ("event.gopg_tag-event", repo(1, "jsmith/example"), DIASPORA, Person(0, "ghost"), "created"),
            ("event.goscm_tag_create", HELLO, TAGGED, PUSHER, "created"),
            ("event.goscm_tag_delete", HELLO, TAGGED, PUSHER, "deleted"),
            ("event.goscm_tag_delete_subgroup", DEEP, TAGGED, PUSHER, "deleted"),
        ]
    },
    **{
        f"pipeline/success.{name}.json": ChecksReported(where, TESTED, ("master",), who)
        for name, where, who in [
            ("gogitlab_pipeline", repo(1, "gitlab-org/gitlab-test"), Person(42, "user1")),
            ("gopg_pipeline-event", repo(1, "gitlab-org/gitlab-test"), Person(0, "root")),
            ("goscm_pipeline_hook", repo(1, "gitlab-org/gitlab-test"), Person(1, "root")),
            ("goscm_pipeline_subgroup", repo(1, "group1/group2/group3/grp2repo"), Person(1, "root")),
        ]
    },
    **{
        name: pushed(name, where, branch, actor)
        for name, where, branch, actor in [
            ("push/event.gogitlab_push.json", repo(15, "mike/diaspora"), "master", Person(4, "jsmith")),
            ("push/event.goscm_branch_create.json", HELLO, "feature", PUSHER),
            ("push/event.goscm_branch_delete.json", HELLO, "feature", PUSHER),
            ("push/event.goscm_push.json", HELLO, "master", PUSHER),
            ("push/event.goscm_push_merge.json", HELLO, "master", PUSHER),
            ("push/event.goscm_push_subgroup.json", DEEP, "master", PUSHER),
        ]
    },
}
"""The payloads that concern the bot. Every other one in the folder is to be ignored."""

IGNORED_BECAUSE = {
    "merge_request": "a pull was neither opened, closed nor labelled",
    "note": "a comment on something that is neither pull nor issue",
    "note/event.gopg_confidential-comment-event.json":
        "a confidential comment, which a public answer would give away",
}

ALL = sorted(path.relative_to(PAYLOADS).as_posix() for path in PAYLOADS.glob("*/*.json"))


@pytest.mark.parametrize("name", [name for name in ALL if name not in {MISPRINTED, SYSTEM}])
def test_a_real_payload_becomes_the_right_event_or_is_ignored_with_a_reason(name: str) -> None:
    kind = IGNORED_BECAUSE.get(name.split("/", maxsplit=1)[0], f"nothing to do for the event {hook_of(name)}")
    reason = IGNORED_BECAUSE.get(name, kind)
    body = (PAYLOADS / name).read_bytes()
    assert parse(headers(hook_of(name)), body, [KEY], NOW) == Delivery(ID, EVENTS.get(name) or Ignored(reason))


def test_what_a_hook_of_the_whole_server_sends_is_ignored() -> None:
    assert deliver("System Hook", payload(SYSTEM)) == Delivery(ID, Ignored("nothing to do for the event System Hook"))


def test_the_example_that_the_manual_misprints_is_malformed() -> None:
    assert deliver("Merge Request Hook", payload(MISPRINTED)) == Malformed("project_id is not a positive number")


def test_the_table_names_only_files_that_are_there_and_the_folder_is_complete() -> None:
    assert set(EVENTS) <= set(ALL)
    assert len(ALL) == 39


# ── the secret token ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_any_configured_token_counts_so_that_tokens_can_be_rotated() -> None:
    sent = headers("Push Hook", X_Gitlab_Token="old")
    body = (PAYLOADS / PUSHED).read_bytes()
    assert isinstance(parse(sent, body, [Secret("new"), Secret("old")], NOW), Delivery)
    assert isinstance(parse(sent, body, [Secret("old"), Secret("new")], NOW), Delivery)
    assert isinstance(parse(sent, body, [Secret("new")], NOW), BadSignature)


@pytest.mark.parametrize("secrets", [[], [Secret("")]], ids=["none", "an empty one"])
def test_without_a_secret_everything_is_refused_even_an_empty_token(secrets: list[Secret]) -> None:
    refused = parse(headers("Push Hook", X_Gitlab_Token=""), b"{}", secrets, NOW, secrets)
    assert isinstance(refused, BadSignature)
    assert "no webhook secret is configured" in refused.reason


@pytest.mark.parametrize("token", ["", "swordfis", "swordfish ", "SWORDFISH", "swordfisch", "ſwordfish", "\ud800"])
def test_an_odd_or_wrong_token_is_refused(token: str) -> None:
    refused = parse(headers("Push Hook", X_Gitlab_Token=token), b"not json", [KEY], NOW)
    assert isinstance(refused, BadSignature)
    assert refused.reason.startswith("the header X-Gitlab-Token is missing or holds none")


def test_a_missing_token_is_refused_before_anything_else_is_looked_at() -> None:
    assert isinstance(parse({}, b"not json", [KEY], NOW), BadSignature)


def test_a_token_beyond_ascii_arrives_as_a_web_server_hands_it_on() -> None:
    sent = headers("System Hook", X_Gitlab_Token="schlüssel".encode().decode("latin-1"))
    assert isinstance(parse(sent, b"{}", [Secret("schlüssel")], NOW), Delivery)


def test_header_names_are_read_in_any_case() -> None:
    shouted = {name.upper(): value for name, value in headers("System Hook").items()}
    assert isinstance(parse(shouted, b"{}", [KEY], NOW), Delivery)


# ── the signing token ────────────────────────────────────────────────────────────────────────────────────────────────


def sign(body: bytes, signer: Secret = SIGNER, stamp: object = NOW, known: str = ID) -> str:
    encoded = signer.reveal().removeprefix("whsec_")
    key = base64.b64decode(encoded) if encoded != signer.reveal() else encoded.encode()
    said = f"{known}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def signed(body: bytes, **others: str) -> dict[str, str]:
    named = {"X-Gitlab-Event": "System Hook", "webhook-id": ID, "webhook-timestamp": str(NOW)}
    named["webhook-signature"] = sign(body)
    return {**named, **{name.replace("_", "-"): value for name, value in others.items()}}


def judge(sent: dict[str, str], body: bytes = b"{}", *, signing: tuple[Secret, ...] = (SIGNER,)) -> object:
    return parse(sent, body, [], NOW, signing)


def test_a_signed_delivery_needs_no_token_and_is_known_by_the_id_that_was_signed() -> None:
    answer = judge(signed(b"{}", Idempotency_Key="another"))
    assert answer == Delivery(ID, Ignored("nothing to do for the event System Hook"))


def test_the_signature_is_that_of_the_standard_webhooks_specification() -> None:
    """The worked example of that specification, so that signer and checker cannot agree on a mistake."""
    sent = {
        "X-Gitlab-Event": "System Hook",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    token = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert isinstance(parse(sent, b'{"test": 2432232314}', [], 1614265330, [token]), Delivery)


def test_one_of_several_signatures_is_enough_while_tokens_are_rotated() -> None:
    other = Secret("whsec_" + base64.b64encode(b"x" * 32).decode())
    both = f"{sign(b'{}', other)} {sign(b'{}')}"
    assert isinstance(judge(signed(b"{}", webhook_signature=both)), Delivery)
    assert isinstance(judge(signed(b"{}"), signing=(other, SIGNER)), Delivery)
    assert isinstance(judge(signed(b"{}"), signing=(other,)), BadSignature)


@pytest.mark.parametrize("token", ["plain words", "whsec_not base64!", "whsec_"])
def test_a_signing_token_of_another_form_is_taken_as_it_is(token: str) -> None:
    said = f"{ID}.{NOW}.{{}}".encode()
    signature = "v1," + base64.b64encode(hmac.new(token.encode(), said, hashlib.sha256).digest()).decode()
    assert isinstance(judge(signed(b"{}", webhook_signature=signature), signing=(Secret(token),)), Delivery)


@pytest.mark.parametrize("age", [-WINDOW, 0, WINDOW])
def test_a_delivery_within_the_window_is_taken(age: int) -> None:
    stamp = str(NOW - age)
    sent = signed(b"{}", webhook_timestamp=stamp, webhook_signature=sign(b"{}", stamp=stamp))
    assert isinstance(judge(sent), Delivery)


@pytest.mark.parametrize("age", [-WINDOW - 1, WINDOW + 1, NOW])
def test_a_delivery_outside_the_window_is_a_replay_although_its_signature_is_right(age: int) -> None:
    stamp = str(NOW - age)
    sent = signed(b"{}", webhook_timestamp=stamp, webhook_signature=sign(b"{}", stamp=stamp))
    assert judge(sent) == BadSignature("the delivery was signed too long ago, or one of the two clocks is wrong")


@pytest.mark.parametrize(
    "others",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": sign(b"{}").removeprefix("v1,")},
        {"webhook_signature": sign(b"{}").replace("v1,", "v2,")},
        {"webhook_signature": sign(b"{}") + "="},
        {"webhook_signature": sign(b"{} ")},
        {"webhook_signature": sign(b"{}", Secret("other"))},
        {"webhook_signature": f"{'v1,' + 'A' * 43 + '= '}" * 8 + sign(b"{}")},
        {"webhook_id": "another"},
        {"webhook_id": ""},
        {"webhook_id": "x\ny"},
        {"webhook_timestamp": str(NOW + 1)},
        {"webhook_timestamp": f" {NOW}"},
        {"webhook_timestamp": f"+{NOW}"},
        {"webhook_timestamp": f"{NOW}.0"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "９" * 10},
        {"webhook_timestamp": "9" * 5000},
    ],
)
def test_an_odd_or_wrong_signature_is_refused(others: dict[str, str]) -> None:
    assert isinstance(judge(signed(b"{}", **others)), BadSignature)


def test_one_changed_byte_breaks_the_signature() -> None:
    body = (PAYLOADS / MERGED).read_bytes()
    changed = body.replace(b'"merge"', b'"close"', 1)
    assert changed != body
    sent = signed(body, X_Gitlab_Event="Merge Request Hook")
    assert isinstance(judge(sent, body), Delivery)
    assert isinstance(judge(sent, changed), BadSignature)


def test_what_is_configured_is_demanded_so_a_token_cannot_stand_in_for_a_signature() -> None:
    unsigned = parse(headers("System Hook"), b"{}", [KEY], NOW, [SIGNER])
    assert unsigned == BadSignature("the delivery is not signed; give the webhook on GitLab a signing token")
    without = parse(signed(b"{}"), b"{}", [KEY], NOW, [SIGNER])
    assert isinstance(without, BadSignature)
    assert "X-Gitlab-Token" in without.reason
    assert isinstance(parse(signed(b"{}", X_Gitlab_Token="swordfish"), b"{}", [KEY], NOW, [SIGNER]), Delivery)


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def known(body: bytes, **named: str) -> object:
    given = {"X-Gitlab-Event": "System Hook", "X-Gitlab-Token": "swordfish"}
    answer = parse({**given, **{name.replace("_", "-"): value for name, value in named.items()}}, body, [KEY], NOW)
    return answer.id if isinstance(answer, Delivery) else answer


def test_a_delivery_is_known_by_its_idempotency_key() -> None:
    assert known(b"{}", Idempotency_Key="k", X_Gitlab_Event_UUID="u", X_Gitlab_Webhook_UUID="w") == "k"


def test_events_of_one_chain_share_a_uuid_and_are_told_apart_all_the_same() -> None:
    first, second = (known(body, X_Gitlab_Event_UUID="u") for body in (b"{}", b'{"a": 1}'))
    assert first != second
    assert first == known(b"{}", X_Gitlab_Event_UUID="u")


@pytest.mark.parametrize("named", [{}, {"Idempotency_Key": "a b"}, {"Idempotency_Key": "x" * 101}])
def test_a_delivery_that_is_known_by_nothing_is_malformed(named: dict[str, str]) -> None:
    answer = known(b"{}", **named)
    assert isinstance(answer, Malformed)
    assert "Idempotency-Key" in answer.reason


# ── malformed deliveries ─────────────────────────────────────────────────────────────────────────────────────────────

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not JSON"),
    "NaN": (b'{"object_kind": NaN}', "not JSON"),
    "nested 100,000 deep": (b"[" * 100_000, "nested too deeply"),
    "a list": (b"[]", "not a JSON object"),
    "a form": (b"payload=%7B%7D", "not JSON"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object_is_malformed(name: str) -> None:
    body, reason = BODIES[name]
    answer = parse(headers("Merge Request Hook"), body, [KEY], NOW)
    assert isinstance(answer, Malformed)
    assert reason in answer.reason


@pytest.mark.parametrize("event", ["", "merge_request", "Merge Request Hook\n", "Ünlike Hook", "X" * 80])
def test_an_event_header_that_names_no_event_is_malformed(event: str) -> None:
    answer = deliver(event, payload(MERGED))
    assert isinstance(answer, Malformed)
    assert "X-Gitlab-Event" in answer.reason


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


MERGED, COMMENTED = "merge_request/merge.goscm_pull_request_merge.json", "note/create.gogitlab_note_merge_request.json"
PUSHED, EDITED = "push/event.goscm_push.json", "merge_request/update.goscm_pull_request_review_ready.json"

DAMAGED: list[tuple[str, Change, str]] = [
    (MERGED, drop("project"), "project is not a JSON object"),
    (MERGED, put("project", "path_with_namespace", value="../../etc"), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="a/../b"), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="a/b/.."), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="a//b"), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="alone"), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="a/b\n"), "project.path_with_namespace"),
    (MERGED, put("project", "path_with_namespace", value="a/" * 30 + "b"), "project.path_with_namespace"),
    (MERGED, put("project", "id", value=True), "project.id"),
    (MERGED, put("project", "id", value=2**63), "project.id"),
    (MERGED, put("project", "default_branch", value=7), "project.default_branch"),
    (MERGED, drop("user"), "user"),
    (MERGED, put("user", "username", value="\ud800"), "user.username"),
    (MERGED, put("user", "id", value="7"), "user.id"),
    (MERGED, drop("object_attributes"), "object_attributes is not a JSON object"),
    (MERGED, put("object_attributes", "iid", value="1"), "object_attributes.iid"),
    (MERGED, put("object_attributes", "iid", value=-1), "object_attributes.iid"),
    (EDITED, put("changes", value=[]), "changes is not a JSON object"),
    (EDITED, put("changes", "labels", value=[]), "changes.labels is not a JSON object"),
    (EDITED, put("changes", "labels", value={"previous": []}), "changes.labels.current is not a list"),
    (EDITED, put("changes", "labels", value={"previous": [7], "current": []}), "changes.labels.previous[0]"),
    (EDITED, put("changes", "labels", value={"previous": [], "current": [{}]}), "changes.labels.current[0].title"),
    (COMMENTED, drop("merge_request"), "merge_request is not a JSON object"),
    (COMMENTED, drop("object_attributes", "note"), "object_attributes.note"),
    (COMMENTED, put("object_attributes", "id", value="1"), "object_attributes.id"),
    (PUSHED, put("ref", value="refs/heads/"), "ref names no branch"),
    (PUSHED, put("ref", value=None), "ref is not text"),
    (PUSHED, put("after", value="HEAD"), "after"),
    (PUSHED, put("before", value="--upload-pack=x"), "before"),
    (PUSHED, put("user_id", value="7"), "user_id"),
]


@pytest.mark.parametrize(("name", "change", "reason"), DAMAGED, ids=[f"{n}: {r}" for n, _, r in DAMAGED])
def test_a_damaged_payload_is_malformed_and_the_reason_names_the_field(name: str, change: Change, reason: str) -> None:
    content = payload(name)
    change(content)
    answer = deliver(hook_of(name), content)
    assert isinstance(answer, Malformed)
    assert reason in answer.reason


@pytest.mark.parametrize("claimed", ["Merge Request Hook", "Note Hook", "Push Hook"])
def test_an_event_header_that_the_body_contradicts_is_malformed(claimed: str) -> None:
    for name in ALL:
        if hook_of(name) != claimed:
            assert isinstance(deliver(claimed, payload(name)), Malformed)


# ── what the recordings lack ─────────────────────────────────────────────────────────────────────────────────────────

TITLED = dict[str, object]


def labelled(before: list[TITLED], after: list[TITLED], action: str = "update") -> object:
    content = payload(EDITED)
    content["object_attributes"]["action"] = action
    content["changes"] = {"labels": {"previous": before, "current": after}}
    answer = deliver("Merge Request Hook", content)
    assert isinstance(answer, Delivery)
    return answer.event


MEET = repo(44067058, "rathod.meetsatish/meet", "main")
SATISH = Person(13900456, "rathod.meetsatish")


def test_all_labels_that_one_edit_has_put_on_are_one_event() -> None:
    before: list[TITLED] = [{"id": 1, "title": "bug"}, {"id": 2, "title": "gone"}]
    after: list[TITLED] = [before[0], {"id": 3, "title": "torch 2.7"}, {"id": 4, "title": "backport::2.7"}]
    assert labelled(before, after) == PullLabelled(MEET, 3, ("torch 2.7", "backport::2.7"), SATISH)


def test_labels_taken_off_only_are_nothing_to_do() -> None:
    assert isinstance(labelled([{"title": "backport/2.7"}, {"title": "bug"}], [{"title": "bug"}]), Ignored)
    assert isinstance(labelled([{"title": "backport/2.7"}], []), Ignored)


def test_a_pull_that_is_opened_with_its_labels_waits_for_the_merge() -> None:
    opened = labelled([], [{"title": "backport/2.7"}], action="open")
    assert opened == PullOpened(MEET, 3, SATISH, "main", "", again=False)


@pytest.mark.parametrize("action", ["approved", "unapproved", "approval", "later", None, 7])
def test_what_else_happens_to_pulls_is_ignored(action: object) -> None:
    content = payload(MERGED)
    content["object_attributes"]["action"] = action
    answer = deliver("Merge Request Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, Ignored)


def commented(**changes: object) -> object:
    content = payload(COMMENTED)
    content["user"] = {"id": 7, "username": "editor"}
    content["object_attributes"] |= changes
    answer = deliver("Note Hook", content)
    assert isinstance(answer, Delivery)
    return answer.event


def test_an_edited_comment_is_told_apart_from_a_new_one_and_the_editor_is_the_actor() -> None:
    assert commented(action="update") == CommentEdited(TEST, 1, 1244, Person(7, "editor"), "This MR needs work.")


def test_an_editor_without_an_id_is_nobody_and_not_the_author() -> None:
    content = payload(COMMENTED)
    content["user"] = {"username": "editor"}
    content["object_attributes"]["action"] = "update"
    answer = deliver("Note Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, CommentEdited)
    assert answer.event.actor == Person(0, "editor")


@pytest.mark.parametrize(
    "changes",
    [
        {"system": True},
        {"system": "yes"},
        {"confidential": True},
        {"internal": True},
        {"internal": 1},
        {"action": "delete"},
        {"action": 7},
        {"noteable_type": "Snippet"},
        {"noteable_type": "Commit"},
    ],
)
def test_what_is_no_public_comment_of_a_person_on_a_pull_is_ignored(changes: dict[str, object]) -> None:
    assert isinstance(commented(**changes), Ignored)


def test_a_confidential_comment_never_leads_to_a_public_answer() -> None:
    content = payload(COMMENTED)
    content["event_type"] = "confidential_note"
    for event in ("Note Hook", "Confidential Note Hook"):
        answer = deliver(event, content)
        assert isinstance(answer, Delivery)
        assert isinstance(answer.event, Ignored)


def test_a_name_like_that_of_a_bot_makes_nobody_one() -> None:
    content = payload(COMMENTED)
    content["user"]["username"] = "project_5_bot_0123"
    answer = deliver("Note Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, CommentPosted)
    assert not answer.event.actor.is_bot


def test_a_push_of_a_deploy_key_is_nobodys() -> None:
    content = payload(PUSHED)
    content |= {"user_id": None, "user_username": None}
    answer = deliver("Push Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, PushedTo)
    assert answer.event.actor.id == 0


@pytest.mark.parametrize("branch", ["--upload-pack=touch x", "a b#c", "häßlich", "refs/heads/x", 'q"uo`te'])
def test_an_odd_branch_name_is_kept_as_it_is(branch: str) -> None:
    content = payload(PUSHED)
    content["ref"] = f"refs/heads/{branch}"
    answer = deliver("Push Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, PushedTo)
    assert answer.event.branch == branch


def test_a_tag_that_moved_is_told_of_with_its_commit() -> None:
    content = payload("tag_push/event.goscm_tag_create.json") | {"before": "1" * 40, "after": "2" * 40}
    assert deliver("Tag Push Hook", content) == Delivery(ID, TagPushed(HELLO, "v1.0.0", TAGGED, PUSHER, "moved"))
    content["ref"] = "refs/heads/v1.0.0"
    assert deliver("Tag Push Hook", content) == Delivery(ID, Ignored("a push to something that is not a tag"))


@pytest.mark.parametrize(("change", "reason"), [
    ({"status": "running"}, "a pipeline that has not ended"), ({"tag": True}, "a pipeline of a tag"),
])
def test_a_pipeline_that_says_nothing_of_a_branch_is_ignored(change: dict[str, Any], reason: str) -> None:
    content = payload("pipeline/success.goscm_pipeline_hook.json")
    content["object_attributes"] |= change
    assert deliver("Pipeline Hook", content) == Delivery(ID, Ignored(reason))


@pytest.mark.parametrize("place", ["object_attributes", "issue"])
def test_what_is_said_of_a_confidential_issue_is_not_answered(place: str) -> None:
    content = payload("note/event.goscm_issue_comment_create.json")
    content[place]["confidential"] = True
    answer = deliver("Note Hook", content)
    assert isinstance(answer, Delivery)
    assert isinstance(answer.event, Ignored)
    assert "confidential" in answer.event.reason


def test_a_push_of_tags_under_the_name_of_a_push_is_ignored() -> None:
    content = payload(PUSHED)
    content["ref"] = "refs/tags/v2.7.0"
    assert deliver("Push Hook", content) == Delivery(ID, Ignored("a push to something that is not a branch"))


def test_a_repository_without_a_branch_is_ignored_since_errors_would_switch_the_webhook_off() -> None:
    content = payload(PUSHED)
    content["project"]["default_branch"] = None
    assert deliver("Push Hook", content) == Delivery(ID, Ignored("a repository that has no branch yet"))


def test_the_hooks_of_a_project_and_of_its_group_are_two_deliveries_and_lead_to_the_same_jobs() -> None:
    body = (PAYLOADS / MERGED).read_bytes()
    answers = {
        GetPull: a_pull(labels=("backport/2.7",)),
        Sync: synced(),
        GetLabellings: {"backport/2.7": Labelling(Person(1, "ada"), 1)},
    }
    keys: list[list[str]] = []
    for delivery_id in ("of-the-project", "of-the-group"):
        answer = parse(headers("Merge Request Hook", Idempotency_Key=delivery_id), body, [KEY], NOW)
        assert isinstance(answer, Delivery)
        assert answer.id == delivery_id
        assert not isinstance(answer.event, Ignored)
        keys.append([job.key for job in drive(plan(answer.event), answers)[0].jobs])
    assert keys[0] == keys[1] == [Backport(HELLO, 12, Line(2, 7), Person(1, "ada")).key]


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────────────────────────

events = st.sampled_from(["Merge Request Hook", "Note Hook", "Push Hook", "System Hook", "", "\x00"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
odd_headers = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x-gitlab-token", "X-Gitlab-Event"])
    | st.text(max_size=30),
    st.text(st.characters(), max_size=80),
    max_size=5,
)


@given(odd_headers, st.binary(max_size=200))
def test_arbitrary_headers_and_bytes_never_pass_for_genuine(named: dict[str, str], body: bytes) -> None:
    assert isinstance(parse(named, body, [KEY], NOW), BadSignature)
    assert isinstance(parse(named, body, [], NOW, [SIGNER]), BadSignature)


@given(events, st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_genuine_bodies_never_raise(event: str, body: bytes) -> None:
    assert isinstance(parse(headers(event), body, [KEY], NOW), Delivery | Malformed)


READ = [MERGED, EDITED, COMMENTED, PUSHED]
ORIGINALS = {name: payload(name) for name in READ}
ORIGINALS[EDITED]["changes"]["labels"] = {"previous": [], "current": [{"title": "backport/2.7"}]}


def places(content: object, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(content, dict) or len(way) == 3:
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
    answer = deliver(hook_of(name), content)
    assert isinstance(answer, Delivery | Malformed)
    if isinstance(answer, Delivery) and not isinstance(answer.event, Ignored):
        repr(answer.event).encode()
        assert answer.event.repo.id > 0
        assert answer.event.actor.id >= 0
        assert "/" in answer.event.repo.path
