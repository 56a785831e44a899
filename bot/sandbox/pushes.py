"""What follows when refs have moved: events, pulls that follow their branch, pulls that the push has merged.

It never moves a branch itself, and compares only what the repository held before and after.
"""

from __future__ import annotations

from bot.sandbox.bare import ZERO, Bare
from bot.sandbox.faces import Change
from bot.sandbox.forge import Forge
from bot.sandbox.issues import Scene, set_state
from bot.sandbox.pulls import bring_head, mark_merged, move_head
from bot.sandbox.state import Issue, PullPart, Repository

Refs = dict[str, str]


def follow_refs(forge: Forge, repository: Repository, before: Refs, actor: str) -> None:
    """Compare the refs with what they were `before`, and do what the forge does after a push by `actor`."""
    after = forge.bare(repository).refs()
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    changes = {name: (before.get(name, ZERO), after.get(name, ZERO)) for name in names}
    if not changes:
        return
    repository.pushed_at = forge.now()
    for name in forge.face.audible(changes):
        forge.face.tell_ref(forge, repository, name, (actor, changes[name]))
    for name, change in changes.items():
        if name.startswith("refs/heads/"):
            _follow_branch(forge, repository, name.removeprefix("refs/heads/"), change, actor)


def _follow_branch(forge: Forge, repository: Repository, branch: str, change: Change, actor: str) -> None:
    for other in forge.related(repository):
        for issue in list(other.issues.values()):
            part, scene = issue.pull, Scene(forge, other, issue, actor)
            if part is None or issue.state == "closed":
                continue
            if (part.head_repository, part.head_ref) == (repository.id, branch):
                _follow_head(scene, repository, change[1])
            if other is repository and part.base_ref == branch and issue.state == "open":
                _follow_base(scene, issue, part, change)


def _follow_head(scene: Scene, source: Repository, tip: str) -> None:
    if tip == ZERO:
        set_state(scene, "closed")
        return
    bring_head(scene.forge, scene.repository, source, tip)
    move_head(scene, tip)


def _follow_base(scene: Scene, issue: Issue, part: PullPart, change: Change) -> None:
    before, tip = change
    bare = scene.forge.bare(scene.repository)
    if tip == ZERO:
        set_state(scene, "closed")
    elif bare.is_ancestor(part.head_sha, tip) and (before == ZERO or not bare.is_ancestor(part.head_sha, before)):
        mark_merged(scene, _merged_as(bare, part.head_sha, tip))
    else:
        issue.updated_at = scene.forge.now()


def _merged_as(bare: Bare, head: str, tip: str) -> str:
    # A head that was pushed as it is names itself; one that came in through a merge names that merge.
    steps = bare.run("rev-list", "--first-parent", "--ancestry-path", tip, f"^{head}").split()
    return steps[-1] if steps and head not in bare.commit(steps[-1]).parents[:1] else head
