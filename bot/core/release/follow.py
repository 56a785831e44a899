"""What follows from a version's tag: what the bot has begun is ended, and what people have made is judged.

It must never move a tag or take one away, nor publish for people what they have tagged by hand.
"""

from __future__ import annotations

from typing import assert_never

from bot.core.actions import EnsureComment, Flow, Missing, Planning, Sync, ask
from bot.core.jobs import Job, Report
from bot.core.lines import CANDIDATES
from bot.core.messages import after as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Release
from bot.core.policy import Policy
from bot.core.publishing import FindRelease
from bot.core.release.after import Final, follow_final
from bot.core.release.by_hand import find_flaws
from bot.core.release.candidate import clear_staging
from bot.core.release.deploy import deploys
from bot.core.release.look import LineNow, look_at
from bot.core.release.marks import is_withdrawn
from bot.core.release.shown import Shown, draft_of, section_of, show_candidate, show_final, trouble_with
from bot.core.survey import read_policy, take_survey
from bot.core.tagging import IsAncestor, ReadFiles, TagChecked, VerifyTag, is_mine
from bot.core.versions import Version, read_tag
from bot.core.wishes import Deploy, FollowTag, KeepTracker


def follow_tag(job: FollowTag) -> Flow[Report]:
    """Look at the tag as it is now, and do what is left to be done about it."""
    version = read_tag(job.tag)
    if version is None or version.line != job.line:
        return Report(job, "nothing", f"“{job.tag}” names no version of {job.line}.")
    found = yield from ask(VerifyTag(job.repo, job.tag))
    checked = None if isinstance(found, Missing) else found
    if checked is None and job.occasion not in ("moved", "deleted"):
        return Report(job, "settled", f"The tag {job.tag} is gone again.")
    if checked and job.occasion == "created" and (policy := (yield from _find_ended(job, version, checked))):
        # Its own job keeps the tracker, too.
        return Report(job, "settled", f"{job.tag} is mine and shown.", then=_deploy(job, policy, checked))
    survey = yield from take_survey(job.repo)
    if not survey.errors and job.line not in survey.lines:
        return Report(job, "settled", f"{job.line} has no branch here, so nothing follows from {job.tag}.")
    now = yield from look_at(job.repo, job.line)
    if isinstance(now, Refusal):
        return Report(job, "refused", f"{job.tag} is not followed: {now}")
    match job.occasion:
        case "moved" | "deleted":
            return (yield from _protest(job, version, now, checked))
        case "created" | "rolled up":
            assert checked is not None
            if not is_mine(job.repo, checked):
                return (yield from _judge(job, version, now, checked))
            if version.candidate is None:
                return (yield from _end_final(job, version, now, checked))
            return (yield from _end_candidate(job, version, now, checked))
        case _:
            assert_never(job.occasion)


# ── what I have made ─────────────────────────────────────────────────────────────────────────────────────────────────


def _find_ended(job: FollowTag, version: Version, checked: TagChecked) -> Planning[Policy | None]:
    """The policy, where it is a candidate of mine that lacks nothing, as nearly all are: that is seen without a look at
    the line.
    """
    if version.candidate is None or not is_mine(job.repo, checked):
        return None
    release = yield from ask(FindRelease(job.repo, job.tag))
    if isinstance(release, Missing) or release.draft:
        return None
    synced = yield from ask(Sync(job.repo, (f"{CANDIDATES}*",)))
    if synced.tip(f"{CANDIDATES}{job.line}") is not None:
        return None
    policy = read_policy(synced)
    return policy if isinstance(policy, Policy) and not is_withdrawn(release) else Policy()


def _end_candidate(job: FollowTag, version: Version, now: LineNow, checked: TagChecked) -> Flow[Report]:
    """The prerelease is there, and the bot's own branch is gone unless a later candidate waits on it."""
    release = yield from show_candidate(job.repo, job.line, draft_of(now, version, checked.tag))
    yield from clear_staging(now, checked.tag.commit or checked.tag.sha)
    shown = f"{job.tag} is shown."
    if trouble := trouble_with(release):
        shown = f"The forge shows no prerelease of {job.tag}: {trouble}."
    elif isinstance(release, Release) and release.draft:
        shown = f"The prerelease of {job.tag} is a draft that waits to be published."
    return Report(job, "settled", shown, then=_what_follows(job, now, checked, release))


