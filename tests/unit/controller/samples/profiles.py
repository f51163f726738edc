"""A profile that tests share."""

from controller.domain.profiles import OperatorProfile
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, WeightsKind
from protos.inputs import NetworkInput, square
from protos.measuring import LayerTime, MeasureSettings, OperatorTimes, StartGate
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime


def layer(name: str, operator: str, *median_us: int, calls: int = 2) -> LayerTime:
    """A layer of two inferences, with one duration for both."""
    (duration_us,) = median_us
    return LayerTime(
        name=name,
        operator=operator,
        execution_provider="CPUExecutionProvider",
        call_count=calls,
        total_ns=2_000 * duration_us,
        median_ns=1_000 * duration_us,
        output_shapes=("1x8x4x4",),
    )


def times(*layers: LayerTime) -> OperatorTimes:
    """Two inferences of 1 ms, or of 0.5 ms with the profiler off."""
    return OperatorTimes(
        run_count=2,
        total_ns=2_000_000,
        run_median_ns=1_000_000,
        unprofiled_run_median_ns=500_000,
        layers=layers,
    )


PROFILE = OperatorProfile(
    profile_id="0a1b2c3d4e5f",
    device="pc",
    backbone="MobileNetV1",
    runtime=Runtime.ONNXRUNTIME,
    runtime_version="1.23.2",
    runtime_build="Release",
    format=Format.ONNX,
    precision=Precision.FP32,
    target=Target.ANY,
    input_size=square(224),
    batch=1,
    threads=2,
    weights=WeightsKind.SYNTHETIC,
    weights_digest="5f" * 32,
    artifact_sha256="a7" * 32,
    affinity=(0, 1),
    profiled_at_unix_ms=1_764_000_000_000,
    times=times(
        layer("stem", "Conv", 100),
        layer("loop", "Conv", 200, calls=6),
        layer("head", "Gemm", 50),
        layer("[bold]flat[/]", "Flatten", 0),
    ),
    settings=MeasureSettings(
        runtime=Runtime.ONNXRUNTIME,
        threads=2,
        relative_half_width=0.02,
        time_budget_ms=60_000,
        takes=NetworkInput(size=square(224)),
        input_seed=0,
        cores=(0, 1),
        onnxruntime=OnnxRuntimeOptions(graph_optimization=GraphOptimization.BASIC, arena=False),
        gate=StartGate(max_celsius=60, deadline_ms=60_000),
        profile_runs=2,
    ),
)
