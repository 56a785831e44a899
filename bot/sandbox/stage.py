"""Sets the stage and plays the people: what tests and the demo do to the forge without going through the API.

It never does what the API could not do to a real forge, except to make accounts, repositories and roles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, get_args

from bot.sandbox.bare import ZERO, Bare
from bot.sandbox.faces import MergeWish, PullWish
from bot.sandbox.forge import Forge
from bot.sandbox.issues import Scene, add_comment, add_labels, edit_text, open_issue, remove_label
from bot.sandbox.merging import Conflicting, Landing, Method, land_squash, sign, write_commit
from bot.sandbox.pushes import follow_refs
from bot.sandbox.refusals import Refusal, not_found
from bot.sandbox.state import NOBODY, ROLES, Comment, Hook, Issue, MergeMethod, Protection, Repository

P = ParamSpec("P")
T = TypeVar("T")
StageT = TypeVar("StageT", bound="Stage")
Files = dict[str, str | bytes | None]


def acting(act: Callable[Concatenate[StageT, P], T]) -> Callable[Concatenate[StageT, P], T]:
    """Make a method hold the forge's lock, and keep what it did."""

    @wraps(act)
    def locked(stage: StageT, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with stage.forge.changing():
            return act(stage, *args, **kwargs)

    return locked


class Stage:
    """The acts, each on repositories by "owner/name"; accounts that an act names are made when they are not there."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge

    def find(self, path: str) -> Repository:
        found = self.forge.repository(path)
        if found is None:
            raise not_found(f"There is no repository {path}.")
        return found

    @acting
    def add_user(self, login: str, *, bot: bool = False) -> str:
        """Make an account and answer its token; one that is there keeps its token."""
        return self.forge.add_user(login, "Bot" if bot else "User").token

    def token_for(self, login: str) -> str:
        """The token of an account that is there."""
        return self.forge.world.users[login.lower()].token

    @acting
    def create_repository(self, path: str, default_branch: str = "main", *, private: bool = False) -> Repository:
        return self.forge.add_repository(path, default_branch, private=private)

    @acting
    def delete_repository(self, path: str) -> None:
        """Delete a repository: pulls that came out of it keep their commits and lose their head repository."""
        self.forge.delete_repository(self.find(path))

    @acting
    def archive(self, path: str) -> None:
        """Make a repository read-only, through the API at least."""
        self.find(path).archived = True

    @acting
    def rename_repository(self, path: str, to: str) -> None:
        self.forge.rename_repository(self.find(path), to)

    @acting
    def fork(self, path: str, owner: str) -> str:
        """Fork a repository and answer the fork's path."""
        return self.forge.add_fork(self.find(path), owner).path

    @acting
    def grant(self, path: str, login: str, role: str) -> None:
        """Give an account a role, one of `ROLES`, in a repository or else in a group; `none` hides what is public."""
        _check_roles(ROLES, role)
        found = self.forge.repository(path)
        members = self.forge.add_group(path).members if found is None else found.collaborators
        members[self.forge.add_user(login).login.lower()] = role

    @acting
    def protect(self, path: str, branch: str, *allowed: str) -> None:
        """Refuse pushes to a branch from everybody but the accounts that are `allowed`."""
        self.find(path).protected[branch] = list(allowed)

    @acting
    def protect_names(self, path: str, names: str, *, push: str = "maintain", merge: str = "maintain") -> None:
        """Let only a role (or `nobody`) push to branches and merge into them; `names` may be a pattern.

        On GitHub it is a ruleset, and nothing is said there about merging.
        """
        _check_roles((*ROLES, NOBODY), push, merge)
        self.find(path).branch_rules[names] = Protection(self.forge.world.take_id(), names, push, merge)

    @acting
    def protect_tags(self, path: str, names: str, *, push: str = "maintain") -> None:
        """Let only a role (or `nobody`) create, move and delete tags; on GitHub it is a ruleset."""
        _check_roles((*ROLES, NOBODY), push)
        self.find(path).tag_rules[names] = Protection(self.forge.world.take_id(), names, push)

    @acting
    def demand_checks(self, path: str, branch: str, *names: str, ruleset: bool = False) -> None:
        """Have a branch demand checks, by its protection or by a ruleset; on GitLab everything that runs, everywhere.

        The sandbox only tells of it: it lets everybody push all the same.
        """
        repository = self.find(path)
        repository.pipelines_must_succeed = True
        if ruleset:
            rule = Protection(self.forge.world.take_id(), branch, "read", checks=list(names))
            repository.branch_rules[branch] = rule
        else:
            repository.required[branch] = list(names)

    @acting
    def open_issue(self, path: str, title: str, body: str = "", *, by: str, labels: tuple[str, ...] = ()) -> int:
        """Open an issue that is no pull; its number."""
        login = self.forge.add_user(by).login
        issue = open_issue(self.forge, self._shelf(path), title, body, login)
        scene = Scene(self.forge, self.find(path), issue, login)
        scene.tell("opened")
        add_labels(scene, labels)
        return issue.number

    @acting
    def set_merge_method(self, path: str, method: MergeMethod) -> None:
        """How the merge requests of a project land. GitLab only."""
        if method not in get_args(MergeMethod):
            raise ValueError(f"{method!r} is not one of {', '.join(get_args(MergeMethod))}")
        self.find(path).merge_method = method

    @acting
    def add_hook(self, path: str, url: str, secret: str, *events: str) -> Hook:
        """Send the events (all, unless some are named) of a repository, or else of a group, to `url`."""
        found = self.forge.repository(path)
        holder = self.forge.add_group(path) if found is None else found
        return self.forge.add_hook(holder, url, secret, list(events) or ["*"])

    @acting
    def commit(self, path: str, branch: str, files: Files, message: str, by: str) -> str:
        """Commit files (None removes one) on a branch and push it as `by`; a branch that is not there starts empty."""
        repository = self.find(path)
        bare, before = self.forge.bare(repository), self.forge.bare(repository).refs()
        tip = bare.branch(branch)
        author = sign(self.forge.person(self.forge.add_user(by).login), self.forge.now())
        made = write_commit(bare, _write_tree(bare, tip, files), (tip,) if tip else (), message, (author, author))
        bare.update_ref(f"refs/heads/{branch}", made, tip or ZERO)
        follow_refs(self.forge, repository, before, by)
        return made

    @acting
    def branch(self, path: str, name: str, start: str, by: str) -> str:
        """Create a branch at a branch, tag or sha, and answer its commit."""
        repository = self.find(path)
        bare, before = self.forge.bare(repository), self.forge.bare(repository).refs()
        sha = bare.resolve(start)
        if sha is None:
            raise not_found(f"{start} names no commit in {path}.")
        bare.update_ref(f"refs/heads/{name}", sha, ZERO)
        follow_refs(self.forge, repository, before, by)
        return sha

    @acting
    def tag(self, path: str, name: str, commit: str, by: str) -> None:
        """Put a lightweight tag at a commit, as a push by `by` does."""
        repository = self.find(path)
        bare, before = self.forge.bare(repository), self.forge.bare(repository).refs()
        bare.update_ref(f"refs/tags/{name}", commit, ZERO)
        follow_refs(self.forge, repository, before, by)

    @acting
    def open_pull(self, path: str, wish: PullWish, by: str) -> int:
        """Open a pull and answer its number."""
        return self.forge.face.open_pull(self.forge, self.find(path), wish, self.forge.add_user(by).login).number

    @acting
    def merge_pull(self, path: str, number: int, method: Method = "squash", *, by: str) -> str:
        """Merge a pull and answer the commit that the forge names as the result."""
        scene = self._scene(path, number, by)
        before = self.forge.bare(scene.repository).refs()
        made = self.forge.face.merge_pull(scene, MergeWish(method))
        follow_refs(self.forge, scene.repository, before, by)
        return made

    @acting
    def close_pull(self, path: str, number: int, *, by: str) -> None:
        self.forge.face.set_pull_state(self._scene(path, number, by), "closed")

    @acting
    def reopen_pull(self, path: str, number: int, *, by: str) -> None:
        self.forge.face.set_pull_state(self._scene(path, number, by), "open")

    @acting
    def land_closed(self, path: str, number: int, *, by: str) -> str:
        """Do what a merge robot does: push the squashed pull to its base, and close the pull without merging it."""
        scene = self._scene(path, number, by)
        part, bare = scene.issue.part, self.forge.bare(scene.repository)
        before, base = bare.refs(), bare.branch(part.base_ref)
        if base is None:
            raise Refusal(405, "Pull Request is not mergeable")
        link = f"Pull Request resolved: {self.forge.url}/{scene.repository.path}/pull/{number}"
        rest = "\n\n".join(text for text in (scene.issue.body or "", link) if text)
        robot, author = self.forge.person(by), self.forge.person(scene.issue.user)
        text = (f"{scene.issue.title} (#{number})", rest)
        made = land_squash(bare, Landing(base, part.head_sha, robot, author, self.forge.now(), text))
        if isinstance(made, Conflicting):
            raise Refusal(405, "Pull Request is not mergeable")
        bare.update_ref(f"refs/heads/{part.base_ref}", made, base)
        follow_refs(self.forge, scene.repository, before, by)
        self.forge.face.set_pull_state(scene, "closed")
        return made

    @acting
    def label(self, path: str, number: int, *names: str, by: str) -> None:
        add_labels(self._scene(path, number, by), names)

    @acting
    def unlabel(self, path: str, number: int, name: str, *, by: str) -> None:
        remove_label(self._scene(path, number, by), name)

    @acting
    def comment(self, path: str, number: int, body: str, *, by: str) -> Comment:
        return add_comment(self._scene(path, number, by), body)

    @acting
    def comment_on_issue(self, path: str, number: int, body: str, *, by: str) -> Comment:
        """The same on an issue, which some forges number apart from pulls."""
        scene = Scene(self.forge, self.find(path), self.plain_issue(path, number), self.forge.add_user(by).login)
        return add_comment(scene, body)

    @acting
    def write_issue(self, path: str, number: int, body: str, *, by: str) -> None:
        """Put another text in the place of an issue's own."""
        scene = Scene(self.forge, self.find(path), self.plain_issue(path, number), self.forge.add_user(by).login)
        edit_text(scene, None, body)

    def plain_issue(self, path: str, number: int) -> Issue:
        """What the forge remembers of an issue that is no pull."""
        found = self._shelf(path).get(number)
        if found is None:
            raise not_found(f"There is no issue {number} in {path}.")
        return found

    def _shelf(self, path: str) -> dict[int, Issue]:
        repository = self.find(path)
        return repository.issues if self.forge.face.kind == "github" else repository.tickets

    def issue(self, path: str, number: int) -> Issue:
        """What the forge remembers of an issue or a pull, to look at."""
        found = self.find(path).issues.get(number)
        if found is None:
            raise not_found(f"There is no #{number} in {path}.")
        return found

    def _scene(self, path: str, number: int, by: str) -> Scene:
        return Scene(self.forge, self.find(path), self.issue(path, number), self.forge.add_user(by).login)


def _check_roles(known: tuple[str, ...], *roles: str) -> None:
    for role in roles:
        if role not in known:
            raise ValueError(f"{role!r} is not one of {', '.join(known)}")


def _write_tree(bare: Bare, tip: str | None, files: Files) -> str:
    # An index of its own: the repository has none, and two commits at once must not share one.
    index = bare.path / f"index.{id(files):x}"
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        if tip:
            bare.run("read-tree", tip, env=env)
        lines = []
        for name, content in files.items():
            if content is None:
                lines.append(f"0 {ZERO}\t{name}\0")
            else:
                lines.append(f"100644 {bare.run('hash-object', '-w', '--stdin', stdin=content).strip()}\t{name}\0")
        bare.run("update-index", "-z", "--index-info", stdin="".join(lines), env=env)
        return bare.run("write-tree", env=env).strip()
    finally:
        index.unlink(missing_ok=True)
