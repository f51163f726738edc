"""A sweep as its options and the fields of its file say it, which are the same."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Final, TypeAlias

from controller.domain.cores import CoreChoice, Cores, format_cores
from controller.domain.measurements import ORDINARY_ONNXRUNTIME
from controller.domain.sweeps import (
    DEFAULT_GATE,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    SweepSpec,
    ordinary_repetitions,
)
from models.catalog.variants import WeightsKind
from protos.inputs import ImageSize
from protos.measuring import StartGate
from protos.names import EVERY_DEVICE
from protos.runtimes import OnnxRuntimeOptions

Value: TypeAlias = "bool | int | str | list[int | str]"
"""A switch, a value, or several of them."""

NO_LIMIT: Final = "none"


def fields_of(spec: SweepSpec, told: Collection[str] = ()) -> Mapping[str, Value]:
    """What says the same as a sweep, by the names of options without dashes, in their order.

    Args:
        spec: the sweep.
        told: what is said in any case, of devices, threads and weights; all else that would say
            its default is left out.
    """
    return dict(_fields(spec, told))


def _fields(spec: SweepSpec, told: Collection[str]) -> Iterator[tuple[str, Value]]:
    yield from _measured(spec, told)
    yield from _variants(spec)
    yield from _computed(spec)
    if spec.weights is not WeightsKind.PRETRAINED or "weights" in told:
        yield "weights", spec.weights.value
    yield from _effort(spec)
    yield from _gate(spec.gate)
    yield from _among_others(spec)


def _measured(spec: SweepSpec, told: Collection[str]) -> Iterator[tuple[str, Value]]:
    yield "models", list(spec.backbones)
    if spec.devices or "devices" in told:
        yield "devices", list(spec.devices) or [EVERY_DEVICE]
    if spec.runtimes:
        yield "runtimes", [runtime.value for runtime in spec.runtimes]
    if spec.threads != (1,) or "threads" in told:
        yield "threads", list(spec.threads)


def _variants(spec: SweepSpec) -> Iterator[tuple[str, Value]]:
    if spec.precisions:
        yield "precisions", [precision.value for precision in spec.precisions]
    if spec.input_sizes:
        yield "input-size", [_size(size) for size in spec.input_sizes]
    if spec.batches:
        yield "batch", list(spec.batches)


def _computed(spec: SweepSpec) -> Iterator[tuple[str, Value]]:
    if spec.cores != Cores():
        yield "cores", _cores(spec.cores)
    if spec.flush_denormals:
        yield "flush-denormals", True
    if spec.sustained_minutes:
        yield "sustained", f"{spec.sustained_minutes}m"
    if spec.accelerators:
        yield "accelerators", [target.value for target in spec.accelerators]
    if spec.paced_fps:
        yield "paced", f"{_plain(spec.paced_fps)}fps"
    yield from _onnxruntime(spec.onnxruntime or ORDINARY_ONNXRUNTIME)


def _among_others(spec: SweepSpec) -> Iterator[tuple[str, Value]]:
    if spec.name:
        yield "name", spec.name
    if spec.fresh:
        yield "fresh", True
    if spec.priority:
        yield "priority", spec.priority
    if spec.deadline_unix_ms is not None:
        yield "deadline", _moment(spec.deadline_unix_ms)


def _onnxruntime(options: OnnxRuntimeOptions) -> Iterator[tuple[str, Value]]:
    if options.execution_provider != ORDINARY_ONNXRUNTIME.execution_provider:
        yield "execution-provider", options.execution_provider
    if options.graph_optimization is not ORDINARY_ONNXRUNTIME.graph_optimization:
        yield "graph-optimization", options.graph_optimization.value
    if options.spinning is not ORDINARY_ONNXRUNTIME.spinning:
        yield "spinning", options.spinning
    if options.arena is not ORDINARY_ONNXRUNTIME.arena:
        yield "arena", options.arena


def _effort(spec: SweepSpec) -> Iterator[tuple[str, Value]]:
    fewest, most = spec.fewest_repetitions, spec.most_repetitions
    if (fewest, most) != ordinary_repetitions(spec.sustained_minutes):
        yield "repetitions", str(most) if fewest == most else f"{fewest}-{most}"
    if spec.time_ms is not None:
        yield "time", f"{spec.time_ms / 1_000:.10g}s"
    if spec.time_budget_ms != DEFAULT_TIME_BUDGET_MS:
        yield "time-budget", f"{spec.time_budget_ms}ms"
    if spec.relative_half_width != DEFAULT_RELATIVE_HALF_WIDTH:
        yield "precision", _percent(spec.relative_half_width)
    if not spec.sentinel:
        yield "sentinel", False


def _gate(gate: StartGate) -> Iterator[tuple[str, Value]]:
    if gate.max_celsius != DEFAULT_GATE.max_celsius:
        degrees = gate.max_celsius
        yield "max-temperature", NO_LIMIT if degrees is None else f"{_plain(degrees)}C"
    if gate.max_load_by_others != DEFAULT_GATE.max_load_by_others:
        load = gate.max_load_by_others
        yield "max-load", NO_LIMIT if load is None else _percent(load)
    if gate.min_battery_percent != DEFAULT_GATE.min_battery_percent:
        charge = gate.min_battery_percent
        yield "min-battery", NO_LIMIT if charge is None else f"{charge}%"
    if gate.deadline_ms != DEFAULT_GATE.deadline_ms:
        yield "start-deadline", f"{gate.deadline_ms}ms"
    if gate.is_strict:
        yield "strict-start", True


def _cores(cores: Cores) -> str:
    return format_cores(cores.cpus) if cores.choice is CoreChoice.LISTED else cores.choice.value


def _size(size: ImageSize) -> int | str:
    return size.height if size.is_square else str(size)


def _percent(share: float) -> str:
    """Write a share so that the very same number is read: 0.07 as 7%."""
    return f"{_plain(Decimal(repr(share)) * 100)}%"


def _plain(number: float | Decimal) -> str:
    """Write a number without an exponent and without zeros that say nothing."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // 1_000, tz=timezone.utc)
    return moment.replace(microsecond=unix_ms % 1_000 * 1_000).isoformat()
