"""What the settings say about signing, and the signer and the judge of signatures that come of it.

It must never read a key or a passphrase: it hands on the names of their files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bot.app.written import PathText
from bot.core.errors import UserError
from bot.core.tables import Table
from bot.tools.signer.child import KeyFiles

if TYPE_CHECKING:
    from bot.tools.releasing import Signing


class SigningSection(Table):
    """What signs tags. Without this section tags are annotated, and not signed. The key is never read by the server: a
    signer in a process of its own has it, which runs as a service (`socket`) or is started beside (`key_file`)."""

    format: Literal["ssh", "gpg"] = "ssh"
    """The kind of key."""
    socket: PathText | None = None
    """Where `relbot signer` listens, when it runs as a service."""
    key_file: PathText | None = None
    """The private key, for a signer that is started when one is wanted: a file that only this user can read; for GPG
    also a home of gpg's."""
    passphrase_file: PathText | None = None
    """The file with the passphrase of that key; only the signer reads it."""
    signers: PathText | None = None
    """The file with the public keys whose signatures count, as `ssh-keygen` or `gpg --export --armor` write them. None:
    `key_file` with `.pub` behind."""


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """Either a signer at a socket, or the files for one that is started here; and the public keys that count."""

    format: Literal["ssh", "gpg"]
    signer: Path | KeyFiles
    signers: Path


def choose_signing(section: SigningSection | None, *, json_log: bool) -> SigningSettings | None:
    """What a section comes to; None without one. `UserError` where it names no signer, or two."""
    if section is None:
        return None
    socket, key, passphrase, signers = (path and path.expanduser() for path in (
        section.socket, section.key_file, section.passphrase_file, section.signers,
    ))  # fmt: skip
    own = KeyFiles(section.format, key, passphrase, json_log) if key else None
    signer = own or socket
    if signer is None or (own and socket) or (passphrase and not own):
        raise UserError(
            "[signing] names no signer, or two. Name the `socket` of one that runs, or a `key_file` (with its "
            "`passphrase_file`) for one that I start; leave the section out for tags without signatures."
        )
    if signers is None and key and section.format == "ssh":
        signers = key.with_name(f"{key.name}.pub")
    if signers is None:
        raise UserError("[signing] does not say which signatures count. Name the file of public keys as `signers`.")
    return SigningSettings(section.format, signer, signers)


def open_signing(settings: SigningSettings | None) -> Signing | None:
    """Who signs tags and who judges signatures. Nothing is started before it is wanted; close it at the end."""
    from bot.tools.releasing import Signing
    from bot.tools.signer import SocketSigner
    from bot.tools.signer.child import OwnSigner
    from bot.tools.verifying import Verifier

    if settings is None:
        return None
    own = settings.signer
    signer = OwnSigner(own) if isinstance(own, KeyFiles) else SocketSigner(own)
    return Signing(signer, Verifier(settings.signers))
