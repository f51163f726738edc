"""How a sweep begins: what its files need, its jobs, and in which order they take turns."""

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from controller.domain.jobs import PlannedJob
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.fleet.rounds.turns import first_rounds
from controller.state.artifacts import made_versions
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.rounds.courses import NewCourse, Place, open_courses
from controller.state.rounds.turns import begin_turns
from controller.state.sweeps import add_sweep
from controller.sweeps.readable import KnownVersions
from models.catalog.onnx_versions import OnnxVersions


def known_versions(database: Database, backbones: Collection[str]) -> KnownVersions:
    """What the ONNX files of backbones need, as far as that is stored."""
    return KnownVersions(
        made=made_versions(database, backbones),
        own={
            model.name: OnnxVersions(model.ir_version, model.opset)
            for model in list_own_models(database)
            if model.ir_version is not None and model.opset is not None
        },
    )


def create_sweep(
    database: Database, spec: SweepSpec, planned: Sequence[PlannedJob], now_unix_ms: int
) -> str:
    """Remembers a sweep whose jobs wait for their artifacts; gives its id, the order's seed."""
    sweep_id = uuid.uuid4().hex[:12]
    with database.writing() as transaction:
        job_ids = add_sweep(transaction, sweep_id, spec, planned, now_unix_ms)
        here: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        for job_id, job in zip(job_ids, planned, strict=True):
            here[job.device_id].append((job_id, job.is_sentinel))
        begun = [
            _begin(Place(sweep_id=sweep_id, device_id=device_id), spec, its)
            for device_id, its in here.items()
        ]
        open_courses(transaction, [course for course, _ in begun])
        for course, order in begun:
            begin_turns(transaction, course.place, order)
    return sweep_id


def _begin(
    place: Place, spec: SweepSpec, jobs: Sequence[tuple[str, bool]]
) -> tuple[NewCourse, tuple[str, ...]]:
    """How a sweep begins on a device, and its first turns; `jobs` tells which one is a sentinel."""
    sentinel = next((job_id for job_id, is_sentinel in jobs if is_sentinel), None)
    measured = [job_id for job_id, is_sentinel in jobs if not is_sentinel]
    rng = random.Random(f"{place.sweep_id} {place.device_id}")
    order = first_rounds(measured, spec.fewest_repetitions, sentinel, rng)
    course = NewCourse(
        place=place,
        planned_ms=planned_time_ms(spec, len(measured)),
        sentinel=sentinel,
        turn_count=len(order),
    )
    return course, order
