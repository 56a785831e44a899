"""Gives a repository what the bot needs in it: the labels of its lines, and the webhook.

It must never say that something was done which the forge has refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from bot.app.places import Place
from bot.app.runner import drive
from bot.app.written import is_safe_address
from bot.core.actions import Missing, Refused
from bot.core.errors import UserError
from bot.core.model import ForgeName, Line, Secret
from bot.core.policy import PolicyErrors
from bot.core.setup import HookReady, HookWish, LabelWish, missing_labels, wanted_labels
from bot.core.survey import Survey, take_survey

if TYPE_CHECKING:
    from bot.app.perform import Performer
    from bot.app.settings import Settings

Outcome = Literal["there", "made", "missing", "refused"]


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What became of one label; `said` has the forge's words where it was refused."""

    name: str
    outcome: Outcome
    said: str = ""


def survey_of(place: Place, performer: Performer) -> Survey:
    """The lines and the policy of a repository. `UserError` when its policy file is wrong."""
    survey = drive(take_survey(place.repo), performer)
    if survey.errors:
        path, found = survey.errors.path, "\n".join(f"  {each}" for each in told(survey.errors))
        raise UserError(f"The policy file {path} of {place.repo.path} is wrong:\n{found}\nMend it and try again.")
    return survey


def told(errors: PolicyErrors) -> Iterator[str]:
    """Each mistake of a policy file on a line."""
    return (f"line {each.line}, `{each.quote}`: {each.message}" for each in errors.errors)


def sync_labels(place: Place, survey: Survey, only: Sequence[Line], *, rehearse: bool) -> Iterator[LabelReport]:
    """Make the labels that are missing, for all known lines or `only` for these; each is told as soon as it is done."""
    wanted = wanted_labels(survey.policy, only or survey.lines)
    missing = missing_labels(wanted, place.settings.labels(place.repo))
    for wish in wanted:
        if wish not in missing:
            yield LabelReport(wish.name, "there")
        elif rehearse:
            yield LabelReport(wish.name, "missing")
        else:
            yield _make(place, wish)


def _make(place: Place, wish: LabelWish) -> LabelReport:
    made = place.settings.ensure_label(place.repo, wish)
    if isinstance(made, Refused):
        return LabelReport(wish.name, "refused", str(made))
    return LabelReport(wish.name, "made" if made else "there")


def sync_hook(place: Place, wish: HookWish, *, rehearse: bool) -> HookReady | Refused:
    """Create or mend the webhook; a rehearsal tells what would be done."""
    if not rehearse:
        return place.settings.ensure_hook(place.repo, wish)
    found = place.settings.find_hook(place.repo, wish.url)
    match found:
        case Refused():
            return found
        case Missing():
            return HookReady(("created",))
        case _:
            return HookReady((*found.flaws, *(("given the secret anew",) if wish.renew else ())))


def hook_address(settings: Settings, forge: ForgeName, given: str | None) -> str:
    """Where the webhook of a forge sends to: the address `given`, or the server's, with the path of its door."""
    base = given or settings.server.url
    if not base:
        raise UserError("Where is the server? Name its address with --url, or as `url` under [server].")
    if not is_safe_address(base):
        raise UserError(f"{base} is no address for a webhook. It has to begin with https:// and hold no user name.")
    base, door = base.rstrip("/"), f"/hooks/{forge}"
    return base if urlsplit(base).path.endswith(door) else f"{base}{door}"


def hook_wish(settings: Settings, forge: ForgeName, url: str, *, renew: bool = False) -> HookWish:
    """The webhook whose deliveries the server takes: with the first secret, and the first of the signing tokens."""
    signing = settings.gitlab.signing_tokens if forge == "gitlab" and settings.gitlab else ()
    return HookWish(url, hook_secret(settings, forge), renew, signing[0] if signing else None)


def hook_secret(settings: Settings, forge: ForgeName) -> Secret:
    """The secret that the webhook is given: the first of those that the server accepts."""
    section = settings.github if forge == "github" else settings.gitlab
    secrets = section.webhook_secrets if section else ()
    if not secrets:
        raise UserError(
            f"There is no webhook secret for {forge}. Make one (`openssl rand -hex 32`), put it where "
            f"`webhook_secret_envs` or `webhook_secret_files` under [{forge}] in the settings point, and try again."
        )
    return secrets[0]
