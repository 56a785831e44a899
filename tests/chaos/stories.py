"""Stories for the kill matrix: what people do before, with the bot at work, and then what it is disturbed in.

It must never wait for the bot in an act: what people do there reaches the bot after all of it is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import requests

from bot.core.issues import TRACKER_LABEL
from bot.core.model import Branch, Line
from bot.core.release.tracker import Account, View, render_tracker
from bot.sandbox.issues import create_milestone
from tests.app.story import BY_HAND, DIFFERENT, FIX, UNFIX, the_backport
from tests.app.whole import REPO, op
from tests.chaos.ground import Stage

TITLE = "Make op 3 a float"
LINE = Line(2, 7)


@dataclass(frozen=True, slots=True)
class Story:
    """`prepare` may let the bot work (`settle`); what it answers goes to `act`."""

    name: str
    act: Callable[[Stage, int], object]
    prepare: Callable[[Stage], int] = lambda _: 0
    seen: str = ""
    """A text that must stand in the end's shape: that the story was told at all."""
    only: str = ""
    """The kind of forge on which it can be told; both when empty."""


def _land(stage: Stage, *labels: str) -> int:
    return stage.land(FIX, TITLE, *labels)


def _landed(stage: Stage) -> int:
    number = _land(stage, "backport/2.7")
    stage.settle()
    return number


def _in_conflict(stage: Stage) -> int:
    stage.forge.commit(REPO, "release/2.7", DIFFERENT, "Differ on the line", by="mona")
    return _landed(stage)


def _commit(stage: Stage, files: dict[str, str], message: str, branch: str = "release/2.7") -> str:
    return stage.forge.commit(REPO, branch, files, message, by="mona")


def _act_conflict(stage: Stage, _: int) -> None:
    _commit(stage, DIFFERENT, "Differ on the line")
    _land(stage, "backport/2.7")


def _act_present(stage: Stage, _: int) -> None:
    _commit(stage, FIX, "The same by hand")
    _land(stage, "backport/2.7")


def _act_partial(stage: Stage, _: int) -> None:
    _commit(stage, {"kit/one.py": "ONE = 1\n"}, "Add one")
    number = stage.propose(({"kit/one.py": "ONE = 1\n"}, "Add one"), ({"kit/two.py": "TWO = 2\n"}, "Add two"))
    stage.forge.label(REPO, number, "backport/2.7", by="mona")
    stage.forge.merge_pull(REPO, number, "rebase", by="mona")


def _say(stage: Stage, number: int, words: str) -> int:
    return stage.forge.comment(REPO, number, words, by="mona").id


def _plain(stage: Stage) -> int:
    number = _land(stage)
    stage.settle()
    return number


def _moved_on(stage: Stage) -> int:
    number = _landed(stage)
    _commit(stage, {"kit/ops.py": op(9, "x - 9")}, "Go on")
    stage.settle()
    return number


def _act_merged(stage: Stage, number: int) -> None:
    stage.forge.merge_pull(REPO, the_backport(stage, number), "squash", by="mona")


def _merged(stage: Stage) -> int:
    number = _landed(stage)
    _act_merged(stage, number)
    stage.settle()
    return number


def _ready_for_a_final(stage: Stage) -> int:
    """A backport and the section that names it are on the line, which has a tracker, and its version a milestone."""
    number = _merged(stage)
    section = f"# Changelog\n\n## [2.7.0] - 2026-11-25\n\n### Fixed\n\n- {TITLE} (#{number})\n"
    _commit(stage, {"CHANGELOG.md": section}, "chore(release): 2.7.0")
    body = render_tracker(View(LINE, Branch("release/2.7", "a" * 40), "2.7.0", None, (), (), (), (), ()), Account())
    stage.forge.open_issue(REPO, "Release 2.7", body, by="relbot", labels=(TRACKER_LABEL,))
    create_milestone(stage.forge.forge, stage.forge.find(REPO), "2.7.0", "mona")
    stage.settle()
    return number


