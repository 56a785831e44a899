"""The server's settings: what is read, and how a mistake is answered."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.app import log, settings
from bot.app.connect import open_doors
from bot.app.durable.queue import address_of
from bot.app.store.database import Database
from bot.core.errors import UserError
from bot.core.model import Repo, Secret
from bot.core.tables import sections_of
from bot.tools.signer.child import KeyFiles

TOKEN = {"GITHUB_TOKEN": "t0ken"}
EXAMPLE = Path("config/server.example.toml")


@pytest.fixture(autouse=True)
def _forget_what_is_hidden(monkeypatch):
    monkeypatch.setattr(log, "_hidden", set())


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "server.toml"
        path.write_text(text)
        return str(path)

    return write


def test_the_example_says_exactly_what_the_defaults_are():
    text = EXAMPLE.read_text()
    defaults = settings.File(github=settings.GitHubSection())
    assert settings.parse(text, "example") == defaults
    head, gitlab = text.split("# [gitlab]\n")
    both = f"{head}[gitlab]\n" + re.sub(r"(?m)^# ", "", gitlab)
    assert settings.parse(both, "example") == settings.File(
        github=settings.GitHubSection(), gitlab=settings.GitLabSection()
    )


def test_every_key_stands_in_the_example():
    text = EXAMPLE.read_text()
    for section, model in sections_of(settings.File).items():
        assert re.search(rf"(?m)^(# )?\[{section}\]", text)
        for key in model.model_fields:
            assert re.search(rf"(?m)^(# )*{key} = ", text), f"{section}.{key}"


def test_a_signer_is_named_by_its_socket_or_by_its_key_and_no_key_is_read(written):
    def signing(text):
        return settings.load(written(f"[signing]\n{text}"), TOKEN).signing

    assert settings.load(written(""), TOKEN).signing is None
    found = signing('socket = "/run/s"\nsigners = "/etc/keys"')
    assert (found.signer, found.signers, found.format) == (Path("/run/s"), Path("/etc/keys"), "ssh")
    found = signing('key_file = "~/key"\npassphrase_file = "/words"')  # neither of which is there
    assert found.signer == KeyFiles("ssh", Path.home() / "key", Path("/words"))
    assert found.signers == Path.home() / "key.pub"


@pytest.mark.parametrize(("text", "word"), [
    ("", "names no signer"), ('socket = "/s"\nkey_file = "/k"', "or two"), ('socket = "/s"', "which signatures count"),
    ('socket = "/s"\npassphrase_file = "/w"\nsigners = "/k"', "passphrase_file"), ('signers = "/k"', "names no signer"),
    ('format = "gpg"\nkey_file = "/k"', "which signatures count"), ('format = "pgp"', "format"),
])  # fmt: skip
def test_a_section_for_signing_that_says_too_little_or_too_much_is_told(written, text, word):
    with pytest.raises(UserError, match=word):
        settings.load(written(f"[signing]\n{text}"), TOKEN)


def test_without_a_file_the_environment_is_enough(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = settings.load(None, {**TOKEN, "RELBOT_WEBHOOK_SECRET": "w1"})
    assert found.github.credential.reveal() == "t0ken"
    assert [secret.reveal() for secret in found.github.webhook_secrets] == ["w1"]
    assert found.server.port == 8080
    assert "~" not in str(found.directory)


def test_the_option_goes_before_the_environment_and_that_before_the_usual_place(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/server.toml").write_text("[server]\nport = 1\n")
    (tmp_path / "other.toml").write_text("[server]\nport = 2\n")
    assert settings.load(None, TOKEN).server.port == 1
    assert settings.load(None, {**TOKEN, "RELBOT_SETTINGS": "other.toml"}).server.port == 2
    named = written("[server]\nport = 3\n")
    assert settings.load(named, {**TOKEN, "RELBOT_SETTINGS": "other.toml"}).server.port == 3


def test_secrets_come_from_files_and_print_as_stars(written, tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "hook").write_text("hook-file\n")
    path = written(
        f'[github]\ntoken_file = "{tmp_path}/token"\n'
        f'webhook_secret_envs = ["NEW", "OLD"]\nwebhook_secret_files = ["{tmp_path}/hook"]\n'
    )
    found = settings.load(path, {"OLD": "old-env"})
    assert found.github.credential.reveal() == "from-file"
    assert [secret.reveal() for secret in found.github.webhook_secrets] == ["old-env", "hook-file"]
    assert not any(secret in repr(found) for secret in ("from-file", "old-env", "hook-file"))


@pytest.mark.parametrize(("text", "said"), [
    ("[server]\nhost = '::1'\nprot = 80\n", r"line 3, `prot = 80`: “prot” is not .*; did you mean “port”\?"),
    ("[sever]\nport = 80\n", r"line 1, `\[sever\]`: there is no section or key “sever”; did you mean “server”\?"),
    ("port = 80\n", r"line 1, `port = 80`: there is no section or key “port”"),
    ("[server]\nport = 70000\n", r"line 2, `port = 70000`: server.port: a number up to 65535 is wanted"),
    ("[server]\nport = 'x'\n", r"line 2, `port = 'x'`: server.port: a whole number is wanted"),
    ("[server]\nport = \n", r"line 2, `port =`: this is not TOML"),
    ("[server]\nowners = ['a b']\n", r"line 2.*an owner is a name such as"),
    ("[github]\napi = 'http://example.org'\n", "line 2.*has to be an https:// address"),
    ("[github]\napi = 'https://me:pw@example.org'\n", "has to be an https:// address without a user name"),
    ("[github]\napp_id = true\n", "github.app_id: a text in quotes is wanted"),
    ("[bot]\nname = 'a <b>'\n", "line 2"),
    ("[github]\ntoken = 'ghp_0123'\n", r"line 2, `token = …`: “token” is not .*; did you mean “token_env”\?"),
    ("[gitlab]\ntoken = ghp_0123\n", r"line 2, `token = …`: this is not TOML"),
])
def test_a_mistake_is_answered_with_its_line_and_the_nearest_key(written, text, said):
    path = written(text)
    with pytest.raises(UserError, match=said) as caught:
        settings.load(path, TOKEN)
    assert path in str(caught.value)
    assert "ghp_0123" not in str(caught.value)


def test_plain_http_is_allowed_on_this_machine_only():
    for host in ("127.0.0.1:8000", "localhost", "[::1]:9"):
        assert settings.parse(f"[github]\napi = 'http://{host}/'\n", "x").github.api == f"http://{host}"
    with pytest.raises(UserError):
        settings.parse("[github]\napi = 'http://127.0.0.1.example.org'\n", "x")


@pytest.mark.parametrize(("text", "environ", "said"), [
    ("", {}, "the environment variable GITHUB_TOKEN is not set"),
    ("[github]\ntoken_env = 'MINE'\n", TOKEN, "the environment variable MINE is not set"),
    ("[github]\ntoken_file = '/no/such/file'\n", TOKEN, "file of the GitHub token /no/such/file cannot be read"),
    ("[github]\nwebhook_secret_files = ['/dev/null']\n", TOKEN, "file of a webhook secret /dev/null is empty"),
    ("", {"GITHUB_TOKEN": "one\ntwo"}, "What is in the environment variable GITHUB_TOKEN is no GitHub token: it"),
    ("", {"GITHUB_TOKEN": "tökén"}, "is no GitHub token: it has blanks or letters that none has"),
    ("[gitlab]\ntoken_file = 'config/server.example.toml'\n", {}, "in config/server.example.toml is no GitLab token"),
    ("[github]\napp_id = 7\n", TOKEN, "no private key of the GitHub App: .* GITHUB_APP_PRIVATE_KEY"),
    ("[gitlab]\n", TOKEN, "no GitLab token: the environment variable GITLAB_TOKEN is not set"),
])
def test_a_missing_secret_is_named_with_the_next_step(written, text, environ, said):
    with pytest.raises(UserError, match=said):
        settings.load(written(text), environ)


def test_the_log_hides_what_was_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.load(None, {"GITHUB_TOKEN": "plain-canary", "RELBOT_WEBHOOK_SECRET": "hook-canary"})
    assert log.redact("plain-canary and hook-canary") == "*** and ***"


def test_a_settings_file_that_is_named_and_not_there_is_an_error():
    with pytest.raises(UserError, match=r"settings file /no/such.toml cannot be read"):
        settings.load("/no/such.toml", TOKEN)


# ── several forges ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_forges_that_are_named_are_there(written):
    text = "[github]\n[gitlab]\nurl = 'https://git.example.org/'\n"
    both = settings.load(written(text), {**TOKEN, "GITLAB_TOKEN": "g"})
    assert (both.github.api, both.gitlab.url) == ("https://api.github.com", "https://git.example.org")
    alone = settings.load(written("[gitlab]\n"), {"GITLAB_TOKEN": "g", "RELBOT_GITLAB_SECRET": "s"})
    assert alone.github is None
    assert [secret.reveal() for secret in (alone.gitlab.token, *alone.gitlab.webhook_secrets)] == ["g", "s"]
    assert settings.load(written("[server]\nport = 1\n"), TOKEN).gitlab is None


def test_an_app_stands_in_for_the_token(written):
    pem = "-----BEGIN KEY-----\nc2VjcmV0IG1hdGVyaWFs\n-----END KEY-----"
    found = settings.load(written("[github]\napp_id = 12345\n"), {"GITHUB_APP_PRIVATE_KEY": pem})
    assert found.github.credential.id == "12345"
    assert found.github.credential.key.reveal() == pem
    assert "secret" not in repr(found).replace("webhook_secrets", "")
    assert log.redact("a line of it: c2VjcmV0IG1hdGVyaWFs.") == "a line of it: ***."


def test_signing_tokens_and_secret_tokens_are_kept_apart(written, tmp_path):
    (tmp_path / "sign").write_text("whsec_abc\n")
    text = f"[gitlab]\nsigning_token_envs = ['SIGN']\nsigning_token_files = ['{tmp_path}/sign']\n"
    found = settings.load(written(text), {"GITLAB_TOKEN": "g", "SIGN": "whsec_def"}).gitlab
    assert [secret.reveal() for secret in found.signing_tokens] == ["whsec_def", "whsec_abc"]
    assert found.webhook_secrets == ()


@pytest.mark.parametrize(("owners", "path", "admitted"), [
    ([], "any/thing", True),
    (["acme"], "acme/torchlet", True),
    (["ACME"], "Acme/torchlet", True),
    (["acme"], "acme-evil/torchlet", False),
    (["acme"], "evil/acme", False),
    (["group/sub"], "group/sub/project", True),
    (["group/sub"], "group/subway/project", False),
    (["group/sub"], "group/project", False),
    (["group"], "group/sub/project", True),
    (["acme/torchlet"], "acme/torchlet", True),
])
def test_a_server_is_for_the_owners_that_are_named(owners, path, admitted):
    server = settings.parse(f"[server]\nowners = {owners}\n", "x").server
    assert server.admits(Repo("github", 7, path, "main")) is admitted


def test_a_webhook_secret_that_is_missing_is_demanded_for_each_forge(written):
    found = settings.load(written("[github]\n[gitlab]\n"), {**TOKEN, "GITLAB_TOKEN": "g", "RELBOT_WEBHOOK_SECRET": "w"})
    with pytest.raises(UserError, match=r"no webhook secret for gitlab.*Set RELBOT_GITLAB_SECRET"):
        open_doors(found)
    assert set(open_doors(found, trust=Secret("x"))) == {"github", "gitlab"}


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("", {"github": "https://github.com"}),
        ('[github]\napi = "https://ghe.example/api/v3"', {"github": "https://ghe.example"}),
        ('[gitlab]\nurl = "https://git.example/lab/"', {"gitlab": "https://git.example/lab"}),
        ("[github]\n[gitlab]", {"github": "https://github.com", "gitlab": "https://gitlab.com"}),
    ],
)
def test_a_look_at_the_bots_work_takes_no_credential_of_a_forge(written, text, sites):
    home = settings.load_home(written(text), {})
    assert home.sites == sites
    assert home.database.reveal().startswith("sqlite:///")
    secret = settings.load_home(written(text), {"RELBOT_DATABASE": "postgresql://u:canary-word@h/d"}).database
    assert "canary-word" in secret.reveal()
    assert log.redact("canary-word") == "***"


# ── what cannot be used ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("text", "said"), [
    ("[data]\ndirectory = ''\n", "data.directory: the name of a file or folder is wanted"),
    ('[data]\ndirectory = "a\\u0000b"\n', "data.directory: the name of a file or folder is wanted"),
    ("[github]\ntoken_file = ' '\n", "github.token_file: the name of a file or folder is wanted"),
    ("[data]\ndirectory = '~nobody-of-that-name/x'\n", "an account without one. Write it out"),
    ("[server]\nhost = ''\n", "server.host: it has to be a name or an address"),
])
def test_a_place_that_is_none_is_said_to_be_none(written, text, said):
    with pytest.raises(UserError, match=said):
        settings.load_home(written(text), {})


@pytest.mark.parametrize("address", ["postgresql://u:canary@[::1/x", "postgresql://u:canary@h:port/x", "hello", "mysql://h/x",
                                     "sqlite://", "sqlite:///:memory:"])  # fmt: skip
def test_an_address_of_no_database_is_answered_with_the_keys_that_lead_to_it(written, address):
    home = settings.load_home(written(""), {"RELBOT_DATABASE": address})
    with pytest.raises(UserError, match="`database_env` or `database_file` under") as caught:
        Database(home.database.reveal())
    assert "canary" not in str(caught.value)


def test_a_folder_of_any_name_holds_the_database(written, tmp_path):
    folder = tmp_path / "what? 100%20 #1"
    home = settings.load_home(written(f"[data]\ndirectory = '{folder}'\n"), {})
    with closing(Database(home.database.reveal())) as database:
        assert not folder.exists(), "who only looks makes nothing"
        database.prepare()
        assert make_url(address_of(database)).database == str(folder / "relbot.sqlite")
    assert (folder / "relbot.sqlite").exists()


def test_a_folder_that_cannot_be_is_named_with_the_next_step(written, tmp_path):
    (tmp_path / "file").write_text("")
    home = settings.load_home(written(f"[data]\ndirectory = '{tmp_path}/file'\n"), {})
    with closing(Database(home.database.reveal())) as database, pytest.raises(UserError) as caught:
        database.prepare()
    assert f"{tmp_path}/file/relbot.sqlite cannot be used: File exists. Check that the `directory`" in str(caught.value)
