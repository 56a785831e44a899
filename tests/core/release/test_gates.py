"""Every gate lets pass what it should, stays closed on what it cannot tell, and names the way on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.issues import Item
from bot.core.model import Branch, Check
from bot.core.numbering import Oversized
from bot.core.release.gates import Facts, Hold, judge
from bot.core.versions import Version
from tests.core.values import L27

SHA = "a" * 40
ITEM = Item(12, "pull", "Fix it", "https://forge.example/acme/torchlet/pull/12")
RC = Facts(Version(L27, 1, 2), Branch("release/2.7", SHA), SHA, descends=True, supported=True,
           checks=(Check("build", "passed"),))  # fmt: skip
FINAL = replace(RC, version=Version(L27, 1))


def gate_of(name, facts, **rules):
    [gate] = (gate for gate in judge(facts, **rules) if gate.name == name)
    return gate


def test_with_nothing_in_the_way_every_gate_is_open():
    assert {gate.verdict for gate in judge(RC)} == {"open"} == {gate.verdict for gate in judge(FINAL)}


@pytest.mark.parametrize(("name", "facts", "said"), [
    ("line", replace(RC, supported=False), "2.7 has come to the end of its life"),
    ("tip", replace(RC, expected="bbbbbbb"), "bbbbbbb was asked for, and release/2.7 is at aaaaaaaaaaaa"),
    ("history", replace(RC, descends=False), "the last final of 2.7 is not on release/2.7"),
    ("history", replace(RC, descends=None), "I cannot tell"),
    ("holds", replace(RC, holds=(Hold("ada", "waits for @cuda"),)), "it is held by ada: waits for @\u200bcuda"),
    ("checks", replace(RC, checks=(Check("build", "failed"), Check("docs", "passed"))), "build failed on"),
    ("checks", replace(RC, checks=(Check("build", "skipped"),), required=("build",)), "build did not run on"),
    ("checks", replace(RC, checks=(Check("build", "failed"), Check("build", "passed"))), "build failed on"),
    ("checks", replace(RC, checks=(Check("build", "failed"), Check("build", "skipped"))), "build failed on"),
    ("conflicts", replace(RC, conflicts=None), "the forge does not tell"),
    ("conflicts", replace(RC, conflicts=(ITEM,)), "[#"),
    ("must-have", replace(FINAL, missing=(ITEM,)), "[#"),
    ("must-have", replace(FINAL, missing=None), "the forge does not tell"),
])  # fmt: skip
def test_a_closed_gate_says_why_and_what_opens_it(name, facts, said):
    gate = gate_of(name, facts)
    assert (gate.verdict, gate.bars) == ("closed", True)
    assert said in gate.said
    assert gate.step


@pytest.mark.parametrize(("facts", "said"), [
    (replace(RC, checks=None), "the forge does not know"),
    (replace(RC, checks=(Check("build", "pending"),)), "build did not end"),
    (replace(RC, required=("build", "gpu")), "gpu did not end"),
    (replace(RC, checks=(Check("build", "passed"), Check("build", "pending"))), "build did not end"),
])  # fmt: skip
def test_checks_that_have_not_ended_are_waited_for(facts, said):
    gate = gate_of("checks", facts)
    assert (gate.verdict, gate.bars) == ("waits", True)
    assert said in gate.said


def test_what_nobody_requires_does_not_bar_when_it_was_skipped_or_is_not_required_and_failed():
    assert gate_of("checks", replace(RC, checks=(Check("a", "skipped"), Check("b", "passed")))).verdict == "open"
    failed = (Check("flaky", "failed"), Check("build", "passed"))
    assert gate_of("checks", replace(RC, checks=failed, required=("build",))).verdict == "open"
    assert gate_of("checks", replace(RC, checks=())).verdict == "warns"


def test_what_was_skipped_has_not_passed():
    skipped = (Check("build", "skipped"), Check("docs", "skipped"))
    gate = gate_of("checks", replace(RC, checks=skipped))
    assert (gate.verdict, gate.said) == ("warns", "every check was skipped, and none is required")
    gate = gate_of("checks", replace(RC, checks=(*skipped, Check("build", "passed"))))
    assert (gate.verdict, "1 passed on" in gate.said) == ("open", True)


def test_a_candidate_may_leave_behind_what_a_final_must_not():
    open_ones = (ITEM,)
    assert gate_of("must-have", replace(RC, missing=open_ones)).verdict == "warns"
    assert gate_of("pending", replace(RC, pending=open_ones)).verdict == "warns"


def test_a_patch_that_brings_a_feature_is_told_or_refused_by_policy():
    facts = replace(RC, oversized=(Oversized(SHA, "feat: x", "a feature"),))
    assert gate_of("size", facts).verdict == "warns"
    assert gate_of("size", facts, refuse_oversized=True).verdict == "closed"
    assert "feat: x (aaaaaaaaaaaa) brings a feature" in gate_of("size", facts).said


def test_many_are_named_by_the_first_few():
    checks = tuple(Check(f"job {n}", "failed") for n in range(9))
    assert "job 4 and 4 more failed" in gate_of("checks", replace(RC, checks=checks)).said
    assert gate_of("must-have", replace(FINAL, missing=(ITEM,) * 9)).said.endswith("and 4 more")


def test_the_commit_that_was_named_may_be_short_and_in_capitals():
    assert gate_of("tip", replace(RC, expected="AAAAAAA")).verdict == "open"
