"""The limits that the form offers: what each is called, how it is dragged, and which it groups."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

BYTES_PER_MB: Final = 1_000_000
STEPS: Final = 1_000
"""Of a slider, from its one end to its other."""


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A limit that is dragged or written.

    Attributes:
        name: of the parameter in the page's address.
        label: what people read.
        unit: behind the number.
        low: where the slider begins, in the unit.
        high: where it ends.
        is_log: whether equal ways on it are equal ratios.
        none_at: the end that means no limit: "low" or "high".
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    is_log: bool = True
    none_at: str = "high"

    def position(self, text: str) -> int:
        """Where the slider stands for a number; at its end where none is written."""
        none = STEPS if self.none_at == "high" else 0
        try:
            number = min(max(float(text), self.low), self.high)
        except ValueError:
            return none
        if math.isnan(number):
            return none
        if self.is_log:
            return round(STEPS * math.log(number / self.low) / math.log(self.high / self.low))
        return round(STEPS * (number - self.low) / (self.high - self.low))


USUAL: Final = (
    Slider(name="max_latency_ms", label="Latency at most", unit="ms", low=0.5, high=1_000),
    Slider(name="max_memory_mb", label="Memory at most", unit="MB", low=5, high=2_000),
    Slider(
        name="min_top1",
        label="Top-1 at least",
        unit="%",
        low=50,
        high=90,
        is_log=False,
        none_at="low",
    ),
)
"""What most people ask for, always in view."""

FURTHER: Final = (
    Slider(name="max_p90_ms", label="p90 at most", unit="ms", low=0.5, high=1_000),
    Slider(name="max_p99_ms", label="p99 at most", unit="ms", low=0.5, high=1_000),
    Slider(name="max_artifact_mb", label="File at most", unit="MB", low=1, high=1_000),
    Slider(name="max_params_m", label="Parameters at most", unit="M", low=0.5, high=400),
)
"""The other figures that may be limited."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "More limits": tuple(each.name for each in FURTHER),
        "Kind of backbone": ("tier", "series", "distilled", "extra_data"),
        "How it runs": ("runtime", "precision", "threads"),
        "The answer": ("by", "confidence"),
    }
)
"""What is folded away until it is asked for: the parameters of each group."""
