"""Files are made in the order in which devices need them, and devices measure meanwhile."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from obstore.store import LocalStore
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from controller.conversions.converter import Converter
from controller.domain.sweeps import SweepPhase, SweepSnapshot
from controller.domain.sweeps.editing import SweepEdit
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.sessions import AgentSession
from controller.state.artifacts import record_artifact
from controller.state.blobs import put_blob
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.steering import Steering
from models.catalog.catalog import load_catalog
from models.catalog.variants import Format, WeightsKind, variants_of
from models.weights.weights import resolve_weights
from protos.fleet import Lease
from tests.integration.controller.conftest import OwnedClock, content_of, converted_of
from tests.integration.controller.domain_samples import SPEC, hello, measured_report
from tests.integration.controller.fleet.statements import Statement, heard

CATALOG = load_catalog()
SMALL = ("PPLCNet_x0_25", "PPLCNet_x0_35", "PPLCNet_x0_5")
ONCE = replace(SPEC, fewest_repetitions=1, most_repetitions=1)
# An attempt that runs here lets no conversion begin.
ANOTHERS = "another's attempt"


def keep(database: Database, blobs: LocalStore, folder: Path, name: str) -> None:
    """Stores a file of a backbone, as if it had been made before."""
    backbone = CATALOG.get(name)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, folder, lambda _done, _total: None)
    (variant,) = (each for each in variants_of(backbone) if each.format is Format.ONNX)
    (folder / "made").write_bytes(content_of(variant))
    put_blob(blobs, hashlib.sha256(content_of(variant)).hexdigest(), folder / "made")
    converted = replace(converted_of(variant, weights), reference=None)
    record_artifact(database, converted, now_unix_ms=0)


async def ready(fleet: Fleet, name: str) -> AgentSession:
    """A device elsewhere that asks for work."""
    session = await fleet.connect(hello(name))
    await fleet.ready(session)
    return session


async def measure(fleet: Fleet, session: AgentSession) -> str:
    """Waits for a lease and reports it; gives its backbone."""
    lease: Any = None
    while not isinstance(lease, Lease):
        lease = await session.outbox.get()
    await fleet.report(session, measured_report(lease.attempt_id, lease.job_id))
    await fleet.ended()
    await fleet.ready(session)
    return lease.backbone


async def after(sweeps: Sweeps, sweep_id: str, phase: SweepPhase) -> SweepSnapshot:
    """The first look at a sweep in this phase."""
    async for snapshot in sweeps.watch(sweep_id):
        if snapshot.phase is phase:
            return snapshot
    raise AssertionError("it was never in that phase")


async def until_admitted(converter: Converter, *, running: int, queued: int) -> None:
    """Returns when so many conversions are admitted, and so many wait for that."""
    looking = AsyncRetrying(
        retry=retry_if_result(lambda counts: counts != (running, queued)),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.02),
    )

    async def look() -> tuple[int, int]:
        return converter.admission.running, converter.admission.queued

    await looking(look)


def made(asked: list[Statement]) -> list[str]:
    """The backbones whose files were made, in order."""
    rows = [each.parameters for each in asked if each.text.startswith("INSERT INTO artifacts")]
    return [name for row in rows for name in SMALL if name in row]


async def test_what_is_there_is_measured_while_another_file_is_made(
    database: Database, fleet: Fleet, sweeps: Sweeps, blobs: LocalStore, tmp_path: Path
) -> None:
    keep(database, blobs, tmp_path, SMALL[0])
    fleet.gate.attempt_started(ANOTHERS)
    session = await ready(fleet, "phone")
    started = await sweeps.start(replace(ONCE, backbones=SMALL[:2]))
    assert await measure(fleet, session) == SMALL[0]
    snapshot = await anext(sweeps.watch(started.sweep_id))
    assert (snapshot.phase, len(snapshot.ended)) == (SweepPhase.CONVERTING, 1)
    await fleet.gate.attempt_ended(ANOTHERS)
    assert await measure(fleet, session) == SMALL[1]
    ended = await after(sweeps, started.sweep_id, SweepPhase.ENDED)
    assert (ended.artifacts_done, ended.repetitions_done) == (2, 2)


async def test_the_urgent_sweep_and_the_device_without_work_are_served_first(
    database: Database,
    fleet: Fleet,
    sweeps: Sweeps,
    converter: Converter,
    *,
    changes: Changes,
    clock: OwnedClock,
) -> None:
    steering = Steering(database, fleet, changes, clock, demand=converter.demand)
    fleet.gate.attempt_started(ANOTHERS)
    phone, board = await ready(fleet, "phone"), await ready(fleet, "board")
    with heard(database) as asked:
        first = await sweeps.start(replace(ONCE, backbones=SMALL[:2], devices=("phone",)))
        # One of its two is begun by now, and nothing overtakes that.
        await until_admitted(converter, running=1, queued=1)
        other = await sweeps.start(replace(ONCE, backbones=SMALL[2:], devices=("board",)))
        await until_admitted(converter, running=1, queued=2)
        await steering.edit(SweepEdit(sweep_id=first.sweep_id, priority=-1))
        await fleet.gate.attempt_ended(ANOTHERS)
        on_board = asyncio.create_task(measure(fleet, board))
        measured = {await measure(fleet, phone), await measure(fleet, phone), await on_board}
    assert measured == set(SMALL)
    assert made(asked)[1] == SMALL[2]
    for started in (first, other):
        ended = await after(sweeps, started.sweep_id, SweepPhase.ENDED)
        assert ended.jobs_total == ended.repetitions_done
