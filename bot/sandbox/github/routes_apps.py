"""The API's Apps, their installations and tokens, and the teams of an organization; and how tests set them up.

It never decides what a token is good for: `guests` does.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.forge import Forge
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.guests import AppItself, Guest, mint
from bot.sandbox.github.routes_hooks import attempt_again, list_attempts
from bot.sandbox.github.shapes import View, node_id, show_repository, show_user, stamp, stamp_or_none
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.state import AppRecord, Hook, Installation

EVERYTHING = {
    "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "workflows": "write",
    "checks": "write", "statuses": "write", "members": "read",
}


def register_app(forge: Forge, slug: str, public_key: str, owner: str = "acme") -> AppRecord:
    """Make an App whose proofs are checked with `public_key` (PEM), and its account `slug[bot]`."""
    with forge.changing():
        forge.add_user(owner, "Organization")
        forge.add_user(f"{slug}[bot]", "Bot")
        number = forge.world.take_id()
        app = AppRecord(number, f"Iv1.{number:016x}", slug, owner, public_key, forge.now())
        forge.world.apps[app.id] = app
        return app


def install_app(forge: Forge, app: AppRecord, *paths: str, rights: dict[str, str] | None = None) -> Installation:
    """Install an App where repositories of one owner are; it may write in them as far as its rights go."""
    with forge.changing():
        found = [repository for path in paths if (repository := forge.repository(path))]
        for repository in found:
            repository.collaborators[f"{app.slug}[bot]"] = "write"
        owner = paths[0].partition("/")[0]
        ids = [repository.id for repository in found]
        made = Installation(forge.world.take_id(), app.id, owner, ids, rights or dict(EVERYTHING), forge.now())
        forge.world.installations[made.id] = made
        return made


def give_hook(forge: Forge, app: AppRecord, url: str, secret: str) -> Hook:
    """Set the App's webhook, which hears of everything in the repositories that the App is installed in."""
    with forge.changing():
        app.hook = Hook(forge.world.take_id(), url, secret, ["*"], forge.now(), of_app=True)
        return app.hook


def form_team(forge: Forge, path: str, **members: str) -> None:
    """A team `organisation/slug`; the members are `member`, `maintainer` or `pending` by login."""
    with forge.changing():
        forge.add_group(path).members = {login.lower(): role for login, role in members.items()}


def read_app(call: Call) -> Reply:
    return Reply(200, show_app(call.view, _app(call)))


def list_installations(call: Call) -> Reply:
    app = _app(call)
    mine = [found for found in call.forge.world.installations.values() if found.app == app.id]
    return call.pages(mine, lambda found: _show_installation(call.view, found))


def read_installation_of_repository(call: Call) -> Reply:
    app = _app(call)
    for found in call.forge.world.installations.values():
        if found.app == app.id and call.repository.id in found.repositories:
            return Reply(200, _show_installation(call.view, found))
    raise not_found()


def create_token(call: Call) -> Reply:
    app, found = _app(call), call.forge.world.installations.get(call.number("installation_id"))
    if found is None or found.app != app.id:
        raise not_found()
    token, made = mint(call.forge, found, call.fields)
    answer: Json = {
        "token": token, "expires_at": stamp(made.ends), "permissions": made.rights, "repository_selection": "all",
    }
    if call.field("repository_ids", list) is not None or call.field("repositories", list) is not None:
        known = call.forge.world.repositories
        answer |= {
            "repository_selection": "selected",
            "repositories": [show_repository(call.view, known[number]) for number in made.repositories],
        }
    return Reply(201, answer)


def list_repositories_of_installation(call: Call) -> Reply:
    if not isinstance(call.asker, Guest):
        raise Refusal(403, "You must authenticate with an installation access token in order to list repositories.")
    known = call.forge.world.repositories
    mine = [known[number] for number in call.asker.repositories if number in known]
    page = call.pages(mine, lambda found: show_repository(call.view, found))
    return Reply(200, {"total_count": len(mine), "repositories": page.body}, page.headers)


def read_hook(call: Call) -> Reply:
    hook = _hook(call)
    shown = {"content_type": hook.content_type, "insecure_ssl": str(int(hook.insecure)), "url": hook.url}
    return Reply(200, shown | {"secret": "********"} if hook.secret else shown)


def list_deliveries(call: Call) -> Reply:
    return list_attempts(call, _hook(call))


def deliver_again(call: Call) -> Reply:
    return attempt_again(call, _hook(call))


def read_membership(call: Call) -> Reply:
    path, login = f"{call.word('org')}/{call.word('team_slug')}", call.word("username")
    if call.asker is None:
        raise not_found()
    team = call.forge.world.groups.get(path.lower())
    role = team.members.get(login.lower()) if team else None
    if role is None:
        raise not_found()
    url = f"{call.view.api}/orgs/{path.replace('/', '/teams/')}/memberships/{login}"
    state = "pending" if role == "pending" else "active"
    return Reply(200, {"state": state, "role": "maintainer" if role == "maintainer" else "member", "url": url})


def show_app(view: View, app: AppRecord) -> Json:
    page = f"{view.web}/apps/{app.slug}"
    return {
        "id": app.id, "slug": app.slug, "node_id": node_id("App", app.id), "client_id": app.client_id,
        "owner": show_user(view, app.owner), "name": app.slug, "description": None, "external_url": page,
        "html_url": page, "created_at": stamp(app.created_at), "updated_at": stamp(app.created_at),
        "permissions": dict(EVERYTHING), "events": [],
    }


def _show_installation(view: View, found: Installation) -> Json:
    url = f"{view.api}/app/installations/{found.id}"
    app = view.forge.world.apps[found.app]
    account = show_user(view, found.account)
    return {
        "id": found.id, "account": account, "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens", "repositories_url": f"{view.api}/installation/repositories",
        "html_url": f"{view.web}/organizations/{found.account}/settings/installations/{found.id}", "app_id": app.id,
        "app_slug": app.slug, "target_id": account["id"], "target_type": account["type"], "permissions": found.rights,
        "events": [], "single_file_name": None, "created_at": stamp(found.created_at),
        "updated_at": stamp(found.created_at), "suspended_at": stamp_or_none(found.suspended_at),
        "suspended_by": None if found.suspended_at is None else account,
    }


def _hook(call: Call) -> Hook:
    hook = _app(call).hook
    if hook is None:
        raise not_found()
    return hook


def _app(call: Call) -> AppRecord:
    if not isinstance(call.asker, AppItself):
        raise Refusal(401, "A JSON web token could not be decoded")
    return call.forge.world.apps[call.asker.app]


ROUTES = (
    Route("GET", "/app", read_app),
    Route("GET", "/app/hook/config", read_hook),
    Route("GET", "/app/hook/deliveries", list_deliveries),
    Route("POST", "/app/hook/deliveries/{delivery_id}/attempts", deliver_again),
    Route("GET", "/app/installations", list_installations),
    Route("GET", "/installation/repositories", list_repositories_of_installation),
    Route("POST", "/app/installations/{installation_id}/access_tokens", create_token),
    Route("GET", "/repos/{owner}/{repo}/installation", read_installation_of_repository),
    Route("GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}", read_membership),
)
