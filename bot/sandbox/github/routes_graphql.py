"""GitHub's GraphQL, as far as one question goes: what several pulls say of themselves, by number.

It never answers a question of any other form: that would look as if it understood the language.
"""

from __future__ import annotations

import re

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.shapes import association_of
from bot.sandbox.refusals import Refusal
from bot.sandbox.state import Issue, Repository

_QUESTION = re.compile(
    r"query\(\$owner: String!, \$name: String!\) \{ repository\(owner: \$owner, name: \$name\) \{\s*"
    r"(?P<pulls>(?:p[0-9]+: pullRequest\(number: [0-9]+\) \{ \.\.\.facts \}\s*)+)\} \}\s*"
    r"fragment facts on PullRequest \{(?P<fields>.*)\}", re.DOTALL,
)  # fmt: skip
_PULL = re.compile(r"(p[0-9]+): pullRequest\(number: ([0-9]+)\)")
_FIELDS = """number title body url merged authorAssociation milestone { title } labels(first: 50) { nodes { name } }
author { __typename login ... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId } }"""
_MOST = 100


def ask(call: Call) -> Reply:
    """The answer is 200 whatever comes of it; what is missing is null, and an error beside it says so."""
    question, given = call.needed("query", str), call.needed("variables", dict)
    match = _QUESTION.fullmatch(question.strip())
    if match is None or match["fields"].split() != _FIELDS.split():
        raise Refusal(501, "The sandbox forge does not understand this question.")
    pulls = [(alias, int(number)) for alias, number in _PULL.findall(match["pulls"])]
    if len(pulls) > _MOST:
        raise Refusal(502, "Something went wrong while executing your query.")
    repository = call.forge.find(f"{given.get('owner')}/{given.get('name')}")
    if repository is None or call.forge.role_of(repository, call.asker) == "none":
        return Reply(200, {"data": {"repository": None}, "errors": [_missing(["repository"], "a Repository")]})
    found = {alias: repository.issues.get(number) for alias, number in pulls}
    shown = {alias: _show(call, repository, one) if one and one.pull else None for alias, one in found.items()}
    errors = [_missing(["repository", alias], "a PullRequest") for alias, one in shown.items() if one is None]
    return Reply(200, {"data": {"repository": shown}} | ({"errors": errors} if errors else {}))


def _missing(path: list[str], what: str) -> Json:
    return {
        "type": "NOT_FOUND", "path": path, "locations": [{"line": 2, "column": 1}],
        "message": f"Could not resolve to {what} with that number or name.",
    }


def _show(call: Call, repository: Repository, issue: Issue) -> Json:
    user = call.forge.user(issue.user)
    milestone = repository.milestones.get(issue.milestone) if issue.milestone is not None else None
    labels = [label.name for name in issue.labels if (label := repository.label(name))]
    return {
        "number": issue.number, "title": issue.title, "body": issue.body or "",
        "url": f"{call.view.page_of(repository)}/pull/{issue.number}", "merged": issue.part.merged_at is not None,
        "authorAssociation": association_of(repository, user.login),
        "milestone": {"title": milestone.title} if milestone else None,
        "labels": {"nodes": [{"name": name} for name in labels]},
        "author": {
            "__typename": user.kind, "login": user.login.removesuffix("[bot]"), "databaseId": user.id,
        },
    }


ROUTES = (Route("POST", "/graphql", ask),)
