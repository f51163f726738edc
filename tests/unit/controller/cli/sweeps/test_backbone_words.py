"""Words for backbones: names, patterns, series, tiers, and a person's own."""

import click
import pytest

from controller.cli.options.backbones import complete_backbones, read_backbones
from controller.cli.sweeps.sweep import sweep
from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.own import OwnFormat, own_backbone
from protos.inputs import NetworkInput, square

OWN = [
    own_backbone(name, OwnFormat.ONNX, "5f" * 32, NetworkInput(size=square(32)), 1.0)
    for name in ("PetalNet", "PetalNet_small", "Mine")
]
CATALOG = Catalog([*load_catalog(), *OWN])


def names(text: str) -> list[str]:
    return [backbone.name for backbone in read_backbones(text, CATALOG)]


def test_a_pattern_is_every_name_that_is_like_it() -> None:
    assert set(names("PPLCNetV2_base*")) == {"PPLCNetV2_base", "PPLCNetV2_base_ssld"}
    assert names("PetalNet*") == ["PetalNet", "PetalNet_small"]
    assert sorted(names("MobileNetV3_[sl]*_x1_0")) == [
        "MobileNetV3_large_x1_0",
        "MobileNetV3_small_x1_0",
    ]


def test_a_series_is_all_of_it_in_any_case() -> None:
    series = names("series:MobileNetV3")
    assert len(series) > 10
    assert names("series:mobilenetv3") == series
    assert {CATALOG.get(name).series for name in names("series:PP-LCNet*")} == {
        "PP-LCNet",
        "PP-LCNetV2",
    }


def test_own_models_are_meant_by_name_or_pattern() -> None:
    assert names("own:*") == ["PetalNet", "PetalNet_small", "Mine"]
    assert names("own:Mine,own:Petal*") == ["Mine", "PetalNet", "PetalNet_small"]


def test_words_mix_and_each_backbone_comes_once_where_it_was_first_meant() -> None:
    mixed = names("Mine,own:*,series:MobileNetV3,MobileNetV3_small_x1_0")
    assert mixed[:3] == ["Mine", "PetalNet", "PetalNet_small"]
    assert len(mixed) == len(set(mixed)) == 3 + len(names("series:MobileNetV3"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("series:MobilNetV3", "nearest: MobileNetV3"),
        ("series:", "no series is named ''"),
        ("PPLCnet_x9*", "PPLCNet_x"),
        ("own:Petall*", "nearest: PetalNet"),
        ("shape:round", "no backbone is named 'shape:round'"),
        ("tier:phone", "there are mobile"),
    ],
)
def test_a_word_that_means_nothing_says_what_would(text: str, hint: str) -> None:
    with pytest.raises(EdgerankError, match=hint) as refused:
        names(text)
    assert refused.value.code is ErrorCode.UNKNOWN_NAME


def test_without_own_models_that_is_said() -> None:
    with pytest.raises(EdgerankError, match="there is none"):
        read_backbones("own:*", load_catalog())


@pytest.mark.parametrize(
    ("begun", "completed"),
    [("MobileNetV1,series:Ghost", "MobileNetV1,series:GhostNet"), ("own", "own:*")],
)
def test_a_shell_completes_series_and_own_models(begun: str, completed: str) -> None:
    context = click.Context(sweep)
    (models,) = (param for param in sweep.params if param.name == "names")
    assert [item.value for item in complete_backbones(context, models, begun)] == [completed]
