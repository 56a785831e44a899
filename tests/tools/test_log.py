"""The history as the changelog reads it: whole, in one process, and bounded."""

from __future__ import annotations

import tracemalloc

import pytest

from bot.tools.git import Git, GitFault
from bot.tools.local import LocalRepository
from bot.tools.log import commits_touching, read_commits, read_tags
from tests.tools.histories import History, Person


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "r")


def test_a_commit_has_all_its_fields_whatever_its_message_is(history):
    odd = "Title: with colon\n\nA body\n\n\nwith blank lines, \x1b and a last one  \n"
    root = history.commit("main", {"a": "1\n"}, odd, author=Person(b"J\xc3\xb6rg <j@x>", "1700000123 +0530"))
    latin = history.commit("main", {"a": "2\n"}, b"caf\xe9\n", headers=b"encoding ISO-8859-1\n")
    broken = history.commit("main", {"a": "3\n"}, b"not \xff UTF-8")
    empty = history.commit("main", {"a": "4\n"}, b"")
    side = history.commit("side", {"b": "1\n"}, "Side", parents=(root,))
    merge = history.merge("main", "side", message="Merge")
    commits = {commit.sha: commit for commit in read_commits(Git(history.git_dir), [merge])}
    assert commits.keys() == {root, latin, broken, empty, side, merge}
    assert commits[root].message == odd
    assert (commits[root].author, commits[root].authored_at) == ("Jörg <j@x>", 1_700_000_123)
    assert commits[root].tree == history.tree(root)
    assert commits[latin].title == "café"
    assert commits[broken].title == "not � UTF-8"
    assert commits[empty].title == ""
    assert commits[merge].parents == (empty, side)


def test_a_range_has_what_one_reaches_and_the_other_does_not(history):
    first, second, third = (history.commit("main", {"a": f"{n}\n"}, f"{n}") for n in range(3))
    git = Git(history.git_dir)
    assert [commit.sha for commit in read_commits(git, [third], [first])] == [third, second]
    assert list(read_commits(git, [first], [first])) == []
    assert list(read_commits(git, [])) == []


def test_a_history_that_git_cannot_read_to_its_end_is_a_fault_and_no_short_history(history):
    first = history.commit("main", {"a": "1\n"}, "one")
    second = history.commit("main", {"a": "2\n"}, "two")
    (history.git_dir / "objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(GitFault):
        list(read_commits(Git(history.git_dir), [second]))
    with pytest.raises(GitFault):
        list(read_commits(Git(history.git_dir), ["1" * 40]))


def test_who_stops_reading_leaves_no_process(history):
    tip = [history.commit("main", {"a": f"{n}\n"}, "x" * 5000) for n in range(60)][-1]
    commits = read_commits(Git(history.git_dir), [tip])
    assert next(commits).sha == tip
    commits.close()


def test_what_was_handed_over_is_not_kept(history):
    tip = [history.commit("main", {"a": f"{n}\n"}, f"{n}" + "x" * 100_000) for n in range(60)][-1]
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_commits(Git(history.git_dir), [tip])) == 60
        assert tracemalloc.get_traced_memory()[1] < 3_000_000  # of six million
    finally:
        tracemalloc.stop()


def test_tags_are_peeled_and_dated(history):
    commit = history.commit("main", {"a": "1\n"}, "one")
    history.git("tag", "v1.0.0")
    history.git("tag", "-a", "-m", "first", "v1.0.1", GIT_COMMITTER_DATE="1800000000 +0000")
    history.git("tag", "-a", "-m", "a tag of a tag", "v1.0.2", "v1.0.1", GIT_COMMITTER_DATE="1900000000 +0000")
    history.git("tag", "a-tree", "HEAD^{tree}")
    history.git("tag", "-a", "-m", "x", "a-tagged-tree", "HEAD^{tree}")
    found = {tag.tag.name: tag for tag in read_tags(Git(history.git_dir))}
    assert found.keys() == {"v1.0.0", "v1.0.1", "v1.0.2"}
    assert {tag.tag.sha for tag in found.values()} == {commit}
    assert [found[name].annotated for name in sorted(found)] == [False, True, True]
    assert [found[name].at for name in sorted(found)] == [1_700_000_000, 1_800_000_000, 1_900_000_000]


def test_which_commits_touch_paths(history):
    one = history.commit("main", {"src/a/x.py": "1\n"}, "one")
    two = history.commit("main", {"docs/x.md": "1\n"}, "two")
    three = history.commit("main", {"docs/y.md": "1\n", "src/b.py": "1\n"}, "three")
    git = Git(history.git_dir)
    assert commits_touching(git, [three], [], ["src/**"], []) == {one, three}
    assert commits_touching(git, [three], [], [], ["docs/**"]) == {one, three}
    assert commits_touching(git, [three], [one], ["**/*.md"], []) == {two, three}
    assert commits_touching(git, [three], [], ["src/**"], ["src/a/**"]) == {three}


def test_it_reads_a_bare_mirror_and_a_linked_work_tree_alike(history, tmp_path):
    history.commit("main", {"a": "1\n"}, "one")
    history.git("tag", "v1.0.0")
    history.git("worktree", "add", "-q", str(tmp_path / "linked"))
    history.clone(tmp_path / "mirror", "--bare")
    for place in ("r", "linked", "mirror"):
        with LocalRepository(tmp_path / place) as local:
            [tag] = read_tags(local.git)
            assert [commit.title for commit in read_commits(local.git, [tag.tag.sha])] == ["one"]
