"""Exports begin here: what makes their columns is loaded with the first one."""

from controller.domain.measurements import MeasurementFilter
from controller.state.database import Database
from controller.state.measurements.pages import Place


def loaded_stream_after(
    database: Database, wanted: MeasurementFilter, after: Place | None
) -> tuple[bytes, Place | None]:
    """As `stream_after` of `exporting`, which it loads, in the thread of whoever asks."""
    # Arrow takes 36 MB and a tenth of a second, and only exports need it.
    from controller.api.queries.exporting import stream_after  # noqa: PLC0415

    return stream_after(database, wanted, after)
