"""The gates of a release: what must be so before a candidate or a final is made, each with the sentence that opens it.

It must never let pass what cannot be told: a gate that nobody can answer for stays closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.issues import Item
from bot.core.ledger import safe_url
from bot.core.messages.escape import plain, pull_link
from bot.core.model import Branch, Check, CheckState, Line
from bot.core.numbering import Oversized
from bot.core.versions import Version

MAX_NAMED = 5
"""Things that a sentence names one by one."""

_BEST_FIRST: tuple[CheckState, ...] = ("skipped", "passed", "pending", "failed")

Verdict = Literal["open", "warns", "waits", "closed"]
"""`warns` lets a release pass and says something; `waits` will be answered by itself, as checks are."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and how it stands."""

    name: str
    verdict: Verdict
    said: str
    """One sentence that says why."""
    step: str = ""
    """What a person can do to open it."""

    @property
    def bars(self) -> bool:
        """Whether nothing is released as long as it stands so."""
        return self.verdict in ("waits", "closed")


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody does not want a line to be released yet."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at the moment at which a release is judged. None is what could not be told."""

    version: Version
    branch: Branch
    commit: str
    """What would be tagged, or what the section would be written upon."""
    descends: bool | None
    """Whether the last final of the line is below the tip."""
    supported: bool
    """Whether the line is one that the policy still supports."""
    holds: tuple[Hold, ...] = ()
    checks: tuple[Check, ...] | None = ()
    """Reported on `commit`."""
    required: tuple[str, ...] | None = None
    """Names of checks that must have passed; None where neither the policy nor the forge names any."""
    expected: str | None = None
    """The commit that the one who asked has named."""
    oversized: tuple[Oversized, ...] = ()
    conflicts: tuple[Item, ...] | None = ()
    """Changes whose backport to this line has met a conflict that nobody has resolved."""
    pending: tuple[Item, ...] | None = ()
    """Open backports onto the line."""
    missing: tuple[Item, ...] | None = ()
    """What is still open of the line's milestone."""

    @property
    def line(self) -> Line:
        """The line that is released."""
        return self.version.line

    @property
    def is_final(self) -> bool:
        """Whether it is a final that is asked for."""
        return self.version.candidate is None


def judge(facts: Facts, *, refuse_oversized: bool = False) -> tuple[Gate, ...]:
    """Every gate, in the order in which people look at them."""
    return (
        _phase(facts), _tip(facts), _history(facts), _holds(facts), _checks(facts), _conflicts(facts),
        _pending(facts), _missing(facts), _patch(facts, refuse=refuse_oversized),
    )  # fmt: skip


def _phase(facts: Facts) -> Gate:
    if facts.supported:
        return Gate("line", "open", f"{facts.line} is supported")
    step = f"add “{facts.line}” to lines.supported in the policy"
    return Gate("line", "closed", f"{facts.line} has come to the end of its life by the policy", step)


def _tip(facts: Facts) -> Gate:
    wanted = facts.expected
    where, tip = plain(facts.branch.name, 100), facts.branch.sha[:12]
    if wanted is None or facts.branch.sha.startswith(wanted.lower()):
        return Gate("tip", "open", f"{where} is at {tip}")
    said = f"{plain(wanted, 64)} was asked for, and {where} is at {tip}"
    return Gate("tip", "closed", said, f"ask with sha={tip}, or bring the line to where it should be")


def _history(facts: Facts) -> Gate:
    if facts.descends:
        return Gate("history", "open", "the last final is below it")
    if facts.descends is None:
        return Gate("history", "closed", "I cannot tell whether the last final is below it", "ask again")
    step = f"bring the last final's commit back onto {facts.branch.name}: a line never loses what was released"
    return Gate("history", "closed", f"the last final of {facts.line} is not on {facts.branch.name}", step)


def _holds(facts: Facts) -> Gate:
    if not facts.holds:
        return Gate("holds", "open", "nobody holds it")
    said = "; ".join(f"{plain(hold.by, 60)}: {plain(hold.reason)}" for hold in facts.holds[:MAX_NAMED])
    return Gate("holds", "closed", f"it is held by {said}", f"say /release unhold {facts.line}")


def _checks(facts: Facts) -> Gate:
    """Required are those that are named; where nobody names any, all that were reported."""
    if facts.checks is None:
        return Gate("checks", "waits", f"the forge does not know {facts.commit[:12]} yet")
    # Two workflows may each have a job of one name: what counts is the worst that was said under it.
    ordered = sorted(facts.checks, key=lambda check: _BEST_FIRST.index(check.state))
    found = {check.name: check.state for check in ordered}
    wanted = tuple(found) if facts.required is None else facts.required
    step = "mend them on the line, or run them again, then ask again"
    if failed := [name for name in wanted if found.get(name) == "failed"]:
        return Gate("checks", "closed", f"{_named(failed)} failed on {facts.commit[:12]}", step)
    # One that is required by name and was skipped has shown nothing; of the others nobody knows that they matter.
    if skipped := [name for name in facts.required or () if found.get(name) == "skipped"]:
        return Gate("checks", "closed", f"{_named(skipped)} did not run on {facts.commit[:12]}", step)
    open_ones = [name for name in wanted if found.get(name) in (None, "pending")]
    if open_ones:
        return Gate("checks", "waits", f"{_named(open_ones)} did not end on {facts.commit[:12]} yet")
    passed = sum(found[name] == "passed" for name in wanted)
    if not passed:
        said = "every check was skipped" if wanted else "no check was reported"
        return Gate("checks", "warns", f"{said}, and none is required")
    return Gate("checks", "open", f"{passed} passed on {facts.commit[:12]}")


def _conflicts(facts: Facts) -> Gate:
    step = f"finish them by hand, or put the label backport/skip-{facts.line} on them"
    return _of_items("conflicts", facts.conflicts, "closed", "no backport has met a conflict", step)


def _pending(facts: Facts) -> Gate:
    """An open backport may come into the next candidate; a final must not leave behind what was to be in it."""
    return _of_items("pending", facts.pending, "warns", "no backport is open", "merge or close them")


def _missing(facts: Facts) -> Gate:
    verdict: Verdict = "closed" if facts.is_final else "warns"
    step = "close them, or take them out of the milestone"
    return _of_items("must-have", facts.missing, verdict, "nothing of the milestone is open", step)


def _of_items(name: str, items: Sequence[Item] | None, verdict: Verdict, none: str, step: str) -> Gate:
    if items is None:
        return Gate(name, "closed", "the forge does not tell", "ask again")
    if not items:
        return Gate(name, "open", none)
    shown = ", ".join(pull_link(item.number, safe_url(item.url)) for item in items[:MAX_NAMED])
    more = f" and {len(items) - MAX_NAMED} more" if len(items) > MAX_NAMED else ""
    return Gate(name, verdict, f"{shown}{more}", step)


def _patch(facts: Facts, *, refuse: bool) -> Gate:
    if not facts.oversized:
        return Gate("size", "open", "it brings nothing that its number does not allow")
    shown = facts.oversized[:MAX_NAMED]
    said = "; ".join(f"{plain(one.title, 80)} ({one.sha[:12]}) brings {one.brings}" for one in shown)
    step = "take them out, set release.oversized in the policy, or release them on the next line"
    return Gate("size", "closed" if refuse else "warns", said, step)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name, 60) for name in names[:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


