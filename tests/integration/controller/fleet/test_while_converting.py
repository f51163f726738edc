"""Devices measure what is there while other files are made, and rounds stay rounds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.rounds.settling import settle_report
from controller.fleet.rounds.turns import SENTINEL_EVERY
from controller.state import attempts, jobs, sweeps
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.jobs import Role, ending
from controller.state.rounds.counts import read_counts
from controller.state.rounds.courses import Place
from controller.state.rounds.needs import list_idle, list_needs
from controller.state.rounds.turns import LeasedTurn
from controller.sweeps.planning import SENTINEL_BACKBONE, plan_sweep
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import Variant
from protos.fleet import Lease
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import start_sweep, store_artifact
from tests.integration.controller.domain_samples import SPEC, hello, measured_report
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.fleet.test_counts import a_database
from tests.integration.controller.fleet.test_fleet import said
from tests.measured import record_report

PHONE = "id-of-phone"


class Begun:
    """A sweep of one device whose files a test lets be made, one after another."""

    def __init__(self, database: Database, variants: int = 3, **asked: object) -> None:
        self._database = database
        enrol(database, hello("phone"), now_unix_ms=0)
        known = list_devices(database, connected=frozenset({PHONE}))
        batches = tuple(range(1, variants + 1))
        asked = {"fewest_repetitions": 2, "most_repetitions": 2, "batches": batches} | asked
        spec = replace(SPEC, devices=("phone",), **asked)  # type: ignore[arg-type]
        planned = plan_sweep(spec, known, load_catalog()).jobs
        self.sweep_id = create_sweep(database, spec, planned, 0)

    def waiting(self, role: Role = Role.CANDIDATE) -> tuple[Variant, ...]:
        return jobs.waiting_variants(self._database, self.sweep_id, role)

    def make(self, variant: Variant, role: Role = Role.CANDIDATE) -> frozenset[str]:
        """A file is made; gives the devices that waited for it."""
        key = store_artifact(self._database, variant)
        return jobs.queue_jobs(self._database, self.sweep_id, role, variant, key)

    def refuse(self, variant: Variant) -> None:
        """A file cannot be made, and its jobs fail."""
        waiting = jobs.waiting_jobs(self._database, self.sweep_id, Role.CANDIDATE, variant)
        for job_id, device_id in waiting.items():
            why = (reason(ReasonCode.NO_ARTIFACT, {"detail": "a tool said no"}),)
            ending.record_failure(self._database, job_id, why, 0)
            place = Place(sweep_id=self.sweep_id, device_id=device_id)
            settle_report(self._database, LeasedTurn(place=place, job_id=job_id, ordinal=0), 0)

    def measure(self) -> list[Lease]:
        """Measures all that can be; gives it in order."""
        measured = []
        while (lease := attempts.lease_next(self._database, PHONE, 0)) is not None:
            measured.append(lease)
            record_report(self._database, PHONE, measured_report(lease.attempt_id, lease.job_id), 0)
        return measured


def test_nothing_is_leased_before_a_file_is_there_and_what_is_there_at_once(
    database: Database,
) -> None:
    begun = Begun(database)
    assert not attempts.has_next(database, PHONE)
    assert begun.measure() == []
    first, second, _third = begun.waiting()
    assert begun.make(second) == {PHONE}
    assert attempts.has_next(database, PHONE)
    assert [lease.settings.takes.batch for lease in begun.measure()] == [second.batch]
    begun.make(first)
    assert [lease.settings.takes.batch for lease in begun.measure()] == [first.batch]
    assert sweeps.find_sweep(database, begun.sweep_id).phase is SweepPhase.CONVERTING


def test_no_job_is_measured_a_second_time_before_every_other_was_measured_or_failed(
    database: Database,
) -> None:
    begun = Begun(database)
    first, second, third = begun.waiting()
    begun.make(first)
    assert [lease.ordinal for lease in begun.measure()] == [0]
    begun.refuse(second)
    assert begun.measure() == []
    begun.make(third)
    assert [lease.ordinal for lease in begun.measure()] == [0, 1, 1]


def test_a_job_ends_with_its_figures_while_files_of_others_are_made(database: Database) -> None:
    begun = Begun(database, fewest_repetitions=1, most_repetitions=1)
    begun.make(begun.waiting()[0])
    begun.measure()
    counts = read_counts(database, begun.sweep_id)
    assert {state.value: count for state, count in counts.jobs.items()} == {"done": 1, "waiting": 2}


def test_when_the_last_file_that_was_waited_for_cannot_be_made_another_round_follows(
    database: Database,
) -> None:
    begun = Begun(database, fewest_repetitions=1, most_repetitions=2, relative_half_width=0.0001)
    first, *others = begun.waiting()
    begun.make(first)
    begun.measure()
    for variant in others:
        begun.refuse(variant)
    assert [lease.ordinal for lease in begun.measure()] == [1]


@given(st.integers(0, 2**32), st.integers(1, 25), st.integers(1, 3))
@settings(max_examples=25)
def test_rounds_and_readings_are_what_they_are_in_whatever_order_files_are_made(
    seed: int, variants: int, repetitions: int
) -> None:
    random = Random(seed)
    with a_database() as database:
        asked = {"fewest_repetitions": repetitions, "most_repetitions": repetitions}
        begun = Begun(database, variants, sentinel=True, **asked)
        measured: list[Lease] = []
        (sentinel,) = begun.waiting(Role.SENTINEL)
        begun.make(sentinel, Role.SENTINEL)
        to_make = random.sample(begun.waiting(), variants)
        while to_make:
            for variant in [to_make.pop() for _ in range(min(len(to_make), random.randint(1, 4)))]:
                begun.make(variant)
            measured += begun.measure()
        check_order(measured, variants, repetitions)


def check_order(measured: Sequence[Lease], variants: int, repetitions: int) -> None:
    """Every round is whole before the next begins, and a reading comes before every ten."""
    is_reading = [lease.backbone == SENTINEL_BACKBONE for lease in measured]
    others = [lease for lease in measured if lease.backbone != SENTINEL_BACKBONE]
    assert [lease.ordinal for lease in others] == [
        ordinal for ordinal in range(repetitions) for _ in range(variants)
    ]
    assert set(Counter(lease.job_id for lease in others).values()) == {repetitions}
    readings = [at for at, is_one in enumerate(is_reading) if is_one]
    before_last = readings[:-1]
    assert before_last == [number * (SENTINEL_EVERY + 1) for number in range(len(before_last))]
    # The last one follows on the last repetition.
    assert readings[-1] == len(measured) - 1


@pytest.mark.parametrize("variants", [12, 40])
def test_no_lease_walks_or_sorts_while_files_are_made(database: Database, variants: int) -> None:
    begun = Begun(database, variants, sentinel=True)
    (sentinel,) = begun.waiting(Role.SENTINEL)
    begun.make(sentinel, Role.SENTINEL)
    for variant in begun.waiting()[: variants // 2]:
        begun.make(variant)
    with heard(database) as asked:
        assert len(begun.measure()) >= variants // 2
        assert begun.measure() == []
        begun.make(begun.waiting()[-1])
    assert walking(database, asked) == {}


async def test_an_agent_on_the_controllers_own_machine_waits_until_all_is_converted(
    database: Database, fleet: Fleet
) -> None:
    begun = Begun(database)
    begun.make(begun.waiting()[0])
    session = await fleet.connect(hello("phone", hostname="the-controllers-host"))
    await fleet.ready(session)
    assert not any(isinstance(each, Lease) for each in said(session))
    sweeps.set_phase(database, begun.sweep_id, SweepPhase.MEASURING, 0)
    await fleet.dispatch_all()
    assert [type(each) for each in said(session)] == [Lease]


async def test_a_device_elsewhere_has_its_lease_as_soon_as_it_is_told_of_a_file(
    database: Database, fleet: Fleet
) -> None:
    begun = Begun(database)
    session = await fleet.connect(hello("phone"))
    await fleet.ready(session)
    said(session)
    fleet.dispatch_soon(begun.make(begun.waiting()[0]))
    assert isinstance(await session.outbox.get(), Lease)


def test_what_a_sweep_needs_is_told_by_backbone_and_device_with_its_first_turn(
    database: Database,
) -> None:
    backbones = ("PPLCNet_x0_25", "PPLCNet_x0_35")
    begun = Begun(database, sentinel=True, backbones=backbones, batches=())
    needs = list_needs(database, begun.sweep_id)
    assert needs[SENTINEL_BACKBONE] == {PHONE: 0}
    assert sorted(needs[name][PHONE] for name in backbones) == [1, 2]
    begun.make(begun.waiting()[0])
    assert len(list_needs(database, begun.sweep_id)) == 2


def test_a_device_with_a_job_of_any_sweep_that_it_can_have_is_not_idle(database: Database) -> None:
    begun = Begun(database)
    start_sweep(database, "board")
    assert list_idle(database, [PHONE, "id-of-board"]) == {PHONE}
    begun.make(begun.waiting()[0])
    assert list_idle(database, [PHONE, "id-of-board"]) == set()
    begun.measure()
    sweeps.set_phase(database, begun.sweep_id, SweepPhase.CANCELLED, 0)
    assert list_idle(database, [PHONE]) == {PHONE}
