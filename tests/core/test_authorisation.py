"""Who may do what: each actor, event, verb and label, form, kind of pull, and policy, in every combination.

What is expected of a cell is a short rule (`expected`), written without a look at the code that is judged by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from bot.core.actions import (
    Action,
    BranchReady,
    CheckBranch,
    CompareWithOriginal,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    FindComment,
    FindPresent,
    GetLabellings,
    GetPull,
    GetRole,
    Identify,
    IsMember,
    Labelling,
    Missing,
    PickCommits,
    PullReady,
    React,
    Refused,
    ResolveChange,
    SetLabels,
    Sync,
)
from bot.core.commands import TABLE
from bot.core.cutting import CreateBranches, EnsureLabels, LabelsReady
from bot.core.errors import Fault
from bot.core.events import CommentEdited, CommentPosted, Event, PullClosed, PullLabelled
from bot.core.issues import (
    EnsureIssue,
    EnsureMilestone,
    FindIssue,
    FindLabelled,
    FindMilestone,
    Issue,
    IssueReady,
    Items,
)
from bot.core.jobs import Backport, Ended, FindEnded, FindWaiting
from bot.core.model import Branch, Capabilities, Comment, Person, Pull, Role
from bot.core.plan import flow_of, plan
from bot.core.publishing import (
    DeleteBranch,
    Drafted,
    DraftRelease,
    EnsureRelease,
    FindRelease,
    FindReleases,
    GetCapabilities,
    StageRelease,
)
from bot.core.refs import BranchDeleted, Untouched
from bot.core.release.confirmation import code_of
from bot.core.release.tracker import Account, HoldRow, View, render_tracker
from bot.core.standing import FindOpenOnto, FindTags, GetChecks, GetCommits, GetRequired
from bot.core.tagging import FetchTags, Pushed, PushRelease, ReadFiles, TagChecked, TagFound, VerifyTag
from bot.core.wishes import Asked, MakeFinal
from tests.core.driving import Answers, drive, writes
from tests.core.test_commands import CONTRACT
from tests.core.values import ADA, L27, REPO, TIP27, a_backport_pull, a_change, a_pull, picked, synced

Effect = Literal[
    "nothing", "a hint", "denied", "refused", "answered", "not there yet", "told of the policy", "told how lines stand",
    "carried", "released", "kept", "cut", "planned", "to be confirmed", "dropped", "fault",
]  # fmt: skip

# ── the dimensions ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Actor:
    """An account, and what the forge says of it; `role` is None when it cannot say.

    `sent` is how its webhooks show the account where that is not the whole truth.
    """

    name: str
    person: Person
    role: Role | None = Role.NONE
    sent: Person | None = None


OSCAR = Person(10, "oscar")
ACTORS = (
    Actor("outsider", OSCAR, Role.NONE),
    Actor("account that is gone", Person(0, "ghost"), Role.NONE),
    Actor("reader", Person(11, "rita"), Role.READ),
    Actor("triager", Person(12, "theo"), Role.TRIAGE),
    Actor("reader with the name of the App", Person(13, "mergebot"), Role.READ),
    Actor("writer", Person(14, "wanda"), Role.WRITE),
    Actor("maintainer", Person(15, "mona"), Role.MAINTAIN),
    Actor("administrator", Person(16, "alma"), Role.ADMIN),
    Actor("person of whom the forge cannot tell", Person(17, "urs"), None),
    Actor("App that the policy names", Person(18, "mergebot[bot]", is_bot=True), Role.WRITE),
    Actor("App that it does not name", Person(19, "otherbot[bot]", is_bot=True), Role.ADMIN),
    Actor("named bot that comes as a person", Person(20, "mergebot", is_bot=True), Role.WRITE, Person(20, "mergebot")),
    Actor("other bot that comes as a person", Person(21, "otherbot", is_bot=True), Role.ADMIN, Person(21, "otherbot")),
)

APPS = 'apps = ["mergebot"]'
NAMED = ("App that the policy names", "named bot that comes as a person")
POLICIES = {
    "no managers": f"[people]\n{APPS}",
    "managers, and one of them acts": f'[people]\n{APPS}\nmanagers = ["acme/release"]',
    "managers, and another one acts": f'[people]\n{APPS}\nmanagers = ["acme/release"]',
    "broken": f"[people]\n{APPS}\nmanager = []",
}

FORMS = {
    "plain": "{}",
    "quoted": "> {}",
    "fenced": "```\n{}\n```",
    "indented": "Look:\n\n    {}",
    "inline code": "`{}`",
    "HTML comment": "<!--\n{}\n-->",
    "link": "[{}](https://example.org)",
    "list": "- {}",
    "in a sentence": "Please say {}",
    "quote that goes on": "> He said:\n{}",
    "list that goes on": "- He said:\n{}",
    "inline code over lines": "This `\n{}\n` is code.",
    "link over lines": "[this\n{}\n](https://example.org)",
    "HTML": "<div>\n{}\n</div>",
}

ORIGINS = {
    "own branch": a_pull(head_repo_id=REPO.id, head="fix"),
    "fork": a_pull(head_repo_id=99, head="fix"),
    "fork, named as a backport": a_pull(head_repo_id=99, head="backport/2.7/12"),
    "fork that is gone": a_pull(head_repo_id=None, head="fix"),
}

COMMENTS = ("comment", "edited comment")
LABELLINGS = ("label before the merge", "label after the merge")
LABELS = ("backport/2.7", "backport/v2.7", "backport/release/2.7", "backport/all", "backported/2.7", "bug")


@dataclass(frozen=True)
class Cell:
    """One combination. `said` is a verb of the table, or a label."""

    actor: Actor
    event: str
    said: str
    form: str
    origin: str
    policy: str


def cells() -> Iterator[Cell]:
    """Every combination that there is."""
    verbs = [verb.said for verb in TABLE]
    for combination in product(ACTORS, COMMENTS, verbs, FORMS, ORIGINS, POLICIES):
        yield Cell(*combination)
    for actor, event, label, origin, policy in product(ACTORS, LABELLINGS, LABELS, ORIGINS, POLICIES):
        yield Cell(actor, event, label, "plain", origin, policy)
    for actor, origin, policy in product(ACTORS, ORIGINS, POLICIES):
        yield Cell(actor, "merge of what a maintainer labelled", "backport/2.7", "plain", origin, policy)


# ── the rule ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BUILT: dict[str, Effect] = {
    "/backport": "carried", "/backport recreate": "carried", "/release help": "answered", "/release ping": "answered",
    "/release status": "told how lines stand", "/release retry": "carried", "/release rc": "released",
    "/release hold": "kept", "/release unhold": "kept", "/release notes": "kept", "/release cut": "cut",
    "/release plan": "planned", "/release final": "to be confirmed", "/release yank": "to be confirmed",
    "/release confirm": "released", "/release cancel": "dropped",
}  # fmt: skip


TAKES_POLICY = ("/release retry", "/release hold", "/release notes")


def expected(cell: Cell) -> Effect:
    """What has to come of a cell."""
    if cell.event.startswith("merge"):
        return "told of the policy" if cell.policy == "broken" else "carried"
    if cell.event in LABELLINGS:
        return expected_of_label(cell)
    if cell.form != "plain" or (cell.actor.person.is_bot and cell.event == "edited comment"):
        return "nothing"
    return "a hint" if cell.event == "edited comment" else expected_of_comment(cell)


def expected_of_label(cell: Cell) -> Effect:
    """A label counts when who put it on may write; a person who may not is told so on the pull."""
    if not cell.said.startswith("backport/") or (cell.actor.person.is_bot and not is_named(cell)):
        return "nothing"
    if cell.policy == "broken":
        return "told of the policy"
    if cell.actor.role is None:
        return "fault"
    return "carried" if cell.actor.role >= Role.WRITE else "refused"


def expected_of_comment(cell: Cell) -> Effect:
    """A verb is for who its row names: anyone, who may write, or a release manager."""
    who = CONTRACT[cell.said]
    if cell.actor.person.is_bot and not is_named(cell):
        return "nothing"
    if who != "anyone" and cell.actor.role is None:
        return "fault"
    needs_policy = cell.said.startswith("/backport") or who == "manager" or cell.said in TAKES_POLICY
    if cell.policy == "broken" and ((needs_policy and is_one(cell, "write")) or cell.said in OPEN_TO_ALL):
        return "told of the policy"
    if not is_one(cell, who):
        return "denied"
    return BUILT.get(cell.said, "not there yet")


OPEN_TO_ALL = ("/release status", "/release plan")
"""What anyone may ask for, and what only a policy that is in force can tell."""


def is_named(cell: Cell) -> bool:
    return cell.actor.name in NAMED and cell.policy != "broken"


def is_one(cell: Cell, who: str) -> bool:
    if who == "anyone":
        return True
    if cell.actor.person.is_bot:
        return who == "write" and is_named(cell)
    role = cell.actor.role or Role.NONE
    if who == "write":
        return role >= Role.WRITE
    if cell.policy == "no managers":
        return role >= Role.MAINTAIN
    return role >= Role.WRITE and cell.policy == "managers, and one of them acts"


TAG = TagFound("v2.7.0-rc1", "b" * 40, "a" * 40, annotated=True, tagged_at=1)
RC3 = TagFound("v2.7.0-rc3", "b" * 40, TIP27, annotated=True, tagged_at=1)
V271 = TagFound("v2.7.1", "b" * 40, TIP27, annotated=True, tagged_at=1)
AT = 1_700_000_000
WAITING = MakeFinal(REPO, L27, Asked(ADA, 12, 400, at=AT - 60))
"""Somebody else's wish, on the same pull."""

