"""What becomes of a request when GitHub, or the way there, misbehaves."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier
from typing import Any

import pytest
from github.Repository import Repository

from bot.core.errors import Fault
from bot.core.model import Repo, Secret
from bot.forges.answers import Answers
from bot.forges.github import GitHub
from bot.forges.github.wire import Grant, Wire
from bot.forges.pacing import Manners, Pace, Pacers
from bot.forges.wire_fault import WireFault
from tests.forges.canned import Canned, Script, serving
from tests.forges.clocks import Hands, Standstill

TOKEN = "ghs_" + "s3cret" * 6
REPO = Repo("github", 1, "o/r", "main")


class Holder:
    """One token, and a pacer that remembers."""

    def __init__(self, manners: Manners) -> None:
        self.tokens = [Secret(TOKEN)]
        self.pacer = Pacers(manners).of("the tests")

    def grant(self) -> Grant:
        return Grant(self.tokens[0], self.pacer)

    def renew(self, refused: Secret) -> bool:
        if len(self.tokens) > 1 and refused is self.tokens[0]:
            self.tokens.pop(0)
            return True
        return False


@contextmanager
def wired(script: Script, holder: Holder | None = None, **settings: Any) -> Iterator[Wire]:
    manners = Manners(**{"timeout": 5, "waits": (0.01, 0.01), **settings})
    wire = Wire(script.url, manners, holder or Holder(manners), Answers(), lambda: None)
    try:
        yield wire
    finally:
        wire.close()


def ask(script: Script, verb: str = "GET", path: str = "/repos/o/r/pulls/7", **settings: Any) -> Any:
    with wired(script, **settings) as wire:
        return wire.requestJsonAndCheck(verb, path, input={"a": 1} if verb != "GET" else None)[1]


def refusal(*answers: Canned, verb: str = "GET", **settings: Any) -> WireFault:
    with serving(*answers) as script, pytest.raises(WireFault) as caught:
        ask(script, verb, **settings)
    text = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in text
    return caught.value


TROUBLES = {
    "502": Canned(502, {"message": "Server Error"}),
    "503 without JSON": Canned(503, b"<html>Unicorn!</html>"),
    "hung up": Canned(drop=True),
    "cut short": Canned(200, {"number": 7}, cut=True),
    "half a JSON": Canned(200, b'{"number": 7, "tit'),
    "a login page": Canned(200, b"<html>Sign in</html>"),
    "nothing at all": Canned(200, b""),
    "a bare number": Canned(200, b"7"),
    "429": Canned(429, {"message": "slow down"}, (("Retry-After", "0"),)),
    "403 with Retry-After": Canned(403, {"message": "slow down"}, (("Retry-After", "0"),)),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_is_repeated_until_the_trouble_has_passed(name: str) -> None:
    with serving(TROUBLES[name], TROUBLES[name], Canned(200, {"number": 7})) as script:
        assert ask(script)["number"] == 7
        assert len(script.asked) == 3


@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_is_given_up_after_a_few_times_with_a_fault_that_may_pass(name: str) -> None:
    with serving(*[TROUBLES[name]] * 9) as script, pytest.raises(WireFault) as caught:
        ask(script)
    assert len(script.asked) == 3
    assert caught.value.passing
    assert "GET /repos/o/r/pulls/7" in str(caught.value)


# An empty answer to a DELETE is no trouble: it is how GitHub says that something is gone.
WRITES = [
    (verb, name)
    for verb in ("POST", "PATCH", "PUT", "DELETE")
    for name in TROUBLES
    if (verb, name) != ("DELETE", "nothing at all")
]


@pytest.mark.parametrize(("verb", "name"), WRITES)
def test_a_write_is_sent_exactly_once_whatever_happens(verb: str, name: str) -> None:
    with serving(*[TROUBLES[name]] * 3) as script, pytest.raises(WireFault) as caught:
        ask(script, verb)
    assert len(script.asked) == 1
    assert caught.value.passing


@pytest.mark.parametrize("name", TROUBLES)
def test_a_write_is_in_doubt_unless_the_forge_has_refused_it(name: str) -> None:
    fault = refusal(TROUBLES[name], verb="POST")
    assert fault.in_doubt == (name not in ("429", "403 with Retry-After"))


def test_an_empty_answer_to_a_delete_is_success() -> None:
    with serving(Canned(204, b"")) as script:
        assert ask(script, "DELETE") is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirected_write_is_a_fault_and_not_an_empty_object(status: int) -> None:
    moved = Canned(status, {"message": "Moved Permanently"}, (("Location", "http://127.0.0.1:1/repositories/9/pulls"),))
    fault = refusal(moved, verb="POST")
    assert "POST /repos/o/r/pulls/7" in str(fault)


def test_a_renamed_repository_is_followed_when_reading() -> None:
    with serving() as script:
        there = (("Location", f"{script.url}/repositories/9/pulls/7"),)
        script.answers += [Canned(301, {"message": "Moved Permanently"}, there), Canned(200, {"number": 7})]
        assert ask(script)["number"] == 7
        assert script.paths == ["GET /repos/o/r/pulls/7", "GET /repositories/9/pulls/7"]


@pytest.mark.parametrize("address", [
    "@{there}/x", ".{there}/x", "http:@{there}/x", "http://{there}/x", "//{there}/x", "http://u@{there}/x",
    "/@{there}/x",
])  # fmt: skip
def test_an_address_in_an_answer_that_leads_elsewhere_takes_no_token_there(address: str) -> None:
    """PyGithub asks for what a `Link` or a `url` holds; what it makes of one that begins with @ is another server."""
    with serving(Canned(200, [{"number": 8}])) as elsewhere, serving() as script, wired(script, waits=()) as wire:
        there = address.replace("{there}", elsewhere.url.removeprefix("http://"))
        script.answers.append(Canned(200, [{"number": 7}], (("Link", f'<{there}>; rel="next"'),)))
        with pytest.raises(WireFault, match=r"another server|nothing left to say"):
            list(Repository(wire, url="/repos/o/r").get_pulls())
        assert elsewhere.asked == []


def test_a_redirect_to_another_host_is_not_followed_and_takes_no_token_there() -> None:
    with serving(Canned(200, {"number": 7})) as elsewhere, serving() as script:
        there = elsewhere.url.replace("127.0.0.1", "localhost") + "/repos/o/r/pulls/7"
        script.answers += [Canned(301, {}, (("Location", there),))] * 3
        with pytest.raises(WireFault, match="redirects GET /repos/o/r/pulls/7 to where I do not follow") as caught:
            ask(script)
        assert elsewhere.asked == []
        assert len(script.asked) == 1
    assert (caught.value.passing, caught.value.in_doubt) == (False, False)


def test_a_slow_answer_is_given_up_after_the_timeout() -> None:
    began = time.monotonic()
    fault = refusal(Canned(delay=8), timeout=1, waits=())
    assert fault.passing
    assert fault.in_doubt
    assert time.monotonic() - began < 4


def test_a_closed_port_is_a_fault_that_may_pass() -> None:
    with serving() as script:
        pass
    with pytest.raises(WireFault) as caught:
        ask(script, waits=())
    assert caught.value.passing


def test_the_forge_is_left_alone_for_as_long_as_it_asks() -> None:
    began = time.monotonic()
    with serving(Canned(429, {}, (("Retry-After", "1"),)), Canned(200, {"number": 7})) as script:
        ask(script)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Canned(403, {"message": "slow down"}, (("Retry-After", "3600"),)), 3600),
        (Canned(429, {"message": "slow down"}), 60),
        (Canned(429, {"message": "slow down"}, (("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),)), 60),
        (Canned(403, {"message": "You have exceeded a secondary rate limit and have been temporarily blocked."}), 60),
        (Canned(403, {"message": "Blocked for a while. Please wait a few minutes before you try again."}), 60),
        (Canned(403, {"message": "API rate limit exceeded for installation ID 1."}), 60),
    ],
)
def test_a_long_wait_is_left_to_the_runner(answer: Canned, wait: int) -> None:
    began = time.monotonic()
    fault = refusal(answer)
    assert (fault.passing, fault.retry_after) == (True, wait)
    assert f"{wait} s" in str(fault)
    assert time.monotonic() - began < 1


def test_the_reset_of_an_exhausted_rate_limit_tells_how_long_to_wait() -> None:
    headers = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(time.time()) + 1000)))
    fault = refusal(Canned(403, {"message": "API rate limit exceeded for user ID 1."}, headers))
    assert fault.retry_after is not None
    assert 990 < fault.retry_after < 1002


def test_the_reset_is_counted_from_githubs_own_clock() -> None:
    headers = (
        ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1000000100"), ("Date", "Sun, 09 Sep 2001 01:46:40 GMT"),
    )  # fmt: skip
    fault = refusal(Canned(403, {"message": "API rate limit exceeded for user ID 1."}, headers))
    assert fault.retry_after == 101


# ── what is remembered between requests ──────────────────────────────────────────────────────────────────────────────


def test_nothing_is_sent_before_the_forge_wants_to_hear_again() -> None:
    hands = Hands()
    answers = Canned(403, {}, (("Retry-After", "1800"),)), Canned(200, {"number": 7})
    with serving(*answers) as script, wired(script, clock=hands.clock) as wire:
        for _ in range(3):
            with pytest.raises(Fault) as caught:
                wire.requestJsonAndCheck("GET", "/repos/o/r")
            assert caught.value.passing
            assert caught.value.retry_after == pytest.approx(1800, abs=5)
        with pytest.raises(Fault, match="rest"):
            wire.requestJsonAndCheck("POST", "/repos/o/r/pulls", input={})
        assert len(script.asked) == 1
        hands.forward(1800)
        assert wire.requestJsonAndCheck("GET", "/repos/o/r")[1] == {"number": 7}


def test_a_last_request_that_was_answered_is_still_the_last_one() -> None:
    hands = Hands()
    last = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(time.time()) + 900)))
    answers = Canned(200, {"number": 7}, last), Canned(200, {"number": 8})
    with serving(*answers) as script, wired(script, clock=hands.clock) as wire:
        assert wire.requestJsonAndCheck("GET", "/repos/o/r")[1] == {"number": 7}
        with pytest.raises(Fault) as caught:
            wire.requestJsonAndCheck("GET", "/repos/o/s")
        assert 890 < (caught.value.retry_after or 0) < 903
        hands.forward(903)
        assert wire.requestJsonAndCheck("GET", "/repos/o/s")[1] == {"number": 8}


def test_an_answer_that_still_holds_is_not_sent_again_and_is_everybodys_own_copy() -> None:
    first = Canned(200, {"labels": [1]}, (("ETag", 'W/"abc"'),))
    with serving(first, Canned(304, b""), Canned(304, b"")) as script, wired(script) as wire:
        for _ in range(3):
            answer = wire.requestJsonAndCheck("GET", "/repos/o/r", {"state": "all"})[1]
            assert answer == {"labels": [1]}
            answer["labels"].append(2)
        assert [one.headers.get("If-None-Match") for one in script.asked] == [None, 'W/"abc"', 'W/"abc"']


def test_what_was_asked_elsewhere_or_with_other_parameters_is_not_taken_for_it() -> None:
    tagged = Canned(200, {}, (("ETag", '"abc"'),))
    with serving(*[tagged] * 3) as script, wired(script) as wire:
        wire.requestJsonAndCheck("GET", "/repos/o/r", {"state": "all"})
        wire.requestJsonAndCheck("GET", "/repos/o/r", {"state": "open"})
        wire.requestJsonAndCheck("GET", "/repos/o/s", {"state": "all"})
        assert not any("If-None-Match" in one.headers for one in script.asked)


@pytest.mark.parametrize(
    ("items", "link"), [(100, ()), (30, (("Link", '<https://x/?page=2>; rel="next"'),))], ids=["full", "linked"]
)
def test_a_page_that_may_get_a_successor_is_asked_for_in_full(items: int, link: tuple[tuple[str, str], ...]) -> None:
    page = Canned(200, [{}] * items, (("ETag", '"abc"'), *link))
    with serving(page, page) as script, wired(script) as wire:
        for _ in range(2):
            wire.requestJsonAndCheck("GET", "/repos/o/r/issues/1/comments")
        assert not any("If-None-Match" in one.headers for one in script.asked)


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_token_that_ended_early_is_renewed_once_and_the_request_sent_again(verb: str) -> None:
    bad = Canned(401, {"message": "Bad credentials"})
    holder = Holder(Manners())
    holder.tokens += [Secret("ghs_second")]
    with serving(bad, Canned(200, {"number": 7}), bad, bad) as script, wired(script, holder, waits=()) as wire:
        assert wire.requestJsonAndCheck(verb, "/repos/o/r")[1] == {"number": 7}
        assert [one.headers["Authorization"] for one in script.asked] == [f"token {TOKEN}", "token ghs_second"]
        with pytest.raises(WireFault, match="Check the token"):
            wire.requestJsonAndCheck(verb, "/repos/o/r")
        assert len(script.asked) == 3


def test_what_creates_content_keeps_the_pace_though_it_is_repeated_like_a_read() -> None:
    clock, lost = Standstill(), Canned(drop=True)
    pace = Pace(interval=1.0, burst=2, hourly=100)
    with serving(*[Canned(201, {"sha": "x"})] * 4, lost, Canned(201, {"sha": "x"})) as script:
        with wired(script, clock=clock.clock, pace=pace, waits=(0.25,)) as wire:
            for _ in range(5):
                wire.post_again("/repos/o/r/git/blobs", {"content": "x"}, creates=True)
        assert len(script.asked) == 6
    assert clock.now - 1_000_000 == pytest.approx(4), "two at once, then one a second, that which got lost included"


def test_what_creates_nothing_keeps_no_pace() -> None:
    clock = Standstill()
    answers = [Canned(201, {"token": "x"})] * 5
    with serving(*answers) as script, wired(script, clock=clock.clock, pace=Pace(burst=1)) as wire:
        for _ in range(5):
            wire.post_again("/app/installations/1/access_tokens", {}, creates=False)
    assert clock.slept == []


def test_a_next_page_at_no_address_at_all_is_a_fault_of_ours() -> None:
    page = Canned(200, [{"event": "closed"}], (("Link", '<http://[bad/x?page=2>; rel="next"'),))
    with serving(page) as script, pytest.raises(Fault, match="GitHub's answer"):
        GitHub(script.url, Secret(TOKEN), manners=Manners(waits=())).labellings(REPO, 9)


def test_a_missing_permission_is_named_and_not_tried_again() -> None:
    wanted = (("X-Accepted-GitHub-Permissions", "pull_requests=write"),)
    with serving(Canned(403, {"message": "Resource not accessible by integration"}, wanted)) as script:
        with pytest.raises(WireFault) as caught:
            ask(script)
        assert len(script.asked) == 1
    assert not caught.value.passing
    assert str(caught.value) == (
        "GitHub answered 403 to GET /repos/o/r/pulls/7: Resource not accessible by integration. "
        "Give the bot's token the permission pull_requests=write."
    )


def test_a_forge_that_cannot_be_reached_is_named() -> None:
    manners = Manners(timeout=5, waits=())
    wire = Wire("http://127.0.0.1:9", manners, Holder(manners), Answers(), lambda: None)
    with closing(wire), pytest.raises(WireFault, match=r"\(ConnectionError\)\. Check that 127\.0\.0\.1:9 can be"):
        wire.requestJsonAndCheck("GET", "/repos/o/r")


def test_a_refused_token_says_what_to_check() -> None:
    fault = refusal(Canned(401, {"message": "Bad credentials"}))
    assert not fault.passing
    assert "Check the token" in str(fault)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {
                "message": "Validation Failed",
                "errors": [
                    {"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for o:b."},
                    {"resource": "PullRequest", "field": "head", "code": "invalid"},
                    "plain words",
                    7,
                ],
            },
            "Validation Failed; A pull request already exists for o:b; PullRequest head invalid; plain words",
        ),
        ({"message": "two\nlines\x1b[31m and \u202eback"}, "two lines [31m and  back"),
        ({"message": "x" * 1000}, "x" * 300),
        ({"message": ["odd"], "errors": "odd"}, ""),
        (["odd"], ""),
        (b"<html>", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_words_of_a_refusal_are_kept_on_one_clean_line(body: object, said: str) -> None:
    assert refusal(Canned(422, body), verb="POST").said == said


def test_the_manners_of_every_request() -> None:
    with serving(Canned(200, {"number": 7})) as script:
        ask(script)
    assert script.asked[0].headers["Authorization"] == f"token {TOKEN}"
    assert script.asked[0].headers["User-Agent"] == "relbot"
    assert script.asked[0].headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_each_thread_has_a_wire_of_its_own_and_keeps_it() -> None:
    """The race that a shared one would have is too rare to wait for, so this looks inside."""
    github, both = GitHub("http://127.0.0.1:1", Secret(TOKEN)), Barrier(2, timeout=10)

    def twice(_: int) -> tuple[Wire, Wire]:
        first = github._connection.wire(REPO)
        both.wait()
        return first, github._connection.wire(REPO)

    with ThreadPoolExecutor(2) as threads:
        (one, same), (other, _) = threads.map(twice, range(2))
    assert one is same
    assert one is not other
