"""Looks for what keeps the bot from working: on this machine, with its credentials, in a repository.

It must never change anything on a forge unless it is told to mend, nor fall over what it is there to find.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.connect import connect, open_forges
from bot.app.equip import hook_address, hook_secret, hook_wish, sync_hook, sync_labels, told
from bot.app.places import Place, find_place
from bot.app.runner import drive
from bot.app.settings import Settings, load
from bot.app.signing import open_signing
from bot.core.actions import Missing, Refused
from bot.core.errors import Fault, UserError
from bot.core.lines import TwoBranches, find_branch
from bot.core.model import ForgeName
from bot.core.setup import Hook, is_exclusive
from bot.core.survey import Survey, take_survey
from bot.tools.git import Git, version
from bot.tools.releasing import try_out

if TYPE_CHECKING:
    from bot.forges import Forge

_LEAST_SPACE = 2 * 1024**3
"""Bytes. The mirror of a large project takes about one gigabyte."""

_CLOCK_OFF = 30
"""Seconds that two clocks may differ: signatures and App tokens are good for minutes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what was found: `good` is None where it cannot be told, and `mend` the next step where it is bad."""

    name: str
    good: bool | None
    said: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the doctor is asked to look at, and whether it mends what it can."""

    settings: str | None = None
    repository: str | None = None
    url: str | None = None
    fix: bool = False


