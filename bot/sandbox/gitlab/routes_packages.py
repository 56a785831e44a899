"""The API's generic packages, and the links that releases have to files.

It never keeps what is in a file: its digest is all that tests need.
"""

from __future__ import annotations

import hashlib
import re

from bot.sandbox.exchanges import Reply
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Route
from bot.sandbox.gitlab.routes_reports import find_release, show_link
from bot.sandbox.state import Asset

_NAME = re.compile(r"[A-Za-z0-9._~@+-]+", re.ASCII)
_VERSION = re.compile(r"\.?[\w+-]+(\.[\w+-]+)*\.?", re.ASCII)


def upload_file(call: Call) -> Reply:
    """A file of a package, which is made on the way; a second one of the same name is kept beside the first."""
    name, version, file = (call.arguments[word] for word in ("package_name", "package_version", "file_name"))
    for word, pattern in ((name, _NAME), (version, _VERSION), (file, _NAME)):
        if not pattern.fullmatch(word):
            raise Malformed("package_version is invalid" if word == version else "file_name is invalid")
    call.repository.packages[f"{name}/{version}/{file}"] = hashlib.sha256(call.content).hexdigest()
    return Reply(201, {"message": "201 Created"})


def list_links(call: Call) -> Reply:
    return call.pages(find_release(call).assets, show_link)


def make_link(call: Call) -> Reply:
    """A link. A release has one of each name, and one to each address."""
    release, name, url = find_release(call), call.needed("name"), call.needed("url")
    call.choice("link_type", "other", "runbook", "image", "package")
    for field, known in (("name", {one.name for one in release.assets}), ("url", {one.url for one in release.assets})):
        if {"name": name, "url": url}[field] in known:
            raise Denial(400, {field: ["has already been taken"]})
    link = Asset(call.forge.world.take_id(), name, call.actor, call.forge.now(), url=url)
    release.assets.append(link)
    return Reply(201, show_link(link))


_LINKS = "/projects/{id}/releases/{tag_name}/assets/links"
ROUTES = (
    Route("PUT", "/projects/{id}/packages/generic/{package_name}/{package_version}/{file_name}", upload_file, "write"),
    Route("GET", _LINKS, list_links),
    Route("POST", _LINKS, make_link, "write"),
)
