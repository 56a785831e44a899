"""What a forge holds, in a normal form: the same for two courses of events that came to the same end.

It must never leave out what people would see twice; numbers that the forge gives out in turn are replaced by names.
"""

from __future__ import annotations

import difflib
import json
import re

from bot.sandbox import Sandbox
from bot.sandbox.state import Issue, Repository

_IDS = re.compile(r"issuecomment-\d+|note_\d+|delivery [\w-]{20,}")


def shape_of(sandbox: Sandbox, path: str) -> list[str]:
    """Everything in a repository, a line each, in an order of its own."""
    repository = sandbox.find(path)
    names = {number: f"#<{issue.pull.head_ref}>" for number, issue in repository.issues.items()
             if issue.pull and issue.pull.head_ref.startswith("backport/")}  # fmt: skip
    lines = [f"ref {name} {sha}" for name, sha in sandbox.git(path).refs().items()]
    for issue in (*repository.issues.values(), *repository.tickets.values()):
        lines += _issue(issue)
    lines += [f"label {name} {label.color} {label.description}" for name, label in repository.labels.items()]
    lines += _reports(repository) + _releases(repository) + _tag_pushes(sandbox)
    return sorted(_rename(line, names) for line in lines)


def differences(one: list[str], other: list[str]) -> list[str]:
    """Where two shapes differ; nothing when they are the same."""
    told = difflib.unified_diff(one, other, "undisturbed", "disturbed", lineterm="", n=0)
    return [line[:600] for line in told if not line.startswith(("---", "+++", "@@"))]


def _issue(issue: Issue) -> list[str]:
    head = f"pull #{issue.number}"
    pull = issue.pull
    told = [issue.title, issue.body, issue.state, issue.user, sorted(issue.labels), sorted(issue.assignees)]
    lines = [f"{head} {json.dumps(told)} {issue.milestone}"]
    if pull:
        lines.append(f"{head} {pull.base_ref} {pull.head_ref} {pull.head_sha} {pull.draft} {pull.merged_as}")
    for comment in issue.comments:
        reactions = sorted(f"{each.user} {each.content}" for each in comment.reactions)
        text = json.dumps([comment.user, _in_order(comment.body), reactions, comment.system, comment.internal])
        lines.append(f"{head} comment {text}")
    lines += [f"{head} history {each.event} {each.actor} {each.subject} {each.commit}" for each in issue.history]
    return lines


def _in_order(body: str) -> str:
    """What the bot has written down for itself has no order: lines are done in whichever is begun first."""

    def put(found: re.Match[str]) -> str:
        return f"<!-- relbot:state {json.dumps(json.loads(found[1]), sort_keys=True)} -->"

    return re.sub(r"<!-- relbot:state (\{.*?\}) -->", put, body)


def _reports(repository: Repository) -> list[str]:
    latest = {(each.sha, each.name): f"status {each.sha} {each.name} {each.state} {each.description}"
              for each in sorted(repository.statuses, key=lambda each: each.id)}  # fmt: skip
    runs = [f"check {each.sha} {each.name} {each.status} {each.conclusion} {each.title} {each.summary}"
            for each in repository.check_runs]  # fmt: skip
    return [*latest.values(), *runs]


def _releases(repository: Repository) -> list[str]:
    lines = [f"release {each.tag} {json.dumps([each.name, each.description, each.user])} {each.draft} {each.prerelease}"
             for each in (*repository.releases.values(), *repository.drafts)]  # fmt: skip
    lines += [f"milestone {each.title} {each.state} {each.description}" for each in repository.milestones.values()]
    return [*lines, f"latest {repository.latest}"]


def _tag_pushes(sandbox: Sandbox) -> list[str]:
    """Every time that a tag was made, moved or deleted: twice is not once, though the end be the same."""
    told = {each.id: json.loads(each.body) for each in sandbox.deliveries.all}
    refs = (body for body in told.values() if str(body.get("ref", "")).startswith("refs/tags/") and "after" in body)
    return [f"pushed {body['ref']} {body['before']} {body['after']}" for body in refs]


def _rename(line: str, names: dict[int, str]) -> str:
    def name(found: re.Match[str]) -> str:
        return found[1] + names.get(int(found[2]), found[2])

    line = re.sub(r"(#|!|/pull/|/merge_requests/|refs/pull/|refs/merge-requests/|\\\"pull\\\": )(\d+)\b", name, line)
    return _IDS.sub("ID", line)
