"""Seeded images of noise with structure at several scales, as photographs have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from protos.inputs import ConstantInput, ElementType, ImageSize, Layout, NetworkInput

_GRIDS = (1, 4, 16, 64)
# Of numbers of 8 bits, which images of bytes have.
_MIDDLE, _LARGEST = 128, 255
_SPREAD = 48


def noise_images(
    count: int, size: ImageSize, seed: int, channels: int = 3
) -> npt.NDArray[np.float32]:
    """Return images of unit variance, shaped (count, channels, height, width).

    White noise alone gives every image nearly the same averaged features, so that a batch norm
    after a global pooling would divide by a deviation near zero. Coarse grids make the images
    differ from one another, like photographs do.

    Args:
        count: images.
        size: of each.
        seed: of `numpy.random.default_rng`; the same seed gives the same bytes.
        channels: of each.
    """
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((count, channels, size.height, size.width))
    for grid in _GRIDS:
        coarse = rng.standard_normal((count, channels, grid, grid))
        rows = np.arange(size.height) * grid // size.height
        columns = np.arange(size.width) * grid // size.width
        image += coarse[:, :, rows][:, :, :, columns]
    unit: npt.NDArray[np.float32] = (image / np.sqrt(1 + len(_GRIDS))).astype(np.float32)
    return unit


def noise_inputs(count: int, takes: NetworkInput, seed: int) -> npt.NDArray[Any]:
    """Return what a network takes, `count` times, shaped (count, *takes.shape).

    Bytes have their mean at 128 and a deviation of 48, cut off at 0 and 255.
    """
    kind = takes.kind
    images = noise_images(count * takes.batch, takes.size, seed, kind.channels)
    if kind.layout is Layout.NHWC:
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if kind.element_type is ElementType.UINT8:
        images = np.clip(np.rint(_MIDDLE + _SPREAD * images), 0, _LARGEST)
    return images.reshape(count, *takes.shape).astype(kind.element_type.value)


def constant_arrays(constants: Iterable[ConstantInput], batch: int) -> dict[str, npt.NDArray[Any]]:
    """Return what a network is given besides images, by name."""
    return {
        each.name: np.ascontiguousarray(
            np.broadcast_to(
                np.array(each.values, each.element_type.value).reshape(each.shape),
                each.shape_for(batch),
            )
        )
        for each in constants
    }
