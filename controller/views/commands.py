"""Sweeps as the commands that a person would start them with."""

import shlex
from collections.abc import Iterable, Iterator

from controller.domain.cores import format_cores
from controller.domain.rankings import MOST_BACKBONES, Constraints
from controller.domain.settings import ORDINARY_ONNXRUNTIME
from controller.domain.sweeps import (
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    SweepSpec,
    ordinary_repetitions,
)
from models.catalog.precisions import Precision
from protos.runtimes import OnnxRuntimeOptions


def sweep_command(spec: SweepSpec, constraints: Constraints) -> str:
    """Write the command of a suggested sweep; a whole tier is named as such.

    Options that would say their defaults are left out.
    """
    return shlex.join(["edgerank", "sweep", *_options(spec, constraints)])


def _options(spec: SweepSpec, constraints: Constraints) -> Iterator[str]:
    yield from ("--models", _models(spec, constraints))
    yield from ("--devices", ",".join(spec.devices))
    yield from ("--runtimes", _joined(runtime.value for runtime in spec.runtimes))
    yield from ("--threads", _joined(map(str, spec.threads)))
    if set(spec.precisions) - {Precision.FP32}:
        yield from ("--precisions", _joined(each.value for each in spec.precisions))
    if spec.input_sizes:
        yield from ("--input-size", _joined(map(str, spec.input_sizes)))
    if set(spec.batches) - {1}:
        yield from ("--batch", _joined(map(str, spec.batches)))
    if spec.cores.cpus:
        yield from ("--cores", format_cores(spec.cores.cpus))
    if spec.flush_denormals:
        yield "--flush-denormals"
    if spec.sustained_minutes:
        yield from ("--sustained", f"{spec.sustained_minutes}m")
    yield from _onnxruntime(spec.onnxruntime or ORDINARY_ONNXRUNTIME)
    yield from ("--weights", spec.weights.value)
    yield from _effort(spec)


def _onnxruntime(options: OnnxRuntimeOptions) -> Iterator[str]:
    if options.execution_provider != ORDINARY_ONNXRUNTIME.execution_provider:
        yield from ("--execution-provider", options.execution_provider)
    if options.graph_optimization is not ORDINARY_ONNXRUNTIME.graph_optimization:
        yield from ("--graph-optimization", options.graph_optimization.value)
    if not options.spinning:
        yield "--no-spinning"
    if not options.arena:
        yield "--no-arena"


def _effort(spec: SweepSpec) -> Iterator[str]:
    fewest, most = spec.fewest_repetitions, spec.most_repetitions
    if (fewest, most) != ordinary_repetitions(spec.sustained_minutes):
        yield from ("--repetitions", str(most) if fewest == most else f"{fewest}-{most}")
    if spec.time_ms is not None:
        yield from ("--time", f"{spec.time_ms / 1_000:.10g}s")
    if spec.time_budget_ms != DEFAULT_TIME_BUDGET_MS:
        yield from ("--time-budget", f"{spec.time_budget_ms}ms")
    if spec.relative_half_width != DEFAULT_RELATIVE_HALF_WIDTH:
        yield from ("--precision", f"{spec.relative_half_width * 100:g}%")


def _models(spec: SweepSpec, constraints: Constraints) -> str:
    if len(spec.backbones) > MOST_BACKBONES and constraints.tier is not None:
        return f"tier:{constraints.tier.value}"
    return ",".join(spec.backbones)


def _joined(words: Iterable[str]) -> str:
    return ",".join(words)
