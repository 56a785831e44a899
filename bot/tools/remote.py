"""Where the forge of a local clone shows things, guessed from the address it was cloned from.

It must never pass on a password that stands in such an address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.changelog.view import Addresses
from bot.tools.git import Git

if TYPE_CHECKING:
    from bot.core.model import ForgeName

_URL = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d+))?/|[\w.-]+@(?P<short>[\w.-]+):)"
    r"(?P<path>[\w.-]+(?:/[\w.-]+)*/[\w.-]+?)(?:\.git)?/?"
)


def addresses_of(git: Git) -> Addresses:
    """Addresses for links; none where the clone has no `origin` on a web host."""
    return read_addresses(_find_address(git))


def read_origin(git: Git) -> tuple[str, str] | None:
    """Host and path of where a clone comes from; None where that is no address of a web host."""
    found = _URL.fullmatch(_find_address(git))
    return ((found["host"] or found["short"]).lower(), found["path"]) if found else None


def _find_address(git: Git) -> str:
    """Where `git fetch` goes: the first address, where pushes go to several."""
    done = git.attempt("config", "--get-all", "remote.origin.url")
    return next(iter(done.out.decode(errors="replace").splitlines()), "").strip()


def read_addresses(url: str, forge: ForgeName | None = None) -> Addresses:
    """The same from an address: `git@github.com:acme/kit.git`, `https://gitlab.example/acme/kit`.

    Where nobody says which forge it is, its name has to.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return Addresses()
    web = f"https://{found['host'] or found['short']}"
    if found["port"] and url.startswith("http"):
        web = f"{url.partition(':')[0]}://{found['host']}:{found['port']}"
    root = f"{web}/{found['path']}"
    if forge == "gitlab" or (forge is None and "gitlab" in web):
        deep = f"{root}/-"
        return Addresses(
            f"{deep}/merge_requests/{{number}}", f"{deep}/compare/{{old}}...{{new}}", f"{deep}/tags/{{new}}",
            f"{deep}/commit/{{sha}}", f"{web}/{{login}}", f"{deep}/issues/{{number}}",
        )  # fmt: skip
    return Addresses(
        f"{root}/pull/{{number}}", f"{root}/compare/{{old}}...{{new}}", f"{root}/releases/tag/{{new}}",
        f"{root}/commit/{{sha}}", f"{web}/{{login}}", f"{root}/issues/{{number}}",
    )  # fmt: skip
