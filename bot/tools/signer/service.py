"""The signer itself: listens at a socket that only its owner can reach, and signs what the rules allow.

It must never sign without a line in its log, nor answer with anything but a signature or the reason why there is none.
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import stat
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.errors import Fault, UserError
from bot.tools.signer import LONGEST, PROBE
from bot.tools.signer.keys import Key
from bot.tools.signer.rules import Rules

_PATIENCE = 10.0
"""Seconds within which a whole request has to come."""

_AT_ONCE = 8
_log = logging.getLogger(__name__)


def listen_at(path: Path) -> socket.socket:
    """A socket with the rights 0600. One that nobody answers any more is replaced; `UserError` for anything else."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _take_away_stale(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
    except OSError as error:
        raise UserError(f"I cannot listen at {path}: {error.strerror or error}. Name another --socket.") from None
    listener.listen()
    return listener


def inherited() -> socket.socket | None:
    """The socket that systemd has opened for this process, if it has."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=3)


def _take_away_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise UserError(f"{path} is there already and is no socket. Name another --socket, or take it away.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        try:
            other.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise UserError(f"A signer listens at {path} already. Stop it first, or name another --socket.")


@dataclass
class Service:
    """Answers one request for each connection. One signature is made at a time."""

    key: Key
    rules: Rules
    listener: socket.socket
    _signing: threading.Lock = field(default_factory=threading.Lock)
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_AT_ONCE))
    _told: tuple[int, int] = field(default_factory=os.pipe)

    def serve(self) -> None:
        """Answer until `stop`. The listener is left as it is: it may be systemd's, who goes on with it."""
        while True:
            ready, _, _ = select.select([self.listener.fileno(), self._told[0]], [], [])
            if self._told[0] in ready:
                break
            self._room.acquire()
            connection, _ = self.listener.accept()
            threading.Thread(target=self._attend, args=(connection,), daemon=True).start()
        self.listener.close()

    def stop(self) -> None:
        """Take no more requests. May be called from a signal's handler."""
        os.write(self._told[1], b".")

    def _attend(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(_PATIENCE)
                answer = self._answer(_read(connection))
                connection.sendall(json.dumps(answer).encode() + b"\n")
        except OSError as error:
            _log.warning("a conversation was given up: %s", error)
        finally:
            self._room.release()

    def _answer(self, request: bytes) -> dict[str, str]:
        try:
            match json.loads(request):
                case {"probe": True}:
                    return self._sign(PROBE, "the probe, which is no tag")
                case {"repository": str(repository), "tag": str(text)}:
                    return self._judge(repository, text.encode())
                case _:
                    pass
        except (ValueError, RecursionError):
            pass
        return _decline("the request cannot be read")

    def _judge(self, repository: str, text: bytes) -> dict[str, str]:
        found = self.rules.judge(repository, text)
        if isinstance(found, str):
            return _decline(found)
        asked = dict(found.trailers).get("Requested-By", "nobody")
        return self._sign(text, f"{found.name} of {repository} at {found.commit}, asked for by {asked}")

    def _sign(self, text: bytes, what: str) -> dict[str, str]:
        began = time.monotonic()
        try:
            with self._signing:
                signature = self.key.sign(text)
        except (Fault, UserError) as error:
            _log.error("not signed: %s: %s", what, error)
            return {"failed": str(error)}
        _log.info("signed %s, in %.0f ms", what, 1000 * (time.monotonic() - began))
        return {"signature": signature.decode("ascii")}


def _decline(reason: str) -> dict[str, str]:
    _log.warning("declined: %s", reason)
    return {"declined": reason}


def _read(connection: socket.socket) -> bytes:
    """The whole request, within the time for all of it."""
    end, parts, size = time.monotonic() + _PATIENCE, [], 0
    while part := connection.recv(65536):
        parts.append(part)
        size += len(part)
        if size > LONGEST or part.endswith(b"\n"):
            break
        if time.monotonic() > end:
            raise TimeoutError("it came too slowly")
    return b"".join(parts) if size <= LONGEST else b""
