"""The release policy of a repository: TOML text becomes a frozen `Policy`, or errors that quote the line they mean.

It must never guess: a key, a type or a template that it does not know is an error, and nothing is done until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from bot.core.model import Line, Person
from bot.core.tables import Mistake, Table, mistake_about, read_table

_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_SAMPLES = {"{line}": "2.7", "{number}": "12", "{title}": "Title"}
_SPECIAL_IN_REFS = re.compile(r"^[-/.#]|[/.]$|\.\.|//|/\.|\.lock(/|$)|[^A-Za-z0-9._/+#-]")


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_placeholders(template: str, required: Iterable[str], allowed: Iterable[str]) -> None:
    """Raise ValueError unless each required placeholder is there once, and no other braces than allowed ones."""
    rest = template
    for name in allowed:
        rest = rest.replace(name, "", 1)
    if "{" in rest or "}" in rest:
        known = ", ".join(allowed)
        raise ValueError(f"only {known} may stand in braces here, each of them once")
    for name in required:
        if name not in template:
            raise ValueError(f"{name} is missing")


def _check_apart(template: str) -> None:
    """A placeholder that touches a digit, a dot or another placeholder could not be read back."""
    if re.search(r"[0-9.}]\{|\}[0-9.{]", template):
        raise ValueError("a placeholder must not touch a digit, a dot or another placeholder")


def _check_ref_name(template: str) -> None:
    """What the template makes must be a plain branch name: git's own rules, and no character a shell could read.

    A # begins a comment in a shell only where a word begins, and real lines are called `stable/#3.1`.
    """
    name = _PLACEHOLDER.sub(lambda found: _SAMPLES[found[0]], template)
    if _SPECIAL_IN_REFS.search(name) or len(template) > 100 or name.startswith("refs/"):
        raise ValueError(f"it would make “{name}”, which is not a plain branch name")


def _line_branch(template: str) -> str:
    _check_placeholders(template, required=("{line}",), allowed=("{line}",))
    _check_apart(template)
    _check_ref_name(template)
    return template


def _backport_branch(template: str) -> str:
    _check_placeholders(template, required=("{line}", "{number}"), allowed=("{line}", "{number}"))
    _check_apart(template)
    _check_ref_name(template)
    return template


def _backport_label(template: str) -> str:
    _check_placeholders(template, required=("{line}",), allowed=("{line}",))
    _check_apart(template)
    if not template.isprintable() or len(template) > 40:
        raise ValueError("a label has at most 40 characters, all of them printable")
    return template


def _pull_title(template: str) -> str:
    _check_placeholders(template, required=("{line}",), allowed=("{line}", "{title}", "{number}"))
    if not template.isprintable() or len(template) > 100:
        raise ValueError("a title template has at most 100 characters, all of them printable")
    return template


def _read_lines(value: object) -> object:
    """`["2.7", "2.6"]` becomes lines; what is not a list of lines is a ValueError."""
    if not isinstance(value, list):
        return value
    lines = []
    for word in value:
        line = Line.parse(word) if isinstance(word, str) else None
        if line is None:
            raise ValueError(f"{word!r} is not a line such as \"2.7\"")
        lines.append(line)
    return tuple(lines)


def _read_groups(value: object) -> object:
    """`["@acme/release"]` becomes `("acme/release",)`; what is not a list of names is a ValueError."""
    if not isinstance(value, list):
        return value
    names = [word.removeprefix("@") if isinstance(word, str) else word for word in value]
    if len(names) > MAX_GROUPS:
        raise ValueError(f"at most {MAX_GROUPS} teams or groups can be named")
    for name in names:
        if isinstance(name, str) and not _GROUP.fullmatch(name):
            raise ValueError(f"{name!r} is not a team or group such as \"acme/release\"")
    return tuple(names)


MAX_GROUPS = 10
"""Teams and groups that `managers` may name: each of them can cost a question to the forge."""

_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,19}", re.ASCII)


# ── the policy ───────────────────────────────────────────────────────────────────────────────────────────────────────

_LINE_LIST = WithJsonSchema({"type": "array", "items": {"type": "string"}})


class Lines(Table):
    """Which branches are release lines."""

    branch: Annotated[str, AfterValidator(_line_branch)] = "release/{line}"
    """The branch of a release line; `{line}` stands for `2.7`. The bot also finds `release/v2.7` and `release/v2.7.0`,
    and refuses to choose when a line has two of them."""
    supported: Annotated[tuple[Line, ...] | None, BeforeValidator(_read_lines), _LINE_LIST] = None
    """The lines that the label `backport/all` means, as `["2.7", "2.6"]`. Left out: the newest two with a branch."""


class Backporting(Table):
    """How a change reaches a line."""

    label: Annotated[str, AfterValidator(_backport_label)] = "backport/{line}"
    """The label that asks for a backport. `all` and `skip-2.7` may stand in the place of the line."""
    branch: Annotated[str, AfterValidator(_backport_branch)] = "backport/{line}/{number}"
    """The branch that a backport is prepared on; `{number}` is the number of the original pull."""
    delivery: Literal["pull", "push"] = "pull"
    """`pull` opens a pull for every backport; `push` puts a clean pick on the line itself. A pick with any doubt is
    always a pull, and a conflict is always left to a person."""
    title: Annotated[str, AfterValidator(_pull_title)] = "[{line}] {title} (#{number})"
    """The title of a backport's pull, made of `{line}`, `{title}` and `{number}` of the original."""
    verified: bool = False
    """Whether GitHub makes the commits of a backport's pull, on the bot's order, and signs them, so that they show as
    verified. It signs in the bot's name only: the author becomes a co-author, and the dates are the backport's. Wants
    `delivery = "pull"`; GitLab signs nothing this way."""
    sign_off: bool = False
    """Whether the bot adds a Signed-off-by line of its own to the commits that it picks."""
    copy_labels: bool = True
    """Whether a backport's pull takes over the labels of the original. Those that ask for a backport, and those that
    the bot sets, are never copied."""
    copy_assignees: bool = True
    """Whether it takes over the assignees."""
    copy_milestone: bool = False
    """Whether it takes over the milestone. Not by default: a line has its own."""


