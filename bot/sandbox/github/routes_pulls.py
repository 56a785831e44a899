"""The API's pulls: list, open, read, edit, merge.

It never changes git or the state by itself: `pulls` and `pushes` do.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Reply
from bot.sandbox.faces import MergeWish, PullWish
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.pulls import change_base, merge_pull, open_pull, set_pull_state
from bot.sandbox.github.shapes_pulls import show_commit, show_full_pull, show_pull
from bot.sandbox.issues import Scene, edit_text
from bot.sandbox.merging import METHODS
from bot.sandbox.pulls import try_merge
from bot.sandbox.pushes import follow_refs
from bot.sandbox.refusals import Refusal, invalid, not_found
from bot.sandbox.state import Issue

_MOST_COMMITS = 250
_SORT = {"created": "created_at", "updated": "updated_at"}


def list_pulls(call: Call) -> Reply:
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    sort = call.query.get("sort", "created")
    found = [issue for issue in call.repository.issues.values() if issue.pull and state in {"all", issue.state}]
    if base:
        found = [issue for issue in found if issue.part.base_ref == base]
    if head and ":" in head:
        # GitHub ignores a head without an owner instead of refusing it.
        found = [issue for issue in found if _named(issue) == head.lower()]
    newest_first = call.query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    found.sort(key=lambda issue: (getattr(issue, _SORT.get(sort, "created_at")), issue.number), reverse=newest_first)
    return call.pages(found, lambda issue: show_pull(call.view, call.repository, issue))


def create_pull(call: Call) -> Reply:
    wish = PullWish(
        call.field("title", str) or "", call.needed("head", str), call.needed("base", str), call.field("body", str),
        call.field("draft", bool) or False,
    )
    issue = open_pull(call.forge, call.repository, wish, call.actor)
    shown = show_full_pull(call.view, call.repository, issue)
    return Reply(201, shown, {"Location": shown["url"]})


def read_pull(call: Call) -> Reply:
    try_merge(call.forge, call.repository, call.issue)
    return Reply(200, show_full_pull(call.view, call.repository, call.issue))


def edit_pull(call: Call) -> Reply:
    scene = Scene(call.forge, call.repository, call.issue, call.actor)
    _need_author_or(call, "write")
    base, state = call.field("base", str), call.field("state", str)
    edit_text(scene, call.field("title", str), call.field("body", str))
    if base and base != call.issue.part.base_ref:
        change_base(scene, base)
    if state:
        set_pull_state(scene, state)
    return Reply(200, show_full_pull(call.view, call.repository, call.issue))


def list_pull_commits(call: Call) -> Reply:
    part, bare = call.issue.part, call.forge.bare(call.repository)
    commits = bare.commits(part.head_sha, f"^{part.base_sha}")[:_MOST_COMMITS]
    return call.pages(commits, lambda commit: show_commit(call.view, call.repository, commit))


def read_merge(call: Call) -> Reply:
    if call.issue.part.merged_at is None:
        raise not_found()
    return Reply(204)


def merge(call: Call) -> Reply:
    named = call.field("merge_method", str) or "merge"
    method = next((known for known in METHODS if known == named), None)
    if method is None:
        raise invalid("PullRequest", "merge_method")
    wish = MergeWish(
        method, call.field("sha", str) or "", call.field("commit_title", str), call.field("commit_message", str)
    )
    before = call.forge.bare(call.repository).refs()
    made = merge_pull(Scene(call.forge, call.repository, call.issue, call.actor), wish)
    follow_refs(call.forge, call.repository, before, call.actor)
    return Reply(200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"})


def list_pulls_of_commit(call: Call) -> Reply:
    """The merged pulls that brought a commit to the default branch; the open ones too while it is not there."""
    bare = call.forge.bare(call.repository)
    sha = bare.resolve(call.word("commit_sha"))
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.word('commit_sha')}")
    main = bare.branch(call.repository.default_branch)
    landed = bool(main and bare.is_ancestor(sha, main))
    found = [issue for issue in call.repository.issues.values() if issue.pull and _brings(call, issue, sha, landed)]
    return call.pages(found, lambda issue: show_pull(call.view, call.repository, issue))


def _brings(call: Call, issue: Issue, sha: str, landed: bool) -> bool:
    part, bare = issue.part, call.forge.bare(call.repository)
    if part.merged_as == sha:
        return True
    if part.landed:  # a rebase makes commits that the head does not have
        before, after = part.landed
        return bare.is_ancestor(sha, after) and not bare.is_ancestor(sha, before)
    if landed and part.merged_at is None:
        return False
    return bare.is_ancestor(sha, part.head_sha) and not bare.is_ancestor(sha, part.base_sha)


def _named(issue: Issue) -> str:
    part = issue.part
    return f"{part.head_owner}:{part.head_ref}".lower()


def _need_author_or(call: Call, role: str) -> None:
    if call.issue.user != call.actor and not call.forge.may(call.repository, call.asker, role):
        raise Refusal(403, "Must have admin rights to Repository.")


_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
ROUTES = (
    Route("GET", "/repos/{owner}/{repo}/pulls", list_pulls),
    Route("POST", "/repos/{owner}/{repo}/pulls", create_pull),
    Route("GET", _PULL, read_pull),
    Route("PATCH", _PULL, edit_pull),
    Route("GET", f"{_PULL}/commits", list_pull_commits),
    Route("GET", f"{_PULL}/merge", read_merge),
    Route("PUT", f"{_PULL}/merge", merge, "write"),
    Route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", list_pulls_of_commit),
)
