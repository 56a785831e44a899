"""What strangers might send to the bot's doors: genuine deliveries, altered in every way that leaves them no longer so.

It must never make what the forge itself could have sent: then that it is taken would be no fault.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

from bot.core.model import ForgeName
from tests.chaos.forged import (
    HUB,
    HUB_FOREIGN,
    LAB,
    LAB_FOREIGN,
    NOW,
    PROOFS,
    SIGNER,
    SIGNER_FOREIGN,
    Case,
    Request,
    hub_signature,
    lab_signature,
    payloads,
)

Forge = Callable[[Random, Case], Request | None]
"""Makes a forgery of a delivery; None where that kind of delivery cannot be forged so."""

FORGERIES: dict[str, Forge] = {}


def _forgery(name: str) -> Callable[[Forge], Forge]:
    def keep(make: Forge) -> Forge:
        FORGERIES[name] = make
        return make

    return keep


def _proof(rng: Random, case: Case) -> str:
    return rng.choice(PROOFS[case.kind])


def _altered(rng: Random, text: str) -> str:
    """One character of a text is another one, of those that a header can hold."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice([each for each in map(chr, range(33, 127)) if each != text[at]]) + text[at + 1 :]


def _flipped(rng: Random, body: bytes) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + bytes((body[at] ^ (1 << rng.randrange(8)),)) + body[at + 1 :]


def _needs_signature(case: Case) -> bool:
    """A secret token says who sends, and nothing of what: whoever has it can send anything."""
    return case.kind != "token"


@_forgery("no proof at all")
def _(rng: Random, case: Case) -> Request:
    return case.request().without(*PROOFS[case.kind])


@_forgery("one of two proofs")
def _(rng: Random, case: Case) -> Request | None:
    return case.request().without(_proof(rng, case)) if case.kind == "both" else None


@_forgery("an empty proof")
def _(rng: Random, case: Case) -> Request:
    request, name = case.request(), _proof(rng, case)
    return replace(
        request, headers={**request.headers, name: rng.choice(("", " ", "0", "null", "undefined", "sha256=", "v1,"))}
    )


@_forgery("another's secret")
def _(rng: Random, case: Case) -> Request:
    if case.kind == "token" or (case.kind == "both" and rng.random() < 0.5):
        return case.request(token=rng.choice((LAB_FOREIGN, HUB, SIGNER, "", " ")))
    return case.request(
        key=rng.choice((HUB_FOREIGN, LAB, SIGNER) if case.kind == "github" else (SIGNER_FOREIGN, LAB, HUB))
    )


@_forgery("nearly the secret")
def _(rng: Random, case: Case) -> Request:
    own = {"github": HUB, "token": LAB, "signed": SIGNER, "both": LAB}[case.kind]
    at = rng.randrange(6, len(own) - 4)  # within what a base64 of the key means
    near = rng.choice(
        (own[:-6], own + "AAAA", own.upper(), _altered(rng, own[:at] + own[at + 1 :]), own[:at] + own[at + 1 :])
    )
    return case.request(token=near) if case.kind in ("token", "both") else case.request(key=_decodable(near))


def _decodable(token: str) -> str:
    try:
        base64.b64decode(token.removeprefix("whsec_"), validate=True)
    except ValueError:
        return "x" + token.removeprefix("whsec_")
    return token


@_forgery("the text of the signing token as its key")
def _(rng: Random, case: Case) -> Request | None:
    if case.kind not in ("signed", "both"):
        return None
    text = rng.choice((SIGNER, SIGNER.removeprefix("whsec_")))
    when = str(NOW)
    signature = base64.b64encode(hmac.digest(text.encode(), f"d-1.{when}.".encode() + case.body, "sha256")).decode()
    return replace(case.request(), headers={**case.request().headers, "webhook-signature": f"v1,{signature}"})


@_forgery("a proof with another character")
def _(rng: Random, case: Case) -> Request:
    request, name = case.request(), _proof(rng, case)
    return replace(request, headers={**request.headers, name: _altered(rng, request.headers[name])})


@_forgery("a proof that is cut or longer")
def _(rng: Random, case: Case) -> Request:
    request, name = case.request(), _proof(rng, case)
    whole = request.headers[name]
    # Not behind a space: a header may hold several signatures, and one of them is right.
    made = rng.choice((whole[: rng.randrange(len(whole))], whole + rng.choice("0aA=,;"), whole[1:], whole * 2))
    return replace(request, headers={**request.headers, name: made})


@_forgery("a proof sent twice")
def _(rng: Random, case: Case) -> Request:
    """A server joins headers of one name with a comma."""
    request, name = case.request(), _proof(rng, case)
    whole = request.headers[name]
    other = case.request(key=HUB_FOREIGN if case.kind == "github" else SIGNER_FOREIGN, token=LAB_FOREIGN).headers[name]
    joined = rng.choice((",", ", ")).join(rng.choice(((whole, other), (other, whole), (whole, whole))))
    body = _flipped(rng, case.body) if _needs_signature(case) else case.body  # several signatures are allowed
    return replace(request, headers={**request.headers, name: joined}, body=body)


