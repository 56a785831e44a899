"""What follows from a comment: answers at once, and jobs for the commands that ask for work.

It must never start work for an edited comment, for a bot that the policy does not name, or for who may not ask.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.core.actions import EnsureComment, Flow, GetPull, Identify, Missing, Planning, React, Reaction, ask
from bot.core.commands import (
    Help,
    OfLines,
    PickAgain,
    PickOnto,
    Ping,
    Retry,
    Said,
    ShowLines,
    UnknownWord,
    Who,
    read_commands,
)
from bot.core.events import CommentEdited, CommentPosted, Event
from bot.core.issues import GetIssue
from bot.core.jobs import Answer, Backport, FindEnded, Job, Overview, Plan, Report
from bot.core.lines import NoBranch, find_branch, label_of, supported_lines
from bot.core.messages import chat
from bot.core.messages.again import render_retry
from bot.core.model import Line, Pull
from bot.core.permission import may
from bot.core.policy import Policy, PolicyErrors
from bot.core.release.orders import take_up
from bot.core.retry import choose
from bot.core.survey import Survey, take_survey
from bot.core.wishes import Confirmed

OLDEST = 24 * 3600
"""Seconds after which a comment is no news."""


def is_stale(event: Event, now: float) -> bool:
    """Whether a delivery tells of a comment that was written long ago, by its own word: somebody sends it once more.

    What it asked for may be done and forgotten by now, and the one who wrote it means it no longer.
    """
    return isinstance(event, CommentPosted) and 0 < event.written_at < now - OLDEST


def plan_comment(event: CommentPosted) -> Planning[Plan]:
    """Read the commands of a new comment, and decide on each: may it be said, and what follows."""
    said = read_commands(event.body)
    if not said:
        return Plan()
    if (note := (yield from _object_to_place(event))) is not None:
        return Plan(notes=(note,))
    # Not before there is a command, since it can cost a question to the forge.
    event = replace(event, actor=(yield from ask(Identify(event.repo, event.actor))))
    if event.actor.is_bot:
        survey = yield from take_survey(event.repo)
        if not survey.policy.trusts(event.actor):
            return Plan(notes=(f"{event.actor.login} is a bot that the policy does not name: its comment is ignored.",))
    granted = yield from _find_granted(event, {each.who for each in said})
    if isinstance(granted, PolicyErrors):
        return _refuse_policy(event, granted)
    denied = [each.verb for each in said if each.who not in granted and each.verb]
    allowed = [each for each in said if each.who in granted]
    wishes = _Wishes([chat.render_no_permission(event.actor, denied)] if denied else [])
    if any(isinstance(each.read, PickOnto | PickAgain | UnknownWord) for each in allowed):
        survey = yield from take_survey(event.repo)
        if survey.errors:
            return _refuse_policy(event, survey.errors)
        if event.on == "issue":
            wishes.texts += [_reply_on_issue(each, survey.lines) for each in allowed]
            return (yield from _finish(event, said, allowed, wishes, denied=bool(denied)))
        pull = yield from ask(GetPull(event.repo, event.number, told=True))
        if isinstance(pull, Missing):
            return Plan(notes=(f"There is no pull #{event.number} that I can see.",))
        _sort(wishes, allowed, survey, pull)
    else:
        wishes.texts += [_reply(each) for each in allowed]
    return (yield from _finish(event, said, allowed, wishes, denied=bool(denied)))


def _object_to_place(event: CommentPosted | CommentEdited) -> Planning[str | None]:
    """Why a command is not read where it stands: issues are for people, but for those that I keep myself."""
    if event.on == "pull":
        return None
    issue = yield from ask(GetIssue(event.repo, event.number))
    if isinstance(issue, Missing) or not issue.is_kept:
        return f"Issue #{event.number} is none that I keep, so nobody speaks to me there."
    return None


def _finish(
    event: CommentPosted, said: tuple[Said, ...], allowed: list[Said], wishes: _Wishes, *, denied: bool
) -> Planning[Plan]:
    """What needs no pull to be looked at, and then the whole."""
    if any(isinstance(each.read, Retry) for each in allowed):
        yield from _do_again(wishes, event)
    for order in dict.fromkeys(each.read for each in allowed if isinstance(each.read, OfLines)):
        taken = yield from take_up(event, order)
        wishes.texts += [taken] if isinstance(taken, str) else []
        for job in () if isinstance(taken, str) else taken:
            if (before := next((each for each in wishes.more if each.key == job.key), None)) is None:
                wishes.more.append(job)
            elif before != job:
                wishes.texts.append(chat.render_said_twice(job.named))
    if shown := [each.read.line for each in allowed if isinstance(each.read, ShowLines)]:
        # One who asks for all and for some has asked for all.
        lines = () if None in shown else tuple(dict.fromkeys(line for line in shown if line))
        wishes.more.append(Overview(event.repo, event.number, event.comment, lines, event.on))
    return _conclude(event, said, wishes, denied=denied)


def _find_granted(event: CommentPosted, wanted: set[Who]) -> Planning[set[Who] | PolicyErrors]:
    """What the one who speaks may say, of what is `wanted`.

    Asked here already: a stranger's job would use up the key that a maintainer's needs. Whether people may write does
    not hang on the policy, so a stranger costs no fetch either.
    """
    granted: set[Who] = {"anyone"}
    if wanted <= granted:
        return granted
    if event.actor.is_bot:
        return {"anyone", "write"}
    if not (yield from may(event.repo, event.actor, "write", Policy())):
        return granted
    granted.add("write")
    if "manager" not in wanted:
        return granted
    survey = yield from take_survey(event.repo)
    if survey.errors:
        return survey.errors
    if (yield from may(event.repo, event.actor, "manager", survey.policy)):
        granted.add("manager")
    return granted


def plan_edit(event: CommentEdited) -> Planning[Plan]:
    """An edit that holds a command gets a hint."""
    if not read_commands(event.body) or (yield from ask(Identify(event.repo, event.actor))).is_bot:
        return Plan()
    if (note := (yield from _object_to_place(event))) is not None:
        return Plan(notes=(note,))
    return Plan((_answer(event, "confused", [chat.render_edit_hint()]),))


def answer(job: Answer) -> Flow[Report]:
    """React, and reply where there is something to say."""
    yield from ask(React(job.repo, job.number, job.comment, job.reaction, job.on))
    if job.text is not None:
        marker = chat.answer_marker(job.comment)
        yield from ask(EnsureComment(job.repo, job.number, marker, f"{marker}\n{job.text}", on=job.on))
    return Report(job, "answered", f"I answered comment {job.comment} with {job.reaction}.")


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _reply(said: Said, known: tuple[Line, ...] = ()) -> str:
    """The answer to whatever needs no work."""
    match said.read:
        case Help():
            return chat.render_help()
        case Ping():
            return chat.render_ping()
        case PickOnto() | PickAgain() | Retry() | ShowLines():
            return ""
        case order if isinstance(order, OfLines):
            return ""
        case complaint:
            return chat.render_complaint(complaint, said.verb, known)


def _reply_on_issue(said: Said, known: tuple[Line, ...]) -> str:
    """The same where no change is: what picks one is asked for on its pull."""
    return chat.render_not_here() if isinstance(said.read, PickOnto | PickAgain) else _reply(said, known)


def _answer(event: CommentPosted | CommentEdited, reaction: Reaction, texts: list[str]) -> Answer:
    """One reply to one comment, whatever it holds; the same sentence is said once."""
    text = "\n\n".join(dict.fromkeys(text for text in texts if text))
    return Answer(event.repo, event.number, event.comment, reaction, text or None, event.on)


def _refuse_policy(event: CommentPosted, errors: PolicyErrors) -> Plan:
    reply = _answer(event, "confused", [chat.render_policy_errors(errors)])
    return Plan((reply,), ("The policy file is wrong, so nothing is done.",))


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Wishes:
    """What the commands of a comment come to."""

    texts: list[str]
    lines: set[Line] = field(default_factory=set)
    classes: dict[Line, str] = field(default_factory=dict)
    """What class a change was said to be of, by line."""
    again: set[Line] = field(default_factory=set)
    """Those of the lines whose backport is to be built anew."""
    more: list[Job] = field(default_factory=list)


def _conclude(event: CommentPosted, said: tuple[Said, ...], wishes: _Wishes, *, denied: bool) -> Plan:
    """One answer, and a job for each line that was asked for."""
    jobs: list[Job] = [
        Backport(event.repo, event.number, line, event.actor, comment=event.comment,
                 recreate=line in wishes.again, why=wishes.classes.get(line, ""))
        for line in sorted(wishes.lines, reverse=True)
    ]
    jobs += wishes.more
    notes = (f"{event.actor.login} asked for what takes more rights than theirs.",) if denied else ()
    if jobs:
        reaction: Reaction = "eyes"
    elif denied:
        reaction = "-1"
    else:
        reaction = "rocket" if all(isinstance(each.read, Help | Ping) for each in said) else "confused"
    return Plan((_answer(event, reaction, wishes.texts), *jobs), notes)


def _do_again(wishes: _Wishes, event: CommentPosted) -> Planning[None]:
    """What has ended badly is done again under its own name; a conflict is asked for anew: the line may have moved."""
    redo = choose((yield from ask(FindEnded(event.repo, event.number, event.on))), event.actor)
    wishes.texts.append(render_retry(redo))
    wishes.lines |= set(redo.lines)
    again = (replace(job, repo=event.repo) for job in redo.again)  # it may have been renamed since
    wishes.more += (job.anew(event.written_at) if isinstance(job, Confirmed) else job for job in again)


def _sort(wishes: _Wishes, said: list[Said], survey: Survey, pull: Pull) -> None:
    """Sort what was said by somebody who may say it."""
    for each in said:
        if isinstance(each.read, PickAgain):
            wishes.again.add(each.read.line)
            _sort_pick(wishes, PickOnto((each.read.line,)), survey, pull)
        elif isinstance(each.read, PickOnto):
            _sort_pick(wishes, each.read, survey, pull)
        else:
            wishes.texts.append(_reply(each, survey.lines))


def _sort_pick(wishes: _Wishes, order: PickOnto, survey: Survey, pull: Pull) -> None:
    """Lines with a branch are work; the others, and a pull that is still open, are answered."""
    lines = set(order.lines) | (set(supported_lines(survey.policy, survey.lines)) if order.everywhere else set())
    if not lines:
        wishes.texts.append(chat.render_no_lines())
    elif pull.is_open:
        labels = [label_of(survey.policy, line) for line in sorted(lines, reverse=True)]
        wishes.texts.append(chat.render_too_early(labels))
    else:
        found = {line: find_branch(survey.policy, line, survey.branches) for line in sorted(lines, reverse=True)}
        missing = {line: branch for line, branch in found.items() if isinstance(branch, NoBranch)}
        wishes.lines |= found.keys() - missing.keys()
        wishes.classes |= dict.fromkeys(found.keys(), order.why) if order.why else {}
        if missing:
            nearest = next(iter(missing.values())).nearest
            wishes.texts.append(chat.render_missing_lines(tuple(missing), nearest))
