"""The GitLab adapter keeps the contract, on the sandbox forge; and what is GitLab's alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest

from bot.core.actions import DressPull, PullReady
from bot.core.events import (
    CommentEdited,
    CommentPosted,
    Delivery,
    Event,
    Ignored,
    PullClosed,
    PullLabelled,
    PushedTo,
)
from bot.core.model import Person, Pull, Repo, Role, Secret
from bot.forges import Forge
from bot.forges.gitlab import GitLab
from bot.forges.gitlab_hooks import parse
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault
from bot.sandbox import Fault, PullWish, Sandbox
from bot.sandbox.issues import create_milestone
from tests.forges.canned import Canned, serving
from tests.forges.clocks import Hands
from tests.forges.contract import MARKER, Bench, Busy, ForgeContract, Held, NotYet, Trouble, Verb

PATH = "ada/lab/tensors"
TIMEOUT = 1
ROUTES: dict[Verb, tuple[str, str]] = {
    "read pull": ("GET", r"/merge_requests/\d+$"),
    "open pull": ("POST", r"/merge_requests$"),
    "write comment": ("POST", r"/notes$"),
    "edit comment": ("PUT", r"/notes/\d+$"),
    "add labels": ("PUT", r"/merge_requests/\d+$"),
    "read role": ("GET", r"/members/all/\d+$"),
    "react": ("POST", r"/award_emoji$"),
    "report": ("POST", r"/statuses/[0-9a-f]+$"),
}


def fault_of(trouble: Trouble | Busy | NotYet, method: str, path: str, times: int) -> Fault:
    busy = {"message": "This endpoint has been requested too many times. Try again later."}
    match trouble:
        case "not found yet":
            return Fault(path, method, 404, times=times, body={"message": "404 Not found"})
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
            return Fault(path, method, 429, times=times, body=busy)


class GitLabBench(Bench):
    """The sandbox forge with GitLab's face and a project in a subgroup, its people played by its own stage."""

    forge: Forge

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.path = PATH
        repository = sandbox.create_repository(PATH)
        sandbox.commit(PATH, "main", {"loader.py": "x = 1\n"}, "start", "ada")
        sandbox.grant(PATH, "ada", "maintain")
        sandbox.branch(PATH, "release/2.7", "main", "ada")
        self.token = Secret(sandbox.add_user("relbot", bot=True))
        sandbox.grant(PATH, "relbot", "write")
        self.repo = Repo("gitlab", repository.id, PATH, "main")
        self.hands = Hands()
        manners = Manners(TIMEOUT, (0.05, 0.15, 0.4), pace=None, clock=self.hands.clock)
        self.forge = GitLab(sandbox.url, self.token, manners=manners)
        self.branch("backport/2.7/1")

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
        return create_milestone(self.sandbox.forge, self.sandbox.find(PATH), title, "ada").id

    def grant(self, login: str, role: Role) -> None:
        self.sandbox.grant(PATH, login, role.name.lower())

    def person(self, login: str) -> Person:
        self.sandbox.add_user(login)
        user = self.sandbox.forge.user(login)
        return Person(user.id, user.login, is_bot=user.kind == "Bot")

    def move(self) -> None:
        self.path = "ada/lab/matrices"
        self.sandbox.rename_repository(PATH, self.path)

    def fail(self, verb: Verb, trouble: Trouble | Busy | NotYet, times: int = 1) -> None:
        self.sandbox.fail(fault_of(trouble, *ROUTES[verb], times))

    def not_yet(self, times: int) -> None:
        body = {"message": {"source_branch": ["does not exist"]}}
        self.sandbox.fail(Fault(r"/merge_requests$", "POST", 400, times=times, body=body))

    def forward(self, seconds: float) -> None:
        self.hands.forward(seconds)

    def held(self) -> list[Held]:
        project = self.sandbox.find(self.path)
        return [
            Held(
                issue.number, issue.pull.head_ref, issue.pull.base_ref, issue.title.removeprefix("Draft: "),
                issue.body or "", issue.title.startswith("Draft: "), tuple(issue.labels), tuple(issue.assignees),
                None if issue.milestone is None else project.milestones[issue.milestone].id,
            )
            for issue in project.issues.values()
            if issue.pull
        ]  # fmt: skip

    def comments(self, number: int) -> list[tuple[str, str]]:
        notes = self.sandbox.issue(PATH, number).comments
        return [(note.user, note.body) for note in notes if not note.system]

    def reactions(self, number: int) -> list[tuple[str, str]]:
        names = {"thumbsdown": "-1"}
        notes = self.sandbox.issue(PATH, number).comments
        return [(one.user, names.get(one.content, one.content)) for note in notes for one in note.reactions]

    def tip(self, branch: str) -> str:
        return self.sandbox.git(PATH).branch(branch) or ""

    def reports(self, sha: str) -> list[tuple[str, str, str]]:
        names = {"failed": "failure"}
        said = self.sandbox.find(PATH).statuses
        return [(one.name, names.get(one.state, one.state), one.description or "") for one in said if one.sha == sha]

    def team(self, name: str, *logins: str) -> str:
        for login in logins:
            self.sandbox.grant(f"acme/{name}", login, "write")
        return f"acme/{name}"

    def asked(self) -> list[str]:
        return [entry.operation for entry in self.sandbox.requests if entry.kind == "api"]


