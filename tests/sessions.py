"""Reads the recorded sessions of another bot with the real GitHub: what was asked, what was answered, what was sent.

It never changes them: what a test needs differently, it changes itself.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data" / "sessions"


@dataclass(frozen=True)
class Webhook:
    """A webhook as GitHub sent it, in its place in the session."""

    event: str
    id: str
    payload: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload).encode()

    def headers(self, secret: str) -> dict[str, str]:
        """The delivery's headers, signed anew: the recording does not hold the secret."""
        digest = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json", "X-GitHub-Event": self.event, "X-GitHub-Delivery": self.id,
            "X-Hub-Signature-256": f"sha256={digest}",
        }


@dataclass(frozen=True)
class Recorded:
    """A REST exchange: `path` with its query, the parsed bodies (None for none)."""

    method: str
    path: str
    request: Any
    status: int
    headers: dict[str, str]
    answer: Any


@dataclass(frozen=True)
class Session:
    """A whole session; `steps` has webhooks and exchanges in the order in which they happened."""

    name: str
    steps: tuple[Webhook | Recorded, ...]

    @property
    def webhooks(self) -> tuple[Webhook, ...]:
        return tuple(step for step in self.steps if isinstance(step, Webhook))

    @property
    def exchanges(self) -> tuple[Recorded, ...]:
        return tuple(step for step in self.steps if isinstance(step, Recorded))


def names() -> list[str]:
    """The recorded sessions."""
    return sorted(path.name.removesuffix(".jsonl.gz") for path in _DATA.glob("*.jsonl.gz"))


def load(name: str) -> Session:
    """Read one session. Raises `FileNotFoundError` when there is none of this name."""
    with gzip.open(_DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return Session(name, tuple(_read(json.loads(line)) for line in lines))


def _read(step: dict[str, Any]) -> Webhook | Recorded:
    if step["kind"] == "webhook":
        return Webhook(step["event"], step["id"], step["payload"])
    names_ = ("method", "path", "request_body", "status", "headers", "body")
    return Recorded(*(step[name] for name in names_))
