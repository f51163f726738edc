"""Runs schedules, several at once, and tells what was wrong with how each ended."""

import asyncio
import shutil
import traceback
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from protos.codec import from_message
from protos.fleet import Report
from protos.v1 import fleet_pb2
from tests.faults.agents import Made
from tests.faults.fleet import Fleet
from tests.faults.judging.causes import causes_on
from tests.faults.judging.checker import Rule, Violation, violations
from tests.faults.judging.outcome import HadReport, Outcome, read_database
from tests.faults.processes.stopping import to_the_end
from tests.faults.schedules import Fault, Schedule, draw
from tests.faults.striking import Striker
from tests.faults.template import Template


@dataclass(frozen=True)
class Run:
    """A schedule that was run.

    Attributes:
        schedule: which one.
        struck: its faults that came; others were never come to, or found nothing to strike.
        violations: what was wrong.
        folder: what it left; of one with nothing wrong it is gone.
    """

    schedule: Schedule
    struck: tuple[Fault, ...]
    violations: tuple[Violation, ...]
    folder: Path


async def run_all(
    seeds: Iterable[int], template: Template, folder: Path, at_once: int
) -> AsyncIterator[Run]:
    """Run the schedules of the seeds, so many at once; each as it ends."""
    waiting = iter(seeds)
    going: set[asyncio.Task[Run]] = set()
    try:
        while True:
            while len(going) < at_once and (seed := next(waiting, None)) is not None:
                run = run_schedule(draw(seed), template, folder / f"seed-{seed}")
                going.add(asyncio.create_task(run))
            if not going:
                return
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)


async def run_schedule(schedule: Schedule, template: Template, folder: Path) -> Run:
    """Run one in a folder of its own, heal everything, and judge."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    striker = Striker(schedule.faults)
    try:
        fleet = await live_through(schedule, striker, template, folder)
        found = violations(outcome_of(fleet, tuple(striker.struck)))
    # The edge where a schedule that cannot even be run becomes one that failed: others go on.
    except Exception:  # noqa: BLE001
        found = (Violation(Rule.STRAYED, traceback.format_exc()),)
    if not found:
        await asyncio.to_thread(shutil.rmtree, folder)
    return Run(schedule, tuple(striker.struck), found, folder)


async def live_through(
    schedule: Schedule, striker: Striker, template: Template, folder: Path
) -> Fleet:
    """Start a fleet, let happen what is to happen, and leave it in peace until all have ended."""
    fleet = Fleet(
        schedule, template, folder, lambda agent, told: striker.on_told(fleet, agent, told)
    )
    try:
        await fleet.start()
        await fleet.await_end_of_sweep()
        striker.is_over = True
        await striker.rest()
        await fleet.settle()
    finally:
        await to_the_end(fleet.close())
    return fleet


def outcome_of(fleet: Fleet, struck: tuple[Fault, ...]) -> Outcome:
    """How a fleet ended, that these faults befell."""
    strayed = [what for agent in fleet.agents for what in agent.strayed]
    return Outcome(
        **vars(read_database(fleet.state_dir / "controller.sqlite")),
        reports=tuple(map(_had, fleet.made)),
        spooled=fleet.spooled(),
        strayed=(*fleet.strayed, *strayed),
        causes={agent.name: causes_on(agent.index, struck) for agent in fleet.agents},
        stalls=fleet.stalls,
    )


def _had(made: Made) -> HadReport:
    report = from_message(fleet_pb2.Report.FromString(made.report), Report)
    measured = report.measured
    return HadReport(
        attempt_id=made.attempt_id,
        latency_ns=None if measured is None else measured.repetition.latency_ns,
        is_kept=made.is_kept,
    )
