"""A controller's state as that of a small lab: devices, what they measured, what failed there."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state import attempts, jobs, sweeps
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.rounds.counts import read_counts
from controller.sweeps.planning import plan_sweep
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.variants import WeightsKind
from models.weights.weights import Weights
from protos.device import (
    CoreCluster,
    CpuClock,
    DeviceProfile,
    DeviceState,
    Temperature,
)
from protos.fleet import Failure, Hello, Lease, Measured, Report
from protos.measuring import Repetition
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.integration.controller.conftest import store_artifact
from tests.integration.controller.domain_samples import SPEC
from tests.measured import record_report, repetition_of
from tests.processes.states import begun_database

NOON_UNIX_MS: Final = 1_795_608_000_000
INERT: Final = "<script>alert(1)</script>"
"""A device's label that would be a script, were it not text."""
BACKBONES: Final = (
    "PPLCNet_x0_25",
    "PPLCNet_x1_0",
    "PPLCNet_x2_5",
    "MobileNetV1",
    "MobileNetV2",
    "MobileNetV3_small_x1_0",
    "MobileNetV3_large_x1_0",
    "GhostNet_x1_0",
    "ShuffleNetV2_x1_0",
    "EfficientNetB0",
    "ResNet18_vd",
    "ResNet50_vd",
    "PPHGNet_tiny",
    "LeViT_128S",
    "ReXNet_1_0",
)
FAILS: Final = "LeViT_128S"
"""The backbone that crashes everywhere."""
DRIFTS: Final = "pi5"
"""The device that becomes slower one night."""
NIGHTLY: Final = ("MobileNetV2", "GhostNet_x1_0", "PPLCNet_x1_0")
"""What is measured that night."""
NIGHT_UNIX_MS: Final = NOON_UNIX_MS + 12 * 3_600_000
DEVICES: Final = {"pixel-8": 1.4, "pi5": 2.6, "desk": 0.7}
"""The devices, by how slow they are."""
_MS: Final = 1_000_000
_LOOKS: Final = 8
_WEIGHTS: Final = Weights(WeightsKind.PRETRAINED, "MobileNetV1", "d" * 64, "a lab's", None, None)
_RUNTIMES: Final = (
    RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2", build="Release"),
    RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13rc0"),
)