@pytest.fixture
def bench(gitlab_sandbox: Sandbox) -> GitLabBench:
    return GitLabBench(gitlab_sandbox)


class TestGitLab(ForgeContract):
    """The contract, on GitLab."""


PROJECT = "/projects/{id}"
FEWEST = [
    f"GET {PROJECT}/merge_requests/{{merge_request_iid}}",
    f"GET {PROJECT}/merge_requests/{{merge_request_iid}}/resource_label_events",
    f"GET {PROJECT}/members/all/{{user_id}}",
    f"GET {PROJECT}/merge_requests",
    f"POST {PROJECT}/merge_requests",
    "GET /users",
    f"PUT {PROJECT}/merge_requests/{{merge_request_iid}}",
    f"GET {PROJECT}/merge_requests/{{merge_request_iid}}/notes",
    f"POST {PROJECT}/merge_requests/{{merge_request_iid}}/notes",
]
"""What a backport takes on GitLab: labels, assignee and milestone could come with the opening, since it takes them."""


def test_one_backport_costs_ten_requests_where_gitlab_needs_nine(bench: GitLabBench) -> None:
    original = bench.pull("backport/2.7/1", "main")
    bench.label(original, "backport/2.7", by="ada")
    milestone = bench.milestone("2.7.1")
    bench.forge.me()
    bench.forge.labellings(bench.repo, original)  # whether ada is a bot is asked once and for all
    before = len(bench.asked())

    bench.forge.pull(bench.repo, original)
    bench.forge.labellings(bench.repo, original)
    bench.forge.role_of(bench.repo, bench.person("ada"))
    bench.forge.find_pulls(bench.repo, "backport/2.7/1", "release/2.7")
    ready = bench.forge.ensure_pull(bench.wish())
    assert isinstance(ready, PullReady)
    bench.forge.dress_pull(DressPull(bench.repo, ready.pull.number, ("a", "b"), ("ada",), milestone))
    bench.forge.set_labels(bench.repo, original, ("backport-open/2.7",), ())
    bench.forge.ensure_comment(bench.status(original, "done"))

    spent = bench.asked()[before:]
    dressing = f"PUT {PROJECT}/merge_requests/{{merge_request_iid}}"
    assert (len(spent), len(FEWEST)) == (10, 9)
    assert sorted(spent) == sorted([*FEWEST, dressing])


# ── what is GitLab's alone ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_renamed_project_is_written_to_as_before_since_its_id_stays(bench: GitLabBench) -> None:
    bench.move()
    ready = bench.forge.ensure_pull(bench.wish())
    assert isinstance(ready, PullReady)
    bench.forge.set_labels(bench.repo, ready.pull.number, ("x",), ())
    assert [held.labels for held in bench.held()] == [("x",)]


Style = Literal["merge", "squash"]


@pytest.mark.parametrize("squashed", ["merge", "squash"])
@pytest.mark.parametrize("method", ["merge", "rebase_merge", "ff"])
def test_every_way_to_merge_names_the_commit_that_the_branch_has_then(
    bench: GitLabBench, method: Literal["merge", "rebase_merge", "ff"], squashed: Style
) -> None:
    bench.sandbox.set_merge_method(PATH, method)
    bench.sandbox.commit(PATH, "backport/2.7/1", {"second.py": "y = 2\n"}, "second", "relbot")
    number = bench.pull("backport/2.7/1", "release/2.7")
    bench.sandbox.merge_pull(PATH, number, squashed, by="ada")
    pull = bench.forge.pull(bench.repo, number)
    assert isinstance(pull, Pull)
    assert (pull.merged, pull.merged_as) == (True, bench.tip("release/2.7"))
    assert pull.head_sha == bench.tip("backport/2.7/1")


def test_a_scoped_label_takes_the_place_of_its_kin(bench: GitLabBench) -> None:
    number = bench.pull("backport/2.7/1", "release/2.7")
    for label in ("priority::1", "priority::2"):
        bench.forge.set_labels(bench.repo, number, (label,), ())
    assert bench.held()[0].labels == ("priority::2",)
    assert set(bench.forge.labellings(bench.repo, number)) == {"priority::2"}


def test_a_member_through_a_group_has_its_role_and_a_bot_that_comes_as_a_person_has_none(bench: GitLabBench) -> None:
    bench.sandbox.grant("ada/lab", "grace", "write")
    assert bench.forge.role_of(bench.repo, bench.person("grace")) is Role.WRITE
    bot = bench.person("relbot")
    assert bench.forge.role_of(bench.repo, bot) is Role.WRITE
    assert bench.forge.role_of(bench.repo, replace(bot, is_bot=False)) is Role.NONE


