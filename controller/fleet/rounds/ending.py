"""What ends when its last repetitions were taken: jobs with their figures, sentinels, sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.fleet.rounds.finishing import Finished, finish_jobs
from controller.fleet.rounds.steps import Steps, do_at_once, keep, look
from controller.fleet.rounds.turns import Course
from controller.state.database import Database, Transaction
from controller.state.jobs import has_open_candidates
from controller.state.rounds.courses import Place
from controller.state.sweeps import end_finished
from protos.reasons import Reason


@dataclass(frozen=True)
class Settled:
    """What was found of a sweep on a device: the jobs that are complete, and if turns are left.

    Beside it what the race tells of some of these jobs, by id.
    """

    place: Place
    course: Course
    complete: Sequence[str]
    has_turns_left: bool
    raced: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def finished(self) -> list[Finished]:
        """The jobs that are complete, to be ended."""
        return [
            Finished(
                job_id=job_id,
                course=self.course,
                more=(self.raced[job_id],) if job_id in self.raced else (),
            )
            for job_id in self.complete
        ]

    @property
    def apart(self) -> "list[Settled]":
        """The same with one job each; itself where it has none or one."""
        if len(self.complete) < 2:
            return [self]
        return [replace(self, complete=[job_id]) for job_id in self.complete]

    def joined(self, later: "Settled") -> "Settled":
        """Both, as what was found later of the same place has it."""
        complete = list(dict.fromkeys((*self.complete, *later.complete)))
        return replace(later, complete=complete, raced={**self.raced, **later.raced})


def end_settled(database: Database, settled: Sequence[Settled], now_unix_ms: int) -> None:
    """Does at once what `ending` says."""
    do_at_once(ending(settled), database, now_unix_ms)


def ending(settled: Sequence[Settled]) -> Steps[None]:
    """Ends what is complete, the sentinel after the last job, and after the last of all the sweep.

    What has ended already stays as it is, so that doing it again changes nothing.
    """
    yield from finish_jobs([job for each in settled for job in each.finished])
    over = yield from look(_those_over, settled)
    if over:
        yield from finish_jobs(_last_readings(over))
        yield from keep(_end_sweeps, over)


def may_end_something(transaction: Transaction, settled: Settled) -> bool:
    """Whether a job, the sentinel or the sweep may end by it."""
    return bool(settled.complete) or _is_over(transaction, settled)


def _those_over(database: Database, settled: Sequence[Settled]) -> list[Settled]:
    """Those on whose devices no job of their sweep is open but the sentinel."""
    with database.transaction() as transaction:
        return [each for each in settled if _is_over(transaction, each)]


def _last_readings(over: Sequence[Settled]) -> list[Finished]:
    """The sentinels of those, to be ended."""
    return [
        Finished(job_id=each.course.sentinel, course=each.course)
        for each in over
        if each.course.sentinel is not None
    ]


def _end_sweeps(database: Database, over: Sequence[Settled], now_unix_ms: int) -> None:
    """Ends those of their sweeps of which no job is open on any device."""
    for sweep_id in dict.fromkeys(each.place.sweep_id for each in over):
        end_finished(database, now_unix_ms, sweep_id)


def _is_over(transaction: Transaction, settled: Settled) -> bool:
    # While turns are left, there are jobs that have not ended; of a sentinel these may be its own.
    if settled.course.sentinel is None:
        return not settled.has_turns_left
    return not has_open_candidates(transaction, settled.place)
