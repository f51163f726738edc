"""A race of fp32 and of another precision: each by its own top-1, and by what it took itself."""

from typing import Any

from sqlalchemy import select

from controller.domain.catalog import AccuracyFigure, AccuracyMetric
from controller.domain.measurements import MeasurementFilter
from controller.domain.rankings import Constraints, Merit
from controller.domain.sweeps.races import Race
from controller.fleet.rounds.expecting import PIONEERS
from controller.own.accuracy import import_accuracies
from controller.ranking.ranking import rank
from controller.state.catalog.accuracy import store_catalog, top1_by_precision
from controller.state.catalog.candidates import racing_jobs
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.rounds.courses import Place
from controller.state.schema import jobs
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from protos.fleet import Lease
from protos.inputs import ImageSize, square
from protos.runtimes import Runtime
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.sweeps.races.leases import measure_leases, off_by
from tests.integration.controller.sweeps.races.test_races import CATALOG, NAMES, PHONE, latency_ms

INT8 = Precision.INT8_DYNAMIC
# Of the others nobody knows how accurate they are in int8.
KNOWN = tuple(name for name in NAMES if "int8" not in name)[::2] + NAMES[1:9:2]
LOST_TOP1 = 0.8
FASTER = 0.5
RACE: dict[str, Any] = {
    "backbones": tuple(name for name in NAMES if "int8" not in name),
    "runtimes": (Runtime.ONNXRUNTIME,),
    "precisions": (Precision.FP32, INT8),
    "sentinel": False,
    "race": Race(),
}


def accuracy(name: str, percent: float, size: ImageSize | None = None) -> AccuracyFigure:
    return AccuracyFigure(
        row=2,
        backbone=name,
        dataset=IMAGENET,
        metric=AccuracyMetric.TOP1,
        value_percent=percent,
        precision=INT8,
        source="ours",
        input_size=size,
    )


def bring(database: Database) -> None:
    """Lets the catalog be known, and of some backbones how accurate they are in int8."""
    store_catalog(database, CATALOG)
    figures = [accuracy(name, (CATALOG.get(name).top1 or 0.0) - LOST_TOP1) for name in KNOWN]
    import_accuracies(database, figures, CATALOG, now_unix_ms=0)


def taken_ms(name: str, precision: Precision) -> float:
    return latency_ms(name) * (FASTER if precision is INT8 else 1.0)


def work_off(database: Database) -> list[tuple[str, Precision]]:
    """Measures all that waits, a second each; the candidates in order."""

    def candidate(lease: Lease) -> tuple[str, Precision]:
        of_job = select(jobs.c.precision).where(jobs.c.job_id == lease.job_id)
        with database.transaction() as transaction:
            return lease.backbone, transaction.scalars(of_job).one()

    leases = measure_leases(
        database, PHONE, lambda lease, ordinal: taken_ms(*candidate(lease)) * off_by(ordinal)
    )
    return [candidate(lease) for lease in leases]


def test_each_precision_has_pioneers_and_who_surely_loses_in_either_is_never_measured(
    database: Database,
) -> None:
    bring(database)
    sweep_id = start_sweep(database, "phone", repetitions=(1, 10), **RACE)
    taken = work_off(database)
    measured = set(taken)
    raced = {(name, Precision.FP32) for name in RACE["backbones"]} | {(n, INT8) for n in KNOWN}
    assert measured < raced
    for precision in RACE["precisions"]:
        first = {each for each in taken[: 2 * PIONEERS] if each[1] is precision}
        assert len(first) == min(PIONEERS, sum(each[1] is precision for each in raced))
    figures = list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
    assert {(each.backbone, each.precision) for each in figures} == measured
    # By what each truly takes, and by the top-1 that is known of it in its precision.
    top1s = top1_by_precision(database, CATALOG)
    assert {
        each
        for each in raced
        if not any(
            top1s[other] >= top1s[each] and taken_ms(*other) < taken_ms(*each) / 1.02
            for other in raced - {each}
        )
    } <= measured
    limit_ms = sorted(taken_ms(*each) for each in raced)[len(raced) // 3]
    asked = Constraints(max_latency_ms=limit_ms, by=Merit.ACCURACY)
    winner = rank("phone", figures, asked, CATALOG).winner
    assert winner is not None
    assert winner.measurement.precision is INT8


def test_the_top1_that_a_precision_races_by_is_the_one_that_it_is_ranked_by(
    database: Database,
) -> None:
    name, other, *_ = RACE["backbones"]
    own = CATALOG.get(name).input_size
    bring(database)
    further = [accuracy(name, 11.0, square(96)), accuracy(name, 33.0, own), accuracy(other, 22.0)]
    import_accuracies(database, further, CATALOG, now_unix_ms=1)
    sweep_id = start_sweep(database, "phone", repetitions=(1, 10), **RACE)
    with database.transaction() as transaction:
        racing = racing_jobs(transaction, Place(sweep_id=sweep_id, device_id=PHONE))
    top1s = top1_by_precision(database, CATALOG)
    assert {(each.backbone, each.precision): each.top1 for each in racing} == {
        (each.backbone, each.precision): top1s[each.backbone, each.precision] for each in racing
    }
    assert (top1s[name, INT8], top1s[other, INT8]) == (33.0, 22.0)
