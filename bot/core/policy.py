"""The release policy of a repository: TOML text becomes a frozen `Policy`, or errors that quote the line they mean.

It must never guess: a key, a type or a template that it does not know is an error, and nothing is done until then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from bot.core.changelog.rules import KINDS, LABELS, Authors, Dedupe, Rules
from bot.core.model import Line, Person
from bot.core.tables import Mistake, Table, mistake_about, read_table

# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────

_SAMPLES = {"{line}": "2.7", "{number}": "12", "{title}": "Title"}
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
# The patterns stand in the JSON Schema too, so they are written in what Python and JavaScript read alike.
_END = r"(?![\s\S])"
_TOUCHING = r"[0-9.}]\{|\}[0-9.{]"
_NO_BRANCH = r"\.\.|//|/\.|\.lock(?:/|$)|[/.]$"


@dataclass(frozen=True, slots=True)
class _Template:
    """What a text with placeholders may be. Its pattern decides; all else only finds words for what is wrong."""

    required: tuple[str, ...]
    allowed: tuple[str, ...]
    longest: int
    characters: str
    wrong: str
    """What is said of a template whose placeholders are right; `{made}` stands for what it would make."""
    never: tuple[str, ...] = ()
    begins: str = ""

    @property
    def pattern(self) -> str:
        """The regular expression that it has to match from its beginning."""
        names = [re.escape(name) for name in self.allowed]
        once = [rf"(?![\s\S]*{name}[\s\S]*{name})" for name in names]
        there = [rf"(?=[\s\S]*{re.escape(name)})" for name in self.required]
        never = [rf"(?![\s\S]*(?:{'|'.join(self.never)}))"] if self.never else []
        return "".join(("^", self.begins, *there, *once, *never, rf"(?:{'|'.join((self.characters, *names))})*", _END))

    def check(self, template: str) -> str:
        """The template, or a ValueError that says what is wrong with it."""
        # No pattern knows what is printable beyond the control characters.
        if len(template) > self.longest or not template.isprintable() or not re.match(self.pattern, template):
            raise ValueError(self._reason(template))
        return template

    def _reason(self, template: str) -> str:
        rest = template
        for name in self.allowed:
            rest = rest.replace(name, "\0", 1)
        if "{" in rest or "}" in rest:
            return f"only {', '.join(self.allowed)} may stand in braces here, each of them once"
        if missing := next((name for name in self.required if name not in template), None):
            return f"{missing} is missing"
        if _TOUCHING in self.never and re.search(_TOUCHING, template):
            return "a placeholder must not touch a digit, a dot or another placeholder"
        return self.wrong.replace("{made}", _PLACEHOLDER.sub(lambda found: _SAMPLES[found[0]], template))

    @property
    def schema(self) -> WithJsonSchema:
        """The same in the JSON Schema."""
        return WithJsonSchema({"type": "string", "maxLength": self.longest, "pattern": self.pattern})


# What a branch template makes must be a plain branch name: git's own rules, and no character a shell could read.
# A # begins a comment in a shell only where a word begins, and real lines are called `stable/#3.1`.
def _branch(*names: str) -> _Template:
    wrong = "it would make “{made}”, which is not a plain branch name"
    return _Template(names, names, 100, "[A-Za-z0-9._/+#-]", wrong, (_TOUCHING, _NO_BRANCH), "(?!refs/|[-/.#])")


_PRINTABLE = r"[^{}\u0000-\u001f\u007f-\u009f]"
_LINE_BRANCH = _branch("{line}")
_BACKPORT_BRANCH = _branch("{line}", "{number}")
_LABEL = _Template(
    ("{line}",), ("{line}",), 40, _PRINTABLE, "a label has at most 40 characters, all of them printable", (_TOUCHING,)
)
_TITLE = _Template(
    ("{line}",),
    ("{line}", "{title}", "{number}"),
    100,
    _PRINTABLE,
    "a title template has at most 100 characters, all of them printable",
)


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_NUMBER = "(?:0|[1-9][0-9]{0,8})"
_LINE = rf"^\s*(?:[Rr][Ee][Ll][Ee][Aa][Ss][Ee]/)?[Vv]?{_NUMBER}\.{_NUMBER}\s*{_END}"


def _read_lines(value: object) -> object:
    """`["2.7", "2.6"]` becomes lines; what is not a list of lines is a ValueError."""
    if not isinstance(value, list):
        return value
    lines = []
    for word in value:
        line = Line.parse(word) if isinstance(word, str) and re.match(_LINE, word) else None
        if line is None:
            raise ValueError(f"{word!r} is not a line such as \"2.7\"")
        lines.append(line)
    return tuple(lines)


def _read_groups(value: object) -> object:
    """`["@acme/release"]` becomes `("acme/release",)`; what is not a list of names is a ValueError."""
    if not isinstance(value, list):
        return value
    if len(value) > MAX_GROUPS:
        raise ValueError(f"at most {MAX_GROUPS} teams or groups can be named")
    for name in value:
        if isinstance(name, str) and not re.match(_GROUP, name):
            raise ValueError(f"{name!r} is not a team or group such as \"acme/release\"")
    return tuple(name.removeprefix("@") if isinstance(name, str) else name for name in value)


_TAG = rf"^(?:[Vv]|[A-Za-z][A-Za-z0-9._-]{{0,40}}[._-][Vv])?\{{version\}}{_END}"
"""What `versions.read_tag` reads back."""
_TAG_SCHEMA = WithJsonSchema({"type": "string", "pattern": _TAG})


def _check_tag(template: str | None) -> str | None:
    if template is not None and (not re.match(_TAG, template) or ".." in template):
        raise ValueError("a tag is written as v{version}, {version}, or with a name before it: PyTorch-CUDA-v{version}")
    return template


def _read_bumps(value: object) -> object:
    """The list as it is; a ValueError names the first entry that no file can be meant by."""
    if isinstance(value, list):
        if len(value) > MAX_BUMPS:
            raise ValueError(f"at most {MAX_BUMPS} files can hold the version")
        for entry in value:
            if isinstance(entry, str) and not re.match(_BUMP, entry):
                raise ValueError(f'{entry!r} is no file such as "version.txt", or "setup.cfg: version = {{version}}"')
    return value


def _read_deployed(value: object) -> object:
    """The same for files of another repository, of which what runs there is none of this one's business."""
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, str) and "{digest}" in entry:
            raise ValueError("{digest} cannot be written yet, since there are no images; leave it out until then")
        if isinstance(entry, str) and entry.startswith(".git"):
            raise ValueError("what begins with .git says what runs there, and is not for others to change")
    return _read_bumps(value)


