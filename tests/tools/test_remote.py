"""Links are made for the forge that a clone came from, and hold no password."""

from __future__ import annotations

import pytest

from bot.core.changelog.view import Addresses
from bot.tools.git import Git
from bot.tools.remote import addresses_of, read_addresses, read_origin
from tests.tools.histories import History


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/kit.git", "https://github.com/acme/kit", "git@github.com:acme/kit.git",
        "ssh://git@github.com/acme/kit.git", "https://ada:hunter2@github.com/acme/kit.git/",
    ],
)  # fmt: skip
def test_pulls_are_linked_on_the_one_forge(url: str) -> None:
    made = read_addresses(url)
    assert made.pull == "https://github.com/acme/kit/pull/{number}"
    assert made.compare == "https://github.com/acme/kit/compare/{old}...{new}"
    assert "hunter2" not in str(made)


def test_merge_requests_are_linked_on_the_other_in_groups_and_at_ports() -> None:
    made = read_addresses("https://gitlab.example:8443/acme/sub/kit.git")
    assert made.pull == "https://gitlab.example:8443/acme/sub/kit/-/merge_requests/{number}"
    assert read_addresses("ssh://git@gitlab.example:2222/acme/kit").commit == (
        "https://gitlab.example/acme/kit/-/commit/{sha}"
    )


def test_who_knows_which_forge_it_is_has_its_links_whatever_the_host_is_called() -> None:
    url = "https://git.example/acme/kit.git"
    assert read_addresses(url, "gitlab").pull == "https://git.example/acme/kit/-/merge_requests/{number}"
    assert read_addresses(url, "github") == read_addresses(url)
    assert read_addresses("https://gitlab.example/acme/kit", "github").pull == "https://gitlab.example/acme/kit/pull/{number}"


NO_HOST = ("", "/srv/git/kit.git", "../kit", "file:///srv/kit", "https://x", "javascript:alert(1)//a/b")


@pytest.mark.parametrize("url", NO_HOST)
def test_there_are_no_links_where_there_is_no_web_host(url: str) -> None:
    assert read_addresses(url) == Addresses()


def test_the_address_is_read_from_the_repository(tmp_path) -> None:
    history = History(tmp_path / "r")
    assert addresses_of(Git(history.git_dir)) == Addresses()
    history.git("remote", "add", "origin", "git@github.com:acme/kit.git")
    assert addresses_of(Git(history.git_dir)).pull == "https://github.com/acme/kit/pull/{number}"


def test_of_several_addresses_the_first_counts_from_which_is_fetched(tmp_path) -> None:
    history = History(tmp_path / "clone")
    assert read_origin(Git(history.git_dir)) is None
    for address in ("git@forge.example:acme/kit.git", "https://mirror.example/x/y"):
        history.git("config", "--add", "remote.origin.url", address)
    assert read_origin(Git(history.git_dir)) == ("forge.example", "acme/kit")
