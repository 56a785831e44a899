"""What is new, for tags and releases: no heading, cut at a whole line, and said to be cut."""

from __future__ import annotations

from bot.core.changelog.news import read_news, tell_news
from bot.core.changelog.view import Group, Item, View
from bot.core.changelog.write import write
from bot.core.versions import read_tag

LINK = "https://forge.example/compare"
V271 = read_tag("v2.7.1")


def view(*lines, base="v2.7.0", link=LINK):
    groups = (Group("Fixed", tuple(Item(line, line) for line in lines)),) if lines else ()
    return View("2.7.1", "2026-11-25", False, groups, base, link)


def test_it_is_the_section_without_its_heading():
    assert tell_news(view("One")) == f"### Fixed\n\n- One\n\n[All changes since v2.7.0]({LINK})\n"
    assert tell_news(view("One", link="")) == "### Fixed\n\n- One\n"


def test_where_nothing_is_told_it_says_so():
    assert tell_news(view(link="")) == "Nothing that is told here has changed since v2.7.0.\n"
    assert tell_news(view(base="", link=LINK)) == "Nothing that is told here has changed.\n"


def test_it_is_cut_at_a_whole_line_and_never_longer():
    whole = tell_news(view(*(f"line {n:04}" for n in range(1000))), most=100_000)
    for most in range(1000, 1100):
        cut = tell_news(view(*(f"line {n:04}" for n in range(1000))), most=most)
        kept, _, rest = cut.partition("\nThere is more")
        assert len(cut) <= most
        assert len(cut) > most - len("- line 0000\n")
        assert whole.startswith(kept)
        assert kept.endswith("\n")
        assert rest.endswith(f"({LINK})\n")
    assert tell_news(view("x" * 5000), most=1000).startswith("### Fixed\n\n\nThere is more")


def test_it_is_as_short_in_bytes_which_is_what_a_tag_is_measured_in():
    cut = tell_news(view(*("ä\u4e2d\ud800" * 20 for _ in range(70))), most=5000)
    assert 4500 < len(cut.encode()) <= 5000
    assert all(row == f"- {'ä中?' * 20}" for row in cut.split("\n") if row.startswith("-"))


def test_what_is_written_is_told_as_people_have_left_it():
    page = write("", [view("One", "Two")]).text.replace("- Two", "- Two, said better")
    told = read_news(page, V271)
    assert told == f"### Fixed\n\n- One\n- Two, said better\n\n[All changes]({LINK})\n"
    assert read_news(page.replace("\n", "\r\n"), V271) == told
    assert read_news(page.replace(LINK, "javascript:alert(1)"), V271) == told.partition("\n[All")[0]
    assert read_news("# Changelog\n", V271) is None
    assert len(read_news(write("", [view("x" * 90_000)]).text, V271)) < 1000


def test_a_layout_of_ones_own_is_taken_at_its_word():
    assert tell_news(view("One", link=""), lambda _: "# [2.7.1]\n\n* One\n\n## Thanks\n\nAll\n") == (
        "* One\n\n## Thanks\n\nAll\n"
    )
    assert tell_news(view("One", link=""), lambda _: "no heading\n") == "no heading\n"
