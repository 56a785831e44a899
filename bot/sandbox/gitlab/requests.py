"""How GitLab opens, edits and lands a merge request, and every reason it gives for not doing so.

It never asks who may do it, except where a protected branch says who may merge: routes do the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.bare import ZERO, Moved
from bot.sandbox.faces import MergeWish, PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.calls import Denial
from bot.sandbox.gitlab.rules import rule_for, satisfies
from bot.sandbox.gitlab.shapes_requests import is_draft
from bot.sandbox.issues import Scene, set_state
from bot.sandbox.merging import Conflicting, Landing, land_merge, land_squash
from bot.sandbox.pulls import bring_head, find_head, find_open, mark_merged, start_pull, try_merge
from bot.sandbox.state import Issue, PullPart, Repository


@dataclass(frozen=True)
class Acceptance:
    """How to merge; None means what the merge request itself says, and for the texts GitLab's own words."""

    sha: str = ""
    squash: bool | None = None
    drop_source: bool | None = None
    message: str | None = None
    squash_message: str | None = None


def open_request(forge: Forge, repository: Repository, wish: PullWish, actor: str) -> Issue:
    """Open a merge request; one without commits is opened too. Refused without branches, and when there is one."""
    bare = forge.bare(repository)
    base = bare.branch(wish.base)
    if base is None:
        raise Denial(400, {"target_branch": ["does not exist"]})
    source, branch = find_head(forge, repository, wish.head) or (repository, "")
    head = forge.bare(source).branch(branch)
    if head is None:
        raise Denial(400, {"source_branch": ["does not exist"]})
    if not wish.title:
        raise Denial(400, {"title": ["can't be blank"]})
    if source.id == repository.id and branch == wish.base:
        raise Denial(422, ["You can't use same project/branch for source and target"])
    if known := find_open(repository, source, branch, wish.base):
        raise Denial(409, [f"Another open merge request already exists for this source branch: !{known.number}"])
    bring_head(forge, repository, source, head)
    part = PullPart(wish.base, base, branch, head, source.owner, source.id)
    return start_pull(forge, repository, wish, part, actor)


def set_request_state(scene: Scene, state: str) -> None:
    """Close a merge request, or open it again, but not as the second of its branch; a merged one stays as it is."""
    part = scene.issue.part
    if part.merged_at is not None or state == scene.issue.state:
        return
    source = scene.forge.world.repositories.get(part.head_repository)
    if state == "open" and source and find_open(scene.repository, source, part.head_ref, part.base_ref):
        raise Denial(409, ["Another open merge request already exists for this source branch"])
    set_state(scene, state)


def change_target(scene: Scene, branch: str) -> None:
    """Point an open merge request at another branch."""
    part, tip = scene.issue.part, scene.forge.bare(scene.repository).branch(branch)
    if tip is None:
        raise Denial(400, {"target_branch": ["does not exist"]})
    part.base_ref, part.base_sha, part.tested, part.asked = branch, tip, None, 0
    scene.tell("edited")


def merge_by_wish(scene: Scene, wish: MergeWish) -> str:
    """Merge as the stage asks: squashed or not, the rest is the project's own setting; answers the base's new tip."""
    return accept(scene, Acceptance(wish.sha, squash=wish.method == "squash", message=wish.message))


def accept(scene: Scene, wish: Acceptance) -> str:
    """Merge and close the merge request; answers the target branch's new tip. Refused while it cannot be merged."""
    part, bare = scene.issue.part, scene.forge.bare(scene.repository)
    base = _check(scene, wish)
    squash = part.squash if wish.squash is None else wish.squash
    head = part.head_sha
    if squash:
        head = part.squashed_as = _squash(scene, base, wish)
    made: str | Conflicting = head
    if scene.repository.merge_method != "ff":
        made = land_merge(bare, _landing(scene, (base, head), wish.message or _merge_text(scene)))
    if isinstance(made, Conflicting):
        raise Denial(422, "Branch cannot be merged")
    try:
        bare.update_ref(f"refs/heads/{part.base_ref}", made, base)
    except Moved as moved:
        raise Denial(409, "Failed to update branch") from moved
    part.squash = squash
    mark_merged(scene, None if scene.repository.merge_method == "ff" else made)
    if part.drop_source if wish.drop_source is None else wish.drop_source:
        _drop_source(scene)
    return made


def _check(scene: Scene, wish: Acceptance) -> str:
    part, forge, repository = scene.issue.part, scene.forge, scene.repository
    bare = forge.bare(repository)
    base, rule = bare.branch(part.base_ref), rule_for(repository.branch_rules, part.base_ref)
    if rule and not satisfies(forge, repository, forge.user(scene.actor), rule.merge):
        raise Denial(401, "401 Unauthorized")
    try_merge(forge, repository, scene.issue)
    linear = repository.merge_method == "merge" or (base and bare.is_ancestor(base, part.head_sha))
    unready = scene.issue.state != "open" or is_draft(scene.issue) or part.tested is None or not linear
    if base is None or unready or bare.is_ancestor(part.head_sha, base):
        raise Denial(405, "405 Method Not Allowed")
    if part.tested and part.tested[2] is None:
        raise Denial(422, "Branch cannot be merged")
    if wish.sha and wish.sha != part.head_sha:
        raise Denial(409, f"SHA does not match HEAD of source branch: {part.head_sha}")
    return base


def _squash(scene: Scene, base: str, wish: Acceptance) -> str:
    # GitLab puts the squashed commit where the target stood when the source was pushed, unless it may only go forward.
    part = scene.issue.part
    onto = base if scene.repository.merge_method == "ff" else part.base_sha
    text = wish.squash_message or scene.issue.title
    made = land_squash(scene.forge.bare(scene.repository), _landing(scene, (onto, part.head_sha), text))
    if isinstance(made, Conflicting):
        raise Denial(422, "Branch cannot be merged")
    return made


def _landing(scene: Scene, tips: tuple[str, str], text: str) -> Landing:
    forge, by = scene.forge, scene.forge.person(scene.actor)
    title, _, rest = text.partition("\n\n")
    return Landing(*tips, by, forge.person(scene.issue.user), forge.now(), (title, rest), committer=by)


def _merge_text(scene: Scene) -> str:
    part, path = scene.issue.part, scene.repository.path
    first = f"Merge branch '{part.head_ref}' into '{part.base_ref}'"
    return f"{first}\n\n{scene.issue.title}\n\nSee merge request {path}!{scene.issue.number}"


def _drop_source(scene: Scene) -> None:
    part = scene.issue.part
    source = scene.forge.world.repositories.get(part.head_repository)
    if source and part.head_ref != source.default_branch and rule_for(source.branch_rules, part.head_ref) is None:
        scene.forge.bare(source).update_ref(f"refs/heads/{part.head_ref}", ZERO)
