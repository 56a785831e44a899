"""The GitHub adapter keeps the contract, on the sandbox forge; and what is GitHub's alone."""

from __future__ import annotations

import pytest

from bot.core.actions import DressPull, PullReady, Refused
from bot.core.model import CheckReport, Person, Repo, Role, Secret
from bot.forges import Forge
from bot.forges.github import GitHub
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault
from bot.sandbox import Fault, PullWish, Sandbox
from bot.sandbox.github.routes_apps import form_team
from bot.sandbox.issues import create_milestone
from bot.sandbox.state import CheckRun
from tests.forges.clocks import Hands
from tests.forges.contract import LOST, Bench, Busy, ForgeContract, Held, NotYet, Trouble, Verb
from tests.forges.github.installed import install, register

PATH = "ada/tensors"
TIMEOUT = 1
ROUTES: dict[Verb, tuple[str, str]] = {
    "read pull": ("GET", r"/pulls/\d+$"),
    "open pull": ("POST", r"/pulls$"),
    "write comment": ("POST", r"/issues/\d+/comments$"),
    "edit comment": ("PATCH", r"/issues/comments/\d+$"),
    "add labels": ("POST", r"/issues/\d+/labels$"),
    "read role": ("GET", r"/permission$"),
    "react": ("POST", r"/reactions$"),
    "report": ("POST", r"/(statuses/[0-9a-f]+|check-runs)$"),
}


def fault_of(trouble: Trouble | Busy | NotYet, method: str, path: str, times: int) -> Fault:
    busy = {"message": "You have exceeded a secondary rate limit."}
    match trouble:
        case "not found yet":
            return Fault(path, method, 404, times=times, body={"message": "Not Found"})
        case "refused":
            return Fault(path, method, 502, times=times)
        case "acted, then refused":
            return Fault(path, method, 502, times=times, after=True)
        case "hung up":
            return Fault(path, method, drop=True, times=times)
        case "acted, then hung up":
            return Fault(path, method, drop=True, times=times, after=True)
        case "acted, then half an answer":
            return Fault(path, method, 201, times=times, after=True, body='{"id": 7, "num')
        case "slow":
            return Fault(path, method, delay=TIMEOUT + 0.3, times=times)
        case "403 and when to come back":
            return Fault(path, method, 403, times=times, body=busy, headers={"Retry-After": "60"})
        case "429 and when to come back":
            return Fault(path, method, 429, times=times, body=busy, headers={"Retry-After": "60"})
        case "429 and nothing else":
            return Fault(path, method, 429, times=times, body={"message": "odd"})


