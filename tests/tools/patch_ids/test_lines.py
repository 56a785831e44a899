"""The commits of a line: since it left the main branch, read once, and grown by what is new."""

from __future__ import annotations

import pytest

from bot.tools.git import Git
from bot.tools.patch_ids import fork_of
from tests.tools.patch_ids.story import counting, grow, rows

# ── where a line left the main branch ────────────────────────────────────────────────────────────────────────────────


def test_a_line_is_what_it_has_since_it_left_main(history, opened):
    fork = history.sha("main")
    grow(history, "main", 3, tag="m")
    own = grow(history, "release/2.7", 2)
    index, found = opened().line("line", own[-1], history.sha("main"))
    assert (list(index.commits), found) == (own, fork)


def test_a_line_that_was_merged_back_into_main_keeps_its_commits(history, opened):
    fork = history.sha("main")
    own = grow(history, "release/2.7", 2)
    grow(history, "main", 1, tag="m")
    history.merge("main", "release/2.7")
    own += grow(history, "release/2.7", 1, tag="y")
    index, found = opened().line("line", own[-1], history.sha("main"))
    assert (list(index.commits), found) == (own, fork)


def test_main_merged_into_a_line_brings_mains_commits_as_its_own(history, opened):
    grow(history, "release/2.7", 1)
    main = grow(history, "main", 2, tag="m")
    history.merge("release/2.7", "main")
    index, _ = opened().line("line", history.sha("release/2.7"), history.sha("main"))
    assert set(main) < set(index.commits)
    assert history.sha("release/2.7") not in index.commits  # the merge itself brings nothing


def test_a_line_that_shares_nothing_with_main_is_all_its_own(history, opened):
    first = history.commit("orphan", {"o": "o"}, "Start", parents=())
    own = [first, *grow(history, "orphan", 2)]
    index, fork = opened().line("line", own[-1], history.sha("main"))
    assert (list(index.commits), fork) == (own, "")


def test_a_line_without_commits_of_its_own_is_empty_and_stays_so(history, opened, tmp_path):
    for _ in range(2):
        index, fork = opened().line("line", history.sha("release/2.7"), history.sha("main"))
        assert (list(index.commits), fork) == ([], history.sha("main"))


def test_what_was_asked_before_does_not_change_the_answer(history, opened):
    """A line that was fast-forwarded with main has left it later than the cache remembers."""
    cache = opened()
    cache.line("line", history.sha("release/2.7"), history.sha("main"))
    grow(history, "main", 3, tag="m")
    history.branch("release/2.7", "main")
    own = grow(history, "release/2.7", 1)
    grow(history, "main", 1, tag="n")
    fresh, fork = opened("fresh.sqlite").line("line", own[-1], history.sha("main"))
    for asked in (cache, opened()):
        index, found = asked.line("line", own[-1], history.sha("main"))
        assert (list(index.commits), found) == (list(fresh.commits), fork) == (own, history.sha("main~1"))


def test_the_fork_is_the_newest_first_parent_both_have(history):
    git = Git(history.git_dir)
    fork = history.sha("main")
    grow(history, "main", 2)
    assert fork_of(git, history.sha("release/2.7"), history.sha("main")) == fork
    history.commit("orphan", {"o": "o"}, "Start", parents=())
    assert fork_of(git, history.sha("orphan"), history.sha("main")) is None


# ── filled once ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_cache_starts_no_process(history, opened):
    grow(history, "main", 5, tag="m")
    grow(history, "release/2.7", 5)
    question = ("line", history.sha("release/2.7"), history.sha("main"))
    cache = opened()
    cache.line(*question)
    for asked in (cache, opened()):
        with counting() as processes:
            index, _ = asked.line(*question)
        assert not processes
        assert all(commit.patch_id for commit in index.commits.values())
        assert len(index.commits) == 5


@pytest.mark.parametrize("again", [True, False])
def test_ten_new_commits_cost_ten_commits(history, opened, tmp_path, again):
    grow(history, "main", 3, tag="m")
    grow(history, "release/2.7", 60)
    cache = opened()
    cache.line("line", history.sha("release/2.7"), history.sha("main"))
    before = rows(tmp_path)
    own = grow(history, "release/2.7", 10, tag="new")
    asked = cache if again else opened()
    with counting() as processes:
        index, _ = asked.line("line", own[-1], history.sha("main"))
    assert list(index.commits)[-10:] == own
    assert len(index.commits) == 70
    assert rows(tmp_path) == before + 10
    assert rows(tmp_path, "SELECT count(*) FROM members WHERE name = 'line'") == 70
    assert processes.total() <= 7, processes
    assert (processes["log"], processes["diff-tree"], processes["patch-id"]) == (1, 1, 1)


def test_a_rewritten_line_starts_over(history, opened, tmp_path):
    grow(history, "release/2.7", 5)
    cache = opened()
    cache.line("line", history.sha("release/2.7"), history.sha("main"))
    history.branch("release/2.7", "release/2.7~3")
    own = [history.sha("release/2.7~1"), history.sha("release/2.7"), *grow(history, "release/2.7", 2, tag="y")]
    for asked in (cache, opened()):
        index, _ = asked.line("line", own[-1], history.sha("main"))
        assert list(index.commits) == own
    assert rows(tmp_path, "SELECT count(*) FROM members WHERE name = 'line'") == 4


def test_a_line_rewritten_to_leave_main_earlier_is_read_from_there(history, opened):
    history.branch("early", "main~1")
    history.branch("release/2.7", "main")
    cache = opened()
    cache.line("line", grow(history, "release/2.7", 2)[-1], history.sha("main"))
    own = grow(history, "early", 2, tag="e")
    for asked in (cache, opened()):
        index, fork = asked.line("line", own[-1], history.sha("main"))
        assert (list(index.commits), fork) == (own, history.sha("main~1"))


def test_a_line_that_went_back_is_shorter(history, opened):
    own = grow(history, "release/2.7", 5)
    cache = opened()
    cache.line("line", own[-1], history.sha("main"))
    for asked in (cache, opened()):
        index, _ = asked.line("line", own[1], history.sha("main"))
        assert list(index.commits) == own[:2]


def test_an_index_without_patches_reads_no_diff_and_does_not_hide_them_from_others(history, opened):
    own = grow(history, "main", 3, tag="m")
    cache = opened()
    with counting() as processes:
        index = cache.index("main", own[-1], f"{own[0]}^", with_patches=False)
    assert not processes["diff-tree"]
    assert list(index.commits) == own
    assert all(c.patch_id for c in cache.index("main", own[-1], f"{own[0]}^").commits.values())
