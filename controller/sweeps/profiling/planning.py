"""What a person asks to be profiled, as the one job of a sweep."""

from collections.abc import Sequence
from dataclasses import replace

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import PlannedJob
from controller.domain.profiles import MAX_PROFILE_RUNS, ProfileSpec
from controller.domain.sweeps import SweepSpec
from controller.sweeps.planning import plan_sweep
from controller.sweeps.possible.known_files import NOTHING_KNOWN, KnownFiles
from models.catalog.catalog import Catalog
from protos.runtimes import Runtime

# Three times this, besides starting, is the longest that profiling may take.
_TIME_BUDGET_MS = 60_000
_UNUSED_HALF_WIDTH = 0.02


def plan_profile(
    spec: ProfileSpec,
    known: Sequence[Device],
    catalog: Catalog,
    needs: KnownFiles = NOTHING_KNOWN,
) -> PlannedJob:
    """The one job of a profile.

    Raises:
        EdgerankError: INVALID_INPUT, UNKNOWN_NAME or PRECONDITION, each naming what would do.
    """
    if not 1 <= spec.run_count <= MAX_PROFILE_RUNS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the inferences to profile must be 1 to {MAX_PROFILE_RUNS}, not {spec.run_count}",
        )
    (job,) = plan_sweep(as_sweep(spec), known, catalog, needs).jobs
    if spec.runtime is Runtime.PADDLELITE:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            "Paddle Lite's wheel is built without its profiler (LITE_WITH_PROFILE), and no other "
            f"build of it is read; profile with {Runtime.ONNXRUNTIME.value}",
        )
    return replace(job, settings=replace(job.settings, profile_runs=spec.run_count))


def as_sweep(spec: ProfileSpec) -> SweepSpec:
    """The sweep of one job that a profile is."""
    return SweepSpec(
        backbones=(spec.backbone,),
        devices=(spec.device,),
        runtimes=(spec.runtime,),
        threads=(spec.threads,),
        weights=spec.weights,
        fewest_repetitions=1,
        most_repetitions=1,
        relative_half_width=_UNUSED_HALF_WIDTH,
        time_budget_ms=_TIME_BUDGET_MS,
        precisions=() if spec.precision is None else (spec.precision,),
        input_sizes=() if spec.input_size is None else (spec.input_size,),
        batches=() if spec.batch is None else (spec.batch,),
        cores=spec.cores,
        flush_denormals=spec.flush_denormals,
        # Another runtime is refused, whatever ONNX Runtime would be told.
        onnxruntime=spec.onnxruntime if spec.runtime is Runtime.ONNXRUNTIME else None,
        gate=spec.gate,
    )