@_forgery("a proof under another name")
def _(rng: Random, case: Case) -> Request:
    request, name = case.request(), _proof(rng, case)
    letters = [at for at, each in enumerate(name) if each.isalnum()]
    at = rng.choice(letters)
    other = rng.choice([each for each in "abcdefghijklmnopqrstuvwxyz0123456789" if each != name[at].lower()])
    renamed = rng.choice((name[:at] + other + name[at + 1 :], name[:-1], name + "-", "X-" + name, "X-Hub-Signature"))
    return replace(request.without(name), headers={**request.without(name).headers, renamed: request.headers[name]})


@_forgery("a body with one other bit")
def _(rng: Random, case: Case) -> Request | None:
    return replace(case.request(), body=_flipped(rng, case.body)) if _needs_signature(case) else None


@_forgery("a body that is cut or longer")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case):
        return None
    body = rng.choice(
        (case.body[: rng.randrange(len(case.body))], case.body + b" ", b"\n" + case.body, case.body * 2, b"")
    )
    return replace(case.request(), body=body)


@_forgery("a length that is less than the body")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case):
        return None
    return replace(case.request(), length=str(rng.randrange(len(case.body))))


@_forgery("no length, or none that is a number")
def _(rng: Random, case: Case) -> Request:
    return replace(case.request(), length=rng.choice((None, "-1", "1e3", "0x10", "", "12, 12", "9" * 30)) or None)


@_forgery("another number, label, comment or person in the body")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case):
        return None
    told = json.loads(case.body)
    told[rng.choice(("number", "action", "sender", "repository", "label", "comment", "user", "project", "ref"))] = (
        rng.choice(
            (
                7,
                "labeled",
                {"id": 1, "login": "root", "type": "User"},
                "refs/heads/release/2.7",
                None,
                [],
                {"name": "backport/2.7"},
            )
        )
    )
    return replace(case.request(), body=json.dumps(told).encode())


@_forgery("the same JSON in other bytes")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case):
        return None
    text = case.body.decode("utf-8")
    other = rng.choice((
        lambda: text.encode("utf-16"), lambda: b"\xef\xbb\xbf" + case.body, lambda: text.encode("utf-32"),
        lambda: json.dumps(json.loads(text), indent=rng.randrange(1, 9)).encode(),
        lambda: text.replace(":", ": ", 1).encode(),
        lambda: json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode() + b"\n",
    ))()  # fmt: skip
    return None if other == case.body else replace(case.request(), body=other)


@_forgery("a compressed body with the plain one's signature")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case):
        return None
    request = replace(case.request(), body=gzip.compress(case.body[:2000], 1))
    return replace(
        request, headers={**request.headers, "Content-Encoding": rng.choice(("gzip", "deflate", "br", "x-gzip"))}
    )


@_forgery("a signed body that is compressed, a form, or no JSON object")
def _(rng: Random, case: Case) -> Request:
    body = rng.choice(
        (gzip.compress(case.body[:2000], 1), b"payload=" + case.body, b"[" + case.body + b"]", b"null", b"1", b'"x"')
    )
    request = case.request(body)
    return replace(
        request, headers={**request.headers, "Content-Encoding": "gzip"} if body[:1] == b"\x1f" else request.headers
    )


_NONSENSE: tuple[bytes, ...] = (
    b"NaN", b"Infinity", b"-Infinity", b"0", b"-1", b"1.5", b"true", b'"12"', b"9" * 5000, b"9" * 30, b"1e400", b"null",
    b"[" * 30_000, b'{"a":' * 30_000, b'"\\ud800"', b"{}", b"[]", b"[12]",
)  # fmt: skip


@_forgery("a signed body with nonsense for its numbers")
def _(rng: Random, case: Case) -> Request:
    """Also where the right value stands first under the same name."""
    told = json.loads(case.body)
    name = (
        "repository" if case.kind == "github" else "object_attributes" if "object_attributes" in told else "project_id"
    )
    for key in ("project",) if case.kind != "github" else ():
        told.pop(key, None)  # what holds the number of the project for newer GitLabs
    whole = json.dumps(told).encode()
    return case.request(whole[:-1] + b',"' + name.encode() + b'":' + rng.choice(_NONSENSE) + b"}")


@_forgery("the signature of another delivery")
def _(rng: Random, case: Case) -> Request | None:
    if not _needs_signature(case) or not case.others:
        return None
    return replace(case.request(), body=rng.choice(case.others))


