"""How GitHub opens and lands a pull, and every reason it gives for not doing so.

It never asks who may do it: routes do, before they come here.
"""

from __future__ import annotations

from bot.sandbox.bare import CommitData, Moved
from bot.sandbox.faces import MergeWish, PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.issues import Scene, set_state
from bot.sandbox.merging import Conflicting, Landing, Person, land_merge, land_rebase, land_squash
from bot.sandbox.pulls import bring_head, find_head, find_open, mark_merged, start_pull
from bot.sandbox.refusals import Refusal, invalid, unacceptable
from bot.sandbox.state import Issue, PullPart, Repository

_UNMERGEABLE = "Pull Request is not mergeable"
_LAND = {"merge": land_merge, "squash": land_squash, "rebase": land_rebase}


def open_pull(forge: Forge, repository: Repository, wish: PullWish, actor: str) -> Issue:
    """Open a pull. Refused, in GitHub's words, without head or base, without commits, and when there is one already."""
    bare = forge.bare(repository)
    base = bare.branch(wish.base)
    if base is None:
        raise invalid("PullRequest", "base")
    source, branch = find_head(forge, repository, wish.head) or (repository, "")
    head = forge.bare(source).branch(branch)
    if head is None:
        raise invalid("PullRequest", "head")
    if not wish.title:
        raise invalid("PullRequest", "title", "missing_field")
    if find_open(repository, source, branch, wish.base):
        raise unacceptable("PullRequest", f"A pull request already exists for {source.owner}:{branch}.")
    bring_head(forge, repository, source, head)
    if bare.is_ancestor(head, base):
        ours, theirs = ("", "") if source is repository else (f"{repository.owner}:", f"{source.owner}:")
        raise unacceptable("PullRequest", f"No commits between {ours}{wish.base} and {theirs}{branch}")
    part = PullPart(wish.base, base, branch, head, source.owner, source.id, wish.draft)
    return start_pull(forge, repository, wish, part, actor)


def merge_pull(scene: Scene, wish: MergeWish) -> str:
    """Merge and close the pull; answers the base's new tip. Refused when it is not open, moved or conflicting."""
    part, bare = scene.issue.part, scene.forge.bare(scene.repository)
    base = bare.branch(part.base_ref)
    if scene.issue.state != "open" or base is None:
        raise Refusal(405, _UNMERGEABLE)
    if part.draft:
        raise Refusal(405, "Pull Request is still a draft")
    if wish.sha and wish.sha != part.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    made = _LAND[wish.method](bare, _prepare(scene, base, wish))
    if isinstance(made, Conflicting):
        raise Refusal(405, "This branch can't be rebased" if wish.method == "rebase" else _UNMERGEABLE)
    try:
        bare.update_ref(f"refs/heads/{part.base_ref}", made, base)
    except Moved as moved:
        raise Refusal(405, "Base branch was modified. Review and try the merge again.") from moved
    part.landed = (base, made)
    mark_merged(scene, made)
    return made


def change_base(scene: Scene, branch: str) -> None:
    """Point an open pull at another base branch. Refused when there is no such branch."""
    part = scene.issue.part
    tip = scene.forge.bare(scene.repository).branch(branch)
    if tip is None:
        raise invalid("PullRequest", "base")
    before = {"ref": {"from": part.base_ref}, "sha": {"from": part.base_sha}}
    part.base_ref, part.base_sha, part.tested, part.asked = branch, tip, None, 0
    scene.tell("edited", changes={"base": before})


def set_pull_state(scene: Scene, state: str) -> None:
    """Close the pull, or open it again. Refused when its branch is gone or it was merged."""
    part = scene.issue.part
    if state == "open" and scene.issue.state == "closed":
        source = scene.forge.world.repositories.get(part.head_repository)
        head = scene.forge.bare(source).branch(part.head_ref) if source else None
        if part.merged_at is not None or head is None:
            raise unacceptable("PullRequest", "state cannot be changed. The pull request cannot be reopened.")
    set_state(scene, state)


def squash_text(commits: list[CommitData], title: str, number: int, opened_by: Person) -> tuple[str, str]:
    """GitHub's own words for a squash: a lone commit's message, otherwise the pull's title and a list of messages."""
    if len(commits) == 1:
        first, _, rest = commits[0].message.partition("\n")
        body = rest.strip("\n")
    else:
        first, body = title, "\n\n".join(f"* {commit.message}" for commit in commits)
    authors = {(commit.author.name, commit.author.email) for commit in commits}
    others = sorted(authors - {(opened_by.name, opened_by.email)})
    trailers = "\n".join(f"Co-authored-by: {name} <{email}>" for name, email in others)
    return f"{first} (#{number})", "\n\n".join(part for part in (body, trailers) if part)


def _prepare(scene: Scene, base: str, wish: MergeWish) -> Landing:
    forge, issue, part = scene.forge, scene.issue, scene.issue.part
    by, opened_by = forge.person(scene.actor), forge.person(issue.user)
    if wish.method == "squash":
        commits = forge.bare(scene.repository).commits(part.head_sha, f"^{base}")
        own = squash_text(commits, issue.title, issue.number, opened_by)
    else:
        own = (f"Merge pull request #{issue.number} from {part.head_owner}/{part.head_ref}", issue.title)
    title, message = wish.title or own[0], own[1] if wish.message is None else wish.message
    return Landing(base, part.head_sha, by, opened_by, forge.now(), (title, message))
