"""The API's files that hang on releases.

It never keeps what is in a file: its size and its digest are all that anybody is told.
"""

from __future__ import annotations

import hashlib
import re

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.routes_releases import find_release_by_id, show_asset
from bot.sandbox.refusals import Refusal, invalid, not_found
from bot.sandbox.state import Asset, Release


def list_assets(call: Call) -> Reply:
    release = find_release_by_id(call)
    return call.pages(release.assets, lambda asset: _show(call, release, asset))


def upload_asset(call: Call) -> Reply:
    """A file; its name comes out as GitHub likes it, with dots for what it does not like."""
    release, content = find_release_by_id(call), call.body
    if not isinstance(content, bytes) or not content or not call.query.get("name"):
        raise Refusal(422, "Validation Failed", [])
    name = re.sub(r"[^A-Za-z0-9._-]+", ".", call.query["name"])
    if any(known.name == name for known in release.assets):
        raise invalid("ReleaseAsset", "name", "already_exists")
    digest = hashlib.sha256(content).hexdigest()
    asset = Asset(call.forge.world.take_id(), name, call.actor, call.forge.now(), len(content), digest)
    release.assets.append(asset)
    return Reply(201, _show(call, release, asset))


def drop_asset(call: Call) -> Reply:
    shown = [*call.repository.releases.values(), *call.repository.drafts]
    for release in shown:
        for asset in release.assets:
            if asset.id == call.number("asset_id"):
                release.assets.remove(asset)
                return Reply(204)
    raise not_found()


def _show(call: Call, release: Release, asset: Asset) -> Json:
    return show_asset(call.view, call.repository, release, asset)


_RELEASES = "/repos/{owner}/{repo}/releases"
ROUTES = (
    Route("GET", f"{_RELEASES}/{{release_id}}/assets", list_assets),
    Route("POST", f"{_RELEASES}/{{release_id}}/assets", upload_asset, "write"),
    Route("DELETE", f"{_RELEASES}/assets/{{asset_id}}", drop_asset, "write"),
)
