"""How a sweep begins: what its files need, its jobs, and in which order they take turns."""

import random
import uuid
from collections.abc import Collection, Sequence

from controller.domain.jobs import PlannedJob
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.fleet.turns import first_rounds
from controller.state.artifacts import made_versions
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.rounds.courses import Place, open_course
from controller.state.rounds.turns import append_turns
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
    with database.transaction() as transaction:
        job_ids = add_sweep(transaction, sweep_id, spec, planned, now_unix_ms)
        for device_id in dict.fromkeys(job.device_id for job in planned):
            here = [
                (job_id, job)
                for job_id, job in zip(job_ids, planned, strict=True)
                if job.device_id == device_id
            ]
            sentinel = next((job_id for job_id, job in here if job.is_sentinel), None)
            measured = [job_id for job_id, job in here if not job.is_sentinel]
            place = Place(sweep_id=sweep_id, device_id=device_id)
            open_course(transaction, place, planned_time_ms(spec, len(measured)), sentinel)
            rng = random.Random(f"{sweep_id} {device_id}")
            append_turns(
                transaction,
                place,
                first_rounds(measured, spec.fewest_repetitions, sentinel, rng),
            )
    return sweep_id
