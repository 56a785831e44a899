"""The commit of a version, drafted on a line's tip in a real mirror: its section, its number, and what is new."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bot.app.codec import encode
from bot.core.actions import BranchMoved, BranchReady, Refused, Sync
from bot.core.changelog.facts import facts_for_notes
from bot.core.errors import Fault, UserError
from bot.core.issues import PullFacts
from bot.core.model import Line, Person
from bot.core.publishing import Drafted, DraftRelease, StageRelease
from bot.core.versions import Version
from bot.tools.mirror import Mirrors
from tests.tools.git_server import GitServer
from tests.tools.histories import START, symlink
from tests.tools.histories import Person as Author
from tests.tools.mirror.releases import everything, hook
from tests.tools.mirror.story import GITHUB, GITLAB, LINES, access, at

LINE = Line(2, 7)
FINAL, RC1, RC2 = Version(LINE, 1), Version(LINE, 1, 1), Version(LINE, 1, 2)
DAY = 86_400
WHEN = START + 10 * DAY
TODAY, LATER = "2023-11-24", "2023-11-27"


@pytest.fixture
def line(remote):
    """release/2.7 with v2.7.0, and two fixes that came after it."""
    tag(remote, "v2.7.0")
    fix(remote, "fix: scale by nothing (#21)")
    fix(remote, "fix(ops): round down (#22)")
    return remote


def fix(remote, title, branch="release/2.7", files=None):
    return remote.commit(branch, files or {f"{abs(hash(title))}.py": "x\n"}, title)


def tag(remote, name, commit="release/2.7", date=START):
    remote.git("tag", "-a", "-m", name, name, remote.sha(commit), GIT_COMMITTER_DATE=f"{date} +0000")


def wish(remote, version=RC1, **more):
    """The draft of a version on the line's tip, dated ten days after the history begins."""
    given = {"parent": remote.sha("release/2.7"), "at": WHEN, **more}
    return DraftRelease(GITHUB, version=version, tag=f"v{version}", **given)


def policy(text):
    return (".github/relbot.toml", text)


def drafted(mirror, remote, version=RC1, **more):
    mirror.sync(Sync(GITHUB, LINES))
    made = mirror.drafting.draft(wish(remote, version, **more))
    assert isinstance(made, Drafted), made
    return made


def section(remote, mirror, made, path="CHANGELOG.md"):
    return read(mirror, made.commit, path)


def read(mirror, commit, path):
    """A file of a commit that lies in the mirror alone."""
    tree = mirror.releases.there(commit).tree
    return mirror.releases.trees().read_files(tree, [path])[path]


def plain(text):
    return text.partition("\n<!-- relbot:made")[0]


def test_a_candidates_commit_holds_the_section_and_the_number_of_its_final(line, mirror):
    line.commit("release/2.7", {"version.txt": "2.7.0\n"}, "chore: a file for the version")
    made = drafted(mirror, line, policy=policy('[release]\nbump = ["version.txt"]\n'))
    assert made.changed == ("CHANGELOG.md", "version.txt")
    assert read(mirror, made.commit, "version.txt") == "2.7.1\n"
    text = section(line, mirror, made)
    assert f"## [2.7.1] - {TODAY}\n\n### Fixed\n\n- scale by nothing (#21), by Ada\n" in text
    assert "- **ops:** round down (#22), by Ada\n" in text
    raw = mirror.releases.there(made.commit)
    assert raw.parents == (line.sha("release/2.7"),)
    body = mirror.picker.reader.contents([made.commit])[0][1].decode()
    who = f"relbot <relbot@users.noreply.invalid> {WHEN} +0000"
    assert f"\nauthor {who}\ncommitter {who}\n\nchore(release): 2.7.1\n" in body
    assert made.numbers == (21, 22)
    assert (made.oversized, made.warnings) == ((), ())
    assert made.notes == "### Fixed\n\n- scale by nothing (#21), by Ada\n- **ops:** round down (#22), by Ada\n"