def fill(
    state_dir: Path, *, backbones: Sequence[str] = BACKBONES, measured: int | None = None
) -> str:
    """Write a lab's state into a folder; gives the id of its sweep.

    Args:
        state_dir: of the controller that is to serve it.
        backbones: those that its sweep measures.
        measured: how many repetitions are taken; None for all, so that the sweep has ended.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    database, catalog = begun_database(state_dir), load_catalog()
    for name in DEVICES:
        enrol(database, _hello(name), now_unix_ms=NOON_UNIX_MS)
    spec = replace(
        SPEC,
        backbones=tuple(backbones),
        devices=tuple(DEVICES),
        runtimes=(Runtime.ONNXRUNTIME, Runtime.PADDLELITE),
        weights=WeightsKind.PRETRAINED,
        fewest_repetitions=3,
        most_repetitions=3,
        name="first-look",
        sentinel=True,
    )
    sweep_id = _started(database, catalog, spec, NOON_UNIX_MS)
    _measure(database, catalog, measured)
    if measured is None:
        _end(database, sweep_id)
        nightly = replace(
            spec,
            backbones=NIGHTLY,
            devices=(DRIFTS,),
            threads=(2,),
            fewest_repetitions=8,
            most_repetitions=8,
            name="nightly",
        )
        sweep_of_night = _started(database, catalog, nightly, NIGHT_UNIX_MS)
        _measure(database, catalog, None, from_unix_ms=NIGHT_UNIX_MS, slower_from=36)
        _end(database, sweep_of_night)
    database.close()
    return sweep_id


def _end(database: Database, sweep_id: str) -> None:
    counts = read_counts(database, sweep_id)
    if counts.jobs_ended == sum(counts.jobs.values()):
        sweeps.set_phase(database, sweep_id, SweepPhase.ENDED, NOON_UNIX_MS + 3_600_000)


def _started(database: Database, catalog: Catalog, spec: SweepSpec, at_unix_ms: int) -> str:
    devices = list_devices(database, connected=frozenset(map(_id_of, DEVICES)))
    planned = plan_sweep(spec, devices, catalog).jobs
    sweep_id = create_sweep(database, spec, planned, at_unix_ms)
    for role in jobs.Role:
        for variant in jobs.waiting_variants(database, sweep_id, role):
            key = store_artifact(database, variant, _WEIGHTS)
            jobs.queue_jobs(database, sweep_id, role, variant, key)
    sweeps.set_phase(database, sweep_id, SweepPhase.MEASURING, now_unix_ms=at_unix_ms)
    return sweep_id


def _measure(
    database: Database,
    catalog: Catalog,
    most: int | None,
    *,
    from_unix_ms: int = NOON_UNIX_MS,
    slower_from: int | None = None,
) -> None:
    """Takes turns; from the one of this number on, the device is a third slower."""
    taken = 0
    for place, name in enumerate(DEVICES):
        rng = random.Random(place)
        answer = _answering(name, catalog, rng)
        while most is None or taken < most:
            lease = attempts.lease_next(database, _id_of(name), now_unix_ms=from_unix_ms)
            if lease is None:
                break
            at_ms = from_unix_ms + 20_000 * taken
            slower = 1.35 if slower_from is not None and taken >= slower_from else 1.0
            report = answer(lease, at_ms, slower)
            record_report(database, _id_of(name), report, now_unix_ms=at_ms)
            taken += 1


def _answering(
    device: str, catalog: Catalog, rng: random.Random
) -> Callable[[Lease, int, float], Report]:
    def answer(lease: Lease, at_unix_ms: int, slower: float) -> Report:
        bare = Report(
            attempt_id=lease.attempt_id,
            job_id=lease.job_id,
            started_at_unix_ms=at_unix_ms,
            ended_at_unix_ms=at_unix_ms + 9_000,
        )
        if lease.backbone == FAILS:
            why = reason(ReasonCode.CRASHED, {"detail": "SIGSEGV"})
            return replace(bare, failure=Failure(reasons=(why,)))
        flops = catalog.get(lease.backbone).flops_g or 1.0
        is_lite = lease.settings.runtime is Runtime.PADDLELITE
        level_ms = DEVICES[device] * 9 * flops**0.8 * (1.25 if is_lite else 1.0) * slower
        known = next(each for each in _RUNTIMES if each.runtime is lease.settings.runtime)
        measured = Measured(
            runtime=known, repetition=_repetition(level_ms, at_unix_ms, rng), affinity=(0, 1)
        )
        return replace(bare, measured=measured)

    return answer


def _repetition(level_ms: float, at_unix_ms: int, rng: random.Random) -> Repetition:
    level_ms *= rng.gauss(1, 0.004)
    samples = tuple(
        round(level_ms * _MS * (1 + abs(rng.gauss(0, 0.012)) + (0.2 if rng.random() < 0.01 else 0)))
        for _ in range(160)
    )
    taken = repetition_of(samples)
    run_ms = (sum(taken.warmup_ns) + sum(samples)) / _MS
    states = tuple(
        _state(at_unix_ms + round(run_ms * place / _LOOKS), place, rng)
        for place in range(_LOOKS + 1)
    )
    return replace(taken, before=states[0], during=states[1:-1], after=states[-1])


def _state(at_unix_ms: int, place: int, rng: random.Random) -> DeviceState:
    return DeviceState(
        taken_at_unix_ms=at_unix_ms,
        clocks=(CpuClock(cpu=0, governor="schedutil", frequency_khz=2_400_000),),
        temperatures=(
            Temperature(zone="cpu-thermal", celsius=round(41 + place * 0.6 + rng.random(), 1)),
        ),
        load_by_others=0.02,
    )


def _id_of(name: str) -> str:
    return f"id-of-{name}"


def _hello(name: str) -> Hello:
    profile = DeviceProfile(
        architecture="aarch64" if name != "desk" else "x86_64",
        cpu_model={"pixel-8": "Google Tensor G3", "pi5": "Cortex-A76", "desk": "Ryzen 7 5700G"}[
            name
        ],
        runtimes=_RUNTIMES,
        logical_cores=8,
        memory_bytes=8_260_000_000,
        hostname=name,
        operating_system="Debian GNU/Linux 12 (bookworm)",
        kernel="Linux 6.6.31",
        agent_version="0.1.0",
        instruction_sets=("asimd", "asimddp"),
        clusters=(CoreCluster(cpus=(0, 1, 2, 3), capacity=1_024, max_frequency_khz=2_400_000),),
    )
    return Hello(
        device_id=_id_of(name),
        name=name,
        labels={"room": "lab", "note": INERT},
        profile=profile,
        held_attempt_ids=(),
    )
