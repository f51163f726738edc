"""Nothing is converted twice, nothing goes on after its caller, and no sweep waits forever."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from controller.conversions.converter import Converter
from controller.conversions.disk_room import RESERVED_BYTES
from controller.conversions.requests import Listener
from controller.conversions.stored import keep
from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.measurements import Verdict
from controller.domain.sweeps import Activity, SweepPhase, SweepSnapshot
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.rounds.settling import settle_sweep
from controller.state.artifacts import made_needs
from controller.state.database import Database
from controller.state.schema import artifacts
from controller.sweeps.lifecycle import Sweeps
from models.catalog.catalog import load_catalog
from models.catalog.needs import FileNeeds
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.variants import Format, Variant, WeightsKind, variants_of
from models.conversion.pipeline import ConversionCancelled, Converted, ToolMissing
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.integration.controller.domain_samples import SPEC, hello
from tests.processes.tools import running_servers
from tests.processes.warm import Forked

CATALOG = load_catalog()
ONNX = tuple(
    variant
    for variant in variants_of(CATALOG.get("PPLCNet_x0_25"))
    if variant.format is Format.ONNX
)


def running_steps() -> list[Forked]:
    """The steps' servers that this process has."""
    return running_servers()


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.outcomes: list[ConversionOutcome] = []
        self.active = asyncio.Event()
        self.listener = Listener(self._on_outcome, self._on_activity)

    async def _on_outcome(self, _variant: Variant, outcome: ConversionOutcome, _key: str) -> None:
        self.outcomes.append(outcome)

    @property
    def results(self) -> list[ConversionResult]:
        return [outcome.result for outcome in self.outcomes]

    @property
    def reasons(self) -> list[str]:
        return [outcome.reason for outcome in self.outcomes]

    def _on_activity(self, _activity: Activity) -> None:
        self.active.set()


async def test_two_callers_that_want_the_same_get_it_made_once(converter: Converter) -> None:
    first, second = Heard(), Heard()
    await asyncio.gather(
        converter.ensure(ONNX, WeightsKind.SYNTHETIC, first.listener),
        converter.ensure(ONNX, WeightsKind.SYNTHETIC, second.listener),
    )
    assert sorted(result.value for result in first.results + second.results) == ["cached", "stored"]


async def test_a_cancelled_caller_leaves_no_child_and_opens_the_gate(
    converter: Converter, fleet: Fleet
) -> None:
    heard = Heard()
    call = asyncio.create_task(converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener))
    await heard.active.wait()
    assert not fleet.gate.may_measure()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert fleet.gate.may_measure()
    assert running_steps() == []


async def test_closing_ends_the_children_instead_of_waiting_for_their_work(
    converter: Converter,
) -> None:
    heard = Heard()
    call = asyncio.create_task(converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener))
    await heard.active.wait()
    # Blocks the loop, as a stop does, so that nobody else can end them.
    converter.close()
    with pytest.raises(ConversionCancelled):
        await call
    assert heard.outcomes == []
    assert running_steps() == []


async def test_the_gate_stays_shut_until_the_last_sibling_of_a_failure_has_ended(
    converter: Converter, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_while_converting: list[bool] = []

    def fail_for_the_first(*arguments: object) -> Converted:
        open_while_converting.append(fleet.gate.may_measure())
        if len(open_while_converting) == 1:
            raise OSError(28, "No space left on device")
        return keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("controller.conversions.converter.keep", fail_for_the_first)
    other = tuple(
        variant
        for variant in variants_of(CATALOG.get("PPLCNet_x0_35"))
        if variant.format is Format.ONNX
    )
    with pytest.raises(EdgerankError, match="No space left on device"):
        await converter.ensure((*ONNX, *other), WeightsKind.SYNTHETIC, Heard().listener)
    assert open_while_converting == [False, False]
    assert fleet.gate.may_measure()


def room_to_work_only(_folder: Path, _needed_bytes: int, spare_bytes: int) -> str:
    """Of a disk that has room to convert and none to keep what was made."""
    return "the disk is full" if spare_bytes > RESERVED_BYTES else ""


def references(database: Database) -> set[str | None]:
    """What devices compare with, of all artifacts."""
    with database.transaction() as transaction:
        return set(transaction.scalars(select(artifacts.c.reference_sha256)))


async def test_without_room_on_the_disk_a_file_is_checked_once_and_kept_as_soon_as_there_is(
    converter: Converter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    with monkeypatch.context() as patch:
        patch.setattr("controller.conversions.converter.lack_of_room", room_to_work_only)
        await converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener)
        assert heard.active.is_set()
        heard.active.clear()
        await converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener)
        assert not heard.active.is_set()
        # Nobody can compare with what is not there.
        assert references(database) == {None}
    await converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener)
    assert None not in references(database)
    checked = ConversionResult.CHECKED
    assert heard.results == [checked, checked, ConversionResult.STORED]
    assert heard.outcomes[0].max_relative_difference is not None
    assert heard.outcomes[0].artifact_sha256 == ""
    assert heard.reasons[0] == "made and checked, but not kept: the disk is full"


async def test_without_room_to_work_nothing_starts(
    converter: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "controller.conversions.converter.RESERVED_BYTES", shutil.disk_usage("/").total
    )
    heard = Heard()
    await converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener)
    assert heard.results == [ConversionResult.FAILED]
    assert heard.reasons[0].startswith("no room to work: the disk of ")
    assert not heard.active.is_set()


