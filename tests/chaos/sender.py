"""Sends deliveries at a steady pace and remembers what each was answered, and when.

It must never wait for an answer before the next one is due.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.chaos.command import SECRET
from tests.chaos.town import Town


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one delivery: its name, the status (0 for no answer), seconds until then."""

    name: str
    status: int
    seconds: float


class Sender(threading.Thread):
    """Sends deliveries of one event in turn, each under a name of its own, until it is ended."""

    def __init__(self, port: int, event: str, payloads: Sequence[dict[str, Any]], rate: float) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self._address, self._event, self._rate = port, event, rate
        self._bodies = itertools.cycle([json.dumps(payload).encode() for payload in payloads])
        self._ended = threading.Event()

    def run(self) -> None:
        began, n = time.monotonic(), 0
        with ThreadPoolExecutor(64) as pool:
            while not self._ended.wait(max(0.0, began + n / self._rate - time.monotonic())):
                pool.submit(self.send, f"sent-{id(self)}-{n}", next(self._bodies))
                n += 1

    def end(self) -> list[Answer]:
        """Send no more; everything that was answered."""
        self._ended.set()
        self.join()
        return self.answers

    def send(self, name: str, body: bytes) -> int:
        """Send one delivery; what it was answered."""
        began, status = time.monotonic(), 0
        connection = http.client.HTTPConnection("127.0.0.1", self._address, timeout=30)
        try:
            connection.request("POST", "/hooks/github", body, sign(self._event, name, body))
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        self.answers.append(Answer(name, status, time.monotonic() - began))
        return status


def sign(event: str, name: str, body: bytes) -> dict[str, str]:
    """The headers of a delivery of GitHub's."""
    seal = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-GitHub-Event": event, "X-GitHub-Delivery": name, "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={seal}"}  # fmt: skip


def closing_of(town: Town, name: str, number: int) -> dict[str, Any]:
    """The payload with which the forge told that a pull was merged."""
    return next(each.payload for each in town.sent if each.event == "pull_request"
                and (each.payload["action"], each.payload["number"]) == ("closed", number)
                and each.payload["repository"]["full_name"] == name)  # fmt: skip
