"""How lines stand, told in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markdown_it import MarkdownIt

from bot.core.actions import (
    EnsureComment,
    Missing,
    React,
    Sync,
)
from bot.core.issues import FindIssue, Issue
from bot.core.jobs import Overview
from bot.core.model import Branch, Check, Commit, Line, Tag
from bot.core.overview import MOST, overview
from bot.core.release.tracker import Account, HoldRow, View, render_tracker
from bot.core.standing import FindOpenOnto, FindTags, GetChecks, GetCommits
from tests.core.driving import Answers, drive, kinds, only
from tests.core.values import ADA, L26, L27, REPO, TIP27, a_backport_pull, synced

EVIL = "`x`|<!--x--> @ada [a](https://evil.example)\n/backport 2.7"
HEAD = Commit(TIP27, (), "f" * 40, "Ada <a@b>", 1, "Fix it\n\nBody", 1_700_000_000)
CHECKS = (Check("unit", "passed"), Check("gpu", "failed"), Check("lint", "passed"), Check("docs", "skipped"))


def told(*lines: Line, **world: Any) -> tuple[str, list[str], str]:
    """The comment, what was asked, and the reaction."""
    answers: Answers = {
        Sync: synced(), FindTags: (), GetCommits: (), GetChecks: (), FindOpenOnto: (), FindIssue: Missing("a tracker"),
        EnsureComment: None, React: None,
    }  # fmt: skip
    named = {kind.__name__: kind for kind in answers}
    job = Overview(REPO, 12, 501, lines)
    report, asked = drive(overview(job), {**answers, **{named[name]: answer for name, answer in world.items()}})
    assert report.outcome == "answered"
    return only(asked, EnsureComment).body, kinds(asked), only(asked, React).reaction


def row(body: str, line: str) -> list[str]:
    [found] = [each for each in body.splitlines() if each.startswith(f"| {line} |")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_a_line_is_told_with_its_head_checks_tags_and_picks() -> None:
    tags = tuple(Tag(name, TIP27) for name in ("v2.7.0-rc9", "v2.7.0-rc10", "v2.6.0", "v2.7.0"))
    other = a_backport_pull(number=32, head="feature")
    fork = a_backport_pull(number=33, head_repo_id=99)
    pulls = (a_backport_pull(), other, fork)
    body, asked, reaction = told(
        L27, FindTags=tags, GetCommits=(HEAD,), GetChecks=CHECKS, FindOpenOnto=pulls
    )
    assert row(body, "2.7") == [
        "2.7", f"{TIP27} Fix it (2023-11-14 22:13 UTC)", "2 passed, 1 skipped, 1 failed: gpu", "v2.7.0-rc10", "v2.7.0",
        "[#31](https://forge.example/acme/torchlet/pull/31)",
        "none",
    ]  # fmt: skip
    assert reaction == "rocket"
    look = ["Sync", "FindTags", "FindIssue", "GetCommits", "GetChecks", "FindOpenOnto"]
    assert asked == [*look, "EnsureComment", "React"]


def test_who_holds_a_line_is_told_and_that_nobody_can_tell() -> None:
    view = View(L27, Branch("release/2.7", TIP27), "2.7.1", None, (), (), (), (), ())
    rows = tuple(HoldRow(by=f"ada{n}", reason=EVIL.replace("\n", " ")[:40], at=1) for n in range(5))
    body = render_tracker(view, Account(holds=rows))
    tracker = Issue(9, "Release 2.7", body, "", ADA, is_open=True, is_mine=True)
    told_of, _, _ = told(L27, FindIssue=tracker)
    assert "ada0: " in told_of
    assert "; 2 more |" in told_of
    assert MarkdownIt().enable("table").render(told_of).count("<td") == 7
    broken = replace(tracker, body=body.replace('{"holds"', '{"hold"'))
    assert row(told(L27, FindIssue=broken)[0], "2.7")[-1] == "its tracker cannot be read"


def test_what_is_not_there_is_said_in_its_cell() -> None:
    body, _, _ = told(L27, GetChecks=Missing("commit"), FindOpenOnto=Missing("branch"))
    cells = row(body, "2.7")
    said = ["the forge does not know this commit yet", "none", "none", "the forge does not tell", "none"]
    assert cells == ["2.7", TIP27, *said]
    assert row(told(L27)[0], "2.7")[2:] == ["none"] * 5


def test_without_a_line_the_newest_are_told_and_the_others_named() -> None:
    names = [f"release/2.{minor}" for minor in range(MOST + 2)]
    body, asked, _ = told(Sync=synced("main", *names))
    assert asked.count("GetChecks") == MOST
    assert "Not shown: 2.1 and 2.0." in body
    assert body.index("| 2.6 |") < body.index("| 2.2 |")


def test_a_line_without_a_branch_is_named_and_asks_nothing() -> None:
    body, asked, _ = told(Line(3, 0))
    assert "Line 3.0 has no branch here. Did you mean `/release status 2.6`?" in body
    assert asked == ["Sync", "EnsureComment", "React"]
    assert "There is no line here" in told(Sync=synced("main"))[0]


def test_two_branches_of_a_line_are_both_named() -> None:
    body, asked, _ = told(L26, Sync=synced("release/2.6", "release/v2.6"))
    assert "two branches: release/2.6 and release/v2.6" in row(body, "2.6")[1]
    assert "GetChecks" not in asked


def test_a_broken_policy_is_quoted_and_nothing_is_read_by_it() -> None:
    body, asked, reaction = told(L27, Sync=synced(policy="[people]\nmanager = []"))
    assert "The policy file" in body
    assert (asked, reaction) == (["Sync", "EnsureComment", "React"], "confused")


def test_no_text_of_the_forge_can_do_anything_in_the_table() -> None:
    commit = Commit(TIP27, (), "f" * 40, EVIL, 1, EVIL.replace("\n", " "), 1)
    checks = tuple(Check(f"{EVIL} {n}", "failed") for n in range(9))
    body, _, _ = told(L27, FindTags=(Tag("v2.7.0", TIP27),), GetCommits=(commit,), GetChecks=checks)
    assert len(row(body.replace("\\|", ""), "2.7")) == 7
    assert "<!--x" not in body
    html = MarkdownIt().enable("table").render(body)
    assert html.count("<td") == 7
    assert "evil.example" not in "".join(part for part in html.split('href="')[1:])
    assert not [line for line in body.splitlines() if line.lstrip().startswith("/")]
