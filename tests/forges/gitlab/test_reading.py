"""Answers that gitlab.com has really given, and damaged ones, read through the adapter."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from bot.core.actions import DressPull, EnsureComment, EnsurePull, Labelling, Missing, PullReady, Reaction, Refused
from bot.core.errors import Fault, UserError
from bot.core.model import CheckReport, Comment, Person, Pull, Repo, Role, Secret
from bot.forges.gitlab import GitLab
from bot.forges.pacing import Manners
from tests.forges.canned import Canned, Script, serving

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "recorded" / "gitlab-rest.jsonl").read_text("utf-8").splitlines()
]
OGR = Repo("gitlab", 14233409, "packit-service/ogr-tests", "master")
HELLO = Repo("gitlab", 19258958, "packit-service/hello-world", "master")
LIST = "/api/v4/projects/14233409/merge_requests?state=all&order_by=updated_at&sort=desc"
KAPR = Person(23047056, "kapr200")
NIKROMEN = Person(9288169, "nikromen")
ADA = Person(7, "ada")
SHA = "11b37d913374b14f8519d16c2a2cca3ebc14ac64"


def recorded(method: str, path: str, status: int | None = None) -> Canned:
    found = next(
        one for one in RECORDED if (one["method"], one["path"]) == (method, path) and status in (None, one["status"])
    )
    return Canned(found["status"], copy.deepcopy(found["body"]))


def merge_requests() -> dict[int, Any]:
    """Each merge request of the recordings, by its number."""
    lists = [one["body"] for one in RECORDED if one["path"] == LIST]
    return {one["iid"]: copy.deepcopy(one) for page in lists for one in page}


def connect(script: Script) -> GitLab:
    return GitLab(script.url, Secret("token"), manners=Manners(5, (0.01, 0.01), None))


def who(person: Person) -> Canned:
    """What GitLab says about an account that is asked for by itself."""
    return Canned(200, {"id": person.id, "username": person.login, "state": "active", "bot": person.is_bot})


# ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_merge_request_is_read_whole_and_with_one_request() -> None:
    with serving(recorded("GET", "/api/v4/projects/19258958/merge_requests/1149")) as script:
        gitlab = connect(script)
        pull = gitlab.pull(HELLO, 1149)
        assert (gitlab.calls, script.paths) == (1, ["GET /api/v4/projects/19258958/merge_requests/1149"])
    assert pull == Pull(
        number=1149,
        title="Change",
        body="",
        url="https://gitlab.com/packit-service/hello-world/-/merge_requests/1149",
        author=KAPR,
        is_open=True,
        merged=False,
        merged_as=None,
        closed_at=None,
        base="master",
        base_sha="2747e04810b894bacd4f1ce30096aca6b11095aa",
        head="test-reactions",
        head_sha="5efeb6ae7aa0433f1ef1add89c85109cf943ee6e",
        head_repo_id=62061518,
    )


def test_a_merged_one_names_the_merge_and_its_time() -> None:
    with serving(recorded("PUT", "/api/v4/projects/14233409/merge_requests/71/merge")) as script:
        pull = connect(script).pull(OGR, 71)
    assert isinstance(pull, Pull)
    assert (pull.is_open, pull.merged, pull.merged_as) == (False, True, "dd9b6c54c0788301c86bdf058a8e91e3594a0a17")
    assert pull.closed_at == 1619507917
    assert pull.head_repo_id == 26200368


def test_a_closed_one_that_never_had_a_head_is_read_all_the_same() -> None:
    with serving(recorded("PUT", "/api/v4/projects/14233409/merge_requests/46")) as script:
        pull = connect(script).pull(OGR, 46)
    assert isinstance(pull, Pull)
    assert (pull.is_open, pull.merged, pull.merged_as) == (False, False, None)
    assert (pull.head_sha, pull.base_sha, pull.closed_at is None) == ("", "", False)


def test_one_that_does_not_exist_is_missing() -> None:
    number = 100000000000000000000
    with serving(recorded("GET", f"/api/v4/projects/14233409/merge_requests/{number}")) as script:
        assert connect(script).pull(OGR, number) == Missing(f"pull {number} of packit-service/ogr-tests")


MERGE, SQUASH, HEAD = "a" * 40, "b" * 40, "d490ec67dd98f69dfdc1732b98bb3189f0e0aace"


@pytest.mark.parametrize(
    ("merge", "squash", "named"),
    [(MERGE, None, MERGE), (MERGE, SQUASH, MERGE), (None, SQUASH, SQUASH), (None, None, HEAD)],
    ids=["a merge commit", "a squash, then merged", "a squash, fast-forwarded to", "a fast-forward"],
)
def test_every_way_to_merge_names_the_commit_that_the_branch_has_now(
    merge: str | None, squash: str | None, named: str
) -> None:
    merged = merge_requests()[1] | {"merge_commit_sha": merge, "squash_commit_sha": squash}
    with serving(Canned(200, merged)) as script:
        pull = connect(script).pull(OGR, 1)
    assert isinstance(pull, Pull)
    assert (pull.merged_as, pull.head_sha, pull.labels) == (named, HEAD, ("test_lb1", "test_lb2"))


@pytest.mark.parametrize(
    ("said", "draft", "title"),
    [
        ("Draft: Fix it", True, "Fix it"),
        ("[Draft] Fix it", True, "Fix it"),
        ("(draft) draft: Fix it", True, "Fix it"),
        ("Fix the Draft: page", False, "Fix the Draft: page"),
        ("WIP: Fix it", False, "WIP: Fix it"),
        ("Draft: of no kind", False, "Draft: of no kind"),
    ],
)
def test_a_draft_is_told_by_gitlab_and_its_mark_is_no_part_of_the_title(said: str, draft: bool, title: str) -> None:
    body = merge_requests()[86] | {"title": said, "draft": draft}
    del body["work_in_progress"]
    with serving(Canned(200, body)) as script:
        pull = connect(script).pull(OGR, 86)
    assert isinstance(pull, Pull)
    assert (pull.draft, pull.title) == (draft, title)


def test_an_older_gitlab_calls_a_draft_work_in_progress() -> None:
    body = merge_requests()[86] | {"title": "Draft: Fix it", "work_in_progress": True}
    del body["draft"]
    with serving(Canned(200, body)) as script:
        pull = connect(script).pull(OGR, 86)
    assert isinstance(pull, Pull)
    assert (pull.draft, pull.title) == (True, "Fix it")


def test_one_that_is_being_merged_at_this_moment_is_still_open() -> None:
    with serving(Canned(200, merge_requests()[86] | {"state": "locked"})) as script:
        pull = connect(script).pull(OGR, 86)
    assert isinstance(pull, Pull)
    assert (pull.is_open, pull.merged) == (True, False)


def test_people_milestone_and_a_fork_that_is_gone() -> None:
    body = merge_requests()[86] | {
        "assignees": [{"id": 7, "username": "ada"}, {"id": 8, "username": "bob"}],
        "milestone": {"id": 5001, "iid": 3, "title": "2.7.1"},
        "source_project_id": None,
        "author": None,
        "description": None,
    }
    with serving(Canned(200, body)) as script:
        pull = connect(script).pull(OGR, 86)
    assert isinstance(pull, Pull)
    assert (pull.assignees, pull.milestone, pull.head_repo_id) == (("ada", "bob"), 5001, None)
    assert (pull.author, pull.body) == (Person(0, "ghost"), "")


def test_a_list_is_read_without_asking_for_each_and_those_of_forks_are_left_out() -> None:
    found = merge_requests()
    page = Canned(200, [found[88], found[86], found[86] | {"iid": 85, "source_project_id": 99}, found[85]])
    with serving(page) as script:
        pulls = connect(script).find_pulls(OGR, "pr-3", "master")
        question = "source_branch=pr-3&target_branch=master&state=all&order_by=created_at&sort=desc&per_page=100"
        [path] = script.paths
        address, _, asked = path.partition("?")
        assert address == "GET /api/v4/projects/14233409/merge_requests"
        assert set(asked.split("&")) == set(question.split("&"))
    assert [(pull.number, pull.is_open) for pull in pulls] == [(86, True), (85, False)]


def test_all_pages_of_a_list_are_read() -> None:
    found = merge_requests()
    with serving() as script:
        link = (("Link", f'<{script.url}/api/v4/projects/14233409/merge_requests?page=2>; rel="next"'),)
        script.answers += [Canned(200, [found[86]], link), Canned(200, [found[85]])]
        assert [pull.number for pull in connect(script).find_pulls(OGR, "pr-3", "master")] == [86, 85]


def test_a_next_page_without_sense_is_a_fault() -> None:
    with serving(Canned(200, [], (("Link", '<http://[x>; rel="next"'),))) as script, pytest.raises(Fault):
        connect(script).find_pulls(OGR, "pr-3", "master")


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────

WISH = EnsurePull(OGR, "pr-3", "master", "Fix it", "Text\n/merge\nmore", draft=True)
TAKEN = recorded("POST", "/api/v4/projects/20772752/merge_requests", 409)


def test_one_just_opened_is_read_from_the_answer_alone_and_its_commands_are_not_obeyed() -> None:
    with serving(recorded("POST", "/api/v4/projects/14529826/merge_requests")) as script:
        ready = connect(script).ensure_pull(WISH)
        assert [one.body for one in script.asked] == [
            {
                "source_branch": "pr-3",
                "target_branch": "master",
                "title": "Draft: Fix it",
                "description": "Text\n\u200b/merge\nmore",
            }
        ]
    assert isinstance(ready, PullReady)
    assert (ready.opened, ready.pull.number, ready.pull.is_open, ready.pull.head_sha) == (True, 46, True, "")


@pytest.mark.parametrize(
    ("title", "sent"),
    [("Draft: x", "Draft: x"), ("x" * 248, "Draft: " + "x" * 248), ("x" * 249, "Draft: " + "x" * 247 + "…")],
)
def test_a_title_is_marked_once_and_never_too_long(title: str, sent: str) -> None:
    with serving(recorded("POST", "/api/v4/projects/14529826/merge_requests")) as script:
        connect(script).ensure_pull(EnsurePull(OGR, "a", "b", title, "", draft=True))
        assert isinstance(script.asked[0].body, dict)
        assert script.asked[0].body["title"] == sent


def test_one_that_is_there_already_is_found() -> None:
    with serving(TAKEN, Canned(200, [merge_requests()[86]])) as script:
        ready = connect(script).ensure_pull(WISH)
        assert "state=opened" in script.paths[1]
    assert isinstance(ready, PullReady)
    assert (ready.opened, ready.pull.number) == (False, 86)


def test_one_that_is_there_but_not_yet_shown_is_waited_for() -> None:
    with serving(TAKEN, Canned(200, []), TAKEN, Canned(200, [merge_requests()[86]])) as script:
        ready = connect(script).ensure_pull(WISH)
    assert isinstance(ready, PullReady)
    assert (ready.opened, ready.pull.number) == (False, 86)


def test_one_that_was_opened_unanswered_and_is_shown_later_is_our_own() -> None:
    lost = Canned(502, {"message": "502 Bad Gateway"})
    with serving(lost, Canned(200, []), TAKEN, Canned(200, [merge_requests()[86]])) as script:
        ready = connect(script).ensure_pull(WISH)
    assert isinstance(ready, PullReady)
    assert (ready.opened, ready.pull.number) == (True, 86)


def test_one_that_is_spoken_of_and_never_shown_is_a_fault_that_may_pass() -> None:
    with serving(*[TAKEN, Canned(200, [])] * 3) as script, pytest.raises(Fault) as caught:
        connect(script).ensure_pull(WISH)
    assert caught.value.passing
    assert "Another open merge request already exists" in str(caught.value)


def test_a_busy_gitlab_is_a_fault_that_may_pass_and_no_refusal() -> None:
    busy = Canned(403, {"message": "403 Forbidden"}, (("Retry-After", "60"),))
    with serving(busy) as script, pytest.raises(Fault) as caught:
        connect(script).ensure_pull(WISH)
    assert caught.value.passing


def test_a_push_that_is_not_digested_yet_is_waited_for() -> None:
    settling = Canned(400, {"message": {"source_branch": ["does not exist"]}})
    with serving(settling, settling, recorded("POST", "/api/v4/projects/14529826/merge_requests")) as script:
        ready = connect(script).ensure_pull(WISH)
        assert len(script.asked) == 3
    assert isinstance(ready, PullReady)
    assert ready.opened


@pytest.mark.parametrize(
    ("answer", "reason", "step"),
    [
        (Canned(400, {"message": {"target_branch": ["is invalid"]}}), "target_branch is invalid", "by hand"),
        (Canned(422, {"message": ["You can't use same project/branch"]}), "You can't use same", "by hand"),
        (Canned(403, {"message": "403 Forbidden"}), "403 Forbidden", "write access"),
        (Canned(404, {"message": "404 Project Not Found"}), "404 Project Not Found", "write access"),
    ],
)
def test_a_refusal_is_told_in_gitlabs_words_and_with_a_next_step(answer: Canned, reason: str, step: str) -> None:
    with serving(answer) as script:
        refused = connect(script).ensure_pull(WISH)
        assert len(script.asked) == 1
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert step in refused.next_step


def test_a_token_that_is_turned_away_is_a_fault_and_no_refusal() -> None:
    with serving(recorded("GET", "/api/v4/user", 401)) as script, pytest.raises(Fault, match="Check the token"):
        connect(script).ensure_pull(WISH)


# ── dressing, and labels ─────────────────────────────────────────────────────────────────────────────────────────────

EDITED = "/api/v4/projects/14233409/merge_requests/46"


def test_decorations_are_one_edit_after_the_ids_of_the_assignees_were_asked_for() -> None:
    tomas = recorded("GET", "/api/v4/users?username=tomastomecek")
    assert isinstance(tomas.body, list)
    tomas.body.insert(0, {"id": 1, "username": "another"})
    accounts = [tomas, Canned(200, []), recorded("PUT", EDITED)]
    with serving(*accounts) as script:
        connect(script).dress_pull(DressPull(OGR, 46, ("a/b", "c::d"), ("tomastomecek", "nobody"), 3))
        assert script.paths == [
            "GET /api/v4/users?username=tomastomecek&per_page=100",
            "GET /api/v4/users?username=nobody&per_page=100",
            f"PUT {EDITED}",
        ]
        assert script.asked[2].body == {"add_labels": "a/b,c::d", "assignee_ids": [737640], "milestone_id": 3}


def test_only_what_is_wished_for_is_sent() -> None:
    with serving(Canned(200, []), *[recorded("PUT", EDITED)] * 3) as script:
        gitlab = connect(script)
        gitlab.dress_pull(DressPull(OGR, 46, (), ("nobody",), None))
        gitlab.dress_pull(DressPull(OGR, 46, ("x",), (), None))
        gitlab.set_labels(OGR, 46, (), ())
        gitlab.set_labels(OGR, 46, (), ("a", "b"))
        gitlab.set_labels(OGR, 46, ("a",), ("b",))
        assert [one.body for one in script.asked[1:]] == [
            {"add_labels": "x"}, {"remove_labels": "a,b"}, {"add_labels": "a", "remove_labels": "b"}
        ]  # fmt: skip


def test_a_label_with_a_comma_is_a_users_error_to_put_on_and_is_never_there_to_take_off() -> None:
    with serving() as script:
        gitlab = connect(script)
        with pytest.raises(UserError, match="“a,b”"):
            gitlab.set_labels(OGR, 46, ("fine", "a,b"), ())
        with pytest.raises(UserError, match="“a,b”"):
            gitlab.dress_pull(DressPull(OGR, 46, ("a,b",), (), None))
        gitlab.set_labels(OGR, 46, (), ("a,b",))
        assert script.asked == []


def happened(number: int, action: str, label: str | None, actor: int | None) -> dict[str, Any]:
    account = {"id": actor, "username": f"user{actor}", "state": "active"}
    named = {"id": 1, "name": label, "color": "#fff"}
    return {"id": number, "action": action, "label": label and named, "user": account if actor else None}


def test_labellings_are_counted_and_belong_to_the_last_who_put_the_label_on() -> None:
    events = [
        happened(9, "add", "Ünïcode #1/2", 4),
        happened(1, "add", "backport::2.7", 1),
        happened(2, "add", "gone", 1),
        happened(3, "remove", "backport::2.7", 2),
        happened(4, "add", "backport::2.7", 3),
        happened(5, "remove", "gone", 2),
        happened(6, "add", "nobody's", None),
        happened(7, "add", None, 4),
    ]
    bot = Person(3, "user3", is_bot=True)
    with serving(Canned(200, events), who(bot), who(Person(4, "user4")), Canned(200, events)) as script:
        gitlab = connect(script)
        found = gitlab.labellings(OGR, 9)
        assert found == gitlab.labellings(OGR, 9)
        assert script.paths[1:3] == ["GET /api/v4/users/3", "GET /api/v4/users/4"]
        assert len(script.asked) == 4
    assert found == {"backport::2.7": Labelling(bot, 2), "Ünïcode #1/2": Labelling(Person(4, "user4"), 1)}


# ── comments ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NOTES = "/api/v4/projects/29121611/merge_requests/2/notes"
NOTE = recorded("POST", NOTES)


def note(number: int, author: Person, body: str, *, system: object = False) -> dict[str, Any]:
    return {"id": number, "body": body, "system": system, "author": {"id": author.id, "username": author.login}}


def test_a_comment_of_the_bot_is_found_by_its_marker_on_any_page_and_edited() -> None:
    marker = "<!-- relbot:7 -->"
    first = [note(1, ADA, marker), note(2, NIKROMEN, marker, system=True), note(3, NIKROMEN, "another")]
    with serving(who(NIKROMEN)) as script:
        link = (("Link", f'<{script.url}{NOTES}?page=2>; rel="next"'),)
        second = [note(4, NIKROMEN, f"{marker}\nold"), note(5, NIKROMEN, marker)]
        script.answers += [Canned(200, first, link), Canned(200, second), NOTE]
        written = connect(script).ensure_comment(
            EnsureComment(Repo("gitlab", 29121611, "a/b", "main"), 2, marker, f"{marker}\n/close\n/tmp x")
        )
        assert [path.partition("?")[0] for path in script.paths] == [
            "GET /api/v4/user", f"GET {NOTES}", f"GET {NOTES}", f"PUT {NOTES}/4"
        ]  # fmt: skip
        assert "sort=asc" in script.paths[1]
        assert script.asked[3].body == {"body": f"{marker}\n\u200b/close\n\u200b/tmp x"}
    assert written == Comment(664140287, NIKROMEN, "08/30/2021")


def test_a_comment_that_gitlab_has_trimmed_is_the_same_comment() -> None:
    with serving(who(ADA), Canned(200, [note(1, ADA, "m\n\u200b/close")])) as script:
        connect(script).ensure_comment(EnsureComment(OGR, 2, "m", "m\n/close\n\n"))
        assert len(script.asked) == 2


def test_a_comment_is_the_bots_also_by_what_the_bot_is() -> None:
    bot = Person(9288169, "nikromen", is_bot=True)
    with serving(who(bot), Canned(200, []), NOTE) as script:
        written = connect(script).ensure_comment(EnsureComment(OGR, 2, "m", "m\n/approve"))
        assert script.asked[2].body == {"body": "m\n\u200b/approve"}
    assert written.author == bot


@pytest.mark.parametrize(
    ("reaction", "name"), [("eyes", "eyes"), ("rocket", "rocket"), ("confused", "confused"), ("-1", "thumbsdown")]
)
def test_a_reaction_is_an_award_by_gitlabs_name(reaction: Reaction, name: str) -> None:
    award = "/api/v4/projects/29121611/merge_requests/2/notes/664140287/award_emoji"
    with serving(recorded("POST", award)) as script:
        connect(script).react(Repo("gitlab", 29121611, "a/b", "main"), 2, 664140287, reaction)
        assert script.paths == [f"POST {award}"]
        assert script.asked[0].body == {"name": name}


def test_an_award_that_is_there_already_is_fine_and_a_comment_that_is_not_there_is_a_fault() -> None:
    there = recorded("POST", "/api/v4/projects/19258958/merge_requests/1149/notes/2132728866/award_emoji", 404)
    with serving(there, Canned(404, {"message": "404 Not Found"})) as script:
        connect(script).react(HELLO, 1149, 2132728866, "eyes")
        with pytest.raises(Fault):
            connect(script).react(HELLO, 1149, 1, "eyes")


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def member(level: object, **changes: object) -> Canned:
    return Canned(200, {"id": 7, "username": "ada", "state": "active", "access_level": level, **changes})


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        (member(60), Role.ADMIN),
        (member(50), Role.ADMIN),
        (member(40), Role.MAINTAIN),
        (member(30, membership_state="active"), Role.WRITE),
        (member(25), Role.TRIAGE),
        (member(20), Role.TRIAGE),
        (member(15), Role.READ),
        (member(10), Role.READ),
        (member(5), Role.NONE),
        (member(0), Role.NONE),
        (member(50, state="blocked"), Role.NONE),
        (member(50, state="deactivated"), Role.NONE),
        (member(50, state=None), Role.NONE),
        (member(50, membership_state="awaiting"), Role.NONE),
        (member(50, id=8), Role.NONE),
        (Canned(404, {"message": "404 Not found"}), Role.NONE),
    ],
)
def test_gitlabs_access_levels(answer: Canned, role: Role) -> None:
    with serving(answer, who(ADA)) as script:
        assert connect(script).role_of(OGR, ADA) is role
        assert script.paths[0] == "GET /api/v4/projects/14233409/members/all/7"


def test_a_bot_that_came_as_a_person_has_no_role_and_one_that_came_as_a_bot_has_its_own() -> None:
    bot = Person(7, "ada", is_bot=True)
    with serving(member(40), who(bot), member(40), member(40)) as script:
        gitlab = connect(script)
        assert gitlab.role_of(OGR, ADA) is Role.NONE
        assert gitlab.role_of(OGR, bot) is Role.MAINTAIN
        assert gitlab.role_of(OGR, ADA) is Role.NONE
        assert len(script.asked) == 4


@pytest.mark.parametrize("answer", [Canned(404, {"message": "404 User Not Found"}), Canned(200, {"bot": None})])
def test_an_account_of_which_gitlab_does_not_say_that_it_is_no_bot_counts_as_one(answer: Canned) -> None:
    with serving(member(40), answer) as script:
        assert connect(script).role_of(OGR, ADA) is Role.NONE


def test_a_doubt_about_an_account_is_not_remembered() -> None:
    with serving(member(40), Canned(404, {"message": "404 User Not Found"}), member(40), who(ADA)) as script:
        gitlab = connect(script)
        assert [gitlab.role_of(OGR, ADA), gitlab.role_of(OGR, ADA)] == [Role.NONE, Role.MAINTAIN]


def test_whether_an_account_is_a_bot_is_a_fault_when_it_cannot_be_asked_and_is_asked_again() -> None:
    with serving(member(40), Canned(403, {"message": "403 Forbidden"}), member(40), who(ADA)) as script:
        gitlab = connect(script)
        with pytest.raises(Fault):
            gitlab.role_of(OGR, ADA)
        assert gitlab.role_of(OGR, ADA) is Role.MAINTAIN


def test_nobody_has_no_role_and_nobody_is_asked() -> None:
    with serving() as script:
        assert connect(script).role_of(OGR, Person(0, "ghost")) is Role.NONE
        assert not connect(script).is_member(OGR, Person(0, "ghost"), "acme")
        assert script.asked == []


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        (member(10), True),
        (member(5), False),
        (member(50, state="blocked"), False),
        (member(50, id=8), False),
        (Canned(404, {"message": "404 Not found"}), False),
        (Canned(403, {"message": "403 Forbidden"}), False),
    ],
)
def test_membership_of_a_group_is_that_of_an_active_member(answer: Canned, inside: bool) -> None:
    with serving(answer) as script:
        assert connect(script).is_member(OGR, ADA, "@acme/release/captains") is inside
        assert script.paths == ["GET /api/v4/groups/acme%2Frelease%2Fcaptains/members/all/7"]


def test_a_membership_that_cannot_be_asked_for_just_now_is_a_fault_that_may_pass() -> None:
    with serving(*[Canned(502)] * 3) as script, pytest.raises(Fault) as caught:
        connect(script).is_member(OGR, ADA, "acme")
    assert caught.value.passing


@pytest.mark.parametrize("group", ["", "@", "a//b", "../x", "a/../b", "a?b", "a b", "a\n"])
def test_what_names_no_group_is_never_asked_for(group: str) -> None:
    with serving() as script:
        assert not connect(script).is_member(OGR, ADA, group)
        assert script.asked == []


def test_the_bot_asks_once_who_it_is() -> None:
    with serving(recorded("GET", "/api/v4/user"), Canned(200, []), Canned(200, [])) as script:
        gitlab = connect(script)
        assert gitlab.me() == gitlab.me() == KAPR
        assert gitlab.find_comment(OGR, 9, "m") is None
        assert len(script.asked) == 2


# ── reports ──────────────────────────────────────────────────────────────────────────────────────────────────────────

STATUSES = f"/api/v4/projects/14233409/repository/commits/{SHA}/statuses"
PENDING = CheckReport("relbot/backport", "pending", "Picking", "long text", "https://relbot.example/7")


def status(number: int, state: str, description: str, name: str = "relbot/backport") -> dict[str, Any]:
    return {"id": number, "name": name, "status": state, "description": description, "target_url": PENDING.url}


def test_a_report_is_a_status_that_is_looked_for_first() -> None:
    statuses = recorded("GET", STATUSES)
    with serving(statuses, recorded("POST", f"/api/v4/projects/14233409/statuses/{SHA}")) as script:
        connect(script).report_on(OGR, SHA, PENDING)
        assert script.paths[0].startswith(f"GET {STATUSES}?")
        assert script.paths[1] == f"POST /api/v4/projects/14233409/statuses/{SHA}"
        assert script.asked[1].body == {
            "name": "relbot/backport", "state": "pending", "description": "Picking", "target_url": PENDING.url
        }  # fmt: skip


def test_what_stands_there_is_not_said_again_and_only_the_latest_counts() -> None:
    older, latest = status(1, "success", "Done"), status(2, "pending", "Picking")
    with serving(Canned(200, [older, latest, status(3, "failed", "x", "another")])) as script:
        connect(script).report_on(OGR, SHA, PENDING)
        assert len(script.asked) == 1


@pytest.mark.parametrize(("state", "sent"), [("success", "success"), ("failure", "failed"), ("neutral", "success")])
def test_a_change_of_state_is_told_in_gitlabs_words(state: Any, sent: str) -> None:
    with serving(Canned(200, [status(2, "pending", "Picking")]), Canned(201, status(3, sent, "Done"))) as script:
        connect(script).report_on(OGR, SHA, CheckReport("relbot/backport", state, "x" * 300, "long"))
        body = script.asked[1].body
        assert isinstance(body, dict)
        assert (body["state"], len(body["description"]), "target_url" in body) == (sent, 255, False)


def test_new_words_for_a_state_that_has_ended_are_said() -> None:
    done = CheckReport("relbot/backport", "success", "Both applied", "long", PENDING.url)
    with serving(Canned(200, [status(2, "success", "Done")]), Canned(201, status(3, "success", "x"))) as script:
        connect(script).report_on(OGR, SHA, done)
        assert len(script.asked) == 2


def test_new_words_for_a_state_that_stands_are_let_go_where_gitlab_refuses_them() -> None:
    refused = Canned(400, {"message": "Cannot transition status via :enqueue from :pending (Reason(s): no)"})
    there = Canned(200, [status(2, "pending", "Waiting")])
    with serving(there, refused, Canned(200, []), refused) as script:
        gitlab = connect(script)
        gitlab.report_on(OGR, SHA, PENDING)
        with pytest.raises(Fault, match="Cannot transition"):
            gitlab.report_on(OGR, SHA, PENDING)


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────

DAMAGES: list[tuple[str, object]] = [
    ("iid", None), ("iid", "9"), ("title", 7), ("title", "\ud800"), ("merged_at", "yesterday"), ("merged_at", 7),
    ("target_branch", None), ("labels", {}), ("labels", [7]), ("author", "ada"), ("web_url", None), ("state", None),
    ("assignees", None), ("assignees", [7]), ("milestone", []), ("diff_refs", "x"), ("source_project_id", "14"),
    ("sha", "HEAD"), ("merge_commit_sha", "--upload-pack=x"), ("squash_commit_sha", 7),
    ("diff_refs", {"base_sha": "a\nb"}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), DAMAGES)
def test_a_merge_request_of_another_shape_is_a_fault_that_names_what_is_wrong(field: str, value: object) -> None:
    body = merge_requests()[1] | {"merge_commit_sha": None, field: value}
    with serving(Canned(200, body)) as script, pytest.raises(Fault, match="pull 1 of packit-service/ogr-tests"):
        connect(script).pull(OGR, 1)


@pytest.mark.parametrize("body", [{"items": 7}, {"message": "odd"}, [7], [[]], [None]])
def test_a_list_of_another_shape_is_a_fault(body: object) -> None:
    with serving(Canned(200, body)) as script, pytest.raises(Fault, match="pulls of packit-service/ogr-tests"):
        connect(script).find_pulls(OGR, "a", "b")


@pytest.mark.parametrize("body", [[], {"id": "7"}, {}, {"id": 7, "state": "active", "access_level": "50"}])
def test_a_member_of_another_shape_is_a_fault_and_never_a_role(body: object) -> None:
    with serving(Canned(200, body)) as script, pytest.raises(Fault, match="the role of ada"):
        connect(script).role_of(OGR, ADA)


@pytest.mark.parametrize(
    ("base_url", "clone_base", "url"),
    [
        ("https://gitlab.com", None, "https://gitlab.com/group/sub/name.git"),
        ("https://example.org/gitlab/", None, "https://example.org/gitlab/group/sub/name.git"),
        ("https://gitlab.com", "https://proxy.example.org/gl/", "https://proxy.example.org/gl/group/sub/name.git"),
    ],
)
def test_git_reaches_a_project_without_the_token_in_the_address(base_url: str, clone_base: str, url: str) -> None:
    deep = Repo("gitlab", 1, "group/sub/name", "main")
    access = GitLab(base_url, Secret("s3cret"), clone_base=clone_base).clone_access(deep)
    assert (access.url, access.username, access.pull_ref) == (url, "oauth2", "refs/merge-requests/{number}/head")
    assert access.password.reveal() == "s3cret"
    assert "s3cret" not in repr(access)
