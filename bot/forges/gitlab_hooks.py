"""Turns a GitLab webhook delivery, bytes and headers as they came, into an event of ours.

It must never raise on what a stranger sends, and never look into a body that nobody with the secret has sent.
"""

from __future__ import annotations

import base64
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

WINDOW = 300
"""Seconds that a signed delivery may be old, or ahead of our clock, before it counts as replayed."""


def parse(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: int, signing: Sequence[Secret] = ()
) -> Delivery | BadSignature | Malformed:
    """Check who sent `body`, then read it. Header names may be in any case; `now` is seconds since the epoch.

    `secrets` are the secret tokens that GitLab sends along, `signing` the signing tokens (`whsec_…`) that it signs
    with; any one of a kind will do. What is configured is demanded: with both kinds a delivery needs both.
    Never raises: what cannot be read is `Malformed`, with a reason that may be shown to the sender.
    """
    named = {name.lower(): value for name, value in headers.items()}
    objection = _objection_to(named, body, secrets, now, signing)
    if objection:
        return BadSignature(objection)
    try:
        event = _event_of(named.get("x-gitlab-event", ""), read_json(body))
        return Delivery(_id_of(named, body), event)
    except UnreadableError as unreadable:
        return Malformed(str(unreadable))


# ── who sent it ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_MOST_SIGNATURES = 8
"""GitLab sends one for each key that is valid at a time; more are somebody keeping us busy."""


def _objection_to(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: int, signing: Sequence[Secret]
) -> str | None:
    """Why a delivery is not taken for GitLab's; None when it is."""
    tokens, keys = _configured(secrets), [_key_of(token) for token in _configured(signing)]
    if not tokens and not keys:
        return "no webhook secret is configured, so no delivery can be trusted; set one here and on GitLab"
    if keys and (objection := _objection_to_signature(headers, body, keys, now)):
        return objection
    if tokens and not _any_equal(_sent(headers.get("x-gitlab-token", "")), tokens):
        return "the header X-Gitlab-Token is missing or holds none of the configured webhook secrets"
    return None


def _objection_to_signature(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: int) -> str | None:
    stamp, signed_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not _TIMESTAMP.fullmatch(stamp) or not _ID.fullmatch(signed_id):
        return "the delivery is not signed; give the webhook on GitLab a signing token"
    if abs(now - int(stamp)) > WINDOW:
        return "the delivery was signed too long ago, or one of the two clocks is wrong"
    words = headers.get("webhook-signature", "").split()
    signatures = [word.removeprefix("v1,").encode("ascii") for word in words if _SIGNATURE.fullmatch(word)]
    said = f"{signed_id}.{stamp}.".encode("ascii") + body
    expected = [base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()) for key in keys]
    # Each is compared with each, also after a match, so that the time taken says nothing about which key it was.
    if not sum(_any_equal(signature, expected) for signature in signatures[:_MOST_SIGNATURES]):
        return "the signature was not made with any of the configured signing tokens"
    return None


def _configured(secrets: Sequence[Secret]) -> list[bytes]:
    return [secret.reveal().encode("utf-8", "surrogateescape") for secret in secrets if secret]


def _key_of(token: bytes) -> bytes:
    """The key that a signing token stands for: GitLab writes it as `whsec_` and base64."""
    encoded = token.removeprefix(b"whsec_")
    if encoded == token:
        return token
    try:
        return base64.b64decode(encoded, validate=True) or token
    except ValueError:
        return token


def _sent(header: str) -> bytes:
    """The bytes of a header: a web server hands each on as one character."""
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode("utf-8", "surrogatepass")


def _any_equal(given: bytes, expected: Sequence[bytes]) -> bool:
    # Digests are all of one length, so that the time taken does not tell how long the right one is either.
    digest = hashlib.sha256(given).digest()
    return sum(hmac.compare_digest(digest, hashlib.sha256(one).digest()) for one in expected) > 0


def _id_of(headers: Mapping[str, str], body: bytes) -> str:
    """What a delivery is known by when it comes again.

    The UUID of older GitLabs is shared by all events of one chain, so it tells deliveries apart with their body only.
    """
    if named := headers.get("webhook-id") or headers.get("idempotency-key"):
        known = named
    elif uuid := headers.get("x-gitlab-event-uuid"):
        known = f"{uuid}:{hashlib.sha256(body).hexdigest()[:16]}"
    else:
        known = ""
    if not _ID.fullmatch(known):
        raise UnreadableError("the headers Idempotency-Key and X-Gitlab-Event-UUID are missing or are no ids")
    return known


# ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────────

_PATH = re.compile(r"(?:(?!\.{1,2}/)[A-Za-z0-9_.-]+/){1,20}(?!\.{1,2}$)[A-Za-z0-9_.-]+", re.ASCII)
_EVENT_NAME = re.compile(r"[A-Z][A-Za-z ]{1,60}", re.ASCII)
_NOBODY = Person(0, "ghost")
_PLACES: dict[str, Place] = {"MergeRequest": "pull", "Issue": "issue"}
_ENDED = frozenset({"success", "failed", "canceled", "skipped"})


