"""What becomes of a request when GitLab, or the way there, misbehaves."""

from __future__ import annotations

import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from threading import Barrier
from typing import Any

import pytest

from bot.core.errors import Fault, UserError
from bot.core.model import Secret
from bot.forges.gitlab.connection import Connection
from bot.forges.pacing import Manners, Pace
from bot.forges.tally import tallying
from bot.forges.wire_fault import WireFault
from tests.forges.canned import Canned, Script, serving
from tests.forges.clocks import Standstill

TOKEN = "glpat-" + "s3cret" * 6
PATH = "/api/v4/projects/7/merge_requests/3"
TODAY = 1_790_000_000


def connect(script: Script, **manners: Any) -> Connection:
    settings: dict[str, Any] = {"timeout": 5, "waits": (0.01, 0.01), "pace": None, **manners}
    return Connection(script.url, Secret(TOKEN), Manners(**settings))


def ask(connection: Connection, verb: str = "get") -> Any:
    client = connection.client
    body = {} if verb in ("get", "delete") else {"post_data": {"a": 1}}
    return getattr(client, f"http_{verb}")(PATH.removeprefix("/api/v4"), **body)


def refusal(*answers: Canned, verb: str = "get", **manners: Any) -> WireFault:
    with serving(*answers) as script, pytest.raises(WireFault) as caught:
        ask(connect(script, **manners), verb)
    text = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in text
    return caught.value


