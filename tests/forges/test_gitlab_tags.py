"""GitLab's tags, releases, branches and checks keep the contract, on the sandbox forge; and what is GitLab's alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.core.actions import Missing, Refused
from bot.core.model import Repo, Role, Secret
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault
from bot.sandbox import Fault, Sandbox
from bot.sandbox.bare import ZERO
from bot.sandbox.state import Status
from tests.forges.canned import Canned, serving
from tests.forges.contract import Trouble
from tests.forges.tags_contract import WISH, HeldRelease, Shelf, TagsContract, TagVerb
from tests.forges.test_github_tags import tags_in
from tests.forges.test_gitlab import PATH, GitLabBench, fault_of

ROUTES: dict[TagVerb, tuple[str, str]] = {
    "make tag": ("POST", r"/repository/tags$"),
    "make release": ("POST", r"/releases$"),
    "edit release": ("PUT", r"/releases/"),
    "delete branch": ("DELETE", r"/repository/branches/"),
}


class GitLabShelf(GitLabBench, Shelf):
    """The same bench, with what tags and releases need."""

    forge: GitLab

    def patient(self) -> GitLab:
        return GitLab(self.sandbox.url, self.token, manners=Manners(30, pace=None, clock=self.hands.clock))

    def tag(self, name: str, sha: str) -> None:
        self.sandbox.tag(PATH, name, sha, "ada")

    def many_tags(self, names: list[str], sha: str) -> None:
        text = "".join(f"create refs/tags/{name} {sha}\n" for name in names)
        self.sandbox.git(PATH).run("update-ref", "--stdin", stdin=text)

    def delete_tag(self, name: str) -> None:
        self.sandbox.git(PATH).update_ref(f"refs/tags/{name}", ZERO)

    def tags(self) -> dict[str, tuple[str, str | None]]:
        return tags_in(self.sandbox, PATH)

    def releases(self) -> list[HeldRelease]:
        known = self.sandbox.find(PATH).releases.values()
        return [HeldRelease(one.tag, one.name, one.description) for one in known]

    def latest(self) -> str:
        raise NotImplementedError("GitLab has no mark")

    def protect(self, kind: Literal["branch", "tag"], pattern: str) -> None:
        (self.sandbox.protect_tags if kind == "tag" else self.sandbox.protect_names)(PATH, pattern)

    def say(self, sha: str, name: str, state: Literal["pending", "success", "failure"], url: str | None = None) -> None:
        project, world = self.sandbox.find(PATH), self.sandbox.forge.world
        pipeline = next((one.pipeline for one in project.statuses if one.sha == sha), 0) or world.take_id()
        word = {"failure": "failed"}.get(state, state)
        now = self.sandbox.forge.now()
        said = Status(world.take_id(), sha, "main", name, word, "ada", now, None, url, pipeline)
        project.statuses.append(said)

    def hide_checks(self) -> None:
        self.sandbox.fail(Fault(r"/pipelines$", "GET", 403, times=9, body={"message": "403 Forbidden"}))

    def discuss(self, number: int, *, resolved: bool) -> None:
        note = self.sandbox.comment(PATH, number, "Why so?", by="ada")
        note.thread = note.id
        note.resolved_by = "ada" if resolved else None

    def trouble(self, verb: TagVerb, trouble: Trouble, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))


@pytest.fixture
def shelf(gitlab_sandbox: Sandbox) -> GitLabShelf:
    return GitLabShelf(gitlab_sandbox)


class TestGitLabTags(TagsContract):
    """The contract, on GitLab."""


# ── GitLab's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_may_be_pushed_to_is_told_of_what_is_there_and_of_what_nothing_protects(shelf: GitLabShelf) -> None:
    shelf.protect("branch", "release/*")
    names = ("main", "new/one", "release/2.7", "release/2.8", "release/a/b")
    found = {name: shelf.forge.branches.may_push(shelf.repo, name) for name in names}
    assert found == {"main": True, "new/one": True, "release/2.7": False, "release/2.8": None, "release/a/b": None}
    shelf.grant("relbot", Role.MAINTAIN)
    assert shelf.forge.branches.may_push(shelf.repo, "release/2.7") is True
    shelf.sandbox.protect_names(PATH, "release/*", push="nobody")
    assert shelf.forge.branches.may_push(shelf.repo, "release/2.7") is False


def test_who_only_reports_may_push_nowhere(shelf: GitLabShelf) -> None:
    shelf.grant("relbot", Role.TRIAGE)
    assert shelf.forge.branches.may_push(shelf.repo, "main") is False


def test_a_release_that_is_there_is_edited_though_a_draft_was_wished_for(shelf: GitLabShelf) -> None:
    shelf.tag(WISH.tag, shelf.tip("main"))
    made = shelf.forge.releases.ensure(shelf.repo, WISH)
    edited = shelf.forge.releases.ensure(shelf.repo, replace(WISH, body="More.", draft=True))
    assert edited == shelf.forge.releases.publish(shelf.repo, WISH.tag, latest=True) != made
    assert shelf.releases() == [HeldRelease(WISH.tag, WISH.title, "More.")]


@pytest.mark.parametrize("level", ["disabled", "private"])
def test_where_releases_are_switched_off_there_is_none_and_what_is_forbidden_otherwise_is_a_fault(level: str) -> None:
    no, settings = Canned(403, {"message": "403 Forbidden"}), Canned(body={"id": 7, "releases_access_level": level})
    repo = Repo("gitlab", 7, PATH, "main")
    wishes: list[Callable[[GitLab], object]] = [
        lambda forge: forge.releases.all(repo), lambda forge: forge.releases.find(repo, WISH.tag),
        lambda forge: forge.releases.ensure(repo, WISH),
    ]  # fmt: skip
    for wish in wishes:
        with serving(no, settings, no, settings) as script:
            forge = GitLab(script.url, Secret("token"), manners=Manners(2, pace=None))
            if level == "private":
                with pytest.raises(WireFault):
                    wish(forge)
                continue
            found = wish(forge)
        assert found == () or isinstance(found, Missing) or found == Refused(
            f"releases are switched off in {PATH}", f"Switch them on in {PATH} under Settings, General, Visibility."
        )


def test_the_pipeline_of_a_commit_is_told_beside_its_jobs(shelf: GitLabShelf) -> None:
    sha = shelf.tip("main")
    shelf.say(sha, "lint", "failure")
    found = shelf.forge.checks.of(shelf.repo, sha)
    assert not isinstance(found, Missing)
    lint, pipeline = found
    assert (lint.name, lint.state) == ("lint", "failed")
    assert (pipeline.name, pipeline.state) == ("pipeline (external, main)", "failed")
    assert pipeline.url


def job(number: int, status: str, *, name: str = "x", ref: str = "main", optional: bool = False) -> dict[str, Any]:
    return {"id": number, "name": name, "ref": ref, "status": status, "allow_failure": optional, "target_url": None}


def run(number: int, status: str, *, source: str = "push", ref: str = "main") -> dict[str, Any]:
    return {"id": number, "status": status, "source": source, "ref": ref, "web_url": f"https://example.org/{number}"}


def checks(jobs: list[dict[str, Any]], runs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Name and state of what the adapter makes of such answers."""
    with serving(Canned(body=jobs), Canned(body=runs)) as script:
        forge = GitLab(script.url, Secret("token"), manners=Manners(2, pace=None))
        found = forge.checks.of(Repo("gitlab", 7, PATH, "main"), "1" * 40)
    assert not isinstance(found, Missing)
    return [(check.name, check.state) for check in found]


