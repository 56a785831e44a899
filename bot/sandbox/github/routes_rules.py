"""The API's rulesets, and the rules that they make for one branch.

It never names who may bypass a ruleset: GitHub tells that only to those who may change it.
"""

from __future__ import annotations

from urllib.parse import quote

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.rules import covers
from bot.sandbox.refusals import not_found
from bot.sandbox.state import Protection

_DEMANDING = "required_status_checks"
_RESTRICTING = ("creation", "update", "deletion")


def list_rulesets(call: Call) -> Reply:
    """What they are called and what they are for; the names that they cover are told one by one only."""
    wanted = (call.query.get("targets") or "branch,tag,push").split(",")
    kept = [found for found in _rulesets(call) if found[0] in wanted]
    return call.pages(kept, lambda found: _show(call, *found))


def read_ruleset(call: Call) -> Reply:
    found = next((one for one in _rulesets(call) if one[1].id == call.number("ruleset_id")), None)
    if found is None:
        raise not_found()
    target, rule = found
    folder = {"branch": "refs/heads", "tag": "refs/tags"}[target]
    return Reply(200, _show(call, target, rule) | {
        "conditions": {"ref_name": {"include": [f"{folder}/{rule.name}"], "exclude": []}},
        "rules": [{"type": kind} for kind in _RESTRICTING],
    })


def list_branch_rules(call: Call) -> Reply:
    """The rules for a branch, whether it is there or not."""
    covering = [rule for rule in call.repository.branch_rules.values() if covers(rule, call.word("branch"))]
    rows = [(rule, kind) for rule in covering for kind in _RESTRICTING if not rule.checks]
    rows += [(rule, _DEMANDING) for rule in covering if rule.checks]
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repository.path}

    def show(row: tuple[Protection, str]) -> Json:
        rule, kind = row
        wanted = [{"context": name} for name in rule.checks]
        demand = {"strict_required_status_checks_policy": False, "required_status_checks": wanted}
        more = {"parameters": demand} if kind == _DEMANDING else {}
        return {"type": kind, **more, "ruleset_id": rule.id, **source}

    return call.pages(rows, show)


def read_required_checks(call: Call) -> Reply:
    """What the protection of a branch demands. Whoever does not administer the repository is told of nothing."""
    if not call.forge.may(call.repository, call.asker, "admin"):
        raise not_found()
    branch, url = call.word("branch"), call.view.url_of(call.repository)
    if branch not in call.repository.protected and branch not in call.repository.required:
        raise not_found("Branch not protected")
    if (wanted := call.repository.required.get(branch)) is None:
        raise not_found("Required status checks not enabled")
    own = f"{url}/branches/{quote(branch)}/protection/required_status_checks"
    return Reply(200, {
        "url": own, "strict": False, "contexts": wanted, "contexts_url": f"{own}/contexts",
        "checks": [{"context": context, "app_id": None} for context in wanted],
    })


def _rulesets(call: Call) -> list[tuple[str, Protection]]:
    branches, tags = call.repository.branch_rules.values(), call.repository.tag_rules.values()
    return [*(("branch", rule) for rule in branches), *(("tag", rule) for rule in tags)]


def _show(call: Call, target: str, rule: Protection) -> Json:
    return {
        "id": rule.id, "name": f"{target} {rule.name}", "target": target, "source_type": "Repository",
        "source": call.repository.path, "enforcement": "active",
    }


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", f"{_REPO}/rulesets", list_rulesets),
    Route("GET", f"{_REPO}/rulesets/{{ruleset_id}}", read_ruleset),
    Route("GET", f"{_REPO}/rules/branches/{{branch}}", list_branch_rules),
    Route("GET", f"{_REPO}/branches/{{branch}}/protection/required_status_checks", read_required_checks),
)
