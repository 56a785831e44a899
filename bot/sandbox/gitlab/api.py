"""GitLab's API v4: checks the token, finds the route and the project, answers or refuses.

It never answers a route it does not know with anything that could be taken for GitLab's answer.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from bot.sandbox.exchanges import Answer, Exchange, Json, Reply, basic_password, refuse_unknown, respond
from bot.sandbox.faults import Journal
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab import (
    routes_hooks,
    routes_issues,
    routes_notes,
    routes_packages,
    routes_projects,
    routes_reports,
    routes_repository,
    routes_requests,
)
from bot.sandbox.gitlab.calls import Call, Denial, Malformed, Parameters, Route, forbidden, missing
from bot.sandbox.gitlab.shapes import Site
from bot.sandbox.refusals import Refusal
from bot.sandbox.state import Repository, User

ROUTES = (
    *routes_projects.ROUTES, *routes_requests.ROUTES, *routes_notes.ROUTES, *routes_repository.ROUTES,
    *routes_reports.ROUTES, *routes_hooks.ROUTES, *routes_issues.ROUTES, *routes_packages.ROUTES,
)
_PREFIX = "/api/v4"
_PROJECT = "/projects/{id}"
_A_MINUTE = 2000
_FILE = "application/octet-stream"


class GitLabApi:
    """The `Api` of a forge with GitLab's face."""

    def __init__(self, forge: Forge, journal: Journal) -> None:
        self.forge = forge
        self.journal = journal
        rules = [
            Rule(_PREFIX + re.sub(r"\{(\w+)\}", r"<\1>", route.template), endpoint=route, methods=[route.method])
            for route in ROUTES
        ]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False)

    def answer(self, request: Request) -> Answer:
        # The path is matched as it came: a project's path or a branch is one quoted word, slashes and all.
        path = str(request.environ["RAW_URI"]).partition("?")[0]
        try:
            route, quoted = self._map.bind("", path_info=path).match(method=request.method)
        except HTTPException as failed:
            return refuse_unknown(self.journal, request, failed)
        arguments = {name: unquote(value) for name, value in quoted.items()}
        given: Json = {}
        try:
            given = _read_parameters(request)
            parameters = Parameters(given)
            with self.forge.lock if request.method == "GET" else self.forge.changing():
                reply = self._call(route, request, (arguments, parameters), path)
            self.journal.unread += [f"{request.method} {route.template}: {name}" for name in parameters.unread()]
        except Denial as denial:
            reply = Reply(denial.status, denial.body)
        except Refusal as refusal:
            reply = Reply(refusal.status, {"message": refusal.message})
        exchange = Exchange(request.method, _PREFIX + route.template, given, reply.status, reply.body)
        return respond(request, reply, self._common_headers()), f"{request.method} {route.template}", exchange

    def asker(self, request: Request) -> User | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = request.headers.get("PRIVATE-TOKEN", "")
        if not token and scheme:
            token = basic_password(value) if scheme.lower() == "basic" else value.strip()
        if not token:
            return None
        asker = self.forge.by_token(token)
        if asker is None:
            raise Denial(401, "401 Unauthorized")
        return asker

    def _call(self, route: Route, request: Request, found: tuple[Mapping[str, str], Parameters], path: str) -> Reply:
        arguments, parameters = found
        asker, repository = self.asker(request), None
        if route.template.startswith(_PROJECT):
            repository = self._find_project(arguments["id"])
            self._admit(route, repository, asker)
        site, query = Site(self.forge, request.host_url.rstrip("/")), dict(request.args)
        content = request.get_data() if request.mimetype == _FILE else b""
        return route.answer(Call(self.forge, site, arguments, parameters, query, asker, repository, path, content))

    def _find_project(self, word: str) -> Repository:
        number = int(word) if word.isascii() and word.isdigit() else -1
        found = self.forge.world.repositories.get(number) or self.forge.repository(word)
        if found is None:
            raise missing("Project")
        return found

    def _admit(self, route: Route, repository: Repository, asker: User | None) -> None:
        if self.forge.role_of(repository, asker) == "none":
            raise missing("Project")
        if asker is None and (route.method != "GET" or route.role != "read"):
            raise Denial(401, "401 Unauthorized")
        if repository.archived and route.method != "GET":
            raise forbidden()
        if not self.forge.may(repository, asker, route.role):
            raise forbidden()

    def _common_headers(self) -> dict[str, str]:
        used, reset = len(self.journal.entries) % _A_MINUTE + 1, self.forge.now() // 60 * 60 + 60
        return {
            "Cache-Control": "max-age=0, private, must-revalidate", "X-Request-Id": secrets.token_hex(16),
            "RateLimit-Limit": str(_A_MINUTE), "RateLimit-Observed": str(used),
            "RateLimit-Remaining": str(_A_MINUTE - used), "RateLimit-Reset": str(reset),
            "RateLimit-ResetTime": formatdate(reset, usegmt=True),
        }


def _read_parameters(request: Request) -> Json:
    """The parameters of query and body together, as GitLab takes them from either."""
    lists = {name: request.args.getlist(name) for name in request.args if name.endswith("[]")}
    parameters: Json = {**request.args, **lists}
    if request.mimetype == "application/json" and (data := request.get_data()):
        try:
            body = json.loads(data)
        except ValueError as broken:
            raise Malformed("message body does not match declared format") from broken
        if not isinstance(body, dict):
            raise Malformed("The parsed body is not an object")
        return parameters | body
    return parameters | dict(request.form)
