"""Shows how a line stands in its tracker, and tells in a comment there what people wait for, since edits notify nobody.

It must never write where nothing differs, nor open a tracker because something was pushed.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bot.core.actions import EnsureComment, Flow, Missing, Planning, Refused, ask
from bot.core.changelog.rules import KNOWN_ISSUES, NEWCOMERS, UPGRADING
from bot.core.issues import EnsureIssue, FindIssue, Issue, IssueWish
from bot.core.jobs import Report
from bot.core.messages import keeping as messages
from bot.core.messages.escape import plain
from bot.core.messages.refusals import Refusal
from bot.core.model import Repo, Tag
from bot.core.numbering import style_of
from bot.core.publishing import Drafted
from bot.core.release.draft import draft_final
from bot.core.release.gates import Gate
from bot.core.release.look import LineNow, find_missing, find_pending, judge_line, look_at
from bot.core.release.tracker import (
    MAX_NAME,
    NOTES,
    Account,
    Shown,
    View,
    hidden_in,
    marker_of,
    render_tracker,
    title_of,
)
from bot.core.versions import Version, read_tag
from bot.core.wishes import KeepTracker

_OWN_NEWS = frozenset({"holds", "checks", "tip"})
"""Gates that are told of otherwise: holds where somebody holds or lifts, checks by the forge itself, with each push."""


def keep_tracker(job: KeepTracker) -> Flow[Report]:
    """Bring an open tracker up to date. Where there is none, one request has told so, and nothing is fetched."""
    found = yield from ask(FindIssue(job.repo, marker_of(job.line), anywhere=False))
    if isinstance(found, Missing) or not found.is_open:
        return Report(job, "settled", f"{job.line} has no open tracker.")
    now = yield from look_at(job.repo, job.line)
    if isinstance(now, Refusal):
        return Report(job, "settled", f"The tracker of {job.line} stays as it is: {now}")
    shown = yield from show_tracker(now, job.key)
    if isinstance(shown, Refusal):
        return Report(job, "settled", f"The tracker of {job.line} stays as it is: {shown}")
    return Report(job, "settled", f"#{shown.number} shows how {job.line} stands.")


def show_tracker(now: LineNow, key: str) -> Flow[Issue | Refusal]:
    """The tracker is as the line is now; one that is not there is opened. `key` names the occasion, for its comment."""
    view = yield from look_closely(now)
    shown = _shown_of(view)
    there = now.tracker
    # Said before it is remembered as said: whoever is interrupted between the two finds the comment.
    if there and (news := _news(now, view, shown)):
        yield from tell(now.repo, there, key, news)
    account = now.account.model_copy(update={"shown": shown})
    body = render_tracker(view, account, there.body if there else "")
    if there and there.is_open and _settled(body) == _settled(there.body):
        return there
    return (yield from write_tracker(now, body, hidden_in(there.body) if there else ""))


def write_tracker(now: LineNow, body: str, seen: str = "") -> Flow[Issue | Refusal]:
    """The tracker says this. What people write below the mark meanwhile stays: it is taken from what is there then.

    With `seen` it stays as it is where something else is hidden in it by then: a hold is never written over.
    """
    below = NOTES if NOTES in body else ""
    wish = IssueWish(marker_of(now.line), title_of(now.line), body, below=below, seen=seen)
    ready = yield from ask(EnsureIssue(now.repo, wish))
    return Refusal(f"{ready.reason.rstrip('.')}.", ready.next_step) if isinstance(ready, Refused) else ready.issue


def tell(repo: Repo, tracker: Issue, key: str, said: str) -> Flow[None]:
    """A comment on the tracker, one for each occasion."""
    marker = f"<!-- relbot:news-{hashlib.sha256(key.encode()).hexdigest()[:16]} -->"
    yield from ask(EnsureComment(repo, tracker.number, marker, f"{marker}\n{said}", on="issue"))


def bare_text(now: LineNow, account: Account) -> str:
    """The text of a tracker without what it takes a closer look to know, which is shown soon after.

    What was tagged before it was there is no news.
    """
    view, there = _bare(now), now.tracker
    if there is None:
        account = account.model_copy(update={"shown": account.shown.model_copy(update={"tag": _last_tag(view)})})
    return render_tracker(view, account, there.body if there else "")


# ── a closer look ────────────────────────────────────────────────────────────────────────────────────────────────────


def look_closely(now: LineNow) -> Planning[View]:
    """All that a tracker shows."""
    draft = yield from _draft(now)
    oversized = () if isinstance(draft, Refused) else draft.oversized
    # The checks of the line's own commit are shown: what is drafted lies in memory.
    gates = yield from judge_line(now, Drafted(now.branch.sha, (), "", (), oversized))
    if isinstance(draft, Refused):
        gates = (*gates, Gate("draft", "closed", plain(draft.reason, 500), plain(draft.next_step, 300)))
    pending = yield from find_pending(now)
    missing = yield from find_missing(now)
    included = None if isinstance(draft, Refused) else _entries(draft.notes)
    return replace(_bare(now), included=included, pending=pending or (), missing=missing or (), gates=gates)


def _bare(now: LineNow) -> View:
    final = now.final
    return View(
        now.line, now.branch, str(_next_final(now)), Tag(final.name, final.commit or final.sha) if final else None,
        _candidates(now), included=None, pending=(), missing=(), gates=(),
    )  # fmt: skip


def _next_final(now: LineNow) -> Version:
    return Version(now.line, now.next.version.patch)


def _candidates(now: LineNow) -> tuple[Tag, ...]:
    """Those of the version that is being made, in the order of their numbers."""
    found = [(version, tag) for tag in now.tags if tag.commit and (version := read_tag(tag.name))]
    own = [(version, tag) for version, tag in found if replace(version, candidate=None) == _next_final(now)]
    listed = sorted(((version.candidate, tag) for version, tag in own if version.candidate is not None),
                    key=lambda pair: pair[0])  # fmt: skip
    return tuple(Tag(tag.name, tag.commit or "") for _, tag in listed)


def _draft(now: LineNow) -> Planning[Drafted | Refused]:
    """The final that the line is on the way to, as if it were made of the tip: its notes hold all since the last."""
    style = style_of(now.line, [(now.next.version, Tag(now.next.tag, now.branch.sha))])
    final = replace(now.next, version=_next_final(now), tag=style.write(_next_final(now)))
    _, drafted = yield from draft_final(replace(now, next=final), now.branch.sha)
    return drafted


def _entries(notes: str) -> tuple[str, ...]:
    """The entries of a version's notes, one a line; what it suffers from, what it wants and who is new are none."""
    entries, beside = [], False
    for line in notes.splitlines():
        if line.startswith("#"):
            beside = line.lstrip("# ").rstrip() in (KNOWN_ISSUES, NEWCOMERS, UPGRADING)
        elif line.startswith(("- ", "* ")) and not beside:
            entries.append(line[2:])
    return tuple(entries)


# ── what people wait for ─────────────────────────────────────────────────────────────────────────────────────────────


def _shown_of(view: View) -> Shown:
    closed = (gate.name for gate in view.gates if gate.verdict == "closed" and gate.name not in _OWN_NEWS)
    return Shown(closed=tuple(closed), tag=_last_tag(view))


def _last_tag(view: View) -> str:
    last = view.candidates[-1] if view.candidates else view.final
    return last.name[:MAX_NAME] if last else ""  # people make tags as long as they like


def _news(now: LineNow, view: View, shown: Shown) -> str:
    """What is different from what people were told last, a sentence each."""
    was = now.account.shown
    gates = [gate for gate in view.gates if gate.name in set(shown.closed) - set(was.closed)]
    told = [messages.tell_closed(gate) for gate in gates]
    told += [messages.tell_open(name) for name in was.closed if name not in shown.closed]
    if view.candidates and shown.tag != was.tag:  # a final is told of with all that follows from it
        last = view.candidates[-1]
        told.append(messages.tell_tag(last.name, last.sha))
    return "\n".join(told)


def _settled(text: str) -> str:
    """A text as forges may keep it: they change the ends of lines."""
    return text.replace("\r\n", "\n").rstrip()
