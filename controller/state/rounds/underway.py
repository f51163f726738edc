"""Jobs that are being measured: what their repetitions tell so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, exists

from controller.domain.jobs import JobState, TurnState
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.figures.spread import UNKNOWN, Spread
from controller.state.database import Database
from controller.state.measurements import (
    Conclusion,
    beside_accuracy,
    measurement_of,
)
from controller.state.rounds.courses import Place, known_spread
from controller.state.rounds.repetitions import TakenRepetition, list_taken
from controller.state.rounds.wanted import are_wanted
from controller.state.schema import jobs, turns
from controller.state.schema.unreadable import readable
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
    spreads: dict[Place, Spread] = {}
    with database.transaction() as transaction:

        def so_far(row: RowMapping) -> Measurement | None:
            taken = list_taken(transaction, row["job_id"])
            # A profile has turns and no repetitions.
            if not taken:
                return None
            place = Place(sweep_id=row["sweep_id"], device_id=row["device_id"])
            if place not in spreads:
                spreads[place] = known_spread(transaction, place) or UNKNOWN
            job = Underway(taken=taken, settings=row["settings"], spread=spreads[place])
            return measurement_of(row, conclude(job), dataset, measurement_id=row["job_id"])

        rows = transaction.execute(query).mappings().all()
        found = list(readable("job", "job_id", rows, so_far))
    return [each for each in found if each is not None]
