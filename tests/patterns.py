"""Finds every regular expression of the bot, and makes the strings that would take it the longest.

It must never take a pattern on trust: one that it cannot work out from the source is an error, not a gap.
"""

from __future__ import annotations

import ast
import importlib
import re
import re._constants as kinds
import re._parser as parser
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[1]

FUNCTIONS = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
_FULL, _START = "fullmatch", "match"

LOCAL: dict[str, object] = {
    "patterns": ["refs/heads/*", "refs/tags/*"],
    "number": 12,
    "pair": ["HEAD", "theirs"],
    "first": "backport",
    "key": "label",
    "folder": b"kit",
    "moved": b"kit",
    "name": "#12",
    "stem": "release/",
    "suffix": "-x",
    "pattern": "release/(.*)",
}
"""What the names stand for that are no module's: an example of each, for patterns that are made at run time."""


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands, and the methods that it is used with."""

    where: str
    pattern: re.Pattern[str] | re.Pattern[bytes]
    uses: frozenset[str]


def find_patterns() -> tuple[list[Found], list[str]]:
    """Every pattern of the bot (the sandbox is no part of a server), and the calls that could not be worked out."""
    found: list[Found] = []
    unknown: list[str] = []
    for path in sorted((ROOT / "bot").rglob("*.py")):
        relative = path.relative_to(ROOT)
        if "sandbox" in relative.parts:
            continue
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if not _is_call(call):
                continue
            where = f"{relative}:{call.lineno}"
            module = importlib.import_module(".".join(relative.with_suffix("").parts).removesuffix(".__init__"))
            try:
                made = _evaluate(call, vars(module))
            except Exception as error:  # whatever it is, it is told
                unknown.append(f"{where}: {ast.unparse(call)[:120]}: {error}")
                continue
            uses = _uses_of(call, tree)
            found += [Found(where, pattern, uses) for pattern in made]
    return found, unknown


def _is_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re" and node.func.attr in FUNCTIONS
    )  # fmt: skip


def _evaluate(call: ast.Call, module: dict[str, object]) -> list[re.Pattern[str]]:
    """The patterns that a call makes; more than one where a table holds them."""
    names = {**module, **LOCAL}
    flags = 0
    position = {"compile": 1, "match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2}.get(call.func.attr)
    given = [word.value for word in call.keywords if word.arg == "flags"]
    if position is not None and len(call.args) > position:
        given.append(call.args[position])
    for node in given:
        flags |= _eval(node, names)
    special = SPECIAL.get(ast.unparse(call.args[0]))
    sources = special(module) if special else [_eval(call.args[0], names)]
    return [re.compile(source, flags) for source in sources]


def _eval(node: ast.expr, names: dict[str, object]):
    return eval(compile(ast.Expression(node), "pattern", "eval"), names)  # the project's own source


SPECIAL = {
    "_KINDS[kind]": lambda module: list(module["_KINDS"].values()),
    "self.pattern": lambda module: [
        module[name].pattern for name in ("_LINE_BRANCH", "_BACKPORT_BRANCH", "_LABEL", "_TITLE")
    ],
    "''.join((_WILDCARDS.get(part, re.escape(part)) for part in parts))": lambda module: [
        "".join(module["_WILDCARDS"].get(part, part) for part in parts)
        for parts in (["**"], ["a", "*", "b"], ["?", "*"])
    ],
}
"""Patterns that a table holds or a loop makes, by how the source writes them."""


def _uses_of(call: ast.Call, tree: ast.Module) -> frozenset[str]:
    if call.func.attr != "compile":
        return frozenset({call.func.attr})
    names = {
        target.id
        for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.value is call
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names
    }
    handed = [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and any(isinstance(given, ast.Name) and given.id in names for given in node.args)
    ]  # fmt: skip
    if "matching" in handed:  # `Fields.matching` wants the whole text to fit
        used.add("fullmatch")
    # One that is handed on in any other way (a table of patterns, say) may be used in any way.
    return frozenset(used & FUNCTIONS) or frozenset({"search"})


# ── the strings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def attacks_on(pattern: re.Pattern[str] | re.Pattern[bytes]) -> list[tuple[str, str, str]]:
    """Beginnings, what is repeated, and endings: what each repetition in the pattern could run through many times."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    pumps: dict[tuple[str, str], None] = {}
    for prefix, body in _repeats(list(tree), ""):
        for pump in _samples(body):
            if pump:
                # Again and again from one beginning, and beginning again and again.
                again = prefix + 8 * pump
                pumps |= dict.fromkeys(((prefix, pump), ("", pump), ("", again), ("", again + "-")))
    singles = list(dict.fromkeys(pump for _, pump in pumps))[:12]
    # Two repetitions in a row that take the same, or that a third one joins.
    mixed = [("", one + two) for one in singles for two in singles if one != two][:12]
    for prefix in list(dict.fromkeys(prefix for prefix, _ in pumps))[:6]:
        for blank in " \t\n" if isinstance(pattern.pattern, str) else " ":
            pumps.setdefault((prefix, blank), None)
    return [(prefix, pump, end) for prefix, pump in [*pumps, *mixed] for end in ("\x01", "\n\x01")]


