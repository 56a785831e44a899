"""Which keys count, and what happens where they cannot be read or nothing can check them."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest

from bot.core.errors import Fault, UserError
from bot.tools.git import Git
from bot.tools.signer.keys import open_key
from bot.tools.tags import read_object
from bot.tools.verifying import Verifier
from tests.tools.histories import History
from tests.tools.signing_keys import BOTH, key_pair, needs


@pytest.fixture
def tagged(tmp_path):
    """A repository of which tag objects are signed by a key."""
    history = History(tmp_path / "r", bare=True)
    commit = history.commit("main", {"a": "1"})
    head = f"object {commit}\ntype commit\ntag v2.7.0\ntagger Ada <ada@example.org> 1700000000 +0000"
    body = f"{head}\n\nby hand\n".encode()

    def sign(kind, name="release"):
        with closing(open_key(key_pair(kind, name).place)) as key:
            whole = body + key.sign(body)
        made = history.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=whole)
        return Git(history.path), made, read_object(whole).signed

    return sign


def verdicts(signers, *tags):
    with closing(Verifier(signers)) as verifier:
        return [verifier.check(*tag)[0] for tag in tags]


@needs("ssh")
@needs("gpg")
def test_all_the_keys_of_the_file_count_and_no_others(tagged, tmp_path, monkeypatch):
    tags = [tagged(kind, name) for name in ("release", "another") for kind in ("ssh", "gpg")]
    both = tmp_path / "both"
    both.write_text("# who may\n\n" + "".join(key_pair(kind).public.read_text() for kind in ("ssh", "gpg")))
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))  # not the keyrings of whoever runs it
    assert verdicts(both, *tags) == ["good", "good", "bad", "bad"]
    assert verdicts(key_pair("ssh", "another").public, *tags) == ["bad", "bad", "good", "bad"]
    with both.open("a") as file:  # a key is replaced: the old one goes on counting
        file.writelines(key_pair(kind, "another").public.read_text() for kind in ("ssh", "gpg"))
    assert verdicts(both, *tags) == ["good"] * 4


@pytest.mark.parametrize("kind", BOTH)
def test_a_text_that_was_changed_after_it_was_signed_is_told(tagged, kind, tmp_path):
    git, tag, signed = tagged(kind)
    body = git.run("cat-file", "tag", tag).replace(b"by hand", b"by foot")
    altered = git.run("hash-object", "-t", "tag", "-w", "--stdin", stdin=body).decode().strip()
    with closing(Verifier(key_pair(kind).public)) as verifier:
        verdict, said = verifier.check(git, altered, signed)
    assert (verdict, said) == ("bad", "its signature does not hold: the text is not what was signed")


@needs("ssh")
def test_a_machine_that_cannot_check_is_no_forger(tagged, tmp_path, monkeypatch):
    """A fault, and no verdict: nobody shall be told that a good signature is bad."""
    tag = tagged("ssh")
    for program in ("git", "env", "sh"):
        (tmp_path / program).symlink_to(shutil.which(program))
    monkeypatch.setenv("PATH", str(tmp_path))
    with closing(Verifier(key_pair("ssh").public)) as verifier, pytest.raises(Fault, match="Install openssh-client"):
        verifier.check(*tag)


@pytest.mark.parametrize(("text", "word"), [
    (None, "cannot be read"), ("", "no public key"), ("nothing\n", "no public key"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "private key"),
    ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n\n-----END PGP PUBLIC KEY BLOCK-----\n", "no public key"),
])  # fmt: skip
def test_a_file_without_keys_is_told(tagged, tmp_path, text, word):
    place = tmp_path / "signers"
    if text is not None:
        place.write_text(text)
    with closing(Verifier(place)) as verifier:
        with pytest.raises(UserError, match=word):
            verifier.check(Git(tmp_path), "0" * 40, "ssh")
        assert verifier.check(Git(tmp_path), "0" * 40, None) == ("none", "it is not signed")
