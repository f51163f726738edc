"""What a race learns from other devices: read once, kept until it ends, bounded in memory."""

import gc
import weakref
from typing import Any

import pytest

from controller.domain.sweeps import SweepPhase
from controller.fleet.rounds import others
from controller.fleet.rounds.others import elsewhere_of
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, connected_database
from controller.state.devices.emulators import mark_emulated
from controller.state.rounds.courses import Place
from controller.state.sweeps import set_phase
from models.catalog.precisions import Precision
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.sweeps.races.test_races import (
    CATALOG,
    NAMES,
    PHONE,
    RACE,
    work_off,
)
from tests.integration.controller.sweeps.races.test_races_in_precisions import bring

INT8 = Precision.INT8_DYNAMIC


def measure(database: Database, device: str, **changes: Any) -> None:
    start_sweep(database, device, **(RACE | {"race": None} | changes))
    work_off(database, f"id-of-{device}")


def begin_race(database: Database, device: str = "phone", **changes: Any) -> Place:
    sweep_id = start_sweep(database, device, repetitions=(1, 10), **(RACE | changes))
    return Place(sweep_id=sweep_id, device_id=f"id-of-{device}")


@pytest.fixture
def fleet(database: Database) -> Database:
    """A controller to which another device has told what networks take."""
    store_catalog(database, CATALOG)
    measure(database, "pc")
    return database


def test_what_other_devices_took_is_read_once_a_race_and_only_what_tells(
    fleet: Database,
) -> None:
    measure(fleet, "emulated")
    mark_emulated(fleet, "id-of-emulated", "qemu")
    place = begin_race(fleet)
    with heard(fleet) as asked:
        found = elsewhere_of(fleet, place)
    (only,) = found[Precision.FP32]
    assert only.setting == "pc, onnxruntime, 1"
    assert len(only.values) == len(NAMES)
    of_latencies = [each for each in asked if "JOIN candidates" in each.text]
    assert len(of_latencies) == 1
    assert walking(fleet, of_latencies) == {}
    with heard(fleet) as asked:
        assert elsewhere_of(fleet, place) is found
    assert asked == []
    # What it is asked of next is another race.
    other = Place(sweep_id=place.sweep_id, device_id="id-of-pc")
    assert not any(elsewhere_of(fleet, other).values())


def test_of_races_that_go_on_at_once_none_reads_again_and_an_ended_one_is_let_go(
    fleet: Database,
) -> None:
    places = [begin_race(fleet) for _ in range(40)]
    found = [elsewhere_of(fleet, place) for place in places]
    # What is measured meanwhile is of the next race.
    measure(fleet, "board")
    with heard(fleet) as asked:
        assert all(
            elsewhere_of(fleet, place) is kept for place, kept in zip(places, found, strict=True)
        )
    assert asked == []
    for place in places[1:]:
        set_phase(fleet, place.sweep_id, SweepPhase.CANCELLED, 0)
    assert len(elsewhere_of(fleet, begin_race(fleet))[Precision.FP32]) == 2
    assert elsewhere_of(fleet, places[0]) is found[0]
    assert elsewhere_of(fleet, places[1]) is not found[1]


def test_a_race_that_ends_lets_go_of_what_it_learned_from(fleet: Database) -> None:
    place = begin_race(fleet)
    found = weakref.ref(elsewhere_of(fleet, place)[Precision.FP32][0])
    assert found() is not None
    work_off(fleet)
    gc.collect()
    assert found() is None


def test_where_there_is_no_room_a_race_goes_without_to_its_end(
    fleet: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "MOST_FIGURES_KEPT", len(NAMES) + 1)
    first, second = begin_race(fleet), begin_race(fleet)
    assert elsewhere_of(fleet, first)[Precision.FP32]
    assert elsewhere_of(fleet, second) == {}
    set_phase(fleet, first.sweep_id, SweepPhase.CANCELLED, 0)
    third = begin_race(fleet)
    assert elsewhere_of(fleet, third)[Precision.FP32]
    with heard(fleet) as asked:
        assert elsewhere_of(fleet, second) == {}
    assert asked == []


def test_what_is_kept_goes_with_the_database(fleet: Database) -> None:
    again = connected_database(str(fleet.engine.url))
    elsewhere_of(again, begin_race(fleet))
    kept = weakref.ref(again)
    again.close()
    del again
    gc.collect()
    assert kept() is None


def test_a_race_in_another_precision_learns_from_that_and_fp32_elsewhere(fleet: Database) -> None:
    bring(fleet)
    measure(fleet, "pc", precisions=(INT8,))
    place = begin_race(fleet, "phone", precisions=(Precision.FP32, INT8))
    found = elsewhere_of(fleet, place)
    assert {each.setting for each in found[Precision.FP32]} == {"pc, onnxruntime, 1"}
    assert {each.setting for each in found[INT8]} == {
        "pc, onnxruntime, 1",
        "pc, onnxruntime, 1, int8-dynamic",
    }
    assert place.device_id == PHONE
