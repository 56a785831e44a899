"""The API's rulesets, and the rules that they make for one branch.

It never names who may bypass a ruleset: GitHub tells that only to those who may change it.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.github.calls import Call, Route
from bot.sandbox.github.rules import covers
from bot.sandbox.refusals import not_found
from bot.sandbox.state import Protection

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
    rows = [(rule, kind) for rule in covering for kind in _RESTRICTING]
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repository.path}
    return call.pages(rows, lambda row: {"type": row[1], "ruleset_id": row[0].id, **source})


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
)
