"""The deployment of a version: a pull that sets it in the files of another repository, an event that it is sent.

It must never touch a repository whose own policy does not accept that, nor take a deployed version back to a lower one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.actions import FindPulls, Flow, Missing, Planning, Refused, Sync, ask
from bot.core.bumps import Unbumped, put, read, read_entry
from bot.core.deploying import DispatchEvent, GetRepo
from bot.core.jobs import Report, ReportOutcome
from bot.core.messages import deploy as messages
from bot.core.messages.refusals import Refusal
from bot.core.model import Branch, Pull, Release, Repo
from bot.core.policy import Deploying, Policy, PolicyErrors, parse
from bot.core.publishing import FindRelease
from bot.core.release.marks import is_withdrawn
from bot.core.release.proposals import PROPOSALS, Proposal, bring
from bot.core.survey import take_survey
from bot.core.tagging import FetchTags, ReadFiles, TagChecked, TagFound, VerifyTag
from bot.core.versions import Version, read_tag
from bot.core.wishes import Deploy


@dataclass(frozen=True, slots=True)
class _Done:
    """How it ended, in a sentence."""

    outcome: ReportOutcome
    summary: str


@dataclass(frozen=True, slots=True)
class _Target:
    """The repository that deploys, as it was seen."""

    repo: Repo
    base: Branch
    staged: str | None
    """The tip of the bot's own branch there."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What is to be deployed."""

    told: messages.Told
    version: Version
    at: int
    """When it was tagged, in seconds since the epoch."""
    others: tuple[TagFound, ...]
    """All tags of the repository."""

    @property
    def branch(self) -> str:
        """The bot's own branch: one for each repository that is deployed, so that a newer version takes its place."""
        # Two paths can be the same once they are a plain name; two numbers never are.
        name = re.sub(r"[^A-Za-z0-9_]+", "-", self.told.source.path).strip("-")
        return f"{PROPOSALS}deploy/{name}-{self.told.source.id}"

    @property
    def is_highest(self) -> bool:
        """Whether no final of a higher number is there, nor, where it is a candidate itself, a candidate of one."""
        higher = (other for tag in self.others if (other := read_tag(tag.name)) and self.version < other)
        return not any(other.candidate is None or self.version.candidate is not None for other in higher)


def deploys(policy: Policy, version: Version) -> bool:
    """Whether the policy of a repository wants a version of it deployed."""
    wanted = policy.deploy
    return wanted.repository is not None and (wanted.candidates or version.candidate is None)


def deploy(job: Deploy) -> Flow[Report]:
    """Do it. Nobody asked for it anywhere, so the report alone tells what came of it."""
    done = yield from _deploy(job)
    if isinstance(done, Refusal):
        done = _Done("refused", str(done))
    return Report(job, done.outcome, done.summary)


def _deploy(job: Deploy) -> Flow[_Done | Refusal]:
    survey = yield from take_survey(job.repo)
    if survey.errors:
        return messages.broken_policy(job.repo.path, survey.errors)
    version, wanted = read_tag(job.tag), survey.policy.deploy
    if version is None or wanted.repository is None or not deploys(survey.policy, version):
        return _Done("nothing", f"The policy wants no deployment of {job.tag}.")
    found = yield from _find_version(job, version)
    if isinstance(found, Refusal):
        return found
    target = yield from _find_target(job.repo, found, wanted.repository)
    if isinstance(target, Refusal):
        return target
    changed = (yield from _change_files(target, found, wanted)) if wanted.files else _Done("made", "")
    if not wanted.event or isinstance(changed, Refusal) or changed.outcome != "made":
        return changed
    return (yield from _send_event(target, found, wanted.event, changed.summary))


# ── what, and where ──────────────────────────────────────────────────────────────────────────────────────────────────


