"""What a repository needs before the bot can work in it: labels, a webhook, and rights; and what is found of them.

It must never wish for anything that would undo what a person has set up: what is there stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.core.ledger import Labelled, state_label
from bot.core.lines import label_of
from bot.core.model import Line, Repo, Secret
from bot.core.policy import Policy

# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LabelWish:
    """A label as it is made where it is missing; `color` is six hex digits."""

    name: str
    color: str
    description: str


_STATES: dict[Labelled, tuple[str, str]] = {
    "open": ("fbca04", "A pull carries this change to {line} and waits for review"),
    "backported": ("0e8a16", "This change is on {line}"),
    "conflict": ("d93f0b", "Carrying this change to {line} stops at a conflict"),
    "present": ("bfdadc", "This change was on {line} already"),
}


def wanted_labels(policy: Policy, lines: Iterable[Line]) -> tuple[LabelWish, ...]:
    """The labels that people ask with, and those that the bot answers with, for these lines in their order."""
    template = policy.backport.label
    everywhere = LabelWish(template.replace("{line}", "all"), "1d76db", "Carry this change to every supported line")
    return (everywhere, *(wish for line in lines for wish in _labels_of(policy, line)))


def _labels_of(policy: Policy, line: Line) -> tuple[LabelWish, ...]:
    skip = policy.backport.label.replace("{line}", f"skip-{line}")
    return (
        LabelWish(label_of(policy, line), "1d76db", f"Carry this change to {line}"),
        LabelWish(skip, "c5def5", f"This change is not for {line}"),
        *(LabelWish(state_label(state, line), color, said.replace("{line}", str(line)))
          for state, (color, said) in _STATES.items()),
    )  # fmt: skip


def missing_labels(wanted: Iterable[LabelWish], there: Iterable[str]) -> tuple[LabelWish, ...]:
    """The wishes that are not there yet; forges take names that differ in case only for the same label."""
    known = {name.casefold() for name in there}
    return tuple(wish for wish in wanted if wish.name.casefold() not in known)


def is_exclusive(policy: Policy) -> bool:
    """Whether the labels that ask for backports drive each other out where labels are scoped."""
    scope, colons, _ = policy.backport.label.rpartition("::")
    return bool(colons) and "{line}" not in scope


# ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook as it is: what is wrong with its settings, and what its last delivery met, if that failed."""

    url: str
    flaws: tuple[str, ...] = ()
    failing: str | None = None
    is_disabled: bool = False
    """Whether the forge sends it nothing: somebody has switched it off, or the forge has given it up after failures."""
    given_up: bool = False
    """Whether it was the forge: then it may be switched on again. What a person has switched off stays so."""


@dataclass(frozen=True, slots=True)
class HookWish:
    """The webhook that should be there, with exactly the events that the bot reads."""

    url: str
    secret: Secret = field(repr=False)
    renew: bool = False
    """Whether the secret is set even where there is one: what it is cannot be read back."""
    signing: Secret | None = field(default=None, repr=False)
    """What deliveries are to be signed with, where the forge does that with something other than the secret."""


@dataclass(frozen=True, slots=True)
class HookReady:
    """The webhook is as it should be; `changes` says what was done for it, nothing where it was so already."""

    changes: tuple[str, ...] = ()


# ── rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Right:
    """Something that the bot's credential has to be able to do. `held` is None where the forge does not tell."""

    name: str
    held: bool | None
    mend: str
    """The next step where it is not held."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one look at a repository tells."""

    repo: Repo
    rights: tuple[Right, ...]
    clock: int | None
    """The forge's time, in seconds since the epoch."""
    scoped_labels: bool = False
    """Whether a pull keeps only the last of the labels that are alike up to their last `::`."""
