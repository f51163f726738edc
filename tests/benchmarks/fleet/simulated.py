"""What agents without a runtime say of themselves, are asked for, and report; nobody took it."""

import hashlib
import time
from pathlib import Path

import numpy as np

from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state import jobs
from controller.state.artifacts import record_artifact
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.sweeps import set_phase
from controller.sweeps.planning import Plan, plan_sweep
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Variant, WeightsKind
from models.conversion.parity import Parity
from models.conversion.pipeline import Converted
from models.weights.weights import Weights
from protos.device import DeviceProfile
from protos.fleet import Hello, Lease, Measured, Report
from protos.runtimes import Runtime, RuntimeInfo
from tests.measured import repetition_of

RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
REPETITIONS = 3
WEIGHTS = Weights(WeightsKind.SYNTHETIC, "simulated", "d" * 64, "nobody's", None, None)


def hello(number: int) -> Hello:
    """What the agent of this number says first."""
    profile = DeviceProfile(
        architecture="x86_64", runtimes=(RUNTIME,), logical_cores=256, hostname="elsewhere"
    )
    name = f"simulated-{number:05}"
    return Hello(device_id=f"id-of-{name}", name=name, labels={}, profile=profile)


def enrol_devices(database: Database, count: int) -> None:
    """Remembers so many devices."""
    store_catalog(database, load_catalog())
    for number in range(count):
        enrol(database, hello(number), now_unix_ms=0)


def ids_of(count: int) -> frozenset[str]:
    """The ids of the first agents, so many."""
    return frozenset(hello(number).device_id for number in range(count))


def plan(
    database: Database,
    device_ids: frozenset[str],
    threads: int,
    batches: int,
    repetitions: int = REPETITIONS,
) -> tuple[SweepSpec, Plan]:
    """A sweep of threads x batches jobs on each device, each of so many repetitions."""
    spec = SweepSpec(
        backbones=("MobileNetV1",),
        devices=(),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=tuple(range(1, threads + 1)),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=repetitions,
        most_repetitions=repetitions,
        relative_half_width=0.02,
        time_budget_ms=1_000,
        batches=tuple(range(1, batches + 1)),
    )
    known = [
        device for device in list_devices(database, device_ids) if device.device_id in device_ids
    ]
    return spec, plan_sweep(spec, known, load_catalog())


def start(database: Database, spec: SweepSpec, planned: Plan) -> str:
    """Starts a sweep whose artifacts nobody fetches; gives its id."""
    sweep_id = create_sweep(database, spec, planned.jobs, now_unix_ms=0)
    for variant in jobs.waiting_variants(database, sweep_id, jobs.Role.CANDIDATE):
        key = _store_artifact(database, variant)
        jobs.queue_jobs(database, sweep_id, jobs.Role.CANDIDATE, variant, key)
    set_phase(database, sweep_id, SweepPhase.MEASURING, now_unix_ms=0)
    return sweep_id


def report_of(lease: Lease, rng: np.random.Generator) -> Report:
    """What an agent reports of a lease that it has just got."""
    now_ms = time.time_ns() // 1_000_000
    samples = tuple((5_000_000 + 10_000 * rng.standard_normal(50)).astype(int).tolist())
    return Report(
        attempt_id=lease.attempt_id,
        job_id=lease.job_id,
        started_at_unix_ms=now_ms,
        ended_at_unix_ms=now_ms,
        measured=Measured(runtime=RUNTIME, repetition=repetition_of(samples)),
    )


def _store_artifact(database: Database, variant: Variant) -> str:
    digest = hashlib.sha256(repr(variant).encode()).hexdigest()
    parity = Parity(
        max_relative_difference=1e-6,
        tolerance=1e-4,
        input_count=4,
        checked_through=CheckedThrough.OWN_FORMAT,
    )
    converted = Converted(
        variant=variant,
        conversion_key=digest,
        weights=WEIGHTS,
        path=Path("unused"),
        sha256=digest,
        size_bytes=10,
        parity=parity,
        tool_versions={},
        seconds=1.0,
    )
    return record_artifact(database, converted, now_unix_ms=0).conversion_key
