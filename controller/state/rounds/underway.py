"""Jobs that are being measured: what their repetitions tell so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import exists

from controller.domain.jobs import JobState, TurnState
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.figures.spread import UNKNOWN, Spread
from controller.state.database import Database
from controller.state.measurements import (
    Conclusion,
    are_wanted,
    beside_accuracy,
    measurement_of,
)
from controller.state.rounds.courses import Place, known_spread
from controller.state.rounds.repetitions import TakenRepetition, list_taken
from controller.state.schema import jobs, turns
from protos.measuring import MeasureSettings


@dataclass(frozen=True, kw_only=True)
class Underway:
    """The repetitions of a job that has not ended.

    Attributes:
        taken: at least one, in order.
        settings: what they were told.
        spread: of the processes of the sweep's jobs on the device, and of earlier sweeps there.
    """

    taken: Sequence[TakenRepetition]
    settings: MeasureSettings
    spread: Spread


def list_underway(
    database: Database, wanted: MeasurementFilter, conclude: Callable[[Underway], Conclusion]
) -> list[Measurement]:
    """What can be said of the jobs that are being measured, in their order.

    Jobs without any repetition are none of them. A measurement's id is that of its job, until the
    job ends.

    Args:
        database: the controller's.
        wanted: which jobs; samples are left out.
        conclude: derives figures and verdict.
    """
    dataset = wanted.accuracy_dataset
    is_begun = exists().where(turns.c.job_id == jobs.c.job_id, turns.c.state == TurnState.TAKEN)
    query = (
        beside_accuracy(dataset)
        .add_columns(jobs.c.device_id)
        .where(jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]), is_begun, *are_wanted(wanted))
        .order_by(jobs.c.position)
    )
    found: list[Measurement] = []
    spreads: dict[Place, Spread] = {}
    with database.transaction() as transaction:
        for row in transaction.execute(query).mappings().all():
            taken = list_taken(transaction, row["job_id"])
            # A profile has turns and no repetitions.
            if taken:
                place = Place(sweep_id=row["sweep_id"], device_id=row["device_id"])
                if place not in spreads:
                    spreads[place] = known_spread(transaction, place) or UNKNOWN
                job = Underway(taken=taken, settings=row["settings"], spread=spreads[place])
                told = conclude(job)
                found.append(measurement_of(row, told, dataset, measurement_id=row["job_id"]))
    return found