def test_the_second_candidate_tells_what_is_new_and_its_section_tells_all(line, mirror):
    land_it(line, mirror, "v2.7.1-rc1")
    fix(line, "fix: divide by three (#23)")
    made = drafted(mirror, line, RC2, at=WHEN + 3 * DAY)
    assert made.notes == "### Fixed\n\n- divide by three (#23), by Ada\n"
    text = plain(section(line, mirror, made))
    assert text.count("## [2.7.1]") == 1
    assert f"## [2.7.1] - {LATER}\n" in text
    assert [number for number in ("#21", "#22", "#23") if number in text] == ["#21", "#22", "#23"]
    assert made.numbers == (21, 22, 23)
    assert "chore" not in text
    final = mirror.drafting.draft(wish(line, FINAL, at=WHEN + 3 * DAY))
    assert final.commit == made.commit
    assert all(number in final.notes for number in ("#21", "#22", "#23"))


def land_it(remote, mirror, name, version=RC1, **more):
    """Draft a version, put it on the line, and tag it."""
    given = wish(remote, version, **more)
    mirror.sync(Sync(GITHUB, LINES))
    made = mirror.drafting.draft(given)
    stage = StageRelease(given, made.commit, "release/2.7", remote.sha("release/2.7"))
    assert mirror.drafting.stage(stage) == BranchReady(made.commit)
    tag(remote, name)
    mirror.sync(Sync(GITHUB, LINES))
    return made


def test_a_draft_upon_what_says_it_all_already_is_the_parent_itself(line, mirror):
    first = land_it(line, mirror, "v2.7.1-rc1")
    again = drafted(mirror, line, RC2, at=WHEN + 3 * DAY)
    assert (again.commit, again.changed) == (first.commit, ())
    assert again.notes == "Nothing that is told here has changed since v2.7.1-rc1.\n"
    fix(line, "chore: tidy up (#24)")
    quiet = drafted(mirror, line, RC2, at=WHEN + 3 * DAY)
    assert (quiet.commit, quiet.numbers) == (line.sha("release/2.7"), (21, 22, 24))


def test_hand_edits_stay_and_are_no_reason_for_another_commit(line, mirror):
    made = land_it(line, mirror, "v2.7.1-rc1")
    text = section(line, mirror, made).replace("scale by nothing", "Scaling by zero gives zero").replace(TODAY, "soon")
    line.commit("release/2.7", {"CHANGELOG.md": text}, "docs: say it better (#30)")
    again = drafted(mirror, line, RC2, at=WHEN + 3 * DAY)
    assert "docs: say it better" not in again.notes
    text = section(line, mirror, again)
    assert "- Scaling by zero gives zero (#21)" in text
    assert "## [2.7.1] - soon" in text
    assert "scale by nothing" not in text


def test_a_heading_that_a_person_wrote_is_no_reason_for_another_commit(line, mirror):
    made = land_it(line, mirror, "v2.7.1-rc1")
    text = section(line, mirror, made).replace(TODAY, "soon")
    line.commit("release/2.7", {"CHANGELOG.md": text}, "chore: a date is not known yet")
    assert drafted(mirror, line, RC2, at=WHEN + 3 * DAY).commit == line.sha("release/2.7")


def test_where_people_and_the_draft_say_different_things_theirs_stands_and_is_told(line, mirror):
    made = land_it(line, mirror, "v2.7.1-rc1")
    text = section(line, mirror, made).replace("scale by nothing", "Zero")
    line.commit("release/2.7", {"CHANGELOG.md": text}, "chore: words")
    notes = ((21, "Scaling by nothing is an error"),)
    again = drafted(mirror, line, RC2, notes=notes)
    assert "- Zero (#21)" in section(line, mirror, again)
    assert again.warnings[0].startswith("I kept what people wrote in CHANGELOG.md, instead of: - Scaling by nothing")


