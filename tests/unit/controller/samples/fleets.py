"""Rankings of whole fleets."""

from controller.domain.rankings import Constraints
from controller.ranking.fleet import DeviceFigures, rank_fleet
from models.catalog.catalog import IMAGENET, Catalog
from tests.unit.controller.samples.measurements import backbone, measurement

FLEET_RANKING = rank_fleet(
    [
        DeviceFigures(device="pc", measurements=[measurement("A", device="pc")]),
        DeviceFigures(
            device="board",
            measurements=[measurement("A", device="board"), measurement("B", device="board")],
        ),
        DeviceFigures(device="new", measurements=[]),
    ],
    Constraints(),
    Catalog([backbone("A"), backbone("B")]),
    IMAGENET,
)
