"""Whether a tag's signature is good: asked of plain `git verify-tag`, with the operator's public keys and no others.

It must never take a key from the machine's keyrings, nor trust that whoever made a tag has signed it.
"""

from __future__ import annotations

import base64
import re
import tempfile
import threading
from pathlib import Path

from bot.core.errors import Fault, UserError
from bot.core.tagging import SignatureKind, Verdict
from bot.tools.git import Git

PRINCIPAL = "relbot"
"""Whom git says a good SSH signature is by."""

_SSH_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/]+=*)(?: .*)?", re.ASCII)
_ARMOURED = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n]+: [^\n]*\n)*\r?\n?([A-Za-z0-9+/=\s]+?)(?:=[A-Za-z0-9+/]{4}\s*)?"
    r"-----END PGP PUBLIC KEY BLOCK-----"
)
_LACKS = re.compile(r"cannot run|no such file|not found", re.IGNORECASE)


class Verifier:
    """Judges signatures by the public keys in one file: lines as in `id_ed25519.pub`, or what `gpg --export -a` says.

    Safe to share between threads.
    """

    def __init__(self, signers: Path) -> None:
        self._signers = signers
        self._lock = threading.Lock()
        self._room: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Forget the keys."""
        with self._lock:
            if self._room is not None:
                self._room.cleanup()
                self._room = None

    def check(self, git: Git, tag: str, signed: SignatureKind | None) -> tuple[Verdict, str]:
        """The verdict on a tag object that `git` can read, and a sentence about it. `UserError` without keys."""
        if signed is None:
            return "none", "it is not signed"
        room = self._ready()
        environment = {
            "LC_ALL": "C.UTF-8", "GNUPGHOME": str(room / "gnupg"), "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_2": "gpg.ssh.allowedSignersFile", "GIT_CONFIG_VALUE_2": str(room / "allowed_signers"),
        }  # fmt: skip
        done = Git(git.directory, environment, git.deadline).attempt("verify-tag", "--raw", tag)
        said = done.err.decode(errors="replace")
        if done.status == 0:
            return "good", f"it has a good signature by {_signer(said)}"
        if "[GNUPG:]" not in said and _LACKS.search(said):
            raise Fault(f"Signatures cannot be checked here: {said.strip()[:300]}. Install openssh-client and gnupg.")
        return "bad", f"its signature does not hold: {_why(said)}"

    def _ready(self) -> Path:
        """The keys as git and gpg want to find them."""
        with self._lock:
            if self._room is None:
                text = self._read()
                room = tempfile.TemporaryDirectory(prefix="relbot-keys-")
                home = Path(room.name) / "gnupg"
                home.mkdir(mode=0o700)
                # a file of keys one after the other is what gpg has always taken for a keyring: no import is needed
                (home / "pubring.gpg").write_bytes(_gpg_keys(text))
                (Path(room.name) / "allowed_signers").write_text(_allowed(text))
                self._room = room
            return Path(self._room.name)

    def _read(self) -> str:
        try:
            text = self._signers.read_text()
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not text"
            raise UserError(f"The public keys in {self._signers} cannot be read: {said}. Check `signers`.") from None
        if "PRIVATE KEY" in text:
            raise UserError(f"{self._signers} holds a private key. `signers` names public keys; take that one away.")
        if not _allowed(text) and not _gpg_keys(text):
            raise UserError(f"There is no public key in {self._signers}. Put one there, as ssh-keygen or gpg write it.")
        return text


def _allowed(text: str) -> str:
    """The SSH keys of a text as git's list of allowed signers, good for git and nothing else."""
    keys = (_SSH_KEY.fullmatch(line.strip()) for line in text.splitlines())
    return "".join(f'{PRINCIPAL} namespaces="git" {key[1]} {key[2]}\n' for key in keys if key)


def _gpg_keys(text: str) -> bytes:
    """The GPG keys of a text without their armour."""
    try:
        return b"".join(base64.b64decode("".join(block.split())) for block in _ARMOURED.findall(text))
    except ValueError:
        return b""


def _signer(said: str) -> str:
    found = re.search(r'"git" signature for (\S+) with (.+)', said) or re.search(r"GOODSIG (\S+) (.+)", said)
    return f"{found[2]}".strip() if found else "a key that I know"


def _why(said: str) -> str:
    for word, meaning in (
        ("NO_PUBKEY", "it is by a key that I do not know"), ("BADSIG", "the text is not what was signed"),
        ("EXPKEYSIG", "the key has expired"), ("REVKEYSIG", "the key was revoked"), ("EXPSIG", "it has expired"),
        ("No principal matched", "it is by a key that I do not know"),
        ("incorrect signature", "the text is not what was signed"),
    ):  # fmt: skip
        if word in said:
            return meaning
    return " ".join(said.split())[:200] or "git does not say why"
