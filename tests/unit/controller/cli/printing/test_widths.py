"""No table loses a name or a figure at any width from 40 columns on."""

from collections.abc import Callable
from typing import Any

import pytest

from controller.cli.accuracy import print_datasets
from controller.cli.printing.conversions import print_conversions
from controller.cli.printing.models import print_models
from controller.cli.printing.profile import print_profile
from controller.cli.printing.rankings.comparison import print_comparison
from controller.cli.printing.rankings.device import print_ranking
from controller.domain.catalog import AccuracyMetric, Dataset
from controller.domain.comparisons import Change
from controller.domain.rankings import Constraints
from controller.ranking.ranking import rank
from controller.views.conversions.rows import conversion_rows
from controller.views.operator_times import summarise
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from protos.inputs import ImageSize, square
from protos.runtimes import Runtime
from tests.unit.controller.cli.printing.rankings.test_comparison import comparison, pair
from tests.unit.controller.samples.conversions import whole
from tests.unit.controller.samples.measurements import DEVICE, catalog, measurement
from tests.unit.controller.samples.pages import printed
from tests.unit.controller.samples.profiles import PROFILE

LONGEST = "SwinTransformerV2_large_patch4_window24_384_22kto1k"
CATALOG = load_catalog()
# Small own models have the longest figures.
SMALL = measurement("夜間モデル", 0.0948, 0.0001, top1=66.6)
RANKING = rank(
    DEVICE,
    [SMALL, measurement(LONGEST, 1234.5, 2, top1=87.2)],
    Constraints(),
    catalog(A=75),
    tuple(Runtime),
)
COMPARISON = comparison(
    pair(Change.SLOWER, 1.2, a=SMALL, b=SMALL, is_regression=True),
    pair(Change.FASTER, 0.5, a=measurement(LONGEST, 10.2)),
)
DATASET = Dataset(
    name=f"夜間の花 {'of-the-north-' * 4}",
    backbone_count=338,
    figure_count=1_200,
    metrics=tuple(AccuracyMetric),
    precisions=tuple(Precision),
    input_sizes=(square(224), square(256), ImageSize(48, 192), square(600)),
)
TABLES: tuple[tuple[Callable[..., None], tuple[Any, ...], dict[str, Any], tuple[str, ...]], ...] = (
    (
        print_ranking,
        (RANKING,),
        {},
        ("夜間モデル", LONGEST, "0.0948ms[0.0947,0.0949]", "87.20", "40.0MB"),
    ),
    (
        print_comparison,
        (COMPARISON,),
        {},
        ("夜間モデル", LONGEST, "1.200[1.176,1.236]", "0.0948", "10.2", "regression"),
    ),
    (
        print_conversions,
        (conversion_rows(whole("ResNet50"), CATALOG),),
        {},
        ("ResNet50", "fp32", "224", "12"),
    ),
    (
        print_models,
        ([CATALOG.get(LONGEST), CATALOG.get("ResNet50")],),
        {},
        (LONGEST, f"{CATALOG.get(LONGEST).top1:.2f}", "76.50", "25.61"),
    ),
    (
        print_profile,
        (summarise(PROFILE, None),),
        {"by_layer": True},
        tuple(layer.name for layer in PROFILE.times.layers),
    ),
    (
        print_datasets,
        ((DATASET,),),
        {},
        ("".join(DATASET.name.split()), "338", "top1,top5", "int8-static", "224to600"),
    ),
)


@pytest.mark.parametrize("width", range(40, 121, 5))
@pytest.mark.parametrize(("show", "shown", "options", "told"), TABLES)
def test_no_table_loses_a_name_or_a_figure(
    show: Callable[..., None],
    shown: tuple[Any, ...],
    options: dict[str, Any],
    told: tuple[str, ...],
    width: int,
) -> None:
    page = "".join(printed(show, *shown, width=width, **options).split())
    assert [each for each in told if each not in page] == []
    assert "…" not in page
