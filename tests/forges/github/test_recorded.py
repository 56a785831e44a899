"""All that api.github.com was recorded to say, told to the adapter over HTTP: values, refusals, redirects, pages.

What the adapter makes of single answers in all their fields is in `test_reading`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from github.Repository import Repository

from bot.core.actions import DressPull, EnsureComment, EnsurePull, Missing, PullReady, Refused
from bot.core.model import CheckReport, NewCommit, Person, Pull, Repo, Role, Secret
from bot.core.setup import HookWish, LabelWish, Visit
from bot.forges.github import AppKey, GitHub
from bot.forges.github.connection import Connection
from bot.forges.github.settings import RepositorySettings
from bot.forges.github.wire import Wire
from bot.forges.pacing import Manners
from bot.forges.wire_fault import WireFault
from tests import recorded as records
from tests.forges.canned import Canned, Script, serving
from tests.forges.clocks import Standstill
from tests.forges.github.installed import key_pair
from tests.sessions import Recorded

REPO = Repo("github", 1, "o/r", "main")
ADA = Person(7, "ada")
SHA = "1" * 40
REPORT = CheckReport("relbot", "success", "All lines", "summary")
AT_ONCE = Manners(waits=(), pace=None)
EVERYTHING = (*records.exchanges(), *records.exchanges_of_sessions())
REPO_PATH = "/repos/[^/]+/[^/]+"


def connection(script: Script) -> Connection:
    return Connection(script.url, Secret("t0ken"), AT_ONCE)


def connect(script: Script) -> GitHub:
    return GitHub(script.url, Secret("t0ken"), manners=AT_ONCE)


def settings(script: Script) -> RepositorySettings:
    return RepositorySettings(connection(script))


def tell(wire: Wire, recorded: Recorded) -> Any:
    """Ask what was asked when it was recorded."""
    body = None if recorded.method == "GET" else recorded.request
    return wire.requestJsonAndCheck(recorded.method, recorded.path, input=body)[1]


def as_account(account: dict[str, Any]) -> Canned:
    """The answer to who the bot is."""
    return Canned(200, account)


# ── what went well ───────────────────────────────────────────────────────────────────────────────────────────────────

RAW = "application/vnd.github.v3.raw; charset=utf-8"
"""The bytes of a file, which the adapter never asks for."""


def test_every_recorded_answer_comes_through_as_it_was() -> None:
    told = [one for one in records.exchanges() if one.status < 300 and one.headers.get("content-type") != RAW]
    with serving() as script:
        wire = connection(script).wire(REPO)
        for one in told:
            script.answers.append(records.replay(one, script.url))
            assert tell(wire, one) == json.loads(records.replay(one, script.url).payload() or b"null"), one.path
        assert len(script.asked) == len(told) > 100


def test_every_recorded_pull_is_read_as_it_was() -> None:
    with serving() as script:
        for one in records.answers("GET", f"{REPO_PATH}/pulls/\\d+", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            read, said = connect(script).pull(REPO, one.answer["number"]), one.answer
            assert isinstance(read, Pull)
            assert (read.number, read.title, read.body) == (said["number"], said["title"], said["body"] or "")
            assert (read.is_open, read.merged) == (said["state"] == "open", said["merged"])
            assert read.merged_as == (said["merge_commit_sha"] if said["merged"] else None)
            assert (read.base, read.base_sha) == (said["base"]["ref"], said["base"]["sha"])
            assert (read.head, read.head_sha) == (said["head"]["ref"], said["head"]["sha"])
            assert read.labels == tuple(label["name"] for label in said["labels"])
        assert len(script.asked) > 100


def test_a_recorded_pull_is_found_in_every_recorded_list() -> None:
    pages = [one for one in records.answers("GET", f"({REPO_PATH}|/repositories/\\d+)/pulls", EVERYTHING) if one.answer]
    with serving() as script:
        for page in pages:
            wanted = next(one for one in page.answer if one["head"]["repo"])
            source = wanted["head"]["repo"]
            # The links lead to further pages, which are other recordings.
            script.answers.append(Canned(200, records.replay(page, script.url).payload()))
            found = connect(script).find_pulls(
                Repo("github", source["id"], source["full_name"], ""), wanted["head"]["ref"], wanted["base"]["ref"]
            )
            assert wanted["number"] in {pull.number for pull in found}
        assert len(script.asked) == len(pages) > 20


def test_every_recorded_opening_of_a_pull_is_read_from_its_answer_alone() -> None:
    with serving() as script:
        for one in records.answers("POST", f"{REPO_PATH}/pulls", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            ready = connect(script).ensure_pull(EnsurePull(REPO, "head", "base", "t", "b"))
            assert isinstance(ready, PullReady)
            assert (ready.opened, ready.pull.number, ready.pull.merged) == (True, one.answer["number"], False)
            assert ready.pull.url == one.answer["html_url"]


def test_every_recorded_comment_is_found_written_and_edited() -> None:
    wish = EnsureComment(REPO, 9, "<!-- marker -->", "text")
    with serving() as script:
        for one in records.answers("GET", f"{REPO_PATH}/issues/\\d+/comments", EVERYTHING):
            for comment in one.answer:
                script.answers += [as_account(comment["user"]), Canned(200, records.replay(one, script.url).payload())]
                found = connect(script).find_comment(REPO, 9, comment["body"])
                assert found is not None
                assert found.author.login == comment["user"]["login"]
        for one in records.answers("POST", f"{REPO_PATH}/issues/\\d+/comments", EVERYTHING):
            script.answers += [as_account(one.answer["user"]), Canned(200, []), records.replay(one, script.url)]
            written = connect(script).ensure_comment(wish)
            assert (written.id, written.body) == (one.answer["id"], one.answer["body"])
        for one in records.answers("PATCH", f"{REPO_PATH}/issues/comments/\\d+", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            edited = connect(script).ensure_comment(EnsureComment(REPO, 9, "m", "b", existing=one.answer["id"]))
            assert (edited.id, edited.body) == (one.answer["id"], one.answer["body"])


def test_every_recorded_role_and_account_is_read() -> None:
    with serving() as script:
        for one in records.answers("GET", f"{REPO_PATH}/collaborators/[^/]+/permission", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            person = Person(one.answer["user"]["id"], one.answer["user"]["login"])
            assert connect(script).role_of(REPO, person) is Role[one.answer["permission"].upper()]
        for one in records.answers("GET", "/user", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            me = connect(script).me()
            assert (me.id, me.login, me.is_bot) == (one.answer["id"], one.answer["login"], one.answer["type"] == "Bot")


def test_recorded_answers_to_labels_reactions_and_decorations_are_taken_for_done() -> None:
    done: dict[str, tuple[str, Callable[[GitHub], None]]] = {
        "issues/\\d+/labels": ("POST", lambda github: github.set_labels(REPO, 9, ("a",), ())),
        "issues/\\d+/labels/.+": ("DELETE", lambda github: github.set_labels(REPO, 9, (), ("a",))),
        "issues/comments/\\d+/reactions": ("POST", lambda github: github.react(REPO, 9, 5, "rocket")),
        "issues/\\d+": ("PATCH", lambda github: github.dress_pull(DressPull(REPO, 9, (), (), 3))),
    }
    with serving() as script:
        for path, (method, act) in done.items():
            found = records.answers(method, f"{REPO_PATH}/{path}", EVERYTHING)
            assert found, path
            for one in found:
                before = len(script.asked)
                script.answers.append(records.replay(one, script.url))
                act(connect(script))
                assert [asked.method for asked in script.asked[before:]] == [method]


def test_the_recorded_history_of_a_pull_has_no_labels_to_answer_for() -> None:
    (one,) = records.answers("GET", f"{REPO_PATH}/issues/\\d+/events", EVERYTHING)
    with serving() as script:
        script.answers.append(records.replay(one, script.url))
        assert connect(script).labellings(REPO, 9) == {}


def test_a_report_is_made_beside_the_recorded_check_runs_of_others() -> None:
    (made, *_) = records.answers("POST", f"{REPO_PATH}/check-runs", EVERYTHING)
    with serving() as script:
        for one in records.answers("GET", f"{REPO_PATH}/commits/[^/]+/check-runs", EVERYTHING):
            before = len(script.asked)
            script.answers += [Canned(200, records.replay(one, script.url).payload()), records.replay(made, script.url)]
            connect(script).report_on(REPO, SHA, REPORT)
            assert [asked.method for asked in script.asked[before:]] == ["GET", "POST"]


def test_what_a_recorded_status_says_already_is_not_said_again_and_all_else_is() -> None:
    (combined, *_) = records.answers("GET", f"{REPO_PATH}/commits/[^/]+/status")
    (made, *_) = records.answers("POST", f"{REPO_PATH}/statuses/[^/]+")
    status = combined.answer["statuses"][0]
    known = CheckReport(status["context"], "failure", status["description"], "", status["target_url"])
    no_app = Canned(403, {"message": "You must authenticate via a GitHub App."})
    with serving() as script:
        script.answers += [no_app, records.replay(combined, script.url)]
        connect(script).report_on(REPO, SHA, known)
        script.answers += [no_app, records.replay(combined, script.url), records.replay(made, script.url)]
        connect(script).report_on(REPO, SHA, REPORT)
        assert [asked.method for asked in script.asked] == ["GET", "GET", "GET", "GET", "POST"]


def test_every_recorded_repository_is_visited_and_its_labels_are_read_and_made() -> None:
    with serving() as script:
        for one in records.answers("GET", REPO_PATH, EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            visit = settings(script).visit("any/name")
            assert isinstance(visit, Visit)
            assert (visit.repo.id, visit.repo.path) == (one.answer["id"], one.answer["full_name"])
            assert visit.repo.default_branch == one.answer["default_branch"]
        for one in records.answers("GET", f"{REPO_PATH}/labels", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            assert settings(script).labels(REPO) == tuple(label["name"] for label in one.answer)
        for one in records.answers("POST", f"{REPO_PATH}/labels", EVERYTHING):
            script.answers.append(records.replay(one, script.url))
            assert settings(script).ensure_label(REPO, LabelWish("a", "663399", "")) is True


def test_the_recorded_tokens_of_an_app_open_the_repository_they_were_made_for() -> None:
    (installed, *_) = records.answers("GET", f"{REPO_PATH}/installation")
    tokens = records.answers("POST", "/app/installations/\\d+/access_tokens", EVERYTHING)
    # One of each shape: signing the proofs takes its time.
    for one in {tuple(one.answer): one for one in tokens}.values():
        clock = Standstill(datetime.fromisoformat(one.answer["expires_at"]).timestamp() - 3600)
        with serving() as script:
            script.answers += [records.replay(installed, script.url), records.replay(one, script.url)]
            key = AppKey("1", Secret(key_pair()[0]))
            github = GitHub(script.url, key, manners=Manners(waits=(), pace=None, clock=clock.clock))
            assert github.clone_access(REPO).password.reveal() == one.answer["token"]
            asked = script.asked[1].body
        assert isinstance(asked, dict)
        assert asked["permissions"].keys() <= installed.answer["permissions"].keys()


# ── what was refused ─────────────────────────────────────────────────────────────────────────────────────────────────

REFUSALS = [one for one in records.refusals() if one.status != 301]
TOLD = [one for one in REFUSALS if "already" not in json.dumps(one.answer)]
"""Without those that say that a repository or a file is there already: no verb of ours asks for one."""

Act = Callable[[GitHub, RepositorySettings], object]
COMMITS = (NewCommit("m", SHA, ()),)
VERBS: dict[str, tuple[Act, dict[int, object]]] = {
    "pull": (lambda github, _: github.pull(REPO, 9), {404: Missing}),
    "find_pulls": (lambda github, _: github.find_pulls(REPO, "a", "b"), {}),
    "ensure_pull": (
        lambda github, _: github.ensure_pull(EnsurePull(REPO, "a", "b", "t", "b")),
        {403: Refused, 404: Refused, 422: Refused},
    ),
    "dress_pull": (lambda github, _: github.dress_pull(DressPull(REPO, 9, ("a",), ("ada",), 3)), {}),
    "labellings": (lambda github, _: github.labellings(REPO, 9), {}),
    "add a label": (lambda github, _: github.set_labels(REPO, 9, ("a",), ()), {}),
    "remove a label": (lambda github, _: github.set_labels(REPO, 9, (), ("a",)), {404: None}),
    "find_comment": (lambda github, _: github.find_comment(REPO, 9, "m"), {}),
    "edit a comment": (lambda github, _: github.ensure_comment(EnsureComment(REPO, 9, "m", "b", existing=5)), {}),
    "react": (lambda github, _: github.react(REPO, 9, 5, "rocket"), {}),
    "create_commits": (
        lambda github, _: github.create_commits(REPO, "b", SHA, COMMITS), {403: Refused, 404: Refused, 422: Refused}
    ),
    "report_on": (lambda github, _: github.report_on(REPO, SHA, REPORT), {}),
    "role_of": (lambda github, _: github.role_of(REPO, ADA), {404: Role.NONE}),
    "is_member": (
        lambda github, _: github.is_member(REPO, ADA, "o/t"), dict.fromkeys((302, 307, 401, 403, 404, 405, 422), False)
    ),
    "visit": (lambda _, settings: settings.visit("o/r"), {404: Missing}),
    "labels": (lambda _, settings: settings.labels(REPO), {}),
    "ensure_label": (
        lambda _, settings: settings.ensure_label(REPO, LabelWish("a", "663399", "")),
        {403: Refused, 404: Refused, 422: Refused},
    ),
    "find_hook": (
        lambda _, settings: settings.find_hook(REPO, "http://h"), {403: Refused, 404: Refused, 422: Refused}
    ),
    "ensure_hook": (
        lambda _, settings: settings.ensure_hook(REPO, HookWish("http://h", Secret("s"))),
        {403: Refused, 404: Refused, 422: Refused},
    ),
}
"""Every verb that asks GitHub, and what comes of a refusal by its status; all others are faults that will not pass."""


def words_of(recorded: Recorded) -> Iterable[str]:
    """What GitHub said, piece by piece."""
    said = recorded.answer or {}
    for error in said.get("errors", []):
        yield error.get("message") or f"{error['resource']} {error['field']} {error['code']}"
    yield said.get("message", "").rstrip(".")


@pytest.mark.parametrize("recorded", REFUSALS, ids=records.name_of)
def test_every_recorded_refusal_is_a_fault_in_githubs_own_words(recorded: Recorded) -> None:
    with serving() as script:
        script.answers += [records.replay(recorded, script.url)] * 2
        with pytest.raises(WireFault) as caught:
            tell(Connection(script.url, Secret("t0ken"), Manners(waits=(0.01,), pace=None)).wire(REPO), recorded)
        assert len(script.asked) == 1
    fault = caught.value
    assert (fault.status, fault.passing, fault.in_doubt) == (recorded.status, False, False)
    assert f"{recorded.status} to {recorded.method} {recorded.path.partition('?')[0]}" in str(fault)
    for words in words_of(recorded):
        assert words in fault.said


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_every_recorded_refusal_for_what_it_is(verb: str) -> None:
    with serving() as script:
        for recorded in TOLD:
            script.answers[:] = [as_account({"id": 5, "login": "relbot", "type": "User"})]
            github = connect(script)
            github.me()
            script.answers += [records.replay(recorded, script.url)] * 9
            judge(recorded, VERBS[verb][1], lambda github=github: VERBS[verb][0](github, settings(script)))


def judge(recorded: Recorded, outcomes: dict[int, object], act: Callable[[], object]) -> None:
    """Whether the outcome is the one for the status of the refusal, and tells what GitHub said where it tells why."""
    name = records.name_of(recorded)
    if recorded.status not in outcomes:
        with pytest.raises(WireFault) as caught:
            act()
        assert (caught.value.passing, caught.value.status) == (False, recorded.status), name
        assert all(words in str(caught.value) for words in words_of(recorded)), name
        return
    outcome, wanted = act(), outcomes[recorded.status]
    assert outcome == wanted or type(outcome) is wanted, name
    if isinstance(outcome, Refused):
        assert all(words in outcome.reason for words in words_of(recorded)), name
        assert outcome.next_step, name


# ── renamed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MOVED = {one.path: one for one in records.exchanges() if one.status == 301}
REFUSED_TO_MOVE = next(one for one in records.scenario("rename-repository") if one.status == 307)


@pytest.mark.parametrize("moved", MOVED.values(), ids=records.name_of)
def test_a_renamed_repository_is_read_where_github_says_it_is_with_the_same_token(moved: Recorded) -> None:
    (there, *_) = records.answers("GET", urlsplit(moved.answer["url"]).path)
    with serving() as script:
        script.answers += [records.replay(one, script.url) for one in (moved, there)]
        visit = settings(script).visit(moved.path.removeprefix("/repos/"))
        assert script.paths == [f"GET {moved.path}", f"GET {there.path}"]
        assert {asked.headers["Authorization"] for asked in script.asked} == {"token t0ken"}
    assert isinstance(visit, Visit)
    assert (visit.repo.id, visit.repo.path) == (there.answer["id"], there.answer["full_name"])


@pytest.mark.parametrize("moved", MOVED.values(), ids=records.name_of)
def test_a_redirect_to_another_host_is_not_followed_and_not_tried_again(moved: Recorded) -> None:
    """The recorded one leads to api.github.com, which the server of this test is not."""
    elsewhere = Canned(moved.status, moved.answer, tuple(moved.headers.items()))
    with serving(*[elsewhere] * 3) as script:
        wire = Connection(script.url, Secret("t0ken"), Manners(waits=(0.01,), pace=None)).wire(REPO)
        with pytest.raises(WireFault, match="to where I do not follow") as caught:
            tell(wire, moved)
        assert len(script.asked) == 1
    assert (caught.value.passing, caught.value.in_doubt) == (False, False)


WRITES = ("ensure_pull", "add a label", "remove a label", "edit a comment", "react", "ensure_label")


@pytest.mark.parametrize("verb", WRITES)
def test_a_write_to_a_renamed_repository_is_a_fault_and_goes_nowhere_else(verb: str) -> None:
    """PyGithub makes an empty object of it."""
    with serving() as script:
        script.answers += [records.replay(REFUSED_TO_MOVE, script.url)] * 2
        with pytest.raises(WireFault, match=r"Moved Permanently\. The repository was renamed or moved"):
            VERBS[verb][0](connect(script), settings(script))
        assert [asked.path.startswith("/repos/o/r/") for asked in script.asked] == [True]


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_five_recorded_pages_of_a_list_are_read_at_the_addresses_that_they_name() -> None:
    pages = records.scenario("paginate-issues")
    with serving() as script:
        script.answers += [records.replay(page, script.url) for page in pages]
        found = Repository(connection(script).wire(REPO), url="/repos/octokit-fixture-org/paginate-issues").get_issues()
        assert [issue.number for issue in found] == [one["number"] for page in pages for one in page.answer]
        # In whichever order the parameters come.
        asked = [urlsplit(path.removeprefix("GET ")) for path in script.paths]
        named = [urlsplit(page.path) for page in pages]
        assert [url.path for url in asked] == [url.path for url in named]
        assert [parse_qs(url.query) for url in asked[1:]] == [parse_qs(url.query) for url in named[1:]]
        assert {asked.headers["Authorization"] for asked in script.asked} == {"token t0ken"}
