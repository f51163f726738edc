"""What a benchmark ran on, in the words that land with its figures."""

import platform
import time
import timeit
from pathlib import Path

import psutil


def machine() -> str:
    """What ran a benchmark that ends now, how fast it was given cores, and what else it did."""
    load = ", ".join(f"{figure:.2f}" for figure in psutil.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')}; {cpu_model()}, {psutil.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB; {platform.platform()}; "
        f"Python {platform.python_version()}; {_speed()}; load average at the end {load}."
    )


def _speed() -> str:
    """What tells days apart on which the same machine is given more or less of its host."""
    least_s = min(timeit.repeat("for each in range(1_000_000): each * each", number=1, repeat=7))
    return f"a million multiplications of Python take {least_s * 1000:.0f} ms"


def cpu_model() -> str:
    """As Linux names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
