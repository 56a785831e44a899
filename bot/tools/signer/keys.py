"""The private key, in the one process that has it: signs a text with ssh-keygen or gpg, in a clean environment.

It must never be imported by the process that talks to forges, nor put a passphrase on a command line or a disk.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from bot.core.errors import Fault, UserError
from bot.core.model import Secret

DEADLINE = 30.0
"""Seconds that ssh-keygen or gpg may take for one signature: a key in hardware may wait for a finger."""

_KEPT = ("PATH", "LANG", "SSH_AUTH_SOCK", "TMPDIR")
_ASK = '#!/bin/sh\nprintf \'%s\\n\' "$RELBOT_PASSPHRASE"\n'
_ARMOURS = {"ssh": b"SSH SIGNATURE-----", "gpg": b"PGP SIGNATURE-----"}


class Key(Protocol):
    """Something that signs."""

    def sign(self, text: bytes) -> bytes:
        """An armoured signature. `Fault` when there is none."""

    def close(self) -> None:
        """Leave nothing behind."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key is: for SSH a private key, or a public one whose other half an agent has; for GPG an exported
    private key, or a home of gpg's. `user` names one of several in a home."""

    format: Literal["ssh", "gpg"]
    path: Path
    passphrase: Secret | None = None
    user: str | None = None


def open_key(place: KeyPlace, deadline: float = DEADLINE) -> Key:
    """The key, tried once: a wrong passphrase shows at the start. `UserError` when it cannot be used."""
    _check_rights(place.path)
    with ExitStack() as stack:
        key: SshKey | GpgKey = SshKey(place, deadline) if place.format == "ssh" else GpgKey(place, deadline)
        stack.callback(key.close)
        try:
            key.prepare()
            key.sign(b"relbot: the signer has started\n")
        except Fault as fault:
            said = f"The key {place.path} does not sign: {fault}. Check the file and its passphrase."
            raise UserError(said) from None
        stack.pop_all()  # from now on it is the caller's to close
    return key


def _check_rights(path: Path) -> None:
    try:
        mode, owner = path.stat().st_mode, path.stat().st_uid
        if path.is_file():
            path.open("rb").close()
    except OSError as error:
        raise UserError(f"The key {path} cannot be read: {error.strerror}. Check its name and its rights.") from None
    if path.suffix != ".pub" and owner == os.getuid() and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(f"The key {path} is open to others. Close it: chmod 0600 {path}, or 0700 for a folder.")


class SshKey:
    """Signs with `ssh-keygen -Y sign`, in the namespace that git uses."""

    def __init__(self, place: KeyPlace, deadline: float) -> None:
        self._deadline = deadline
        self._room = tempfile.TemporaryDirectory(prefix="relbot-signer-")
        self._file = place.path
        ask = Path(self._room.name) / "ask"
        ask.write_text(_ASK if place.passphrase else "#!/bin/sh\nexit 1\n")
        ask.chmod(0o700)
        self._environment = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        if place.passphrase:
            self._environment["RELBOT_PASSPHRASE"] = place.passphrase.reveal()

    def prepare(self) -> None:
        """ssh-keygen reads the file itself."""

    def sign(self, text: bytes) -> bytes:
        """See `Key`."""
        command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(self._file)]
        return _armoured("ssh", _run(command, text, self._environment, self._deadline)[0])

    def close(self) -> None:
        """See `Key`."""
        self._room.cleanup()


class GpgKey:
    """Signs with `gpg --detach-sign`, and believes nothing but what gpg says on its status channel."""

    def __init__(self, place: KeyPlace, deadline: float) -> None:
        self._deadline = deadline
        self._passphrase = place.passphrase
        self._user = ["--local-user", place.user] if place.user else []
        self._room: tempfile.TemporaryDirectory[str] | None = None
        home = place.path
        if not place.path.is_dir():
            self._room = tempfile.TemporaryDirectory(prefix="relbot-signer-")
            home = Path(self._room.name)
        self._file = place.path
        self._environment = {"GNUPGHOME": str(home)}

    def prepare(self) -> None:
        """Give gpg a home with this key in it, where it has none."""
        if self._room:
            self._gpg("--import", str(self._file))

    def sign(self, text: bytes) -> bytes:
        """See `Key`."""
        out, said = self._gpg(*self._user, "--armor", "--detach-sign", stdin=text)
        if not re.search(r"^\[GNUPG:\] SIG_CREATED D ", said, re.MULTILINE):
            raise Fault(f"gpg made no signature: {_brief(said)}")
        return _armoured("gpg", out)

    def close(self) -> None:
        """See `Key`."""
        if self._room:
            with suppress(Fault, UserError):
                _run(["gpgconf", "--kill", "all"], b"", self._environment, self._deadline)
            self._room.cleanup()

    def _gpg(self, *arguments: str, stdin: bytes = b"") -> tuple[bytes, str]:
        command = ["gpg", "--batch", "--no-tty", "--no-options", "--status-fd", "2"]
        if self._passphrase is None:
            return _run([*command, *arguments], stdin, self._environment, self._deadline)
        reader, writer = os.pipe()
        try:
            os.write(writer, self._passphrase.reveal().encode() + b"\n")
            os.close(writer)
            command += ["--pinentry-mode", "loopback", "--passphrase-fd", str(reader)]
            return _run([*command, *arguments], stdin, self._environment, self._deadline, hand_over=(reader,))
        finally:
            os.close(reader)


def _armoured(kind: Literal["ssh", "gpg"], out: bytes) -> bytes:
    name = _ARMOURS[kind]
    if not out.startswith(b"-----BEGIN " + name + b"\n") or not out.rstrip().endswith(b"\n-----END " + name):
        raise Fault(f"what came is no {kind} signature")
    return out.rstrip() + b"\n"


def _run(
    command: Sequence[str], stdin: bytes, environment: Mapping[str, str], deadline: float,
    hand_over: Sequence[int] = (),
) -> tuple[bytes, str]:  # fmt: skip
    """The one place that starts ssh-keygen and gpg: what they print, and what they complain of."""
    if shutil.which(command[0]) is None:
        package = "openssh-client" if command[0] == "ssh-keygen" else "gnupg"
        raise UserError(f"There is no `{command[0]}` on PATH. Install {package}.")
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={"HOME": os.devnull, "LC_ALL": "C.UTF-8", **kept, **environment}, pass_fds=hand_over,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(stdin, deadline)
        except subprocess.TimeoutExpired:
            raise Fault(f"`{command[0]}` did not answer within {deadline:g} s", passing=True) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a gpg-agent has left the session, and is ended by `close`
    said = err.decode(errors="replace")
    if process.returncode != 0:
        raise Fault(f"`{command[0]}` exited with {process.returncode}: {_brief(said)}")
    return out, said


def _brief(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("[GNUPG:]")]
    return "; ".join(lines)[-300:] or "it gave no reason"