def test_whether_an_account_is_a_bot_is_asked_once(bench: GitLabBench) -> None:
    bot, ada = bench.person("relbot"), bench.person("ada")
    before = len(bench.asked())
    for _ in range(3):
        assert bench.forge.identify(replace(bot, is_bot=False)) == bot
        assert bench.forge.identify(ada) == ada
    assert bench.asked()[before:] == ["GET /users/{user_id}"] * 2
    assert bench.forge.identify(Person(99_999_999, "hidden")).is_bot, "what cannot be seen may be one"


def test_a_merge_request_that_somebody_else_is_changing_is_a_fault_that_may_pass(bench: GitLabBench) -> None:
    number = bench.pull("backport/2.7/1", "release/2.7")
    bench.sandbox.fail(Fault(r"/merge_requests/\d+$", "PUT", 409, body={"message": "409 Conflict: Resource lock"}))
    with pytest.raises(WireFault) as caught:
        bench.forge.set_labels(bench.repo, number, ("x",), ())
    assert caught.value.passing


def test_a_comment_that_only_some_may_see_is_no_answer(bench: GitLabBench) -> None:
    number = bench.pull("backport/2.7/1", "release/2.7")
    bench.label(number, "x", by="relbot")
    bench.forge.ensure_comment(bench.status(number, "done"))
    assert bench.comments(number) == [("relbot", f"{MARKER}\ndone")]


def test_the_address_of_git_is_that_of_the_sandbox(bench: GitLabBench) -> None:
    assert bench.forge.clone_access(bench.repo).url == bench.sandbox.clone_url(PATH)


# ── webhooks, from the sandbox into the parser ───────────────────────────────────────────────────────────────────────

TOKEN, SIGNER = "swordfish", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def heard(bench: GitLabBench) -> list[tuple[str, Event | Ignored]]:
    """What the parser makes of everything that was sent, signed and with the secret token, in order."""
    answers = [
        parse(sent.headers, sent.body, [Secret(TOKEN)], int(time.time()), [Secret(SIGNER)])
        for sent in list(bench.sandbox.deliveries.all)
    ]
    assert all(isinstance(answer, Delivery) for answer in answers), answers
    return [(answer.id, answer.event) for answer in answers if isinstance(answer, Delivery)]


def events(bench: GitLabBench) -> list[Event]:
    return [event for _, event in heard(bench) if not isinstance(event, Ignored)]


@pytest.fixture
def ear() -> Iterator[str]:
    """Where webhooks are taken: a hook that nobody answers is soon given up."""
    with serving(*[Canned(200)] * 100) as script:
        yield script.url


def listen(bench: GitLabBench, ear: str, path: str = PATH) -> None:
    bench.sandbox.add_hook(path, ear, TOKEN).signing_token = SIGNER


def test_what_happens_on_the_sandbox_is_heard_as_it_is(bench: GitLabBench, ear: str) -> None:
    listen(bench, ear)
    number = bench.pull("backport/2.7/1", "release/2.7")
    bench.forge.set_labels(bench.repo, number, ("torch 2.7", "backport/2.7"), ())
    bench.comment(number, "/backport 2.7", by="ada")
    bench.merge(number, by="ada")
    before, relbot, ada = bench.tip("main"), replace(bench.person("relbot"), is_bot=False), bench.person("ada")
    bench.sandbox.commit(PATH, "main", {"x": "1"}, "more", "ada")
    found = events(bench)
    labelled = next(event for event in found if isinstance(event, PullLabelled))
    assert (labelled.repo, labelled.number, labelled.actor) == (bench.repo, number, relbot)
    assert sorted(labelled.labels) == ["backport/2.7", "torch 2.7"]
    said = next(event for event in found if isinstance(event, CommentPosted))
    assert (said.repo, said.number, said.actor, said.body) == (bench.repo, number, ada, "/backport 2.7")
    assert PullClosed(bench.repo, number, ada) in found
    assert PushedTo(bench.repo, "main", before, bench.tip("main"), ada) in found


def test_an_edit_of_the_bots_comment_is_heard_as_an_edit(bench: GitLabBench, ear: str) -> None:
    number = bench.pull("backport/2.7/1", "release/2.7")
    written = bench.forge.ensure_comment(bench.status(number, "working"))
    listen(bench, ear)
    bench.forge.ensure_comment(bench.status(number, "done", written.id))
    assert [type(event) for event in events(bench)] == [CommentEdited]


def test_the_hooks_of_a_project_and_of_its_group_tell_the_same_under_two_ids(bench: GitLabBench, ear: str) -> None:
    listen(bench, ear)
    listen(bench, ear, "ada/lab")
    number = bench.pull("backport/2.7/1", "release/2.7")
    bench.merge(number, by="ada")
    closed = [(known, event) for known, event in heard(bench) if isinstance(event, PullClosed)]
    assert len({known for known, _ in closed}) == 2
    assert closed[0][1] == closed[1][1] == PullClosed(bench.repo, number, bench.person("ada"))
