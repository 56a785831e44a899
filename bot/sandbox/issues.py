"""What can be done to an issue, and to a pull as far as it is one: labels, comments, people, milestone, state.

It never asks who may do it: routes do, before they come here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.forge import Forge
from bot.sandbox.refusals import invalid, unacceptable
from bot.sandbox.state import Comment, Entry, Issue, Label, Milestone, Reaction, Repository

_LONGEST_BODY = 65_536
_LONGEST_LABEL = 50


@dataclass(frozen=True)
class Scene:
    """One act on one issue: where it happens and who does it."""

    forge: Forge
    repository: Repository
    issue: Issue
    actor: str

    def record(self, event: str, subject: str | None = None, commit: str | None = None) -> None:
        """Write the event into the issue's history."""
        now = self.forge.now()
        entry = Entry(self.forge.world.take_id(), event, self.actor, now, subject, commit)
        self.issue.history.append(entry)
        self.issue.updated_at = now

    def tell(self, action: str, **about: object) -> None:
        """Let the forge's face tell its hooks what has just happened, in GitHub's words for it."""
        self.forge.face.tell_issue(self, action, about)

    def tell_comment(self, action: str, comment: Comment, before: str | None = None) -> None:
        self.forge.face.tell_comment(self, action, comment, before)


def open_issue(
    forge: Forge, shelf: dict[int, Issue], title: str, body: str | None, actor: str
) -> Issue:
    """A new issue with the next number of its shelf; the caller makes a pull of it, or tells of it."""
    _check_body(body)
    number, now = len(shelf) + 1, forge.now()
    issue = Issue(forge.world.take_id(), number, title, body, actor, now, now)
    shelf[number] = issue
    return issue


def create_label(forge: Forge, repository: Repository, name: str, actor: str) -> Label:
    """A label of the repository. Refused when the name is taken, empty or too long."""
    if repository.label(name):
        raise invalid("Label", "name", "already_exists")
    if not name or len(name) > _LONGEST_LABEL:
        raise unacceptable("Label", f"name is too long (maximum is {_LONGEST_LABEL} characters)")
    label = repository.labels[repository.label_key(name)] = Label(forge.world.take_id(), name)
    forge.face.tell_label(forge, repository, label, (actor, "created"))
    return label


def rename_label(repository: Repository, label: Label, name: str) -> None:
    """Give a label another name, on every issue that has it."""
    for issue in (*repository.issues.values(), *repository.tickets.values()):
        issue.labels = [name if known == label.name else known for known in issue.labels]
    del repository.labels[repository.label_key(label.name)]
    label.name = name
    repository.labels[repository.label_key(name)] = label


def delete_label(forge: Forge, repository: Repository, label: Label, actor: str) -> None:
    """Take a label away from the repository and from every issue."""
    del repository.labels[repository.label_key(label.name)]
    for issue in (*repository.issues.values(), *repository.tickets.values()):
        issue.labels = [known for known in issue.labels if known != label.name]
    forge.face.tell_label(forge, repository, label, (actor, "deleted"))


def add_labels(scene: Scene, names: Iterable[str]) -> None:
    """Put labels on an issue; one that the repository does not know yet is created, as both forges do."""
    repository = scene.repository
    for name in names:
        label = repository.label(name) or create_label(scene.forge, repository, name, scene.actor)
        if label.name not in scene.issue.labels:
            for other in scene.forge.face.displaced(scene.issue.labels, label.name):
                remove_label(scene, other)
            scene.issue.labels.append(label.name)
            scene.record("labeled", label.name)
            scene.tell("labeled", label=label)


def remove_label(scene: Scene, name: str) -> bool:
    """Take a label off an issue. False when the issue does not have it."""
    label = scene.repository.label(name)
    if label is None or label.name not in scene.issue.labels:
        return False
    scene.issue.labels.remove(label.name)
    scene.record("unlabeled", label.name)
    scene.tell("unlabeled", label=label)
    return True


def set_labels(scene: Scene, names: list[str]) -> None:
    """Make these the issue's labels, no more and no less."""
    key = scene.repository.label_key
    wanted = {key(name) for name in names}
    for name in [name for name in scene.issue.labels if key(name) not in wanted]:
        remove_label(scene, name)
    add_labels(scene, names)


