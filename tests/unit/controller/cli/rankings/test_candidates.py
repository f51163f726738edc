"""Who races where no backbone is named: those whose accuracy is known in what is asked for."""

import pytest

from controller.cli.rankings.racing import Racing, candidates
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime

FP32, INT8_DYNAMIC = Precision.FP32, Precision.INT8_DYNAMIC
CATALOG = load_catalog()
KNOWN = {each.name for each in CATALOG if each.top1 is not None}
UNKNOWN = {each.name for each in CATALOG} - KNOWN


def raced(catalog: Catalog, *precisions: Precision, names: str | None = None) -> set[str]:
    racing = Racing(
        device="pc",
        names=names,
        tier=None,
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=(1,),
        weights=WeightsKind.PRETRAINED,
        precisions=precisions,
    )
    return set(candidates(racing, catalog))


@pytest.mark.parametrize("precisions", [(), (FP32,), (FP32, INT8_DYNAMIC)])
def test_as_they_come_only_those_race_whose_accuracy_is_known(
    precisions: tuple[Precision, ...],
) -> None:
    assert raced(CATALOG, *precisions) == KNOWN


def test_where_fp32_is_not_asked_for_who_is_known_only_in_another_precision_may_race() -> None:
    assert UNKNOWN
    # The controller leaves out, and names, whose accuracy it does not know there.
    assert raced(CATALOG, INT8_DYNAMIC) == KNOWN | UNKNOWN


def test_who_is_named_races() -> None:
    name = min(UNKNOWN)
    assert raced(CATALOG, FP32, names=name) == {name}
