"""A clone that is broken mends itself, once, and whoever uses it meanwhile goes on."""

from __future__ import annotations

import threading

import pytest

from bot.core.errors import Fault
from bot.tools.git import GitFault
from tests.tools.clone.breakages import BREAKAGES, garble_packed_refs, leave_locks
from tests.tools.clone.story import WANTED, refs, sync
from tests.tools.histories import lines


@pytest.mark.parametrize("damage", BREAKAGES)
def test_a_broken_clone_heals_by_itself_although_the_forge_has_moved_on(remote, clone, damage):
    sync(clone, [*WANTED, "+refs/pull/12/head*:refs/pull/12/head*"])
    damage(clone.directory)
    remote.commit("main", {"new.py": "new\n"}, "New")
    remote.commit("release/2.7", {"a.py": lines((4, "four"))}, "Newer")
    remote.git("update-ref", "-d", "refs/heads/release/2.6")
    remote.git("update-ref", "-d", "refs/pull/12/head")
    names = ("main", "release/2.7")

    def work():
        clone.fetch(WANTED)
        git = clone.git()
        git.run("log", "-p", "--first-parent", "refs/heads/release/2.7", "^refs/heads/release/2.7~2")
        return {name: git.run("rev-parse", f"refs/heads/{name}").decode().strip() for name in names}

    found = clone.healing(work, forget=lambda: None)
    assert found == {name: remote.sha(name) for name in names}
    assert not list(clone.place.glob("mirror.git.*"))


def test_a_clone_that_is_rebuilt_keeps_the_pulls_it_had(remote, clone):
    sync(clone, [*WANTED, "+refs/pull/12/head*:refs/pull/12/head*"])
    leave_locks(clone.directory)
    remote.commit("main", {"new.py": "new\n"}, "New")
    sync(clone)
    assert refs(clone)["refs/pull/12/head"] == remote.sha("topic/12")


def test_whoever_reads_the_old_clone_is_told_before_it_goes(remote, clone):
    sync(clone)
    leave_locks(clone.directory)
    remote.commit("main", {"new.py": "new\n"}, "New")
    seen = []
    clone.healing(lambda: clone.fetch(WANTED), forget=lambda: seen.append(clone.directory.is_dir()))
    assert seen == [True]


def test_a_cause_that_a_rebuild_does_not_mend_is_not_rebuilt_over_and_over(remote, clone):
    sync(clone)
    rebuilt = []

    def work():
        clone.git().run("rev-parse", "--verify", "no-such-ref")

    for _ in range(3):
        with pytest.raises(Fault, match="no-such-ref"):
            clone.healing(work, forget=lambda: rebuilt.append(1))
    assert rebuilt == [1]
    assert len(refs(clone)) == 3


def test_many_threads_that_find_the_clone_broken_build_it_once(remote, clone):
    sync(clone)
    garble_packed_refs(clone.directory)
    leave_locks(clone.directory)
    remote.commit("main", {"new.py": "new\n"}, "New")
    rebuilt, found = [], []
    all_failed, tries = threading.Barrier(4), []

    def work():
        try:
            clone.fetch(WANTED)
        except GitFault:
            tries.append(threading.get_ident())
            if tries.count(threading.get_ident()) == 1:
                all_failed.wait(30)
            raise
        return clone.git().run("rev-parse", "refs/heads/main").decode().strip()

    def ask():
        found.append(clone.healing(work, forget=lambda: rebuilt.append(1)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [remote.sha("main")] * 4
    assert rebuilt == [1]
