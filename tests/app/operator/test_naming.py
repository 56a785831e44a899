"""A pull is found by whatever people call it."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.app.operator.naming import PullName, find_places, read_pull
from bot.app.store import deliveries, journal
from bot.app.store.database import Database
from bot.core.errors import UserError
from bot.core.events import PullClosed
from bot.core.model import Repo
from tests.app.values import ADA, a_backport

SITES = {"github": "https://github.com", "gitlab": "https://git.example/lab"}


@pytest.mark.parametrize(
    ("named", "read"),
    [
        ("acme/kit#12", PullName(None, "acme/kit", 12)),
        ("github:acme/kit#12", PullName("github", "acme/kit", 12)),
        ("gitlab:acme/kit#12", PullName("gitlab", "acme/kit", 12)),
        ("group/sub/kit!12", PullName("gitlab", "group/sub/kit", 12)),
        ("https://github.com/acme/kit/pull/12", PullName("github", "acme/kit", 12)),
        ("https://github.com/acme/kit/pull/12/files?w=1#x", PullName("github", "acme/kit", 12)),
        ("https://git.example/lab/group/sub/kit/-/merge_requests/12", PullName("gitlab", "group/sub/kit", 12)),
        ("https://other.example/group/kit/-/merge_requests/12/diffs", PullName("gitlab", "group/kit", 12)),
    ],
)
def test_every_form_is_read(named, read):
    assert read_pull(named, SITES) == read


@pytest.mark.parametrize("named", ["12", "#12", "kit#12", "acme/kit", "acme/kit#0", "acme/kit#12x", "https://x/y", ""])
def test_what_names_no_pull_is_sent_back(named):
    with pytest.raises(UserError, match="Write OWNER/NAME#12"):
        read_pull(named, SITES)


def test_with_one_forge_it_need_not_be_said_and_the_address_is_told():
    read = read_pull("acme/kit#12", {"github": "https://github.com"})
    assert read.address(SITES) == "https://github.com/acme/kit/pull/12"
    assert PullName("gitlab", "a/b", 3).address(SITES) == "https://git.example/lab/a/b/-/merge_requests/3"


def test_a_path_leads_to_the_repositories_that_had_it_whatever_its_case_the_newest_first(tmp_path):
    with closing(Database(f"sqlite:///{tmp_path}/relbot.sqlite")) as database:
        database.prepare()
        with database.begin() as connection:
            journal.begin(connection, a_backport(), "")
            for number, path in ((8, "Acme/Torchlet"), (9, "acme/torchlet"), (9, "acme/renamed")):
                event = PullClosed(Repo("github", number, path, "main"), 12, ADA)
                deliveries.put(connection, f"github:{number}{path}", event)
            later = "UPDATE relbot_inbox SET received_at = received_at + 9 WHERE partition = 'github:9'"
            connection.exec_driver_sql(later)
            assert find_places(connection, PullName(None, "ACME/torchlet", 1))[0] == "github:9"
            assert set(find_places(connection, PullName("github", "acme/torchlet", 1))) == {
                "github:7", "github:8", "github:9",
            }  # fmt: skip
            assert find_places(connection, PullName(None, "acme/renamed", 1)) == ["github:9"]
            assert find_places(connection, PullName("gitlab", "acme/torchlet", 1)) == []
