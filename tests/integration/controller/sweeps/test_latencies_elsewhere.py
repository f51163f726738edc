"""What is read of a device for predictions elsewhere: bounded, and the bound is of what counts."""

from typing import Any

from sqlalchemy import update

from controller.domain.measurements import Verdict
from controller.state.database import Database
from controller.state.measurements.elsewhere import LatencyElsewhere, list_latencies
from controller.state.schema import candidates, measurements
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import square
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.sweeps.races.test_races import CATALOG, NAMES, RACE, work_off

NETWORKS = {(each.name, each.input_size) for each in CATALOG}
FIRST, SECOND, THIRD, FOURTH, FIFTH, *_ = sorted(NAMES)


def read(database: Database, most: int) -> list[LatencyElsewhere]:
    return list_latencies(database, "id-of-pc", [Precision.FP32], NETWORKS, most)


def change(database: Database, backbone: str, table: Any, **values: Any) -> None:
    with database.writing() as transaction:
        transaction.execute(update(table).where(table.c.backbone == backbone).values(values))


def test_what_no_prediction_is_made_of_does_not_count_towards_the_bound(
    database: Database,
) -> None:
    start_sweep(database, "pc", **(RACE | {"race": None}))
    work_off(database, "id-of-pc")
    assert {each.backbone for each in read(database, len(NAMES))} == set(NAMES)
    change(database, FIRST, measurements, verdict=Verdict.DISTURBED)
    change(database, SECOND, candidates, input_size=square(96))
    change(database, THIRD, candidates, target=Target.OPENCL)
    with heard(database) as asked:
        found = read(database, 2)
    assert {each.backbone for each in found} == {FOURTH, FIFTH}
    (reading,) = [each for each in asked if "JOIN candidates" in each.text]
    assert walking(database, [reading]) == {}
    assert "ORDER BY measurements.backbone, measurements.candidate_id" in reading.text