class People(Table):
    """Whose wishes count, beside those of people who may write."""

    apps: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of Apps whose comments and labels may start backports. Other bots never start anything, and no App ever
    releases a line."""
    managers: Annotated[tuple[str, ...], BeforeValidator(_read_groups), Field(strict=False)] = ()
    """The teams (`owner/team`) or groups (`group/subgroup`) whose members may release a line, as long as they may write
    here too. Empty: everybody with the role maintain or above."""


class Policy(Table):
    """Everything that a repository may decide. Made without arguments it is what holds where there is no file."""

    lines: Lines = Lines()
    backport: Backporting = Backporting()
    people: People = People()

    def trusts(self, person: Person) -> bool:
        """Whether a bot account is one of the Apps that this repository lets trigger work."""
        return person.is_bot and _app_name(person.login) in {_app_name(name) for name in self.people.apps}


def _app_name(login: str) -> str:
    return login.strip().casefold().removesuffix("[bot]")


# ── reading it ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PolicyErrors:
    """Why a policy file is not in force; the errors are in the file's order."""

    path: str
    errors: tuple[Mistake, ...]


def parse(path: str, text: str) -> Policy | PolicyErrors:
    """Read the policy file at `path`. Never raises."""
    read = read_table(Policy, text)
    if not isinstance(read, Policy):
        return PolicyErrors(path, read)
    if clash := _clash(read):
        return PolicyErrors(path, (mistake_about(text, ("backport", "branch"), clash),))
    if read.backport.verified and read.backport.delivery == "push":
        why = "commits that GitHub makes go to a branch of their own: verified wants delivery = \"pull\""
        return PolicyErrors(path, (mistake_about(text, ("backport", "verified"), why),))
    return read


def _clash(policy: Policy) -> str | None:
    """git cannot keep a branch inside another one: `release/2.7` forbids `release/2.7/anything`."""
    line = policy.lines.branch.replace("{line}", "2.7")
    backport = policy.backport.branch.replace("{line}", "2.7").replace("{number}", "12")
    if line == backport or line.startswith(backport + "/") or backport.startswith(line + "/"):
        return f"the branches “{backport}” and “{line}” cannot both exist in one repository"
    return None
