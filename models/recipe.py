"""How synthetic weights are made; both their digest and the step that makes them read this."""

from __future__ import annotations

SEED = 0
"""Seed of the initial weights."""

CALIBRATION_IMAGES = 16
"""Noise images that batch norms take their statistics from, in one batch."""

CALIBRATION_SEED = 10_000
"""Seed of those images."""

OUTPUT_SCALE_BOUNDS = (1e-3, 1e3)
"""Standard deviation of the outputs within which synthetic weights are accepted.

Below, float32 rounding and denormals take over; above, activations inside are near overflow.
"""

DESCRIPTION = f"seed {SEED}, batch norm calibrated on {CALIBRATION_IMAGES} noise images"
"""One phrase for people."""