def _find_version(job: Deploy, version: Version) -> Planning[_Version | Refusal]:
    """The tag as it is now, which has to be the one that was judged: what it names by now may be anybody's."""
    checked = yield from ask(VerifyTag(job.repo, job.tag))
    if isinstance(checked, Missing) or checked.tag.commit is None:
        return messages.no_tag(job.tag)
    if job.sha not in (checked.tag.sha, checked.tag.commit):
        return messages.moved_tag(job.tag)
    if checked.tag.tagged_at is None:
        return messages.bare_tag(job.tag)
    if checked.verdict == "bad":
        return messages.bad_signature(job.tag, checked.said)
    # By the name that it has now: whoever takes over a name that it had is somebody else.
    source = yield from ask(GetRepo(job.repo))
    if isinstance(source, Missing):
        return messages.lost_name(job.repo)
    told = yield from _tell(source, checked, checked.tag.commit)
    if isinstance(told, Refusal):
        return told
    others = yield from ask(FetchTags(job.repo))
    return _Version(told, version, checked.tag.tagged_at, others)


def _tell(source: Repo, checked: TagChecked, commit: str) -> Planning[messages.Told | Refusal]:
    """What is told of it, unless it was withdrawn before its turn came, or is not out."""
    release = yield from ask(FindRelease(source, checked.tag.name))
    if isinstance(release, Release) and is_withdrawn(release):
        return messages.withdrawn(checked.tag.name)
    if isinstance(release, Release) and release.draft:
        return messages.not_out(checked.tag.name)
    url = release.url if isinstance(release, Release) else None
    return messages.Told(source, checked.tag.name, commit, checked.trailer("Requested-By") or "", url)


def _find_target(repo: Repo, found: _Version, path: str) -> Planning[_Target | Refusal]:
    """The repository that deploys, once its own policy has said that it does."""
    target = yield from ask(GetRepo(repo, path))
    if isinstance(target, Missing):
        return messages.no_target(path)
    synced = yield from ask(Sync(target, (f"{found.branch}*",)))  # as a pattern, since it may not be there
    policy = parse(*synced.policy) if synced.policy else Policy()
    if isinstance(policy, PolicyErrors):
        return messages.broken_policy(target.path, policy)
    source = found.told.source
    accepted = {each.casefold() for each in policy.deploy.accept}
    if target.id != source.id and source.path.casefold() not in accepted:
        return messages.not_accepted(source.path, target.path)
    tip = synced.tip(target.default_branch)
    if tip is None:
        return messages.empty_target(target.path)
    return _Target(target, Branch(target.default_branch, tip), synced.tip(found.branch))


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _change_files(target: _Target, found: _Version, wanted: Deploying) -> Flow[_Done | Refusal]:
    """The pull that sets the version, unless all of it is there, something higher is, or people want it otherwise."""
    entries = [read_entry(entry) for entry in wanted.files]
    texts = yield from _read_files(target.repo, target.base.sha, entries)
    if higher := _higher(entries, texts, found.version):
        return _Done("nothing", f"{higher[0]} of {target.repo.path} holds {higher[1]}, which is left as it is.")
    files = _write(target.repo, entries, texts, str(found.version))
    if isinstance(files, Refusal):
        return files
    pulls = yield from ask(FindPulls(target.repo, found.branch, target.base.name))
    if pulls and (kept := (yield from _keeps_as_it_is(target, found, (pulls[0], entries)))):
        return _Done("nothing", kept)
    body = messages.render_pull(found.told, tuple(path for path, _ in files))
    proposal = Proposal(target.base, found.branch, files, _message(found, found.told.tag, found.told.commit),
                        body, found.at, earlier=_earlier(found))  # fmt: skip
    brought = yield from bring(target.repo, proposal)
    if isinstance(brought, Refusal):
        return brought
    if brought is None:
        return _Done("made", f"{target.repo.path} holds {found.version} already.")
    name = f"#{brought.pull.number} of {target.repo.path}"
    if brought.left:
        return _Done("nothing", f"People have worked on {name}, so I leave it to them to bring {found.version}.")
    return _Done("made", f"{name} brings {found.version}.")


