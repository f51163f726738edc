"""What ranking needs of a measurement, without the rest: there are thousands on a device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final

from controller.domain.measurements import Measurement
from models.catalog.variants import Target
from protos.measuring import MeasureSettings

TIMES: Final = ("median_ms", "low_ms", "high_ms", "p90_ms", "p99_ms")
"""Figures of `LatencyFigures` that measurements are ranked by."""
PEAKS: Final = ("peak_rss_bytes", "least_peak_rss_bytes")
"""Figures of `MemoryFigures` that they are ranked by."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CandidateTable:
    """What all measurements of a candidate have alike, as ranking needs it, a column a field.

    Enums are told by their values, as a database has them.

    Attributes:
        backbone: its name.
        series: its family.
        weights: of `WeightsKind`, where those inside the artifact come from.
        format: of `Format`.
        precision: of `Precision`.
        target: of `Target`; what tells one from another is only whether it is an accelerator.
        input_size: height and width, as 224x224.
        batch: images of one inference.
        settings: everything that its repetitions were told; None is unknown.
        runtime: of `Runtime`.
        threads: that the runtime was told to use.
        top1: percent; None where it is not known.
        params_m: millions of parameters; None where they are not known.
        artifact_size_bytes: size of the artifact, bytes.
    """

    backbone: Sequence[str]
    series: Sequence[str]
    weights: Sequence[str]
    format: Sequence[str]
    precision: Sequence[str]
    target: Sequence[str]
    input_size: Sequence[str]
    batch: Sequence[int]
    settings: Sequence[MeasureSettings | None]
    runtime: Sequence[str]
    threads: Sequence[int]
    top1: Sequence[float | None]
    params_m: Sequence[float | None]
    artifact_size_bytes: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FigureTable(CandidateTable):
    """Measurements of one device as ranking needs them, a column a field, the oldest first.

    Attributes:
        measurement_id: unique id.
        verdict: of `Verdict`.
        is_emulated: whether something computed in the device's place.
        median_ms: as in `LatencyFigures`; None where there are no figures.
        low_ms: likewise.
        high_ms: likewise.
        p90_ms: likewise.
        p99_ms: likewise.
        peak_rss_bytes: as in `MemoryFigures`; None where there are none.
        least_peak_rss_bytes: likewise; None where it is not known.
    """

    measurement_id: Sequence[str]
    verdict: Sequence[str]
    is_emulated: Sequence[bool]
    median_ms: Sequence[float | None]
    low_ms: Sequence[float | None]
    high_ms: Sequence[float | None]
    p90_ms: Sequence[float | None]
    p99_ms: Sequence[float | None]
    peak_rss_bytes: Sequence[int | None]
    least_peak_rss_bytes: Sequence[int | None]


ACCELERATORS: Final = frozenset(each.value for each in Target if each.is_accelerator)
"""Values of the targets that are no processor."""


_NAMES: Final = tuple(field.name for field in fields(FigureTable))


def table_of(measurements: Iterable[Measurement]) -> FigureTable:
    """Measurements of one device as ranking needs them."""
    rows = [_row(each) for each in measurements]
    columns = list(zip(*rows, strict=True)) or [()] * len(_NAMES)
    return FigureTable(**dict(zip(_NAMES, columns, strict=True)))


def _row(measurement: Measurement) -> tuple[object, ...]:
    latency, memory = measurement.latency, measurement.memory
    return (
        measurement.backbone,
        measurement.series,
        measurement.weights.value,
        measurement.format.value,
        measurement.precision.value,
        measurement.target.value,
        f"{measurement.input_size.height}x{measurement.input_size.width}",
        measurement.batch,
        measurement.settings,
        measurement.runtime.value,
        measurement.threads,
        measurement.top1,
        measurement.params_m,
        measurement.artifact_size_bytes,
        measurement.measurement_id,
        measurement.verdict.value,
        bool(measurement.emulator),
        *[None if latency is None else getattr(latency, name) for name in TIMES],
        *[None if memory is None else getattr(memory, name) for name in PEAKS],
    )
