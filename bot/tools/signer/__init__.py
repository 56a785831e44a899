"""The side of signing that everybody may see: how a signer in a process of its own is asked.

It must never hold a key or a passphrase, nor import what does.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.core.errors import Fault

LONGEST = 256_000
"""Bytes of a request or an answer."""

PROBE = (
    b"object 0000000000000000000000000000000000000000\ntype commit\ntag relbot-probe\n"
    b"tagger relbot <relbot@users.noreply.invalid> 0 +0000\n\nThis is no tag: it shows which key signs.\n"
)
"""What a signer signs for anybody who may reach it: the tag of nothing, under a name that is no version's."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An armoured signature, as it stands at the end of a tag object."""

    signature: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """The signer does not sign such a thing, whoever asks for it."""

    reason: str


class Signer(Protocol):
    """Whatever signs tags."""

    def sign(self, repository: str, text: bytes) -> Signed | Declined:
        """Sign the text of a tag that is meant for a repository (`forge:owner/name`). `Fault` where none answers."""

    def probe(self) -> Signed | Declined:
        """A signature over `PROBE`."""

    def close(self) -> None:
        """End what was started for it."""


class SocketSigner:
    """A signer that listens at a Unix socket on this machine. Safe to share between threads."""

    def __init__(self, path: Path, deadline: float = 60.0) -> None:
        """`deadline` is in seconds, for each step of a conversation; the signer has one of its own for its key."""
        self._path = path
        self._deadline = deadline

    def sign(self, repository: str, text: bytes) -> Signed | Declined:
        """See `Signer`."""
        return self._ask({"repository": repository, "tag": text.decode()})

    def probe(self) -> Signed | Declined:
        """See `Signer`."""
        return self._ask({"probe": True})

    def close(self) -> None:
        """Nothing was started."""

    def _ask(self, request: object) -> Signed | Declined:
        try:
            told = json.loads(self._converse(json.dumps(request).encode() + b"\n"))
        except OSError as error:
            said = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
            reason = f"The signer at {self._path} cannot be asked: {said}. See that it runs."
            raise Fault(reason, passing=True) from None
        except ValueError:
            told = None
        match told:
            case {"signature": str(signature)}:
                return Signed(signature.encode())
            case {"declined": str(reason)}:
                return Declined(reason)
            case {"failed": str(reason)}:
                raise Fault(f"The signer at {self._path} could not sign: {reason}", passing=True)
            case _:
                raise Fault(f"The signer at {self._path} gave no answer that I can read. See its log.", passing=True)

    def _converse(self, request: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._deadline)
            connection.connect(str(self._path))
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                return stream.read(LONGEST)
