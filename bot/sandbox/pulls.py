"""The life of a pull, as far as the forges agree on it: opened, tried, followed when its branch moves, merged.

It never refuses anything and never asks who may do it: faces and routes do, before they come here.
"""

from __future__ import annotations

from bot.sandbox.bare import ZERO
from bot.sandbox.faces import PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.issues import Scene, open_issue
from bot.sandbox.merging import Conflicting, Landing, land_merge
from bot.sandbox.state import Issue, PullPart, Repository


def start_pull(forge: Forge, repository: Repository, wish: PullWish, part: PullPart, actor: str) -> Issue:
    """Make the pull that was found possible, and its ref; the repository has the head's commits already."""
    issue = open_issue(forge, repository.issues, wish.title, wish.body, actor)
    issue.pull = part
    forge.bare(repository).update_ref(f"{forge.face.pull_refs}/{issue.number}/head", part.head_sha)
    Scene(forge, repository, issue, actor).tell("opened")
    return issue


def find_head(forge: Forge, repository: Repository, head: str) -> tuple[Repository, str] | None:
    """The repository and the branch that `branch` or `owner:branch` means; None when that owner has no fork."""
    owner, colon, branch = head.partition(":")
    if not colon:
        return repository, head
    near = (repository, *forge.related(repository))
    return next(((known, branch) for known in near if known.owner.lower() == owner.lower()), None)


def bring_head(forge: Forge, repository: Repository, source: Repository, head: str) -> None:
    """Make sure that the base repository has the head's commits, wherever they were pushed to."""
    if source.id != repository.id and forge.bare(repository).kind(head) is None:
        forge.bare(repository).run("fetch", "--quiet", "--no-tags", str(forge.bare(source).path), head)


def try_merge(forge: Forge, repository: Repository, issue: Issue) -> None:
    """Merge head and base on trial, as the forges do when an open pull is read."""
    part, bare = issue.part, forge.bare(repository)
    base = bare.branch(part.base_ref)
    if issue.state != "open" or base is None:
        return
    if part.tested and part.tested[:2] != (base, part.head_sha):
        part.tested, part.asked = None, 0
    part.asked += 1
    if part.tested is None and part.asked > forge.unknown_reads:
        nobody = forge.face.robot
        text = (f"Merge {part.head_sha} into {base}", "")
        made = land_merge(bare, Landing(base, part.head_sha, nobody, nobody, issue.created_at, text))
        part.tested = (base, part.head_sha, None if isinstance(made, Conflicting) else made)
        bare.update_ref(f"{forge.face.pull_refs}/{issue.number}/merge", part.tested[2] or ZERO)


def mark_merged(scene: Scene, commit: str | None) -> None:
    """Close a pull whose commits are on the base; `commit` is the one that the forge names for it, if it names one."""
    part, now = scene.issue.part, scene.forge.now()
    part.merged_at, part.merged_by, part.merged_as = now, scene.actor, commit
    scene.issue.state, scene.issue.closed_at, scene.issue.closed_by = "closed", now, scene.actor
    scene.record("merged", commit=commit)
    scene.record("closed", commit=commit)
    scene.tell("closed")


def move_head(scene: Scene, new: str) -> None:
    """Follow the head branch of an open pull to its new tip."""
    part, bare = scene.issue.part, scene.forge.bare(scene.repository)
    before, part.head_sha = part.head_sha, new
    part.base_sha = bare.branch(part.base_ref) or part.base_sha
    part.tested, part.asked = None, 0
    bare.update_ref(f"{scene.forge.face.pull_refs}/{scene.issue.number}/head", new)
    scene.issue.updated_at = scene.forge.now()
    scene.tell("synchronize", before=before, after=new)


def find_open(repository: Repository, source: Repository, branch: str, base: str) -> Issue | None:
    """The open pull of one branch to another, if there is one."""
    wanted = (source.id, branch, base)
    for issue in repository.issues.values():
        part = issue.pull
        if part and issue.state == "open" and (part.head_repository, part.head_ref, part.base_ref) == wanted:
            return issue
    return None


def measure(forge: Forge, repository: Repository, part: PullPart) -> tuple[int, int, int, int]:
    """Commits, added lines, deleted lines and files of a pull; remembered, as its two shas fix them for ever."""
    key = (repository.id, part.base_sha, part.head_sha)
    if key not in forge.sizes:
        bare = forge.bare(repository)
        changes = bare.changes(bare.merge_base(part.base_sha, part.head_sha), part.head_sha)
        lines = (sum(change.added for change in changes), sum(change.deleted for change in changes))
        forge.sizes[key] = (bare.commit_count(part.base_sha, part.head_sha), *lines, len(changes))
    return forge.sizes[key]