def _repeats(tree: list, before: str) -> Iterator[tuple[str, list]]:
    """Each repetition without a small bound, with a string that leads up to it."""
    for operation, value in tree:
        if operation in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            _, most, body = value
            if most == kinds.MAXREPEAT or most > 100:
                yield before, list(body)
            yield from _repeats(list(body), before)
        for inner in _children(operation, value):
            yield from _repeats(inner, before)
        before += _sample_of(operation, value)


def _children(operation, value) -> list[list]:
    if operation is kinds.SUBPATTERN:
        return [list(value[3])]
    if operation is kinds.BRANCH:
        return [list(branch) for branch in value[1]]
    if operation in (kinds.ASSERT, kinds.ASSERT_NOT):
        return [list(value[1])]
    if operation is kinds.ATOMIC_GROUP:
        return [list(value)]
    if operation is kinds.GROUPREF_EXISTS:
        return [list(part) for part in value[1:] if part]
    return []


def _samples(tree: list) -> list[str]:
    """Strings that a repetition's body takes: one for each branch, and one for each kind of character."""
    whole = "".join(_sample_of(*item) for item in tree)
    found = [whole, *(character for item in tree for character in _characters(*item))]
    for operation, value in tree:
        for inner in _children(operation, value):
            found += _samples(inner)
        if operation in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            found += _samples(list(value[2]))
    return list(dict.fromkeys(found))[:16]


def _sample_of(operation, value) -> str:
    if operation is kinds.LITERAL:
        return chr(value)
    if operation in (kinds.IN, kinds.NOT_LITERAL, kinds.ANY):
        return next(iter(_characters(operation, value)), "")
    if operation in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        least, _, body = value
        return "".join(_sample_of(*item) for item in body) * min(least, 64)
    if operation in (kinds.SUBPATTERN, kinds.ATOMIC_GROUP):
        return "".join(_sample_of(*item) for item in (value[3] if operation is kinds.SUBPATTERN else value))
    if operation is kinds.BRANCH:
        return "".join(_sample_of(*item) for item in value[1][0])
    return ""


_PROBES = "a0 \t\n-.:/#\"'<>[](){}@!~*`|=_AZ\\\x01é🤖,;$&%^+?"


def _characters(operation, value) -> list[str]:
    if operation is kinds.ANY:
        return ["a", " "]
    if operation is kinds.LITERAL:
        return [chr(value)]
    if operation is kinds.NOT_LITERAL:
        return [each for each in "a .<\n" if ord(each) != value][:2]
    if operation is kinds.IN:
        one = re.compile(_class_of(value))
        return [probe for probe in _PROBES if one.fullmatch(probe)][:5]
    return []


def _class_of(items) -> str:
    words = {
        kinds.CATEGORY_DIGIT: r"\d", kinds.CATEGORY_NOT_DIGIT: r"\D", kinds.CATEGORY_SPACE: r"\s",
        kinds.CATEGORY_NOT_SPACE: r"\S", kinds.CATEGORY_WORD: r"\w", kinds.CATEGORY_NOT_WORD: r"\W",
    }  # fmt: skip
    inside, negated = "", ""
    for operation, value in items:
        if operation is kinds.NEGATE:
            negated = "^"
        elif operation is kinds.LITERAL:
            inside += re.escape(chr(value))
        elif operation is kinds.RANGE:
            inside += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        elif operation is kinds.CATEGORY:
            inside += words[value]
    return f"[{negated}{inside}]"


# ── the time they take ───────────────────────────────────────────────────────────────────────────────────────────────


class TooLongError(Exception):
    """The pattern was still busy."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Seconds of this process's own time; the machine's other work does not count."""

    def end(_: int, __: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def is_slow(found: Found, attack: tuple[str, str, str], size: int, limit: float) -> str | None:
    """The use with which the pattern takes more than `limit` seconds for `size` characters; tried twice."""
    prefix, pump, end = attack
    text: str | bytes = prefix + pump * (size // len(pump)) + end
    if isinstance(found.pattern.pattern, bytes):
        text = text.encode("utf-8")
    for use in found.uses:
        try:
            with at_most(limit):
                _use(found.pattern, use, text)
        except TooLongError:
            try:  # once more: something else may have taken the time
                with at_most(limit):
                    _use(found.pattern, use, text)
            except TooLongError:
                return use
    return None


def _use(pattern, use: str, text) -> None:
    empty = text[:0]
    if use in ("sub", "subn"):
        pattern.sub(empty, text)
    elif use == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, use)(text)
