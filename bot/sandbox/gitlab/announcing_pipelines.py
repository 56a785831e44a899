"""Builds the body of the webhook about a pipeline, and hands it to the hooks of a project and of the groups round it.

It never decides how a pipeline stands: whoever reports says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.sandbox.bare import ZERO
from bot.sandbox.forge import Forge
from bot.sandbox.gitlab.announcing import show_commit_in_hook, show_project_in_hook, site_of, when
from bot.sandbox.gitlab.shapes import show_actor_in_hook
from bot.sandbox.state import Repository, Status


def announce_pipeline(forge: Forge, repository: Repository, statuses: Sequence[Status], state: str) -> None:
    """`Pipeline Hook`, each time that something in it changes. It has no jobs: all was reported from outside."""
    if not forge.listens(repository):
        return
    first, last, site = statuses[0], statuses[-1], site_of(forge)
    commit = show_commit_in_hook(site.page_of(repository), forge.bare(repository).commit(first.sha))
    del commit["title"]
    ended = when(last.created_at) if state not in {"pending", "running"} else None
    forge.emit(repository, "Pipeline Hook", {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": first.pipeline, "iid": first.pipeline, "name": None, "ref": first.ref, "tag": False,
            "sha": first.sha, "before_sha": ZERO, "source": "external", "status": state, "stages": ["external"],
            "created_at": when(first.created_at), "finished_at": ended, "duration": None, "variables": [],
            "url": f"{site.page_of(repository)}/-/pipelines/{first.pipeline}",
        },
        "merge_request": None, "user": show_actor_in_hook(site, last.user),
        "project": show_project_in_hook(site, repository),
        "commit": commit, "builds": [],
    }, "pipeline_events")
