"""A race of many candidates: those that tell most are measured, and who surely loses never is."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.domain.jobs import JobState
from controller.domain.measurements import MeasurementFilter
from controller.domain.sweeps.races import Race
from controller.fleet.rounds.expecting import PIONEERS
from controller.fleet.rounds.settling import settle_sweep
from controller.ranking.prediction.evidence import features_by_name
from controller.state import attempts
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.rounds.counts import read_counts
from controller.sweeps.planning import SENTINEL_BACKBONE
from controller.sweeps.starting import Before
from models.catalog.catalog import load_catalog
from models.catalog.features import load_features
from protos.runtimes import Runtime
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.sweeps.races.leases import measure_leases, off_by
from tests.processes.states import begun_database

CATALOG = load_catalog()
PHONE = "id-of-phone"
FEATURES = features_by_name(CATALOG, load_features())
NAMES = tuple(
    sorted(
        (each.name for each in CATALOG if each.top1 is not None and each.name in FEATURES),
        key=lambda name: FEATURES[name].multiply_adds,
    )[20:46]
)
RACE: dict[str, Any] = {
    "backbones": NAMES,
    "runtimes": (Runtime.ONNXRUNTIME,),
    "sentinel": False,
    "race": Race(),
}


def latency_ms(name: str) -> float:
    does = FEATURES[name]
    return 0.5 + does.multiply_adds / 3e7 + does.traffic_bytes / 5e7


def off_ms(name: str) -> float:
    """What they take where something that no count tells is off by up to 80 %, on any device."""
    return latency_ms(name) * math.exp(0.6 * math.sin(FEATURES[name].multiply_adds))


def front(takes_ms: Callable[[str], float] = latency_ms) -> set[str]:
    """Who is beaten by nobody that is as accurate, by what they truly take."""
    top1s = {name: CATALOG.get(name).top1 or 0.0 for name in NAMES}
    return {
        name
        for name in NAMES
        if not any(
            other != name
            and top1s[other] >= top1s[name]
            and takes_ms(other) < takes_ms(name) / 1.02
            for other in NAMES
        )
    }


def work_off(
    database: Database, device_id: str = PHONE, takes_ms: Callable[[str], float] = latency_ms
) -> list[str]:
    """Measures all that waits, a second each; the backbones in order."""
    return [
        lease.backbone
        for lease in measure_leases(
            database,
            device_id,
            lambda lease, ordinal: takes_ms(lease.backbone) * off_by(ordinal),
        )
    ]


def test_the_front_is_measured_who_surely_loses_is_not_and_the_next_race_has_fewer_to_measure(
    database: Database,
) -> None:
    store_catalog(database, CATALOG)
    sweep_id = start_sweep(database, "phone", repetitions=(1, 10), **RACE)
    taken = work_off(database)
    figures = list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
    measured = {each.backbone for each in figures}
    assert measured == set(taken)
    assert PIONEERS <= len(measured) < len(NAMES)
    assert len(set(taken[:PIONEERS])) == PIONEERS
    assert front() <= measured
    counts = read_counts(database, sweep_id)
    assert counts.jobs == {
        JobState.DONE: len(measured),
        JobState.CANCELLED: len(NAMES) - len(measured),
    }
    assert counts.still_racing == 0

    limit_ms = sorted(map(latency_ms, NAMES))[len(NAMES) // 3]
    start_sweep(
        database, "phone", repetitions=(1, 10), **(RACE | {"race": Race(max_latency_ms=limit_ms)})
    )
    again = set(work_off(database))
    assert len(again) < len(set(taken))
    top1s = {name: CATALOG.get(name).top1 or 0.0 for name in NAMES}
    within = [name for name in NAMES if latency_ms(name) <= limit_ms / 1.02]
    assert max(within, key=top1s.__getitem__) in again


def test_a_race_whose_pioneers_were_measured_before_reads_the_sentinel_before_the_others(
    database: Database,
) -> None:
    store_catalog(database, CATALOG)
    # Of one that was quantised no accuracy of fp32 is known, so that it is measured at once.
    names = [name for name in NAMES if "int8" not in name]
    known, others = names[: PIONEERS + 1], names[PIONEERS + 1 :]
    before = start_sweep(database, "phone", **(RACE | {"backbones": tuple(known), "race": None}))
    work_off(database)
    figures = list_measurements(database, MeasurementFilter(sweep_id=before))
    sweep_id = start_sweep(
        database,
        "phone",
        repetitions=(1, 10),
        before=Before(reused=[each.job_id for each in figures]),
        **(RACE | {"backbones": tuple(others), "sentinel": True}),
    )
    assert attempts.lease_next(database, PHONE, 0) is None
    settle_sweep(database, sweep_id, 0)
    assert work_off(database)[0] == SENTINEL_BACKBONE


def test_a_race_beside_a_device_that_measured_much_measures_fewer_and_finds_the_same_front(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "alone").mkdir()
    alone = begun_database(tmp_path / "alone")
    taken = {}
    for each in (alone, database):
        store_catalog(each, CATALOG)
        if each is database:
            start_sweep(each, "pc", **(RACE | {"race": None}))
            work_off(each, "id-of-pc", lambda name: off_ms(name) / 3)
        start_sweep(each, "phone", repetitions=(1, 10), **RACE)
        taken[each] = work_off(each, takes_ms=off_ms)
        assert front(off_ms) <= set(taken[each])
    alone.close()
    assert set(taken[database]) < set(NAMES)
    assert len(taken[database]) < len(taken[alone])
