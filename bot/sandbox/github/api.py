"""GitHub's API: checks the token, finds the route and the repository, answers or refuses.

It never answers a route it does not know with anything that could be taken for GitHub's answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from bot.sandbox.exchanges import Answer, Exchange, Reply, basic_password, refuse_unknown, respond
from bot.sandbox.faults import Journal
from bot.sandbox.forge import Forge
from bot.sandbox.github import (
    routes_apps,
    routes_assets,
    routes_checks,
    routes_data,
    routes_graphql,
    routes_hooks,
    routes_issues,
    routes_pulls,
    routes_releases,
    routes_repositories,
    routes_rules,
)
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.guests import admit_guest, recognise
from bot.sandbox.github.shapes import View
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.state import ROLES, Repository, User

ROUTES = (
    *routes_pulls.ROUTES, *routes_issues.ROUTES, *routes_repositories.ROUTES, *routes_apps.ROUTES,
    *routes_checks.ROUTES, *routes_data.ROUTES, *routes_hooks.ROUTES, *routes_releases.ROUTES, *routes_rules.ROUTES,
    *routes_assets.ROUTES, *routes_graphql.ROUTES,
)
_PREFIX = "/api/v3"
_REPO = "/repos/{owner}/{repo}"
_NUMBERS = {
    "pull_number", "issue_number", "comment_id", "milestone_number", "hook_id", "installation_id", "check_run_id",
    "release_id", "ruleset_id", "delivery_id", "asset_id",
}
_WITH_SLASHES = {"ref", "branch", "path", "name", "commit_sha", "tag"}
_HEADERS = {
    "X-GitHub-Media-Type": "github.v3; format=json", "X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999",
}


class GitHubApi:
    """The `Api` of a forge with GitHub's face."""

    def __init__(self, forge: Forge, journal: Journal) -> None:
        self.forge = forge
        self.journal = journal
        rules = [rule for route in ROUTES for rule in _rules(route)]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False)

    def answer(self, request: Request) -> Answer:
        prefix = _PREFIX if request.path.startswith(f"{_PREFIX}/") else ""
        path = request.path.removeprefix(prefix)
        try:
            route, arguments = self._map.bind("", path_info=path).match(method=request.method)
        except HTTPException as failed:
            return refuse_unknown(self.journal, request, failed)
        body: object = None
        try:
            body = _read_body(request)
            asker = self.asker(request)
            view = View(self.forge, f"{request.host_url.rstrip('/')}{prefix}", request.host_url.rstrip("/"))
            with self.forge.lock if request.method == "GET" else self.forge.changing():
                reply = self._call(route, request, (view, arguments, asker, body), path)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body)
        exchange = Exchange(request.method, route.template, body, reply.status, reply.body)
        return respond(request, reply, _HEADERS), f"{request.method} {route.template}", exchange

    def asker(self, request: Request) -> User | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        token = basic_password(value) if scheme.lower() == "basic" else value.strip()
        asker = self.forge.by_token(token) or recognise(self.forge, token)
        if asker is None:
            raise Refusal(401, "Bad credentials")
        return asker

    def _call(
        self, route: Route, request: Request, found: tuple[View, Mapping[str, Any], User | None, object], path: str
    ) -> Reply:
        view, arguments, asker, body = found
        repository, rest = None, path
        if route.template.startswith(_REPO):
            repository = self._find_repository(arguments)
            rest = re.sub(r"^/(repos/[^/]+/[^/]+|repositories/[0-9]+)", "", path)
            self._admit(route, repository, asker)
            if isinstance(moved := _redirect(view, arguments, repository, (request.method, rest)), Reply):
                return moved
        admit_guest(asker, route.method, route.template, repository)
        return route.answer(Call(self.forge, view, arguments, dict(request.args), body, asker, repository, quote(rest)))

    def _find_repository(self, arguments: Mapping[str, Any]) -> Repository:
        if "repository_id" in arguments:
            found = self.forge.world.repositories.get(int(arguments["repository_id"]))
        else:
            found = self.forge.find(f"{arguments['owner']}/{arguments['repo']}")
        if found is None:
            raise not_found()
        return found

    def _admit(self, route: Route, repository: Repository, asker: User | None) -> None:
        if self.forge.role_of(repository, asker) == "none":
            raise not_found()
        if asker is None and (route.method != "GET" or ROLES.index(route.role) > ROLES.index("read")):
            raise Refusal(401, "Requires authentication")
        if repository.archived and route.method != "GET":
            raise Refusal(403, "Repository was archived so is read-only.")
        if not self.forge.may(repository, asker, route.role):
            bot = asker is not None and asker.kind == "Bot"
            words = "Resource not accessible by integration" if bot else "Must have admin rights to Repository."
            raise Refusal(403, words)


def _redirect(view: View, arguments: Mapping[str, Any], repository: Repository, what: tuple[str, str]) -> Reply | None:
    method, rest = what
    if "owner" not in arguments or f"{arguments['owner']}/{arguments['repo']}".lower() == repository.path.lower():
        return None
    url = f"{view.api}/repositories/{repository.id}{quote(rest)}"
    refusal = Refusal(301 if method == "GET" else 307, "Moved Permanently")
    return Reply(refusal.status, refusal.body | {"url": url}, {"Location": url})


def _rules(route: Route) -> Iterable[Rule]:
    def convert(match: re.Match[str]) -> str:
        name = match[1]
        return f"<int:{name}>" if name in _NUMBERS else f"<path:{name}>" if name in _WITH_SLASHES else f"<{name}>"

    def rule(template: str) -> Rule:
        return Rule(re.sub(r"\{(\w+)\}", convert, template), endpoint=route, methods=[route.method])

    yield rule(route.template)
    if route.template.startswith(_REPO):
        tail = re.sub(r"\{(\w+)\}", convert, route.template.removeprefix(_REPO))
        yield Rule(f"/repositories/<int:repository_id>{tail}", endpoint=route, methods=[route.method])


def _read_body(request: Request) -> object:
    data = request.get_data()
    if request.mimetype == "application/octet-stream":
        return data
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError as broken:
        raise Refusal(400, "Problems parsing JSON") from broken
