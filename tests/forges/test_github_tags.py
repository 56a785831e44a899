"""GitHub's tags, releases, branches and checks keep the contract, on the sandbox forge; and what is GitHub's alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.core.actions import Missing
from bot.core.errors import Fault
from bot.core.model import Check, Protection, Release, Repo, Role, Secret, Tag
from bot.core.refs import TagReady
from bot.forges.fields import Fields
from bot.forges.github import GitHub
from bot.forges.github.branches import _read_tags
from bot.forges.pacing import Manners
from bot.sandbox import Fault as Failing
from bot.sandbox import Sandbox
from bot.sandbox.bare import ZERO
from bot.sandbox.state import CheckRun, Status
from tests.forges.canned import Canned, serving
from tests.forges.contract import Trouble
from tests.forges.github.installed import register
from tests.forges.tags_contract import MANY, MESSAGE, WISH, HeldRelease, Shelf, TagsContract, TagVerb
from tests.forges.test_github import PATH, AppBench, GitHubBench, fault_of

ROUTES: dict[TagVerb, tuple[str, str]] = {
    "make tag": ("POST", r"/git/refs$"),
    "make release": ("POST", r"/releases$"),
    "edit release": ("PATCH", r"/releases/\d+$"),
    "delete branch": ("DELETE", r"/git/refs/heads/"),
}


class GitHubShelf(GitHubBench, Shelf):
    """The same bench, with what tags and releases need."""

    def patient(self) -> GitHub:
        return GitHub(self.sandbox.url, self.token, manners=Manners(30, pace=None, clock=self.hands.clock))

    def tag(self, name: str, sha: str) -> None:
        self.sandbox.tag(PATH, name, sha, "ada")

    def many_tags(self, names: list[str], sha: str) -> None:
        text = "".join(f"create refs/tags/{name} {sha}\n" for name in names)
        self.sandbox.git(PATH).run("update-ref", "--stdin", stdin=text)

    def delete_tag(self, name: str) -> None:
        self.sandbox.git(PATH).update_ref(f"refs/tags/{name}", ZERO)

    def tags(self) -> dict[str, tuple[str, str | None]]:
        return tags_in(self.sandbox)

    def releases(self) -> list[HeldRelease]:
        repository = self.sandbox.find(PATH)
        return [
            HeldRelease(one.tag, one.name, one.description, one.draft, one.prerelease)
            for one in (*repository.releases.values(), *repository.drafts)
        ]

    def latest(self) -> str:
        return self.sandbox.find(PATH).latest

    def protect(self, kind: Literal["branch", "tag"], pattern: str) -> None:
        (self.sandbox.protect_tags if kind == "tag" else self.sandbox.protect_names)(PATH, pattern)

    def say(self, sha: str, name: str, state: Literal["pending", "success", "failure"], url: str | None = None) -> None:
        number, now = self.sandbox.forge.world.take_id(), self.sandbox.forge.now()
        said = Status(number, sha, "", name, state, "ada", now, None, url)
        self.sandbox.find(PATH).statuses.append(said)

    def hide_checks(self) -> None:
        body = {"message": "Resource not accessible by personal access token"}
        self.sandbox.fail(Failing(r"/check-runs", "GET", 403, times=9, body=body))

    def discuss(self, number: int, *, resolved: bool) -> None:
        raise NotImplementedError("nothing over REST tells of it")

    def trouble(self, verb: TagVerb, trouble: Trouble, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))

    def run(self, sha: str, name: str, status: str, conclusion: str | None = None, *, app: int) -> None:
        """Have an App report on a commit."""
        run = CheckRun(self.sandbox.forge.world.take_id(), app, sha, name, 0, status, conclusion, 0)
        self.sandbox.find(PATH).check_runs.append(run)


def tags_in(sandbox: Sandbox, path: str = PATH) -> dict[str, tuple[str, str | None]]:
    """The commit of each tag, and its message where it has an object of its own."""
    bare, found = sandbox.git(path), dict[str, tuple[str, str | None]]()
    for name, sha in bare.refs("refs/tags/").items():
        text = bare.run("cat-file", "tag", sha).partition("\n\n")[2].rstrip("\n") if bare.kind(sha) == "tag" else None
        found[name.removeprefix("refs/tags/")] = (bare.peel(sha) or "", text)
    return found


@pytest.fixture
def shelf(sandbox: Sandbox) -> GitHubShelf:
    return GitHubShelf(sandbox)


class TestGitHubTags(TagsContract):
    """The contract, on GitHub, with a token."""


class AppShelf(AppBench, GitHubShelf):
    """The same, and the bot comes as a GitHub App: its rights are not a role."""

    def patient(self) -> GitHub:
        return self.forge

    def grant(self, login: str, role: Role) -> None:
        (installation,) = self.sandbox.forge.world.installations.values()
        installation.rights["contents"] = "read"
        self.sandbox.forge.world.passes.clear()


@pytest.mark.slow
class TestGitHubAppTags(TagsContract):
    """The contract once more, for a GitHub App."""

    @pytest.fixture
    def shelf(self, sandbox: Sandbox) -> AppShelf:
        return AppShelf(sandbox)


# ── GitHub's own ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_may_be_pushed_to_is_told_to_a_token_where_nothing_protects_it(shelf: GitHubShelf) -> None:
    shelf.sandbox.protect(PATH, "guarded", "ada")
    shelf.branch("guarded")
    shelf.protect("branch", "release/*")
    found = {
        name: shelf.forge.branches.may_push(shelf.repo, name)
        for name in ("main", "new/one", "guarded", "release/2.7", "release/2.8", "release/a/b")
    }
    assert found == {
        "main": True, "new/one": True, "guarded": None, "release/2.7": None, "release/2.8": None, "release/a/b": True,
    }


def test_an_app_is_not_told_what_it_may_push_to(sandbox: Sandbox) -> None:
    shelf = AppShelf(sandbox)
    assert shelf.forge.branches.may_push(shelf.repo, "main") is None


def test_check_runs_of_all_apps_are_told_beside_statuses(shelf: GitHubShelf) -> None:
    sha, (one, other) = shelf.tip("main"), (register(shelf.sandbox, name)[0].id for name in ("ci", "lint"))
    shelf.run(sha, "build", "completed", "failure", app=one)
    shelf.run(sha, "build", "completed", "success", app=one)
    shelf.run(sha, "build", "completed", "timed_out", app=other)
    for number in range(MANY):
        shelf.run(sha, f"job {number:03}", "completed", "success", app=one)
    shelf.say(sha, "deploy", "pending")
    found = shelf.forge.checks.of(shelf.repo, sha)
    assert not isinstance(found, Missing)
    assert [(check.name, check.state) for check in found] == [
        ("build", "failed"), ("build", "passed"), ("deploy", "pending"),
        *((f"job {number:03}", "passed") for number in range(MANY)),
    ]
    assert all(check.url for check in found if check.name != "deploy")


@pytest.mark.parametrize(("status", "conclusion", "state"), [
    ("queued", None, "pending"), ("in_progress", None, "pending"), ("waiting", None, "pending"),
    ("completed", "success", "passed"), ("completed", "neutral", "skipped"), ("completed", "skipped", "skipped"),
    ("completed", "failure", "failed"), ("completed", "cancelled", "failed"), ("completed", "timed_out", "failed"),
    ("completed", "action_required", "failed"), ("completed", "stale", "failed"), ("completed", "mystery", "failed"),
    ("completed", None, "failed"),
])
def test_nothing_but_a_success_passes(status: str, conclusion: str | None, state: str) -> None:
    run = {"name": "x", "status": status, "conclusion": conclusion, "html_url": None}
    with serving(Canned(body={"check_runs": [run]}), Canned(body={"statuses": []})) as script:
        found = github(script.url).checks.of(REPO, "1" * 40)
    assert found == (Check("x", state),)


def test_a_tag_of_a_tag_means_the_commit(shelf: GitHubShelf) -> None:
    tag = Tag("v2.7.0", shelf.tip("main"))
    shelf.forge.tags.ensure(shelf.repo, tag, MESSAGE)
    bare = shelf.sandbox.git(PATH)
    inner = bare.ref("refs/tags/v2.7.0")
    text = f"object {inner}\ntype tag\ntag signed\ntagger A <a@b> 0 +0000\n\nx\n"
    bare.update_ref("refs/tags/signed", bare.run("mktag", stdin=text).strip())
    signed = Tag("signed", tag.sha)
    assert shelf.forge.tags.find(shelf.repo, "signed") == signed
    assert shelf.forge.tags.ensure(shelf.repo, signed, MESSAGE) == TagReady(signed, made=False)


def test_a_draft_is_found_behind_a_hundred_others_and_of_several_the_oldest(shelf: GitHubShelf) -> None:
    shelf.tag(WISH.tag, shelf.tip("main"))
    shelf.forge.releases.ensure(shelf.repo, replace(WISH, draft=True))
    repository, world = shelf.sandbox.find(PATH), shelf.sandbox.forge.world
    (ours,) = repository.drafts
    for number in range(MANY):
        tag = WISH.tag if number == 7 else f"v1.{number}"
        repository.drafts.append(replace(ours, id=world.take_id(), tag=tag, name="Another"))
    shelf.forge.releases.ensure(shelf.repo, replace(WISH, body="More.", draft=True))
    assert ours.description == "More."
    assert len(repository.drafts) == MANY + 1
    found = shelf.forge.releases.find(shelf.repo, WISH.tag)
    assert isinstance(found, Release)
    assert found.body == "More."


def test_a_branch_that_was_renamed_is_not_taken_for_the_one_of_its_former_name() -> None:
    answer = {"name": "new", "protected": False, "commit": {"sha": "1" * 40}}
    with serving(Canned(body=answer)) as script:
        found = github(script.url).branches.delete(REPO, "old", expect="1" * 40)
    assert isinstance(found, Missing)


def test_a_list_that_leads_to_another_server_is_not_followed() -> None:
    tag = {"name": "v1", "commit": {"sha": "1" * 40}}
    link = ("Link", '<https://elsewhere.example.org/tags?page=2>; rel="next"')
    with serving(Canned(body=[tag], headers=(link,))) as script, pytest.raises(Fault, match="another server"):
        github(script.url).tags.all(REPO)


@pytest.mark.parametrize("body", [{}, {"message": "hi"}, [{"name": "v1"}], [{"name": 7, "commit": {"sha": "1" * 40}}],
                                  [{"name": "v1", "commit": {"sha": "../../x"}}], ["v1"]])
def test_a_misshapen_list_is_a_fault(body: Any) -> None:
    with serving(Canned(body=body)) as script, pytest.raises(Fault, match="not shaped"):
        github(script.url).tags.all(REPO)


def test_what_a_ruleset_for_tags_covers() -> None:
    names = {"include": ["refs/tags/v*", "refs/tags/**/final"], "exclude": ["refs/tags/v0.*"]}
    star, folder = read_ruleset({"conditions": {"ref_name": names}})
    assert [star.covers(name) for name in ("v2.7", "v0.1", "v/x", "w")] == [True, False, False, False]
    assert [folder.covers(name) for name in ("final", "a/b/final", "a/final.1")] == [True, True, False]
    every = {"conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}}}
    for ruleset in (every, {"conditions": {"repository_name": {}}}, {"conditions": None}, {}):
        assert [one.covers("a/b") for one in read_ruleset(ruleset)] == [True]


def test_rulesets_that_are_switched_off_or_only_watch_protect_nothing() -> None:
    rulesets = [{"id": n, "target": "tag", "enforcement": word} for n, word in ((1, "disabled"), (2, "evaluate"))]
    with serving(Canned(body=[]), Canned(body=rulesets)) as script:
        assert github(script.url).branches.protections(REPO) == ()


REPO = Repo("github", 7, PATH, "main")


def github(url: str) -> GitHub:
    return GitHub(url, Secret("token"), manners=Manners(2, pace=None))


def read_ruleset(ruleset: dict[str, Any]) -> list[Protection]:
    return _read_tags(Fields("", ruleset))
