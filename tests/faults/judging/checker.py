"""What must be so however a fleet was treated, once it was left in peace: pure rules."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from controller.domain.jobs import OPEN_TURNS, AttemptState, JobState, TurnState
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase
from protos.reasons import ReasonCode
from tests.faults.judging.causes import losses_by, reasons_for
from tests.faults.judging.outcome import HadReport, Outcome, StoredAttempt, StoredJob, StoredTurn


class Rule(Enum):
    """What can be violated."""

    DAMAGED = "the database is whole"
    OPEN = "the sweep, its jobs, turns and attempts have ended"
    UNSETTLED = "each job has one measurement, or one failure with its reasons"
    DOUBLED = "each turn that was taken has one repetition, and each report is in one place"
    LOST = "each report that was in a spool was committed, and what it measured is kept"
    FOREIGN = "each repetition is what an agent measured for its turn"
    UNCAUSED = "each failure, and each attempt that was lost, was caused by a fault"
    LEFT = "spools are empty"
    STRAYED = "everybody did what they should"


@dataclass(frozen=True)
class Violation:
    """What is not so, and of what."""

    rule: Rule
    what: str


def violations(outcome: Outcome) -> tuple[Violation, ...]:
    """Every violation of how a fleet ended."""
    return (
        *(Violation(Rule.DAMAGED, what) for what in outcome.integrity),
        *(Violation(Rule.OPEN, what) for what in _open(outcome)),
        *(Violation(Rule.UNSETTLED, what) for what in _unsettled(outcome)),
        *(Violation(Rule.DOUBLED, what) for what in _doubled(outcome)),
        *(Violation(Rule.LOST, what) for what in _lost(outcome)),
        *(Violation(Rule.FOREIGN, what) for what in _foreign(outcome)),
        *(Violation(Rule.UNCAUSED, what) for what in _uncaused(outcome)),
        *(
            Violation(Rule.LEFT, f"{each}: {left}")
            for each, left in outcome.spooled.items()
            if left
        ),
        *(Violation(Rule.STRAYED, what) for what in outcome.strayed),
    )


def _open(outcome: Outcome) -> Iterator[str]:
    if not outcome.phases or not outcome.jobs:
        yield "there is no sweep"
    over = {SweepPhase.ENDED} | ({SweepPhase.CANCELLED} if outcome.cancelled else set())
    yield from (str(phase) for phase in outcome.phases if phase not in over)
    open_states = (JobState.WAITING, JobState.QUEUED, JobState.LEASED)
    yield from (f"{job}" for job in outcome.jobs if job.state in open_states)
    yield from (f"{turn}" for turn in outcome.turns if turn.state in OPEN_TURNS)
    for attempt in outcome.attempts:
        if attempt.state is AttemptState.LEASED:
            yield f"{attempt}"


def _unsettled(outcome: Outcome) -> Iterator[str]:
    taken = Counter(turn.job_id for turn in outcome.turns if turn.state is TurnState.TAKEN)
    for job in outcome.jobs:
        is_given_up = job.state is JobState.CANCELLED and job.sweep_id in outcome.cancelled
        if job.verdicts if is_given_up else not _is_settled(job, taken[job.job_id]):
            yield f"{job} with {taken[job.job_id]} turns taken"


def _is_settled(job: StoredJob, taken: int) -> bool:
    if job.state is JobState.DONE:
        return len(job.verdicts) == 1 and Verdict.FAILED not in job.verdicts and taken > 0
    if job.state is JobState.FAILED:
        return job.verdicts == (Verdict.FAILED,) and bool(job.reasons)
    # A sentinel of which nothing was read, as those that it would have watched had failed.
    return job.state is JobState.CANCELLED and job.is_sentinel and not job.verdicts and not taken


def _doubled(outcome: Outcome) -> Iterator[str]:
    for turn in outcome.turns:
        if (turn.state is TurnState.TAKEN) != (turn.latency_ns is not None):
            yield f"{turn}"
    places = Counter(turn.latency_ns for turn in outcome.turns if turn.latency_ns is not None)
    yield from (f"{count} times {latency_ns}" for latency_ns, count in places.items() if count > 1)
    keys = Counter((turn.job_id, turn.ordinal) for turn in outcome.turns)
    yield from (f"{count} repetitions of {key}" for key, count in keys.items() if count > 1)


def _lost(outcome: Outcome) -> Iterator[str]:
    attempts = {attempt.attempt_id: attempt for attempt in outcome.attempts}
    jobs = {job.job_id: job for job in outcome.jobs}
    turns = {(turn.job_id, turn.ordinal): turn for turn in outcome.turns}
    for report in outcome.reports or ():
        if not report.is_kept:
            continue
        attempt = attempts.get(report.attempt_id)
        if attempt is None or not _is_heard(report, attempt):
            yield f"{report.attempt_id} was spooled, and is {attempt}"
        elif not _is_accounted_for(
            report, jobs[attempt.job_id], turns[(attempt.job_id, attempt.ordinal)]
        ):
            yield f"what {report.attempt_id} measured"


def _is_heard(report: HadReport, attempt: StoredAttempt) -> bool:
    """Whether the controller remembers it, or that it told nothing but an attempt's end."""
    if report.code is ReasonCode.ARTIFACT_DAMAGED:
        return attempt.state in (AttemptState.UNDELIVERED, AttemptState.LOST)
    if report.code is ReasonCode.ATTEMPT_CANCELLED:
        return attempt.state is not AttemptState.LEASED
    return attempt.state is AttemptState.REPORTED


def _is_accounted_for(report: HadReport, job: StoredJob, turn: StoredTurn) -> bool:
    """Whether it is kept, or its turn was taken by another report, or its job ended without it."""
    if report.latency_ns is None:
        to_be_leased = (TurnState.WAITING, TurnState.QUEUED)
        # Another attempt at the turn may have been faster.
        return job.state is JobState.FAILED or turn.state not in to_be_leased
    return turn.latency_ns is not None or job.state in (JobState.FAILED, JobState.CANCELLED)


def _foreign(outcome: Outcome) -> Iterator[str]:
    if outcome.reports is None:
        return
    had = {report.attempt_id: report.latency_ns for report in outcome.reports}
    measured = {
        (attempt.job_id, attempt.ordinal, had.get(attempt.attempt_id))
        for attempt in outcome.attempts
    }
    for turn in outcome.turns:
        kept = (turn.job_id, turn.ordinal, turn.latency_ns)
        if turn.latency_ns is not None and kept not in measured:
            yield f"{turn}"


def _uncaused(outcome: Outcome) -> Iterator[str]:
    for job in outcome.jobs:
        possible = reasons_for(outcome.causes[job.device], outcome.stalls)
        if job.state is JobState.FAILED and not possible.intersection(job.reasons[:1]):
            yield f"{job}"
    lost = Counter(
        attempt.device for attempt in outcome.attempts if attempt.state is AttemptState.LOST
    )
    for device, count in lost.items():
        most = losses_by(outcome.causes[device], outcome.stalls)
        if count > most:
            yield f"{device} lost {count} attempts, by {most} faults"
