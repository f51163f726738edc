"""The checker of fault schedules finds what it is there to find, and nothing in what is right."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase
from protos.reasons import ReasonCode
from tests.faults.judging.causes import MAY_CAUSE, May, causes_on
from tests.faults.judging.checker import Rule, violations
from tests.faults.judging.outcome import (
    HadReport,
    Outcome,
    StoredAttempt,
    StoredJob,
    StoredTurn,
)
from tests.faults.running import live_through, outcome_of
from tests.faults.schedules import Fault, Kind, Stage, draw
from tests.faults.striking import Striker
from tests.faults.template import make_template

FIRST, SECOND = (5_000_000, 5_100_000), (6_000_000, 6_100_000)
CRASHING = MAY_CAUSE[Kind.CHILD_CRASHED]

MEASURED = StoredJob(
    job_id="measured",
    sweep_id="swept",
    device="phone",
    state=JobState.DONE,
    is_sentinel=False,
    verdicts=(Verdict.WIDE,),
    reasons=(ReasonCode.FEW_REPETITIONS,),
)
FAILED = replace(
    MEASURED,
    job_id="failed",
    state=JobState.FAILED,
    verdicts=(Verdict.FAILED,),
    reasons=(ReasonCode.CRASHED,),
)
UNREAD = replace(
    MEASURED,
    job_id="unread",
    state=JobState.CANCELLED,
    is_sentinel=True,
    verdicts=(),
    reasons=(),
)
TURNS = (
    StoredTurn(job_id="measured", ordinal=0, state=TurnState.TAKEN, latency_ns=FIRST),
    StoredTurn(job_id="measured", ordinal=1, state=TurnState.TAKEN, latency_ns=SECOND),
    StoredTurn(job_id="failed", ordinal=0, state=TurnState.DROPPED, latency_ns=None),
    StoredTurn(job_id="unread", ordinal=0, state=TurnState.DROPPED, latency_ns=None),
)


def attempt(attempt_id: str, job_id: str, ordinal: int, state: AttemptState) -> StoredAttempt:
    return StoredAttempt(
        attempt_id=attempt_id, job_id=job_id, ordinal=ordinal, device="phone", state=state
    )


RIGHT = Outcome(
    phases=(SweepPhase.ENDED,),
    jobs=(MEASURED, FAILED, UNREAD),
    turns=TURNS,
    attempts=(
        attempt("a", "measured", 0, AttemptState.REPORTED),
        attempt("b-lost", "measured", 1, AttemptState.LOST),
        attempt("b", "measured", 1, AttemptState.REPORTED),
        attempt("c", "failed", 0, AttemptState.REPORTED),
    ),
    reports=(
        HadReport(attempt_id="a", latency_ns=FIRST, is_kept=True),
        HadReport(attempt_id="b", latency_ns=SECOND, is_kept=True),
        HadReport(attempt_id="c", latency_ns=None, is_kept=True),
    ),
    spooled={"phone": ()},
    causes={"phone": (CRASHING, May(loses=True))},
)


def rules(outcome: Outcome) -> set[Rule]:
    return {violation.rule for violation in violations(outcome)}


def test_what_is_right_violates_nothing() -> None:
    assert violations(RIGHT) == ()


def with_job(job: StoredJob) -> Outcome:
    others = tuple(each for each in RIGHT.jobs if each.job_id != job.job_id)
    return replace(RIGHT, jobs=(*others, job))


def with_turn(place: int, turn: StoredTurn) -> Outcome:
    return replace(RIGHT, turns=(*TURNS[:place], turn, *TURNS[place + 1 :]))


def with_attempt(place: int, state: AttemptState) -> Outcome:
    changed = replace(RIGHT.attempts[place], state=state)
    return replace(RIGHT, attempts=(*RIGHT.attempts[:place], changed, *RIGHT.attempts[place + 1 :]))


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (Rule.DAMAGED, replace(RIGHT, integrity=("row 3 missing from index",))),
        (Rule.OPEN, replace(RIGHT, phases=(SweepPhase.MEASURING,))),
        (Rule.OPEN, with_job(replace(MEASURED, state=JobState.QUEUED))),
        (Rule.OPEN, with_turn(2, replace(TURNS[2], state=TurnState.LEASED))),
        (Rule.OPEN, with_attempt(1, AttemptState.LEASED)),
        (Rule.OPEN, Outcome(spooled={}, causes={})),
        (Rule.UNSETTLED, with_job(replace(MEASURED, verdicts=()))),
        (Rule.UNSETTLED, with_job(replace(MEASURED, verdicts=(Verdict.WIDE, Verdict.WIDE)))),
        (Rule.UNSETTLED, with_job(replace(MEASURED, state=JobState.CANCELLED))),
        (Rule.UNSETTLED, with_job(replace(FAILED, reasons=()))),
        (Rule.DOUBLED, with_turn(1, replace(TURNS[1], latency_ns=FIRST))),
        (Rule.DOUBLED, replace(RIGHT, turns=(*TURNS, TURNS[0]))),
        (Rule.DOUBLED, with_turn(2, replace(TURNS[2], latency_ns=(1, 2)))),
        (Rule.LOST, with_turn(1, replace(TURNS[1], latency_ns=None))),
        (Rule.LOST, with_attempt(0, AttemptState.LOST)),
        (Rule.LOST, replace(RIGHT, attempts=RIGHT.attempts[1:])),
        (Rule.FOREIGN, with_turn(0, replace(TURNS[0], latency_ns=(7, 8)))),
        (Rule.UNCAUSED, with_job(replace(FAILED, reasons=(ReasonCode.TIMED_OUT,)))),
        (Rule.UNCAUSED, with_job(replace(FAILED, reasons=(ReasonCode.AGENT_VANISHED,)))),
        (Rule.UNCAUSED, replace(RIGHT, causes={"phone": (CRASHING,)})),
        (Rule.UNCAUSED, replace(RIGHT, causes={"phone": (May(loses=True),)})),
        (Rule.LEFT, replace(RIGHT, spooled={"phone": ("a",)})),
        (Rule.STRAYED, replace(RIGHT, strayed=("the controller ended of itself",))),
    ],
)
def test_what_is_wrong_is_found(rule: Rule, wrong: Outcome) -> None:
    assert rule in rules(wrong)


def test_a_job_vanishes_with_its_agent_after_three_losses_that_something_caused() -> None:
    vanished = replace(FAILED, reasons=(ReasonCode.AGENT_VANISHED,))
    outcome = with_job(vanished)
    assert Rule.UNCAUSED in rules(outcome)
    caused = replace(outcome, causes={"phone": (May(loses=True),) * 3})
    assert rules(caused) == set()
    assert rules(replace(caused, causes={"phone": (May(loses=True),) * 2}, stalls=1)) == set()


def test_jobs_of_a_sweep_that_people_cancelled_may_have_ended_without_a_figure() -> None:
    given_up = replace(MEASURED, job_id="given up", state=JobState.CANCELLED, verdicts=())
    outcome = replace(with_job(given_up), phases=(SweepPhase.CANCELLED,))
    assert {Rule.OPEN, Rule.UNSETTLED} <= rules(outcome)
    assert rules(replace(outcome, cancelled=frozenset({"swept"}))) == set()
    measured = replace(given_up, verdicts=(Verdict.WIDE,))
    wrong = replace(with_job(measured), cancelled=frozenset({"swept"}))
    assert rules(wrong) == {Rule.UNSETTLED}


def test_what_befell_another_device_explains_nothing() -> None:
    fault = Fault(kind=Kind.CHILD_CRASHED, agent=1, stage=Stage.MEASURING, nth=1)
    everywhere = replace(fault, kind=Kind.CONTROLLER_KILLED)
    assert causes_on(0, [fault, everywhere]) == (MAY_CAUSE[Kind.CONTROLLER_KILLED],)
    assert len(causes_on(1, [fault, everywhere])) == 2


def test_it_is_known_of_every_kind_of_fault_what_it_may_cause() -> None:
    assert set(MAY_CAUSE) == set(Kind)


def _forget_a_repetition(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM repetitions WHERE rowid = (SELECT min(rowid) FROM repetitions)")


def _count_one_twice(database: sqlite3.Connection) -> None:
    database.execute("UPDATE repetitions SET latency_ns = (SELECT latency_ns FROM repetitions)")


def _fail_a_job(database: sqlite3.Connection) -> None:
    reasons = '[{"code": "timed_out", "figures": {}, "words": {}}]'
    database.execute("UPDATE measurements SET verdict = 'failed', reasons = ?", (reasons,))
    database.execute("UPDATE jobs SET state = 'failed'")


def _forget_an_attempt(database: sqlite3.Connection) -> None:
    database.execute("UPDATE attempts SET state = 'lost'")


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (_forget_a_repetition, Rule.LOST),
        (_count_one_twice, Rule.DOUBLED),
        (_fail_a_job, Rule.UNCAUSED),
        (_forget_an_attempt, Rule.LOST),
    ],
)
async def test_harm_that_was_done_to_a_real_database_is_found(
    harm: Callable[[sqlite3.Connection], None], rule: Rule, tmp_path: Path
) -> None:
    quiet = replace(draw(0), faults=(), is_secured=False, repetitions=(2, 2))
    template = make_template(tmp_path / "template")
    fleet = await live_through(quiet, Striker(()), template, tmp_path / "run")
    assert violations(outcome_of(fleet, ())) == ()
    with closing(sqlite3.connect(fleet.state_dir / "controller.sqlite")) as database, database:
        harm(database)
    assert rule in rules(outcome_of(fleet, ()))
