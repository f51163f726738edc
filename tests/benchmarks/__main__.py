"""Runs the benchmarks, all of them or those named, and writes their pages.

`docs/benchmarks.md` is made of its sections when all of them were run. `docs/measuring.md` is
prose with a place for the section of each benchmark; those that were run are replaced, together.

Run on a machine that does nothing else.
"""

import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.benchmarks import demo, startup, transfer
from tests.benchmarks.converting import conversion
from tests.benchmarks.measuring import (
    coverage,
    economy,
    faults,
    fidelity,
    ratios,
    repeatability,
)
from tests.benchmarks.places import filled
from tests.benchmarks.section import Section
from tests.benchmarks.size import SHARE

# The proof of what docs/measuring.md says.
PROOF = {
    "coverage": coverage.run,
    "ratios": ratios.run,
    "economy": economy.run,
    "faults": faults.run,
    "fidelity": fidelity.run,
    "repeatability": repeatability.run,
}
SPEED = {
    "transfer": transfer.run,
    "demo": demo.run,
    "conversion": conversion.run_one,
    "conversion-tier": conversion.run_tier,
    "startup": startup.run,
}
BENCHMARKS = PROOF | SPEED
DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Exit code 1 when a promise does not hold."""
    names = sys.argv[1:] or list(BENCHMARKS)
    sections = {name: BENCHMARKS[name]() for name in names}
    sys.stdout.write(_page(sections))
    # A part of the trials shows that a benchmark works, and proves nothing.
    if SHARE == 1:
        _write({name: section for name, section in sections.items() if name in PROOF})
        if SPEED.keys() <= sections.keys():
            speed = {name: sections[name] for name in SPEED}
            (DOCS / "benchmarks.md").write_text(_page(speed))
    return 0 if all(section.holds for section in sections.values()) else 1


def _write(proof: Mapping[str, Section]) -> None:
    page = DOCS / "measuring.md"
    texts = {name: f"{section.markdown()}\n\n{_machine()}" for name, section in proof.items()}
    page.write_text(filled(page.read_text(), texts))


def _page(sections: Mapping[str, Section]) -> str:
    parts = [_heading(), *(section.markdown() for section in sections.values())]
    return "\n\n".join(parts) + "\n"


def _heading() -> str:
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`; absolute figures are of this machine and day, ratios are of both "
        "sides in one run. Whether they are true is on the page on [measuring](measuring.md).\n\n"
        f"{_machine()}"
    )


def _machine() -> str:
    load = ", ".join(f"{figure:.2f}" for figure in psutil.getloadavg())
    return (
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