CODE = code_of(WAITING, {"tag": "v2.7.0", "candidate": RC3.name, "commit": TIP27, "release/2.7": TIP27})
EXAMPLES = {verb.said: verb.example for verb in TABLE} | {"/release confirm": f"/release confirm {CODE}"}
TAGS = {"/release final": (RC3,), "/release confirm": (RC3,), "/release yank": (V271,)}
"""What there is for each verb to do something with."""

SECTION = "# Changelog\n\n## [2.7.0] - 2026-11-25\n"
CAPABLE = Capabilities(draft_releases=True, prereleases=True, latest_mark=True, threads=True, signs_commits=True)

# ── what really happens ──────────────────────────────────────────────────────────────────────────────────────────────


WITHOUT_GATES: Answers = {
    FetchTags: (), FindIssue: Missing("a tracker"), DraftRelease: Drafted("a" * 40, ("CHANGELOG.md",), "", (), ()),
    FindLabelled: Items(), FindMilestone: Missing("a milestone"), GetRequired: None,
    StageRelease: BranchReady("a" * 40), PushRelease: Pushed(TAG), VerifyTag: Missing("a tag"),
    FindRelease: Missing("a release"), EnsureRelease: Refused("no", "no"), DeleteBranch: BranchDeleted("a" * 40),
    EnsureIssue: lambda action: IssueReady(tracker(action.wish.body)), EnsureMilestone: Refused("no", "no"),
    CreateBranches: BranchReady("9" * 40), EnsureLabels: LabelsReady(),
    FindWaiting: (WAITING,), FindReleases: (), GetCapabilities: CAPABLE, ReadFiles: {"CHANGELOG.md": SECTION},
}  # fmt: skip