def _act_final(stage: Stage, _: int) -> None:
    """The bot's own tag, as a process leaves it that dies then."""
    commit = stage.forge.git(REPO).run("rev-parse", "release/2.7").strip()
    said = f"Repository: {stage.kind}:{REPO}\nCommit: {commit}\nRequested-By: mona\nRequested-In: comment 1 on pull 1"
    head = f"object {commit}\ntype commit\ntag v2.7.0\ntagger relbot <bot@example.org> 1764000000 +0000"
    made = stage.forge.git(REPO).run("mktag", stdin=f"{head}\n\ntorchkit 2.7.0\n\n{said}\n").strip()
    stage.forge.tag(REPO, "v2.7.0", made, by="relbot")


def _act_by_hand(stage: Stage, _: int) -> None:
    source = stage.forge.git(REPO).run("log", "-1", "--no-merges", f"--grep={TITLE}", "--format=%H", "main").strip()
    _commit(stage, BY_HAND, f"{TITLE}\n\n(cherry picked from commit {source})")


def _act_reverted(stage: Stage, number: int) -> None:
    merged = stage.issue(the_backport(stage, number)).part.merged_as
    _commit(stage, UNFIX, f'Revert "{TITLE}"\n\nThis reverts commit {merged}.')


def _talked(stage: Stage) -> int:
    number = _plain(stage)
    _say(stage, number, "Shall this go to 2.7?")
    stage.settle()
    return number


def _act_edit(stage: Stage, number: int) -> None:
    comment = stage.issue(number).comments[-1].id
    token = stage.forge.token_for("mona")
    if stage.kind == "github":
        url = f"{stage.forge.url}/repos/{REPO}/issues/comments/{comment}"
        proof = {"Authorization": f"token {token}"}
        done = requests.patch(url, json={"body": "/backport 2.7"}, headers=proof, timeout=9)
    else:
        url = f"{stage.forge.url}/api/v4/projects/{REPO.replace('/', '%2F')}/merge_requests/{number}/notes/{comment}"
        done = requests.put(url, json={"body": "/backport 2.7"}, headers={"PRIVATE-TOKEN": token}, timeout=9)
    done.raise_for_status()


def _policy(text: str) -> Callable[[Stage], int]:
    def lay_down(stage: Stage) -> int:
        place = ".github" if stage.kind == "github" else ".gitlab"
        _commit(stage, {f"{place}/relbot.toml": text}, "Lay down a policy", "main")
        stage.settle()
        return 0

    return lay_down


def _act_stranger(stage: Stage, number: int) -> None:
    stage.forge.comment(REPO, number, "/backport 2.7", by="rita")


def _on_the_line(stage: Stage) -> int:
    """A pull that is merged onto the line itself."""
    number = stage.propose((FIX, f"fix: {TITLE.lower()}"), base="release/2.7")
    stage.forge.merge_pull(REPO, number, "squash", by="mona")
    stage.settle()
    return number


def _report(stage: Stage, branch: str, state: str) -> None:
    sha = stage.forge.git(REPO).run("rev-parse", branch).strip()
    token = stage.forge.token_for("mona")
    if stage.kind == "github":
        url, proof = f"{stage.forge.url}/repos/{REPO}/statuses/{sha}", {"Authorization": f"token {token}"}
        done = requests.post(url, json={"state": state, "context": "build"}, headers=proof, timeout=9)
    else:
        url = f"{stage.forge.url}/api/v4/projects/{REPO.replace('/', '%2F')}/statuses/{sha}"
        done = requests.post(url, json={"state": state, "name": "build"}, headers={"PRIVATE-TOKEN": token}, timeout=9)
    done.raise_for_status()


def _checked(stage: Stage) -> int:
    """The same, where a check has passed on the line's tip."""
    number = _on_the_line(stage)
    _report(stage, "release/2.7", "success")
    stage.settle()
    return number


