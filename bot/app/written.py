"""What may stand for an address, a path or an owner in the settings, and what is wrong where it may not.

It must never look whether it is there: it only reads what is written.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field


def is_safe_address(address: str) -> bool:
    """Whether a credential may be sent there: over TLS, or not over a network at all."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if parts.username is not None or not host or not address.isprintable() or " " in address:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_address(address: str) -> str:
    if not is_safe_address(address):
        raise ValueError("it has to be an https:// address without a user name (http:// only on this machine itself)")
    return address.rstrip("/")


def _check_owner(owner: str) -> str:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", owner, re.ASCII):
        raise ValueError("an owner is a name such as \"acme\", or a group such as \"group/sub\"")
    return owner.lower()


def _check_endpoint(endpoint: str) -> str:
    if split_endpoint(endpoint) is None:
        raise ValueError('it has to be an address and a port, such as "127.0.0.1:9100" or "[::1]:9100"')
    return endpoint


def split_endpoint(endpoint: str) -> tuple[str, int] | None:
    """Host and port of `HOST:PORT`; None where it is none."""
    host, colon, port = endpoint.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    good = colon and re.fullmatch(r"[\w.:-]+", host, re.ASCII) and re.fullmatch(r"[0-9]{1,5}", port, re.ASCII)
    return (host, int(port)) if good and int(port) <= 65535 else None


def _check_path(path: object) -> object:
    if isinstance(path, str) and not (path.strip() and path.isprintable()):
        raise ValueError("the name of a file or folder is wanted")
    return path


def _check_host(host: str) -> str:
    if not re.fullmatch(r"[\w.:%-]+", host, re.ASCII):
        raise ValueError('it has to be a name or an address, such as "127.0.0.1" or "0.0.0.0" for all of them')
    return host


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


AppId = Annotated[str, BeforeValidator(_number_as_text), Field(pattern=r"^[A-Za-z0-9._-]+$")]
Host = Annotated[str, AfterValidator(_check_host)]
Address = Annotated[str, AfterValidator(_check_address)]
Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
Owner = Annotated[str, AfterValidator(_check_owner)]
PathText = Annotated[Path, BeforeValidator(_check_path), Field(strict=False)]
Files = Annotated[tuple[PathText, ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
