"""The signer at its socket: who reaches it, what it answers, and what it does not put up with."""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import threading

import pytest

from bot.core.errors import Fault, UserError
from bot.tools.signer import LONGEST, PROBE, Declined, Signed, SocketSigner
from bot.tools.signer import service as module
from bot.tools.signer.rules import Rules
from bot.tools.signer.service import listen_at
from tests.tools.signer.test_rules import BODY, OURS


class Stamp:
    """A key that signs at once, and remembers what."""

    def __init__(self):
        self.signed = []

    def sign(self, text):
        self.signed.append(text)
        return b"-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n"

    def close(self):
        pass


class Broken(Stamp):
    def sign(self, text):
        raise Fault("the key did not answer")


class Slow(Stamp):
    """A key that waits for a finger."""

    def __init__(self):
        super().__init__()
        self.finger = threading.Event()

    def sign(self, text):
        self.finger.wait(20)
        return super().sign(text)

    def close(self):
        self.finger.set()


def talk(place, request):
    """What the signer answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(place))
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return json.loads(answer)


def test_a_tag_is_signed_and_the_log_says_so(signing, caplog):
    caplog.set_level(logging.INFO)
    key = Stamp()
    answer = signing(key).sign(OURS, BODY)
    assert answer == Signed(b"-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n")
    assert key.signed == [BODY]
    [line] = [record.getMessage() for record in caplog.records if record.getMessage().startswith("signed")]
    assert f"v2.7.0-rc1 of {OURS} at {'c' * 40}, asked for by @mona" in line


def test_what_the_rules_forbid_is_declined_and_the_key_never_sees_it(signing, caplog):
    key = Stamp()
    signer = signing(key, Rules(("github:acme/other",)))
    assert isinstance(signer.sign(OURS, BODY), Declined)
    assert isinstance(signer.sign(OURS, BODY[:-1]), Declined)
    assert key.signed == []
    assert sum("declined" in record.getMessage() for record in caplog.records) == 2


def test_anybody_who_reaches_it_may_see_which_key_signs(signing):
    key = Stamp()
    assert isinstance(signing(key).probe(), Signed)
    assert key.signed == [PROBE]


@pytest.mark.parametrize("request_", [
    b"", b"\n", b"nonsense\n", b"{}\n", b"[]\n", b"null\n", b'{"probe": 1}\n', b'{"repository": 1, "tag": "x"}\n',
    b'{"tag": "x"}\n', b"\xff\xfe\n", b"[" * 100_000, json.dumps({"repository": "x", "tag": "\ud800"}).encode(),
    b'{"repository": "x", "tag": "' + b"x" * LONGEST + b'"}\n',
], ids=range(13))  # fmt: skip
def test_what_is_no_request_is_declined_and_the_next_one_is_served(signing, place, request_):
    key = Stamp()
    signer = signing(key)
    try:
        assert set(talk(place, request_)) == {"declined"}
    except ConnectionResetError:
        assert len(request_) > LONGEST  # it did not even listen to the end
    assert isinstance(signer.sign(OURS, BODY), Signed)


def test_a_key_that_fails_is_a_fault_that_passes(signing):
    with pytest.raises(Fault, match="did not answer") as caught:
        signing(Broken()).sign(OURS, BODY)
    assert caught.value.passing


def test_who_asks_does_not_wait_for_ever(signing):
    """The deadline of the request is the asker's; the key has its own."""
    with pytest.raises(Fault, match="no answer in time") as caught:
        signing(Slow(), deadline=0.1).sign(OURS, BODY)
    assert caught.value.passing


def test_a_request_that_never_ends_is_given_up_and_keeps_nobody_out(signing, place, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    signer = signing(Stamp())
    idle = [socket.socket(socket.AF_UNIX) for _ in range(12)]  # more than are served at once
    try:
        for connection in idle:
            connection.settimeout(10)
            connection.connect(str(place))
        assert isinstance(signer.sign(OURS, BODY), Signed)
        assert idle[0].recv(1) == b""
    finally:
        for connection in idle:
            connection.close()


def test_a_signer_that_is_not_there_is_a_fault_that_passes(place):
    with pytest.raises(Fault, match="See that it runs") as caught:
        SocketSigner(place).sign(OURS, BODY)
    assert caught.value.passing


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b"{}\n", b"[]\n", b'{"signature": 1}\n', b"\xff\n"])
def test_an_answer_that_cannot_be_read_is_a_fault_that_passes(place, answer):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def reply():
            connection, _ = listener.accept()
            with connection:
                while connection.recv(65536):
                    pass
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(Fault, match="no answer that I can read") as caught:
            SocketSigner(place).sign(OURS, BODY)
        assert caught.value.passing
        thread.join(10)


# ── the socket ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_its_owner_can_reach_it(place):
    with listen_at(place):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    made = place.parent / "below" / "socket"
    with listen_at(made):
        assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_a_socket_that_nobody_answers_any_more_is_replaced(place):
    listen_at(place).close()
    assert place.exists()
    with listen_at(place):
        pass


def test_a_signer_that_runs_is_not_pushed_aside(place):
    with listen_at(place), pytest.raises(UserError, match="listens at"):
        listen_at(place)


def test_a_file_is_not_taken_for_a_socket(place):
    place.write_text("mine")
    with pytest.raises(UserError, match="no socket"):
        listen_at(place)
    assert place.read_text() == "mine"


def test_a_path_that_is_no_place_for_a_socket_is_told(place):
    with pytest.raises(UserError, match="cannot listen"):
        listen_at(place.parent / ("x" * 200))


def test_what_systemd_opened_is_taken_only_by_the_process_that_it_was_opened_for(monkeypatch):
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    assert module.inherited() is None
