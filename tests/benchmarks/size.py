"""How large a benchmark is: whole, or a part of it to see that it works."""

import os

# 0.01 takes a hundredth of the trials; figures for the report are taken with 1.
SHARE = float(os.environ.get("EDGERANK_BENCHMARK_SHARE", "1"))


def scaled(count: int) -> int:
    """So many of `count` as this run takes, at least 1."""
    return max(1, round(count * SHARE))
