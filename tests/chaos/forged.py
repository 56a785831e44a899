"""Genuine deliveries of both forges, as whoever has a key would send them, and the doors that take them.

It must never hold a key that is in use anywhere.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from bot.app.server import Parse
from bot.core.events import Delivery, Ignored
from bot.core.model import ForgeName, Secret
from bot.forges import github_hooks, gitlab_hooks

PAYLOADS = Path(__file__).parents[1] / "data" / "payloads"
NOW = 1_790_000_000

HUB, HUB_OLD, HUB_FOREIGN = "hub-" + "a1" * 12, "hub-" + "b2" * 12, "hub-" + "c3" * 12
LAB, LAB_FOREIGN = "lab-" + "d4" * 12, "lab-" + "e5" * 12
SIGNER = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SIGNER_FOREIGN = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()

Kind = Literal["github", "token", "signed", "both"]
"""GitHub; a GitLab whose webhook sends a secret token; one that signs; one that does both."""

PROOFS: dict[Kind, tuple[str, ...]] = {
    "github": ("X-Hub-Signature-256",),
    "token": ("X-Gitlab-Token",),
    "signed": ("webhook-signature",),
    "both": ("webhook-signature", "X-Gitlab-Token"),
}


@dataclass(frozen=True)
class Request:
    """One request; `length` is what Content-Length says, None for a body without one."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    length: str | None = ""
    """Empty: that of the body."""

    def without(self, *names: str) -> Request:
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def having(self, **headers: str) -> Request:
        return replace(
            self, headers={**self.headers, **{name.replace("__", "-"): each for name, each in headers.items()}}
        )


@dataclass(frozen=True)
class Case:
    """A genuine delivery, and who could have sent it."""

    kind: Kind
    event: str
    body: bytes
    others: tuple[bytes, ...] = field(repr=False)
    """Bodies of other deliveries at the same door."""

    @property
    def door(self) -> ForgeName:
        return "github" if self.kind == "github" else "gitlab"

    def request(self, body: bytes | None = None, key: str = "", token: str = LAB, **told: str) -> Request:
        """The delivery as the forge sends it, or with another body or key, signed by whoever has that key."""
        body = self.body if body is None else body
        event, when, name = told.get("event", self.event), told.get("when", str(NOW)), told.get("name", "d-1")
        if self.kind == "github":
            headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": name, "Content-Type": "application/json"}
            return Request("/hooks/github", {**headers, "X-Hub-Signature-256": hub_signature(key or HUB, body)}, body)
        headers = {"X-Gitlab-Event": event, "Idempotency-Key": name, "Content-Type": "application/json"}
        if self.kind in ("signed", "both"):
            headers |= {"webhook-id": name, "webhook-timestamp": when}
            headers["webhook-signature"] = lab_signature(key or SIGNER, name, when, body)
        if self.kind in ("token", "both"):
            headers["X-Gitlab-Token"] = token
        return Request("/hooks/gitlab", headers, body)


def hub_signature(key: str, body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}={hmac.new(key.encode(), body, algorithm).hexdigest()}"


def lab_signature(token: str, name: str, when: str, body: bytes) -> str:
    encoded = token.removeprefix("whsec_")
    key = base64.b64decode(encoded) if encoded != token else token.encode()
    return "v1," + base64.b64encode(hmac.digest(key, f"{name}.{when}.".encode() + body, "sha256")).decode()


def doors(kind: Kind) -> dict[ForgeName, Parse]:
    """The doors of a bot whose GitLab is of this kind; that of GitHub is always there, with two secrets."""
    secrets = [Secret(LAB)] if kind != "signed" else []
    signing = [Secret(SIGNER)] if kind in ("signed", "both") else []
    return {
        "github": lambda headers, body: github_hooks.parse(headers, body, [Secret(HUB), Secret(HUB_OLD)]),
        "gitlab": lambda headers, body: gitlab_hooks.parse(headers, body, secrets, NOW, signing),
    }


# ── what is genuine ──────────────────────────────────────────────────────────────────────────────────────────────────

_HOOKS = {"merge_request": "Merge Request Hook", "note": "Note Hook", "push": "Push Hook", "issue": "Issue Hook",
          "pipeline": "Pipeline Hook", "release": "Release Hook", "tag_push": "Tag Push Hook"}  # fmt: skip
MOST = 12


def cases(kind: Kind) -> tuple[Case, ...]:
    """Real deliveries that the bot does something about."""
    read = doors(kind)["github" if kind == "github" else "gitlab"]
    whole: list[tuple[str, bytes]] = []
    for event, body in payloads("github" if kind == "github" else "gitlab"):
        request = Case(kind, event, body, ()).request()
        parsed = read(request.headers, body)
        if isinstance(parsed, Delivery) and not isinstance(parsed.event, Ignored):
            whole.append((event, body))
    whole = [whole[at * len(whole) // MOST] for at in range(MOST)] if len(whole) > MOST else whole
    bodies = tuple(body for _, body in whole)
    return tuple(Case(kind, event, body, tuple(each for each in bodies if each != body)) for event, body in whole)


def payloads(forge: ForgeName) -> Iterator[tuple[str, bytes]]:
    """Every recorded payload, with the event that its header named."""
    folder = PAYLOADS / "gitlab" if forge == "gitlab" else PAYLOADS
    for path in sorted(folder.glob("*/*.json")):
        if forge == "gitlab" or path.parent.parent == PAYLOADS:
            yield (_HOOKS[path.parent.name] if forge == "gitlab" else path.parent.name), path.read_bytes()
