"""Seeded images of noise with structure at several scales, as photographs have it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_GRIDS = (1, 4, 16, 64)


def noise_images(count: int, input_size: int, seed: int) -> npt.NDArray[np.float32]:
    """Return images of unit variance, shaped (count, 3, input_size, input_size).

    White noise alone gives every image nearly the same averaged features, so that a batch norm
    after a global pooling would divide by a deviation near zero. Coarse grids make the images
    differ from one another, like photographs do.

    Args:
        count: images.
        input_size: height and width, pixels.
        seed: of `numpy.random.default_rng`; the same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((count, 3, input_size, input_size))
    for grid in _GRIDS:
        coarse = rng.standard_normal((count, 3, grid, grid))
        index = np.arange(input_size) * grid // input_size
        image += coarse[:, :, index][:, :, :, index]
    unit: npt.NDArray[np.float32] = (image / np.sqrt(1 + len(_GRIDS))).astype(np.float32)
    return unit