TROUBLES = {
    "502": Canned(502, {"message": "502 Bad Gateway"}),
    "503 without JSON": Canned(503, b"<html>Deploy in progress</html>", kind="text/html"),
    "hung up": Canned(drop=True),
    "cut short": Canned(200, {"iid": 3}, cut=True),
    "half a JSON": Canned(200, b'{"iid": 3, "tit'),
    "a login page": Canned(200, b"<html>Sign in</html>", kind="text/html"),
    "JSON that says it is text": Canned(200, {"iid": 3}, kind="text/plain"),
    "nothing at all": Canned(200, b""),
    "a bare number": Canned(200, b"7"),
    "429": Canned(429, {"message": "slow down"}, (("Retry-After", "0"),)),
    "403 with Retry-After": Canned(403, {"message": "slow down"}, (("Retry-After", "0"),)),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_is_repeated_until_the_trouble_has_passed(name: str) -> None:
    with serving(TROUBLES[name], TROUBLES[name], Canned(200, {"iid": 3})) as script:
        assert ask(connect(script))["iid"] == 3
        assert len(script.asked) == 3


@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_is_given_up_after_a_few_times_with_a_fault_that_may_pass(name: str) -> None:
    with serving(*[TROUBLES[name]] * 9) as script, pytest.raises(WireFault) as caught:
        ask(connect(script))
    assert len(script.asked) == 3
    assert caught.value.passing
    assert f"GET {PATH}" in str(caught.value)


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
@pytest.mark.parametrize("name", TROUBLES)
def test_a_write_is_sent_exactly_once_whatever_happens(verb: str, name: str) -> None:
    with serving(*[TROUBLES[name]] * 3) as script, pytest.raises(WireFault) as caught:
        ask(connect(script), verb)
    assert len(script.asked) == 1
    assert caught.value.passing
    assert caught.value.in_doubt == (name not in ("429", "403 with Retry-After"))


def test_an_empty_answer_of_its_own_status_is_success() -> None:
    with serving(Canned(204, b"")) as script:
        ask(connect(script), "delete")
        assert script.paths == [f"DELETE {PATH}"]


# ── where it leads ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("verb", ["get", "post", "put"])
def test_a_redirect_is_never_followed_and_takes_no_token_anywhere(verb: str, status: int) -> None:
    with serving(Canned(200, {"iid": 3})) as elsewhere:
        there = (("Location", elsewhere.url + PATH),)
        fault = refusal(*[Canned(status, {"message": "Moved"}, there)] * 3, verb=verb)
        assert elsewhere.asked == []
    assert not fault.passing
    assert "the address of GitLab in the settings" in str(fault)


def test_the_next_page_is_asked_for_at_the_known_address_even_if_the_list_names_another() -> None:
    with serving() as script:
        there = (("Link", '<http://gitlab.internal/api/v4/projects/7/merge_requests?page=2>; rel="next"'),)
        script.answers += [Canned(200, [{"iid": 1}], there), Canned(200, [{"iid": 2}])]
        client = connect(script).client
        assert [one["iid"] for one in client.http_list("/projects/7/merge_requests", iterator=True)] == [1, 2]
        assert [path.partition("?")[0] for path in script.paths] == ["GET /api/v4/projects/7/merge_requests"] * 2


@pytest.mark.parametrize("there", ["http://127.0.0.1:1/elsewhere?page=2", "http://evil.example/{host}/api", "http://{host}/x"])
def test_a_next_page_at_another_place_is_a_fault_and_takes_no_token_there(there: str) -> None:
    with serving() as script:
        address = there.replace("{host}", script.url.removeprefix("http://"))
        script.answers += [Canned(200, [{"iid": 1}], (("Link", f'<{address}>; rel="next"'),))]
        client = connect(script).client
        with pytest.raises(Fault):
            list(client.http_list("/projects/7/merge_requests", iterator=True))
        assert len(script.asked) == 1


def test_a_server_may_live_under_a_path_and_be_named_in_capitals() -> None:
    with serving(Canned(200, {"iid": 3})) as script:
        url = script.url.replace("http://127.0.0.1", "HTTP://LOCALHOST") + "/gitlab"
        connection = Connection(url, Secret(TOKEN), Manners(timeout=5, waits=(), pace=None))
        assert ask(connection)["iid"] == 3
        assert script.paths == [f"GET /gitlab{PATH}"]


@pytest.mark.parametrize("address", ["", "gitlab.example.org", "https://", "ftp:/x"])
def test_what_is_no_address_is_a_users_error(address: str) -> None:
    with pytest.raises(UserError, match="not the address"):
        Connection(address, Secret(TOKEN), Manners())


@pytest.mark.parametrize("token", ["", "glpat-s3cret\n", "glpat-s3cret\r\nX: y", "s3cret ä", "s3 cret"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(UserError) as caught:
        Connection("https://gitlab.example.org", Secret(token), Manners())
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
        ask(connect(script, waits=()))
    assert caught.value.passing


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ((("Retry-After", "7"),), 7),
        ((("Retry-After", formatdate(TODAY + 7, usegmt=True)), ("Date", formatdate(TODAY, usegmt=True))), 8),
        ((("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(TODAY + 7)), ("Date", formatdate(TODAY))), 8),
        ((("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(TODAY - 493)), ("Date", formatdate(TODAY - 500))), 8),
        ((("RateLimit-Remaining", "3"), ("RateLimit-Reset", str(TODAY + 7)), ("Retry-After", "2")), 2),
    ],
)
def test_gitlab_is_left_alone_for_as_long_as_it_asks(headers: tuple[tuple[str, str], ...], wait: int) -> None:
    clock = Standstill(TODAY)
    with serving(Canned(429, {"message": "slow down"}, headers), Canned(200, {"iid": 3})) as script:
        ask(connect(script, clock=clock.clock))
    assert sum(clock.slept) == pytest.approx(wait, abs=0.02)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Canned(429, {"message": "slow down"}, (("Retry-After", "3600"),)), 3600),
        (Canned(403, {"message": "slow down"}, (("Retry-After", "3600"),)), 3600),
        (
            Canned(
                429,
                {"message": "slow down"},
                (("Retry-After", "3600"), ("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(TODAY + 40))),
            ),
            3600,
        ),
        (Canned(503, {"message": "maintenance"}, (("Retry-After", "3600"),)), 3600),
        (Canned(429, {"message": "This endpoint has been requested too many times. Try again later."}), 60),
        (Canned(429, {"message": "slow down"}, (("Retry-After", "soon"),)), 60),
        (Canned(429, {"message": "slow down"}, (("Retry-After", "9" * 400),)), 60),
    ],
)
def test_a_long_wait_is_left_to_the_runner(answer: Canned, wait: int) -> None:
    clock = Standstill(TODAY)
    fault = refusal(answer, clock=clock.clock)
    assert (fault.passing, fault.retry_after, clock.slept) == (True, wait, [])
    assert f"{wait} s" in str(fault)


def test_after_the_last_request_that_is_allowed_none_is_tried() -> None:
    clock = Standstill(TODAY)
    spent = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(TODAY + 1000)), ("Date", formatdate(TODAY)))
    with serving(Canned(200, {"iid": 3}, spent)) as script:
        connection = connect(script, clock=clock.clock)
        ask(connection)
        with pytest.raises(Fault) as caught:
            ask(connection)
        assert len(script.asked) == 1
    assert caught.value.passing
    assert caught.value.retry_after == pytest.approx(1001)


def test_writes_are_paced_and_reads_are_not() -> None:
    clock = Standstill(TODAY)
    with serving(*[Canned(200, {"iid": 3})] * 6) as script:
        connection = connect(script, clock=clock.clock, pace=Pace(interval=1.0, burst=2, hourly=100))
        for verb in ("put", "get", "put", "get", "put", "get"):
            ask(connection, verb)
    assert clock.slept == [1.0]


# ── what is remembered between requests ──────────────────────────────────────────────────────────────────────────────


def test_an_answer_that_still_holds_is_not_sent_again_and_is_everybodys_own_copy() -> None:
    first = Canned(200, {"labels": ["ä"]}, (("ETag", 'W/"abc"'),))
    later = Canned(200, {"labels": []}, (("ETag", 'W/"def"'),))
    with serving(first, Canned(304, b""), Canned(502), Canned(304, b""), later) as script:
        connection = connect(script)
        for _ in range(3):
            answer = ask(connection)
            assert answer == {"labels": ["ä"]}
            answer["labels"].append("mine")
        assert ask(connection) == {"labels": []}
        asked = [one.headers.get("If-None-Match") for one in script.asked]
    assert asked == [None, *['W/"abc"'] * 4]


def test_what_was_asked_elsewhere_or_is_a_write_is_not_taken_for_it() -> None:
    tagged = Canned(200, {"iid": 3}, (("ETag", '"abc"'),))
    with serving(*[tagged] * 4) as script:
        connection = connect(script)
        for question in ({}, {"state": "all"}, {"state": "opened"}):
            connection.client.http_get(PATH.removeprefix("/api/v4"), query_data=question)
        ask(connection, "put")
        assert not any("If-None-Match" in one.headers for one in script.asked)


@pytest.mark.parametrize(("items", "more"), [(100, False), (30, True)], ids=["full", "linked"])
def test_a_page_that_may_get_a_successor_is_asked_for_in_full(items: int, more: bool) -> None:
    link = (("Link", f'<http://x{PATH}?page=2>; rel="next"'),) if more else ()
    page = Canned(200, [{}] * items, (("ETag", '"abc"'), *link))
    with serving(page, page) as script:
        connection = connect(script)
        for _ in range(2):
            connection.client.http_get(PATH.removeprefix("/api/v4"))
        assert not any("If-None-Match" in one.headers for one in script.asked)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "404 Branch Not Found"}, "404 Branch Not Found"),
        ({"message": ["Another one exists already: !1", "And more."]}, "Another one exists already: !1; And more"),
        (
            {"message": {"name": ["has already been taken"], "base": ["Odd."]}},
            "name has already been taken; Odd",
        ),
        ({"error": "insufficient_scope", "error_description": "Needs more."}, "insufficient_scope; Needs more"),
        ({"message": "two\nlines\x1b[31m and \u202eback"}, "two lines [31m and  back"),
        ({"message": "x" * 1000}, "x" * 300),
        ({"message": [[[[["deep"]]]]]}, ""),
        ({"message": 7, "error": None}, ""),
        (["odd"], ""),
        (b"<html>", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_words_of_a_refusal_are_kept_on_one_clean_line(body: object, said: str) -> None:
    assert refusal(Canned(422, body), verb="post").said == said


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "Check the token"), (403, "the role Developer"), (302, "in the settings"), (400, "")]
)
def test_a_refusal_that_the_operator_can_mend_says_how_and_is_not_tried_again(status: int, advice: str) -> None:
    with serving(Canned(status, {"message": "no"})) as script:
        with pytest.raises(WireFault) as caught:
            ask(connect(script))
        assert len(script.asked) == 1
    assert not caught.value.passing
    assert advice in str(caught.value)


# ── manners ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_manners_of_every_request() -> None:
    with serving(Canned(200, {"iid": 3})) as script:
        ask(connect(script))
    assert script.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert script.asked[0].headers["User-Agent"] == "relbot"


def test_every_request_is_counted_for_the_connection_and_for_the_work_at_hand() -> None:
    with serving(Canned(502), Canned(200, {"iid": 3}), Canned(200, {"iid": 3})) as script:
        connection = connect(script)
        with tallying() as tally:
            ask(connection)
        ask(connection, "put")
    assert (connection.calls, tally.calls) == (3, 2)


def test_each_thread_has_a_client_of_its_own_and_keeps_it() -> None:
    """The race that a shared one would have is too rare to wait for."""
    connection, both = Connection("http://127.0.0.1:1", Secret(TOKEN), Manners()), Barrier(2, timeout=10)

    def twice(_: int) -> tuple[object, object]:
        first = connection.client
        both.wait()
        return first, connection.client

    with ThreadPoolExecutor(2) as threads:
        (one, same), (other, _) = threads.map(twice, range(2))
    assert one is same
    assert one is not other
