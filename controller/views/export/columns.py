"""The flat columns of an export, and what stands in them: of many measurements together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

from controller.domain.measurements import Measurement, per_image_ms
from controller.views.documents import to_document
from controller.views.reasons import sentences
from protos.inputs import ImageSize
from protos.runtimes import CPU_PROVIDER


class Kind(Enum):
    """What the cells of a column are, by the name that Arrow has for them."""

    TEXT = "string"
    WHOLE = "int64"
    REAL = "float64"
    YES_OR_NO = "bool"


COLUMNS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "measurement_id": Kind.TEXT,
        "sweep_id": Kind.TEXT,
        "job_id": Kind.TEXT,
        "device": Kind.TEXT,
        "backbone": Kind.TEXT,
        "series": Kind.TEXT,
        "runtime": Kind.TEXT,
        "runtime_version": Kind.TEXT,
        "runtime_build": Kind.TEXT,
        "format": Kind.TEXT,
        "precision": Kind.TEXT,
        "target": Kind.TEXT,
        "input_height_px": Kind.WHOLE,
        "input_width_px": Kind.WHOLE,
        "batch": Kind.WHOLE,
        "threads": Kind.WHOLE,
        "busy_threads": Kind.WHOLE,
        "affinity": Kind.TEXT,
        "cores": Kind.TEXT,
        "flush_denormals": Kind.YES_OR_NO,
        "onnxruntime_execution_provider": Kind.TEXT,
        "onnxruntime_graph_optimization": Kind.TEXT,
        "onnxruntime_spinning": Kind.YES_OR_NO,
        "onnxruntime_arena": Kind.YES_OR_NO,
        "weights": Kind.TEXT,
        "weights_digest": Kind.TEXT,
        "artifact_sha256": Kind.TEXT,
        "artifact_size_bytes": Kind.WHOLE,
        "max_relative_difference": Kind.REAL,
        "checked_through": Kind.TEXT,
        "verdict": Kind.TEXT,
        "reason": Kind.TEXT,
        "measured_at_unix_ms": Kind.WHOLE,
        "top1_percent": Kind.REAL,
        "top5_percent": Kind.REAL,
        "accuracy_source": Kind.TEXT,
        "accuracy_dataset": Kind.TEXT,
        "accuracy_input_height_px": Kind.WHOLE,
        "accuracy_input_width_px": Kind.WHOLE,
        "params_m": Kind.REAL,
        "flops_g": Kind.REAL,
        "latency_median_ms": Kind.REAL,
        "latency_low_ms": Kind.REAL,
        "latency_high_ms": Kind.REAL,
        "latency_per_image_ms": Kind.REAL,
        "latency_p90_ms": Kind.REAL,
        "latency_p99_ms": Kind.REAL,
        "latency_mad_ms": Kind.REAL,
        "latency_min_ms": Kind.REAL,
        "latency_first_run_ms": Kind.REAL,
        "latency_load_ms": Kind.REAL,
        "latency_sample_count": Kind.WHOLE,
        "latency_repetition_count": Kind.WHOLE,
        "latency_stop_reason": Kind.TEXT,
        "latency_outlier_count": Kind.WHOLE,
        "memory_peak_rss_bytes": Kind.WHOLE,
        "memory_baseline_rss_bytes": Kind.WHOLE,
        "memory_pss_bytes": Kind.WHOLE,
        "memory_load_peak_rss_bytes": Kind.WHOLE,
        "memory_first_run_peak_rss_bytes": Kind.WHOLE,
        "memory_steady_peak_rss_bytes": Kind.WHOLE,
        "memory_private_dirty_bytes": Kind.WHOLE,
        "memory_anonymous_bytes": Kind.WHOLE,
        "memory_file_backed_bytes": Kind.WHOLE,
        "memory_mapped_artifact_bytes": Kind.WHOLE,
        "memory_least_peak_rss_bytes": Kind.WHOLE,
        "outputs_input_count": Kind.WHOLE,
        "outputs_repetition_count": Kind.WHOLE,
        "outputs_max_relative_difference": Kind.REAL,
        "outputs_l2_relative_difference": Kind.REAL,
        "outputs_top1_agreement": Kind.REAL,
        "output_tolerance": Kind.REAL,
        "sustained_minutes": Kind.WHOLE,
        "paced_fps": Kind.REAL,
        "paced_frame_count": Kind.WHOLE,
        "paced_missed_count": Kind.WHOLE,
        "paced_dropped_count": Kind.WHOLE,
        "paced_missed_share": Kind.REAL,
        "paced_times_back_to_back": Kind.REAL,
        **{
            f"paced_latency_{name}_ms": Kind.REAL
            for name in ("median", "low", "high", "p90", "p99", "mad", "min")
        },
        "delegation_is_full": Kind.YES_OR_NO,
        "delegation_node_share": Kind.REAL,
        "delegation_time_share": Kind.REAL,
        "energy_source": Kind.TEXT,
        "energy_per_inference_mj": Kind.REAL,
        "energy_low_mj": Kind.REAL,
        "energy_high_mj": Kind.REAL,
        "energy_was_charging": Kind.YES_OR_NO,
        "repetitions_wanted": Kind.WHOLE,
        "emulator": Kind.TEXT,
    }
)
"""The flat columns and their kinds; a figure that is not there is empty."""

RAW_COLUMN: Final = "latency_ns"
"""Parquet only: the raw latencies, a list for each repetition; empty where they were not read."""

_GROUPS: Final = ("latency", "memory", "outputs", "paced", "energy", "delegation", "settings")
Part: TypeAlias = Mapping[str, Any] | None
"""A document of a part of a measurement; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredParts:
    """What many measurements have, each list with one of each.

    Attributes:
        plain: by the names of columns, what is told as it is.
        parts: by names of fields, documents of what has fields of its own.
        input_sizes: of the images.
        accuracy_sizes: that the accuracies are known at; None for any, or none.
        affinities: cores that were allowed.
        reasons: in sentences.
    """

    plain: Mapping[str, Sequence[Any]]
    parts: Mapping[str, Sequence[Part]]
    input_sizes: Sequence[ImageSize]
    accuracy_sizes: Sequence[ImageSize | None]
    affinities: Sequence[Sequence[int]]
    reasons: Sequence[str]


