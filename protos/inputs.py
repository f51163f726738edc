"""What a network takes: images of a size, and small inputs that stay the same."""

import re
from dataclasses import dataclass
from enum import Enum
from math import isfinite, prod
from typing import Final

MAX_SIDE: Final = 1024
"""Largest height and width of an image, pixels."""

MAX_BATCH: Final = 64
"""Most images of one inference."""

CHANNELS: Final = (1, 3, 4)
"""How many channels an image may have: grey, colour, colour with transparency."""

MAX_CONSTANTS: Final = 4
"""Most inputs of a network that are no image."""

MAX_VALUES: Final = 64
"""Most numbers of one of them."""

MAX_AXES: Final = 16
"""Most axes of one of them."""

_WRITTEN_SIZE: Final = re.compile(
    r"(?P<height>[0-9]{1,5})(?:[x\u00d7](?P<width>[0-9]{1,5}))?", re.I
)
_MAX_NAME_LENGTH: Final = 200
_MAX_CHANNELS: Final = 1024


class Layout(Enum):
    """In which order the axes of an image input stand."""

    NCHW = "NCHW"
    """Batch, channels, height, width."""
    NHWC = "NHWC"
    """Batch, height, width, channels."""


class ElementType(Enum):
    """Kind of number of an input, by the name that NumPy has for it."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    UINT8 = "uint8"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"


IMAGE_TYPES: Final = (ElementType.FLOAT32, ElementType.FLOAT16, ElementType.UINT8)
"""The kinds of number that an image may have."""

_FRACTIONS: Final = (ElementType.FLOAT32, ElementType.FLOAT16)
_LARGEST: Final = {
    ElementType.FLOAT32: 3.4e38,
    ElementType.FLOAT16: 65504.0,
    ElementType.UINT8: 2**8 - 1,
    ElementType.INT32: 2**31 - 1,
    # As many as a float holds one by one, which is how values travel.
    ElementType.INT64: 2**53,
    ElementType.BOOL: 1,
}


@dataclass(frozen=True, order=True)
class ImageSize:
    """Height and width of an image.

    Attributes:
        height: pixels.
        width: pixels.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        """Raise ValueError for a side that no image has here."""
        if not (1 <= self.height <= MAX_SIDE and 1 <= self.width <= MAX_SIDE):
            raise ValueError(f"an image has sides of 1 to {MAX_SIDE} pixels, not {self}")

    @property
    def is_square(self) -> bool:
        """Whether both sides are as long."""
        return self.height == self.width

    @property
    def pixel_count(self) -> int:
        """Height times width."""
        return self.height * self.width

    def __str__(self) -> str:
        """Write 224 for a square, and height x width, 192x48, for any other."""
        return str(self.height) if self.is_square else f"{self.height}x{self.width}"


def square(side: int) -> ImageSize:
    """Return the size of a square image, its side in pixels."""
    return ImageSize(side, side)


def parse_size(text: str) -> ImageSize:
    """Return the size that is written 224, or 192x48 as height x width.

    Raises:
        ValueError: it is none, or a side is out of range.
    """
    # More digits than these are beyond what a side may have.
    found = _WRITTEN_SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size")
    return ImageSize(int(found["height"]), int(found["width"] or found["height"]))


@dataclass(frozen=True, kw_only=True)
class InputValues:
    """What a person says of an input that is no image.

    Attributes:
        name: as the network calls it.
        values: its numbers; the network says of which shape and kind.
    """

    name: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for no values, and for more than a small input has."""
        _check_values(self.name, self.values)


@dataclass(frozen=True, kw_only=True)
class ConstantInput:
    """An input besides the image that has the same values in every inference.

    Attributes:
        name: as the network calls it.
        element_type: kind of its numbers.
        shape: without the axis of images where it has one; empty is a single number.
        values: row by row, the last axis the fastest.
        for_each_image: whether it has a first axis besides, on which each image has these values.
    """

    name: str
    element_type: ElementType
    shape: tuple[int, ...]
    values: tuple[float, ...]
    for_each_image: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for what no input is, and for more than a small one."""
        _check_values(self.name, self.values)
        # Looked at first: a product of thousands of numbers takes minutes.
        if len(self.shape) > MAX_AXES:
            raise ValueError(f"an input has at most {MAX_AXES} axes, and {self.name} more")
        if any(size < 1 for size in self.shape) or prod(self.shape) != len(self.values):
            raise ValueError(f"{self.name} has {len(self.values)} values for another shape")
        for value in self.values:
            if not fits(value, self.element_type):
                raise ValueError(f"{value:g} is no {self.element_type.value} number")

    def shape_for(self, batch: int) -> tuple[int, ...]:
        """Return the shape of all of it where an inference takes so many images."""
        return (batch, *self.shape) if self.for_each_image else self.shape


def _check_values(name: str, values: tuple[float, ...]) -> None:
    if not 1 <= len(name) <= _MAX_NAME_LENGTH:
        raise ValueError(f"the name of an input has 1 to {_MAX_NAME_LENGTH} characters")
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"an input has 1 to {MAX_VALUES} values, and {name} {len(values)}")


def fits(value: float, element_type: ElementType) -> bool:
    """Say whether a kind of number has a value; fractions are rounded, whole numbers are not."""
    if not isfinite(value) or abs(value) > _LARGEST[element_type]:
        return False
    if element_type in _FRACTIONS:
        return True
    is_unsigned = element_type in (ElementType.UINT8, ElementType.BOOL)
    return value == int(value) and not (is_unsigned and value < 0)


@dataclass(frozen=True, kw_only=True)
class InputKind:
    """What a network takes, whatever the size and the number of its images.

    Attributes:
        layout: of the image.
        element_type: of the image: float32, float16 or uint8.
        channels: of the image.
        constants: the other inputs.
    """

    layout: Layout = Layout.NCHW
    element_type: ElementType = ElementType.FLOAT32
    channels: int = 3
    constants: tuple[ConstantInput, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for what nothing here makes an image of, and for too many inputs."""
        if self.element_type not in IMAGE_TYPES or not 1 <= self.channels <= _MAX_CHANNELS:
            raise ValueError(f"no image has {self.channels} channels of {self.element_type.value}")
        if len(self.constants) > MAX_CONSTANTS:
            raise ValueError(f"at most {MAX_CONSTANTS} inputs besides the image")


@dataclass(frozen=True, kw_only=True)
class NetworkInput:
    """What one inference of a network is given.

    Attributes:
        size: of each image, pixels.
        batch: images, at most 64.
        kind: what they are, and the other inputs.
    """

    size: ImageSize
    batch: int = 1
    kind: InputKind = InputKind()

    def __post_init__(self) -> None:
        """Raise ValueError for a batch that no inference has here."""
        if not 1 <= self.batch <= MAX_BATCH:
            raise ValueError(f"an inference has 1 to {MAX_BATCH} images, not {self.batch}")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the images, in the order of their layout."""
        channels, (height, width) = self.kind.channels, (self.size.height, self.size.width)
        if self.kind.layout is Layout.NCHW:
            return (self.batch, channels, height, width)
        return (self.batch, height, width, channels)
