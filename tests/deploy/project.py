"""A small project on the sandbox forge of the composed system, and the people who land changes in it.

It must never reach the bot but through the forge: what the bot does shows there.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from bot.app.cli.demo.people import Desk, People
from bot.app.cli.demo.story import Commit
from tests.deploy.composed import wait_for

LINE = "release/2.7"


class Project:
    """A repository with main, one release line and topics, each of which changes a file of its own."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.landed: list[int] = []

    def begin(self, desk: Path, *topics: str) -> None:
        """Write the history and push it."""
        start = {f"kit/{topic}.py": f"{topic.upper()} = 1\n" for topic in topics}
        history = [
            Commit("main", "Start", start),
            Commit(LINE, "Cut 2.7", {"version.txt": "2.7\n"}, start="main"),
            *(Commit(topic, f"Fix {topic}", {f"kit/{topic}.py": fixed(topic)}, start="main") for topic in topics),
        ]
        Desk(desk, self.people, "ada").publish(history)

    def add_hook(self, url: str, secret: str) -> None:
        config = {"url": url, "content_type": "json", "secret": secret}
        events = ["pull_request", "issue_comment", "push"]
        self.people.ask("ada", "POST", "/hooks", {"name": "web", "active": True, "events": events, "config": config})

    def propose(self, topic: str) -> int:
        """A pull for a topic, with its label; its number."""
        wish = {"title": f"Fix {topic}", "head": topic, "base": "main", "body": "Why."}
        number = int(self.people.ask("ada", "POST", "/pulls", wish)["number"])
        self.people.ask("ada", "POST", f"/issues/{number}/labels", {"labels": ["backport/2.7"]})
        return number

    def merge(self, number: int) -> None:
        self.people.ask("ada", "PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
        self.landed.append(number)

    def land(self, topic: str) -> int:
        """A pull for a topic, labelled and merged; its number."""
        number = self.propose(topic)
        self.merge(number)
        return number

    def backports(self, number: int) -> list[Any]:
        """The pulls that carry a change to the line."""
        found = self.people.ask("ada", "GET", "/pulls?state=all&per_page=100&base=release/2.7")
        return [pull for pull in found if pull["head"]["ref"] == f"backport/2.7/{number}"]

    def wait_until_done(self, number: int) -> Any:
        """The only backport of a change, once the bot has said all that it has to say."""
        wait_for(f"#{number} is backported", lambda: "backport-open/2.7" in self.labels(number) or None)
        wait_for(f"#{number} has its comment", lambda: self.said_on(number) or None)
        [pull] = self.backports(number)
        return pull

    def once(self, number: int) -> None:
        """A change has one backport and one comment."""
        assert (len(self.backports(number)), len(self.said_on(number))) == (1, 1), f"#{number}"

    def labels(self, number: int) -> set[str]:
        return {label["name"] for label in self.people.ask("ada", "GET", f"/issues/{number}")["labels"]}

    def said_on(self, number: int) -> list[str]:
        """What the bot said on a change."""
        comments = self.people.ask("ada", "GET", f"/issues/{number}/comments")
        return [comment["body"] for comment in comments if comment["user"]["login"] == "relbot"]

    def file(self, path: str, ref: str) -> str:
        found = self.people.ask("ada", "GET", f"/contents/{path}?ref={ref}")
        return base64.b64decode(found["content"]).decode()

    def pushes(self) -> int:
        """How many pushes the forge has answered."""
        return sum(entry["path"].endswith("/git-receive-pack") for entry in self.people.look("requests"))


def fixed(topic: str) -> str:
    """What a topic makes of its file."""
    return f"{topic.upper()} = 2  # mended\n"
