"""The deployment of a version in another repository: who consents, what is written, and what is left as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.actions import (
    BranchReady,
    DescribePull,
    EnsurePull,
    FindPulls,
    Missing,
    PullReady,
    Refused,
    Sync,
    Synced,
)
from bot.core.deploying import Dispatched, DispatchEvent, GetRepo
from bot.core.messages.deploy import commit_message
from bot.core.model import Branch, Commit, Line, Release, Repo
from bot.core.plan import flow_of
from bot.core.policy import parse
from bot.core.publishing import FindRelease
from bot.core.release.deploy import deploys
from bot.core.standing import GetCommits
from bot.core.tagging import (
    CommitMade,
    FetchTags,
    MakeCommit,
    ReadFiles,
    StageCommit,
    TagChecked,
    TagFound,
    VerifyTag,
)
from bot.core.versions import Version
from bot.core.wishes import Deploy
from tests.core.driving import drive, kinds, only, reads_only
from tests.core.values import L27, NEW, REPO, a_pull

INFRA = Repo("github", 9, "Acme/infra", "prod")
TAG = TagFound("v2.7.1", "a1" * 20, "b1" * 20, annotated=True, tagged_at=1_700_000_000)
OLDER = TagFound("v2.7.0", "a2" * 20, "b2" * 20, annotated=True, tagged_at=1_600_000_000)
CHECKED = TagChecked(TAG, "relbot", "", (("Requested-By", "@ada"),), "ssh", "good", "good")
RELEASE = Release("v2.7.1", "v2.7.1", "", "https://forge.example/r")
JOB = Deploy(REPO, L27, "v2.7.1", TAG.sha)
WISH = '[deploy]\nrepository = "acme/infra"\nfiles = ["envs/prod.yaml: tag: {version}"]\n'
EVENT = '[deploy]\nrepository = "acme/infra"\nevent = "relbot-release"\n'
CONSENT = '[deploy]\naccept = ["Acme/Torchlet"]\n'
HEAD = "relbot/deploy/acme-torchlet-7"
BASE, STAGED = "9" * 40, "5" * 40
MINE = Commit(STAGED, (BASE,), "f" * 40, "relbot <a@b>", OLDER.tagged_at,
              commit_message(REPO.path, "v2.7.0", OLDER.commit), OLDER.tagged_at)  # fmt: skip
OPEN = a_pull(number=5, is_open=True, merged=False, head=HEAD, base="prod", head_repo_id=9)


def world(wish=WISH, consent=CONSENT, text="image:\n  tag: 2.7.0 # now\n", staged=None, **changes):
    def sync(action):
        if action.repo.id != INFRA.id:
            return Synced((Branch("main", "9" * 40),), (".github/relbot.toml", wish) if wish else None)
        heads = (Branch(HEAD, STAGED),) if staged is not None and f"{HEAD}*" in action.patterns else ()
        return Synced((Branch("prod", BASE), *heads), (".github/relbot.toml", consent) if consent else None)

    answers = {
        Sync: sync, VerifyTag: CHECKED, FindRelease: RELEASE, FetchTags: (OLDER, TAG),
        GetRepo: lambda action: INFRA if action.path else REPO,
        ReadFiles: lambda action: {"envs/prod.yaml": staged if action.commit == STAGED else text},
        FindPulls: (), MakeCommit: CommitMade(NEW, "f" * 40, ("envs/prod.yaml",)), StageCommit: BranchReady(NEW),
        GetCommits: (MINE,), EnsurePull: PullReady(OPEN, opened=True), DescribePull: None,
        DispatchEvent: Dispatched(),
    }  # fmt: skip
    named = {kind.__name__: kind for kind in answers}
    return {**answers, **{named[name]: answer for name, answer in changes.items()}}


def deploy(job=JOB, **changes):
    report, asked = drive(flow_of(job), world(**changes))
    assert report.job == job
    return report, asked


# ── the pull ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pull_sets_the_version_where_it_is_deployed():
    report, asked = deploy()
    assert (report.outcome, report.summary) == ("made", "#5 of Acme/infra brings 2.7.1.")
    staged = only(asked, StageCommit)
    assert staged.make.repo == INFRA
    assert (staged.make.parent, staged.branch, staged.expect) == (BASE, HEAD, None)
    assert staged.make.files == (("envs/prod.yaml", "image:\n  tag: 2.7.1 # now\n"),)
    assert staged.make.committed_at == TAG.tagged_at
    pull = only(asked, EnsurePull)
    assert (pull.repo, pull.head, pull.base, pull.title) == (INFRA, HEAD, "prod", "chore: deploy acme/torchlet")
    assert "[acme/torchlet v2.7.1](https://forge.example/r)" in pull.body
    assert "@ada" not in pull.body and "ada" in pull.body, "named, and not called"
    assert "DispatchEvent" not in kinds(asked)


def test_a_newer_version_brings_the_open_pull_up_to_date():
    report, asked = deploy(staged="tag: 2.7.0", FindPulls=(OPEN,), EnsurePull=PullReady(OPEN, opened=False))
    assert report.outcome == "made"
    assert only(asked, StageCommit).expect == STAGED
    described = only(asked, DescribePull)
    assert (described.repo, described.number, "v2.7.1" in described.body) == (INFRA, 5, True)


def test_what_people_have_done_to_the_pull_is_left_as_it_is():
    for touched in (replace(MINE, committed_at=1), replace(MINE, message="mine now"), replace(MINE, authored_at=1)):
        report, asked = deploy(staged="tag: 2.7.0", FindPulls=(OPEN,), GetCommits=(touched,))
        assert (report.outcome, "People have worked on #5" in report.summary) == ("nothing", True)
        assert reads_only(asked)


@pytest.mark.parametrize("merged", [True, False])
def test_a_pull_of_this_version_that_has_ended_is_not_brought_again(merged):
    _, asked = deploy()
    ended = replace(OPEN, is_open=False, merged=merged, body=f"hand notes\n{only(asked, EnsurePull).body}")
    report, asked = deploy(FindPulls=(ended,))
    assert (report.outcome, "#5 of Acme/infra, which brought 2.7.1, was" in report.summary) == ("nothing", True)
    assert reads_only(asked)


@pytest.mark.parametrize("ended", [
    replace(OPEN, is_open=False, merged=True, head_sha=STAGED), replace(OPEN, is_open=False, merged=False),
], ids=["merged", "closed"])  # fmt: skip
def test_the_next_version_is_brought_whatever_became_of_the_last_one(ended):
    for staged in (None, "tag: 2.7.0"):
        report, asked = deploy(staged=staged, FindPulls=(ended,))
        assert report.outcome == "made"
        assert only(asked, StageCommit).expect == (None if staged is None else STAGED)


def test_what_people_pushed_onto_a_closed_branch_is_not_written_over():
    ended = replace(OPEN, is_open=False, merged=False)
    report, asked = deploy(staged="tag: 2.7.0", FindPulls=(ended,), GetCommits=(replace(MINE, message="mine"),))
    assert report.outcome == "nothing"
    assert reads_only(asked)


def test_what_people_added_to_a_pull_that_was_merged_is_merged_and_what_they_add_later_is_not():
    theirs = replace(MINE, message="mine now")
    merged = replace(OPEN, is_open=False, merged=True, head_sha=STAGED)
    assert only(deploy(staged="tag: 2.7.0", FindPulls=(merged,), GetCommits=(theirs,))[1], StageCommit).expect == STAGED
    later = replace(merged, head_sha="4" * 40)
    report, asked = deploy(staged="tag: 2.7.0", FindPulls=(later,), GetCommits=(theirs,))
    assert (report.outcome, reads_only(asked)) == ("nothing", True)


def test_one_file_can_hold_it_in_two_places():
    wish = WISH.replace('"]', '", "envs/prod.yaml: v={version}"]')
    _, asked = deploy(wish=wish, text="tag: 2.7.0\nv=2.6.0\n")
    assert only(asked, StageCommit).make.files == (("envs/prod.yaml", "tag: 2.7.1\nv=2.7.1\n"),)


def test_a_version_that_is_there_needs_no_pull():
    report, asked = deploy(text="tag: 2.7.1", MakeCommit=CommitMade(BASE, "f" * 40, ()))
    assert (report.outcome, report.summary) == ("made", "Acme/infra holds 2.7.1 already.")
    assert reads_only(asked)


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("consent", [
    None, "", '[deploy]\naccept = ["acme/torch"]', '[deploy]\naccept = ["x/torchlet"]',
])  # fmt: skip
@pytest.mark.parametrize("wish", [WISH, EVENT])
def test_nothing_is_done_where_the_repository_itself_does_not_accept_it(wish, consent):
    report, asked = deploy(wish=wish, consent=consent)
    assert report.outcome == "refused"
    assert '[deploy] accept = ["acme/torchlet"]' in report.summary
    assert reads_only(asked)
    assert "ReadFiles" not in kinds(asked)


def test_the_case_of_a_path_makes_no_difference():
    shouted = replace(REPO, path="ACME/Torchlet")
    for path in ("acme/torchlet", "Acme/TorchLet"):
        report, _ = deploy(consent=f'[deploy]\naccept = ["{path}"]', GetRepo=lambda it: INFRA if it.path else shouted)
        assert report.outcome == "made"


def test_a_repository_that_deploys_itself_asks_nobody():
    report, asked = deploy(GetRepo=REPO)
    assert (report.outcome, report.summary) == ("made", "#5 of acme/torchlet brings 2.7.1.")
    assert only(asked, EnsurePull).base == "main"


def test_it_is_known_by_the_name_that_it_has_now():
    renamed = replace(REPO, path="acme/torchlight")
    report, asked = deploy(GetRepo=lambda action: INFRA if action.path else renamed)
    assert (report.outcome, '["acme/torchlight"]' in report.summary) == ("refused", True)
    report, asked = deploy(GetRepo=lambda action: INFRA if action.path else Missing("it"))
    assert (report.outcome, "what acme/torchlet is called now" in report.summary) == ("refused", True)
    assert reads_only(asked)


@pytest.mark.parametrize(("changes", "said"), [
    ({"GetRepo": lambda action: Missing("it") if action.path else REPO}, "acme/infra, which the policy names"),
    ({"consent": "[deploi]\n"}, "The policy of Acme/infra is wrong in line 1"),
    ({"wish": "[deploi]\n"}, "The policy of acme/torchlet is wrong in line 1"),
    ({"VerifyTag": Missing("a tag")}, "There is no tag v2.7.1"),
    ({"VerifyTag": replace(CHECKED, tag=replace(TAG, commit=None))}, "There is no tag v2.7.1"),
    ({"VerifyTag": replace(CHECKED, tag=replace(TAG, tagged_at=None))}, "v2.7.1 is a bare name"),
    ({"VerifyTag": replace(CHECKED, verdict="bad", said="It is no good")}, "It is no good"),
    ({"text": "version: 2.7.0"}, "envs/prod.yaml of Acme/infra cannot be given the version: `tag: {version}` stands"),
    ({"text": "tag: 2.6.0\ntag: 2.7.0"}, "2 times"),
    ({"text": None}, "there is no file of text"),
    ({"StageCommit": Refused("It is protected", "Unprotect it.")}, "It is protected. Unprotect it."),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_with_the_next_step(changes, said):
    report, asked = deploy(**changes)
    assert (report.outcome, said in report.summary) == ("refused", True), report.summary
    assert report.summary.count(". ") >= 1, "a reason and a next step"
    assert "EnsurePull" not in kinds(asked)


def test_a_default_branch_without_a_commit_is_refused():
    report, _ = deploy(GetRepo=lambda action: replace(INFRA, default_branch="other") if action.path else REPO)
    assert (report.outcome, "nothing on its default branch" in report.summary) == ("refused", True)


# ── never back ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("there", ["2.8.0", "2.8.0-rc1", "2.10.0", "2.8", "2.7.2-rc1", "3.0.0-cu126"])
def test_a_higher_version_is_never_taken_back(there):
    report, asked = deploy(text=f"tag: {there}")
    assert (report.outcome, "which is left as it is" in report.summary) == ("nothing", True)
    assert reads_only(asked)
    both = f'{WISH}event = "x"\n'
    assert reads_only(deploy(wish=both, text=f"tag: {there}")[1]), "nor is the event sent"


@pytest.mark.parametrize("there", ["2.7.1-rc9", "2.7.0", "2.6.99", "2.7.0-cu126"])
def test_a_lower_one_is_brought_up(there):
    assert only(deploy(text=f"tag: {there}")[1], StageCommit)


def test_a_pull_that_waits_with_a_higher_version_is_not_taken_back_either():
    report, asked = deploy(staged="tag: 2.8.0", FindPulls=(OPEN,))
    assert (report.outcome, report.summary) == ("nothing", "#5 of Acme/infra brings 2.8.0, which is left as it is.")
    assert reads_only(asked)


@pytest.mark.parametrize(("release", "words"), [
    (replace(RELEASE, title="v2.7.1 [YANKED]"), "is withdrawn"),
    (replace(RELEASE, body="<!-- relbot:yanked v2.7.1 -->"), "is withdrawn"),
    (replace(RELEASE, draft=True), "is a draft"),
])  # fmt: skip
def test_what_is_withdrawn_or_not_out_when_its_turn_comes_is_deployed_nowhere(release, words):
    for wish in (WISH, EVENT):
        report, asked = deploy(wish=wish, FindRelease=release)
        assert (report.outcome, words in report.summary, reads_only(asked)) == ("refused", True, True)


def test_a_tag_that_was_moved_since_it_counted_is_not_deployed():
    moved = replace(CHECKED, tag=replace(TAG, sha="c1" * 20, commit="d1" * 20))
    for wish in (WISH, EVENT):
        report, asked = deploy(wish=wish, VerifyTag=moved)
        assert (report.outcome, "was moved" in report.summary, reads_only(asked)) == ("refused", True, True)


# ── candidates, events ───────────────────────────────────────────────────────────────────────────────────────────────


def test_candidates_are_deployed_only_where_that_is_wished():
    job = Deploy(REPO, L27, "v2.7.1-rc2", TAG.sha)
    tag = replace(TAG, name="v2.7.1-rc2")
    report, asked = deploy(job)
    assert (report.outcome, kinds(asked)) == ("nothing", ["Sync"])
    checked = replace(CHECKED, tag=tag)
    _, asked = deploy(job, wish=f"{WISH}candidates = true\n", VerifyTag=checked)
    assert only(asked, StageCommit).make.files == (("envs/prod.yaml", "image:\n  tag: 2.7.1-rc2 # now\n"),)
    wants = parse("p", f"{WISH}candidates = true\n")
    assert [deploys(parse("p", text), Version(L27, 1, 2)) for text in ("", WISH)] == [False, False]
    assert deploys(wants, Version(L27, 1, 2)) and deploys(parse("p", WISH), Version(L27, 1))


def test_an_event_tells_what_it_is_about_and_that_it_is_the_same():
    report, asked = deploy(wish=EVENT)
    assert (report.outcome, report.summary) == ("made", "Acme/infra was sent relbot-release for 2.7.1.")
    assert "StageCommit" not in kinds(asked)
    sent = only(asked, DispatchEvent)
    assert (sent.repo, sent.name) == (INFRA, "relbot-release")
    assert dict(sent.payload) == {
        "id": f"github:7:v2.7.1:{TAG.commit}", "source": "acme/torchlet", "version": "2.7.1",
        "tag": "v2.7.1", "commit": TAG.commit, "highest": "true",
    }  # fmt: skip
    again = Deploy(REPO, L27, "v2.7.1", TAG.commit)
    assert again.key != JOB.key
    assert only(deploy(again, wish=EVENT)[1], DispatchEvent) == sent, "the same, whatever the job was told of the tag"


def test_an_event_says_when_something_higher_is_out():
    higher = TagFound("v2.8.0", "a3" * 20, "b3" * 20, annotated=True, tagged_at=1)
    candidate = replace(higher, name="v2.8.0-rc1")
    for tags, highest in (((TAG, higher), "false"), ((TAG, candidate), "true")):
        assert dict(only(deploy(wish=EVENT, FetchTags=tags)[1], DispatchEvent).payload)["highest"] == highest


def test_an_event_of_a_candidate_says_when_a_later_candidate_is_out():
    job, first = Deploy(REPO, L27, "v2.7.1-rc9", TAG.sha), replace(TAG, name="v2.7.1-rc9")
    for later, highest in ((), "true"), ((replace(TAG, name="v2.7.1-rc10"),), "false"), ((TAG,), "false"):
        checked = replace(CHECKED, tag=first)
        _, asked = deploy(job, wish=f"{EVENT}candidates = true\n", VerifyTag=checked, FetchTags=(first, *later))
        assert dict(only(asked, DispatchEvent).payload)["highest"] == highest


def test_both_are_done_and_of_a_refused_event_all_is_told():
    both = f'{WISH}event = "x"\n'
    report, asked = deploy(wish=both)
    assert kinds(asked).index("EnsurePull") < kinds(asked).index("DispatchEvent")
    assert report.summary == "#5 of Acme/infra brings 2.7.1. Acme/infra was sent x for 2.7.1."
    report, _ = deploy(wish=both, DispatchEvent=Refused("No CI file", "Write one."))
    assert (report.outcome, report.summary) == ("refused", "#5 of Acme/infra brings 2.7.1. No CI file. Write one.")


def test_two_repositories_never_share_a_branch():
    heads = set()
    for number, path in ((7, "acme/a-b"), (8, "acme-a/b"), (9, "acme/../b.lock")):
        _, asked = deploy(GetRepo=lambda action, n=number, p=path: INFRA if action.path else Repo("github", n, p, "m"),
                          consent='[deploy]\naccept = ["acme/a-b", "acme-a/b"]\n', text="tag: 2.7.0")  # fmt: skip
        heads |= {action.patterns[0] for action in asked if isinstance(action, Sync) and action.repo == INFRA}
    assert heads == {"relbot/deploy/acme-a-b-7*", "relbot/deploy/acme-a-b-8*", "relbot/deploy/acme-b-lock-9*"}


def test_a_line_s_deployments_are_done_in_turn():
    assert JOB.lane == Deploy(REPO, L27, "v2.7.2", "x").lane != Deploy(REPO, Line(2, 8), "v2.8.0", "x").lane
    assert JOB.key != Deploy(REPO, L27, "v2.7.1", "other").key
