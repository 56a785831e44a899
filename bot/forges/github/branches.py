"""What GitHub protects, what the bot may push to, and the deletion of branches.

It must never delete a branch that is protected, that is the default, or that is not where it was expected.
"""

from __future__ import annotations

from urllib.parse import quote

from bot.core.actions import BranchMoved, Missing, Refused
from bot.core.model import Protection, Repo
from bot.core.refs import BranchDeleted, Protected
from bot.forges.fields import OBJECT_ID, Fields
from bot.forges.github.connection import Connection
from bot.forges.github.pages import ask, each
from bot.forges.github.reading import reading
from bot.forges.github.wire import Wire
from bot.forges.ref_names import is_ref_name
from bot.forges.wire_fault import WireFault

_HARMLESS = frozenset({"deletion", "non_fast_forward"})
"""Rules that no push to a branch meets which only adds to it."""
_TAGS = "refs/tags/"


class Branches:
    """Fulfils `bot.forges.Branches` for one connection; `is_app` when it is a GitHub App's."""

    def __init__(self, connection: Connection, *, is_app: bool) -> None:
        self._connection = connection
        self._is_app = is_app

    # ── protection ───────────────────────────────────────────────────────────────────────────────────────────────────

    def protections(self, repo: Repo) -> tuple[Protection, ...]:
        """The branches that are protected, one by one, and the patterns of the active rulesets for tags: the patterns
        of protected branches GitHub shows to administrators only. One request for each ruleset.
        """
        wire, path = self._connection.wire(repo), f"/repos/{repo.path}"
        with reading(f"what is protected in {repo.path}"):
            # Of a renamed repository all branches may come: the question is lost on the way to its new name.
            branches = each(wire, f"{path}/branches", protected="true")
            names = [one.text("name") for one in branches if one.says("protected", value=True)]
            rulesets = [
                ask(wire, f"{path}/rulesets/{one.number('id')}")
                for one in each(wire, f"{path}/rulesets", targets="tag")
                if one.says("enforcement", "active") and one.says("target", "tag")
            ]
            tags = [found for ruleset in rulesets for found in _read_tags(ruleset)]
            return (*(Protection("branch", name) for name in names), *tags)

    def may_push(self, repo: Repo, branch: str) -> bool | None:
        """No without the role write; None under any protection, since who may pass it is told to administrators only,
        and None for an App, whose rights GitHub does not tell here.
        """
        if not is_ref_name(branch):
            return False
        if self._is_app:
            return None
        wire, path = self._connection.wire(repo), f"/repos/{repo.path}"
        with reading(f"what the bot may do in {repo.path}"):
            if not ask(wire, path).fields("permissions").says("push", value=True):
                return False
            there = self._look(wire, repo, branch)
            if there is not None and there.says("protected", value=True):
                return None
            rules = each(wire, f"{path}/rules/branches/{quote(branch)}")
            return None if any(rule.text("type") not in _HARMLESS for rule in rules) else True

    # ── deletion ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def delete(
        self, repo: Repo, name: str, *, expect: str
    ) -> BranchDeleted | BranchMoved | Missing | Protected | Refused:
        """Delete the branch if it is at `expect`."""
        wire, gone = self._connection.wire(repo), Missing(f"branch {name} of {repo.path}")
        with reading(f"the branch {name} of {repo.path}"):
            there = self._look(wire, repo, name)
            if there is None:
                return gone
            if name == repo.default_branch:
                return Protected(f"{name} is the default branch of {repo.path}.")
            if there.says("protected", value=True):
                return Protected(f"{name} is protected in {repo.path}.")
            if (tip := _tip_of(there)) != expect:
                return BranchMoved(tip)
            try:
                wire.requestJsonAndCheck("DELETE", f"/repos/{repo.path}/git/refs/heads/{quote(name)}")
            except WireFault as fault:
                if "Reference does not exist" in fault.said:
                    return gone
                # After a lost answer it is gone, or the same wish can be sent once more.
                if not fault.in_doubt or self._look(wire, repo, name) is not None:
                    return _refused(fault, repo, name)
            return BranchDeleted(tip)

    @staticmethod
    def _look(wire: Wire, repo: Repo, name: str) -> Fields | None:
        if not is_ref_name(name):
            return None
        try:
            found = ask(wire, f"/repos/{repo.path}/branches/{quote(name)}")
        except WireFault as fault:
            if fault.status != 404:
                raise
            return None
        # Under the former name of a branch that was renamed, GitHub answers with the one of the new name.
        return found if found.says("name", name) else None


def _tip_of(branch: Fields) -> str:
    return branch.fields("commit").matching("sha", OBJECT_ID)


def _read_tags(ruleset: Fields) -> list[Protection]:
    """What a ruleset for tags covers. One whose condition is of another kind, or that has none, covers them all."""
    conditions = ruleset.fields("conditions") if ruleset.has("conditions") else Fields("", {})
    if not conditions.has("ref_name"):
        return [Protection("tag", "**")]
    names = conditions.fields("ref_name")
    excluded = tuple(map(_pattern_of, names.texts("exclude") if names.has("exclude") else ()))
    return [Protection("tag", _pattern_of(one), excluded) for one in names.texts("include")]


def _pattern_of(word: str) -> str:
    # Between slashes two stars stand for any number of folders, none included.
    return "**" if word == "~ALL" else word.removeprefix(_TAGS).replace("**/", "**")


def _refused(fault: WireFault, repo: Repo, name: str) -> Refused:
    """A refusal that a person can do something about; raises the fault when nobody here can."""
    if fault.passing or fault.status not in (403, 404, 422):
        raise fault
    step = f"Give the bot's token the permission contents: write in {repo.path}, or delete the branch by hand."
    return Refused(f"GitHub did not delete the branch {name}: {fault.said or fault}", step)
