"""The runner, driven with small flows that record what happens to them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from bot.app.log import name_fault
from bot.app.runner import Decisions, Limits, Runner, drive, rehearse
from bot.core.actions import (
    BranchReady,
    DressPull,
    EnsureBranch,
    EnsureComment,
    EnsurePull,
    FindComment,
    GetPull,
    PullReady,
    React,
    SetLabels,
    Write,
    ask,
)
from bot.core.errors import Fault, UserError
from bot.core.jobs import Ended, FindEnded, Plan, Report, Settle
from bot.core.model import Line
from bot.forges.tally import count_call
from tests.app.values import PICK, REPO, a_backport, a_closing, a_pull, a_report

WAIT = 10


class Stage:
    """Plans the given jobs for every event; every flow performs one action and reports; `perform` may be slow."""

    def __init__(self, *jobs, notes=(), faults=(), slowness=0.0):
        self.jobs, self.notes, self.faults, self.slowness = jobs, notes, list(faults), slowness
        self.planned = 0
        self.ran = Counter()
        self.pauses = []
        self.now_running = Counter()
        self.most_running = Counter()
        self.lock = threading.Lock()

    def plan(self, event):
        self.planned += 1
        yield from ask(GetPull(event.repo, event.number))
        return Plan(self.jobs, self.notes)

    def flow_of(self, job):
        with self.lock:
            self.ran[job.key] += 1
            for name in (job.change, "any"):
                self.now_running[name] += 1
                self.most_running[name] = max(self.most_running[name], self.now_running[name])
        try:
            yield from ask(FindComment(job.repo, job.number, "marker"))
        finally:
            with self.lock:
                self.now_running.subtract((job.change, "any"))
        return a_report(job)

    def perform(self, action):
        if isinstance(action, GetPull):
            return a_pull(action.number)
        time.sleep(self.slowness)
        with self.lock:
            fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        return None

    def runner(self, **limits):
        return Runner(self.perform, Decisions(self.plan, self.flow_of), Limits(**limits), self.pauses.append)


def test_a_no_that_was_too_early_at_first_is_the_answer_when_it_stays():
    def too_early():
        fault = Fault("not found", passing=True)
        fault.answer = "missing"
        return fault

    outcomes, pauses = [], []

    def flow_of(job):
        outcomes.append((yield from ask(FindComment(job.repo, job.number, "marker"))))
        return a_report(job)

    for faults in ([too_early()], [too_early() for _ in range(3)]):
        waiting = list(faults)

        def perform(_, waiting=waiting):
            if waiting:
                raise waiting.pop(0)
            return "found"

        with closing(Runner(perform, Decisions(None, flow_of), Limits(pauses=(1, 4)), pauses.append)) as runner:
            assert runner.start(a_backport()).exception(WAIT) is None
    assert (outcomes, pauses) == (["found", "missing"], [1, 1, 4])


def test_people_are_told_of_a_job_that_breaks_down_under_the_name_that_the_log_has():
    told = []

    def after_breakdown(job, what):
        told.append((job.key, what))
        yield from ask(FindComment(job.repo, job.number, "marker"))

    def flow_of(job):
        raise Fault("no such thing")
        yield

    job = a_backport()
    with closing(Runner(lambda _: None, Decisions(None, flow_of, after_breakdown))) as runner:
        fault = runner.start(job).exception(WAIT)
    assert told == [(job.key, f"fault {name_fault(fault)}")]


def test_a_users_error_is_told_in_full_and_a_forge_that_is_away_hides_nothing():
    told = []

    def after_breakdown(job, what):
        told.append(what)
        yield from ask(FindComment(job.repo, job.number, "marker"))

    def flow_of(job):
        raise UserError("The branch name is odd. Rename it.")
        yield

    def perform(action):
        raise Fault("the forge is away", passing=True)

    with closing(Runner(perform, Decisions(None, flow_of, after_breakdown))) as runner:
        error = runner.start(a_backport()).exception(WAIT)
    assert isinstance(error, UserError)
    assert told == ["The branch name is odd. Rename it."]


def test_drive_hands_each_outcome_to_the_flow_and_returns_its_result():
    def flow():
        first = yield GetPull(REPO, 1)
        second = yield GetPull(REPO, 2)
        return first, second

    assert drive(flow(), lambda action: action.number * 10) == (10, 20)


def test_drive_closes_the_flow_when_an_action_fails():
    closed = []

    def flow():
        try:
            yield GetPull(REPO, 1)
        finally:
            closed.append(True)

    def fail(_):
        raise Fault("the forge is away")

    running = flow()
    with pytest.raises(Fault, match="the forge is away"):
        drive(running, fail)
    assert closed == [True], "closed while it is still referred to, not when it is collected"


def test_a_stop_iteration_from_an_action_is_not_taken_for_the_end_of_the_flow():
    def flow():
        yield GetPull(REPO, 1)
        return "done"

    with pytest.raises(StopIteration):
        drive(flow(), lambda _: next(iter(())))


def test_a_rehearsal_performs_reads_collects_writes_and_foresees_their_outcomes():
    performed = []
    branch = EnsureBranch(PICK, "f" * 40, "backport/2.7/12", expect=None)
    wishes = (
        branch,
        EnsurePull(REPO, "backport/2.7/12", "release/2.7", "title", "body"),
        DressPull(REPO, 13, ("backport",), (), None),
        SetLabels(REPO, 12, add=("backported/2.7",)),
        EnsureComment(REPO, 12, "marker", "text", existing=99),
        React(REPO, 12, 5, "rocket"),
    )

    def flow():
        pull = yield from ask(GetPull(REPO, 12))
        answers = []
        for wish in wishes:
            answer = yield from ask(wish)
            answers.append(answer)
        return pull, answers

    def perform(action):
        performed.append(action)
        return a_pull()

    result, writes = rehearse(flow(), perform)
    assert performed == [GetPull(REPO, 12)]
    assert writes == wishes
    pull, (ready, opened, *nothing, comment, reacted) = result
    assert pull == a_pull()
    assert ready == BranchReady("f" * 40)
    assert isinstance(opened, PullReady)
    assert (opened.opened, opened.pull.head, opened.pull.base) == (True, "backport/2.7/12", "release/2.7")
    assert nothing == [None, None]
    assert (comment.id, comment.body, reacted) == (99, "text", None)


def test_a_rehearsal_ends_where_an_outcome_cannot_be_foreseen():
    class Strange(Write):
        pass

    def flow():
        yield Strange()
        pytest.fail("went on with a guess")

    result, (write,) = rehearse(flow(), lambda _: None)
    assert result is None
    assert isinstance(write, Strange)


def test_handling_an_event_plans_it_and_runs_its_jobs():
    stage = Stage(a_backport(line="2.7"), a_backport(line="2.8"))
    runner = stage.runner()
    started = runner.handle("d1", a_closing()).result(WAIT)
    assert started.plan.jobs == stage.jobs
    assert [run.result(WAIT).summary for run in started.runs] == ["opened for 2.7", "opened for 2.8"]
    runner.close()


def test_the_same_delivery_ten_times_at_once_is_planned_and_run_once():
    stage = Stage(a_backport(), slowness=0.02)
    runner = stage.runner()
    with ThreadPoolExecutor(10) as senders:
        plans = [each.plan for each in senders.map(lambda _: runner.handle("d1", a_closing()).result(WAIT), range(10))]
    runner.close()
    assert stage.planned == 1
    assert stage.ran == {a_backport().key: 1}
    assert plans == [Plan((a_backport(),))] * 10


def test_one_job_wished_for_by_three_deliveries_at_once_runs_once():
    stage = Stage(a_backport(line="2.7"), a_backport(line="2.8"), slowness=0.01)
    runner = stage.runner()
    with ThreadPoolExecutor(3) as senders:
        list(senders.map(lambda name: runner.handle(name, a_closing()), ("label 2.7", "label 2.8", "comment")))
    runner.close()
    assert stage.planned == 3
    assert stage.ran == {a_backport(line="2.7").key: 1, a_backport(line="2.8").key: 1}


def test_a_refusal_does_not_use_up_the_key_of_somebody_who_may():
    outcomes = iter(("refused", "opened"))

    def flow_of(job):
        yield from ask(FindComment(job.repo, job.number, "marker"))
        return Report(job, next(outcomes), "said so")

    job = a_backport()
    with closing(Runner(lambda _: None, Decisions(None, flow_of))) as runner:
        said = [runner.start(job).result(WAIT).outcome for _ in range(3) if runner.drain(WAIT)]
    assert said == ["refused", "opened", "opened"]


def test_what_was_settled_is_settled_again_since_a_pull_can_be_closed_twice():
    ran = []

    def flow_of(job):
        yield from ask(FindComment(job.repo, job.number, "marker"))
        ran.append(job.key)
        return Report(job, "settled", "It is closed.")

    job = Settle(REPO, 12, Line(2, 7), "closed", 31)
    with closing(Runner(lambda _: None, Decisions(None, flow_of))) as runner:
        for _ in range(2):
            runner.start(job).result(WAIT)
            assert runner.drain(WAIT)
    assert ran == [job.key] * 2


def test_what_follows_from_a_job_is_run_after_it():
    ran = []
    first, then = a_backport(1), a_backport(2)

    def flow_of(job):
        yield from ask(FindComment(job.repo, job.number, "marker"))
        ran.append(job)
        return replace(a_report(job), then=(then,) if job == first else ())

    with closing(Runner(lambda _: None, Decisions(None, flow_of))) as runner:
        runner.start(first).result(WAIT)
        assert runner.drain(WAIT)
    assert ran == [first, then]


def test_how_the_jobs_of_a_pull_have_ended_is_remembered_the_newest_first():
    jobs = (a_backport(12), a_backport(12, "2.6"), a_backport(13))
    stage = Stage(*jobs, faults=[Fault("broken")])
    asked = []

    def plan(event):
        asked.append((yield from ask(FindEnded(REPO, 12))))
        return Plan(jobs)

    with closing(Runner(stage.perform, Decisions(plan, stage.flow_of), Limits(width=1), stage.pauses.append)) as runner:
        for delivery in ("d1", "d2"):
            runner.handle(delivery, a_closing())
            assert runner.drain(WAIT)
    assert asked == [(), (Ended(jobs[1], "well"), Ended(jobs[0], "failed"))]


def test_a_job_whose_key_has_run_answers_with_its_recorded_report():
    stage = Stage()
    runner = stage.runner()
    first = runner.start(a_backport()).result(WAIT)
    assert runner.start(a_backport()).result(WAIT) is first
    assert isinstance(first, Report)
    assert stage.ran[a_backport().key] == 1
    runner.close()


def test_jobs_of_one_change_never_overlap_and_keep_their_order():
    stage = Stage(slowness=0.005)
    runner = stage.runner(width=8)
    jobs = [a_backport(generation=n) for n in range(12)]
    for job in jobs:
        runner.start(job)
    runner.close()
    assert stage.most_running[jobs[0].change] == 1
    assert list(stage.ran) == [job.key for job in jobs]


def test_jobs_of_different_changes_run_side_by_side_up_to_the_width():
    stage = Stage(slowness=0.05)
    runner = stage.runner(width=3)
    for number in range(1, 10):
        runner.start(a_backport(number))
    runner.close()
    assert stage.most_running["any"] == 3
    assert sum(stage.ran.values()) == 9


def test_a_flood_on_one_change_does_not_hold_up_another():
    stage = Stage(slowness=0.02)
    runner = stage.runner(width=2)
    flood = [runner.start(a_backport(1, generation=n)) for n in range(30)]
    runner.start(a_backport(2)).result(WAIT)
    assert not flood[-1].done()
    runner.close()
    assert flood[-1].done()


def test_a_passing_fault_is_tried_again_after_growing_pauses():
    stage = Stage(faults=[Fault("502", passing=True), Fault("502", passing=True)])
    runner = stage.runner(pauses=(1, 4, 15))
    assert runner.start(a_backport()).result(WAIT).outcome == "opened"
    assert stage.pauses == [1, 4]
    assert stage.ran[a_backport().key] == 1, "only the action is repeated, not the flow"
    runner.close()


def test_a_fault_that_does_not_pass_in_time_is_raised_from_the_future():
    stage = Stage(faults=[Fault(f"try {n}", passing=True) for n in range(3)])
    runner = stage.runner(pauses=(1, 4))
    with pytest.raises(Fault, match="try 2"):
        runner.start(a_backport()).result(WAIT)
    runner.close()


def test_a_lasting_fault_is_not_tried_again_but_logged_under_an_id(caplog):
    stage = Stage(faults=[Fault("the token was revoked")])
    runner = stage.runner()
    future = runner.start(a_backport())
    with pytest.raises(Fault, match="the token was revoked") as caught:
        future.result(WAIT)
    runner.close()
    assert stage.pauses == []
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert caught.value.__notes__ == [f"fault {record.fault}"]


def test_what_failed_is_tried_again_when_it_is_asked_for_again():
    stage = Stage(a_backport(line="2.7"), a_backport(line="2.8"), faults=[Fault("the disk is full")])
    runner = stage.runner(width=1)
    runner.handle("d1", a_closing()).result(WAIT).runs[1].result(WAIT)
    runner.handle("d1", a_closing()).result(WAIT)
    runner.close()
    assert stage.ran == {a_backport(line="2.7").key: 2, a_backport(line="2.8").key: 1}


def test_a_delivery_that_could_not_be_planned_is_planned_when_it_is_sent_again():
    stage = Stage()
    broken = Runner(lambda _: (_ for _ in ()).throw(Fault("away")), Decisions(stage.plan, stage.flow_of))
    for _ in range(2):
        with pytest.raises(Fault, match="away"):
            broken.handle("d1", a_closing()).result(WAIT)
    broken.close()
    assert stage.planned == 2


def test_closing_waits_for_everything_that_was_begun():
    stage = Stage(*(a_backport(number) for number in range(1, 7)), slowness=0.02)
    runner = stage.runner(width=2)
    runner.handle("d1", a_closing())
    runner.close()
    assert sum(stage.ran.values()) == 6
    assert stage.now_running["any"] == 0


def test_a_wait_that_a_forge_asks_for_is_kept_and_uses_up_no_tries():
    asked = [Fault("busy", passing=True, retry_after=seconds) for seconds in (900, 0.5, 70)]
    stage = Stage(faults=[*asked, Fault("502", passing=True)])
    runner = stage.runner(pauses=(1,))
    assert runner.start(a_backport()).result(WAIT).outcome == "opened"
    assert stage.pauses == [900, 0.5, 70, 1]
    runner.close()


def test_a_forge_that_is_busy_for_ever_is_given_up():
    stage = Stage(faults=[Fault("busy", passing=True, retry_after=0)] * 20)
    runner = stage.runner(patience=10)
    with pytest.raises(Fault, match="busy"):
        runner.start(a_backport()).result(WAIT)
    assert len(stage.pauses) == 10
    runner.close()


def test_who_waits_for_a_busy_forge_leaves_the_place_to_others():
    stage = Stage(faults=[Fault("busy", passing=True, retry_after=3600)])
    runner = Runner(stage.perform, Decisions(stage.plan, stage.flow_of), Limits(width=1))
    first = runner.start(a_backport(1))
    began = time.monotonic()
    assert runner.start(a_backport(2)).result(WAIT).outcome == "opened"
    assert time.monotonic() - began < 1
    assert not first.done()
    runner.close()
    assert first.result(WAIT).outcome == "opened", "closing cuts the wait short, and there is one more try"


def counting(stage):
    def perform(action):
        count_call()
        return stage.perform(action)

    return perform


@pytest.mark.parametrize("faults", [[], [Fault("broken")]], ids=["well", "in a fault"])
def test_the_requests_that_a_job_has_cost_are_logged_however_it_ends(caplog, faults):
    stage = Stage(faults=list(faults))
    runner = Runner(counting(stage), Decisions(stage.plan, stage.flow_of))
    with caplog.at_level("INFO"):
        runner.start(a_backport()).exception(WAIT)
        runner.close()
    [last] = [record for record in caplog.records if hasattr(record, "calls")]
    assert (last.message, last.calls) == ("ended", 1)


def test_the_requests_that_planning_has_cost_are_logged(caplog):
    stage = Stage()
    runner = Runner(counting(stage), Decisions(stage.plan, stage.flow_of))
    with caplog.at_level("INFO"):
        runner.handle("d", a_closing()).result(WAIT)
        runner.close()
    assert next(record.message for record in caplog.records if hasattr(record, "calls")) == "planned"


def test_a_job_that_goes_round_is_stopped_by_its_budget():
    stage = Stage(faults=[Fault("busy", passing=True, retry_after=0)] * 50)
    runner = Runner(counting(stage), Decisions(stage.plan, stage.flow_of), Limits(calls=7), pause=lambda _: None)
    error = runner.start(a_backport()).exception(WAIT)
    runner.close()
    assert isinstance(error, Fault)
    assert "has sent 7 requests" in str(error)


def test_closing_cuts_the_pauses_between_tries_short():
    stage = Stage(faults=[Fault("502", passing=True)] * 9)
    runner = Runner(stage.perform, Decisions(stage.plan, stage.flow_of), Limits(pauses=(600, 600)))
    future = runner.start(a_backport())
    began = time.monotonic()
    runner.close()
    assert time.monotonic() - began < WAIT
    assert isinstance(future.exception(0), Fault)


def test_only_so_many_reports_are_remembered():
    stage = Stage()
    runner = stage.runner(remembered=5)
    for number in range(1, 21):
        runner.start(a_backport(number)).result(WAIT)
    runner.start(a_backport(20)).result(WAIT)
    runner.start(a_backport(1)).result(WAIT)
    runner.close()
    assert stage.ran[a_backport(20).key] == 1
    assert stage.ran[a_backport(1).key] == 2