@_forgery("the proof of the other forge")
def _(rng: Random, case: Case) -> Request:
    request = case.request().without(*PROOFS[case.kind])
    if case.kind == "github":
        proof = rng.choice(
            (
                {"X-Gitlab-Token": rng.choice((LAB, HUB))},
                {"webhook-signature": lab_signature(HUB, "d-1", str(NOW), case.body)},
            )
        )
    else:
        proof = {"X-Hub-Signature-256": hub_signature(rng.choice((HUB, LAB, SIGNER)), case.body)}
    return replace(request, headers={**request.headers, **proof})


@_forgery("at the other forge's door, with the headers of both")
def _(rng: Random, case: Case) -> Request:
    request = case.request()
    both = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d", "X-Gitlab-Event": "Merge Request Hook"}
    at = "/hooks/gitlab" if case.kind == "github" else "/hooks/github"
    extra = {"X-Gitlab-Token": HUB} if case.kind == "github" else {"X-Hub-Signature-256": hub_signature(LAB, case.body)}
    return replace(request, path=at, headers={**both, **request.headers, **extra})


@_forgery("an older or other algorithm")
def _(rng: Random, case: Case) -> Request | None:
    if case.kind == "token":
        return None
    if case.kind == "github":
        hexed = hub_signature(HUB, case.body).partition("=")[2]
        proof = rng.choice((
            *(hub_signature(HUB, case.body, each) for each in ("sha1", "sha512", "md5")),
            *("sha256=" + hashlib.sha256(key + case.body).hexdigest() for key in (b"", HUB.encode())),
            "SHA256=" + hexed, "sha256=" + hexed.upper(), hexed, "sha256:" + hexed, "sha1=" + hexed[:40],
        ))  # fmt: skip
        request = case.request().having(X__Hub__Signature=hub_signature(HUB, case.body, "sha1"))
        return rng.choice((request.without("X-Hub-Signature-256"), request.having(**{"X-Hub-Signature-256": proof})))
    whole = case.request().headers["webhook-signature"].removeprefix("v1,")
    proof = rng.choice(("v2,", "v1a,", "V1,", "v1=", "", "v1, ")) + whole
    return case.request().having(**{"webhook-signature": proof})


@_forgery("signed too long ago, or ahead of time")
def _(rng: Random, case: Case) -> Request | None:
    if case.kind not in ("signed", "both"):
        return None
    away = rng.randrange(301, 10**8)
    return case.request(when=str(NOW + rng.choice((away, -away))))


@_forgery("another time or id than was signed")
def _(rng: Random, case: Case) -> Request | None:
    if case.kind not in ("signed", "both"):
        return None
    changed = {
        "webhook-timestamp": rng.choice(
            (str(NOW + rng.randrange(1, 300)), f"0{NOW}", f"{NOW}.0", f"+{NOW}", f" {NOW}x", "")
        ),
        "webhook-id": rng.choice(("d-2", "d-1.", f"d-1.{NOW}", "", "x" * 200, "d 1")),
    }
    return case.request().having(**dict((rng.choice(list(changed.items())),)))


@_forgery("an event's name that is not the body's")
def _(rng: Random, case: Case) -> Request:
    """The name is signed by nobody; a body can be sent again as if it were something else."""
    forge: ForgeName = case.door
    ours = (
        ("pull_request", "issue_comment", "push")
        if forge == "github"
        else ("Merge Request Hook", "Note Hook", "Push Hook")
    )
    event, body = rng.choice(_others(forge))
    return case.request(body, event=rng.choice([each for each in ours if each != event]))


_known: dict[ForgeName, list[tuple[str, bytes]]] = {}


def _others(forge: ForgeName) -> list[tuple[str, bytes]]:
    if forge not in _known:
        _known[forge] = list(payloads(forge))
    return _known[forge]


@_forgery("an event's or a delivery's name that is none")
def _(rng: Random, case: Case) -> Request:
    event, name = (
        ("X-GitHub-Event", "X-GitHub-Delivery") if case.kind == "github" else ("X-Gitlab-Event", "X-Gitlab-Event")
    )
    odd = rng.choice(("", " ", "../x", "a b", "x" * 200, "é", "pull_request\x00", "Pull_Request", "{}", "%s", "*"))
    changed = rng.choice((event, name))
    request = case.request()
    return rng.choice((request.without(changed), replace(request, headers={**request.headers, changed: odd})))


@_forgery("another method or address")
def _(rng: Random, case: Case) -> Request:
    request, door = case.request(), case.request().path
    if rng.random() < 0.5:
        return replace(request, method=rng.choice(("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X")))
    elsewhere = (
        door + "/",
        door + "/x",
        door.upper(),
        "/hooks",
        "/",
        "/hooks/../hooks/gitea",
        door + "%00",
        door + ";x",
        "/hooks//x",
    )
    return replace(request, path=rng.choice(elsewhere))