def _read_files(repo: Repo, commit: str, entries: list[tuple[str, str]]) -> Planning[dict[str, str]]:
    paths = tuple(dict.fromkeys(path for path, _ in entries))
    texts = yield from ask(ReadFiles(repo, commit, paths))
    return {path: text for path, text in texts.items() if text is not None}


def _higher(
    entries: list[tuple[str, str]], texts: dict[str, str], version: Version
) -> tuple[str, Version] | None:
    """A file that holds a higher version, and which."""
    return next(((path, there) for path, there in _versions_in(entries, texts) if version < there), None)


def _versions_in(entries: list[tuple[str, str]], texts: dict[str, str]) -> Iterator[tuple[str, Version]]:
    for path, pattern in entries:
        stands = read(path, texts.get(path, ""), pattern)
        # What a file has beside the number (`2.7.1-cu126`) says nothing about which is higher.
        number = _NUMBER.match(stands) if isinstance(stands, str) else None
        if number and (there := read_tag(number[0])):
            yield path, there


_NUMBER = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}(?:\.[0-9]{1,9})?(?:[-.]?rc[.-]?[0-9]{1,9})?", re.ASCII | re.IGNORECASE)


def _write(
    target: Repo, entries: list[tuple[str, str]], texts: dict[str, str], written: str
) -> tuple[tuple[str, str], ...] | Refusal:
    """Each file with the version in it."""
    made: dict[str, str] = {}
    for path, pattern in entries:
        if path not in texts:
            return messages.not_written(target.path, path, "there is no file of text of that name")
        text = put(path, made.get(path, texts[path]), written, pattern)
        if isinstance(text, Unbumped):
            return messages.not_written(target.path, path, text.reason)
        made[path] = text
    return tuple(made.items())


def _keeps_as_it_is(
    target: _Target, found: _Version, there: tuple[Pull, list[tuple[str, str]]]
) -> Planning[str | None]:
    """Why the newest pull from my branch speaks against another one, if it does."""
    pull, entries = there
    name = f"#{pull.number} of {target.repo.path}"
    if not pull.is_open:
        if messages.marker_of(found.told) not in pull.body:
            return None
        how = "merged" if pull.merged else "closed by people"
        return f"{name}, which brought {found.version}, was {how}; I do not bring it again."
    if target.staged is None:
        return None
    texts = yield from _read_files(target.repo, target.staged, entries)
    higher = _higher(entries, texts, found.version)
    return f"{name} brings {higher[1]}, which is left as it is." if higher else None


def _message(found: _Version, tag: str, commit: str) -> str:
    return messages.commit_message(found.told.source.path, tag, commit)


def _earlier(found: _Version) -> tuple[tuple[str, int], ...]:
    """What I may have put on the branch for other versions."""
    return tuple(
        (_message(found, tag.name, tag.commit), tag.tagged_at)
        for tag in found.others
        if tag.commit and tag.tagged_at is not None and read_tag(tag.name)
    )


# ── the event ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send_event(target: _Target, found: _Version, event: str, before: str) -> Flow[_Done | Refusal]:
    """Sent at least once: whoever receives it knows a repetition by its id, whatever began the job that sends it."""
    told = found.told
    payload = (
        ("id", f"{told.source.forge}:{told.source.id}:{told.tag}:{told.commit}"), ("source", told.source.path),
        ("version", str(found.version)), ("tag", told.tag), ("commit", told.commit),
        ("highest", "true" if found.is_highest else "false"),
    )  # fmt: skip
    sent = yield from ask(DispatchEvent(target.repo, event, payload))
    said = f"{before} " if before else ""
    if isinstance(sent, Missing):
        return messages.no_target(target.repo.path)
    if isinstance(sent, Refused):
        return Refusal(f"{said}{sent.reason.rstrip('.')}.", sent.next_step)
    return _Done("made", f"{said}{target.repo.path} was sent {event} for {found.version}.")
