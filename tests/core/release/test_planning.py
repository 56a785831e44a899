"""Plans: everything is looked at as for the thing itself, and nothing but the answer is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import EnsureComment, Refused
from bot.core.commands import read_commands
from bot.core.issues import Item, Items
from bot.core.model import Check
from bot.core.publishing import DraftRelease
from bot.core.release.planning import show_plan
from bot.core.tagging import FetchTags
from bot.core.wishes import Asked, ShowPlan
from tests.core.driving import drive, only, writes
from tests.core.release import test_candidate, test_final
from tests.core.release.test_final import AHEAD, RC2, told
from tests.core.values import BOB, L27, MOVED, NEW, REPO, TIP27, a_backport_pull

RC = ShowPlan(REPO, L27, Asked(BOB, 12, 501, at=1_700_000_500))
FINAL = replace(RC, final=True)


def plan(job, **world):
    base = {**test_final.WORLD, **test_final.Page().answers()} if job.final else test_candidate.WORLD
    named = {kind.__name__: kind for kind in base}
    return drive(show_plan(job), {**base, **{named[name]: answer for name, answer in world.items()}})


@pytest.mark.parametrize("job", [RC, FINAL])
def test_a_plan_writes_nothing_but_the_answer_and_asks_nobody_for_a_role(job):
    report, asked = plan(job)
    assert report.outcome == "answered"
    assert {type(action).__name__ for action in writes(asked)} == {"EnsureComment", "React"}
    assert "GetRole" not in {type(action).__name__ for action in asked}
    assert "This was a plan: I have changed nothing." in told(asked)
    assert read_commands(told(asked)) == ()


def test_the_plan_of_a_candidate_has_version_commit_notes_gates_and_what_is_left_out():
    _, asked = plan(RC, FindOpenOnto=(a_backport_pull(),))
    text = told(asked)
    assert f"**v2.7.1-rc2 would be {NEW}**, on `release/2.7`. v2.7.1-rc1 is the last candidate after v2.7.0." in text
    assert "No gate stands in the way." in text
    assert "<details><summary>What is in it</summary>\n\n### Fixed\n\n- it\n\n</details>" in text
    assert "**Left out**, since these backports to 2.7 are open:\n\n- [#31](https://forge.example" in text


def test_the_plan_of_a_final_has_the_candidates_commit_all_notes_and_what_came_after():
    _, asked = plan(FINAL, **AHEAD)
    text = told(asked)
    assert f"**v2.7.1 would be {TIP27}**, the very commit of v2.7.1-rc2. 1 of 11 gates stand in the way." in text
    assert "- in the first candidate\n- in the second candidate" in text
    assert "| ⛔ tip | release/2.7 has 1 commit after v2.7.1-rc2. Next: take them in with /release rc 2.7" in text
    assert f"- {MOVED[:12]} fix: later" in text


@pytest.mark.parametrize("said", ["/release rc 2.7", "</details>\n\n  /release final 2.7", "<!--", "Thanks @all"])
def test_what_people_wrote_into_the_changelog_is_shown_and_does_nothing(said):
    page = f"# Changelog\n\n## [2.7.1] - 2026-11-25\n\n- better said\n\n{said}\n"
    text = told(plan(FINAL, ReadFiles={"CHANGELOG.md": page})[1])
    assert "- better said" in text and said in text.replace("\u200b", "")
    assert read_commands(text) == ()
    assert text.count("</details>") == 1 and "<!--" not in text.partition("\n")[2] and "@all" not in text


def test_a_closed_gate_of_a_plan_says_what_opens_it():
    _, asked = plan(RC, FindLabelled=Items((Item(12, "pull", "Fix it", ""),)), GetChecks=(Check("build", "failed"),))
    assert "2 of 9 gates stand in the way." in told(asked)
    assert "Next: finish them by hand" in told(asked)


@pytest.mark.parametrize("job", [RC, FINAL])
def test_what_the_line_is_known_to_suffer_from_is_told_to_what_drafts(job):
    labelled = {"known-issue/2.7": Items((Item(40, "issue", "Slow", ""), Item(3, "pull", "Hangs", "")))}
    _, asked = plan(job, FindLabelled=lambda action: labelled.get(action.label, Items()))
    drafts = [action for action in asked if isinstance(action, DraftRelease)]
    assert {draft.known for draft in drafts} == {((3, "pull", "Hangs"), (40, "issue", "Slow"))}


@pytest.mark.parametrize(("job", "world", "said"), [
    (RC, {"DraftRelease": Refused("I could not write 2.7.1", "Correct the file")}, "Correct the file."),
    (FINAL, {"FetchTags": ()}, "2.7 has no candidate to promote"),
])  # fmt: skip
def test_where_there_is_nothing_to_plan_it_is_said_why(job, world, said):
    report, asked = plan(job, **world)
    assert (report.outcome, said in told(asked)) == ("refused", True)


def test_where_nothing_is_new_there_is_nothing_to_do():
    report, asked = plan(RC, FetchTags=(replace(RC2, commit=TIP27),))
    assert (report.outcome, "there is nothing new on the line" in told(asked)) == ("nothing", True)


def test_on_the_command_line_the_report_tells_it():
    report, asked = plan(replace(RC, asked=Asked(BOB, 0, 0, at=1)))
    assert "v2.7.1-rc2 would be" in report.told
    assert not [action for action in asked if isinstance(action, EnsureComment)]
    assert only(asked, FetchTags)
