"""Newest latencies of a device as what is predicted elsewhere needs them: bounded, and little else.

Of each there is what tells whether it is comparable, which rules outside decide on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from sqlalchemy import RowMapping, bindparam, select

from controller.domain.measurements import Verdict
from controller.state.database import Database
from controller.state.devices.emulators import emulator_told
from controller.state.schema import candidates, devices, measurements
from controller.state.schema.unreadable import first_unreadable, readable
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.measuring import MeasureSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyElsewhere:
    """A latency that a device was measured at, and the memory beside it.

    Attributes:
        device: its name.
        emulator: what computed in its place; empty where nothing did.
        backbone: of what.
        precision: of the artifact.
        target: what the artifact was made for.
        input_size: of the images.
        batch: images of one inference.
        settings: how it was measured.
        verdict: how far it can be trusted.
        median_ms: median latency.
        peak_rss_bytes: peak memory; None where nobody knows.
        committed_at_unix_ms: when it was committed, ms since 1970 UTC.
    """

    device: str
    emulator: str
    backbone: str
    precision: Precision
    target: Target
    input_size: ImageSize
    batch: int
    settings: MeasureSettings
    verdict: Verdict
    median_ms: float
    peak_rss_bytes: int | None
    committed_at_unix_ms: int


def list_latencies(
    database: Database, device_id: str, precisions: Collection[Precision], most: int
) -> list[LatencyElsewhere]:
    """The newest latencies of a device in some precisions and of one image, the oldest first.

    Args:
        database: the controller's.
        device_id: whose.
        precisions: which ones.
        most: at most so many, the first by backbone.
    """
    with database.transaction() as transaction:
        asked = {"of_device": device_id, "in_precisions": list(precisions), "most": most}
        rows = transaction.execute(_NEWEST, asked).mappings().all()
    found = readable("measurement", "measurement_id", rows, _latency)
    return sorted(found, key=attrgetter("committed_at_unix_ms"))


def _latency(row: RowMapping) -> LatencyElsewhere:
    if column := first_unreadable(row.items()):
        raise ValueError(column)
    told = {name: value for name, value in row.items() if name != "measurement_id"}
    told |= {"emulator": str(told["emulator"] or "")}
    found = LatencyElsewhere(**told)
    if not found.median_ms > 0:
        raise ValueError("median_ms")
    return found


_NEWEST: Final = (
    select(
        measurements.c.measurement_id,
        devices.c.name.label("device"),
        emulator_told(),
        measurements.c.backbone,
        *(candidates.c[name] for name in ("precision", "target", "input_size", "batch")),
        candidates.c.settings,
        measurements.c.verdict,
        measurements.c.median_ms,
        measurements.c.peak_rss_bytes,
        measurements.c.committed_at_unix_ms,
    )
    .select_from(measurements)
    .join(devices, devices.c.device_id == measurements.c.device_id)
    .join(candidates, candidates.c.candidate_id == measurements.c.candidate_id)
    .where(
        measurements.c.device_id == bindparam("of_device"),
        measurements.c.is_newest.is_(True),
        # So is each; else SQLite takes an index that has all of a device. No order, likewise.
        measurements.c.backbone >= "",
        measurements.c.median_ms.is_not(None),
        # What no prediction is made of does not count towards the bound.
        candidates.c.precision.in_(bindparam("in_precisions", expanding=True)),
        candidates.c.batch == 1,
        candidates.c.is_sentinel.is_(False),
    )
    .limit(bindparam("most"))
)
