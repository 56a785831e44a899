"""What is said about finals, about what they would be, and about what has to be confirmed.

It must never hold a line that reads as a command of its own, nor ask for a confirmation without saying of what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.core.issues import Item
from bot.core.ledger import safe_login, safe_url
from bot.core.messages.escape import calm, clip, code, link, login, one_line, plain, pull_link
from bot.core.messages.refusals import Refusal
from bot.core.messages.releases import render_gates
from bot.core.model import Line, Person
from bot.core.release.gates import Gate
from bot.core.tagging import Between, TagFound

MOST_LISTED = 30
"""Commits and pulls that are listed one by one."""
MOST_NOTES = 12_000
"""Characters of notes that a plan shows."""


# ── why none is made ─────────────────────────────────────────────────────────────────────────────────────────────────


def candidate_gone(tag: str) -> Refusal:
    """The candidate's tag was taken away while it was looked at."""
    said = f"The tag {one_line(tag, 80)}, which was to be promoted, is not there any more, or names no commit."
    return Refusal(said, "Look at who touched it, and make another candidate.")


def too_late(minutes: int) -> Refusal:
    """The confirmation came after its time, or nobody knows when."""
    said = f"A confirmation counts for {minutes} minutes from the wish, by the forge's clock, and this one came later."
    return Refusal(said, "Nothing was done. Ask anew, and I show a new code.")


def has_changed(shown: Mapping[str, str] | None, now: Mapping[str, str]) -> Refusal:
    """The code is not the one of what would be done now."""
    if shown is None:
        moved = "It would now be " + ", ".join(f"{name} {one_line(value, 100)}" for name, value in now.items())
    else:
        names = [name for name in {**shown, **now} if shown.get(name) != now.get(name)]
        moved = "; ".join(
            f"{one_line(name, 100)} was {one_line(shown.get(name, 'not there'), 100)} and is now "
            f"{one_line(now.get(name, 'not there'), 100)}"
            for name in names
        )
    said = f"What was confirmed has changed since it was shown. {moved[:1].upper()}{moved[1:]}."
    return Refusal(said, "Nothing was done. Ask anew, and I show what there is now with a new code.")


# ── confirmations ────────────────────────────────────────────────────────────────────────────────────────────────────


def render_ask(confirms: str, minutes: int, *, takes_two: bool) -> str:
    """How it is confirmed, by whom and until when."""
    who = "another release manager than the one who asked" if takes_two else "a release manager"
    return (
        f"**Nothing is done yet.** To have it done, {who} says `/release confirm {confirms}` within {minutes} minutes "
        "of the wish; `/release cancel` drops it. The code counts only as long as all of this stays as it is."
    )


def render_wrong_code(by: Person, said: str) -> str:
    """A code that begins like the right one."""
    return f"{_mention(by)}{code(said, 60)} is not the code: copy it from where I show it. The wish still waits."


def render_takes_two(by: Person) -> str:
    """The one who asked has confirmed, where it takes another."""
    return f"{_mention(by)}you have asked for it, so somebody else has to confirm it here. The wish still waits."


def render_dropped(what: str, by: Person) -> str:
    """A wish that nobody wants any longer."""
    return f"{what[:1].upper()}{what[1:]} is dropped, as {login(by)} said. Nothing was done."


def render_objection(by: Person, said: str) -> str:
    """For the one who has confirmed what is not done all the same. `said` is escaped."""
    return f"{_mention(by)}{said}"


# ── what a final would be ────────────────────────────────────────────────────────────────────────────────────────────


def render_offer(tag: str, candidate: TagFound, gates: Sequence[Gate], left_out: Between) -> str:
    """A final that can be made."""
    head = f"**{plain(tag, 80)} would be {candidate.commit}**, the very commit of {plain(candidate.name, 80)}."
    return "\n\n".join(filter(None, (head, render_gates(gates), render_left_out(candidate.name, left_out))))


def render_barred_final(tag: str, candidate: str, gates: Sequence[Gate], left_out: Between) -> str:
    """A final that gates keep from being made."""
    closed = sum(gate.bars for gate in gates)
    these = "One gate is" if closed == 1 else f"{closed} gates are"
    head = f"**{plain(tag, 80)} is not made** of {plain(candidate, 80)}. {these} closed, and nothing was done."
    return "\n\n".join(filter(None, (head, render_gates(gates), render_left_out(candidate, left_out))))


