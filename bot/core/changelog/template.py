"""Runs a project's own template for a section, which anybody may have written.

It must never let one reach beyond the notes it is given, or take more time or room than they are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.core.changelog.view import View
from bot.core.errors import UserError

LONGEST_TEMPLATE = 32 * 1024
LONGEST_TEXT = 2 * 1024 * 1024
"""Characters of one section. A hundred thousand entries fit into a changelog, not into one of its sections."""
MOST_ROUNDS = 200_000
"""Rounds of all loops together."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Name, nodes.Const, nodes.Getattr,
    nodes.Filter, nodes.Test, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.CondExpr,
    nodes.Keyword,
)  # fmt: skip
"""No calls, no arithmetic, no assignments, no macros, no includes: what is left takes time for its loops alone."""

_FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "title", "trim", "truncate", "upper")


class _Sections(ImmutableSandboxedEnvironment):
    """Knows a handful of filters, and counts."""

    def __init__(self) -> None:
        super().__init__(
            autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
            undefined=StrictUndefined,
        )  # fmt: skip
        self.filters = {name: _bounded(self.filters[name]) for name in _FILTERS}
        self.globals = {}


def render(template: str, view: View) -> str:
    """The section that a template makes. Raises `UserError` when it cannot, or may not."""
    if len(template) > LONGEST_TEMPLATE:
        raise UserError(f"The changelog's template is longer than {LONGEST_TEMPLATE // 1024} kB. Shorten it.")
    environment = _Sections()
    rounds = iter(range(MOST_ROUNDS))

    def tick() -> str:
        if next(rounds, None) is None:
            raise _TooMuch(f"its loops go round more than {MOST_ROUNDS:,} times")
        return ""

    try:
        tree = environment.parse(template)
        _check(tree)
        _count_rounds(tree)
        tree.set_environment(environment)
        made = environment.from_string(tree)
        return _collect(made.generate(_tick=tick, heading=view.heading, **_parts(view)))
    except TemplateError as error:
        line = f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        raise UserError(f"I could not use the changelog's template{line}: {error.message}. Mend it.") from error
    except (_TooMuch, RecursionError) as error:
        why = str(error) if isinstance(error, _TooMuch) else "it nests too deeply"
        raise UserError(f"I stopped the changelog's template: {why}. Simplify it.") from error
    except Exception as error:  # whatever a filter makes of what it was given
        raise UserError(f"The changelog's template failed: {type(error).__name__}: {error}. Mend it.") from error


class _TooMuch(Exception):  # noqa: N818 - it says how much
    """The template asks for more than a section is worth."""


def _parts(view: View) -> dict[str, object]:
    return {name: getattr(view, name) for name in ("title", "date", "yanked", "groups", "base", "link")}


def _check(tree: nodes.Node) -> None:
    """Refuse everything that is not known to be harmless."""
    todo: list[nodes.Node] = [tree]
    while todo:
        node = todo.pop()
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            raise _refused(f"“{what}” is not allowed: it may loop over what it is given, choose and print", node)
        if isinstance(node, nodes.For) and node.recursive:
            raise _refused("a recursive loop is not allowed", node)
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise _refused(f"there is no {node.name[:40]}", node)
        todo.extend(node.iter_child_nodes())


def _refused(why: str, node: nodes.Node) -> TemplateError:
    return TemplateSyntaxError(why, node.lineno)


def _count_rounds(tree: nodes.Template) -> None:
    """Have each round of each loop counted, those of loops with nothing in them as well."""
    for loop in tree.find_all(nodes.For):
        call = nodes.Call(nodes.Name("_tick", "load"), [], [], None, None)
        loop.body.insert(0, nodes.Output([call]).set_lineno(loop.lineno))


def _collect(pieces: Iterable[str]) -> str:
    found: list[str] = []
    left = LONGEST_TEXT
    for piece in pieces:
        found.append(piece)
        left -= len(piece)
        if left < 0:
            raise _TooMuch(f"it makes more than {LONGEST_TEXT // 1024 // 1024} MB of text")
    return "".join(found)


def _bounded(work: Callable[..., object]) -> Callable[..., object]:
    """A filter that may not make much of little: a chain of them would double a text until memory ends."""

    def bounded(*arguments: object, **more: object) -> object:
        for argument in (*arguments, *more.values()):
            if isinstance(argument, Sequence) and len(argument) > LONGEST_TEXT:
                raise _TooMuch("a filter is given too long a text")
        made = work(*arguments, **more)
        if isinstance(made, str) and len(made) > LONGEST_TEMPLATE:
            raise _TooMuch("a filter makes too long a text")
        return made

    if hasattr(work, "jinja_pass_arg"):  # it is told the environment first
        bounded.jinja_pass_arg = work.jinja_pass_arg  # type: ignore[attr-defined]
    return bounded
