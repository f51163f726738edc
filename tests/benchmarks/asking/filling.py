"""A controller's database with as many measurements as wanted, put into it in bulk.

Figures are drawn from a seed; everything else is as sweeps leave it: jobs, artifacts, repetitions
with their samples, and which measurement of each candidate is the newest. What one device has is
written as the controller writes it; the others have the same rows with figures of their own.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Table, insert

from controller.domain.jobs import JobState
from controller.domain.measurements import (
    LatencyFigures,
    MemoryFigures,
    OutputFigures,
    Verdict,
)
from controller.domain.rankings.rows import PEAKS, TIMES
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, open_database
from controller.state.devices import enrol
from controller.state.measurements.figures import keep_figures
from controller.state.schema import (
    artifacts,
    candidates,
    jobs,
    measurements,
    repetitions,
    sweep_counts,
    sweeps,
)
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.device import DeviceProfile
from protos.fleet import Hello
from protos.inputs import NetworkInput
from protos.measuring import MeasureSettings, StopReason
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.benchmarks.asking.multiplying import multiply
from tests.measured import repetition_of

DEVICES: Final = 200
BACKBONES: Final = 350
SAMPLES: Final = 50
SWEEP: Final = "5" * 12
RUNTIMES: Final = (
    RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2"),
    RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.14rc0"),
)
FILE_OF: Final[Mapping[Runtime, tuple[Format, Target]]] = {
    Runtime.ONNXRUNTIME: (Format.ONNX, Target.ANY),
    Runtime.PADDLELITE: (Format.PADDLELITE, Target.ARM),
}
THREADS: Final = (1, 2, 3, 4)
PRECISIONS: Final = (Precision.FP32, Precision.FP16)
_REASONS: Final = {
    Verdict.OK: (reason(ReasonCode.ONE_PROCESS),),
    Verdict.WIDE: (reason(ReasonCode.SAMPLES_SPREAD, reached=0.025, wanted=0.02),),
}
# Rows put in together.
_AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class Thing:
    """What is measured on each device."""

    backbone: Backbone
    runtime: Runtime
    threads: int
    precision: Precision

    @property
    def key(self) -> str:
        """Of its artifact."""
        return f"{self.backbone.name}-{self.runtime.value}-{self.precision.value}"


def device_name(number: int) -> str:
    """The name of the device of this number."""
    return f"device-{number:03}"


def fill(state_dir: Path, count: int, devices: int = DEVICES) -> None:
    """Makes a state of so many measurements, alike many on each device, the last one wide."""
    state_dir.mkdir(parents=True, exist_ok=True)
    database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
    catalog = load_catalog()
    store_catalog(database, catalog)
    for number in range(devices):
        name = device_name(number)
        profile = DeviceProfile(architecture="aarch64", runtimes=RUNTIMES, logical_cores=8)
        hello = Hello(device_id=f"id-of-{name}", name=name, labels={}, profile=profile)
        enrol(database, hello, now_unix_ms=0)
    things = list(itertools.islice(_things(list(catalog)[:BACKBONES]), max(1, count // devices)))
    _put(database, artifacts, _artifacts(things))
    _put_sweep(database, count)
    rng = np.random.default_rng(7)
    numbers = {thing: number for number, thing in enumerate(things, 1)}
    _put(
        database,
        candidates,
        (
            _said_of(thing) | {"candidate_id": number, "made_of": thing.key}
            for thing, number in numbers.items()
        ),
    )
    of_first = zip(
        *[
            _rows(place, thing, numbers[thing], rng)
            for place, thing in _repeated(things, count // devices)
        ],
        strict=True,
    )
    for table, rows in zip((jobs, measurements, repetitions), of_first, strict=True):
        _put(database, table, rows)
    device_ids = [f"id-of-{device_name(number)}" for number in range(devices)]
    multiply(database, device_ids)
    for each in device_ids:
        keep_figures(database, each)
    database.close()


def _things(backbones: Sequence[Backbone]) -> Iterator[Thing]:
    for threads, precision, runtime in itertools.product(THREADS, PRECISIONS, Runtime):
        if runtime in FILE_OF:
            yield from (Thing(each, runtime, threads, precision) for each in backbones)


def _repeated(things: Sequence[Thing], count: int) -> Iterator[tuple[int, Thing]]:
    """So many, the first ones again where there are fewer."""
    return enumerate(itertools.islice(itertools.cycle(things), count))


def _put(database: Database, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    waiting = iter(rows)
    while some := list(itertools.islice(waiting, _AT_ONCE)):
        with database.writing() as transaction:
            transaction.execute(insert(table), some)


def _artifacts(things: Sequence[Thing]) -> Iterator[dict[str, Any]]:
    for thing in {each.key: each for each in things}.values():
        format_, target = FILE_OF[thing.runtime]
        yield {
            "conversion_key": thing.key,
            "sha256": thing.key.encode().hex().ljust(64, "0")[:64],
            "size_bytes": 10_000_000,
            "backbone": thing.backbone.name,
            "format": format_,
            "precision": thing.precision,
            "target": target,
            "input_size": thing.backbone.input_size,
            "batch": 1,
            "weights": WeightsKind.PRETRAINED,
            "weights_digest": "d" * 64,
            "weights_source": "nobody's",
            "max_relative_difference": 1e-6,
            "parity_tolerance": 1e-4,
            "parity_input_count": 4,
            "checked_through": CheckedThrough.OWN_FORMAT,
            "passes": (),
            "tool_versions": {},
            "seconds": 1.0,
            "created_at_unix_ms": 0,
            "operators": (),
            "output_tolerance": 1e-4,
        }


def _put_sweep(database: Database, count: int) -> None:
    spec = SweepSpec(
        backbones=(),
        devices=(),
        runtimes=(),
        threads=THREADS,
        weights=WeightsKind.PRETRAINED,
        fewest_repetitions=1,
        most_repetitions=1,
        relative_half_width=0.02,
        time_budget_ms=1_000,
    )
    row = {
        "sweep_id": SWEEP,
        "spec": spec,
        "phase": SweepPhase.ENDED,
        "created_at_unix_ms": 0,
        "ended_at_unix_ms": 1,
        "started_by": "",
        "left_out": (),
        "rank": 0,
        "due_unix_ms": 0,
    }
    counted: dict[str, Any] = dict.fromkeys((each.name for each in sweep_counts.c), 0)
    counted |= {"sweep_id": SWEEP, "done": count, "outcomes": count}
    _put(database, sweeps, [row])
    _put(database, sweep_counts, [counted])


def _said_of(thing: Thing) -> dict[str, Any]:
    """What a job says of what it measures."""
    format_, target = FILE_OF[thing.runtime]
    settings = MeasureSettings(
        runtime=thing.runtime,
        threads=thing.threads,
        relative_half_width=0.02,
        time_budget_ms=1_000,
        takes=NetworkInput(size=thing.backbone.input_size),
        input_seed=7,
    )
    return {
        "backbone": thing.backbone.name,
        "format": format_,
        "precision": thing.precision,
        "target": target,
        "input_size": thing.backbone.input_size,
        "batch": 1,
        "settings": settings,
        "is_sentinel": False,
    }


def _rows(
    place: int, thing: Thing, candidate: int, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The job of the first device's thing, how it ended, and its repetition."""
    job_id = f"{0:08x}{place:024x}"
    of_job = {"job_id": job_id, "device_id": f"id-of-{device_name(0)}"}
    of_sweep = {"sweep_id": SWEEP, "position": place, "conversion_key": thing.key}
    job = of_job | _said_of(thing) | of_sweep | {"state": JobState.DONE}
    at_once = thing.backbone.flops_g or 1.0
    median_ms = 10 * at_once / thing.threads**0.8 * float(np.exp(0.2 * rng.standard_normal()))
    latency_ns = tuple(
        (median_ms * (1e6 + 1e4 * rng.standard_normal(SAMPLES))).astype(int).tolist()
    )
    measured = of_job | _ended(place, thing, median_ms) | {"candidate_id": candidate}
    taken = vars(replace(repetition_of(latency_ns), busy_threads=thing.threads))
    repetition = taken | {
        "job_id": job_id,
        "ordinal": 0,
        "runtime_version": "1.23.2",
        "runtime_build": "",
        "affinity": (),
        "taken_at_unix_ms": place,
        "is_suspect": False,
        "waited_ms": 0,
    }
    return job, measured, repetition


