"""The flat columns of an export, and what stands in them: of many measurements together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
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

OWN: Final = (
    *("measurement_id", "job_id", "device", "runtime_version", "runtime_build", "busy_threads"),
    *("verdict", "measured_at_unix_ms", "emulator"),
)
"""Fields of a measurement that are told as they are, and may be of it alone."""
OF_JOB: Final = (
    *("sweep_id", "backbone", "series", "runtime", "format", "precision", "target", "batch"),
    *("threads", "weights", "weights_digest", "artifact_sha256", "artifact_size_bytes"),
    *("max_relative_difference", "checked_through", "top1", "top5", "accuracy_source"),
    *("accuracy_dataset", "params_m", "flops_g", "output_tolerance", "repetitions_wanted"),
)
"""Fields that are told as they are, which jobs of one kind have alike."""
FIGURES: Final = ("latency", "memory", "outputs", "paced", "energy", "delegation")
"""Fields that have figures inside."""

Part: TypeAlias = Mapping[str, Any] | None
"""A document of a part of a measurement; None where there is none."""

# Beginnings of the names of columns, and of which field they are; before what begins alike.
_INSIDE: Final = {
    "paced_latency": "paced",
    **{name: name for name in FIGURES},
    "onnxruntime": "settings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParts:
    """What kinds of jobs have, each list with one of each.

    Attributes:
        plain: by the names of `OF_JOB`.
        settings: documents of what was told; None where nothing was.
        input_sizes: of the images.
        accuracy_sizes: that the accuracies are known at; None for any, or none.
    """

    plain: Mapping[str, Sequence[Any]]
    settings: Sequence[Part]
    input_sizes: Sequence[ImageSize]
    accuracy_sizes: Sequence[ImageSize | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredParts:
    """What many measurements have, each list with one of each.

    Attributes:
        jobs: of their jobs.
        plain: by the names of `OWN`.
        figures: by the names of `FIGURES`, documents.
        affinities: cores that were allowed.
        reasons: in sentences.
    """

    jobs: JobParts
    plain: Mapping[str, Sequence[Any]]
    figures: Mapping[str, Sequence[Part]]
    affinities: Sequence[Sequence[int]]
    reasons: Sequence[str]


def parts_of(measurements: Sequence[Measurement]) -> MeasuredParts:
    """What measurements have, of whole ones."""
    documents = cast(list[dict[str, Any]], [to_document(each) for each in measurements])

    def told(names: Sequence[str]) -> dict[str, Sequence[Any]]:
        return {name: [each[name] for each in documents] for name in names}

    return MeasuredParts(
        jobs=JobParts(
            plain=told(OF_JOB),
            settings=told(["settings"])["settings"],
            input_sizes=[each.input_size for each in measurements],
            accuracy_sizes=[each.accuracy_input_size for each in measurements],
        ),
        plain=told(OWN),
        figures=told(FIGURES),
        affinities=[each.affinity for each in measurements],
        reasons=[sentences(each.reasons) for each in measurements],
    )


def flat_columns(measured: MeasuredParts) -> dict[str, Sequence[Any]]:
    """All columns under the names of `COLUMNS`, in their order."""
    medians = _fields(measured.figures["latency"], "median_ms")
    told = {
        **measured.plain,
        **job_columns(measured.jobs),
        **figure_columns(measured.figures),
        "affinity": list(map(listed, measured.affinities)),
        "reason": measured.reasons,
        "latency_per_image_ms": list(map(per_image_ms, medians, measured.jobs.plain["batch"])),
    }
    return {column: told[column] for column in COLUMNS}


def job_columns(jobs: JobParts) -> dict[str, Sequence[Any]]:
    """The columns of what kinds of jobs have; no cores is every one."""
    plain = dict(jobs.plain)
    return {
        "top1_percent": plain.pop("top1"),
        "top5_percent": plain.pop("top5"),
        **plain,
        **_inside("settings", _fields(jobs.settings, "onnxruntime")),
        "input_height_px": [each.height for each in jobs.input_sizes],
        "input_width_px": [each.width for each in jobs.input_sizes],
        "accuracy_input_height_px": [each and each.height for each in jobs.accuracy_sizes],
        "accuracy_input_width_px": [each and each.width for each in jobs.accuracy_sizes],
        "cores": [each and listed(each["cores"]) for each in jobs.settings],
        "flush_denormals": _fields(jobs.settings, "flush_denormals"),
        "sustained_minutes": [
            0 if each is None else each["sustained_minutes"] for each in jobs.settings
        ],
    }


def figure_columns(figures: Mapping[str, Sequence[Part]]) -> dict[str, Sequence[Any]]:
    """The columns of some of `FIGURES`, but `latency_per_image_ms`, by documents of each."""
    told: dict[str, Sequence[Any]] = {}
    for name, parts in figures.items():
        # The first meter; JSON has all of them.
        told |= _inside(name, _first_meters(parts) if name == "energy" else parts)
        if name == "delegation":
            told |= {f"delegation_{each}": _shares(parts, each) for each in _SHARES}
    return told


def inner_names(name: str) -> dict[str, str]:
    """The columns of a field, each with what it is called inside of the field."""
    return {column: inner for column, (of, _, inner) in _columns_inside().items() if of == name}


def _inside(name: str, parts: Sequence[Part]) -> dict[str, Sequence[Any]]:
    paced = _fields(parts, "latency") if name == "paced" else []
    return {
        column: _fields(paced if begins == "paced_latency" else parts, inner)
        for column, (of, begins, inner) in _columns_inside().items()
        if of == name
    }


@lru_cache(maxsize=1)
def _columns_inside() -> Mapping[str, tuple[str, str, str]]:
    """Of columns the field, how they begin, and what is left of them."""
    found = {}
    for column in COLUMNS.keys() - _DERIVED:
        begins = next((each for each in _INSIDE if column.startswith(f"{each}_")), None)
        if begins is not None:
            found[column] = (_INSIDE[begins], begins, column.removeprefix(f"{begins}_"))
    return found


_SHARES: Final = ("node_share", "time_share")
_DERIVED: Final = {"latency_per_image_ms", *(f"delegation_{each}" for each in _SHARES)}


def _first_meters(energies: Sequence[Part]) -> Sequence[Part]:
    return [
        None
        if each is None
        else {**next(iter(each["meters"]), {}), "was_charging": each["was_charging"]}
        for each in energies
    ]


def _fields(parts: Sequence[Part], name: str) -> list[Any]:
    if not any(parts):
        return [None] * len(parts)
    return [None if each is None else each.get(name) for each in parts]


def _shares(parts: Sequence[Part], name: str) -> list[float | None]:
    """What other providers than the CPU's have of an inference."""

    def share(providers: Iterable[Mapping[str, Any]]) -> float:
        return float(sum(each[name] for each in providers if each["provider"] != CPU_PROVIDER))

    return [None if each is None else share(each["providers"]) for each in parts]


def listed(cores: Iterable[int]) -> str:
    """Cores as a text: 0,1,2."""
    return ",".join(map(str, cores))
