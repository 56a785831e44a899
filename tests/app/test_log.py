"""What reaches the log, and what must not."""

from __future__ import annotations

import json
import logging
from collections import deque

import pytest

from bot.app import log
from bot.core.model import Secret


@pytest.fixture
def lines(monkeypatch):
    """A logger whose formatted lines are collected."""
    monkeypatch.setattr(log, "_hidden", set())
    collected = []

    class Collect(logging.Handler):
        def emit(self, record):
            collected.append(log.Line().format(record))

    logger = logging.Logger("test")
    logger.addHandler(Collect())
    return logger, collected


def test_a_line_has_its_message_and_fields_as_key_value(lines):
    logger, collected = lines
    logger.info("starts", extra={"job": "backport:github:7:12:2.7:0"})
    assert collected[0].endswith("level=info from=test message=starts job=backport:github:7:12:2.7:0")


def test_every_line_inside_about_carries_its_fields(lines):
    logger, collected = lines
    with log.about(delivery="d1"), log.about(job="j1"):
        logger.info("inside")
    logger.info("outside")
    assert "delivery=d1 job=j1" in collected[0]
    assert "d1" not in collected[1]


@pytest.mark.parametrize("hostile", [
    "fine\ntime=now level=error message=forged",
    "fine\r\x1b[31mred",
    'quote" level=error x="',
    "line\u2028separator \u202eright to left",
    "nul\x00",
])
def test_text_from_outside_stays_one_field_of_one_line(lines, hostile):
    logger, collected = lines
    logger.info("title: %s", hostile, extra={"title": hostile})
    [line] = collected
    assert line.isascii()
    assert line.isprintable()
    assert line.count(" level=") - line.count('\\" level=') - line.count("now level=") == 1


@pytest.mark.parametrize(("text", "leak"), [
    ("token ghp_abcdefghij0123456789", "abcdefghij"),
    ("ghs_abcdefghij0123456789", "abcdefghij"),
    ("ghs_123_head.payload-of-it.signature", "signature"),
    ("proof eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI3In0.c2lnbmF0dXJlcw was refused", "c2lnbmF0dXJlcw"),
    ("github_pat_11AAAA_bbbbbbbbbbbb", "bbbb"),
    ("glpat-abcdefghij-klm", "abcdefghij"),
    ("https://bot:hunter2@github.com/acme/x.git", "hunter2"),
    ("https://onlytoken@github.com/acme/x.git", "onlytoken"),
    ("Authorization: Basic Ym90Omh1bnRlcjI=", "Ym90"),
    ("'authorization': 'token 0123456789abcdef'", "0123456789"),
    ("header Bearer abc.def-123", "abc.def"),
])
def test_credentials_are_taken_out_by_their_form(text, leak):
    assert leak in text
    assert leak not in log.redact(text)
    assert "***" in log.redact(text)


def test_ordinary_text_is_left_alone():
    text = "The token expired; basic authentication of https://github.com/acme/x and ada@example.org went on."
    assert log.redact(text) == text


def test_known_secrets_are_taken_out_by_value_also_when_quoted_in_an_address(lines):
    logger, collected = lines
    log.hide(Secret("p@ss/word+1"))
    logger.info("sent p@ss/word+1 to http://x/?key=p%40ss%2Fword%2B1")
    assert "word" not in collected[0]
    assert collected[0].count("***") == 2


def test_a_traceback_is_one_redacted_field(lines):
    logger, collected = lines
    try:
        int("https://bot:hunter2@github.com/x\nnext")
    except ValueError:
        logger.exception("fault")
    [line] = collected
    assert "trace=" in line
    assert "test_log.py" in line
    assert "hunter2" not in line
    assert "\n" not in line


def test_a_fault_keeps_the_id_it_was_given_first():
    one, other = ValueError("x"), ValueError("x")
    assert log.name_fault(one) == log.name_fault(one) != log.name_fault(other)


def test_a_passing_token_is_hidden_and_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())
    monkeypatch.setattr(log, "_passing", deque(maxlen=3))
    for n in range(4):
        log.hide_for_now(Secret(f"passing-token-{n}"))
        log.hide_for_now(Secret(str(n)))
        log.hide_for_now(Secret(f"passing-token-{n}"))
    assert log.redact("passing-token-3, passing-token-1") == "***, ***"
    assert log.redact("passing-token-0") == "passing-token-0", "it has ended long ago"


def test_what_is_told_people_loses_known_credentials_and_nothing_else(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())
    log.hide(Secret("known-credential"))
    said = "See https://me:you@example.org/known-credential and authorization: basic abcdefgh1234"
    assert log.conceal(said) == said.replace("known-credential", "***")


def test_a_record_as_json_has_the_same_fields_redacted():
    log.hide(Secret("canary-of-json"))
    told = {"name": "bot", "msg": "a\n%s", "args": ("canary-of-json",), "levelname": "INFO", "seconds": 1}
    record = logging.makeLogRecord(told)
    with log.about(delivery='d"1'):
        line = log.JsonLine().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["delivery"], told["seconds"]) == ("a\n***", 'd"1', "1")
