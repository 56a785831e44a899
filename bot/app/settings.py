"""Reads the server's settings file and the secrets it names, once, into frozen values.

It must never keep a secret in anything that prints, nor let a key that it does not know pass in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field

from bot.app.log import hide
from bot.app.signing import SigningSection, SigningSettings, choose_signing
from bot.app.written import Address, AppId, Endpoint, Files, Host, Names, Owner, PathText
from bot.core.errors import UserError
from bot.core.model import ForgeName, Repo, Secret
from bot.core.tables import Table, read_table

USUAL_PLACE = Path("config/server.toml")
_EXAMPLE = "config/server.example.toml shows every key."


# ── what a file may say ──────────────────────────────────────────────────────────────────────────────────────────────


class Server(Table):
    """Where the web server listens, and for whom."""

    host: Host = "127.0.0.1"
    """Where `relbot serve` listens; put a proxy that speaks TLS in front of it."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """`0` takes any free port."""
    url: Address | None = None
    """The address under which the forges reach this server, as `https://bot.example.org`; `relbot hooks sync` and
    `relbot doctor` go by it."""
    owners: Annotated[tuple[Owner, ...], Field(strict=False)] = ()
    """The owners (`acme`) and groups (`group/sub`) whose repositories are looked after; deliveries of others are
    ignored. Empty: all that the tokens can see."""

    metrics: Endpoint | None = None
    """Where `/metrics` (for Prometheus), `/healthz` and `/readyz` are answered by `relbot serve` and `relbot work`, as
    `127.0.0.1:9100`: an address that the world cannot reach, since metrics are for the operator. None: nowhere."""
    log: Literal["text", "json"] = "text"
    """The form of the log on standard error: lines of `key=value`, or an object of JSON on each line."""

    def admits(self, repo: Repo) -> bool:
        """Whether the repository belongs to one of the owners."""
        path = f"{repo.path.lower()}/"
        return not self.owners or any(path.startswith(f"{owner}/") for owner in self.owners)


class Data(Table):
    """Where the server keeps things."""

    directory: PathText = Path("~/.local/state/relbot")
    """The mirrors, which can be deleted at any time, and what the bot has still to do, which cannot: `relbot.sqlite`
    and the folders `spool` and `executors`."""
    database_env: str = "RELBOT_DATABASE"
    """The environment variable with the address of a PostgreSQL database, `postgresql://USER:PASSWORD@HOST/NAME`, for
    more than some fifty deliveries a second, or for several machines. Not set: SQLite in `directory`."""
    database_file: PathText | None = None
    """The file that holds it; wins over the variable."""


class Upkeep(Table):
    """What is done every so often."""

    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """How often repositories are looked at for what no webhook told: a request each where nothing happened. `0` leaves
    that to `relbot sweep`."""
    keep_days: Annotated[int, Field(ge=8, le=3650)] = 30
    """How long deliveries and jobs are known by their names, so that nothing is done twice."""
    keep_words_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """How long what people wrote in them is kept."""
    keep_audit_days: Annotated[int, Field(ge=30, le=36500)] = 400
    """How long the record of every write is kept."""


class GitHubSection(Table):
    """How GitHub is reached, with the names of the places where the secrets are."""

    api: Address = "https://api.github.com"
    """For GitHub Enterprise Server: `https://HOST/api/v3`."""
    token_env: str = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
    """The environment variable that holds the token."""
    token_file: PathText | None = None
    """The file that holds it; wins over the variable."""
    app_id: AppId | None = None
    """The id or client id of a GitHub App, which then stands in for the token."""
    private_key_env: str = "GITHUB_APP_PRIVATE_KEY"
    """The environment variable that holds the App's private key (PEM)."""
    private_key_file: PathText | None = None
    """The file that holds it; wins over the variable."""
    paced: bool = True
    """Whether the bot writes as slowly as GitHub asks for: at most one write a second on average and 500 an hour.
    `false` for servers without such limits."""
    webhook_secret_envs: Names = ("RELBOT_WEBHOOK_SECRET",)
    """Environment variables with webhook secrets. Any of them signs, so two of them let a secret be rotated; the first
    is what `relbot hooks sync` sets."""
    webhook_secret_files: Files = ()
    """The same, from files."""
    clone_base: Address | None = None
    """Where git clones from, when it cannot be told from `api`."""


