"""Sends deliveries at times that are fixed in advance, and keeps connections open that are in no hurry.

It must never wait for an answer before it sends the next: what comes late is late, and counts from when it was due.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from tests.bench.doors import KEY
from tests.bench.timing import percentile

SIZE = 20_000
_PATIENCE = 20.0
_REPOSITORIES = 20
_numbers = count(1)


@dataclass(slots=True)
class Answers:
    """What came of the deliveries: seconds from when each was due, and how it was answered (0: not at all)."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0
    """From when it was sent, which may be later than it was due where the sender is too slow itself."""

    def note(self, seconds: float, took: float, status: int) -> None:
        """One delivery was answered, or was not."""
        self.seconds.append(seconds)
        self.statuses[status] += 1
        self.longest = max(self.longest, took)

    @property
    def p99(self) -> float:
        """Seconds."""
        return percentile(self.seconds, 99)

    def told(self) -> str:
        """p50 / p99 / max in milliseconds."""
        shown = (percentile(self.seconds, 50), self.p99, max(self.seconds))
        return " / ".join(f"{each * 1000:,.0f}" for each in shown) + " ms"

    def others(self, *good: int) -> int:
        """How many were answered in another way."""
        return self.statuses.total() - sum(self.statuses[each] for each in good)

    def errors(self) -> str:
        """Whatever was not taken."""
        others = {status: number for status, number in sorted(self.statuses.items()) if status != 202}
        return ", ".join(f"{number} × {status or 'no answer'}" for status, number in others.items()) or "none"


def delivery() -> bytes:
    """A signed delivery that nobody has seen before, as it goes over the wire."""
    number = next(_numbers)
    told = {
        "action": "closed", "number": number,
        "pull_request": {"number": number, "merged": True, "body": "x" * SIZE},
        "repository": {"id": 1 + number % _REPOSITORIES, "full_name": f"acme/r{1 + number % _REPOSITORIES}",
                       "default_branch": "main"},
        "sender": {"id": 1, "login": "ada", "type": "User"},
    }  # fmt: skip
    body = json.dumps(told).encode()
    sealed = hmac.new(KEY.reveal().encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /hooks/github HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\nX-GitHub-Event: pull_request\r\n"
        f"X-GitHub-Delivery: d{number}\r\nX-Hub-Signature-256: sha256={sealed}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


async def offer(port: int, rate: float, seconds: float) -> Answers:
    """So many deliveries a second for so long, each on a connection of its own."""
    answers = Answers()
    texts = [delivery() for _ in range(int(rate * seconds))]
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1

    async def send(due: float, text: bytes) -> None:
        sent = loop.time()
        try:
            status = await asyncio.wait_for(_exchange(port, text), _PATIENCE)
        except (OSError, TimeoutError, ValueError, IndexError, asyncio.IncompleteReadError):
            status = 0
        answers.note(loop.time() - due, loop.time() - sent, status)

    async with asyncio.TaskGroup() as group:
        for number, text in enumerate(texts):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(send(due, text))
    return answers


async def _exchange(port: int, text: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        line = await reader.readline()
        await reader.read()
        return int(line.split()[1])
    finally:
        writer.close()


# ── those who are in no hurry ────────────────────────────────────────────────────────────────────────────────────────


async def dawdle(port: int, connections: int, seconds: float) -> None:
    """Open connections that send a head, or a body, or read, a byte now and then; closed ones are opened again."""
    end = asyncio.get_running_loop().time() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(_be_slow(port, number, end))


async def _be_slow(port: int, number: int, end: float) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep((number % 100) / 100)
    while loop.time() < end:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5)
        except (OSError, TimeoutError):
            await asyncio.sleep(1)
            continue
        try:
            await _dawdle_on(writer, reader, number, end)
        except OSError:
            await asyncio.sleep(0.5)
        finally:
            writer.close()


async def _dawdle_on(writer: asyncio.StreamWriter, reader: asyncio.StreamReader, number: int, end: float) -> None:
    text = delivery()
    way = number % 3
    head = text.index(b"\r\n\r\n") + 4
    sent = {0: 5, 1: head, 2: len(text)}[way]
    writer.write(text[:sent])
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        await asyncio.sleep(2)
        if way == 2:
            if not await reader.read(1):
                return
        elif sent < len(text):
            writer.write(text[sent : sent + 1])
            await writer.drain()
            sent += 1
            if reader.at_eof():
                return


if __name__ == "__main__":
    asyncio.run(dawdle(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