def tracker(body: str) -> Issue:
    return Issue(9, "Release 2.7", body, "", Person(1, "relbot"), is_open=True, is_mine=True)


HELD = render_tracker(View(L27, Branch("release/2.7", "7" * 40), "2.7.0", None, (), (), (), (), ()),
                      Account(holds=(HoldRow(by="bob", reason="waits", at=1),)))  # fmt: skip


def world(cell: Cell) -> Answers:
    """A forge and a repository that would let everything happen."""
    label = cell.said if cell.event in LABELLINGS else "backport/2.7"
    labels = () if cell.event in COMMENTS else (label,)
    setter = cell.actor.person if cell.event in LABELLINGS else ADA
    pull = replace(ORIGINS[cell.origin], author=cell.actor.person, labels=labels)
    return {
        GetPull: pull,
        Identify: lambda action: cell.actor.person if action.person == sender(cell) else action.person,
        GetRole: lambda action: role_of(cell, action),
        IsMember: lambda action: cell.policy == "managers, and one of them acts" and action.group == "acme/release",
        GetLabellings: {label: Labelling(setter, 1)},
        Sync: synced("main", "release/2.7", policy=POLICIES[cell.policy]),
        ResolveChange: a_change(),
        FindPresent: (),
        PickCommits: picked(),
        CheckBranch: Untouched("b" * 40),
        CompareWithOriginal: "",
        FindComment: None,
        EnsureBranch: BranchReady("a" * 40),
        EnsurePull: PullReady(a_backport_pull(), opened=True),
        DressPull: None,
        SetLabels: None,
        EnsureComment: lambda action: Comment(1, Person(1, "relbot"), action.body),
        React: None,
        # What has failed was asked for by somebody who may not any more: it is done for who says retry, or not at all.
        FindEnded: (Ended(Backport(REPO, 12, L27, OSCAR), "failed"),),
        FindTags: (),
        GetCommits: (),
        GetChecks: (),
        FindOpenOnto: (),
        **WITHOUT_GATES,
        **({FindIssue: tracker(HELD)} if cell.said == "/release unhold" else {}),
        FetchTags: TAGS.get(cell.said, ()),
        VerifyTag: TagChecked(RC3, None, "", (), None, "none", "") if cell.said in TAGS else Missing("a tag"),
    }


