"""Forgeries are refused: a sample of the million, and what only a real connection can carry."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from bot.app.listening import listen
from bot.app.server import create_app
from tests.chaos.altered import FORGERIES
from tests.chaos.forged import Request, cases, doors, hub_signature
from tests.chaos.forgeries import KINDS, Desk, forge


def test_a_sample_of_forgeries_is_refused_and_the_genuine_deliveries_between_them_are_taken():
    tally = forge(1_000, seed=3)
    assert tally.taken == []
    assert tally.faults == []
    assert tally.turned_away == 0
    assert tally.honest >= len(KINDS)
    assert set(tally.statuses) == set(FORGERIES), "every sort was tried"


@pytest.mark.parametrize("kind", KINDS)
def test_every_sort_of_genuine_delivery_is_there_to_be_forged(kind):
    pulls_comments_pushes_checks = len({case.event for case in cases(kind)})
    assert pulls_comments_pushes_checks == (4 if kind == "github" else 5), "GitLab tells of tags in a hook of its own"


@pytest.fixture(params=KINDS)
def room(request):
    desk = Desk()
    server = listen(create_app(doors(request.param), desk), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield request.param, desk, server.port
    server.shutdown()
    thread.join(20)


def written(request: Request, **changed) -> bytes:
    """The bytes of a request; `lines` are more header lines, `body` another body, `length` another length."""
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    body = changed.get("body", request.body)
    length = changed.get("length", len(body))
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: bot", *headers, *changed.get("lines", ())]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1") + body


def status_of(port: int, raw: bytes) -> int:
    """The status that is answered, 0 where the server hangs up instead."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, suppress(OSError):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(200)
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else 0


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def test_a_sample_over_real_connections_is_refused(room):
    kind, desk, port = room
    rng, known = Random(5), cases(kind)
    assert status_of(port, written(known[0].request())) == 202, "the door is open"
    for name, make in FORGERIES.items():
        request = make(rng, rng.choice(known))
        if request is None or request.length != "" or any(c in "\0\r\n" for c in "".join(request.headers.values())):
            continue  # lengths and such headers come below
        assert 400 <= status_of(port, written(request)) < 500 or request.method in {"OPTIONS", "HEAD"}, name
    assert desk.taken == 1


def test_what_only_a_connection_can_carry_is_refused(room):
    """Folded and doubled headers, bodies in pieces, lengths that contradict each other, a request behind a request."""
    kind, desk, port = room
    genuine = cases(kind)[0].request()
    forged = replace(genuine, headers={name: value for name, value in genuine.headers.items() if "Hub" not in name})
    forged = forged.without("X-Gitlab-Token", "webhook-signature")
    sent = {name: value for name, value in genuine.headers.items() if name not in forged.headers}
    proofs = [f"{name}: {value}" for name, value in sent.items()]
    folded = [f"{name}:\r\n {value[:9]}\r\n\t{value[9:]}" for name, value in sent.items()]
    spaced = [f"{name} : {value}" for name, value in sent.items()]
    underscored = [f"{name.replace('-', '_')}: {value}" for name, value in sent.items()]
    doubled = [line for name in sent for line in (f"{name}: x", f"{name}: y")]
    behind = b"X" + written(genuine)
    attacks = {
        "folded": written(forged, lines=folded),
        "a space before the colon": written(forged, lines=spaced, body=genuine.body),
        "underscores": written(forged, lines=underscored),
        "doubled": written(forged, lines=doubled),
        "chunked": written(genuine, lines=["Transfer-Encoding: chunked"], body=chunked(genuine.body), length=None),
        "chunked with a length": written(genuine, lines=["Transfer-Encoding: chunked"], body=chunked(genuine.body)),
        "two lengths": written(forged, lines=["Content-Length: 5"]),
        "a zero in a header": written(forged, lines=["X-Hub-Signature-256: sha256=\0", "X-Gitlab-Token: \0"]),
        "an endless header": written(forged, lines=["X-Gitlab-Token: " + "a" * 70_000]),
        "ten thousand headers": written(forged, lines=[f"X-{n}: 1" for n in range(10_000)]),
        "no version": b"POST "
        + genuine.path.encode()
        + b"\r\n"
        + "\r\n".join(proofs).encode()
        + b"\r\n\r\n"
        + genuine.body,
        "another one in the body": written(forged, body=behind),
        "bytes that are no header": b"\x16\x03\x01\x02\x00\x01\x00" * 30 + b"\r\n\r\n",
    }
    for name, raw in attacks.items():
        assert status_of(port, raw) // 100 != 2, name
    assert desk.taken == 0
    assert status_of(port, written(genuine)) == 202, "the door still opens"


def test_the_count_of_what_is_taken_can_fail():
    """The same way with a forgery that is none: signed by who has the secret."""
    case = cases("github")[0]
    FORGERIES["of one who has the secret"] = lambda rng, case: case.request()
    try:
        assert len(forge(1).taken) > 0
    finally:
        del FORGERIES["of one who has the secret"]
    assert hub_signature("a", case.body) != hub_signature("b", case.body)
