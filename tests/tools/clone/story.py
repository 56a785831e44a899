"""What the tests of the clone share: whom it asks, what for, and what it then has."""

from __future__ import annotations

from bot.core.model import CloneAccess, Secret
from bot.tools.clone import Clone

PASSWORD = "pa$$ 'w\"ord\\`id`"
WANTED = ["+refs/heads/main:refs/heads/main", "+refs/heads/release/*:refs/heads/release/*"]


def access(url, password=PASSWORD):
    return CloneAccess(url, "relbot", Secret(password), "refs/pull/{number}/head")


def over_http(server, tmp_path, name="http", password=PASSWORD):
    return Clone(tmp_path / "mirrors" / name, access(f"{server.url}/acme/torchlet.git", password))


def refs(clone):
    listed = clone.git().run("for-each-ref", "--format=%(refname) %(objectname)").decode()
    return dict(line.split(" ") for line in listed.splitlines())


def missing(clone, *revisions):
    """Objects that these revisions name and that are not here."""
    listed = clone.git().run("rev-list", "--objects", "--missing=print", *revisions).decode()
    return [line[1:] for line in listed.splitlines() if line.startswith("?")]


def sync(clone, refspecs=WANTED):
    """What a mirror does: fetch, and start over where the clone is broken."""
    clone.healing(lambda: clone.fetch(refspecs), forget=lambda: None)
