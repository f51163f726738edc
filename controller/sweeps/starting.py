"""How a sweep begins: its jobs, and the order in which their repetitions take turns."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.domain.jobs import PlannedJob
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.fleet.turns import first_rounds
from controller.state.database import Database
from controller.state.rounds.courses import Place, open_course
from controller.state.rounds.turns import append_turns
from controller.state.sweeps import add_reused, add_sweep


@dataclass(frozen=True, kw_only=True)
class Before:
    """What is known of a sweep before it begins.

    Attributes:
        expected_ms: how long each device is expected to measure, by its id, ms.
        reused: ids of earlier jobs whose figures are the sweep's, too.
    """

    expected_ms: Mapping[str, int] = field(default_factory=dict)
    reused: Sequence[str] = ()


NOTHING_BEFORE: Final = Before()


def create_sweep(
    database: Database,
    spec: SweepSpec,
    planned: Sequence[PlannedJob],
    now_unix_ms: int,
    before: Before = NOTHING_BEFORE,
) -> str:
    """Remembers a sweep whose jobs wait for their artifacts; gives its id, the order's seed."""
    sweep_id = uuid.uuid4().hex[:12]
    with database.transaction() as transaction:
        job_ids = add_sweep(transaction, sweep_id, spec, planned, now_unix_ms)
        add_reused(transaction, sweep_id, before.reused)
        for device_id in dict.fromkeys(job.device_id for job in planned):
            here = [
                (job_id, job)
                for job_id, job in zip(job_ids, planned, strict=True)
                if job.device_id == device_id
            ]
            sentinel = next((job_id for job_id, job in here if job.is_sentinel), None)
            measured = [job_id for job_id, job in here if not job.is_sentinel]
            place = Place(sweep_id=sweep_id, device_id=device_id)
            planned_ms = planned_time_ms(spec, len(measured))
            expected_ms = before.expected_ms.get(device_id)
            open_course(transaction, place, planned_ms, sentinel, expected_ms)
            rng = random.Random(f"{sweep_id} {device_id}")
            append_turns(
                transaction,
                place,
                first_rounds(measured, spec.fewest_repetitions, sentinel, rng),
            )
    return sweep_id
