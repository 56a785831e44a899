"""GitLab's issues, milestones, files and facts keep the contract, on the sandbox forge; and what is GitLab's alone."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal
from urllib.parse import quote

import pytest

from bot.core.actions import Missing, Refused
from bot.core.events import BadSignature, Delivery, Malformed
from bot.core.issues import MilestoneWish
from bot.core.model import Asset, Repo, Secret
from bot.core.standing import Required
from bot.forges.gitlab import GitLab
from bot.forges.gitlab_hooks import parse
from bot.forges.pacing import Manners
from bot.sandbox import Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from tests.forges.boards import SECRET, SandboxBoard
from tests.forges.canned import Canned, serving
from tests.forges.contract import Trouble, persist
from tests.forges.tags_contract import WISH
from tests.forges.test_gitlab import PATH, fault_of
from tests.forges.test_gitlab_tags import GitLabShelf
from tests.forges.work_contract import FILE, SOME, TRACKER, Board, WorkContract, WorkVerb, digest_of

ROUTES: dict[WorkVerb, tuple[str, str]] = {
    "open issue": ("POST", r"/issues$"),
    "edit issue": ("PUT", r"/issues/\d+$"),
    "make milestone": ("POST", r"/milestones$"),
    "upload": ("PUT", r"/packages/generic/"),
    "write comment on an issue": ("POST", r"/issues/\d+/notes$"),
}


class GitLabBoard(SandboxBoard, GitLabShelf, Board):
    """The same bench, with what releases are planned by."""

    def parse(self, sent: Sent) -> Delivery | BadSignature | Malformed:
        return parse(sent.headers, sent.body, [Secret(SECRET)], int(time.time()))

    def files(self, tag: str) -> dict[str, str]:
        project = self.sandbox.find(self.path)
        kept = {asset.name: asset.url.partition("/packages/generic/")[2] for asset in project.releases[tag].assets}
        return {name: project.packages[place] for name, place in kept.items()}

    def report(self, sha: str, name: str, state: Literal["pending", "success"]) -> None:
        self.post(f"/api/v4/projects/{quote(self.path, safe='')}/statuses/{sha}", {
            "state": state, "name": name, "ref": "relbot/rc/2.7"}, "ada")  # fmt: skip

    def spoil(self, verb: WorkVerb, trouble: Trouble, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))


@pytest.fixture
def board(gitlab_sandbox: Sandbox, listener: int) -> GitLabBoard:
    made = GitLabBoard(gitlab_sandbox)
    made.listen(listener)
    return made


class TestGitLabWork(WorkContract):
    """The contract, on GitLab."""


# ── GitLab's own ─────────────────────────────────────────────────────────────────────────────────────────────────────

REPO = Repo("gitlab", 7, PATH, "main")


def gitlab(url: str) -> GitLab:
    return GitLab(url, Secret("token"), manners=Manners(2, pace=None))


def test_an_issue_and_a_pull_of_one_number_are_two(board: GitLabBoard) -> None:
    number, pull = board.tracker(), board.pull("backport/2.7/1", "main")
    assert number == pull
    asked = board.comment(pull, "/backport 2.7", by="ada")
    board.forge.react(board.repo, pull, asked, "eyes")
    assert board.reactions(pull) == [("relbot", "eyes")]
    assert board.reactions_on_issue(number) == []


def test_a_text_never_gives_gitlab_an_order(board: GitLabBoard) -> None:
    wish = replace(TRACKER, body=f"{TRACKER.marker}\n/close\n  /assign me")
    before = board.writes()
    board.forge.issues.ensure(board.repo, wish)
    board.forge.milestones.ensure(board.repo, MilestoneWish("2.7.1", "/close"))
    assert board.writes() == before + 2, "not even for a moment"
    (held,) = board.issues()
    for text in (held.body, board.milestones()[0][1]):
        assert not any(line.strip().startswith("/") for line in text.splitlines())
    said = board.writes()
    board.forge.issues.ensure(board.repo, wish)
    board.forge.milestones.ensure(board.repo, MilestoneWish("2.7.1", "/close"))
    assert board.writes() == said


def test_what_gitlab_wants_to_succeed_is_the_whole_pipeline(board: GitLabBoard) -> None:
    board.demand("main", ruleset=False)
    assert board.forge.checks.required(board.repo, "main") == Required((), whole_pipeline=True)


def test_settings_that_are_not_shown_tell_nothing() -> None:
    with serving(Canned(body={"id": 7, "default_branch": "main"})) as script:
        assert gitlab(script.url).checks.required(REPO, "main") is None


@pytest.mark.parametrize("trouble", SOME)
def test_one_link_is_made_though_its_answer_is_lost(board: GitLabBoard, trouble: Trouble) -> None:
    board.tag(WISH.tag, board.tip("release/2.7"))
    board.forge.releases.ensure(board.repo, WISH)
    board.sandbox.fail(fault_of(trouble, "POST", r"/assets/links$", 1))
    hung = persist(lambda: board.forge.releases.attach(board.repo, WISH.tag, "a.txt", FILE))
    assert isinstance(hung, Asset)
    assert board.files(WISH.tag) == {"a.txt": digest_of(FILE)}


def test_a_link_that_somebody_made_at_the_same_time_is_the_one() -> None:
    release = {
        "tag_name": "v1", "name": "v1", "description": "", "_links": {"self": "u"}, "assets": {"links": []},
    }
    taken = Canned(400, {"message": {"name": ["has already been taken"]}})
    answers = (Canned(body=release), Canned(201, {"message": "201 Created"}), taken)
    with serving(*answers, Canned(body=[{"id": 1, "name": "a.txt", "url": "http://there"}])) as script:
        assert gitlab(script.url).releases.attach(REPO, "v1", "a.txt", FILE) == Asset("a.txt", "http://there")
    assert script.paths[1].endswith("/projects/7/packages/generic/release/v1/a.txt")


def test_a_milestone_of_a_longer_title_is_another_one_whatever_is_listed() -> None:
    with serving(Canned(body=[{"id": 1, "title": "2.7.10", "state": "active"}])) as script:
        assert isinstance(gitlab(script.url).milestones.find(REPO, "2.7.1"), Missing)


def test_a_tag_that_is_no_version_of_a_package_is_refused_before_anything_is_sent(board: GitLabBoard) -> None:
    board.tag("release/v2.7.0", board.tip("release/2.7"))
    board.forge.releases.ensure(board.repo, replace(WISH, tag="release/v2.7.0"))
    said = board.writes()
    assert isinstance(board.forge.releases.attach(board.repo, "release/v2.7.0", "a.txt", FILE), Refused)
    assert board.writes() == said


def test_a_label_with_a_comma_is_on_nothing_and_a_project_out_of_sight_is_missing(board: GitLabBoard) -> None:
    found = board.forge.issues.labelled(board.repo, "a,b", 5)
    assert not isinstance(found, Missing)
    assert (found.found, found.more) == ((), False)
    assert isinstance(board.forge.issues.labelled(replace(board.repo, id=4711), "a", 5), Missing)
