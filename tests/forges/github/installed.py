"""A GitHub App of the tests: its key pair, and the App made and installed on a sandbox forge."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.core.model import Secret
from bot.forges.github import AppKey
from bot.sandbox import Sandbox
from bot.sandbox.github.routes_apps import install_app, register_app
from bot.sandbox.state import AppRecord, Installation


@cache
def key_pair() -> tuple[str, str]:
    """Private and public key in PEM. Made once: it takes a moment."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def register(sandbox: Sandbox, slug: str = "relbot") -> tuple[AppRecord, AppKey]:
    """Make the App; it is installed nowhere yet."""
    app = register_app(sandbox.forge, slug, key_pair()[1], owner="ada")
    return app, AppKey(str(app.id), Secret(key_pair()[0]))


def install(sandbox: Sandbox, app: AppRecord, *paths: str, **rights: str) -> Installation:
    """Install it with all the rights that it wants, or with these only."""
    return install_app(sandbox.forge, app, *paths, rights=rights or None)
