"""Artifacts that rot in the store are made again, and what comes altered is fetched again."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from obstore.store import LocalStore

from controller.conversions import converter
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import MAX_ATTEMPTS, JobState
from controller.domain.measurements import MeasurementFilter, Verdict
from controller.domain.sweeps import SweepPhase, SweepSnapshot
from controller.fleet.agents import Fleet
from controller.fleet.sessions import AgentSession
from controller.state import jobs
from controller.state.artifacts import record_artifact
from controller.state.blobs import (
    CHUNK_BYTES,
    LARGE_CHUNK_BYTES,
    BlobDamaged,
    damage_of,
    has_blob,
    put_aside,
    put_blob,
    read_blob,
)
from controller.state.database import Database
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.rounds.counts import read_counts
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.repairing import StoredArtifacts
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from models.processes.forkserver import ForkServers
from protos.fleet import Lease, Report, failed
from protos.inputs import square
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import converted_of, start_sweep
from tests.integration.controller.domain_samples import SPEC, hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease
from tests.integration.storage.damaging import DAMAGES, Damage

CONTENT = b"".join(number.to_bytes(4, "little") for number in range(LARGE_CHUNK_BYTES // 3))
ALTERED = reason(ReasonCode.ARTIFACT_DAMAGED, {"detail": "arrived with other bytes"})


class LastingServers(ForkServers):
    """What each conversion begins with again: their libraries are most of what it costs."""

    def rest(self) -> None:
        """They are needed soon."""

    def close(self) -> None:
        """They are of others, too."""

    def end(self) -> None:
        """After the last conversion."""
        super().rest()


@pytest.fixture(scope="module", autouse=True)
def lasting_servers() -> Iterator[None]:
    servers = LastingServers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converter, "ForkServers", lambda: servers)
        yield
    servers.end()


def place_of(tmp_path: Path, sha256: str) -> Path:
    return tmp_path / "artifacts" / sha256[:2] / sha256


def keep(blobs: LocalStore, tmp_path: Path) -> str:
    """Stores the content; gives its digest."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / "made").write_bytes(CONTENT)
    put_blob(blobs, sha256, tmp_path / "made")
    return sha256


async def whole(chunks: AsyncIterator[memoryview]) -> bytes:
    return b"".join([bytes(chunk) async for chunk in chunks])


@pytest.mark.parametrize(
    "offset",
    [0, 1, CHUNK_BYTES, LARGE_CHUNK_BYTES, LARGE_CHUNK_BYTES + 1, len(CONTENT) - 1, len(CONTENT)],
)
async def test_intact_bytes_are_given_from_any_offset(
    blobs: LocalStore, tmp_path: Path, offset: int
) -> None:
    assert await whole(read_blob(blobs, keep(blobs, tmp_path), offset)) == CONTENT[offset:]