class GitLabSection(Table):
    """How GitLab is reached, with the names of the places where the secrets are."""

    url: Address = "https://gitlab.com"
    """The address of the instance."""
    token_env: str = "GITLAB_TOKEN"  # noqa: S105 - the name of a variable
    """The environment variable that holds the token."""
    token_file: PathText | None = None
    """The file that holds it; wins over the variable."""
    paced: bool = True
    """As for GitHub; GitLab's own limits differ from server to server."""
    webhook_secret_envs: Names = ("RELBOT_GITLAB_SECRET",)
    """Environment variables with secret tokens of webhooks; any of them will do, the first is what `relbot hooks sync`
    sets."""
    webhook_secret_files: Files = ()
    """The same, from files."""
    signing_token_envs: Names = ()
    """Environment variables with signing tokens (`whsec_…`). Where there are any, deliveries must be signed; the first
    is what `relbot hooks sync` sets."""
    signing_token_files: Files = ()
    """The same, from files."""
    clone_base: Address | None = None
    """Where git clones from, when it is not `url`."""


class Committer(Table):
    """Who commits the picks."""

    name: Annotated[str, Field(pattern=r"^[^<>\x00-\x1f]+$")] = "relbot"
    """The name of the committer."""
    email: Annotated[str, Field(pattern=r"^[^<>\s\x00]+$")] = "relbot@users.noreply.invalid"
    """And the address."""


class File(Table):
    """A settings file."""

    server: Server = Server()
    data: Data = Data()
    upkeep: Upkeep = Upkeep()
    github: GitHubSection | None = None
    gitlab: GitLabSection | None = None
    bot: Committer = Committer()
    signing: SigningSection | None = None


# ── what the bot works with ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App: its id and its private key."""

    id: str
    key: Secret


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """How GitHub is reached. `webhook_secrets` may be empty: then no signed delivery can be taken."""

    api: str
    clone_base: str | None
    credential: Secret | App
    paced: bool
    webhook_secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class GitLabSettings:
    """How GitLab is reached. Without secrets and signing tokens no delivery can be taken."""

    url: str
    clone_base: str | None
    token: Secret
    paced: bool
    webhook_secrets: tuple[Secret, ...]
    signing_tokens: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator decides, with secrets resolved. There is at least one forge."""

    server: Server
    upkeep: Upkeep
    directory: Path
    database: Secret
    github: GitHubSettings | None
    gitlab: GitLabSettings | None
    bot: Committer
    signing: SigningSettings | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Where the bot keeps its work, and where people find the forges: what a look at it takes, and no credential."""

    server: Server
    directory: Path
    database: Secret
    sites: Mapping[ForgeName, str]


def load(named: str | None, environ: Mapping[str, str]) -> Settings:
    """The settings from the file `named` on the command line, or by RELBOT_SETTINGS, or in its usual place if there.

    `UserError` when the file is missing or wrong, or a token is. The log is told which values to hide.
    """
    file, github = _load_file(named, environ)
    return Settings(
        file.server,
        file.upkeep,
        _expand(file.data.directory),
        _open_database(file.data, environ),
        _open_github(github, environ) if github else None,
        _open_gitlab(file.gitlab, environ) if file.gitlab else None,
        file.bot,
        choose_signing(file.signing, json_log=file.server.log == "json"),
    )


def load_home(named: str | None, environ: Mapping[str, str]) -> Home:
    """As much of the settings as needs no secret but the database's."""
    file, github = _load_file(named, environ)
    sites: dict[ForgeName, str] = {}
    if github:
        api = github.clone_base or github.api
        sites["github"] = re.sub(r"^https://api\.github\.com$", "https://github.com", re.sub(r"/api/v3/?$", "", api))
    if file.gitlab:
        sites["gitlab"] = file.gitlab.url
    return Home(file.server, _expand(file.data.directory), _open_database(file.data, environ), sites)