def _prepared(stage: Stage) -> int:
    """A candidate that waits for its checks."""
    number = _checked(stage)
    _say(stage, number, "/release rc 2.7")
    stage.settle()
    return number


def _candidate(stage: Stage) -> int:
    """A candidate that was made."""
    number = _on_the_line(stage)
    _say(stage, number, "/release rc 2.7")
    stage.settle()
    return number


def _final_asked(stage: Stage) -> int:
    """A final that waits for somebody to confirm it."""
    number = _candidate(stage)
    _say(stage, number, "/release final 2.7")
    stage.settle()
    return number


def _yank_asked(stage: Stage) -> int:
    """The same of a withdrawal, where a lower final is left."""
    tip = stage.forge.git(REPO).run("rev-parse", "main").strip()
    stage.forge.tag(REPO, "v2.6.0", tip, by="mona")
    number = _final_asked(stage)
    _confirm(stage, number)
    stage.settle()
    _say(stage, number, '/release yank v2.7.0 reason="wrong results"')
    stage.settle()
    return number


def _confirm(stage: Stage, number: int) -> None:
    said = " ".join(comment.body for comment in stage.issue(number).comments)
    _say(stage, number, re.findall(r"`(/release confirm [0-9a-f-]+)`", said)[-1])


STORIES = (
    Story("two lines", lambda stage, _: _land(stage, "backport/2.7", "backport/2.8"), seen="backport-open/2.8"),
    Story("conflict", _act_conflict, seen="backport-conflict/2.7"),
    Story("present", _act_present, seen="backport-present/2.7"),
    Story("partly present", _act_partial, seen="backport-open/2.7"),
    Story("no such line", lambda stage, _: _land(stage, "backport/2.9"), seen="2.9"),
    Story("wrong policy", lambda stage, _: _land(stage, "backport/2.7"), _policy('[backport]\ndelivrey = "push"\n'),
          "delivrey"),
    Story("pushed to the line", lambda stage, _: _land(stage, "backport/2.7"), _policy('backport.delivery = "push"\n'),
          "backported/2.7"),
    Story("made by the forge", lambda stage, _: _land(stage, "backport/2.7"), _policy("backport.verified = true\n"),
          "backport-open/2.7", "github"),
    Story("asked in chat", lambda stage, number: _say(stage, number, "/backport 2.7"), _plain, "rocket"),
    Story("asked by a stranger", _act_stranger, _plain, "write"),
    Story("recreated", lambda stage, number: _say(stage, number, "/backport recreate 2.7"), _moved_on, "rocket"),
    Story("backport merged", _act_merged, _landed, "backported/2.7"),
    Story("declined", lambda stage, number: stage.forge.close_pull(REPO, the_backport(stage, number), by="mona"),
          _landed, "closed"),
    Story("finished by hand", _act_by_hand, _in_conflict, "backported/2.7"),
    Story("taken back", _act_reverted, _merged, "reverted"),
    Story("final followed", _act_final, _ready_for_a_final, "refs/heads/relbot/changelog/2.7.0"),
    Story("candidate",
          lambda stage, number: _say(stage, number, "/release rc"), _on_the_line, "refs/tags/v2.7.0-rc1"),
    Story("candidate prepared",
          lambda stage, number: _say(stage, number, "/release rc 2.7"), _checked, "relbot/rc/2.7"),
    Story("candidate checked", lambda stage, _: _report(stage, "relbot/rc/2.7", "success"), _prepared,
          "refs/tags/v2.7.0-rc1"),
    Story("final asked for", lambda stage, number: _say(stage, number, "/release final 2.7"), _candidate,
          "/release confirm"),
    Story("final confirmed", _confirm, _final_asked, "refs/tags/v2.7.0 "),
    Story("withdrawal confirmed", _confirm, _yank_asked, "[YANKED]"),
    Story("comment edited", _act_edit, _talked, "/backport"),
)  # fmt: skip
