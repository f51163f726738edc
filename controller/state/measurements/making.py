"""Whole measurements, made of rows: of what jobs of a kind have alike, and of each one's own."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping

from controller.domain.measurements import Measurement, per_image_ms
from controller.state.measurements.recording import CONCLUDED, Conclusion
from controller.state.schema.columns import Unreadable
from controller.state.schema.unreadable import finite
from models.catalog.own import OWN_SERIES
from models.catalog.variants import CheckedThrough, WeightsKind
from protos.measuring import MeasureSettings, Repetition

OWN: Final = ("measurement_id", "sweep_id", "job_id", "device", "emulator")
"""Columns that each measurement has of its own, beside those that tell how it ended."""
_AS_STORED: Final = (
    *("backbone", "format", "precision", "target", "input_size", "batch", "settings"),
    "repetitions_wanted",
)
# 30,000 years.
_LONGEST_MS: Final = 1e15


def concluded(
    row: RowMapping, told: Mapping[str, Any], raw: tuple[Repetition, ...] = ()
) -> Measurement:
    """The measurement of a row with the columns of `OWN` and `CONCLUDED`.

    Args:
        row: of it.
        told: what `told_of_job` says of its job, or of another one of its kind.
        raw: its raw samples, where they are wanted.
    """
    own = {name: row[name] for name in (*OWN, *CONCLUDED)}
    own |= {"emulator": str(own["emulator"] or ""), "repetitions": raw}
    return _whole(told, own)


def measurement_of(
    row: RowMapping, conclusion: Conclusion, dataset: str, *, measurement_id: str
) -> Measurement:
    """A job's measurement without its raw samples, by its row of `beside_accuracy`."""
    own = {name: row[name] for name in OWN if name != "measurement_id"}
    own |= {"measurement_id": measurement_id, "emulator": str(row["emulator"] or "")}
    return _whole(told_of_job(row, dataset), own | vars(conclusion))


def _whole(told: Mapping[str, Any], own: Mapping[str, Any]) -> Measurement:
    latency = own["latency"]
    if latency is not None and not are_times(latency.median_ms, latency.low_ms, latency.high_ms):
        raise ValueError("latency")
    one_image_ms = per_image_ms(latency.median_ms if latency else None, told["batch"])
    return Measurement(**told, **own, latency_per_image_ms=one_image_ms)


def told_of_job(row: RowMapping, dataset: str) -> dict[str, Any]:
    """What a row of `beside_accuracy` tells, by the fields of a measurement.

    All jobs tell the same that measure one candidate in one sweep.
    """
    settings: MeasureSettings = row["settings"]
    top1_size, holding = row["top1_input_size"], (None, row["input_size"])
    is_of_size = top1_size in holding
    return {
        **{name: row[name] for name in _AS_STORED},
        "series": row["series"] or "",
        "runtime": settings.runtime,
        "threads": settings.threads,
        "weights": weights_inside(
            row["series"], row["weights"], row["weights_asked"], WeightsKind.OWN
        ),
        "weights_digest": row["weights_digest"] or "",
        "artifact_sha256": row["sha256"] or "",
        "artifact_size_bytes": row["size_bytes"] or 0,
        "max_relative_difference": finite(row["max_relative_difference"]) or 0.0,
        "checked_through": row["checked_through"] or CheckedThrough.NOTHING,
        "top1": finite(row["top1"]) if is_of_size else None,
        "top5": finite(row["top5"]) if row["top5_input_size"] in holding else None,
        "accuracy_source": str(row["accuracy_source"] or "") if is_of_size else "",
        "params_m": finite(row["params_m"]),
        "flops_g": finite(row["flops_g"]),
        # Of an accuracy that cannot be read nothing is known.
        "accuracy_input_size": None if isinstance(top1_size, Unreadable) else top1_size,
        "accuracy_dataset": dataset,
        "output_tolerance": finite(row["output_tolerance"]),
    }


def are_times(median_ms: float, low_ms: float, high_ms: float) -> bool:
    """Whether there are ratios of them, and logarithms."""
    return 0 < median_ms < _LONGEST_MS and 0 < low_ms < _LONGEST_MS and 0 < high_ms < _LONGEST_MS


def weights_inside(series: str | None, inside: Any, asked: Any, own: Any) -> Any:
    """Of which weights a measurement is: members or their values, as they are given.

    Args:
        series: of the backbone; what people brought has weights of its own.
        inside: those of the artifact.
        asked: those of the sweep, of a job whose conversion was refused, which has no artifact.
        own: `WeightsKind.OWN`, or its value.
    """
    return own if series == OWN_SERIES else inside or asked