def add_comment(scene: Scene, body: str, *, internal: bool = False, thread: int = 0) -> Comment:
    """Write a comment."""
    _check_body(body)
    now = scene.forge.now()
    comment = Comment(scene.forge.world.take_id(), scene.actor, body, now, now, internal=internal, thread=thread)
    scene.issue.comments.append(comment)
    scene.issue.updated_at = now
    scene.tell_comment("created", comment)
    return comment


def edit_comment(scene: Scene, comment: Comment, body: str) -> None:
    """Change the text of a comment."""
    _check_body(body)
    before, comment.body, comment.updated_at = comment.body, body, scene.forge.now()
    scene.tell_comment("edited", comment, before)


def delete_comment(scene: Scene, comment: Comment) -> None:
    """Take a comment away."""
    scene.issue.comments.remove(comment)
    scene.tell_comment("deleted", comment)


def add_reaction(forge: Forge, thing: Comment | Issue, content: str, actor: str) -> tuple[Reaction, bool]:
    """A reaction, and whether it is new: the same one by the same account is there only once."""
    for known in thing.reactions:
        if (known.user, known.content) == (actor, content):
            return known, False
    reaction = Reaction(forge.world.take_id(), actor, content, forge.now())
    thing.reactions.append(reaction)
    return reaction, True


def assign(scene: Scene, logins: list[str]) -> None:
    """Make these the assignees. Accounts that cannot write are left out without a word, as GitHub does."""
    forge, known = scene.forge, scene.forge.world.users
    able = [name for name in logins if forge.may(scene.repository, known.get(name.lower()), "triage")]
    for event, names in (("unassigned", set(scene.issue.assignees) - set(able)),
                         ("assigned", set(able) - set(scene.issue.assignees))):
        scene.issue.assignees = able
        for name in sorted(names):
            scene.record(event, name)
            scene.tell(event, assignee=forge.user(name))


def set_milestone(scene: Scene, number: int | None) -> None:
    """Put the issue into a milestone, or into none. Refused when there is no milestone of this number."""
    if number == scene.issue.milestone:
        return
    if number is not None and number not in scene.repository.milestones:
        raise invalid("Issue", "milestone")
    old, scene.issue.milestone = scene.issue.milestone, number
    for event, which in (("demilestoned", old), ("milestoned", number)):
        if which is not None:
            milestone = scene.repository.milestones[which]
            scene.record(event, milestone.title)
            scene.tell(event, milestone=milestone)


def set_state(scene: Scene, state: str) -> None:
    """Open or close the issue; nothing happens when it is so already."""
    if state not in {"open", "closed"}:
        raise invalid("Issue", "state")
    if state == scene.issue.state:
        return
    now = scene.forge.now()
    if state == "closed":
        scene.issue.state, scene.issue.closed_at, scene.issue.closed_by = "closed", now, scene.actor
    else:
        scene.issue.state, scene.issue.closed_at, scene.issue.closed_by = "open", None, None
    scene.record("closed" if state == "closed" else "reopened")
    scene.tell("closed" if state == "closed" else "reopened")


def edit_text(scene: Scene, title: str | None, body: str | None) -> None:
    """Change title and body; None leaves one as it is."""
    _check_body(body)
    before: dict[str, dict[str, str | None]] = {}
    if title is not None and title != scene.issue.title:
        before["title"] = {"from": scene.issue.title}
        scene.issue.title = title
    if body is not None and body != scene.issue.body:
        before["body"] = {"from": scene.issue.body or ""}
        scene.issue.body = body
    if before:
        scene.issue.updated_at = scene.forge.now()
        scene.tell("edited", changes=before)


def create_milestone(forge: Forge, repository: Repository, title: str, actor: str) -> Milestone:
    """A milestone with the next number. Refused when the title is taken."""
    if any(known.title == title for known in repository.milestones.values()):
        raise invalid("Milestone", "title", "already_exists")
    number, now = max(repository.milestones, default=0) + 1, forge.now()
    milestone = Milestone(forge.world.take_id(), number, title, actor, now, now)
    repository.milestones[number] = milestone
    return milestone


def _check_body(body: str | None) -> None:
    if body is not None and len(body) > _LONGEST_BODY:
        raise unacceptable("Issue", f"body is too long (maximum is {_LONGEST_BODY} characters)")
