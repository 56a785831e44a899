"""The real server over real sockets: what a sender may use up, and what becomes of those who are too much."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing, contextmanager

import pytest

from bot.app.listening import Bounds, listen
from bot.app.server import create_app
from tests.app.test_server import BODY, Inbox, doors, send, signed


class Gate(Inbox):
    """Lets nobody through before it is opened."""

    def __init__(self):
        super().__init__()
        self.opened = threading.Event()
        self.inside = threading.Semaphore(0)

    def handle(self, delivery, event):
        self.inside.release()
        assert self.opened.wait(20)
        super().handle(delivery, event)


@contextmanager
def serving(inbox, **bounds):
    server = listen(create_app(doors(), inbox), "127.0.0.1", 0, Bounds(**bounds))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(20)
        assert not thread.is_alive()


def head(length=None):
    lines = (f"{name}: {value}" for name, value in signed(BODY).items())
    length = len(BODY) if length is None else length
    return "\r\n".join(("POST /hooks/github HTTP/1.1", "Host: x", *lines, f"Content-Length: {length}", "", "")).encode()


def call(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def answer(connection):
    """The status and what is said, read to the end of the connection or of the answer."""
    with connection.makefile("rb") as file:
        status = file.readline().split()
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return int(status[1]), json.loads(file.read(int(headers["Content-Length"]))), headers


def is_closed(connection):
    """Whether the other end has hung up; it is waited for."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"POST /hoo", head() + b"{", head(25_000_000) + b"{"])
def test_who_takes_too_long_is_hung_up_on(sent):
    with serving(Inbox(), head=0.3, body=0.3) as server, call(server) as slow:
        slow.sendall(sent)
        assert is_closed(slow)


def test_a_byte_now_and_then_buys_no_more_time():
    def go_on(slow):
        for byte in b"POST /hooks/github HTTP/1.1" * 3:
            slow.sendall(bytes([byte]))
            time.sleep(0.1)

    with (
        serving(Inbox(), head=0.5) as server,
        call(server) as slow,
        pytest.raises(OSError),  # noqa: PT011 - the connection is gone, whatever the system calls that
    ):
        go_on(slow)


def test_an_honest_sender_gets_in_when_the_house_is_full_of_slow_ones():
    inbox = Inbox()
    with serving(inbox, connections=20) as server:
        crowd = [call(server) for _ in range(20)]
        for slow in crowd:
            slow.sendall(b"POST /hooks/git")
        assert [send(server.port, BODY, signed(BODY))[0] for _ in range(5)] == [202] * 5
        assert is_closed(crowd[0])
        for slow in crowd:
            slow.close()
    assert len(inbox.taken) == 5


def test_above_what_can_be_done_there_is_a_quick_503_and_the_rest_is_answered():
    gate = Gate()
    with serving(gate, threads=1, waiting=1) as server:
        waiting = [call(server) for _ in range(2)]
        for connection in waiting:
            connection.sendall(head() + BODY)
            if connection is waiting[0]:
                gate.inside.acquire(timeout=10)
        _until(lambda: len(server.task_dispatcher.queue) == 1)
        with call(server) as late:
            late.sendall(head() + BODY)
            status, said, headers = answer(late)
        assert (status, headers["Retry-After"]) == (503, "60")
        assert "no room" in said["error"]
        assert gate.taken == []
        gate.opened.set()
        for connection in waiting:
            with closing(connection):
                assert answer(connection)[0] == 202


def test_large_bodies_have_room_for_so_many_and_small_ones_get_past_them():
    inbox = Inbox()
    with serving(inbox, bodies=1_000_000) as server:
        with call(server) as large:
            large.sendall(head(900_000) + b"{")
            _until(lambda: server.in_flight == 900_000)
            with call(server) as another:
                another.sendall(head(300_000))
                status, said, _ = answer(another)
            assert status == 503
            assert "no room" in said["error"]
            assert send(server.port, BODY, signed(BODY))[0] == 202
        _until(lambda: server.in_flight == 0)
        padded = BODY + b" " * 900_000
        assert send(server.port, padded, signed(padded))[0] == 202
        _until(lambda: server.in_flight == 0)


def test_what_follows_a_refused_head_is_no_request():
    """Else a body that nobody reads could hold another request, which nobody upstream has seen."""
    inbox = Inbox()
    with serving(inbox) as server, call(server) as connection:
        connection.sendall(head(26_000_000) + head() + BODY)
        assert answer(connection)[0] == 413
        assert is_closed(connection)
    assert inbox.taken == []


def test_two_lengths_are_none():
    with serving(Inbox()) as server, call(server) as connection:
        connection.sendall(head().replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + b"0\r\n\r\n")
        assert answer(connection)[0] == 411


@pytest.mark.parametrize("text", [
    b"nonsense\r\n\r\n",
    b"POST /hooks/github HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST /hooks/github HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
    b"POST /hooks/github HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
])
def test_what_is_no_http_is_refused_in_json(text):
    with serving(Inbox()) as server, call(server) as connection:
        connection.sendall(text)
        status, said, _ = answer(connection)
        assert status in (400, 431, 501)
        assert said["error"]
        assert is_closed(connection)


def test_two_deliveries_on_one_connection_are_answered_in_turn():
    inbox = Inbox()
    with serving(inbox) as server, call(server) as connection:
        for _ in range(2):
            connection.sendall(head() + BODY)
            assert answer(connection)[0] == 202
    assert len(inbox.taken) == 2


def test_told_to_stop_it_answers_what_is_in_flight_and_takes_nothing_more():
    gate = Gate()
    with serving(gate) as server, call(server) as begun, call(server) as halfway, call(server) as idle:
        begun.sendall(head() + BODY)
        gate.inside.acquire(timeout=10)
        halfway.sendall(head() + BODY[:10])
        _until(lambda: any(each.request and each.request.headers_finished for each in server.active_channels.values()))
        server.shutdown()
        assert is_closed(idle)
        with pytest.raises(OSError):  # noqa: PT011 - refused
            call(server).close()
        halfway.sendall(BODY[10:])
        gate.opened.set()
        assert answer(begun)[0] == 202
        assert answer(halfway)[0] == 202


def test_told_to_stop_it_may_end_before_the_telling_does():
    class Slow(threading.Event):
        def set(self):
            super().set()
            thread.join(0.5)  # the loop has all the time it wants, between being told and being woken

    server = listen(create_app(doors(), Inbox()), "127.0.0.1", 0)
    server._stopping = Slow()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with call(server) as connection:  # somebody is there, so that the loop turns by itself
        _until(lambda: server.active_channels)
        telling = threading.Thread(target=server.shutdown)
        telling.start()
        assert is_closed(connection)
    telling.join(5)
    thread.join(5)
    assert not thread.is_alive() and not telling.is_alive()
    server.shutdown()  # and once more is once too often for nobody


def _until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
