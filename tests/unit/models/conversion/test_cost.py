"""What a conversion costs is known well enough beforehand to share a machine among many."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, variants_of
from models.conversion.cost import (
    expected_disk_bytes,
    expected_peak_bytes,
    expected_seconds,
    mixed_by_cost,
    seconds_by_variant,
)
from protos.inputs import ImageSize, square

CATALOG = load_catalog()


@pytest.mark.parametrize(
    ("name", "measured_mib"),
    [
        ("PPLCNet_x0_25", 402),
        ("MobileNetV1", 496),
        ("EfficientNetB0", 514),
        ("ResNet50", 1043),
        ("EfficientNetB7", 3217),
        ("HRNet_W64_C", 3557),
        ("VGG16", 4873),
        ("ConvNeXt_large_384", 4941),
        ("CSWinTransformer_large_384", 5226),
        ("ResNeXt101_32x48d_wsl", 9877),
        ("ViT_large_patch16_384", 10024),
    ],
)
def test_the_expected_peak_holds_what_was_measured_and_is_not_twice_that(
    name: str, measured_mib: int
) -> None:
    backbone = CATALOG.get(name)
    expected = expected_peak_bytes(backbone, variants_of(backbone))
    assert 0.95 * measured_mib * 2**20 < expected < 2 * measured_mib * 2**20


def test_larger_batches_and_images_need_more_and_what_is_no_onnx_file_less() -> None:
    backbone = CATALOG.get("ResNet50")
    ordinary = variants_of(backbone)
    paddle_lite = [variant for variant in ordinary if variant.format is Format.PADDLELITE]
    expected = expected_peak_bytes(backbone, ordinary)
    assert expected_peak_bytes(backbone, variants_of(backbone, batches=(16,))) > expected
    assert (
        expected_peak_bytes(backbone, variants_of(backbone, input_sizes=(square(512),))) > expected
    )
    assert 0 < expected_peak_bytes(backbone, paddle_lite) < expected
    assert expected_peak_bytes(backbone, ()) == 0


def test_the_disk_holds_five_files_of_the_parameters() -> None:
    backbone = CATALOG.get("ResNet50")
    expected = expected_disk_bytes(backbone, variants_of(backbone))
    images = 4 * 3 * 224**2 * 4
    assert expected == pytest.approx(25.557e6 * 20 + images, rel=1e-4)
    assert expected_disk_bytes(backbone, ()) == 0


def test_the_disk_holds_further_files_for_precisions_sizes_and_batches() -> None:
    backbone = CATALOG.get("ResNet50")
    ordinary = variants_of(backbone)
    fp32 = expected_disk_bytes(backbone, ordinary)
    # Nine files, what is translated before it is simplified, and what quantising needs meanwhile.
    reduced = expected_disk_bytes(backbone, variants_of(backbone, tuple(Precision)))
    assert fp32 + 17 * 25.557e6 < reduced < fp32 + 33 * 25.557e6
    sizes = variants_of(backbone, input_sizes=(square(224), square(288)))
    assert expected_disk_bytes(backbone, sizes) > 1.9 * fp32
    images = 60 * 4 * 3 * 224**2 * 4
    large_batch = expected_disk_bytes(backbone, variants_of(backbone, batches=(61,)))
    assert large_batch == pytest.approx(fp32 + images, rel=1e-4)


def test_the_images_of_a_large_batch_count_in_the_memory() -> None:
    backbone = CATALOG.get("PPLCNet_x0_25")
    few, many = (
        expected_peak_bytes(backbone, variants_of(backbone, (precision,), batches=(64,)))
        for precision in (Precision.FP32, Precision.INT8_STATIC)
    )
    assert many - few > 12 * 64 * 3 * 224**2 * 20


def test_arm_float16_needs_the_memory_and_the_disk_of_its_twins() -> None:
    backbone = CATALOG.get("VGG16")
    arm, onnx = (
        [v for v in variants_of(backbone, (Precision.FP16,)) if v.target is target]
        for target in (Target.ARM, Target.ANY)
    )
    assert expected_peak_bytes(backbone, arm) == expected_peak_bytes(backbone, onnx)
    assert expected_disk_bytes(backbone, arm) > expected_disk_bytes(backbone, onnx)


@given(st.lists(st.sampled_from(list(CATALOG)), unique=True, max_size=12))
def test_dear_and_cheap_ones_alternate_and_none_is_lost(chosen: list) -> None:  # type: ignore[type-arg]
    mixed = mixed_by_cost(chosen)
    assert sorted(b.name for b in mixed) == sorted(b.name for b in chosen)
    costs = [expected_seconds(backbone, variants_of(backbone)) for backbone in mixed]
    dear, cheap = costs[::2], costs[1::2]
    assert dear == sorted(dear, reverse=True)
    assert cheap == sorted(cheap)
    assert max(cheap, default=-math.inf) <= min(dear, default=math.inf)


def test_time_grows_with_the_precisions_sizes_and_batches_asked_for() -> None:
    backbone = CATALOG.get("ResNet50")
    ordinary = expected_seconds(backbone, variants_of(backbone))
    assert ordinary == pytest.approx(3.7 + 0.06e-6 * 25.557e6 + 1.25 * 4.1, rel=0.03)
    reduced = expected_seconds(backbone, variants_of(backbone, tuple(Precision)))
    # What precisions share is done once.
    assert 1.5 * ordinary < reduced < 4 * ordinary
    twice = expected_seconds(backbone, variants_of(backbone, batches=(1, 8)))
    assert twice > 2 * ordinary
    small = expected_seconds(backbone, variants_of(backbone, input_sizes=(square(112),)))
    assert small < ordinary
    assert expected_seconds(backbone, ()) == 0


@given(
    st.sampled_from(list(CATALOG)),
    st.sets(st.sampled_from(list(Precision)), min_size=1),
    st.sets(st.integers(32, 512).map(square), min_size=1, max_size=3),
)
def test_every_variant_takes_a_share_and_a_further_shape_changes_no_other(
    backbone: Backbone, precisions: set[Precision], sizes: set[ImageSize]
) -> None:
    together = seconds_by_variant(backbone, variants_of(backbone, precisions, sizes))
    assert set(together) == set(variants_of(backbone, precisions, sizes))
    assert all(seconds > 0 for seconds in together.values())
    for size in sizes:
        alone = seconds_by_variant(backbone, variants_of(backbone, precisions, (size,)))
        assert alone == {variant: together[variant] for variant in alone}
