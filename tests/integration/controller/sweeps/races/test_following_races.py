"""Races go on beside what devices report: nobody's report waits for what a race computes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import cast

import pytest

from controller.conversions.converter import Converter
from controller.conversions.demand import Demand
from controller.conversions.requests import Listener
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.sweeps import SweepPhase
from controller.domain.sweeps.races import Race
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import SystemClock
from controller.fleet.reports import Recorded
from controller.fleet.rounds.ending import Settled
from controller.fleet.rounds.expecting import PIONEERS
from controller.fleet.rounds.following import Races
from controller.ranking.prediction.evidence import features_by_name
from controller.state import attempts
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, Transaction
from controller.state.devices import enrol, list_devices
from controller.state.jobs import cancel_jobs
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import SweepCounts, read_counts
from controller.state.rounds.courses import Place
from controller.state.sweeps import find_sweep
from controller.sweeps import lifecycle
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.planning import plan_sweep
from controller.sweeps.preparing.preparation import Preparing
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.features import load_features
from models.catalog.variants import Variant, WeightsKind
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.controller.conftest import OwnedClock, start_sweep, store_artifact
from tests.integration.controller.domain_samples import SPEC, hello, measured_report
from tests.measured import record_report
from tests.simulation.preparing import outcome_of

PHONE = "id-of-phone"
NAMES = ("MobileNetV1", "MobileNetV2", "ResNet18")


class OneMade:
    """A converter that makes the first file, while a race is decided, and never ends by itself."""

    def __init__(self, decide: Callable[[], None]) -> None:
        self._decide = decide
        self.demand = Demand()
        self.was_stopped = False

    async def ensure(
        self,
        variants: Sequence[Variant],
        kind: WeightsKind,  # noqa: ARG002 - the real one's
        listener: Listener,
    ) -> None:
        outcome, key = outcome_of(variants[0], is_refused=True)
        self._decide()
        try:
            await listener.on_outcome(variants[0], outcome, key)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_stopped = True
            raise


def raced(database: Database) -> tuple[Place, list[Recorded]]:
    """Where one and two threads race, each of which had a process, and what became of these."""
    store_catalog(database, load_catalog())
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 10), race=Race())
    recorded: list[Recorded] = []
    while (leased := attempts.lease_next(database, PHONE, 0)) is not None:
        latency_ns = 8_000_000 // leased.settings.threads
        report = measured_report(leased.attempt_id, leased.job_id, latency_ns)
        recorded.append(record_report(database, PHONE, report, 1_000))
    return Place(sweep_id=sweep_id, device_id=PHONE), recorded


def counts(database: Database, place: Place) -> SweepCounts:
    return read_counts(database, place.sweep_id)


def failing_once(database: Database) -> Database:
    """The same, whose first transaction fails as that of a full disk does."""
    failures = [EdgerankError(ErrorCode.STORAGE, "the disk is full")]

    @contextmanager
    def part() -> Iterator[Transaction]:
        if failures:
            raise failures.pop()
        with database.writing() as transaction:
            yield transaction

    return replace(database, part=part)


def test_the_last_report_of_a_round_says_where_the_race_is_to_go_on_and_decides_nothing(
    database: Database,
) -> None:
    place, recorded = raced(database)
    assert [each.following.race for each in recorded[:-1]] == [None] * (len(recorded) - 1)
    assert recorded[-1].following.race == place
    assert counts(database, place).still_racing is None
    assert JobState.QUEUED in counts(database, place).jobs


def test_a_race_that_could_not_go_on_goes_on_at_the_next_look(database: Database) -> None:
    place, _ = raced(database)
    told: list[str] = []

    async def look_twice() -> None:
        races = Races(failing_once(database), SystemClock(), told.append)
        races.soon((place,))
        await races.rest()
        assert told == []
        assert counts(database, place).still_racing is None
        races.soon()
        await races.rest()

    asyncio.run(look_twice())
    assert told == [PHONE]
    assert counts(database, place).still_racing == 0
    assert counts(database, place).jobs == {JobState.DONE: 2}


async def test_what_no_job_waits_for_any_more_is_not_converted(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    known = list_devices(database, connected=frozenset({PHONE}))
    spec = replace(SPEC, devices=("phone",), backbones=NAMES, sentinel=False, race=Race())
    planned = plan_sweep(spec, known, load_catalog()).jobs
    sweep_id = create_sweep(database, spec, planned, 0)
    converter = OneMade(partial(cancel_jobs, database, sweep_id))
    changes = Changes()
    preparing = Preparing(database, fleet, cast(Converter, converter), changes, clock)
    preparing.soon(find_sweep(database, sweep_id))
    seen = changes.version
    while find_sweep(database, sweep_id).phase is not SweepPhase.ENDED:
        seen = await asyncio.wait_for(changes.after(seen), 60)
    await preparing.close()
    assert converter.was_stopped


async def test_the_agents_that_report_are_given_what_follows_until_the_race_is_decided(
    database: Database, fleet: Fleet, changes: Changes
) -> None:
    store_catalog(database, load_catalog())
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 10), race=Race())
    session = await fleet.connect(hello("phone"))
    processes = 0
    while find_sweep(database, sweep_id).phase is not SweepPhase.ENDED:
        seen = changes.version
        await fleet.ready(session)
        if not session.leases:
            await asyncio.wait_for(changes.after(seen), 60)
            continue
        (lease,) = session.leases.values()
        processes += 1
        # Too alike to be told apart by few processes.
        latency_ns = 8_000_000 + 300_000 * (lease.settings.threads - processes % 2)
        await fleet.report(session, measured_report(lease.attempt_id, lease.job_id, latency_ns))
    assert processes > len(read_counts(database, sweep_id).jobs) + 1
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 2}


class AllMade:
    """A converter that makes at once what it is asked for, and remembers it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.demand = Demand()
        self.made: list[str] = []

    async def ensure(
        self,
        variants: Sequence[Variant],
        kind: WeightsKind,  # noqa: ARG002 - the real one's
        listener: Listener,
    ) -> None:
        for variant in variants:
            self.made.append(variant.backbone)
            outcome, _ = outcome_of(variant, is_refused=False)
            await listener.on_outcome(variant, outcome, store_artifact(self._database, variant))


