"""Addresses: where published weights are, without importing PaddleClas."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.catalog.catalog import DEMO_BACKBONES, Backbone, load_catalog
from models.weights.addresses import NoPublishedWeights, published_address, read_table


@pytest.mark.parametrize("name", DEMO_BACKBONES)
def test_each_backbone_of_the_demonstration_has_an_address(name: str) -> None:
    address = published_address(load_catalog().get(name))
    assert address.startswith("https://")
    assert address.endswith(f"/{name}_pretrained.pdparams")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("MobileNetV3_large_x1_0_ssld", "MobileNetV3_large_x1_0_ssld_pretrained.pdparams"),
        (
            "SwinTransformer_base_patch4_window7_224_22kto1k",
            "SwinTransformer_base_patch4_window7_224_22kto1k_pretrained.pdparams",
        ),
        ("PPHGNetV2_B0", "PPHGNetV2_B0_ssld_pretrained.pdparams"),
    ],
)
def test_other_weights_of_an_architecture_have_their_own_address(name: str, file: str) -> None:
    assert published_address(load_catalog().get(name)).endswith(f"/{file}")


@pytest.mark.parametrize(
    "name", ["Fix_ResNet50_vd_ssld", "ResNet50_vd_v2", "MobileNetV3_large_x1_0_ssld_int8"]
)
def test_weights_that_nobody_publishes_are_not_guessed(name: str) -> None:
    with pytest.raises(NoPublishedWeights, match=f"no weights for {name}"):
        published_address(load_catalog().get(name))


def has_address(backbone: Backbone) -> bool:
    try:
        published_address(backbone)
    except NoPublishedWeights:
        return False
    return True


def test_nearly_the_whole_catalog_has_an_address() -> None:
    assert sum(map(has_address, load_catalog())) > 320


def test_a_module_without_a_table_has_no_addresses() -> None:
    assert read_table("OTHER={'a': 'b'}\n") == {}
    assert read_table("MODEL_URLS={'a': 'https://b'}\n") == {"a": "https://b"}


def test_a_controller_imports_no_framework() -> None:
    code = (
        "import sys, models.conversion.pipeline, models.catalog.tiers, models.weights.weights;"
        "from models.catalog.catalog import load_catalog;"
        "from models.weights.addresses import published_address;"
        "published_address(load_catalog().get('MobileNetV1'));"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'paddle', 'paddlelite', 'paddleclas', 'paddle2onnx', 'onnxruntime', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
