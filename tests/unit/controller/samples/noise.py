"""Jobs whose samples are noise around the medians of their processes."""

import numpy as np

from protos.measuring import Repetition
from tests.unit.controller.samples.measurements import MS, repetition


def noise(
    seed: int, medians_ms: list[float], count: int = 200, spread: float = 0.03
) -> list[Repetition]:
    """A repetition around each median, log-normal; `spread` is of the logarithm."""
    rng = np.random.default_rng(seed)
    return [
        repetition(tuple((rng.lognormal(np.log(m), spread, count) * MS).astype(int).tolist()))
        for m in medians_ms
    ]
