"""What the audience of the demo sees: rules, deeds, tables, and one sticky comment as the forge would render it.

It never knows how anything was done; it shows values and what the forge answers.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.app.cli.demo.people import People
from bot.app.cli.demo.story import Commit, Finale, Scene
from bot.app.cli.output import open_console, printable, write_json
from bot.core.jobs import Answer, Overview, Report
from bot.core.wishes import FollowTag, KeepTracker

_COLOURS = {"opened": "green", "pushed": "green", "updated": "green", "settled": "cyan", "present": "cyan",
            "conflict": "red", "refused": "yellow", "nothing": "dim", "answered": "dim",
            "waiting": "yellow", "made": "green"}  # fmt: skip


class Show:
    """Prints for people, or JSON documents for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = open_console()
        self._console.quiet = as_json

    def opening(self, people: People, history: Sequence[Commit]) -> None:
        """Where we are, and what the project looks like."""
        lines = sorted({c.branch for c in history if c.branch.startswith("release/")})
        self._console.print(Panel(Group(
            Text.assemble(("relbot", "bold"), " on a sandbox forge at ", (people.url, "underline")),
            Text(f"{people.repository}: main, {', '.join(lines)}; real repositories, real webhooks, nothing outside."),
        )))  # fmt: skip

    def scene(self, scene: Scene | Finale) -> None:
        """A new scene begins."""
        self._console.print()
        self._console.rule(Text(scene.heading, "bold"), align="left")
        self._console.print(Text(scene.explanation, "dim"), soft_wrap=True)

    def deed(self, who: str, verb: str, number: int, details: str) -> None:
        """Somebody has done something."""
        self._console.print(Text.assemble("  ", (who, "bold"), f" {verb} #{number} {details}"))

    def reports(self, reports: Iterable[tuple[Report, float]]) -> None:
        """What the bot made of it."""
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for report, seconds in reports:
            if self._as_json:
                write_json({
                    "job": report.job.key, "outcome": report.outcome, "summary": report.summary,
                    "seconds": round(seconds, 3), "evidence": [asdict(e) for e in report.evidence],
                })  # fmt: skip
            if isinstance(report.job, Answer) and report.job.text is None:
                continue  # a bare 👀 is not worth a line
            if isinstance(report.job, KeepTracker | FollowTag):
                continue  # nobody has asked for these
            line = "chat" if isinstance(report.job, Answer | Overview) else str(report.job.line)
            table.add_row("  →", line, Text(report.outcome, _COLOURS[report.outcome]), Text(printable(report.summary)),
                          Text(f"{seconds * 1000:.0f} ms", "dim"))  # fmt: skip
        self._console.print(table)

    def closing(self, people: People, tag: str) -> None:
        """What is on the forge now, read back from it."""
        pulls: list[dict[str, Any]] = people.ask("ada", "GET", "/pulls?state=open&per_page=100")
        own = [pull for pull in pulls if pull["head"]["ref"].startswith("backport/")]
        self._console.print()
        self._console.rule(Text("On the forge now", "bold"), align="left")
        self._console.print(_table(("pull", "onto", "branch", "title", "state"), (
            (f"#{p['number']}", p["base"]["ref"], p["head"]["ref"], p["title"], "draft" if p["draft"] else p["state"])
            for p in reversed(own)
        )))  # fmt: skip
        branches = people.ask("ada", "GET", "/branches?per_page=100")
        lines = [b for b in branches if b["name"] == "main" or b["name"].startswith(("release/", "backport/"))]
        self._console.print(_table(("branch", "commit"), ((b["name"], b["commit"]["sha"][:12]) for b in lines)))
        changes = [i for i in people.ask("ada", "GET", "/issues?state=all&per_page=100") if _state_labels(i)]
        self._console.print(_table(("change", "title", "labels by relbot"), (
            (f"#{i['number']}", i["title"], ", ".join(_state_labels(i))) for i in reversed(changes)
        )))  # fmt: skip
        self._sticky(people, changes)
        self._released(people, tag)

    def serving(self, people: People) -> None:
        """The end of the story; the forge stays."""
        self._console.print(Text.assemble(
            "\nThe forge keeps running. Have a look with ", (f"git clone {people.url}/{people.repository}.git", "bold"),
            " or ", (f"curl {people.url}/repos/{people.repository}/pulls", "bold"), "; Ctrl-C ends everything.",
        ), soft_wrap=True)  # fmt: skip

    def _sticky(self, people: People, changes: Sequence[dict[str, Any]]) -> None:
        """The comment that has most to say: the one about a conflict."""
        for change in changes:
            if any(label.startswith("backport-conflict/") for label in _state_labels(change)):
                comments = people.ask("ada", "GET", f"/issues/{change['number']}/comments")
                body = str(comments[0]["body"])
                title = f"#{change['number']}: the comment that relbot keeps up to date"
                self._console.print(Panel(Markdown(body), title=title, title_align="left"))
                return

    def _released(self, people: People, tag: str) -> None:
        """Tags and releases, and what the changelog says in the final."""
        tags: list[dict[str, Any]] = people.ask("ada", "GET", "/tags")
        shown = {r["tag_name"]: r for r in people.ask("ada", "GET", "/releases")}
        self._console.print(_table(("tag", "commit", "shown as"), (
            (t["name"], t["commit"]["sha"][:12], "prerelease" if shown[t["name"]]["prerelease"] else "release")
            for t in reversed(tags)
        )))  # fmt: skip
        section = b64decode(people.ask("ada", "GET", f"/contents/CHANGELOG.md?ref={tag}")["content"]).decode()
        self._console.print(Panel(Markdown(section), title=f"CHANGELOG.md in {tag}", title_align="left"))


def _state_labels(issue: dict[str, Any]) -> list[str]:
    names = [str(label["name"]) for label in issue["labels"]]
    return [name for name in names if name.startswith(("backport-", "backported/"))]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return Group(table, "")
