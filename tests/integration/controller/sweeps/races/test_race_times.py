"""A race needs time for its first round, which is of those alone that tell of the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.conversions.stored import Shelf
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.races import Race
from controller.fleet.rounds.expecting import PIONEERS
from controller.fleet.rounds.networks import known_networks
from controller.ranking.prediction.evidence import features_by_name
from controller.state.blobs import open_blobs
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.sweeps.prospects.enough_time import first_round
from controller.sweeps.prospects.planner import Planner
from models.catalog.catalog import load_catalog
from models.catalog.features import load_features
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.integration.controller.domain_samples import SPEC, hello

CATALOG = load_catalog()
PHONE = "id-of-phone"
NAMES = tuple(
    each.name
    for each in CATALOG
    if each.top1 is not None and each.name in features_by_name(CATALOG, load_features())
)[:40]
# Enough for the pioneers, at 0.3 s each at least, and not for everybody.
RACE = replace(
    SPEC,
    devices=("phone",),
    backbones=NAMES,
    runtimes=(Runtime.ONNXRUNTIME,),
    threads=(1,),
    weights=WeightsKind.PRETRAINED,
    fewest_repetitions=1,
    most_repetitions=10,
    sentinel=False,
    time_ms=5_000,
    race=Race(),
)


@pytest.fixture
def planner(database: Database, tmp_path: Path) -> Planner:
    enrol(database, hello("phone"), now_unix_ms=0)
    return Planner(Shelf(database, open_blobs(tmp_path), tmp_path / "weights"), CATALOG)


def test_a_time_that_holds_the_pioneers_is_enough(database: Database, planner: Planner) -> None:
    devices = list_devices(database, connected=frozenset({PHONE}))
    prospect = planner.prospect(RACE, devices)
    assert len(prospect.by_device[PHONE]) == len(NAMES)
    assert (
        len(first_round(prospect, CATALOG, known_networks(database)).by_device[PHONE]) == PIONEERS
    )
    planner.check_time(RACE, prospect)


@pytest.mark.parametrize(
    "spec",
    [
        replace(RACE, time_ms=1_000),
        # Each number of threads has pioneers of its own.
        replace(RACE, threads=(1, 2)),
    ],
)
def test_a_time_too_short_for_the_first_round_is_refused(
    database: Database, planner: Planner, spec: SweepSpec
) -> None:
    devices = list_devices(database, connected=frozenset({PHONE}))
    with pytest.raises(EdgerankError) as refused:
        planner.check_time(spec, planner.prospect(spec, devices))
    assert refused.value.code is ErrorCode.OUT_OF_RANGE
