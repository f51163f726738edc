"""How synthetic weights are made; both their digest and the step that makes them read this."""

from __future__ import annotations

SEED = 0
"""Seed of the initial weights."""

CALIBRATION_IMAGES = (8, 32)
"""Noise images that batch norms take their statistics from, in one batch.

The larger number is for networks whose outputs have no sane scale with the smaller one: a batch
norm behind a global pooling sees one value per image.
"""

CALIBRATION_SEED = 10_000
"""Seed of those images."""

OUTPUT_SCALE_BOUNDS = (1e-3, 1e3)
"""Standard deviation of the outputs within which synthetic weights are accepted.

Below, float32 rounding and denormals take over; above, activations inside are near overflow.
"""

WEIGHT_BOUNDS = (0.5, 1.5)
"""Range of what replaces the constant that a parameter of scales starts as: ones, or a layer
scale's near zero, which would hide whatever a runtime computes wrongly in the branch it scales."""

BIAS_SCALE = 0.02
"""Standard deviation of what replaces zeros, which would hide a bias that a converter drops."""

INVOLUTION_ARCHITECTURES = "RedNet"
"""How the names begin of architectures whose blocks multiply activations with one another.

A squaring in each block makes an image of more contrast than the calibration's end in infinity, so
their kernels are made to depend less on the image, and more on what is the same for all.
"""

INVOLUTION_WEIGHT_SHARE = 0.1
"""Factor on the weights that make an involution's kernel from the image."""

INVOLUTION_BIAS_SCALE = 1.0
"""Standard deviation of what is the same in that kernel for every image."""

SQUEEZING_ARCHITECTURES = "ResNeSt"
"""How the names begin of architectures with batch norms behind a global pooling in every block.

These see one value per image, and few images leave deviations so small that dividing by them
lifts rounding to the height of the outputs.
"""

_IMAGE_COUNTS = " or ".join(map(str, CALIBRATION_IMAGES))

DESCRIPTION = f"seed {SEED}, batch norm calibrated on {_IMAGE_COUNTS} noise images"
"""One phrase for people."""


def calibration_images(architecture: str) -> tuple[int, ...]:
    """Return how many images an architecture is calibrated on, and on how many if that fails."""
    if architecture.startswith(SQUEEZING_ARCHITECTURES):
        return CALIBRATION_IMAGES[1:]
    return CALIBRATION_IMAGES


def peculiarities(architecture: str) -> dict[str, float]:
    """Return the part of the recipe that holds for some architectures only; empty for the rest."""
    if architecture.startswith(SQUEEZING_ARCHITECTURES):
        return {"calibration_images": calibration_images(architecture)[0]}
    if not architecture.startswith(INVOLUTION_ARCHITECTURES):
        return {}
    return {
        "involution_weight_share": INVOLUTION_WEIGHT_SHARE,
        "involution_bias_scale": INVOLUTION_BIAS_SCALE,
    }
