"""The recipe is found by its markers and safe to paste."""

from __future__ import annotations

import re
import shlex

from markdown_it import MarkdownIt

from bot.core.ledger import Stop
from bot.core.messages.recipe import PICK_MARKER, PUSH_MARKER, pick_commands, push_commands, recipe
from tests.core.values import ONE, TWO


def a_stop(**changes: object) -> Stop:
    stop = Stop(
        paths=(("a.py", "contents"),),
        stopped_at=ONE,
        commits=(ONE, TWO),
        mainline=None,
        base="main",
        onto="release/2.7",
        head="backport/2.7/12",
    )
    return stop.model_copy(update=changes)


def test_the_commands_use_full_names_and_stop_at_the_first_failure() -> None:
    assert pick_commands(a_stop()) == (
        "git fetch origin refs/heads/main &&\n"
        "git fetch origin refs/heads/release/2.7 &&\n"
        "git switch --create backport/2.7/12 FETCH_HEAD &&\n"
        f"git cherry-pick -x {ONE} {TWO}"
    )
    assert push_commands(a_stop()).splitlines()[-2] == "  git push origin HEAD:refs/heads/backport/2.7/12"


def test_a_merge_and_a_sign_off_have_their_options() -> None:
    last = pick_commands(a_stop(mainline=1, sign_off=True, commits=(ONE,))).splitlines()[-1]
    assert last == f"git cherry-pick -x --signoff -m 1 {ONE}"


def test_no_name_can_be_read_as_anything_but_itself() -> None:
    evil = "ma`touch x`in;$(touch y)'\"&&"
    words = shlex.split(pick_commands(a_stop(base=evil)).splitlines()[0].removesuffix(" &&"))
    assert words == ["git", "fetch", "origin", f"refs/heads/{evil}"]


def test_each_block_stands_under_its_own_marker() -> None:
    text = recipe(a_stop())
    for marker, commands in ((PICK_MARKER, pick_commands(a_stop())), (PUSH_MARKER, push_commands(a_stop()))):
        assert text.count(marker) == 1
        found = re.search(re.escape(marker) + r"\n```bash\n(.*?)\n```\n", text, re.DOTALL)
        assert found is not None
        assert found[1] == commands
    fences = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    assert [token.info for token in fences] == ["bash", "bash"]
