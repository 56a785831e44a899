"""A policy text becomes a policy, or errors that name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Line
from bot.core.policy import MAX_GROUPS, Policy, PolicyErrors, parse
from bot.core.tables import MAX_BYTES, MAX_MISTAKES
from bot.core.versions import Version, read_tag
from tests.core.values import ADA, APP

DEFAULTS = Path(__file__).parents[2] / "config" / "policy.default.toml"


def errors_of(text: str) -> list[tuple[int, str, str]]:
    read = parse("policy.toml", text)
    assert isinstance(read, PolicyErrors)
    assert read.path == "policy.toml"
    return [(error.line, error.quote, error.message) for error in read.errors]


def policy_of(text: str) -> Policy:
    read = parse("policy.toml", text)
    assert isinstance(read, Policy), read
    return read


def test_the_default_file_says_what_the_code_does() -> None:
    assert parse(str(DEFAULTS), DEFAULTS.read_text()) == Policy()


def test_an_empty_file_is_the_default() -> None:
    assert policy_of("") == Policy()


def test_commits_that_github_makes_cannot_be_pushed_onto_the_line() -> None:
    assert policy_of("backport.verified = true").backport.verified
    errors = parse("p", '[backport]\ndelivery = "push"\nverified = true\n')
    assert isinstance(errors, PolicyErrors)
    assert [(error.line, error.message) for error in errors.errors] == [
        (3, 'commits that the forge makes go to a branch of their own: verified wants delivery = "pull"')
    ]


def test_a_policy_can_change_every_key() -> None:
    read = policy_of(
        """
        [lines]
        branch = "rel-{line}"
        supported = ["2.7", "v2.6"]
        [backport]
        label = "needs {line} backport"
        branch = "bp/{number}/to-{line}"
        delivery = "push"
        title = "{title} for {line}"
        sign_off = true
        copy_labels = false
        copy_assignees = false
        copy_milestone = true
        [release]
        tag = "PyTorch-CUDA-v{version}"
        candidate = "-rc.N"
        bump = ["version.txt", "setup.cfg: version = {version}"]
        checks = ["build / linux"]
        confirmed_by = "another"
        oversized = "refuse"
        [people]
        apps = ["mergebot"]
        managers = ["@acme/release", "acme/sub/leads"]
        [changelog]
        file = "docs/CHANGES.md"
        template = "release/notes.md.jinja"
        dedupe = "omit"
        authors = "link"
        kinds = { feat = "New features" }
        labels = { "module: docs" = "none" }
        paths = ["src/**"]
        ignore = ["src/tests/**"]
        known_issues = "known in {line}"
        [deploy]
        repository = "acme/sub/infra"
        files = ["envs/prod.yaml: tag: {version}", "version.txt"]
        event = "relbot-release"
        candidates = true
        accept = ["acme/other", "acme/sub/kit"]
        """
    )
    assert read.changelog.rules().category_of_label(("Module: Docs",)) == "none"
    assert read.lines.supported == (Line(2, 7), Line(2, 6))
    assert (read.backport.delivery, read.backport.sign_off, read.backport.copy_milestone) == ("push", True, True)
    assert read.people.managers == ("acme/release", "acme/sub/leads")
    defaults = Policy()
    for section in Policy.model_fields:
        for key in type(getattr(defaults, section)).model_fields.keys() - {"verified"}:  # shuts out a push
            assert getattr(getattr(read, section), key) != getattr(getattr(defaults, section), key)


@pytest.mark.parametrize(
    ("text", "line", "quote", "message"),
    [
        ('\n[backport]\nlable = "x"\n', 3, 'lable = "x"', "“lable” is not a key of [backport]; did you mean “label”?"),
        ("[bakport]\n", 1, "[bakport]", "there is no section or key “bakport”; did you mean “backport”?"),
        ("backport.lable = 1", 1, "backport.lable = 1", "did you mean “label”?"),
        ("backport = { lable = 1 }", 1, "backport = { lable = 1 }", "did you mean “label”?"),
        ('[lines]\n# x\n"brunch" = 1', 3, '"brunch" = 1', "did you mean “branch”?"),
        ("[lines]\nzzzzz = 1", 2, "zzzzz = 1", "known are branch, supported"),
        ('[backport]\nsign_off = "yes"', 2, 'sign_off = "yes"', "backport.sign_off: true or false is wanted"),
        ("[backport]\ntitle = 3", 2, "title = 3", "backport.title: a text in quotes is wanted"),
        ('[backport]\ndelivery = "mail"', 2, 'delivery = "mail"', "'pull' or 'push' is wanted"),
        ('[people]\napps = "x"', 2, 'apps = "x"', "people.apps: a list is wanted"),
        ("[people]\napps = [3]", 2, "apps = [3]", "people.apps: a text in quotes is wanted"),
        ("[people]\nmanagers = [3]", 2, "managers = [3]", "people.managers: a text in quotes is wanted"),
        ('[people]\nmanagers = "x"', 2, 'managers = "x"', "people.managers: a list is wanted"),
        ('[people]\nmanagers = ["a/../b"]', 2, 'managers = ["a/../b"]', "'a/../b' is not a team or group"),
        ('[people]\nmanagers = ["a//b"]', 2, 'managers = ["a//b"]', "'a//b' is not a team or group"),
        ('[people]\nmanagers = ["a b"]', 2, 'managers = ["a b"]', "'a b' is not a team or group"),
        ('[lines]\nsupported = "2.7"', 2, 'supported = "2.7"', "lines.supported: a list is wanted"),
        ('[lines]\nsupported = ["2.7", "x"]', 2, 'supported = ["2.7", "x"]', "'x' is not a line"),
        ("[lines]\nsupported = [2.7]", 2, "supported = [2.7]", "2.7 is not a line"),
        ("backport = 3", 1, "backport = 3", "backport: a table of keys is wanted"),
        ("[[backport]]", 1, "[[backport]]", "backport: a table of keys is wanted"),
        ("a = 1\nb = ", 1, "a = 1", "this is not TOML"),
        ("a = 1\n= 2", 2, "= 2", "this is not TOML"),
    ],
)
def test_a_mistake_is_quoted_with_its_line(text: str, line: int, quote: str, message: str) -> None:
    [found] = errors_of(text)
    assert found[:2] == (line, quote)
    assert message in found[2]


@pytest.mark.parametrize(
    ("key", "template", "message"),
    [
        ("lines.branch", "release/{line.__class__}", "only {line} may stand in braces"),
        ("lines.branch", "release/{line!r}", "only {line} may stand in braces"),
        ("lines.branch", "release/{line:>99}", "only {line} may stand in braces"),
        ("lines.branch", "release/{{line}}", "only {line} may stand in braces"),
        ("lines.branch", "release/{}", "only {line} may stand in braces"),
        ("lines.branch", "{line}/{line}", "only {line} may stand in braces"),
        ("lines.branch", "release/2.7", "{line} is missing"),
        ("lines.branch", "release/1{line}", "must not touch"),
        ("lines.branch", "-{line}", "not a plain branch name"),
        ("lines.branch", "re lease/{line}", "not a plain branch name"),
        ("lines.branch", "a..b/{line}", "not a plain branch name"),
        ("lines.branch", "/{line}", "not a plain branch name"),
        ("lines.branch", "x/{line}.lock", "must not touch"),
        ("lines.branch", "x/{line}/y.lock", "not a plain branch name"),
        ("lines.branch", "refs/heads/{line}", "not a plain branch name"),
        ("lines.branch", "$(touch x)/{line}", "not a plain branch name"),
        ("lines.branch", "a`b/{line}", "not a plain branch name"),
        ("lines.branch", "#{line}", "not a plain branch name"),
        ("backport.branch", "bp/{line}", "{number} is missing"),
        ("backport.branch", "bp/{line}{number}", "must not touch"),
        ("backport.branch", "bp/{line}/{title}/{number}", "only {line}, {number} may stand in braces"),
        ("backport.branch", "release/{line}/{number}", "cannot both exist"),
        ("backport.label", "backport", "{line} is missing"),
        ("backport.label", "back\\nport/{line}", "printable"),
        ("backport.label", "x" * 40 + "/{line}", "at most 40"),
        ("backport.title", "{title}", "{line} is missing"),
        ("backport.title", "{line} {body}", "only {line}, {title}, {number} may stand in braces"),
        ("backport.title", "{line}\\n{title}", "printable"),
    ],
)
def test_a_template_makes_plain_names_and_nothing_else(key: str, template: str, message: str) -> None:
    [(line, _, said)] = errors_of(f'# first\n{key} = "{template}"')
    assert line == 2
    assert message in said


def test_a_line_s_branch_may_have_a_number_sign_as_in_recorded_repositories() -> None:
    policy = parse("relbot.toml", '[lines]\nbranch = "2021/x/stable/#{line}"\n[backport]\nlabel = "backport-#{line}"')
    assert isinstance(policy, Policy)
    assert policy.lines.branch == "2021/x/stable/#{line}"


def test_several_mistakes_are_told_in_the_order_of_the_file() -> None:
    found = errors_of('[people]\napps = 1\n[backport]\nsign_off = 1\nlable = 1\n[lines]\nbrunch = ""')
    assert [line for line, _, _ in found] == [2, 4, 5, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# " + "x" * 900 + "\n" + "# y\n" * (MAX_BYTES // 4), "larger than 64 kB"),
        ("a" + ".a" * 30_000 + " = 1", "longer than 1000 characters"),
        ("a = " + "[\n" * 20_000, "nested too deeply"),
        ("a = " + "[" * 100 + "]" * 90, "TOML"),
        ("a = " + "9" * 990 + "\n[lines]\nx = 1e9999999", "there is no section or key “a”"),
        ("a = \ud800", "TOML"),
        ("a = 2020-99-99", "TOML"),
        (f'a = """\n{("[" + " " * 990 + chr(10)) * 60}"""\n' + "".join(f"x{n} = 1\n" for n in range(30)), "no section"),
    ],
)
@pytest.mark.timeout(10)
def test_hostile_text_is_an_error_like_any_other(text: str, message: str) -> None:
    assert any(message in said for _, _, said in errors_of(text)), errors_of(text)


def test_only_the_apps_that_are_named_are_trusted() -> None:
    policy = policy_of('people.apps = ["MergeBot"]')
    assert policy.trusts(APP)
    assert not Policy().trusts(APP)
    assert not policy_of('people.apps = ["ada"]').trusts(ADA), "a person needs a role, whatever the name"


def test_the_forge_is_not_asked_about_groups_without_end() -> None:
    names = [f"acme/team-{n}" for n in range(MAX_GROUPS + 1)]
    assert policy_of(f"people.managers = {names[:-1]}").people.managers == tuple(names[:-1])
    assert "at most 10" in errors_of(f"people.managers = {names}")[0][2]


def test_of_very_many_mistakes_the_first_are_told_and_the_rest_are_counted() -> None:
    found = errors_of("".join(f"[x{n}]\n" for n in range(MAX_MISTAKES + 5)))
    assert [line for line, _, _ in found] == [*range(1, MAX_MISTAKES + 1), MAX_MISTAKES]
    assert found[-1][2] == "5 more mistakes are not listed"
    assert len(errors_of(f"[people]\napps = {[1] * 15}")) == 1, "the same thing is said once"


def test_what_sounds_like_a_credential_is_not_repeated() -> None:
    written = ('[people]\ntoken = "s3cret"', "webhook_secret = s3cret", '"app_key" = "s3cret"', "GITHUB_TOKEN=s3cret")
    for text in written:
        [(_, quote, message)] = errors_of(text)
        assert "s3cret" not in quote + message


@pytest.mark.parametrize("tag", ["libv{version}", "{version}x", "v", "a/v{version}", "lib-{version}", "a..v{version}"])
def test_a_tag_that_could_not_be_read_back_is_no_way_to_write_one(tag: str) -> None:
    [(line, _, message)] = errors_of(f"[release]\ntag = '{tag}'\n")
    assert (line, message.startswith("release.tag: a tag is written as v{version}")) == (2, True)


@pytest.mark.parametrize("tag", ["v{version}", "{version}", "V{version}", "PyTorch-CUDA-v{version}", "lib.v{version}"])
def test_every_tag_that_may_be_written_is_read_back(tag: str) -> None:
    written = policy_of(f"[release]\ntag = '{tag}'\n").release.tag
    assert written and read_tag(written.replace("{version}", "2.7.1-rc3")) == Version(Line(2, 7), 1, 3)


@pytest.mark.parametrize("bump", ["../x", ".git/config", "a/../b", "/etc/passwd", "x: y", "a/.git/x", "x/", ""])
def test_a_version_is_written_to_no_file_outside_the_repository(bump: str) -> None:
    [(line, _, message)] = errors_of(f"[release]\nbump = ['{bump}']\n")
    assert (line, "is no file such as" in message) == (2, True)


@pytest.mark.parametrize(("text", "line", "said"), [
    ('repository = "acme/infra"', 2, "it is to be told nothing: name its `files`, an `event`, or both"),
    ('files = ["version.txt"]', 2, "nobody is told: name the `repository` that deploys"),
    ('accept = ["a/b"]\nevent = "x"', 3, "nobody is told: name the `repository` that deploys"),
    ('files = ["a.yaml: image: kit:{version}@{digest}"]', 2, "{digest} cannot be written yet"),
    ('files = [".github/workflows/ci.yml: uses: x@v{version}"]', 2, "what begins with .git says what runs there"),
    ('files = [".gitlab-ci.yml: image: x:{version}"]', 2, "what begins with .git says what runs there"),
    ('files = ["../x"]', 2, "'../x' is no file such as"),
    ('repository = "acme"', 2, "'acme' is not a repository"),
    ('repository = "acme/../x"', 2, "is not a repository"),
    ('repository = "https://example.org/x"', 2, "is not a repository"),
    ('accept = ["acme/*"]', 2, "'acme/*' is not a repository"),
    ('event = "a b"', 2, "'a b' is not the name of an event"),
    ('event = "' + "x" * 101 + '"', 2, "is not the name of an event"),
])  # fmt: skip
def test_a_deployment_is_whole_and_names_only_what_it_may(text: str, line: int, said: str) -> None:
    [(found, _, message)] = errors_of(f"[deploy]\n{text}\n")
    assert (found, said in message) == (line, True), message
