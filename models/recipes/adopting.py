"""How much memory it takes to run a person's model once, by what it is given."""

from typing import Final

from protos.inputs import ImageSize

# Drawing and keeping the reference inputs: 288 (measured); the rest is for what a network computes
# of them, as 128 channels at half of the size.
_BYTES_PER_PIXEL: Final = 800
_AT_ONCE: Final = 8


def images_bytes(size: ImageSize, batch: int = 1) -> int:
    """Return what its images and what it computes of them take, bytes.

    Args:
        size: of an image.
        batch: images of one inference.
    """
    return _BYTES_PER_PIXEL * size.pixel_count * _AT_ONCE * batch
