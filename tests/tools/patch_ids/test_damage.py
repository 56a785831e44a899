"""A cache that is lost, damaged or shared, and files that are not here: only time is lost, and never an answer."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from bot.core.duplicates import find_evidence
from bot.core.errors import UserError
from bot.tools.git import Git
from bot.tools.patch_ids import PatchIds
from tests.tools.patch_ids.story import grow, rows, verbatim

# ── lost, damaged, shared ────────────────────────────────────────────────────────────────────────────────────────────


def spoil_nothing(path):
    path.unlink()


def spoil_start(path):
    path.write_bytes(b"this is not a database" * 1000)


def spoil_middle(path):
    whole = bytearray(path.read_bytes())
    whole[4096:] = b"\xa5" * (len(whole) - 4096)
    path.write_bytes(whole)


def spoil_end(path):
    path.write_bytes(path.read_bytes()[:5000])


def spoil_version(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("UPDATE commits SET patch_id = 'made in another way'")
        database.commit()


def spoil_empty(path):
    path.write_bytes(b"")


def spoil_table(path):
    with closing(sqlite3.connect(path)) as database:
        database.executescript("DROP TABLE commits; CREATE TABLE commits (a)")


@pytest.mark.parametrize("spoil", [
    spoil_nothing, spoil_start, spoil_middle, spoil_end, spoil_version, spoil_empty, spoil_table,
])  # fmt: skip
def test_a_cache_that_cannot_be_read_is_made_again(history, opened, tmp_path, spoil):
    own = grow(history, "release/2.7", 40)
    cache = opened()
    ids = [commit.patch_id for commit in cache.line("line", own[-1], history.sha("main"))[0].commits.values()]
    cache.close()
    for name in ("cache.sqlite-wal", "cache.sqlite-shm"):
        assert not (tmp_path / name).exists()
    spoil(tmp_path / "cache.sqlite")
    again = opened()
    index, _ = again.line("line", own[-1], history.sha("main"))
    assert list(index.commits) == own
    assert [commit.patch_id for commit in index.commits.values()] == ids
    assert again.traits(own[:1])[0].patch_id
    assert rows(tmp_path) >= 40


def test_a_stale_journal_of_another_file_does_no_harm(history, opened, tmp_path):
    own = grow(history, "release/2.7", 3)
    (tmp_path / "cache.sqlite-wal").write_bytes(b"\x37\x7f\x06\x82" + b"\xa5" * 5000)
    index, _ = opened().line("line", own[-1], history.sha("main"))
    assert list(index.commits) == own


def test_two_caches_on_one_file_fill_it_at_the_same_time(history, opened):
    own = grow(history, "release/2.7", 30)
    caches = [opened() for _ in range(4)]
    failures, found = [], []

    def ask(cache, upto):
        try:
            found.extend(list(cache.line("line", tip, history.sha("main"))[0].commits) for tip in own[4:upto:5])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(cache, 30 - n)) for n, cache in enumerate(caches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert all(commits == own[: len(commits)] for commits in found)
    assert list(opened().line("line", own[-1], history.sha("main"))[0].commits) == own


def test_what_another_process_has_added_meanwhile_is_not_added_again(history, opened, tmp_path):
    own = grow(history, "release/2.7", 5)
    caches = (opened(), opened())
    for upto in (3, 5):
        for cache in caches:
            index, _ = cache.line("line", own[upto - 1], history.sha("main"))
            assert list(index.commits) == own[:upto]
        assert rows(tmp_path, "SELECT count(*) FROM members WHERE name = 'line'") == upto


def test_many_threads_may_ask_one_cache(history, opened):
    own = grow(history, "release/2.7", 20)
    cache, failures = opened(), []

    def ask(n):
        try:
            index, _ = cache.line(f"line {n % 2}", own[-1 - n], history.sha("main"))
            assert list(index.commits)[: 20 - n] == own[: 20 - n]
            assert len(cache.traits(own[n:])) == 20 - n
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


# ── files that are not here ──────────────────────────────────────────────────────────────────────────────────────────


def lose(history, revision):
    name = history.git("rev-parse", revision)
    (history.git_dir / "objects" / name[:2] / name[2:]).unlink()


@pytest.mark.parametrize("victims", [(0,), (2,), (5,), (0, 1), (2, 3), (1, 4), (0, 5), (0, 1, 2, 3, 4, 5)])
@pytest.mark.parametrize(("lost", "empty"), [("b", True), ("b", False), ("a", False)])
def test_a_missing_file_costs_its_own_commits_id_and_no_other(history, opened, victims, lost, empty):
    """Each commit changes two files, and one is missing: half a diff has an id as well, and a wrong one."""
    own = []
    for n in range(6):
        own.append(history.commit("release/2.7", {f"{n}-a.py": f"{n}\n", f"{n}-b.py": f"b{n}\n"}, f"Add {n}"))
        if empty:
            history.commit("release/2.7", {}, f"Empty {n}")
    right = [verbatim(history, sha) for sha in own]
    for n in victims:
        lose(history, f"release/2.7:{n}-{lost}.py")
    index, _ = opened().line("line", history.sha("release/2.7"), history.sha("main"))
    found = [index.commits[sha].patch_id for sha in own]
    assert found == [None if n in victims else right[n] for n in range(6)]


def test_a_single_commit_with_a_missing_file_has_no_id(history, opened):
    sha = history.commit("main", {"1-a.py": "1\n", "1-b.py": "b\n"}, "Add")
    lose(history, "main:1-b.py")
    assert opened().traits([sha])[0].patch_id is None


def test_the_ladder_still_climbs_without_the_id(history, opened):
    source = history.commit("main", {"1-a.py": "1\n", "1-b.py": "b\n"}, "Add things")
    message = f"x\n\n(cherry picked from commit {source})"
    pick = history.commit("release/2.7", {"1-a.py": "1\n", "1-b.py": "c\n"}, message)
    lose(history, "main:1-b.py")
    cache = opened()
    line, fork = cache.line("line", pick, source)
    main = cache.index("main", source, fork)
    assert find_evidence(main.commits[source], line, main).present_as == pick


def test_a_folder_that_cannot_be_written_is_said_with_its_name(history, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"file/cache\.sqlite"):
        PatchIds(tmp_path / "file" / "cache.sqlite", Git(history.git_dir))
