"""Which repository a clone comes from, and when that cannot be told."""

from __future__ import annotations

import pytest

from bot.app.places import find_origin
from bot.core.errors import UserError
from tests.tools.histories import History

SITES = {"github": "https://github.com", "gitlab": "https://git.acme.example:8443"}


@pytest.fixture
def clone(tmp_path):
    history = History(tmp_path / "r")

    def of(url):
        history.git("config", "remote.origin.url", url)
        return history.path

    return of


@pytest.mark.parametrize(("url", "named"), [
    ("https://github.com/acme/kit.git", "github:acme/kit"), ("git@github.com:acme/kit.git", "github:acme/kit"),
    ("https://x:secret@GitHub.com/acme/kit", "github:acme/kit"), ("ssh://git@git.acme.example/a/b/c", "gitlab:a/b/c"),
])  # fmt: skip
def test_the_origin_tells_forge_and_repository(clone, url, named):
    assert find_origin(SITES, clone(url)) == named


@pytest.mark.parametrize("url", ["https://github.com.evil.example/acme/kit", "/srv/kit.git", "file:///srv/kit", ""])
def test_an_origin_elsewhere_is_not_taken_for_a_repository(clone, url):
    with pytest.raises(UserError, match=r"--repository OWNER/NAME\.$"):
        find_origin(SITES, clone(url))


def test_two_forges_on_one_host_are_not_chosen_between(clone):
    with pytest.raises(UserError, match="--repository"):
        find_origin({"github": "https://one.example", "gitlab": "https://one.example"}, clone("https://one.example/a/b"))


def test_outside_of_a_clone_it_has_to_be_named(tmp_path):
    with pytest.raises(UserError, match="no clone here"):
        find_origin(SITES, tmp_path)
