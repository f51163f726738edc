"""The demo's wall time, with empty caches and with artifacts cached, and where it goes."""

import subprocess
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.database import open_database
from controller.state.measurements import list_measurements
from controller.state.schema import sweeps
from tests.benchmarks.pages.section import Section
from tests.processes import EDGERANK

COLD_LIMIT_S = 360.0
WARM_LIMIT_S = 120.0
MEASURING_LIMIT = 0.70


def run() -> Section:
    """Two demos in one state folder; the second finds the first one's artifacts."""
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder) / "state"
        cold_s = _demo_s(state_dir, Path(folder))
        first = _sweeps(state_dir)
        warm_s = _demo_s(state_dir, Path(folder))
        (second,) = _sweeps(state_dir) - first
        share = _measuring_share(state_dir, second)
    return Section(
        title="Demo",
        promise=f"under {COLD_LIMIT_S:.0f} s with empty caches, under {WARM_LIMIT_S:.0f} s with "
        f"artifacts cached; at least {MEASURING_LIMIT:.0%} of a sweep is spent inside measuring "
        "children.",
        header=("what", "figure"),
        rows=[
            ("empty caches", f"{cold_s:.0f} s"),
            ("artifacts cached", f"{warm_s:.0f} s"),
            ("share of the second sweep inside measuring children", f"{share:.0%}"),
        ],
        holds=cold_s < COLD_LIMIT_S and warm_s < WARM_LIMIT_S and share >= MEASURING_LIMIT,
    )


def _demo_s(state_dir: Path, folder: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [*EDGERANK, "demo", "--state", str(state_dir), "-o", str(folder / "report.html")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def _sweeps(state_dir: Path) -> set[str]:
    return {measurement.sweep_id for measurement in _measurements(state_dir, MeasurementFilter())}


def _measurements(state_dir: Path, wanted: MeasurementFilter) -> list[Measurement]:
    database = open_database(_database(state_dir))
    try:
        return list_measurements(database, wanted)
    finally:
        database.close()


def _measuring_share(state_dir: Path, sweep_id: str) -> float:
    """Loading, warming up and sampling, against the sweep from its start to its end.

    A child's own start, imports and exit are not counted as measuring.
    """
    wanted = MeasurementFilter(sweep_id=sweep_id, with_samples=True)
    inside_ms = sum(
        (sum(taken.latency_ns) + sum(taken.warmup_ns) + taken.load_ns) / 1e6
        for measurement in _measurements(state_dir, wanted)
        for taken in measurement.repetitions
    )
    database = open_database(_database(state_dir))
    with database.transaction() as connection:
        sweep = connection.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id)).one()
    database.close()
    return float(inside_ms / (sweep.ended_at_unix_ms - sweep.created_at_unix_ms))


def _database(state_dir: Path) -> str:
    return f"sqlite:///{state_dir / 'controller' / 'controller.sqlite'}"
