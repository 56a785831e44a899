"""What is known of a commit: what git itself says, whatever the repository's settings are."""

from __future__ import annotations

import pytest

from tests.tools.histories import Person, executable, lines
from tests.tools.landing import squash, topic
from tests.tools.patch_ids.story import counting, verbatim


def test_traits_are_what_git_itself_says(history, opened):
    message = f"Title (#12)\n\nBody.\n\n(cherry picked from commit {'a' * 40})"
    sha = history.commit("main", {"a.py": lines((3, "x"))}, message)
    (traits,) = opened().traits([sha])
    assert (traits.sha, traits.title, traits.picked_from) == (sha, "Title (#12)", ("a" * 40,))
    assert traits.author == history.git("log", "-1", "--date=raw", "--format=%an <%ae> %ad", sha)
    assert str(traits.committed_at) == history.git("log", "-1", "--format=%ct", sha)
    assert traits.patch_id == verbatim(history, sha)


def test_empty_commits_and_merges_have_no_patch_id_and_cost_nothing_the_second_time(history, opened):
    empty = history.commit("main", {}, "Empty")
    topic(history, "one")
    merge = history.merge("main", "topic")
    cache = opened()
    assert [t.patch_id for t in cache.traits([empty, merge])] == [None, None]
    with counting() as processes:
        assert [t.sha for t in cache.traits([empty, merge])] == [empty, merge]
    assert not processes


def test_traits_of_a_commit_that_is_not_there_are_a_fault_and_do_not_spoil_the_rest(history, opened):
    cache = opened()
    with pytest.raises(Exception, match="bad object"):
        cache.traits(["0" * 40])
    assert len(cache.traits([history.sha("main")])) == 1


def test_the_same_text_with_other_indentation_has_another_id(history, opened):
    """In Python these are two changes; `git patch-id --stable` calls them one."""
    history.commit("main", {"p.py": "if x:\n    a()\nend()\n"}, "Base")
    history.branch("release/2.7", "main")
    inside = history.commit("main", {"p.py": "if x:\n    a()\n    b()\nend()\n"}, "Call b")
    outside = history.commit("release/2.7", {"p.py": "if x:\n    a()\nb()\nend()\n"}, "Call b")
    stable = {history.run("patch-id", "--stable", stdin=history.run("diff-tree", "-p", sha).stdout).stdout[:40]
              for sha in (inside, outside)}  # fmt: skip
    assert len(stable) == 1
    one, other = opened().traits([inside, outside])
    assert one.patch_id != other.patch_id


@pytest.mark.parametrize(("first", "second"), [
    (b"\0one\n", b"\0two\n"),
    (b"one\r\n", b"one\n"),
    (b"one\n", executable(b"one\n")),
])  # fmt: skip
def test_binary_content_line_ends_and_modes_make_another_id(history, opened, first, second):
    one = history.commit("main", {"f": first}, "Add f")
    other = history.commit("release/2.7", {"f": second}, "Add f")
    ids = [traits.patch_id for traits in opened().traits([one, other])]
    assert ids[0] != ids[1]


def test_the_same_change_at_another_place_of_a_file_has_the_same_id(history, opened):
    one = history.commit("main", {"a.py": lines((15, "x"))}, "Change")
    history.commit("release/2.7", {"a.py": "new\nnew\n" + lines()}, "Above")
    other = history.commit("release/2.7", {"a.py": "new\nnew\n" + lines((15, "x"))}, "Change")
    ids = [traits.patch_id for traits in opened().traits([one, other])]
    assert ids[0] == ids[1] is not None


@pytest.mark.parametrize("setting", [
    "diff.renames=copies", "diff.noprefix=true", "diff.context=0", "diff.algorithm=patience", "log.showSignature=true",
    "diff.orderFile=/dev/null", "i18n.logOutputEncoding=ISO-8859-1", "log.mailmap=true", "diff.external=/bin/false",
])  # fmt: skip
def test_the_repositorys_own_settings_do_not_change_an_id(history, opened, setting):
    history.commit("main", {".mailmap": "Eve <eve@example.org> Ada <ada@example.org>\n"}, "Names")
    sha = history.move("main", "a.py", "ä.py", lines((3, "x"), (9, "y")), "Bewegt: ä")
    before = opened().traits([sha])
    assert before[0].patch_id == verbatim(history, sha)
    history.git("config", *setting.split("="))
    assert opened("other.sqlite").traits([sha]) == before


def test_the_trailer_at_the_end_of_a_very_long_message_is_read(history, opened):
    """A squash of two hundred commits says so at length."""
    body = "".join(f"* commit {n} of a long series that went on and on\n" for n in range(2_000))
    sha = history.commit("main", {"x": "x"}, f"Squash\n\n{body}\n(cherry picked from commit {'a' * 40})\n")
    assert opened().traits([sha])[0].picked_from == ("a" * 40,)


def test_odd_bytes_in_names_and_messages_do_no_harm(history, opened):
    author = Person(b"J\xf6rg \xff <j@x>", "1700000000 -0330")
    history.commit("main", {"x": "x"}, b"T\xf6tel\xff\n\nbody", author=author)
    sha = history.commit("main", {"y": "y"}, "")
    found = opened().traits([history.sha("main~1"), sha])
    assert [t.sha for t in found] == [history.sha("main~1"), sha]
    assert found[1].title == ""


def test_the_sum_of_a_series_is_the_id_of_its_squash(history, opened):
    own = topic(history, "one", "two", "three")
    landed = squash(history, "topic", "Fix (#12)")
    cache = opened()
    assert cache.combined(history.sha("release/2.7"), own[-1]) == cache.traits([landed])[0].patch_id
    assert cache.combined(own[-1], own[-1]) is None
