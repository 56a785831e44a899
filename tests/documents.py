"""Makes the pages that are generated from the code; `make docs` writes them, and a test compares them with the files.

It must never say what the code does not: the sentence of a key stands beside the key, a row in the table of verbs.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from bot.app.settings import File
from bot.core.commands import ALIASES, MAX_COMMANDS, TABLE, Verb
from bot.core.grammar import MAX_LINES
from bot.core.messages.chat import WHO, usage
from bot.core.policy import Policy
from bot.core.tables import sections_of

ROOT = Path(__file__).parents[1]
MADE = "Made by `make docs` out of the code; do not edit it here."


def explanations(model: type[BaseModel]) -> dict[str, str]:
    """The text under each key of a section, on one line."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for key, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(text, ast.Expr):
            found[key.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


# ── the keys of a file ───────────────────────────────────────────────────────────────────────────────────────────────


def render_keys(model: type[BaseModel]) -> str:
    """Every section and key of a file, with default and meaning."""
    parts = []
    for name, section in sections_of(model).items():
        said = explanations(section)
        rows = [
            f"| `{key}` | {_kind(field.annotation)} | {_default(field)} | {_cell(said[key])} |"
            for key, field in section.model_fields.items()
        ]
        head = f"## `[{name}]`\n\n{' '.join((inspect.getdoc(section) or '').split())}\n"
        parts.append("\n".join((head, "| key | is | default | meaning |\n|---|---|---|---|", *rows)))
    return "\n\n".join(parts) + "\n"


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), [kind for kind in get_args(annotation) if kind is not type(None)]
    if origin is Literal:
        return " or ".join(f'`"{word}"`' for word in inner)
    if origin is tuple:
        return "a list"
    if origin is dict:
        return "a table"
    if origin is not None:
        return _kind(inner[0])
    return {bool: "`true` or `false`", int: "a number"}.get(annotation, "a text")


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else f"`{as_toml(value)}`"


def as_toml(value: object) -> str:
    """A default as a file would say it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_as_key(key)} = {as_toml(one)}' for key, one in value.items())} }}"
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


def _as_key(key: str) -> str:
    return key if key.replace("-", "").isalnum() else f'"{key}"'


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# ── the pages ────────────────────────────────────────────────────────────────────────────────────────────────────────


def render_policy_page() -> str:
    return f"""# The policy of a repository

{MADE}

`.github/relbot.toml` (on GitLab `.gitlab/relbot.toml`), read from the default branch only: nothing that a pull brings
along changes what is done with it. Every key is optional. An unknown key, a wrong type or an impossible template is an
error that quotes its line, and then nothing is done until the file is mended. At most 64 kB, lines of at most 1000
characters.

[policy.schema.json](policy.schema.json) is its JSON Schema. Editors that know TOML schemas take it from a first line
`#:schema URL`, where URL is that file's address.

{render_keys(Policy)}
## Who may do what

What counts is the account that *acted* and what it may do at that moment, asked from the forge; whatever cannot be told
counts as no.

| | people | Apps that `apps` names | other bots |
|---|---|---|---|
| labels and `/backport` | write access | yes | never |
| what release managers say | write access and a member of `managers`; with none, maintain or above | never | never |
| what anyone may say | yes | yes | never |
| merging or landing a pull that carries a label | counts, whoever did it | counts | counts |
"""


def render_settings_page() -> str:
    return f"""# The settings of the server

{MADE}

`config/server.toml`, or another file that `--settings` or `RELBOT_SETTINGS` names;
[config/server.example.toml](../config/server.example.toml) is a copy to start from. Every key is optional. Secrets
never stand in this file: it names the environment variables or the files that hold them. Without `[github]` and
`[gitlab]` there is GitHub with its defaults; where one of them is written, only what is written is there.

{render_keys(File)}"""


def render_schema() -> str:
    schema = Policy.model_json_schema()
    for name, model in sections_of(Policy).items():
        # The defaults stand with the keys; TOML has no null.
        schema["properties"][name].pop("default")
        said = explanations(model)
        for key, described in schema["$defs"][model.__name__]["properties"].items():
            described.pop("title", None)
            if described["default"] is None:
                del described["default"]
            described["description"] = said[key]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "relbot policy"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def render_default_policy() -> str:
    """The file that a repository may start from: every key with its default and its reason."""
    parts = [_HEAD]
    for name, section in sections_of(Policy).items():
        parts.append(f"\n[{name}]\n")
        said = explanations(section)
        for key, field in section.model_fields.items():
            comment = textwrap.fill(said[key], 118, initial_indent="# ", subsequent_indent="# ")
            value = field.get_default()
            # What has no default shows the value that its explanation gives as an example.
            shown = f"# {key} = {said[key].split('`')[3]}" if value is None else f"{key} = {as_toml(value)}"
            parts.append(f"{comment}\n{shown}\n\n")
    return "".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"


_HEAD = """\
# The policy that holds where a repository has no file of its own, and under the keys that its file leaves out.
# A repository's file is read from its default branch only. An unknown key is an error, and then the bot does nothing
# until the file is mended: a misspelt rule is worse than none. Made by `make docs`.
"""


def render_chat_page() -> str:
    return f"""# What can be said to the bot

{MADE}

A command stands at the start of its own line in a comment on a pull. Case, space around it and the kind of line break
do not matter. Code, quotes, lists, headings, tables, footnotes, mathematics, struck out text, HTML comments and links
are not commands, nor is what stands behind HTML that browsers could read in two ways. An edited comment is never one:
it gets a hint. `LINE` is written `2.7`, `v2.7` or `release/2.7`; {" and ".join(f"`{alias}`" for alias in ALIASES)}
say the same as `/backport`. A comment holds at most {MAX_COMMANDS} commands, a command at most {MAX_LINES} lines.

The bot reacts with 👀 when it starts, then 🚀, 😕 or 👎; it replies where there is something to say.

## What is there

{_verbs(built=True)}
## What arrives later

Until then it is answered with what is there.

{_verbs(built=False)}"""


def _verbs(*, built: bool) -> str:
    rows = [_verb_row(verb, verb.help) for verb in TABLE if verb.built is built]
    if not built:
        rows += [_verb_row(verb, f"`{key}`") for verb in TABLE if verb.built for key in verb.later]
    return "| command | who | what it does | example |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _verb_row(verb: Verb, does: str) -> str:
    cells = (f"`{usage(verb, whole=not verb.built)}`", WHO[verb.who], does, f"`{verb.example}`")
    return "| " + " | ".join(map(_cell, cells)) + " |"


PAGES = {
    "docs/chat.md": render_chat_page,
    "docs/policy.md": render_policy_page,
    "docs/policy.schema.json": render_schema,
    "docs/settings.md": render_settings_page,
    "config/policy.default.toml": render_default_policy,
}


def main() -> None:
    for path, render in PAGES.items():
        (ROOT / path).write_text(render())


if __name__ == "__main__":
    main()
