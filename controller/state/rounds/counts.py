"""How far sweeps are: counted with each change, so that nobody has to look at every job."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, insert, select, update

from controller.domain.jobs import ENDED, JobState, TurnState
from controller.state.database import Database, Transaction
from controller.state.schema import courses, jobs, sweep_counts, turns

VARIANT_COLUMNS = (
    jobs.c.backbone,
    jobs.c.format,
    jobs.c.precision,
    jobs.c.target,
    jobs.c.input_size,
    jobs.c.batch,
)


_COUNTED = tuple(column for column in sweep_counts.c if column is not sweep_counts.c.sweep_id)
_NO_MORE = {f"more_{column.name}": 0 for column in _COUNTED}
# What is asked for each report is put together once.
_ADD = (
    update(sweep_counts)
    .where(sweep_counts.c.sweep_id == bindparam("of_sweep"))
    .values({column: column + bindparam(f"more_{column.name}") for column in _COUNTED})
)
_WAITING = select(sweep_counts.c.waiting).where(sweep_counts.c.sweep_id == bindparam("of_sweep"))


@dataclass(frozen=True, kw_only=True)
class SweepCounts:
    """How far a sweep is, its sentinels included.

    Attributes:
        jobs: how many are in each state that any is in.
        variants: that they need.
        variants_waiting: of those, that a job still waits for.
        turns: those that were taken or will be.
        turns_taken: of those, taken.
        jobs_with_figures: of which at least one turn was taken.
        outcomes: the number of the last job that ended with one.
        takings: the number of the last turn that was taken.
        still_racing: candidates that may still change the answer of a race, on all devices; None
            before the first round ended, and where there is no race.
    """

    jobs: Mapping[JobState, int]
    variants: int
    variants_waiting: int
    turns: int
    turns_taken: int
    jobs_with_figures: int
    outcomes: int
    takings: int
    still_racing: int | None = None

    @property
    def jobs_ended(self) -> int:
        """Jobs that were measured, failed or were cancelled."""
        return sum(count for state, count in self.jobs.items() if state in ENDED)


def open_counts(transaction: Transaction, sweep_id: str, *, job_count: int, variants: int) -> None:
    """Begins to count a sweep all of whose jobs wait for their artifacts."""
    zero = {column.name: 0 for column in _COUNTED}
    begun = {"waiting": job_count, "variants": variants, "variants_waiting": variants}
    transaction.execute(insert(sweep_counts).values(zero | begun | {"sweep_id": sweep_id}))


def add_counts(transaction: Transaction, sweep_id: str, more: Mapping[str, int]) -> None:
    """Counts a change of a sweep; `more` is by the columns' names, below 0 for fewer."""
    if any(more.values()):
        counted = {f"more_{name}": count for name, count in more.items()}
        transaction.execute(_ADD, _NO_MORE | counted | {"of_sweep": sweep_id})


def read_counts(database: Database, sweep_id: str) -> SweepCounts:
    """How far a sweep is."""
    with database.transaction() as transaction:
        row = (
            transaction.execute(select(sweep_counts).where(sweep_counts.c.sweep_id == sweep_id))
            .mappings()
            .one()
        )
        still_racing = transaction.scalars(
            select(func.sum(courses.c.still_racing)).where(courses.c.sweep_id == sweep_id)
        ).one()
    return SweepCounts(
        jobs={state: row[state.value] for state in JobState if row[state.value]},
        variants=row["variants"],
        variants_waiting=row["variants_waiting"],
        turns=row["turns"],
        turns_taken=row["turns_taken"],
        jobs_with_figures=row["jobs_with_figures"],
        outcomes=row["outcomes"],
        takings=row["takings"],
        still_racing=still_racing,
    )


def has_waiting(database: Database, sweep_id: str) -> bool:
    """Whether a job of a sweep waits for its artifact."""
    with database.transaction() as transaction:
        return bool(transaction.scalars(_WAITING, {"of_sweep": sweep_id}).one())


def count_anew(transaction: Transaction, sweep_id: str) -> None:
    """Counts everything of a sweep again but what is numbered: where jobs were deleted."""
    states = transaction.execute(
        select(jobs.c.state, func.count().label("job_count"))
        .where(jobs.c.sweep_id == sweep_id)
        .group_by(jobs.c.state)
    ).all()
    of_state = {row.state: row.job_count for row in states}
    counted = {state.value: of_state.get(state, 0) for state in JobState}
    counted |= {
        "variants": _count_variants(transaction, sweep_id, list(JobState)),
        "variants_waiting": _count_variants(transaction, sweep_id, [JobState.WAITING]),
    }
    transaction.execute(
        update(sweep_counts)
        .where(sweep_counts.c.sweep_id == sweep_id)
        .values(counted | _count_turns(transaction, sweep_id))
    )


def _count_variants(transaction: Transaction, sweep_id: str, states: list[JobState]) -> int:
    of_jobs = (
        select(*VARIANT_COLUMNS)
        .where(jobs.c.sweep_id == sweep_id, jobs.c.state.in_(states))
        .distinct()
        .subquery()
    )
    return transaction.scalars(select(func.count()).select_from(of_jobs)).one()


def _count_turns(transaction: Transaction, sweep_id: str) -> dict[str, int]:
    taken = func.sum(case((turns.c.state == TurnState.TAKEN, 1), else_=0))
    # A profile has none.
    medians = func.count(turns.c.median_ms)
    by_job = (
        select(func.count().label("there"), taken.label("taken"), medians.label("medians"))
        .where(
            turns.c.sweep_id == sweep_id,
            turns.c.state.not_in([TurnState.DROPPED, TurnState.NOT_READY]),
        )
        .group_by(turns.c.job_id)
        .subquery()
    )
    has_figure = case((by_job.c.medians > 0, 1), else_=0)
    row = transaction.execute(
        select(
            func.sum(by_job.c.there).label("there"),
            func.sum(by_job.c.taken).label("taken"),
            func.sum(has_figure).label("with_figures"),
        )
    ).one()
    return {
        "turns": row.there or 0,
        "turns_taken": row.taken or 0,
        "jobs_with_figures": row.with_figures or 0,
    }