class GitHubBench(Bench):
    """The sandbox forge, its people played by its own stage."""

    forge: Forge

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.path = PATH
        repository = sandbox.create_repository(PATH)
        sandbox.commit(PATH, "main", {"loader.py": "x = 1\n"}, "start", "ada")
        sandbox.branch(PATH, "release/2.7", "main", "ada")
        self.repo = Repo("github", repository.id, PATH, "main")
        self.hands = Hands()
        sandbox.forge.clock = self.hands.clock.today
        self.manners = Manners(TIMEOUT, (0.05, 0.15, 0.4), pace=None, clock=self.hands.clock)
        self.forge = self.connect()
        self.branch("backport/2.7/1")

    def connect(self) -> GitHub:
        self.token = Secret(self.sandbox.add_user("relbot", bot=True))
        self.sandbox.grant(PATH, "relbot", "write")
        return GitHub(self.sandbox.url, self.token, manners=self.manners)

    def branch(self, name: str, *, ahead: bool = True) -> None:
        self.sandbox.branch(PATH, name, "release/2.7", "relbot")
        if ahead:
            self.sandbox.commit(PATH, name, {"loader.py": f"x = {name!r}\n"}, f"change {name}", "relbot")

    def pull(self, head: str, base: str, *, by: str = "ada") -> int:
        return self.sandbox.open_pull(PATH, PullWish("by hand", head, base), by)

    def fork_pull(self, head: str, base: str, *, by: str) -> int:
        fork = self.sandbox.fork(PATH, by)
        if self.sandbox.git(fork).branch(head) is None:
            self.sandbox.branch(fork, head, base, by)
        self.sandbox.commit(fork, head, {"mallory.txt": "hi\n"}, "from a fork", by)
        return self.sandbox.open_pull(PATH, PullWish("from a fork", f"{by}:{head}", base), by)

    def delete_fork(self, by: str) -> None:
        self.sandbox.delete_repository(f"{by}/tensors")

    def merge(self, number: int, *, by: str) -> str:
        return self.sandbox.merge_pull(PATH, number, by=by)

    def close(self, number: int, *, by: str) -> None:
        self.sandbox.close_pull(PATH, number, by=by)

    def label(self, number: int, name: str, *, by: str) -> None:
        self.sandbox.label(PATH, number, name, by=by)

    def unlabel(self, number: int, name: str, *, by: str) -> None:
        self.sandbox.unlabel(PATH, number, name, by=by)

    def comment(self, number: int, body: str, *, by: str) -> int:
        return self.sandbox.comment(PATH, number, body, by=by).id

    def delete_comment(self, number: int, comment: int) -> None:
        issue = self.sandbox.issue(PATH, number)
        issue.comments = [one for one in issue.comments if one.id != comment]

    def milestone(self, title: str) -> int:
        return create_milestone(self.sandbox.forge, self.sandbox.find(PATH), title, "ada").number

    def grant(self, login: str, role: Role) -> None:
        self.sandbox.grant(PATH, login, role.name.lower())

    def person(self, login: str) -> Person:
        self.sandbox.add_user(login)
        user = self.sandbox.forge.user(login)
        return Person(user.id, user.login, is_bot=user.kind == "Bot")

    def move(self) -> None:
        self.path = "ada/matrices"
        self.sandbox.rename_repository(PATH, self.path)

    def fail(self, verb: Verb, trouble: Trouble | Busy | NotYet, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))

    def not_yet(self, times: int) -> None:
        error = {"resource": "PullRequest", "code": "custom", "message": "No commits between release/2.7 and it"}
        body = {"message": "Validation Failed", "errors": [error]}
        self.sandbox.fail(Fault(r"/pulls$", "POST", 422, times=times, body=body))

    def forward(self, seconds: float) -> None:
        self.hands.forward(seconds)

    def held(self) -> list[Held]:
        issues = self.sandbox.find(self.path).issues.values()
        return [
            Held(
                issue.number, issue.pull.head_ref, issue.pull.base_ref, issue.title, issue.body or "", issue.pull.draft,
                tuple(issue.labels), tuple(issue.assignees), issue.milestone,
            )
            for issue in issues
            if issue.pull
        ]  # fmt: skip

    def comments(self, number: int) -> list[tuple[str, str]]:
        return [(comment.user, comment.body) for comment in self.sandbox.issue(PATH, number).comments]

    def reactions(self, number: int) -> list[tuple[str, str]]:
        comments = self.sandbox.issue(PATH, number).comments
        return [(reaction.user, reaction.content) for comment in comments for reaction in comment.reactions]

    def tip(self, branch: str) -> str:
        return self.sandbox.git(PATH).branch(branch) or ""

    def reports(self, sha: str) -> list[tuple[str, str, str]]:
        said = self.sandbox.find(PATH).statuses
        return [(one.name, one.state, one.description or "") for one in said if one.sha == sha]

    def team(self, name: str, *logins: str) -> str:
        form_team(self.sandbox.forge, f"acme/{name}", **dict.fromkeys(logins, "member"))
        return f"acme/{name}"

    def asked(self) -> list[str]:
        return [f"{entry.method} {entry.operation}" for entry in self.sandbox.requests if entry.kind == "api"]


@pytest.fixture
def bench(sandbox: Sandbox) -> GitHubBench:
    return GitHubBench(sandbox)


class TestGitHub(ForgeContract):
    """The contract, on GitHub, with a token: it cannot write check runs, so statuses stand for them."""


