"""The answer to `/release status`: how lines stand, read from the forge and the mirror at that moment.

It must never decide anything by what it has read: it only tells.
"""

from __future__ import annotations

from bot.core.actions import (
    EnsureComment,
    Flow,
    Missing,
    Planning,
    React,
    Reaction,
    ask,
)
from bot.core.issues import FindIssue, Issue
from bot.core.jobs import Overview, Report
from bot.core.lines import NoBranch, TwoBranches, find_branch, read_backport_branch
from bot.core.messages import chat
from bot.core.messages.lines import Standing, render_lines
from bot.core.model import Branch, Line, Pull, Tag
from bot.core.release.gates import Hold
from bot.core.release.tracker import marker_of, read_account
from bot.core.standing import FindOpenOnto, FindTags, GetChecks, GetCommits
from bot.core.survey import Survey, take_survey
from bot.core.versions import last_of

MOST = 5
"""Lines that are told of: each costs the forge some requests, and anybody may ask."""


def overview(job: Overview) -> Flow[Report]:
    """Look, and tell."""
    survey = yield from take_survey(job.repo)
    told = chat.render_policy_errors(survey.errors) if survey.errors else (yield from _look(job, survey))
    marker = chat.answer_marker(job.comment, "lines")
    yield from ask(EnsureComment(job.repo, job.number, marker, f"{marker}\n{told}", on=job.on))
    reaction: Reaction = "confused" if survey.errors else "rocket"
    yield from ask(React(job.repo, job.number, job.comment, reaction, job.on))
    return Report(job, "answered", f"I told how the lines stand, in answer to comment {job.comment}.")


def _look(job: Overview, survey: Survey) -> Planning[str]:
    wanted = job.lines or survey.lines
    branches = {line: find_branch(survey.policy, line, survey.branches) for line in wanted}
    found = {line: branch for line, branch in branches.items() if not isinstance(branch, NoBranch)}
    shown = dict(sorted(found.items(), reverse=True)[:MOST])
    standings = []
    if shown:
        tags = yield from ask(FindTags(job.repo))
        for line, branch in shown.items():
            standings.append((yield from _look_at(job, survey, (line, branch), tags)))
    missing = {line: branch.nearest for line, branch in branches.items() if isinstance(branch, NoBranch)}
    more = tuple(line for line in found if line not in shown)
    return render_lines(tuple(standings), tuple(missing), more, next(iter(missing.values()), ()))


def _look_at(
    job: Overview, survey: Survey, place: tuple[Line, Branch | TwoBranches], tags: tuple[Tag, ...]
) -> Planning[Standing]:
    line, branch = place
    if isinstance(branch, TwoBranches):
        return Standing(line, branch.names, released=last_of(line, tags))
    tracker = yield from ask(FindIssue(job.repo, marker_of(line), anywhere=False))
    commits = yield from ask(GetCommits(job.repo, (branch.sha,)))
    checks = yield from ask(GetChecks(job.repo, branch.sha))
    pulls = yield from ask(FindOpenOnto(job.repo, branch.name))
    return Standing(
        line,
        (branch.name,),
        branch.sha,
        next(iter(commits), None),
        None if isinstance(checks, Missing) else checks,
        last_of(line, tags),
        None if isinstance(pulls, Missing) else tuple(pull for pull in pulls if _is_pick(job, survey, line, pull)),
        () if isinstance(tracker, Missing) else _holds(tracker),
    )


def _holds(tracker: Issue) -> tuple[Hold, ...] | None:
    account = read_account(tracker.body)
    return None if account is None else tuple(Hold(row.by, row.reason) for row in account.holds)


def _is_pick(job: Overview, survey: Survey, line: Line, pull: Pull) -> bool:
    """A branch of this repository itself that is named as a backport to this line is one, whoever opened the pull."""
    named = read_backport_branch(survey.policy, pull.head)
    return pull.head_repo_id == job.repo.id and named is not None and named[0] == line
