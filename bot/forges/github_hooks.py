"""Turns a GitHub webhook delivery, bytes and headers as they came, into an event of ours.

It must never raise on what a stranger sends, and never look into a body whose signature it has not checked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence

from bot.core.events import (
    BadSignature,
    ChecksReported,
    CommentEdited,
    CommentPosted,
    Delivery,
    Event,
    Ignored,
    Malformed,
    PullClosed,
    PullLabelled,
    PullOpened,
    PushedTo,
    TagPushed,
)
from bot.core.model import Person, Place, Repo, Secret
from bot.forges.fields import OBJECT_ID, Fields, UnreadableError, read_json
from bot.forges.pushed import read_tag_change, split_ref

__all__ = ["Delivery", "parse"]


def parse(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret]) -> Delivery | BadSignature | Malformed:
    """Check the signature on `body`, then read it. Header names may be in any case; any of `secrets` may have signed.

    Never raises: what cannot be read is `Malformed`, with a reason that may be shown to the sender.
    """
    named = {name.lower(): value for name, value in headers.items()}
    objection = _objection_to(named.get("x-hub-signature-256", ""), body, secrets)
    if objection:
        return BadSignature(objection)
    try:
        return Delivery(_id_of(named), _event_of(named.get("x-github-event", ""), _json_of(named, body)))
    except UnreadableError as unreadable:
        return Malformed(str(unreadable))


# ── the envelope ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)
_DELIVERY_ID = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)


def _objection_to(signature: str, body: bytes, secrets: Sequence[Secret]) -> str | None:
    """Why a signature is not accepted; None when it is."""
    keys = [secret.reveal().encode("utf-8", "surrogateescape") for secret in secrets if secret]
    if not keys:
        return "no webhook secret is configured, so no delivery can be trusted; set one here and on GitHub"
    if not _SIGNATURE.fullmatch(signature):
        return "the header X-Hub-Signature-256 is missing or is not `sha256=` and 64 hex digits"
    expected = [f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}" for key in keys]
    # Every key is compared, also after a match, so that the time taken says nothing about which one it was.
    if not sum(hmac.compare_digest(signature, one) for one in expected):
        return "the signature was not made with any of the configured webhook secrets"
    return None


def _id_of(headers: Mapping[str, str]) -> str:
    delivery_id = headers.get("x-github-delivery", "")
    if not _DELIVERY_ID.fullmatch(delivery_id):
        raise UnreadableError("the header X-GitHub-Delivery is missing or is not an id")
    return delivery_id


def _json_of(headers: Mapping[str, str], body: bytes) -> Fields:
    if headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        raise UnreadableError("the body is a form; set the webhook's content type to application/json")
    return read_json(body)


# ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────────

_PATH = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9_.-]+/(?!\.{1,2}$)[A-Za-z0-9_.-]+", re.ASCII)
_EVENT_NAME = re.compile(r"[a-z_]{1,60}", re.ASCII)


def _event_of(name: str, body: Fields) -> Event | Ignored:
    if not _EVENT_NAME.fullmatch(name):
        raise UnreadableError("the header X-GitHub-Event is missing or is not the name of an event")
    reader = _READERS.get(name)
    return reader(body) if reader else Ignored(f"nothing to do for the event {name}")


def _pull_request(body: Fields) -> Event | Ignored:
    # The event's name is not signed: reviews and their comments carry a pull too, and are told apart by what else.
    _refuse_any("pull_request", body, "comment", "review", "thread")
    action, pull = body.text("action"), body.fields("pull_request")
    repo, number, actor = _repo(body), body.number("number"), _person(body)
    if number != pull.number("number"):
        raise UnreadableError("number and pull_request.number are not the same pull")
    match action:
        case "opened" | "reopened":
            body_text = pull.text("body") if pull.has("body") else ""
            return PullOpened(repo, number, actor, pull.fields("base").text("ref"), body_text, action == "reopened")
        case "closed":
            return PullClosed(repo, number, actor)
        case "labeled":
            return PullLabelled(repo, number, (body.fields("label").text("name"),), actor)
        case _:
            return Ignored("a pull was neither opened, closed nor labelled")


def _issue_comment(body: Fields) -> Event | Ignored:
    _refuse_any("issue_comment", body, "pull_request", "review")
    action, issue, comment = body.text("action"), body.fields("issue"), body.fields("comment")
    repo, number, actor = _repo(body), issue.number("number"), _person(body)
    on: Place = "pull" if issue.has("pull_request") else "issue"
    match action:
        case "created":
            told = comment.moment("created_at")
            return CommentPosted(repo, number, comment.number("id"), actor, comment.text("body"), told, on)
        case "edited":
            return CommentEdited(repo, number, comment.number("id"), actor, comment.text("body"), on)
        case _:
            return Ignored("a comment was neither written nor edited")


def _push(body: Fields) -> Event | Ignored:
    repo, ref, actor = _repo(body), body.text("ref"), _person(body)
    before, after = body.matching("before", OBJECT_ID), body.matching("after", OBJECT_ID)
    folder, name = split_ref(ref)
    if folder == "branch":
        return PushedTo(repo, name, before, after, actor)
    if folder == "tag":
        commit = body.fields("head_commit").matching("id", OBJECT_ID) if body.has("head_commit") else after
        sha, change = read_tag_change(before, after, commit)
        return TagPushed(repo, name, sha, actor, change)
    return Ignored("a push to something that is neither branch nor tag")


def _check_suite(body: Fields) -> Event | Ignored:
    """All that one App runs on a commit. Of a fork's branch no name is told."""
    suite, repo, actor = body.fields("check_suite"), _repo(body), _person(body)
    sha = suite.matching("head_sha", OBJECT_ID)
    if body.text("action") != "completed":
        return Ignored("checks that have not ended")
    if not suite.has("head_branch"):
        return Ignored("checks on a commit of no branch here")
    return ChecksReported(repo, sha, (suite.text("head_branch"),), actor)


def _status(body: Fields) -> Event | Ignored:
    """One report on a commit, with those of the branches that it is the tip of."""
    repo, actor, sha = _repo(body), _person(body), body.matching("sha", OBJECT_ID)
    branches = tuple(branch.text("name") for branch in body.each("branches"))
    if body.text("state") == "pending":
        return Ignored("a check that has not ended")
    if not branches:
        return Ignored("a check on a commit that is no branch's tip")
    return ChecksReported(repo, sha, branches, actor)


def _repo(body: Fields) -> Repo:
    found = body.fields("repository")
    return Repo("github", found.number("id"), found.matching("full_name", _PATH), found.text("default_branch"))


def _person(body: Fields) -> Person:
    sender = body.fields("sender")
    return Person(sender.number("id"), sender.text("login"), is_bot=sender.text("type") == "Bot")


def _refuse_any(event: str, body: Fields, *names: str) -> None:
    for name in names:
        if body.has(name):
            raise UnreadableError(f"the header says {event}, but the body has a {name}")


_READERS: dict[str, Callable[[Fields], Event | Ignored]] = {
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "push": _push,
    "check_suite": _check_suite,
    "status": _status,
}
