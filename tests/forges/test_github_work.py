"""GitHub's issues, milestones, files and facts keep the contract, on the sandbox forge; and what is GitHub's alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.core.actions import EnsureComment, Missing, Refused
from bot.core.errors import Fault
from bot.core.events import BadSignature, ChecksReported, Delivery, Malformed
from bot.core.issues import TRACKER_LABEL, IssueReady, Items, MilestoneWish
from bot.core.model import Asset, CheckReport, Release, Repo, Secret
from bot.core.standing import Required
from bot.forges.github import GitHub
from bot.forges.github.facts import BATCH
from bot.forges.github.wire import _takes_files
from bot.forges.github_hooks import parse
from bot.forges.pacing import Manners
from bot.sandbox import Fault as Broken
from bot.sandbox import PullWish, Sandbox
from bot.sandbox.deliveries import Delivery as Sent
from bot.sandbox.state import Asset as Kept
from tests.forges.boards import SECRET, SandboxBoard
from tests.forges.canned import Canned, serving
from tests.forges.contract import Trouble
from tests.forges.tags_contract import WISH
from tests.forges.test_github import PATH, AppBench, fault_of
from tests.forges.test_github_tags import GitHubShelf
from tests.forges.work_contract import FILE, MARK, TRACKER, Board, WorkContract, WorkVerb, digest_of

ROUTES: dict[WorkVerb, tuple[str, str]] = {
    "open issue": ("POST", r"/issues$"),
    "edit issue": ("PATCH", r"/issues/\d+$"),
    "make milestone": ("POST", r"/milestones$"),
    "upload": ("POST", r"/releases/\d+/assets$"),
    "write comment on an issue": ("POST", r"/issues/\d+/comments$"),
}


class GitHubBoard(SandboxBoard, GitHubShelf, Board):
    """The same bench, with what releases are planned by."""

    def parse(self, sent: Sent) -> Delivery | BadSignature | Malformed:
        return parse(sent.headers, sent.body, [Secret(SECRET)])

    def files(self, tag: str) -> dict[str, str]:
        repository = self.sandbox.find(self.path)
        known = [*repository.releases.values(), *repository.drafts]
        return {asset.name: asset.sha256 for one in known if one.tag == tag for asset in one.assets}

    def report(self, sha: str, name: str, state: Literal["pending", "success"]) -> None:
        self.post(f"/repos/{self.path}/statuses/{sha}", {"state": state, "context": name}, "ada")

    def spoil(self, verb: WorkVerb, trouble: Trouble, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))


@pytest.fixture
def board(sandbox: Sandbox, listener: int) -> GitHubBoard:
    made = GitHubBoard(sandbox)
    made.listen(listener)
    return made


class TestGitHubWork(WorkContract):
    """The contract, on GitHub, with a token."""


class AppBoard(AppBench, GitHubBoard):
    """The same, and the bot comes as a GitHub App."""

    def patient(self) -> GitHub:
        return self.forge


def test_a_github_app_does_it_all_with_the_rights_that_its_tokens_have(sandbox: Sandbox, listener: int) -> None:
    """The contract is not gone through once more: what differs for an App is what it may."""
    board = AppBoard(sandbox)
    board.listen(listener)
    number = board.tracker()
    assert board.issues()[0].by == board.login == "relbot[bot]"
    assert board.tracker() == number
    made = board.forge.milestones.ensure(board.repo, MilestoneWish("2.7.1"))
    assert made == board.forge.milestones.find(board.repo, "2.7.1")
    board.forge.ensure_comment(EnsureComment(board.repo, number, "m", "m", on="issue"))
    pull = board.pull("backport/2.7/1", "main")
    assert set(board.forge.facts(board.repo, (pull,))) == {pull}
    board.tag(WISH.tag, board.tip("release/2.7"))
    board.forge.releases.ensure(board.repo, WISH)
    assert isinstance(board.forge.releases.attach(board.repo, WISH.tag, "a.txt", FILE), Asset)
    board.demand("release/2.7", "lint", ruleset=True)
    assert board.forge.checks.required(board.repo, "release/2.7") == Required(("lint",))
    board.sandbox.protect(PATH, "main", "ada")
    assert board.forge.checks.required(board.repo, "main") is None, "an App without administration is told nothing"


def test_what_apps_run_on_a_commit_is_told_of_when_all_of_it_has_ended(sandbox: Sandbox, listener: int) -> None:
    board = AppBoard(sandbox)
    board.listen(listener)
    board.branch("relbot/rc/2.7")
    sha = board.tip("relbot/rc/2.7")
    board.events()
    board.forge.report_on(board.repo, sha, CheckReport("x", "pending", "Runs", "…"))
    assert board.events() == []
    board.forge.report_on(board.repo, sha, CheckReport("x", "success", "Well", "…"))
    (told,) = board.events()
    assert isinstance(told, ChecksReported)
    assert (told.sha, told.branches, told.actor.login) == (sha, ("relbot/rc/2.7",), board.login)


# ── GitHub's own ─────────────────────────────────────────────────────────────────────────────────────────────────────

REPO = Repo("github", 7, PATH, "main")


def github(url: str) -> GitHub:
    return GitHub(url, Secret("token"), manners=Manners(2, pace=None))


@pytest.mark.parametrize("status", [404, 410])
def test_where_a_repository_has_no_issues_nothing_is_found_and_a_wish_is_refused(status: int) -> None:
    gone = Canned(status, {"message": "Issues has been disabled in this repository."})
    pulls = gone if status == 404 else Canned(body=[])
    with serving(gone, gone, pulls, Canned(body={"id": 1, "login": "relbot", "type": "Bot"}), gone) as script:
        forge = github(script.url)
        assert isinstance(forge.issues.get(REPO, 1), Missing)
        if status == 410:
            assert forge.issues.labelled(REPO, "x", 5) == Items()
        else:
            assert isinstance(forge.issues.labelled(REPO, "x", 5), Missing)
            assert isinstance(forge.issues.labelled(REPO, "x", 5), Missing)
        refused = forge.issues.ensure(REPO, TRACKER)
    assert isinstance(refused, Refused)
    assert "issues" in refused.next_step


def test_a_repository_that_has_turned_its_issues_off_can_be_released_all_the_same(sandbox: Sandbox) -> None:
    board = GitHubBoard(sandbox)
    pull, _ = board.pull("backport/2.7/1", "main"), board.pull("backport/2.7/1", "release/2.7")
    board.label_pull(pull, "v2.7")
    off = {"message": "Issues are disabled for this repo"}
    for where in (r"/issues$", r"/milestones$"):
        sandbox.fail(Broken(where, "GET", 410, times=10, body=off))
    forge = board.forge
    assert isinstance(forge.issues.find(board.repo, MARK, TRACKER_LABEL), Missing)
    assert isinstance(forge.milestones.find(board.repo, "2.7.1"), Missing)
    for closed, wanted in ((False, [pull]), (True, [pull]), (False, [])):
        found = forge.issues.labelled(board.repo, "v2.7", 10, closed=closed)
        assert isinstance(found, Items)
        assert [one.number for one in found.found] == wanted
        assert all(one.on == "pull" for one in found.found)
        board.close_pull(pull)


def test_an_issue_of_somebody_else_is_not_the_bots_whatever_is_listed() -> None:
    issue = {
        "number": 3, "title": "T", "body": MARK, "html_url": "u", "state": "open", "labels": [],
        "user": {"id": 2, "login": "mallory", "type": "User"},
    }
    me = Canned(body={"id": 1, "login": "relbot", "type": "Bot"})
    with serving(me, Canned(body=[issue]), Canned(body=[issue])) as script:
        assert isinstance(github(script.url).issues.find(REPO, MARK, TRACKER_LABEL), Missing)
    assert "creator=relbot" in script.paths[1]


def test_an_issue_that_was_moved_to_another_repository_is_gone(board: GitHubBoard) -> None:
    number = board.tracker()
    board.sandbox.find(PATH).issues[number].number = 77
    board.sandbox.find(PATH).issues[number].user = "relbot"
    assert isinstance(board.forge.issues.get(board.repo, number), Missing)


def test_a_text_whose_line_ends_github_has_changed_is_not_edited(board: GitHubBoard) -> None:
    number = board.tracker()
    kept = board.sandbox.plain_issue(PATH, number)
    kept.body = TRACKER.body.replace("\n", "\r\n") + "\r\n"
    assert board.forge.issues.ensure(board.repo, TRACKER) == IssueReady(
        replace(board.forge.issues.get(board.repo, number), body=kept.body)  # type: ignore[type-var]
    )


def test_the_bots_pulls_hide_no_issue_that_has_lost_its_label(board: GitHubBoard) -> None:
    number = board.tracker()
    board.sandbox.open_pull(PATH, PullWish(TRACKER.title, "backport/2.7/1", "main", TRACKER.body), "relbot")
    board.unlabel_issue(number, TRACKER_LABEL)
    found = board.forge.issues.find(board.repo, MARK, TRACKER_LABEL)
    assert not isinstance(found, Missing)
    assert found.number == number


def test_required_checks_of_both_kinds_are_told_together_and_a_branch_that_is_not_there_tells_nothing(
    board: GitHubBoard,
) -> None:
    board.demand("release/2.7", "lint", ruleset=False)
    board.demand("release/*", "build", "lint", ruleset=True)
    assert board.forge.checks.required(board.repo, "release/2.7") == Required(("build", "lint"))
    assert board.forge.checks.required(board.repo, "release/2.8") is None
    assert board.forge.checks.required(board.repo, "../x") is None


def test_a_protection_that_names_no_checks_is_believed_when_an_administrator_asks(board: GitHubBoard) -> None:
    board.sandbox.protect(PATH, "release/2.7", "ada")
    assert board.forge.checks.required(board.repo, "release/2.7") is None
    board.sandbox.grant(PATH, "relbot", "admin")
    assert board.forge.checks.required(board.repo, "release/2.7") == Required()


BRANCH = {"name": "main", "protected": True, "commit": {"sha": "1" * 40}}
RULE = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "x"}]}}


@pytest.mark.parametrize(("answers", "required"), [
    ([BRANCH | {"protection": {"enabled": False}}, [RULE]], Required(("x",))),
    ([BRANCH | {"protection": {"enabled": True}}, Canned(403, {"message": "Resource not accessible"})], None),
    ([BRANCH, Canned(404, {"message": "Not Found"})], None),
    ([BRANCH, {"contexts": ["a", "b"]}, []], Required(("a", "b"))),
    ([BRANCH | {"name": "master"}], None),
])
def test_what_is_not_told_is_not_taken_for_nothing(answers: list[Any], required: Required | None) -> None:
    script_of = [one if isinstance(one, Canned) else Canned(body=one) for one in answers]
    with serving(*script_of) as script:
        assert github(script.url).checks.required(REPO, "main") == required


def test_the_remains_of_an_upload_that_was_cut_off_are_cleared_away(board: GitHubBoard) -> None:
    board.tag(WISH.tag, board.tip("release/2.7"))
    board.forge.releases.ensure(board.repo, replace(WISH, draft=True))
    (draft,) = board.sandbox.find(PATH).drafts
    draft.assets.append(Kept(board.sandbox.forge.world.take_id(), "a.txt", "relbot", 0, 0, "", "open"))
    shown = board.forge.releases.find(board.repo, WISH.tag)
    assert isinstance(shown, Release)
    assert shown.assets == (), "it is not there yet"
    assert isinstance(board.forge.releases.attach(board.repo, WISH.tag, "a.txt", FILE), Asset)
    assert board.files(WISH.tag) == {"a.txt": digest_of(FILE)}


def test_another_file_of_the_same_name_is_told_by_its_digest_where_sizes_are_the_same(board: GitHubBoard) -> None:
    board.tag(WISH.tag, board.tip("release/2.7"))
    board.forge.releases.ensure(board.repo, WISH)
    board.forge.releases.attach(board.repo, WISH.tag, "a.txt", b"one")
    assert isinstance(board.forge.releases.attach(board.repo, WISH.tag, "a.txt", b"two"), Refused)
    assert board.files(WISH.tag) == {"a.txt": digest_of(b"one")}


@pytest.mark.parametrize(("base", "url", "fits"), [
    ("https://api.github.com", "https://uploads.github.com/repos/a/b/releases/1/assets", True),
    ("https://api.github.com", "https://api.github.com/repos/a/b/releases/1/assets", False),
    ("https://api.github.com", "http://uploads.github.com/x", False),
    ("https://api.github.com", "https://uploads.github.com.evil.example/x", False),
    ("https://api.github.com", "https://evil@uploads.github.com/x", False),
    ("https://ghe.example.org/api/v3", "https://ghe.example.org/api/uploads/repos/a/b/releases/1/assets", True),
    ("https://ghe.example.org/api/v3", "https://uploads.github.com/x", False),
    ("https://ghe.example.org/api/v3", "/x", False),
])
def test_the_token_goes_with_files_only_to_where_the_forge_takes_them(base: str, url: str, fits: bool) -> None:
    assert _takes_files(base, url) is fits


def test_an_upload_that_leads_to_another_server_is_not_sent() -> None:
    release = {"id": 1, "tag_name": "v1", "upload_url": "https://evil.example.org/x{?name}", "html_url": "h"}
    with serving(Canned(body=release), Canned(body=[])) as script, pytest.raises(Fault, match="another server"):
        github(script.url).releases.attach(REPO, "v1", "a.txt", FILE)


def test_neither_a_draft_nor_a_prerelease_is_called_the_latest(board: GitHubBoard) -> None:
    for tag, kind in (("v1", {"draft": True}), ("v2", {"prerelease": True})):
        board.tag(tag, board.tip("main"))
        board.forge.releases.ensure(board.repo, replace(WISH, tag=tag, **kind))
        assert isinstance(board.forge.releases.set_latest(board.repo, tag, latest=True), Refused)
    assert board.latest() == ""


def test_facts_of_many_pulls_are_asked_for_in_batches_and_bots_are_called_as_elsewhere() -> None:
    def told(number: int) -> dict[str, Any]:
        author = {"__typename": "Bot", "login": "dependabot", "databaseId": 5}
        return {
            "number": number, "title": "T", "body": None, "url": "u", "merged": True, "milestone": {"title": "2.7.1"},
            "authorAssociation": "NONE", "labels": {"nodes": []}, "author": author if number > 1 else None,
        }

    pages = [range(1, BATCH + 1), range(BATCH + 1, BATCH + 3)]
    answers = [Canned(body={"data": {"repository": {f"p{n}": told(n) for n in page}}}) for page in pages]
    with serving(*answers) as script:
        found = github(script.url).facts(REPO, tuple(range(1, BATCH + 3)))
    assert len(found) == BATCH + 2
    assert (found[1].author.id, found[2].author.login, found[2].author.is_bot) == (0, "dependabot[bot]", True)
    assert (found[2].milestone, found[2].merged) == ("2.7.1", True)


@pytest.mark.parametrize(("answer", "passing", "words"), [
    ({"data": None, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}, True, "rate limit"),
    ({"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "message": "no such"}]}, False, "did not tell"),
    ({"data": {"repository": {"p1": None}}, "errors": [{"type": "FORBIDDEN", "message": "SAML"}]}, False, "SAML"),
    ({"data": None}, False, "did not tell"),
    ({"data": {"repository": {"p1": {"number": "x"}}}}, False, "not shaped"),
])
def test_an_answer_that_says_200_and_means_no_is_a_fault(answer: object, passing: bool, words: str) -> None:
    with serving(Canned(body=answer)) as script, pytest.raises(Fault, match=words) as told:
        github(script.url).facts(REPO, (1,))
    assert told.value.passing is passing