def _ended(place: int, thing: Thing, median_ms: float) -> dict[str, Any]:
    latency = _latency(median_ms)
    memory = MemoryFigures(peak_rss_bytes=40_000_000 + place, baseline_rss_bytes=50_000_000)
    verdict = Verdict.WIDE if place % 5 == 0 else Verdict.OK
    return {
        "measurement_id": f"{0:08x}{place:024x}",
        "sweep_id": SWEEP,
        "backbone": thing.backbone.name,
        "position": place,
        "is_newest": True,
        "ordinal": place + 1,
        "device_ordinal": place + 1,
        "verdict": verdict,
        "reasons": _REASONS[verdict],
        "runtime_version": "1.23.2",
        "runtime_build": "a build of some length, as runtimes tell it",
        "busy_threads": thing.threads,
        "affinity": tuple(range(8)),
        "latency": latency,
        "memory": memory,
        **{name: getattr(latency, name) for name in TIMES},
        **{name: getattr(memory, name) for name in PEAKS},
        "outputs": OutputFigures(
            input_count=4,
            repetition_count=1,
            max_relative_difference=2e-6,
            l2_relative_difference=1e-6,
        ),
        "minutes": (),
        "measured_at_unix_ms": place,
        "committed_at_unix_ms": place * 1_000,
    }


def _latency(median_ms: float) -> LatencyFigures:
    return LatencyFigures(
        median_ms=median_ms,
        low_ms=median_ms * 0.995,
        high_ms=median_ms * 1.005,
        p90_ms=median_ms * 1.02,
        p99_ms=median_ms * 1.05,
        mad_ms=median_ms * 0.01,
        min_ms=median_ms * 0.97,
        first_run_ms=median_ms * 3,
        load_ms=20.0,
        sample_count=SAMPLES,
        repetition_count=1,
        stop_reason=StopReason.PRECISE,
        outlier_count=0,
    )
