"""What is said of tags is harmless, whoever has made them, and never a command of the bot's own."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from bot.core.commands import read_commands
from bot.core.messages import after
from bot.core.model import Branch
from bot.core.tagging import TagChecked, TagFound
from bot.core.versions import Version
from bot.core.wishes import FollowTag
from tests.core.values import L27, NEW, REPO, a_pull

EVIL = "`@ada` <!--x--> [a](https://evil.example)\n/release rc 2.7"
V271 = Version(L27, 1)
CHECKED = TagChecked(TagFound(EVIL, NEW, NEW, True, 1), EVIL, EVIL, (("Requested-By", EVIL),), "ssh", "bad", EVIL)
GONE = FollowTag(REPO, L27, EVIL, EVIL, "deleted")
SAID = [
    after.render_released(V271, EVIL, "javascript:alert(1)"),
    after.render_after(V271, EVIL, None, (after.no_section(EVIL), after.milestone_said(EVIL, 2))),
    after.describe_roll_up(V271, EVIL, EVIL)[1],
    after.render_adopted(V271, CHECKED, Branch(EVIL, NEW)),
    after.render_flagged(V271, CHECKED, ("it names no commit",)),
    after.render_disturbed(GONE, V271, None),
    after.render_disturbed(GONE, V271, CHECKED),
    *(after.roll_up_said(pull, EVIL) for pull in (None, a_pull(), a_pull(is_open=True), a_pull(merged=False))),
]


@pytest.mark.parametrize("text", SAID)
def test_nothing_foreign_is_live_in_what_is_said(text):
    assert not read_commands(text)
    assert text.count("<!--") == text.startswith("<!-- relbot:")
    children = [child for token in MarkdownIt().parse(text) for child in token.children or []]
    linked = [child.attrs["href"] for child in children if child.type == "link_open"]
    assert {address.partition("/pull/")[0] for address in linked} <= {"https://forge.example/acme/torchlet"}
    assert "@ada" not in "".join(child.content for child in children if child.type == "text")
    assert not any(child.type == "html_inline" for child in children)


def test_each_thing_is_found_by_a_marker_of_its_own():
    one, ten = after.released_marker(V271), after.released_marker(Version(L27, 10))
    assert one not in ten
    markers = {after.tag_marker(V271, sha, what) for sha in (NEW, "b" * 40) for what in ("pushed", "moved", "deleted")}
    assert len(markers | {one, after.after_marker(V271)}) == 8


def test_the_numbers_of_things_are_said_as_people_say_them():
    assert "since 1 thing is open" in after.milestone_said("2.7.1", 1)
    assert "since 3 things are open" in after.milestone_said("2.7.1", 3)
    assert "since many things are open" in after.milestone_said("2.7.1", None)
    assert after.pulls_said(0, 300) == "It holds no pull that I know of."
    assert after.pulls_said(301, 300).startswith("Of 301 pulls in it I tell the first 300")