async def test_what_is_found_tells_of_when_it_was_made(converter: Converter) -> None:
    first, second = Heard(), Heard()
    for heard in (first, second):
        await converter.ensure(ONNX, WeightsKind.SYNTHETIC, heard.listener)
    (made,), (found,) = first.outcomes, second.outcomes
    assert found == replace(made, result=ConversionResult.CACHED)
    assert found.seconds > 0
    assert found.passes == ("onnxslim",)
    assert found.parity_input_count == 4


async def last_snapshot(sweeps: Sweeps, sweep_id: str) -> tuple[SweepSnapshot, list[Reason]]:
    """The sweep's end, and the reasons of its jobs."""
    reasons: list[Reason] = []
    async for snapshot in sweeps.watch(sweep_id):
        assert all(outcome.verdict is Verdict.FAILED for outcome in snapshot.ended)
        reasons += [told for outcome in snapshot.ended for told in outcome.reasons]
    return snapshot, reasons


def raising(error: Exception) -> Callable[..., Awaitable[None]]:
    """A function that takes anything and fails."""

    def fail(*_arguments: object, **_named: object) -> Awaitable[None]:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            ToolMissing("paddlepaddle: missing"),
            reason(ReasonCode.NO_ARTIFACT, {"detail": "paddlepaddle: missing"}),
        ),
        (RuntimeError("a defect"), reason(ReasonCode.CONTROLLER_DEFECT)),
    ],
    ids=["missing tool", "defect"],
)
async def test_a_sweep_that_cannot_convert_ends_and_says_why(
    sweeps: Sweeps,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    why: Reason,
) -> None:
    monkeypatch.setattr("controller.conversions.fetching.resolve_weights", raising(error))
    await fleet.connect(hello("phone"))
    started = await sweeps.start(SPEC)
    snapshot, reasons = await last_snapshot(sweeps, started.sweep_id)
    assert snapshot.phase is SweepPhase.ENDED
    assert reasons == [why]


async def test_a_defect_after_converting_is_told_and_what_failed_tried_again(
    sweeps: Sweeps, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    defects = [ZeroDivisionError("a defect"), EdgerankError(ErrorCode.STORAGE, "the disk is full")]

    def settle(database: Database, sweep_id: str, now_unix_ms: int) -> None:
        if defects:
            raise defects.pop(0)
        settle_sweep(database, sweep_id, now_unix_ms)

    monkeypatch.setattr("controller.sweeps.preparing.preparation.settle_sweep", settle)
    missing = ToolMissing("paddlepaddle: missing")
    monkeypatch.setattr("controller.conversions.fetching.resolve_weights", raising(missing))
    await fleet.connect(hello("phone"))
    started = await sweeps.start(SPEC)
    snapshot, _reasons = await last_snapshot(sweeps, started.sweep_id)
    assert snapshot.phase is SweepPhase.ENDED
    told = [each for each in caplog.records if "measuring cannot begin" in each.getMessage()]
    # Of a defect all is told, so that it is found.
    assert ["Traceback" in each.getMessage() for each in told] == [True, False]


async def test_jobs_whose_file_was_checked_and_not_kept_fail_and_say_why(
    sweeps: Sweeps, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.conversions.converter.lack_of_room", room_to_work_only)
    await fleet.connect(hello("phone"))
    spec = replace(SPEC, backbones=("PPLCNet_x0_25",), threads=(1, 2))
    started = await sweeps.start(spec)
    snapshot, reasons = await last_snapshot(sweeps, started.sweep_id)
    assert snapshot.phase is SweepPhase.ENDED
    assert snapshot.artifacts_done == snapshot.artifacts_total == 1
    detail = "made and checked, but not kept: the disk is full"
    assert reasons == [reason(ReasonCode.NO_ARTIFACT, {"detail": detail})] * 2


async def test_a_file_that_its_making_made_too_new_is_told_before_it_is_pushed(
    database: Database, sweeps: Sweeps, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the translation were asked for less than it then writes.
    monkeypatch.setattr("controller.sweeps.possible.known_files.TRANSLATED", OnnxVersions(7, 13))
    old = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.7.0")
    greeting = hello("phone")
    await fleet.connect(replace(greeting, profile=replace(greeting.profile, runtimes=(old,))))
    spec = replace(SPEC, backbones=("PPLCNet_x0_25",))
    started = await sweeps.start(spec)
    assert started.job_count == 1
    _snapshot, reasons = await last_snapshot(sweeps, started.sweep_id)
    assert [each.code for each in reasons] == [ReasonCode.FILE_TOO_NEW]
    assert (reasons[0].figures["opset"], reasons[0].figures["reads_opset"]) == (14, 13)
    # The next plan knows what was made.
    known = made_needs(database, ["PPLCNet_x0_25"])
    assert known == {ONNX[0]: FileNeeds(OnnxVersions(7, 14))}
    with pytest.raises(Refused):
        await sweeps.start(replace(spec, devices=("phone",)))


async def test_cancelling_a_sweep_ends_its_conversions(sweeps: Sweeps, fleet: Fleet) -> None:
    await fleet.connect(hello("phone"))
    sweep_id = (await sweeps.start(SPEC)).sweep_id
    async for snapshot in sweeps.watch(sweep_id):
        if any("exporting" in each.step for each in snapshot.activities):
            break
    assert await sweeps.cancel(sweep_id) is SweepPhase.CANCELLED
    assert fleet.gate.may_measure()
    assert running_steps() == []
    snapshot, _reasons = await last_snapshot(sweeps, sweep_id)
    assert snapshot.phase is SweepPhase.CANCELLED
    assert await sweeps.cancel(sweep_id) is SweepPhase.CANCELLED


def test_changes_are_not_missed_between_two_looks() -> None:
    async def look() -> int:
        changes = Changes()
        version = changes.version
        changes.notify()
        return await asyncio.wait_for(changes.after(version), timeout=5)

    assert asyncio.run(look()) == 1