@pytest.mark.parametrize(("status", "optional", "state"), [
    ("success", False, "passed"), ("success", True, "passed"), ("skipped", False, "skipped"),
    ("failed", False, "failed"), ("failed", True, "skipped"), ("canceled", False, "failed"),
    ("manual", False, "pending"), ("manual", True, "skipped"), ("running", True, "pending"),
    ("created", False, "pending"), ("waiting_for_resource", False, "pending"), ("scheduled", False, "pending"),
    ("mystery", False, "failed"),
])
def test_nothing_but_a_success_passes_and_what_may_fail_does_not_count(
    status: str, optional: bool, state: str
) -> None:
    assert checks([job(1, status, optional=optional)], []) == [("x", state)]


def test_of_jobs_and_pipelines_that_ran_again_the_last_one_counts() -> None:
    jobs = [job(5, "success"), job(3, "failed"), job(4, "failed", ref="refs/merge-requests/1/head")]
    runs = [run(9, "success"), run(8, "failed"), run(7, "running", source="schedule")]
    assert checks(jobs, runs) == [
        ("pipeline (push, main)", "passed"), ("pipeline (schedule, main)", "pending"), ("x", "failed"), ("x", "passed"),
    ]  # fmt: skip


def test_a_discussion_waits_while_any_of_its_notes_does(shelf: GitLabShelf) -> None:
    number = shelf.pull("backport/2.7/1", "release/2.7")
    shelf.sandbox.comment(PATH, number, "Nothing to resolve here.", by="ada")
    shelf.discuss(number, resolved=True)
    first = shelf.sandbox.issue(PATH, number).comments[-1]
    assert shelf.forge.threads.unresolved(shelf.repo, number) == 0
    shelf.sandbox.comment(PATH, number, "But?", by="ada").thread = first.thread
    assert shelf.forge.threads.unresolved(shelf.repo, number) == 1