def role_of(cell: Cell, action: GetRole) -> Role:
    """ADA is the maintainer who labels what others merge."""
    if action.person == ADA:
        return Role.MAINTAIN
    if cell.actor.role is None:
        raise Fault("the forge does not answer")
    return cell.actor.role if action.person == cell.actor.person else Role.NONE


def sender(cell: Cell) -> Person:
    """The actor as a webhook shows it."""
    return cell.actor.sent or cell.actor.person


def event_of(cell: Cell, pull: Pull) -> Event:
    """What the forge tells of a cell."""
    person = sender(cell)
    match cell.event:
        case "comment" | "edited comment":
            said = FORMS[cell.form].format(EXAMPLES[cell.said])
            if cell.event == "edited comment":
                return CommentEdited(REPO, pull.number, 501, person, said)
            return CommentPosted(REPO, pull.number, 501, person, said, written_at=AT)
        case "label after the merge":
            return PullLabelled(REPO, pull.number, (cell.said,), person)
        case "label before the merge":
            return PullClosed(REPO, pull.number, ADA)
        case _:
            return PullClosed(REPO, pull.number, person)


def happens(cell: Cell) -> tuple[Effect, list[Action]]:
    """Plan the event, do every job of the plan, and say what was written."""
    answers = world(cell)
    done: list[Action] = []
    try:
        planned, _ = drive(plan(event_of(cell, answers[GetPull])), answers)
        for job in planned.jobs:
            done += writes(drive(flow_of(job), answers)[1])
    except Fault:
        return "fault", done
    return judge(done), done


TOLD: dict[str, Effect] = {
    "| Line | Head |": "told how lines stand", "This was a plan": "planned", "Nothing is done yet.": "to be confirmed",
    "is dropped, as": "dropped",
}  # fmt: skip
"""Answers that are known by a part of them."""


def judge(done: list[Action]) -> Effect:
    kinds = {type(action) for action in done}
    if PushRelease in kinds:
        return "released"
    if CreateBranches in kinds:
        return "cut"
    if EnsureIssue in kinds:
        return "kept"
    if EnsureBranch in kinds and EnsurePull in kinds:
        return "carried"
    if not kinds:
        return "nothing"
    assert kinds <= {EnsureComment, React}, kinds
    reactions = {action.reaction for action in done if isinstance(action, React)}
    texts = " ".join(action.body for action in done if isinstance(action, EnsureComment))
    if "The policy file" in texts:
        return "told of the policy"
    for told, effect in TOLD.items():
        if told in texts:
            return effect
    if not reactions:
        return "refused"
    if reactions == {"-1"}:
        return "denied"
    if reactions == {"rocket"}:
        return "answered"
    return "a hint" if "not when it is edited" in texts else "not there yet"


def test_every_cell_of_the_matrix_does_what_the_rule_says(capsys) -> None:
    seen: Counter[str] = Counter()
    wrong = []
    for cell in cells():
        effect, done = happens(cell)
        seen[effect] += 1
        if effect != expected(cell):
            wrong.append(f"{cell}\n  {effect} instead of {expected(cell)}: {done}")
    assert not wrong, f"{len(wrong)} of {seen.total()} cells:\n" + "\n".join(wrong[:10])
    assert seen.total() == len(ACTORS) * len(ORIGINS) * len(POLICIES) * (
        len(COMMENTS) * len(TABLE) * len(FORMS) + len(LABELLINGS) * len(LABELS) + 1
    ), "no cell is left out"
    with capsys.disabled():
        print(f"\nauthorisation: {seen.total()} cells, {dict(seen)}")


def test_a_role_that_is_lost_before_the_job_begins_does_not_count() -> None:
    """The plan is made with one role, the job begins with another: what counts is the role at that moment."""
    cell = Cell(ACTORS[4], "label before the merge", "backport/2.7", "plain", "own branch", "no managers")
    for role, effect in ((Role.WRITE, "carried"), (Role.TRIAGE, "refused")):
        answers = {**world(cell), GetRole: role}
        [job] = drive(plan(PullClosed(REPO, 12, ADA)), answers)[0].jobs
        assert judge(writes(drive(flow_of(job), answers)[1])) == effect
