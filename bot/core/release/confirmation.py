"""Confirmations of what cannot be taken back: what a code is bound to, who may say it, and for how long it holds.

It must never let a confirmation count for anything else than what was shown with its code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.actions import FindComment, Planning, ask
from bot.core.ledger import hide_as
from bot.core.messages import finals as messages
from bot.core.messages import releases
from bot.core.messages.chat import answer_marker
from bot.core.messages.refusals import Refusal
from bot.core.model import Person
from bot.core.permission import may
from bot.core.policy import Policy
from bot.core.release.ending import Ending, name_of
from bot.core.wishes import CONFIRM_WITHIN, Answered, Confirmed

Bound = Mapping[str, str]
"""What a code is bound to, beside the wish itself: the name of each part, and what it was when the code was shown."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The wish is to be confirmed with this code. `note` says what came of an answer that did not do."""

    code: str
    note: str = ""


class _Shown(BaseModel):
    """What a code was bound to, as it is kept in the comment that shows the code: only to tell what has changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    bound: dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=300)]]
    """Names of tags and branches are the longest of it: forges take 255 bytes."""


_SHOWN = re.compile(r"<!-- relbot:bound (\{.*?\}) -->")


def code_of(job: Confirmed, bound: Bound) -> str:
    """The code of a wish for what it would come to now."""
    return job.code(*(f"{name} {value}" for name, value in bound.items()))


def is_dropped(job: Confirmed) -> bool:
    """Whether somebody has said that it is not to be done."""
    return job.answered is not None and not job.answered.code


def hear(job: Confirmed, policy: Policy, bound: Bound) -> Planning[Asking | Refusal | None]:
    """Whether the wish is confirmed (None), is still to be, or is not to be done. What is seen now is `bound`."""
    said, code = job.answered, code_of(job, bound)
    if said is None:
        return Asking(code)
    if not _is_in_time(job, said):
        return messages.too_late(CONFIRM_WITHIN // 60)
    if not (yield from may(job.repo, said.by, "manager", policy)):
        return releases.not_a_manager(said.by)
    if said.code != code:
        shown = yield from _recall(job)
        if shown == bound:
            return Asking(code, messages.render_wrong_code(said.by, said.code))
        return messages.has_changed(shown, bound)
    if policy.release.confirmed_by == "another" and _is_same(said.by, job.asked.actor):
        return Asking(code, messages.render_takes_two(said.by))
    return None


def _is_in_time(job: Confirmed, said: Answered) -> bool:
    """By the forge's clock. Where it does not tell either time nobody can know, so it is too late."""
    return bool(job.asked.at and said.at) and 0 <= said.at - job.asked.at <= CONFIRM_WITHIN


def _is_same(one: Person, other: Person) -> bool:
    return one.id == other.id or one.login.casefold() == other.login.casefold()


def _recall(job: Confirmed) -> Planning[Bound | None]:
    """What the code was bound to that is shown; None where that cannot be read any more."""
    if not job.asked.comment:
        return None
    marker = answer_marker(job.asked.comment, name_of(job))
    comment = yield from ask(FindComment(job.repo, job.asked.number, marker, on=job.asked.on))
    found = _SHOWN.search(comment.body) if comment else None
    try:
        return _Shown.model_validate_json(found[1]).bound if found else None
    except ValidationError:
        return None


# ── how it ends meanwhile ────────────────────────────────────────────────────────────────────────────────────────────


def wait(job: Confirmed, policy: Policy, asking: Asking, bound: Bound, text: str) -> Ending:
    """It is shown in `text` what would be done, and with which code it is confirmed."""
    takes_two = policy.release.confirmed_by == "another"
    shown = text
    if job.asked.comment:  # on the command line whoever asks is asked at once, and no code is said
        said = messages.render_ask(asking.code, CONFIRM_WITHIN // 60, takes_two=takes_two)
        shown = f"{text}\n\n{said}\n{hide_as('bound', _Shown(bound=dict(bound)))}"
    summary = f"{job.named} waits to be confirmed with {asking.code}."
    return Ending("waiting", None, shown, summary[:1].upper() + summary[1:], asking.note, code=asking.code)


def drop(job: Confirmed) -> Ending:
    """Nobody wants it any longer."""
    by = job.answered.by if job.answered else job.asked.actor
    text = messages.render_dropped(job.named, by)
    return Ending("nothing", None, text, f"{job.named} is dropped: {by.login} said so.")
