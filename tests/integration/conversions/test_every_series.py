"""The cheapest backbone of each light series converts for both runtimes, and each series somewhere.

A series is light where its cheapest backbone is; the others take minutes each on a busy machine.
That all series convert is what `make conversions` writes down in `docs/conversion.md`, which is
held to it here. Backbones that a pass is for are converted in `tests.integration.models`, as are
two plain ones, and a small network of what only heavy series are made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.stoppers import stoppers_of
from models.catalog.variants import Variant, WeightsKind, variants_of
from models.conversion.pipeline import Converted, ForkServers, convert
from models.weights.weights import resolve_weights
from tests.integration.models.test_passes import BACKBONES

LIGHT_FLOPS_G = 0.6
# Those that `tests.integration.models` converts to look at.
PLAIN = ("PPLCNet_x0_25", "MobileNetV1_x0_25")
PAGE = Path(__file__).parents[3] / "docs/conversion.md"
_TARGETS = ("paddlelite arm", "paddlelite x86", "onnx any")


def cheapest_of_each_series() -> list[Backbone]:
    """The backbone of each series with the fewest multiply-adds."""
    cheapest: dict[str, Backbone] = {}
    for backbone in load_catalog():
        known = cheapest.setdefault(backbone.series, backbone)
        if _flops_g(backbone) < _flops_g(known):
            cheapest[backbone.series] = backbone
    return list(cheapest.values())


def _flops_g(backbone: Backbone) -> float:
    return backbone.counted_flops_g or backbone.flops_g or 0.0


CHEAPEST = cheapest_of_each_series()
STOPPED = [backbone for backbone in CHEAPEST if stoppers_of(backbone.series)]
LIGHT = [
    backbone
    for backbone in CHEAPEST
    if (_flops_g(backbone) < LIGHT_FLOPS_G or backbone in STOPPED)
    and backbone.name not in (*BACKBONES.values(), *PLAIN)
]


def _of_series(backbone: Backbone) -> str:
    return backbone.series


def convertible(backbone: Backbone) -> set[str]:
    """The files of a backbone that nothing is known to stop, as format and target."""
    stopped = {format_ for stopper in stoppers_of(backbone.series) for format_ in stopper.formats}
    return {_file(each) for each in variants_of(backbone) if each.format not in stopped}


def _file(variant: Variant) -> str:
    return f"{variant.format.value} {variant.target.value}"


@pytest.fixture(scope="module")
def servers() -> Iterator[ForkServers]:
    """Reading the tools' libraries is most of what a light network's conversion costs."""
    with ForkServers() as shared:
        yield shared


@pytest.mark.parametrize("backbone", LIGHT, ids=_of_series)
def test_a_light_series_has_checked_files_for_both_runtimes(
    backbone: Backbone, servers: ForkServers, tmp_path: Path
) -> None:
    variants = variants_of(backbone)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, tmp_path, lambda *_: None)
    fates = convert(backbone, variants, weights, tmp_path, lambda _step: None, servers=servers)
    assert [fate.variant for fate in fates] == list(variants)
    assert {_file(fate.variant) for fate in fates if isinstance(fate, Converted)} == convertible(
        backbone
    ), fates


def test_every_series_has_been_converted_for_both_runtimes() -> None:
    rows = (line.strip("| ").split(" | ") for line in PAGE.read_text("utf-8").splitlines())
    files = {
        cells[1]: {of for of, cell in zip(_TARGETS, cells[3:6], strict=True) if "ok" in cell}
        for cells in rows
        if len(cells) >= 6
    }
    assert {b.name: files[b.name] for b in CHEAPEST} == {b.name: convertible(b) for b in CHEAPEST}
