"""Published figures beside measured ones: which device is like which, and what disagrees."""

import dataclasses

import pytest

from controller.domain.measurements import Measurement
from controller.domain.rankings.reference import Agreement, Difference, ReferencePair
from controller.ranking.surveying.published import beside_published, like
from models.catalog.catalog import load_catalog
from models.catalog.published import (
    PublishedLatency,
    load_published_devices,
    load_published_latencies,
)
from protos.device import DeviceProfile
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, measurement
from tests.unit.controller.samples.reports import LITE, PUBLISHED


def _beside(published: PublishedLatency, *measured: Measurement) -> ReferencePair:
    [pair] = beside_published(
        DEVICE,
        ("Snapdragon 855",),
        measured,
        latencies=[published],
        catalog=load_catalog(),
        factor=1.5,
    ).pairs
    return pair


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        (DeviceProfile(architecture="aarch64", soc="Qualcomm SM8150-AC"), ("Snapdragon 855",)),
        (DeviceProfile(architecture="aarch64", soc="SM81500"), ()),
        (
            DeviceProfile(
                architecture="x86_64", cpu_model="Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"
            ),
            ("Intel Xeon Gold 6148",),
        ),
        (
            DeviceProfile(architecture="aarch64", android_properties={"ro.soc.model": "sm8650"}),
            ("Samsung Galaxy S24",),
        ),
        (DeviceProfile(architecture="x86_64"), ()),
    ],
)
def test_a_profile_that_names_the_chip_says_which_device_is_like_it(
    profile: DeviceProfile, names: tuple[str, ...]
) -> None:
    assert like(profile, load_published_devices().values()) == names


@pytest.mark.parametrize(
    ("latency_ms", "agreement"),
    [(12.0, Agreement.AGREES), (10.0, Agreement.AGREES), (6.0, Agreement.DISAGREES)],
)
def test_in_the_same_setting_a_figure_agrees_within_interval_or_factor(
    latency_ms: float, agreement: Agreement
) -> None:
    pair = _beside(dataclasses.replace(PUBLISHED, latency_ms=latency_ms), LITE)
    assert (pair.agreement, pair.differences) == (agreement, ())
    assert pair.ratio == pytest.approx(12.0 / latency_ms)


def test_a_wide_interval_agrees_with_what_is_inside_it() -> None:
    wide = measurement("MobileNetV2", 20.0, 11.0, runtime=Runtime.PADDLELITE)
    assert _beside(PUBLISHED, wide).agreement is Agreement.AGREES


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"runtime": "Paddle Inference + MKLDNN"}, Difference.RUNTIME),
        ({"processor": "npu"}, Difference.PROCESSOR),
        ({"precision": ""}, Difference.PRECISION),
        ({"threads": None}, Difference.THREADS),
    ],
)
def test_nothing_follows_from_a_figure_of_another_setting(
    changes: dict[str, object], difference: Difference
) -> None:
    pair = _beside(dataclasses.replace(PUBLISHED, latency_ms=1.0, **changes), LITE)  # type: ignore[arg-type]
    assert (pair.agreement, pair.differences) == (Agreement.OTHER_SETTING, (difference,))


def test_the_measurement_of_the_nearest_setting_stands_beside_it() -> None:
    onnx = measurement("MobileNetV2", 3.0)
    pair = _beside(PUBLISHED, onnx, LITE)
    assert (pair.runtime, pair.median_ms) == (Runtime.PADDLELITE, 12.0)
    assert _beside(PUBLISHED).agreement is Agreement.NOT_MEASURED


def test_every_shipped_figure_is_of_a_known_device_and_network_and_has_a_source() -> None:
    found = load_published_latencies()
    assert len(found) == 2_891
    assert {each.device for each in found} == set(load_published_devices())
    assert all(each.backbone in load_catalog() and each.source for each in found)