def _event_of(name: str, body: Fields) -> Event | Ignored:
    if not _EVENT_NAME.fullmatch(name):
        raise UnreadableError("the header X-Gitlab-Event is missing or is not the name of an event")
    if name not in _READERS:
        return Ignored(f"nothing to do for the event {name}")
    kind, reader = _READERS[name]
    # The event's name is not signed.
    if not body.says("object_kind", kind):
        raise UnreadableError(f"the header says {name}, but object_kind is not {kind}")
    # Answered with an error, GitLab would count it against the webhook and in the end switch that off.
    if not body.fields("project").has("default_branch"):
        return Ignored("a repository that has no branch yet")
    return reader(body)


def _merge_request(body: Fields) -> Event | Ignored:
    pull = body.fields("object_attributes")
    if pull.says("action", "merge") or pull.says("action", "close"):
        return PullClosed(_repo(body), pull.number("iid"), _person(body))
    if pull.says("action", "open") or pull.says("action", "reopen"):
        text = pull.text("description") if pull.has("description") else ""
        base, again = pull.text("target_branch"), pull.says("action", "reopen")
        return PullOpened(_repo(body), pull.number("iid"), _person(body), base, text, again)
    if pull.says("action", "update") and (added := _labels_added(body)):
        return PullLabelled(_repo(body), pull.number("iid"), added, _person(body))
    return Ignored("a pull was neither opened, closed nor labelled")


def _labels_added(body: Fields) -> tuple[str, ...]:
    """The labels that are there after an edit and were not before."""
    changes = body.fields("changes") if body.has("changes") else None
    if changes is None or not changes.has("labels"):
        return ()
    labels = changes.fields("labels")
    before = {label.text("title") for label in labels.each("previous")}
    return tuple(title for label in labels.each("current") if (title := label.text("title")) not in before)


def _note(body: Fields) -> Event | Ignored:
    note = body.fields("object_attributes")
    if not note.has("noteable_type") or (on := _PLACES.get(note.text("noteable_type"))) is None:
        return Ignored("a comment on something that is neither pull nor issue")
    if _may_be(note, "system"):
        return Ignored("a comment that GitLab has written itself")
    if _may_be(note, "confidential") or _may_be(note, "internal") or body.says("event_type", "confidential_note"):
        return Ignored("a confidential comment, which a public answer would give away")
    place = body.fields("merge_request" if on == "pull" else "issue")
    if _may_be(place, "confidential"):
        return Ignored("a comment on a confidential issue, which a public answer would give away")
    number, comment, text = place.number("iid"), note.number("id"), note.text("note")
    if note.says("action", "create") or not note.has("action"):  # before GitLab 16.11 only new comments were told of
        author = note.number("author_id")
        actor = _person(body, otherwise=author)
        return CommentPosted(_repo(body), number, comment, actor, text, note.moment("created_at"), on)
    if note.says("action", "update"):
        return CommentEdited(_repo(body), number, comment, _person(body), text, on)
    return Ignored("a comment was neither written nor edited")


def _may_be(note: Fields, quality: str) -> bool:
    """True unless the delivery says no, or nothing."""
    return note.has(quality) and not note.says(quality, value=False)


def _push(body: Fields) -> Event | Ignored:
    folder, name = split_ref(body.text("ref"))
    if folder != "branch":
        return Ignored("a push to something that is not a branch")
    before, after = body.matching("before", OBJECT_ID), body.matching("after", OBJECT_ID)
    return PushedTo(_repo(body), name, before, after, _pusher(body))


def _tag_push(body: Fields) -> Event | Ignored:
    folder, name = split_ref(body.text("ref"))
    if folder != "tag":
        return Ignored("a push to something that is not a tag")
    before, after = body.matching("before", OBJECT_ID), body.matching("after", OBJECT_ID)
    commit = body.matching("checkout_sha", OBJECT_ID) if body.has("checkout_sha") else after
    sha, change = read_tag_change(before, after, commit)
    return TagPushed(_repo(body), name, sha, _pusher(body), change)


def _pusher(body: Fields) -> Person:
    """Who pushed; a deploy key is nobody."""
    if body.has("user_id") and body.has("user_username"):
        return Person(body.number("user_id"), body.text("user_username"))
    return _NOBODY


def _pipeline(body: Fields) -> Event | Ignored:
    """All that runs on a commit of one ref."""
    pipeline = body.fields("object_attributes")
    if pipeline.text("status") not in _ENDED:
        return Ignored("a pipeline that has not ended")
    if pipeline.says("tag", value=True):
        return Ignored("a pipeline of a tag")
    sha, branch = pipeline.matching("sha", OBJECT_ID), pipeline.text("ref")
    return ChecksReported(_repo(body), sha, (branch,), _person(body) if body.has("user") else _NOBODY)


def _repo(body: Fields) -> Repo:
    found = body.fields("project")
    number = found.number("id") if found.has("id") else body.number("project_id")
    return Repo("gitlab", number, found.matching("path_with_namespace", _PATH), found.text("default_branch"))


def _person(body: Fields, otherwise: int = 0) -> Person:
    """Who acted. Old GitLabs name no id; 0 is nobody's, so it can never be given a role.

    Whether it is a bot GitLab does not say here, and a name is no proof; who has to know asks the adapter.
    """
    user = body.fields("user")
    return Person(user.number("id") if user.has("id") else otherwise, user.text("username"))


_READERS: dict[str, tuple[str, Callable[[Fields], Event | Ignored]]] = {
    "Merge Request Hook": ("merge_request", _merge_request),
    "Note Hook": ("note", _note),
    "Push Hook": ("push", _push),
    "Tag Push Hook": ("tag_push", _tag_push),
    "Pipeline Hook": ("pipeline", _pipeline),
}
