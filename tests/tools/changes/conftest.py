"""A repository, and a resolver that looks at its main branch as it is at that moment."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot.tools.changes import ChangeResolver
from bot.tools.git import Git
from bot.tools.pick import Committer, Picker
from bot.tools.scratch import Repository, Scratch
from tests.tools.histories import History
from tests.tools.landing import start


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path / "repository")
    start(made)
    return made


@pytest.fixture
def resolver(history, tmp_path):
    repository = Repository.at(history.git_dir)
    with closing(Picker(Scratch(tmp_path / "scratch", repository), Committer())) as picker:
        yield ChangeResolver(Git(history.git_dir), picker)


@pytest.fixture
def resolve(history, resolver):
    """Resolve a pull against the tip that main has at that moment."""
    return lambda pull, base="main": resolver.resolve(pull, history.sha(base))