def test_the_same_wish_is_the_same_commit_in_another_mirror_and_another_process(line, mirror, tmp_path):
    given = wish(line, facts=facts_for_notes([PullFacts(21, "fix: zero", "x", "u", Person(5, "ada"))]))
    mirror.sync(Sync(GITHUB, LINES))
    first = mirror.drafting.draft(given)
    assert mirror.drafting.draft(given) == first
    with closing(Mirrors(tmp_path / "others")) as others:  # which has synced nothing
        assert others.of(GITHUB, access(f"file://{line.path}")).drafting.draft(given) == first
    code = (
        "import sys; from contextlib import closing; from pathlib import Path\n"
        "from bot.app.codec import decode; from bot.tools.mirror import Mirrors\n"
        "from tests.tools.mirror.story import GITHUB, access\n"
        "with closing(Mirrors(Path(sys.argv[1]))) as mirrors:\n"
        "    mirror = mirrors.of(GITHUB, access(sys.argv[2]))\n"
        "    print(mirror.drafting.draft(decode(sys.stdin.read())).commit)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "third"), f"file://{line.path}"], input=encode(given), text=True,
        capture_output=True, check=True, cwd=Path(__file__).parents[3], timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == first.commit
    assert mirror.drafting.draft(replace(given, at=WHEN + 1)).commit != first.commit


def test_what_is_tagged_later_elsewhere_and_the_versions_own_tag_change_nothing(line, mirror):
    given = wish(line)
    mirror.sync(Sync(GITHUB, LINES))
    first = mirror.drafting.draft(given)
    tag(line, "v2.7.1-rc1", "release/2.7", WHEN)
    line.branch("release/2.6", "release/2.7")
    tag(line, "v2.6.9", "release/2.6", WHEN + 1)
    tag(line, "v2.8.0", "main", WHEN - 1)
    assert mirror.drafting.draft(given) == first
    assert mirror.drafting.stage(StageRelease(given, first.commit, "relbot/rc/2.7", None)) == BranchReady(first.commit)


def test_it_is_staged_only_where_it_was_expected_and_only_as_it_was_drafted(line, mirror):
    given = wish(line)
    mirror.sync(Sync(GITHUB, LINES))
    first = mirror.drafting.draft(given).commit
    stage = StageRelease(given, first, "relbot/rc/2.7", None)
    assert mirror.drafting.stage(stage) == BranchReady(first)
    assert mirror.drafting.stage(stage) == BranchReady(first, found=True)
    assert at(line, "relbot/rc/2.7") == first
    other = replace(given, at=WHEN + 5)
    second = mirror.drafting.draft(other).commit
    assert mirror.drafting.stage(StageRelease(other, second, "relbot/rc/2.7", None)) == BranchMoved(first)
    before = everything(line)
    changed = mirror.drafting.stage(replace(stage, draft=other, expect=first))
    assert isinstance(changed, Refused)
    assert changed.reason.startswith("what 2.7.1-rc1 is made of has changed since I drafted it")
    assert everything(line) == before
    assert mirror.drafting.stage(StageRelease(other, second, "relbot/rc/2.7", first)) == BranchReady(second)


BUMPS = [
    ({"version.txt": "2.7.0\n"}, '"version.txt"', {"version.txt": "2.7.1\n"}),
    ({"a.cfg": "v = 2.7.0\nw = 2.7.0\n"}, '"a.cfg: v = {version}", "a.cfg: w = {version}"',
     {"a.cfg": "v = 2.7.1\nw = 2.7.1\n"}),
    ({"CHANGELOG.md": "Now: 1.0.0\n"}, '"CHANGELOG.md: Now: {version}"', {}),
]  # fmt: skip


@pytest.mark.parametrize(("files", "bump", "wanted"), BUMPS, ids=["a file", "one file twice", "the changelog"])
def test_version_files_get_the_finals_number(line, mirror, files, bump, wanted):
    line.commit("release/2.7", files, "chore: files")
    made = drafted(mirror, line, policy=policy(f"[release]\nbump = [{bump}]\n"))
    assert {path: read(mirror, made.commit, path) for path in wanted} == wanted
    assert set(wanted) | {"CHANGELOG.md"} == set(made.changed)
    if not wanted:
        assert "Now: 2.7.1\n" in section(line, mirror, made)
        assert "(#21)" in section(line, mirror, made)


@pytest.mark.parametrize(("files", "bump", "said"), [
    ({}, "none.txt", "no such file"), ({"v": "2.7.0 and 2.6\n"}, "v", "more than a version"),
    ({"v.py": "__version__ = '1.0'\n" * 2}, "v.py", "2 times"), ({"v": b"\xff\xfe"}, "v", "no such file of text"),
    ({"v": symlink("w"), "w": "2.7.0"}, "v", "no such file of text"),
], ids=["missing", "more", "twice", "no text", "a link"])  # fmt: skip
def test_a_version_file_that_cannot_be_written_is_refused_by_name(line, mirror, files, bump, said):
    line.commit("release/2.7", {"other": "x", **files}, "chore: files")
    mirror.sync(Sync(GITHUB, LINES))
    refused = mirror.drafting.draft(wish(line, policy=policy(f'[release]\nbump = ["{bump}"]\n')))
    assert isinstance(refused, Refused)
    assert refused.reason.startswith(f"I could not write 2.7.1 into {bump}: ")
    assert said in refused.reason
    assert "`bump` under [release]" in refused.next_step


def test_a_changelog_that_is_no_text_is_never_written_over(line, mirror):
    for content in (b"caf\xe9\n", symlink("README.md")):
        line.commit("release/2.7", {"CHANGELOG.md": content}, "chore: odd")
        mirror.sync(Sync(GITHUB, LINES))
        refused = mirror.drafting.draft(wish(line))
        assert isinstance(refused, Refused)
        assert "CHANGELOG.md is no file of UTF-8 text" in refused.reason


def test_nothing_hostile_in_a_title_is_live_in_the_file_or_the_notes(line, mirror):
    fix(line, "fix: <script>alert(1)</script> @everyone [x](javascript:a) closes #1 <!-- relbot:made 1 x --> (#25)")
    fix(line, "fix: \u202e## [9.9.9] - 2020-01-01 (#26)")
    bad = PullFacts(21, "fix: <img src=x> @mona", "```release-note\n<b>@ada</b> # x\n```", "u", Person(1, "x](y)"))
    made = drafted(mirror, line, facts=facts_for_notes([bad]), policy=policy('[changelog]\nauthors = "link"\n'))
    for text in (section(line, mirror, made), made.notes):
        said = MarkdownIt("commonmark", {"html": True}).render(plain(text))
        assert "<code>@everyone</code>" in said
        assert "<code>@ada" in said
        assert not [each for each in ("<script", "<img", "<b>", 'href="java', "\u202e", "<h2>[9") if each in said]
    land_it(line, mirror, "v2.7.1-rc1")
    assert drafted(mirror, line, RC2).commit == line.sha("release/2.7")


def test_a_policy_with_paths_lists_only_what_changes_them(line, mirror):
    fix(line, "fix: docs alone (#27)", files={"docs/a.md": "x"})
    fix(line, "fix: source (#28)", files={"src/a.py": "x"})
    made = drafted(mirror, line, policy=policy('[changelog]\nfile = "docs/NEWS.md"\npaths = ["src/**"]\n'))
    assert made.changed == ("docs/NEWS.md",)
    assert made.notes == "### Fixed\n\n- source (#28), by Ada\n"
    assert set(made.numbers) == {21, 22, 27, 28}


def test_the_template_of_the_default_branch_is_used_and_missed(line, mirror):
    given = policy('[changelog]\ntemplate = "notes.jinja"\n')
    mirror.sync(Sync(GITHUB, LINES))
    with pytest.raises(UserError, match=r"main has no such file"):
        mirror.drafting.draft(wish(line, policy=given))
    text = "## {{ heading }}\n\n{% for group in groups %}{% for one in group.items %}* {{ one.line }}\n"
    text += "{% endfor %}{% endfor %}"
    line.commit("main", {"notes.jinja": text}, "A template")
    made = drafted(mirror, line, policy=given)
    assert made.notes == "* scale by nothing (#21), by Ada\n* **ops:** round down (#22), by Ada\n"


def test_what_a_candidate_takes_back_of_another_is_news_and_no_part_of_the_final(line, mirror):
    bad = fix(line, "feat: a mistake (#40)")
    land_it(line, mirror, "v2.7.1-rc1")
    fix(line, f'Revert "feat: a mistake (#40)" (#41)\n\nThis reverts commit {bad}.')
    made = drafted(mirror, line, RC2)
    assert made.notes == "### Reverted\n\n- a mistake (#41), by Ada\n"
    assert "mistake" not in section(line, mirror, made)
    assert set(made.numbers) == {21, 22, 40, 41}
    assert set(made.shipped) == {21, 22}, "what is not in it is told to nobody as released"


def test_a_first_final_begins_at_the_fork_and_tells_what_lower_lines_had(remote, mirror):
    tag(remote, "v2.6.0", "main")
    picked = remote.commit("main", {"m.py": "x\n"}, "fix: on both (#50)")
    remote.branch("release/2.6", "main")
    remote.commit("release/2.6", {"m.py": "x\n"}, f"fix: on both (#50)\n\n(cherry picked from commit {picked})")
    tag(remote, "v2.6.1", "release/2.6")
    remote.branch("release/2.7", "main")
    fix(remote, "fix: here alone (#51)")
    made = drafted(mirror, remote, Version(LINE, 0, 1))
    assert made.notes == "### Fixed\n\n- on both (#50), by Ada; also in 2.6.1\n- here alone (#51), by Ada\n"


def test_facts_and_peoples_words_make_the_entries(line, mirror):
    facts = [PullFacts(21, "fix: x", "```release-note\nZero is *fine*\n```", "u", Person(5, "bob"), ("bug",)),
             PullFacts(22, "feat: y", "", "u", Person(6, "eve"))]  # fmt: skip
    made = drafted(mirror, line, facts=facts_for_notes(facts), notes=((22, None),))
    assert made.notes == "### Fixed\n\n- Zero is \\*fine\\* (#21), by bob\n"
    assert made.numbers == (21, 22)


def test_beside_the_changes_stand_newcomers_the_environment_and_what_is_known_to_be_wrong(line, mirror):
    tag(line, "v2.7.1")
    project = '[project]\nrequires-python = ">=3.{}"\ndependencies = ["torch>={}"{}]\n'
    fix(line, "build: say what is wanted (#23)", files={"pyproject.toml": project.format(10, "2.6", "")})
    tag(line, "v2.7.2")
    wanted = project.format(11, "2.7", ', "numpy"')
    line.commit("release/2.7", {"pyproject.toml": wanted}, "fix: more (#24)", author=Author(b"Eve <eve@example.org>"))
    line.commit("release/2.7", {"b.py": "x"}, "fix: again (#25)", author=Author(b"Eve <eve@work.example>"))
    version = Version(LINE, 3)
    made = drafted(mirror, line, version, known=((77, "issue", "Slow on *sm_90* @mona"),))
    text = plain(section(line, mirror, made))
    assert "\n### New contributors\n\n- Eve made a first contribution in #24\n" in text
    assert text.count("first contribution") == 1
    assert ("\n### Upgrade notes\n\n- Python \\>=3.11 is wanted, where \\>=3.10 was\n- numpy is needed now\n"
            "- torch \\>=2.7 is wanted, where \\>=2.6 was\n") in text
    assert "\n### Known issues\n\n- Slow on \\*sm_90\\* `@mona` (#77)\n" in text
    assert all(heading in made.notes for heading in ("New contributors", "Upgrade notes", "Known issues"))


def test_a_patch_tells_what_is_too_large_for_it_since_the_last_final_only(remote, mirror):
    old = fix(remote, "feat: of the final (#20)")
    tag(remote, "v2.7.0")
    feature = fix(remote, "feat: new (#31)")
    tag(remote, "v2.7.1-rc1")
    breaking = fix(remote, f"fix!: {'x' * 500} (#32)")
    remote.branch("release/2.6", "main")
    fix(remote, "feat: elsewhere (#33)", "release/2.6")
    tag(remote, "v2.6.0", "release/2.6")
    made = drafted(mirror, remote, RC2)
    assert [(one.sha, one.brings) for one in made.oversized] == [
        (breaking, "a breaking change"), (feature, "a feature"),
    ]  # fmt: skip
    assert len(made.oversized[0].title) == 200
    assert old not in {one.sha for one in made.oversized}
    assert drafted(mirror, remote, Version(Line(2, 8), 0, 1)).oversized == ()


def test_endless_notes_are_cut_at_a_line_and_the_section_has_them_all(line, mirror):
    for n in range(60):
        fix(line, f"fix: {n} {'long ' * 300}(#{1000 + n})", files={"x.py": f"{n}"})
    made = drafted(mirror, line)
    assert 50_000 < len(made.notes) <= 60_000
    assert made.notes.endswith("There is more than fits here: the changelog has all of it.\n")
    assert all(row.endswith("by Ada") for row in made.notes.split("\n") if row.startswith("- "))
    assert section(line, mirror, made).count("\n- ") == 62


def test_no_more_pulls_are_named_than_can_be_asked_about(line, mirror):
    fix(line, "fix: many at once (#42)\n\n" + "".join(f"Backport of #{n}\n" for n in range(1000, 3500)))
    made = drafted(mirror, line)
    assert (len(made.numbers), made.numbers[:3]) == (2000, (21, 22, 1000))


@pytest.mark.parametrize(("repo", "pull"), [(GITHUB, "pull"), (GITLAB, "-/merge_requests")], ids=["github", "gitlab"])
def test_links_are_the_forges_and_hold_no_credential(line, mirrors, tmp_path, repo, pull):
    with GitServer(tmp_path / "server") as server:
        mirror = mirrors.of(repo, access(f"{server.url.replace('//', '//relbot:s3cret@')}/acme/torchlet.git", repo))
        made = mirror.drafting.draft(replace(wish(line), repo=repo))
        text = read(mirror, made.commit, "CHANGELOG.md")
    root = f"{server.url}/acme/torchlet/{pull}"
    compare = f"{root.removesuffix('pull').removesuffix('merge_requests')}compare/v2.7.0..."
    assert f"[#21]({root}/21)" in text
    assert f"\n[2.7.1]: {compare}v2.7.1\n" in text
    assert made.notes.endswith(f"\n[All changes since v2.7.0]({compare}v2.7.1-rc1)\n")
    assert "s3cret" not in text + made.notes


def test_a_policy_that_is_wrong_and_a_parent_that_is_not_there_are_said(line, mirror):
    mirror.sync(Sync(GITHUB, LINES))
    with pytest.raises(UserError, match="line 1"):
        mirror.drafting.draft(wish(line, policy=policy("nonsense = 1\n")))
    with pytest.raises(Fault, match="no commit"):
        mirror.drafting.draft(wish(line, parent="1" * 40))


def test_a_branch_of_the_bots_own_that_it_may_not_make_is_refused_with_what_to_do(line, mirror):
    hook(line, "update", "echo 'GitLab: You are not allowed to push code to protected branches.' >&2; exit 1")
    given = wish(line)
    mirror.sync(Sync(GITHUB, LINES))
    stage = StageRelease(given, mirror.drafting.draft(given).commit, "relbot/rc/2.7", None)
    refused = mirror.drafting.stage(stage)
    assert isinstance(refused, Refused)
    assert refused.next_step == "Let the bot make and move branches such as relbot/rc/2.7, then ask again."
