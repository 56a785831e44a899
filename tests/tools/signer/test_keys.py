"""Real keys, real ssh-keygen and gpg: what they sign holds, and what goes wrong is told by its name."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from dataclasses import replace

import pytest

from bot.core.errors import UserError
from bot.core.model import Secret
from bot.tools.signer.keys import KeyPlace, open_key
from tests.tools.signing_keys import BOTH, PASSPHRASE, gpg_home, key_pair, needs


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "passphrase"])
def test_a_key_signs_and_leaves_nothing_behind(kind, passphrase, place, monkeypatch):
    pair, room = key_pair(kind, passphrase=passphrase), place.parent
    monkeypatch.setattr("tempfile.tempdir", str(room))
    with closing(open_key(pair.place)) as key:
        assert key.sign(b"some text\n").startswith(b"-----BEGIN ")
        assert len(list(room.iterdir())) == 1
    assert list(room.iterdir()) == []


@pytest.mark.parametrize(("kind", "words"), [
    pytest.param("ssh", None, marks=needs("ssh")), pytest.param("ssh", Secret("a wrong one"), marks=needs("ssh")),
    pytest.param("gpg", Secret("a wrong one"), marks=needs("gpg")),
])  # fmt: skip
def test_a_passphrase_that_does_not_open_the_key_is_told_at_the_start(kind, words):
    with pytest.raises(UserError, match="passphrase") as caught:
        open_key(replace(key_pair(kind, passphrase=PASSPHRASE).place, passphrase=words))
    assert "a wrong one" not in str(caught.value)


@pytest.mark.parametrize("kind", BOTH)
def test_a_file_that_holds_no_key_is_told_at_the_start(kind, tmp_path):
    (tmp_path / "key").write_text("nothing\n")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UserError, match="does not sign"):
        open_key(KeyPlace(kind, tmp_path / "key"))


def test_a_key_that_is_not_there_or_is_open_to_others_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        open_key(KeyPlace("ssh", tmp_path / "key"))
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(UserError, match="open to others"):
        open_key(KeyPlace("ssh", tmp_path / "key"))


@pytest.mark.parametrize("program", ["ssh-keygen", "gpg"])
def test_a_missing_program_is_told_with_its_package(program, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UserError, match=r"Install (openssh-client|gnupg)"):
        open_key(KeyPlace("ssh" if program == "ssh-keygen" else "gpg", tmp_path / "key"))


def stand_in(room, program, script):
    path = room / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_program_that_does_not_answer_is_ended_with_all_it_started(tmp_path, monkeypatch):
    """A key in hardware may wait for a finger that never comes."""
    real = shutil.which("sleep")
    stand_in(tmp_path, "ssh-keygen", f"{real} 617 & {real} 617")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UserError, match=r"did not answer within 0\.2 s"):
        open_key(KeyPlace("ssh", tmp_path / "key"), deadline=0.2)
    monkeypatch.undo()
    listed = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert "sleep 617" not in listed


@pytest.mark.parametrize(("kind", "script"), [
    ("ssh", "exit 0"), ("ssh", "echo signed"), ("ssh", "echo -----BEGIN SSH SIGNATURE-----"), ("gpg", "exit 0"),
    ("gpg", "printf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END PGP SIGNATURE-----\\n'"),
    ("gpg", "echo '[GNUPG:] SIG_CREATED D 22 8 00 1 X' >&2"),
])  # fmt: skip
def test_a_program_that_says_it_went_well_and_signs_nothing_is_not_believed(kind, script, tmp_path, monkeypatch):
    stand_in(tmp_path, {"ssh": "ssh-keygen", "gpg": "gpg"}[kind], script)
    stand_in(tmp_path, "gpgconf", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UserError, match="does not sign"):
        open_key(KeyPlace(kind, tmp_path / "key"))


def test_the_program_gets_a_clean_environment_and_no_passphrase_on_its_command_line(tmp_path, monkeypatch):
    told = tmp_path / "told"
    stand_in(tmp_path, "gpg", f"(echo \"$@\"; env) >> {told}; exit 2")
    stand_in(tmp_path, "gpgconf", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("GITHUB_TOKEN", "a-token-of-the-forge")
    monkeypatch.setenv("GNUPGHOME", "/nowhere")
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UserError):
        open_key(KeyPlace("gpg", tmp_path / "key", Secret(PASSPHRASE)))
    said = told.read_text()
    assert "--passphrase-fd" in said
    assert PASSPHRASE not in said
    assert "a-token-of-the-forge" not in said
    assert "/nowhere" not in said


@needs("gpg")
def test_a_home_of_gpgs_will_do_as_well():
    pair = key_pair("gpg")
    with gpg_home() as home:
        command = ["gpg", "--batch", "--quiet", "--homedir", home, "--import", pair.place.path]
        subprocess.run(command, check=True, capture_output=True)
        for user in (None, "release@example.org"):
            with closing(open_key(replace(pair.place, path=home, user=user))) as key:
                assert key.sign(b"text\n").startswith(b"-----BEGIN PGP")
        with pytest.raises(UserError, match="does not sign"):
            open_key(replace(pair.place, path=home, user="nobody@example.org"))


@needs("ssh")
@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="no ssh-agent here: apt-get install openssh-client")
def test_a_key_in_an_agent_is_named_by_its_public_half(tmp_path, monkeypatch):
    pair = key_pair("ssh")
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as agent:
        try:
            assert agent.stdout.readline()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
            subprocess.run(["ssh-add", "-q", pair.place.path], check=True, capture_output=True)
            with closing(open_key(KeyPlace("ssh", pair.public))) as key:
                assert key.sign(b"text\n").startswith(b"-----BEGIN SSH")
        finally:
            agent.terminate()
