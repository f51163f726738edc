"""What ranking needs of a measurement beside what it is of, as arrays have it."""

from typing import Final

import numpy as np

from controller.domain.measurements import Verdict
from controller.domain.rankings.rows import PEAKS, TIMES

ID_BYTES: Final = 32
"""The longest id of a measurement."""
VERDICT_CODES: Final = {each.value: place for place, each in enumerate(Verdict)}
"""The code of each verdict."""
FIGURE_ROW: Final = np.dtype(
    [
        ("measurement_id", f"S{ID_BYTES}"),
        ("candidate_id", "<i8"),
        ("verdict", "<i8"),
        *((name, "<f8") for name in (*TIMES, *PEAKS)),
        ("committed_at_unix_ms", "<i8"),
        ("position", "<i8"),
        ("id_place", "<i8"),
    ]
)
"""A measurement of one device: figures that are not known are NaN, the moment is the controller's,
and `id_place` is the place of its id among those of all rows, by the alphabet."""