def _end_final(job: FollowTag, version: Version, now: LineNow, checked: TagChecked) -> Flow[Report]:
    """The release is there, and all that follows from it is done."""
    release = yield from show_final(now, version, checked.tag)
    if isinstance(release, Release) and release.draft:
        said = f"The release of {job.tag} is a draft that waits to be published: nothing follows before it is."
        return Report(job, "settled", said, then=(_keep_tracker(job, checked),))
    if _is_over(job, release):
        return _leave(job, checked)
    trouble = trouble_with(release)
    also = (f"The forge shows no release of it: {trouble}.",) if trouble else ()
    url = release.url if isinstance(release, Release) else None
    then = _what_follows(job, now, checked, release)
    return (yield from follow_final(job, Final(now, version, checked, url), then, also))


def _what_follows(job: FollowTag, now: LineNow, checked: TagChecked, release: Shown) -> tuple[Job, ...]:
    """What is begun once a tag is counted. What waits as a draft is not out, and is not deployed."""
    kept_back = isinstance(release, Release) and (release.draft or is_withdrawn(release))
    return (_keep_tracker(job, checked), *(() if kept_back else _deploy(job, now.policy, checked)))


def _is_over(job: FollowTag, release: Shown) -> bool:
    """Whether it is withdrawn by now; a pull of its section that is open goes on as people have it."""
    return job.occasion == "created" and isinstance(release, Release) and is_withdrawn(release)


def _leave(job: FollowTag, checked: TagChecked) -> Report:
    said = f"{job.tag} is withdrawn, so nothing follows from it."
    return Report(job, "settled", said, then=(_keep_tracker(job, checked),))


def _deploy(job: FollowTag, policy: Policy, checked: TagChecked) -> tuple[Deploy, ...]:
    """Named after what the tag names, whatever the occasion said of it: one tag is deployed once."""
    version = read_tag(job.tag)
    wanted = version is not None and deploys(policy, version)
    return (Deploy(job.repo, job.line, job.tag, checked.tag.sha),) if wanted else ()


def _keep_tracker(job: FollowTag, checked: TagChecked | None) -> KeepTracker:
    return KeepTracker(job.repo, job.line, f"{job.tag}:{checked.tag.sha if checked else job.occasion}")


# ── what people have made ────────────────────────────────────────────────────────────────────────────────────────────


def _judge(job: FollowTag, version: Version, now: LineNow, checked: TagChecked) -> Flow[Report]:
    """Adopt a tag that is as one of mine would be, and tell what is wrong with any other."""
    commit = checked.tag.commit
    on_line = bool(commit) and (yield from ask(IsAncestor(job.repo, commit or "", now.branch.sha)))
    flaws = find_flaws(version, checked, now.tags, now.branch, on_line=on_line)
    if flaws:
        yield from _say(job, now, messages.render_flagged(version, checked, flaws))
        said = f"{job.tag} was pushed by hand, and is not as it should be: {'; '.join(flaws)}."
        return Report(job, "settled", said, then=(_keep_tracker(job, checked),))
    adopted = f"{job.tag} was pushed by hand, and is counted."
    if not job.told and job.occasion == "created":
        yield from _say(job, now, messages.render_adopted(version, checked, now.branch))
    release = yield from ask(FindRelease(job.repo, job.tag))
    if _is_over(job, release):
        return _leave(job, checked)
    then = _what_follows(job, now, checked, release)
    if version.candidate is None and (yield from _has_section(job, version, now, checked)):
        url = release.url if isinstance(release, Release) and not release.draft else None
        return (yield from follow_final(job, Final(now, version, checked, url), then))
    return Report(job, "settled", adopted, then=then)


def _has_section(job: FollowTag, version: Version, now: LineNow, checked: TagChecked) -> Flow[bool]:
    """Whether the changelog at the tag tells of the version: what is not written there is not carried on."""
    path, commit = now.policy.changelog.file, checked.tag.commit or checked.tag.sha
    text = (yield from ask(ReadFiles(job.repo, commit, (path,))))[path]
    return text is not None and section_of(text, version) is not None


def _protest(job: FollowTag, version: Version, now: LineNow, checked: TagChecked | None) -> Flow[Report]:
    """A version's tag was moved or taken away; one that is back where it was is left unsaid."""
    if checked and job.occasion == "deleted" and job.sha in (checked.tag.sha, checked.tag.commit):
        return Report(job, "settled", f"{job.tag} was deleted, and is back where it was.")
    yield from _say(job, now, messages.render_disturbed(job, version, checked))
    said = f"{job.tag} was {job.occasion}. A version's tag never moves and never goes: make the next number."
    return Report(job, "settled", said, then=(_keep_tracker(job, checked),))


def _say(job: FollowTag, now: LineNow, body: str) -> Flow[None]:
    """On the open tracker of the line. Where there is none, the report alone tells it."""
    if now.tracker and now.tracker.is_open:
        marker = body.partition("\n")[0]
        yield from ask(EnsureComment(job.repo, now.tracker.number, marker, body, on="issue"))
