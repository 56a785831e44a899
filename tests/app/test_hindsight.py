"""What a rehearsal finds of what it would have written."""

from __future__ import annotations

import pytest

from bot.app.runner import rehearse
from bot.core.actions import Missing, Sync, Synced, ask
from bot.core.cutting import CreateBranches
from bot.core.model import Branch, Release, ReleaseWish
from bot.core.publishing import EnsureRelease, FindRelease
from tests.app.values import REPO

WRITTEN = EnsureRelease(REPO, ReleaseWish("v2.7.1", "t", "b", draft=True))


def flow_of(*actions):
    """Ask for all of them; the last outcome."""
    outcome = None
    for action in actions:
        outcome = yield from ask(action)
    return outcome


def test_a_release_that_would_have_been_written_is_found_as_it_was_wished_for():
    found, _ = rehearse(flow_of(WRITTEN, FindRelease(REPO, "v2.7.1")), pytest.fail)
    assert found == Release("v2.7.1", "t", "b", "", draft=True)
    again = EnsureRelease(REPO, ReleaseWish("v2.7.1", "t", "c"))
    found, _ = rehearse(flow_of(WRITTEN, again, FindRelease(REPO, "v2.7.1")), pytest.fail)
    assert found == Release("v2.7.1", "t", "c", "")


@pytest.mark.parametrize("actions", [
    (WRITTEN, FindRelease(REPO, "v2.7.0")), (FindRelease(REPO, "v2.7.1"),),
])  # fmt: skip
def test_what_was_not_written_in_this_rehearsal_is_asked_of_the_world(actions):
    rehearse(flow_of(WRITTEN), pytest.fail)
    found, _ = rehearse(flow_of(*actions), lambda action: Missing(action.tag))
    assert found == Missing(actions[-1].tag)


def test_branches_that_would_have_been_made_are_found_with_those_that_are_there():
    main, cut = Branch("main", "9" * 40), CreateBranches(REPO, "1" * 40, ("release/2.9", "orig/release/2.9"))
    found, _ = rehearse(flow_of(cut, Sync(REPO, ("release/*",))), lambda action: Synced((main,), None))
    assert found.branches == (main, Branch("release/2.9", "1" * 40))
    found, _ = rehearse(flow_of(Sync(REPO, ("release/*",))), lambda action: Synced((main,), None))
    assert found.branches == (main,)
