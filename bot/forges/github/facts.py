"""What pulls on GitHub say of themselves, many in one question: only its GraphQL answers about several by number.

It must never write, and never put a word of anybody's into a question: numbers are all that it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.issues import PullFacts
from bot.core.model import Person, Repo
from bot.forges.fields import Fields
from bot.forges.github.connection import Connection
from bot.forges.github.reading import GHOST, reading
from bot.forges.wire_fault import WireFault, one_clean_line

BATCH = 50
"""Pulls in one question: GitHub gives up on questions that take it more than ten seconds."""

_A_WHILE = 60.0
"""Seconds to leave GitHub alone when it has had enough of questions, and its headers do not say for how long."""

_PULL = """number title body url merged authorAssociation milestone { title } labels(first: 50) { nodes { name } }
author { __typename login ... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId } }"""


class Facts:
    """What `Changes.facts` needs of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, repo: Repo, numbers: tuple[int, ...]) -> dict[int, PullFacts]:
        """A request for fifty pulls."""
        wanted = list(dict.fromkeys(number for number in numbers if number > 0))
        with reading(f"what pulls of {repo.path} say"):
            batches = (tuple(wanted[start : start + BATCH]) for start in range(0, len(wanted), BATCH))
            return {one.number: one for batch in batches for one in self._ask(repo, batch)}

    def _ask(self, repo: Repo, numbers: tuple[int, ...]) -> Iterator[PullFacts]:
        wire, (owner, _, name) = self._connection.wire(repo), repo.path.partition("/")
        question = {"query": question_of(numbers), "variables": {"owner": owner, "name": name}}
        answer = Fields("", wire.post_again(wire.graphql_url, question, creates=False))
        _check(answer, repo)
        found = answer.fields("data").fields("repository")
        # A number of an issue, or of nothing, is answered with nothing beside an error that says so.
        return (_read(found.fields(alias)) for number in numbers if found.has(alias := f"p{number}"))


def question_of(numbers: tuple[int, ...]) -> str:
    """The question about these pulls."""
    pulls = "\n".join(f"p{number}: pullRequest(number: {number}) {{ ...facts }}" for number in numbers)
    return (
        "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {\n"
        f"{pulls}\n}} }}\nfragment facts on PullRequest {{\n{_PULL}\n}}"
    )


def _check(answer: Fields, repo: Repo) -> None:
    """Raise what GitHub says beside an answer that is 200 all the same; that pulls are missing is no trouble."""
    errors = answer.each("errors") if answer.has("errors") else []
    there = answer.has("data") and answer.fields("data").has("repository")
    serious = [error for error in errors if not (there and error.says("type", "NOT_FOUND"))]
    if not serious and there:
        return
    said = one_clean_line("; ".join(error.text("message") for error in serious if error.has("message")))
    limited = any(error.says("type", "RATE_LIMITED") for error in serious)
    message = f"GitHub did not tell what pulls of {repo.path} say" + (f": {said}." if said else ".")
    status = 200 if there else 404
    raise WireFault(message, status=status, said=said, retry_after=_A_WHILE if limited else None)


def _read(found: Fields) -> PullFacts:
    labels = found.fields("labels").each("nodes") if found.has("labels") else []
    return PullFacts(
        number=found.number("number"),
        title=found.text("title"),
        body=found.text("body") if found.has("body") else "",
        url=found.text("url"),
        author=_read_author(found),
        labels=tuple(label.text("name") for label in labels),
        milestone=found.fields("milestone").text("title") if found.has("milestone") else None,
        merged=found.says("merged", value=True),
        association=found.text("authorAssociation"),
    )


def _read_author(found: Fields) -> Person:
    if not found.has("author"):
        return GHOST
    author = found.fields("author")
    is_bot = author.says("__typename", "Bot")
    number = author.number("databaseId") if author.has("databaseId") else 0
    # The same account is `relbot[bot]` everywhere else.
    login = f"{author.text('login')}[bot]" if is_bot else author.text("login")
    return Person(number, login, is_bot=is_bot)
