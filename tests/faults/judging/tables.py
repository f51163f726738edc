"""The table of what was planned to befall fleets, and what did."""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum


def table_of_faults(
    kinds: Iterable[Enum], struck: Iterable[Enum], planned: Iterable[Enum]
) -> Iterator[str]:
    """A line for each kind: how often it came, and how often it was planned to."""
    came, wanted = Counter(struck), Counter(planned)
    yield f"{'what':<60} {'came':>8} {'planned':>8}"
    yield from (f"{kind.value:<60} {came[kind]:>8,} {wanted[kind]:>8,}" for kind in kinds)