def _load_file(named: str | None, environ: Mapping[str, str]) -> tuple[File, GitHubSection | None]:
    """The file, and what it says of GitHub, which is there when no forge is named."""
    chosen = named or environ.get("RELBOT_SETTINGS")
    path = Path(chosen) if chosen else USUAL_PLACE
    text = _read(path, "settings file") if chosen or path.exists() else ""
    file = parse(text, str(path))
    alone = file.github is None and file.gitlab is None
    return file, file.github or (GitHubSection() if alone else None)


def parse(text: str, name: str) -> File:
    """The text of a settings file, checked. `name` is what the file is called in messages."""
    read = read_table(File, text)
    if isinstance(read, File):
        return read
    found = "\n".join(f"  line {each.line}, `{each.quote}`: {each.message}" for each in read)
    raise UserError(f"{name} cannot be used:\n{found}\nMend it and start again; {_EXAMPLE}")


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _open_database(section: Data, environ: Mapping[str, str]) -> Secret:
    """The database's address. Only its password is kept out of the log: the rest says which one it is."""
    file = section.database_file
    address = _read(file, "file of the database's address") if file else environ.get(section.database_env, "")
    if not address.strip():
        return Secret(f"sqlite:///{quote(str(_expand(section.directory) / 'relbot.sqlite'))}")
    with suppress(ValueError):  # no address at all: whoever opens it says so, and does not repeat it
        if password := urlsplit(address.strip()).password:
            hide(Secret(password), Secret(unquote(password)))
    return Secret(address.strip())


def _open_github(section: GitHubSection, environ: Mapping[str, str]) -> GitHubSettings:
    credential: Secret | App
    if section.app_id:
        place = (section.private_key_env, section.private_key_file)
        credential = App(section.app_id, _secret("private key of the GitHub App", "private_key", place, environ))
    else:
        credential = _secret("GitHub token", "token", (section.token_env, section.token_file), environ)
    secrets = _secrets(section.webhook_secret_envs, section.webhook_secret_files, environ)
    return GitHubSettings(section.api, section.clone_base, credential, section.paced, secrets)


def _open_gitlab(section: GitLabSection, environ: Mapping[str, str]) -> GitLabSettings:
    token = _secret("GitLab token", "token", (section.token_env, section.token_file), environ)
    secrets = _secrets(section.webhook_secret_envs, section.webhook_secret_files, environ)
    signing = _secrets(section.signing_token_envs, section.signing_token_files, environ)
    return GitLabSettings(section.url, section.clone_base, token, section.paced, secrets, signing)


def _secret(what: str, key: str, place: tuple[str, Path | None], environ: Mapping[str, str]) -> Secret:
    """One secret that has to be there; `place` is its variable and its file."""
    variable, file = place
    value = _read(file, f"file of the {what}") if file is not None else environ.get(variable, "")
    if not value.strip():
        raise UserError(
            f"There is no {what}: the environment variable {variable} is not set. "
            f"Set it, or name another place with `{key}_env` or `{key}_file` in the settings."
        )
    if key == "token" and not re.fullmatch(r"[!-~]+", value.strip()):
        where = file if file is not None else f"the environment variable {variable}"
        raise UserError(f"What is in {where} is no {what}: it has blanks or letters that none has. Put one there.")
    return _hidden(value)


def _secrets(variables: Iterable[str], files: Iterable[Path], environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Secrets of which any will do; variables that are not set are passed over."""
    values = [value for name in variables if (value := environ.get(name, "").strip())]
    values += [_read(path, "file of a webhook secret") for path in files]
    return tuple(map(_hidden, values))


def _hidden(value: str) -> Secret:
    """A secret that no log shows from now on, nor a line of it: private keys have many."""
    secret = Secret(value.strip())
    hide(secret, *(Secret(line) for line in value.split() if len(line) > _SHORT))
    return secret


_SHORT = 16
"""Characters. Shorter pieces of a private key are words such as `PRIVATE`."""


def _expand(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise UserError(f"{path} in the settings is in the home of an account without one. Write it out.") from None


def _read(path: Path, what: str) -> str:
    path = _expand(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise UserError(f"The {what} {path} cannot be read: {said}. Check its name and its rights.") from None
    if what != "settings file" and not text.strip():
        raise UserError(f"The {what} {path} is empty. Put the secret into it, or leave the key out of the settings.")
    return text