async def test_a_file_is_made_when_the_race_first_wants_it_and_no_other(
    database: Database, fleet: Fleet, changes: Changes, clock: OwnedClock
) -> None:
    store_catalog(database, load_catalog())
    session = await fleet.connect(hello("phone"))
    known = list_devices(database, connected=frozenset({PHONE}))
    features = features_by_name(load_catalog(), load_features())
    names = sorted(
        (each.name for each in load_catalog() if each.top1 is not None and each.name in features),
        key=lambda name: features[name].multiply_adds,
    )[20:60]
    spec = replace(
        SPEC,
        devices=("phone",),
        backbones=tuple(names),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=(1,),
        fewest_repetitions=1,
        most_repetitions=10,
        sentinel=False,
        race=Race(max_latency_ms=10_000.0),
    )
    sweep_id = create_sweep(database, spec, plan_sweep(spec, known, load_catalog()).jobs, 0)
    converter = AllMade(database)
    preparing = Preparing(database, fleet, cast(Converter, converter), changes, clock)
    preparing.soon(find_sweep(database, sweep_id))
    measured = set()
    while find_sweep(database, sweep_id).phase is not SweepPhase.ENDED:
        seen = changes.version
        await fleet.ready(session)
        if not session.leases:
            await asyncio.wait_for(changes.after(seen), 60)
            continue
        (lease,) = session.leases.values()
        measured.add(lease.backbone)
        latency_ns = 500_000 + features[lease.backbone].multiply_adds // 30
        await fleet.report(session, measured_report(lease.attempt_id, lease.job_id, latency_ns))
    await preparing.close()
    assert len(converter.made) == len(set(converter.made))
    assert measured == set(converter.made)
    assert PIONEERS <= len(measured) < len(names)


async def test_a_race_that_is_cancelled_keeps_the_figures_of_all_that_it_measured(
    database: Database, sweeps: Sweeps
) -> None:
    sweep_id = with_one_measured(database)
    assert await sweeps.cancel(sweep_id) is SweepPhase.CANCELLED
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1, JobState.CANCELLED: 1}
    (outcome,) = [each for each in list_outcomes(database, sweep_id) if each.reasons]
    codes = [each.code for each in outcome.reasons]
    assert codes == [ReasonCode.ONE_PROCESS, ReasonCode.RACE_UNDECIDED]


async def test_a_race_whose_figures_cannot_be_read_is_cancelled_all_the_same(
    database: Database, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_database: Database, _sweep_id: str) -> list[Settled]:
        raise EdgerankError(ErrorCode.DAMAGED, "a row cannot be read")

    monkeypatch.setattr(lifecycle, "measured_of_race", unreadable)
    sweep_id = with_one_measured(database)
    assert await sweeps.cancel(sweep_id) is SweepPhase.CANCELLED
    assert read_counts(database, sweep_id).jobs == {JobState.CANCELLED: 2}


def with_one_measured(database: Database) -> str:
    """The id of a race of two, of which one had a process."""
    store_catalog(database, load_catalog())
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 10), race=Race())
    leased = attempts.lease_next(database, PHONE, 0)
    assert leased is not None
    report = measured_report(leased.attempt_id, leased.job_id, 8_000_000)
    record_report(database, PHONE, report, 1_000)
    return sweep_id