PLAIN: Final = (
    *("measurement_id", "sweep_id", "job_id", "device", "backbone", "series", "runtime"),
    *("runtime_version", "runtime_build", "format", "precision", "target", "batch", "threads"),
    *("busy_threads", "weights", "weights_digest", "artifact_sha256", "artifact_size_bytes"),
    *("max_relative_difference", "checked_through", "verdict", "measured_at_unix_ms", "top1"),
    *("top5", "accuracy_source", "accuracy_dataset", "params_m", "flops_g", "output_tolerance"),
    *("repetitions_wanted", "emulator"),
)
"""Fields of a measurement that are told as they are."""


def parts_of(measurements: Sequence[Measurement]) -> MeasuredParts:
    """What measurements have, of whole ones."""
    documents = cast(list[dict[str, Any]], [to_document(each) for each in measurements])
    return MeasuredParts(
        plain={name: [each[name] for each in documents] for name in PLAIN},
        parts={name: [each[name] for each in documents] for name in _GROUPS},
        input_sizes=[each.input_size for each in measurements],
        accuracy_sizes=[each.accuracy_input_size for each in measurements],
        affinities=[each.affinity for each in measurements],
        reasons=[sentences(each.reasons) for each in measurements],
    )


def flat_columns(measured: MeasuredParts) -> dict[str, Sequence[Any]]:
    """Columns under the names of `COLUMNS`.

    Affinity and the cores that were asked for are lists, 0,1,2; no cores is every one.
    """
    parts, plain = dict(measured.parts), measured.plain
    parts["paced_latency"] = _fields(parts["paced"], "latency")
    # The first meter; JSON has all of them.
    energy = [
        None
        if each is None
        else {**next(iter(each["meters"]), {}), "was_charging": each["was_charging"]}
        for each in parts["energy"]
    ]
    told = {
        **plain,
        "input_height_px": [each.height for each in measured.input_sizes],
        "input_width_px": [each.width for each in measured.input_sizes],
        "accuracy_input_height_px": [each and each.height for each in measured.accuracy_sizes],
        "accuracy_input_width_px": [each and each.width for each in measured.accuracy_sizes],
        "affinity": list(map(_listed, measured.affinities)),
        "reason": measured.reasons,
        "cores": [each and _listed(each["cores"]) for each in parts["settings"]],
        "flush_denormals": _fields(parts["settings"], "flush_denormals"),
        "sustained_minutes": [
            0 if each is None else each["sustained_minutes"] for each in parts["settings"]
        ],
        "latency_per_image_ms": [
            per_image_ms(None if each is None else each["median_ms"], batch)
            for each, batch in zip(parts["latency"], plain["batch"], strict=True)
        ],
        "delegation_node_share": _shares(parts["delegation"], "node_share"),
        "delegation_time_share": _shares(parts["delegation"], "time_share"),
        "top1_percent": plain["top1"],
        "top5_percent": plain["top5"],
    }
    groups = {
        "onnxruntime": _fields(parts["settings"], "onnxruntime"),
        "energy": energy,
        **{name: parts[name] for name in ("latency", "memory", "outputs", "delegation")},
        # Before what its name begins with.
        "paced_latency": parts["paced_latency"],
        "paced": parts["paced"],
    }
    return {
        column: told[column] if column in told else _found(column, groups) for column in COLUMNS
    }


def _found(column: str, groups: Mapping[str, Sequence[Part]]) -> Sequence[Any]:
    for name, parts in groups.items():
        if column.startswith(f"{name}_"):
            return _fields(parts, column.removeprefix(f"{name}_"))
    raise KeyError(column)


def _fields(parts: Sequence[Part], name: str) -> list[Any]:
    if not any(parts):
        return [None] * len(parts)
    return [None if each is None else each.get(name) for each in parts]


def _shares(parts: Sequence[Part], name: str) -> list[float | None]:
    """What other providers than the CPU's have of an inference."""

    def share(providers: Iterable[Mapping[str, Any]]) -> float:
        return float(sum(each[name] for each in providers if each["provider"] != CPU_PROVIDER))

    return [None if each is None else share(each["providers"]) for each in parts]


def _listed(cores: Iterable[int]) -> str:
    return ",".join(map(str, cores))
