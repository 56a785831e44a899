"""A signer as a child of this process, for those who start one command and no other.

It must never read the key or its passphrase: it names the files to the child, which ends when we do, however that is.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.core.errors import UserError
from bot.tools.signer import Declined, Signed, SocketSigner

_KEPT = ("PATH", "LANG", "PYTHONPATH", "SSH_AUTH_SOCK", "TMPDIR", "XDG_RUNTIME_DIR")
_START = 30.0
"""Seconds until a signer listens: gpg's agent may have to start, too."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the child finds its key."""

    format: str
    key: Path
    passphrase: Path | None = None
    json_log: bool = False


class OwnSigner:
    """Starts its signer when one is first wanted, and anew when it has died. Safe to share between threads."""

    def __init__(self, files: KeyFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._room: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=3)

    def sign(self, repository: str, text: bytes) -> Signed | Declined:
        """See `Signer`."""
        return self._there().sign(repository, text)

    def probe(self) -> Signed | Declined:
        """See `Signer`."""
        return self._there().probe()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _there(self) -> SocketSigner:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._start()
            assert self._room is not None
            return SocketSigner(Path(self._room.name) / "socket")

    def _start(self) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="relbot-signer-")
        files, socket = self._files, Path(self._room.name) / "socket"
        passphrase = ["--passphrase-file", str(files.passphrase)] if files.passphrase else []
        form = ["--json"] if files.json_log else []
        command = [
            sys.executable, "-m", "bot", "signer", *form, "--format", files.format, "--key", str(files.key),
            *passphrase, "--socket", str(socket), "--until-eof",
        ]  # fmt: skip
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=kept, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._pass_on, args=(self._process.stderr,), daemon=True).start()
        if not _has_spoken(self._process):
            self._end()
            said = " ".join(self._said).removeprefix("relbot: ") or "it did not say why"
            raise UserError(f"My signer did not start: {said}")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        if self._room is not None:
            self._room.cleanup()
            self._room = None

    def _pass_on(self, stream: IO[bytes]) -> None:
        """Its log goes where ours does, if we have one; the last of it is kept, for when it does not start."""
        with suppress(OSError, ValueError), stream:
            for line in stream:
                text = line.decode(errors="replace")
                self._said.append(text.strip())
                if logging.getLogger().handlers:
                    sys.stderr.write(text)


def _has_spoken(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has said that it listens; false when it has ended, or says nothing for too long."""
    assert process.stdout is not None
    end = time.monotonic() + _START
    ready: Sequence[object] = ()
    while not ready and time.monotonic() < end:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
    return bool(ready) and bool(process.stdout.readline())