class AppBench(GitHubBench):
    """The same forge, and the bot comes as a GitHub App."""

    login = "relbot[bot]"

    def connect(self) -> GitHub:
        app, key = register(self.sandbox)
        install(self.sandbox, app, PATH)
        forge = GitHub(self.sandbox.url, key, manners=self.manners)
        self.token = forge.clone_access(self.repo).password
        return forge

    def branch(self, name: str, *, ahead: bool = True) -> None:
        self.sandbox.branch(PATH, name, "release/2.7", self.login)
        if ahead:
            self.sandbox.commit(PATH, name, {"loader.py": f"x = {name!r}\n"}, f"change {name}", self.login)

    def reports(self, sha: str) -> list[tuple[str, str, str]]:
        runs = [run for run in self.sandbox.find(PATH).check_runs if run.sha == sha]
        return [(run.name, run.conclusion or "pending", run.title or "") for run in runs]


@pytest.mark.slow
class TestGitHubApp(ForgeContract):
    """The contract once more, for a GitHub App."""

    @pytest.fixture
    def bench(self, sandbox: Sandbox) -> AppBench:
        return AppBench(sandbox)


@pytest.mark.parametrize("kind", [GitHubBench, AppBench])
@pytest.mark.parametrize("lost", LOST)
def test_a_report_whose_answer_was_lost_is_looked_for_and_found(
    sandbox: Sandbox, kind: type[GitHubBench], lost: Trouble
) -> None:
    bench = kind(sandbox)
    report, sha = CheckReport("x", "success", "Picked", "Why."), bench.tip("main")
    bench.forge.report_on(bench.repo, bench.tip("backport/2.7/1"), report)
    before = bench.writes()
    bench.fail("report", lost)
    bench.forge.report_on(bench.repo, sha, report)
    assert bench.writes() == before + 1


def test_where_check_runs_were_refused_they_are_not_tried_again(bench: GitHubBench) -> None:
    report = CheckReport("x", "success", "Picked", "Why.")
    for branch in ("main", "backport/2.7/1"):
        bench.forge.report_on(bench.repo, bench.tip(branch), report)
    assert sum("check-runs" in asked for asked in bench.asked()) == 2, "one look and one attempt"


def test_an_app_without_the_right_to_write_check_runs_writes_statuses(sandbox: Sandbox) -> None:
    bench = AppBench(sandbox)
    (installation,) = sandbox.forge.world.installations.values()
    del installation.rights["checks"]
    report = CheckReport("relbot", "failure", "It conflicts", "Why.", "https://example.org/7")
    bench.forge.report_on(bench.repo, bench.tip("main"), report)
    (status,) = sandbox.find(PATH).statuses
    assert (status.name, status.state, status.description) == ("relbot", "failure", "It conflicts")
    assert (status.user, status.target_url) == ("relbot[bot]", "https://example.org/7")


def test_a_check_run_of_the_same_name_by_another_app_is_left_alone(sandbox: Sandbox) -> None:
    bench = AppBench(sandbox)
    sha = bench.tip("main")
    theirs = CheckRun(1, register(sandbox, "other")[0].id, sha, "relbot", 0, "completed", "success", title="Mine")
    sandbox.find(PATH).check_runs.append(theirs)
    bench.forge.report_on(bench.repo, sha, CheckReport("relbot", "failure", "It conflicts", "Why."))
    assert bench.reports(sha) == [("relbot", "success", "Mine"), ("relbot", "failure", "It conflicts")]


@pytest.mark.parametrize(("assignees", "cost"), [((), 9), (("ada",), 10)])
def test_one_backport_costs_nine_requests_with_all_look_ups_and_one_more_for_assignees(
    bench: GitHubBench, assignees: tuple[str, ...], cost: int
) -> None:
    original = bench.pull("backport/2.7/1", "main")
    bench.label(original, "backport/2.7", by="ada")
    bench.forge.me()
    before = bench.forge.calls

    bench.forge.pull(bench.repo, original)
    bench.forge.labellings(bench.repo, original)
    bench.forge.role_of(bench.repo, bench.person("ada"))
    bench.forge.find_pulls(bench.repo, "backport/2.7/1", "release/2.7")
    ready = bench.forge.ensure_pull(bench.wish())
    assert isinstance(ready, PullReady)
    bench.forge.dress_pull(DressPull(bench.repo, ready.pull.number, ("a", "b"), assignees, None))
    bench.forge.set_labels(bench.repo, original, ("backport-open/2.7",), ())
    bench.forge.ensure_comment(bench.status(original, "done"))

    assert bench.forge.calls - before == cost
    assert sum(not asked.startswith("GET ") for asked in bench.asked()) == 4 + len(assignees)