async def test_nothing_is_given_from_past_the_end(blobs: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as refused:
        await whole(read_blob(blobs, keep(blobs, tmp_path), len(CONTENT) + 1))
    assert refused.value.code is ErrorCode.OUT_OF_RANGE


async def read_into(given: list[bytes], chunks: AsyncIterator[memoryview]) -> None:
    async for chunk in chunks:
        given.append(bytes(chunk))  # noqa: PERF401 - what came before a failure counts


@pytest.mark.parametrize("offset", [0, len(CONTENT) - 1, len(CONTENT)])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_damaged_bytes_are_never_given_to_their_end(
    blobs: LocalStore, tmp_path: Path, damage: Damage, offset: int
) -> None:
    sha256 = keep(blobs, tmp_path)
    place = place_of(tmp_path, sha256)
    damage(place)
    there = place.read_bytes() if place.is_file() else None
    given = [CONTENT[:offset]]
    with pytest.raises(BlobDamaged):
        await read_into(given, read_blob(blobs, sha256, offset))
    assert b"".join(given) != there
    assert await damage_of(blobs, sha256)
    await put_aside(blobs, sha256)
    assert not has_blob(blobs, sha256, len(CONTENT))
    keep(blobs, tmp_path)
    assert await damage_of(blobs, sha256) == ""


async def next_lease(session: AgentSession) -> Lease:
    while not isinstance(said := await session.outbox.get(), Lease):
        pass
    return said


async def seen_of(sweeps: Sweeps, sweep_id: str) -> list[SweepSnapshot]:
    return [snapshot async for snapshot in sweeps.watch(sweep_id)]


def undelivered(given: Lease) -> Report:
    return Report(
        attempt_id=given.attempt_id,
        job_id=given.job_id,
        started_at_unix_ms=1_000,
        ended_at_unix_ms=2_000,
        failure=failed(ALTERED.code, ALTERED.words["detail"]),
    )


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_artifact_is_put_aside_and_made_again_and_its_job_measured(
    *,
    database: Database,
    fleet: Fleet,
    sweeps: Sweeps,
    blobs: LocalStore,
    tmp_path: Path,
    damage: Damage,
) -> None:
    artifacts = StoredArtifacts(database, blobs, sweeps)
    session = await fleet.connect(hello("phone"))
    await fleet.ready(session)
    started = await sweeps.start(replace(SPEC, backbones=("PPLCNet_x0_25",)))
    watching = asyncio.create_task(seen_of(sweeps, started.sweep_id))
    given = await next_lease(session)
    sha256 = given.artifact_sha256
    made = place_of(tmp_path, sha256).read_bytes()
    damage(place_of(tmp_path, sha256))
    # Two devices find it at the same time.
    found = await asyncio.gather(
        *(whole(artifacts.read(sha256, 0, CHUNK_BYTES)) for _ in range(2)), return_exceptions=True
    )
    assert [each.code for each in found if isinstance(each, EdgerankError)] == [
        ErrorCode.DAMAGED
    ] * 2
    await fleet.report(session, undelivered(given))
    await fleet.ready(session)
    again = await next_lease(session)
    assert (again.job_id, again.artifact_sha256) == (given.job_id, sha256)
    assert await whole(artifacts.read(sha256, 0, CHUNK_BYTES)) == made
    assert (tmp_path / "artifacts" / "damaged" / sha256).exists() is (damage.__name__ != "remove")
    await fleet.report(session, measured_report(again.attempt_id, again.job_id))
    await fleet.ended()
    seen = await watching
    assert seen[-1].phase is SweepPhase.ENDED
    assert any(each.is_again for snapshot in seen for each in snapshot.activities)
    (outcome,) = list_outcomes(database, started.sweep_id)
    assert outcome.verdict is not Verdict.FAILED


async def test_a_device_that_has_its_copy_is_measured_while_the_file_is_made_again(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    assert jobs.wait_again(database, given.artifact_sha256) == {sweep_id}
    assert read_counts(database, sweep_id).jobs == {JobState.WAITING: 1}
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}


async def test_what_comes_altered_is_tried_again_and_fails_by_name_in_the_end(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    for _ in range(MAX_ATTEMPTS):
        assert list_outcomes(database, sweep_id) == []
        given = await lease(fleet, session)
        await fleet.report(session, undelivered(given))
        await fleet.report(session, undelivered(given))
    (outcome,) = list_outcomes(database, sweep_id)
    assert outcome.reasons == (ALTERED,)


async def test_what_comes_altered_once_costs_no_figure(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    await fleet.report(session, undelivered(await lease(fleet, session)))
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_other_bytes_take_the_place_of_those_that_no_figure_is_of(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    onnx = Variant(given.backbone, Format.ONNX, Precision.FP32, Target.ANY, square(224), 1)
    other = replace(converted_of(onnx), sha256="f" * 64)
    assert record_artifact(database, other, now_unix_ms=1).sha256 == "f" * 64
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    with pytest.raises(EdgerankError, match="no earlier figure"):
        record_artifact(database, converted_of(onnx), now_unix_ms=2)
