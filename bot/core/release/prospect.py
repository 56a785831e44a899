"""What the final of a line would be: the candidate that it is the same commit as, its gates, and what is left out.

It must never judge the line's tip in the candidate's place: what is promoted is the commit that was tested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.actions import Missing, Planning, Refused, ask
from bot.core.bumps import read_entry
from bot.core.changelog.news import read_news
from bot.core.messages import finals as messages
from bot.core.messages.escape import plain
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Release
from bot.core.publishing import Drafted, FindRelease
from bot.core.release.draft import draft_final
from bot.core.release.gates import Gate
from bot.core.release.look import LineNow, judge_line
from bot.core.release.marks import is_withdrawn
from bot.core.tagging import Between, FindBetween, IsAncestor, ReadFiles, TagChecked, TagFound, VerifyTag, is_mine
from bot.core.versions import read_tag


@dataclass(frozen=True, slots=True)
class Prospect:
    """All that is known of a final before it is made."""

    now: LineNow
    candidate: TagFound
    gates: tuple[Gate, ...]
    left_out: Between
    """The commits of the line that came after the candidate."""
    notes: str
    """What its release would say: the section in the candidate's commit, with what people have made of it."""

    @property
    def commit(self) -> str:
        """What would be tagged."""
        return self.candidate.commit or ""

    @property
    def is_barred(self) -> bool:
        """Whether a gate stands in the way."""
        return any(gate.bars for gate in self.gates)


def foresee(now: LineNow, number: int | None) -> Planning[Prospect | Refusal]:
    """Look at the candidate that would be promoted; `number` is the one that was named, if one was."""
    candidate = now.candidate
    checked = (yield from ask(VerifyTag(now.repo, candidate.name))) if candidate else Missing("a candidate")
    if candidate is None or candidate.commit is None or isinstance(checked, Missing):
        return messages.candidate_gone(candidate.name if candidate else f"of {now.line}")
    _, draft = yield from draft_final(now, candidate.commit)
    if isinstance(draft, Refused):
        return Refusal(f"{draft.reason}.", f"{draft.next_step}.")
    # Judged as if the line had never gone on: its checks, its history and its size are those of this very commit.
    then = replace(now, branch=Branch(now.branch.name, candidate.commit))
    judged = yield from judge_line(then, replace(draft, commit=candidate.commit))
    left_out = yield from _find_left_out(now, candidate.commit)
    tip = yield from _judge_tip(now, candidate, number, left_out)
    own = yield from _judge_candidate(now, candidate, checked)
    file = now.policy.changelog.file
    text = (yield from ask(ReadFiles(now.repo, candidate.commit, (file,)))).get(file)
    notes = read_news(text or "", now.next.version)
    section = _judge_section(now, draft, has_section=notes is not None)
    others = (tip if gate.name == "tip" else _settled(gate) for gate in judged)
    return Prospect(now, candidate, (own, *others, section), left_out, notes or "")


def _find_left_out(now: LineNow, commit: str) -> Planning[Between]:
    if now.branch.sha == commit:
        return Between()
    return (yield from ask(FindBetween(now.repo, now.branch.sha, commit)))


# ── the gates that only a final has ──────────────────────────────────────────────────────────────────────────────────


def _settled(gate: Gate) -> Gate:
    """A final waits for nothing: its checks have ended long ago, or it is asked for again when they have."""
    return replace(gate, verdict="closed", step="ask again when they have ended") if gate.verdict == "waits" else gate


def _judge_candidate(now: LineNow, candidate: TagFound, checked: TagChecked) -> Planning[Gate]:
    """Whether the candidate's tag is what it was taken for, whose it is, and whether anybody has withdrawn it."""
    name, step = plain(candidate.name, 80), "look at who touched it, and make another candidate"
    if checked.tag.sha != candidate.sha:
        return Gate("candidate", "closed", f"{name} was moved while I looked at it", step)
    if checked.verdict == "bad":
        return Gate("candidate", "closed", f"{name} is not to be trusted: {plain(checked.said, 300)}", step)
    if (told := checked.trailer("Commit")) and told != candidate.commit:
        return Gate("candidate", "closed", f"{name} says that it is of {plain(told, 64)}, and it is not", step)
    shown = yield from ask(FindRelease(now.repo, candidate.name))
    if isinstance(shown, Release) and is_withdrawn(shown):
        return Gate("candidate", "closed", f"{name} is withdrawn", f"make another candidate: /release rc {now.line}")
    if not is_mine(now.repo, checked):
        return Gate("candidate", "warns", f"{name} was made by hand: I do not know what was looked at before")
    return Gate("candidate", "open", f"{name} is mine; {plain(checked.said, 300)}")


def _judge_tip(now: LineNow, candidate: TagFound, number: int | None, left_out: Between) -> Planning[Gate]:
    """Whether the line has gone on since, and whether the one who asked knows that."""
    where, name, commit = plain(now.branch.name, 100), plain(candidate.name, 80), candidate.commit or ""
    if now.branch.sha == commit:
        return Gate("tip", "open", f"{where} is at {name}")
    if not (yield from ask(IsAncestor(now.repo, commit, now.branch.sha))):
        step = f"make another candidate of what is there: /release rc {now.line}"
        return Gate("tip", "closed", f"{name} is not on {where}, which is at {now.branch.sha[:12]}", step)
    after = "1 commit" if left_out.count == 1 else f"{left_out.count} commits"
    if number is not None:
        return Gate("tip", "warns", f"{where} has {after} after {name}, which are left out")
    version = read_tag(candidate.name)
    leave = f"/release final {now.line} rc={version.candidate if version else 1}"
    step = f"take them in with /release rc {now.line}, or leave them out with {leave}"
    return Gate("tip", "closed", f"{where} has {after} after {name}", step)


def _judge_section(now: LineNow, draft: Drafted, *, has_section: bool) -> Gate:
    """Whether the commit says of itself which version it is: nothing can be written into it any more."""
    policy, version = now.policy, now.next.version
    file, step = policy.changelog.file, f"make another candidate: /release rc {now.line}"
    if not has_section:
        return Gate("section", "closed", f"{plain(file)} has no section of {version} in that commit", step)
    if wrong := [path for path in draft.changed if path in {read_entry(entry)[0] for entry in policy.release.bump}]:
        return Gate("section", "closed", f"{plain(wrong[0])} does not say {version} in that commit", step)
    if draft.changed:
        return Gate("section", "warns", f"today I would write {plain(file)} otherwise; what was tested stays as it is")
    return Gate("section", "open", f"{plain(file)} has the section of {version}")
