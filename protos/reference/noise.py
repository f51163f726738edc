"""Seeded images of noise with structure at several scales, as photographs have it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from protos.inputs import ElementType, ImageSize, Layout, NetworkInput

REFERENCE_INPUTS: Final = 4
"""How many inputs outputs are compared on wherever an artifact is measured."""

REFERENCE_SEED: Final = 20_000

_GRIDS: Final = (1, 4, 16, 64)
# Of numbers of 8 bits, which images of bytes have.
_MIDDLE, _LARGEST = 128, 255
_SPREAD: Final = 48


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
    fine = rng.standard_normal((count, channels, size.height, size.width))
    return _mixed(fine, _coarse(rng, count, channels))


def noise_inputs(count: int, takes: NetworkInput, seed: int) -> npt.NDArray[Any]:
    """Return what a network takes, `count` times, shaped (count, *takes.shape).

    Bytes have their mean at 128 and a deviation of 48, cut off at 0 and 255.
    """
    images = noise_images(count * takes.batch, takes.size, seed, takes.kind.channels)
    return _as_taken(images, takes).reshape(count, *takes.shape)


def reference_inputs(takes: NetworkInput) -> Iterator[npt.NDArray[Any]]:
    """Give the inputs that outputs are compared on, one after the other.

    They are those of `noise_inputs`; what stays in memory is one of them.
    """
    count, channels = REFERENCE_INPUTS * takes.batch, takes.kind.channels
    image = (channels, takes.size.height, takes.size.width)
    rng = np.random.default_rng(REFERENCE_SEED)
    # The first image already needs what is drawn behind the fine noise of all.
    for _ in range(count):
        rng.standard_normal(image)
    coarse = _coarse(rng, count, channels)
    again = np.random.default_rng(REFERENCE_SEED)
    for start in range(0, count, takes.batch):
        fine = again.standard_normal((takes.batch, *image))
        those = [grid[start : start + takes.batch] for grid in coarse]
        yield _as_taken(_mixed(fine, those), takes)


def _coarse(rng: np.random.Generator, count: int, channels: int) -> list[npt.NDArray[np.float64]]:
    return [rng.standard_normal((count, channels, grid, grid)) for grid in _GRIDS]


def _mixed(
    fine: npt.NDArray[np.float64], coarse: Iterable[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float32]:
    """Lay coarse grids over fine noise, which is lost."""
    height, width = fine.shape[2:]
    for each in coarse:
        grid = each.shape[-1]
        rows = np.arange(height) * grid // height
        columns = np.arange(width) * grid // width
        fine += each[:, :, rows][:, :, :, columns]
    unit: npt.NDArray[np.float32] = (fine / np.sqrt(1 + len(_GRIDS))).astype(np.float32)
    return unit


def _as_taken(images: npt.NDArray[np.float32], takes: NetworkInput) -> npt.NDArray[Any]:
    kind = takes.kind
    if kind.layout is Layout.NHWC:
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if kind.element_type is ElementType.UINT8:
        images = np.clip(np.rint(_MIDDLE + _SPREAD * images), 0, _LARGEST)
    return images.astype(kind.element_type.value)
