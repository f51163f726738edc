"""Runs the benchmarks and writes docs/benchmarks.md: all of them, or those named.

Run on a machine that does nothing else.
"""

import platform
import sys
import time
from pathlib import Path

import psutil

from tests.benchmarks import conversion, demo, fidelity, transfer

BENCHMARKS = {
    "fidelity": fidelity.run,
    "transfer": transfer.run,
    "demo": demo.run,
    "conversion": conversion.run_one,
    "conversion-tier": conversion.run_tier,
}
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def main() -> int:
    """Exit code 1 when a promise does not hold."""
    names = sys.argv[1:] or list(BENCHMARKS)
    sections = [BENCHMARKS[name]() for name in names]
    page = "\n\n".join([_heading(), *(section.markdown() for section in sections)]) + "\n"
    sys.stdout.write(page)
    if len(names) == len(BENCHMARKS):
        PAGE.write_text(page)
    return 0 if all(section.holds for section in sections) else 1


def _heading() -> str:
    load = ", ".join(f"{figure:.2f}" for figure in psutil.getloadavg())
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`; absolute figures are of this machine and day, ratios are of both "
        "sides in one run.\n\n"
        f"{time.strftime('%Y-%m-%d')}; {_cpu_model()}, {psutil.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB; {platform.platform()}; "
        f"Python {platform.python_version()}; load average at the end {load}."
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