def examine(wanted: Wanted, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding, as soon as it is made. What everything else needs comes first, and ends it where it is bad."""
    yield from _look("git", _check_git)
    loaded: list[Settings] = []
    yield from _look("settings", lambda: _check_settings(wanted, environ, loaded))
    if not loaded:
        return
    settings = loaded[0]
    yield from _look("mirrors", lambda: _check_folder(settings.directory / "mirrors"))
    yield from _look("signing key", lambda: _check_signing(settings))
    yield from _look("credentials", lambda: _examine_forges(settings))
    if wanted.repository:
        yield from _examine_repository(settings, wanted)


def _look(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Make a check, and tell of whatever stops it."""
    try:
        yield from check()
    except UserError as error:
        yield Finding(name, False, str(error), "Do that, and run me again.")
    except Fault as fault:
        yield Finding(name, False, str(fault), "Mend what it says, and run me again; most often it is the token.")
    except OSError as error:
        yield Finding(name, False, str(error), "Mend that on this machine, and run me again.")


# ── this machine ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_git() -> Iterator[Finding]:
    found = ".".join(map(str, version()))
    usage = Git(Path("/dev/null")).attempt("merge-tree", "-h")
    able = b"--stdin" in usage.out + usage.err
    mend = "" if able else "Install git 2.39 or newer, as its makers ship it."
    yield Finding("git", able, f"version {found}" if able else f"version {found} cannot merge trees in a batch", mend)


def _check_settings(wanted: Wanted, environ: Mapping[str, str], loaded: list[Settings]) -> Iterator[Finding]:
    settings = load(wanted.settings, environ)
    loaded.append(settings)
    forges = [name for name in ("github", "gitlab") if getattr(settings, name)]
    yield Finding("settings", True, f"for {' and '.join(forges)}")


def _check_folder(folder: Path) -> Iterator[Finding]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        mend = "Give this account the right to write there, or name another `directory` under [data]."
        yield Finding("mirrors", False, f"{folder} cannot be written: {error.strerror}", mend)
        return
    yield Finding(
        "mirrors", free >= _LEAST_SPACE, f"{folder}, {free / 1024**3:.1f} GB free",
        "" if free >= _LEAST_SPACE else "Make room, or name a `directory` on a larger disk under [data].",
    )  # fmt: skip


def _check_signing(settings: Settings) -> Iterator[Finding]:
    """Has the signer sign something that is no tag, and looks whether that holds before the public keys."""
    signing = open_signing(settings.signing)
    if signing is None:
        mend = "Name a key under [signing] in the settings, if tags are to be signed."
        yield Finding("signing key", None, "none: tags are annotated, and not signed", mend)
        return
    with closing(signing):
        verdict, said = try_out(signing)
    mend = "Put the signer's public key into the file that `signers` under [signing] names."
    good = verdict == "good"
    yield Finding("signing key", good, f"what the signer has signed: {said}", "" if good else mend)


# ── its credentials ──────────────────────────────────────────────────────────────────────────────────────────────────


def _examine_forges(settings: Settings) -> Iterator[Finding]:
    for name, forge in open_forges(settings).items():
        yield from _look(f"{name}: account", partial(_check_account, name, forge))
        yield from _look(f"{name}: webhook secret", partial(_check_secret, settings, name))


def _check_account(name: ForgeName, forge: Forge) -> Iterator[Finding]:
    yield Finding(f"{name}: account", True, f"works as {forge.me().login}")


def _check_secret(settings: Settings, name: ForgeName) -> Iterator[Finding]:
    signing = settings.gitlab.signing_tokens if name == "gitlab" and settings.gitlab else ()
    if not signing:
        hook_secret(settings, name)
    yield Finding(f"{name}: webhook secret", True, "is set")


# ── a repository ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _examine_repository(settings: Settings, wanted: Wanted) -> Iterator[Finding]:
    found: list[Place] = []
    yield from _look("repository", lambda: _check_repository(settings, wanted, found))
    if found:
        place = found[0]
        yield from _look("clock", lambda: _check_clock(place))
        yield from _look("webhook", lambda: _check_hook(settings, place, wanted))
        yield from _look("clone", lambda: _examine_clone(settings, place, wanted))


def _check_repository(settings: Settings, wanted: Wanted, found: list[Place]) -> Iterator[Finding]:
    place = find_place(settings, wanted.repository)
    found.append(place)
    repo = place.repo
    yield Finding("repository", True, f"{repo.path}, number {repo.id}, with the default branch {repo.default_branch}")
    for right in place.visit.rights:
        said = {True: "held", False: "missing", None: "the forge does not tell"}[right.held]
        yield Finding(right.name, right.held, said, "" if right.held else right.mend)


def _check_clock(place: Place) -> Iterator[Finding]:
    if place.visit.clock is None:
        yield Finding("clock", None, "the forge does not tell its time")
        return
    off = abs(time.time() - place.visit.clock)
    good = off <= _CLOCK_OFF
    yield Finding("clock", good, f"{off:.0f} s off the forge's", "" if good else "Set this machine's clock, with NTP.")


def _check_hook(settings: Settings, place: Place, wanted: Wanted) -> Iterator[Finding]:
    if not (wanted.url or settings.server.url):
        mend = "Name the server's address with --url, or as `url` under [server]."
        yield Finding("webhook", None, "not looked for: I do not know where the server is", mend)
        return
    url = hook_address(settings, place.repo.forge, wanted.url)
    if wanted.fix:
        sync_hook(place, hook_wish(settings, place.repo.forge, url), rehearse=False)
    found = place.settings.find_hook(place.repo, url)
    mend = f"Run `relbot hooks sync --repository {wanted.repository} --url {url}`."
    match found:
        case Refused(reason, next_step):
            yield Finding("webhook", None, reason, next_step)
        case Missing():
            yield Finding("webhook", False, f"there is none to {url}", mend)
        case Hook(flaws=flaws) if flaws:
            yield Finding("webhook", False, f"it has to be {'; '.join(flaws)}", mend)
        case Hook(failing=str(failing)):
            step = "See whether the server runs and can be reached from the forge, then send that delivery again."
            yield Finding("webhook", False, f"the last delivery failed: {failing}", mend if "401" in failing else step)
        case _:
            yield Finding("webhook", True, url)


def _examine_clone(settings: Settings, place: Place, wanted: Wanted) -> Iterator[Finding]:
    with closing(connect(settings)) as performer:
        survey = drive(take_survey(place.repo), performer)
    yield Finding("clone", True, "is up to date")
    if survey.errors:
        said = f"{survey.errors.path} is wrong: {'; '.join(told(survey.errors))}"
        yield Finding("policy", False, said, "Mend it on the default branch; nothing is done until then.")
        return
    yield Finding("policy", True, "is in force")
    yield from _check_pattern(place, survey)
    yield from _check_lines(survey)
    if survey.lines:
        yield from _check_labels(place, survey, wanted)


def _check_lines(survey: Survey) -> Iterator[Finding]:
    bad = [*_doubled(survey), *_without_branch(survey)]
    yield from bad
    if not survey.lines:
        yield Finding("lines", None, "no line has a branch yet", "Create the branch of a line, such as release/2.7.")
    elif not bad:
        yield Finding("lines", True, ", ".join(map(str, survey.lines)))


def _check_labels(place: Place, survey: Survey, wanted: Wanted) -> Iterator[Finding]:
    reports = list(sync_labels(place, survey, (), rehearse=not wanted.fix))
    missing = [each.name for each in reports if each.outcome in ("missing", "refused")]
    mend = f"Run `relbot labels sync --repository {wanted.repository}`." if missing else ""
    said = f"{len(missing)} of {len(reports)} are missing, such as {missing[0]}" if missing else f"all {len(reports)}"
    yield Finding("labels", not missing, said, mend)


def _check_pattern(place: Place, survey: Survey) -> Iterator[Finding]:
    if place.visit.scoped_labels and is_exclusive(survey.policy):
        pattern = survey.policy.backport.label
        said = f"{pattern} makes scoped labels: where the forge keeps to scopes, a pull has only the last of them"
        mend = "Write `label` with a slash, such as backport/{line}, if changes are to go to several lines."
        yield Finding("label pattern", None, said, mend)


def _doubled(survey: Survey) -> Iterator[Finding]:
    for line in survey.lines:
        found = find_branch(survey.policy, line, survey.branches)
        if isinstance(found, TwoBranches):
            names = " and ".join(found.names)
            yield Finding(f"line {line}", False, f"has two branches: {names}", "Delete all but one of them.")


def _without_branch(survey: Survey) -> Iterator[Finding]:
    for line in survey.policy.lines.supported or ():
        if line not in survey.lines:
            mend = "Create its branch, or take it out of `supported` in the policy."
            yield Finding(f"line {line}", False, "is supported by the policy, and has no branch", mend)
