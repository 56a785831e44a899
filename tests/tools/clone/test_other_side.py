"""A forge that does not answer as it should, and who gets to know the password."""

from __future__ import annotations

import pytest

from bot.core.errors import Fault, UserError
from bot.tools.clone import Clone
from bot.tools.git import Git, processes_started
from tests.tools.clone.breakages import leave_locks
from tests.tools.clone.story import PASSWORD, WANTED, access, over_http, refs, sync
from tests.tools.git_server import GitServer
from tests.tools.histories import History

# ── a forge that does not answer ─────────────────────────────────────────────────────────────────────────────────────


def silence(server):
    server.__exit__()


def refuse(server):
    server.password = "someone:else"


def answer(status, body=b"nothing to see here\n", kind="text/plain"):
    def set_status(server):
        server.status, server.body, server.kind = status, body, kind

    return set_status


ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
TROUBLE = {
    "unreachable": silence,
    "401": refuse,
    "403": answer(403),
    "404": answer(404),
    "429": answer(429),
    "500": answer(500),
    "503": answer(503),
    "a page for people": answer(200, b"<html>We are down for maintenance</html>"),
    "an empty answer": answer(200, b""),
    "words of its own": answer(200, b"001e# service=git-upload-pack\n00000017ERR not in my house", ADVERTISEMENT),
    "half an answer": answer(200, b"001e# service=git-upload-pack\n0000004", ADVERTISEMENT),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_on_the_other_side_passes_and_costs_nothing(remote, tmp_path, server, trouble):
    clone = over_http(server, tmp_path)
    sync(clone)
    before = refs(clone)
    inode = clone.directory.stat().st_ino
    TROUBLE[trouble](server)
    with pytest.raises(Fault) as caught:
        sync(clone)
    assert caught.value.passing
    assert "w\"ord" not in str(caught.value)
    assert refs(clone) == before
    assert clone.directory.stat().st_ino == inode
    assert not list(clone.place.glob("mirror.git.*"))


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_first_clone_that_fails_leaves_nothing_and_works_the_next_time(remote, tmp_path, server, trouble):
    clone = over_http(server, tmp_path)
    TROUBLE[trouble](server)
    with pytest.raises(Fault) as caught:
        sync(clone)
    assert caught.value.passing
    assert [path.name for path in clone.place.iterdir()] == ["lock"]
    clone.use(access(f"file://{remote.path}"))
    sync(clone)
    assert len(refs(clone)) == 3


def test_a_broken_clone_with_a_silent_forge_is_kept_until_the_forge_is_back(remote, tmp_path, server):
    clone = over_http(server, tmp_path)
    sync(clone)
    leave_locks(clone.directory)
    remote.commit("main", {"new.py": "new\n"}, "New")
    forgotten = []

    def work():
        try:
            clone.fetch(WANTED)
        finally:
            server.status = 503

    with pytest.raises(Fault) as caught:
        clone.healing(work, forget=lambda: forgotten.append(1))
    assert caught.value.passing
    assert not forgotten
    assert len(refs(clone)) == 3
    server.status = 0
    again = Clone(clone.place, clone.access)  # a minute later, or after a restart
    sync(again)
    assert refs(again)["refs/heads/main"] == remote.sha("main")


def test_a_forge_that_is_slow_at_a_first_clone_is_given_its_time(remote, tmp_path, server, monkeypatch):
    """A large project takes minutes, and cutting it short would start it from nothing each time."""
    monkeypatch.setattr(Git.__init__, "__defaults__", (None, 0.6))
    server.delay = 0.3
    clone = over_http(server, tmp_path)
    sync(clone)
    assert len(refs(clone)) == 3


# ── credentials and addresses ────────────────────────────────────────────────────────────────────────────────────────


def test_the_password_goes_to_the_forge_whatever_is_in_it(remote, tmp_path, server):
    server.password = f"relbot:{PASSWORD}"
    clone = over_http(server, tmp_path)
    sync(clone)
    assert len(refs(clone)) == 3
    assert {asked.credentials for asked in server.asked} == {None, server.password}


def test_a_forge_that_does_not_ask_is_not_told(remote, tmp_path, server):
    sync(over_http(server, tmp_path))
    assert {asked.credentials for asked in server.asked} == {None}


@pytest.mark.parametrize("first_asks", [True, False])
def test_another_host_that_the_forge_redirects_to_is_not_told(remote, tmp_path, server, first_asks):
    with GitServer(remote.path.parents[1]) as other:
        server.redirect = other.url
        server.password = f"relbot:{PASSWORD}" if first_asks else None
        other.password = "anybody:at all"
        with pytest.raises(Fault) as caught:
            sync(over_http(server, tmp_path))
        assert caught.value.passing
        assert len(other.asked) > 0
        assert {asked.credentials for asked in other.asked} <= {None, ":"}


def test_a_new_password_is_used_from_the_next_process_on(remote, tmp_path, server):
    server.password = "relbot:first"
    clone = over_http(server, tmp_path, password="first")
    git = clone.git()
    sync(clone)
    server.password = "relbot:second"
    clone.use(access(clone.access.url, "second"))
    sync(clone)
    git.run("ls-remote", clone.access.url)


def test_a_renamed_repository_is_fetched_from_its_new_address(remote, tmp_path, server):
    clone = over_http(server, tmp_path)
    sync(clone)
    remote.path.rename(remote.path.with_name("renamed.git"))
    moved = History.__new__(History)
    moved.__dict__.update(remote.__dict__, path=remote.path.with_name("renamed.git"))
    new = moved.commit("main", {"new.py": "new\n"}, "New")
    clone.use(access(f"{server.url}/acme/renamed.git"))
    started = processes_started()["fetch"]
    sync(clone)
    assert processes_started()["fetch"] == started + 1
    assert refs(clone)["refs/heads/main"] == new
    old = moved.git("rev-parse", "main~7:a.py")
    assert clone.git().run("cat-file", "blob", old) == moved.read("main~7", "a.py")  # fetched when it is needed


@pytest.mark.parametrize("url", ["http://x/\ny", "http://x/\0y", "http://x/\x7fy"[:9] + "\ty"])
def test_an_address_with_control_characters_is_refused(tmp_path, url):
    with pytest.raises(UserError, match="control characters"):
        sync(Clone(tmp_path / "x", access(url)))


@pytest.mark.parametrize("url", [
    "ext::sh -c touch% pwned", "-u./pwned", "--upload-pack=touch pwned", "ssh://-oProxyCommand=touch pwned/y",
])  # fmt: skip
def test_an_address_that_would_run_a_program_does_not(tmp_path, url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Fault):
        sync(Clone(tmp_path / "x", access(url)))
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("name", [
    "qu'o\"te", "ünï", "#12", "a=b", "$(touch)", "`id`", "--upload-pack=touch", "-x", "@", "HEAD",
])  # fmt: skip
def test_oddly_named_branches_are_branches(remote, clone, name):
    sha = remote.sha("release/2.7")
    remote.git("update-ref", f"refs/heads/release/{name}", sha)
    sync(clone, ["+refs/heads/main:refs/heads/main", f"+refs/heads/release/{name}:refs/heads/release/{name}"])
    assert refs(clone)[f"refs/heads/release/{name}"] == sha
