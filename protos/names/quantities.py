"""Quantities as people write them: a number with a unit."""

import math
import re
from collections.abc import Mapping
from typing import Final

BYTES_PER_UNIT: Final[Mapping[str, int]] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_QUANTITY: Final = re.compile(
    r"\s*(?P<number>[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))\s*(?P<unit>[^\W\d_]*(/s)?)\s*"
)


class QuantityUnreadable(ValueError):
    """A text is no quantity of the wanted kind; the message shows how to write one."""


def read_quantity(text: str, kind: str, units: Mapping[str, float], examples: str) -> float:
    """Read a number with one of some units, in what these are factors to.

    Args:
        text: as a person wrote it.
        kind: what it should be, as "a latency".
        units: factors by their names.
        examples: how to write one.

    Raises:
        QuantityUnreadable: no number, no unit, a unit of something else, or not above 0.
    """
    parts = _QUANTITY.fullmatch(text)
    if parts is None:
        raise QuantityUnreadable(f"{text!r} is not {kind}: write {examples}")
    unit = parts["unit"]
    if not unit:
        raise QuantityUnreadable(f"{kind} needs a unit, {text!r} has none: write {examples}")
    if unit not in units:
        raise QuantityUnreadable(f"{unit!r} is no unit of {kind}: write {examples}")
    number = float(parts["number"])
    if number <= 0:
        raise QuantityUnreadable(f"{kind} must be above 0, {text!r} is not: write {examples}")
    quantity = number * units[unit]
    if not math.isfinite(quantity):
        raise QuantityUnreadable(f"a number of so many digits is not {kind}: write {examples}")
    return quantity
