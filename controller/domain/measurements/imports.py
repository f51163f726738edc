"""What another controller measured: where it comes from, and when it is the same measurement."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from controller.domain.measurements import Measurement

MOST_MEASUREMENTS: Final = 100_000
"""Of one import; more come in parts, and what came before is known then."""

LARGEST_BYTES: Final = 16_000_000
"""Of one measurement as a message: some five repetitions with every sample that is kept.

Where people have a port of their own, gRPC takes less there before anybody knows who they are.
"""


@dataclass(frozen=True, kw_only=True)
class ImportHeader:
    """Where measurements come from.

    Attributes:
        origin: the name of the controller that measured.
        file_name: of the file that they came in.
        file_sha256: its digest, lower-case hex.
    """

    origin: str
    file_name: str
    file_sha256: str


@dataclass(frozen=True, kw_only=True)
class ImportDone:
    """What became of an import.

    Attributes:
        import_id: unique id.
        added_count: measurements that were taken in.
        known_count: those that were here already.
        without_figures_count: those that have no samples to derive figures from: failed ones.
        devices: the names that the devices have here.
    """

    import_id: str
    added_count: int
    known_count: int
    without_figures_count: int
    devices: tuple[str, ...]


def content_digest(measurement: Measurement) -> str:
    """SHA-256 over what was measured: the same wherever it is kept, and under whatever ids.

    It is of the backbone, the artifact's digest, batch, runtime with its version, threads, the
    moment by the device's clock, and every raw latency. Names of devices, which people change, and
    figures, which are derived, are no part of it.
    """
    content = {
        "backbone": measurement.backbone,
        "artifact_sha256": measurement.artifact_sha256,
        "batch": measurement.batch,
        "runtime": measurement.runtime.value,
        "runtime_version": measurement.runtime_version,
        "threads": measurement.threads,
        "measured_at_unix_ms": measurement.measured_at_unix_ms,
        "latency_ns": [each.latency_ns for each in measurement.repetitions],
    }
    spelt = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelt.encode("utf-8")).hexdigest()
