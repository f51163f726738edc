"""How a sweep begins: what its files need, its jobs, and in which order they take turns."""

import random
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.domain.jobs import PlannedJob
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.fleet.rounds.expecting import counted_features, pioneers
from controller.fleet.rounds.turns import first_rounds
from controller.state.catalog.candidates import racing_jobs
from controller.state.database import Database, Transaction
from controller.state.rounds.courses import NewCourse, Place, open_courses
from controller.state.rounds.start_requests import StartRequest, remember_start
from controller.state.rounds.turns import begin_turns
from controller.state.sweeps import add_reused, add_sweep
from protos.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Before:
    """What is known of a sweep before it begins.

    Attributes:
        expected_ms: how long each device is expected to measure, by its id, ms.
        reused: ids of earlier jobs whose figures are the sweep's, too.
        started_by: the name of the token of who starts it; empty where nobody is asked for one.
        retry_of: the sweep whose jobs it does that are not done; None for a new one.
        request: what asked for it, to which an answer is remembered; None where none is.
        left_out: what is left out of what is asked for, since a device cannot do it.
    """

    expected_ms: Mapping[str, int] = field(default_factory=dict)
    reused: Sequence[str] = ()
    started_by: str = ""
    retry_of: str | None = None
    request: StartRequest | None = None
    left_out: Sequence[Reason] = ()


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
    with database.writing() as transaction:
        job_ids = add_sweep(
            transaction,
            sweep_id,
            spec,
            planned,
            now_unix_ms,
            started_by=before.started_by,
            retry_of=before.retry_of,
            left_out=before.left_out,
        )
        if before.request is not None:
            remember_start(transaction, before.request, sweep_id)
        add_reused(transaction, sweep_id, before.reused)
        here: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        for job_id, job in zip(job_ids, planned, strict=True):
            here[job.device_id].append((job_id, job.is_sentinel))
        begun = [
            _begin(transaction, Place(sweep_id=sweep_id, device_id=device_id), spec, its, before)
            for device_id, its in here.items()
        ]
        open_courses(transaction, [course for course, _ in begun])
        begin_turns(transaction, sweep_id, [(course.place, order) for course, order in begun])
    return sweep_id


def _begin(
    transaction: Transaction,
    place: Place,
    spec: SweepSpec,
    jobs: Sequence[tuple[str, bool]],
    before: Before,
) -> tuple[NewCourse, tuple[str, ...]]:
    """How a sweep begins on a device, and its first turns; `jobs` tells which one is a sentinel."""
    sentinel = next((job_id for job_id, is_sentinel in jobs if is_sentinel), None)
    measured = [job_id for job_id, is_sentinel in jobs if not is_sentinel]
    first: Sequence[str] = measured
    if spec.race is not None:
        first = pioneers(racing_jobs(transaction, place), counted_features())
    rng = random.Random(f"{place.sweep_id} {place.device_id}")
    order = first_rounds(first, spec.fewest_repetitions, sentinel, rng)
    course = NewCourse(
        place=place,
        planned_ms=planned_time_ms(spec, len(measured)),
        sentinel=sentinel,
        turn_count=len(order),
        expected_ms=before.expected_ms.get(place.device_id),
    )
    return course, order
