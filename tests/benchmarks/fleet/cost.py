"""What one result costs the controller while few or many jobs are open."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.domain.jobs import JobState
from controller.state import attempts
from controller.state.database import Database, open_database
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import read_counts
from controller.state.sweeps import find_sweep
from tests.benchmarks.fleet.reporting import SimulatedFleet
from tests.benchmarks.fleet.simulated import (
    REPETITIONS,
    enrol_devices,
    hello,
    ids_of,
    plan,
    report_of,
    start,
)
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import SHARE, scaled
from tests.measured import record_report
from tests.processes import running_controller

# Devices, threads, batches: their product is how many jobs are open at first.
SIZES = ((10, 1, 1), (100, 1, 1), (100, 10, 1), (100, 100, 1), (100, 100, 10))
RESULTS = 3_000
MOST_S = 20.0
# How many agents report at once, and how many jobs each has open at first.
CROWDS = ((1, 100), (10, 100), (100, 100), (1_000, 10))
PROMISED_PER_S = 1_000
ROUNDS = 200
FLATTEST = 2.0
DEVICES, JOBS_EACH = 1_000, 100
PLANNING_S = 5.0
CONNECTING_S = 20.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class _Costs:
    """What one of each costs, ms, and results a second end to end."""

    jobs: int
    leasing_ms: float
    recording_ms: float
    looking_ms: float
    results_per_s: float


def run_open_jobs() -> Section:
    """Leases, reports, looks, and results end to end, with 10 to 100,000 open jobs."""
    sizes = SIZES if SHARE == 1 else SIZES[: max(1, scaled(len(SIZES)))]
    costs = [_costs(*size) for size in sizes]
    first, last = costs[min(2, len(costs) - 1)], costs[-1]
    flat = first.results_per_s / last.results_per_s
    return Section(
        title="Results while jobs are open",
        promise=f"a result costs no more with {last.jobs:,} jobs open than with {first.jobs:,}: at "
        f"least 1/{FLATTEST:g} of the results a second. Agents are simulated: up to 100 in one "
        "process beside the controller's on the same cores, real gRPC on loopback, no runtime and "
        "no artifact; each reports 50 samples at once.",
        header=("open jobs", "next lease ms", "a report ms", "a look ms", "results/s end to end"),
        rows=[
            (
                f"{each.jobs:,}",
                f"{each.leasing_ms:.2f}",
                f"{each.recording_ms:.2f}",
                f"{each.looking_ms:.2f}",
                f"{each.results_per_s:.0f}",
            )
            for each in costs
        ],
        holds=flat <= FLATTEST,
    )


def run_results() -> Section:
    """Results end to end of 1 to 1,000 agents, each of which reports as fast as it is answered."""
    crowds = CROWDS if SHARE == 1 else CROWDS[: max(1, scaled(len(CROWDS)))]
    speeds = [
        (count, _results_per_s(count, jobs_each), *_ends_per_s(count, jobs_each))
        for count, jobs_each in crowds
    ]
    best = max(per_s for _, per_s, *_ in speeds)
    return Section(
        title="Results of few and many agents",
        promise=f"{PROMISED_PER_S:,} results a second are committed durably, from a report's "
        "arrival to its acknowledgement. Agents are simulated in one process beside the "
        "controller's on the same cores, as above; an agent has one report under way at a time, "
        "says with it that it is free, as any does, and a lease is committed before each. The "
        "figures of a job that ends follow on the acknowledgement: first results that end none, "
        "then such as end a job of one repetition each, and how many of these had their figures a "
        "second until the last had.",
        header=(
            "agents",
            "results/s end to end",
            "results/s, each ends a job",
            "jobs/s until all have figures",
        ),
        rows=[(f"{count:,}", *(f"{each:.0f}" for each in per_s)) for count, *per_s in speeds],
        holds=best >= PROMISED_PER_S,
    )


def run_start() -> Section:
    """A sweep of 1,000 devices planned and created, and as many agents that connect."""
    devices = scaled(DEVICES)
    with tempfile.TemporaryDirectory() as folder:
        database = _opened(folder)
        enrol_devices(database, devices)
        begin_s = time.perf_counter()
        spec, planned = plan(database, ids_of(devices), JOBS_EACH, 1)
        planned_s = time.perf_counter()
        start(database, spec, planned)
        started_s = time.perf_counter()
        database.close()
        planning_s, creating_s = planned_s - begin_s, started_s - planned_s
        with running_controller(Path(folder)) as (_controller, address):
            fleet = SimulatedFleet(address, devices)
            dialled_s = time.perf_counter()
            asyncio.run(fleet.run(lambda: len(fleet.first_leases_s) == devices, 6 * MOST_S))
    welcomed_s = max(fleet.welcomed_s) - dialled_s
    leased_s = max(fleet.first_leases_s) - dialled_s
    return Section(
        title="A sweep of many devices begins",
        promise=f"{devices * JOBS_EACH:,} jobs on {devices:,} devices are planned within "
        f"{PLANNING_S:g} s, and as many simulated agents that dial at once are connected within "
        f"{CONNECTING_S:g} s.",
        header=("what", "s"),
        rows=[
            ("planning", f"{planning_s:.1f}"),
            ("remembering jobs and turns, every artifact there", f"{creating_s:.1f}"),
            (
                f"until the last of {len(fleet.welcomed_s):,} agents is welcomed",
                f"{welcomed_s:.1f}",
            ),
            (f"until the last of {len(fleet.first_leases_s):,} has a lease", f"{leased_s:.1f}"),
        ],
        holds=planning_s <= PLANNING_S
        and len(fleet.welcomed_s) == devices
        and welcomed_s <= CONNECTING_S,
    )


def _costs(devices: int, threads: int, batches: int) -> _Costs:
    with tempfile.TemporaryDirectory() as folder:
        database = _opened(folder)
        enrol_devices(database, devices)
        sweep_id = start(database, *plan(database, ids_of(devices), threads, batches))
        turns = REPETITIONS * devices * threads * batches
        rounds = min(ROUNDS, turns // 3)
        leasing_ms, recording_ms = _turns_ms(database, devices, rounds)
        looking_ms = _median_ms(lambda: _look(database, sweep_id))
        database.close()
        results_per_s = _committed_per_s(Path(folder), devices, min(RESULTS, turns - rounds))
    return _Costs(
        jobs=turns // REPETITIONS,
        leasing_ms=leasing_ms,
        recording_ms=recording_ms,
        looking_ms=looking_ms,
        results_per_s=results_per_s,
    )


def _results_per_s(devices: int, jobs_each: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = _opened(folder)
        enrol_devices(database, devices)
        start(database, *plan(database, ids_of(devices), jobs_each, 1))
        database.close()
        # Some are over before the last agent has begun.
        return _committed_per_s(
            Path(folder), devices, min(RESULTS, REPETITIONS * jobs_each * devices // 2)
        )


def _committed_per_s(state_dir: Path, devices: int, results: int) -> float:
    """How many results a second so many agents have acknowledged, once all of them report."""
    with running_controller(state_dir) as (_controller, address):
        fleet = SimulatedFleet(address, devices)
        asyncio.run(fleet.run(lambda: _committed_of_all(fleet) >= results, 3 * MOST_S))
    begin_s = max(fleet.first_leases_s)
    ends = sorted(at for at in fleet.committed_s if at >= begin_s)
    return len(ends) / (ends[-1] - begin_s)


def _ends_per_s(devices: int, jobs_each: int) -> tuple[float, float]:
    """Results a second that end a job each, and how many had their figures until the last had."""
    with tempfile.TemporaryDirectory() as folder:
        database = _opened(folder)
        enrol_devices(database, devices)
        sweep_id = start(database, *plan(database, ids_of(devices), jobs_each, 1, repetitions=1))
        results = min(RESULTS, jobs_each * devices // 2)
        with running_controller(Path(folder)) as (_controller, address):
            fleet = SimulatedFleet(address, devices)
            asyncio.run(fleet.run(lambda: len(fleet.committed_s) >= results, 3 * MOST_S))
            ends = sorted(fleet.committed_s)
            ended = _until_ended(database, sweep_id, len(ends))
        database.close()
    begin_s = min(fleet.first_leases_s)
    return len(ends) / (ends[-1] - begin_s), ended / (time.perf_counter() - begin_s)


def _until_ended(database: Database, sweep_id: str, count: int) -> int:
    """Returns when so many jobs have ended, or nothing ends any more; gives how many have."""
    gives_up_s = time.perf_counter() + 3 * MOST_S
    while True:
        ended = read_counts(database, sweep_id).jobs.get(JobState.DONE, 0)
        if ended >= count or time.perf_counter() > gives_up_s:
            return ended
        time.sleep(_LOOK_S)


def _committed_of_all(fleet: SimulatedFleet) -> int:
    """Results since the last of its agents had its first lease; before, it still connects."""
    if len(fleet.first_leases_s) < fleet.count:
        return 0
    begin_s = max(fleet.first_leases_s)
    return sum(at >= begin_s for at in reversed(fleet.committed_s[-RESULTS:]))


def _turns_ms(database: Database, devices: int, rounds: int) -> tuple[float, float]:
    """Medians of leasing one turn, and of recording and settling one report, each committed."""
    rng = np.random.default_rng(0)
    leasing, recording = [], []
    for number in range(rounds):
        device_id = hello(number % devices).device_id
        begin_s = time.perf_counter()
        lease = attempts.lease_next(database, device_id, now_unix_ms=0)
        leasing.append(time.perf_counter() - begin_s)
        if lease is None:
            break
        report = report_of(lease, rng)
        begin_s = time.perf_counter()
        record_report(database, device_id, report, now_unix_ms=0)
        recording.append(time.perf_counter() - begin_s)
    return 1e3 * float(np.median(leasing)), 1e3 * float(np.median(recording))


def _look(database: Database, sweep_id: str) -> None:
    """What one look of those who follow asks, with one more outcome."""
    find_sweep(database, sweep_id)
    counts = read_counts(database, sweep_id)
    list_outcomes(database, sweep_id, after=counts.outcomes - 1)


def _median_ms(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        begin_s = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin_s)
    return 1e3 * float(np.median(seconds))


def _opened(folder: str) -> Database:
    return open_database(f"sqlite:///{Path(folder) / 'controller.sqlite'}")
