"""Real keys of both kinds for tests, made once each run by ssh-keygen and gpg; what is missing is said plainly.

It must never read or leave anything in a user's own keyrings.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.model import Secret
from bot.tools.signer.keys import KeyPlace

PASSPHRASE = "a passphrase, with “quotes” & spaces"
KINDS = ("ssh", "gpg")
PROGRAMS = {"ssh": ("ssh-keygen", "openssh-client"), "gpg": ("gpg", "gnupg")}


def needs(kind: str) -> pytest.MarkDecorator:
    """Skip where the program for keys of this kind is missing, and say what to install."""
    program, package = PROGRAMS[kind]
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"there is no {program} here: apt-get install {package}"
    )


BOTH = [pytest.param(kind, marks=needs(kind)) for kind in KINDS]


@dataclass(frozen=True)
class KeyPair:
    """A private key in a file, and the public one."""

    place: KeyPlace
    public: Path


@functools.cache
def _room() -> Path:
    made = Path(tempfile.mkdtemp(prefix="relbot-test-keys-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def key_pair(kind: str, name: str = "release", passphrase: str = "") -> KeyPair:
    """The key pair of that name. Names stand for different keys."""
    return _make(kind, name, passphrase)


@functools.cache
def _make(kind: str, name: str, passphrase: str) -> KeyPair:
    made = _room() / f"{kind}-{name}-{bool(passphrase)}"
    made.mkdir()
    words = Secret(passphrase) if passphrase else None
    if kind == "ssh":
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(made / "key"))
        return KeyPair(KeyPlace("ssh", made / "key", words), made / "key.pub")
    with gpg_home() as home:
        options = ("--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase)
        _gpg(home, *options, "--quick-gen-key", f"{name} <{name}@example.org>", "ed25519", "sign", "never")
        (made / "key.pub").write_bytes(_gpg(home, "--armor", "--export"))
        (made / "key").touch(0o600)
        (made / "key").write_bytes(_gpg(home, *options, "--armor", "--export-secret-keys"))
    return KeyPair(KeyPlace("gpg", made / "key", words), made / "key.pub")


@contextmanager
def gpg_home() -> Iterator[Path]:
    """A home of gpg's for as long as the block lasts; its agent ends with it."""
    with tempfile.TemporaryDirectory(prefix="relbot-test-gpg-") as home:
        (Path(home) / "gpg-agent.conf").write_text("s2k-count 65536\n")  # no second for each use of a passphrase
        yield Path(home)
        subprocess.run(["gpgconf", "--kill", "all"], env=_environment(Path(home)), check=False, capture_output=True)


def plain_git(kind: str, public: Path, room: Path) -> Mapping[str, str]:
    """The environment in which a person's own git knows a public key, set up as git's manual says."""
    if kind == "gpg":
        home = room / "gnupg"
        home.mkdir(mode=0o700, exist_ok=True)
        _gpg(home, "--batch", "--import", str(public))
        return {"GNUPGHOME": str(home)}
    allowed = room / "allowed_signers"
    allowed.write_text(f"release@example.org {public.read_text()}")
    return {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "gpg.ssh.allowedSignersFile", "GIT_CONFIG_VALUE_0": str(allowed),
    }  # fmt: skip


def _gpg(home: Path, *arguments: str) -> bytes:
    return _run("gpg", "--quiet", *arguments, environment=_environment(home))


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "GNUPGHOME": str(home), "HOME": "/nonexistent"}


def _run(*command: str, environment: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
