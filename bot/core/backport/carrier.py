"""Which changes a pull carries to which line: by the name of its branch, or by a person's word in its body.

It must never take a stranger's word: only who can write to the repository makes branches there, or merges.
"""

from __future__ import annotations

import re

from bot.core.jobs import Settle
from bot.core.lines import line_of_branch, read_backport_branch
from bot.core.messages.pulls import BACKPORT_MARKER
from bot.core.model import Pull, Repo
from bot.core.policy import Policy

MAX_CARRIED = 20
"""How many changes one pull can be said to carry."""

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CLAIM = (
    r"^[\s#*_-]{{0,8}}(?:this )?(?:is )?(?:an? )?(?:manual )?backports?"
    r"(?:[\s:*_]{{1,4}}(?:of|for))?[\s:*_]{{1,4}}({0}(?:{1}{0})*)"
)
_BETWEEN = r"(?:,\s{0,3}|\s{1,3}&\s{1,3}|,?\s{1,3}and\s{1,3})"


def settle_carried(repo: Repo, pull: Pull, policy: Policy) -> tuple[Settle, ...]:
    """A job for each change that the pull carries, or carried, to the line that it goes onto."""
    line = line_of_branch(policy, pull.base)
    if line is None:
        return ()
    return tuple(
        Settle(repo, number, line, _occasion(pull), pull.number)
        for number in _carried(repo, pull, policy)
        if number != pull.number
    )


def may_carry(repo: Repo, base: str, body: str) -> bool:
    """Cheap, and right for every backport; it only spares a fetch for the pulls that are none."""
    return BACKPORT_MARKER in body or (base != repo.default_branch and bool(re.search(r"[0-9]\.[0-9]", base)))


def may_have_carried(repo: Repo, pull: Pull) -> bool:
    """The same of a pull that is known; one of a fork can only have been said to be a backport, and merged."""
    if pull.head_repo_id == repo.id:
        return may_carry(repo, pull.base, pull.body)
    return pull.merged and bool(read_claims(repo, pull.body))


def landed_as(pull: Pull) -> str | None:
    """What a merged pull became; a fast-forward has no commit of its own, so it is the pull's last one."""
    return (pull.merged_as or pull.head_sha) if pull.merged else None


def _carried(repo: Repo, pull: Pull, policy: Policy) -> tuple[int, ...]:
    """A backport's branch says it, whoever opened the pull. A body counts where the branch is ours, or once merged."""
    told = read_backport_branch(policy, pull.head)
    ours = pull.head_repo_id == repo.id
    if ours and told and told[0] == line_of_branch(policy, pull.base):
        return (told[1],)
    return read_claims(repo, pull.body) if ours or pull.merged else ()


def read_claims(repo: Repo, body: str) -> tuple[int, ...]:
    """The numbers behind “Backport of” at the beginning of a line, of pulls of this repository."""
    path = re.escape(repo.path)
    name = rf"\[?(?:(?:{path})?[#!]|https?://[^\s/]{{1,100}}/{path}/(?:-/)?(?:pull|merge_requests)/)([1-9][0-9]{{0,8}})\b"
    claims = re.finditer(_CLAIM.format(name, _BETWEEN), _HIDDEN.sub("", body), re.IGNORECASE | re.MULTILINE)
    numbers = (int(found[1]) for claim in claims for found in re.finditer(name, claim[1], re.IGNORECASE))
    return tuple(dict.fromkeys(numbers))[:MAX_CARRIED]


def _occasion(pull: Pull) -> str:
    return landed_as(pull) or ("open" if pull.is_open else "closed")
