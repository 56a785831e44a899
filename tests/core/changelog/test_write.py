"""Sections in a file: rolled up from a line to the main branch, and marked as yanked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.changelog.merge import unmarked
from bot.core.changelog.view import Group, Item, View
from bot.core.changelog.write import draft, roll_up, write, yank
from bot.core.errors import UserError
from bot.core.versions import read_tag

V271 = read_tag("v2.7.1")
assert V271 is not None


def a_view(title: str, *items: str) -> View:
    groups = (Group("Fixed", tuple(Item(item, item) for item in items)),)
    return View(title, "2026-01-01", False, groups, "", f"https://forge.example/{title}")


LINE = write("", [a_view("2.7.1", "one (#1)", "two (#2)")]).text.replace("- one (#1)", "- One, by a person (#1)")
MAIN = write("", [a_view("2.8.0", "eight (#8)"), a_view("2.6.0", "six (#6)")]).text


def test_a_section_is_rolled_up_with_its_hand_edits_and_its_link_in_order() -> None:
    made = roll_up(MAIN, LINE, V271)
    text = unmarked(made.text)
    assert made.conflicts == ()
    assert "## [2.7.1] - 2026-01-01\n\n### Fixed\n\n- One, by a person (#1)\n- two (#2)\n\n## [2.6.0]" in text
    assert "[2.8.0]: https://forge.example/2.8.0\n[2.7.1]: https://forge.example/2.7.1\n[2.6.0]:" in text
    for rest in (MAIN.partition("## [2.6.0]")[0], MAIN.partition("## [2.6.0]")[2].partition("\n[2.8.0]")[0]):
        assert rest in made.text
    assert roll_up(made.text, LINE, V271).text == made.text


def test_what_people_made_of_it_on_the_main_branch_is_kept() -> None:
    rolled = roll_up(MAIN, LINE, V271).text.replace("- two (#2)", "- Two, by another person (#2)")
    later = write(LINE, [a_view("2.7.1", "one (#1)", "two (#2)", "three (#3)")]).text
    made = roll_up(rolled, later, V271)
    assert "- Two, by another person (#2)\n- three (#3)\n" in made.text
    assert "- One, by a person (#1)\n" in made.text


def test_what_cannot_be_told_this_time_stays_and_is_still_known_to_be_generated() -> None:
    view = a_view("2.7.1", "one (#1)")
    known = replace(view, groups=(*view.groups, Group("Known issues", (Item("slow (#77)", ""), Item("hot (#78)", "")))))
    told = write("", [known]).text.replace("- hot (#78)", "- Hot, by a person (#78)")
    untold = write(told, [view], untold=("Known issues",))
    assert "### Known issues\n\n- slow (#77)\n- Hot, by a person (#78)\n" in untold.text
    assert untold.conflicts == ()
    fewer = replace(view, groups=(*view.groups, Group("Known issues", (Item("hot (#78)", ""),))))
    assert "slow" not in write(untold.text, [fewer]).text, "it was generated, and is no longer"
    assert "slow" not in write(told, [view]).text, "who can tell, and tells nothing, takes it out"


def test_what_the_line_lacks_cannot_be_rolled_up() -> None:
    with pytest.raises(UserError, match=r"has no section for 2\.7\.1"):
        roll_up(MAIN, MAIN, V271)


def test_a_yanked_version_is_marked_once_and_stays_so() -> None:
    text = yank(LINE, V271)
    assert text == LINE.replace("## [2.7.1] - 2026-01-01\n", "## [2.7.1] - 2026-01-01 [YANKED]\n")
    assert yank(text, V271) == text
    assert yank(MAIN, V271) == MAIN
    again = write(text, [a_view("2.7.1", "one (#1)", "two (#2)")])
    assert (again.text, again.conflicts) == (text, ())
    assert yank("2.7.1\r\n-----\r\nx", V271) == "2.7.1 [YANKED]\r\n-----\r\nx"


def test_a_template_without_a_heading_is_refused_and_stacks_nothing() -> None:
    for heading in ("", "# Notes", "## 2.7.2", "## Unreleased"):
        with pytest.raises(UserError, match="makes no heading such as"):
            write("", [a_view("2.7.1", "one (#1)")], lambda view, heading=heading: f"{heading}\n\n- {view.title}\n")


def a_later(view: View) -> View:
    return replace(view, date="2026-02-02")


def test_a_draft_begins_a_file_and_changes_none_for_its_date_alone() -> None:
    begun = draft("", a_view("2.7.1", "one (#1)", "two (#2)"))
    assert begun == write("", [a_view("2.7.1", "one (#1)", "two (#2)")])
    again = a_later(a_view("2.7.1", "one (#1)", "two (#2)"))
    assert draft(begun.text, again).text == begun.text
    assert write(begun.text, [again]).text != begun.text
    more = draft(begun.text, a_later(a_view("2.7.1", "one (#1)", "two (#2)", "three (#3)"))).text
    assert "## [2.7.1] - 2026-02-02\n" in more
    assert "- three (#3)\n" in more
    fewer = draft(begun.text, a_later(a_view("2.7.1", "one (#1)"))).text
    assert "## [2.7.1] - 2026-02-02\n" in fewer
    assert "two" not in fewer


def test_a_draft_brings_a_link_or_another_section_though_its_entries_are_there() -> None:
    text = write("", [replace(a_view("2.7.1", "one (#1)"), link="https://old.example")]).text
    assert "[2.7.1]: https://forge.example/2.7.1\n" in draft(text, a_view("2.7.1", "one (#1)")).text
    both = draft(text, a_later(a_view("2.7.2", "two (#2)"))).text
    assert both.index("## [2.7.2] - 2026-02-02") < both.index("## [2.7.1] - 2026-01-01")


def test_conflicts_are_told_though_the_file_stays() -> None:
    text = write("", [a_view("2.7.1", "one (#1)")]).text.replace("- one", "- One, by a person")
    made = draft(text, a_later(a_view("2.7.1", "other (#1)")))
    assert (made.text, made.conflicts) == (text, ("- other (#1)",))
