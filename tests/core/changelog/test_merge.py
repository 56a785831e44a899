"""What people made of a section and what is generated now become one, and no word of theirs is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.changelog.merge import is_marked, mark, merge, unmarked


def section(**groups: list[str]) -> str:
    body = "".join(f"\n### {name}\n\n" + "".join(f"- {item}\n" for item in items) for name, items in groups.items())
    return f"## [2.7.1] - 2026-01-01\n{body}"


BASE = section(Added=["one (#1)", "two (#2)"], Fixed=["three (#3)"])


def merged(edit: tuple[str, str], now: str) -> tuple[str, tuple[str, ...]]:
    theirs = mark(BASE)
    assert edit[0] in theirs
    made = merge(theirs.replace(*edit), now)
    return unmarked(made.text), made.conflicts


def test_what_nobody_touched_becomes_what_is_generated_now() -> None:
    now = section(Changed=["zero (#0)"], Fixed=["three, reworded (#3)", "four (#4)"])
    assert merged(("", ""), now) == (now, ())


def test_what_is_not_generated_anew_stays_as_people_made_it() -> None:
    added = ("\n### Fixed", "- by hand\n\n### Fixed")
    for edit in (("one", "One,"), ("- two (#2)\n", ""), added, ("### Fixed", "### Bugs")):
        text, conflicts = merged(edit, BASE)
        assert (text, conflicts) == (BASE.replace(*edit), ())


def test_people_and_the_bot_may_add_at_the_same_place() -> None:
    text, conflicts = merged(("- three (#3)\n", "- three (#3)\n- by hand\n"), section(
        Added=["one (#1)", "two (#2)"], Fixed=["three (#3)", "four (#4)"]))  # fmt: skip
    assert text.endswith("- three (#3)\n- four (#4)\n- by hand\n")
    assert conflicts == ()


def test_where_both_changed_an_entry_the_persons_stands_and_the_other_is_reported() -> None:
    now = section(Added=["one, by label (#1)", "two (#2)"], Fixed=["three (#3)"])
    text, conflicts = merged(("one", "One, by a person"), now)
    assert "- One, by a person (#1)\n" in text
    assert conflicts == ("- one, by label (#1)",)
    assert merged(("- one (#1)\n", ""), now) == (BASE.replace("- one (#1)\n", ""), ("- one, by label (#1)",))


def test_an_entry_that_moved_is_not_doubled_beside_a_persons_version() -> None:
    now = section(Added=["two (#2)"], Fixed=["one (#1)", "three (#3)"])
    text, conflicts = merged(("one (#1)", "One, reworded (#1)"), now)
    assert text.count("#1") == 1
    assert conflicts == ("- one (#1)",)
    text, conflicts = merged(("", ""), now)
    assert (text, conflicts) == (now, ())


def test_a_heading_that_people_changed_stays() -> None:
    text, _ = merged(("2026-01-01", "2026-01-01 [YANKED]"), BASE)
    assert text.startswith("## [2.7.1] - 2026-01-01 [YANKED]\n")
    made = merge(mark(BASE), BASE.replace("2026-01-01", "2026-02-02"))
    assert made.text.startswith("## [2.7.1] - 2026-02-02\n")


def test_without_a_marker_every_line_is_a_persons() -> None:
    theirs = "## 2.7.1\n\nOnly words (#1).\n"
    made = merge(theirs, section(Added=["one (#1)", "two (#2)"]))
    assert unmarked(made.text) == "## 2.7.1\n\nOnly words (#1).\n\n### Added\n\n- two (#2)\n"
    assert made.conflicts == ()
    assert is_marked(made.text)


def test_a_damaged_or_doubled_marker_counts_as_none() -> None:
    whole = mark(BASE)
    assert is_marked(whole)
    start = whole.index("made 1\n") + len("made 1\n")
    assert not is_marked(whole[:start] + ("A" if whole[start] != "A" else "B") + whole[start + 1 :])
    assert not is_marked(whole + whole)
    assert not is_marked(BASE)


def test_the_marker_survives_spaces_line_breaks_and_windows() -> None:
    theirs = mark(BASE).replace("\n", "\r\n").replace("- one (#1)", "-  one  (#1) ")
    assert is_marked(theirs)
    made = merge(theirs, section(Added=["one (#1)", "new (#9)", "two (#2)"], Fixed=["three (#3)"]), "\r\n")
    assert "-  one  (#1) \r\n- new (#9)\r\n- two (#2)\r\n" in made.text
    assert "\n" not in made.text.replace("\r\n", "")


def test_code_in_an_entry_is_one_piece() -> None:
    code = "\n  ```\n  - not an entry (#8)\n\n  ### no heading\n  ```"
    text, _ = merged(("- two (#2)", f"- two (#2){code}"), BASE)
    assert text == BASE.replace("- two (#2)", f"- two (#2){code}")


def test_the_marker_is_small() -> None:
    long = section(Fixed=[f"a title of some fifty characters, as most of them are (#{n})" for n in range(100)])
    assert len(mark(long)) - len(long) < 0.3 * len(long)


ITEMS = st.lists(st.integers(1, 9), unique=True, max_size=6)


@settings(max_examples=200, deadline=None)
@given(ITEMS, ITEMS, ITEMS, st.lists(st.sampled_from(["by hand", "also by hand"]), unique=True))
def test_no_word_of_a_person_is_lost_and_nothing_is_said_twice(
    base: list[int], kept: list[int], now: list[int], words: list[str],
) -> None:  # fmt: skip
    """People keep some entries, reword the even ones among those, and write some of their own."""
    made = mark(section(Fixed=[f"entry {n} (#{n})" for n in base]))
    theirs = made
    for n in base:
        new = f"- Reworded {n} (#{n})\n" if n % 2 == 0 else f"- entry {n} (#{n})\n"
        theirs = theirs.replace(f"- entry {n} (#{n})\n", new if n in kept else "")
    theirs = theirs.replace("### Fixed\n\n", "### Fixed\n\n" + "".join(f"- {word}\n" for word in words))
    found = merge(theirs, section(Fixed=[f"entry {n} (#{n})" for n in now]))
    text = unmarked(found.text)
    for word in words if base else []:
        assert f"- {word}\n" in text
    for n in set(base) & set(kept):
        if n % 2 == 0:
            assert f"- Reworded {n} (#{n})\n" in text
        else:
            assert (f"- entry {n} (#{n})\n" in text) == (n in now)
    for n in range(1, 10):
        assert text.count(f"(#{n})") <= 1
        if n in now and n not in base:
            assert f"(#{n})" in text
    assert merge(found.text, section(Fixed=[f"entry {n} (#{n})" for n in now])).text == found.text