MAX_BUMPS, MAX_ACCEPTED = 20, 50
"""Files that the version is written to, and repositories that one repository deploys."""

_PART = r"(?!\.{1,2}(?:/|:|$))(?!\.git(?:/|:|$))[A-Za-z0-9._+-]{1,100}"
_BUMP = rf"^{_PART}(?:/{_PART}){{0,19}}(?:: (?=[^\u0000-\u001f]*\{{version\}})[^\u0000-\u001f]{{1,200}})?{_END}"

_DEPLOYED = rf"^(?!\.git)(?![\s\S]*\{{digest\}}){_BUMP.removeprefix('^')}"

MAX_GROUPS = 10
"""Teams and groups that `managers` may name: each of them can cost a question to the forge."""

_NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_GROUP = rf"^@?{_NAME}(?:/{_NAME}){{0,19}}{_END}"


def _list_of(pattern: str, **more: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": pattern}, **more})


# ── the policy ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Lines(Table):
    """Which branches are release lines."""

    branch: Annotated[str, AfterValidator(_LINE_BRANCH.check), _LINE_BRANCH.schema] = "release/{line}"
    """The branch of a release line; `{line}` stands for `2.7`. The bot also finds `release/v2.7` and `release/v2.7.0`,
    and refuses to choose when a line has two of them."""
    supported: Annotated[tuple[Line, ...] | None, BeforeValidator(_read_lines), _list_of(_LINE)] = None
    """The lines that the label `backport/all` means, as `["2.7", "2.6"]`. Left out: the newest two with a branch."""


class Backporting(Table):
    """How a change reaches a line."""

    label: Annotated[str, AfterValidator(_LABEL.check), _LABEL.schema] = "backport/{line}"
    """The label that asks for a backport. `all` and `skip-2.7` may stand in the place of the line."""
    branch: Annotated[str, AfterValidator(_BACKPORT_BRANCH.check), _BACKPORT_BRANCH.schema] = "backport/{line}/{number}"
    """The branch that a backport is prepared on; `{number}` is the number of the original pull."""
    delivery: Literal["pull", "push"] = "pull"
    """`pull` opens a pull for every backport; `push` puts a clean pick on the line itself. A pick with any doubt is
    always a pull, and a conflict is always left to a person."""
    title: Annotated[str, AfterValidator(_TITLE.check), _TITLE.schema] = "[{line}] {title} (#{number})"
    """The title of a backport's pull, made of `{line}`, `{title}` and `{number}` of the original."""
    verified: bool = False
    """Whether the forge makes the commits of a backport's pull, on the bot's order, and signs them, so that they show
    as verified. It signs in the bot's name only: the author becomes a co-author, and the dates are the backport's.
    Wants `delivery = "pull"`, and a forge that does it."""
    sign_off: bool = False
    """Whether the bot adds a Signed-off-by line of its own to the commits that it picks."""
    copy_labels: bool = True
    """Whether a backport's pull takes over the labels of the original. Those that ask for a backport, and those that
    the bot sets, are never copied."""
    copy_assignees: bool = True
    """Whether it takes over the assignees."""
    copy_milestone: bool = False
    """Whether it takes over the milestone. Not by default: a line has its own."""


class Releasing(Table):
    """How versions are made. The sections of the changelog have a place of their own."""

    tag: Annotated[str | None, AfterValidator(_check_tag), _TAG_SCHEMA] = None
    """How tags are written, with the version in the place of `{version}`, as in `"PyTorch-CUDA-v{version}"`. A line
    that has tags keeps to theirs. Left out: as the project's newest tag is written, and `v{version}` where there is
    none."""
    candidate: Literal["-rcN", "-rc.N", "rcN"] | None = None
    """What a candidate's tag ends in, with its number in the place of `N`, as in `"-rc.N"`. The same rule holds. Left
    out: as the others are written, and `-rcN` where there is none."""
    bump: Annotated[
        tuple[str, ...], BeforeValidator(_read_bumps), Field(strict=False), _list_of(_BUMP, maxItems=MAX_BUMPS)
    ] = ()
    """The files that hold the version, each as `"version.txt"`, or with the text around the version as
    `"setup.cfg: version = {version}"`. Of `pyproject.toml` the key under `[project]` is meant, of Python files
    `__version__`, of others all that they hold. A candidate writes the final's version, since it becomes the final."""
    checks: Annotated[tuple[str, ...], Field(strict=False, max_length=50)] = ()
    """The names of the checks that must have passed on the very commit that is tagged. Empty: those that the forge
    requires for the line's branch, else all that are reported on the commit before it."""
    confirmed_by: Literal["manager", "another"] = "manager"
    """Who may confirm a final or a withdrawal: any release `manager`, the one who asked for it among them, or only
    `another` one, so that it always takes two."""
    oversized: Literal["warn", "refuse"] = "warn"
    """What happens to a patch of a line that brings a feature or a breaking change, by the titles of its commits."""


class People(Table):
    """Whose wishes count, beside those of people who may write."""

    apps: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of Apps whose comments and labels may start backports. Other bots never start anything, and no App ever
    releases a line."""
    managers: Annotated[
        tuple[str, ...], BeforeValidator(_read_groups), Field(strict=False), _list_of(_GROUP, maxItems=MAX_GROUPS)
    ] = ()
    """The teams (`owner/team`) or groups (`group/subgroup`) whose members may release a line, as long as they may write
    here too. Empty: everybody with the role maintain or above."""


def _fitting(pattern: str, what: str) -> tuple[AfterValidator, WithJsonSchema]:
    """A text that fits a pattern; `what` says what one is."""

    def check(text: str) -> str:
        if not re.match(pattern, text):
            raise ValueError(f"{text[:60]!r} is not {what}")
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern})


_File = Annotated[
    str,
    *_fitting(
        rf"^(?![/-])(?!(?:[\s\S]*/)?\.\.?(?:/|{_END}))[A-Za-z0-9._/ -]{{1,200}}{_END}",
        "the path of a file, from the top of the repository",
    ),
]
_Category = Annotated[
    str, *_fitting(rf"^(?:none|[A-Z][A-Za-z /&-]{{0,39}}){_END}", "a heading such as \"Fixed\", or none")
]
_Glob = Annotated[str, *_fitting(rf"^(?![:/-])[\u0020-\u007e]{{1,200}}{_END}", "a glob such as \"src/**\"")]


class Changelog(Table):
    """What a version's notes are made of, and where they are kept."""

    file: _File = "CHANGELOG.md"
    """The changelog, from the top of the repository."""
    template: _File | None = None
    """A `Jinja2` template for a version's section, as `"release/notes.md.jinja"`, read from the default branch. It may
    loop over what it is given, choose and print, and nothing else. Left out: the layout of Keep a Changelog."""
    dedupe: Dedupe = "annotate"
    """What becomes of a change that a lower line has shipped before: `annotate` adds “also in 2.7.1”, `omit` leaves it
    out."""
    authors: Authors = "name"
    """How the author of a change is named: `name`, `link` (to the account, without calling it) or `none`."""
    kinds: dict[str, _Category] = KINDS
    """The category of each kind of conventional title; `none` leaves a kind out, unless the change breaks something or
    has a release note. What is named here replaces all of the default."""
    labels: dict[str, _Category] = LABELS
    """The same for labels, which come before titles: the first label of this table that a pull wears decides."""
    paths: Annotated[tuple[_Glob, ...], Field(strict=False)] = ()
    """Globs, as `src/**`: only what changes such files is listed. Empty: everything."""
    ignore: Annotated[tuple[_Glob, ...], Field(strict=False)] = ()
    """Globs of files that do not count: what changes nothing else is not listed."""
    known_issues: Annotated[str, AfterValidator(_LABEL.check), _LABEL.schema] = "known-issue/{line}"
    """The label of open issues and pulls that a line is known to have; a version's notes list them."""

    def rules(self) -> Rules:
        """The same, for the program."""
        return Rules(self.dedupe, self.authors, self.kinds, self.labels)


_Path = Annotated[str, *_fitting(rf"^{_NAME}(?:/{_NAME}){{1,19}}{_END}", "a repository such as \"acme/infra\"")]
_Event = Annotated[str, *_fitting(rf"^{_NAME}{_END}", "the name of an event such as \"relbot-release\"")]


class Deploying(Table):
    """Who is told when a version is out, to deploy it; and whom this repository lets tell it so."""

    repository: _Path | None = None
    """The `path` of the repository that deploys, as `"acme/infra"`, on the same forge. Its own policy has to accept
    this one."""
    files: Annotated[
        tuple[str, ...], BeforeValidator(_read_deployed), Field(strict=False), _list_of(_DEPLOYED, maxItems=MAX_BUMPS)
    ] = ()
    """Its files that hold the version, written as those of `bump` are, as in `"envs/prod.yaml: tag: {version}"`: a pull
    sets them. A candidate stands in them as one."""
    event: _Event | None = None
    """A `repository_dispatch` that it is sent, as `"relbot-release"`; where the forge knows none, a pipeline with
    variables."""
    candidates: bool = False
    """Whether candidates are deployed too, and not only finals."""
    accept: Annotated[tuple[_Path, ...], Field(strict=False, max_length=MAX_ACCEPTED)] = ()
    """The repositories, as `["acme/torchkit"]`, whose versions are deployed from here: only they may have me open pulls
    and send events here. This is said where it is deployed, since I can write to more than those who ask me may."""


class Policy(Table):
    """Everything that a repository may decide. Made without arguments it is what holds where there is no file."""

    lines: Lines = Lines()
    backport: Backporting = Backporting()
    release: Releasing = Releasing()
    people: People = People()
    changelog: Changelog = Changelog()
    deploy: Deploying = Deploying()

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
        why = "commits that the forge makes go to a branch of their own: verified wants delivery = \"pull\""
        return PolicyErrors(path, (mistake_about(text, ("backport", "verified"), why),))
    if half := _half_a_deployment(read.deploy):
        return PolicyErrors(path, (mistake_about(text, ("deploy", half[0]), half[1]),))
    return read


def _clash(policy: Policy) -> str | None:
    """git cannot keep a branch inside another one: `release/2.7` forbids `release/2.7/anything`."""
    line = policy.lines.branch.replace("{line}", "2.7")
    backport = policy.backport.branch.replace("{line}", "2.7").replace("{number}", "12")
    if line == backport or line.startswith(backport + "/") or backport.startswith(line + "/"):
        return f"the branches “{backport}” and “{line}” cannot both exist in one repository"
    return None


def _half_a_deployment(deploy: Deploying) -> tuple[str, str] | None:
    """The key that is there without what it needs, and what that is."""
    if deploy.repository:
        why = "it is to be told nothing: name its `files`, an `event`, or both"
        return None if deploy.files or deploy.event else ("repository", why)
    key = "files" if deploy.files else "event"
    return (key, "nobody is told: name the `repository` that deploys") if deploy.files or deploy.event else None
