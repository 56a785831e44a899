"""A project's template may loop, choose and print; a hostile one is stopped, quickly and with a reason."""

from __future__ import annotations

import pytest

from bot.core.changelog.template import LONGEST_TEMPLATE, render
from bot.core.changelog.view import Group, Item, View
from bot.core.errors import UserError

FIXED = Group("Fixed", tuple(Item(f"l{n}", f"t{n}") for n in range(50)))
VIEW = View("2.7.1", "2026-01-01", False, (FIXED,), "v2.7.0", "")


def test_it_may_loop_choose_print_and_use_a_few_filters() -> None:
    item = "{% if loop.first or loop.last %}{{ i.text|upper }} {% endif %}"
    template = f"{{% for g in groups %}}{{% for i in g.items %}}{item}{{% endfor %}}{{% endfor %}}"
    assert render(template, VIEW) == "T0 T49 "
    assert render("{{ heading }}{% if not yanked and base == 'v2.7.0' %}!{% endif %}", VIEW) == "[2.7.1] - 2026-01-01!"


LOOPS = "{% for g in groups %}{% for a in g.items %}{% for b in g.items %}"
HOSTILE = {
    "arithmetic": "{{ 'a' * 999999999 }}",
    "power": "{{ 9 ** 9999999 }}",
    "calls": "{{ title.format() }}",
    "range": "{% for a in range(999999999) %}{% endfor %}",
    "internals": "{{ groups.__class__ }}",
    "internals by filter": "{{ groups|attr('__class__') }}",
    "macros": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "includes": "{% include '/etc/passwd' %}",
    "imports": "{% import 'x' as x %}",
    "assignments": "{% set a = title %}",
    "concatenation": "{{ title ~ title }}",
    "recursion": "{% for a in groups recursive %}{{ loop(groups) }}{% endfor %}",
    "loops without end": LOOPS + "{% for c in g.items %}{% for d in g.items %}" + "{% endfor %}" * 5,
    "endless text": LOOPS + "x" * 20_000 + "{% endfor %}" * 3,
    "growing filters": "{{ " + "title" + "".join(f"|join('{'y' * 3000}')" for _ in range(6)) + " }}",
    "nesting": "{% if " + "not " * 3000 + "title %}{% endif %}",
    "blocks": "{% for a in groups %}" * 40 + "{% endfor %}" * 40,
    "length": "x" * (LONGEST_TEMPLATE + 1),
    "unknown names": "{{ nothing }}",
    "unknown attributes": "{{ groups.nothing.at_all }}",
    "our own counter": "{{ _tick }}",
    "bad syntax": "{% for %}",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_everything_else_is_refused_with_a_reason(what: str) -> None:
    with pytest.raises(UserError, match=r"template.*\. (Mend|Simplify|Shorten) it\.$"):
        render(HOSTILE[what], VIEW)


def test_the_line_is_named() -> None:
    with pytest.raises(UserError, match="in line 3"):
        render("\n\n{{ title() }}", VIEW)
