"""What a signer signs, and all that it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.tools.signer import PROBE
from bot.tools.signer.rules import Rules
from bot.tools.tags import MOST, compose
from tests.tools.test_tags import COMMIT, REPO, WHO, WISH

OURS = "github:acme/torchlet"
TEXT = compose(REPO, WISH, WHO)
BODY = TEXT.render()


def test_a_tag_as_the_bot_writes_it_is_signed():
    assert Rules().judge(OURS, BODY) == TEXT


@pytest.mark.parametrize("text", [
    b"", b"\0", b"tree 1\nauthor x\n\nmessage\n", PROBE, BODY + b"\n", BODY[:-1], b"\n" + BODY,
    BODY.replace(b"\n", b"\r\n"),
    BODY.replace(b"type commit", b"type tree"), BODY.replace(b"tag v2.7.0-rc1\n", b"tag latest\n"),
    BODY.replace(b"tag v2.7.0-rc1\n", b"tag v2.7.0-rc1\ngpgsig x\n"), BODY.replace(b"+0000", b"+0100"),
    BODY.replace(b"Gates: ", b"Blessing: "), BODY.replace(b"Commit: c", b"Commit: d"),
    BODY.replace(f"object {COMMIT}".encode(), b"object " + b"d" * 40), BODY + b"Image: another\n",
    BODY.replace(b"What is new:", b"-----BEGIN SSH SIGNATURE-----"), BODY.replace(b"What is new:", b"---"),
    BODY.replace(b"What is new:", b"Caf\xe9"), BODY.replace(b"a fix", b"a\x1b[2Jfix"),
    BODY.replace(b"@mona", b" @mona"), BODY.replace(b"1720000000", b"01720000000"),
    BODY + b"-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n",
], ids=range(23))  # fmt: skip
def test_what_is_no_tag_of_the_bots_is_not_signed(text):
    assert text != BODY
    assert isinstance(Rules().judge(OURS, text), str)


@pytest.mark.parametrize("name", ["v2.7.0\ntagger x <y> 0 +0000", "latest", "v2.7.0/../main", "refs/heads/main"])
def test_a_hostile_name_is_not_signed_whatever_else_is_right(name):
    assert isinstance(Rules().judge(OURS, BODY.replace(b"v2.7.0-rc1", name.encode())), str)


def test_a_text_of_any_size_is_refused_by_its_size():
    assert "larger" in Rules().judge(OURS, BODY + b"x" * MOST)


def test_a_tag_for_one_repository_is_not_signed_for_another():
    assert "another repository" in Rules().judge("github:acme/other", BODY)
    assert "another repository" in Rules().judge("gitlab:acme/torchlet", BODY)


@pytest.mark.parametrize(("patterns", "served"), [
    ((), True), ((OURS,), True), (("github:acme/*",), True), (("gitlab:*/*", "github:*/torchlet"), True),
    (("github:*",), False), (("github:acme/torch",), False), (("gitlab:acme/*",), False), (("github:acme/*/*",), False),
])  # fmt: skip
def test_only_the_repositories_that_it_was_started_for_are_served(patterns, served):
    assert isinstance(Rules(patterns).judge(OURS, BODY), str) is not served


@pytest.mark.parametrize(("names", "signed"), [
    (("v2.7.*",), True), (("v2.8.*", "v2.7.0-rc*"), True), (("v2.8.*",), False), (("v2",), False), ((), True),
])  # fmt: skip
def test_the_operator_may_narrow_the_names(names, signed):
    assert isinstance(Rules(names=names).judge(OURS, BODY), str) is not signed


def test_every_version_is_signed_by_its_own_name():
    for name in ("v2.7.0", "2.7.10-rc10", "PyTorch-CUDA-v2.8-rc1"):
        body = compose(REPO, replace(WISH, name=name), WHO).render()
        assert Rules().judge(OURS, body).name == name
