"""Mirrors that broke, and what killed processes leave behind: every story can still be told to its end."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from bot.core.actions import BranchReady, FindPresent, ResolveChange, Sync
from bot.core.model import Branch, Change
from bot.core.picks import Picked
from bot.tools.mirror import Mirrors
from tests.tools.clone.breakages import BREAKAGES
from tests.tools.histories import lines
from tests.tools.mirror.story import GITHUB, LINES, access, ensure, land, wish


@pytest.mark.parametrize("damage", BREAKAGES)
def test_the_whole_story_can_be_told_on_a_mirror_that_broke(remote, mirrors, tmp_path, damage):
    pull = land(remote, "one", "two")
    url = access(f"file://{remote.path}")
    mirror = mirrors.of(GITHUB, url)
    mirror.sync(Sync(GITHUB, LINES, number=12))
    mirrors.close()
    damage(tmp_path / "mirrors/github-7/mirror.git")
    mirror = mirrors.of(GITHUB, url)
    assert mirror.sync(Sync(GITHUB, LINES, number=12)).tip("release/2.7") == remote.sha("release/2.7")
    change = mirror.resolve_change(ResolveChange(GITHUB, pull))
    assert isinstance(change, Change)
    line = Branch("release/2.7", remote.sha("release/2.7"))
    assert mirror.find_present(FindPresent(GITHUB, change, line)) == ()
    done, commit = ensure(mirror, wish(remote, *(commit.sha for commit in change.commits)))
    assert done == BranchReady(commit)


@pytest.mark.parametrize("damage", [d for d in BREAKAGES if d.__name__ not in {"leave_a_half_made_one"}])
def test_a_mirror_that_breaks_between_two_steps_goes_on(remote, mirrors, tmp_path, damage):
    pull = land(remote, "one", "two")
    mirror = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    mirror.sync(Sync(GITHUB, LINES, number=12))
    change = mirror.resolve_change(ResolveChange(GITHUB, pull))
    damage(tmp_path / "mirrors/github-7/mirror.git")
    mirror.forget()
    line = Branch("release/2.7", remote.sha("release/2.7"))
    assert mirror.find_present(FindPresent(GITHUB, change, line)) == ()
    done, commit = ensure(mirror, wish(remote, *(commit.sha for commit in change.commits)))
    assert done == BranchReady(commit)


def test_what_a_killed_process_left_in_the_folder_goes(remote, mirrors, tmp_path):
    mirror = mirrors.of(GITHUB, access(f"file://{remote.path}"))
    mirror.sync(Sync(GITHUB, LINES))
    left = tmp_path / "mirrors/github-7/scratch-left"
    left.mkdir()
    (left / "objects").mkdir()
    mine = mirror.picker.scratch.directory
    mirror.forget()
    assert mirror.picker.scratch.directory != mine
    assert not left.exists()
    assert not mine.exists()


def test_two_processes_do_not_take_each_others_stores_away(remote, tmp_path):
    url = access(f"file://{remote.path}")
    source = remote.commit("main", {"a.py": lines((7, "x"))}, "Change")
    with closing(Mirrors(tmp_path / "mirrors")) as one, closing(Mirrors(tmp_path / "mirrors")) as other:
        for mirrors in (one, other, one):
            mirror = mirrors.of(GITHUB, url)
            mirror.sync(Sync(GITHUB, LINES))
            assert isinstance(mirror.pick(wish(remote, source, sign_off=mirrors is one)), Picked)


def test_threads_ask_one_mirror_everything_at_once(remote, mirror):
    pulls = [land(remote, f"title {n}", number=20 + n) for n in range(4)]
    failures, made = [], []

    def tell(pull):
        try:
            mirror.sync(Sync(GITHUB, LINES, number=pull.number))
            change = mirror.resolve_change(ResolveChange(GITHUB, pull))
            line = Branch("release/2.7", remote.sha("release/2.7"))
            assert mirror.find_present(FindPresent(GITHUB, change, line)) == ()
            made.append(mirror.pick(wish(remote, change.commits[0].sha)))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=tell, args=(pull,)) for pull in pulls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert len(made) == 4