def render_left_out(candidate: str, left_out: Between) -> str:
    """The commits of the line that came after the candidate."""
    if not left_out.count:
        return ""
    rows = [f"- {one.sha[:12]} {plain(one.title, 120)}" for one in left_out.commits[:MOST_LISTED]]
    more = left_out.count - len(rows)
    rows += [f"- … and {more} more"] if more else []
    return "\n".join((f"**Left out**, since it came after {plain(candidate, 80)}:", "", *rows))


# ── what was made ────────────────────────────────────────────────────────────────────────────────────────────────────


def render_final(tag: str, url: str | None, candidate: str | None, commit: str, *, signed: bool) -> str:
    """The final is there."""
    of = f"{commit}, the commit of {plain(candidate, 80)}" if candidate else commit
    seal = "signed" if signed else "not signed, since I have no key"
    return f"**{_linked(tag, url)} is released**: {of}; the tag is {seal}."


def render_final_news(tag: str, url: str | None, people: Iterable[str]) -> str:
    """The same for whoever waits for it: edits notify nobody."""
    whom = "".join(f"@{name} " for name in dict.fromkeys(people) if safe_login(name))
    return f"{whom}{_linked(tag, url)} is released."


def render_half_made(tag: str, commit: str, reason: str, step: str) -> str:
    """The tag is there, and the forge does not show the release."""
    return (
        f"**{plain(tag, 80)} is tagged** at {commit}, and that stays. The release of it is not shown yet: "
        f"{plain(reason.rstrip('.'), 300)}. {plain(step, 300)} Then say `/release retry`, and I go on from there."
    )


def render_body(notes: str, candidates: Sequence[TagFound], newest: str | None) -> str:
    """A final's page on the forge. `newest` is the release that stands above it, where the forge cannot mark it."""
    above = f"This is a patch of an older line: the newest release is {plain(newest, 80)}." if newest else ""
    rows = [f"- {plain(tag.name, 80)} ({tag.commit})" for tag in candidates]
    fold = "\n".join(("<details><summary>Its candidates</summary>", "", *rows, "", "</details>")) if rows else ""
    return "\n\n".join(filter(None, (above, notes.strip() or "No changes of note.", fold)))


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def render_plan(head: str, gates: Sequence[Gate], notes: str, left_out: str) -> str:
    """What would be made. `head` says of what; nothing of it was done."""
    preview = calm(clip(notes.strip(), MOST_NOTES)) or "Nothing that is told of."
    fold = f"<details><summary>What is in it</summary>\n\n{preview}\n\n</details>"
    closed = [gate for gate in gates if gate.bars]
    these = f"{len(closed)} of {len(gates)} gates stand in the way." if closed else "No gate stands in the way."
    done = "This was a plan: I have changed nothing."
    return "\n\n".join(filter(None, (f"{head} {these}", render_gates(gates), fold, left_out, done)))


def render_candidate_head(tag: str, commit: str, branch: str, why: str) -> str:
    """What the next candidate would be made of."""
    return f"**{plain(tag, 80)} would be {commit}**, on {code(branch)}. {plain(why, 300)}"


def render_final_head(tag: str, candidate: TagFound) -> str:
    """What the next final would be made of."""
    return f"**{plain(tag, 80)} would be {candidate.commit}**, the very commit of {plain(candidate.name, 80)}."


def render_pending(line: Line, pending: Sequence[Item] | None) -> str:
    """The open backports, which are in nothing yet."""
    if pending is None:
        return "**Left out**: the forge does not tell which backports are open."
    if not pending:
        return ""
    rows = [
        f"- {pull_link(item.number, safe_url(item.url))} {plain(item.title, 120)}" for item in pending[:MOST_LISTED]
    ]
    more = len(pending) - len(rows)
    rows += [f"- … and {more} more"] if more else []
    return "\n".join((f"**Left out**, since these backports to {line} are open:", "", *rows))


def _linked(tag: str, url: str | None) -> str:
    return link(plain(tag, 80), safe_url(url) if url else None)


def _mention(person: Person) -> str:
    return f"@{name} " if (name := safe_login(person.login)) else ""