@pytest.mark.parametrize(
    "said",
    [
        "No commits between release/2.7 and backport/2.7/1",
        "Base does not exist",
        "Head sha can't be blank",
        "Head ref must be a branch",
        "A pull request already exists for ada:backport/2.7/1.",
    ],
)
def test_what_github_says_while_it_has_not_digested_a_push_is_never_an_answer(bench: GitHubBench, said: str) -> None:
    error = {"resource": "PullRequest", "code": "custom", "message": said}
    body = {"message": "Validation Failed", "errors": [error]}
    bench.sandbox.fail(Fault(r"/pulls$", "POST", 422, times=4, body=body))
    with pytest.raises(WireFault, match=said.removesuffix(".")) as caught:
        bench.forge.ensure_pull(bench.wish())
    assert caught.value.passing
    assert isinstance(bench.forge.ensure_pull(bench.wish()), PullReady)


def test_a_pull_that_github_refuses_for_what_it_is_is_refused_in_its_words(bench: GitHubBench) -> None:
    body = {"message": "Validation Failed", "errors": [{"message": "body is too long"}]}
    bench.sandbox.fail(Fault(r"/pulls$", "POST", 422, body=body))
    refused = bench.forge.ensure_pull(bench.wish())
    assert isinstance(refused, Refused)
    assert refused.reason.endswith("onto release/2.7: Validation Failed; body is too long.")
    assert refused.next_step.startswith("Open the pull by hand")


def test_a_role_is_not_found_only_of_an_account_that_is_gone(bench: GitHubBench) -> None:
    bench.fail("read role", "not found yet")
    with pytest.raises(WireFault) as caught:
        bench.forge.role_of(bench.repo, bench.person("ada"))
    assert caught.value.passing
    assert bench.forge.role_of(bench.repo, bench.person("ada")) > Role.READ


def test_the_name_of_a_team_may_be_written_in_capitals(bench: GitHubBench) -> None:
    team = bench.team("release", "ada")
    assert team == "acme/release"
    assert bench.forge.is_member(bench.repo, bench.person("ada"), "@Acme/Release")


def test_whether_an_account_is_a_bot_costs_no_question(bench: GitHubBench) -> None:
    for person in (Person(7, "ada"), Person(8, "robot[bot]", is_bot=True)):
        assert bench.forge.identify(person) == person
    assert bench.asked() == []


def test_a_write_to_a_renamed_repository_is_a_fault_and_not_a_pull_without_a_number(bench: GitHubBench) -> None:
    bench.move()
    with pytest.raises(WireFault, match="renamed or moved"):
        bench.forge.ensure_pull(bench.wish())
    with pytest.raises(WireFault, match="renamed or moved"):
        bench.forge.set_labels(bench.repo, 1, ("x",), ())
    assert bench.held() == []


def test_the_address_of_git_is_beside_that_of_the_sandboxs_api(bench: GitHubBench) -> None:
    assert bench.forge.clone_access(bench.repo).url == bench.sandbox.clone_url(PATH)


def test_a_server_of_ones_own_has_its_api_under_a_path(bench: GitHubBench) -> None:
    own = GitHub(f"{bench.sandbox.url}/api/v3/", bench.token)
    number = bench.pull("backport/2.7/1", "release/2.7")
    assert own.pull(bench.repo, number) == bench.forge.pull(bench.repo, number)
    assert len(own.find_pulls(bench.repo, "backport/2.7/1", "release/2.7")) == 1
    assert own.me() == bench.forge.me()
    assert own.clone_access(bench.repo) == bench.forge.clone_access(bench.repo)
